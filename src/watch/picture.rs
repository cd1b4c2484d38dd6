//! What is told about, of the kernel's state: each interface with its addresses and routes.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::event::{Cidr, Family, InterfaceName};
use crate::sys::state::KernelState;

/// Everything by which two moments are compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// The interfaces but loopback, by the kernel's number.
    pub interfaces: BTreeMap<u32, Interface>,
    /// A digest of the policy rules.
    pub policy: u64,
    /// A digest of everything, also of what nobody is told about.
    pub digest: u64,
}

/// One interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// Its name.
    pub name: InterfaceName,
    /// Whether it is administratively up.
    pub up: bool,
    /// Whether it is up and has a carrier.
    pub works: bool,
    /// Largest packet in bytes, and the bridge, bond or VRF it belongs to.
    pub mtu: u32,
    /// See above.
    pub master: Option<u32>,
    /// Its addresses but link-local ones, which every interface has.
    pub addresses: BTreeSet<String>,
    /// The default routes that leave by it.
    pub defaults: BTreeSet<String>,
    /// How many other routes leave by it, and their digest.
    pub routes: (usize, u64),
}

impl Picture {
    /// What the kernel says now; `carriers` are the interfaces that have one.
    #[must_use]
    pub fn of(state: &KernelState, carriers: &BTreeSet<u32>) -> Self {
        let links = state.links.iter().filter(|link| !link.loopback);
        let mut interfaces: BTreeMap<u32, Interface> = links
            .map(|link| {
                let interface = Interface {
                    name: link.name.clone(),
                    up: link.up,
                    works: link.up && carriers.contains(&link.index),
                    mtu: link.mtu,
                    master: link.master,
                    addresses: BTreeSet::new(),
                    defaults: BTreeSet::new(),
                    routes: (0, 0),
                };
                (link.index, interface)
            })
            .collect();
        for address in &state.addresses {
            let Some(interface) = interfaces.get_mut(&address.ifindex) else { continue };
            if !is_link_local(address.local) {
                let cidr = Cidr { address: address.local, prefix: address.prefix };
                interface.addresses.insert(cidr.to_string());
            }
        }
        for route in &state.routes {
            for index in &route.out_interfaces {
                let Some(interface) = interfaces.get_mut(index) else { continue };
                match &route.destination {
                    Some(to) if is_link_local(to.address) => {}
                    Some(_) => {
                        let (number, digest) = &mut interface.routes;
                        *number += 1;
                        // In whatever order the kernel lists them.
                        *digest = digest.wrapping_add(digest_of(route));
                    }
                    None => {
                        interface.defaults.insert(default_route(route.family, route.gateway));
                    }
                }
            }
        }
        let policy = digest_of(&state.policy_rules);
        let everything = (
            &state.links,
            carriers,
            &state.addresses,
            &state.routes.iter().map(digest_of).fold(0_u64, u64::wrapping_add),
            policy,
        );
        Self { interfaces, policy, digest: digest_of(&everything) }
    }
}

impl Picture {
    /// Whether both show the same interfaces, with the same addresses and default routes.
    #[must_use]
    pub fn shows_the_same_as(&self, other: &Self) -> bool {
        let shown = |picture: &Self| -> Vec<(u32, InterfaceName, String)> {
            let all = picture.interfaces.iter();
            all.map(|(index, one)| (*index, one.name.clone(), one.in_words())).collect()
        };
        shown(self) == shown(other)
    }
}

impl Interface {
    /// In words: `up, 192.0.2.5/24, default via 192.0.2.1`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let link = match (self.works, self.up) {
            (true, _) => "up",
            (false, true) => "up without carrier",
            (false, false) => "down",
        };
        let parts = self.addresses.iter().chain(&self.defaults);
        parts.fold(link.to_owned(), |words, part| words + ", " + part)
    }
}

fn default_route(family: Family, gateway: Option<IpAddr>) -> String {
    match (gateway, family) {
        (Some(gateway), _) => format!("default via {gateway}"),
        (None, Family::Ipv4) => "default for IPv4".to_owned(),
        (None, Family::Ipv6) => "default for IPv6".to_owned(),
    }
}

fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local() || address.is_multicast())
}

/// Good for this program only, which is all that compares it.
fn digest_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
