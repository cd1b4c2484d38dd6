//! `history`: what came, from whom, what ran, how it ended, and how long it took.

mod follow;
mod full;
mod resume;
mod rows;

use std::path::PathBuf;

use serde_json::Value;

use super::shared::cloudevents::Origin;
use super::shared::filter::Filter;
use super::shared::table::Paint;
use super::shared::{json, search, when, wording};
use crate::error::Exit;
use crate::error::{Ended, Failure};
use crate::journal::{self, Found, Name, Reach, Story};
use crate::paths::Layout;
use crate::pipeline::House;
use crate::sys::{identity, terminal};
pub(super) use rows::{Reasons, as_table};

/// Events shown where nobody says how many.
const USUALLY: usize = 20;

/// What may be said with `history`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Shows the last N events, 20 if not given
    #[arg(long, short = 'n', value_name = "N")]
    last: Option<usize>,
    /// Shows all events since then: 10m, boot, 10:42, "11-23 10:42"
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Shows only events that came before that
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Shows all events that came after the one whose id begins so
    #[arg(long, value_name = "EVENT", conflicts_with_all = ["since", "event", "follow"])]
    after: Option<String>,
    /// Shows what has ended since the last call with this file
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["since", "until", "after", "event", "follow", "last", "reverse"]
    )]
    cursor: Option<PathBuf>,
    #[command(flatten)]
    filter: Filter,
    /// Only events that ended so: done, failed, refused ...
    #[arg(long, value_name = "WORD", hide_possible_values = true, value_parser = OUTCOMES)]
    outcome: Option<String>,
    /// Only events with this text in what was said, or printed
    #[arg(long, value_name = "TEXT")]
    grep: Option<String>,
    /// Shows the newest first
    #[arg(long, short, conflicts_with = "follow")]
    reverse: bool,
    /// Shows what happens as it happens, until it is interrupted
    #[arg(long, short = 'f', conflicts_with = "event")]
    follow: bool,
    /// Prints JSON for programs, one object a line
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// How to print
    #[arg(
        long,
        short = 'o',
        value_enum,
        default_value_t = Format::Table,
        hide_default_value = true
    )]
    format: Format,
    /// Shows in full the events whose id begins so; or "last"
    #[arg(value_name = "EVENT")]
    event: Option<String>,
}

/// The words for how an event ended, or how far it is.
const OUTCOMES: [&str; 8] =
    ["done", "failed", "ignored", "disabled", "given-up", "refused", "queued", "running"];

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

impl Args {
    fn wants_json(&self) -> bool {
        self.json || self.format == Format::Json
    }

    /// Whether a story is wanted.
    fn takes(&self, story: &Story) -> bool {
        self.filter.takes(story)
            && self.outcome.as_ref().is_none_or(|wanted| wording::outcome(story).0 == wanted)
            && self.grep.as_ref().is_none_or(|text| holds(&as_json(story), &text.to_lowercase()))
    }
}

pub(crate) fn main(layout: &Layout, args: &Args) -> Ended {
    let house = House::open(layout.clone());
    if args.follow {
        return follow::main(&house, args);
    }
    if let Some(file) = &args.cursor {
        return resume::main(&house, args, file);
    }
    let found = find(&house, args)?;
    if let (true, Some(event)) = (found.stories.is_empty(), &args.event) {
        return Err(search::unknown(event, &found));
    }
    let far = search::how_far(&found, "--since");
    let records = found.records;
    let mut stories = found.stories;
    if !args.reverse {
        stories.reverse();
    }
    let text = if args.format == Format::Cloudevents {
        let origin = Origin::here(layout);
        let lines = stories.iter().filter_map(|story| origin.story(story, as_json(story)));
        lines.map(|line| line.text).collect()
    } else if args.wants_json() {
        stories.iter().map(|story| json::line(&as_json(story))).collect()
    } else if args.event.is_some() {
        stories.iter().map(full::in_full).collect::<Vec<_>>().join("\n")
    } else {
        as_table(&stories, Reasons::Below, Paint::for_stdout())
    };
    terminal::page(&text)?;
    if stories.is_empty() && far.is_none() && args.format == Format::Table && !args.json {
        terminal::tell(&nothing_found(args, records));
    }
    if let Some(far) = far {
        terminal::tell(&far);
    }
    Ok(Exit::Done)
}

/// A heading without a line below it leaves open what is missing.
fn nothing_found(args: &Args, records: usize) -> String {
    let since = args.since.as_ref().map(|since| format!("--since {since:?}"));
    let until = args.until.as_ref().map(|until| format!("--until {until:?}"));
    let until = until.or(args.after.as_ref().map(|after| format!("--after {after}")));
    let outcome = args.outcome.as_ref().map(|outcome| format!("--outcome {outcome}"));
    let grep = args.grep.as_ref().map(|text| format!("--grep {text:?}"));
    let said = since.into_iter().chain(until).chain(args.filter.said());
    let said: Vec<String> = said.chain(outcome).chain(grep).collect();
    if said.is_empty() && records > 0 {
        return "the journal was rotated: of no event it has the beginning".to_owned();
    }
    if said.is_empty() {
        return "the journal holds no event".to_owned();
    }
    format!("the journal holds no event for {}", said.join(" "))
}

/// Whether a text, in small letters, stands in one of the values.
fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::String(said) => said.to_lowercase().contains(text),
        Value::Number(number) => number.to_string() == text,
        Value::Array(values) => values.iter().any(|value| holds(value, text)),
        Value::Object(fields) => fields.values().any(|value| holds(value, text)),
        Value::Null | Value::Bool(_) => false,
    }
}

fn find(house: &House, args: &Args) -> Result<Found, Failure> {
    let since = args.since.as_deref().map(when::read).transpose()?.map(|since| since.from);
    let after = args.after.as_deref().map(|word| search::event(&house.journal, word));
    let after = after.transpose()?.map(|(event, _)| (event.time, event.id));
    let since = since.or(after.map(|(time, _)| time));
    let name = args.event.as_deref().map(Name::of);
    let until = args.until.as_deref().map(when::read).transpose()?;
    let is_before = |story: &Story| {
        until.is_none_or(|until| wording::began(story).is_some_and(|time| time < until.from))
    };
    let is_it = |story: &Story| {
        is_before(story)
            && after
                .is_none_or(|(time, id)| (wording::began(story), story.id) > (Some(time), Some(id)))
            && args.takes(story)
            && name.as_ref().is_none_or(|name| name.fits(story.id))
    };
    let most = match &name {
        Some(Name::Last) => 1,
        _ if since.is_some() || name.is_some() => args.last.unwrap_or(usize::MAX),
        _ => args.last.unwrap_or(USUALLY),
    };
    let found = match (&name, since) {
        (Some(name), None) => journal::look_up(&house.journal, name, is_it),
        (_, Some(since)) => journal::look_back(&house.journal, Reach::since(since), most, is_it),
        (None, None) => journal::look_back(&house.journal, Reach::default(), most, is_it),
    };
    let mut found = found.map_err(Failure::unreadable)?;
    found.stories.truncate(most);
    Ok(found)
}

/// A story for programs.
pub(crate) fn as_json(story: &Story) -> Value {
    let steps: Vec<_> = story
        .steps
        .iter()
        .map(|step| {
            serde_json::json!({
                "step": step.planned.step,
                "path": step.planned.path,
                "skipped": step.planned.skipped.as_ref().map(json::reason),
                "left_to": step.planned.left_to,
                "began": step.began,
                "ended": step.ended,
                "end": step.end.as_ref().map(json::end),
            })
        })
        .collect();
    let (word, _) = wording::outcome(story);
    serde_json::json!({
        "host": identity::host(),
        "event": story.event,
        "refused": story.refused.as_ref().map(|refused| serde_json::json!({
            "source": refused.source, "trigger": refused.trigger,
            "reason": json::reason(&refused.reason),
        })),
        "time": wording::began(story),
        "argv": story.argv,
        "outcome": word,
        "reason": story.reason.as_ref().map(json::reason),
        "attempts": story.attempts,
        "began": story.began,
        "ended": story.ended,
        "ms": story.ms,
        "remarks": story.remarks,
        "steps": steps,
    })
}
