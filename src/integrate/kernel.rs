//! The kernel: the units, or the init script, by which `netcue watch` hears it.

use super::{Change, Extent, Integration, Seen, Spot, Step, Wish, units};
use crate::paths::Layout;
use crate::sources;

pub(super) const INTEGRATION: Integration = Integration {
    source: &sources::KERNEL,
    look,
    is_installed: Some(is_installed),
    is_edited: false,
    plan,
    spots,
    missing,
    boot_advice: None,
};

/// The sockets, and the service that the start of the machine starts once.
const UNITS: [&str; 2] = ["netcue-watch.socket", "netcue-watch.service"];
const SCRIPT: &str = "netcue-watch";
const RUNLEVEL: &str = "/etc/rc2.d";
const SYSTEMCTL: &str = "/usr/bin/systemctl";

fn look(seen: &mut Seen, layout: &Layout) {
    units::look(seen, layout, &UNITS.map(String::from), &[SCRIPT]);
}

/// Every machine has a kernel; whether it is listened to depends on these.
fn is_installed(seen: &Seen) -> bool {
    UNITS.iter().all(|unit| units::has_unit(seen, unit)) || units::has_script(seen, SCRIPT)
}

fn plan(seen: &Seen, wish: &Wish<'_>) -> Vec<Step> {
    if wish.on && !is_installed(seen) {
        let text = "netcue-watch.socket and netcue-watch.service are not installed: \"make install\" \
                    or the package puts them in place; until then, keep \"netcue watch\" running";
        return vec![Step::Say(text.to_owned())];
    }
    let mut links: Vec<Step> =
        UNITS.iter().flat_map(|unit| units::link_steps(seen, unit, wish.on)).collect();
    let mut scripts = units::script_steps(seen, SCRIPT, RUNLEVEL, wish.on);
    let changes = |steps: &[Step]| steps.iter().any(|step| matches!(step, Step::Do(_)));
    let run = |words: &[&str]| {
        Step::Do(Change::Run(words.iter().map(|word| (*word).to_owned()).collect()))
    };
    let now = !(wish.on && wish.extent == Extent::NextStart);
    if now && units::systemd_runs(seen) && changes(&links) {
        let [socket, service] = UNITS;
        if wish.on {
            links.push(run(&[SYSTEMCTL, "daemon-reload"]));
            links.push(run(&[SYSTEMCTL, "start", socket]));
            // It may have something to wait for.
            links.push(run(&[SYSTEMCTL, "--no-block", "start", service]));
        } else {
            links.push(run(&[SYSTEMCTL, "stop", socket, service]));
        }
    }
    if now && units::sysv_only(seen) && changes(&scripts) {
        let script = units::script_path(SCRIPT).display().to_string();
        scripts.push(run(&[&script, if wish.on { "start" } else { "stop" }]));
    }
    links.extend(scripts);
    links
}

fn spots(seen: &Seen) -> Vec<Spot> {
    let links = UNITS.iter().filter_map(|unit| units::enabling_link(seen, unit));
    let script = units::is_linked(seen, SCRIPT, RUNLEVEL).then(|| units::script_spot(SCRIPT));
    links.chain(script).collect()
}

fn missing(seen: &Seen) -> Vec<String> {
    if units::sysv_only(seen) {
        let is_linked = units::is_linked(seen, SCRIPT, RUNLEVEL);
        let script = units::script_path(SCRIPT);
        let missing = (!is_linked).then(|| format!("{} is not enabled", script.display()));
        return missing.into_iter().collect();
    }
    let lacking = UNITS
        .iter()
        .filter(|unit| units::has_unit(seen, unit) && units::enabling_link(seen, unit).is_none());
    lacking.map(|unit| format!("{unit} is not enabled")).collect()
}
