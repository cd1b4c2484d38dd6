//! What an event tells, in the forms that other dispatchers write it.

use std::net::{IpAddr, Ipv4Addr};

use crate::event::{Event, Family};

/// `PATH` as Debian's ppp gives it; pppd itself gives none.
pub(super) const PATH_OF_PPP: &str = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin";

/// `PATH` as it is built into most of the others.
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The families that an event is about, IPv4 first; none where it doesn't tell.
pub(super) fn families(event: &Event) -> Vec<Family> {
    let facts = &event.facts;
    if let Some(family) = facts.family {
        return vec![family];
    }
    let one = facts.local.iter().chain(&facts.remote).copied();
    let several = facts.addresses.iter().flatten().map(|cidr| cidr.address);
    let mut families: Vec<Family> = one.chain(several).map(Family::of).collect();
    families.sort_unstable();
    families.dedup();
    families
}

/// Variables, of which those without a value stay unset.
#[derive(Debug, Default)]
pub(super) struct Variables(Vec<(String, String)>);

impl Variables {
    pub(super) fn with_path(path: &str) -> Self {
        let mut variables = Self::default();
        variables.set("PATH", path);
        variables
    }

    #[expect(clippy::needless_pass_by_value, reason = "most values are made for this")]
    pub(super) fn set(&mut self, name: &str, value: impl ToString) {
        self.0.push((name.to_owned(), value.to_string()));
    }

    /// Sets it if there is a value, and if that says something.
    pub(super) fn know(&mut self, name: &str, value: Option<impl ToString>) {
        let value = value.map(|value| value.to_string()).filter(|value| !value.is_empty());
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// The same, of what the source alone knew: variables, and the names of the details.
    pub(super) fn know_details(&mut self, event: &Event, names: &[(&str, &str)]) {
        for (name, known) in names {
            self.know(name, detail(event, known));
        }
    }

    pub(super) fn into_env(self) -> Vec<(String, String)> {
        self.0
    }
}

/// A detail of the event's source.
pub(super) fn detail(event: &Event, name: &str) -> Option<String> {
    event.facts.details.get(name).map(ToString::to_string)
}

/// Our own addresses of a family, each with the length of its prefix, if that is known.
pub(super) fn addresses(event: &Event, family: Family) -> Vec<(IpAddr, Option<u8>)> {
    let facts = &event.facts;
    let several = facts.addresses.iter().flatten().map(|cidr| (cidr.address, Some(cidr.prefix)));
    let mut all: Vec<(IpAddr, Option<u8>)> = several.collect();
    // Some sources know addresses without their prefixes.
    let bare = detail(event, "addresses").unwrap_or_default();
    all.extend(bare.split(' ').filter_map(|word| Some((word.parse().ok()?, None))));
    if let Some(local) = facts.local {
        if !all.iter().any(|(address, _)| *address == local) {
            all.insert(0, (local, facts.prefix));
        }
    }
    all.retain(|(address, _)| Family::of(*address) == family);
    all
}

/// The next hops of a family.
pub(super) fn gateways(event: &Event, family: Family) -> Vec<IpAddr> {
    let facts = &event.facts;
    let several = facts.gateways.iter().flatten();
    let one = facts.gateway.iter().filter(|_| facts.gateways.is_none());
    several.chain(one).filter(|gateway| Family::of(**gateway) == family).copied().collect()
}

/// The first of them.
pub(super) fn gateway(event: &Event, family: Family) -> Option<IpAddr> {
    gateways(event, family).first().copied()
}

/// Name servers, of one family or of all.
pub(super) fn servers(event: &Event, family: Option<Family>) -> Vec<IpAddr> {
    let all = event.facts.dns.iter().flatten().copied();
    all.filter(|server| family.is_none_or(|family| Family::of(*server) == family)).collect()
}

/// Words with spaces between them; none if there are none.
pub(super) fn joined<T: ToString>(words: &[T]) -> Option<String> {
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// Whether the address is a lease, as far as the event tells.
pub(super) fn is_leased(event: &Event) -> bool {
    let of_a_lease = ["lease_time", "server", "dhclient_pid"];
    !super::ppp::is_link_of(event)
        && of_a_lease.iter().any(|name| event.facts.details.get(name).is_some())
}

/// The netmask of a prefix, the network that an address is in, and its broadcast address.
pub(super) fn of_network(address: Ipv4Addr, prefix: u8) -> (Ipv4Addr, Ipv4Addr, Ipv4Addr) {
    let mask = u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0);
    let network = address.to_bits() & mask;
    (mask.into(), network.into(), (network | !mask).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_a_network() {
        for (prefix, expected) in [
            (24, ["255.255.255.0", "192.0.2.0", "192.0.2.255"]),
            (32, ["255.255.255.255", "192.0.2.77", "192.0.2.77"]),
            (0, ["0.0.0.0", "0.0.0.0", "255.255.255.255"]),
            (30, ["255.255.255.252", "192.0.2.76", "192.0.2.79"]),
        ] {
            let (mask, network, broadcast) = of_network(Ipv4Addr::new(192, 0, 2, 77), prefix);
            assert_eq!([mask, network, broadcast].map(|a| a.to_string()), expected);
        }
    }
}
