//! The protocol of hooks that hold nobody as a state machine: so many run at a time, none is
//! stranded, none runs beside itself, none has two ends.

use std::collections::{HashSet, VecDeque};

use super::Acts;

const HOOKS: usize = 3;
const PLACES: usize = 2;
const WORKERS: usize = 3;
/// One that is started when everything has come to rest after a death, by the next event's turn.
const FURTHER: usize = WORKERS;

/// Where the process that sends the hooks stands, and where one that runs them does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum At {
    /// The sender's: the hook is written down.
    PutIn(usize),
    /// The sender's: whether a place is free.
    Probe(usize),
    TakePlace,
    List,
    Claim(usize),
    TakeUp(usize),
    Running(usize),
    Record(usize),
    TakeOut(usize),
    LeavePlace,
    LookAgain,
    /// Killed, and its files are not unlocked yet.
    Dying,
    Gone,
}

impl At {
    fn stands_for(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::PutIn(_) => ("queue/mod.rs", "put_in"),
            Self::Probe(_) => ("pipeline/unattended.rs", "start_worker"),
            Self::TakePlace => ("sys/lock.rs", "try_any"),
            Self::List => ("queue/mod.rs", "waiting"),
            Self::Claim(_) => ("queue/mod.rs", "claim"),
            Self::TakeUp(_) => ("pipeline/turn.rs", "attempt"),
            Self::Running(_) | Self::Record(_) => ("pipeline/unattended.rs", "run"),
            Self::TakeOut(_) => ("pipeline/turn.rs", "take_out"),
            Self::LeavePlace => ("sys/lock.rs", "drop"),
            Self::LookAgain => ("pipeline/unattended.rs", "run_unattended"),
            Self::Dying | Self::Gone => return None,
        })
    }
}

/// What the protocol gets right; each can be got wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Variant {
    Real,
    LeavesWithoutLookingAgain,
    ProbesBeforePuttingIn,
    RunsWithoutAClaim,
    LeavesNoNote,
    UnlinksBeforeRecording,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World {
    sender: At,
    workers: [At; WORKERS + 1],
    places: [Option<usize>; PLACES],
    claims: [Option<usize>; HOOKS],
    queue: [bool; HOOKS],
    sent: [bool; HOOKS],
    /// The note in the hook's own file.
    begun: [bool; HOOKS],
    ends: [u8; HOOKS],
    crashes_left: u8,
    crashes: u8,
}

impl World {
    fn new(crashes: u8) -> Self {
        Self {
            sender: At::PutIn(0),
            workers: [At::Gone; WORKERS + 1],
            places: [None; PLACES],
            claims: [None; HOOKS],
            queue: [false; HOOKS],
            sent: [false; HOOKS],
            begun: [false; HOOKS],
            ends: [0; HOOKS],
            crashes_left: crashes,
            crashes: 0,
        }
    }

    fn next(&self, variant: Variant) -> Vec<Self> {
        let mut next: Vec<Self> = self.send(variant).into_iter().collect();
        for pid in 0..self.workers.len() {
            let at = self.workers[pid];
            if at == At::Gone {
                continue;
            }
            next.push(self.work(pid, variant));
            if self.crashes_left > 0 && at != At::Dying {
                let mut world = self.clone();
                world.crashes_left -= 1;
                world.crashes += 1;
                world.workers[pid] = At::Dying;
                next.push(world);
            }
        }
        next
    }

    /// What the run of an event does for each of its hooks.
    fn send(&self, variant: Variant) -> Option<Self> {
        let mut world = self.clone();
        let (hook, is_to_put_in) = match self.sender {
            // Got wrong, the two acts change places.
            At::PutIn(hook) => (hook, variant != Variant::ProbesBeforePuttingIn),
            At::Probe(hook) => (hook, variant == Variant::ProbesBeforePuttingIn),
            _ => return None,
        };
        if is_to_put_in {
            (world.queue[hook], world.sent[hook]) = (true, true);
        } else if self.places.contains(&None) {
            // The model has room for so many; one that is on its way does as well.
            let idle = (0..WORKERS).find(|pid| self.workers[*pid] == At::Gone)?;
            world.workers[idle] = At::TakePlace;
        }
        world.sender = match self.sender {
            At::PutIn(hook) => At::Probe(hook),
            _ if hook + 1 < HOOKS => At::PutIn(hook + 1),
            _ => At::Gone,
        };
        Some(world)
    }

    fn work(&self, pid: usize, variant: Variant) -> Self {
        let mut world = self.clone();
        let after =
            |hook: usize| if hook + 1 < HOOKS { At::Claim(hook + 1) } else { At::LeavePlace };
        world.workers[pid] = match self.workers[pid] {
            At::TakePlace => match self.places.iter().position(Option::is_none) {
                Some(place) => {
                    world.places[place] = Some(pid);
                    At::List
                }
                None => At::Gone,
            },
            At::List => At::Claim(0),
            At::Claim(hook) if !self.queue[hook] => after(hook),
            At::Claim(hook) if variant == Variant::RunsWithoutAClaim => At::TakeUp(hook),
            At::Claim(hook) if self.claims[hook].is_some() => after(hook),
            At::Claim(hook) => {
                world.claims[hook] = Some(pid);
                At::TakeUp(hook)
            }
            At::TakeUp(hook) if self.begun[hook] && self.ends[hook] > 0 => At::TakeOut(hook),
            At::TakeUp(hook) => {
                world.begun[hook] = variant != Variant::LeavesNoNote;
                At::Running(hook)
            }
            At::Running(hook) if variant == Variant::UnlinksBeforeRecording => {
                world.queue[hook] = false;
                At::Record(hook)
            }
            At::Running(hook) => At::Record(hook),
            At::Record(hook) => {
                world.ends[hook] += 1;
                At::TakeOut(hook)
            }
            At::TakeOut(hook) => {
                world.queue[hook] = false;
                world.claims[hook] = None;
                after(hook)
            }
            At::LeavePlace => {
                world.leave(pid);
                if variant == Variant::LeavesWithoutLookingAgain { At::Gone } else { At::LookAgain }
            }
            At::LookAgain => {
                let is_left = |hook: usize| self.queue[hook] && self.claims[hook].is_none();
                if (0..HOOKS).any(is_left) { At::TakePlace } else { At::Gone }
            }
            _ => {
                world.leave(pid);
                for claim in world.claims.iter_mut().filter(|claim| **claim == Some(pid)) {
                    *claim = None;
                }
                At::Gone
            }
        };
        world
    }

    fn leave(&mut self, pid: usize) {
        for place in self.places.iter_mut().filter(|place| **place == Some(pid)) {
            *place = None;
        }
    }

    fn running(&self) -> Vec<usize> {
        let hook = |at: &At| if let At::Running(hook) = at { Some(*hook) } else { None };
        self.workers.iter().filter_map(hook).collect()
    }

    /// What is wrong with a world; `is_over` tells that nothing more will be done in it.
    fn wrong(&self, is_over: bool) -> Option<&'static str> {
        let mut running = self.running();
        running.sort_unstable();
        if running.windows(2).any(|two| two[0] == two[1]) {
            return Some("one beside itself");
        }
        if running.len() > PLACES {
            return Some("too many at a time");
        }
        if self.ends.iter().any(|ends| *ends > 1) {
            return Some("two ends");
        }
        let is_lost = |hook: usize| self.sent[hook] && (self.ends[hook] == 0 || self.queue[hook]);
        (is_over && (0..HOOKS).any(is_lost)).then_some("stranded")
    }
}

/// Goes through every world that can be reached; tells how many there are, or what is wrong.
fn explore(variant: Variant, crashes: u8) -> Result<(usize, Acts), (&'static str, Box<World>)> {
    let start = (World::new(crashes), false);
    let mut seen = HashSet::from([start.clone()]);
    let mut waiting = VecDeque::from([start]);
    let mut acts = Acts::new();
    while let Some((world, has_further)) = waiting.pop_front() {
        acts.extend(world.workers.iter().chain([&world.sender]).filter_map(|at| at.stands_for()));
        let mut next: Vec<_> =
            world.next(variant).into_iter().map(|then| (then, has_further)).collect();
        let is_over = next.is_empty() && (world.crashes == 0 || has_further);
        if let Some(what) = world.wrong(is_over) {
            return Err((what, Box::new(world)));
        }
        if next.is_empty() && world.crashes > 0 && !has_further {
            let mut then = world.clone();
            then.workers[FURTHER] = At::TakePlace;
            then.crashes_left = 0;
            next.push((then, true));
        }
        waiting.extend(next.into_iter().filter(|then| seen.insert(then.clone())));
    }
    Ok((seen.len(), acts))
}

/// Every act that is ever done.
pub(super) fn acts() -> Acts {
    explore(Variant::Real, 0).expect("nothing is wrong").1
}

#[test]
fn hooks_that_hold_nobody_are_never_stranded_doubled_or_too_many() {
    for crashes in 0..=2 {
        let (worlds, _) = explore(Variant::Real, crashes).expect("nothing is wrong");
        println!("{worlds} worlds with {crashes} crashes");
        assert!(worlds > 100);
    }
}

#[test]
fn each_mistake_with_hooks_that_hold_nobody_is_found() {
    for (variant, crashes, what) in [
        (Variant::LeavesWithoutLookingAgain, 0, "stranded"),
        (Variant::ProbesBeforePuttingIn, 0, "stranded"),
        (Variant::RunsWithoutAClaim, 0, "one beside itself"),
        (Variant::LeavesNoNote, 1, "two ends"),
        (Variant::UnlinksBeforeRecording, 1, "stranded"),
    ] {
        let Err((found, world)) = explore(variant, crashes) else { panic!("{variant:?} passes") };
        assert_eq!(found, what, "{variant:?}: {world:?}");
    }
}
