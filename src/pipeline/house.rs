//! What every part of the pipeline works with: the paths, the configuration, the queue and
//! the journal.

use std::path::Path;

use uuid::Uuid;

use crate::config::{self, BadConfig, Config};
use crate::engine::Session;
use crate::journal::{Journal, Record};
use crate::paths::Layout;
use crate::queue::Queue;
use crate::sys::syslog::{self, Urgency};
use crate::sys::{clock, files};

/// Largest configuration file in bytes.
const LARGEST_CONFIGURATION: u64 = 1 << 20;

/// A machine, or a root that stands for one.
#[derive(Debug)]
pub struct House {
    /// Where everything is.
    pub layout: Layout,
    /// What the administrator set.
    pub config: Config,
    /// What waits.
    pub queue: Queue,
    /// What happened.
    pub journal: Journal,
    /// The conversation with `nf_tables`, opened by the first step that needs it and closed
    /// last: closing it after a change waits for the kernel.
    pub(super) session: Option<Session>,
    journal_broken: bool,
}

impl House {
    /// Opens a house. A configuration that can't be used never stops an event: the
    /// defaults hold then, and it is said.
    #[must_use]
    pub fn open(layout: Layout) -> Self {
        let configured = read_config(&layout.configuration());
        let config = configured.as_ref().cloned().unwrap_or_default();
        let mut house = Self {
            queue: Queue::of(&layout),
            journal: Journal::of(&layout, &config.journal),
            layout,
            config,
            session: None,
            journal_broken: false,
        };
        if let Err(problem) = configured {
            let text = format!("{problem}; going on with the defaults");
            house.say(Urgency::Error, &text);
            house.record(None, Record::Remark { text });
        }
        house
    }

    /// Appends to the journal. If it can't be written, work goes on and syslog says so once.
    pub fn record(&mut self, event: Option<Uuid>, record: Record) {
        if let Err(error) = self.journal.append(clock::now(), event, record)
            && !self.journal_broken
        {
            self.journal_broken = true;
            self.say(Urgency::Error, &format!("{error}; going on without the journal"));
        }
    }

    /// Says one line on stderr or to syslog.
    pub fn say(&self, urgency: Urgency, line: &str) {
        syslog::say(urgency, line, self.layout.root() == Path::new("/"));
    }

    /// Ends the conversation with the kernel without making the caller wait for it.
    pub fn close(self) {
        if let Some(session) = self.session {
            session.leave_close_to_a_child();
        }
    }
}

/// Why a configuration file can't be used.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Unusable {
    /// It can't be read.
    #[error("{0}")]
    Unreadable(String),
    /// It says something netcue doesn't understand.
    #[error(transparent)]
    Bad(#[from] BadConfig),
}

fn read_config(path: &Path) -> Result<Config, Unusable> {
    let content = files::read_if_there(path, LARGEST_CONFIGURATION)
        .map_err(|error| Unusable::Unreadable(error.to_string()))?;
    let Some(content) = content else { return Ok(Config::default()) };
    Ok(config::parse(&String::from_utf8_lossy(&content), path)?)
}
