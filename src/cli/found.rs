//! What a search in the journal comes to: the one event that was asked for, or why not.

use super::{Failure, history, told, when};
use crate::error::Exit;
use crate::event::Event;
use crate::journal::{self, Found, Journal, Name, Story};
use crate::sys::terminal;

/// Events named where more than one has that name.
const CANDIDATES: usize = 10;

/// The one event of the journal that is called so, with what became of it; a refused call
/// is none.
pub(super) fn story(journal: &Journal, word: &str) -> Result<Story, Failure> {
    let found = journal::look_up(journal, &Name::of(word), |story| story.event.is_some());
    one(found.map_err(history::unreadable)?, word)?.ok_or_else(|| unknown(word))
}

/// The same without what became of it.
pub(super) fn event(journal: &Journal, word: &str) -> Result<Box<Event>, Failure> {
    story(journal, word)?.event.ok_or_else(|| unknown(word))
}

/// The one story that was found; none if there is none.
pub(super) fn one(found: Found, word: &str) -> Result<Option<Story>, Failure> {
    let mut stories = found.stories;
    let last = stories.pop();
    if stories.is_empty() {
        return Ok(last);
    }
    stories.extend(last);
    Err(several(&stories, word))
}

/// Nothing in the journal is called so.
pub(super) fn unknown(word: &str) -> Failure {
    Failure::new(Exit::StepFailed, format!("the journal holds no event {word:?}"))
}

/// Which events are called so, newest first.
fn several(stories: &[Story], word: &str) -> Failure {
    let mut message = format!("{} events begin with {word}, and one is wanted:", stories.len());
    for (story, id) in stories.iter().zip(told::short_ids(stories)).take(CANDIDATES) {
        let time = told::began(story).map(when::brief).unwrap_or_default();
        let (outcome, _) = told::outcome(story);
        let call = terminal::harmless(&told::called(story));
        message.push_str(&format!("\n  {id}  {time}  {call}  {outcome}"));
    }
    if stories.len() > CANDIDATES {
        message.push_str(&format!("\n  and more: see \"netcue history {word}\""));
    }
    Failure::new(Exit::Usage, message)
}
