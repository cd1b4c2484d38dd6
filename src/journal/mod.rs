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

/// Bytes that hold most records.
const USUAL: usize = 1024;

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

    /// Appends records, all of them or none.
    ///
    /// # Errors
    /// When the file can't be written; nothing of the records is left in it then.
    pub fn append(&mut self, entries: &[Entry]) -> Result<(), FileError> {
        let mut json = Vec::with_capacity(USUAL);
        for entry in entries {
            if !json.is_empty() {
                json.push(b'\n');
            }
            // Only a map with keys that are no words could fail to be written.
            let _ = serde_json::to_writer(&mut json, entry);
        }
        // People look at the file itself, too.
        self.lines.append(&harmless_json(&String::from_utf8_lossy(&json)))
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

    /// The same for those who want records of these kinds alone, by their tags: `visit` gets
    /// none for every other line, which is not taken apart.
    ///
    /// # Errors
    /// When a file is there and can't be read.
    pub fn read_back_kinds(
        &self,
        kinds: &[&str],
        mut visit: impl FnMut(Option<Entry>) -> bool,
    ) -> Result<(), FileError> {
        crate::sys::tail::lines_back(self.lines.path(), &mut |line| {
            let is_wanted = kind_of(line).is_none_or(|kind| kinds.contains(&kind));
            visit(is_wanted.then(|| serde_json::from_slice(line).ok()).flatten())
        })
    }
}

/// The tag of a record, which [`Entry`] is written with behind its time and its event's id; none
/// where it can't be seen at once.
fn kind_of(line: &[u8]) -> Option<&str> {
    const TAG: &[u8] = br#""record":""#;
    const FURTHEST: usize = 128;
    let head = line.get(..FURTHEST).unwrap_or(line);
    let at = head.windows(TAG.len()).position(|bytes| bytes == TAG)?;
    let kind = head.get(at + TAG.len()..)?;
    let end = kind.iter().position(|byte| *byte == b'"')?;
    std::str::from_utf8(kind.get(..end)?).ok()
}
