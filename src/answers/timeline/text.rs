//! A timeline drawn with letters, as wide as the terminal.

use super::scale::{Scale, count, duration};
use super::spans::{Bar, Span, Track};
use super::{Kind, are_many, ending, heading, kind, number, period, remark, summary};
use crate::answers::shared::table::{Paint, Table, Tone};
use crate::answers::shared::when;

/// What things are drawn with.
struct Letters {
    waiting: char,
    running: char,
    step: char,
    alone: char,
    failed: char,
    cut: char,
    tick: char,
}

const UTF8: Letters =
    Letters {
        waiting: '░', running: '─', step: '█', alone: '▒', failed: '▓', cut: '┊', tick: '╷'
    };

const ASCII: Letters =
    Letters { waiting: '.', running: '-', step: '#', alone: '=', failed: '!', cut: ':', tick: '|' };

/// Columns of the two durations at the end of a line, with their space.
const DURATIONS: usize = 22;

/// Narrowest part for the bars.
const NARROWEST: usize = 20;

/// Widest part for the names.
const WIDEST_NAMES: usize = 36;

/// Draws the tracks, `width` columns wide.
pub(super) fn draw(tracks: &[Track], width: usize, utf8: bool) -> String {
    let letters = if utf8 { UTF8 } else { ASCII };
    let paint = Paint::for_stdout();
    let small = are_many(tracks);
    let labels = tracks.iter().flat_map(|track| {
        let steps = track.bars.iter().filter(|_| !small).map(step_label);
        steps.chain([event_label(track)])
    });
    let names = labels.map(|label| label.0.chars().count() + length_behind(&label));
    let room = width.saturating_sub(DURATIONS + NARROWEST + 2);
    let names = names.max().unwrap_or(0).min(WIDEST_NAMES).min(room.max(12));
    let plot = width.saturating_sub(names + DURATIONS + 1).max(NARROWEST);
    let scale = Scale::of(tracks, 0.0, count(plot), 3.0);
    let canvas = Canvas { scale, letters, paint, names, plot, small };

    let mut text = format!("{}, {}\n", number(tracks), period(tracks));
    text.push_str(&canvas.axis());
    for track in tracks {
        text.push_str(&canvas.event(track));
        for bar in track.bars.iter().filter(|_| !small) {
            text.push_str(&canvas.step(bar));
        }
    }
    text.push_str(&canvas.legend());
    text.push('\n');
    text.push_str(&sums(tracks, paint));
    text
}

/// The name of a line and what is to be said behind it.
type Label = (String, &'static str);

fn event_label(track: &Track) -> Label {
    (heading(track), ending(track))
}

fn step_label(bar: &Bar) -> Label {
    (format!("  {}", super::one_line(&bar.step)), remark(bar))
}

/// Columns of what is said behind a name, with its colon.
fn length_behind((_, remark): &Label) -> usize {
    if remark.is_empty() { 0 } else { remark.len() + 2 }
}

/// The label in so many columns; a name that is too long is cut, what is said stays.
fn fit(label: &Label, columns: usize) -> String {
    let (name, remark) = label;
    let room = columns.saturating_sub(length_behind(label));
    let mut text = name.clone();
    if name.chars().count() > room {
        text = name.chars().take(room.saturating_sub(1)).collect();
        text.push('~');
    }
    if !remark.is_empty() {
        text.push_str(&format!(": {remark}"));
    }
    format!("{text:columns$}")
}

struct Canvas {
    scale: Scale,
    letters: Letters,
    paint: Paint,
    names: usize,
    plot: usize,
    /// Whether steps stand in the line of their event.
    small: bool,
}

impl Canvas {
    fn axis(&self) -> String {
        let mut line = vec![' '; self.plot];
        let mut free_from = 0;
        for (index, piece) in self.scale.pieces.iter().enumerate() {
            let label = if index == 0 { when::clock_only(piece.span.from) } else { String::new() };
            free_from = write(&mut line, piece.x, &label, free_from);
            for tick in self.scale.ticks(piece, 12.0) {
                let label = format!("{}{}", self.letters.tick, tick.label);
                free_from = write(&mut line, tick.x, &label, free_from);
            }
        }
        let axis: String = line.into_iter().collect();
        let axis = self.paint.text(Tone::Faint, &axis);
        let (waited, ran) = ("waited", "ran");
        format!("{:names$} {axis} {waited:>10} {ran:>10}\n", "", names = self.names)
    }

    fn event(&self, track: &Track) -> String {
        let mut cells = self.empty();
        for span in &track.waiting {
            self.fill(&mut cells, *span, self.letters.waiting, Tone::Faint);
        }
        for span in &track.running {
            self.fill(&mut cells, *span, self.letters.running, Tone::Strong);
        }
        // Many share a cell, and what one looks for has to be on top.
        let mut bars: Vec<&Bar> = track.bars.iter().filter(|_| self.small).collect();
        bars.sort_by_key(|bar| match kind(bar) {
            Kind::Alone => 0,
            Kind::Hook | Kind::Engine => 1,
            Kind::Failed => 2,
        });
        for bar in bars {
            let (letter, tone) = self.mark(bar);
            self.fill(&mut cells, bar.span, letter, tone);
        }
        let (waited, ran) = (duration(track.waited_ms()), duration(track.ran_ms()));
        let ran = if track.running.is_empty() { "-".to_owned() } else { ran };
        self.line(&event_label(track), Tone::Strong, &cells, &format!("{waited:>10} {ran:>10}"))
    }

    fn step(&self, bar: &Bar) -> String {
        let mut cells = self.empty();
        let (letter, tone) = self.mark(bar);
        self.fill(&mut cells, bar.span, letter, tone);
        let name_tone = if kind(bar) == Kind::Failed { Tone::Bad } else { Tone::Plain };
        let took = duration(bar.span.ms());
        self.line(&step_label(bar), name_tone, &cells, &format!("{took:>21}"))
    }

    /// What a step is drawn with.
    fn mark(&self, bar: &Bar) -> (char, Tone) {
        match kind(bar) {
            Kind::Engine | Kind::Hook => (self.letters.step, Tone::Good),
            Kind::Alone => (self.letters.alone, Tone::Plain),
            Kind::Failed => (self.letters.failed, Tone::Bad),
        }
    }

    /// An empty line of the plot, with its cuts.
    fn empty(&self) -> Vec<(Tone, char)> {
        let mut cells = vec![(Tone::Plain, ' '); self.plot];
        for pair in self.scale.pieces.windows(2) {
            let [before, after] = pair else { continue };
            let middle = f64::midpoint(before.x + before.width, after.x);
            let cell = (0..self.plot).find(|cell| count(*cell) + 1.0 > middle);
            if let Some(cell) = cell.and_then(|cell| cells.get_mut(cell)) {
                *cell = (Tone::Faint, self.letters.cut);
            }
        }
        cells
    }

    /// Fills every cell that a span touches; the shortest span fills one.
    fn fill(&self, cells: &mut [(Tone, char)], span: Span, letter: char, tone: Tone) {
        let (from, to) = (self.scale.place(span.from), self.scale.place(span.to));
        let last = count(cells.len().saturating_sub(1));
        let from = from.min(last);
        for (index, cell) in cells.iter_mut().enumerate() {
            let at = count(index);
            let begins_here = at <= from && from < at + 1.0;
            if begins_here || (at >= from && at + 0.5 < to) {
                *cell = (tone, letter);
            }
        }
    }

    fn line(&self, label: &Label, tone: Tone, cells: &[(Tone, char)], durations: &str) -> String {
        let name = fit(label, self.names);
        let mut bars = String::new();
        for run in cells.chunk_by(|a, b| a.0 == b.0) {
            let text: String = run.iter().map(|(_, letter)| *letter).collect();
            bars.push_str(&self.paint.text(run.first().map_or(Tone::Plain, |cell| cell.0), &text));
        }
        format!("{} {bars} {durations}\n", self.paint.text(tone, &name))
    }

    fn legend(&self) -> String {
        let Letters { waiting, running, step, alone, failed, cut, .. } = self.letters;
        let mut text = format!(
            "{waiting} waiting  {running} running  {step} step  {failed} failed  \
             {alone} held nobody"
        );
        if self.scale.pieces.len() > 1 {
            text.push_str(&format!("  {cut} nothing to do, cut out"));
        }
        format!("\n{}\n", self.paint.text(Tone::Faint, &text))
    }
}

/// Writes a label, unless it would touch the one before or the edge; where the next may be.
fn write(line: &mut [char], x: f64, label: &str, free_from: usize) -> usize {
    let Some(start) = (0..line.len()).find(|cell| count(*cell) + 1.0 > x) else {
        return free_from;
    };
    let end = start + label.chars().count();
    if label.is_empty() || start < free_from || end > line.len() {
        return free_from;
    }
    for (cell, c) in line.iter_mut().skip(start).zip(label.chars()) {
        *cell = c;
    }
    end + 1
}

fn sums(tracks: &[Track], paint: Paint) -> String {
    let mut table = Table::default();
    table.row(["SOURCE", "EVENTS", "WAITED", "RAN"].map(|head| (Tone::Strong, head)));
    for sum in summary::sources(tracks) {
        table.row([
            (Tone::Plain, &sum.name),
            (Tone::Plain, &sum.events.to_string()),
            (Tone::Plain, &duration(sum.waited_ms)),
            (Tone::Plain, &duration(sum.ran_ms)),
        ]);
    }
    let mut text = table.lines(paint);
    let steps = summary::steps(tracks);
    if steps.is_empty() {
        return text;
    }
    let mut table = Table::default();
    table.row(["STEP", "TIMES", "FAILED", "TOOK", "LONGEST"].map(|head| (Tone::Strong, head)));
    for sum in steps {
        table.row([
            (Tone::Plain, &sum.name),
            (Tone::Plain, &sum.times.to_string()),
            (if sum.failed > 0 { Tone::Bad } else { Tone::Faint }, &sum.failed.to_string()),
            (Tone::Plain, &duration(sum.ms)),
            (Tone::Plain, &duration(sum.longest_ms)),
        ]);
    }
    text.push('\n');
    text.push_str(&table.lines(paint));
    text
}
