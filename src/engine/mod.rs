//! From what the kernel says to the rules it should have, in one transaction.
//!
//! The engine never looks at an event: what the rules should be depends on the
//! interfaces, addresses and routes there are, and on `[rules]` in the configuration.

mod classify;
mod connections;
mod cross;
mod diff;
mod intervals;
mod memory;
mod names;
mod one_arm;
mod own;
mod ruleset;
mod sets;
mod sides;
#[cfg(test)]
mod tests;
mod text;
mod uplinks;
mod wire;

pub use classify::{Classes, classify};
pub use diff::{Change, lines};
pub use intervals::{Intervals, Range};
pub use names::{ChainName, CounterName, SetName};
pub use one_arm::one_arm;
pub use ruleset::{Chain, Elements, Rule, Ruleset, Set, Statement, TABLE, is_shut_out, ruleset};
pub use sets::{Held, held};
pub use sides::{Side, Standing, Standings};
pub use text::{rule_text, script, text};
pub use wire::{changes, differences, replacement};

pub use crate::sys::nftables::{Count, Session};
pub use crate::sys::state::KernelState;

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use crate::config::Rules;
use crate::error::Exit;
use crate::sys::files::FileError;
use crate::sys::netlink::NetlinkError;
use crate::sys::nftables::{CommitError, Committed, LiveTable};
use crate::sys::state::Remembered;
use crate::sys::{clock, processes, route};
use memory::Memory;

/// How often a transaction is tried while other programs change the ruleset.
const ATTEMPTS: usize = 8;

/// Why the rules are not what they should be. Those in force before still are.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The program is not allowed to see or change the rules.
    #[error("{step}: no permission: netcue needs CAP_NET_ADMIN (run it as root)")]
    NoPermission {
        /// What was being done.
        step: String,
    },
    /// Another process made the table its own, and lives.
    #[error(
        "table inet netcue belongs to {0}, and only that may change it (flags owner in \
         \"nft list table inet netcue\"): end it, or have it leave the table to netcue"
    )]
    Owned(String),
    /// The kernel lacks `nf_tables` or a part of it.
    #[error(
        "{step}: the kernel can't do that ({reason}): it needs nf_tables with nft_chain_nat, \
         nft_masq, nft_ct, nft_rt and nft_exthdr, and Linux 5.2 or later"
    )]
    Missing {
        /// What was being done.
        step: String,
        /// The kernel's answer.
        reason: String,
    },
    /// Reading failed.
    #[error("{step}: {source}")]
    Netlink {
        /// What was being done.
        step: String,
        /// What went wrong.
        source: NetlinkError,
    },
    /// Other programs kept changing the ruleset.
    #[error(
        "other programs changed the ruleset during each of {ATTEMPTS} attempts; \
             the next event tries again"
    )]
    Busy,
    /// The kernel accepted the rules and gave others back.
    #[error("after the transaction the kernel has other rules: {}", .0.join("; "))]
    NotAsWanted(Vec<String>),
}

impl EngineError {
    /// The exit status that says the same.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::NoPermission { .. } | Self::Owned(_) => Exit::NoPermission,
            Self::NotAsWanted(_) => Exit::Bug,
            Self::Missing { .. } | Self::Netlink { .. } | Self::Busy => Exit::Unavailable,
        }
    }

    fn during(step: &str, error: NetlinkError) -> Self {
        let step = step.to_owned();
        if error.is_denied() {
            Self::NoPermission { step }
        } else {
            Self::Netlink { step, source: error }
        }
    }

    /// When interfaces and routes could not be read.
    #[must_use]
    pub fn from_reading(error: NetlinkError) -> Self {
        Self::during("reading interfaces and routes", error)
    }

    fn nf_tables(step: &str, error: NetlinkError) -> Self {
        if error.is_unknown_to_kernel() {
            Self::Missing { step: step.to_owned(), reason: error.to_string() }
        } else {
            Self::during(step, error)
        }
    }

    fn commit(error: CommitError, live: &LiveTable) -> Self {
        match error {
            CommitError::Netlink(error) => Self::nf_tables("sending the transaction", error),
            CommitError::Refused { about, error } => match live.owner() {
                Some(port) if error.is_denied() => Self::Owned(processes::by_port(port)),
                _ => Self::nf_tables(&about, error),
            },
        }
    }
}

/// What the engine did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Applied {
    /// The rules were as they should be.
    Unchanged,
    /// A transaction put them in place.
    Changed {
        /// How the rules differ from those netcue last put in.
        lines: Vec<Change>,
        /// What was different in the kernel.
        because: Vec<String>,
    },
}

/// Everything that the rules are made from, read at one moment, and what it was taken for.
#[derive(Debug)]
pub struct Snapshot {
    memory: Option<Memory>,
    /// What the kernel says, with what was remembered before.
    pub state: KernelState,
    /// What every interface is taken for.
    pub classes: Classes,
}

/// What the engine saw and did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether the rules changed.
    pub result: Applied,
    /// What every interface was taken for.
    pub classes: Classes,
    /// What people should know, in words.
    pub notes: Vec<String>,
    /// The ruleset's generation afterwards.
    pub generation: u32,
}

/// What the engine would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// What the kernel says.
    pub state: KernelState,
    /// What every interface is taken for.
    pub classes: Classes,
    /// The rules wanted, in nft's syntax.
    pub wanted: String,
    /// How they differ from those netcue last put in.
    pub lines: Vec<Change>,
    /// What is different in the kernel; nothing if the wanted rules are in force.
    pub differences: Vec<String>,
    /// What the counters of the table have counted, by their names.
    pub counts: BTreeMap<String, Count>,
    /// When netcue last changed the rules, as far as that is known.
    pub since: Option<Timestamp>,
    /// What people should know, in words.
    pub notes: Vec<String>,
}

/// Opens the conversation with `nf_tables` that the functions here take.
pub fn open() -> Result<Session, EngineError> {
    Session::open().map_err(|error| EngineError::nf_tables("opening nf_tables", error))
}

/// Makes the rules in the kernel those that its interfaces, addresses and routes call for.
///
/// `remembered` is the file that makes an unchanged run cheap; without it the table is
/// read and compared. The caller holds netcue's lock.
pub fn regenerate(
    rules: &Rules,
    remembered: &Path,
    session: &mut Session,
) -> Result<Report, EngineError> {
    regenerate_from(snapshot(rules, remembered)?, rules, remembered, session)
}

/// Reads everything that the rules are made from.
pub fn snapshot(rules: &Rules, remembered: &Path) -> Result<Snapshot, EngineError> {
    let memory = Memory::read(remembered);
    let state = with_memory(read_kernel()?, memory.as_ref());
    let classes = classify(&state, rules);
    Ok(Snapshot { memory, state, classes })
}

/// [`regenerate`] for who has read the state already. The caller holds netcue's lock, and has
/// held it since before the reading.
pub fn regenerate_from(
    snapshot: Snapshot,
    rules: &Rules,
    remembered: &Path,
    session: &mut Session,
) -> Result<Report, EngineError> {
    let Snapshot { memory, state, classes } = snapshot;
    let wanted = ruleset(&classes, rules);
    let new_text = text(&wanted);
    let addresses = connections::own_addresses(&state);
    let report = |result, generation, more: [Option<String>; 3]| {
        let mut notes = classes.notes.clone();
        notes.extend(more.into_iter().flatten());
        Report { result, classes: classes.clone(), notes, generation }
    };

    let generation = generation(session)?;
    let stands = memory.as_ref().is_some_and(|memory| {
        memory.generation() == generation
            && memory.text() == new_text
            && memory.sides() == classes.remembered
            && *memory.addresses() == addresses
            && match (&rules.own, memory.own()) {
                (None, None) => true,
                (Some(own), Some(loaded)) => loaded.is_whole(own),
                _ => false,
            }
            && memory.is_of_here()
    });
    if stands {
        return Ok(report(Applied::Unchanged, generation, [None, None, None]));
    }

    let memory = memory.filter(Memory::is_of_here);
    let old_text = memory.as_ref().map_or("", Memory::text);
    let (result, generation) = put_in(&wanted, session, || lines(old_text, &new_text))?;
    let since = match result {
        Applied::Unchanged => memory.as_ref().and_then(Memory::since),
        Applied::Changed { .. } => Some(clock::now()),
    };
    let gone = memory.as_ref().map(|memory| memory.addresses() - &addresses).unwrap_or_default();
    let is_mended = rules.conntrack && (!gone.is_empty() || result != Applied::Unchanged);
    let forgotten = if is_mended {
        connections::mend(&state, &classes, rules, &gone)
            .unwrap_or_else(|error| Some(format!("connections from before stay: {error}")))
    } else {
        None
    };
    let (own, generation) = match &rules.own {
        None => (None, generation),
        Some(own) => {
            // Loading them makes a transaction of its own.
            let loaded = own::see_to(own, memory.as_ref().and_then(Memory::own), session);
            let (loaded, generation) = loaded
                .map_err(|error| EngineError::nf_tables("reading table inet netcue", error))?;
            (Some(loaded), generation)
        }
    };
    let problem = own.as_ref().and_then(|loaded| loaded.problem.clone());
    let unkept = Memory::new(generation, new_text.clone(), since, classes.remembered.clone())
        .having(addresses, own)
        .write(remembered)
        .err()
        .map(|error| format!("{error}: the next run compares everything"));
    Ok(report(result, generation, [problem, forgotten, unkept]))
}

/// Compares and commits until the kernel has the rules; returns the generation that has them.
fn put_in(
    wanted: &Ruleset,
    session: &mut Session,
    changed_lines: impl Fn() -> Vec<Change>,
) -> Result<(Applied, u32), EngineError> {
    let mut because = Vec::new();
    let mut committed = None;
    for _ in 0..ATTEMPTS {
        let (generation, live) = session
            .table(TABLE)
            .map_err(|error| EngineError::nf_tables("reading table inet netcue", error))?;
        let found = differences(wanted, &live);
        if found.is_empty() {
            let result = match committed {
                None => Applied::Unchanged,
                Some(_) => Applied::Changed { lines: changed_lines(), because },
            };
            return Ok((result, generation));
        }
        // Nobody came between our transaction and this look at it.
        if committed.is_some_and(|before: u32| generation == before.wrapping_add(1)) {
            return Err(EngineError::NotAsWanted(found));
        }
        match session
            .commit(&changes(wanted, &live), generation)
            .map_err(|error| EngineError::commit(error, &live))?
        {
            Committed::Yes => committed = Some(generation),
            Committed::Stale => {}
        }
        because = found;
    }
    Err(EngineError::Busy)
}

/// Whether nobody has changed `nf_tables` since netcue last looked at its rules.
pub fn is_untouched(remembered: &Path, session: &mut Session) -> Result<bool, EngineError> {
    let memory = Memory::read(remembered).filter(Memory::is_of_here);
    let generation = generation(session)?;
    Ok(memory.is_some_and(|memory| memory.generation() == generation))
}

/// The number of the present generation of `nf_tables`.
pub fn generation(session: &mut Session) -> Result<u32, EngineError> {
    let asked = session.generation();
    asked.map_err(|error| EngineError::nf_tables("asking for the generation", error))
}

/// Takes the table out of the kernel, if it is there, and says whether it was. What is
/// remembered of the sides stays.
///
/// The caller holds netcue's lock.
pub fn take_out(remembered: &Path, session: &mut Session) -> Result<bool, EngineError> {
    for _ in 0..ATTEMPTS {
        let (generation, live) = session
            .table(TABLE)
            .map_err(|error| EngineError::nf_tables("reading table inet netcue", error))?;
        if live.table.is_none() {
            return Ok(false);
        }
        let committed = session
            .commit(&wire::removal(), generation)
            .map_err(|error| EngineError::commit(error, &live))?;
        if committed == Committed::Yes {
            let sides = Memory::read(remembered).filter(Memory::is_of_here);
            let sides = sides.map(|memory| memory.sides().to_vec()).unwrap_or_default();
            // Without it the next run compares everything.
            let _ = remember(remembered, &sides);
            return Ok(true);
        }
    }
    Err(EngineError::Busy)
}

/// Says what [`regenerate`] would do, and changes nothing.
pub fn preview(
    rules: &Rules,
    remembered: &Path,
    session: &mut Session,
) -> Result<Preview, EngineError> {
    let Snapshot { memory, state, classes } = snapshot(rules, remembered)?;
    let ruleset = ruleset(&classes, rules);
    let wanted = text(&ruleset);
    let (_, live) = session
        .table(TABLE)
        .map_err(|error| EngineError::nf_tables("reading table inet netcue", error))?;
    let memory = memory.filter(Memory::is_of_here);
    let problem = memory.as_ref().and_then(Memory::problem);
    Ok(Preview {
        lines: lines(memory.as_ref().map_or("", Memory::text), &wanted),
        differences: differences(&ruleset, &live),
        counts: live.counts(),
        since: memory.as_ref().and_then(Memory::since),
        notes: classes.notes.iter().cloned().chain(problem).collect(),
        state,
        classes,
        wanted,
    })
}

/// Everything that the rules are made from: what the kernel says, and what is remembered in
/// that file.
pub fn state(remembered: &Path) -> Result<KernelState, EngineError> {
    let state = read_kernel()?;
    Ok(with_memory(state, Memory::read(remembered).as_ref()))
}

/// Remembers these sides, and no rules: for a network that was made like a recorded one.
pub fn remember(remembered: &Path, sides: &[Remembered]) -> Result<(), FileError> {
    Memory::new(0, String::new(), None, sides.to_vec()).write(remembered)
}

fn read_kernel() -> Result<KernelState, EngineError> {
    route::read().map_err(EngineError::from_reading)
}

fn with_memory(state: KernelState, memory: Option<&Memory>) -> KernelState {
    let memory = memory.filter(|memory| memory.is_of_here());
    let remembered = memory.map(|memory| memory.sides().to_vec()).unwrap_or_default();
    KernelState { remembered, ..state }
}
