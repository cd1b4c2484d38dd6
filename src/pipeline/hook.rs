//! Running one hook, and its end in the journal's words.

use std::path::{Path, PathBuf};

use super::House;
use crate::event::Event;
use crate::hooks::{self, HookCall, HookEnd, HookOutcome, Judgement};
use crate::journal::{StepEnd, StepOutcome};
use crate::plan::Manner;
use crate::sys::accounts;
use crate::sys::child::Limits;
use crate::sys::signals::Signals;

/// Runs hooks for one event.
pub(super) struct Executor<'a> {
    pub(super) house: &'a House,
    pub(super) signals: &'a Signals,
    pub(super) event: &'a Event,
    pub(super) rules: &'a str,
}

impl Executor<'_> {
    /// Runs a checked file.
    fn file(&self, step: &str, path: &Path, file: PathBuf, manner: &Manner) -> StepEnd {
        let user = match &manner.user {
            None => None,
            Some(name) => match accounts::find(name) {
                Some(account) => Some(account),
                None => {
                    return StepEnd::not_started(format!("user={name}: there is no such account"));
                }
            },
        };
        let config = &self.house.config.hooks;
        let limits = Limits {
            timeout: manner.timeout.unwrap_or_else(|| config.timeout()),
            grace: config.grace(),
            output: config.output,
        };
        let call = HookCall {
            step,
            file,
            called: path.to_owned(),
            root: self.house.layout.root(),
            event: self.event,
            rules: self.rules,
            user,
            limits,
        };
        as_step_end(hooks::run(&call, self.signals))
    }

    /// Runs a hook. It is checked anew: since the plan was made, earlier steps may have
    /// taken minutes, in which an administrator can have changed whose it is.
    pub(super) fn run(&self, step: &str, path: &Path, manner: &Manner) -> StepEnd {
        match hooks::judge_hook(path, self.house.layout.root()) {
            Judgement::Ready(file) => self.file(step, path, file, manner),
            Judgement::Masked => StepEnd::not_started("it has been masked since".to_owned()),
            unfit @ (Judgement::Distrusted(_) | Judgement::Unreadable(_)) => {
                StepEnd::not_started(unfit.to_string())
            }
        }
    }
}

fn as_step_end(end: HookEnd) -> StepEnd {
    let (outcome, status, signal, reason) = match end.outcome {
        HookOutcome::Done => (StepOutcome::Done, Some(0), None, None),
        HookOutcome::NotForMe => (StepOutcome::NotForMe, Some(77), None, None),
        HookOutcome::Failed(status) => (StepOutcome::Failed, Some(status), None, None),
        HookOutcome::Killed(signal) => (StepOutcome::Failed, None, Some(signal), None),
        HookOutcome::TimedOut => {
            (StepOutcome::TimedOut, None, None, Some("it exceeded its time limit".to_owned()))
        }
        HookOutcome::Interrupted(signal) => (StepOutcome::Interrupted, None, Some(signal), None),
        HookOutcome::NotStarted(reason) => (StepOutcome::NotStarted, None, None, Some(reason)),
    };
    let left = "processes it left in its group were ended";
    let reason = match (reason, end.left_processes) {
        (Some(reason), true) => Some(format!("{reason}; {left}")),
        (None, true) => Some(left.to_owned()),
        (reason, false) => reason,
    };
    StepEnd { status, signal, reason, output: end.output, ..StepEnd::of(outcome, end.milliseconds) }
}
