//! A configuration on trial: it holds for a time, and then what was before, unless somebody
//! confirms it. A note on disk says so, which whoever reads the configuration honours: nobody
//! has to be there when the time is over, also after a crash or a reboot.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::house;
use crate::config;
use crate::paths::Layout;
use crate::sys::files::{self, FileError};
use crate::sys::{child, clock, identity, systemd, tool};

/// Largest note in bytes: two configurations, whose characters may take six bytes each there.
const LARGEST: u64 = 16 * config::LARGEST;

/// The unit of systemd's that ends a trial.
const UNIT: &str = "netcue-trial";

/// How often the process that ends a trial looks whether it was confirmed.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// The note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// The boot in which it was begun: another one ends it.
    boot: String,
    /// When its time is over, by `CLOCK_BOOTTIME`.
    until_ns: u64,
    /// The configuration on trial, as a text.
    tried: String,
    /// The one before it.
    former: String,
}

impl Trial {
    /// The note, if there is one.
    #[must_use]
    pub fn read(layout: &Layout) -> Option<Self> {
        let content = files::read_if_there(&layout.trial(), LARGEST).ok()??;
        serde_json::from_slice(&content).ok()
    }

    /// Whether its time is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.boot != identity::boot() || clock::boottime_ns() >= self.until_ns
    }

    /// What holds in the place of this configuration, where that was tried and not confirmed.
    pub(super) fn instead_of(&self, text: &[u8]) -> Option<&str> {
        (self.is_over() && self.tried.as_bytes() == text).then_some(self.former.as_str())
    }
}

/// Begins a trial of the configuration that is there. Says whether there is anything to try:
/// not, if it is the one that holds already.
///
/// # Errors
/// When the configuration can't be read or the note can't be written.
pub fn begin(layout: &Layout, time: Duration) -> Result<bool, FileError> {
    let read = |path: &Path| -> Result<String, FileError> {
        let content = files::read_if_there(path, config::LARGEST)?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&content).into_owned())
    };
    let tried = read(&layout.configuration())?;
    let former = match Trial::read(layout) {
        // What has not been confirmed is not what one goes back to.
        Some(trial) if trial.tried == tried => trial.former,
        _ => read(&layout.good_configuration())?,
    };
    if former == tried {
        return Ok(false);
    }
    let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let until_ns = clock::boottime_ns().saturating_add(time);
    let trial = Trial { boot: identity::boot().to_owned(), until_ns, tried, former };
    let path = layout.trial();
    if let Some(folder) = path.parent() {
        files::make_private_folder(folder)?;
    }
    files::put_whole(&path, &serde_json::to_vec(&trial).unwrap_or_default())?;
    Ok(true)
}

/// Has somebody look at the rules again when the time is over: a timer of systemd's, or a
/// process that waits. Without either, the next event does.
///
/// # Errors
/// When neither can be started, in words.
pub fn watch_over(layout: &Layout, time: Duration) -> Result<(), String> {
    if is_systemds(layout) {
        // One of an earlier trial would come too early.
        let _ = stop_timer();
        let words = [
            "/usr/bin/systemd-run",
            "--quiet",
            "--collect",
            &format!("--unit={UNIT}"),
            &format!("--on-active={}", time.as_secs()),
            "--timer-property=AccuracySec=1s",
            "/usr/sbin/netcue",
            "rules",
            "apply",
        ];
        return tool::run(&words.map(str::to_owned));
    }
    let root = layout.root().as_os_str();
    let words = ["rules", "apply", "--after-trial"].map(std::ffi::OsStr::new);
    let words: Vec<_> = [std::ffi::OsStr::new("--root"), root].into_iter().chain(words).collect();
    child::start_detached(&words).map_err(|error| format!("can't start a process: {error}"))
}

fn is_systemds(layout: &Layout) -> bool {
    layout.root() == Path::new("/") && systemd::is_running()
}

fn stop_timer() -> Result<(), String> {
    tool::run(&["/usr/bin/systemctl", "stop", &format!("{UNIT}.timer")].map(str::to_owned))
}

/// Waits until a trial's time is over, and says whether it came to that: not, where it was
/// confirmed before.
#[must_use]
pub fn wait_out(layout: &Layout) -> bool {
    loop {
        match Trial::read(layout) {
            None => return false,
            Some(trial) if trial.is_over() => return true,
            Some(_) => clock::pause(LOOK_AGAIN),
        }
    }
}

/// Ends a trial well: the configuration holds from now on.
///
/// # Errors
/// When the note can't be removed.
pub fn confirm(layout: &Layout) -> Result<(), FileError> {
    files::remove(&layout.trial())?;
    if is_systemds(layout) {
        // Where it runs all the same, it finds nothing to do.
        let _ = stop_timer();
    }
    Ok(())
}

/// Whether the configuration can be put on trial.
///
/// # Errors
/// Why it can't be used at all, in words.
pub fn judge(layout: &Layout) -> Result<(), String> {
    house::read_configuration(layout).map(|_| ()).map_err(|unusable| unusable.to_string())
}
