//! Which boot and which network namespace this is.

use std::fs;
use std::os::unix::fs::MetadataExt;

/// The random name the kernel gave to this boot (`random(4)`); empty where /proc is missing.
#[must_use]
pub fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim_end().to_owned())
        .unwrap_or_default()
}

/// The machine's name; `localhost` where it has none.
#[must_use]
pub fn host() -> String {
    nix::unistd::gethostname()
        .ok()
        .and_then(|name| name.into_string().ok())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "localhost".to_owned())
}

/// The kernel's name and version; empty where it won't tell.
#[must_use]
pub fn kernel() -> String {
    fs::read_to_string("/proc/sys/kernel/osrelease")
        .map(|release| format!("Linux {}", release.trim_end()))
        .unwrap_or_default()
}

/// Device and inode of the calling thread's network namespace; empty where /proc is missing.
#[must_use]
pub fn network_namespace() -> String {
    fs::metadata("/proc/thread-self/ns/net")
        .map(|file| format!("{}:{}", file.dev(), file.ino()))
        .unwrap_or_default()
}
