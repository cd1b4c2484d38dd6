//! A gateway kept by the real program: what people inside and outside notice when links
//! come and go.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use crate::places::Place;
use crate::scene::{PATIENCE, Scene, wait_until};

const UP: &str = "ppp ip-up wan /dev/ttyS0 115200 198.51.100.2 198.51.100.1";
pub(crate) const SERVER: &str = "198.51.100.1:80";
pub(crate) const HOST: &str = "192.168.7.2:22";
pub(crate) const SERVER_6: &str = "[2001:db8:1::1]:80";
pub(crate) const HOST_6: &str = "[2001:db8:7::2]:22";

/// An inside, the gateway in which the test runs, and an outside that could reach the
/// inside if the gateway let it.
pub(crate) struct Street {
    pub(crate) scene: Scene,
    pub(crate) inside: Place,
    pub(crate) outside: Place,
}

impl Street {
    pub(crate) fn new() -> Self {
        let scene = Scene::new();
        let (inside, outside) = (Place::new(), Place::new());
        scene.gateway();
        scene.ip(&format!("link set lan-far netns {}", inside.path()));
        scene.ip(&format!("link set wan-far netns {}", outside.path()));
        scene.ip("-6 address add 2001:db8:7::1/64 dev lan nodad");
        scene.ip("-6 address add 2001:db8:1::2/64 dev wan nodad");
        scene.ip("-6 route add default via 2001:db8:1::1 dev wan");
        for file in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
            fs::write(format!("/proc/sys/net/{file}"), "1").expect(file);
        }
        inside.enter(|| {
            scene.ip("link set lan-far up");
            scene.ip("address add 192.168.7.2/24 dev lan-far");
            scene.ip("-6 address add 2001:db8:7::2/64 dev lan-far nodad");
            scene.ip("route add default via 192.168.7.1");
            scene.ip("-6 route add default via 2001:db8:7::1");
        });
        outside.enter(|| {
            scene.ip("link set wan-far up");
            scene.ip("address add 198.51.100.1/24 dev wan-far");
            scene.ip("-6 address add 2001:db8:1::1/64 dev wan-far nodad");
            scene.ip("route add 192.168.7.0/24 via 198.51.100.2");
            scene.ip("-6 route add 2001:db8:7::/64 via 2001:db8:1::2");
        });
        Self { scene, inside, outside }
    }

    pub(crate) fn event(&self) {
        let ran = self.scene.from(UP);
        assert_eq!(self.scene.outcomes().last().map(String::as_str), Some("done"), "{ran:?}");
    }

    /// The packets that the rules have dropped so far.
    pub(crate) fn dropped(&self) -> u64 {
        let counters = self.scene.nft("list counters table inet netcue");
        let counts = counters.lines().filter_map(|line| {
            line.trim().strip_prefix("packets ")?.split(' ').next()?.parse::<u64>().ok()
        });
        counts.sum()
    }

    /// The rules drop it: no answer at all, not even a refusal.
    pub(crate) fn gets_no_answer(&self, from: &Place, to: &str) {
        let before = self.dropped();
        // The first may be lost while neighbours look for one another.
        wait_until("the rules, and nothing else, to keep it out", || {
            let refused = connect(from, to, Duration::from_millis(300));
            let refused = refused.expect_err("no connection");
            assert_eq!(refused.kind(), ErrorKind::TimedOut, "{refused}");
            self.dropped() > before
        });
    }
}

pub(crate) fn listen(place: &Place, address: &str) -> TcpListener {
    place.enter(|| TcpListener::bind(address).expect(address))
}

pub(crate) fn connect(place: &Place, to: &str, limit: Duration) -> std::io::Result<TcpStream> {
    let to: SocketAddr = to.parse().expect("an address");
    let stream = place.enter(|| TcpStream::connect_timeout(&to, limit))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// A connection with something said on it both ways; gives back both of its ends.
pub(crate) fn talk(from: &Place, listener: &TcpListener, to: &str) -> (TcpStream, TcpStream) {
    let mut near = connect(from, to, PATIENCE).expect(to);
    let (mut far, _) = listener.accept().expect("a caller");
    far.set_read_timeout(Some(PATIENCE)).expect("a limit");
    exchange(&mut near, &mut far);
    (near, far)
}

pub(crate) fn exchange(near: &mut TcpStream, far: &mut TcpStream) {
    say(near, far);
    say(far, near);
}

fn say(from: &mut TcpStream, to: &mut TcpStream) {
    let mut heard = [0; 5];
    from.write_all(b"hello").expect("said");
    to.read_exact(&mut heard).expect("heard");
    assert_eq!(&heard, b"hello");
}

pub(crate) fn peer(stream: &TcpStream) -> String {
    stream.peer_addr().expect("a peer").ip().to_string()
}

#[test]
fn the_inside_shares_the_address_of_the_gateway() {
    let street = Street::new();
    let server = listen(&street.outside, SERVER);
    let (_near, far) = talk(&street.inside, &server, SERVER);
    assert_eq!(peer(&far), "192.168.7.2", "before the event");
    street.event();
    let (_near, far) = talk(&street.inside, &server, SERVER);
    assert_eq!(peer(&far), "198.51.100.2");
}

#[test]
fn a_connection_nobody_asked_for_gets_no_answer() {
    let street = Street::new();
    let host = listen(&street.inside, HOST);
    talk(&street.outside, &host, HOST);
    street.event();
    street.gets_no_answer(&street.outside, HOST);
}

/// The rules of `--pre-network` hold until a run has seen an interface, also on a machine
/// that forwards from the start.
#[test]
fn nothing_is_forwarded_between_the_first_interface_and_the_first_run_that_sees_it() {
    let street = Street::new();
    let (host, server) = (listen(&street.inside, HOST), listen(&street.outside, SERVER));
    for link in ["lan", "wan"] {
        street.scene.ip(&format!("link set {link} down"));
    }
    street.scene.from("boot pre-network");
    for link in ["lan", "wan"] {
        street.scene.ip(&format!("link set {link} up"));
    }
    street.scene.ip("route add default via 198.51.100.1");
    for (place, gateway) in [(&street.inside, "192.168.7.1:9"), (&street.outside, "198.51.100.2:9")]
    {
        wait_until("the link", || {
            let refused = connect(place, gateway, Duration::from_millis(300)).expect_err("closed");
            refused.kind() == ErrorKind::ConnectionRefused
        });
    }
    street.gets_no_answer(&street.outside, HOST);
    street.gets_no_answer(&street.inside, SERVER);

    street.event();
    let (_near, far) = talk(&street.inside, &server, SERVER);
    assert_eq!(peer(&far), "198.51.100.2");
    drop(host);
    street.gets_no_answer(&street.outside, HOST);
}

#[test]
fn the_gateway_itself_stays_reachable_from_both_sides() {
    let street = Street::new();
    street.event();
    let gateway = TcpListener::bind("0.0.0.0:2222").expect("a port");
    talk(&street.outside, &gateway, "198.51.100.2:2222");
    talk(&street.inside, &gateway, "192.168.7.1:2222");
}

#[test]
fn what_somebody_elses_rule_forwards_gets_in() {
    let street = Street::new();
    street.event();
    street.scene.nft(
        "table ip theirs { chain c { type nat hook prerouting priority dstnat; \
         tcp dport 2222 dnat to 192.168.7.2:22; }; }",
    );
    street.event();
    let host = listen(&street.inside, HOST);
    talk(&street.outside, &host, "198.51.100.2:2222");
    street.gets_no_answer(&street.outside, HOST);
}

#[test]
fn a_packet_from_outside_with_an_address_of_the_inside_is_dropped() {
    let street = Street::new();
    for file in ["all", "wan"] {
        fs::write(format!("/proc/sys/net/ipv4/conf/{file}/rp_filter"), "0").expect(file);
    }
    street.event();
    let gateway = std::net::UdpSocket::bind("198.51.100.2:53").expect("a port");
    let forger = street.outside.enter(|| {
        street.scene.ip("address add 192.168.7.99/32 dev lo");
        std::net::UdpSocket::bind("192.168.7.99:0").expect("a port")
    });
    let honest =
        street.outside.enter(|| std::net::UdpSocket::bind("198.51.100.1:0").expect("a port"));
    gateway.set_read_timeout(Some(PATIENCE)).expect("a limit");
    forger.send_to(b"forged", "198.51.100.2:53").expect("sent");
    honest.send_to(b"honest", "198.51.100.2:53").expect("sent");
    let mut heard = [0; 6];
    gateway.recv(&mut heard).expect("a packet");
    assert_eq!(&heard, b"honest", "the forged one was first on the wire");
    assert_eq!(street.dropped(), 1);
}

#[test]
fn ipv6_is_routed_untranslated_and_protected_in_the_same_way() {
    let street = Street::new();
    let server = listen(&street.outside, SERVER_6);
    let host = listen(&street.inside, HOST_6);
    talk(&street.outside, &host, HOST_6);
    street.event();
    let (_near, far) = talk(&street.inside, &server, SERVER_6);
    assert_eq!(peer(&far), "2001:db8:7::2");
    street.gets_no_answer(&street.outside, HOST_6);
}

#[test]
fn rules_that_another_program_flushed_are_back_after_the_next_event() {
    let street = Street::new();
    let host = listen(&street.inside, HOST);
    street.event();
    street.scene.nft("flush ruleset");
    talk(&street.outside, &host, HOST);
    street.event();
    street.gets_no_answer(&street.outside, HOST);
}

#[test]
fn a_mask_takes_the_rules_out_and_says_so() {
    let street = Street::new();
    let host = listen(&street.inside, HOST);
    street.event();
    street.gets_no_answer(&street.outside, HOST);
    street.scene.link("etc/netcue/hooks.d/50-rules", "/dev/null");
    let told = street.scene.netcue(UP.split(' ').fold(vec!["from"], |mut words, word| {
        words.push(word);
        words
    }));
    let ran = told.any_stderr().run();
    assert!(ran.stderr.contains("took out table inet netcue: 50-rules is masked"), "{ran:?}");
    assert!(ran.summaries[0].contains("rules taken out"), "{ran:?}");
    assert_eq!(street.scene.nft("list tables"), "");
    talk(&street.outside, &host, HOST);
    // There is nothing to take out any more, nor to say.
    assert!(street.scene.from(UP).stderr.is_empty());
    fs::remove_file(street.scene.path("etc/netcue/hooks.d/50-rules")).expect("the mask");
    street.event();
    street.gets_no_answer(&street.outside, HOST);
}

#[test]
fn other_tables_are_left_as_they_are() {
    let street = Street::new();
    street.scene.nft(
        "table inet theirs { set s { type ipv4_addr; elements = { 192.0.2.1 }; }; \
         chain c { type filter hook input priority 0; ip saddr @s counter drop; }; }; \
         table ip netcue { chain c { tcp dport 22 accept; }; }",
    );
    let theirs =
        || street.scene.nft("list table inet theirs") + &street.scene.nft("list table ip netcue");
    let before = theirs();
    street.event();
    street.scene.ip("route del default");
    street.event();
    street.scene.ip("link del wan");
    street.event();
    assert_eq!(theirs(), before);
}

#[test]
fn a_connection_under_way_outlives_a_change_of_the_rules() {
    let street = Street::new();
    street.event();
    let server = listen(&street.outside, SERVER);
    let (mut near, mut far) = talk(&street.inside, &server, SERVER);
    street.scene.ip("address add 10.9.0.1/24 dev lan");
    street.event();
    assert_eq!(street.scene.end_of("50-rules")["outcome"], "changed");
    exchange(&mut near, &mut far);
}

#[test]
fn a_gateway_whose_link_is_gone_keeps_nobody_inside_apart() {
    let street = Street::new();
    street.event();
    street.scene.ip("link del wan");
    let upstairs = Place::new();
    street
        .scene
        .ip(&format!("link add more type veth peer name more-far netns {}", upstairs.path()));
    street.scene.ip("address add 192.168.8.1/24 dev more");
    street.scene.ip("link set more up");
    upstairs.enter(|| {
        street.scene.ip("link set more-far up");
        street.scene.ip("address add 192.168.8.2/24 dev more-far");
        street.scene.ip("route add default via 192.168.8.1");
    });
    street.scene.from("ppp ip-down wan /dev/ttyS0 115200 198.51.100.2 198.51.100.1");
    let host = listen(&street.inside, HOST);
    let (_near, far) = talk(&upstairs, &host, HOST);
    assert_eq!(peer(&far), "192.168.8.2", "nothing is translated inside");
}
