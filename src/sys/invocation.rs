//! How we were called, collected once; and making ourselves independent of it.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Read};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, rlim_t, setrlimit};
use nix::sys::signal::SigSet;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Gid, getegid, geteuid, getgroups, setgroups, setresgid, setsid};

/// The search path hooks get; nothing here is ever looked up by a bare name.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Everything the caller handed over, as it came.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// What we are called.
    pub argv0: PathBuf,
    /// The words after that.
    pub words: Vec<OsString>,
    /// The environment.
    pub env: Vec<(OsString, OsString)>,
    /// The working directory; `/` when it is gone.
    pub cwd: PathBuf,
}

impl Invocation {
    /// Collects it.
    #[must_use]
    pub fn collect() -> Self {
        let mut words = std::env::args_os();
        Self {
            argv0: words.next().map(PathBuf::from).unwrap_or_default(),
            words: words.collect(),
            env: std::env::vars_os().collect(),
            cwd: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
        }
    }
}

/// Makes this process and its hooks independent of what a caller left us: descriptors,
/// umask, blocked and ignored signals, the group and the limits of a user who started pppd.
///
/// None of it can fail in a way that would be a reason not to go on.
#[expect(unsafe_code, reason = "nix has no close_range, and its Signal no real-time signals")]
pub fn settle() {
    umask(Mode::from_bits_truncate(0o022));
    let close_on_exec = i32::from_ne_bytes(nix::libc::CLOSE_RANGE_CLOEXEC.to_ne_bytes());
    // SAFETY: close_range reads and writes no memory of ours; it only marks what stands
    // above stderr to be closed at the next exec.
    unsafe {
        nix::libc::close_range(3, u32::MAX, close_on_exec);
    }
    let _ = SigSet::empty().thread_set_mask();
    for number in 1..=nix::libc::SIGRTMAX() {
        // Rust ignores SIGPIPE for itself and gives it back to children.
        if number != nix::libc::SIGPIPE {
            // SAFETY: the default action is no handler of ours that could run. For KILL
            // and STOP, and for numbers that are libc's own, it fails and changes nothing.
            let _ = unsafe { nix::libc::signal(number, nix::libc::SIG_DFL) };
        }
    }
    become_roots_group();
    lift_limits();
}

/// The limits of a user who started pppd are ours too: a file size of 0 would end us at the
/// first write, a second of processor time in the middle of a run.
fn lift_limits() {
    use Resource::{RLIMIT_AS, RLIMIT_CPU, RLIMIT_DATA, RLIMIT_FSIZE, RLIMIT_NPROC};
    use Resource::{RLIMIT_NOFILE, RLIMIT_STACK};
    for resource in [RLIMIT_AS, RLIMIT_CPU, RLIMIT_DATA, RLIMIT_FSIZE, RLIMIT_NPROC] {
        raise(resource, RLIM_INFINITY, RLIM_INFINITY);
    }
    // What login gives: more of these is not better.
    raise(RLIMIT_NOFILE, 1024, 4096);
    raise(RLIMIT_STACK, 8 << 20, RLIM_INFINITY);
}

/// Makes a limit no smaller than this; without root's rights, as large as it may be.
fn raise(resource: Resource, soft: rlim_t, hard: rlim_t) {
    let Ok((soft_now, hard_now)) = getrlimit(resource) else { return };
    if soft_now >= soft && hard_now >= hard {
        return;
    }
    if setrlimit(resource, soft.max(soft_now), hard.max(hard_now)).is_err() {
        let _ = setrlimit(resource, soft.max(soft_now).min(hard_now), hard_now);
    }
}

/// pppd started by a user of group dip calls us with uid 0 and that user's groups.
fn become_roots_group() {
    let root = Gid::from_raw(0);
    if !geteuid().is_root() {
        return;
    }
    if getgroups().is_ok_and(|groups| groups.iter().any(|group| *group != root)) {
        let _ = setgroups(&[root]);
    }
    if getegid() != root {
        let _ = setresgid(root, root, root);
    }
}

/// Leaves the caller's session, so that its end and its terminal don't concern us.
pub fn leave_session() {
    let _ = setsid();
    let _ = std::env::set_current_dir("/");
}

/// Whether we have root's rights.
#[must_use]
pub fn is_root() -> bool {
    geteuid().is_root()
}

/// All of stdin, at most `limit` bytes of it.
///
/// # Errors
/// When reading fails or there is more.
pub fn read_stdin(limit: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    io::stdin().take(limit + 1).read_to_end(&mut content)?;
    if content.len() as u64 > limit {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("more than {limit} bytes on stdin"),
        ));
    }
    Ok(content)
}

/// What is said on stdin until its end, at most `limit` bytes of it and for no longer than
/// `within`. More is read and dropped, so that who says it need not see its pipe break. A
/// terminal is not asked.
#[must_use]
pub fn said_on_stdin(limit: usize, within: Duration) -> Vec<u8> {
    let mut said = Vec::new();
    let mut stdin = io::stdin();
    if stdin.is_terminal() {
        return said;
    }
    let deadline = Instant::now() + within;
    let mut piece = [0; 16 * 1024];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
        let mut stdin_ready = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
        if !poll(&mut stdin_ready, timeout).is_ok_and(|ready| ready > 0) {
            return said;
        }
        match stdin.read(&mut piece) {
            Ok(count) if count > 0 => {
                let room = limit.saturating_sub(said.len());
                said.extend(piece.iter().take(count.min(room)));
            }
            _ => return said,
        }
    }
}
