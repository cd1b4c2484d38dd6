//! A pager between us and a terminal, for text that has no room on it.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::screen;

static IS_UNWANTED: AtomicBool = AtomicBool::new(false);

/// Nobody wants one in this process.
pub fn switch_off() {
    IS_UNWANTED.store(true, Ordering::Relaxed);
}

/// Shows the text through a pager, if it has more lines than the terminal. Tells whether it
/// did; if not, it has to be written.
#[must_use]
pub fn show(text: &str) -> bool {
    let has_room = screen::size().is_none_or(|(columns, rows)| lines(text, columns) < rows);
    if has_room || IS_UNWANTED.load(Ordering::Relaxed) || !screen::can_write_over() {
        return false;
    }
    wanted().is_some_and(|words| run(&words, text).is_some())
}

/// The words of the pager's command; none if nobody wants one.
fn wanted() -> Option<Vec<String>> {
    let said = |name| std::env::var(name).ok();
    // Who may run netcue by sudo need not be allowed to run whatever they name.
    let is_lent = std::env::var_os("SUDO_UID").is_some();
    let chosen = said("NETCUE_PAGER").or_else(|| said("PAGER")).filter(|_| !is_lent);
    let chosen = chosen.unwrap_or_else(|| "less".to_owned());
    let words: Vec<String> = chosen.split_whitespace().map(str::to_owned).collect();
    (!words.is_empty() && words != ["cat"]).then_some(words)
}

/// Runs it to its end; none if it can't be started.
fn run(words: &[String], text: &str) -> Option<()> {
    let (program, arguments) = words.split_first()?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped());
    if std::env::var_os("LESS").is_none() {
        // Ends by itself on one screen, shows colours, leaves the text on the terminal.
        command.env("LESS", "FRX");
    }
    // No shell from within it: it may have more rights than who reads.
    command.env("LESSSECURE", "1");
    let mut child = command.spawn().ok()?;
    // An interrupt is for the pager, which puts the terminal in order when it ends.
    let ignored = Arc::new(AtomicBool::new(false));
    let handler = signal_hook::flag::register(signal_hook::consts::SIGINT, ignored);
    if let Some(mut stdin) = child.stdin.take() {
        // Who has read enough closes it.
        let _ = stdin.write_all(text.as_bytes());
    }
    let _ = child.wait();
    if let Ok(handler) = handler {
        signal_hook::low_level::unregister(handler);
    }
    Some(())
}

/// Rows that a text takes on a terminal so wide; colours take none.
fn lines(text: &str, columns: usize) -> usize {
    text.lines().map(|line| shown(line).div_ceil(columns.max(1)).max(1)).sum()
}

fn shown(line: &str) -> usize {
    let mut is_colour = false;
    let is_shown = |c: char| {
        is_colour |= c == '\u{1b}';
        let counts = !is_colour;
        is_colour &= c != 'm';
        counts
    };
    line.chars().map(is_shown).filter(|counts| *counts).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_as_a_terminal_breaks_them() {
        assert_eq!(lines("", 80), 0);
        assert_eq!(lines("a\n\nb\n", 80), 3);
        assert_eq!(lines(&"x".repeat(81), 80), 2);
        assert_eq!(lines(&format!("\u{1b}[31m{}\u{1b}[0m", "x".repeat(80)), 80), 1);
    }
}
