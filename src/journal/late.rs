//! How things ended that could not be put on record at the time: kept beside the queue, and
//! put on record once that can be done.

use super::record::{Entry, Record};
use super::{Journal, final_end, on_record, story::OnRecord};
use crate::paths::Layout;
use crate::sys::append::{self, LineFile};
use crate::sys::files::FileError;

/// Most bytes kept: some hundreds of ends. Without room for one, it is lost.
const MOST: u64 = 256 * 1024;

/// The file of such ends.
#[derive(Debug)]
pub struct Late(LineFile);

impl Late {
    /// The file of a machine; nothing is opened yet.
    #[must_use]
    pub fn of(layout: &Layout) -> Self {
        Self(LineFile::new(layout.unrecorded(), MOST, 0))
    }

    /// Keeps a record without which something would seem to go on for ever; others are not
    /// worth the place.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn keep(&mut self, entry: &Entry) -> Result<(), FileError> {
        if !matches!(entry.record, Record::Outcome { .. } | Record::StepEnd { .. }) {
            return Ok(());
        }
        self.0.append(&serde_json::to_string(entry).unwrap_or_default())
    }

    /// Puts on record what was kept, each once, with the time at which it happened. The holder
    /// of the lock calls this.
    ///
    /// # Errors
    /// When the journal still can't be written: what was kept stays then.
    pub fn put_on_record(&mut self, journal: &mut Journal) -> Result<(), FileError> {
        append::take_lines(self.0.path(), &mut |line| {
            let Ok(entry) = serde_json::from_slice::<Entry>(line) else { return Ok(()) };
            // Whoever did this before us may have been killed over it.
            if is_on_record(journal, &entry)? {
                return Ok(());
            }
            journal.append(&[entry])
        })
    }
}

fn is_on_record(journal: &Journal, entry: &Entry) -> Result<bool, FileError> {
    let Some(id) = entry.event_id else { return Ok(true) };
    match &entry.record {
        Record::Outcome { .. } => Ok(matches!(on_record(journal, id)?, OnRecord::Ended(_))),
        Record::StepEnd { step, .. } => Ok(final_end(journal, id, step)?.is_some()),
        _ => Ok(true),
    }
}
