//! What the kernel's messages about interfaces, addresses, routes and policy rules say, read
//! in place and without trust: of ten thousand routes nothing is kept but what the rules need.
//!
//! Numbers and layouts are those of `linux/rtnetlink.h`, `linux/if_link.h`, `linux/if_addr.h`
//! and `linux/fib_rules.h`, as rtnetlink(7) describes them.

use std::net::{Ipv4Addr, Ipv6Addr};

use nix::libc;

use super::netlink::{attribute, attributes, ip_address, u32_at};
use super::nexthop::Nexthops;
use super::state::{Address, KernelState, Link, PolicyRule, Route};
use crate::event::{Cidr, Family, InterfaceName};

/// Adds what one message says to the state, or a note if it makes no sense. `payload` is what
/// follows the netlink header of a message of type `kind`.
pub fn decode(state: &mut KernelState, nexthops: &Nexthops, kind: u16, payload: &[u8]) {
    let note = match kind {
        libc::RTM_NEWLINK => link(payload).map(|link| state.links.push(link)),
        libc::RTM_NEWADDR => address(payload).map(|found| state.addresses.extend(found)),
        libc::RTM_NEWROUTE => route(payload, nexthops).map(|found| state.routes.extend(found)),
        libc::RTM_NEWRULE => policy_rule(payload).map(|found| state.policy_rules.extend(found)),
        _ => Ok(()),
    };
    if let Err(note) = note {
        state.notes.push(note);
    }
}

/// The index of the interface that a message is about, if that has a carrier (`IFF_LOWER_UP`).
pub(super) fn with_carrier(kind: u16, payload: &[u8]) -> Option<u32> {
    const LOWER_UP: u32 = 1 << 16;
    let (index, flags) = (u32_at(payload, 4)?, u32_at(payload, 8)?);
    (kind == libc::RTM_NEWLINK && flags & LOWER_UP != 0).then_some(index)
}

fn too_short(what: &str) -> String {
    format!("not understood: a message about {what} that is too short")
}

/// Bytes of `struct ifinfomsg`.
const IFINFOMSG: usize = 16;
/// Of an interface that stands on one in another namespace, the number of that.
const IFLA_LINK_NETNSID: u16 = 37;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const IFLA_VRF_TABLE: u16 = 1;

fn link(payload: &[u8]) -> Result<Link, String> {
    let head = || Some((u32_at(payload, 4)?, u32_at(payload, 8)?, payload.get(IFINFOMSG..)?));
    let (index, flags, rest) = head().ok_or_else(|| too_short("an interface"))?;
    let has = |flag: libc::c_int| i32::try_from(flags & 0xffff).unwrap_or(0) & flag != 0;
    let (mut name, mut mtu, mut master, mut parent) = (&[][..], None, None, None);
    let (mut parent_is_elsewhere, mut kind, mut vrf_table) = (false, None, None);
    for (attribute_kind, _, value) in attributes(rest) {
        match attribute_kind {
            libc::IFLA_IFNAME => name = value,
            libc::IFLA_MTU => mtu = number(value),
            libc::IFLA_MASTER => master = number(value),
            libc::IFLA_LINK => parent = number(value),
            IFLA_LINK_NETNSID => parent_is_elsewhere = true,
            libc::IFLA_LINKINFO => {
                kind = attribute(value, IFLA_INFO_KIND).map(text);
                let data =
                    attribute(value, IFLA_INFO_DATA).filter(|_| kind.as_deref() == Some("vrf"));
                vrf_table = data.and_then(|data| number(attribute(data, IFLA_VRF_TABLE)?));
            }
            _ => {}
        }
    }
    let name = text(name);
    let checked: InterfaceName =
        name.parse().map_err(|reason| format!("interface {name:?} is left out: {reason}"))?;
    Ok(Link {
        index,
        name: checked,
        up: has(libc::IFF_UP),
        loopback: has(libc::IFF_LOOPBACK),
        mtu: mtu.unwrap_or(0),
        master: master.filter(|index| *index != 0),
        kind,
        vrf_table,
        point_to_point: has(libc::IFF_POINTOPOINT),
        parent: parent.filter(|index| *index != 0 && !parent_is_elsewhere),
    })
}

/// Bytes of `struct ifaddrmsg`.
const IFADDRMSG: usize = 8;
/// All 32 bits of the flags, of which the header has eight.
const IFA_FLAGS: u16 = 8;

/// `IFA_ADDRESS` is the peer where there is one and our own address otherwise;
/// `IFA_LOCAL` is always our own, and IPv6 leaves it out without a peer.
fn address(payload: &[u8]) -> Result<Option<Address>, String> {
    let head = || {
        Some((*payload.get(1)?, *payload.get(2)?, u32_at(payload, 4)?, payload.get(IFADDRMSG..)?))
    };
    let (prefix, flags, ifindex, rest) = head().ok_or_else(|| too_short("an address"))?;
    let (mut local, mut other, mut flags) = (None, None, u32::from(flags));
    for (kind, _, value) in attributes(rest) {
        match kind {
            libc::IFA_LOCAL => local = ip_address(value),
            libc::IFA_ADDRESS => other = ip_address(value),
            IFA_FLAGS => flags = number(value).unwrap_or(flags),
            _ => {}
        }
    }
    Ok(local.or(other).map(|local| Address {
        ifindex,
        local,
        prefix,
        peer: other.filter(|peer| *peer != local),
        leased: flags & libc::IFA_F_PERMANENT == 0,
    }))
}

/// Bytes of `struct rtmsg`.
const RTMSG: usize = 12;
/// Bytes of `struct rtnexthop`, which its attributes follow.
const RTNEXTHOP: usize = 8;
/// Of a route that a router advertisement made.
const RTPROT_RA: u8 = 9;
const RTA_VIA: u16 = 18;
const RTA_NH_ID: u16 = 30;

fn route(payload: &[u8], nexthops: &Nexthops) -> Result<Option<Route>, String> {
    let head = payload.first_chunk::<RTMSG>().ok_or_else(|| too_short("a route"))?;
    let [family, prefix, _, _, table, protocol, _, kind, ..] = *head;
    let Some(family) = family_of(family) else { return Ok(None) };
    if kind != libc::RTN_UNICAST {
        return Ok(None);
    }
    let mut route = Route {
        family,
        destination: None,
        table: table.into(),
        out_interfaces: Vec::new(),
        gateway: None,
        metric: 0,
        advertised: protocol == RTPROT_RA,
    };
    let (mut target, mut nexthop) = (None, None);
    for (kind, _, value) in attributes(payload.get(RTMSG..).unwrap_or_default()) {
        match kind {
            libc::RTA_DST => target = ip_address(value),
            libc::RTA_TABLE => route.table = number(value).unwrap_or(route.table),
            libc::RTA_OIF => route.out_interfaces.extend(number(value)),
            libc::RTA_MULTIPATH => route.out_interfaces.extend(legs(value)),
            libc::RTA_GATEWAY => route.gateway = ip_address(value),
            // A family of two bytes stands before the address.
            RTA_VIA => route.gateway = value.get(2..).and_then(ip_address),
            libc::RTA_PRIORITY => route.metric = number(value).unwrap_or(0),
            RTA_NH_ID => nexthop = number(value),
            _ => {}
        }
    }
    if prefix > 0 {
        let unspecified = match family {
            Family::Ipv4 => Ipv4Addr::UNSPECIFIED.into(),
            Family::Ipv6 => Ipv6Addr::UNSPECIFIED.into(),
        };
        route.destination = Some(Cidr { address: target.unwrap_or(unspecified), prefix });
    }
    if let (true, Some(id)) = (route.out_interfaces.is_empty(), nexthop) {
        let Some((interfaces, gateway)) = nexthops.of(id) else {
            let to = route.destination.map_or("default".to_owned(), |cidr| cidr.to_string());
            return Err(format!(
                "route to {to} in table {} leads to nexthop {id}, which is not there: name the \
                 side of its interface in netcue.conf",
                route.table
            ));
        };
        route.out_interfaces = interfaces;
        route.gateway = route.gateway.or(gateway);
    }
    route.out_interfaces.dedup();
    Ok((!route.out_interfaces.is_empty()).then_some(route))
}

/// The interfaces of a route of several legs, each a `struct rtnexthop` with its own length.
fn legs(mut bytes: &[u8]) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let length = usize::from(u16::from_ne_bytes(*bytes.first_chunk()?));
        let index = u32_at(bytes, 4)?;
        bytes = bytes.get(length.max(RTNEXTHOP).next_multiple_of(4)..).unwrap_or_default();
        Some(index)
    })
}

/// Bytes of `struct fib_rule_hdr`.
const FIB_RULE_HDR: usize = 12;
const FR_ACT_TO_TBL: u8 = 1;
const FRA_TABLE: u16 = 15;
const FRA_L3MDEV: u16 = 19;

fn policy_rule(payload: &[u8]) -> Result<Option<PolicyRule>, String> {
    let head = payload.first_chunk::<FIB_RULE_HDR>().ok_or_else(|| too_short("a policy rule"))?;
    let [family, _, _, _, table, _, _, action, ..] = *head;
    let Some(family) = family_of(family).filter(|_| action == FR_ACT_TO_TBL) else {
        return Ok(None);
    };
    let rest = payload.get(FIB_RULE_HDR..).unwrap_or_default();
    let table = attribute(rest, FRA_TABLE).and_then(number).unwrap_or_else(|| table.into());
    let l3mdev = attribute(rest, FRA_L3MDEV).is_some_and(|value| value.first() == Some(&1));
    Ok(Some(PolicyRule { family, table: Some(table).filter(|number| *number != 0), l3mdev }))
}

fn family_of(number: u8) -> Option<Family> {
    match i32::from(number) {
        libc::AF_INET => Some(Family::Ipv4),
        libc::AF_INET6 => Some(Family::Ipv6),
        _ => None,
    }
}

/// A word as the kernel writes it, with a zero byte at its end.
fn text(bytes: &[u8]) -> String {
    let word = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(word).into_owned()
}

fn number(bytes: &[u8]) -> Option<u32> {
    u32_at(bytes, 0)
}
