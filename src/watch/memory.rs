//! What is kept from one start of the watch to the next, in `/run`: a boot begins anew.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Budget, Fight, Picture};

/// What was told last, and what is still to be told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// The network namespace that this is about.
    pub netns: String,
    /// The state that all events so far have told.
    pub told: Picture,
    /// The state as it was seen last.
    pub seen: Picture,
    /// When it was seen, by `CLOCK_BOOTTIME`.
    pub seen_ns: u64,
    /// When each interface was first and last seen to be different from what was told.
    pub changed: BTreeMap<u32, (u64, u64)>,
    /// Since when what is different is not told, as it would close a loop of hooks.
    pub held: BTreeMap<u32, u64>,
    /// How often each interface lost its link since then.
    pub losses: BTreeMap<u32, u32>,
    /// How often rules were put back lately.
    pub restores: Budget,
    /// Who takes them out faster than that.
    pub fight: Option<Fight>,
    /// The generation of a foreign change that was reported and left.
    pub reported: Option<u32>,
}
