//! What keeps netcue from its job is found, and nothing else: a healthy machine, and one
//! with each trouble.

use std::fs;
use std::process::Command;

use crate::scene::{IP_UP, Scene, write_file};

/// A gateway that does everything right.
pub(crate) fn healthy() -> Scene {
    let scene = Scene::installed();
    scene.gateway();
    sysctl("net/ipv4/ip_forward", "1");
    scene.with_ppp();
    scene.netcue(["enable", "ppp"]).any_stdout().run();
    scene.from(IP_UP);
    scene
}

/// Sets it in this network.
fn sysctl(key: &str, value: &str) {
    fs::write(format!("/proc/sys/{key}"), value).expect(key);
}

/// Something is wrong: these lines have to be there, and nothing else may be wrong.
pub(crate) fn finds(scene: &Scene, expected: &[&str]) {
    judge(scene, 1, "attention", expected);
}

/// Something can't be told, which is no reason to fail.
pub(crate) fn wonders(scene: &Scene, expected: &[&str]) {
    judge(scene, 0, "unknown", expected);
}

fn judge(scene: &Scene, status: i32, state: &str, expected: &[&str]) {
    let ran = scene.netcue(["doctor"]).status(status).any_stdout().run();
    let text = ran.stdout.replace(&scene.root().display().to_string(), "ROOT");
    let mut found = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if !line.starts_with(' ') {
            inside = line.starts_with(state);
        }
        if inside {
            found.push(line.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    let expected: Vec<String> = expected
        .iter()
        .map(
            |line| {
                if line.starts_with('>') { (*line).to_owned() } else { format!("{state} {line}") }
            },
        )
        .collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn a_healthy_machine_needs_nothing() {
    let scene = healthy();
    let ran = scene.netcue(["doctor"]).any_stdout().run();
    let heard = ran.stdout.lines().find(|line| line.contains("ppp last called at ")).unwrap();
    let expected = format!(
        "\
ok  configuration  there is no ROOT/etc/netcue/netcue.conf: the defaults hold
ok  journal        it can be read
ok  storage        the queue and the journal can be written to
ok  records        of every event it is on record how it ended
ok  lock           nobody holds it
ok  running        no event is being handled
ok  queue          no event waits
ok  set-aside      no event was set aside
ok  hooks          0 may run, none is refused
ok  failing        what ran lately ended well
ok  calls          none was refused lately
ok  program        it is where its callers look for it
{heard}
ok  nf_tables      the kernel has it
ok  rules          those the kernel's state calls for are in force
ok  sides          every interface is understood, and every one that is configured is there
ok  forwarding     on, between inside and outside
ok  firewalls      no rules of others drop what ours accept
Nothing needs attention.
"
    );
    scene.netcue(["doctor"]).stdout(&expected).run();
}

#[test]
fn json_says_the_same() {
    let scene = healthy();
    scene.put("etc/netcue/hooks.d/a.sh", "#!/bin/sh\n");
    let ran = scene.netcue(["doctor", "--json"]).status(1).any_stdout().run();
    let findings: Vec<serde_json::Value> = serde_json::from_str(&ran.stdout).unwrap();
    let hook = findings.iter().find(|finding| finding["check"] == "hooks").unwrap();
    assert_eq!(hook["state"], "attention");
    assert!(hook["what"].as_str().unwrap().contains("a.sh does not run"), "{hook}");
    assert!(hook["to_do"].is_string(), "{hook}");
    assert!(findings.iter().any(|finding| finding["state"] == "ok" && finding["to_do"].is_null()));
}

#[test]
fn a_bad_configuration() {
    let scene = healthy();
    scene.config("stric = true\n");
    finds(
        &scene,
        &[
            "configuration ROOT/etc/netcue/netcue.conf:1:1: there is no key \"stric\"; did you mean \
             \"strict\"? (going on with the defaults)",
            "> mend it; \"netcue check\" shows where",
        ],
    );
}

#[test]
fn a_journal_that_can_not_be_written() {
    let scene = healthy();
    fs::remove_dir_all(scene.path("var/log")).unwrap();
    scene.put("var/log", "");
    let ran = scene.netcue(["doctor"]).status(1).any_stdout().run();
    assert!(
        ran.stdout.contains(&format!("can't write to {}", scene.path("var/log").display())),
        "{ran:?}"
    );
}

#[test]
fn events_that_nobody_handles() {
    let scene = healthy();
    scene.put("run/netcue/queue/00000000000000000001-x.json", "{}");
    let file = scene.path("run/netcue/queue/00000000000000000001-x.json");
    let touched = Command::new("touch").args(["-d", "1 hour ago"]).arg(&file).status().unwrap();
    assert!(touched.success());
    let ran = scene.netcue(["doctor"]).status(1).any_stdout().run();
    assert!(ran.stdout.contains("attention  queue"), "{ran:?}");
    assert!(ran.stdout.contains("1 event waits for 3"), "{ran:?}");
    assert!(ran.stdout.contains("run \"netcue run\""), "{ran:?}");
    fs::remove_file(&file).unwrap();
    scene.put("run/netcue/queue/00000000000000000001-x.json", "{}");
    scene.netcue(["doctor"]).any_stdout().stdout_has("queue          1 event waits").run();
}

#[test]
fn events_that_were_set_aside() {
    let scene = healthy();
    scene.put("run/netcue/failed/00000000000000000001-x.json", "{}");
    finds(
        &scene,
        &[
            "set-aside ROOT/run/netcue/failed holds what could not be handled: 1",
            "> see \"netcue history --failed\" for why, then remove the files in \
             ROOT/run/netcue/failed",
        ],
    );
}

#[test]
fn hooks_that_do_not_run() {
    let scene = healthy();
    scene.hook("10-good", "#!/bin/sh\n");
    scene.hook_in("etc/netcue/hooks.d", "20-open", "#!/bin/sh\n", 0o775);
    scene.hook("30-old.bak", "#!/bin/sh\n");
    let to_do = "> see netcue-hooks(7); a file that is no hook belongs elsewhere";
    finds(
        &scene,
        &[
            "hooks ROOT/etc/netcue/hooks.d/20-open does not run: not trusted: \
             ROOT/etc/netcue/hooks.d/20-open is writable by group 0: chmod g-w",
            to_do,
            "hooks ROOT/etc/netcue/hooks.d/30-old.bak does not run: its name has other characters \
             than A-Z a-z 0-9 _ and -: rename it if it is a hook",
            to_do,
        ],
    );
}

#[test]
fn a_program_that_is_gone() {
    let scene = healthy();
    fs::remove_file(scene.path("usr/sbin/netcue")).unwrap();
    finds(
        &scene,
        &[
            "program there is no /usr/sbin/netcue or /usr/local/sbin/netcue, and it is called by \
             /etc/ppp/ip-down.d/0000netcue /etc/ppp/ip-pre-up.d/0000netcue /etc/ppp/ip-up.d/0000netcue \
             /etc/ppp/ipv6-down.d/0000netcue /etc/ppp/ipv6-up.d/0000netcue",
            "> install netcue there, or take the callers out with \"netcue disable\"",
        ],
    );
}

#[test]
fn a_link_to_where_the_program_was() {
    let scene = healthy();
    fs::remove_file(scene.path("etc/ppp/ip-up.d/0000netcue")).unwrap();
    scene.link("etc/ppp/ip-up.d/0000netcue", "/usr/local/sbin/netcue");
    finds(
        &scene,
        &[
            "program /etc/ppp/ip-up.d/0000netcue leads to a program that is gone",
            "> run \"netcue enable\" for that source: it makes the link anew",
        ],
    );
}

#[test]
fn a_source_that_is_on_and_can_not_call() {
    let scene = healthy();
    fs::remove_file(scene.path("etc/ppp/ip-up.d/0000netcue")).unwrap();
    finds(
        &scene,
        &[
            "sources ppp is on, but no link in /etc/ppp/ip-up.d",
            "> netcue enable ppp, or netcue disable ppp if it is not wanted",
        ],
    );
}

#[test]
fn a_source_that_calls_and_is_off() {
    let scene = healthy();
    scene.netcue(["disable", "--flag-only", "ppp"]).any_stdout().run();
    finds(
        &scene,
        &[
            "sources ppp calls netcue and is switched off: its calls do nothing",
            "> netcue enable ppp, or netcue disable ppp to take out the calls",
        ],
    );
}

#[test]
fn a_source_that_was_never_heard_of() {
    let scene = healthy();
    fs::remove_file(scene.path("var/log/netcue/journal.jsonl")).unwrap();
    wonders(
        &scene,
        &[
            "sources ppp is set up and was never heard of",
            "> if it should have called by now, see its own log for why it did not",
        ],
    );
}

#[test]
fn a_wrapper_that_was_replaced() {
    let scene = healthy();
    let local = scene.path("etc/ppp/ip-up.local");
    write_file(&local, b"#!/bin/sh\nroute add\n", 0o644);
    scene.netcue(["doctor"]).any_stdout().run();
    write_file(&local, b"#!/bin/sh\nroute add\n", 0o755);
    finds(
        &scene,
        &[
            "wrapper /etc/ppp/ip-up.local takes the place of everything in /etc/ppp/ip-up.d",
            "> put this line into it: /usr/sbin/netcue from ppp ip-up \"$@\"",
        ],
    );
    write_file(&local, b"#!/bin/sh\n/usr/sbin/netcue from ppp ip-up \"$@\"\n", 0o755);
    scene.netcue(["doctor"]).any_stdout().run();
}

#[test]
fn a_boot_event_that_comes_too_early() {
    let scene = healthy();
    scene.with_units();
    scene.netcue(["enable", "boot", "--stage", "interfaces"]).any_stdout().run();
    scene.from("boot interfaces");
    scene.netcue(["doctor"]).any_stdout().run();
    scene.put("sbin/cardmgr", "");
    finds(
        &scene,
        &[
            "boot the boot event comes at \"interfaces\": with pcmcia the boot event should be off \
             or \"services\": cardmgr brings a card's interface up when it finds the card, and that \
             may come after the other interfaces; its start_fn tells netcue in any case",
            "> netcue enable boot --stage services",
        ],
    );
}

#[test]
fn rules_that_are_not_in_force() {
    let scene = healthy();
    scene.nft("delete table inet netcue");
    finds(
        &scene,
        &[
            "rules the rules in force are not those the kernel's state calls for",
            "> netcue rules apply; \"netcue rules diff\" shows the difference",
        ],
    );
    // Whether scripts may ask for the rules is no matter to whoever types this.
    assert!(!scene.path("etc/netcue/enabled/manual").exists());
    scene.netcue(["rules", "apply"]).run();
    scene.netcue(["doctor"]).any_stdout().run();
    // Who replaces the engine answers for the rules.
    scene.hook("50-rules", "#!/bin/sh\n");
    scene.netcue(["doctor"]).any_stdout().stdout_has("takes the place of the built-in").run();
}

#[test]
fn a_kernel_that_does_not_forward() {
    let scene = healthy();
    sysctl("net/ipv4/ip_forward", "0");
    let to_do = |key| {
        format!(
            "> if this machine is to be a gateway: let the hook 60-forwarding do it, with \
             \"{key} = yes\" in /etc/netcue/forwarding.conf, and run \"netcue rules apply\"; set in \
             /etc/sysctl.d, packets would pass before the rules stand"
        )
    };
    let found4 =
        "forwarding the kernel forwards no IPv4, though there are an inside and an outside";
    finds(&scene, &[found4, &to_do("ipv4")]);
    scene.ip("address add 2001:db8:7::1/64 dev lan nodad");
    scene.ip("address add 2001:db8:1::2/64 dev wan nodad");
    scene.ip("route add default via 2001:db8:1::1 dev wan");
    scene.from(IP_UP);
    finds(
        &scene,
        &[
            found4,
            &to_do("ipv4"),
            "forwarding the kernel forwards no IPv6, though there are an inside and an outside",
            &to_do("ipv6"),
        ],
    );
}

#[test]
fn forwarding_that_begins_before_the_rules_stand() {
    let scene = healthy();
    let set = |name: &str, text: &str| {
        write_file(&scene.path("etc/sysctl.d").join(name), text.as_bytes(), 0o644);
    };
    set("10-router.conf", "# a router\n-net/ipv4/ip_forward = 1\n");
    finds(
        &scene,
        &[
            "forwarding /etc/sysctl.d/10-router.conf sets net.ipv4.ip_forward: while the machine \
             starts, packets pass before the rules stand",
            "> have rules before the first interface is up, with \"netcue enable boot --stage ... \
             --pre-network\", or take the setting out and leave it to the hook 60-forwarding",
        ],
    );
    set("20-later.conf", "net.ipv4.ip_forward=0\n");
    scene.netcue(["doctor"]).any_stdout().run();
    set("20-later.conf", "net.ipv4.ip_forward=1\n");
    scene.netcue(["doctor"]).status(1).any_stdout().run();
    write_file(
        &scene.path("etc/default/netcue"),
        b"BOOT=\"services\"\nPRE_NETWORK=\"yes\"\n",
        0o644,
    );
    scene.netcue(["doctor"]).any_stdout().run();
}

/// What only root may see is not known; the rest is looked at all the same.
#[test]
fn without_root_it_says_what_it_can() {
    let scene = healthy();
    let netcue = env!("CARGO_BIN_EXE_netcue");
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"])
        .args(["--bounding-set=-all", netcue, "--root"])
        .arg(scene.root())
        .arg("doctor")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(text.contains("unknown  nf_tables"), "{text}");
    assert!(text.contains("ok       program"), "{text}");
    assert!(text.contains("> run this as root"), "{text}");
}
