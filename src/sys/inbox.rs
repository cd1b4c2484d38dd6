//! The socket on which netcue's own unit listens: systemd holds it, starts the unit when
//! something comes, and hands it over.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use nix::libc;
use nix::sys::socket::{MsgFlags, recv};

use super::files::FileError;

/// Longest message in bytes: an event and its command line, with room to spare.
const LARGEST: usize = 512 << 10;

/// How long to wait for room. What fills the socket is being read by a unit that has just
/// been started; if it is not, nobody listens.
const PATIENCE: Duration = Duration::from_secs(2);

/// Sends a message. That it was sent means that it will be read: the socket is gone when
/// nobody listens, and what is in it outlives the death of who reads.
///
/// Unlike writing a file, this works where every file system is read-only, and into another
/// network namespace.
///
/// # Errors
/// When nobody listens, or the message does not fit.
pub fn send(path: &Path, message: &[u8]) -> Result<(), FileError> {
    let sent = UnixDatagram::unbound().and_then(|socket| {
        socket.set_write_timeout(Some(PATIENCE))?;
        socket.send_to(message, path)
    });
    sent.map(drop).map_err(FileError::at("send to", path))
}

/// Wakes whoever listens. Tells whether somebody does.
#[must_use]
pub fn wake(path: &Path) -> bool {
    let sent = UnixDatagram::unbound().and_then(|socket| {
        socket.set_nonblocking(true)?;
        socket.send_to(&[], path)
    });
    match sent {
        Ok(_) => true,
        // It is full of what wakes as well.
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    }
}

/// Whether somebody listens; it is not woken.
#[must_use]
pub fn is_listened_to(path: &Path) -> bool {
    UnixDatagram::unbound().and_then(|socket| socket.connect(path)).is_ok()
}

/// The other end.
#[derive(Debug)]
pub struct Inbox(UnixDatagram);

impl Inbox {
    /// The socket that systemd handed to this process, if it did (`sd_listen_fds(3)`).
    #[must_use]
    pub fn handed_over() -> Option<Self> {
        const FIRST: libc::c_int = 3;
        let variable = |name| std::env::var(name).ok()?.parse::<u32>().ok();
        if variable("LISTEN_PID") != Some(std::process::id()) || variable("LISTEN_FDS") != Some(1) {
            return None;
        }
        #[expect(unsafe_code, reason = "a descriptor that comes as a number has no safe form")]
        // SAFETY: systemd says that this descriptor is ours, and this is called once.
        let socket = UnixDatagram::from(unsafe { OwnedFd::from_raw_fd(FIRST) });
        // It is asked whether it is a socket of this kind at all.
        socket.local_addr().ok()?;
        Some(Self(socket))
    }

    /// The next message, which stays where it is: who dies over it leaves it to the next.
    #[must_use]
    pub fn look(&self) -> Option<Vec<u8>> {
        let mut message = vec![0; LARGEST];
        let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
        let length = recv(self.0.as_raw_fd(), &mut message, flags).ok()?;
        message.truncate(length);
        Some(message)
    }

    /// Takes out the message that [`Inbox::look`] has shown.
    pub fn take_out(&self) {
        let _ = recv(self.0.as_raw_fd(), &mut [], MsgFlags::MSG_DONTWAIT);
    }
}

impl AsFd for Inbox {
    /// Becomes readable when a message comes.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
