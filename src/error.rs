//! Every way netcue can end, with its number and its meaning: the one list.

use crate::sys::files::FileError;

/// An exit status.
///
/// The numbers follow sysexits.h where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, queued, or nothing to do.
    Done,
    /// A step failed, in strict mode or in a command asked for by a person.
    StepFailed,
    /// Something would be changed; only where that is asked.
    WouldChange,
    /// The command line was wrong.
    Usage,
    /// The call was not understood; nothing was queued.
    NotUnderstood,
    /// The kernel or nftables can't be used.
    Unavailable,
    /// A bug in netcue.
    Bug,
    /// Something can't be created or written.
    CantWrite,
    /// Reading or writing failed.
    InputOutput,
    /// Not finished within the limit; the event is still queued.
    StillQueued,
    /// No permission.
    NoPermission,
    /// The configuration can't be used.
    Configuration,
    /// Ended by signal n.
    Signal(i32),
}

impl Exit {
    /// Every exit status but those of signals, in order.
    pub const ALL: [Self; 12] = [
        Self::Done,
        Self::StepFailed,
        Self::WouldChange,
        Self::Usage,
        Self::NotUnderstood,
        Self::Unavailable,
        Self::Bug,
        Self::CantWrite,
        Self::InputOutput,
        Self::StillQueued,
        Self::NoPermission,
        Self::Configuration,
    ];

    /// The number a parent process sees.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::StepFailed => 1,
            Self::WouldChange => 2,
            Self::Usage => 64,
            Self::NotUnderstood => 65,
            Self::Unavailable => 69,
            Self::Bug => 70,
            Self::CantWrite => 73,
            Self::InputOutput => 74,
            Self::StillQueued => 75,
            Self::NoPermission => 77,
            Self::Configuration => 78,
            Self::Signal(number) => 128u8.saturating_add(u8::try_from(number).unwrap_or(0)),
        }
    }
}

/// What a command reports instead of an exit status: what went wrong, and what it stands for.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// How the process ends for it.
    pub exit: Exit,
    /// What is told on stderr: the input, the place and what to do.
    pub message: String,
}

impl Failure {
    /// With the words of whatever went wrong.
    #[must_use]
    pub fn new(exit: Exit, message: impl std::fmt::Display) -> Self {
        Self { exit, message: message.to_string() }
    }

    /// Something is there and can't be read.
    #[must_use]
    pub fn unreadable(error: FileError) -> Self {
        let exit = if error.is_permission() { Exit::NoPermission } else { Exit::InputOutput };
        Self::new(exit, error)
    }

    /// Something can't be created or written.
    #[must_use]
    pub fn unwritable(error: FileError) -> Self {
        let exit = if error.is_permission() { Exit::NoPermission } else { Exit::CantWrite };
        Self::new(exit, error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(Exit::InputOutput, format!("can't write the output: {error}"))
    }
}

/// How a command ended.
pub type Ended = Result<Exit, Failure>;
