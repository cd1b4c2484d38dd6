//! Whether a hook may run: what stands at its path, and what the kernel runs for it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use super::interpreter::Interpreter;
use super::trust::{Distrust, judge, judge_folder, judge_interpreter, judge_program};
use crate::reason::{Flaw, Reason};
use crate::sys::files::{self, FileError};
use crate::sys::folder::{Guide, Kind, Way};
use crate::sys::invocation::PATH;

/// Bytes at the top of a hook in which its header lines have to stand.
pub(super) const HEAD: u64 = 4096;

/// Whether a hook may run.
#[derive(Debug)]
pub enum Judgement {
    /// It may: this file, with every link followed, is what has been checked.
    Ready(PathBuf),
    /// An empty file, or a link to `/dev/null`: the name is masked.
    Masked,
    /// Somebody other than root could have changed it, or what runs it.
    Distrusted(Distrust),
    /// It can't be looked at.
    Unreadable(FileError),
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.why_not()) {
            (_, Some(reason)) => reason.fmt(f),
            (Self::Masked, None) => f.write_str("masked"),
            (_, None) => f.write_str("ready"),
        }
    }
}

impl Judgement {
    /// Why the hook may not run, though nobody masked it; none if it may, or is masked.
    #[must_use]
    pub fn why_not(&self) -> Option<Reason> {
        match self {
            Self::Ready(_) | Self::Masked => None,
            Self::Distrusted(distrust) => Some(distrust.into()),
            Self::Unreadable(error) => Some(error.into()),
        }
    }
}

/// How a hook is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// The kernel starts it.
    Program,
    /// `/bin/sh` sources it.
    Sourced,
}

/// The shell that sources what is no program.
pub(super) const SHELL: &str = "/bin/sh";

/// Judges one hook by its path.
#[must_use]
pub fn judge_hook(path: &Path, root: &Path, start: Start) -> Judgement {
    match Judge::below(root).hook(path, start) {
        Ok((file, _)) => Judgement::Ready(file),
        Err(judgement) => judgement,
    }
}

/// Why the kernel won't run a file that begins so, where that can be known before.
#[must_use]
pub fn why_not_run(head: &[u8]) -> Option<String> {
    if head.starts_with(b"\x7fELF") {
        return None;
    }
    let Some(interpreter) = Interpreter::of(head) else {
        return Some("no #! line, and no program this machine can run: add #!/bin/sh".to_owned());
    };
    let missing = interpreter.file.display();
    if interpreter.ends_in_cr() {
        return Some("the #! line ends in CR: save the file with Unix line ends".to_owned());
    }
    if !files::is_there(&interpreter.file) {
        return Some(format!("its interpreter {missing} is missing"));
    }
    let program = interpreter.program_of_env(&interpreter.file).ok().flatten()?;
    let is_there = |folder: &str| files::is_there(&Path::new(folder).join(program));
    let found = program.as_encoded_bytes().contains(&b'/') && is_there("/")
        || PATH.split(':').any(is_there);
    let name = program.to_string_lossy();
    (!found).then(|| format!("its interpreter {name}, which env looks for, is missing"))
}

/// Judges one hook after the other, and nothing twice that they share.
pub(super) struct Judge {
    guide: Guide,
    /// Interpreters that may run.
    sound: BTreeSet<PathBuf>,
}

impl Judge {
    pub(super) fn below(root: &Path) -> Self {
        Self { guide: Guide::below(root), sound: BTreeSet::new() }
    }

    /// The file behind a hook's path, and the top of it; any judgement but that it is ready.
    pub(super) fn hook(
        &mut self,
        path: &Path,
        start: Start,
    ) -> Result<(PathBuf, Vec<u8>), Judgement> {
        let way = self.way_to(path)?;
        if way.end == Path::new("/dev/null") {
            return Err(Judgement::Masked);
        }
        if is_empty(&way) {
            return Err(judge(&way).map_or_else(Judgement::Distrusted, |_| Judgement::Masked));
        }
        let file = match start {
            Start::Program => judge_program(&way),
            Start::Sourced => judge(&way),
        };
        let file = file.map_err(Judgement::Distrusted)?;
        let head = files::read_head(file, HEAD).map_err(Judgement::Unreadable)?;
        match start {
            Start::Program => self.what_runs(&head, 0)?,
            Start::Sourced => self.interpreter(Path::new(SHELL), 0).map(drop)?,
        }
        Ok((file.to_owned(), head))
    }

    /// The top of a file that nobody else could have changed.
    pub(super) fn text(&mut self, path: &Path) -> Result<Vec<u8>, Judgement> {
        let way = self.way_to(path)?;
        let file = judge(&way).map_err(Judgement::Distrusted)?;
        files::read_head(file, HEAD).map_err(Judgement::Unreadable)
    }

    fn way_to(&mut self, path: &Path) -> Result<Way, Judgement> {
        self.guide.way_to(path).map_err(Judgement::Unreadable)
    }

    /// Judges what the kernel runs for a file that begins so: an interpreter may be a script.
    fn what_runs(&mut self, head: &[u8], depth: usize) -> Result<(), Judgement> {
        let Some(interpreter) = Interpreter::of(head).filter(|_| depth < DEEPEST) else {
            return Ok(());
        };
        let Some(file) = self.interpreter(&interpreter.file, depth)? else { return Ok(()) };
        let program = interpreter.program_of_env(&file).map_err(|_unclear| {
            let part = interpreter.file.clone();
            Judgement::Distrusted(Distrust { part, flaw: Flaw::Unclear })
        })?;
        program.map_or(Ok(()), |program| self.found_by_env(program, depth))
    }

    /// The file of an interpreter; none if it is missing, which the kernel will say, and which
    /// nobody but root can change.
    fn interpreter(&mut self, path: &Path, depth: usize) -> Result<Option<PathBuf>, Judgement> {
        if !files::is_there(path) {
            self.folder(path.parent().unwrap_or(path))?;
            return Ok(None);
        }
        let way = self.way_to(path)?;
        let file = judge_interpreter(&way).map_err(Judgement::Distrusted)?;
        if !self.sound.contains(file) {
            let head = files::read_head(file, HEAD).map_err(Judgement::Unreadable)?;
            self.what_runs(&head, depth + 1)?;
            self.sound.insert(file.to_owned());
        }
        Ok(Some(file.to_owned()))
    }

    /// What env(1) finds by the path that hooks get, and every folder in which it looks first.
    fn found_by_env(&mut self, program: &OsStr, depth: usize) -> Result<(), Judgement> {
        if program.as_encoded_bytes().contains(&b'/') {
            return self.interpreter(&Path::new("/").join(program), depth).map(drop);
        }
        for folder in PATH.split(':').map(Path::new) {
            self.folder(folder)?;
            if files::is_there(&folder.join(program)) {
                return self.interpreter(&folder.join(program), depth).map(drop);
            }
        }
        Ok(())
    }

    /// A folder, or the nearest above it that is there.
    fn folder(&mut self, folder: &Path) -> Result<(), Judgement> {
        let there = folder.ancestors().find(|folder| files::is_there(folder));
        let way = self.way_to(there.unwrap_or(folder))?;
        judge_folder(&way).map_err(Judgement::Distrusted)
    }
}

/// How often an interpreter may be a script: `fs/exec.c` of Linux follows five.
const DEEPEST: usize = 6;

fn is_empty(way: &Way) -> bool {
    way.parts.last().is_some_and(|end| end.kind == Kind::File && end.size == 0)
}
