//! Any text as a configuration: it is refused with a place, or every number in it is one
//! that netcue can work with.
#![no_main]

use std::path::Path;
use std::time::Instant;

use libfuzzer_sys::fuzz_target;
use netcue::config;

fuzz_target!(|text: &str| {
    match config::parse(text, Path::new("netcue.conf")) {
        Ok(config) => {
            let now = Instant::now();
            assert!(now.checked_add(config.hooks.timeout()).is_some());
            assert!(now.checked_add(config.hooks.grace()).is_some());
            assert!(!config.hooks.timeout().is_zero());
            assert!(config.hooks.output <= 1 << 20);
            assert!(config.journal.keep <= 1000);
        }
        Err(bad) => {
            assert!(bad.line >= 1 && bad.column >= 1);
            assert!(bad.line <= text.matches('\n').count() + 1, "{bad}");
            assert!(!bad.reason.is_empty());
        }
    }
});
