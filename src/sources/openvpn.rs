//! `OpenVPN`: the scripts of its configuration, told apart by `script_type`.
//!
//! Facts from `OpenVPN`'s `init.c`, `socket.c`, `run_command.c` and recorded calls of 2.6. It
//! gives its variables alone, and waits for every script, tunnel and all. With `user` in its
//! configuration the scripts of the way down are run as that user, who may tell nobody; the
//! plugin down-root runs one as root, without any variable.

use std::net::IpAddr;

use super::table::without_comments;
use super::values::{address, address_in, addressed_by, detail_list, details, netmask, prefix};
use super::{Attach, Call, Configured, Edit, Manners, Part, Refusal, Source, Trigger, Wait, Which};
use crate::event::{Action, Cidr, Facts, Family, InterfaceName, SourceName};

const WORDS: &str = "[INTERFACE MTU 0 LOCAL REMOTE|NETMASK init|restart]";

/// `OpenVPN`.
pub(super) static SOURCE: Source = Source {
    name: SourceName::fixed("openvpn"),
    summary: "OpenVPN, from the script options of its configuration",
    which: Which::Ask(script),
    places: &[],
    // Not `MINDFUL`: the scripts that are refused are those that would let somebody in.
    manners: Manners::PLAIN,
    triggers: &[
        tunnel("up", Action::Up),
        tunnel("down", Action::Down),
        tunnel("route-up", Action::Change),
        tunnel("route-pre-down", Action::PreDown),
        Trigger::new("ipchange", Some(Action::Change), Wait::Deposit, "ADDRESS PORT", peer),
        of_a_client("client-connect"),
        of_a_client("client-disconnect"),
        of_a_client("learn-address"),
        of_a_client("dns-updown"),
    ],
    attach: Attach {
        traces: &["/usr/sbin/openvpn", "/etc/openvpn"],
        parts: &[Part::Configured(&Configured {
            files: &[],
            folders: &[
                ("/etc/openvpn", ".conf"),
                ("/etc/openvpn/client", ".conf"),
                ("/etc/openvpn/server", ".conf"),
            ],
            lines: LINES,
            edit,
            judge,
        })],
        ..Attach::NOTHING
    },
};

/// The tunnel stands still while a script runs.
const fn tunnel(word: &'static str, action: Action) -> Trigger {
    Trigger::new(word, Some(action), Wait::Deposit, WORDS, of_the_tunnel)
}

/// Nothing of the network has changed. A failure here would turn the client away.
const fn of_a_client(word: &'static str) -> Trigger {
    Trigger::new(word, None, Wait::Deposit, "", client)
}

/// `script_type` where there is one; a first word may repeat it, and is all that the plugin
/// down-root can say.
fn script<'a>(call: &Call<'a>) -> Result<(&'a str, usize), Refusal> {
    if !call.has("script_type") {
        return call.text(0, "a trigger").map(|word| (word, 1));
    }
    let said = Call { words: &[], ..*call }.first_word_or("script_type")?.0;
    let repeats = call.words.first().is_some_and(|word| word == said);
    let is_device = call.env.iter().any(|(name, value)| name == "dev" && value == said);
    Ok((said, usize::from(repeats && !is_device)))
}

/// A value that can't be read is left out here whatever it is, the interface too: a refusal
/// would end the tunnel.
#[expect(clippy::unnecessary_wraps, reason = "the signature of the table; others refuse")]
fn of_the_tunnel(call: &Call<'_>, trigger: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    let named = call.optional(0, "interface", facts);
    let named = if named.is_empty() { call.variable("dev", facts) } else { named };
    match named.parse::<InterfaceName>() {
        Ok(name) => facts.interface = Some(name),
        Err(_) if named.is_empty() => {}
        Err(unfit) => facts.warn("interface", &unfit.0),
    }
    addresses(call, facts);
    let context = call.optional(5, "context", facts);
    let context = if context.is_empty() { call.variable("script_context", facts) } else { context };
    let restarts = context == "restart";
    if restarts && trigger.word == "up" {
        facts.action = Some(Action::Change);
    }
    if matches!(trigger.word, "up" | "route-up") && !restarts {
        let written = call.variable("route_vpn_gateway", facts);
        facts.gateway = address(written, "route_vpn_gateway", facts);
    }
    facts.detail_text("context", context);
    let mtu = call.optional(1, "mtu", facts);
    if mtu != "0" {
        facts.detail_number("mtu", mtu);
    }
    pushed(call, facts);
    routes(call, facts);
    common(call, facts);
    facts.facts_complete =
        trigger.word == "route-up" && facts.local.is_some() && facts.warnings.is_empty();
    call.at_most(6, facts);
    Ok(())
}

/// Word 4 is the far end of a point-to-point link or the netmask of a network; on the way
/// down the variables that say which may be gone.
fn addresses(call: &Call<'_>, facts: &mut Facts) {
    let written = call.optional(3, "local", facts);
    let written = if written.is_empty() { call.variable("ifconfig_local", facts) } else { written };
    let local = address_in(Family::Ipv4, written, "local", facts);
    let mut bits = None;
    let second = call.optional(4, "remote", facts);
    let mask = call.variable("ifconfig_netmask", facts);
    // No host's address begins with 255.
    if !second.is_empty() && second != mask && !second.starts_with("255.") {
        facts.remote = address_in(Family::Ipv4, second, "remote", facts);
    } else {
        let mask = if mask.is_empty() { second } else { mask };
        bits = netmask(mask, "netmask", facts);
    }
    let written = call.variable("ifconfig_ipv6_local", facts);
    let local6 = address_in(Family::Ipv6, written, "ifconfig_ipv6_local", facts);
    let written = call.variable("ifconfig_ipv6_netbits", facts);
    let bits6 = prefix(Family::Ipv6, written, "ifconfig_ipv6_netbits", facts);
    let with_bits = |address: Option<IpAddr>, prefix: Option<u8>| {
        address.zip(prefix).map(|(address, prefix)| Cidr { address, prefix })
    };
    let known = with_bits(local, bits).into_iter().chain(with_bits(local6, bits6));
    addressed_by(known.collect(), facts);
    if let Some(local) = local.or(local6) {
        facts.local = Some(local);
        facts.prefix = if local.is_ipv4() { bits } else { bits6 };
        let both = facts.local.is_some_and(|local| local.is_ipv4()) && local6.is_some();
        facts.family = (!both).then(|| Family::of(local));
    }
}

/// Most options, and most routes, that are asked for.
const MOST: usize = 64;

/// What the other end pushes of DHCP's options.
fn pushed(call: &Call<'_>, facts: &mut Facts) {
    let (mut servers, mut domains) = (Vec::new(), Vec::new());
    for index in 1..=MOST {
        let name = format!("foreign_option_{index}");
        let written = call.variable(&name, facts);
        let mut words = written.split_whitespace();
        match (words.next(), words.next(), words.next(), words.next()) {
            (None, ..) => break,
            (Some("dhcp-option"), Some("DNS" | "DNS6"), Some(server), None) => {
                servers.extend(address(server, &name, facts));
            }
            (Some("dhcp-option"), Some("DOMAIN" | "DOMAIN-SEARCH"), Some(domain), None) => {
                domains.push(domain.to_owned());
            }
            _ => {}
        }
    }
    facts.dns = (!servers.is_empty()).then_some(servers);
    detail_list("domains", &domains, facts);
}

fn routes(call: &Call<'_>, facts: &mut Facts) {
    let mut routes = Vec::new();
    for index in 1..=MOST {
        let network = call.variable(&format!("route_network_{index}"), facts);
        if network.is_empty() {
            break;
        }
        let mask = call.variable(&format!("route_netmask_{index}"), facts);
        let gateway = call.variable(&format!("route_gateway_{index}"), facts);
        if let Some(bits) = netmask(mask, "route_netmask", facts) {
            routes.push(format!("{network}/{bits} {gateway}").trim_end().to_owned());
        }
    }
    for index in 1..=MOST {
        let network = call.variable(&format!("route_ipv6_network_{index}"), facts);
        if network.is_empty() {
            break;
        }
        let gateway = call.variable(&format!("route_ipv6_gateway_{index}"), facts);
        routes.push(format!("{network} {gateway}").trim_end().to_owned());
    }
    detail_list("routes", &routes, facts);
}

fn common(call: &Call<'_>, facts: &mut Facts) {
    let written = call.variable("trusted_ip", facts);
    let written = if written.is_empty() { call.variable("trusted_ip6", facts) } else { written };
    if let Some(peer) = address(written, "trusted_ip", facts) {
        facts.detail_text("peer", &peer.to_string());
    }
    let texts = [
        ("common_name", "common_name"),
        ("config", "config"),
        ("dev_type", "device_type"),
        ("signal", "signal"),
    ];
    details(call, &texts, &[("daemon_pid", "openvpn_pid")], facts);
}

/// The other end's address; no interface is known. The word is `[AF_INET]192.0.2.1 1194`,
/// and the variable is plain.
#[expect(clippy::unnecessary_wraps, reason = "the signature of the table; others refuse")]
fn peer(call: &Call<'_>, _: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    common(call, facts);
    call.at_most(2, facts);
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of the table; others refuse")]
fn client(call: &Call<'_>, _: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    let named = call.variable("dev", facts);
    facts.interface = named.parse().ok();
    common(call, facts);
    Ok(())
}

const LINES: &str = include_str!("../../integrations/openvpn/openvpn.conf");

/// At the end. Each option takes one command, the last that is given, so another's is not
/// followed by ours. Where the scripts of the way down would be run as somebody else, the plugin
/// is their way; but it fails when it is started a second time, and `OpenVPN` ends then: so it
/// may be there only if the tunnel stays through a reconnection, and without `up-restart`.
fn edit(text: &str) -> Vec<Edit> {
    let mut edits = Vec::new();
    let drops_root = position(text, "user");
    let persists = position(text, "persist-tun").is_some();
    let mut lines = String::new();
    for line in without_comments(LINES).lines() {
        let option = line.split_whitespace().next().unwrap_or("");
        match position(text, option) {
            Some(at) if line.contains("netcue") => {
                edits.push(Edit::Taken(at, format!("{option}: {TAKEN}")));
            }
            Some(_) => {}
            None if matches!(option, "down" | "up-restart") && drops_root.is_some() => {}
            None => lines.push_str(&format!("{line}\n")),
        }
    }
    match drops_root {
        Some(_) if persists => lines.push_str(PLUGIN),
        Some(at) => edits.push(Edit::Taken(at, PERSIST.to_owned())),
        None => {}
    }
    edits.push(Edit::Insert { after: text.lines().count().checked_sub(1), lines });
    edits
}

const TAKEN: &str = "there is such a script already: call netcue from it";

const PLUGIN: &str = "plugin openvpn-plugin-down-root.so \"/usr/sbin/netcue from openvpn down\"\n";

const PERSIST: &str = "user: whoever that is may tell netcue nothing of the tunnel's end: set \
                       \"persist-tun\", and run this again for the plugin that may";

fn position(text: &str, option: &str) -> Option<usize> {
    text.lines().position(|line| line.split_whitespace().next() == Some(option))
}

fn judge(text: &str) -> Vec<String> {
    let has = |option: &str, what: &str| {
        text.lines().any(|line| {
            let mut words = line.split_whitespace();
            words.next() == Some(option) && line.contains(what)
        })
    };
    let mut wrong = Vec::new();
    if !has("script-security", "2") && !has("script-security", "3") {
        wrong.push("it lacks \"script-security 2\", without which no script is run".to_owned());
    }
    let persists = position(text, "persist-tun").is_some();
    let restarts = position(text, "up-restart").is_some();
    if has("plugin", "netcue from openvpn down") {
        if !persists || restarts {
            wrong.push(
                "its plugin down-root fails when OpenVPN connects anew, and ends it: set \
                 \"persist-tun\", and take out \"up-restart\""
                    .to_owned(),
            );
        }
    } else if position(text, "user").is_some() {
        wrong.push(format!(
            "it sets \"user\", so that the scripts of the way down may tell netcue nothing: set \
             \"persist-tun\", take out \"up-restart\", and add the line {}",
            PLUGIN.trim_end()
        ));
    }
    wrong
}
