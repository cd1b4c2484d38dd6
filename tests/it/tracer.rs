//! Runs netcue under ptrace(2) and sends it a signal, such as KILL, when it is about to touch
//! the world for the N-th time.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};

use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

/// System calls that nobody outside the process can tell from their absence. Between two
/// others the world stays as it is, so a death at the second of them stands for a death
/// anywhere between. What isn't listed here counts as a touch, whatever it is.
const UNSEEN: [libc::c_long; 47] = [
    libc::SYS_bind,
    libc::SYS_brk,
    libc::SYS_clock_gettime,
    libc::SYS_epoll_create1,
    libc::SYS_fstat,
    libc::SYS_futex,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgroups,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_getsockname,
    libc::SYS_getsockopt,
    libc::SYS_inotify_init1,
    libc::SYS_ioctl,
    libc::SYS_ioprio_set,
    libc::SYS_lseek,
    libc::SYS_madvise,
    libc::SYS_memfd_create,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_munmap,
    libc::SYS_personality,
    libc::SYS_prctl,
    libc::SYS_newfstatat,
    libc::SYS_pread64,
    libc::SYS_prlimit64,
    libc::SYS_read,
    libc::SYS_recvfrom,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_setscheduler,
    libc::SYS_set_mempolicy,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_setitimer,
    libc::SYS_setpriority,
    libc::SYS_setsockopt,
    libc::SYS_sigaltstack,
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_statx,
];

/// Runs a command up to its touch number `last`, counted from 0, and sends it a signal before
/// that takes place. A command that has no such touch ends by itself.
#[expect(clippy::zombie_processes, reason = "waitpid(2) is called by hand")]
pub(crate) fn run_until(command: &mut Command, last: usize, fatal: Signal) -> ExitStatus {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    #[expect(unsafe_code, reason = "pre_exec has no safe form")]
    // SAFETY: between fork and exec, ptrace(2) is all that is called.
    unsafe {
        command.pre_exec(|| Ok(ptrace::traceme()?));
    }
    let child = command.spawn().expect("netcue");
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid"));
    waitpid(pid, None).expect("stopped by its exec");
    ptrace::setoptions(pid, Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_EXITKILL)
        .expect("options");
    let mut touches = 0;
    let mut signal = None;
    loop {
        ptrace::syscall(pid, signal.take()).expect("on to the next system call");
        match waitpid(pid, None).expect("a child") {
            WaitStatus::PtraceSyscall(_) if !touches_the_world(pid) => {}
            WaitStatus::PtraceSyscall(_) if touches < last => touches += 1,
            WaitStatus::PtraceSyscall(_) => {
                kill(pid, fatal).expect("a living process");
                if fatal != Signal::SIGKILL {
                    ptrace::detach(pid, None).expect("let go");
                }
                return ended(waitpid(pid, None).expect("a child"));
            }
            WaitStatus::Stopped(_, delivered) => signal = Some(delivered),
            other => return ended(other),
        }
    }
}

fn ended(status: WaitStatus) -> ExitStatus {
    match status {
        WaitStatus::Exited(_, status) => ExitStatus::from_raw(status << 8),
        WaitStatus::Signaled(_, signal, _) => ExitStatus::from_raw(signal as i32),
        other => panic!("{other:?}"),
    }
}

/// Whether the stop is the beginning of a system call that somebody else could notice.
fn touches_the_world(pid: Pid) -> bool {
    let info = ptrace::syscall_info(pid).expect("a system call");
    if info.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
        return false;
    }
    #[expect(unsafe_code, reason = "a union of libc's")]
    // SAFETY: at an entry, the kernel fills this variant.
    let entry = unsafe { info.u.entry };
    let number = libc::c_long::try_from(entry.nr).expect("a system call's number");
    if number == libc::SYS_openat {
        let creates = u64::try_from(libc::O_CREAT).expect("a flag");
        return entry.args[2] & creates != 0;
    }
    !UNSEEN.contains(&number)
}
