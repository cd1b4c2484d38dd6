//! The whole story: a call arrives, becomes an event, is kept, waits its turn, and is
//! handled step by step. Only this folder knows the order of the stages.

mod caller;
mod drain;
mod house;
mod met;
mod run;
mod steps;
mod unattended;

pub use caller::Caller;
pub use drain::drain;
pub use house::{Configured, House, configured};
pub use steps::{candidates, preview};
pub use unattended::attend;

use std::ffi::OsString;
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::error::Exit;
use crate::event::{Cause, Event, LONGEST_CHAIN, Stamp};
use crate::journal::{OnRecord, Outcome, Record, on_record};
use crate::queue::{Note, Ticket};
use crate::sources::{Reading, Refusal, Wait};
use crate::sys::files::FileError;
use crate::sys::lock::{self, Probe};
use crate::sys::syslog::Urgency;
use crate::sys::watch::Watch;
use crate::sys::{child, clock, files, invocation};

/// What became of a call, for whoever made it.
#[derive(Debug)]
pub struct Arrival {
    /// The event, unless the call was refused.
    pub event: Option<Box<Event>>,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Handled before this process ended.
    Handled {
        /// Whether a step failed.
        failed: bool,
    },
    /// Kept, and somebody will handle it.
    Queued,
    /// Kept, but not handled within the caller's limit.
    Late,
    /// The source is switched off: nothing ran.
    Disabled,
    /// A known trigger without network meaning: nothing ran.
    Ignored,
    /// Not understood: there is no event.
    Refused,
    /// This signal asked us to stop; what is left is in the queue.
    Stopped(i32),
    /// Could not be kept and not be handled either.
    Lost(Exit),
}

impl Fate {
    /// The fate in one word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Handled { failed: false } => "handled",
            Self::Handled { failed: true } => "failed",
            Self::Queued | Self::Late | Self::Stopped(_) => "queued",
            Self::Disabled => "disabled",
            Self::Ignored => "ignored",
            Self::Refused => "refused",
            Self::Lost(_) => "lost",
        }
    }

    /// The exit status for a person, or for a source in strict mode.
    #[must_use]
    pub fn exit(self) -> Exit {
        match self {
            Self::Handled { failed: true } => Exit::StepFailed,
            Self::Late => Exit::StillQueued,
            Self::Refused => Exit::NotUnderstood,
            Self::Stopped(signal) => Exit::Signal(signal),
            Self::Lost(exit) => exit,
            Self::Handled { failed: false } | Self::Queued | Self::Disabled | Self::Ignored => {
                Exit::Done
            }
        }
    }

    /// The exit status for a source: a failure of ours must not be one of its own. What
    /// the source itself said wrong stays an error.
    #[must_use]
    pub fn exit_for_source(self, strict: bool) -> Exit {
        match self {
            Self::Handled { .. } | Self::Late | Self::Lost(_) if !strict => Exit::Done,
            fate => fate.exit(),
        }
    }
}

impl Arrival {
    fn of(event: Event, fate: Fate) -> Self {
        Self { event: Some(Box::new(event)), fate }
    }
}

/// Takes in a call that has been read: from here on its event is kept.
///
/// `wait` is the row's rule, or what a person asked for instead.
#[must_use]
pub fn arrive(house: &mut House, reading: Reading, caller: Caller, wait: Wait) -> Arrival {
    let (source, trigger) = (reading.source.name.as_str(), reading.trigger.word);
    let Caller { argv, cause } = caller;
    let event = accept(reading, cause);
    if event.cause_depth > LONGEST_CHAIN {
        let reason = format!(
            "{} events have caused one another, this one {} last: a loop of hooks",
            event.cause_depth,
            event.caused_by.unwrap_or_default()
        );
        return refuse(house, Some(source), Some(trigger), reason, argv);
    }
    if house.is_switched_off(source) {
        return nothing_runs(house, event, argv, Outcome::Disabled, Fate::Disabled);
    }
    if event.facts.action.is_none() {
        return nothing_runs(house, event, argv, Outcome::Ignored, Fate::Ignored);
    }
    let draft = house.queue.prepare().and_then(|()| house.queue.draft(&event));
    // Once it is in the queue its run may be on record at any moment: this comes first.
    house.record(Some(event.id), Record::Accepted { event: Box::new(event.clone()), argv });
    match draft.and_then(|draft| house.queue.put_in(draft)) {
        Ok(ticket) => see_to_it(house, event, &ticket, wait),
        Err(error) => without_queue(house, event, &error),
    }
}

/// Records that a call was not understood.
pub fn refuse_call(house: &mut House, refusal: &Refusal, caller: Caller) -> Arrival {
    refuse(house, refusal.source_name, refusal.trigger, refusal.to_string(), caller.argv)
}

fn refuse(
    house: &mut House,
    source: Option<&str>,
    trigger: Option<&str>,
    reason: String,
    argv: Vec<String>,
) -> Arrival {
    house.say(Urgency::Error, &format!("refused: {reason}"));
    house.record(
        None,
        Record::Refused {
            source: source.map(ToOwned::to_owned),
            trigger: trigger.map(ToOwned::to_owned),
            reason,
            argv,
        },
    );
    Arrival { event: None, fate: Fate::Refused }
}

/// A daemon that a hook started keeps that hook's environment for as long as it lives, and
/// what it says a day later closes no loop.
const CAUSES_AGE: Duration = Duration::from_secs(600);

fn is_old(cause: &Cause) -> bool {
    let now = clock::now().as_second();
    let then = cause.id.get_timestamp().map(|timestamp| timestamp.to_unix().0);
    let then = then.and_then(|seconds| i64::try_from(seconds).ok()).unwrap_or(now);
    u64::try_from(now.saturating_sub(then)).is_ok_and(|age| age > CAUSES_AGE.as_secs())
}

/// The event that a call becomes if it is accepted now.
#[must_use]
pub fn accept(reading: Reading, cause: Option<Cause>) -> Event {
    let interface = reading.facts.interface.as_ref();
    let stamp = Stamp {
        id: Uuid::now_v7(),
        time: clock::now(),
        boottime_ns: clock::boottime_ns(),
        ifindex: interface.and_then(|name| invocation::interface_index(name.as_str())),
        cause: cause.map(|cause| if is_old(&cause) { Cause { depth: 0, ..cause } } else { cause }),
    };
    Event::new(reading.source.name.clone(), reading.facts, stamp)
}

fn nothing_runs(
    house: &mut House,
    event: Event,
    argv: Vec<String>,
    outcome: Outcome,
    fate: Fate,
) -> Arrival {
    let id = Some(event.id);
    house.record(id, Record::Accepted { event: Box::new(event.clone()), argv });
    house.record(id, Record::Outcome { outcome, waited_ms: None, ms: 0.0, reason: None });
    Arrival::of(event, fate)
}

/// Sees to it that a waiting event is handled, and keeps the caller as long as its row says.
fn see_to_it(house: &mut House, event: Event, ticket: &Ticket, wait: Wait) -> Arrival {
    let wait = match wait {
        // Waiting for the run that waits for us would last until the limit.
        Wait::Finish(_) if is_in_hand(house, event.caused_by) => Wait::Deposit,
        wait => wait,
    };
    let fate = match wait {
        Wait::Foreground => {
            let drained = drain(house);
            match drained.stopped_by {
                Some(signal) => Fate::Stopped(signal),
                None if house.queue.holds(ticket) => Fate::Queued,
                None => Fate::Handled { failed: drained.failed.contains(&event.id) },
            }
        }
        Wait::Deposit => {
            // Whoever holds the lock looks again after letting go, and finds this event.
            if Probe::open(&house.layout.lock()).is_ok_and(|probe| probe.is_free()) {
                send_runner(house);
            }
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
    let note = Note::from_bytes(&lock::note_of(&house.layout.lock()));
    id.is_some() && note.map(|note| note.event_id) == id
}

/// Starts a run that has nothing to do with the caller. If it can't be started, the event
/// stays in the queue for whoever comes next.
fn send_runner(house: &House) {
    let root = house.layout.root().as_os_str();
    let args: [OsString; 4] = ["--root".into(), root.to_owned(), "run".into(), "--detached".into()];
    if let Err(error) = child::start_detached(&args) {
        house.say(
            Urgency::Error,
            &format!("can't start a run: {error}; the event waits for the next call"),
        );
    }
}

/// How long a runner that was sent is given to take the lock before another is sent.
const HEAD_START: Duration = Duration::from_millis(250);

/// How long to sleep at most while somebody holds the lock. When a holder is killed, the
/// kernel tells of the closing of its file a moment before it unlocks it: who looks in
/// that moment is not woken again.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

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
    let lock = house.layout.lock();
    let watched =
        Probe::open(&lock).and_then(|probe| Ok((probe, Watch::on(house.queue.folder(), &lock)?)));
    let (probe, watch) = match watched {
        Ok(watched) => watched,
        Err(error) => {
            house.say(Urgency::Warning, &format!("{error}; not waiting"));
            send_runner(house);
            return false;
        }
    };
    let mut next_runner = Instant::now();
    while house.queue.holds(ticket) {
        let now = Instant::now();
        if now >= deadline {
            return false;
        }
        let free = probe.is_free();
        if free && now >= next_runner && house.queue.holds(ticket) {
            send_runner(house);
            next_runner = now + HEAD_START;
        }
        watch.sleep_until(deadline.min(if free { next_runner } else { now + LOOK_AGAIN }));
    }
    true
}

/// The queue can't be written: do the work at once, if it is our turn, and say so.
fn without_queue(house: &mut House, event: Event, error: &FileError) -> Arrival {
    let remark = Record::Remark { text: format!("not queued: {error}") };
    house.record(Some(event.id), remark);
    let exit = if error.is_permission() { Exit::NoPermission } else { Exit::CantWrite };
    // An ordinary user's hooks and rules would change nothing, and nobody would know.
    let handled = if error.is_permission() && !invocation::is_root() {
        Err(error.to_string())
    } else {
        let text = format!("{error}; event {} is handled without the queue", event.id);
        house.say(Urgency::Error, &text);
        drain::handle_unqueued(house, &event)
    };
    let why = match handled {
        Ok(fate) => {
            if let Fate::Handled { .. } = fate {
                // Whoever came meanwhile found the lock held, and relies on its holder.
                let _ = drain(house);
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
        reason: Some(format!("not queued: {error}; {why}")),
    };
    house.record(Some(event.id), lost);
    Arrival::of(event, Fate::Lost(exit))
}

/// Whether a folder of flags exists and lacks this source's.
impl House {
    fn is_switched_off(&self, source: &str) -> bool {
        let flags = self.layout.enabled();
        files::is_folder(&flags) && !files::is_there(&flags.join(source))
    }
}
