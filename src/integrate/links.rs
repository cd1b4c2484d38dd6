//! A link to the program at a place that has to be free, and files that are all ours: put in,
//! taken out, and told from what others made.

use std::path::{Path, PathBuf};

use super::{Change, Seen, Spot, Step, is_program, program};
use crate::sys::place::Thing;

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

/// Where a link to the program stands here, if one does.
pub(super) fn linked(seen: &Seen, at: &Path) -> Option<Spot> {
    match seen.at(at) {
        Thing::Link(to) if is_program(to) => Some(Spot::link(at, to)),
        _ => None,
    }
}

/// A text that names the program, with the path that it has on this machine.
pub(super) fn for_this_machine(seen: &Seen, text: &str) -> String {
    text.replace("/usr/sbin/netcue", program(seen))
}

/// Whether a file says what ours says, wherever the program was when it was written.
pub(super) fn is_our_file(seen: &Seen, at: &Path, text: &str) -> bool {
    let written = |program: &&str| text.replace("/usr/sbin/netcue", program);
    let there = seen.text(at);
    there.is_some_and(|there| super::PROGRAMS.iter().any(|program| written(program) == there))
}

/// A file of ours at a place that is free or ours.
pub(super) fn put(seen: &Seen, at: &'static str, text: &str) -> Step {
    let content = for_this_machine(seen, text);
    match seen.at(at) {
        Thing::Nothing => Step::Do(Change::Write { at: at.into(), content: content.into_bytes() }),
        Thing::File(there) if there == content.as_bytes() => {
            Step::Already(format!("{at} is there"))
        }
        Thing::File(_) if is_our_file(seen, Path::new(at), text) => {
            Step::Do(Change::Write { at: at.into(), content: content.into_bytes() })
        }
        other => Step::Refused(foreign(Path::new(at), other)),
    }
}

/// Takes out a file of ours, and leaves anything else.
pub(super) fn take(seen: &Seen, at: &'static str, text: &str) -> Step {
    match seen.at(at) {
        Thing::Nothing => Step::Already(format!("{at} is not there")),
        Thing::File(_) if is_our_file(seen, Path::new(at), text) => {
            Step::Do(Change::Remove(at.into()))
        }
        other => Step::Refused(foreign(Path::new(at), other)),
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
