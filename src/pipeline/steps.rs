//! The stage on which the steps of a run are performed: hooks gathered and planned, the
//! engine and the hooks set going, and their ends put into the journal's words.

use std::path::{Path, PathBuf};

use super::{House, unattended};
use crate::engine::{self, Applied, EngineError};
use crate::event::Event;
use crate::hooks::{self, HookCall, HookEnd, HookOutcome, Judgement, Survey};
use crate::journal::{PlannedStep, StepEnd, StepOutcome};
use crate::plan::{self, Candidate, Fitness, Manner, Step, Waiting, Wishes};
use crate::queue::Ticket;
use crate::sys::child::Limits;
use crate::sys::clock::Stopwatch;
use crate::sys::invocation;
use crate::sys::signals::Signals;

/// The steps of one event, and what performing them needs.
pub(super) struct Stage {
    pub(super) steps: Vec<Step>,
    /// How the rules stand, for `NETCUE_RULES`.
    rules: &'static str,
}

impl Stage {
    pub(super) fn set(house: &House, event: &Event, ticket: Option<&Ticket>) -> Self {
        let survey = hooks::find(&house.layout);
        let candidates = candidates(&survey);
        let coalesces = candidates
            .iter()
            .any(|candidate| matches!(&candidate.fitness, Fitness::Fit(wishes) if wishes.coalesce));
        let ticket = ticket.filter(|_| coalesces);
        let waiting = ticket.map_or_else(Vec::new, |ticket| read_waiting(house, ticket));
        let steps = plan::make(event, &candidates, &waiting);
        Self { steps, rules: "" }
    }

    pub(super) fn perform(
        &self,
        house: &mut House,
        signals: &Signals,
        event: &Event,
        step: &Step,
        manner: &Manner,
    ) -> StepEnd {
        let rules = self.rules;
        match &step.path {
            None => regenerate(house),
            Some(path) if manner.unattended => {
                let sent = unattended::send(house, event, &step.name, path, rules, manner);
                match sent {
                    Ok(()) => ended(StepOutcome::Started, 0.0),
                    Err(error) => not_started(error.to_string()),
                }
            }
            Some(path) => {
                Performance { house, signals, event, rules }.hook(&step.name, path, manner)
            }
        }
    }

    /// Once the engine has ended, the hooks behind it are told how the rules stand.
    pub(super) fn take_note_of_rules(&mut self, step: &Step, outcome: StepOutcome) {
        if step.name == plan::ENGINE {
            self.rules = match outcome {
                StepOutcome::Changed => "changed",
                outcome if outcome.is_failure() => "failed",
                StepOutcome::NotForMe => "unchanged",
                // A hook in the engine's place doesn't tell; who asks has to look.
                _ if step.path.is_some() => "changed",
                _ => "unchanged",
            };
        }
    }
}

/// What a hook is performed with.
pub(super) struct Performance<'a> {
    pub(super) house: &'a House,
    pub(super) signals: &'a Signals,
    pub(super) event: &'a Event,
    pub(super) rules: &'a str,
}

impl Performance<'_> {
    /// Runs a checked file.
    fn file(&self, step: &str, path: &Path, file: PathBuf, manner: &Manner) -> StepEnd {
        let user = match &manner.user {
            None => None,
            Some(name) => match invocation::account(name) {
                Some(account) => Some(account),
                None => return not_started(format!("user={name}: there is no such account")),
            },
        };
        let config = &self.house.config.hooks;
        let limits = Limits {
            timeout: manner.timeout.unwrap_or_else(|| config.timeout()),
            grace: config.grace(),
            output: config.output,
        };
        let call = HookCall {
            step,
            file,
            called: path.to_owned(),
            root: self.house.layout.root(),
            event: self.event,
            rules: self.rules,
            user,
            limits,
        };
        as_step_end(hooks::run(&call, self.signals))
    }

    /// Runs a hook. It is checked anew: since the plan was made, earlier steps may have
    /// taken minutes, in which an administrator can have changed whose it is.
    pub(super) fn hook(&self, step: &str, path: &Path, manner: &Manner) -> StepEnd {
        match hooks::judge_hook(path, self.house.layout.root()) {
            Judgement::Ready(file) => self.file(step, path, file, manner),
            Judgement::Masked => not_started("it has been masked since".to_owned()),
            Judgement::Distrusted(distrust) => not_started(format!("not trusted: {distrust}")),
            Judgement::Unreadable(error) => not_started(error.to_string()),
        }
    }
}

/// The end of a step that could not be started.
pub(super) fn not_started(reason: String) -> StepEnd {
    StepEnd { reason: Some(reason), ..ended(StepOutcome::NotStarted, 0.0) }
}

/// The hooks as the plan sees them.
#[must_use]
pub fn candidates(survey: &Survey) -> Vec<Candidate> {
    survey
        .hooks
        .iter()
        .map(|found| Candidate {
            name: found.name.clone(),
            path: found.path.clone(),
            fitness: match &found.judgement {
                Judgement::Masked => Fitness::Masked,
                Judgement::Distrusted(distrust) => {
                    Fitness::Unfit(format!("not trusted: {distrust}"))
                }
                Judgement::Unreadable(error) => Fitness::Unfit(error.to_string()),
                Judgement::Ready(_) => match Wishes::from_head(&found.head) {
                    Ok(wishes) if wishes.manner.unattended && found.name == plan::ENGINE => {
                        // What comes behind it relies on the rules having been seen to.
                        Fitness::Unfit(
                            "wait=no: nothing else may begin before the rules".to_owned(),
                        )
                    }
                    Ok(wishes) => Fitness::Fit(wishes),
                    Err(bad) => Fitness::Unfit(bad.to_string()),
                },
            },
        })
        .collect()
}

/// The steps an event would have now, with nothing waiting behind it.
#[must_use]
pub fn preview(house: &House, event: &Event) -> Vec<Step> {
    Stage::set(house, event, None).steps
}

/// What waits behind a ticket at this moment. Events that can't be read are somebody else's
/// trouble: their own turn's.
fn read_waiting(house: &House, ticket: &Ticket) -> Vec<Waiting> {
    let waiting = house.queue.waiting().unwrap_or_default();
    waiting
        .iter()
        .filter(|other| *other > ticket)
        .filter_map(|other| house.queue.read(other).ok().flatten())
        .map(|event| Waiting { event })
        .collect()
}

fn regenerate(house: &mut House) -> StepEnd {
    let watch = Stopwatch::start();
    let result = regenerated(house);
    let ms = watch.milliseconds();
    match result {
        Ok(report) => {
            let (outcome, changes) = match report.result {
                Applied::Unchanged => (StepOutcome::Done, Vec::new()),
                Applied::Changed { lines, because } => {
                    let mut changes: Vec<String> = lines.iter().map(ToString::to_string).collect();
                    if changes.is_empty() {
                        // Somebody else had changed our table: the text is as it was.
                        changes = because;
                    }
                    (StepOutcome::Changed, changes)
                }
            };
            StepEnd { output: report.notes.join("\n"), changes, ..ended(outcome, ms) }
        }
        Err(error) => StepEnd { reason: Some(error.to_string()), ..ended(StepOutcome::Failed, ms) },
    }
}

fn regenerated(house: &mut House) -> Result<engine::Report, EngineError> {
    let memory = house.layout.rules();
    let session = match house.session.take() {
        Some(session) => session,
        None => engine::open()?,
    };
    engine::regenerate(&house.config.rules, &memory, house.session.insert(session))
}

fn ended(outcome: StepOutcome, ms: f64) -> StepEnd {
    StepEnd {
        outcome,
        status: None,
        signal: None,
        ms,
        reason: None,
        output: String::new(),
        changes: Vec::new(),
    }
}

fn as_step_end(end: HookEnd) -> StepEnd {
    let (outcome, status, signal, reason) = match end.outcome {
        HookOutcome::Done => (StepOutcome::Done, Some(0), None, None),
        HookOutcome::NotForMe => (StepOutcome::NotForMe, Some(77), None, None),
        HookOutcome::Failed(status) => (StepOutcome::Failed, Some(status), None, None),
        HookOutcome::Killed(signal) => (StepOutcome::Failed, None, Some(signal), None),
        HookOutcome::TimedOut => {
            (StepOutcome::TimedOut, None, None, Some("it exceeded its time limit".to_owned()))
        }
        HookOutcome::Interrupted(signal) => (StepOutcome::Interrupted, None, Some(signal), None),
        HookOutcome::NotStarted(reason) => (StepOutcome::NotStarted, None, None, Some(reason)),
    };
    let left = "processes it left in its group were ended";
    let reason = match (reason, end.left_processes) {
        (Some(reason), true) => Some(format!("{reason}; {left}")),
        (None, true) => Some(left.to_owned()),
        (reason, false) => reason,
    };
    StepEnd { status, signal, reason, output: end.output, ..ended(outcome, end.milliseconds) }
}

/// A step as the journal and `plan` show it.
pub(super) fn as_planned(step: &Step, skipped: Option<String>) -> PlannedStep {
    PlannedStep {
        step: step.name.clone(),
        path: step.path.as_ref().map(|path| path.display().to_string()),
        skipped,
    }
}
