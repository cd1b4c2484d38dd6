//! The whole story: a call arrives, becomes an event, is kept, waits its turn, and is
//! handled step by step. Only this folder knows the order of the stages.

mod budget;
mod call;
mod caller;
mod drain;
mod fate;
mod follow_up;
mod hook;
mod house;
mod own_rules;
mod rules;
mod run;
mod state;
mod steps;
mod told;
mod turn;
mod unattended;
pub mod trial;
mod unit;
mod unqueued;
mod wait;
mod watch;

pub use call::{read_words, read_words_at, without_from};
pub use caller::Caller;
pub use drain::drain;
pub use fate::{Arrival, Fate};
pub use follow_up::follow_up;
pub use hook::Call as HookCall;
pub use house::{Configured, House, configured, judge_configuration};
pub use run::rules_before;
pub use steps::{candidates, preview, wishes};
pub use unattended::run_unattended;
pub use unit::until_empty;
pub use watch::{memory as watch_memory, watch};

use std::time::Duration;

use budget::Left;
use uuid::Uuid;

use wait::Kept;

use crate::event::{Cause, Event, Fact, Facts, LONGEST_CHAIN, Stamp};
use crate::journal::{Entry, Outcome, Record};
use crate::reason::Reason;
use crate::sources::{self, Part, Reading, Refusal, Source, Wait};
use crate::sys::syslog::Urgency;
use crate::sys::{clock, files, identity, random, route, signals};

/// Takes in a call that has been read: from here on its event is kept.
///
/// `wait` is the row's rule, or what a person asked for instead.
#[must_use]
pub fn arrive(house: &mut House, reading: Reading, caller: Caller, wait: Wait) -> Arrival {
    let (source, trigger) = (reading.source.name.as_str(), reading.trigger.word);
    let Caller { argv, cause, insists } = caller;
    let tells = (reading.source.manners.told_by)(&reading.facts);
    let event = accept(reading, cause.or_else(|| caller::cause_by_descent(house)));
    if event.cause_depth > LONGEST_CHAIN {
        let last = event.caused_by.unwrap_or_default();
        let reason = Reason::Loop { events: event.cause_depth, event: last };
        return refuse(house, Some(source), Some(trigger), reason, argv);
    }
    match budget::count(house, &event) {
        Left::Enough => {}
        Left::NoMore(first) => {
            return refuse(house, Some(source), Some(trigger), too_many(first), argv);
        }
        Left::KnownToBeNoMore(first) => {
            house.say(Urgency::Error, &format!("refused: {source} {trigger}: {}", too_many(first)));
            return Arrival { event: None, fate: Fate::Refused };
        }
    }
    if house.is_switched_off(source) && !insists {
        return nothing_runs(house, event, argv, Nothing::OFF);
    }
    if event.facts.action.is_none() {
        return nothing_runs(house, event, argv, Nothing::MEANT);
    }
    if let Some(teller) = tells.filter(|teller| calls(house, teller)) {
        let reason = Some(Reason::ToldElsewhere { source: teller.name.to_string() });
        return nothing_runs(house, event, argv, Nothing { reason, ..Nothing::MEANT });
    }
    let draft = house.queue.prepare().and_then(|()| house.queue.draft_event(&event));
    signals::hold_back();
    // Once it is in the queue its run may be on record at any moment: this comes first.
    let record = Record::Accepted { event: Box::new(event.clone()), argv: argv.clone() };
    let accepted = Entry { time: clock::now(), event_id: Some(event.id), record };
    let recorded = house.journal.append(std::slice::from_ref(&accepted));
    // A caller that may not write here, or whose files are not the machine's: netcue's own unit
    // may, and its are.
    let is_apart =
        unit::is_out_of_sight(&house.layout) || unit::records_are_out_of_sight(&house.layout);
    if draft.is_err() || recorded.is_err() || is_apart {
        if let Ok(ticket) = unit::hand_over(&house.layout, &event, &argv) {
            if let Ok(draft) = draft {
                house.queue.discard(&draft);
            }
            return wait::see_to_it(house, event, &Kept::HandedOver(ticket), wait);
        }
    }
    if let Err(error) = recorded {
        house.go_on_without_journal(&accepted, &error);
    }
    match draft.and_then(|draft| house.queue.put_in(draft)) {
        Ok(ticket) => wait::see_to_it(house, event, &Kept::Here(ticket), wait),
        Err(error) => unqueued::handle(house, event, &error),
    }
}

/// Takes in the event `manual run`, which recomputes the rules now.
#[must_use]
pub fn recompute(house: &mut House, caller: Caller) -> Arrival {
    let reading = sources::manual_run();
    let wait = reading.trigger.wait;
    arrive(house, reading, caller, wait)
}

/// Puts an event on record for which nothing is run, and why.
fn in_vain(house: &mut House, reading: Reading, caller: Caller, why: Reason) -> Arrival {
    let event = accept(reading, caller.cause);
    nothing_runs(house, event, caller.argv, Nothing { reason: Some(why), ..Nothing::MEANT })
}

fn too_many(first: Uuid) -> Reason {
    Reason::TooMany { events: budget::MOST_EVENTS, event: first }
}

/// Records that a call was not understood.
pub fn refuse_call(house: &mut House, refusal: &Refusal, caller: Caller) -> Arrival {
    refuse(house, refusal.source_name, refusal.trigger, refusal.as_reason(), caller.argv)
}

fn refuse(
    house: &mut House,
    source: Option<&str>,
    trigger: Option<&str>,
    reason: Reason,
    argv: Vec<String>,
) -> Arrival {
    let call: Vec<&str> = [source, trigger].into_iter().flatten().collect();
    let call = if call.is_empty() { String::new() } else { format!("{}: ", call.join(" ")) };
    house.say(Urgency::Error, &format!("refused: {call}{reason}"));
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

/// The event that a call becomes if it is accepted now.
#[must_use]
pub fn accept(reading: Reading, cause: Option<Cause>) -> Event {
    let interface = reading.facts.interface.as_ref();
    let stamp = Stamp {
        id: new_id(),
        time: clock::now(),
        boottime_ns: clock::boottime_ns(),
        boot_id: identity::boot().parse().ok(),
        ifindex: said_index(&reading.facts)
            .or_else(|| interface.and_then(|name| route::interface_index(name.as_str()))),
        cause: cause.map(|cause| {
            // A new chain begins, which goes back to nothing that could still be counted.
            if is_old(&cause) { Cause { depth: 0, first: None, ..cause } } else { cause }
        }),
    };
    let mut event = Event::new(reading.source.name.clone(), reading.facts, stamp);
    let netns = identity::network_namespace();
    event.netns = netns.parse().ok().filter(|_| !netns.is_empty());
    event
}

/// The number that the call itself gives the interface, which may be gone by now, or its name
/// another's.
fn said_index(facts: &Facts) -> Option<u32> {
    match facts.details.get("ifindex") {
        Some(Fact::Number(number)) => u32::try_from(*number).ok(),
        _ => None,
    }
}

/// A `UUIDv7`, whose order is that of time. Not by the crate's own means: they end the program
/// where the kernel gives no random numbers.
fn new_id() -> Uuid {
    let since_1970 = u64::try_from(clock::now().as_millisecond()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(since_1970, &random::bytes()).into_uuid()
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

/// Whether a source is on, and a link of its is there for it to call by.
fn calls(house: &House, source: &Source) -> bool {
    let is_there = |part: &Part| match part {
        Part::Link { at, .. } => {
            files::is_there(&house.layout.root().join(at.trim_start_matches('/')))
        }
        _ => false,
    };
    !house.is_switched_off(source.name.as_str()) && source.attach.parts.iter().any(is_there)
}

/// Why nothing runs for an event, and what its caller is told.
struct Nothing {
    outcome: Outcome,
    fate: Fate,
    reason: Option<Reason>,
}

impl Nothing {
    /// Its source is switched off.
    const OFF: Self = Self { outcome: Outcome::Disabled, fate: Fate::Disabled, reason: None };
    /// It means nothing for the network, or nothing that isn't told otherwise.
    const MEANT: Self = Self { outcome: Outcome::Ignored, fate: Fate::Ignored, reason: None };
}

fn nothing_runs(house: &mut House, event: Event, argv: Vec<String>, nothing: Nothing) -> Arrival {
    let Nothing { outcome, fate, reason } = nothing;
    let id = Some(event.id);
    house.record(id, Record::Accepted { event: Box::new(event.clone()), argv });
    house.record(id, Record::Outcome { outcome, waited_ms: None, ms: 0.0, reason });
    Arrival::of(event, fate)
}
