//! What packets meet, in plain words: the rules as those see them who are translated,
//! let through and refused.

use std::net::IpAddr;

use crate::config::Rules;
use crate::engine::Preview;
use crate::event::{Family, InterfaceName};

/// One sentence for each way packets go.
pub(super) fn view(preview: &Preview, rules: &Rules) -> Vec<String> {
    let classes = &preview.classes;
    if classes.before_network {
        return vec![
            "no interface is up: nothing is forwarded before a run has seen one".to_owned(),
        ];
    }
    if classes.external_out.is_empty() && classes.external_in.is_empty() {
        return vec![
            "no interface is external: nothing is translated and nothing is refused".to_owned(),
        ];
    }
    let mut sentences = Vec::new();
    let inner4: Vec<String> = classes.internal4.texts().collect();
    let inner6: Vec<String> = classes.internal6.texts().collect();
    for name in classes.external_out.keys() {
        for network in &inner4 {
            let how = match (rules.masquerade, address(preview, name, Family::Ipv4)) {
                (false, _) => "with its own addresses: masquerade is off".to_owned(),
                (true, Some(address)) => format!("as {address}"),
                (true, None) => format!("as the address that {name} will have; it has none yet"),
            };
            sentences.push(format!("{network} leaves by {name} {how}"));
        }
        for network in &inner6 {
            sentences.push(format!("{network} leaves by {name} with its own addresses"));
        }
    }
    let inside: Vec<String> = inner4.into_iter().chain(inner6).collect();
    let outside: Vec<String> = classes.external_in.keys().map(ToString::to_string).collect();
    if inside.is_empty() {
        sentences.push(
            "no network is internal: nothing is translated and nothing is refused".to_owned(),
        );
    } else if !outside.is_empty() {
        let (inside, outside) = (inside.join(", "), outside.join(", "));
        sentences.push(format!(
            "answers and forwarded ports come in by {outside}; other new connections to {inside} \
             are refused there"
        ));
        sentences.push(format!(
            "packets that come in by {outside} and say they are from {inside} are dropped"
        ));
    }
    for (name, mtu) in classes.narrow.iter().filter(|_| rules.clamp_mss) {
        sentences.push(format!("TCP segments through {name} are made to fit its MTU of {mtu}"));
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
