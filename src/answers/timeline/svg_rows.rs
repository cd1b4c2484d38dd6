//! The rows of a panel in a picture: an event or several in each, and steps below.

use std::fmt::Write;

use super::ink::{aside, fit, width, xml};
use super::panels::Row;
use super::scale::{Scale, duration};
use super::spans::{Bar, Span, Track};
use super::svg::{MARGIN, PLOT, PLOT_WIDTH, RAN, WAITED, WIDTH};
use super::{Kind, heading, kind, one_line, remark};
use crate::answers::shared::{when, wording};

/// Where ids and names begin.
pub(super) const ID: f64 = 98.0;
const NAME: f64 = 188.0;
/// How high rows are.
const EVENT: f64 = 22.0;
const STEP: f64 = 18.0;
const REASON: f64 = 16.0;
/// Narrowest bar.
const NARROWEST: f64 = 1.5;

/// What is drawn, and where the next row begins.
pub(super) struct Rows<'a> {
    scale: &'a Scale,
    pub(super) y: f64,
    /// Behind everything.
    pub(super) bands: String,
    pub(super) marks: String,
}

impl<'a> Rows<'a> {
    pub(super) fn at(scale: &'a Scale, y: f64) -> Self {
        Self { scale, y, bands: String::new(), marks: String::new() }
    }

    pub(super) fn row(&mut self, row: &Row, is_shaded: bool) {
        let top = self.y;
        self.event(row);
        for bar in row.steps() {
            self.step(bar);
        }
        if !row.steps().is_empty() {
            self.y += 5.0;
        }
        if is_shaded {
            let _ = writeln!(
                self.bands,
                "<rect class=\"band\" x=\"{}\" y=\"{top}\" width=\"{}\" height=\"{}\"/>",
                MARGIN - 8.0,
                WIDTH - 2.0 * MARGIN + 16.0,
                self.y - top
            );
        }
    }

    fn event(&mut self, row: &Row) {
        let Some(first) = row.tracks().first() else { return };
        let middle = self.y + EVENT / 2.0;
        let base = middle + 4.0;
        self.y += EVENT;
        let about = match row {
            Row::Event { track, .. } => about_event(track),
            Row::Fold(tracks) => {
                format!("{} events, the first: {}", tracks.len(), about_event(first))
            }
        };
        self.put(&format!("<g><title>{}</title>", xml(&about)));
        self.text("stamp", MARGIN, base, &when::clock_only(first.event.time));
        self.text("stamp", ID, base, &wording::short(Some(first.event.id)));
        let (ending, is_bad) = row.ending();
        self.label("strong", NAME, base, &row.name(), (&ending, is_bad));
        for track in row.tracks() {
            for span in &track.waiting {
                self.bar("waiting", *span, middle, 10.0, &format!("waited {}", lasted(*span)));
            }
            for span in &track.running {
                self.bar("running", *span, middle, 12.0, &format!("ran {}", lasted(*span)));
            }
        }
        if row.steps().is_empty() {
            let bars = row.tracks().iter().flat_map(|track| &track.bars);
            let mut bars: Vec<&Bar> = bars.collect();
            // Many share a place, and what one looks for has to be on top.
            bars.sort_by_key(|bar| (kind(bar) == Kind::Failed, kind(bar) == Kind::Rules));
            for bar in bars {
                self.bar(class_of(bar), bar.span, middle, 8.0, &about_step(bar));
            }
        }
        let sum = |ms: fn(&Track) -> f64| row.tracks().iter().map(|track| ms(track)).sum::<f64>();
        let has_run = row.tracks().iter().any(|track| !track.running.is_empty());
        let ran = if has_run { duration(sum(Track::ran_ms)) } else { "-".to_owned() };
        self.text("num", WAITED, base, &duration(sum(Track::waited_ms)));
        self.text("num", RAN, base, &ran);
        self.put("</g>");
        for reason in row.reasons() {
            self.below(&reason, true);
        }
    }

    fn step(&mut self, bar: &Bar) {
        let middle = self.y + STEP / 2.0;
        let base = middle + 4.0;
        self.y += STEP;
        self.put(&format!("<g><title>{}</title>", xml(&about_step(bar))));
        self.text("stamp", MARGIN, base, &when::clock_only(bar.span.from));
        self.bar(class_of(bar), bar.span, middle, 10.0, &about_step(bar));
        self.text("num muted", RAN, base, &duration(bar.span.ms()));
        let is_bad = kind(bar) == Kind::Failed;
        self.label("", NAME + 14.0, base, &one_line(&bar.step), (&remark(bar), is_bad));
        self.put("</g>");
    }

    /// A name and what is said behind it, or below it where there is no room for both.
    fn label(&mut self, class: &str, x: f64, base: f64, name: &str, (said, is_bad): (&str, bool)) {
        let room = PLOT - x - 12.0;
        let tone = if is_bad { "bad" } else { "muted" };
        let (behind, taken) = aside(said, &format!("class=\"{tone}\" font-weight=\"400\""), 12.0);
        let size = if class.is_empty() { 12.0 } else { 12.8 };
        let has_room = width(name, size) + taken <= room;
        let shown = fit(name, room, size);
        let behind = if has_room { behind.as_str() } else { "" };
        self.put(&format!(
            "<text class=\"{class}\" x=\"{x}\" y=\"{base:.1}\">{}{behind}</text>",
            xml(&shown)
        ));
        if !has_room && !said.is_empty() {
            self.below(said, is_bad);
        }
    }

    /// What had no room beside a name, in a line of its own.
    fn below(&mut self, said: &str, is_bad: bool) {
        let x = NAME + 22.0;
        let said = fit(said, RAN - x, 12.0);
        self.text(if is_bad { "bad" } else { "muted" }, x, self.y + 11.0, &said);
        self.y += REASON;
    }

    fn bar(&mut self, class: &str, span: Span, middle: f64, thick: f64, about: &str) {
        let edge = PLOT + PLOT_WIDTH;
        let x = self.scale.place(span.from).min(edge - NARROWEST);
        let width = (self.scale.place(span.to) - x).max(NARROWEST);
        let y = middle - thick / 2.0;
        self.put(&format!(
            "<rect class=\"{class}\" x=\"{x:.2}\" y=\"{y:.1}\" width=\"{width:.2}\" \
             height=\"{thick}\" rx=\"{:.2}\"><title>{}</title></rect>",
            (width / 2.0).min(2.0),
            xml(about)
        ));
    }

    fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        self.put(&format!(
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>",
            xml(text)
        ));
    }

    fn put(&mut self, line: &str) {
        // Writing to a string can't fail.
        let _ = writeln!(self.marks, "{line}");
    }
}

fn class_of(bar: &Bar) -> &'static str {
    match kind(bar) {
        Kind::Rules => "rules",
        Kind::Engine => "engine",
        Kind::Hook => "hook",
        Kind::Alone => "alone",
        Kind::Failed => "failed",
    }
}

fn about_event(track: &Track) -> String {
    let ending = track.outcome.map_or("not finished", crate::journal::Outcome::as_str);
    format!(
        "{}: {ending}, accepted {}, waited {}, ran {}, event {}",
        heading(track),
        when::full(track.event.time),
        duration(track.waited_ms()),
        duration(track.ran_ms()),
        track.event.id
    )
}

fn about_step(bar: &Bar) -> String {
    let remark = remark(bar);
    let said = if remark.is_empty() { String::new() } else { format!(", {remark}") };
    format!("{}: {}{said}", one_line(&bar.step), lasted(bar.span))
}

fn lasted(span: Span) -> String {
    format!(
        "{}, from {} to {}",
        duration(span.ms()),
        when::clock_only(span.from),
        when::clock_only(span.to)
    )
}
