//! From moments to places: busy times side by side on one scale, with what was idle
//! between them cut out.

use jiff::{SignedDuration, Timestamp};

use super::panels::{Panel, Row};
use super::spans::Span;
use super::zoned;

/// A busy time and where it is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Piece {
    pub(super) span: Span,
    pub(super) x: f64,
    pub(super) width: f64,
}

/// How moments become places.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scale {
    pub(super) pieces: Vec<Piece>,
    /// Places for a millisecond.
    pub(super) per_ms: f64,
    /// Whether ticks tell the time, and not how long after the beginning they are.
    pub(super) by_clock: bool,
}

/// A place on the axis, and its time or how long after the beginning of its piece that is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    pub(super) x: f64,
    pub(super) label: String,
}

/// An idle time is cut out if it is longer than this part of all busy ones.
const WORTH_CUTTING: f64 = 0.15;

/// Distances between ticks, in milliseconds.
const STEPS: [f64; 25] = [
    0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 10e3, 20e3,
    30e3, 60e3, 120e3, 300e3, 600e3, 1800e3, 3600e3, 7200e3,
];

impl Scale {
    /// Puts the events of a panel into `width` places from `x` on; a cut takes `cut` of them, or less
    /// where there are many.
    pub(super) fn of(panel: &Panel, x: f64, width: f64, cut: f64) -> Self {
        if panel.by_clock {
            let span = panel.span;
            let pieces = vec![Piece { span, x, width }];
            return Self { pieces, per_ms: width / span.ms().max(0.001), by_clock: true };
        }
        let tracks = panel.rows.iter().flat_map(Row::tracks);
        let spans = busy(tracks.map(|track| track.whole()).collect());
        let cuts = count(spans.len().saturating_sub(1));
        let cut = if cuts > 0.0 { cut.min(width * 0.2 / cuts) } else { 0.0 };
        let busy_ms: f64 = spans.iter().map(|span| span.ms()).sum();
        let per_ms = (width - cut * cuts) / busy_ms.max(0.001);
        let mut at = x;
        let pieces = spans.into_iter().map(|span| {
            let piece = Piece { span, x: at, width: span.ms() * per_ms };
            at += piece.width + cut;
            piece
        });
        Self { pieces: pieces.collect(), per_ms, by_clock: false }
    }

    /// Where a moment is; one that was cut out is at the end of the piece before it.
    pub(super) fn place(&self, time: Timestamp) -> f64 {
        let mut place = 0.0;
        for piece in &self.pieces {
            if time < piece.span.from {
                break;
            }
            let ms = Span { from: piece.span.from, to: time.min(piece.span.to) }.ms();
            place = piece.x + ms * self.per_ms;
        }
        place
    }

    /// The ticks of a piece behind its beginning, at least `apart` places from each other.
    pub(super) fn ticks(&self, piece: &Piece, apart: f64) -> Vec<Tick> {
        let wide_enough = |step: &&f64| **step * self.per_ms >= apart;
        if self.by_clock {
            return self.clock_ticks(piece, apart);
        }
        let Some(step) = STEPS.iter().find(wide_enough) else { return Vec::new() };
        let mut ticks = Vec::new();
        let mut ms = *step;
        while ms * self.per_ms <= piece.width + 0.01 {
            let label = format!("+{}", duration(ms));
            ticks.push(Tick { x: piece.x + ms * self.per_ms, label });
            ms += step;
        }
        ticks
    }

    /// Ticks at round times of the day.
    fn clock_ticks(&self, piece: &Piece, apart: f64) -> Vec<Tick> {
        let wide_enough = |minutes: &&i64| minutes_ms(**minutes) * self.per_ms >= apart;
        let Some(step) = ROUND_MINUTES.iter().find(wide_enough) else { return Vec::new() };
        let Ok(midnight) = zoned(piece.span.from).start_of_day() else { return Vec::new() };
        let times = (0..).map(|number| {
            midnight.checked_add(SignedDuration::from_mins(number * step)).unwrap_or_default()
        });
        let times = times.skip_while(|time| time.timestamp() < piece.span.from);
        let times = times.take_while(|time| time.timestamp() <= piece.span.to);
        let tick = |time: jiff::ZonedDateTime| {
            let x = self.place(time.timestamp());
            Tick { x, label: time.strftime("%H:%M").to_string() }
        };
        // No day has more minutes; a clock that is set by that much has no ticks behind them.
        times.take(1500).map(tick).collect()
    }
}

/// Minutes between ticks that tell the time.
const ROUND_MINUTES: [i64; 10] = [1, 5, 10, 15, 30, 60, 120, 180, 360, 720];

fn minutes_ms(minutes: i64) -> f64 {
    SignedDuration::from_mins(minutes).as_millis_f64()
}

/// The times in which anything waited or ran, in order, short breaks filled.
fn busy(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by_key(|span| span.from);
    let merge = |spans: &[Span], longest: f64| {
        let mut merged: Vec<Span> = Vec::new();
        for span in spans {
            match merged.last_mut() {
                Some(last) if (Span { from: last.to, to: span.from }).ms() <= longest => {
                    last.to = last.to.max(span.to);
                }
                _ => merged.push(*span),
            }
        }
        merged
    };
    let strict = merge(&spans, 0.0);
    let total: f64 = strict.iter().map(|span| span.ms()).sum();
    merge(&strict, total * WORTH_CUTTING)
}

/// How long that is, as people say it, with two or three digits that count.
pub(super) fn duration(ms: f64) -> String {
    let trim = |text: String| match text.strip_suffix(".0") {
        Some(whole) => whole.to_owned(),
        None => text,
    };
    if ms < 9.95 {
        format!("{} ms", trim(format!("{ms:.1}")))
    } else if ms < 999.5 {
        format!("{ms:.0} ms")
    } else if ms < 59_950.0 {
        format!("{} s", trim(format!("{:.1}", ms / 1000.0)))
    } else {
        let minutes = (ms / 60_000.0).floor();
        let seconds = (ms / 1000.0 - minutes * 60.0).floor();
        if minutes < 60.0 {
            format!("{minutes} min {seconds} s").replace(" 0 s", "")
        } else {
            let hours = (minutes / 60.0).floor();
            format!("{hours} h {} min", minutes - hours * 60.0).replace(" 0 min", "")
        }
    }
}

/// A number of things, to count with.
pub(super) fn count(things: usize) -> f64 {
    u32::try_from(things).map_or(f64::MAX, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_people_say_them() {
        for (ms, said) in [
            (0.0, "0 ms"),
            (0.04, "0 ms"),
            (0.26, "0.3 ms"),
            (9.94, "9.9 ms"),
            (9.96, "10 ms"),
            (999.4, "999 ms"),
            (999.6, "1 s"),
            (1234.0, "1.2 s"),
            (59_949.0, "59.9 s"),
            (60_000.0, "1 min"),
            (61_900.0, "1 min 1 s"),
            (3_600_000.0, "1 h"),
            (3_720_000.0, "1 h 2 min"),
        ] {
            assert_eq!(duration(ms), said, "{ms}");
        }
    }
}
