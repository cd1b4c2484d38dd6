//! `plan`: what a call, or an event of the journal, would set going now, and nothing
//! changed.

mod packets;

use std::ffi::OsString;

use serde_json::json;

use super::checks::{self, Cost, Finding};
use super::shared::table::{Paint, Table, Tone};
use super::shared::{json, search};
use crate::engine::{KernelState, Preview};
use crate::error::Exit;
use crate::error::{Ended, Failure};
use crate::event::Event;
use crate::paths::Layout;
use crate::pipeline::{self, Caller, House};
use crate::plan::{Kind, Step, Verdict};
use crate::sources::{self, Reading};
use crate::sys::invocation::Invocation;
use crate::sys::terminal;

/// What may be said with `plan`.
#[derive(Debug, clap::Args)]
#[command(override_usage = "netcue plan [--json] from SOURCE TRIGGER [WORD]...\n       \
    netcue plan [--json] EVENT\n       \
    netcue plan [--json] --current")]
pub(crate) struct Args {
    /// Prints JSON for programs
    #[arg(long)]
    json: bool,
    /// Plans for no news: what an event made by hand would do now
    #[arg(long, conflicts_with = "words")]
    current: bool,
    /// "from SOURCE TRIGGER [WORD]…", the beginning of an id, or "last"
    #[arg(
        value_name = "CALL",
        required_unless_present = "current",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    words: Vec<OsString>,
}

pub(crate) fn main(layout: &Layout, args: &Args, invocation: &Invocation) -> Ended {
    if args.current {
        return show_reading(layout, sources::manual_run(), invocation, args.json);
    }
    let [word] = args.words.as_slice() else {
        return show(layout, pipeline::without_from(&args.words), invocation, args.json);
    };
    match word.to_str().filter(|word| names_an_event(word)) {
        Some(id) => again(layout, id, args.json),
        None => show(layout, pipeline::without_from(&args.words), invocation, args.json),
    }
}

/// Whether a word is the beginning of an id, and no source.
pub(crate) fn names_an_event(word: &str) -> bool {
    let is_id = || word.chars().all(|c| c == '-' || c.is_ascii_hexdigit());
    word == "last" || !word.is_empty() && is_id() && sources::find(word).is_none()
}

/// Shows what an event of the journal would do now.
fn again(layout: &Layout, word: &str, json: bool) -> Ended {
    let house = House::open(layout.clone());
    let (event, _) = search::event(&house.journal, word)?;
    show_event(&house, &event, json)
}

/// Shows the plan for the call that these words make.
pub(crate) fn show(
    layout: &Layout,
    words: &[OsString],
    invocation: &Invocation,
    json: bool,
) -> Ended {
    let reading = pipeline::read_words(words, invocation).map_err(|refusal| {
        let no_event = match words {
            [word] if sources::find(&word.to_string_lossy()).is_none() => {
                "; and no event's id begins so"
            }
            _ => "",
        };
        Failure::new(Exit::NotUnderstood, format!("{refusal}{no_event}"))
    })?;
    show_reading(layout, reading, invocation, json)
}

fn show_reading(layout: &Layout, reading: Reading, invocation: &Invocation, json: bool) -> Ended {
    let event = pipeline::accept(reading, Caller::of(invocation).cause);
    show_event(&House::open(layout.clone()), &event, json)
}

fn show_event(house: &House, event: &Event, json: bool) -> Ended {
    let steps = match event.facts.action {
        Some(_) => pipeline::preview(house, event),
        None => Vec::new(),
    };
    let runs = |step: &&Step| matches!(step.verdict, Verdict::Run(_));
    let engine = steps.iter().filter(runs).find(|step| step.kind == Kind::Engine);
    let rules = engine.map(|_| super::rules::preview(house)).transpose();
    let text = if json {
        as_json(house, event, &steps, rules.as_ref().ok().and_then(Option::as_ref))
    } else {
        as_text(house, event, &steps, &rules)
    };
    terminal::page(&text)?;
    rules.map(|_| Exit::Done)
}

fn as_text(
    house: &House,
    event: &Event,
    steps: &[Step],
    rules: &Result<Option<Preview>, Failure>,
) -> String {
    let paint = Paint::for_stdout();
    let mut text = format!("{}\n", paint.text(Tone::Strong, &in_words(event)));
    for warning in &event.facts.warnings {
        let line = format!("  left out {}: {}", warning.field, warning.reason);
        text.push_str(&paint.text(Tone::Bad, &line));
        text.push('\n');
    }
    if event.facts.action.is_none() {
        text.push_str("  nothing runs: the trigger has no meaning for the network\n");
        return text;
    }
    let mut table = Table::default();
    for step in steps {
        let place = step.kind.place();
        match &step.verdict {
            Verdict::Run(_) => {
                table.row([
                    (Tone::Good, "  run "),
                    (Tone::Strong, &step.name),
                    (Tone::Faint, &place),
                ]);
            }
            Verdict::Skip(reason) => table.row([
                (Tone::Faint, "  skip"),
                (Tone::Plain, &step.name),
                (Tone::Plain, &reason.to_string()),
            ]),
            Verdict::Refuse(reason) => table.row([
                (Tone::Bad, "  fail"),
                (Tone::Strong, &step.name),
                (Tone::Plain, &reason.to_string()),
            ]),
        }
    }
    text.push_str(&table.broken_lines(paint));
    match rules {
        Ok(Some(preview)) => {
            if let Some(remark) = ahead_of_the_kernel(event, &preview.state) {
                text.push_str(&paint.wrapped(Tone::Strong, &format!("note: {remark}"), 2));
            }
            let changes = super::rules::changes(preview);
            text.push_str(&if changes.is_empty() {
                "50-rules would change nothing: the rules are what the kernel's state calls for\n"
                    .to_owned()
            } else {
                "50-rules would make these changes:\n".to_owned()
            });
            for line in &changes {
                text.push_str(&format!("  {}\n", paint.change(line)));
            }
            text.push_str("what becomes of packets then:\n");
            for sentence in packets(house, preview) {
                text.push_str(&format!("  {}", paint.wrapped(Tone::Plain, &sentence, 4)));
            }
        }
        Ok(None) => text.push_str("the built-in engine would not run: no change in the rules\n"),
        Err(_) => {}
    }
    text
}

/// What packets meet: first what lets nothing pass at all, be it the kernel or rules of others.
fn packets(house: &House, preview: &Preview) -> Vec<String> {
    let looked = checks::look(&house.layout, Cost::Little);
    let is_in_the_way = |finding: &&&Finding| matches!(finding.check, "forwarding" | "firewalls");
    let attention = looked.attention();
    let in_the_way = attention.iter().filter(is_in_the_way).map(|finding| {
        let to_do = finding.to_do.as_deref().unwrap_or_default();
        format!("{} ({to_do})", finding.what)
    });
    let mut sentences: Vec<String> = in_the_way.collect();
    let own = packets::view(preview, &house.config.rules).into_iter();
    if sentences.is_empty() {
        return own.collect();
    }
    sentences.extend(own.map(|sentence| format!("were it not for that: {sentence}")));
    sentences
}

/// Rules follow the kernel and not the call, which surprises where the two don't agree.
fn ahead_of_the_kernel(event: &Event, state: &KernelState) -> Option<String> {
    let name = event.facts.interface.as_ref()?;
    let link = state.links.iter().find(|link| link.name == *name);
    let now = match (event.facts.action.as_ref()?.as_str(), link) {
        ("up", None) => "does not exist now",
        ("up", Some(link)) if !link.up => "is down now",
        ("down", Some(link)) if link.up => "is still up now",
        _ => return None,
    };
    Some(format!(
        "{name} {now}; rules follow the interfaces and routes that there are, whatever a call says"
    ))
}

fn in_words(event: &Event) -> String {
    let facts = &event.facts;
    let mut words = format!("{} {}", event.source, facts.trigger);
    if let Some(action) = &facts.action {
        words.push_str(&format!(": {action}"));
    }
    for (name, value) in [
        ("", facts.interface.as_ref().map(ToString::to_string)),
        ("local ", facts.local.map(|address| address.to_string())),
        ("remote ", facts.remote.map(|address| address.to_string())),
    ] {
        if let Some(value) = value {
            words.push_str(&format!(" {name}{value}"));
        }
    }
    words
}

fn as_json(house: &House, event: &Event, steps: &[Step], rules: Option<&Preview>) -> String {
    let steps: Vec<_> = steps
        .iter()
        .map(|step| {
            json!({
                "step": step.name,
                "path": step.kind.path(),
                "skipped": step.verdict.why_not().map(json::reason),
                "fails": matches!(step.verdict, Verdict::Refuse(_)),
            })
        })
        .collect();
    let plan = json!({
        "event": event,
        "steps": steps,
        "changes": rules.map(super::rules::changes),
        "packets": rules.map(|preview| packets(house, preview)),
    });
    json::answer(plan)
}
