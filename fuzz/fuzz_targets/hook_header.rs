//! Any text at the top of a hook: it is refused with a line, or settles at once which of a
//! few events the hook wants.
#![no_main]

mod checks;

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use netcue::event::{Action, Facts, SourceName};
use netcue::plan::Wishes;

fuzz_target!(|bytes: &[u8]| {
    // As the head of a file is read: at most 4096 bytes, whatever they are.
    let head = String::from_utf8_lossy(bytes.get(..4096).unwrap_or(bytes));
    let wishes = match Wishes::from_head(&head) {
        Ok(wishes) => wishes,
        Err(bad) => {
            assert!(bad.line >= 1 && bad.line <= head.lines().count(), "{bad}");
            assert!(!bad.reason.chars().any(|c| c == '\n' || c == '\u{1b}'), "{bad}");
            return;
        }
    };
    if let Some(timeout) = wishes.manner.timeout {
        assert!((1..=86_400).contains(&timeout.as_secs()));
        assert_eq!(timeout, Duration::from_secs(timeout.as_secs()));
    }
    for interface in [None, Some("ppp0"), Some("aaaaaaaaaaaaaaa")] {
        let mut facts = Facts::of("ip-up".parse().expect("a word"), Some(Action::Up));
        facts.interface = interface.map(|name| name.parse().expect("a name"));
        let event = checks::event_of(SourceName::fixed("ppp"), facts);
        checks::check(&event);
        let unwanted = wishes.unwanted(&event);
        if wishes.sources.is_empty() && wishes.actions.is_empty() && wishes.interfaces.is_empty() {
            assert_eq!(unwanted, None);
        }
    }
});
