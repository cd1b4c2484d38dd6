//! Ranges of values as nft 1.1 says them, in the words of netcue and nft 1.0.

use netlink_packet_core::{DefaultNla, Emitable};
use netlink_packet_netfilter::nftables::ListAttribute;

use super::compare::{NFTA_RULE_EXPRESSIONS, number, text};
use super::expressions;
use crate::sys::netlink::{attribute, attributes};

const NFTA_EXPR_NAME: u16 = 1;
const NFTA_EXPR_DATA: u16 = 2;
const NFTA_RANGE_SREG: u16 = 1;
const NFTA_RANGE_OP: u16 = 2;
const NFTA_RANGE_FROM_DATA: u16 = 3;
const NFTA_RANGE_TO_DATA: u16 = 4;
const NFTA_DATA_VALUE: u16 = 1;
const NFT_RANGE_EQ: u32 = 0;

/// A rule as the kernel gives it, with each range in place of which netcue has two comparisons
/// said by these.
pub(super) fn as_comparisons(rule: &[u8]) -> Vec<u8> {
    let parts: Vec<DefaultNla> = attributes(rule)
        .map(|(kind, _, value)| {
            let value = match kind {
                NFTA_RULE_EXPRESSIONS => compared(value),
                _ => value.to_vec(),
            };
            DefaultNla::new(kind, value)
        })
        .collect();
    let mut bytes = vec![0; parts.as_slice().buffer_len()];
    parts.as_slice().emit(&mut bytes);
    bytes
}

fn compared(list: &[u8]) -> Vec<u8> {
    let mut compared = Vec::new();
    for (kind, _, expression) in attributes(list) {
        if let Some((first, last)) = range(expression) {
            compared.extend(expressions::between(first, last).into_iter().map(ListAttribute::from));
        } else {
            compared.push(ListAttribute::Other(DefaultNla::new(kind, expression.to_vec())));
        }
    }
    let mut bytes = vec![0; compared.as_slice().buffer_len()];
    compared.as_slice().emit(&mut bytes);
    bytes
}

/// First and last, where an expression asks whether what our register holds is between them.
fn range(expression: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let data = attribute(expression, NFTA_EXPR_DATA)?;
    let bound = |kind| attribute(attribute(data, kind)?, NFTA_DATA_VALUE).map(<[u8]>::to_vec);
    let is_ours = text(expression, NFTA_EXPR_NAME) == "range"
        && number(data, NFTA_RANGE_SREG) == u32::from(expressions::REGISTER)
        && number(data, NFTA_RANGE_OP) == NFT_RANGE_EQ;
    is_ours.then_some((bound(NFTA_RANGE_FROM_DATA)?, bound(NFTA_RANGE_TO_DATA)?))
}

#[cfg(test)]
mod tests {
    use super::super::compare::{does_no_more, is_part_of};
    use super::*;

    /// The expressions that Linux gives back of `udp dport 500-600 accept`, loaded by nft 1.1.3.
    const BY_NFT_1_1: &[u8] = b"\x24\x00\x01\x00\x09\x00\x01\x00meta\0\0\0\0\
        \x14\x00\x02\x00\x08\x00\x02\x00\x00\x00\x00\x10\x08\x00\x01\x00\x00\x00\x00\x01\
        \x2c\x00\x01\x00\x08\x00\x01\x00cmp\0\x20\x00\x02\x00\x08\x00\x01\x00\x00\x00\x00\x01\
        \x08\x00\x02\x00\x00\x00\x00\x00\x0c\x00\x03\x00\x05\x00\x01\x00\x11\x00\x00\x00\
        \x34\x00\x01\x00\x0c\x00\x01\x00payload\0\x24\x00\x02\x00\x08\x00\x01\x00\x00\x00\x00\x01\
        \x08\x00\x02\x00\x00\x00\x00\x02\x08\x00\x03\x00\x00\x00\x00\x02\
        \x08\x00\x04\x00\x00\x00\x00\x02\
        \x3c\x00\x01\x00\x0a\x00\x01\x00range\0\0\0\x2c\x00\x02\x00\x08\x00\x01\x00\x00\x00\x00\x01\
        \x08\x00\x02\x00\x00\x00\x00\x00\x0c\x00\x03\x00\x06\x00\x01\x00\x01\xf4\x00\x00\
        \x0c\x00\x04\x00\x06\x00\x01\x00\x02\x58\x00\x00\
        \x30\x00\x01\x00\x0e\x00\x01\x00immediate\0\0\0\x1c\x00\x02\x00\x08\x00\x01\x00\0\0\0\0\
        \x10\x00\x02\x00\x0c\x00\x02\x00\x08\x00\x01\x00\x00\x00\x00\x01";

    /// Whether the kernel's rule is taken for what netcue makes of these ports.
    fn is_taken_for(theirs: &[u8], first: u16, last: u16) -> bool {
        use crate::config::{Ports, Transport};
        use crate::engine::ruleset::Statement;

        let ports = Ports { transport: Transport::Udp, first, last };
        let own: Vec<_> = expressions::of(&[Statement::ToPorts(ports), Statement::Accept])
            .into_iter()
            .map(ListAttribute::from)
            .collect();
        let mut expressions = vec![0; own.as_slice().buffer_len()];
        own.as_slice().emit(&mut expressions);
        let rule = |list: &[u8]| {
            let part = DefaultNla::new(NFTA_RULE_EXPRESSIONS | 0x8000, list.to_vec());
            let mut bytes = vec![0; part.buffer_len()];
            part.emit(&mut bytes);
            bytes
        };
        let (own, theirs) = (rule(&expressions), as_comparisons(&rule(theirs)));
        is_part_of(&own, &theirs) && does_no_more(&own, &theirs)
    }

    #[test]
    fn a_range_by_nft_1_1_counts_like_two_comparisons() {
        assert!(is_taken_for(BY_NFT_1_1, 500, 600));
        assert!(!is_taken_for(BY_NFT_1_1, 500, 601));
        assert!(!is_taken_for(BY_NFT_1_1, 499, 600));
        assert!(!is_taken_for(BY_NFT_1_1, 500, 500));
    }

    #[test]
    fn all_but_a_range_counts_for_something_else() {
        let place = BY_NFT_1_1.windows(8).position(|bytes| bytes == b"\x08\x00\x02\x00\0\0\0\0");
        let of_compare = place.expect("the operator of the comparison");
        let rest = &BY_NFT_1_1[of_compare + 8..];
        let of_range = of_compare
            + 8
            + rest.windows(8).position(|bytes| bytes == b"\x08\x00\x02\x00\0\0\0\0").expect("its");
        let mut other = BY_NFT_1_1.to_vec();
        other[of_range + 7] = 1;
        assert!(!is_taken_for(&other, 500, 600));
    }
}
