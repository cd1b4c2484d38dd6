//! What the kernel says about interfaces, addresses and routes, as plain data.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::event::{Cidr, Family, InterfaceName};

/// Everything the rules are made from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KernelState {
    /// Interfaces, by index.
    pub links: Vec<Link>,
    /// Their addresses.
    pub addresses: Vec<Address>,
    /// Unicast routes of all tables.
    pub routes: Vec<Route>,
    /// Which tables are looked at.
    pub policy_rules: Vec<PolicyRule>,
    /// What could not be understood, in words.
    pub notes: Vec<String>,
    /// What netcue remembers of interfaces: not the kernel's, and kept here because the rules
    /// are made from it too, so that a recorded state gives the same rules again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remembered: Vec<Remembered>,
}

/// On which side an interface was found before.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remembered {
    /// The interface; another of the same name has another number.
    pub ifindex: u32,
    /// IPv4 or IPv6.
    pub family: Family,
    /// Where it was.
    pub side: Was,
}

/// The sides that are remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Was {
    /// It had a default route.
    Outside,
    /// It had an address that somebody had set, and no default route.
    Inside,
}

/// An interface.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The kernel's number for it.
    pub index: u32,
    /// Its name at present.
    pub name: InterfaceName,
    /// Whether it is administratively up (`IFF_UP`).
    #[serde(default)]
    pub up: bool,
    /// Whether it is a loopback device.
    #[serde(default)]
    pub loopback: bool,
    /// Largest packet in bytes.
    #[serde(default = "ethernet_mtu")]
    pub mtu: u32,
    /// Index of the bridge, bond or VRF it belongs to.
    #[serde(default)]
    pub master: Option<u32>,
    /// What kind of device it is (`bridge`, `vrf`, `ppp`), where the driver says so.
    #[serde(default)]
    pub kind: Option<String>,
    /// The routing table of a VRF device.
    #[serde(default)]
    pub vrf_table: Option<u32>,
    /// Whether it has exactly one neighbour (`IFF_POINTOPOINT`).
    #[serde(default)]
    pub point_to_point: bool,
    /// Index of the device it stands on (`IFLA_LINK`), if that is in the same namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<u32>,
}

fn ethernet_mtu() -> u32 {
    1500
}

/// An address of an interface.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// The interface.
    pub ifindex: u32,
    /// The machine's own address.
    pub local: IpAddr,
    /// Number of leading bits that name the network of `peer`, or of `local` without one.
    pub prefix: u8,
    /// The address at the other end of a point-to-point link.
    #[serde(default)]
    pub peer: Option<IpAddr>,
    /// Whether it was given for a time (no `IFA_F_PERMANENT`), as DHCP and advertisements do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leased: bool,
}

/// A unicast route.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// IPv4 or IPv6.
    pub family: Family,
    /// Where to; a default route has none.
    #[serde(default)]
    pub destination: Option<Cidr>,
    /// The routing table it is in.
    #[serde(default = "main_table")]
    pub table: u32,
    /// The interfaces packets leave by: several for a multipath route.
    pub out_interfaces: Vec<u32>,
    /// The router it leads to.
    #[serde(default)]
    pub gateway: Option<IpAddr>,
    /// Its metric: the smaller is preferred.
    #[serde(default)]
    pub metric: u32,
    /// Whether a router advertisement made it (`RTPROT_RA`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub advertised: bool,
}

fn main_table() -> u32 {
    254
}

/// A policy rule (`ip rule`) that leads to a routing table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyRule {
    /// IPv4 or IPv6.
    pub family: Family,
    /// The table it leads to.
    #[serde(default)]
    pub table: Option<u32>,
    /// Whether it leads to the table of the packet's VRF instead.
    #[serde(default)]
    pub l3mdev: bool,
}
