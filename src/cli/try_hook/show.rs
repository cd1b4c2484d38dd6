//! What `try` tells, for people as it happens, and for programs at the end.

use std::collections::BTreeMap;
use std::ffi::OsString;

use serde_json::json;

use crate::answers::checks::{self, Problem};
use crate::answers::hooks::wishes_in_words;
use crate::answers::shared::table::{Paint, Tone};
use crate::answers::shared::{json, wording};
use crate::error::Failure;
use crate::event::Event;
use crate::hooks::{Found, Judgement};
use crate::plan::Wishes;
use crate::sys::child::Program;
use crate::sys::terminal;

use super::outcome::{Run, Runs};

/// All there is to tell.
pub(super) struct Shown {
    as_json: bool,
    paint: Paint,
    name: String,
    path: String,
    /// What it wants, or why that can't be understood.
    header: Result<String, String>,
    /// Why root would not run it; none if it may run.
    distrust: Option<String>,
    /// Its `#!` line; none for a program of its own.
    interpreter: Option<String>,
    problems: Vec<Problem>,
    /// What is otherwise than in a run.
    pub(super) remarks: Vec<String>,
    /// The event, and why the hook does not want it.
    pub(super) event: Option<(Event, Option<String>)>,
    /// What is started, one after the other.
    pub(super) programs: Vec<Program>,
    pub(super) not_run: Option<String>,
}

impl Shown {
    pub(super) fn of(found: &Found, header: Result<&Wishes, &String>, as_json: bool) -> Self {
        let distrust = match &found.judgement {
            Judgement::Ready(_) => None,
            Judgement::Distrusted(distrust) => Some(distrust.to_string()),
            unfit => Some(unfit.to_string()),
        };
        let first = found.head.lines().next().unwrap_or_default();
        Self {
            as_json,
            paint: Paint::for_stdout(),
            name: found.name.clone(),
            path: found.path.display().to_string(),
            header: header.map(wishes_in_words).map_err(Clone::clone),
            interpreter: first.strip_prefix("#!").map(|words| words.trim().to_owned()),
            problems: checks::problems(found)
                .into_iter()
                .filter(|problem| problem.what != found.judgement.to_string())
                .collect(),
            distrust,
            remarks: Vec::new(),
            event: None,
            programs: Vec::new(),
            not_run: None,
        }
    }

    pub(super) fn why_unwanted(&self) -> Option<&str> {
        self.event.as_ref()?.1.as_deref()
    }

    /// What is known before the hook runs.
    pub(super) fn beginning(&self) -> Result<(), Failure> {
        if self.as_json {
            return Ok(());
        }
        let paint = self.paint;
        let mut text = format!("{}  {}\n", paint.text(Tone::Strong, &self.name), self.path);
        let mut line = |label: &str, tone, said: &str| {
            text.push_str(&format!("  {label:<12} {}", paint.wrapped(tone, said, 15)));
        };
        match &self.header {
            Ok(wants) => line("wants", Tone::Plain, wants),
            Err(bad) => line("wants", Tone::Bad, bad),
        }
        match &self.distrust {
            None => line("trusted", Tone::Good, "yes"),
            Some(why) => line("trusted", Tone::Bad, &format!("no, so no event runs it: {why}")),
        }
        line("runs by", Tone::Plain, self.interpreter.as_deref().unwrap_or("itself"));
        for problem in &self.problems {
            line("to mend", Tone::Bad, &problem.to_string());
        }
        if let Some((event, unwanted)) = &self.event {
            let action = event.facts.action.as_ref().map_or("no action", |action| action.as_str());
            line("event", Tone::Plain, &format!("{}: {action}", wording::called_event(event)));
            match unwanted {
                None => line("fits", Tone::Good, "yes"),
                Some(why) => line("fits", Tone::Bad, &format!("no: {why}")),
            }
        }
        for remark in &self.remarks {
            line("note", Tone::Faint, remark);
        }
        for program in &self.programs {
            text.push_str(&format!("words: {}\n", quoted(&program.args)));
            text.push_str("environment, and no more:\n");
            for (name, value) in &program.env {
                text.push_str(&format!("  {name}={}\n", paint.text(Tone::Plain, value)));
            }
            let stdin = String::from_utf8_lossy(&program.stdin);
            text.push_str(&match stdin.trim_end() {
                "" => "stdin: empty\n".to_owned(),
                stdin => format!("stdin:\n  {}\n", paint.text(Tone::Plain, stdin)),
            });
        }
        Ok(terminal::show(&text)?)
    }

    /// The run that has just ended.
    pub(super) fn last_of(&self, runs: &Runs) -> Result<(), Failure> {
        let Some(run) = runs.all.last().filter(|_| !self.as_json) else { return Ok(()) };
        let which = if runs.all.len() == 1 { "first run" } else { "second run" };
        let tone = if run.has_failed() { Tone::Bad } else { Tone::Good };
        let how = self.paint.text(tone, &wording::how_it_ended(&run.end));
        let mut text = format!("{which}: {how}, {:.0} ms\n", run.end.ms);
        for line in run.end.output.lines() {
            text.push_str(&format!("  {}\n", self.paint.text(Tone::Plain, &format!("| {line}"))));
        }
        for line in &run.changes {
            text.push_str(&format!("  {}\n", self.paint.change(line)));
        }
        Ok(terminal::show(&text)?)
    }

    /// The verdict; for programs, all.
    pub(super) fn end(&self, runs: &Runs) -> Result<(), Failure> {
        let text = if self.as_json { self.json(runs) } else { self.verdict(runs) };
        Ok(terminal::show(&text)?)
    }

    fn verdict(&self, runs: &Runs) -> String {
        let paint = self.paint;
        if let Some(why) = &self.not_run {
            return paint.wrapped(Tone::Bad, &format!("not run: {why}"), 2);
        }
        let Some(differences) = runs.differences() else {
            return paint.wrapped(
                Tone::Bad,
                "not run again: the first run did not end by itself",
                2,
            );
        };
        let (tone, verdict) = if runs.is_harmless() == Some(true) {
            (
                Tone::Good,
                "twice is harmless, as far as can be seen: it ended alike and changed nothing more",
            )
        } else {
            (Tone::Bad, "twice is not once: netcue runs a hook again if the run was cut off")
        };
        let mut text = paint.wrapped(tone, verdict, 2);
        for difference in differences {
            text.push_str(&format!("  {}", paint.wrapped(Tone::Plain, &difference, 4)));
        }
        text
    }

    fn json(&self, runs: &Runs) -> String {
        let problem = |problem: &Problem| {
            json!({
                "file": problem.file,
                "line": problem.place.map(|(line, _)| line),
                "column": problem.place.map(|(_, column)| column),
                "what": problem.what,
            })
        };
        let run = |run: &Run| {
            json!({
                "outcome": run.end.outcome,
                "status": run.end.status,
                "signal": run.end.signal,
                "ms": run.end.ms,
                "failed": run.end.failed.as_ref().map(json::reason),
                "left_processes": run.end.left_processes,
                "output": run.end.output,
                "changes": run.changes,
            })
        };
        let given = |program: &Program| {
            let environment: BTreeMap<_, _> = program.env.iter().cloned().collect();
            let words = program.args.iter().map(|word| word.to_string_lossy());
            json!({
                "words": words.collect::<Vec<_>>(),
                "environment": environment,
                "stdin": String::from_utf8_lossy(&program.stdin),
            })
        };
        // Some scripts of other dispatchers are started for each family.
        let mut starts = self.programs.iter().map(given);
        let first = starts.next().unwrap_or_default();
        json::answer(json!({
            "hook": {
                "name": self.name,
                "path": self.path,
                "wants": self.header.as_ref().ok(),
                "bad_header": self.header.as_ref().err(),
                "distrust": self.distrust,
                "interpreter": self.interpreter,
                "problems": self.problems.iter().map(problem).collect::<Vec<_>>(),
            },
            "event": self.event.as_ref().map(|(event, _)| event),
            "unwanted": self.why_unwanted(),
            "words": first.get("words"),
            "environment": first.get("environment"),
            "stdin": first.get("stdin"),
            "given_next": starts.collect::<Vec<_>>(),
            "remarks": self.remarks,
            "not_run": self.not_run,
            "runs": runs.all.iter().map(run).collect::<Vec<_>>(),
            "harmless": runs.is_harmless(),
            "differences": runs.differences(),
        }))
    }
}

/// Words as a shell would take them, as far as people read them.
fn quoted(words: &[OsString]) -> String {
    let words: Vec<String> =
        words.iter().map(|word| terminal::harmless(&word.to_string_lossy())).collect();
    words.join(" ")
}
