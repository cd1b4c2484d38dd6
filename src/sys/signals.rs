//! Signals: which one asked us to end, and a pipe that wakes a poll when one comes or a
//! child ends.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

/// Watches for the signals that end us and for SIGCHLD.
///
/// A self-pipe, not a signalfd: a blocked mask would be inherited by hooks, a handler
/// is reset by exec. Handlers also undo what a caller ignores (SIGHUP by nohup, SIGCHLD).
#[derive(Debug)]
pub struct Signals {
    stop: Arc<AtomicUsize>,
    waker: UnixStream,
}

impl Signals {
    /// Starts watching.
    ///
    /// # Errors
    /// When no pipe or handler can be had.
    pub fn watch() -> io::Result<Self> {
        let (waker, write_end) = UnixStream::pair()?;
        waker.set_nonblocking(true)?;
        let stop = Arc::new(AtomicUsize::new(0));
        for (signal, number) in [(SIGTERM, 15), (SIGINT, 2), (SIGHUP, 1)] {
            flag::register_usize(signal, Arc::clone(&stop), number)?;
            low_level::pipe::register(signal, write_end.try_clone()?)?;
        }
        low_level::pipe::register(SIGCHLD, write_end)?;
        Ok(Self { stop, waker })
    }

    /// The signal that asked us to end, if one did; the last one, if several.
    #[must_use]
    pub fn stop(&self) -> Option<i32> {
        match self.stop.load(Ordering::SeqCst) {
            0 => None,
            number => i32::try_from(number).ok(),
        }
    }

    /// What to poll for reading: becomes ready with any signal.
    #[must_use]
    pub fn waker(&self) -> BorrowedFd<'_> {
        self.waker.as_fd()
    }

    /// Forgets the wake-ups so far. Look at [`Signals::stop`] and at children after this.
    pub fn clear(&self) {
        let mut bytes = [0; 64];
        while matches!((&self.waker).read(&mut bytes), Ok(read) if read > 0) {}
    }
}

/// Ends this process the way `signal` would have ended it, so that the caller sees that.
pub fn die_of(signal: i32) {
    let _ = low_level::emulate_default_handler(signal);
}
