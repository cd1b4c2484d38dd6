//! The event as a hook's environment: one `NETCUE_` variable per field, always set.

use std::fmt::Display;

use super::Event;

/// Names and values, in the order of netcue-event(7). A field without a value is
/// set to nothing, so that a hook under `set -u` need not ask first.
#[must_use]
pub fn hook_environment(event: &Event) -> Vec<(String, String)> {
    let facts = &event.facts;
    let mut env: Vec<(String, String)> = [
        ("SCHEMA", event.schema.clone()),
        ("ID", event.id.to_string()),
        ("TIME", event.time.to_string()),
        ("BOOTTIME_NS", event.boottime_ns.to_string()),
        ("BOOT_ID", or_empty(event.boot_id.as_ref())),
        ("SOURCE", event.source.to_string()),
        ("TRIGGER", facts.trigger.to_string()),
        ("ACTION", or_empty(facts.action.as_ref())),
        ("INTERFACE", or_empty(facts.interface.as_ref())),
        ("IFINDEX", or_empty(event.ifindex.as_ref())),
        ("NETNS", or_empty(event.netns.as_ref())),
        ("FAMILY", facts.family.map_or_else(String::new, |family| family.as_str().to_owned())),
        ("LOCAL", or_empty(facts.local.as_ref())),
        ("REMOTE", or_empty(facts.remote.as_ref())),
        ("PREFIX", or_empty(facts.prefix.as_ref())),
        ("GATEWAY", or_empty(facts.gateway.as_ref())),
        ("ADDRESSES", joined(facts.addresses.as_deref())),
        ("GATEWAYS", joined(facts.gateways.as_deref())),
        ("DNS", joined(facts.dns.as_deref())),
        ("FACTS_COMPLETE", if facts.facts_complete { "1" } else { "0" }.to_owned()),
        ("CAUSED_BY", or_empty(event.caused_by.as_ref())),
        ("FIRST_CAUSE", or_empty(event.first_cause.as_ref())),
        ("CAUSE_DEPTH", event.cause_depth.to_string()),
        ("ATTEMPT", event.attempt.to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (format!("NETCUE_{name}"), value))
    .collect();
    env.extend(facts.details.iter().map(|(name, fact)| {
        (format!("NETCUE_DETAILS_{}", name.to_ascii_uppercase()), fact.to_string())
    }));
    env
}

fn or_empty(value: Option<&impl Display>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

fn joined<T: Display>(values: Option<&[T]>) -> String {
    let words: Vec<String> = values.unwrap_or_default().iter().map(ToString::to_string).collect();
    words.join(" ")
}
