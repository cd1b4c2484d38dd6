//! Addresses and netmasks as callers write them; what can't be read is left out with a warning.

use std::net::{IpAddr, Ipv4Addr};

use super::Call;
use crate::event::{Cidr, Fact, Facts, Family, Text};

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

/// A prefix length in bits, or a netmask in dotted form; empty text says nothing.
pub(super) fn prefix(family: Family, written: &str, what: &str, facts: &mut Facts) -> Option<u8> {
    let longest = if family == Family::Ipv4 { 32 } else { 128 };
    match written.parse::<u8>() {
        Ok(bits) if bits <= longest => Some(bits),
        Ok(_) => {
            facts.warn(what, "longer than an address");
            None
        }
        Err(_) => netmask(written, what, facts),
    }
}

/// Several addresses with blanks or commas between; those that can't be read are left out.
pub(super) fn addresses(written: &str, what: &str, facts: &mut Facts) -> Vec<IpAddr> {
    words(written).filter_map(|one| address(one, what, facts)).collect()
}

/// The same, where they are next hops of one family.
pub(super) fn gateways(
    family: Family,
    written: &str,
    what: &str,
    facts: &mut Facts,
) -> Vec<IpAddr> {
    words(written).filter_map(|one| address_in(family, one, what, facts)).collect()
}

fn words(written: &str) -> impl Iterator<Item = &str> {
    written.split([' ', '\t', ',']).filter(|word| !word.is_empty())
}

/// `ADDRESS/BITS`, where either half is checked as [`address`] does; one without a prefix is
/// none of these.
pub(super) fn cidr(written: &str, what: &str, facts: &mut Facts) -> Option<Cidr> {
    if written.is_empty() {
        return None;
    }
    let Ok(cidr) = written.parse::<Cidr>() else {
        facts.warn(what, "not ADDRESS/PREFIX");
        return None;
    };
    address(&cidr.address.to_string(), what, facts).map(|_| cidr)
}

/// The first of several next hops, and all of them where there is more than one.
pub(super) fn route_by(gateways: Vec<IpAddr>, facts: &mut Facts) {
    facts.gateway = gateways.first().copied();
    facts.gateways = (gateways.len() > 1).then_some(gateways);
}

/// The first of our addresses with its prefix, all of them where there is more than one, and
/// the family if they agree in it: a link-local address, which every interface has, has no say
/// where there is another.
pub(super) fn addressed_by(mut cidrs: Vec<Cidr>, facts: &mut Facts) {
    cidrs.sort_by_key(|cidr| is_link_local(cidr.address));
    let Some(first) = cidrs.first().copied() else { return };
    facts.local = Some(first.address);
    facts.prefix = Some(first.prefix);
    let family = Family::of(first.address);
    let global = cidrs.iter().filter(|cidr| !is_link_local(cidr.address));
    let agree = global.map(|cidr| Family::of(cidr.address)).all(|other| other == family);
    facts.family = agree.then_some(family);
    facts.addresses = (cidrs.len() > 1).then_some(cidrs);
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

/// Where a row of classless routes (RFC 3442) sends what it has no other route for, and the
/// other routes as texts `NETWORK/BITS GATEWAY`. dhclient writes all as decimal bytes: the
/// bits, as many bytes of the network as they need, and the gateway's four.
pub(super) fn classless_routes(
    written: &str,
    what: &str,
    facts: &mut Facts,
) -> (Vec<IpAddr>, Vec<String>) {
    let bytes: Result<Vec<u8>, _> = words(written).map(str::parse).collect();
    let (mut default, mut others) = (Vec::new(), Vec::new());
    let Ok(bytes) = bytes else {
        facts.warn(what, "not a row of bytes");
        return (default, others);
    };
    let mut rest = bytes.as_slice();
    while let [bits, after @ ..] = rest {
        let length = usize::from(bits.div_ceil(8));
        let (Some(network), Some([a, b, c, d])) =
            (after.get(..length), after.get(length..length + 4))
        else {
            facts.warn(what, "cut short");
            break;
        };
        let gateway = Ipv4Addr::new(*a, *b, *c, *d);
        if *bits == 0 {
            default.extend(address_in(Family::Ipv4, &gateway.to_string(), what, facts));
        } else if length > 4 {
            facts.warn(what, "a prefix longer than an address");
            break;
        } else {
            let mut whole = [0; 4];
            whole.iter_mut().zip(network).for_each(|(to, from)| *to = *from);
            others.push(format!("{}/{bits} {gateway}", Ipv4Addr::from(whole)));
        }
        rest = after.get(length + 4..).unwrap_or_default();
    }
    (default, others)
}

/// Variables that become details: texts, then numbers, each with the detail's name.
pub(super) fn details(
    call: &Call<'_>,
    texts: &[(&str, &str)],
    numbers: &[(&str, &str)],
    facts: &mut Facts,
) {
    for (variable, name) in texts {
        let value = call.variable(variable, facts);
        facts.detail_text(name, value);
    }
    for (variable, name) in numbers {
        let value = call.variable(variable, facts);
        facts.detail_number(name, value);
    }
}

/// Puts several texts under `details`; none says nothing.
pub(super) fn detail_list(name: &str, written: &[String], facts: &mut Facts) {
    let mut texts: Vec<Text> = Vec::new();
    for one in written {
        match one.parse() {
            Ok(text) => texts.push(text),
            Err(unfit) => facts.warn(name, &unfit.0),
        }
    }
    if !texts.is_empty() {
        facts.detail(name, Fact::List(texts));
    }
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
