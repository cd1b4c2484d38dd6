//! Asks the kernel how many packets the rules have refused.

use netcue::engine::{Session, TABLE};
use netcue::sys::netlink::{attribute, attributes};

use crate::outcome::{During, Result};

// From linux/netfilter/nf_tables.h.
const NFTA_RULE_CHAIN: u16 = 2;
const NFTA_RULE_EXPRESSIONS: u16 = 4;
const NFTA_EXPR_NAME: u16 = 1;
const NFTA_EXPR_DATA: u16 = 2;
const NFTA_COUNTER_PACKETS: u16 = 2;

/// Packets that the counters in a chain of netcue's table have seen.
pub(crate) fn packets(chain: &str) -> Result<u64> {
    let mut session = Session::open().during("opening nf_tables")?;
    let (_, table) = session.table(TABLE).during("reading the rules")?;
    let in_chain = |rule: &&Vec<u8>| {
        attribute(rule, NFTA_RULE_CHAIN).is_some_and(|name| name.starts_with(chain.as_bytes()))
    };
    Ok(table.rules.iter().filter(in_chain).filter_map(|rule| of_rule(rule)).sum())
}

fn of_rule(rule: &[u8]) -> Option<u64> {
    attributes(attribute(rule, NFTA_RULE_EXPRESSIONS)?).find_map(|(_, _, expression)| {
        let name = attribute(expression, NFTA_EXPR_NAME)?;
        name.starts_with(b"counter").then_some(())?;
        let packets = attribute(attribute(expression, NFTA_EXPR_DATA)?, NFTA_COUNTER_PACKETS)?;
        Some(u64::from_be_bytes(*packets.first_chunk()?))
    })
}
