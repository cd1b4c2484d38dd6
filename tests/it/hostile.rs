//! What a caller, and whoever speaks to it from outside, can make of a call.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::call::NETCUE;
use crate::scene::{IP_UP, PATIENCE, Scene, wait_until, words_of};

/// What may stand in text that goes to a terminal.
fn assert_harmless(what: &str, text: &str) {
    let bad = text.chars().find(|c| {
        let layout = matches!(c, '\n' | '\t');
        c.is_control() && !layout || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
    });
    assert_eq!(bad, None, "{what}: {text:?}");
}

#[test]
fn a_name_that_could_be_mistaken_for_something_else_is_no_interface() {
    let scene = Scene::new();
    scene.hook("20-a", format!("#!/bin/sh\ntouch {}/ran\n", scene.root().display()));
    let names: [&[u8]; 16] = [
        b"",
        b".",
        b"..",
        b"../../etc/x",
        b"a/b",
        b"ppp0\nppp1",
        b"ppp0 up",
        b"$(id)",
        b"`id`",
        b"a;b",
        b"-i",
        b"--help",
        b"\x1b[31mred",
        b"ppp\xff",
        b"sixteen-bytes-xx",
        "a\u{202e}b".as_bytes(),
    ];
    for name in names {
        let ran = scene
            .netcue(["from", "ppp", "ip-up"])
            .word(OsStr::from_bytes(name))
            .words(["/dev/ttyS0", "115200", "203.0.113.5", "203.0.113.1"])
            .status(65)
            .stderr_has("netcue: refused: ppp ip-up: word 1: ")
            .run();
        assert_harmless("stderr", &ran.stderr);
        assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
    }
    assert_eq!(scene.records("refused").len(), names.len());
    assert_eq!(scene.records("accepted"), Vec::<serde_json::Value>::new());
    assert_eq!(scene.queue(), Vec::<String>::new());
    assert!(!scene.path("ran").exists());
    let history = scene.netcue(["history"]).any_stdout().run().stdout;
    assert_eq!(history.lines().count(), 1 + names.len(), "a line for each: {history}");
    assert_harmless("history", &history);
}

#[test]
fn words_that_are_not_utf_8_cost_a_fact_but_not_the_event() {
    let scene = Scene::new();
    let junk = OsStr::from_bytes(b"/dev/\xff\xfe");
    scene
        .netcue(["from", "ppp", "ip-up", "ppp0"])
        .word(junk)
        .words(["115200", "203.0.113.5", "203.0.113.1"])
        .env("PEERNAME", junk)
        .run();
    let accepted = &scene.records("accepted")[0]["event"];
    assert_eq!(accepted["local"], "203.0.113.5");
    let warnings = accepted["warnings"].to_string();
    assert_eq!(warnings.matches("not valid UTF-8").count(), 2, "{warnings}");
    for words in [vec!["\u{fffd}"], vec!["ppp"]] {
        let ran = scene.netcue(["from"]).words(words).word(junk).status(65).stderr_has("").run();
        assert_harmless("stderr", &ran.stderr);
    }
}

#[test]
fn two_mebibytes_of_environment_reach_no_hook() {
    let scene = Scene::new();
    scene.hook("20-a", "#!/bin/sh\nenv | wc -c\ngrep -c . /proc/self/environ || :\n");
    let mut call = scene.calling(IP_UP).env("PEERNAME", "x".repeat(100_000));
    for number in 0..16 {
        call = call.env(&format!("FILLER_{number}"), "y".repeat(120_000));
    }
    call.run();
    let output = scene.output_of("20-a");
    let size: u32 = output.lines().next().expect("a line").trim().parse().expect(&output);
    assert!(size < 4096, "{size} bytes of environment");
    let warnings = scene.records("accepted")[0]["event"]["warnings"].to_string();
    assert!(warnings.contains("peer_name") && warnings.contains("longer than 256 bytes"));
    assert!(scene.text("var/log/netcue/journal.jsonl").len() < 16_384, "nor the journal");
}

/// Variables whose content the other end of a link chooses.
const FROM_OUTSIDE: [&str; 5] = ["PEERNAME", "ACNAME", "MACREMOTE", "REMOTENUMBER", "LINKNAME"];

#[test]
fn what_an_outsider_says_is_never_anything_but_a_value() {
    let scene = Scene::new();
    let root = scene.root().display().to_string();
    scene.hook("20-a", "#!/bin/sh\nprintf '%s\\n' \"$NETCUE_DETAILS_AC_NAME\" \"$@\"\n");
    let pwn = |text: &str| text.replace("PWN", &format!("touch {root}/pwned"));
    for said in [
        "$(PWN)",
        "`PWN`",
        "; PWN;",
        "| PWN",
        "' PWN '",
        "\" PWN \"",
        "() { :; }; PWN",
        "--config=/tmp/x",
        "../../../../tmp/x",
        "%s%n",
        "x && PWN",
    ] {
        let said = pwn(said);
        let mut call = scene.calling(IP_UP);
        for variable in FROM_OUTSIDE {
            call = call.env(variable, &said);
        }
        let ran = call.run();
        assert!(!ran.summaries[0].contains(&said), "{ran:?}");
        assert_eq!(scene.end_of("20-a")["output"], format!("{said}\nppp0\nup\n"));
    }
    assert!(!scene.path("pwned").exists());
    assert_eq!(
        scene.names_in("run/netcue"),
        ["lock", "met-whole.json", "met.json", "queue", "rules.json", "rules.lock"]
    );
    assert_eq!(scene.names_in("var/log/netcue"), ["journal.jsonl"]);
}

#[test]
fn what_could_forge_a_line_or_move_a_cursor_is_left_out_and_not_even_quoted() {
    let scene = Scene::new();
    for said in
        ["MARK\nNETCUE_X=1", "MARK\u{1b}]0;x\u{7}", "MARK\u{9b}2J", "MARK\u{202e}x", "MARK\r"]
    {
        let mut call = scene.calling(IP_UP);
        for variable in FROM_OUTSIDE {
            call = call.env(variable, said);
        }
        call.run();
    }
    assert!(!scene.text("var/log/netcue/journal.jsonl").contains("MARK"));
    for accepted in scene.records("accepted") {
        assert_eq!(accepted["event"]["warnings"].as_array().expect("a list").len(), 5);
    }
}

#[test]
fn the_words_of_a_call_are_on_record_whole_if_they_are_short_and_harmless() {
    let scene = Scene::new();
    let root = scene.root().to_str().expect("text");
    scene.ip_up();
    let argv = scene.records("accepted")[0]["argv"].clone();
    let words: Vec<&str> =
        ["netcue", "--root", root, "from"].into_iter().chain(IP_UP.split(' ')).collect();
    assert_eq!(argv, serde_json::json!(words));

    scene.calling(IP_UP).words(vec!["\u{1b}[2J"; 2000]).run();
    scene.calling("ppp").word("x".repeat(100_000)).status(65).stderr_has("refused").run();
    let file = scene.text("var/log/netcue/journal.jsonl");
    assert_harmless("the journal itself", &file);
    assert!(file.len() < 16_384, "{}", file.len());
    let shown = scene.netcue(["why", "last"]).any_stdout().run().stdout;
    assert!(shown.contains(&format!(" from ppp {}…\n", "x".repeat(256))), "{shown}");
    assert_harmless("why", &shown);
    let argv = &scene.records("accepted")[1]["argv"];
    assert_eq!(argv[31], "\\u{1b}[2J");
    assert_eq!(argv[32], "… and 1980 more");
}

#[test]
fn nothing_that_somebody_else_chose_reaches_a_terminal_as_it_is() {
    let scene = Scene::new();
    let evil = "\u{1b}[2J\u{9b}31m\u{202e}\u{7}\r";
    scene.hook("20-says", format!("#!/bin/sh\nprintf '%s\\n' '{evil}'\nexit 3\n"));
    scene.hook(&format!("30-{evil}"), "#!/bin/sh\n");
    scene.hook("35\nruns  10-good  every event", "#!/bin/sh\n");
    scene.hook("40-header", format!("#!/bin/sh\n# netcue: {evil}=x\n"));
    scene.hook("45-user", format!("#!/bin/sh\n# netcue: user={evil}\n"));
    let outside = scene.path("x\u{1b}[31m\ny");
    fs::write(&outside, "#!/bin/sh\n").expect("a file");
    std::os::unix::fs::symlink(&outside, scene.path("etc/netcue/hooks.d/50-link")).expect("a link");
    scene.ip_up();
    scene.calling("ppp").word(evil).status(65).stderr_has("refused").run();
    scene.calling(evil).status(65).stderr_has("refused").run();

    let file = scene.text("var/log/netcue/journal.jsonl");
    assert_harmless("the journal itself", &file);
    assert_eq!(scene.end_of("20-says")["output"], format!("{evil}\n"), "a program gets it whole");

    let id = scene.records("accepted")[0]["event_id"].as_str().expect("an id").to_owned();
    let shows: [&[&str]; 7] = [
        &["history"],
        &["history", "last"],
        &["history", &id],
        &["history", "--json"],
        &["hooks"],
        &["hooks", "--json"],
        &["rules", "show"],
    ];
    for words in shows {
        let ran = scene.netcue(words).any_stdout().run();
        assert_harmless(words[0], &ran.stdout);
        assert_harmless(words[0], &ran.stderr);
    }
    let listed = scene.netcue(["hooks"]).any_stdout().run().stdout;
    assert!(!listed.lines().any(|line| line.starts_with("runs  10-good")), "{listed}");
    for words in [["plan", "from"], ["plan", "--json"]] {
        let ran = scene.netcue(words).words(IP_UP.split(' ')).any_stdout().run();
        assert_harmless("plan", &ran.stdout);
    }
    for (words, status) in [
        (["hooks", evil], 64),
        ([evil, "x"], 64),
        (["history", evil], 1),
        (["emit", "--interface=\u{1b}[31m"], 64),
        (["parse", evil], 65),
        (["plan", evil], 65),
    ] {
        let ran = scene.netcue(words).status(status).any_stdout().stderr_has("netcue: ").run();
        assert_harmless("stderr", &ran.stderr);
        assert_harmless("stdout", &ran.stdout);
    }
    // As if by a link in a place that its source doesn't know.
    let ran = scene.netcue(["x"]).argv0("/etc/\u{1b}[31m/netcue").status(0).stderr_has("").run();
    assert_harmless("stderr", &ran.stderr);
}

#[test]
fn json_from_anybody_is_taken_whole_or_refused_whole() {
    let scene = Scene::new();
    let nested = |depth: usize| format!("{{\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    let pad = |bytes: usize| format!("{{\"x\":\"{}\"}}", "y".repeat(bytes));
    for refused in [
        String::new(),
        "[]".to_owned(),
        "{".to_owned(),
        "null".to_owned(),
        "{} {}".to_owned(),
        "\u{feff}{}".to_owned(),
        "{\"interface\":\"a\",\"interface\":\"b\"}".to_owned(),
        "{\"interface\":\"../x\"}".to_owned(),
        "{\"interface\":\"-e\"}".to_owned(),
        "{\"action\":\"UP\"}".to_owned(),
        "{\"local\":\"203.0.113.5/24\"}".to_owned(),
        "{\"prefix\":-1}".to_owned(),
        "{\"trigger\":\"a\\nb\"}".to_owned(),
        "{\"details\":{\"SSID\":\"x\"}}".to_owned(),
        "{\"details\":{\"ssid\":\"a\\u001b[31m\"}}".to_owned(),
        "{\"details\":{\"ssid\":{\"a\":1}}}".to_owned(),
        format!("{{\"details\":{{\"ssid\":\"{}\"}}}}", "x".repeat(257)),
        "{\"x\":1e999}".to_owned(),
        nested(40),
        nested(100_000 / 4),
        pad(64 * 1024),
        pad(4 << 20),
    ] {
        let shown: String = refused.chars().take(60).collect();
        let call = scene.netcue(["emit", "--json"]).stdin(refused);
        let ran = call.status(65).stderr_has("netcue: stdin: ").run();
        assert_harmless(&shown, &ran.stderr);
        assert!(ran.stderr.len() < 1000, "{shown}: {ran:?}");
    }
    assert_eq!(scene.journal(), Vec::<serde_json::Value>::new());

    // The first fills the most room it can: what is short here is long when written again.
    let most = format!("{{\"x\":[{}1]}}", "1e15,".repeat(13_000));
    let taken = [
        &most,
        &nested(31),
        "{\"__proto__\":{\"a\":1},\"constructor\":1,\"\":0,\"id\":\"x\",\"attempt\":9}",
        "{\"details\":{\"__proto__\":\"x\"},\"warnings\":[]}",
    ];
    scene.hook("20-a", "#!/bin/sh\ncat\n");
    for taken in taken {
        scene.netcue(["emit", "--json"]).stdin(taken).any_stdout().run();
    }
    assert_eq!(scene.outcomes(), ["done"; 4]);
    assert_eq!(scene.history_json().len(), 4, "the journal can be read back");
    let third = &scene.records("accepted")[2]["event"];
    assert_eq!((&third["__proto__"]["a"], &third["attempt"]), (&1.into(), &1.into()));
    assert_eq!(scene.names_in("run/netcue/failed"), Vec::<String>::new());
}

#[test]
fn a_line_for_the_log_holds_no_secret_and_has_the_urgency_it_deserves() {
    let scene = Scene::new();
    scene.hook("20-a", "#!/bin/sh\n# netcue: action=down\necho hunter2\nexit 1\n");
    // As systemd does it: stderr is its stream, and the environment says so.
    let path = scene.path("stream");
    let said = |call: &str| {
        let stream = File::create(&path).expect("a file");
        let seen = stream.metadata().expect("metadata");
        let status = Command::new(NETCUE)
            .arg("--root")
            .arg(scene.root())
            .arg("from")
            .args(call.split(' '))
            .env_clear()
            .env("JOURNAL_STREAM", format!("{}:{}", seen.dev(), seen.ino()))
            .env("PASSWORD", "hunter2")
            .env("PEERNAME", "hunter2")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stream)
            .status()
            .expect("netcue");
        let said = scene.text("stream");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(!said.contains("hunter2"), "{said}");
        (status.code(), said)
    };
    let (status, line) = said(IP_UP);
    assert!(line.starts_with("<6>netcue: ppp ip-up ppp0: rules changed, 0 hooks run, "), "{line}");
    assert_eq!(status, Some(0));
    let (status, line) = said(&IP_UP.replace("ip-up", "ip-down"));
    assert!(line.starts_with("<4>netcue: ppp ip-down ppp0: rules unchanged, 1 hook run"), "{line}");
    assert!(line.contains(", failed: 20-a, "), "{line}");
    assert_eq!(status, Some(0));
    let (status, line) = said("ppp ip-up -x");
    assert!(line.starts_with("<3>netcue: refused: ppp ip-up: "), "{line}");
    assert_eq!(status, Some(65));
}

#[test]
fn syslog_gets_the_same_lines_where_stderr_leads_nowhere() {
    let scene = Scene::on_this_machine();
    let log = UnixDatagram::bind("/dev/log").expect("a socket");
    log.set_read_timeout(Some(PATIENCE)).expect("a limit");
    scene.hook("20-a", "#!/bin/sh\n# netcue: action=down\nexit 1\n");
    let line_of = |call: &str| {
        Command::new(NETCUE)
            .arg("from")
            .args(call.split(' '))
            .env_clear()
            .env("PEERNAME", "hunter2")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("netcue");
        let mut line = [0; 4096];
        let length = log.recv(&mut line).expect("a line");
        let line = String::from_utf8_lossy(&line[..length]).into_owned();
        assert!(!line.contains("hunter2") && !line.trim_end().contains('\n'), "{line:?}");
        line
    };
    // 24 is daemon; 6, 4 and 3 are info, warning and error.
    for (call, priority) in
        [(IP_UP, "<30>"), (&IP_UP.replace("ip-up", "ip-down"), "<28>"), ("ppp ip-up a/b", "<27>")]
    {
        let line = line_of(call);
        assert!(line.starts_with(priority), "{line}");
    }
    log.set_read_timeout(Some(Duration::from_millis(1))).expect("a limit");
    assert!(log.recv(&mut [0; 16]).is_err(), "one line a run");
}

#[test]
fn a_loop_of_causes_is_cut_and_the_record_says_so() {
    let scene = Scene::new();
    let emit = format!("{NETCUE} --root {} emit --no-wait", scene.root().display());
    scene.hook(
        "20-loop",
        format!("#!/bin/sh\necho \"$NETCUE_CAUSE_DEPTH\"\n{emit} || echo \"status $?\"\n"),
    );
    scene.ip_up();
    wait_until("the loop to be cut", || scene.records("refused").len() == 1);
    scene.settled();
    assert_eq!(scene.outcomes(), ["done"; 9], "the first, and eight that it caused");
    let reason = words_of(&scene.records("refused")[0]["reason"]);
    assert!(
        reason.contains("9 events have caused one another") && reason.contains("a loop of hooks")
    );
    let last = scene.end_of("20-loop")["output"].to_string();
    assert!(last.contains("8\\n") && last.contains("status 65"), "{last}");
}

#[test]
fn an_event_made_inside_a_hook_comes_after_it_and_holds_nobody() {
    let scene = Scene::new();
    let emit = format!("{NETCUE} --root {} emit --action up", scene.root().display());
    scene.hook(
        "20-a",
        format!(
            "#!/bin/sh\n# netcue: source=ppp\n{emit}\n{emit} --no-wait\n{}\n",
            emit.replace("emit --action up", "from manual run")
        ),
    );
    scene.ip_up();
    scene.settled();
    assert_eq!(scene.outcomes(), ["done"; 4]);
    let output = scene.output_of("20-a");
    assert_eq!(output.matches(" queued\n").count(), 2, "{output}");
    let accepted = scene.records("accepted");
    for caused in &accepted[1..] {
        assert_eq!(caused["event"]["caused_by"], accepted[0]["event_id"]);
    }
}

#[test]
fn a_call_with_a_strange_name_or_place_is_only_what_it_says() {
    let scene = Scene::new();
    // argv[0] is the caller's to choose: only exact places mean anything.
    for name in ["/etc/ppp/ip-up.d/../../../tmp/netcue", "ip-up", "/ETC/ppp/ip-up", "\u{1b}"] {
        let ran = scene.netcue(["hooks"]).argv0(name).any_stdout().run();
        assert!(ran.stdout.contains("50-rules"), "{name:?}: {ran:?}");
    }
}
