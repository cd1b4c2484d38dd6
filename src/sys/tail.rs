//! Reading a file of lines from its end, on through its rotated predecessors, without
//! reading more than is asked for.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::append::rotated;
use super::files::{self, FileError};

/// Bytes read at a time.
const CHUNK: u64 = 64 * 1024;

/// Hands out lines, newest first, without their newline, until `visit` returns false.
///
/// # Errors
/// When a file is there and can't be read.
pub fn lines_back(path: &Path, visit: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), FileError> {
    let mut number = 0;
    let mut missing = 0;
    loop {
        let file = if number == 0 { path.to_owned() } else { rotated(path, number) };
        match files::open(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // One may be missing: the newest just after a rotation, any other if
                // somebody died while rotating.
                missing += 1;
                if missing > 1 {
                    return Ok(());
                }
            }
            Err(error) => return Err(FileError::at("open", &file)(error)),
            Ok(open) => {
                missing = 0;
                if !file_back(&open, visit).map_err(FileError::at("read", &file))? {
                    return Ok(());
                }
            }
        }
        number += 1;
    }
}

/// Tells whether the reader wants more.
fn file_back(file: &File, visit: &mut dyn FnMut(&[u8]) -> bool) -> io::Result<bool> {
    let mut position = file.metadata()?.len();
    // What stands before the first newline of the chunk above: the end of a line.
    let mut carried: Vec<u8> = Vec::new();
    while position > 0 {
        let start = position.saturating_sub(CHUNK);
        let mut chunk = vec![0; usize::try_from(position - start).map_err(io::Error::other)?];
        file.read_exact_at(&mut chunk, start)?;
        chunk.append(&mut carried);
        let mut lines = chunk.split(|byte| *byte == b'\n');
        let first = lines.next().unwrap_or_default().to_vec();
        let whole: Vec<&[u8]> = lines.collect();
        for line in whole.into_iter().rev().filter(|line| !line.is_empty()) {
            if !visit(line) {
                return Ok(false);
            }
        }
        carried = first;
        position = start;
    }
    Ok(carried.is_empty() || visit(&carried))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_newest_first_whatever_the_chunks() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        let lines: Vec<String> =
            (0..5000).map(|number| format!("{number} {}", "x".repeat(number % 97))).collect();
        std::fs::write(rotated(&path, 1), lines[..2000].join("\n") + "\n").unwrap();
        std::fs::write(&path, lines[2000..].join("\n") + "\n{\"torn").unwrap();
        let oldest = rotated(&path, 3);
        std::fs::write(&oldest, "beyond a gap\n").unwrap();
        let mut seen = Vec::new();
        lines_back(&path, &mut |line| {
            seen.push(String::from_utf8_lossy(line).into_owned());
            true
        })
        .unwrap();
        assert_eq!(seen.remove(0), "{\"torn");
        assert_eq!(seen.pop().as_deref(), Some("beyond a gap"));
        seen.reverse();
        assert_eq!(seen, lines);
    }
}
