//! What the journal says about time: of each event, when it waited, when it ran, and from
//! when to when each of its steps.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::one_line;
use crate::answers::shared::wording;
use crate::event::Event;
use crate::journal::{Entry, Journal, Outcome, Record, StepEnd, StepOutcome};
use crate::reason::Reason;
use crate::sys::files::FileError;

/// Most events that one picture shows.
pub(super) const MOST: usize = 1000;

/// Events that follow one another faster than this belong to one burst.
const BURST: SignedDuration = SignedDuration::from_secs(1);

/// How far before the moment asked for an event may have begun that went on after it.
const LONGEST: SignedDuration = SignedDuration::from_hours(1);

/// Characters of a step's name in front of the reason of its failure, which is to be seen.
const LONGEST_NAME: usize = 32;

/// Which events are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// These.
    Ids(BTreeSet<Uuid>),
    /// Those of which anything is on record since then.
    Since(Timestamp),
    /// The newest, and those before it that followed each other quickly.
    Burst,
}

/// A time from one moment to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
}

impl Span {
    /// Clocks are set back now and then; a span never is.
    fn new(from: Timestamp, to: Timestamp) -> Self {
        Self { from, to: to.max(from) }
    }

    /// From the first beginning to the last end of several.
    pub(super) fn around(spans: impl Iterator<Item = Self>) -> Option<Self> {
        spans.reduce(|a, b| Self { from: a.from.min(b.from), to: a.to.max(b.to) })
    }

    /// How long it lasted, in milliseconds.
    pub(super) fn ms(self) -> f64 {
        self.to.duration_since(self.from).as_secs_f64() * 1000.0
    }
}

/// A step, from its beginning to its end.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bar {
    pub(super) step: String,
    pub(super) span: Span,
    /// None while it runs, or if its end is not on record.
    pub(super) outcome: Option<StepOutcome>,
    /// Why it failed; empty if it did not.
    pub(super) why: String,
    /// Whether it held nobody (`wait=no`).
    pub(super) alone: bool,
}

/// An event on its way from acceptance to outcome.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Track {
    pub(super) event: Box<Event>,
    pub(super) waiting: Vec<Span>,
    pub(super) running: Vec<Span>,
    pub(super) bars: Vec<Bar>,
    pub(super) outcome: Option<Outcome>,
    /// Why it ended so.
    pub(super) reason: Option<Reason>,
}

impl Track {
    /// From acceptance to the last that is known of it.
    pub(super) fn whole(&self) -> Span {
        let spans = self.waiting.iter().chain(&self.running);
        let ends = spans.chain(self.bars.iter().map(|bar| &bar.span)).map(|span| span.to);
        Span::new(self.event.time, ends.max().unwrap_or(self.event.time))
    }

    /// Whether the rules were changed for it.
    pub(super) fn changed_rules(&self) -> bool {
        self.bars.iter().any(|bar| bar.outcome == Some(StepOutcome::Changed))
    }

    /// Which steps failed, and why; or why it was given up.
    pub(super) fn failures(&self) -> Vec<String> {
        let failed =
            self.bars.iter().filter(|bar| bar.outcome.is_some_and(StepOutcome::is_failure));
        let failures = failed.map(|bar| {
            let step: String = one_line(&bar.step).chars().take(LONGEST_NAME).collect();
            format!("{step}: {}", one_line(&bar.why))
        });
        let given_up = self.reason.as_ref().filter(|_| self.outcome == Some(Outcome::GivenUp));
        failures.chain(given_up.map(|reason| one_line(&reason.to_string()))).collect()
    }

    pub(super) fn waited_ms(&self) -> f64 {
        self.waiting.iter().map(|span| span.ms()).sum()
    }

    pub(super) fn ran_ms(&self) -> f64 {
        self.running.iter().map(|span| span.ms()).sum()
    }
}

/// Reads the events that are wanted, oldest first. `in_hand` tells whether an event still
/// waits or runs: then its last span goes on to `now`.
///
/// # Errors
/// When a journal file is there and can't be read.
pub(super) fn read(
    journal: &Journal,
    wanted: &Wanted,
    now: Timestamp,
    in_hand: impl Fn(&Event) -> bool,
) -> Result<Vec<Track>, FileError> {
    let mut reading = Reading::of(wanted);
    journal.read_back(|entry| reading.take(entry))?;
    let mut tracks: Vec<Track> = reading
        .whole
        .into_values()
        .filter_map(|entries| track(entries.into_iter().rev(), now, &in_hand))
        .collect();
    tracks.sort_by_key(|track| (track.event.time, track.event.id));
    Ok(tracks)
}

/// The reading, newest record first.
struct Reading<'a> {
    wanted: &'a Wanted,
    /// Events whose acceptance has not been met yet: it lies further back.
    open: BTreeMap<Uuid, Vec<Entry>>,
    whole: BTreeMap<Uuid, Vec<Entry>>,
    oldest: Option<Timestamp>,
}

impl<'a> Reading<'a> {
    fn of(wanted: &'a Wanted) -> Self {
        Self { wanted, open: BTreeMap::new(), whole: BTreeMap::new(), oldest: None }
    }

    /// Takes one entry; false when no older one is wanted.
    fn take(&mut self, entry: Entry) -> bool {
        let Some(id) = entry.event_id else { return true };
        if !self.goes_on(&entry) {
            return false;
        }
        if !self.belongs(id, &entry) {
            return true;
        }
        // A run may begin before the process that took the event in has written that down.
        if let Some(entries) = self.whole.get_mut(&id) {
            entries.push(entry);
            return true;
        }
        let begins = matches!(entry.record, Record::Accepted { .. });
        self.oldest = Some(self.oldest.map_or(entry.time, |oldest| oldest.min(entry.time)));
        let mut entries = self.open.remove(&id).unwrap_or_default();
        entries.push(entry);
        if begins { &mut self.whole } else { &mut self.open }.insert(id, entries);
        let most = if let Wanted::Ids(ids) = self.wanted { ids.len() } else { MOST };
        self.whole.len() < most.min(MOST)
    }

    fn goes_on(&self, entry: &Entry) -> bool {
        match self.wanted {
            Wanted::Ids(_) => true,
            Wanted::Since(since) if self.open.is_empty() => entry.time >= *since,
            Wanted::Since(since) => entry.time.saturating_add(LONGEST).is_ok_and(|t| t >= *since),
            Wanted::Burst => {
                let follows = |oldest| entry.time.saturating_add(BURST).is_ok_and(|t| t >= oldest);
                !self.open.is_empty() || self.oldest.is_none_or(follows)
            }
        }
    }

    /// Whether an entry is about an event that may be wanted.
    fn belongs(&self, id: Uuid, entry: &Entry) -> bool {
        match self.wanted {
            Wanted::Ids(ids) => ids.contains(&id),
            Wanted::Since(since) => entry.time >= *since || self.open.contains_key(&id),
            Wanted::Burst => true,
        }
    }
}

/// Puts the entries of one event, oldest first, together.
fn track(
    entries: impl Iterator<Item = Entry>,
    now: Timestamp,
    in_hand: &impl Fn(&Event) -> bool,
) -> Option<Track> {
    let mut accepted = None;
    let mut others = Vec::new();
    for entry in entries {
        match entry.record {
            Record::Accepted { event, .. } => accepted = Some(event),
            record => others.push((entry.time, record)),
        }
    }
    let mut drawing = Drawing::of(accepted?);
    for (time, record) in others {
        drawing.take(time, record);
    }
    let goes_on = in_hand(&drawing.track.event);
    Some(drawing.finish(if goes_on { Some(now) } else { None }))
}

/// A track while its entries come in.
struct Drawing {
    track: Track,
    /// Since when it has been waiting, or running.
    since: Timestamp,
    runs: bool,
    last: Timestamp,
}

impl Drawing {
    fn of(event: Box<Event>) -> Self {
        let since = event.time;
        let track = Track {
            event,
            waiting: Vec::new(),
            running: Vec::new(),
            bars: Vec::new(),
            outcome: None,
            reason: None,
        };
        Self { track, since, runs: false, last: since }
    }

    fn take(&mut self, time: Timestamp, record: Record) {
        match record {
            Record::RunBegin { .. } => {
                if self.runs {
                    // The run before this one died: its last sign of life ended it.
                    self.turn(self.last, false);
                }
                self.turn(time, true);
            }
            Record::StepBegin { step } => self.track.bars.push(Bar {
                step,
                span: Span::new(time, time),
                outcome: None,
                why: String::new(),
                alone: false,
            }),
            Record::StepEnd { step, end } => self.step_end(time, step, &end),
            Record::Outcome { outcome, reason, .. } => {
                self.turn(time, false);
                self.track.outcome = Some(outcome);
                self.track.reason = reason;
            }
            _ => {}
        }
        self.last = self.last.max(time);
    }

    /// Ends the waiting or running that went on.
    fn turn(&mut self, time: Timestamp, runs: bool) {
        let span = Span::new(self.since, time);
        if self.runs {
            self.track.running.push(span);
        } else if span.ms() > 0.0 {
            self.track.waiting.push(span);
        }
        self.since = time;
        self.runs = runs;
    }

    fn step_end(&mut self, time: Timestamp, step: String, end: &StepEnd) {
        let is_failure = end.outcome.is_failure();
        let why = if is_failure { wording::how_it_failed(end) } else { String::new() };
        let open = self.track.bars.iter_mut().rev().find(|bar| {
            bar.step == step && matches!(bar.outcome, None | Some(StepOutcome::Started))
        });
        if let Some(bar) = open {
            bar.span = Span::new(bar.span.from, time);
            bar.outcome = Some(end.outcome);
            bar.why = why;
            bar.alone |= end.outcome == StepOutcome::Started;
        } else {
            let lasted = SignedDuration::try_from_secs_f64(end.ms / 1000.0).unwrap_or_default();
            let span = Span::new(time.checked_sub(lasted).unwrap_or(time), time);
            let outcome = Some(end.outcome);
            self.track.bars.push(Bar { step, span, outcome, why, alone: false });
        }
        if end.outcome == StepOutcome::Interrupted {
            self.turn(time, false);
        }
    }

    /// Ends what has no end on record: now, if it goes on, else with the last that is known.
    fn finish(mut self, now: Option<Timestamp>) -> Track {
        let end = now.unwrap_or(self.last);
        if self.track.outcome.is_none() {
            self.turn(end, false);
        }
        let last_run = self.track.running.last().map_or(end, |span| span.to);
        for bar in self.track.bars.iter_mut().filter(|bar| bar.outcome.is_none()) {
            bar.span = Span::new(bar.span.from, last_run);
        }
        self.track
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::event::{Facts, Stamp};

    /// An event so many seconds after a midnight, whose one step may have failed.
    pub(in super::super) fn track(second: i64, why: Option<&str>) -> Track {
        let time = Timestamp::from_second(1_764_115_200 + second).unwrap();
        let stamp = Stamp {
            id: Uuid::from_u128(u128::from(second.unsigned_abs())),
            time,
            boottime_ns: 1,
            boot_id: None,
            ifindex: None,
            cause: None,
        };
        let event =
            Event::new("boot".parse().unwrap(), Facts::of("start".parse().unwrap(), None), stamp);
        let span = Span::new(time, time.checked_add(SignedDuration::from_millis(20)).unwrap());
        let (step, outcome) = match why {
            Some(_) => (StepOutcome::Failed, Outcome::Failed),
            None => (StepOutcome::Done, Outcome::Done),
        };
        let why = why.unwrap_or_default().to_owned();
        let bar = Bar { step: "80-mail".to_owned(), span, outcome: Some(step), why, alone: false };
        Track {
            event: Box::new(event),
            waiting: Vec::new(),
            running: vec![span],
            bars: vec![bar],
            outcome: Some(outcome),
            reason: None,
        }
    }
}
