//! `status`: on one screen, how things stand and what needs attention.

use std::path::Path;

use jiff::Timestamp;
use serde_json::json;

use super::history::{self, Reasons};
use super::shared::pace::Pace;
use super::shared::table::{Paint, Table, Tone};
use super::shared::{json, when, wording};
use crate::engine::{Preview, Side, Standing};
use crate::error::Exit;
use crate::error::{Ended, Failure};
use crate::event::{Event, Family, InterfaceName};
use crate::hooks;
use crate::journal::{self, Cursor, Reach, StepOutcome, Story};
use crate::paths::Layout;
use crate::pipeline::{self, House};
use crate::plan::{Candidate, Fitness, Kind};
use crate::queue::Note;
use crate::sys::lock;
use crate::sys::{clock, files, folder, inbox, systemd, terminal};

/// Records looked through: those of some fifty events. A screen shows no more, and a long
/// journal must not make this slow.
const RECORDS: usize = 500;

/// Events shown.
const LAST: usize = 8;

/// Failures shown among what needs attention.
const FAILURES: usize = 5;

/// What may be said with `status`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Prints JSON for programs
    #[arg(long)]
    json: bool,
}

/// How things stand.
struct Status {
    rules: Result<Preview, String>,
    /// What has the engine's place, if not itself.
    in_its_place: Option<Candidate>,
    /// The event that last changed the rules, if it is recent.
    changed_by: Option<Story>,
    /// What waits, first come first; the first may be the one that runs.
    waiting: Vec<Event>,
    /// The event in hand, and the step it is at.
    running: Option<(Event, Option<Pace>)>,
    /// The last events, newest first.
    recent: Vec<Story>,
    /// How many records of the journal were looked at.
    records: usize,
    attention: Vec<String>,
    /// Not success where a part of this can't be read.
    exit: Exit,
}

pub(crate) fn main(layout: &Layout, args: &Args) -> Ended {
    let house = House::open(layout.clone());
    let status = look(&house);
    let text = if args.json { as_json(&status) } else { as_text(&status, &house) };
    terminal::show(&text)?;
    Ok(status.exit)
}

fn look(house: &House) -> Status {
    let reach = Reach { since: None, records: RECORDS };
    let found = journal::look_back(&house.journal, reach, usize::MAX, |_| true);
    // After a burst, the last records are of events that were taken in long before.
    let found = match found {
        Ok(found) if found.stories.is_empty() && found.cut_short => {
            journal::look_back(&house.journal, Reach::default(), LAST, |_| true)
        }
        found => found,
    };
    let records = found.as_ref().map_or(0, |found| found.records);
    let (recent, unreadable) = match found {
        Ok(found) => (found.stories, None),
        Err(error) => (Vec::new(), Some(Failure::unreadable(error))),
    };
    let rules = super::rules::preview(house).map_err(|failure| failure.to_string());
    let changed_by = recent.iter().find(|story| changed_the_rules(story)).cloned();
    let tickets = house.queue.waiting().unwrap_or_default();
    let mut waiting: Vec<Event> =
        tickets.iter().filter_map(|ticket| house.queue.read(ticket).ok().flatten()).collect();
    let in_hand = Note::from_bytes(&lock::record_of(&house.layout.lock())).in_hand;
    let is_held = is_held(house);
    let in_hand = in_hand.filter(|_| is_held).and_then(|in_hand| {
        let at = waiting.iter().position(|event| event.id == in_hand.event_id)?;
        Some(waiting.remove(at))
    });
    let running = in_hand.map(|event| {
        let story = recent.iter().find(|story| story.id == Some(event.id));
        let step = story.and_then(|story| {
            let since = story.last_time.unwrap_or(event.time);
            Some(Pace::of(house, &wording::present_step(story)?.planned.step, since))
        });
        (event, step)
    });
    let candidates = pipeline::candidates(&hooks::find(&house.layout));
    let is_in_its_place =
        |candidate: &Candidate| matches!(candidate.kind, Kind::InPlaceOfEngine(_));
    let in_its_place = candidates.into_iter().find(is_in_its_place);
    let mut attention = Vec::new();
    of_the_rules(&rules, in_its_place.is_none(), &mut attention);
    if !is_held && !waiting.is_empty() {
        attention.push("events wait and nobody handles them: see \"netcue run\"".to_owned());
    }
    of_the_unit(house, &mut attention);
    of_the_folders(house, &mut attention);
    of_the_hooks(house, &mut attention);
    attention.extend(Cursor::attentions(&house.layout.cursors(), clock::now()));
    of_failures(&recent, &mut attention);
    let exit = unreadable.as_ref().map_or(Exit::Done, |failure| failure.exit);
    attention.extend(unreadable.map(|failure| format!("the last events: {failure}")));
    Status { rules, in_its_place, changed_by, waiting, running, recent, records, attention, exit }
}

/// Whether a run is going on; a lock that was never taken is not made.
pub(crate) fn is_held(house: &House) -> bool {
    lock::is_free(&house.layout.lock()).is_ok_and(|free| !free)
}

fn changed_the_rules(story: &Story) -> bool {
    let end = wording::engine_step(story).and_then(|step| step.end.as_ref());
    end.is_some_and(|end| end.outcome == StepOutcome::Changed)
}

fn of_the_rules(rules: &Result<Preview, String>, are_ours: bool, attention: &mut Vec<String>) {
    match rules {
        Err(why) => attention.push(why.clone()),
        Ok(preview) => {
            if are_ours && !preview.differences.is_empty() {
                attention.push(
                    "the rules are not those the interfaces call for: \"netcue rules diff\" shows \
                     how, \"netcue rules apply\" mends it"
                        .to_owned(),
                );
            }
            attention.extend(preview.notes.iter().cloned());
        }
    }
}

/// Where systemd runs and netcue's own unit is installed, it is there for who calls.
fn of_the_unit(house: &House, attention: &mut Vec<String>) {
    let installed = Path::new("/usr/lib/systemd/system/netcue-queue.path");
    if house.layout.root() == Path::new("/")
        && systemd::is_running()
        && files::is_there(installed)
        && !inbox::is_listened_to(&house.layout.inbox())
    {
        let what = "netcue-queue.path is not active, or its socket does not listen: see \
                    \"netcue doctor\"";
        attention.push(what.to_owned());
    }
}

fn of_the_folders(house: &House, attention: &mut Vec<String>) {
    let given_up = folder::names(&house.layout.failed()).map_or(0, |names| names.len());
    if given_up > 0 {
        let place = house.layout.failed().display().to_string();
        attention.push(format!("{} given up: see {place}", counted(given_up, "event")));
    }
}

fn of_the_hooks(house: &House, attention: &mut Vec<String>) {
    let survey = hooks::find(&house.layout);
    for candidate in pipeline::candidates(&survey) {
        if let Fitness::Unfit(why) = &candidate.fitness {
            attention.push(format!("hook {} will not run: {why}", candidate.name));
        }
    }
    for path in &survey.misnamed {
        attention.push(format!("{} will not run because of its name", path.display()));
    }
}

fn of_failures(recent: &[Story], attention: &mut Vec<String>) {
    let bad = || recent.iter().filter(|story| wording::went_wrong(story));
    for story in bad().take(FAILURES) {
        let (word, _) = wording::outcome(story);
        let reason = wording::bare_reason(story).map(|why| format!(": {why}")).unwrap_or_default();
        let time = wording::began(story).map(when::brief).unwrap_or_default();
        attention.push(format!("{time} {} {word}{reason}", wording::called(story)));
    }
    if let Some(more) = bad().count().checked_sub(FAILURES).filter(|more| *more > 0) {
        attention.push(format!("{more} more went wrong: see \"netcue history --failed\""));
    }
}

fn as_text(status: &Status, house: &House) -> String {
    let paint = Paint::for_stdout();
    let mut table = Table::default();
    let mut line = |name: &str, tone, text: &str| table.row([(Tone::Faint, name), (tone, text)]);
    match &status.rules {
        Ok(preview) => {
            let (tone, words) = standing(status, preview);
            line("rules", tone, &words);
            for side in SIDES {
                for (name, family, standing) in preview.classes.all_on(side) {
                    let of = of_family(family);
                    line(side.as_str(), Tone::Plain, &format!("{name}{of}: {}", standing.why));
                }
            }
        }
        Err(_) => line("rules", Tone::Bad, "can't be read"),
    }
    line("queue", Tone::Plain, &queue(&status.waiting));
    if let Some((event, pace)) = &status.running {
        let step = pace.as_ref().map_or_else(|| "between steps".to_owned(), Pace::in_words);
        let story = Story { event: Some(Box::new(event.clone())), ..Story::default() };
        line("running", Tone::Strong, &format!("{}: {step}", wording::called(&story)));
    }
    for (index, what) in status.attention.iter().enumerate() {
        line(if index == 0 { "attention" } else { "" }, Tone::Bad, what);
    }
    if status.attention.is_empty() {
        line("attention", Tone::Good, "nothing needs it");
    }
    let mut text = table.broken_lines(paint);
    let shown: Vec<Story> = status.recent.iter().take(LAST).rev().cloned().collect();
    if shown.is_empty() {
        let journal = house.layout.journal().display().to_string();
        let journal = paint.text(Tone::Plain, &journal);
        text.push_str(&match status.records {
            0 => format!("\nno events known from {journal}\n"),
            _ => format!("\n{journal} was rotated: of no event it has the beginning\n"),
        });
    } else {
        text.push_str(&format!("\n{}", history::as_table(&shown, Reasons::Cut, paint)));
    }
    text
}

/// How the rules stand.
fn standing(status: &Status, preview: &Preview) -> (Tone, String) {
    let since = || since(status, preview.since);
    let by = |how: &str, candidate: &Candidate| format!("{how} {}", candidate.kind.place());
    match &status.in_its_place {
        Some(candidate) => match candidate.fitness {
            Fitness::Fit(_) => (Tone::Plain, by("made by", candidate)),
            Fitness::Masked => (Tone::Plain, by("masked by", candidate)),
            Fitness::Unfit(_) => (Tone::Bad, by("not made, because of", candidate)),
        },
        None if preview.differences.is_empty() => (Tone::Good, format!("in force{}", since())),
        None => (Tone::Bad, format!("not in force{}", since())),
    }
}

fn since(status: &Status, since: Option<Timestamp>) -> String {
    match (&status.changed_by, since) {
        (Some(story), _) => {
            let time = story.last_time.map(when::brief).unwrap_or_default();
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

fn queue(waiting: &[Event]) -> String {
    match waiting.first() {
        None => "empty".to_owned(),
        Some(first) => {
            let waits = when::lasting(when::ms_since(first.time));
            format!("{}, the first has waited for {waits}", counted(waiting.len(), "event"))
        }
    }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn as_json(status: &Status) -> String {
    let rules = status.rules.as_ref().ok();
    let sides = |preview: &Preview| {
        let all = SIDES.into_iter().flat_map(|side| preview.classes.all_on(side));
        let one = |(name, family, standing): (&InterfaceName, Option<Family>, &Standing)| json!({ "interface": name, "side": standing.side, "family": family, "why": standing.why });
        all.map(one).collect::<Vec<_>>()
    };
    json::pretty(&json!({
        "rules": {
            "in_force": rules.filter(|_| status.in_its_place.is_none())
                .map(|preview| preview.differences.is_empty()),
            "made_by": status.in_its_place.as_ref().map(|candidate| candidate.kind.path()),
            "since": rules.and_then(|preview| preview.since),
            "changed_by": status.changed_by.as_ref().and_then(|story| story.id),
            "problem": status.rules.as_ref().err(),
        },
        "sides": rules.map(sides),
        "queue": status.waiting,
        "running": status.running.as_ref().map(|(event, pace)| json!({
            "event": event,
            "step": pace.as_ref().map(|pace| &pace.step),
            "since": pace.as_ref().map(|pace| pace.since),
            "left_ms": pace.as_ref().and_then(Pace::ms_left),
        })),
        "last": status.recent.iter().take(LAST).map(history::as_json).collect::<Vec<_>>(),
        "attention": status.attention,
    }))
}
