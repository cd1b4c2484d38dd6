//! Locks on files, with a record of fixed size in them for whoever takes them next.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, Flock, FlockArg, fcntl};
use nix::libc;

use super::files::{self, FileError};
use super::processes;

/// Bytes at the beginning of a lock that are its record. They are never cut off: what has
/// been written once has its place on the file system, however full that becomes.
pub const RECORD: usize = 1024;

/// The right to run: given up when dropped, and by the kernel when we die.
///
/// An open file description's lock (`F_OFD_SETLK`): unlike flock(2) it can be asked about
/// without being taken for a moment, which would turn away whoever comes in that moment.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
    /// See [`Lock::try_read_only`].
    among_readers: Option<Flock<File>>,
}

impl Lock {
    /// Takes the lock if it is free, without waiting; makes its file where it is missing.
    ///
    /// # Errors
    /// When the file can't be opened or locked for another reason than being held.
    pub fn try_now(path: &Path) -> Result<Option<Self>, FileError> {
        loop {
            let file = open(path).map_err(FileError::at("open the lock", path))?;
            match Self::try_on(file, path)? {
                // Somebody put another file in its place between our opening and our locking.
                Some(lock) if !lock.is_current() => {}
                taken => return Ok(taken.and_then(Self::unless_an_older_one_is_held)),
            }
        }
    }

    /// Takes the lock on a file that somebody else made, without waiting; none if it is held
    /// or gone.
    ///
    /// # Errors
    /// When the file can't be opened or locked for another reason than being held.
    pub fn try_existing(path: &Path) -> Result<Option<Self>, FileError> {
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW)
            .open(path);
        match opened {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => {
                let file = opened.map_err(FileError::at("open", path))?;
                Ok(Self::try_on(file, path)?.filter(Self::is_current))
            }
        }
    }

    /// Takes one of `count` places that a file stands for, a byte each; none if all are taken.
    ///
    /// # Errors
    /// When the file can't be opened or locked for another reason than being held.
    pub fn try_any(path: &Path, count: u32) -> Result<Option<Self>, FileError> {
        let file = open(path).map_err(FileError::at("open the lock", path))?;
        for place in 0..count {
            match fcntl(&file, FcntlArg::F_OFD_SETLK(&one(libc::F_WRLCK, place))) {
                Ok(_) => return Ok(Some(Self::of(file, path))),
                Err(Errno::EAGAIN | Errno::EACCES) => {}
                Err(errno) => return Err(FileError::at("lock", path)(errno)),
            }
        }
        Ok(None)
    }

    /// Makes a file and takes the lock on it before anything stands in it.
    ///
    /// # Errors
    /// When it can't be made or locked.
    pub fn on_new(path: &Path) -> Result<Self, FileError> {
        loop {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(path)
                .map_err(FileError::at("create", path))?;
            fcntl(&file, FcntlArg::F_OFD_SETLKW(&whole(libc::F_WRLCK)))
                .map_err(FileError::at("lock", path))?;
            let lock = Self::of(file, path);
            // Who came between the two took it for what a dead process had left, and removed it.
            if lock.is_current() {
                return Ok(lock);
            }
        }
    }

    /// Takes a lock on a folder, without waiting: where the file for one can't be made, it
    /// keeps those from one another who would have made it.
    ///
    /// # Errors
    /// When the folder can't be opened or locked for another reason than being held.
    pub fn try_on_folder(path: &Path) -> Result<Option<Self>, FileError> {
        File::open(path)
            .and_then(|folder| Self::of(folder, path).alone_among_readers())
            .map_err(FileError::at("lock", path))
    }

    /// Takes the lock, however long its holder keeps it.
    ///
    /// # Errors
    /// When the file can't be opened or locked.
    pub fn wait(path: &Path) -> Result<Self, FileError> {
        let file = open(path).map_err(FileError::at("open the lock", path))?;
        match fcntl(&file, FcntlArg::F_OFD_SETLKW(&whole(libc::F_WRLCK))) {
            Ok(_) => Ok(Self::of(file, path)),
            Err(errno) => Err(FileError::at("lock", path)(errno)),
        }
    }

    fn of(file: File, path: &Path) -> Self {
        Self { file, path: path.to_owned(), among_readers: None }
    }

    fn try_on(file: File, path: &Path) -> Result<Option<Self>, FileError> {
        let taken = fcntl(&file, FcntlArg::F_OFD_SETLK(&whole(libc::F_WRLCK)));
        let lock = Self::of(file, path);
        match taken {
            Ok(_) => Ok(Some(lock)),
            Err(Errno::EAGAIN | Errno::EACCES) => Ok(None),
            Err(Errno::EBADF) => lock.try_read_only().map_err(FileError::at("lock", path)),
            Err(errno) => Err(FileError::at("lock", path)(errno)),
        }
    }

    /// What can't be opened for writing takes only a lock that readers share. It keeps us
    /// from whoever holds the lock since before; flock(2) keeps us from one another.
    fn try_read_only(self) -> io::Result<Option<Self>> {
        match fcntl(&self.file, FcntlArg::F_OFD_SETLK(&whole(libc::F_RDLCK))) {
            Ok(_) => {}
            Err(Errno::EAGAIN | Errno::EACCES) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        }
        self.alone_among_readers()
    }

    fn alone_among_readers(mut self) -> io::Result<Option<Self>> {
        match Flock::lock(self.file.try_clone()?, FlockArg::LockExclusiveNonblock) {
            Ok(alone) => {
                self.among_readers = Some(alone);
                Ok(Some(self))
            }
            Err((_, Errno::EWOULDBLOCK)) => Ok(None),
            Err((_, errno)) => Err(errno.into()),
        }
    }

    /// A file in which nobody has written a record yet may stand in the place of one that was
    /// removed under somebody's hands: who holds that is at work still. He notices at the end
    /// of the piece of work, takes this lock, and looks what waits.
    fn unless_an_older_one_is_held(self) -> Option<Self> {
        if is_new(&self.file) {
            if processes::anybody_locks_deleted(&self.path) {
                return None;
            }
            // In vain where no room is left: then there is no record, and who needs it sees that.
            let _ = self.write_record(b"");
        }
        Some(self)
    }

    /// Whether the file at the path is still the one that is locked. One that can't be looked
    /// at is taken for it.
    #[must_use]
    pub fn is_current(&self) -> bool {
        match (fs::metadata(&self.path), self.file.metadata()) {
            (Ok(there), Ok(ours)) => (there.dev(), there.ino()) == (ours.dev(), ours.ino()),
            (Err(error), _) => error.kind() != io::ErrorKind::NotFound,
            _ => true,
        }
    }

    /// Whether it was opened for reading only, as on a file system that is read-only.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.among_readers.is_some()
    }

    /// What stands in the record.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn record(&self) -> io::Result<Vec<u8>> {
        read_record(&self.file)
    }

    /// Writes the record over the last one, in one piece: whoever is killed in between leaves
    /// the old one or the new one.
    ///
    /// # Errors
    /// When it is too long, or has no place on the file system yet and can't get one.
    pub fn write_record(&self, record: &[u8]) -> io::Result<()> {
        let mut bytes = [b' '; RECORD];
        let place = bytes.get_mut(..record.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        place.copy_from_slice(record);
        if let Some(last) = bytes.last_mut() {
            *last = b'\n';
        }
        self.file.write_all_at(&bytes, 0)
    }

    /// Writes what follows behind `offset`.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn write_at(&self, offset: usize, content: &[u8]) -> io::Result<()> {
        self.file.write_all_at(content, u64::try_from(offset).unwrap_or(u64::MAX))
    }
}

impl Drop for Lock {
    /// Unlocks before the file is closed: a child on its way to become another program may
    /// hold the file for a moment longer.
    fn drop(&mut self) {
        drop(self.among_readers.take());
        let _ = fcntl(&self.file, FcntlArg::F_OFD_SETLK(&whole(libc::F_UNLCK)));
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

/// A lock on one byte.
fn one(kind: libc::c_int, place: u32) -> libc::flock {
    libc::flock { l_start: place.into(), l_len: 1, ..whole(kind) }
}

/// The record in the lock at `path`, whoever holds it; nothing if it can't be read.
#[must_use]
pub fn record_of(path: &Path) -> Vec<u8> {
    files::open(path).and_then(|file| read_record(&file)).unwrap_or_default()
}

fn read_record(file: &File) -> io::Result<Vec<u8>> {
    let mut record = vec![0; RECORD];
    let length = file.read_at(&mut record, 0)?;
    record.truncate(length);
    Ok(record)
}

/// Opens the lock, and makes it where it is missing. A file system that has become
/// read-only still holds a lock, only no record.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => File::open(path),
        opened => opened,
    }
}

/// Whether nobody has written a record into a lock yet.
fn is_new(file: &File) -> bool {
    file.metadata().is_ok_and(|there| there.len() == 0)
}

/// Whether nobody holds the lock at this moment, asked without holding it; a lock that was
/// never taken is free.
///
/// # Errors
/// When it is there and can't be asked.
pub fn is_free(path: &Path) -> Result<bool, FileError> {
    let Some(file) = open_if_there(path)? else { return Ok(true) };
    let free = has_room(&file, whole(libc::F_WRLCK)).map_err(FileError::at("ask", path))?;
    Ok(free && !(is_new(&file) && processes::anybody_locks_deleted(path)))
}

/// Whether one of the places of [`Lock::try_any`] is free at this moment.
///
/// # Errors
/// When the file is there and can't be asked.
pub fn is_any_free(path: &Path, count: u32) -> Result<bool, FileError> {
    let Some(file) = open_if_there(path)? else { return Ok(true) };
    for place in 0..count {
        let asked = has_room(&file, one(libc::F_WRLCK, place));
        if asked.map_err(FileError::at("ask", path))? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn open_if_there(path: &Path) -> Result<Option<File>, FileError> {
    match files::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some).map_err(FileError::at("open the lock", path)),
    }
}

fn has_room(file: &File, mut lock: libc::flock) -> io::Result<bool> {
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock))?;
    Ok(i32::from(lock.l_type) == libc::F_UNLCK)
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
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let _ = is_free(&path);
                }
            });
            let turned_away =
                (0..20_000).filter(|_| Lock::try_now(&path).unwrap().is_none()).count();
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            assert_eq!(turned_away, 0);
        });
        let held = Lock::try_now(&path).unwrap().unwrap();
        assert!(!is_free(&path).unwrap() && Lock::try_now(&path).unwrap().is_none());
        drop(held);
        assert!(is_free(&path).unwrap());
    }

    #[test]
    fn there_are_as_many_places_as_were_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("places");
        let take = || Lock::try_any(&path, 2).unwrap();
        let (first, second) = (take().unwrap(), take().unwrap());
        assert!(take().is_none() && !is_any_free(&path, 2).unwrap());
        drop(first);
        assert!(is_any_free(&path, 2).unwrap());
        let again = take().unwrap();
        assert!(take().is_none());
        drop((second, again));
    }

    #[test]
    fn a_lock_whose_file_was_removed_under_its_holder_is_held_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = Lock::try_now(&path).unwrap().unwrap();
        assert!(held.is_current());
        fs::remove_file(&path).unwrap();
        assert!(!held.is_current());
        // The holder itself takes the new one: it is not in its own way.
        let new = Lock::try_now(&path).unwrap().unwrap();
        assert!(new.is_current() && !held.is_current());
    }
}
