//! wg-quick: the lines of its configuration, which say what they are and nothing else.
//!
//! Facts from wireguard-tools' `linux.bash` and recorded calls. A line that fails takes the
//! interface down again, or keeps it from going down.

use super::table::without_comments;
use super::{Attach, Call, Configured, Edit, Manners, Part, Refusal, Source, Trigger, Wait, Which};
use crate::event::{Action, Facts, SourceName};

/// wg-quick.
pub(super) static SOURCE: Source = Source {
    name: SourceName::fixed("wg-quick"),
    summary: "wg-quick of WireGuard, from its configuration",
    which: Which::FirstWord,
    places: &[],
    manners: Manners::MINDFUL,
    triggers: &[
        says("pre-up", Action::PreUp, Wait::finish(10)),
        says("up", Action::Up, Wait::Deposit),
        says("pre-down", Action::PreDown, Wait::finish(10)),
        says("down", Action::Down, Wait::Deposit),
    ],
    attach: Attach {
        traces: &["/usr/bin/wg-quick", "/etc/wireguard"],
        parts: &[Part::Configured(&Configured {
            files: &[],
            folders: &[("/etc/wireguard", ".conf")],
            lines: LINES,
            edit,
            judge: |_| Vec::new(),
        })],
        ..Attach::NOTHING
    },
};

const LINES: &str = include_str!("../../integrations/wg-quick/wg.conf");

const fn says(word: &'static str, action: Action, wait: Wait) -> Trigger {
    Trigger::new(word, Some(action), wait, "INTERFACE", read)
}

fn read(call: &Call<'_>, _: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    if call.optional(0, "interface", facts) == "%i" {
        return Err(Refusal::word("%i", "only wg-quick makes this the interface").at(0));
    }
    facts.interface = Some(call.interface(0)?);
    call.at_most(1, facts);
    Ok(())
}

/// Into the section of the interface, before those of its peers.
fn edit(text: &str) -> Vec<Edit> {
    let heading = |line: &str| line.trim().eq_ignore_ascii_case("[interface]");
    let after = text.lines().position(heading);
    let lines = after.map(|_| Edit::Insert { after, lines: without_comments(LINES) });
    lines.into_iter().collect()
}
