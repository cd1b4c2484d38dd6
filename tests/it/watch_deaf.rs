//! Whatever makes `netcue watch` miss news, the state is right afterwards.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::call::NETCUE;
use crate::scene::{Scene, wait_until};
use crate::watch::{QUICK, Watch, has_rules, told_of, watched};
use crate::watch_sockets::{SocketUnit, service};

/// Small enough to overflow soon.
const SMALL: usize = 32 << 10;

/// More news than such a socket holds.
fn flood(scene: &Scene) {
    let lines = |verb| {
        (0..2000).map(move |n| format!("route {verb} 10.{}.{}.0/24 dev lan\n", n / 250, n % 250))
    };
    scene.put("batch", &lines("add").chain(lines("del")).collect::<String>());
    scene.ip(&format!("-batch {}", scene.path("batch").display()));
}

#[test]
fn what_overflows_before_the_first_start_is_found_by_it_and_is_no_end() {
    let scene = Scene::new();
    scene.gateway().config(QUICK);
    let mut unit = SocketUnit::listening(SMALL);
    flood(&scene);
    scene.ip("addr add 192.168.20.1/24 dev lan");
    assert!(unit.is_in_error(), "systemd gives up on such a socket, and begins anew");
    unit.start(&scene);
    wait_until("the rules", || scene.rules().contains("192.168.20.0/24"));
    assert!(!unit.is_in_error());
    // From then on an overflow is none to systemd.
    flood(&scene);
    assert!(!unit.is_in_error());
    unit.starts(&scene);
    scene.ip("addr add 192.168.30.1/24 dev lan");
    wait_until("what came later", || scene.rules().contains("192.168.30.0/24"));
    unit.stop();
}

#[test]
fn what_overflows_while_it_is_at_work_is_found_all_the_same() {
    let scene = Scene::new();
    scene.gateway().config(QUICK);
    let mut unit = SocketUnit::listening(SMALL);
    unit.start(&scene);
    wait_until("the first rules", || has_rules(&scene));
    scene.ip("addr add 192.168.20.1/24 dev lan");
    // It waits until all has come to rest: stopped there, it reads nothing.
    let mut at_work = service(scene.root(), unit.sockets());
    wait_until("the rules", || scene.rules().contains("192.168.20.0/24"));
    let pid = Pid::from_raw(i32::try_from(at_work.id()).expect("a pid"));
    kill(pid, Signal::SIGSTOP).expect("a process");
    flood(&scene);
    scene.ip("addr add 192.168.30.1/24 dev lan");
    kill(pid, Signal::SIGCONT).expect("a process");
    at_work.wait().expect("its end");
    unit.starts(&scene);
    wait_until("what came meanwhile", || scene.rules().contains("192.168.30.0/24"));
    unit.stop();
}

/// A process and what it has started, until it is dropped.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        let pid = Pid::from_raw(i32::try_from(self.0.id()).expect("a pid"));
        let _ = killpg(pid, Signal::SIGKILL);
        let _ = self.0.wait();
    }
}

/// The state is read by dumps, each of which begins by a socket: before each, there is time.
#[test]
fn a_change_between_the_news_and_the_reading_of_the_state_is_followed() {
    let (scene, mut quick) = watched();
    quick.kill();
    let slow = Command::new("strace")
        .args(["-qq", "-f", "-o", "/dev/null", "-e", "trace=socket"])
        .args(["-e", "inject=socket:delay_enter=60000", NETCUE, "--root"])
        .arg(scene.root())
        .arg("watch")
        .stderr(Stdio::null())
        .process_group(0)
        .spawn();
    let _slow = Group(slow.expect("strace"));
    let is_followed = |network: &str| {
        let network = format!("192.168.{network}.0/24");
        wait_until(&network.clone(), || scene.rules().contains(&network));
    };
    scene.ip("addr add 192.168.20.1/24 dev lan");
    is_followed("20");
    for n in 0..6_u8 {
        // Neighbours would be one network to the rules.
        let (first, second) = (30 + 4 * n, 32 + 4 * n);
        scene.ip(&format!("addr add 192.168.{first}.1/24 dev lan"));
        // The news are read after 20 ms of quiet: from there on, at one place or another.
        std::thread::sleep(Duration::from_millis(u64::from(n) * 40));
        scene.ip(&format!("addr add 192.168.{second}.1/24 dev lan"));
        is_followed(&first.to_string());
        is_followed(&second.to_string());
    }
}

/// As at the start of a machine whose /var is mounted late.
#[test]
fn before_there_is_a_place_for_the_journal_rules_follow_all_the_same() {
    let scene = Scene::new();
    scene.gateway().config(QUICK);
    // Nobody can make a folder below a file.
    scene.put("var", "");
    let _watch = Watch::on(&scene);
    wait_until("the rules", || has_rules(&scene));
    scene.ip("addr add 192.168.20.1/24 dev lan");
    wait_until("the address", || scene.rules().contains("192.168.20.0/24"));
    std::fs::remove_file(scene.path("var")).expect("a file");
    scene.ip("addr add 192.168.30.1/24 dev lan");
    wait_until("another", || scene.rules().contains("192.168.30.0/24"));
    wait_until("an event", || {
        let known = told_of(&scene, "address", "lan");
        known.iter().any(|event| event["addresses"].to_string().contains("192.168.30.1"))
    });
}
