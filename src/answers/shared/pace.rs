//! How far the step is that runs right now, and how long it may still take.

use std::time::Duration;

use jiff::Timestamp;

use super::table::Paint;
use super::when;
use crate::config;
use crate::hooks;
use crate::pipeline::{self, House};
use crate::plan::{Candidate, Fitness, Kind};

/// A step under way.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pace {
    /// Its name.
    pub(crate) step: String,
    /// When it was begun.
    pub(crate) since: Timestamp,
    /// Its time limit; the engine has none.
    pub(crate) limit: Option<Duration>,
}

impl Pace {
    /// A step that was begun then, with the limit that holds for it now.
    pub(crate) fn of(house: &House, step: &str, since: Timestamp) -> Self {
        let candidates = pipeline::candidates(&hooks::find(&house.layout, &house.config.adopt));
        Self::with(&candidates, &house.config.hooks, step, since)
    }

    /// The same where the hooks are known.
    pub(crate) fn with(
        candidates: &[Candidate],
        usual: &config::Hooks,
        step: &str,
        since: Timestamp,
    ) -> Self {
        Self { step: step.to_owned(), since, limit: limit(candidates, usual, step) }
    }

    /// Milliseconds since its beginning.
    pub(crate) fn ms(&self) -> f64 {
        when::ms_since(self.since)
    }

    /// Milliseconds it may still take.
    pub(crate) fn ms_left(&self) -> Option<f64> {
        let limit = self.limit?.as_secs_f64() * 1000.0;
        Some((limit - self.ms()).max(0.0))
    }

    /// In words: `70-ddns for 12.0 s, 48.0 s left`.
    pub(crate) fn in_words(&self) -> String {
        let left = self.ms_left().map(|ms| format!(", {} left", when::lasting(ms)));
        format!("{} for {}{}", self.step, when::lasting(self.ms()), left.unwrap_or_default())
    }

    /// How long it has run, and of how much: `31.9 of 60 s`.
    pub(crate) fn of_limit(&self) -> String {
        match self.limit {
            Some(limit) => format!("{:.1} of {} s", self.ms() / 1000.0, limit.as_secs()),
            None => when::lasting(self.ms()),
        }
    }

    /// How much of its time it has used, as a bar.
    pub(crate) fn bar(&self, paint: Paint) -> String {
        let Some(limit) = self.limit else { return String::new() };
        let part = (self.ms() / 1000.0 / limit.as_secs_f64().max(1.0)).min(1.0);
        (0..BAR)
            .map(|cell| {
                let is_used = f64::from(cell) < part * f64::from(BAR);
                if is_used { paint.sign('\u{2501}', '#') } else { paint.sign('\u{2500}', '-') }
            })
            .collect()
    }
}

/// Columns of a bar.
const BAR: u32 = 24;

fn limit(candidates: &[Candidate], usual: &config::Hooks, step: &str) -> Option<Duration> {
    let candidate = candidates.iter().find(|candidate| candidate.name == step);
    let own = match candidate.map(|candidate| (&candidate.kind, &candidate.fitness)) {
        Some((Kind::Engine, _)) => return None,
        Some((_, Fitness::Fit(wishes))) => wishes.manner.timeout,
        _ => None,
    };
    Some(own.unwrap_or_else(|| usual.timeout()))
}
