//! The journal: what happened, one JSON object a line, appended, rotated and read back
//! from its end.

mod record;
mod search;
mod story;

pub use record::{Entry, Outcome, PlannedStep, Record, StepEnd, StepOutcome};
pub use search::{Found, Reach, look_back, story_of};
pub use story::{Progress, Refused, Story, StoryStep, outcome_of, progress, stories};

use std::path::Path;

use jiff::Timestamp;
use uuid::Uuid;

use crate::config;
use crate::paths::Layout;
use crate::sys::append::LineFile;
use crate::sys::files::FileError;

/// Appends records; see netcue(8), FILES.
#[derive(Debug)]
pub struct Journal {
    lines: LineFile,
}

impl Journal {
    /// The journal of a machine; nothing is opened yet.
    #[must_use]
    pub fn of(layout: &Layout, config: &config::Journal) -> Self {
        Self { lines: LineFile::new(layout.journal(), config.size, config.keep) }
    }

    /// Where its newest file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.lines.path()
    }

    /// Appends one record.
    ///
    /// # Errors
    /// When the file can't be written; nothing of the record is left in it then.
    pub fn append(
        &mut self,
        time: Timestamp,
        event_id: Option<Uuid>,
        record: Record,
    ) -> Result<(), FileError> {
        let entry = Entry { time, event_id, record };
        self.lines.append(&serde_json::to_string(&entry).unwrap_or_default())
    }

    /// Reads backwards from the newest record until `visit` has seen enough (false).
    /// Lines that are no record, such as a torn one, are passed over.
    ///
    /// # Errors
    /// When a file is there and can't be read.
    pub fn read_back(&self, mut visit: impl FnMut(Entry) -> bool) -> Result<(), FileError> {
        crate::sys::tail::lines_back(self.lines.path(), &mut |line| {
            serde_json::from_slice(line).map_or(true, &mut visit)
        })
    }
}
