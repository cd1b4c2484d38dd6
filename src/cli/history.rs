//! `history`: what came, from whom, what ran, how it ended, and how long it took.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::table::{Paint, Table, Tone};
use super::{Ended, Failure, cloudevents};
use crate::error::Exit;
use crate::journal::{self, Outcome, StepOutcome, Story, StoryStep};
use crate::paths::Layout;
use crate::pipeline::House;
use crate::sys::terminal;

/// What may be said with `history`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Shows the last N events
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
    last: usize,
    /// Shows only events of this source
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Shows only events about this interface
    #[arg(long, value_name = "NAME")]
    interface: Option<String>,
    /// Shows only what went wrong
    #[arg(long)]
    failed: bool,
    /// Prints JSON for programs, one object a line
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Table, hide_default_value = true)]
    format: Format,
    /// Shows in full the events whose id begins so; or "last"
    #[arg(value_name = "EVENT")]
    event: Option<String>,
}

/// What history may be printed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people: a table, or events in full
    Table,
    /// One object a line, as with --json
    Json,
    #[value(help = "CloudEvents 1.0, one a line; only what has ended")]
    Cloudevents,
}

pub(super) fn main(layout: &Layout, args: &Args) -> Ended {
    let house = House::open(layout.clone());
    let most = if args.event.as_deref() == Some("last") { 1 } else { args.last };
    let mut stories = journal::stories(&house.journal, most, |story| is_wanted(story, args))
        .map_err(|error| {
            let exit = if error.is_permission() { Exit::NoPermission } else { Exit::InputOutput };
            Failure::new(exit, error)
        })?;
    if let (true, Some(event)) = (stories.is_empty(), &args.event) {
        let message = format!("the journal holds no event {event:?}");
        return Err(Failure::new(Exit::StepFailed, message));
    }
    stories.reverse();
    let text = if args.format == Format::Cloudevents {
        stories.iter().filter_map(|story| cloudevents::line(story, &as_json(story))).collect()
    } else if args.json || args.format == Format::Json {
        stories.iter().map(|story| as_json(story) + "\n").collect()
    } else if args.event.is_some() {
        stories.iter().map(in_full).collect::<Vec<_>>().join("\n")
    } else {
        as_table(&stories)
    };
    terminal::show(&text)?;
    Ok(Exit::Done)
}

fn is_wanted(story: &Story, args: &Args) -> bool {
    let source = match (&story.event, &story.refused) {
        (Some(event), _) => Some(event.source.as_str()),
        (None, Some(refused)) => refused.source.as_deref(),
        (None, None) => None,
    };
    let interface = story.event.as_ref().and_then(|event| event.facts.interface.as_ref());
    let prefix = args.event.as_deref().filter(|word| *word != "last");
    args.source.as_deref().is_none_or(|wanted| source == Some(wanted))
        && args
            .interface
            .as_deref()
            .is_none_or(|wanted| interface.is_some_and(|name| name.as_str() == wanted))
        && (!args.failed || went_wrong(story))
        && prefix.is_none_or(|prefix| story.id.is_some_and(|id| id.to_string().starts_with(prefix)))
}

fn went_wrong(story: &Story) -> bool {
    story.refused.is_some() || matches!(story.outcome, Some(Outcome::Failed | Outcome::GivenUp))
}

fn as_table(stories: &[Story]) -> String {
    let mut table = Table::default();
    let columns =
        ["TIME", "EVENT", "SOURCE", "TRIGGER", "INTERFACE", "RULES", "HOOKS", "MS", "OUTCOME"];
    table.row(columns.map(|column| (Tone::Strong, column)));
    for story in stories {
        let (source, trigger, interface) = who(story);
        let (word, tone) = outcome(story);
        let reason = story
            .refused
            .as_ref()
            .map(|refused| refused.reason.as_str())
            .or(story.reason.as_deref())
            .map_or_else(String::new, |reason| format!(": {reason}"));
        table.row([
            (Tone::Faint, &local_time(began(story))),
            (Tone::Plain, &short_id(story)),
            (Tone::Plain, &source),
            (Tone::Plain, &trigger),
            (Tone::Strong, &interface),
            (Tone::Plain, rules(story)),
            (Tone::Plain, &hooks(story)),
            (Tone::Plain, &story.ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1}"))),
            (tone, &format!("{word}{reason}")),
        ]);
    }
    table.lines(Paint::for_stdout())
}

/// The part of an id that tells the millisecond, and a little more: enough to tell events
/// apart, and a beginning that `history EVENT` takes.
fn short_id(story: &Story) -> String {
    story.id.map_or_else(|| "-".to_owned(), |id| id.to_string().chars().take(18).collect())
}

fn who(story: &Story) -> (String, String, String) {
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

fn began(story: &Story) -> Option<Timestamp> {
    story.event.as_ref().map(|event| event.time).or(story.last_time)
}

/// Local time, for people; JSON has UTC.
fn local_time(time: Option<Timestamp>) -> String {
    time.map_or_else(
        || "-".to_owned(),
        |time| {
            time.to_zoned_datetime(TimeZone::system()).strftime("%m-%d %H:%M:%S%.3f").to_string()
        },
    )
}

fn outcome(story: &Story) -> (&'static str, Tone) {
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

fn engine_step(story: &Story) -> Option<&StoryStep> {
    story.steps.iter().find(|step| step.planned.step == crate::plan::ENGINE)
}

fn rules(story: &Story) -> &'static str {
    match engine_step(story).and_then(|step| step.end.as_ref()).map(|end| end.outcome) {
        None => "-",
        Some(StepOutcome::Changed) => "changed",
        Some(outcome) if outcome.is_failure() => "FAILED",
        Some(_) => "unchanged",
    }
}

/// How many hooks ran, of how many there are.
fn hooks(story: &Story) -> String {
    let hooks = || story.steps.iter().filter(|step| step.planned.step != crate::plan::ENGINE);
    if story.steps.is_empty() {
        return "-".to_owned();
    }
    format!("{}/{}", hooks().filter(|step| step.end.is_some()).count(), hooks().count())
}

fn in_full(story: &Story) -> String {
    let paint = Paint::for_stdout();
    let (source, trigger, interface) = who(story);
    let (word, tone) = outcome(story);
    let mut text = format!(
        "{} {}\n",
        paint.text(Tone::Strong, &format!("{source} {trigger} {interface}")),
        paint.text(tone, word)
    );
    let mut table = Table::default();
    let mut line = |name: &str, value: &str| table.row([(Tone::Faint, name), (Tone::Plain, value)]);
    line("  time", &local_time(began(story)));
    if let Some(event) = &story.event {
        line("  event", &event.id.to_string());
        if let Some(cause) = event.caused_by {
            line("  caused by", &cause.to_string());
        }
        for (name, value) in crate::event::hook_environment(event) {
            let name = name.trim_start_matches("NETCUE_").to_ascii_lowercase();
            if !value.is_empty() && !SAID_ALREADY.contains(&name.as_str()) {
                line(&format!("  {name}"), &value);
            }
        }
        for warning in &event.facts.warnings {
            line("  left out", &format!("{}: {}", warning.field, warning.reason));
        }
    }
    if let Some(refused) = &story.refused {
        line("  reason", &refused.reason);
    }
    if let Some(reason) = &story.reason {
        line("  reason", reason);
    }
    if story.attempts > 1 {
        line("  attempts", &story.attempts.to_string());
    }
    if let Some(ms) = story.ms {
        line("  took", &format!("{ms:.1} ms"));
    }
    for remark in &story.remarks {
        line("  remark", remark);
    }
    text.push_str(&table.lines(paint));
    for step in &story.steps {
        text.push_str(&step_in_full(step, paint));
    }
    text
}

/// Fields that stand in the heading, or that people don't look for here.
const SAID_ALREADY: [&str; 11] = [
    "schema",
    "id",
    "time",
    "boottime_ns",
    "source",
    "trigger",
    "interface",
    "facts_complete",
    "caused_by",
    "cause_depth",
    "attempt",
];

fn step_in_full(step: &StoryStep, paint: Paint) -> String {
    let name = paint.text(Tone::Strong, &step.planned.step);
    let Some(end) = &step.end else {
        let reason = step.planned.skipped.as_deref().unwrap_or("did not end");
        return format!("  {name}  {}\n", paint.text(Tone::Faint, &format!("skipped: {reason}")));
    };
    let tone = if end.outcome.is_failure() { Tone::Bad } else { Tone::Good };
    let mut how = end.outcome.as_str().to_owned();
    if let Some(status) = end.status.filter(|status| *status != 0) {
        how.push_str(&format!(", exit status {status}"));
    }
    if let Some(signal) = end.signal {
        how.push_str(&format!(", signal {signal}"));
    }
    if let Some(reason) = &end.reason {
        how.push_str(&format!(", {reason}"));
    }
    let mut text = format!("  {name}  {} ({:.1} ms)\n", paint.text(tone, &how), end.ms);
    for line in &end.changes {
        text.push_str(&format!("      {}\n", paint.change(line)));
    }
    for line in end.output.lines() {
        text.push_str(&format!("      {}\n", paint.text(Tone::Plain, &format!("| {line}"))));
    }
    text
}

fn as_json(story: &Story) -> String {
    let steps: Vec<_> = story
        .steps
        .iter()
        .map(|step| {
            serde_json::json!({
                "step": step.planned.step,
                "path": step.planned.path,
                "skipped": step.planned.skipped,
                "end": step.end,
            })
        })
        .collect();
    let (word, _) = outcome(story);
    let json = serde_json::json!({
        "event": story.event,
        "refused": story.refused.as_ref().map(|refused| serde_json::json!({
            "source": refused.source, "trigger": refused.trigger, "reason": refused.reason,
        })),
        "time": began(story),
        "outcome": word,
        "reason": story.reason,
        "attempts": story.attempts,
        "ms": story.ms,
        "remarks": story.remarks,
        "steps": steps,
    });
    terminal::harmless_json(&json.to_string()).into_owned()
}
