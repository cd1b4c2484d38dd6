//! `OpenWrt`'s hotplug.d: scripts that are sourced for netifd's interfaces and the kernel's devices.
//!
//! Facts from netifd's `interface-event.c`, `OpenWrt`'s `hotplug-call` and recorded calls. For
//! type iface, `INTERFACE` is a logical name, and the kernel's stands in `DEVICE`, on the way
//! up only.

use super::{Attach, Call, Manners, OTHER, Part, Refusal, Source, Trigger, Wait, Which};
use crate::event::{Action, Facts, SourceName};

/// hotplug.d.
pub(super) static SOURCE: Source = Source {
    name: SourceName::fixed("hotplug.d"),
    summary: "netifd and procd of OpenWrt, by hotplug.d",
    which: Which::Ask(action),
    places: &[],
    manners: Manners::PLAIN,
    triggers: &[
        says("ifup", Some(Action::Up)),
        says("ifdown", Some(Action::Down)),
        says("ifupdate", Some(Action::Change)),
        says("ifup-failed", None),
        says("add", Some(Action::Change)),
        says("move", Some(Action::Change)),
        says("remove", Some(Action::Down)),
        says(OTHER, None),
    ],
    attach: Attach {
        traces: &["/sbin/hotplug-call"],
        parts: &[
            Part::File {
                at: "/etc/hotplug.d/iface/90-netcue",
                text: include_str!("../../integrations/hotplug.d/iface"),
                own_folder: true,
            },
            Part::File {
                at: "/etc/hotplug.d/net/90-netcue",
                text: include_str!("../../integrations/hotplug.d/net"),
                own_folder: true,
            },
        ],
        ..Attach::NOTHING
    },
};

/// The next event waits until the script has ended.
const fn says(word: &'static str, action: Option<Action>) -> Trigger {
    Trigger::new(word, action, Wait::Deposit, "iface|net", read)
}

/// The word is the type; what happened stands in `ACTION`.
fn action<'a>(call: &Call<'a>) -> Result<(&'a str, usize), Refusal> {
    Ok((Call { words: &[], ..*call }.first_word_or("ACTION")?.0, 0))
}

fn read(call: &Call<'_>, _: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    let kind = call.optional(0, "type", facts);
    let kind = if kind.is_empty() { call.variable("HOTPLUG_TYPE", facts) } else { kind };
    facts.detail_text("type", kind);
    if kind == "net" {
        facts.interface = Some(call.interface_in("INTERFACE")?);
        let number = call.variable("IFINDEX", facts);
        facts.detail_number("ifindex", number);
    } else {
        let logical = call.variable("INTERFACE", facts);
        facts.detail_text("logical", logical);
        if call.has("DEVICE") && !call.variable("DEVICE", facts).is_empty() {
            facts.interface = Some(call.interface_in("DEVICE")?);
        }
        let changed = ["ADDRESSES", "ROUTES", "PREFIXES", "DATA"].into_iter();
        let changed = changed.filter(|what| call.has(&format!("IFUPDATE_{what}")));
        let changed: Vec<String> = changed.map(str::to_lowercase).collect();
        super::values::detail_list("changed", &changed, facts);
    }
    call.at_most(1, facts);
    Ok(())
}
