//! pcmcia-cs: the functions in `network.opts` that its `network` script calls for a card.
//!
//! Facts from pcmcia-cs 3.2.8 (`cardmgr.c`, `etc/network`, `etc/shared`) and from
//! recorded calls. The settings of `network.opts` are shell variables; only what the
//! functions hand over can be seen here.

use std::net::IpAddr;

use super::values::{address, address_in, netmask};
use super::{Attach, Call, Manners, Refusal, Source, Trigger, Wait, Which};
use crate::event::{Action, Facts, Family, SourceName};

const CARD: &str = "INTERFACE";

/// cardmgr of pcmcia-cs.
pub static SOURCE: Source = Source {
    name: SourceName::fixed("pcmcia"),
    summary: "cardmgr of pcmcia-cs, from start_fn and stop_fn in network.opts",
    which: Which::FirstWord,
    places: &[],
    manners: Manners::PLAIN,
    triggers: &[
        // cardmgr waits without any limit, for all its sockets. start_fn is the last thing it
        // does for a card that is up already: nothing is gained by waiting.
        Trigger::new("start", Some(Action::Up), Wait::Deposit, CARD, start),
        // stop_fn comes first, and when it returns the addresses go: whoever has to act while
        // they stand must have done so by then.
        Trigger::new("stop", Some(Action::PreDown), Wait::finish(10), CARD, named),
        recorded("check"),
        recorded("suspend"),
        recorded("resume"),
        recorded("restart"),
        Trigger::new("cksum", None, Wait::Deposit, "INTERFACE [NEW-SCHEME]", checksum),
    ],
    attach: Attach::NOTHING,
};

/// A trigger at which nothing runs.
const fn recorded(word: &'static str) -> Trigger {
    Trigger::new(word, None, Wait::Deposit, CARD, named)
}

fn start(call: &Call<'_>, _: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    facts.interface = Some(call.interface(0)?);
    addresses(call, facts);
    name_servers(call, facts);
    facts.facts_complete = facts.local.is_some() && facts.warnings.is_empty();
    card(call, facts);
    call.at_most(1, facts);
    Ok(())
}

/// The card's name and no addresses: at stop the settings say what the card was to have,
/// not what it has. With it pulled out, that is nothing.
fn named(call: &Call<'_>, _: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    facts.interface = Some(call.interface(0)?);
    card(call, facts);
    call.at_most(1, facts);
    Ok(())
}

fn checksum(call: &Call<'_>, _: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    facts.interface = Some(call.interface(0)?);
    let scheme = call.optional(1, "new_scheme", facts);
    facts.detail_text("new_scheme", scheme);
    card(call, facts);
    call.at_most(2, facts);
    Ok(())
}

/// The addresses of `network.opts`. Its sample has a NETMASK and a GATEWAY also for DHCP, so
/// they are not believed without an IPADDR.
fn addresses(call: &Call<'_>, facts: &mut Facts) {
    let written = call.variable("IPADDR", facts);
    facts.local = address_in(Family::Ipv4, written, "IPADDR", facts);
    if facts.local.is_none() {
        return;
    }
    facts.family = Some(Family::Ipv4);
    let written = call.variable("NETMASK", facts);
    facts.prefix = netmask(written, "NETMASK", facts);
    let written = call.variable("GATEWAY", facts);
    facts.gateway = address_in(Family::Ipv4, written, "GATEWAY", facts);
}

/// What `network` has put into resolv.conf, in that order, with DHCP too.
fn name_servers(call: &Call<'_>, facts: &mut Facts) {
    let mut servers: Vec<IpAddr> = Vec::new();
    for name in ["DNSSRVS", "DNS_1", "DNS_2", "DNS_3"] {
        let written = call.variable(name, facts).split_whitespace();
        servers.extend(written.filter_map(|written| address(written, name, facts)));
    }
    facts.dns = (!servers.is_empty()).then_some(servers);
}

/// `IPMASQ` in the card's block of `network.opts` says whether the card matters here.
/// Not set, or set to nothing, it says nothing.
fn gate(call: &Call<'_>, facts: &mut Facts) {
    let ipmasq = call.variable("IPMASQ", facts);
    facts.detail_text("ipmasq", ipmasq);
    // Compared as it came: what can't be read is no yes either.
    let is_yes = call.env.iter().find(|(name, _)| name == "IPMASQ").is_none_or(|(_, value)| {
        ["", "y", "Y", "yes", "YES"].into_iter().any(|word| value.as_os_str() == word)
    });
    if facts.action.is_some() && !is_yes {
        facts.action = None;
        facts.warn("IPMASQ", "none of y Y yes YES in network.opts: recorded, nothing runs");
    }
}

/// Whether the card matters, and which it is. MANFID and PRODID are what the card says
/// of itself.
fn card(call: &Call<'_>, facts: &mut Facts) {
    gate(call, facts);
    place(call, facts);
    for (variable, name) in [
        ("SCHEME", "scheme"),
        ("MANFID", "manfid"),
        ("PRODID_1", "prodid_1"),
        ("PRODID_2", "prodid_2"),
        ("PRODID_3", "prodid_3"),
        ("PRODID_4", "prodid_4"),
        ("DRIVER", "driver"),
    ] {
        let value = call.variable(variable, facts);
        if facts.details.get(name).is_none() {
            facts.detail_text(name, value);
        }
    }
    for (variable, name) in [("SOCKET", "socket"), ("INSTANCE", "instance"), ("FUNCID", "funcid")] {
        let value = call.variable(variable, facts);
        if facts.details.get(name).is_none() {
            facts.detail_number(name, value);
        }
    }
}

/// `ADDRESS`, by which `network.opts` finds the card's block: `scheme,socket,instance,hwaddr`.
fn place(call: &Call<'_>, facts: &mut Facts) {
    let written = call.variable("ADDRESS", facts);
    if written.is_empty() {
        return;
    }
    let mut fields = written.split(',');
    let (Some(scheme), Some(socket), Some(instance), Some(hwaddr), None) =
        (fields.next(), fields.next(), fields.next(), fields.next(), fields.next())
    else {
        facts.warn("ADDRESS", "not scheme,socket,instance,hwaddr");
        return;
    };
    facts.detail_text("scheme", scheme);
    facts.detail_number("socket", socket);
    facts.detail_number("instance", instance);
    facts.detail_text("hwaddr", hwaddr);
}
