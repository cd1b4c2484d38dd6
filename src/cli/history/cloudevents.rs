//! `history --format cloudevents`: what has ended, as `CloudEvents` 1.0 in its JSON format.
//!
//! What is not over yet is left out: `CloudEvents` with the same source and id count as the
//! same, so an event may be told only once, with its outcome.

use serde_json::{Value, json};

use crate::journal::Story;
use crate::sys::identity;

/// One event as a line; none while it is not over.
pub(super) fn line(story: &Story, data: &str) -> Option<String> {
    let (outcome, source, time) = match (&story.event, &story.refused) {
        (Some(event), _) => (story.outcome?.as_str(), event.source.as_str(), event.time),
        (None, Some(refused)) => {
            ("refused", refused.source.as_deref().unwrap_or("unknown"), story.last_time?)
        }
        (None, None) => return None,
    };
    // A refused call has no id, and no two records have the same nanosecond.
    let id =
        story.id.map_or_else(|| format!("refused-{}", time.as_nanosecond()), |id| id.to_string());
    let mut event = json!({
        "specversion": "1.0",
        "id": id,
        "source": format!("//{}/netcue/{}", uri(&identity::host()), uri(source)),
        "type": format!("netcue.event.{outcome}"),
        "time": time,
        "datacontenttype": "application/json",
        "data": serde_json::from_str::<Value>(data).ok()?,
    });
    let interface = story.event.as_ref().and_then(|event| event.facts.interface.as_ref());
    if let (Some(fields), Some(interface)) = (event.as_object_mut(), interface) {
        fields.insert("subject".to_owned(), interface.to_string().into());
    }
    Some(ascii(&event.to_string()) + "\n")
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
