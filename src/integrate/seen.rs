//! What stands at the paths that matter for the sources, read once.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{PROGRAMS, adopt, external, flags};
use crate::paths::Layout;
use crate::sources::ALL;
use crate::sys::folder;
use crate::sys::place::{self, Thing};

/// What was seen, by the paths of the machine.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    things: BTreeMap<PathBuf, Thing>,
    names: BTreeMap<PathBuf, Vec<OsString>>,
    /// Whether the machine itself was looked at, and not another root.
    pub live: bool,
}

/// Looks at everything that matters for the sources, and at the file to be edited.
#[must_use]
pub fn look(layout: &Layout, edit: Option<&Path>) -> Seen {
    let mut seen = Seen { live: layout.root() == Path::new("/"), ..Seen::default() };
    seen.look_at(layout, PROGRAMS);
    seen.look_at(layout, [external::configuration()]);
    seen.look_at(layout, adopt::paths());
    flags::look(&mut seen, layout);
    for source in ALL {
        super::look_for(source, &mut seen, layout);
    }
    seen.look_at(layout, edit);
    seen
}

impl Seen {
    /// Takes in what stands at these paths.
    pub(super) fn look_at<P: Into<PathBuf>>(
        &mut self,
        layout: &Layout,
        paths: impl IntoIterator<Item = P>,
    ) {
        for path in paths {
            let path = path.into();
            let thing = place::look(&layout.below(&path));
            self.things.insert(path, thing);
        }
    }

    /// Takes in the names in a folder, and every link of them.
    pub(super) fn list(&mut self, layout: &Layout, folder: impl Into<PathBuf>) {
        let folder = folder.into();
        let names = folder::names(&layout.below(&folder)).unwrap_or_default();
        for name in &names {
            let path = folder.join(name);
            if let link @ Thing::Link(_) = place::look(&layout.below(&path)) {
                self.things.insert(path, link);
            }
        }
        self.names.insert(folder, names);
    }

    /// What stands at a path; nothing also where nobody looked.
    #[must_use]
    pub fn at(&self, path: impl AsRef<Path>) -> &Thing {
        self.things.get(path.as_ref()).unwrap_or(&Thing::Nothing)
    }

    /// Whether something is there.
    #[must_use]
    pub fn has(&self, path: impl AsRef<Path>) -> bool {
        *self.at(path) != Thing::Nothing
    }

    /// The text of a file, if one is there that can be read.
    #[must_use]
    pub fn text(&self, path: impl AsRef<Path>) -> Option<String> {
        match self.at(path) {
            Thing::File(content) => Some(String::from_utf8_lossy(content).into_owned()),
            _ => None,
        }
    }

    /// The text of a file that can be read and written again without a loss.
    pub(super) fn editable(&self, path: impl AsRef<Path>) -> Option<&str> {
        match self.at(path) {
            Thing::File(content) => std::str::from_utf8(content).ok(),
            _ => None,
        }
    }

    /// The names in a folder that was listed.
    pub(super) fn names(&self, folder: impl AsRef<Path>) -> &[OsString] {
        self.names.get(folder.as_ref()).map_or(&[], Vec::as_slice)
    }

    /// Every link that was seen, with where it leads.
    pub(super) fn links(&self) -> impl Iterator<Item = (&Path, &Path)> {
        self.things.iter().filter_map(|(at, thing)| match thing {
            Thing::Link(to) => Some((at.as_path(), to.as_path())),
            _ => None,
        })
    }

    /// A machine made up for a test.
    #[cfg(test)]
    pub(crate) fn made_up<const N: usize>(things: [(&str, Thing); N]) -> Self {
        let things = things.into_iter().map(|(path, thing)| (path.into(), thing)).collect();
        Self { things, ..Self::default() }
    }
}
