//! What a hook is given: its environment, words, stdin, place, signals, descriptors and
//! account, and nothing that an outsider or the caller could slip in.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::call::{Call, NETCUE};
use crate::scene::{IP_UP, Scene, run, script};

#[test]
fn the_environment_is_exactly_what_is_documented() {
    let scene = Scene::new();
    // Read from the kernel: a shell adds variables of its own.
    scene.hook("20-env", script("tr '\\0' '\\n' </proc/$$/environ"));
    scene.calling(IP_UP).env("LD_PRELOAD", "").env("HOME", "/root").env("PEERNAME", "a b").run();
    let output = scene.output_of("20-env");
    let env: BTreeMap<&str, &str> =
        output.lines().map(|line| line.split_once('=').expect("NAME=VALUE")).collect();
    let event = &scene.records("accepted")[0]["event"];
    let boottime = event["boottime_ns"].to_string();
    let text = |field: &str| event[field].as_str().expect("text");
    let expected = BTreeMap::from([
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("LC_ALL", "C.UTF-8"),
        ("NETCUE_SCHEMA", "netcue.event/1"),
        ("NETCUE_ID", text("id")),
        ("NETCUE_TIME", text("time")),
        ("NETCUE_BOOTTIME_NS", &boottime),
        ("NETCUE_BOOT_ID", text("boot_id")),
        ("NETCUE_EXTERNAL", ""),
        ("NETCUE_INTERNAL", ""),
        ("NETCUE_INTERNAL_NETS", ""),
        ("NETCUE_SOURCE", "ppp"),
        ("NETCUE_TRIGGER", "ip-up"),
        ("NETCUE_ACTION", "up"),
        ("NETCUE_INTERFACE", "ppp0"),
        ("NETCUE_IFINDEX", ""),
        ("NETCUE_NETNS", text("netns")),
        ("NETCUE_FAMILY", "ipv4"),
        ("NETCUE_LOCAL", "203.0.113.5"),
        ("NETCUE_REMOTE", "203.0.113.1"),
        ("NETCUE_PREFIX", ""),
        ("NETCUE_GATEWAY", ""),
        ("NETCUE_ADDRESSES", ""),
        ("NETCUE_GATEWAYS", ""),
        ("NETCUE_DNS", ""),
        ("NETCUE_FACTS_COMPLETE", "1"),
        ("NETCUE_CAUSED_BY", ""),
        ("NETCUE_FIRST_CAUSE", ""),
        ("NETCUE_CAUSE_DEPTH", "0"),
        ("NETCUE_ATTEMPT", "1"),
        ("NETCUE_DETAILS_DEVICE", "/dev/ttyS0"),
        ("NETCUE_DETAILS_IPPARAM", "provider"),
        ("NETCUE_DETAILS_PEER_NAME", "a b"),
        ("NETCUE_DETAILS_SPEED", "115200"),
        ("NETCUE_STEP", "20-env"),
        ("NETCUE_ROOT", scene.root().to_str().expect("UTF-8")),
        ("NETCUE_RULES", ""),
    ]);
    assert_eq!(env, expected);
}

#[test]
fn words_stdin_and_place_are_as_documented() {
    let scene = Scene::new();
    let root = scene.root().display();
    scene.hook(
        "20-a",
        script(&format!("cat >{root}/stdin\necho \"$#: $*\"\npwd\numask\necho \"$0\"")),
    );
    let mut call = scene.calling(IP_UP);
    call.command().current_dir("/tmp");
    let shell = Call::through("/bin/sh", scene.root())
        .words(["-c", "umask 077; exec \"$@\"", "sh", NETCUE, "--root"])
        .word(scene.root())
        .words(["from"])
        .words(IP_UP.split(' '));
    for call in [call, shell] {
        call.run();
        let output = scene.end_of("20-a")["output"].clone();
        let expected = format!("2: ppp0 up\n/\n0022\n{root}/etc/netcue/hooks.d/20-a\n");
        assert_eq!(output, expected);
        let stdin = scene.text("stdin");
        let event = scene.records("accepted").pop().expect("an event")["event"].clone();
        assert_eq!(serde_json::from_str::<Value>(&stdin).expect("JSON"), event);
        assert_eq!(stdin.matches('\n').count(), 1, "one line");
    }
    scene.from("boot services");
    let output = scene.output_of("20-a");
    assert!(output.starts_with("2: none boot\n"), "{output}");
}

#[test]
fn a_hook_leads_a_process_group_of_its_own() {
    let scene = Scene::new();
    scene.hook("20-a", script("set -- $(cat /proc/$$/stat)\n[ $$ = \"$5\" ] && echo leads"));
    scene.ip_up();
    assert_eq!(scene.output_of("20-a"), "leads\n");
}

#[test]
fn a_hook_inherits_no_descriptors() {
    let scene = Scene::new();
    // The fourth is the folder that ls reads.
    scene.hook("20-a", script("ls /proc/self/fd"));
    Call::through("/bin/sh", scene.root())
        .words(["-c", "exec 4</etc/passwd 6>>/dev/null 9</etc; exec \"$@\"", "sh", NETCUE])
        .word("--root")
        .word(scene.root())
        .words(["from"])
        .words(IP_UP.split(' '))
        .run();
    assert_eq!(scene.end_of("20-a")["output"], "0\n1\n2\n3\n");
}

#[test]
fn a_hook_gets_default_signals_whatever_the_caller_ignores_or_blocks() {
    let scene = Scene::new();
    scene.hook("20-a", script("grep -E '^Sig(Blk|Ign)' /proc/self/status"));
    Call::through("/usr/bin/env", scene.root())
        .words(["--ignore-signal=HUP,USR1,PIPE,CHLD,INT,RTMIN+3", "--block-signal=TERM,USR2,CHLD"])
        .word(NETCUE)
        .word("--root")
        .word(scene.root())
        .words(["from"])
        .words(IP_UP.split(' '))
        .run();
    let output = scene.output_of("20-a");
    let masks: Vec<u64> = output
        .lines()
        .map(|line| u64::from_str_radix(line.rsplit('\t').next().expect("a mask"), 16).expect(line))
        // 32 and 33 are glibc's own; its posix_spawn(3) leaves them ignored.
        .map(|mask| mask & !(0b11 << 31))
        .collect();
    assert_eq!(masks, [0, 0], "{output}");
}

#[test]
fn rules_that_stand_already_are_told_as_unchanged() {
    let scene = Scene::new();
    scene.hook("70-after", script("echo \"$NETCUE_RULES\""));
    scene.ip_up();
    assert_eq!(scene.output_of("70-after"), "changed\n");
    scene.ip_up();
    assert_eq!(scene.output_of("70-after"), "unchanged\n");
}

#[test]
fn a_hook_runs_as_the_account_it_asks_for_with_that_accounts_groups_only() {
    let scene = Scene::new();
    scene.hook("20-a", "#!/bin/sh\n# netcue: user=nobody\necho $(id -u) $(id -G)\n");
    scene.hook("30-b", "#!/bin/sh\n# netcue: user=no-such-account\n");
    let group = run("id", ["-g", "nobody"]);
    let user = run("id", ["-u", "nobody"]);
    let writes = "echo one >/dev/stdout\necho two >/dev/stderr";
    scene.hook("40-c", format!("#!/bin/sh\n# netcue: user=nobody\n{writes}\n"));
    scene.ip_up();
    assert_eq!(scene.output_of("20-a"), format!("{} {group}", user.trim()));
    assert_eq!(scene.output_of("40-c"), "one\ntwo\n");
    let end = scene.end_of("30-b");
    assert_eq!(end["outcome"], "not-started");
    assert_eq!(end["failed"], json!({ "kind": "no-account", "user": "no-such-account" }));
}

#[test]
fn what_an_outsider_chose_never_reaches_a_command_line_or_a_file_name() {
    let scene = Scene::new();
    let evil = "$(touch pwned); `id` ../../x";
    scene.hook(
        "20-a",
        script("tr '\\0' '\\n' </proc/$$/cmdline\nprintf '%s\\n' \"$NETCUE_DETAILS_PEER_NAME\""),
    );
    let ran = scene.calling(IP_UP).env("PEERNAME", evil).run();
    let path = scene.path("etc/netcue/hooks.d/20-a");
    let expected = format!("/bin/sh\n{}\nppp0\nup\n{evil}\n", path.display());
    assert_eq!(scene.end_of("20-a")["output"], expected);
    assert!(!ran.summaries[0].contains("pwned"), "{ran:?}");
}
