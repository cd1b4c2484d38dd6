//! Other processes: whether they live, what they are called, and ending those that a run left
//! behind when it was killed, which are found by what stands in their environment.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, SysconfVar, sysconf};

use super::clock;

/// How long to wait between looks whether they have gone.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// How long to wait for those that were sent KILL: what hangs in the kernel never goes.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// A process, told from any that was given the same number before or after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Its number.
    pub pid: i32,
    /// When it was started, in clock ticks since the machine was.
    pub start: u64,
}

impl Identity {
    /// That of this process.
    #[must_use]
    pub fn ours() -> Self {
        static START_OF: OnceLock<(i32, u64)> = OnceLock::new();
        let pid = Pid::this().as_raw();
        let read = || {
            let start = fields_of("self").and_then(|fields| fields.get(START)?.parse().ok());
            start.unwrap_or(0)
        };
        let (of, start) = *START_OF.get_or_init(|| (pid, read()));
        // A child that was forked has a start of its own.
        Self { pid, start: if of == pid { start } else { read() } }
    }

    /// Whether it lives; a zombie doesn't. Without a /proc to ask, it is taken to live.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        let Some(fields) = fields_of(&self.pid.to_string()) else {
            return !Path::new("/proc/self/stat").exists();
        };
        let field = |at: usize| fields.get(at).map_or("", String::as_str);
        field(START) == self.start.to_string() && !matches!(field(STATE), "Z" | "X")
    }

    /// Whether this process comes from it: by way of those that started one another, none of
    /// which has ended.
    #[must_use]
    pub fn is_our_ancestor(&self) -> bool {
        let mut pid = "self".to_owned();
        for _ in 0..MOST_ANCESTORS {
            let parent = fields_of(&pid).and_then(|fields| fields.get(PARENT).cloned());
            pid = parent.unwrap_or_default();
            if pid == self.pid.to_string() {
                return self.is_alive();
            }
        }
        false
    }
}

/// A variable of this process's environment, or of the nearest of those that started it: sudo
/// and its like take away most of what a session began with.
#[must_use]
pub fn inherited_variable(name: &str) -> Option<String> {
    let mut pid = "self".to_owned();
    for _ in 0..MOST_ANCESTORS {
        let environ = fs::read(Path::new("/proc").join(&pid).join("environ")).unwrap_or_default();
        if let Some(value) = variable(&environ, name) {
            return Some(value);
        }
        pid = fields_of(&pid)?.get(PARENT).cloned()?;
    }
    None
}

/// Processes that started one another which are looked at.
const MOST_ANCESTORS: usize = 64;

/// Places among the fields of /proc/PID/stat that follow the process's name: proc(5).
const STATE: usize = 0;
const PARENT: usize = 1;
const GROUP: usize = 2;
const START: usize = 19;

/// What /proc/PID/stat says behind the process's name, which may hold anything.
fn fields_of(pid: &str) -> Option<Vec<String>> {
    let stat = fs::read_to_string(Path::new("/proc").join(pid).join("stat")).ok()?;
    Some(stat.rsplit(')').next()?.split_whitespace().map(ToOwned::to_owned).collect())
}

/// A process as people look for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// What it is called, as in `ps`.
    pub name: String,
    /// What it does, in the letters of proc(5): `T` is stopped, `t` by a debugger.
    pub state: char,
}

/// Looks at a process; none if it has gone.
#[must_use]
pub fn look(pid: i32) -> Option<Process> {
    let state = fields_of(&pid.to_string())?.get(STATE)?.chars().next()?;
    let name = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("comm")).ok()?;
    Some(Process { pid, name: name.trim_end().to_owned(), state })
}

/// The process that holds a lock on the file at `path`, as far as we may look into others.
#[must_use]
pub fn who_locks(path: &Path) -> Option<i32> {
    let name = path.as_os_str();
    processes().find(|pid| locks(&Path::new("/proc").join(pid.to_string()), name)).map(Pid::as_raw)
}

/// Whether the process behind a folder of /proc holds a lock on a file of that name.
fn locks(folder: &Path, name: &OsStr) -> bool {
    fs::read_dir(folder.join("fd")).into_iter().flatten().flatten().any(|open| {
        fs::read_link(open.path()).is_ok_and(|target| target.as_os_str() == name)
            && fs::read_to_string(folder.join("fdinfo").join(open.file_name()))
                .is_ok_and(|info| info.contains("\nlock:"))
    })
}

/// The processes of which one of the first words they were called with is wanted: their number,
/// that word, and for how long they have run. A script's own path follows its interpreter's.
#[must_use]
pub fn called_with(is_wanted: &dyn Fn(&str) -> bool) -> Vec<(i32, String, Duration)> {
    let wanted = |pid: Pid| {
        let line = fs::read(Path::new("/proc").join(pid.to_string()).join("cmdline")).ok()?;
        let words = line.split(|byte| *byte == 0).take(FIRST_WORDS);
        let mut words = words.filter_map(|word| std::str::from_utf8(word).ok());
        let word = words.find(|word| is_wanted(word))?.to_owned();
        let fields = fields_of(&pid.to_string())?;
        let ticks: u64 = fields.get(START)?.parse().ok()?;
        let second = sysconf(SysconfVar::CLK_TCK).ok()??;
        let start = Duration::from_secs(ticks) / u32::try_from(second).ok()?;
        let age = Duration::from_nanos(clock::boottime_ns()).saturating_sub(start);
        Some((pid.as_raw(), word, age))
    };
    processes().filter_map(wanted).collect()
}

/// An interpreter, an option of it, and the script.
const FIRST_WORDS: usize = 3;

/// Whether another netcue holds a lock on a file that stood at `path` and was removed.
#[must_use]
pub(super) fn anybody_locks_deleted(path: &Path) -> bool {
    let mut name = path.as_os_str().to_owned();
    name.push(" (deleted)");
    let is_ours = |folder: &Path| {
        let program = fs::read_link(folder.join("exe")).unwrap_or_default();
        let program = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        program.strip_suffix(" (deleted)").unwrap_or(&program) == "netcue"
    };
    processes().map(|pid| Path::new("/proc").join(pid.to_string())).any(|folder| {
        // Most processes are something else: one look is enough for them.
        is_ours(&folder) && locks(&folder, &name)
    })
}

/// The process behind a netlink port, in words. As nft(8) does, it takes the port for the
/// process's number: the kernel gives a socket that one unless it is taken or another is
/// asked for.
#[must_use]
pub fn by_port(port: u32) -> String {
    match fs::read_to_string(Path::new("/proc").join(port.to_string()).join("comm")) {
        Ok(name) => format!("another process ({}, pid {port})", name.trim_end()),
        Err(_) => format!("another process (netlink port {port})"),
    }
}

/// Ends every process whose environment `is_orphan` takes: TERM, and KILL after `grace`.
/// Returns how many there were.
///
/// Only what a process was started with counts: `/proc/PID/environ` is not changed by
/// the process itself, and a reused number brings another environment with it.
pub fn end_orphans(
    grace: Duration,
    is_orphan: impl Fn(&dyn Fn(&str) -> Option<String>) -> bool,
) -> usize {
    let orphans = || -> Vec<Pid> { processes().filter(|pid| is_one(*pid, &is_orphan)).collect() };
    let found = orphans();
    signal_all(&found, Signal::SIGTERM);
    signal_all(&found, Signal::SIGCONT);
    let kill_at = Instant::now() + grace;
    loop {
        let left = orphans();
        let now = Instant::now();
        if left.is_empty() || now >= kill_at + LAST_WAIT {
            return found.len();
        }
        if now >= kill_at {
            signal_all(&left, Signal::SIGKILL);
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// Whether a process group has a member that is no zombie: whoever adopts the dead may
/// take its time.
#[must_use]
pub(super) fn group_lives(group: Pid) -> bool {
    processes().any(|pid| {
        let fields = fields_of(&pid.to_string()).unwrap_or_default();
        fields.get(STATE).is_some_and(|state| state != "Z" && state != "X")
            && fields.get(GROUP) == Some(&group.to_string())
    })
}

fn signal_all(pids: &[Pid], signal: Signal) {
    for pid in pids {
        let _ = kill(*pid, signal);
    }
}

fn processes() -> impl Iterator<Item = Pid> {
    let ours = Pid::this();
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .map(Pid::from_raw)
        .filter(move |pid| *pid != ours)
}

/// A zombie has no environment left, so it counts as gone.
fn is_one(pid: Pid, is_orphan: impl Fn(&dyn Fn(&str) -> Option<String>) -> bool) -> bool {
    let path = Path::new("/proc").join(pid.to_string()).join("environ");
    let Ok(environ) = fs::read(path) else { return false };
    is_orphan(&|name| variable(&environ, name))
}

/// The value of a variable in what `/proc/PID/environ` holds.
fn variable(environ: &[u8], name: &str) -> Option<String> {
    environ.split(|byte| *byte == 0).find_map(|variable| {
        let (key, value) = std::str::from_utf8(variable).ok()?.split_once('=')?;
        (key == name).then(|| value.to_owned())
    })
}
