//! What becomes of an event when something goes wrong on its way, or takes too long.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::scene::{IP_UP, Scene, wait_until};

const PRE_UP: &str = "ppp ip-pre-up ppp1 /dev/ttyS1 115200 203.0.113.6 203.0.113.1";

fn signal(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).expect("a process");
}

#[test]
fn who_needs_it_finished_is_kept_until_it_is() {
    let scene = Scene::new();
    scene.gated_hook("20-slow", "# netcue: action=up");
    let up = scene.calling(IP_UP).spawn();
    scene.begun(1);
    let mut pre_up = scene.calling(PRE_UP).spawn();
    wait_until("both events to wait", || scene.queue().len() == 2);
    assert!(!pre_up.has_ended());
    scene.open();
    let ran = pre_up.finish();
    assert_eq!(ran.summaries, Vec::<String>::new(), "somebody else did the work");
    let outcomes = scene.outcomes();
    assert_eq!(outcomes, ["done", "done"], "at the moment of its return");
    up.finish();
}

#[test]
fn who_is_kept_longer_than_its_limit_is_let_go_and_the_event_stays() {
    let scene = Scene::new();
    scene.gated_hook("20-slow", "# netcue: action=up");
    let up = scene.calling(IP_UP).spawn();
    scene.begun(1);
    let start = Instant::now();
    let lax = scene.calling(PRE_UP).spawn();
    wait_until("the lax call to wait", || scene.queue().len() == 2);
    scene.config("strict = true\n");
    let strict = scene.calling(PRE_UP).status(75).spawn();
    lax.finish();
    strict.finish();
    let kept = start.elapsed();
    assert!((9..20).contains(&kept.as_secs()), "{kept:?}");
    assert_eq!(scene.queue().len(), 3);
    scene.open();
    up.finish();
    scene.settled();
    assert_eq!(scene.outcomes(), ["done", "done", "done"]);
}

#[test]
fn the_death_of_a_run_is_made_good_while_a_caller_waits() {
    let scene = Scene::new();
    let root = scene.root().display();
    scene.hook("10-first", format!("#!/bin/sh\necho once >>{root}/first\n"));
    scene.gated_hook("20-slow", "# netcue: action=up");
    let call = scene.calling(IP_UP);
    let holder = call.status(128 + 9).spawn();
    scene.begun(1);
    let waiter = scene.calling(PRE_UP).spawn();
    wait_until("both events to wait", || scene.queue().len() == 2);
    signal(holder.pid(), Signal::SIGKILL);
    holder.finish();
    scene.begun(2);
    scene.open();
    waiter.finish();
    assert_eq!(scene.outcomes(), ["done", "done"]);
    assert_eq!(scene.text("first"), "once\nonce\n", "once for each event, not for each attempt");
    let attempts: Vec<Value> =
        scene.records("run-begin").iter().map(|run| run["attempt"].clone()).collect();
    assert_eq!(attempts, [1, 2, 1]);
}

#[test]
fn a_hook_of_a_dead_run_is_ended_before_it_is_repeated() {
    let scene = Scene::new();
    let root = scene.root().display();
    // The shell may say on stderr that what it started was terminated, and nobody reads
    // that any more: SIGPIPE would end it before its trap.
    scene.hook(
        "20-slow",
        format!(
            "#!/bin/sh\nexec 2>/dev/null\nmkdir {root}/alone || echo beside another\n\
             trap 'rmdir {root}/alone; exit 0' TERM\necho $$ >>{root}/begun\n\
             until [ -e {root}/open ]; do sleep 0.02; done\nrmdir {root}/alone\n"
        ),
    );
    let run = scene.calling(IP_UP).status(128 + 9).spawn();
    scene.begun(1);
    signal(run.pid(), Signal::SIGKILL);
    run.finish();
    let successor = scene.netcue(["run"]).spawn();
    scene.begun(2);
    scene.open();
    successor.finish();
    assert_eq!(scene.end_of("20-slow")["output"], Value::Null);
    assert_eq!(scene.outcomes(), ["done"]);
}

#[test]
fn an_event_whose_hook_asks_its_runs_to_end_is_set_aside_after_the_tenth() {
    let scene = Scene::new();
    scene.hook("20-a", "#!/bin/sh\n# netcue: action=up\nkill -TERM $PPID\nsleep 60\n");
    scene.calling(IP_UP).status(128 + 15).run();
    wait_until("the event to be set aside", || !scene.names_in("run/netcue/failed").is_empty());
    scene.settled();
    assert_eq!(scene.outcomes(), ["given-up"]);
    let stopped = json!({ "kind": "stopped", "times": 10 });
    assert_eq!(scene.records("outcome")[0]["reason"], stopped);
    assert_eq!(scene.records("run-begin").len(), 10);
    scene.from("boot start");
    assert_eq!(scene.outcomes(), ["given-up", "done"]);
}

#[test]
fn a_stopped_holder_of_the_lock_keeps_nobody_longer_than_its_limit() {
    let scene = Scene::new();
    scene.gated_hook("20-slow", "# netcue: action=up");
    let holder = scene.calling(IP_UP).spawn();
    scene.begun(1);
    signal(holder.pid(), Signal::SIGSTOP);
    scene.open();
    let start = Instant::now();
    scene.from(PRE_UP);
    let kept = start.elapsed();
    assert!(kept < Duration::from_secs(20), "{kept:?}");
    assert_eq!(scene.outcomes(), Vec::<String>::new());
    assert_eq!(scene.queue().len(), 2, "nothing is lost, and nothing runs beside the holder");
    signal(holder.pid(), Signal::SIGCONT);
    holder.finish();
    scene.settled();
    assert_eq!(scene.outcomes(), ["done", "done"]);
}

#[test]
fn a_run_that_is_told_to_end_passes_it_on_and_leaves_the_rest_to_a_successor() {
    let scene = Scene::new();
    let root = scene.root().display();
    scene.hook(
        "20-slow",
        format!(
            "#!/bin/sh\ntrap 'echo told >>{root}/told; exit 9' TERM\n\
             echo \"$NETCUE_ATTEMPT\" >>{root}/begun\n\
             until [ -e {root}/open ]; do sleep 0.02; done\n"
        ),
    );
    let call = scene.calling(IP_UP);
    let run = call.status(128 + 15).spawn();
    scene.begun(1);
    signal(run.pid(), Signal::SIGTERM);
    run.finish();
    scene.begun(2);
    scene.open();
    scene.settled();
    assert_eq!(scene.text("told"), "told\n");
    assert_eq!(scene.text("begun"), "1\n2\n");
    assert_eq!(scene.outcomes(), ["done"]);
}

#[test]
fn an_event_that_kills_three_runs_is_set_aside_and_the_next_goes_on() {
    let scene = Scene::new();
    scene.hook("20-deadly", "#!/bin/sh\n# netcue: action=up\nkill -9 $PPID\n");
    scene.calling(IP_UP).status(128 + 9).run();
    for _ in 0..2 {
        scene.netcue(["run"]).status(128 + 9).run();
    }
    let down = IP_UP.replace("ip-up", "ip-down");
    scene
        .calling(&down)
        .stderr_has("netcue: set aside as ROOT/run/netcue/failed/")
        .stderr_has(": its run died 3 times\n")
        .run();
    assert_eq!(scene.outcomes(), ["given-up", "done"]);
    assert_eq!(scene.names_in("run/netcue/failed").len(), 1);
    assert_eq!(scene.queue(), Vec::<String>::new());
}

#[test]
fn a_queue_file_that_holds_no_event_is_set_aside_and_says_why() {
    let scene = Scene::new();
    scene.ip_up();
    let name = "00000000000000000001-broken.json";
    fs::write(scene.path("run/netcue/queue").join(name), "{\"schema\":").expect("a file");
    scene
        .netcue(["run"])
        .stderr_has("netcue: set aside as ROOT/run/netcue/failed/00000000000000000001-broken.json")
        .stderr_has("holds no event: EOF while parsing")
        .run();
    assert_eq!(scene.queue(), Vec::<String>::new());
    assert_eq!(scene.names_in("run/netcue/failed"), [name]);
    assert_eq!(scene.records("set-aside").len(), 1);
}

#[test]
fn an_event_that_cannot_be_queued_is_handled_all_the_same() {
    let scene = Scene::new();
    scene.hook("20-a", "#!/bin/sh\necho ran\n");
    // A file where the folder should be stands for every reason why a queue can't be written.
    fs::create_dir_all(scene.path("run")).expect("a folder");
    fs::write(scene.path("run/netcue"), "").expect("a file");
    let ran = scene.calling(IP_UP).stderr_has("is handled without the queue").run();
    assert_eq!(ran.summaries.len(), 1, "{ran:?}");
    assert_eq!(scene.end_of("20-a")["output"], "ran\n");
    assert_eq!(scene.outcomes(), ["done"]);
}

#[test]
fn work_goes_on_without_a_journal() {
    let scene = Scene::new();
    let root = scene.root().display();
    scene.hook("20-a", format!("#!/bin/sh\ntouch {root}/ran\n"));
    fs::create_dir_all(scene.path("var/log")).expect("a folder");
    fs::write(scene.path("var/log/netcue"), "").expect("a file");
    let said = "going on without the journal\n";
    let call = scene.calling(IP_UP);
    let ran = call.stderr_has(said).run();
    assert_eq!(ran.stderr.matches(said).count(), 1, "{ran:?}");
    assert!(scene.path("ran").exists());
}
