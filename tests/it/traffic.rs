//! What the rules do to packets: a gateway between an inside and an outside.

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use netcue::config::Rules;
use netcue::engine;

use crate::places::{Place, gateway, run};

const SERVER: &str = "198.51.100.1:5000";
const GATEWAY: &str = "198.51.100.2:7000";
const HOST: &str = "192.168.7.2:6000";
const FORGED: &str = "192.168.7.99:0";

/// Three machines in a row; the outside knows its way to the inside, as a neighbour at a
/// carrier would after `ip route add`.
struct Row {
    inside: Place,
    gateway: Place,
    outside: Place,
}

impl Row {
    fn new() -> Self {
        let row = Self { inside: Place::new(), gateway: Place::new(), outside: Place::new() };
        row.gateway.enter(|| {
            gateway();
            run(&format!("ip link set wan-far netns {}", row.outside.path()));
            run(&format!("ip link set lan-far netns {}", row.inside.path()));
            for (file, value) in
                [("ip_forward", "1"), ("conf/all/rp_filter", "0"), ("conf/wan/rp_filter", "0")]
            {
                fs::write(format!("/proc/sys/net/ipv4/{file}"), value).expect(file);
            }
        });
        row.outside.enter(|| {
            run("ip address add 198.51.100.1/24 dev wan-far");
            run("ip address add 192.168.7.99/32 dev lo");
            run("ip link set wan-far up");
            run("ip route add 192.168.7.2 via 198.51.100.2");
        });
        row.inside.enter(|| {
            run("ip address add 192.168.7.2/24 dev lan-far");
            run("ip link set lan-far up");
            run("ip route add default via 192.168.7.1");
        });
        row
    }

    fn regenerate(&self) {
        self.gateway.enter(|| {
            let folder = tempfile::tempdir().expect("a folder");
            let mut session = engine::open().expect("nf_tables");
            engine::regenerate(&Rules::default(), &folder.path().join("rules"), &mut session)
                .expect("rules");
        });
    }
}

fn socket(place: &Place, address: &str) -> UdpSocket {
    place.enter(|| {
        let socket = UdpSocket::bind(address).expect(address);
        socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
        socket
    })
}

/// Who the packet seems to come from, if it arrives.
fn sent(
    from: &UdpSocket,
    to: &UdpSocket,
    address: impl std::net::ToSocketAddrs,
) -> Option<SocketAddr> {
    from.send_to(b"hello", address).expect("sent");
    let mut buffer = [0; 16];
    to.recv_from(&mut buffer).ok().map(|(_, source)| source)
}

impl Row {
    /// How many packets the rules have dropped.
    fn dropped(&self) -> usize {
        let table = self.gateway.enter(|| run("nft list table inet netcue"));
        table
            .lines()
            .filter(|line| line.contains(" drop "))
            .filter_map(|line| {
                line.split("packets ").nth(1)?.split(' ').next()?.parse::<usize>().ok()
            })
            .sum()
    }

    /// Whether a packet is dropped by the rules, and so never arrives.
    fn refuses(&self, from: &UdpSocket, to: &UdpSocket, address: &str) -> bool {
        let before = self.dropped();
        from.send_to(b"hello", address).expect("sent");
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while self.dropped() == before {
            assert!(std::time::Instant::now() < deadline, "the packet was not dropped");
        }
        to.set_nonblocking(true).expect("a mode");
        let nothing = to.recv_from(&mut [0; 16]).is_err();
        to.set_nonblocking(false).expect("a mode");
        nothing
    }
}

#[test]
fn the_inside_gets_out_under_the_gateways_address_and_is_answered() {
    let row = Row::new();
    let host = socket(&row.inside, HOST);
    let server = socket(&row.outside, SERVER);
    let before = sent(&host, &server, SERVER).expect("a packet without rules");
    assert_eq!(before.ip().to_string(), "192.168.7.2", "nothing is translated without rules");
    row.regenerate();
    let host = socket(&row.inside, "192.168.7.2:6001");
    let source = sent(&host, &server, SERVER).expect("a packet");
    assert_eq!(source.ip().to_string(), "198.51.100.2");
    assert_eq!(sent(&server, &host, source).expect("an answer").to_string(), SERVER);
}

#[test]
fn the_outside_cannot_open_a_connection_to_the_inside() {
    let row = Row::new();
    let host = socket(&row.inside, HOST);
    let stranger = socket(&row.outside, "198.51.100.1:0");
    assert!(sent(&stranger, &host, HOST).is_some(), "a packet without rules");
    row.regenerate();
    let stranger = socket(&row.outside, "198.51.100.1:0");
    assert!(row.refuses(&stranger, &host, HOST));
}

#[test]
fn a_port_that_somebody_forwards_is_open() {
    let row = Row::new();
    row.regenerate();
    row.gateway.enter(|| {
        run("nft add table ip theirs");
        run("nft add chain ip theirs c { type nat hook prerouting priority dstnat ; }");
        run("nft add rule ip theirs c udp dport 9999 dnat to 192.168.7.2:6000");
    });
    let host = socket(&row.inside, HOST);
    let stranger = socket(&row.outside, "198.51.100.1:0");
    assert!(sent(&stranger, &host, "198.51.100.2:9999").is_some());
}

#[test]
fn a_forged_internal_address_does_not_get_in() {
    let row = Row::new();
    let gateway = socket(&row.gateway, GATEWAY);
    let forger = socket(&row.outside, FORGED);
    assert!(sent(&forger, &gateway, GATEWAY).is_some(), "a packet without rules");
    row.regenerate();
    assert!(row.refuses(&forger, &gateway, GATEWAY));
    let honest = socket(&row.outside, "198.51.100.1:0");
    assert!(sent(&honest, &gateway, GATEWAY).is_some(), "the machine itself stays reachable");
}
