//! The same news from two sources: hooks hear it once, and nothing new is ever kept from them.

use std::fs;

use netcue::event::{Event, Stamp};
use netcue::plan::{Before, before};
use netcue::sources::ALL;
use serde_json::{Value, json};

use crate::call::Call;
use crate::scene::Scene;

/// A hook that writes down who called, and the words of dhclient and ifup for one lease.
fn scene(header: &str) -> Scene {
    let scene = Scene::new();
    let root = scene.root().display().to_string();
    scene.hook("70-told", format!("#!/bin/sh\n{header}\necho $NETCUE_SOURCE >>{root}/told\n"));
    scene
}

fn bound(scene: &Scene, address: &str) -> Call {
    let call = scene.calling("dhclient BOUND").env("interface", "lo").env("reason", "BOUND");
    call.env("new_ip_address", address).env("new_subnet_mask", "255.255.255.0")
}

fn ifup(scene: &Scene, word: &str, method: &str) -> Call {
    let call = scene.calling(&format!("ifupdown {word}")).env("IFACE", "lo");
    call.env("LOGICAL", "lo").env("ADDRFAM", "inet").env("METHOD", method).env("CLASS", "auto")
}

fn told(scene: &Scene, times: usize) -> Vec<String> {
    crate::scene::wait_until("every event ends", || scene.outcomes().len() >= times);
    let told = fs::read_to_string(scene.path("told")).unwrap_or_default();
    told.lines().map(ToOwned::to_owned).collect()
}

#[test]
fn what_two_sources_tell_reaches_a_hook_once_and_the_plan_says_by_whom() {
    let scene = scene("# netcue: action=up");
    bound(&scene, "192.0.2.7").run();
    told(&scene, 1);
    ifup(&scene, "up", "dhcp").run();
    assert_eq!(told(&scene, 2), ["dhclient"]);
    let first = scene.records("accepted")[0]["event_id"].as_str().unwrap().to_owned();
    let why = scene.skipped("70-told").expect("a reason");
    assert_eq!(why, format!("covered by {first}, which told the same"));
    assert_eq!(scene.skipped("50-rules"), None, "the rules look at the kernel");
}

#[test]
fn a_hook_may_ask_for_every_telling() {
    let scene = scene("# netcue: joined=no");
    bound(&scene, "192.0.2.7").run();
    told(&scene, 1);
    ifup(&scene, "up", "dhcp").run();
    assert_eq!(told(&scene, 2), ["dhclient", "ifupdown"]);
}

#[test]
fn whatever_is_new_reaches_the_hook() {
    // The other way round the address is news.
    let scene = scene("# netcue: action=up,down");
    ifup(&scene, "up", "dhcp").run();
    told(&scene, 1);
    bound(&scene, "192.0.2.7").run();
    assert_eq!(told(&scene, 2), ["ifupdown", "dhclient"]);
    // Down and up again is not the same news as before.
    ifup(&scene, "post-down", "dhcp").run();
    told(&scene, 3);
    ifup(&scene, "up", "dhcp").run();
    assert_eq!(told(&scene, 4), ["ifupdown", "dhclient", "ifupdown", "ifupdown"]);
}

#[test]
fn a_hook_that_did_not_run_or_failed_hears_it_again() {
    let scene = scene("# netcue: source=ifupdown");
    let root = scene.root().display().to_string();
    scene.hook("80-fails", format!("#!/bin/sh\necho x >>{root}/fails\nexit 1\n"));
    bound(&scene, "192.0.2.7").run();
    told(&scene, 1);
    ifup(&scene, "up", "dhcp").run();
    assert_eq!(told(&scene, 2), ["ifupdown"]);
    assert_eq!(scene.text("fails").lines().count(), 2);
}

#[test]
fn what_networkmanager_lets_ifupdowns_scripts_know_is_covered_while_it_calls_itself() {
    let scene = scene("# netcue: action=up");
    ifup(&scene, "up", "NetworkManager").run();
    assert_eq!(told(&scene, 1), ["ifupdown"], "nobody else would tell");
    scene.link("etc/NetworkManager/dispatcher.d/50-netcue", "/usr/sbin/netcue");
    ifup(&scene, "up", "NetworkManager").run();
    assert_eq!(told(&scene, 2), ["ifupdown"]);
    let outcome = scene.records("outcome").pop().unwrap();
    assert_eq!(outcome["outcome"], "ignored");
    assert_eq!(outcome["reason"], json!({ "kind": "told-elsewhere", "source": "networkmanager" }));
    // Another method is no business of NetworkManager's, and switched off it tells nobody.
    ifup(&scene, "up", "static").run();
    assert_eq!(told(&scene, 3).len(), 2);
    fs::create_dir_all(scene.path("etc/netcue/enabled")).unwrap();
    scene.put("etc/netcue/enabled/ifupdown", "");
    ifup(&scene, "up", "NetworkManager").run();
    assert_eq!(told(&scene, 4).len(), 3);
}

/// Every recorded call of the fixtures, as an event at the same moment as any other: what is
/// taken for told differs from what told it in nothing but what says nothing of the network.
#[test]
fn of_all_recorded_calls_none_that_says_something_new_is_taken_for_told() {
    let events: Vec<Event> = recorded();
    let (mut pairs, mut doubles) = (0, 0);
    for earlier in &events {
        for later in &events {
            let earlier = Event { boottime_ns: 1_000, ..earlier.clone() };
            let later = Event { boottime_ns: 2_000, ..later.clone() };
            pairs += 1;
            if before(&later, &earlier) != Before::Told {
                continue;
            }
            doubles += 1;
            assert_ne!(later.source, earlier.source);
            let [later, earlier] =
                [later, earlier].map(|event| serde_json::to_value(event).unwrap());
            for field in ["action", "interface", "family", "ifindex"] {
                assert_eq!(later[field], earlier[field], "{field}");
            }
            let facts = ["local", "remote", "prefix", "gateway", "addresses", "gateways", "dns"];
            for field in facts {
                let (said, known) = (&later[field], &earlier[field]);
                assert!(said.is_null() || said == known, "{field}: {said} after {known}");
            }
            for (name, said) in later["details"].as_object().unwrap() {
                let is_own = ["class", "method", "use"].contains(&name.as_str());
                assert!(is_own || *said == earlier["details"][name], "{name}: {said}");
            }
        }
    }
    assert!(pairs > 10_000 && doubles > 0, "{doubles} doubles among {pairs} pairs");
}

fn recorded() -> Vec<Event> {
    let mut events = Vec::new();
    for source in ALL {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures/sources")
            .join(source.name.as_str());
        for entry in fs::read_dir(folder).expect("cases") {
            let text = fs::read_to_string(entry.expect("a case").path()).expect("text");
            let Some((_, said)) = text.split_once("---\n{") else { continue };
            let facts: Value = serde_json::from_str(&format!("{{{said}")).expect("facts");
            let facts = serde_json::from_value(facts).expect("facts");
            let stamp = Stamp {
                id: uuid::Uuid::from_u128(events.len() as u128 + 1),
                time: jiff::Timestamp::UNIX_EPOCH,
                boottime_ns: 0,
                boot_id: None,
                ifindex: None,
                cause: None,
            };
            events.push(Event::new(source.name.clone(), facts, stamp));
        }
    }
    events
}
