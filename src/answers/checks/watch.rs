//! Whether the kernel is heard: not only whether the units are there, but whether somebody listens
//! and has seen what holds now.

use std::time::Duration;

use super::{Examined, Finding};
use crate::integrate;
use crate::paths::Layout;
use crate::pipeline;
use crate::sources;
use crate::sys::netlink::listener;
use crate::sys::{clock, route};
use crate::watch::{Fight, Picture};

/// How long the watch may take to see what has just changed: it reads news that don't end for
/// a second.
const PATIENCE: Duration = Duration::from_secs(3);
const PACE: Duration = Duration::from_millis(50);

/// For how long it is told that somebody fought over the rules, in nanoseconds: an hour.
const RECENT_NS: u64 = 3_600_000_000_000;

/// How the watch stands, where one is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Watching {
    /// Whether somebody listens in this network namespace.
    pub(crate) listens: bool,
    /// Whether the watch has seen what holds now.
    pub(crate) has_seen: bool,
    /// Who has taken out the rules again and again, lately.
    pub(crate) fight: Option<Fight>,
}

impl Watching {
    /// Looks how it stands; none where nothing was put in place for it, or it is switched off.
    pub(super) fn of(layout: &Layout, seen: &integrate::Seen) -> Option<Self> {
        let source = &sources::KERNEL;
        let memory = pipeline::watch_memory(layout);
        let is_wanted = memory.is_some() || !integrate::attachment(seen, source).spots.is_empty();
        if !is_wanted || !integrate::is_on(seen, source) {
            return None;
        }
        let listens = listener::is_anybody_listening();
        let has_seen = || {
            let now = route::read().ok().zip(route::carriers().ok());
            let now = now.map(|(state, carriers)| Picture::of(&state, &carriers));
            let seen = pipeline::watch_memory(layout).map(|memory| memory.seen);
            now.zip(seen).is_some_and(|(now, seen)| now.shows_the_same_as(&seen))
        };
        let mut left = if listens { PATIENCE } else { Duration::ZERO };
        let has_seen = loop {
            match (has_seen(), left) {
                (true, _) => break true,
                (false, Duration::ZERO) => break false,
                _ => {
                    clock::pause(PACE);
                    left = left.saturating_sub(PACE);
                }
            }
        };
        let now = clock::boottime_ns();
        let fight = memory.and_then(|memory| memory.fight);
        let fight = fight.filter(|fight| now.saturating_sub(fight.since_ns) < RECENT_NS);
        Some(Self { listens, has_seen, fight })
    }
}

const AGAIN: &str = "systemctl restart netcue-watch.socket netcue-watch.service";

pub(super) fn watch(examined: &Examined) -> Vec<Finding> {
    let Some(Watching { listens, has_seen, fight }) = &examined.watch else { return Vec::new() };
    let mut found = Vec::new();
    if !listens {
        let what = "nobody hears what the kernel tells: what nobody calls for is not followed";
        let to_do = "where systemd does not run, keep \"netcue watch\" running";
        found.push(Finding::attention(what, to_do).mended_by(AGAIN));
    } else if !has_seen {
        let what = "somebody listens to the kernel, and has not seen what holds now";
        let to_do = "see what \"systemctl status netcue-watch.service\" says";
        found.push(Finding::attention(what, to_do).mended_by(AGAIN));
    }
    if let Some(fight) = fight {
        let who = fight.process.as_ref();
        let who = who.map_or_else(String::new, |(name, pid)| format!(" ({name}, pid {pid})"));
        found.push(Finding::attention(
            format!("another program{who} took out netcue's rules faster than five times a minute"),
            "end it or have it leave table inet netcue alone, or set guard in netcue.conf",
        ));
    }
    if found.is_empty() {
        found.push(Finding::ok("the kernel is heard"));
    }
    found
}
