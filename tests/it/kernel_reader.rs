//! The kernel's own messages, read in place, against what other readers make of the same
//! network: the crate netlink-packet-route, and ip(8).

use std::collections::BTreeSet;
use std::net::IpAddr;

use netcue::sys::netlink::{Conversation, Received};
use netcue::sys::nexthop::Nexthops;
use netcue::sys::state::{Address, KernelState, Link, PolicyRule, Route};
use netcue::sys::{route, rtnetlink};
use netlink_packet_core::ParseableParametrized;
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressMessage};
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkInfo, LinkMessage};
use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteMessage, RouteProtocol};
use netlink_packet_route::rule::{RuleAttribute, RuleMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::protocols::NETLINK_ROUTE;
use serde_json::Value;

use crate::scene::{Scene, wait_until};

/// A network with something of everything.
fn network() -> Scene {
    let scene = Scene::new();
    scene.gateway();
    for line in [
        "link add br0 type bridge",
        "link add port0 type veth peer name port0-far",
        "link set port0 master br0",
        "link add name mac0 link lan type macvlan mode bridge",
        "link set br0 up",
        "link set port0 up",
        "link set port0-far up",
        "link set mac0 mtu 1400 up",
        "address add 10.9.0.1/24 dev br0",
        "address add 10.8.0.1 peer 10.8.0.2/32 dev mac0",
        "address add 10.7.0.1/24 dev mac0 valid_lft 3600 preferred_lft 3600",
        "address add 2001:db8:9::1/64 dev br0 nodad",
    ] {
        scene.ip(line);
    }
    wait_until("a carrier", || scene.ip("link show br0").contains("LOWER_UP"));
    for line in [
        "route add 10.20.0.0/16 via 10.9.0.9 metric 77",
        "route add 10.21.0.0/16 nexthop via 10.9.0.9 nexthop via 10.9.0.10",
        "route add 10.22.0.0/16 dev br0 table 1000",
        "route add 10.23.0.0/16 via inet6 2001:db8:9::9 dev br0",
        "route add blackhole 10.24.0.0/16",
        "route add default via 10.9.0.9 table 70000",
        "nexthop add id 7 via 10.9.0.9 dev br0",
        "route add 10.25.0.0/16 nhid 7",
        "-6 route add 2001:db8:20::/48 via 2001:db8:9::9 metric 5",
        "-6 route add default via 2001:db8:9::9 proto ra",
        "rule add from 10.9.0.0/24 table 1000",
        "rule add fwmark 1 table 70000",
        "-6 rule add from 2001:db8:9::/64 table 1000",
        "rule add blackhole from 10.66.0.0/16",
    ] {
        scene.ip(line);
    }
    // Every interface that is up gets an address of its own a moment later.
    wait_until("link-local addresses", || {
        let tentative = scene.ip("-6 -o address show tentative");
        tentative.is_empty() && !scene.ip("-6 -o address show dev br0 scope link").is_empty()
    });
    scene
}

fn messages(request: &RouteNetlinkMessage) -> Vec<Received> {
    Conversation::open(NETLINK_ROUTE).expect("a socket").dump(request).expect("an answer")
}

fn read_in_place(messages: &[Received]) -> KernelState {
    let mut state = KernelState::default();
    for message in messages {
        rtnetlink::decode(&mut state, &Nexthops::default(), message.kind, &message.payload);
    }
    state
}

fn parsed(messages: &[Received]) -> Vec<RouteNetlinkMessage> {
    let parse = |message: &Received| {
        RouteNetlinkMessage::parse_with_param(message.payload.as_slice(), message.kind)
    };
    messages.iter().map(|message| parse(message).expect("a message")).collect()
}

#[test]
fn interfaces_are_those_that_another_reader_sees() {
    let _scene = network();
    let messages = messages(&RouteNetlinkMessage::GetLink(LinkMessage::default()));
    let ours = read_in_place(&messages);
    assert!(ours.notes.is_empty(), "{:?}", ours.notes);
    let theirs = parsed(&messages);
    assert_eq!(ours.links.len(), theirs.len());
    for (ours, theirs) in ours.links.iter().zip(theirs) {
        let RouteNetlinkMessage::NewLink(theirs) = theirs else { panic!("{theirs:?}") };
        assert_eq!(*ours, link(&theirs), "{theirs:?}");
    }
    assert!(ours.links.iter().any(|link| link.master.is_some()));
    assert!(ours.links.iter().any(|link| link.parent.is_some()));
}

fn link(message: &LinkMessage) -> Link {
    let has = |flag| message.header.flags.contains(flag);
    let find =
        |wanted: fn(&LinkAttribute) -> Option<u32>| message.attributes.iter().find_map(wanted);
    let is_elsewhere =
        message.attributes.iter().any(|it| matches!(it, LinkAttribute::LinkNetNsId(_)));
    let name = message.attributes.iter().find_map(|it| match it {
        LinkAttribute::IfName(name) => Some(name.parse().expect("a name")),
        _ => None,
    });
    let kind = message.attributes.iter().find_map(|it| match it {
        LinkAttribute::LinkInfo(infos) => infos.iter().find_map(|info| match info {
            LinkInfo::Kind(kind) => Some(kind.to_string()),
            _ => None,
        }),
        _ => None,
    });
    let parent = find(|it| match it {
        LinkAttribute::Link(index) => Some(*index),
        _ => None,
    });
    Link {
        index: message.header.index,
        name: name.expect("a name"),
        up: has(LinkFlags::Up),
        loopback: has(LinkFlags::Loopback),
        mtu: find(|it| match it {
            LinkAttribute::Mtu(mtu) => Some(*mtu),
            _ => None,
        })
        .expect("an MTU"),
        master: find(|it| match it {
            LinkAttribute::Controller(index) => Some(*index),
            _ => None,
        }),
        kind,
        vrf_table: None,
        point_to_point: has(LinkFlags::Pointopoint),
        parent: parent.filter(|index| *index != 0 && !is_elsewhere),
    }
}

#[test]
fn addresses_are_those_that_another_reader_sees() {
    let scene = network();
    let messages = messages(&RouteNetlinkMessage::GetAddress(AddressMessage::default()));
    let ours = read_in_place(&messages).addresses;
    let theirs = parsed(&messages);
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(theirs) {
        let RouteNetlinkMessage::NewAddress(theirs) = theirs else { panic!("{theirs:?}") };
        assert_eq!(*ours, address(&theirs), "{theirs:?}");
    }
    assert!(ours.iter().any(|address| address.leased) && ours.iter().any(|it| it.peer.is_some()));
    let by_ip: Value = serde_json::from_str(&scene.ip("-j address")).expect("JSON");
    let of_link = |link: &Value| {
        let index = link["ifindex"].as_u64().expect("an index");
        let infos = link["addr_info"].as_array().cloned().unwrap_or_default();
        let pair = move |info: Value| {
            let address: IpAddr = info["local"].as_str()?.parse().ok()?;
            Some((u64::from(u32::try_from(index).ok()?), address))
        };
        infos.into_iter().filter_map(pair).collect::<Vec<_>>()
    };
    let theirs: BTreeSet<_> = by_ip.as_array().expect("links").iter().flat_map(of_link).collect();
    let ours: BTreeSet<_> = ours.iter().map(|it| (u64::from(it.ifindex), it.local)).collect();
    assert_eq!(ours, theirs, "as ip(8) has them");
}

fn address(message: &AddressMessage) -> Address {
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
    let local = local.or(other).expect("an address");
    Address {
        ifindex: message.header.index,
        local,
        prefix: message.header.prefix_len,
        peer: other.filter(|peer| *peer != local),
        leased: !flags.contains(AddressFlags::Permanent),
    }
}

#[test]
fn routes_and_rules_are_those_that_another_reader_sees() {
    let scene = network();
    let state = route::read().expect("the state");
    assert!(state.notes.is_empty(), "{:?}", state.notes);
    for (family, words) in [(AddressFamily::Inet, "-4"), (AddressFamily::Inet6, "-6")] {
        let mut request = RouteMessage::default();
        request.header.address_family = family;
        let messages = messages(&RouteNetlinkMessage::GetRoute(request));
        let theirs: Vec<Route> = parsed(&messages).iter().filter_map(their_route).collect();
        let is_whole =
            |route: &&Route| route.destination.is_none_or(|to| to.to_string() != "10.25.0.0/16");
        let ours: Vec<Route> = read_in_place(&messages).routes;
        let whole = |routes: &[Route]| routes.iter().filter(is_whole).cloned().collect::<Vec<_>>();
        assert_eq!(whole(&ours), whole(&theirs));
        let listed = scene.ip(&format!("-o {words} route show table all type unicast"));
        let of_family = |route: &&Route| (route.family.as_str() == "ipv4") == (words == "-4");
        let count = state.routes.iter().filter(of_family).count();
        assert_eq!(count, listed.lines().count(), "{listed}\n{:#?}", state.routes);
        let mut request = RuleMessage::default();
        request.header.family = family;
        let messages = self::messages(&RouteNetlinkMessage::GetRule(request));
        let theirs: Vec<PolicyRule> = parsed(&messages).iter().filter_map(their_rule).collect();
        assert_eq!(read_in_place(&messages).policy_rules, theirs);
    }
    let by_nexthop = state
        .routes
        .iter()
        .find(|route| route.destination.is_some_and(|to| to.to_string() == "10.25.0.0/16"));
    let br0 = route::interface_index("br0").expect("a bridge");
    assert_eq!(by_nexthop.expect("a route").out_interfaces, [br0]);
    assert!(state.routes.iter().any(|route| route.out_interfaces == [br0] && route.metric == 77));
    assert!(state.routes.iter().any(|route| route.advertised));
}

fn their_route(message: &RouteNetlinkMessage) -> Option<Route> {
    let RouteNetlinkMessage::NewRoute(message) = message else { panic!("{message:?}") };
    let header = &message.header;
    if header.kind != netlink_packet_route::route::RouteType::Unicast {
        return None;
    }
    let family = if header.address_family == AddressFamily::Inet { "\"ipv4\"" } else { "\"ipv6\"" };
    let mut route = Route {
        family: serde_json::from_str(family).expect("a family"),
        destination: None,
        table: u32::from(header.table),
        out_interfaces: Vec::new(),
        gateway: None,
        metric: 0,
        advertised: header.protocol == RouteProtocol::Ra,
    };
    let ip = |address: &RouteAddress| match address {
        RouteAddress::Inet(ip) => IpAddr::from(*ip),
        RouteAddress::Inet6(ip) => IpAddr::from(*ip),
        other => panic!("{other:?}"),
    };
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(to) => {
                let text = format!("\"{}/{}\"", ip(to), header.destination_prefix_length);
                route.destination = Some(serde_json::from_str(&text).expect("a network"));
            }
            RouteAttribute::Table(table) => route.table = *table,
            RouteAttribute::Oif(index) => route.out_interfaces.push(*index),
            RouteAttribute::MultiPath(legs) => {
                route.out_interfaces.extend(legs.iter().map(|leg| leg.interface_index));
            }
            RouteAttribute::Gateway(address) => route.gateway = Some(ip(address)),
            RouteAttribute::Via(via) => {
                use netlink_packet_route::route::RouteVia;
                route.gateway = Some(match via {
                    RouteVia::Inet(ip) => IpAddr::from(*ip),
                    RouteVia::Inet6(ip) => IpAddr::from(*ip),
                    other => panic!("{other:?}"),
                });
            }
            RouteAttribute::Priority(metric) => route.metric = *metric,
            _ => {}
        }
    }
    route.out_interfaces.dedup();
    Some(route)
}

fn their_rule(message: &RouteNetlinkMessage) -> Option<PolicyRule> {
    use netlink_packet_route::rule::RuleAction;
    let RouteNetlinkMessage::NewRule(message) = message else { panic!("{message:?}") };
    let family = if message.header.family == AddressFamily::Inet { "\"ipv4\"" } else { "\"ipv6\"" };
    let table = message.attributes.iter().find_map(|it| match it {
        RuleAttribute::Table(table) => Some(*table),
        _ => None,
    });
    (message.header.action == RuleAction::ToTable).then(|| PolicyRule {
        family: serde_json::from_str(family).expect("a family"),
        table: table.filter(|table| *table != 0),
        l3mdev: message.attributes.contains(&RuleAttribute::L3MDev(true)),
    })
}
