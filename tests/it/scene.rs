//! A machine to try netcue on: a throw-away root, a network namespace of the test
//! thread's own, and the real program.

mod installed;
mod journal;

pub(crate) use journal::words_of;

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, unshare};
use serde_json::Value;

use crate::call::{Call, NETCUE, Ran};
use crate::machine::Overlay;

/// A root and a network namespace. A new one takes the calling thread out of the last.
pub(crate) struct Scene {
    root: PathBuf,
    /// What is laid over the machine's folders, where the machine itself is the root.
    overlay: Option<Overlay>,
    /// Removed with the scene.
    _folder: tempfile::TempDir,
}

impl Scene {
    /// An empty root owned by root, and a network with nothing but `lo`.
    pub(crate) fn new() -> Self {
        unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace");
        let folder = tempfile::Builder::new().prefix("netcue-").tempdir().expect("a folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("chmod");
        let scene = Self { root: folder.path().to_owned(), overlay: None, _folder: folder };
        scene.ip("link set lo up");
        scene
    }

    /// This machine as the calling thread, and what it starts, sees it from now on: /etc
    /// can be written and keeps nothing, /run, /var/log and /dev are empty but for what
    /// they need.
    pub(crate) fn on_this_machine() -> Self {
        let overlay = Overlay::new();
        Self { root: PathBuf::from("/"), overlay: Some(overlay), ..Self::new() }
    }

    /// Lets one more of this machine's folders be written to, and keep nothing.
    pub(crate) fn lay_over(&self, path: &str) -> &Self {
        self.overlay.as_ref().expect("a scene on this machine").lay_over(path);
        self
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A path under the root, given without its leading slash.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root().join(below)
    }

    /// Puts an executable into `etc/netcue/hooks.d`.
    pub(crate) fn hook(&self, name: &str, text: impl AsRef<[u8]>) -> &Self {
        self.hook_in("etc/netcue/hooks.d", name, text, 0o755)
    }

    /// Writes a file anybody may read.
    pub(crate) fn put(&self, below: &str, text: &str) {
        write_file(&self.path(below), text.as_bytes(), 0o644);
    }

    /// Makes a link, with the folders above it.
    pub(crate) fn link(&self, below: &str, to: impl AsRef<Path>) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        symlink(to, path).expect("a link");
    }

    /// Gives a file or folder another mode.
    pub(crate) fn chmod(&self, below: &str, mode: u32) {
        fs::set_permissions(self.path(below), fs::Permissions::from_mode(mode)).expect("chmod");
    }

    /// Puts a file into a folder under the root.
    pub(crate) fn hook_in(
        &self,
        folder: &str,
        name: &str,
        text: impl AsRef<[u8]>,
        mode: u32,
    ) -> &Self {
        write_file(&self.path(folder).join(name), text.as_ref(), mode);
        self
    }

    /// Puts in a hook that names its event in `begun` and then waits for [`Scene::open`].
    pub(crate) fn gated_hook(&self, name: &str, header: &str) -> &Self {
        let root = self.root().display();
        self.hook(
            name,
            format!(
                "#!/bin/sh\n{header}\necho \"$NETCUE_ID\" >>{root}/begun\n\
                 until [ -e {root}/open ]; do sleep 0.02; done\n"
            ),
        )
    }

    /// Waits until gated hooks have begun so many times.
    pub(crate) fn begun(&self, times: usize) {
        let what = format!("{times} beginnings of a gated hook");
        wait_until(&what, || self.text("begun").lines().count() >= times);
    }

    /// Lets gated hooks through.
    pub(crate) fn open(&self) {
        write_file(&self.path("open"), b"", 0o644);
    }

    /// Writes `netcue.conf`.
    pub(crate) fn config(&self, toml: &str) -> &Self {
        self.put("etc/netcue/netcue.conf", toml);
        self
    }

    /// netcue with these words, under this root.
    pub(crate) fn netcue(&self, words: impl IntoIterator<Item: AsRef<OsStr>>) -> Call {
        Call::of(self.root()).words(["--root"]).word(self.root()).words(words)
    }

    /// The call `netcue from …`, words split at spaces.
    pub(crate) fn calling(&self, call: &str) -> Call {
        self.netcue(["from"]).words(call.split_whitespace())
    }

    /// That call, with each of its sleeps in poll(2) written to `trace`.
    pub(crate) fn traced(&self, call: &str) -> Call {
        Call::through("strace", self.root())
            .words(["-qq", "-e", "trace=poll", "-o"])
            .word(self.path("trace"))
            .words([NETCUE, "--root"])
            .word(self.root())
            .words(["from"])
            .words(call.split_whitespace())
    }

    /// That call, run to its end.
    pub(crate) fn from(&self, call: &str) -> Ran {
        self.calling(call).run()
    }

    /// The call [`IP_UP`], run to its end.
    pub(crate) fn ip_up(&self) -> Ran {
        self.from(IP_UP)
    }

    /// The names of the events that wait.
    pub(crate) fn queue(&self) -> Vec<String> {
        self.names_in("run/netcue/queue")
    }

    /// The names in a folder, sorted; none where there is no folder.
    pub(crate) fn names_in(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path(folder)) else { return Vec::new() };
        let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
        let mut names: Vec<String> =
            entries.map(|entry| name(entry).into_string().expect("UTF-8")).collect();
        names.sort();
        names
    }

    /// What a hook or a test wrote under the root; nothing if it isn't there yet.
    pub(crate) fn text(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).unwrap_or_default()
    }

    /// The processes called with this root: number and program.
    pub(crate) fn processes(&self) -> Vec<(i32, String)> {
        processes_with(&self.root().display().to_string())
    }

    /// Waits until nothing waits, every event has its outcome and the lock is free.
    pub(crate) fn settled(&self) {
        wait_until("the queue to be empty and the lock free", || {
            self.queue().is_empty() && self.lock_is_free()
        });
    }

    /// Whether nobody holds the lock right now; asking takes nothing from anybody.
    pub(crate) fn lock_is_free(&self) -> bool {
        crate::lock::is_free(&self.path("run/netcue/lock"))
    }

    /// Runs ip(8) in this network.
    #[expect(
        clippy::unused_self,
        reason = "the network is that of the thread which made the scene"
    )]
    pub(crate) fn ip(&self, words: &str) -> String {
        run("ip", words.split_whitespace())
    }

    /// Runs nft(8) in this network; the whole text is one command line.
    #[expect(
        clippy::unused_self,
        reason = "the network is that of the thread which made the scene"
    )]
    pub(crate) fn nft(&self, command: &str) -> String {
        run("nft", [command])
    }

    /// All rules in this network, without what packets have done to their counters meanwhile.
    #[expect(
        clippy::unused_self,
        reason = "the network is that of the thread which made the scene"
    )]
    pub(crate) fn rules(&self) -> String {
        run("nft", ["--stateless", "list", "ruleset"])
    }

    /// A gateway that is alone in the world: `wan` with a default route to
    /// 198.51.100.1, `lan` with 192.168.7.1/24.
    pub(crate) fn gateway(&self) -> &Self {
        crate::places::gateway();
        self
    }

    /// A gateway with a hook that writes to `ran` how the rules are.
    pub(crate) fn telling_gateway() -> Self {
        let scene = Self::new();
        let ran = scene.path("ran");
        scene
            .gateway()
            .hook("70-a", script(&format!("echo \"$NETCUE_RULES\" >>{}", ran.display())));
        scene
    }

    /// The best that can come of [`IP_UP`] there: the rules stand and the hook ran, once.
    pub(crate) fn assert_handled(&self) {
        assert_eq!(self.text("ran"), "changed\n");
        assert!(self.nft("list table inet netcue").contains("masquerade"));
    }
}

/// What pppd says when a link is up, as words of `from`.
pub(crate) const IP_UP: &str = "ppp ip-up ppp0 /dev/ttyS0 115200 203.0.113.5 203.0.113.1 provider";

/// How long anything may take on a busy machine before a test gives up on it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The text of a hook for the shell.
pub(crate) fn script(lines: &str) -> String {
    format!("#!/bin/sh\n{lines}\n")
}

/// Whether a process of that number, as a hook wrote it, lives and is no zombie.
pub(crate) fn lives(pid: &str) -> bool {
    let pid: i32 = pid.trim().parse().expect("a pid");
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.trim().is_empty() && !rest.starts_with(" Z"))
}

/// The processes that were called with that word: number and program.
pub(crate) fn processes_with(word: &str) -> Vec<(i32, String)> {
    let called_with_it = |pid: i32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).into_owned();
        let mut words = line.split('\0');
        let program = words.next()?.to_owned();
        words.any(|other| other == word).then_some((pid, program))
    };
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(called_with_it).collect()
}

/// Asks again and again until it is so.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A JSON string, or the text of any other value.
pub(crate) fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// Runs a tool that has to succeed; gives back what it printed.
pub(crate) fn run(tool: &str, words: impl IntoIterator<Item: Into<String>>) -> String {
    let words: Vec<String> = words.into_iter().map(Into::into).collect();
    let output = Command::new(tool).args(&words).stdin(Stdio::null()).output().expect(tool);
    succeeded(&format!("{tool} {}", words.join(" ")), &output);
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Writes a file in a process of its own: a descriptor open for writing here could be
/// inherited by what another thread is starting, and then the kernel runs no such hook.
pub(crate) fn write_file(path: &Path, content: &[u8], mode: u32) {
    let mut child = Command::new("install")
        .args(["-D", "-m", &format!("{mode:o}"), "/proc/self/fd/0"])
        .arg(path)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("install");
    child.stdin.take().expect("a pipe").write_all(content).expect("written");
    succeeded("install", &child.wait_with_output().expect("install"));
}

fn succeeded(what: &str, output: &Output) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {}: {stderr}", output.status);
}
