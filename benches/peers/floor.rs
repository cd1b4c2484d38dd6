//! The floor: a C program that makes the system calls that netcue's promises need, and
//! decides nothing.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Outcome;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/floor.c");

/// Builds it into a folder.
pub(crate) fn build(folder: &Path) -> Outcome<PathBuf> {
    let program = folder.join("floor");
    let words = ["-O2", "-static", "-Wall", "-Wextra", "-Wno-format-truncation", "-o"];
    let status = Command::new("cc").args(words).arg(&program).arg(SOURCE).status()?;
    if status.success() { Ok(program) } else { Err(format!("cc: {status}").into()) }
}
