//! What the kernel runs for a script: the interpreter that its first line names, and the
//! program that env(1) looks for in turn. Pure.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Bytes of a script that the kernel looks at: `BINPRM_BUF_SIZE` of `linux/binfmts.h`.
const LOOKED_AT: usize = 256;

/// The interpreter of a script.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Interpreter {
    /// Its file. A relative path is looked up where hooks stand, in `/`.
    pub(super) file: PathBuf,
    /// The one word that the kernel hands it before the script's path.
    word: Vec<u8>,
}

impl Interpreter {
    /// Reads the first line, as `load_script` of `fs/binfmt_script.c` does; none where the
    /// kernel would take the file for no script.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        let line = head.get(..LOOKED_AT).unwrap_or(head).strip_prefix(b"#!")?;
        let line = trimmed(line.split(|byte| matches!(byte, b'\n' | 0)).next()?);
        let end = line.iter().position(|byte| is_blank(*byte)).unwrap_or(line.len());
        let (file, word) = line.split_at(end);
        let file = Path::new("/").join(OsStr::from_bytes(file));
        (!line.is_empty()).then(|| Self { file, word: trimmed(word).to_owned() })
    }

    /// Whether the line was written by an editor of another system.
    pub(super) fn ends_in_cr(&self) -> bool {
        let last = if self.word.is_empty() { self.file.as_os_str().as_bytes() } else { &self.word };
        last.ends_with(b"\r")
    }

    /// The program that the interpreter looks for, if it is env(1): `resolved` is its file with
    /// every link followed.
    ///
    /// # Errors
    /// When env is told to do more than to look for a program, since then nobody but env
    /// knows which one it runs.
    pub(super) fn program_of_env(&self, resolved: &Path) -> Result<Option<&OsStr>, Unclear> {
        if ![&*self.file, resolved].iter().any(|file| file.ends_with("env")) {
            return Ok(None);
        }
        // Without -S the word is a program's name, whatever stands in it.
        let words = self.word.strip_prefix(b"-S").or(self.word.strip_prefix(b"--split-string="));
        let Some(words) = words else {
            let is_option = self.word.starts_with(b"-");
            return if is_option { Err(Unclear) } else { Ok(named(&self.word)) };
        };
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._+:,=-".contains(byte);
        let mut words = words.split(|byte| is_blank(*byte)).filter(|word| !word.is_empty());
        let program = words.find(|word| !word.contains(&b'=') || word.starts_with(b"PATH="));
        match program {
            Some(word) if word.starts_with(b"-") || word.contains(&b'=') => Err(Unclear),
            Some(word) if word.iter().all(is_plain) => Ok(named(word)),
            Some(_) => Err(Unclear),
            None => Ok(None),
        }
    }
}

fn named(word: &[u8]) -> Option<&OsStr> {
    (!word.is_empty()).then(|| OsStr::from_bytes(word))
}

/// Without the blanks around it; a CR is none for the kernel.
fn trimmed(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// A first line of which only env(1) knows what it runs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unclear;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_read_as_the_kernel_reads_it() {
        for (head, file, word) in [
            ("#!/bin/sh\n:\n", "/bin/sh", ""),
            ("#! \t/usr/bin/awk  -f \n", "/usr/bin/awk", "-f"),
            ("#!/bin/sh -e -u\n", "/bin/sh", "-e -u"),
            ("#!/bin/sh", "/bin/sh", ""),
            ("#!bin/sh\n", "/bin/sh", ""),
            ("#!/bin/sh\0x\n", "/bin/sh", ""),
            ("#!/bin/sh\r\n", "/bin/sh\r", ""),
        ] {
            let expected = Interpreter { file: file.into(), word: word.into() };
            assert_eq!(Interpreter::of(head.as_bytes()), Some(expected), "{head:?}");
        }
        for head in ["", "#!", "#! \n/bin/sh", "# !/bin/sh", "\u{feff}#!/bin/sh", "\x7fELF"] {
            assert_eq!(Interpreter::of(head.as_bytes()), None, "{head:?}");
        }
    }

    #[test]
    fn env_is_followed_as_far_as_that_can_be_told() {
        let known = |line: &str, program: &str| (line.to_owned(), Ok(program.to_owned()));
        let unclear = |line: &str| (line.to_owned(), Err(Unclear));
        for (line, expected) in [
            known("#!/usr/bin/env python3", "python3"),
            known("#!/usr/bin/env python3 -u", "python3 -u"),
            known("#!/usr/bin/env -S python3 -u", "python3"),
            known("#!/usr/bin/env -SA=1 B=2 /opt/x y", "/opt/x"),
            known("#!/usr/bin/env --split-string=perl -w", "perl"),
            known("#!/bin/sh -e", ""),
            known("#!/usr/bin/env", ""),
            unclear("#!/usr/bin/env -i sh"),
            unclear("#!/usr/bin/env -S -i sh"),
            unclear("#!/usr/bin/env -S PATH=/tmp sh"),
            unclear("#!/usr/bin/env -S ${X} sh"),
            unclear("#!/usr/bin/env -S 's'h"),
            unclear("#!/usr/bin/env -vS sh"),
        ] {
            let interpreter = Interpreter::of(line.as_bytes()).unwrap();
            let program = interpreter.program_of_env(&interpreter.file);
            let program = program
                .map(|program| program.map(|name| name.to_string_lossy().into_owned()))
                .map(Option::unwrap_or_default);
            assert_eq!(program, expected, "{line}");
        }
        let linked = Interpreter::of(b"#!/opt/e sh").unwrap();
        assert_eq!(linked.program_of_env(Path::new("/usr/bin/env")), Ok(Some(OsStr::new("sh"))));
    }
}
