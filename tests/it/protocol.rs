//! The queues and their locks as small state machines, explored exhaustively: no work is
//! stranded, none runs twice, no two events run at once, nobody waits for ever.

mod hooks;
mod model;

use std::collections::{BTreeSet, HashMap, VecDeque};

use model::Kind::{Absent, Deposit, Finish, Foreground};
use model::{CALLERS, Cause, Kind, Variant, World};

/// What went wrong, and the acts that led there.
#[derive(Debug)]
struct Counterexample {
    what: &'static str,
    path: Vec<String>,
}

impl std::fmt::Display for Counterexample {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} after:\n  {}", self.what, self.path.join("\n  "))
    }
}

/// The acts of a model, each by the file and the function whose act it is.
type Acts = BTreeSet<(&'static str, &'static str)>;

/// Fails where an act stands for a function that is no longer there: the model has to follow.
fn assert_in_the_code(acts: &Acts) {
    for (file, function) in acts {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file);
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let is_there = [format!("fn {function}("), format!("fn {function}<")];
        assert!(is_there.iter().any(|head| text.contains(head)), "src/{file} has no {function}");
    }
}

#[test]
fn every_act_of_the_model_is_a_function_of_the_code() {
    let mut acts = Acts::new();
    for cast in pairs() {
        let mut waiting = vec![World::new(cast, 0, 0)];
        let mut seen: std::collections::HashSet<World> = waiting.iter().cloned().collect();
        while let Some(world) = waiting.pop() {
            acts.extend(world.processes.iter().filter_map(|process| process.at.stands_for()));
            let next = world.next(Variant::Real).into_iter().map(|(_, _, then)| then);
            waiting.extend(next.filter(|then| seen.insert(then.clone())));
        }
    }
    assert!(acts.len() > 15, "{acts:?}");
    assert_in_the_code(&acts);
    assert_in_the_code(&hooks::acts());
}

/// Goes through every world that can be reached; tells how many there are.
fn explore(start: World, variant: Variant) -> Result<usize, Counterexample> {
    let mut seen: HashMap<World, Option<(World, String)>> = HashMap::new();
    let mut waiting = VecDeque::from([start.clone()]);
    seen.insert(start, None);
    while let Some(world) = waiting.pop_front() {
        let mut next = world.next(variant);
        let rests = next.iter().all(|(_, cause, _)| *cause != Cause::Act);
        if let Some(what) = wrong(&world, rests, variant) {
            return Err(Counterexample { what, path: path_to(&world, &seen) });
        }
        if rests && world.crashes > 0 && !world.further && world.sleepers().next().is_none() {
            next.push((usize::MAX, Cause::Act, world.with_further_call()));
        }
        for (pid, cause, then) in next {
            if !seen.contains_key(&then) {
                let act = match world.processes.get(pid) {
                    Some(process) => format!("{pid} {cause:?} {:?}", process.at),
                    None => "one more call".to_owned(),
                };
                seen.insert(then.clone(), Some((world.clone(), act)));
                waiting.push_back(then);
            }
        }
    }
    Ok(seen.len())
}

fn path_to(world: &World, seen: &HashMap<World, Option<(World, String)>>) -> Vec<String> {
    let mut path = Vec::new();
    let mut at = world;
    while let Some(Some((before, act))) = seen.get(at) {
        path.insert(0, act.clone());
        at = before;
    }
    path
}

/// What is wrong with a world; `rests` tells that nobody can act before time passes.
fn wrong(world: &World, rests: bool, variant: Variant) -> Option<&'static str> {
    let faultless = world.crashes == 0 && world.stops == 0;
    let ended = (0..CALLERS).filter(|event| world.outcomes[*event] > 0).map(|event| 1 << event);
    let ended: u8 = ended.sum();
    if world.running() > 1 {
        return Some("two runs at once");
    }
    if world.engines() > 1 {
        return Some("two engines at once");
    }
    if world.outcomes.iter().any(|outcomes| *outcomes > 1) {
        return Some("two outcomes");
    }
    if faultless && world.runs.iter().any(|runs| *runs > 1) {
        return Some("run twice");
    }
    if ended & !world.accepted != 0 {
        return Some("an outcome of what was never accepted");
    }
    if !rests {
        return None;
    }
    if world.sleepers().next().is_some() {
        let wakes = world.crashes > 0 && wakes_in_time(world, variant);
        return (!wakes).then_some("waits for ever");
    }
    let must_be_done = world.crashes == 0 || world.further;
    (must_be_done && (world.queue != 0 || ended != world.accepted)).then_some("stranded")
}

/// Whether those who sleep are released as time passes, when everybody gets their turn.
fn wakes_in_time(world: &World, variant: Variant) -> bool {
    let mut world = world.clone();
    for _ in 0..3 {
        let sleepers: Vec<usize> = world.sleepers().collect();
        if sleepers.is_empty() {
            return true;
        }
        if variant == Variant::SleepsWithoutLimit {
            return false;
        }
        for pid in sleepers {
            world = world.time_passes(pid);
        }
        while let Some((_, _, then)) =
            world.next(variant).into_iter().find(|(_, cause, _)| *cause == Cause::Act)
        {
            world = then;
        }
    }
    world.sleepers().next().is_none()
}

/// Every cast of two callers, whatever their order.
fn pairs() -> Vec<[Kind; CALLERS]> {
    let kinds = [Foreground, Deposit, Finish];
    let mut pairs = Vec::new();
    for (index, first) in kinds.into_iter().enumerate() {
        pairs.extend(kinds.iter().skip(index).map(|second| [first, *second, Absent]));
    }
    pairs
}

/// Casts of three: one of each kind, and two that leave a third.
const THREES: [[Kind; CALLERS]; 3] = [
    [Foreground, Deposit, Finish],
    [Foreground, Foreground, Deposit],
    [Deposit, Deposit, Foreground],
];

fn holds(casts: &[[Kind; CALLERS]], crashes: u8, stops: u8) {
    let mut worlds = 0;
    for cast in casts {
        match explore(World::new(*cast, crashes, stops), Variant::Real) {
            Ok(number) => worlds += number,
            Err(counterexample) => panic!("{cast:?}: {counterexample}"),
        }
    }
    println!("{worlds} worlds with {crashes} crashes and {stops} stops");
}

#[test]
fn three_callers_strand_nothing_run_nothing_twice_and_wait_for_nothing() {
    holds(&THREES, 0, 0);
}

#[test]
fn a_run_that_is_told_to_stop_leaves_nothing_behind() {
    holds(&pairs(), 0, 1);
}

#[test]
fn a_crash_anywhere_is_made_good_by_one_more_call() {
    holds(&pairs(), 1, 0);
}

#[test]
fn two_crashes_are_made_good_too() {
    holds(&[Foreground, Deposit, Finish].map(|kind| [kind, Absent, Absent]), 2, 1);
}

/// The model has to find what is wrong with a variant, or it would find nothing.
fn is_caught(variant: Variant, what: &str, crashes: u8) {
    let found =
        pairs().into_iter().find_map(|cast| explore(World::new(cast, crashes, 0), variant).err());
    let found = found.unwrap_or_else(|| panic!("{variant:?} passes"));
    println!("{variant:?}: {found}");
    assert_eq!(found.what, what, "{found}");
}

#[test]
fn draining_once_and_leaving_strands_what_came_meanwhile() {
    is_caught(Variant::LeavesWithoutLookingAgain, "stranded", 0);
}

#[test]
fn depositing_after_probing_the_lock_strands_the_event() {
    is_caught(Variant::DepositsAfterProbing, "stranded", 0);
}

#[test]
fn unlinking_before_recording_loses_the_outcome() {
    is_caught(Variant::UnlinksBeforeRecording, "stranded", 1);
}

#[test]
fn recording_after_putting_in_gives_outcomes_to_the_unknown() {
    is_caught(Variant::RecordsAfterPuttingIn, "an outcome of what was never accepted", 0);
}

#[test]
fn a_waiter_that_looks_before_it_watches_waits_for_ever() {
    is_caught(Variant::LooksBeforeItWatches, "waits for ever", 0);
}

#[test]
fn probing_by_locking_turns_somebody_away_for_nothing() {
    is_caught(Variant::ProbesByLocking, "stranded", 0);
}

#[test]
fn without_a_note_what_has_ended_runs_again() {
    is_caught(Variant::LeavesNoNote, "two outcomes", 1);
}

#[test]
fn a_note_given_to_whatever_waits_first_is_lost() {
    is_caught(Variant::TakesUpInOrderOfNames, "two outcomes", 1);
}

#[test]
fn rules_made_ahead_without_the_lock_are_made_by_two_at_once() {
    is_caught(Variant::MakesRulesWithoutLock, "two engines at once", 0);
}

#[test]
fn a_waiter_without_a_limit_to_its_sleep_misses_a_death() {
    is_caught(Variant::SleepsWithoutLimit, "waits for ever", 1);
}
