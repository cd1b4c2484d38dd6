//! May this file be run by root? Only if nobody but root could have changed it, or a
//! folder on the way to it. A pure judgement over what `lstat` showed.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::reason::{Flaw, Reason};
use crate::sys::folder::{Kind, Part, Way};

/// What keeps a file from being trusted: which part of the way, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distrust {
    /// The file, or the folder on the way to it.
    pub part: PathBuf,
    /// Why.
    pub flaw: Flaw,
}

impl std::error::Error for Distrust {}

impl Distrust {
    /// The command that mends it, where one does.
    #[must_use]
    pub fn mend(&self) -> Option<String> {
        let command = match self.flaw {
            Flaw::Owner { .. } => "chown root",
            Flaw::GroupWritable { .. } => "chmod g-w",
            Flaw::WorldWritable => "chmod o-w",
            Flaw::NotExecutable => "chmod +x",
            Flaw::SetId => "chmod u-s,g-s",
            Flaw::NoFile | Flaw::Unclear => return None,
        };
        Some(format!("{command} {}", self.part.display()))
    }
}

impl From<&Distrust> for Reason {
    fn from(distrust: &Distrust) -> Self {
        Self::NotTrusted { path: distrust.part.display().to_string(), flaw: distrust.flaw }
    }
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.flaw.in_words(&self.part.display().to_string()))
    }
}

/// Judges the way to a file that is to be read, and the file at its end.
///
/// # Errors
/// The first part that isn't to be trusted, seen from the root.
pub fn judge(way: &Way) -> Result<&Path, Distrust> {
    judge_file(way, ROOT)
}

/// Judges the way to a file that is to be run.
///
/// # Errors
/// As [`judge`], and when the file is set-id or has no execute bit.
pub fn judge_program(way: &Way) -> Result<&Path, Distrust> {
    judge_executable(way, ROOT)
}

/// Judges the way to what runs a script. Whoever owns the machine's own `/` counts as root here:
/// seen from a user namespace without the real one, the machine's programs belong to nobody.
///
/// # Errors
/// As [`judge_program`].
pub(super) fn judge_interpreter(way: &Way) -> Result<&Path, Distrust> {
    judge_executable(way, owner_of_machine(way))
}

/// Judges the way to a folder in which an interpreter is looked for.
///
/// # Errors
/// The first part that isn't to be trusted, seen from the root.
pub(super) fn judge_folder(way: &Way) -> Result<(), Distrust> {
    judge_parts(way, owner_of_machine(way))
}

const ROOT: u32 = 0;

fn owner_of_machine(way: &Way) -> u32 {
    way.parts.iter().find(|part| part.path == Path::new("/")).map_or(ROOT, |part| part.uid)
}

fn judge_parts(way: &Way, owner: u32) -> Result<(), Distrust> {
    let bad = way.parts.iter().find_map(|part| Some((part, fault(part, owner)?)));
    bad.map_or(Ok(()), |(part, flaw)| Err(Distrust { part: part.path.clone(), flaw }))
}

fn judge_file(way: &Way, owner: u32) -> Result<&Path, Distrust> {
    judge_parts(way, owner)?;
    match way.parts.last() {
        Some(end) if end.kind == Kind::File => Ok(&way.end),
        _ => Err(Distrust { part: way.end.clone(), flaw: Flaw::NoFile }),
    }
}

fn judge_executable(way: &Way, owner: u32) -> Result<&Path, Distrust> {
    let end = judge_file(way, owner)?;
    let mode = way.parts.last().map_or(0, |part| part.mode);
    let flaw = match mode {
        mode if mode & 0o6000 != 0 => Flaw::SetId,
        mode if mode & 0o111 == 0 => Flaw::NotExecutable,
        _ => return Ok(end),
    };
    Err(Distrust { part: end.to_owned(), flaw })
}

fn fault(part: &Part, owner: u32) -> Option<Flaw> {
    // A link can't be written to, and who may replace it is a matter of its folder.
    if part.kind == Kind::Link {
        return None;
    }
    // There is nothing to mend in a device: that everybody may write to it is its purpose.
    if part.kind == Kind::Other {
        return Some(Flaw::NoFile);
    }
    if part.uid != ROOT && part.uid != owner {
        Some(Flaw::Owner { uid: part.uid })
    } else if part.mode & 0o002 != 0 {
        Some(Flaw::WorldWritable)
    } else if part.mode & 0o020 != 0 {
        Some(Flaw::GroupWritable { gid: part.gid })
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(path: &str, kind: Kind, uid: u32, mode: u32) -> Part {
        Part { path: path.into(), kind, uid, gid: 50, mode, size: 1 }
    }

    fn verdict(parts: Vec<Part>) -> String {
        let end = parts.last().map(|part| part.path.clone()).unwrap_or_default();
        let way = Way { parts, end };
        judge_program(&way).map_or_else(|distrust| distrust.to_string(), |_| "trusted".to_owned())
    }

    #[test]
    fn only_what_root_alone_can_change_is_trusted() {
        let root = || part("/", Kind::Folder, 0, 0o755);
        let folder = |uid, mode| part("/h", Kind::Folder, uid, mode);
        let file = |uid, mode| part("/h/a", Kind::File, uid, mode);
        let link = || part("/h/l", Kind::Link, 1000, 0o777);
        for (parts, expected) in [
            (vec![root(), folder(0, 0o755), file(0, 0o755)], "trusted"),
            (vec![root(), folder(0, 0o755), link(), file(0, 0o500)], "trusted"),
            (
                vec![root(), folder(0, 0o775), file(0, 0o755)],
                "/h is writable by group 50: chmod g-w",
            ),
            (
                vec![root(), folder(0, 0o1777), file(0, 0o755)],
                "/h is writable by everybody: chmod o-w",
            ),
            (
                vec![root(), folder(1000, 0o755), file(0, 0o755)],
                "/h belongs to uid 1000, not to root: chown root",
            ),
            (
                vec![root(), folder(0, 0o755), file(33, 0o755)],
                "/h/a belongs to uid 33, not to root: chown root",
            ),
            (
                vec![root(), folder(0, 0o755), file(0, 0o757)],
                "/h/a is writable by everybody: chmod o-w",
            ),
            (vec![root(), folder(0, 0o755), file(0, 0o644)], "/h/a is not executable: chmod +x"),
            (
                vec![root(), folder(0, 0o755), file(0, 0o4755)],
                "/h/a is set-user-id or set-group-id: chmod u-s,g-s",
            ),
            (vec![root(), folder(0, 0o755)], "/h is not a regular file"),
            (vec![root(), part("/h/p", Kind::Other, 0, 0o600)], "/h/p is not a regular file"),
            (vec![root(), part("/d", Kind::Other, 0, 0o666)], "/d is not a regular file"),
        ] {
            assert_eq!(verdict(parts), expected);
        }
    }
}
