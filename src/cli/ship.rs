//! `ship`: hands what has ended to a command, as `CloudEvents`, and remembers how far that went.
//!
//! Nothing is lost: the cursor moves only when the command has taken a batch and ended with
//! 0. A batch may be handed over twice, if this process dies in between; subscribers know
//! by the id that they have it.

use std::ffi::OsString;

use jiff::Timestamp;
use serde_json::json;

use super::{Ended as CommandEnded, Failure};
use crate::answers::history::as_json;
use crate::answers::shared::cloudevents::Origin;
use crate::answers::shared::filter::Filter;
use crate::answers::shared::redact::Redaction;
use crate::answers::shared::when;
use crate::error::Exit;
use crate::journal::{Backlog, Cursor, CursorError, Ended, Failing, Last};
use crate::paths::Layout;
use crate::pipeline::House;
use crate::sys::lock::Lock;
use crate::sys::{clock, files, screen, terminal, tool};

/// Bytes after which a batch is handed over, however few events they are.
const LARGEST_BATCH: usize = 1 << 20;

/// What may be said with `ship`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Remembers under this name how far it went
    #[arg(long, value_name = "NAME", value_parser = a_name)]
    cursor: String,
    /// Hands over at most N events at once
    #[arg(long, value_name = "N", default_value_t = 200,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    batch: u32,
    #[command(flatten)]
    filter: Filter,
    /// Replaces what an outsider should not see, as capture does
    #[arg(long)]
    redact: bool,
    /// Shows how far it went, and what is left
    #[arg(long, conflicts_with_all = ["reset", "command"])]
    status: bool,
    /// Begins anew, with the oldest event there is or from now on
    #[arg(long, value_name = "FROM", value_enum, num_args = 0..=1, require_equals = true,
          default_missing_value = "oldest", conflicts_with = "command")]
    reset: Option<Beginning>,
    /// What takes the events, a line each on its stdin
    #[arg(last = true, value_name = "COMMAND",
          required_unless_present_any = ["status", "reset"])]
    command: Vec<OsString>,
}

/// Where a cursor begins anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Beginning {
    #[value(help = "The oldest event that the journal still holds")]
    Oldest,
    #[value(help = "Nothing that has ended by now is handed over")]
    Now,
}

/// A name that is a part of a file's name and of a unit's.
fn a_name(word: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let starts_well = word.starts_with(|c: char| c.is_ascii_alphanumeric());
    if starts_well && word.len() <= 64 && word.chars().all(is_plain) {
        Ok(word.to_owned())
    } else {
        Err("a name is at most 64 letters, digits and -_. and begins with one of the first two"
            .to_owned())
    }
}

pub(super) fn main(layout: &Layout, args: &Args) -> CommandEnded {
    let house = House::open(layout.clone());
    let folder = layout.cursors();
    if args.status {
        return status(&house, args);
    }
    files::make_private_folder(&folder).map_err(Failure::unwritable)?;
    let lock = folder.join(format!("{}.lock", args.cursor));
    let Some(_lock) = Lock::try_now(&lock).map_err(Failure::unwritable)? else {
        let message = format!("another netcue ship is at work for cursor {}", args.cursor);
        return Err(Failure::new(Exit::StillQueued, message));
    };
    if let Some(beginning) = args.reset {
        return reset(&house, args, beginning);
    }
    let cursor = Cursor::read(&folder, &args.cursor).map_err(unusable)?;
    let (backlog, missed) =
        Backlog::after(&house.journal, &cursor.position).map_err(Failure::unreadable)?;
    let origin = Origin::here(layout);
    Shipment { args, house: &house, origin, cursor, backlog }.through(missed)
}

fn unusable(error: CursorError) -> Failure {
    match error {
        CursorError::File(error) => Failure::unreadable(error),
        error @ (CursorError::NoCursor { .. } | CursorError::NotOne { .. }) => {
            Failure::new(Exit::InputOutput, error)
        }
    }
}

/// One call's work, batch after batch until nothing is left.
struct Shipment<'a> {
    args: &'a Args,
    house: &'a House,
    origin: Origin,
    cursor: Cursor,
    backlog: Backlog<'a>,
}

/// What is handed over at once.
#[derive(Default)]
struct Batch {
    lines: String,
    number: u32,
    last: Option<Last>,
    /// Whether the journal holds nothing more.
    is_last: bool,
}

impl Shipment<'_> {
    fn through(mut self, missed: bool) -> CommandEnded {
        let mut handed_on = 0;
        let mut missed = missed;
        let mut is_news = false;
        loop {
            let mut batch = self.gather()?;
            if std::mem::take(&mut missed) {
                batch.lines.insert_str(0, &self.gap());
                batch.number += 1;
                self.cursor.gaps += 1;
                self.cursor.last_gap = Some(clock::now());
            }
            if batch.number > 0 {
                if let Err(problem) = self.hand_over(&batch) {
                    return self.failed(&problem);
                }
            }
            handed_on += u64::from(batch.number);
            is_news |= batch.number > 0;
            self.cursor.handed_on += u64::from(batch.number);
            self.cursor.last = batch.last.or(self.cursor.last);
            self.cursor.failing = None;
            let before = std::mem::replace(&mut self.cursor.position, self.backlog.position());
            if batch.number > 0 || self.cursor.position != before {
                self.keep()?;
            }
            if !batch.is_last {
                continue;
            }
            // systemd does not start a unit once more for what came while it was at work.
            if !std::mem::take(&mut is_news) {
                break;
            }
            let position = &self.cursor.position;
            (self.backlog, missed) =
                Backlog::after(&self.house.journal, position).map_err(Failure::unreadable)?;
        }
        if screen::is_terminal() {
            terminal::show(&format!("handed on: {handed_on}\n"))?;
        }
        Ok(Exit::Done)
    }

    fn keep(&self) -> Result<(), Failure> {
        let folder = self.house.layout.cursors();
        self.cursor.keep(&folder, &self.args.cursor).map_err(Failure::unwritable)
    }

    fn gather(&mut self) -> Result<Batch, Failure> {
        let mut batch = Batch::default();
        while batch.number < self.args.batch && batch.lines.len() < LARGEST_BATCH {
            let Some(ended) = self.backlog.read_next().map_err(Failure::unreadable)? else {
                batch.is_last = true;
                break;
            };
            let Some((line, last)) = self.line(&ended) else { continue };
            batch.lines.push_str(&line);
            batch.number += 1;
            batch.last = Some(last);
        }
        Ok(batch)
    }

    /// A line for what ended, unless it is not wanted.
    fn line(&self, ended: &Ended) -> Option<(String, Last)> {
        let (Ended::Story(story) | Ended::LateStep { story, .. }) = ended;
        if !self.args.filter.takes(story) {
            return None;
        }
        let (line, time) = match ended {
            Ended::Story(story) => {
                (self.origin.story(story, as_json(story))?, story.last_time.unwrap_or_default())
            }
            Ended::LateStep { time, step, end, .. } => {
                (self.origin.late_step(story, *time, step, end), *time)
            }
        };
        let text = if self.args.redact { redacted(&line.text)? } else { line.text };
        Some((text, Last { id: line.id, time }))
    }

    /// The line that tells of records that nobody can have any more.
    fn gap(&self) -> String {
        let after = self.cursor.last.as_ref();
        let first = self.backlog.first();
        let id = format!(
            "gap-{}-{}-{}",
            self.args.cursor,
            after.map_or("beginning", |last| &last.id),
            first.map_or(0, Timestamp::as_nanosecond)
        );
        let data = json!({
            "cursor": self.args.cursor,
            "after": after.map(|last| json!({ "id": last.id, "time": last.time })),
            "before": first,
        });
        self.origin.gap(id, first.unwrap_or_else(clock::now), data).text
    }

    fn hand_over(&self, batch: &Batch) -> Result<(), String> {
        let environment = [
            ("NETCUE_CURSOR", self.args.cursor.as_str()),
            ("NETCUE_HOST", self.origin.host()),
            ("NETCUE_MACHINE", self.origin.machine()),
        ];
        tool::feed(&self.args.command, &environment, batch.lines.as_bytes())
    }

    /// The cursor stays where it was, and says since when.
    fn failed(mut self, problem: &str) -> CommandEnded {
        let since = self.cursor.failing.take().map_or_else(clock::now, |failing| failing.since);
        let folder = self.house.layout.cursors();
        let mut kept = Cursor::read(&folder, &self.args.cursor).map_err(unusable)?;
        kept.failing = Some(Failing { since, problem: problem.to_owned() });
        kept.keep(&folder, &self.args.cursor).map_err(Failure::unwritable)?;
        let message = format!("{problem}; the next call hands over the same again");
        Err(Failure::new(Exit::StillQueued, message))
    }
}

fn redacted(line: &str) -> Option<String> {
    let mut value = serde_json::from_str(line).ok()?;
    Redaction::default().value(&mut value);
    Some(format!("{value}\n"))
}

fn reset(house: &House, args: &Args, beginning: Beginning) -> CommandEnded {
    let folder = house.layout.cursors();
    let mut cursor = Cursor::default();
    if beginning == Beginning::Now {
        let (mut backlog, _) =
            Backlog::after(&house.journal, &cursor.position).map_err(Failure::unreadable)?;
        while backlog.read_next().map_err(Failure::unreadable)?.is_some() {}
        cursor.position = backlog.position();
    }
    cursor.keep(&folder, &args.cursor).map_err(Failure::unwritable)?;
    Ok(Exit::Done)
}

fn status(house: &House, args: &Args) -> CommandEnded {
    let folder = house.layout.cursors();
    let is_there = files::is_there(&Cursor::path(&folder, &args.cursor));
    let cursor = Cursor::read(&folder, &args.cursor).map_err(unusable)?;
    let (mut backlog, missed) =
        Backlog::after(&house.journal, &cursor.position).map_err(Failure::unreadable)?;
    let mut left = 0_u64;
    while let Some(ended) = backlog.read_next().map_err(Failure::unreadable)? {
        let (Ended::Story(story) | Ended::LateStep { story, .. }) = &ended;
        left += u64::from(args.filter.takes(story));
    }
    let mut text = format!("cursor     {}\n", args.cursor);
    if !is_there {
        text.push_str("            nothing was handed on yet\n");
    }
    text.push_str(&format!("handed on  {}\nleft       {left}\n", cursor.handed_on));
    if let Some(last) = &cursor.last {
        text.push_str(&format!("last       {} {}\n", when::full(last.time), last.id));
    }
    let gaps = cursor.gaps + u64::from(missed);
    text.push_str(&format!("gaps       {gaps}"));
    if missed {
        text.push_str(", one of them not told yet");
    } else if let Some(time) = cursor.last_gap {
        text.push_str(&format!(", the last noticed {}", when::full(time)));
    }
    text.push('\n');
    if let Some(failing) = &cursor.failing {
        let since = when::full(failing.since);
        text.push_str(&format!("failing    since {since}: {}\n", failing.problem));
    }
    terminal::show(&terminal::harmless_lines(&text))?;
    Ok(Exit::Done)
}
