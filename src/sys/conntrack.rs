//! The connections that the kernel tracks, over ctnetlink: listed, and forgotten one by one.
//!
//! Numbers are those of `linux/netfilter/nfnetlink_conntrack.h`.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netlink_packet_core::NetlinkSerializable;
use netlink_sys::protocols::NETLINK_NETFILTER;
use nix::libc;

use super::netlink::{Conversation, NetlinkError, Received, attribute, attributes};
use crate::event::Family;

/// `NFNL_SUBSYS_CTNETLINK` with `IPCTNL_MSG_CT_GET` and `IPCTNL_MSG_CT_DELETE`.
const GET: u16 = (1 << 8) | 1;
const DELETE: u16 = (1 << 8) | 2;
/// Bytes of `struct nfgenmsg`, which precedes the attributes.
const NFGENMSG: usize = 4;
const CTA_TUPLE_ORIG: u16 = 1;
const CTA_TUPLE_REPLY: u16 = 2;
const CTA_STATUS: u16 = 3;
const CTA_ID: u16 = 12;
const CTA_ZONE: u16 = 18;
const CTA_TUPLE_IP: u16 = 1;
const CTA_TUPLE_PROTO: u16 = 2;
const CTA_PROTO_NUM: u16 = 1;
const CTA_PROTO_DST_PORT: u16 = 3;
const NESTED: u16 = 0x8000;
/// `IPS_EXPECTED`, `IPS_SEEN_REPLY`, `IPS_SRC_NAT` and `IPS_DST_NAT`.
const EXPECTED: u32 = 1;
const ANSWERED: u32 = 2;
const SNAT: u32 = 16;
const DNAT: u32 = 32;

/// A connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Who began it.
    pub source: IpAddr,
    /// Whom they meant.
    pub destination: IpAddr,
    /// Whom the answers are sent to: who began it, or the address it was translated with.
    pub back_to: IpAddr,
    /// The number of the protocol, and the port that was meant, where it has ports.
    pub port: (u8, u16),
    status: u32,
    /// The attributes that name it and no other.
    name: Vec<u8>,
}

impl Connection {
    /// Whether its source is translated.
    #[must_use]
    pub fn is_translated(&self) -> bool {
        self.status & SNAT != 0
    }

    /// Whether the other side has said anything.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.status & ANSWERED != 0
    }

    /// One that no kernel tracks.
    #[cfg(test)]
    pub(crate) fn made_up(source: IpAddr, destination: IpAddr, status: u32) -> Self {
        Self { source, destination, back_to: source, port: (6, 443), status, name: Vec::new() }
    }

    /// Whether somebody has let it in: by forwarding a port, or as a part of another.
    #[must_use]
    pub fn is_let_in(&self) -> bool {
        self.status & (DNAT | EXPECTED) != 0
    }
}

/// A message about connections of one family.
#[derive(Debug, Clone)]
struct Message {
    kind: u16,
    family: Family,
    attributes: Vec<u8>,
}

impl NetlinkSerializable for Message {
    fn message_type(&self) -> u16 {
        self.kind
    }

    fn buffer_len(&self) -> usize {
        NFGENMSG + self.attributes.len()
    }

    fn serialize(&self, buffer: &mut [u8]) {
        let number = match self.family {
            Family::Ipv4 => libc::AF_INET,
            Family::Ipv6 => libc::AF_INET6,
        };
        let head = [u8::try_from(number).unwrap_or_default(), 0, 0, 0];
        for (to, from) in buffer.iter_mut().zip(head.iter().chain(&self.attributes)) {
            *to = *from;
        }
    }
}

/// Forgets the connections of a family that are wrong, and gives them back. A kernel that
/// tracks none has none.
///
/// # Errors
/// When the kernel won't list them, or won't forget one.
pub fn forget(
    family: Family,
    is_wrong: impl Fn(&Connection) -> bool,
) -> Result<Vec<Connection>, NetlinkError> {
    if are_none() {
        return Ok(Vec::new());
    }
    let mut conversation = Conversation::open(NETLINK_NETFILTER)?;
    let answer = conversation.dump(&Message { kind: GET, family, attributes: Vec::new() });
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) if error.is_unknown_to_kernel() => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut wrong: Vec<Connection> = answer.iter().filter_map(connection).collect();
    wrong.retain(is_wrong);
    for connection in &wrong {
        let attributes = connection.name.clone();
        match conversation.order(Message { kind: DELETE, family, attributes }) {
            Ok(()) => {}
            // It has ended by itself.
            Err(NetlinkError::Refused(refusal)) if refusal.errno == libc::ENOENT => {}
            Err(error) => return Err(error),
        }
    }
    Ok(wrong)
}

/// Whether the kernel says that it tracks no connection in this network namespace. To list
/// them it goes through its whole table, some milliseconds long, however few there are.
fn are_none() -> bool {
    fs::read_to_string("/proc/sys/net/netfilter/nf_conntrack_count")
        .is_ok_and(|count| count.trim_end() == "0")
}

fn connection(received: &Received) -> Option<Connection> {
    let bytes = received.payload.get(NFGENMSG..)?;
    let tuple = attribute(bytes, CTA_TUPLE_ORIG)?;
    let addresses = attribute(tuple, CTA_TUPLE_IP)?;
    let protocol = attribute(tuple, CTA_TUPLE_PROTO).unwrap_or_default();
    let number = attribute(protocol, CTA_PROTO_NUM).and_then(<[u8]>::first).copied();
    let port = attribute(protocol, CTA_PROTO_DST_PORT).and_then(<[u8]>::first_chunk);
    let answers = attribute(attribute(bytes, CTA_TUPLE_REPLY)?, CTA_TUPLE_IP)?;
    // CTA_IP_V4_SRC, _V4_DST, _V6_SRC, _V6_DST.
    let address = |of, v4, v6| {
        let four = attribute(of, v4).and_then(|it| <[u8; 4]>::try_from(it).ok());
        let six = attribute(of, v6).and_then(|it| <[u8; 16]>::try_from(it).ok());
        let four = four.map(|it| IpAddr::from(Ipv4Addr::from(it)));
        four.or_else(|| six.map(|it| Ipv6Addr::from(it).into()))
    };
    let status = attribute(bytes, CTA_STATUS)?.first_chunk()?;
    let mut name = Vec::new();
    for (kind, nested, value) in attributes(bytes) {
        if matches!(kind, CTA_TUPLE_ORIG | CTA_ID | CTA_ZONE) {
            let length = u16::try_from(4 + value.len()).ok()?;
            name.extend(length.to_ne_bytes());
            name.extend((if nested { kind | NESTED } else { kind }).to_ne_bytes());
            name.extend(value);
            name.resize(name.len().next_multiple_of(4), 0);
        }
    }
    Some(Connection {
        source: address(addresses, 1, 3)?,
        destination: address(addresses, 2, 4)?,
        back_to: address(answers, 2, 4)?,
        port: (number.unwrap_or(0), port.map_or(0, |port| u16::from_be_bytes(*port))),
        status: u32::from_be_bytes(*status),
        name,
    })
}
