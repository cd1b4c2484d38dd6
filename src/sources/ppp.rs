//! pppd: its scripts in `/etc/ppp`, called directly or by Debian's run-parts wrapper.
//!
//! Facts from pppd's `ipcp.c`, `ipv6cp.c`, `auth.c` and `main.c` (2.4.9 to 2.5.3) and
//! from recorded calls. The family comes from the trigger and addresses from the words,
//! because pppd never unsets `IPLOCAL` and its like: an `ipv6-up` can carry the IPv4
//! addresses of an earlier session.

use std::net::{IpAddr, Ipv6Addr};

use super::values::{address, address_in};
use super::{Attach, Call, Manners, Place, Refusal, Source, Trigger, Wait, Which};
use crate::event::{Action, Fact, Facts, Family, SourceName, Text};

const ADDRESSED: &str = "INTERFACE TTY SPEED LOCAL REMOTE [IPPARAM]";
const AUTHENTICATED: &str = "INTERFACE PEER-NAME USER-NAME TTY SPEED [IPPARAM]";
const LINK: &str = "INTERFACE TTY SPEED [IPPARAM]";

/// pppd waits for these without any limit, and hangs with us.
const PPPD_WAITS: Wait = Wait::finish(10);

/// pppd.
pub static SOURCE: Source = Source {
    name: SourceName::fixed("ppp"),
    summary: "pppd, also as started by diald, pppoe, xl2tpd and NetworkManager",
    which: Which::FirstWord,
    places: &[],
    manners: Manners::PLAIN,
    triggers: &[
        with_addresses("ip-pre-up", Some(Action::PreUp), Wait::rules(10)).at(&[
            Place::Folder("/etc/ppp/ip-pre-up.d"),
            Place::File("/etc/ppp/ip-pre-up"),
            Place::File("/etc/ppp/ip-pre-up.local"),
        ]),
        with_addresses("ip-up", Some(Action::Up), Wait::Foreground).at(&[
            Place::Folder("/etc/ppp/ip-up.d"),
            Place::File("/etc/ppp/ip-up"),
            Place::File("/etc/ppp/ip-up.local"),
        ]),
        with_addresses("ip-down", Some(Action::Down), Wait::Foreground).at(&[
            Place::Folder("/etc/ppp/ip-down.d"),
            Place::File("/etc/ppp/ip-down"),
            Place::File("/etc/ppp/ip-down.local"),
        ]),
        with_addresses("ipv6-up", Some(Action::Up), Wait::Foreground).at(&[
            Place::Folder("/etc/ppp/ipv6-up.d"),
            Place::File("/etc/ppp/ipv6-up"),
            Place::File("/etc/ppp/ipv6-up.local"),
        ]),
        with_addresses("ipv6-down", Some(Action::Down), Wait::Foreground).at(&[
            Place::Folder("/etc/ppp/ipv6-down.d"),
            Place::File("/etc/ppp/ipv6-down"),
            Place::File("/etc/ppp/ipv6-down.local"),
        ]),
        of_a_peer("auth-up").at(&[Place::File("/etc/ppp/auth-up")]),
        of_a_peer("auth-down").at(&[Place::File("/etc/ppp/auth-down")]),
        of_the_link("net-init", Some(Action::PreUp), PPPD_WAITS)
            .at(&[Place::File("/etc/ppp/net-init")]),
        of_the_link("net-pre-up", Some(Action::PreUp), PPPD_WAITS)
            .at(&[Place::File("/etc/ppp/net-pre-up")]),
        of_the_link("net-down", Some(Action::Down), Wait::Foreground)
            .at(&[Place::File("/etc/ppp/net-down")]),
    ],
    attach: Attach::NOTHING,
};

const fn with_addresses(word: &'static str, action: Option<Action>, wait: Wait) -> Trigger {
    Trigger::new(word, action, wait, ADDRESSED, addressed)
}

const fn of_a_peer(word: &'static str) -> Trigger {
    Trigger::new(word, None, Wait::Foreground, AUTHENTICATED, authenticated)
}

const fn of_the_link(word: &'static str, action: Option<Action>, wait: Wait) -> Trigger {
    Trigger::new(word, action, wait, LINK, link)
}

fn addressed(call: &Call<'_>, trigger: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    call.at_least(5)?;
    facts.interface = Some(call.interface(0)?);
    addresses(call, trigger, facts);
    common(call, trigger, &Common { tty: 1, speed: 2, ipparam: 5 }, facts);
    Ok(())
}

fn authenticated(call: &Call<'_>, trigger: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    call.at_least(5)?;
    facts.interface = Some(call.interface(0)?);
    let peer = call.optional(1, "peer_name", facts);
    facts.detail_text("peer_name", peer);
    let user = call.optional(2, "user_name", facts);
    facts.detail_text("user_name", user);
    common(call, trigger, &Common { tty: 3, speed: 4, ipparam: 5 }, facts);
    Ok(())
}

fn link(call: &Call<'_>, trigger: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    call.at_least(3)?;
    facts.interface = Some(call.interface(0)?);
    common(call, trigger, &Common { tty: 1, speed: 2, ipparam: 3 }, facts);
    Ok(())
}

/// Where the words stand that every trigger has; the last may be missing.
struct Common {
    tty: usize,
    speed: usize,
    ipparam: usize,
}

fn common(call: &Call<'_>, trigger: &Trigger, words: &Common, facts: &mut Facts) {
    let tty = call.optional(words.tty, "device", facts);
    facts.detail_text("device", tty);
    let speed = call.optional(words.speed, "speed", facts);
    // Channels that are no tty (PPPoE, L2TP) have speed 0.
    if speed != "0" {
        facts.detail_number("speed", speed);
    }
    let ipparam = call.optional(words.ipparam, "ipparam", facts);
    facts.detail_text("ipparam", ipparam);
    details(call, trigger, facts);
    call.at_most(words.ipparam + 1, facts);
}

fn addresses(call: &Call<'_>, trigger: &Trigger, facts: &mut Facts) {
    let family = if trigger.word.starts_with("ipv6") { Family::Ipv6 } else { Family::Ipv4 };
    facts.family = Some(family);
    let written = call.optional(3, "local", facts);
    facts.local = address_in(family, written, "local", facts).filter(is_negotiated);
    let written = call.optional(4, "remote", facts);
    facts.remote = address_in(family, written, "remote", facts).filter(is_negotiated);
    if family == Family::Ipv4 {
        let servers = addresses_of(["DNS1", "DNS2"], call, facts);
        facts.dns = (!servers.is_empty()).then_some(servers);
        ipv4_details(call, facts);
    }
    // In demand mode the addresses aren't negotiated yet, and ip-pre-up isn't called again.
    facts.facts_complete = facts.local.is_some() && facts.warnings.is_empty();
}

/// pppd writes an identifier that was not negotiated, as with `ipv6cp-noremote`, as zeros
/// behind `fe80::`.
fn is_negotiated(address: &IpAddr) -> bool {
    *address != Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0)
}

/// What IPCP left in the environment; on the other triggers it may be from an earlier session.
fn ipv4_details(call: &Call<'_>, facts: &mut Facts) {
    for (variable, name) in [("OLDIPLOCAL", "old_local"), ("OLDIPREMOTE", "old_remote")] {
        if let Some(old) = addresses_of([variable], call, facts).first() {
            facts.detail_text(name, &old.to_string());
        }
    }
    let wins: Vec<Text> = addresses_of(["WINS1", "WINS2"], call, facts)
        .into_iter()
        .filter_map(|server| server.to_string().parse().ok())
        .collect();
    if !wins.is_empty() && facts.details.insert("wins", Fact::List(wins)).is_err() {
        facts.warn("wins", "too many details");
    }
}

fn addresses_of<const N: usize>(
    names: [&str; N],
    call: &Call<'_>,
    facts: &mut Facts,
) -> Vec<IpAddr> {
    names
        .into_iter()
        .filter_map(|name| {
            let written = call.variable(name, facts);
            address(written, name, facts)
        })
        .collect()
}

/// pppd's variables that say something of their own, and the names they get.
const TEXTS: [(&str, &str); 12] = [
    ("DEVICE", "device"),
    ("LINKNAME", "linkname"),
    ("CALL_FILE", "call_file"),
    ("BUNDLE", "bundle"),
    ("VRF", "vrf"),
    ("PEERNAME", "peer_name"),
    ("ACNAME", "ac_name"),
    ("MACREMOTE", "remote_hwaddr"),
    ("REMOTENUMBER", "remote_number"),
    ("PPPLOGNAME", "logname"),
    ("RADIUS_FILTER_ID", "radius_filter_id"),
    ("RADIUS_FRAMED_ROUTE", "radius_framed_route"),
];
const NUMBERS: [(&str, &str); 3] =
    [("UNIT", "unit"), ("PPPD_PID", "pppd_pid"), ("ORIG_UID", "orig_uid")];
/// What a session came to. pppd unsets these only when the next link starts, so on the
/// way up they may belong to the session before.
const COUNTS: [(&str, &str); 3] =
    [("CONNECT_TIME", "connect_time"), ("BYTES_SENT", "bytes_sent"), ("BYTES_RCVD", "bytes_rcvd")];

fn details(call: &Call<'_>, trigger: &Trigger, facts: &mut Facts) {
    for (variable, name) in TEXTS {
        let value = call.variable(variable, facts);
        if facts.details.get(name).is_none() {
            facts.detail_text(name, value);
        }
    }
    let counts = if trigger.word.ends_with("-down") { &COUNTS[..] } else { &[] };
    for (variable, name) in NUMBERS.iter().chain(counts) {
        let value = call.variable(variable, facts);
        facts.detail_number(name, value);
    }
}
