//! The house around the play: makes the temporary folder, starts the play as a process of
//! its own, cleans up behind it, and falls back to paper where there is no stage.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};

use crate::outcome::{During, NO_STAGE, Result, Verdict};
use crate::paper;

/// The word by which the demo starts itself as the gateway.
pub(crate) const ROLE: &str = "--as-gateway";

/// The file in which the gateway tells why it has no stage.
pub(crate) const REASON: &str = "no-stage";

/// Plays the day in namespaces, or on paper where there are none.
pub(crate) fn play() -> Result<Verdict> {
    let folder = tempfile::Builder::new()
        .prefix("netcue-demo-")
        .tempdir()
        .during("making a temporary folder")?;
    // Ctrl-C reaches the play as well; we stay to clean up behind it.
    signal_hook::flag::register(nix::libc::SIGINT, Arc::new(AtomicBool::new(false)))
        .during("watching for SIGINT")?;
    let status = Command::new("/proc/self/exe")
        .arg(ROLE)
        .arg(folder.path())
        .stdin(Stdio::null())
        .status()
        .during("starting the gateway")?;
    match status.code() {
        Some(0) => Ok(Verdict::Holds),
        Some(code) if code == i32::from(NO_STAGE) => {
            let reason = std::fs::read_to_string(folder.path().join(REASON)).unwrap_or_default();
            play_on_paper(&reason)
        }
        _ => Ok(Verdict::Fails),
    }
}

/// Plays the day without a network.
pub(crate) fn play_on_paper(reason: &str) -> Result<Verdict> {
    paper::play(reason)
}

/// Takes this process into namespaces of its own, as root within them.
pub(crate) fn enter() -> Result<()> {
    let own = CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS;
    let (user, group) = (geteuid(), getegid());
    if user.is_root() && unshare(own).is_ok() {
        return Ok(());
    }
    unshare(own | CloneFlags::CLONE_NEWUSER).during("this kernel gives us no namespaces")?;
    // Without this a group map is refused to whoever isn't root outside.
    let mapping = |file: &str, text: &str| {
        let path = Path::new("/proc/self").join(file);
        std::fs::write(&path, text).during(&path.display().to_string())
    };
    mapping("setgroups", "deny")?;
    mapping("gid_map", &format!("0 {group} 1"))?;
    mapping("uid_map", &format!("0 {user} 1"))
}
