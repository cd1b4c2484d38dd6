//! The rules netcue wants, as data: what text and wire are made from.

use std::collections::BTreeSet;

use super::classify::Classes;
use super::intervals::Intervals;
use crate::config::Rules;
use crate::event::{Family, InterfaceName};

/// The one table netcue ever touches, of family inet.
pub const TABLE: &str = "netcue";

/// Everything in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruleset {
    /// The sets that rules refer to, in the order of [`SetName`].
    pub sets: Vec<Set>,
    /// The chains; all are base chains with policy accept.
    pub chains: Vec<Chain>,
}

/// The sets there can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SetName {
    /// Interfaces by which packets leave for the outside.
    ExternalOut,
    /// Interfaces by which packets arrive from the outside.
    ExternalIn,
    /// Internal IPv4 networks.
    Internal4,
    /// Internal IPv6 networks.
    Internal6,
    /// Internal IPv4 networks less those of external interfaces.
    OnlyInternal4,
    /// Internal IPv6 networks less those of external interfaces.
    OnlyInternal6,
    /// Interfaces with a small MTU.
    Narrow,
}

impl SetName {
    /// Every set, in order.
    pub const ALL: [Self; 7] = [
        Self::ExternalOut,
        Self::ExternalIn,
        Self::Internal4,
        Self::Internal6,
        Self::OnlyInternal4,
        Self::OnlyInternal6,
        Self::Narrow,
    ];

    /// The name in the kernel.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ExternalOut => "external_out",
            Self::ExternalIn => "external_in",
            Self::Internal4 => "internal4",
            Self::Internal6 => "internal6",
            Self::OnlyInternal4 => "only_internal4",
            Self::OnlyInternal6 => "only_internal6",
            Self::Narrow => "narrow",
        }
    }

    /// What is in it, for people: at most 128 bytes.
    #[must_use]
    pub fn comment(self) -> &'static str {
        match self {
            Self::ExternalOut => "interfaces by which packets leave for the outside",
            Self::ExternalIn => "interfaces by which packets arrive from the outside",
            Self::Internal4 | Self::Internal6 => "networks on and behind internal interfaces",
            Self::OnlyInternal4 | Self::OnlyInternal6 => {
                "internal networks that no external interface shares"
            }
            Self::Narrow => "interfaces with an MTU below 1500",
        }
    }
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

impl Elements {
    fn is_empty(&self) -> bool {
        match self {
            Self::Interfaces(names) => names.is_empty(),
            Self::Addresses(intervals) => intervals.is_empty(),
        }
    }
}

/// A base chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Its name, type, hook and priority.
    pub name: ChainName,
    /// Its rules, in order.
    pub rules: Vec<Rule>,
}

/// The chains there can be. There is none for packets to the machine itself: no mistake
/// here can lock anybody out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChainName {
    /// `type filter hook prerouting priority raw`: packets as they arrive.
    Prerouting,
    /// `type filter hook forward priority filter`: packets passing through.
    Forward,
    /// `type nat hook postrouting priority srcnat`: connections on their way out.
    Postrouting,
}

impl ChainName {
    /// The name in the kernel.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prerouting => "prerouting",
            Self::Forward => "forward",
            Self::Postrouting => "postrouting",
        }
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statement {
    /// `iifname @set`.
    ArrivesBy(SetName),
    /// `oifname @set`.
    LeavesBy(SetName),
    /// `ip saddr @set` or `ip6 saddr @set`.
    From(Family, SetName),
    /// `ip daddr @set` or `ip6 daddr @set`.
    To(Family, SetName),
    /// `ip daddr != @set` or `ip6 daddr != @set`.
    NotTo(Family, SetName),
    /// `ct state established,related`.
    Known,
    /// `ct state invalid,new,untracked`.
    Unknown,
    /// `ct status dnat`.
    PortForwarded,
    /// `tcp flags syn / syn,rst`.
    TcpOpening,
    /// `tcp option maxseg size set rt mtu`.
    ClampSegmentSize,
    /// `counter`.
    Count,
    /// `masquerade`.
    Masquerade,
    /// `accept`.
    Accept,
    /// `drop`.
    Drop,
}

impl Statement {
    /// The set it refers to.
    #[must_use]
    pub fn set(self) -> Option<SetName> {
        match self {
            Self::ArrivesBy(set)
            | Self::LeavesBy(set)
            | Self::From(_, set)
            | Self::To(_, set)
            | Self::NotTo(_, set) => Some(set),
            _ => None,
        }
    }
}

/// The rules for these classes.
///
/// Without an external interface the chains are empty: nothing is translated and
/// nothing refused. While no interface is up, nothing new is forwarded, whatever is
/// configured: whoever comes up first is refused until a run has seen it.
#[must_use]
pub fn ruleset(classes: &Classes, rules: &Rules) -> Ruleset {
    let elements = |name| elements(classes, name);
    let outside = !classes.external_out.is_empty() || !classes.external_in.is_empty();
    let mut chains = vec![
        Chain { name: ChainName::Prerouting, rules: prerouting() },
        Chain { name: ChainName::Forward, rules: forward(rules.clamp_mss) },
        Chain { name: ChainName::Postrouting, rules: postrouting(rules.masquerade) },
    ];
    let is_empty = |set| elements(set).is_empty();
    let closed = classes.before_network.then(refuse_everything_new);
    for rule in chains.iter_mut().flat_map(|chain| &mut chain.rules) {
        // No address is in an empty set: to say so would say nothing.
        rule.statements
            .retain(|statement| !matches!(statement, Statement::NotTo(_, set) if is_empty(*set)));
    }
    for chain in &mut chains {
        // A rule about an empty set would never match.
        chain.rules.retain(|rule| {
            outside && !rule.statements.iter().filter_map(|statement| statement.set()).any(is_empty)
        });
    }
    for chain in chains.iter_mut().filter(|chain| chain.name == ChainName::Forward) {
        chain.rules.splice(..0, closed.clone());
    }
    let used: BTreeSet<SetName> = chains
        .iter()
        .flat_map(|chain| &chain.rules)
        .flat_map(|rule| &rule.statements)
        .filter_map(|statement| statement.set())
        .collect();
    let sets = used.into_iter().map(|name| Set { name, elements: elements(name) }).collect();
    Ruleset { sets, chains }
}

fn elements(classes: &Classes, name: SetName) -> Elements {
    match name {
        SetName::ExternalOut => {
            Elements::Interfaces(classes.external_out.keys().cloned().collect())
        }
        SetName::ExternalIn => Elements::Interfaces(classes.external_in.keys().cloned().collect()),
        SetName::Narrow => Elements::Interfaces(classes.narrow.keys().cloned().collect()),
        SetName::Internal4 => Elements::Addresses(classes.internal4.clone()),
        SetName::Internal6 => Elements::Addresses(classes.internal6.clone()),
        SetName::OnlyInternal4 => Elements::Addresses(classes.only_internal4.clone()),
        SetName::OnlyInternal6 => Elements::Addresses(classes.only_internal6.clone()),
    }
}

fn prerouting() -> Vec<Rule> {
    [(Family::Ipv4, SetName::OnlyInternal4), (Family::Ipv6, SetName::OnlyInternal6)]
        .map(|(family, set)| Rule {
            statements: vec![
                Statement::ArrivesBy(SetName::ExternalIn),
                Statement::From(family, set),
                Statement::Count,
                Statement::Drop,
            ],
            comment: "a packet from outside with an internal source address is forged",
        })
        .into()
}

fn forward(clamp: bool) -> Vec<Rule> {
    let mut rules = Vec::new();
    if clamp {
        for narrow in [Statement::LeavesBy(SetName::Narrow), Statement::ArrivesBy(SetName::Narrow)]
        {
            rules.push(Rule {
                statements: vec![narrow, Statement::TcpOpening, Statement::ClampSegmentSize],
                comment: "segments must fit a link with a small MTU, in both directions",
            });
        }
    }
    rules.push(Rule {
        statements: vec![Statement::Known, Statement::Accept],
        comment: "part of a known connection",
    });
    rules.push(Rule {
        statements: vec![
            Statement::ArrivesBy(SetName::ExternalIn),
            Statement::PortForwarded,
            Statement::Accept,
        ],
        comment: "forwarded inside by a rule of somebody else's",
    });
    for (family, set) in [(Family::Ipv4, SetName::Internal4), (Family::Ipv6, SetName::Internal6)] {
        rules.push(Rule {
            statements: vec![
                Statement::ArrivesBy(SetName::ExternalIn),
                Statement::To(family, set),
                Statement::Unknown,
                Statement::Count,
                Statement::Drop,
            ],
            comment: "nobody outside may open a connection to the inside",
        });
    }
    rules
}

/// Comes first: what is behind it is about connections that began when interfaces were up.
fn refuse_everything_new() -> Rule {
    Rule {
        statements: vec![Statement::Unknown, Statement::Count, Statement::Drop],
        comment: "no interface is up yet, and nothing is forwarded before one was seen",
    }
}

fn postrouting(masquerade: bool) -> Vec<Rule> {
    if !masquerade {
        return Vec::new();
    }
    vec![Rule {
        statements: vec![
            Statement::LeavesBy(SetName::ExternalOut),
            Statement::From(Family::Ipv4, SetName::Internal4),
            Statement::NotTo(Family::Ipv4, SetName::OnlyInternal4),
            Statement::Masquerade,
        ],
        comment: "the inside shares the address of the link it leaves by",
    }]
}
