//! Sets of addresses as sorted, merged, disjoint ranges.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Serialize, Serializer};

use crate::event::{Cidr, Family};

/// A range of addresses, both ends included; IPv4 uses the low 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    /// The first address.
    pub first: u128,
    /// The last address.
    pub last: u128,
}

/// Addresses of one family: ranges in order, with a gap between any two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intervals {
    family: Family,
    ranges: Vec<Range>,
}

impl Intervals {
    /// The addresses of all `ranges`, which may overlap and need no order.
    #[must_use]
    pub fn new(family: Family, ranges: impl IntoIterator<Item = Range>) -> Self {
        let mut sorted: Vec<Range> =
            ranges.into_iter().filter(|range| range.first <= range.last).collect();
        sorted.sort_unstable();
        let mut merged: Vec<Range> = Vec::with_capacity(sorted.len());
        for range in sorted {
            match merged.last_mut() {
                Some(before) if range.first <= before.last.saturating_add(1) => {
                    before.last = before.last.max(range.last);
                }
                _ => merged.push(range),
            }
        }
        Self { family, ranges: merged }
    }

    /// The addresses of all networks of `family` among `networks`.
    #[must_use]
    pub fn of_networks(family: Family, networks: impl IntoIterator<Item = Cidr>) -> Self {
        let of_family = networks.into_iter().filter(|cidr| Family::of(cidr.address) == family);
        Self::new(family, of_family.map(|cidr| Range::of_network(&cidr)))
    }

    /// IPv4 or IPv6.
    #[must_use]
    pub fn family(&self) -> Family {
        self.family
    }

    /// The ranges, in order.
    #[must_use]
    pub fn ranges(&self) -> &[Range] {
        &self.ranges
    }

    /// The ranges as nft(8) writes them.
    pub fn texts(&self) -> impl Iterator<Item = String> {
        self.ranges.iter().map(|range| range.text(self.family))
    }

    /// Whether there is no address at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether an address is among these.
    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        let number = match address {
            IpAddr::V4(address) => u128::from(address.to_bits()),
            IpAddr::V6(address) => address.to_bits(),
        };
        self.family == Family::of(address) && self.covers(Range { first: number, last: number })
    }

    /// Whether every address of `range` is among these.
    #[must_use]
    pub fn covers(&self, range: Range) -> bool {
        let after = self.ranges.partition_point(|own| own.first <= range.first);
        after
            .checked_sub(1)
            .and_then(|at| self.ranges.get(at))
            .is_some_and(|own| own.last >= range.last)
    }

    /// What is left when `others` are taken away.
    #[must_use]
    pub fn without(&self, others: &Self) -> Self {
        let mut left = Vec::with_capacity(self.ranges.len());
        let mut others = others.ranges.as_slice();
        for range in &self.ranges {
            let mut first = Some(range.first);
            while let (Some(from), Some((other, rest))) = (first, others.split_first()) {
                if other.first > range.last {
                    break;
                }
                if other.first > from {
                    left.push(Range { first: from, last: other.first - 1 });
                }
                if other.last >= range.last {
                    first = None;
                    break;
                }
                first = Some(from.max(other.last.saturating_add(1)));
                others = rest;
            }
            left.extend(first.map(|first| Range { first, last: range.last }));
        }
        Self { family: self.family, ranges: left }
    }
}

/// As a list of [`Intervals::texts`].
impl Serialize for Intervals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.texts())
    }
}

impl Range {
    /// All addresses of a network, whatever the host bits of `cidr` are.
    fn of_network(cidr: &Cidr) -> Self {
        let (address, bits) = match cidr.address {
            IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
            IpAddr::V6(address) => (address.to_bits(), 128),
        };
        let hosts = host_bits(bits - u32::from(cidr.prefix).min(bits));
        Self { first: address & !hosts, last: address | hosts }
    }

    /// The range as nft(8) writes it: an address, a prefix, or two addresses.
    fn text(&self, family: Family) -> String {
        let span = self.last - self.first;
        let length = span.count_ones();
        if span != host_bits(length) || self.first & span != 0 {
            return format!("{}-{}", address(family, self.first), address(family, self.last));
        }
        let first = address(family, self.first);
        match (family, length) {
            (_, 0) => first.to_string(),
            (Family::Ipv4, _) => format!("{first}/{}", 32 - length),
            (Family::Ipv6, _) => format!("{first}/{}", 128 - length),
        }
    }
}

/// The number with `count` low bits set.
fn host_bits(count: u32) -> u128 {
    1u128.checked_shl(count).map_or(u128::MAX, |bit| bit - 1)
}

/// The address that a number stands for.
fn address(family: Family, number: u128) -> IpAddr {
    match family {
        // Numbers of IPv4 have 32 bits.
        Family::Ipv4 => Ipv4Addr::from_bits(u32::try_from(number).unwrap_or(u32::MAX)).into(),
        Family::Ipv6 => Ipv6Addr::from_bits(number).into(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn members(intervals: &Intervals) -> BTreeSet<u128> {
        intervals.ranges.iter().flat_map(|range| range.first..=range.last).collect()
    }

    fn some() -> impl Strategy<Value = Intervals> {
        prop::collection::vec((0u128..64, 0u128..12), 0..8).prop_map(|list| {
            let ranges = list.into_iter().map(|(first, more)| Range { first, last: first + more });
            Intervals::new(Family::Ipv4, ranges)
        })
    }

    proptest! {
        #[test]
        fn ranges_are_sorted_with_gaps(set in some()) {
            for pair in set.ranges.windows(2) {
                prop_assert!(pair[0].last + 1 < pair[1].first);
            }
        }

        #[test]
        fn merging_keeps_every_member(list in prop::collection::vec((0u128..64, 0u128..12), 0..8)) {
            let naive: BTreeSet<u128> = list.iter().flat_map(|(a, n)| *a..=a + n).collect();
            let set = Intervals::new(
                Family::Ipv4,
                list.iter().map(|(a, n)| Range { first: *a, last: a + n }),
            );
            prop_assert_eq!(members(&set), naive);
            prop_assert_eq!(&Intervals::new(Family::Ipv4, set.ranges.clone()), &set);
        }

        #[test]
        fn subtraction_is_that_of_sets(a in some(), b in some()) {
            let naive: BTreeSet<u128> = members(&a).difference(&members(&b)).copied().collect();
            let left = a.without(&b);
            prop_assert_eq!(members(&left), naive);
            prop_assert_eq!(left.without(&b), left.clone());
            prop_assert_eq!(Intervals::new(Family::Ipv4, left.ranges.clone()), left);
        }

        #[test]
        fn covering_is_inclusion(a in some(), first in 0u128..70, more in 0u128..8) {
            let range = Range { first, last: first + more };
            let naive = (range.first..=range.last).all(|n| members(&a).contains(&n));
            prop_assert_eq!(a.covers(range), naive);
        }
    }

    #[test]
    fn text_is_what_nft_writes() {
        for (networks, text) in [
            (vec!["10.1.2.3/8"], "10.0.0.0/8"),
            (vec!["10.1.2.3/32"], "10.1.2.3"),
            (vec!["10.0.0.0/24", "10.0.1.0/24"], "10.0.0.0/23"),
            (vec!["10.0.1.0/24", "10.0.2.0/24"], "10.0.1.0-10.0.2.255"),
            (vec!["0.0.0.0/0"], "0.0.0.0/0"),
            (vec!["2001:db8::1/64"], "2001:db8::/64"),
            (vec!["::/0"], "::/0"),
        ] {
            let cidrs: Vec<Cidr> = networks.iter().map(|text| text.parse().unwrap()).collect();
            let family = Family::of(cidrs[0].address);
            let set = Intervals::of_networks(family, cidrs);
            assert_eq!(set.ranges().len(), 1);
            assert_eq!(set.ranges()[0].text(family), text);
        }
    }
}
