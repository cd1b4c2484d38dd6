//! One run: the steps of one event, in order, each on record before and after.

use jiff::Timestamp;

use super::hook::Call;
use super::{House, follow_up, rules, state, steps};
use crate::event::Event;
use crate::journal::{Outcome, PlannedStep, Progress, Record, StepEnd, StepOutcome};
use crate::plan::{self, Kind, Step, Verdict};
use crate::reason::Reason;
use crate::sys::clock::{self, Stopwatch};
use crate::sys::signals::Signals;
use crate::sys::syslog::Urgency;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Every step that was to run did.
    Done,
    /// A step failed; the others ran.
    Failed,
    /// This signal stopped it; the event stays in the queue.
    Stopped(i32),
}

/// A run of one event.
pub(super) struct Run<'a> {
    pub(super) house: &'a mut House,
    pub(super) signals: &'a Signals,
    pub(super) event: &'a Event,
    /// What an earlier attempt had finished.
    pub(super) done: &'a Progress,
}

impl Run<'_> {
    /// `behind` reads what waits behind the event, for hooks that ask for the newest only.
    pub(super) fn execute(mut self, behind: &mut dyn FnMut() -> Vec<Event>) -> End {
        let watch = Stopwatch::start();
        let id = Some(self.event.id);
        self.house.sides.take();
        let steps = steps::plan(self.house, self.event, behind);
        let plan = steps.iter().map(|step| self.as_planned(step)).collect();
        // What the run meets and what the rules are made from is one reading, unless a hook
        // comes in between.
        let is_pending = |step: &&Step| {
            matches!(step.verdict, Verdict::Run(_)) && self.done.end_of(&step.name).is_none()
        };
        let first = steps.iter().find(is_pending).map(|step| &step.kind);
        let mut view = match first {
            Some(Kind::Engine) => rules::look_under_lock(self.house),
            _ => rules::look(self.house),
        };
        let state = view.as_mut().and_then(|view| state::record(self.house, self.event.id, view));
        let begin = Record::RunBegin { attempt: self.event.attempt, plan, state };
        self.house.record_with_next(id, begin);
        let mut tally = Tally::default();
        for step in &steps {
            if let Some(outcome) = self.done.end_of(&step.name) {
                tally.count(step, outcome);
                continue;
            }
            if let Verdict::Skip(skip) = &step.verdict {
                if matches!((&step.kind, skip), (Kind::InPlaceOfEngine(_), Reason::Masked { .. })) {
                    self.take_rules_out(&step.name, &mut tally);
                }
                continue;
            }
            if let Some(signal) = self.signals.stop() {
                self.house.write_records();
                return End::Stopped(signal);
            }
            self.house.record(id, Record::StepBegin { step: step.name.clone() });
            let end = self.end_of(step, tally.rules, view.take());
            let outcome = end.outcome;
            self.house.record_with_next(id, Record::StepEnd { step: step.name.clone(), end });
            if outcome == StepOutcome::Started {
                // Its end may be put on record by another process at any moment.
                self.house.write_records();
            }
            if outcome == StepOutcome::Interrupted {
                self.house.write_records();
                return End::Stopped(self.signals.stop().unwrap_or_default());
            }
            // An engine that was cut off may have changed the rules already.
            let in_doubt = outcome == StepOutcome::Done && self.done.was_cut_off(&step.name);
            tally.count(step, if in_doubt { StepOutcome::Changed } else { outcome });
        }
        let is_engines =
            |step: &Step| matches!((&step.kind, &step.verdict), (Kind::Engine, Verdict::Run(_)));
        if steps.iter().any(is_engines) && follow_up::is_announced_by(self.event) {
            self.house.write_records();
            follow_up::announce(self.house, self.event);
        }
        self.conclude(&tally, watch)
    }

    /// Rules that nobody keeps any more would go on refusing what came since.
    fn take_rules_out(&mut self, step: &str, tally: &mut Tally) {
        let (urgency, text) = match rules::take_rules_out(self.house) {
            None => return,
            Some(Ok(text)) => {
                tally.rules = Rules::TakenOut;
                (Urgency::Warning, text)
            }
            Some(Err(text)) => {
                tally.failed.push(step.to_owned());
                (Urgency::Error, text)
            }
        };
        self.house.say(urgency, &text);
        self.house.record(Some(self.event.id), Record::Remark { text });
    }

    /// Takes a step to its end. `view` is the reading that the rules are made from, if nothing
    /// has run since.
    fn end_of(&mut self, step: &Step, rules: Rules, view: Option<rules::View>) -> StepEnd {
        let manner = match &step.verdict {
            Verdict::Run(manner) => manner,
            Verdict::Skip(reason) | Verdict::Refuse(reason) => {
                return StepEnd::not_started(reason.clone());
            }
        };
        match &step.kind {
            Kind::Engine => {
                let end = rules::run_engine(self.house, view);
                rules::with_what_was_ahead(self.house, self.event.id, end)
            }
            Kind::Hook(path) | Kind::InPlaceOfEngine(path) => {
                let (event, rules) = (self.event, rules.as_hooks_know_it());
                let call = Call { event, step: &step.name, path, rules, manner };
                steps::run_hook(self.house, self.signals, &call)
            }
        }
    }

    fn as_planned(&self, step: &Step) -> PlannedStep {
        let finished = self.done.end_of(&step.name).is_some();
        let skipped = step.verdict.why_not().cloned();
        let skipped = skipped.or_else(|| finished.then_some(Reason::Finished));
        let left_to = match step.verdict {
            Verdict::Skip(Reason::Coalesced { event }) => Some(event),
            _ => None,
        };
        let path = step.kind.path().map(|path| path.display().to_string());
        PlannedStep { step: step.name.clone(), path, skipped, left_to }
    }

    fn conclude(self, tally: &Tally, watch: Stopwatch) -> End {
        let ms = watch.milliseconds();
        let outcome = if tally.failed.is_empty() { Outcome::Done } else { Outcome::Failed };
        let reason =
            (!tally.failed.is_empty()).then(|| Reason::Steps { steps: tally.failed.clone() });
        let urgency = if tally.failed.is_empty() { Urgency::Info } else { Urgency::Warning };
        self.house.say(urgency, &summary(self.event, tally, ms));
        let waited_ms = Some(milliseconds_since(self.event.time) - ms).filter(|ms| *ms >= 0.0);
        self.house.record(Some(self.event.id), Record::Outcome { outcome, waited_ms, ms, reason });
        rules::forget(self.house, self.event.id);
        if tally.failed.is_empty() { End::Done } else { End::Failed }
    }
}

fn milliseconds_since(time: Timestamp) -> f64 {
    clock::now().duration_since(time).as_secs_f64() * 1000.0
}

/// What the steps came to so far.
#[derive(Debug, Default)]
struct Tally {
    hooks: usize,
    rules: Rules,
    failed: Vec<String>,
}

impl Tally {
    fn count(&mut self, step: &Step, outcome: StepOutcome) {
        if outcome.is_failure() {
            self.failed.push(step.name.clone());
        }
        match step.kind {
            Kind::Hook(_) => self.hooks += usize::from(outcome != StepOutcome::NotStarted),
            _ if outcome.is_failure() => self.rules = Rules::Failed,
            Kind::Engine if outcome == StepOutcome::Changed => self.rules = Rules::Changed,
            Kind::Engine => self.rules = Rules::Unchanged,
            Kind::InPlaceOfEngine(_) => {
                // It doesn't tell what it changed; who asks has to look.
                self.rules = Rules::LeftToHook { changed: outcome != StepOutcome::NotForMe };
            }
        }
    }
}

/// What became of the rules in this run.
#[derive(Debug, Default, Clone, Copy)]
enum Rules {
    /// Nothing yet, or nothing is to be done about them.
    #[default]
    Untouched,
    Unchanged,
    Changed,
    Failed,
    /// Their name is masked, and they were there.
    TakenOut,
    /// A hook in the engine's place saw to them.
    LeftToHook {
        changed: bool,
    },
}

impl Rules {
    /// For `NETCUE_RULES`.
    fn as_hooks_know_it(self) -> &'static str {
        match self {
            Self::Untouched => "",
            Self::Unchanged | Self::LeftToHook { changed: false } => "unchanged",
            Self::Changed | Self::TakenOut | Self::LeftToHook { changed: true } => "changed",
            Self::Failed => "failed",
        }
    }

    /// For the log.
    fn in_words(self) -> &'static str {
        match self {
            Self::Untouched => "rules off",
            Self::Unchanged => "rules unchanged",
            Self::Changed => "rules changed",
            Self::Failed => "rules FAILED",
            Self::TakenOut => "rules taken out",
            Self::LeftToHook { .. } => "rules made by a hook",
        }
    }
}

/// Makes the rules if they are made before a hook of that name, and says how that ended as the
/// hook is told.
pub fn rules_before(house: &mut House, hook: &str) -> &'static str {
    if !plan::stands_behind_the_rules(hook) {
        return Rules::Untouched.as_hooks_know_it();
    }
    let rules = match rules::run_engine(house, None).outcome {
        outcome if outcome.is_failure() => Rules::Failed,
        StepOutcome::Changed => Rules::Changed,
        _ => Rules::Unchanged,
    };
    rules.as_hooks_know_it()
}

/// One line for the log: what came, what became of it, how long it took. Nothing an
/// outsider chose is in it.
fn summary(event: &Event, tally: &Tally, ms: f64) -> String {
    let facts = &event.facts;
    let interface =
        facts.interface.as_ref().map_or_else(String::new, |interface| format!(" {interface}"));
    let rules = tally.rules.in_words();
    let failed = match tally.failed.as_slice() {
        [] => String::new(),
        failed => format!(", failed: {}", failed.join(" ")),
    };
    let hooks = if tally.hooks == 1 { "hook" } else { "hooks" };
    format!(
        "{} {}{interface}: {rules}, {} {hooks} run{failed}, {ms:.1} ms, event {}",
        event.source, facts.trigger, tally.hooks, event.id
    )
}
