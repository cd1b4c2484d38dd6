//! The rules, at once: when the state calls for others, and when somebody else changed them.

use super::super::{Caller, Fate, House, arrive, in_vain, steps};
use super::Watcher;
use crate::config::Guard;
use crate::engine::{self, EngineError, Preview};
use crate::event::{Action, Cause, Facts};
use crate::hooks;
use crate::plan::{self, Fitness, Kind};
use crate::queue::Ticket;
use crate::reason::Reason;
use crate::sources::{self, KernelNews, Reading};
use crate::sys::syslog::Urgency;
use crate::sys::{clock, signals};
use crate::watch::{Fight, Ruling};

/// How long after an event for the rules to look whether they stand.
const LOOK_AGAIN_NS: u64 = 100_000_000;

/// How long rules wait that hooks have made anew again and again.
const PAUSE_NS: u64 = 10_000_000_000;

/// How far putting rules in place is.
#[derive(Debug, Default)]
pub(super) struct Guarding {
    /// Who changed `nf_tables` last, besides netcue.
    pub(super) suspect: Option<(String, u32)>,
    /// The event that waits, and has not been handled as far as we know.
    pending: Option<Ticket>,
    /// The state for which a run was asked last: one that failed for it would fail again.
    asked: Option<u64>,
    /// Whether this process has looked at the rules: what came before it, it can't know.
    has_looked: bool,
    /// When the first change came that no run has been asked to follow yet.
    changed_ns: Option<u64>,
    /// Until when rules wait, as hooks that are run for new rules call for other ones each time.
    paused_ns: Option<u64>,
    /// When to look again.
    due_ns: Option<u64>,
}

/// What sees to the rules.
enum Maker {
    Engine,
    Hook,
    Nobody,
}

impl Watcher<'_> {
    pub(super) fn due_for_rules(&self) -> Option<u64> {
        self.guarding.due_ns
    }

    /// Sees to it that the rules are what they should be. What has been looked at without a
    /// change is not looked at again.
    pub(super) fn see_to_rules(&mut self, digest: u64) {
        let has_changed = self.memory.seen.digest != digest;
        if has_changed {
            self.guarding.changed_ns.get_or_insert(self.heard_ns);
        }
        let was_due = self.guarding.due_ns.take().is_some();
        let is_first = !std::mem::replace(&mut self.guarding.has_looked, true);
        let surely = has_changed || is_first || was_due || self.guarding.suspect.is_some();
        match self.maker() {
            // Whether it has something to do, it says itself.
            Maker::Hook if has_changed || was_due && self.guarding.paused_ns.is_some() => {
                self.follow();
            }
            Maker::Hook | Maker::Nobody => {}
            Maker::Engine => match self.preview(surely) {
                Ok(Some(preview)) if !preview.differences.is_empty() => {
                    self.put_right(&preview, digest);
                }
                Ok(_) => (self.guarding.suspect, self.guarding.asked) = (None, None),
                Err(error) => self.complain(&error.to_string()),
            },
        }
    }

    fn maker(&self) -> Maker {
        let candidates = steps::candidates(&hooks::find(self.layout, &[]));
        let maker = candidates.into_iter().find(|candidate| plan::makes_rules(&candidate.name));
        match maker.map(|maker| (maker.kind, maker.fitness)) {
            Some((Kind::Engine, Fitness::Fit(_))) => Maker::Engine,
            Some((Kind::InPlaceOfEngine(_), Fitness::Fit(_))) => Maker::Hook,
            _ => Maker::Nobody,
        }
    }

    /// What the engine would do; none if nobody can have changed anything.
    fn preview(&self, surely: bool) -> Result<Option<Preview>, EngineError> {
        let mut session = engine::open()?;
        let memory = self.layout.rules();
        if !surely && engine::is_untouched(&memory, &mut session)? {
            return Ok(None);
        }
        engine::preview(&self.config.rules, &memory, &mut session).map(Some)
    }

    fn put_right(&mut self, preview: &Preview, digest: u64) {
        let house = House::open(self.layout.clone());
        if self.guarding.pending.as_ref().is_some_and(|ticket| house.queue.holds(ticket)) {
            // Its run may have looked before the last change.
            self.guarding.due_ns = Some(clock::boottime_ns() + LOOK_AGAIN_NS);
            return;
        }
        let is_foreign = preview.lines.is_empty();
        if !is_foreign {
            let is_asked = self.guarding.asked.replace(digest) == Some(digest);
            if !is_asked || self.guarding.suspect.is_some() {
                self.follow();
            }
            return;
        }
        let now = clock::boottime_ns();
        match self.config.watch.guard {
            Guard::Off => {}
            Guard::Report => self.report(preview),
            Guard::Restore => match self.memory.restores.ask(now) {
                Ruling::Restore => {
                    self.is_news = true;
                    if self.memory.restores.spent(now) == 1 {
                        self.memory.fight = None;
                    }
                    let lost = self.lost(preview);
                    self.send(lost, None);
                }
                Ruling::Wait(until) => {
                    self.guarding.due_ns = Some(until);
                    self.give_way(preview, now);
                }
            },
        }
    }

    fn lost(&mut self, preview: &Preview) -> Reading {
        let suspect = self.guarding.suspect.clone();
        sources::kernel_news(KernelNews::RulesLost, |facts: &mut Facts| {
            if let Some((name, pid)) = &suspect {
                facts.detail_text("process", name);
                facts.detail_number("pid", &pid.to_string());
            }
            let first = preview.differences.first().map_or("", String::as_str);
            facts.detail_text("difference", &first.chars().take(120).collect::<String>());
        })
    }

    /// Puts on record what nothing is done about, once.
    fn report(&mut self, preview: &Preview) {
        let generation = engine::open().and_then(|mut session| engine::generation(&mut session));
        let generation = generation.ok();
        if self.memory.reported == generation {
            return;
        }
        self.memory.reported = generation;
        self.is_news = true;
        let lost = self.lost(preview);
        let mut house = House::open(self.layout.clone());
        let why = Reason::GuardReports;
        house.say(Urgency::Warning, &format!("another program changed netcue's rules; {why}"));
        let _ = in_vain(&mut house, lost, caller(), why);
    }

    /// Somebody takes the rules out again and again: that is said once, and they are put back
    /// when a minute has passed.
    fn give_way(&mut self, preview: &Preview, now: u64) {
        let process = self.guarding.suspect.clone();
        let since_ns = self.memory.fight.as_ref().map_or(now, |fight| fight.since_ns);
        let is_known = self.memory.fight.is_some();
        self.memory.fight = Some(Fight { since_ns, process });
        self.is_news = true;
        if is_known {
            return;
        }
        let lost = self.lost(preview);
        let mut house = House::open(self.layout.clone());
        let why = Reason::GuardYields;
        house.say(Urgency::Error, &format!("another program fights over netcue's rules: {why}"));
        let _ = in_vain(&mut house, lost, caller(), why);
    }

    /// Has a run make the rules that the state calls for now.
    fn follow(&mut self) {
        let now = clock::boottime_ns();
        let since_ns = self.guarding.changed_ns.unwrap_or(self.heard_ns);
        if let Some(until) = self.guarding.paused_ns.filter(|until| now < *until) {
            (self.guarding.due_ns, self.guarding.asked) = (Some(until), None);
            return;
        }
        let cause = if self.guarding.paused_ns.take().is_some() {
            None
        } else {
            let house = House::open(self.layout.clone());
            self.hook_at_work(&house, (since_ns, now), |event| {
                event.source == sources::KERNEL.name && event.facts.action == Some(Action::Rules)
            })
        };
        let reading = sources::kernel_news(KernelNews::State, |_| {});
        if self.send(reading, cause) == Fate::Refused {
            let until = Some(now + PAUSE_NS);
            self.guarding.paused_ns = until;
            (self.guarding.due_ns, self.guarding.asked) = (until, None);
        }
    }

    /// Has a run see to the rules.
    fn send(&mut self, reading: Reading, cause: Option<Cause>) -> Fate {
        let mut house = House::open(self.layout.clone());
        let wait = reading.trigger.wait;
        let arrival = arrive(&mut house, reading, Caller { cause, ..caller() }, wait);
        house.close();
        signals::let_in();
        self.guarding.pending = arrival.event.as_ref().map(|event| Ticket::of(event));
        (self.guarding.suspect, self.guarding.changed_ns) = (None, None);
        self.guarding.due_ns = Some(clock::boottime_ns() + LOOK_AGAIN_NS);
        arrival.fate
    }
}

pub(super) fn caller() -> Caller {
    let argv = ["netcue", "watch"].map(ToOwned::to_owned).to_vec();
    Caller { argv, ..Caller::default() }
}
