//! Whether the kernel forwards from its start, by the files that sysctl(8) reads at the boot.

use std::path::{Path, PathBuf};

use super::chosen;
use crate::integrate::Seen;
use crate::paths::Layout;

const FOLDER: &str = "/etc/sysctl.d";
/// Read last, where it is read at all.
const FILE: &str = "/etc/sysctl.conf";

const KEYS: [&str; 3] =
    ["net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding", "net.ipv6.conf.all.forwarding"];

pub(super) fn look(seen: &mut Seen, layout: &Layout) {
    seen.list(layout, FOLDER);
    seen.look_at(layout, files(seen));
}

/// In the order in which they are read.
fn files(seen: &Seen) -> Vec<PathBuf> {
    let folder = Path::new(FOLDER);
    let mut files: Vec<PathBuf> = seen.names(folder).iter().map(|name| folder.join(name)).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "conf"));
    files.sort_unstable();
    files.push(FILE.into());
    files
}

/// What lets packets pass before the rules stand: the file and its setting, where no stage
/// before the network was chosen.
#[must_use]
pub fn opens_early(seen: &Seen) -> Option<(PathBuf, &'static str)> {
    if chosen(seen).pre_network {
        return None;
    }
    let texts: Vec<(PathBuf, String)> = files(seen)
        .into_iter()
        .filter_map(|path| seen.text(&path).map(|text| (path, text)))
        .collect();
    // Of several settings of a key the last one holds.
    let last = |key| {
        let all = texts.iter().flat_map(|(path, text)| text.lines().map(move |line| (path, line)));
        all.filter_map(|(path, line)| Some((path, value(line, key)?))).next_back()
    };
    KEYS.into_iter().find_map(|key| {
        let (path, value) = last(key)?;
        (value != "0").then(|| (path.clone(), key))
    })
}

/// What a line sets a key to.
fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let (name, value) = line.split_once('=')?;
    // A failure to set what begins so is no error.
    let name = name.trim().trim_start_matches('-').replace('/', ".");
    (name == key).then(|| value.trim())
}
