//! Machines whose folders, clock, descriptors or configuration are not as they should be:
//! each time what can be done is done, and what can't is said with its name and what to do.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::call::{Call, NETCUE};
use crate::scene::{IP_UP, Scene, write_file};

#[test]
fn missing_folders_are_made_for_root_alone() {
    let scene = Scene::new();
    scene.ip_up();
    for (folder, mode) in [("run/netcue", 0o700), ("run/netcue/queue", 0o700)] {
        let permissions = fs::metadata(scene.path(folder)).expect("a folder").permissions();
        assert_eq!(permissions.mode() & 0o777, mode, "{folder}");
    }
    let journal = fs::metadata(scene.path("var/log/netcue/journal.jsonl")).expect("a file");
    assert_eq!(journal.permissions().mode() & 0o777, 0o640);
}

#[test]
fn a_clock_that_jumps_changes_neither_order_nor_outcome() {
    let scene = Scene::new();
    scene.hook(
        "20-a",
        format!("#!/bin/sh\necho \"$NETCUE_TIME\" >>{}/order\n", scene.root().display()),
    );
    let queue = scene.path("run/netcue/queue");
    let times = ["2099-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2026-06-01T00:00:00Z"];
    for (number, time) in (1..).zip(times) {
        let event = scene.netcue(["parse", "boot", "start"]).any_stdout().run().stdout;
        let mut event: Value = serde_json::from_str(&event).expect("JSON");
        event["time"] = time.into();
        event["boottime_ns"] = number.into();
        let name = format!("{number:020}-{}.json", event["id"].as_str().expect("an id"));
        write_file(&queue.join(name), event.to_string().as_bytes(), 0o600);
    }
    scene.netcue(["run"]).run();
    assert_eq!(scene.text("order").lines().collect::<Vec<_>>(), times, "in order of boot time");
    assert_eq!(scene.outcomes(), ["done"; 3]);
    let waited = |record: &Value| record["waited_ms"].as_f64();
    let outcomes = scene.records("outcome");
    assert_eq!(waited(&outcomes[0]), None, "nobody waits for less than nothing");
    assert!(waited(&outcomes[1]).expect("a number") > 0.0);
    scene.netcue(["history"]).any_stdout().any_stderr().run();
}

#[test]
fn with_few_descriptors_or_none_left_nothing_is_lost() {
    for limit in 3..16 {
        let scene = Scene::new();
        scene.hook("20-a", format!("#!/bin/sh\necho ran >>{}/ran\n", scene.root().display()));
        let script = format!("ulimit -n {limit}; exec \"$@\"");
        // root raises the limit; with less than root's rights it stands.
        let less = ["--bounding-set", "-sys_resource", "--inh-caps", "-sys_resource"];
        let mut call = Call::through("/bin/sh", scene.root()).stderr_has("");
        call.command().args(["-c", &script, "sh", "setpriv"]).args(less);
        call.command().args([NETCUE, "--root"]).arg(scene.root());
        // Where the program can't even be started, it is not netcue that says so.
        let ran = call.words(["from"]).words(IP_UP.split(' ')).any_status().run();
        assert!(!ran.stderr.contains("panicked"), "{limit}: {ran:?}");
        let by_netcue = ran.stderr.contains("netcue: ") || !ran.summaries.is_empty();
        if ran.status == 127 || !by_netcue {
            assert!(limit < 5, "{limit}: {ran:?}");
            continue;
        }
        assert_eq!(ran.status, 0, "{limit}: {ran:?}");
        let done_at_once = scene.text("ran") == "ran\n";
        assert!(
            done_at_once
                || ran.stderr.contains("ulimit -n")
                || ran.stderr.contains("os error 24")
                || scene.outcomes() == ["failed"],
            "{limit}: {ran:?} {:#?}",
            scene.journal()
        );
        // With descriptors again, what was kept is handled.
        scene.netcue(["run"]).stderr_has("").run();
        assert_eq!(scene.queue(), Vec::<String>::new());
        for (id, outcomes) in scene.outcomes_by_event() {
            assert_eq!(outcomes.len(), 1, "{limit}: event {id}: {outcomes:?}");
        }
    }
}

#[test]
fn a_configuration_that_cannot_be_used_stops_nothing() {
    for content in ["[hooks]\ntimeout = 9223372036854775807\n", "[hooks\n", "\u{1b}[31m"] {
        let scene = Scene::telling_gateway();
        scene.config(content);
        let ran = scene.calling(IP_UP).stderr_has(" (going on with the defaults)\n").run();
        let file = scene.path("etc/netcue/netcue.conf");
        ran.assert_said(&[&format!("netcue: {}:", file.display())]);
        assert!(!ran.stderr.contains('\u{1b}'), "{ran:?}");
        scene.assert_handled();
    }
}
