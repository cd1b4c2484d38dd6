//! Event + hooks + what else waits → ordered steps, each with the reason why it runs or
//! doesn't. Pure.

mod header;

use std::path::PathBuf;
use std::time::Duration;

pub use header::{BadHeader, Wishes};

use crate::event::{Event, InterfaceName};

/// The name under which the engine stands among the hooks.
pub const ENGINE: &str = "50-rules";

/// A hook to be planned for.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its name, by which it is ordered.
    pub name: String,
    /// Its path in the hook folder.
    pub path: PathBuf,
    /// Whether it could run at all.
    pub fitness: Fitness,
}

/// Whether a hook could run at all.
#[derive(Debug, Clone)]
pub enum Fitness {
    /// It could, where its wishes fit.
    Fit(Wishes),
    /// Its name is masked.
    Masked,
    /// It isn't trusted, can't be read, or has a bad header.
    Unfit(String),
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// The hook's path; none for the built-in engine.
    pub path: Option<PathBuf>,
    /// Whether it runs.
    pub verdict: Verdict,
}

/// Whether a step runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It does, in this way.
    Run(Manner),
    /// It doesn't, for this reason.
    Skip(Skip),
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
}

/// Why a step doesn't run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Skip {
    /// It wants other events: which wish, what it wants, what this event has.
    Unwanted {
        /// `source`, `action` or `interface`.
        wish: &'static str,
        /// What the hook wants.
        wants: String,
        /// What the event has.
        has: String,
    },
    /// Its name is masked by this file.
    Masked(PathBuf),
    /// It could not run for any event.
    Unfit(String),
    /// A newer event for the same interface waits, and it wants only the newest.
    Coalesced(uuid::Uuid),
}

impl std::fmt::Display for Skip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unwanted { wish, wants, has } => {
                write!(f, "wants {wish}={wants}, this is {has}")
            }
            Self::Masked(path) => write!(f, "masked by {}", path.display()),
            Self::Unfit(reason) => f.write_str(reason),
            Self::Coalesced(newer) => {
                write!(f, "coalesced: event {newer} for the same interface is waiting")
            }
        }
    }
}

/// Plans the steps for an event: the hooks by name, with the engine at its place unless
/// a hook of that name replaces or masks it. `waiting` are the events behind it.
#[must_use]
pub fn make(event: &Event, candidates: &[Candidate], waiting: &[Event]) -> Vec<Step> {
    let mut steps: Vec<Step> = candidates
        .iter()
        .map(|candidate| Step {
            name: candidate.name.clone(),
            path: Some(candidate.path.clone()),
            verdict: verdict(event, candidate, waiting),
        })
        .collect();
    if !candidates.iter().any(|candidate| candidate.name == ENGINE) {
        let verdict = Verdict::Run(Manner::default());
        steps.push(Step { name: ENGINE.to_owned(), path: None, verdict });
    }
    steps.sort_by(|a, b| a.name.as_bytes().cmp(b.name.as_bytes()));
    steps
}

fn verdict(event: &Event, candidate: &Candidate, waiting: &[Event]) -> Verdict {
    match &candidate.fitness {
        Fitness::Masked => Verdict::Skip(Skip::Masked(candidate.path.clone())),
        Fitness::Unfit(reason) => Verdict::Skip(Skip::Unfit(reason.clone())),
        Fitness::Fit(wishes) => {
            if let Some(unwanted) = wishes.unwanted(event) {
                return Verdict::Skip(unwanted);
            }
            if let Some(newer) = newer_wanted(event, wishes, waiting) {
                return Verdict::Skip(Skip::Coalesced(newer));
            }
            Verdict::Run(wishes.manner.clone())
        }
    }
}

/// The newest waiting event that this hook will be run for in place of this one.
fn newer_wanted(event: &Event, wishes: &Wishes, waiting: &[Event]) -> Option<uuid::Uuid> {
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
        .map(|newer| newer.id)
}

#[cfg(test)]
mod tests;
