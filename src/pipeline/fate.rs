//! What became of a call, and the exit status that says so.

use crate::error::Exit;
use crate::event::Event;

/// What became of a call, for whoever made it.
#[derive(Debug)]
pub struct Arrival {
    /// The event, unless the call was refused.
    pub event: Option<Box<Event>>,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Handled before this process ended.
    Handled {
        /// Whether a step failed.
        failed: bool,
    },
    /// Kept, and somebody will handle it.
    Queued,
    /// Kept, but not handled within the caller's limit.
    Late,
    /// The source is switched off: nothing ran.
    Disabled,
    /// A known trigger without network meaning: nothing ran.
    Ignored,
    /// Not understood: there is no event.
    Refused,
    /// This signal asked us to stop; what is left is in the queue.
    Stopped(i32),
    /// Could not be kept and not be handled either.
    Lost(Exit),
}

impl Fate {
    /// The fate in one word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Handled { failed: false } => "handled",
            Self::Handled { failed: true } => "failed",
            Self::Queued | Self::Late | Self::Stopped(_) => "queued",
            Self::Disabled => "disabled",
            Self::Ignored => "ignored",
            Self::Refused => "refused",
            Self::Lost(_) => "lost",
        }
    }

    /// The exit status for a person, or for a source in strict mode.
    #[must_use]
    pub fn exit(self) -> Exit {
        match self {
            Self::Handled { failed: true } => Exit::StepFailed,
            Self::Late => Exit::StillQueued,
            Self::Refused => Exit::NotUnderstood,
            Self::Stopped(signal) => Exit::Signal(signal),
            Self::Lost(exit) => exit,
            Self::Handled { failed: false } | Self::Queued | Self::Disabled | Self::Ignored => {
                Exit::Done
            }
        }
    }

    /// The exit status for a source: a failure of ours must not be one of its own. What
    /// the source itself said wrong stays an error.
    #[must_use]
    pub fn exit_for_source(self, strict: bool) -> Exit {
        match self {
            Self::Handled { .. } | Self::Late | Self::Lost(_) if !strict => Exit::Done,
            fate => fate.exit(),
        }
    }
}

impl Arrival {
    pub(super) fn of(event: Event, fate: Fate) -> Self {
        Self { event: Some(Box::new(event)), fate }
    }
}
