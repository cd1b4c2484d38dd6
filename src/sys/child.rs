//! Running one program: in a process group of its own, with a time limit, and with its
//! output kept up to a limit.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::{Pid, fchown, getpgid, pipe2};

use super::clock::{Stopwatch, timeout_until};
use super::output::Output;
use super::processes;
use super::signals::Signals;

/// What to run.
#[derive(Debug, Clone)]
pub struct Program {
    /// The file, by absolute path and free of links.
    pub file: PathBuf,
    /// What the program is told it is called.
    pub argv0: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Its whole environment.
    pub env: Vec<(String, String)>,
    /// User and group to run as, where it isn't our own.
    pub user: Option<(u32, u32)>,
    /// What it finds on stdin.
    pub stdin: Vec<u8>,
}

/// How long it may take and how much it may say.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Time until TERM.
    pub timeout: Duration,
    /// Time from TERM to KILL.
    pub grace: Duration,
    /// Bytes of output kept.
    pub output: usize,
}

/// How a program ended.
#[derive(Debug)]
pub enum Ending {
    /// By itself, with this status.
    Exited(i32),
    /// By a signal that was not ours.
    Killed(i32),
    /// It exceeded its limit and was ended.
    TimedOut,
    /// This signal asked us to end, so it was ended.
    Interrupted(i32),
    /// It could not be started.
    NotStarted(io::Error),
}

/// Everything there is to say of a program that has run.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub ending: Ending,
    /// What it said, at most [`Limits::output`] bytes of it.
    pub output: Output,
    /// How long it took, in milliseconds.
    pub milliseconds: f64,
    /// Whether processes it left in its group had to be ended.
    pub left_processes: bool,
}

/// After the program itself has ended, what is left of its group has this long from
/// TERM to KILL.
const LEFTOVER_GRACE: Duration = Duration::from_secs(1);

/// Runs a program to its end, or ends it.
///
/// The group is signalled while its leader is still a zombie, so the number can't have
/// gone to somebody else. Nobody waits for the end of output: a process that has left
/// the group and keeps the pipe open holds nobody.
#[must_use]
pub fn run(program: &Program, limits: Limits, signals: &Signals) -> Ended {
    let watch = Stopwatch::start();
    let mut output = Output::new(limits.output);
    let (ending, left_processes) = match start(program) {
        Err(error) => (Ending::NotStarted(error), false),
        Ok((child, pipe)) => Running { child, pipe, signals, limits }.attend(&mut output),
    };
    Ended { ending, output, milliseconds: watch.milliseconds(), left_processes }
}

fn start(program: &Program) -> io::Result<(Child, OwnedFd)> {
    let (read_end, write_end) = pipe2(OFlag::O_CLOEXEC)?;
    fcntl(&read_end, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    let stdin = file_of(&program.stdin)?;
    stand_at_root()?;
    if let Some((uid, gid)) = program.user {
        // It may open them anew by their names, as /dev/stderr.
        fchown(&write_end, Some(uid.into()), Some(gid.into()))?;
    }
    let mut command = Command::new(&program.file);
    command
        .arg0(&program.argv0)
        .args(&program.args)
        .env_clear()
        .envs(program.env.iter().map(|(name, value)| (name, value)))
        .stdin(stdin)
        .stdout(write_end.try_clone()?)
        .stderr(write_end)
        .process_group(0);
    if let Some((uid, gid)) = program.user {
        // Without groups of its own, std drops root's supplementary groups.
        command.uid(uid).gid(gid);
    }
    // The command owns the write ends: it has to go before the pipe can ever end.
    Ok((command.spawn()?, read_end))
}

/// A file in memory that holds this, to be read from its beginning.
pub(super) fn file_of(content: &[u8]) -> io::Result<File> {
    let mut file = File::from(memfd_create("netcue", MFdFlags::MFD_CLOEXEC)?);
    file.write_all(content)?;
    file.rewind()?;
    Ok(file)
}

/// The child inherits where we stand. Told to go there by itself, it would be forked
/// instead of spawned where glibc is linked in: its weak symbol for that is missing then.
fn stand_at_root() -> io::Result<()> {
    std::env::set_current_dir("/")
}

struct Running<'a> {
    child: Child,
    pipe: OwnedFd,
    signals: &'a Signals,
    limits: Limits,
}

/// Why we end a program, and what comes next.
enum Pressure {
    None,
    Term { why: Why, kill_at: Instant },
    Killed { why: Why },
}

#[derive(Clone, Copy)]
enum Why {
    TimedOut,
    Interrupted(i32),
}

impl Running<'_> {
    fn attend(mut self, output: &mut Output) -> (Ending, bool) {
        let pid = self.pid();
        let deadline = Instant::now() + self.limits.timeout;
        let mut pressure = Pressure::None;
        let mut pipe_open = true;
        loop {
            self.signals.clear();
            if pipe_open {
                pipe_open = output.drain(&self.pipe);
            }
            if has_ended(pid) {
                break;
            }
            pressure = self.press(pid, deadline, pressure);
            self.wait(pipe_open, &pressure, deadline);
        }
        let left_processes = end_group(pid, || self.child.wait());
        output.drain(&self.pipe);
        let status = self.child.wait().ok();
        let ending = match (pressure, status) {
            (Pressure::Term { why, .. } | Pressure::Killed { why }, _) => match why {
                Why::TimedOut => Ending::TimedOut,
                Why::Interrupted(signal) => Ending::Interrupted(signal),
            },
            (Pressure::None, Some(status)) => match (status.code(), status.signal()) {
                (Some(code), _) => Ending::Exited(code),
                (None, Some(signal)) => Ending::Killed(signal),
                (None, None) => Ending::NotStarted(io::Error::other("no exit status")),
            },
            (Pressure::None, None) => Ending::NotStarted(io::Error::other("lost the child")),
        };
        (ending, left_processes)
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap_or_default())
    }

    /// Ends the program when its time is up or ours is.
    fn press(&self, pid: Pid, deadline: Instant, pressure: Pressure) -> Pressure {
        let now = Instant::now();
        match pressure {
            Pressure::None => {
                let why = match self.signals.stop() {
                    Some(signal) => Why::Interrupted(signal),
                    None if now >= deadline => Why::TimedOut,
                    None => return Pressure::None,
                };
                let signal = match why {
                    Why::Interrupted(number) => Signal::try_from(number).unwrap_or(Signal::SIGTERM),
                    Why::TimedOut => Signal::SIGTERM,
                };
                signal_group(pid, signal);
                // A stopped process would not see it.
                signal_group(pid, Signal::SIGCONT);
                Pressure::Term { why, kill_at: now + self.limits.grace }
            }
            Pressure::Term { why, kill_at } if now >= kill_at || self.signals.is_pressing() => {
                signal_group(pid, Signal::SIGKILL);
                Pressure::Killed { why }
            }
            other => other,
        }
    }

    fn wait(&self, pipe_open: bool, pressure: &Pressure, deadline: Instant) {
        let until = match pressure {
            Pressure::None => Some(deadline),
            Pressure::Term { kill_at, .. } => Some(*kill_at),
            Pressure::Killed { .. } => None,
        };
        let [stops, children] = self.signals.wakers();
        let mut fds =
            vec![PollFd::new(stops, PollFlags::POLLIN), PollFd::new(children, PollFlags::POLLIN)];
        if pipe_open {
            fds.push(PollFd::new(self.pipe.as_fd(), PollFlags::POLLIN));
        }
        // A poll that fails is a poll that woke up: the loop looks at everything again.
        let _ = poll(&mut fds, timeout_until(until));
    }
}

/// Whether the child has ended; it stays a zombie, so that its number stays its own.
fn has_ended(pid: Pid) -> bool {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT | WaitPidFlag::WNOHANG;
    !matches!(waitid(Id::Pid(pid), flags), Ok(WaitStatus::StillAlive) | Err(Errno::EINTR))
}

/// Signals a group, and its leader also if that has gone over to another group: a program
/// may do so, and is no less ours then.
fn signal_group(leader: Pid, signal: Signal) {
    if leader.as_raw() <= 1 {
        return;
    }
    let _ = killpg(leader, signal);
    if getpgid(Some(leader)).is_ok_and(|group| group != leader) {
        let _ = kill(leader, signal);
    }
}

/// Ends what the leader left in its group. Tells whether there was anything.
fn end_group<T>(leader: Pid, reap: impl FnOnce() -> T) -> bool {
    signal_group(leader, Signal::SIGTERM);
    signal_group(leader, Signal::SIGCONT);
    reap();
    // While the group has a member, its number isn't given to a new process.
    if leader.as_raw() <= 1 || kill(Pid::from_raw(-leader.as_raw()), None).is_err() {
        return false;
    }
    let kill_at = Instant::now() + LEFTOVER_GRACE;
    while processes::group_lives(leader) {
        if Instant::now() >= kill_at {
            signal_group(leader, Signal::SIGKILL);
            break;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    true
}

/// Starts netcue again, free of everything this process was given: no descriptors, no
/// environment, no terminal. It is not waited for.
///
/// # Errors
/// When it can't be started.
pub fn start_detached(args: &[&OsStr]) -> io::Result<()> {
    start_free(Command::new("/proc/self/exe").arg0("netcue").args(args))
}

/// Starts a tool of the system's, given by its path and its words, in the same way.
///
/// # Errors
/// When it can't be started.
pub fn start_tool(words: &[&str]) -> io::Result<()> {
    match words.split_first() {
        Some((program, rest)) => start_free(Command::new(program).args(rest)),
        None => Ok(()),
    }
}

fn start_free(command: &mut Command) -> io::Result<()> {
    stand_at_root()?;
    command
        .env_clear()
        .env("PATH", super::invocation::PATH)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map(drop)
}
