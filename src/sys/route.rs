//! Reads interfaces, addresses, routes of all tables and policy rules.

use std::collections::BTreeSet;

use netlink_packet_route::AddressFamily;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::AddressMessage;
use netlink_packet_route::link::{LinkAttribute, LinkExtentMask, LinkMessage};
use netlink_packet_route::route::{RouteMessage, RouteType};
use netlink_packet_route::rule::RuleMessage;
use netlink_sys::protocols::NETLINK_ROUTE;

use super::netlink::{Conversation, NetlinkError};
use super::nexthop::Nexthops;
use super::rtnetlink;
use super::state::KernelState;

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
        let part = conversation.dump_into(request, KernelState::default, |part, kind, payload| {
            rtnetlink::decode(part, &nexthops, kind, payload);
        });
        match part {
            Ok(part) => append(&mut state, part),
            // A kernel without IPv6 or without policy routing has nothing to say there.
            Err(NetlinkError::Refused(refusal))
                if matches!(refusal.errno, nix::libc::EOPNOTSUPP | nix::libc::EAFNOSUPPORT) => {}
            Err(error) => return Err(error),
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
    let request = RouteNetlinkMessage::GetLink(links);
    let mut conversation = Conversation::open(NETLINK_ROUTE)?;
    conversation.dump_into(&request, BTreeSet::new, |carriers, kind, payload| {
        carriers.extend(rtnetlink::with_carrier(kind, payload));
    })
}

/// Adds one part of an answer to those before it.
fn append(state: &mut KernelState, part: KernelState) {
    state.links.extend(part.links);
    state.addresses.extend(part.addresses);
    state.routes.extend(part.routes);
    state.policy_rules.extend(part.policy_rules);
    state.notes.extend(part.notes);
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
