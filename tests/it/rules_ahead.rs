//! The rules do not wait for hooks of other events: they are made ahead of their event's turn,
//! by one process at a time.

use std::fs;
use std::time::Instant;

use nix::unistd::Pid;

use serde_json::json;

use crate::lock::Held;
use crate::scene::{IP_UP, Scene, script, wait_until};

/// A gateway on which a hook behind the engine runs until it is let go, for pppd's link alone.
fn held_up() -> Scene {
    let scene = Scene::new();
    scene.gateway().gated_hook("60-slow", "# netcue: interface=ppp0");
    let ran = scene.path("ran");
    let tells = format!("echo \"$NETCUE_INTERFACE $NETCUE_RULES\" >>{}", ran.display());
    scene.hook("70-tells", script(&format!("# netcue: interface=lan*,eth*\n{tells}")));
    scene
}

/// A network that comes up behind the gateway.
fn second_inside(scene: &Scene) {
    scene.ip("link add lan2 type veth peer name lan2-far");
    scene.ip("link set lan2 up");
    scene.ip("link set lan2-far up");
    scene.ip("address add 192.168.20.1/24 dev lan2");
}

/// Whether the rules in force know of that network.
fn is_translated(scene: &Scene) -> bool {
    scene.nft("list table inet netcue").contains("192.168.20.0/24")
}

fn ahead(scene: &Scene) -> usize {
    scene.records("rules-ahead").len()
}

#[test]
fn the_rules_of_a_link_do_not_wait_for_a_hook_of_another() {
    let scene = held_up();
    let holder = scene.calling(IP_UP).spawn();
    scene.begun(1);
    second_inside(&scene);
    assert!(!is_translated(&scene));
    scene.from("pcmcia start lan2");
    assert!(is_translated(&scene), "in force when the call returns");
    assert_eq!(scene.outcomes(), Vec::<String>::new(), "the hook runs still");
    assert_eq!(ahead(&scene), 1);
    scene.open();
    holder.finish();
    scene.settled();
    assert_eq!(scene.text("ran"), "lan2 changed\n", "it was this event that changed them");
    assert_eq!(scene.outcomes(), ["done", "done"]);
    assert_eq!(scene.names_in("run/netcue/rules-ahead"), Vec::<String>::new());
    scene.netcue(["why", "last"]).stdout_has("made at once, ahead of its turn").run();
}

#[test]
fn who_waits_for_the_rules_alone_is_let_go_when_they_stand() {
    let scene = held_up();
    let holder = scene.calling(IP_UP).spawn();
    scene.begun(1);
    let began = Instant::now();
    scene.from("ppp ip-pre-up ppp1 /dev/ttyS1 115200 203.0.113.6 203.0.113.1");
    assert!(began.elapsed().as_secs() < 9, "its limit is 10 s: {:?}", began.elapsed());
    assert_eq!(scene.outcomes(), Vec::<String>::new());
    scene.open();
    holder.finish();
    scene.settled();
    assert_eq!(scene.outcomes(), ["done", "done"]);
}

#[test]
fn nothing_is_made_ahead_of_a_hook_that_stands_before_the_engine() {
    for (hook, header) in [("40-before", "action=up"), ("50-rules", "interface=*")] {
        let scene = held_up();
        let holder = scene.calling(IP_UP).spawn();
        scene.begun(1);
        scene.hook(hook, script(&format!("# netcue: {header}")));
        second_inside(&scene);
        // The hook wants the first; the second comes behind it.
        scene.from("pcmcia start lan2");
        scene.from("pcmcia stop lan2");
        assert_eq!(ahead(&scene), 0, "{hook}");
        assert!(!is_translated(&scene), "{hook}");
        scene.open();
        holder.finish();
        scene.settled();
        assert_eq!(scene.outcomes().len(), 3, "{hook}");
    }
}

#[test]
fn of_many_that_come_at_once_few_make_the_rules() {
    let scene = held_up();
    let holder = scene.calling(IP_UP).spawn();
    scene.begun(1);
    second_inside(&scene);
    let callers: Vec<_> =
        (0..40).map(|number| scene.calling(&format!("pcmcia start eth{number}")).spawn()).collect();
    for caller in callers {
        caller.finish();
    }
    assert!(is_translated(&scene));
    assert!(ahead(&scene) < 40, "each made them: {}", ahead(&scene));
    let changed =
        scene.records("rules-ahead").iter().filter(|made| made["outcome"] == "changed").count();
    assert_eq!(changed, 1);
    scene.open();
    holder.finish();
    scene.settled();
    assert_eq!(scene.outcomes().len(), 41);
    assert_eq!(
        scene.text("ran").matches("changed").count()
            - scene.text("ran").matches("unchanged").count(),
        1
    );
}

#[test]
fn two_engines_never_overlap_and_who_keeps_the_lock_is_named() {
    let scene = Scene::telling_gateway();
    let held = Held::lock(&scene.path("run/netcue/rules.lock"));
    let call = scene.calling(IP_UP).any_stderr().spawn();
    wait_until("the step to begin", || {
        scene.records("step-begin").iter().any(|begun| begun["step"] == "50-rules")
    });
    assert!(!scene.rules().contains("netcue"), "somebody else is making rules");
    drop(held);
    call.finish();
    scene.assert_handled();
    // One that was stopped in the middle.
    let mut sleeper = std::process::Command::new("sleep").arg("60").spawn().expect("sleep");
    let pid = Pid::from_raw(i32::try_from(sleeper.id()).expect("a pid"));
    let record = format!(
        "{{\"holder\":{{\"pid\":{pid},\"start\":0}},\"began_ns\":1,\"netns\":\"\",\"stood\":false}}\n"
    );
    fs::write(scene.path("run/netcue/rules.lock"), record).expect("a record");
    let held = Held::lock(&scene.path("run/netcue/rules.lock"));
    scene.from("boot interfaces").summaries.iter().for_each(|line| {
        assert!(line.contains("rules FAILED"), "{line}");
    });
    let end = scene.end_of("50-rules");
    assert_eq!(end["outcome"], "failed");
    assert_eq!(end["failed"], json!({ "kind": "rules-busy", "pid": pid.as_raw(), "seconds": 10 }));
    drop(held);
    sleeper.kill().and_then(|()| sleeper.wait()).expect("a process");
    scene.netcue(["rules", "apply"]).any_stderr().any_stdout().run();
    scene.netcue(["rules", "diff"]).run();
}
