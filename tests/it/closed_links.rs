//! Links that come, go and change while strangers try their way in, in both families.

use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use netcue::config::Rules;
use netcue::engine;

use crate::closed::another;
use crate::gateway::{HOST, HOST_6, SERVER, SERVER_6, Street, exchange, listen, peer, talk};
use crate::places::Place;

/// IPv6 for a network that has IPv4: `2001:db8:N::/64` at the gateway, and its host.
fn with_ipv6(street: &Street, place: &Place, name: &str, number: u8) {
    let scene = &street.scene;
    scene.ip(&format!("-6 address add 2001:db8:{number}::1/64 dev {name} nodad"));
    place.enter(|| {
        scene.ip(&format!("-6 address add 2001:db8:{number}::2/64 dev {name}-far nodad"));
        scene.ip(&format!("-6 route add default via 2001:db8:{number}::1"));
    });
    street.outside.enter(|| {
        scene.ip(&format!("-6 route add 2001:db8:{number}::/64 via 2001:db8:1::2"));
    });
}

fn gets_nowhere(street: &Street, from: &Place) {
    street.gets_no_answer(from, HOST);
    street.gets_no_answer(from, HOST_6);
}

#[test]
fn a_network_for_television_is_no_way_in_and_is_reached_translated() {
    let street = Street::new();
    let lease = "valid_lft 600 preferred_lft 600";
    let provider = another(&street, "iptv0", "10.100.0.2", "10.100.0.1", lease);
    with_ipv6(&street, &provider, "iptv0", 9);
    street.scene.ip("route add 10.128.0.0/9 via 10.100.0.1");
    street.event();
    street.gets_no_answer(&provider, HOST);
    let server = listen(&provider, "10.100.0.1:554");
    let (_near, far) = talk(&street.inside, &server, "10.100.0.1:554");
    assert_eq!(peer(&far), "10.100.0.2");
}

/// What `PPPoE` runs over has no address of its own, and strangers on its cable.
#[test]
fn a_carrier_without_address_is_no_way_in() {
    let street = Street::new();
    let scene = &street.scene;
    let stranger = Place::new();
    scene.ip(&format!("link add dsl0 type veth peer name dsl0-far netns {}", stranger.path()));
    scene.ip("link set dsl0 up");
    scene.ip("-6 address add fe80::77/64 dev dsl0 nodad");
    stranger.enter(|| {
        scene.ip("link set dsl0-far up");
        scene.ip("address add 10.66.0.9/24 dev dsl0-far");
        scene.ip("route add 192.168.7.0/24 via 192.168.7.1 dev dsl0-far onlink");
        scene.ip("-6 address add 2001:db8:66::9/64 dev dsl0-far nodad");
        scene.ip("-6 route add 2001:db8:7::/64 via fe80::77 dev dsl0-far");
    });
    street.event();
    gets_nowhere(&street, &stranger);
}

#[test]
fn guests_and_new_networks_are_kept_out_over_ipv6_too() {
    let street = Street::new();
    street.scene.config("[interface.guest0]\nside = \"guest\"\n");
    let guest = another(&street, "guest0", "192.168.9.1", "192.168.9.2", "");
    with_ipv6(&street, &guest, "guest0", 9);
    street.event();
    let container = another(&street, "br-new", "172.30.0.1", "172.30.0.2", "");
    with_ipv6(&street, &container, "br-new", 30);
    gets_nowhere(&street, &guest);
    gets_nowhere(&street, &container);
    let server = listen(&street.outside, SERVER_6);
    let (_near, far) = talk(&guest, &server, SERVER_6);
    assert_eq!(peer(&far), "2001:db8:9::2");
    let host = listen(&guest, "[2001:db8:9::2]:631");
    talk(&street.inside, &host, "[2001:db8:9::2]:631");
}

/// The link goes and comes back as another interface: before the event of either, with an
/// address and no route, and with all it needs.
#[test]
fn a_link_that_comes_back_is_closed_at_every_stage() {
    let street = Street::new();
    let scene = &street.scene;
    street.event();
    scene.ip("link del wan");
    street.event();
    scene.ip(&format!("link add wan type veth peer name wan-far netns {}", street.outside.path()));
    street.outside.enter(|| {
        scene.ip("link set wan-far up");
        scene.ip("address add 198.51.100.1/24 dev wan-far");
        scene.ip("-6 address add 2001:db8:1::1/64 dev wan-far nodad");
    });
    scene.ip("link set wan up");
    scene.ip("address add 198.51.100.2/24 dev wan");
    scene.ip("-6 address add 2001:db8:1::2/64 dev wan nodad");
    street.outside.enter(|| {
        scene.ip("route add 192.168.7.0/24 via 198.51.100.2");
        scene.ip("-6 route add 2001:db8:7::/64 via 2001:db8:1::2");
    });
    gets_nowhere(&street, &street.outside);
    street.event();
    gets_nowhere(&street, &street.outside);
    scene.ip("route add default via 198.51.100.1");
    scene.ip("-6 route add default via 2001:db8:1::1");
    gets_nowhere(&street, &street.outside);
    street.event();
    gets_nowhere(&street, &street.outside);
    let server = listen(&street.outside, SERVER);
    let (_near, far) = talk(&street.inside, &server, SERVER);
    assert_eq!(peer(&far), "198.51.100.2");
}

#[test]
fn an_inside_that_comes_after_the_rules_is_closed_from_its_beginning() {
    let street = Street::new();
    let scene = &street.scene;
    scene.config("[rules]\nexternal = [\"wan\"]\n");
    scene.ip("address flush dev lan");
    scene.ip("link set lan down");
    street.event();
    scene.ip("link set lan up");
    scene.ip("address add 192.168.7.1/24 dev lan");
    scene.ip("-6 address add 2001:db8:7::1/64 dev lan nodad");
    gets_nowhere(&street, &street.outside);
    street.event();
    gets_nowhere(&street, &street.outside);
}

/// How many datagrams from outside a host inside hears while something happens.
fn heard_from_outside(street: &Street, happens: impl FnOnce()) -> usize {
    let host = street.inside.enter(|| UdpSocket::bind("192.168.7.2:7").expect("a port"));
    host.set_read_timeout(Some(Duration::from_millis(50))).expect("a limit");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            street.outside.enter(|| {
                while !over.load(Ordering::Relaxed) {
                    let flow = UdpSocket::bind("0.0.0.0:0").expect("a port");
                    let _ = flow.send_to(b"new", "192.168.7.2:7");
                }
            });
        });
        let listener = scope.spawn(|| {
            let mut count = 0;
            while !over.load(Ordering::Relaxed) {
                count += usize::from(host.recv(&mut [0; 8]).is_ok());
            }
            count
        });
        happens();
        over.store(true, Ordering::Relaxed);
        listener.join().expect("a count")
    })
}

/// Tables as older versions made them, and one that somebody has changed.
#[test]
fn a_table_of_another_make_is_followed_by_ours_without_a_gap() {
    let old = "table inet netcue {
        set external { type ifname; elements = { \"wan\" }; }
        set internal4 { type ipv4_addr; flags interval; elements = { 192.168.7.0/24 }; }
        chain forward { type filter hook forward priority filter; policy accept;
            ct state established,related accept
            iifname @external ct state invalid,new drop
        }
        chain postrouting { type nat hook postrouting priority srcnat; policy accept;
            oifname @external ip saddr @internal4 masquerade
        }
    }";
    let street = Street::new();
    street.scene.nft(old);
    let heard = heard_from_outside(&street, || {
        for _ in 0..10 {
            street.event();
            assert_eq!(street.scene.end_of("50-rules")["outcome"], "changed");
            street.scene.nft(&format!("add table inet netcue; delete table inet netcue; {old}"));
        }
    });
    assert_eq!(heard, 0);
}

#[test]
fn connections_that_are_right_outlive_a_hundred_changes() {
    let street = Street::new();
    let rules: Rules = netcue::config::parse(
        "[rules]\nforward = [{ port = 'tcp/443', to = '192.168.7.2' }, { port = 'tcp/443', to = '::2' }]\n",
        "c".as_ref(),
    )
    .expect("rules")
    .rules;
    let folder = tempfile::tempdir().expect("a folder");
    let memory = folder.path().join("rules.json");
    let mut session = engine::open().expect("nf_tables");
    let mut change = || engine::regenerate(&rules, &memory, &mut session).expect("rules");
    change();
    let (server, server6) = (listen(&street.outside, SERVER), listen(&street.outside, SERVER_6));
    let host = listen(&street.inside, "192.168.7.2:443");
    let host6 = listen(&street.inside, "[2001:db8:7::2]:443");
    let mut flows = [
        talk(&street.inside, &server, SERVER),
        talk(&street.inside, &server6, SERVER_6),
        talk(&street.outside, &host, "198.51.100.2:443"),
        talk(&street.outside, &host6, "[2001:db8:7::2]:443"),
    ];
    for number in 0..100 {
        let verb = if number % 2 == 0 { "add" } else { "del" };
        street.scene.ip(&format!("address {verb} 10.9.0.1/24 dev lan"));
        let report = change();
        assert!(matches!(report.result, engine::Applied::Changed { .. }));
        assert!(!report.notes.iter().any(|note| note.contains("forgot")), "{:?}", report.notes);
        if number % 10 == 9 {
            for (near, far) in &mut flows {
                exchange(near, far);
            }
        }
    }
}
