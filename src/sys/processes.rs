//! Other processes: whether they live, what they are called, and ending those that a run left
//! behind when it was killed, which are found by what stands in their environment.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long to wait between looks whether they have gone.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// How long to wait for those that were sent KILL: what hangs in the kernel never goes.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// Whether a process of that number lives.
#[must_use]
pub fn is_alive(pid: i32) -> bool {
    kill(Pid::from_raw(pid), None) != Err(Errno::ESRCH)
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
        let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
        // PID (COMM) STATE PPID PGRP …, and COMM may hold anything: proc(5).
        let stat = stat.unwrap_or_default();
        let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let (state, group_of) = (fields.next(), fields.nth(1));
        state.is_some_and(|state| state != "Z" && state != "X")
            && group_of == Some(&group.to_string())
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
    is_orphan(&|name| {
        environ.split(|byte| *byte == 0).find_map(|variable| {
            let variable = std::str::from_utf8(variable).ok()?;
            let (key, value) = variable.split_once('=')?;
            (key == name).then(|| value.to_owned())
        })
    })
}
