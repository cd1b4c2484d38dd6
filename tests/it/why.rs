//! The answer comes first: what is asked in the night, answered in one sentence.

use std::fs;

use crate::attention::shape;
use crate::scene::{IP_UP, Scene, text_of};
use crate::show::{assert_valid, json_of, piped};

/// The first sentence.
fn verdict(scene: &Scene, words: &str) -> String {
    let shown = shape(&piped(scene, words));
    shown.lines().nth(1).expect("an answer").to_owned()
}

#[test]
fn a_hook_behind_one_that_hangs_has_not_begun_and_then_ran_late() {
    let scene = Scene::new();
    scene.gated_hook("75-vpn", "# netcue: timeout=50s").hook("80-mail", "#!/bin/sh\n");
    let running = scene.calling(IP_UP).spawn();
    scene.begun(1);
    let begun = "80-mail has not begun: 75-vpn has run for #.# of # s.";
    for words in ["why 80-mail", "why mail", "why hook mail"] {
        assert_eq!(verdict(&scene, words), shape(begun).trim_end(), "{words}");
    }
    let shown = piped(&scene, "why 80-mail");
    assert!(shown.ends_with(": it is to come.\n"), "{shown}");
    assert!(verdict(&scene, "why last").ends_with(" is at #-vpn: #.# of # s."));
    scene.open();
    running.finish();
    assert!(verdict(&scene, "why 75-vpn").starts_with("#-vpn ran "));

    fs::remove_file(scene.path("open")).expect("a gate");
    scene.gated_hook("75-vpn", "# netcue: timeout=2s");
    scene.ip_up();
    let late = "80-mail ran #.# s late: 75-vpn, in front of it, hung until its limit.";
    assert_eq!(verdict(&scene, "why 80-mail"), shape(late).trim_end());
    let answer = json_of(&scene, "why --json 80-mail").remove(0);
    assert_valid("why", &answer);
    assert_eq!(answer["verdict"], answer["answer"][0]["text"]);
    let steps = answer["events"][0]["steps"].as_array().expect("steps").clone();
    let vpn = steps.iter().find(|step| step["step"] == "75-vpn").expect("a step");
    let mail = steps.iter().find(|step| step["step"] == "80-mail").expect("a step");
    assert!(text_of(&vpn["began"]) < text_of(&vpn["ended"]), "{vpn:#}");
    assert!(text_of(&vpn["ended"]) <= text_of(&mail["began"]), "{mail:#}");
    assert!(verdict(&scene, "why last").contains(" failed. #-vpn: timed out"));
}

#[test]
fn scripts_that_others_run_or_nobody_runs_are_known() {
    let scene = Scene::new();
    scene.hook("20ddns.sh", "#!/bin/sh\n");
    let shown = piped(&scene, "why 20ddns");
    assert!(shown.contains("hooks.d/20ddns.sh is not run, because its name has other"), "{shown}");
    scene.hook_in("etc/ppp/ip-up.d", "30mail.sh", "#!/bin/sh\n", 0o755);
    scene.hook_in("etc/ppp/ip-up.d", "40time", "#!/bin/sh\n", 0o755);
    assert_eq!(
        verdict(&scene, "why 30mail"),
        "/etc/ppp/ip-up.d/#mail.sh is run by nobody: run-parts, which runs what is in that folder \
         for ppp, passes over names with other characters than A-Z a-z #-# _ and -."
    );
    assert_eq!(
        verdict(&scene, "why 40time"),
        "/etc/ppp/ip-up.d/#time is run by ppp itself and not by netcue, which knows nothing of how \
         it ends."
    );
}

#[test]
fn events_are_found_by_what_fingers_know() {
    let scene = Scene::new();
    scene.hook("20-a", "#!/bin/sh\necho Needle \"$NETCUE_INTERFACE\"\n");
    scene.ip_up();
    scene.from(&IP_UP.replace("ppp0", "ppp1"));
    scene.calling("nobody calls so").any_status().any_stderr().run();
    let calls = |words: &str| -> Vec<String> {
        let stories = json_of(&scene, &format!("history -o json {words}"));
        stories.iter().map(|story| text_of(&story["event"]["interface"])).collect()
    };
    assert_eq!(calls("--grep needle"), ["ppp0", "ppp1"]);
    assert_eq!(calls("--grep \"needle ppp1\""), ["ppp1"]);
    assert_eq!(calls("--outcome refused"), ["null"]);
    assert_eq!(calls("-r --outcome done"), ["ppp1", "ppp0"]);
    assert_eq!(calls("--until 10s").len(), 0);
    assert_eq!(calls("--until 2037-01-01").len(), 3);
    let shown = piped(&scene, "history --outcome refused");
    assert!(shown.contains("  nobody calls so  refused  "), "{shown}");
    scene.netcue(["history", "--outcome", "odd"]).status(64).any_stderr().run();
}
