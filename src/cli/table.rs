//! Showing things to people: columns, and colours where a terminal wants them.

use crate::sys::{screen, terminal};

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
pub(super) struct Paint {
    colours: bool,
    /// Whether the terminal takes nothing but ASCII.
    ascii: bool,
    /// Columns there are; a file or a program takes lines of any length.
    width: Option<usize>,
}

impl Paint {
    /// For stdout as it is.
    pub(super) fn for_stdout() -> Self {
        Self {
            colours: terminal::wants_colour(),
            ascii: screen::is_terminal() && !screen::takes_utf8(),
            width: screen::width(),
        }
    }

    /// Columns there are, where that is known.
    pub(super) fn width(self) -> Option<usize> {
        self.width
    }

    /// The one character or the other, whichever the terminal can show.
    pub(super) fn sign(self, sign: char, in_ascii: char) -> char {
        if self.ascii { in_ascii } else { sign }
    }

    /// The text in its tone; what could harm a terminal is made harmless.
    pub(super) fn text(self, tone: Tone, text: &str) -> String {
        self.coloured(tone, self.plain(text))
    }

    /// The text as this terminal can show it.
    fn plain(self, text: &str) -> String {
        let text = terminal::harmless(text);
        if !self.ascii || text.is_ascii() {
            return text;
        }
        let escaped = |c: char| {
            if c.is_ascii() { c.to_string() } else { format!("\\u{{{:x}}}", u32::from(c)) }
        };
        text.chars().map(escaped).collect()
    }

    fn coloured(self, tone: Tone, text: String) -> String {
        let code = match tone {
            Tone::Plain => return text,
            _ if text.is_empty() => return text,
            _ if !self.colours => return text,
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

    /// A sentence, broken between words where the terminal is narrower than it and two
    /// columns before it; each line but the first begins with `indent` spaces.
    pub(super) fn wrapped(self, tone: Tone, text: &str, indent: usize) -> String {
        let text = self.plain(text);
        let width = self.width.map(|width| width.saturating_sub(2));
        let Some(width) = width.filter(|width| *width > indent + 20) else {
            return self.coloured(tone, text) + "\n";
        };
        let mut lines = vec![String::new()];
        let mut used = 0;
        for word in text.split(' ') {
            let length = word.chars().count();
            if used > indent && used + 1 + length > width {
                lines.push(" ".repeat(indent));
                used = indent;
            }
            if let Some(line) = lines.last_mut() {
                if used > 0 && line.trim_start() != "" {
                    line.push(' ');
                    used += 1;
                }
                line.push_str(word);
                used += length;
            }
        }
        lines.into_iter().map(|line| self.coloured(tone, line) + "\n").collect()
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
        self.laid_out(paint, None)
    }

    /// The same for a terminal on which a row takes one line: what doesn't fit is cut.
    pub(super) fn cut_lines(&self, paint: Paint) -> String {
        self.laid_out(paint, paint.width)
    }

    fn laid_out(&self, paint: Paint, width: Option<usize>) -> String {
        let columns = self.0.iter().map(Vec::len).max().unwrap_or(0);
        let widest = |column: usize| {
            let cells = self.0.iter().filter_map(|row| row.get(column));
            cells.map(|(_, text)| paint.plain(text).chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(widest).collect();
        let mut lines = String::new();
        for row in &self.0 {
            let mut line = String::new();
            let mut room = width.unwrap_or(usize::MAX);
            for (index, (tone, text)) in row.iter().enumerate() {
                let text = cut(paint.plain(text), room, paint.sign('\u{2026}', '>'));
                let used = text.chars().count();
                line.push_str(&paint.coloured(*tone, text));
                if index + 1 < row.len() {
                    let padding = widths.get(index).map_or(0, |width| width.saturating_sub(used));
                    line.extend(std::iter::repeat_n(' ', (padding + 2).min(room - used)));
                    room = room.saturating_sub(used + padding + 2);
                }
            }
            lines.push_str(line.trim_end());
            lines.push('\n');
        }
        lines
    }
}

fn cut(text: String, room: usize, sign: char) -> String {
    if text.chars().count() <= room {
        return text;
    }
    let kept = text.chars().take(room.saturating_sub(1));
    kept.chain(std::iter::once(sign)).take(room).collect()
}
