//! strongSwan: the `updown` command of a child, told by `PLUTO_VERB`.
//!
//! Facts from strongSwan's `updown_listener.c` and recorded calls. `PLUTO_INTERFACE` is what
//! the tunnel's packets leave by, not a tunnel: there is no interface that goes up. charon
//! reads what the command says to its end, in one of its threads.

use super::table::without_comments;
use super::values::{address, addresses, details};
use super::{
    Attach, Call, Configured, Edit, Manners, OTHER, Part, Refusal, Source, Trigger, Wait, Which,
};
use crate::event::{Action, Facts, Family, SourceName};

/// strongSwan.
pub(super) static SOURCE: Source = Source {
    name: SourceName::fixed("strongswan"),
    summary: "strongSwan's charon, by the updown command of each child",
    which: Which::Variable("PLUTO_VERB"),
    places: &[],
    manners: Manners::PLAIN,
    triggers: &[
        says("up-client", Some(Action::Up)),
        says("down-client", Some(Action::Down)),
        says("up-host", Some(Action::Up)),
        says("down-host", Some(Action::Down)),
        says("up-client-v6", Some(Action::Up)),
        says("down-client-v6", Some(Action::Down)),
        says("up-host-v6", Some(Action::Up)),
        says("down-host-v6", Some(Action::Down)),
        says(OTHER, None),
    ],
    attach: Attach {
        traces: &["/usr/sbin/swanctl", "/usr/lib/ipsec/charon", "/etc/swanctl", "/etc/ipsec.conf"],
        parts: &[Part::Configured(&Configured {
            files: &["/etc/swanctl/swanctl.conf"],
            folders: &[("/etc/swanctl/conf.d", ".conf")],
            lines: LINES,
            edit,
            judge: |_| Vec::new(),
        })],
        ..Attach::NOTHING
    },
};

const LINES: &str = include_str!("../../integrations/strongswan/swanctl.conf");

const fn says(word: &'static str, action: Option<Action>) -> Trigger {
    Trigger::new(word, action, Wait::Deposit, "", read)
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of the table; others refuse")]
fn read(call: &Call<'_>, trigger: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    facts.family = match trigger.word {
        OTHER => None,
        word if word.ends_with("-v6") => Some(Family::Ipv6),
        _ => Some(Family::Ipv4),
    };
    let written = call.variable("PLUTO_ME", facts);
    facts.local = address(written, "PLUTO_ME", facts);
    let written = call.variable("PLUTO_PEER", facts);
    facts.remote = address(written, "PLUTO_PEER", facts);
    let mut servers = Vec::new();
    let mut index = 1;
    while index <= 8 {
        for family in ["4", "6"] {
            let name = format!("PLUTO_DNS{family}_{index}");
            let written = call.variable(&name, facts);
            servers.extend(addresses(written, &name, facts));
        }
        index += 1;
    }
    facts.dns = (!servers.is_empty()).then_some(servers);
    let lower = call.variable("PLUTO_INTERFACE", facts);
    if lower != "unknown" {
        facts.detail_text("lower", lower);
    }
    let texts = [
        ("PLUTO_CONNECTION", "connection"),
        ("PLUTO_MY_CLIENT", "local_net"),
        ("PLUTO_PEER_CLIENT", "remote_net"),
        ("PLUTO_MY_ID", "local_id"),
        ("PLUTO_PEER_ID", "peer_id"),
        ("PLUTO_XAUTH_ID", "xauth_id"),
        ("PLUTO_MY_SOURCEIP4_1", "virtual_ip"),
        ("PLUTO_MY_SOURCEIP6_1", "virtual_ip6"),
        ("PLUTO_PROTO", "protocol"),
        ("PLUTO_MARK_IN", "mark_in"),
        ("PLUTO_MARK_OUT", "mark_out"),
    ];
    let numbers = [
        ("PLUTO_REQID", "reqid"),
        ("PLUTO_UNIQUEID", "unique_id"),
        ("PLUTO_IF_ID_IN", "if_id_in"),
        ("PLUTO_IF_ID_OUT", "if_id_out"),
    ];
    details(call, &texts, &numbers, facts);
    facts.facts_complete = facts.local.is_some() && facts.warnings.is_empty();
    call.at_most(0, facts);
    Ok(())
}

/// Into every child of every connection that has no such command: there is no default for all
/// of them.
fn edit(text: &str) -> Vec<Edit> {
    let mut open: Vec<&str> = Vec::new();
    let mut edits: Vec<Edit> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or("").trim();
        let in_child = matches!(open.as_slice(), [.., "children", _]);
        if let Some(name) = line.strip_suffix('{') {
            if open.last() == Some(&"children") {
                edits.push(Edit::Insert { after: Some(index), lines: without_comments(LINES) });
            }
            open.push(name.trim());
        } else if line == "}" {
            open.pop();
        } else if in_child && line.split('=').next().is_some_and(|key| key.trim() == "updown") {
            // The last that was pushed is this child's.
            edits.pop();
            edits.push(Edit::Taken(index, TAKEN.to_owned()));
        }
    }
    edits
}

const TAKEN: &str = "this child has a command already: call netcue from that script";
