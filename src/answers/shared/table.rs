//! Showing things to people: columns, and colours where a terminal wants them.

use crate::sys::{screen, terminal};

/// How a piece of text is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
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
pub(crate) struct Paint {
    colours: bool,
    /// Whether the terminal takes nothing but ASCII.
    ascii: bool,
    /// Columns there are; a file or a program takes lines of any length.
    width: Option<usize>,
}

impl Paint {
    /// For stdout as it is.
    pub(crate) fn for_stdout() -> Self {
        Self {
            colours: screen::wants_colour(),
            ascii: screen::is_terminal() && !screen::takes_utf8(),
            width: screen::width(),
        }
    }

    /// Columns there are, where that is known.
    pub(crate) fn width(self) -> Option<usize> {
        self.width
    }

    /// The one character or the other, whichever the terminal can show.
    pub(crate) fn sign(self, sign: char, in_ascii: char) -> char {
        if self.ascii { in_ascii } else { sign }
    }

    /// The text in its tone; what could harm a terminal is made harmless.
    pub(crate) fn text(self, tone: Tone, text: &str) -> String {
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
    pub(crate) fn change(self, line: &str) -> String {
        match line.chars().next() {
            Some('+') => self.text(Tone::Good, line),
            Some('-') => self.text(Tone::Bad, line),
            _ => self.text(Tone::Plain, line),
        }
    }

    /// How many columns a text takes on this terminal.
    pub(crate) fn columns(self, text: &str) -> usize {
        self.plain(text).chars().count()
    }

    /// A sentence, broken between words where the terminal is narrower than it and two
    /// columns before it; each line but the first begins with `indent` spaces.
    pub(crate) fn wrapped(self, tone: Tone, text: &str, indent: usize) -> String {
        self.broken(tone, text, 0, indent)
    }

    fn broken(self, tone: Tone, text: &str, first: usize, indent: usize) -> String {
        let lines = self.broken_lines(text, first, indent);
        lines.into_iter().map(|line| self.coloured(tone, line) + "\n").collect()
    }

    /// The same as lines without colours, the first of them with `first` spaces before it.
    fn broken_lines(self, text: &str, first: usize, indent: usize) -> Vec<String> {
        let text = self.plain(text);
        let mut line = " ".repeat(first);
        let width = self.width.map(|width| width.saturating_sub(2));
        let Some(width) = width.filter(|width| *width > indent + 20) else {
            return vec![line + &text];
        };
        let mut lines = Vec::new();
        let mut used = first;
        for word in text.split(' ') {
            let letters: Vec<char> = word.chars().collect();
            let is_empty = line.trim_start().is_empty();
            if !is_empty && used + 1 + letters.len() > width {
                lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
                used = indent;
            } else if !is_empty {
                line.push(' ');
                used += 1;
            }
            for letter in letters {
                // A word that no line has room for.
                if used >= width {
                    lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
                    used = indent;
                }
                line.push(letter);
                used += 1;
            }
        }
        lines.push(line);
        lines
    }
}

/// A piece of text, and how it is meant.
pub(crate) type Cell = (Tone, String);

/// Columns before the line below a row.
const BELOW: usize = 4;

/// Columns in which sentences can be read.
const LEAST: usize = 28;

/// Rows of cells, aligned.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<(Vec<Cell>, Option<Cell>)>,
    gap: usize,
}

impl Default for Table {
    fn default() -> Self {
        Self::with_gap(2)
    }
}

impl Table {
    /// An empty one, with so many spaces between its columns.
    pub(crate) fn with_gap(gap: usize) -> Self {
        Self { rows: Vec::new(), gap }
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [(Tone, &str); N]) {
        let cells = cells.into_iter().map(|(tone, text)| (tone, text.to_owned())).collect();
        self.row_of(cells, None);
    }

    /// Adds a row, and what stands below it, on lines of its own.
    pub(crate) fn row_of(&mut self, cells: Vec<Cell>, below: Option<Cell>) {
        self.rows.push((cells, below));
    }

    /// The rows as lines, every column as wide as its widest cell; the last isn't padded.
    pub(crate) fn lines(&self, paint: Paint) -> String {
        self.laid_out(paint, None)
    }

    /// The same for a terminal on which a row takes one line: what doesn't fit is cut.
    pub(crate) fn cut_lines(&self, paint: Paint) -> String {
        self.laid_out(paint, paint.width)
    }

    /// The same for a terminal on which the last cell of a row may take several lines: it
    /// is broken between words and stays in its column, or stands below its row where that
    /// column is too narrow for words.
    pub(crate) fn broken_lines(&self, paint: Paint) -> String {
        let Some(width) = paint.width.filter(|width| self.width(paint) > *width) else {
            return self.lines(paint);
        };
        let widths = self.widths(paint);
        let before = widths.split_last().map_or(0, |(_, before)| before.len());
        let start = widths.iter().take(before).map(|width| width + self.gap).sum();
        let has_room = start + LEAST <= width;
        let indent = if has_room { start } else { BELOW };
        let mut lines = String::new();
        for (row, _) in &self.rows {
            let mut line = String::new();
            let Some(((tone, text), cells)) = row.split_last() else { continue };
            for ((tone, text), width) in cells.iter().zip(&widths) {
                let padding = (width + self.gap).saturating_sub(paint.columns(text));
                line.push_str(&paint.text(*tone, text));
                line.extend(std::iter::repeat_n(' ', padding));
            }
            let fits_beside = has_room || start + paint.columns(text) + 2 <= width;
            let first = if fits_beside { start } else { indent };
            let mut below = paint.broken_lines(text, first, indent).into_iter();
            if fits_beside {
                let beside = below.next().unwrap_or_default().split_off(start);
                line.push_str(&paint.coloured(*tone, beside));
            }
            lines.push_str(line.trim_end());
            lines.push('\n');
            for more in below {
                let (spaces, more) = more.split_at(indent);
                lines.push_str(&format!("{spaces}{}\n", paint.coloured(*tone, more.to_owned())));
            }
        }
        lines
    }

    fn laid_out(&self, paint: Paint, width: Option<usize>) -> String {
        let widths = self.widths(paint);
        let mut lines = String::new();
        for (row, below) in &self.rows {
            let mut line = String::new();
            let mut room = width.unwrap_or(usize::MAX);
            for (index, (tone, text)) in row.iter().enumerate() {
                let text = cut(paint.plain(text), room, paint.sign('\u{2026}', '>'));
                let used = text.chars().count();
                line.push_str(&paint.coloured(*tone, text));
                if index + 1 < row.len() {
                    let padding = widths.get(index).map_or(0, |width| width.saturating_sub(used));
                    let padding = padding + self.gap;
                    line.extend(std::iter::repeat_n(' ', padding.min(room - used)));
                    room = room.saturating_sub(used + padding);
                }
            }
            lines.push_str(line.trim_end());
            lines.push('\n');
            if let Some((tone, text)) = below {
                lines.push_str(&paint.broken(*tone, text, BELOW, BELOW));
            }
        }
        lines
    }

    fn widths(&self, paint: Paint) -> Vec<usize> {
        let columns = self.rows.iter().map(|(row, _)| row.len()).max().unwrap_or(0);
        let widest = |column: usize| {
            let cells = self.rows.iter().filter_map(|(row, _)| row.get(column));
            cells.map(|(_, text)| paint.columns(text)).max().unwrap_or(0)
        };
        (0..columns).map(widest).collect()
    }

    /// Columns that the widest row would take.
    pub(crate) fn width(&self, paint: Paint) -> usize {
        let widths = self.widths(paint);
        widths.iter().sum::<usize>() + self.gap * widths.len().saturating_sub(1)
    }
}

fn cut(text: String, room: usize, sign: char) -> String {
    if text.chars().count() <= room {
        return text;
    }
    let kept = text.chars().take(room.saturating_sub(1));
    kept.chain(std::iter::once(sign)).take(room).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_cell_stays_in_its_column_while_there_is_room_for_words() {
        let mut table = Table::default();
        table.row([(Tone::Bad, "attention"), (Tone::Plain, "one and two and three and four")]);
        table.row([(Tone::Good, "ok"), (Tone::Plain, "five")]);
        let paint = |width| Paint { colours: false, ascii: false, width };
        let whole = "attention  one and two and three and four\nok         five\n";
        assert_eq!(table.broken_lines(paint(None)), whole);
        assert_eq!(table.broken_lines(paint(Some(41))), whole);
        assert_eq!(
            table.broken_lines(paint(Some(40))),
            "attention  one and two and three and\n           four\nok         five\n"
        );
        assert_eq!(
            table.broken_lines(paint(Some(30))),
            "attention\n    one and two and three\n    and four\nok         five\n"
        );
        let coloured = Paint { colours: true, ..paint(Some(40)) }.text(Tone::Bad, "attention");
        let paint = Paint { colours: true, ..paint(Some(40)) };
        assert!(table.broken_lines(paint).starts_with(&format!("{coloured}  one and")));
    }

    #[test]
    fn a_line_is_broken_between_words_or_else_within_one() {
        let paint = |width| Paint { colours: false, ascii: false, width };
        let text = "failed: /a/very/long/path/that/no/line/has/any/room/for then more";
        assert_eq!(paint(None).wrapped(Tone::Plain, text, 2), format!("{text}\n"));
        assert_eq!(
            paint(Some(32)).wrapped(Tone::Plain, text, 2),
            "failed:\n  /a/very/long/path/that/no/li\n  ne/has/any/room/for then\n  more\n"
        );
        let mut table = Table::with_gap(1);
        table.row_of(vec![(Tone::Plain, "a".to_owned()), (Tone::Plain, "b".to_owned())], None);
        table.row_of(vec![(Tone::Plain, "ccc".to_owned())], Some((Tone::Bad, text.to_owned())));
        assert_eq!(
            table.cut_lines(paint(Some(36))),
            "a   b\nccc\n    failed:\n    /a/very/long/path/that/no/line\n    /has/any/room/for then \
             more\n"
        );
    }
}
