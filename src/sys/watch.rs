//! Waiting until a file is gone from a folder, or the holder of a lock has let go.

use std::os::fd::AsFd;
use std::path::Path;
use std::time::Instant;

use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

use super::clock::timeout_until;
use super::files::FileError;

/// Wakes up when a folder loses a file or a lock's file is closed.
#[derive(Debug)]
pub struct Watch(Inotify);

impl Watch {
    /// Starts watching; look at the folder and the lock after this, not before.
    ///
    /// # Errors
    /// When the kernel has no watches left.
    pub fn on(folder: &Path, lock: &Path) -> Result<Self, FileError> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)
            .map_err(FileError::at("watch", folder))?;
        let losses = AddWatchFlags::IN_DELETE | AddWatchFlags::IN_MOVED_FROM;
        inotify.add_watch(folder, losses).map_err(FileError::at("watch", folder))?;
        // The kernel closes a dead holder's file: the only way to hear of its death.
        inotify.add_watch(lock, AddWatchFlags::IN_CLOSE).map_err(FileError::at("watch", lock))?;
        Ok(Self(inotify))
    }

    /// Sleeps until something happens or `deadline` has come.
    pub fn sleep_until(&self, deadline: Instant) {
        let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        let _ = poll(&mut fds, timeout_until(Some(deadline)));
        let _ = self.0.read_events();
    }
}
