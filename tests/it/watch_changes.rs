//! Rules follow each kind of change at once, though nobody calls, and without waiting until the
//! network has come to rest.

use std::fs;
use std::time::{Duration, Instant};

use crate::places::Place;
use crate::scene::{Scene, wait_until};
use crate::server::Server;
use crate::watch::{Watch, link, told, watched};

/// News are read as by default, and told of so late that no rule can have waited for that.
const PATIENT: &str = "[watch]\nsettle-ms = 60000\nsettle-limit-ms = 600000\n";

/// How long the rules took to follow each change.
struct Delays<'a> {
    scene: &'a Scene,
    all: Vec<(&'static str, Duration)>,
}

impl Delays<'_> {
    /// Makes a change by ip(8) and waits until the rules have this in them, or have it no more.
    fn after(&mut self, what: &'static str, commands: &[&str], shows: &str, wanted: bool) {
        for command in commands {
            self.scene.ip(command);
        }
        self.until(what, || self.scene.rules().contains(shows) == wanted);
    }

    fn until(&mut self, what: &'static str, condition: impl FnMut() -> bool) {
        let start = Instant::now();
        wait_until(what, condition);
        self.all.push((what, start.elapsed()));
    }
}

impl Drop for Delays<'_> {
    fn drop(&mut self) {
        self.all.sort_by_key(|(_, delay)| *delay);
        let middle = self.all.len() / 2;
        for at in [0, middle, self.all.len().saturating_sub(1)] {
            let Some((what, delay)) = self.all.get(at) else { return };
            eprintln!("{} of {}: {what} after {delay:?}", at + 1, self.all.len());
        }
    }
}

/// A gateway with a patient watch, whose first rules stand.
fn patient() -> (Scene, Watch) {
    let scene = Scene::new();
    scene.gateway().config(PATIENT);
    let watch = Watch::on(&scene);
    wait_until("the first rules", || scene.outcomes() == ["done"] && scene.queue().is_empty());
    (scene, watch)
}

#[test]
fn rules_follow_the_kernel_at_once_though_nobody_calls() {
    let (scene, _watch) = patient();
    let mut delays = Delays { scene: &scene, all: Vec::new() };
    let lan = "192.168.20.0/24";
    delays.after("an address", &["addr add 192.168.20.1/24 dev lan"], lan, true);
    delays.after("its end", &["addr del 192.168.20.1/24 dev lan"], lan, false);
    delays.after("a link down", &["link set lan down"], "192.168.7.0/24", false);
    delays.after("a link up", &["link set lan up"], "192.168.7.0/24", true);
    let behind = "172.20.0.0/16";
    delays.after("a route", &["route add 172.20.0.0/16 via 192.168.7.2"], behind, true);
    delays.after("a route's end", &["route del 172.20.0.0/16"], behind, false);
    let bridge = [
        "link add lan-br type bridge",
        "link set lan-br up",
        "addr add 192.168.30.1/24 dev lan-br",
    ];
    delays.after("a bridge", &bridge, "192.168.30.0/24", true);
    delays.after("a bridge's end", &["link del lan-br"], "192.168.30.0/24", false);
    let tunnel = [
        "tuntap add mode tun name work",
        "link set work up",
        "addr add 10.9.0.1 peer 10.9.0.2 dev work",
    ];
    delays.after("a tunnel", &tunnel, "\"work\"", true);
    delays.after("a tunnel's end", &["link del work"], "\"work\"", false);
    link(&scene, "other");
    scene.ip("addr add 203.0.113.9/24 dev other");
    scene.ip("route add default via 203.0.113.1 metric 50");
    delays.until("a default route", || is_outside(&scene, "other"));
    scene.ip("link del other");
    delays.until("a default route's end", || !is_outside(&scene, "other"));
    // All of that was before anything had come to rest, as the others are told of then only.
    let accepted = scene.records("accepted");
    let told: Vec<_> = accepted.iter().map(|record| &record["event"]["trigger"]).collect();
    assert!(told.iter().all(|trigger| *trigger == "state"), "{told:?}");
}

fn is_outside(scene: &Scene, name: &str) -> bool {
    let rules = scene.rules();
    let set = rules.split("masquerade").next().unwrap_or_default();
    set.contains(&format!("\"{name}\""))
}

/// A real router in the street tells of itself, and takes that back when it ends.
#[test]
fn a_default_route_by_advertisement_is_followed_and_so_is_its_end() {
    let (scene, _watch) = patient();
    let (street, root) = (Place::new(), scene.root().display().to_string());
    scene.ip("link add dsl type veth peer name dsl-far");
    scene.ip(&format!("link set dsl-far netns {}", street.path()));
    scene.ip("link set dsl up");
    fs::write("/proc/sys/net/ipv6/conf/dsl/accept_ra", "2").expect("a switch");
    scene.put(
        "radvd.conf",
        "interface dsl-far {\n AdvSendAdvert on;\n MinRtrAdvInterval 3;\n \
         MaxRtrAdvInterval 4;\n prefix 2001:db8:9::/64 {};\n};\n",
    );
    let [conf, pid] = ["conf", "pid"].map(|what| format!("{root}/radvd.{what}"));
    let router = street.enter(|| {
        crate::places::run("ip link set dsl-far up");
        let words = ["--nodaemon", "--logmethod=stderr", "-C", &conf, "-p", &pid];
        let has_address = || crate::places::run("ip -6 addr show dev dsl-far -tentative");
        wait_until("a link-local address", || has_address().contains("fe80::"));
        Server::start(&format!("{root}/radvd.log"), "radvd", &words)
    });
    let mut delays = Delays { scene: &scene, all: Vec::new() };
    let has_route = || !scene.ip("-6 route show default proto ra").is_empty();
    wait_until("the advertisement", has_route);
    delays.until("an advertised default route", || scene.rules().contains("\"dsl\""));
    let is_seen = || scene.text("run/netcue/watch.json").contains("default via fe80");
    assert!(is_seen());
    // Who was outside stays there while nothing says otherwise: that it is heard shows elsewhere.
    router.asked_to_end();
    wait_until("its end to be advertised", || !has_route());
    delays.until("the end of an advertised default route", || !is_seen());
    assert!(scene.rules().contains("\"dsl\""), "it is no way in for that");
}

#[test]
fn a_policy_rule_takes_its_table_into_account() {
    let (scene, _watch) = watched();
    link(&scene, "other");
    scene.ip("addr add 203.0.113.9/24 dev other");
    scene.ip("route add default via 203.0.113.1 table 77");
    let before = scene.rules();
    scene.ip("rule add from 192.168.7.0/24 lookup 77");
    wait_until("the rules to change", || scene.rules() != before && is_outside(&scene, "other"));
    wait_until("an event", || !told(&scene, "policy").is_empty());
}
