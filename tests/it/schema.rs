//! The published JSON Schema against the types that write events.

use std::collections::BTreeSet;

use jsonschema::Validator;
use netcue::event::{Action, Cause, Event, Fact, Facts, Family, InterfaceName, JSON_SCHEMA, Stamp};
use serde_json::{Value, json};

fn schema() -> Value {
    serde_json::from_str(JSON_SCHEMA).unwrap()
}

fn validator() -> Validator {
    jsonschema::draft202012::options().should_validate_formats(true).build(&schema()).unwrap()
}

fn accept(facts: Facts, cause: Option<Cause>) -> Value {
    let stamp = Stamp {
        id: "01920b2e-7a5c-7c3e-9d10-8f2a4b6c7d8e".parse().unwrap(),
        time: "2026-03-01T04:05:06.789Z".parse().unwrap(),
        boottime_ns: u64::MAX,
        boot_id: cause.map(|cause| cause.id),
        ifindex: cause.map(|_| 7),
        cause,
    };
    let mut event = Event::new("ppp".parse().unwrap(), facts, stamp);
    event.netns = cause.map(|_| "4:4026531840".parse().unwrap());
    serde_json::to_value(event).unwrap()
}

fn bare() -> Value {
    accept(Facts::of("connect".parse().unwrap(), None), None)
}

/// An event in which every field says something.
fn full() -> Value {
    let mut facts = Facts::of("ip-up".parse().unwrap(), Some(Action::Up));
    facts.interface = Some("ppp0".parse().unwrap());
    facts.family = Some(Family::Ipv4);
    facts.local = Some("192.0.2.7".parse().unwrap());
    facts.remote = Some("192.0.2.1".parse().unwrap());
    facts.prefix = Some(32);
    facts.gateway = Some("2001:db8::1".parse().unwrap());
    facts.addresses = Some(vec!["192.0.2.7/32".parse().unwrap(), "fe80::7/64".parse().unwrap()]);
    facts.gateways = Some(vec!["192.0.2.1".parse().unwrap()]);
    facts.dns = Some(vec!["192.0.2.53".parse().unwrap(), "2001:db8::53".parse().unwrap()]);
    facts.details.insert("peer_name", Fact::Text("m\u{fc}ller".parse().unwrap())).unwrap();
    facts.details.insert("bytes_sent", Fact::Number(u64::MAX)).unwrap();
    facts.details.insert("persist", Fact::Bool(true)).unwrap();
    facts.details.insert("wins", Fact::List(vec!["192.0.2.9".parse().unwrap()])).unwrap();
    facts.facts_complete = true;
    facts.warn("ACNAME", "not valid UTF-8");
    let id = "01920b2e-7a5c-7c3e-9d10-000000000001".parse().unwrap();
    accept(facts, Some(Cause { id, depth: 2, first: Some(id) }))
}

fn with(mut event: Value, field: &str, value: Value) -> Value {
    event[field] = value;
    event
}

fn names(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_schema_is_a_schema() {
    jsonschema::meta::validate(&schema()).unwrap();
}

#[test]
fn what_the_types_write_is_valid() {
    let validator = validator();
    for event in [bare(), full()] {
        let errors: Vec<String> = validator
            .iter_errors(&event)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert_eq!(errors, Vec::<String>::new());
    }
}

#[test]
fn every_field_is_a_property_and_every_property_a_field() {
    let schema = schema();
    let listed = names(&schema["properties"]);
    assert_eq!(names(&full()), listed);
    // Always there, null or not: a reader need not ask whether.
    assert_eq!(names(&bare()), listed);
    let required: BTreeSet<&str> =
        schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(required, listed);
}

#[test]
fn every_property_is_described() {
    let schema = schema();
    for group in ["properties", "$defs"] {
        for (name, property) in schema[group].as_object().unwrap() {
            assert!(property["description"].is_string(), "{name} has no description");
        }
    }
}

#[test]
fn the_full_event_leaves_nothing_out() {
    for (name, value) in full().as_object().unwrap() {
        let empty = value.is_null() || *value == json!([]) || *value == json!({});
        assert!(!empty, "{name} says nothing");
    }
}

#[test]
fn null_is_allowed_where_the_types_write_it_and_nowhere_else() {
    let (validator, bare) = (validator(), bare());
    for name in names(&bare) {
        let nulled = with(full(), name, Value::Null);
        assert_eq!(validator.is_valid(&nulled), bare[name].is_null(), "{name}");
    }
}

#[test]
fn words_of_a_later_version_pass() {
    let validator = validator();
    for action in Action::KNOWN {
        assert!(validator.is_valid(&with(full(), "action", json!(action.as_str()))), "{action}");
    }
    assert!(validator.is_valid(&with(full(), "action", json!("roam"))));
    assert!(validator.is_valid(&with(full(), "source", json!("wireguard"))));
    assert!(validator.is_valid(&with(full(), "mtu", json!(1492))));
    for wrong in ["", "UP", "up;down", "-up"] {
        assert!(!validator.is_valid(&with(full(), "action", json!(wrong))), "{wrong:?}");
        assert!(wrong.parse::<Action>().is_err(), "{wrong:?}");
    }
}

#[test]
fn schema_and_type_agree_on_the_names_of_interfaces() {
    let validator = validator();
    let ascii = (1_u8..128).map(|byte| char::from(byte).to_string());
    let others = ["", ".", "..", "ppp0", "eth0.7", "a23456789012345", "a234567890123456", "\u{fc}"];
    for name in ascii.chain(others.map(str::to_owned)) {
        let by_type = name.parse::<InterfaceName>().is_ok();
        let by_schema = validator.is_valid(&with(full(), "interface", json!(name)));
        assert_eq!(by_schema, by_type, "{name:?}");
    }
}

#[test]
fn values_that_the_types_refuse_are_not_valid() {
    let validator = validator();
    for (field, value) in [
        ("schema", json!("netcue.event/2")),
        ("id", json!("not-a-uuid")),
        ("time", json!("yesterday")),
        ("boottime_ns", json!(-1)),
        ("ifindex", json!(1_u64 << 32)),
        ("local", json!("192.0.2.300")),
        ("dns", json!(["resolver"])),
        ("addresses", json!(["192.0.2.1"])),
        ("prefix", json!("24")),
        ("details", json!({"Peer": 1})),
        ("details", json!({"peer": -1})),
        ("details", json!({"peer": "a\nb"})),
        ("warnings", json!([{"field": "x"}])),
    ] {
        let event = with(full(), field, value);
        assert!(!validator.is_valid(&event), "{field}: {}", event[field]);
        let line = serde_json::to_vec(&event).unwrap();
        assert!(Event::from_json(&line).is_err(), "{field}: {}", event[field]);
    }
}
