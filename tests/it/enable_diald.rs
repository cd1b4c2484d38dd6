//! diald switched on and off: the lines in its configuration that call netcue.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::scene::{Scene, run};

const DIALD: &str =
    "mode ppp\n# addroute \"/usr/sbin/netcue from diald addroute\"\nlocal 192.168.0.1";

#[test]
fn diald_gets_its_lines_between_markers_and_nothing_else_moves() {
    let scene = Scene::installed();
    for text in [DIALD.to_owned(), format!("{DIALD}\n"), format!("{DIALD}\r\n\r\n"), String::new()]
    {
        scene.put("etc/diald/diald.options", &text);
        let edit = "--edit /etc/diald/diald.options";
        scene.there_and_back(&format!("enable diald {edit}"), &format!("disable diald {edit}"));
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
    let scene = Scene::installed();
    scene.put(
        "etc/diald/diald.options",
        "ip-up \"/usr/sbin/netcue from diald ip-up\"\nip-down /etc/diald/ip-down\n\
         ip-goingdown /etc/diald/ip-goingdown\n",
    );
    scene.link("etc/diald/ip-down", "/usr/sbin/netcue");
    scene.put("etc/diald/ip-goingdown", "#!/bin/sh\n");
    scene
        .netcue(["enable", "diald"])
        .stdout(
            "diald: put these lines into /etc/diald/diald.options, or let \"netcue enable diald \
             --edit /etc/diald/diald.options\" do it:\n\
             addroute \"/usr/sbin/netcue from diald addroute\"\n\
             delroute \"/usr/sbin/netcue from diald delroute\"\n\
             ip-goingdown \"/usr/sbin/netcue from diald ip-goingdown\"\n\
             diald: until then nothing switches forwarding on when diald's proxy takes the default \
             route, so no packet from inside reaches the proxy, and diald never dials for one\n\
             diald: then restart diald, which reads its options when it starts: the addroute of \
             its proxy then puts the rules in force and switches forwarding on\n\
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

/// The old recipe: no boot event, pppd calls, and diald has no lines.
#[test]
fn a_diald_that_could_never_dial_is_told_by_doctor_and_mended_by_enable() {
    let scene = Scene::installed();
    scene.put("usr/sbin/diald", "");
    scene.put("etc/diald/diald.options", "mode ppp\n");
    scene.put("etc/default/netcue", "BOOT=\"off\"\n");
    let attentions = || {
        let told = scene.netcue(["doctor"]).any_status().any_stdout().run().stdout;
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        (told.contains("diald never dials"), told.contains("with diald the boot event"))
    };
    assert_eq!(attentions(), (true, false));
    // A boot event after diald's start does it as well, and so does somebody else.
    scene.put("etc/default/netcue", "BOOT=\"services\"\n");
    assert_eq!(attentions(), (false, false));
    scene.put("etc/default/netcue", "BOOT=\"interfaces\"\n");
    assert_eq!(attentions(), (true, true));
    scene.put("proc/sys/net/ipv4/ip_forward", "1\n");
    assert_eq!(attentions(), (false, true));
    scene.put("proc/sys/net/ipv4/ip_forward", "0\n");
    let edit = ["enable", "diald", "--edit", "/etc/diald/diald.options"];
    scene.netcue(edit).any_stdout().stdout_has("diald: restart diald").run();
    // With all lines in place nothing is left to say, whenever the boot event comes.
    assert_eq!(attentions(), (false, false));
}

#[test]
fn a_line_of_somebody_elses_is_not_overruled() {
    let scene = Scene::installed();
    let text = "addroute \"/etc/diald/mine\"\n";
    scene.put("etc/diald/diald.options", text);
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
