//! A scene in which the program is installed, with what sources find on their machines.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use walkdir::WalkDir;

use super::{Scene, run, write_file};
use crate::call::NETCUE;

impl Scene {
    /// The program is there, and every source switched off.
    pub(crate) fn installed() -> Self {
        let scene = Self::new();
        scene.put("usr/sbin/netcue", "");
        fs::create_dir_all(scene.path("etc/netcue/enabled")).expect("a folder");
        scene
    }

    /// The program under test where an installed one would be, for this thread alone.
    pub(crate) fn installed_on_this_machine() -> Self {
        let scene = Self::on_this_machine();
        run("mount", ["-t", "tmpfs", "-o", "mode=0755", "none", "/usr/local/sbin"]);
        run("install", ["-m", "755", NETCUE, "/usr/local/sbin/netcue"]);
        scene
    }

    /// Debian's wrappers and their folders.
    pub(crate) fn with_ppp(&self) {
        self.put("usr/sbin/pppd", "");
        for name in ["ip-pre-up", "ip-up", "ip-down", "ipv6-up", "ipv6-down"] {
            let wrapper = format!(
                "#!/bin/sh\n[ ! -x /etc/ppp/{name}.local ] || exec /etc/ppp/{name}.local \"$@\"\n\
                 run-parts /etc/ppp/{name}.d --arg=\"$1\"\n"
            );
            write_file(&self.path(&format!("etc/ppp/{name}")), wrapper.as_bytes(), 0o755);
            fs::create_dir_all(self.path(&format!("etc/ppp/{name}.d"))).expect("a folder");
        }
    }

    /// The units, as far as enabling them goes.
    pub(crate) fn with_units(&self) {
        fs::create_dir_all(self.path("etc/systemd/system")).expect("a folder");
        for (stage, target) in [
            ("pre-network", "sysinit.target"),
            ("interfaces", "multi-user.target"),
            ("filesystems", "multi-user.target"),
            ("services", "multi-user.target"),
        ] {
            let text = format!("[Service]\nExecStart=/bin/true\n\n[Install]\nWantedBy={target}\n");
            self.put(&format!("usr/lib/systemd/system/netcue-boot-{stage}.service"), &text);
        }
    }

    /// All that is under the root: mode, and content or target.
    pub(crate) fn tree(&self) -> BTreeMap<PathBuf, (u32, String)> {
        WalkDir::new(self.root())
            .min_depth(1)
            .into_iter()
            .map(|entry| {
                let entry = entry.expect("an entry");
                let meta = entry.metadata().expect("metadata");
                let content = if meta.is_symlink() {
                    fs::read_link(entry.path()).expect("a link").display().to_string()
                } else if meta.is_file() {
                    String::from_utf8_lossy(&fs::read(entry.path()).expect("a file")).into_owned()
                } else {
                    String::new()
                };
                let path = entry.path().strip_prefix(self.root()).expect("below").to_owned();
                (path, (meta.mode(), content))
            })
            .collect()
    }

    /// Does `on` twice and `off`: the second time changes nothing, a dry run neither, and in
    /// the end all is as it was.
    pub(crate) fn there_and_back(&self, on: &str, off: &str) {
        let netcue = |call: &str| self.netcue(call.split(' ')).any_stdout().run();
        let before = self.tree();
        let ran = netcue(&format!("{on} --dry-run"));
        assert_eq!(self.tree(), before, "a dry run changed something");
        assert!(ran.stdout.contains(": would "), "{ran:?}");
        netcue(on);
        let there = self.tree();
        assert_ne!(there, before, "nothing was done");
        let again = netcue(on);
        assert!(again.stdout.lines().all(|line| line.contains(": already so: ")), "{again:?}");
        assert_eq!(self.tree(), there, "the second time changed something");
        netcue(off);
        assert_eq!(self.tree(), before, "not all is as it was");
    }
}
