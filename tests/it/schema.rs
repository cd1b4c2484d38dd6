//! The published JSON Schema against the types that write events.

use std::collections::BTreeSet;

use jsonschema::Validator;
use netcue::event::{Action, Cause, Event, Fact, Facts, Family, InterfaceName, JSON_SCHEMA, Stamp};
use netcue::reason::{Flaw, Reason};
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

/// Here so that a new kind can't be forgotten.
fn is_listed(reason: &Reason) {
    match reason {
        Reason::Unwanted { .. }
        | Reason::LeftToDispatcher { .. }
        | Reason::Unlike { .. }
        | Reason::Masked { .. }
        | Reason::Coalesced { .. }
        | Reason::Covered { .. }
        | Reason::ToldElsewhere { .. }
        | Reason::RulesOnly
        | Reason::Finished
        | Reason::NotTrusted { .. }
        | Reason::BadHeader { .. }
        | Reason::RulesUnattended
        | Reason::MaskedSince
        | Reason::NoAccount { .. }
        | Reason::File { .. }
        | Reason::NotRunnable { .. }
        | Reason::TimeLimit { .. }
        | Reason::RulesBusy { .. }
        | Reason::Engine { .. }
        | Reason::Steps { .. }
        | Reason::Died { .. }
        | Reason::Stopped { .. }
        | Reason::QueueFile { .. }
        | Reason::SetAside { .. }
        | Reason::Namespace { .. }
        | Reason::NotQueued { .. }
        | Reason::Call { .. }
        | Reason::Loop { .. }
        | Reason::TooMany { .. }
        | Reason::GuardReports
        | Reason::GuardYields
        | Reason::Text { .. } => {}
    }
}

/// A reason of every kind.
fn every_reason() -> Vec<Reason> {
    let text = || "because".to_owned();
    let event = || "01920b2e-7a5c-7c3e-9d10-000000000001".parse().unwrap();
    let flaws = [
        Flaw::Owner { uid: 7 },
        Flaw::GroupWritable { gid: 7 },
        Flaw::WorldWritable,
        Flaw::NoFile,
        Flaw::NotExecutable,
        Flaw::SetId,
        Flaw::Unclear,
    ];
    let mut all: Vec<Reason> =
        flaws.into_iter().map(|flaw| Reason::NotTrusted { path: text(), flaw }).collect();
    all.extend([
        Reason::Unwanted { wish: text(), wants: text(), has: text() },
        Reason::LeftToDispatcher { source: text() },
        Reason::Unlike { text: text() },
        Reason::Masked { path: text() },
        Reason::Coalesced { event: event() },
        Reason::Covered { event: event(), call: None },
        Reason::Covered { event: event(), call: Some(text()) },
        Reason::ToldElsewhere { source: text() },
        Reason::RulesOnly,
        Reason::Finished,
        Reason::BadHeader { file: None, line: 1, column: 1, text: text() },
        Reason::BadHeader { file: Some(text()), line: 1, column: 1, text: text() },
        Reason::RulesUnattended,
        Reason::MaskedSince,
        Reason::NoAccount { user: text() },
        Reason::File { verb: text(), path: text(), errno: Some(13), text: text() },
        Reason::NotRunnable { errno: Some(8), text: text() },
        Reason::TimeLimit { seconds: 60 },
        Reason::RulesBusy { pid: Some(7), seconds: 10 },
        Reason::Engine { text: text() },
        Reason::Steps { steps: vec![text()] },
        Reason::Died { times: 3 },
        Reason::Stopped { times: 10 },
        Reason::QueueFile { text: text() },
        Reason::SetAside { path: text(), reason: Box::new(Reason::Died { times: 3 }) },
        Reason::Namespace { text: text() },
        Reason::NotQueued { error: text(), text: text() },
        Reason::Call { word: None, position: None, text: text(), expected: None },
        Reason::Call {
            word: Some(text()),
            position: Some(1),
            text: text(),
            expected: Some(text()),
        },
        Reason::Loop { events: 9, event: event() },
        Reason::TooMany { events: 256, event: event() },
        Reason::GuardReports,
        Reason::GuardYields,
        Reason::Text { text: text() },
    ]);
    all.iter().for_each(is_listed);
    all
}

#[test]
fn every_reason_keeps_to_its_schema_and_the_schema_knows_no_other() {
    let (_, schema) =
        netcue::answers::SCHEMAS.into_iter().find(|(name, _)| *name == "reason").unwrap();
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let kinds = |values: &[Value]| -> BTreeSet<String> {
        values.iter().map(|value| value.as_str().unwrap().to_owned()).collect()
    };
    let written: Vec<Value> =
        every_reason().iter().map(|reason| serde_json::to_value(reason).unwrap()).collect();
    for value in &written {
        assert!(validator.is_valid(value), "{value}");
        let back: Reason = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(serde_json::to_value(&back).unwrap(), *value);
        for part in value.as_object().unwrap().keys().filter(|part| *part != "kind") {
            // A kind without one of its parts is none, unless that may be missing.
            let mut less = value.clone();
            less.as_object_mut().unwrap().remove(part);
            let is_read_as_it_is = serde_json::from_value::<Reason>(less.clone())
                .is_ok_and(|read| serde_json::to_value(read).unwrap() == less);
            assert_eq!(validator.is_valid(&less), is_read_as_it_is, "{less}");
        }
    }
    let there = kinds(&written.iter().map(|value| value["kind"].clone()).collect::<Vec<_>>());
    let variants = schema["oneOf"].as_array().unwrap();
    let listed: Vec<Value> =
        variants.iter().map(|variant| variant["properties"]["kind"]["const"].clone()).collect();
    let (later, listed) = listed.split_last().unwrap();
    assert!(later.is_null(), "the last is for those of later versions");
    assert_eq!(kinds(listed), there);
    let page = include_str!("../../man/netcue-event.7");
    for kind in there {
        assert!(page.contains(&format!("\n.It Li {kind}\n")), "netcue-event(7) lacks {kind}");
    }
}
