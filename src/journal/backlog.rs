//! What has ended and was not handed on yet: the journal read forward from a cursor, as
//! one item per event, refused call, or hook that ended after its event.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::record::{Entry, Record, StepEnd};
use super::search::story_of;
use super::story::{Story, is_final};
use super::{Journal, Mark};
use crate::sys::files::FileError;
use crate::sys::forward::Lines;

/// Most events followed at once that have begun and not ended. More can't wait in a queue
/// that works; the beginnings of those beyond are searched for when they end.
const MOST_OPEN: usize = 10_000;

/// Up to where everything has been handed on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// What ended before this has been handed on; none before the first time.
    handed_on: Option<Mark>,
    /// Where the oldest event begins that had not ended there: reading has to begin there
    /// to tell the whole of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reread_from: Option<Mark>,
}

/// One thing to hand on.
#[derive(Debug, PartialEq)]
pub enum Ended {
    /// An event with its outcome, a refused call, or a queue file that was set aside.
    Story(Box<Story>),
    /// A hook that held nobody ended after the outcome of its event.
    LateStep {
        /// The event whose hook it was, as far as the journal still knows it.
        story: Box<Story>,
        /// When it ended.
        time: Timestamp,
        /// The hook.
        step: String,
        /// How it ended.
        end: Box<StepEnd>,
    },
}

/// An event that has begun and not ended.
struct Open {
    /// How many events began before it in this reading.
    number: u64,
    /// Where its first record stands.
    from: Option<Mark>,
    boot_id: Option<Uuid>,
    /// Oldest first, without the kernel's states.
    entries: Vec<Entry>,
}

/// The reading of a journal on from a position.
pub struct Backlog<'a> {
    journal: &'a Journal,
    lines: Lines,
    /// What was handed on before; none once the reading is beyond that.
    until: Option<Mark>,
    /// Whether the reading has come to the file in which that ends.
    is_near: bool,
    open: BTreeMap<Uuid, Open>,
    begun: u64,
    line: Vec<u8>,
    /// When the first record was written that has been read.
    first: Option<Timestamp>,
}

impl<'a> Backlog<'a> {
    /// Opens what ended after a position. Tells also whether records may have been rotated
    /// away that were never handed on.
    ///
    /// # Errors
    /// When a journal file is there and can't be read.
    pub fn after(journal: &'a Journal, position: &Position) -> Result<(Self, bool), FileError> {
        let handed_on = position.handed_on.as_ref();
        let from = position.reread_from.as_ref().or(handed_on);
        let (mut lines, mut missed) = Lines::after(journal.path(), from)?;
        let mut is_near = from.zip(handed_on).is_some_and(|(from, to)| from.is_in_the_file_of(to));
        let mut until = handed_on.cloned();
        if missed && position.reread_from.is_some() {
            // The beginning of an old event has gone. What ended since need not have.
            (lines, missed) = Lines::after(journal.path(), handed_on)?;
            is_near = true;
        }
        if missed {
            until = None;
        }
        let backlog = Self {
            journal,
            lines,
            until,
            is_near,
            open: BTreeMap::new(),
            begun: 0,
            line: Vec::new(),
            first: None,
        };
        Ok((backlog, missed))
    }

    /// The next thing that ended, oldest first; none at the end of the journal.
    ///
    /// # Errors
    /// When a journal file can't be read.
    pub fn read_next(&mut self) -> Result<Option<Ended>, FileError> {
        loop {
            let from = self.lines.mark().cloned();
            let mut line = std::mem::take(&mut self.line);
            let is_there = self.lines.read(&mut line);
            self.line = line;
            if !is_there? {
                return Ok(None);
            }
            let is_new = self.is_new();
            let Ok(entry) = serde_json::from_slice::<Entry>(&self.line) else { continue };
            self.first.get_or_insert(entry.time);
            if let Some(ended) = self.take(entry, from, is_new)? {
                return Ok(Some(ended));
            }
        }
    }

    /// Whether the line just read lies beyond what was handed on.
    fn is_new(&mut self) -> bool {
        let (Some(until), Some(now)) = (&self.until, self.lines.mark()) else { return true };
        let is_there = now.is_in_the_file_of(until);
        // Files are read in the order in which they were written: another file after that
        // one is a newer one.
        let is_new = now.is_beyond(until) || (self.is_near && !is_there);
        self.is_near |= is_there;
        if is_new {
            self.until = None;
        }
        is_new
    }

    fn take(
        &mut self,
        entry: Entry,
        from: Option<Mark>,
        is_new: bool,
    ) -> Result<Option<Ended>, FileError> {
        let Some(id) = entry.event_id else {
            let story = Story::of_one(entry).filter(|_| is_new);
            return Ok(story.map(|story| Ended::Story(Box::new(story))));
        };
        match &entry.record {
            Record::State { .. } | Record::StateChange { .. } => return Ok(None),
            Record::Accepted { event, .. } => {
                let boot_id = event.boot_id;
                if boot_id.is_some() {
                    // The queue does not outlive a boot: what had not ended never will.
                    self.open.retain(|_, open| open.boot_id == boot_id);
                }
                self.begun += 1;
                if self.open.len() < MOST_OPEN {
                    let (number, entries) = (self.begun, vec![entry]);
                    self.open.insert(id, Open { number, from, boot_id, entries });
                }
                return Ok(None);
            }
            _ => {}
        }
        let is_outcome = matches!(entry.record, Record::Outcome { .. });
        if let Some(open) = self.open.get_mut(&id) {
            open.entries.push(entry);
            let open = if is_outcome { self.open.remove(&id) } else { None };
            let story = open.filter(|_| is_new).map(|open| Story::of_all(id, open.entries));
            return Ok(story.map(|story| Ended::Story(Box::new(story))));
        }
        if !is_new {
            return Ok(None);
        }
        self.of_unknown_beginning(id, entry, is_outcome)
    }

    /// The beginning lies before the place where reading began, or has been rotated away.
    fn of_unknown_beginning(
        &self,
        id: Uuid,
        entry: Entry,
        is_outcome: bool,
    ) -> Result<Option<Ended>, FileError> {
        let known = || story_of(self.journal, id);
        Ok(match entry.record {
            Record::StepEnd { step, end } if is_final(&end) => {
                let known = known()?;
                // Otherwise the event's own story, which is still to come, tells of it.
                let is_late = |story: &Story| story.ended.is_some_and(|ended| ended <= entry.time);
                if !known.as_ref().is_none_or(is_late) {
                    return Ok(None);
                }
                let alone = || Story { id: Some(id), ..Story::default() };
                let story = Box::new(known.unwrap_or_else(alone));
                Some(Ended::LateStep { story, time: entry.time, step, end: Box::new(end) })
            }
            _ if is_outcome => {
                let alone = || Story::of_all(id, vec![entry]);
                Some(Ended::Story(Box::new(known()?.unwrap_or_else(alone))))
            }
            _ => None,
        })
    }

    /// The position for a next reading, once all that came out of this one is handed on.
    #[must_use]
    pub fn position(&self) -> Position {
        let oldest = self.open.values().min_by_key(|open| open.number);
        let oldest = oldest.and_then(|open| open.from.clone());
        // Until what was handed on before is reached again, that stays where it is.
        let handed_on = self.until.clone().or_else(|| self.lines.mark().cloned());
        Position { handed_on, reread_from: oldest }
    }

    /// When the oldest record was written that this reading met.
    #[must_use]
    pub fn first(&self) -> Option<Timestamp> {
        self.first
    }
}

impl std::fmt::Debug for Backlog<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backlog").field("lines", &self.lines).finish_non_exhaustive()
    }
}
