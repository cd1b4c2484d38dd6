//! Turns: whoever gets the lock handles what waits until nothing waits, lets go, and looks
//! again.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::turn::{Handled, Turn};
use super::wait::send_runner;
use super::{House, follow_up, unattended};
use crate::journal::{OnRecord, on_record};
use crate::queue::{Holder, Note};
use crate::sys::clock;
use crate::sys::lock::{self, Lock};
use crate::sys::signals::Signals;
use crate::sys::syslog::Urgency;

/// What came of a drain.
#[derive(Debug, Default)]
pub struct Drained {
    /// The events in whose run a step failed.
    pub failed: Vec<Uuid>,
    /// The signal that made us stop before the queue was empty.
    pub stopped_by: Option<i32>,
    /// Whether another process holds the lock and does the work.
    pub busy: bool,
    /// Whether the queue could not be read, or an event not be taken out of it, as on a
    /// file system that has become read-only: looking again would never end.
    pub stuck: bool,
}

/// Handles what waits, if nobody else does. `patience` is how long to wait for a lock whose
/// holder is dead.
///
/// Looking again after unlocking is what loses no event: one that came between the last
/// look and the unlocking found the lock busy, and its caller has gone.
#[must_use]
pub fn drain(house: &mut House, patience: Duration) -> Drained {
    match Signals::watch() {
        Ok(signals) => drain_under(house, &signals, patience),
        Err(error) => {
            house.say(Urgency::Error, &format!("can't watch for signals: {error}"));
            Drained::default()
        }
    }
}

/// The same in a process that watches for signals already.
pub(super) fn drain_under(house: &mut House, signals: &Signals, patience: Duration) -> Drained {
    let mut drained = Drained::default();
    let give_up = Instant::now() + patience;
    loop {
        match Lock::try_now(&house.layout.lock()) {
            Ok(Some(lock)) => turn(house, &lock, signals, &mut drained),
            Ok(None) if is_anybody_at_work(house) => {
                drained.busy = true;
                return drained;
            }
            Ok(None) if Instant::now() < give_up && signals.stop().is_none() => {
                // Nothing tells of an unlocking.
                clock::pause(Duration::from_millis(5));
                continue;
            }
            Ok(None) => {
                drained.busy = true;
                return drained;
            }
            Err(error) => {
                house
                    .say(Urgency::Error, &format!("{error}; what waits is left for the next call"));
                return drained;
            }
        }
        if drained.stopped_by.is_some() {
            send_runner(house);
            return drained;
        }
        if drained.stuck || !house.queue.waiting().is_ok_and(|waiting| !waiting.is_empty()) {
            return drained;
        }
    }
}

/// Whether somebody holds the lock who will look again after letting go.
///
/// A process that was killed while it started a hook leaves a child that holds the lock until
/// it has become that hook, and does nothing else.
pub(super) fn is_anybody_at_work(house: &House) -> bool {
    let path = house.layout.lock();
    // Who has only just taken it has not said so yet.
    let lives = |note: Note| note.holder.is_none_or(Holder::is_alive);
    lock::is_free(&path).is_ok_and(|free| !free) && lives(Note::from_bytes(&lock::record_of(&path)))
}

/// One holding of the lock.
fn turn(house: &mut House, lock: &Lock, signals: &Signals, drained: &mut Drained) {
    house.record_what_could_not_be();
    take_in_drafts(house);
    unattended::look_after(house);
    follow_up::look_after(house);
    house.keep();
    let queue = house.queue.clone();
    let mut turn = Turn::begin(house, signals, lock, queue.clone());
    if !drained.goes_on(turn.handle_left()) {
        return;
    }
    loop {
        let waiting = match queue.waiting() {
            Ok(waiting) if waiting.is_empty() => break,
            Ok(waiting) => waiting,
            Err(error) => {
                turn.house.say(Urgency::Error, &error.to_string());
                drained.stuck = true;
                return;
            }
        };
        for ticket in &waiting {
            // If somebody has removed it, others take another one, and we have to be among them.
            if !lock.is_current() || !drained.goes_on(turn.handle(ticket)) {
                return;
            }
        }
    }
    turn.end();
}

impl Drained {
    /// Takes note of what came of one event. Tells whether the next can be begun; if not, the
    /// note stays in the lock: it keeps the next turn from repeating what is finished.
    fn goes_on(&mut self, handled: Handled) -> bool {
        match handled {
            Handled::Finished => {}
            Handled::Failed(id) => self.failed.push(id),
            Handled::Stopped(signal) => self.stopped_by = Some(signal),
            Handled::Stuck => self.stuck = true,
        }
        self.stopped_by.is_none() && !self.stuck
    }
}

/// Puts into the queue what its writer put on record and did not live to put in.
fn take_in_drafts(house: &mut House) {
    for draft in house.queue.abandoned().unwrap_or_default() {
        let event = house.queue.read_draft(&draft);
        let known = event.map(|event| on_record(&house.journal, event.id));
        if let Some(Ok(OnRecord::Accepted)) = known {
            if let Err(error) = house.queue.put_in(draft) {
                house.say(Urgency::Error, &error.to_string());
            }
        } else {
            house.queue.discard(&draft);
        }
    }
}
