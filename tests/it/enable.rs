//! Sources on and off, with what calls netcue put in place and taken out, in roots made up
//! for it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::call::NETCUE;
use crate::scene::{Scene, run, write_file};

/// All that is under a root: mode, and content or target.
pub(crate) fn tree(root: &Path) -> BTreeMap<PathBuf, (u32, String)> {
    WalkDir::new(root)
        .min_depth(1)
        .into_iter()
        .map(|entry| {
            let entry = entry.expect("an entry");
            let meta = entry.metadata().expect("metadata");
            let content = if meta.is_symlink() {
                fs::read_link(entry.path()).expect("a link").display().to_string()
            } else if meta.is_file() {
                String::from_utf8_lossy(&fs::read(entry.path()).expect("a file")).into_owned()
            } else {
                String::new()
            };
            let path = entry.path().strip_prefix(root).expect("below").to_owned();
            (path, (meta.mode(), content))
        })
        .collect()
}

/// A file with some text.
pub(crate) fn put(scene: &Scene, below: &str, text: &str) {
    write_file(&scene.path(below), text.as_bytes(), 0o644);
}

/// A link, with the folders above it.
pub(crate) fn link(scene: &Scene, below: &str, to: &str) {
    let path = scene.path(below);
    fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
    symlink(to, path).expect("a link");
}

/// A root with the program in it, and every source switched off.
pub(crate) fn installed() -> Scene {
    let scene = Scene::new();
    put(&scene, "usr/sbin/netcue", "");
    fs::create_dir_all(scene.path("etc/netcue/enabled")).expect("a folder");
    scene
}

/// Debian's wrappers and their folders.
pub(crate) fn with_ppp(scene: &Scene) {
    put(scene, "usr/sbin/pppd", "");
    for name in ["ip-pre-up", "ip-up", "ip-down", "ipv6-up", "ipv6-down"] {
        let wrapper = format!(
            "#!/bin/sh\n[ ! -x /etc/ppp/{name}.local ] || exec /etc/ppp/{name}.local \"$@\"\n\
             run-parts /etc/ppp/{name}.d --arg=\"$1\"\n"
        );
        write_file(&scene.path(&format!("etc/ppp/{name}")), wrapper.as_bytes(), 0o755);
        fs::create_dir_all(scene.path(&format!("etc/ppp/{name}.d"))).expect("a folder");
    }
}

/// The units, as far as enabling them goes.
pub(crate) fn with_units(scene: &Scene) {
    fs::create_dir_all(scene.path("etc/systemd/system")).expect("a folder");
    for (stage, target) in [
        ("pre-network", "sysinit.target"),
        ("interfaces", "multi-user.target"),
        ("filesystems", "multi-user.target"),
        ("services", "multi-user.target"),
    ] {
        let text = format!("[Service]\nExecStart=/bin/true\n\n[Install]\nWantedBy={target}\n");
        put(scene, &format!("usr/lib/systemd/system/netcue-boot-{stage}.service"), &text);
    }
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// Does `on` twice and `off`: the second time changes nothing, a dry run neither, and in
/// the end all is as it was.
fn there_and_back(scene: &Scene, on: &str, off: &str) {
    let before = tree(scene.root());
    let dry = format!("{on} --dry-run");
    let ran = scene.netcue(words(&dry)).any_stdout().run();
    assert_eq!(tree(scene.root()), before, "a dry run changed something");
    assert!(ran.stdout.contains(": would "), "{ran:?}");
    scene.netcue(words(on)).any_stdout().run();
    let there = tree(scene.root());
    assert_ne!(there, before, "nothing was done");
    let again = scene.netcue(words(on)).any_stdout().run();
    assert!(again.stdout.lines().all(|line| line.contains(": already so: ")), "{again:?}");
    assert_eq!(tree(scene.root()), there, "the second time changed something");
    scene.netcue(words(off)).any_stdout().run();
    assert_eq!(tree(scene.root()), before, "not all is as it was");
}

#[test]
fn ppp_gets_a_link_in_every_folder_there_is() {
    let scene = installed();
    with_ppp(&scene);
    fs::remove_dir(scene.path("etc/ppp/ip-pre-up.d")).unwrap();
    fs::remove_file(scene.path("etc/ppp/ip-pre-up")).unwrap();
    scene
        .netcue(["enable", "ppp"])
        .stdout(
            "ppp: this pppd has no /etc/ppp/ip-pre-up.d\n\
             ppp: linked /etc/ppp/ip-up.d/netcue -> /usr/sbin/netcue\n\
             ppp: linked /etc/ppp/ip-down.d/netcue -> /usr/sbin/netcue\n\
             ppp: linked /etc/ppp/ipv6-up.d/netcue -> /usr/sbin/netcue\n\
             ppp: linked /etc/ppp/ipv6-down.d/netcue -> /usr/sbin/netcue\n\
             ppp: wrote /etc/netcue/enabled/ppp\n",
        )
        .run();
    let target = fs::read_link(scene.path("etc/ppp/ip-up.d/netcue")).unwrap();
    assert_eq!(target, Path::new("/usr/sbin/netcue"));
    assert!(!scene.path("etc/ppp/ip-pre-up").exists(), "dpkg would follow a link there");
}

#[test]
fn what_was_enabled_can_be_disabled_without_a_trace() {
    let scene = installed();
    with_ppp(&scene);
    with_units(&scene);
    put(&scene, "etc/default/netcue", "# mine\nBOOT=\"off\"\nPRE_NETWORK=\"no\"\n");
    there_and_back(&scene, "enable ppp", "disable ppp");
    there_and_back(&scene, "enable manual", "disable manual");
    there_and_back(&scene, "enable boot --stage filesystems --pre-network", "disable boot");
    there_and_back(&scene, "enable boot ppp manual", "disable ppp manual boot");
    there_and_back(&scene, "enable ppp --flag-only", "disable ppp --flag-only");
}

#[test]
fn without_a_wrapper_the_scripts_themselves_are_linked() {
    let scene = installed();
    put(&scene, "usr/sbin/pppd", "");
    put(&scene, "etc/ppp/options", "");
    there_and_back(&scene, "enable ppp", "disable ppp");
    let own = "#!/bin/sh\nroute add\n";
    put(&scene, "etc/ppp/ip-up", own);
    scene
        .netcue(["enable", "ppp"])
        .status(1)
        .stdout(
            "ppp: linked /etc/ppp/ip-pre-up -> /usr/sbin/netcue\n\
             ppp: linked /etc/ppp/ip-down -> /usr/sbin/netcue\n\
             ppp: linked /etc/ppp/ipv6-up -> /usr/sbin/netcue\n\
             ppp: linked /etc/ppp/ipv6-down -> /usr/sbin/netcue\n\
             ppp: wrote /etc/netcue/enabled/ppp\n",
        )
        .stderr(
            "netcue: ppp: not done: /etc/ppp/ip-up is a script that netcue did not write: put \
             this line into it: /usr/sbin/netcue from ppp ip-up \"$@\"\n",
        )
        .run();
    assert_eq!(scene.text("etc/ppp/ip-up"), own);
    scene.netcue(["disable", "ppp"]).any_stdout().run();
    assert_eq!(scene.text("etc/ppp/ip-up"), own);
}

#[test]
fn what_netcue_did_not_make_stays_and_the_rest_is_done() {
    let scene = installed();
    with_ppp(&scene);
    link(&scene, "etc/ppp/ip-up.d/netcue", "/opt/other");
    put(&scene, "etc/ppp/ip-down.d/netcue", "#!/bin/sh\n");
    let stderr = "netcue: ppp: not done: /etc/ppp/ip-up.d/netcue is a link to /opt/other, which \
                  netcue did not make: move it away, and run this again\n\
                  netcue: ppp: not done: /etc/ppp/ip-down.d/netcue is a file, which netcue did \
                  not make: move it away, and run this again\n";
    scene
        .netcue(["enable", "ppp"])
        .status(1)
        .stdout(
            "ppp: linked /etc/ppp/ip-pre-up.d/netcue -> /usr/sbin/netcue\n\
             ppp: linked /etc/ppp/ipv6-up.d/netcue -> /usr/sbin/netcue\n\
             ppp: linked /etc/ppp/ipv6-down.d/netcue -> /usr/sbin/netcue\n\
             ppp: wrote /etc/netcue/enabled/ppp\n",
        )
        .stderr(stderr)
        .run();
    scene.netcue(["disable", "ppp"]).status(1).any_stdout().stderr(stderr).run();
    let left = fs::read_link(scene.path("etc/ppp/ip-up.d/netcue")).unwrap();
    assert_eq!(left, Path::new("/opt/other"));
    assert_eq!(scene.names_in("etc/ppp/ip-down.d"), ["netcue"]);
    assert!(scene.names_in("etc/ppp/ipv6-up.d").is_empty());
}

/// It moved from /usr/local to /usr: its own old links are its own.
#[test]
fn a_link_to_where_the_program_was_is_made_anew() {
    let scene = installed();
    with_ppp(&scene);
    link(&scene, "etc/ppp/ip-up.d/netcue", "/usr/local/sbin/netcue");
    scene.netcue(["enable", "ppp"]).any_stdout().run();
    let target = fs::read_link(scene.path("etc/ppp/ip-up.d/netcue")).unwrap();
    assert_eq!(target, Path::new("/usr/sbin/netcue"));
}

#[test]
fn the_first_switch_makes_a_flag_for_every_source() {
    let scene = Scene::new();
    scene
        .netcue(["disable", "manual"])
        .stdout(
            "manual: made the folder /etc/netcue/enabled\n\
             manual: without that folder every source was on, so each gets its flag\n\
             manual: wrote /etc/netcue/enabled/ppp\n\
             manual: wrote /etc/netcue/enabled/diald\n\
             manual: wrote /etc/netcue/enabled/pcmcia\n\
             manual: wrote /etc/netcue/enabled/boot\n",
        )
        .run();
    scene.netcue(["emit"]).any_stdout().stdout_has("disabled").run();
    assert_eq!(scene.outcomes(), ["disabled"]);
}

const DIALD: &str =
    "mode ppp\n# addroute \"/usr/sbin/netcue from diald addroute\"\nlocal 192.168.0.1";

#[test]
fn diald_gets_its_lines_between_markers_and_nothing_else_moves() {
    let scene = installed();
    for text in [DIALD.to_owned(), format!("{DIALD}\n"), format!("{DIALD}\r\n\r\n"), String::new()]
    {
        put(&scene, "etc/diald/diald.options", &text);
        let edit = "--edit /etc/diald/diald.options";
        there_and_back(&scene, &format!("enable diald {edit}"), &format!("disable diald {edit}"));
    }
    // Owner and mode are the file's own.
    let path = scene.path("etc/diald/diald.options");
    run("chmod", ["640", path.to_str().unwrap()]);
    scene.netcue(["enable", "diald", "--edit"]).word(&path).any_stdout().run();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
    let text = scene.text("etc/diald/diald.options");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "# netcue begin",
            "addroute \"/usr/sbin/netcue from diald addroute\"",
            "delroute \"/usr/sbin/netcue from diald delroute\"",
            "ip-up \"/usr/sbin/netcue from diald ip-up\"",
            "ip-down \"/usr/sbin/netcue from diald ip-down\"",
            "ip-goingdown \"/usr/sbin/netcue from diald ip-goingdown\"",
            "# netcue end",
        ]
    );
}

#[test]
fn without_edit_diald_is_told_its_lines_and_left_alone() {
    let scene = installed();
    put(
        &scene,
        "etc/diald/diald.options",
        "ip-up \"/usr/sbin/netcue from diald ip-up\"\nip-down /etc/diald/ip-down\n",
    );
    scene
        .netcue(["enable", "diald"])
        .stdout(
            "diald: put these lines into /etc/diald/diald.options, or let \"netcue enable diald \
             --edit /etc/diald/diald.options\" do it:\n\
             addroute \"/usr/sbin/netcue from diald addroute\"\n\
             delroute \"/usr/sbin/netcue from diald delroute\"\n\
             ip-goingdown \"/usr/sbin/netcue from diald ip-goingdown\"\n\
             diald: wrote /etc/netcue/enabled/diald\n",
        )
        .run();
    scene
        .netcue(["disable", "diald"])
        .stdout(
            "diald: removed /etc/netcue/enabled/diald\n\
             diald: /etc/diald/diald.options still calls netcue: its calls are recorded and \
             nothing runs; \"netcue disable diald --edit /etc/diald/diald.options\" takes the \
             lines out\n",
        )
        .run();
}

#[test]
fn a_line_of_somebody_elses_is_not_overruled() {
    let scene = installed();
    let text = "addroute \"/etc/diald/mine\"\n";
    put(&scene, "etc/diald/diald.options", text);
    scene
        .netcue(["enable", "diald", "--edit", "/etc/diald/diald.options"])
        .status(1)
        .any_stdout()
        .stderr(
            "netcue: diald: not done: /etc/diald/diald.options:1: \"addroute \\\"/etc/diald/mine\
             \\\"\" is in the place of \"addroute \\\"/usr/sbin/netcue from diald addroute\\\"\": \
             call netcue from that script, or remove the line and run this again\n",
        )
        .run();
    let edited = scene.text("etc/diald/diald.options");
    assert!(edited.starts_with(text) && edited.contains("from diald delroute"), "{edited}");
    assert!(!edited.contains("from diald addroute"), "{edited}");
}

const NETWORK_OPTS: &str = "\
case \"$ADDRESS\" in
home,*)
    IPADDR=\"192.168.7.4\"
    start_fn () { return; }
    stop_fn () { return; }
    ;;
work,*)
    start_fn () { mount /work; }
    ;;
*,*,*,*)
    DHCP=\"y\"
    ;;
esac
";

#[test]
fn each_card_block_gets_the_functions_unless_it_has_its_own() {
    let scene = installed();
    put(&scene, "etc/pcmcia/network.opts", NETWORK_OPTS);
    let before = tree(scene.root());
    scene
        .netcue(["enable", "pcmcia", "--edit", "/etc/pcmcia/network.opts"])
        .status(1)
        .stdout(
            "pcmcia: wrote /etc/pcmcia/network.opts\n\
             pcmcia: linked /usr/sbin/ipmasq -> /usr/sbin/netcue\n\
             pcmcia: wrote /etc/netcue/enabled/pcmcia\n",
        )
        .stderr(
            "netcue: pcmcia: not done: /etc/pcmcia/network.opts:8: this block has such a function \
             of its own: call netcue in it, as the lines that \"netcue enable pcmcia\" prints do\n",
        )
        .run();
    let file = scene.path("etc/pcmcia/network.opts");
    // What cardmgr's script does with the file, and with which words netcue is then called.
    let start = |address: &str| {
        let script = format!(
            "ADDRESS={address}; . {}; netcue_card() {{ echo \"netcue $* $IPMASQ\"; }}; \
             mount() {{ echo \"mount $*\"; }}; start_fn eth0",
            file.display()
        );
        run("sh", ["-eu", "-c", &script])
    };
    assert_eq!(start("home,0,0,1"), "netcue start eth0 y\n");
    assert_eq!(start("other,0,0,1"), "netcue start eth0 y\n");
    assert_eq!(start("work,0,0,1"), "mount /work\n");
    scene.netcue(words("disable pcmcia --edit /etc/pcmcia/network.opts")).any_stdout().run();
    assert_eq!(tree(scene.root()), before);
}

/// The package's own link to itself is not ours to remove.
#[test]
fn a_program_called_ipmasq_stays() {
    let scene = installed();
    link(&scene, "usr/sbin/ipmasq", "netcue");
    scene.netcue(["disable", "pcmcia"]).any_stdout().run();
    assert_eq!(fs::read_link(scene.path("usr/sbin/ipmasq")).unwrap(), Path::new("netcue"));
}

#[test]
fn the_choice_of_a_stage_is_written_down_and_followed_by_the_units() {
    let scene = installed();
    with_units(&scene);
    scene
        .netcue(words("enable boot --stage services --pre-network"))
        .stdout(
            "boot: wrote /etc/default/netcue\n\
             boot: linked /etc/systemd/system/sysinit.target.wants/netcue-boot-pre-network.service \
             -> /usr/lib/systemd/system/netcue-boot-pre-network.service\n\
             boot: linked /etc/systemd/system/multi-user.target.wants/netcue-boot-services.service \
             -> /usr/lib/systemd/system/netcue-boot-services.service\n\
             boot: wrote /etc/netcue/enabled/boot\n",
        )
        .run();
    let defaults = scene.text("etc/default/netcue");
    assert!(defaults.contains("\nBOOT=\"services\"\n"), "{defaults}");
    assert!(defaults.contains("\nPRE_NETWORK=\"yes\"\n"), "{defaults}");
    scene
        .netcue(words("enable boot --stage filesystems"))
        .stdout(
            "boot: wrote /etc/default/netcue\n\
             boot: removed the link \
             /etc/systemd/system/sysinit.target.wants/netcue-boot-pre-network.service\n\
             boot: linked \
             /etc/systemd/system/multi-user.target.wants/netcue-boot-filesystems.service -> \
             /usr/lib/systemd/system/netcue-boot-filesystems.service\n\
             boot: removed the link \
             /etc/systemd/system/multi-user.target.wants/netcue-boot-services.service\n\
             boot: already so: /etc/netcue/enabled/boot is there\n",
        )
        .run();
    assert_eq!(scene.names_in("etc/systemd/system"), ["multi-user.target.wants"]);
}

#[test]
fn with_diald_an_early_boot_event_is_advised_against() {
    let scene = installed();
    put(&scene, "usr/sbin/diald", "");
    scene.netcue(words("enable boot")).any_stdout().run();
    let defaults = scene.text("etc/default/netcue");
    assert!(defaults.contains("\nBOOT=\"services\"\n"), "{defaults}");
    let early = scene.netcue(words("enable boot --stage interfaces")).any_stdout().run();
    assert!(early.stdout.contains("boot: with diald the boot event should be off"), "{early:?}");
}

#[test]
fn a_wrong_command_line_is_told() {
    let scene = installed();
    let before = tree(scene.root());
    for (call, message) in [
        ("enable pppd", "there are ppp diald pcmcia boot manual"),
        ("enable ppp --stage services", "--stage and --pre-network belong to boot"),
        ("enable ppp --edit /etc/x", "--edit is for diald or pcmcia, one at a time"),
        ("disable diald --edit /etc/x --flag-only", "cannot be used with"),
        ("enable", "<SOURCE>"),
    ] {
        scene.netcue(words(call)).status(64).stderr_has(message).run();
    }
    assert_eq!(tree(scene.root()), before);
}

#[test]
fn sources_are_shown_with_what_calls_them_and_what_is_missing() {
    let scene = Scene::new();
    put(&scene, "usr/sbin/netcue", "");
    with_ppp(&scene);
    fs::remove_dir(scene.path("etc/ppp/ip-pre-up.d")).unwrap();
    put(&scene, "usr/sbin/diald", "");
    link(&scene, "etc/ppp/ip-up.d/00-netcue", "/usr/sbin/netcue");
    link(&scene, "etc/ppp/ip-down.d/netcue", "/usr/sbin/netcue");
    scene
        .netcue(["sources"])
        .stdout(
            "\
SOURCE  INSTALLED  ENABLED  LAST HEARD  CALLED BY                  MISSING
ppp     yes        yes      never       /etc/ppp/ip-down.d/netcue  no link in /etc/ppp/ipv6-up.d
                                        /etc/ppp/ip-up.d/00-netcue  no link in /etc/ppp/ipv6-down.d
diald   yes        yes      never       -                          no line in \
             /etc/diald/diald.options for addroute, delroute, ip-up, ip-down, ip-goingdown
pcmcia  no         yes      never       -                          -
boot    yes        yes      never       -                          -
manual  yes        yes      never       -                          -
"
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

/// The program under test where an installed one would be, for this thread alone.
fn install_on_this_machine() -> Scene {
    let scene = Scene::on_this_machine();
    run("mount", ["-t", "tmpfs", "-o", "mode=0755", "none", "/usr/local/sbin"]);
    run("install", ["-m", "755", NETCUE, "/usr/local/sbin/netcue"]);
    scene
}

#[test]
fn debians_own_wrapper_calls_what_was_enabled_and_nothing_after() {
    let scene = install_on_this_machine();
    let comes_up = || {
        run("/etc/ppp/ip-up", ["ppp0", "/dev/ttyS0", "115200", "203.0.113.5", "203.0.113.1", ""]);
        scene.settled();
    };
    comes_up();
    assert!(scene.journal().is_empty());
    scene.netcue(["enable", "ppp"]).any_stdout().run();
    comes_up();
    assert_eq!(scene.outcomes(), ["done"]);
    let event = scene.records("accepted").pop().expect("an event");
    assert_eq!(event["event"]["trigger"], "ip-up", "{event:#}");
    assert_eq!(event["event"]["local"], "203.0.113.5", "{event:#}");
    let ran = scene.netcue(["sources", "--json"]).any_stdout().run();
    let rows: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert!(rows[0]["last_heard"].is_string(), "{rows:#}");
    assert_eq!(rows[0]["missing"], serde_json::json!([]), "{rows:#}");
    scene.netcue(["disable", "ppp"]).any_stdout().run();
    comes_up();
    assert_eq!(scene.outcomes(), ["done"]);
}

/// The flag alone, as ipmasq had it: the link stays, and its calls do nothing.
#[test]
fn a_flag_switches_off_without_touching_anything_else() {
    let scene = install_on_this_machine();
    scene.netcue(["enable", "ppp"]).any_stdout().run();
    fs::remove_file("/etc/netcue/enabled/ppp").unwrap();
    run("/etc/ppp/ip-up", ["ppp0", "/dev/ttyS0", "115200", "203.0.113.5", "203.0.113.1", ""]);
    assert_eq!(scene.outcomes(), ["disabled"]);
}

/// A machine that System V init starts: an init script each, as far as insserv reads it, and
/// no link from init to systemd.
fn start_by_system_v() -> Scene {
    let scene = install_on_this_machine();
    scene.lay_over("/usr/sbin");
    run("rm", ["-f", "/usr/sbin/init", "/sbin/init"]);
    for (name, levels) in
        [("netcue", "2 3 4 5"), ("netcue-early", "S"), ("netcue-pre-network", "S")]
    {
        let text = format!(
            "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: {name}\n# Required-Start:\n\
             # Required-Stop:\n# Default-Start: {levels}\n# Default-Stop:\n\
             # Short-Description: {name}\n### END INIT INFO\n"
        );
        let script = Path::new("/etc/init.d").join(name);
        fs::create_dir_all("/etc/init.d").expect("a folder");
        fs::write(&script, text).expect("a script");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("chmod");
    }
    scene
}

#[test]
fn under_system_v_init_the_scripts_follow_the_choice() {
    let scene = start_by_system_v();
    let started = || {
        let mut started = Vec::new();
        for folder in ["etc/rc2.d", "etc/rcS.d"] {
            let names = scene.names_in(folder).into_iter();
            started.extend(names.filter(|name| name.starts_with('S') && name.contains("netcue")));
        }
        let bare = |name: String| name.trim_start_matches(['S', '0', '1', '2', '3']).to_owned();
        started.into_iter().map(bare).collect::<Vec<_>>()
    };
    for (call, expected) in [
        ("enable boot --stage services", &["netcue"][..]),
        ("enable boot --stage filesystems", &["netcue-early"]),
        ("enable boot --stage services --pre-network", &["netcue", "netcue-pre-network"]),
        ("disable boot", &[]),
    ] {
        let ran = scene.netcue(words(call)).any_stdout().run();
        assert_eq!(started(), expected, "{ran:?}");
        assert!(ran.stdout.contains("boot: ran /usr/sbin/update-rc.d netcue "), "{ran:?}");
        let again = scene.netcue(words(call)).any_stdout().run();
        assert!(!again.stdout.contains("boot: ran "), "{again:?}");
    }
}
