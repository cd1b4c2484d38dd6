//! Asks the kernel how many packets the rules have refused.

use netcue::engine::{CounterName, Session, TABLE};

use crate::outcome::{During, Result};

/// Packets that a counter of netcue's table has seen.
pub(crate) fn packets(counter: CounterName) -> Result<u64> {
    let mut session = Session::open().during("opening nf_tables")?;
    let (_, table) = session.table(TABLE).during("reading the rules")?;
    Ok(table.counts().get(counter.as_str()).map_or(0, |count| count.packets))
}
