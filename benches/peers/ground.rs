//! The ground on which both sides run: a root with hooks, and links in a namespace.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sched::{CloneFlags, unshare};
use tempfile::TempDir;

use super::Outcome;
use super::cost::Job;
use super::floor;

/// The script that netcue is measured against, where rules have to change.
const SCRIPT: &str = include_str!("gateway.sh");

/// The machine's address in the second network inside, and that network as nft writes it.
const SECOND: &str = "192.168.77.1/24";
const SECOND_NETWORK: &str = "192.168.77.0/24";

/// What the hooks are.
#[derive(Clone, Copy)]
pub(crate) enum HookKind {
    /// `#!/bin/sh` and `exit 0`.
    Script,
    /// A link to `/bin/true`.
    True,
}

impl HookKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Script => "#!/bin/sh",
            Self::True => "/bin/true",
        }
    }
}

/// A root and a namespace.
pub(crate) struct Ground {
    root: TempDir,
    /// The program that is measured.
    pub(crate) netcue: PathBuf,
    script: PathBuf,
    floor: PathBuf,
    /// Whether the second network inside is there.
    has_second: Cell<bool>,
}

/// Rules are about to be changed and links made: never on the machine itself, however
/// this was started.
pub(crate) fn leave_the_machine() -> Outcome {
    unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS)?;
    command("mount", &["--make-rprivate", "/"])
}

impl Ground {
    pub(crate) fn lay() -> Outcome<Self> {
        let root = tempfile::Builder::new().prefix("netcue-bench-").tempdir()?;
        // What /run is on a machine.
        let run = root.path().join("run");
        fs::create_dir_all(&run)?;
        command("mount", &["-t", "tmpfs", "-o", "mode=755", "tmpfs", &run.to_string_lossy()])?;
        for line in [
            "link set lo up",
            "link add uplink0 type veth peer name uplink0-far",
            "link add uplink1 type veth peer name uplink1-far",
            "link add lan0 type veth peer name lan0-far",
            "address add 198.51.100.2/24 dev uplink0",
            "address add 203.0.113.2/24 dev uplink1",
            "address add 192.168.1.1/24 dev lan0",
            "link set uplink0 up",
            "link set uplink0-far up",
            "link set uplink1 up",
            "link set uplink1-far up",
            "link set lan0 up",
            "link set lan0-far up",
        ] {
            ip(line)?;
        }
        let netcue = std::env::var_os("NETCUE")
            .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_netcue")), PathBuf::from);
        let script = root.path().join("gateway.sh");
        fs::create_dir_all(root.path().join("var/log"))?;
        let floor = floor::build(root.path())?;
        let ground = Self { netcue, script, floor, has_second: Cell::new(false), root };
        put_program(&ground.script, SCRIPT)?;
        ground.hooks(0, HookKind::Script)?;
        ip("route add default dev uplink0")?;
        Ok(ground)
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    fn hook_folder(&self) -> PathBuf {
        self.path("etc/netcue/hooks.d")
    }

    /// Puts so many hooks in place of those that were there.
    pub(crate) fn hooks(&self, count: usize, kind: HookKind) -> Outcome {
        let folder = self.hook_folder();
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        for number in 0..count {
            // Above 50, as most hooks are.
            let hook = folder.join(format!("6{number:02}-hook"));
            match kind {
                HookKind::Script => put_program(&hook, "#!/bin/sh\nexit 0\n")?,
                HookKind::True => symlink(fs::canonicalize("/bin/true")?, &hook)?,
            }
        }
        Ok(())
    }

    /// Puts a hook of that text in place, and no others.
    pub(crate) fn hook(&self, name: &str, text: &str) -> Outcome {
        self.hooks(0, HookKind::Script)?;
        put_program(&self.hook_folder().join(name), text)
    }

    /// Puts a second network on the inside, or takes it away: other rules are called for.
    pub(crate) fn change_inside(&self) -> Outcome {
        let verb = if self.has_second.get() { "delete" } else { "add" };
        self.has_second.set(!self.has_second.get());
        ip(&format!("address {verb} {SECOND} dev lan0"))
    }

    fn root_word(&self) -> String {
        self.root.path().to_string_lossy().into_owned()
    }

    fn call(&self) -> Job {
        Job::new(&self.netcue).word("--root").word(self.root_word()).words(["from", "ppp"])
    }

    /// One event, handled in the calling process.
    pub(crate) fn event(&self) -> Job {
        let words = ["uplink0", "/dev/ttyS0", "115200", "198.51.100.2", "198.51.100.1"];
        self.call().word("ip-up").words(words)
    }

    /// The same of the other interface.
    pub(crate) fn other_event(&self) -> Job {
        let words = ["uplink1", "/dev/ttyS1", "115200", "203.0.113.2", "203.0.113.1"];
        self.call().word("ip-up").words(words)
    }

    /// An event whose caller waits for the rules alone.
    pub(crate) fn rules_only(&self) -> Job {
        let words = ["uplink0", "/dev/ttyS0", "115200", "198.51.100.2", "198.51.100.1"];
        self.call().word("ip-pre-up").words(words)
    }

    pub(crate) fn floor(&self) -> Job {
        Job::new(&self.floor).word(self.root_word())
    }

    pub(crate) fn run_parts(&self) -> Job {
        Job::new("/usr/bin/run-parts")
            .words(["--arg=uplink0", "--arg=up"])
            .word(self.hook_folder().to_string_lossy())
    }

    pub(crate) fn script(&self) -> Job {
        Job::new(&self.script).word(self.root_word()).words(["uplink0", "up"])
    }

    /// The rules in force must be those of the networks there are inside now.
    pub(crate) fn expect_rules_of_now(&self) -> Outcome {
        let words = ["list", "set", "inet", "netcue", "internal4"];
        let listed = Command::new("nft").args(words).output()?;
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        if text.contains(SECOND_NETWORK) == self.has_second.get() {
            return Ok(());
        }
        Err(format!("the rules are not those of the networks inside: {text}").into())
    }

    fn journal(&self) -> PathBuf {
        self.path("var/log/netcue/journal.jsonl")
    }

    fn count_in_journal(&self, mark: &str) -> Outcome<usize> {
        let count = |path: PathBuf| -> Outcome<usize> {
            match fs::read_to_string(path) {
                Ok(text) => Ok(text.matches(mark).count()),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
                Err(error) => Err(error.into()),
            }
        };
        let rotated =
            (1..=4).map(|number| self.path(&format!("var/log/netcue/journal.jsonl.{number}")));
        std::iter::once(self.journal()).chain(rotated).map(count).sum()
    }

    /// Outcomes on record: events of which every step ended well.
    pub(crate) fn outcomes(&self) -> Outcome<usize> {
        self.count_in_journal(r#""record":"outcome","outcome":"done""#)
    }

    /// Events on record that changed the rules.
    pub(crate) fn changes(&self) -> Outcome<usize> {
        self.count_in_journal(r#""record":"step-end","step":"50-rules","outcome":"changed""#)
    }

    /// Every event must have been handled, and well: a fast failure is not fast.
    pub(crate) fn expect_outcomes(&self, before: usize, wanted: usize, what: &str) -> Outcome {
        let found = self.outcomes()? - before;
        let waiting = fs::read_dir(self.path("run/netcue/queue"))?.count();
        if (found, waiting) == (wanted, 0) {
            return Ok(());
        }
        Err(format!("{what}: {found} of {wanted} events are done, {waiting} wait").into())
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let _ = command("umount", &[&self.path("run").to_string_lossy()]);
    }
}

fn put_program(path: &Path, text: &str) -> Outcome {
    fs::write(path, text)?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
}

/// Runs `ip` with the words of a line.
pub(crate) fn ip(line: &str) -> Outcome {
    command("ip", &line.split(' ').collect::<Vec<_>>())
}

/// Runs a command that has to succeed.
pub(crate) fn command(name: &str, words: &[&str]) -> Outcome {
    let status = Command::new(name).args(words).status()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{name} {}: {status}", words.join(" ")).into())
    }
}
