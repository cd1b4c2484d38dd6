//! Units of systemd and init scripts of System V: whether they are enabled, and what has to
//! change for that.

use std::path::PathBuf;

use super::{Change, Seen, Spot, Step};
use crate::paths::Layout;
use crate::sys::place::Thing;

const UNITS: &str = "/usr/lib/systemd/system";
const ENABLED_UNITS: &str = "/etc/systemd/system";
const UPDATE_RC: &str = "/usr/sbin/update-rc.d";
/// There while systemd runs (`sd_booted(3)`).
const SYSTEMD_RUNS: &str = "/run/systemd/system";
const INITS: [&str; 2] = ["/sbin/init", "/usr/sbin/init"];

pub(super) fn look(seen: &mut Seen, layout: &Layout, units: &[String], scripts: &[&str]) {
    seen.look_at(layout, [UPDATE_RC, SYSTEMD_RUNS]);
    seen.look_at(layout, INITS);
    seen.look_at(layout, scripts.iter().map(|script| script_path(script)));
    seen.list(layout, "/etc/rc2.d");
    seen.list(layout, "/etc/rcS.d");
    seen.look_at(layout, units.iter().map(|unit| unit_path(unit)));
    // Each unit says itself where its links stand.
    let enabling: Vec<PathBuf> = units.iter().flat_map(|unit| links(seen, unit)).collect();
    seen.look_at(layout, enabling);
}

fn unit_path(unit: &str) -> PathBuf {
    PathBuf::from(UNITS).join(unit)
}

pub(super) fn script_path(script: &str) -> PathBuf {
    PathBuf::from("/etc/init.d").join(script)
}

pub(super) fn has_unit(seen: &Seen, unit: &str) -> bool {
    seen.has(unit_path(unit))
}

pub(super) fn has_script(seen: &Seen, script: &str) -> bool {
    seen.has(script_path(script))
}

/// The links that enable a unit.
pub(super) fn links(seen: &Seen, unit: &str) -> Vec<PathBuf> {
    let text = seen.text(unit_path(unit)).unwrap_or_default();
    let folder = PathBuf::from(ENABLED_UNITS);
    let wanted = |line: &str| {
        let (key, targets) = line.trim().split_once('=')?;
        let kind = match key.trim() {
            "WantedBy" => "wants",
            "RequiredBy" => "requires",
            _ => return None,
        };
        let links = targets
            .split_whitespace()
            .map(|target| folder.join(format!("{target}.{kind}")).join(unit))
            .collect::<Vec<_>>();
        Some(links)
    };
    text.lines().filter_map(wanted).flatten().collect()
}

/// What has to change for a unit to be enabled, or not to be.
pub(super) fn link_steps(seen: &Seen, unit: &str, wanted: bool) -> Vec<Step> {
    let to = unit_path(unit);
    let step = |at: PathBuf| match (seen.at(&at), wanted) {
        (Thing::Nothing, true) => Some(Step::Do(Change::Link { at, to: to.clone() })),
        (Thing::Nothing, false) => None,
        (Thing::Link(there), true) if there.file_name() == to.file_name() => {
            Some(Step::Already(format!("{unit} is enabled")))
        }
        (Thing::Link(there), false) if there.file_name() == to.file_name() => {
            Some(Step::Do(Change::Unlink(at)))
        }
        _ => Some(Step::Refused(format!(
            "{} is not a link to {}: remove it, and run this again",
            at.display(),
            to.display()
        ))),
    };
    links(seen, unit).into_iter().filter_map(step).collect()
}

/// The link that enables a unit, and where it leads.
pub(super) fn enabling_link(seen: &Seen, unit: &str) -> Option<Spot> {
    links(seen, unit).into_iter().find_map(|at| match seen.at(&at) {
        Thing::Link(to) => Some(Spot { kind: "unit", ..Spot::link(&at, to) }),
        _ => None,
    })
}

/// Whether an init script is started in the runlevels of that folder.
pub(super) fn is_linked(seen: &Seen, script: &str, folder: &str) -> bool {
    let is_start = |name: &str| {
        let rest = name.strip_prefix('S').unwrap_or("");
        rest.trim_start_matches(|c: char| c.is_ascii_digit()) == script && rest != script
    };
    seen.names(folder).iter().filter_map(|name| name.to_str()).any(is_start)
}

/// Whether the machine is started by systemd, which it may be from a root that is only
/// being made.
pub(super) fn uses_systemd(seen: &Seen) -> bool {
    let is_systemd = |init: &&str| matches!(seen.at(init), Thing::Link(to) if to.file_name().is_some_and(|n| n == "systemd"));
    seen.has(SYSTEMD_RUNS) || INITS.iter().any(is_systemd)
}

/// Whether systemd runs the machine that is looked at.
pub(super) fn systemd_runs(seen: &Seen) -> bool {
    seen.live && seen.has(SYSTEMD_RUNS)
}

/// Whether System V init starts the machine that is looked at.
pub(super) fn sysv_only(seen: &Seen) -> bool {
    seen.live && !uses_systemd(seen) && seen.has(UPDATE_RC)
}

/// What has to change for an init script to be started in the runlevels of that folder, or not
/// to be. Under systemd the units do it: its generator takes no account of `Default-Start: S`.
pub(super) fn script_steps(seen: &Seen, script: &str, folder: &str, wanted: bool) -> Vec<Step> {
    if uses_systemd(seen) || !has_script(seen, script) || is_linked(seen, script, folder) == wanted
    {
        return Vec::new();
    }
    let word = if wanted { "enable" } else { "disable" };
    let words = |last: &str| vec![UPDATE_RC.to_owned(), script.to_owned(), last.to_owned()];
    if sysv_only(seen) {
        return vec![Step::Do(Change::Run(words("defaults"))), Step::Do(Change::Run(words(word)))];
    }
    vec![Step::Say(format!(
        "where System V init starts this root, run there: update-rc.d {script} defaults; \
         update-rc.d {script} {word}"
    ))]
}

/// An init script as something that calls netcue.
pub(super) fn script_spot(script: &str) -> Spot {
    Spot { at: script_path(script), kind: "init-script", to: None, lines: Vec::new() }
}
