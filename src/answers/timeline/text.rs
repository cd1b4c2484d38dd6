//! A timeline drawn with letters, as wide as the terminal.

use jiff::Timestamp;

use super::panels::{self, Panel, Row};
use super::scale::{Scale, count, duration};
use super::spans::{Bar, Span, Track};
use super::{Kind, kind, remark, summary};
use crate::answers::shared::table::{Paint, Table, Tone};
use crate::answers::shared::{when, wording};

/// What things are drawn with.
struct Letters {
    waiting: char,
    running: char,
    step: char,
    rules: char,
    alone: char,
    failed: char,
    cut: char,
    tick: char,
}

const UTF8: Letters = Letters {
    waiting: '░',
    running: '─',
    step: '▒',
    rules: '█',
    alone: '╌',
    failed: '▓',
    cut: '┊',
    tick: '╷',
};

const ASCII: Letters = Letters {
    waiting: '.',
    running: '-',
    step: '=',
    rules: '#',
    alone: '~',
    failed: '!',
    cut: ':',
    tick: '|',
};

/// Columns of a duration, with the space before it.
const DURATION: usize = 11;

/// Narrowest part for the bars.
const NARROWEST: usize = 20;

/// Widest part for the names.
const WIDEST_NAMES: usize = 36;

/// Fewer columns than this have no room for thousandths of seconds, nor for how long events waited.
const ROOMY: usize = 100;

/// Draws the tracks, `width` columns wide.
pub(super) fn draw(tracks: &[Track], width: usize, utf8: bool) -> String {
    let letters = if utf8 { UTF8 } else { ASCII };
    let paint = Paint::for_stdout();
    let mut text = format!("{}\n", paint.text(Tone::Strong, &super::subtitle(tracks)));
    if tracks.is_empty() {
        return text;
    }
    let panels = panels::of(tracks);
    let columns = Columns::of(&panels, width);
    let mut has_cuts = false;
    for panel in &panels {
        let scale = Scale::of(panel, 0.0, count(columns.plot), 3.0);
        has_cuts |= scale.pieces.len() > 1;
        let canvas = Canvas { scale, letters: &letters, paint, columns: &columns };
        text.push_str(&canvas.panel(panel));
    }
    text.push_str(&legend(&letters, paint, has_cuts));
    text.push('\n');
    text.push_str(&sums(tracks, paint));
    text
}

/// How wide everything is.
struct Columns {
    /// Whether there is room for everything.
    is_roomy: bool,
    time: usize,
    names: usize,
    plot: usize,
    all: usize,
}

impl Columns {
    fn of(panels: &[Panel], width: usize) -> Self {
        let is_roomy = width >= ROOMY;
        let time = if is_roomy { "00:00:00.000".len() } else { "00:00:00".len() };
        let durations = if is_roomy { 2 * DURATION } else { DURATION };
        let rows = panels.iter().flat_map(|panel| &panel.rows);
        let names = rows.flat_map(|row| {
            let steps = row.steps().iter().map(step_label);
            steps.chain([event_label(row)])
        });
        let names = names.map(|label| label.0.chars().count() + length_behind(&label));
        let front = time + ID + 3;
        let room = width.saturating_sub(front + durations + NARROWEST);
        let names = names.max().unwrap_or(0).min(WIDEST_NAMES).min(room.max(14));
        let plot = width.saturating_sub(front + names + durations).max(NARROWEST);
        Self { is_roomy, time, names, plot, all: width }
    }

    fn time(&self, time: Timestamp) -> String {
        let clock = when::clock_only(time);
        clock.get(..self.time).unwrap_or(&clock).to_owned()
    }

    /// How long something waited and ran, in the columns there are.
    fn durations(&self, waited: &str, ran: &str) -> String {
        let waited = if self.is_roomy { format!("{waited:>DURATION$}") } else { String::new() };
        format!("{waited}{ran:>DURATION$}")
    }
}

/// Columns of the beginning of an id.
const ID: usize = 13;

/// The name of a line and what is to be said behind it.
type Label = (String, String);

fn event_label(row: &Row) -> Label {
    (row.name(), row.ending().0)
}

fn step_label(bar: &Bar) -> Label {
    (format!("  {}", super::one_line(&bar.step)), remark(bar))
}

/// Columns of what is said behind a name, with its colon.
fn length_behind((_, remark): &Label) -> usize {
    if remark.is_empty() { 0 } else { remark.chars().count() + 2 }
}

/// The label in so many columns, and what has no room there; a name that is too long is cut.
fn fit((name, remark): &Label, columns: usize) -> (String, Option<String>) {
    let said = if remark.is_empty() { String::new() } else { format!(": {remark}") };
    let length = |text: &str| text.chars().count();
    // Rather a line more than half a name.
    let (said, below) = if length(name) + length(&said) > columns {
        (String::new(), Some(remark.clone()).filter(|remark| !remark.is_empty()))
    } else {
        (said, None)
    };
    let room = columns.saturating_sub(length(&said));
    let mut text = name.clone();
    if length(name) > room {
        text = name.chars().take(room.saturating_sub(1)).collect();
        text.push('~');
    }
    (format!("{:columns$}", text + &said), below)
}

struct Canvas<'a> {
    scale: Scale,
    letters: &'a Letters,
    paint: Paint,
    columns: &'a Columns,
}

impl Canvas<'_> {
    fn panel(&self, panel: &Panel) -> String {
        let mut text = format!("\n{}\n", self.paint.text(Tone::Strong, &super::about_panel(panel)));
        text.push_str(&self.axis());
        for row in &panel.rows {
            text.push_str(&self.event(row));
            for bar in row.steps() {
                text.push_str(&self.step(bar));
            }
        }
        text
    }

    fn axis(&self) -> String {
        let mut line = vec![' '; self.columns.plot];
        let mut free_from = 0;
        for (index, piece) in self.scale.pieces.iter().enumerate() {
            let is_first = index == 0 && !self.scale.by_clock;
            let label = if is_first { when::clock_only(piece.span.from) } else { String::new() };
            free_from = write(&mut line, piece.x, &label, free_from);
            for tick in self.scale.ticks(piece, 12.0) {
                let label = format!("{}{}", self.letters.tick, tick.label);
                free_from = write(&mut line, tick.x, &label, free_from);
            }
        }
        let axis: String = line.into_iter().collect();
        let front = format!(
            "{:time$} {:ID$} {:names$}",
            "time",
            "event",
            "",
            time = self.columns.time,
            names = self.columns.names
        );
        let line = format!("{front} {axis}{}", self.columns.durations("waited", "ran"));
        format!("{}\n", self.paint.text(Tone::Faint, &line))
    }

    fn event(&self, row: &Row) -> String {
        let mut cells = self.empty();
        for track in row.tracks() {
            for span in &track.waiting {
                self.fill(&mut cells, *span, self.letters.waiting, Tone::Faint);
            }
            for span in &track.running {
                self.fill(&mut cells, *span, self.letters.running, Tone::Plain);
            }
        }
        // Many share a cell, and what one looks for has to be on top.
        let bars = row.tracks().iter().flat_map(|track| &track.bars);
        let mut bars: Vec<&Bar> = bars.filter(|_| row.steps().is_empty()).collect();
        bars.sort_by_key(|bar| match kind(bar) {
            Kind::Alone => 0,
            Kind::Hook | Kind::Engine => 1,
            Kind::Rules => 2,
            Kind::Failed => 3,
        });
        for bar in bars {
            let (letter, tone) = self.mark(bar);
            self.fill(&mut cells, bar.span, letter, tone);
        }
        let Some(first) = row.tracks().first() else { return String::new() };
        let sum = |ms: fn(&Track) -> f64| row.tracks().iter().map(|track| ms(track)).sum::<f64>();
        let has_run = row.tracks().iter().any(|track| !track.running.is_empty());
        let ran = if has_run { duration(sum(Track::ran_ms)) } else { "-".to_owned() };
        let front = (self.columns.time(first.event.time), wording::short(Some(first.event.id)));
        let durations = self.columns.durations(&duration(sum(Track::waited_ms)), &ran);
        let (_, is_bad) = row.ending();
        let tone = if is_bad { Tone::Bad } else { Tone::Strong };
        let line = self.line(&front, &event_label(row), tone, &cells, &durations);
        row.reasons().iter().fold(line, |text, reason| text + &self.below(reason, Tone::Bad))
    }

    fn step(&self, bar: &Bar) -> String {
        let mut cells = self.empty();
        let (letter, tone) = self.mark(bar);
        self.fill(&mut cells, bar.span, letter, tone);
        let tone = match kind(bar) {
            Kind::Failed => Tone::Bad,
            Kind::Rules => Tone::Good,
            Kind::Engine | Kind::Hook => Tone::Plain,
            Kind::Alone => Tone::Faint,
        };
        let front = (self.columns.time(bar.span.from), String::new());
        let durations = self.columns.durations("", &duration(bar.span.ms()));
        self.line(&front, &step_label(bar), tone, &cells, &durations)
    }

    /// What a step is drawn with.
    fn mark(&self, bar: &Bar) -> (char, Tone) {
        match kind(bar) {
            Kind::Rules => (self.letters.rules, Tone::Good),
            Kind::Engine | Kind::Hook => (self.letters.step, Tone::Plain),
            Kind::Alone => (self.letters.alone, Tone::Faint),
            Kind::Failed => (self.letters.failed, Tone::Bad),
        }
    }

    /// An empty line of the plot, with its cuts.
    fn empty(&self) -> Vec<(Tone, char)> {
        let mut cells = vec![(Tone::Plain, ' '); self.columns.plot];
        for pair in self.scale.pieces.windows(2) {
            let [before, after] = pair else { continue };
            let middle = f64::midpoint(before.x + before.width, after.x);
            let cell = (0..self.columns.plot).find(|cell| count(*cell) + 1.0 > middle);
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

    fn line(
        &self,
        (time, id): &(String, String),
        label: &Label,
        tone: Tone,
        cells: &[(Tone, char)],
        durations: &str,
    ) -> String {
        let (name, below) = fit(label, self.columns.names);
        let mut bars = String::new();
        for run in cells.chunk_by(|a, b| a.0 == b.0) {
            let text: String = run.iter().map(|(_, letter)| *letter).collect();
            bars.push_str(&self.paint.text(run.first().map_or(Tone::Plain, |cell| cell.0), &text));
        }
        let front = format!("{time} {id:ID$}");
        let (front, name) = (self.paint.text(Tone::Faint, &front), self.paint.text(tone, &name));
        let line = format!("{front} {name} {bars}{durations}\n");
        line + &below.map_or_else(String::new, |remark| self.below(&remark, tone))
    }

    /// What had no room beside a name, below it.
    fn below(&self, said: &str, tone: Tone) -> String {
        let front = self.columns.time + ID + 6;
        let room = self.columns.all.saturating_sub(front).max(NARROWEST);
        let mut said: String = said.to_owned();
        if said.chars().count() > room {
            said = said.chars().take(room - 1).chain(['~']).collect();
        }
        format!("{:front$}{}\n", "", self.paint.text(tone, &said))
    }
}

fn legend(letters: &Letters, paint: Paint, has_cuts: bool) -> String {
    let Letters { waiting, running, step, rules, alone, failed, cut, .. } = letters;
    let mut text = format!(
        "{waiting} waiting  {running} running  {step} step  {rules} rules changed  \
         {failed} failed  {alone} held nobody"
    );
    if has_cuts {
        text.push_str(&format!("  {cut} nothing to do, cut out"));
    }
    format!("\n{}\n", paint.text(Tone::Faint, &text))
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
