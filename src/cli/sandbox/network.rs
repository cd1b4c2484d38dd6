//! A recorded network as commands for ip(8).

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::engine::KernelState;
use crate::event::Family;

/// What takes the place of devices that need hardware or a peer: to the rules they are the
/// same, by name and number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StandIn {
    Dummy,
    /// For kernels without dummies; the other end is a device nobody asked for.
    Veth,
}

/// Where the numbers of other ends begin, out of the way of recorded ones.
const FAR_ENDS: u32 = 1_000_000;

/// Commands that succeed where the kernel has dummies, and leave nothing behind.
pub(super) const TRY_DUMMY: [&str; 2] =
    ["link add name netcue-try type dummy", "link delete dev netcue-try"];

/// The commands that make interfaces, addresses, routes and rules like the recorded ones in
/// an empty network.
pub(super) fn commands(state: &KernelState, stand_in: StandIn) -> Vec<String> {
    let names: BTreeMap<u32, &str> =
        state.links.iter().map(|link| (link.index, link.name.as_str())).collect();
    let mut lines = Vec::new();
    for link in state.links.iter().filter(|link| !link.loopback) {
        let kind = match (link.kind.as_deref(), link.vrf_table) {
            (Some("vrf"), Some(table)) => format!("vrf table {table}"),
            (Some("bridge"), _) => "bridge".to_owned(),
            (Some("bond"), _) => "bond".to_owned(),
            _ if stand_in == StandIn::Dummy => "dummy".to_owned(),
            _ => {
                let far = FAR_ENDS.saturating_add(link.index);
                format!("veth peer name far-{} index {far}", link.index)
            }
        };
        lines.push(format!("link add name {} index {} type {kind}", link.name, link.index));
        if kind.starts_with("veth") {
            lines.push(format!("link set dev far-{} addrgenmode none up", link.index));
        }
        // Addresses are those on record, and no others.
        lines.push(format!("link set dev {} addrgenmode none", link.name));
    }
    for link in &state.links {
        let name = &link.name;
        if !link.loopback {
            if let Some(master) = link.master.and_then(|master| names.get(&master)) {
                lines.push(format!("link set dev {name} master {master}"));
            }
            lines.push(format!("link set dev {name} mtu {}", link.mtu));
        }
        if link.up {
            lines.push(format!("link set dev {name} up"));
        }
    }
    for address in &state.addresses {
        let Some(name) = names.get(&address.ifindex) else { continue };
        let prefix = address.prefix;
        let nodad = if address.local.is_ipv6() { " nodad" } else { "" };
        lines.push(match address.peer {
            Some(peer) => {
                format!("address replace {} peer {peer}/{prefix} dev {name}{nodad}", address.local)
            }
            None => format!("address replace {}/{prefix} dev {name}{nodad}", address.local),
        });
    }
    // Routers are reached by routes that have none.
    let (direct, routed): (Vec<_>, Vec<_>) =
        state.routes.iter().partition(|route| route.gateway.is_none());
    for route in direct.into_iter().chain(routed) {
        let all = if route.family == Family::Ipv4 { "0.0.0.0/0" } else { "::/0" };
        let to = route.destination.map_or_else(|| all.to_owned(), |to| to.to_string());
        let table_and_metric = format!("table {} metric {}", route.table, route.metric);
        let via = route.gateway.map_or_else(String::new, |gateway| via(gateway, route.family));
        let devices: Vec<&str> =
            route.out_interfaces.iter().filter_map(|index| names.get(index).copied()).collect();
        match devices.as_slice() {
            [] => {}
            [one] => {
                // The router need not be in a network that is known here.
                let onlink = if via.is_empty() { "" } else { " onlink" };
                let hop = format!("dev {one}{onlink} {table_and_metric}");
                lines.push(format!("route replace {to}{via} {hop}"));
            }
            several => {
                let hops: Vec<String> =
                    several.iter().map(|name| format!("nexthop dev {name}")).collect();
                lines.push(format!("route replace {to} {table_and_metric} {}", hops.join(" ")));
            }
        }
    }
    // The kernel's own tables have their rules in every namespace, VRFs theirs with the device.
    for rule in &state.policy_rules {
        if let Some(table) = rule.table.filter(|table| !matches!(table, 0 | 253..=255)) {
            let from = if rule.family == Family::Ipv4 { "0.0.0.0/0" } else { "::/0" };
            lines.push(format!("rule add from {from} table {table}"));
        }
    }
    lines
}

fn via(gateway: IpAddr, family: Family) -> String {
    match (gateway, family) {
        (IpAddr::V6(_), Family::Ipv4) => format!(" via inet6 {gateway}"),
        _ => format!(" via {gateway}"),
    }
}
