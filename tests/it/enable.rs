//! Switching sources on and off, whichever they are: there and back, the flags, the words
//! of the command line, and the table of sources.

use std::fs;

use netcue::sources::ALL;

use crate::scene::{Scene, run};

#[test]
fn what_was_enabled_can_be_disabled_without_a_trace() {
    let scene = Scene::installed();
    scene.with_ppp();
    scene.with_units();
    scene.put("etc/default/netcue", "# mine\nBOOT=\"off\"\nPRE_NETWORK=\"no\"\n");
    scene.there_and_back("enable ppp", "disable ppp");
    scene.there_and_back("enable manual", "disable manual");
    scene.there_and_back("enable boot --stage filesystems --pre-network", "disable boot");
    scene.there_and_back("enable boot ppp manual", "disable ppp manual boot");
    scene.there_and_back("enable ppp --flag-only", "disable ppp --flag-only");
}

#[test]
fn what_would_change_is_told_by_the_status_and_to_programs() {
    let scene = Scene::installed();
    scene.with_ppp();
    let before = scene.tree();
    let configure = ["configure", "--non-interactive", "--ppp", "yes", "--check"];
    scene.netcue(["enable", "ppp", "--check"]).status(2).stdout_has("ppp: would link ").run();
    scene.netcue(configure).status(2).stdout_has("ppp: would link ").run();
    assert_eq!(scene.tree(), before, "nothing is changed");
    let told = |words: &str, status: i32| -> serde_json::Value {
        let ran = scene.netcue(words.split(' ')).status(status).any_stdout().run();
        let told = serde_json::from_str(&ran.stdout).expect("JSON");
        crate::show::assert_valid("changes", &told);
        told
    };
    let checked = told("enable ppp --check --json", 2);
    assert_eq!(checked["changed"], false);
    assert_eq!(checked["steps"][0]["kind"], "would-change");
    let changed = told("enable ppp --json", 0);
    assert_eq!(changed["changed"], true);
    assert_eq!(changed["steps"][0]["about"], "ppp");
    assert_eq!(told("enable ppp --json", 0)["changed"], false);
    scene.netcue(["enable", "ppp", "--check"]).stdout_has("ppp: already so: ").run();
    scene.netcue(configure).any_stdout().run();
    scene.netcue(["disable", "ppp", "--check"]).status(2).any_stdout().run();
    // What can't be done comes before what would be.
    fs::remove_file(scene.path("etc/ppp/ip-up.d/0000netcue")).unwrap();
    scene.put("etc/ppp/ip-up.d/0000netcue", "mine\n");
    let refused = told("enable ppp --check --json", 1);
    assert_eq!(refused["changed"], false);
    assert!(refused["steps"].to_string().contains("\"refused\""), "{refused}");
}

#[test]
fn the_first_switch_makes_a_flag_for_every_source() {
    let scene = Scene::new();
    let mut said = "manual: made the folder /etc/netcue/enabled\n\
                    manual: without that folder every source was on, so each gets its flag\n"
        .to_owned();
    for source in ALL.iter().filter(|source| source.name.as_str() != "manual") {
        said += &format!("manual: wrote /etc/netcue/enabled/{}\n", source.name);
    }
    scene.netcue(["disable", "manual"]).stdout(&said).run();
    scene.netcue(["emit"]).any_stdout().stdout_has("disabled").run();
    assert_eq!(scene.outcomes(), ["disabled"]);
}

/// The flag alone, as ipmasq had it: the link stays, and its calls do nothing.
#[test]
fn a_flag_switches_off_without_touching_anything_else() {
    let scene = Scene::installed_on_this_machine();
    scene.netcue(["enable", "ppp"]).any_stdout().run();
    fs::remove_file("/etc/netcue/enabled/ppp").unwrap();
    run("/etc/ppp/ip-up", ["ppp0", "/dev/ttyS0", "115200", "203.0.113.5", "203.0.113.1", ""]);
    assert_eq!(scene.outcomes(), ["disabled"]);
}

/// As after `cargo install`, which puts the program into somebody's home.
#[test]
fn a_program_that_no_link_and_no_unit_would_find_is_told_so_and_makes_none() {
    let scene = Scene::new();
    scene.with_ppp();
    let before = scene.tree();
    scene
        .netcue(["enable", "ppp", "boot"])
        .status(1)
        .stderr_has("ppp: not done: netcue is not installed as /usr/sbin/netcue or ")
        .stderr_has("boot: not done: netcue is not installed as /usr/sbin/netcue or ")
        .run();
    scene
        .netcue("configure --non-interactive --boot services --ppp yes".split(' '))
        .status(1)
        .stderr_has("boot: not done")
        .run();
    assert_eq!(scene.tree(), before);
    // What is there may be taken out, and a flag leads nowhere.
    scene.netcue(["disable", "ppp"]).any_stdout().run();
    scene.netcue(["enable", "--flag-only", "ppp"]).any_stdout().run();
    assert_eq!(scene.names_in("etc/ppp/ip-up.d"), [""; 0]);
}

#[test]
fn a_wrong_command_line_is_told() {
    let scene = Scene::installed();
    let before = scene.tree();
    for (call, message) in [
        ("enable pppd", "there are ppp diald pcmcia boot manual kernel ifupdown"),
        ("enable ppp --stage services", "--stage and --pre-network belong to boot"),
        ("enable ppp --edit /etc/x", "--edit is for diald, pcmcia, openvpn,"),
        ("disable diald --edit /etc/x --flag-only", "cannot be used with"),
    ] {
        scene.netcue(call.split(' ')).status(64).stderr_has(message).run();
    }
    assert_eq!(scene.tree(), before);
}

#[test]
fn sources_are_shown_with_what_calls_them_and_what_is_missing() {
    let scene = Scene::new();
    scene.put("usr/sbin/netcue", "");
    scene.with_ppp();
    fs::remove_dir(scene.path("etc/ppp/ip-pre-up.d")).unwrap();
    scene.put("usr/sbin/diald", "");
    scene.link("etc/ppp/ip-up.d/00-netcue", "/usr/sbin/netcue");
    scene.link("etc/ppp/ip-down.d/netcue", "/usr/sbin/netcue");
    let absent = ALL.iter().filter(|source| !source.attach.parts.is_empty());
    let absent: Vec<&str> = absent.map(|source| source.name.as_str()).collect();
    scene
        .netcue(["sources"])
        .stdout(
            "\
SOURCE  INSTALLED  ENABLED  LAST HEARD  CALLED BY                  MISSING
ppp     yes        yes      never       /etc/ppp/ip-down.d/netcue  no link in /etc/ppp/ipv6-up.d
                                        /etc/ppp/ip-up.d/00-netcue  no link in /etc/ppp/ipv6-down.d
diald   yes        yes      never       -                          no line in \
             /etc/diald/diald.options for addroute, delroute, ip-up, ip-down, ip-goingdown
boot    yes        yes      never       -                          -
manual  yes        yes      never       -                          -

not on this machine: pcmcia kernel ABSENT
"
            .replace("ABSENT", &absent.join(" "))
            .replace("ip-down.d/netcue  no", "ip-down.d/netcue   no")
            .replace("BY                  MISSING", "BY                   MISSING")
            .replace("-                          ", "-                           ")
            .as_str(),
        )
        .run();
    scene.netcue(["from", "ppp", "ip-up"]).status(65).stderr_has("refused: ppp ip-up").run();
    let json = scene.netcue(["sources", "--json"]).any_stdout().run();
    let rows: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert!(rows[0]["last_heard"].is_string(), "a refused call is heard, too: {rows:#}");
    assert_eq!(rows[0]["called_by"][0]["to"], "/usr/sbin/netcue");
    assert_eq!(rows[1]["last_heard"], serde_json::Value::Null);
}
