//! `metrics`: what the journal comes to, as text for Prometheus.
//!
//! The journal forgets, counters must not: what has been counted is kept in a file, with
//! the place up to which the journal is counted, and each call reads only what came since.

mod exposition;
mod totals;

use std::path::{Path, PathBuf};

use super::checks::{self, Cost};
use crate::error::Exit;
use crate::error::{Ended, Failure};
use crate::journal::Cursor;
use crate::paths::Layout;
use crate::pipeline::House;
use crate::queue::Ticket;
use crate::sys::files::{self, FileError};
use crate::sys::lock::Lock;
use crate::sys::{clock, screen, terminal};
use exposition::{Format, Present};
use totals::Totals;

/// Largest file of totals in bytes; names are bounded, so a larger file is none of ours.
const LARGEST: u64 = 16 << 20;

/// What may be said with `metrics`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How to write it
    #[arg(long, value_enum, default_value_t = Format::Openmetrics)]
    format: Format,
    /// Writes into FILE, aside and renamed in
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn main(layout: &Layout, args: &Args) -> Ended {
    let house = House::open(layout.clone());
    let text = count(&house, args.format)?;
    match &args.output {
        Some(file) => files::publish(file, text.as_bytes()).map_err(Failure::unwritable)?,
        None if screen::is_terminal() => {
            let lines: Vec<String> = text.lines().map(terminal::harmless).collect();
            terminal::show(&(lines.join("\n") + "\n"))?;
        }
        None => terminal::show(&text)?,
    }
    Ok(Exit::Done)
}

/// Counts what came since the last time, keeps it, and says it.
fn count(house: &House, format: Format) -> Result<String, Failure> {
    let kept = house.layout.metrics();
    if let Some(folder) = kept.parent() {
        files::make_private_folder(folder).map_err(Failure::unwritable)?;
    }
    let _lock = Lock::wait(&house.layout.metrics_lock()).map_err(Failure::unwritable)?;
    let mut totals = read(&kept).map_err(Failure::unreadable)?;
    let mark = totals.mark.take();
    let read_on = house.journal.read_on(mark.as_ref(), |entry| totals.take(&entry));
    let (mark, missed) = read_on.map_err(Failure::unreadable)?;
    totals.mark = mark;
    totals.gaps += u64::from(missed);
    let content = serde_json::to_vec(&totals).unwrap_or_default();
    files::put_whole(&kept, &content).map_err(Failure::unwritable)?;
    Ok(exposition::text(&totals, &present(house), format))
}

/// What was counted before; nothing where the file is missing or makes no sense, which to
/// Prometheus is a counter that was reset.
fn read(path: &Path) -> Result<Totals, FileError> {
    let content = files::read_if_there(path, LARGEST)?;
    let kept = content.and_then(|content| serde_json::from_slice(&content).ok());
    Ok(kept.unwrap_or_default())
}

/// How the queue is right now.
fn present(house: &House) -> Present {
    let waiting = house.queue.waiting().unwrap_or_default();
    let oldest = waiting.first().and_then(Ticket::boottime_ns);
    let oldest_ns = oldest.map_or(0, |since| clock::boottime_ns().saturating_sub(since));
    let cursors = Cursor::all(&house.layout.cursors()).into_iter();
    let cursors = cursors.filter_map(|(name, cursor)| Some((name, cursor.ok()?))).collect();
    let looked = checks::look(&house.layout, Cost::Little);
    let of = |check| looked.attention().iter().filter(|finding| finding.check == check).count();
    let attention = checks::ids().map(|check| (check, of(check))).collect();
    // Who may not ask for them, and a kernel without nf_tables, have none to tell.
    let dropped = looked.rules.as_ref().map(|preview| preview.counts.clone()).unwrap_or_default();
    Present { waiting: waiting.len(), oldest_ns, attention, cursors, dropped }
}
