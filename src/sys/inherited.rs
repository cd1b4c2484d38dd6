//! What a caller left us, put back, so that we and our hooks find the same world whoever calls.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nix::libc;
use nix::sched::{sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, rlim_t, setrlimit};
use nix::sys::signal::SigSet;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Gid, Pid, getegid, geteuid, getgroups, setgroups, setresgid};
use signal_hook::consts::SIGXFSZ;

/// Makes this process and its hooks independent of what a caller left us: descriptors,
/// umask, signals, timers, standing with the scheduler, and the group and the limits of a user
/// who started pppd.
///
/// None of it can fail in a way that would be a reason not to go on.
pub fn put_back() {
    umask(Mode::from_bits_truncate(0o022));
    close_at_exec();
    reset_signals();
    reset_timers();
    reset_scheduling();
    reset_standing();
    become_roots_group();
    lift_limits();
}

#[expect(unsafe_code, reason = "nix has no close_range")]
fn close_at_exec() {
    let close_on_exec = i32::from_ne_bytes(libc::CLOSE_RANGE_CLOEXEC.to_ne_bytes());
    // SAFETY: close_range reads and writes no memory of ours; it only marks what stands
    // above stderr to be closed at the next exec.
    unsafe {
        libc::close_range(3, u32::MAX, close_on_exec);
    }
}

#[expect(unsafe_code, reason = "nix's Signal has no real-time signals")]
fn reset_signals() {
    let _ = SigSet::empty().thread_set_mask();
    let ignored = ignored_signals();
    for number in 1..=libc::SIGRTMAX() {
        let is_ignored = ignored.is_none_or(|set| set >> (number - 1) & 1 == 1);
        // Rust ignores SIGPIPE for itself and gives it back to children.
        if is_ignored && number != libc::SIGPIPE {
            // SAFETY: the default action is no handler of ours that could run. For KILL
            // and STOP, and for numbers that are libc's own, it fails and changes nothing.
            let _ = unsafe { libc::signal(number, libc::SIG_DFL) };
        }
    }
    // A limit that we may not lift fails a write then, which is said, instead of ending us in
    // silence. A handler, because exec gives hooks the default back; ignoring would stay.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
}

/// The signals that this process ignores, the lowest bit being the first: proc(5). Exec leaves
/// nothing else of what a caller had done with them. None where /proc does not tell.
fn ignored_signals() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

/// Timers outlive an exec: an alarm that a caller set would end us in the middle of a run. So
/// does the wish to be killed when the parent ends.
fn reset_timers() {
    let never = [0_u64; 4];
    for timer in [libc::ITIMER_REAL, libc::ITIMER_VIRTUAL, libc::ITIMER_PROF] {
        tell(libc::SYS_setitimer, [timer.into(), address(&never), 0]);
    }
    tell(libc::SYS_prctl, [libc::PR_SET_PDEATHSIG.into(), 0, 0]);
    tell(libc::SYS_prctl, [libc::PR_SET_TIMERSLACK.into(), TIMER_SLACK, 0]);
}

/// What a process is started with, in nanoseconds.
const TIMER_SLACK: libc::c_long = 50_000;

/// `IOPRIO_WHO_PROCESS` of `linux/ioprio.h`.
const OF_PROCESS: libc::c_long = 1;

/// `MPOL_DEFAULT` of `linux/mempolicy.h`.
const DEFAULT_POLICY: libc::c_long = 0;

/// The process all others come from.
const FIRST: Pid = Pid::from_raw(1);

/// Class, priorities, processors, memory policy: those of a process nobody did anything to.
fn reset_scheduling() {
    let no_priority = 0_i32;
    tell(libc::SYS_sched_setscheduler, [0, libc::SCHED_OTHER.into(), address(&no_priority)]);
    tell(libc::SYS_setpriority, [libc::PRIO_PROCESS.into(), 0, 0]);
    tell(libc::SYS_ioprio_set, [OF_PROCESS, 0, 0]);
    tell(libc::SYS_set_mempolicy, [DEFAULT_POLICY, 0, 0]);
    // An administrator may have given all processes some processors only, by way of the first.
    if let Ok(all) = sched_getaffinity(FIRST) {
        if sched_getaffinity(OURS).is_ok_and(|ours| ours != all) {
            let _ = sched_setaffinity(OURS, &all);
        }
    }
}

/// As system calls name the process that makes them.
const OURS: Pid = Pid::from_raw(0);

/// Which machine we are told we are on, and how willing the kernel is to end us.
fn reset_standing() {
    const ASK: libc::c_long = 0xffff_ffff;
    if tell(libc::SYS_personality, [ASK, 0, 0]) > 0 {
        // A container for another word length has its own for all its processes.
        let firsts = fs::read_to_string("/proc/1/personality").unwrap_or_default();
        let firsts = libc::c_long::from_str_radix(firsts.trim(), 16).unwrap_or(0);
        tell(libc::SYS_personality, [firsts, 0, 0]);
    }
    let score = "/proc/self/oom_score_adj";
    if fs::read_to_string(score).is_ok_and(|score| score.trim() != "0") {
        let _ = fs::write(score, "0");
    }
}

/// Makes a system call for which neither nix nor every libc has a function.
#[expect(unsafe_code, reason = "a system call by its number has no safe form")]
fn tell(call: libc::c_long, words: [libc::c_long; 3]) -> libc::c_long {
    // SAFETY: none of the calls made here writes into this process's memory, and what they
    // read lives until they return. A missing fourth word is looked at by none of them.
    unsafe { libc::syscall(call, words[0], words[1], words[2]) }
}

fn address<T>(of: &T) -> libc::c_long {
    libc::c_long::try_from(std::ptr::from_ref(of).expose_provenance()).unwrap_or(0)
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
