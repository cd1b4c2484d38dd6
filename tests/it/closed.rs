//! What opened the inside to strangers once, each as a small network with real packets: before
//! the event that tells of it, and after it.

use std::fs;
use std::io::{Read, Write};
use std::net::UdpSocket;
use std::time::Duration;

use crate::gateway::{HOST, HOST_6, SERVER, Street, connect, listen, peer, talk};
use crate::places::{Place, run};
use crate::scene::PATIENCE;

/// What changes, as commands of ip(8), and what the rules have to bear.
fn stays_closed_after(commands: &[&str]) {
    let street = Street::new();
    street.event();
    for command in commands {
        street.scene.ip(command);
    }
    is_closed(&street);
    street.event();
    is_closed(&street);
}

/// Nobody outside reaches the inside, whose connections leave translated.
fn is_closed(street: &Street) {
    street.gets_no_answer(&street.outside, HOST);
    street.gets_no_answer(&street.outside, HOST_6);
    let server = listen(&street.outside, SERVER);
    let (_near, far) = talk(&street.inside, &server, SERVER);
    assert_eq!(peer(&far), "198.51.100.2");
}

#[test]
fn a_way_out_that_has_lost_its_default_route_is_no_way_in() {
    stays_closed_after(&["route del default", "-6 route del default"]);
}

#[test]
fn an_advertisement_from_inside_takes_nobody_out() {
    stays_closed_after(&["-6 route add default via fe80::99 dev lan proto ra metric 1"]);
}

#[test]
fn a_worse_default_route_inside_takes_nobody_out() {
    stays_closed_after(&["route add default via 192.168.7.2 dev lan metric 500"]);
}

#[test]
fn a_way_out_by_a_nexthop_object_is_one() {
    let street = Street::new();
    fs::write("/proc/sys/net/ipv4/nexthop_compat_mode", "0").expect("a switch");
    street.scene.ip("route del default");
    street.scene.ip("nexthop add id 7 via 198.51.100.1 dev wan");
    street.scene.ip("route add default nhid 7");
    street.event();
    is_closed(&street);
}

#[test]
fn a_slip_in_the_configuration_opens_nothing() {
    let street = Street::new();
    street.scene.config("[rules]\nexternal = [\"wam\"]\n");
    street.event();
    is_closed(&street);
    let told = street.scene.netcue(["doctor"]).status(1).any_stdout().run().stdout;
    assert!(told.contains("wam is in netcue.conf and does not exist (yet)"), "{told}");
}

#[test]
fn an_address_beside_that_of_the_way_out_is_no_way_in() {
    let street = Street::new();
    street.event();
    for command in [
        "link add vip link wan type macvlan mode bridge",
        "address add 198.51.100.9/24 dev vip",
        "link set vip up",
    ] {
        street.scene.ip(command);
    }
    street.outside.enter(|| street.scene.ip("route replace 192.168.7.0/24 via 198.51.100.9"));
    street.gets_no_answer(&street.outside, HOST);
    street.event();
    street.gets_no_answer(&street.outside, HOST);
}

/// One more network at the gateway, with a host in it.
pub(crate) fn another(street: &Street, name: &str, own: &str, host: &str, lifetime: &str) -> Place {
    let place = Place::new();
    let scene = &street.scene;
    scene.ip(&format!("link add {name} type veth peer name {name}-far netns {}", place.path()));
    scene.ip(&format!("address add {own}/24 dev {name} {lifetime}"));
    scene.ip(&format!("link set {name} up"));
    place.enter(|| {
        scene.ip(&format!("link set {name}-far up"));
        scene.ip(&format!("address add {host}/24 dev {name}-far"));
        scene.ip(&format!("route add default via {own}"));
    });
    place
}

#[test]
fn a_link_with_a_lease_and_no_route_yet_opens_nothing() {
    let street = Street::new();
    let lease = "valid_lft 600 preferred_lft 600";
    let stranger = another(&street, "up2", "10.64.0.2", "10.64.0.1", lease);
    street.event();
    street.gets_no_answer(&stranger, HOST);
}

#[test]
fn what_no_event_has_told_of_yet_is_not_let_in() {
    let street = Street::new();
    street.event();
    let container = another(&street, "br-new", "172.30.0.1", "172.30.0.2", "");
    street.gets_no_answer(&container, HOST);
}

#[test]
fn guests_get_out_and_not_in() {
    let street = Street::new();
    street.scene.config("[interface.guest0]\nside = \"guest\"\n");
    let guest = another(&street, "guest0", "192.168.9.1", "192.168.9.2", "");
    street.event();
    street.gets_no_answer(&guest, HOST);
    let server = listen(&street.outside, SERVER);
    let (_near, far) = talk(&guest, &server, SERVER);
    assert_eq!(peer(&far), "198.51.100.2");
    let printer = listen(&guest, "192.168.9.2:631");
    let (_near, far) = talk(&street.inside, &printer, "192.168.9.2:631");
    assert_eq!(peer(&far), "192.168.7.2");
}

#[test]
fn what_is_ignored_is_not_let_in() {
    let street = Street::new();
    street.scene.config("[rules]\nignore = [\"guest0\"]\n");
    let guest = another(&street, "guest0", "192.168.9.1", "192.168.9.2", "");
    street.event();
    street.gets_no_answer(&guest, HOST);
}

#[test]
fn neighbours_at_one_way_out_do_not_reach_what_is_behind_another() {
    let street = Street::new();
    let office = another(&street, "vpn0", "10.8.0.2", "10.8.0.1", "");
    street.scene.ip("route add default via 10.8.0.1 dev vpn0 metric 50");
    street.event();
    street.outside.enter(|| street.scene.ip("route add 10.8.0.0/24 via 198.51.100.2"));
    let _server = listen(&office, "10.8.0.1:443");
    street.gets_no_answer(&street.outside, "10.8.0.1:443");
    let _server = listen(&street.outside, "198.51.100.1:443");
    street.gets_no_answer(&office, "198.51.100.1:443");
}

#[test]
fn what_began_untranslated_does_not_go_on_so() {
    let street = Street::new();
    // Somebody else's rules have connections tracked before ours are there.
    street.scene.nft(
        "table inet theirs { chain c { type filter hook forward priority 0; ct state new counter; }; }",
    );
    street.scene.ip("route del default");
    let server = street.outside.enter(|| UdpSocket::bind(SERVER).expect("a port"));
    server.set_read_timeout(Some(PATIENCE)).expect("a limit");
    let phone = street.inside.enter(|| UdpSocket::bind("192.168.7.2:5060").expect("a port"));
    let hear = || {
        let mut word = [0; 16];
        let (length, from) = server.recv_from(&mut word).expect("a packet");
        (String::from_utf8_lossy(&word[..length]).into_owned(), from.ip().to_string())
    };
    phone.send_to(b"early", SERVER).expect("sent");
    assert_eq!(hear(), ("early".to_owned(), "192.168.7.2".to_owned()), "no rules yet");
    street.scene.ip("route add default via 198.51.100.1");
    street.scene.config("[rules]\nconntrack = false\n");
    street.event();
    phone.send_to(b"late", SERVER).expect("sent");
    let other = street.inside.enter(|| UdpSocket::bind("192.168.7.2:5061").expect("a port"));
    other.send_to(b"other", SERVER).expect("sent");
    assert_eq!(hear(), ("other".to_owned(), "198.51.100.2".to_owned()));
    // Forgotten, it begins anew.
    street.scene.config("");
    street.scene.ip("address add 10.9.0.1/24 dev lan");
    street.event();
    let said = street.scene.end_of("50-rules")["output"].to_string();
    assert!(said.contains("forgot 1 connection that was not as the rules say now"), "{said}");
    phone.send_to(b"healed", SERVER).expect("sent");
    assert_eq!(hear(), ("healed".to_owned(), "198.51.100.2".to_owned()));
}

#[test]
fn who_got_in_while_there_were_no_rules_is_put_out() {
    let street = Street::new();
    street.scene.nft(
        "table inet theirs { chain c { type filter hook forward priority 0; ct state new counter; }; }",
    );
    let host = listen(&street.inside, HOST);
    let (near, mut far) = talk(&street.outside, &host, HOST);
    let server = listen(&street.outside, SERVER);
    street.event();
    let (mut right, mut other) = talk(&street.inside, &server, SERVER);
    street.scene.ip("address add 10.9.0.1/24 dev lan");
    street.event();
    let mut heard = [0; 5];
    near.set_nonblocking(true).expect("a switch");
    (&near).write_all(b"again").expect("written");
    far.set_read_timeout(Some(Duration::from_millis(300))).expect("a limit");
    assert!(far.read_exact(&mut heard).is_err(), "{heard:?}");
    right.write_all(b"hello").expect("written");
    other.read_exact(&mut heard).expect("what is right goes on");
}

/// New flows all the while, from both sides, and rules that change: none gets in, none gets
/// out as it is.
#[test]
fn nothing_slips_through_while_rules_change() {
    let street = Street::new();
    street.event();
    let (inside, outside) = (&street.inside, &street.outside);
    let host = inside.enter(|| UdpSocket::bind("192.168.7.2:7").expect("a port"));
    let server = outside.enter(|| UdpSocket::bind("198.51.100.1:7").expect("a port"));
    let limit = Some(Duration::from_millis(50));
    host.set_read_timeout(limit).expect("a limit");
    server.set_read_timeout(limit).expect("a limit");
    let over = std::sync::atomic::AtomicBool::new(false);
    let is_over = || over.load(std::sync::atomic::Ordering::Relaxed);
    let (mut got_in, mut as_it_was, mut translated) = (0_u32, 0_u32, 0_u32);
    std::thread::scope(|scope| {
        for (place, to) in [(inside, "198.51.100.1:7"), (outside, "192.168.7.2:7")] {
            let is_over = &is_over;
            scope.spawn(move || {
                place.enter(|| {
                    // On one processor they would take most of it from what changes the rules.
                    run(&format!("renice -n 10 -p {}", nix::unistd::gettid()));
                    while !is_over() {
                        let flow = UdpSocket::bind("0.0.0.0:0").expect("a port");
                        let _ = flow.send_to(b"new", to);
                    }
                });
            });
        }
        scope.spawn(|| {
            let mut word = [0; 8];
            while !is_over() {
                got_in += u32::from(host.recv(&mut word).is_ok());
            }
        });
        scope.spawn(|| {
            let mut word = [0; 8];
            while !is_over() {
                match server.recv_from(&mut word) {
                    Ok((_, from)) if from.ip().to_string() == "198.51.100.2" => translated += 1,
                    Ok(_) => as_it_was += 1,
                    Err(_) => {}
                }
            }
        });
        for number in 0..20 {
            let verb = if number % 2 == 0 { "add" } else { "del" };
            street.scene.ip(&format!("address {verb} 10.9.0.1/24 dev lan"));
            street.scene.ip(&format!("route {verb} 10.20.0.0/16 via 192.168.7.9 dev lan"));
            street.event();
            assert_eq!(street.scene.end_of("50-rules")["outcome"], "changed");
        }
        over.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert!(translated > 200, "only {translated} flows got out");
    assert_eq!((got_in, as_it_was), (0, 0), "of {translated} that got out");
}

#[test]
fn what_was_refused_is_told_by_number() {
    let street = Street::new();
    street.event();
    street.gets_no_answer(&street.outside, HOST);
    let refused = street.dropped();
    let line = format!("packets dropped since the boot: {refused} refused");
    street.scene.ip("address add 10.9.0.1/24 dev lan");
    street.event();
    for words in ["status", "rules show"] {
        let told = street.scene.netcue(words.split(' ')).any_stdout().run().stdout;
        assert!(told.contains(&line), "{told}");
        let json = format!("{words} --json");
        let told = street.scene.netcue(json.split(' ')).any_stdout().run().stdout;
        assert!(told.contains(&format!("\"packets\": {refused}")), "{told}");
    }
    let told = street.scene.netcue(["metrics"]).any_stdout().run().stdout;
    let sample = format!("netcue_dropped_packets_total{{counter=\"refused\"}} {refused}\n");
    assert!(told.contains(&sample), "{told}");
}

/// One interface with the inside and the way out on it: netcue makes nothing of that, says what
/// to write, and what it says works.
#[test]
fn a_router_with_one_arm_is_told_what_to_write() {
    let street = Street::new();
    let scene = &street.scene;
    scene.ip("link del lan");
    scene.ip("address flush dev wan");
    scene.ip("address add 192.168.5.2/24 dev wan");
    scene.ip("route add default via 192.168.5.1");
    let upstream = &street.outside;
    upstream.enter(|| scene.ip("address add 192.168.5.1/24 dev wan-far"));
    upstream.enter(|| scene.ip("address add 203.0.113.1/32 dev lo"));
    street.event();
    let told = scene.netcue(["doctor"]).any_status().any_stdout().run().stdout;
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("wan is the only way in and out"), "{told}");
    let rules: Vec<&str> = told
        .split("add rule inet netcue ")
        .skip(1)
        .map(|rest| rest.split(';').next().expect("a rule"))
        .map(|rule| rule.split(" masquerade").next().expect("a rule"))
        .collect();
    let [forward, post, ..] = rules.as_slice() else { panic!("{told}") };
    scene.put(
        "etc/netcue/rules.d/10-one-arm.nft",
        &format!("add rule inet netcue {forward}\nadd rule inet netcue {post} masquerade\n"),
    );
    street.event();
    let table = scene.nft("list table inet netcue");
    assert!(table.contains("ip saddr 192.168.5.0/24 accept"), "{table}");
    assert!(table.contains("ip daddr != 192.168.5.0/24 masquerade"), "{table}");
}

/// Without rules all of this is possible: else the cases above would prove nothing.
#[test]
fn without_rules_everybody_reaches_everybody() {
    let street = Street::new();
    let host = listen(&street.inside, HOST);
    talk(&street.outside, &host, HOST);
    let guest = another(&street, "guest0", "192.168.9.1", "192.168.9.2", "");
    talk(&guest, &host, HOST);
    assert!(connect(&guest, HOST, PATIENCE).is_ok());
}
