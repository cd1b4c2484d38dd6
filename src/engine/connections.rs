//! Which connections began before the rules that stand now, and would not be as they are
//! under them.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::classify::Classes;
use crate::config::{Forward, Rules};
use crate::event::Family;
use crate::sys::conntrack::{self, Connection};
use crate::sys::netlink::NetlinkError;
use crate::sys::state::KernelState;

/// Examples that are told of many.
const EXAMPLES: usize = 3;

/// The machine's own addresses, but those that no connection leaves it with.
pub(super) fn own_addresses(state: &KernelState) -> BTreeSet<IpAddr> {
    let is_far = |address: &IpAddr| match address {
        IpAddr::V4(address) => !address.is_loopback() && !address.is_link_local(),
        IpAddr::V6(address) => !address.is_loopback() && !address.is_unicast_link_local(),
    };
    state.addresses.iter().map(|own| own.local).filter(is_far).collect()
}

/// Forgets what is wrong, so that it begins anew with its next packet; says what that was.
pub(super) fn mend(
    state: &KernelState,
    classes: &Classes,
    rules: &Rules,
    gone: &BTreeSet<IpAddr>,
) -> Result<Option<String>, NetlinkError> {
    let mut forgotten = Vec::new();
    for family in [Family::Ipv4, Family::Ipv6] {
        forgotten.extend(conntrack::forget(family, |it| {
            is_of(it, gone) || is_wrong(it, state, classes, rules)
        })?);
    }
    Ok(summary(&forgotten))
}

fn summary(forgotten: &[Connection]) -> Option<String> {
    let examples = forgotten.iter().take(EXAMPLES);
    let examples: Vec<String> =
        examples.map(|it| format!("{} to {}", it.source, it.destination)).collect();
    let more = if forgotten.len() > EXAMPLES { ", ..." } else { "" };
    (!forgotten.is_empty()).then(|| {
        format!(
            "forgot {} that {} not as the rules say now: {}{more}",
            match forgotten.len() {
                1 => "1 connection".to_owned(),
                number => format!("{number} connections"),
            },
            if forgotten.len() == 1 { "was" } else { "were" },
            examples.join(", ")
        )
    })
}

/// Whether it comes back to, or was meant for, an address that the machine has no longer. The
/// kernel would go on with it, and nobody would answer.
fn is_of(it: &Connection, gone: &BTreeSet<IpAddr>) -> bool {
    gone.contains(&it.back_to) || gone.contains(&it.destination)
}

fn is_wrong(it: &Connection, state: &KernelState, classes: &Classes, rules: &Rules) -> bool {
    let is_ours = |address: IpAddr| state.addresses.iter().any(|own| own.local == address);
    // What the machine itself says and hears passes no rule for what is forwarded.
    if is_ours(it.source) || is_ours(it.destination) || is_for_many(it.destination) {
        return false;
    }
    let internal = match Family::of(it.source) {
        Family::Ipv4 => &classes.internal4,
        Family::Ipv6 => &classes.internal6,
    };
    // One that is answered as it is goes through a tunnel, or to where somebody knows the way.
    let leaves_as_it_is = rules.masquerade
        && classes.in_only.is_empty()
        && !it.is_translated()
        && !it.is_answered()
        && classes.translated4.has(it.source)
        && !classes.near4.has(it.destination);
    let was_let_in_by_nobody = internal.has(it.destination)
        && !it.is_let_in()
        && !is_forwarded(it, rules)
        && !internal.has(it.source);
    leaves_as_it_is || was_let_in_by_nobody
}

/// Whether the configuration lets it in untranslated, as it does for IPv6.
fn is_forwarded(it: &Connection, rules: &Rules) -> bool {
    let (protocol, port) = it.port;
    let is_by = |forward: &Forward| {
        forward.to.is(it.destination) && forward.there().contain(protocol, port)
    };
    it.destination.is_ipv6() && rules.forward.iter().any(is_by)
}

fn is_for_many(address: IpAddr) -> bool {
    address.is_multicast() || address == IpAddr::from([255; 4])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::classify;

    #[test]
    fn only_what_the_rules_would_treat_otherwise_is_wrong() {
        let state: KernelState = serde_json::from_str(
            r#"{"links": [{"index":2,"name":"lan","up":true}, {"index":3,"name":"wan","up":true},
                          {"index":4,"name":"guest0","up":true}],
                "addresses": [{"ifindex":2,"local":"192.168.1.1","prefix":24},
                              {"ifindex":2,"local":"2001:db8:7::1","prefix":64},
                              {"ifindex":3,"local":"198.51.100.2","prefix":24},
                              {"ifindex":4,"local":"192.168.9.1","prefix":24}],
                "routes": [{"family":"ipv4","out_interfaces":[3]}]}"#,
        )
        .unwrap();
        let conf = "[interface.guest0]\nside = 'guest'\n[rules]\n\
                    forward = [{port = 'tcp/443', to = '::10'}]\n";
        let rules = crate::config::parse(conf, "c".as_ref()).unwrap().rules;
        let classes = classify(&state, &rules);
        let (replied, snat, dnat) = (2, 16, 32);
        for (source, destination, status, expected) in [
            ("192.168.1.9", "203.0.113.1", 0, true),
            ("192.168.9.9", "203.0.113.1", 0, true),
            ("192.168.1.9", "203.0.113.1", snat, false),
            ("192.168.1.9", "203.0.113.1", replied, false),
            ("192.168.1.9", "192.168.9.9", 0, false),
            ("192.168.1.9", "192.168.1.1", 0, false),
            ("192.168.1.9", "224.0.0.251", 0, false),
            ("203.0.113.1", "192.168.1.9", replied, true),
            ("203.0.113.1", "192.168.1.9", replied | dnat, false),
            ("192.168.9.9", "192.168.1.9", replied, true),
            ("203.0.113.1", "198.51.100.2", replied, false),
            ("2001:db8:9::1", "2001:db8:7::10", replied, false),
            ("2001:db8:9::1", "2001:db8:7::11", replied, true),
        ] {
            let of = |text: &str| text.parse().unwrap();
            let it = Connection::made_up(of(source), of(destination), status);
            let wrong = is_wrong(&it, &state, &classes, &rules);
            assert_eq!(wrong, expected, "{source} to {destination}, {status}");
        }
    }
}
