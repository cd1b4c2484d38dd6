//! What has ended as `CloudEvents` 1.0 in its JSON format, one a line, for `history` and
//! `ship`.
//!
//! What is not over yet is left out: `CloudEvents` with the same source and id count as the
//! same, so an event may be told only once, with its outcome.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::json;
use crate::journal::{StepEnd, Story};
use crate::paths::Layout;
use crate::sys::identity;

/// The machine that tells.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    host: String,
    machine: Option<String>,
}

/// One line, and the id in it.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) id: String,
    pub(crate) text: String,
}

impl Origin {
    /// This machine.
    pub(crate) fn here(layout: &Layout) -> Self {
        Self { host: identity::host(), machine: identity::machine(&layout.machine_id()) }
    }

    /// Its name.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// What tells it from all others even if its name changes; empty where it has none.
    pub(crate) fn machine(&self) -> &str {
        self.machine.as_deref().unwrap_or_default()
    }

    /// One story as a line; none while it is not over.
    pub(crate) fn story(&self, story: &Story, data: Value) -> Option<Line> {
        let (outcome, source, time) = match (&story.event, &story.refused) {
            (Some(event), _) => (story.outcome?.as_str(), event.source.as_str(), event.time),
            (None, Some(refused)) => {
                ("refused", refused.source.as_deref().unwrap_or(UNKNOWN), story.last_time?)
            }
            // Its beginning has been rotated away, or it never was an event.
            (None, None) => (story.outcome?.as_str(), UNKNOWN, story.last_time?),
        };
        // A refused call has no id, and no two records have the same nanosecond.
        let id = story.id.map_or_else(
            || format!("{}-{}", without_id(story), time.as_nanosecond()),
            |id| id.to_string(),
        );
        let mut line = self.line(&id, source, &format!("event.{outcome}"), time, data);
        about(&mut line, story);
        Some(Line::of(id, &line))
    }

    /// A hook that held nobody, and ended after the outcome of its event had been told.
    pub(crate) fn late_step(
        &self,
        story: &Story,
        time: Timestamp,
        step: &str,
        end: &StepEnd,
    ) -> Line {
        let event_id = story.id.map(|id| id.to_string()).unwrap_or_default();
        let source = story.event.as_ref().map_or(UNKNOWN, |event| event.source.as_str());
        let data = json!({ "event_id": event_id, "step": step, "end": json::end(end) });
        let outcome = format!("step.{}", end.outcome.as_str());
        let id = format!("{event_id}/{step}");
        let mut line = self.line(&id, source, &outcome, time, data);
        about(&mut line, story);
        Line::of(id, &line)
    }

    /// Records that were rotated away before they could be told. `data` says between what.
    pub(crate) fn gap(&self, id: String, time: Timestamp, data: Value) -> Line {
        let line = self.line(&id, "journal", "gap", time, data);
        Line::of(id, &line)
    }

    fn line(
        &self,
        id: &str,
        source: &str,
        what: &str,
        time: Timestamp,
        data: Value,
    ) -> Map<String, Value> {
        let authority = self.machine.clone().unwrap_or_else(|| uri(&self.host));
        let mut line = Map::new();
        let mut put = |name: &str, value: Value| line.insert(name.to_owned(), value);
        put("specversion", "1.0".into());
        put("id", id.into());
        put("source", format!("//{authority}/netcue/{}", uri(source)).into());
        put("type", format!("netcue.{what}").into());
        put("time", time.to_string().into());
        put("datacontenttype", "application/json".into());
        put("host", self.host.clone().into());
        if let Some(machine) = &self.machine {
            put("machine", machine.clone().into());
        }
        put("data", data);
        line
    }
}

const UNKNOWN: &str = "unknown";

fn without_id(story: &Story) -> &'static str {
    if story.refused.is_some() { "refused" } else { "set-aside" }
}

/// What the attributes say of the event itself. The wall clock may jump: within one boot
/// the order is that of `sequence`, an attribute that `CloudEvents` describes as an extension.
fn about(line: &mut Map<String, Value>, story: &Story) {
    let Some(event) = &story.event else { return };
    if let Some(interface) = &event.facts.interface {
        line.insert("subject".to_owned(), interface.to_string().into());
    }
    line.insert("sequence".to_owned(), format!("{:020}", event.boottime_ns).into());
    if let Some(boot_id) = event.boot_id {
        line.insert("bootid".to_owned(), boot_id.to_string().into());
    }
}

impl Line {
    fn of(id: String, attributes: &Map<String, Value>) -> Self {
        let json = serde_json::to_string(attributes).unwrap_or_default();
        Self { id, text: ascii(&json) + "\n" }
    }
}

/// The same JSON with every letter beyond ASCII as an escape, so that none of them can
/// confuse a terminal.
fn ascii(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\u{7f}' || !c.is_ascii() {
            for unit in c.encode_utf16(&mut [0; 2]) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Text as a part of a URI (RFC 3986): all but unreserved characters escaped.
fn uri(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}
