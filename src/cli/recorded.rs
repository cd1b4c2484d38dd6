//! One event with all that is on record about it: from the journal, or from an archive that
//! `capture` made.

use std::path::Path;

use uuid::Uuid;

use super::{Failure, history, tar};
use crate::config::{self, Config};
use crate::engine::KernelState;
use crate::error::Exit;
use crate::event::Event;
use crate::journal::{self, Entry, Journal, Record};
use crate::sys::files;

/// Largest archive in bytes.
const LARGEST: u64 = 64 << 20;

/// Names of the files in an archive.
pub(super) mod names {
    pub(in crate::cli) const EVENT: &str = "event.json";
    pub(in crate::cli) const STATE: &str = "state.json";
    pub(in crate::cli) const RECORDS: &str = "records.jsonl";
    pub(in crate::cli) const CONFIGURATION: &str = "netcue.conf";
}

/// What is known about one event.
#[derive(Debug)]
pub(super) struct Recorded {
    pub(super) event: Box<Event>,
    /// Its records, oldest first, without that of the state.
    pub(super) entries: Vec<Entry>,
    /// The kernel's state that its last run met.
    pub(super) state: Option<Box<KernelState>>,
    /// The configuration of the machine it happened on, if that was another.
    pub(super) config: Option<Config>,
}

/// Looks an event up: the newest whose id begins so, or the last.
pub(super) fn in_journal(journal: &Journal, beginning: &str) -> Result<Recorded, Failure> {
    let mut found = Search { beginning, ..Search::default() };
    journal.read_back(|entry| found.take(entry)).map_err(history::unreadable)?;
    let event = found.event.ok_or_else(|| history::unknown(beginning))?;
    let mut entries = found.entries;
    entries.retain(|entry| entry.event_id == Some(event.id));
    let state = entries
        .iter()
        .find_map(|entry| match &entry.record {
            Record::RunBegin { state, .. } => state.as_deref(),
            _ => None,
        })
        .map(|digest| journal::state_of(journal, digest).map_err(history::unreadable))
        .transpose()?
        .flatten();
    entries.reverse();
    Ok(Recorded { event, entries, state: state.map(Box::new), config: None })
}

#[derive(Default)]
struct Search<'a> {
    beginning: &'a str,
    entries: Vec<Entry>,
    event: Option<Box<Event>>,
}

impl Search<'_> {
    /// Takes one entry, older than those before; false when nothing is missing any more.
    fn take(&mut self, entry: Entry) -> bool {
        let is_state = matches!(entry.record, Record::State { .. } | Record::StateChange { .. });
        if is_state || !entry.event_id.is_some_and(|id| self.may_be(id)) {
            return true;
        }
        if let Record::Accepted { event, .. } = &entry.record {
            self.event = Some(event.clone());
        }
        self.entries.push(entry);
        self.event.is_none()
    }

    fn may_be(&self, id: Uuid) -> bool {
        self.beginning == "last" || id.to_string().starts_with(self.beginning)
    }
}

/// Reads an archive that `capture` made.
pub(super) fn in_archive(path: &Path) -> Result<Recorded, Failure> {
    let broken = |what: &dyn std::fmt::Display| {
        Failure::new(Exit::NotUnderstood, format!("{}: {what}", path.display()))
    };
    let content = files::read_if_there(path, LARGEST)
        .map_err(|error| Failure::new(Exit::InputOutput, error))?
        .ok_or_else(|| {
            Failure::new(Exit::InputOutput, format!("there is no {}", path.display()))
        })?;
    let files = tar::read(&content).map_err(|error| broken(&error))?;
    let file = |name: &str| {
        files.iter().find(|(known, _)| known == name).map(|(_, content)| content.as_slice())
    };
    let event = file(names::EVENT).ok_or_else(|| broken(&"no archive of netcue capture"))?;
    let event = Event::from_json(event).map_err(|error| broken(&error))?;
    let state = file(names::STATE).map(serde_json::from_slice).transpose();
    let config = file(names::CONFIGURATION)
        .map(|text| config::parse(&String::from_utf8_lossy(text), Path::new(names::CONFIGURATION)))
        .transpose();
    let entries = file(names::RECORDS).unwrap_or_default().split(|byte| *byte == b'\n');
    Ok(Recorded {
        event: Box::new(event),
        entries: entries.filter_map(|line| serde_json::from_slice(line).ok()).collect(),
        state: state.map_err(|error| broken(&error))?,
        config: config.map_err(|error| broken(&error))?,
    })
}
