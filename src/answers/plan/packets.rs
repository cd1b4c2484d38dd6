//! What packets meet, in plain words: the rules as those see them who are translated,
//! let through and refused.

use std::net::IpAddr;

use crate::config::Rules;
use crate::engine::{Preview, Side};
use crate::event::{Family, InterfaceName};

/// One sentence for each way packets go.
pub(super) fn view(preview: &Preview, rules: &Rules) -> Vec<String> {
    let classes = &preview.classes;
    if classes.before_network {
        return vec![
            "no interface is up: nothing is forwarded before a run has seen one".to_owned(),
        ];
    }
    let on = |side, family| -> Vec<&InterfaceName> { classes.on(side, family).collect() };
    let mut sentences = Vec::new();
    let inner4: Vec<String> = classes.internal4.texts().collect();
    let inner6: Vec<String> = classes.internal6.texts().collect();
    let ways_out = on(Side::Outside, Family::Ipv4);
    for name in &ways_out {
        for network in classes.translated4.texts() {
            let how = match (rules.masquerade, address(preview, name, Family::Ipv4)) {
                (false, _) => "with its own addresses: masquerade is off".to_owned(),
                _ if classes.in_only.contains(*name) => {
                    "with its own addresses: it is for packets coming in".to_owned()
                }
                (true, Some(address)) => format!("as {address}"),
                (true, None) => format!("as the address that {name} will have; it has none yet"),
            };
            sentences.push(format!("{network} leaves by {name} {how}"));
        }
    }
    for name in on(Side::Outside, Family::Ipv6) {
        for network in &inner6 {
            sentences.push(format!("{network} leaves by {name} with its own addresses"));
        }
    }
    if ways_out.is_empty() && rules.masquerade && !inner4.is_empty() {
        sentences.push(
            "no interface is outside: what leaves by one that comes gets its address".to_owned(),
        );
    }
    let inside: Vec<String> = inner4.into_iter().chain(inner6).collect();
    let mut outside: Vec<String> =
        classes.all_on(Side::Outside).map(|(name, ..)| name.to_string()).collect();
    outside.dedup();
    if !outside.is_empty() {
        let outside = outside.join(", ");
        sentences.push(format!(
            "answers and forwarded ports come in by {outside}; other new connections are refused \
             there, wherever to"
        ));
        if !inside.is_empty() {
            let inside = inside.join(", ");
            sentences.push(format!(
                "packets that come in by {outside} and say they are from {inside} are dropped"
            ));
        }
    }
    for forward in &rules.forward {
        let who =
            forward.from.map_or("anybody".to_owned(), |from| format!("{from} and the inside"));
        sentences.push(format!("{} of {who} goes to {}", forward.port, forward.to));
    }
    if rules.protect {
        let open = match rules.open.as_slice() {
            [] => "nothing".to_owned(),
            all => all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        };
        sentences.push(format!(
            "of this machine itself, strangers and guests reach {open}, besides ping and leases"
        ));
    }
    for (name, ..) in classes.all_on(Side::Guest) {
        sentences.push(format!("guests at {name} may open connections to the outside only"));
    }
    if !inside.is_empty() {
        sentences.push(format!("only the inside may open connections to {}", inside.join(", ")));
    }
    for (name, mtu) in classes.fitted.iter().filter(|_| rules.clamp_mss) {
        sentences.push(format!(
            "TCP segments through {name}, whose MTU is {mtu}, are made to fit the whole way"
        ));
    }
    sentences
}

/// The address of an interface that masquerading takes.
fn address(preview: &Preview, name: &InterfaceName, family: Family) -> Option<IpAddr> {
    let state = &preview.state;
    let link = state.links.iter().find(|link| link.name == *name)?;
    let mut own = state.addresses.iter().filter(|address| address.ifindex == link.index);
    own.find(|address| address.local.is_ipv4() == (family == Family::Ipv4))
        .map(|address| address.local)
}
