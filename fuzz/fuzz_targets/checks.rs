//! What has to hold for every event, whatever a caller said.

use jiff::Timestamp;
use netcue::event::{
    Cause, Event, Facts, InterfaceName, SourceName, Stamp, Text, hook_environment,
};
use netcue::journal::{Entry, Record};
use uuid::Uuid;

/// The event that these facts become, always at the same moment.
pub fn event_of(source: SourceName, facts: Facts) -> Event {
    let stamp = Stamp {
        id: Uuid::from_u128(7),
        time: Timestamp::UNIX_EPOCH,
        boottime_ns: 1,
        boot_id: None,
        ifindex: None,
        cause: Some(Cause { id: Uuid::from_u128(6), depth: 0, first: Some(Uuid::from_u128(6)) }),
    };
    Event::new(source, facts, stamp)
}

/// Holds an event against everything that later stages rely on.
pub fn check(event: &Event) {
    let facts = &event.facts;
    if let Some(interface) = &facts.interface {
        let name = interface.as_str();
        assert!((1..=InterfaceName::MAX_BYTES).contains(&name.len()));
        assert!(!name.starts_with('-') && name != "." && name != "..");
        assert!(
            name.bytes().all(|b| b.is_ascii_graphic() && !b"/:\"'`$\\;&|<>(){}*?[]!#".contains(&b))
        );
    }
    for warning in &facts.warnings {
        check_text(warning.field.as_str());
        check_text(warning.reason.as_str());
    }
    for (name, value) in hook_environment(event) {
        assert!(name.starts_with("NETCUE_"), "{name:?}");
        assert!(name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_'));
        assert!(!value.chars().any(char::is_control), "{name}={value:?}");
    }

    // The queue gives back what was put in.
    let json = event.to_json();
    assert_eq!(&Event::from_json(json.as_bytes()).expect("what we wrote"), event);
    // So does the journal.
    let entry = Entry {
        time: Timestamp::UNIX_EPOCH,
        event_id: Some(event.id),
        record: Record::Accepted { event: Box::new(event.clone()), argv: Vec::new() },
    };
    let line = serde_json::to_string(&entry).expect("an entry is JSON");
    assert!(!line.contains('\n'));
    assert_eq!(serde_json::from_str::<Entry>(&line).expect("what we wrote"), entry);
}

fn check_text(text: &str) {
    assert!(text.len() <= Text::MAX_BYTES);
    assert!(!text.chars().any(char::is_control), "{text:?}");
}
