//! Any bytes as a journal: it is read to its end, lines that are records are understood
//! and can be written again, and the stories in it are told.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use netcue::config;
use netcue::journal::{self, Entry, Journal, OnRecord, Reach, Record};
use netcue::paths::Layout;
use uuid::Uuid;

static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
    let shared_memory = PathBuf::from("/dev/shm");
    let base = if shared_memory.is_dir() { shared_memory } else { std::env::temp_dir() };
    let root = base.join(format!("netcue-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(root.join("var/log/netcue")).expect("a folder");
    root
});

fuzz_target!(|bytes: &[u8]| {
    let layout = Layout::under(ROOT.as_path());
    std::fs::write(layout.journal(), bytes).expect("written");
    let journal = Journal::of(&layout, &config::Journal::default());

    let mut ids = vec![Uuid::from_u128(7)];
    let mut digests = vec!["0".to_owned()];
    journal
        .read_back(|entry| {
            ids.extend(entry.event_id);
            if let Record::StateChange { digest, .. } | Record::State { digest, .. } = &entry.record
            {
                digests.push(digest.clone());
            }
            let line = serde_json::to_string(&entry).expect("an entry is JSON");
            assert!(!line.contains('\n'));
            assert_eq!(serde_json::from_str::<Entry>(&line).expect("what we wrote"), entry);
            true
        })
        .expect("read");
    let records = ids.len() - 1;
    for most in [1, 20] {
        let stories =
            journal::look_back(&journal, Reach::default(), most, |_| true).expect("read").stories;
        assert!(stories.len() <= most);
    }
    for digest in digests.into_iter().take(4) {
        journal::state_of(&journal, &digest).expect("read");
    }
    for id in ids.into_iter().take(4) {
        let progress = journal::progress(&journal, id).expect("read");
        assert!(progress.finished.len() <= bytes.len());
        let known = journal::on_record(&journal, id).expect("read");
        assert!(known == OnRecord::Unknown || records > 0);
    }
});
