//! The questions, answered on a terminal or by options; and the configuration, good and bad.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::pty::openpty;

use crate::call::{NETCUE, masked};
use crate::scene::{IP_UP, Scene};

/// Runs `netcue configure` on a terminal where somebody types this; what they see.
pub(crate) fn at_a_terminal(scene: &Scene, words: &[&str], typed: &str) -> (Option<i32>, String) {
    let pty = openpty(None, None).expect("a terminal");
    let side = || Stdio::from(pty.slave.try_clone().expect("a descriptor"));
    let mut child = Command::new(NETCUE)
        .arg0("netcue")
        .env_clear()
        .arg("--root")
        .arg(scene.root())
        .args(words)
        .stdin(side())
        .stdout(side())
        .stderr(side())
        .spawn()
        .expect("netcue");
    let mut terminal = File::from(pty.master);
    terminal.write_all(typed.as_bytes()).expect("typed");
    drop(pty.slave);
    let mut seen = Vec::new();
    // A terminal whose last user has gone reads as an error.
    let _ = terminal.read_to_end(&mut seen);
    let status = child.wait().expect("an end").code();
    let seen = String::from_utf8(seen).expect("UTF-8").replace('\r', "");
    (status, masked(&seen, scene.root()))
}

#[test]
fn the_questions_that_matter_are_asked_with_what_was_found() {
    let scene = Scene::installed();
    scene.with_ppp();
    scene.with_units();
    scene.put("usr/sbin/diald", "");
    let (status, seen) = at_a_terminal(&scene, &["configure"], "soon\n4\nyes\n\nppp0\n");
    assert_eq!(status, Some(0), "{seen}");
    for part in [
        "Found on this machine: ppp, diald.\n",
        "diald is called by its own configuration: see \"netcue enable diald\".\n",
        "Note: with diald the boot event should be off or \"services\": ",
        "When shall netcue run at the start of the machine?\n",
        "Number or word [services]: ",
        "Shall the rules also stand before the first interface is up? [no]: ",
        "Shall a ppp link that comes up or goes down set netcue going? [no]: ",
        "Its name, or auto for whichever has the default route later [auto]: ",
        "boot: wrote /etc/default/netcue\n",
        "external: wrote /etc/netcue/netcue.conf\n",
    ] {
        assert!(seen.contains(part), "no {part:?} in {seen}");
    }
    assert_eq!(seen.matches("Number or word").count(), 2, "\"soon\" is no answer: {seen}");
    assert!(scene.text("etc/default/netcue").contains("\nBOOT=\"services\"\n"));
    assert!(scene.text("etc/default/netcue").contains("\nPRE_NETWORK=\"yes\"\n"));
    assert_eq!(
        scene.text("etc/netcue/netcue.conf"),
        "[rules]\nexternal = [\"ppp0\"] # netcue configure\n"
    );
    assert!(!scene.names_in("etc/netcue/enabled").contains(&"ppp".to_owned()));
}

/// As enable would do it, and the package asks; but who has said "off" is not asked to
/// change it.
#[test]
fn what_is_proposed_for_the_boot_suits_the_machine_until_it_was_chosen() {
    let scene = Scene::installed();
    scene.gateway();
    let (_, seen) = at_a_terminal(&scene, &["configure"], "\n\n");
    assert!(seen.contains("Number or word [interfaces]: "), "{seen}");
    assert!(scene.text("etc/default/netcue").contains("\nBOOT=\"interfaces\"\n"));
    scene.netcue(["configure", "--boot", "off"]).any_stdout().run();
    let (_, seen) = at_a_terminal(&scene, &["configure"], "\n\n");
    assert!(seen.contains("Number or word [off]: "), "{seen}");
}

#[test]
fn whoever_leaves_before_the_end_changes_nothing() {
    let scene = Scene::installed();
    let before = scene.tree();
    // Control-D.
    let (status, seen) = at_a_terminal(&scene, &["configure"], "2\n\u{4}");
    assert_eq!(status, Some(1), "{seen}");
    assert!(seen.ends_with("netcue: no answer: nothing was changed\n"), "{seen}");
    assert_eq!(scene.tree(), before);
}

#[test]
fn what_the_kernel_tells_is_not_asked() {
    let scene = Scene::installed();
    scene.gateway();
    let (status, seen) = at_a_terminal(&scene, &["configure"], "\n\n");
    assert_eq!(status, Some(0), "{seen}");
    assert!(!seen.contains("default route"), "{seen}");
    let (_, seen) = at_a_terminal(
        &scene,
        &["configure", "--boot", "off", "--pre-network", "no", "--non-interactive"],
        "",
    );
    assert!(!seen.contains('?'), "asked after all: {seen}");
}

#[test]
fn options_are_answers() {
    let scene = Scene::installed();
    scene.with_ppp();
    scene.with_units();
    let call = ["configure", "--boot", "filesystems", "--ppp", "yes", "--external", "wan"];
    let dry = scene.netcue(call).word("--dry-run").any_stdout().run();
    assert!(dry.stdout.contains("external: would write /etc/netcue/netcue.conf\n"), "{dry:?}");
    scene
        .netcue(call)
        .stdout(
            "boot: wrote /etc/default/netcue\n\
             boot: linked \
             /etc/systemd/system/multi-user.target.wants/netcue-boot-filesystems.service -> \
             /usr/lib/systemd/system/netcue-boot-filesystems.service\n\
             ppp: linked /etc/ppp/ip-pre-up.d/0000netcue -> /usr/sbin/netcue\n\
             ppp: linked /etc/ppp/ip-up.d/0000netcue -> /usr/sbin/netcue\n\
             ppp: linked /etc/ppp/ip-down.d/0000netcue -> /usr/sbin/netcue\n\
             ppp: linked /etc/ppp/ipv6-up.d/0000netcue -> /usr/sbin/netcue\n\
             ppp: linked /etc/ppp/ipv6-down.d/0000netcue -> /usr/sbin/netcue\n\
             boot: wrote /etc/netcue/enabled/boot\n\
             ppp: wrote /etc/netcue/enabled/ppp\n\
             external: wrote /etc/netcue/netcue.conf\n",
        )
        .run();
    let there = scene.tree();
    scene.netcue(call).any_stdout().run();
    assert_eq!(scene.tree(), there, "the second time changed something");
    scene.netcue(["configure", "--non-interactive"]).run();
    scene
        .netcue(["configure"])
        .status(64)
        .stderr(
            "netcue: nothing was asked for and there is no terminal to ask at: see \
             \"netcue configure --help\"\n",
        )
        .run();
    scene.netcue(["configure", "--external", "auto"]).any_stdout().run();
    assert_eq!(scene.text("etc/netcue/netcue.conf"), "[rules]\n");
}

#[test]
fn a_setting_of_the_administrators_is_left_to_them() {
    let scene = Scene::installed();
    let own = "[rules]\nexternal = [\"dsl0\"]\n";
    scene.config(own);
    scene
        .netcue(["configure", "--external", "wan"])
        .status(1)
        .stderr(
            "netcue: external: not done: /etc/netcue/netcue.conf sets \"external\" already: write \
             external = [\"wan\"] there\n",
        )
        .run();
    assert_eq!(scene.text("etc/netcue/netcue.conf"), own);
}

#[test]
fn a_configuration_that_is_a_link_is_left_to_its_owner() {
    let scene = Scene::installed();
    scene.put("etc/real", "");
    scene.link("etc/netcue/netcue.conf", scene.path("etc/real"));
    scene
        .netcue(["configure", "--external", "wan"])
        .status(1)
        .stderr(
            "netcue: external: not done: /etc/netcue/netcue.conf is no file: write external = \
             [\"wan\"] under [rules] where it leads\n",
        )
        .run();
    let to = std::fs::read_link(scene.path("etc/netcue/netcue.conf")).expect("a link");
    assert_eq!(to, scene.path("etc/real"));
    assert_eq!(scene.text("etc/real"), "");
}

#[test]
fn check_shows_the_place_of_a_mistake() {
    let scene = Scene::new();
    scene
        .netcue(["check"])
        .stdout("there is no ROOT/etc/netcue/netcue.conf: the defaults hold\n")
        .run();
    scene.config("strict = false\n");
    scene.netcue(["check"]).stdout("ROOT/etc/netcue/netcue.conf is good\n").run();
    scene.config("[rules]\n\n\tmasqerade = false\n");
    scene
        .netcue(["check"])
        .status(78)
        .stderr(
            "netcue: ROOT/etc/netcue/netcue.conf:3:2: there is no key \"masqerade\"; did you mean \
             \"masquerade\"?\n3 | \tmasqerade = false\n  | \t^\n",
        )
        .run();
    scene.put("other.conf", "[hooks]\ntimeout = \"long\"\n");
    scene
        .netcue(["check"])
        .word(scene.path("other.conf"))
        .status(78)
        .stderr_has("ROOT/other.conf:2:11: \"long\": wanted is a whole number\n")
        .run();
    scene.netcue(["check", "/nowhere"]).status(74).stderr("netcue: there is no /nowhere\n").run();
}

#[test]
fn a_bad_configuration_gives_way_to_the_last_good_one() {
    let scene = Scene::new();
    scene.gateway();
    scene.hook("60-say", "#!/bin/sh\necho said much\n");
    let kept = || scene.text("run/netcue/netcue.conf.good");
    let good = "[hooks]\noutput = 4\n";
    scene.config(good);
    scene.from(IP_UP);
    assert_eq!(kept(), good);
    let short = scene.end_of("60-say")["output"].clone();
    assert_ne!(short, "said much\n", "the setting holds");
    scene.config("[hook]\n");
    let ran = scene
        .netcue(["from"].into_iter().chain(IP_UP.split_whitespace()))
        .stderr(
            "netcue: ROOT/etc/netcue/netcue.conf:1:2: there is no key \"hook\"; did you mean \
             \"hooks\"? (going on with the last good one)\n",
        )
        .run();
    assert_eq!(ran.summaries.len(), 1, "{ran:?}");
    assert_eq!(scene.outcomes(), ["done", "done"]);
    assert_eq!(scene.end_of("60-say")["output"], short);
    let remark = scene.records("remark").pop().expect("a remark");
    assert!(
        remark["text"].as_str().unwrap().ends_with("(going on with the last good one)"),
        "{remark}"
    );
    assert_eq!(kept(), good);
    // Without a file the defaults are what is good.
    std::fs::remove_file(scene.path("etc/netcue/netcue.conf")).unwrap();
    scene.from(IP_UP);
    assert_eq!(kept(), "");
    scene.config("[hook]\n");
    scene
        .netcue(["from"].into_iter().chain(IP_UP.split_whitespace()))
        .stderr_has("going on with the defaults")
        .run();
    assert_eq!(scene.end_of("60-say")["output"], "said much\n");
}
