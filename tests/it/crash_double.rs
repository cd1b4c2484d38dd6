//! Two faults at once: a death, and something else that is wrong at that moment.

use std::fs;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::aftermath::netcues;
use crate::call::{Call, NETCUE};
use crate::lock::Held;
use crate::machine::Mounted;
use crate::scene::{IP_UP, Scene, text_of, wait_until};

/// netcue as a tracer lets it run: `inject` says which call goes wrong, and how.
fn traced(scene: &Scene, inject: &str, path: &Path) -> Call {
    let inject = format!("inject={inject}");
    Call::through("strace", scene.root())
        .words(["-f", "-qq", "-o", "/dev/null", "-e", &inject, "-P"])
        .word(path)
        .words([NETCUE, "--root"])
        .word(scene.root())
        .any_stderr()
}

/// A hook that tells when it begins and ends, and may be held up in between.
fn telling_hook(scene: &Scene) {
    let root = scene.root().display();
    scene.hook(
        "20-slow",
        format!(
            "#!/bin/sh\necho \"begin $NETCUE_ID $$\" >>{root}/marks\n\
             until [ -e {root}/open ]; do sleep 0.02; done\n\
             echo \"end $NETCUE_ID $$\" >>{root}/marks\n"
        ),
    );
}

/// The events whose hook began and ended, in order; fails where two overlap.
fn ended(scene: &Scene) -> Vec<String> {
    let marks = scene.text("marks");
    let mut ended = Vec::new();
    let mut current = None;
    for mark in marks.lines() {
        match mark.split_once(' ').expect("a mark") {
            ("begin", whose) => current = Some(whose),
            (_, whose) => {
                assert_eq!(current, Some(whose), "two at once: {marks}");
                ended.push(whose.split(' ').next().expect("an event").to_owned());
            }
        }
    }
    ended
}

fn begun(scene: &Scene, times: usize) {
    wait_until("a hook to begin", || scene.text("marks").matches("begin ").count() == times);
}

fn assert_each_has_one_outcome(scene: &Scene, events: usize) {
    let outcomes = scene.outcomes_by_event();
    assert_eq!(outcomes.len(), events, "{outcomes:?}");
    assert!(outcomes.values().all(|of_one| of_one.len() == 1), "{outcomes:?}");
}

#[test]
fn an_event_that_kills_its_runs_is_given_up_though_nothing_more_can_be_written() {
    let scene = Scene::new();
    let small = Mounted::small(scene.path("run/netcue"));
    scene.from("boot start");
    let held = Held::lock(&scene.path("run/netcue/lock"));
    scene.hook("20-deadly", "#!/bin/sh\n# netcue: action=up\nkill -9 $PPID\nsleep 60\n");
    scene.ip_up();
    scene.from("boot interfaces");
    small.fill();
    drop(held);
    for _ in 0..3 {
        scene.netcue(["run"]).status(128 + 9).any_stderr().run();
    }
    scene.netcue(["run"]).stderr_has("its run died 3 times").run();
    assert_eq!(scene.outcomes(), ["done", "given-up", "done"]);
    assert_each_has_one_outcome(&scene, 3);
}

#[test]
fn what_has_ended_is_not_run_again_though_nothing_more_can_be_written() {
    let scene = Scene::new();
    let small = Mounted::small(scene.path("run/netcue"));
    scene.from("boot start");
    let root = scene.root().display();
    scene.hook("20-a", format!("#!/bin/sh\necho >>{root}/ran\n"));
    let held = Held::lock(&scene.path("run/netcue/lock"));
    scene.ip_up();
    let file = scene.path("run/netcue/queue").join(scene.queue().pop().expect("an event"));
    small.fill();
    drop(held);
    traced(&scene, "unlink:signal=KILL", &file).words(["run"]).status(128 + 9).run();
    assert_eq!(scene.outcomes(), ["done", "done"], "it died later than it should for this test");
    assert_eq!(scene.queue().len(), 1, "it died later than it should for this test");
    scene.netcue(["run"]).any_stderr().run();
    assert_eq!(scene.queue(), Vec::<String>::new());
    assert_eq!(scene.text("ran"), "\n");
    assert_each_has_one_outcome(&scene, 2);
}

#[test]
fn a_lock_that_is_removed_under_its_holder_lets_nobody_in() {
    for gone in ["run/netcue/lock", "run/netcue"] {
        let scene = Scene::new();
        telling_hook(&scene);
        let holder = scene.calling(IP_UP).spawn();
        begun(&scene, 1);
        let path = scene.path(gone);
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
            .expect("removed");
        let second = scene.from(&IP_UP.replace("ppp0", "ppp1"));
        assert_eq!(second.summaries, Vec::<String>::new(), "it is the holder's turn");
        scene.netcue(["run"]).run();
        assert_eq!(scene.text("marks").lines().count(), 1, "{gone}");
        scene.open();
        let first = holder.finish();
        assert_eq!(first.summaries.len(), 2, "who held it looks again: {first:?}");
        scene.settled();
        assert_eq!(ended(&scene).len(), 2, "{gone}");
        assert_each_has_one_outcome(&scene, 2);
    }
}

#[test]
fn an_event_that_could_not_be_queued_outlives_its_run() {
    let scene = Scene::new();
    scene.from("boot start");
    telling_hook(&scene);
    let full = Mounted::full(scene.path("run/netcue/queue"));
    let run = scene.calling(IP_UP).status(128 + 9).any_stderr().spawn();
    begun(&scene, 1);
    kill(Pid::from_raw(run.pid()), Signal::SIGKILL).expect("a process");
    run.finish();
    drop(full);
    let other = scene.calling(&IP_UP.replace("ppp0", "ppp1")).any_stderr().spawn();
    begun(&scene, 2);
    scene.open();
    let other = other.finish();
    assert_eq!(other.summaries.len(), 2, "{other:?}");
    let first = text_of(&scene.records("accepted")[1]["event_id"]);
    let ended = ended(&scene);
    assert_eq!(ended.len(), 2, "the orphan says no more: {}", scene.text("marks"));
    assert_eq!(ended[0], first);
    assert_each_has_one_outcome(&scene, 3);
    let attempts = scene.records("run-begin");
    assert_eq!(attempts.last().expect("a run")["attempt"], 1);
    assert_eq!(attempts[attempts.len() - 2]["attempt"], 2);
}

#[test]
fn one_that_could_not_be_queued_and_kills_its_runs_is_given_up() {
    let scene = Scene::new();
    scene.from("boot start");
    scene.hook("20-deadly", "#!/bin/sh\n# netcue: action=up\nkill -9 $PPID\nsleep 60\n");
    let full = Mounted::full(scene.path("run/netcue/queue"));
    scene.calling(IP_UP).status(128 + 9).any_stderr().run();
    for _ in 0..2 {
        scene.netcue(["run"]).status(128 + 9).any_stderr().run();
    }
    scene.netcue(["run"]).stderr_has("its run died 3 times").any_status().run();
    drop(full);
    scene.from("boot interfaces");
    assert_eq!(scene.outcomes(), ["done", "given-up", "done"]);
}

/// strace holds the child up where it is about to become the hook.
#[test]
fn a_run_killed_while_it_starts_a_hook_strands_nothing() {
    let scene = Scene::new();
    let root = scene.root().display();
    scene.hook("20-a", format!("#!/bin/sh\necho $NETCUE_ID >>{root}/ran\n"));
    scene.from("boot start");
    let hook = scene.path("etc/netcue/hooks.d/20-a");
    for call in
        [IP_UP, "boot interfaces", "ppp ip-pre-up ppp1 /dev/ttyS1 115200 203.0.113.6 203.0.113.1"]
    {
        let before = scene.records("accepted").len();
        let steps = || scene.records("step-begin").iter().filter(|s| s["step"] == "20-a").count();
        let (begun, netcues_before) = (steps(), netcues(&scene));
        let run = traced(&scene, "execve:delay_enter=1500ms", &hook)
            .words(["from", "boot", "services"])
            .any_status()
            .spawn();
        wait_until("the hook to be about to begin", || steps() == begun + 1);
        let is_run = |pid: &i32| *pid != run.pid() && !netcues_before.contains(pid);
        wait_until("a process on its way to become a hook", || {
            netcues(&scene).iter().filter(|pid| is_run(pid)).count() == 2
        });
        let victim = netcues(&scene).into_iter().filter(is_run).min().expect("the run");
        kill(Pid::from_raw(victim), Signal::SIGKILL).expect("a process");
        wait_until("its death", || crate::scene::lives(&victim.to_string()).eq(&false));
        assert!(!scene.lock_is_free(), "the child came too far for this test");
        scene.calling(call).any_stderr().run();
        wait_until("all to be done without one more call", || scene.outcomes().len() == before + 2);
        run.finish();
    }
    scene.settled();
    assert_each_has_one_outcome(&scene, 7);
}

#[test]
fn a_draft_is_taken_in_though_its_writers_number_lives_again() {
    let scene = Scene::new();
    scene.from("boot start");
    let traced = Call::through("strace", scene.root())
        .words(["-qq", "-o", "/dev/null", "-e", "inject=rename:signal=KILL:when=1"])
        .words([NETCUE, "--root"])
        .word(scene.root())
        .words(["from"])
        .words(IP_UP.split(' '));
    traced.status(128 + 9).any_stderr().run();
    let queue = scene.path("run/netcue/queue");
    let draft = scene.queue().pop().expect("a draft");
    assert!(draft.starts_with('.'), "{draft}");
    let (ticket, _) = draft.rsplit_once('.').expect("a number");
    fs::rename(queue.join(&draft), queue.join(format!("{ticket}.1"))).expect("renamed");
    scene.netcue(["run"]).run();
    assert_eq!(scene.outcomes(), ["done", "done"]);
    assert_eq!(scene.queue(), Vec::<String>::new());
}

#[test]
fn a_draft_of_the_living_is_left_alone() {
    let scene = Scene::new();
    scene.from("boot start");
    // Held up between the record of its acceptance and the queue.
    let slow = Call::through("strace", scene.root())
        .words(["-qq", "-o", "/dev/null", "-e", "inject=rename:delay_enter=700ms:when=1"])
        .words([NETCUE, "--root"])
        .word(scene.root())
        .words(["from"])
        .words(IP_UP.split(' '))
        .spawn();
    wait_until("its draft", || !scene.queue().is_empty() && scene.records("accepted").len() == 2);
    scene.netcue(["run"]).run();
    assert!(scene.queue()[0].starts_with('.'), "{:?}", scene.queue());
    slow.finish();
    assert_each_has_one_outcome(&scene, 2);
}

#[test]
fn an_outcome_that_could_not_be_recorded_is_on_record_after_the_next_turn() {
    let scene = Scene::new();
    let journal = scene.path("var/log/netcue/journal.jsonl");
    // What has room: accepted, state, run-begin and step-begin. What hasn't: step-end and
    // outcome, which are written together.
    traced(&scene, "write:error=ENOSPC:when=4+", &journal)
        .words(["from"])
        .words(IP_UP.split(' '))
        .stderr_has("going on without the journal")
        .run();
    let kinds = |scene: &Scene| -> Vec<String> {
        scene.journal().iter().map(|record| text_of(&record["record"])).collect()
    };
    assert_eq!(kinds(&scene), ["accepted", "state", "run-begin", "step-begin"]);
    assert_eq!(scene.queue(), Vec::<String>::new());
    // Killed over it, the next turn does it all the same, and only once.
    traced(&scene, "unlink:signal=KILL", &scene.path("run/netcue/unrecorded.jsonl.1"))
        .words(["run"])
        .status(128 + 9)
        .run();
    assert_eq!(scene.outcomes(), ["done"]);
    scene.from("boot start");
    assert_each_has_one_outcome(&scene, 2);
    assert_eq!(kinds(&scene)[4..6], ["step-end", "outcome"]);
    assert_eq!(scene.records("step-end").len(), 2);
    let first = &scene.records("outcome")[0];
    assert_eq!(first["event_id"], scene.records("accepted")[0]["event_id"]);
    let left = scene.names_in("run/netcue");
    assert!(!left.iter().any(|name| name.contains("unrecorded")), "{left:?}");
}

/// Accepted later and begun first, as when the older one came from a draft: a successor that
/// went by the names would leave its note at the older one, and forget what had ended.
#[test]
fn what_was_begun_is_finished_before_anything_else() {
    let scene = Scene::new();
    scene.from("boot start");
    let root = scene.root().display();
    scene.hook("20-a", format!("#!/bin/sh\necho $NETCUE_INTERFACE >>{root}/ran\n"));
    let held = Held::lock(&scene.path("run/netcue/lock"));
    scene.ip_up();
    let older = scene.queue().pop().expect("an event");
    scene.from(&IP_UP.replace("ppp0", "ppp1"));
    let [queue, beside] = ["run/netcue/queue", "run/older.json"].map(|path| scene.path(path));
    let begun = scene.queue().pop().expect("another");
    assert!(older < begun);
    fs::rename(queue.join(&older), &beside).expect("moved");
    drop(held);
    let dying = traced(&scene, "unlink:signal=KILL", &queue.join(&begun));
    dying.words(["run"]).status(128 + 9).run();
    assert_eq!(scene.outcomes(), ["done", "done"]);
    fs::rename(&beside, queue.join(&older)).expect("moved back");
    let dying = traced(&scene, "unlink:signal=KILL", &queue.join(&older));
    dying.words(["run"]).status(128 + 9).any_stderr().run();
    assert_eq!(scene.queue(), [older], "the begun one was taken out first");
    scene.netcue(["run"]).run();
    assert_eq!(scene.text("ran"), "ppp1\nppp0\n", "each once, and the begun one first");
    assert_each_has_one_outcome(&scene, 3);

    // The same where it has not ended: its attempt is known to be the second.
    scene.hook("30-deadly", "#!/bin/sh\n# netcue: interface=ppp3\nkill -9 $PPID\n");
    let held = Held::lock(&scene.path("run/netcue/lock"));
    scene.from(&IP_UP.replace("ppp0", "ppp2"));
    let older = scene.queue().pop().expect("an event");
    scene.from(&IP_UP.replace("ppp0", "ppp3"));
    fs::rename(queue.join(&older), &beside).expect("moved");
    drop(held);
    scene.netcue(["run"]).status(128 + 9).any_stderr().run();
    fs::rename(&beside, queue.join(&older)).expect("moved back");
    fs::remove_file(scene.path("etc/netcue/hooks.d/30-deadly")).expect("removed");
    scene.netcue(["run"]).run();
    assert_eq!(scene.text("ran"), "ppp1\nppp0\nppp3\nppp2\n", "no finished step is repeated");
    let ended = |at: usize| text_of(&scene.records("outcome")[at]["event_id"]);
    assert_eq!(ended(4), text_of(&scene.records("accepted")[3]["event_id"]), "the older one");
    assert_each_has_one_outcome(&scene, 5);
}

#[test]
fn who_sleeps_while_a_run_dies_sends_another() {
    let scene = Scene::new();
    scene.gated_hook("20-slow", "# netcue: interface=ppp0");
    let holder = scene.calling(IP_UP).status(128 + 9).spawn();
    scene.begun(1);
    let waiter = scene.traced(&IP_UP.replace("ip-up ppp0", "ip-pre-up ppp1")).spawn();
    wait_until("it to sleep", || scene.text("trace").contains("events=POLLIN"));
    kill(Pid::from_raw(holder.pid()), Signal::SIGKILL).expect("a process");
    holder.finish();
    scene.begun(2);
    scene.open();
    waiter.finish();
    assert_eq!(scene.outcomes(), ["done", "done"], "at the moment of its return");
}
