//! What lies in a folder, and who could change a file: read as plain data, judged elsewhere.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use walkdir::WalkDir;

use super::files::{self, FileError, patiently};

/// The names in a folder, in the order of their bytes; none if there is no such folder.
///
/// # Errors
/// When something of that name is there and can't be read, such as a link to nothing.
pub fn names(folder: &Path) -> Result<Vec<OsString>, FileError> {
    let mut names = match patiently(|| list(folder).map_err(FileError::at("list", folder))) {
        Err(error) if is_missing(&error) && !files::is_there(folder) => Vec::new(),
        listed => listed?,
    };
    names.sort_unstable();
    Ok(names)
}

/// That is also what is said of a link to nothing, and of a file in the folder's place.
fn is_missing(error: &FileError) -> bool {
    matches!(error.source.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn list(folder: &Path) -> io::Result<Vec<OsString>> {
    // Below a file there is nothing to walk through, which would be no error.
    if !fs::metadata(folder)?.is_dir() {
        return Err(ErrorKind::NotADirectory.into());
    }
    let entries = WalkDir::new(folder).min_depth(1).max_depth(1).into_iter();
    let error_of = |error: walkdir::Error| {
        // The kernel's own number tells whether it passes.
        error.into_io_error().unwrap_or_else(|| io::Error::other("a loop of links"))
    };
    entries.map(|entry| Ok(entry.map_err(error_of)?.file_name().to_owned())).collect()
}

/// What a path component is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A device, pipe or socket.
    Other,
}

/// One file, folder or link on the way to a file, as `lstat` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its path.
    pub path: PathBuf,
    /// What it is.
    pub kind: Kind,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Permission bits, with set-id and sticky.
    pub mode: u32,
    /// Length in bytes.
    pub size: u64,
}

/// The way to a file with every link followed: all that could be changed to make the
/// path lead elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// Folders and links in the order in which the kernel passes them, then the end.
    pub parts: Vec<Part>,
    /// Where the way ends, with no link in it.
    pub end: PathBuf,
}

/// Most links on a way, as in the kernel (`MAXSYMLINKS`).
const MOST_LINKS: usize = 40;

/// Follows paths part by part. Folders strictly above its root don't count, unless a link
/// leads out of the root by way of them, and
/// no folder is looked at twice: what lies in one folder has the same way to it.
#[derive(Debug)]
pub struct Guide {
    root: PathBuf,
    /// Folders seen so far; none for one above the root. Paths are compared as bytes: they
    /// are made part by part here, and each has one form only.
    folders: BTreeMap<OsString, Option<Part>>,
}

impl Guide {
    /// A guide that has seen nothing yet.
    #[must_use]
    pub fn below(root: &Path) -> Self {
        Self { root: root.components().collect(), folders: BTreeMap::new() }
    }

    /// Follows `path` to its end.
    ///
    /// # Errors
    /// When a part is missing or can't be read, or there are too many links.
    pub fn way_to(&mut self, path: &Path) -> Result<Way, FileError> {
        let mut parts = Vec::new();
        let mut end = PathBuf::from("/");
        let mut links = 0;
        let mut todo: Vec<OsString> = reversed_parts(path);
        parts.extend(self.look_at(&end)?);
        while let Some(name) = todo.pop() {
            if name == ".." {
                end.pop();
                continue;
            }
            let next = end.join(&name);
            let Some(part) = self.look_at(&next)? else {
                end = next;
                continue;
            };
            if !is_within(&next, &self.root) {
                parts.extend(self.above_on_the_way_to(&next)?);
            }
            let is_link = part.kind == Kind::Link;
            parts.push(part);
            if is_link {
                links += 1;
                if links > MOST_LINKS {
                    let error = io::Error::other("too many levels of symbolic links");
                    return Err(FileError::at("follow", path)(error));
                }
                let target = fs::read_link(&next).map_err(FileError::at("read the link", &next))?;
                if target.is_absolute() {
                    end = PathBuf::from("/");
                }
                todo.extend(reversed_parts(&target));
            } else {
                end = next;
            }
        }
        Ok(Way { parts, end })
    }

    /// The folders above the root, for a way that leads out of it by a link: there they
    /// count like any other.
    fn above_on_the_way_to(&self, path: &Path) -> Result<Vec<Part>, FileError> {
        let above = |folder: &&Path| is_within(&self.root, folder) && self.root != *folder;
        let mut parts: Vec<Part> = path
            .ancestors()
            .skip(1)
            .filter(above)
            .map(look_at)
            .collect::<Result<_, FileError>>()?;
        parts.reverse();
        Ok(parts)
    }

    /// What `path` is, unless it is a folder strictly above the root.
    fn look_at(&mut self, path: &Path) -> Result<Option<Part>, FileError> {
        if let Some(known) = self.folders.get(path.as_os_str()) {
            return Ok(known.clone());
        }
        let part = look_at(path)?;
        let above = is_within(&self.root, path) && self.root.as_os_str() != path.as_os_str();
        let counts = Some(part.clone()).filter(|part| !above || part.kind == Kind::Link);
        if part.kind == Kind::Folder {
            self.folders.insert(path.as_os_str().to_owned(), counts.clone());
        }
        Ok(counts)
    }
}

/// Whether a path is that of a folder or of something below it.
fn is_within(path: &Path, folder: &Path) -> bool {
    let (path, folder) = (path.as_os_str().as_bytes(), folder.as_os_str().as_bytes());
    let below = path.strip_prefix(folder);
    below.is_some_and(|rest| rest.is_empty() || folder.ends_with(b"/") || rest.starts_with(b"/"))
}

fn reversed_parts(path: &Path) -> Vec<OsString> {
    let mut parts: Vec<OsString> = path
        .components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            _ => None,
        })
        .collect();
    parts.reverse();
    parts
}

fn look_at(path: &Path) -> Result<Part, FileError> {
    let meta = patiently(|| fs::symlink_metadata(path).map_err(FileError::at("look at", path)))?;
    let kind = match meta.file_type() {
        kind if kind.is_file() => Kind::File,
        kind if kind.is_dir() => Kind::Folder,
        kind if kind.is_symlink() => Kind::Link,
        _ => Kind::Other,
    };
    Ok(Part {
        path: path.to_owned(),
        kind,
        uid: meta.uid(),
        gid: meta.gid(),
        mode: meta.mode() & 0o7777,
        size: meta.len(),
    })
}
