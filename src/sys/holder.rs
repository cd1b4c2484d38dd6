//! Whether a lock is held, found out without touching it: whoever tried to take it would
//! make a caller that comes at that moment believe that somebody does the work.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::sys::stat::{major, minor};

/// The process that holds the lock on a file, as `/proc/locks` tells.
#[must_use]
pub fn holder_of(path: &Path) -> Option<u32> {
    let file = fs::metadata(path).ok()?;
    let locks = fs::read_to_string("/proc/locks").ok()?;
    let place = format!("{:02x}:{:02x}:{}", major(file.dev()), minor(file.dev()), file.ino());
    locks.lines().find_map(|line| held_by(line, &place))
}

/// `1: FLOCK  ADVISORY  WRITE 1234 00:2a:5 0 EOF`; who waits for it has `->` there.
fn held_by(line: &str, place: &str) -> Option<u32> {
    let mut words = line.split_whitespace().skip(1);
    let (kind, _, _) = (words.next()?, words.next()?, words.next()?);
    let (pid, of) = (words.next()?, words.next()?);
    (kind == "FLOCK" && of == place).then(|| pid.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_holds_it_counts() {
        let held = "1: FLOCK  ADVISORY  WRITE 1234 00:2a:5 0 EOF";
        assert_eq!(held_by(held, "00:2a:5"), Some(1234));
        assert_eq!(held_by(held, "00:2a:51"), None);
        assert_eq!(held_by("1: -> FLOCK  ADVISORY  WRITE 99 00:2a:5 0 EOF", "00:2a:5"), None);
        assert_eq!(held_by("1: POSIX  ADVISORY  WRITE 99 00:2a:5 0 EOF", "00:2a:5"), None);
    }
}
