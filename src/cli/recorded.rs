//! One event with all that is on record about it: from the journal, or from an archive that
//! `capture` made.

use std::collections::BTreeMap;
use std::path::Path;

use uuid::Uuid;

use super::{Failure, tar};
use crate::config::{self, Config};
use crate::engine::KernelState;
use crate::error::Exit;
use crate::event::Event;
use crate::journal::{Entry, Journal, Record};
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
    journal.read_back(|entry| found.take(entry)).map_err(|error| {
        let exit = if error.is_permission() { Exit::NoPermission } else { Exit::InputOutput };
        Failure::new(exit, error)
    })?;
    let missing =
        || Failure::new(Exit::StepFailed, format!("the journal holds no event {beginning:?}"));
    let digest = found.digest().cloned();
    let state = digest.and_then(|digest| found.states.remove(&digest).flatten());
    let id = found.id.ok_or_else(missing)?;
    let event = found.event.ok_or_else(missing)?;
    let mut entries = found.entries;
    entries.retain(|entry| entry.event_id == Some(id));
    entries.reverse();
    Ok(Recorded { event, entries, state, config: None })
}

#[derive(Default)]
struct Search<'a> {
    beginning: &'a str,
    entries: Vec<Entry>,
    /// Set as soon as the event's acceptance has been met.
    id: Option<Uuid>,
    event: Option<Box<Event>>,
    /// States that runs of events with that beginning of an id refer to, once they are met.
    states: BTreeMap<String, Option<Box<KernelState>>>,
}

impl Search<'_> {
    /// Takes one entry, older than those before; false when nothing is missing any more.
    fn take(&mut self, entry: Entry) -> bool {
        if let Record::State { digest, state } = entry.record {
            if let Some(place) = self.states.get_mut(&digest) {
                place.get_or_insert(state);
            }
            return !self.is_complete();
        }
        let Some(id) = entry.event_id.filter(|id| self.may_be(*id)) else { return true };
        match &entry.record {
            Record::Accepted { event, .. } if self.id.is_none() => {
                self.id = Some(id);
                self.event = Some(event.clone());
            }
            Record::RunBegin { state: Some(digest), .. } => {
                self.states.entry(digest.clone()).or_default();
            }
            _ => {}
        }
        self.entries.push(entry);
        !self.is_complete()
    }

    fn may_be(&self, id: Uuid) -> bool {
        match self.id {
            Some(known) => known == id,
            None => self.beginning == "last" || id.to_string().starts_with(self.beginning),
        }
    }

    /// What the last run of the event refers to; none if it never ran, or ran before states
    /// were recorded.
    fn digest(&self) -> Option<&String> {
        let mut entries = self.entries.iter().filter(|entry| entry.event_id == self.id);
        entries.find_map(|entry| match &entry.record {
            Record::RunBegin { state, .. } => state.as_ref(),
            _ => None,
        })
    }

    fn is_complete(&self) -> bool {
        let is_met = |digest| self.states.get(digest).is_some_and(Option::is_some);
        self.event.is_some() && self.digest().is_none_or(is_met)
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
        files.iter().find(|file| file.name.ends_with(&format!("/{name}"))).map(|file| file.content)
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
