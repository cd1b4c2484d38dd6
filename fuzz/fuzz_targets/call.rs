//! Any words and any environment, through every source and by every place.
//!
//! The input is cut at NUL bytes, which no word can hold. The first piece is `argv[0]`;
//! a piece that begins with `@` and has a `=` is a variable, one that
//! begins with `<` is said on stdin, any other is a word.
#![no_main]

mod checks;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use netcue::sources::{self, Call, Reading, Refusal};

fuzz_target!(|bytes: &[u8]| {
    let mut pieces = bytes.split(|byte| *byte == 0);
    let argv0 = Path::new(OsStr::from_bytes(pieces.next().unwrap_or_default()));
    let (mut words, mut env): (Vec<OsString>, Vec<(OsString, OsString)>) = (Vec::new(), Vec::new());
    let mut stdin = Vec::new();
    for piece in pieces {
        let own = |bytes: &[u8]| OsStr::from_bytes(bytes).to_owned();
        let variable = piece.strip_prefix(b"@").and_then(|rest| {
            let at = rest.iter().position(|byte| *byte == b'=')?;
            Some((own(&rest[..at]), own(&rest[at + 1..])))
        });
        match variable {
            Some(variable) => env.push(variable),
            None if piece.starts_with(b"<") => stdin.extend_from_slice(piece),
            None => words.push(own(piece)),
        }
    }
    let call = Call { words: &words, env: &env, stdin: &stdin };
    judge(sources::read_from(&call));
    if let Some(standing) = sources::by_place(argv0, Path::new("/etc/ppp")) {
        judge(standing.read(&call));
    }
    // One of all triggers, by the last byte.
    let all =
        || sources::ALL.iter().flat_map(|source| source.triggers.iter().map(move |t| (*source, t)));
    let chosen = usize::from(bytes.last().copied().unwrap_or_default()) % all().count();
    if let Some((source, trigger)) = all().nth(chosen) {
        judge(sources::read(source, trigger, &call));
    }
});

fn judge(read: Result<Reading, Refusal>) {
    match read {
        Ok(reading) => checks::check(&checks::event_of(reading.source.name.clone(), reading.facts)),
        Err(refusal) => {
            let sentence = refusal.to_string();
            assert!(!sentence.chars().any(char::is_control), "{sentence:?}");
            assert!(sentence.len() < 4096);
        }
    }
}
