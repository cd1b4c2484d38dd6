//! udev: a rule for network devices, whose properties say everything.
//!
//! Facts from systemd's `udev-event.c` and recorded calls. What is still running when the
//! event ends is killed, and all of it runs in udev's sandbox, so the event is only left to
//! somebody else here.

use super::values::details;
use super::{Attach, Call, Manners, OTHER, Part, Refusal, Source, Trigger, Wait, Which};
use crate::event::{Action, Facts, SourceName};

/// udev.
pub(super) static SOURCE: Source = Source {
    name: SourceName::fixed("udev"),
    summary: "udev, when a network device comes, goes or is renamed",
    which: Which::Variable("ACTION"),
    places: &[],
    manners: Manners::PLAIN,
    triggers: &[
        says("add", Some(Action::Change)),
        says("move", Some(Action::Change)),
        says("remove", Some(Action::Down)),
        says(OTHER, None),
    ],
    attach: Attach {
        traces: &["/lib/systemd/systemd-udevd", "/usr/lib/systemd/systemd-udevd"],
        parts: &[Part::File {
            at: "/etc/udev/rules.d/90-netcue.rules",
            text: include_str!("../../integrations/udev/90-netcue.rules"),
            own_folder: true,
        }],
        reload: Some(("/run/udev/control", &["/usr/bin/udevadm", "control", "--reload"])),
        ..Attach::NOTHING
    },
};

const fn says(word: &'static str, action: Option<Action>) -> Trigger {
    Trigger::new(word, action, Wait::Leave, "", read)
}

fn read(call: &Call<'_>, _: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    facts.interface = Some(call.interface_in("INTERFACE")?);
    let said = facts.trigger.as_str().to_owned();
    facts.detail_text("device_event", &said);
    let texts = [
        ("DEVPATH", "device_path"),
        ("DEVPATH_OLD", "old_device_path"),
        ("DEVTYPE", "device_type"),
        ("ID_NET_DRIVER", "driver"),
        ("ID_BUS", "bus"),
        ("ID_PATH", "path"),
    ];
    details(call, &texts, &[("IFINDEX", "ifindex"), ("SEQNUM", "sequence")], facts);
    call.at_most(0, facts);
    Ok(())
}
