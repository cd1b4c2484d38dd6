//! What a call said, before netcue stamps it: the part of an event that a source decides.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Action, Cidr, Details, Event, Fact, Family, InterfaceName, Text};

/// A fact that failed its check and was left out: its name, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// The field, or the source's own name for the value.
    pub field: Text,
    /// Why it was dropped, in words.
    pub reason: Text,
}

/// Everything a source can say about one call.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(expecting = "an object with the facts of an event")]
pub struct Facts {
    /// The source's own word for what happened (`ip-up`, `addroute`).
    #[serde(default)]
    pub trigger: Text,
    /// What that means; none for a known trigger without network meaning.
    #[serde(default)]
    pub action: Option<Action>,
    /// The kernel interface it is about.
    #[serde(default)]
    pub interface: Option<InterfaceName>,
    /// Address family, where the trigger or an address settles it.
    #[serde(default)]
    pub family: Option<Family>,
    /// Our own address.
    #[serde(default)]
    pub local: Option<IpAddr>,
    /// The other end's address.
    #[serde(default)]
    pub remote: Option<IpAddr>,
    /// Prefix length of the local network, in bits.
    #[serde(default)]
    pub prefix: Option<u8>,
    /// Next hop.
    #[serde(default)]
    pub gateway: Option<IpAddr>,
    /// Our addresses, where there are several.
    #[serde(default)]
    pub addresses: Option<Vec<Cidr>>,
    /// Next hops, where there are several.
    #[serde(default)]
    pub gateways: Option<Vec<IpAddr>>,
    /// Name servers.
    #[serde(default)]
    pub dns: Option<Vec<IpAddr>>,
    /// Facts only this source knows.
    #[serde(default)]
    pub details: Details,
    /// Whether the call carried what its source knows at that moment. Only then may
    /// a hook take an absent address for "there is none".
    #[serde(default)]
    pub facts_complete: bool,
    /// What was left out, and why.
    #[serde(default)]
    pub warnings: Vec<Warning>,
    /// Fields of a later version, passed on as they came.
    #[serde(flatten)]
    pub later: BTreeMap<String, serde_json::Value>,
}

impl Facts {
    /// Most warnings kept: a call with more is broken enough as it is.
    const MOST_WARNINGS: usize = 32;

    /// Deepest nesting taken in an unknown field. `serde_json` reads 128 levels, and the
    /// journal and the programs that read it put some of their own around an event.
    const DEEPEST: usize = 32;

    /// Reads facts that somebody wrote by hand; an event's stamp, if it is there, is left
    /// out, because acceptance makes a new one.
    ///
    /// # Errors
    /// When it is no JSON object, or a field fails its check.
    pub fn from_json(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let mut facts: Self = serde_json::from_slice(bytes)?;
        for stamped in Event::STAMPED {
            facts.later.remove(stamped);
        }
        if facts.later.values().any(|value| is_deeper_than(Self::DEEPEST, value)) {
            let levels = Self::DEEPEST;
            return Err(serde::de::Error::custom(format!("nested deeper than {levels} levels")));
        }
        Ok(facts)
    }

    /// Starts the facts of a trigger.
    #[must_use]
    pub fn of(trigger: Text, action: Option<Action>) -> Self {
        Self { trigger, action, ..Self::default() }
    }

    /// Notes that a value was left out. Only the reason is kept, never the value:
    /// it failed its check and may be a secret or an attack.
    pub fn warn(&mut self, field: &str, reason: &str) {
        let text = |raw: &str| {
            raw.chars().filter(|c| !c.is_control()).take(120).collect::<String>().parse::<Text>()
        };
        if self.warnings.len() == Self::MOST_WARNINGS {
            return;
        }
        if let (Ok(field), Ok(reason)) = (text(field), text(reason)) {
            self.warnings.push(Warning { field, reason });
        }
    }

    /// Puts text under `details`, or warns when it fails its check; empty text says nothing.
    pub fn detail_text(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        let kept = value.parse().and_then(|text| self.details.insert(name, Fact::Text(text)));
        if let Err(unfit) = kept {
            self.warn(name, &unfit.0);
        }
    }

    /// Puts a value under `details`, or warns when it does not fit there.
    pub fn detail(&mut self, name: &str, fact: Fact) {
        if let Err(unfit) = self.details.insert(name, fact) {
            self.warn(name, &unfit.0);
        }
    }

    /// Puts a number under `details`, or warns when it is none; empty text says nothing.
    pub fn detail_number(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        match value.parse() {
            Ok(number) => self.detail(name, Fact::Number(number)),
            Err(_) => self.warn(name, "not a whole number"),
        }
    }
}

fn is_deeper_than(levels: usize, value: &serde_json::Value) -> bool {
    let Some(left) = levels.checked_sub(1) else { return true };
    match value {
        serde_json::Value::Array(items) => items.iter().any(|item| is_deeper_than(left, item)),
        serde_json::Value::Object(map) => map.values().any(|item| is_deeper_than(left, item)),
        _ => false,
    }
}
