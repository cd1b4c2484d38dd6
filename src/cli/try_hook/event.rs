//! The event a hook is tried with: from the journal, from a call, or made up; and the network
//! that it meets.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::Path;

use crate::answers::plan::names_an_event;
use crate::answers::shared::recorded::{self, Recorded};
use crate::config::Config;
use crate::engine::{self, KernelState};
use crate::error::{Exit, Failure};
use crate::event::{Action, Event, Facts, InterfaceName, pattern};
use crate::paths::Layout;
use crate::pipeline::{self, Caller, House};
use crate::plan::Wishes;
use crate::sources::{self, Reading, Source};
use crate::sys::invocation::Invocation;
use crate::sys::state::{Address, Link};

use super::facts;

/// What was told of the event, and what goes with it.
pub(super) struct Told {
    what: What,
    pub(super) network: KernelState,
    /// The configuration of the machine it happened on, if that was another.
    pub(super) config: Option<Config>,
}

enum What {
    Recorded(Box<Event>),
    /// Becomes an event in the sandbox, where its interface has its number.
    Said(Box<Reading>),
}

impl Told {
    /// Reads the words behind the hook, or the options; without any, an event is made up that
    /// the hook wants.
    pub(super) fn read(
        layout: &Layout,
        words: &[OsString],
        options: facts::Options,
        wishes: &Wishes,
        invocation: &Invocation,
    ) -> Result<Self, Failure> {
        if !words.is_empty() && !options.is_empty() {
            let message = "an event is named or made by options, not both";
            return Err(Failure::new(Exit::Usage, message));
        }
        let first = words.first().map(|word| word.to_string_lossy());
        if let Some(option) = first.filter(|word| word.starts_with('-')) {
            let message = format!("{option} is no option of try: see \"netcue try --help\"");
            return Err(Failure::new(Exit::Usage, message));
        }
        let network = engine::state(&layout.rules()).unwrap_or_default();
        let reading = match words {
            [] if options.is_empty() => wanted(wishes, &network),
            [] => sources::manual_emit(options.facts()?),
            [word] if is_recorded(word) => return Self::recorded(layout, word),
            words => pipeline::read_words(pipeline::without_from(words), invocation)
                .map_err(|refusal| Failure::new(Exit::NotUnderstood, refusal))?,
        };
        let network = with_interface(network, &reading.facts);
        Ok(Self { what: What::Said(Box::new(reading)), network, config: None })
    }

    fn recorded(layout: &Layout, word: &OsString) -> Result<Self, Failure> {
        let recorded = if is_archive(word) {
            recorded::in_archive(Path::new(word))?
        } else {
            let journal = House::open(layout.clone()).journal;
            recorded::in_journal(&journal, &word.to_string_lossy())?
        };
        let Recorded { event, state, config, .. } = recorded;
        let now = || engine::state(&layout.rules()).unwrap_or_default();
        let network = state.map_or_else(now, |state| *state);
        Ok(Self { what: What::Recorded(event), network, config })
    }

    /// The event itself; where it was said just now, with the numbers of the sandbox.
    pub(super) fn event(self, invocation: &Invocation) -> Event {
        match self.what {
            What::Recorded(event) => *event,
            What::Said(reading) => pipeline::accept(*reading, Caller::of(invocation).cause),
        }
    }
}

fn is_archive(word: &OsString) -> bool {
    Path::new(word).extension().is_some_and(|extension| extension == "tar")
}

fn is_recorded(word: &OsString) -> bool {
    is_archive(word) || word.to_str().is_some_and(names_an_event)
}

/// An event that a hook with these wishes wants, as far as one can be made up.
fn wanted(wishes: &Wishes, network: &KernelState) -> Reading {
    let fits = |wants: &[String], has: &str| {
        wants.is_empty() || wants.iter().any(|pattern| pattern::fits(pattern, has))
    };
    let actions = [Action::Up].into_iter().chain(Action::KNOWN);
    let action = actions.into_iter().find(|action| fits(&wishes.actions, action.as_str()));
    let links = network.links.iter().filter(|link| !link.loopback).map(|link| link.name.clone());
    let made_up = wishes.interfaces.iter().map(String::as_str).chain(["eth0"]);
    let made_up = made_up.filter_map(|name| name.replace(['*', '?'], "0").parse().ok());
    let wants_none = wishes.interfaces.iter().any(|name| name == "none");
    let interface: Option<InterfaceName> = links
        .chain(made_up.filter(|_| !wants_none))
        .find(|name| fits(&wishes.interfaces, name.as_str()));
    let mut facts = Facts::of(facts::trigger_word(), action.clone());
    facts.interface = interface;
    let is_wanted = |source: &&&Source| fits(&wishes.sources, source.name.as_str());
    let manual = &sources::MANUAL;
    let source = if fits(&wishes.sources, manual.name.as_str()) {
        None
    } else {
        sources::ALL.iter().find(is_wanted)
    };
    let trigger = source.and_then(|source| {
        let same = source.triggers.iter().find(|trigger| trigger.action == action);
        Some((*source, same.or(source.triggers.first())?))
    });
    match trigger {
        None => sources::manual_emit(facts),
        Some((source, trigger)) => {
            facts.trigger = trigger.word.parse().unwrap_or_default();
            Reading { source, trigger, facts }
        }
    }
}

/// The network with the interface that an event is about, if it lacks that and the event does
/// not tell that it has gone.
fn with_interface(mut network: KernelState, facts: &Facts) -> KernelState {
    let Some(name) = &facts.interface else { return network };
    let has_gone = facts.action == Some(Action::Down);
    if has_gone || network.links.iter().any(|link| link.name == *name) {
        return network;
    }
    let index = network.links.iter().map(|link| link.index).max().unwrap_or(1) + 1;
    network.links.push(Link {
        index,
        name: name.clone(),
        up: facts.action != Some(Action::PreUp),
        loopback: false,
        mtu: 1500,
        master: None,
        kind: None,
        vrf_table: None,
        point_to_point: false,
        parent: None,
    });
    if let Some(local) = facts.local {
        let whole = if matches!(local, IpAddr::V4(_)) { 32 } else { 128 };
        let prefix = facts.prefix.unwrap_or(whole);
        let peer = facts.remote;
        network.addresses.push(Address { ifindex: index, local, prefix, peer, leased: false });
    }
    network
}
