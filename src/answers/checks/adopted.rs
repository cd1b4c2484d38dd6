//! Whether what is in other dispatchers' folders is run once: not by its dispatcher and netcue,
//! nor as two hooks.

use std::path::PathBuf;

use super::{Examined, Finding};
use crate::config::Adopt;
use crate::hooks::{Judgement, Survey};
use crate::integrate::{self, attachment, is_on};
use crate::paths::Layout;
use crate::sources;
use crate::sys::files;

/// A folder of another dispatcher whose scripts netcue runs, too.
#[derive(Debug, Clone)]
pub(crate) struct Adopted {
    /// What the configuration says of it.
    pub(crate) folder: Adopt,
    /// Whether it is there.
    pub(crate) is_there: bool,
    /// Scripts in it that are hooks as well: each, and the hook.
    pub(crate) twice: Vec<(PathBuf, PathBuf)>,
}

impl Adopted {
    pub(super) fn of(layout: &Layout, folders: &[Adopt], survey: &Survey) -> Vec<Self> {
        let one = |folder: &Adopt| {
            let is_of_it = |found: &&crate::hooks::Found| found.adopted.as_ref() == Some(folder);
            let scripts = survey.hooks.iter().filter(is_of_it);
            let twice = scripts.filter_map(|script| {
                let Judgement::Ready(file) = &script.judgement else { return None };
                let is_same = |other: &&crate::hooks::Found| {
                    other.path != script.path
                        && matches!(&other.judgement, Judgement::Ready(same) if same == file)
                };
                let other = survey.hooks.iter().find(is_same)?;
                Some((script.path.clone(), other.path.clone()))
            });
            Self {
                folder: folder.clone(),
                is_there: files::is_folder(&layout.below(&folder.folder)),
                twice: twice.collect(),
            }
        };
        folders.iter().map(one).collect()
    }
}

pub(super) fn adopted(examined: &Examined) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        examined.adopted.iter().flat_map(|adopted| of_one(examined, adopted)).collect();
    if findings.is_empty() && !examined.adopted.is_empty() {
        let number = examined.adopted.len();
        findings.push(Finding::ok(format!("{number} folders of other dispatchers, each run once")));
    }
    findings
}

fn of_one(examined: &Examined, adopted: &Adopted) -> Vec<Finding> {
    let Adopt { folder, profile, not_from, .. } = &adopted.folder;
    let folder = folder.display();
    let mut findings = Vec::new();
    let mut add = |what: String, to_do: String| findings.push(Finding::attention(what, to_do));
    if !adopted.is_there {
        let undo = format!("netcue adopt --undo {folder}");
        add(format!("there is no {folder}, whose scripts are to be run"), undo);
    }
    for name in not_from.iter().filter(|name| sources::find(name.as_str()).is_none()) {
        let to_do = "see \"netcue sources\" for the names that there are".to_owned();
        add(format!("not-from of {folder} names {name}, and there is no such source"), to_do);
    }
    for name in integrate::runs_itself(&examined.seen, *profile) {
        if !not_from.contains(&name) {
            add(
                format!(
                    "what is in {folder} is run twice for links of {name}: something else runs it, too"
                ),
                format!("put \"{name}\" into its not-from in {}", examined.configuration.display()),
            );
        } else if let Some(source) = sources::find(name.as_str()) {
            // What nobody tells, the watch tells, and then nobody knows whose link it was.
            let is_heard = is_on(&examined.seen, source)
                && !attachment(&examined.seen, source).spots.is_empty();
            if examined.watch.is_some() && !is_heard {
                add(
                    format!(
                        "what is in {folder} is run twice for links of {name}: netcue hears of them \
                         from the kernel alone"
                    ),
                    format!("netcue enable {name}"),
                );
            }
        }
    }
    for (script, hook) in &adopted.twice {
        add(
            format!("{} and {} are one file, and both are run", script.display(), hook.display()),
            format!("remove {}", hook.display()),
        );
    }
    findings
}
