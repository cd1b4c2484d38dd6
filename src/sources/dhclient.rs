//! dhclient: what its script knows when it sources the exit hooks.
//!
//! Facts from ISC dhcp's `dhclient.c`, Debian's `dhclient-script` and recorded calls. All of
//! it is in the environment; of the names only `REASON=NBI` is written large.

use std::net::IpAddr;

use super::values::{
    address, address_in, addresses, classless_routes, detail_list, details, gateways, netmask,
    prefix, route_by,
};
use super::{Attach, Call, Manners, OTHER, Part, Refusal, Source, Trigger, Wait, Which};
use crate::event::{Action, Facts, Family, SourceName};

const SHIM: &str = include_str!("../../integrations/dhclient/zz-netcue");

/// dhclient.
pub(super) static SOURCE: Source = Source {
    name: SourceName::fixed("dhclient"),
    summary: "ISC dhclient, by its exit hooks",
    which: Which::Ask(reason),
    places: &[],
    manners: Manners::MINDFUL,
    triggers: &[
        says("PREINIT", Some(Action::PreUp)),
        says("BOUND", Some(Action::Up)),
        says("REBOOT", Some(Action::Up)),
        says("TIMEOUT", Some(Action::Up)),
        says("RENEW", Some(Action::Change)),
        says("REBIND", Some(Action::Change)),
        says("EXPIRE", Some(Action::Down)),
        says("FAIL", Some(Action::Down)),
        says("RELEASE", Some(Action::Down)),
        says("STOP", Some(Action::Down)),
        says("PREINIT6", Some(Action::PreUp)),
        says("BOUND6", Some(Action::Up)),
        says("RENEW6", Some(Action::Change)),
        says("REBIND6", Some(Action::Change)),
        says("DEPREF6", Some(Action::Change)),
        says("EXPIRE6", Some(Action::Down)),
        says("RELEASE6", Some(Action::Down)),
        says("STOP6", Some(Action::Down)),
        says("MEDIUM", None),
        says("ARPCHECK", None),
        says("ARPSEND", None),
        says("V6ONLY", None),
        says("NBI", None),
        says(OTHER, None),
    ],
    attach: Attach {
        traces: &["/sbin/dhclient", "/usr/sbin/dhclient"],
        parts: &[Part::File {
            at: "/etc/dhcp/dhclient-exit-hooks.d/zz-netcue",
            text: SHIM,
            own_folder: false,
        }],
        ..Attach::NOTHING
    },
};

/// It waits without a limit; an address that is there already gains nothing by that.
const fn says(word: &'static str, action: Option<Action>) -> Trigger {
    Trigger::new(word, action, Wait::Deposit, "", read)
}

fn reason<'a>(call: &Call<'a>) -> Result<(&'a str, usize), Refusal> {
    let variable = if call.has("REASON") && !call.has("reason") { "REASON" } else { "reason" };
    call.first_word_or(variable)
}

fn read(call: &Call<'_>, trigger: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    if trigger.word == "NBI" {
        return Ok(());
    }
    facts.interface = Some(call.interface_in("interface")?);
    if trigger.word == OTHER {
        return Ok(());
    }
    let said = facts.trigger.as_str();
    let family = if said.ends_with('6') { Family::Ipv6 } else { Family::Ipv4 };
    facts.family = Some(family);
    match family {
        Family::Ipv4 => lease(call, facts),
        Family::Ipv6 => lease6(call, facts),
    }
    let texts = [
        ("new_domain_name", "domain"),
        ("new_domain_search", "search"),
        ("new_dhcp6_domain_search", "search"),
        ("new_host_name", "host_name"),
        ("new_dhcp_server_identifier", "server"),
    ];
    let numbers = [
        ("new_dhcp_lease_time", "lease_time"),
        ("new_max_life", "lease_time"),
        ("new_interface_mtu", "mtu"),
        ("pid", "dhclient_pid"),
    ];
    details(call, &texts, &numbers, facts);
    facts.facts_complete = facts.local.is_some() && facts.warnings.is_empty();
    call.at_most(0, facts);
    Ok(())
}

fn lease(call: &Call<'_>, facts: &mut Facts) {
    let written = call.variable("new_ip_address", facts);
    facts.local = address_in(Family::Ipv4, written, "new_ip_address", facts);
    let written = call.variable("new_subnet_mask", facts);
    facts.prefix = facts.local.and_then(|_| netmask(written, "new_subnet_mask", facts));
    // Who gets classless routes has to ignore the routers (RFC 3442).
    let written = call.variable("new_rfc3442_classless_static_routes", facts);
    let name = "new_rfc3442_classless_static_routes";
    let (mut known, routes) = classless_routes(written, name, facts);
    if written.is_empty() {
        let written = call.variable("new_routers", facts);
        known = gateways(Family::Ipv4, written, "new_routers", facts);
    }
    route_by(known, facts);
    detail_list("routes", &routes, facts);
    servers("new_domain_name_servers", call, facts);
    old("old_ip_address", call, facts);
}

fn lease6(call: &Call<'_>, facts: &mut Facts) {
    let written = call.variable("new_ip6_address", facts);
    facts.local = address_in(Family::Ipv6, written, "new_ip6_address", facts);
    let written = call.variable("new_ip6_prefixlen", facts);
    facts.prefix =
        facts.local.and_then(|_| prefix(Family::Ipv6, written, "new_ip6_prefixlen", facts));
    details(
        call,
        &[("new_ip6_prefix", "delegated"), ("old_ip6_prefix", "old_delegated")],
        &[],
        facts,
    );
    servers("new_dhcp6_name_servers", call, facts);
    old("old_ip6_address", call, facts);
}

fn servers(name: &str, call: &Call<'_>, facts: &mut Facts) {
    let written = call.variable(name, facts);
    let servers: Vec<IpAddr> = addresses(written, name, facts);
    facts.dns = (!servers.is_empty()).then_some(servers);
}

fn old(name: &str, call: &Call<'_>, facts: &mut Facts) {
    let written = call.variable(name, facts);
    if let Some(old) = address(written, name, facts) {
        facts.detail_text("old_local", &old.to_string());
    }
}
