//! JSON on its way to a program or a terminal, and the schemas it keeps to.

use serde_json::Value;

use crate::journal::StepEnd;
use crate::reason::Reason;
use crate::sys::identity;
use crate::sys::terminal::harmless_json;

/// The JSON Schemas of what commands print, by the name of the command, and of a record of the
/// journal; that of an event
/// is [`crate::event::JSON_SCHEMA`], which these refer to.
pub const SCHEMAS: [(&str, &str); 14] = [
    ("changes", include_str!("../schema/changes.schema.json")),
    ("doctor", include_str!("../schema/doctor.schema.json")),
    ("history", include_str!("../schema/history.schema.json")),
    ("hooks", include_str!("../schema/hooks.schema.json")),
    ("hooks-check", include_str!("../schema/hooks-check.schema.json")),
    ("journal", include_str!("../schema/journal.schema.json")),
    ("parse", include_str!("../schema/parse.schema.json")),
    ("plan", include_str!("../schema/plan.schema.json")),
    ("reason", include_str!("../schema/reason.schema.json")),
    ("rules", include_str!("../schema/rules.schema.json")),
    ("sources", include_str!("../schema/sources.schema.json")),
    ("status", include_str!("../schema/status.schema.json")),
    ("try", include_str!("../schema/try.schema.json")),
    ("why", include_str!("../schema/why.schema.json")),
];

/// A reason: its kind and parts, and its words for people.
pub(crate) fn reason(reason: &Reason) -> Value {
    let mut value = serde_json::to_value(reason).unwrap_or_default();
    if let Some(parts) = value.as_object_mut() {
        parts.insert("words".to_owned(), reason.to_string().into());
    }
    value
}

/// How a step ended, its reason in the same way.
pub(crate) fn end(end: &StepEnd) -> Value {
    let mut value = serde_json::to_value(end).unwrap_or_default();
    if let (Some(parts), Some(failed)) = (value.as_object_mut(), &end.failed) {
        parts.insert("failed".to_owned(), reason(failed));
    }
    value
}

/// One object a line.
pub(crate) fn line(value: &Value) -> String {
    harmless_json(&value.to_string()).into_owned() + "\n"
}

/// What a command answers, set out for eyes as well, with the machine's name in each object:
/// such answers are gathered from many machines.
pub(crate) fn answer(value: Value) -> String {
    pretty(&match value {
        Value::Array(items) => items.into_iter().map(of_this_host).collect(),
        value => of_this_host(value),
    })
}

fn of_this_host(mut value: Value) -> Value {
    if let Some(fields) = value.as_object_mut() {
        fields.insert("host".to_owned(), identity::host().into());
    }
    value
}

/// One object, set out for eyes as well.
pub(crate) fn pretty(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    harmless_json(&text).into_owned() + "\n"
}
