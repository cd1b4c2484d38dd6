//! `timeline`: where the time went, drawn.

mod ink;
mod panels;
mod scale;
mod spans;
mod summary;
mod svg;
mod svg_rows;
mod text;

use std::collections::BTreeSet;

use jiff::Timestamp;
use uuid::Uuid;

use super::shared::{search, when};
use crate::error::Exit;
use crate::error::{Ended, Failure};
use crate::journal::{self, Journal, Name, StepOutcome};
use crate::paths::Layout;
use crate::pipeline::House;
use crate::plan;
use crate::sys::files::FileError;
use crate::sys::{clock, identity, screen, terminal};
use panels::Panel;
use scale::duration;
use spans::{Bar, Span, Track, Wanted};

/// What may be said with `timeline`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Draws what happened since then: boot, 10:42, 10m
    #[arg(long, value_name = "TIME", value_parser = when::beginning, conflicts_with = "events")]
    since: Option<Timestamp>,
    /// Prints a page for a browser instead of a picture
    #[arg(long, conflicts_with = "text")]
    html: bool,
    /// Draws with letters, also where stdout is no terminal
    #[arg(long)]
    text: bool,
    /// Draws the events whose id begins so; or "last"
    #[arg(value_name = "EVENT")]
    events: Vec<String>,
}

/// Columns of a text that is for no terminal.
const COLUMNS: usize = 100;

pub(crate) fn main(layout: &Layout, args: &Args) -> Ended {
    let house = House::open(layout.clone());
    let wanted = match args.since {
        Some(time) => Wanted::Since(time),
        None if args.events.is_empty() => Wanted::Burst,
        None => Wanted::Ids(named(&house.journal, &args.events)?),
    };
    let waiting = house.queue.waiting().unwrap_or_default();
    let in_hand = |event: &crate::event::Event| {
        waiting.iter().any(|ticket| ticket.event_id() == Some(event.id))
    };
    let tracks =
        spans::read(&house.journal, &wanted, clock::now(), in_hand).map_err(Failure::unreadable)?;
    let drawn = if args.html {
        svg::page(&tracks)
    } else if args.text || screen::is_terminal() {
        let width = screen::width().unwrap_or(COLUMNS);
        text::draw(&tracks, width, screen::takes_utf8() || !screen::is_terminal())
    } else {
        svg::picture(&tracks)
    };
    terminal::page(&drawn)?;
    Ok(Exit::Done)
}

/// These events as a picture for a page.
pub(super) fn picture_of(journal: &Journal, ids: BTreeSet<Uuid>) -> Result<String, FileError> {
    let tracks = spans::read(journal, &Wanted::Ids(ids), clock::now(), |_| false)?;
    Ok(if tracks.is_empty() { String::new() } else { svg::picture(&tracks) })
}

/// The events that are called so.
fn named(journal: &Journal, words: &[String]) -> Result<BTreeSet<Uuid>, Failure> {
    let mut ids = BTreeSet::new();
    for word in words {
        let found = journal::look_up(journal, &Name::of(word), |story| story.event.is_some());
        let found = found.map_err(Failure::unreadable)?;
        if found.stories.is_empty() {
            return Err(search::unknown(word, &found));
        }
        ids.extend(found.stories.iter().filter_map(|story| story.id));
    }
    Ok(ids)
}

/// How a step's time is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The rules were changed.
    Rules,
    /// They were looked at, and as they should be.
    Engine,
    Hook,
    /// It held nobody.
    Alone,
    Failed,
}

fn kind(bar: &Bar) -> Kind {
    match bar.outcome {
        Some(outcome) if outcome.is_failure() => Kind::Failed,
        Some(StepOutcome::Changed) => Kind::Rules,
        _ if bar.alone => Kind::Alone,
        _ if plan::makes_rules(&bar.step) => Kind::Engine,
        _ => Kind::Hook,
    }
}

/// What is worth saying behind a step's name.
fn remark(bar: &Bar) -> String {
    let said = match bar.outcome {
        None => "no end on record",
        Some(StepOutcome::Done) if bar.alone => "held nobody",
        Some(StepOutcome::Started) => "held nobody, no end on record",
        Some(StepOutcome::Done) => "",
        Some(StepOutcome::Changed) => "rules changed",
        Some(StepOutcome::NotForMe) => "not for me",
        Some(StepOutcome::Failed | StepOutcome::TimedOut | StepOutcome::NotStarted) => &bar.why,
        Some(StepOutcome::Interrupted) => "interrupted",
    };
    one_line(said)
}

/// Who said what about which interface.
fn heading(track: &Track) -> String {
    let facts = &track.event.facts;
    let interface = facts.interface.as_ref().map_or_else(String::new, |name| format!(" {name}"));
    one_line(&format!("{} {}{interface}", track.event.source, facts.trigger))
}

/// How an event ended, where that is worth a word, and whether that is bad.
fn ending(track: &Track) -> (String, bool) {
    let (said, is_bad) = match track.outcome {
        None if track.running.is_empty() => ("waiting", false),
        None => ("not finished", false),
        Some(journal::Outcome::Done) => ("", false),
        Some(outcome @ (journal::Outcome::Ignored | journal::Outcome::Disabled)) => {
            (outcome.as_str(), false)
        }
        Some(outcome) => (outcome.as_str(), true),
    };
    (said.to_owned(), is_bad)
}

/// Text without anything that could move a cursor, break a line or turn its direction.
fn one_line(text: &str) -> String {
    terminal::harmless(text).replace(['\n', '\t'], " ")
}

fn zoned(time: Timestamp) -> jiff::ZonedDateTime {
    time.to_zoned_datetime(jiff::tz::TimeZone::system())
}

/// From when to when, with the dates.
fn period(span: Span) -> String {
    let (from, to) = (zoned(span.from), zoned(span.to));
    let start = from.strftime("%Y-%m-%d %H:%M:%S %:z");
    if from.date() == to.date() {
        format!("{start} to {}", to.strftime("%H:%M:%S"))
    } else {
        format!("{start} to {}", to.strftime("%Y-%m-%d %H:%M:%S"))
    }
}

/// How many events of which machine, and of what time.
fn subtitle(tracks: &[Track]) -> String {
    let host = identity::host();
    let Some(span) = Span::around(tracks.iter().map(Track::whole)) else {
        return format!("{host}: the journal holds nothing to draw of this time");
    };
    format!("{host}: {}, {}", number(tracks), period(span))
}

/// What stands above a panel: its day, when it began, and how much is in it.
fn about_panel(panel: &Panel) -> String {
    let events: usize = panel.rows.iter().map(|row| row.tracks().len()).sum();
    let (from, lasted) = (zoned(panel.span.from), duration(panel.span.ms()));
    let format = if panel.by_clock { "%a %Y-%m-%d" } else { "%a %Y-%m-%d %H:%M:%S" };
    let within = if panel.by_clock { String::new() } else { format!(" within {lasted}") };
    format!("{}, {}{within}", from.strftime(format), events_in_words(events))
}

fn number(tracks: &[Track]) -> String {
    match tracks.len() {
        many if many >= spans::MOST => format!("the newest {many} events"),
        many => events_in_words(many),
    }
}

fn events_in_words(number: usize) -> String {
    if number == 1 { "1 event".to_owned() } else { format!("{number} events") }
}
