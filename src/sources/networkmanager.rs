//! NetworkManager: the scripts of its dispatcher, called with an interface and an action.
//!
//! Facts from NetworkManager's `nm-dispatcher.c`, `nm-dispatcher-utils.c` and recorded calls.
//! It says addresses only of what is active at that moment, and a missing gateway, also of
//! IPv6, is `0.0.0.0`.

use super::values::{address, addressed_by, addresses, detail_list, details, route_by};
use super::{Attach, Call, Manners, OTHER, Part, Place, Refusal, Source, Trigger, Wait, Which};
use crate::event::{Action, Cidr, Fact, Facts, Family, SourceName};

const WORDS: &str = "INTERFACE ACTION";

/// NetworkManager waits for these up to ten minutes, and so does the user's connection.
const NM_WAITS: Wait = Wait::finish(10);

/// NetworkManager.
pub(super) static SOURCE: Source = Source {
    name: SourceName::fixed("networkmanager"),
    summary: "NetworkManager, by its dispatcher",
    which: Which::Word(1),
    places: &[
        Place::Folder("/etc/NetworkManager/dispatcher.d"),
        Place::Folder("/etc/NetworkManager/dispatcher.d/pre-up.d"),
        Place::Folder("/etc/NetworkManager/dispatcher.d/pre-down.d"),
        Place::Folder("/etc/NetworkManager/dispatcher.d/no-wait.d"),
        Place::Folder("/usr/lib/NetworkManager/dispatcher.d"),
        Place::Folder("/usr/lib/NetworkManager/dispatcher.d/pre-up.d"),
        Place::Folder("/usr/lib/NetworkManager/dispatcher.d/pre-down.d"),
        Place::Folder("/usr/lib/NetworkManager/dispatcher.d/no-wait.d"),
    ],
    manners: Manners::PLAIN,
    triggers: &[
        says("pre-up", Some(Action::PreUp), NM_WAITS),
        // One script after the other for all devices: a minute of ours is a minute for all.
        says("up", Some(Action::Up), Wait::Deposit),
        says("pre-down", Some(Action::PreDown), NM_WAITS),
        says("down", Some(Action::Down), Wait::Deposit),
        says("vpn-pre-up", Some(Action::PreUp), NM_WAITS),
        says("vpn-up", Some(Action::Up), Wait::Deposit),
        says("vpn-pre-down", Some(Action::PreDown), NM_WAITS),
        says("vpn-down", Some(Action::Down), Wait::Deposit),
        says("dhcp4-change", Some(Action::Change), Wait::Deposit),
        says("dhcp6-change", Some(Action::Change), Wait::Deposit),
        says("reapply", Some(Action::Change), Wait::Deposit),
        says("dns-change", Some(Action::Change), Wait::Deposit),
        says("connectivity-change", Some(Action::Change), Wait::Deposit),
        says("device-add", Some(Action::Change), Wait::Deposit),
        says("device-delete", Some(Action::Down), Wait::Deposit),
        says("hostname", None, Wait::Deposit),
        says(OTHER, None, Wait::Deposit),
    ],
    attach: Attach {
        traces: &["/usr/sbin/NetworkManager", "/etc/NetworkManager"],
        parts: &[
            link("/etc/NetworkManager/dispatcher.d/50-netcue"),
            link("/etc/NetworkManager/dispatcher.d/pre-up.d/50-netcue"),
            link("/etc/NetworkManager/dispatcher.d/pre-down.d/50-netcue"),
        ],
        ..Attach::NOTHING
    },
};

const fn link(at: &'static str) -> Part {
    Part::Link { at, own_folder: false }
}

const fn says(word: &'static str, action: Option<Action>, wait: Wait) -> Trigger {
    Trigger::new(word, action, wait, WORDS, read)
}

fn read(call: &Call<'_>, trigger: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    call.at_least(2)?;
    let said = call.variable("NM_DISPATCHER_ACTION", facts);
    if !said.is_empty() && call.optional(1, "action", facts) != said {
        return Err(Refusal::of(format!("NM_DISPATCHER_ACTION is {said:?}, another action")));
    }
    // `none` for the host name; empty for what is about no device.
    match call.optional(0, "interface", facts) {
        "" | "none" => {}
        _ => facts.interface = Some(call.interface(0)?),
    }
    if trigger.word.starts_with("vpn-") {
        facts_of("VPN_IP", call, facts);
    } else {
        facts_of("IP", call, facts);
    }
    let settled = match trigger.word {
        "dhcp4-change" => Some(Family::Ipv4),
        "dhcp6-change" => Some(Family::Ipv6),
        _ => None,
    };
    facts.family = settled.or(facts.family);
    connection(call, facts);
    let stands = matches!(trigger.word, "up" | "vpn-up" | "reapply");
    facts.facts_complete = stands && facts.local.is_some() && facts.warnings.is_empty();
    call.at_most(2, facts);
    Ok(())
}

/// Most addresses, and most routes, that are asked for.
const MOST: usize = 32;

/// Everything under `IP4_` and `IP6_`, or `VPN_IP4_` and `VPN_IP6_`.
fn facts_of(start: &str, call: &Call<'_>, facts: &mut Facts) {
    let (mut known, mut gateways): (Vec<Cidr>, Vec<std::net::IpAddr>) = (Vec::new(), Vec::new());
    let (mut servers, mut routes, mut domains) = (Vec::new(), Vec::new(), Vec::new());
    for family in ["4", "6"] {
        let name = |what: &str| format!("{start}{family}_{what}");
        for index in 0..MOST {
            let name = name(&format!("ADDRESS_{index}"));
            let written = call.variable(&name, facts);
            if written.is_empty() {
                break;
            }
            // The gateway stands behind each address again.
            let first = written.split(' ').next().unwrap_or("");
            known.extend(super::values::cidr(first, &name, facts));
        }
        let gateway = name("GATEWAY");
        let written = call.variable(&gateway, facts);
        gateways.extend(address(written, &gateway, facts));
        let list = name("NAMESERVERS");
        let written = call.variable(&list, facts);
        servers.extend(addresses(written, &list, facts));
        let written = call.variable(&name("DOMAINS"), facts);
        domains.extend(written.split_whitespace().map(ToOwned::to_owned));
        for index in 0..MOST {
            let written = call.variable(&name(&format!("ROUTE_{index}")), facts);
            if written.is_empty() {
                break;
            }
            routes.push(written.to_owned());
        }
    }
    addressed_by(known, facts);
    route_by(gateways, facts);
    facts.dns = (!servers.is_empty()).then_some(servers);
    detail_list("domains", &domains, facts);
    detail_list("routes", &routes, facts);
}

fn connection(call: &Call<'_>, facts: &mut Facts) {
    let texts = [
        ("CONNECTION_ID", "connection_id"),
        ("CONNECTION_UUID", "connection_uuid"),
        ("DEVICE_IFACE", "device"),
        ("CONNECTIVITY_STATE", "connectivity"),
        ("DHCP4_DHCP_SERVER_IDENTIFIER", "server"),
        ("DHCP4_DOMAIN_NAME", "domain"),
    ];
    let numbers = [("DHCP4_DHCP_LEASE_TIME", "lease_time"), ("DHCP4_INTERFACE_MTU", "mtu")];
    details(call, &texts, &numbers, facts);
    if call.variable("CONNECTION_EXTERNAL", facts) == "1" {
        facts.detail("external", Fact::Bool(true));
    }
}
