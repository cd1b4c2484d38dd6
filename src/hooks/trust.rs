//! May this file be run by root? Only if nobody but root could have changed it, or a
//! folder on the way to it. A pure judgement over what `lstat` showed.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::sys::folder::{Kind, Part, Way};

/// What keeps a file from being trusted: which part of the way, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distrust {
    /// The file, or the folder on the way to it.
    pub part: PathBuf,
    /// Why.
    pub reason: Reason,
}

/// Why a part of the way isn't trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It belongs to this user, not to root.
    Owner(u32),
    /// Its group, this one, may write to it.
    GroupWritable(u32),
    /// Everybody may write to it.
    WorldWritable,
    /// The way doesn't end at a regular file.
    NoFile,
    /// It has no execute bit.
    NotExecutable,
    /// It is set-user-id or set-group-id.
    SetId,
    /// It is env(1), told by a `#!` line to do more than to look for a program.
    Unclear,
}

impl std::error::Error for Distrust {}

impl Distrust {
    /// The command that mends it, where one does.
    #[must_use]
    pub fn mend(&self) -> Option<String> {
        let command = match self.reason {
            Reason::Owner(_) => "chown root",
            Reason::GroupWritable(_) => "chmod g-w",
            Reason::WorldWritable => "chmod o-w",
            Reason::NotExecutable => "chmod +x",
            Reason::SetId => "chmod u-s,g-s",
            Reason::NoFile | Reason::Unclear => return None,
        };
        Some(format!("{command} {}", self.part.display()))
    }
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = self.part.display();
        match self.reason {
            Reason::Owner(uid) => write!(f, "{part} belongs to uid {uid}, not to root: chown root"),
            Reason::GroupWritable(gid) => {
                write!(f, "{part} is writable by group {gid}: chmod g-w")
            }
            Reason::WorldWritable => write!(f, "{part} is writable by everybody: chmod o-w"),
            Reason::NoFile => write!(f, "{part} is not a regular file"),
            Reason::NotExecutable => write!(f, "{part} is not executable: chmod +x"),
            Reason::Unclear => write!(
                f,
                "nobody can tell which program its #! line makes {part} run: name that program \
                 in the line"
            ),
            Reason::SetId => write!(f, "{part} is set-user-id or set-group-id: chmod u-s,g-s"),
        }
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
    bad.map_or(Ok(()), |(part, reason)| Err(Distrust { part: part.path.clone(), reason }))
}

fn judge_file(way: &Way, owner: u32) -> Result<&Path, Distrust> {
    judge_parts(way, owner)?;
    match way.parts.last() {
        Some(end) if end.kind == Kind::File => Ok(&way.end),
        _ => Err(Distrust { part: way.end.clone(), reason: Reason::NoFile }),
    }
}

fn judge_executable(way: &Way, owner: u32) -> Result<&Path, Distrust> {
    let end = judge_file(way, owner)?;
    let mode = way.parts.last().map_or(0, |part| part.mode);
    let reason = match mode {
        mode if mode & 0o6000 != 0 => Reason::SetId,
        mode if mode & 0o111 == 0 => Reason::NotExecutable,
        _ => return Ok(end),
    };
    Err(Distrust { part: end.to_owned(), reason })
}

fn fault(part: &Part, owner: u32) -> Option<Reason> {
    // A link can't be written to, and who may replace it is a matter of its folder.
    if part.kind == Kind::Link {
        return None;
    }
    // There is nothing to mend in a device: that everybody may write to it is its purpose.
    if part.kind == Kind::Other {
        return Some(Reason::NoFile);
    }
    if part.uid != ROOT && part.uid != owner {
        Some(Reason::Owner(part.uid))
    } else if part.mode & 0o002 != 0 {
        Some(Reason::WorldWritable)
    } else if part.mode & 0o020 != 0 {
        Some(Reason::GroupWritable(part.gid))
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
