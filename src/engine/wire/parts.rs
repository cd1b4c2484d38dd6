//! The parts of the table as the kernel has them, against those that are wanted: what has to go,
//! what has to come, and what belongs to the administrator.

use std::collections::BTreeSet;

use netlink_packet_netfilter::nftables::{
    ChainAttribute, ChainMessage, NfTablesMessage, SetAttribute, SetMessage,
};

use super::compare::{
    NFTA_CHAIN_NAME, NFTA_RULE_CHAIN, NFTA_SET_FLAGS, NFTA_SET_NAME, is_made_like, is_part_of,
    number, text,
};
use super::{COUNTER, chain_message, object_attributes, step};
use crate::engine::names::{ChainName, CounterName, SetName};
use crate::engine::ruleset::{Ruleset, TABLE};
use crate::sys::netlink::attribute;
use crate::sys::nftables::{LiveTable, Step, attribute_bytes};

const NFTA_TABLE_FLAGS: u16 = 2;
const NFTA_TABLE_USE: u16 = 3;
const NFTA_RULE_HANDLE: u16 = 3;
const NFTA_OBJ_NAME: u16 = 2;
const NFTA_OBJ_TYPE: u16 = 3;
const NFT_SET_ANONYMOUS: u32 = 1;
const NFT_SET_MAP: u32 = 8;

/// How the table's counters, sets and chains differ, whatever they hold.
pub(super) fn make_differs(wanted: &Ruleset, live: &LiveTable) -> Vec<String> {
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

/// Whether the table can't be made what it should be part by part: rules of the administrator's
/// own may refer to what would have to be made anew.
pub(super) fn is_strange(wanted: &Ruleset, live: &LiveTable) -> bool {
    let has_others = || {
        parts(live).any(|part| {
            part.kind != Kind::Chain && matches!(wanted_make(wanted, &part), Make::Other(_))
        })
    };
    live.table.as_ref().is_none_or(|table| {
        number(table, NFTA_TABLE_FLAGS) != 0
            || has_unknown_parts(table, live)
            || (has_users(wanted) && has_others())
    })
}

/// Whether there are chains that the administrator fills. Then what else is in the table
/// under a name that is not netcue's is the administrator's, too.
fn has_users(wanted: &Ruleset) -> bool {
    wanted.chains.iter().any(|chain| chain.name.is_users())
}

/// The live chains whose rules netcue makes, or takes out.
pub(super) fn chains_of_ours<'a>(
    wanted: &'a Ruleset,
    live: &'a LiveTable,
) -> impl Iterator<Item = &'a str> {
    let chains = parts(live).filter(|part| part.kind == Kind::Chain);
    chains.map(|part| part.name).filter(|name| !(has_users(wanted) && is_users(name)))
}

fn is_users(chain: &str) -> bool {
    let mut ours = ChainName::ALL.into_iter().filter(|name| !name.is_users());
    !ours.any(|name| name.as_str() == chain)
}

/// The rules in chains that the administrator fills: the chain, and the kernel's number for the
/// rule, which no other has had.
pub(in crate::engine) fn users_rules(live: &LiveTable) -> Vec<(String, u64)> {
    let handle = |rule: &[u8]| attribute(rule, NFTA_RULE_HANDLE)?.first_chunk().copied();
    live.rules
        .iter()
        .map(|rule| (text(rule, NFTA_RULE_CHAIN), handle(rule)))
        .filter(|(chain, _)| is_users(chain))
        .map(|(chain, handle)| (chain.to_owned(), handle.map_or(0, u64::from_be_bytes)))
        .collect()
}

/// A part that only the administrator's rules can have made.
pub(in crate::engine) struct Leftover {
    /// As nft(8) calls its kind.
    pub(in crate::engine) kind: &'static str,
    /// Its name.
    pub(in crate::engine) name: String,
}

/// What the administrator's rules have made beside the chains that netcue has for them, in the
/// order in which it can be deleted.
pub(in crate::engine) fn leftovers(live: &LiveTable) -> Vec<Leftover> {
    let is_ours = |part: &Part<'_>| match part.kind {
        Kind::Chain => ChainName::ALL.iter().any(|name| name.as_str() == part.name),
        Kind::Set => SetName::ALL.iter().any(|name| name.as_str() == part.name),
        Kind::Counter => CounterName::ALL.iter().any(|name| name.as_str() == part.name),
    };
    let left = |part: Part<'_>| {
        Some(Leftover { kind: as_nft_calls_it(&part)?, name: part.name.to_owned() })
    };
    parts(live).filter(|part| !is_ours(part)).filter_map(left).collect()
}

fn as_nft_calls_it(part: &Part<'_>) -> Option<&'static str> {
    Some(match part.kind {
        Kind::Chain => "chain",
        Kind::Set if number(part.bytes, NFTA_SET_FLAGS) & NFT_SET_MAP != 0 => "map",
        Kind::Set => "set",
        // NFT_OBJECT_COUNTER and those behind it.
        Kind::Counter => match number(part.bytes, NFTA_OBJ_TYPE) {
            1 => "counter",
            2 => "quota",
            3 => "ct helper",
            4 => "limit",
            7 => "ct timeout",
            9 => "ct expectation",
            10 => "synproxy",
            _ => return None,
        },
    })
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
    // One without a name goes with the rule that has it.
    let is_named = |bytes: &&Vec<u8>| number(bytes, NFTA_SET_FLAGS) & NFT_SET_ANONYMOUS == 0;
    let sets = live.sets.iter().filter(is_named).map(|bytes| (Kind::Set, bytes, NFTA_SET_NAME));
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
    let unwanted = if has_users(wanted) { Make::AsItIs } else { Make::Unwanted };
    let (is_same, what) = match part.kind {
        Kind::Counter => {
            if !wanted.counters.iter().any(|own| own.as_str() == name) {
                return unwanted;
            }
            let kind = number(part.bytes, NFTA_OBJ_TYPE);
            (kind == COUNTER, format!("{name} is no counter"))
        }
        Kind::Chain => {
            let own = wanted.chains.iter().find(|own| own.name.as_str() == name);
            let Some(own) = own else { return unwanted };
            let own = attribute_bytes(&NfTablesMessage::NewChain(chain_message(own)));
            let what = format!("chain {name} has another type, hook, priority or policy");
            (is_part_of(&own, part.bytes), what)
        }
        Kind::Set => {
            let own = wanted.sets.iter().find(|own| own.name.as_str() == name);
            let Some(own) = own else { return unwanted };
            (is_made_like(own, part.bytes), format!("set {name} has another type or other flags"))
        }
    };
    if is_same { Make::AsItIs } else { Make::Other(what) }
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
