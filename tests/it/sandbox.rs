//! `replay --sandbox`: nothing that a hook does there reaches the machine.

use std::process::{Child, Command};

use crate::replay::{incident, last_id, rules_of};
use crate::scene::{Scene, processes_with, wait_until};

/// What a sandbox with this hook prints.
fn in_sandbox(scene: &Scene, hook: &str) -> String {
    scene.hook("70-talks", hook);
    scene.netcue(["replay", "last", "--sandbox"]).any_stdout().stderr_has("").run().stdout
}

#[test]
fn a_sandbox_has_yesterdays_network_and_todays_hooks_and_leaves_nothing() {
    let scene = incident();
    let rules = rules_of(&scene);
    let id = last_id(&scene);
    let root = scene.root().display().to_string();
    scene.hook(
        "70-talks",
        format!(
            "#!/bin/sh\nip -brief address show dev lan\necho >/run/netcue-sandbox || :\n\
             echo >{root}/run/netcue/here\n! echo >{root}/etc/harm\n"
        ),
    );
    // Another day: nothing of then is there any more.
    let journal = scene.journal();
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).expect("a network namespace");
    let shown = scene.netcue(["replay", &id, "--sandbox"]).any_stdout().stderr_has("").run().stdout;
    assert!(shown.starts_with(&format!("replay of {id}: handled\n")), "{shown}");
    assert!(shown.contains("192.168.7.1/24"), "{shown}");
    assert!(shown.contains("Read-only file system"), "{shown}");
    let (_, made) = shown.split_once("\nrules:\n").expect("rules in force");
    assert_eq!(made, rules);
    assert_eq!(scene.journal(), journal);
    assert_eq!(scene.nft("list ruleset"), "");
    assert_eq!(scene.ip("-brief link").lines().count(), 1);
    assert!(!scene.path("run/netcue/here").exists());
    assert!(!scene.path("etc/harm").exists());
}

/// A process of the machine, by an argument that no other has.
fn bystander(mark: &str) -> Child {
    Command::new("sleep").arg(mark).spawn().expect("sleep")
}

#[test]
fn a_sandbox_hides_the_processes_of_the_machine_and_ends_its_own() {
    let scene = incident();
    let mut outside = bystander("987650.25");
    let shown = in_sandbox(
        &scene,
        "#!/bin/sh\npkill -f 987650.25; echo \"found: $?\"\n\
         setsid sleep 987651.25 &\nwhile ! pgrep -f 987651.25; do :; done\n",
    );
    assert!(shown.contains("| found: 1\n"), "{shown}");
    assert!(outside.try_wait().expect("a child").is_none(), "it lives");
    outside.kill().expect("a signal");
    outside.wait().expect("an end");
    assert_eq!(processes_with("987651.25"), []);
}

#[test]
fn a_sandbox_ends_with_whoever_asked_for_it() {
    let scene = incident();
    scene.hook("70-talks", "#!/bin/sh\nsleep 987652.25\n");
    let mut asks = scene.netcue(["replay", "last", "--sandbox"]);
    let mut asks = asks.command().spawn().expect("netcue");
    wait_until("the hook to run", || !processes_with("987652.25").is_empty());
    asks.kill().expect("a signal");
    asks.wait().expect("an end");
    wait_until("the hook to end", || processes_with("987652.25").is_empty());
}

#[test]
fn a_sandbox_has_harmless_devices_and_none_of_the_sockets_in_run() {
    let scene = incident();
    let shown = in_sandbox(
        &scene,
        "#!/bin/sh\necho /dev/* /run/*\necho x >/dev/null && head -c 2 /dev/zero | wc -c\n\
         echo y | cat /dev/stdin\n",
    );
    let devices = "/dev/fd /dev/full /dev/null /dev/random /dev/stderr /dev/stdin /dev/stdout \
                   /dev/urandom /dev/zero";
    assert!(shown.contains(&format!("| {devices} /run/*\n")), "{shown}");
    assert!(shown.contains("| 2\n      | y\n"), "{shown}");
}
