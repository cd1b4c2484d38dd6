//! Hooks that hold nobody (`wait=no`): written down by their event's run, and run by processes
//! of their own, so many at a time as the configuration allows.

use std::time::Duration;

use super::House;
use super::hook::Call;
use super::run::End;
use super::turn::{Handled, Turn};
use crate::journal::{Record, StepOutcome};
use crate::plan::Manner;
use crate::queue::{Job, Queue, Ticket, Work};
use crate::sys::clock;
use crate::sys::files::FileError;
use crate::sys::lock::{self, Lock};
use crate::sys::signals::Signals;
use crate::sys::syslog::Urgency;

/// Writes the hook down and sees to it that a process runs it.
///
/// # Errors
/// When it can't be written down; nothing was started then.
pub(super) fn send(house: &House, call: &Call<'_>) -> Result<(), FileError> {
    let Call { event, step, path, rules, manner } = *call;
    let queue = Queue::of_hooks(&house.layout);
    if queue.holds(&Ticket::of_hook(event, step)) {
        // A run that died after that had sent it, and it is looked after since.
        return Ok(());
    }
    let job = Job {
        event: event.clone(),
        step: step.to_owned(),
        path: path.to_owned(),
        rules: rules.to_owned(),
        timeout: manner.timeout.map(|timeout| timeout.as_secs()),
        user: manner.user.clone(),
        like: manner.like.clone(),
    };
    queue.prepare()?;
    let draft = queue.draft(&Work::Hook(Box::new(job)))?;
    queue.put_in(draft)?;
    start_worker(house);
    Ok(())
}

/// Starts a process for hooks that wait, unless as many are at it as may be: each of them
/// looks again before it ends. If it can't be started, they wait for the next turn.
fn start_worker(house: &House) {
    let most = house.config.hooks.unattended;
    if !lock::is_any_free(&house.layout.unattended_places(), most).unwrap_or(true) {
        return;
    }
    if let Err(error) = house.start_detached(&["--unattended"]) {
        let text = format!("can't start a process for hooks that hold nobody: {error}");
        house.say(Urgency::Error, &text);
    }
}

/// Starts processes for hooks whose own have died. The holder of the queue's lock does this,
/// so nobody writes one down meanwhile.
pub(super) fn look_after(house: &House) {
    let queue = Queue::of_hooks(&house.layout);
    for draft in queue.abandoned().unwrap_or_default() {
        // The run that was about to send it is repeated.
        queue.discard(&draft);
    }
    let waiting = queue.waiting().unwrap_or_default();
    let left = waiting.iter().filter(|ticket| queue.claimed_by(ticket).is_none());
    let most = usize::try_from(house.config.hooks.unattended).unwrap_or(usize::MAX);
    left.take(most).for_each(|_| start_worker(house));
}

/// How long to look again for a hook whose process was killed while it started it: until the
/// child has become the hook, it holds the dead process's claim.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Runs hooks that hold nobody until none waits, in their order. Returns the signal that
/// stopped that, if one did.
#[must_use]
pub fn run_unattended(house: &mut House) -> Option<i32> {
    let signals = Signals::watch().ok()?;
    let queue = Queue::of_hooks(&house.layout);
    let places = house.layout.unattended_places();
    let mut looks = PATIENCE.as_millis() / LOOK_AGAIN.as_millis();
    loop {
        let place = Lock::try_any(&places, house.config.hooks.unattended);
        let Ok(Some(place)) = place else { return None };
        for ticket in queue.waiting().unwrap_or_default() {
            match handle(house, &signals, &queue, &ticket) {
                Some(Handled::Stopped(signal)) => {
                    drop(place);
                    start_worker(house);
                    return Some(signal);
                }
                Some(Handled::Stuck) => return None,
                Some(Handled::Finished | Handled::Failed(_)) | None => {}
            }
        }
        drop(place);
        // One that came after the last look may have found every place taken.
        match queue.waiting().unwrap_or_default().iter().map(|ticket| fate_of(&queue, ticket)).max()
        {
            Some(Claim::Free) => {}
            Some(Claim::OfTheDead) if looks > 0 => {
                looks -= 1;
                clock::pause(LOOK_AGAIN);
            }
            _ => return None,
        }
    }
}

/// Who has a hook that waits; what asks most of us last.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Claim {
    OfTheLiving,
    OfTheDead,
    Free,
}

fn fate_of(queue: &Queue, ticket: &Ticket) -> Claim {
    match queue.claimed_by(ticket) {
        None if queue.holds(ticket) => Claim::Free,
        Some(note) if note.holder.is_some_and(|holder| !holder.is_alive()) => Claim::OfTheDead,
        _ => Claim::OfTheLiving,
    }
}

/// Runs one of them, unless another process does.
fn handle(house: &mut House, signals: &Signals, queue: &Queue, ticket: &Ticket) -> Option<Handled> {
    let lock = match queue.claim(ticket) {
        Ok(claimed) => claimed?,
        Err(error) => {
            house.say(Urgency::Error, &error.to_string());
            return Some(Handled::Stuck);
        }
    };
    Some(Turn::begin(house, signals, &lock, queue.clone()).handle(ticket))
}

/// Runs the hook, and puts its end on record.
pub(super) fn run(house: &mut House, signals: &Signals, job: &Job) -> End {
    house.sides.take();
    let manner = Manner {
        timeout: job.timeout.map(Duration::from_secs),
        user: job.user.clone(),
        unattended: true,
        like: job.like.clone(),
    };
    let Job { event, step, path, rules, .. } = job;
    let end = Call { event, step, path, rules, manner: &manner }.run(house, signals);
    let outcome = end.outcome;
    house.record(Some(event.id), Record::StepEnd { step: step.clone(), end });
    match outcome {
        StepOutcome::Interrupted => End::Stopped(signals.stop().unwrap_or_default()),
        outcome if outcome.is_failure() => End::Failed,
        _ => End::Done,
    }
}
