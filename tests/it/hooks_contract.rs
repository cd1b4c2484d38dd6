//! What netcue-hooks(7) promises to a hook, and what it asks of one.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};

use nix::sys::signal::kill;
use nix::unistd::Pid;
use serde_json::Value;

use crate::call::{Call, NETCUE};
use crate::scene::{IP_UP, Scene, run};

/// What a hook said, after one call of pppd.
fn output_of(scene: &Scene, step: &str) -> String {
    scene.ip_up();
    scene.end_of(step)["output"].as_str().expect("text").to_owned()
}

fn script(lines: &str) -> String {
    format!("#!/bin/sh\n{lines}\n")
}

#[test]
fn the_environment_is_exactly_what_is_documented() {
    let scene = Scene::new();
    // Read from the kernel: a shell adds variables of its own.
    scene.hook("20-env", script("tr '\\0' '\\n' </proc/$$/environ"));
    scene.calling(IP_UP).env("LD_PRELOAD", "").env("HOME", "/root").env("PEERNAME", "a b").run();
    let output = scene.end_of("20-env")["output"].as_str().expect("text").to_owned();
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
        ("NETCUE_SOURCE", "ppp"),
        ("NETCUE_TRIGGER", "ip-up"),
        ("NETCUE_ACTION", "up"),
        ("NETCUE_INTERFACE", "ppp0"),
        ("NETCUE_IFINDEX", ""),
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
    let output = scene.end_of("20-a")["output"].as_str().expect("text").to_owned();
    assert!(output.starts_with("2: none boot\n"), "{output}");
}

#[test]
fn a_hook_leads_a_process_group_of_its_own() {
    let scene = Scene::new();
    scene.hook("20-a", script("set -- $(cat /proc/$$/stat)\n[ $$ = \"$5\" ] && echo leads"));
    assert_eq!(output_of(&scene, "20-a"), "leads\n");
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
    let output = scene.end_of("20-a")["output"].as_str().expect("text").to_owned();
    let masks: Vec<u64> = output
        .lines()
        .map(|line| u64::from_str_radix(line.rsplit('\t').next().expect("a mask"), 16).expect(line))
        // 32 and 33 are glibc's own; its posix_spawn(3) leaves them ignored.
        .map(|mask| mask & !(0b11 << 31))
        .collect();
    assert_eq!(masks, [0, 0], "{output}");
}

#[test]
fn an_exit_status_is_judged_and_the_run_goes_on() {
    let scene = Scene::new();
    scene.hook("20-not-me", script("exit 77"));
    scene.hook("30-fails", script("echo sorry >&2; exit 5"));
    scene.hook("40-dies", script("kill -USR1 $$"));
    scene.hook("60-after", script(""));
    let ran = scene.ip_up();
    assert!(ran.summaries[0].contains("4 hooks run, failed: 30-fails 40-dies, "), "{ran:?}");
    for (step, outcome, key, value) in [
        ("20-not-me", "not-for-me", "status", Some(77)),
        ("30-fails", "failed", "status", Some(5)),
        ("40-dies", "failed", "signal", Some(10)),
        ("60-after", "done", "signal", None),
    ] {
        let end = scene.end_of(step);
        assert_eq!(end["outcome"], outcome, "{end:#}");
        assert_eq!(end[key].as_i64(), value, "{end:#}");
    }
    assert_eq!(scene.end_of("30-fails")["output"], "sorry\n");
    assert_eq!(scene.records("outcome")[0]["reason"], "failed: 30-fails, 40-dies");
}

/// Puts in `20-a`, spoils it, and gives back why it was not run.
fn not_run(spoil: impl FnOnce(&Scene)) -> String {
    let scene = Scene::new();
    scene.hook("20-a", script(&format!("touch {}/ran", scene.root().display())));
    spoil(&scene);
    scene.ip_up();
    assert!(!scene.path("ran").exists(), "it ran");
    let reason = scene.skipped("20-a").expect("a reason");
    let listed = scene.netcue(["hooks"]).any_stdout().run().stdout;
    assert!(listed.contains(&reason), "{reason:?} isn't in {listed}");
    reason.replace(&scene.root().display().to_string(), "ROOT")
}

fn mode(scene: &Scene, below: &str, mode: u32) {
    fs::set_permissions(scene.path(below), fs::Permissions::from_mode(mode)).expect("chmod");
}

const HOOK: &str = "etc/netcue/hooks.d/20-a";

#[test]
fn what_somebody_else_could_change_is_not_run_and_says_why() {
    for (spoil, reason) in [
        (
            (|scene| chown(scene.path(HOOK), Some(33), None).expect("chown")) as fn(&Scene),
            "not trusted: ROOT/etc/netcue/hooks.d/20-a belongs to uid 33, not to root: chown root",
        ),
        (
            |scene| mode(scene, HOOK, 0o775),
            "not trusted: ROOT/etc/netcue/hooks.d/20-a is writable by group 0: chmod g-w",
        ),
        (
            |scene| mode(scene, HOOK, 0o757),
            "not trusted: ROOT/etc/netcue/hooks.d/20-a is writable by everybody: chmod o-w",
        ),
        (
            |scene| mode(scene, HOOK, 0o4755),
            "not trusted: ROOT/etc/netcue/hooks.d/20-a is set-user-id or set-group-id: \
             chmod u-s,g-s",
        ),
        (
            |scene| mode(scene, HOOK, 0o644),
            "not trusted: ROOT/etc/netcue/hooks.d/20-a is not executable: chmod +x",
        ),
        (
            |scene| mode(scene, "etc/netcue", 0o775),
            "not trusted: ROOT/etc/netcue is writable by group 0: chmod g-w",
        ),
        (
            |scene| chown(scene.path("etc"), Some(1000), None).expect("chown"),
            "not trusted: ROOT/etc belongs to uid 1000, not to root: chown root",
        ),
        (|scene| mode(scene, "", 0o1777), "not trusted: ROOT is writable by everybody: chmod o-w"),
        (
            |scene| {
                fs::create_dir(scene.path("theirs")).expect("a folder");
                fs::rename(scene.path(HOOK), scene.path("theirs/hook")).expect("moved");
                mode(scene, "theirs", 0o777);
                symlink("../../../theirs/hook", scene.path(HOOK)).expect("a link");
            },
            "not trusted: ROOT/theirs is writable by everybody: chmod o-w",
        ),
        (
            |scene| {
                fs::remove_file(scene.path(HOOK)).expect("removed");
                symlink("/nowhere", scene.path(HOOK)).expect("a link");
            },
            "can't look at /nowhere: No such file or directory (os error 2)",
        ),
        (
            |scene| {
                fs::remove_file(scene.path(HOOK)).expect("removed");
                fs::create_dir(scene.path(HOOK)).expect("a folder");
            },
            "not trusted: ROOT/etc/netcue/hooks.d/20-a is not a regular file",
        ),
        (
            |scene| {
                fs::remove_file(scene.path(HOOK)).expect("removed");
                symlink("20-a", scene.path(HOOK)).expect("a link");
            },
            "can't follow ROOT/etc/netcue/hooks.d/20-a: too many levels of symbolic links",
        ),
        (
            |scene| {
                scene.hook("20-a", "#!/bin/sh\n# netcue: when=now\n");
            },
            "bad header in line 2: \"when\" is no key; there are source action interface timeout \
             user coalesce wait",
        ),
    ] {
        assert_eq!(not_run(spoil), reason);
    }
}

#[test]
fn a_link_to_a_program_that_only_root_can_change_is_run() {
    let scene = Scene::new();
    fs::create_dir_all(scene.path("etc/netcue/hooks.d")).expect("a folder");
    symlink("/bin/echo", scene.path(HOOK)).expect("a link");
    assert_eq!(output_of(&scene, "20-a"), "ppp0 up\n");
}

#[test]
fn a_name_that_run_parts_would_pass_over_is_not_run_but_listed() {
    let scene = Scene::new();
    scene.hook("20-a.dpkg-old", script("exit 1")).hook("README", script("echo taken"));
    scene.ip_up();
    assert_eq!(scene.outcomes(), ["done"]);
    assert_eq!(scene.end_of("README")["output"], "taken\n");
    scene
        .netcue(["hooks"])
        .stdout_has(
            "skipped  20-a.dpkg-old  its name has other characters than A-Z a-z 0-9 _ and -",
        )
        .run();
}

#[test]
fn of_files_with_one_name_the_administrators_wins() {
    let scene = Scene::new();
    let folders = ["usr/lib", "usr/local/lib", "run", "etc"];
    for folder in folders {
        let hooks = format!("{folder}/netcue/hooks.d");
        scene.hook_in(&hooks, "20-a", script(&format!("echo {folder}")), 0o755);
        assert_eq!(output_of(&scene, "20-a"), format!("{folder}\n"));
    }
    let listed = scene.netcue(["hooks"]).any_stdout().run().stdout;
    assert_eq!(listed.matches("overridden").count(), 3, "{listed}");
}

#[test]
fn an_empty_file_or_a_link_to_dev_null_masks_a_name() {
    for link in [false, true] {
        let scene = Scene::new();
        scene.hook_in("usr/lib/netcue/hooks.d", "20-a", script("echo ran"), 0o755);
        scene.hook("30-b", script(""));
        if link {
            symlink("/dev/null", scene.path(HOOK)).expect("a link");
        } else {
            fs::write(scene.path(HOOK), "").expect("a file");
        }
        scene.ip_up();
        let reason = scene.skipped("20-a").expect("a reason");
        assert_eq!(reason, format!("masked by {}", scene.path(HOOK).display()));
        assert_eq!(scene.outcomes(), ["done"]);
    }
}

#[test]
fn a_program_says_in_the_file_beside_it_what_it_wants() {
    let scene = Scene::new();
    let program = fs::read("/bin/echo").expect("a program");
    scene.hook("20-a", &program);
    scene.hook_in("etc/netcue/hooks.d", "20-a.conf", "# netcue: action=down\n", 0o644);
    scene.ip_up();
    assert_eq!(scene.skipped("20-a").as_deref(), Some("wants action=down, this is up"));
    scene.from(&IP_UP.replace("ip-up", "ip-down"));
    assert_eq!(scene.end_of("20-a")["output"], "ppp0 down\n");
    mode(&scene, "etc/netcue/hooks.d/20-a.conf", 0o666);
    scene.ip_up();
    let reason = scene.skipped("20-a").expect("a reason");
    assert!(reason.ends_with("20-a.conf is writable by everybody: chmod o-w"), "{reason}");
}

#[test]
fn a_hook_called_50_rules_takes_the_place_of_the_engine_and_a_mask_turns_it_off() {
    let scene = Scene::new();
    scene.gateway();
    scene.hook("50-rules", script("echo mine"));
    scene.hook("70-after", script("echo \"$NETCUE_RULES\""));
    assert_eq!(output_of(&scene, "50-rules"), "mine\n");
    assert_eq!(scene.end_of("70-after")["output"], "changed\n");
    assert_eq!(scene.nft("list ruleset"), "");
    fs::write(scene.path("etc/netcue/hooks.d/50-rules"), "").expect("a mask");
    let ran = scene.ip_up();
    assert!(ran.summaries[0].contains(": rules off, 1 hook run, "), "{ran:?}");
    assert_eq!(scene.nft("list ruleset"), "");
    fs::remove_file(scene.path("etc/netcue/hooks.d/50-rules")).expect("removed");
    scene.ip_up();
    assert!(scene.nft("list ruleset").contains("masquerade"));
}

#[test]
fn rules_that_stand_already_are_told_as_unchanged() {
    let scene = Scene::new();
    scene.hook("70-after", script("echo \"$NETCUE_RULES\""));
    assert_eq!(output_of(&scene, "70-after"), "changed\n");
    assert_eq!(output_of(&scene, "70-after"), "unchanged\n");
}

#[test]
fn a_hook_runs_as_the_account_it_asks_for_with_that_accounts_groups_only() {
    let scene = Scene::new();
    scene.hook("20-a", "#!/bin/sh\n# netcue: user=nobody\necho $(id -u) $(id -G)\n");
    scene.hook("30-b", "#!/bin/sh\n# netcue: user=no-such-account\n");
    let group = run("id", ["-g", "nobody"]);
    let user = run("id", ["-u", "nobody"]);
    assert_eq!(output_of(&scene, "20-a"), format!("{} {group}", user.trim()));
    let end = scene.end_of("30-b");
    assert_eq!(end["outcome"], "not-started");
    assert_eq!(end["reason"], "user=no-such-account: there is no such account");
}

#[test]
fn a_hook_that_cannot_be_started_says_what_to_do() {
    for (text, reason) in [
        ("echo hi\n", "add #!/bin/sh"),
        ("#!/no/such/shell\n", "the interpreter in its #! line is missing"),
        ("#!/bin/sh\r\necho hi\r\n", "or the line ends in CR"),
    ] {
        let scene = Scene::new();
        scene.hook("20-a", text).hook("30-b", script(""));
        scene.ip_up();
        let end = scene.end_of("20-a");
        assert_eq!(end["outcome"], "not-started", "{end:#}");
        assert!(end["reason"].as_str().expect("a reason").contains(reason), "{end:#}");
        assert_eq!(scene.end_of("30-b")["outcome"], "done");
    }
}

/// Whether a process with this number, read from a file under the root, is still there.
fn lives(scene: &Scene, file: &str) -> bool {
    let pid: i32 = scene.text(file).trim().parse().expect("a pid");
    // A zombie that nobody has reaped yet is dead all the same.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    kill(Pid::from_raw(pid), None).is_ok() && !stat.contains(") Z ")
}

#[test]
fn a_hook_over_its_limit_is_asked_to_end_and_then_killed_with_all_it_started() {
    let scene = Scene::new();
    let root = scene.root().display();
    scene.config("[hooks]\ngrace = 1\n");
    scene.hook(
        "20-stubborn",
        format!(
            "#!/bin/sh\n# netcue: timeout=1s\ntrap '' TERM\n\
             sh -c 'echo $$ >{root}/child; sleep 600' &\n\
             echo $$ >{root}/leader\nwait\nsleep 600\n"
        ),
    );
    scene.hook("60-after", script(""));
    scene.ip_up();
    let end = scene.end_of("20-stubborn");
    assert_eq!(end["outcome"], "timed-out", "{end:#}");
    let ms = end["ms"].as_f64().expect("a number");
    assert!((1900.0..10_000.0).contains(&ms), "{end:#}");
    assert!(!lives(&scene, "leader") && !lives(&scene, "child"));
    assert_eq!(scene.end_of("60-after")["outcome"], "done");
}

#[test]
fn a_hook_that_ends_when_asked_can_clean_up() {
    let scene = Scene::new();
    scene.config("[hooks]\ntimeout = 1\ngrace = 60\n");
    scene.hook("20-a", script("trap 'echo cleaned; exit 0' TERM\nsleep 600 &\nwait"));
    scene.ip_up();
    let end = scene.end_of("20-a");
    assert_eq!((&end["outcome"], &end["output"]), (&"timed-out".into(), &"cleaned\n".into()));
    assert!(end["ms"].as_f64().expect("a number") < 20_000.0, "{end:#}");
}

#[test]
fn what_a_hook_leaves_in_its_group_is_ended() {
    let scene = Scene::new();
    let root = scene.root().display();
    scene.hook("20-a", script(&format!("sleep 600 &\necho $! >{root}/child")));
    scene.ip_up();
    let end = scene.end_of("20-a");
    assert_eq!(end["reason"], "processes it left in its group were ended", "{end:#}");
    assert_eq!(end["outcome"], "done");
    assert!(!lives(&scene, "child"));
}

#[test]
fn a_daemon_that_keeps_the_pipe_delays_nobody() {
    let scene = Scene::new();
    let root = scene.root().display();
    scene.hook("20-a", script(&format!("setsid sh -c 'echo $$ >{root}/daemon; exec sleep 600' &\nuntil [ -s {root}/daemon ]; do :; done\necho started")));
    scene.ip_up();
    let end = scene.end_of("20-a");
    assert!(lives(&scene, "daemon"), "a daemon is none of our business");
    let pid: i32 = scene.text("daemon").trim().parse().expect("a pid");
    kill(Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).expect("a process");
    assert_eq!((&end["outcome"], &end["output"]), (&"done".into(), &"started\n".into()));
    assert!(end["ms"].as_f64().expect("a number") < 20_000.0, "{end:#}");
}

#[test]
fn a_flood_of_output_is_kept_at_its_head_and_tail_and_costs_no_memory() {
    let scene = Scene::new();
    scene.config("[hooks]\noutput = 1000\n");
    scene.hook("60-peak", script("sed -n 's/^VmHWM:[^0-9]*//p' /proc/$PPID/status"));
    let peak = || -> u32 {
        scene.ip_up();
        let output = scene.end_of("60-peak")["output"].as_str().expect("text").to_owned();
        output.trim().trim_end_matches(" kB").parse().expect(&output)
    };
    let usual = peak();
    let flood = "echo first\nhead -c 50000000 /dev/zero | tr '\\0' x\necho\necho last";
    scene.hook("20-flood", script(flood));
    let flooded = peak();
    let output = scene.end_of("20-flood")["output"].as_str().expect("text").to_owned();
    assert!(output.starts_with("first\nxxx") && output.ends_with("xxx\nlast\n"), "{output}");
    assert!(output.contains("\n[… 49999012 bytes left out …]\n"), "{output}");
    assert!(output.len() < 1100, "{} bytes", output.len());
    assert!(flooded < usual + 1024, "{usual} kB without, {flooded} kB with the flood");
    // A build for debugging is itself some megabytes larger.
    let most = if cfg!(debug_assertions) { 16 } else { 8 };
    assert!(usual < most * 1024, "{usual} kB");
}

#[test]
fn a_hook_that_holds_nobody_runs_on_by_itself_and_its_end_is_on_record() {
    let scene = Scene::new();
    scene.gated_hook("20-slow", "# netcue: wait=no source=ppp");
    scene.ip_up();
    scene.from("boot services");
    assert_eq!(scene.outcomes(), ["done", "done"], "neither waits for it");
    assert_eq!(scene.end_of("20-slow")["outcome"], "started");
    scene.begun(1);
    scene.open();
    crate::scene::wait_until("the end of the hook on record", || {
        scene.end_of("20-slow")["outcome"] == "done"
    });
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
