//! Reads interfaces, addresses, routes of all tables and policy rules.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netlink_packet_core::ParseableParametrized;
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressMessage};
use netlink_packet_route::link::{
    InfoData, InfoVrf, LinkAttribute, LinkExtentMask, LinkFlags, LinkInfo, LinkMessage,
};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteMessage, RouteProtocol, RouteType, RouteVia,
};
use netlink_packet_route::rule::{RuleAction, RuleAttribute, RuleMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::protocols::NETLINK_ROUTE;

use super::netlink::{Conversation, NetlinkError, Received};
use super::nexthop::Nexthops;
use super::state::{Address, KernelState, Link, PolicyRule, Route};
use crate::event::{Cidr, Family, InterfaceName};

/// A kernel with ten thousand routes that we don't understand is reported in a few lines.
const MOST_NOTES: usize = 20;

/// Reads everything the rules are made from.
pub fn read() -> Result<KernelState, NetlinkError> {
    let mut conversation = Conversation::open(NETLINK_ROUTE)?;
    let mut state = KernelState::default();

    let mut links = LinkMessage::default();
    links.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
    let mut requests = vec![
        RouteNetlinkMessage::GetLink(links),
        RouteNetlinkMessage::GetAddress(AddressMessage::default()),
    ];
    for family in [AddressFamily::Inet, AddressFamily::Inet6] {
        let mut routes = RouteMessage::default();
        routes.header.address_family = family;
        // The kernel then leaves out local and broadcast routes (strict checking).
        routes.header.kind = RouteType::Unicast;
        let mut rules = RuleMessage::default();
        rules.header.family = family;
        requests.push(RouteNetlinkMessage::GetRoute(routes));
        requests.push(RouteNetlinkMessage::GetRule(rules));
    }

    let nexthops = Nexthops::read(&mut conversation)?;
    for request in &requests {
        let answer = match conversation.dump(request) {
            Ok(answer) => answer,
            // A kernel without IPv6 or without policy routing has nothing to say there.
            Err(NetlinkError::Refused(refusal))
                if matches!(refusal.errno, nix::libc::EOPNOTSUPP | nix::libc::EAFNOSUPPORT) =>
            {
                continue;
            }
            Err(error) => return Err(error),
        };
        for message in answer {
            decode(&mut state, &nexthops, &message);
        }
    }
    let more = state.notes.len().saturating_sub(MOST_NOTES);
    if more > 0 {
        state.notes.truncate(MOST_NOTES);
        state.notes.push(format!("and {more} more"));
    }
    Ok(state)
}

/// The indexes of the interfaces that have a carrier (`IFF_LOWER_UP`). It is no part of the
/// state, as no rule depends on it.
pub fn carriers() -> Result<BTreeSet<u32>, NetlinkError> {
    let mut links = LinkMessage::default();
    links.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
    let answer = Conversation::open(NETLINK_ROUTE)?.dump(&RouteNetlinkMessage::GetLink(links))?;
    let carrier = |message: &Received| match RouteNetlinkMessage::parse_with_param(
        message.payload.as_slice(),
        message.kind,
    ) {
        Ok(RouteNetlinkMessage::NewLink(link)) => {
            link.header.flags.contains(LinkFlags::LowerUp).then_some(link.header.index)
        }
        _ => None,
    };
    Ok(answer.iter().filter_map(carrier).collect())
}

/// The kernel's index of an interface, if there is one of that name now.
#[must_use]
pub fn interface_index(name: &str) -> Option<u32> {
    nix::net::if_::if_nametoindex(name).ok()
}

/// The addresses of the interface of that name, if it still has that index.
#[must_use]
pub fn addresses_of(name: &str, index: u32) -> Option<Vec<String>> {
    if interface_index(name) != Some(index) {
        return None;
    }
    let all = nix::ifaddrs::getifaddrs().ok()?;
    let of_it = all.filter(|one| one.interface_name == name);
    let addresses = of_it.filter_map(|one| {
        let address = one.address?;
        let is_internet = address.as_sockaddr_in().is_some() || address.as_sockaddr_in6().is_some();
        is_internet.then(|| address.to_string())
    });
    Some(addresses.collect())
}

/// Adds what one message of the kernel says to the state, or a note if it makes no sense.
pub fn decode(state: &mut KernelState, nexthops: &Nexthops, message: &Received) {
    match RouteNetlinkMessage::parse_with_param(message.payload.as_slice(), message.kind) {
        Ok(message) => add(state, nexthops, message),
        Err(error) => state.notes.push(format!("not understood: {error}")),
    }
}

fn add(state: &mut KernelState, nexthops: &Nexthops, message: RouteNetlinkMessage) {
    match message {
        RouteNetlinkMessage::NewLink(message) => match link(message) {
            Ok(link) => state.links.push(link),
            Err(note) => state.notes.push(note),
        },
        RouteNetlinkMessage::NewAddress(message) => state.addresses.extend(address(&message)),
        RouteNetlinkMessage::NewRoute(message) => match route(&message, nexthops) {
            Ok(route) => state.routes.extend(route),
            Err(note) => state.notes.push(note),
        },
        RouteNetlinkMessage::NewRule(message) => state.policy_rules.extend(policy_rule(&message)),
        _ => {}
    }
}

fn link(message: LinkMessage) -> Result<Link, String> {
    let flags = message.header.flags;
    let (mut name, mut mtu, mut master, mut kind, mut vrf_table) = (None, 0, None, None, None);
    let (mut parent, mut parent_is_elsewhere) = (None, false);
    for attribute in message.attributes {
        match attribute {
            LinkAttribute::IfName(text) => name = Some(text),
            LinkAttribute::Mtu(bytes) => mtu = bytes,
            LinkAttribute::Controller(index) => master = Some(index),
            LinkAttribute::Link(index) => parent = Some(index),
            LinkAttribute::LinkNetNsId(_) => parent_is_elsewhere = true,
            LinkAttribute::LinkInfo(infos) => {
                for info in infos {
                    match info {
                        LinkInfo::Kind(word) => kind = Some(word.to_string()),
                        LinkInfo::Data(InfoData::Vrf(facts)) => {
                            vrf_table = facts.iter().find_map(|fact| match fact {
                                InfoVrf::TableId(table) => Some(*table),
                                _ => None,
                            });
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    let name = name.unwrap_or_default();
    let checked: InterfaceName =
        name.parse().map_err(|reason| format!("interface {name:?} is left out: {reason}"))?;
    Ok(Link {
        index: message.header.index,
        name: checked,
        up: flags.contains(LinkFlags::Up),
        loopback: flags.contains(LinkFlags::Loopback),
        mtu,
        master: master.filter(|index| *index != 0),
        kind,
        vrf_table,
        point_to_point: flags.contains(LinkFlags::Pointopoint),
        parent: parent.filter(|index| *index != 0 && !parent_is_elsewhere),
    })
}

/// `IFA_ADDRESS` is the peer where there is one and our own address otherwise;
/// `IFA_LOCAL` is always our own, and IPv6 leaves it out without a peer.
fn address(message: &AddressMessage) -> Option<Address> {
    let (mut local, mut other) = (None, None);
    let mut flags = AddressFlags::from_bits_retain(message.header.flags.bits().into());
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(ip) => local = Some(*ip),
            AddressAttribute::Address(ip) => other = Some(*ip),
            AddressAttribute::Flags(all) => flags = *all,
            _ => {}
        }
    }
    let local = local.or(other)?;
    Some(Address {
        ifindex: message.header.index,
        local,
        prefix: message.header.prefix_len,
        peer: other.filter(|peer| *peer != local),
        leased: !flags.contains(AddressFlags::Permanent),
    })
}

fn route(message: &RouteMessage, nexthops: &Nexthops) -> Result<Option<Route>, String> {
    let header = &message.header;
    let Some(family) = family(header.address_family) else { return Ok(None) };
    if header.kind != RouteType::Unicast {
        return Ok(None);
    }
    let mut route = Route {
        family,
        destination: None,
        table: u32::from(header.table),
        out_interfaces: Vec::new(),
        gateway: None,
        metric: 0,
        advertised: header.protocol == RouteProtocol::Ra,
    };
    let mut target = None;
    let mut nexthop = None;
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(address) => target = ip(address),
            RouteAttribute::Table(table) => route.table = *table,
            RouteAttribute::Oif(index) => route.out_interfaces.push(*index),
            RouteAttribute::MultiPath(legs) => {
                route.out_interfaces.extend(legs.iter().map(|leg| leg.interface_index));
            }
            RouteAttribute::Gateway(address) => route.gateway = ip(address),
            RouteAttribute::Via(RouteVia::Inet(address)) => route.gateway = Some((*address).into()),
            RouteAttribute::Via(RouteVia::Inet6(address)) => {
                route.gateway = Some((*address).into());
            }
            RouteAttribute::Priority(metric) => route.metric = *metric,
            RouteAttribute::NhId(id) => nexthop = Some(*id),
            _ => {}
        }
    }
    let prefix = header.destination_prefix_length;
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

fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(address) => Some((*address).into()),
        RouteAddress::Inet6(address) => Some((*address).into()),
        _ => None,
    }
}

fn policy_rule(message: &RuleMessage) -> Option<PolicyRule> {
    let family = family(message.header.family)?;
    if message.header.action != RuleAction::ToTable {
        return None;
    }
    let mut rule = PolicyRule { family, table: None, l3mdev: false };
    let mut table = u32::from(message.header.table);
    for attribute in &message.attributes {
        match attribute {
            RuleAttribute::Table(number) => table = *number,
            RuleAttribute::L3MDev(on) => rule.l3mdev = *on,
            _ => {}
        }
    }
    rule.table = Some(table).filter(|number| *number != 0);
    Some(rule)
}

fn family(family: AddressFamily) -> Option<Family> {
    match family {
        AddressFamily::Inet => Some(Family::Ipv4),
        AddressFamily::Inet6 => Some(Family::Ipv6),
        _ => None,
    }
}
