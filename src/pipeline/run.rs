//! One run: the steps of one event, in order, each on record before and after.

use jiff::Timestamp;

use super::steps::Plan;
use super::{House, state};
use crate::event::Event;
use crate::journal::{Outcome, PlannedStep, Progress, Record, StepOutcome};
use crate::plan::{Skip, Step, Verdict};
use crate::queue::Ticket;
use crate::sys::clock::{self, Stopwatch};
use crate::sys::signals::Signals;
use crate::sys::syslog::Urgency;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Every step that was to run did.
    Done,
    /// A step failed; the others ran.
    Failed,
    /// This signal stopped it; the event stays in the queue.
    Stopped(i32),
}

/// A run of one event.
pub(super) struct Run<'a> {
    pub(super) house: &'a mut House,
    pub(super) signals: &'a Signals,
    pub(super) event: &'a Event,
    /// What an earlier attempt had finished.
    pub(super) done: &'a Progress,
    /// Its place in the queue, if it has one.
    pub(super) ticket: Option<&'a Ticket>,
}

impl Run<'_> {
    pub(super) fn through(self) -> End {
        let watch = Stopwatch::start();
        let id = Some(self.event.id);
        let mut plan = Plan::make(self.house, self.event, self.ticket);
        let planned = plan.steps.iter().map(|step| self.as_planned(step)).collect();
        let digest = state::record(self.house, self.event.id);
        self.house.record(
            id,
            Record::RunBegin { attempt: self.event.attempt, plan: planned, state: digest },
        );
        let mut tally = Tally::default();
        for step in std::mem::take(&mut plan.steps) {
            if let Some(outcome) = self.done.end_of(&step.name) {
                plan.take_note_of_rules(&step, outcome);
                tally.count(&step, outcome);
                continue;
            }
            let Verdict::Run(manner) = &step.verdict else { continue };
            if let Some(signal) = self.signals.stop() {
                return End::Stopped(signal);
            }
            self.house.record(id, Record::StepBegin { step: step.name.clone() });
            let end = plan.execute(self.house, self.signals, self.event, &step, manner);
            let outcome = end.outcome;
            self.house.record(id, Record::StepEnd { step: step.name.clone(), end });
            // An engine that was cut off may have changed the rules already.
            let in_doubt = outcome == StepOutcome::Done && self.done.was_cut_off(&step.name);
            let known = if in_doubt { StepOutcome::Changed } else { outcome };
            plan.take_note_of_rules(&step, known);
            if outcome == StepOutcome::Interrupted {
                return End::Stopped(self.signals.stop().unwrap_or_default());
            }
            tally.count(&step, outcome);
        }
        self.conclude(&tally, watch)
    }

    fn as_planned(&self, step: &Step) -> PlannedStep {
        let finished = self.done.end_of(&step.name).is_some();
        let skipped = match &step.verdict {
            Verdict::Run(_) if finished => Some("finished in an earlier attempt".to_owned()),
            Verdict::Run(_) => None,
            Verdict::Skip(skip) => Some(skip.to_string()),
        };
        let left_to = match step.verdict {
            Verdict::Skip(Skip::Coalesced(newer)) => Some(newer),
            _ => None,
        };
        let path = step.path.as_ref().map(|path| path.display().to_string());
        PlannedStep { step: step.name.clone(), path, skipped, left_to }
    }

    fn conclude(self, tally: &Tally, watch: Stopwatch) -> End {
        let ms = watch.milliseconds();
        let outcome = if tally.failed.is_empty() { Outcome::Done } else { Outcome::Failed };
        let reason =
            (!tally.failed.is_empty()).then(|| format!("failed: {}", tally.failed.join(", ")));
        let urgency = if tally.failed.is_empty() { Urgency::Info } else { Urgency::Warning };
        self.house.say(urgency, &summary(self.event, tally, ms));
        let waited_ms = Some(milliseconds_since(self.event.time) - ms).filter(|ms| *ms >= 0.0);
        self.house.record(Some(self.event.id), Record::Outcome { outcome, waited_ms, ms, reason });
        if tally.failed.is_empty() { End::Done } else { End::Failed }
    }
}

fn milliseconds_since(time: Timestamp) -> f64 {
    clock::now().duration_since(time).as_secs_f64() * 1000.0
}

/// What the steps came to.
#[derive(Debug, Default)]
struct Tally {
    hooks: usize,
    /// What became of the rules, in words; empty if nothing was to be done about them.
    rules: &'static str,
    failed: Vec<String>,
}

impl Tally {
    fn count(&mut self, step: &Step, outcome: StepOutcome) {
        if outcome.is_failure() {
            self.failed.push(step.name.clone());
        }
        if step.name == crate::plan::ENGINE {
            self.rules = match outcome {
                outcome if outcome.is_failure() => "rules FAILED",
                _ if step.path.is_some() => "rules made by a hook",
                StepOutcome::Changed => "rules changed",
                _ => "rules unchanged",
            };
        } else {
            self.hooks += 1;
        }
    }
}

/// One line for the log: what came, what became of it, how long it took. Nothing an
/// outsider chose is in it.
fn summary(event: &Event, tally: &Tally, ms: f64) -> String {
    let facts = &event.facts;
    let interface =
        facts.interface.as_ref().map_or_else(String::new, |interface| format!(" {interface}"));
    let rules = if tally.rules.is_empty() { "rules off" } else { tally.rules };
    let failed = match tally.failed.as_slice() {
        [] => String::new(),
        failed => format!(", failed: {}", failed.join(" ")),
    };
    let hooks = if tally.hooks == 1 { "hook" } else { "hooks" };
    format!(
        "{} {}{interface}: {rules}, {} {hooks} run{failed}, {ms:.1} ms, event {}",
        event.source, facts.trigger, tally.hooks, event.id
    )
}
