//! What would keep hooks from running as they are meant to, as far as their files tell before an
//! event comes.

use std::path::PathBuf;

use crate::event::Action;
use crate::hooks::{self, Distrust, Found, Judgement, Survey};
use crate::pipeline;
use crate::plan::{self, Names, Oddity};
use crate::reason::Flaw;
use crate::sources;
use crate::sys::{accounts, files};

/// Largest hook that is looked through, in bytes.
const LARGEST: u64 = 1 << 20;

/// Something to mend in a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The file that has to be mended.
    pub(crate) file: PathBuf,
    /// Line and character, from 1; none where it is the file itself.
    pub(crate) place: Option<(usize, usize)>,
    /// What is wrong.
    pub(crate) what: String,
}

impl Problem {
    /// Without the file's name.
    pub(crate) fn in_its_file(&self) -> String {
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

/// What is wrong with hooks that are not refused, which says what is wrong with the others.
pub(crate) fn of_those_that_run(survey: &Survey) -> Vec<Problem> {
    let may_run = |found: &&Found| {
        matches!(found.judgement, Judgement::Ready(_)) && pipeline::wishes(found).is_ok()
    };
    survey.hooks.iter().filter(may_run).flat_map(problems).collect()
}

/// What is wrong with one that stands in no hook folder: whose it is there, and who may write to
/// it, counts for nothing where it will be installed.
pub(crate) fn problems_outside(found: &Found) -> Vec<Problem> {
    let mut problems = problems(found);
    let Judgement::Distrusted(distrust) = &found.judgement else { return problems };
    if !matches!(
        distrust.flaw,
        Flaw::Owner { .. } | Flaw::GroupWritable { .. } | Flaw::WorldWritable
    ) {
        return problems;
    }
    let unfit = found.judgement.to_string();
    problems.retain(|problem| problem.what != unfit);
    if !files::is_executable(&found.path) {
        let what = Distrust { part: found.path.clone(), flaw: Flaw::NotExecutable }.to_string();
        problems.insert(0, Problem { file: found.path.clone(), place: None, what });
    }
    problems
}

/// What is wrong with one hook.
pub(crate) fn problems(found: &Found) -> Vec<Problem> {
    let whole = |what| Problem { file: found.path.clone(), place: None, what };
    let mut problems = Vec::new();
    if !found.is_well_named() {
        problems.push(whole(hooks::MISNAMED.to_owned()));
    }
    let file = match &found.judgement {
        Judgement::Masked => return problems,
        Judgement::Ready(file) => file,
        // What anybody may have put there is read only where somebody asked for that file.
        unfit @ Judgement::Distrusted(_) if !found.head.is_empty() => {
            problems.push(whole(unfit.to_string()));
            &found.path
        }
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
