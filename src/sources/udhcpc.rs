//! udhcpc of busybox: the one script that it runs, with a word and the lease.
//!
//! Facts from busybox's `dhcpc.c` and `d6_dhcpc.c` and recorded calls. Everything but the word
//! is in the environment, among all that udhcpc itself was given.

use super::values::{address_in, addresses, cidr, details, gateways, netmask, prefix, route_by};
use super::{Attach, Call, Manners, OTHER, Part, Refusal, Source, Trigger, Wait, Which};
use crate::event::{Action, Facts, Family, SourceName};

const SCRIPT: &str = include_str!("../../integrations/udhcpc/udhcpc-script");

/// udhcpc.
pub(super) static SOURCE: Source = Source {
    name: SourceName::fixed("udhcpc"),
    summary: "udhcpc of busybox, by a script around its own",
    which: Which::FirstWord,
    places: &[],
    manners: Manners::PLAIN,
    triggers: &[
        // Also before any lease, and after a release: there is no address now.
        says("deconfig", Some(Action::Down)),
        says("bound", Some(Action::Up)),
        says("renew", Some(Action::Change)),
        says("nak", None),
        says("leasefail", None),
        says(OTHER, None),
    ],
    attach: Attach {
        traces: &["/sbin/udhcpc", "/usr/sbin/udhcpc", "/etc/udhcpc"],
        parts: &[Part::File { at: "/etc/netcue/udhcpc-script", text: SCRIPT, own_folder: true }],
        needs: "udhcpc knows one script: it has to be called with \"-s /etc/netcue/udhcpc-script\"",
        ..Attach::NOTHING
    },
};

/// It waits without a limit.
const fn says(word: &'static str, action: Option<Action>) -> Trigger {
    Trigger::new(word, action, Wait::Deposit, "", read)
}

fn read(call: &Call<'_>, trigger: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    facts.interface = Some(call.interface_in("interface")?);
    if trigger.word == OTHER {
        return Ok(());
    }
    let is_six = call.has("ipv6") || call.has("ipv6prefix");
    if is_six {
        lease6(call, facts);
    } else {
        lease(call, facts);
    }
    let name = "dns";
    let written = call.variable(name, facts);
    let servers = addresses(written, name, facts);
    facts.dns = (!servers.is_empty()).then_some(servers);
    let texts = [
        ("domain", "domain"),
        ("search", "search"),
        ("hostname", "host_name"),
        ("serverid", "server"),
        ("message", "message"),
    ];
    details(call, &texts, &[("lease", "lease_time"), ("mtu", "mtu")], facts);
    facts.facts_complete = facts.local.is_some() && facts.warnings.is_empty();
    call.at_most(0, facts);
    Ok(())
}

fn lease(call: &Call<'_>, facts: &mut Facts) {
    facts.family = Some(Family::Ipv4);
    let written = call.variable("ip", facts);
    facts.local = address_in(Family::Ipv4, written, "ip", facts);
    // Both are made of the same option, which may be a mask with a hole in it: then the
    // number of bits is made up.
    let mask = call.variable("subnet", facts);
    let bits = call.variable("mask", facts);
    facts.prefix = facts.local.and_then(|_| match mask {
        "" => prefix(Family::Ipv4, bits, "mask", facts),
        mask => netmask(mask, "subnet", facts),
    });
    let written = call.variable("staticroutes", facts);
    let pairs: Vec<&str> = written.split_whitespace().collect();
    let (mut known, mut routes) = (Vec::new(), Vec::new());
    for pair in pairs.chunks(2) {
        if let [network, gateway] = pair {
            if matches!(*network, "0.0.0.0/0" | "default") {
                known.extend(gateways(Family::Ipv4, gateway, "staticroutes", facts));
            } else {
                routes.push(format!("{network} {gateway}"));
            }
        }
    }
    if pairs.is_empty() {
        let written = call.variable("router", facts);
        known = gateways(Family::Ipv4, written, "router", facts);
    }
    route_by(known, facts);
    super::values::detail_list("routes", &routes, facts);
}

fn lease6(call: &Call<'_>, facts: &mut Facts) {
    facts.family = Some(Family::Ipv6);
    let written = call.variable("ipv6", facts);
    if written.contains('/') {
        let found = cidr(written, "ipv6", facts);
        facts.local = found.map(|found| found.address);
        facts.prefix = found.map(|found| found.prefix);
    } else {
        facts.local = address_in(Family::Ipv6, written, "ipv6", facts);
    }
    details(call, &[("ipv6prefix", "delegated")], &[], facts);
}
