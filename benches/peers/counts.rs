//! What one event without hooks comes to in counts, which no noise of the machine changes:
//! system calls by strace, instructions in user space by valgrind, page faults, memory.

use std::fs;
use std::process::{Command, Output};

use super::Outcome;
use super::cost::{Job, in_turn};
use super::ground::{Ground, HookKind};
use super::report;

const ROUNDS: usize = 20;

pub(crate) fn count(ground: &Ground) -> Outcome {
    ground.hooks(0, HookKind::Script)?;
    ground.event().run()?;
    report::head("(a) one event without hooks, rules unchanged, in counts")?;
    report::at_most("system calls", system_calls(&ground.event())?, 200.0)?;
    report::at_most("instructions, thousands", instructions(&ground.event())? / 1000.0, 400.0)?;
    let spent = in_turn(ROUNDS, &[&ground.event(), &ground.floor()], || Ok(()))?;
    let faults: Vec<f64> = spent
        .iter()
        .map(|rounds| {
            let faults = rounds.iter().filter_map(|round| i32::try_from(round.faults).ok());
            report::median(&faults.map(f64::from).collect::<Vec<_>>())
        })
        .collect();
    let of = |index: usize| faults.get(index).copied().unwrap_or(f64::NAN);
    report::at_most("page faults", of(0), 80.0)?;
    report::line(&format!(
        "  the floor: {} system calls, {} page faults",
        system_calls(&ground.floor())?,
        of(1)
    ))?;
    report::at_most("own memory at a hook, KiB (RssAnon)", memory(ground)?, 512.0)
}

fn system_calls(job: &Job) -> Outcome<f64> {
    let file = tempfile::NamedTempFile::new()?;
    let path = file.path().to_string_lossy().into_owned();
    job.under("strace", &["-qq", "-o", &path]).run()?;
    let calls = fs::read_to_string(file.path())?.lines().count();
    Ok(f64::from(u32::try_from(calls)?))
}

fn instructions(job: &Job) -> Outcome<f64> {
    let words = ["--tool=callgrind", "--callgrind-out-file=/dev/null"];
    let mut command: Command = job.under("valgrind", &words).command();
    let Output { stderr, status, .. } = command.stderr(std::process::Stdio::piped()).output()?;
    let text = String::from_utf8_lossy(&stderr);
    let collected = text.lines().find_map(|line| line.split("Collected :").nth(1));
    match collected.map(|number| number.trim().parse()) {
        Some(Ok(number)) if status.success() => Ok(number),
        _ => Err(format!("valgrind: {status}: {text}").into()),
    }
}

/// What a hook's parent holds while the hook runs, in KiB.
fn memory(ground: &Ground) -> Outcome<f64> {
    let report = tempfile::NamedTempFile::new()?;
    let path = report.path().display();
    ground.hook("60-memory", &format!("#!/bin/sh\ngrep RssAnon /proc/$PPID/status >{path}\n"))?;
    ground.event().run()?;
    let text = fs::read_to_string(report.path())?;
    let number = text.split_whitespace().nth(1).ok_or("the hook saw no RssAnon")?;
    Ok(number.parse()?)
}
