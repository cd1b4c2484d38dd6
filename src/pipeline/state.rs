//! The state of the kernel that a run meets: its digest in every run, and the state itself
//! in the journal whenever it is another than the one recorded last, whole or as a change.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::House;
use super::rules::View;
use crate::engine::Snapshot;
use crate::journal::{Delta, Record};
use crate::sys::files;
use crate::sys::state::KernelState;

/// Of the journal's size, the part that one state may take: a router with full tables would
/// fill the journal with them.
const LARGEST_PART: u64 = 8;

/// Largest memory in bytes.
const LARGEST_MEMORY: u64 = 4096;

/// What was recorded last, and into which file: in one that has been rotated since, it
/// may be gone before the runs that refer to it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Memory {
    digest: String,
    /// The digest of the state that was recorded whole last.
    base: String,
    journal: String,
}

/// The digest of the kernel's state now; the state is put on record if that is needed.
pub(super) fn record(house: &mut House, event: Uuid, view: &mut View) -> Option<String> {
    let Snapshot { state, classes, .. } = &mut view.snapshot;
    // The same comes of what is remembered before a run and after it: with the latter, a
    // machine's first two runs meet the same state.
    let before = std::mem::replace(&mut state.remembered, classes.remembered.clone());
    let digest = record_state(house, event, state);
    state.remembered = before;
    digest
}

fn record_state(house: &mut House, event: Uuid, state: &KernelState) -> Option<String> {
    let json = serde_json::to_vec(state).ok()?;
    let digest = digest(&json);
    let memory = memory(house);
    let is_there = memory.as_ref().is_some_and(|memory| memory.digest == digest);
    if !is_there && json.len() as u64 <= largest(house) {
        let of_change =
            memory.and_then(|memory| record_change(house, event, state, &digest, memory));
        if of_change.is_none() {
            record_whole(house, event, state.clone(), &digest, &json);
        }
    }
    Some(digest)
}

fn largest(house: &House) -> u64 {
    house.config.journal.size / LARGEST_PART
}

/// What is remembered, if the journal still has it where it was put.
fn memory(house: &House) -> Option<Memory> {
    let content = files::read_if_there(&house.layout.met(), LARGEST_MEMORY).ok()??;
    let memory: Memory = serde_json::from_slice(&content).ok()?;
    (files::identity(&house.layout.journal()).as_ref() == Some(&memory.journal)).then_some(memory)
}

/// Records how the state differs from that which was recorded whole last, if that is worth it.
fn record_change(
    house: &mut House,
    event: Uuid,
    state: &KernelState,
    digest: &str,
    memory: Memory,
) -> Option<()> {
    let content = files::read_if_there(&house.layout.met_whole(), largest(house)).ok()??;
    if self::digest(&content) != memory.base {
        return None;
    }
    let change = Delta::between(&serde_json::from_slice(&content).ok()?, state);
    let is_short = serde_json::to_vec(&change).is_ok_and(|json| json.len() * 2 < content.len());
    if !is_short {
        return None;
    }
    let Memory { base, journal, .. } = memory;
    let digest = digest.to_owned();
    let record = Record::StateChange {
        digest: digest.clone(),
        base: base.clone(),
        change: Box::new(change),
    };
    house.record(Some(event), record);
    // That may have begun a new file, which has to have a whole one.
    (files::identity(&house.layout.journal()).as_ref() == Some(&journal))
        .then(|| remember(house, &Memory { digest, base, journal }))
}

fn record_whole(house: &mut House, event: Uuid, state: KernelState, digest: &str, json: &[u8]) {
    house.record(Some(event), Record::State { digest: digest.to_owned(), state: Box::new(state) });
    let Some(journal) = files::identity(&house.layout.journal()) else { return };
    let whole = house.layout.met_whole();
    if files::put_whole(&whole, json).is_ok() {
        remember(house, &Memory { digest: digest.to_owned(), base: digest.to_owned(), journal });
    }
}

/// Without this memory the next run records the state once more.
fn remember(house: &House, memory: &Memory) {
    let path = house.layout.met();
    let content = serde_json::to_vec(memory).unwrap_or_default();
    let _ = files::put_whole(&path, &content);
}

/// FNV-1a, 64 bits: the same in every build, and nobody gains by a collision.
fn digest(bytes: &[u8]) -> String {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_fnv_1a() {
        assert_eq!(digest(b""), "cbf29ce484222325");
        assert_eq!(digest(b"foobar"), "85944171f73967e8");
    }
}
