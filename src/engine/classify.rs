//! Which interfaces lead outside, which lead inside, and which networks are inside.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use serde::Serialize;

use super::intervals::Intervals;
use super::uplinks::{self, TablesInUse};
use crate::config::Rules;
use crate::event::{Cidr, Family, InterfaceName};
use crate::sys::state::{Address, KernelState, Link};

/// Why an interface is in its class, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Why(pub String);

/// What every interface and network is to the rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Classes {
    /// Where packets leave for the outside.
    pub external_out: BTreeMap<InterfaceName, Why>,
    /// Where packets arrive from the outside.
    pub external_in: BTreeMap<InterfaceName, Why>,
    /// Where the inside is.
    pub internal: BTreeMap<InterfaceName, Why>,
    /// Internal IPv4 networks.
    pub internal4: Intervals,
    /// Internal IPv6 networks.
    pub internal6: Intervals,
    /// Of `internal4`, what no network of an external interface shares.
    pub only_internal4: Intervals,
    /// Of `internal6`, what no network of an external interface shares.
    pub only_internal6: Intervals,
    /// External and internal interfaces whose MTU is below Ethernet's.
    pub narrow: BTreeMap<InterfaceName, u32>,
    /// Whether no interface but loopback is up: the machine is starting, and what comes up
    /// first has no class yet.
    pub before_network: bool,
    /// What people should know.
    pub notes: Vec<String>,
}

impl Classes {
    /// The internal networks as people write them.
    #[must_use]
    pub fn networks(&self) -> Vec<String> {
        self.internal4.texts().chain(self.internal6.texts()).collect()
    }
}

/// MTU of Ethernet in bytes: what senders assume of the whole way.
const ETHERNET: u32 = 1500;

/// Never inside: an address from here says nothing about where its owner is.
const NOWHERE: [&str; 7] = [
    "127.0.0.0/8",
    "169.254.0.0/16",
    "224.0.0.0/4",
    "255.255.255.255/32",
    "::1/128",
    "fe80::/10",
    "ff00::/8",
];

/// Decides from what the kernel says and the administrator's corrections.
#[must_use]
pub fn classify(state: &KernelState, rules: &Rules) -> Classes {
    let mut notes = state.notes.clone();
    let links: HashMap<u32, &Link> = state.links.iter().map(|link| (link.index, link)).collect();
    let ignored: BTreeSet<&InterfaceName> = rules.ignore.iter().collect();
    let tables = TablesInUse::of(state);

    let found = uplinks::find(state, &links, &tables);
    let fixed = |list: &Option<Vec<InterfaceName>>, key: &str| {
        list.as_ref().map(|names| {
            let why = |name: &InterfaceName| (name.clone(), Why(format!("{key} in netcue.conf")));
            names.iter().map(why).collect::<BTreeMap<_, _>>()
        })
    };
    let inside = fixed(&rules.internal, "internal");
    let not_external = |name: &InterfaceName| {
        ignored.contains(name) || inside.as_ref().is_some_and(|list| list.contains_key(name))
    };
    let both = fixed(&rules.external, "external")
        .unwrap_or_else(|| found.into_iter().filter(|(name, _)| !not_external(name)).collect());
    let side = |list, key| {
        let mut side = fixed(list, key).unwrap_or_else(|| both.clone());
        side.retain(|name, _| !ignored.contains(name));
        side
    };
    let external_out = side(&rules.external_out, "external-out");
    let external_in = side(&rules.external_in, "external-in");
    let external =
        |name: &InterfaceName| external_out.contains_key(name) || external_in.contains_key(name);

    let mut internal = inside.unwrap_or_else(|| discover_internal(state, &links));
    internal.retain(|name, _| {
        let clash = external(name);
        if clash && rules.internal.is_some() {
            notes.push(format!("{name} is both internal and external in netcue.conf: external"));
        }
        !clash && !ignored.contains(name)
    });
    let known: BTreeSet<&InterfaceName> = state.links.iter().map(|link| &link.name).collect();
    for name in external_out.keys().chain(external_in.keys()).chain(internal.keys()) {
        let note = format!("{name} is in netcue.conf and does not exist (yet)");
        if !known.contains(name) && !notes.contains(&note) {
            notes.push(note);
        }
    }

    notes.extend(in_vrfs(state, &links, &external_in));
    notes.extend(slips(state, &links, &internal));
    let inner = networks(state, &links, &tables, &|name| internal.contains_key(name));
    let outer = networks(state, &links, &tables, &external);
    let [internal4, internal6] = [Family::Ipv4, Family::Ipv6].map(|family| {
        let nowhere = NOWHERE.iter().filter_map(|text| text.parse().ok());
        Intervals::of_networks(family, inner.iter().copied())
            .without(&Intervals::of_networks(family, nowhere))
    });
    let [only_internal4, only_internal6] = [&internal4, &internal6].map(|internal| {
        internal.without(&Intervals::of_networks(internal.family(), outer.iter().copied()))
    });
    let narrow = state
        .links
        .iter()
        .filter(|link| link.mtu < ETHERNET)
        .filter(|link| external(&link.name) || internal.contains_key(&link.name))
        .map(|link| (link.name.clone(), link.mtu))
        .collect();
    Classes {
        external_out,
        external_in,
        internal,
        internal4,
        internal6,
        only_internal4,
        only_internal6,
        narrow,
        before_network: !state.links.iter().any(|link| link.up && !link.loopback),
        notes,
    }
}

/// External interfaces whose forwarded packets carry another name.
fn in_vrfs(
    state: &KernelState,
    links: &HashMap<u32, &Link>,
    external_in: &BTreeMap<InterfaceName, Why>,
) -> Vec<String> {
    let note = |link: &Link| {
        let vrf = links.get(&link.master?).filter(|it| it.kind.as_deref() == Some("vrf"))?;
        Some(format!(
            "{} belongs to VRF {vrf}: packets it forwards carry that name, so that new \
             connections to the inside are refused only if external-in names {vrf}",
            link.name,
            vrf = vrf.name
        ))
    };
    let external = state.links.iter().filter(|link| external_in.contains_key(&link.name));
    external.filter_map(note).collect()
}

/// Internal addresses with so short a prefix that no network is meant.
fn slips(
    state: &KernelState,
    links: &HashMap<u32, &Link>,
    internal: &BTreeMap<InterfaceName, Why>,
) -> Vec<String> {
    let slip = |Address { ifindex, local, prefix, .. }: &Address| {
        let name = &links.get(ifindex)?.name;
        let network = Cidr { address: *local, prefix: *prefix };
        (internal.contains_key(name) && uplinks::is_part_of_default(&network)).then(|| {
            format!("{name} has {local}/{prefix}: nothing as large as that is a network inside")
        })
    };
    state.addresses.iter().filter_map(slip).collect()
}

/// Every interface that is up with an address of its own; the caller takes the external ones out.
fn discover_internal(
    state: &KernelState,
    links: &HashMap<u32, &Link>,
) -> BTreeMap<InterfaceName, Why> {
    let mut found: BTreeMap<InterfaceName, Why> = BTreeMap::new();
    for address in &state.addresses {
        let Some(link) = links.get(&address.ifindex) else { continue };
        if !link.up || link.loopback || is_port(link, links) || is_link_local(address.local) {
            continue;
        }
        found.entry(link.name.clone()).or_insert_with(|| {
            Why(format!("up with {}/{}, no default route", address.local, address.prefix))
        });
    }
    found
}

/// Whether the device it belongs to speaks for it, as a bridge or bond does and a VRF does not.
fn is_port(link: &Link, links: &HashMap<u32, &Link>) -> bool {
    link.master.is_some_and(|master| {
        links.get(&master).and_then(|link| link.kind.as_deref()) != Some("vrf")
    })
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

/// The networks on and behind the interfaces that `wanted` names.
///
/// A route counts only if every way it may take is through such an interface.
fn networks(
    state: &KernelState,
    links: &HashMap<u32, &Link>,
    tables: &TablesInUse,
    wanted: &dyn Fn(&InterfaceName) -> bool,
) -> Vec<Cidr> {
    let wanted: BTreeSet<u32> =
        links.values().filter(|link| wanted(&link.name)).map(|link| link.index).collect();
    let own = state.addresses.iter().filter(|address| wanted.contains(&address.ifindex)).map(
        |Address { local, prefix, peer, .. }| Cidr {
            address: peer.unwrap_or(*local),
            prefix: *prefix,
        },
    );
    let behind = state
        .routes
        .iter()
        .filter(|route| tables.contain(route.family, route.table))
        .filter(|route| route.out_interfaces.iter().all(|index| wanted.contains(index)))
        .filter_map(|route| route.destination);
    // Half of everything is a default route in disguise, or a slip, but not a network.
    own.chain(behind).filter(|cidr| !uplinks::is_part_of_default(cidr)).collect()
}
