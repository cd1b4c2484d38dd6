//! The hooks in hooks.d/, each driven by the real program: what they do to a network,
//! and that they keep out of what isn't their business.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::scene::{Scene, run, wait_until, write_file};

const PACKAGED: &str = "usr/lib/netcue/hooks.d";

/// A gateway with one of the shipped hooks, as a package installs it.
fn gateway_with(hook: &str) -> Scene {
    let scene = Scene::new();
    scene.gateway();
    install(&scene, hook);
    scene
}

fn install(scene: &Scene, hook: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("hooks.d").join(hook);
    scene.hook_in(PACKAGED, hook, std::fs::read(file).expect("a shipped hook"), 0o755);
}

/// An event about `wan`, until all of it is done, well or not.
fn event(scene: &Scene, action: &str) {
    event_of(scene, action, "wan");
}

fn event_of(scene: &Scene, action: &str, interface: &str) {
    let words = ["emit", "--no-wait", "--action", action, "--interface", interface];
    scene.netcue(words).any_stdout().run();
    scene.settled();
}

/// How the hook ended the last time: in one word, with all it said.
fn end(scene: &Scene, hook: &str) -> (String, String) {
    let end = scene.end_of(hook);
    let word = |key: &str| end[key].as_str().unwrap_or_default().to_owned();
    (word("outcome"), word("output"))
}

fn sysctl(name: &str) -> String {
    let value = std::fs::read_to_string(format!("/proc/sys/net/{name}")).expect(name);
    value.trim_end().to_owned()
}

fn set_sysctl(name: &str, value: &str) {
    std::fs::write(format!("/proc/sys/net/{name}"), value).expect(name);
}

#[test]
fn shipped_hooks_are_in_order_and_pass_shellcheck() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("hooks.d");
    let scene = Scene::new();
    let mut hooks = Vec::new();
    for entry in std::fs::read_dir(folder).expect("hooks.d") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("UTF-8");
        if name != "README.md" {
            run("shellcheck", ["--shell=sh", &entry.path().to_string_lossy()]);
            install(&scene, &name);
            hooks.push(name);
        }
    }
    hooks.sort();
    let listed = scene.netcue(["hooks"]).any_stdout().run().stdout;
    for hook in &hooks {
        assert!(listed.contains(hook.as_str()), "{hook} in {listed}");
        assert!(hook.as_str() > "50-rules", "{hook} has to come after the rules");
    }
    // Without any configuration none of them fails.
    scene.gateway();
    event(&scene, "up");
    assert_eq!(scene.outcomes(), ["done"], "{:#?}", scene.journal());
}

#[test]
fn forwarding_begins_once_the_rules_stand() {
    let scene = gateway_with("60-forwarding");
    set_sysctl("ipv4/ip_forward", "0");
    event(&scene, "up");
    assert_eq!(sysctl("ipv4/ip_forward"), "1");
    assert_eq!(sysctl("ipv6/conf/all/forwarding"), "0", "IPv6 is left alone unless asked for");
    assert_eq!(end(&scene, "60-forwarding").1, "/proc/sys/net/ipv4/ip_forward = 1\n");

    event(&scene, "up");
    let quiet = ("done".to_owned(), String::new());
    assert_eq!(end(&scene, "60-forwarding"), quiet, "nothing is left to do");
}

#[test]
fn forwarding_does_not_begin_without_rules() {
    for (rules, word) in [("#!/bin/sh\nexit 1\n", "failed"), ("", "")] {
        let scene = gateway_with("60-forwarding");
        scene.hook("50-rules", rules);
        set_sysctl("ipv4/ip_forward", "0");
        event(&scene, "up");
        assert_eq!(sysctl("ipv4/ip_forward"), "0");
        let (outcome, said) = end(&scene, "60-forwarding");
        assert_eq!(outcome, "not-for-me");
        assert!(said.contains(&format!("(NETCUE_RULES={word})")), "{said}");
    }
}

/// Before the network, on a laptop with one uplink, and without any.
#[test]
fn forwarding_does_not_begin_where_there_is_nothing_to_forward_between() {
    let scene = gateway_with("60-forwarding");
    let left_alone = |what: &str, sides: &str| {
        assert_eq!(sysctl("ipv4/ip_forward"), "0", "{what}");
        let (outcome, said) = end(&scene, "60-forwarding");
        assert_eq!(outcome, "not-for-me", "{what}: {said}");
        assert!(said.contains(sides), "{what}: {said}");
    };
    set_sysctl("ipv4/ip_forward", "0");
    for link in ["lan", "wan"] {
        scene.ip(&format!("link set {link} down"));
    }
    scene.from("boot pre-network");
    left_alone("before the network", "(outside: none; inside: none)");

    scene.ip("link set wan up");
    event(&scene, "up");
    left_alone("no default route yet", "(outside: none; inside: 198.51.100.0/24)");
    scene.ip("route add default via 198.51.100.1");
    event(&scene, "up");
    left_alone("one uplink", "(outside: wan; inside: none)");

    scene.ip("link set lan up");
    event(&scene, "up");
    assert_eq!(end(&scene, "60-forwarding").1, "/proc/sys/net/ipv4/ip_forward = 1\n");
}

/// What it needs to know is told also where a hook sees to the rules.
#[test]
fn hooks_are_told_what_the_rules_are_for() {
    let scene = Scene::new();
    scene.gateway();
    scene.ip("-6 address add 2001:db8:7::1/64 dev lan nodad");
    let tell = "#!/bin/sh\necho \"$NETCUE_EXTERNAL|$NETCUE_INTERNAL|$NETCUE_INTERNAL_NETS\"\n";
    let apart = tell.replacen('\n', "\n# netcue: wait=no\n", 1);
    scene.hook("40-before", tell).hook("60-behind", tell).hook("70-apart", apart);
    let sides = "wan|lan|192.168.7.0/24 2001:db8:7::/64\n";
    for engine in [None, Some("#!/bin/sh\n")] {
        engine.map(|text| scene.hook("50-rules", text));
        event(&scene, "up");
        assert_eq!(end(&scene, "40-before").1, "||\n");
        assert_eq!(end(&scene, "60-behind").1, sides);
        wait_until("the hook that holds nobody", || end(&scene, "70-apart").0 == "done");
        assert_eq!(end(&scene, "70-apart").1, sides);
    }
}

#[test]
fn forwarding_obeys_its_settings_and_runs_nothing_in_them() {
    let scene = gateway_with("60-forwarding");
    scene.ip("-6 address add 2001:db8:7::1/64 dev lan nodad");
    set_sysctl("ipv4/ip_forward", "0");
    let settings = "ipv4 = no\nipv6=yes \naccept-ra = ../../x all wan missing $(touch ran) *\n";
    scene.hook_in("etc/netcue", "forwarding.conf", settings, 0o644);
    event(&scene, "up");
    assert_eq!(end(&scene, "60-forwarding").0, "done");
    assert_eq!(sysctl("ipv4/ip_forward"), "0");
    assert_eq!(sysctl("ipv6/conf/all/forwarding"), "1");
    assert_eq!(sysctl("ipv6/conf/wan/accept_ra"), "2");
    assert_eq!(sysctl("ipv6/conf/lan/accept_ra"), "1");
    assert_eq!(sysctl("ipv6/conf/all/accept_ra"), "1");

    let settings = "ipv4 = perhaps\n";
    scene.hook_in("etc/netcue", "forwarding.conf", settings, 0o644);
    event(&scene, "up");
    let (outcome, said) = end(&scene, "60-forwarding");
    assert_eq!(outcome, "failed");
    assert!(said.contains("forwarding.conf: ipv4 is yes or no"), "{said}");
}

#[test]
fn forwarding_never_costs_a_route_that_router_advertisements_made() {
    let scene = gateway_with("60-forwarding");
    scene.ip("-6 address add 2001:db8:7::1/64 dev lan nodad");
    scene.ip("-6 address add fe80::1/64 dev wan-far nodad");
    advertise_router("wan-far");
    wait_until("the route of the advertisement", || !scene.ip("-6 route show default").is_empty());

    scene.hook_in("etc/netcue", "forwarding.conf", "ipv6 = yes\n", 0o644);
    event(&scene, "up");
    let (outcome, said) = end(&scene, "60-forwarding");
    assert_eq!(outcome, "failed");
    assert!(said.contains("the default route of wan comes from router"), "{said}");
    assert_eq!(sysctl("ipv6/conf/all/forwarding"), "0");
    assert!(scene.ip("-6 route show default").contains("via fe80::1"));

    scene.hook_in("etc/netcue", "forwarding.conf", "ipv6 = yes\naccept-ra = wan\n", 0o644);
    event(&scene, "up");
    assert_eq!(sysctl("ipv6/conf/all/forwarding"), "1");
    assert!(scene.ip("-6 route show default").contains("via fe80::1"), "the route stands");
}

/// Sends what a router sends every few minutes: here I am, for half an hour.
fn advertise_router(interface: &str) {
    use nix::sys::socket::{
        AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn6, sendto, setsockopt,
        socket, sockopt,
    };
    let raw = socket(AddressFamily::Inet6, SockType::Raw, SockFlag::empty(), SockProtocol::IcmpV6)
        .expect("a raw socket");
    // Both limits: what has passed a router is no advertisement.
    setsockopt(&raw, sockopt::Ipv6MulticastHops, &255).expect("hop limit");
    let index = nix::net::if_::if_nametoindex(interface).expect("an index");
    let everybody = "ff02::1".parse().expect("an address");
    let to = SockaddrIn6::from(std::net::SocketAddrV6::new(everybody, 0, 0, index));
    let mut advertisement = [0; 16];
    advertisement[0] = 134;
    advertisement[4] = 64;
    advertisement[6..8].copy_from_slice(&1800_u16.to_be_bytes());
    sendto(std::os::fd::AsRawFd::as_raw_fd(&raw), &advertisement, &to, MsgFlags::empty())
        .expect("sent");
}

/// A provider on 127.0.0.1: what it was asked for, and what it answers.
fn provider(answer: &'static str) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let port = listener.local_addr().expect("an address").port();
    let (sender, asked) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a call");
            let mut request = String::new();
            BufReader::new(&stream).read_line(&mut request).expect("a request");
            let length = answer.len();
            write!(stream, "HTTP/1.0 200 OK\r\nContent-Length: {length}\r\n\r\n{answer}")
                .expect("answered");
            sender.send(request.trim_end().to_owned()).expect("a test");
        }
    });
    (port, asked)
}

fn ddns(scene: &Scene, settings: &str) {
    scene.hook_in("etc/netcue", "ddns.conf", settings, 0o600);
}

fn told(scene: &Scene) -> String {
    scene.text("run/netcue/state/70-ddns/told")
}

/// Waits for the end of a hook that holds nobody (`wait=no`).
fn ddns_ended(scene: &Scene, times: usize) {
    let ends = || {
        let ends = scene.records("step-end").into_iter();
        ends.filter(|end| end["step"] == "70-ddns" && end["outcome"] != "started").count()
    };
    wait_until("the end of 70-ddns", || ends() >= times);
}

#[test]
fn the_provider_is_told_an_address_once() {
    let scene = gateway_with("70-ddns");
    let (port, asked) = provider("good 198.51.100.2");
    ddns(
        &scene,
        &format!(
            "interface = wan\nurl = http://me:pw@127.0.0.1:{port}/u?a[1]&ip=ADDRESS&x=$(id)\n"
        ),
    );
    for (times, action) in [(1, "up"), (2, "change"), (3, "manual")] {
        event(&scene, action);
        ddns_ended(&scene, times);
        assert_eq!(end(&scene, "70-ddns").0, "done", "{}", end(&scene, "70-ddns").1);
    }
    let request = asked.recv_timeout(Duration::from_secs(60)).expect("an update");
    assert_eq!(request, "GET /u?a[1]&ip=198.51.100.2&x=$(id) HTTP/1.1");
    assert!(asked.try_recv().is_err(), "once is enough");
    assert_eq!(told(&scene), "wan 198.51.100.2\n");

    scene.ip("address delete 198.51.100.2/24 dev wan");
    scene.ip("address add 198.51.100.77/24 dev wan");
    event(&scene, "change");
    ddns_ended(&scene, 4);
    let request = asked.recv_timeout(Duration::from_secs(60)).expect("an update");
    assert!(request.contains("ip=198.51.100.77&"), "{request}");
}

#[test]
fn a_refusal_of_the_provider_is_a_failure_and_tried_again() {
    let scene = gateway_with("70-ddns");
    let (port, asked) = provider("badauth \x1b[2J\nsecond line");
    ddns(&scene, &format!("interface=wan\nurl=http://127.0.0.1:{port}/ADDRESS\n"));
    for times in 1..=2 {
        event(&scene, "up");
        ddns_ended(&scene, times);
        let (outcome, said) = end(&scene, "70-ddns");
        assert_eq!(outcome, "failed");
        assert!(said.ends_with("the provider refuses: badauth [2J\n"), "{said:?}");
        asked.recv_timeout(Duration::from_secs(60)).expect("an update");
    }
    assert_eq!(told(&scene), "");
}

#[test]
fn the_command_gets_the_address_and_no_shell_reads_it() {
    let scene = gateway_with("70-ddns");
    let tell = scene.path("tell");
    let log = scene.path("log");
    let script = format!("#!/bin/sh\nprintf '<%s>' \"$@\" >>{}\n", log.display());
    write_file(&tell, script.as_bytes(), 0o755);
    ddns(
        &scene,
        &format!("interface = wan\ncommand = {} $(id) `id` * ;id \"a b\"\n", tell.display()),
    );
    event(&scene, "boot");
    ddns_ended(&scene, 1);
    let expected = "<$(id)><`id`><*><;id><\"a><b\"><198.51.100.2>";
    assert_eq!(scene.text("log"), expected);
}

#[test]
fn ddns_keeps_out_of_what_is_not_its_business() {
    let scene = gateway_with("70-ddns");
    let mut times = 0;
    let mut outcome_of = |action: &str, interface: &str| {
        event_of(&scene, action, interface);
        times += 1;
        ddns_ended(&scene, times);
        end(&scene, "70-ddns")
    };
    assert_eq!(outcome_of("up", "wan"), ("not-for-me".to_owned(), String::new()), "unset");

    ddns(&scene, "interface = wan\ncommand = /bin/false\n");
    assert_eq!(outcome_of("up", "lan"), ("not-for-me".to_owned(), String::new()));
    let (outcome, said) = outcome_of("up", "wan");
    assert_eq!(outcome, "failed");
    assert!(said.contains("command: ended with 1 for 198.51.100.2"), "{said}");

    scene.ip("address flush dev wan");
    let nothing = "wan has no address yet\n".to_owned();
    assert_eq!(outcome_of("up", "wan"), ("not-for-me".to_owned(), nothing));

    scene.hook_in("etc/netcue", "ddns.conf", "interface = wan\ncommand = /bin/true\n", 0o666);
    let (outcome, said) = outcome_of("up", "wan");
    assert_eq!(outcome, "failed");
    assert!(said.contains("somebody other than root could change it"), "{said}");
}

#[test]
fn a_mask_turns_a_shipped_hook_off() {
    let scene = gateway_with("60-forwarding");
    set_sysctl("ipv4/ip_forward", "0");
    std::fs::create_dir_all(scene.path("etc/netcue/hooks.d")).expect("a folder");
    std::os::unix::fs::symlink("/dev/null", scene.path("etc/netcue/hooks.d/60-forwarding"))
        .expect("a link");
    event(&scene, "up");
    assert_eq!(sysctl("ipv4/ip_forward"), "0");
    let skipped = scene.skipped("60-forwarding").expect("a reason");
    assert!(skipped.starts_with("masked by "), "{skipped}");
}
