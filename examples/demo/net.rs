//! Makes interfaces, addresses and routes over netlink, as `ip` would.

use std::net::{IpAddr, Ipv4Addr};

use netcue::sys::netlink::{Conversation, encode};
use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST};
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::protocols::NETLINK_ROUTE;
use nix::net::if_::if_nametoindex;

use crate::outcome::{During, Result};

const NEW: u16 = NLM_F_CREATE | NLM_F_EXCL;

/// The network namespace that this process was in when it opened this.
#[derive(Debug)]
pub(crate) struct Net(Conversation);

/// Where a route leads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    /// The network and its prefix length; `0.0.0.0/0` is the default route.
    pub(crate) to: (Ipv4Addr, u8),
    /// The next hop.
    pub(crate) via: Ipv4Addr,
    /// Preference: the smaller wins.
    pub(crate) metric: u32,
}

impl Way {
    /// A default route.
    pub(crate) fn default(via: Ipv4Addr, metric: u32) -> Self {
        Self { to: (Ipv4Addr::UNSPECIFIED, 0), via, metric }
    }
}

impl Net {
    /// Opens the present namespace.
    pub(crate) fn open() -> Result<Self> {
        Ok(Self(Conversation::open(NETLINK_ROUTE).during("opening netlink")?))
    }

    fn tell(&mut self, what: &str, message: RouteNetlinkMessage, flags: u16) -> Result<()> {
        let sequence = self.0.next_sequence();
        let bytes = encode(message, NLM_F_REQUEST | NLM_F_ACK | flags, sequence);
        self.0.send(&bytes).during(what)?;
        let verdicts = self.0.verdicts().during(what)?;
        match verdicts.iter().find(|verdict| verdict.sequence == sequence) {
            Some(verdict) if verdict.errno == 0 => Ok(()),
            Some(verdict) => Err(format!("{what}: {}", verdict.text()).into()),
            None => Err(format!("{what}: the kernel gave no answer").into()),
        }
    }

    /// A cable: one end here, the other end `far` in the namespace of process `machine`,
    /// or here too.
    pub(crate) fn cable(&mut self, near: &str, far: &str, machine: Option<u32>) -> Result<()> {
        let mut there = LinkMessage::default();
        there.attributes.push(LinkAttribute::IfName(far.to_owned()));
        there.attributes.extend(machine.map(LinkAttribute::NetNsPid));
        let mut here = LinkMessage::default();
        here.attributes.push(LinkAttribute::IfName(near.to_owned()));
        here.attributes.push(LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Veth),
            LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(there))),
        ]));
        let what = format!("making the veth pair {near}-{far}");
        self.tell(&what, RouteNetlinkMessage::NewLink(here), NEW)
    }

    /// `ip link set NAME up`.
    pub(crate) fn up(&mut self, name: &str) -> Result<()> {
        self.set(name, LinkFlags::Up, true)
    }

    /// `ip link set NAME arp off`: there is only one neighbour.
    pub(crate) fn without_arp(&mut self, name: &str) -> Result<()> {
        self.set(name, LinkFlags::Noarp, true)
    }

    fn set(&mut self, name: &str, flag: LinkFlags, on: bool) -> Result<()> {
        let mut link = LinkMessage::default();
        link.header.index = index(name)?;
        link.header.change_mask = flag;
        link.header.flags = if on { flag } else { LinkFlags::empty() };
        self.tell(&format!("setting up {name}"), RouteNetlinkMessage::SetLink(link), 0)
    }

    /// `ip link delete NAME`.
    pub(crate) fn delete(&mut self, name: &str) -> Result<()> {
        let mut link = LinkMessage::default();
        link.header.index = index(name)?;
        self.tell(&format!("deleting {name}"), RouteNetlinkMessage::DelLink(link), 0)
    }

    /// `ip address add LOCAL peer PEER/PREFIX dev NAME`; without a peer, `peer` is `local`.
    pub(crate) fn address(
        &mut self,
        name: &str,
        local: Ipv4Addr,
        peer: Ipv4Addr,
        prefix: u8,
    ) -> Result<()> {
        let mut address = AddressMessage::default();
        address.header.family = AddressFamily::Inet;
        address.header.prefix_len = prefix;
        address.header.index = index(name)?;
        address.attributes.push(AddressAttribute::Local(IpAddr::V4(local)));
        address.attributes.push(AddressAttribute::Address(IpAddr::V4(peer)));
        let what = format!("giving {name} the address {local}");
        self.tell(&what, RouteNetlinkMessage::NewAddress(address), NEW)
    }

    /// `ip route add`.
    pub(crate) fn route(&mut self, way: Way) -> Result<()> {
        let what = format!("adding a route via {}", way.via);
        self.tell(&what, RouteNetlinkMessage::NewRoute(message(way)), NEW)
    }

    /// `ip route delete`.
    pub(crate) fn unroute(&mut self, way: Way) -> Result<()> {
        let what = format!("deleting a route via {}", way.via);
        self.tell(&what, RouteNetlinkMessage::DelRoute(message(way)), 0)
    }
}

fn message(way: Way) -> RouteMessage {
    let mut route = RouteMessage::default();
    let (network, prefix) = way.to;
    route.header.address_family = AddressFamily::Inet;
    route.header.destination_prefix_length = prefix;
    route.header.table = RouteHeader::RT_TABLE_MAIN;
    route.header.protocol = RouteProtocol::Boot;
    route.header.scope = RouteScope::Universe;
    route.header.kind = RouteType::Unicast;
    if prefix > 0 {
        route.attributes.push(RouteAttribute::Destination(RouteAddress::Inet(network)));
    }
    route.attributes.push(RouteAttribute::Gateway(RouteAddress::Inet(way.via)));
    if way.metric > 0 {
        route.attributes.push(RouteAttribute::Priority(way.metric));
    }
    route
}

fn index(name: &str) -> Result<u32> {
    if_nametoindex(name).during(name)
}
