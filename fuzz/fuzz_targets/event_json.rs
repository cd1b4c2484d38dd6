//! Any bytes as an event in the queue, and as facts that somebody emits.
#![no_main]

mod checks;

use libfuzzer_sys::fuzz_target;
use netcue::event::{Event, Facts, SourceName};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(event) = Event::from_json(bytes) {
        // What a later version wrote is passed on as it is, and read again as the same.
        let json = event.to_json();
        assert_eq!(Event::from_json(json.as_bytes()).expect("what we wrote"), event);
    }
    if let Ok(facts) = Facts::from_json(bytes) {
        checks::check(&checks::event_of(SourceName::fixed("manual"), facts));
    }
});
