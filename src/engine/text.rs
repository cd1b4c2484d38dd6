//! The rules in the syntax of nft(8).

use std::fmt::{self, Write};
use std::net::Ipv6Addr;

use super::names::{ChainName, SetName};
use super::ruleset::{Chain, Elements, Rule, Ruleset, Set, Statement, TABLE};
use crate::config::Target;
use crate::event::{Cidr, Family};

/// The table as `nft list` would show it, one element of a set per line.
#[must_use]
pub fn text(ruleset: &Ruleset) -> String {
    let mut out = String::new();
    // Writing to a string can't fail.
    match write(&mut out, ruleset) {
        Ok(()) | Err(fmt::Error) => out,
    }
}

/// A script for `nft -f` that puts the rules in place of those that are there, in one transaction.
#[must_use]
pub fn script(ruleset: &Ruleset) -> String {
    format!("add table inet {TABLE}\ndelete table inet {TABLE}\n{}", text(ruleset))
}

fn write(out: &mut String, ruleset: &Ruleset) -> fmt::Result {
    writeln!(out, "table inet {TABLE} {{")?;
    for counter in &ruleset.counters {
        writeln!(out, "\tcounter {} {{\n\t}}\n", counter.as_str())?;
    }
    for set in &ruleset.sets {
        write_set(out, set)?;
    }
    for (number, chain) in ruleset.chains.iter().enumerate() {
        if number > 0 {
            writeln!(out)?;
        }
        write_chain(out, chain)?;
    }
    writeln!(out, "}}")
}

fn write_set(out: &mut String, set: &Set) -> fmt::Result {
    writeln!(out, "\tset {} {{", set.name.as_str())?;
    writeln!(out, "\t\ttype {}", set_type(set))?;
    if let Elements::Addresses(_) = set.elements {
        writeln!(out, "\t\tflags interval")?;
    }
    writeln!(out, "\t\tcomment \"{}\"", set.name.comment())?;
    let elements: Vec<String> = match &set.elements {
        Elements::Interfaces(names) => names.iter().map(|name| format!("\"{name}\"")).collect(),
        Elements::Addresses(intervals) => intervals.texts().collect(),
    };
    if !elements.is_empty() {
        writeln!(out, "\t\telements = {{ {} }}", elements.join(",\n\t\t\t     "))?;
    }
    writeln!(out, "\t}}\n")
}

fn set_type(set: &Set) -> &'static str {
    match &set.elements {
        Elements::Interfaces(_) => "ifname",
        Elements::Addresses(intervals) => match intervals.family() {
            Family::Ipv4 => "ipv4_addr",
            Family::Ipv6 => "ipv6_addr",
        },
    }
}

fn write_chain(out: &mut String, chain: &Chain) -> fmt::Result {
    writeln!(out, "\tchain {} {{", chain.name.as_str())?;
    let what = match chain.name {
        ChainName::Prerouting => "filter hook prerouting priority raw",
        ChainName::Dstnat => "nat hook prerouting priority dstnat",
        ChainName::Forward => "filter hook forward priority filter",
        ChainName::Input => "filter hook input priority filter",
        ChainName::Postrouting => "nat hook postrouting priority srcnat",
        ChainName::UserForward
        | ChainName::UserPrerouting
        | ChainName::UserPostrouting
        | ChainName::UserInput => "",
    };
    if !what.is_empty() {
        writeln!(out, "\t\ttype {what}; policy accept;")?;
    }
    for rule in &chain.rules {
        writeln!(out, "\t\t{}", rule_text(rule))?;
    }
    writeln!(out, "\t}}")
}

/// One rule with its comment.
#[must_use]
pub fn rule_text(rule: &Rule) -> String {
    let words: Vec<String> = rule.statements.iter().map(statement).collect();
    format!("{} comment \"{}\"", words.join(" "), rule.comment)
}

fn statement(statement: &Statement) -> String {
    match statement {
        Statement::Of(family) => format!("meta nfproto {}", family.as_str()),
        Statement::ArrivesBy(set) => format!("iifname @{}", set.as_str()),
        Statement::ArrivesNotBy(set) => format!("iifname != @{}", set.as_str()),
        Statement::LeavesBy(set) => format!("oifname @{}", set.as_str()),
        Statement::LeavesNotBy(set) => format!("oifname != @{}", set.as_str()),
        Statement::StaysOn(name) => format!("iifname \"{name}\" oifname \"{name}\""),
        Statement::From(family, set) => address(*family, "saddr", *set),
        Statement::To(family, set) => address(*family, "daddr", *set),
        Statement::FromNetwork(network) => {
            format!("{} saddr {}", header(Family::of(network.address)), bare(network))
        }
        Statement::ToNetwork(network) => {
            format!("{} daddr {}", header(Family::of(network.address)), bare(network))
        }
        Statement::Icmp(family, first, last) => {
            let protocol = match family {
                Family::Ipv4 => "icmp",
                Family::Ipv6 => "icmpv6",
            };
            format!("{protocol} type {}", range((*first).into(), (*last).into()))
        }
        Statement::Protocol(name @ ("esp" | "ah"), _) => format!("meta l4proto {name}"),
        // nft(8) looks other names up in /etc/protocols, which not every machine has.
        Statement::Protocol(_, number) => format!("meta l4proto {number}"),
        Statement::ToHost(target) => to_host(*target),
        Statement::ToPorts(ports) => {
            format!("{} dport {}", ports.transport.as_str(), range(ports.first, ports.last))
        }
        Statement::Known => "ct state established,related".to_owned(),
        Statement::Unknown => "ct state invalid,new,untracked".to_owned(),
        Statement::Unseen => "ct state invalid,untracked".to_owned(),
        Statement::BeganUntranslated => {
            "ct direction original ct status & (confirmed | snat) == confirmed".to_owned()
        }
        Statement::PortForwarded => "ct status dnat".to_owned(),
        Statement::NotInIpsec => "rt ipsec missing".to_owned(),
        Statement::TcpOpening => "tcp flags & (syn | rst) == syn".to_owned(),
        Statement::ClampSegmentSize => "tcp option maxseg size set rt mtu".to_owned(),
        Statement::Count(counter) => format!("counter name \"{}\"", counter.as_str()),
        Statement::Masquerade => "masquerade".to_owned(),
        Statement::Forward(address, None) => format!("dnat ip to {address}"),
        Statement::Forward(address, Some(port)) => format!("dnat ip to {address}:{port}"),
        Statement::Jump(chain) => format!("jump {}", chain.as_str()),
        Statement::Accept => "accept".to_owned(),
        Statement::Drop => "drop".to_owned(),
    }
}

fn address(family: Family, what: &str, set: SetName) -> String {
    format!("{} {what} @{}", header(family), set.as_str())
}

/// What nft(8) calls the header that has the addresses.
fn header(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "ip",
        Family::Ipv6 => "ip6",
    }
}

/// A network as nft(8) writes it: one address without a prefix.
fn bare(network: &Cidr) -> String {
    let whole = if network.address.is_ipv4() { 32 } else { 128 };
    if network.prefix == whole { network.address.to_string() } else { network.to_string() }
}

fn to_host(target: Target) -> String {
    match target {
        Target::Ipv4(address, _) => format!("ip daddr {address}"),
        Target::Ipv6(address) => format!("ip6 daddr {address}"),
        Target::HostPart(address) => {
            format!("ip6 daddr & {} == {address}", Ipv6Addr::from_bits(u64::MAX.into()))
        }
    }
}

fn range(first: u16, last: u16) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}
