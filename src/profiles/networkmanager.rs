//! Scripts of NetworkManager's dispatcher: the interface and the action as words, everything else
//! in the environment.

use std::net::IpAddr;

use super::told::{
    PATH, Variables, addresses, detail, gateway, is_leased, joined, of_network, servers,
};
use super::{Dispatcher, Given, Moment, Names, Place, place};
use crate::event::{Action, Event, Family};

const ANY: &[Action] = &[Action::Up, Action::Down, Action::Change];

pub(super) static DISPATCHER: Dispatcher = Dispatcher {
    name: "networkmanager",
    source: "networkmanager",
    places: &[
        Place { word: None, ..place("dispatcher.d", "", ANY) },
        Place { word: None, ..place("no-wait.d", "", ANY) },
        Place { word: None, ..place("pre-up.d", "", &[Action::PreUp]) },
        Place { word: None, ..place("pre-down.d", "", &[Action::PreDown]) },
    ],
    names: Names { who: "NetworkManager", takes },
    shell: None,
    per_family: false,
    word,
    given,
};

/// `check_filename` of nm-dispatcher.c.
fn takes(name: &str) -> bool {
    let ends = ["~", ".rpmsave", ".rpmorig", ".rpmnew", ".swp"];
    !name.starts_with('.')
        && !ends.iter().any(|end| name.ends_with(end))
        && !name.contains(".dpkg-")
}

fn word(event: &Event, family: Family) -> Option<&'static str> {
    match (event.facts.action.as_ref()?, family) {
        (Action::PreUp, _) => Some("pre-up"),
        (Action::Up, _) => Some("up"),
        (Action::PreDown, _) => Some("pre-down"),
        (Action::Down, _) => Some("down"),
        (Action::Change, Family::Ipv4) if is_leased(event) => Some("dhcp4-change"),
        (Action::Change, Family::Ipv6) if is_leased(event) => Some("dhcp6-change"),
        (Action::Change, _) => Some("reapply"),
        _ => None,
    }
}

fn given(moment: &Moment<'_>) -> Given {
    let Moment { event, interface, word, .. } = *moment;
    let mut env = Variables::with_path(PATH);
    env.set("NM_DISPATCHER_ACTION", word);
    env.know_details(
        event,
        &[
            ("CONNECTION_ID", "connection_id"),
            ("CONNECTION_UUID", "connection_uuid"),
            ("CONNECTIVITY_STATE", "connectivity"),
        ],
    );
    if detail(event, "external").as_deref() == Some("true") {
        env.set("CONNECTION_EXTERNAL", "1");
    }
    // For other sources it may be a line of a modem.
    let is_own = event.source.as_str() == DISPATCHER.source;
    let device = detail(event, "device").filter(|_| is_own);
    let is_vpn = word.starts_with("vpn-");
    if is_vpn {
        env.know("DEVICE_IFACE", device);
        env.set("VPN_IP_IFACE", interface);
    } else {
        env.set("DEVICE_IFACE", device.unwrap_or_else(|| interface.to_string()));
        env.set("DEVICE_IP_IFACE", interface);
    }
    // It knows addresses only of what is up at that moment (nm-dispatcher-utils.c).
    if matches!(event.facts.action, Some(Action::Up | Action::Change)) {
        let start = if is_vpn { "VPN_IP" } else { "IP" };
        of_family(&mut env, event, start, Family::Ipv4);
        of_family(&mut env, event, start, Family::Ipv6);
        lease(&mut env, event);
    }
    Given { words: vec![interface.to_string(), word.to_owned()], env: env.into_env() }
}

fn of_family(env: &mut Variables, event: &Event, start: &str, family: Family) {
    let start = format!("{start}{}", if family == Family::Ipv4 { "4" } else { "6" });
    let known = addresses(event, family);
    let known: Vec<(String, u8)> = known
        .iter()
        .filter_map(|(address, prefix)| Some((address.to_string(), (*prefix)?)))
        .collect();
    // A gateway that is missing is written so, also of IPv6.
    let gateway = gateway(event, family).map_or_else(|| "0.0.0.0".to_owned(), |gw| gw.to_string());
    let servers = servers(event, Some(family));
    if known.is_empty() && servers.is_empty() {
        return;
    }
    for (index, (address, prefix)) in known.iter().enumerate() {
        env.set(&format!("{start}_ADDRESS_{index}"), format!("{address}/{prefix} {gateway}"));
    }
    if !known.is_empty() {
        env.set(&format!("{start}_NUM_ADDRESSES"), known.len());
        env.set(&format!("{start}_GATEWAY"), &gateway);
    }
    env.know(&format!("{start}_NAMESERVERS"), joined(&servers));
    if family == Family::Ipv4 {
        let domains = detail(event, "domains").or_else(|| detail(event, "search"));
        env.know(&format!("{start}_DOMAINS"), domains);
    }
}

fn lease(env: &mut Variables, event: &Event) {
    let leased = addresses(event, Family::Ipv4).first().copied().filter(|_| is_leased(event));
    let Some((IpAddr::V4(address), prefix)) = leased else { return };
    env.set("DHCP4_IP_ADDRESS", address);
    if let Some(prefix) = prefix {
        let (mask, _, broadcast) = of_network(address, prefix);
        env.set("DHCP4_SUBNET_MASK", mask);
        env.set("DHCP4_BROADCAST_ADDRESS", broadcast);
    }
    env.know("DHCP4_ROUTERS", gateway(event, Family::Ipv4));
    env.know("DHCP4_DOMAIN_NAME_SERVERS", joined(&servers(event, Some(Family::Ipv4))));
    env.know_details(
        event,
        &[
            ("DHCP4_DHCP_SERVER_IDENTIFIER", "server"),
            ("DHCP4_DOMAIN_NAME", "domain"),
            ("DHCP4_DHCP_LEASE_TIME", "lease_time"),
            ("DHCP4_INTERFACE_MTU", "mtu"),
        ],
    );
}
