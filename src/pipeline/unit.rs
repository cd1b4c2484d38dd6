//! netcue's own unit, which systemd starts: calls leave their work to it, and hand over what
//! they can't keep themselves; it takes that in, and stays until nothing is left.

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::drain::{Drained, drain_under};
use super::{House, follow_up, unqueued};
use crate::event::Event;
use crate::journal::{Entry, OnRecord, Record, on_record};
use crate::paths::Layout;
use crate::queue::{Queue, Ticket};
use crate::sys::files::FileError;
use crate::sys::inbox::{self, Inbox};
use crate::sys::namespace;
use crate::sys::signals::Signals;
use crate::sys::syslog::Urgency;
use crate::sys::watch::FolderWatch;
use crate::sys::{child, systemd};

/// What a call hands over.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Message {
    /// An event that the caller could not put into the queue, or not put on record: with the
    /// command line of its call.
    Event(Box<Event>, Vec<String>),
    /// A record that the caller could not write into the journal.
    Record(Box<Entry>),
}

/// Whether what this caller puts into the queue is nowhere that anybody looks, and the lock not
/// the one that others take: its unit gave it a `/run` of its own.
pub(super) fn is_out_of_sight(layout: &Layout) -> bool {
    namespace::hidden(&layout.runtime()).is_some()
}

/// The same for what it puts on record.
pub(super) fn records_are_out_of_sight(layout: &Layout) -> bool {
    layout.journal().parent().is_some_and(|folder| namespace::hidden(folder).is_some())
}

/// Where the unit listens: always the machine's.
fn inbox(layout: &Layout) -> PathBuf {
    let inbox = layout.inbox();
    namespace::hidden(&layout.runtime())
        .and_then(|runtime| Some(runtime.join(inbox.file_name()?)))
        .unwrap_or(inbox)
}

/// Wakes the unit. Tells whether there is one: it handles what waits in the queue then.
pub(super) fn wake(layout: &Layout) -> bool {
    inbox::wake(&inbox(layout))
}

/// Hands an event over: after this it is kept.
///
/// # Errors
/// When there is no unit that listens.
pub(super) fn hand_over(
    layout: &Layout,
    event: &Event,
    argv: &[String],
) -> Result<Ticket, FileError> {
    send(layout, &Message::Event(Box::new(event.clone()), argv.to_owned()))?;
    Ok(Ticket::of(event))
}

/// Hands over what could not be put on record.
///
/// # Errors
/// When there is no unit that listens.
pub(super) fn hand_over_record(layout: &Layout, entry: &Entry) -> Result<(), FileError> {
    send(layout, &Message::Record(Box::new(entry.clone())))
}

fn send(layout: &Layout, message: &Message) -> Result<(), FileError> {
    inbox::send(&inbox(layout), &serde_json::to_vec(message).unwrap_or_default())
}

/// Whether systemd runs this machine (`sd_booted(3)`). It knows nothing of another root.
pub(super) fn is_systemd(layout: &Layout) -> bool {
    layout.root() == Path::new("/") && systemd::is_running()
}

/// Asks systemd to start the unit, and does not wait for it.
pub(super) fn start(house: &House) {
    let words = ["/usr/bin/systemctl", "--no-block", "--quiet", "start", "netcue-queue.service"];
    if let Err(error) = child::start_tool(&words) {
        let text = format!("can't start systemctl: {error}; the event waits for the next call");
        house.say(Urgency::Error, &text);
    }
}

/// How long to wait while an event can be neither handled nor taken out, or a hook that holds
/// nobody runs: what is waited for there wakes us only when it goes right.
const PACE: Duration = Duration::from_secs(10);

/// How often to look while somebody else holds the lock: nothing tells of his death.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// Handles what waits and takes in what is handed over until nothing is left, also of what
/// others have in hand: should they die, it is finished at once.
///
/// Who watches the queue for us starts us again as long as something is in it, so ending
/// before would be a circle.
#[must_use]
pub fn until_empty(house: &mut House) -> Drained {
    house.is_unit = true;
    let mut all = Drained::default();
    let inbox = Inbox::handed_over();
    let signals = match Signals::watch() {
        Ok(signals) => signals,
        Err(error) => {
            house.say(Urgency::Error, &format!("can't watch for signals: {error}"));
            return all;
        }
    };
    loop {
        if let Some(inbox) = &inbox {
            take_in(house, inbox);
        }
        let drained = drain_under(house, &signals, LOOK_AGAIN);
        all.failed.extend(drained.failed);
        all.stopped_by = drained.stopped_by.or_else(|| signals.stop());
        all.stuck = drained.stuck;
        if all.stopped_by.is_some() || (is_done(house) && !inbox.as_ref().is_some_and(holds_some)) {
            return all;
        }
        let pause = if drained.busy { LOOK_AGAIN } else { PACE };
        if let Err(error) = rest(house, &signals, inbox.as_ref(), pause) {
            house.say(Urgency::Warning, &format!("{error}; not waiting"));
            return all;
        }
    }
}

fn holds_some(inbox: &Inbox) -> bool {
    inbox.look().is_some()
}

fn is_done(house: &House) -> bool {
    house.queue.waiting().is_ok_and(|waiting| waiting.is_empty())
        && hooks(house) == 0
        && follow_up::number(house) == 0
}

/// How many hooks that hold nobody have not ended.
fn hooks(house: &House) -> usize {
    Queue::of_hooks(&house.layout).waiting().unwrap_or_default().len()
}

/// Sleeps until there may be something to do.
fn rest(
    house: &House,
    signals: &Signals,
    inbox: Option<&Inbox>,
    pause: Duration,
) -> Result<(), FileError> {
    let waited = house.queue.waiting().unwrap_or_default().len();
    let watch = FolderWatch::on(&[
        &house.layout.queue(),
        &house.layout.unattended(),
        &house.layout.follow_ups(),
    ])?;
    let until = Instant::now() + pause;
    let [stops, _] = signals.wakers();
    let mut others = vec![stops];
    others.extend(inbox.map(AsFd::as_fd));
    loop {
        watch.sleep_until(until, &others);
        let is_news = signals.stop().is_some()
            || inbox.is_some_and(holds_some)
            || is_done(house)
            || house.queue.waiting().is_ok_and(|waiting| waiting.len() > waited);
        if is_news || Instant::now() >= until {
            return Ok(());
        }
    }
}

/// Takes in all that was handed over. Who dies over it leaves it to the next, who finds on
/// record what was done already.
fn take_in(house: &mut House, inbox: &Inbox) {
    while let Some(message) = inbox.look() {
        match serde_json::from_slice(&message) {
            Ok(Message::Event(event, argv)) => take_in_event(house, *event, argv),
            Ok(Message::Record(entry)) => {
                if let Err(error) = house.journal.append(std::slice::from_ref(&entry)) {
                    house.go_on_without_journal(&entry, &error);
                }
            }
            // Nothing but a sign that there is work.
            Err(_) if message.is_empty() => {}
            Err(error) => {
                let text = format!("something was handed over that is no event: {error}");
                house.say(Urgency::Error, &text);
                house.record(None, Record::Remark { text });
            }
        }
        inbox.take_out();
    }
}

fn take_in_event(house: &mut House, event: Event, argv: Vec<String>) {
    let known = on_record(&house.journal, event.id).unwrap_or(OnRecord::Unknown);
    if matches!(known, OnRecord::Ended(_)) || house.queue.holds(&Ticket::of(&event)) {
        return;
    }
    let draft = house.queue.prepare().and_then(|()| house.queue.draft_event(&event));
    if known == OnRecord::Unknown {
        let accepted = Record::Accepted { event: Box::new(event.clone()), argv };
        house.record(Some(event.id), accepted);
    }
    if let Err(error) = draft.and_then(|draft| house.queue.put_in(draft)) {
        let _ = unqueued::handle(house, event, &error);
    }
}
