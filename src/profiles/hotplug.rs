//! Scripts in `OpenWrt`'s `/etc/hotplug.d/iface`, which hotplug-call sources.

use super::told::{Variables, detail};
use super::{Dispatcher, Given, Moment, Names, Place, Shell, place};
use crate::event::{Action, Event, Family};

/// As hotplug-call sets it.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

pub(super) static DISPATCHER: Dispatcher = Dispatcher {
    name: "hotplug",
    source: "hotplug.d",
    places: &[Place {
        word: None,
        ..place("iface", "", &[Action::Up, Action::Down, Action::Change])
    }],
    // It takes what `ls` lists.
    names: Names { who: "hotplug-call", takes: |name| !name.starts_with('.') },
    shell: Some(Shell {
        zero: "/sbin/hotplug-call",
        text: "script=$1; [ ! -r /lib/functions.sh ] || . /lib/functions.sh; \
               set -- \"$HOTPLUG_TYPE\"; . \"$script\"",
    }),
    per_family: false,
    word,
    given,
};

fn word(event: &Event, _: Family) -> Option<&'static str> {
    match event.facts.action.as_ref()? {
        Action::Up => Some("ifup"),
        Action::Down => Some("ifdown"),
        Action::Change => Some("ifupdate"),
        _ => None,
    }
}

fn given(moment: &Moment<'_>) -> Given {
    let Moment { event, interface, word, .. } = *moment;
    let mut env = Variables::with_path(PATH);
    env.set("LOGNAME", "root");
    env.set("USER", "root");
    let kind = detail(event, "type").unwrap_or_else(|| "iface".to_owned());
    env.set("HOTPLUG_TYPE", &kind);
    env.set("ACTION", word);
    env.set("INTERFACE", detail(event, "logical").unwrap_or_else(|| interface.to_string()));
    env.know("IFINDEX", detail(event, "ifindex"));
    // netifd names the device only while it has it, and the kernel no other.
    if kind == "iface" && word != "ifdown" {
        env.set("DEVICE", interface);
    }
    let changed = detail(event, "changed").unwrap_or_default();
    for what in changed.split_whitespace() {
        env.set(&format!("IFUPDATE_{}", what.to_uppercase()), "1");
    }
    Given { words: Vec::new(), env: env.into_env() }
}
