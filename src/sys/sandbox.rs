//! Namespaces of this process's own, and a network made in them.
//!
//! They keep what a hook does to the network, and to files, from the machine. They are no
//! cage for somebody who means harm: devices and other processes are still there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};

use super::files::FileError;

/// Where hooks may write within a root, onto folders of the sandbox's own.
const WRITABLE: [&str; 4] = ["run", "tmp", "var/log", "var/lib"];

/// Takes this process into network and mount namespaces of its own, and into a user
/// namespace if it isn't root: all files are read-only there but `/run`, `/tmp`, `/var/log`
/// and `/var/lib` under `root`, which are empty and end with it.
///
/// # Errors
/// When the kernel doesn't let us.
pub fn enter(root: &Path) -> Result<(), FileError> {
    let (user, group) = (geteuid(), getegid());
    let mut flags = CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS;
    if !user.is_root() {
        flags |= CloneFlags::CLONE_NEWUSER;
    }
    let namespaces = Path::new("/proc/self/ns");
    unshare(flags).map_err(|errno| FileError::at("leave", namespaces)(errno.into()))?;
    if !user.is_root() {
        write("/proc/self/setgroups", "deny")?;
        write("/proc/self/uid_map", &format!("0 {user} 1"))?;
        write("/proc/self/gid_map", &format!("0 {group} 1"))?;
    }
    settle_mounts(root)
}

fn write(path: &str, text: &str) -> Result<(), FileError> {
    fs::write(path, text).map_err(FileError::at("write", Path::new(path)))
}

fn settle_mounts(root: &Path) -> Result<(), FileError> {
    let none: Option<&str> = None;
    let at = |path: &Path, errno: nix::Error| FileError::at("mount", path)(errno.into());
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    let slash = Path::new("/");
    mount(none, slash, none, private, none).map_err(|errno| at(slash, errno))?;
    // This network's own settings; the others under /proc/sys are the machine's.
    let settings = Path::new("/proc/sys/net");
    mount(Some(settings), settings, none, MsFlags::MS_BIND, none)
        .map_err(|errno| at(settings, errno))?;
    for (path, held) in
        mounts().map_err(FileError::at("read", Path::new("/proc/self/mountinfo")))?
    {
        if path == settings {
            continue;
        }
        let flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY | held;
        match mount(none, &path, none, flags, none) {
            // Hidden below another mount, or gone.
            Err(nix::Error::EINVAL | nix::Error::ENOENT | nix::Error::EACCES) => {}
            Err(errno) if path == slash => return Err(at(&path, errno)),
            _ => {}
        }
    }
    for folder in WRITABLE {
        let path = root.join(folder);
        if path.is_dir() {
            let options = Some("mode=0755");
            mount(Some("tmpfs"), &path, Some("tmpfs"), MsFlags::MS_NOSUID, options)
                .map_err(|errno| at(&path, errno))?;
        }
    }
    Ok(())
}

/// Where something is mounted, with the flags that a remount has to repeat.
fn mounts() -> io::Result<Vec<(PathBuf, MsFlags)>> {
    let text = fs::read_to_string("/proc/self/mountinfo")?;
    let mounts = text.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(4);
        let path = unescaped(fields.next()?);
        let mut flags = MsFlags::empty();
        for option in fields.next()?.split(',') {
            flags |= match option {
                "nosuid" => MsFlags::MS_NOSUID,
                "nodev" => MsFlags::MS_NODEV,
                "noexec" => MsFlags::MS_NOEXEC,
                "noatime" => MsFlags::MS_NOATIME,
                "nodiratime" => MsFlags::MS_NODIRATIME,
                "relatime" => MsFlags::MS_RELATIME,
                _ => MsFlags::empty(),
            };
        }
        Some((path, flags))
    });
    Ok(mounts.collect())
}

/// A path as mountinfo has it, with spaces and the like in octal.
fn unescaped(text: &str) -> PathBuf {
    let mut path = text.to_owned();
    for (code, c) in [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")] {
        path = path.replace(code, c);
    }
    PathBuf::from(path)
}

/// Gives lines to `ip -batch`, which goes on after one that fails. What it said about
/// those comes back.
///
/// # Errors
/// When ip(8) can't be run.
pub fn ip_batch(lines: &[String]) -> io::Result<String> {
    let output = duct::cmd("ip", ["-force", "-batch", "-"])
        .full_env([("PATH", super::invocation::PATH)])
        .stdin_bytes(lines.join("\n") + "\n")
        .stdout_null()
        .stderr_capture()
        .unchecked()
        .run()?;
    Ok(String::from_utf8_lossy(&output.stderr).into_owned())
}
