//! The start of the machine: the units or init scripts that follow from the choice in
//! `/etc/default/netcue`.

mod choice;

pub(super) use choice::chosen;
pub use choice::{Choice, Stage};

use std::path::PathBuf;

use super::{Change, Integration, Seen, Spot, Step, Wish, boot_advice};
use crate::paths::Layout;
use crate::sources;
use crate::sys::place::Thing;
use choice::{DEFAULTS, write_down};

pub(super) const INTEGRATION: Integration = Integration {
    source: &sources::BOOT,
    look,
    is_installed: None,
    is_edited: false,
    plan,
    spots,
    missing,
    boot_advice: None,
};

const UNITS: &str = "/usr/lib/systemd/system";
const ENABLED_UNITS: &str = "/etc/systemd/system";
const UPDATE_RC: &str = "/usr/sbin/update-rc.d";
/// There while systemd runs (`sd_booted(3)`).
const SYSTEMD_RUNS: &str = "/run/systemd/system";
const INITS: [&str; 2] = ["/sbin/init", "/usr/sbin/init"];

/// The stages that have a unit, `netcue-boot-STAGE.service`.
const STAGES: [&str; 4] = ["pre-network", "interfaces", "filesystems", "services"];

/// The init scripts: one for the services, one for both of the stages before them, one
/// before the network.
const SCRIPTS: [&str; 3] = ["netcue", "netcue-early", "netcue-pre-network"];

fn unit(stage: &str) -> String {
    format!("netcue-boot-{stage}.service")
}

fn look(seen: &mut Seen, layout: &Layout) {
    seen.look_at(layout, [DEFAULTS, UPDATE_RC, SYSTEMD_RUNS]);
    seen.look_at(layout, INITS);
    seen.look_at(layout, SCRIPTS.map(|script| PathBuf::from("/etc/init.d").join(script)));
    seen.list(layout, "/etc/rc2.d");
    seen.list(layout, "/etc/rcS.d");
    seen.look_at(layout, STAGES.map(|stage| PathBuf::from(UNITS).join(unit(stage))));
    // Each unit says itself where its links stand.
    seen.look_at(layout, STAGES.map(|stage| links(seen, stage)).concat());
}

/// The links that enable a unit.
fn links(seen: &Seen, stage: &str) -> Vec<PathBuf> {
    let unit = unit(stage);
    let text = seen.text(PathBuf::from(UNITS).join(&unit)).unwrap_or_default();
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
            .map(|target| folder.join(format!("{target}.{kind}")).join(&unit))
            .collect::<Vec<_>>();
        Some(links)
    };
    text.lines().filter_map(wanted).flatten().collect()
}

/// The choice for who says only that the source be on.
fn suggested(seen: &Seen) -> Choice {
    match chosen(seen) {
        Choice::OFF if boot_advice(seen).is_empty() => {
            Choice { stage: Stage::Interfaces, pre_network: false }
        }
        Choice::OFF => Choice { stage: Stage::Services, pre_network: false },
        choice => choice,
    }
}

/// What to propose: what was chosen, "off" too, or else what suits this machine.
pub(super) fn proposed(seen: &Seen) -> Choice {
    if choice::is_written_down(seen) { chosen(seen) } else { suggested(seen) }
}

fn plan(seen: &Seen, wish: &Wish<'_>) -> Vec<Step> {
    let choice = if wish.on { wish.boot.unwrap_or_else(|| suggested(seen)) } else { Choice::OFF };
    let mut steps = vec![write_down(seen, choice)];
    for stage in STAGES {
        steps.extend(unit_links(seen, stage, choice.wants(stage)));
    }
    steps.extend(init_scripts(seen, choice));
    let follows = has_units(seen) || SCRIPTS.iter().any(|script| has_script(seen, script));
    if choice != Choice::OFF && !follows {
        let text = "no unit and no init script of netcue is installed: nothing follows the choice";
        steps.push(Step::Say(text.to_owned()));
    }
    if choice.stage.is_early() {
        steps.extend(boot_advice(seen).into_iter().map(|advice| Step::Say(advice.to_owned())));
    }
    steps
}

fn has_units(seen: &Seen) -> bool {
    STAGES.iter().any(|stage| seen.has(PathBuf::from(UNITS).join(unit(stage))))
}

fn unit_links(seen: &Seen, stage: &str, wanted: bool) -> Vec<Step> {
    let to = PathBuf::from(UNITS).join(unit(stage));
    let step = |at: PathBuf| match (seen.at(&at), wanted) {
        (Thing::Nothing, true) => Some(Step::Do(Change::Link { at, to: to.clone() })),
        (Thing::Nothing, false) => None,
        (Thing::Link(there), true) if there.file_name() == to.file_name() => {
            Some(Step::Already(format!("{} is enabled", unit(stage))))
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
    links(seen, stage).into_iter().filter_map(step).collect()
}

fn has_script(seen: &Seen, script: &str) -> bool {
    seen.has(PathBuf::from("/etc/init.d").join(script))
}

/// The init scripts, each with the folder that tells whether it is enabled.
fn scripts(choice: Choice) -> [(&'static str, &'static str, bool); 3] {
    let [services, early, pre_network] = SCRIPTS;
    [
        (services, "/etc/rc2.d", choice.stage == Stage::Services),
        (early, "/etc/rcS.d", choice.stage.is_early()),
        (pre_network, "/etc/rcS.d", choice.pre_network),
    ]
}

fn is_linked(seen: &Seen, script: &str, folder: &str) -> bool {
    let is_start = |name: &str| {
        let rest = name.strip_prefix('S').unwrap_or("");
        rest.trim_start_matches(|c: char| c.is_ascii_digit()) == script && rest != script
    };
    seen.names(folder).iter().filter_map(|name| name.to_str()).any(is_start)
}

/// Whether the machine is started by systemd, which it may be from a root that is only
/// being made.
fn uses_systemd(seen: &Seen) -> bool {
    let is_systemd = |init: &&str| matches!(seen.at(init), Thing::Link(to) if to.file_name().is_some_and(|n| n == "systemd"));
    seen.has(SYSTEMD_RUNS) || INITS.iter().any(is_systemd)
}

/// Under systemd the units do it: its generator takes no account of `Default-Start: S`.
fn init_scripts(seen: &Seen, choice: Choice) -> Vec<Step> {
    let mut steps = Vec::new();
    if uses_systemd(seen) {
        return steps;
    }
    for (script, folder, wanted) in scripts(choice) {
        if !has_script(seen, script) || is_linked(seen, script, folder) == wanted {
            continue;
        }
        let word = if wanted { "enable" } else { "disable" };
        let words = |last: &str| vec![UPDATE_RC.to_owned(), script.to_owned(), last.to_owned()];
        if seen.live && seen.has(UPDATE_RC) {
            steps.push(Step::Do(Change::Run(words("defaults"))));
            steps.push(Step::Do(Change::Run(words(word))));
        } else {
            steps.push(Step::Say(format!(
                "where System V init starts this root, run there: update-rc.d {script} defaults; \
                 update-rc.d {script} {word}"
            )));
        }
    }
    steps
}

/// The link that enables a unit, and where it leads.
fn enabling_link(seen: &Seen, stage: &str) -> Option<Spot> {
    links(seen, stage).into_iter().find_map(|at| match seen.at(&at) {
        Thing::Link(to) => Some(Spot { kind: "unit", ..Spot::link(&at, to) }),
        _ => None,
    })
}

fn spots(seen: &Seen) -> Vec<Spot> {
    let units = STAGES.iter().filter_map(|stage| enabling_link(seen, stage));
    let linked = scripts(chosen(seen)).into_iter();
    let linked = linked.filter(|(script, folder, _)| is_linked(seen, script, folder));
    let scripts = linked.map(|(script, ..)| {
        let at = PathBuf::from("/etc/init.d").join(script);
        Spot { at, kind: "init-script", to: None, lines: Vec::new() }
    });
    units.chain(scripts).collect()
}

fn missing(seen: &Seen) -> Vec<String> {
    let choice = chosen(seen);
    let mut missing = Vec::new();
    if sysv_only(seen) {
        for (script, folder, wanted) in scripts(choice) {
            if wanted && has_script(seen, script) && !is_linked(seen, script, folder) {
                missing.push(format!("/etc/init.d/{script} is not enabled"));
            }
        }
    } else {
        for stage in STAGES.into_iter().filter(|stage| choice.wants(stage)) {
            if !links(seen, stage).is_empty() && enabling_link(seen, stage).is_none() {
                missing.push(format!("{} is not enabled", unit(stage)));
            }
        }
    }
    if choice != Choice::OFF && !has_units(seen) && spots(seen).is_empty() && missing.is_empty() {
        missing.push("no unit and no init script is installed".to_owned());
    }
    missing
}

fn sysv_only(seen: &Seen) -> bool {
    seen.live && !uses_systemd(seen) && seen.has(UPDATE_RC)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Thing {
        Thing::File(text.as_bytes().to_vec())
    }

    #[test]
    fn on_a_live_system_v_machine_the_links_follow_the_choice() {
        let mut seen = Seen::made_up([
            (UPDATE_RC, file("")),
            ("/etc/init.d/netcue", file("")),
            ("/etc/init.d/netcue-early", file("")),
        ]);
        seen.live = true;
        let choice = Choice { stage: Stage::Services, pre_network: false };
        let runs: Vec<String> =
            plan(&seen, &Wish { boot: Some(choice), ..Wish::of(&sources::BOOT, true) })
                .into_iter()
                .filter_map(|step| match step {
                    Step::Do(Change::Run(words)) => Some(words.join(" ")),
                    _ => None,
                })
                .collect();
        assert_eq!(
            runs,
            ["/usr/sbin/update-rc.d netcue defaults", "/usr/sbin/update-rc.d netcue enable"]
        );
    }
}
