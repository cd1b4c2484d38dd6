//! What can be seen of what a hook did in a sandbox: its network, its rules and its files, as
//! lines that can be compared.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use walkdir::WalkDir;

/// What is asked of ip(8) and nft(8), and what their lines are called.
const QUESTIONS: [(&str, &[&str]); 7] = [
    ("link", &["ip", "-oneline", "link", "show"]),
    ("address", &["ip", "-oneline", "address", "show"]),
    ("route", &["ip", "-4", "route", "show", "table", "all"]),
    ("route", &["ip", "-6", "route", "show", "table", "all"]),
    ("rule", &["ip", "-4", "rule", "show"]),
    ("rule", &["ip", "-6", "rule", "show"]),
    ("nft", &["nft", "--stateless", "list", "ruleset"]),
];

/// Settings that hooks change.
const SETTINGS: [&str; 2] = ["net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"];

/// Interfaces, addresses, routes, rules and the settings of forwarding. What changes by itself,
/// as carriers and lifetimes do, is left out. A tool that is missing says nothing.
#[must_use]
pub fn of_network() -> Vec<String> {
    let mut lines = Vec::new();
    for (what, words) in QUESTIONS {
        let said = said_by(words);
        lines.extend(said.lines().map(|line| format!("{what} {}", lasting(what, line))));
    }
    for setting in SETTINGS {
        let value = fs::read_to_string(Path::new("/proc/sys").join(setting)).unwrap_or_default();
        lines.push(format!("setting {} = {}", setting.replace('/', "."), value.trim()));
    }
    lines
}

fn said_by(words: &[&str]) -> String {
    let Some((tool, rest)) = words.split_first() else { return String::new() };
    let output = Command::new(tool)
        .args(rest)
        .env_clear()
        .env("PATH", super::invocation::PATH)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

/// A line of ip(8) without what the kernel changes on its own.
fn lasting(what: &str, line: &str) -> String {
    if what == "nft" {
        return line.trim().to_owned();
    }
    let mut kept: Vec<&str> = Vec::new();
    let mut words = line.split_whitespace();
    while let Some(word) = words.next() {
        match word {
            "state" | "expires" | "valid_lft" | "preferred_lft" | "qlen" => drop(words.next()),
            "\\" | "tentative" | "linkdown" | "dead" => {}
            flags if flags.starts_with('<') && flags.ends_with('>') => {
                let is_up = flags.trim_matches(['<', '>']).split(',').any(|flag| flag == "UP");
                kept.push(if is_up { "up" } else { "down" });
            }
            word => kept.push(word),
        }
    }
    kept.join(" ")
}

/// The files and links in these folders but for what stands below `except`, each with its
/// size and a number that tells one content from another.
#[must_use]
pub fn of_files(folders: &[PathBuf], except: &[PathBuf]) -> Vec<String> {
    let mut lines = Vec::new();
    for folder in folders {
        let inside = WalkDir::new(folder).min_depth(1).sort_by_file_name().into_iter();
        let wanted = inside.filter_entry(|entry| !except.iter().any(|path| path == entry.path()));
        for entry in wanted.flatten() {
            let path = entry.path().display().to_string();
            let kind = entry.file_type();
            lines.push(if kind.is_dir() {
                format!("folder {path}")
            } else if kind.is_symlink() {
                let to = fs::read_link(entry.path()).unwrap_or_default();
                format!("link {path} to {}", to.display())
            } else if kind.is_file() {
                let content = fs::read(entry.path()).unwrap_or_default();
                let mut hasher = DefaultHasher::new();
                content.hash(&mut hasher);
                format!("file {path}, {} bytes, {:016x}", content.len(), hasher.finish())
            } else {
                format!("other {path}")
            });
        }
    }
    lines.sort();
    lines.dedup();
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_by_itself_is_no_trace() {
        for (what, line, kept) in [
            (
                "link",
                "2: wan: <NO-CARRIER,UP> mtu 1500 qdisc noop state DOWN mode DEFAULT qlen 1000\\",
                "2: wan: up mtu 1500 qdisc noop mode DEFAULT",
            ),
            (
                "address",
                "2: wan    inet6 2001:db8::1/64 scope global tentative \\ valid_lft 59sec preferred_lft 9sec",
                "2: wan inet6 2001:db8::1/64 scope global",
            ),
            ("route", "default via 192.0.2.1 dev wan linkdown", "default via 192.0.2.1 dev wan"),
            ("nft", "\tchain a {", "chain a {"),
        ] {
            assert_eq!(lasting(what, line).trim_end_matches('\\'), kept);
        }
    }
}
