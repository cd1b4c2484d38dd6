//! pppd: a link in each of Debian's folders, or in the place of the scripts themselves
//! where no wrapper is installed.

use std::path::{Path, PathBuf};

use super::links::{link, linked, unlink};
use super::{Change, Integration, Seen, Spot, Step, Wish, is_program, program};
use crate::paths::Layout;
use crate::sources::{self, Place};
use crate::sys::place::Thing;

pub(super) const INTEGRATION: Integration = Integration {
    source: &sources::PPP,
    look,
    is_installed: Some(is_installed),
    is_edited: false,
    plan,
    spots,
    missing,
    boot_advice: None,
};

const HOME: &str = "/etc/ppp";
const PROGRAMS: [&str; 2] = ["/usr/sbin/pppd", "/usr/local/sbin/pppd"];

/// A script of pppd's that has a folder beside it.
struct Script {
    /// The folder whose files Debian's wrapper runs.
    folder: &'static str,
    /// The script pppd itself runs.
    file: &'static str,
    /// The word that follows `netcue from ppp`.
    word: &'static str,
}

impl Script {
    /// First in the row, because run-parts goes by names and waits: a script before ours
    /// that hangs, or that `--exit-on-error` stops at, would keep the event from us.
    fn link(&self) -> PathBuf {
        Path::new(self.folder).join("0000netcue")
    }

    /// Where the link stood in earlier versions.
    fn former_link(&self) -> PathBuf {
        Path::new(self.folder).join("netcue")
    }
}

fn scripts() -> Vec<Script> {
    let script = |trigger: &sources::Trigger| {
        let folder = trigger.places.iter().find_map(|place| match place {
            Place::Folder(folder) => Some(*folder),
            Place::File(_) => None,
        })?;
        let file = trigger.places.iter().find_map(|place| match place {
            Place::File(file) if file.strip_suffix(".local").is_none() => Some(*file),
            _ => None,
        })?;
        Some(Script { folder, file, word: trigger.word })
    };
    sources::PPP.triggers.iter().filter_map(script).collect()
}

fn look(seen: &mut Seen, layout: &Layout) {
    seen.look_at(layout, [HOME]);
    seen.look_at(layout, PROGRAMS);
    for script in scripts() {
        seen.look_at(layout, [script.folder, script.file]);
        seen.look_at(layout, [PathBuf::from(format!("{}.local", script.file)), script.link()]);
        seen.list(layout, script.folder);
    }
}

fn is_installed(seen: &Seen) -> bool {
    seen.has(HOME) || PROGRAMS.iter().any(|path| seen.has(path))
}

/// The folders belong to Debian's wrappers. Where it has some, a script is the package's
/// to bring: dpkg would follow a link of ours to the program.
fn has_folders(seen: &Seen) -> bool {
    scripts().iter().any(|script| *seen.at(script.folder) == Thing::Folder)
}

fn plan(seen: &Seen, wish: &Wish<'_>) -> Vec<Step> {
    if wish.on { attach(seen) } else { detach(seen) }
}

fn attach(seen: &Seen) -> Vec<Step> {
    if *seen.at(HOME) != Thing::Folder {
        let text = format!("there is no {HOME}: pppd is not installed; run this again when it is");
        return vec![Step::Say(text)];
    }
    let with_folders = has_folders(seen);
    let mut steps = Vec::new();
    for script in scripts() {
        if *seen.at(script.folder) == Thing::Folder {
            steps.extend(link(seen, script.link()));
            steps.extend(former(seen, &script));
        } else if with_folders {
            steps.push(Step::Say(format!("this pppd has no {}", script.folder)));
        } else if matches!(seen.at(script.file), Thing::File(_) | Thing::Other) {
            steps.push(Step::Refused(format!(
                "{} is a script that netcue did not write: put this line into it: {} from ppp {} \
                 \"$@\"",
                script.file,
                program(seen),
                script.word
            )));
        } else {
            steps.extend(link(seen, script.file.into()));
        }
    }
    steps
}

fn former(seen: &Seen, script: &Script) -> Option<Step> {
    let at = script.former_link();
    linked(seen, &at).map(|_| Step::Do(Change::Unlink(at)))
}

fn detach(seen: &Seen) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for script in scripts() {
        if seen.has(script.link()) {
            steps.push(unlink(seen, script.link()));
        }
        steps.extend(former(seen, &script));
        // A script of somebody else's at the file's place is none of ours to take out.
        if matches!(seen.at(script.file), Thing::Link(to) if is_program(to)) {
            steps.push(unlink(seen, script.file.into()));
        }
    }
    for spot in spots(seen) {
        let is_planned =
            steps.iter().any(|step| matches!(step, Step::Do(Change::Unlink(at)) if *at == spot.at));
        if !is_planned {
            let text = format!(
                "{} leads to netcue under a name that netcue did not choose: remove it",
                spot.at.display()
            );
            steps.push(Step::Refused(text));
        }
    }
    if steps.is_empty() {
        steps.push(Step::Already(format!("no link in {HOME} leads to netcue")));
    }
    steps
}

fn spots(seen: &Seen) -> Vec<Spot> {
    seen.links()
        .filter(|(at, to)| at.starts_with(HOME) && is_program(to))
        .map(|(at, to)| Spot::link(at, to))
        .collect()
}

fn missing(seen: &Seen) -> Vec<String> {
    let mut missing = Vec::new();
    let with_folders = has_folders(seen);
    let spots = spots(seen);
    for script in scripts() {
        let file_is_ours = matches!(seen.at(script.file), Thing::Link(to) if is_program(to));
        let in_folder = spots.iter().any(|spot| spot.at.starts_with(script.folder));
        let local = format!("{}.local", script.file);
        let local_is_ours = matches!(seen.at(local), Thing::Link(to) if is_program(to));
        if file_is_ours || local_is_ours {
            continue;
        }
        if *seen.at(script.folder) == Thing::Folder {
            if !in_folder {
                missing.push(format!("no link in {}", script.folder));
            } else if !seen.has(script.file) {
                missing.push(format!("no {} that runs {}", script.file, script.folder));
            }
        } else if !with_folders && *seen.at(HOME) == Thing::Folder {
            missing.push(match seen.at(script.file) {
                Thing::Nothing => format!("no link {}", script.file),
                _ => format!("{} is not ours, and may not call netcue", script.file),
            });
        }
    }
    missing
}
