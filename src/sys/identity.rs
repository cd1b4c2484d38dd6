//! Which boot and which network namespace this is.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::OnceLock;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

/// The random name the kernel gave to this boot (`random(4)`); empty where /proc is missing.
#[must_use]
pub fn boot() -> &'static str {
    static BOOT: OnceLock<String> = OnceLock::new();
    BOOT.get_or_init(|| {
        fs::read_to_string("/proc/sys/kernel/random/boot_id")
            .map(|id| id.trim_end().to_owned())
            .unwrap_or_default()
    })
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

/// netcue's own application id, for [`machine`]; made up once, and never changed.
const APPLICATION: Uuid = Uuid::from_u128(0x6e65_7463_7565_4d0a_9b1f_27c4_58e0_3d61);

/// The name of a machine that no other has, in 32 hexadecimal digits, and that does not tell
/// the machine's id itself, which machine-id(5) calls confidential. It is what
/// `systemd-id128 machine-id --app-specific` prints for netcue's application id: half of
/// an HMAC-SHA256 over that, with the machine's id as the key, marked as a version 4 UUID.
/// None where the machine has no id.
#[must_use]
pub fn machine(file: &Path) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let id = Uuid::try_parse(text.trim_end()).ok().filter(|id| !id.is_nil())?;
    let mut mac = Hmac::<Sha256>::new_from_slice(id.as_bytes()).ok()?;
    mac.update(APPLICATION.as_bytes());
    let code = mac.finalize().into_bytes();
    let half: [u8; 16] = *code.first_chunk()?;
    let name = uuid::Builder::from_random_bytes(half).into_uuid();
    Some(name.simple().to_string())
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
    of_file(Path::new("/proc/thread-self/ns/net"))
}

/// Device and inode of a file; empty where it is missing.
pub(super) fn of_file(path: &Path) -> String {
    fs::metadata(path).map(|file| format!("{}:{}", file.dev(), file.ino())).unwrap_or_default()
}
