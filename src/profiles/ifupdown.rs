//! Scripts in `/etc/network/if-up.d` and its like, as ifupdown's ifup and ifdown run them: no
//! words, and a call for each family.

use std::net::IpAddr;

use super::ppp;
use super::told::{
    PATH, Variables, addresses, detail, gateway, is_leased, joined, of_network, servers,
};
use super::{Dispatcher, Given, Moment, RUN_PARTS, place};
use crate::event::{Action, Event, Family};

pub(super) static DISPATCHER: Dispatcher = Dispatcher {
    name: "ifupdown",
    source: "ifupdown",
    places: &[
        place("if-pre-up.d", "pre-up", &[Action::PreUp]),
        place("if-up.d", "up", &[Action::Up]),
        // Every source tells that a link is down, and few that it is about to be.
        place("if-down.d", "down", &[Action::Down]),
        place("if-post-down.d", "post-down", &[Action::Down]),
    ],
    names: RUN_PARTS,
    shell: None,
    per_family: true,
    word,
    given,
};

fn word(event: &Event, _: Family) -> Option<&'static str> {
    match event.facts.action.as_ref()? {
        Action::PreUp => Some("pre-up"),
        Action::Up => Some("up"),
        Action::PreDown => Some("down"),
        Action::Down => Some("post-down"),
        _ => None,
    }
}

fn given(moment: &Moment<'_>) -> Given {
    let Moment { event, interface, word, family } = *moment;
    let mut env = Variables::with_path(PATH);
    env.set("IFACE", interface);
    env.set("LOGICAL", detail(event, "logical").unwrap_or_else(|| interface.to_string()));
    env.set("ADDRFAM", if family == Family::Ipv4 { "inet" } else { "inet6" });
    env.set("METHOD", method(event));
    // ifupdown's phase is not its folder's word: execute.c, `set_environ`.
    let (mode, phase) = match word {
        "pre-up" => ("start", "pre-up"),
        "up" => ("start", "post-up"),
        "down" => ("stop", "pre-down"),
        _ => ("stop", "post-down"),
    };
    env.set("MODE", mode);
    env.set("PHASE", phase);
    env.set("VERBOSITY", "0");
    if let Some((address, prefix)) = addresses(event, family).first().copied() {
        env.set("IF_ADDRESS", address);
        match (address, prefix) {
            (IpAddr::V4(address), Some(prefix)) => {
                let (mask, _, broadcast) = of_network(address, prefix);
                env.set("IF_NETMASK", mask);
                if prefix < 31 {
                    env.set("IF_BROADCAST", broadcast);
                }
            }
            (IpAddr::V6(_), prefix) => env.know("IF_NETMASK", prefix),
            (IpAddr::V4(_), None) => {}
        }
    }
    env.know("IF_GATEWAY", gateway(event, family));
    let remote = event.facts.remote.filter(|remote| Family::of(*remote) == family);
    env.know("IF_POINTOPOINT", remote);
    env.know("IF_DNS_NAMESERVERS", joined(&servers(event, None)));
    env.know_details(
        event,
        &[
            ("CLASS", "class"),
            ("IF_DNS_SEARCH", "search"),
            ("IF_DNS_DOMAIN", "domain"),
            ("IF_MTU", "mtu"),
            ("IF_METRIC", "metric"),
            ("IF_PROVIDER", "provider"),
        ],
    );
    Given { words: Vec::new(), env: env.into_env() }
}

/// A word that scripts know.
fn method(event: &Event) -> String {
    let is_loopback = event.facts.interface.as_ref().is_some_and(|name| name.as_str() == "lo");
    detail(event, "method").unwrap_or_else(|| {
        let method = if is_loopback {
            "loopback"
        } else if ppp::is_link_of(event) {
            "ppp"
        } else if is_leased(event) {
            "dhcp"
        } else {
            "static"
        };
        method.to_owned()
    })
}
