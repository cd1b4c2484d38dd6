//! What became of a step, as a sentence with its subject left to the caller.

use uuid::Uuid;

use super::Line;
use crate::answers::shared::{when, wording};
use crate::journal::{StepEnd, StepOutcome, StoryStep};

/// Lines of a changed ruleset that are shown.
const MOST_CHANGES: usize = 16;

/// The sentence about a step, behind the words that say which, and what it printed.
pub(super) fn told(subject: &str, step: &StoryStep, event: Option<Uuid>) -> Vec<Line> {
    let not_run = step.planned.skipped.as_ref();
    let not_run = not_run.map(|reason| format!("{subject} was not run: {}.", reason.as_sentence()));
    let end = match (&step.end, not_run) {
        (None, not_run) => {
            let sentence = not_run.unwrap_or_else(|| format!("{subject} has not ended."));
            return vec![Line::Says(sentence)];
        }
        (Some(_), Some(not_run)) if !wording::ran(step) => return vec![Line::Warns(not_run)],
        (Some(end), _) => end,
    };
    let sentence = format!("{subject} {}.", ended(end));
    let mut lines =
        vec![if end.outcome.is_failure() { Line::Warns(sentence) } else { Line::Says(sentence) }];
    lines.extend(end.changes.iter().take(MOST_CHANGES).map(|change| Line::Change(change.clone())));
    if let Some(more) = end.changes.len().checked_sub(MOST_CHANGES).filter(|more| *more > 0) {
        let event = wording::short(event);
        lines.push(Line::Quotes(format!("and {more} lines more: see \"netcue history {event}\"")));
    }
    lines.extend(end.output.lines().map(|line| Line::Quotes(format!("| {line}"))));
    lines
}

fn ended(end: &StepEnd) -> String {
    let took = when::lasting(end.ms);
    let because = |words: String| match wording::why_it_ended(end) {
        Some(reason) => format!("{words}: {reason}"),
        None => words,
    };
    match (end.outcome, end.status, end.signal) {
        (StepOutcome::Changed, ..) => {
            let count = end.changes.iter().filter(|line| !line.starts_with(' ')).count();
            let lines = if count == 1 { "line" } else { "lines" };
            format!("changed the rules in {took}, {count} {lines} of them")
        }
        (StepOutcome::Done, None, None) => {
            format!("found the rules as they should be, in {took}")
        }
        (StepOutcome::Done, ..) => because(format!("ran for {took} and ended well")),
        (StepOutcome::NotForMe, ..) => {
            because(format!("ran for {took} and said that this is none of its business"))
        }
        (StepOutcome::Failed, Some(status), _) => {
            because(format!("failed with exit status {status} after {took}"))
        }
        (StepOutcome::Failed, None, Some(signal)) => {
            because(format!("was ended by signal {signal} after {took}"))
        }
        (StepOutcome::Failed, None, None) => because(format!("failed after {took}")),
        (StepOutcome::TimedOut, ..) => because(format!("timed out and was ended after {took}")),
        (StepOutcome::NotStarted, ..) => because("could not be started".to_owned()),
        (StepOutcome::Interrupted, ..) => {
            because(format!("was interrupted after {took}, because netcue was told to end"))
        }
        (StepOutcome::Started, ..) => {
            "was started and holds nobody (wait=no); its end is not on record yet".to_owned()
        }
    }
}
