//! Ports that are forwarded to the inside, and what is open on the machine itself, as
//! `netcue.conf` writes them.

use std::fmt;
use std::marker::PhantomData;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer};

use crate::event::{Cidr, Family};

/// What a text is not, and what is wanted instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unlike(String);

/// A protocol with ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Transport {
    /// Its name in nft(8) and in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }

    /// Its number in the header of IP.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
        }
    }
}

/// One port of a protocol, or several in a row: `tcp/443`, `udp/5000-5010`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ports {
    /// Of which protocol.
    pub transport: Transport,
    /// The first of them.
    pub first: u16,
    /// The last, which may be the same.
    pub last: u16,
}

impl Ports {
    /// One port.
    #[must_use]
    pub fn one(transport: Transport, port: u16) -> Self {
        Self { transport, first: port, last: port }
    }

    /// Whether these are more than one.
    #[must_use]
    pub fn is_range(&self) -> bool {
        self.first != self.last
    }

    /// Whether a port of that protocol, by its number, is among these.
    #[must_use]
    pub fn contain(&self, protocol: u8, port: u16) -> bool {
        self.transport.number() == protocol && (self.first..=self.last).contains(&port)
    }
}

impl FromStr for Ports {
    type Err = Unlike;

    fn from_str(text: &str) -> Result<Self, Unlike> {
        let unlike = || {
            Unlike(format!("{text:?}: wanted is tcp/PORT, udp/PORT or a range, such as tcp/80-90"))
        };
        let (transport, numbers) = text.split_once('/').ok_or_else(unlike)?;
        let transport = match transport {
            "tcp" => Transport::Tcp,
            "udp" => Transport::Udp,
            _ => return Err(unlike()),
        };
        let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
        let (first, last) = numbers.split_once('-').unwrap_or((numbers, numbers));
        let first = number(first).ok_or_else(unlike)?;
        let last = number(last).filter(|last| *last >= first).ok_or_else(unlike)?;
        Ok(Self { transport, first, last })
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.transport.as_str(), self.first)?;
        if self.is_range() { write!(f, "-{}", self.last) } else { Ok(()) }
    }
}

/// Where a forwarded port leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// An IPv4 address, and the port there if it is another.
    Ipv4(std::net::Ipv4Addr, Option<u16>),
    /// An IPv6 address.
    Ipv6(Ipv6Addr),
    /// The last 64 bits of an IPv6 address, in whatever network of the inside.
    HostPart(Ipv6Addr),
}

impl Target {
    /// IPv4 or IPv6.
    #[must_use]
    pub fn family(self) -> Family {
        match self {
            Self::Ipv4(..) => Family::Ipv4,
            Self::Ipv6(_) | Self::HostPart(_) => Family::Ipv6,
        }
    }

    /// The address alone.
    #[must_use]
    pub fn without_port(self) -> Self {
        match self {
            Self::Ipv4(address, _) => Self::Ipv4(address, None),
            other => other,
        }
    }

    /// Whether an address is the one that is meant, or one of those.
    #[must_use]
    pub fn is(self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::Ipv4(own, _), IpAddr::V4(address)) => own == address,
            (Self::Ipv6(own), IpAddr::V6(address)) => own == address,
            (Self::HostPart(own), IpAddr::V6(address)) => {
                own.to_bits() == address.to_bits() & u128::from(u64::MAX)
            }
            _ => false,
        }
    }
}

impl FromStr for Target {
    type Err = Unlike;

    fn from_str(text: &str) -> Result<Self, Unlike> {
        if let Ok(address) = text.parse::<Ipv6Addr>() {
            let is_host_part = address.to_bits() >> 64 == 0 && !address.is_unspecified();
            return Ok(if is_host_part { Self::HostPart(address) } else { Self::Ipv6(address) });
        }
        let (address, port) = match text.split_once(':') {
            Some((address, port)) => (address, Some(port)),
            None => (text, None),
        };
        let address = address.parse().ok();
        let port = port.map(|port| port.parse().ok().filter(|port| *port > 0));
        match (address, port) {
            (Some(address), None) => Ok(Self::Ipv4(address, None)),
            (Some(address), Some(Some(port))) => Ok(Self::Ipv4(address, Some(port))),
            _ => Err(Unlike(format!(
                "{text:?}: wanted is an address inside, such as 192.168.1.10, 192.168.1.10:8443 \
                 with another port, or ::10 for the end of an IPv6 address"
            ))),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipv4(address, None) => write!(f, "{address}"),
            Self::Ipv4(address, Some(port)) => write!(f, "{address}:{port}"),
            Self::Ipv6(address) | Self::HostPart(address) => write!(f, "{address}"),
        }
    }
}

/// A network, or one address.
fn network(text: &str) -> Result<Cidr, Unlike> {
    let whole = |address: IpAddr| if address.is_ipv4() { 32 } else { 128 };
    let address =
        text.parse::<IpAddr>().map(|address| Cidr { address, prefix: whole(address) }).ok();
    let Some(cidr) = address.or_else(|| text.parse().ok()) else {
        return Err(Unlike(format!(
            "{text:?}: wanted is a network or an address, such as 203.0.113.0/24"
        )));
    };
    let bits = match cidr.address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    };
    if bits.checked_shl(cidr.prefix.into()).is_some_and(|host| host != 0) {
        return Err(Unlike(format!("{text:?}: there are bits behind the first {}", cidr.prefix)));
    }
    if cidr.prefix == 0 {
        return Err(Unlike(format!("{text:?}: that is everybody: leave it out")));
    }
    Ok(cidr)
}

/// `{ port = ..., to = ..., from = ... }`: a port that is forwarded to the inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forward {
    /// The ports that are asked for.
    pub port: Ports,
    /// Who gets what asks for them.
    pub to: Target,
    /// Who may ask, besides the inside; everybody if nothing is said.
    pub from: Option<Cidr>,
}

impl Forward {
    /// The ports there.
    #[must_use]
    pub fn there(&self) -> Ports {
        match self.to {
            Target::Ipv4(_, Some(port)) => Ports::one(self.port.transport, port),
            _ => self.port,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    #[serde(deserialize_with = "parsed")]
    port: Ports,
    #[serde(deserialize_with = "parsed")]
    to: Target,
    from: Option<Network>,
}

/// A network or an address, as a value of its own.
struct Network(Cidr);

impl FromStr for Network {
    type Err = Unlike;

    fn from_str(text: &str) -> Result<Self, Unlike> {
        network(text).map(Self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer)
    }
}

/// Reads a text as what it stands for. The visitor judges it, since the place of an error is
/// known only until that has returned.
fn parsed<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err = Unlike>,
{
    deserializer.deserialize_str(Text(PhantomData))
}

struct Text<T>(PhantomData<T>);

impl<T: FromStr<Err = Unlike>> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

impl TryFrom<Written> for Forward {
    type Error = Unlike;

    fn try_from(it: Written) -> Result<Self, Unlike> {
        let (port, to, from) = (it.port, it.to, it.from.map(|Network(from)| from));
        if port.is_range() && matches!(to, Target::Ipv4(_, Some(_))) {
            return Err(Unlike(format!("{port} to {to}: a range of ports keeps its numbers")));
        }
        if from.is_some_and(|from| Family::of(from.address) != to.family()) {
            return Err(Unlike(format!("{port} to {to}: \"from\" is of the other family")));
        }
        Ok(Self { port, to, from })
    }
}

impl<'de> Deserialize<'de> for Forward {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Written::deserialize(deserializer)?.try_into().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.port, self.to)
    }
}

/// What is open on the machine itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Ports.
    Ports(Ports),
    /// A protocol without ports: its name, and its number in the header of IP.
    Protocol(&'static str, u8),
}

/// The protocols without ports that routers speak, by the names that nft(8) has for them in
/// /etc/protocols.
const PROTOCOLS: [(&str, u8); 9] = [
    ("igmp", 2),
    ("ipencap", 4),
    ("ipv6", 41),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("ospf", 89),
    ("vrrp", 112),
    ("l2tp", 115),
];

/// `tcp/22 from 203.0.113.0/24`: what is open, and to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// What is open.
    pub door: Door,
    /// To whom; to everybody if nothing is said.
    pub from: Option<Cidr>,
}

impl FromStr for Opening {
    type Err = Unlike;

    fn from_str(text: &str) -> Result<Self, Unlike> {
        let (what, from) = match text.split_once(" from ") {
            Some((what, from)) => (what.trim_end(), Some(network(from.trim_start())?)),
            None => (text, None),
        };
        let protocol = PROTOCOLS.iter().find(|(name, _)| *name == what);
        let door = match protocol {
            Some((name, number)) => Door::Protocol(name, *number),
            None if what.contains('/') => Door::Ports(what.parse()?),
            None => {
                let names = PROTOCOLS.map(|(name, _)| name).join(" ");
                return Err(Unlike(format!(
                    "{what:?}: wanted is tcp/PORT, udp/PORT, a range of these, or one of {names}"
                )));
            }
        };
        Ok(Self { door, from })
    }
}

impl<'de> Deserialize<'de> for Opening {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer)
    }
}

impl fmt::Display for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.door {
            Door::Ports(ports) => write!(f, "{ports}")?,
            Door::Protocol(name, _) => f.write_str(name)?,
        }
        self.from.map_or(Ok(()), |from| write!(f, " from {from}"))
    }
}
