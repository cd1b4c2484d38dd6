//! Packets that pass through the machine: who may open connections, where to, and with which
//! address they leave.

use super::{Rule, SETS, Sets, Statement, own, ports};
use crate::config::Rules;
use crate::engine::classify::Classes;
use crate::engine::names::{ChainName, CounterName, SetName};
use crate::event::Family;

pub(super) fn prerouting() -> Vec<Rule> {
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

pub(super) fn forward(classes: &Classes, rules: &Rules) -> Vec<Rule> {
    let mut chain = Vec::new();
    if classes.before_network {
        chain.push(refuse_everything_new());
    }
    chain.extend(own(rules, ChainName::UserForward));
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
        comment: "forwarded inside, by netcue.conf or a rule of somebody else's",
    });
    chain.extend(ports::let_in(rules));
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

pub(super) fn postrouting(rules: &Rules) -> Vec<Rule> {
    let mut chain: Vec<Rule> = own(rules, ChainName::UserPostrouting).into_iter().collect();
    chain.extend(ports::hairpin(rules));
    if rules.masquerade {
        chain.push(Rule {
            statements: vec![
                Statement::LeavesNotBy(SetName::Untranslated),
                Statement::From(Family::Ipv4, SetName::Translated4),
                Statement::NotInIpsec,
                Statement::Masquerade,
            ],
            comment: "the inside shares the address of the link it leaves by",
        });
    }
    chain
}
