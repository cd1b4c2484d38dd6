//! Reading a file of lines on from where the last reading stopped, also if it has been
//! rotated since.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

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

impl Mark {
    fn is_in(&self, file: &File) -> bool {
        let same = file.metadata().is_ok_and(|there| there.ino() == self.inode);
        same && ending(file, self.offset).is_ok_and(|ending| ending == self.ending)
    }

    /// Whether both are in the same file.
    #[must_use]
    pub fn is_in_the_file_of(&self, other: &Self) -> bool {
        self.inode == other.inode
    }

    /// Whether this one is further on in the same file.
    #[must_use]
    pub fn is_beyond(&self, other: &Self) -> bool {
        self.inode == other.inode && self.offset > other.offset
    }
}

fn ending(file: &File, offset: u64) -> io::Result<Vec<u8>> {
    let length = offset.min(ENDING);
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact_at(&mut bytes, offset - length)?;
    Ok(bytes)
}

/// The lines after a mark, oldest first, through all files that a rotation made of one.
///
/// The files are opened at the beginning: what is rotated later is read all the same, and
/// what is appended to a file that has not been read to its end yet, too.
#[derive(Debug)]
pub struct Lines {
    /// Files that have not been begun, oldest first.
    next: VecDeque<(PathBuf, File)>,
    current: Option<(PathBuf, BufReader<File>)>,
    mark: Option<Mark>,
}

impl Lines {
    /// Opens what is there after the mark, everything without one. Tells also whether lines
    /// may have been rotated away that nobody read.
    ///
    /// # Errors
    /// When a file is there and can't be read.
    pub fn after(path: &Path, mark: Option<&Mark>) -> Result<(Self, bool), FileError> {
        let mut files: VecDeque<(PathBuf, File)> = VecDeque::new();
        let mut known = None;
        let mut newer = None;
        for number in 0.. {
            let name = if number == 0 { path.to_owned() } else { rotated(path, number) };
            let file = match files::open(&name) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && number == 0 => continue,
                Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                Err(error) => return Err(FileError::at("open", &name)(error)),
                Ok(file) => file,
            };
            let inode = file.metadata().map_err(FileError::at("read", &name))?.ino();
            // Rotated since the name before was opened: it is the same file again.
            if newer.replace(inode) == Some(inode) {
                continue;
            }
            known = mark.filter(|mark| mark.is_in(&file));
            files.push_front((name, file));
            if known.is_some() {
                break;
            }
        }
        let missed = mark.is_some() && known.is_none();
        let mut lines = Self { next: files, current: None, mark: known.cloned() };
        if let Some(mark) = known {
            lines.open_next(mark.offset)?;
        }
        Ok((lines, missed))
    }

    /// Reads the next whole line, without its end, over what the buffer held. False where
    /// there is none, which ends the reading; the last one of the newest file may still be
    /// on its way.
    ///
    /// # Errors
    /// When a file can't be read.
    pub fn read(&mut self, line: &mut Vec<u8>) -> Result<bool, FileError> {
        loop {
            if let Some((name, reader)) = &mut self.current {
                line.clear();
                let read = reader.read_until(b'\n', line).map_err(FileError::at("read", name))?;
                if line.last() == Some(&b'\n') {
                    if let Some(mark) = &mut self.mark {
                        mark.offset += read as u64;
                        let most = usize::try_from(ENDING).unwrap_or(usize::MAX);
                        let tail = line.get(line.len().saturating_sub(most)..);
                        mark.ending.extend_from_slice(tail.unwrap_or_default());
                        let spare = mark.ending.len().saturating_sub(most);
                        mark.ending.drain(..spare);
                    }
                    line.pop();
                    return Ok(true);
                }
                // What follows a line without an end in a file that is no longer written to
                // is in the next file.
            }
            if self.next.is_empty() {
                return Ok(false);
            }
            self.open_next(0)?;
        }
    }

    fn open_next(&mut self, offset: u64) -> Result<(), FileError> {
        let Some((name, mut file)) = self.next.pop_front() else { return Ok(()) };
        let begun = file
            .seek(SeekFrom::Start(offset))
            .and_then(|_| Ok((file.metadata()?.ino(), ending(&file, offset)?)));
        let (inode, ending) = begun.map_err(FileError::at("read", &name))?;
        self.mark = Some(Mark { inode, offset, ending });
        self.current = Some((name, BufReader::new(file)));
        Ok(())
    }

    /// Where the last whole line that was read ends; none where there is no file.
    #[must_use]
    pub fn mark(&self) -> Option<&Mark> {
        self.mark.as_ref()
    }
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
    let (mut lines, missed) = Lines::after(path, mark)?;
    let mut line = Vec::new();
    while lines.read(&mut line)? {
        visit(&line);
    }
    Ok((lines.mark, missed))
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
