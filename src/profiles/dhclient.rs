//! The enter and exit hooks of dhclient-script, which sources them: all in variables, and a
//! reason for each family.

use std::net::IpAddr;

use super::told::{PATH, Variables, addresses, detail, gateways, joined, of_network, servers};
use super::{Dispatcher, Given, Moment, Place, RUN_PARTS, Shell, place};
use crate::event::{Action, Event, Family};

const ANY: &[Action] = &[Action::PreUp, Action::Up, Action::Change, Action::Down];

pub(super) static DISPATCHER: Dispatcher = Dispatcher {
    name: "dhclient",
    source: "dhclient",
    places: &[
        Place { word: None, ..place("dhclient-enter-hooks.d", "", ANY) },
        Place { word: None, ..place("dhclient-exit-hooks.d", "", ANY) },
    ],
    names: RUN_PARTS,
    shell: Some(Shell {
        zero: "/sbin/dhclient-script",
        // `run_hook` of Debian's dhclient-script, a function with the script as its word; a hook
        // tells of a failure by `exit_status`.
        text: "script=$1 exit_status=0; . \"$script\"; exit \"$exit_status\"",
    }),
    per_family: true,
    word,
    given,
};

fn word(event: &Event, family: Family) -> Option<&'static str> {
    match (event.facts.action.as_ref()?, family) {
        (Action::PreUp, Family::Ipv4) => Some("PREINIT"),
        (Action::PreUp, Family::Ipv6) => Some("PREINIT6"),
        (Action::Up, Family::Ipv4) => Some("BOUND"),
        (Action::Up, Family::Ipv6) => Some("BOUND6"),
        (Action::Change, Family::Ipv4) => Some("RENEW"),
        (Action::Change, Family::Ipv6) => Some("RENEW6"),
        (Action::Down, Family::Ipv4) => Some("EXPIRE"),
        (Action::Down, Family::Ipv6) => Some("EXPIRE6"),
        _ => None,
    }
}

fn given(moment: &Moment<'_>) -> Given {
    let Moment { event, interface, word, family } = *moment;
    let mut env = Variables::with_path(PATH);
    env.set("reason", word);
    env.set("interface", interface);
    env.know("pid", detail(event, "dhclient_pid"));
    if event.facts.action == Some(Action::PreUp) {
        return Given { words: Vec::new(), env: env.into_env() };
    }
    let is_gone = event.facts.action == Some(Action::Down);
    // What a link that is gone had is old.
    let when = if is_gone { "old" } else { "new" };
    let name = |what: &str| format!("{when}_{what}");
    let first = addresses(event, family).first().copied();
    let old = detail(event, "old_local");
    match family {
        Family::Ipv4 => {
            if let Some((IpAddr::V4(address), prefix)) = first {
                env.set(&name("ip_address"), address);
                if let Some(prefix) = prefix {
                    let (mask, network, broadcast) = of_network(address, prefix);
                    env.set(&name("subnet_mask"), mask);
                    env.set(&name("network_number"), network);
                    env.set(&name("broadcast_address"), broadcast);
                }
            }
            env.know(&name("routers"), joined(&gateways(event, family)));
            env.know(&name("domain_name_servers"), joined(&servers(event, Some(family))));
            env.know(&name("domain_search"), names(event, "search"));
            env.know("old_ip_address", old);
        }
        Family::Ipv6 => {
            if let Some((address, prefix)) = first {
                env.set(&name("ip6_address"), address);
                env.know(&name("ip6_prefixlen"), prefix);
            }
            env.know(&name("dhcp6_name_servers"), joined(&servers(event, Some(family))));
            env.know(&name("dhcp6_domain_search"), names(event, "search"));
            env.know(&name("ip6_prefix"), detail(event, "delegated"));
            env.know("old_ip6_address", old);
            env.know("old_ip6_prefix", detail(event, "old_delegated"));
        }
    }
    env.know(&name("domain_name"), names(event, "domain"));
    env.know(&name("host_name"), names(event, "host_name"));
    env.know(&name("dhcp_server_identifier"), detail(event, "server"));
    let lease = if family == Family::Ipv4 { "dhcp_lease_time" } else { "max_life" };
    env.know(&name(lease), detail(event, "lease_time"));
    env.know(&name("interface_mtu"), detail(event, "mtu"));
    Given { words: Vec::new(), env: env.into_env() }
}

/// Names of hosts and domains that dhclient would have let pass, too: it leaves out those with
/// other characters (`check_option_values` in dhclient.c), and hooks rely on it.
fn names(event: &Event, name: &str) -> Option<String> {
    let is_sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
    detail(event, name).filter(|names| names.chars().all(is_sound))
}
