//! Hooks that fail and calls that are refused, from how the newest events went. An attention
//! ends when the same hook ends well, or the same call is taken.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{Examined, Finding};
use crate::answers::shared::wording;
use crate::journal::Story;
use crate::plan::{Candidate, Fitness};

/// Runs of a hook that are looked at.
const LATEST: usize = 20;

/// How long a refused call needs attention, and a failure on an interface for which the hook was
/// not run again, which may be gone for good.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// How a hook, or the rules, went lately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Runs {
    /// The step's name.
    pub(crate) step: String,
    /// Its last runs, newest first.
    pub(crate) ends: Vec<RunEnd>,
}

/// How one run of it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunEnd {
    /// When.
    pub(crate) time: Timestamp,
    /// For which event.
    pub(crate) id: Option<Uuid>,
    /// What that was about.
    pub(crate) interface: Option<String>,
    /// How it failed, if it did.
    pub(crate) failed: Option<String>,
}

impl Runs {
    /// Those of all hooks that may run now. One that is gone, masked or refused can't fail again.
    pub(crate) fn of(stories: &[Story], candidates: &[Candidate]) -> Vec<Self> {
        let fit = candidates.iter().filter(|it| matches!(it.fitness, Fitness::Fit(_)));
        let of_step = |candidate: &Candidate| {
            let ends = stories.iter().filter_map(|story| end(story, &candidate.name));
            Self { step: candidate.name.clone(), ends: ends.take(LATEST).collect() }
        };
        fit.map(of_step).collect()
    }

    fn judge(&self, now: Timestamp) -> Option<Finding> {
        let newest = self.ends.first()?;
        let all = self.ends.len();
        let failures = self.ends.iter().filter(|end| end.failed.is_some()).count();
        let streak = self.ends.iter().take_while(|end| end.failed.is_some()).count();
        let to_do = format!("see \"netcue why {}\"; this ends when it ends well again", self.step);
        let found = |end: &RunEnd, how: String, since: Timestamp| {
            let why = end.failed.clone().unwrap_or_default();
            let what = format!("{} {how}: {why}", self.step);
            let finding = Finding::attention(what, to_do.clone()).since(Some(since));
            finding.mended_by(format!("netcue why {}", self.step)).about(self.step.clone())
        };
        if streak > 0 {
            let first = self.ends.get(streak - 1).unwrap_or(newest);
            let how = match (streak, all) {
                (1, 1) => "failed the only time that it ran".to_owned(),
                (1, _) => format!("failed the last of {all} times"),
                (streak, all) if streak == all => format!("failed each of the last {all} times"),
                (streak, all) => format!("failed the last {streak} of {all} times"),
            };
            return Some(found(newest, how, first.time));
        }
        // For another interface it did not end well since.
        let stays = |(at, end): &(usize, &RunEnd)| {
            let since = self.ends.iter().take(*at);
            end.failed.is_some()
                && end.interface.is_some()
                && now.duration_since(end.time) < DAY
                && !since.clone().any(|later| later.interface == end.interface)
        };
        if let Some((_, end)) = self.ends.iter().enumerate().find(stays) {
            let name = end.interface.as_deref().unwrap_or_default();
            let how = format!("failed for {name}, and was not run for it since");
            return Some(found(end, how, end.time));
        }
        // It fails now and then: mended once, it does not begin anew.
        let begins = self.ends.windows(2).filter(|pair| {
            matches!(pair, [newer, older] if newer.failed.is_some() && older.failed.is_none())
        });
        let oldest_fails = self.ends.last().is_some_and(|end| end.failed.is_some());
        let times = begins.count() + usize::from(oldest_fails);
        let last = self.ends.iter().find(|end| end.failed.is_some()).filter(|_| times > 1)?;
        let how = format!("failed {failures} of the last {all} times, though not the last");
        Some(found(last, how, last.time))
    }
}

/// How a step ended in one event, if it was run; what is refused by the plan was not.
fn end(story: &Story, step: &str) -> Option<RunEnd> {
    let step = wording::step(story, step)?;
    let end = step.end.as_ref().filter(|_| step.planned.skipped.is_none())?;
    Some(RunEnd {
        time: step.ended.or(story.last_time)?,
        id: story.id,
        interface: story.event.as_ref()?.facts.interface.as_ref().map(ToString::to_string),
        failed: end.outcome.is_failure().then(|| wording::how_it_failed(end)),
    })
}

/// Hooks, and the rules, that fail.
pub(super) fn failing(examined: &Examined) -> Vec<Finding> {
    let found = examined.runs.iter().filter_map(|runs| runs.judge(examined.now));
    let found: Vec<Finding> = found.collect();
    if found.is_empty() {
        let ran = examined.runs.iter().filter(|runs| !runs.ends.is_empty()).count();
        return vec![Finding::ok(match ran {
            0 => "nothing was run lately".to_owned(),
            1 => "what ran lately ended well".to_owned(),
            ran => format!("all {ran} that ran lately ended well"),
        })];
    }
    found
}

/// Calls of one kind that were refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RefusedCalls {
    /// Whose calls: source and trigger as far as they are known.
    whose: String,
    source: Option<String>,
    count: usize,
    since: Timestamp,
    /// Why the last one was.
    reason: String,
}

impl RefusedCalls {
    /// Those of the last day after which none of the kind was taken.
    pub(crate) fn of(stories: &[Story], now: Timestamp) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        for (at, story) in stories.iter().enumerate() {
            let (Some(refused), Some(time)) = (&story.refused, story.last_time) else { continue };
            let is_same = |other: &Story| {
                let (source, trigger, _) = wording::who(other);
                other.event.is_some()
                    && refused.source.as_ref().is_some_and(|it| *it == source)
                    && refused.trigger.as_ref().is_none_or(|it| *it == trigger)
            };
            let newer = stories.iter().take(at);
            if now.duration_since(time) > DAY || newer.clone().any(is_same) {
                continue;
            }
            let whose = wording::called(story);
            if let Some(known) = found.iter_mut().find(|known| known.whose == whose) {
                known.count += 1;
                known.since = time;
            } else {
                let reason = wording::bare_reason(story).unwrap_or_default();
                let source = refused.source.clone();
                found.push(Self { whose, source, count: 1, since: time, reason });
            }
        }
        found
    }
}

/// Calls that nobody understood.
pub(super) fn calls(examined: &Examined) -> Vec<Finding> {
    let finding = |calls: &RefusedCalls| {
        let RefusedCalls { whose, count, reason, .. } = calls;
        let what = match count {
            1 => format!("{whose} was refused: {reason}"),
            count => format!("{whose} was refused {count} times: {reason}"),
        };
        let to_do = "mend what calls; this ends when such a call is taken, or after a day";
        let finding = Finding::attention(what, to_do).since(Some(calls.since));
        match &calls.source {
            Some(source) => finding.about(source.clone()),
            None => finding,
        }
    };
    let found: Vec<Finding> = examined.refused_calls.iter().map(finding).collect();
    if found.is_empty() { vec![Finding::ok("none was refused lately")] } else { found }
}
