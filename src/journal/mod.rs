//! The journal: what happened, one JSON object a line, appended, rotated and read back
//! from its end.

mod backlog;
mod cursor;
mod delta;
mod heard;
mod late;
mod named;
mod record;
mod search;
mod story;

pub use backlog::{Backlog, Ended, Position};
pub use cursor::{Cursor, CursorError, Failing, Last};
pub use delta::Delta;
pub use heard::{Heard, last_heard};
pub use late::Late;
pub use named::{Name, look_up};
pub use record::{Entry, Outcome, PlannedStep, Record, StepEnd, StepOutcome};
pub use search::{Found, Reach, look_back, recent, state_of, story_of};
pub use story::{
    OnRecord, Progress, Refused, Story, StoryStep, final_end, is_set_aside, on_record, progress,
};

pub use crate::sys::forward::Mark;

use std::path::Path;

use crate::config;
use crate::paths::Layout;
use crate::sys::append::LineFile;
use crate::sys::files::FileError;
use crate::sys::terminal::harmless_json;

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
    pub fn append(&mut self, entry: &Entry) -> Result<(), FileError> {
        // People look at the file itself, too.
        let json = serde_json::to_string(entry).unwrap_or_default();
        self.lines.append(&harmless_json(&json))
    }

    /// Reads on from where an earlier reading stopped, or from the oldest record there is.
    /// Gives back where this one stopped, and whether records may have been rotated away
    /// in between.
    ///
    /// # Errors
    /// When a file is there and can't be read.
    pub fn read_on(
        &self,
        mark: Option<&Mark>,
        mut visit: impl FnMut(Entry),
    ) -> Result<(Option<Mark>, bool), FileError> {
        crate::sys::forward::lines_after(self.lines.path(), mark, &mut |line| {
            if let Ok(entry) = serde_json::from_slice(line) {
                visit(entry);
            }
        })
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
