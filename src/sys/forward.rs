//! Reading a file of lines on from where the last reading stopped, also if it has been
//! rotated since.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::append::rotated;
use super::files::{self, FileError};

/// Bytes kept of what was read last, to know the file again: inodes are used again.
const ENDING: u64 = 64;

/// Where a reading stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    inode: u64,
    offset: u64,
    ending: Vec<u8>,
}

/// Hands out every whole line after the mark, oldest first, and gives back the new mark,
/// with whether lines may have been rotated away that nobody read.
///
/// # Errors
/// When a file is there and can't be read.
pub fn lines_after(
    path: &Path,
    mark: Option<&Mark>,
    visit: &mut dyn FnMut(&[u8]),
) -> Result<(Option<Mark>, bool), FileError> {
    let mut files = Vec::new();
    let mut known = None;
    for number in 0.. {
        let name = if number == 0 { path.to_owned() } else { rotated(path, number) };
        match files::open(&name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && number == 0 => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            Err(error) => return Err(FileError::at("open", &name)(error)),
            Ok(file) => {
                known = mark.filter(|mark| mark.is_in(&file));
                files.push((name, file));
                if known.is_some() {
                    break;
                }
            }
        }
    }
    let missed = mark.is_some() && known.is_none();
    let mut from = known.map_or(0, |mark| mark.offset);
    let mut newest = known.cloned();
    for (name, file) in files.iter().rev() {
        let read = read_on(file, from, visit).map_err(FileError::at("read", name))?;
        newest = Some(read);
        from = 0;
    }
    Ok((newest, missed))
}

impl Mark {
    fn is_in(&self, file: &File) -> bool {
        let same = file.metadata().is_ok_and(|there| there.ino() == self.inode);
        same && ending(file, self.offset).is_ok_and(|ending| ending == self.ending)
    }
}

fn ending(file: &File, offset: u64) -> io::Result<Vec<u8>> {
    let length = offset.min(ENDING);
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact_at(&mut bytes, offset - length)?;
    Ok(bytes)
}

/// Reads the whole lines from an offset on; the last one may still be on its way.
fn read_on(mut file: &File, from: u64, visit: &mut dyn FnMut(&[u8])) -> io::Result<Mark> {
    file.seek(SeekFrom::Start(from))?;
    let mut reader = BufReader::new(file);
    let mut offset = from;
    let mut line = Vec::new();
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line)?;
        let Some(whole) = line.strip_suffix(b"\n") else { break };
        visit(whole);
        offset += length as u64;
    }
    Ok(Mark { inode: file.metadata()?.ino(), offset, ending: ending(file, offset)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read_once_through_rotations() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        let mut mark = None;
        let mut read = |expected: &[&str], lost: bool| {
            let mut seen = Vec::new();
            let (newest, missed) = lines_after(&path, mark.as_ref(), &mut |line| {
                seen.push(String::from_utf8_lossy(line).into_owned());
            })
            .unwrap();
            assert_eq!((seen, missed), (expected.iter().map(ToString::to_string).collect(), lost));
            mark = newest;
        };
        read(&[], false);
        std::fs::write(&path, "a\nb\nto").unwrap();
        read(&["a", "b"], false);
        read(&[], false);
        std::fs::write(folder.path().join("more"), "a\nb\ntorn\nc\n").unwrap();
        // In place, as an append would: the inode stays.
        std::fs::copy(folder.path().join("more"), &path).unwrap();
        read(&["torn", "c"], false);
        std::fs::rename(rotated(&path, 1), rotated(&path, 2)).unwrap_err();
        std::fs::rename(&path, rotated(&path, 1)).unwrap();
        read(&[], false);
        std::fs::write(&path, "d\n").unwrap();
        read(&["d"], false);
        std::fs::rename(rotated(&path, 1), rotated(&path, 2)).unwrap();
        std::fs::rename(&path, rotated(&path, 1)).unwrap();
        std::fs::write(&path, "e\n").unwrap();
        read(&["e"], false);
        std::fs::write(&path, "other lines\n").unwrap();
        std::fs::remove_file(rotated(&path, 1)).unwrap();
        std::fs::remove_file(rotated(&path, 2)).unwrap();
        read(&["other lines"], true);
    }
}
