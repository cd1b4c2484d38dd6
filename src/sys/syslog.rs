//! One line for whoever keeps the logs: on stderr, or to syslog where stderr leads nowhere.

use std::io::Write;
use std::os::unix::fs::MetadataExt;

use nix::sys::stat::fstat;
use nix::syslog::{Facility, LogFlags, Priority, Severity, openlog, syslog};

/// How urgent a line is; the numbers are those of syslog(3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// Something has to be done: 3.
    Error,
    /// Something may have to be done: 4.
    Warning,
    /// It went as it should: 6.
    Info,
}

impl Urgency {
    fn number(self) -> u8 {
        match self {
            Self::Error => 3,
            Self::Warning => 4,
            Self::Info => 6,
        }
    }

    fn severity(self) -> Severity {
        match self {
            Self::Error => Severity::LOG_ERR,
            Self::Warning => Severity::LOG_WARNING,
            Self::Info => Severity::LOG_INFO,
        }
    }
}

/// Where stderr leads.
enum Stderr {
    /// To the systemd journal, which reads `<N>` as the urgency.
    Journal,
    /// To nobody.
    Nowhere,
    /// To a person, a file or a caller's log.
    Somebody,
}

/// Says one line. `use_syslog` is off under another root, which has no syslog of its own.
pub fn say(urgency: Urgency, line: &str, use_syslog: bool) {
    let line = super::terminal::harmless(line);
    let mut stderr = std::io::stderr().lock();
    // A log that can't be written is no reason to fail, and there is nobody to tell.
    let _ = match stderr_leads_to() {
        Stderr::Journal => writeln!(stderr, "<{}>netcue: {line}", urgency.number()),
        Stderr::Somebody => writeln!(stderr, "netcue: {line}"),
        Stderr::Nowhere if use_syslog => {
            let _ = openlog(Some(c"netcue"), LogFlags::LOG_PID, Facility::LOG_DAEMON);
            let _ = syslog(Priority::new(urgency.severity(), Facility::LOG_DAEMON), line.as_str());
            Ok(())
        }
        Stderr::Nowhere => Ok(()),
    };
}

fn stderr_leads_to() -> Stderr {
    let Ok(ours) = fstat(std::io::stderr()) else { return Stderr::Nowhere };
    let journal = std::env::var("JOURNAL_STREAM").unwrap_or_default();
    if journal == format!("{}:{}", ours.st_dev, ours.st_ino) {
        return Stderr::Journal;
    }
    match std::fs::metadata("/dev/null") {
        Ok(null) if null.rdev() == ours.st_rdev => Stderr::Nowhere,
        _ => Stderr::Somebody,
    }
}
