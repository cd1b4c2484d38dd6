//! hostapd and `wpa_supplicant` themselves, who let each other in by 802.1X on a cable, with
//! `hostapd_cli` and `wpa_cli` set to call by `netcue enable`.

use std::fs;

use serde_json::Value;

use crate::real_callers::{last, told, with_a_cable};
use crate::scene::{Scene, run, wait_until};
use crate::server::Server;

/// Both daemons, each with what calls for it, at the ends of the cable.
fn authenticated() -> (Scene, [Server; 4]) {
    let scene = with_a_cable(&["wpa_cli", "hostapd_cli"]);
    scene.ip("link set vB up");
    fs::write(
        "/run/hostapd.conf",
        "interface=vA\ndriver=wired\nctrl_interface=/run/hostapd\nieee8021x=1\neap_server=1\n\
         eap_user_file=/run/users\neap_reauth_period=2\nuse_pae_group_addr=1\n",
    )
    .expect("settings");
    fs::write("/run/users", "\"someone\" MD5 \"secret\"\n").expect("users");
    fs::write(
        "/run/wpa.conf",
        "ctrl_interface=/run/wpa\nap_scan=0\nnetwork={\n key_mgmt=IEEE8021X\n eap=MD5\n \
         identity=\"someone\"\n password=\"secret\"\n eapol_flags=0\n}\n",
    )
    .expect("settings");
    let start = |log: &str, words: &str| {
        let words: Vec<&str> = words.split(' ').collect();
        Server::start(&format!("/run/{log}.log"), words[0], &words[1..])
    };
    let is_there = |path: &str| {
        let path = path.to_owned();
        wait_until(&path.clone(), move || fs::exists(&path).expect("a folder"));
    };
    let hostapd = start("hostapd", "hostapd /run/hostapd.conf");
    is_there("/run/hostapd/vA");
    let of_hostapd =
        start("of-hostapd", "hostapd_cli -p /run/hostapd -i vA -a /etc/hostapd/netcue");
    let wpa = start("wpa", "wpa_supplicant -D wired -i vB -c /run/wpa.conf");
    is_there("/run/wpa/vB");
    let of_wpa = start("of-wpa", "wpa_cli -p /run/wpa -i vB -a /etc/wpa_supplicant/netcue");
    (scene, [hostapd, of_hostapd, wpa, of_wpa])
}

fn triggers(scene: &Scene, source: &str) -> Vec<Value> {
    told(scene, source).iter().map(|event| event["trigger"].clone()).collect()
}

fn are_told(scene: &Scene, source: &str, wanted: &[&str]) {
    wait_until(&format!("{wanted:?}"), || triggers(scene, source) == wanted);
}

#[test]
fn wpa_cli_and_hostapd_cli_tell_of_a_port_that_is_opened_and_closed() {
    let (scene, _daemons) = authenticated();
    let wpa = |word: &str| run("wpa_cli", ["-p", "/run/wpa", "-i", "vB", word]);
    are_told(&scene, "wpa_cli", &["CONNECTED"]);
    assert!(wpa("status").contains("wpa_state=COMPLETED"));
    wpa("disconnect");
    are_told(&scene, "wpa_cli", &["CONNECTED", "DISCONNECTED"]);
    wpa("reconnect");
    are_told(&scene, "wpa_cli", &["CONNECTED", "DISCONNECTED", "CONNECTED"]);
    let all = told(&scene, "wpa_cli");
    assert!(all.iter().all(|event| event["interface"] == "vB"), "{all:#?}");
    assert_eq!(all[2]["details"]["link"], "associated");

    // Who is let in, and is again every two seconds, is nobody's concern: not even the journal's.
    let times = || {
        let log = fs::read_to_string("/run/hostapd.log").expect("a log");
        log.matches("CTRL-EVENT-EAP-SUCCESS").count()
    };
    wait_until("somebody to be let in again", || times() >= 4);
    assert_eq!(triggers(&scene, "hostapd_cli"), [] as [&str; 0]);
    let hostapd = |word: &str| run("hostapd_cli", ["-p", "/run/hostapd", "-i", "vA", word]);
    hostapd("disable");
    assert_eq!(last(&scene, "hostapd_cli", "down")["trigger"], "AP-DISABLED");
    hostapd("enable");
    let up = last(&scene, "hostapd_cli", "up");
    assert_eq!(up["trigger"], "AP-ENABLED");
    assert_eq!(up["interface"], "vA");
    assert!(scene.records("refused").is_empty(), "{:#?}", scene.records("refused"));
    let all = scene.text("var/log/netcue/journal.jsonl");
    assert!(!all.contains("someone") && !all.contains("secret"), "{all}");
}
