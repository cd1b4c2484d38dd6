//! Folders of other dispatchers in netcue.conf: put in and taken out as tables of our own between
//! markers, at the end of the file; tables that somebody wrote stay as they are.

use std::path::{Path, PathBuf};

use super::markers::{self, at_the_end};
use super::{Change, Seen, Step, configuration, is_installed};
use crate::config::{self, Adopt};
use crate::event::SourceName;
use crate::profiles::Profile;
use crate::sources::{self, Source};
use crate::sys::place::Thing;

/// NetworkManager's own script that runs those of ifupdown.
pub(super) const BY_NETWORKMANAGER: [&str; 2] = [
    "/usr/lib/NetworkManager/dispatcher.d/01-ifupdown",
    "/etc/NetworkManager/dispatcher.d/01-ifupdown",
];

/// The sources of which something else on this machine runs the scripts of a folder.
#[must_use]
pub fn runs_itself(seen: &Seen, profile: Profile) -> Vec<SourceName> {
    let mut names = vec![profile.source()];
    if profile == Profile::Ifupdown {
        if BY_NETWORKMANAGER.iter().any(|script| seen.has(script)) {
            names.push(Profile::Networkmanager.source());
        }
        // ifup has dhclient get the address, and runs the scripts behind it.
        names.push(Profile::Dhclient.source());
    }
    let is_there = |source: &&Source| is_installed(seen, source);
    let sources = names.into_iter().filter_map(sources::find);
    sources.filter(is_there).map(|source| source.name.clone()).collect()
}

/// What has to change for a folder to be adopted like that, or not any more.
#[must_use]
pub fn adopt(seen: &Seen, folder: &Path, wanted: Option<&Adopt>) -> Step {
    let path = configuration();
    let (file, shown) = (path.display(), folder.display());
    let (old, rest) = match seen.at(&path) {
        Thing::Nothing => (String::new(), String::new()),
        _ => match markers::opened(seen, &path) {
            Ok(texts) => texts,
            Err(refused) => return refused,
        },
    };
    let read = config::parse(&old, &path).and_then(|all| Ok((all, config::parse(&rest, &path)?)));
    let (all, theirs) = match read {
        Ok(configs) => configs,
        Err(bad) => return Step::Refused(format!("{bad}: mend that first")),
    };
    if let Some(same) = theirs.adopt.iter().find(|other| other.folder == folder) {
        return match wanted {
            Some(wanted) if wanted == same => Step::Already(format!("{file} says so")),
            Some(_) => Step::Refused(format!("{file} has a table for {shown}: change it there")),
            None => Step::Refused(format!("{file} has a table for {shown}: remove that")),
        };
    }
    let is_own = |adopt: &&Adopt| !theirs.adopt.contains(adopt);
    let mut ours: Vec<Adopt> = all.adopt.iter().filter(is_own).cloned().collect();
    let before = ours.clone();
    match (wanted, ours.iter().position(|own| own.folder == folder)) {
        (Some(wanted), Some(at)) => {
            ours.splice(at..=at, [wanted.clone()]);
        }
        (Some(wanted), None) => ours.push(wanted.clone()),
        (None, Some(at)) => {
            ours.remove(at);
        }
        (None, None) => return Step::Already(format!("{file} has no table for {shown}")),
    }
    if ours == before {
        return Step::Already(format!("{file} says so"));
    }
    let new = if ours.is_empty() {
        rest
    } else {
        at_the_end(&rest, &ours.iter().map(table).collect::<Vec<String>>().join("\n"))
    };
    let mut meant = all;
    meant.adopt = theirs.adopt.iter().chain(&ours).cloned().collect();
    if config::parse(&new, &path).ok() != Some(meant) {
        let tables: String = wanted.map(table).unwrap_or_default();
        return Step::Refused(format!("{file} can't be edited safely: write this there: {tables}"));
    }
    // Without our tables nothing may be left of a file that was not there before.
    if new.is_empty() {
        return Step::Do(Change::Remove(path));
    }
    Step::Do(Change::Write { at: path, content: new.into_bytes() })
}

/// As the file has it. JSON writes strings as TOML does.
fn table(adopt: &Adopt) -> String {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let list = |words: &mut dyn Iterator<Item = String>| {
        let words: Vec<String> = words.map(|word| text(&word)).collect();
        format!("[{}]", words.join(", "))
    };
    let mut lines = format!(
        "[[adopt]]\nfolder = {}\nprofile = {}\non = {}\nnot-from = {}\n",
        text(&adopt.folder.to_string_lossy()),
        text(adopt.profile.as_str()),
        list(&mut adopt.on.iter().map(ToString::to_string)),
        list(&mut adopt.not_from.iter().map(ToString::to_string)),
    );
    let usual = Adopt::usual(&adopt.folder, adopt.profile);
    if adopt.skip != usual.skip {
        lines.push_str(&format!("skip = {}\n", list(&mut adopt.skip.iter().cloned())));
    }
    if adopt.place != usual.place {
        lines.push_str(&format!("place = {}\n", adopt.place));
    }
    lines
}

/// What matters for that.
pub(super) fn paths() -> impl Iterator<Item = PathBuf> {
    BY_NETWORKMANAGER.into_iter().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOLDER: &str = "/etc/network/if-up.d";

    fn after(text: Option<&str>, folder: &str, on: bool) -> Result<Option<String>, String> {
        let file = text.map_or(Thing::Nothing, |text| Thing::File(text.as_bytes().to_vec()));
        let seen = Seen::made_up([("/etc/netcue/netcue.conf", file)]);
        let wanted =
            Adopt::usual(Path::new(folder), Profile::of_folder(Path::new(folder)).unwrap());
        match adopt(&seen, Path::new(folder), on.then_some(&wanted)) {
            Step::Do(Change::Write { content, .. }) => Ok(String::from_utf8(content).ok()),
            Step::Do(Change::Remove(_)) => Ok(None),
            Step::Already(what) | Step::Refused(what) => Err(what),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_adopted_can_be_undone_to_the_byte() {
        for text in
            [None, Some("strict = true"), Some("[rules]\nmasquerade = false\n"), Some("# x\n")]
        {
            let one = after(text, FOLDER, true).unwrap().unwrap();
            assert!(one.contains("\n[[adopt]]\nfolder = \"/etc/network/if-up.d\"\n"), "{one}");
            let again = after(Some(&one), FOLDER, true);
            assert_eq!(again, Err("/etc/netcue/netcue.conf says so".to_owned()));
            let two = after(Some(&one), "/etc/ppp/ip-up.d", true).unwrap().unwrap();
            let second = after(Some(&two), FOLDER, false).unwrap().unwrap();
            assert!(!second.contains(FOLDER) && second.contains("/etc/ppp/ip-up.d"), "{second}");
            assert_eq!(after(Some(&second), "/etc/ppp/ip-up.d", false).unwrap().as_deref(), text);
        }
    }

    #[test]
    fn a_table_of_somebody_elses_stays() {
        let theirs =
            "[[adopt]]\nfolder = \"/etc/network/if-up.d\"\nprofile = \"ppp\"\non = [\"up\"]\n";
        let file = "/etc/netcue/netcue.conf has a table for /etc/network/if-up.d";
        assert_eq!(after(Some(theirs), FOLDER, true), Err(format!("{file}: change it there")));
        assert_eq!(after(Some(theirs), FOLDER, false), Err(format!("{file}: remove that")));
        let none = "/etc/netcue/netcue.conf has no table for /etc/network/if-up.d".to_owned();
        assert_eq!(after(Some(""), FOLDER, false), Err(none));
        assert!(after(Some("x = "), FOLDER, true).unwrap_err().contains("mend that first"));
    }
}
