//! `history --cursor`: what has ended since the last call with the same file, for whoever takes the
//! journal over. What could not be written is there again the next time.

use std::path::Path;

use super::{Args, Format, Reasons, as_json, as_table};
use crate::answers::shared::cloudevents::Origin;
use crate::answers::shared::json;
use crate::answers::shared::table::Paint;
use crate::error::{Ended as CommandEnded, Exit, Failure};
use crate::journal::{Backlog, Cursor, Ended};
use crate::pipeline::House;
use crate::sys::{clock, terminal};

pub(super) fn main(house: &House, args: &Args, file: &Path) -> CommandEnded {
    let unusable = |error| Failure::new(Exit::InputOutput, error);
    let mut cursor = Cursor::of_file(file).map_err(unusable)?;
    let (mut backlog, missed) =
        Backlog::after(&house.journal, &cursor.position).map_err(Failure::unreadable)?;
    let origin = Origin::here(&house.layout);
    let mut lines = String::new();
    let mut stories = Vec::new();
    while let Some(ended) = backlog.read_next().map_err(Failure::unreadable)? {
        let (Ended::Story(story) | Ended::LateStep { story, .. }) = &ended;
        if !args.takes(story) {
            continue;
        }
        cursor.handed_on += 1;
        match (args.format, &ended) {
            (Format::Cloudevents, Ended::Story(story)) => {
                lines.extend(origin.story(story, as_json(story)).map(|line| line.text));
            }
            (Format::Cloudevents, Ended::LateStep { story, time, step, end }) => {
                lines.push_str(&origin.late_step(story, *time, step, end).text);
            }
            // Its event is told once more, with the end that came later.
            _ if args.wants_json() => lines.push_str(&json::line(&as_json(story))),
            (_, Ended::Story(story) | Ended::LateStep { story, .. }) => {
                stories.push(story.as_ref().clone());
            }
        }
    }
    if !stories.is_empty() {
        lines = as_table(&stories, Reasons::Below, Paint::for_stdout());
    }
    terminal::hand_over(&lines)?;
    if missed {
        cursor.gaps += 1;
        cursor.last_gap = Some(clock::now());
        terminal::tell("records were rotated away since the last call: events may be missing");
    }
    cursor.position = backlog.position();
    cursor.keep_in(file).map_err(Failure::unwritable)?;
    Ok(Exit::Done)
}
