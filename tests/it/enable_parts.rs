//! What stands in the rows of the table of sources, put in place and taken out: every row.

use std::fs;
use std::path::Path;

use netcue::sources::{ALL, Part, Source};

use crate::scene::Scene;

/// The sources that are put in place by what their row says.
fn rows() -> impl Iterator<Item = &'static Source> {
    ALL.iter().copied().filter(|source| !source.attach.parts.is_empty())
}

/// A machine with nothing but this source's system on it.
fn machine(source: &Source) -> Scene {
    let scene = Scene::installed();
    for part in source.attach.parts {
        let (at, own_folder) = match part {
            Part::Link { at, own_folder } | Part::File { at, own_folder, .. } => (at, *own_folder),
            Part::Lines { .. } | Part::Configured(_) => continue,
        };
        let folder = Path::new(at).parent().unwrap().strip_prefix("/").unwrap();
        let there = if own_folder { folder.parent().unwrap() } else { folder };
        fs::create_dir_all(scene.path(there.to_str().unwrap())).unwrap();
    }
    scene.put(source.attach.traces[0].trim_start_matches('/'), "");
    scene
}

#[test]
fn what_is_put_in_place_is_taken_out_without_a_trace() {
    let mut tried = 0;
    let is_ours = |part: &Part| !matches!(part, Part::Configured(_));
    for source in rows().filter(|source| source.attach.parts.iter().any(is_ours)) {
        let name = source.name.as_str();
        machine(source).there_and_back(&format!("enable {name}"), &format!("disable {name}"));
        tried += 1;
    }
    assert!(tried > 12, "only {tried} sources");
}

#[test]
fn a_second_time_changes_nothing() {
    for source in rows() {
        let scene = machine(source);
        let name = source.name.as_str();
        scene.netcue(["enable", name]).any_stdout().run();
        let again = scene.netcue(["enable", name]).any_stdout().run().stdout;
        let changes = ["linked", "wrote", "made", "removed", "ran"];
        let does =
            |line: &&str| changes.iter().any(|verb| line.starts_with(&format!("{name}: {verb} ")));
        let done: Vec<&str> = again.lines().filter(does).collect();
        assert!(done.is_empty(), "{name}: {done:#?}");
    }
}

#[test]
fn what_somebody_else_put_there_stays() {
    for source in rows() {
        for part in source.attach.parts {
            let (Part::Link { at, .. } | Part::File { at, .. }) = part else { continue };
            let scene = machine(source);
            scene.put(at.trim_start_matches('/'), "theirs\n");
            let name = source.name.as_str();
            scene.netcue(["enable", name]).status(1).any_stdout().stderr_has(at).run();
            scene.netcue(["disable", name]).status(1).any_stdout().stderr_has(at).run();
            let left = fs::read_to_string(scene.path(at.trim_start_matches('/'))).unwrap();
            assert_eq!(left, "theirs\n", "{at}");
        }
    }
}

#[test]
fn what_was_put_in_place_is_found_and_nothing_is_missing() {
    for source in rows() {
        let name = source.name.as_str();
        let is_configured =
            source.attach.parts.iter().any(|part| matches!(part, Part::Configured(_)));
        let scene = machine(source);
        scene.netcue(["enable", name]).any_stdout().run();
        let row = row_of(&scene, name);
        assert_eq!(row["missing"], serde_json::json!([]), "{name}");
        let called_by = row["called_by"].as_array().unwrap();
        assert_eq!(called_by.is_empty(), is_configured, "{name}: {called_by:?}");
    }
}

fn row_of(scene: &Scene, name: &str) -> serde_json::Value {
    let all = scene.netcue(["sources", "--json"]).any_stdout().run().stdout;
    let all: Vec<serde_json::Value> = serde_json::from_str(&all).unwrap();
    all.into_iter().find(|row| row["source"] == name).unwrap()
}

#[test]
fn without_a_source_it_says_what_is_there_and_does_not_call() {
    let scene = Scene::installed();
    scene.put("usr/sbin/dhcpcd", "");
    fs::create_dir_all(scene.path("usr/lib/ifupdown")).unwrap();
    fs::create_dir_all(scene.path("etc/network/if-up.d")).unwrap();
    let said = scene.netcue(["enable"]).any_stdout().run().stdout;
    assert!(said.ends_with("\nnetcue enable ifupdown dhcpcd\n"), "{said}");
    scene.netcue(["enable", "ifupdown", "dhcpcd"]).any_stdout().run();
    let said = scene.netcue(["enable"]).any_stdout().run().stdout;
    assert_eq!(said, "whatever is on this machine calls netcue already\n");
    scene.netcue(["disable"]).status(64).stderr_has("which sources?").run();
}

#[test]
fn two_sources_that_share_a_place_share_its_link() {
    let scene = Scene::installed();
    for folder in ["usr/lib/ifupdown", "etc/network/if-up.d"] {
        fs::create_dir_all(scene.path(folder)).unwrap();
    }
    scene.put("etc/network/ifupdown-ng.conf", "");
    scene.netcue(["enable", "ifupdown", "ifupdown-ng"]).any_stdout().run();
    scene
        .netcue(["disable", "ifupdown-ng"])
        .stdout_has("already so: /etc/network/if-up.d/0000netcue stays, for ifupdown")
        .run();
    assert!(scene.path("etc/network/if-up.d/0000netcue").is_symlink());
    assert!(!scene.path("etc/network/if-pre-down.d").exists(), "it was made for ifupdown-ng alone");
}

/// A configuration before, and what a line of it has to be followed by.
fn edited(source: &str, at: &str, before: &str, expected: &str) {
    let scene = Scene::installed();
    scene.put(at, before);
    let file = scene.path(at);
    let file = file.to_str().unwrap();
    scene.netcue(["enable", source, "--edit", file]).any_stdout().run();
    assert_eq!(fs::read_to_string(file).unwrap(), expected, "{source}");
    scene.netcue(["enable", source, "--edit", file]).any_stdout().run();
    assert_eq!(fs::read_to_string(file).unwrap(), expected, "{source} twice");
    assert_eq!(row_of(&scene, source)["missing"], serde_json::json!([]), "{source}");
    scene.netcue(["disable", source, "--edit", file]).any_stdout().run();
    assert_eq!(fs::read_to_string(file).unwrap(), before, "{source} there and back");
}

#[test]
fn a_configuration_of_wg_quick_gets_its_lines_in_the_section_of_the_interface() {
    edited(
        "wg-quick",
        "etc/wireguard/wg0.conf",
        "[Interface]\nPrivateKey = x\n[Peer]\nPublicKey = y\n",
        "[Interface]\n# netcue begin\n\
         PreUp = /usr/sbin/netcue from wg-quick pre-up %i\n\
         PostUp = /usr/sbin/netcue from wg-quick up %i\n\
         PreDown = /usr/sbin/netcue from wg-quick pre-down %i\n\
         PostDown = /usr/sbin/netcue from wg-quick down %i\n\
         # netcue end\nPrivateKey = x\n[Peer]\nPublicKey = y\n",
    );
}

#[test]
fn a_configuration_of_openvpn_that_drops_root_gets_the_plugin() {
    let lines = "script-security 2\nup \"/usr/sbin/netcue from openvpn\"\n\
                 route-up \"/usr/sbin/netcue from openvpn\"\n\
                 route-pre-down \"/usr/sbin/netcue from openvpn\"\n";
    let down = "down \"/usr/sbin/netcue from openvpn\"\n";
    let at = "etc/openvpn/client.conf";
    let after = format!("client\n# netcue begin\n{lines}{down}up-restart\n# netcue end\n");
    edited("openvpn", at, "client\n", &after);
    let plugin = "plugin openvpn-plugin-down-root.so \"/usr/sbin/netcue from openvpn down\"\n";
    let before = "client\nuser nobody\npersist-tun\n";
    let after = format!("{before}# netcue begin\n{lines}{plugin}# netcue end\n");
    edited("openvpn", at, before, &after);
}

/// OpenVPN ends when that plugin is started a second time, as without this option at each
/// reconnection.
#[test]
fn a_configuration_of_openvpn_whose_tunnel_goes_gets_no_plugin() {
    let scene = Scene::installed();
    scene.put("etc/openvpn/client.conf", "client\nuser nobody\n");
    let file = scene.path("etc/openvpn/client.conf");
    let call = scene.netcue(["enable", "openvpn", "--edit"]).word(&file).any_stdout().status(1);
    call.stderr_has("client.conf:2: user: ").stderr_has("persist-tun").run();
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("\nup \"") && !text.contains("plugin"), "{text}");
}

#[test]
fn a_script_that_openvpn_has_already_is_not_overruled() {
    let scene = Scene::installed();
    scene.put("etc/openvpn/c.conf", "up /etc/openvpn/update-resolv-conf\n");
    let file = scene.path("etc/openvpn/c.conf");
    scene
        .netcue(["enable", "openvpn", "--edit", file.to_str().unwrap()])
        .status(1)
        .any_stdout()
        .stderr_has("/etc/openvpn/c.conf:1: up: there is such a script already")
        .run();
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(text.matches("\nup \"").count(), 0, "{text}");
    assert!(text.contains("\nroute-up \"/usr/sbin/netcue from openvpn\"\n"), "{text}");
}

#[test]
fn a_configuration_of_keepalived_gets_a_line_in_each_block() {
    edited(
        "keepalived",
        "etc/keepalived/keepalived.conf",
        "vrrp_sync_group G {\n    group {\n        A\n    }\n}\nvrrp_instance A {\n    state BACKUP\n}\n",
        "# netcue begin\nglobal_defs {\n    script_user root\n}\n# netcue end\n\
         vrrp_sync_group G {\n# netcue begin\n    notify \"/usr/sbin/netcue from keepalived\"\n\
         # netcue end\n    group {\n        A\n    }\n}\nvrrp_instance A {\n# netcue begin\n\
         \u{20}   notify \"/usr/sbin/netcue from keepalived\"\n# netcue end\n    state BACKUP\n}\n",
    );
}

#[test]
fn a_configuration_of_strongswan_gets_a_line_in_each_child() {
    edited(
        "strongswan",
        "etc/swanctl/conf.d/a.conf",
        "connections {\n  net {\n    children {\n      one {\n        esp_proposals = x\n      }\n    }\n  }\n}\n",
        "connections {\n  net {\n    children {\n      one {\n# netcue begin\n\
         \u{20}           updown = /usr/sbin/netcue from strongswan\n# netcue end\n\
         \u{20}       esp_proposals = x\n      }\n    }\n  }\n}\n",
    );
}

#[test]
fn who_can_tell_nothing_is_found_with_the_cure() {
    let scene = Scene::new();
    let calls = "script-security 2\nuser nobody\nup \"/usr/sbin/netcue from openvpn\"\n";
    scene.put("etc/openvpn/c.conf", calls);
    scene.put(
        "etc/keepalived/keepalived.conf",
        "vrrp_instance A {\n notify \"/usr/sbin/netcue from keepalived\"\n}\n",
    );
    let doctor = scene.netcue(["doctor"]).any_status().any_stdout().any_stderr().run().stdout;
    let doctor = doctor.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(doctor.contains("plugin openvpn-plugin-down-root.so"), "{doctor}");
    assert!(doctor.contains("it lacks \"script_user root\""), "{doctor}");
}
