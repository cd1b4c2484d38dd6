//! Reads the manual's pages: their sections, items, and what stands behind a macro.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Every page of the manual.
pub(crate) const PAGES: [&str; 5] =
    ["netcue.8", "netcue.conf.5", "netcue-hooks.7", "netcue-event.7", "netcue-migrate.7"];

/// A set of words.
pub(crate) type Words = BTreeSet<String>;

/// Where a page is.
pub(crate) fn file(page: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("man").join(page)
}

/// The source of a page.
pub(crate) fn page(page: &str) -> String {
    fs::read_to_string(file(page)).unwrap()
}

/// The lines of a section, up to the next of its kind: `part(&text, ".Sh", "FILES")`.
pub(crate) fn part(text: &str, kind: &str, title: &str) -> String {
    let found = parts(text, kind).into_iter().find(|(head, _)| head == title);
    found.unwrap_or_else(|| panic!("no section {title:?}")).1
}

/// All sections of a kind, each with its title.
pub(crate) fn parts(text: &str, kind: &str) -> Vec<(String, String)> {
    let mut parts: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        if let Some(head) = line.strip_prefix(kind).filter(|rest| rest.starts_with(' ')) {
            parts.push((head.trim().to_owned(), String::new()));
        } else if let Some((_, body)) = parts.last_mut() {
            body.push_str(line);
            body.push('\n');
        }
    }
    parts
}

/// What stands behind a macro, one word each: `Fl -json` gives `-json`.
pub(crate) fn behind(text: &str, wanted: &str) -> Words {
    let mut found = Words::new();
    for line in text.lines().filter_map(|line| line.strip_prefix('.')) {
        let mut inside = false;
        for word in line.split_whitespace() {
            let is_macro = word.len() == 2 && word.starts_with(|c: char| c.is_ascii_uppercase());
            if is_macro {
                inside = word == wanted;
            } else if inside && !matches!(word, "," | "." | ";" | ":" | ")") {
                found.insert(word.to_owned());
            }
        }
    }
    found
}

/// The first words of the items that a macro begins: `.It Cm key No =` gives `key`.
pub(crate) fn items(text: &str, wanted: &str) -> Words {
    let start = format!(".It {wanted} ");
    text.lines()
        .filter_map(|line| line.strip_prefix(&start))
        .flat_map(|line| {
            line.split(" , ").map(|item| item.split(' ').next().unwrap_or("").to_owned())
        })
        .filter(|word| word != "Ev")
        .collect()
}

/// A set of the words.
pub(crate) fn words<T: ToString>(all: impl IntoIterator<Item = T>) -> Words {
    all.into_iter().map(|word| word.to_string()).collect()
}
