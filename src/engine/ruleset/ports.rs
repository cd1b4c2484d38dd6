//! Ports that are forwarded to the inside: translated for IPv4, let through for IPv6.

use super::{Rule, Statement, own};
use crate::config::{Forward, Rules, Target};
use crate::engine::names::{ChainName, SetName};
use crate::event::Family;

/// What is asked of a public address goes to the host inside that is to answer. Whoever asks
/// from inside or from among guests by that address is answered by the same host.
pub(super) fn dstnat(rules: &Rules) -> Vec<Rule> {
    let mut chain: Vec<Rule> = own(rules, ChainName::UserPrerouting).into_iter().collect();
    for forward in &rules.forward {
        let Target::Ipv4(address, port) = forward.to else { continue };
        let rule = |who: Option<Statement>| {
            let mut statements = vec![Statement::To(Family::Ipv4, SetName::Public4)];
            statements.extend(who);
            statements.push(Statement::ToPorts(forward.port));
            statements.push(Statement::Forward(address, port));
            Rule { statements, comment: FORWARDED }
        };
        chain.push(rule(forward.from.map(Statement::FromNetwork)));
        if forward.from.is_some() {
            // The limit is for strangers.
            chain.push(rule(Some(Statement::From(Family::Ipv4, SetName::Internal4))));
        }
    }
    chain
}

const FORWARDED: &str = "netcue.conf forwards it to a host inside";

/// What the inside asks of its own hosts by a public address is answered to the machine, which
/// knows whom to tell: the host itself would answer directly, with an address nobody asked.
pub(super) fn hairpin(rules: &Rules) -> Vec<Rule> {
    let rule = |forward: &Forward| Rule {
        statements: vec![
            Statement::From(Family::Ipv4, SetName::Internal4),
            Statement::ToHost(forward.to.without_port()),
            Statement::ToPorts(forward.there()),
            Statement::PortForwarded,
            Statement::Masquerade,
        ],
        comment: "the inside asked a host of the inside by a public address",
    };
    let mut chain: Vec<Rule> = Vec::new();
    for forward in rules.forward.iter().filter(|it| it.to.family() == Family::Ipv4) {
        let rule = rule(forward);
        if !chain.contains(&rule) {
            chain.push(rule);
        }
    }
    chain
}

/// Hosts inside have public addresses of IPv6: whoever asks for them is let through.
pub(super) fn let_in(rules: &Rules) -> Vec<Rule> {
    let rule = |forward: &Forward| {
        let mut statements = vec![Statement::LeavesBy(SetName::Inside6)];
        statements.extend(forward.from.map(Statement::FromNetwork));
        statements.push(Statement::ToHost(forward.to));
        statements.push(Statement::ToPorts(forward.port));
        statements.push(Statement::Accept);
        Rule { statements, comment: FORWARDED }
    };
    rules.forward.iter().filter(|it| it.to.family() == Family::Ipv6).map(rule).collect()
}
