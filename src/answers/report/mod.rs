//! `report`: how things stand and what happened lately, as one page for a browser that needs
//! nothing else.

mod page;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::checks::{self, Cost, Looked};
use super::shared::wording;
use super::timeline;
use crate::config::Config;
use crate::error::{Ended, Exit, Failure};
use crate::event::Family;
use crate::hooks;
use crate::integrate;
use crate::journal::{self, Heard, Journal, Reach, Story};
use crate::paths::Layout;
use crate::pipeline;
use crate::plan::Candidate;
use crate::sources::ALL;
use crate::sys::files::FileError;
use crate::sys::terminal;

/// Events shown where nobody says how many.
const USUALLY: usize = 200;

/// Bursts that are drawn, and how many events of each.
const BURSTS: usize = 3;
const MOST_DRAWN: usize = 40;

/// How far apart events are that do not belong to one burst.
const APART: SignedDuration = SignedDuration::from_secs(30);

/// What may be said with `report`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Prints a page for a browser
    #[arg(long, required = true)]
    html: bool,
    /// Shows the last N events, 200 if not given
    #[arg(long, short = 'n', value_name = "N", default_value_t = USUALLY, hide_default_value = true)]
    last: usize,
}

/// All that the page shows.
struct Report {
    looked: Looked,
    config: Config,
    /// Newest first.
    stories: Vec<Story>,
    /// Whether there are older ones.
    is_cut: bool,
    hooks: Vec<Candidate>,
    sources: Vec<SourceRow>,
    heard: Option<Heard>,
    /// The last bursts, the newest first.
    bursts: Vec<Burst>,
}

/// Events that followed one another.
struct Burst {
    /// When the first of those came that are drawn.
    time: Timestamp,
    events: usize,
    picture: String,
}

/// A source that is on this machine, or was heard of.
struct SourceRow {
    name: &'static str,
    summary: &'static str,
    on: bool,
    callers: Vec<String>,
}

pub(crate) fn main(layout: &Layout, args: &Args) -> Ended {
    let report = Report::of(layout, args.last.max(1))?;
    terminal::write(page::page(&report).as_bytes())?;
    Ok(Exit::Done)
}

impl Report {
    fn of(layout: &Layout, last: usize) -> Result<Self, Failure> {
        let looked = checks::look(layout, Cost::Any);
        let config = pipeline::configured(layout).config;
        let journal = Journal::of(layout, &config.journal);
        let found = journal::look_back(&journal, Reach::default(), last + 1, |_| true);
        let found = found.map_err(Failure::unreadable)?;
        let is_cut = found.stories.len() > last || found.cut_short;
        let mut stories = found.stories;
        stories.truncate(last);
        let heard = checks::heard(&journal).ok();
        let bursts = bursts(&stories);
        let drawn = |(time, ids): (Timestamp, BTreeSet<Uuid>)| {
            let events = ids.len();
            Ok(Burst { time, events, picture: timeline::picture_of(&journal, ids)? })
        };
        let bursts = bursts.into_iter().map(drawn);
        let bursts = bursts.collect::<Result<Vec<_>, FileError>>().map_err(Failure::unreadable)?;
        let sources = sources(layout, heard.as_ref());
        let hooks = pipeline::candidates(&hooks::find(layout, &config.adopt));
        Ok(Self { looked, config, stories, is_cut, hooks, sources, heard, bursts })
    }
}

fn sources(layout: &Layout, heard: Option<&Heard>) -> Vec<SourceRow> {
    let seen = integrate::look(layout, None);
    let row = |source: &'static crate::sources::Source| {
        let name = source.name.as_str();
        let attachment = integrate::attachment(&seen, source);
        let is_heard = heard.is_some_and(|heard| heard.last.contains_key(name));
        let is_shown = is_heard || attachment.installed || !attachment.spots.is_empty();
        let callers = attachment.spots.iter().map(|spot| spot.at.display().to_string()).collect();
        let on = integrate::is_on(&seen, source);
        is_shown.then_some(SourceRow { name, summary: source.summary, on, callers })
    };
    ALL.iter().filter_map(|source| row(source)).collect()
}

/// The events of the last bursts, those without a run left out.
fn bursts(stories: &[Story]) -> Vec<(Timestamp, BTreeSet<Uuid>)> {
    let mut bursts: Vec<(Timestamp, BTreeSet<Uuid>)> = Vec::new();
    let mut newer = None;
    for story in stories.iter().filter(|story| story.attempts > 0) {
        let (Some(id), Some(time)) = (story.id, wording::began(story)) else { continue };
        let is_apart = newer.is_none_or(|newer: Timestamp| newer.duration_since(time) > APART);
        newer = Some(time);
        if is_apart {
            if bursts.len() == BURSTS {
                break;
            }
            bursts.push((time, BTreeSet::new()));
        }
        if let Some((began, ids)) = bursts.last_mut().filter(|(_, ids)| ids.len() < MOST_DRAWN) {
            *began = time;
            ids.insert(id);
        }
    }
    bursts
}

/// For which family a standing holds, if for one alone.
fn of_family(family: Option<Family>) -> &'static str {
    match family {
        None => "",
        Some(Family::Ipv4) => " (IPv4)",
        Some(Family::Ipv6) => " (IPv6)",
    }
}
