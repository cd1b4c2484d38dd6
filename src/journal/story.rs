//! Records put together again: one story per event.

use jiff::Timestamp;
use uuid::Uuid;

use super::Journal;
use super::record::{Entry, Outcome, PlannedStep, Record, StepEnd, StepOutcome};
use crate::event::Event;
use crate::reason::Reason;
use crate::sys::files::FileError;

/// All that the journal says about one event, or about one refused call.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Story {
    /// When the newest record of it was written.
    pub last_time: Option<Timestamp>,
    /// The event's id; none for a refused call.
    pub id: Option<Uuid>,
    /// The event as accepted.
    pub event: Option<Box<Event>>,
    /// Why the call was refused.
    pub refused: Option<Refused>,
    /// The command line of the call, our own name first; empty if it was not recorded.
    pub argv: Vec<String>,
    /// The plan of the last run, then of each step what became of it.
    pub steps: Vec<StoryStep>,
    /// How often it was begun.
    pub attempts: u32,
    /// When its run was begun, the last time.
    pub began: Option<Timestamp>,
    /// How it ended, if it has.
    pub outcome: Option<Outcome>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How many others ended between its acceptance and the beginning of its run.
    pub behind: usize,
    /// From its acceptance to the beginning of the run, in milliseconds.
    pub waited_ms: Option<f64>,
    /// How long the run took, in milliseconds.
    pub ms: Option<f64>,
    /// Why it ended so.
    pub reason: Option<Reason>,
    /// Remarks made meanwhile, oldest first.
    pub remarks: Vec<String>,
}

/// A call that became no event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Whose call.
    pub source: Option<String>,
    /// Which trigger.
    pub trigger: Option<String>,
    /// Why.
    pub reason: Reason,
}

/// A step in a story.
#[derive(Debug, Clone, PartialEq)]
pub struct StoryStep {
    /// As planned.
    pub planned: PlannedStep,
    /// When it was begun, the last time.
    pub began: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How it ended; none if it was skipped, or has not ended.
    pub end: Option<StepEnd>,
}

impl StoryStep {
    /// A step of which nothing but its name is known yet.
    fn named(step: String) -> Self {
        let planned = PlannedStep { step, path: None, skipped: None, left_to: None };
        Self { planned, began: None, ended: None, end: None }
    }
}

impl Story {
    /// What one record tells by itself, such as that of a refused call, which has no event.
    #[must_use]
    pub fn of_one(entry: Entry) -> Option<Self> {
        let mut story = Self { last_time: Some(entry.time), ..Self::default() };
        story.tell(entry).then_some(story)
    }

    /// What all records of an event tell, oldest first.
    #[must_use]
    pub(super) fn of_all(id: Uuid, entries: Vec<Entry>) -> Self {
        let last_time = entries.last().map(|entry| entry.time);
        let mut story = Self { id: Some(id), last_time, ..Self::default() };
        for entry in entries.into_iter().rev() {
            story.tell(entry);
        }
        story
    }

    /// Takes in one entry, older than those before. Tells whether the story is now whole.
    pub(super) fn tell(&mut self, entry: Entry) -> bool {
        let time = entry.time;
        match entry.record {
            Record::Accepted { event, argv } => {
                self.event = Some(event);
                self.argv = argv;
                return true;
            }
            Record::Refused { source, trigger, reason, argv } => {
                self.refused = Some(Refused { source, trigger, reason });
                self.argv = argv;
                return true;
            }
            Record::RunBegin { attempt, plan, .. } => self.take_plan(time, attempt, plan),
            Record::State { .. } | Record::StateChange { .. } => {}
            Record::StepBegin { step } => self.with_step(step, |known| {
                known.began.get_or_insert(time);
            }),
            Record::StepEnd { step, end } => self.take_end(time, step, end),
            Record::RulesAhead { end } => {
                let how =
                    if end.outcome == StepOutcome::Changed { "changed" } else { "not changed" };
                let text = format!("its rules were made at once, ahead of its turn, and {how}");
                self.remarks.insert(0, text);
            }
            Record::Outcome { outcome, waited_ms, ms, reason } => {
                self.outcome = Some(outcome);
                self.ended = Some(time);
                self.waited_ms = waited_ms;
                self.ms = Some(ms);
                self.reason = reason;
            }
            Record::SetAside { path, reason } if self.id.is_none() => {
                self.outcome = Some(Outcome::GivenUp);
                self.reason = Some(Reason::SetAside { path, reason: Box::new(reason) });
                return true;
            }
            Record::SetAside { path, reason } => {
                let aside = Reason::SetAside { path, reason: Box::new(reason) };
                self.remarks.insert(0, aside.to_string());
            }
            Record::Remark { text } => self.remarks.insert(0, text),
        }
        false
    }

    /// With the ends that came after the outcome: a hook that holds nobody may fail when its
    /// run is long over, and its event has failed then like any other.
    pub(super) fn concluded(mut self) -> Self {
        let failed =
            |step: &&StoryStep| step.end.as_ref().is_some_and(|end| end.outcome.is_failure());
        let failed = self.steps.iter().filter(failed).map(|step| step.planned.step.clone());
        let steps: Vec<String> = failed.collect();
        if matches!(self.outcome, Some(Outcome::Done | Outcome::Failed)) && !steps.is_empty() {
            self.outcome = Some(Outcome::Failed);
            self.reason = Some(Reason::Steps { steps });
        }
        self
    }

    /// Steps come backwards: an end is seen before its beginning, and that before the plan.
    fn with_step(&mut self, name: String, change: impl FnOnce(&mut StoryStep)) {
        if let Some(known) = self.steps.iter_mut().find(|known| known.planned.step == name) {
            return change(known);
        }
        let mut step = StoryStep::named(name);
        change(&mut step);
        self.steps.push(step);
    }

    fn take_end(&mut self, time: Timestamp, step: String, end: StepEnd) {
        self.with_step(step, |known| {
            // A step that an earlier attempt finished isn't run again, and neither an
            // interruption nor the start of a hook that holds nobody is its end.
            if known.end.as_ref().is_none_or(|end| !is_final(end)) {
                known.end = Some(end);
                known.ended = Some(time);
            }
        });
    }

    fn take_plan(&mut self, time: Timestamp, attempt: u32, plan: Vec<PlannedStep>) {
        if self.attempts > 0 {
            return;
        }
        self.attempts = attempt;
        self.began = Some(time);
        let mut known = std::mem::take(&mut self.steps);
        let of_plan = plan.into_iter().map(|planned| {
            let at = known.iter().position(|known| known.planned.step == planned.step);
            let known = at.map(|at| known.swap_remove(at));
            let known = known.unwrap_or_else(|| StoryStep::named(planned.step.clone()));
            StoryStep { planned, ..known }
        });
        self.steps = of_plan.collect();
    }
}

pub(super) fn is_final(end: &StepEnd) -> bool {
    !matches!(end.outcome, StepOutcome::Interrupted | StepOutcome::Started)
}

/// What a run that died or was stopped had finished, so that it isn't done twice.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// The steps that have ended, in any attempt.
    pub finished: Vec<(String, StepOutcome)>,
    /// The steps that were begun, in any attempt.
    pub begun: Vec<String>,
    /// How the event ended, if it has.
    pub outcome: Option<Outcome>,
    /// The last attempt that was begun.
    pub attempt: u32,
    /// How many attempts were asked to stop in the middle of a step.
    pub interruptions: u32,
}

impl Progress {
    /// How a step ended, if it has.
    #[must_use]
    pub fn end_of(&self, step: &str) -> Option<StepOutcome> {
        self.finished.iter().find(|(name, _)| name == step).map(|(_, outcome)| *outcome)
    }

    /// Whether a step was begun and has not ended: nobody knows how far it got.
    #[must_use]
    pub fn was_cut_off(&self, step: &str) -> bool {
        self.begun.iter().any(|name| name == step) && self.end_of(step).is_none()
    }
}

/// Looks up how far an event got.
///
/// # Errors
/// When a journal file is there and can't be read.
pub fn progress(journal: &Journal, id: Uuid) -> Result<Progress, FileError> {
    let mut progress = Progress::default();
    journal.read_back(|entry| {
        if entry.event_id != Some(id) {
            return true;
        }
        match entry.record {
            Record::StepEnd { end, .. } if end.outcome == StepOutcome::Interrupted => {
                progress.interruptions += 1;
            }
            Record::StepEnd { step, end } => progress.finished.push((step, end.outcome)),
            Record::StepBegin { step } => progress.begun.push(step),
            Record::Outcome { outcome, .. } => progress.outcome = Some(outcome),
            Record::RunBegin { attempt, .. } => {
                progress.attempt = progress.attempt.max(attempt);
                return attempt > 1;
            }
            _ => {}
        }
        true
    })?;
    Ok(progress)
}

/// What is on record of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRecord {
    /// The journal doesn't know it.
    Unknown,
    /// It was accepted, and has no outcome yet.
    Accepted,
    /// It has ended.
    Ended(Outcome),
}

/// Looks up what is known of an event.
///
/// # Errors
/// When a journal file is there and can't be read.
pub fn on_record(journal: &Journal, id: Uuid) -> Result<OnRecord, FileError> {
    let mut found = OnRecord::Unknown;
    journal.read_back(|entry| {
        match entry.record {
            Record::Outcome { outcome, .. } if entry.event_id == Some(id) => {
                found = OnRecord::Ended(outcome);
            }
            Record::Accepted { .. } if entry.event_id == Some(id) => found = OnRecord::Accepted,
            _ => {}
        }
        found == OnRecord::Unknown
    })?;
    Ok(found)
}

/// Whether it is on record that a file of the queue was set aside as `path`.
///
/// # Errors
/// When a journal file is there and can't be read.
pub fn is_set_aside(journal: &Journal, path: &str) -> Result<bool, FileError> {
    let mut found = false;
    journal.read_back(|entry| {
        found = matches!(entry.record, Record::SetAside { path: known, .. } if known == path);
        !found
    })?;
    Ok(found)
}

/// How a hook that holds nobody ended, if that is on record.
///
/// # Errors
/// When a journal file is there and can't be read.
pub fn final_end(
    journal: &Journal,
    id: Uuid,
    step: &str,
) -> Result<Option<StepOutcome>, FileError> {
    let mut found = None;
    journal.read_back(|entry| {
        match entry.record {
            Record::StepEnd { step: name, end } if entry.event_id == Some(id) && name == step => {
                found = is_final(&end).then_some(end.outcome);
            }
            Record::Accepted { .. } if entry.event_id == Some(id) => return false,
            _ => {}
        }
        found.is_none()
    })?;
    Ok(found)
}
