//! How long a call is kept: not at all, until its own process has done the work, or until
//! another has.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::drain::is_anybody_at_work;
use super::{Arrival, Fate, House, drain, rules, unit};
use crate::event::Event;
use crate::journal::{OnRecord, Outcome, on_record};
use crate::queue::{Note, Ticket};
use crate::sources::Wait;
use crate::sys::syslog::Urgency;
use crate::sys::watch::Watch;
use crate::sys::{clock, invocation, lock, signals};

/// Where an event is.
#[derive(Debug)]
pub(super) enum Kept {
    /// In the queue.
    Here(Ticket),
    /// With netcue's own unit, which puts it into the queue.
    HandedOver(Ticket),
}

impl Kept {
    fn ticket(&self) -> &Ticket {
        match self {
            Self::Here(ticket) | Self::HandedOver(ticket) => ticket,
        }
    }

    /// Whether the event has been handled.
    fn is_over(&self, house: &House, id: Uuid) -> bool {
        !house.queue.holds(self.ticket())
            && match self {
                Self::Here(_) => true,
                // It may not have come into the queue yet.
                Self::HandedOver(_) => {
                    matches!(on_record(&house.journal, id), Ok(OnRecord::Ended(_)))
                }
            }
    }
}

/// How long somebody is kept who wants to see the end of what another process does.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sees to it that a waiting event is handled, and keeps the caller as long as its row says.
pub(super) fn see_to_it(house: &mut House, event: Event, kept: &Kept, wait: Wait) -> Arrival {
    let is_here = matches!(kept, Kept::Here(_));
    let is_for_rules = matches!(wait, Wait::Rules(_));
    let stand = match kept {
        Kept::Here(ticket) if is_for_rules || is_anybody_at_work(house) => {
            rules::make_ahead(house, &event, ticket)
        }
        _ => false,
    };
    let fate = match wait {
        Wait::Rules(_) if stand => leave(house, Wait::Deposit),
        // Waiting for an end that we do not see would last until the limit.
        _ if !is_here && unit::records_are_out_of_sight(&house.layout) => Fate::Queued,
        // So would waiting for the run that waits for us.
        Wait::Finish(_) | Wait::Rules(_) if is_in_hand(house, event.caused_by) => {
            leave(house, Wait::Deposit)
        }
        Wait::Finish(limit) | Wait::Rules(limit) => {
            wait_for(house, kept, &event, left_of(limit, &event))
        }
        Wait::InPlace if is_here && is_able(house) => in_place(house, &event, kept),
        Wait::InPlace => wait_for(house, kept, &event, PATIENCE),
        Wait::Foreground if is_here && !unit::wake(&house.layout) => in_place(house, &event, kept),
        _ if is_here => leave(house, wait),
        _ => Fate::Queued,
    };
    Arrival::of(event, fate)
}

/// Whether this process can do the work as well as anybody. Who may not change the network
/// does what it can only where nobody else does it.
fn is_able(house: &House) -> bool {
    invocation::may_change_the_network() || !unit::wake(&house.layout)
}

/// Does the work here.
fn in_place(house: &mut House, event: &Event, kept: &Kept) -> Fate {
    let drained = drain(house, HEAD_START);
    let is_over = kept.is_over(house, event.id);
    if drained.busy && !is_over && !is_anybody_at_work(house) {
        send_runner(house);
    }
    match drained.stopped_by {
        Some(signal) => Fate::Stopped(signal),
        None if !is_over => Fate::Queued,
        None => Fate::Handled { failed: drained.failed.contains(&event.id) },
    }
}

/// Leaves the work to somebody else.
fn leave(house: &House, wait: Wait) -> Fate {
    // Whoever holds the lock looks again after letting go, and finds this event. But it may
    // die with its control group, and then it is the unit that notices.
    if !unit::wake(&house.layout) && !is_anybody_at_work(house) {
        if wait == Wait::Leave && unit::is_systemd(&house.layout) {
            unit::start(house);
        } else {
            start_runner(house);
        }
    }
    signals::let_in();
    Fate::Queued
}

/// Whether that event is the one whose run is going on right now.
fn is_in_hand(house: &House, id: Option<Uuid>) -> bool {
    let note = Note::from_bytes(&lock::record_of(&house.layout.lock()));
    id.is_some() && note.in_hand.map(|in_hand| in_hand.event_id) == id
}

/// Wakes netcue's own unit, or starts a run that has nothing to do with the caller. If it
/// can't be started, the event stays in the queue for whoever comes next.
pub(super) fn send_runner(house: &House) {
    if !unit::wake(&house.layout) {
        start_runner(house);
    }
}

fn start_runner(house: &House) {
    if let Err(error) = house.start_detached(&[]) {
        house.say(
            Urgency::Error,
            &format!("can't start a run: {error}; the event waits for the next call"),
        );
    }
}

/// How long a runner that was sent is given to take the lock before another is sent.
const HEAD_START: Duration = Duration::from_millis(250);

/// How long to sleep at most while somebody holds the lock: nothing tells of his death.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// What is left of a caller's limit: it began when the call was taken in.
fn left_of(limit: Duration, event: &Event) -> Duration {
    let spent = clock::boottime_ns().saturating_sub(event.boottime_ns);
    limit.saturating_sub(Duration::from_nanos(spent))
}

/// How often a unit that does not come is woken, before a run is started all the same.
const CALLS: u32 = 4;

/// Waits until an event has been handled.
///
/// Another process does the work, so that the end of this caller, or of its patience,
/// interrupts nothing. Should the one that holds the lock die, another is sent.
fn wait_for(house: &House, kept: &Kept, event: &Event, limit: Duration) -> Fate {
    let deadline = Instant::now() + limit;
    let (lock, file) = (house.layout.lock(), house.queue.path_of(kept.ticket()));
    let watch = Watch::on(&file).unwrap_or_else(|error| {
        house.say(Urgency::Warning, &format!("{error}; looking from time to time instead"));
        Watch::none()
    });
    let (mut next_runner, mut calls) = (Instant::now(), 0);
    let sees_the_lock = !unit::is_out_of_sight(&house.layout);
    while !kept.is_over(house, event.id) {
        let now = Instant::now();
        if now >= deadline {
            return Fate::Late;
        }
        let free = sees_the_lock && lock::is_free(&lock).unwrap_or(false);
        if free && now >= next_runner && !kept.is_over(house, event.id) {
            if calls < CALLS {
                send_runner(house);
            } else {
                start_runner(house);
            }
            calls += 1;
            next_runner = now + HEAD_START;
        }
        // Somebody is at it, or was sent: it needs us no more.
        signals::let_in();
        // What was handed over has no file yet that could be watched.
        let pause = if house.queue.holds(kept.ticket()) { LOOK_AGAIN } else { LOOK_SOON };
        let next = if free { next_runner.min(now + pause) } else { now + pause };
        watch.sleep_until(deadline.min(next));
        watch.again(&file);
    }
    let known = on_record(&house.journal, event.id);
    let failed = matches!(known, Ok(OnRecord::Ended(outcome)) if outcome != Outcome::Done);
    Fate::Handled { failed }
}

/// How often to look whether what was handed over has come into the queue.
const LOOK_SOON: Duration = Duration::from_millis(20);
