//! The real programs that make tunnels, set to call by `netcue enable`: what they tell of a
//! tunnel that comes and goes, against what the kernel has.

use std::fs;

use serde_json::Value;

use crate::real_callers::{address_of, daemon, last, told, with_a_cable};
use crate::scene::{Scene, run, wait_until};
use crate::server::Server;

/// A machine on which tunnels can be made.
fn scene() -> Scene {
    let scene = with_a_cable(&[]);
    fs::create_dir_all("/dev/net").expect("a folder");
    run("mknod", ["/dev/net/tun", "c", "10", "200"]);
    scene.link("dev/fd", "/proc/self/fd");
    scene
}

/// The words of one end of a tunnel between two processes of OpenVPN.
const FAR: &str = "--dev tun9 --dev-type tun --proto udp --local 127.0.0.1 --lport 1194 \
                   --remote 127.0.0.1 1195 --ifconfig 10.9.0.1 10.9.0.2 --secret /run/key \
                   --cipher AES-256-CBC --ping 1";

/// The other end, whose configuration is set to call.
fn openvpn(scene: &Scene, more: &str) -> (Server, Server) {
    run("openvpn", ["--genkey", "secret", "/run/key"]);
    let file = "/etc/openvpn/near.conf";
    fs::create_dir_all("/etc/openvpn").expect("a folder");
    fs::write(
        file,
        format!(
            "dev tun7\ndev-type tun\nproto udp\nlocal 127.0.0.1\nlport 1195\n\
             remote 127.0.0.1 1194\nifconfig 10.9.0.2 10.9.0.1\nsecret /run/key\n\
             cipher AES-256-CBC\nping 1\nroute 10.88.0.0 255.255.0.0\n{more}"
        ),
    )
    .expect("a configuration");
    scene.netcue(["enable", "openvpn", "--edit", file]).any_stdout().run();
    let far: Vec<&str> = FAR.split_whitespace().collect();
    (daemon("openvpn", &far), Server::start("/run/near", "openvpn", &["--config", file]))
}

fn triggers(scene: &Scene) -> Vec<String> {
    let word = |event: &Value| event["trigger"].as_str().expect("a trigger").to_owned();
    told(scene, "openvpn").iter().map(word).collect()
}

/// Has OpenVPN connect anew, and waits until it has.
fn connects_anew(near: &Server) {
    let connections = || {
        let log = fs::read_to_string("/run/near").expect("a log");
        log.matches("Initialization Sequence Completed").count()
    };
    wait_until("a connection", || connections() == 1);
    run("kill", ["-USR1", &near.id().to_string()]);
    wait_until("another connection", || connections() == 2);
}

#[test]
fn openvpn_tells_of_its_tunnel_and_of_each_new_one() {
    let scene = scene();
    let (_far, near) = openvpn(&scene, "");
    let up = last(&scene, "openvpn", "up");
    assert_eq!(up["interface"], "tun7");
    assert_eq!(up["local"], "10.9.0.2");
    assert_eq!(up["remote"], "10.9.0.1");
    let ready = last(&scene, "openvpn", "change");
    assert_eq!(ready["trigger"], "route-up");
    assert_eq!(ready["facts_complete"], true, "{ready:#}");
    assert_eq!(ready["details"]["routes"], serde_json::json!(["10.88.0.0/16 10.9.0.1"]));
    assert_eq!(address_of("tun7", "-4").as_deref(), Some("10.9.0.2"));
    connects_anew(&near);
    near.asked_to_end();
    let once = ["up", "route-up", "route-pre-down", "down"];
    wait_until("both ends to be told", || triggers(&scene).len() == 8);
    assert_eq!(triggers(&scene), [once, once].concat());
    let down = last(&scene, "openvpn", "down");
    assert_eq!(down["interface"], "tun7");
    assert_eq!(down["details"]["signal"], "sigterm");
    assert!(!run("ip", ["-o", "link"]).contains("tun7"));
    assert!(scene.outcomes().iter().all(|outcome| outcome == "done"), "{:?}", scene.outcomes());
}

/// What runs as nobody on the way down can tell nothing; the plugin that can would end OpenVPN
/// when that connects anew, were it started a second time.
#[test]
fn openvpn_that_is_no_longer_root_goes_on_and_tells_of_its_end() {
    let scene = scene();
    let (_far, near) = openvpn(&scene, "user nobody\npersist-tun\npersist-key\n");
    last(&scene, "openvpn", "change");
    connects_anew(&near);
    assert_eq!(triggers(&scene), ["up", "route-up"], "the tunnel stayed");
    near.asked_to_end();
    let down = last(&scene, "openvpn", "down");
    assert_eq!(down["interface"], "tun7");
    assert_eq!(down["local"], "10.9.0.2");
}

/// In user space, as this kernel may have no WireGuard; to wg-quick it is the same.
#[test]
fn wg_quick_tells_of_its_interface_before_and_after() {
    let scene = scene();
    let key = run("wg", ["genkey"]);
    // Any 32 bytes will do for somebody who never answers.
    let peer = run("wg", ["genkey"]);
    let file = "/etc/wireguard/wg7.conf";
    fs::create_dir_all("/etc/wireguard").expect("a folder");
    fs::write(
        file,
        format!(
            "[Interface]\nPrivateKey = {key}Address = 10.9.1.1/24, fd00:9::1/64\n\
             [Peer]\nPublicKey = {peer}AllowedIPs = 10.66.0.0/16\n"
        ),
    )
    .expect("a configuration");
    scene.netcue(["enable", "wg-quick", "--edit", file]).any_stdout().run();
    let hook = "#!/bin/sh\n# netcue: action=pre-up,up,pre-down,down\n\
                ip -o addr show dev wg7 >/run/at-$NETCUE_ACTION 2>/dev/null || :\n";
    scene.hook("70-looks", hook);
    let wg_quick = |what: &str| {
        let user_space = "WG_QUICK_USERSPACE_IMPLEMENTATION=wireguard-go";
        run("env", [user_space, "wg-quick", what, "wg7"]);
    };
    wg_quick("up");
    let up = last(&scene, "wg-quick", "up");
    assert_eq!(up["interface"], "wg7");
    assert_eq!(address_of("wg7", "-4").as_deref(), Some("10.9.1.1/24"));
    wg_quick("down");
    last(&scene, "wg-quick", "down");
    let actions = told(&scene, "wg-quick");
    let actions: Vec<&str> = actions.iter().filter_map(|event| event["action"].as_str()).collect();
    assert_eq!(actions, ["pre-up", "up", "pre-down", "down"]);
    // Hooks of what is about to be run while it is not yet so, the others when it is.
    let seen = |action: &str| fs::read_to_string(format!("/run/at-{action}")).expect("a hook");
    assert!(seen("pre-up").is_empty() && seen("down").is_empty());
    assert!(seen("up").contains("10.9.1.1/24") && seen("pre-down").contains("10.9.1.1/24"));
    assert!(scene.outcomes().iter().all(|outcome| outcome == "done"), "{:?}", scene.outcomes());
}
