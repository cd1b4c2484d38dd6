//! The flags in `/etc/netcue/enabled`: a file per source that is on.

use std::path::PathBuf;

use super::{Change, Seen, Step, Wish};
use crate::sources::{ALL, Source};
use crate::sys::place::Thing;

const FOLDER: &str = "/etc/netcue/enabled";

/// The file that is there while a source is on.
#[must_use]
pub fn flag(source: &Source) -> PathBuf {
    PathBuf::from(FOLDER).join(source.name.as_str())
}

pub(super) fn look_at(paths: &mut Vec<PathBuf>) {
    paths.push(FOLDER.into());
    paths.extend(ALL.iter().map(|source| flag(source)));
}

/// Whether a source is on: without a folder of flags every one is.
#[must_use]
pub fn is_on(seen: &Seen, source: &Source) -> bool {
    *seen.at(FOLDER) != Thing::Folder || seen.has(flag(source))
}

/// Where there is no folder yet, it comes with a flag for every source, since all were on.
pub(super) fn plan(seen: &Seen, wishes: &[Wish]) -> Vec<(&'static str, Step)> {
    let Some(first) = wishes.first() else { return Vec::new() };
    let name = first.source.name.as_str();
    match seen.at(FOLDER) {
        Thing::Folder => {
            wishes.iter().map(|wish| (wish.source.name.as_str(), one(seen, wish))).collect()
        }
        Thing::Nothing => {
            let all = "without that folder every source was on, so each gets its flag";
            let mut steps = vec![
                (name, Step::Do(Change::MakeFolder(FOLDER.into()))),
                (name, Step::Say(all.to_owned())),
            ];
            let is_off = |source: &Source| {
                wishes.iter().any(|wish| wish.source.name == source.name && !wish.on)
            };
            for source in ALL.iter().filter(|source| !is_off(source)) {
                steps.push((name, Step::Do(write(source))));
            }
            steps
        }
        _ => {
            let why = format!("{FOLDER} is not a folder: remove it, and every source is on");
            vec![(name, Step::Refused(why))]
        }
    }
}

fn one(seen: &Seen, wish: &Wish) -> Step {
    let flag = flag(wish.source);
    match (wish.on, seen.has(&flag)) {
        (true, false) => Step::Do(write(wish.source)),
        (false, true) => Step::Do(Change::Remove(flag)),
        (true, true) => Step::Already(format!("{} is there", flag.display())),
        (false, false) => Step::Already(format!("{} is not there", flag.display())),
    }
}

fn write(source: &Source) -> Change {
    Change::Write { at: flag(source), content: Vec::new() }
}
