//! What systemd says about its units.

use std::path::Path;

use super::{files, tool};

/// Whether systemd runs this machine (`sd_booted(3)`).
#[must_use]
pub fn is_running() -> bool {
    files::is_folder(Path::new("/run/systemd/system"))
}

/// How a unit stands, in systemd's words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unit {
    /// `loaded`, `not-found`, `masked` …
    pub load: String,
    /// `active`, `inactive`, `failed` …
    pub active: String,
    /// Why it failed, or `success`.
    pub result: String,
    /// `enabled`, `disabled`, `static` …
    pub file: String,
}

/// Asks systemd how a unit stands.
///
/// # Errors
/// When it can't be asked.
pub fn unit(name: &str) -> Result<Unit, String> {
    let properties = "--property=LoadState,ActiveState,Result,UnitFileState";
    let said = tool::output(&["/usr/bin/systemctl", "show", properties, name].map(String::from))?;
    let value = |key: &str| {
        let of_key = |line: &str| line.strip_prefix(key)?.strip_prefix('=').map(String::from);
        said.lines().find_map(of_key).unwrap_or_default()
    };
    Ok(Unit {
        load: value("LoadState"),
        active: value("ActiveState"),
        result: value("Result"),
        file: value("UnitFileState"),
    })
}
