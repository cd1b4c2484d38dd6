//! `sources`: who may call, what calls from where, when it was last heard of, and what is
//! missing.

use serde_json::json;

use super::checks;
use super::shared::table::{Paint, Table, Tone};
use super::shared::when;
use crate::error::Exit;
use crate::error::{Ended, Failure};
use crate::integrate::{self, Attachment, Seen};
use crate::journal::{Heard, Journal};
use crate::paths::Layout;
use crate::pipeline;
use crate::sources::{ALL, Source};
use crate::sys::terminal;

/// What may be said with `sources`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Prints JSON for programs
    #[arg(long)]
    json: bool,
}

/// One source.
struct Row {
    source: &'static Source,
    attachment: Attachment,
    on: bool,
}

pub(crate) fn main(layout: &Layout, args: &Args) -> Ended {
    let seen = integrate::look(layout, None);
    let config = pipeline::configured(layout).config;
    let heard = checks::heard(&Journal::of(layout, &config.journal));
    let rows: Vec<Row> = ALL.iter().map(|source| row(&seen, source)).collect();
    let text = if args.json {
        as_json(&rows, heard.as_ref().ok())
    } else {
        as_table(&rows, heard.as_ref().ok(), Paint::for_stdout())
    };
    terminal::page(&text)?;
    heard.map_or_else(|error| Err(Failure::unreadable(error)), |_| Ok(Exit::Done))
}

fn row(seen: &Seen, source: &'static Source) -> Row {
    let on = integrate::is_on(seen, source);
    let mut attachment = integrate::attachment(seen, source);
    if !on {
        attachment.missing.clear();
        if !attachment.spots.is_empty() {
            attachment
                .missing
                .push("switched off: its calls are recorded, nothing runs".to_owned());
        }
    }
    Row { source, attachment, on }
}

fn as_table(rows: &[Row], heard: Option<&Heard>, paint: Paint) -> String {
    let mut wide = Table::default();
    let mut narrow = Table::default();
    let columns = ["SOURCE", "INSTALLED", "ENABLED", "LAST HEARD", "CALLED BY"];
    let heading = columns.map(|column| (Tone::Strong, column));
    let [source, installed, enabled, last, called_by] = heading;
    narrow.row(heading);
    wide.row([source, installed, enabled, last, called_by, (Tone::Strong, "MISSING")]);
    let heard_of =
        |row: &Row| heard.is_some_and(|heard| heard.last.contains_key(row.source.name.as_str()));
    let is_shown =
        |row: &&Row| row.attachment.installed || !row.attachment.spots.is_empty() || heard_of(row);
    for row in rows.iter().filter(is_shown) {
        let yes = |is_so| if is_so { "yes" } else { "no" };
        let last = match heard.map(|heard| (heard.whole, heard.last.get(row.source.name.as_str())))
        {
            None => "unknown".to_owned(),
            Some((_, Some(time))) => when::brief(*time),
            Some((true, None)) => "never".to_owned(),
            Some((false, None)) => "not lately".to_owned(),
        };
        let source = [
            (Tone::Strong, row.source.name.as_str()),
            (Tone::Plain, yes(row.attachment.installed)),
            (if row.on { Tone::Good } else { Tone::Faint }, yes(row.on)),
            (Tone::Plain, &last),
        ];
        // What is said of the source stands in the first of its lines only.
        let about = |index| if index == 0 { source } else { [(Tone::Plain, ""); 4] };
        let spots = row.attachment.spots.iter().map(|spot| spot.at.display().to_string());
        let spots: Vec<String> = spots.collect();
        let missing = &row.attachment.missing;
        for index in 0..spots.len().max(missing.len()).max(1) {
            let [name, installed, on, last] = about(index);
            let dash = if index == 0 { "-" } else { "" };
            let spot = spots.get(index).map_or(dash, String::as_str);
            let lacks = missing.get(index);
            let lacks = lacks.map_or((Tone::Plain, dash), |lacks| (Tone::Bad, lacks.as_str()));
            wide.row([name, installed, on, last, (Tone::Plain, spot), lacks]);
        }
        let lacks = missing.iter().map(|lacks| (Tone::Bad, lacks.as_str()));
        let all = spots.iter().map(|spot| (Tone::Plain, spot.as_str())).chain(lacks);
        let all = if spots.is_empty() && missing.is_empty() {
            vec![(Tone::Plain, "-")]
        } else {
            all.collect()
        };
        for (index, cell) in all.into_iter().enumerate() {
            let [name, installed, on, last] = about(index);
            narrow.row([name, installed, on, last, cell]);
        }
    }
    let mut text = match paint.width() {
        Some(width) if wide.width(paint) > width => narrow.broken_lines(paint),
        _ => wide.lines(paint),
    };
    let absent = rows.iter().filter(|row| !is_shown(row));
    let absent: Vec<&str> = absent.map(|row| row.source.name.as_str()).collect();
    if !absent.is_empty() {
        let line = format!("not on this machine: {}", absent.join(" "));
        text.push('\n');
        text.push_str(&paint.wrapped(Tone::Faint, &line, 2));
    }
    text
}

fn as_json(rows: &[Row], heard: Option<&Heard>) -> String {
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            json!({
                "source": row.source.name.as_str(),
                "summary": row.source.summary,
                "installed": row.attachment.installed,
                "enabled": row.on,
                "called_by": row.attachment.spots,
                "last_heard": heard.and_then(|heard| heard.last.get(row.source.name.as_str())),
                "missing": row.attachment.missing,
            })
        })
        .collect();
    super::shared::json::answer(rows.into())
}
