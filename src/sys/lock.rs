//! The lock: one on the whole of a file that is never deleted, with a note in it for
//! whoever takes it next.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, Flock, FlockArg, fcntl};
use nix::libc;

use super::files::{self, FileError};

/// The right to run: given up when dropped, and by the kernel when we die.
///
/// An open file description's lock (`F_OFD_SETLK`): unlike flock(2) it can be asked about
/// without being taken for a moment, which would turn away whoever comes in that moment.
#[derive(Debug)]
pub struct Lock(File, Option<Flock<File>>);

impl Lock {
    /// Longest note in bytes.
    const NOTE: usize = 512;

    /// Takes the lock if it is free, without waiting.
    ///
    /// # Errors
    /// When the file can't be opened or locked for another reason than being held.
    pub fn try_now(path: &Path) -> Result<Option<Self>, FileError> {
        let file = open(path).map_err(FileError::at("open the lock", path))?;
        match fcntl(&file, FcntlArg::F_OFD_SETLK(&whole(libc::F_WRLCK))) {
            Ok(_) => Ok(Some(Self(file, None))),
            Err(Errno::EAGAIN | Errno::EACCES) => Ok(None),
            Err(Errno::EBADF) => Self::try_read_only(file).map_err(FileError::at("lock", path)),
            Err(errno) => Err(FileError::at("lock", path)(errno.into())),
        }
    }

    /// What can't be opened for writing takes only a lock that readers share. It keeps us
    /// from whoever holds the lock since before; flock(2) keeps us from one another.
    fn try_read_only(file: File) -> io::Result<Option<Self>> {
        match fcntl(&file, FcntlArg::F_OFD_SETLK(&whole(libc::F_RDLCK))) {
            Ok(_) => {}
            Err(Errno::EAGAIN | Errno::EACCES) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        }
        Self::among_readers(file)
    }

    fn among_readers(file: File) -> io::Result<Option<Self>> {
        match Flock::lock(file.try_clone()?, FlockArg::LockExclusiveNonblock) {
            Ok(alone) => Ok(Some(Self(file, Some(alone)))),
            Err((_, Errno::EWOULDBLOCK)) => Ok(None),
            Err((_, errno)) => Err(errno.into()),
        }
    }

    /// Takes a lock on a folder, without waiting: where the file for one can't be made, it
    /// keeps those from one another who would have made it.
    ///
    /// # Errors
    /// When the folder can't be opened or locked for another reason than being held.
    pub fn try_on_folder(path: &Path) -> Result<Option<Self>, FileError> {
        File::open(path).and_then(Self::among_readers).map_err(FileError::at("lock", path))
    }

    /// Takes the lock, however long its holder keeps it.
    ///
    /// # Errors
    /// When the file can't be opened or locked.
    pub fn wait(path: &Path) -> Result<Self, FileError> {
        let file = open(path).map_err(FileError::at("open the lock", path))?;
        match fcntl(&file, FcntlArg::F_OFD_SETLKW(&whole(libc::F_WRLCK))) {
            Ok(_) => Ok(Self(file, None)),
            Err(errno) => Err(FileError::at("lock", path)(errno.into())),
        }
    }

    /// The note the last holder left; empty when it left in order.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn note(&self) -> io::Result<Vec<u8>> {
        read_note(&self.0)
    }

    /// Leaves a note, over the last one. Whoever is killed in between leaves the whole of
    /// the new one, and behind it what the old one was longer.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn leave_note(&self, note: &[u8]) -> io::Result<()> {
        self.0.write_all_at(note, 0)?;
        self.0.set_len(u64::try_from(note.len()).unwrap_or(0))
    }
}

impl Drop for Lock {
    /// Unlocks before the file is closed: whoever watches for the closing finds it free.
    fn drop(&mut self) {
        drop(self.1.take());
        let _ = fcntl(&self.0, FcntlArg::F_OFD_SETLK(&whole(libc::F_UNLCK)));
    }
}

/// A lock on everything from the file's first byte on.
fn whole(kind: libc::c_int) -> libc::flock {
    libc::flock {
        l_type: i16::try_from(kind).unwrap_or_default(),
        l_whence: i16::try_from(libc::SEEK_SET).unwrap_or_default(),
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}

/// What stands in the lock at `path`, whoever holds it; nothing if it can't be read.
#[must_use]
pub fn note_of(path: &Path) -> Vec<u8> {
    files::open(path).and_then(|file| read_note(&file)).unwrap_or_default()
}

fn read_note(file: &File) -> io::Result<Vec<u8>> {
    let mut note = vec![0; Lock::NOTE];
    let length = file.read_at(&mut note, 0)?;
    note.truncate(length);
    Ok(note)
}

/// Opens the lock, and makes it where it is missing. A file system that has become
/// read-only still holds a lock, only no note.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => File::open(path),
        opened => opened,
    }
}

/// Asks again and again whether a lock is free, without ever holding it, and without
/// opening the file each time: whoever watches the file would be woken by that.
#[derive(Debug)]
pub struct Probe(File);

impl Probe {
    /// Opens the lock once.
    ///
    /// # Errors
    /// When it can't be opened.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        open(path).map(Self).map_err(FileError::at("open the lock", path))
    }

    /// Whether nobody holds the lock at this moment.
    #[must_use]
    pub fn is_free(&self) -> bool {
        let mut lock = whole(libc::F_WRLCK);
        let asked = fcntl(&self.0, FcntlArg::F_OFD_GETLK(&mut lock));
        asked.is_ok() && i32::from(lock.l_type) == libc::F_UNLCK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_whether_it_is_free_turns_nobody_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let probe = Probe::open(&path).unwrap();
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let _ = probe.is_free();
                }
            });
            let turned_away =
                (0..20_000).filter(|_| Lock::try_now(&path).unwrap().is_none()).count();
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            assert_eq!(turned_away, 0);
        });
        let probe = Probe::open(&path).unwrap();
        let held = Lock::try_now(&path).unwrap().unwrap();
        assert!(!probe.is_free() && Lock::try_now(&path).unwrap().is_none());
        drop(held);
        assert!(probe.is_free());
    }
}
