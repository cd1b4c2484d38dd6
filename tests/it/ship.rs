//! Handing events on: whatever dies, is away or is rotated, each arrives, or a gap is told.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::call::Call;
use crate::scene::{Scene, processes_with, run, script, wait_until};

/// `netcue ship` for a cursor, to a command.
fn ship(scene: &Scene, cursor: &str, command: &[&str]) -> Call {
    let words = ["ship", "--cursor", cursor, "--"];
    scene.netcue(words.into_iter().chain(command.iter().copied())).env("PATH", "/usr/bin:/bin")
}

/// What a call to `cat` prints: everything that is handed on now.
fn handed_on(scene: &Scene, cursor: &str) -> Vec<Value> {
    lines(&ship(scene, cursor, &["cat"]).any_stdout().run().stdout)
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().expect("a type")).collect()
}

fn subjects(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["subject"].as_str().expect("an interface")).collect()
}

fn emit(scene: &Scene, interface: &str) {
    let words = ["emit", "--action", "up", "--interface", interface];
    scene.netcue(words).any_stdout().run();
}

/// Every id of an event in the journal's `accepted` records.
fn accepted(scene: &Scene) -> BTreeSet<String> {
    let records = scene.records("accepted");
    records.iter().map(|record| record["event_id"].as_str().expect("an id").to_owned()).collect()
}

fn conforms(events: &[Value]) {
    let schema =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src/answers/schema/cloudevent.schema.json");
    let schema: Value =
        serde_json::from_str(&fs::read_to_string(schema).expect("text")).expect("JSON");
    let validator = jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(&schema)
        .expect("a schema");
    for event in events {
        let errors: Vec<String> = validator.iter_errors(event).map(|e| e.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{event:#}");
    }
}

#[test]
fn what_has_ended_is_handed_on_in_order_and_once() {
    let scene = Scene::new();
    for interface in ["eth0", "eth1", "eth2"] {
        emit(&scene, interface);
    }
    scene.calling("ppp no-such-trigger").any_stderr().status(65).run();
    let events = handed_on(&scene, "a");
    conforms(&events);
    let done = "netcue.event.done";
    assert_eq!(types(&events), [done, done, done, "netcue.event.refused"]);
    assert_eq!(subjects(&events[..3]), ["eth0", "eth1", "eth2"]);
    assert_eq!(handed_on(&scene, "a"), Vec::<Value>::new());
    emit(&scene, "eth3");
    assert_eq!(subjects(&handed_on(&scene, "a")), ["eth3"]);
    assert_eq!(handed_on(&scene, "another").len(), 5);
    let words = ["ship", "--cursor", "third", "--interface", "eth1", "--", "/bin/cat"];
    let filtered = lines(&scene.netcue(words).any_stdout().run().stdout);
    assert_eq!(subjects(&filtered), ["eth1"]);
}

#[test]
fn what_is_not_taken_is_handed_over_again() {
    let scene = Scene::new();
    // More than a pipe holds, so that who reads little has not got the rest.
    scene.hook("70-talks", script("head -c 30000 /dev/zero | tr '\\0' x"));
    for interface in ["eth0", "eth1", "eth2"] {
        emit(&scene, interface);
    }
    for (command, said) in [
        (&["false"][..], "false ended with exit status 1"),
        (&["sh", "-c", "kill -9 $$"], "sh was ended by signal 9"),
        (&["head", "-c", "10"], "head ended with 0 before it had read all"),
        (&["true"], "true ended with 0 before it had read all"),
        (&["no-such-program"], "can't run no-such-program"),
    ] {
        ship(&scene, "a", command).any_stdout().stderr_has(said).status(75).run();
    }
    let status = scene.netcue(["ship", "--cursor", "a", "--status"]);
    status.stdout_has("left       3").stdout_has("can't run no-such-program").run();
    assert_eq!(handed_on(&scene, "a").len(), 3);
    let status = scene.netcue(["ship", "--cursor", "a", "--status"]).any_stdout().run().stdout;
    assert!(status.contains("left       0") && !status.contains("failing"), "{status}");
}

/// A client for the shell that takes all, says so by a file, and waits for [`Scene::open`].
fn gated_client(scene: &Scene) -> (PathBuf, String) {
    let begun = scene.path("begun");
    let wait = format!(
        "cat; : >{}; until [ -e {} ]; do sleep 0.02; done",
        begun.display(),
        scene.path("open").display()
    );
    (begun, wait)
}

#[test]
fn a_batch_bounds_what_is_handed_over_at_once() {
    let scene = Scene::new();
    for number in 0..7 {
        emit(&scene, &format!("eth{number}"));
    }
    let counts = scene.path("counts");
    let count = format!("wc -l >>{}", counts.display());
    let words = ["ship", "--cursor", "a", "--batch", "3", "--", "sh", "-c", &count];
    scene.netcue(words).env("PATH", "/usr/bin:/bin").run();
    assert_eq!(scene.text("counts").split_whitespace().collect::<Vec<_>>(), ["3", "3", "1"]);
}

/// systemd starts no unit for a change that it sees while that unit is at work.
#[test]
fn what_ends_while_the_command_is_at_work_is_handed_on_by_the_same_call() {
    let scene = Scene::new();
    emit(&scene, "eth0");
    let (begun, wait) = gated_client(&scene);
    let shipping = ship(&scene, "a", &["sh", "-c", &wait]).any_stdout().spawn();
    wait_until("the command to be at work", || begun.exists());
    emit(&scene, "eth1");
    scene.open();
    assert_eq!(subjects(&lines(&shipping.finish().stdout)), ["eth0", "eth1"]);
}

#[test]
fn an_event_is_handed_on_whole_however_long_it_waited() {
    let scene = Scene::new();
    scene.gated_hook("70-slow", "");
    let running = scene.netcue(["emit", "--interface", "eth0"]).any_stdout().spawn();
    scene.begun(1);
    scene.netcue(["emit", "--no-wait", "--interface", "eth1"]).any_stdout().run();
    scene.calling("ppp no-such-trigger").any_stderr().status(65).run();
    assert_eq!(types(&handed_on(&scene, "a")), ["netcue.event.refused"]);
    scene.open();
    running.finish();
    scene.settled();
    let events = handed_on(&scene, "a");
    assert_eq!(subjects(&events), ["eth0", "eth1"]);
    for event in &events {
        assert_eq!(event["data"]["event"]["trigger"], "emit");
        let steps = event["data"]["steps"].as_array().expect("steps");
        let hook = steps.iter().find(|step| step["step"] == "70-slow").expect("the hook");
        assert_eq!(hook["end"]["outcome"], "done");
    }
    assert_eq!(handed_on(&scene, "a"), Vec::<Value>::new());
}

#[test]
fn a_hook_that_ends_after_its_event_is_handed_on_as_well() {
    let scene = Scene::new();
    scene.gated_hook("70-slow", "# netcue: wait=no");
    emit(&scene, "eth0");
    scene.begun(1);
    assert_eq!(types(&handed_on(&scene, "a")), ["netcue.event.done"]);
    scene.open();
    wait_until("the end of the hook", || scene.end_of("70-slow")["outcome"] == "done");
    let events = handed_on(&scene, "a");
    conforms(&events);
    assert_eq!(types(&events), ["netcue.step.done"]);
    assert_eq!(subjects(&events), ["eth0"]);
    assert_eq!(events[0]["data"]["step"], "70-slow");
}

#[test]
fn one_at_a_time_works_for_a_cursor() {
    let scene = Scene::new();
    emit(&scene, "eth0");
    let (begun, wait) = gated_client(&scene);
    let first = ship(&scene, "a", &["sh", "-c", &wait]).any_stdout().spawn();
    wait_until("the first to be at work", || begun.exists());
    let second = ship(&scene, "a", &["cat"]).status(75);
    second.stderr("netcue: another netcue ship is at work for cursor a\n").run();
    assert_eq!(handed_on(&scene, "b").len(), 1);
    scene.open();
    assert_eq!(lines(&first.finish().stdout).len(), 1);
}

/// A journal that holds little, so that it is rotated often.
fn small_journal(scene: &Scene, keep: u32) {
    scene.config(&format!("[journal]\nsize = 65536\nkeep = {keep}\n"));
}

#[test]
fn whoever_is_killed_loses_nothing_through_rotations() {
    const KILLS: usize = 20;
    let scene = Scene::new();
    small_journal(&scene, 100);
    let received = scene.path("received");
    let slowly =
        format!("while read -r line; do printf '%s\\n' \"$line\"; done >>{}", received.display());
    let mut kills = 0;
    let mut number = 0;
    while kills < KILLS {
        for _ in 0..15 {
            emit(&scene, &format!("eth{number}"));
            number += 1;
        }
        let words = ["ship", "--cursor", "a", "--batch", "5", "--", "sh", "-c", &slowly];
        let mut shipping = scene.netcue(words).any_stderr().any_status().spawn();
        let before = scene.text("received").len();
        // At a moment when something, but not everything, has been handed over.
        wait_until("a line", || scene.text("received").len() > before || shipping.has_ended());
        std::thread::sleep(Duration::from_micros(300 * (kills as u64 % 7)));
        let pid = nix::unistd::Pid::from_raw(shipping.pid());
        kills += usize::from(!shipping.has_ended());
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
        shipping.finish();
        // The command outlives it, and goes on to write what it had been given.
        wait_until("the command to end", || processes_with(&slowly).is_empty());
    }
    ship(&scene, "a", &["sh", "-c", &slowly]).run();
    assert!(scene.names_in("var/log/netcue").len() > 3, "nothing was rotated");
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for line in scene.text("received").lines() {
        // A command that was cut off leaves a line torn.
        let Ok(event) = serde_json::from_str::<Value>(line) else { continue };
        assert_ne!(event["type"], "netcue.gap", "{event:#}");
        *times.entry(event["id"].as_str().expect("an id").to_owned()).or_default() += 1;
    }
    let received: BTreeSet<String> = times.keys().cloned().collect();
    let lost: Vec<_> = accepted(&scene).difference(&received).cloned().collect();
    assert_eq!(lost, Vec::<String>::new(), "{} of {number} arrived", received.len());
}

#[test]
fn what_was_rotated_away_is_told_as_a_gap() {
    let scene = Scene::new();
    small_journal(&scene, 1);
    scene.hook("70-talks", script("head -c 6000 /dev/zero | tr '\\0' x"));
    emit(&scene, "eth0");
    let first = handed_on(&scene, "a");
    for number in 0..50 {
        emit(&scene, &format!("eth{number}"));
    }
    let status = scene.netcue(["ship", "--cursor", "a", "--status"]);
    status.stdout_has("gaps       1, one of them not told yet").run();
    ship(&scene, "a", &["false"]).any_stderr().status(75).run();
    let events = handed_on(&scene, "a");
    conforms(&events);
    assert_eq!(events[0]["type"], "netcue.gap");
    assert_eq!(events[0]["data"]["after"]["id"], first[0]["id"]);
    assert!(events[0]["data"]["before"].is_string(), "{:#}", events[0]);
    assert_eq!(events.last().expect("an event")["subject"], "eth49");
    assert!(events.len() < 50, "nothing was rotated away");
    assert_eq!(handed_on(&scene, "a"), Vec::<Value>::new());
    let said = "records were rotated away before cursor a had taken them over";
    scene.netcue(["status"]).stdout_has("rotated away before").any_stderr().any_status().run();
    scene.netcue(["doctor"]).stdout_has(said).any_status().run();
    let metrics = scene.netcue(["metrics"]).any_stdout().run().stdout;
    assert!(metrics.contains("netcue_handed_on_gaps_total{cursor=\"a\"} 1\n"), "{metrics}");
}

#[test]
fn a_cursor_begins_anew_where_it_is_told_to() {
    let scene = Scene::new();
    emit(&scene, "eth0");
    scene.netcue(["ship", "--cursor", "a", "--reset=now"]).run();
    assert_eq!(handed_on(&scene, "a"), Vec::<Value>::new());
    emit(&scene, "eth1");
    assert_eq!(subjects(&handed_on(&scene, "a")), ["eth1"]);
    scene.netcue(["ship", "--cursor", "a", "--reset"]).run();
    assert_eq!(subjects(&handed_on(&scene, "a")), ["eth0", "eth1"]);
    scene.put("var/lib/netcue/cursors/a.json", "{");
    let refused = ship(&scene, "a", &["cat"]).status(74);
    refused.stderr_has("holds no cursor").stderr_has("ship --cursor a --reset").run();
    scene.netcue(["ship", "--cursor", "../a", "--status"]).stderr_has("a name is").status(64).run();
}

#[test]
fn what_an_outsider_should_not_see_can_be_taken_out() {
    let scene = Scene::new();
    let call = scene.calling("ppp ip-up ppp0 /dev/ttyS0 115200 81.2.69.5 81.2.69.1");
    call.env("PEERNAME", "carol").run();
    scene.settled();
    let words = ["ship", "--cursor", "a", "--redact", "--", "/bin/cat"];
    let text = scene.netcue(words).any_stdout().run().stdout;
    assert!(!text.contains("81.2.69") && !text.contains("carol"), "{text}");
    conforms(&lines(&text));
    let open = ship(&scene, "b", &["cat"]).any_stdout().run().stdout;
    assert!(open.contains("81.2.69") && open.contains("carol"), "{open}");
}

/// The names of all fields, but those in `details`, which are each source's own.
fn fields(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                names.insert(name.clone());
                if name != "details" {
                    self::fields(value, names);
                }
            }
        }
        Value::Array(values) => {
            for value in values {
                fields(value, names);
            }
        }
        _ => {}
    }
}

#[test]
fn every_field_that_leaves_the_machine_is_documented() {
    let scene = Scene::new();
    scene.hook("70-fails", script("echo no; exit 1"));
    scene.gated_hook("80-late", "# netcue: wait=no");
    let failing = scene.netcue(["emit", "--action", "up", "--interface", "eth0"]).status(1);
    failing.any_stdout().run();
    scene.calling("ppp no-such-trigger").any_stderr().status(65).run();
    scene.begun(1);
    let mut events = handed_on(&scene, "a");
    scene.open();
    wait_until("the end of the hook", || scene.end_of("80-late")["outcome"] == "done");
    events.extend(handed_on(&scene, "a"));
    assert_eq!(events.len(), 3);
    let mut names = BTreeSet::new();
    for event in &events {
        fields(event, &mut names);
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("integrations/ship/README.md");
    let page = fs::read_to_string(page).expect("the page");
    let missing: Vec<_> =
        names.iter().filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty() && names.len() > 30, "{missing:?}");
}

#[test]
fn a_machine_has_the_name_that_systemd_gives_it() {
    let scene = Scene::on_this_machine();
    fs::write("/etc/machine-id", "0123456789abcdef0123456789abcdef\n").expect("machine-id");
    let application = "--app-specific=6e65746375654d0a9b1f27c458e03d61";
    let expected = run("systemd-id128", ["machine-id", application]);
    emit(&scene, "eth0");
    let events =
        lines(&scene.netcue(["history", "--format", "cloudevents"]).any_stdout().run().stdout);
    assert_eq!(events[0]["machine"], expected.trim());
    assert_eq!(events[0]["source"], format!("//{}/netcue/manual", expected.trim()));
}
