//! Call → facts: who called, what they said, and what that means. Pure: no file here
//! looks at the machine.
//!
//! To add a source: one file here, one row in [`ALL`], one folder under
//! `tests/fixtures/sources/`; and where something has to be put in place for its calls, a
//! file and a row in `integrate/`.

mod boot;
mod call;
mod diald;
mod manual;
mod pcmcia;
mod places;
mod ppp;
mod values;

use std::time::Duration;

pub use boot::SOURCE as BOOT;
pub use call::{Call, Refusal};
pub use diald::SOURCE as DIALD;
pub use manual::{SOURCE as MANUAL, manual_emit, manual_run};
pub use pcmcia::SOURCE as PCMCIA;
pub use places::{Place, by_place};
pub use ppp::SOURCE as PPP;

use crate::event::{Action, Facts, SourceName};

/// Every source, in the order in which `netcue sources` and the manual show them.
pub const ALL: &[&Source] = &[&PPP, &DIALD, &PCMCIA, &BOOT, &MANUAL];

/// One row of the table: a system that calls netcue.
#[derive(Debug)]
pub struct Source {
    /// The word after `from`, and the name of the flag file in `/etc/netcue/enabled`.
    pub name: SourceName,
    /// What it is, for people: half a line.
    pub summary: &'static str,
    /// Everything it says, in the manual's order.
    pub triggers: &'static [Trigger],
}

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
    pub read: fn(&Call<'_>, &Trigger, &mut Facts) -> Result<(), Refusal>,
    /// Where a link to netcue stands for this trigger.
    pub places: &'static [Place],
}

impl Trigger {
    /// What is known of a call before its words are read.
    fn facts(&self) -> Facts {
        Facts::of(self.word.parse().unwrap_or_default(), self.action.clone())
    }
}

/// How long a caller is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Not at all: a detached run does the work.
    Deposit,
    /// The caller doesn't wait for us anyway: the work is done in the calling process.
    Foreground,
    /// Until this event has been handled, but no longer than this.
    Finish(Duration),
}

impl Wait {
    /// The limit of a `Finish`, in whole seconds.
    pub(crate) const fn finish(seconds: u64) -> Self {
        Self::Finish(Duration::from_secs(seconds))
    }
}

/// What a call turned out to be.
#[derive(Debug)]
pub struct Reading {
    /// Whose call it was.
    pub source: &'static Source,
    /// Which of its triggers.
    pub trigger: &'static Trigger,
    /// What it said.
    pub facts: Facts,
}

impl Source {
    /// The trigger of that word.
    #[must_use]
    pub fn trigger(&self, word: &str) -> Option<&'static Trigger> {
        self.triggers.iter().find(|trigger| trigger.word == word)
    }
}

/// The source of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Source> {
    ALL.iter().copied().find(|source| source.name.as_str() == name)
}

/// Reads a call in its plain form, `from SOURCE [TRIGGER] [WORDS…]`: the words after `from`.
///
/// # Errors
/// When the source or its trigger is unknown, or the words make no usable event.
pub fn read_from(call: &Call<'_>) -> Result<Reading, Refusal> {
    let name = call.text(0, "the name of a source")?;
    let source = find(name).ok_or_else(|| {
        let known: Vec<&str> = ALL.iter().map(|source| source.name.as_str()).collect();
        Refusal::word(name, format!("no such source; there are {}", known.join(" ")))
    })?;
    let rest = call.after(1);
    let word = rest.text(0, "a trigger").map_err(|refusal| refusal.in_source(source))?;
    let trigger = source
        .trigger(word)
        .ok_or_else(|| Refusal::word(word, "no such trigger").at(0).in_source(source))?;
    read(source, trigger, &rest.after(1))
}

/// Reads a call whose source and trigger are known, from the words that follow them.
///
/// # Errors
/// When the words make no usable event.
pub fn read(
    source: &'static Source,
    trigger: &'static Trigger,
    call: &Call<'_>,
) -> Result<Reading, Refusal> {
    let mut facts = trigger.facts();
    (trigger.read)(call, trigger, &mut facts)
        .map_err(|refusal| refusal.in_call(source, trigger))?;
    Ok(Reading { source, trigger, facts })
}
