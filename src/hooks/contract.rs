//! What netcue-hooks(7) promises a hook: its words, its variables, and what its end means.

use std::io;
use std::path::Path;

use crate::event::{Event, hook_environment};
use crate::reason::Reason;
use crate::sys::invocation::PATH;

/// Exit status by which a hook says that an event is none of its business.
pub const NOT_FOR_ME: i32 = 77;

/// A hook's arguments: the interface and the action of the event.
#[must_use]
pub fn arguments(event: &Event) -> Vec<String> {
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

/// A hook's whole environment. `rules` says how the rules stand: `changed`, `unchanged` or
/// `failed`; empty before the step that sees to them, as `sides` is. `root` is where `/etc`
/// and `/run` are.
#[must_use]
pub fn environment(
    event: &Event,
    step: &str,
    rules: &str,
    sides: &Sides,
    root: &Path,
) -> Vec<(String, String)> {
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
