//! The queues: events accepted and not finished, and hooks of events that hold nobody, one
//! file each, in the order of boot-time clock; and the note in a lock that tells a successor
//! which work a dead run had in hand.

mod backlog;
mod note;
mod work;

use std::path::PathBuf;

pub use backlog::Backlog;
pub use note::{Holder, InHand, Note, State};
use uuid::Uuid;
pub use work::{Job, Work};

use crate::event::Event;
use crate::paths::Layout;
use crate::sys::files::{self, FileError};
use crate::sys::folder;
use crate::sys::lock::{self, Lock};

/// Largest event in bytes: details, lists and warnings are bounded, so a larger file is none.
const LARGEST_EVENT: u64 = 256 * 1024;

/// Largest job in bytes: an event and a few words.
const LARGEST_JOB: u64 = 512 * 1024;

/// Waiting work: the name of its file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(String);

impl Ticket {
    /// The place of an event in the queue.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        // Twenty digits hold any u64, so that the order of names is that of numbers.
        Self(format!("{:020}-{}.json", event.boottime_ns, event.id))
    }

    /// The place of a hook of an event among those that hold nobody.
    #[must_use]
    pub fn of_hook(event: &Event, step: &str) -> Self {
        // A step of another dispatcher's folder has its path for a name.
        let step = step.replace('/', ":");
        Self(format!("{:020}-{}-{step}.json", event.boottime_ns, event.id))
    }

    fn of_work(work: &Work) -> Self {
        work.step().map_or_else(|| Self::of(work.event()), |step| Self::of_hook(work.event(), step))
    }

    /// That name, as a note has it.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The event its name speaks of, which may be all that is left of it.
    #[must_use]
    pub fn event_id(&self) -> Option<Uuid> {
        let (_, id) = self.0.strip_suffix(".json")?.split_once('-')?;
        id.get(..UUID).unwrap_or(id).parse().ok()
    }

    /// The hook its name speaks of, if it is one.
    #[must_use]
    pub fn step(&self) -> Option<&str> {
        let (_, rest) = self.0.strip_suffix(".json")?.split_once('-')?;
        rest.get(UUID..)?.strip_prefix('-')
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

/// Letters of a UUID.
const UUID: usize = 36;

/// Work written down beside its queue, and not in it yet. Its writer holds a lock on it: once
/// that is free, the writer has died.
#[derive(Debug)]
pub struct Draft {
    aside: PathBuf,
    ticket: Ticket,
    _writer: Lock,
}

/// What a queue file turned out to hold.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The file can't be read at all.
    #[error(transparent)]
    File(#[from] FileError),
    /// It holds no event, or no hook of one.
    #[error("{path} holds no {what}: {source}", path = path.display())]
    Nonsense {
        /// Which file.
        path: PathBuf,
        /// What should be in it.
        what: &'static str,
        /// Why not.
        source: serde_json::Error,
    },
}

/// What waits in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Events,
    /// A lock's record stands before each, and the lock on it is the right to run it.
    Hooks,
}

/// A folder of waiting work.
#[derive(Debug, Clone)]
pub struct Queue {
    kind: Kind,
    folder: PathBuf,
    failed: PathBuf,
}

impl Queue {
    /// The events of a machine; nothing is touched yet.
    #[must_use]
    pub fn of(layout: &Layout) -> Self {
        Self { kind: Kind::Events, folder: layout.queue(), failed: layout.failed() }
    }

    /// The hooks that hold nobody.
    #[must_use]
    pub fn of_hooks(layout: &Layout) -> Self {
        Self { kind: Kind::Hooks, folder: layout.unattended(), failed: layout.failed() }
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

    /// Writes work down beside the queue.
    ///
    /// # Errors
    /// When it can't be written; nothing is left of it then.
    pub fn draft(&self, work: &Work) -> Result<Draft, FileError> {
        match work {
            Work::Event(event) => self.draft_event(event),
            Work::Hook(job) => {
                let json = serde_json::to_vec(job).unwrap_or_default();
                self.write_draft(Ticket::of_work(work), lock::RECORD, &json)
            }
        }
    }

    /// Writes an event down beside the queue.
    ///
    /// # Errors
    /// When it can't be written; nothing is left of it then.
    pub fn draft_event(&self, event: &Event) -> Result<Draft, FileError> {
        self.write_draft(Ticket::of(event), 0, event.to_json().as_bytes())
    }

    fn write_draft(&self, ticket: Ticket, at: usize, json: &[u8]) -> Result<Draft, FileError> {
        let aside = self.folder.join(format!(".{}.{}", ticket.0, std::process::id()));
        let writer = Lock::on_new(&aside)?;
        let record = if at > 0 { writer.write_record(b"") } else { Ok(()) };
        if let Err(error) = record.and_then(|()| writer.write_at(at, json)) {
            files::remove_quietly(&aside);
            return Err(FileError::at("write", &aside)(error));
        }
        Ok(Draft { aside, ticket, _writer: writer })
    }

    /// Puts work in. After this it is kept.
    ///
    /// # Errors
    /// When it can't be moved; the queue is as it was then.
    pub fn put_in(&self, draft: Draft) -> Result<Ticket, FileError> {
        files::put_in_place(&draft.aside, &self.path_of(&draft.ticket))?;
        Ok(draft.ticket)
    }

    /// Writes a waiting event anew, as when its attempt is raised.
    ///
    /// # Errors
    /// When it can't be written; the old one stays then.
    pub fn write(&self, event: &Event) -> Result<(), FileError> {
        self.draft_event(event).and_then(|draft| self.put_in(draft)).map(drop)
    }

    /// The drafts of writers that have died.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn abandoned(&self) -> Result<Vec<Draft>, FileError> {
        let draft = |name: String| {
            let (ticket, number) = name.strip_prefix('.')?.rsplit_once('.')?;
            number.parse::<u32>().ok()?;
            let aside = self.folder.join(&name);
            let writer = Lock::try_existing(&aside).ok()??;
            Some(Draft { aside, ticket: Ticket(ticket.into()), _writer: writer })
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
        let path = self.path_of(ticket);
        let Some(content) = files::read_if_there(&path, LARGEST_EVENT)? else { return Ok(None) };
        let nonsense = |source| Unreadable::Nonsense { path, what: "event", source };
        Event::from_json(&content).map(Some).map_err(nonsense)
    }

    /// Reads waiting work.
    ///
    /// # Errors
    /// When the file can't be read or holds none.
    pub fn read_work(&self, ticket: &Ticket) -> Result<Option<Work>, Unreadable> {
        if self.kind == Kind::Events {
            return Ok(self.read(ticket)?.map(|event| Work::Event(Box::new(event))));
        }
        let path = self.path_of(ticket);
        let Some(content) = files::read_if_there(&path, LARGEST_JOB)? else { return Ok(None) };
        let nonsense = |source| Unreadable::Nonsense { path, what: "hook of an event", source };
        let job = serde_json::from_slice(content.get(lock::RECORD..).unwrap_or_default());
        job.map(|job| Some(Work::Hook(job))).map_err(nonsense)
    }

    /// Takes a hook for this process alone; none if another has it, or it is gone.
    ///
    /// # Errors
    /// When its file can't be opened or locked for another reason than being held.
    pub fn claim(&self, ticket: &Ticket) -> Result<Option<Lock>, FileError> {
        Lock::try_existing(&self.path_of(ticket))
    }

    /// Who has claimed a hook; none if nobody has at this moment.
    #[must_use]
    pub fn claimed_by(&self, ticket: &Ticket) -> Option<Note> {
        let path = self.path_of(ticket);
        let is_held = lock::is_free(&path).is_ok_and(|free| !free);
        is_held.then(|| Note::from_bytes(&lock::record_of(&path)))
    }

    /// The file of waiting work.
    #[must_use]
    pub fn path_of(&self, ticket: &Ticket) -> PathBuf {
        self.folder.join(&ticket.0)
    }

    /// Whether work still waits.
    #[must_use]
    pub fn holds(&self, ticket: &Ticket) -> bool {
        files::is_there(&self.path_of(ticket))
    }

    /// Takes work out for good.
    ///
    /// # Errors
    /// When its file can't be removed.
    pub fn remove(&self, ticket: &Ticket) -> Result<(), FileError> {
        files::remove(&self.path_of(ticket))
    }

    /// Where work is kept for a person to look at once it is set aside.
    #[must_use]
    pub fn place_aside(&self, ticket: &Ticket) -> PathBuf {
        self.failed.join(&ticket.0)
    }

    /// Takes work out and keeps it in `failed/`.
    ///
    /// # Errors
    /// When it can't be moved.
    pub fn set_aside(&self, ticket: &Ticket) -> Result<(), FileError> {
        files::make_private_folder(&self.failed)?;
        files::move_to(&self.path_of(ticket), &self.place_aside(ticket))
    }
}
