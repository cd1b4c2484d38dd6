//! A router with one arm: its inside and its way out share one interface, so that nothing tells
//! them apart but addresses, which netcue never goes by.

use super::classify::Classes;
use super::sides::Side;
use crate::event::{Cidr, Family};
use crate::sys::state::KernelState;

/// That this looks like one, and what to write; nothing where there is an inside, or nothing
/// to translate.
///
/// A machine that is no router looks the same: who asks knows whether it forwards.
#[must_use]
pub fn one_arm(state: &KernelState, classes: &Classes) -> Option<String> {
    let on = |side| classes.on(side, Family::Ipv4);
    let mut ways_out = on(Side::Outside);
    let (name, others) = (ways_out.next()?, ways_out.next());
    if others.is_some() || on(Side::Inside).next().is_some() || on(Side::Guest).next().is_some() {
        return None;
    }
    let link = state.links.iter().find(|link| link.name == *name)?;
    let network = state.addresses.iter().find_map(|own| match own.local {
        std::net::IpAddr::V4(address) if own.ifindex == link.index && address.is_private() => {
            let host = u32::MAX.checked_shr(own.prefix.into()).unwrap_or(0);
            let network = std::net::Ipv4Addr::from_bits(address.to_bits() & !host);
            Some(Cidr { address: network.into(), prefix: own.prefix })
        }
        _ => None,
    })?;
    Some(format!(
        "{name} is the only way in and out, and packets are forwarded: nothing tells the inside \
         from the outside there. Give one of them an interface of its own, such as a VLAN; or \
         write into /etc/netcue/rules.d/10-one-arm.nft: add rule inet netcue user_forward ip \
         saddr {network} accept; add rule inet netcue user_postrouting ip saddr {network} ip \
         daddr != {network} masquerade"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::classify;

    #[test]
    fn one_interface_with_private_addresses_and_the_default_route_is_one() {
        let with = |links: &str, address: &str| {
            let state: KernelState = serde_json::from_str(&format!(
                r#"{{"links": [{{"index":2,"name":"eth0","up":true}}{links}],
                    "addresses": [{{"ifindex":2,"local":"{address}","prefix":24}},
                                  {{"ifindex":3,"local":"192.168.9.1","prefix":24}}],
                    "routes": [{{"family":"ipv4","out_interfaces":[2]}}]}}"#
            ))
            .unwrap();
            one_arm(&state, &classify(&state, &crate::config::Rules::default()))
        };
        let told = with("", "192.168.1.9").unwrap();
        assert!(
            told.contains("eth0 is the only way") && told.contains(" 192.168.1.0/24 "),
            "{told}"
        );
        assert_eq!(with("", "198.51.100.2"), None);
        assert_eq!(with(r#",{"index":3,"name":"eth1","up":true}"#, "192.168.1.9"), None);
    }
}
