//! `history --follow`: what happens, as it happens.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::{Args, as_json};
use crate::answers::shared::pace::Pace;
use crate::answers::shared::table::{Paint, Tone};
use crate::answers::shared::{json, search, when, wording};
use crate::error::Exit;
use crate::error::{Ended, Failure};
use crate::journal::{self, Entry, Reach, Record, Story};
use crate::pipeline::House;
use crate::sys::follow::Follower;
use crate::sys::{screen, terminal};

/// How often the line of a running step is drawn anew.
const FRAME: Duration = Duration::from_millis(200);

/// Characters of an id that tell its millisecond.
const ID: usize = 13;

pub(super) fn main(house: &House, args: &Args) -> Ended {
    let mut follower = Follower::of(house.journal.path()).map_err(Failure::unreadable)?;
    let mut live = Live {
        house,
        args,
        paint: Paint::for_stdout(),
        draws: screen::can_write_over() && !args.wants_json(),
        known: HashMap::new(),
        pace: None,
    };
    if let Some(last) = args.last {
        let earlier =
            journal::look_back(&house.journal, Reach::default(), last, |story| args.takes(story));
        let earlier = earlier.map_err(Failure::unreadable)?;
        if let Some(far) = search::how_far(&earlier, search::SINCE) {
            terminal::tell(&far);
        }
        let text: String = earlier.stories.iter().rev().map(|story| live.whole(story)).collect();
        live.put(&text)?;
    }
    loop {
        let mut came = Vec::new();
        follower
            .read_on(&mut |line| came.extend(serde_json::from_slice::<Entry>(line).ok()))
            .map_err(Failure::unreadable)?;
        let text: String = came.iter().map(|entry| live.tell(entry)).collect();
        live.put(&text)?;
        let next_frame = (live.draws && live.pace.is_some()).then(|| Instant::now() + FRAME);
        if !follower.sleep_until(next_frame) {
            return Ok(Exit::Done);
        }
    }
}

/// What is known of events that have no outcome yet.
struct Live<'a> {
    house: &'a House,
    args: &'a Args,
    paint: Paint,
    draws: bool,
    known: HashMap<Uuid, Box<Story>>,
    pace: Option<Pace>,
}

impl Live<'_> {
    /// Writes what has come, and below it the step that runs.
    fn put(&self, text: &str) -> Result<(), Failure> {
        if !self.draws {
            return if text.is_empty() { Ok(()) } else { Ok(terminal::show(text)?) };
        }
        let running = self.pace.as_ref().map_or_else(String::new, |pace| {
            let words = format!("{} {}", pace.bar(self.paint), pace.in_words());
            let room = self.paint.width().unwrap_or(80).saturating_sub(1);
            self.paint.text(Tone::Strong, &words.trim().chars().take(room).collect::<String>())
        });
        Ok(terminal::show(&format!("\r\u{1b}[2K{text}{running}"))?)
    }

    /// The lines that a record is worth.
    fn tell(&mut self, entry: &Entry) -> String {
        let Some(id) = entry.event_id else { return self.of_no_event(entry) };
        let Some(story) = self.story(id) else { return String::new() };
        let (call, wanted) = (wording::called(&story), self.is_about(&story));
        self.note_pace(entry);
        let fails_late = story.outcome.is_some() && self.args.wants_json();
        let fails_late = fails_late
            && matches!(&entry.record, Record::StepEnd { end, .. } if end.outcome.is_failure());
        if fails_late || matches!(entry.record, Record::Outcome { .. }) {
            self.known.remove(&id);
            let whole = journal::story_of(&self.house.journal, id).ok().flatten();
            let whole = whole.filter(|story| self.args.takes(story));
            return whole.map_or_else(String::new, |story| self.whole(&story));
        }
        if !wanted || self.args.wants_json() {
            return String::new();
        }
        let (tone, words) = match &entry.record {
            Record::Accepted { .. } if self.is_picky() => return String::new(),
            Record::Accepted { .. } => (Tone::Strong, call),
            Record::RunBegin { attempt, .. } if *attempt > 1 => {
                (Tone::Bad, format!("{call}: attempt {attempt}"))
            }
            Record::StepEnd { step, end }
                if self.is_wanted_step(step, end.outcome.is_failure()) =>
            {
                let tone = if end.outcome.is_failure() { Tone::Bad } else { Tone::Plain };
                let how = wording::how_it_ended(end);
                (tone, format!("  {step} {how} ({})", when::lasting(end.ms)))
            }
            Record::Remark { text } => (Tone::Bad, format!("  {text}")),
            Record::SetAside { path, reason } => {
                (Tone::Bad, format!("  set aside as {path}: {reason}"))
            }
            _ => return String::new(),
        };
        self.line(entry, &id.to_string(), tone, &words)
    }

    fn of_no_event(&self, entry: &Entry) -> String {
        match &entry.record {
            Record::Refused { .. } => Story::of_one(entry.clone())
                .filter(|story| self.args.takes(story))
                .map_or_else(String::new, |story| self.whole(&story)),
            Record::Remark { text } if !self.args.wants_json() => {
                self.line(entry, "-", Tone::Bad, text)
            }
            _ => String::new(),
        }
    }

    /// One line, or one object, for a story that has come to its end.
    fn whole(&self, story: &Story) -> String {
        if self.args.wants_json() {
            return json::line(&as_json(story));
        }
        let (word, tone) = wording::outcome(story);
        let took = story.ms.map(|ms| format!(" in {}", when::lasting(ms))).unwrap_or_default();
        let reason = wording::reason(story).map(|why| format!(": {why}")).unwrap_or_default();
        let words = format!("{} {word}{took}{reason}", wording::called(story));
        let id = story.id.map_or_else(|| "-".to_owned(), |id| id.to_string());
        let time = story.last_time.unwrap_or_default();
        self.written(time, &id, tone, &words)
    }

    fn line(&self, entry: &Entry, id: &str, tone: Tone, words: &str) -> String {
        self.written(entry.time, id, tone, words)
    }

    fn written(&self, time: jiff::Timestamp, id: &str, tone: Tone, words: &str) -> String {
        let id: String = id.chars().take(ID).collect();
        let (time, id) = (when::clock_only(time), format!("{id:ID$}"));
        format!(
            "{}  {}  {}\n",
            self.paint.text(Tone::Faint, &time),
            self.paint.text(Tone::Faint, &id),
            self.paint.text(tone, words)
        )
    }

    /// What the journal says of an event so far; it may have come before we did.
    fn story(&mut self, id: Uuid) -> Option<Box<Story>> {
        if let Some(known) = self.known.get(&id) {
            return Some(known.clone());
        }
        let story = Box::new(journal::story_of(&self.house.journal, id).ok().flatten()?);
        self.known.insert(id, story.clone());
        Some(story)
    }

    fn is_about(&self, story: &Story) -> bool {
        let (source, _, interface) = wording::who(story);
        self.args.filter.source.as_ref().is_none_or(|wanted| source == *wanted)
            && self.args.filter.interface.as_ref().is_none_or(|wanted| interface == *wanted)
    }

    /// Whether only some of what happens in a run is asked for.
    fn is_picky(&self) -> bool {
        self.args.filter.failed || self.args.filter.hook.is_some()
    }

    fn is_wanted_step(&self, step: &str, failed: bool) -> bool {
        self.args.filter.hook.as_ref().is_none_or(|wanted| step == wanted)
            && (!self.args.filter.failed || failed)
    }

    fn note_pace(&mut self, entry: &Entry) {
        match &entry.record {
            Record::StepBegin { step } => {
                self.pace = Some(Pace::of(self.house, step, entry.time));
            }
            Record::StepEnd { step, .. } => {
                self.pace.take_if(|pace| pace.step == *step);
            }
            Record::Outcome { .. } => self.pace = None,
            _ => {}
        }
    }
}
