//! Appending whole lines to a file that several processes append to and that is rotated.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::files::FileError;

/// How long somebody else may hold the file. That takes one write, unless he was stopped in
/// the middle of it, or means us ill.
const PATIENCE: Duration = Duration::from_secs(2);

const A_LINK: &str = "it is a symbolic link: link its folder instead";
const NO_FILE: &str = "it is not a regular file";

/// Why this can't be done to what stands at a path; nothing if that is a file, or nothing
/// is there.
#[must_use]
pub fn why_no_file(verb: &'static str, path: &Path) -> Option<FileError> {
    let kind = fs::symlink_metadata(path).ok()?.file_type();
    let why = match kind {
        kind if kind.is_file() => return None,
        kind if kind.is_symlink() => A_LINK,
        _ => NO_FILE,
    };
    Some(FileError::at(verb, path)(io::Error::other(why)))
}

/// A file of lines, kept open.
#[derive(Debug)]
pub struct LineFile {
    path: PathBuf,
    file: Option<File>,
    /// Where our own last line ended: no torn line can precede the next one there.
    end: Option<u64>,
    size: u64,
    keep: u32,
    /// None left once it was in vain: many lines would add up.
    patience: Duration,
}

impl LineFile {
    /// A file at `path` that is rotated (`path.1`, `path.2` …) when it has grown past
    /// `size` bytes; `keep` rotated ones are kept. Nothing is opened yet.
    #[must_use]
    pub fn new(path: PathBuf, size: u64, keep: u32) -> Self {
        Self { path, file: None, end: None, size, keep, patience: PATIENCE }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends lines with one write, under a lock of the file's own; between them, and not
    /// behind the last, stand line feeds. A torn line that somebody's death or a full disk left
    /// at the end is closed first.
    ///
    /// # Errors
    /// When the file can't be opened, locked or written whole; what was written partly is
    /// taken back.
    pub fn append(&mut self, lines: &str) -> Result<(), FileError> {
        let path = self.path.clone();
        let result = self.append_or_fail(lines).map_err(FileError::at("append to", &path));
        if result.is_err() {
            self.file = None;
            self.end = None;
        }
        result
    }

    fn append_or_fail(&mut self, lines: &str) -> io::Result<()> {
        loop {
            let file = match self.file.take() {
                Some(file) => file,
                None => self.open()?,
            };
            let held = self.hold(file)?;
            let ours = held.metadata()?;
            if !self.is_current(&ours)? {
                // Somebody rotated it between our opening and our locking.
                self.end = None;
                continue;
            }
            let length = ours.len();
            if length > self.size {
                self.rotate()?;
                self.end = None;
                continue;
            }
            let torn = self.end != Some(length) && ends_torn(&held, length)?;
            self.end = Some(length + write_lines(&held, length, torn, lines)?);
            self.file = held.unlock().map_err(|(_, errno)| errno)?.into();
            return Ok(());
        }
    }

    fn hold(&mut self, mut file: File) -> io::Result<Flock<File>> {
        let deadline = Instant::now() + self.patience;
        let mut pause = Duration::from_millis(1);
        loop {
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(held) => {
                    self.patience = PATIENCE;
                    return Ok(held);
                }
                Err((ours, Errno::EWOULDBLOCK)) if Instant::now() < deadline => {
                    file = ours;
                    // Nothing tells of an unlocking.
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(16));
                }
                Err((_, Errno::EWOULDBLOCK)) => {
                    self.patience = Duration::ZERO;
                    return Err(io::Error::other(
                        "another process has locked it and does not let go",
                    ));
                }
                Err((_, errno)) => return Err(errno.into()),
            }
        }
    }

    /// Opens the file itself: through a link that somebody put in its place, outsiders'
    /// words would be appended to any file of root's; a pipe would hold us.
    fn open(&self) -> io::Result<File> {
        let open = || {
            let flags = nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK;
            let mut options = OpenOptions::new();
            options.read(true).append(true).create(true).mode(0o640).custom_flags(flags);
            match options.open(&self.path) {
                Err(error) if error.raw_os_error() == Some(nix::libc::ELOOP) => {
                    Err(io::Error::other(A_LINK))
                }
                Ok(file) if !file.metadata()?.is_file() => Err(io::Error::other(NO_FILE)),
                opened => opened,
            }
        };
        match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if let Some(folder) = self.path.parent() {
                    fs::create_dir_all(folder)?;
                }
                open()
            }
            opened => opened,
        }
    }

    fn is_current(&self, ours: &Metadata) -> io::Result<bool> {
        match fs::metadata(&self.path) {
            Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn rotate(&self) -> io::Result<()> {
        // A number that is free ends the move: a gap left by a death is closed, not passed on.
        let is_taken = |number: &u32| rotated(&self.path, *number).exists();
        let last = (1..self.keep).take_while(is_taken).last().unwrap_or(0);
        for number in (1..=last).rev() {
            let _ = fs::rename(rotated(&self.path, number), rotated(&self.path, number + 1));
        }
        if self.keep == 0 {
            fs::remove_file(&self.path)
        } else {
            fs::rename(&self.path, rotated(&self.path, 1))
        }
    }
}

/// Hands every line of the file at `path` to `visit`, and removes them once all were taken; if
/// one is refused, all stay. Lines that are appended meanwhile stay for the next time.
///
/// # Errors
/// When the file is there and can't be read or moved, or with the first error of `visit`.
pub fn take_lines(
    path: &Path,
    visit: &mut dyn FnMut(&[u8]) -> Result<(), FileError>,
) -> Result<(), FileError> {
    let taken = rotated(path, 1);
    // Those of a reader that was killed over them come first.
    for _ in 0..2 {
        if !taken.exists() {
            match fs::rename(path, &taken) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                renamed => renamed.map_err(FileError::at("move", path))?,
            }
        }
        // Who had opened it before appends his line under its lock: see `is_current`.
        LineFile::new(taken.clone(), 0, 0)
            .hold(File::open(&taken).map_err(FileError::at("open", &taken))?)
            .map_err(FileError::at("lock", &taken))?;
        let content = fs::read(&taken).map_err(FileError::at("read", &taken))?;
        for line in content.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            visit(line)?;
        }
        fs::remove_file(&taken).map_err(FileError::at("remove", &taken))?;
    }
    Ok(())
}

/// The name of rotated file `number`, 1 being the newest.
#[must_use]
pub fn rotated(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

/// Whether the file ends within a line.
fn ends_torn(file: &File, length: u64) -> io::Result<bool> {
    let mut last = [b'\n'];
    if length > 0 {
        file.read_exact_at(&mut last, length - 1)?;
    }
    Ok(last != *b"\n")
}

/// Writes lines and tells how many bytes that took.
fn write_lines(mut file: &File, length: u64, torn: bool, lines: &str) -> io::Result<u64> {
    let mended = if torn { "\n" } else { "" };
    let whole = format!("{mended}{lines}\n");
    let written = file.write(whole.as_bytes())?;
    if written < whole.len() {
        file.set_len(length)?;
        return Err(io::ErrorKind::StorageFull.into());
    }
    Ok(whole.len() as u64)
}
