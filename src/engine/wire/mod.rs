//! The rules as messages for `nf_tables`, and the comparison with what the kernel has.
//!
//! Numbers are those of `linux/netfilter/nf_tables.h`.

mod compare;
mod expressions;
mod parts;
mod ranges;

pub use compare::differences;
pub(super) use parts::{leftovers, users_rules};

use std::collections::BTreeMap;

use netlink_packet_core::{DefaultNla, Emitable, NLA_F_NESTED, NLM_F_APPEND, NLM_F_CREATE};
use netlink_packet_netfilter::nftables::{
    ChainAttribute, ChainMessage, DataAttribute, Hook, InetHookNumber, ListAttribute,
    NfTablesMessage, RuleAttribute, RuleMessage, SetAttribute, SetElementAttribute,
    SetElementFlags, SetElementList, SetElementMessage, SetFlags, SetMessage, TableAttribute,
    TableFlags, TableMessage,
};

use super::names::{ChainName, CounterName};
use super::ruleset::{Chain, Elements, Rule, Ruleset, Set, TABLE};
use crate::event::{Family, InterfaceName};
use crate::sys::nftables::{Count, LiveTable, Step};

/// A set's elements are sent in several messages: the length of an attribute has 16 bits.
const ELEMENTS_PER_MESSAGE: usize = 1000;
/// nft(8)'s number for the type of a set's keys.
const TYPE_IPADDR: u32 = 7;
const TYPE_IP6ADDR: u32 = 8;
const TYPE_IFNAME: u32 = 41;
/// IFNAMSIZ: names are compared with their padding.
const IFNAMSIZ: usize = 16;
/// `NFT_OBJECT_COUNTER`.
const COUNTER: u32 = 1;
/// `NF_ACCEPT`.
const ACCEPT: u32 = 1;
/// libnftnl's types of user data: the comment of a rule, the byte order of a set's keys,
/// the comment of a set.
const RULE_COMMENT: u8 = 0;
const SET_KEY_BYTE_ORDER: u8 = 0;
const SET_COMMENT: u8 = 7;
/// libnftnl's byte orders.
const HOST_ENDIAN: u32 = 1;
const BIG_ENDIAN: u32 = 2;

/// The transaction that makes the table what `ruleset` says.
///
/// Table, chains and sets stay, and what is different in them is flushed and filled: where
/// sets of ranges are made anew, packets slip through while that is done. What is not wanted
/// goes, what is missing comes. Only a table with flags, or with parts of a kind that netcue
/// never has, is replaced, with what its counters have counted.
#[must_use]
pub fn changes(ruleset: &Ruleset, live: &LiveTable) -> Vec<Step> {
    if parts::is_strange(ruleset, live) {
        return replacement_with(ruleset, &live.counts());
    }
    let (old, new) = (parts::unwanted(ruleset, live), parts::missing(ruleset, live));
    let mut steps = Vec::new();
    let is_remade = !old.is_empty() || !new.is_empty();
    if is_remade {
        // No rule refers any more to what goes.
        steps.extend(parts::chains_of_ours(ruleset, live).map(flush));
        steps.extend(old);
    }
    let counters = ruleset.counters.iter().filter(|it| new.contains(it.as_str()));
    let counts = live.counts();
    steps.extend(counters.map(|it| {
        // One that was of another kind has counted nothing.
        new_counter(*it, counts.get(it.as_str()).copied().unwrap_or_default())
    }));
    for (id, set) in (1u32..).zip(&ruleset.sets) {
        if new.contains(set.name.as_str()) {
            steps.extend(new_set(set, id));
        } else if compare::elements_differ(set, live).is_some() {
            let name = set.name.as_str();
            let everything = SetElementMessage {
                attributes: vec![
                    SetElementList::Table(TABLE.to_owned()),
                    SetElementList::Set(name.to_owned()),
                ],
            };
            steps.push(step(
                NfTablesMessage::DeleteSetElement(everything),
                0,
                format!("old elements of set {name}"),
            ));
            steps.extend(filling(set, None));
        }
    }
    let chains = ruleset.chains.iter();
    steps.extend(chains.filter(|it| new.contains(it.name.as_str())).map(new_chain));
    for chain in &ruleset.chains {
        if is_remade {
            steps.extend(rules(chain));
        } else if !compare::rules_differ(chain, live).is_empty() {
            steps.push(flush(chain.name.as_str()));
            steps.extend(rules(chain));
        }
    }
    steps
}

fn flush(chain: &str) -> Step {
    let everything = RuleMessage {
        attributes: vec![
            RuleAttribute::Table(TABLE.to_owned()),
            RuleAttribute::Chain(chain.to_owned()),
        ],
    };
    step(NfTablesMessage::DeleteRule(everything), 0, format!("old rules of chain {chain}"))
}

/// The transaction that puts `ruleset` in place of whatever the table holds.
#[must_use]
pub fn replacement(ruleset: &Ruleset) -> Vec<Step> {
    replacement_with(ruleset, &BTreeMap::new())
}

/// The transaction that takes the table out.
pub(super) fn removal() -> Vec<Step> {
    vec![step(NfTablesMessage::DeleteTable(table()), 0, format!("table inet {TABLE}"))]
}

fn step(message: NfTablesMessage, flags: u16, about: String) -> Step {
    Step { message, flags, about }
}

/// The elements of a set, which has a number if it is made in the same transaction.
fn filling(set: &Set, id: Option<u32>) -> Vec<Step> {
    let about = format!("elements of set {}", set.name.as_str());
    let message = |keys| NfTablesMessage::NewSetElement(elements_message(set, id, keys));
    let keys = keys(set);
    let parts = keys.chunks(ELEMENTS_PER_MESSAGE);
    parts.map(|keys| step(message(keys), NLM_F_CREATE, about.clone())).collect()
}

/// The rules of a chain that is empty.
fn rules(chain: &Chain) -> impl Iterator<Item = Step> {
    (1u32..).zip(&chain.rules).map(move |(number, rule)| {
        step(
            NfTablesMessage::NewRule(rule_message(chain, rule)),
            NLM_F_CREATE | NLM_F_APPEND,
            format!("rule {number} of chain {}", chain.name.as_str()),
        )
    })
}

fn replacement_with(ruleset: &Ruleset, counts: &BTreeMap<String, Count>) -> Vec<Step> {
    let mut steps = vec![
        // Adding first makes deleting safe where there is no table yet.
        step(NfTablesMessage::NewTable(table()), NLM_F_CREATE, format!("table inet {TABLE}")),
        step(NfTablesMessage::DeleteTable(table()), 0, format!("old table inet {TABLE}")),
        step(NfTablesMessage::NewTable(table()), NLM_F_CREATE, format!("table inet {TABLE}")),
    ];
    steps.extend(ruleset.counters.iter().map(|counter| {
        new_counter(*counter, counts.get(counter.as_str()).copied().unwrap_or_default())
    }));
    steps.extend((1u32..).zip(&ruleset.sets).flat_map(|(id, set)| new_set(set, id)));
    // All chains first: rules jump to some of them.
    steps.extend(ruleset.chains.iter().map(new_chain));
    steps.extend(ruleset.chains.iter().flat_map(rules));
    steps
}

fn new_counter(counter: CounterName, count: Count) -> Step {
    step(
        NfTablesMessage::NewObject(counter_attributes(counter, count)),
        NLM_F_CREATE,
        format!("counter {}", counter.as_str()),
    )
}

fn new_set(set: &Set, id: u32) -> Vec<Step> {
    let name = set.name.as_str();
    let message = NfTablesMessage::NewSet(set_message(set, id));
    let mut steps = vec![step(message, NLM_F_CREATE, format!("set {name}"))];
    steps.extend(filling(set, Some(id)));
    steps
}

fn new_chain(chain: &Chain) -> Step {
    let message = NfTablesMessage::NewChain(chain_message(chain));
    step(message, NLM_F_CREATE, format!("chain {}", chain.name.as_str()))
}

fn table() -> TableMessage {
    TableMessage {
        attributes: vec![
            TableAttribute::Name(TABLE.to_owned()),
            TableAttribute::Flags(TableFlags::empty()),
        ],
    }
}

/// A counter and, as its `NFTA_OBJ_DATA`, what it begins with: `NFTA_COUNTER_BYTES` and
/// `_PACKETS`.
fn counter_attributes(counter: CounterName, count: Count) -> Vec<DefaultNla> {
    let number = |kind, number: u64| DefaultNla::new(kind, number.to_be_bytes().to_vec());
    let begins = [number(1, count.bytes), number(2, count.packets)];
    let mut data = vec![0; begins.as_slice().buffer_len()];
    begins.as_slice().emit(&mut data);
    let mut attributes = object_attributes(counter.as_str(), COUNTER);
    attributes.push(DefaultNla::new(4 | NLA_F_NESTED, data));
    attributes
}

/// `NFTA_OBJ_TABLE`, `_NAME` and `_TYPE`.
fn object_attributes(name: &str, kind: u32) -> Vec<DefaultNla> {
    vec![
        DefaultNla::new(1, terminated(TABLE)),
        DefaultNla::new(2, terminated(name)),
        DefaultNla::new(3, kind.to_be_bytes().to_vec()),
    ]
}

fn chain_message(chain: &Chain) -> ChainMessage {
    let mut attributes = vec![
        ChainAttribute::Table(TABLE.to_owned()),
        ChainAttribute::Name(chain.name.as_str().to_owned()),
    ];
    let (kind, hook, priority) = match chain.name {
        ChainName::Prerouting => ("filter", InetHookNumber::PreRouting, -300_i32),
        ChainName::Dstnat => ("nat", InetHookNumber::PreRouting, -100),
        ChainName::Forward => ("filter", InetHookNumber::Forward, 0),
        ChainName::Input => ("filter", InetHookNumber::LocalIn, 0),
        ChainName::Postrouting => ("nat", InetHookNumber::PostRouting, 100),
        ChainName::UserForward
        | ChainName::UserPrerouting
        | ChainName::UserPostrouting
        | ChainName::UserInput => return ChainMessage { attributes },
    };
    attributes.extend([
        ChainAttribute::Hook(vec![
            Hook::Number(hook.into()),
            Hook::Priority(u32::from_ne_bytes(priority.to_ne_bytes())),
        ]),
        ChainAttribute::Policy(ACCEPT),
        ChainAttribute::Type(kind.to_owned()),
    ]);
    ChainMessage { attributes }
}

fn rule_message(chain: &Chain, rule: &Rule) -> RuleMessage {
    let expressions = expressions::of(&rule.statements).into_iter();
    RuleMessage {
        attributes: vec![
            RuleAttribute::Table(TABLE.to_owned()),
            RuleAttribute::Chain(chain.name.as_str().to_owned()),
            RuleAttribute::Expressions(expressions.map(ListAttribute::from).collect()),
            RuleAttribute::UserData(user_data(RULE_COMMENT, &terminated(rule.comment))),
        ],
    }
}

fn set_message(set: &Set, id: u32) -> SetMessage {
    let (key_type, key_length) = match &set.elements {
        Elements::Interfaces(_) => (TYPE_IFNAME, 16),
        Elements::Addresses(intervals) => match intervals.family() {
            Family::Ipv4 => (TYPE_IPADDR, 4),
            Family::Ipv6 => (TYPE_IP6ADDR, 16),
        },
    };
    SetMessage {
        attributes: vec![
            SetAttribute::Table(TABLE.to_owned()),
            SetAttribute::Name(set.name.as_str().to_owned()),
            SetAttribute::Flags(set_flags(set)),
            SetAttribute::KeyType(key_type),
            SetAttribute::KeyLen(key_length),
            SetAttribute::Id(id),
            SetAttribute::UserData(about(set)),
        ],
    }
}

/// What nft(8) wants to know of a set to list it.
fn about(set: &Set) -> Vec<u8> {
    let order = match set.elements {
        Elements::Interfaces(_) => HOST_ENDIAN,
        Elements::Addresses(_) => BIG_ENDIAN,
    };
    let mut about = user_data(SET_KEY_BYTE_ORDER, &order.to_ne_bytes());
    about.extend(user_data(SET_COMMENT, &terminated(set.name.comment())));
    about
}

fn set_flags(set: &Set) -> SetFlags {
    match set.elements {
        Elements::Interfaces(_) => SetFlags::empty(),
        Elements::Addresses(_) => SetFlags::Interval,
    }
}

fn elements_message(set: &Set, id: Option<u32>, keys: &[Key]) -> SetElementMessage {
    let element = |key: &Key| {
        let mut attributes =
            vec![SetElementAttribute::Key(DataAttribute::Value(key.value.clone()))];
        if key.ends {
            attributes.push(SetElementAttribute::Flags(SetElementFlags::IntervalEnd));
        }
        ListAttribute::Element(attributes)
    };
    let mut attributes = vec![
        SetElementList::Table(TABLE.to_owned()),
        SetElementList::Set(set.name.as_str().to_owned()),
    ];
    attributes.extend(id.map(SetElementList::SetId));
    attributes.push(SetElementList::Elements(keys.iter().map(element).collect()));
    SetElementMessage { attributes }
}

/// An element as the kernel keeps it: a name, or the start of a range, or what follows one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    value: Vec<u8>,
    ends: bool,
}

/// The elements of a set in the kernel's form: ranges become a start and the first
/// address behind it; zero ends the range that precedes all, as nft(8) writes it.
fn keys(set: &Set) -> Vec<Key> {
    let intervals = match &set.elements {
        Elements::Interfaces(names) => {
            return names.iter().map(|name| Key { value: padded(name), ends: false }).collect();
        }
        Elements::Addresses(intervals) => intervals,
    };
    let (bytes, last) = match intervals.family() {
        Family::Ipv4 => (4, u128::from(u32::MAX)),
        Family::Ipv6 => (16, u128::MAX),
    };
    let key = |number: u128, ends| {
        let all = number.to_be_bytes();
        Key { value: all.get(all.len() - bytes..).unwrap_or_default().to_vec(), ends }
    };
    let mut keys = Vec::with_capacity(2 * intervals.ranges().len() + 1);
    if intervals.ranges().first().is_some_and(|range| range.first > 0) {
        keys.push(key(0, true));
    }
    for range in intervals.ranges() {
        keys.push(key(range.first, false));
        if range.last < last {
            keys.push(key(range.last + 1, true));
        }
    }
    keys
}

fn padded(name: &InterfaceName) -> Vec<u8> {
    let mut bytes = name.as_str().as_bytes().to_vec();
    bytes.resize(IFNAMSIZ, 0);
    bytes
}

/// A text as the kernel keeps texts.
fn terminated(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.push(0);
    bytes
}

/// libnftnl's form: type, length, value. Ours are all shorter than 256 bytes.
fn user_data(kind: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, u8::try_from(value.len()).unwrap_or(u8::MAX)];
    bytes.extend(value);
    bytes
}
