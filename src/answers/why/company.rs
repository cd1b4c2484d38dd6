//! What an event had to do with others: which caused it, which it waited behind or stood in
//! for, and which it caused.

use jiff::{SignedDuration, Timestamp};

use super::{Failure, Line, Question};
use crate::answers::shared::{when, wording};
use crate::journal::{self, Reach, Story};
use crate::sources;

/// A wait for this many milliseconds behind nobody is no wait: a runner has to start.
const AT_ONCE: f64 = 1000.0;

/// Records looked through for those that came before.
const NEARBY: usize = 10_000;

/// How long before an event those can have come that it waited for, besides its own wait.
const BEFORE: SignedDuration = SignedDuration::from_mins(10);

/// Others named in a sentence.
const MOST: usize = 3;

/// The others.
#[derive(Debug, Default)]
pub(super) struct Company {
    /// The event whose hook made the call: the beginning of its id, and its story.
    cause: Option<(String, Option<Story>)>,
    /// Whether nobody called: the kernel told, and the hook may have had no part in it.
    is_of_kernel: bool,
    /// How long it waited, in milliseconds, if it did.
    waited_ms: Option<f64>,
    /// Those whose runs ended meanwhile, oldest first.
    ahead: Vec<Story>,
    /// For each step that one of them left to this event, which one.
    left: Vec<(String, String)>,
    /// Those that its hooks made, oldest first.
    caused: Vec<Story>,
}

impl Question<'_> {
    /// Looks the others up, for an event that is no further than so many records.
    pub(super) fn company(&self, story: &Story, records: usize) -> Result<Company, Failure> {
        let mut company = Company::default();
        let Some(event) = &story.event else { return Ok(company) };
        company.is_of_kernel = event.source == sources::KERNEL.name;
        if let Some(id) = event.caused_by {
            let found = journal::story_of(&self.house.journal, id).map_err(Failure::unreadable)?;
            company.cause = Some((wording::short(Some(id)), found));
        }
        let is_caused = |other: &Story| {
            other.event.as_ref().and_then(|event| event.caused_by) == Some(event.id)
        };
        company.waited_ms = story.waited_ms.filter(|ms| story.behind > 0 || *ms > AT_ONCE);
        let begun = story.waited_ms.and_then(|ms| after(event.time, ms));
        // What it caused came after it: nearer than it is.
        let mut reach = Reach { since: None, records };
        if story.behind > 0 {
            let since = event.time.checked_sub(BEFORE).ok();
            reach = Reach { since, records: records.saturating_add(NEARBY) };
        }
        let is_ahead = |other: &Story| {
            let ended = other.ended.filter(|_| other.attempts > 0).zip(begun);
            ended.is_some_and(|(ended, begun)| event.time < ended && ended <= begun)
        };
        let found = journal::look_back(&self.house.journal, reach, usize::MAX, |other| {
            other.id != story.id && (is_caused(other) || is_ahead(other))
        });
        let mut others = found.map_err(Failure::unreadable)?.stories;
        others.reverse();
        (company.caused, company.ahead) = others.into_iter().partition(is_caused);
        for other in &company.ahead {
            let left = other.steps.iter().filter(|step| step.planned.left_to == story.id);
            company.left.extend(left.map(|step| (step.planned.step.clone(), named(other))));
        }
        Ok(company)
    }
}

fn after(time: Timestamp, ms: f64) -> Option<Timestamp> {
    time.checked_add(SignedDuration::try_from_secs_f64(ms / 1000.0).ok()?).ok()
}

impl Company {
    /// What was behind the call, and what was before its run.
    pub(super) fn before(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        if let Some((id, cause)) = &self.cause {
            let whose = cause.as_ref().map_or_else(|| "an event".to_owned(), wording::called);
            lines.push(Line::Says(if self.is_of_kernel {
                format!("It changed while a hook of {whose} ({id}) was at work.")
            } else {
                format!("A hook of {whose} ({id}) made this call.")
            }));
        }
        if let Some(waited) = self.waited_ms {
            let waited = when::lasting(waited);
            let behind = match some(self.ahead.iter().map(named)) {
                ahead if ahead.is_empty() => String::new(),
                ahead => format!(", behind {ahead}"),
            };
            lines.push(Line::Says(format!("It waited {waited} for its turn{behind}.")));
        }
        lines
    }

    /// For whom else a step was run.
    pub(super) fn stood_in_for(&self, step: &str) -> Option<Line> {
        let others = self.left.iter().filter(|(left, _)| left == step);
        let others = some(others.map(|(_, other)| other.clone()));
        (!others.is_empty())
            .then(|| Line::Says(format!("{step} was left to this event by {others}.")))
    }

    /// What came of it besides its own steps.
    pub(super) fn after(&self) -> impl Iterator<Item = Line> {
        self.caused.iter().map(|other| {
            let (word, _) = wording::outcome(other);
            Line::Says(format!("It caused {}: {word}.", named(other)))
        })
    }
}

fn named(story: &Story) -> String {
    format!("{} ({})", wording::called(story), wording::short(story.id))
}

/// The first few of them, and how many more there are.
fn some(others: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = others.collect();
    let more = all.len().saturating_sub(MOST);
    let named = all.into_iter().take(MOST).collect::<Vec<_>>().join(", ");
    if more == 0 { named } else { format!("{named} and {more} more") }
}
