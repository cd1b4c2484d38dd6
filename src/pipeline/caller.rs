//! Who is calling: with which words, and for which event's hook.

use std::ffi::OsStr;

use super::House;
use crate::event::Cause;
use crate::queue::{Note, Ticket};
use crate::sys::invocation::Invocation;
use crate::sys::{lock, terminal};

/// Words of a call that are kept; more than the longest call of any source has.
const MOST_WORDS: usize = 32;

/// Bytes of a word that are kept.
const LONGEST_WORD: usize = 256;

/// What the journal keeps of a caller.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caller {
    /// The command line, our own name first. Words are cut at 256 bytes and made printable;
    /// of more than 32 the last tells how many are missing.
    pub argv: Vec<String>,
    /// The event whose hook is calling, as its environment says.
    pub cause: Option<Cause>,
    /// Whether this is done also while the source is switched off: a switch is about calls,
    /// and who types a command wants it carried out.
    pub insists: bool,
}

impl Caller {
    /// The caller of this process.
    #[must_use]
    pub fn of(invocation: &Invocation) -> Self {
        let words = std::iter::once(invocation.argv0.as_os_str())
            .chain(invocation.words.iter().map(AsRef::as_ref));
        let mut argv: Vec<String> = words.take(MOST_WORDS).map(kept).collect();
        let missing = (invocation.words.len() + 1).saturating_sub(MOST_WORDS);
        if missing > 0 {
            argv.push(format!("… and {missing} more"));
        }
        Self { argv, cause: cause(invocation), insists: false }
    }

    /// The same, of a command that no switch keeps from acting.
    #[must_use]
    pub fn insisting(self) -> Self {
        Self { insists: true, ..self }
    }
}

/// The event in hand, if the process that has it in hand is one we come from: what a hook
/// calls may have been started without the hook's environment.
pub(super) fn cause_by_descent(house: &House) -> Option<Cause> {
    let note = Note::from_bytes(&lock::record_of(&house.layout.lock()));
    let in_hand = note.in_hand?;
    if !note.holder?.is_our_ancestor() {
        return None;
    }
    let event = house.queue.read(&Ticket::named(&in_hand.ticket)).ok().flatten();
    let id = in_hand.event_id;
    let depth = event.as_ref().map_or(0, |event| event.cause_depth);
    let first = event.and_then(|event| event.first_cause).or(Some(id));
    Some(Cause { id, depth, first })
}

fn kept(word: &OsStr) -> String {
    // What is cut is not worth decoding: callers may hand over megabytes.
    let bytes = word.as_encoded_bytes();
    let head = bytes.get(..LONGEST_WORD).unwrap_or(bytes);
    let shown = terminal::harmless(&String::from_utf8_lossy(head));
    if head.len() < bytes.len() { shown + "…" } else { shown }
}

fn cause(invocation: &Invocation) -> Option<Cause> {
    let variable = |name: &str| {
        let (_, value) = invocation.env.iter().find(|(key, _)| key == name)?;
        value.to_str()
    };
    let id = variable("NETCUE_ID")?.parse().ok()?;
    Some(Cause {
        id,
        first: variable("NETCUE_FIRST_CAUSE").and_then(|first| first.parse().ok()).or(Some(id)),
        depth: variable("NETCUE_CAUSE_DEPTH").and_then(|depth| depth.parse().ok()).unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    use std::path::PathBuf;

    use super::*;

    fn called_with(words: Vec<OsString>) -> Vec<String> {
        let argv0 = PathBuf::from("/etc/ppp/ip-up.d/netcue");
        let invocation = Invocation { argv0, words, env: Vec::new(), cwd: PathBuf::from("/") };
        Caller::of(&invocation).argv
    }

    #[test]
    fn words_are_kept_as_they_came() {
        let argv = called_with(vec!["ppp0".into(), "".into(), "Grüße aus Köln".into()]);
        assert_eq!(argv, ["/etc/ppp/ip-up.d/netcue", "ppp0", "", "Grüße aus Köln"]);
    }

    #[test]
    fn words_that_would_do_harm_are_made_harmless() {
        let word = OsString::from_vec(b"a\xff\x1b[2J\nb".to_vec());
        let argv = called_with(vec![word, "x".repeat(300).into(), "ü".repeat(200).into()]);
        assert_eq!(argv[1], "a\u{fffd}\\u{1b}[2J\\u{a}b");
        assert_eq!(argv[2], "x".repeat(256) + "…");
        assert_eq!(argv[3], "ü".repeat(128) + "…");
    }

    #[test]
    fn of_too_many_words_the_number_is_kept() {
        let argv = called_with(vec!["w".into(); 40]);
        assert_eq!(argv.len(), 33);
        assert_eq!(argv[32], "… and 9 more");
    }
}
