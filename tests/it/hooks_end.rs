//! What the end of a hook means: its exit status, a start that failed, and what it leaves
//! running.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use serde_json::json;

use crate::scene::{Scene, lives, script, wait_until, words_of};

#[test]
fn an_exit_status_is_judged_and_the_run_goes_on() {
    let scene = Scene::new();
    scene.hook("20-not-me", script("exit 77"));
    scene.hook("30-fails", script("echo sorry >&2; exit 5"));
    scene.hook("40-dies", script("kill -USR1 $$"));
    scene.hook("60-after", script(""));
    let ran = scene.ip_up();
    assert!(ran.summaries[0].contains("4 hooks run, failed: 30-fails 40-dies, "), "{ran:?}");
    for (step, outcome, key, value) in [
        ("20-not-me", "not-for-me", "status", Some(77)),
        ("30-fails", "failed", "status", Some(5)),
        ("40-dies", "failed", "signal", Some(10)),
        ("60-after", "done", "signal", None),
    ] {
        let end = scene.end_of(step);
        assert_eq!(end["outcome"], outcome, "{end:#}");
        assert_eq!(end[key].as_i64(), value, "{end:#}");
    }
    assert_eq!(scene.end_of("30-fails")["output"], "sorry\n");
    let failed = json!({ "kind": "steps", "steps": ["30-fails", "40-dies"] });
    assert_eq!(scene.records("outcome")[0]["reason"], failed);
}

#[test]
fn a_hook_that_cannot_be_started_says_what_to_do() {
    for (text, reason) in [
        ("echo hi\n", "add #!/bin/sh"),
        ("#!/no/such/shell\n", "the interpreter in its #! line is missing"),
        ("#!/bin/sh\r\necho hi\r\n", "or the line ends in CR"),
    ] {
        let scene = Scene::new();
        scene.hook("20-a", text).hook("30-b", script(""));
        scene.ip_up();
        let end = scene.end_of("20-a");
        assert_eq!(end["outcome"], "not-started", "{end:#}");
        assert!(words_of(&end["failed"]).contains(reason), "{end:#}");
        assert_eq!(scene.end_of("30-b")["outcome"], "done");
    }
}

#[test]
fn what_a_hook_leaves_in_its_group_is_ended() {
    let scene = Scene::new();
    let root = scene.root().display();
    scene.hook("20-a", script(&format!("sleep 600 &\necho $! >{root}/child")));
    scene.ip_up();
    let end = scene.end_of("20-a");
    assert_eq!(end["left_processes"], true, "{end:#}");
    assert_eq!(end["outcome"], "done");
    assert!(!lives(&scene.text("child")));
}

#[test]
fn a_daemon_that_keeps_the_pipe_delays_nobody() {
    let scene = Scene::new();
    let root = scene.root().display();
    scene.hook("20-a", script(&format!("setsid sh -c 'echo $$ >{root}/daemon; exec sleep 600' &\nuntil [ -s {root}/daemon ]; do :; done\necho started")));
    scene.ip_up();
    let end = scene.end_of("20-a");
    assert!(lives(&scene.text("daemon")), "a daemon is none of our business");
    let pid: i32 = scene.text("daemon").trim().parse().expect("a pid");
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("a process");
    assert_eq!((&end["outcome"], &end["output"]), (&"done".into(), &"started\n".into()));
    assert!(end["ms"].as_f64().expect("a number") < 20_000.0, "{end:#}");
}

#[test]
fn a_hook_that_holds_nobody_runs_on_by_itself_and_its_end_is_on_record() {
    let scene = Scene::new();
    scene.gated_hook("20-slow", "# netcue: wait=no source=ppp");
    scene.ip_up();
    scene.from("boot services");
    assert_eq!(scene.outcomes(), ["done", "done"], "neither waits for it");
    assert_eq!(scene.end_of("20-slow")["outcome"], "started");
    scene.begun(1);
    scene.open();
    wait_until("the end of the hook on record", || scene.end_of("20-slow")["outcome"] == "done");
}
