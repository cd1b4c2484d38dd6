//! `hooks --check`: what would keep hooks from running as they are meant to.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::answers::checks::{Problem, problems, problems_outside};
use crate::answers::shared::json;
use crate::error::{Ended, Exit, Failure};
use crate::hooks::{self, Found, Survey};
use crate::paths::Layout;
use crate::pipeline;
use crate::sys::terminal;

pub(super) fn main(layout: &Layout, named: &[PathBuf], as_json: bool) -> Ended {
    let adopted = pipeline::configured(layout).config.adopt;
    let whole = |file: &Path, what: String| Problem { file: file.to_owned(), place: None, what };
    let mut survey =
        if named.is_empty() { hooks::find(layout, &adopted) } else { Survey::default() };
    for hook in named {
        let found = hooks::find_named(layout, &adopted, hook);
        survey.hooks.push(found.map_err(|why| Failure::new(Exit::InputOutput, why))?);
    }
    let folders = layout.hook_folders();
    let is_in_place = |hook: &Found| {
        hook.adopted.is_some()
            || hook.path.parent().is_some_and(|folder| folders.iter().any(|f| f == folder))
    };
    let judged =
        |hook: &Found| if is_in_place(hook) { problems(hook) } else { problems_outside(hook) };
    let mut found: Vec<Problem> = survey.hooks.iter().flat_map(judged).collect();
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
        json::answer(found.collect())
    } else {
        let mut lines = String::new();
        for problem in &found {
            lines.push_str(&format!("{problem}\n"));
        }
        if lines.is_empty() {
            format!("{} looked at, nothing to mend\n", survey.hooks.len())
        } else {
            lines
        }
    };
    terminal::page(&text)?;
    Ok(if found.is_empty() { Exit::Done } else { Exit::StepFailed })
}
