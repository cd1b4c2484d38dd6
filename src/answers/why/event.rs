//! Why an event happened, and what came of it.

use super::company::Company;
use super::{Answer, Answered, Line, Question, kernel, step, verdict};
use crate::answers::checks;
use crate::answers::shared::pace::Pace;
use crate::answers::shared::{search, when, wording};
use crate::error::Failure;
use crate::event::Event;
use crate::journal::{self, Name, Outcome, Story, StoryStep};
use crate::sources;

impl Question<'_> {
    /// The event whose id begins so, or the last one. Unless `surely`, there may be none.
    pub(super) fn of_event(&self, word: &str, surely: bool) -> Answered {
        let journal = &self.house.journal;
        let found = journal::look_up(journal, &Name::of(word), |_| true);
        let found = found.map_err(Failure::unreadable)?;
        let records = found.records;
        let missing = search::unknown(word, &found);
        let Some(story) = search::one(found, word)? else {
            return if surely { Err(missing) } else { Ok(None) };
        };
        let company = self.company(&story, records)?;
        Ok(Some(self.of_story(&story, &company)))
    }

    fn of_story(&self, story: &Story, company: &Company) -> Answer {
        let mut lines = Vec::new();
        let words = wording::command_line(story);
        let words = words.map(|words| Line::Says(format!("The call was: {words}")));
        match (&story.event, &story.refused) {
            (Some(event), _) => {
                lines.push(called(event));
                lines.extend(words);
                lines.extend(kernel::changed(event));
                lines.extend(said(event));
            }
            (None, Some(_)) => {
                let time = wording::began(story).map(when::full).unwrap_or_default();
                lines.push(Line::Says(format!("{} called at {time}.", wording::called(story))));
                lines.extend(words);
                let why = wording::reason(story).unwrap_or_default();
                lines.push(Line::Warns(format!("The call was refused: {why}.")));
            }
            (None, None) => {}
        }
        lines.extend(company.before());
        if story.attempts > 1 {
            let times = story.attempts;
            lines.push(Line::Says(format!("Its run was interrupted; it was begun {times} times.")));
        }
        lines.extend(story.remarks.iter().map(|remark| Line::Warns(format!("{remark}."))));
        let at = wording::present_step(story);
        for step in &story.steps {
            if let Some(present) = at.filter(|present| *present == step) {
                lines.push(Line::Says(self.goes_on(story, present)));
            } else if at.is_some() && step.end.is_none() && step.planned.skipped.is_none() {
                lines.push(Line::Says(format!("{} is to come.", step.planned.step)));
            } else {
                let subject = format!("{}{}", verdict::times(step), step.planned.step);
                lines.extend(step::told(&subject, step, story.id));
            }
            lines.extend(company.stood_in_for(&step.planned.step));
        }
        lines.extend(self.how_it_ended(story));
        lines.extend(company.after());
        let name = story.id.map_or_else(|| "-".to_owned(), |id| id.to_string());
        lines.insert(0, verdict::of_event(self.house, story));
        Answer::of("event", &name, lines, vec![story.clone()])
    }

    fn how_it_ended(&self, story: &Story) -> Option<Line> {
        let took = story.ms.map(when::lasting).unwrap_or_default();
        let why = wording::reason(story).unwrap_or_else(|| "nobody wrote down why".to_owned());
        Some(match story.outcome {
            Some(Outcome::Done) => Line::Says(format!("All of it was done after {took}.")),
            Some(Outcome::Failed) => Line::Warns(format!(
                "The event counts as failed, because of {why}; that kept no other step from \
                     running. All of it took {took}."
            )),
            Some(Outcome::GivenUp) => Line::Warns(format!("It was given up: {why}.")),
            Some(Outcome::Ignored) => {
                let meant = "this trigger has no meaning for the network";
                let why = wording::reason(story).unwrap_or_else(|| meant.to_owned());
                Line::Says(format!("Nothing was run: {why}."))
            }
            Some(Outcome::Disabled) => {
                let flags = self.house.layout.enabled().display().to_string();
                Line::Warns(format!("Nothing was run: the source is switched off in {flags}."))
            }
            // What runs has been said.
            None if story.refused.is_some() || wording::present_step(story).is_some() => {
                return None;
            }
            None => Line::Says(self.place_in_queue(story)),
        })
    }

    /// What is being done right now.
    fn goes_on(&self, story: &Story, present: &StoryStep) -> String {
        let name = &present.planned.step;
        match present.began.or(story.last_time).map(|since| Pace::of(self.house, name, since)) {
            Some(pace) if checks::is_held(&self.house.layout) => {
                format!("It is running right now: {}.", pace.in_words())
            }
            _ => format!("{name} has not ended, and nobody is at it now."),
        }
    }

    fn place_in_queue(&self, story: &Story) -> String {
        let queue = &self.house.queue;
        let waiting = queue.waiting().unwrap_or_default();
        let at = waiting.iter().position(|ticket| {
            let event = queue.read(ticket).ok().flatten();
            event.is_some_and(|event| Some(event.id) == story.id)
        });
        match at {
            Some(_) if story.attempts > 0 => "Its run is under way.".to_owned(),
            Some(0) => "It waits in the queue, as the first.".to_owned(),
            Some(before) => format!("It waits in the queue, behind {before} others."),
            None => "It is not in the queue, and how it ended is not on record.".to_owned(),
        }
    }
}

/// Who called, and when.
fn called(event: &Event) -> Line {
    let facts = &event.facts;
    let who = sources::find(event.source.as_str()).map(|source| format!(" ({})", source.summary));
    let about = facts.interface.as_ref().map(|name| format!(" about {name}"));
    let means = match &facts.action {
        Some(action) if action.as_str() != facts.trigger.as_str() => {
            format!(", which means \"{action}\"")
        }
        _ => String::new(),
    };
    Line::Says(format!(
        "{}{} called at {} with \"{}\"{}{means}.",
        event.source,
        who.unwrap_or_default(),
        when::full(event.time),
        facts.trigger,
        about.unwrap_or_default()
    ))
}

/// The facts, and what of them was left out.
fn said(event: &Event) -> Vec<Line> {
    let mut without = vec!["action", "ifindex"];
    without.extend(kernel::said_of(event));
    let said = wording::fields(event, &without);
    let said: Vec<String> = said.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let mut lines = Vec::new();
    if !said.is_empty() {
        lines.push(Line::Says(format!("It said: {}.", said.join(", "))));
    }
    lines.extend(event.facts.warnings.iter().map(|warning| {
        Line::Warns(format!("Left out was {}: {}.", warning.field, warning.reason))
    }));
    lines
}
