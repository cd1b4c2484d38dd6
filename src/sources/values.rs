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
        Ok(address) => Some(address),
        Err(_) => {
            facts.warn(what, "not an IP address");
            None
        }
    }
}

/// The same, where the trigger settles the family.
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
