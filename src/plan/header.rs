//! What a hook wants, from the `# netcue:` lines at its top.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use super::Manner;
use crate::event::{Action, Event, InterfaceName, SourceName, Unfit, pattern};
use crate::profiles::{Like, Profile};
use crate::reason::Reason;

/// Which events a hook wants, and how it wants to be run. By default every event, as root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Names of sources; empty: all.
    pub sources: Vec<String>,
    /// Actions; empty: all.
    pub actions: Vec<String>,
    /// Patterns of interface names, with `*` and `?`; empty: all, and events without one.
    pub interfaces: Vec<String>,
    /// Names of sources of which another dispatcher runs it.
    pub not_from: Vec<String>,
    /// Whether only the newest waiting event of an interface is wanted.
    pub coalesce: bool,
    /// Whether it is run again for an event that tells only what another source's has told.
    pub every_telling: bool,
    /// How it runs.
    pub manner: Manner,
}

/// A header that can't be understood; the hook is not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", Reason::from(self))]
pub struct BadHeader {
    /// The file, where it is not the hook itself.
    pub file: Option<PathBuf>,
    /// Line of the file, from 1.
    pub line: usize,
    /// Character in that line, from 1.
    pub column: usize,
    /// What is wrong.
    pub reason: String,
}

impl From<&BadHeader> for Reason {
    fn from(bad: &BadHeader) -> Self {
        Self::BadHeader {
            file: bad.file.as_ref().map(|file| file.display().to_string()),
            line: bad.line,
            column: bad.column,
            text: bad.reason.clone(),
        }
    }
}

/// Bytes of a hook that are looked at: a line that goes beyond them is cut off.
const HEAD: usize = 4096;

/// Characters of a line that are quoted: a file beside a hook may be anything.
const QUOTED: usize = 60;

/// The keys there are, each with the version that brought it.
pub const KEYS: [(&str, &str); 9] = [
    ("source", "0.1.0"),
    ("action", "0.1.0"),
    ("interface", "0.1.0"),
    ("timeout", "0.1.0"),
    ("user", "0.1.0"),
    ("coalesce", "0.1.0"),
    ("wait", "0.1.0"),
    ("joined", "0.2.0"),
    ("like", "0.2.0"),
];

impl Wishes {
    /// Reads the comment lines at the top of a hook: those before its first other line.
    ///
    /// # Errors
    /// When a `# netcue:` line has a word that is no `key=value`, has a key that is nearly a known
    /// one, or is cut off.
    pub fn from_head(head: &str) -> Result<Self, BadHeader> {
        Self::read(head, None)
    }

    /// Reads the file beside a hook, which holds comment lines and nothing else.
    ///
    /// # Errors
    /// As [`Self::from_head`], and when another line is in it.
    pub fn from_beside(file: &Path, text: &str) -> Result<Self, BadHeader> {
        Self::read(text, Some(file))
    }

    fn read(head: &str, beside: Option<&Path>) -> Result<Self, BadHeader> {
        let mut wishes = Self::default();
        let is_cut = head.len() >= HEAD && !head.ends_with('\n');
        // Some editors put a byte order mark before the text.
        let mut lines = head.trim_start_matches('\u{feff}').lines().enumerate().peekable();
        while let Some((index, whole)) = lines.next() {
            let line = whole.trim();
            let bad_at = |part: &str, reason| {
                let before = whole.find(part).and_then(|at| whole.get(..at)).unwrap_or_default();
                let (file, column) = (beside.map(Path::to_owned), before.chars().count() + 1);
                BadHeader { file, line: index + 1, column, reason }
            };
            let bad = |reason| bad_at(line, reason);
            let Some(comment) = line.strip_prefix('#') else {
                if line.is_empty() {
                    continue;
                }
                if beside.is_some() {
                    let quoted: String = line.chars().take(QUOTED).collect();
                    return Err(bad(format!(
                        "{quoted:?} stands outside a comment; \"# netcue: KEY=VALUE\" is right"
                    )));
                }
                break;
            };
            let Some(words) = comment.trim_start().strip_prefix("netcue:") else { continue };
            if is_cut && lines.peek().is_none() {
                return Err(bad(format!("it goes beyond the first {HEAD} bytes")));
            }
            for word in words.split_whitespace() {
                wishes.take(word).map_err(|reason| bad_at(word, reason))?;
            }
        }
        Ok(wishes)
    }

    fn take(&mut self, word: &str) -> Result<(), String> {
        let (key, value) = word
            .split_once('=')
            .filter(|(_, value)| !value.is_empty())
            .ok_or_else(|| format!("{word:?} is not KEY=VALUE"))?;
        match key {
            "source" => self.sources = patterns::<SourceName>(key, value)?,
            "action" => self.actions = patterns::<Action>(key, value)?,
            "interface" => self.interfaces = patterns::<InterfaceName>(key, value)?,
            "timeout" => self.manner.timeout = Some(duration(value)?),
            "user" => self.manner.user = Some(value.to_owned()),
            "coalesce" if value == "interface" => self.coalesce = true,
            "coalesce" => {
                return Err(format!(
                    "coalesce={}: only coalesce=interface is known",
                    value.escape_debug()
                ));
            }
            "joined" => self.every_telling = !yes_or_no(key, value)?,
            "like" => self.manner.like = Some(Like { profile: profile(value)?, folder: None }),
            "wait" => self.manner.unattended = !yes_or_no(key, value)?,
            _ => return is_of_a_later_version(key),
        }
        Ok(())
    }

    /// Why this hook doesn't want an event, if it doesn't.
    #[must_use]
    pub fn unwanted(&self, event: &Event) -> Option<Reason> {
        let action = event.facts.action.as_ref().map_or("none", |action| action.as_str());
        let interface =
            event.facts.interface.as_ref().map_or("none", |interface| interface.as_str());
        let unwanted = |wish, wants: &[String], has: &str| Reason::Unwanted {
            wish: str::to_owned(wish),
            wants: wants.join(","),
            has: has.to_owned(),
        };
        let fits = |wants: &[String], has: &str| {
            wants.is_empty() || wants.iter().any(|pattern| pattern::fits(pattern, has))
        };
        if !fits(&self.sources, event.source.as_str()) {
            Some(unwanted("source", &self.sources, event.source.as_str()))
        } else if !fits(&self.actions, action) {
            Some(unwanted("action", &self.actions, action))
        } else if !fits(&self.interfaces, interface) {
            Some(unwanted("interface", &self.interfaces, interface))
        } else if self.not_from.iter().any(|source| source == event.source.as_str()) {
            Some(Reason::LeftToDispatcher { source: event.source.to_string() })
        } else {
            let like = self.manner.like.as_ref()?;
            like.given(event).err().map(|text| Reason::Unlike { text })
        }
    }
}

/// A dispatcher by its name.
fn profile(value: &str) -> Result<Profile, String> {
    Profile::named(value).ok_or_else(|| {
        let known: Vec<&str> = Profile::ALL.iter().map(|profile| profile.as_str()).collect();
        format!("like={}: wanted is one of {}", value.escape_debug(), known.join(" "))
    })
}

/// The patterns of a list, each of which some name could fit, be it one of a later version.
fn patterns<T: FromStr<Err = Unfit>>(key: &str, value: &str) -> Result<Vec<String>, String> {
    let checked = |pattern: &str| match shortest_fit::<T>(pattern) {
        Ok(_) => Ok(pattern.to_owned()),
        Err(unfit) => Err(format!(
            "{key}={} fits no event: {unfit} (and * and ? in patterns)",
            pattern.escape_debug()
        )),
    };
    value.split(',').map(checked).collect()
}

/// The shortest name that fits a pattern. If the one with nothing for each `*` is none, such
/// as one that begins with `-`, something in the place of the first may make it one.
fn shortest_fit<T: FromStr<Err = Unfit>>(pattern: &str) -> Result<T, Unfit> {
    let named = pattern.replace('?', "x");
    let with_more = named.replacen('*', "x", 1).replace('*', "");
    named.replace('*', "").parse().or_else(|unfit| with_more.parse().or(Err(unfit)))
}

/// A duration as `30`, `30s` or `2m`: at least a second, at most a day.
fn duration(value: &str) -> Result<Duration, String> {
    let (number, unit) = match value.strip_suffix('m') {
        Some(minutes) => (minutes, 60),
        None => (value.strip_suffix('s').unwrap_or(value), 1),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(unit))
        .filter(|seconds| (1..=86_400).contains(seconds))
        .map(Duration::from_secs)
        .ok_or_else(|| {
            format!("timeout={}: wanted is a time from 1s to 1440m", value.escape_debug())
        })
}

/// A key that this version does not know may be one of a later version, of which a package's hook
/// can do without; one that is nearly a known one is a slip, and without it the hook would run
/// for other events than it is meant for.
pub(super) fn is_of_a_later_version(key: &str) -> Result<(), String> {
    let is_word = key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !is_word || !key.starts_with(|first: char| first.is_ascii_lowercase()) {
        return Err(format!("{key:?} is no key: a key is a word of a-z, 0-9 and -"));
    }
    let distance = |known: &&str| strsim::damerau_levenshtein(key, known);
    let nearest = KEYS.iter().map(|(known, _)| *known).min_by_key(distance);
    match nearest.filter(|known| distance(known) <= 1 + key.len() / 4) {
        Some(known) => Err(format!("{key:?} is no key, but {known:?} is")),
        None => Ok(()),
    }
}

fn yes_or_no(key: &str, value: &str) -> Result<bool, String> {
    match value {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(format!("{key}={}: wanted is yes or no", value.escape_debug())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_hides_nothing() {
        let wishes = Wishes::from_head("\u{feff}# netcue: action=down\n").unwrap();
        assert_eq!(wishes.actions, ["down"]);
    }

    #[test]
    fn what_no_event_could_fit_is_refused() {
        const SOURCE: &str = "a source name has 1 to 32 of a-z, 0-9, -, _ and .";
        const ACTION: &str = "an action is a word of a-z, 0-9 and -";
        for (word, said, reason) in [
            ("action=UP", "action=UP", ACTION),
            ("action=up,", "action=", ACTION),
            ("action=up,pre_*", "action=pre_*", ACTION),
            ("source=PPP", "source=PPP", SOURCE),
            ("source=pp+p,ppp", "source=pp+p", SOURCE),
            (
                "interface=averyveryverylongname0",
                "interface=averyveryverylongname0",
                "an interface name has at most 15 bytes",
            ),
            (
                "interface=a??????????????*b",
                "interface=a??????????????*b",
                "an interface name has at most 15 bytes",
            ),
            ("interface=eth[0-9]", "interface=eth[0-9]", "an interface name can't contain '['"),
            ("interface=..", "interface=..", "the kernel takes no interface called . or .."),
            (
                "interface=-x*",
                "interface=-x*",
                "an interface name can't begin with -, as options do",
            ),
        ] {
            let header = Wishes::from_head(&format!("# netcue: {word}\n"));
            let expected = format!("{said} fits no event: {reason} (and * and ? in patterns)");
            assert_eq!(header.map_err(|bad| bad.reason), Err(expected), "{word}");
        }
    }

    #[test]
    fn words_of_a_later_version_are_no_mistake() {
        for word in [
            "action=carrier,pre-*,none,?p,*",
            "source=networkd,dhcp-4,*-d",
            "interface=none,*,ppp?,???????????????,averyverylong**0,.*.,*-",
        ] {
            let header = Wishes::from_head(&format!("# netcue: {word}\n"));
            assert!(header.is_ok(), "{word}: {header:?}");
        }
    }

    #[test]
    fn keys_of_a_later_version_are_passed_over_and_slips_are_not() {
        for key in ["when", "on-battery", "nosuch", "x2"] {
            let wishes = Wishes::from_head(&format!("# netcue: {key}=now action=up\n")).unwrap();
            assert_eq!(wishes.actions, ["up"], "{key}");
        }
        for (slip, meant) in [
            ("interfaces", "interface"),
            ("sorce", "source"),
            ("actoin", "action"),
            ("timeuot", "timeout"),
            ("usr", "user"),
        ] {
            let bad = Wishes::from_head(&format!("# netcue: {slip}=x\n")).unwrap_err();
            assert_eq!(bad.reason, format!("{slip:?} is no key, but {meant:?} is"));
        }
    }

    #[test]
    fn what_a_header_says_wrong_is_quoted_without_harm() {
        for word in [
            "action=\u{1b}[2J",
            "timeout=1\u{1b}[2J",
            "wait=\u{9b}",
            "coalesce=\u{202e}",
            "\u{1b}=1",
            "\u{7}",
        ] {
            let bad = Wishes::from_head(&format!("# netcue: {word}\n")).unwrap_err();
            assert!(!bad.reason.chars().any(char::is_control), "{bad}");
        }
    }

    #[test]
    fn a_line_that_is_cut_off_is_not_guessed_at() {
        let hook = |padding: usize| {
            let text =
                format!("#!/bin/sh\n#{}\n# netcue: action=down,up\n:\n", "#".repeat(padding));
            Wishes::from_head(text.get(..HEAD).unwrap_or(&text))
        };
        assert_eq!(hook(4000).unwrap().actions, ["down", "up"]);
        let bad = hook(4063).unwrap_err();
        assert_eq!(bad.to_string(), "bad header in line 3: it goes beyond the first 4096 bytes");
        assert_eq!(hook(5000).unwrap(), Wishes::default());
    }
}
