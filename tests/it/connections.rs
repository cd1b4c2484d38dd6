//! Connections of addresses that the machine has no longer, as the kernel tracks them.

use std::net::UdpSocket;

use crate::places::run;
use crate::scene::Scene;

const UP: &str = "ppp ip-up wan /dev/ttyS0 115200 198.51.100.2 198.51.100.1";

/// Sends one datagram from `from`; the kernel then knows a connection from there.
fn flow(from: &str, to: &str) {
    let socket = UdpSocket::bind((from, 5060)).expect("a socket");
    socket.send_to(b"hello", (to, 5060)).expect("sent");
}

fn flows() -> String {
    run("conntrack -L") + &run("conntrack -L -f ipv6")
}

fn said(scene: &Scene) -> String {
    scene.from(UP);
    scene.end_of("50-rules")["output"].to_string()
}

#[test]
fn those_of_an_address_that_is_gone_are_forgotten() {
    let scene = Scene::new();
    scene.gateway();
    for command in [
        "address add 203.0.113.3/32 dev wan",
        "-6 address add 2001:db8:1::2/64 dev wan nodad",
        "-6 address add 2001:db8:1::3/64 dev wan nodad",
    ] {
        scene.ip(command);
    }
    scene.from(UP);
    // Translated to a fixed address: the kernel itself keeps such connections.
    scene.nft(
        "table ip fixed { chain post { type nat hook postrouting priority 90; \
         ip saddr 192.168.7.1 oifname wan snat to 198.51.100.2; }; }",
    );
    flow("198.51.100.2", "198.51.100.1");
    flow("203.0.113.3", "198.51.100.1");
    flow("192.168.7.1", "198.51.100.9");
    flow("203.0.113.3", "198.51.100.2");
    flow("2001:db8:1::2", "2001:db8:1::1");
    flow("2001:db8:1::3", "2001:db8:1::1");
    let before = flows();
    for known in [
        "src=203.0.113.3 dst=198.51.100.2",
        "src=198.51.100.2 dst=198.51.100.1",
        "src=198.51.100.9 dst=198.51.100.2",
        "src=2001:db8:1::2 dst=2001:db8:1::1",
    ] {
        assert!(before.contains(known), "{known}: {before}");
    }
    scene.ip("address delete 198.51.100.2/24 dev wan");
    scene.ip("address add 198.51.100.77/24 dev wan");
    scene.ip("route replace default via 198.51.100.1");
    scene.ip("-6 address delete 2001:db8:1::2/64 dev wan");
    assert!(flows().contains("198.51.100.2 "), "the kernel keeps them by itself");
    let told = said(&scene);
    assert!(told.contains("forgot 4 connections that were not as the rules say now"), "{told}");
    let after = flows();
    assert!(!after.contains("=198.51.100.2 ") && !after.contains("=2001:db8:1::2 "), "{after}");
    for other in ["src=203.0.113.3 dst=198.51.100.1", "src=2001:db8:1::3 dst=2001:db8:1::1"] {
        assert!(after.contains(other), "others stay: {after}");
    }
    assert!(!said(&scene).contains("forgot"));
}

#[test]
fn those_of_an_address_that_went_elsewhere_stay() {
    let scene = Scene::new();
    scene.gateway().from(UP);
    flow("198.51.100.2", "198.51.100.1");
    scene.ip("address delete 198.51.100.2/24 dev wan");
    scene.ip("address add 198.51.100.2/24 dev lan");
    assert!(!said(&scene).contains("forgot"));
    assert!(flows().contains("src=198.51.100.2 dst=198.51.100.1"));
}

#[test]
fn nothing_is_forgotten_where_that_is_turned_off() {
    let scene = Scene::new();
    scene.config("[rules]\nconntrack = false\n");
    scene.gateway().from(UP);
    flow("198.51.100.2", "198.51.100.1");
    scene.ip("address delete 198.51.100.2/24 dev wan");
    assert!(!said(&scene).contains("forgot"));
    assert!(flows().contains("src=198.51.100.2 dst=198.51.100.1"));
}
