//! What people and programs read from us: stdout and stderr, and making text harmless on
//! its way there.

use std::io::{self, IsTerminal, Write};

/// Writes to stdout. A reader that has gone away wants no more, so that is no error.
///
/// # Errors
/// When stdout can't be written for another reason, as on a full disk.
pub fn show(text: &str) -> io::Result<()> {
    write(text.as_bytes())
}

/// Writes bytes that are no text to stdout, as [`show`] does.
///
/// # Errors
/// As with [`show`].
pub fn write(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Says an error or a remark on stderr.
pub fn tell(text: &str) {
    // There is nobody left to tell that stderr can't be written.
    let _ = writeln!(io::stderr(), "netcue: {text}");
}

/// Whether stdout is a terminal that wants colours: `NO_COLOR` (no-color.org) and
/// `TERM=dumb` say no.
#[must_use]
pub fn wants_colour() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    io::stdout().is_terminal() && !is_set("NO_COLOR") && !is_dumb
}

/// The text with every control character but newline and tab shown as an escape, so that
/// an outsider's bytes can't move a cursor or forge a line.
#[must_use]
pub fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && c != '\n' && c != '\t' || is_reordering(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Unicode's bidirectional controls, which make a line read other than it is.
fn is_reordering(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
