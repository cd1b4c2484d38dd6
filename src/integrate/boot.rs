//! The start of the machine: the choice in `/etc/default/netcue`, and the units or init
//! scripts that follow from it.

use std::path::PathBuf;

use super::{Attachment, Change, Seen, Spot, Step, diald, pcmcia};
use crate::sys::place::Thing;

const DEFAULTS: &str = "/etc/default/netcue";
const UNITS: &str = "/usr/lib/systemd/system";
const ENABLED_UNITS: &str = "/etc/systemd/system";
const UPDATE_RC: &str = "/usr/sbin/update-rc.d";
/// There while systemd runs (`sd_booted(3)`).
const SYSTEMD_RUNS: &str = "/run/systemd/system";
const INITS: [&str; 2] = ["/sbin/init", "/usr/sbin/init"];

/// When the boot event comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Stage {
    /// Not at all
    Off,
    /// After the network interfaces have been brought up
    Interfaces,
    /// After the network file systems have been mounted
    Filesystems,
    /// After the network services have been started
    Services,
}

impl Stage {
    const ALL: [Self; 4] = [Self::Off, Self::Interfaces, Self::Filesystems, Self::Services];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Interfaces => "interfaces",
            Self::Filesystems => "filesystems",
            Self::Services => "services",
        }
    }
}

/// What the administrator chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// When the boot event comes.
    pub stage: Stage,
    /// Whether one comes before the first interface is up, too.
    pub pre_network: bool,
}

impl Choice {
    /// Nothing at boot.
    pub const OFF: Self = Self { stage: Stage::Off, pre_network: false };

    fn wants(self, unit: &str) -> bool {
        match unit {
            "pre-network" => self.pre_network,
            stage => self.stage.as_str() == stage,
        }
    }
}

/// The stages that have a unit, `netcue-boot-STAGE.service`.
const STAGES: [&str; 4] = ["pre-network", "interfaces", "filesystems", "services"];

/// The init scripts: one for the services, one for both of the stages before them, one
/// before the network.
const SCRIPTS: [&str; 3] = ["netcue", "netcue-early", "netcue-pre-network"];

fn unit(stage: &str) -> String {
    format!("netcue-boot-{stage}.service")
}

pub(super) fn look_at(paths: &mut Vec<PathBuf>, folders: &mut Vec<PathBuf>) {
    paths.extend([DEFAULTS, UPDATE_RC, SYSTEMD_RUNS].map(PathBuf::from));
    paths.extend(STAGES.map(|stage| PathBuf::from(UNITS).join(unit(stage))));
    paths.extend(INITS.map(PathBuf::from));
    paths.extend(SCRIPTS.map(|script| PathBuf::from("/etc/init.d").join(script)));
    folders.extend(["/etc/rc2.d", "/etc/rcS.d"].map(PathBuf::from));
}

/// The links that enable the units, once these have been read.
pub(super) fn links_of(seen: &Seen) -> Vec<PathBuf> {
    STAGES.iter().flat_map(|stage| links(seen, stage)).collect()
}

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

/// What `/etc/default/netcue` says; nothing at boot where it says nothing.
pub(super) fn chosen(seen: &Seen) -> Choice {
    let text = seen.text(DEFAULTS).unwrap_or_default();
    let word = value(&text, "BOOT");
    let stage = Stage::ALL.into_iter().find(|stage| word.as_deref() == Some(stage.as_str()));
    Choice {
        stage: stage.unwrap_or(Stage::Off),
        pre_network: value(&text, "PRE_NETWORK").as_deref() == Some("yes"),
    }
}

/// The value of a shell variable in the text; the last one holds.
fn value(text: &str, name: &str) -> Option<String> {
    let lines = text.lines().rev();
    let mut values = lines.filter_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='));
    Some(values.next()?.trim_matches(['"', '\'', ' ', '\t']).to_owned())
}

/// The choice for who says only that the source be on.
fn suggested(seen: &Seen) -> Choice {
    match chosen(seen) {
        Choice::OFF if advice(seen).is_empty() => {
            Choice { stage: Stage::Interfaces, pre_network: false }
        }
        Choice::OFF => Choice { stage: Stage::Services, pre_network: false },
        choice => choice,
    }
}

/// What to propose: what was chosen, "off" too, or else what suits this machine.
pub(super) fn proposed(seen: &Seen) -> Choice {
    let text = seen.text(DEFAULTS).unwrap_or_default();
    if value(&text, "BOOT").is_some() { chosen(seen) } else { suggested(seen) }
}

pub(super) fn plan(seen: &Seen, on: bool, choice: Option<Choice>) -> Vec<Step> {
    let choice = if on { choice.unwrap_or_else(|| suggested(seen)) } else { Choice::OFF };
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
    if matches!(choice.stage, Stage::Interfaces | Stage::Filesystems) {
        steps.extend(advice(seen).into_iter().map(Step::Say));
    }
    steps
}

fn write_down(seen: &Seen, choice: Choice) -> Step {
    let pre_network = if choice.pre_network { "yes" } else { "no" };
    let old = match seen.at(DEFAULTS) {
        Thing::Nothing => NEW_DEFAULTS.to_owned(),
        Thing::File(content) => String::from_utf8_lossy(content).into_owned(),
        _ => {
            return Step::Refused(format!(
                "{DEFAULTS} is no file: write BOOT=\"{}\" and PRE_NETWORK=\"{pre_network}\" where \
                 it leads",
                choice.stage.as_str()
            ));
        }
    };
    let new = with_value(&old, "BOOT", choice.stage.as_str());
    let new = with_value(&new, "PRE_NETWORK", pre_network);
    if new == old && seen.has(DEFAULTS) {
        return Step::Already(format!("{DEFAULTS} says so"));
    }
    Step::Do(Change::Write { at: DEFAULTS.into(), content: new.into_bytes() })
}

const NEW_DEFAULTS: &str = "\
# When netcue's rules and hooks run at the start of the machine. \"netcue enable boot\"
# and \"netcue configure\" change this and what follows from it.

# off, interfaces, filesystems or services
BOOT=\"off\"

# yes: also before the first interface is up
PRE_NETWORK=\"no\"
";

/// The text with this value for the variable, wherever it is set; else at its end.
fn with_value(text: &str, name: &str, new: &str) -> String {
    if value(text, name).as_deref() == Some(new) {
        return text.to_owned();
    }
    let line = format!("{name}=\"{new}\"\n");
    let sets =
        |old: &str| old.trim_start().strip_prefix(name).is_some_and(|rest| rest.starts_with('='));
    let newline = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    if text.lines().any(sets) {
        text.split_inclusive('\n').map(|old| if sets(old) { line.as_str() } else { old }).collect()
    } else {
        format!("{text}{newline}{line}")
    }
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
    let is_early = matches!(choice.stage, Stage::Interfaces | Stage::Filesystems);
    [
        (services, "/etc/rc2.d", choice.stage == Stage::Services),
        (early, "/etc/rcS.d", is_early),
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

pub(super) fn advice(seen: &Seen) -> Vec<String> {
    let mut advice = Vec::new();
    if diald::is_installed(seen) {
        advice.push(
            "with diald the boot event should be off or \"services\": diald starts late and puts \
             the default route on its proxy; rules made before that know no external interface, \
             and no packet could make it dial until its addroute comes"
                .to_owned(),
        );
    }
    if pcmcia::is_installed(seen) {
        advice.push(
            "with pcmcia the boot event should be off or \"services\": cardmgr brings a card's \
             interface up when it finds the card, and that may come after the other interfaces; \
             its start_fn tells netcue in any case"
                .to_owned(),
        );
    }
    advice
}

pub(super) fn attachment(seen: &Seen) -> Attachment {
    let choice = chosen(seen);
    let mut spots = Vec::new();
    let mut missing = Vec::new();
    for stage in STAGES {
        let links = links(seen, stage);
        let found = links.iter().find_map(|at| match seen.at(at) {
            Thing::Link(to) => Some(Spot { kind: "unit", ..Spot::link(at, to) }),
            _ => None,
        });
        let is_there = found.is_some();
        spots.extend(found);
        if choice.wants(stage) && !is_there && !links.is_empty() && !sysv_only(seen) {
            missing.push(format!("{} is not enabled", unit(stage)));
        }
    }
    for (script, folder, wanted) in scripts(choice) {
        if is_linked(seen, script, folder) {
            let at = PathBuf::from("/etc/init.d").join(script);
            spots.push(Spot { at, kind: "init-script", to: None, lines: Vec::new() });
        } else if wanted && has_script(seen, script) && sysv_only(seen) {
            missing.push(format!("/etc/init.d/{script} is not enabled"));
        }
    }
    if choice != Choice::OFF && !has_units(seen) && spots.is_empty() && missing.is_empty() {
        missing.push("no unit and no init script is installed".to_owned());
    }
    Attachment { installed: true, spots, missing }
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
    fn a_value_is_changed_where_it_stands_and_nothing_else() {
        let text = "# BOOT=x\nBOOT='off' \nOTHER=1";
        assert_eq!(with_value(text, "BOOT", "off"), text);
        assert_eq!(with_value(text, "BOOT", "services"), "# BOOT=x\nBOOT=\"services\"\nOTHER=1");
        assert_eq!(with_value(text, "PRE_NETWORK", "no"), format!("{text}\nPRE_NETWORK=\"no\"\n"));
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
        let runs: Vec<String> = plan(&seen, true, Some(choice))
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
