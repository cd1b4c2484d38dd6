//! What a row of the table of sources is made of.

use std::time::Duration;

use super::{Call, Place, Refusal};
use crate::event::{Action, Facts, SourceName};

/// One row of the table: a system that calls netcue.
#[derive(Debug)]
pub struct Source {
    /// The word after `from`, and the name of the flag file in `/etc/netcue/enabled`.
    pub name: SourceName,
    /// What it is, for people: half a line.
    pub summary: &'static str,
    /// How a call says which of the triggers it is, where the place of a link does not.
    pub which: Which,
    /// Where a link to netcue stands for whatever trigger the call says.
    pub places: &'static [Place],
    /// What else there is besides its words and its environment.
    pub manners: Manners,
    /// Everything it says, in the manual's order. One called [`OTHER`] stands for every word
    /// that isn't listed.
    pub triggers: &'static [Trigger],
    /// What makes it call.
    pub attach: Attach,
}

/// The trigger for a word that no other trigger has.
pub const OTHER: &str = "other";

/// How a call says which trigger it is.
#[derive(Debug, Clone, Copy)]
pub enum Which {
    /// By its first word; the trigger's own words follow.
    FirstWord,
    /// By the word at this place, from 0, which is a word of the trigger like the others.
    Word(usize),
    /// By this variable; a first word, where there is one, goes before it.
    Variable(&'static str),
    /// By what this finds: the source's word for what happened, and how many of the call's
    /// words were said for netcue alone.
    Ask(for<'a> fn(&Call<'a>) -> Result<(&'a str, usize), Refusal>),
}

/// How a source deals with the programs it calls.
#[derive(Debug, Clone, Copy)]
pub struct Manners {
    /// Whether a call is this source's, where several have a link at the same place.
    pub takes: fn(&Call<'_>) -> bool,
    /// The other source that tells of the same by itself, if there is one.
    pub told_by: fn(&Facts) -> Option<&'static Source>,
    /// Whether it says something on stdin.
    pub speaks_on_stdin: bool,
    /// Whether it takes the exit status of a refusal for a failure of its own, and undoes
    /// what it was about to do.
    pub minds_refusals: bool,
}

impl Manners {
    /// Of a source that has its places for itself, says nothing on stdin, and does not care
    /// what becomes of the program it calls.
    pub(super) const PLAIN: Self =
        Self { takes: |_| true, told_by: |_| None, speaks_on_stdin: false, minds_refusals: false };

    /// Of a source that gives up what it was doing when the program it calls fails.
    pub(super) const MINDFUL: Self = Self { minds_refusals: true, ..Self::PLAIN };
}

/// Turns the words and the environment of a call into facts.
pub type Read = fn(&Call<'_>, &Trigger, &mut Facts) -> Result<(), Refusal>;

/// One thing a source says.
#[derive(Debug)]
pub struct Trigger {
    /// The source's own word.
    pub word: &'static str,
    /// What it means, unless the words say something else; none: recorded, nothing runs.
    pub action: Option<Action>,
    /// How long the caller may be kept.
    pub wait: Wait,
    /// The words that follow, for the manual and for refusals: only people read it.
    pub usage: &'static str,
    /// Turns those words and the environment of a call into facts.
    pub read: Read,
    /// Where a link to netcue stands for this trigger.
    pub places: &'static [Place],
    /// Whether a call without an action is on record; one that comes for every packet of
    /// every station is not.
    pub recorded: bool,
}

impl Trigger {
    /// A trigger that has no place of its own.
    pub(super) const fn new(
        word: &'static str,
        action: Option<Action>,
        wait: Wait,
        usage: &'static str,
        read: Read,
    ) -> Self {
        Self { word, action, wait, usage, read, places: &[], recorded: true }
    }

    /// The same, and a link to netcue stands for it here.
    pub(super) const fn at(mut self, places: &'static [Place]) -> Self {
        self.places = places;
        self
    }

    /// The same, and nothing is recorded of a call that has no action.
    pub(super) const fn unrecorded(mut self) -> Self {
        self.recorded = false;
        self
    }

    /// What is known of a call before its words are read; `said` is the source's own word.
    pub(super) fn facts(&self, said: &str) -> Facts {
        let trigger = said.parse().or_else(|_| self.word.parse()).unwrap_or_default();
        Facts::of(trigger, self.action.clone())
    }
}

/// How long a caller is kept, and who does the work.
///
/// Where netcue's own unit listens, it does, except for who wants to see the work done: what a
/// hook may do is the same then whoever called, and it outlives the caller's control group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Not at all, and nothing of ours may run on in its place, which ends with it: the event
    /// is written down, and under systemd nothing but the unit does the work.
    Leave,
    /// Not at all: where no unit listens, a detached run does the work.
    Deposit,
    /// The caller doesn't wait for us anyway: where no unit listens, the work is done in the
    /// calling process.
    Foreground,
    /// Until this event has been handled, but no longer than this.
    Finish(Duration),
    /// Until the rules are made, ahead of its turn if need be; where that can't be, until this
    /// event has been handled, but no longer than this.
    Rules(Duration),
    /// As long as it takes: a person, or a unit of ours, wants to see the work done, in the
    /// calling process if it may do it.
    InPlace,
}

impl Wait {
    /// The limit of a `Finish`, in whole seconds.
    pub(crate) const fn finish(seconds: u64) -> Self {
        Self::Finish(Duration::from_secs(seconds))
    }

    /// The limit of a `Rules`, in whole seconds.
    pub(crate) const fn rules(seconds: u64) -> Self {
        Self::Rules(Duration::from_secs(seconds))
    }
}

/// What makes a source call netcue: data that `integrate/` carries out.
#[derive(Debug, Clone, Copy)]
pub struct Attach {
    /// Paths of which one is there where the system is; none where that can't be told.
    pub traces: &'static [&'static str],
    /// What is put in place.
    pub parts: &'static [Part],
    /// What else has to be so for its calls to arrive: half a sentence, said when it is
    /// switched on.
    pub needs: &'static str,
    /// A program to run when a part was put in or taken out, with its words, and what has to
    /// be there for that.
    pub reload: Option<(&'static str, &'static [&'static str])>,
}

impl Attach {
    /// Of a source that is called by people and scripts, or that `integrate/` knows by name.
    pub(super) const NOTHING: Self = Self { traces: &[], parts: &[], needs: "", reload: None };
}

/// One thing that is put in place for a source.
#[derive(Debug, Clone, Copy)]
pub enum Part {
    /// A link to the program.
    Link {
        /// Where it stands.
        at: &'static str,
        /// Whether no package brings that folder: it comes and goes with what is in it.
        own_folder: bool,
    },
    /// A file that is all netcue's; the program's path in it is that of this machine.
    File {
        /// Where it stands.
        at: &'static str,
        /// What is in it.
        text: &'static str,
        /// Whether no package brings its folder: it comes and goes with what is in it.
        own_folder: bool,
    },
    /// Lines in a file that may be somebody else's, made if it isn't there.
    Lines {
        /// Which file.
        at: &'static str,
        /// The lines.
        text: &'static str,
    },
    /// Lines in the source's own configuration: shown, and put in only where that is asked
    /// for with `--edit`.
    Configured(&'static Configured),
}

/// Lines for a configuration that is the source's own, of which there may be several files.
#[derive(Debug, Clone, Copy)]
pub struct Configured {
    /// Files that may be such a configuration.
    pub files: &'static [&'static str],
    /// Folders of such files, and how their names end.
    pub folders: &'static [(&'static str, &'static str)],
    /// The lines, as they are shown.
    pub lines: &'static str,
    /// What has to change in a text that does not call netcue; nothing if there is no place
    /// for the lines.
    pub edit: fn(&str) -> Vec<Edit>,
    /// What else is wrong with a file that calls netcue, each in words with its cure.
    pub judge: fn(&str) -> Vec<String>,
}

/// One change to a configuration that is the source's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Lines of ours go in.
    Insert {
        /// Behind the line of this index; else before the first.
        after: Option<usize>,
        /// Whole lines.
        lines: String,
    },
    /// Something of somebody else's stands where ours would have to: the index of its line, and
    /// what to do.
    Taken(usize, String),
}

/// The lines of a sample without its comments.
pub(super) fn without_comments(sample: &str) -> String {
    let lines = sample.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines.fold(String::new(), |text, line| text + line + "\n")
}
