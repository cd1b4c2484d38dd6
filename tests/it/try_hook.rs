//! `netcue try`: one hook and one event, apart from the machine, twice.

use std::fs;

use serde_json::Value;

use crate::call::{Call, NETCUE, Ran};
use crate::scene::{Scene, run, write_file};

/// What a call of `try` tells programs.
fn told(scene: &Scene, words: &[&str], status: i32) -> Value {
    let call = scene.netcue(["try", "--json"]).words(words).status(status);
    serde_json::from_str(&call.any_stdout().stderr_has("").run().stdout).expect("JSON")
}

/// What `try` tells people of a hook `70-a` with this text, for an event made by options.
fn tried(scene: &Scene, text: &str, status: i32) -> Ran {
    scene.hook("70-a", text);
    let call = scene.netcue(["try", "70-a", "--action", "up", "--interface", "ppp0"]);
    call.status(status).any_stdout().run()
}

#[test]
fn what_is_shown_is_what_the_hook_is_given() {
    let scene = Scene::new();
    scene.gateway();
    scene.hook(
        "70-a",
        "#!/bin/sh\ntr '\\0' '\\n' </proc/$$/environ\necho \"words=$*\"\necho \"stdin=$(cat)\"\n",
    );
    let call = "70-a from ppp ip-up ppp0 /dev/ttyS0 115200 203.0.113.5 203.0.113.1 provider";
    let told = told(&scene, &call.split(' ').collect::<Vec<_>>(), 0);
    let output = told["runs"][0]["output"].as_str().expect("text");
    let mut given: Vec<String> = Vec::new();
    for (name, value) in told["environment"].as_object().expect("variables") {
        given.push(format!("{name}={}", value.as_str().expect("text")));
    }
    let words: Vec<&str> =
        told["words"].as_array().expect("words").iter().filter_map(Value::as_str).collect();
    given.push(format!("words={}", words.join(" ")));
    given.push(format!("stdin={}", told["stdin"].as_str().expect("text").trim_end()));
    let mut found: Vec<&str> = output.lines().collect();
    given.sort();
    found.sort_unstable();
    assert_eq!(found, given);
    // It stands behind the rules, which were made before, and its interface was made, too.
    for wanted in ["NETCUE_RULES=changed", "NETCUE_EXTERNAL=wan", "NETCUE_DETAILS_IPPARAM=provider"]
    {
        assert!(found.contains(&wanted), "{wanted}: {found:#?}");
    }
    assert!(!found.contains(&"NETCUE_IFINDEX="), "{found:#?}");
    // The same as in a run, but for what is of the moment.
    scene.ip_up();
    let real = scene.output_of("70-a");
    let names = |text: &str| -> Vec<String> {
        text.lines().filter_map(|line| Some(line.split_once('=')?.0.to_owned())).collect()
    };
    assert_eq!(names(&real), names(output));
}

#[test]
fn a_hook_that_does_more_when_it_runs_again_is_found() {
    let scene = Scene::new();
    let ran = tried(
        &scene,
        "#!/bin/sh\nip route replace 198.51.100.0/24 dev \"$NETCUE_INTERFACE\"\necho 1 >/run/a\n",
        0,
    );
    for part in [
        "\nfirst run: done, ",
        "\n  +route 198.51.100.0/24 dev ppp0 scope link\n",
        "\n  +file /run/a, 2 bytes, ",
        "\nsecond run: done, ",
        "\ntwice is harmless, as far as can be seen",
    ] {
        assert!(ran.stdout.contains(part), "{part:?} in {}", ran.stdout);
    }
    let ran = tried(&scene, "#!/bin/sh\necho 1 >>/run/a\nnft add table inet mine\n", 0);
    assert!(ran.stdout.contains("\ntwice is not once"), "{}", ran.stdout);
    assert!(ran.stdout.contains("it changed again: +file /run/a, 4 bytes"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("it changed again: +nft"), "{}", ran.stdout);
    let ran = tried(&scene, "#!/bin/sh\nip route add 198.51.100.0/24 dev \"$1\"\n", 1);
    let said = "it ended otherwise: done, then failed, exit status 2";
    assert!(ran.stdout.contains(said), "{}", ran.stdout);
    let told = told(&scene, &["70-a", "--action", "up", "--interface", "ppp0"], 1);
    assert_eq!(told["harmless"], false);
    assert_eq!(told["runs"][0]["changes"][0], "+route 198.51.100.0/24 dev ppp0 scope link");
}

#[test]
fn a_bad_hook_is_told_and_bounded() {
    let scene = Scene::new();
    let has = |ran: &Ran, parts: &[&str]| {
        for part in parts {
            assert!(ran.stdout.contains(part), "{part:?} in {}", ran.stdout);
        }
    };
    let hangs = tried(&scene, "#!/bin/sh\n# netcue: timeout=1s\necho on\nsleep 987653.25\n", 1);
    has(&hangs, &["first run: timed out, it exceeded its time limit", "  | on\n", "not run again"]);
    assert!(!hangs.stdout.contains("second run"), "{}", hangs.stdout);
    assert_eq!(crate::scene::processes_with("987653.25"), []);
    let killed = tried(&scene, "#!/bin/sh\nkill -SEGV $$\n", 1);
    has(&killed, &["first run: failed, signal 11, ", "second run: failed, signal 11, "]);
    let no_interpreter = tried(&scene, "#!/no/such/shell\n", 1);
    has(
        &no_interpreter,
        &["70-a:1:1: its interpreter /no/such/shell is missing", "first run: not started, "],
    );
    let bad_header = tried(&scene, "#!/bin/sh\n# netcue: sorce=ppp\ntouch /run/ran\n", 1);
    has(&bad_header, &["not run: bad header in line 2: \"sorce\" is no key"]);
    scene.config("[hooks]\noutput = 2000\n");
    let floods = tried(&scene, "#!/bin/sh\nhead -c 1048576 /dev/zero | tr '\\0' x\necho end\n", 0);
    has(&floods, &["end\n"]);
    assert!(floods.stdout.len() < 20_000, "{} bytes", floods.stdout.len());
}

#[test]
fn what_a_hook_does_not_want_or_may_not_is_not_run() {
    let scene = Scene::new();
    let header = "#!/bin/sh\n# netcue: source=ppp action=down interface=ppp*\necho ran\n";
    scene.hook("70-a", header).hook("80-off", "");
    let call = |words: &[&str]| scene.netcue(["try"]).words(words).any_stdout();
    let unwanted = call(&["70-a", "--action", "up"]).status(1);
    unwanted.stdout_has("not run: it does not want this event\n").run();
    call(&["70-a", "--action", "up"])
        .status(1)
        .stdout_has("no: wants source=ppp, this is manual")
        .run();
    call(&["80-off"]).status(1).stdout_has("not run: it is masked").run();
    // Without an event, one is made up that it wants.
    call(&["70-a"]).stdout_has("ppp ip-down ppp0: down").run();
    call(&["70-b"]).status(74).stderr_has("did you mean \"70-a\"?").run();
    call(&["70-a", "--acton", "up"]).status(64).stderr_has("--acton is no option of try").run();
    call(&["70-a", "--action", "up", "last"]).status(64).stderr_has("not both").run();
    call(&["70-a", "from", "ppp", "ip-oops"]).status(65).stderr_has("ip-oops").run();
    call(&["70-a", "last"]).status(1).stderr_has("the journal holds no event yet").run();
    scene.chmod("etc/netcue/hooks.d/70-a", 0o777);
    let refused = call(&["70-a"]).status(1).stdout_has("not run: root runs nothing that others");
    refused.stdout_has("70-a is writable by everybody: chmod o-w").run();
}

#[test]
fn an_event_of_the_journal_meets_its_network_again() {
    let scene = crate::replay::incident();
    scene.hook("70-a", "#!/bin/sh\nip -brief address show dev lan\n");
    let id = crate::replay::last_id(&scene);
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).expect("a network namespace");
    let told = told(&scene, &["70-a", "last"], 0);
    assert_eq!(told["event"]["id"], id);
    assert_eq!(told["environment"]["NETCUE_DETAILS_PEER_NAME"], "carol");
    let output = told["runs"][0]["output"].as_str().expect("text");
    assert!(output.contains("192.168.7.1/24"), "{told:#}");
}

#[test]
fn nothing_of_it_reaches_the_machine() {
    let scene = Scene::new();
    scene.ip_up();
    let (journal, rules) = (scene.journal(), scene.rules());
    let root = scene.root().display().to_string();
    // In a folder that the sandbox empties, where packages are built and tested.
    let file = scene.path("tmp/hook");
    let text = format!(
        "#!/bin/sh\necho >{root}/run/here; echo >{root}/tmp/here; echo >{root}/etc/here\n\
         ip link add made type veth; nft add table inet mine; echo done\n"
    );
    write_file(&file, text.as_bytes(), 0o755);
    let words = [file.to_str().expect("UTF-8"), "--action", "up"];
    let told = told(&scene, &words, 0);
    assert!(told["runs"][0]["output"].as_str().expect("text").ends_with("done\n"), "{told:#}");
    assert_eq!((scene.journal(), scene.rules()), (journal, rules));
    assert!(!scene.ip("link").contains("made"));
    for place in ["run/here", "tmp/here", "etc/here"] {
        assert!(!scene.path(place).exists(), "{place}");
    }
}

#[test]
fn a_user_tries_a_hook_of_ones_own_and_is_told_how_far_that_goes() {
    let scene = Scene::new();
    let (program, hook) = (scene.path("usr/sbin/netcue"), scene.path("home/70-a"));
    write_file(&program, &fs::read(NETCUE).expect("the program"), 0o755);
    let text = "#!/bin/sh\n# netcue: user=daemon wait=no\necho \"I am $(id -u), $1\"\n\
                ip link set \"$1\" mtu 1400\n";
    write_file(&hook, text.as_bytes(), 0o755);
    for folder in ["run", "tmp", "var/log"] {
        fs::create_dir_all(scene.path(folder)).expect("a folder");
    }
    run("chown", ["-R", "nobody", &scene.path("home").display().to_string()]);
    let as_nobody = ["--reuid", "nobody", "--regid", "nogroup", "--clear-groups"];
    let ran = Call::through("setpriv", scene.root())
        .words(as_nobody)
        .word(&program)
        .words(["--root"])
        .word(scene.root())
        .word("try")
        .word(&hook)
        .words(["--action", "up", "--interface", "ppp0"])
        .any_stdout()
        .run();
    for part in [
        "no, so no event runs it: ",
        "belongs to uid 65534, not to root: chown root",
        "without root: what only root may read or do on this machine can't be tried",
        "user=daemon needs root: here it runs as you",
        "wait=no: in a run nobody waits for it",
        "  | I am 0, ppp0\n",
        "twice is harmless",
    ] {
        assert!(ran.stdout.contains(part), "{part:?} in {}", ran.stdout);
    }
    // Where the kernel allows no user namespace, as in a changed root, it goes as far as what
    // the hook would be given.
    fs::create_dir(scene.path("world")).expect("a folder");
    let refused = Call::through("unshare", scene.root())
        .words(["--mount", "sh", "-c"])
        .word("mount --rbind / \"$0\" && exec chroot \"$0\" setpriv \"$@\"")
        .word(scene.path("world"))
        .words(as_nobody)
        .word(&program)
        .words(["try"])
        .word(&hook)
        .words(["--action", "up", "--interface", "ppp0"])
        .status(77)
        .stdout_has("\n  NETCUE_INTERFACE=ppp0\n")
        .run();
    assert!(refused.stdout.contains("not run: there is no sandbox: can't leave "), "{refused:?}");
}
