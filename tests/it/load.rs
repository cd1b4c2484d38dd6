//! More of everything than usual: hooks that hold nobody, events from hooks, waiting callers.

use std::fs;

use crate::call::{Call, NETCUE};
use crate::lock::Held;
use crate::scene::{IP_UP, Scene, text_of, wait_until, words_of};

/// An event that waits for its end, of which many may come.
fn pre_up(number: usize) -> String {
    format!("ppp ip-pre-up ppp{number} /dev/ttyS0 115200 203.0.113.5 203.0.113.1")
}

#[test]
fn hooks_that_hold_nobody_run_so_many_at_a_time_and_the_others_in_their_order() {
    for most in [1, 3] {
        let scene = Scene::new();
        scene.config(&format!("[hooks]\nunattended = {most}\n"));
        let root = scene.root().display();
        scene.hook(
            "20-slow",
            format!(
                "#!/bin/sh\n# netcue: wait=no\n\
                 echo \"begin $NETCUE_INTERFACE\" >>{root}/marks\n\
                 until [ -e {root}/open ]; do sleep 0.02; done\n\
                 echo \"end $NETCUE_INTERFACE\" >>{root}/marks\n"
            ),
        );
        for number in 0..9 {
            scene.from(&format!("pcmcia start eth{number}"));
        }
        scene.settled();
        let begun = || scene.text("marks").matches("begin").count();
        wait_until("the first to begin", || begun() == most);
        assert_eq!(scene.names_in("run/netcue/unattended").len(), 9);
        // Nor does a later event begin more of them.
        scene.netcue(["run"]).run();
        assert_eq!(begun(), most);
        scene.open();
        wait_until("all to end", || scene.names_in("run/netcue/unattended").is_empty());
        let marks = scene.text("marks");
        let mut at_a_time: usize = 0;
        for mark in marks.lines() {
            at_a_time = if mark.starts_with("begin") { at_a_time + 1 } else { at_a_time - 1 };
            assert!(at_a_time <= most, "{marks}");
        }
        let order: Vec<&str> =
            marks.lines().filter_map(|mark| mark.strip_prefix("begin eth")).collect();
        // Those that run at a time may write in any order.
        assert!(most > 1 || order.is_sorted(), "{marks}");
        let ends = scene.records("step-end");
        let done = ends.iter().filter(|end| end["step"] == "20-slow" && end["outcome"] == "done");
        assert_eq!(done.count(), 9);
    }
}

#[test]
fn events_that_go_back_to_one_are_bounded_and_that_is_said_once() {
    let scene = Scene::new();
    let emit = format!("{NETCUE} --root {} emit --no-wait", scene.root().display());
    scene.hook("20-three", format!("#!/bin/sh\n{emit}\n{emit}\n{emit}\necho \"status $?\"\n"));
    scene.ip_up();
    wait_until("the last to be refused", || {
        let outcomes = scene.outcomes().len();
        outcomes == 257 && scene.queue().is_empty()
    });
    scene.settled();
    let accepted = scene.records("accepted");
    assert_eq!(accepted.len(), 257, "the first, and those that go back to it");
    for caused in &accepted[1..] {
        assert_eq!(caused["event"]["first_cause"], accepted[0]["event_id"]);
    }
    let refused = scene.records("refused");
    assert_eq!(refused.len(), 1, "{refused:#?}");
    let reason = format!("256 events go back to event {}", text_of(&accepted[0]["event_id"]));
    assert!(words_of(&refused[0]["reason"]).contains(&reason), "{refused:#?}");
    let output = scene.output_of("20-three");
    assert!(output.contains("status 65") && output.contains(&reason), "{output}");
    // Another event has its own.
    fs::remove_file(scene.path("etc/netcue/hooks.d/20-three")).expect("removed");
    scene.hook("20-one", format!("#!/bin/sh\n# netcue: source=ppp\n{emit}\n"));
    scene.ip_up();
    wait_until("its event", || scene.records("accepted").len() == 259);
}

#[test]
fn each_waiting_event_is_read_once_for_hooks_that_coalesce() {
    let scene = Scene::new();
    scene.hook("20-newest", "#!/bin/sh\n# netcue: interface=none coalesce=interface\n");
    scene.from("boot start");
    let held = Held::lock(&scene.path("run/netcue/lock"));
    let events = 60;
    for number in 0..events {
        scene.from(&format!("pcmcia start eth{number}"));
    }
    drop(held);
    let trace = scene.path("trace");
    Call::through("strace", scene.root())
        .words(["-qq", "-e", "trace=openat", "-o"])
        .word(&trace)
        .words([NETCUE, "--root"])
        .word(scene.root())
        .words(["run"])
        .run();
    let opened = scene.text("trace");
    let read = opened.lines().filter(|line| line.contains("/run/netcue/queue/0")).count();
    // Each for its own turn, and each that waits behind another once.
    assert!((events..=2 * events).contains(&read), "{read} reads of {events} events");
    assert_eq!(scene.outcomes().len(), events + 1);
}

#[test]
fn many_who_wait_are_woken_by_their_own_event_alone() {
    let scene = Scene::new();
    scene.gated_hook("20-slow", "# netcue: interface=ppp0");
    let holder = scene.calling(IP_UP).spawn();
    scene.begun(1);
    let waiter = scene.traced(&pre_up(100)).spawn();
    wait_until("it to wait", || scene.text("trace").contains("events=POLLIN"));
    let others: Vec<_> = (1..50).map(|number| scene.calling(&pre_up(number)).spawn()).collect();
    wait_until("all to wait", || scene.queue().len() == 51);
    let woken = || scene.text("trace").matches("= 1 (").count();
    let before = woken();
    scene.open();
    holder.finish();
    for other in others {
        other.finish();
    }
    waiter.finish();
    assert!(woken() - before <= 1, "{}", scene.text("trace"));
    assert_eq!(scene.outcomes(), ["done"; 51]);
}

#[test]
fn who_gets_no_watch_waits_all_the_same_and_is_told_what_to_raise() {
    let scene = Scene::new();
    scene.gated_hook("20-slow", "# netcue: interface=ppp0");
    let holder = scene.calling(IP_UP).spawn();
    scene.begun(1);
    let mut waiter = Call::through("strace", scene.root())
        .words(["-qq", "-o", "/dev/null", "-e", "inject=inotify_init1:error=EMFILE", NETCUE])
        .words(["--root"])
        .word(scene.root())
        .words(["from"])
        .words(pre_up(1).split(' '))
        .stderr_has("raise fs.inotify.max_user_instances")
        .stderr_has("looking from time to time instead\n")
        .spawn();
    wait_until("both to wait", || scene.queue().len() == 2);
    assert!(!waiter.has_ended());
    scene.open();
    waiter.finish();
    assert_eq!(scene.outcomes(), ["done", "done"], "at the moment of its return");
    holder.finish();
}
