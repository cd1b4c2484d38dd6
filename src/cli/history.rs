//! `history`: what came, from whom, what ran, how it ended, and how long it took.

mod follow;
mod full;

use super::table::{Paint, Table, Tone};
use super::{Ended, Failure, cloudevents, json, told, when};
use crate::error::Exit;
use crate::journal::{self, Found, Reach, StepOutcome, Story};
use crate::paths::Layout;
use crate::pipeline::House;
use crate::sys::files::FileError;
use crate::sys::terminal;

/// Events shown where nobody says how many.
const USUALLY: usize = 20;

/// What may be said with `history`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Shows the last N events, 20 if not given
    #[arg(long, short = 'n', value_name = "N")]
    last: Option<usize>,
    /// Shows all events since then: 10m, boot, 10:42, "11-23 10:42", 2026-11-23
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Shows only events of this source
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Shows only events about this interface
    #[arg(long, value_name = "NAME")]
    interface: Option<String>,
    /// Shows only events in which this hook, or 50-rules, was run
    #[arg(long, value_name = "NAME")]
    hook: Option<String>,
    /// Shows only what went wrong
    #[arg(long)]
    failed: bool,
    /// Shows what happens as it happens, until it is interrupted
    #[arg(long, short = 'f', conflicts_with = "event")]
    follow: bool,
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

impl Args {
    fn wants_json(&self) -> bool {
        self.json || self.format == Format::Json
    }
}

pub(super) fn main(layout: &Layout, args: &Args) -> Ended {
    let house = House::open(layout.clone());
    if args.follow {
        return follow::main(&house, args);
    }
    let found = find(&house, args)?;
    if let (true, Some(event)) = (found.stories.is_empty(), &args.event) {
        return Err(unknown(event));
    }
    let stories: Vec<Story> = found.stories.into_iter().rev().collect();
    let text = if args.format == Format::Cloudevents {
        let line = |story| cloudevents::line(story, &as_json(story).to_string());
        stories.iter().filter_map(line).collect()
    } else if args.wants_json() {
        stories.iter().map(|story| json::line(&as_json(story))).collect()
    } else if args.event.is_some() {
        stories.iter().map(full::in_full).collect::<Vec<_>>().join("\n")
    } else {
        as_table(&stories)
    };
    terminal::show(&text)?;
    if let (true, Some(back_to)) = (found.cut_short, found.back_to) {
        terminal::tell(&format!(
            "looked through {} records, back to {}; --since looks further",
            found.records,
            when::brief(back_to)
        ));
    }
    Ok(Exit::Done)
}

/// Nothing in the journal begins so.
pub(super) fn unknown(event: &str) -> Failure {
    Failure::new(Exit::StepFailed, format!("the journal holds no event {event:?}"))
}

/// The journal can't be read.
pub(super) fn unreadable(error: FileError) -> Failure {
    let exit = if error.is_permission() { Exit::NoPermission } else { Exit::InputOutput };
    Failure::new(exit, error)
}

fn find(house: &House, args: &Args) -> Result<Found, Failure> {
    let since = args.since.as_deref().map(when::read).transpose()?;
    let prefix = args.event.as_deref().filter(|word| *word != "last");
    let reach = match (since, prefix) {
        (Some(since), _) => Reach::since(since.from),
        (None, Some(prefix)) => Reach::of_id(prefix),
        (None, None) => Reach::default(),
    };
    let most = match (&args.event, args.last) {
        (Some(_), _) if prefix.is_none() => 1,
        (_, Some(last)) => last,
        _ if since.is_some() || prefix.is_some() => usize::MAX,
        _ => USUALLY,
    };
    let is_it =
        |story: &Story| is_wanted(story, args) && prefix.is_none_or(|prefix| has_id(story, prefix));
    let found = journal::look_back(&house.journal, reach, most, is_it).map_err(unreadable)?;
    if found.stories.is_empty() && prefix.is_some() && since.is_none() {
        // The clock may have been set back since.
        return journal::look_back(&house.journal, Reach::default(), most, is_it)
            .map_err(unreadable);
    }
    Ok(found)
}

/// Whether an event's id begins so.
pub(super) fn has_id(story: &Story, prefix: &str) -> bool {
    let prefix = prefix.to_ascii_lowercase();
    story.id.is_some_and(|id| id.to_string().starts_with(&prefix))
}

fn is_wanted(story: &Story, args: &Args) -> bool {
    let (source, _, interface) = told::who(story);
    let ran = |name: &str| told::step(story, name).is_some_and(|step| step.end.is_some());
    args.source.as_deref().is_none_or(|wanted| source == wanted)
        && args.interface.as_deref().is_none_or(|wanted| interface == wanted)
        && args.hook.as_deref().is_none_or(ran)
        && (!args.failed || told::went_wrong(story))
}

/// The stories, oldest first, a line each: what is looked for first stands first, and what
/// may be cut last.
pub(super) fn as_table(stories: &[Story]) -> String {
    let mut table = Table::default();
    let columns = ["TIME", "EVENT", "CALL", "OUTCOME", "TOOK", "RULES", "HOOKS", "REASON"];
    table.row(columns.map(|column| (Tone::Strong, column)));
    for (story, id) in stories.iter().zip(told::short_ids(stories)) {
        let (word, tone) = told::outcome(story);
        let dash = || "-".to_owned();
        table.row([
            (Tone::Faint, &told::began(story).map_or_else(dash, when::brief)),
            (Tone::Faint, &id),
            (Tone::Strong, &told::called(story)),
            (tone, word),
            (Tone::Plain, &story.ms.map_or_else(dash, when::lasting)),
            rules(story),
            (Tone::Plain, &hooks(story)),
            (tone, told::reason(story).unwrap_or_default()),
        ]);
    }
    table.cut_lines(Paint::for_stdout())
}

fn rules(story: &Story) -> (Tone, &'static str) {
    let end = told::engine_step(story).and_then(|step| step.end.as_ref());
    match end.map(|end| end.outcome) {
        None => (Tone::Faint, "-"),
        Some(StepOutcome::Changed) => (Tone::Plain, "changed"),
        Some(outcome) if outcome.is_failure() => (Tone::Bad, "FAILED"),
        Some(_) => (Tone::Faint, "same"),
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

/// A story for programs.
pub(super) fn as_json(story: &Story) -> serde_json::Value {
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
    let (word, _) = told::outcome(story);
    serde_json::json!({
        "event": story.event,
        "refused": story.refused.as_ref().map(|refused| serde_json::json!({
            "source": refused.source, "trigger": refused.trigger, "reason": refused.reason,
        })),
        "time": told::began(story),
        "argv": story.argv,
        "outcome": word,
        "reason": story.reason,
        "attempts": story.attempts,
        "ms": story.ms,
        "remarks": story.remarks,
        "steps": steps,
    })
}
