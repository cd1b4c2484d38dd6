//! Nexthop objects (`ip nexthop`): by which interfaces a route leads that names one of them.
//!
//! With `net.ipv4.nexthop_compat_mode=0` the kernel says of such a route nothing but the number of
//! the object. Numbers are those of `linux/nexthop.h`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use netlink_packet_core::NetlinkSerializable;

use super::netlink::{Conversation, NetlinkError, Received, attribute, ip_address};

const RTM_NEWNEXTHOP: u16 = 104;
const RTM_GETNEXTHOP: u16 = 106;
/// Bytes of `struct nhmsg`, which precedes the attributes, and of `struct nexthop_grp`.
const NHMSG: usize = 8;
const GROUP_MEMBER: usize = 8;
const NHA_ID: u16 = 1;
const NHA_GROUP: u16 = 2;
const NHA_OIF: u16 = 5;
const NHA_GATEWAY: u16 = 6;

/// Where an object leads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Nexthop {
    /// The interface; none for a group, and for one that drops what it gets.
    interface: Option<u32>,
    gateway: Option<IpAddr>,
    /// The objects of a group.
    members: Vec<u32>,
}

/// All nexthop objects, by number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Nexthops(BTreeMap<u32, Nexthop>);

/// The question for all of them.
#[derive(Debug, Clone, Copy)]
struct Get;

impl NetlinkSerializable for Get {
    fn message_type(&self) -> u16 {
        RTM_GETNEXTHOP
    }

    fn buffer_len(&self) -> usize {
        NHMSG
    }

    fn serialize(&self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
}

impl Nexthops {
    /// Reads them. A kernel before 5.3 has none, and says that it does not know the question.
    pub(super) fn read(conversation: &mut Conversation) -> Result<Self, NetlinkError> {
        let answer = match conversation.dump(&Get) {
            Ok(answer) => answer,
            Err(error) if error.is_unknown_to_kernel() => Vec::new(),
            Err(error) => return Err(error),
        };
        let mut nexthops = Self::default();
        for message in &answer {
            nexthops.decode(message);
        }
        Ok(nexthops)
    }

    /// Takes in what one message of the kernel says; one that makes no sense says nothing, and
    /// a route that needs it is noted then.
    pub fn decode(&mut self, message: &Received) {
        if message.kind != RTM_NEWNEXTHOP {
            return;
        }
        let bytes = message.payload.get(NHMSG..).unwrap_or_default();
        let number = |kind| attribute(bytes, kind).and_then(<[u8]>::first_chunk);
        let Some(id) = number(NHA_ID) else { return };
        let members = attribute(bytes, NHA_GROUP).unwrap_or_default().chunks(GROUP_MEMBER);
        let members = members.filter_map(<[u8]>::first_chunk);
        let gateway = attribute(bytes, NHA_GATEWAY).and_then(ip_address);
        let nexthop = Nexthop {
            interface: number(NHA_OIF).map(|index| u32::from_ne_bytes(*index)),
            gateway,
            members: members.map(|id| u32::from_ne_bytes(*id)).collect(),
        };
        self.0.insert(u32::from_ne_bytes(*id), nexthop);
    }

    /// The interfaces that an object leads to, and the router there where it is one only; none
    /// if there is no such object.
    pub(super) fn of(&self, id: u32) -> Option<(Vec<u32>, Option<IpAddr>)> {
        let nexthop = self.0.get(&id)?;
        if nexthop.members.is_empty() {
            return Some((nexthop.interface.into_iter().collect(), nexthop.gateway));
        }
        // The kernel has no groups in groups of several levels: members are objects.
        let members: Option<Vec<&Nexthop>> =
            nexthop.members.iter().map(|id| self.0.get(id)).collect();
        Some((members?.iter().filter_map(|member| member.interface).collect(), None))
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    /// A message as the kernel writes it.
    fn message(attributes: &[(u16, &[u8])]) -> Received {
        let mut payload = vec![0; NHMSG];
        for (kind, value) in attributes {
            let length = u16::try_from(4 + value.len()).unwrap();
            payload.extend(length.to_ne_bytes());
            payload.extend(kind.to_ne_bytes());
            payload.extend(*value);
            payload.resize(payload.len().next_multiple_of(4), 0);
        }
        Received { kind: RTM_NEWNEXTHOP, payload }
    }

    #[test]
    fn an_object_leads_by_its_interface_and_a_group_by_those_of_its_members() {
        let id = |number: u32| number.to_ne_bytes();
        let group = [id(7), [0; 4], id(8), [0; 4]].concat();
        let mut all = Nexthops::default();
        all.decode(&message(&[(1, &id(7)), (5, &id(3)), (6, &[198, 51, 100, 1])]));
        all.decode(&message(&[(1, &id(8)), (5, &id(4))]));
        all.decode(&message(&[(1, &id(9)), (2, &group)]));
        all.decode(&message(&[(1, &id(10)), (4, &[])]));
        all.decode(&message(&[(1, &[1, 0])]));
        assert_eq!(all.of(7), Some((vec![3], Some(Ipv4Addr::new(198, 51, 100, 1).into()))));
        assert_eq!(all.of(9), Some((vec![3, 4], None)));
        assert_eq!(all.of(10), Some((vec![], None)), "a blackhole leads nowhere");
        assert_eq!(all.of(11), None);
    }
}
