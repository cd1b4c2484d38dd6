//! Random bytes for ids, also in a caller's confinement that allows none: an id has to be
//! unlike all others, not secret.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

use nix::libc;

use super::clock;

/// Ten bytes, as many as the id of an event needs beside its time.
#[must_use]
pub fn bytes() -> [u8; 10] {
    from_kernel().unwrap_or_else(from_what_is_at_hand)
}

/// Does not wait: early in the boot the kernel may have none for a minute.
#[expect(unsafe_code, reason = "nix has no getrandom")]
fn from_kernel() -> Option<[u8; 10]> {
    let mut bytes = [0; 10];
    // SAFETY: writes at most as many bytes as the buffer has.
    let length =
        unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), libc::GRND_NONBLOCK) };
    (usize::try_from(length) == Ok(bytes.len())).then_some(bytes)
}

/// From what no other process, and no other call in this one, has: the bytes that the kernel
/// gave this program at its start, the number of the process, and the time.
fn from_what_is_at_hand() -> [u8; 10] {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    let mut bytes = [0; 10];
    for (part, chunk) in bytes.chunks_mut(8).enumerate() {
        // Its keys are fixed: the other hashers of std ask the kernel for random ones.
        let mut hasher = DefaultHasher::new();
        (at_start(), std::process::id(), clock::boottime_ns(), call, part).hash(&mut hasher);
        let hash = hasher.finish().to_ne_bytes();
        chunk.iter_mut().zip(hash).for_each(|(byte, hashed)| *byte = hashed);
    }
    bytes
}

/// The sixteen random bytes of getauxval(3).
#[expect(unsafe_code, reason = "getauxval has no safe form")]
fn at_start() -> [u8; 16] {
    // SAFETY: takes a number only.
    let address = unsafe { libc::getauxval(libc::AT_RANDOM) };
    let address = usize::try_from(address).unwrap_or(0);
    if address == 0 {
        return [0; 16];
    }
    // SAFETY: the kernel put sixteen bytes there, which stay for as long as the process lives.
    unsafe { std::ptr::with_exposed_provenance::<[u8; 16]>(address).read_unaligned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_alike_wherever_they_come_from() {
        let mut all: Vec<[u8; 10]> = (0..1000).map(|_| from_what_is_at_hand()).collect();
        all.extend((0..1000).map(|_| bytes()));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 2000);
    }
}
