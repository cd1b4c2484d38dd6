//! What a search in the journal comes to: the one event that was asked for, or how far
//! it looked.

use super::{when, wording};
use crate::error::Exit;
use crate::error::Failure;
use crate::event::Event;
use crate::journal::{self, Found, Journal, Name, Story};
use crate::sys::terminal;

/// Events named where more than one has that name.
const CANDIDATES: usize = 10;

/// The one event of the journal that is called so, with what became of it; a refused call
/// is none.
pub(crate) fn event(journal: &Journal, word: &str) -> Result<(Box<Event>, Story), Failure> {
    let found = journal::look_up(journal, &Name::of(word), |story| story.event.is_some());
    let found = found.map_err(Failure::unreadable)?;
    let missing = unknown(word, &found);
    let story = one(found, word)?.unwrap_or_default();
    story.event.clone().map(|event| (event, story)).ok_or(missing)
}

/// The one story that was found; none if there is none.
pub(crate) fn one(found: Found, word: &str) -> Result<Option<Story>, Failure> {
    let mut stories = found.stories;
    let last = stories.pop();
    if stories.is_empty() {
        return Ok(last);
    }
    stories.extend(last);
    Err(several(&stories, word))
}

/// Nothing in the journal is called so, as far as it was looked through.
pub(crate) fn unknown(word: &str, found: &Found) -> Failure {
    if found.records == 0 && Name::of(word) == Name::Last {
        return Failure::new(Exit::StepFailed, "the journal holds no event yet");
    }
    let further = match Name::of(word) {
        Name::Last => SINCE,
        Name::Beginning(_) => "more of the id",
    };
    let far = how_far(found, further).map(|far| format!("; {far}")).unwrap_or_default();
    Failure::new(Exit::StepFailed, format!("the journal holds no event {word:?}{far}"))
}

/// What looks through as much of the journal as is wanted.
pub(crate) const SINCE: &str = "\"netcue history --since TIME\"";

/// How far a search looked that ended before it had found enough or all, and what looks
/// further.
pub(crate) fn how_far(found: &Found, further: &str) -> Option<String> {
    let back_to = found.back_to.filter(|_| found.cut_short).map(when::brief)?;
    let records = found.records;
    Some(format!("looked through {records} records, back to {back_to}; {further} looks further"))
}

/// Which events are called so, newest first.
fn several(stories: &[Story], word: &str) -> Failure {
    let mut message = format!("{} events begin with {word}, and one is wanted:", stories.len());
    for (story, id) in stories.iter().zip(wording::short_ids(stories)).take(CANDIDATES) {
        let time = wording::began(story).map(when::brief).unwrap_or_default();
        let (outcome, _) = wording::outcome(story);
        let call = terminal::harmless(&wording::called(story));
        message.push_str(&format!("\n  {id}  {time}  {call}  {outcome}"));
    }
    if stories.len() > CANDIDATES {
        message.push_str(&format!("\n  and more: see \"netcue history {word}\""));
    }
    Failure::new(Exit::Usage, message)
}
