//! The rules of the house: what stands where, and what may know what.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use netcue::event::Action;

/// What each part of the program may use besides itself. Stages don't know each other;
/// the pipeline strings them together, and only `sys` touches the machine.
const MAY_USE: &[(&str, &[&str])] = &[
    ("main", &["cli", "error", "sys"]),
    (
        "cli",
        &[
            "answers",
            "pipeline",
            "sources",
            "event",
            "profiles",
            "queue",
            "plan",
            "engine",
            "hooks",
            "journal",
            "integrate",
            "config",
            "paths",
            "error",
            "reason",
            "sys",
        ],
    ),
    (
        "answers",
        &[
            "pipeline",
            "sources",
            "event",
            "profiles",
            "queue",
            "plan",
            "watch",
            "engine",
            "hooks",
            "journal",
            "integrate",
            "config",
            "paths",
            "error",
            "reason",
            "sys",
        ],
    ),
    (
        "pipeline",
        &[
            "sources", "event", "profiles", "queue", "plan", "watch", "engine", "hooks", "journal",
            "config", "paths", "error", "reason", "sys",
        ],
    ),
    ("sources", &["event", "reason"]),
    ("queue", &["event", "profiles", "config", "paths", "error", "reason", "sys"]),
    ("plan", &["event", "profiles", "reason"]),
    ("watch", &["event", "sys"]),
    ("engine", &["event", "config", "paths", "error", "sys"]),
    ("hooks", &["event", "profiles", "config", "paths", "error", "reason", "sys"]),
    ("journal", &["event", "config", "paths", "error", "reason", "sys"]),
    // It puts in place what the table of sources names.
    ("integrate", &["sources", "event", "profiles", "config", "paths", "error", "sys"]),
    ("event", &[]),
    ("profiles", &["event"]),
    ("config", &["event", "profiles"]),
    ("paths", &[]),
    ("error", &["sys"]),
    ("reason", &["sys"]),
    // The words in which it answers: names of interfaces, networks.
    ("sys", &["event"]),
];

/// Ways to the machine that stand outside `src/sys`: the file, the way, and the reason.
const TOUCHES_THE_MACHINE: &[(&str, &str, &str)] =
    &[("hooks/contract.rs", "nix::", "the numbers of errors, which touch nothing")];

const MOST_LINES: usize = 450;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file of the program: its path from `src`, and its text.
fn files() -> Vec<(PathBuf, String)> {
    let src = repository().join("src");
    let files: Vec<(PathBuf, String)> = walkdir::WalkDir::new(&src)
        .sort_by_file_name()
        .into_iter()
        .map(|entry| entry.expect("an entry").into_path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| {
            let text = fs::read_to_string(&path).expect("text");
            (path.strip_prefix(&src).expect("a path").to_owned(), text)
        })
        .collect();
    assert!(files.len() > 50, "only {} files", files.len());
    files
}

/// The part of the program that a file belongs to: its folder, or its own name.
fn part(file: &Path) -> String {
    let first = file.iter().next().expect("a name");
    Path::new(first).file_stem().expect("a name").to_string_lossy().into_owned()
}

/// The program's own lines of a file: no comments, and nothing from its tests on.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.split("//").next().unwrap_or(line)))
        .take_while(|(_, line)| !line.contains("#[cfg(test)]"))
}

fn is_only_for_tests(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name == "tests.rs")
}

#[test]
fn every_file_says_first_what_it_is_for() {
    for (file, text) in files() {
        let first = text.lines().next().unwrap_or_default();
        let says = first.starts_with("//! ") && first.len() > 10;
        assert!(says, "{} opens with {first:?}", file.display());
    }
}

#[test]
fn no_file_is_too_long_to_be_read_at_once() {
    for (file, text) in files() {
        let lines = text.lines().count();
        assert!(lines <= MOST_LINES, "{} has {lines} lines", file.display());
    }
}

#[test]
fn dependencies_run_one_way() {
    let parts: Vec<&str> = MAY_USE.iter().map(|(part, _)| *part).collect();
    let mut wrong = Vec::new();
    for (file, text) in files().iter().filter(|(file, _)| !is_only_for_tests(file)) {
        let own = part(file);
        if own == "lib" {
            continue;
        }
        let row = MAY_USE.iter().find(|(part, _)| *part == own);
        let (_, may_use) = row.unwrap_or_else(|| panic!("{own} has no place in the house"));
        for (number, line) in code(text) {
            for used in line.split("crate::").chain(line.split("netcue::")).skip(1) {
                let name: String =
                    used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let is_part = parts.contains(&name.as_str()) && name != own;
                if is_part && !may_use.contains(&name.as_str()) {
                    wrong.push(format!("{}:{number} uses {name}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_sys_touches_the_machine() {
    let doors = [
        "std::fs",
        "std::process::Command",
        "std::env",
        "std::net::Tcp",
        "std::net::Udp",
        "std::os::unix::net",
        "std::io::stdin",
        "std::io::stdout",
        "std::io::stderr",
        "std::thread",
        "nix::",
        "duct::",
        "netlink_sys",
        "signal_hook",
        "walkdir",
    ];
    let is_allowed = |file: &Path, door: &str| {
        let mut rows = TOUCHES_THE_MACHINE.iter();
        rows.any(|(name, way, _)| file == Path::new(name) && *way == door)
    };
    let mut wrong = Vec::new();
    for (file, text) in files().iter().filter(|(file, _)| part(file) != "sys") {
        for (number, line) in code(text) {
            let line = line.replace("unix::ffi", "");
            let used = doors.iter().filter(|door| line.contains(**door));
            for door in used.filter(|door| !is_allowed(file, door)) {
                wrong.push(format!("{}:{number} uses {door}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_source_has_its_cases_and_says_how_it_is_attached() {
    for source in netcue::sources::ALL {
        let name = source.name.as_str();
        let cases = repository().join("tests/fixtures/sources").join(name);
        assert!(cases.is_dir(), "{} is missing", cases.display());
        let attached = repository().join("integrations").join(name).join("README.md");
        let has_callers = netcue::integrate::has_callers(source);
        assert_eq!(attached.is_file(), has_callers, "{}", attached.display());
    }
}

/// A source is its own file and row, and perhaps another for what is put in place for it:
/// nothing else may have to be changed for a new one.
#[test]
fn no_source_is_told_by_its_name_elsewhere() {
    let names: Vec<&str> = netcue::sources::ALL.iter().map(|source| source.name.as_str()).collect();
    // In the folder of the sources all but what they share, and likewise where the scripts of
    // other dispatchers are known.
    let shared = ["mod", "table", "call", "places", "values", "told"];
    let is_own = |file: &Path| {
        let stem = file.with_extension("");
        let is_shared = || shared.iter().any(|name| stem.ends_with(name));
        (file.starts_with("sources") || file.starts_with("profiles")) && !is_shared()
            || names.iter().any(|name| stem.starts_with(Path::new("integrate").join(name)))
    };
    // Whether an action's word means the source of that name, nobody can say.
    let is_action = |name: &str| Action::KNOWN.iter().any(|action| action.as_str() == name);
    let mut wrong = Vec::new();
    for (file, text) in files().iter().filter(|(file, _)| !is_only_for_tests(file)) {
        for (number, line) in code(text).filter(|_| !is_own(file)) {
            // As the key of an object it is somebody's word for something else.
            let line = line.replace("\":", "");
            let mut told = names.iter().filter(|name| line.contains(&format!("\"{name}\"")));
            if told.any(|name| !is_action(name)) {
                wrong.push(format!("{}:{number}: {line}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The tests of the file `tests/it/NAME.rs`.
fn tests_of(name: &str) -> BTreeSet<String> {
    let path = repository().join("tests/it").join(name).with_extension("rs");
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let names = text.split("#[test]\n").skip(1).filter_map(|after| {
        let (_, name) = after.split_once("fn ")?;
        Some(name.split('(').next()?.to_owned())
    });
    names.collect()
}

/// Every section of a page has to name a test, and every test named has to be there.
/// Gives back the number of sections.
fn sections_with_tests(page: &str) -> usize {
    let text = fs::read_to_string(repository().join(page)).expect(page);
    let mut sections = 0;
    for section in text.split("\n## ").skip(1) {
        let title = section.lines().next().unwrap_or_default();
        let mut named = 0;
        for word in section.split('`').skip(1).step_by(2) {
            let Some((file, name)) = word.rsplit_once("::") else { continue };
            assert!(
                tests_of(&file.replace("::", "/")).contains(name),
                "{title}: there is no test {word}"
            );
            named += 1;
        }
        assert!(named > 0, "{title}: no test is named");
        sections += 1;
    }
    sections
}

#[test]
fn every_promise_names_tests_that_exist() {
    assert_eq!(sections_with_tests("docs/PROPERTIES.md"), 12);
}

#[test]
fn every_known_attack_names_tests_that_exist() {
    assert!(sections_with_tests("docs/known-attacks.md") > 10);
}

#[test]
fn every_file_of_tests_is_part_of_the_suite() {
    let main = fs::read_to_string(repository().join("tests/it/main.rs")).expect("main.rs");
    for entry in fs::read_dir(repository().join("tests/it")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let is_named = name == "main" || main.contains(&format!("\nmod {name};\n"));
        assert!(is_named, "tests/it/main.rs doesn't name {name}");
    }
}

/// Conditions with `let` among them came with Rust 1.88, and clippy's look at `rust-version`
/// knows the library only; so rustfmt's form of them is looked for.
#[test]
fn the_oldest_compiler_reads_every_file() {
    for folder in ["src", "tests", "benches", "examples", "fuzz/fuzz_targets"] {
        for entry in walkdir::WalkDir::new(repository().join(folder)) {
            let path = entry.expect("an entry").into_path();
            let is_rust = path.extension().is_some_and(|extension| extension == "rs");
            // This file has the forms themselves in it.
            if is_rust && !path.ends_with("it/layout.rs") {
                let text = fs::read_to_string(&path).expect("text");
                let newer = newer_condition(&text);
                assert_eq!(newer, None, "{}: Rust 1.85 has no such condition", path.display());
            }
        }
    }
}

/// The first line of a condition that joins a `let` to something else, or of such a guard.
fn newer_condition(text: &str) -> Option<&str> {
    let mut open = None;
    for line in text.lines() {
        let words = line.trim_start();
        let indent = line.len() - words.len();
        let is_let =
            ["if let ", "while let ", "} else if let "].iter().any(|w| words.starts_with(w));
        if words.starts_with("&& let ") || words.contains(") && let ") {
            return Some(line);
        }
        if is_let && !line.ends_with('{') {
            open = Some((indent, line));
        }
        if let Some((outer, first)) = open {
            if indent == outer + 4 && words.starts_with("&& ") {
                return Some(first);
            }
            if indent == outer && words.starts_with('{') {
                open = None;
            }
        }
        let guard = words.split_once(" if let ").filter(|_| !words.starts_with("//"));
        if guard.is_some_and(|(pattern, _)| !pattern.ends_with(['=', '>', '(', '|', 'e', 'n'])) {
            return Some(line);
        }
    }
    None
}

#[test]
fn a_condition_that_the_oldest_compiler_has_not_is_found() {
    let one = concat!("    if let Some(a) = b\n        &&", " a > 1\n    {\n");
    let two = concat!("    if a\n        &&", " let Some(b) = c\n    {\n");
    let guard = concat!("        Some(a) if", " let Some(b) = a => 1,\n");
    for newer in [one, two, guard] {
        assert!(newer_condition(newer).is_some(), "{newer}");
    }
    let old = "    if let Some(a) = b\n        .find(|x| x.is()\n            && x.has())\n    {\n        a\n    } else if let Some(c) = d {\n";
    assert_eq!(newer_condition(old), None);
}
