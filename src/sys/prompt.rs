//! Asking a person, on the terminal they sit at.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::os::fd::AsFd;

/// A terminal with somebody at it.
#[derive(Debug)]
pub struct Prompt {
    input: BufReader<File>,
    output: File,
}

impl Prompt {
    /// The terminal that stdin is, or the one this process belongs to while stdout is one;
    /// none where nobody could answer.
    #[must_use]
    pub fn open() -> Option<Self> {
        let stdin = io::stdin();
        if !stdin.is_terminal() && !io::stdout().is_terminal() {
            return None;
        }
        // A terminal is one open file for both directions.
        let terminal = if stdin.is_terminal() {
            File::from(stdin.as_fd().try_clone_to_owned().ok()?)
        } else {
            OpenOptions::new().read(true).write(true).open("/dev/tty").ok()?
        };
        let output = terminal.try_clone().ok()?;
        Some(Self { input: BufReader::new(terminal), output })
    }

    /// Writes to it.
    ///
    /// # Errors
    /// When it is gone.
    pub fn say(&mut self, text: &str) -> io::Result<()> {
        self.output.write_all(super::terminal::harmless_lines(text).as_bytes())
    }

    /// Asks, and reads one line; none if there will be no answer.
    ///
    /// # Errors
    /// When it is gone.
    pub fn ask(&mut self, question: &str) -> io::Result<Option<String>> {
        self.say(question)?;
        let mut answer = String::new();
        let length = self.input.read_line(&mut answer)?;
        Ok((length > 0).then(|| answer.trim().to_owned()))
    }
}
