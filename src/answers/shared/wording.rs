//! What a story of the journal is called in tables and sentences.

use jiff::Timestamp;
use uuid::Uuid;

use super::table::Tone;
use crate::event::Event;
use crate::journal::{Outcome, StepEnd, StepOutcome, Story, StoryStep};
use crate::plan;
use crate::reason::Reason;

/// Source, trigger and interface; a dash for what nobody knows.
pub(crate) fn who(story: &Story) -> (String, String, String) {
    let dash = || "-".to_owned();
    match (&story.event, &story.refused) {
        (Some(event), _) => (
            event.source.to_string(),
            event.facts.trigger.to_string(),
            event.facts.interface.as_ref().map_or_else(dash, ToString::to_string),
        ),
        (None, Some(refused)) => (
            refused.source.clone().unwrap_or_else(dash),
            refused.trigger.clone().unwrap_or_else(dash),
            dash(),
        ),
        (None, None) => (dash(), dash(), dash()),
    }
}

/// Source, trigger and interface in one, without dashes: `ppp ip-up ppp0`.
pub(crate) fn called(story: &Story) -> String {
    let (source, trigger, interface) = who(story);
    let known: Vec<String> =
        [source, trigger, interface].into_iter().filter(|word| word != "-").collect();
    match (&story.event, &story.refused) {
        (None, None) => "a queue file".to_owned(),
        _ if known.is_empty() => of_words(&story.argv),
        _ => known.join(" "),
    }
}

/// What was called, where that was not understood: the words, without those that stand before any
/// call.
fn of_words(argv: &[String]) -> String {
    let own = argv.iter().position(|word| word == "from").unwrap_or(0);
    let words: Vec<&String> = argv.iter().skip(own + 1).collect();
    if words.is_empty() {
        return "a call".to_owned();
    }
    let said: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    let said = said.join(" ");
    if said.chars().count() <= LONGEST {
        said
    } else {
        said.chars().take(LONGEST - 1).chain(['…']).collect()
    }
}

/// Characters of a call that was not understood which are shown in a line.
const LONGEST: usize = 40;

/// The same of an event, whatever became of it.
pub(crate) fn called_event(event: &Event) -> String {
    let interface = event.facts.interface.as_ref().map(|name| format!(" {name}"));
    format!("{} {}{}", event.source, event.facts.trigger, interface.unwrap_or_default())
}

/// Fields that stand in every heading of an event, or that people don't look for beside it.
const IN_HEADING: [&str; 14] = [
    "schema",
    "id",
    "time",
    "boottime_ns",
    "boot_id",
    "netns",
    "source",
    "trigger",
    "interface",
    "facts_complete",
    "caused_by",
    "first_cause",
    "cause_depth",
    "attempt",
];

/// What an event holds beside its heading: fields, but those in `without`, and details, by
/// name.
pub(crate) fn fields(event: &Event, without: &[&str]) -> Vec<(String, String)> {
    let of_hooks = crate::event::hook_environment(event).into_iter();
    let fields = of_hooks.filter(|(_, value)| !value.is_empty()).filter_map(|(name, value)| {
        let name = name.strip_prefix("NETCUE_")?.to_ascii_lowercase();
        let is_left_out = IN_HEADING.contains(&&*name) || without.contains(&&*name);
        let name = name.strip_prefix("details_").unwrap_or(&name).to_owned();
        (!is_left_out).then_some((name, value))
    });
    fields.collect()
}

/// The command line of the call, as it could be typed again; none if it is not on record.
pub(crate) fn command_line(story: &Story) -> Option<String> {
    let words: Vec<String> = story.argv.iter().map(|word| quoted(word)).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// A word as a shell would take it for one.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "%+,-./:=@_…".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// When it came.
pub(crate) fn began(story: &Story) -> Option<Timestamp> {
    story.event.as_ref().map(|event| event.time).or(story.last_time)
}

/// How it ended or how far it is, in one word.
pub(crate) fn outcome(story: &Story) -> (&'static str, Tone) {
    match (&story.refused, story.outcome) {
        (Some(_), _) => ("refused", Tone::Bad),
        (None, None) if story.attempts > 0 => ("running", Tone::Strong),
        (None, None) => ("queued", Tone::Strong),
        (None, Some(outcome @ Outcome::Done)) => (outcome.as_str(), Tone::Good),
        (None, Some(outcome @ (Outcome::Failed | Outcome::GivenUp))) => {
            (outcome.as_str(), Tone::Bad)
        }
        (None, Some(outcome)) => (outcome.as_str(), Tone::Faint),
    }
}

/// Why it ended so, where there is more to say than the word of its outcome.
pub(crate) fn reason(story: &Story) -> Option<String> {
    let bare = bare_reason(story)?;
    let is_of_a_call = story.refused.as_ref().is_some_and(|refused| refused.source.is_some());
    Some(if is_of_a_call { format!("{}: {bare}", called(story)) } else { bare })
}

/// The same beside the call itself, whose name a refusal need not repeat.
pub(crate) fn bare_reason(story: &Story) -> Option<String> {
    let refused = story.refused.as_ref().map(|refused| &refused.reason);
    match refused.or(story.reason.as_ref())? {
        // Earlier versions wrote the name of the call in front of it.
        Reason::Text { text } => {
            let rest = text.strip_prefix(&called(story)).and_then(|rest| rest.strip_prefix(": "));
            Some(rest.unwrap_or(text).to_owned())
        }
        reason => Some(reason.to_string()),
    }
}

/// Why a step has no end, in a few words.
pub(crate) fn how_it_was_left(step: &StoryStep) -> String {
    let skipped = step.planned.skipped.as_ref();
    skipped.map_or_else(|| "did not end".to_owned(), |reason| format!("skipped: {reason}"))
}

/// The end of a step in a few words.
pub(crate) fn how_it_ended(end: &StepEnd) -> String {
    in_parts(end).join(", ")
}

/// The end of a step that failed, behind the word that it did.
pub(crate) fn how_it_failed(end: &StepEnd) -> String {
    let parts = in_parts(end);
    match parts.as_slice() {
        [_, rest @ ..] if end.outcome == StepOutcome::Failed && !rest.is_empty() => rest.join(", "),
        all => all.join(", "),
    }
}

fn in_parts(end: &StepEnd) -> Vec<String> {
    let mut parts = vec![end.outcome.as_str().replace('-', " ")];
    if let Some(status) = end.status.filter(|status| *status != 0) {
        parts.push(format!("exit status {status}"));
    }
    if let Some(signal) = end.signal {
        parts.push(format!("signal {signal}"));
    }
    parts.extend(why_it_ended(end));
    parts
}

/// Why a step ended so, where that is more than a number.
pub(crate) fn why_it_ended(end: &StepEnd) -> Option<String> {
    let left = end.left_processes.then(|| "processes it left in its group were ended".to_owned());
    let reasons: Vec<String> = end.failed.iter().map(Reason::to_string).chain(left).collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// Whether a person should look at it.
pub(crate) fn went_wrong(story: &Story) -> bool {
    story.refused.is_some() || matches!(story.outcome, Some(Outcome::Failed | Outcome::GivenUp))
}

/// The step of that name.
pub(crate) fn step<'a>(story: &'a Story, name: &str) -> Option<&'a StoryStep> {
    story.steps.iter().find(|step| step.planned.step == name)
}

/// Whether a step ran, however it ended. One that could not be started did not.
pub(crate) fn ran(step: &StoryStep) -> bool {
    step.end.as_ref().is_some_and(|end| end.outcome != StepOutcome::NotStarted)
}

/// The step that saw to the rules.
pub(crate) fn engine_step(story: &Story) -> Option<&StoryStep> {
    story.steps.iter().find(|step| plan::makes_rules(&step.planned.step))
}

/// The step a run is at.
pub(crate) fn present_step(story: &Story) -> Option<&StoryStep> {
    if story.outcome.is_some() || story.attempts == 0 {
        return None;
    }
    story.steps.iter().find(|step| step.end.is_none() && step.planned.skipped.is_none())
}

/// The beginning of an id that tells its millisecond: as a rule, only one event has it.
pub(crate) fn short(id: Option<Uuid>) -> String {
    id.map_or_else(|| "-".to_owned(), |id| id.to_string().chars().take(MILLISECOND).collect())
}

/// Beginnings of ids by which each story can be told from the others, all of one length.
pub(crate) fn short_ids(stories: &[Story]) -> Vec<String> {
    let ids: Vec<Option<String>> =
        stories.iter().map(|story| story.id.map(|id| id.to_string())).collect();
    let length = LENGTHS.into_iter().find(|length| are_distinct(&ids, *length)).unwrap_or(36);
    ids.into_iter()
        .map(|id| id.map_or_else(|| "-".to_owned(), |id| id.chars().take(length).collect()))
        .collect()
}

/// Where groups of digits of an id end: a millisecond, and more than that.
const LENGTHS: [usize; 3] = [MILLISECOND, 18, 23];

/// Characters of an id that tell its millisecond.
const MILLISECOND: usize = 13;

fn are_distinct(ids: &[Option<String>], length: usize) -> bool {
    let mut beginnings: Vec<&str> =
        ids.iter().flatten().filter_map(|id| id.get(..length)).collect();
    let all = beginnings.len();
    beginnings.sort_unstable();
    beginnings.dedup();
    beginnings.len() == all
}
