//! What gets installed for a source, against the table of sources.

use std::fs;
use std::path::{Path, PathBuf};

use netcue::sources::find;

fn folders() -> Vec<PathBuf> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("integrations");
    fs::read_dir(all).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// The folders of what events are handed to, or of who asks, rather than of who calls.
const TAKE_EVENTS: [&str; 3] = ["fleet", "metrics", "ship"];

#[test]
fn every_folder_belongs_to_a_source_and_explains_itself() {
    for folder in folders() {
        let name = folder.file_name().unwrap().to_str().unwrap();
        assert!(find(name).is_some() || TAKE_EVENTS.contains(&name), "no source called {name}");
        assert!(folder.join("README.md").is_file(), "{name} has no README.md");
    }
}

/// A call that is installed or shown there, misspelt, would be refused on every link.
#[test]
fn every_call_names_a_source_and_a_trigger() {
    let mut seen = 0;
    for file in folders().iter().flat_map(|folder| fs::read_dir(folder).unwrap()) {
        let path = file.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for call in text.split("netcue from ").skip(1) {
            let mut words = call.split([' ', '"', '`', '\n']);
            let name = words.next().unwrap();
            let source = find(name).unwrap_or_else(|| panic!("{}: {name}", path.display()));
            let word = words.next().unwrap();
            // `"$@"` and a placeholder in capitals stand for any of them.
            let any = word.is_empty() || word.bytes().all(|b| b.is_ascii_uppercase());
            assert!(any || source.trigger(word).is_some(), "{}: {name} {word}", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 8, "only {seen} calls found");
}
