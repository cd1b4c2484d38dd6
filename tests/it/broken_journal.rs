//! A journal that can't be written, is torn, or isn't there yet: everything else is done all
//! the same.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::fcntl::{Flock, FlockArg};
use serde_json::Value;

use crate::machine::Mounted;
use crate::scene::{IP_UP, Scene, write_file};
use crate::show::{assert_valid, follows};

#[test]
fn without_a_journal_everything_else_is_done() {
    type Spoil = fn(&Scene) -> Option<Mounted>;
    let cases: [(&str, Spoil); 6] = [
        ("make room on its file system", |scene| Some(Mounted::full(scene.path("var/log/netcue")))),
        ("remount its file system for writing", |scene| {
            fs::create_dir_all(scene.path("var/log/netcue")).expect("a folder");
            Some(Mounted::read_only(scene.path("var/log/netcue")))
        }),
        ("Is a directory", |scene| {
            fs::create_dir_all(scene.path("var/log/netcue/journal.jsonl")).expect("a folder");
            None
        }),
        ("it is a symbolic link: link its folder instead", |scene| {
            write_file(&scene.path("etc/precious"), b"precious\n", 0o600);
            scene.link("var/log/netcue/journal.jsonl", scene.path("etc/precious"));
            None
        }),
        ("it is not a regular file", |scene| {
            fs::create_dir_all(scene.path("var/log/netcue")).expect("a folder");
            let path = scene.path("var/log/netcue/journal.jsonl");
            nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
            None
        }),
        ("Not a directory", |scene| {
            fs::create_dir_all(scene.path("var/log")).expect("a folder");
            fs::write(scene.path("var/log/netcue"), "").expect("a file");
            None
        }),
    ];
    for (what, spoil) in cases {
        let scene = Scene::telling_gateway();
        let _mounted = spoil(&scene);
        let ran = scene.calling(IP_UP).stderr_has("/var/log/netcue/journal.jsonl: ").run();
        ran.assert_said(&["; going on without the journal\n", what]);
        assert_eq!(ran.summaries.len(), 1);
        scene.assert_handled();
        assert_eq!(scene.queue(), Vec::<String>::new());
        // Nor is anybody kept, and who looks finds out.
        scene.calling(&IP_UP.replace("ip-up", "ip-pre-up")).any_stderr().run();
        scene.netcue(["history"]).any_status().any_stdout().any_stderr().run();
        let doctor = scene.netcue(["doctor", "--json"]).any_status().any_stdout().run();
        let doctor: Vec<Value> = serde_json::from_str(&doctor.stdout).expect("JSON");
        let storage = doctor.iter().find(|one| one["check"] == "storage").expect("storage");
        assert_eq!(storage["state"], "attention", "{what}: {storage:#}");
        if scene.path("etc/precious").exists() {
            assert_eq!(scene.text("etc/precious"), "precious\n");
        }
    }
}

#[test]
fn sources_are_shown_without_the_journal() {
    let scene = Scene::new();
    fs::create_dir_all(scene.path("var/log/netcue/journal.jsonl")).expect("a folder");
    let why = "netcue: can't read ROOT/var/log/netcue/journal.jsonl: Is a directory";
    let ran = scene.netcue(["sources"]).status(74).any_stdout().stderr_has(why).run();
    let boot: Vec<&str> = ran.stdout.lines().filter(|line| line.starts_with("boot ")).collect();
    assert!(matches!(boot[..], [line] if line.contains("  unknown  ")), "{}", ran.stdout);
    let ran = scene.netcue(["sources", "--json"]).status(74).any_stdout().stderr_has(why).run();
    let rows: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_valid("sources", &rows);
    assert!(rows.as_array().expect("a list").iter().all(|row| row["last_heard"].is_null()));
}

#[test]
fn a_follower_sleeps_until_there_is_a_journal() {
    for folder in ["", "var", "var/log", "var/log/netcue"] {
        let scene = Scene::new();
        fs::create_dir_all(scene.path(folder)).expect("a folder");
        let mut call = scene.netcue(["history", "--follow", "--json"]);
        let mut follower = call.command().stdout(Stdio::piped()).spawn().expect("netcue");
        follows(follower.id());
        let waits = fs::read_to_string(format!("/proc/{}/syscall", follower.id()));
        let waits = waits.expect("a call of poll(2)");
        let limit = waits.split(' ').nth(3).expect("its third argument");
        assert!(limit.ends_with("ffffffff"), "it wakes up by itself: {waits}");
        scene.netcue(["emit", "--interface", "ppp7"]).any_stdout().run();
        let mut line = String::new();
        let mut stdout = BufReader::new(follower.stdout.take().expect("a pipe"));
        stdout.read_line(&mut line).expect("a line");
        let story: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(story["event"]["interface"], "ppp7", "with {folder:?}");
        drop(stdout);
        follower.wait().expect("an end with its reader");
    }
}

#[test]
fn who_holds_the_journal_and_does_not_let_go_holds_nobody() {
    let scene = Scene::telling_gateway();
    scene.from("boot start");
    let journal = File::open(scene.path("var/log/netcue/journal.jsonl")).expect("a journal");
    let held = Flock::lock(journal, FlockArg::LockExclusive).expect("the lock");
    scene.config("strict = true\n");
    let start = Instant::now();
    let said = "another process has locked it and does not let go; going on without the journal";
    scene.calling("wg-quick pre-up wg0").stderr_has(said).run();
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(scene.text("ran"), "changed\nunchanged\n");
    assert_eq!(scene.outcomes(), ["done"]);
    drop(held);
    scene.from("boot start");
    assert_eq!(scene.outcomes(), ["done"; 3], "how the second ended is on record now");
}

#[test]
fn a_torn_line_is_closed_and_costs_nothing_but_itself() {
    let scene = Scene::new();
    scene.ip_up();
    let journal = scene.path("var/log/netcue/journal.jsonl");
    let whole = fs::read_to_string(&journal).expect("a journal");
    File::options()
        .append(true)
        .open(&journal)
        .and_then(|mut file| file.write_all(b"{\"time\":\"2026-01-0"))
        .expect("torn");
    scene.from("boot start");
    assert_eq!(scene.history_json().len(), 2);
    let text = fs::read_to_string(&journal).expect("a journal");
    let rest = text.strip_prefix(&whole).expect("nothing before it has changed");
    let lines: Vec<&str> = rest.lines().collect();
    assert_eq!(lines[0], "{\"time\":\"2026-01-0");
    assert!(lines[1..].iter().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{rest}");
}

#[test]
fn the_status_is_shown_as_far_as_it_can_be_known() {
    let scene = Scene::new();
    scene.gateway();
    scene.ip_up();
    let journal = scene.path("var/log/netcue/journal.jsonl");
    fs::remove_file(&journal).expect("removed");
    fs::create_dir(&journal).expect("a folder");
    let shown = scene.netcue(["status"]).status(74).any_stdout().run().stdout;
    assert!(shown.starts_with("rules      in force"), "{shown}");
    assert!(shown.contains("\nattention  the last events: "), "{shown}");
    let json = scene.netcue(["status", "--json"]).status(74).any_stdout().run().stdout;
    assert!(json.contains("\"in_force\": true"), "{json}");
}

#[test]
fn the_status_knows_of_events_after_a_burst_and_says_what_a_rotation_took() {
    let scene = Scene::new();
    scene.from("boot start");
    let held = crate::lock::Held::lock(&scene.path("run/netcue/lock"));
    for number in 0..130 {
        scene.from(&format!("pcmcia start eth{number}"));
    }
    drop(held);
    scene.netcue(["run"]).run();
    scene.netcue(["status"]).any_status().stdout_has(" pcmcia start eth129 ").run();

    scene.config("[journal]\nsize = 1\nkeep = 0\n");
    scene.from("boot start");
    let rotated = "/var/log/netcue/journal.jsonl was rotated: of no event it has the beginning\n";
    scene.netcue(["status"]).any_status().stdout_has(rotated).run();
    scene.netcue(["history"]).any_stdout().stderr_has("the journal was rotated: ").run();
}
