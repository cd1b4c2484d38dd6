//! The steps of a run: hooks gathered and planned, and each step set going when its turn
//! comes.

use std::collections::BTreeSet;

use super::hook::Call;
use super::{House, told, unattended};
use crate::engine::{self, Applied, Classes, EngineError, Side};
use crate::event::Event;
use crate::hooks::{self, Found, Judgement, Sides, Survey};
use crate::journal::{StepEnd, StepOutcome};
use crate::plan::{self, BadHeader, Candidate, Fitness, Kind, Step, Wishes};
use crate::sys::clock::Stopwatch;
use crate::sys::files::FileError;
use crate::sys::signals::Signals;

/// The steps of an event. What waits `behind` it counts where a hook asks for the newest.
pub(super) fn plan(
    house: &House,
    event: &Event,
    behind: &mut dyn FnMut() -> Vec<Event>,
) -> Vec<Step> {
    let candidates = candidates(&hooks::find(&house.layout));
    let coalesces = candidates
        .iter()
        .any(|candidate| matches!(&candidate.fitness, Fitness::Fit(wishes) if wishes.coalesce));
    let waiting = if coalesces { behind() } else { Vec::new() };
    let has_hooks = candidates.iter().any(|candidate| {
        matches!(candidate.kind, Kind::Hook(_)) && matches!(candidate.fitness, Fitness::Fit(_))
    });
    let told = if has_hooks { told::told(house, event) } else { None };
    plan::make(event, candidates, plan::Around { waiting: &waiting, told: told.as_ref() })
}

/// Lets the engine regenerate the rules.
pub(super) fn run_engine(house: &mut House) -> StepEnd {
    let watch = Stopwatch::start();
    let result = regenerated(house);
    let ms = watch.milliseconds();
    match result {
        Ok(report) => {
            let _ = house.sides.set(sides_of(&report.classes));
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

/// What the rules are made for. The engine has told it if it ran for this event; else the
/// kernel is asked, once.
pub(super) fn sides(house: &House) -> &Sides {
    house.sides.get_or_init(|| {
        let state = engine::state(&house.layout.rules()).unwrap_or_default();
        sides_of(&engine::classify(&state, &house.config.rules))
    })
}

fn sides_of(classes: &Classes) -> Sides {
    let on = |side| -> BTreeSet<String> {
        classes.all_on(side).map(|(name, ..)| name.to_string()).collect()
    };
    let (outside, inside) = (on(Side::Outside), on(Side::Inside));
    Sides::of(outside, inside, classes.networks())
}

/// Takes the rules out where the engine's name is masked; says what became of that, if there
/// were any.
pub(super) fn take_rules_out(house: &mut House) -> Option<Result<String, String>> {
    let memory = house.layout.rules();
    let session = match house.session.take() {
        Some(session) => Ok(session),
        None => engine::open(),
    };
    let taken =
        session.and_then(|session| engine::take_out(&memory, house.session.insert(session)));
    match taken {
        // Where the kernel has no nf_tables, it has no table of ours.
        Ok(false) | Err(EngineError::Missing { .. }) => None,
        Ok(true) => Some(Ok("took out table inet netcue: 50-rules is masked".to_owned())),
        Err(error) => Some(Err(format!("50-rules is masked, and its table stays: {error}"))),
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

/// Runs a hook to its end, or sends one that holds nobody on its way.
pub(super) fn run_hook(house: &House, signals: &Signals, call: &Call<'_>) -> StepEnd {
    if !call.manner.unattended {
        return call.run(house, signals);
    }
    match unattended::send(house, call) {
        Ok(()) => StepEnd::of(StepOutcome::Started, 0.0),
        Err(error) => StepEnd::not_started(error.to_string()),
    }
}

/// All that may become a step: the hooks that were found, the engine, and each folder that
/// can't be listed, as one that is refused.
#[must_use]
pub fn candidates(survey: &Survey) -> Vec<Candidate> {
    let candidate = |found: &Found| {
        let kind = Kind::of_file(&found.name, found.path.clone());
        let fitness = match &found.judgement {
            Judgement::Masked => Fitness::Masked,
            unfit @ (Judgement::Distrusted(_) | Judgement::Unreadable(_)) => {
                Fitness::Unfit(unfit.to_string())
            }
            Judgement::Ready(_) => match (wishes(found), &kind) {
                (Ok(wishes), Kind::InPlaceOfEngine(_)) if wishes.manner.unattended => {
                    // What comes behind it relies on the rules having been seen to.
                    Fitness::Unfit("wait=no: nothing else may begin before the rules".to_owned())
                }
                (Ok(wishes), _) => Fitness::Fit(wishes),
                (Err(bad), _) => Fitness::Unfit(bad.to_string()),
            },
        };
        Candidate { name: found.name.clone(), kind, fitness }
    };
    // What a folder would hold is not known: its name stands for all of that.
    let folder = |error: &FileError| Candidate {
        name: error.path.display().to_string(),
        kind: Kind::Hook(error.path.clone()),
        fitness: Fitness::Unfit(error.to_string()),
    };
    let folders = survey.unreadable.iter().map(folder);
    plan::with_engine(survey.hooks.iter().map(candidate).chain(folders).collect())
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
    plan(house, event, &mut Vec::new)
}
