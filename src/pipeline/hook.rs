//! Running one hook: judged once more, started as netcue-hooks(7) promises, and its end in the
//! journal's words.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{House, rules};
use crate::event::Event;
use crate::hooks::{self, Called, Judgement, Setting, Sides};
use crate::journal::{StepEnd, StepOutcome};
use crate::plan::Manner;
use crate::reason::Reason;
use crate::sys::accounts;
use crate::sys::child::{self, Ended, Ending, Limits, Program};
use crate::sys::clock::Stopwatch;
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
        match self.judged(house).and_then(|file| self.programs(house, &file)) {
            Ok(programs) => self.run_programs(house, &programs, signals),
            Err(why_not) => StepEnd::not_started(why_not),
        }
    }

    /// The hook's file, or why it may not run. It is judged anew: since the plan was made,
    /// earlier steps may have taken minutes, in which an administrator can have changed whose
    /// it is.
    fn judged(&self, house: &House) -> Result<PathBuf, Reason> {
        let start = hooks::start(self.manner.like.as_ref());
        match hooks::judge_hook(self.path, house.layout.root(), start) {
            Judgement::Ready(file) => Ok(file),
            Judgement::Masked => Err(Reason::MaskedSince),
            Judgement::Distrusted(distrust) => Err((&distrust).into()),
            Judgement::Unreadable(error) => Err((&error).into()),
        }
    }

    /// The hook as a program, once its file has been judged; as several, to be run one after the
    /// other, where another dispatcher would run its script for each family.
    ///
    /// # Errors
    /// When there is no such account as it asks for, or the dispatcher as whose script it is run
    /// would not run it for this event.
    pub fn programs(&self, house: &House, file: &Path) -> Result<Vec<Program>, Reason> {
        let account = |name: &String| {
            accounts::find(name).ok_or_else(|| Reason::NoAccount { user: name.clone() })
        };
        let user = self.manner.user.as_ref().map(account).transpose()?;
        let nothing = Sides::default();
        let sides = if self.rules.is_empty() { &nothing } else { rules::sides(house) };
        let Self { event, step, path, rules, manner } = *self;
        let called = Called { event, step, path, like: manner.like.as_ref(), rules, sides };
        let settings = hooks::settings(&called, house.layout.root())?.into_iter();
        let program = |Setting { shell, argv0, args, env, stdin }| Program {
            file: shell.unwrap_or_else(|| file.to_owned()),
            argv0,
            args,
            env,
            user,
            stdin,
        };
        Ok(settings.map(program).collect())
    }

    /// Runs those programs to their ends, within the limits of hooks, which they share.
    #[must_use]
    pub fn run_programs(&self, house: &House, programs: &[Program], signals: &Signals) -> StepEnd {
        let config = &house.config.hooks;
        let limit = self.manner.timeout.unwrap_or_else(|| config.timeout());
        let watch = Stopwatch::start();
        let mut ends: Vec<StepEnd> = Vec::new();
        for program in programs {
            let used = Duration::from_secs_f64(watch.milliseconds() / 1000.0);
            let timeout = if ends.is_empty() { limit } else { limit.saturating_sub(used) };
            let limits = Limits { timeout, grace: config.grace(), output: config.output };
            let end = as_step_end(child::run(program, limits, signals), limit);
            let is_over = matches!(end.outcome, StepOutcome::Interrupted | StepOutcome::TimedOut);
            ends.push(end);
            if is_over {
                break;
            }
        }
        in_one(ends)
    }
}

/// The ends of a hook that was started for each family, as one: the first that was no good end
/// tells.
fn in_one(mut ends: Vec<StepEnd>) -> StepEnd {
    let ms = ends.iter().map(|end| end.ms).sum();
    let output = ends.iter().map(|end| end.output.as_str()).collect();
    let is_bad =
        |end: &StepEnd| end.outcome.is_failure() || end.outcome == StepOutcome::Interrupted;
    let telling = ends.iter().position(is_bad).unwrap_or_default();
    if ends.is_empty() {
        return StepEnd::not_started(Reason::Text {
            text: "nothing is to be run for this".to_owned(),
        });
    }
    StepEnd { ms, output, ..ends.swap_remove(telling) }
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
