//! The chains and rules of iptables-legacy, which `nf_tables` doesn't show, as its own tool
//! lists them.

use std::path::Path;

use super::foreign::{Backend, Chain, Effect, Rule, target};
use super::{files, tool};

/// Where the kernel names the tables that are in use, the family, and the tool that lists
/// them; it is also installed without "legacy" in its name where there is no other.
const FAMILIES: [(&str, &str, [&str; 2]); 2] = [
    ("/proc/net/ip_tables_names", "ip", ["iptables-legacy-save", "iptables-save"]),
    ("/proc/net/ip6_tables_names", "ip6", ["ip6tables-legacy-save", "ip6tables-save"]),
];

/// Largest list of tables in bytes.
const LARGEST: u64 = 4096;

/// Folders in which the tool is looked for.
const FOLDERS: [&str; 4] = ["/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin"];

/// Every chain of the tables that are in use. Nothing is asked where none is: asking for a
/// table by its name would load its module.
///
/// # Errors
/// When the tables or their rules can't be read, in words.
pub fn chains() -> Result<Vec<Chain>, String> {
    let mut chains = Vec::new();
    for (names, family, tools) in FAMILIES {
        let in_use = files::read_if_there(names.as_ref(), LARGEST).map_err(|e| e.to_string())?;
        if in_use.is_none_or(|names| names.is_empty()) {
            continue;
        }
        chains.extend(listed(family, &save(family, tools)?));
    }
    Ok(chains)
}

fn save(family: &str, tools: [&str; 2]) -> Result<String, String> {
    let there = tools
        .iter()
        .flat_map(|name| FOLDERS.map(|folder| Path::new(folder).join(name)))
        .find(|path| files::is_there(path));
    let missing =
        || format!("iptables-legacy has tables of family {family}, and its tool is not installed");
    let path = there.ok_or_else(missing)?;
    let text = tool::output(&[path.display().to_string()])?;
    // The tool without "legacy" in its name may be that of nf_tables.
    let first = text.lines().next().unwrap_or_default();
    if first.contains("nft") || first.contains("nf_tables") { Err(missing()) } else { Ok(text) }
}

/// The chains in what `iptables-save` prints (iptables-save(8)).
fn listed(family: &'static str, text: &str) -> Vec<Chain> {
    let mut chains: Vec<Chain> = Vec::new();
    let mut table = "";
    for line in text.lines() {
        let Some(mark) = line.chars().next() else { continue };
        let rest = line.trim_start_matches(mark);
        let (first, words) = rest.split_once(' ').unwrap_or((rest, ""));
        match mark {
            '*' => table = first,
            ':' => chains.push(Chain {
                owner: None,
                backend: Backend::Legacy,
                family,
                table: table.to_owned(),
                name: first.to_owned(),
                forwards: first == "FORWARD",
                policy_drops: words.starts_with("DROP"),
                rules: Vec::new(),
            }),
            '-' => {
                // "A CHAIN" and the rule.
                let (name, words) = words.split_once(' ').unwrap_or((words, ""));
                let is_its = |chain: &&mut Chain| chain.table == table && chain.name == name;
                if let Some(chain) = chains.iter_mut().find(is_its) {
                    chain.rules.push(rule(words));
                }
            }
            _ => {}
        }
    }
    chains
}

/// A rule without its `-A CHAIN`.
fn rule(words: &str) -> Rule {
    let mut conditions = Vec::new();
    let mut effect = Effect::Nothing;
    let mut words = in_quotes_joined(words).into_iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-j" => {
                effect = match words.next().as_deref().unwrap_or_default() {
                    "ACCEPT" => Effect::Accepts,
                    name => target(name),
                };
                // What follows says how the target does it.
                break;
            }
            "-g" => {
                effect = Effect::HandsOn;
                break;
            }
            "--comment" => {
                words.next();
                // It was loaded for this: "-m comment --comment TEXT" is no condition.
                conditions.truncate(conditions.len().saturating_sub(2));
            }
            _ => conditions.push(word),
        }
    }
    Rule { conditional: !conditions.is_empty(), effect }
}

/// The words of a line, where one in quotes may have spaces and, after a backslash, quotes.
fn in_quotes_joined(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            letter => {
                let letter = if letter == '\\' { letters.next() } else { Some(letter) };
                words.last_mut().into_iter().for_each(|word| word.extend(letter));
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_iptables_save_prints_is_read() {
        let text = "# Generated by iptables-save v1.8.9 on Thu Nov 26 04:00:00 2026\n\
                    *filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [12:720]\n:mine - [0:0]\n\
                    -A FORWARD -i eth0 -j ACCEPT\n\
                    -A FORWARD -m comment --comment \"all -j ACCEPT \\\"of\\\" ours\" -j mine\n\
                    -A FORWARD -j REJECT --reject-with icmp-port-unreachable\n\
                    -A mine -p tcp -g elsewhere\nCOMMIT\n\
                    *mangle\n:FORWARD ACCEPT [0:0]\nCOMMIT\n";
        let chains = listed("ip", text);
        let shown: Vec<_> = chains
            .iter()
            .map(|c| (c.table.as_str(), c.name.as_str(), c.forwards, c.policy_drops, c.rules.len()))
            .collect();
        assert_eq!(
            shown,
            [
                ("filter", "INPUT", false, false, 0),
                ("filter", "FORWARD", true, true, 3),
                ("filter", "mine", false, false, 1),
                ("mangle", "FORWARD", true, false, 0),
            ]
        );
        let rules: Vec<_> =
            chains.iter().flat_map(|c| &c.rules).map(|r| (r.conditional, r.effect)).collect();
        assert_eq!(
            rules,
            [
                (true, Effect::Accepts),
                (false, Effect::HandsOn),
                (false, Effect::Drops),
                (true, Effect::HandsOn),
            ]
        );
    }
}
