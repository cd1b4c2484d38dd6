//! keepalived: its notify commands, which name a VRRP instance and its state.
//!
//! Facts from keepalived's `vrrp_notify.c` and recorded calls. An instance is no interface,
//! even if it is called like one. The command of one state is told nothing more, that for all
//! of them four words.

use super::table::without_comments;
use super::{Attach, Call, Configured, Edit, Manners, Part, Refusal, Source, Trigger, Wait, Which};
use crate::event::{Action, Facts, SourceName};

const WORDS: &str = "INSTANCE|GROUP NAME STATE PRIORITY";

/// keepalived.
pub(super) static SOURCE: Source = Source {
    name: SourceName::fixed("keepalived"),
    summary: "keepalived, by its notify commands",
    which: Which::Ask(state),
    places: &[],
    manners: Manners::PLAIN,
    triggers: &[
        all("MASTER", Some(Action::Change)),
        all("BACKUP", Some(Action::Change)),
        all("FAULT", Some(Action::Change)),
        all("STOP", Some(Action::Change)),
        all("DELETED", Some(Action::Change)),
        // Lines of its FIFO that say nothing new, where somebody hands them on.
        all("MASTER_RX_LOWER_PRI", None),
        all("MASTER_PRIORITY", None),
        all("BACKUP_PRIORITY", None),
        one("master"),
        one("backup"),
        one("fault"),
        one("stop"),
        one("deleted"),
    ],
    attach: Attach {
        traces: &["/usr/sbin/keepalived", "/etc/keepalived"],
        parts: &[Part::Configured(&Configured {
            files: &["/etc/keepalived/keepalived.conf"],
            folders: &[],
            lines: LINES,
            edit,
            judge,
        })],
        ..Attach::NOTHING
    },
};

const LINES: &str = include_str!("../../integrations/keepalived/keepalived.conf");

const fn all(word: &'static str, action: Option<Action>) -> Trigger {
    Trigger::new(word, action, Wait::Deposit, WORDS, of_an_instance)
}

const fn one(word: &'static str) -> Trigger {
    Trigger::new(word, Some(Action::Change), Wait::Deposit, "[NAME]", of_a_state)
}

/// The third of four words, or the one that stands in the configuration.
fn state<'a>(call: &Call<'a>) -> Result<(&'a str, usize), Refusal> {
    match call.text(0, "INSTANCE, GROUP or a trigger")? {
        "INSTANCE" | "GROUP" => call.text(2, "the state").map(|word| (word, 0)),
        word => Ok((word, 1)),
    }
}

fn of_an_instance(call: &Call<'_>, trigger: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    call.at_least(3)?;
    let name = call.optional(1, "name", facts);
    let kind = call.text(0, "INSTANCE or GROUP")?;
    facts.detail_text(if kind == "GROUP" { "vrrp_group" } else { "vrrp_instance" }, name);
    facts.detail_text("vrrp_state", trigger.word);
    let priority = call.optional(3, "priority", facts);
    facts.detail_number("priority", priority);
    call.at_most(4, facts);
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of the table; others refuse")]
fn of_a_state(call: &Call<'_>, trigger: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    let name = call.optional(0, "name", facts);
    facts.detail_text("vrrp_instance", name);
    facts.detail_text("vrrp_state", &trigger.word.to_ascii_uppercase());
    call.at_most(1, facts);
    Ok(())
}

/// Into every instance and group that has no such command, and root as the user for all.
fn edit(text: &str) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    let mut global = None;
    let mut depth = 0_usize;
    let mut inside = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.split(['#', '!']).next().unwrap_or("").trim();
        let first = line.split_whitespace().next().unwrap_or("");
        if depth == 0 && line.ends_with('{') {
            inside = matches!(first, "vrrp_instance" | "vrrp_sync_group");
            if inside {
                edits.push(Edit::Insert { after: Some(index), lines: without_comments(LINES) });
            }
            if first == "global_defs" {
                global = Some(index);
            }
        } else if depth == 1 && inside && first == "notify" {
            // The last that was pushed is this block's.
            edits.pop();
            edits.push(Edit::Taken(index, TAKEN.to_owned()));
        }
        depth = (depth + line.matches('{').count()).saturating_sub(line.matches('}').count());
    }
    if !edits.is_empty() && !names_user(text) {
        let lines = match global {
            Some(_) => format!("{USER}\n"),
            None => format!("global_defs {{\n{USER}\n}}\n"),
        };
        edits.push(Edit::Insert { after: global, lines });
        edits.sort_by_key(|edit| match edit {
            Edit::Insert { after, .. } => *after,
            Edit::Taken(line, _) => Some(*line),
        });
    }
    edits
}

const TAKEN: &str = "there is a command already: call netcue from that script";

const USER: &str = "    script_user root";

fn names_user(text: &str) -> bool {
    text.lines().any(|line| line.split_whitespace().next() == Some("script_user"))
}

fn judge(text: &str) -> Vec<String> {
    let names_root = text.lines().any(|line| {
        let mut words = line.split_whitespace();
        words.next() == Some("script_user") && words.next() == Some("root")
    });
    if names_root {
        return Vec::new();
    }
    vec![
        "it lacks \"script_user root\" under global_defs: where there is an account \
         keepalived_script, netcue is run as that, and may do nothing"
            .to_owned(),
    ]
}
