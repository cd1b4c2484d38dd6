//! ifplugd and netplug: daemons that look whether a cable is plugged in, and say so in two words.
//!
//! Facts from ifplugd 0.28, netplugd 1.2 and recorded calls.

use super::table::without_comments;
use super::values::details;
use super::{
    Attach, Call, Configured, Edit, Manners, Part, Place, Refusal, Source, Trigger, Wait, Which,
};
use crate::event::{Action, Facts, SourceName};

/// ifplugd, whose `ifplugd.action` runs a folder.
pub(super) static IFPLUGD: Source = Source {
    name: SourceName::fixed("ifplugd"),
    summary: "ifplugd, by its folder of actions",
    which: Which::Word(1),
    places: &[Place::Folder("/etc/ifplugd/action.d")],
    manners: Manners::PLAIN,
    triggers: &[
        says("up", "INTERFACE up|down", Some(Action::Up)),
        says("down", "INTERFACE up|down", Some(Action::Down)),
    ],
    attach: Attach {
        traces: &["/usr/sbin/ifplugd"],
        parts: &[Part::Link { at: "/etc/ifplugd/action.d/netcue", own_folder: true }],
        ..Attach::NOTHING
    },
};

/// netplugd, which has one script, and manages what that says 0 for.
pub(super) static NETPLUG: Source = Source {
    name: SourceName::fixed("netplug"),
    summary: "netplugd, from its script",
    which: Which::Word(1),
    places: &[Place::File("/etc/netplug/netplug")],
    manners: Manners::MINDFUL,
    triggers: &[
        says("in", "INTERFACE in|out|probe", Some(Action::Up)),
        says("out", "INTERFACE in|out|probe", Some(Action::Down)),
        says("probe", "INTERFACE in|out|probe", None),
    ],
    attach: Attach {
        traces: &["/sbin/netplugd", "/usr/sbin/netplugd", "/etc/netplug"],
        parts: &[Part::Configured(&Configured {
            files: &["/etc/netplug/netplug"],
            folders: &[],
            lines: LINES,
            // Behind the line that says which shell it is for.
            edit: |text| {
                let after = text.starts_with("#!").then_some(0);
                vec![Edit::Insert { after, lines: without_comments(LINES) }]
            },
            judge: |_| Vec::new(),
        })],
        ..Attach::NOTHING
    },
};

const LINES: &str = include_str!("../../integrations/netplug/netplug");

/// They wait for what they call, which brings the interface up or down.
const fn says(word: &'static str, usage: &'static str, action: Option<Action>) -> Trigger {
    Trigger::new(word, action, Wait::Deposit, usage, read)
}

fn read(call: &Call<'_>, _: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    facts.interface = Some(call.interface(0)?);
    let texts = [("IFPLUGD_PREVIOUS", "previous"), ("IFPLUGD_CURRENT", "current")];
    details(call, &texts, &[], facts);
    call.at_most(2, facts);
    Ok(())
}
