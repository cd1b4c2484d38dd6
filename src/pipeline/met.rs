//! The state of the kernel that a run meets: its digest in every run, and the state itself
//! in the journal whenever it is another than the one recorded last.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::House;
use crate::journal::Record;
use crate::sys::files;
use crate::sys::route;

/// Largest state in bytes that is recorded whole: a router with full tables would fill
/// the journal with them.
const LARGEST: usize = 64 * 1024;

/// Largest memory in bytes.
const LARGEST_MEMORY: u64 = 4096;

/// What was recorded last, and into which file: in one that has been rotated since, it
/// may be gone before the runs that refer to it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Memory {
    digest: String,
    journal: String,
}

/// The digest of the kernel's state now; the state is put on record if that is needed.
pub(super) fn note(house: &mut House, event: Uuid) -> Option<String> {
    // Where the kernel can't be asked, the engine says so, and better.
    let state = route::read().ok()?;
    let json = serde_json::to_vec(&state).ok()?;
    let digest = digest(&json);
    let path = house.layout.met();
    let journal = house.layout.journal();
    let remembered = files::read_if_there(&path, LARGEST_MEMORY).ok().flatten();
    let remembered: Option<Memory> =
        remembered.and_then(|memory| serde_json::from_slice(&memory).ok());
    let is_there = remembered.is_some_and(|memory| {
        memory.digest == digest && files::identity(&journal) == Some(memory.journal)
    });
    if !is_there && json.len() <= LARGEST {
        let state = Box::new(state);
        house.record(Some(event), Record::State { digest: digest.clone(), state });
        if let Some(journal) = files::identity(&journal) {
            let memory = Memory { digest: digest.clone(), journal };
            let content = serde_json::to_vec(&memory).unwrap_or_default();
            // Without this memory the next run records the state once more.
            let _ = files::put_whole(&path, &path.with_extension("new"), &content);
        }
    }
    Some(digest)
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
