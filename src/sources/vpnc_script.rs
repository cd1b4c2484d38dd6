//! vpnc-script, which vpnc and openconnect run: its folders of sourced scripts.
//!
//! Facts from vpnc-scripts 0.1, openconnect and recorded calls. `reason` is the same before
//! and after the script's own work, so the folder has to be said.

use super::values::{
    address, address_in, addressed_by, addresses, detail_list, details, netmask, prefix,
};
use super::{Attach, Call, Manners, OTHER, Part, Refusal, Source, Trigger, Wait, Which};
use crate::event::{Action, Cidr, Facts, Family, SourceName};

/// vpnc-script.
pub(super) static SOURCE: Source = Source {
    name: SourceName::fixed("vpnc-script"),
    summary: "vpnc and openconnect, by the folders of vpnc-script",
    which: Which::Variable("reason"),
    places: &[],
    manners: Manners::PLAIN,
    triggers: &[
        says("pre-init", None, Wait::Deposit),
        says("connect", Some(Action::PreUp), Wait::Deposit),
        says("post-connect", Some(Action::Up), Wait::Deposit),
        says("disconnect", Some(Action::PreDown), Wait::finish(10)),
        says("post-disconnect", Some(Action::Down), Wait::Deposit),
        says("attempt-reconnect", None, Wait::Deposit),
        says("post-attempt-reconnect", Some(Action::Change), Wait::Deposit),
        says("reconnect", Some(Action::Change), Wait::Deposit),
        says(OTHER, None, Wait::Deposit),
    ],
    attach: Attach {
        traces: &["/usr/share/vpnc-scripts/vpnc-script", "/etc/vpnc/vpnc-script"],
        parts: &[
            shim(
                "/etc/vpnc/connect.d/netcue",
                include_str!("../../integrations/vpnc-script/connect"),
            ),
            shim(
                "/etc/vpnc/post-connect.d/netcue",
                include_str!("../../integrations/vpnc-script/post-connect"),
            ),
            shim(
                "/etc/vpnc/disconnect.d/netcue",
                include_str!("../../integrations/vpnc-script/disconnect"),
            ),
            shim(
                "/etc/vpnc/post-disconnect.d/netcue",
                include_str!("../../integrations/vpnc-script/post-disconnect"),
            ),
            shim(
                "/etc/vpnc/reconnect.d/netcue",
                include_str!("../../integrations/vpnc-script/reconnect"),
            ),
        ],
        ..Attach::NOTHING
    },
};

const fn shim(at: &'static str, text: &'static str) -> Part {
    Part::File { at, text, own_folder: true }
}

const fn says(word: &'static str, action: Option<Action>, wait: Wait) -> Trigger {
    Trigger::new(word, action, wait, "", read)
}

fn read(call: &Call<'_>, trigger: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    // Before the device is made its name may not be known.
    if call.has("TUNDEV") || facts.action.is_some() {
        facts.interface = Some(call.interface_in("TUNDEV")?);
    }
    let written = call.variable("INTERNAL_IP4_ADDRESS", facts);
    let local = address_in(Family::Ipv4, written, "INTERNAL_IP4_ADDRESS", facts);
    let bits = call.variable("INTERNAL_IP4_NETMASKLEN", facts);
    let mask = call.variable("INTERNAL_IP4_NETMASK", facts);
    let bits = match bits {
        "" => netmask(mask, "INTERNAL_IP4_NETMASK", facts),
        bits => prefix(Family::Ipv4, bits, "INTERNAL_IP4_NETMASKLEN", facts),
    };
    let written = call.variable("INTERNAL_IP6_ADDRESS", facts);
    let local6 = address_in(Family::Ipv6, written, "INTERNAL_IP6_ADDRESS", facts);
    // Called a netmask, it is the address with its bits.
    let written = call.variable("INTERNAL_IP6_NETMASK", facts);
    let bits6 = written.rsplit_once('/').map_or("", |(_, bits)| bits);
    let bits6 = prefix(Family::Ipv6, bits6, "INTERNAL_IP6_NETMASK", facts);
    let known = [local.zip(bits.or(Some(32))), local6.zip(bits6.or(Some(128)))];
    let known = known.into_iter().flatten().map(|(address, prefix)| Cidr { address, prefix });
    addressed_by(known.collect(), facts);
    peer(call, facts);
    for name in ["INTERNAL_IP4_DNS", "INTERNAL_IP6_DNS"] {
        let written = call.variable(name, facts);
        let servers = addresses(written, name, facts);
        facts.dns.get_or_insert_default().extend(servers);
    }
    facts.dns = facts.dns.take().filter(|servers| !servers.is_empty());
    routes(call, facts);
    let texts = [("CISCO_DEF_DOMAIN", "domain"), ("CISCO_BANNER", "banner")];
    details(call, &texts, &[("INTERNAL_IP4_MTU", "mtu"), ("VPNPID", "vpn_pid")], facts);
    let stands = matches!(trigger.word, "post-connect" | "disconnect");
    facts.facts_complete = stands && facts.local.is_some() && facts.warnings.is_empty();
    call.at_most(0, facts);
    Ok(())
}

fn peer(call: &Call<'_>, facts: &mut Facts) {
    let written = call.variable("VPNGATEWAY", facts);
    if let Some(peer) = address(written, "VPNGATEWAY", facts) {
        facts.detail_text("peer", &peer.to_string());
    }
}

/// Most networks that are asked for.
const MOST: usize = 64;

fn routes(call: &Call<'_>, facts: &mut Facts) {
    let mut routes = Vec::new();
    for start in ["CISCO_SPLIT_INC", "CISCO_IPV6_SPLIT_INC"] {
        for index in 0..MOST {
            let network = call.variable(&format!("{start}_{index}_ADDR"), facts);
            if network.is_empty() {
                break;
            }
            let bits = call.variable(&format!("{start}_{index}_MASKLEN"), facts);
            routes.push(format!("{network}/{bits}"));
        }
    }
    detail_list("routes", &routes, facts);
}
