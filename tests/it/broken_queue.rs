//! A queue or a lock that is full, read-only or spoilt: no event is lost, and none is
//! handled twice.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::call::Call;
use crate::lock::Held;
use crate::machine::Mounted;
use crate::scene::{IP_UP, Scene, wait_until, words_of, write_file};

#[test]
fn a_full_queue_keeps_nothing_from_being_done() {
    for place in ["run/netcue/queue", "run/netcue"] {
        let scene = Scene::telling_gateway();
        let full = Mounted::full(scene.path(place));
        let ran = scene.calling(IP_UP).stderr_has("is handled without the queue").run();
        ran.assert_said(&["No space left on device (os error 28): make room on its file system"]);
        assert_eq!(ran.summaries.len(), 1);
        scene.assert_handled();
        assert_eq!(scene.outcomes(), ["done"], "{place}");
        let remark = scene.records("remark")[0]["text"].to_string();
        assert!(remark.contains("not queued: can't "), "{remark}");
        assert_eq!(scene.end_of("50-rules")["outcome"], "changed");

        // Who asks for it gets to know.
        scene.netcue(["emit"]).stdout("ID handled\n").stderr_has("without the queue").run();
        drop(full);
        scene.ip_up();
        assert_eq!(scene.outcomes(), ["done"; 3]);
    }
}

#[test]
fn a_read_only_queue_keeps_nothing_from_being_done() {
    let scene = Scene::telling_gateway();
    fs::create_dir_all(scene.path("run/netcue/queue")).expect("a folder");
    let read_only = Mounted::read_only(scene.path("run/netcue"));
    let ran = scene.calling(IP_UP).stderr_has("is handled without the queue").run();
    ran.assert_said(&["Read-only file system (os error 30): remount its file system for writing"]);
    scene.assert_handled();
    assert_eq!(scene.outcomes(), ["done"]);
    drop(read_only);
    scene.from("boot start");
    assert_eq!(scene.outcomes(), ["done", "done"]);
}

#[test]
fn an_event_that_cannot_be_taken_out_of_the_queue_is_handled_once_and_ends_the_run() {
    let scene = Scene::telling_gateway();
    scene.from("boot start");
    let held = Held::lock(&scene.path("run/netcue/lock"));
    scene.ip_up();
    assert_eq!(scene.queue().len(), 1, "it waits for whoever holds the lock");
    let read_only = Mounted::read_only(scene.path("run/netcue/queue"));
    drop(held);
    for _ in 0..2 {
        let start = Instant::now();
        let ran = scene.netcue(["run"]).status(73).stderr_has("netcue: can't remove ").run();
        assert!(start.elapsed() < Duration::from_secs(20), "{ran:?}");
        ran.assert_said(&["(os error 30): remount its file system for writing"]);
        assert_eq!(scene.outcomes(), ["done", "done"], "and not once more");
    }
    drop(read_only);
    scene.netcue(["run"]).run();
    assert_eq!(scene.queue(), Vec::<String>::new());
    assert_eq!(scene.outcomes(), ["done", "done"]);
    assert_eq!(scene.text("ran"), "changed\nunchanged\n");
}

#[test]
fn a_file_that_cannot_be_set_aside_is_on_record_once() {
    let scene = Scene::telling_gateway();
    scene.from("boot start");
    let queue = scene.path("run/netcue/queue");
    fs::write(queue.join("00000000000000000001-broken.json"), "nonsense").expect("a file");
    let read_only = Mounted::read_only(queue);
    for _ in 0..3 {
        scene.netcue(["run"]).status(73).stderr_has("netcue: can't move ").run();
    }
    assert_eq!(scene.records("set-aside").len(), 1);
    drop(read_only);
    scene.netcue(["run"]).run();
    assert_eq!(scene.queue(), Vec::<String>::new());
    assert_eq!(scene.records("set-aside").len(), 1);
}

#[test]
fn a_lock_on_a_read_only_file_system_is_still_a_lock() {
    let scene = Scene::telling_gateway();
    scene.from("boot start");
    let held = Held::lock(&scene.path("run/netcue/lock"));
    let _read_only = Mounted::read_only(scene.path("run/netcue"));
    let lost = |call: Call| call.stderr_has("is lost: another run holds the lock").run();
    let ran = lost(scene.calling(IP_UP));
    assert_eq!(ran.summaries, Vec::<String>::new());
    assert_eq!(scene.outcomes(), ["done", "given-up"], "nothing runs beside the holder");
    let reason = words_of(&scene.records("outcome")[1]["reason"]);
    assert!(reason.contains("not queued: can't ") && reason.contains("holds the lock"), "{reason}");

    // Nor beside one that could only open it for reading.
    drop(held);
    scene.gated_hook("80-slow", "");
    let holder = scene.calling(IP_UP).stderr_has("is handled without the queue").spawn();
    scene.begun(1);
    assert!(!scene.lock_is_free());
    scene.config("strict = true\n");
    lost(scene.calling(IP_UP).status(73));
    scene.open();
    holder.finish();
    assert_eq!(scene.outcomes(), ["done", "given-up", "given-up", "done"]);
}

#[test]
fn where_no_lock_can_be_made_one_runs_after_the_other() {
    let scene = Scene::new();
    let root = scene.root().display();
    scene.hook(
        "20-alone",
        format!(
            "#!/bin/sh\nmkdir {root}/inside || echo >>{root}/overlap\n\
             echo \"$NETCUE_ID\" >>{root}/begun\n\
             until [ -e {root}/open ]; do sleep 0.02; done\nrmdir {root}/inside\n"
        ),
    );
    fs::create_dir(scene.path("run")).expect("a folder");
    let _read_only = Mounted::read_only(scene.path("run"));
    let call = || scene.calling(IP_UP).stderr_has("is handled without the queue").spawn();
    let first = call();
    scene.begun(1);
    let second = call();
    wait_until("the second to have no queue", || scene.records("remark").len() == 2);
    scene.open();
    first.finish();
    second.finish();
    assert_eq!(scene.text("begun").lines().count(), 2);
    assert!(!scene.path("overlap").exists());
    assert_eq!(scene.outcomes(), ["done", "done"]);
}

#[test]
fn what_stands_in_the_place_of_the_lock_is_found_and_holds_nobody() {
    type Spoil = fn(&Path);
    let spoils: [Spoil; 3] = [
        |path| fs::create_dir(path).expect("a folder"),
        |path| symlink("/nowhere/lock", path).expect("a link"),
        |path| nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).expect("a pipe"),
    ];
    for spoil in spoils {
        let scene = Scene::new();
        fs::create_dir_all(scene.path("run/netcue")).expect("a folder");
        spoil(&scene.path("run/netcue/lock"));
        let pre_up = IP_UP.replace("ip-up", "ip-pre-up");
        scene.calling(&pre_up).any_stderr().run();
        scene.netcue(["status"]).any_stdout().run();
        let said = "can't lock ROOT/run/netcue/lock: it is ";
        scene.netcue(["doctor"]).status(1).stdout_has(said).run();
    }
}

#[test]
fn a_corrupt_queue_file_is_set_aside_and_the_rest_goes_on_in_order() {
    let scene = Scene::new();
    scene.hook(
        "20-a",
        format!("#!/bin/sh\necho \"$NETCUE_TRIGGER\" >>{}/order\n", scene.root().display()),
    );
    let event = scene.netcue(["parse", "boot", "start"]).any_stdout().run().stdout;
    let queue = scene.path("run/netcue/queue");
    let name = |number: u32| format!("{number:020}-x.json");
    let put = |number: u32, content: &[u8]| write_file(&queue.join(name(number)), content, 0o600);
    put(1, b"\xff\xfe");
    put(2, event.as_bytes());
    put(3, b"");
    put(4, event.replace("netcue.event/1", "netcue.event/2").as_bytes());
    put(5, event.replace("\"start\"", "\"services\"").as_bytes());
    put(6, &vec![b' '; 300 << 10]);
    fs::create_dir(queue.join(name(7))).expect("a folder");
    symlink("/nowhere", queue.join(name(8))).expect("a link");
    let pipe = queue.join(name(9));
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    let ran = scene.netcue(["run"]).stderr_has("set aside as ").run();
    assert_eq!(ran.stderr.matches("netcue: set aside as ").count(), 7, "{ran:?}");
    ran.assert_said(&[
        "schema is \"netcue.event/2\", this netcue reads",
        "larger than 262144 bytes",
        "it is a pipe, not a file",
    ]);
    assert_eq!(scene.text("order"), "start\nservices\n");
    assert_eq!(scene.queue(), Vec::<String>::new());
    let aside: Vec<String> = [1, 3, 4, 6, 7, 8, 9].into_iter().map(name).collect();
    assert_eq!(scene.names_in("run/netcue/failed"), aside);
    assert_eq!(scene.records("set-aside").len(), 7);
    let history = scene.netcue(["history"]).any_stdout().run().stdout;
    assert_eq!(history.matches("set aside as ").count(), 7, "{history}");
}

#[test]
fn an_accepted_event_whose_file_is_spoilt_has_its_outcome_all_the_same() {
    let scene = Scene::new();
    scene.from("boot start");
    let held = Held::lock(&scene.path("run/netcue/lock"));
    scene.ip_up();
    let name = scene.queue().pop().expect("it waits");
    fs::write(scene.path("run/netcue/queue").join(&name), "{").expect("spoilt");
    drop(held);
    // Where it can't even be moved, it is not given up a second time.
    let read_only = Mounted::read_only(scene.path("run/netcue/queue"));
    for _ in 0..2 {
        scene.netcue(["run"]).status(73).stderr_has("netcue: can't move ").run();
    }
    drop(read_only);
    scene.netcue(["run"]).run();
    assert_eq!(scene.outcomes(), ["done", "given-up"]);
    assert!(scene.outcomes_by_event().values().all(|outcomes| outcomes.len() == 1));
    assert_eq!(scene.names_in("run/netcue/failed"), [name]);
}
