//! What netcue shows of what happened, against whole outputs: in pipes, on terminals of
//! several kinds, and as JSON against the published schemas.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use netcue::journal::{Entry, Record, StepEnd, StepOutcome};
use netcue::reason::Reason;
use nix::pty::{Winsize, openpty};
use serde_json::Value;

use crate::call::NETCUE;
use crate::scene::{Scene, text_of, wait_until, write_file};

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/show").join(name)
}

/// A machine with the journal of the fixtures, and nothing else.
pub(crate) fn remembering() -> Scene {
    with_journal("journal.jsonl")
}

fn with_journal(name: &str) -> Scene {
    let scene = Scene::new();
    let journal = fs::read(fixture(name)).expect("the fixture");
    write_file(&scene.path("var/log/netcue/journal.jsonl"), &journal, 0o640);
    scene
}

/// Compares with a file, or writes it where BLESS is set in the environment.
pub(crate) fn assert_is(name: &str, shown: &str) {
    let path = fixture(name);
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, shown).expect("written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(shown == expected, "{name} is now:\n{shown}\nand was:\n{expected}");
}

/// What a call prints into a pipe, with its words before it.
pub(crate) fn piped(scene: &Scene, words: &str) -> String {
    let call = scene.netcue(split(words)).env("TZ", "Europe/Berlin");
    let ran = call.any_stdout().stderr_has("").run();
    let shown = crate::call::masked(&ran.stdout, scene.root());
    format!("$ netcue {words}\n{shown}")
}

/// Words, those in quotes together.
pub(crate) fn split(words: &str) -> Vec<String> {
    let parts = words.split('"').enumerate().map(|(index, part)| match index % 2 {
        0 => part.split_whitespace().map(ToOwned::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    parts.collect::<Vec<_>>().concat()
}

/// A terminal that a call was started on.
pub(crate) struct Terminal {
    child: Child,
    master: File,
}

impl Terminal {
    /// One of endless height, on which nothing needs a pager.
    pub(crate) fn with(scene: &Scene, words: &str, columns: u16, locale: &str) -> Self {
        Self::of(scene, words, (columns, 0), &[("LC_ALL", locale)])
    }

    fn of(scene: &Scene, words: &str, (columns, rows): (u16, u16), env: &[(&str, &str)]) -> Self {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(&size, None).expect("a terminal");
        let slave: OwnedFd = pty.slave;
        let child = Command::new(NETCUE)
            .env_clear()
            .envs([("TERM", "xterm"), ("TZ", "Europe/Berlin")])
            .envs(env.iter().copied())
            .arg("--root")
            .arg(scene.root())
            .args(split(words))
            .stdin(Stdio::null())
            .stdout(slave)
            .stderr(Stdio::null())
            .spawn()
            .expect("netcue");
        Self { child, master: File::from(pty.master) }
    }

    /// Everything until the other side is closed.
    pub(crate) fn read_to_end(mut self) -> String {
        let mut shown = Vec::new();
        let mut some = [0; 4096];
        // At its end a terminal answers with an error.
        while let Ok(count @ 1..) = self.master.read(&mut some) {
            shown.extend_from_slice(&some[..count]);
        }
        assert!(self.child.wait().expect("an end").success());
        String::from_utf8(shown).expect("UTF-8").replace("\r\n", "\n")
    }

    /// What comes until it contains a text.
    fn until(&mut self, text: &str) -> String {
        let mut shown = String::new();
        let mut some = [0; 4096];
        while !shown.contains(text) {
            let count = self.master.read(&mut some).expect("more");
            shown += &String::from_utf8_lossy(&some[..count]);
        }
        shown
    }
}

/// The text without colours; no other escape sequence may be in it.
pub(crate) fn without_colours(shown: &str) -> String {
    let mut parts = shown.split('\u{1b}');
    let mut text = parts.next().expect("a part").to_owned();
    for part in parts {
        let (code, rest) = part.split_once('m').expect("a colour");
        assert!(["[0", "[1", "[2", "[31", "[32"].contains(&code), "{part:?}");
        text += rest;
    }
    text
}

#[test]
fn what_has_no_room_on_a_terminal_goes_through_the_pager() {
    let scene = remembering();
    let pager = scene.path("pager");
    let script = "#!/bin/sh\necho \"paged $# $LESS $LESSSECURE\"\ncat\n";
    write_file(&pager, script.as_bytes(), 0o755);
    let pager = format!("{} -S", pager.display());
    let on_terminal = |words: &str, rows: u16, env: &[(&str, &str)]| {
        let env: Vec<_> = env.iter().copied().chain([("PATH", "/usr/bin:/bin")]).collect();
        Terminal::of(&scene, words, (80, rows), &env).read_to_end()
    };
    let whole = on_terminal("history", 0, &[]);
    assert!(!whole.contains("paged"), "nobody knows how high the terminal is: {whole}");
    let high = u16::try_from(whole.lines().count()).expect("few lines");
    for (words, rows, env, is_paged) in [
        ("history", high, &[("PAGER", pager.as_str())][..], true),
        ("history", high + 1, &[("PAGER", pager.as_str())][..], false),
        ("history --no-pager", high, &[("PAGER", pager.as_str())][..], false),
        ("--no-pager history", high, &[("PAGER", pager.as_str())][..], false),
        ("history", high, &[("PAGER", "cat")][..], false),
        ("history", high, &[("PAGER", "/no/such/pager")][..], false),
        ("history", high, &[("PAGER", "cat"), ("NETCUE_PAGER", pager.as_str())][..], true),
        // It may not be ours to run what they name.
        ("history", high, &[("PAGER", pager.as_str()), ("SUDO_UID", "1000")][..], false),
    ] {
        let shown = on_terminal(words, rows, env);
        let text = shown.strip_prefix("paged 1 FRX 1\n");
        assert_eq!(text.is_some(), is_paged, "{words} {env:?}: {shown}");
        let text = text.unwrap_or(&shown);
        assert!(text.contains(whole.lines().nth(1).expect("a line")), "{words}: {shown}");
    }
}

/// Who reads the journal itself can rely on its schema, which names no record that is never written.
#[test]
fn every_record_of_the_journal_keeps_to_its_schema() {
    let scene = Scene::new();
    scene.gateway();
    scene.hook("20-a", "#!/bin/sh\necho ok\n").hook("30-b", "#!/bin/sh\n# netcue: action=down\n");
    scene.hook("40-c", "#!/bin/sh\nsleep 60 &\nexit 3\n");
    scene.hook_in("etc/netcue/hooks.d", "60-open", "#!/bin/sh\n", 0o666);
    scene.ip_up();
    scene.ip("addr add 10.9.9.1/24 dev lan");
    scene.ip_up();
    scene.calling("ppp no-such-trigger").any_stderr().status(65).run();
    scene.from("ppp auth-up ppp0 peer me /dev/ttyS0 115200");
    let mut records = scene.journal();
    // What needs deaths and broken files to be written.
    let time = netcue::sys::clock::now();
    let id = uuid::Uuid::nil();
    let end = StepEnd { changes: vec!["+ a".to_owned()], ..StepEnd::of(StepOutcome::Changed, 1.0) };
    let died = || Reason::Died { times: 3 };
    for (event_id, record) in [
        (None, Record::SetAside { path: "/x".to_owned(), reason: died() }),
        (Some(id), Record::RulesAhead { end }),
        (Some(id), Record::Remark { text: "so".to_owned() }),
        (Some(id), Record::StepEnd { step: "a".to_owned(), end: StepEnd::not_started(died()) }),
    ] {
        records.push(serde_json::to_value(Entry { time, event_id, record }).expect("JSON"));
    }
    let mut seen = std::collections::BTreeSet::new();
    for record in &records {
        assert_valid("journal", record);
        seen.insert(text_of(&record["record"]));
    }
    let schema = schema("journal");
    let listed = schema["oneOf"].as_array().expect("records").iter();
    let listed = listed.map(|one| text_of(&one["properties"]["record"]["const"])).collect();
    assert_eq!(seen, listed);
}

/// Earlier versions wrote sentences where kinds with their parts are now.
#[test]
fn a_journal_of_an_earlier_version_is_told_in_the_same_words() {
    let ids = ["019ca8c6-cd98", "019ca8c6-cd9d", "019ca8c8-ae10", "019ca8c8-b1f8"];
    let all = |name: &str| {
        let scene = with_journal(name);
        let of_events =
            ids.iter().flat_map(|id| [format!("why event {id}"), format!("history {id}")]);
        let words = ["history", "history -n 100 --failed", "why 60-open"].map(str::to_owned);
        let words = words.into_iter().chain(of_events);
        let shown: String = words.map(|words| piped(&scene, &words)).collect();
        // It did not say how long the limit was.
        shown.replace("its time limit of 60 s", "its time limit")
    };
    let now = all("journal.jsonl");
    assert!(now.contains("it is filtered by interface=wlan*, and this event has ppp0"), "{now}");
    assert_eq!(all("journal-of-sentences.jsonl"), now);
}

#[test]
fn the_history_in_a_pipe() {
    let scene = remembering();
    let shown: String = [
        "history",
        "history --failed",
        "history --source ppp -n 2",
        "history --interface ppp0",
        "history --hook 70-ddns",
        "history --since 2026-03-01T09:44:08.5Z",
        "history 019ca8c6-cd98",
        "history 019ca8c6-cd9d",
        "history 019ca8c8-ae1",
        "history last",
    ]
    .map(|words| piped(&scene, words))
    .concat();
    assert_is("history.txt", &shown);
}

#[test]
fn why_says_it_in_sentences() {
    let scene = remembering();
    let shown: String = [
        "why",
        "why event 019ca8c6-cd98",
        "why 019ca8c6-cd9d",
        "why 019ca8c8-ae10",
        "why 019ca8c8-b1f8",
        "why 70-ddns",
        "why hook 60-open --at 2026-03-01T09:42:07Z",
        "why 40-off --at \"2026-03-01 10:50\"",
        "why 40-off --at \"2026-03-01 10:44\"",
        "why ppp1",
    ]
    .map(|words| piped(&scene, words))
    .concat();
    assert_is("why.txt", &shown);
}

#[test]
fn why_says_of_a_hook_what_keeps_it_from_running() {
    let scene = Scene::new();
    scene.hook("20-a", "#!/bin/sh\n# netcue: interface=ppp* timeout=5s wait=no\n");
    scene.hook("30-typo", "#!/bin/sh\n# netcue: interfaces=ppp*\n");
    scene.hook("40-off", "").hook("bad.name", "#!/bin/sh\n");
    scene.hook_in("etc/netcue/hooks.d", "60-open", "#!/bin/sh\n", 0o775);
    run_in("chgrp", &["staff"], &scene.path("etc/netcue/hooks.d/60-open"));
    let names = ["20-a", "30-typo", "40-off", "bad.name", "60-open", "\"hook none\""];
    let shown = names.map(|name| piped(&scene, &format!("why hook {name}"))).concat();
    assert_is("why-hook.txt", &shown);
}

fn run_in(tool: &str, words: &[&str], path: &Path) {
    assert!(Command::new(tool).args(words).arg(path).status().expect(tool).success());
}

#[test]
fn why_and_plan_and_status_on_a_gateway() {
    let scene = remembering();
    scene.gateway();
    scene.hook("20-a", "#!/bin/sh\n# netcue: action=up\n");
    let shown = [
        "why wan",
        "why lan",
        "why lo",
        "why interface ppp7",
        "why rule masquerade",
        "why rule 1",
        "plan 019ca8c6-cd98",
        "status",
    ]
    .map(|words| piped(&scene, words))
    .concat();
    assert_is("gateway.txt", &shown);
    // The time and the identity of this plan's event are those of the moment.
    assert!(piped(&scene, "plan --current").contains("leaves by wan as 198.51.100.2\n"));
    assert!(scene.nft("list tables").is_empty(), "nothing is changed");
}

#[test]
fn what_is_unknown_is_said_to_be() {
    let scene = remembering();
    for words in ["why nosuch", "why event 0123", "why source x", "plan 0123"] {
        scene.netcue(split(words)).status(1).stderr_has("netcue: ").run();
    }
    for words in ["history --since noon", "why 20-a --at noon"] {
        scene.netcue(split(words)).status(64).stderr_has("netcue: ").run();
    }
    scene.netcue(["history", "--source", "pp"]).status(64).stderr_has("there are ppp diald").run();
    let nothing = "netcue: the journal holds no event for --interface \"ppp7\" --failed\n";
    let words = ["history", "--interface", "ppp7", "--failed"];
    scene.netcue(words).any_stdout().stderr(nothing).run();
    let json = scene.netcue(words).words(["--json"]).stderr_has("").run();
    assert_eq!((json.stdout.as_str(), json.stderr.as_str()), ("", ""));
}

#[test]
fn a_terminal_gets_colours_and_lines_that_fit() {
    let scene = remembering();
    for (name, columns, locale) in [
        ("history-60.txt", 60, "C.UTF-8"),
        ("history-72.txt", 72, "C.UTF-8"),
        ("history-80.txt", 80, "C.UTF-8"),
        ("history-80-ascii.txt", 80, "C"),
        ("history-100.txt", 100, "C.UTF-8"),
        ("history-120.txt", 120, "C.UTF-8"),
    ] {
        let shown = Terminal::with(&scene, "history", columns, locale).read_to_end();
        let text = without_colours(&shown);
        assert!(text.lines().all(|line| line.chars().count() <= usize::from(columns)), "{text}");
        assert!(locale != "C" || shown.is_ascii(), "{text}");
        assert_is(name, &shown);
    }
    scene.gateway();
    let status = Terminal::with(&scene, "status", 80, "C.UTF-8").read_to_end();
    assert_is("status-80.txt", &status);
    assert!(status.lines().count() <= 24, "one screen");
    let shown = Terminal::with(&scene, "why 019ca8c6-cd98", 60, "C").read_to_end();
    assert!(shown.is_ascii());
    assert_is("why-60-ascii.txt", &shown);
}

#[test]
fn an_event_of_today_has_its_whole_line_on_eighty_columns() {
    let scene = Scene::new();
    scene.hook("20-a", "#!/bin/sh\nexit 3\n");
    scene.from("ppp ip-up enp0s31f6 /dev/ttyS0 115200 203.0.113.5 203.0.113.1");
    let id = text_of(&scene.records("accepted")[0]["event_id"]);
    let shown = Terminal::with(&scene, "history", 80, "C.UTF-8").read_to_end();
    let text = without_colours(&shown);
    let [heading, line, reason] = text.lines().collect::<Vec<_>>()[..] else { panic!("{text}") };
    let columns: Vec<&str> = heading.split_whitespace().collect();
    assert_eq!(columns, ["TIME", "EVENT", "CALL", "OUTCOME", "TOOK", "RULES", "HOOKS"]);
    let words: Vec<&str> = line.split_whitespace().collect();
    let [time, event, "ppp", "ip-up", "enp0s31f6", "failed", _, "ms", _, "1/1"] = words[..] else {
        panic!("{text}")
    };
    assert_eq!((time.len(), time.matches(':').count()), (8, 2), "{time}");
    assert!(event.len() == 13 && id.starts_with(event), "{text}");
    assert_eq!(reason, "    20-a");
    scene.netcue(["why", "20-a", "--at", time]).any_stdout().run();
}

#[test]
fn nothing_hostile_reaches_a_terminal() {
    let scene = remembering();
    for words in ["history", "history 019ca8c", "status", "why 019ca8c6-cd98", "why 20-a"] {
        for locale in ["C.UTF-8", "C"] {
            let shown = Terminal::with(&scene, words, 80, locale).read_to_end();
            let text = without_colours(&shown);
            assert!(!text.contains(['\u{7}', '\u{202e}', '\r']), "{words}: {text:?}");
        }
        let words = format!("{words} --json");
        let shown = Terminal::with(&scene, &words, 80, "C.UTF-8").read_to_end();
        assert!(!shown.contains(['\u{7}', '\u{1b}', '\u{202e}']), "{words}: {shown:?}");
    }
}

/// A hook that holds nobody may end long after its event.
#[test]
fn what_came_last_stands_last_whoever_was_told_of_last() {
    let scene = Scene::new();
    scene.gated_hook("70-slow", "# netcue: wait=no");
    scene.ip_up();
    scene.begun(1);
    scene.netcue(["from", "ppp", "ip-up"]).status(65).any_stderr().run();
    scene.open();
    wait_until("the hook to end", || scene.end_of("70-slow")["outcome"] == "done");
    let shown = piped(&scene, "history");
    let rows: Vec<&str> = shown.lines().filter(|line| line.contains("  ppp ip-up ")).collect();
    let [first, second] = rows.as_slice() else { panic!("{shown}") };
    assert!(first.contains("  ppp ip-up ppp0 ") && second.contains("  refused  "), "{shown}");
    assert!(piped(&scene, "history last").contains("refused"));
    assert!(piped(&scene, "history --last 1").contains("  refused  "));
}

/// Waits until a follower sleeps in poll(2), which it does once it watches.
pub(crate) fn follows(pid: u32) {
    wait_until("a follower to watch", || {
        let call = fs::read_to_string(format!("/proc/{pid}/syscall"));
        call.unwrap_or_default().starts_with("7 ")
    });
}

#[test]
fn events_are_followed_as_they_happen() {
    let scene = Scene::new();
    scene.hook("20-a", "#!/bin/sh\necho ok\n").hook("30-b", "#!/bin/sh\nexit 3\n");
    fs::create_dir_all(scene.path("var/log/netcue")).expect("a folder");
    let mut follower = Terminal::with(&scene, "history --follow", 100, "C.UTF-8");
    let mut lines = scene.netcue(["history", "--follow", "--json"]);
    let mut json = lines.command().stdout(Stdio::piped()).spawn().expect("netcue");
    follows(follower.child.id());
    follows(json.id());
    scene.ip_up();
    let shown = follower.until("failed in ");
    for part in ["ppp ip-up ppp0", "  20-a done (", "  30-b failed, exit status 3 ("] {
        assert!(shown.contains(part), "{part}: {shown:?}");
    }
    let mut line = String::new();
    let mut stdout = std::io::BufReader::new(json.stdout.take().expect("a pipe"));
    std::io::BufRead::read_line(&mut stdout, &mut line).expect("a line");
    let story: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(story["outcome"], "failed");
    drop(stdout);
    wait_until("the follower to end with its reader", || {
        json.try_wait().expect("a child").is_some()
    });
    scene.gated_hook("40-slow", "# netcue: timeout=50s");
    let running = scene.calling(crate::scene::IP_UP).spawn();
    scene.begun(1);
    follower.until("40-slow for ");
    follower.until(" left");
    let status = piped(&scene, "status");
    assert!(status.contains("\nrunning    ppp ip-up ppp0: 40-slow for "), "{status}");
    let status: Value = json_of(&scene, "status --json").remove(0);
    assert_valid("status", &status);
    assert_eq!(status["running"]["step"], "40-slow");
    assert!(status["running"]["left_ms"].as_f64().expect("a number") < 50_000.0);
    scene.open();
    running.finish();
    follower.until("failed in ");
    follower.child.kill().expect("a signal");
    follower.child.wait().expect("an end");
}

/// A schema with those it refers to put in their places, and with no room for fields that
/// it doesn't name: later versions may have more, this one has not.
fn schema(name: &str) -> Value {
    let text = match name {
        "event" => netcue::event::JSON_SCHEMA,
        name => netcue::answers::SCHEMAS.iter().find(|(of, _)| *of == name).expect(name).1,
    };
    let mut schema: Value = serde_json::from_str(text).expect(name);
    put_in(&mut schema);
    schema
}

fn put_in(value: &mut Value) {
    if let Some(name) = value["$ref"].as_str().and_then(|name| name.strip_prefix("netcue:")) {
        *value = schema(name);
        return;
    }
    match value {
        Value::Object(fields) => {
            if fields.contains_key("properties") {
                fields.entry("additionalProperties").or_insert(false.into());
            }
            fields.values_mut().for_each(put_in);
        }
        Value::Array(values) => values.iter_mut().for_each(put_in),
        _ => {}
    }
}

pub(crate) fn assert_valid(name: &str, value: &Value) {
    let validator = jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(&schema(name))
        .expect(name);
    let errors: Vec<String> = validator.iter_errors(value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{name}: {errors:#?} in {value:#}");
}

/// The objects that a call prints.
pub(crate) fn json_of(scene: &Scene, words: &str) -> Vec<Value> {
    let ran = scene.netcue(split(words)).any_stdout().stderr_has("").run();
    let values = serde_json::Deserializer::from_str(&ran.stdout).into_iter();
    values.collect::<Result<_, _>>().expect("JSON")
}

#[test]
fn every_json_keeps_to_its_schema() {
    let scene = remembering();
    scene.gateway();
    scene.hook("20-a", "#!/bin/sh\necho ok\n").hook("30-off", "");
    scene.hook("bad.name", "#!/bin/sh\n");
    scene.ip_up();
    let mut seen = std::collections::BTreeSet::new();
    for words in [
        "history --json",
        "history 019ca8c --json",
        "hooks --json",
        "parse ppp ip-up ppp0 /dev/ttyS0 115200 203.0.113.5 203.0.113.1",
        "plan --json --current",
        "plan --json last",
        "plan --json from ppp auth-up ppp0 peer me /dev/ttyS0 115200",
        "rules show --json",
        "sources --json",
        "status --json",
        "why --json",
        "why --json 20-a",
        "why --json wan",
        "why --json ppp",
        "why --json rule masquerade",
    ] {
        let name = words.split(' ').next().expect("a word");
        let values = json_of(&scene, words);
        assert!(!values.is_empty(), "{words}");
        for value in &values {
            assert_valid(name, value);
        }
        seen.insert(name);
    }
    let found = scene.netcue(["doctor", "--json"]).any_status().any_stdout().run();
    assert_valid("doctor", &serde_json::from_str(&found.stdout).expect("JSON"));
    seen.insert("doctor");
    scene.hook("90.odd", "#!/bin/sh\r\n").hook("91-odd", "#!/bin/sh\r\n");
    let found = scene.netcue(["hooks", "--check", "--json"]).status(1).any_stdout().run();
    assert_valid("hooks-check", &serde_json::from_str(&found.stdout).expect("JSON"));
    seen.insert("hooks-check");
    assert_valid("changes", &json_of(&scene, "enable --json")[0]);
    seen.insert("changes");
    assert_valid("try", &json_of(&scene, "try --json 20-a --action up")[0]);
    seen.insert("try");
    let refused = scene.netcue(["parse", "ppp", "ip-oops"]).status(65).any_stdout();
    let refused = refused.stderr_has("netcue: ").run();
    assert_valid("parse", &serde_json::from_str(&refused.stdout).expect("JSON"));
    seen.insert("reason");
    seen.insert("journal");
    let all = netcue::answers::SCHEMAS.iter().map(|(name, _)| *name).collect();
    assert_eq!(seen, all, "every schema is held against an output");
    let mut wrong = json_of(&scene, "status --json").remove(0);
    wrong["queue"] = "empty".into();
    let validator = jsonschema::validator_for(&schema("status")).expect("a schema");
    assert!(!validator.is_valid(&wrong));
}
