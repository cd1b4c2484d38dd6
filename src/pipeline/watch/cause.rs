//! Whose hook may have made a change that the kernel tells of: a hook that changes its interface
//! for every event would have events without end.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::super::House;
use super::Watcher;
use crate::event::{Cause, Event};
use crate::journal::{self, Reach, StepEnd, StepOutcome, Story};
use crate::plan;
use crate::sys::clock;

/// How much later than it is made a change may be heard: systemd starts the watch in between.
const LATER: Duration = Duration::from_millis(300);

/// The same of a watch that listens all the time.
const SOON: Duration = Duration::from_millis(20);

/// Records looked through for hooks.
const MOST_RECORDS: usize = 4096;

/// How long before a change a hook that was at work then can have been asked for.
const LONGEST: SignedDuration = SignedDuration::from_mins(10);

impl Watcher<'_> {
    /// The event of which a hook was at work at some time between these moments of
    /// `CLOCK_BOOTTIME`; the newest of those that count. The kernel does not say of every change
    /// who made it, so that this is as much as can be known.
    pub(super) fn hook_at_work(
        &self,
        house: &House,
        (from_ns, to_ns): (u64, u64),
        counts: impl Fn(&Event) -> bool,
    ) -> Option<Cause> {
        let later = if self.listener.is_handed_over { LATER } else { SOON };
        let from = at(from_ns)?.checked_sub(SignedDuration::try_from(later).ok()?).ok()?;
        let to = at(to_ns)?;
        let reach = Reach { since: from.checked_sub(LONGEST).ok(), records: MOST_RECORDS };
        let found = journal::look_back(&house.journal, reach, 1, |story: &Story| {
            let is_at_work = story.steps.iter().any(|step| {
                let is_for_it = |end: &StepEnd| end.outcome != StepOutcome::NotForMe;
                !plan::makes_rules(&step.planned.step)
                    && step.end.as_ref().is_none_or(is_for_it)
                    && step.began.is_some_and(|began| began <= to)
                    && step.ended.is_none_or(|ended| ended >= from)
            });
            is_at_work && story.event.as_deref().is_some_and(&counts)
        });
        let event = found.ok()?.stories.pop()?.event?;
        let first = event.first_cause.or(Some(event.id));
        Some(Cause { id: event.id, depth: event.cause_depth, first })
    }
}

/// What the clock on the wall showed at a moment of `CLOCK_BOOTTIME`.
fn at(boottime_ns: u64) -> Option<Timestamp> {
    let ago = Duration::from_nanos(clock::boottime_ns().saturating_sub(boottime_ns));
    clock::now().checked_sub(SignedDuration::try_from(ago).ok()?).ok()
}
