//! Namespaces: going into somebody else's network and coming back, and what of the machine's
//! files is hidden from us.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::sched::{CloneFlags, setns};

use super::identity;

/// The root of the machine's first process, whatever our own mount namespace has.
const MACHINE: &str = "/proc/1/root";

/// Where the machine has what is something else at `path` for us: a unit may give its processes
/// a `/run` of their own. None where there is no difference, where we are not told, and where our
/// root is another: that is another machine, which has its own netcue.
#[must_use]
pub fn hidden(path: &Path) -> Option<PathBuf> {
    let what = |path: &Path| fs::metadata(path).ok().map(|it| (it.dev(), it.ino()));
    let there = Path::new(MACHINE).join(path.strip_prefix("/").ok()?);
    let is_hidden = what(Path::new(MACHINE))? == what(Path::new("/"))?
        && what(&there).is_some_and(|machines| what(path) != Some(machines));
    is_hidden.then_some(there)
}

/// This thread is in another network namespace until this is dropped.
#[derive(Debug)]
pub struct Elsewhere {
    home: File,
}

/// Why a namespace can't be gone into.
#[derive(Debug, thiserror::Error)]
pub enum Unreachable {
    /// No process is left in it, and it has no name.
    #[error("the network namespace it came from ({0}) has gone")]
    Gone(String),
    /// The kernel refused.
    #[error("can't enter the network namespace it came from ({name}): {source}")]
    Refused {
        /// Which.
        name: String,
        /// What the kernel said.
        source: io::Error,
    },
}

/// Goes into the network namespace of that name, given as [`identity::network_namespace`] gives
/// it. None if this is the one we are in.
///
/// The way in is one of its processes, or the name that `ip netns` gave it: a namespace that
/// has neither can't be reached by anybody.
///
/// # Errors
/// When it has gone or the kernel lets us not in.
pub fn enter(name: &str) -> Result<Option<Elsewhere>, Unreachable> {
    if name == identity::network_namespace() {
        return Ok(None);
    }
    let Some(way) = ways().find(|way| identity::of_file(way) == name) else {
        return Err(Unreachable::Gone(name.to_owned()));
    };
    let refused = |source| Unreachable::Refused { name: name.to_owned(), source };
    let home = File::open("/proc/thread-self/ns/net").map_err(refused)?;
    let there = File::open(way).map_err(refused)?;
    setns(there, CloneFlags::CLONE_NEWNET).map_err(|errno| refused(errno.into()))?;
    // The process whose namespace it was may have ended in between, and its number be another's.
    let elsewhere = Elsewhere { home };
    if name == identity::network_namespace() {
        Ok(Some(elsewhere))
    } else {
        Err(Unreachable::Gone(name.to_owned()))
    }
}

/// Every way into a network namespace: the named ones, then those of processes.
fn ways() -> impl Iterator<Item = PathBuf> {
    let below = |folder: &str| fs::read_dir(folder).into_iter().flatten().flatten();
    let named = ["/run/netns", "/run/docker/netns"].into_iter().flat_map(below);
    let of_processes = below("/proc").filter(|entry| {
        entry.file_name().as_encoded_bytes().first().is_some_and(u8::is_ascii_digit)
    });
    named.map(|entry| entry.path()).chain(of_processes.map(|entry| entry.path().join("ns/net")))
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        // It was ours a moment ago, and the kernel has no reason to refuse it.
        let _ = setns(&self.home, CloneFlags::CLONE_NEWNET);
    }
}
