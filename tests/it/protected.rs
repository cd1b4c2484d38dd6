//! The machine itself, protected from strangers and guests, with real packets.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

use crate::closed::another;
use crate::gateway::{SERVER, Street, connect, listen, talk};
use crate::places::Place;
use crate::scene::{PATIENCE, wait_until};

fn protected(more: &str) -> Street {
    let street = Street::new();
    street.scene.config(&format!("[rules]\nprotect = true\n{more}\n"));
    street.event();
    street
}

fn here(address: &str) -> TcpListener {
    TcpListener::bind(address).expect(address)
}

#[test]
fn nobody_outside_reaches_the_machine_itself_and_the_inside_does() {
    let street = protected("");
    let service = here("[::]:2222");
    for to in ["198.51.100.2:2222", "[2001:db8:1::2]:2222", "192.168.7.1:2222"] {
        street.gets_no_answer(&street.outside, to);
        talk(&street.inside, &service, to);
    }
    // What it began itself is answered, also where names are asked for by UDP.
    let server = listen(&street.outside, SERVER);
    let near = std::net::TcpStream::connect(SERVER).expect("a connection");
    let (_far, _) = server.accept().expect("a caller");
    drop(near);
    answers_udp(&street.outside, "198.51.100.1:53");
    answers_udp(&street.outside, "[2001:db8:1::1]:53");
}

fn answers_udp(place: &Place, at: &str) {
    let server = place.enter(|| UdpSocket::bind(at).expect("a port"));
    let wildcard = if at.starts_with('[') { "[::]:0" } else { "0.0.0.0:0" };
    let own = UdpSocket::bind(wildcard).expect("a port");
    for socket in [&server, &own] {
        socket.set_read_timeout(Some(PATIENCE)).expect("a limit");
    }
    own.send_to(b"name", at).expect("sent");
    let mut heard = [0; 4];
    let (_, from) = server.recv_from(&mut heard).expect("a question");
    server.send_to(b"1234", from).expect("sent");
    own.recv(&mut heard).expect("an answer");
}

#[test]
fn what_is_open_is_reached_by_whom_it_is_open_to() {
    let street = protected(
        "open = ['tcp/22 from 198.51.100.0/25', 'tcp/23 from 203.0.113.0/24', 'udp/51820', \
         'tcp/8000-8010', 'tcp/25 from 2001:db8:1::1']",
    );
    let (ssh, web) = (here("[::]:22"), here("[::]:8007"));
    talk(&street.outside, &ssh, "198.51.100.2:22");
    street.gets_no_answer(&street.outside, "[2001:db8:1::2]:22");
    street.gets_no_answer(&street.outside, "198.51.100.2:23");
    for to in ["198.51.100.2:8007", "[2001:db8:1::2]:8007"] {
        talk(&street.outside, &web, to);
    }
    street.gets_no_answer(&street.outside, "198.51.100.2:8011");
    let mail = here("[::]:25");
    talk(&street.outside, &mail, "[2001:db8:1::2]:25");
    street.gets_no_answer(&street.outside, "198.51.100.2:25");
    hears(&street.outside, "198.51.100.2:51820", true);
    hears(&street.outside, "[2001:db8:1::2]:51820", true);
    hears(&street.outside, "198.51.100.2:51821", false);
}

/// Whether the machine hears what is sent to it from there.
fn hears(from: &Place, to: &str, expected: bool) {
    let port = to.parse::<SocketAddr>().expect("an address").port();
    let own = UdpSocket::bind(("::", port)).expect("a port");
    own.set_read_timeout(Some(Duration::from_millis(200))).expect("a limit");
    let wildcard = if to.starts_with('[') { "[::]:0" } else { "0.0.0.0:0" };
    let there = from.enter(|| UdpSocket::bind(wildcard).expect("a port"));
    let arrives = || {
        there.send_to(b"hello", to).expect("sent");
        own.recv(&mut [0; 8]).is_ok()
    };
    if expected {
        // The first may be lost while neighbours look for one another.
        wait_until(to, arrives);
    } else {
        assert!(!arrives(), "{to}");
    }
}

#[test]
fn leases_pings_and_neighbours_pass() {
    let street = protected("");
    for (place, to) in [
        (&street.outside, "198.51.100.2"),
        (&street.outside, "2001:db8:1::2"),
        (&street.inside, "192.168.7.1"),
    ] {
        place.enter(|| crate::places::run(&format!("ping -n -c 1 -W 5 {to}")));
    }
    // A neighbour that nobody knows yet has to be found.
    street.outside.enter(|| street.scene.ip("neighbour flush all"));
    street.scene.ip("neighbour flush all");
    street.outside.enter(|| crate::places::run("ping -n -c 1 -W 5 2001:db8:1::2"));
    hears(&street.outside, "198.51.100.2:68", true);
    hears(&street.outside, "198.51.100.2:67", false);
    // Until it is sure that nobody else has them, addresses get nothing.
    let tentative =
        |device: &str| crate::places::run(&format!("ip -6 address show dev {device} tentative"));
    wait_until("addresses that may be used", || {
        tentative("wan").is_empty() && street.outside.enter(|| tentative("wan-far")).is_empty()
    });
    let scope = street.outside.enter(|| crate::places::run("ip -o link show dev wan-far"));
    let scope = scope.split(':').next().expect("a number");
    let own = crate::places::run("ip -o -6 address show dev wan scope link");
    let own = own.split("inet6 ").nth(1).and_then(|it| it.split('/').next()).expect("an address");
    hears(&street.outside, &format!("[{own}%{scope}]:546"), true);
}

#[test]
fn guests_get_a_lease_and_names_and_nothing_else_of_the_machine() {
    let street = Street::new();
    street.scene.config("[rules]\nprotect = true\n[interface.guest0]\nside = \"guest\"\n");
    let guest = another(&street, "guest0", "192.168.9.1", "192.168.9.2", "");
    street.event();
    let names = here("[::]:53");
    talk(&guest, &names, "192.168.9.1:53");
    street.gets_no_answer(&street.outside, "198.51.100.2:53");
    for (port, expected) in [(53, true), (67, true), (69, false), (22, false)] {
        hears(&guest, &format!("192.168.9.1:{port}"), expected);
    }
    guest.enter(|| crate::places::run("ping -n -c 1 -W 5 192.168.9.1"));
    street.gets_no_answer(&guest, "192.168.9.1:22");
    street.gets_no_answer(&guest, "192.168.7.1:22");
}

#[test]
fn without_protection_everybody_reaches_the_machine() {
    let street = Street::new();
    street.scene.config("[rules]\nopen = ['tcp/22']\n");
    street.event();
    let service = here("[::]:2222");
    talk(&street.outside, &service, "198.51.100.2:2222");
    assert!(connect(&street.outside, "[2001:db8:1::2]:2222", PATIENCE).is_ok());
    let told = street.scene.netcue(["doctor"]).status(1).any_stdout().run().stdout;
    assert!(told.contains("open in netcue.conf says nothing without protect = true"), "{told}");
}

#[test]
fn who_would_be_cut_off_is_told_what_to_write() {
    let street = protected("");
    let told = |session: &str, words: &str| {
        let call = street.scene.netcue(words.split(' ')).env("SSH_CONNECTION", session);
        let ran = call.any_status().any_stdout().any_stderr().run();
        format!("{}{}", ran.stdout, ran.stderr)
    };
    let line = "open = [\"tcp/22 from 203.0.113.9\"]";
    let stranger = "203.0.113.9 50000 198.51.100.2 22";
    assert!(told(stranger, "doctor").contains(line), "{}", told(stranger, "doctor"));
    assert!(told(stranger, "enable ppp --dry-run").contains(line));
    assert!(!told("192.168.7.2 50000 192.168.7.1 22", "doctor").contains("cuts ssh"));
    street.scene.config("[rules]\nprotect = true\nopen = ['tcp/22 from 203.0.113.0/24']\n");
    assert!(!told(stranger, "doctor").contains("cuts ssh"));
}
