//! Reading a file of lines as it grows, and on through its rotation.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};

use super::clock::timeout_until;
use super::files::{self, FileError};

/// Follows one file from its present end.
#[derive(Debug)]
pub struct Follower {
    path: PathBuf,
    inotify: Inotify,
    /// The watch on a folder above the file's own, while that isn't there yet.
    above: Option<WatchDescriptor>,
    file: Option<File>,
    position: u64,
    /// The beginning of a line whose end isn't written yet.
    begun: Vec<u8>,
}

impl Follower {
    /// Starts following; neither the file nor its folder need exist yet.
    ///
    /// # Errors
    /// When the folder, or the nearest one above that exists, can't be watched, or the file
    /// can't be read.
    pub fn of(path: &Path) -> Result<Self, FileError> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)
            .map_err(FileError::at("watch", path))?;
        let above = watch(&inotify, path.parent().unwrap_or(path))?;
        let file = open(path)?;
        let position = match &file {
            Some(file) => file.metadata().map_err(FileError::at("read", path))?.len(),
            None => 0,
        };
        Ok(Self { path: path.to_owned(), inotify, above, file, position, begun: Vec::new() })
    }

    /// Sleeps until the file may have grown or `until` has come. Tells whether anybody
    /// still reads our stdout.
    #[must_use]
    pub fn sleep_until(&self, until: Option<Instant>) -> bool {
        let stdout = io::stdout();
        let mut fds = [
            PollFd::new(self.inotify.as_fd(), PollFlags::POLLIN),
            // A pipe nobody reads from any more reports itself without being asked.
            PollFd::new(stdout.as_fd(), PollFlags::empty()),
        ];
        let _ = poll(&mut fds, timeout_until(until));
        let gone = PollFlags::POLLERR | PollFlags::POLLHUP;
        let is_gone = |fd: &PollFd<'_>| fd.revents().is_some_and(|found| found.intersects(gone));
        let _ = self.inotify.read_events();
        !fds.get(1).is_some_and(is_gone)
    }

    /// Hands out the whole lines that have come since.
    ///
    /// # Errors
    /// When the file can't be read, or a folder that has come can't be watched.
    pub fn read_on(&mut self, visit: &mut dyn FnMut(&[u8])) -> Result<(), FileError> {
        if let Some(above) = self.above {
            self.above = watch(&self.inotify, self.path.parent().unwrap_or(&self.path))?;
            if self.above != Some(above) {
                // Gone with its folder, it needs no removing.
                let _ = self.inotify.rm_watch(above);
            }
        }
        loop {
            if self.file.is_none() {
                self.file = open(&self.path)?;
                self.position = 0;
            }
            let Some(file) = &self.file else { return Ok(()) };
            // Asked before reading: what is written after a rotation stands in the new file.
            let is_current = is_at(file, &self.path);
            let read = read_from(file, self.position).map_err(FileError::at("read", &self.path))?;
            self.position += u64::try_from(read.len()).unwrap_or(0);
            self.begun.extend(read);
            let end = self.begun.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let rest = self.begun.split_off(end);
            let whole = std::mem::replace(&mut self.begun, rest);
            for line in whole.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                visit(line);
            }
            if is_current {
                return Ok(());
            }
            self.file = None;
            self.begun.clear();
        }
    }
}

/// Watches a folder or, while it isn't there, the nearest above it that is: that one's watch
/// is given back.
fn watch(inotify: &Inotify, folder: &Path) -> Result<Option<WatchDescriptor>, FileError> {
    let coming = AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVE;
    loop {
        if add(inotify, folder, coming | AddWatchFlags::IN_MODIFY)?.is_some() {
            return Ok(None);
        }
        let mut missing = folder;
        let above = loop {
            let Some(next) = missing.parent() else {
                return Err(FileError::at("watch", folder)(Errno::ENOENT));
            };
            if let Some(above) = add(inotify, next, coming)? {
                break above;
            }
            missing = next;
        };
        // What has come between the two looks has woken nobody.
        if !missing.exists() {
            return Ok(Some(above));
        }
        let _ = inotify.rm_watch(above);
    }
}

/// Adds a watch; none where there is no such folder.
fn add(
    inotify: &Inotify,
    folder: &Path,
    news: AddWatchFlags,
) -> Result<Option<WatchDescriptor>, FileError> {
    match inotify.add_watch(folder, news) {
        Err(Errno::ENOENT) => Ok(None),
        added => added.map(Some).map_err(FileError::at("watch", folder)),
    }
}

fn open(path: &Path) -> Result<Option<File>, FileError> {
    match files::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some).map_err(FileError::at("open", path)),
    }
}

/// Whether this is still the file of that name; a name that is free now will be another's.
fn is_at(file: &File, path: &Path) -> bool {
    let same = |one: &fs::Metadata, other: &fs::Metadata| {
        (one.dev(), one.ino()) == (other.dev(), other.ino())
    };
    match (file.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(there)) => same(&ours, &there),
        (_, Err(_)) => true,
        (Err(_), Ok(_)) => false,
    }
}

fn read_from(file: &File, position: u64) -> io::Result<Vec<u8>> {
    let length = file.metadata()?.len();
    let mut content = vec![0; usize::try_from(length.saturating_sub(position)).unwrap_or(0)];
    file.read_exact_at(&mut content, position)?;
    Ok(content)
}
