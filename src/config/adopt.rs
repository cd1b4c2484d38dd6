//! Folders of other dispatchers whose scripts netcue runs, too, as `netcue.conf` writes them.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};

use crate::event::{Action, SourceName};
use crate::profiles::{Like, Profile};

/// `[[adopt]]`: a folder, and how its scripts are run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adopt {
    /// The folder, as a path of the machine.
    pub folder: PathBuf,
    /// As whose scripts they are run.
    pub profile: Profile,
    /// For which actions.
    pub on: Vec<Action>,
    /// The sources of which the dispatcher itself runs them.
    pub not_from: Vec<SourceName>,
    /// Names of files that are not run.
    pub skip: Vec<String>,
    /// Where they stand among the hooks: behind those whose names begin with a lower number.
    pub place: u8,
}

/// The place where nothing else is said: behind the rules.
const PLACE: u8 = 60;

/// As the file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    folder: PathBuf,
    profile: Profile,
    on: Option<Vec<Action>>,
    not_from: Option<Vec<SourceName>>,
    #[serde(default)]
    skip: Vec<String>,
    #[serde(default = "place", deserialize_with = "super::within::<_, _, 0, 99>")]
    place: u8,
}

fn place() -> u8 {
    PLACE
}

impl Adopt {
    /// A folder with what is said of none other, as far as its name and the profile tell.
    #[must_use]
    pub fn usual(folder: &Path, profile: Profile) -> Self {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let on = profile.on(&name).to_vec();
        let not_from = profile.source().parse().into_iter().collect();
        Self { folder: folder.to_owned(), profile, on, not_from, skip: Vec::new(), place: PLACE }
    }

    /// As whose scripts they are run.
    #[must_use]
    pub fn like(&self) -> Like {
        let folder = self.folder.file_name().map(|name| name.to_string_lossy().into_owned());
        Like { profile: self.profile, folder }
    }
}

impl TryFrom<Written> for Adopt {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { folder, profile, on, not_from, skip, place } = written;
        let shown = folder.display();
        let is_plain = !folder.components().any(|part| part.as_os_str() == "..");
        if !folder.is_absolute() || !is_plain {
            return Err(format!("{shown}: wanted is a folder by its whole path"));
        }
        let usual = Self::usual(&folder, profile);
        let on = on.unwrap_or_else(|| usual.on.clone());
        if on.is_empty() {
            return Err(format!(
                "{shown}: nothing tells for which events {profile} would run it: say so, such as \
                 on = [\"up\"]"
            ));
        }
        Ok(Self { on, not_from: not_from.unwrap_or(usual.not_from), skip, place, folder, profile })
    }
}

impl<'de> Deserialize<'de> for Adopt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Written::deserialize(deserializer)?.try_into().map_err(serde::de::Error::custom)
    }
}

/// The tables, of which no two may be about one folder: its scripts would be run twice.
pub(super) fn each_once<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Adopt>, D::Error> {
    let all: Vec<Adopt> = Vec::deserialize(deserializer)?;
    for (index, one) in all.iter().enumerate() {
        if all.iter().take(index).any(|other| other.folder == one.folder) {
            let twice = format!("two tables [[adopt]] are about {}", one.folder.display());
            return Err(serde::de::Error::custom(twice));
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn read(text: &str) -> Result<Adopt, String> {
        let config = parse(&format!("[[adopt]]\n{text}"), Path::new("c"));
        config.map(|mut config| config.adopt.remove(0)).map_err(|bad| bad.to_string())
    }

    #[test]
    fn what_is_not_said_follows_from_the_folder_and_its_dispatcher() {
        let read = read("folder = \"/etc/network/if-up.d\"\nprofile = \"ifupdown\"").unwrap();
        let expected = Adopt {
            folder: "/etc/network/if-up.d".into(),
            profile: Profile::Ifupdown,
            on: vec![Action::Up],
            not_from: vec!["ifupdown".parse().unwrap()],
            skip: Vec::new(),
            place: 60,
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        for (text, expected) in [
            ("profile = \"ppp\"", "c:1:1: missing field `folder`"),
            ("folder = \"/etc/ppp/ip-up.d\"", "c:1:1: missing field `profile`"),
            (
                "folder = \"/etc/ppp/ip-up.d\"\nprofile = \"pppd\"",
                "c:3:11: \"pppd\": wanted is one of ppp ifupdown networkmanager networkd dhclient \
                 hotplug",
            ),
            (
                "folder = \"/etc/ppp/ip-up.d\"\nprofile = \"ppp\"\n[[adopt]]\nfolder = \
                 \"/etc/ppp/ip-up.d/\"\nprofile = \"ppp\"",
                "c:1:1: two tables [[adopt]] are about /etc/ppp/ip-up.d/",
            ),
            (
                "folder = \"ip-up.d\"\nprofile = \"ppp\"",
                "c:1:1: ip-up.d: wanted is a folder by its whole path",
            ),
            (
                "folder = \"/srv/scripts\"\nprofile = \"ppp\"",
                "c:1:1: /srv/scripts: nothing tells for which events ppp would run it: say so, \
                 such as on = [\"up\"]",
            ),
            (
                "folder = \"/etc/ppp/ip-up.d\"\nprofile = \"ppp\"\non = [\"UP\"]",
                "c:4:6: an action is a word of a-z, 0-9 and -",
            ),
            (
                "folder = \"/etc/ppp/ip-up.d\"\nprofile = \"ppp\"\non = \"up\"",
                "c:4:6: \"up\": wanted is a list, such as [\"ppp0\"]",
            ),
            (
                "folder = \"/etc/ppp/ip-up.d\"\nprofile = \"ppp\"\nnot_from = []",
                "c:4:1: there is no key \"not_from\"; did you mean \"not-from\"?",
            ),
            (
                "folder = \"/etc/ppp/ip-up.d\"\nprofile = \"ppp\"\nplace = 100",
                "c:4:9: 100: wanted is a number from 0 to 99",
            ),
        ] {
            assert_eq!(read(text), Err(expected.to_owned()), "{text}");
        }
    }
}
