//! The steps of a run: hooks gathered and planned, and each step set going when its turn
//! comes.

use super::hook::Executor;
use super::{House, unattended};
use crate::engine::{self, Applied, EngineError};
use crate::event::Event;
use crate::hooks::{self, Found, Judgement, Survey};
use crate::journal::{StepEnd, StepOutcome};
use crate::plan::{self, BadHeader, Candidate, Fitness, Manner, Step, Wishes};
use crate::queue::Ticket;
use crate::sys::clock::Stopwatch;
use crate::sys::signals::Signals;

/// The steps of one event, and what is known of the rules while they are executed.
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// How the rules stand, for `NETCUE_RULES`.
    rules: &'static str,
}

impl Plan {
    pub(super) fn make(house: &House, event: &Event, ticket: Option<&Ticket>) -> Self {
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

    pub(super) fn execute(
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
                    Ok(()) => StepEnd::of(StepOutcome::Started, 0.0),
                    Err(error) => StepEnd::not_started(error.to_string()),
                }
            }
            Some(path) => Executor { house, signals, event, rules }.run(&step.name, path, manner),
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
                unfit @ (Judgement::Distrusted(_) | Judgement::Unreadable(_)) => {
                    Fitness::Unfit(unfit.to_string())
                }
                Judgement::Ready(_) => match wishes(found) {
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

/// What a hook that may run wants.
///
/// # Errors
/// When its header can't be understood.
pub fn wishes(found: &Found) -> Result<Wishes, BadHeader> {
    match &found.beside {
        Some(file) => Wishes::from_beside(file, &found.head),
        None => Wishes::from_head(&found.head),
    }
}

/// The steps an event would have now, with nothing waiting behind it.
#[must_use]
pub fn preview(house: &House, event: &Event) -> Vec<Step> {
    Plan::make(house, event, None).steps
}

/// What waits behind a ticket at this moment. Events that can't be read are somebody else's
/// trouble: their own turn's.
fn read_waiting(house: &House, ticket: &Ticket) -> Vec<Event> {
    let waiting = house.queue.waiting().unwrap_or_default();
    waiting
        .iter()
        .filter(|other| *other > ticket)
        .filter_map(|other| house.queue.read(other).ok().flatten())
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
            StepEnd { output: report.notes.join("\n"), changes, ..StepEnd::of(outcome, ms) }
        }
        Err(error) => {
            StepEnd { reason: Some(error.to_string()), ..StepEnd::of(StepOutcome::Failed, ms) }
        }
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
