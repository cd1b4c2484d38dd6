//! Which hooks there are: the folders merged by name, and for each file where it stands.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::adopted;
use super::judge::{HEAD, Judge, Judgement, Start};
use crate::config::Adopt;
use crate::paths::Layout;
use crate::sys::files::{self, FileError};
use crate::sys::folder;

/// What is wrong with a name that run-parts(8) would pass over, and what to do.
pub const MISNAMED: &str =
    "its name has other characters than A-Z a-z 0-9 _ and -: rename it if it is a hook";

/// Everything found in the hook folders.
#[derive(Debug, Default)]
pub struct Survey {
    /// One hook per name, in the order of the names' bytes.
    pub hooks: Vec<Found>,
    /// Files that a file of the same name in a later folder stands before: it, and that one.
    pub overridden: Vec<(PathBuf, PathBuf)>,
    /// Files that are passed over because of their name: see [`MISNAMED`].
    pub misnamed: Vec<PathBuf>,
    /// Files in other dispatchers' folders that are not run, and why.
    pub passed_over: Vec<(PathBuf, String)>,
    /// Folders that are there and can't be listed: what they hold, or mask, nobody knows.
    pub unreadable: Vec<FileError>,
}

/// A hook that a name stands for.
#[derive(Debug)]
pub struct Found {
    /// Its name, by which it is ordered.
    pub name: String,
    /// Its path in the hook folder.
    pub path: PathBuf,
    /// Whether it may run.
    pub judgement: Judgement,
    /// The file beside it that its header lines stand in, where they don't stand in itself.
    pub beside: Option<PathBuf>,
    /// The text its header lines stand in.
    pub head: String,
    /// What the configuration says of the folder of another dispatcher in which it stands.
    pub adopted: Option<Adopt>,
}

/// Looks through the hook folders, and those of other dispatchers that are adopted.
#[must_use]
pub fn find(layout: &Layout, adopt: &[Adopt]) -> Survey {
    let mut survey = Survey::default();
    let mut by_name: BTreeMap<String, PathBuf> = BTreeMap::new();
    for folder in layout.hook_folders() {
        match folder::names(&folder) {
            Ok(names) => {
                for name in &names {
                    let path = folder.join(name);
                    match name.to_str().filter(|name| runs_by_that_name(name)) {
                        Some(name) => {
                            if let Some(earlier) = by_name.insert(name.to_owned(), path.clone()) {
                                survey.overridden.push((earlier, path));
                            }
                        }
                        None if describes_another(name, &names) => {}
                        None => survey.misnamed.push(path),
                    }
                }
            }
            Err(error) => survey.unreadable.push(error),
        }
    }
    let mut judge = Judge::below(layout.root());
    survey.hooks =
        by_name.into_iter().filter_map(|(name, path)| look_at(name, path, &mut judge)).collect();
    for folder in adopt {
        adopted::look(folder, layout, &mut judge, &mut survey);
    }
    survey
}

/// Looks through a folder of another dispatcher alone.
#[must_use]
pub fn find_adopted(layout: &Layout, adopt: &Adopt) -> Survey {
    let mut survey = Survey::default();
    adopted::look(adopt, layout, &mut Judge::below(layout.root()), &mut survey);
    survey
}

/// run-parts(8): names consist entirely of ASCII letters, digits, underscores and hyphens.
fn runs_by_that_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// `NAME.conf` beside `NAME` holds the header lines of a hook that has none of its own.
fn describes_another(name: &OsStr, names: &[std::ffi::OsString]) -> bool {
    let stem = name.to_str().and_then(|name| name.strip_suffix(".conf"));
    stem.is_some_and(|stem| names.iter().any(|other| other == OsStr::new(stem)))
}

/// The hook that somebody names: a file by its path, else a name in the hook folders, else a
/// file here.
///
/// # Errors
/// When there is none, with the name that was probably meant.
pub fn find_named(layout: &Layout, adopt: &[Adopt], hook: &Path) -> Result<Found, String> {
    let path = std::path::absolute(hook).map_err(|error| error.to_string())?;
    let is_path = hook.parent() != Some(Path::new(""));
    let mut names: Vec<String> = Vec::new();
    for found in find(layout, adopt).hooks {
        // A script in another dispatcher's folder is that also by its path.
        let is_adopted = found.adopted.is_some() && found.path == path;
        if is_adopted || !is_path && Path::new(&found.name) == hook {
            return Ok(found);
        }
        names.push(found.name);
    }
    look_at_one(&path, layout.root()).ok_or_else(|| {
        if is_path {
            return format!("there is no {}", path.display());
        }
        let word = hook.to_string_lossy();
        let near = names.iter().min_by_key(|name| strsim::damerau_levenshtein(name, &word));
        let near = near.map_or_else(String::new, |name| format!("; did you mean {name:?}?"));
        format!("there is no hook {word:?} in the hook folders, and no such file here{near}")
    })
}

/// Looks at one file as if it stood in a hook folder; nothing if it is missing. What it says at
/// its top is read even if it may not run.
fn look_at_one(path: &Path, root: &Path) -> Option<Found> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut found = look_at(name, path.to_owned(), &mut Judge::below(root))?;
    if matches!(found.judgement, Judgement::Distrusted(_)) {
        let text = |file: &Path| files::read_head(file, HEAD).unwrap_or_default();
        let (beside, head) = header_in(path, text(path), &mut |beside| Ok::<_, ()>(text(beside)))
            .unwrap_or_default();
        (found.beside, found.head) = (beside, head);
    }
    Some(found)
}

impl Found {
    /// Whether run-parts(8) would run a file of its name; see [`MISNAMED`]. Other dispatchers
    /// have rules of their own, by which what they pass over has been passed over already.
    #[must_use]
    pub fn is_well_named(&self) -> bool {
        self.adopted.is_some() || runs_by_that_name(&self.name)
    }

    /// By what it is ordered among the hooks.
    #[must_use]
    pub fn rank(&self) -> String {
        match &self.adopted {
            Some(folder) => format!("{:02}-{}", folder.place, self.name),
            None => self.name.clone(),
        }
    }
}

/// Nothing if the hook has been removed since its folder was listed.
fn look_at(name: String, path: PathBuf, judge: &mut Judge) -> Option<Found> {
    let (judgement, beside, head) = match judge.hook(&path, Start::Program) {
        Err(Judgement::Unreadable(_)) if !files::is_there(&path) => return None,
        Err(judgement) => (judgement, None, String::new()),
        Ok((file, head)) => match header_in(&path, head, &mut |beside| judge.text(beside)) {
            Ok((beside, head)) => (Judgement::Ready(file), beside, head),
            Err(judgement) => (judgement, None, String::new()),
        },
    };
    Some(Found { name, path, judgement, beside, head, adopted: None })
}

/// A script says at its top what it wants, another program in the file beside it.
fn header_in<E>(
    path: &Path,
    head: Vec<u8>,
    read: &mut dyn FnMut(&Path) -> Result<Vec<u8>, E>,
) -> Result<(Option<PathBuf>, String), E> {
    let beside = path.with_extension("conf");
    let (beside, text) = if head.starts_with(b"#!") {
        (None, head)
    } else if files::is_there(&beside) {
        let text = read(&beside)?;
        (Some(beside), text)
    } else {
        (None, Vec::new())
    };
    Ok((beside, String::from_utf8_lossy(&text).into_owned()))
}
