//! Compares the rules wanted with the table the kernel has.
//!
//! The kernel gives back every attribute it was given, and some of its own: handles,
//! counters, defaults. So each attribute wanted must be there with the same value, while
//! of chains, sets, elements, rules and expressions there must be no more than wanted,
//! and an expression may have no further attribute but one that says zero.

use std::collections::BTreeSet;

use netlink_packet_netfilter::nftables::{
    ChainAttribute, ChainMessage, NfTablesMessage, SetAttribute, SetMessage,
};

use super::{
    COUNTER, Key, about, chain_message, keys, object_attributes, rule_message, set_flags,
    set_message, step,
};
use crate::engine::ruleset::{Chain, Ruleset, Set, TABLE};
use crate::sys::netlink::{attribute, attributes};
use crate::sys::nftables::{LiveTable, Step, attribute_bytes};

const NFTA_TABLE_FLAGS: u16 = 2;
const NFTA_TABLE_USE: u16 = 3;
const NFTA_CHAIN_NAME: u16 = 3;
const NFTA_RULE_CHAIN: u16 = 2;
const NFTA_RULE_EXPRESSIONS: u16 = 4;
const NFTA_OBJ_NAME: u16 = 2;
const NFTA_OBJ_TYPE: u16 = 3;
const NFTA_SET_NAME: u16 = 2;
const NFTA_SET_FLAGS: u16 = 3;
const NFTA_SET_USERDATA: u16 = 13;
const NFTA_SET_ELEM_LIST_ELEMENTS: u16 = 3;
const NFTA_SET_ELEM_KEY: u16 = 1;
const NFTA_SET_ELEM_FLAGS: u16 = 3;
const NFTA_DATA_VALUE: u16 = 1;
const NFT_SET_ELEM_INTERVAL_END: u32 = 1;

/// What is different in the kernel, in words; nothing if the rules are in force as wanted.
#[must_use]
pub fn differences(wanted: &Ruleset, live: &LiveTable) -> Vec<String> {
    let mut found = make_differs(wanted, live);
    if live.table.is_none() {
        return found;
    }
    for chain in &wanted.chains {
        if named(&live.chains, NFTA_CHAIN_NAME, chain.name.as_str()).is_some() {
            found.extend(rules_differ(chain, live));
        }
    }
    for set in &wanted.sets {
        if named(&live.sets, NFTA_SET_NAME, set.name.as_str()).is_some() {
            found.extend(elements_differ(set, live));
        }
    }
    found
}

/// How the table's counters, sets and chains differ, whatever they hold.
fn make_differs(wanted: &Ruleset, live: &LiveTable) -> Vec<String> {
    let Some(table) = &live.table else {
        return vec![format!("there is no table inet {TABLE}")];
    };
    let mut found = Vec::new();
    if number(table, NFTA_TABLE_FLAGS) != 0 {
        found.push("the table has flags".to_owned());
    }
    if has_unknown_parts(table, live) {
        found.push("the table holds objects that are not netcue's".to_owned());
    }
    for part in parts(live) {
        match wanted_make(wanted, &part) {
            Make::AsItIs => {}
            Make::Other(what) => found.push(what),
            Make::Unwanted => {
                found.push(format!("{} {} is not netcue's", part.kind.as_str(), part.name));
            }
        }
    }
    let names = names(wanted).into_iter();
    let missing = names.filter(|(kind, name)| !is_there(live, *kind, name));
    found.extend(missing.map(|(kind, name)| format!("{} {name} is missing", kind.as_str())));
    found
}

/// Whether the table can't be made what it should be part by part.
pub(super) fn is_strange(live: &LiveTable) -> bool {
    live.table
        .as_ref()
        .is_none_or(|table| number(table, NFTA_TABLE_FLAGS) != 0 || has_unknown_parts(table, live))
}

/// The kernel counts chains, sets, objects, and what netcue never has: flow tables.
fn has_unknown_parts(table: &[u8], live: &LiveTable) -> bool {
    let parts = live.chains.len() + live.sets.len() + live.objects.len();
    number(table, NFTA_TABLE_USE) as usize != parts
}

/// What a table is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Set,
    Chain,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Set => "set",
            Self::Chain => "chain",
        }
    }
}

/// A part of the table as the kernel has it.
struct Part<'a> {
    kind: Kind,
    name: &'a str,
    bytes: &'a [u8],
}

/// In the order in which they can be deleted: elements of sets may lead to chains.
fn parts(live: &LiveTable) -> impl Iterator<Item = Part<'_>> {
    let sets = live.sets.iter().map(|bytes| (Kind::Set, bytes, NFTA_SET_NAME));
    let chains = live.chains.iter().map(|bytes| (Kind::Chain, bytes, NFTA_CHAIN_NAME));
    let objects = live.objects.iter().map(|bytes| (Kind::Counter, bytes, NFTA_OBJ_NAME));
    let all = sets.chain(chains).chain(objects);
    all.map(|(kind, bytes, name)| Part { kind, name: text(bytes, name), bytes })
}

/// How a part is made, against how it should be.
enum Make {
    AsItIs,
    /// Of another make, in words.
    Other(String),
    /// There should be none of that name.
    Unwanted,
}

fn wanted_make(wanted: &Ruleset, part: &Part<'_>) -> Make {
    let name = part.name;
    let (is_same, what) = match part.kind {
        Kind::Counter => {
            if !wanted.counters.iter().any(|own| own.as_str() == name) {
                return Make::Unwanted;
            }
            let kind = number(part.bytes, NFTA_OBJ_TYPE);
            (kind == COUNTER, format!("{name} is no counter"))
        }
        Kind::Chain => {
            let own = wanted.chains.iter().find(|own| own.name.as_str() == name);
            let Some(own) = own else { return Make::Unwanted };
            let own = attribute_bytes(&NfTablesMessage::NewChain(chain_message(own)));
            let what = format!("chain {name} has another type, hook, priority or policy");
            (is_part_of(&own, part.bytes), what)
        }
        Kind::Set => {
            let own = wanted.sets.iter().find(|own| own.name.as_str() == name);
            let Some(own) = own else { return Make::Unwanted };
            (is_made_like(own, part.bytes), format!("set {name} has another type or other flags"))
        }
    };
    if is_same { Make::AsItIs } else { Make::Other(what) }
}

fn is_made_like(set: &Set, theirs: &[u8]) -> bool {
    let mut message = set_message(set, 0);
    // The first means something only within a transaction, the second is not given back
    // where it is zero, and to the third nft(8) may add.
    message.attributes.retain(|attribute| {
        use SetAttribute::{Flags, Id, UserData};
        !matches!(attribute, Id(_) | Flags(_) | UserData(_))
    });
    let own = attribute_bytes(&NfTablesMessage::NewSet(message));
    is_part_of(&own, theirs)
        && number(theirs, NFTA_SET_FLAGS) == set_flags(set).bits()
        && says_as_much(set, theirs)
}

/// The names of all that is wanted.
fn names(wanted: &Ruleset) -> Vec<(Kind, &'static str)> {
    let counters = wanted.counters.iter().map(|it| (Kind::Counter, it.as_str()));
    let chains = wanted.chains.iter().map(|it| (Kind::Chain, it.name.as_str()));
    let sets = wanted.sets.iter().map(|it| (Kind::Set, it.name.as_str()));
    counters.chain(chains).chain(sets).collect()
}

fn is_there(live: &LiveTable, kind: Kind, name: &str) -> bool {
    parts(live).any(|part| part.kind == kind && part.name == name)
}

/// Deletes what should not be there as it is.
pub(super) fn unwanted(wanted: &Ruleset, live: &LiveTable) -> Vec<Step> {
    let parts = parts(live).filter(|it| !matches!(wanted_make(wanted, it), Make::AsItIs));
    parts.map(|part| deletion(&part)).collect()
}

fn deletion(part: &Part<'_>) -> Step {
    let (table, name) = (TABLE.to_owned(), part.name.to_owned());
    let message = match part.kind {
        Kind::Set => NfTablesMessage::DeleteSet(SetMessage {
            attributes: vec![SetAttribute::Table(table), SetAttribute::Name(name)],
        }),
        Kind::Chain => NfTablesMessage::DeleteChain(ChainMessage {
            attributes: vec![ChainAttribute::Table(table), ChainAttribute::Name(name)],
        }),
        Kind::Counter => {
            let kind = number(part.bytes, NFTA_OBJ_TYPE);
            NfTablesMessage::DeleteObject(object_attributes(&name, kind))
        }
    };
    step(message, 0, format!("old {} {}", part.kind.as_str(), part.name))
}

/// The names of what has to be made.
pub(super) fn missing(wanted: &Ruleset, live: &LiveTable) -> BTreeSet<&'static str> {
    let is_missing = |(kind, name): &(Kind, &'static str)| {
        let mut parts = parts(live).filter(|it| (it.kind, it.name) == (*kind, *name));
        !parts.any(|part| matches!(wanted_make(wanted, &part), Make::AsItIs))
    };
    names(wanted).into_iter().filter(is_missing).map(|(_, name)| name).collect()
}

/// How the rules of a chain differ, in words.
pub(super) fn rules_differ(chain: &Chain, live: &LiveTable) -> Vec<String> {
    let mut found = Vec::new();
    let name = chain.name.as_str();
    let rules: Vec<&Vec<u8>> =
        live.rules.iter().filter(|rule| text(rule, NFTA_RULE_CHAIN) == name).collect();
    if rules.len() != chain.rules.len() {
        found.push(format!(
            "chain {name} has {} rules instead of {}",
            rules.len(),
            chain.rules.len()
        ));
        return found;
    }
    for (place, (own, theirs)) in (1..).zip(chain.rules.iter().zip(rules)) {
        let own = attribute_bytes(&NfTablesMessage::NewRule(rule_message(chain, own)));
        if !is_part_of(&own, theirs) || !does_no_more(&own, theirs) {
            found.push(format!("rule {place} of chain {name} is different"));
        }
    }
    found
}

/// Whether a rule of which `own` is known to be a part has nothing else to do.
fn does_no_more(own: &[u8], theirs: &[u8]) -> bool {
    let expressions = |rule| attribute(rule, NFTA_RULE_EXPRESSIONS).unwrap_or_default();
    let (own, theirs) = (expressions(own), expressions(theirs));
    attributes(own).count() == attributes(theirs).count()
        && attributes(own)
            .zip(attributes(theirs))
            .all(|((_, _, own), (_, _, theirs))| has_no_more(own, theirs))
}

/// Whether every attribute in `theirs` is in `own`, or is a default that says zero.
fn has_no_more(own: &[u8], theirs: &[u8]) -> bool {
    attributes(theirs).all(|(kind, _, value)| {
        attributes(own).find(|(other, _, _)| *other == kind).map_or_else(
            || value.iter().all(|byte| *byte == 0),
            |(_, nested, own)| !nested || has_no_more(own, value),
        )
    })
}

/// Whether a set's user data has all that ours has. A set that nft(8) has loaded may have more:
/// nft 1.1 also writes from what expression the type of the keys came.
fn says_as_much(set: &Set, theirs: &[u8]) -> bool {
    let (own, theirs) = (about(set), attribute(theirs, NFTA_SET_USERDATA).unwrap_or_default());
    user_data_entries(&own).all(|entry| user_data_entries(theirs).any(|other| other == entry))
}

/// libnftnl's entries of user data: type, length, value. Ends where something is cut off.
fn user_data_entries(mut rest: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (head, tail) = rest.split_first_chunk::<2>()?;
        let [kind, length] = *head;
        let (value, tail) = tail.split_at_checked(usize::from(length))?;
        rest = tail;
        Some((kind, value))
    })
}

/// That a set holds something else, in words.
pub(super) fn elements_differ(set: &Set, live: &LiveTable) -> Option<String> {
    let name = set.name.as_str();
    let messages = live.elements.get(name).map_or(&[][..], Vec::as_slice);
    let mut theirs: Vec<Key> = messages
        .iter()
        .filter_map(|message| attribute(message, NFTA_SET_ELEM_LIST_ELEMENTS))
        .flat_map(attributes)
        .map(|(_, _, element)| Key {
            value: attribute(element, NFTA_SET_ELEM_KEY)
                .and_then(|key| attribute(key, NFTA_DATA_VALUE))
                .unwrap_or_default()
                .to_vec(),
            ends: number(element, NFTA_SET_ELEM_FLAGS) & NFT_SET_ELEM_INTERVAL_END != 0,
        })
        .collect();
    let mut own = keys(set);
    theirs.sort_unstable();
    own.sort_unstable();
    (own != theirs).then(|| format!("set {name} has other elements"))
}

/// Whether every attribute in `own` is in `theirs` with an equal value.
///
/// Of attributes that come several times (the elements of a list), the first is compared
/// with the first, and so on.
fn is_part_of(own: &[u8], theirs: &[u8]) -> bool {
    let mut seen: Vec<u16> = Vec::new();
    attributes(own).all(|(kind, nested, value)| {
        let before = seen.iter().filter(|earlier| **earlier == kind).count();
        seen.push(kind);
        attributes(theirs).filter(|(other, _, _)| *other == kind).nth(before).is_some_and(
            |(_, _, other)| {
                if nested { is_part_of(value, other) } else { value == other }
            },
        )
    })
}

fn named<'a>(parts: &'a [Vec<u8>], kind: u16, name: &str) -> Option<&'a [u8]> {
    parts.iter().map(Vec::as_slice).find(|part| text(part, kind) == name)
}

fn text(part: &[u8], kind: u16) -> &str {
    let bytes = attribute(part, kind).unwrap_or_default();
    std::str::from_utf8(bytes).unwrap_or_default().trim_end_matches('\0')
}

/// A number of 32 bits in network order; 0 where there is none, as in the kernel.
fn number(part: &[u8], kind: u16) -> u32 {
    attribute(part, kind)
        .and_then(<[u8]>::first_chunk)
        .map_or(0, |bytes| u32::from_be_bytes(*bytes))
}
