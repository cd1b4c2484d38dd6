//! The steps of a run: hooks gathered and planned, and each step set going when its turn
//! comes.

use super::hook::Call;
use super::{House, told, unattended};
use crate::event::Event;
use crate::hooks::{self, Found, Judgement, Survey};
use crate::journal::{StepEnd, StepOutcome};
use crate::plan::{self, BadHeader, Candidate, Fitness, Kind, Step, Wishes};
use crate::reason::Reason;
use crate::sys::files::FileError;
use crate::sys::signals::Signals;

/// The steps of an event. What waits `behind` it counts where a hook asks for the newest.
pub(super) fn plan(
    house: &House,
    event: &Event,
    behind: &mut dyn FnMut() -> Vec<Event>,
) -> Vec<Step> {
    let candidates = candidates(&hooks::find(&house.layout, &house.config.adopt));
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

/// Runs a hook to its end, or sends one that holds nobody on its way.
pub(super) fn run_hook(house: &House, signals: &Signals, call: &Call<'_>) -> StepEnd {
    if !call.manner.unattended {
        return call.run(house, signals);
    }
    match unattended::send(house, call) {
        Ok(()) => StepEnd::of(StepOutcome::Started, 0.0),
        Err(error) => StepEnd::not_started((&error).into()),
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
            Judgement::Distrusted(distrust) => Fitness::Unfit(distrust.into()),
            Judgement::Unreadable(error) => Fitness::Unfit(error.into()),
            Judgement::Ready(_) => match (wishes(found), &kind) {
                (Ok(wishes), Kind::InPlaceOfEngine(_)) if wishes.manner.unattended => {
                    // What comes behind it relies on the rules having been seen to.
                    Fitness::Unfit(Reason::RulesUnattended)
                }
                (Ok(wishes), _) => Fitness::Fit(wishes),
                (Err(bad), _) => Fitness::Unfit((&bad).into()),
            },
        };
        Candidate { name: found.name.clone(), rank: found.rank(), kind, fitness }
    };
    // What a folder would hold is not known: its name stands for all of that.
    let folder = |error: &FileError| Candidate {
        name: error.path.display().to_string(),
        rank: error.path.display().to_string(),
        kind: Kind::Hook(error.path.clone()),
        fitness: Fitness::Unfit(error.into()),
    };
    let folders = survey.unreadable.iter().map(folder);
    plan::with_engine(survey.hooks.iter().map(candidate).chain(folders).collect())
}

/// What a hook that may run wants: what its header says, and where it stands in another
/// dispatcher's folder, what the configuration says of that.
///
/// # Errors
/// When its header can't be understood.
pub fn wishes(found: &Found) -> Result<Wishes, BadHeader> {
    let mut wishes = match &found.beside {
        Some(file) => Wishes::from_beside(file, &found.head),
        None => Wishes::from_head(&found.head),
    }?;
    if let Some(folder) = &found.adopted {
        if wishes.actions.is_empty() {
            wishes.actions = folder.on.iter().map(ToString::to_string).collect();
        }
        wishes.not_from = folder.not_from.iter().map(ToString::to_string).collect();
        wishes.manner.like = Some(folder.like());
    }
    Ok(wishes)
}

/// The steps an event would have now, with nothing waiting behind it.
#[must_use]
pub fn preview(house: &House, event: &Event) -> Vec<Step> {
    plan(house, event, &mut Vec::new)
}
