//! `rules`: the rules that the kernel's state calls for, against those in force.

use serde_json::json;

use super::shared::table::Paint;
use crate::engine::{self, CounterName, Preview};
use crate::error::Exit;
use crate::error::{Ended, Failure};
use crate::paths::Layout;
use crate::pipeline::House;
use crate::sys::terminal;

/// What the engine would do; the queue and the rules stay as they are.
pub(crate) fn preview(house: &House) -> Result<Preview, Failure> {
    engine::open()
        .and_then(|mut session| {
            engine::preview(&house.config.rules, &house.layout.rules(), &mut session)
        })
        .map_err(|error| Failure::new(error.exit(), error))
}

/// The difference as lines: those of the rules, then what only the kernel has differently.
pub(crate) fn changes(preview: &Preview) -> Vec<String> {
    if preview.differences.is_empty() {
        return Vec::new();
    }
    let lines = preview.lines.iter().map(ToString::to_string);
    if preview.lines.is_empty() {
        // Somebody else has changed our table.
        return preview.differences.iter().map(|found| format!("! {found}")).collect();
    }
    lines.collect()
}

pub(crate) fn show(layout: &Layout, json: bool) -> Ended {
    let preview = preview(&House::open(layout.clone()))?;
    if json {
        let shown = json!({
            "classes": classes(&preview),
            "rules": preview.wanted,
            "in_force": preview.differences.is_empty(),
            "notes": preview.notes,
            "counters": preview.counts,
        });
        terminal::page(&super::shared::json::answer(shown))?;
        return Ok(Exit::Done);
    }
    let mut text = preview.wanted.clone();
    if !preview.differences.is_empty() {
        text.push_str("# not in force: see \"netcue rules diff\"\n");
    }
    if let Some(dropped) = dropped(&preview) {
        text.push_str(&format!("# {dropped}\n"));
    }
    for note in &preview.notes {
        text.push_str(&format!("# {note}\n"));
    }
    terminal::page(&text)?;
    Ok(Exit::Done)
}

/// What the rules have dropped since their table was made, in words; nothing if nothing.
pub(crate) fn dropped(preview: &Preview) -> Option<String> {
    let count = |name: CounterName| Some((name, preview.counts.get(name.as_str())?.packets));
    let counts = CounterName::ALL.into_iter().filter_map(count);
    let words: Vec<String> = counts
        .filter(|(_, packets)| *packets > 0)
        .map(|(name, packets)| format!("{packets} {}", name.in_words()))
        .collect();
    (!words.is_empty()).then(|| format!("packets dropped since the boot: {}", words.join(", ")))
}

pub(crate) fn diff(layout: &Layout) -> Ended {
    let preview = preview(&House::open(layout.clone()))?;
    let paint = Paint::for_stdout();
    let lines: String = changes(&preview).iter().map(|line| paint.change(line) + "\n").collect();
    terminal::page(&lines)?;
    Ok(if preview.differences.is_empty() { Exit::Done } else { Exit::StepFailed })
}

fn classes(preview: &Preview) -> serde_json::Value {
    let classes = &preview.classes;
    json!({
        "sides": classes.sides,
        "internal_networks": classes.networks(),
    })
}
