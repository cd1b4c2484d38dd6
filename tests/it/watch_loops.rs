//! Hooks that change what they are told of: the kernel's news of that are no end of events.

use crate::scene::{Scene, script, text_of, wait_until};
use crate::watch::{QUICK, Watch, told, told_of};

/// A gateway whose hook gives `lan` another address each time it is run, while it may.
fn restless(header: &str, config: &str) -> (Scene, Watch) {
    let scene = Scene::new();
    let root = scene.root().display();
    let hook = format!(
        "# netcue: {header}
[ -e {root}/may ] || exit 77
echo >>{root}/ran
         ip addr add 192.168.20.$(wc -l <{root}/ran)/32 dev lan"
    );
    scene.gateway().config(config).hook("70-restless", script(&hook));
    let watch = Watch::on(&scene);
    wait_until("the first rules", || scene.outcomes() == ["done"] && scene.queue().is_empty());
    scene.put("may", "");
    (scene, watch)
}

fn refused(scene: &Scene) -> Vec<String> {
    scene.records("refused").iter().map(|record| text_of(&record["reason"])).collect()
}

#[test]
fn a_hook_that_changes_its_interface_for_every_event_comes_to_an_end() {
    let (scene, mut watch) = restless("source=kernel", QUICK);
    scene.ip("addr add 192.168.30.1/24 dev lan");
    wait_until("the end", || !refused(&scene).is_empty());
    assert!(refused(&scene)[0].contains("loop"), "{:?}", refused(&scene));
    let all = told_of(&scene, "address", "lan");
    let [.., one, last] = all.as_slice() else { panic!("{all:#?}") };
    assert_eq!(last["cause_depth"], 8, "{all:#?}");
    assert_eq!(last["caused_by"], one["id"]);
    scene
        .netcue(["why", &text_of(&one["id"])])
        .stdout_has("It changed while a hook of kernel")
        .run();
    let said = "address was refused: 9 events have caused one another";
    scene.netcue(["doctor"]).any_status().stdout_has(said).run();
    // Nor does it go on when the watch begins anew, or when something else is told.
    watch.kill();
    std::fs::remove_file(scene.path("may")).expect("the switch");
    let _watch = Watch::again(&scene);
    scene.ip("link add seen type bridge");
    wait_until("an event of another", || !told_of(&scene, "link", "seen").is_empty());
    wait_until("its end", || scene.outcomes().len() == scene.records("accepted").len());
    assert_eq!(told_of(&scene, "address", "lan"), all);
    // What changes while no hook is at work is news, and tells of all that has not been told.
    scene.ip("addr add 192.168.31.1/24 dev lan");
    wait_until("what is new", || told_of(&scene, "address", "lan").len() > all.len());
    let after = &told_of(&scene, "address", "lan")[all.len()];
    assert_eq!(after["cause_depth"], 0);
    assert_eq!(after["details"]["before"], last["details"]["after"]);
    let untold = format!("192.168.20.{}/32", all.len());
    assert!(text_of(&after["details"]["after"]).contains(&untold), "{untold}: {after}");
    assert_eq!(refused(&scene).len(), 1);
}

#[test]
fn a_hook_that_is_run_for_new_rules_and_calls_for_others_comes_to_a_pause() {
    // No event of the settled network makes the rules meanwhile.
    let config = "[watch]\nquiet-ms = 20\nsettle-ms = 60000\nsettle-limit-ms = 600000\n";
    let (scene, _watch) = restless("source=kernel action=rules", config);
    scene.ip("addr add 192.168.30.1/24 dev lan");
    wait_until("a pause", || !refused(&scene).is_empty());
    let runs = told(&scene, "state").len();
    let added = scene.text("ran").lines().count();
    // And then the rules are what they should be.
    std::fs::remove_file(scene.path("may")).expect("the switch");
    wait_until("the rules", || scene.rules().contains(&format!("192.168.20.{added}")));
    assert_eq!(told(&scene, "state").len(), runs + 1);
}
