//! What every part of the pipeline works with: the paths, the configuration, the queue and
//! the journal.

use std::cell::OnceCell;
use std::ffi::OsStr;
use std::io;
use std::path::Path;

use uuid::Uuid;

use super::trial::Trial;
use super::{own_rules, unit};
use crate::config::{self, BadConfig, Config};
use crate::engine::Session;
use crate::event::Event;
use crate::hooks::{self, Distrust, Sides};
use crate::journal::{Entry, Journal, Late, Record};
use crate::paths::Layout;
use crate::queue::Queue;
use crate::sys::files::{self, FileError};
use crate::sys::folder::Guide;
use crate::sys::namespace::{self, Elsewhere, Unreachable};
use crate::sys::syslog::{self, Urgency};
use crate::sys::{child, clock, invocation};

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
    /// Ends that could not be put on record.
    late: Late,
    /// What the rules were made for, once a hook of the event in hand has asked for it or the
    /// engine has told.
    pub(super) sides: OnceCell<Sides>,
    /// Whether this process is netcue's own unit, which nobody else takes anything from.
    pub(super) is_unit: bool,
    journal_broken: bool,
    /// Records that the next one is written with: see [`House::record_with_next`].
    unwritten: Vec<Entry>,
    /// The text of the configuration, if it is a good one; what [`House::keep`] keeps.
    good: Option<Vec<u8>>,
}

impl House {
    /// Opens a house. A configuration that can't be used never stops an event: the last
    /// good one or the defaults hold then, and it is said.
    #[must_use]
    pub fn open(layout: Layout) -> Self {
        let Configured { config, good, problem } = configured(&layout);
        let mut house = Self {
            queue: Queue::of(&layout),
            journal: Journal::of(&layout, &config.journal),
            late: Late::of(&layout),
            layout,
            config,
            session: None,
            sides: OnceCell::new(),
            is_unit: false,
            journal_broken: false,
            unwritten: Vec::new(),
            good,
        };
        if let Some(text) = problem {
            house.say(Urgency::Error, &text);
            house.record(None, Record::Remark { text });
        }
        house
    }

    /// See [`is_switched_off`].
    pub(super) fn is_switched_off(&self, source: &str) -> bool {
        is_switched_off(&self.layout, source)
    }

    /// Keeps the configuration for the day it can't be used any more. The holder of the
    /// lock calls this.
    pub(super) fn keep(&mut self) {
        let Some(good) = self.good.take() else { return };
        let path = self.layout.good_configuration();
        if good.is_empty() {
            files::remove_quietly(&path);
        } else if !files::read_if_there(&path, config::LARGEST)
            .is_ok_and(|kept| kept.as_ref() == Some(&good))
        {
            // Without it the defaults hold then, and that is said.
            let _ = files::put_whole(&path, &good);
        }
    }

    /// Appends to the journal, or has netcue's own unit do it. If it can't be written, work goes
    /// on and syslog says so once; how something ended is put on record by a later turn then.
    pub fn record(&mut self, event_id: Option<Uuid>, record: Record) {
        self.record_with_next(event_id, record);
        self.write_records();
    }

    /// Takes down what happens now, to be written with the next record, in one write: for where
    /// that follows at once. Until then a death of this process loses it, as it would have
    /// lost it a moment earlier.
    pub(super) fn record_with_next(&mut self, event_id: Option<Uuid>, record: Record) {
        self.unwritten.push(Entry { time: clock::now(), event_id, record });
    }

    /// Writes what was to be written with a next record that does not come.
    pub(super) fn write_records(&mut self) {
        let entries = std::mem::take(&mut self.unwritten);
        if entries.is_empty() {
            return;
        }
        let Err(error) = self.journal.append(&entries) else { return };
        for entry in &entries {
            if self.is_unit || unit::hand_over_record(&self.layout, entry).is_err() {
                self.go_on_without_journal(entry, &error);
            }
        }
    }

    /// What is done about an entry that can't be put on record.
    pub(super) fn go_on_without_journal(&mut self, entry: &Entry, error: &FileError) {
        // Where that can't be written either, nothing is left to write to.
        let _ = self.late.keep(entry);
        if !std::mem::replace(&mut self.journal_broken, true) {
            self.say(Urgency::Error, &format!("{error}; going on without the journal"));
        }
    }

    /// Whether something could not be put on record by this process.
    pub(super) fn is_journal_broken(&self) -> bool {
        self.journal_broken
    }

    /// Puts on record how things ended that could not be at the time. The holder of the lock
    /// calls this.
    pub(super) fn record_what_could_not_be(&mut self) {
        // If the journal still can't be written, the next record says so.
        let _ = self.late.put_on_record(&mut self.journal);
    }

    /// Says one line on stderr or to syslog.
    pub fn say(&self, urgency: Urgency, line: &str) {
        syslog::say(urgency, line, self.layout.root() == Path::new("/"));
    }

    /// Starts `run --detached` on this house, apart from the caller and this process.
    pub(super) fn start_detached(&self, options: &[&str]) -> io::Result<()> {
        let root = self.layout.root().as_os_str();
        let mut args =
            vec![OsStr::new("--root"), root, OsStr::new("run"), OsStr::new("--detached")];
        args.extend(options.iter().map(OsStr::new));
        child::start_detached(&args)
    }

    /// Goes into the network namespace that an event came from, if it is another one.
    ///
    /// # Errors
    /// When that has gone or can't be entered.
    pub(super) fn go_to(&mut self, event: &Event) -> Result<Option<Elsewhere>, Unreachable> {
        let Some(netns) = &event.netns else { return Ok(None) };
        let there = namespace::enter(netns.as_str())?;
        if there.is_some() {
            // The conversation is with the namespace in which it was begun.
            self.session = None;
            let text = format!("handled in the network namespace it came from, {netns}");
            self.record(Some(event.id), Record::Remark { text });
        }
        Ok(there)
    }

    /// Comes back from there.
    pub(super) fn come_back(&mut self, there: Option<Elsewhere>) {
        let Some(elsewhere) = there else { return };
        self.session = None;
        drop(elsewhere);
    }

    /// Ends the conversation with the kernel without making the caller wait for it.
    pub fn close(self) {
        if let Some(session) = self.session {
            session.leave_close_to_a_child();
        }
    }
}

/// Whether a folder of flags exists and lacks that of a source.
pub(super) fn is_switched_off(layout: &Layout, source: &str) -> bool {
    let flags = layout.enabled();
    files::is_folder(&flags) && !files::is_there(&flags.join(source))
}

/// The configuration that holds.
#[derive(Debug)]
pub struct Configured {
    /// What holds.
    pub config: Config,
    /// The file's text if it is what holds; empty if there is no file.
    good: Option<Vec<u8>>,
    /// Why the file can't be used, and what holds instead.
    pub problem: Option<String>,
}

/// Reads the configuration, and says nothing.
#[must_use]
pub fn configured(layout: &Layout) -> Configured {
    let mut configured = configured_by_file(layout);
    configured.config.rules.own = own_rules::read(layout);
    configured
}

fn configured_by_file(layout: &Layout) -> Configured {
    match read_configuration(layout) {
        Ok((config, text)) => {
            match Trial::read(layout).as_ref().and_then(|it| it.instead_of(&text)) {
                None => Configured { config, good: Some(text), problem: None },
                Some(former) => {
                    let path = layout.configuration();
                    let problem = format!(
                        "{} was on trial and not confirmed in time (going on with the one before; \
                     \"netcue rules apply --confirm SECONDS\" tries it again)",
                        path.display()
                    );
                    Configured {
                        config: config::parse(former, &path).unwrap_or_default(),
                        good: Some(former.as_bytes().to_vec()),
                        problem: Some(problem),
                    }
                }
            }
        }
        Err(problem) => {
            let kept = read_config(&layout.good_configuration());
            let kept = kept.ok().filter(|(_, text)| !text.is_empty());
            let (instead, config) = match kept {
                Some((config, _)) => ("the last good one", config),
                None => ("the defaults", Config::default()),
            };
            let problem = Some(format!("{problem} (going on with {instead})"));
            Configured { config, good: None, problem }
        }
    }
}

/// The configuration as its file has it, with its text.
pub(super) fn read_configuration(layout: &Layout) -> Result<(Config, Vec<u8>), Unusable> {
    judge_configuration(layout).and_then(|()| read_config(&layout.configuration()))
}

/// Whether root may go by the configuration: hooks are not all that somebody who can change
/// it could turn to their ends.
///
/// # Errors
/// When somebody other than root could change the file, or put another in its place.
pub fn judge_configuration(layout: &Layout) -> Result<(), Unusable> {
    let path = layout.configuration();
    // What another user reads gives nobody more rights than that user has.
    if invocation::is_root() && files::is_there(&path) {
        let way = Guide::below(layout.root()).way_to(&path)?;
        hooks::judge(&way)?;
    }
    Ok(())
}

/// Why a configuration file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Somebody other than root could change it.
    #[error("the configuration is not trusted: {0}")]
    Distrusted(#[from] Distrust),
    /// It can't be read.
    #[error(transparent)]
    Unreadable(#[from] FileError),
    /// It says something netcue doesn't understand.
    #[error(transparent)]
    Bad(#[from] BadConfig),
}

fn read_config(path: &Path) -> Result<(Config, Vec<u8>), Unusable> {
    let content = files::read_if_there(path, config::LARGEST)?.unwrap_or_default();
    let config = config::parse(&String::from_utf8_lossy(&content), path)?;
    Ok((config, content))
}
