//! Scripts of networkd-dispatcher: no words, a folder for each state of a link.

use super::told::{PATH, Variables, addresses, detail};
use super::{Dispatcher, Given, Moment, Names, place};
use crate::event::{Action, Event, Family};

/// On its way up a link is in several states, one after the other.
const UP: &[Action] = &[Action::Up];
const DOWN: &[Action] = &[Action::Down];
/// The states that no action means by itself.
const BETWEEN: &[Action] = &[];

pub(super) static DISPATCHER: Dispatcher = Dispatcher {
    name: "networkd",
    source: "networkd-dispatcher",
    places: &[
        place("routable.d", "routable", UP),
        place("configured.d", "configured", UP),
        place("carrier.d", "carrier", UP),
        place("off.d", "off", DOWN),
        place("no-carrier.d", "no-carrier", DOWN),
        place("degraded.d", "degraded", BETWEEN),
        place("degraded-carrier.d", "degraded-carrier", BETWEEN),
        place("dormant.d", "dormant", BETWEEN),
        place("enslaved.d", "enslaved", BETWEEN),
        place("missing.d", "missing", BETWEEN),
        place("linger.d", "linger", BETWEEN),
        place("configuring.d", "configuring", BETWEEN),
        place("initialized.d", "initialized", BETWEEN),
        place("pending.d", "pending", BETWEEN),
        place("failed.d", "failed", BETWEEN),
        place("unmanaged.d", "unmanaged", BETWEEN),
    ],
    names: Names { who: "networkd-dispatcher", takes: |_| true },
    shell: None,
    per_family: false,
    word,
    given,
};

fn word(event: &Event, _: Family) -> Option<&'static str> {
    match event.facts.action.as_ref()? {
        Action::Up => Some("routable"),
        Action::Down => Some("off"),
        _ => None,
    }
}

fn given(moment: &Moment<'_>) -> Given {
    let Moment { event, interface, word, .. } = *moment;
    let mut env = Variables::with_path(PATH);
    env.set("IFACE", interface);
    env.set("STATE", word);
    let assumed = match event.facts.action {
        _ if event.source.as_str() == DISPATCHER.source => "",
        Some(Action::Up) => "routable",
        _ => "off",
    };
    let operational = detail(event, "operational_state");
    env.set("OperationalState", operational.unwrap_or_else(|| assumed.to_owned()));
    env.know("AdministrativeState", detail(event, "administrative_state"));
    env.set("ESSID", detail(event, "essid").unwrap_or_default());
    // Those of the loopback network and of the link itself are left out, and without any the
    // lists are empty.
    let is_gone = event.facts.action == Some(Action::Down);
    let known = |family| {
        let all = if is_gone { Vec::new() } else { addresses(event, family) };
        let all = all.into_iter().map(|(address, _)| address.to_string());
        all.filter(|text| !text.starts_with("127.") && !text.starts_with("fe80:"))
            .collect::<Vec<String>>()
    };
    let (ipv4, ipv6) = (known(Family::Ipv4), known(Family::Ipv6));
    env.set("ADDR", ipv4.first().or(ipv6.first()).cloned().unwrap_or_default());
    env.set("IP_ADDRS", ipv4.join(" "));
    env.set("IP6_ADDRS", ipv6.join(" "));
    Given { words: Vec::new(), env: env.into_env() }
}
