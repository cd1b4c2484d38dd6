//! Showing things to people: columns, and colours where a terminal wants them.

use crate::sys::terminal;

/// How a piece of text is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// As any other.
    Plain,
    /// A heading, or what one looks for first.
    Strong,
    /// It went well.
    Good,
    /// It needs attention.
    Bad,
    /// By the way.
    Faint,
}

/// Gives text its tone, or leaves it plain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint(bool);

impl Paint {
    /// For stdout as it is.
    pub(super) fn for_stdout() -> Self {
        Self(terminal::wants_colour())
    }

    /// The text in its tone; what could harm a terminal is made harmless.
    pub(super) fn text(self, tone: Tone, text: &str) -> String {
        let text = terminal::harmless(text);
        let code = match tone {
            Tone::Plain => return text,
            _ if !self.0 => return text,
            Tone::Strong => "1",
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Faint => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// A line of a difference: `+` good, `-` bad.
    pub(super) fn change(self, line: &str) -> String {
        match line.chars().next() {
            Some('+') => self.text(Tone::Good, line),
            Some('-') => self.text(Tone::Bad, line),
            _ => self.text(Tone::Plain, line),
        }
    }
}

/// Rows of cells, aligned.
#[derive(Debug, Default)]
pub(super) struct Table(Vec<Vec<(Tone, String)>>);

impl Table {
    /// Adds a row.
    pub(super) fn row<const N: usize>(&mut self, cells: [(Tone, &str); N]) {
        self.0.push(cells.into_iter().map(|(tone, text)| (tone, text.to_owned())).collect());
    }

    /// The rows as lines, every column as wide as its widest cell; the last isn't padded.
    pub(super) fn lines(&self, paint: Paint) -> String {
        let columns = self.0.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.0.iter().filter_map(|row| row.get(column));
            cells.map(|(_, text)| terminal::harmless(text).chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut lines = String::new();
        for row in &self.0 {
            let mut line = String::new();
            for (index, (tone, text)) in row.iter().enumerate() {
                let is_last = index + 1 == row.len();
                let used = terminal::harmless(text).chars().count();
                line.push_str(&paint.text(*tone, text));
                if !is_last {
                    let space = widths.get(index).map_or(0, |width| width - used) + 2;
                    line.extend(std::iter::repeat_n(' ', space));
                }
            }
            lines.push_str(line.trim_end());
            lines.push('\n');
        }
        lines
    }
}
