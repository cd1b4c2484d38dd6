//! Event + hooks + what else waits → ordered steps, each with the reason why it runs or
//! doesn't. Pure.

mod header;
mod lint;
mod told;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use header::{BadHeader, KEYS, Wishes};
pub use lint::{Names, Oddity, oddities};
pub use told::{Before, Told, before};

use crate::event::{Action, Event, InterfaceName};
use crate::profiles::Like;
use crate::reason::Reason;

/// The name under which the engine stands among the hooks.
const ENGINE: &str = "50-rules";

/// Whether a step of that name sees to the rules, be it the engine or a hook in its place.
#[must_use]
pub fn makes_rules(name: &str) -> bool {
    name == ENGINE
}

/// Whether a hook of that name runs after the rules have been seen to.
#[must_use]
pub fn stands_behind_the_rules(name: &str) -> bool {
    name.as_bytes() > ENGINE.as_bytes()
}

/// What runs when a step's turn comes. A path is that in the hook folder, links not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// The built-in engine.
    Engine,
    /// A hook.
    Hook(PathBuf),
    /// A hook that runs in place of the engine.
    InPlaceOfEngine(PathBuf),
}

impl Kind {
    /// What a file of that name in a hook folder is.
    #[must_use]
    pub fn of_file(name: &str, path: PathBuf) -> Self {
        if makes_rules(name) { Self::InPlaceOfEngine(path) } else { Self::Hook(path) }
    }

    /// The hook's path; none for the built-in engine.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Engine => None,
            Self::Hook(path) | Self::InPlaceOfEngine(path) => Some(path),
        }
    }

    /// Where people find it: its path, or that it is built in.
    #[must_use]
    pub fn place(&self) -> String {
        self.path().map_or_else(|| "(built in)".to_owned(), |path| path.display().to_string())
    }
}

/// What may become a step of an event.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its name.
    pub name: String,
    /// By what it is ordered: its name, unless it stands in another dispatcher's folder.
    pub rank: String,
    /// What it is.
    pub kind: Kind,
    /// Whether it could run at all.
    pub fitness: Fitness,
}

/// Whether a step could run at all.
#[derive(Debug, Clone)]
pub enum Fitness {
    /// It could, where its wishes fit.
    Fit(Wishes),
    /// Its name is masked.
    Masked,
    /// It should, and can't be: it isn't trusted, can't be read, or has a bad header.
    Unfit(Reason),
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Whether it runs.
    pub verdict: Verdict,
}

/// Whether a step runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It does, in this way.
    Run(Manner),
    /// It doesn't, for this reason.
    Skip(Reason),
    /// It should and may not: nobody knows whether it was meant for this event, so it counts
    /// as failed.
    Refuse(Reason),
}

impl Verdict {
    /// Why the step doesn't run, if it doesn't.
    #[must_use]
    pub fn why_not(&self) -> Option<&Reason> {
        match self {
            Self::Run(_) => None,
            Self::Skip(reason) | Self::Refuse(reason) => Some(reason),
        }
    }
}

/// In which way a hook runs, where it isn't the usual one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manner {
    /// Its own time limit.
    pub timeout: Option<Duration>,
    /// The account it runs as.
    pub user: Option<String>,
    /// Whether it holds nobody (`wait=no`).
    pub unattended: bool,
    /// As whose script it is run.
    pub like: Option<Like>,
}

/// All that may become a step, in order: the hooks by rank, with the engine at its place
/// unless a hook of that name replaces or masks it.
#[must_use]
pub fn with_engine(mut hooks: Vec<Candidate>) -> Vec<Candidate> {
    if !hooks.iter().any(|hook| makes_rules(&hook.name)) {
        let (name, fitness) = (ENGINE.to_owned(), Fitness::Fit(Wishes::default()));
        hooks.push(Candidate { rank: name.clone(), name, kind: Kind::Engine, fitness });
    }
    hooks.sort_by(|a, b| a.rank.as_bytes().cmp(b.rank.as_bytes()));
    hooks
}

/// What stands around an event.
#[derive(Debug, Clone, Copy, Default)]
pub struct Around<'a> {
    /// The events behind it.
    pub waiting: &'a [Event],
    /// What has told all of it already.
    pub told: Option<&'a Told>,
}

/// Whether the first step that runs is the built-in engine.
#[must_use]
pub fn begins_with_the_engine(steps: &[Step]) -> bool {
    let runs = |step: &&Step| matches!(step.verdict, Verdict::Run(_));
    steps.iter().find(runs).is_some_and(|step| step.kind == Kind::Engine)
}

/// Whether a hook that stands before the engine could run for any event.
#[must_use]
pub fn has_any_before_the_engine(candidates: &[Candidate]) -> bool {
    let before = candidates.iter().take_while(|candidate| !makes_rules(&candidate.name));
    before.into_iter().any(|candidate| matches!(candidate.fitness, Fitness::Fit(_)))
}

/// Plans the steps for an event.
#[must_use]
pub fn make(event: &Event, candidates: Vec<Candidate>, around: Around<'_>) -> Vec<Step> {
    let planned = |candidate: Candidate| {
        let verdict = verdict(event, &candidate, around);
        Step { name: candidate.name, kind: candidate.kind, verdict }
    };
    candidates.into_iter().map(planned).collect()
}

fn verdict(event: &Event, candidate: &Candidate, around: Around<'_>) -> Verdict {
    match candidate.fitness.clone() {
        Fitness::Masked => Verdict::Skip(Reason::Masked { path: candidate.kind.place() }),
        Fitness::Unfit(reason) => Verdict::Refuse(reason),
        Fitness::Fit(wishes) => {
            let reason = wishes
                .unwanted(event)
                .or_else(|| is_for_the_rules_only(event, candidate, &wishes))
                .or_else(|| newer_wanted(event, &wishes, around.waiting))
                .or_else(|| already_told(candidate, &wishes, around.told));
            reason.map_or(Verdict::Run(wishes.manner), Verdict::Skip)
        }
    }
}

/// What sees to the rules is run for such an event, and else only who asks for it.
fn is_for_the_rules_only(event: &Event, candidate: &Candidate, wishes: &Wishes) -> Option<Reason> {
    let is_only = event.facts.action == Some(Action::Rules)
        && matches!(candidate.kind, Kind::Hook(_))
        && wishes.actions.is_empty();
    is_only.then_some(Reason::RulesOnly)
}

/// The event for which this hook has been run already, and which told the same. What makes
/// the rules looks at the kernel, and runs again.
fn already_told(candidate: &Candidate, wishes: &Wishes, told: Option<&Told>) -> Option<Reason> {
    let is_hook = matches!(candidate.kind, Kind::Hook(_));
    let told = told.filter(|_| is_hook && !wishes.every_telling)?;
    told.of_step(&candidate.name).map(|event| Reason::Covered { event, call: None })
}

/// The newest waiting event that this hook will be run for in place of this one.
fn newer_wanted(event: &Event, wishes: &Wishes, waiting: &[Event]) -> Option<Reason> {
    let interface: &InterfaceName = event.facts.interface.as_ref()?;
    if !wishes.coalesce {
        return None;
    }
    waiting
        .iter()
        .rev()
        .find(|newer| {
            newer.facts.interface.as_ref() == Some(interface)
                && newer.facts.action.is_some()
                && wishes.unwanted(newer).is_none()
        })
        .map(|newer| Reason::Coalesced { event: newer.id })
}

#[cfg(test)]
mod tests;
