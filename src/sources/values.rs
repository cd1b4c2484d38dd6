//! Addresses and netmasks as callers write them; what can't be read is left out with a warning.

use std::net::{IpAddr, Ipv4Addr};

use crate::event::{Facts, Family};

/// An address: nothing where the caller says there is none (empty, `0.0.0.0`, `::`).
pub(super) fn address(written: &str, what: &str, facts: &mut Facts) -> Option<IpAddr> {
    if written.is_empty() {
        return None;
    }
    match written.parse::<IpAddr>() {
        Ok(address) if address.is_unspecified() => None,
        Ok(address) if is_of_many(address) => {
            facts.warn(what, "an address of many, not of one host");
            None
        }
        Ok(address) => Some(address),
        Err(_) => {
            facts.warn(what, "not an IP address");
            None
        }
    }
}

fn is_of_many(address: IpAddr) -> bool {
    address.is_multicast() || address == IpAddr::V4(Ipv4Addr::BROADCAST)
}

/// The same, of an end of a link or a next hop, where the trigger settles the family. The
/// loopback is neither, but may be a name server.
pub(super) fn address_in(
    family: Family,
    written: &str,
    what: &str,
    facts: &mut Facts,
) -> Option<IpAddr> {
    let address = address(written, what, facts)?;
    if Family::of(address) != family {
        facts.warn(what, "an address of the other family");
        return None;
    }
    if address.is_loopback() {
        facts.warn(what, "a loopback address");
        return None;
    }
    Some(address)
}

/// The prefix length of a netmask in dotted form; empty text says nothing.
pub(super) fn netmask(written: &str, what: &str, facts: &mut Facts) -> Option<u8> {
    if written.is_empty() {
        return None;
    }
    let prefix = written.parse::<Ipv4Addr>().ok().and_then(|mask| {
        let bits = mask.to_bits();
        let ones = bits.leading_ones();
        // A mask with a hole in it names no prefix.
        (ones + bits.trailing_zeros() >= u32::BITS).then(|| u8::try_from(ones).ok())?
    });
    if prefix.is_none() {
        facts.warn(what, "not a netmask");
    }
    prefix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_that_of_one_host() {
        let mut facts = Facts::default();
        for written in ["192.0.2.1", "240.0.0.1", "2001:db8::1", "fe80::1"] {
            let kept = address(written, "an address", &mut facts);
            assert_eq!(kept.map(|kept| kept.to_string()).as_deref(), Some(written));
        }
        for written in ["", "0.0.0.0", "::"] {
            assert_eq!(address(written, "an address", &mut facts), None, "{written}");
        }
        assert_eq!(facts.warnings, []);
        for written in
            ["224.0.0.1", "239.255.255.250", "255.255.255.255", "ff02::1", "192.0.2.0/24"]
        {
            assert_eq!(address(written, written, &mut facts), None, "{written}");
        }
        assert_eq!(facts.warnings.len(), 5);
    }

    #[test]
    fn the_loopback_is_no_end_of_a_link() {
        let mut facts = Facts::default();
        for (family, written) in [(Family::Ipv4, "127.0.0.1"), (Family::Ipv6, "::1")] {
            assert!(address(written, written, &mut facts).is_some(), "{written}");
            assert_eq!(facts.warnings, []);
            assert_eq!(address_in(family, written, written, &mut facts), None, "{written}");
            assert_eq!(facts.warnings.len(), 1);
            facts.warnings.clear();
        }
    }

    #[test]
    fn a_netmask_is_a_row_of_ones() {
        let mut facts = Facts::default();
        for (written, prefix) in [
            ("255.255.255.255", Some(32)),
            ("255.255.255.0", Some(24)),
            ("255.255.254.0", Some(23)),
            ("128.0.0.0", Some(1)),
            ("0.0.0.0", Some(0)),
            ("", None),
        ] {
            assert_eq!(netmask(written, "netmask", &mut facts), prefix, "{written}");
        }
        assert_eq!(facts.warnings, []);
        for written in ["255.0.255.0", "0.0.0.255", "255.255.255", "24", "default", " 255.0.0.0"] {
            assert_eq!(netmask(written, written, &mut facts), None, "{written}");
        }
        assert_eq!(facts.warnings.len(), 6);
    }
}
