//! Starting processes, waiting for them, and the time and memory that takes.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::libc;

use super::Outcome;

/// Rounds that are run and not counted.
const WARM_UP: usize = 5;

/// How often each side is run when so many rounds count.
pub(crate) fn rounds_in_all(rounds: usize) -> usize {
    rounds + WARM_UP
}

/// Something to be run, again and again.
pub(crate) struct Job {
    program: PathBuf,
    words: Vec<String>,
}

/// What one run of it took.
pub(crate) struct Spent {
    /// From before the start to after the end.
    pub(crate) ms: f64,
    /// Peak memory of the process, or of the largest it has waited for.
    pub(crate) peak_kib: i64,
}

impl Job {
    pub(crate) fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), words: Vec::new() }
    }

    pub(crate) fn word(mut self, word: impl Into<String>) -> Self {
        self.words.push(word.into());
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.words)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        command
    }

    /// Runs it once.
    pub(crate) fn run(&self) -> Outcome<Spent> {
        let mut command = self.command();
        let start = Instant::now();
        let child = command.spawn()?;
        let (status, peak_kib) = wait(child.id())?;
        let ms = elapsed(start);
        if status != 0 {
            return Err(
                format!("{} ended with wait status {status}", self.program.display()).into()
            );
        }
        Ok(Spent { ms, peak_kib })
    }

    /// Runs it many times at once, and waits for all.
    pub(crate) fn run_many(&self, times: usize) -> Outcome {
        let mut children = Vec::new();
        for _ in 0..times {
            children.push(self.command().spawn()?);
        }
        for child in &mut children {
            let status = child.wait()?;
            if !status.success() {
                return Err(format!("{}: {status}", self.program.display()).into());
            }
        }
        Ok(())
    }
}

/// Waits for a child; its wait status, and its peak memory in KiB.
fn wait(pid: u32) -> Outcome<(i32, i64)> {
    let mut status = 0;
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    #[expect(unsafe_code, reason = "wait4(2) has no safe form")]
    // SAFETY: both pointers lead to memory of ours that outlives the call.
    let waited = unsafe { libc::wait4(pid.try_into()?, &raw mut status, 0, usage.as_mut_ptr()) };
    if waited < 0 {
        return Err(std::io::Error::last_os_error().into());
    }
    #[expect(unsafe_code, reason = "what the kernel filled in")]
    // SAFETY: all zero is a valid rusage, and the kernel has written over it.
    let usage = unsafe { usage.assume_init() };
    Ok((status, usage.ru_maxrss))
}

/// Runs both in turn; `prepare` comes before each pair and isn't counted.
pub(crate) fn in_turn(
    rounds: usize,
    ours: &Job,
    peer: &Job,
    mut prepare: impl FnMut() -> Outcome,
) -> Outcome<(Vec<f64>, Vec<f64>)> {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for round in 0..rounds_in_all(rounds) {
        prepare()?;
        let (ours, peer) = (ours.run()?.ms, peer.run()?.ms);
        if round >= WARM_UP {
            a.push(ours);
            b.push(peer);
        }
    }
    Ok((a, b))
}

/// How long something takes.
pub(crate) fn milliseconds(work: impl FnOnce() -> Outcome) -> Outcome<f64> {
    let start = Instant::now();
    work()?;
    Ok(elapsed(start))
}

fn elapsed(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}
