//! One turn: work is taken up under a lock, tried, and then done, given up, or left to the
//! next turn. An event and a hook that holds nobody go through the same acts.

use uuid::Uuid;

use super::run::{End, Run};
use super::{House, unattended};
use crate::event::Event;
use crate::journal::{
    OnRecord, Outcome, Progress, Record, StepEnd, final_end, is_set_aside, on_record, progress,
    story_of,
};
use crate::queue::{Backlog, Holder, InHand, Note, Queue, State, Ticket, Unreadable, Work};
use crate::reason::Reason;
use crate::sys::files;
use crate::sys::lock::Lock;
use crate::sys::processes;
use crate::sys::signals::Signals;
use crate::sys::syslog::Urgency;

/// What came of one piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handled {
    /// It is out of the queue.
    Finished,
    /// It is out of the queue, and a step of this event failed.
    Failed(Uuid),
    /// This signal stopped it; it stays in the queue.
    Stopped(i32),
    /// It can't be taken out of the queue, as on a file system that has become read-only.
    Stuck,
}

/// One holding of a lock.
pub(super) struct Turn<'a> {
    pub(super) house: &'a mut House,
    signals: &'a Signals,
    lock: &'a Lock,
    queue: Queue,
    holder: Holder,
    /// What an earlier holder had begun and did not get through.
    left: Option<InHand>,
    /// Whether the lock has no place for a note: the journal has to do instead.
    without_note: bool,
    backlog: Backlog,
}

impl<'a> Turn<'a> {
    /// Begins with what the last holder has left in the lock.
    pub(super) fn begin(
        house: &'a mut House,
        signals: &'a Signals,
        lock: &'a Lock,
        queue: Queue,
    ) -> Self {
        let left = Note::from_bytes(&lock.record().unwrap_or_default()).in_hand;
        let (holder, backlog) = (Holder::ours(), Backlog::default());
        let mut turn =
            Self { house, signals, lock, queue, holder, left: None, without_note: false, backlog };
        turn.leave_note(left.as_ref());
        turn.left = left;
        turn
    }

    /// Says in the lock who is at work at what.
    fn leave_note(&mut self, in_hand: Option<&InHand>) {
        let note = Note { holder: Some(self.holder), in_hand: in_hand.cloned() };
        let Err(error) = note.leave_in(self.lock) else { return };
        let is_known = std::mem::replace(&mut self.without_note, true);
        // Where nothing can be written, that has been said of the queue.
        if !is_known && !self.lock.is_read_only() {
            self.house.say(Urgency::Warning, &format!("can't write into the lock: {error}"));
        }
    }

    /// Nothing is left: the next holder begins anew.
    pub(super) fn end(self) {
        let _ = Note::default().leave_in(self.lock);
    }

    /// Finishes what an earlier holder had begun: the note knows of no other work. What is not
    /// in the queue could not be queued, and is in the journal alone; unless it has ended.
    pub(super) fn handle_left(&mut self) -> Handled {
        let Some(left) = self.left.clone() else { return Handled::Finished };
        let ticket = Ticket::named(&left.ticket);
        if self.queue.holds(&ticket) {
            return self.handle(&ticket);
        }
        if left.state == State::Ended {
            return Handled::Finished;
        }
        let story = story_of(&self.house.journal, left.event_id).ok().flatten();
        match story.filter(|story| story.outcome.is_none()).and_then(|story| story.event) {
            Some(event) => self.attempt(&ticket, Work::Event(event)),
            None => Handled::Finished,
        }
    }

    /// Handles what waits under that ticket.
    pub(super) fn handle(&mut self, ticket: &Ticket) -> Handled {
        match self.queue.read_work(ticket) {
            Ok(Some(work)) => self.attempt(ticket, work),
            Ok(None) if !self.queue.holds(ticket) => Handled::Finished,
            Ok(None) => self.set_aside_unread(
                ticket,
                &Reason::QueueFile { text: "it is a link to nothing".to_owned() },
            ),
            // What a confined caller may not read, others may.
            Err(Unreadable::File(error)) if error.is_passing() || error.is_permission() => {
                self.house.say(Urgency::Error, &error.to_string());
                Handled::Stuck
            }
            Err(unreadable) => {
                self.set_aside_unread(ticket, &Reason::QueueFile { text: unreadable.to_string() })
            }
        }
    }

    /// Handles an event that could not be queued.
    pub(super) fn handle_unqueued(&mut self, event: &Event) -> Handled {
        self.attempt(&Ticket::of(event), Work::Event(Box::new(event.clone())))
    }

    fn attempt(&mut self, ticket: &Ticket, mut work: Work) -> Handled {
        let left = self.left.take_if(|left| left.ticket == ticket.as_str());
        let done = if left.is_some() || self.without_note {
            self.look_back(&work)
        } else {
            Progress::default()
        };
        if let Some(handled) = self.is_over(ticket, left.as_ref(), &done) {
            return handled;
        }
        let mut in_hand = match left {
            Some(left) => left.again(),
            None => InHand {
                deaths: done.attempt.saturating_sub(done.interruptions),
                stops: done.interruptions,
                ..InHand::first(ticket, work.event().id)
            },
        };
        self.leave_note(Some(&in_hand));
        if in_hand.deaths + in_hand.stops > 0 {
            self.end_orphans(&work, &done);
            if let Some(why) = in_hand.why_given_up() {
                in_hand.state = State::GivenUp;
                self.leave_note(Some(&in_hand));
                return self.set_aside(ticket, Some((work.event().id, work.step())), &why);
            }
            self.raise_attempt(&mut work, done.attempt);
        }
        let there = match self.house.go_to(work.event()) {
            Ok(there) => there,
            Err(why) => {
                let why = Reason::Namespace { text: why.to_string() };
                return self.give_up(ticket, &work, &why);
            }
        };
        let end = self.run(&work, &done);
        self.house.come_back(there);
        if let End::Stopped(signal) = end {
            in_hand.state = State::Stopped;
            self.leave_note(Some(&in_hand));
            return Handled::Stopped(signal);
        }
        if self.house.is_journal_broken() {
            in_hand.state = State::Ended;
            self.leave_note(Some(&in_hand));
        }
        match self.take_out(ticket) {
            Handled::Finished if end == End::Failed => Handled::Failed(work.event().id),
            handled => handled,
        }
    }

    /// Whether work that was begun has ended already, and has only to be taken out.
    fn is_over(
        &mut self,
        ticket: &Ticket,
        left: Option<&InHand>,
        done: &Progress,
    ) -> Option<Handled> {
        let state = left.map_or(State::Begun, |left| left.state);
        match (done.outcome, state) {
            (Some(Outcome::GivenUp), _) | (Some(_), State::GivenUp) => Some(self.put_aside(ticket)),
            (Some(_), _) | (None, State::Ended) => Some(self.take_out(ticket)),
            (None, _) => None,
        }
    }

    fn run(&mut self, work: &Work, done: &Progress) -> End {
        match work {
            Work::Event(event) => {
                let (queue, backlog) = (&self.queue, &mut self.backlog);
                Run { house: self.house, signals: self.signals, event, done }
                    .execute(&mut || backlog.behind(queue, event).to_vec())
            }
            Work::Hook(job) => unattended::run(self.house, self.signals, job),
        }
    }

    /// Ends what a dead process had started and is about to be repeated.
    fn end_orphans(&self, work: &Work, done: &Progress) {
        let event = work.event();
        let hooks = Queue::of_hooks(&self.house.layout);
        let is_repeated = |step: &str| match work {
            Work::Event(_) => {
                // What was sent is looked after by those who run such hooks.
                done.end_of(step).is_none() && !hooks.holds(&Ticket::of_hook(event, step))
            }
            Work::Hook(job) => step == job.step,
        };
        let id = event.id.to_string();
        processes::end_orphans(self.house.config.hooks.grace(), |variable| {
            variable("NETCUE_ID").as_deref() == Some(&id)
                && variable("NETCUE_STEP").is_some_and(|step| is_repeated(&step))
        });
    }

    /// The event in the queue is raised with ours, for whoever repeats it without a journal.
    fn raise_attempt(&mut self, work: &mut Work, attempt: u32) {
        let Work::Event(event) = work else { return };
        event.attempt = event.attempt.max(attempt) + 1;
        if let Err(error) = self.queue.write(event) {
            self.house.say(Urgency::Warning, &error.to_string());
        }
    }

    /// What a run that did not get through had finished.
    fn look_back(&mut self, work: &Work) -> Progress {
        let (journal, id) = (&self.house.journal, work.event().id);
        let known = match work {
            Work::Event(_) => progress(journal, id),
            Work::Hook(job) => final_end(journal, id, &job.step)
                .map(|end| Progress { outcome: end.map(|_| Outcome::Done), ..Progress::default() }),
        };
        known.unwrap_or_else(|error| {
            let text = format!("{error}; steps of event {id} may be repeated");
            self.house.say(Urgency::Warning, &text);
            Progress::default()
        })
    }

    fn take_out(&mut self, ticket: &Ticket) -> Handled {
        let removed = self.queue.remove(ticket);
        self.is_out(removed.map_err(|error| error.to_string()))
    }

    /// Nothing can be done for work whose network namespace has gone, and its file is not worth
    /// keeping.
    fn give_up(&mut self, ticket: &Ticket, work: &Work, why: &Reason) -> Handled {
        let (id, reason) = (work.event().id, why.clone());
        self.house.say(Urgency::Warning, &format!("event {id} is given up: {why}"));
        self.house.record(Some(id), last_record(work.step(), reason));
        self.take_out(ticket)
    }

    fn put_aside(&mut self, ticket: &Ticket) -> Handled {
        let moved = self.queue.set_aside(ticket);
        self.is_out(moved.map_err(|error| error.to_string()))
    }

    fn is_out(&mut self, out: Result<(), String>) -> Handled {
        match out {
            Ok(()) => Handled::Finished,
            Err(error) => {
                self.house.say(Urgency::Error, &error);
                Handled::Stuck
            }
        }
    }

    /// On record before it is done: what died in between is known to the next turn. `whose`
    /// is the event, and the step of it that a hook is.
    fn set_aside(
        &mut self,
        ticket: &Ticket,
        whose: Option<(Uuid, Option<&str>)>,
        why: &Reason,
    ) -> Handled {
        let path = self.queue.place_aside(ticket).display().to_string();
        self.house.say(Urgency::Error, &format!("set aside as {path}: {why}"));
        let id = whose.map(|(id, _)| id);
        let reason = why.clone();
        self.house.record(id, Record::SetAside { path, reason: reason.clone() });
        let last = whose.map(|(_, step)| last_record(step, reason));
        if let Some(last) = last {
            self.house.record(id, last);
        }
        self.put_aside(ticket)
    }

    /// A file that holds no work any more: if its name still says whose it was, that has its
    /// end now. Told once, however often it turns out that the file can't be moved.
    fn set_aside_unread(&mut self, ticket: &Ticket, why: &Reason) -> Handled {
        let (journal, place) = (&self.house.journal, self.queue.place_aside(ticket));
        let is_told = match (ticket.event_id(), ticket.step()) {
            (Some(id), None) => matches!(on_record(journal, id), Ok(OnRecord::Ended(_))),
            (Some(id), Some(step)) => final_end(journal, id, step).is_ok_and(|end| end.is_some()),
            (None, _) => {
                let path = place.display().to_string();
                !files::is_there(&place) && is_set_aside(journal, &path).unwrap_or(false)
            }
        };
        if is_told {
            return self.put_aside(ticket);
        }
        self.set_aside(ticket, ticket.event_id().map(|id| (id, ticket.step())), why)
    }
}

/// How work ends that is given up: an event, or the step of one.
fn last_record(step: Option<&str>, reason: Reason) -> Record {
    if let Some(step) = step {
        Record::StepEnd { step: step.to_owned(), end: StepEnd::not_started(reason) }
    } else {
        let (outcome, reason) = (Outcome::GivenUp, Some(reason));
        Record::Outcome { outcome, waited_ms: None, ms: 0.0, reason }
    }
}
