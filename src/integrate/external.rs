//! The external interface in netcue.conf: put in and taken out as a line of our own; a
//! setting that somebody wrote stays as it is.

use std::path::{Path, PathBuf};

use super::{Change, Seen, Step};
use crate::config::{self, Config};
use crate::event::InterfaceName;
use crate::paths::Layout;
use crate::sys::place::Thing;

/// What tells our line from others.
const NOTE: &str = "# netcue configure";

fn line(name: &InterfaceName) -> String {
    format!("external = [\"{name}\"] {NOTE}\n")
}

fn is_ours(line: &str) -> bool {
    line.trim_start().starts_with("external") && line.trim_end().ends_with(NOTE)
}

/// The configuration file.
#[must_use]
pub fn configuration() -> PathBuf {
    Layout::default().configuration()
}

/// What has to change for this interface to be the external one, or for the kernel's
/// routes to tell.
#[must_use]
pub fn external(seen: &Seen, wanted: Option<&InterfaceName>) -> Step {
    let path = configuration();
    let file = path.display();
    let old = match (seen.at(&path), seen.editable(&path)) {
        (Thing::Nothing, _) => String::new(),
        (_, Some(text)) => text.to_owned(),
        (thing, None) => {
            let (why, place) = match thing {
                Thing::File(_) => ("not valid UTF-8", "in it"),
                // A file in the place of a link would part from what the link leads to.
                _ => ("no file", "where it leads"),
            };
            let what = wanted.map_or_else(
                || "take \"external\" out".to_owned(),
                |name| format!("write external = [\"{name}\"] under [rules]"),
            );
            return Step::Refused(format!("{file} is {why}: {what} {place}"));
        }
    };
    let config = match config::parse(&old, &path) {
        Ok(config) => config,
        Err(bad) => return Step::Refused(format!("{bad}: mend that first")),
    };
    let ours = old.lines().any(is_ours);
    let set = config.rules.external.clone();
    let is_so = match wanted {
        Some(name) => set.as_deref() == Some(std::slice::from_ref(name)),
        None => set.is_none(),
    };
    if is_so {
        return Step::Already(format!("{file} says so"));
    }
    if set.is_some() && !ours {
        return Step::Refused(match wanted {
            Some(name) => {
                format!("{file} sets \"external\" already: write external = [\"{name}\"] there")
            }
            None => format!("{file} sets \"external\": remove that line"),
        });
    }
    let new = edited(&old, wanted);
    if is_only_that(&path, &new, config, wanted) {
        return Step::Do(Change::Write { at: path, content: new.into_bytes() });
    }
    let what = wanted.map_or_else(String::new, line);
    Step::Refused(format!("{file} can't be edited safely: write this under [rules]: {what}"))
}

fn edited(old: &str, wanted: Option<&InterfaceName>) -> String {
    let line = wanted.map_or_else(String::new, line);
    let lines = || old.split_inclusive('\n');
    if lines().any(is_ours) {
        return lines().map(|old| if is_ours(old) { line.as_str() } else { old }).collect();
    }
    let newline = if old.is_empty() || old.ends_with('\n') { "" } else { "\n" };
    let Some(rules) = lines().position(|line| line.trim() == "[rules]") else {
        let space = if old.is_empty() { "" } else { "\n" };
        return format!("{old}{newline}{space}[rules]\n{line}");
    };
    let mut new = String::new();
    for (index, old) in lines().enumerate() {
        new.push_str(old);
        if index == rules {
            new.push_str(if old.ends_with('\n') { "" } else { "\n" });
            new.push_str(&line);
        }
    }
    new
}

/// An edit by lines is right if the file then says the same but for this.
fn is_only_that(
    path: &Path,
    new: &str,
    mut config: Config,
    wanted: Option<&InterfaceName>,
) -> bool {
    config.rules.external = wanted.map(|name| vec![name.clone()]);
    config::parse(new, path).is_ok_and(|read| read == config)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: Option<&str>, name: Option<&str>) -> String {
        let name = name.map(|name| name.parse().unwrap());
        let thing = text.map_or(Thing::Nothing, |text| Thing::File(text.as_bytes().to_vec()));
        let seen = Seen::made_up([("/etc/netcue/netcue.conf", thing)]);
        match external(&seen, name.as_ref()) {
            Step::Do(Change::Write { content, .. }) => String::from_utf8(content).unwrap(),
            Step::Already(_) => "already".to_owned(),
            Step::Refused(why) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_file_in_another_encoding_is_left_to_its_owner() {
        let latin1 = Thing::File(b"# B\xfcro\n".to_vec());
        let seen = Seen::made_up([("/etc/netcue/netcue.conf", latin1)]);
        let Step::Refused(why) = external(&seen, Some(&"wan".parse().unwrap())) else {
            panic!("it is edited")
        };
        assert_eq!(
            why,
            "/etc/netcue/netcue.conf is not valid UTF-8: write external = [\"wan\"] under [rules] \
             in it"
        );
    }

    #[test]
    fn the_line_goes_where_it_belongs_and_nothing_else_moves() {
        let ours = "external = [\"ppp0\"] # netcue configure\n";
        for (text, name, expected) in [
            (None, Some("ppp0"), format!("[rules]\n{ours}")),
            (None, None, "already".to_owned()),
            (Some("strict = true"), Some("ppp0"), format!("strict = true\n\n[rules]\n{ours}")),
            (
                Some("[rules]\nmasquerade = false\n[hooks]\n"),
                Some("ppp0"),
                format!("[rules]\n{ours}masquerade = false\n[hooks]\n"),
            ),
            (Some(&*format!("[rules]\n{ours}")), Some("ppp0"), "already".to_owned()),
            (
                Some(&*format!("[rules]\n{ours}")),
                Some("wan"),
                "[rules]\nexternal = [\"wan\"] # netcue configure\n".to_owned(),
            ),
            (Some(&*format!("[rules]\n{ours}")), None, "[rules]\n".to_owned()),
            (
                Some("[rules]\nexternal = [\"a\"]\n"),
                Some("b"),
                "/etc/netcue/netcue.conf sets \"external\" already: write external = [\"b\"] there"
                    .to_owned(),
            ),
            (
                Some("[rules]\nexternal = [\"a\"]\n"),
                None,
                "/etc/netcue/netcue.conf sets \"external\": remove that line".to_owned(),
            ),
            (
                Some("rules = { masquerade = false }\n"),
                Some("b"),
                "/etc/netcue/netcue.conf can't be edited safely: write this under [rules]: \
                 external = [\"b\"] # netcue configure\n"
                    .to_owned(),
            ),
        ] {
            assert_eq!(after(text, name), expected, "{text:?} {name:?}");
        }
        assert!(after(Some("x = \n"), Some("b")).contains("mend that first"));
    }
}
