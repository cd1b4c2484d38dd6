//! Every path of netcue's own, all under one root.

use std::path::{Path, PathBuf};

/// Where things stand: `/` on a machine, another folder under `--root`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
}

impl Default for Layout {
    fn default() -> Self {
        Self::under("/")
    }
}

impl Layout {
    /// See [`Layout::hook_folders`].
    const HOOK_FOLDERS: [&str; 4] = [
        "usr/lib/netcue/hooks.d",
        "usr/local/lib/netcue/hooks.d",
        "run/netcue/hooks.d",
        "etc/netcue/hooks.d",
    ];

    /// All paths under `root`.
    #[must_use]
    pub fn under(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where a path of the machine is.
    #[must_use]
    pub fn below(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// The root itself: the trust check ends there.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `/etc/netcue/netcue.conf`.
    #[must_use]
    pub fn configuration(&self) -> PathBuf {
        self.root.join("etc/netcue/netcue.conf")
    }

    /// `/etc/netcue/rules.d`: the administrator's own rules.
    #[must_use]
    pub fn own_rules(&self) -> PathBuf {
        self.root.join("etc/netcue/rules.d")
    }

    /// `/etc/netcue/enabled`: one flag file per source that is on.
    #[must_use]
    pub fn enabled(&self) -> PathBuf {
        self.root.join("etc/netcue/enabled")
    }

    /// The hook folders, the packages' first, the administrator's last. Where two hold a
    /// file of the same name, the later folder wins.
    #[must_use]
    pub fn hook_folders(&self) -> Vec<PathBuf> {
        Self::HOOK_FOLDERS.iter().map(|folder| self.root.join(folder)).collect()
    }

    /// `/run/netcue`: what lives as long as this boot.
    #[must_use]
    pub fn runtime(&self) -> PathBuf {
        self.root.join("run/netcue")
    }

    /// `/run/netcue/rules.lock`: held by whoever makes rules, in an event's turn or ahead of it.
    #[must_use]
    pub fn rules_lock(&self) -> PathBuf {
        self.runtime().join("rules.lock")
    }

    /// `/run/netcue/rules-ahead`: for each event that waits, how its rules were changed ahead.
    #[must_use]
    pub fn rules_ahead(&self) -> PathBuf {
        self.runtime().join("rules-ahead")
    }

    /// `/run/netcue/lock`: held by the one run; never deleted.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.runtime().join("lock")
    }

    /// `/run/netcue/queue`: events accepted and not finished.
    #[must_use]
    pub fn queue(&self) -> PathBuf {
        self.runtime().join("queue")
    }

    /// `/run/netcue/inbox`: the socket of netcue's own unit.
    #[must_use]
    pub fn inbox(&self) -> PathBuf {
        self.runtime().join("inbox")
    }

    /// `/run/netcue/failed`: events set aside.
    #[must_use]
    pub fn failed(&self) -> PathBuf {
        self.runtime().join("failed")
    }

    /// `/run/netcue/unattended`: hooks that hold nobody, until their end is on record.
    #[must_use]
    pub fn unattended(&self) -> PathBuf {
        self.runtime().join("unattended")
    }

    /// `/run/netcue/unattended.places`: a byte for each of those hooks that may run at a time,
    /// locked by the process that runs it.
    #[must_use]
    pub fn unattended_places(&self) -> PathBuf {
        self.runtime().join("unattended.places")
    }

    /// `/run/netcue/causes`: for each event that others go back to, how many.
    #[must_use]
    pub fn causes(&self) -> PathBuf {
        self.runtime().join("causes")
    }

    /// `/run/netcue/unrecorded.jsonl`: what the journal had no room for.
    #[must_use]
    pub fn unrecorded(&self) -> PathBuf {
        self.runtime().join("unrecorded.jsonl")
    }

    /// `/run/netcue/follow-ups`: interfaces whose end was announced, until it has come.
    #[must_use]
    pub fn follow_ups(&self) -> PathBuf {
        self.runtime().join("follow-ups")
    }

    /// `/run/netcue/netcue.conf.good`: the last configuration that could be used.
    #[must_use]
    pub fn good_configuration(&self) -> PathBuf {
        self.runtime().join("netcue.conf.good")
    }

    /// `/run/netcue/rules.json`: the rules last put in, and the kernel's generation then.
    #[must_use]
    pub fn rules(&self) -> PathBuf {
        self.runtime().join("rules.json")
    }

    /// `/run/netcue/watch.json`: what `netcue watch` has told of the kernel's state.
    #[must_use]
    pub fn watch(&self) -> PathBuf {
        self.runtime().join("watch.json")
    }

    /// `/run/netcue/watch.lock`: held by the one process that watches.
    #[must_use]
    pub fn watch_lock(&self) -> PathBuf {
        self.runtime().join("watch.lock")
    }

    /// `/run/netcue/met.json`: the digest of the kernel's state recorded last.
    #[must_use]
    pub fn met(&self) -> PathBuf {
        self.runtime().join("met.json")
    }

    /// `/run/netcue/met-whole.json`: the state recorded whole last, to tell the next by what
    /// is different.
    #[must_use]
    pub fn met_whole(&self) -> PathBuf {
        self.runtime().join("met-whole.json")
    }

    /// `/var/lib/netcue/metrics.json`: what `netcue metrics` has counted so far.
    #[must_use]
    pub fn metrics(&self) -> PathBuf {
        self.root.join("var/lib/netcue/metrics.json")
    }

    /// `/var/lib/netcue/metrics.lock`: held while counting.
    #[must_use]
    pub fn metrics_lock(&self) -> PathBuf {
        self.root.join("var/lib/netcue/metrics.lock")
    }

    /// `/var/lib/netcue/trial.json`: a configuration that holds until it is confirmed, or its
    /// time is over.
    #[must_use]
    pub fn trial(&self) -> PathBuf {
        self.root.join("var/lib/netcue/trial.json")
    }

    /// `/var/lib/netcue/cursors`: up to where events have been handed on, a file per name.
    #[must_use]
    pub fn cursors(&self) -> PathBuf {
        self.root.join("var/lib/netcue/cursors")
    }

    /// `/etc/machine-id`: see machine-id(5).
    #[must_use]
    pub fn machine_id(&self) -> PathBuf {
        self.root.join("etc/machine-id")
    }

    /// `/var/log/netcue/journal.jsonl`.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.root.join("var/log/netcue/journal.jsonl")
    }
}
