//! One event with all that is on record about it: from the journal, or from an archive that
//! `capture` made.

use std::path::Path;

use uuid::Uuid;

use super::{search, tar};
use crate::config::{self, Config};
use crate::engine::KernelState;
use crate::error::Exit;
use crate::error::Failure;
use crate::event::Event;
use crate::journal::{self, Entry, Journal, Record};
use crate::sys::files;

/// Largest archive in bytes.
const LARGEST: u64 = 64 << 20;

/// Names of the files in an archive.
pub(crate) mod names {
    pub(crate) const EVENT: &str = "event.json";
    pub(crate) const STATE: &str = "state.json";
    pub(crate) const RECORDS: &str = "records.jsonl";
    pub(crate) const CONFIGURATION: &str = "netcue.conf";
}

/// What is known about one event.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) event: Box<Event>,
    /// Its records, oldest first, without that of the state.
    pub(crate) entries: Vec<Entry>,
    /// The kernel's state that its last run met.
    pub(crate) state: Option<Box<KernelState>>,
    /// The configuration of the machine it happened on, if that was another.
    pub(crate) config: Option<Config>,
}

/// Looks up the one event that is called so.
pub(crate) fn in_journal(journal: &Journal, word: &str) -> Result<Recorded, Failure> {
    let (event, story) = search::event(journal, word)?;
    let mut search = Search { id: event.id, has_run: story.attempts > 0, ..Search::default() };
    journal.read_back(|entry| search.take(entry)).map_err(Failure::unreadable)?;
    let state = search
        .digest()
        .map(|digest| journal::state_of(journal, digest).map_err(Failure::unreadable))
        .transpose()?
        .flatten();
    let mut entries = search.entries;
    entries.reverse();
    Ok(Recorded { event, entries, state: state.map(Box::new), config: None })
}

/// The reading of all that is on record about one event.
#[derive(Default)]
struct Search {
    id: Uuid,
    /// Whether the beginning of a run of it is on record.
    has_run: bool,
    entries: Vec<Entry>,
    is_accepted: bool,
}

impl Search {
    /// Takes one entry, older than those before; false when nothing is missing any more.
    fn take(&mut self, entry: Entry) -> bool {
        let is_state = matches!(entry.record, Record::State { .. } | Record::StateChange { .. });
        if is_state || entry.event_id != Some(self.id) {
            return true;
        }
        self.is_accepted |= matches!(entry.record, Record::Accepted { .. });
        self.entries.push(entry);
        // A run may begin before the process that took the event in has written that down.
        !self.is_accepted || self.has_run && self.last_run().is_none()
    }

    /// The digest in the record of the last run, if that has been met.
    fn last_run(&self) -> Option<&Option<String>> {
        self.entries.iter().find_map(|entry| match &entry.record {
            Record::RunBegin { state, .. } => Some(state),
            _ => None,
        })
    }

    /// What the last run of the event refers to; none if it never ran, or ran before states
    /// were recorded.
    fn digest(&self) -> Option<&str> {
        self.last_run()?.as_deref()
    }
}

/// Reads an archive that `capture` made.
pub(crate) fn in_archive(path: &Path) -> Result<Recorded, Failure> {
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
