//! Looking back through the journal no further than needed, and saying how far that was.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::Journal;
use super::delta::Delta;
use super::record::{Entry, Record};
use super::story::Story;
use crate::sys::files::FileError;
use crate::sys::state::KernelState;

/// Records looked through where nobody says how far back to look.
const FAR_ENOUGH: usize = 100_000;

/// How many records may stand between an event's acceptance and an older record of it: its
/// run may begin while the process that took it in is still about to write that down.
const OVERLAP: usize = 64;

/// How much the clocks of an event's id and of its records may differ.
const LEEWAY: SignedDuration = SignedDuration::from_secs(2);

/// How far back to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Not at what was written before.
    pub since: Option<Timestamp>,
    /// Not at more records than this.
    pub records: usize,
}

impl Default for Reach {
    fn default() -> Self {
        Self { since: None, records: FAR_ENOUGH }
    }
}

impl Reach {
    /// Everything since then, however much that is.
    #[must_use]
    pub fn since(time: Timestamp) -> Self {
        Self { since: Some(time), records: usize::MAX }
    }

    /// As far as an event whose id begins so can be: a `UUIDv7` begins with its time.
    #[must_use]
    pub fn of_id(beginning: &str) -> Self {
        let digits: String = beginning.chars().filter(|c| *c != '-').take(12).collect();
        let earliest = i64::from_str_radix(&format!("{digits:0<12}"), 16).ok();
        let time = earliest.and_then(|ms| Timestamp::from_millisecond(ms).ok());
        // Fewer digits than these leave more than a day open.
        time.filter(|_| digits.len() >= 5).map_or_else(Self::default, |time| {
            Self::since(time.checked_sub(LEEWAY).unwrap_or(Timestamp::MIN))
        })
    }
}

/// The story of one event, if the journal has it.
///
/// # Errors
/// When a journal file is there and can't be read.
pub fn story_of(journal: &Journal, id: Uuid) -> Result<Option<Story>, FileError> {
    let reach = Reach::of_id(&id.to_string());
    Ok(look_back(journal, reach, 1, |story| story.id == Some(id))?.stories.pop())
}

/// The kernel's state of that digest, whole again where only a change of it was recorded.
///
/// # Errors
/// When a journal file is there and can't be read.
pub fn state_of(journal: &Journal, digest: &str) -> Result<Option<KernelState>, FileError> {
    let mut wanted = digest.to_owned();
    let mut of_base: Option<Delta> = None;
    let mut found = None;
    journal.read_back(|entry| {
        match entry.record {
            Record::State { digest, state } if digest == wanted => {
                found = Some(*state);
                return false;
            }
            Record::StateChange { digest, base, change }
                if of_base.is_none() && digest == wanted =>
            {
                wanted = base;
                of_base = Some(*change);
            }
            _ => {}
        }
        true
    })?;
    Ok(match (found, of_base) {
        (Some(base), Some(change)) => change.applied_to(&base),
        (found, _) => found,
    })
}

/// What was found, and how far back that was looked for.
#[derive(Debug, Default)]
pub struct Found {
    /// The stories, newest first.
    pub stories: Vec<Story>,
    /// Records looked at.
    pub records: usize,
    /// When the oldest of them was written.
    pub back_to: Option<Timestamp>,
    /// Whether there may be more beyond: neither the beginning of the journal, nor the
    /// time asked for, nor the number of stories was what ended the search.
    pub cut_short: bool,
}

/// The newest stories that `wanted` takes, at most `most`, in the order in which they began:
/// what is told later of a story makes it no newer. A story whose beginning lies
/// beyond the reach is left out.
///
/// # Errors
/// When a journal file is there and can't be read.
pub fn look_back(
    journal: &Journal,
    reach: Reach,
    most: usize,
    mut wanted: impl FnMut(&Story) -> bool,
) -> Result<Found, FileError> {
    let mut found = Found::default();
    let mut search = Search::default();
    if most == 0 {
        return Ok(found);
    }
    journal.read_back(|entry| {
        if reach.since.is_some_and(|since| entry.time < since) {
            return false;
        }
        if found.records >= reach.records {
            found.cut_short = true;
            return false;
        }
        found.records += 1;
        found.back_to = Some(entry.time);
        search.take(entry, found.records);
        search.settle(found.records.checked_sub(OVERLAP), &mut wanted);
        search.done.len() < most
    })?;
    search.settle(Some(usize::MAX), &mut wanted);
    search.done.truncate(most);
    found.stories = search.done;
    Ok(found)
}

/// The newest stories, newest first: of every one that is met within so many records, the whole
/// is read, however far back it began. After a burst the newest records are of events that were
/// taken in long before.
///
/// # Errors
/// When a journal file is there and can't be read.
pub fn recent(journal: &Journal, records: usize) -> Result<Found, FileError> {
    let mut found = Found::default();
    let mut search = Search::default();
    let mut met = BTreeSet::new();
    journal.read_back(|entry| {
        if found.records >= FAR_ENOUGH {
            found.cut_short = true;
            return false;
        }
        found.records += 1;
        found.back_to = Some(entry.time);
        let is_near = found.records <= records;
        met.extend(entry.event_id.filter(|_| is_near));
        search.take(entry, found.records);
        let settled = found.records.checked_sub(OVERLAP);
        search.settle(settled, &mut |story| story.id.is_none_or(|id| met.remove(&id)));
        is_near || !met.is_empty()
    })?;
    search.settle(Some(usize::MAX), &mut |story| story.id.is_none_or(|id| met.remove(&id)));
    found.stories = search.done;
    Ok(found)
}

#[derive(Default)]
struct Search {
    /// Stories that older records may belong to.
    open: BTreeMap<Uuid, Open>,
    /// Ends of runs seen so far.
    ends: usize,
    /// Those whose beginning has been seen, and at which record.
    whole: VecDeque<(usize, Whole)>,
    /// What was wanted.
    done: Vec<Story>,
}

/// A story whose beginning has not been seen yet.
struct Open {
    story: Story,
    /// How many ends of runs had been seen when its run began; none if it has not begun.
    ends: Option<usize>,
}

/// A story whose beginning has been seen.
enum Whole {
    /// An event's, which is among the open ones.
    Event(Uuid),
    /// Refused calls and queue files that hold nothing have no id: each is one record.
    Alone(Box<Story>),
}

impl Search {
    fn take(&mut self, entry: Entry, number: usize) {
        let (id, time) = (entry.event_id, entry.time);
        let whole = match id {
            None => Story::of_one(entry).map(|story| Whole::Alone(Box::new(story))),
            Some(id) => {
                let open = self.open.entry(id).or_insert_with(|| Open {
                    story: Story { id: Some(id), last_time: Some(time), ..Story::default() },
                    ends: None,
                });
                match entry.record {
                    Record::Outcome { .. } => self.ends += 1,
                    Record::RunBegin { .. } => open.ends = Some(self.ends),
                    _ => {}
                }
                let is_whole = open.story.tell(entry);
                open.story.behind = open.ends.map_or(0, |ends| self.ends - ends);
                is_whole.then_some(Whole::Event(id))
            }
        };
        self.whole.extend(whole.map(|whole| (number, whole)));
    }

    /// Decides on the stories that were whole at that record, since nothing more will come.
    fn settle(&mut self, at: Option<usize>, wanted: &mut impl FnMut(&Story) -> bool) {
        while self.whole.front().is_some_and(|(number, _)| Some(*number) <= at) {
            let story = match self.whole.pop_front() {
                Some((_, Whole::Event(id))) => {
                    self.open.remove(&id).map(|open| open.story.concluded())
                }
                Some((_, Whole::Alone(story))) => Some(*story),
                None => None,
            };
            self.done.extend(story.filter(|story| wanted(story)));
        }
    }
}
