//! What people and programs read from us: stdout and stderr, and making text harmless on
//! its way there.

use std::borrow::Cow;
use std::io::{self, Write};

use super::pager;

/// Writes to stdout. A reader that has gone away wants no more, so that is no error.
///
/// # Errors
/// When stdout can't be written for another reason, as on a full disk.
pub fn show(text: &str) -> io::Result<()> {
    write(text.as_bytes())
}

/// Shows an answer: as [`show`] does, or through a pager where it has no room on the terminal.
///
/// # Errors
/// As with [`show`].
pub fn page(text: &str) -> io::Result<()> {
    if pager::show(text) { Ok(()) } else { show(text) }
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

/// Writes what the reader has to get: that it has gone away is an error.
///
/// # Errors
/// When not all of it could be written.
pub fn hand_over(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
}

/// Says an error or a remark on stderr, which may have several lines.
pub fn tell(text: &str) {
    // There is nobody left to tell that stderr can't be written.
    let _ = writeln!(io::stderr(), "netcue: {}", harmless_lines(text));
}

/// The text as one line, with every control character but tab shown as an escape, so that
/// an outsider's bytes can't move a cursor or forge a line.
#[must_use]
pub fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\t' && does_harm(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// The same, for text whose lines are our own.
#[must_use]
pub fn harmless_lines(text: &str) -> String {
    text.split('\n').map(harmless).collect::<Vec<_>>().join("\n")
}

/// The same JSON with every such character within its strings written as JSON's own
/// escape: a program reads the same from it, and a terminal nothing but text.
#[must_use]
pub fn harmless_json(json: &str) -> Cow<'_, str> {
    // Line feeds and the like stand between tokens only: serde_json escapes them elsewhere.
    let is_affected = |c: char| !c.is_ascii_whitespace() && does_harm(c);
    // Nearly all of it is ASCII, which is looked through byte by byte.
    let is_plain = |byte: u8| byte.is_ascii() && byte != 0x7f && (byte >= b' ' || byte == b'\n');
    if json.bytes().all(is_plain) || !json.contains(is_affected) {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        if is_affected(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// A control character, or one of Unicode's that end a line, are invisible, or make a line
/// read other than it is.
fn does_harm(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_a_terminal_but_text() {
        assert_eq!(harmless("Grüße \u{4e16}"), "Grüße \u{4e16}");
        assert_eq!(harmless("a\u{1b}[2J\nb\tc"), "a\\u{1b}[2J\\u{a}b\tc");
        assert_eq!(harmless("\u{9b}31m\u{202e}x"), "\\u{9b}31m\\u{202e}x");
    }

    #[test]
    fn json_says_the_same_without_harm() {
        let value = serde_json::json!({ "a\u{9b}": ["\u{7f}", "\u{202e}x", "\u{e0041}\n", "ü"] });
        for json in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            let shown = harmless_json(&json);
            assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
            assert!(!shown.chars().any(|c| does_harm(c) && c != '\n'), "{shown}");
            assert!(shown.contains('ü'));
        }
        assert!(matches!(harmless_json("{\n  \"a\": 1\n}\n"), Cow::Borrowed(_)));
    }
}
