//! systemd-networkd, which calls nobody itself, by networkd-dispatcher: a folder per state.
//!
//! Facts from networkd-dispatcher 2.2.3 and 2.2.4 and recorded calls. It asks for the
//! addresses when it runs the scripts, not when the state changed, and never says a prefix
//! or whose the gateway is.

use std::net::IpAddr;

use super::values::{addresses, detail_list, details};
use super::{Attach, Call, Manners, OTHER, Part, Place, Refusal, Source, Trigger, Wait, Which};
use crate::event::{Action, Facts, SourceName};

/// The folders of a state: the administrator's and the packages'.
macro_rules! places {
    ($state:literal) => {
        &[
            Place::Folder(concat!("/etc/networkd-dispatcher/", $state, ".d")),
            Place::Folder(concat!("/usr/lib/networkd-dispatcher/", $state, ".d")),
        ]
    };
}
/// systemd-networkd.
pub(super) static SOURCE: Source = Source {
    name: SourceName::fixed("networkd-dispatcher"),
    summary: "systemd-networkd, by networkd-dispatcher",
    which: Which::Variable("STATE"),
    places: &[],
    manners: Manners::PLAIN,
    triggers: &[
        state("routable", Some(Action::Up), places!("routable")),
        state("degraded", Some(Action::Change), places!("degraded")),
        state("degraded-carrier", Some(Action::Change), places!("degraded-carrier")),
        state("carrier", Some(Action::Change), places!("carrier")),
        state("dormant", Some(Action::Change), places!("dormant")),
        state("enslaved", Some(Action::Change), places!("enslaved")),
        state("no-carrier", Some(Action::Down), places!("no-carrier")),
        state("off", Some(Action::Down), places!("off")),
        state("missing", Some(Action::Down), places!("missing")),
        state("linger", Some(Action::Down), places!("linger")),
        state("configured", Some(Action::Change), places!("configured")),
        state("failed", Some(Action::Change), places!("failed")),
        state("configuring", None, places!("configuring")),
        state("initialized", None, places!("initialized")),
        state("pending", None, places!("pending")),
        state("unmanaged", None, places!("unmanaged")),
        state(OTHER, None, &[]),
    ],
    attach: Attach {
        traces: &["/usr/bin/networkd-dispatcher", "/etc/networkd-dispatcher"],
        parts: &[
            link("/etc/networkd-dispatcher/routable.d/50-netcue", false),
            link("/etc/networkd-dispatcher/degraded.d/50-netcue", false),
            link("/etc/networkd-dispatcher/carrier.d/50-netcue", false),
            link("/etc/networkd-dispatcher/configured.d/50-netcue", true),
            link("/etc/networkd-dispatcher/no-carrier.d/50-netcue", false),
            link("/etc/networkd-dispatcher/off.d/50-netcue", false),
            link("/etc/networkd-dispatcher/linger.d/50-netcue", true),
        ],
        ..Attach::NOTHING
    },
};

const fn link(at: &'static str, own_folder: bool) -> Part {
    Part::Link { at, own_folder }
}

/// It runs one script at a time for all links, so nobody is kept.
const fn state(word: &'static str, action: Option<Action>, places: &'static [Place]) -> Trigger {
    Trigger::new(word, action, Wait::Deposit, "", read).at(places)
}

fn read(call: &Call<'_>, trigger: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    facts.interface = Some(call.interface_in("IFACE")?);
    let said = call.variable("STATE", facts);
    if !said.is_empty() && trigger.word != OTHER && said != trigger.word {
        return Err(Refusal::of(format!("STATE is {said:?}, another state")));
    }
    let operational = call.variable("OperationalState", facts);
    // Asked for later, the addresses may be those of a state that came after this one.
    let is_of_this_state = match trigger.word {
        "routable" => operational.is_empty() || operational == "routable",
        "configured" | "failed" | "unmanaged" => operational == "routable",
        _ => false,
    };
    if is_of_this_state {
        let written = call.variable("IP_ADDRS", facts);
        let mut known = addresses(written, "IP_ADDRS", facts);
        let written = call.variable("IP6_ADDRS", facts);
        known.extend(addresses(written, "IP6_ADDRS", facts));
        known.retain(|address| !address.is_loopback());
        facts.local = known.first().copied();
        if known.len() > 1 {
            let known: Vec<String> = known.iter().map(IpAddr::to_string).collect();
            detail_list("addresses", &known, facts);
        }
    }
    let texts = [
        ("OperationalState", "operational_state"),
        ("AdministrativeState", "administrative_state"),
        ("ESSID", "essid"),
    ];
    details(call, &texts, &[], facts);
    call.at_most(0, facts);
    Ok(())
}
