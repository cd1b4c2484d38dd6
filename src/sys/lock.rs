//! The lock: a `flock` on a file that is never deleted, with a note in it for whoever
//! takes it next.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::files::FileError;

/// The right to run: given up when dropped, and by the kernel when we die.
#[derive(Debug)]
pub struct Lock(Flock<File>);

impl Lock {
    /// Longest note in bytes.
    const NOTE: usize = 512;

    /// Takes the lock if it is free, without waiting.
    ///
    /// # Errors
    /// When the file can't be opened or locked for another reason than being held.
    pub fn try_now(path: &Path) -> Result<Option<Self>, FileError> {
        let file = open(path).map_err(FileError::at("open the lock", path))?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(held) => Ok(Some(Self(held))),
            Err((_, Errno::EWOULDBLOCK)) => Ok(None),
            Err((_, errno)) => Err(FileError::at("lock", path)(errno.into())),
        }
    }

    /// Takes the lock, however long its holder keeps it.
    ///
    /// # Errors
    /// When the file can't be opened or locked.
    pub fn wait(path: &Path) -> Result<Self, FileError> {
        let file = open(path).map_err(FileError::at("open the lock", path))?;
        Flock::lock(file, FlockArg::LockExclusive)
            .map(Self)
            .map_err(|(_, errno)| FileError::at("lock", path)(errno.into()))
    }

    /// The note the last holder left; empty when it left in order.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn note(&self) -> io::Result<Vec<u8>> {
        read_note(&self.0)
    }

    /// Leaves a note, over the last one.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn leave_note(&self, note: &[u8]) -> io::Result<()> {
        self.0.write_all_at(note, 0)?;
        self.0.set_len(u64::try_from(note.len()).unwrap_or(0))
    }
}

/// What stands in the lock at `path`, whoever holds it; nothing if it can't be read.
#[must_use]
pub fn note_of(path: &Path) -> Vec<u8> {
    File::open(path).and_then(|file| read_note(&file)).unwrap_or_default()
}

fn read_note(file: &File) -> io::Result<Vec<u8>> {
    let mut note = vec![0; Lock::NOTE];
    let length = file.read_at(&mut note, 0)?;
    note.truncate(length);
    Ok(note)
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Asks again and again whether a lock is free, without opening the file each time:
/// whoever watches the file would be woken by that.
#[derive(Debug)]
pub struct Probe(Option<File>);

impl Probe {
    /// Opens the lock once.
    ///
    /// # Errors
    /// When it can't be opened.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        open(path).map(|file| Self(Some(file))).map_err(FileError::at("open the lock", path))
    }

    /// Whether nobody holds the lock at this moment.
    pub fn is_free(&mut self) -> bool {
        let Some(file) = self.0.take() else { return false };
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(held) => {
                self.0 = held.unlock().ok();
                true
            }
            Err((file, _)) => {
                self.0 = Some(file);
                false
            }
        }
    }
}
