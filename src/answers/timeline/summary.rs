//! The sums under a timeline: per source how long its events waited and ran, per step how
//! long it took.

use std::collections::BTreeMap;

use super::spans::Track;
use super::{Kind, kind, one_line};

/// Sums of one source.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) events: usize,
    pub(super) waited_ms: f64,
    pub(super) ran_ms: f64,
}

/// Sums of one step.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) times: usize,
    pub(super) failed: usize,
    pub(super) ms: f64,
    pub(super) longest_ms: f64,
    pub(super) kind: Kind,
}

/// Per source, the one that took longest first.
pub(super) fn sources(tracks: &[Track]) -> Vec<Source> {
    let mut sums: BTreeMap<&str, Source> = BTreeMap::new();
    for track in tracks {
        let name = track.event.source.as_str();
        let sum = sums.entry(name).or_default();
        name.clone_into(&mut sum.name);
        sum.events += 1;
        sum.waited_ms += track.waited_ms();
        sum.ran_ms += track.ran_ms();
    }
    let mut sums: Vec<Source> = sums.into_values().collect();
    sums.sort_by(|a, b| (b.waited_ms + b.ran_ms).total_cmp(&(a.waited_ms + a.ran_ms)));
    sums
}

/// Per step, the one that took longest first.
pub(super) fn steps(tracks: &[Track]) -> Vec<Step> {
    let mut sums: BTreeMap<&str, Step> = BTreeMap::new();
    for bar in tracks.iter().flat_map(|track| &track.bars) {
        let sum = sums.entry(&bar.step).or_insert_with(|| Step {
            name: one_line(&bar.step),
            times: 0,
            failed: 0,
            ms: 0.0,
            longest_ms: 0.0,
            kind: Kind::Hook,
        });
        let ms = bar.span.ms();
        sum.times += 1;
        sum.ms += ms;
        sum.longest_ms = sum.longest_ms.max(ms);
        match kind(bar) {
            Kind::Failed => sum.failed += 1,
            kind => sum.kind = kind,
        }
    }
    let mut sums: Vec<Step> = sums.into_values().collect();
    sums.sort_by(|a, b| b.ms.total_cmp(&a.ms));
    sums
}
