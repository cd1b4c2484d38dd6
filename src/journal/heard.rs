//! When each source was last heard of.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Journal, Record};
use crate::sys::files::FileError;

/// When each source was last heard of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// Its newest call, accepted or refused.
    pub last: BTreeMap<String, Timestamp>,
    /// Whether the whole journal was read: a source that is missing never called then, as
    /// far as anybody remembers.
    pub whole: bool,
}

/// Reads back until each of `sources` was found, but no more than `most` records.
///
/// # Errors
/// When a journal file is there and can't be read.
pub fn last_heard(journal: &Journal, sources: &[&str], most: usize) -> Result<Heard, FileError> {
    let mut heard = Heard { whole: true, ..Heard::default() };
    let mut read = 0;
    journal.read_back(|entry| {
        let source = match &entry.record {
            Record::Accepted { event, .. } => Some(event.source.as_str()),
            Record::Refused { source, .. } => source.as_deref(),
            _ => None,
        };
        if let Some(source) = source {
            heard.last.entry(source.to_owned()).or_insert(entry.time);
        }
        read += 1;
        let all = sources.iter().all(|source| heard.last.contains_key(*source));
        heard.whole = all || read < most;
        !all && read < most
    })?;
    Ok(heard)
}
