//! What each of netcue's sets holds, and why: the one list that rules and explanations are
//! made from.

use std::collections::BTreeMap;

use super::classify::Classes;
use super::intervals::Intervals;
use super::names::SetName;
use super::sides::Side;
use crate::event::{Family, InterfaceName};

/// What a set holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// Interfaces, each with the reason.
    Interfaces(BTreeMap<InterfaceName, String>),
    /// Ranges of addresses.
    Addresses(Intervals),
}

impl Held {
    /// The elements in words, one by one.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Interfaces(names) => {
                names.iter().map(|(name, why)| format!("{name}: {why}")).collect()
            }
            Self::Addresses(intervals) => intervals.texts().collect(),
        }
    }
}

/// What the set of that name holds where interfaces and networks are these.
#[must_use]
pub fn held(name: SetName, classes: &Classes) -> Held {
    let on = |side, family| Held::Interfaces(names_on(classes, side, family).collect());
    let addresses = |intervals: &Intervals| Held::Addresses(intervals.clone());
    match name {
        SetName::Outside4 => on(Side::Outside, Family::Ipv4),
        SetName::Outside6 => on(Side::Outside, Family::Ipv6),
        SetName::Inside4 => on(Side::Inside, Family::Ipv4),
        SetName::Inside6 => on(Side::Inside, Family::Ipv6),
        SetName::Undecided4 => on(Side::Undecided, Family::Ipv4),
        SetName::Undecided6 => on(Side::Undecided, Family::Ipv6),
        SetName::Guests => on(Side::Guest, Family::Ipv4),
        SetName::Untranslated => {
            let sides = [Side::Inside, Side::Guest, Side::Ignored].into_iter();
            let by_side = sides.flat_map(|side| names_on(classes, side, Family::Ipv4));
            let in_only = classes.in_only.iter();
            let in_only = in_only.map(|name| (name.clone(), "for packets coming in".to_owned()));
            Held::Interfaces(by_side.chain(in_only).collect())
        }
        SetName::Fitted => {
            let fitted = classes.fitted.iter();
            Held::Interfaces(
                fitted.map(|(name, mtu)| (name.clone(), format!("MTU {mtu}"))).collect(),
            )
        }
        SetName::Internal4 => addresses(&classes.internal4),
        SetName::Internal6 => addresses(&classes.internal6),
        SetName::OnlyInternal4 => addresses(&classes.only_internal4),
        SetName::OnlyInternal6 => addresses(&classes.only_internal6),
        SetName::Translated4 => addresses(&classes.translated4),
        SetName::Public4 => addresses(&classes.public4),
    }
}

fn names_on(
    classes: &Classes,
    side: Side,
    family: Family,
) -> impl Iterator<Item = (InterfaceName, String)> + '_ {
    let why = move |name: &InterfaceName| {
        let standing = classes.sides.get(name)?.of(family)?;
        Some((name.clone(), standing.why.clone()))
    };
    classes.on(side, family).filter_map(why)
}
