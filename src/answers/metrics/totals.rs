//! What is counted, record by record.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::journal::{Entry, Mark, Outcome, Record, StepEnd, StepOutcome};
use crate::plan;

/// Most names that are counted apart; more are counted together as [`OTHER`].
const MOST_NAMES: usize = 256;

/// What names beyond those are counted as.
const OTHER: &str = "other";

/// Most events remembered whose outcome has not been met.
const MOST_OPEN: usize = 10_000;

/// Upper bounds of a histogram's buckets, in milliseconds.
const BOUNDS_MS: [u32; 14] =
    [1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000];

/// How often something took how long.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Histogram {
    /// Per bound, how many took no longer than it but longer than the one before.
    buckets: BTreeMap<u32, u64>,
    pub(super) count: u64,
    pub(super) sum_us: u64,
}

impl Histogram {
    fn take(&mut self, ms: f64) {
        self.count += 1;
        if let Some(bound) = BOUNDS_MS.iter().find(|bound| ms <= f64::from(**bound)) {
            *self.buckets.entry(*bound).or_default() += 1;
        }
        let time = std::time::Duration::try_from_secs_f64(ms / 1000.0).unwrap_or_default();
        let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.sum_us = self.sum_us.saturating_add(us);
    }

    /// How many took no longer than each bound.
    pub(super) fn up_to(&self) -> impl Iterator<Item = (u32, u64)> {
        BOUNDS_MS.into_iter().scan(0, |sum, bound| {
            *sum += self.buckets.get(&bound).copied().unwrap_or(0);
            Some((bound, *sum))
        })
    }
}

/// Numbers by name.
pub(super) type Counts = BTreeMap<String, u64>;

/// Everything counted so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Totals {
    /// Up to where the journal is counted.
    pub(super) mark: Option<Mark>,
    /// How often records were rotated away uncounted.
    pub(super) gaps: u64,
    pub(super) accepted: Counts,
    pub(super) refused: Counts,
    /// By source, then by outcome.
    pub(super) outcomes: BTreeMap<String, Counts>,
    /// By step, then by outcome.
    pub(super) steps: BTreeMap<String, Counts>,
    pub(super) step_time: BTreeMap<String, Histogram>,
    pub(super) waited: BTreeMap<String, Histogram>,
    pub(super) ran: BTreeMap<String, Histogram>,
    pub(super) rule_changes: u64,
    /// By source, when the last of its runs ended well.
    pub(super) last_success: BTreeMap<String, Timestamp>,
    /// When the rules were last found right, or made so.
    pub(super) last_rules: Option<Timestamp>,
    /// Sources of the events that have no outcome yet.
    open: BTreeMap<Uuid, String>,
}

impl Totals {
    /// Counts one record.
    pub(super) fn take(&mut self, entry: &Entry) {
        match &entry.record {
            Record::Accepted { event, .. } => {
                let source = event.source.as_str();
                *slot(&mut self.accepted, source) += 1;
                self.open.insert(event.id, source.to_owned());
                if self.open.len() > MOST_OPEN {
                    // Ids sort by time: the oldest is the least likely to end.
                    self.open.pop_first();
                }
            }
            Record::Refused { source, .. } => {
                let source = source.as_deref().unwrap_or("unknown");
                *slot(&mut self.refused, source) += 1;
            }
            Record::StepEnd { step, end } => self.take_step(entry.time, step, end),
            Record::Outcome { outcome, waited_ms, ms, .. } => {
                let known = entry.event_id.and_then(|id| self.open.remove(&id));
                let source = known.as_deref().unwrap_or("unknown");
                *slot(slot(&mut self.outcomes, source), outcome.as_str()) += 1;
                if matches!(outcome, Outcome::Done | Outcome::Failed) {
                    slot(&mut self.ran, source).take(*ms);
                    if let Some(waited_ms) = waited_ms {
                        slot(&mut self.waited, source).take(*waited_ms);
                    }
                }
                if *outcome == Outcome::Done {
                    *slot(&mut self.last_success, source) = entry.time;
                }
            }
            _ => {}
        }
    }

    fn take_step(&mut self, time: Timestamp, step: &str, end: &StepEnd) {
        // Another record tells how that ended.
        if end.outcome == StepOutcome::Started {
            return;
        }
        *slot(slot(&mut self.steps, step), end.outcome.as_str()) += 1;
        if !matches!(end.outcome, StepOutcome::Interrupted | StepOutcome::NotStarted) {
            slot(&mut self.step_time, step).take(end.ms);
        }
        if plan::makes_rules(step) {
            self.rule_changes += u64::from(end.outcome == StepOutcome::Changed);
            if matches!(end.outcome, StepOutcome::Changed | StepOutcome::Done) {
                self.last_rules = Some(time);
            }
        }
    }
}

/// What is counted under a name; under [`OTHER`], if there are too many.
fn slot<'a, T: Default>(all: &'a mut BTreeMap<String, T>, name: &str) -> &'a mut T {
    let name = if all.len() < MOST_NAMES || all.contains_key(name) { name } else { OTHER };
    all.entry(name.to_owned()).or_default()
}
