//! What every interface and network is to the rules.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::intervals::Intervals;
use super::sides::{self, Facts, Ground, Side, Standing, Standings};
use super::uplinks::{self, TablesInUse};
use crate::config::{Forward, Rules, Target};
use crate::event::{Cidr, Family, InterfaceName};
use crate::sys::state::{Address, KernelState, Link, Remembered};

/// What every interface and network is to the rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Classes {
    /// On which side each interface is.
    pub sides: BTreeMap<InterfaceName, Standings>,
    /// Outside interfaces by which the inside leaves with its own addresses, as
    /// `external-in` without `external-out` says.
    pub in_only: BTreeSet<InterfaceName>,
    /// Bridges between whose ports frames pass that somebody has had filtered as packets,
    /// which the inside has no part in.
    pub bridges: BTreeSet<InterfaceName>,
    /// Internal IPv4 networks.
    pub internal4: Intervals,
    /// Internal IPv6 networks.
    pub internal6: Intervals,
    /// Of `internal4`, what no network of an outside interface shares.
    pub only_internal4: Intervals,
    /// Of `internal6`, what no network of an outside interface shares.
    pub only_internal6: Intervals,
    /// IPv4 networks whose addresses are translated on their way out: internal ones and guests'.
    pub translated4: Intervals,
    /// The IPv4 addresses of outside interfaces.
    pub public4: Intervals,
    /// IPv4 networks to which the inside goes with its own addresses: those on and behind
    /// inside, guests' and ignored interfaces.
    #[serde(skip)]
    pub near4: Intervals,
    /// Interfaces on which segments are made to fit, with their MTU: outside ones, and others
    /// whose MTU is below Ethernet's.
    pub fitted: BTreeMap<InterfaceName, u32>,
    /// Whether no interface but loopback is up: the machine is starting, and what comes up
    /// first has no class yet.
    pub before_network: bool,
    /// What people should know.
    pub notes: Vec<String>,
    /// What has to be remembered until the next time.
    #[serde(skip)]
    pub remembered: Vec<Remembered>,
}

impl Classes {
    /// The internal networks as people write them.
    #[must_use]
    pub fn networks(&self) -> Vec<String> {
        self.internal4.texts().chain(self.internal6.texts()).collect()
    }

    /// The interfaces on one side in one family.
    pub fn on(&self, side: Side, family: Family) -> impl Iterator<Item = &InterfaceName> {
        let all = self.sides.iter();
        all.filter(move |(_, it)| it.of(family).is_some_and(|it| it.side == side))
            .map(|(name, _)| name)
    }

    /// Where an interface stands, in each family in which that is another: with the family's
    /// name where both are known and differ.
    #[must_use]
    pub fn standings(&self, name: &InterfaceName) -> Vec<(Option<Family>, &Standing)> {
        let Some(standings) = self.sides.get(name) else { return Vec::new() };
        match (&standings.ipv4, &standings.ipv6) {
            (None, None) => Vec::new(),
            (Some(one), None) => vec![(Some(Family::Ipv4), one)],
            (None, Some(one)) => vec![(Some(Family::Ipv6), one)],
            (Some(one), Some(other)) if one.side == other.side => {
                // What one has from the other is no reason of its own.
                let own = if one.ground == Ground::Borrowed { other } else { one };
                vec![(None, own)]
            }
            (Some(one), Some(other)) => {
                vec![(Some(Family::Ipv4), one), (Some(Family::Ipv6), other)]
            }
        }
    }

    /// Every interface on that side in a family, with the family as [`Classes::standings`]
    /// has it.
    pub fn all_on(
        &self,
        side: Side,
    ) -> impl Iterator<Item = (&InterfaceName, Option<Family>, &Standing)> {
        self.sides.keys().flat_map(move |name| {
            let standings = self.standings(name).into_iter();
            standings
                .filter(move |(_, standing)| standing.side == side)
                .map(move |(family, standing)| (name, family, standing))
        })
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
    let links: BTreeMap<u32, &Link> = state.links.iter().map(|link| (link.index, link)).collect();
    let tables = TablesInUse::of(state);
    let defaults = uplinks::find(state, &links, &tables);
    let facts = Facts { state, rules, links: &links, defaults: &defaults };
    let decided = sides::decide(&facts);
    let mut classes = Classes {
        in_only: in_only(&decided.sides, rules),
        sides: decided.sides,
        bridges: BTreeSet::new(),
        internal4: Intervals::new(Family::Ipv4, []),
        internal6: Intervals::new(Family::Ipv6, []),
        only_internal4: Intervals::new(Family::Ipv4, []),
        only_internal6: Intervals::new(Family::Ipv6, []),
        translated4: Intervals::new(Family::Ipv4, []),
        public4: Intervals::new(Family::Ipv4, []),
        near4: Intervals::new(Family::Ipv4, []),
        fitted: BTreeMap::new(),
        before_network: !state.links.iter().any(|link| link.up && !link.loopback),
        notes: state.notes.clone(),
        remembered: decided.remembered,
    };
    classes.notes.extend(decided.notes);
    classes.notes.extend(slips(state, &links, &classes));

    let networks = |family, wanted: &[Side]| {
        let nowhere = NOWHERE.iter().filter_map(|text| text.parse().ok());
        networks(state, &links, &tables, family, &|name| {
            let standing = classes.sides.get(name).and_then(|it| it.of(family));
            standing.is_some_and(|standing| wanted.contains(&standing.side))
        })
        .without(&Intervals::of_networks(family, nowhere))
    };
    let [internal4, internal6] =
        [Family::Ipv4, Family::Ipv6].map(|family| networks(family, &[Side::Inside]));
    let [only_internal4, only_internal6] = [&internal4, &internal6]
        .map(|internal| internal.without(&networks(internal.family(), &[Side::Outside])));
    let translated4 = networks(Family::Ipv4, &[Side::Inside, Side::Guest]);
    let near4 = networks(Family::Ipv4, &[Side::Inside, Side::Guest, Side::Ignored]);
    let fitted = fitted(state, &classes);
    let bridges = bridges(state, &classes);
    let public4 = public(state, &links, &classes);
    if !rules.open.is_empty() && !rules.protect {
        let note = "open in netcue.conf says nothing without protect = true: all is open";
        classes.notes.push(note.to_owned());
    }
    let known = [&near4, &internal6];
    classes.notes.extend(rules.forward.iter().filter_map(|it| leads_nowhere(it, known)));
    Classes {
        bridges,
        internal4,
        internal6,
        only_internal4,
        only_internal6,
        translated4,
        public4,
        near4,
        fitted,
        ..classes
    }
}

/// The outside interfaces that are so for packets coming in only.
fn in_only(sides: &BTreeMap<InterfaceName, Standings>, rules: &Rules) -> BTreeSet<InterfaceName> {
    let Some(out) = rules.external_out.as_ref().or(rules.external.as_ref()) else {
        return BTreeSet::new();
    };
    let is_named = |name: &InterfaceName| match &rules.external_in {
        Some(names) => names.contains(name),
        // Those with a default route are external for what comes in.
        None => rules.external_out.is_some() && rules.external.is_none(),
    };
    let is_outside = |standings: &Standings| {
        [Family::Ipv4, Family::Ipv6].into_iter().any(|family| {
            standings.of(family).is_some_and(|standing| {
                standing.side == Side::Outside && standing.ground != Ground::Memory
            })
        })
    };
    let said = sides.iter().filter(|(name, standings)| {
        !out.contains(name)
            && is_named(name)
            && is_outside(standings)
            && !rules.sides.contains_key(name)
    });
    said.map(|(name, _)| name.clone()).collect()
}

/// Internal addresses with so short a prefix that no network is meant.
fn slips(state: &KernelState, links: &BTreeMap<u32, &Link>, classes: &Classes) -> Vec<String> {
    let slip = |Address { ifindex, local, prefix, .. }: &Address| {
        let name = &links.get(ifindex)?.name;
        let network = Cidr { address: *local, prefix: *prefix };
        let standing = classes.sides.get(name)?.of(Family::of(*local))?;
        (standing.side == Side::Inside && uplinks::is_part_of_default(&network)).then(|| {
            format!("{name} has {local}/{prefix}: nothing as large as that is a network inside")
        })
    };
    state.addresses.iter().filter_map(slip).collect()
}

/// That nobody inside, no guest and no ignored host can have the address that a port leads to.
fn leads_nowhere(forward: &Forward, [near4, internal6]: [&Intervals; 2]) -> Option<String> {
    let knows = match forward.to {
        Target::Ipv4(address, _) => near4.has(address.into()),
        Target::Ipv6(address) => internal6.has(address.into()),
        // It is in whatever networks there will be.
        Target::HostPart(_) => true,
    };
    (!knows).then(|| {
        format!("{forward} in netcue.conf leads to no network inside: nobody there will answer")
    })
}

/// The IPv4 addresses that strangers know the machine by.
fn public(state: &KernelState, links: &BTreeMap<u32, &Link>, classes: &Classes) -> Intervals {
    let is_outside = |address: &&Address| {
        let standings = links.get(&address.ifindex).and_then(|it| classes.sides.get(&it.name));
        let standing = standings.and_then(|it| it.of(Family::of(address.local)));
        standing.is_some_and(|it| it.side == Side::Outside)
    };
    let own = state.addresses.iter().filter(is_outside);
    let own = own.filter(|address| address.local.is_ipv4());
    let one = |address: &Address| Cidr { address: address.local, prefix: 32 };
    Intervals::of_networks(Family::Ipv4, own.map(one))
}

/// The networks on and behind the interfaces that `wanted` names.
///
/// A route counts only if every way it may take is through such an interface.
fn networks(
    state: &KernelState,
    links: &BTreeMap<u32, &Link>,
    tables: &TablesInUse,
    family: Family,
    wanted: &dyn Fn(&InterfaceName) -> bool,
) -> Intervals {
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
    let all = own.chain(behind).filter(|cidr| !uplinks::is_part_of_default(cidr));
    Intervals::of_networks(family, all)
}

fn fitted(state: &KernelState, classes: &Classes) -> BTreeMap<InterfaceName, u32> {
    let is_fitted = |link: &Link| {
        let standings = classes.standings(&link.name);
        standings.iter().any(|(_, standing)| match standing.side {
            Side::Outside => true,
            Side::Inside | Side::Guest | Side::Undecided => link.mtu < ETHERNET,
            Side::Ignored => false,
        })
    };
    let links = state.links.iter().filter(|link| is_fitted(link));
    links.map(|link| (link.name.clone(), link.mtu)).collect()
}

/// The bridges that are no part of the inside: where `br_netfilter` is loaded, frames between
/// their ports pass the rules as if they were routed from the bridge to itself.
fn bridges(state: &KernelState, classes: &Classes) -> BTreeSet<InterfaceName> {
    let is_one = |link: &&Link| {
        let standings = classes.standings(&link.name);
        link.kind.as_deref() == Some("bridge")
            && standings.iter().any(|(_, standing)| {
                matches!(standing.side, Side::Outside | Side::Undecided | Side::Guest)
            })
    };
    state.links.iter().filter(is_one).map(|link| link.name.clone()).collect()
}
