//! A call as it came, and the ways to take words and variables out of it.

use std::ffi::{OsStr, OsString};

use serde::Serialize;

use super::{Source, Trigger};
use crate::event::{Facts, InterfaceName};
use crate::reason::Reason;

/// What a caller handed over: words and environment. Data, not the machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Call<'a> {
    /// The words, without `argv[0]`.
    pub words: &'a [OsString],
    /// The environment.
    pub env: &'a [(OsString, OsString)],
    /// What was said on stdin, where the source says something there.
    pub stdin: &'a [u8],
}

impl<'a> Call<'a> {
    /// The call less its first words.
    #[must_use]
    pub fn after(&self, count: usize) -> Self {
        Self { words: self.words.get(count..).unwrap_or_default(), ..*self }
    }

    /// Word `index`, which has to be there and to be text; `what` names it in the refusal.
    ///
    /// # Errors
    /// When the word is missing, empty or not UTF-8.
    pub fn text(&self, index: usize, what: &str) -> Result<&'a str, Refusal> {
        match self.words.get(index) {
            None => Err(Refusal::missing(index, what)),
            Some(word) if word.is_empty() => Err(Refusal::empty(index, what)),
            Some(word) => word.to_str().ok_or_else(|| {
                Refusal::word(&word.to_string_lossy(), format!("{what} is not valid UTF-8"))
                    .at(index)
            }),
        }
    }

    /// Word `index` as the interface this call is about.
    ///
    /// # Errors
    /// When the word is missing or no name the kernel would take.
    pub fn interface(&self, index: usize) -> Result<InterfaceName, Refusal> {
        let word = self.text(index, "the interface")?;
        word.parse::<InterfaceName>().map_err(|unfit| Refusal::word(word, unfit.0).at(index))
    }

    /// Variable `name` as the interface this call is about.
    ///
    /// # Errors
    /// When it is not set, or no name the kernel would take.
    pub fn interface_in(&self, name: &str) -> Result<InterfaceName, Refusal> {
        let unfit = |value: &str, why: &str| Refusal::word(value, format!("{name}: {why}"));
        match self.raw(name) {
            None => Err(Refusal::of(format!("{name} is not set"))),
            Some(value) if value.is_empty() => Err(Refusal::of(format!("{name} is empty"))),
            Some(value) => match value.to_str() {
                None => Err(unfit(&value.to_string_lossy(), "not valid UTF-8")),
                Some(value) => value.parse::<InterfaceName>().map_err(|why| unfit(value, &why.0)),
            },
        }
    }

    /// The first word, where there is one that says something, and that it is netcue's own;
    /// else variable `name`.
    pub(super) fn first_word_or(&self, name: &str) -> Result<(&'a str, usize), Refusal> {
        if self.words.first().is_some_and(|word| !word.is_empty()) {
            return self.text(0, "a trigger").map(|word| (word, 1));
        }
        match self.raw(name) {
            None => Err(Refusal::of(format!("{name} is not set, and there is no trigger"))),
            Some(value) if value.is_empty() => Err(Refusal::of(format!("{name} is empty"))),
            Some(value) => match value.to_str() {
                Some(value) => Ok((value, self.words.len().min(1))),
                None => Err(Refusal::of(format!("{name} is not valid UTF-8"))),
            },
        }
    }

    /// Whether a variable is set, to whatever it may be.
    pub(super) fn has(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    fn raw(&self, name: &str) -> Option<&'a OsStr> {
        let found = self.env.iter().find(|(key, _)| key == OsStr::new(name));
        found.map(|(_, value)| value.as_os_str())
    }

    /// Word `index`, if it is there; one that isn't UTF-8 is left out with a warning.
    pub fn optional(&self, index: usize, what: &str, facts: &mut Facts) -> &'a str {
        self.words.get(index).map_or("", |word| readable(word, what, facts))
    }

    /// Variable `name`, if set; one that isn't UTF-8 is left out with a warning.
    pub fn variable(&self, name: &str, facts: &mut Facts) -> &'a str {
        self.raw(name).map_or("", |value| readable(value, name, facts))
    }

    /// Refuses a call with fewer words than its trigger always has.
    ///
    /// # Errors
    /// When there are fewer than `least`.
    pub fn at_least(&self, least: usize) -> Result<(), Refusal> {
        if self.words.len() < least {
            return Err(Refusal::of(format!(
                "{} words where at least {least} are needed",
                self.words.len()
            )));
        }
        Ok(())
    }

    /// Warns of words beyond the first `most`: they are not understood, but what is
    /// known of the call is still true.
    pub fn at_most(&self, most: usize, facts: &mut Facts) {
        if self.words.len() > most {
            let reason = format!("{} given, at most {most} understood", self.words.len());
            facts.warn("words", &reason);
        }
    }
}

fn readable<'a>(raw: &'a OsStr, what: &str, facts: &mut Facts) -> &'a str {
    raw.to_str().unwrap_or_else(|| {
        facts.warn(what, "not valid UTF-8");
        ""
    })
}

/// Why a call was not understood: which word, where it stands, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct Refusal {
    /// The source, as far as it was understood.
    #[serde(rename = "source")]
    pub source_name: Option<&'static str>,
    /// The trigger, as far as it was understood.
    pub trigger: Option<&'static str>,
    /// The word that was wrong, at most 64 characters of it, control characters escaped.
    pub word: Option<String>,
    /// Its place, from 1, among the words after the trigger, or after the source where
    /// the trigger is what is wrong.
    pub position: Option<usize>,
    /// Why, and what would be right.
    pub reason: String,
    /// What the call should look like.
    pub usage: Option<&'static str>,
}

impl Refusal {
    pub(super) fn of(reason: impl Into<String>) -> Self {
        Self {
            source_name: None,
            trigger: None,
            word: None,
            position: None,
            reason: reason.into(),
            usage: None,
        }
    }

    pub(super) fn word(word: &str, reason: impl Into<String>) -> Self {
        let shown: String = word.chars().take(64).flat_map(char::escape_debug).collect();
        Self { word: Some(shown), ..Self::of(reason) }
    }

    fn missing(index: usize, what: &str) -> Self {
        Self::of(format!("{what} is missing")).at(index)
    }

    fn empty(index: usize, what: &str) -> Self {
        Self::word("", format!("{what} is empty")).at(index)
    }

    pub(super) fn at(mut self, index: usize) -> Self {
        self.position = Some(index + 1);
        self
    }

    pub(super) fn in_source(mut self, source: &'static Source) -> Self {
        let words: Vec<&str> = source.triggers.iter().map(|trigger| trigger.word).collect();
        self.source_name = Some(source.name.as_str());
        self.reason = format!("{}; there are {}", self.reason, words.join(" "));
        self
    }

    pub(super) fn in_call(mut self, source: &'static Source, trigger: &'static Trigger) -> Self {
        self.source_name = Some(source.name.as_str());
        self.trigger = Some(trigger.word);
        self.usage = Some(trigger.usage);
        self
    }

    fn sentence(&self) -> String {
        let call = match (self.source_name, self.trigger) {
            (Some(source), Some(trigger)) => format!("{source} {trigger}: "),
            (Some(source), None) => format!("{source}: "),
            _ => String::new(),
        };
        format!("{call}{}", self.as_reason())
    }

    /// What is wrong, without whose call it was.
    #[must_use]
    pub fn as_reason(&self) -> Reason {
        let expected = self.trigger.zip(self.usage);
        Reason::Call {
            word: self.word.clone(),
            position: self.position,
            text: self.reason.clone(),
            expected: expected.map(|(trigger, usage)| format!("{trigger} {usage}")),
        }
    }
}
