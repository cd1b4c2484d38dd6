//! Whether an event tells only what another source's event has told a moment before.
//!
//! When in doubt it does not: a hook that runs twice is a nuisance, one that never hears of a
//! change is a fault.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::event::{Event, Facts};

/// How long after an event another may be the same news: ifup runs its scripts when dhclient
/// has ended, which is up to four seconds behind `BOUND`.
const MOMENT_NS: u64 = 5_000_000_000;

/// Details that say how a source is set up, and nothing of the network.
const OWN_WAY: [&str; 3] = ["class", "method", "use"];

/// An event that has told everything, and the steps that have been done for it.
#[derive(Debug, Clone)]
pub struct Told {
    /// Which event.
    pub by: Event,
    /// The steps that have ended well.
    pub done: BTreeSet<String>,
}

/// What a look back at an earlier event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// It is about something else: look further back.
    Other,
    /// It has told all of this event.
    Told,
    /// It is about the same, and what this event says may be news; or it is too long ago.
    News,
}

/// Compares an event with one that came before it.
#[must_use]
pub fn before(event: &Event, earlier: &Event) -> Before {
    if earlier.boottime_ns >= event.boottime_ns {
        return Before::Other;
    }
    if earlier.boot_id != event.boot_id || event.boottime_ns - earlier.boottime_ns > MOMENT_NS {
        return Before::News;
    }
    let (facts, known) = (&event.facts, &earlier.facts);
    if facts.interface.is_none() || known.interface != facts.interface || known.action.is_none() {
        return Before::Other;
    }
    let is_same = known.action == facts.action
        && known.family == facts.family
        && earlier.ifindex == event.ifindex
        && earlier.source != event.source
        && earlier.caused_by.is_none()
        && event.caused_by.is_none();
    if is_same && says_nothing_new(facts, known) { Before::Told } else { Before::News }
}

fn says_nothing_new(facts: &Facts, known: &Facts) -> bool {
    fn same<T: PartialEq>(said: Option<&T>, known: Option<&T>) -> bool {
        said.is_none() || said == known
    }
    same(facts.local.as_ref(), known.local.as_ref())
        && same(facts.remote.as_ref(), known.remote.as_ref())
        && same(facts.prefix.as_ref(), known.prefix.as_ref())
        && same(facts.gateway.as_ref(), known.gateway.as_ref())
        && same(facts.addresses.as_ref(), known.addresses.as_ref())
        && same(facts.gateways.as_ref(), known.gateways.as_ref())
        && same(facts.dns.as_ref(), known.dns.as_ref())
        && facts.later.iter().all(|(name, value)| known.later.get(name) == Some(value))
        && facts
            .details
            .iter()
            .all(|(name, fact)| OWN_WAY.contains(&name) || known.details.get(name) == Some(fact))
}

impl Told {
    /// The event that has told it, if this step was done for that.
    #[must_use]
    pub(super) fn of_step(&self, step: &str) -> Option<Uuid> {
        self.done.contains(step).then_some(self.by.id)
    }
}
