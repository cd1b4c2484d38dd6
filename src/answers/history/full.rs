//! One event with everything the journal has about it.

use crate::answers::shared::table::{Paint, Table, Tone};
use crate::answers::shared::{when, wording};
use crate::journal::{Outcome, Story, StoryStep};

/// The event, and below it each step with what it changed and said.
pub(super) fn in_full(story: &Story) -> String {
    let paint = Paint::for_stdout();
    let (word, tone) = wording::outcome(story);
    let mut text = format!(
        "{} {}\n",
        paint.text(Tone::Strong, &wording::called(story)),
        paint.text(tone, word)
    );
    let mut table = Table::default();
    let mut line = |name: &str, value: &str| table.row([(Tone::Faint, name), (Tone::Plain, value)]);
    if let Some(time) = wording::began(story) {
        line("  time", &when::full(time));
    }
    if let Some(called) = wording::command_line(story) {
        line("  called as", &called);
    }
    if let Some(event) = &story.event {
        line("  event", &event.id.to_string());
        if let Some(cause) = event.caused_by {
            line("  caused by", &cause.to_string());
        }
        for (name, value) in wording::fields(event, &[]) {
            line(&format!("  {name}"), &value);
        }
        for warning in &event.facts.warnings {
            line("  left out", &format!("{}: {}", warning.field, warning.reason));
        }
    }
    if let Some(reason) = wording::reason(story) {
        let failed = story.outcome == Some(Outcome::Failed);
        line(if failed { "  failed" } else { "  reason" }, &reason);
    }
    if story.attempts > 1 {
        line("  attempts", &story.attempts.to_string());
    }
    if let Some(ms) = story.ms {
        line("  took", &when::lasting(ms));
    }
    for remark in &story.remarks {
        line("  remark", remark);
    }
    text.push_str(&table.broken_lines(paint));
    let present = wording::present_step(story).map(|step| step.planned.step.as_str());
    for step in &story.steps {
        let is_present = present == Some(step.planned.step.as_str());
        text.push_str(&step_in_full(step, is_present, paint));
    }
    text
}

fn step_in_full(step: &StoryStep, is_present: bool, paint: Paint) -> String {
    let name = paint.text(Tone::Strong, &step.planned.step);
    if is_present {
        return format!("  {name}  {}\n", paint.text(Tone::Strong, "running"));
    }
    let Some(end) = &step.end else {
        return format!("  {name}  {}\n", paint.text(Tone::Faint, &wording::how_it_was_left(step)));
    };
    let tone = if end.outcome.is_failure() { Tone::Bad } else { Tone::Good };
    let mut text = format!(
        "  {name}  {} ({})\n",
        paint.text(tone, &wording::how_it_ended(end)),
        when::lasting(end.ms)
    );
    for line in &end.changes {
        text.push_str(&format!("      {}\n", paint.change(line)));
    }
    for line in end.output.lines() {
        text.push_str(&format!("      {}\n", paint.text(Tone::Plain, &format!("| {line}"))));
    }
    text
}
