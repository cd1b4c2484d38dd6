//! How long a call is kept: not at all, until its own process has done the work, or until a
//! detached run has.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::drain::is_anybody_at_work;
use super::{Arrival, Fate, House, drain};
use crate::event::Event;
use crate::journal::{OnRecord, Outcome, on_record};
use crate::queue::{Note, Ticket};
use crate::sources::Wait;
use crate::sys::syslog::Urgency;
use crate::sys::watch::Watch;
use crate::sys::{clock, lock, signals};

/// Sees to it that a waiting event is handled, and keeps the caller as long as its row says.
pub(super) fn see_to_it(house: &mut House, event: Event, ticket: &Ticket, wait: Wait) -> Arrival {
    let wait = match wait {
        // Waiting for the run that waits for us would last until the limit.
        Wait::Finish(_) if is_in_hand(house, event.caused_by) => Wait::Deposit,
        wait => wait,
    };
    let fate = match wait {
        Wait::Foreground => {
            let drained = drain(house, HEAD_START);
            if drained.busy && house.queue.holds(ticket) && !is_anybody_at_work(house) {
                send_runner(house);
            }
            match drained.stopped_by {
                Some(signal) => Fate::Stopped(signal),
                None if house.queue.holds(ticket) => Fate::Queued,
                None => Fate::Handled { failed: drained.failed.contains(&event.id) },
            }
        }
        Wait::Deposit => {
            // Whoever holds the lock looks again after letting go, and finds this event.
            if !is_anybody_at_work(house) {
                send_runner(house);
            }
            signals::let_in();
            Fate::Queued
        }
        Wait::Finish(limit) if wait_for(house, ticket, left_of(limit, &event)) => {
            let known = on_record(&house.journal, event.id);
            let failed = matches!(known, Ok(OnRecord::Ended(outcome)) if outcome != Outcome::Done);
            Fate::Handled { failed }
        }
        Wait::Finish(_) => Fate::Late,
    };
    Arrival::of(event, fate)
}

/// Whether that event is the one whose run is going on right now.
fn is_in_hand(house: &House, id: Option<Uuid>) -> bool {
    let note = Note::from_bytes(&lock::record_of(&house.layout.lock()));
    id.is_some() && note.in_hand.map(|in_hand| in_hand.event_id) == id
}

/// Starts a run that has nothing to do with the caller. If it can't be started, the event
/// stays in the queue for whoever comes next.
pub(super) fn send_runner(house: &House) {
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

/// Waits until an event has been handled. Tells whether it has.
///
/// A detached run does the work, so that the end of this caller, or of its patience,
/// interrupts nothing. Should the one that holds the lock die, another is sent.
fn wait_for(house: &House, ticket: &Ticket, limit: Duration) -> bool {
    let deadline = Instant::now() + limit;
    let (lock, file) = (house.layout.lock(), house.queue.path_of(ticket));
    let watch = Watch::on(&file).unwrap_or_else(|error| {
        house.say(Urgency::Warning, &format!("{error}; looking from time to time instead"));
        Watch::none()
    });
    let mut next_runner = Instant::now();
    while house.queue.holds(ticket) {
        let now = Instant::now();
        if now >= deadline {
            return false;
        }
        let free = lock::is_free(&lock).unwrap_or(false);
        if free && now >= next_runner && house.queue.holds(ticket) {
            send_runner(house);
            next_runner = now + HEAD_START;
        }
        // Somebody is at it, or was sent: it needs us no more.
        signals::let_in();
        watch.sleep_until(deadline.min(if free { next_runner } else { now + LOOK_AGAIN }));
        watch.again(&file);
    }
    true
}
