//! The source's own facts: a bounded map of fixed names to harmless values.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Text, Unfit};

/// A value under `details`: a number, a yes or no, or checked text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "a detail is a whole number, true or false, a text or a list of texts, each \
                 printable and at most 256 bytes long"
)]
pub enum Fact {
    /// A yes or no.
    Bool(bool),
    /// A count; pppd's byte counters need the whole of 64 bits.
    Number(u64),
    /// Text, possibly chosen by an outsider.
    Text(Text),
    /// Several texts.
    List(Vec<Text>),
}

impl std::fmt::Display for Fact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool(yes) => write!(f, "{yes}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{text}"),
            Self::List(texts) => {
                let texts: Vec<&str> = texts.iter().map(Text::as_str).collect();
                f.write_str(&texts.join(" "))
            }
        }
    }
}

/// The facts that only one source knows, by name.
///
/// A name has 1 to 32 of `a-z`, `0-9` and `_`, because it becomes a part of a
/// variable's name; there are at most 64.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, Fact>", into = "BTreeMap<String, Fact>")]
pub struct Details(BTreeMap<String, Fact>);

impl Details {
    /// Most names that one event may carry.
    pub const MOST: usize = 64;

    /// Puts one fact in, over an earlier one of that name.
    ///
    /// # Errors
    /// When the name fails its check or the map is full.
    pub fn insert(&mut self, name: &str, fact: Fact) -> Result<(), Unfit> {
        let fits = (1..=32).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !fits {
            return Err(Unfit(format!("{name:?} is not a name of 1 to 32 of a-z, 0-9 and _")));
        }
        if self.0.len() >= Self::MOST && !self.0.contains_key(name) {
            return Err(Unfit(format!("more than {} details", Self::MOST)));
        }
        self.0.insert(name.to_owned(), fact);
        Ok(())
    }

    /// The fact of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Fact> {
        self.0.get(name)
    }

    /// All facts, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Fact)> {
        self.0.iter().map(|(name, fact)| (name.as_str(), fact))
    }
}

impl TryFrom<BTreeMap<String, Fact>> for Details {
    type Error = Unfit;
    fn try_from(map: BTreeMap<String, Fact>) -> Result<Self, Unfit> {
        let mut details = Self::default();
        for (name, fact) in map {
            details.insert(&name, fact)?;
        }
        Ok(details)
    }
}

impl From<Details> for BTreeMap<String, Fact> {
    fn from(details: Details) -> Self {
        details.0
    }
}
