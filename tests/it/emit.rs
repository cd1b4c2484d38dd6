//! `emit`: events made by hand, from options or from JSON.

use serde_json::{Value, json};

use crate::scene::Scene;

#[test]
fn emit_makes_an_event_from_options() {
    let scene = Scene::new();
    let stdin = scene.path("stdin");
    scene.hook("20-a", format!("#!/bin/sh\ncat >{}\n", stdin.display()));
    scene
        .netcue(["emit", "--action", "up", "--interface", "wg0", "--local", "192.0.2.1"])
        .words(["--prefix", "24", "--dns", "192.0.2.53", "--detail", "note=by hand"])
        .stdout("ID handled\n")
        .run();
    let event: Value = serde_json::from_str(&scene.text("stdin")).expect("an event");
    for (field, value) in [
        ("source", json!("manual")),
        ("trigger", json!("emit")),
        ("action", json!("up")),
        ("interface", json!("wg0")),
        ("family", json!("ipv4")),
        ("local", json!("192.0.2.1")),
        ("prefix", json!(24)),
        ("dns", json!(["192.0.2.53"])),
        ("details", json!({"note": "by hand"})),
    ] {
        assert_eq!(event[field], value, "{field} in {event:#}");
    }
}

#[test]
fn emit_passes_on_fields_it_does_not_know_and_makes_its_own_stamp() {
    let scene = Scene::new();
    let stdin = scene.path("stdin");
    scene.hook("20-a", format!("#!/bin/sh\ncat >{}\n", stdin.display()));
    let facts = json!({
        "interface": "wg0", "action": "roam", "mtu": 1420, "local": "2001:db8::1", "new": {"deep": [1, null]},
        "schema": "netcue.event/9", "id": "0", "time": "never", "source": "ppp", "attempt": 9,
        "boottime_ns": 1, "ifindex": 99, "caused_by": "x", "cause_depth": 99,
    });
    scene.netcue(["emit", "--json"]).stdin(facts.to_string()).stdout("ID handled\n").run();
    let event: Value = serde_json::from_str(&scene.text("stdin")).expect("an event");
    for (field, value) in [
        ("family", json!("ipv6")),
        ("mtu", json!(1420)),
        ("new", json!({"deep": [1, null]})),
        ("action", json!("roam")),
        ("schema", json!("netcue.event/1")),
        ("source", json!("manual")),
        ("attempt", json!(1)),
        ("ifindex", Value::Null),
        ("caused_by", Value::Null),
        ("first_cause", Value::Null),
        ("cause_depth", json!(0)),
    ] {
        assert_eq!(event[field], value, "{field} in {event:#}");
    }
    assert!(event["boottime_ns"].as_u64().expect("a number") > 1);
}

#[test]
fn emit_says_where_its_json_is_wrong() {
    for (stdin, said) in [
        ("{", "netcue: stdin: EOF while parsing"),
        (
            "[]",
            "netcue: stdin: invalid type: sequence, expected an object with the facts of an event",
        ),
        ("{\"interface\": \"a b\"}", "an interface name can't contain ' '"),
        ("{\"local\": \"here\"}", "invalid IP address syntax"),
        ("{\"details\": {\"a\": 1.5}}", "stdin: a detail is a whole number, true or false, a text"),
        (
            "{\"family\": \"ipv6\", \"local\": \"192.0.2.1\"}",
            "local 192.0.2.1 is not an ipv6 address",
        ),
    ] {
        let scene = Scene::new();
        scene.netcue(["emit", "--json"]).stdin(stdin).status(65).stderr_has(said).run();
        assert_eq!(scene.queue(), Vec::<String>::new());
        assert_eq!(scene.outcomes(), Vec::<String>::new());
    }
}

#[test]
fn a_detail_that_is_called_like_a_field_is_shown_too() {
    let scene = Scene::new();
    scene.netcue(["emit", "--detail", "source=a friend"]).any_stdout().run();
    let why = scene.netcue(["why"]).any_stdout().run().stdout;
    assert!(why.contains("\nIt said: source a friend.\n"), "{why}");
    let full = scene.netcue(["history", "last"]).any_stdout().run().stdout;
    assert!(full.lines().any(|line| line.trim_start().starts_with("source ")), "{full}");
}
