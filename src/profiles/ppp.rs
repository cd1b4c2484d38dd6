//! Scripts in `/etc/ppp/ip-up.d` and its like, as Debian's wrapper of pppd runs them: six words,
//! always, and pppd's variables with the wrapper's own.

use super::told::{PATH_OF_PPP, Variables, addresses, detail, servers};
use super::{Dispatcher, Given, Moment, Place, RUN_PARTS, place};
use crate::event::{Action, Event, Family};

pub(super) static DISPATCHER: Dispatcher = Dispatcher {
    name: "ppp",
    source: "ppp",
    places: &[
        of(Family::Ipv4, "ip-pre-up.d", "ip-pre-up", &[Action::PreUp]),
        of(Family::Ipv4, "ip-up.d", "ip-up", &[Action::Up]),
        of(Family::Ipv4, "ip-down.d", "ip-down", &[Action::Down]),
        of(Family::Ipv6, "ipv6-up.d", "ipv6-up", &[Action::Up]),
        of(Family::Ipv6, "ipv6-down.d", "ipv6-down", &[Action::Down]),
    ],
    names: RUN_PARTS,
    shell: None,
    per_family: false,
    word,
    given,
};

const fn of(
    family: Family,
    folder: &'static str,
    word: &'static str,
    on: &'static [Action],
) -> Place {
    Place { family: Some(family), ..place(folder, word, on) }
}

fn word(event: &Event, family: Family) -> Option<&'static str> {
    match (event.facts.action.as_ref()?, family) {
        (Action::PreUp, Family::Ipv4) => Some("ip-pre-up"),
        (Action::Up, Family::Ipv4) => Some("ip-up"),
        (Action::Up, Family::Ipv6) => Some("ipv6-up"),
        (Action::Down, Family::Ipv4) => Some("ip-down"),
        (Action::Down, Family::Ipv6) => Some("ipv6-down"),
        _ => None,
    }
}

/// Whether the link is one of pppd's.
pub(super) fn is_link_of(event: &Event) -> bool {
    let name = event.facts.interface.as_ref().map_or("", |name| name.as_str());
    event.source.as_str() == DISPATCHER.source
        || name.strip_prefix("ppp").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()))
}

/// pppd's variables, and the details that hold them.
const KNOWN: [(&str, &str); 18] = [
    ("DEVICE", "device"),
    ("SPEED", "speed"),
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
    ("UNIT", "unit"),
    ("PPPD_PID", "pppd_pid"),
    ("ORIG_UID", "orig_uid"),
    ("OLDIPLOCAL", "old_local"),
    ("OLDIPREMOTE", "old_remote"),
];

const COUNTS: [(&str, &str); 3] =
    [("CONNECT_TIME", "connect_time"), ("BYTES_SENT", "bytes_sent"), ("BYTES_RCVD", "bytes_rcvd")];

fn given(moment: &Moment<'_>) -> Given {
    let Moment { event, interface, family, .. } = *moment;
    let local = addresses(event, family).first().map(|(address, _)| address.to_string());
    let remote = event.facts.remote.filter(|remote| Family::of(*remote) == family);
    let [local, remote] = [local, remote.map(|remote| remote.to_string())];
    let tty = detail(event, "device").unwrap_or_default();
    // What is no tty has speed 0 with pppd, too.
    let speed = detail(event, "speed").unwrap_or_else(|| "0".to_owned());
    let ipparam = detail(event, "ipparam").unwrap_or_default();
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let words = [interface.to_string(), tty, speed, text(&local), text(&remote), ipparam];

    let mut env = Variables::with_path(PATH_OF_PPP);
    let names = ["PPP_IFACE", "PPP_TTY", "PPP_SPEED", "PPP_LOCAL", "PPP_REMOTE", "PPP_IPPARAM"];
    for (name, word) in names.into_iter().zip(&words) {
        env.set(name, word);
    }
    env.set("IFNAME", interface);
    if family == Family::Ipv4 {
        let [_, tty, ..] = &words;
        env.set("PPP_TTYNAME", tty.rsplit('/').next().unwrap_or_default());
        env.know("IPLOCAL", local);
        env.know("IPREMOTE", remote);
        let servers = servers(event, Some(Family::Ipv4));
        for (name, server) in ["DNS1", "DNS2"].into_iter().zip(&servers) {
            env.set(name, server);
        }
        if !servers.is_empty() {
            env.set("USEPEERDNS", "1");
        }
        if let Some(wins) = detail(event, "wins") {
            for (name, server) in ["WINS1", "WINS2"].into_iter().zip(wins.split(' ')) {
                env.set(name, server);
            }
        }
    } else {
        env.know("LLLOCAL", local);
        env.know("LLREMOTE", remote);
    }
    env.know_details(event, &KNOWN);
    if moment.word.ends_with("-down") {
        env.know_details(event, &COUNTS);
    }
    Given { words: words.to_vec(), env: env.into_env() }
}
