//! pppd switched on and off: links in its folders, or in the place of its scripts.

use std::fs;
use std::path::Path;

use crate::scene::{Scene, run};

#[test]
fn ppp_gets_a_link_in_every_folder_there_is() {
    let scene = Scene::installed();
    scene.with_ppp();
    fs::remove_dir(scene.path("etc/ppp/ip-pre-up.d")).unwrap();
    fs::remove_file(scene.path("etc/ppp/ip-pre-up")).unwrap();
    scene
        .netcue(["enable", "ppp"])
        .stdout(
            "ppp: this pppd has no /etc/ppp/ip-pre-up.d\n\
             ppp: linked /etc/ppp/ip-up.d/0000netcue -> /usr/sbin/netcue\n\
             ppp: linked /etc/ppp/ip-down.d/0000netcue -> /usr/sbin/netcue\n\
             ppp: linked /etc/ppp/ipv6-up.d/0000netcue -> /usr/sbin/netcue\n\
             ppp: linked /etc/ppp/ipv6-down.d/0000netcue -> /usr/sbin/netcue\n\
             ppp: wrote /etc/netcue/enabled/ppp\n",
        )
        .run();
    let target = fs::read_link(scene.path("etc/ppp/ip-up.d/0000netcue")).unwrap();
    assert_eq!(target, Path::new("/usr/sbin/netcue"));
    assert!(!scene.path("etc/ppp/ip-pre-up").exists(), "dpkg would follow a link there");
}

#[test]
fn a_source_that_is_named_twice_is_enabled_once() {
    let scene = Scene::installed();
    scene.with_ppp();
    let once = scene.netcue(["enable", "ppp", "--dry-run"]).any_stdout().run().stdout;
    let twice = scene.netcue(["enable", "ppp", "ppp"]).any_stdout().run().stdout;
    assert_eq!(twice.lines().count(), once.lines().count(), "{twice}");
}

#[test]
fn without_a_wrapper_the_scripts_themselves_are_linked() {
    let scene = Scene::installed();
    scene.put("usr/sbin/pppd", "");
    scene.put("etc/ppp/options", "");
    scene.there_and_back("enable ppp", "disable ppp");
    let own = "#!/bin/sh\nroute add\n";
    scene.put("etc/ppp/ip-up", own);
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
    let scene = Scene::installed();
    scene.with_ppp();
    scene.link("etc/ppp/ip-up.d/0000netcue", "/opt/other");
    scene.put("etc/ppp/ip-down.d/0000netcue", "#!/bin/sh\n");
    let stderr = "netcue: ppp: not done: /etc/ppp/ip-up.d/0000netcue is a link to /opt/other, which \
                  netcue did not make: move it away, and run this again\n\
                  netcue: ppp: not done: /etc/ppp/ip-down.d/0000netcue is a file, which netcue did \
                  not make: move it away, and run this again\n";
    scene
        .netcue(["enable", "ppp"])
        .status(1)
        .stdout(
            "ppp: linked /etc/ppp/ip-pre-up.d/0000netcue -> /usr/sbin/netcue\n\
             ppp: linked /etc/ppp/ipv6-up.d/0000netcue -> /usr/sbin/netcue\n\
             ppp: linked /etc/ppp/ipv6-down.d/0000netcue -> /usr/sbin/netcue\n\
             ppp: wrote /etc/netcue/enabled/ppp\n",
        )
        .stderr(stderr)
        .run();
    scene.netcue(["disable", "ppp"]).status(1).any_stdout().stderr(stderr).run();
    let left = fs::read_link(scene.path("etc/ppp/ip-up.d/0000netcue")).unwrap();
    assert_eq!(left, Path::new("/opt/other"));
    assert_eq!(scene.names_in("etc/ppp/ip-down.d"), ["0000netcue"]);
    assert!(scene.names_in("etc/ppp/ipv6-up.d").is_empty());
}

/// It moved from /usr/local to /usr: its own old links are its own.
#[test]
fn a_link_to_where_the_program_was_is_made_anew() {
    let scene = Scene::installed();
    scene.with_ppp();
    scene.link("etc/ppp/ip-up.d/0000netcue", "/usr/local/sbin/netcue");
    scene.netcue(["enable", "ppp"]).any_stdout().run();
    let target = fs::read_link(scene.path("etc/ppp/ip-up.d/0000netcue")).unwrap();
    assert_eq!(target, Path::new("/usr/sbin/netcue"));
}

#[test]
fn debians_own_wrapper_calls_what_was_enabled_and_nothing_after() {
    let scene = Scene::installed_on_this_machine();
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
