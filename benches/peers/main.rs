//! Measures netcue against what people use in its place, run-parts and a shell script, and
//! against the floor: a C program that makes the system calls that cannot be left out.
//!
//! `make bench` runs it. What is compared is CPU time, user and system, of everything that
//! was started, since wall time on a busy machine hides and invents changes; and counts.
//! Every measurement takes netcue and its peers in turn (A B C A B C), in one network
//! namespace and one root of its own, and prints medians and their ratio with the limit
//! beside it. A limit missed is a line in the report; the exit status is an error only when
//! something did not work.

mod ahead;
mod cost;
mod counts;
mod engine;
mod floor;
mod ground;
mod report;

use std::error::Error;

use cost::{Spent, in_turn, rounds_in_all};
use ground::{Ground, HookKind};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const ROUNDS: usize = 60;
const STORMS: usize = 5;
const STORM_CALLS: usize = 200;

fn main() -> Outcome {
    ground::leave_the_machine()?;
    cost::inherit_orphans()?;
    let ground = Ground::lay()?;
    report::line(&format!("netcue: {}", ground.netcue.display()))?;
    counts::count(&ground)?;
    unchanged(&ground)?;
    changed(&ground)?;
    storm(&ground)?;
    ahead::rules_at_once(&ground)?;
    engine::alone(&ground)
}

fn cpu(spent: &[Spent]) -> Vec<f64> {
    spent.iter().map(|round| round.cpu_ms).collect()
}

fn wall(spent: &[Spent]) -> Vec<f64> {
    spent.iter().map(|round| round.wall_ms).collect()
}

/// (a) One event that leaves the rules as they are, against run-parts on the same folder.
fn unchanged(ground: &Ground) -> Outcome {
    report::head("(a) one event, rules unchanged / run-parts on the same hooks, ms of CPU time")?;
    for (count, kind, limit) in [
        (0, HookKind::Script, None),
        (1, HookKind::Script, None),
        (10, HookKind::Script, Some(1.05)),
        (50, HookKind::Script, Some(1.0)),
        (10, HookKind::True, None),
        (50, HookKind::True, None),
    ] {
        ground.hooks(count, kind)?;
        let before = ground.outcomes()?;
        let jobs = [&ground.event(), &ground.run_parts(), &ground.floor()];
        let spent = in_turn(ROUNDS, &jobs, || Ok(()))?;
        ground.expect_outcomes(before, rounds_in_all(ROUNDS), "unchanged rules")?;
        let [netcue, peer, floor] = spent.as_slice() else {
            return Err("three jobs have three results".into());
        };
        let what = format!("{count:2} hooks, {}", kind.name());
        report::race(&what, &cpu(netcue), &cpu(peer), limit)?;
        report::race("   the floor / run-parts", &cpu(floor), &cpu(peer), None)?;
        report::race("   wall time", &wall(netcue), &wall(peer), None)?;
    }
    Ok(())
}

/// (b) One event that changes the rules, against a script that does the same.
fn changed(ground: &Ground) -> Outcome {
    report::head("(b) one event that changes the rules / a shell script, ms of CPU time")?;
    for (count, limit) in [(1, Some(0.13)), (10, None)] {
        ground.hooks(count, HookKind::Script)?;
        let before = ground.outcomes()?;
        let changes = ground.changes()?;
        let jobs = [&ground.event(), &ground.script()];
        let spent = in_turn(ROUNDS, &jobs, || ground.change_inside())?;
        ground.expect_outcomes(before, rounds_in_all(ROUNDS), "changed rules")?;
        let made = ground.changes()? - changes;
        if made != rounds_in_all(ROUNDS) {
            return Err(format!("{made} events changed the rules, not every one").into());
        }
        let [netcue, peer] = spent.as_slice() else {
            return Err("two jobs have two results".into());
        };
        report::race(&format!("{count:2} hooks"), &cpu(netcue), &cpu(peer), limit)?;
        report::race("   wall time", &wall(netcue), &wall(peer), None)?;
    }
    Ok(())
}

/// (c) Many calls at once, until each has its outcome.
fn storm(ground: &Ground) -> Outcome {
    let calls = STORM_CALLS;
    report::head(&format!(
        "(c) {calls} calls at once / the script called as often, ms of CPU time"
    ))?;
    for (count, limit) in [(0, None), (1, Some(0.10))] {
        ground.hooks(count, HookKind::Script)?;
        let (mut netcue, mut peer) = (Vec::new(), Vec::new());
        for _ in 0..STORMS {
            ground.change_inside()?;
            let before = ground.outcomes()?;
            netcue.push(ground.event().run_many(calls)?);
            ground.expect_outcomes(before, calls, "calls at once")?;
            peer.push(ground.script().run_many(calls)?);
        }
        report::race(&format!("{count:2} hooks"), &netcue, &peer, limit)?;
    }
    Ok(())
}
