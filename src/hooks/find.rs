//! Which hooks there are: the folders merged by name, and for each file where it stands.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use super::trust::{Distrust, judge, judge_program};
use crate::paths::Layout;
use crate::sys::files::{self, FileError};
use crate::sys::folder::{self, Guide, Kind, Way};

/// Bytes at the top of a hook in which its header lines have to stand.
const HEAD: u64 = 4096;

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
}

/// Whether a hook may run.
#[derive(Debug)]
pub enum Judgement {
    /// It may: this file, with every link followed, is what has been checked.
    Ready(PathBuf),
    /// An empty file, or a link to `/dev/null`: the name is masked.
    Masked,
    /// Somebody other than root could have changed it.
    Distrusted(Distrust),
    /// It can't be looked at.
    Unreadable(FileError),
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready(_) => f.write_str("ready"),
            Self::Masked => f.write_str("masked"),
            Self::Distrusted(distrust) => write!(f, "not trusted: {distrust}"),
            Self::Unreadable(error) => error.fmt(f),
        }
    }
}

/// Looks through the hook folders.
#[must_use]
pub fn find(layout: &Layout) -> Survey {
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
    let mut guide = Guide::below(layout.root());
    survey.hooks =
        by_name.into_iter().filter_map(|(name, path)| look_at(name, path, &mut guide)).collect();
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

/// Judges one hook by its path.
#[must_use]
pub fn judge_hook(path: &Path, root: &Path) -> Judgement {
    judged(path, &mut Guide::below(root))
}

/// Nothing if the hook has been removed since its folder was listed.
fn look_at(name: String, path: PathBuf, guide: &mut Guide<'_>) -> Option<Found> {
    let mut judgement = judged(&path, guide);
    if matches!(judgement, Judgement::Unreadable(_)) && !files::is_there(&path) {
        return None;
    }
    let (mut beside, mut head) = (None, String::new());
    if let Judgement::Ready(file) = &judgement {
        match read_head_of(file, &path, guide) {
            Ok(read) => (beside, head) = read,
            Err(unfit) => judgement = unfit,
        }
    }
    Some(Found { name, path, judgement, beside, head })
}

fn judged(path: &Path, guide: &mut Guide<'_>) -> Judgement {
    let way = match guide.way_to(path) {
        Ok(way) => way,
        Err(error) => return Judgement::Unreadable(error),
    };
    if way.end == Path::new("/dev/null") {
        return Judgement::Masked;
    }
    let judgement = if is_empty(&way) {
        judge(&way).map(|_| Judgement::Masked)
    } else {
        judge_program(&way).map(|file| Judgement::Ready(file.to_owned()))
    };
    judgement.unwrap_or_else(Judgement::Distrusted)
}

fn is_empty(way: &Way) -> bool {
    way.parts.last().is_some_and(|end| end.kind == Kind::File && end.size == 0)
}

/// A script says at its top what it wants, another program in the file beside it.
fn read_head_of(
    file: &Path,
    path: &Path,
    guide: &mut Guide<'_>,
) -> Result<(Option<PathBuf>, String), Judgement> {
    let head = files::read_head(file, HEAD).map_err(Judgement::Unreadable)?;
    if head.starts_with(b"#!") {
        return Ok((None, String::from_utf8_lossy(&head).into_owned()));
    }
    let beside = path.with_extension("conf");
    if !files::is_there(&beside) {
        return Ok((None, String::new()));
    }
    let way = guide.way_to(&beside).map_err(Judgement::Unreadable)?;
    let trusted = judge(&way).map_err(Judgement::Distrusted)?;
    let text = files::read_head(trusted, HEAD).map_err(Judgement::Unreadable)?;
    Ok((Some(beside), String::from_utf8_lossy(&text).into_owned()))
}
