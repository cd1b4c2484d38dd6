//! Work that waits: an event, or a hook of an event that holds nobody.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::profiles::Like;

/// What a turn takes up.
#[derive(Debug, Clone)]
pub enum Work {
    /// An event, all of whose steps are to be run.
    Event(Box<Event>),
    /// A hook of an event that is run apart from the event's other steps.
    Hook(Box<Job>),
}

/// A hook to be run apart from the run of its event (`wait=no`).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// For which event.
    pub event: Event,
    /// The step's name.
    pub step: String,
    /// The hook's path in its folder.
    pub path: PathBuf,
    /// How the rules stood.
    pub rules: String,
    /// The hook's own time limit in seconds.
    pub timeout: Option<u64>,
    /// The account it runs as.
    pub user: Option<String>,
    /// As whose script it is run.
    #[serde(default)]
    pub like: Option<Like>,
}

impl Work {
    /// The event, or the one whose hook it is.
    #[must_use]
    pub fn event(&self) -> &Event {
        match self {
            Self::Event(event) => event,
            Self::Hook(job) => &job.event,
        }
    }

    /// Which step of the event it is, if it isn't the whole.
    #[must_use]
    pub fn step(&self) -> Option<&str> {
        match self {
            Self::Event(_) => None,
            Self::Hook(job) => Some(&job.step),
        }
    }
}
