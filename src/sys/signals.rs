//! Signals: which one asked us to end, and a pipe that wakes a poll when one comes or a
//! child ends.

use std::cell::Cell;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, poll};

use nix::sys::signal::{SigSet, Signal};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

use super::clock::timeout_until;

/// Watches for the signals that end us and for SIGCHLD.
///
/// A self-pipe, not a signalfd: a blocked mask would be inherited by hooks, a handler
/// is reset by exec. Handlers also undo what a caller ignores (SIGHUP by nohup, SIGCHLD).
#[derive(Debug)]
pub struct Signals {
    last: Arc<AtomicUsize>,
    stops: UnixStream,
    children: UnixStream,
    stop_count: Cell<usize>,
}

impl Signals {
    /// Starts watching, also for what has been held back.
    ///
    /// # Errors
    /// When no pipe or handler can be had.
    pub fn watch() -> io::Result<Self> {
        let (stops, stops_in) = UnixStream::pair()?;
        let (children, children_in) = UnixStream::pair()?;
        stops.set_nonblocking(true)?;
        children.set_nonblocking(true)?;
        let last = Arc::new(AtomicUsize::new(0));
        for (signal, number) in [(SIGTERM, 15), (SIGINT, 2), (SIGHUP, 1)] {
            flag::register_usize(signal, Arc::clone(&last), number)?;
            low_level::pipe::register(signal, stops_in.try_clone()?)?;
        }
        low_level::pipe::register(SIGCHLD, children_in)?;
        let_in();
        Ok(Self { last, stops, children, stop_count: Cell::new(0) })
    }

    /// The signal that asked us to end, if one did; the last one, if several.
    #[must_use]
    pub fn stop(&self) -> Option<i32> {
        match self.last.load(Ordering::SeqCst) {
            0 => None,
            number => i32::try_from(number).ok(),
        }
    }

    /// Whether we have been asked more than once: then at once.
    #[must_use]
    pub fn is_pressing(&self) -> bool {
        self.stop_count.get() > 1
    }

    /// What to poll for reading: one becomes ready when we are asked to end, the other
    /// when a child ends.
    #[must_use]
    pub fn wakers(&self) -> [BorrowedFd<'_>; 2] {
        [self.stops.as_fd(), self.children.as_fd()]
    }

    /// Sleeps, unless we are asked to end.
    pub fn sleep(&self, time: Duration) {
        let mut fds = [PollFd::new(self.stops.as_fd(), PollFlags::POLLIN)];
        let _ = poll(&mut fds, timeout_until(Some(Instant::now() + time)));
    }

    /// Takes note of the wake-ups so far. Look at [`Signals::stop`] and at children after
    /// this.
    pub fn clear(&self) {
        self.stop_count.set(self.stop_count.get() + empty(&self.stops));
        empty(&self.children);
    }
}

/// Keeps back what would end us until somebody watches for it, or until [`let_in`]: between
/// an event's being kept and its being seen to, our end would leave it to nobody.
pub fn hold_back() {
    let _ = ending().thread_block();
}

/// Lets in what was held back: by its default action it ends us.
pub fn let_in() {
    let _ = ending().thread_unblock();
}

fn ending() -> SigSet {
    [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP].into_iter().collect()
}

/// Reads all there is and tells how many bytes it was.
fn empty(mut pipe: &UnixStream) -> usize {
    let mut bytes = [0; 64];
    let mut total = 0;
    while let Ok(read) = pipe.read(&mut bytes) {
        if read == 0 {
            break;
        }
        total += read;
    }
    total
}

/// Ends this process the way `signal` would have ended it, so that the caller sees that.
pub fn die_of(signal: i32) {
    let _ = low_level::emulate_default_handler(signal);
}
