//! Somebody who reads the documents and types what they show, at a machine with netcue
//! installed on it that keeps nothing of what was done there.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::call::Call;
use crate::scene::{Scene, run, text_of, wait_until, write_file};
use crate::show::follows;

/// Where the reader sits.
const HOME: &str = "/tmp/reader";

/// What a login on Debian has.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The reader, and the machine.
pub(crate) struct Reader {
    pub(crate) scene: Scene,
}

impl Reader {
    /// At a gateway with `ppp0` to the outside and `eth0` inside, without netcue.
    pub(crate) fn new() -> Self {
        let scene = Scene::on_this_machine();
        // The last is where what is laid over the others lies.
        scene.lay_over("/usr").lay_over("/var/lib").lay_over("/tmp");
        run("rm", ["-rf", HOME, "/tmp/try", "/tmp/package", "/etc/netcue", "/usr/sbin/netcue"]);
        run("rm", ["-rf", "/usr/lib/netcue", "/usr/local/lib/netcue"]);
        run("mkdir", [HOME, "/dev/pts"]);
        run("mount", ["-t", "devpts", "-o", "ptmxmode=0666", "none", "/dev/pts"]);
        run("ln", ["-s", "pts/ptmx", "/dev/ptmx"]);
        let cables = [
            "ppp0 index 7 192.0.2.7/32",
            "eth0 index 8 192.168.7.1/24",
            "eth1 index 9 203.0.113.65/26",
            "guest0 index 10 192.168.9.1/24",
        ];
        for cable in cables {
            let (link, address) = cable.rsplit_once(' ').expect("an address");
            let name = link.split(' ').next().expect("a name");
            scene.ip(&format!("link add {link} type veth peer name {name}-far"));
            scene.ip(&format!("link set {name}-far up"));
            scene.ip(&format!("link set {name} up"));
            scene.ip(&format!("address add {address} dev {name}"));
        }
        scene.ip("route add default dev ppp0");
        Self { scene }
    }

    /// The same, with netcue installed.
    pub(crate) fn installed() -> Self {
        let reader = Self::new();
        reader.makes("make install");
        reader
    }

    /// Types it into a shell.
    pub(crate) fn types(&self, text: &str) -> Call {
        let mut call = Call::through("/bin/sh", self.scene.root()).words(["-euc", text]);
        call.command().current_dir(HOME);
        call.env("PATH", PATH).env("HOME", HOME)
    }

    /// Types it, and it goes well; what it printed.
    pub(crate) fn sees(&self, text: &str) -> String {
        self.types(text).any_stdout().run().stdout
    }

    /// Types it, and finds each of these in what it printed.
    pub(crate) fn finds(&self, text: &str, parts: &[&str]) {
        let call =
            parts.iter().fold(self.types(text).any_stdout(), |call, part| call.stdout_has(part));
        call.run();
    }

    /// Types it in the folder with the source, where the program is built already: with
    /// PROGRAM given, `make` builds no other.
    pub(crate) fn makes(&self, text: &str) {
        let mut call = self.types(text).any_stdout().env("PROGRAM", crate::call::NETCUE);
        let ours = std::env::vars().filter(|(name, _)| name != "PROGRAM");
        call.command().envs(ours).current_dir(env!("CARGO_MANIFEST_DIR"));
        call.run();
    }

    /// Types what doesn't end by itself, waits until it watches, lets something happen, and
    /// interrupts it when it has shown a line; what it showed.
    pub(crate) fn watches(&self, text: &str, happens: impl FnOnce()) -> String {
        let path = Path::new(HOME).join("shown");
        let shown = File::create(&path).expect("a file");
        let mut call = self.types(&format!("exec {text}"));
        let mut child = call.command().stdout(shown).spawn().expect("a shell");
        follows(child.id());
        happens();
        let shown = || fs::read_to_string(&path).expect("text");
        wait_until("a line to be shown", || shown().ends_with('\n'));
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process"));
        kill(pid, Signal::SIGINT).expect("interrupted");
        let ended = child.wait().expect("an end");
        assert_eq!(ended.signal(), Some(Signal::SIGINT as i32), "{ended}");
        shown()
    }

    /// Puts a file in its place.
    pub(crate) fn writes(&self, path: &str, text: &str) -> &Self {
        write_file(&Path::new(HOME).join(path), text.as_bytes(), 0o644);
        self
    }

    /// Puts a program in its place.
    pub(crate) fn writes_program(&self, path: &str, text: &str) -> &Self {
        write_file(&Path::new(HOME).join(path), text.as_bytes(), 0o755);
        self
    }

    /// pppd's own script is called as pppd calls it, and all that follows from it is over.
    pub(crate) fn link_goes(&self, script: &str, local: &str, remote: &str) {
        let script = format!("/etc/ppp/{script}");
        let words = [&script, "ppp0", "ttyS0", "115200", local, remote, ""];
        self.types("\"$@\"").word("pppd").words(words).run();
        self.is_over();
    }

    /// [`Self::link_goes`] up, with IPv4.
    pub(crate) fn link_comes_up(&self) {
        self.link_goes("ip-up", "192.0.2.7", "192.0.2.1");
    }

    /// Waits for what goes on, hooks that hold nobody included.
    pub(crate) fn is_over(&self) {
        self.scene.settled();
        wait_until("hooks that hold nobody to end", || {
            self.scene.names_in("run/netcue/unattended").is_empty()
        });
    }

    /// Whether netcue's table is there.
    pub(crate) fn has_rules(&self) -> bool {
        self.scene.nft("list tables").contains("table inet netcue\n")
    }

    /// The last event of the journal.
    pub(crate) fn last_event(&self) -> serde_json::Value {
        self.scene.records("accepted").pop().expect("an event")["event"].clone()
    }

    /// The time of the last event as people here write it.
    pub(crate) fn minute_of_the_last_event(&self) -> String {
        let time = text_of(&self.last_event()["time"]);
        self.sees(&format!("date -d {time} +%H:%M")).trim().to_owned()
    }

    /// What it does changes nothing: no rule, and no record of the journal.
    pub(crate) fn changes_nothing(&self, looks: impl FnOnce()) {
        let now = || {
            self.is_over();
            (self.scene.rules(), self.scene.journal().len())
        };
        let before = now();
        looks();
        assert_eq!(now(), before);
    }
}
