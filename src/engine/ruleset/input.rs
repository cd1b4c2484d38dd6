//! Packets to the machine itself, where it is to be protected: from strangers and guests, and
//! never from the inside.

use std::net::{IpAddr, Ipv6Addr};

use super::{Rule, SETS, Statement, own};
use crate::config::{Door, Opening, Ports, Rules, Transport};
use crate::engine::classify::Classes;
use crate::engine::intervals::Intervals;
use crate::engine::names::{ChainName, CounterName, SetName};
use crate::event::{Cidr, Family};

/// Nothing of ours where the machine is not to be protected.
pub(super) fn input(rules: &Rules) -> Vec<Rule> {
    let mut chain: Vec<Rule> = own(rules, ChainName::UserInput).into_iter().collect();
    if !rules.protect {
        return chain;
    }
    chain.extend([
        accept(vec![Statement::Known], "part of a known connection"),
        accept(vec![Statement::PortForwarded], "sent here by a rule of somebody else's"),
    ]);
    chain.extend(ICMP.iter().map(|(family, first, last, why)| {
        accept(vec![Statement::Icmp(*family, *first, *last)], why)
    }));
    chain.extend(leases());
    chain.extend(for_guests());
    chain.extend(rules.open.iter().map(open));
    chain.extend(refused());
    chain
}

/// Whether somebody at that address could begin no connection to that port of the machine
/// itself, as far as an address tells where its owner is.
#[must_use]
pub fn is_shut_out(classes: &Classes, rules: &Rules, from: IpAddr, to: Ports) -> bool {
    let is_open = |opening: &Opening| {
        let door = match opening.door {
            Door::Ports(ports) => ports.contain(to.transport.number(), to.first),
            Door::Protocol(..) => false,
        };
        let who = opening
            .from
            .is_none_or(|network| Intervals::of_networks(Family::of(from), [network]).has(from));
        door && who
    };
    let is_inside = classes.internal4.has(from) || classes.internal6.has(from);
    rules.protect && !from.is_loopback() && !is_inside && !rules.open.iter().any(is_open)
}

fn accept(mut statements: Vec<Statement>, comment: &'static str) -> Rule {
    statements.push(Statement::Accept);
    Rule { statements, comment }
}

/// What RFC 4890 (section 4.4.1) wants not to be dropped on its way to a machine, and the same
/// of IPv4. Redirects are not among it.
const ICMP: [(Family, u8, u8, &str); 8] = [
    (Family::Ipv4, 3, 3, "something could not be delivered"),
    (Family::Ipv4, 8, 8, "ping"),
    (Family::Ipv4, 11, 12, "something took too long, or was not understood"),
    (Family::Ipv6, 1, 4, "something could not be delivered, or was too big, or not understood"),
    (Family::Ipv6, 128, 136, "ping, groups of receivers, and finding neighbours and routers"),
    (Family::Ipv6, 141, 143, "finding neighbours by their hardware, groups of receivers"),
    (Family::Ipv6, 148, 149, "proofs that neighbours are who they say (SEND)"),
    (Family::Ipv6, 151, 153, "finding routers for groups of receivers"),
];

/// Offers of addresses come from servers that were asked as a group, which no connection is
/// known for.
fn leases() -> Vec<Rule> {
    let to = |port| Statement::ToPorts(Ports::one(Transport::Udp, port));
    let link_local =
        Cidr { address: Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0).into(), prefix: 10 };
    vec![
        accept(vec![Statement::Of(Family::Ipv4), to(68)], "a lease from a server of DHCP"),
        accept(vec![Statement::ToNetwork(link_local), to(546)], "a lease from a server of DHCPv6"),
    ]
}

/// Guests need a lease and names.
fn for_guests() -> Vec<Rule> {
    let to = |transport, port, comment| {
        let ports = Statement::ToPorts(Ports::one(transport, port));
        accept(vec![Statement::ArrivesBy(SetName::Guests), ports], comment)
    };
    vec![
        to(Transport::Udp, 53, "a guest asks for names"),
        to(Transport::Tcp, 53, "a guest asks for names"),
        to(Transport::Udp, 67, "a guest asks for a lease"),
        to(Transport::Udp, 547, "a guest asks for a lease of IPv6"),
    ]
}

fn open(opening: &Opening) -> Rule {
    let mut statements: Vec<Statement> =
        opening.from.map(Statement::FromNetwork).into_iter().collect();
    statements.push(match opening.door {
        Door::Ports(ports) => Statement::ToPorts(ports),
        Door::Protocol(name, number) => Statement::Protocol(name, number),
    });
    accept(statements, "open in netcue.conf")
}

fn refused() -> Vec<Rule> {
    let rule = |arrives: Vec<Statement>, comment| {
        let mut statements = arrives;
        statements.extend([
            Statement::Unknown,
            Statement::Count(CounterName::RefusedHere),
            Statement::Drop,
        ]);
        Rule { statements, comment }
    };
    let mut chain: Vec<Rule> = SETS
        .iter()
        .flat_map(|sets| {
            [
                (sets.outside, "nobody outside may open a connection to the machine itself"),
                (sets.undecided, "who may be anybody may open none to the machine itself"),
            ]
            .map(|(set, comment)| {
                rule(vec![Statement::Of(sets.family), Statement::ArrivesBy(set)], comment)
            })
        })
        .collect();
    chain.push(rule(
        vec![Statement::ArrivesBy(SetName::Guests)],
        "guests may open no connection to the machine itself",
    ));
    chain
}
