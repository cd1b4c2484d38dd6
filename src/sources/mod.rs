//! Call → facts: who called, what they said, and what that means. Pure: no file here
//! looks at the machine.
//!
//! To add a source: one file here, one row in [`ALL`], one folder under
//! `tests/fixtures/sources/`, and a folder in `integrations/` for what is put in place.

mod boot;
mod call;
mod dhclient;
mod dhcpcd;
mod diald;
mod hotplug;
mod kernel;
mod ifupdown;
mod keepalived;
mod libvirt;
mod manual;
mod networkd;
mod networkmanager;
mod openvpn;
mod pcmcia;
mod places;
mod plugs;
mod ppp;
mod strongswan;
mod table;
mod udev;
mod udhcpc;
mod values;
mod vpnc_script;
mod wg_quick;
mod wpa;

pub use boot::SOURCE as BOOT;
pub use call::{Call, Refusal};
pub use diald::SOURCE as DIALD;
pub use kernel::{KernelNews, SOURCE as KERNEL, kernel_news};
pub use manual::{SOURCE as MANUAL, manual_emit, manual_run};
pub use pcmcia::SOURCE as PCMCIA;
pub use places::{Place, Standing, by_place, no_place};
pub use ppp::SOURCE as PPP;
pub use table::{
    Attach, Configured, Edit, Manners, OTHER, Part, Read, Source, Trigger, Wait, Which,
};

use crate::event::Facts;

/// Every source, in the order in which `netcue sources` and the manual show them.
pub const ALL: &[&Source] = &[
    &PPP,
    &DIALD,
    &PCMCIA,
    &BOOT,
    &MANUAL,
    &KERNEL,
    &ifupdown::IFUPDOWN,
    &ifupdown::IFUPDOWN_NG,
    &networkmanager::SOURCE,
    &networkd::SOURCE,
    &dhclient::SOURCE,
    &dhcpcd::SOURCE,
    &udhcpc::SOURCE,
    &openvpn::SOURCE,
    &wg_quick::SOURCE,
    &vpnc_script::SOURCE,
    &strongswan::SOURCE,
    &keepalived::SOURCE,
    &wpa::WPA_CLI,
    &wpa::HOSTAPD_CLI,
    &hotplug::SOURCE,
    &libvirt::SOURCE,
    &udev::SOURCE,
    &plugs::IFPLUGD,
    &plugs::NETPLUG,
];

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

impl Reading {
    /// Whether this call is so frequent and so empty that nothing is kept of it.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.facts.action.is_none() && !self.trigger.recorded
    }
}

impl Source {
    /// The trigger of that word, or the one that stands for all others.
    #[must_use]
    pub fn trigger(&self, word: &str) -> Option<&'static Trigger> {
        let find = |word: &str| self.triggers.iter().find(|trigger| trigger.word == word);
        find(word).or_else(|| find(OTHER))
    }

    /// Reads a call of this source: what it was called with after `from SOURCE`, or by a
    /// link at a place that stands for all its triggers.
    ///
    /// # Errors
    /// When the trigger is unknown, or the words make no usable event.
    pub fn read(&'static self, call: &Call<'_>) -> Result<Reading, Refusal> {
        let (word, own_words) = match self.which {
            Which::FirstWord => call.text(0, "a trigger").map(|word| (word, 1)),
            Which::Word(index) => call.text(index, "a trigger").map(|word| (word, 0)),
            Which::Variable(name) => call.first_word_or(name),
            Which::Ask(find) => find(call),
        }
        .map_err(|refusal| refusal.in_source(self))?;
        let trigger = self.trigger(word).ok_or_else(|| {
            let refusal = Refusal::word(word, "no such trigger");
            let index = call.words.iter().position(|said| said == word);
            index.map_or(refusal.clone(), |index| refusal.at(index)).in_source(self)
        })?;
        read_as(self, trigger, word, &call.after(own_words))
    }
}

/// The source of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Source> {
    ALL.iter().copied().find(|source| source.name.as_str() == name)
}

/// The source that the first word after `from` names.
///
/// # Errors
/// When there is none of that name.
pub fn named(call: &Call<'_>) -> Result<&'static Source, Refusal> {
    let name = call.text(0, "the name of a source")?;
    find(name).ok_or_else(|| {
        let known: Vec<&str> = ALL.iter().map(|source| source.name.as_str()).collect();
        Refusal::word(name, format!("no such source; there are {}", known.join(" ")))
    })
}

/// Reads a call in its plain form, `from SOURCE [TRIGGER] [WORDS…]`: the words after `from`.
///
/// # Errors
/// When the source or its trigger is unknown, or the words make no usable event.
pub fn read_from(call: &Call<'_>) -> Result<Reading, Refusal> {
    named(call)?.read(&call.after(1))
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
    read_as(source, trigger, trigger.word, call)
}

fn read_as(
    source: &'static Source,
    trigger: &'static Trigger,
    said: &str,
    call: &Call<'_>,
) -> Result<Reading, Refusal> {
    let mut facts = trigger.facts(said);
    (trigger.read)(call, trigger, &mut facts)
        .map_err(|refusal| refusal.in_call(source, trigger))?;
    Ok(Reading { source, trigger, facts })
}
