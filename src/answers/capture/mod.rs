//! `capture`: all about one event in an archive for a bug report.

use std::path::Path;

use serde_json::{Value, json};

use super::shared::recorded::{self, Recorded, names};
use super::shared::redact::Redaction;
use super::shared::tar;
use crate::config;
use crate::engine;
use crate::error::Exit;
use crate::error::{Ended, Failure};
use crate::hooks;
use crate::paths::Layout;
use crate::pipeline::House;
use crate::sys::{files, identity, screen, terminal};

/// What may be said with `capture`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The beginning of an event's id, or "last"
    #[arg(value_name = "EVENT")]
    event: String,
}

const README: &str = "\
What netcue recorded about one event, for a bug report. Look through it before you send it.

event.json     the event
records.jsonl  its records in the journal
state.json     interfaces, addresses, routes and policy rules that its run met
rules.nft      the rules that these call for
hooks.json     the hooks there are now: name, path, netcue's header lines, whether they would run
netcue.conf    the configuration, without its comments
versions.json  of netcue and the kernel

Try it: netcue replay --sandbox THIS-FILE

Taken out, or replaced by something of the same kind (the same by the same, in all files):

- public IPv4 addresses: each /24 by one of 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24 or
  of 198.18.0.0/15; the last number stays
- public IPv6 addresses: each /48 by one of 2001:db8::/32
- the lower half of every IPv6 address, unless it is a small number
- MAC addresses
- details of the event that may name a person, a provider or a place: names of peers and
  users, telephone numbers, ipparam and the like
- the words of the call, which the event has as far as they were understood
- what hooks printed, and all of a hook but its header lines

Not taken out: private addresses, names of interfaces and hooks, times.
";

pub(crate) fn main(layout: &Layout, args: &Args) -> Ended {
    if screen::is_terminal() {
        let message = "stdout is a terminal: write it to a file, as in \
                       \"netcue capture EVENT > incident.tar\"";
        return Err(Failure::new(Exit::Usage, message));
    }
    let house = House::open(layout.clone());
    let recorded = recorded::in_journal(&house.journal, &args.event)?;
    let time = u64::try_from(recorded.event.time.as_second()).unwrap_or(0);
    let folder = format!("netcue-{}", recorded.event.id);
    let files: Vec<(String, String)> = bundle(&house, &recorded)
        .into_iter()
        .map(|(name, text)| (format!("{folder}/{name}"), text))
        .collect();
    terminal::write(&tar::write(&files, time)?)?;
    Ok(Exit::Done)
}

/// The files, with what nobody else should see taken out.
fn bundle(house: &House, recorded: &Recorded) -> Vec<(&'static str, String)> {
    let mut redaction = Redaction::default();
    let mut event = serde_json::to_value(&recorded.event).unwrap_or_default();
    // First, because its details are looked for in all that follows.
    redaction.value(&mut event);
    let mut files = vec![("README", README.to_owned()), (names::EVENT, pretty(&event))];
    let mut records = String::new();
    for entry in &recorded.entries {
        let mut record = serde_json::to_value(entry).unwrap_or_default();
        redaction.value(&mut record);
        records.push_str(&format!("{record}\n"));
    }
    files.push((names::RECORDS, records));
    if let Some(state) = &recorded.state {
        let rules = &house.config.rules;
        let wanted = engine::text(&engine::ruleset(&engine::classify(state, rules), rules));
        let mut state = serde_json::to_value(state).unwrap_or_default();
        redaction.value(&mut state);
        files.push((names::STATE, pretty(&state)));
        files.push(("rules.nft", redaction.text(&wanted)));
    }
    files.push(("hooks.json", redaction.text(&pretty(&hook_list(house)))));
    if let Some(configuration) = configuration(&house.layout.configuration()) {
        files.push((names::CONFIGURATION, redaction.text(&configuration)));
    }
    let versions = json!({ "netcue": env!("CARGO_PKG_VERSION"), "kernel": identity::kernel() });
    files.push(("versions.json", pretty(&versions)));
    files
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

fn hook_list(house: &House) -> Value {
    let survey = hooks::find(&house.layout, &house.config.adopt);
    let hooks = survey.hooks.iter().map(|hook| {
        let header: Vec<&str> =
            hook.head.lines().filter(|line| line.starts_with("# netcue:")).collect();
        json!({ "name": hook.name, "path": hook.path, "standing": hook.judgement.to_string(), "header": header })
    });
    hooks.collect()
}

/// The configuration without comments, which may say anything; none if it can't be used:
/// the defaults hold then.
fn configuration(path: &Path) -> Option<String> {
    let content = files::read_if_there(path, config::LARGEST).ok()??;
    let text = String::from_utf8(content).ok()?;
    let meant = config::parse(&text, path).ok()?;
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim_end());
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    let bare = lines.join("\n") + "\n";
    // A quoted name may have that sign in it.
    let is_same = config::parse(&bare, path).is_ok_and(|config| config == meant);
    is_same.then_some(bare)
}
