//! ifupdown: the scripts in `/etc/network/if-*.d`, also as busybox and ifupdown-ng run them.
//!
//! Facts from ifupdown's `execute.c` and `main.c`, ifupdown-ng's `lifecycle.c`, busybox's
//! `ifupdown.c`, and recorded calls. All three look at the same folders and say everything in
//! the environment; they are told apart by the variables that only one of them sets.

use super::values::{address_in, addressed_by, addresses, cidr, details, gateways, prefix};
use super::{Attach, Call, Manners, Part, Place, Refusal, Source, Trigger, Wait, Which};
use crate::event::{Action, Cidr, Facts, Family, SourceName};

/// ifup waits for these and goes on without what they have done; who needs it done before
/// the address is there, or while it still is, has this long.
const IFUP_WAITS: Wait = Wait::finish(10);

/// ifupdown.
pub(super) static IFUPDOWN: Source = Source {
    name: SourceName::fixed("ifupdown"),
    summary: "ifup and ifdown of Debian's ifupdown, or of busybox",
    which: Which::FirstWord,
    places: &[],
    manners: Manners {
        takes: |call| !is_next_generation(call),
        told_by: |facts| is_by_networkmanager(facts).then_some(&super::networkmanager::SOURCE),
        ..Manners::MINDFUL
    },
    triggers: &[
        classic("pre-up", Action::PreUp, IFUP_WAITS)
            .at(&[Place::Folder("/etc/network/if-pre-up.d")]),
        classic("up", Action::Up, Wait::Deposit).at(&[Place::Folder("/etc/network/if-up.d")]),
        classic("down", Action::PreDown, IFUP_WAITS).at(&[Place::Folder("/etc/network/if-down.d")]),
        classic("post-down", Action::Down, Wait::Deposit)
            .at(&[Place::Folder("/etc/network/if-post-down.d")]),
    ],
    attach: Attach {
        traces: &["/lib/ifupdown", "/usr/lib/ifupdown"],
        parts: &[
            link("/etc/network/if-pre-up.d/0000netcue", false),
            link("/etc/network/if-up.d/0000netcue", false),
            link("/etc/network/if-down.d/0000netcue", false),
            link("/etc/network/if-post-down.d/0000netcue", false),
        ],
        ..Attach::NOTHING
    },
};

/// ifupdown-ng, whose package brings none of the folders that it looks into.
pub(super) static IFUPDOWN_NG: Source = Source {
    name: SourceName::fixed("ifupdown-ng"),
    summary: "ifup and ifdown of ifupdown-ng",
    which: Which::FirstWord,
    places: &[],
    manners: Manners { takes: is_next_generation, ..Manners::PLAIN },
    triggers: &[
        next("create", Action::PreUp, Wait::Deposit)
            .at(&[Place::Folder("/etc/network/if-create.d")]),
        next("pre-up", Action::PreUp, IFUP_WAITS).at(&[Place::Folder("/etc/network/if-pre-up.d")]),
        next("up", Action::Up, Wait::Deposit).at(&[Place::Folder("/etc/network/if-up.d")]),
        next("post-up", Action::Up, Wait::Deposit)
            .at(&[Place::Folder("/etc/network/if-post-up.d")]),
        next("pre-down", Action::PreDown, IFUP_WAITS)
            .at(&[Place::Folder("/etc/network/if-pre-down.d")]),
        next("down", Action::PreDown, IFUP_WAITS).at(&[Place::Folder("/etc/network/if-down.d")]),
        next("post-down", Action::Down, Wait::Deposit)
            .at(&[Place::Folder("/etc/network/if-post-down.d")]),
        next("destroy", Action::Down, Wait::Deposit)
            .at(&[Place::Folder("/etc/network/if-destroy.d")]),
    ],
    attach: Attach {
        traces: &["/etc/network/ifupdown-ng.conf", "/usr/libexec/ifupdown-ng"],
        parts: &[
            link("/etc/network/if-pre-up.d/0000netcue", true),
            link("/etc/network/if-up.d/0000netcue", true),
            link("/etc/network/if-pre-down.d/0000netcue", true),
            link("/etc/network/if-post-down.d/0000netcue", true),
        ],
        ..Attach::NOTHING
    },
};

/// First in the row: `ifup` has run-parts stop at the first script that fails.
const fn link(at: &'static str, own_folder: bool) -> Part {
    Part::Link { at, own_folder }
}

const fn classic(word: &'static str, action: Action, wait: Wait) -> Trigger {
    Trigger::new(word, Some(action), wait, "", of_a_stanza)
}

const fn next(word: &'static str, action: Action, wait: Wait) -> Trigger {
    Trigger::new(word, Some(action), wait, "", of_an_interface)
}

/// Only ifupdown-ng names its file, and only it knows neither family nor logical name.
fn is_next_generation(call: &Call<'_>) -> bool {
    call.has("INTERFACES_FILE") && !call.has("ADDRFAM") && !call.has("LOGICAL")
}

/// One stanza: an interface in one family.
fn of_a_stanza(call: &Call<'_>, trigger: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    agrees(call, trigger, facts)?;
    let method = call.variable("METHOD", facts);
    let logical = call.variable("LOGICAL", facts);
    let named = call.variable("IFACE", facts);
    facts.family = match call.variable("ADDRFAM", facts) {
        "inet" => Some(Family::Ipv4),
        "inet6" => Some(Family::Ipv6),
        _ => None,
    };
    if named == "--all" {
        // Before the first and after the last interface of `ifup -a`.
        facts.detail_text("scope", "all");
    } else if matches!(method, "ppp" | "wvdial") {
        // The name is that of a provider; pppd makes the interface, and later.
        facts.detail_text("logical", named);
    } else {
        let interface = call.interface_in("IFACE")?;
        if logical != interface.as_str() {
            facts.detail_text("logical", logical);
        }
        facts.interface = Some(interface);
    }
    facts.detail_text("method", method);
    let class = call.variable("CLASS", facts);
    facts.detail_text("class", class);
    if let Some(family) = facts.family {
        configured(call, family, facts);
    }
    options(call, facts);
    // Before and after, the options say what is to be, or what was.
    let stands = matches!(trigger.word, "up" | "down");
    facts.facts_complete = stands && method == "static" && facts.local.is_some();
    facts.facts_complete &= facts.warnings.is_empty();
    call.at_most(0, facts);
    Ok(())
}

fn configured(call: &Call<'_>, family: Family, facts: &mut Facts) {
    let written = call.variable("IF_ADDRESS", facts);
    if written.contains('/') {
        let found = cidr(written, "IF_ADDRESS", facts);
        let found = found.filter(|found| Family::of(found.address) == family);
        facts.local = found.map(|found| found.address);
        facts.prefix = found.map(|found| found.prefix);
    } else {
        facts.local = address_in(family, written, "IF_ADDRESS", facts);
        let mask = call.variable("IF_NETMASK", facts);
        facts.prefix = facts.local.and_then(|_| prefix(family, mask, "IF_NETMASK", facts));
    }
    let written = call.variable("IF_GATEWAY", facts);
    facts.gateway = address_in(family, written, "IF_GATEWAY", facts);
    let written = call.variable("IF_POINTOPOINT", facts);
    facts.remote = address_in(family, written, "IF_POINTOPOINT", facts);
}

/// All families of an interface at once, and no method.
fn of_an_interface(call: &Call<'_>, trigger: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    agrees(call, trigger, facts)?;
    facts.interface = Some(call.interface_in("IFACE")?);
    let all = call.variable("IF_ADDRESSES", facts);
    let first = call.variable("IF_ADDRESS", facts);
    let written = if all.trim().is_empty() { first } else { all };
    let known: Vec<Cidr> =
        written.split_whitespace().filter_map(|one| cidr(one, "IF_ADDRESSES", facts)).collect();
    addressed_by(known, facts);
    facts.family = None;
    let all = call.variable("IF_GATEWAYS", facts);
    let first = call.variable("IF_GATEWAY", facts);
    let written = if all.trim().is_empty() { first } else { all };
    let mut known = Vec::new();
    for family in [Family::Ipv4, Family::Ipv6] {
        let of_family = |one: &&str| one.contains(':') == (family == Family::Ipv6);
        let own: Vec<&str> = written.split_whitespace().filter(of_family).collect();
        known.extend(gateways(family, &own.join(" "), "IF_GATEWAYS", facts));
    }
    super::values::route_by(known, facts);
    let uses = call.variable("IF_USE", facts);
    facts.detail_text("use", uses);
    options(call, facts);
    let stands = matches!(trigger.word, "up" | "post-up" | "pre-down");
    facts.facts_complete = stands && facts.local.is_some() && facts.warnings.is_empty();
    call.at_most(0, facts);
    Ok(())
}

/// The options that say something about the network whatever the method.
fn options(call: &Call<'_>, facts: &mut Facts) {
    let written = call.variable("IF_DNS_NAMESERVERS", facts);
    let written = if written.is_empty() { call.variable("IF_DNS", facts) } else { written };
    let servers = addresses(written, "IF_DNS_NAMESERVERS", facts);
    facts.dns = (!servers.is_empty()).then_some(servers);
    let texts =
        [("IF_DNS_SEARCH", "search"), ("IF_DNS_DOMAIN", "domain"), ("IF_PROVIDER", "provider")];
    details(call, &texts, &[("IF_MTU", "mtu"), ("IF_METRIC", "metric")], facts);
}

/// NetworkManager's own `01-ifupdown` runs these scripts for links of its own.
fn is_by_networkmanager(facts: &Facts) -> bool {
    facts.details.get("method").is_some_and(|method| method.to_string() == BY_NETWORKMANAGER)
}

const BY_NETWORKMANAGER: &str = "NetworkManager";

/// Whether MODE and PHASE, where they are set, mean the folder that called. ifupdown says
/// `post-up` in `if-up.d` and `pre-down` in `if-down.d`, the others the folder's word.
fn agrees(call: &Call<'_>, trigger: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    let phase = call.variable("PHASE", facts);
    let mode = call.variable("MODE", facts);
    let is_phase = match (trigger.word, phase) {
        (_, "") | ("up", "post-up") | ("down", "pre-down") => true,
        (word, phase) => word == phase,
    };
    let comes = matches!(trigger.word, "create" | "pre-up" | "up" | "post-up");
    // Its words for the way down are not those of ifdown.
    if call.variable("METHOD", facts) == BY_NETWORKMANAGER {
        return Ok(());
    }
    let is_mode = mode.is_empty() || (mode == "start") == comes;
    if is_phase && is_mode {
        return Ok(());
    }
    Err(Refusal::of(format!("PHASE={phase} MODE={mode} belong to another folder")))
}
