//! The rules netcue wants, as data: what text and wire are made from.

mod input;
mod passing;
mod ports;

pub use input::is_shut_out;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::classify::Classes;
use super::intervals::Intervals;
use super::names::{ChainName, CounterName, SetName};
use super::sets::{self, Held};
use crate::config::{Ports, Rules, Target};
use crate::event::{Cidr, Family, InterfaceName};

/// The one table netcue ever touches, of family inet.
pub const TABLE: &str = "netcue";

/// Everything in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruleset {
    /// The counters that rules refer to, in the order of [`CounterName`].
    pub counters: Vec<CounterName>,
    /// The sets that rules refer to, in the order of [`SetName`]; some may be empty.
    pub sets: Vec<Set>,
    /// The chains; all base chains among them have the policy accept.
    pub chains: Vec<Chain>,
}

/// A set with its elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// Which.
    pub name: SetName,
    /// What is in it.
    pub elements: Elements,
}

/// The elements of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Elements {
    /// Interface names.
    Interfaces(BTreeSet<InterfaceName>),
    /// Ranges of addresses.
    Addresses(Intervals),
}

/// A chain: all are base chains but those that the administrator fills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Its name, type, hook and priority.
    pub name: ChainName,
    /// Its rules, in order.
    pub rules: Vec<Rule>,
}

impl Chain {
    /// Whether it is there without rules.
    fn is_needed(&self) -> bool {
        !(self.rules.is_empty() && self.name.is_only_for_rules())
    }
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What it looks for and does, in order.
    pub statements: Vec<Statement>,
    /// Why it is there, for people: at most 128 bytes.
    pub comment: &'static str,
}

/// Everything a rule can look for or do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// `meta nfproto ipv4` or `meta nfproto ipv6`.
    Of(Family),
    /// `iifname @set`.
    ArrivesBy(SetName),
    /// `iifname != @set`.
    ArrivesNotBy(SetName),
    /// `oifname @set`.
    LeavesBy(SetName),
    /// `oifname != @set`.
    LeavesNotBy(SetName),
    /// `iifname "name" oifname "name"`.
    StaysOn(InterfaceName),
    /// `ip saddr @set` or `ip6 saddr @set`.
    From(Family, SetName),
    /// `ip daddr @set` or `ip6 daddr @set`.
    To(Family, SetName),
    /// `ip saddr 203.0.113.0/24` or the same of IPv6.
    FromNetwork(Cidr),
    /// `ip daddr 203.0.113.0/24` or the same of IPv6.
    ToNetwork(Cidr),
    /// `icmp type 3` or `icmpv6 type 128-136`.
    Icmp(Family, u8, u8),
    /// `meta l4proto esp` or `meta l4proto 112`, with its number.
    Protocol(&'static str, u8),
    /// `ip daddr 192.168.1.10`, or the same of IPv6, or of the end of its addresses.
    ToHost(Target),
    /// `tcp dport 443` or `udp dport 5000-5010`.
    ToPorts(Ports),
    /// `ct state established,related`.
    Known,
    /// `ct state invalid,new,untracked`.
    Unknown,
    /// `ct state invalid,untracked`: what no translation sees.
    Unseen,
    /// `ct direction original` of a connection that began untranslated.
    BeganUntranslated,
    /// `ct status dnat`.
    PortForwarded,
    /// `rt ipsec missing`: it leaves as it is, in no tunnel of `IPsec`.
    NotInIpsec,
    /// `tcp flags & (syn | rst) == syn`.
    TcpOpening,
    /// `tcp option maxseg size set rt mtu`.
    ClampSegmentSize,
    /// `counter name "..."`.
    Count(CounterName),
    /// `masquerade`.
    Masquerade,
    /// `dnat ip to 192.168.1.10:8443`.
    Forward(Ipv4Addr, Option<u16>),
    /// `jump user_forward`.
    Jump(ChainName),
    /// `accept`.
    Accept,
    /// `drop`.
    Drop,
}

impl Statement {
    /// The set it refers to.
    #[must_use]
    pub fn set(&self) -> Option<SetName> {
        match self {
            Self::ArrivesBy(set)
            | Self::ArrivesNotBy(set)
            | Self::LeavesBy(set)
            | Self::LeavesNotBy(set)
            | Self::From(_, set)
            | Self::To(_, set) => Some(*set),
            _ => None,
        }
    }

    /// The family whose packets alone it means something for.
    #[must_use]
    pub fn family(&self) -> Option<Family> {
        match self {
            Self::Of(family)
            | Self::From(family, _)
            | Self::To(family, _)
            | Self::Icmp(family, ..) => Some(*family),
            Self::FromNetwork(network) | Self::ToNetwork(network) => {
                Some(Family::of(network.address))
            }
            Self::ToHost(target) => Some(target.family()),
            _ => None,
        }
    }
}

/// The rules for these classes.
///
/// A rule is there whether or not its sets are empty: what comes later finds it in force.
/// While no interface is up, nothing new is forwarded, whatever is configured: whoever comes
/// up first is refused until a run has seen it.
#[must_use]
pub fn ruleset(classes: &Classes, rules: &Rules) -> Ruleset {
    let chains = [
        Chain { name: ChainName::Prerouting, rules: passing::prerouting() },
        Chain { name: ChainName::Dstnat, rules: ports::dstnat(rules) },
        Chain { name: ChainName::Forward, rules: passing::forward(classes, rules) },
        Chain { name: ChainName::Input, rules: input::input(rules) },
        Chain { name: ChainName::Postrouting, rules: passing::postrouting(rules) },
    ];
    let mut chains: Vec<Chain> = chains.into_iter().filter(Chain::is_needed).collect();
    if rules.own.is_some() {
        let users = ChainName::ALL.into_iter().filter(|name| name.is_users());
        chains.extend(users.map(|name| Chain { name, rules: Vec::new() }));
    }
    let statements =
        || chains.iter().flat_map(|chain| &chain.rules).flat_map(|rule| &rule.statements);
    // Rules of the administrator's own may refer to any of them.
    let (more_sets, more_counters) = match rules.own {
        None => (Vec::new(), Vec::new()),
        Some(_) => (SetName::ALL.to_vec(), CounterName::ALL.to_vec()),
    };
    let used: BTreeSet<SetName> =
        statements().filter_map(Statement::set).chain(more_sets).collect();
    let counters: BTreeSet<CounterName> = statements()
        .filter_map(|statement| match statement {
            Statement::Count(name) => Some(*name),
            _ => None,
        })
        .chain(more_counters)
        .collect();
    let sets =
        used.into_iter().map(|name| Set { name, elements: elements(classes, name) }).collect();
    Ruleset { counters: counters.into_iter().collect(), sets, chains }
}

fn elements(classes: &Classes, name: SetName) -> Elements {
    match sets::held(name, classes) {
        Held::Interfaces(names) => Elements::Interfaces(names.into_keys().collect()),
        Held::Addresses(intervals) => Elements::Addresses(intervals),
    }
}

/// The jump to the administrator's own rules, where there are any.
fn own(rules: &Rules, chain: ChainName) -> Option<Rule> {
    rules.own.as_ref().map(|_| Rule {
        statements: vec![Statement::Jump(chain)],
        comment: "the administrator's own rules, of /etc/netcue/rules.d",
    })
}

/// The sets of one family.
struct Sets {
    family: Family,
    outside: SetName,
    inside: SetName,
    undecided: SetName,
    internal: SetName,
    only_internal: SetName,
}

const SETS: [Sets; 2] = [
    Sets {
        family: Family::Ipv4,
        outside: SetName::Outside4,
        inside: SetName::Inside4,
        undecided: SetName::Undecided4,
        internal: SetName::Internal4,
        only_internal: SetName::OnlyInternal4,
    },
    Sets {
        family: Family::Ipv6,
        outside: SetName::Outside6,
        inside: SetName::Inside6,
        undecided: SetName::Undecided6,
        internal: SetName::Internal6,
        only_internal: SetName::OnlyInternal6,
    },
];
