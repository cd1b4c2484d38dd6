//! What systemd says about its units.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::time::Duration;

use super::{files, tool};

/// Whether systemd runs this machine (`sd_booted(3)`).
#[must_use]
pub fn is_running() -> bool {
    files::is_folder(Path::new("/run/systemd/system"))
}

/// Tells who started us how we are (`sd_notify(3)`), if that wants to know.
pub fn notify(state: &str) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let bytes = path.as_encoded_bytes();
    let address = match bytes.strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(&path),
    };
    // Who does not listen does not hear it.
    let _ =
        UnixDatagram::unbound().and_then(|socket| socket.send_to_addr(state.as_bytes(), &address?));
}

/// How often who started us wants to hear that we live (`sd_watchdog_enabled(3)`).
#[must_use]
pub fn watchdog() -> Option<Duration> {
    let variable = |name| std::env::var(name).ok()?.parse::<u64>().ok();
    let is_ours = variable("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
    variable("WATCHDOG_USEC").filter(|_| is_ours).map(Duration::from_micros)
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
