//! Events that can't be queued: handled at once, if their turn comes in time, or lost, and on
//! record as that.

use std::time::{Duration, Instant};

use super::turn::{Handled, Turn};
use super::wait::send_runner;
use super::{Arrival, Fate, House, drain};
use crate::error::Exit;
use crate::event::Event;
use crate::journal::{Outcome, Record};
use crate::reason::Reason;
use crate::sys::clock;
use crate::sys::files::{self, FileError};
use crate::sys::invocation;
use crate::sys::lock::Lock;
use crate::sys::signals::Signals;
use crate::sys::syslog::Urgency;

/// The queue can't be written: do the work at once, if it is our turn, and say so.
pub(super) fn handle(house: &mut House, event: Event, error: &FileError) -> Arrival {
    let remark = Record::Remark { text: format!("not queued: {error}") };
    house.record(Some(event.id), remark);
    let exit = if error.is_permission() { Exit::NoPermission } else { Exit::CantWrite };
    // An ordinary user's hooks and rules would change nothing, and nobody would know.
    let handled = if error.is_permission() && !invocation::is_root() {
        Err(error.to_string())
    } else {
        let text = format!("{error}; event {} is handled without the queue", event.id);
        house.say(Urgency::Error, &text);
        in_turn(house, &event)
    };
    let why = match handled {
        Ok(fate) => {
            if let Fate::Handled { .. } = fate {
                // Whoever came meanwhile found the lock held, and relies on its holder.
                let _ = drain(house, Duration::ZERO);
            }
            return Arrival::of(event, fate);
        }
        Err(why) => why,
    };
    house.say(Urgency::Error, &format!("event {} is lost: {why}", event.id));
    let lost = Record::Outcome {
        outcome: Outcome::GivenUp,
        waited_ms: None,
        ms: 0.0,
        reason: Some(Reason::NotQueued { error: error.to_string(), text: why }),
    };
    house.record(Some(event.id), lost);
    Arrival::of(event, Fate::Lost(exit))
}

/// How long a call whose event can't be queued waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// Handles an event that could not be queued, if its turn comes in time; otherwise says
/// why it can't.
fn in_turn(house: &mut House, event: &Event) -> Result<Fate, String> {
    let signals = Signals::watch().map_err(|error| format!("can't watch for signals: {error}"))?;
    let lock = wait_for_the_lock(house, &signals)?;
    let queue = house.queue.clone();
    let mut turn = Turn::begin(house, &signals, &lock, queue);
    // Our note takes the place of the last one: what that speaks of comes first.
    let left = turn.handle_left();
    if !matches!(left, Handled::Finished | Handled::Failed(_)) {
        return Err("an event that was begun before it can't be finished".to_owned());
    }
    match turn.handle_unqueued(event) {
        Handled::Stopped(signal) => {
            // The note tells a successor, which finds the event in the journal.
            drop(lock);
            send_runner(house);
            Ok(Fate::Stopped(signal))
        }
        Handled::Stuck | Handled::Finished => {
            turn.end();
            Ok(Fate::Handled { failed: false })
        }
        Handled::Failed(_) => {
            turn.end();
            Ok(Fate::Handled { failed: true })
        }
    }
}

fn wait_for_the_lock(house: &House, signals: &Signals) -> Result<Lock, String> {
    let deadline = Instant::now() + PATIENCE;
    let path = house.layout.lock();
    let take = || match Lock::try_now(&path) {
        // One that is there and can't be opened may be held. Where none can be made, others
        // who can't make it either are all there can be.
        Err(error) if !files::is_there(&path) => {
            let folder = path.ancestors().find(|above| files::is_folder(above));
            folder.map_or(Err(error), Lock::try_on_folder)
        }
        taken => taken,
    };
    loop {
        match take() {
            Ok(Some(lock)) => return Ok(lock),
            Err(error) => return Err(error.to_string()),
            Ok(None) if Instant::now() >= deadline || signals.stop().is_some() => {
                return Err("another run holds the lock".to_owned());
            }
            // Nothing tells of an unlocking, and this is the last resort anyway.
            Ok(None) => clock::pause(Duration::from_millis(20)),
        }
    }
}
