//! Running one hook as netcue-hooks(7) promises, and judging how it ended.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use crate::event::{Event, hook_environment};
use crate::sys::child::{self, Ending, Limits, Program};
use crate::sys::invocation::PATH;
use crate::sys::signals::Signals;

/// Exit status by which a hook says that an event is none of its business.
const NOT_FOR_ME: i32 = 77;

/// What is to be run, and for which event.
#[derive(Debug)]
pub struct HookCall<'a> {
    /// The step's name.
    pub step: &'a str,
    /// The file that was checked.
    pub file: PathBuf,
    /// Its path in the hook folder: what it is told it is called.
    pub called: PathBuf,
    /// The root under which hooks find `/etc` and `/run` too.
    pub root: &'a Path,
    /// The event.
    pub event: &'a Event,
    /// How the rules stand: `changed`, `unchanged` or `failed`; empty before the engine.
    pub rules: &'a str,
    /// User and group to run as.
    pub user: Option<(u32, u32)>,
    /// Its limits.
    pub limits: Limits,
}

/// How a hook ended, and what it said.
#[derive(Debug)]
pub struct HookEnd {
    /// How.
    pub outcome: HookOutcome,
    /// What it said, within its limit.
    pub output: String,
    /// How long it took, in milliseconds.
    pub milliseconds: f64,
    /// Whether processes it left behind in its group had to be ended.
    pub left_processes: bool,
}

/// Every way in which a hook can end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookOutcome {
    /// Exit status 0.
    Done,
    /// Exit status 77.
    NotForMe,
    /// Another exit status.
    Failed(i32),
    /// A signal that was not ours.
    Killed(i32),
    /// It exceeded its limit and was ended.
    TimedOut,
    /// This signal asked netcue to end, so the hook was ended.
    Interrupted(i32),
    /// It could not be started, and why.
    NotStarted(String),
}

/// Runs a hook to its end.
#[must_use]
pub fn run(call: &HookCall<'_>, signals: &Signals) -> HookEnd {
    let facts = &call.event.facts;
    let mut env =
        vec![("PATH".to_owned(), PATH.to_owned()), ("LC_ALL".to_owned(), "C.UTF-8".to_owned())];
    env.extend(hook_environment(call.event));
    env.push(("NETCUE_STEP".to_owned(), call.step.to_owned()));
    env.push(("NETCUE_RULES".to_owned(), call.rules.to_owned()));
    env.push(("NETCUE_ROOT".to_owned(), prefix(call.root)));
    let program = Program {
        file: call.file.clone(),
        argv0: OsString::from(&call.called),
        args: vec![
            facts.interface.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string),
            facts.action.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string),
        ],
        env,
        user: call.user,
        stdin: (call.event.to_json() + "\n").into_bytes(),
    };
    let ended = child::run(&program, call.limits, signals);
    HookEnd {
        outcome: judge(ended.ending),
        output: ended.output.text(),
        milliseconds: ended.milliseconds,
        left_processes: ended.left_processes,
    }
}

/// What a hook puts before `/etc`: nothing where the root is `/`.
fn prefix(root: &Path) -> String {
    root.to_str().map(|root| root.trim_end_matches('/')).unwrap_or_default().to_owned()
}

fn judge(ending: Ending) -> HookOutcome {
    match ending {
        Ending::Exited(0) => HookOutcome::Done,
        Ending::Exited(NOT_FOR_ME) => HookOutcome::NotForMe,
        Ending::Exited(status) => HookOutcome::Failed(status),
        Ending::Killed(signal) => HookOutcome::Killed(signal),
        Ending::TimedOut => HookOutcome::TimedOut,
        Ending::Interrupted(signal) => HookOutcome::Interrupted(signal),
        Ending::NotStarted(error) => HookOutcome::NotStarted(why_not_started(&error)),
    }
}

/// The kernel's answer to execve(2), with what to do about it.
fn why_not_started(error: &io::Error) -> String {
    let advice = match error.raw_os_error() {
        Some(nix::libc::ENOEXEC) => {
            "no #! line, and no program this machine can run: add #!/bin/sh"
        }
        Some(nix::libc::ENOENT) => {
            "the interpreter in its #! line is missing, or the line ends in CR"
        }
        Some(nix::libc::ETXTBSY) => "it is open for writing: install hooks by renaming them in",
        Some(nix::libc::EACCES) => {
            "the kernel denies execution: is its file system mounted noexec?"
        }
        _ => return error.to_string(),
    };
    format!("{error}: {advice}")
}
