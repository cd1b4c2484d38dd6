//! The real netcue program, run with a root of its own as callers run it, and what its
//! journal says afterwards.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use netcue::config;
use netcue::event::Event;
use netcue::journal::{self, Journal, Reach, Story};
use netcue::paths::Layout;

use crate::calls::Call;
use crate::outcome::{During, Result};

/// The hooks of the day: name and content.
pub(crate) const HOOKS: [(&str, &str); 3] = [
    ("20-printer", include_str!("hooks/20-printer")),
    ("60-herald", include_str!("hooks/60-herald")),
    ("80-farewell", include_str!("hooks/80-farewell")),
];

/// The program and the folder that stands for `/` to it.
#[derive(Debug)]
pub(crate) struct Netcue {
    program: PathBuf,
    /// Where everything of it is.
    pub(crate) layout: Layout,
}

/// The program beside this example: `target/PROFILE/netcue`.
fn program() -> Result<PathBuf> {
    let own = std::env::current_exe().during("finding this program")?;
    let program = own.parent().and_then(Path::parent).map(|folder| folder.join("netcue"));
    match program {
        Some(program) if program.exists() => Ok(program),
        _ => Err("there is no netcue beside this example: run \"make demo\"".into()),
    }
}

impl Netcue {
    /// The program alone, for what needs no folder.
    pub(crate) fn bare() -> Result<Self> {
        Ok(Self { program: program()?, layout: Layout::default() })
    }

    /// Makes the folders and puts the hooks in place, as an administrator would.
    pub(crate) fn install(root: &Path) -> Result<Self> {
        use std::os::unix::fs::PermissionsExt;
        let folder = root.join("etc/netcue/hooks.d");
        std::fs::create_dir_all(&folder).during("making the hook folder")?;
        for (name, content) in HOOKS {
            let hook = folder.join(name);
            std::fs::write(&hook, content).during(name)?;
            std::fs::set_permissions(&hook, PermissionsExt::from_mode(0o755)).during(name)?;
        }
        // Whatever the umask is here: root's folders are writable by root alone.
        let mut above = Some(folder.as_path());
        while let Some(folder) = above.filter(|folder| *folder != root) {
            std::fs::set_permissions(folder, PermissionsExt::from_mode(0o755))
                .during("a folder")?;
            above = folder.parent();
        }
        Ok(Self { program: program()?, layout: Layout::under(root) })
    }

    /// Makes a call and does not wait for it.
    pub(crate) fn start(&self, call: &Call) -> Result<Child> {
        Command::new(&self.program)
            .arg("--root")
            .arg(self.layout.root())
            .arg("from")
            .args(&call.words)
            .env_clear()
            .envs(call.env.iter().map(|(name, value)| (name, value)))
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .during("starting netcue")
    }

    /// Makes a call and returns what the journal says about its event.
    pub(crate) fn call(&self, call: &Call) -> Result<Story> {
        let status = self.start(call)?.wait().during("waiting for netcue")?;
        if !status.success() {
            return Err(format!("{}: {status}", call.text()).into());
        }
        let last = self.stories(1)?.pop();
        last.ok_or_else(|| "the journal is empty".into())
    }

    /// The newest stories of the journal, newest first.
    pub(crate) fn stories(&self, most: usize) -> Result<Vec<Story>> {
        let found = journal::look_back(&self.journal(), Reach::default(), most, |_| true);
        Ok(found.during("reading the journal")?.stories)
    }

    /// The journal.
    pub(crate) fn journal(&self) -> Journal {
        Journal::of(&self.layout, &config::Journal::default())
    }

    /// The event that a call would become; nothing is changed.
    pub(crate) fn parse(&self, call: &Call) -> Result<Event> {
        let parsed = Command::new(&self.program)
            .arg("parse")
            .args(&call.words)
            .env_clear()
            .envs(call.env.iter().map(|(name, value)| (name, value)))
            .output()
            .during("starting netcue")?;
        Event::from_json(&parsed.stdout).during(&call.text())
    }

    /// Has a command for people print, on the same terminal.
    pub(crate) fn show(&self, words: &[&str]) -> Result<()> {
        Command::new(&self.program)
            .arg("--root")
            .arg(self.layout.root())
            .args(words)
            .status()
            .during("starting netcue")?;
        Ok(())
    }
}
