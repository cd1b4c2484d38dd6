//! dhcpcd: what its hooks know, of DHCP, router advertisements and the link.
//!
//! Facts from dhcpcd's `script.c` (9.4 to 10.3) and recorded calls. All of it is in the
//! environment.

use std::net::IpAddr;

use super::values::{
    address, address_in, addresses, detail_list, details, gateways, netmask, prefix, route_by,
};
use super::{Attach, Call, Manners, OTHER, Part, Refusal, Source, Trigger, Wait, Which};
use crate::event::{Action, Facts, Family, InterfaceName, SourceName};

const SHIM: &str = include_str!("../../integrations/dhcpcd/exit-hook");

/// dhcpcd.
pub(super) static SOURCE: Source = Source {
    name: SourceName::fixed("dhcpcd"),
    summary: "dhcpcd, by its exit hook",
    which: Which::Variable("reason"),
    places: &[],
    manners: Manners::PLAIN,
    triggers: &[
        says("PREINIT", Some(Action::PreUp)),
        says("CARRIER", Some(Action::Change)),
        says("NOCARRIER", Some(Action::Down)),
        // The configuration is kept: the network will be back under another access point.
        says("NOCARRIER_ROAMING", None),
        says("BOUND", Some(Action::Up)),
        says("BOUND6", Some(Action::Up)),
        says("REBOOT", Some(Action::Up)),
        says("REBOOT6", Some(Action::Up)),
        says("INFORM", Some(Action::Up)),
        says("INFORM6", Some(Action::Up)),
        says("STATIC", Some(Action::Up)),
        says("STATIC6", Some(Action::Up)),
        says("IPV4LL", Some(Action::Up)),
        says("TIMEOUT", Some(Action::Up)),
        says("TIMEOUT6", Some(Action::Up)),
        says("DELEGATED6", Some(Action::Up)),
        says("RENEW", Some(Action::Change)),
        says("RENEW6", Some(Action::Change)),
        says("REBIND", Some(Action::Change)),
        says("REBIND6", Some(Action::Change)),
        says("RECONFIGURE", Some(Action::Change)),
        says("ROUTERADVERT", Some(Action::Change)),
        says("3RDPARTY", Some(Action::Change)),
        says("EXPIRE", Some(Action::Down)),
        says("EXPIRE6", Some(Action::Down)),
        says("RELEASE", Some(Action::Down)),
        says("RELEASE6", Some(Action::Down)),
        says("NAK", Some(Action::Down)),
        says("FAIL", Some(Action::Down)),
        says("STOP", Some(Action::Down)),
        says("STOP6", Some(Action::Down)),
        says("STOPPED", Some(Action::Down)),
        says("DEPARTED", Some(Action::Down)),
        says("TEST", None),
        says("UNKNOWN", None),
        says(OTHER, None),
    ],
    attach: Attach {
        traces: &["/usr/sbin/dhcpcd", "/sbin/dhcpcd", "/etc/dhcpcd.conf"],
        parts: &[Part::Lines { at: "/etc/dhcpcd.exit-hook", text: SHIM }],
        ..Attach::NOTHING
    },
};

/// It waits without a limit, for all its interfaces.
const fn says(word: &'static str, action: Option<Action>) -> Trigger {
    Trigger::new(word, action, Wait::Deposit, "", read)
}

fn read(call: &Call<'_>, trigger: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    // Later versions write the name in `interface` so that it can be a file's.
    let real = call.variable("ifxname", facts).parse::<InterfaceName>().ok();
    facts.interface = Some(real.map_or_else(|| call.interface_in("interface"), Ok)?);
    if trigger.word == OTHER {
        return Ok(());
    }
    let protocol = call.variable("protocol", facts);
    facts.family = family(trigger.word, protocol);
    match facts.family {
        Some(Family::Ipv4) => lease(call, facts),
        Some(Family::Ipv6) => lease6(call, facts),
        None => {}
    }
    let texts = [
        ("protocol", "protocol"),
        ("ifcarrier", "carrier"),
        ("ifssid", "ssid"),
        ("new_domain_name", "domain"),
        ("new_domain_search", "search"),
        ("new_host_name", "host_name"),
        ("new_dhcp_server_identifier", "server"),
        ("profile", "profile"),
    ];
    let numbers = [("new_dhcp_lease_time", "lease_time"), ("ifmtu", "mtu"), ("ifmetric", "metric")];
    details(call, &texts, &numbers, facts);
    facts.facts_complete = facts.local.is_some() && facts.warnings.is_empty();
    call.at_most(0, facts);
    Ok(())
}

fn family(word: &str, protocol: &str) -> Option<Family> {
    match protocol {
        "dhcp" | "ipv4ll" | "static" => Some(Family::Ipv4),
        "ra" | "dhcp6" | "static6" => Some(Family::Ipv6),
        "link" => None,
        _ if word.ends_with('6') || word == "ROUTERADVERT" => Some(Family::Ipv6),
        _ => matches!(
            word,
            "BOUND" | "REBOOT" | "RENEW" | "REBIND" | "INFORM" | "EXPIRE" | "RELEASE"
        )
        .then_some(Family::Ipv4),
    }
}

fn lease(call: &Call<'_>, facts: &mut Facts) {
    let written = call.variable("new_ip_address", facts);
    facts.local = address_in(Family::Ipv4, written, "new_ip_address", facts);
    let bits = call.variable("new_subnet_cidr", facts);
    let mask = call.variable("new_subnet_mask", facts);
    facts.prefix = facts.local.and_then(|_| match bits {
        "" => netmask(mask, "new_subnet_mask", facts),
        bits => prefix(Family::Ipv4, bits, "new_subnet_cidr", facts),
    });
    let written = call.variable("new_classless_static_routes", facts);
    let (mut known, mut routes) = (Vec::new(), Vec::new());
    let pairs: Vec<&str> = written.split_whitespace().collect();
    for pair in pairs.chunks(2) {
        if let [network, gateway] = pair {
            if *network == "0.0.0.0/0" {
                known.extend(gateways(Family::Ipv4, gateway, "new_classless_static_routes", facts));
            } else {
                routes.push(format!("{network} {gateway}"));
            }
        }
    }
    if pairs.is_empty() {
        let written = call.variable("new_routers", facts);
        known = gateways(Family::Ipv4, written, "new_routers", facts);
    }
    route_by(known, facts);
    detail_list("routes", &routes, facts);
    servers("new_domain_name_servers", call, facts);
    let written = call.variable("old_ip_address", facts);
    if let Some(old) = address(written, "old_ip_address", facts) {
        facts.detail_text("old_local", &old.to_string());
    }
}

fn lease6(call: &Call<'_>, facts: &mut Facts) {
    let name = "new_dhcp6_ia_na1_ia_addr1";
    let written = call.variable(name, facts);
    facts.local = address_in(Family::Ipv6, written, name, facts);
    // A single address, whose network router advertisements tell of.
    facts.prefix = facts.local.map(|_| 128);
    let name = "new_dhcp6_name_servers";
    let advertised = "nd1_rdnss1_servers";
    servers(if call.has(name) { name } else { advertised }, call, facts);
    details(
        call,
        &[
            ("nd1_from", "router"),
            ("nd1_prefix_information1_prefix", "prefix"),
            ("nd1_flags", "router_flags"),
        ],
        &[
            ("nd1_prefix_information1_length", "prefix_length"),
            ("nd1_lifetime", "router_lifetime"),
            ("new_dhcp6_ia_na1_ia_addr1_vltime", "lease_time"),
        ],
        facts,
    );
}

fn servers(name: &str, call: &Call<'_>, facts: &mut Facts) {
    let written = call.variable(name, facts);
    let servers: Vec<IpAddr> = addresses(written, name, facts);
    facts.dns = (!servers.is_empty()).then_some(servers);
}
