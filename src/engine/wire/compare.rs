//! Compares the rules wanted with the table the kernel has.
//!
//! The kernel gives back every attribute it was given, and some of its own: handles,
//! counters, defaults. So each attribute wanted must be there with the same value, while
//! of chains, sets, elements, rules and expressions there must be no more than wanted,
//! and an expression may have no further attribute but one that says zero.

use netlink_packet_netfilter::nftables::{NfTablesMessage, SetAttribute};

use super::parts::make_differs;
use super::ranges::as_comparisons;
use super::{Key, about, keys, rule_message, set_flags, set_message};
use crate::engine::ruleset::{Chain, Ruleset, Set};
use crate::sys::netlink::{attribute, attributes};
use crate::sys::nftables::{LiveTable, attribute_bytes};

pub(super) const NFTA_CHAIN_NAME: u16 = 3;
pub(super) const NFTA_RULE_CHAIN: u16 = 2;
pub(super) const NFTA_RULE_EXPRESSIONS: u16 = 4;
pub(super) const NFTA_SET_NAME: u16 = 2;
pub(super) const NFTA_SET_FLAGS: u16 = 3;
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

/// How the rules of a chain differ, in words.
pub(super) fn rules_differ(chain: &Chain, live: &LiveTable) -> Vec<String> {
    let mut found = Vec::new();
    let name = chain.name.as_str();
    if chain.name.is_users() {
        return found;
    }
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
        let theirs = as_comparisons(theirs);
        if !is_part_of(&own, &theirs) || !does_no_more(&own, &theirs) {
            found.push(format!("rule {place} of chain {name} is different"));
        }
    }
    found
}

/// Whether a rule of which `own` is known to be a part has nothing else to do.
pub(super) fn does_no_more(own: &[u8], theirs: &[u8]) -> bool {
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

/// Whether a set is of the type, and has the flags, comment and order, that it should.
pub(super) fn is_made_like(set: &Set, theirs: &[u8]) -> bool {
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
pub(super) fn is_part_of(own: &[u8], theirs: &[u8]) -> bool {
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

pub(super) fn text(part: &[u8], kind: u16) -> &str {
    let bytes = attribute(part, kind).unwrap_or_default();
    std::str::from_utf8(bytes).unwrap_or_default().trim_end_matches('\0')
}

/// A number of 32 bits in network order; 0 where there is none, as in the kernel.
pub(super) fn number(part: &[u8], kind: u16) -> u32 {
    attribute(part, kind)
        .and_then(<[u8]>::first_chunk)
        .map_or(0, |bytes| u32::from_be_bytes(*bytes))
}
