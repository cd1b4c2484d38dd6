//! What kills the process that runs it is repeated, and given up when it has cost three.

use std::fs;

use serde_json::json;

use crate::aftermath::{id_of, marked_gateway, marks, netcues};
use crate::scene::{IP_UP, Scene, lives, run, text_of, wait_until, words_of};

/// The line with which a hook kills the netcue that runs it.
const MURDER: &str = "kill -KILL $PPID\n";

#[test]
fn an_event_that_kills_three_runs_is_set_aside_in_the_open_and_those_behind_it_run() {
    let scene = marked_gateway();
    scene.hook("30-murderer", format!("#!/bin/sh\n{MURDER}sleep 1000\n"));
    scene.netcue(["from"]).words(IP_UP.split(' ')).status(137).any_stderr().run();
    let other = IP_UP.replace("ppp0", "ppp7");
    scene.netcue(["from"]).words(other.split(' ')).status(137).any_stderr().run();
    scene.netcue(["run"]).status(137).any_stderr().run();
    // The orphan of the last death is still there, and goes with the event.
    let ran = scene.netcue(["run"]).status(137).stderr_has("its run died 3 times").run();
    assert!(ran.stderr.contains("set aside as "), "{ran:?}");
    fs::remove_file(scene.path("etc/netcue/hooks.d/30-murderer")).expect("removed");
    scene.netcue(["run"]).run();
    scene.settled();
    assert_eq!(scene.outcomes(), ["given-up", "done"]);
    let given_up = &scene.records("outcome")[0];
    assert_eq!(given_up["reason"], json!({ "kind": "died", "times": 3 }));
    assert_eq!(scene.records("set-aside").len(), 1);
    let aside = scene.names_in("run/netcue/failed");
    assert_eq!(aside.len(), 1);
    assert!(aside[0].contains(&id_of(given_up)), "{aside:?}");
    let attempts: Vec<u64> = scene
        .records("run-begin")
        .iter()
        .filter(|run| run["event_id"] == given_up["event_id"])
        .map(|run| run["attempt"].as_u64().expect("a number"))
        .collect();
    assert_eq!(attempts, [1, 2, 3]);
    let begun: Vec<[String; 5]> = marks(&scene);
    let of_first = begun.iter().filter(|mark| mark[2] == id_of(given_up) && mark[0] == "begin");
    assert_eq!(of_first.count(), 1, "the finished step ran once: {begun:?}");
}

#[test]
fn a_hook_that_holds_nobody_is_run_again_if_its_process_dies_and_has_one_end() {
    let scene = Scene::new();
    scene.gateway();
    let begun = scene.path("begun");
    let begun = begun.display();
    scene.hook(
        "70-slow",
        format!(
            "#!/bin/sh\n# netcue: wait=no\necho $$ >>{begun}\n\
             [ $(wc -l <{begun}) -lt 3 ] || exit 0\nexec sleep 1000\n"
        ),
    );
    scene.ip_up();
    for deaths in 1..3 {
        wait_until("the hook to begin", || scene.text("begun").lines().count() == deaths);
        // The run that sent it, and a second process for it, are on their way out.
        wait_until("one process to attend to it", || netcues(&scene).len() == 1);
        let attending = netcues(&scene);
        run("kill", ["-KILL", &attending[0].to_string()]);
        // Dead, not dying: until then it may still hold its lock.
        wait_until("its process to die", || !lives(&attending[0].to_string()));
        let orphan = scene.text("begun").lines().last().expect("a line").to_owned();
        scene.netcue(["run"]).run();
        wait_until("the orphan to be ended", || !lives(&orphan));
    }
    let ends = || -> Vec<String> {
        let slow = scene.records("step-end").into_iter().filter(|end| end["step"] == "70-slow");
        slow.map(|end| text_of(&end["outcome"])).collect()
    };
    wait_until("its end to be on record", || ends().len() == 2);
    wait_until("its job to go", || scene.names_in("run/netcue/unattended").is_empty());
    assert_eq!(ends(), ["started", "done"]);
    assert_eq!(scene.outcomes(), ["done"]);
}

#[test]
fn a_hook_that_holds_nobody_is_given_up_when_it_has_cost_three_processes() {
    let scene = Scene::new();
    scene.gateway();
    let begun = scene.path("begun");
    let log = format!("echo >>{}", begun.display());
    scene.hook("70-murderer", format!("#!/bin/sh\n# netcue: wait=no\n{log}\n{MURDER}"));
    scene.ip_up();
    wait_until("its job to go", || {
        scene.netcue(["run"]).run();
        scene.names_in("run/netcue/unattended").is_empty()
    });
    let end = scene.end_of("70-murderer");
    assert_eq!(end["outcome"], "not-started");
    assert_eq!(end["failed"], json!({ "kind": "died", "times": 3 }));
    assert_eq!(scene.text("begun").lines().count(), 3);
    scene.netcue(["run"]).run();
    let ends = scene.records("step-end");
    assert_eq!(ends.iter().filter(|end| end["step"] == "70-murderer").count(), 2, "{ends:#?}");
}

#[test]
fn deaths_and_stops_are_counted_alike_for_a_step_and_for_a_hook_that_holds_nobody() {
    for header in ["", "# netcue: wait=no\n"] {
        let scene = Scene::new();
        let begun = scene.path("begun");
        let begun = begun.display();
        // Two deaths, a stop, and the third death.
        scene.hook(
            "20-murderer",
            format!(
                "#!/bin/sh\n{header}echo >>{begun}\n[ $(wc -l <{begun}) = 3 ] && \
                 {{ kill -TERM $PPID; sleep 60; }}\n{MURDER}sleep 60\n"
            ),
        );
        scene.calling(IP_UP).any_status().any_stderr().run();
        wait_until("it to be given up", || {
            scene.netcue(["run"]).any_status().any_stderr().run();
            !scene.names_in("run/netcue/failed").is_empty()
        });
        scene.settled();
        assert_eq!(scene.text("begun").lines().count(), 4, "{header}");
        let aside = scene.records("set-aside");
        assert_eq!(aside.len(), 1, "{header}");
        assert_eq!(words_of(&aside[0]["reason"]), "its run died 3 times", "{header}");
        let left = scene.names_in("run/netcue/unattended");
        assert_eq!(left, Vec::<String>::new(), "{header}");
    }
}
