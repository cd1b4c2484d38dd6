//! `netcue watch`: rules and events follow the kernel, though nobody calls.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::call::NETCUE;
use crate::scene::{Scene, script, text_of, wait_until, words_of};

pub(crate) const QUICK: &str = "[watch]\nquiet-ms = 20\nsettle-ms = 300\nsettle-limit-ms = 2000\n";

/// A watch in the foreground, until it is dropped.
pub(crate) struct Watch(Child);

impl Watch {
    /// Starts one, and waits until it has looked once.
    pub(crate) fn on(scene: &Scene) -> Self {
        let _ = std::fs::remove_file(scene.path("run/netcue/watch.json"));
        let watch = Self::again(scene);
        wait_until("the first look", || scene.path("run/netcue/watch.json").exists());
        watch
    }

    /// Starts one that goes on with what an earlier one left.
    pub(crate) fn again(scene: &Scene) -> Self {
        Self::with(scene, &[])
    }

    /// The same, with variables of whoever starts it.
    pub(crate) fn with(scene: &Scene, variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(NETCUE);
        command.arg("--root").arg(scene.root()).arg("watch").envs(variables.iter().copied());
        Self(command.spawn().expect("a watch"))
    }

    pub(crate) fn kill(&mut self) {
        self.0.kill().expect("a process");
        self.0.wait().expect("its end");
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A gateway with a quick watch, whose rules stand and whose hook tells what it is run for.
pub(crate) fn watched() -> (Scene, Watch) {
    let scene = Scene::new();
    let ran = scene.path("ran").display().to_string();
    let tells = script(&format!(
        "echo \"$NETCUE_SOURCE $NETCUE_TRIGGER $NETCUE_ACTION $NETCUE_INTERFACE\" >>{ran}"
    ));
    scene.gateway().config(QUICK).hook("70-tells", tells);
    let watch = Watch::on(&scene);
    // Also in what is remembered of them.
    wait_until("the first rules", || scene.outcomes() == ["done"] && scene.queue().is_empty());
    (scene, watch)
}

pub(crate) fn has_rules(scene: &Scene) -> bool {
    scene.rules().contains("table inet netcue")
}

/// The events of the kernel on record: those whose trigger is wanted.
pub(crate) fn told(scene: &Scene, trigger: &str) -> Vec<Value> {
    let events = scene.records("accepted").into_iter().map(|record| record["event"].clone());
    events.filter(|event| event["source"] == "kernel" && event["trigger"] == trigger).collect()
}

/// The same, about one interface.
pub(crate) fn told_of(scene: &Scene, trigger: &str, interface: &str) -> Vec<Value> {
    told(scene, trigger).into_iter().filter(|event| event["interface"] == interface).collect()
}

/// A new link that works.
pub(crate) fn link(scene: &Scene, name: &str) {
    scene.ip(&format!("link add {name} type veth peer name {name}-far"));
    scene.ip(&format!("link set {name} up"));
    scene.ip(&format!("link set {name}-far up"));
}

pub(crate) fn outcome_of(scene: &Scene, event: &Value) -> Option<Value> {
    scene.records("outcome").into_iter().find(|outcome| outcome["event_id"] == event["id"])
}

#[test]
fn rules_that_somebody_flushed_are_back_at_once_and_the_record_names_who() {
    let (scene, _watch) = watched();
    scene.nft("flush ruleset");
    wait_until("the rules", || has_rules(&scene));
    wait_until("a record", || !told(&scene, "rules-lost").is_empty());
    let lost = &told(&scene, "rules-lost")[0];
    assert_eq!(lost["details"]["process"], "nft", "{lost}");
    assert!(lost["details"]["pid"].as_u64().is_some_and(|pid| pid > 1), "{lost}");
    let who = format!("last before that is nft (pid {}).", lost["details"]["pid"]);
    scene.netcue(["why", &text_of(&lost["id"])]).stdout_has(&who).run();
    wait_until("its end", || outcome_of(&scene, lost).is_some());
    assert!(!scene.text("ran").contains("rules-lost"), "hooks are not set going for it");
    // What somebody puts into our table goes, too.
    scene.nft("add rule inet netcue forward counter accept");
    wait_until("the rule to go", || !scene.rules().contains("counter packets 0 bytes 0 accept"));
    wait_until("a second record", || told(&scene, "rules-lost").len() == 2);
}

#[test]
fn two_programs_that_fight_over_the_rules_do_not_go_on_for_ever() {
    let (scene, _watch) = watched();
    for _ in 0..5 {
        wait_until("the rules", || has_rules(&scene));
        scene.nft("flush ruleset");
    }
    wait_until("the rules", || has_rules(&scene));
    scene.nft("flush ruleset");
    let given_way = || {
        let all = told(&scene, "rules-lost");
        all.iter()
            .any(|event| outcome_of(&scene, event).is_some_and(|end| end["outcome"] == "ignored"))
    };
    wait_until("it to give way", given_way);
    let all = told(&scene, "rules-lost");
    assert_eq!(all.len(), 6, "five were put back, and the sixth is on record: {all:#?}");
    assert!(!has_rules(&scene));
    let end = outcome_of(&scene, &all[5]).expect("its end");
    assert!(words_of(&end["reason"]).contains("five times within a minute"), "{end}");
}

#[test]
fn a_guard_that_reports_leaves_the_rules_and_one_that_is_off_says_nothing() {
    let (scene, _watch) = watched();
    scene.config(&format!("{QUICK}guard = \"report\"\n"));
    scene.nft("flush ruleset");
    wait_until("a record", || !told(&scene, "rules-lost").is_empty());
    scene.config(&format!("{QUICK}guard = \"off\"\n"));
    scene.nft("add table inet other");
    // Something that it does act on comes after that.
    let before = told(&scene, "state").len();
    assert!(!has_rules(&scene));
    scene.ip("addr add 192.168.20.1/24 dev lan");
    wait_until("the rules", || has_rules(&scene));
    wait_until("the event", || told(&scene, "state").len() > before);
    assert_eq!(told(&scene, "rules-lost").len(), 1);
}

#[test]
fn what_nobody_told_is_told_once_for_each_interface_with_what_was_and_what_is() {
    let (scene, _watch) = watched();
    link(&scene, "dmz");
    scene.ip("addr add 192.168.50.1/24 dev dmz");
    wait_until("an event", || !told_of(&scene, "link-up", "dmz").is_empty());
    let up = &told_of(&scene, "link-up", "dmz")[0];
    assert_eq!(up["action"], "up");
    assert_eq!(up["details"]["before"], "absent");
    assert_eq!(up["details"]["after"], "up, 192.168.50.1/24");
    // Who follows the history sees what happens as it does.
    let mut follow = scene.netcue(["history", "--follow", "--last", "50", "--json"]);
    let mut follower = follow.command().stdout(Stdio::piped()).spawn().expect("netcue");
    let mut lines = BufReader::new(follower.stdout.take().expect("a pipe")).lines();
    let mut shows = |what: &str| lines.any(|line| line.expect("a line").contains(what));
    assert!(shows("\"trigger\":\"link-up\""));
    scene.ip("link del dmz");
    assert!(shows("\"trigger\":\"link-down\""));
    follower.kill().expect("a process");
    follower.wait().expect("its end");
    wait_until("its end", || !told_of(&scene, "link-down", "dmz").is_empty());
    assert_eq!(told_of(&scene, "link-down", "dmz")[0]["action"], "down");
    let of_dmz = || {
        let ran = scene.text("ran");
        ran.lines().filter(|line| line.ends_with(" dmz")).map(String::from).collect::<Vec<_>>()
    };
    wait_until("the hooks", || of_dmz().len() == 2);
    assert_eq!(of_dmz(), ["kernel link-up up dmz", "kernel link-down down dmz"]);
}

#[test]
fn a_pulled_cable_is_a_down_though_the_interface_stays_up() {
    let (scene, _watch) = watched();
    scene.ip("link set lan-far down");
    wait_until("an event", || !told_of(&scene, "link-down", "lan").is_empty());
    let lan = &told_of(&scene, "link-down", "lan")[0];
    assert_eq!(lan["details"]["after"], "up without carrier, 192.168.7.1/24");
}

#[test]
fn a_link_that_flaps_is_one_event_with_how_often() {
    let (scene, _watch) = watched();
    for _ in 0..5 {
        scene.ip("link set lan-far down");
        scene.ip("link set lan-far up");
    }
    wait_until("an event", || !told_of(&scene, "link", "lan").is_empty());
    let lan = &told_of(&scene, "link", "lan")[0];
    // The kernel itself tells of quick ones as of one.
    assert!(lan["details"]["flaps"].as_u64().is_some_and(|flaps| flaps >= 1), "{lan}");
    assert_eq!(told_of(&scene, "link", "lan").len(), 1);
}

#[test]
fn what_a_source_told_is_not_told_again_and_no_telling_is_swallowed() {
    let (scene, _watch) = watched();
    scene.config("[watch]\nquiet-ms = 20\nsettle-ms = 2000\n");
    scene
        .netcue(["emit", "--action", "down", "--interface", "lan"])
        .any_stdout()
        .any_stderr()
        .run();
    scene.ip("link set lan down");
    wait_until("an event", || !told_of(&scene, "link-down", "lan").is_empty());
    let of_lan = &told_of(&scene, "link-down", "lan")[0];
    wait_until("its end", || outcome_of(&scene, of_lan).is_some());
    let end = outcome_of(&scene, of_lan).expect("its end");
    assert_eq!(end["outcome"], "ignored", "{end}");
    assert!(words_of(&end["reason"]).starts_with("covered by "), "{end}");
    let id = text_of(&of_lan["id"]);
    let why = scene.netcue(["why", "event", &id]).any_stdout().run().stdout;
    for sentence in [
        "lan was: up, 192.168.7.1/24. Now it is: down, 192.168.7.1/24.",
        "Nothing was run: covered by ",
        ": manual emit told of it.",
    ] {
        assert!(why.contains(sentence), "no {sentence:?} in {why}");
    }
    // What is told after the kernel has been heard runs all the same.
    scene.ip("link set lan up");
    wait_until("the kernel's own", || scene.text("ran").contains("kernel link-up up lan"));
    let up = ["emit", "--action", "up", "--interface", "lan", "--local", "192.168.7.1"];
    scene.netcue(up).any_stdout().any_stderr().run();
    wait_until("what was told", || scene.text("ran").contains("manual emit up lan"));
}

#[test]
fn interfaces_that_are_ignored_are_told_of_by_nobody_but_have_rules() {
    let (scene, _watch) = watched();
    scene.ip("link add veth0 type veth peer name veth1");
    scene.ip("link set veth0 up");
    scene.ip("link set veth1 up");
    scene.ip("addr add 192.168.60.1/24 dev veth0");
    wait_until("the rules", || scene.rules().contains("192.168.60.0/24"));
    link(&scene, "seen");
    wait_until("an event of another", || !told(&scene, "link-up").is_empty());
    let all = told(&scene, "link-up");
    let is_seen = |event: &Value| text_of(&event["interface"]).starts_with("seen");
    assert!(all.iter().all(is_seen), "{all:#?}");
}

#[test]
fn lifetimes_that_are_renewed_and_commits_of_our_own_are_no_news() {
    let (scene, _watch) = watched();
    scene.ip("addr add 192.168.7.9/24 dev lan valid_lft 3000 preferred_lft 3000");
    wait_until("an event", || !told(&scene, "address").is_empty());
    wait_until("its end", || scene.text("ran").contains("address"));
    let before = scene.journal().len();
    for _ in 0..20 {
        scene.ip("addr change 192.168.7.9/24 dev lan valid_lft 3000 preferred_lft 3000");
    }
    scene.ip("link add seen type bridge");
    wait_until("an event of another", || !told(&scene, "link").is_empty());
    let after = scene.journal();
    let accepted: Vec<&Value> =
        after[before..].iter().filter(|entry| entry["record"] == "accepted").collect();
    assert_eq!(accepted.len(), 1, "{accepted:#?}");
}

#[test]
fn a_thousand_routes_that_come_and_go_are_hardly_noticed() {
    let (scene, _watch) = watched();
    let batch = |verb: &str| -> String {
        let line = |n| format!("route {verb} 10.{}.{}.0/24 dev lan\n", n / 250, n % 250);
        (0..1000).map(line).collect()
    };
    scene.put("batch", &(batch("add") + &batch("del")));
    let before = scene.records("accepted").len();
    scene.ip(&format!("-batch {}", scene.path("batch").display()));
    scene.ip("link add seen type bridge");
    wait_until("an event of another", || !told(&scene, "link").is_empty());
    let told = scene.records("accepted");
    assert!(told.len() - before <= 3, "{:#?}", &told[before..]);
}

#[test]
fn whenever_it_is_killed_what_changed_meanwhile_is_found() {
    let (scene, mut watch) = watched();
    // While nobody watches.
    watch.kill();
    scene.ip("addr add 192.168.20.1/24 dev lan");
    link(&scene, "dmz");
    scene.nft("flush ruleset");
    watch = Watch::again(&scene);
    wait_until("the rules", || scene.rules().contains("192.168.20.0/24"));
    wait_until("the events", || {
        !told(&scene, "link-up").is_empty() && !told(&scene, "address").is_empty()
    });
    // At whatever moment after a change.
    for n in 0..12_u8 {
        scene.ip(&format!("addr add 192.168.{}.1/24 dev lan", 100 + 2 * n));
        std::thread::sleep(Duration::from_millis(u64::from(n) * 15));
        watch.kill();
        watch = Watch::again(&scene);
        wait_until("the rules", || {
            scene.rules().contains(&format!("192.168.{}.0/24", 100 + 2 * n))
        });
    }
    let known = || {
        let all = told(&scene, "address");
        all.iter().any(|event| event["addresses"].to_string().contains("192.168.122.1/24"))
    };
    wait_until("the last to be told", known);
}

#[test]
fn doctor_and_status_tell_whether_the_kernel_is_heard() {
    let (scene, mut watch) = watched();
    let doctor = || scene.netcue(["doctor"]).any_status().any_stdout().run().stdout;
    assert!(doctor().contains("the kernel is heard"), "{}", doctor());
    watch.kill();
    assert!(doctor().contains("nobody hears what the kernel tells"), "{}", doctor());
    scene.netcue(["status"]).any_status().stdout_has("nobody hears what the kernel tells").run();
    watch = Watch::again(&scene);
    wait_until("it to be heard again", || doctor().contains("the kernel is heard"));
    // It is there, and does nothing.
    let pid = nix::unistd::Pid::from_raw(i32::try_from(watch.0.id()).expect("a pid"));
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGSTOP).expect("a process");
    scene.ip("addr add 192.168.20.1/24 dev lan");
    assert!(doctor().contains("has not seen what holds now"), "{}", doctor());
}

#[test]
fn rules_that_cannot_be_made_are_not_tried_without_end() {
    let (scene, _watch) = watched();
    scene.nft("delete table inet netcue");
    wait_until("the rules", || has_rules(&scene));
    // From here on another process owns the table, for as long as it lives.
    let mut owner = Command::new("nft").arg("-i").stdin(Stdio::piped()).spawn().expect("nft");
    let words = b"delete table inet netcue; add table inet netcue { flags owner; }\n";
    std::io::Write::write_all(owner.stdin.as_mut().expect("a pipe"), words).expect("written");
    wait_until("a try to fail", || scene.outcomes().contains(&"failed".to_owned()));
    let before = scene.records("accepted").len();
    scene.ip("addr add 192.168.20.1/24 dev lan");
    wait_until("the address to be told", || !told(&scene, "address").is_empty());
    let tries = scene.records("accepted").len() - before;
    owner.kill().expect("a process");
    owner.wait().expect("its end");
    assert!(tries <= 8, "{tries} events");
}
