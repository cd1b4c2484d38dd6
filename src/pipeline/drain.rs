//! Turns: whoever gets the lock handles what waits until nothing waits, lets go, and looks
//! again.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::run::{End, Run};
use super::{House, send_runner, unattended};
use crate::event::Event;
use crate::journal::{OnRecord, Outcome, Progress, Record, on_record, progress};
use crate::queue::{Note, Ticket, Unreadable};
use crate::sys::files;
use crate::sys::lock::Lock;
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

/// Handles what waits, if nobody else does.
///
/// Looking again after unlocking is what loses no event: one that came between the last
/// look and the unlocking found the lock busy, and its caller has gone.
#[must_use]
pub fn drain(house: &mut House) -> Drained {
    let mut drained = Drained::default();
    let signals = match Signals::watch() {
        Ok(signals) => signals,
        Err(error) => {
            house.say(Urgency::Error, &format!("can't watch for signals: {error}"));
            return drained;
        }
    };
    loop {
        match Lock::try_now(&house.layout.lock()) {
            Ok(Some(lock)) => turn(house, &lock, &signals, &mut drained),
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

/// One holding of the lock.
fn turn(house: &mut House, lock: &Lock, signals: &Signals, drained: &mut Drained) {
    let last = lock.note().ok().and_then(|note| Note::from_bytes(&note));
    let is_last =
        |ticket: &Ticket| last.as_ref().is_some_and(|last| last.ticket == ticket.as_str());
    take_in_drafts(house);
    unattended::look_after(house);
    house.keep();
    loop {
        let mut waiting = match house.queue.waiting() {
            Ok(waiting) if waiting.is_empty() => break,
            Ok(waiting) => waiting,
            Err(error) => {
                house.say(Urgency::Error, &error.to_string());
                drained.stuck = true;
                return;
            }
        };
        // What was begun is finished first: the note knows of no other event.
        waiting.sort_by_key(|ticket| !is_last(ticket));
        for ticket in &waiting {
            let mut hand = Hand { house, lock, signals };
            match hand.take_up(ticket, last.as_ref().filter(|_| is_last(ticket))) {
                Taken::Finished => {}
                Taken::Failed(id) => drained.failed.push(id),
                Taken::Stopped(signal) => {
                    drained.stopped_by = Some(signal);
                    return;
                }
                Taken::Stuck => {
                    // The note stays: it keeps the next turn from repeating what is finished.
                    drained.stuck = true;
                    return;
                }
            }
        }
    }
    let _ = lock.leave_note(b"");
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

/// What came of one ticket.
enum Taken {
    Finished,
    Failed(Uuid),
    Stopped(i32),
    /// It can't be taken out of the queue.
    Stuck,
}

/// One event in hand.
struct Hand<'a> {
    house: &'a mut House,
    lock: &'a Lock,
    signals: &'a Signals,
}

impl Hand<'_> {
    /// `last` is the note of an earlier run of this event that did not get through.
    fn take_up(&mut self, ticket: &Ticket, last: Option<&Note>) -> Taken {
        let mut event = match self.house.queue.read(ticket) {
            Ok(Some(event)) => event,
            Ok(None) if !self.house.queue.holds(ticket) => return Taken::Finished,
            Ok(None) => return self.set_aside_unread(ticket, "it is a link to nothing"),
            Err(Unreadable::File(error)) if error.is_passing() => {
                self.house.say(Urgency::Error, &error.to_string());
                return Taken::Stuck;
            }
            Err(unreadable) => return self.set_aside_unread(ticket, &unreadable.to_string()),
        };
        let done = if last.is_some() { self.look_back(event.id) } else { Progress::default() };
        match done.outcome {
            Some(Outcome::GivenUp) => return self.put_aside(ticket),
            Some(_) => return self.take_out(ticket),
            None => {}
        }
        let note = Note::begin(ticket, event.id).after(last);
        if let Err(error) = self.lock.leave_note(&note.to_bytes()) {
            self.house.say(Urgency::Warning, &format!("can't write into the lock: {error}"));
        }
        if last.is_some() {
            let grace = self.house.config.hooks.grace();
            let folder = self.house.layout.unattended();
            unattended::end_orphans(&event, grace, |step| {
                done.end_of(step).is_none() && !unattended::is_sent(&folder, event.id, step)
            });
            if let Some(why) = why_given_up(&note) {
                return self.set_aside(ticket, Some(event.id), &why);
            }
            event.attempt = event.attempt.max(done.attempt) + 1;
            if let Err(error) = self.house.queue.write(&event) {
                self.house.say(Urgency::Warning, &error.to_string());
            }
        }
        let end = Run {
            house: self.house,
            signals: self.signals,
            event: &event,
            done: &done,
            ticket: Some(ticket),
        }
        .through();
        match end {
            End::Stopped(signal) => {
                let _ = self.lock.leave_note(&Note { stopped: true, ..note }.to_bytes());
                Taken::Stopped(signal)
            }
            End::Done => self.take_out(ticket),
            End::Failed => match self.take_out(ticket) {
                Taken::Finished => Taken::Failed(event.id),
                other => other,
            },
        }
    }

    /// What a run that did not get through had finished.
    fn look_back(&mut self, id: Uuid) -> Progress {
        progress(&self.house.journal, id).unwrap_or_else(|error| {
            let text = format!("{error}; steps of event {id} may be repeated");
            self.house.say(Urgency::Warning, &text);
            Progress::default()
        })
    }

    fn take_out(&mut self, ticket: &Ticket) -> Taken {
        match self.house.queue.remove(ticket) {
            Ok(()) => Taken::Finished,
            Err(error) => {
                self.house.say(Urgency::Error, &error.to_string());
                Taken::Stuck
            }
        }
    }

    /// On record before it is done: what died in between is known to the next turn.
    fn set_aside(&mut self, ticket: &Ticket, id: Option<Uuid>, why: &str) -> Taken {
        let path = self.house.queue.place_aside(ticket).display().to_string();
        self.house.say(Urgency::Error, &format!("set aside as {path}: {why}"));
        self.house.record(id, Record::SetAside { path, reason: why.to_owned() });
        if id.is_some() {
            let (outcome, reason) = (Outcome::GivenUp, Some(why.to_owned()));
            self.house.record(id, Record::Outcome { outcome, waited_ms: None, ms: 0.0, reason });
        }
        self.put_aside(ticket)
    }

    fn put_aside(&mut self, ticket: &Ticket) -> Taken {
        match self.house.queue.set_aside(ticket) {
            Ok(()) => Taken::Finished,
            Err(error) => {
                self.house.say(Urgency::Error, &error.to_string());
                Taken::Stuck
            }
        }
    }

    /// A file that holds no event any more: if its name still says which event it was, that
    /// has its outcome now, and only once.
    fn set_aside_unread(&mut self, ticket: &Ticket, why: &str) -> Taken {
        let id = ticket.event_id();
        match id.map(|id| on_record(&self.house.journal, id)) {
            Some(Ok(OnRecord::Ended(_))) => self.put_aside(ticket),
            _ => self.set_aside(ticket, id, why),
        }
    }
}

/// Why the event of that note is not tried again.
fn why_given_up(note: &Note) -> Option<String> {
    if note.deaths >= Note::MOST_DEATHS {
        Some(format!("its run died {} times", note.deaths))
    } else if note.stops >= Note::MOST_STOPS {
        Some(format!("its run was asked to end {} times", note.stops))
    } else {
        None
    }
}

/// How long a call whose event can't be queued waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// Handles an event that could not be queued, if its turn comes in time; otherwise says
/// why it can't.
pub(super) fn handle_unqueued(house: &mut House, event: &Event) -> Result<super::Fate, String> {
    let signals = Signals::watch().map_err(|error| format!("can't watch for signals: {error}"))?;
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
    let _lock = loop {
        match take() {
            Ok(Some(lock)) => break lock,
            Err(error) => return Err(error.to_string()),
            Ok(None) if Instant::now() >= deadline || signals.stop().is_some() => {
                return Err("another run holds the lock".to_owned());
            }
            // Nothing tells of an unlocking, and this is the last resort anyway.
            Ok(None) => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let done = Progress::default();
    let end = Run { house, signals: &signals, event, done: &done, ticket: None }.through();
    Ok(match end {
        End::Done => super::Fate::Handled { failed: false },
        End::Failed => super::Fate::Handled { failed: true },
        End::Stopped(signal) => super::Fate::Stopped(signal),
    })
}
