//! What has been told a moment before, by another source: looked up in the journal.

use super::House;
use crate::event::Event;
use crate::journal::{Outcome, Record, StepOutcome, progress};
use crate::plan::{Before, Told, before};

/// Most lines that are looked at: in a burst the doubles are near.
const MOST_LINES: usize = 128;

/// The event that has told all of this one already, and what has been done for it.
pub(super) fn told(house: &House, event: &Event) -> Option<Told> {
    if event.facts.interface.is_none() || event.facts.action.is_none() {
        return None;
    }
    let (mut seen, mut by, mut in_vain) = (0, None, Vec::new());
    let looked = house.journal.read_back_kinds(&["accepted", "outcome"], |entry| {
        seen += 1;
        let Some(entry) = entry else { return seen < MOST_LINES };
        match entry.record {
            // Nothing was done for it, which another event made needless or nobody wanted.
            Record::Outcome { outcome: Outcome::Ignored, .. } => in_vain.extend(entry.event_id),
            Record::Accepted { event: earlier, .. } if !in_vain.contains(&earlier.id) => {
                match before(event, &earlier) {
                    Before::Other => {}
                    Before::News => return false,
                    Before::Told => {
                        by = Some(*earlier);
                        return false;
                    }
                }
            }
            _ => {}
        }
        seen < MOST_LINES
    });
    // Without a journal nobody knows.
    looked.ok()?;
    let by = by?;
    let progress = progress(&house.journal, by.id).ok()?;
    let is_well = |outcome: &StepOutcome| {
        matches!(outcome, StepOutcome::Done | StepOutcome::Changed | StepOutcome::NotForMe)
    };
    let done = progress.finished.into_iter().filter(|(_, outcome)| is_well(outcome));
    Some(Told { by, done: done.map(|(step, _)| step).collect() })
}
