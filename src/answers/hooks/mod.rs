//! `hooks`: which hooks there are, in order, and for each file that would not run, why.

mod check;

use std::path::PathBuf;

use serde_json::json;

use super::checks;
use super::shared::table::{Paint, Table, Tone};
use crate::config::Adopt;
use crate::error::Ended;
use crate::error::Exit;
use crate::hooks::{self, Survey};
use crate::paths::Layout;
use crate::pipeline;
use crate::plan::{self, Candidate, Fitness, Kind, Wishes};
use crate::sys::terminal;

/// What may be said with `hooks`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Prints JSON for programs
    #[arg(long)]
    json: bool,
    /// Finds what would keep hooks from running as they are meant to
    #[arg(long)]
    check: bool,
    /// Files to look at in the place of the hook folders
    #[arg(value_name = "FILE", requires = "check")]
    files: Vec<PathBuf>,
}

/// One line of the list.
struct Row {
    name: String,
    path: String,
    state: &'static str,
    /// What it wants, or why it doesn't run.
    note: String,
}

pub(crate) fn main(layout: &Layout, args: &Args) -> Ended {
    if args.check {
        return check::main(layout, &args.files, args.json);
    }
    let survey = hooks::find(layout, &pipeline::configured(layout).config.adopt);
    let rows = rows(&survey);
    let text = if args.json { as_json(&rows) } else { as_table(&rows, Paint::for_stdout()) };
    terminal::page(&text)?;
    Ok(Exit::Done)
}

/// What would become of each file in another dispatcher's folder.
pub(crate) fn of_folder(layout: &Layout, adopt: &Adopt) -> String {
    let rows: Vec<Row> = rows(&hooks::find_adopted(layout, adopt))
        .into_iter()
        .filter(|row| !plan::makes_rules(&row.name))
        .map(|row| Row { name: name_of(row.path.as_ref()), ..row })
        .collect();
    as_table(&rows, Paint::for_stdout())
}

fn rows(survey: &Survey) -> Vec<Row> {
    let mut rows: Vec<Row> = pipeline::candidates(survey).iter().map(of_candidate).collect();
    for problem in checks::of_those_that_run(survey) {
        let of_it = |row: &&mut Row| row.path == problem.file.display().to_string();
        if let Some(row) = rows.iter_mut().find(of_it) {
            row.note = format!("{}; {}", row.note, problem.in_its_file());
        }
    }
    rows.extend(survey.overridden.iter().map(|(path, by)| Row {
        name: name_of(path),
        path: path.display().to_string(),
        state: "overridden",
        note: format!("by {}", by.display()),
    }));
    rows.extend(survey.passed_over.iter().map(|(path, why)| Row {
        name: name_of(path),
        path: path.display().to_string(),
        state: "passed-over",
        note: why.clone(),
    }));
    rows.extend(survey.misnamed.iter().map(|path| Row {
        name: name_of(path),
        path: path.display().to_string(),
        state: "skipped",
        note: hooks::MISNAMED.to_owned(),
    }));
    rows
}

fn name_of(path: &std::path::Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn of_candidate(candidate: &Candidate) -> Row {
    let (state, note) = match &candidate.fitness {
        Fitness::Fit(_) if candidate.kind == Kind::Engine => {
            ("runs", "makes the firewall and NAT rules".to_owned())
        }
        Fitness::Fit(wishes) => ("runs", wishes_in_words(wishes)),
        Fitness::Masked => ("masked", "an empty file or a link to /dev/null".to_owned()),
        Fitness::Unfit(reason) => ("refused", reason.to_string()),
    };
    Row { name: candidate.name.clone(), path: candidate.kind.place(), state, note }
}

pub(crate) fn wishes_in_words(wishes: &Wishes) -> String {
    let mut words = Vec::new();
    for (key, values) in [
        ("source", &wishes.sources),
        ("action", &wishes.actions),
        ("interface", &wishes.interfaces),
    ] {
        if !values.is_empty() {
            words.push(format!("{key}={}", values.join(",")));
        }
    }
    if let Some(timeout) = wishes.manner.timeout {
        words.push(format!("timeout={}s", timeout.as_secs()));
    }
    if let Some(user) = &wishes.manner.user {
        words.push(format!("user={user}"));
    }
    if let Some(like) = &wishes.manner.like {
        words.push(format!("like={}", like.profile));
    }
    if !wishes.not_from.is_empty() {
        words.push(format!("not from {}", wishes.not_from.join(",")));
    }
    if wishes.coalesce {
        words.push("coalesce=interface".to_owned());
    }
    if wishes.manner.unattended {
        words.push("wait=no".to_owned());
    }
    if words.is_empty() { "every event".to_owned() } else { words.join(" ") }
}

fn as_table(rows: &[Row], paint: Paint) -> String {
    let mut wide = Table::default();
    let mut narrow = Table::default();
    for row in rows {
        let tone = match row.state {
            "runs" => Tone::Good,
            "refused" | "skipped" => Tone::Bad,
            _ => Tone::Faint,
        };
        let state = (tone, row.state);
        let name = (Tone::Strong, row.name.as_str());
        wide.row([state, name, (Tone::Plain, &row.note), (Tone::Faint, &row.path)]);
        let note = match row.path.as_str() {
            // A reason often names the file itself.
            path if row.note.contains(path) => row.note.clone(),
            path if path.starts_with('(') => format!("{} {path}", row.note),
            path => format!("{} ({path})", row.note),
        };
        narrow.row([state, name, (Tone::Plain, &note)]);
    }
    if paint.width().is_some_and(|width| wide.width(paint) > width) {
        return narrow.broken_lines(paint);
    }
    wide.lines(paint)
}

fn as_json(rows: &[Row]) -> String {
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            json!({ "name": row.name, "path": row.path, "state": row.state, "note": row.note })
        })
        .collect();
    super::shared::json::answer(rows.into())
}
