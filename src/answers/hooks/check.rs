//! `hooks --check`: what would keep hooks from running as they are meant to.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::answers::checks::{Problem, problems};
use crate::answers::shared::json;
use crate::error::{Ended, Exit, Failure};
use crate::hooks::{self, Survey};
use crate::paths::Layout;
use crate::pipeline;
use crate::sys::terminal;

pub(super) fn main(layout: &Layout, named: &[PathBuf], as_json: bool) -> Ended {
    let config = pipeline::configured(layout).config;
    let survey =
        if named.is_empty() { hooks::find(layout, &config.adopt) } else { Survey::default() };
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
        json::answer(found.collect())
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
    terminal::page(&text)?;
    Ok(if found.is_empty() { Exit::Done } else { Exit::StepFailed })
}
