//! What stdout is to whoever reads it: how wide, in which characters, and in colours or not.

use std::io::{self, IsTerminal};
use std::os::fd::AsRawFd;

use nix::libc;

/// Whether stdout is a terminal.
#[must_use]
pub fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Whether stdout is a terminal that wants colours: `NO_COLOR` (no-color.org) and
/// `TERM=dumb` say no.
#[must_use]
pub fn wants_colour() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    is_terminal() && !is_set("NO_COLOR") && !is_dumb
}

/// Whether stdout is a terminal on which a line can be written over.
#[must_use]
pub fn can_write_over() -> bool {
    is_terminal() && std::env::var_os("TERM").is_some_and(|term| term != "dumb")
}

/// Columns of the terminal that stdout is; none where it is no terminal or won't tell.
#[must_use]
pub fn width() -> Option<usize> {
    let (columns, _) = window()?;
    (columns > 0).then_some(columns)
}

/// Columns and rows of that terminal.
#[must_use]
pub fn size() -> Option<(usize, usize)> {
    window().filter(|(columns, rows)| *columns > 0 && *rows > 0)
}

#[expect(unsafe_code, reason = "nix offers this ioctl only as a macro that is unsafe too")]
fn window() -> Option<(usize, usize)> {
    if !is_terminal() {
        return None;
    }
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ writes one winsize, and that is what it is given.
    let told = unsafe { libc::ioctl(io::stdout().as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) };
    (told == 0).then(|| (usize::from(size.ws_col), usize::from(size.ws_row)))
}

/// Whether the locale's characters are those of UTF-8, as setlocale(3) would find it.
#[must_use]
pub fn takes_utf8() -> bool {
    let said = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(std::env::var_os)
        .find(|value| !value.is_empty())
        .unwrap_or_default();
    let said = said.to_string_lossy().to_ascii_lowercase();
    said.contains("utf-8") || said.contains("utf8")
}
