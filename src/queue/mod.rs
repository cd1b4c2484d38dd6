//! The queue: events accepted and not finished, one file each, in the order of boot-time
//! clock; and the note in the lock that tells a successor where a dead run stood.

mod note;

use std::path::{Path, PathBuf};

pub use note::Note;
use uuid::Uuid;

use crate::event::Event;
use crate::paths::Layout;
use crate::sys::files::{self, FileError};
use crate::sys::folder;
use crate::sys::processes;

/// Largest event in bytes: details, lists and warnings are bounded, so a larger file is none.
const LARGEST_EVENT: u64 = 256 * 1024;

/// A waiting event: the name of its file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(String);

impl Ticket {
    fn of(event: &Event) -> Self {
        // Twenty digits hold any u64, so that the order of names is that of numbers.
        Self(format!("{:020}-{}.json", event.boottime_ns, event.id))
    }

    /// The event its name speaks of, which may be all that is left of it.
    #[must_use]
    pub fn event_id(&self) -> Option<Uuid> {
        let (_, id) = self.0.strip_suffix(".json")?.split_once('-')?;
        id.parse().ok()
    }

    /// When the event was accepted, in nanoseconds of `CLOCK_BOOTTIME`, if its name says so.
    #[must_use]
    pub fn boottime_ns(&self) -> Option<u64> {
        let (boottime_ns, _) = self.0.split_once('-')?;
        boottime_ns.parse().ok()
    }

    /// The name of its file in the queue.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An event written down beside the queue, and not in it yet.
#[derive(Debug)]
pub struct Draft {
    aside: PathBuf,
    ticket: Ticket,
}

/// What a queue file turned out to hold.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The file can't be read at all.
    #[error(transparent)]
    File(#[from] FileError),
    /// It holds no event.
    #[error("{path} holds no event: {source}", path = path.display())]
    NoEvent {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: serde_json::Error,
    },
}

/// The folder of waiting events.
#[derive(Debug, Clone)]
pub struct Queue {
    folder: PathBuf,
    failed: PathBuf,
}

impl Queue {
    /// The queue of a machine; nothing is touched yet.
    #[must_use]
    pub fn of(layout: &Layout) -> Self {
        Self { folder: layout.queue(), failed: layout.failed() }
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the folder, and the one above it, for root alone.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn prepare(&self) -> Result<(), FileError> {
        if let Some(runtime) = self.folder.parent() {
            files::make_private_folder(runtime)?;
        }
        files::make_private_folder(&self.folder)
    }

    /// Writes an event down beside the queue.
    ///
    /// # Errors
    /// When it can't be written; nothing is left of it then.
    pub fn draft(&self, event: &Event) -> Result<Draft, FileError> {
        let ticket = Ticket::of(event);
        let aside = self.folder.join(format!(".{}.{}", ticket.0, std::process::id()));
        files::write_aside(&aside, event.to_json().as_bytes())?;
        Ok(Draft { aside, ticket })
    }

    /// Puts an event in. After this it is kept.
    ///
    /// # Errors
    /// When it can't be moved; the queue is as it was then.
    pub fn put_in(&self, draft: Draft) -> Result<Ticket, FileError> {
        files::put_in_place(&draft.aside, &self.folder.join(&draft.ticket.0))?;
        Ok(draft.ticket)
    }

    /// Writes a waiting event anew, as when its attempt is raised.
    ///
    /// # Errors
    /// When it can't be written; the old one stays then.
    pub fn write(&self, event: &Event) -> Result<(), FileError> {
        self.draft(event).and_then(|draft| self.put_in(draft)).map(drop)
    }

    /// The drafts of writers that have died.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn abandoned(&self) -> Result<Vec<Draft>, FileError> {
        let draft = |name: String| {
            let (ticket, writer) = name.strip_prefix('.')?.rsplit_once('.')?;
            let is_dead = !processes::is_alive(writer.parse().ok()?);
            is_dead.then(|| Draft { aside: self.folder.join(&name), ticket: Ticket(ticket.into()) })
        };
        let names = folder::names(&self.folder)?;
        Ok(names.into_iter().filter_map(|name| draft(name.into_string().ok()?)).collect())
    }

    /// The event in a draft; none if its writer died over it.
    #[must_use]
    pub fn read_draft(&self, draft: &Draft) -> Option<Event> {
        let content = files::read_if_there(&draft.aside, LARGEST_EVENT).ok()??;
        Event::from_json(&content).ok()
    }

    /// Throws a draft away.
    pub fn discard(&self, draft: &Draft) {
        files::remove_quietly(&draft.aside);
    }

    /// What waits, first come first.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn waiting(&self) -> Result<Vec<Ticket>, FileError> {
        Ok(folder::names(&self.folder)?
            .into_iter()
            .filter_map(|name| name.into_string().ok())
            .filter(|name| !name.starts_with('.'))
            .map(Ticket)
            .collect())
    }

    /// Reads a waiting event.
    ///
    /// # Errors
    /// When the file can't be read or holds no event.
    pub fn read(&self, ticket: &Ticket) -> Result<Option<Event>, Unreadable> {
        let path = self.folder.join(&ticket.0);
        let Some(content) = files::read_if_there(&path, LARGEST_EVENT)? else { return Ok(None) };
        Event::from_json(&content).map(Some).map_err(|source| Unreadable::NoEvent { path, source })
    }

    /// Whether an event still waits.
    #[must_use]
    pub fn holds(&self, ticket: &Ticket) -> bool {
        files::is_there(&self.folder.join(&ticket.0))
    }

    /// Takes an event out for good.
    ///
    /// # Errors
    /// When its file can't be removed.
    pub fn remove(&self, ticket: &Ticket) -> Result<(), FileError> {
        files::remove(&self.folder.join(&ticket.0))
    }

    /// Where an event is kept for a person to look at once it is set aside.
    #[must_use]
    pub fn place_aside(&self, ticket: &Ticket) -> PathBuf {
        self.failed.join(&ticket.0)
    }

    /// Takes an event out and keeps it in `failed/`.
    ///
    /// # Errors
    /// When it can't be moved.
    pub fn set_aside(&self, ticket: &Ticket) -> Result<(), FileError> {
        files::make_private_folder(&self.failed)?;
        files::move_to(&self.folder.join(&ticket.0), &self.place_aside(ticket))
    }
}
