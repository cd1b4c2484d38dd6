//! Waiting until one file is gone, or something comes into a folder or goes from it.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

use super::clock::timeout_until;
use super::files::FileError;

/// How often to look where the kernel has no watch left to give.
const LOOK: Duration = Duration::from_millis(50);

/// Wakes up when a file is removed or moved away.
///
/// It watches the file, not its folder: in a folder of hundreds, each would be woken by every
/// other's.
#[derive(Debug)]
pub struct Watch(Option<Inotify>);

impl Watch {
    /// Starts watching the file, if it is there; look whether it is after this, not before.
    ///
    /// # Errors
    /// When the kernel has no watches left: [`Watch::none`] does without.
    pub fn on(path: &Path) -> Result<Self, FileError> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)
            .map_err(FileError::at("watch", path))?;
        let watch = Self(Some(inotify));
        watch.again(path);
        Ok(watch)
    }

    /// Looks from time to time instead of being woken.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// Watches the file that stands there now: it may have been written anew.
    pub fn again(&self, path: &Path) {
        // An unlinked file that somebody still reads is changed, and not yet deleted.
        let losses =
            AddWatchFlags::IN_ATTRIB | AddWatchFlags::IN_DELETE_SELF | AddWatchFlags::IN_MOVE_SELF;
        if let Some(inotify) = &self.0 {
            // If it is gone, whoever looks now sees that.
            let _ = inotify.add_watch(path, losses);
        }
    }

    /// Sleeps until something happens or `deadline` has come.
    pub fn sleep_until(&self, deadline: Instant) {
        match &self.0 {
            Some(inotify) => {
                let mut fds = [PollFd::new(inotify.as_fd(), PollFlags::POLLIN)];
                let _ = poll(&mut fds, timeout_until(Some(deadline)));
                let _ = inotify.read_events();
            }
            None => {
                std::thread::sleep(LOOK.min(deadline.saturating_duration_since(Instant::now())));
            }
        }
    }
}

/// Wakes up when a folder gains or loses a file.
#[derive(Debug)]
pub struct FolderWatch(Inotify);

impl FolderWatch {
    /// Starts watching those folders that are there; look at them after this, not before.
    ///
    /// # Errors
    /// When the kernel has no watches left.
    pub fn on(folders: &[&Path]) -> Result<Self, FileError> {
        let first = folders.first().copied().unwrap_or(Path::new("/"));
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)
            .map_err(FileError::at("watch", first))?;
        for folder in folders {
            match inotify.add_watch(*folder, AddWatchFlags::IN_DELETE | AddWatchFlags::IN_MOVE) {
                Ok(_) | Err(Errno::ENOENT) => {}
                Err(errno) => return Err(FileError::at("watch", folder)(errno)),
            }
        }
        Ok(Self(inotify))
    }

    /// Sleeps until something happens, one of `others` can be read, or `deadline` has come.
    pub fn sleep_until(&self, deadline: Instant, others: &[BorrowedFd<'_>]) {
        let mut fds = vec![PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        fds.extend(others.iter().map(|other| PollFd::new(*other, PollFlags::POLLIN)));
        let _ = poll(&mut fds, timeout_until(Some(deadline)));
        let _ = self.0.read_events();
    }
}
