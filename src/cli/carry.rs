//! Carrying out a plan of changes, or saying what it would change: for `enable`, `disable`,
//! `configure` and `adopt`.

use serde_json::{Value, json};

use crate::answers::shared::json;
use crate::error::{Ended, Exit};
use crate::integrate::{self, Change, Step};
use crate::paths::Layout;
use crate::sys::terminal;

/// Whether it is done, and how that is told.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(super) struct Way {
    /// Says what would be done, and changes nothing
    #[arg(long)]
    dry_run: bool,
    /// The same, and ends with 2 if something would be
    #[arg(long)]
    check: bool,
    /// Prints JSON for programs
    #[arg(long)]
    json: bool,
}

impl Way {
    /// For people, and done unless it is a dry run.
    pub(super) fn plain(dry_run: bool) -> Self {
        Self { dry_run, ..Self::default() }
    }

    /// Whether JSON is wanted.
    pub(super) fn is_for_programs(self) -> bool {
        self.json
    }
}

/// What is told of a step: what it is about, what became of it, and the words.
pub(super) type Told<'a> = (&'a str, Kind, String);

/// Prints the steps for programs.
pub(super) fn show_json(told: &[Told<'_>]) -> std::io::Result<()> {
    let step = |(about, kind, text): &Told<'_>| -> Value {
        json!({ "about": about, "kind": kind.as_str(), "text": text })
    };
    let changed = told.iter().any(|(_, kind, _)| *kind == Kind::Changed);
    let steps: Vec<Value> = told.iter().map(step).collect();
    terminal::show(&json::pretty(&json!({ "changed": changed, "steps": steps })))
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Changed,
    WouldChange,
    Already,
    /// A person should know it.
    Note,
    Refused,
    Failed,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::WouldChange => "would-change",
            Self::Already => "already",
            Self::Note => "note",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

fn tell(about: &str, kind: Kind, text: &str) -> std::io::Result<()> {
    let line = match kind {
        Kind::Failed => {
            terminal::tell(&format!("{about}: {text}"));
            return Ok(());
        }
        Kind::Refused => {
            terminal::tell(&format!("{about}: not done: {text}"));
            return Ok(());
        }
        Kind::WouldChange => format!("would {text}"),
        Kind::Already => format!("already so: {text}"),
        Kind::Changed | Kind::Note => text.to_owned(),
    };
    terminal::show(&format!("{about}: {}\n", terminal::harmless_lines(&line)))
}

/// Carries out a plan, and says for each step what became of it.
pub(super) fn carry(layout: &Layout, steps: &[(&str, Step)], way: Way) -> Ended {
    let mut exit = Exit::Done;
    let mut all: Vec<Told<'_>> = Vec::new();
    for (about, step) in steps {
        let (kind, text) = match step {
            Step::Do(change) if way.dry_run || way.check => {
                (Kind::WouldChange, words(change, true))
            }
            Step::Do(change) => match integrate::carry_out(layout, change) {
                Ok(()) => (Kind::Changed, words(change, false)),
                Err((worse, message)) => {
                    exit = worse;
                    (Kind::Failed, message)
                }
            },
            Step::Already(what) => (Kind::Already, what.clone()),
            Step::Say(text) => (Kind::Note, text.clone()),
            Step::Refused(why) => {
                if exit == Exit::Done {
                    exit = Exit::StepFailed;
                }
                (Kind::Refused, why.clone())
            }
        };
        if way.json {
            all.push((about, kind, text));
        } else {
            tell(about, kind, &text)?;
        }
    }
    if way.json {
        show_json(&all)?;
    }
    let would = steps.iter().any(|(_, step)| matches!(step, Step::Do(_)));
    Ok(if way.check && would && exit == Exit::Done { Exit::WouldChange } else { exit })
}

fn words(change: &Change, planned: bool) -> String {
    let verb = |plan: &'static str, done: &'static str| if planned { plan } else { done };
    match change {
        Change::MakeFolder(at) => {
            format!("{} the folder {}", verb("make", "made"), at.display())
        }
        Change::Link { at, to } => {
            format!("{} {} -> {}", verb("link", "linked"), at.display(), to.display())
        }
        Change::Unlink(at) => format!("{} the link {}", verb("remove", "removed"), at.display()),
        Change::Write { at, .. } => format!("{} {}", verb("write", "wrote"), at.display()),
        Change::RemoveFolder(at) => {
            format!("{} the folder {}", verb("remove", "removed"), at.display())
        }
        Change::Remove(at) => format!("{} {}", verb("remove", "removed"), at.display()),
        Change::Run(tool) => format!("{} {}", verb("run", "ran"), tool.join(" ")),
    }
}
