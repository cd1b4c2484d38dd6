//! Looking at the rules again after an event that announced an end. It came before that end,
//! its rules are those of the moment, and no call may follow when the interface or its
//! addresses have gone.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{House, rules, wait};
use crate::event::{Action, Event, InterfaceName, Text};
use crate::journal::{Record, StepEnd, StepOutcome};
use crate::sources;
use crate::sys::files::{self, FileError};
use crate::sys::lock::{self, Lock};
use crate::sys::namespace;
use crate::sys::signals::Signals;
use crate::sys::syslog::Urgency;
use crate::sys::{clock, folder, route};

/// How long after an event its end is waited for.
const WINDOW: Duration = Duration::from_secs(10);

/// How often to look. Rules follow at most this much later, twice: once for the look, once
/// for what comes in the same breath.
const PACE: Duration = Duration::from_millis(250);

/// When what is left of a process that died is not worth being done any more.
const TOO_LATE: Duration = Duration::from_secs(120);

/// Largest file in bytes.
const LARGEST: u64 = 4096;

/// One interface whose end was announced. There is one file for it, however often that was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Announced {
    event: Uuid,
    interface: InterfaceName,
    ifindex: u32,
    netns: Option<Text>,
    boottime_ns: u64,
}

impl Announced {
    fn name(&self) -> String {
        let netns = self.netns.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{}-{}.json", self.ifindex, netns.replace(':', "-"))
    }

    fn age(&self) -> Duration {
        Duration::from_nanos(clock::boottime_ns().saturating_sub(self.boottime_ns))
    }
}

/// Whether an event says that an end is coming. The kernel tells of one when it has come, and
/// of what comes after it as well.
pub(super) fn is_announced_by(event: &Event) -> bool {
    matches!(event.facts.action, Some(Action::PreDown | Action::Down))
        && event.source != sources::KERNEL.name
}

/// Writes down that an event announced an end, and sees to it that somebody follows it up.
/// That it does not come about is no reason for the event to fail, and is said.
pub(super) fn announce(house: &House, event: &Event) {
    let (Some(interface), Some(ifindex)) = (&event.facts.interface, event.ifindex) else { return };
    // One that was there when the call came and has gone since was there for the engine, too,
    // as far as anybody knows, if this was the announcement; if it was the end, it is over.
    let is_over = route::interface_index(interface.as_str()) != Some(ifindex);
    if is_over && event.facts.action != Some(Action::PreDown) {
        return;
    }
    let announced = Announced {
        event: event.id,
        interface: interface.clone(),
        ifindex,
        netns: event.netns.clone(),
        boottime_ns: clock::boottime_ns(),
    };
    let folder = house.layout.follow_ups();
    let content = serde_json::to_vec(&announced).unwrap_or_default();
    let written = files::make_private_folder(&folder)
        .and_then(|()| files::put_whole(&folder.join(announced.name()), &content));
    match written {
        Ok(()) => look_after(house),
        Err(error) => {
            let text = format!("{error}; the rules are not looked at again when {interface} goes");
            house.say(Urgency::Warning, &text);
        }
    }
}

/// Starts the process that follows up what was announced, unless one is at it. The holder of
/// the queue's lock does this.
pub(super) fn look_after(house: &House) {
    let folder = house.layout.follow_ups();
    if names(&folder).is_empty() || !is_free(&folder) {
        return;
    }
    if let Err(error) = house.start_detached(&["--follow-up"]) {
        house.say(Urgency::Error, &format!("can't start a process that follows up: {error}"));
    }
}

/// How many are being followed up.
pub(super) fn number(house: &House) -> usize {
    names(&house.layout.follow_ups()).len()
}

fn names(folder: &Path) -> Vec<String> {
    let names = folder::names(folder).unwrap_or_default().into_iter();
    names
        .filter_map(|name| name.into_string().ok())
        .filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "json"))
        .collect()
}

fn is_free(folder: &Path) -> bool {
    lock::is_free(&folder.join("lock")).unwrap_or(true)
}

/// Follows up what was announced until nothing is left.
///
/// Who announced something while we let go found the lock held and started nobody: so we look
/// again after that.
pub fn follow_up(house: &mut House) -> Result<Option<i32>, FileError> {
    let folder = house.layout.follow_ups();
    let Ok(signals) = Signals::watch() else { return Ok(None) };
    while !names(&folder).is_empty() {
        let Some(lock) = Lock::try_now(&folder.join("lock"))? else { return Ok(None) };
        let mut seen = Vec::new();
        loop {
            let all = names(&folder);
            if all.is_empty() {
                break;
            }
            for name in all {
                attend(house, &folder.join(name), &mut seen);
            }
            if signals.stop().is_some() {
                // The files are left for the next who looks.
                return Ok(signals.stop());
            }
            signals.sleep(PACE);
        }
        drop(lock);
    }
    Ok(None)
}

/// What an interface looked like when the rules were last made, and in the last look: its
/// addresses, or none where it has gone.
struct Seen {
    announced: Announced,
    acted_on: Option<Vec<String>>,
    last: Option<Vec<String>>,
}

/// One look at one interface.
fn attend(house: &mut House, path: &Path, all: &mut Vec<Seen>) {
    let content = files::read_if_there(path, LARGEST).ok().flatten().unwrap_or_default();
    let Ok(announced) = serde_json::from_slice::<Announced>(&content) else {
        files::remove_quietly(path);
        return;
    };
    let age = announced.age();
    if age > TOO_LATE {
        files::remove_quietly(path);
        return;
    }
    let netns = announced.netns.as_ref().map(ToString::to_string);
    let Ok(there) = netns.as_deref().map_or(Ok(None), namespace::enter) else {
        // What it had goes with the namespace.
        files::remove_quietly(path);
        return;
    };
    let addresses = route::addresses_of(announced.interface.as_str(), announced.ifindex);
    all.retain(|seen| seen.announced == announced || seen.announced.name() != announced.name());
    let at = all.iter().position(|seen| seen.announced == announced);
    let at = at.unwrap_or_else(|| {
        // The event's own run has just seen that, or nearly: the last look makes up for it.
        let (acted_on, last) = (addresses.clone(), addresses.clone());
        all.push(Seen { announced: announced.clone(), acted_on, last });
        all.len() - 1
    });
    let Some(seen) = all.get_mut(at) else { return };
    let is_steady = seen.last == addresses;
    let has_gone = addresses.as_ref().is_none_or(Vec::is_empty);
    let is_over = age >= WINDOW || (has_gone && is_steady);
    let has_changed = seen.acted_on != addresses;
    seen.last.clone_from(&addresses);
    if (is_over || (is_steady && has_changed)) && act(house, &announced, addresses.as_deref()) {
        if let Some(seen) = all.get_mut(at) {
            seen.acted_on = addresses;
        }
        if is_over && is_still(path, &content) {
            files::remove_quietly(path);
        }
    }
    drop(there);
}

/// Whether nothing was announced for the same interface meanwhile.
fn is_still(path: &Path, content: &[u8]) -> bool {
    files::read_if_there(path, LARGEST).is_ok_and(|now| now.as_deref() == Some(content))
}

/// Makes the rules those of the moment, unless somebody else is at work: then in the next look.
fn act(house: &mut House, announced: &Announced, addresses: Option<&[String]>) -> bool {
    let Ok(Some(lock)) = Lock::try_now(&house.layout.lock()) else { return false };
    house.sides.take();
    let end = rules::run_engine(house, None);
    // It belongs to the namespace that we are in for this one look.
    house.session = None;
    drop(lock);
    let interface = &announced.interface;
    let found = match addresses {
        None => format!("{interface} has gone"),
        Some([]) => format!("{interface} has no address any more"),
        Some(_) => format!("{interface} is there, with an address"),
    };
    let after = announced.age().as_secs_f64();
    let text = format!("looked at the rules again after {after:.1} s, {found}: {}", said(&end));
    if end.outcome.is_failure() {
        house.say(Urgency::Error, &text);
    }
    house.record(Some(announced.event), Record::Remark { text });
    // Whoever came meanwhile found the lock held, and relies on its holder.
    if house.queue.waiting().is_ok_and(|waiting| !waiting.is_empty()) {
        wait::send_runner(house);
    }
    true
}

fn said(end: &StepEnd) -> String {
    match (&end.failed, end.outcome) {
        (Some(reason), _) => format!("failed: {reason}"),
        (None, StepOutcome::Changed) => {
            let lines: Vec<&str> = end.changes.iter().map(|line| line.trim()).collect();
            format!("changed: {}", lines.join("; "))
        }
        (None, _) => "as they should be".to_owned(),
    }
}
