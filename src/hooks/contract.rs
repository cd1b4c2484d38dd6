//! What netcue-hooks(7) promises a hook: its words, its variables, and what its end means.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::judge::{SHELL, Start};
use crate::event::{Event, hook_environment};
use crate::profiles::{Given, Like, Shell};
use crate::reason::Reason;
use crate::sys::invocation::PATH;

/// Exit status by which a hook says that an event is none of its business.
pub const NOT_FOR_ME: i32 = 77;

/// A hook's arguments: the interface and the action of the event.
fn arguments(event: &Event) -> Vec<String> {
    let facts = &event.facts;
    vec![
        facts.interface.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string),
        facts.action.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string),
    ]
}

/// What the rules were made for, each a list of words.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Sides {
    external: String,
    internal: String,
    networks: String,
}

/// Bytes of a list. The kernel starts no program with a variable of more than 128 KiB, and a
/// router may have as many networks behind it as there are in the world.
const LONGEST_LIST: usize = 16 * 1024;

impl Sides {
    /// Of the interfaces that lead outside, those that lead inside, and the networks there.
    #[must_use]
    pub fn of(
        external: impl IntoIterator<Item = String>,
        internal: impl IntoIterator<Item = String>,
        networks: impl IntoIterator<Item = String>,
    ) -> Self {
        Self { external: list(external), internal: list(internal), networks: list(networks) }
    }
}

/// The words with spaces between them; behind as many as there is room for, dots.
fn list(words: impl IntoIterator<Item = String>) -> String {
    let mut list = String::new();
    for word in words {
        if !list.is_empty() {
            list.push(' ');
        }
        if list.len() + word.len() > LONGEST_LIST {
            return list + "...";
        }
        list.push_str(&word);
    }
    list
}

/// The whole environment of a hook of netcue's own.
fn environment(called: &Called<'_>, root: &Path) -> Vec<(String, String)> {
    let Called { event, step, rules, sides, .. } = *called;
    let root = root.to_str().map(|root| root.trim_end_matches('/')).unwrap_or_default();
    let ours = [
        ("PATH", PATH),
        ("LC_ALL", "C.UTF-8"),
        ("NETCUE_STEP", step),
        ("NETCUE_RULES", rules),
        ("NETCUE_EXTERNAL", &sides.external),
        ("NETCUE_INTERNAL", &sides.internal),
        ("NETCUE_INTERNAL_NETS", &sides.networks),
        ("NETCUE_ROOT", root),
    ];
    let ours = ours.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    ours.chain(hook_environment(event)).collect()
}

/// A hook that is to be started.
#[derive(Debug, Clone, Copy)]
pub struct Called<'a> {
    /// For which event.
    pub event: &'a Event,
    /// The step's name.
    pub step: &'a str,
    /// Its path in its folder.
    pub path: &'a Path,
    /// As whose script it is run.
    pub like: Option<&'a Like>,
    /// How the rules stand: `changed`, `unchanged` or `failed`; empty before the step that sees
    /// to them.
    pub rules: &'a str,
    /// What the rules were made for; empty as long as `rules` is.
    pub sides: &'a Sides,
}

/// What a hook is started with: all but its time limit and its account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The program; none where it is the hook itself.
    pub shell: Option<PathBuf>,
    /// What the program is told it is called.
    pub argv0: OsString,
    /// Its words.
    pub args: Vec<OsString>,
    /// Its whole environment.
    pub env: Vec<(String, String)>,
    /// What it finds on stdin.
    pub stdin: Vec<u8>,
}

/// How a hook is started that is run as the script of another dispatcher, or of none.
#[must_use]
pub fn start(like: Option<&Like>) -> Start {
    like.and_then(|like| like.profile.shell()).map_or(Start::Program, |_| Start::Sourced)
}

/// What a hook is started with, once for each time that it is started: some dispatchers call
/// their scripts for each family. `root` is where `/etc` and `/run` are.
///
/// # Errors
/// Why the dispatcher as whose script it is run would not run it for this event.
pub fn settings(called: &Called<'_>, root: &Path) -> Result<Vec<Setting>, Reason> {
    let env = environment(called, root);
    let Some(like) = called.like else {
        return Ok(vec![Setting {
            shell: None,
            argv0: called.path.into(),
            args: arguments(called.event).into_iter().map(OsString::from).collect(),
            env,
            stdin: (called.event.to_json() + "\n").into_bytes(),
        }]);
    };
    let given = like.given(called.event).map_err(|text| Reason::Unlike { text })?.into_iter();
    Ok(given.map(|given| as_elsewhere(called.path, like.profile.shell(), given, &env)).collect())
}

/// As another dispatcher starts its script: with its own `PATH`, and nothing on stdin. netcue's
/// own variables come in addition, since by them an event that the script makes is known as
/// caused by this one.
fn as_elsewhere(
    path: &Path,
    shell: Option<Shell>,
    given: Given,
    ours: &[(String, String)],
) -> Setting {
    let ours = ours.iter().filter(|(name, _)| name.starts_with("NETCUE_")).cloned();
    let env = given.env.into_iter().chain(ours).collect();
    let words = given.words.into_iter().map(OsString::from);
    match shell {
        None => Setting {
            shell: None,
            argv0: path.into(),
            args: words.collect(),
            env,
            stdin: Vec::new(),
        },
        Some(Shell { zero, text }) => {
            let before = ["-c", text, zero].map(OsString::from).into_iter();
            Setting {
                shell: Some(SHELL.into()),
                argv0: SHELL.into(),
                args: before.chain([path.into()]).chain(words).collect(),
                env,
                stdin: Vec::new(),
            }
        }
    }
}

/// The kernel's answer to execve(2), with what to do about it.
#[must_use]
pub fn why_not_started(error: &io::Error) -> Reason {
    let errno = error.raw_os_error();
    let advice = match errno {
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
        _ => return Reason::NotRunnable { errno, text: error.to_string() },
    };
    Reason::NotRunnable { errno, text: format!("{error}: {advice}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_no_longer_than_a_variable_may_be() {
        assert_eq!(list([]), "");
        assert_eq!(list(["lan".to_owned(), "wlan0".to_owned()]), "lan wlan0");
        let all =
            list((0..5000).map(|number| format!("10.{}.{}.0/24", number / 250, number % 250)));
        assert!(all.len() <= LONGEST_LIST + "...".len() && all.ends_with("/24 ..."), "{all}");
    }
}
