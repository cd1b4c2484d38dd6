//! Reading a call from what this process was given: its words, its environment, and what the
//! caller says on stdin.

use std::ffi::OsString;
use std::time::Duration;

use crate::sources::{self, Call, Reading, Refusal, Source, Standing};
use crate::sys::invocation::{self, Invocation};

/// Reads the words after `from`.
///
/// # Errors
/// When no source understands them; the refusal names the word.
pub fn read_words(words: &[OsString], invocation: &Invocation) -> Result<Reading, Refusal> {
    let call = call(words, invocation);
    let source = sources::named(&call)?;
    source.read(&Call { stdin: &said_on_stdin(source), ..call }.after(1))
}

/// Reads the words of a call by a link.
///
/// # Errors
/// As [`read_words`].
pub fn read_words_at(
    standing: &Standing,
    words: &[OsString],
    invocation: &Invocation,
) -> Result<Reading, Refusal> {
    let call = call(words, invocation);
    standing.read(&Call { stdin: &said_on_stdin(standing.source(&call)), ..call })
}

/// The words of a call with or without a leading `from`, as it may be copied from a
/// caller's configuration.
#[must_use]
pub fn without_from(words: &[OsString]) -> &[OsString] {
    match words {
        [from, rest @ ..] if from == "from" => rest,
        words => words,
    }
}

fn call<'a>(words: &'a [OsString], invocation: &'a Invocation) -> Call<'a> {
    Call { words, env: &invocation.env, stdin: &[] }
}

/// Most of what a source says on stdin that is kept: libvirt's largest network has a few
/// hundred leases.
const MOST_STDIN: usize = 256 * 1024;

/// How long a source may take to say it.
const STDIN_WITHIN: Duration = Duration::from_secs(2);

/// What the caller says on stdin, if it is one that does. Of any other, stdin is none of
/// ours: it may be a console, or a modem.
fn said_on_stdin(source: &Source) -> Vec<u8> {
    if source.manners.speaks_on_stdin {
        invocation::said_on_stdin(MOST_STDIN, STDIN_WITHIN)
    } else {
        Vec::new()
    }
}
