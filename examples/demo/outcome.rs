//! How a play ends, and the one error type of the demo.

use std::process::ExitCode;

/// Whatever went wrong, in words.
pub(crate) type Anyhow = Box<dyn std::error::Error + Send + Sync>;
/// A result of the demo.
pub(crate) type Result<T> = std::result::Result<T, Anyhow>;

/// How a play ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every promise held.
    Holds,
    /// One did not.
    Fails,
    /// The command line was wrong.
    Usage,
    /// There are no namespaces to play in.
    NoStage,
}

/// The status by which the stage tells that it could not be built.
pub(crate) const NO_STAGE: u8 = 69;

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Holds => Self::SUCCESS,
            Verdict::Fails => Self::FAILURE,
            Verdict::Usage => Self::from(64),
            Verdict::NoStage => Self::from(NO_STAGE),
        }
    }
}

/// Adds to an error what was being done.
pub(crate) trait During<T> {
    /// `what: error`.
    fn during(self, what: &str) -> Result<T>;
}

impl<T, E: std::fmt::Display> During<T> for std::result::Result<T, E> {
    fn during(self, what: &str) -> Result<T> {
        self.map_err(|error| format!("{what}: {error}").into())
    }
}
