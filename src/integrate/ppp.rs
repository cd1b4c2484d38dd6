//! pppd: a link in each of Debian's folders, or in the place of the scripts themselves
//! where no wrapper is installed.

use std::path::{Path, PathBuf};

use super::{Attachment, Change, Seen, Spot, Step, is_program, program};
use crate::sources::{Place, find};
use crate::sys::place::Thing;

const HOME: &str = "/etc/ppp";

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
    fn link(&self) -> PathBuf {
        Path::new(self.folder).join("netcue")
    }
}

fn scripts() -> Vec<Script> {
    let triggers = find("ppp").map_or(&[][..], |source| source.triggers);
    let script = |trigger: &crate::sources::Trigger| {
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
    triggers.iter().filter_map(script).collect()
}

pub(super) fn look_at(paths: &mut Vec<PathBuf>, folders: &mut Vec<PathBuf>) {
    paths.extend([HOME, "/usr/sbin/pppd", "/usr/local/sbin/pppd"].map(PathBuf::from));
    for script in scripts() {
        paths.extend([script.folder, script.file].map(PathBuf::from));
        paths.push(format!("{}.local", script.file).into());
        paths.push(script.link());
        folders.push(script.folder.into());
    }
}

/// The folders belong to Debian's wrappers. Where it has some, a script is the package's
/// to bring: dpkg would follow a link of ours to the program.
fn has_folders(seen: &Seen) -> bool {
    scripts().iter().any(|script| *seen.at(script.folder) == Thing::Folder)
}

pub(super) fn plan(seen: &Seen, on: bool) -> Vec<Step> {
    if on { attach(seen) } else { detach(seen) }
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

/// A link to the program at a place that is free or ours.
pub(super) fn link(seen: &Seen, at: PathBuf) -> Vec<Step> {
    let to = PathBuf::from(program(seen));
    let put = Step::Do(Change::Link { at: at.clone(), to: to.clone() });
    match seen.at(&at) {
        Thing::Nothing => vec![put],
        Thing::Link(there) if *there == to => {
            vec![Step::Already(format!("{} leads to {}", at.display(), to.display()))]
        }
        Thing::Link(there) if is_program(there) => vec![Step::Do(Change::Unlink(at)), put],
        other => vec![Step::Refused(foreign(&at, other))],
    }
}

/// Takes out a link to the program, and leaves anything else.
pub(super) fn unlink(seen: &Seen, at: PathBuf) -> Step {
    match seen.at(&at) {
        Thing::Nothing => Step::Already(format!("{} is not there", at.display())),
        Thing::Link(to) if is_program(to) => Step::Do(Change::Unlink(at)),
        other => Step::Refused(foreign(&at, other)),
    }
}

fn foreign(at: &Path, thing: &Thing) -> String {
    let what = match thing {
        Thing::Link(to) => format!("is a link to {}", to.display()),
        Thing::Folder => "is a folder".to_owned(),
        Thing::Unreadable(why) => format!("can't be judged ({why})"),
        _ => "is a file".to_owned(),
    };
    format!("{} {what}, which netcue did not make: move it away, and run this again", at.display())
}

fn detach(seen: &Seen) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for script in scripts() {
        if seen.has(script.link()) {
            steps.push(unlink(seen, script.link()));
        }
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

pub(super) fn attachment(seen: &Seen) -> Attachment {
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
    let installed = ["/usr/sbin/pppd", "/usr/local/sbin/pppd", HOME].iter().any(|at| seen.has(at));
    if !installed {
        missing.clear();
    }
    Attachment { installed, spots, missing }
}
