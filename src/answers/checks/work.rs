//! Whether events are handled: who holds the lock, how long the running step has run, how long
//! the others wait for it, and whether how they ended is on record.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Examined, Finding};
use crate::answers::shared::pace::Pace;
use crate::answers::shared::{when, wording};
use crate::config;
use crate::event::Event;
use crate::journal::Story;
use crate::paths::Layout;
use crate::plan::Candidate;
use crate::queue::{Note, Queue, Ticket, Work};
use crate::sys::processes::{self, Process};
use crate::sys::{clock, files, identity, lock, place};

/// Seconds that handling an event may take beside its hooks' limits.
const SLACK: u64 = 60;

/// Seconds that an event may wait where nobody is at work: a runner has to start.
const IDLE: u64 = 10;

/// Seconds after which an event that is neither waiting nor running should have an outcome.
const LATE: i64 = 60;

/// Largest file of ends that is looked at for whether there is one, in bytes.
const SOME: u64 = 16;

/// Who is at work, at what, and what waits.
#[derive(Debug, Clone)]
pub(crate) struct AtWork {
    /// Who holds the lock; none if nobody does.
    pub(crate) holding: Option<Holding>,
    /// The event in hand, and the step it is at.
    pub(crate) running: Option<(Event, Option<Pace>)>,
    /// What waits behind it, first come first, or why that can't be read.
    pub(crate) waiting: Result<Vec<Waiting>, String>,
    /// The longest time in seconds that an event has to wait if all is well.
    pub(crate) longest_wait: u64,
    /// How long a hook may take to end after its limit, in seconds.
    pub(crate) grace: u64,
    /// Hooks that hold nobody and should have ended.
    pub(crate) overdue: Vec<Overdue>,
    /// Whether ends are kept that could not be put on record.
    pub(crate) unrecorded: bool,
    /// Events of which nobody knows how they ended, oldest first.
    pub(crate) lost: Vec<(Uuid, String, Timestamp)>,
}

/// A hook that holds nobody (`wait=no`) and should have ended.
#[derive(Debug, Clone)]
pub(crate) struct Overdue {
    step: String,
    /// What called, and since when the hook is to be run.
    call: String,
    since: Option<Timestamp>,
    /// In seconds, and its limit.
    age: u64,
    limit: u64,
    /// Whether a process has it in hand.
    runs: bool,
}

impl Overdue {
    fn all(layout: &Layout, hooks: &config::Hooks) -> Vec<Self> {
        let queue = Queue::of_hooks(layout);
        let overdue = |ticket: &Ticket| {
            let path = queue.path_of(ticket);
            let age = place::age(&path)?;
            let Ok(Some(Work::Hook(job))) = queue.read_work(ticket) else { return None };
            let limit = job.timeout.unwrap_or(hooks.timeout);
            (age > limit + hooks.grace + SLACK).then(|| Self {
                call: wording::called_event(&job.event),
                since: place::written(&path),
                age,
                limit,
                runs: queue.claimed_by(ticket).is_some(),
                step: job.step,
            })
        };
        queue.waiting().unwrap_or_default().iter().filter_map(overdue).collect()
    }

    fn finding(&self) -> Finding {
        let Self { step, call, since, age, limit, runs } = self;
        let (age, limit) = (seconds(*age), seconds(*limit));
        let (what, to_do) = if *runs {
            let what = format!(
                "{step} of {call}, which holds nobody, has not ended for {age}, and its limit is {limit}"
            );
            (
                what,
                format!(
                    "see \"netcue why {step}\" and end the process that runs it, if that does not go on"
                ),
            )
        } else {
            let what = format!("{step} of {call}, which holds nobody, has waited for {age}");
            (
                what,
                "run \"netcue run\"; if too many run at a time, raise unattended in netcue.conf"
                    .to_owned(),
            )
        };
        Finding::attention(what, to_do).since(*since).about(step.clone())
    }
}

/// A process that holds the lock.
#[derive(Debug, Clone)]
pub(crate) struct Holding {
    /// The process; none if it could not be found.
    pub(crate) process: Option<Process>,
    /// When it last wrote down what it had in hand.
    pub(crate) since: Option<Timestamp>,
}

/// A file in the queue.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    /// The event in it, if it holds one.
    pub(crate) event: Option<Event>,
    /// How long it has been there, in seconds.
    pub(crate) age: u64,
}

impl AtWork {
    /// Looks at the lock, the queue and what is on record of its events.
    pub(crate) fn of(
        layout: &Layout,
        hooks: &config::Hooks,
        candidates: &[Candidate],
        stories: &[Story],
    ) -> Self {
        let queue = Queue::of(layout);
        let path = layout.lock();
        let is_held = is_held(layout);
        let note = Note::from_bytes(&lock::record_of(&path));
        let holding = is_held.then(|| {
            let noted = note.holder.filter(|holder| holder.is_alive()).map(|holder| holder.pid);
            let pid = noted.or_else(|| processes::who_locks(&path));
            Holding { process: pid.and_then(processes::look), since: place::written(&path) }
        });
        let in_hand = note.in_hand.filter(|_| is_held);
        let is_in_hand = |ticket: &&Ticket| {
            in_hand.as_ref().is_some_and(|in_hand| in_hand.ticket == ticket.as_str())
        };
        let tickets = queue.waiting().map_err(|error| error.to_string());
        let waiting = tickets.as_ref().map_err(Clone::clone).map(|tickets| {
            let read = |ticket: &Ticket| Waiting {
                event: queue.read(ticket).ok().flatten(),
                age: place::age(&queue.path_of(ticket)).unwrap_or(0),
            };
            tickets.iter().filter(|ticket| !is_in_hand(ticket)).map(read).collect::<Vec<_>>()
        });
        let event = tickets.as_ref().ok().and_then(|tickets| {
            let ticket = tickets.iter().find(is_in_hand)?;
            queue.read(ticket).ok().flatten()
        });
        let running = event.map(|event| {
            let story = stories.iter().find(|story| story.id == Some(event.id));
            let step = story.and_then(wording::present_step);
            let pace = step.map(|step| {
                let since = step.began.unwrap_or(event.time);
                Pace::with(candidates, hooks, &step.planned.step, since)
            });
            (event, pace)
        });
        let known: Vec<Uuid> = tickets.iter().flatten().filter_map(Ticket::event_id).collect();
        let in_hand = in_hand.map(|in_hand| in_hand.event_id);
        let is_known = |id: Uuid| known.contains(&id) || in_hand == Some(id);
        Self {
            holding,
            running,
            waiting,
            longest_wait: hooks.timeout + hooks.grace + SLACK,
            grace: hooks.grace,
            overdue: Overdue::all(layout, hooks),
            unrecorded: files::read_head(&layout.unrecorded(), SOME).is_ok_and(|it| !it.is_empty()),
            // Whether it waits, nobody knows who may not look.
            lost: if tickets.is_ok() { lost(stories, &is_known) } else { Vec::new() },
        }
    }

    /// What waits, or nothing where that can't be read.
    pub(crate) fn events(&self) -> Vec<&Event> {
        self.waiting.iter().flatten().filter_map(|waiting| waiting.event.as_ref()).collect()
    }
}

/// Whether a run is going on; a lock that was never taken is not made.
pub(crate) fn is_held(layout: &Layout) -> bool {
    lock::is_free(&layout.lock()).is_ok_and(|free| !free)
}

/// Events of this start of the machine that have no outcome and are nowhere any more.
fn lost(stories: &[Story], is_known: &dyn Fn(Uuid) -> bool) -> Vec<(Uuid, String, Timestamp)> {
    let boot: Option<Uuid> = identity::boot().parse().ok();
    let now = clock::now().as_second();
    let is_lost = |story: &&Story| {
        let Some(event) = &story.event else { return false };
        let quiet = story.last_time.map_or(0, |time| now.saturating_sub(time.as_second()));
        story.outcome.is_none() && event.boot_id == boot && quiet > LATE && !is_known(event.id)
    };
    let lost = stories.iter().rev().filter(is_lost);
    lost.filter_map(|story| Some((story.id?, wording::called(story), wording::began(story)?)))
        .collect()
}

/// Whether somebody who can't go on holds the lock.
pub(super) fn lock(examined: &Examined) -> Vec<Finding> {
    let Some(Holding { process, since }) = &examined.work.holding else {
        return vec![Finding::ok("nobody holds it")];
    };
    let Some(Process { pid, name, state }) = process else {
        return vec![Finding::ok("somebody holds it").since(*since)];
    };
    let who = format!("{name} (pid {pid})");
    let stopped = match state {
        'T' => "is stopped",
        't' => "is stopped by a debugger",
        _ if name != "netcue" => {
            let what = format!("{who} holds the lock, and is no netcue: nothing is handled");
            let to_do = format!("kill {pid}, if nobody needs it: what waits is handled then");
            return vec![
                Finding::attention(what, to_do).since(*since).mended_by(format!("kill {pid}")),
            ];
        }
        _ => return vec![Finding::ok(format!("{who} holds it")).since(*since)],
    };
    let what = format!("{who} holds the lock and {stopped}: nothing is handled until it goes on");
    let to_do = format!(
        "kill -CONT {pid} lets it go on; after kill -KILL {pid} another takes up what it had in hand"
    );
    vec![Finding::attention(what, to_do).since(*since).mended_by(format!("kill -CONT {pid}"))]
}

fn seconds(seconds: u64) -> String {
    when::lasting(Duration::from_secs(seconds).as_secs_f64() * 1000.0)
}

/// Whether what runs should have ended: the step in hand, and hooks that hold nobody.
pub(super) fn running(examined: &Examined) -> Vec<Finding> {
    let mut found: Vec<Finding> = examined.work.overdue.iter().map(Overdue::finding).collect();
    let in_hand = in_hand(examined);
    if found.is_empty() || in_hand.needs_attention() {
        found.insert(0, in_hand);
    }
    found
}

fn in_hand(examined: &Examined) -> Finding {
    let Some((event, pace)) = &examined.work.running else {
        return Finding::ok("no event is being handled");
    };
    let call = wording::called_event(event);
    let Some(pace) = pace else { return Finding::ok(format!("{call}, between steps")) };
    let limit = pace.limit.map_or(SLACK, |limit| limit.as_secs());
    #[expect(clippy::cast_precision_loss, reason = "seconds of a time limit")]
    let latest = (limit + examined.work.grace + 1) as f64 * 1000.0;
    if pace.ms() <= latest {
        return Finding::ok(format!("{call}: {}", pace.in_words()));
    }
    let took = when::lasting(pace.ms());
    let what = match pace.limit {
        Some(_) => {
            format!("{} of {call} has run for {took}, and its limit is {limit} s", pace.step)
        }
        None => format!("{} of {call} has taken {took}, and should take a moment", pace.step),
    };
    let to_do = "see \"netcue status\" for who runs it, and end that if it does not go on";
    Finding::attention(what, to_do).since(Some(pace.since)).about(pace.step.clone())
}

/// Whether events wait longer than they should.
pub(super) fn queue(examined: &Examined) -> Vec<Finding> {
    let AtWork { holding, running, waiting, longest_wait, .. } = &examined.work;
    let waiting = match waiting {
        Err(why) => return vec![Finding::unknown(why, "run this as root")],
        Ok(waiting) => waiting,
    };
    let Some(age) = waiting.iter().map(|waiting| waiting.age).max() else {
        return vec![Finding::ok("no event waits")];
    };
    let since = waiting.iter().filter_map(|waiting| Some(waiting.event.as_ref()?.time)).min();
    let wait = match waiting.len() {
        1 => "1 event waits".to_owned(),
        number => format!("{number} events wait"),
    };
    let patience = if holding.is_some() { *longest_wait } else { IDLE };
    if age <= patience {
        return vec![Finding::ok(format!("{wait}, the oldest for {age} s"))];
    }
    if holding.is_none() {
        let what = format!("{wait} for {age} s and nobody handles them");
        let to_do = "run \"netcue run\", and see \"netcue history\" for why it was not done";
        return vec![Finding::attention(what, to_do).since(since).mended_by("netcue run")];
    }
    let behind = running.as_ref().map(|(event, pace)| {
        let step = pace.as_ref().map(|pace| format!(", at {}", pace.in_words()));
        format!(" behind {}{}", wording::called_event(event), step.unwrap_or_default())
    });
    let what = format!("{wait}, the oldest for {age} s{}", behind.unwrap_or_default());
    vec![Finding::attention(what, "see \"netcue status\" for what runs meanwhile").since(since)]
}

/// Whether it is known how everything ended.
pub(super) fn records(examined: &Examined) -> Vec<Finding> {
    let mut found = Vec::new();
    if examined.work.unrecorded {
        let what = "ends of events could not be put on record, and are kept beside the queue";
        let to_do = "make the journal writable: \"netcue run\" puts them on record then";
        found.push(Finding::attention(what, to_do).mended_by("netcue run"));
    }
    if let Some((id, call, since)) = examined.work.lost.first() {
        let more = examined.work.lost.len().saturating_sub(1);
        let more = if more == 0 { String::new() } else { format!(", and of {more} more") };
        let short = wording::short(Some(*id));
        let what = format!("how {call} ({short}) ended is not on record{more}");
        let to_do = format!("see \"netcue why {short}\"; \"netcue replay {short}\" makes it again");
        let command = format!("netcue replay {short}");
        found.push(Finding::attention(what, to_do).since(Some(*since)).mended_by(command));
    }
    if found.is_empty() {
        found.push(Finding::ok("of every event it is on record how it ended"));
    }
    found
}
