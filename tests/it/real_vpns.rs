//! VPN clients that log in at a real server in another network, set to call by `netcue enable`:
//! what they tell of a tunnel that comes and goes, against what the kernel has.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::real_callers::{address_of, daemon, last, told, with_a_cable};
use crate::scene::{Scene, run, wait_until};
use crate::server::Server;

/// A machine with a way to a server at 10.77.0.1, which is in the namespace `far`.
fn with_a_server(sources: &[&str]) -> Scene {
    let scene = with_a_cable(sources);
    fs::create_dir_all("/dev/net").expect("a folder");
    run("mknod", ["/dev/net/tun", "c", "10", "200"]);
    for words in [
        "netns add far",
        "link set vA netns far",
        "-n far link set lo up",
        "-n far addr add 10.77.0.1/24 dev vA",
        "-n far link set vA up",
        "addr add 10.77.0.2/24 dev vB",
        "link set vB up",
        "route add default via 10.77.0.1",
    ] {
        scene.ip(words);
    }
    scene
}

fn triggers(scene: &Scene, source: &str) -> Vec<Value> {
    told(scene, source).iter().map(|event| event["trigger"].clone()).collect()
}

fn said_by(words: &str) -> String {
    run("sh", ["-c", words])
}

/// ocserv with an account, and the fingerprint of its key.
fn ocserv() -> (Server, String) {
    said_by(
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout /run/key -out /run/cert -days 2 -subj /CN=vpn 2>&1",
    );
    said_by("printf 'secret\\nsecret\\n' | ocpasswd -c /run/passwd someone");
    fs::write(
        "/run/ocserv.conf",
        "auth = \"plain[passwd=/run/passwd]\"\ntcp-port = 4443\nrun-as-user = root\n\
         run-as-group = root\nsocket-file = /run/ocserv\nserver-cert = /run/cert\n\
         server-key = /run/key\ndevice = vpns\nipv4-network = 10.99.0.0\n\
         ipv4-netmask = 255.255.255.0\ndns = 10.99.0.53\ndefault-domain = corp.example\n\
         route = 10.55.0.0/255.255.0.0\nisolate-workers = false\nuse-occtl = false\n\
         pid-file = /run/ocserv.pid\nmtu = 1400\n",
    )
    .expect("settings");
    let words = "netns exec far ocserv -f -c /run/ocserv.conf";
    let server = daemon("ip", &words.split(' ').collect::<Vec<_>>());
    let listens = || said_by("ip netns exec far ss -Hltn").contains(":4443");
    wait_until("the server", listens);
    let pin = "openssl x509 -in /run/cert -pubkey -noout | openssl pkey -pubin -outform der | \
               openssl dgst -sha256 -binary | base64";
    (server, format!("pin-sha256:{}", said_by(pin).trim()))
}

#[test]
fn vpnc_script_tells_of_what_openconnect_makes() {
    let scene = with_a_server(&["vpnc-script"]);
    let (_server, pin) = ocserv();
    fs::write("/run/secret", "secret\n").expect("a file");
    let words = format!(
        "exec openconnect --protocol=anyconnect -u someone --passwd-on-stdin --servercert {pin} \
         --interface tun7 --no-dtls https://10.77.0.1:4443 </run/secret >/run/client.log 2>&1"
    );
    let mut client =
        Command::new("sh").args(["-c", &words]).stdin(Stdio::null()).spawn().expect("sh");
    let up = last(&scene, "vpnc-script", "up");
    assert_eq!(up["interface"], "tun7");
    let local = format!("{}/32", up["local"].as_str().expect("an address"));
    assert_eq!(address_of("tun7", "-4"), Some(local), "{up:#}");
    assert_eq!(up["facts_complete"], true);
    assert_eq!(up["dns"], json!(["10.99.0.53"]));
    assert_eq!(up["details"]["domain"], "corp.example");
    assert_eq!(up["details"]["peer"], "10.77.0.1");
    assert!(run("ip", ["route"]).contains("10.55.0.0/16 dev tun7"));
    run("kill", ["-INT", &client.id().to_string()]);
    assert!(client.wait().expect("its end").success());
    let down = last(&scene, "vpnc-script", "down");
    assert_eq!(down["interface"], "tun7");
    assert!(!run("ip", ["-o", "link"]).contains("tun7"));
    let once = ["connect", "post-connect", "disconnect", "post-disconnect"];
    assert_eq!(triggers(&scene, "vpnc-script"), once);
    assert!(scene.outcomes().iter().all(|outcome| outcome == "done"), "{:?}", scene.outcomes());
}

/// One of two charons: what it says of itself, and of a connection with the other. ESP is done in
/// user space, as this kernel may have none; to charon it is the same.
struct Charon {
    side: &'static str,
    _daemon: Server,
}

impl Charon {
    fn start(side: &'static str, [own, other]: [&str; 2], [nets, of_other]: [&str; 2]) -> Self {
        fs::create_dir_all(format!("/run/{side}")).expect("a folder");
        fs::write(
            format!("/run/{side}/strongswan.conf"),
            format!(
                "charon {{\n load = random nonce aes sha1 sha2 hmac kdf openssl kernel-libipsec \
                 kernel-netlink socket-default vici updown\n \
                 plugins {{ vici {{ socket = unix:///run/{side}/vici }} }}\n}}\n\
                 swanctl {{\n load = random openssl\n}}\n"
            ),
        )
        .expect("settings");
        fs::write(
            format!("/run/{side}/link.conf"),
            format!(
                "connections {{\n link {{\n local_addrs = {own}\n remote_addrs = {other}\n \
                 local {{\n auth = psk\n id = {own}\n }}\n remote {{\n auth = psk\n id = {other}\n }}\n \
                 children {{\n net {{\n local_ts = {nets}\n remote_ts = {of_other}\n }}\n }}\n }}\n}}\n\
                 secrets {{\n ike {{\n secret = verysecret\n }}\n}}\n"
            ),
        )
        .expect("a connection");
        // It believes a file of that name that another is there already.
        let _ = fs::remove_file("/run/charon.pid");
        let words = format!("STRONGSWAN_CONF=/run/{side}/strongswan.conf");
        let inside = if side == "far" { "ip netns exec far " } else { "" };
        let words = format!("{words} {inside}/usr/lib/ipsec/charon");
        let log = format!("/run/{side}/log");
        let daemon = Server::start(&log, "env", &words.split(' ').collect::<Vec<_>>());
        wait_until("charon", || fs::exists("/run/charon.pid").expect("a folder"));
        wait_until("its socket", || fs::exists(format!("/run/{side}/vici")).expect("a folder"));
        Self { side, _daemon: daemon }
    }

    fn swanctl(&self, words: &str) {
        let side = self.side;
        said_by(&format!(
            "STRONGSWAN_CONF=/run/{side}/strongswan.conf swanctl {words} --uri unix:///run/{side}/vici"
        ));
    }
}

#[test]
fn charon_tells_of_a_tunnel_between_two_networks() {
    let scene = with_a_server(&[]);
    scene.ip("addr add 10.66.0.1/16 dev lo");
    scene.ip("-n far addr add 10.55.0.1/16 dev lo");
    let (near, far) = ("10.66.0.0/16", "10.55.0.0/16");
    let there = Charon::start("far", ["10.77.0.1", "10.77.0.2"], [far, near]);
    there.swanctl("--load-all --file /run/far/link.conf");
    let here = Charon::start("near", ["10.77.0.2", "10.77.0.1"], [near, far]);
    scene.netcue(["enable", "strongswan", "--edit", "/run/near/link.conf"]).any_stdout().run();
    here.swanctl("--load-all --file /run/near/link.conf");

    here.swanctl("--initiate --child net");
    run("ping", ["-c", "1", "-w", "20", "-I", "10.66.0.1", "10.55.0.1"]);
    let up = last(&scene, "strongswan", "up");
    assert_eq!(up["trigger"], "up-client");
    assert_eq!((&up["local"], &up["remote"]), (&json!("10.77.0.2"), &json!("10.77.0.1")));
    assert_eq!(up["details"]["local_net"], near);
    assert_eq!(up["details"]["remote_net"], far);
    assert_eq!(up["details"]["connection"], "net");
    assert_eq!(up["details"]["lower"], "vB");
    assert!(run("ip", ["route", "show", "table", "220"]).contains(far));
    here.swanctl("--terminate --ike link");
    let down = last(&scene, "strongswan", "down");
    assert_eq!(down["trigger"], "down-client");
    assert_eq!(down["details"]["unique_id"], up["details"]["unique_id"]);
    wait_until("the route to go", || !run("ip", ["route", "show", "table", "all"]).contains(far));
    assert_eq!(triggers(&scene, "strongswan"), ["up-client", "down-client"]);
    let all = scene.text("var/log/netcue/journal.jsonl");
    assert!(!all.contains("verysecret"));
}
