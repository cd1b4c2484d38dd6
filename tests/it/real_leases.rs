//! The real DHCP clients, set to call by `netcue enable`, with a server that gives leases of
//! ten seconds and then is no more: what they tell of a lease that is renewed and expires,
//! against what the kernel has.

use std::fs;

use crate::real_callers::{cidr, daemon, in_the_kernel, last, told, with_a_cable};
use crate::scene::{Scene, run, wait_until};
use crate::server::Server;

/// A server in a network of its own: renewals are asked for by its address.
fn with_a_server(source: &str) -> (Scene, Server) {
    let scene = with_a_cable(&[source]);
    scene.ip("netns add far");
    scene.ip("link set vA netns far");
    scene.ip("-n far addr add 10.77.0.1/24 dev vA");
    scene.ip("-n far link set vA up");
    fs::write(
        "/run/udhcpd.conf",
        "start 10.77.0.50\nend 10.77.0.90\ninterface vA\nlease_file /run/leases\n\
         pidfile /run/udhcpd.pid\nmin_lease 5\noption subnet 255.255.255.0\n\
         option router 10.77.0.1\noption lease 10\n",
    )
    .expect("settings");
    fs::write("/run/leases", "").expect("a file");
    let server =
        daemon("ip", &["netns", "exec", "far", "busybox", "udhcpd", "-f", "/run/udhcpd.conf"]);
    (scene, server)
}

fn is_told(scene: &Scene, source: &str, trigger: &str) {
    wait_until(trigger, || told(scene, source).iter().any(|event| event["trigger"] == trigger));
}

#[test]
fn dhclient_tells_of_a_lease_that_is_renewed_and_expires() {
    let (scene, server) = with_a_server("dhclient");
    scene.lay_over("/var/lib/dhcp");
    let files = ["-pf", "/run/dhclient.pid", "-lf", "/run/dhclient.leases"];
    let _client = daemon("dhclient", &[&files[..], &["-d", "vB"]].concat());
    is_told(&scene, "dhclient", "RENEW");
    let renewed = last(&scene, "dhclient", "change");
    assert_eq!(Some(cidr(&renewed)), in_the_kernel("-4"), "{renewed:#}");
    assert_eq!(renewed["details"]["old_local"], renewed["local"]);
    server.kill();
    is_told(&scene, "dhclient", "EXPIRE");
    let expired = last(&scene, "dhclient", "down");
    assert_eq!(expired["details"]["old_local"], renewed["local"]);
    assert_eq!(in_the_kernel("-4"), None);
}

#[test]
fn dhclient_tells_of_a_lease_in_ipv6() {
    let scene = with_a_cable(&["dhclient"]);
    scene.lay_over("/var/lib/dhcp");
    scene.ip("addr add 2001:db8:77::1/64 dev vA nodad");
    let _server = daemon(
        "dnsmasq",
        &[
            "--conf-file=/dev/null",
            "--no-daemon",
            "--user=root",
            "--port=0",
            "--interface=vA",
            "--dhcp-range=2001:db8:77::100,2001:db8:77::200,64,120",
            "--dhcp-leasefile=/run/leases6",
        ],
    );
    scene.ip("link set vB up");
    wait_until("a link-local address that is nobody else's", || {
        let said = run("ip", ["-6", "-o", "addr", "show", "dev", "vB", "scope", "link"]);
        said.contains("fe80") && !said.contains("tentative")
    });
    let files = ["-pf", "/run/dhclient6.pid", "-lf", "/run/dhclient6.leases"];
    run("dhclient", [&["-6", "-1"], &files[..], &["vB"]].concat());
    let up = last(&scene, "dhclient", "up");
    assert_eq!(up["trigger"], "BOUND6");
    assert_eq!(up["family"], "ipv6");
    let there = in_the_kernel("-6").expect("an address");
    assert_eq!(up["local"].as_str(), there.split('/').next(), "{up:#}");
    run("dhclient", [&["-6", "-r"], &files[..], &["vB"]].concat());
    let down = last(&scene, "dhclient", "down");
    assert_eq!(down["trigger"], "RELEASE6");
    assert_eq!(down["details"]["old_local"], up["local"], "{down:#}");
}

#[test]
fn udhcpc_tells_of_a_lease_that_is_renewed_and_given_back() {
    let (scene, _server) = with_a_server("udhcpc");
    let client = daemon("udhcpc", &["-i", "vB", "-s", "/etc/netcue/udhcpc-script", "-f"]);
    let up = last(&scene, "udhcpc", "up");
    // It never renews within a minute of its own accord.
    run("kill", ["-USR1", &client.id().to_string()]);
    is_told(&scene, "udhcpc", "renew");
    let renewed = last(&scene, "udhcpc", "change");
    assert_eq!(renewed["local"], up["local"], "{renewed:#}");
    assert_eq!(Some(cidr(&renewed)), in_the_kernel("-4"));
    run("kill", ["-USR2", &client.id().to_string()]);
    wait_until("the lease to be given back", || {
        let last = told(&scene, "udhcpc").pop().expect("an event");
        last["trigger"] == "deconfig"
    });
    last(&scene, "udhcpc", "down");
    assert_eq!(in_the_kernel("-4"), None);
}

#[test]
fn dhcpcd_tells_of_a_lease_that_is_renewed_and_expires() {
    let (scene, server) = with_a_server("dhcpcd");
    scene.lay_over("/var/lib/dhcpcd");
    let _client = daemon("dhcpcd", &["-4", "-B", "--noarp", "vB"]);
    is_told(&scene, "dhcpcd", "RENEW");
    let renewed = last(&scene, "dhcpcd", "change");
    assert_eq!(renewed["trigger"], "RENEW", "{renewed:#}");
    assert_eq!(Some(cidr(&renewed)), in_the_kernel("-4"));
    server.kill();
    is_told(&scene, "dhcpcd", "EXPIRE");
    let expired = last(&scene, "dhcpcd", "down");
    assert_eq!(expired["details"]["old_local"], renewed["local"]);
    wait_until("the address to be gone", || in_the_kernel("-4").is_none());
}
