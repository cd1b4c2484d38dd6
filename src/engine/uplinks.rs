//! Finds the interfaces that carry a default route, in whatever form it comes.

use std::collections::{BTreeMap, BTreeSet};

use super::intervals::{Intervals, Range};
use crate::event::{Cidr, Family};
use crate::sys::state::{KernelState, Link, Route};

/// `RT_TABLE_MAIN` of rtnetlink(7).
const MAIN: u32 = 254;

/// `RT_TABLE_DEFAULT`, that and `RT_TABLE_LOCAL`: always looked at.
const ALWAYS: [(u32, &str); 3] = [(253, "default"), (MAIN, "main"), (255, "local")];

/// Longest prefix that is taken for a part of a default route.
///
/// `OpenVPN`'s `redirect-gateway def1` uses two halves for IPv4, and up to four parts of
/// `2000::/3` for IPv6; no network is that large.
const LONGEST_PART: u8 = 4;

/// The routing tables that some packet may be looked up in.
#[derive(Debug)]
pub(super) struct TablesInUse(BTreeSet<(Family, u32)>);

impl TablesInUse {
    /// The fixed tables, those of policy rules, and with an l3mdev rule those of VRF devices.
    pub(super) fn of(state: &KernelState) -> Self {
        let mut tables = BTreeSet::new();
        for family in [Family::Ipv4, Family::Ipv6] {
            tables.extend(ALWAYS.map(|(number, _)| (family, number)));
        }
        for rule in &state.policy_rules {
            tables.extend(rule.table.map(|number| (rule.family, number)));
            if rule.l3mdev {
                let vrf_tables = state.links.iter().filter_map(|link| link.vrf_table);
                tables.extend(vrf_tables.map(|table| (rule.family, table)));
            }
        }
        Self(tables)
    }

    /// Whether `table` is looked at for packets of `family`.
    pub(super) fn contain(&self, family: Family, table: u32) -> bool {
        self.0.contains(&(family, table))
    }
}

/// Whether a network is too large to be one.
pub(super) fn is_part_of_default(cidr: &Cidr) -> bool {
    cidr.prefix <= LONGEST_PART
}

/// The default route of one family that counts most of those through one interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Default {
    /// The smaller is the better: whether it is in another table than main, and its metric.
    pub(super) rank: (bool, u32),
    /// Whether a router advertisement made it.
    pub(super) advertised: bool,
    /// Which it is, in words.
    pub(super) what: String,
}

/// The default routes by family and interface.
pub(super) type Defaults = BTreeMap<(Family, u32), Default>;

/// Every interface with a default route, and which.
pub(super) fn find(
    state: &KernelState,
    links: &BTreeMap<u32, &Link>,
    tables: &TablesInUse,
) -> Defaults {
    let mut found = Defaults::new();
    let mut parts: BTreeMap<(Family, u32, u32), Vec<&Route>> = BTreeMap::new();
    for route in &state.routes {
        if !tables.contain(route.family, route.table) {
            continue;
        }
        for index in &route.out_interfaces {
            if links.get(index).is_none_or(|link| link.loopback) {
                continue;
            }
            match &route.destination {
                None => note_best(&mut found, *index, route),
                Some(cidr) if is_part_of_default(cidr) => {
                    parts.entry((route.family, route.table, *index)).or_default().push(route);
                }
                Some(_) => {}
            }
        }
    }
    for ((family, _, index), routes) in parts {
        if !make_a_default(&routes, family) {
            continue;
        }
        if let Some(route) = routes.first() {
            note_best(&mut found, index, route);
        }
    }
    found
}

/// Whether the routes together reach all of IPv4, or all of IPv6 that is in use (`2000::/3`).
fn make_a_default(routes: &[&Route], family: Family) -> bool {
    let reached =
        Intervals::of_networks(family, routes.iter().filter_map(|route| route.destination));
    let everything = match family {
        Family::Ipv4 => Range { first: 0, last: u128::from(u32::MAX) },
        Family::Ipv6 => Range { first: 1 << 125, last: (1 << 126) - 1 },
    };
    reached.covers(everything)
}

/// Of several default routes through one interface, names the one that counts most.
fn note_best(found: &mut Defaults, index: u32, route: &Route) {
    let rank = (route.table != MAIN, route.metric);
    let key = (route.family, index);
    if found.get(&key).is_none_or(|best| rank < best.rank) {
        let advertised = route.advertised;
        found.insert(key, Default { rank, advertised, what: what(route) });
    }
}

fn what(route: &Route) -> String {
    let family = if route.family == Family::Ipv6 { "IPv6 " } else { "" };
    let kind = if route.destination.is_some() { " in parts" } else { "" };
    let via = route.gateway.map(|gateway| format!(" via {gateway}")).unwrap_or_default();
    let table = ALWAYS
        .iter()
        .find(|(number, _)| *number == route.table)
        .map_or_else(|| route.table.to_string(), |(_, name)| (*name).to_owned());
    format!("{family}default route{kind}{via}, table {table}, metric {}", route.metric)
}
