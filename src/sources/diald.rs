//! diald: the scripts it runs around its proxy and its link, told apart by a fixed first word.
//!
//! Facts from diald's `route.c`, `shell.c`, `fsm.c`, `filter.c` and `proxy_*.c`, and from
//! recorded calls. The manual promises the same words to every script; the code gives
//! addroute six, delroute five and the others four, and both are taken. It prints a
//! missing address as `(null)`.

use super::values::{address_in, netmask};
use super::{Attach, Call, Manners, Place, Refusal, Source, Trigger, Wait, Which};
use crate::event::{Action, Fact, Facts, Family, InterfaceName, SourceName};

const ROUTE: &str = "INTERFACE NETMASK LOCAL REMOTE [METRIC [WINDOW]]";
const SETUP: &str = "start|stop link|proxy INTERFACE";

/// diald stops altogether while these run, signals blocked and without any limit.
const DIALD_WAITS: Wait = Wait::finish(10);

/// diald.
pub static SOURCE: Source = Source {
    name: SourceName::fixed("diald"),
    summary: "diald, which dials when the first packet comes",
    which: Which::FirstWord,
    places: &[],
    manners: Manners::PLAIN,
    triggers: &[
        routed("addroute", Action::Up, Wait::rules(10)).at(&[Place::File("/etc/diald/addroute")]),
        routed("delroute", Action::Down, DIALD_WAITS).at(&[Place::File("/etc/diald/delroute")]),
        routed("ip-up", Action::Up, Wait::Foreground).at(&[Place::File("/etc/diald/ip-up")]),
        routed("ip-down", Action::Down, Wait::Foreground).at(&[Place::File("/etc/diald/ip-down")]),
        routed("ip-goingdown", Action::PreDown, DIALD_WAITS)
            .at(&[Place::File("/etc/diald/ip-goingdown")]),
        // And down, when its first word is stop.
        Trigger::new("ifsetup", Some(Action::Up), DIALD_WAITS, SETUP, setup)
            .at(&[Place::File("/etc/diald/ifsetup")]),
        of_the_modem("connect").at(&[Place::File("/etc/diald/connect")]),
        of_the_modem("disconnect").at(&[Place::File("/etc/diald/disconnect")]),
        of_the_modem("initializer").at(&[Place::File("/etc/diald/initializer")]),
        of_the_modem("deinitializer").at(&[Place::File("/etc/diald/deinitializer")]),
    ],
    attach: Attach::NOTHING,
};

const fn routed(word: &'static str, action: Action, wait: Wait) -> Trigger {
    Trigger::new(word, Some(action), wait, ROUTE, route)
}

const fn of_the_modem(word: &'static str) -> Trigger {
    Trigger::new(word, None, Wait::Deposit, "", wordless)
}

fn route(call: &Call<'_>, trigger: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    call.at_least(4)?;
    let interface = call.interface(0)?;
    let written = call.optional(2, "local", facts);
    facts.local = ipv4(written, "local", facts);
    let written = call.optional(3, "remote", facts);
    facts.remote = ipv4(written, "remote", facts);
    if facts.local.or(facts.remote).is_some() {
        facts.family = Some(Family::Ipv4);
    }
    let mask = call.optional(1, "netmask", facts);
    let mask = if mask == "default" { "" } else { mask };
    let prefix = netmask(mask, "netmask", facts);
    // diald passes 255.255.255.255 also where there is no address for it to belong to.
    facts.prefix = facts.local.and(prefix);
    facts.facts_complete = facts.local.is_some() && facts.warnings.is_empty();
    let metric = call.optional(4, "metric", facts);
    facts.detail_number("metric", metric);
    let window = call.optional(5, "window", facts);
    facts.detail_number("window", window);
    call.at_most(6, facts);
    let role = role(trigger, &interface, facts.details.get("metric"));
    facts.detail_text("role", role);
    if trigger.word == "ip-down" && role == "proxy" {
        // By then diald listens on the proxy again and names it, with the addresses
        // that the link had.
        facts.detail_text("addresses_of", "link");
        facts.facts_complete = false;
    }
    facts.interface = Some(interface);
    device(call, facts);
    Ok(())
}

/// `(null)` is what printf makes of an address that was never configured.
fn ipv4(written: &str, what: &str, facts: &mut Facts) -> Option<std::net::IpAddr> {
    if written == "(null)" {
        return None;
    }
    address_in(Family::Ipv4, written, what, facts)
}

/// Whether the interface is the link, or the proxy that holds the default route while
/// there is none.
fn role(trigger: &Trigger, interface: &InterfaceName, metric: Option<&Fact>) -> &'static str {
    let name = interface.as_str();
    let proxy = match (trigger.word, metric) {
        // The link's metric can be configured, but no proxy is ever called ppp.
        _ if name.starts_with("ppp") => false,
        // The proxy has the link's metric, 0 by default, plus one.
        ("addroute" | "delroute", Some(Fact::Number(metric))) => *metric > 0,
        // Run when the link is what diald listens on, whatever it is called.
        ("ip-up" | "ip-goingdown", _) => false,
        _ => ["tun", "tap", "sl"].iter().any(|kind| is_numbered(name, kind)),
    };
    if proxy { "proxy" } else { "link" }
}

fn is_numbered(name: &str, kind: &str) -> bool {
    name.strip_prefix(kind)
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
}

/// ifsetup does all of diald's routing itself and is told no addresses.
fn setup(call: &Call<'_>, _: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    facts.action = Some(match call.text(0, "start or stop")? {
        "start" => Action::Up,
        "stop" => Action::Down,
        other => return Err(Refusal::word(other, "neither start nor stop").at(0)),
    });
    facts.interface = Some(call.interface(2)?);
    match call.optional(1, "role", facts) {
        role @ ("link" | "proxy") => facts.detail_text("role", role),
        _ => facts.warn("role", "neither link nor proxy"),
    }
    call.at_most(3, facts);
    device(call, facts);
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of the table; others refuse")]
fn wordless(call: &Call<'_>, _: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    call.at_most(0, facts);
    device(call, facts);
    Ok(())
}

/// The link and its device, which the environment names, whatever the words say.
fn device(call: &Call<'_>, facts: &mut Facts) {
    let link = call.variable("DIALD_LINK", facts);
    facts.detail_text("linkname", link);
    // Both name the device in use; MODEM alone is there for the (de)initializer.
    for variable in ["DIALD_DEVICE", "MODEM"] {
        let device = call.variable(variable, facts);
        if facts.details.get("device").is_none() {
            facts.detail_text("device", device);
        }
    }
}
