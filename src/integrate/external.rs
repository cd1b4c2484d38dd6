//! The external interface in netcue.conf: put in and taken out as a line of our own; a
//! setting that somebody wrote stays as it is.

use std::path::PathBuf;

use super::{Change, Seen, Step};
use crate::config::{self, Config};
use crate::event::InterfaceName;
use crate::sys::place::Thing;

const FILE: &str = "/etc/netcue/netcue.conf";
/// What tells our line from others.
const NOTE: &str = "# netcue configure";

fn line(name: &InterfaceName) -> String {
    format!("external = [\"{name}\"] {NOTE}\n")
}

fn is_ours(line: &str) -> bool {
    line.trim_start().starts_with("external") && line.trim_end().ends_with(NOTE)
}

/// What has to change for this interface to be the external one, or for the kernel's
/// routes to tell.
#[must_use]
pub fn external(seen: &Seen, wanted: Option<&InterfaceName>) -> Step {
    match seen.at(FILE) {
        Thing::Nothing => decided(None, wanted),
        Thing::File(content) => decided(Some(&String::from_utf8_lossy(content)), wanted),
        // A file in the place of a link would part from what the link leads to.
        _ => {
            let what = wanted.map_or_else(
                || "take \"external\" out".to_owned(),
                |name| format!("write external = [\"{name}\"] under [rules]"),
            );
            Step::Refused(format!("{FILE} is no file: {what} where it leads"))
        }
    }
}

/// `text` is the file as it is; none if there is no file.
fn decided(text: Option<&str>, wanted: Option<&InterfaceName>) -> Step {
    let old = text.unwrap_or("");
    let config = match config::parse(old, FILE.as_ref()) {
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
        return Step::Already(format!("{FILE} says so"));
    }
    if set.is_some() && !ours {
        return Step::Refused(match wanted {
            Some(name) => {
                format!("{FILE} sets \"external\" already: write external = [\"{name}\"] there")
            }
            None => format!("{FILE} sets \"external\": remove that line"),
        });
    }
    let new = edited(old, wanted);
    if is_only_that(&new, config, wanted) {
        return Step::Do(Change::Write { at: PathBuf::from(FILE), content: new.into_bytes() });
    }
    let what = wanted.map_or_else(String::new, line);
    Step::Refused(format!("{FILE} can't be edited safely: write this under [rules]: {what}"))
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
fn is_only_that(new: &str, mut config: Config, wanted: Option<&InterfaceName>) -> bool {
    config.rules.external = wanted.map(|name| vec![name.clone()]);
    config::parse(new, FILE.as_ref()).is_ok_and(|read| read == config)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: Option<&str>, name: Option<&str>) -> String {
        let name = name.map(|name| name.parse().unwrap());
        match decided(text, name.as_ref()) {
            Step::Do(Change::Write { content, .. }) => String::from_utf8(content).unwrap(),
            Step::Already(_) => "already".to_owned(),
            Step::Refused(why) => why,
            other => panic!("{other:?}"),
        }
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
