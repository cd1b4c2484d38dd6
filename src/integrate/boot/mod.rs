//! The start of the machine: the units or init scripts that follow from the choice in
//! `/etc/default/netcue`.

mod choice;
mod sysctl;

pub(super) use choice::chosen;
pub use choice::{Choice, Stage};
pub use sysctl::opens_early;

use super::{Integration, Seen, Spot, Step, Wish, boot_advice, units};
use crate::paths::Layout;
use crate::sources;
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

/// The stages that have a unit, `netcue-boot-STAGE.service`.
const STAGES: [&str; 4] = ["pre-network", "interfaces", "filesystems", "services"];

/// The init scripts: one for the services, one for both of the stages before them, one
/// before the network.
const SCRIPTS: [&str; 3] = ["netcue", "netcue-early", "netcue-pre-network"];

fn unit(stage: &str) -> String {
    format!("netcue-boot-{stage}.service")
}

fn look(seen: &mut Seen, layout: &Layout) {
    seen.look_at(layout, [DEFAULTS]);
    units::look(seen, layout, &STAGES.map(unit), &SCRIPTS);
    sysctl::look(seen, layout);
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
        steps.extend(units::link_steps(seen, &unit(stage), choice.wants(stage)));
    }
    for (script, folder, wanted) in scripts(choice) {
        steps.extend(units::script_steps(seen, script, folder, wanted));
    }
    let follows = has_units(seen) || SCRIPTS.iter().any(|script| units::has_script(seen, script));
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
    STAGES.iter().any(|stage| units::has_unit(seen, &unit(stage)))
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

fn spots(seen: &Seen) -> Vec<Spot> {
    let links = STAGES.iter().filter_map(|stage| units::enabling_link(seen, &unit(stage)));
    let linked = scripts(chosen(seen)).into_iter();
    let linked = linked.filter(|(script, folder, _)| units::is_linked(seen, script, folder));
    links.chain(linked.map(|(script, ..)| units::script_spot(script))).collect()
}

fn missing(seen: &Seen) -> Vec<String> {
    let choice = chosen(seen);
    let mut missing = Vec::new();
    if units::sysv_only(seen) {
        for (script, folder, wanted) in scripts(choice) {
            let is_there = units::has_script(seen, script);
            if wanted && is_there && !units::is_linked(seen, script, folder) {
                missing.push(format!("/etc/init.d/{script} is not enabled"));
            }
        }
    } else {
        for stage in STAGES.into_iter().filter(|stage| choice.wants(stage)) {
            let unit = unit(stage);
            let is_wanted = !units::links(seen, &unit).is_empty();
            if is_wanted && units::enabling_link(seen, &unit).is_none() {
                missing.push(format!("{unit} is not enabled"));
            }
        }
    }
    if choice != Choice::OFF && !has_units(seen) && spots(seen).is_empty() && missing.is_empty() {
        missing.push("no unit and no init script is installed".to_owned());
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integrate::Change;
    use crate::sys::place::Thing;

    fn file(text: &str) -> Thing {
        Thing::File(text.as_bytes().to_vec())
    }

    #[test]
    fn on_a_live_system_v_machine_the_links_follow_the_choice() {
        let mut seen = Seen::made_up([
            ("/usr/sbin/update-rc.d", file("")),
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
