//! Measures netcue against what people use in its place: run-parts, and a shell script.
//!
//! `make bench` runs it. Every measurement takes netcue and its peer in turn (A B A B),
//! in one network namespace and one root of its own, and prints medians and their ratio
//! with the limit beside it. A limit missed is a line in the report; the exit status is
//! an error only when something did not work.

mod clock;
mod engine;
mod ground;
mod report;

use std::error::Error;

use clock::{Job, in_turn, milliseconds};
use ground::{Ground, HookKind};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const ROUNDS: usize = 60;
const STORMS: usize = 5;
const STORM_CALLS: usize = 200;

fn main() -> Outcome {
    ground::leave_the_machine()?;
    let ground = Ground::lay()?;
    report::line(&format!("netcue: {}", ground.netcue.display()))?;
    memory(&ground)?;
    unchanged(&ground)?;
    changed(&ground)?;
    storm(&ground)?;
    engine::alone(&ground)
}

/// Comes first: what a child's peak shows is never less than our own size when it began.
fn memory(ground: &Ground) -> Outcome {
    report::head("peak memory of one event, KiB (limit 8192)")?;
    ground.hooks(10, HookKind::Script)?;
    ground.turn_route()?;
    let netcue = ground.event().run()?;
    let floor = Job::new("/bin/true").run()?;
    report::line(&format!("  netcue {}   (/bin/true {})", netcue.peak_kib, floor.peak_kib))
}

/// (a) One event that leaves the rules as they are, against run-parts on the same folder.
fn unchanged(ground: &Ground) -> Outcome {
    report::head("(a) one event, rules unchanged / run-parts on the same hooks, ms")?;
    for (count, kind, limit) in [
        (1, HookKind::Script, None),
        (10, HookKind::Script, Some(1.25)),
        (50, HookKind::Script, None),
        (10, HookKind::True, None),
        (50, HookKind::True, None),
    ] {
        ground.hooks(count, kind)?;
        let before = ground.outcomes()?;
        let (netcue, peer) = in_turn(ROUNDS, &ground.event(), &ground.run_parts(), || Ok(()))?;
        ground.expect_outcomes(before, clock::rounds_in_all(ROUNDS), "unchanged rules")?;
        report::race(&format!("{count:2} hooks, {}", kind.name()), &netcue, &peer, limit)?;
    }
    Ok(())
}

/// (b) One event that changes the rules, against a script that does the same.
fn changed(ground: &Ground) -> Outcome {
    report::head("(b) one event that changes the rules / the same by a shell script, ms")?;
    for (count, limit) in [(1, Some(0.3)), (10, Some(0.3))] {
        ground.hooks(count, HookKind::Script)?;
        let before = ground.outcomes()?;
        let changes = ground.changes()?;
        let (netcue, peer) =
            in_turn(ROUNDS, &ground.event(), &ground.script(), || ground.turn_route())?;
        ground.expect_outcomes(before, clock::rounds_in_all(ROUNDS), "changed rules")?;
        let made = ground.changes()? - changes;
        if made != clock::rounds_in_all(ROUNDS) {
            return Err(format!("{made} events changed the rules, not every one").into());
        }
        report::race(&format!("{count:2} hooks"), &netcue, &peer, limit)?;
    }
    Ok(())
}

/// (c) Many calls at once: the time until each has its outcome.
fn storm(ground: &Ground) -> Outcome {
    report::head(&format!("(c) {STORM_CALLS} calls at once / the script called as often, ms"))?;
    for (count, limit) in [(0, None), (1, Some(0.15))] {
        ground.hooks(count, HookKind::Script)?;
        let (mut netcue, mut peer) = (Vec::new(), Vec::new());
        for _ in 0..STORMS {
            ground.turn_route()?;
            let before = ground.outcomes()?;
            netcue.push(milliseconds(|| {
                ground.event().run_many(STORM_CALLS)?;
                ground.await_outcomes(before + STORM_CALLS)
            })?);
            ground.expect_outcomes(before, STORM_CALLS, "calls at once")?;
            peer.push(milliseconds(|| ground.script().run_many(STORM_CALLS))?);
        }
        report::race(&format!("{count:2} hooks"), &netcue, &peer, limit)?;
    }
    Ok(())
}
