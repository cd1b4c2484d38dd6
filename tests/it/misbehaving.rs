//! Hooks that do what no hook should, and what becomes of the others meanwhile.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::scene::{IP_UP, Scene, text_of, wait_until};

/// The most memory that a run has taken so far, in kB, as its last hook sees it.
const PEAK: &str = "#!/bin/sh\nsed -n 's/^VmHWM:[^0-9]*\\([0-9]*\\) kB/\\1/p' /proc/$PPID/status\n";

fn peak(scene: &Scene) -> u32 {
    text_of(&scene.end_of("90-peak")["output"]).trim().parse().expect("a number")
}

#[test]
fn three_hundred_megabytes_of_output_cost_less_than_one_of_memory() {
    let scene = Scene::new();
    scene.hook("90-peak", PEAK);
    scene.ip_up();
    let usual = peak(&scene);
    scene.hook("20-flood", "#!/bin/sh\necho first\nhead -c 300000000 /dev/zero\necho last\n");
    scene.ip_up();
    let end = scene.end_of("20-flood");
    let output = text_of(&end["output"]);
    assert!(output.starts_with("first\n") && output.ends_with("last\n"), "{}", output.len());
    assert!(output.contains("\n[… 29999"), "how much is missing is said");
    assert!(peak(&scene) < usual + 1024, "{usual} kB without, {} kB with the flood", peak(&scene));
    assert!(scene.text("var/log/netcue/journal.jsonl").len() < 256 * 1024);
}

#[test]
fn a_hook_that_never_reads_the_event_blocks_nobody() {
    let scene = Scene::new();
    scene.hook("20-deaf", "#!/bin/sh\nexec <&-\necho deaf\n");
    scene.hook("70-after", "#!/bin/sh\nwc -c\n");
    // More than a pipe holds.
    let facts = format!("{{\"later\":\"{}\"}}", "x".repeat(60 * 1024));
    scene.netcue(["emit", "--json"]).stdin(facts.clone()).any_stdout().run();
    assert_eq!(scene.outcomes(), ["done"]);
    let read: usize =
        text_of(&scene.end_of("70-after")["output"]).trim().parse().expect("a number");
    assert!(read > facts.len(), "{read}");
}

#[test]
fn one_over_its_limit_takes_no_more_than_its_limit_from_the_others() {
    let scene = Scene::new();
    scene.config("[hooks]\ngrace = 1\n");
    scene.hook(
        "20-stubborn",
        "#!/bin/sh\n# netcue: timeout=1s\ntrap '' TERM INT HUP\nwhile :; do sleep 1; done\n",
    );
    scene.hook("30-next", "#!/bin/sh\necho on time\n");
    let start = Instant::now();
    scene.ip_up();
    let took = start.elapsed();
    assert!((2..12).contains(&took.as_secs()), "{took:?}");
    assert_eq!(scene.end_of("20-stubborn")["outcome"], "timed-out");
    assert_eq!(scene.end_of("30-next")["output"], "on time\n");
    assert_eq!(scene.end_of("50-rules")["outcome"], "changed");
    assert_eq!(scene.outcomes(), ["failed"]);
}

/// A hook that holds nobody, and tells who runs it.
fn unattended(scene: &Scene, header: &str) {
    let root = scene.root().display();
    scene.hook(
        "20-slow",
        format!(
            "#!/bin/sh\n# netcue: wait=no source=ppp {header}\n\
             echo $PPID >>{root}/begun\nuntil [ -e {root}/open ]; do sleep 0.02; done\necho slow\n"
        ),
    );
}

fn last_end(scene: &Scene) -> Value {
    scene.end_of("20-slow")["outcome"].clone()
}

#[test]
fn a_hook_that_holds_nobody_leaves_the_lock_and_later_events_alone() {
    let scene = Scene::new();
    unattended(&scene, "");
    scene.ip_up();
    scene.begun(1);
    assert!(scene.lock_is_free(), "the run is over, the hook is not");
    let start = Instant::now();
    scene.from("boot start");
    scene.from("manual run");
    assert!(start.elapsed() < Duration::from_secs(20));
    assert_eq!(scene.outcomes(), ["done"; 3]);
    assert_eq!(last_end(&scene), "started");
    scene.open();
    wait_until("its end", || last_end(&scene) == "done");
    assert_eq!(scene.end_of("20-slow")["output"], "slow\n");
    wait_until("nothing to be left of it", || scene.names_in("run/netcue/unattended").is_empty());
}

#[test]
fn a_hook_that_holds_nobody_is_bounded_all_the_same() {
    let scene = Scene::new();
    unattended(&scene, "timeout=1s");
    scene.ip_up();
    wait_until("its end", || last_end(&scene) == "timed-out");
    wait_until("nothing to be left of it", || scene.names_in("run/netcue/unattended").is_empty());
}

#[test]
fn a_hook_that_holds_nobody_and_asks_its_process_to_end_is_given_up_after_the_tenth() {
    let scene = Scene::new();
    let header = "# netcue: wait=no source=ppp";
    scene.hook("20-slow", format!("#!/bin/sh\n{header}\nkill -TERM $PPID\nsleep 60\n"));
    scene.ip_up();
    wait_until("its end", || last_end(&scene) == "not-started");
    let reason = "its run was asked to end 10 times";
    assert_eq!(scene.failure_of("20-slow"), reason);
    wait_until("nothing to be left of it", || scene.names_in("run/netcue/unattended").is_empty());
    assert_eq!(
        scene.records("step-end").iter().filter(|end| end["outcome"] == "interrupted").count(),
        10
    );
}

#[test]
fn the_end_of_a_hook_that_holds_nobody_is_on_record_though_its_process_is_killed() {
    let scene = Scene::new();
    unattended(&scene, "");
    scene.ip_up();
    scene.begun(1);
    let pid: i32 = scene.text("begun").trim().parse().expect("a pid");
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("a process");
    wait_until("its end", || std::fs::metadata(format!("/proc/{pid}/exe")).is_err());
    assert_eq!(last_end(&scene), "started");
    // Whoever calls next looks after it.
    scene.from("boot start");
    scene.begun(2);
    scene.open();
    wait_until("the end on record", || last_end(&scene) == "done");
    assert_eq!(scene.outcomes(), ["done", "done"]);
    let ends: Vec<Value> = scene.records("step-end");
    let ends: Vec<&Value> = ends.iter().filter(|end| end["step"] == "20-slow").collect();
    assert_eq!(ends.len(), 2, "started, and done once: {ends:#?}");
}

#[test]
fn a_hook_that_kills_its_group_or_stops_itself_is_ended_and_recorded() {
    let scene = Scene::new();
    scene.config("[hooks]\ngrace = 1\n");
    scene.hook("20-suicide", "#!/bin/sh\nkill -9 0\n");
    scene.hook("30-stops", "#!/bin/sh\n# netcue: timeout=1s\nkill -STOP $$\n");
    scene.hook("40-next", "#!/bin/sh\n");
    scene.from(IP_UP);
    assert_eq!(scene.end_of("20-suicide")["signal"], 9);
    assert_eq!(scene.end_of("30-stops")["outcome"], "timed-out");
    assert_eq!(scene.end_of("40-next")["outcome"], "done");
}
