//! What the kernel's own news say, in sentences: what was, what is, and who was seen at it.

use super::Line;
use crate::event::{Event, Fact};
use crate::sources;

/// What is said here, as the environment of a hook calls it.
const SAID: [&str; 6] = [
    "details_before",
    "details_after",
    "details_flaps",
    "details_process",
    "details_pid",
    "details_difference",
];

/// What of an event need not be said beside its changes.
pub(super) fn said_of(event: &Event) -> &'static [&'static str] {
    if event.source == sources::KERNEL.name { &SAID } else { &[] }
}

/// What has changed, of an event that the kernel told.
pub(super) fn changed(event: &Event) -> Vec<Line> {
    if event.source != sources::KERNEL.name {
        return Vec::new();
    }
    let text = |name: &str| match event.facts.details.get(name) {
        Some(Fact::Text(text)) => Some(text.to_string()),
        Some(Fact::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let interface = event.facts.interface.as_ref().map_or("It", |name| name.as_str());
    let was = text("before").zip(text("after"));
    let was = was.map(|(before, after)| format!("{interface} was: {before}. Now it is: {after}."));
    let flaps = text("flaps").map(|number| {
        let times = if number == "1" { "once".to_owned() } else { format!("{number} times") };
        format!("It lost its link {times} and had it back meanwhile.")
    });
    let who = text("process").map(|process| {
        let pid = text("pid").map(|pid| format!(" (pid {pid})")).unwrap_or_default();
        format!("Who changed nf_tables last before that is {process}{pid}.")
    });
    let difference = text("difference");
    let difference =
        difference.map(|what| format!("The first that was not as it should be: {what}."));
    [was, flaps, who, difference].into_iter().flatten().map(Line::Says).collect()
}
