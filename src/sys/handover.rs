//! Leaves the closing of a slow socket to a child, so that the program itself can end at once.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsRawFd;

use netlink_sys::Socket;
use nix::libc;
use nix::unistd::{ForkResult, fork, pipe};

/// Closes `socket` here at once, and finally in a child that lives a few milliseconds longer.
///
/// The process has one thread and is about to end: nobody waits for the child, which
/// falls to init. The child's first act is to close everything but the socket, so that
/// whoever reads our output or waits for our lock is not held. Without a child (no
/// processes left) the close happens here, slowly.
pub(super) fn close_in_a_child(socket: Socket) {
    let Ok((signal, sender)) = pipe() else { return };
    #[expect(unsafe_code, reason = "fork(2) has no safe form")]
    // SAFETY: the caller promises that this process has one thread, so no lock can be
    // held by a thread that is missing in the child; the child allocates nothing, runs
    // no destructor and leaves by _exit.
    let forked = unsafe { fork() };
    if let Ok(ForkResult::Child) = forked {
        outlive(&socket, File::from(signal));
    }
    // The order matters: the child must find that it is the last to hold the socket.
    drop(socket);
    drop(sender);
}

/// The child: waits until the parent has closed its end, and ends.
fn outlive(socket: &Socket, mut signal: File) -> ! {
    let keep = [socket.as_raw_fd(), signal.as_raw_fd()];
    let (low, high) = (keep[0].min(keep[1]), keep[0].max(keep[1]));
    close_range(0, low - 1);
    close_range(low + 1, high - 1);
    close_range(high + 1, libc::c_int::MAX);
    // Whether it reads the end or an error, the parent has gone on.
    let end = signal.read(&mut [0]);
    drop(end);
    #[expect(unsafe_code, reason = "_exit(2) has no safe form")]
    // SAFETY: ends the process; takes no pointer.
    unsafe {
        libc::_exit(0)
    }
}

fn close_range(first: libc::c_int, last: libc::c_int) {
    if first > last {
        return;
    }
    #[expect(unsafe_code, reason = "close_range(2) has no safe form")]
    // SAFETY: the child uses none of these descriptors again and runs no destructor
    // that would close one a second time.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    if closed != 0 {
        // Linux before 5.9.
        for descriptor in first..=last.min(1023) {
            #[expect(unsafe_code, reason = "the descriptors have no owner to drop")]
            // SAFETY: as above.
            unsafe {
                libc::close(descriptor);
            }
        }
    }
}
