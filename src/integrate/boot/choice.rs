//! The choice in `/etc/default/netcue`: when the boot event comes.

use crate::integrate::{Change, Seen, Step};
use crate::sys::place::Thing;

pub(super) const DEFAULTS: &str = "/etc/default/netcue";

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

    /// Whether it comes before the network services.
    #[must_use]
    pub fn is_early(self) -> bool {
        matches!(self, Self::Interfaces | Self::Filesystems)
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

    pub(super) fn wants(self, unit: &str) -> bool {
        match unit {
            "pre-network" => self.pre_network,
            stage => self.stage.as_str() == stage,
        }
    }
}

/// What `/etc/default/netcue` says; nothing at boot where it says nothing.
pub(in crate::integrate) fn chosen(seen: &Seen) -> Choice {
    let text = seen.text(DEFAULTS).unwrap_or_default();
    let word = value(&text, "BOOT");
    let stage = Stage::ALL.into_iter().find(|stage| word.as_deref() == Some(stage.as_str()));
    Choice {
        stage: stage.unwrap_or(Stage::Off),
        pre_network: value(&text, "PRE_NETWORK").as_deref() == Some("yes"),
    }
}

/// Whether something was chosen, if only "off".
pub(super) fn is_written_down(seen: &Seen) -> bool {
    value(&seen.text(DEFAULTS).unwrap_or_default(), "BOOT").is_some()
}

/// The value of a shell variable in the text; the last one holds.
fn value(text: &str, name: &str) -> Option<String> {
    let lines = text.lines().rev();
    let mut values = lines.filter_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='));
    Some(values.next()?.trim_matches(['"', '\'', ' ', '\t']).to_owned())
}

/// Writes a choice down, and leaves all else in the file as it is.
pub(super) fn write_down(seen: &Seen, choice: Choice) -> Step {
    let pre_network = if choice.pre_network { "yes" } else { "no" };
    let old = match (seen.at(DEFAULTS), seen.editable(DEFAULTS)) {
        (Thing::Nothing, _) => NEW_DEFAULTS.to_owned(),
        (_, Some(text)) => text.to_owned(),
        (thing, None) => {
            let (what, place) = match thing {
                Thing::File(_) => ("not valid UTF-8", "into it"),
                _ => ("no file", "where it leads"),
            };
            return Step::Refused(format!(
                "{DEFAULTS} is {what}: write BOOT=\"{}\" and PRE_NETWORK=\"{pre_network}\" {place}",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_another_encoding_is_left_to_its_owner() {
        let seen = Seen::made_up([(DEFAULTS, Thing::File(b"# B\xfcro\n".to_vec()))]);
        let Step::Refused(why) = write_down(&seen, Choice::OFF) else { panic!("it is edited") };
        assert_eq!(
            why,
            "/etc/default/netcue is not valid UTF-8: write BOOT=\"off\" and PRE_NETWORK=\"no\" \
             into it"
        );
    }

    #[test]
    fn a_value_is_changed_where_it_stands_and_nothing_else() {
        let text = "# BOOT=x\nBOOT='off' \nOTHER=1";
        assert_eq!(with_value(text, "BOOT", "off"), text);
        assert_eq!(with_value(text, "BOOT", "services"), "# BOOT=x\nBOOT=\"services\"\nOTHER=1");
        assert_eq!(with_value(text, "PRE_NETWORK", "no"), format!("{text}\nPRE_NETWORK=\"no\"\n"));
    }
}
