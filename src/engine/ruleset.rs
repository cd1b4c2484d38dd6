//! The rules netcue wants, as data: what text and wire are made from.

use std::collections::BTreeSet;

use super::classify::Classes;
use super::intervals::Intervals;
use super::names::{ChainName, CounterName, SetName};
use super::sides::Side;
use crate::config::Rules;
use crate::event::{Family, InterfaceName};

/// The one table netcue ever touches, of family inet.
pub const TABLE: &str = "netcue";

/// Everything in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruleset {
    /// The counters that rules refer to, in the order of [`CounterName`].
    pub counters: Vec<CounterName>,
    /// The sets that rules refer to, in the order of [`SetName`]; some may be empty.
    pub sets: Vec<Set>,
    /// The chains; all are base chains with policy accept.
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

/// A base chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Its name, type, hook and priority.
    pub name: ChainName,
    /// Its rules, in order.
    pub rules: Vec<Rule>,
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
}

/// The rules for these classes.
///
/// A rule is there whether or not its sets are empty: what comes later finds it in force.
/// While no interface is up, nothing new is forwarded, whatever is configured: whoever comes
/// up first is refused until a run has seen it.
#[must_use]
pub fn ruleset(classes: &Classes, rules: &Rules) -> Ruleset {
    let chains = vec![
        Chain { name: ChainName::Prerouting, rules: prerouting() },
        Chain { name: ChainName::Forward, rules: forward(classes, rules) },
        Chain { name: ChainName::Postrouting, rules: postrouting(rules.masquerade) },
    ];
    let statements =
        || chains.iter().flat_map(|chain| &chain.rules).flat_map(|rule| &rule.statements);
    let used: BTreeSet<SetName> = statements().filter_map(Statement::set).collect();
    let counters: BTreeSet<CounterName> = statements()
        .filter_map(|statement| match statement {
            Statement::Count(name) => Some(*name),
            _ => None,
        })
        .collect();
    let sets =
        used.into_iter().map(|name| Set { name, elements: elements(classes, name) }).collect();
    Ruleset { counters: counters.into_iter().collect(), sets, chains }
}

fn elements(classes: &Classes, name: SetName) -> Elements {
    let on = |side, family| Elements::Interfaces(classes.on(side, family).cloned().collect());
    let addresses = |intervals: &Intervals| Elements::Addresses(intervals.clone());
    match name {
        SetName::Outside4 => on(Side::Outside, Family::Ipv4),
        SetName::Outside6 => on(Side::Outside, Family::Ipv6),
        SetName::Inside4 => on(Side::Inside, Family::Ipv4),
        SetName::Inside6 => on(Side::Inside, Family::Ipv6),
        SetName::Undecided4 => on(Side::Undecided, Family::Ipv4),
        SetName::Undecided6 => on(Side::Undecided, Family::Ipv6),
        SetName::Guests => on(Side::Guest, Family::Ipv4),
        SetName::Untranslated => {
            let on = |side| classes.on(side, Family::Ipv4);
            let all = on(Side::Inside).chain(on(Side::Guest)).chain(on(Side::Ignored));
            Elements::Interfaces(all.chain(&classes.in_only).cloned().collect())
        }
        SetName::Fitted => Elements::Interfaces(classes.fitted.keys().cloned().collect()),
        SetName::Internal4 => addresses(&classes.internal4),
        SetName::Internal6 => addresses(&classes.internal6),
        SetName::OnlyInternal4 => addresses(&classes.only_internal4),
        SetName::OnlyInternal6 => addresses(&classes.only_internal6),
        SetName::Translated4 => addresses(&classes.translated4),
    }
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

fn prerouting() -> Vec<Rule> {
    let forged = |sets: &Sets, arrives, comment| Rule {
        statements: vec![
            arrives,
            Statement::From(sets.family, sets.only_internal),
            Statement::Count(CounterName::Forged),
            Statement::Drop,
        ],
        comment,
    };
    SETS.iter()
        .flat_map(|sets| {
            [
                forged(
                    sets,
                    Statement::ArrivesBy(sets.outside),
                    "a packet from outside with an internal source address is forged",
                ),
                forged(
                    sets,
                    Statement::ArrivesBy(SetName::Guests),
                    "a packet from a guest with an internal source address is forged",
                ),
            ]
        })
        .collect()
}

fn forward(classes: &Classes, rules: &Rules) -> Vec<Rule> {
    let mut chain = Vec::new();
    if classes.before_network {
        chain.push(refuse_everything_new());
    }
    if rules.clamp_mss {
        for fitted in [Statement::LeavesBy(SetName::Fitted), Statement::ArrivesBy(SetName::Fitted)]
        {
            chain.push(Rule {
                statements: vec![fitted, Statement::TcpOpening, Statement::ClampSegmentSize],
                comment: "segments must fit the whole way, in both directions",
            });
        }
    }
    if rules.masquerade {
        chain.extend(untranslated());
    }
    chain.push(Rule {
        statements: vec![Statement::Known, Statement::Accept],
        comment: "part of a known connection",
    });
    chain.push(Rule {
        statements: vec![Statement::PortForwarded, Statement::Accept],
        comment: "forwarded inside by a rule of somebody else's",
    });
    for bridge in &classes.bridges {
        chain.push(Rule {
            statements: vec![Statement::StaysOn(bridge.clone()), Statement::Accept],
            comment: "between the ports of a bridge, where nothing is routed",
        });
    }
    chain.extend(SETS.iter().flat_map(refused));
    chain
}

/// What leaves with an address that means nothing outside is dropped, so that a connection
/// which began before it could be translated begins anew. Connections that were opened from
/// outside, by a forwarded port, are answered.
fn untranslated() -> Vec<Rule> {
    let leaving = |how, comment| Rule {
        statements: vec![
            Statement::LeavesNotBy(SetName::Untranslated),
            Statement::From(Family::Ipv4, SetName::Translated4),
            Statement::NotInIpsec,
            how,
            Statement::Count(CounterName::Untranslated),
            Statement::Drop,
        ],
        comment,
    };
    vec![
        leaving(Statement::Unseen, "what belongs to no connection would leave untranslated"),
        leaving(
            Statement::BeganUntranslated,
            "a connection that began untranslated would go on so",
        ),
    ]
}

/// Who may open no connection, and where to.
fn refused(sets: &Sets) -> Vec<Rule> {
    let of = || Statement::Of(sets.family);
    let rule = |mut statements: Vec<Statement>, comment| {
        statements.extend([
            Statement::Unknown,
            Statement::Count(CounterName::Refused),
            Statement::Drop,
        ]);
        Rule { statements, comment }
    };
    vec![
        rule(
            vec![of(), Statement::ArrivesBy(sets.outside)],
            "nobody outside may open a connection, wherever to",
        ),
        rule(
            vec![of(), Statement::ArrivesBy(SetName::Guests), Statement::LeavesNotBy(sets.outside)],
            "guests may open connections to the outside only",
        ),
        rule(
            vec![of(), Statement::ArrivesBy(sets.undecided), Statement::LeavesNotBy(sets.outside)],
            "who may be anybody may open connections to the outside only",
        ),
        rule(
            vec![of(), Statement::ArrivesNotBy(sets.inside), Statement::LeavesBy(sets.inside)],
            "only the inside may open connections to the inside",
        ),
        rule(
            vec![Statement::ArrivesNotBy(sets.inside), Statement::To(sets.family, sets.internal)],
            "only the inside may open connections to networks of the inside",
        ),
    ]
}

/// Comes first: what is behind it is about connections that began when interfaces were up.
fn refuse_everything_new() -> Rule {
    Rule {
        statements: vec![
            Statement::Unknown,
            Statement::Count(CounterName::Refused),
            Statement::Drop,
        ],
        comment: "no interface is up yet, and nothing is forwarded before one was seen",
    }
}

fn postrouting(masquerade: bool) -> Vec<Rule> {
    if !masquerade {
        return Vec::new();
    }
    vec![Rule {
        statements: vec![
            Statement::LeavesNotBy(SetName::Untranslated),
            Statement::From(Family::Ipv4, SetName::Translated4),
            Statement::NotInIpsec,
            Statement::Masquerade,
        ],
        comment: "the inside shares the address of the link it leaves by",
    }]
}
