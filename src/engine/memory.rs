//! What the engine last put in, and the kernel's generation then.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::sys::{identity, whole_file};

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
}

impl Memory {
    /// What holds here and now.
    pub(super) fn new(generation: u32, text: String) -> Self {
        Self { boot: identity::boot(), namespace: identity::network_namespace(), generation, text }
    }

    /// Reads the file; a file that is missing or makes no sense is no memory.
    pub(super) fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&whole_file::read(path).ok()?).ok()
    }

    /// Replaces the file.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        whole_file::replace(path, &serde_json::to_vec(self)?)
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

    /// The rules in nft's syntax.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}
