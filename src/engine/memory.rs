//! What the engine last put in, the kernel's generation then, and where interfaces were.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::own::Loaded;
use crate::sys::files::{self, FileError};
use crate::sys::identity;
use crate::sys::state::Remembered;

/// Largest file in bytes: a ruleset of some 100,000 lines.
const LARGEST: u64 = 16 << 20;

/// The rules that were in force when the generation was read.
///
/// Generations count from the boot, separately in each network namespace, so both are
/// part of what is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Memory {
    /// The random name of this boot.
    boot: String,
    /// The network namespace.
    namespace: String,
    /// The ruleset's generation.
    generation: u32,
    /// The rules, as [`super::text::text`] writes them.
    text: String,
    /// When they were last changed, as far as that is known.
    #[serde(default)]
    since: Option<Timestamp>,
    /// On which side each interface was found.
    #[serde(default)]
    sides: Vec<Remembered>,
    /// The machine's own addresses, of which connections may be known.
    #[serde(default)]
    addresses: BTreeSet<IpAddr>,
    /// What of the administrator's own rules was loaded.
    #[serde(default)]
    own: Option<Loaded>,
}

impl Memory {
    /// What holds here and now.
    pub(super) fn new(
        generation: u32,
        text: String,
        since: Option<Timestamp>,
        sides: Vec<Remembered>,
    ) -> Self {
        let (boot, namespace) = (identity::boot().to_owned(), identity::network_namespace());
        let addresses = BTreeSet::new();
        Self { boot, namespace, generation, text, since, sides, addresses, own: None }
    }

    /// With the machine's own addresses, and what of the administrator's rules was loaded.
    pub(super) fn having(self, addresses: BTreeSet<IpAddr>, own: Option<Loaded>) -> Self {
        Self { addresses, own, ..self }
    }

    /// Reads the file; a file that is missing or makes no sense is no memory.
    pub(super) fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&files::read_if_there(path, LARGEST).ok()??).ok()
    }

    /// Replaces the file.
    pub(super) fn write(&self, path: &Path) -> Result<(), FileError> {
        if let Some(folder) = path.parent() {
            files::make_private_folder(folder)?;
        }
        let content = serde_json::to_vec(self).unwrap_or_default();
        files::put_whole(path, &content)
    }

    /// Whether this was written here, in this boot.
    pub(super) fn is_of_here(&self) -> bool {
        !self.boot.is_empty()
            && self.boot == identity::boot()
            && self.namespace == identity::network_namespace()
    }

    /// The generation, which counts only with [`Memory::is_of_here`].
    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    /// The sides, which count only with [`Memory::is_of_here`].
    pub(super) fn sides(&self) -> &[Remembered] {
        &self.sides
    }

    /// The machine's own addresses, which count only with [`Memory::is_of_here`].
    pub(super) fn addresses(&self) -> &BTreeSet<IpAddr> {
        &self.addresses
    }

    /// What of the administrator's own rules was loaded.
    pub(super) fn own(&self) -> Option<&Loaded> {
        self.own.as_ref()
    }

    /// Why not all of them are.
    pub(super) fn problem(&self) -> Option<String> {
        self.own.as_ref()?.problem.clone()
    }

    /// When the rules were last changed.
    pub(super) fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// The rules in nft's syntax.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}
