//! `hooks --check`: what would keep hooks from running as they are meant to, as far as that can
//! be known before an event comes.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::answers::shared::json;
use crate::error::Exit;
use crate::error::{Ended, Failure};
use crate::event::Action;
use crate::hooks::{self, Found, Judgement, Survey};
use crate::paths::Layout;
use crate::pipeline;
use crate::plan::{self, Names, Oddity};
use crate::sources;
use crate::sys::{accounts, files, terminal};

/// Largest hook that is looked through, in bytes.
const LARGEST: u64 = 1 << 20;

/// Something to mend in a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) file: PathBuf,
    /// Line and character, from 1; none where it is the file itself.
    place: Option<(usize, usize)>,
    what: String,
}

impl Problem {
    /// Without the file's name.
    pub(super) fn in_its_file(&self) -> String {
        let place = self.place.map(|(line, column)| format!("{line}:{column}: "));
        format!("{}{}", place.unwrap_or_default(), self.what)
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let gap = if self.place.is_some() { "" } else { " " };
        write!(f, "{}:{gap}{}", self.file.display(), self.in_its_file())
    }
}

pub(super) fn main(layout: &Layout, named: &[PathBuf], as_json: bool) -> Ended {
    let survey = if named.is_empty() { hooks::find(layout) } else { Survey::default() };
    let whole = |file: &Path, what: String| Problem { file: file.to_owned(), place: None, what };
    let mut hooks = survey.hooks;
    for path in named {
        let path =
            std::path::absolute(path).map_err(|error| Failure::new(Exit::InputOutput, error))?;
        let found = hooks::find_one(&path, layout.root()).ok_or_else(|| {
            Failure::new(Exit::InputOutput, format!("there is no {}", path.display()))
        })?;
        hooks.push(found);
    }
    let mut found: Vec<Problem> = hooks.iter().flat_map(problems).collect();
    let misnamed = survey.misnamed.iter();
    found.extend(misnamed.map(|path| whole(path, hooks::MISNAMED.to_owned())));
    let unreadable = survey.unreadable.iter();
    found.extend(unreadable.map(|error| whole(&error.path, error.to_string())));
    let text = if as_json {
        let place = |problem: &Problem, at: fn((usize, usize)) -> usize| problem.place.map(at);
        let found = found.iter().map(|problem| {
            json!({
                "file": problem.file,
                "line": place(problem, |(line, _)| line),
                "column": place(problem, |(_, column)| column),
                "what": problem.what,
            })
        });
        json::pretty(&found.collect())
    } else {
        let mut lines = String::new();
        for problem in &found {
            lines.push_str(&format!("{problem}\n"));
        }
        if lines.is_empty() {
            format!("{} looked at, nothing to mend\n", hooks.len())
        } else {
            lines
        }
    };
    terminal::show(&text)?;
    Ok(if found.is_empty() { Exit::Done } else { Exit::StepFailed })
}

/// What is wrong with hooks that are not refused, which says what is wrong with the others.
pub(super) fn of_those_that_run(survey: &Survey) -> Vec<Problem> {
    let may_run = |found: &&Found| {
        matches!(found.judgement, Judgement::Ready(_)) && pipeline::wishes(found).is_ok()
    };
    survey.hooks.iter().filter(may_run).flat_map(problems).collect()
}

/// The same, in words.
pub(crate) fn oddities(survey: &Survey) -> Vec<String> {
    of_those_that_run(survey).iter().map(ToString::to_string).collect()
}

/// What is wrong with one hook.
fn problems(found: &Found) -> Vec<Problem> {
    let whole = |what| Problem { file: found.path.clone(), place: None, what };
    let mut problems = Vec::new();
    if !found.is_well_named() {
        problems.push(whole(hooks::MISNAMED.to_owned()));
    }
    let file = match &found.judgement {
        Judgement::Masked => return problems,
        Judgement::Ready(file) => file,
        unfit @ (Judgement::Distrusted(_) | Judgement::Unreadable(_)) => {
            problems.push(whole(unfit.to_string()));
            return problems;
        }
    };
    let top = files::read_head(file, LARGEST).unwrap_or_default();
    if let Some(what) = hooks::why_not_run(&top) {
        problems.push(Problem { place: Some((1, 1)), ..whole(what) });
    }
    let (header, text) = match &found.beside {
        Some(beside) => (beside.clone(), found.head.clone()),
        None if found.head.is_empty() => return problems,
        None => (found.path.clone(), String::from_utf8_lossy(&top).into_owned()),
    };
    if let Err(bad) = pipeline::wishes(found) {
        let place = Some((bad.line, bad.column));
        problems.push(Problem { file: header.clone(), place, what: bad.reason });
    }
    problems.extend(odd(&text).into_iter().map(|odd| Problem {
        file: header.clone(),
        place: Some((odd.line, odd.column)),
        what: odd.what,
    }));
    problems
}

fn odd(text: &str) -> Vec<Oddity> {
    let sources: Vec<&str> = sources::ALL.iter().map(|source| source.name.as_str()).collect();
    let actions: Vec<&str> = Action::KNOWN.iter().map(Action::as_str).collect();
    let has_account = |name: &str| accounts::find(name).is_some();
    let names = Names { sources: &sources, actions: &actions, has_account };
    plan::oddities(text, names)
}
