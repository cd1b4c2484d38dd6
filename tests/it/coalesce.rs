//! Hooks that ask for the newest event of an interface only.

use crate::call::NETCUE;
use crate::lock::Held;
use crate::scene::{IP_UP, Scene};

#[test]
fn an_event_that_comes_while_those_before_it_are_handled_is_the_newest_all_the_same() {
    let scene = Scene::new();
    let root = scene.root().display();
    let newer = IP_UP.replace("provider", "newer");
    scene.hook(
        "20-cause",
        format!("#!/bin/sh\n# netcue: interface=ppp1\n{NETCUE} --root {root} from {newer}\n"),
    );
    scene.hook(
        "30-newest",
        format!("#!/bin/sh\n# netcue: interface=ppp0 coalesce=interface\necho $NETCUE_DETAILS_IPPARAM >>{root}/newest\n"),
    );
    let queue = scene.path("run/netcue/queue");
    std::fs::create_dir_all(queue).expect("a folder");
    let held = Held::lock(&scene.path("run/netcue/lock"));
    scene.from(&IP_UP.replace("ppp0", "ppp1"));
    scene.from(&IP_UP.replace("provider", "older"));
    drop(held);
    scene.netcue(["run"]).run();
    assert_eq!(scene.text("newest"), "newer\n");
    assert_eq!(scene.outcomes(), ["done"; 3]);
}
