//! The engine's step: in its event's turn, or ahead of it, and by one process at a time.
//!
//! What the rules should be depends on the kernel's state alone. So the rules for an event that
//! has to wait for its turn are made at once, unless a hook that stands before the engine is
//! still to run for it or for an event before it: that may be about to change what the engine
//! would see.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{House, steps};
use crate::engine::{self, Applied, Classes, EngineError, Side, Snapshot};
use crate::event::Event;
use crate::hooks::{self, Sides};
use crate::journal::{Record, StepEnd, StepOutcome, progress};
use crate::plan;
use crate::queue::{Holder, Note, Ticket, Work};
use crate::reason::Reason;
use crate::sys::clock::{self, Stopwatch};
use crate::sys::files;
use crate::sys::lock::{self, Lock};
use crate::sys::{identity, invocation};

/// How long a step waits for another process to be done with the rules. That takes some
/// milliseconds, unless the process was stopped in the middle.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a call waits for the same: whoever called it waits as well.
const PATIENCE_OF_A_CALL: Duration = Duration::from_secs(1);

/// Largest file that says how rules were made ahead.
const LARGEST: u64 = 1024 * 1024;

/// What stands in the lock on the engine: who makes rules, or made them last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Making {
    holder: Holder,
    /// When it began to read the kernel's state, in nanoseconds of `CLOCK_BOOTTIME`.
    began_ns: u64,
    /// The network namespace they are for.
    netns: String,
    /// Whether the rules were then as they should be.
    stood: bool,
}

impl Making {
    fn from_record(record: &[u8]) -> Option<Self> {
        serde_json::from_slice(record.trim_ascii_end()).ok()
    }

    fn leave_in(&self, lock: Option<&Lock>) {
        // Where it can't be written, the next one makes rules that stand already.
        let record = || serde_json::to_vec(self).unwrap_or_default();
        let _ = lock.map(|lock| lock.write_record(&record()));
    }

    /// Says in the lock that this process begins to make rules now.
    fn begin(lock: Option<&Lock>) -> Self {
        let (holder, began_ns) = (Holder::ours(), clock::boottime_ns());
        let making = Self { holder, began_ns, netns: identity::network_namespace(), stood: false };
        making.leave_in(lock);
        making
    }

    /// Whether these rules were made from a state that the event had its part in.
    fn is_for(&self, event: &Event) -> bool {
        let netns = event.netns.as_ref().map_or("", |netns| netns.as_str());
        self.stood && self.began_ns > event.boottime_ns && self.netns == netns
    }
}

/// What the rules are made from, as a run met it.
pub(super) struct View {
    pub(super) snapshot: Snapshot,
    /// What reading it took, in milliseconds.
    ms: f64,
    /// The lock on the engine, held since before the reading: rules may be made from this.
    held: Option<(Option<Lock>, Making)>,
}

/// Reads what the rules are made from; none where the kernel can't be asked, which the engine
/// says, and better.
pub(super) fn look(house: &House) -> Option<View> {
    let watch = Stopwatch::start();
    let snapshot = engine::snapshot(&house.config.rules, &house.layout.rules()).ok()?;
    Some(View { snapshot, ms: watch.milliseconds(), held: None })
}

/// The same for a run that begins with the engine, which can make its rules from this. If
/// another process is making rules, they are made from another reading, once it is done.
pub(super) fn look_under_lock(house: &House) -> Option<View> {
    let Ok(lock) = take_lock(house, Duration::ZERO) else { return look(house) };
    let making = Making::begin(lock.as_ref());
    look(house).map(|view| View { held: Some((lock, making)), ..view })
}

/// Lets the engine regenerate the rules, in the event's turn: from a view that was taken under
/// the engine's lock, or from a new one.
pub(super) fn run_engine(house: &mut House, view: Option<View>) -> StepEnd {
    if let Some(View { snapshot, ms, held: Some((lock, making)) }) = view {
        let end = regenerate_under(house, lock.as_ref(), making, Some(snapshot));
        return StepEnd { ms: end.ms + ms, ..end };
    }
    match take_lock(house, PATIENCE) {
        Ok(lock) => {
            let making = Making::begin(lock.as_ref());
            regenerate_under(house, lock.as_ref(), making, None)
        }
        Err(busy) => StepEnd { failed: Some(busy), ..StepEnd::of(StepOutcome::Failed, 0.0) },
    }
}

/// Makes the rules of an event that waits, if nothing has to come before them. Tells whether
/// they stand; if not, they are made in its turn.
pub(super) fn make_ahead(house: &mut House, event: &Event, ticket: &Ticket) -> bool {
    if !invocation::may_change_the_network() || !is_the_engine_next(house, event, ticket) {
        return false;
    }
    let Ok(Some(lock)) = take_lock(house, PATIENCE_OF_A_CALL) else { return false };
    if !house.queue.holds(ticket) || in_hand(house).is_some_and(|(id, _)| id == event.id) {
        // Its turn has come meanwhile.
        return false;
    }
    let made = lock.record().ok().and_then(|record| Making::from_record(&record));
    if made.is_some_and(|made| made.is_for(event)) {
        return true;
    }
    let making = Making::begin(Some(&lock));
    let end = regenerate_under(house, Some(&lock), making, None);
    if end.outcome.is_failure() {
        // Its turn tells, if it fails then as well.
        return false;
    }
    if end.outcome == StepOutcome::Changed {
        let ahead = house.layout.rules_ahead();
        let file = ahead.join(event.id.to_string());
        // Without the file its hooks are told that the rules were as they should be.
        let _ = files::make_private_folder(&ahead)
            .and_then(|()| files::put_whole(&file, &serde_json::to_vec(&end).unwrap_or_default()));
    }
    house.record(Some(event.id), Record::RulesAhead { end });
    true
}

/// How the engine's step ended, in the words of the event whose rules it was for: what was
/// changed ahead of its turn was changed by it.
pub(super) fn with_what_was_ahead(house: &House, event: Uuid, end: StepEnd) -> StepEnd {
    if end.outcome != StepOutcome::Done {
        return end;
    }
    let file = house.layout.rules_ahead().join(event.to_string());
    let ahead = files::read_if_there(&file, LARGEST).ok().flatten();
    match ahead.and_then(|text| serde_json::from_slice::<StepEnd>(&text).ok()) {
        Some(ahead) => StepEnd { outcome: ahead.outcome, changes: ahead.changes, ..end },
        None => end,
    }
}

/// Forgets how the rules of an event were made, once it has ended.
pub(super) fn forget(house: &House, event: Uuid) {
    let ahead = house.layout.rules_ahead();
    if files::is_folder(&ahead) {
        files::remove_quietly(&ahead.join(event.to_string()));
    }
}

/// Whether the first step that would run is the engine, for this event and all before it.
fn is_the_engine_next(house: &House, event: &Event, ticket: &Ticket) -> bool {
    let candidates = steps::candidates(&hooks::find(&house.layout, &house.config.adopt));
    let is_first = |event: &Event| {
        let around = plan::Around::default();
        plan::begins_with_the_engine(&plan::make(event, candidates.clone(), around))
    };
    if !is_first(event) {
        return false;
    }
    if !plan::has_any_before_the_engine(&candidates) {
        return true;
    }
    let Ok(waiting) = house.queue.waiting() else { return false };
    let in_hand = in_hand(house);
    let is_ready = |other: &Ticket| match house.queue.read_work(other) {
        Ok(Some(Work::Event(before))) => is_first(&before) || has_its_rules(house, before.id),
        // It has just been handled.
        Ok(None) => !house.queue.holds(other),
        _ => false,
    };
    let is_queued = |(_, ticket): &(Uuid, Ticket)| house.queue.holds(ticket);
    in_hand.as_ref().is_none_or(|held| is_queued(held) && is_ready(&held.1))
        && waiting.iter().take_while(|other| *other != ticket).all(is_ready)
}

/// Whether the engine's step of an event has ended.
fn has_its_rules(house: &House, event: Uuid) -> bool {
    let ended = |progress: crate::journal::Progress| {
        progress.finished.iter().any(|(step, _)| plan::makes_rules(step))
    };
    progress(&house.journal, event).is_ok_and(ended)
}

/// The event whose run is going on, and its ticket.
fn in_hand(house: &House) -> Option<(Uuid, Ticket)> {
    let note = Note::from_bytes(&lock::record_of(&house.layout.lock()));
    note.in_hand.map(|in_hand| (in_hand.event_id, Ticket::named(&in_hand.ticket)))
}

/// Takes the lock on the engine, or says who keeps it. None where no lock can be made: then
/// the queue's lock, and the generation that the kernel compares, have to do.
fn take_lock(house: &House, patience: Duration) -> Result<Option<Lock>, Reason> {
    let path = house.layout.rules_lock();
    let deadline = Instant::now() + patience;
    loop {
        match Lock::try_now(&path) {
            Ok(Some(lock)) => return Ok(Some(lock)),
            Ok(None) if Instant::now() < deadline => clock::pause(Duration::from_millis(1)),
            Ok(None) => {
                let made = Making::from_record(&lock::record_of(&path));
                let pid = made.map(|made| made.holder.pid);
                return Err(Reason::RulesBusy { pid, seconds: patience.as_secs() });
            }
            Err(_) => return Ok(None),
        }
    }
}

fn regenerate_under(
    house: &mut House,
    lock: Option<&Lock>,
    mut making: Making,
    snapshot: Option<Snapshot>,
) -> StepEnd {
    let end = regenerate(house, snapshot);
    making.stood = !end.outcome.is_failure();
    making.leave_in(lock);
    end
}

fn regenerate(house: &mut House, snapshot: Option<Snapshot>) -> StepEnd {
    let watch = Stopwatch::start();
    let result = regenerated(house, snapshot);
    let ms = watch.milliseconds();
    match result {
        Ok(report) => {
            let _ = house.sides.set(sides_of(&report.classes));
            let (outcome, changes) = match report.result {
                Applied::Unchanged => (StepOutcome::Done, Vec::new()),
                Applied::Changed { lines, because } => {
                    let mut changes: Vec<String> = lines.iter().map(ToString::to_string).collect();
                    if changes.is_empty() {
                        // Somebody else had changed our table: the text is as it was.
                        changes = because;
                    }
                    (StepOutcome::Changed, changes)
                }
            };
            StepEnd { output: report.notes.join("\n"), changes, ..StepEnd::of(outcome, ms) }
        }
        Err(error) => {
            let failed = Some(Reason::Engine { text: error.to_string() });
            StepEnd { failed, ..StepEnd::of(StepOutcome::Failed, ms) }
        }
    }
}

fn regenerated(
    house: &mut House,
    snapshot: Option<Snapshot>,
) -> Result<engine::Report, EngineError> {
    let (memory, rules) = (house.layout.rules(), &house.config.rules);
    let session = match house.session.take() {
        Some(session) => session,
        None => engine::open()?,
    };
    let session = house.session.insert(session);
    match snapshot {
        Some(snapshot) => engine::regenerate_from(snapshot, rules, &memory, session),
        None => engine::regenerate(rules, &memory, session),
    }
}

/// Takes the rules out where the engine's name is masked; says what became of that, if there
/// were any.
pub(super) fn take_rules_out(house: &mut House) -> Option<Result<String, String>> {
    let stays = |why: String| Some(Err(format!("50-rules is masked, and its table stays: {why}")));
    let _lock = match take_lock(house, PATIENCE) {
        Ok(lock) => lock,
        Err(busy) => return stays(busy.to_string()),
    };
    let memory = house.layout.rules();
    let session = match house.session.take() {
        Some(session) => Ok(session),
        None => engine::open(),
    };
    let taken =
        session.and_then(|session| engine::take_out(&memory, house.session.insert(session)));
    match taken {
        // Where the kernel has no nf_tables, it has no table of ours.
        Ok(false) | Err(EngineError::Missing { .. }) => None,
        Ok(true) => Some(Ok("took out table inet netcue: 50-rules is masked".to_owned())),
        Err(error) => stays(error.to_string()),
    }
}

/// What the rules are made for. The engine has told it if it ran for this event; else the
/// kernel is asked, once.
pub(super) fn sides(house: &House) -> &Sides {
    house.sides.get_or_init(|| {
        let snapshot = engine::snapshot(&house.config.rules, &house.layout.rules());
        snapshot.map(|snapshot| sides_of(&snapshot.classes)).unwrap_or_default()
    })
}

fn sides_of(classes: &Classes) -> Sides {
    let on = |side| -> BTreeSet<String> {
        classes.all_on(side).map(|(name, ..)| name.to_string()).collect()
    };
    let (outside, inside) = (on(Side::Outside), on(Side::Inside));
    Sides::of(outside, inside, classes.networks())
}
