//! From a call to its rules in force: with nothing before it, behind a hook that takes long,
//! and behind many events that wait.

use std::fs;
use std::time::{Duration, Instant};

use super::Outcome;
use super::cost::{Job, wait_for_orphans};
use super::ground::{Ground, HookKind};
use super::report;

const ROUNDS: usize = 7;
const WAITING: usize = 200;

/// Holds the queue until it is told to end.
const SLOW: &str = "60-slow";

pub(crate) fn rules_at_once(ground: &Ground) -> Outcome {
    report::head(
        "(d) from the call to its rules in force, ms of wall time / with nothing before it",
    )?;
    ground.hooks(0, HookKind::Script)?;
    let call = ground.rules_only();
    let mut free = Vec::new();
    for _ in 0..ROUNDS {
        free.push(until_in_force(ground, &call)?);
        wait_for_orphans()?;
    }
    for (what, waiting) in [("behind a slow hook", 0), ("and 200 waiting events", WAITING)] {
        let mut behind = Vec::new();
        for _ in 0..ROUNDS {
            let release = hold(ground)?;
            for _ in 0..waiting {
                ground.other_event().command().status()?;
            }
            behind.push(until_in_force(ground, &call)?);
            fs::write(release, "")?;
            wait_for_orphans()?;
        }
        report::race(what, &behind, &free, Some(1.5))?;
    }
    ground.hooks(0, HookKind::Script)
}

/// Lets an event's hook hold the queue, and tells which file ends that.
fn hold(ground: &Ground) -> Outcome<std::path::PathBuf> {
    let (begun, release) = (ground.path("begun"), ground.path("release"));
    for file in [&begun, &release] {
        let _ = fs::remove_file(file);
    }
    let (begun_word, release_word) = (begun.display(), release.display());
    ground.hook(
        SLOW,
        &format!(
            "#!/bin/sh\n# netcue: interface=uplink1\n\
         [ -e {begun_word} ] && exit 0\n: >{begun_word}\n\
         until [ -e {release_word} ]; do sleep 0.02; done\n"
        ),
    )?;
    ground.other_event().command().spawn()?;
    let patience = Instant::now() + Duration::from_secs(20);
    while !begun.exists() {
        if Instant::now() > patience {
            return Err("the slow hook did not begin".into());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(release)
}

/// Changes what the rules should be, calls, and takes the time until the call says that they
/// are in force; and looks whether they are.
fn until_in_force(ground: &Ground, call: &Job) -> Outcome<f64> {
    ground.change_inside()?;
    let start = Instant::now();
    let status = call.command().status()?;
    let ms = start.elapsed().as_secs_f64() * 1000.0;
    if !status.success() {
        return Err(format!("the call ended with {status}").into());
    }
    ground.expect_rules_of_now()?;
    Ok(ms)
}
