//! The real programs, set to call by `netcue enable`: what they tell of a link that comes and
//! goes, against what the kernel has.

use std::fs;

use serde_json::Value;

use crate::scene::{Scene, run, wait_until};
use crate::server::Server;

/// A cable between vA, where the world is, and vB, which the real program looks after.
pub(crate) fn with_a_cable(sources: &[&str]) -> Scene {
    let scene = Scene::installed_on_this_machine();
    scene.ip("link add vA type veth peer name vB");
    scene.ip("addr add 10.77.0.1/24 dev vA");
    scene.ip("link set vA up");
    fs::create_dir_all("/run/network").expect("a folder");
    let words = ["enable"].into_iter().chain(sources.iter().copied());
    scene.netcue(words).any_stdout().run();
    scene
}

pub(crate) fn daemon(program: &str, words: &[&str]) -> Server {
    Server::start("/run/daemon.log", program, words)
}

pub(crate) fn dhcp_server() -> Server {
    daemon(
        "dnsmasq",
        &[
            "--conf-file=/dev/null",
            "--no-daemon",
            "--user=root",
            "--port=0",
            "--interface=vA",
            "--bind-dynamic",
            "--no-ping",
            "--dhcp-range=10.77.0.50,10.77.0.90,255.255.255.0,120",
            "--dhcp-option=option:dns-server,10.77.0.53",
            "--dhcp-option=option:domain-name,corp.example",
            "--dhcp-leasefile=/run/leases",
            "--dhcp-authoritative",
        ],
    )
}

/// What a source has told so far, in the order of its calls.
pub(crate) fn told(scene: &Scene, source: &str) -> Vec<Value> {
    let accepted = scene.records("accepted").into_iter().map(|record| record["event"].clone());
    accepted.filter(|event| event["source"] == source).collect()
}

/// The last that a source told with this action, once it has, and its run is over.
pub(crate) fn last(scene: &Scene, source: &str, action: &str) -> Value {
    let find = || told(scene, source).into_iter().rev().find(|event| event["action"] == action);
    wait_until(&format!("{source} tells of {action}"), || find().is_some());
    wait_until("every event ends", || {
        scene.records("outcome").len() == scene.records("accepted").len()
    });
    find().expect("an event")
}

/// The address that the kernel has, as `ADDRESS/BITS`.
pub(crate) fn in_the_kernel(family: &str) -> Option<String> {
    address_of("vB", family)
}

pub(crate) fn address_of(interface: &str, family: &str) -> Option<String> {
    let said = run("ip", [family, "-o", "addr", "show", "dev", interface, "scope", "global"]);
    said.split_whitespace().skip_while(|word| !word.starts_with("inet")).nth(1).map(String::from)
}

pub(crate) fn cidr(event: &Value) -> String {
    format!("{}/{}", event["local"].as_str().unwrap_or("none"), event["prefix"])
}

#[test]
fn ifup_and_ifdown_tell_of_a_static_address_in_both_families() {
    let scene = with_a_cable(&["ifupdown"]);
    scene.put(
        "etc/network/interfaces",
        "iface vB inet static\n address 10.77.0.10/24\n gateway 10.77.0.254\n\
         iface vB inet6 static\n address 2001:db8:77::10/64\n dad-attempts 0\n",
    );
    run("ifup", ["vB"]);
    let up = last(&scene, "ifupdown", "up");
    let told_up: Vec<Value> =
        told(&scene, "ifupdown").into_iter().filter(|event| event["action"] == "up").collect();
    assert_eq!(told_up.len(), 2, "{told_up:#?}");
    for (event, option, family) in [(&told_up[0], "-4", "ipv4"), (&up, "-6", "ipv6")] {
        assert_eq!(event["family"], family);
        assert_eq!(event["interface"], "vB");
        assert_eq!(event["facts_complete"], true, "{event:#}");
        assert_eq!(Some(cidr(event)), in_the_kernel(option), "{event:#}");
    }
    assert_eq!(told_up[0]["gateway"], "10.77.0.254");
    assert!(run("ip", ["route", "show", "default"]).contains("via 10.77.0.254 dev vB"));
    run("ifdown", ["vB"]);
    last(&scene, "ifupdown", "down");
    assert_eq!(in_the_kernel("-4"), None);
    let actions: Vec<String> = told(&scene, "ifupdown")
        .iter()
        .map(|event| event["action"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(actions, ["pre-up", "up", "pre-up", "up", "pre-down", "down", "pre-down", "down"]);
    assert!(scene.outcomes().iter().all(|outcome| outcome == "done"), "{:?}", scene.outcomes());
}

#[test]
fn a_call_that_makes_no_sense_does_not_keep_ifup_from_its_work() {
    let scene = with_a_cable(&["ifupdown"]);
    scene.ip("link set vB name v!B");
    scene.put("etc/network/interfaces", "iface v!B inet static\n address 10.77.0.10/24\n");
    run("ifup", ["v!B"]);
    assert!(run("ip", ["-4", "addr", "show", "dev", "v!B"]).contains("10.77.0.10/24"));
    assert_eq!(told(&scene, "ifupdown").len(), 0);
    assert!(scene.records("refused").len() >= 2, "{:#?}", scene.journal());
}

#[test]
fn a_script_of_ifup_that_fails_does_not_keep_the_call_from_us() {
    let scene = with_a_cable(&["ifupdown"]);
    scene.hook_in("etc/network/if-up.d", "000fails", "#!/bin/sh\nexit 1\n", 0o755);
    scene.put("etc/network/interfaces", "iface vB inet static\n address 10.77.0.10/24\n");
    daemon("ifup", &["vB"]).ended();
    assert_eq!(last(&scene, "ifupdown", "up")["interface"], "vB");
}

#[test]
fn dhclient_tells_of_its_lease_and_of_its_end() {
    let scene = with_a_cable(&["dhclient"]);
    scene.lay_over("/var/lib/dhcp");
    let _server = dhcp_server();
    run("dhclient", ["-1", "-pf", "/run/dhclient.pid", "-lf", "/run/dhclient.leases", "vB"]);
    let up = last(&scene, "dhclient", "up");
    assert_eq!(up["trigger"], "BOUND");
    assert_eq!(Some(cidr(&up)), in_the_kernel("-4"), "no lease was declined: {up:#}");
    assert_eq!(up["gateway"], "10.77.0.1");
    assert_eq!(up["dns"], serde_json::json!(["10.77.0.53"]));
    assert_eq!(up["details"]["domain"], "corp.example");
    assert_eq!(up["details"]["lease_time"], 120);
    run("dhclient", ["-r", "-pf", "/run/dhclient.pid", "-lf", "/run/dhclient.leases", "vB"]);
    let down = last(&scene, "dhclient", "down");
    assert_eq!(down["trigger"], "RELEASE");
    assert_eq!(down["details"]["old_local"], up["local"]);
    assert_eq!(in_the_kernel("-4"), None);
}

/// ifup starts dhclient, and both tell of the address: a hook hears it once.
#[test]
fn ifup_with_dhcp_is_told_twice_and_heard_once() {
    let scene = with_a_cable(&["ifupdown", "dhclient"]);
    scene.lay_over("/var/lib/dhcp");
    scene.hook("70-up", "#!/bin/sh\n# netcue: action=up\necho $NETCUE_SOURCE >>/run/heard\n");
    let _server = dhcp_server();
    scene.put("etc/network/interfaces", "iface vB inet dhcp\n");
    run("ifup", ["vB"]);
    last(&scene, "ifupdown", "up");
    let heard = fs::read_to_string("/run/heard").expect("a hook that ran");
    assert_eq!(heard, "dhclient\n");
    assert!(scene.skipped("70-up").expect("a reason").starts_with("covered by "));
    run("ifdown", ["vB"]);
}

#[test]
fn udhcpc_tells_of_its_lease_through_the_script_around_its_own() {
    let scene = with_a_cable(&["udhcpc"]);
    let _server = dhcp_server();
    run("udhcpc", ["-i", "vB", "-s", "/etc/netcue/udhcpc-script", "-n", "-q", "-f"]);
    let up = last(&scene, "udhcpc", "up");
    assert_eq!(up["trigger"], "bound");
    assert_eq!(Some(cidr(&up)), in_the_kernel("-4"), "{up:#}");
    assert_eq!(up["gateway"], "10.77.0.1");
    assert_eq!(told(&scene, "udhcpc")[0]["trigger"], "deconfig");
}

#[test]
fn dhcpcd_tells_of_its_lease_and_of_its_end() {
    let scene = with_a_cable(&["dhcpcd"]);
    scene.lay_over("/var/lib/dhcpcd");
    let _server = dhcp_server();
    let dhcpcd = daemon("dhcpcd", &["-4", "-B", "--noarp", "vB"]);
    let up = last(&scene, "dhcpcd", "up");
    assert_eq!(Some(cidr(&up)), in_the_kernel("-4"), "{up:#}");
    assert_eq!(up["gateway"], "10.77.0.1");
    assert_eq!(up["dns"], serde_json::json!(["10.77.0.53"]));
    dhcpcd.asked_to_end();
    last(&scene, "dhcpcd", "down");
}

#[test]
fn keepalived_tells_of_the_state_of_its_instance() {
    let scene = with_a_cable(&[]);
    scene.ip("addr add 10.77.0.2/24 dev vB");
    scene.ip("link set vB up");
    scene.put(
        "etc/keepalived/keepalived.conf",
        "vrrp_instance V {\n interface vB\n virtual_router_id 5\n priority 100\n advert_int 1\n \
         virtual_ipaddress {\n 10.77.0.100/24\n }\n}\n",
    );
    let file = "/etc/keepalived/keepalived.conf";
    scene.netcue(["enable", "keepalived", "--edit", file]).any_stdout().run();
    let keepalived = daemon(
        "keepalived",
        &["-n", "-l", "-f", file, "-p", "/run/k.pid", "-r", "/run/v.pid", "-c", "/run/c.pid"],
    );
    let state = |wanted: &str| {
        wait_until(wanted, || {
            let last = told(&scene, "keepalived").pop();
            last.is_some_and(|event| event["details"]["vrrp_state"] == wanted)
        });
        told(&scene, "keepalived").pop().unwrap()
    };
    let master = state("MASTER");
    assert_eq!(master["action"], "change");
    assert_eq!(master["interface"], Value::Null, "an instance is no interface");
    assert_eq!(master["details"]["vrrp_instance"], "V");
    assert!(run("ip", ["-4", "addr", "show", "dev", "vB"]).contains("10.77.0.100/24"));
    keepalived.asked_to_end();
    state("STOP");
}
