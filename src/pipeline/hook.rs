//! Running one hook: judged once more, started as netcue-hooks(7) promises, and its end in the
//! journal's words.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{House, rules};
use crate::event::Event;
use crate::hooks::{self, Judgement, Sides};
use crate::journal::{StepEnd, StepOutcome};
use crate::plan::Manner;
use crate::reason::Reason;
use crate::sys::accounts;
use crate::sys::child::{self, Ended, Ending, Limits, Program};
use crate::sys::signals::Signals;

/// A hook whose turn has come, and for which event.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The event.
    pub event: &'a Event,
    /// The step's name.
    pub step: &'a str,
    /// The hook's path in its folder.
    pub path: &'a Path,
    /// How the rules stand, for `NETCUE_RULES`.
    pub rules: &'a str,
    /// How it wants to be run.
    pub manner: &'a Manner,
}

impl Call<'_> {
    /// Runs the hook to its end.
    pub(super) fn run(&self, house: &House, signals: &Signals) -> StepEnd {
        match self.judged(house).and_then(|file| self.program(house, file)) {
            Ok(program) => self.run_program(house, &program, signals),
            Err(why_not) => StepEnd::not_started(why_not),
        }
    }

    /// The hook's file, or why it may not run. It is judged anew: since the plan was made,
    /// earlier steps may have taken minutes, in which an administrator can have changed whose
    /// it is.
    fn judged(&self, house: &House) -> Result<PathBuf, Reason> {
        match hooks::judge_hook(self.path, house.layout.root()) {
            Judgement::Ready(file) => Ok(file),
            Judgement::Masked => Err(Reason::MaskedSince),
            Judgement::Distrusted(distrust) => Err((&distrust).into()),
            Judgement::Unreadable(error) => Err((&error).into()),
        }
    }

    /// The hook as a program, once its file has been judged.
    ///
    /// # Errors
    /// When there is no such account as it asks for.
    pub fn program(&self, house: &House, file: PathBuf) -> Result<Program, Reason> {
        let account = |name: &String| {
            accounts::find(name).ok_or_else(|| Reason::NoAccount { user: name.clone() })
        };
        let nothing = Sides::default();
        let sides = if self.rules.is_empty() { &nothing } else { rules::sides(house) };
        let root = house.layout.root();
        Ok(Program {
            file,
            argv0: self.path.into(),
            args: hooks::arguments(self.event),
            env: hooks::environment(self.event, self.step, self.rules, sides, root),
            user: self.manner.user.as_ref().map(account).transpose()?,
            stdin: (self.event.to_json() + "\n").into_bytes(),
        })
    }

    /// Runs that program to its end, within the limits of hooks.
    #[must_use]
    pub fn run_program(&self, house: &House, program: &Program, signals: &Signals) -> StepEnd {
        let config = &house.config.hooks;
        let limits = Limits {
            timeout: self.manner.timeout.unwrap_or_else(|| config.timeout()),
            grace: config.grace(),
            output: config.output,
        };
        as_step_end(child::run(program, limits, signals), limits.timeout)
    }
}

fn as_step_end(ended: Ended, limit: Duration) -> StepEnd {
    let (outcome, status, signal, failed) = match ended.ending {
        Ending::Exited(0) => (StepOutcome::Done, Some(0), None, None),
        Ending::Exited(hooks::NOT_FOR_ME) => {
            (StepOutcome::NotForMe, Some(hooks::NOT_FOR_ME), None, None)
        }
        Ending::Exited(status) => (StepOutcome::Failed, Some(status), None, None),
        Ending::Killed(signal) => (StepOutcome::Failed, None, Some(signal), None),
        Ending::TimedOut => (StepOutcome::TimedOut, None, None, Some(Reason::time_limit(limit))),
        Ending::Interrupted(signal) => (StepOutcome::Interrupted, None, Some(signal), None),
        Ending::NotStarted(error) => {
            (StepOutcome::NotStarted, None, None, Some(hooks::why_not_started(&error)))
        }
    };
    StepEnd {
        status,
        signal,
        failed,
        left_processes: ended.left_processes,
        output: ended.output.text(),
        ..StepEnd::of(outcome, ended.milliseconds)
    }
}
