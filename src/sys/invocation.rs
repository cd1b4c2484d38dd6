//! How we were called, collected once.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Read};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{geteuid, setsid};

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

/// Leaves the caller's session, so that its end and its terminal don't concern us, and calls
/// this process by its name: it was started by a link that is called `exe`.
pub fn leave_session() {
    let _ = setsid();
    let _ = nix::sys::prctl::set_name(c"netcue");
    let _ = std::env::set_current_dir("/");
}

/// Whether we have root's rights.
#[must_use]
pub fn is_root() -> bool {
    geteuid().is_root()
}

/// Whether this process may change interfaces, routes and rules (`CAP_NET_ADMIN`). Where the
/// kernel doesn't tell, it may: who tries finds out.
#[must_use]
pub fn may_change_the_network() -> bool {
    const NET_ADMIN: u64 = 1 << 12;
    let effective = std::fs::read_to_string("/proc/self/status").ok().and_then(|status| {
        let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
        u64::from_str_radix(line.trim(), 16).ok()
    });
    effective.is_none_or(|effective| effective & NET_ADMIN != 0)
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
