//! Files and folders, each error with the path it is about.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What could not be done to which file.
#[derive(Debug, thiserror::Error)]
#[error("can't {verb} {}: {source}{}", path.display(), self.advice())]
pub struct FileError {
    /// What was tried.
    pub verb: &'static str,
    /// On which file or folder.
    pub path: PathBuf,
    /// What the kernel said.
    pub source: io::Error,
}

impl FileError {
    /// Names the attempt and the path an error is about.
    pub fn at<E: Into<io::Error>>(
        verb: &'static str,
        path: &Path,
    ) -> impl FnOnce(E) -> Self + use<E> {
        let path = path.to_owned();
        move |source| Self { verb, path, source: source.into() }
    }

    /// What to do about it, where the kernel's words don't say.
    pub(crate) fn advice(&self) -> &'static str {
        match self.source.raw_os_error() {
            Some(nix::libc::EMFILE) if self.verb == "watch" => {
                ": raise fs.inotify.max_user_instances (sysctl), of which each watch takes one"
            }
            Some(nix::libc::EACCES | nix::libc::EPERM) => ": only root may do that",
            Some(nix::libc::ENOSPC) => ": make room on its file system",
            Some(nix::libc::EDQUOT) => ": its quota is used up",
            Some(nix::libc::EROFS) => ": remount its file system for writing",
            Some(nix::libc::EMFILE) => ": the limit of open files (ulimit -n) is too low",
            Some(nix::libc::ENFILE) => ": the machine has no descriptors left (fs.file-max)",
            _ => "",
        }
    }

    /// Whether the machine lacked something at this moment, and the file itself may be sound.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        use nix::libc::{EIO, EMFILE, ENFILE, ENOMEM, ESTALE, ETIMEDOUT};
        let passing = [EIO, EMFILE, ENFILE, ENOMEM, ESTALE, ETIMEDOUT];
        self.source.raw_os_error().is_some_and(|errno| passing.contains(&errno))
    }

    /// Whether the kernel said no for want of permission.
    #[must_use]
    pub fn is_permission(&self) -> bool {
        matches!(self.source.kind(), ErrorKind::PermissionDenied)
    }
}

/// How long to wait before each new try of what may pass, in milliseconds: less than half a
/// second in all, since whoever called us may be waiting.
const PAUSES: [u64; 3] = [20, 80, 300];

/// Tries again what failed for an error that may pass; see [`FileError::is_passing`].
///
/// # Errors
/// That of the last try.
pub fn patiently<T>(attempt: impl Fn() -> Result<T, FileError>) -> Result<T, FileError> {
    for pause in PAUSES {
        match attempt() {
            Err(error) if error.is_passing() => {
                std::thread::sleep(Duration::from_millis(pause));
            }
            done => return done,
        }
    }
    attempt()
}

/// Makes a folder and those above it, readable by root alone.
///
/// # Errors
/// When one of them can't be made.
pub fn make_private_folder(path: &Path) -> Result<(), FileError> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.is_dir()) {
        DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(parent)
            .map_err(FileError::at("make the folder", parent))?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(FileError::at("make the folder", path)(error))
        }
        _ => Ok(()),
    }
}

/// Writes a file aside, as `.new` in the place of its extension, and renames it in, so that a
/// reader sees all of it or nothing.
///
/// # Errors
/// When writing or renaming fails; nothing is left at `path` then that wasn't there.
pub fn put_whole(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let aside = path.with_extension("new");
    write_aside(&aside, content)?;
    put_in_place(&aside, path)
}

/// [`put_whole`], and waits until the disk has it: what is read after a loss of power is the
/// old content or the new one.
///
/// # Errors
/// When writing or renaming fails; nothing is left at `path` then that wasn't there.
pub fn put_durably(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let aside = path.with_extension("new");
    write_aside(&aside, content)?;
    let synced = File::open(&aside).and_then(|file| file.sync_all());
    synced.map_err(FileError::at("write", &aside))?;
    put_in_place(&aside, path)?;
    let folder = path.parent().unwrap_or(path);
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(FileError::at("sync", folder))
}

/// The first half of [`put_whole`].
///
/// # Errors
/// When writing fails; nothing is left then.
pub fn write_aside(aside: &Path, content: &[u8]) -> Result<(), FileError> {
    let written = write_new(aside, content);
    if written.is_err() {
        remove_quietly(aside);
    }
    written
}

/// The second half of [`put_whole`].
///
/// # Errors
/// When renaming fails; nothing is left of what was written aside then.
pub fn put_in_place(aside: &Path, path: &Path) -> Result<(), FileError> {
    let renamed = fs::rename(aside, path).map_err(FileError::at("rename into place", path));
    if renamed.is_err() {
        remove_quietly(aside);
    }
    renamed
}

fn write_new(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(FileError::at("create", path))?;
    file.write_all(content).map_err(FileError::at("write", path))
}

/// Writes a file that everybody may read, aside and renamed in, into a folder that may
/// belong to somebody else: no link that stands in the way is followed, and nothing but a
/// file is replaced, least of all `/dev/null`.
///
/// # Errors
/// When writing or renaming fails; nothing is left at `path` then that wasn't there.
pub fn publish(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let aside = PathBuf::from(name);
    if fs::symlink_metadata(path).is_ok_and(|there| !there.is_file()) {
        let error = io::Error::other("it is not a regular file");
        return Err(FileError::at("replace", path)(error));
    }
    remove(&aside)?;
    let mut open = OpenOptions::new();
    let written = open
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(&aside)
        .and_then(|mut file| file.write_all(content))
        .map_err(FileError::at("write", &aside))
        .and_then(|()| fs::rename(&aside, path).map_err(FileError::at("rename into place", path)));
    if written.is_err() {
        remove_quietly(&aside);
    }
    written
}

/// Most files we read are smaller than this and are read with one call.
const AT_ONCE: usize = 4096;

/// Opens a file to read it. A pipe in its place would hold us until somebody writes to it.
///
/// # Errors
/// When it can't be opened, or is a pipe.
pub fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(nix::libc::O_NONBLOCK).open(path)?;
    if file.metadata()?.file_type().is_fifo() {
        return Err(io::Error::other("it is a pipe, not a file"));
    }
    Ok(file)
}

/// The content of a file that may be missing, but not be larger than `limit` bytes.
///
/// # Errors
/// When it exists and can't be read, or is larger, or is a pipe.
pub fn read_if_there(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, FileError> {
    patiently(|| content_of(path, open(path), limit))
}

/// The content of a file that somebody named: it may be a pipe, and may be missing.
///
/// # Errors
/// When it exists and can't be read, or is larger than `limit` bytes.
pub fn read_named(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, FileError> {
    content_of(path, File::open(path), limit)
}

fn content_of(
    path: &Path,
    opened: io::Result<File>,
    limit: u64,
) -> Result<Option<Vec<u8>>, FileError> {
    let file = match opened {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(FileError::at("open", path))?,
    };
    let mut content = Vec::with_capacity(AT_ONCE);
    file.take(limit.saturating_add(1))
        .read_to_end(&mut content)
        .map_err(FileError::at("read", path))?;
    if u64::try_from(content.len()).is_ok_and(|length| length > limit) {
        let error = io::Error::new(ErrorKind::FileTooLarge, format!("larger than {limit} bytes"));
        return Err(FileError::at("read", path)(error));
    }
    Ok(Some(content))
}

/// The first bytes of a file, at most `limit`.
///
/// # Errors
/// When it can't be read.
pub fn read_head(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    patiently(|| {
        let mut head = Vec::with_capacity(AT_ONCE);
        let file = open(path).map_err(FileError::at("open", path))?;
        file.take(limit).read_to_end(&mut head).map_err(FileError::at("read", path))?;
        Ok(head)
    })
}

/// Adds one to the number that the file's length stands for; gives back the new one. Whoever
/// else does so at the same time gets another.
///
/// # Errors
/// When the file can't be written.
pub fn tally(path: &Path) -> Result<u64, FileError> {
    let mut options = OpenOptions::new();
    let mut file = options
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map_err(FileError::at("open", path))?;
    file.write_all(b".").map_err(FileError::at("write", path))?;
    // Appending leaves this description behind its own byte.
    file.stream_position().map_err(FileError::at("read", path))
}

/// Moves a file.
///
/// # Errors
/// When renaming fails.
pub fn move_to(from: &Path, to: &Path) -> Result<(), FileError> {
    fs::rename(from, to).map_err(FileError::at("move", from))
}

/// Removes a file; one that is gone already is no error.
///
/// # Errors
/// When it is there and can't be removed.
pub fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        // Of what isn't there, a read-only file system says that it is read-only.
        Err(error) if error.kind() != ErrorKind::NotFound && is_there(path) => {
            Err(FileError::at("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// Removes what nobody will miss.
pub fn remove_quietly(path: &Path) {
    let _ = fs::remove_file(path);
}

/// What tells the file at `path` from any that was there before: numbers are used again,
/// moments are not.
#[must_use]
pub fn identity(path: &Path) -> Option<String> {
    let there = fs::metadata(path).ok()?;
    let made = there.created().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(format!("{}:{}", there.ino(), made.as_nanos()))
}

/// Whether something is there, link or not. What can't be looked at counts as there: only
/// the kernel's word that it is missing makes it missing.
#[must_use]
pub fn is_there(path: &Path) -> bool {
    let looked_at = fs::symlink_metadata(path);
    !looked_at
        .is_err_and(|error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory))
}

/// Whether a folder is there.
#[must_use]
pub fn is_folder(path: &Path) -> bool {
    path.is_dir()
}

/// Whether a file has an execute bit.
#[must_use]
pub fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.mode() & 0o111 != 0)
}
