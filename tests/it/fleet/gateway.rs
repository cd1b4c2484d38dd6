//! One gateway of a fleet: its root, its news, and how it hands them on.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::call::NETCUE;

/// How often each gateway has news, and how many events that are at a time.
pub(super) const ROUNDS: usize = 3;
pub(super) const NEWS: usize = 2;
/// Events of a gateway between two calls that are more than its journal holds.
pub(super) const TOO_MANY: usize = 12;
pub(super) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// How many gateways there are to be.
pub(super) fn size(sample: usize) -> usize {
    std::env::var("NETCUE_FLEET").map_or(sample, |number| number.parse().expect("a number"))
}

/// The program that is tried: another one where somebody names it.
pub(super) fn program() -> String {
    std::env::var("NETCUE").unwrap_or_else(|_| NETCUE.to_owned())
}

/// One of the gateways: a root of its own, with a machine-id.
#[derive(Clone, Copy)]
pub(super) struct Gateway(pub(super) usize);

impl Gateway {
    pub(super) fn root(self) -> PathBuf {
        Path::new("/srv/gateways").join(self.0.to_string())
    }

    /// Its hook fails.
    pub(super) fn fails(self) -> bool {
        self.0 % 10 == 3
    }

    /// Its journal is too small for what happens.
    pub(super) fn forgets(self) -> bool {
        self.0 % 25 == 7
    }

    pub(super) fn make(self) {
        let root = self.root();
        fs::create_dir_all(root.join("etc/netcue/hooks.d")).expect("folders");
        fs::write(root.join("etc/machine-id"), format!("{:032x}\n", self.0 + 1)).expect("an id");
        let keep = if self.forgets() { 1 } else { 20 };
        let settings = format!("[journal]\nsize = 4096\nkeep = {keep}\n");
        fs::write(root.join("etc/netcue/netcue.conf"), settings).expect("settings");
        if self.fails() {
            std::os::unix::fs::symlink("/srv/fails", root.join("etc/netcue/hooks.d/70-fails"))
                .expect("a hook");
        }
    }

    pub(super) fn netcue(self) -> Command {
        let mut command = Command::new(program());
        command.arg("--root").arg(self.root());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// How many events it has in one round.
    pub(super) fn news(self, round: usize) -> usize {
        if self.forgets() && round == 1 { TOO_MANY } else { NEWS }
    }

    pub(super) fn events(self) -> usize {
        (0..ROUNDS).map(|round| self.news(round)).sum()
    }

    pub(super) fn has_news(self, round: usize) {
        let begun: usize = (0..round).map(|round| self.news(round)).sum();
        for number in begun..begun + self.news(round) {
            let interface = format!("g{}e{number}", self.0);
            let words = ["emit", "--action", "up", "--interface", &interface];
            self.netcue().args(words).status().expect("netcue");
        }
    }

    pub(super) fn shipping(self, command: &str) -> Command {
        let mut ship = self.netcue();
        ship.args(["ship", "--cursor", "fleet", "--", command]).process_group(0);
        ship.env("HOME", "/srv/home");
        ship
    }
}
