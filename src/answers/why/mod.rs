//! `why`: what is behind an event, a hook, a rule, an interface or a source, in plain
//! sentences.

mod company;
mod event;
mod hook;
mod interface;
mod kernel;
mod rule;
mod source;
mod step;
mod verdict;

use std::cell::RefCell;

use serde_json::json;

use super::history;
use super::shared::table::{Paint, Tone};
use super::shared::{json, search, when};
use crate::error::Exit;
use crate::error::{Ended, Failure};
use crate::hooks;
use crate::journal::{self, Found, Reach, Story};
use crate::paths::Layout;
use crate::pipeline::{self, House};
use crate::sources;
use crate::sys::{route, terminal};

/// What may be said with `why`.
#[derive(Debug, clap::Args)]
#[command(override_usage = "netcue why [OPTIONS] [event] [ID|last]\n       \
        netcue why [OPTIONS] [hook|interface|source] NAME\n       \
        netcue why [OPTIONS] [rule] WORDS")]
pub(crate) struct Args {
    /// Asks about a hook at that time: 10:42, "11-23 10:42", 10m
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Prints JSON for programs
    #[arg(long)]
    json: bool,
    /// What it is about; else the last event. Its kind may be left out
    #[arg(value_name = "WHAT")]
    words: Vec<String>,
}

/// One thing that is said.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Line {
    /// A sentence.
    Says(String),
    /// A sentence about something that went wrong, or that keeps something from running.
    Warns(String),
    /// A line of output, or of a list.
    Quotes(String),
    /// A line of a difference.
    Change(String),
}

/// The answer to one question.
#[derive(Debug)]
struct Answer {
    about: &'static str,
    name: String,
    lines: Vec<Line>,
    /// The events that it tells of, newest first.
    stories: Vec<Story>,
}

/// What an answer is made from.
struct Question<'a> {
    house: &'a House,
    at: Option<when::When>,
    /// How far a search looked that was cut short.
    far: RefCell<Option<String>>,
}

/// An answer, or none because there is no such thing.
type Answered = Result<Option<Answer>, Failure>;

impl Answer {
    fn new(about: &'static str, name: &str, lines: Vec<Line>) -> Self {
        Self::of(about, name, lines, Vec::new())
    }

    fn of(about: &'static str, name: &str, lines: Vec<Line>, stories: Vec<Story>) -> Self {
        Self { about, name: name.to_owned(), lines, stories }
    }
}

pub(crate) fn main(layout: &Layout, args: &Args) -> Ended {
    let house = House::open(layout.clone());
    let at = args.at.as_deref().map(when::read).transpose()?;
    let question = Question { house: &house, at, far: RefCell::default() };
    let words: Vec<&str> = args.words.iter().map(String::as_str).collect();
    let answer = question.answer(&words)?.ok_or_else(|| {
        let far = question.far.take().map(|far| format!("; {far}")).unwrap_or_default();
        Failure::new(Exit::StepFailed, format!("{}{far}", question.nothing(&words)))
    })?;
    let text = if args.json { as_json(&answer) } else { as_text(&answer.lines) };
    terminal::page(&text)?;
    Ok(Exit::Done)
}

/// What there is of a kind, said by whom.
const LISTS: [(&str, &str); 5] = [
    ("event", "\"netcue history\" lists them"),
    ("hook", "\"netcue hooks\" lists them"),
    ("interface", "\"netcue status\" lists those that matter"),
    ("rule", "\"netcue why rule\" lists them"),
    ("source", "\"netcue sources\" lists them"),
];

impl Question<'_> {
    /// The newest stories that are wanted.
    fn look_back(
        &self,
        reach: Reach,
        most: usize,
        wanted: impl FnMut(&Story) -> bool,
    ) -> Result<Found, Failure> {
        let found = journal::look_back(&self.house.journal, reach, most, wanted);
        let found = found.map_err(Failure::unreadable)?;
        if let Some(far) = search::how_far(&found, search::SINCE) {
            self.far.replace(Some(far));
        }
        Ok(found)
    }

    fn answer(&self, words: &[&str]) -> Answered {
        match words {
            [] | ["event"] => self.of_event("last", true),
            ["event", id] => self.of_event(id, true),
            ["hook", name] => match self.hook_with(name) {
                Some(whole) => self.of_hook(&whole, true),
                None => self.of_hook(name, true),
            },
            ["interface", name] => self.of_interface(name, true),
            ["source", name] => self.of_source(name),
            ["rule", words @ ..] => self.of_rule(&words.join(" "), true),
            [word] => self.of_word(word),
            words => self.of_rule(&words.join(" "), false),
        }
    }

    /// There is no such thing: what comes nearest, or where to look.
    fn nothing(&self, words: &[&str]) -> String {
        match words {
            [kind] if LISTS.iter().any(|(name, _)| name == kind) => {
                format!("which {kind}? Its name is missing: {}", list_of(kind))
            }
            [kind, name @ ..] if LISTS.iter().any(|(name, _)| name == kind) => {
                let name = name.join(" ");
                format!("there is no {kind} {name:?}; {}", self.hint(kind, &name))
            }
            words => {
                let name = words.join(" ");
                let what = "no event in the journal, hook, source, interface or rule";
                let hint = self.nearest(None, &name);
                let hint = hint.unwrap_or_else(|| "see \"netcue why --help\"".to_owned());
                format!("nothing here is called {name:?}: {what}; {hint}")
            }
        }
    }

    fn hint(&self, kind: &str, name: &str) -> String {
        self.nearest(Some(kind), name).unwrap_or_else(|| list_of(kind).to_owned())
    }

    /// The one hook whose name behind its number is this: `mail` for `80-mail`, and
    /// `postfix` for that file in another dispatcher's folder.
    fn hook_with(&self, word: &str) -> Option<String> {
        let survey = hooks::find(&self.house.layout, &self.house.config.adopt);
        let behind_number = |name: &str| {
            let name = name.rsplit('/').next().unwrap_or_default();
            name.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches('-') == word
        };
        let candidates = pipeline::candidates(&survey).into_iter().map(|candidate| candidate.name);
        let mut found = candidates.filter(|name| behind_number(name));
        found.next().filter(|_| found.next().is_none())
    }

    /// What may have been meant.
    fn nearest(&self, kind: Option<&str>, name: &str) -> Option<String> {
        let mut names = Vec::new();
        if kind.is_none_or(|kind| kind == "source") {
            names.extend(sources::ALL.iter().map(|source| source.name.to_string()));
        }
        if kind.is_none_or(|kind| kind == "hook") {
            let survey = hooks::find(&self.house.layout, &self.house.config.adopt);
            names.extend(pipeline::candidates(&survey).into_iter().map(|step| step.name));
        }
        if kind.is_none_or(|kind| kind == "interface") {
            let state = route::read().unwrap_or_default();
            names.extend(state.links.iter().map(|link| link.name.to_string()));
        }
        let distance = |known: &String| strsim::damerau_levenshtein(known, name);
        let nearest = names.iter().min_by_key(|known| distance(known))?;
        let is_near = distance(nearest) <= 1 + name.chars().count() / 4;
        is_near.then(|| format!("did you mean {nearest:?}?"))
    }

    /// One word is tried as each in turn.
    fn of_word(&self, word: &str) -> Answered {
        let digits = word.chars().filter(|c| *c != '-').count();
        let is_id = digits >= 4 && word.chars().all(|c| c == '-' || c.is_ascii_hexdigit());
        if is_id || word == "last" {
            if let Some(answer) = self.of_event(word, false)? {
                return Ok(Some(answer));
            }
        }
        if sources::find(word).is_some() {
            return self.of_source(word);
        }
        if let Some(answer) = self.of_hook(word, false)? {
            return Ok(Some(answer));
        }
        if let Some(name) = self.hook_with(word) {
            return self.of_hook(&name, true);
        }
        match self.of_interface(word, false)? {
            Some(answer) => Ok(Some(answer)),
            None => self.of_rule(word, false),
        }
    }
}

fn list_of(kind: &str) -> &'static str {
    LISTS.iter().find(|(name, _)| *name == kind).map_or("", |(_, list)| list)
}

/// A sentence about how far a search looked that was cut short.
fn how_far(found: &Found, further: &str) -> Option<Line> {
    search::how_far(found, further).map(|far| Line::Says(format!("netcue {far}.")))
}

fn as_text(lines: &[Line]) -> String {
    let paint = Paint::for_stdout();
    lines
        .iter()
        .map(|line| match line {
            Line::Says(text) => paint.wrapped(Tone::Plain, text, 2),
            Line::Warns(text) => paint.wrapped(Tone::Bad, text, 2),
            Line::Quotes(text) => format!("    {}\n", paint.text(Tone::Plain, text)),
            Line::Change(text) => format!("    {}\n", paint.change(text)),
        })
        .collect()
}

fn as_json(answer: &Answer) -> String {
    let says = answer.lines.iter().map(|line| {
        let (kind, text) = match line {
            Line::Says(text) => ("sentence", text),
            Line::Warns(text) => ("warning", text),
            Line::Quotes(text) => ("quote", text),
            Line::Change(text) => ("change", text),
        };
        json!({ "kind": kind, "text": text })
    });
    let verdict = answer.lines.first().map(|line| match line {
        Line::Says(text) | Line::Warns(text) | Line::Quotes(text) | Line::Change(text) => text,
    });
    json::answer(json!({
        "about": answer.about,
        "name": answer.name,
        "verdict": verdict,
        "answer": says.collect::<Vec<_>>(),
        "events": answer.stories.iter().map(history::as_json).collect::<Vec<_>>(),
    }))
}
