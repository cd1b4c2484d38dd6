//! Tables: which hooks run for which event, in which order, and why the others don't.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::event::{Facts, Stamp};

static IDS: AtomicU64 = AtomicU64::new(1);

fn event(source: &str, action: Option<&str>, interface: Option<&str>) -> Event {
    let facts = Facts {
        action: action.map(|word| word.parse().unwrap()),
        interface: interface.map(|name| name.parse().unwrap()),
        ..Facts::default()
    };
    let stamp = Stamp {
        id: uuid::Uuid::from_u64_pair(0, IDS.fetch_add(1, Ordering::Relaxed)),
        time: jiff::Timestamp::UNIX_EPOCH,
        boottime_ns: 1,
        boot_id: None,
        ifindex: None,
        cause: None,
    };
    Event::new(source.parse().unwrap(), facts, stamp)
}

fn hook(name: &str, head: &str) -> Candidate {
    let fitness = match Wishes::from_head(head) {
        Ok(wishes) => Fitness::Fit(wishes),
        Err(bad) => Fitness::Unfit((&bad).into()),
    };
    let kind = Kind::of_file(name, format!("/h/{name}").into());
    Candidate { name: name.into(), rank: name.into(), kind, fitness }
}

fn planned(event: &Event, hooks: &[Candidate], waiting: &[Event]) -> Vec<String> {
    shown(&make(event, with_engine(hooks.to_vec()), Around { waiting, told: None }))
}

fn shown(steps: &[Step]) -> Vec<String> {
    steps
        .iter()
        .map(|step| match &step.verdict {
            Verdict::Run(_) => match &step.kind {
                Kind::Engine => format!("{} built in", step.name),
                Kind::InPlaceOfEngine(_) => format!("{} in its place", step.name),
                Kind::Hook(_) => step.name.clone(),
            },
            Verdict::Skip(skip) => format!("{}: {skip}", step.name),
            Verdict::Refuse(reason) => format!("{} refused: {reason}", step.name),
        })
        .collect()
}

#[test]
fn the_order_is_that_of_the_bytes_with_the_engine_at_its_place() {
    let hooks = ["70-b", "5-x", "50-rulesx", "50-rule", "Z", "a", "50_rules"].map(|n| hook(n, ""));
    assert_eq!(
        planned(&event("ppp", Some("up"), Some("ppp0")), &hooks, &[]),
        ["5-x", "50-rule", "50-rules built in", "50-rulesx", "50_rules", "70-b", "Z", "a"]
    );
}

#[test]
fn a_file_of_the_engines_name_replaces_it_and_a_mask_turns_it_off() {
    let up = event("ppp", Some("up"), Some("ppp0"));
    assert_eq!(planned(&up, &[hook(ENGINE, "")], &[]), ["50-rules in its place"]);
    let masked = Candidate { fitness: Fitness::Masked, ..hook(ENGINE, "") };
    assert_eq!(planned(&up, &[masked], &[]), ["50-rules: masked by /h/50-rules"]);
}

#[test]
fn wishes_keep_a_hook_from_events_it_does_not_want() {
    for (head, has, expected) in [
        ("# netcue: source=ppp,diald action=up,down interface=ppp*", ("ppp", "up", "ppp0"), "60"),
        ("# netcue: source=diald", ("ppp", "up", "ppp0"), "60: wants source=diald, this is ppp"),
        ("#netcue: action=down", ("ppp", "up", "ppp0"), "60: wants action=down, this is up"),
        (
            "# netcue: interface=eth?,wlan*",
            ("ppp", "up", "eth10"),
            "60: wants interface=eth?,wlan*, this is eth10",
        ),
        ("# netcue: interface=eth?", ("ppp", "up", "eth1"), "60"),
        ("#!/bin/sh\n# a comment\n\n# netcue: action=up\n", ("ppp", "up", "e"), "60"),
        ("#!/bin/sh\nexit 0\n# netcue: action=down\n", ("ppp", "up", "e"), "60"),
        (
            "#!/bin/sh\n# netcue: sorce=ppp",
            ("ppp", "up", "e"),
            "60 refused: bad header in line 2: \"sorce\" is no key, but \"source\" is",
        ),
        (
            "# netcue: timeout=0",
            ("ppp", "up", "e"),
            "60 refused: bad header in line 1: timeout=0: wanted is a time from 1s to 1440m",
        ),
    ] {
        let (source, action, interface) = has;
        let event = event(source, Some(action), Some(interface));
        assert_eq!(planned(&event, &[hook("60", head)], &[])[1], expected, "{head}");
    }
}

#[test]
fn a_hook_that_coalesces_runs_for_the_newest_waiting_event_it_wants() {
    let hooks = [hook("60", "# netcue: coalesce=interface action=up,down"), hook("61", "")];
    let first = event("ppp", Some("up"), Some("ppp0"));
    let newer = event("ppp", Some("down"), Some("ppp0"));
    let other = event("ppp", Some("down"), Some("ppp1"));
    let unwanted = event("ppp", Some("pre-up"), Some("ppp0"));
    let waiting =
        |events: &[&Event]| -> Vec<Event> { events.iter().map(|event| (*event).clone()).collect() };
    let runs = |waiting: &[Event]| planned(&first, &hooks, waiting)[1].clone();
    assert_eq!(runs(&waiting(&[&other, &unwanted])), "60");
    assert_eq!(
        runs(&waiting(&[&newer, &other])),
        format!("60: coalesced: event {} for the same interface is waiting", newer.id)
    );
    assert_eq!(planned(&first, &hooks, &waiting(&[&newer]))[2], "61");
}

#[test]
fn an_event_for_the_rules_alone_reaches_only_what_makes_them_and_who_asks() {
    let hooks =
        [hook("60", ""), hook("61", "# netcue: action=rules"), hook("62", "# netcue: source=x")];
    let steps = planned(&event("x", Some("rules"), None), &hooks, &[]);
    assert_eq!(steps[0], "50-rules built in");
    assert_eq!(steps[1], "60: this is for the rules, and it names no action=rules");
    assert_eq!(steps[2], "61");
    assert!(steps[3].starts_with("62: this is for the rules"), "{steps:?}");
    let in_place = [hook("50-rules", "")];
    assert_eq!(
        planned(&event("x", Some("rules"), None), &in_place, &[]),
        ["50-rules in its place"]
    );
}
