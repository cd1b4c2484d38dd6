//! The protocol of events as a state machine: who may do what next, and what the world is
//! like afterwards. Each place names the code whose next atomic act it stands for.

mod caller;
mod runner;

/// Callers, each with an event of its own, in the order of their events.
pub(super) const CALLERS: usize = 3;
/// Detached runs at one time.
const RUNNERS: usize = 2;
/// After everything has come to rest, one more call.
const FURTHER: usize = CALLERS + RUNNERS;
const PROCESSES: usize = FURTHER + 1;

/// How a caller waits: `sources::Wait`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Foreground,
    Deposit,
    Finish,
    /// It never calls.
    Absent,
}

/// Where a process stands: its next act, which [`At::stands_for`] finds in the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum At {
    Accept,
    PutIn,
    ProbeAhead,
    LockAhead,
    MakeAhead,
    Probe,
    /// Only where probing takes the lock for a moment: let go of it.
    Unprobe {
        waits: bool,
    },
    SendAndGo,
    Watch,
    Look,
    ProbeWaiting,
    SendAndSleep,
    Asleep,
    TryLock,
    TakeInDrafts,
    List,
    TakeUp,
    LockRules,
    MakeRules,
    Running,
    Record,
    TakeOut,
    ClearNote,
    Unlock {
        stopped: bool,
    },
    LookAgain,
    /// Killed, and its files are not unlocked yet.
    Dying,
    Gone,
}

impl At {
    /// The function whose next atomic act it is: its file below `src`, and its name.
    pub(super) fn stands_for(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::Accept => ("pipeline/mod.rs", "arrive"),
            Self::PutIn => ("queue/mod.rs", "put_in"),
            Self::ProbeAhead => ("pipeline/wait.rs", "see_to_it"),
            Self::LockAhead => ("pipeline/rules.rs", "make_ahead"),
            Self::LockRules => ("pipeline/rules.rs", "take_lock"),
            Self::MakeAhead | Self::MakeRules => ("pipeline/rules.rs", "regenerate_under"),
            Self::Probe | Self::Unprobe { .. } => ("pipeline/drain.rs", "is_anybody_at_work"),
            Self::SendAndGo => ("pipeline/wait.rs", "send_runner"),
            Self::Watch => ("sys/watch.rs", "on"),
            Self::Look => ("queue/mod.rs", "holds"),
            Self::ProbeWaiting => ("sys/lock.rs", "is_free"),
            Self::SendAndSleep => ("pipeline/wait.rs", "wait_for"),
            Self::Asleep => ("sys/watch.rs", "sleep_until"),
            Self::TryLock => ("sys/lock.rs", "try_now"),
            Self::TakeInDrafts => ("pipeline/drain.rs", "take_in_drafts"),
            Self::List => ("queue/mod.rs", "waiting"),
            Self::TakeUp => ("pipeline/turn.rs", "attempt"),
            Self::Running => ("pipeline/run.rs", "execute"),
            Self::Record => ("pipeline/run.rs", "conclude"),
            Self::TakeOut => ("pipeline/turn.rs", "take_out"),
            Self::ClearNote => ("pipeline/turn.rs", "end"),
            Self::Unlock { .. } => ("sys/lock.rs", "drop"),
            Self::LookAgain => ("pipeline/drain.rs", "drain"),
            Self::Dying | Self::Gone => return None,
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Process {
    pub(super) at: At,
    /// What it listed and has not taken up.
    list: u8,
    /// The event in hand.
    hand: u8,
    /// The note it found.
    last: Option<u8>,
    watches: bool,
    /// Something it watches has happened since it last looked.
    woken: bool,
    /// It has sent a runner less than `HEAD_START` ago.
    has_sent: bool,
}

/// Everything that outlives a process, and the processes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(super) processes: [Process; PROCESSES],
    kinds: [Kind; CALLERS],
    lock: Option<u8>,
    /// Who holds the lock on the engine.
    rules: Option<u8>,
    note: Option<u8>,
    pub(super) queue: u8,
    drafts: u8,
    pub(super) accepted: u8,
    pub(super) outcomes: [u8; CALLERS],
    pub(super) runs: [u8; CALLERS],
    /// Faults so far, and those still allowed.
    pub(super) crashes: u8,
    pub(super) stops: u8,
    crashes_left: u8,
    stops_left: u8,
    pub(super) further: bool,
}

/// What the protocol gets right; each can be got wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Variant {
    Real,
    /// Drains the queue, unlocks and leaves.
    LeavesWithoutLookingAgain,
    /// Takes the event out of the queue before its outcome is on record.
    UnlinksBeforeRecording,
    /// Asks whether the lock is free before the event is in the queue.
    DepositsAfterProbing,
    /// Looks whether its event is still there, then begins to watch.
    LooksBeforeItWatches,
    /// Asks by taking the lock for a moment.
    ProbesByLocking,
    /// Puts the event in the queue, then on record.
    RecordsAfterPuttingIn,
    /// Doesn't say in the lock what it is doing.
    LeavesNoNote,
    /// Relies on being woken by a death.
    SleepsWithoutLimit,
    /// Gives the note of the dead to whatever waits first.
    TakesUpInOrderOfNames,
    /// Makes rules ahead without the lock on the engine.
    MakesRulesWithoutLock,
}

/// How a step came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    Act,
    Clock,
    Fault,
}

fn bit(event: usize) -> u8 {
    1 << event
}

/// A number of a process or an event, small: worlds are kept by the hundred thousand.
fn small(number: usize) -> u8 {
    u8::try_from(number).expect("a few processes")
}

impl World {
    pub(super) fn new(kinds: [Kind; CALLERS], crashes: u8, stops: u8) -> Self {
        let gone = Process {
            at: At::Gone,
            list: 0,
            hand: 0,
            last: None,
            watches: false,
            woken: false,
            has_sent: false,
        };
        let mut processes = [gone; PROCESSES];
        for (process, kind) in processes.iter_mut().zip(kinds) {
            if kind != Kind::Absent {
                process.at = At::Accept;
            }
        }
        Self {
            processes,
            kinds,
            lock: None,
            rules: None,
            note: None,
            queue: 0,
            drafts: 0,
            accepted: 0,
            outcomes: [0; CALLERS],
            runs: [0; CALLERS],
            crashes: 0,
            stops: 0,
            crashes_left: crashes,
            stops_left: stops,
            further: false,
        }
    }

    /// Every next world, with the process that acts and why.
    pub(super) fn next(&self, variant: Variant) -> Vec<(usize, Cause, Self)> {
        let mut next = Vec::new();
        for pid in 0..PROCESSES {
            let at = self.processes[pid].at;
            if at == At::Gone {
                continue;
            }
            if let Some(world) = self.act(pid, variant) {
                next.push((pid, Cause::Act, world));
            }
            if at == At::Asleep {
                if variant != Variant::SleepsWithoutLimit {
                    next.push((pid, Cause::Clock, self.time_passes(pid)));
                }
                // Its limit: released with the event still queued.
                next.push((pid, Cause::Fault, self.moved(pid, At::Gone)));
            }
            if self.crashes_left > 0 && !self.further && at != At::Dying {
                next.push((pid, Cause::Fault, self.killed(pid)));
            }
            if self.stops_left > 0 && at == At::Running {
                let mut world = self.moved(pid, At::Unlock { stopped: true });
                world.stops_left -= 1;
                world.stops += 1;
                next.push((pid, Cause::Fault, world));
            }
        }
        next
    }

    /// One more call after everything has come to rest.
    pub(super) fn with_further_call(&self) -> Self {
        let mut world = self.moved(FURTHER, At::TryLock);
        world.further = true;
        world
    }

    /// A sleeper's time is up: `HEAD_START` or `LOOK_AGAIN`.
    pub(super) fn time_passes(&self, pid: usize) -> Self {
        let mut world = self.moved(pid, At::Look);
        world.processes[pid].has_sent = false;
        world
    }

    fn killed(&self, pid: usize) -> Self {
        let mut world = self.moved(pid, At::Dying);
        world.crashes_left -= 1;
        world.crashes += 1;
        world.processes[pid].watches = false;
        world
    }

    fn moved(&self, pid: usize, at: At) -> Self {
        let mut world = self.clone();
        world.go(pid, at);
        world
    }

    /// What a place needs no longer is forgotten, so that equal worlds look equal.
    fn go(&mut self, pid: usize, at: At) {
        let process = &mut self.processes[pid];
        process.at = at;
        if matches!(at, At::Gone | At::Dying) {
            (process.list, process.hand, process.last) = (0, 0, None);
            (process.watches, process.woken, process.has_sent) = (false, false, false);
        }
    }

    /// Who waits for that event is woken by its end, and nobody else is.
    fn wake(&mut self, event: usize) {
        let waits = &mut self.processes[event];
        waits.woken |= waits.watches;
    }

    /// Puts a runner on its way; none if there are as many as the model has room for.
    fn send(&mut self) -> Option<()> {
        let is_free = |pid: &usize| self.processes[*pid].at == At::Gone;
        let runner = (CALLERS..FURTHER).find(is_free)?;
        self.go(runner, At::TryLock);
        Some(())
    }

    /// What a process does next; none while it can't do anything.
    fn act(&self, pid: usize, variant: Variant) -> Option<Self> {
        let mut world = self.clone();
        let to = match self.processes[pid].at {
            At::Accept
            | At::PutIn
            | At::ProbeAhead
            | At::LockAhead
            | At::MakeAhead
            | At::Probe
            | At::Unprobe { .. }
            | At::SendAndGo => world.arrive(pid, variant)?,
            At::Watch | At::Look | At::ProbeWaiting | At::SendAndSleep | At::Asleep => {
                world.wait(pid, variant)?
            }
            At::Dying => {
                for lock in [&mut world.lock, &mut world.rules] {
                    if *lock == Some(small(pid)) {
                        *lock = None;
                    }
                }
                At::Gone
            }
            At::Gone => return None,
            // It waits for whoever makes rules ahead of an event.
            At::LockRules if self.rules.is_some() => return None,
            _ => world.drain(pid, variant),
        };
        world.go(pid, to);
        Some(world)
    }

    /// How many runs are under way.
    pub(super) fn running(&self) -> usize {
        let runs = |at| matches!(at, At::LockRules | At::MakeRules | At::Running);
        self.processes.iter().filter(|process| runs(process.at)).count()
    }

    /// How many processes make rules.
    pub(super) fn engines(&self) -> usize {
        let makes = |at| matches!(at, At::MakeAhead | At::MakeRules);
        self.processes.iter().filter(|process| makes(process.at)).count()
    }

    /// Who sleeps.
    pub(super) fn sleepers(&self) -> impl Iterator<Item = usize> + '_ {
        (0..PROCESSES).filter(|pid| self.processes[*pid].at == At::Asleep)
    }
}
