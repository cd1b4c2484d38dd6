//! Runs netcue under ptrace(2) and lets one thing go wrong at the N-th moment at which it could:
//! a signal, such as KILL, an error, or a short write.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};

use nix::errno::Errno;
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
pub(crate) fn run_until(command: &mut Command, last: usize, fatal: Signal) -> ExitStatus {
    command.stderr(Stdio::null());
    run_with(command, last, Fault::Signal(fatal)).status
}

/// What goes wrong at one moment of a process.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// It gets a signal before it touches the world.
    Signal(Signal),
    /// A system call fails, and has done nothing.
    Error(Errno),
    /// Only half of what it writes is taken.
    Short,
}

/// How a process that something went wrong for has ended.
pub(crate) struct Struck {
    pub(crate) status: ExitStatus,
    /// The number of the system call that was struck; none if the process had not so many.
    pub(crate) at: Option<libc::c_long>,
}

/// Runs a command and lets one thing go wrong: at the moment number `last`, counted from 0,
/// of those at which it could. Its children are left alone.
#[expect(clippy::zombie_processes, reason = "waitpid(2) is called by hand")]
pub(crate) fn run_with(command: &mut Command, last: usize, fault: Fault) -> Struck {
    command.stdin(Stdio::null()).stdout(Stdio::null());
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
    let mut moments = 0;
    let mut signal = None;
    let mut has_begun = false;
    let mut at = None;
    loop {
        if at.is_none() {
            ptrace::syscall(pid, signal.take()).expect("on to the next system call");
        } else {
            ptrace::cont(pid, signal.take()).expect("on to the end");
        }
        match waitpid(pid, None).expect("a child") {
            WaitStatus::PtraceSyscall(_) => {
                let Some((number, args)) = entered(pid) else { continue };
                // Before that the loader and the language's runtime are at work, not netcue.
                has_begun |= number == libc::SYS_sigaltstack;
                if !has_begun || !fault.can_strike(pid, number, args) {
                    continue;
                }
                if moments == last {
                    at = Some(number);
                    if let Some(status) = fault.strike(pid) {
                        return Struck { status, at };
                    }
                }
                moments += 1;
            }
            WaitStatus::Stopped(_, delivered) => signal = Some(delivered),
            other => return Struck { status: ended(other), at },
        }
    }
}

/// System calls that can't fail, or not without the language's runtime ending the process:
/// those that ask for memory, and those about the process itself.
const NEVER_FAILS: [libc::c_long; 22] = [
    libc::SYS_brk,
    libc::SYS_clock_gettime,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_getuid,
    libc::SYS_madvise,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_munmap,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_sigaltstack,
];

impl Fault {
    /// Whether it makes a difference at the beginning of this system call.
    fn can_strike(self, pid: Pid, number: libc::c_long, args: [u64; 6]) -> bool {
        let is_write = number == libc::SYS_write || number == libc::SYS_pwrite64;
        match self {
            Self::Signal(_) => touches_the_world(number, args),
            Self::Error(Errno::ENOSPC) => is_write || takes_room(number, args),
            // Of a folder nothing is written when it is closed, and Rust's library takes an
            // error for a mistake of the program.
            Self::Error(_) if number == libc::SYS_close => !is_folder(pid, args[0]),
            Self::Error(_) => !NEVER_FAILS.contains(&number),
            Self::Short => is_write && args[2] > 1,
        }
    }

    /// Strikes the process, which stands at the beginning of a system call. Tells how it
    /// ended, if it has.
    fn strike(self, pid: Pid) -> Option<ExitStatus> {
        match self {
            Self::Signal(fatal) => {
                kill(pid, fatal).expect("a living process");
                if fatal != Signal::SIGKILL {
                    ptrace::detach(pid, None).expect("let go");
                }
                return Some(ended(waitpid(pid, None).expect("a child")));
            }
            Self::Error(errno) => {
                let mut registers = ptrace::getregs(pid).expect("registers");
                // No system call has this number: the kernel does nothing.
                registers.orig_rax = u64::MAX;
                ptrace::setregs(pid, registers).expect("registers");
                ptrace::syscall(pid, None).expect("on to its end");
                assert!(matches!(waitpid(pid, None), Ok(WaitStatus::PtraceSyscall(_))));
                let answer = i64::from(-(errno as i32));
                registers.rax = u64::from_ne_bytes(answer.to_ne_bytes());
                ptrace::setregs(pid, registers).expect("registers");
            }
            Self::Short => {
                let mut registers = ptrace::getregs(pid).expect("registers");
                registers.rdx /= 2;
                ptrace::setregs(pid, registers).expect("registers");
            }
        }
        None
    }
}

fn ended(status: WaitStatus) -> ExitStatus {
    match status {
        WaitStatus::Exited(_, status) => ExitStatus::from_raw(status << 8),
        WaitStatus::Signaled(_, signal, _) => ExitStatus::from_raw(signal as i32),
        other => panic!("{other:?}"),
    }
}

/// The number and words of the system call at whose beginning the process stands; none at
/// its end.
fn entered(pid: Pid) -> Option<(libc::c_long, [u64; 6])> {
    let info = ptrace::syscall_info(pid).expect("a system call");
    if info.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
        return None;
    }
    #[expect(unsafe_code, reason = "a union of libc's")]
    // SAFETY: at an entry, the kernel fills this variant.
    let entry = unsafe { info.u.entry };
    let number = libc::c_long::try_from(entry.nr).expect("a system call's number");
    Some((number, entry.args))
}

/// Whether somebody else could notice this system call.
fn touches_the_world(number: libc::c_long, args: [u64; 6]) -> bool {
    if number == libc::SYS_openat {
        let creates = u64::try_from(libc::O_CREAT).expect("a flag");
        return args[2] & creates != 0;
    }
    !UNSEEN.contains(&number)
}

/// Whether a file system without room refuses it.
fn takes_room(number: libc::c_long, args: [u64; 6]) -> bool {
    let makes = [
        libc::SYS_fallocate,
        libc::SYS_fdatasync,
        libc::SYS_fsync,
        libc::SYS_link,
        libc::SYS_linkat,
        libc::SYS_mkdir,
        libc::SYS_mkdirat,
        libc::SYS_rename,
        libc::SYS_renameat,
        libc::SYS_renameat2,
    ];
    makes.contains(&number) || number == libc::SYS_openat && touches_the_world(number, args)
}

fn is_folder(pid: Pid, descriptor: u64) -> bool {
    std::path::Path::new(&format!("/proc/{pid}/fd/{descriptor}")).is_dir()
}
