//! What stands at a path, link or not; and putting files, folders and links there.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;

use super::files::{self, FileError};

/// Largest file that is looked into, in bytes.
const LARGEST: u64 = 1 << 20;

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thing {
    /// Nothing.
    Nothing,
    /// A folder.
    Folder,
    /// A regular file, with its content.
    File(Vec<u8>),
    /// A symbolic link, and where it leads.
    Link(PathBuf),
    /// A device, pipe or socket.
    Other,
    /// Something that can't be read, and why.
    Unreadable(String),
}

/// Looks at a path without following a link that stands there.
#[must_use]
pub fn look(path: &Path) -> Thing {
    let kind = match fs::symlink_metadata(path) {
        Ok(meta) => meta.file_type(),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Thing::Nothing;
        }
        Err(error) => return Thing::Unreadable(FileError::at("look at", path)(error).to_string()),
    };
    if kind.is_dir() {
        return Thing::Folder;
    }
    if kind.is_symlink() {
        return match fs::read_link(path) {
            Ok(to) => Thing::Link(to),
            Err(error) => {
                Thing::Unreadable(FileError::at("read the link", path)(error).to_string())
            }
        };
    }
    if !kind.is_file() {
        return Thing::Other;
    }
    match files::read_if_there(path, LARGEST) {
        Ok(Some(content)) => Thing::File(content),
        Ok(None) => Thing::Nothing,
        Err(error) => Thing::Unreadable(error.to_string()),
    }
}

/// Whether a file may be run by its owner.
#[must_use]
pub fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.mode() & 0o100 != 0)
}

/// When a file was last written, in seconds before now.
#[must_use]
pub fn age(path: &Path) -> Option<u64> {
    Some(fs::metadata(path).ok()?.modified().ok()?.elapsed().ok()?.as_secs())
}

/// When a file was last written.
#[must_use]
pub fn written(path: &Path) -> Option<jiff::Timestamp> {
    fs::metadata(path).ok()?.modified().ok()?.try_into().ok()
}

/// Why this process could not write a file at this path, or into the folder there; nothing
/// if it could, or could make what is missing.
#[must_use]
pub fn why_not_writable(path: &Path) -> Option<FileError> {
    use nix::unistd::{AccessFlags, access};
    let mut there = path;
    while !files::is_there(there) {
        there = there.parent()?;
    }
    let cant = FileError::at::<io::Error>("write to", there);
    if there != path && !there.is_dir() {
        return Some(cant(ErrorKind::NotADirectory.into()));
    }
    if let Err(errno) = access(there, AccessFlags::W_OK) {
        return Some(cant(errno.into()));
    }
    let is_full =
        statvfs(there).is_ok_and(|disk| disk.blocks() > 0 && disk.blocks_available() == 0);
    is_full.then(|| cant(ErrorKind::StorageFull.into()))
}

/// Makes a folder for all to read.
///
/// # Errors
/// When it can't be made.
pub fn make_folder(path: &Path) -> Result<(), FileError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(path)
        .map_err(FileError::at("make the folder", path))
}

/// Removes the folder of a link that enabled a unit if that was the last, as systemctl does.
pub fn remove_empty_wants(link: &Path) {
    let folder = link.parent().filter(|folder| {
        folder.extension().is_some_and(|kind| kind == "wants" || kind == "requires")
    });
    // One that is not empty stays.
    let _ = folder.map(fs::remove_dir);
}

/// Removes a folder; one that is not empty stays.
pub fn remove_if_empty(folder: &Path) {
    let _ = fs::remove_dir(folder);
}

/// Makes a symbolic link where nothing is.
///
/// # Errors
/// When something is there, or the link can't be made.
pub fn make_link(path: &Path, to: &Path) -> Result<(), FileError> {
    symlink(to, path).map_err(FileError::at("make the link", path))
}

/// Writes a file whole. One that is there keeps its mode and its owner; a new one that begins
/// as programs do may be run.
///
/// # Errors
/// When it can't be written, or is a link: that would be replaced, and has no mode. What was
/// there is unchanged then.
pub fn write(path: &Path, content: &[u8]) -> Result<(), FileError> {
    if let Ok(to) = fs::read_link(path) {
        let error = format!("it is a link to {}: edit that by hand", to.display());
        return Err(FileError::at("write", path)(io::Error::other(error)));
    }
    let mut name = OsStr::new(".").to_owned();
    name.push(path.file_name().unwrap_or_default());
    name.push(".netcue-new");
    let aside = path.with_file_name(name);
    let written = write_aside(&aside, path, content)
        .and_then(|()| fs::rename(&aside, path))
        .map_err(FileError::at("write", path));
    if written.is_err() {
        files::remove_quietly(&aside);
    }
    written
}

fn write_aside(aside: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(aside)?;
    file.write_all(content)?;
    let (mode, owner) = match fs::symlink_metadata(path) {
        Ok(meta) => (meta.mode() & 0o7777, Some((meta.uid(), meta.gid()))),
        Err(_) if content.starts_with(b"#!") => (0o755, None),
        Err(_) => (0o644, None),
    };
    if let Some((uid, gid)) = owner {
        std::os::unix::fs::fchown(&file, Some(uid), Some(gid))?;
    }
    file.set_permissions(Permissions::from_mode(mode))?;
    file.sync_all()
}
