//! Calls as they come, and the facts they must become: one file per case under
//! `tests/fixtures/sources/<source>/`.
//!
//! A case starts with the call, a line each:
//!
//! ```text
//! # why this case is here
//! argv0: /etc/ppp/ip-up       (or  from: ppp, and then the trigger is the first word)
//! word: ppp0
//! env: NAME=VALUE
//! stdin: a line
//! ```
//!
//! `\n`, `\\` and `\xNN` stand for a byte each. After a line `---` come all the facts as
//! JSON, or `refused: ` and the refusal. What is null or empty is left out; everything
//! else has to be there. `UPDATE=1` writes what the program says now.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use netcue::sources::{ALL, Call, OTHER, Reading, Refusal, by_place, read_from};
use serde::Serialize;
use serde_json::Value;

/// A case file, taken apart.
pub(crate) struct Case {
    pub(crate) path: PathBuf,
    pub(crate) argv0: Option<OsString>,
    pub(crate) words: Vec<OsString>,
    pub(crate) env: Vec<(OsString, OsString)>,
    stdin: Vec<u8>,
    head: String,
    expected: String,
}

impl Case {
    fn load(path: PathBuf) -> Self {
        let whole = fs::read_to_string(&path).unwrap();
        let (head, expected) = whole.split_once("---\n").unwrap_or((&whole, ""));
        let mut case = Self {
            argv0: None,
            words: Vec::new(),
            env: Vec::new(),
            stdin: Vec::new(),
            head: head.to_owned(),
            expected: expected.to_owned(),
            path,
        };
        for line in head.lines().filter(|line| !line.starts_with('#')) {
            case.take(line);
        }
        case
    }

    fn take(&mut self, line: &str) {
        let (key, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match key {
            "argv0" => self.argv0 = Some(bytes(value)),
            "from" => self.words.insert(0, bytes(value)),
            "word" => self.words.push(bytes(value)),
            "env" => {
                let (name, value) = value.split_once('=').unwrap();
                self.env.push((bytes(name), bytes(value)));
            }
            "stdin" => self.stdin.extend(bytes(&format!("{value}\\n")).as_encoded_bytes()),
            _ => panic!("{}: can't read {line:?}", self.path.display()),
        }
    }

    pub(crate) fn run(&self) -> Result<Reading, Refusal> {
        let call = Call { words: &self.words, env: &self.env, stdin: &self.stdin };
        let Some(argv0) = &self.argv0 else { return read_from(&call) };
        by_place(Path::new(argv0), Path::new("/"))
            .unwrap_or_else(|| panic!("{}: no such place", self.path.display()))
            .read(&call)
    }

    /// Compares, or rewrites the case; says what differs.
    fn judge(&self, outcome: &Result<Reading, Refusal>) -> Option<String> {
        let (prefix, said) = match outcome {
            Ok(reading) => ("", sparse(&reading.facts)),
            Err(refusal) => ("refused: ", sparse(refusal)),
        };
        if std::env::var_os("UPDATE").is_some() {
            let said = serde_json::to_string_pretty(&said).unwrap();
            fs::write(&self.path, format!("{}---\n{prefix}{said}\n", self.head)).unwrap();
            return None;
        }
        let expected = self
            .expected
            .strip_prefix(prefix)
            .and_then(|json| serde_json::from_str::<Value>(json).ok());
        (expected.as_ref() != Some(&said)).then(|| {
            let said = serde_json::to_string_pretty(&said).unwrap();
            format!(
                "{}\n  expected:\n{}\n  got:\n{prefix}{said}\n",
                self.path.display(),
                self.expected
            )
        })
    }
}

/// Undoes the escapes of a case file.
fn bytes(text: &str) -> OsString {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('\\') {
        bytes.extend_from_slice(plain.as_bytes());
        let (byte, length) = match escape.as_bytes().first() {
            Some(b'n') => (b'\n', 1),
            Some(b'\\') => (b'\\', 1),
            Some(b'x') => (u8::from_str_radix(escape.get(1..3).unwrap(), 16).unwrap(), 3),
            _ => panic!("unknown escape in {text:?}"),
        };
        bytes.push(byte);
        rest = escape.get(length..).unwrap();
    }
    bytes.extend_from_slice(rest.as_bytes());
    OsString::from_vec(bytes)
}

/// JSON without what is null or empty.
fn sparse(value: &impl Serialize) -> Value {
    let mut json = serde_json::to_value(value).unwrap();
    let says_nothing = |value: &Value| match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    };
    json.as_object_mut().unwrap().retain(|_, value| !says_nothing(value));
    json
}

pub(crate) fn cases_of(source: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sources").join(source);
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.into_iter().map(Case::load).collect()
}

#[test]
fn every_call_becomes_what_its_case_says() {
    let mut wrong = Vec::new();
    for source in ALL {
        for case in cases_of(source.name.as_str()) {
            wrong.extend(case.judge(&case.run()));
        }
    }
    assert!(wrong.is_empty(), "{} cases differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_trigger_has_a_case_that_is_understood() {
    let mut seen = BTreeSet::new();
    for source in ALL {
        for case in cases_of(source.name.as_str()) {
            if let Ok(reading) = case.run() {
                assert_eq!(
                    reading.source.name,
                    source.name,
                    "{} is in the wrong folder",
                    case.path.display()
                );
                seen.insert((source.name.as_str(), reading.trigger.word));
            }
        }
    }
    for source in ALL {
        for trigger in source.triggers {
            let name = source.name.as_str();
            assert!(seen.contains(&(name, trigger.word)), "no case for {name} {}", trigger.word);
        }
    }
}

#[test]
fn every_folder_of_cases_belongs_to_a_source() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sources");
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(netcue::sources::find(&name).is_some(), "no source called {name}");
    }
}

#[test]
fn facts_carry_the_word_of_their_trigger() {
    for source in ALL {
        for case in cases_of(source.name.as_str()) {
            if let Ok(reading) = case.run() {
                let said = reading.facts.trigger.as_str();
                assert!(said == reading.trigger.word || reading.trigger.word == OTHER, "{said}");
            }
        }
    }
}
