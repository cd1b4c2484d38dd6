//! The administrator's own rules: loaded by nft(8) into the chains that netcue keeps for them,
//! in one transaction, and again where somebody took them out.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::names::ChainName;
use super::ruleset::TABLE;
use super::wire;
use crate::config::OwnRules;
use crate::sys::netlink::NetlinkError;
use crate::sys::nftables::{LiveTable, Session};
use crate::sys::tool;

/// Where nft(8) is looked for. A caller's own search path may lack it.
const PROGRAMS: [&str; 3] = ["/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft"];

/// What was tried last, and what came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Loaded {
    /// The files that were to be loaded.
    files: Vec<(PathBuf, String)>,
    /// Those that were not to be.
    refused: Vec<String>,
    /// The rules that were there afterwards: chain and handle.
    rules: Vec<(String, u64)>,
    /// Why not all of it is loaded, in words.
    pub(super) problem: Option<String>,
}

impl Loaded {
    /// Whether these files were loaded, all of them.
    pub(super) fn is_whole(&self, own: &OwnRules) -> bool {
        self.files == own.files && self.refused == own.refused && self.problem.is_none()
    }
}

/// Sees to it that the files are loaded, unless they are; returns the generation that has them.
///
/// One with a mistake leaves those that are in force; where none are, those without a mistake
/// are loaded.
pub(super) fn see_to(
    own: &OwnRules,
    before: Option<&Loaded>,
    session: &mut Session,
) -> Result<(Loaded, u32), NetlinkError> {
    let (generation, live) = session.table(TABLE)?;
    let there = wire::users_rules(&live);
    // What failed may have failed for want of nft(8), or of the right to use it.
    let is_done = |it: &&Loaded| it.is_whole(own) && it.rules == there;
    if let Some(before) = before.filter(is_done) {
        return Ok((before.clone(), generation));
    }
    let all: Vec<&Path> = own.files.iter().map(|(path, _)| path.as_path()).collect();
    let mut problems = own.refused.clone();
    if problems.is_empty() {
        problems.extend(load(&live, &all, false).err());
    }
    let problem = if problems.is_empty() {
        None
    } else if there.is_empty() {
        problems.clone_from(&own.refused);
        let mut good: Vec<&Path> = Vec::new();
        for path in all {
            good.push(path);
            if let Err(problem) = load(&live, &good, true) {
                good.pop();
                problems.push(problem);
            }
        }
        problems.extend(load(&live, &good, false).err());
        Some(format!("{}; the other files of rules.d are in force", problems.join("; ")))
    } else {
        Some(format!("{}; the former rules of rules.d stay", problems.join("; ")))
    };
    let (generation, live) = session.table(TABLE)?;
    let rules = wire::users_rules(&live);
    let (files, refused) = (own.files.clone(), own.refused.clone());
    Ok((Loaded { files, refused, rules, problem }, generation))
}

/// Puts the files in place of what was loaded before, or only asks nft whether it would.
fn load(live: &LiveTable, files: &[&Path], only_check: bool) -> Result<(), String> {
    let Some(program) = PROGRAMS.iter().find(|program| Path::new(program).exists()) else {
        return Err("rules.d needs nft(8), which is not installed (package nftables)".to_owned());
    };
    let script = script(live, files);
    let check = [*program, "--check", "--file", "-"].map(str::to_owned);
    tool::filter(&check, script.as_bytes()).map_err(|said| first_mistake(&said))?;
    if only_check {
        return Ok(());
    }
    let load = [*program, "--file", "-"].map(str::to_owned);
    tool::filter(&load, script.as_bytes()).map(|_| ()).map_err(|said| first_mistake(&said))
}

fn script(live: &LiveTable, files: &[&Path]) -> String {
    let leftovers = wire::leftovers(live);
    let users = ChainName::ALL.iter().filter(|name| name.is_users()).map(|name| name.as_str());
    let more = leftovers.iter().filter(|it| it.kind == "chain").map(|it| it.name.as_str());
    let flushed = users.chain(more).map(|name| format!("flush chain inet {TABLE} {name}\n"));
    let deleted =
        leftovers.iter().map(|it| format!("delete {} inet {TABLE} {}\n", it.kind, it.name));
    let included = files.iter().map(|path| format!("include \"{}\"\n", path.display()));
    flushed.chain(deleted).chain(included).collect()
}

/// What nft said of the first mistake, with its place.
fn first_mistake(said: &str) -> String {
    let line = said.lines().find(|line| line.contains("Error: "));
    line.or_else(|| said.lines().next()).unwrap_or("nft failed").trim().to_owned()
}
