//! The answer in one sentence, which stands before all that it rests on.

use jiff::{SignedDuration, Timestamp};

use super::Line;
use crate::answers::checks;
use crate::answers::shared::pace::Pace;
use crate::answers::shared::{when, wording};
use crate::journal::{Outcome, StepOutcome, Story, StoryStep};
use crate::pipeline::House;

/// A step that begins so many milliseconds after its event came is late.
const LATE_MS: f64 = 1000.0;

/// What became of a step in an event, be it that it has not begun.
pub(super) fn of_step(house: &House, story: &Story, name: &str) -> Option<Line> {
    let call = || format!("{} ({})", wording::called(story), wording::short(story.id));
    let Some(step) = wording::step(story, name) else {
        return match story.outcome {
            Some(Outcome::Disabled) => Some(Line::Warns(format!(
                "{name} was not asked for the newest event, {}: the source is switched off.",
                call()
            ))),
            None if story.attempts == 0 => {
                Some(Line::Says(format!("{name} has not begun: {} waits for its turn.", call())))
            }
            _ => None,
        };
    };
    if let Some(end) = step.end.as_ref().filter(|_| wording::ran(step)) {
        let late = lateness(story, step);
        if end.outcome.is_failure() {
            let late = late.map(|late| format!("; it was {late}")).unwrap_or_default();
            let how = wording::how_it_failed(end);
            return Some(Line::Warns(format!("{name} failed for {}: {how}{late}.", call())));
        }
        if end.outcome == StepOutcome::Started {
            return Some(Line::Says(format!("{name} runs on by itself for {}.", call())));
        }
        return Some(match late {
            Some(late) => Line::Warns(format!("{name} ran {late}.")),
            None => Line::Says(format!("{name} ran for {} and ended well.", call())),
        });
    }
    if let Some(why) = &step.planned.skipped {
        return Some(Line::Says(format!(
            "{name} was not run for the newest event, {}: {}.",
            call(),
            why.as_sentence()
        )));
    }
    if let Some(end) = &step.end {
        let how = wording::how_it_failed(end);
        return Some(Line::Warns(format!("{name} could not be run for {}: {how}.", call())));
    }
    let present = wording::present_step(story)?;
    let pace = Pace::of(house, &present.planned.step, present.began.or(story.last_time)?);
    let is_held = checks::is_held(&house.layout);
    Some(match (is_held, present.planned.step == name) {
        (true, true) => Line::Says(format!("{name} is running: {}.", pace.of_limit())),
        (true, false) => {
            let front = &present.planned.step;
            Line::Warns(format!("{name} has not begun: {front} has run for {}.", pace.of_limit()))
        }
        (false, true) => Line::Warns(format!("{name} has not ended, and nobody is at it now.")),
        (false, false) => Line::Warns(format!("{name} has not begun, and nobody is at it now.")),
    })
}

/// How late a step began, and what was in front of it.
fn lateness(story: &Story, step: &StoryStep) -> Option<String> {
    let event = story.event.as_ref()?;
    let began = step.began?;
    let since = |from: Timestamp, to: Timestamp| to.duration_since(from).as_millis_f64();
    let late = since(event.time, began);
    if late < LATE_MS {
        return None;
    }
    let waited = story.began.map_or(0.0, |begun| since(event.time, begun));
    let in_front = story.steps.iter().take_while(|other| other.planned.step != step.planned.step);
    let ended = in_front.filter_map(|other| Some((other, other.end.as_ref()?)));
    let longest = ended.max_by(|(_, a), (_, b)| a.ms.total_cmp(&b.ms));
    let because = match longest {
        Some((other, end)) if end.ms >= waited => {
            let name = &other.planned.step;
            match end.outcome {
                StepOutcome::TimedOut => format!("{name}, in front of it, hung until its limit"),
                _ => format!("{name}, in front of it, took {}", when::lasting(end.ms)),
            }
        }
        _ => format!("its event waited {} for its turn", when::lasting(waited)),
    };
    Some(format!("{} late: {because}", seconds(late)))
}

/// A delay in seconds, as it is compared with limits.
fn seconds(ms: f64) -> String {
    format!("{:.1} s", ms / 1000.0)
}

/// What became of an event.
pub(super) fn of_event(house: &House, story: &Story) -> Line {
    let call = wording::called(story);
    let took = story.ms.map(when::lasting).unwrap_or_default();
    let unsaid = || "nobody wrote down why".to_owned();
    if story.refused.is_some() {
        let why = wording::reason(story).unwrap_or_else(unsaid);
        return Line::Warns(format!("A call was refused: {why}."));
    }
    let failures = story.steps.iter().filter_map(|step| {
        let end = step.end.as_ref().filter(|end| end.outcome.is_failure())?;
        Some(format!("{}: {}", step.planned.step, wording::how_it_failed(end)))
    });
    let failures: Vec<String> = failures.collect();
    match story.outcome {
        Some(Outcome::Done) => Line::Says(format!("{call} was done in {took}.")),
        Some(Outcome::Failed) => {
            let why = match failures.as_slice() {
                [] => wording::reason(story).unwrap_or_else(unsaid),
                failures => failures.join("; "),
            };
            Line::Warns(format!("{call} failed. {why}."))
        }
        Some(Outcome::GivenUp) => {
            let why = wording::reason(story).unwrap_or_else(unsaid);
            Line::Warns(format!("{call} was given up: {why}."))
        }
        Some(Outcome::Ignored) => Line::Says(format!("For {call} nothing was to be run.")),
        Some(Outcome::Disabled) => {
            Line::Warns(format!("For {call} nothing was run: its source is switched off."))
        }
        None => {
            let present = wording::present_step(story);
            let pace = present.and_then(|step| {
                let since = step.began.or(story.last_time)?;
                Some((step, Pace::of(house, &step.planned.step, since)))
            });
            match pace {
                Some((step, pace)) if checks::is_held(&house.layout) => {
                    Line::Says(format!("{call} is at {}: {}.", step.planned.step, pace.of_limit()))
                }
                Some(_) => Line::Warns(format!("{call} was begun, and nobody is at it now.")),
                None => Line::Says(format!("{call} has not ended.")),
            }
        }
    }
}

/// When a step was begun and when it ended.
pub(super) fn times(step: &StoryStep) -> String {
    let (Some(began), Some(ended)) = (step.began, step.ended) else { return String::new() };
    let is_long = ended.duration_since(began) >= SignedDuration::from_millis(1);
    let until = is_long.then(|| format!(" to {}", when::clock_only(ended)));
    format!("{}{}: ", when::clock_only(began), until.unwrap_or_default())
}
