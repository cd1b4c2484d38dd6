//! An event that announces an end comes before it: the rules are looked at again when the
//! interface, or its address, has gone, though nobody calls.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::scene::{Scene, wait_until};

const STOP: &str = "pcmcia stop lan";

/// What was put on record about looking again.
fn looks(scene: &Scene) -> Vec<String> {
    let remarks = scene.records("remark");
    let texts = remarks.iter().filter_map(|remark| remark["text"].as_str());
    texts.filter(|text| text.starts_with("looked at the rules again")).map(Into::into).collect()
}

/// Whether the rules still know the network inside.
fn know_it(scene: &Scene) -> bool {
    scene.rules().contains("192.168.7.0/24")
}

fn followers(scene: &Scene) -> Vec<i32> {
    let all = scene.processes().into_iter().map(|(pid, _)| pid);
    let is_one = |pid: &i32| {
        let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.contains("--follow-up")
    };
    all.filter(is_one).collect()
}

#[test]
fn rules_follow_when_what_was_announced_to_go_has_gone() {
    for end in ["link del lan", "addr flush dev lan"] {
        let scene = Scene::telling_gateway();
        scene.from(STOP);
        assert!(know_it(&scene), "it is still there");
        assert_eq!(scene.text("ran"), "changed\n");
        scene.ip(end);
        wait_until("the rules to follow", || !know_it(&scene));
        wait_until("nobody to look any more", || followers(&scene).is_empty());
        let looks = looks(&scene);
        assert_eq!(looks.len(), 1, "{looks:?}");
        assert!(looks[0].contains("changed: "), "{looks:?}");
        assert_eq!(scene.text("ran"), "changed\n", "hooks are told of events only");
        assert_eq!(scene.names_in("run/netcue/follow-ups"), ["lock"]);
    }
}

#[test]
fn a_burst_of_announcements_is_followed_up_once_by_one_process() {
    let scene = Scene::telling_gateway();
    for _ in 0..10 {
        scene.from(STOP);
        assert!(followers(&scene).len() <= 1, "{:?}", followers(&scene));
    }
    scene.ip("link del lan");
    wait_until("the rules to follow", || !know_it(&scene));
    wait_until("nobody to look any more", || followers(&scene).is_empty());
    assert_eq!(looks(&scene).len(), 1, "{:?}", looks(&scene));
}

#[test]
fn a_follow_up_whose_process_is_killed_is_made_good_by_the_next_who_comes() {
    let scene = Scene::telling_gateway();
    scene.from(STOP);
    wait_until("somebody to look", || !followers(&scene).is_empty());
    for pid in followers(&scene) {
        kill(Pid::from_raw(pid), Signal::SIGKILL).expect("a process");
    }
    wait_until("it to be dead", || followers(&scene).is_empty());
    let left = scene.names_in("run/netcue/follow-ups");
    assert!(left.iter().any(|name| name != "lock"), "{left:?}");
    scene.netcue(["run"]).run();
    scene.ip("link del lan");
    wait_until("the rules to follow", || !know_it(&scene));
}

#[test]
fn what_was_announced_and_does_not_come_is_looked_at_once_more_and_left() {
    let scene = Scene::telling_gateway();
    let before = std::time::Instant::now();
    scene.from(STOP);
    assert!(before.elapsed() < Duration::from_secs(5), "it holds nobody");
    wait_until("the last look", || looks(&scene).len() == 1);
    assert!(looks(&scene)[0].ends_with("lan is there, with an address: as they should be"));
    wait_until("nobody to look any more", || followers(&scene).is_empty());
    assert!(know_it(&scene));
}
