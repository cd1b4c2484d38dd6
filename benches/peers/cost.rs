//! Starting processes, waiting for them and all they leave behind, and what that costs.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::prctl::set_child_subreaper;
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};
use nix::sys::wait::wait;

use super::Outcome;

/// Rounds that are run and not counted.
const WARM_UP: usize = 5;

/// How often each side is run when so many rounds count.
pub(crate) fn rounds_in_all(rounds: usize) -> usize {
    rounds + WARM_UP
}

/// Something to be run, again and again.
#[derive(Clone)]
pub(crate) struct Job {
    program: PathBuf,
    words: Vec<String>,
}

/// What one run of it cost, with everything that it started.
#[derive(Clone, Copy)]
pub(crate) struct Spent {
    /// From before the start to the end of the process itself.
    pub(crate) wall_ms: f64,
    /// CPU time, user and system.
    pub(crate) cpu_ms: f64,
    /// Page faults that needed no disk.
    pub(crate) faults: i64,
}

/// What is started from here and left by its parent becomes our child, so that its time is
/// counted: netcue leaves the closing of its socket to such a process.
pub(crate) fn inherit_orphans() -> Outcome {
    Ok(set_child_subreaper(true)?)
}

impl Job {
    pub(crate) fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), words: Vec::new() }
    }

    pub(crate) fn word(mut self, word: impl Into<String>) -> Self {
        self.words.push(word.into());
        self
    }

    pub(crate) fn words<const COUNT: usize>(self, words: [&str; COUNT]) -> Self {
        words.into_iter().fold(self, Self::word)
    }

    /// The same as the words that follow those of another program.
    pub(crate) fn under(&self, program: &str, words: &[&str]) -> Self {
        let mut under = words.iter().copied().fold(Self::new(program), Self::word);
        under.words.push(self.program.to_string_lossy().into_owned());
        under.words.extend(self.words.iter().cloned());
        under
    }

    pub(crate) fn command(&self) -> Command {
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

    /// Runs it once, and waits for everything that it started.
    pub(crate) fn run(&self) -> Outcome<Spent> {
        let (before, start) = (children()?, Instant::now());
        let status = self.command().status()?;
        let wall_ms = start.elapsed().as_secs_f64() * 1000.0;
        wait_for_orphans()?;
        let after = children()?;
        self.expect_success(status)?;
        Ok(Spent {
            wall_ms,
            cpu_ms: cpu_ms(&after) - cpu_ms(&before),
            faults: after.minor_page_faults() - before.minor_page_faults(),
        })
    }

    /// Runs it many times at once, waits for all and for what they started; the CPU time.
    pub(crate) fn run_many(&self, times: usize) -> Outcome<f64> {
        let before = children()?;
        let mut running = Vec::new();
        for _ in 0..times {
            running.push(self.command().spawn()?);
        }
        for child in &mut running {
            let status = child.wait()?;
            self.expect_success(status)?;
        }
        wait_for_orphans()?;
        Ok(cpu_ms(&children()?) - cpu_ms(&before))
    }

    fn expect_success(&self, status: ExitStatus) -> Outcome {
        if status.success() {
            return Ok(());
        }
        Err(format!("{}: {status}", self.program.display()).into())
    }
}

/// Waits until nothing is left of what was started.
pub(crate) fn wait_for_orphans() -> Outcome {
    loop {
        match wait() {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(Errno::ECHILD) => return Ok(()),
            Err(errno) => return Err(errno.into()),
        }
    }
}

fn children() -> Outcome<Usage> {
    Ok(getrusage(UsageWho::RUSAGE_CHILDREN)?)
}

fn cpu_ms(usage: &Usage) -> f64 {
    let ms =
        |time: TimeVal| std::time::Duration::from_micros(time.num_microseconds().unsigned_abs());
    (ms(usage.user_time()) + ms(usage.system_time())).as_secs_f64() * 1000.0
}

/// The CPU time of something that this process does itself, and has done by its children.
pub(crate) fn own_cpu_ms(work: impl FnOnce() -> Outcome) -> Outcome<f64> {
    let spent = || -> Outcome<f64> {
        Ok(cpu_ms(&getrusage(UsageWho::RUSAGE_SELF)?) + cpu_ms(&children()?))
    };
    let before = spent()?;
    work()?;
    Ok(spent()? - before)
}

/// Runs all in turn, again and again; `prepare` comes before each and isn't counted. What each
/// round of each cost, in the order of the jobs.
pub(crate) fn in_turn(
    rounds: usize,
    jobs: &[&Job],
    mut prepare: impl FnMut() -> Outcome,
) -> Outcome<Vec<Vec<Spent>>> {
    let mut spent = vec![Vec::new(); jobs.len()];
    for round in 0..rounds_in_all(rounds) {
        prepare()?;
        for (job, spent) in jobs.iter().zip(&mut spent) {
            let once = job.run()?;
            if round >= WARM_UP {
                spent.push(once);
            }
        }
    }
    Ok(spent)
}
