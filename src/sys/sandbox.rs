//! Namespaces of this process's own, and a network made in them.
//!
//! They keep what a hook does to the network, to files and to processes from the machine.

use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, getegid, geteuid};

use super::files::FileError;

/// Where hooks may write within a root, onto folders of the sandbox's own.
const WRITABLE: [&str; 4] = ["run", "tmp", "var/log", "var/lib"];

/// The devices that are there.
const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];

/// Takes this process into network, mount, process and IPC namespaces of its own, and into
/// a user namespace if it isn't root: all files are read-only there but `/run`, `/tmp`,
/// `/var/log` and `/var/lib` under `root`, which are empty and end with it, as do all
/// processes. The machine's `/run` with its sockets is hidden, and `/dev` has the harmless
/// devices only.
///
/// Of what is out of sight then, the `lent` files are put in their places again.
///
/// Who comes back from here is a child; the caller's own process waits for it and ends as
/// it does.
///
/// # Errors
/// When the kernel doesn't let us.
pub fn enter(root: &Path, lent: &[&Path]) -> Result<(), FileError> {
    let (user, group) = (geteuid(), getegid());
    let mut flags = CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWIPC;
    if !user.is_root() {
        flags |= CloneFlags::CLONE_NEWUSER;
    }
    let namespaces = Path::new("/proc/self/ns");
    unshare(flags).map_err(FileError::at("leave", namespaces))?;
    if !user.is_root() {
        write("/proc/self/setgroups", "deny")?;
        write("/proc/self/uid_map", &format!("0 {user} 1"))?;
        write("/proc/self/gid_map", &format!("0 {group} 1"))?;
    }
    become_first_process().map_err(FileError::at("leave", namespaces))?;
    settle_mounts(root, lent)
}

/// A process namespace has those in it that are started after it was made. With the first
/// of them end all others.
#[expect(unsafe_code, reason = "nix marks fork as unsafe, for the sake of other threads")]
#[expect(clippy::exit, reason = "the process outside has nothing left to do")]
fn become_first_process() -> nix::Result<()> {
    // SAFETY: there is no other thread whose locks the child could find held.
    match unsafe { fork() }? {
        ForkResult::Child => prctl::set_pdeathsig(Signal::SIGKILL),
        ForkResult::Parent { child } => std::process::exit(status_of(child)?),
    }
}

fn status_of(child: Pid) -> nix::Result<i32> {
    loop {
        match waitpid(child, None) {
            Ok(WaitStatus::Exited(_, status)) => return Ok(status),
            Ok(WaitStatus::Signaled(_, signal, _)) => return Ok(128 + signal as i32),
            Ok(_) | Err(nix::Error::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

fn write(path: impl AsRef<Path>, text: &str) -> Result<(), FileError> {
    let path = path.as_ref();
    fs::write(path, text).map_err(FileError::at("write", path))
}

fn settle_mounts(root: &Path, lent: &[&Path]) -> Result<(), FileError> {
    let slash = Path::new("/");
    put(None, slash, None, MsFlags::MS_REC | MsFlags::MS_PRIVATE)?;
    let proc = Path::new("/proc");
    put(Some(proc), proc, Some("proc"), HARMLESS)?;
    // This network's own settings; the others under /proc/sys are the machine's.
    let settings = Path::new("/proc/sys/net");
    put(Some(settings), settings, None, MsFlags::MS_BIND)?;
    for (path, held) in
        mounts().map_err(FileError::at("read", Path::new("/proc/self/mountinfo")))?
    {
        if path == settings {
            continue;
        }
        let flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY | held;
        // It may be hidden below another mount, or gone.
        let remounted = put(None, &path, None, flags);
        if path == slash {
            remounted?;
        }
    }
    let lent: Vec<(&Path, fs::File)> =
        lent.iter().filter_map(|path| Some((*path, fs::File::open(path).ok()?))).collect();
    put_devices()?;
    for folder in writable(root) {
        put_empty(&folder)?;
    }
    for (path, file) in lent.iter().filter(|(path, _)| !path.exists()) {
        lend(file, path)?;
    }
    Ok(())
}

/// Where something can be written in a sandbox with this root.
#[must_use]
pub fn writable(root: &Path) -> Vec<PathBuf> {
    let runtime = (!root.starts_with("/run")).then(|| PathBuf::from("/run"));
    let mut folders: Vec<PathBuf> = runtime.into_iter().collect();
    folders.extend(WRITABLE.iter().map(|folder| root.join(folder)));
    folders.dedup();
    folders
}

/// Puts a file that is out of sight, and was opened before, in its place again.
fn lend(file: &fs::File, at: &Path) -> Result<(), FileError> {
    if let Some(folder) = at.parent() {
        fs::create_dir_all(folder).map_err(FileError::at("make the folder", folder))?;
    }
    write(at, "")?;
    let open = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    put(Some(&open), at, None, MsFlags::MS_BIND)
}

/// What no mount of the sandbox's own has to allow.
const HARMLESS: MsFlags = MsFlags::MS_NOSUID.union(MsFlags::MS_NODEV).union(MsFlags::MS_NOEXEC);

fn put(
    from: Option<&Path>,
    at: &Path,
    kind: Option<&str>,
    flags: MsFlags,
) -> Result<(), FileError> {
    let options = (kind == Some("tmpfs")).then_some("mode=0755");
    mount(from, at, kind, flags, options).map_err(FileError::at("mount", at))
}

/// A folder with nothing in it in the place of one that is there.
fn put_empty(at: &Path) -> Result<(), FileError> {
    if at.is_dir() {
        put(Some(Path::new("tmpfs")), at, Some("tmpfs"), MsFlags::MS_NOSUID)?;
    }
    Ok(())
}

/// Devices can't be made in a user namespace: those of the machine are lent, by way of
/// their open files, once its folder is out of sight.
fn put_devices() -> Result<(), FileError> {
    let folder = Path::new("/dev");
    let lent: Vec<(&str, fs::File)> = DEVICES
        .iter()
        .filter_map(|name| Some((*name, fs::File::open(folder.join(name)).ok()?)))
        .collect();
    put_empty(folder)?;
    for (name, device) in lent {
        lend(&device, &folder.join(name))?;
    }
    for (name, to) in
        [("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")]
    {
        let at = folder.join(name);
        symlink(to, &at).map_err(FileError::at("make", &at))?;
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
    let output = Command::new("ip")
        .args(["-force", "-batch", "-"])
        .env_clear()
        .env("PATH", super::invocation::PATH)
        .stdin(super::child::file_of((lines.join("\n") + "\n").as_bytes())?)
        .stdout(Stdio::null())
        .output()?;
    Ok(String::from_utf8_lossy(&output.stderr).into_owned())
}
