//! From events to rows: a panel for each burst or day, and in it a row for each event, or one
//! for several of which there is nothing to say one by one.

use jiff::SignedDuration;

use super::spans::{Bar, Span, Track};
use super::{Kind, heading, kind, zoned};
use crate::journal::Outcome;

/// How long nothing happens between two bursts.
const APART: SignedDuration = SignedDuration::from_secs(60);

/// More bursts than this are drawn by the day.
const MOST_BURSTS: usize = 8;

/// Rows that are still looked at one by one.
const MANY: usize = 120;

/// Events that are drawn beside one another.
#[derive(Debug)]
pub(super) struct Panel<'a> {
    pub(super) rows: Vec<Row<'a>>,
    /// From its first event to the last that is known of any.
    pub(super) span: Span,
    /// Whether its axis is that of the clock, as for a day; else idle times are cut out.
    pub(super) by_clock: bool,
}

/// One row.
#[derive(Debug)]
pub(super) enum Row<'a> {
    /// An event, and whether each of its steps has a row below.
    Event { track: &'a Track, has_steps: bool },
    /// Several, one after the other.
    Fold(Vec<&'a Track>),
}

/// How much is folded, from nothing on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Folding {
    /// A row for each step.
    Steps,
    /// A row for each event.
    Events,
    /// Those of which nothing is to be told, in one.
    Quiet,
    /// Those that failed in the same way, too.
    Alike,
    /// Whatever stands side by side.
    All,
}

/// The panels of events that are sorted by their time.
pub(super) fn of(tracks: &[Track]) -> Vec<Panel<'_>> {
    let bursts = bursts(tracks);
    let by_clock = bursts.len() > MOST_BURSTS;
    let groups = if by_clock { days(tracks) } else { bursts };
    let all = [Folding::Steps, Folding::Events, Folding::Quiet, Folding::Alike, Folding::All];
    // Where a day is as wide as the picture, no step can be told from its event.
    let ways = all.into_iter().filter(|way| !by_clock || *way != Folding::Steps);
    let folded = |way| {
        let most = (MANY / groups.len().max(1)).max(1);
        groups.iter().map(|group| rows(group, way, most)).collect::<Vec<_>>()
    };
    let lines = |panels: &[Vec<Row>]| panels.iter().flatten().map(Row::lines).sum::<usize>();
    let drawn = ways.map(folded).find(|panels| lines(panels) <= MANY);
    let drawn = drawn.unwrap_or_else(|| folded(Folding::All));
    let panels = drawn.into_iter().zip(&groups).filter_map(|(rows, group)| {
        let span = Span::around(group.iter().map(Track::whole))?;
        Some(Panel { rows, span, by_clock })
    });
    panels.collect()
}

/// Events with no long idle time between them.
fn bursts(tracks: &[Track]) -> Vec<&[Track]> {
    let mut latest = None;
    let starts = tracks.iter().enumerate().filter_map(|(index, track)| {
        let whole = track.whole();
        let idle = latest.map(|latest| whole.from.duration_since(latest));
        latest = latest.max(Some(whole.to));
        idle.is_none_or(|idle| idle > APART).then_some(index)
    });
    parted(tracks, &starts.collect::<Vec<_>>())
}

/// Events of one day, on the clock of the machine that draws.
fn days(tracks: &[Track]) -> Vec<&[Track]> {
    tracks.chunk_by(|a, b| zoned(a.event.time).date() == zoned(b.event.time).date()).collect()
}

/// What lies from each start to the next.
fn parted<'a>(tracks: &'a [Track], starts: &[usize]) -> Vec<&'a [Track]> {
    let ends = starts.iter().skip(1).copied().chain([tracks.len()]);
    starts.iter().zip(ends).filter_map(|(start, end)| tracks.get(*start..end)).collect()
}

fn rows(group: &[Track], way: Folding, most: usize) -> Vec<Row<'_>> {
    let alone =
        |has_steps| group.iter().map(move |track| Row::Event { track, has_steps }).collect();
    match way {
        Folding::Steps => alone(true),
        Folding::Events => alone(false),
        Folding::Quiet => folded(group.chunk_by(|a, b| is_quiet(a) && is_quiet(b))),
        Folding::Alike => {
            folded(group.chunk_by(|a, b| is_quiet(a) == is_quiet(b) && fails_as(a, b)))
        }
        Folding::All => folded(group.chunks(group.len().div_ceil(most).max(1))),
    }
}

fn folded<'a>(chunks: impl Iterator<Item = &'a [Track]>) -> Vec<Row<'a>> {
    let row = |chunk: &'a [Track]| match chunk {
        [track] => Row::Event { track, has_steps: false },
        several => Row::Fold(several.iter().collect()),
    };
    chunks.map(row).collect()
}

/// Whether nobody would ask about an event.
fn is_quiet(track: &Track) -> bool {
    !matches!(track.outcome, None | Some(Outcome::Failed | Outcome::GivenUp))
        && !track.bars.iter().any(|bar| kind(bar) == Kind::Failed)
}

fn fails_as(a: &Track, b: &Track) -> bool {
    a.outcome == b.outcome && failures(a).eq(failures(b))
}

fn failures(track: &Track) -> impl Iterator<Item = (&str, &str)> {
    let failed = track.bars.iter().filter(|bar| kind(bar) == Kind::Failed);
    failed.map(|bar| (bar.step.as_str(), bar.why.as_str()))
}

impl<'a> Row<'a> {
    /// Its events.
    pub(super) fn tracks(&self) -> &[&'a Track] {
        match self {
            Self::Event { track, .. } => std::slice::from_ref(track),
            Self::Fold(tracks) => tracks,
        }
    }

    /// The steps that have a row of their own.
    pub(super) fn steps(&self) -> &'a [Bar] {
        match self {
            Self::Event { track, has_steps: true } => &track.bars,
            _ => &[],
        }
    }

    fn lines(&self) -> usize {
        1 + self.steps().len()
    }

    /// What it is called.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Event { track, .. } => heading(track),
            Self::Fold(tracks) => {
                let names: Vec<String> = tracks.iter().map(|track| heading(track)).collect();
                match names.split_first() {
                    Some((first, rest)) if rest.iter().all(|name| name == first) => {
                        format!("{} times {first}", tracks.len())
                    }
                    _ => format!("{} events", tracks.len()),
                }
            }
        }
    }

    /// How its events ended, where that is worth a word, and whether that is bad.
    pub(super) fn ending(&self) -> (String, bool) {
        let tracks = match self {
            Self::Event { track, .. } => return super::ending(track),
            Self::Fold(tracks) => tracks,
        };
        let number = |outcome| tracks.iter().filter(|track| track.outcome == Some(outcome)).count();
        let (failed, given_up) = (number(Outcome::Failed), number(Outcome::GivenUp));
        let open = tracks.iter().filter(|track| track.outcome.is_none()).count();
        let changed = tracks.iter().filter(|track| track.changed_rules()).count();
        let mut parts = Vec::new();
        for (number, words) in [(failed, "failed"), (given_up, "given up"), (open, "not finished")]
        {
            if number == tracks.len() {
                parts.push(format!("all {words}"));
            } else if number > 0 {
                parts.push(format!("{number} {words}"));
            }
        }
        if parts.is_empty() {
            parts.push("all done".to_owned());
        }
        if changed > 0 {
            parts.push(format!("rules changed {}", times(changed)));
        }
        (parts.join(", "), failed + given_up > 0)
    }

    /// Why something failed, the most frequent first, as far as no row of a step says it.
    pub(super) fn reasons(&self) -> Vec<String> {
        if !self.steps().is_empty() {
            return Vec::new();
        }
        let mut counted: Vec<(String, usize)> = Vec::new();
        for reason in self.tracks().iter().flat_map(|track| track.failures()) {
            match counted.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, count)) => *count += 1,
                None => counted.push((reason, 1)),
            }
        }
        counted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let is_one = self.tracks().len() == 1;
        let said = counted.into_iter().take(MOST_REASONS).map(|(reason, count)| {
            if is_one { reason } else { format!("{reason} ({})", times(count)) }
        });
        said.collect()
    }
}

/// Reasons that a row has room for.
const MOST_REASONS: usize = 2;

fn times(number: usize) -> String {
    if number == 1 { "once".to_owned() } else { format!("{number} times") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::timeline::spans::tests::track;

    fn rows_of(tracks: &[Track]) -> Vec<String> {
        let rows = of(tracks).into_iter().flat_map(|panel| panel.rows);
        rows.map(|row| format!("{}: {} {:?}", row.name(), row.ending().0, row.reasons())).collect()
    }

    #[test]
    fn few_events_have_a_row_each_and_a_panel_for_each_burst() {
        let tracks: Vec<Track> = [0, 1, 120, 121].map(|second| track(second, None)).into();
        let panels = of(&tracks);
        assert_eq!(panels.iter().map(|panel| panel.rows.len()).collect::<Vec<_>>(), [2, 2]);
        assert!(panels.iter().all(|panel| !panel.by_clock));
    }

    #[test]
    fn what_nobody_asks_about_is_folded_and_a_failure_never_lost() {
        let tracks: Vec<Track> =
            (0..200).map(|n| track(n, (n == 57).then_some("exit status 3"))).collect();
        assert_eq!(
            rows_of(&tracks),
            [
                "57 times boot start: all done []",
                "boot start: failed [\"80-mail: exit status 3\"]",
                "142 times boot start: all done []",
            ]
        );
        let odd: Vec<Track> =
            (0..1000).map(|n| track(n, (n % 2 == 1).then_some("exit status 3"))).collect();
        let rows = rows_of(&odd);
        assert!(rows.len() <= MANY, "{}", rows.len());
        assert!(rows.iter().all(|row| row.contains("80-mail: exit status 3")), "{rows:#?}");
    }

    #[test]
    fn many_bursts_are_drawn_by_the_day() {
        let tracks: Vec<Track> = (0..1000).map(|n| track(n * 600, None)).collect();
        let panels = of(&tracks);
        assert!((7..=8).contains(&panels.len()), "{}", panels.len());
        assert!(panels.iter().all(|panel| panel.by_clock && panel.rows.len() == 1));
    }
}
