//! `status`: on one screen, how things stand and what needs attention.

use jiff::Timestamp;
use serde_json::json;

use super::checks::{self, Cost, Looked, State};
use super::history::{self, Reasons};
use super::shared::pace::Pace;
use super::shared::table::{Paint, Table, Tone};
use super::shared::{json, when, wording};
use crate::engine::{Preview, Side, Standing};
use crate::error::{Ended, Exit, Failure};
use crate::event::{Family, InterfaceName};
use crate::journal::{StepOutcome, Story};
use crate::paths::Layout;
use crate::plan::{Candidate, Fitness};
use crate::sys::terminal;

/// Events shown.
const LAST: usize = 8;

/// Most that is shown of what needs attention: a screen is a screen.
const ATTENTIONS: usize = 8;

/// What may be said with `status`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Prints JSON for programs
    #[arg(long)]
    json: bool,
}

pub(crate) fn main(layout: &Layout, args: &Args) -> Ended {
    let looked = checks::look(layout, Cost::Any);
    let text = if args.json { as_json(&looked) } else { as_text(&looked, layout) };
    terminal::page(&text)?;
    // Why they can't be read has been said among the rest.
    Ok(looked.recent.err().map_or(Exit::Done, |error| Failure::unreadable(error).exit))
}

impl Looked {
    fn stories(&self) -> &[Story] {
        self.recent.as_ref().map_or(&[], |found| &found.stories)
    }

    /// The event that last changed the rules, if it is recent.
    fn changed_by(&self) -> Option<&Story> {
        self.stories().iter().find(|story| changed_at(story).is_some())
    }
}

/// When an event changed the rules, if it did.
fn changed_at(story: &Story) -> Option<Timestamp> {
    let step = wording::engine_step(story)?;
    let has_changed = step.end.as_ref()?.outcome == StepOutcome::Changed;
    step.ended.filter(|_| has_changed)
}

fn as_text(looked: &Looked, layout: &Layout) -> String {
    let paint = Paint::for_stdout();
    let mut table = Table::default();
    let mut line = |name: &str, tone, text: &str| table.row([(Tone::Faint, name), (tone, text)]);
    match &looked.rules {
        Ok(preview) => {
            let (tone, words) = standing(looked, preview);
            line("rules", tone, &words);
            if let Some(dropped) = super::rules::dropped(preview) {
                line("", Tone::Plain, &dropped);
            }
            for side in SIDES {
                for (name, family, standing) in preview.classes.all_on(side) {
                    let of = of_family(family);
                    line(side.as_str(), Tone::Plain, &format!("{name}{of}: {}", standing.why));
                }
            }
        }
        Err(_) => line("rules", Tone::Bad, "can't be read"),
    }
    line("queue", Tone::Plain, &queue(looked));
    if let Some((event, pace)) = &looked.work.running {
        let step = pace.as_ref().map_or_else(|| "between steps".to_owned(), Pace::in_words);
        line("running", Tone::Strong, &format!("{}: {step}", wording::called_event(event)));
    }
    for (index, (tone, what)) in attention(looked).iter().enumerate() {
        line(if index == 0 { "attention" } else { "" }, *tone, what);
    }
    let mut text = table.broken_lines(paint);
    let shown: Vec<Story> = looked.stories().iter().take(LAST).rev().cloned().collect();
    if !shown.is_empty() {
        text.push_str(&format!("\n{}", history::as_table(&shown, Reasons::Cut, paint)));
        return text;
    }
    let journal = paint.text(Tone::Plain, &layout.journal().display().to_string());
    text.push_str(&match &looked.recent {
        Err(_) => format!("\nno events are known: {journal} can't be read\n"),
        Ok(found) if found.records == 0 => format!("\nno events known from {journal}\n"),
        Ok(_) => format!("\n{journal} was rotated: of no event it has the beginning\n"),
    });
    text
}

/// What needs attention, each with what mends it; or that nothing does, as far as that is known.
fn attention(looked: &Looked) -> Vec<(Tone, String)> {
    let all = looked.attention();
    let mut lines = Vec::new();
    for finding in all.iter().take(ATTENTIONS) {
        lines.push((Tone::Bad, finding.in_words()));
        lines.extend(finding.command.iter().map(|command| (Tone::Plain, format!("> {command}"))));
    }
    if let Some(more) = all.len().checked_sub(ATTENTIONS).filter(|more| *more > 0) {
        lines.push((Tone::Bad, format!("and {more} more: see \"netcue doctor\"")));
    }
    if !lines.is_empty() {
        return lines;
    }
    let unknown = looked.findings.iter().filter(|finding| finding.state == State::Unknown).count();
    vec![match unknown {
        0 => (Tone::Good, "nothing needs it".to_owned()),
        1 => (
            Tone::Plain,
            "nothing known needs it; one thing can't be told: see \"netcue doctor\"".to_owned(),
        ),
        unknown => (
            Tone::Plain,
            format!(
                "nothing known needs it; {unknown} things can't be told: see \"netcue doctor\""
            ),
        ),
    }]
}

/// How the rules stand.
fn standing(looked: &Looked, preview: &Preview) -> (Tone, String) {
    let since = || since(looked, preview.since);
    let by = |how: &str, candidate: &Candidate| format!("{how} {}", candidate.kind.place());
    match &looked.in_its_place {
        Some(candidate) => match candidate.fitness {
            Fitness::Fit(_) => (Tone::Plain, by("made by", candidate)),
            Fitness::Masked => (Tone::Plain, by("masked by", candidate)),
            Fitness::Unfit(_) => (Tone::Bad, by("not made, because of", candidate)),
        },
        None if preview.differences.is_empty() => (Tone::Good, format!("in force{}", since())),
        None => (Tone::Bad, format!("not in force{}", since())),
    }
}

fn since(looked: &Looked, since: Option<Timestamp>) -> String {
    match (looked.changed_by(), since) {
        (Some(story), _) => {
            let time = changed_at(story).map(when::brief).unwrap_or_default();
            format!(", last changed {time} by {}", wording::called(story))
        }
        (None, Some(time)) => format!(", last changed {}", when::brief(time)),
        (None, None) => String::new(),
    }
}

/// The sides in the order in which they are shown.
const SIDES: [Side; 5] = [Side::Outside, Side::Inside, Side::Guest, Side::Undecided, Side::Ignored];

/// The family for which alone an interface is on a side.
fn of_family(family: Option<Family>) -> &'static str {
    match family {
        None => "",
        Some(Family::Ipv4) => " (IPv4)",
        Some(Family::Ipv6) => " (IPv6)",
    }
}

fn queue(looked: &Looked) -> String {
    let waiting = match &looked.work.waiting {
        Err(why) => return why.clone(),
        Ok(waiting) => waiting,
    };
    match waiting.iter().map(|waiting| waiting.age).max() {
        None => "empty".to_owned(),
        Some(age) => {
            let waits = match looked.work.events().first() {
                Some(first) => when::ms_since(first.time),
                #[expect(clippy::cast_precision_loss, reason = "the age of a file in seconds")]
                None => age as f64 * 1000.0,
            };
            let number = waiting.len();
            let events =
                if number == 1 { "1 event".to_owned() } else { format!("{number} events") };
            format!("{events}, the first has waited for {}", when::lasting(waits))
        }
    }
}

fn as_json(looked: &Looked) -> String {
    let rules = looked.rules.as_ref().ok();
    let sides = |preview: &Preview| {
        let all = SIDES.into_iter().flat_map(|side| preview.classes.all_on(side));
        let one = |(name, family, standing): (&InterfaceName, Option<Family>, &Standing)| json!({ "interface": name, "side": standing.side, "family": family, "why": standing.why });
        all.map(one).collect::<Vec<_>>()
    };
    let changed_by = looked.changed_by();
    let changed = changed_by.and_then(changed_at);
    json::answer(json!({
        "rules": {
            "in_force": rules.filter(|_| looked.in_its_place.is_none())
                .map(|preview| preview.differences.is_empty()),
            "made_by": looked.in_its_place.as_ref().map(|candidate| candidate.kind.path()),
            "since": changed.or(rules.and_then(|preview| preview.since)),
            "changed_by": changed_by.and_then(|story| story.id),
            "counters": rules.map(|preview| &preview.counts),
            "problem": looked.rules.as_ref().err().map(ToString::to_string),
        },
        "sides": rules.map(sides),
        "queue": looked.work.events(),
        "running": looked.work.running.as_ref().map(|(event, pace)| json!({
            "event": event,
            "step": pace.as_ref().map(|pace| &pace.step),
            "since": pace.as_ref().map(|pace| pace.since),
            "left_ms": pace.as_ref().and_then(Pace::ms_left),
        })),
        "last": looked.stories().iter().take(LAST).map(history::as_json).collect::<Vec<_>>(),
        "attention": looked.attention(),
    }))
}
