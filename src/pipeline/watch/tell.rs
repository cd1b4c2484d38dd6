//! Events for what nobody told: one for each interface, when it has come to rest.

use super::super::{CAUSES_AGE, Caller, Fate, House, arrive, in_vain};
use super::rules::caller;
use super::{Watcher, nanoseconds};
use crate::event::{Event, Fact, Facts, pattern};
use crate::journal::{Outcome, Record};
use crate::reason::Reason;
use crate::sources::{self, KernelNews, Reading};
use crate::sys::{clock, identity, signals};
use crate::watch::{Difference, Kind, Picture, differences, is_told_by};

/// Most lines of the journal that are looked at for who has told already.
const MOST_LINES: usize = 4096;

/// How long what would close a loop of hooks is not told: a cause older than that counts no more.
const HELD_NS: u64 = CAUSES_AGE.as_secs() * 1_000_000_000;

/// By which number policy rules stand among the interfaces: the kernel gives none that.
const POLICY: u32 = 0;

impl Watcher<'_> {
    /// Takes note of what is different from what was told, and since when.
    pub(super) fn take_note(&mut self, picture: Picture, has_changed: bool) {
        let now = clock::boottime_ns();
        let all = differences(&self.memory.told, &picture, &self.memory.losses);
        let was = |index: u32| self.memory.seen.interfaces.get(&index);
        for one in &all {
            let index = index_of(one);
            let is_new = match index {
                POLICY => self.memory.seen.policy != picture.policy,
                index => was(index) != picture.interfaces.get(&index),
            };
            let is_new = is_new || self.lost.contains(&index);
            let is_held = self.memory.held.contains_key(&index);
            if is_new && is_held {
                // Nothing was run that could have made this: it is news of its own.
                self.memory.held.remove(&index);
                self.memory.changed.remove(&index);
            }
            let (_, last) = self.memory.changed.entry(index).or_insert((self.heard_ns, now));
            if is_new {
                *last = now;
            }
        }
        let different: Vec<u32> = all.iter().map(index_of).collect();
        self.memory.changed.retain(|index, _| different.contains(index));
        self.memory.losses.retain(|index, _| different.contains(index));
        self.memory.held.retain(|index, _| different.contains(index));
        // Of these nobody is told.
        let ignored = all.iter().filter(|one| self.is_ignored(one)).map(index_of);
        for index in ignored.collect::<Vec<u32>>() {
            self.has_been_told(index, &picture);
        }
        if has_changed {
            (self.memory.seen, self.memory.seen_ns) = (picture, now);
            self.is_news = true;
        }
    }

    fn is_ignored(&self, difference: &Difference) -> bool {
        let ignore = &self.config.watch.ignore;
        difference.interface.as_ref().is_some_and(|(_, name)| {
            ignore.iter().any(|wanted| pattern::fits(wanted, name.as_str()))
        })
    }

    fn has_been_told(&mut self, index: u32, picture: &Picture) {
        let memory = &mut self.memory;
        match picture.interfaces.get(&index) {
            _ if index == POLICY => memory.told.policy = picture.policy,
            Some(interface) => drop(memory.told.interfaces.insert(index, interface.clone())),
            None => drop(memory.told.interfaces.remove(&index)),
        }
        memory.changed.remove(&index);
        memory.losses.remove(&index);
        memory.held.remove(&index);
        self.is_news = true;
    }

    /// When what is different has come to rest, or has gone on for too long.
    fn due_of(&self, index: u32) -> Option<u64> {
        if let Some(since) = self.memory.held.get(&index) {
            return Some(since.saturating_add(HELD_NS));
        }
        let (first, last) = self.memory.changed.get(&index)?;
        let watch = &self.config.watch;
        let rest = last.saturating_add(nanoseconds(watch.settle_ms));
        Some(rest.min(first.saturating_add(nanoseconds(watch.settle_limit_ms))))
    }

    pub(super) fn due_for_telling(&self) -> Option<u64> {
        self.memory.changed.keys().filter_map(|index| self.due_of(*index)).min()
    }

    pub(super) fn tell_what_is_due(&mut self) {
        let now = clock::boottime_ns();
        if self.due_for_telling().is_none_or(|due| due > now) {
            return;
        }
        let picture = self.memory.seen.clone();
        for one in differences(&self.memory.told, &picture, &self.memory.losses) {
            let index = index_of(&one);
            if self.due_of(index).is_some_and(|due| due <= now) {
                if self.tell(&one) {
                    self.has_been_told(index, &picture);
                } else {
                    self.memory.held.insert(index, clock::boottime_ns());
                    self.is_news = true;
                }
                self.remember();
            }
        }
    }

    /// Tells of it; false if that would close a loop of hooks.
    fn tell(&self, difference: &Difference) -> bool {
        let mut house = House::open(self.layout.clone());
        let window = nanoseconds(self.config.watch.settle_ms);
        let index = index_of(difference);
        let (first, last) = self.memory.changed.get(&index).copied().unwrap_or_default();
        let since = last.saturating_sub(window);
        let mut is_told = true;
        let reading = reading(difference);
        if let Some(teller) = teller(&house, difference, since) {
            let call = Some(format!("{} {}", teller.source, teller.facts.trigger));
            let why = Reason::Covered { event: teller.id, call };
            let _ = in_vain(&mut house, reading, caller(), why);
        } else {
            let wait = reading.trigger.wait;
            // What was held for so long that no cause counts any more begins a new chain.
            let is_free = self.memory.held.contains_key(&index);
            let cause = self.hook_at_work(&house, (first, last), |_| !is_free);
            let arrival = arrive(&mut house, reading, Caller { cause, ..caller() }, wait);
            is_told = arrival.fate != Fate::Refused;
            house.close();
        }
        signals::let_in();
        is_told
    }
}

fn index_of(difference: &Difference) -> u32 {
    difference.interface.as_ref().map_or(POLICY, |(index, _)| *index)
}

fn reading(difference: &Difference) -> Reading {
    let news = match difference.kind {
        Kind::LinkUp => KernelNews::LinkUp,
        Kind::LinkDown => KernelNews::LinkDown,
        Kind::Address => KernelNews::Address,
        Kind::Route => KernelNews::Route,
        Kind::Link => KernelNews::Link,
        Kind::Policy => KernelNews::Policy,
    };
    sources::kernel_news(news, |facts: &mut Facts| {
        facts.action = Some(difference.action.clone());
        let Some((index, name)) = &difference.interface else { return };
        facts.interface = Some(name.clone());
        facts.detail("ifindex", Fact::Number(u64::from(*index)));
        let [before, after] = &difference.words;
        facts.detail_text("before", &cut(before));
        facts.detail_text("after", &cut(after));
        if difference.flaps > 0 {
            facts.detail("flaps", Fact::Number(u64::from(difference.flaps)));
        }
        let addresses = difference.addresses.iter().filter_map(|text| text.parse().ok());
        facts.addresses = Some(addresses.collect());
        facts.facts_complete = true;
    })
}

/// As much as a detail takes.
fn cut(text: &str) -> String {
    const MOST: usize = 240;
    if text.len() <= MOST {
        text.to_owned()
    } else {
        text.chars().take(MOST).collect::<String>() + "…"
    }
}

/// The event by which another source has told of a difference, and for which something ran or
/// will run.
fn teller(house: &House, difference: &Difference, since: u64) -> Option<Event> {
    let (mut seen, mut found, mut in_vain) = (0, None, Vec::new());
    let boot = identity::boot().parse().ok();
    let looked = house.journal.read_back(|entry| {
        seen += 1;
        match entry.record {
            Record::Outcome { outcome: Outcome::Ignored | Outcome::Disabled, .. } => {
                in_vain.extend(entry.event_id);
            }
            Record::Accepted { event, .. } => {
                if event.boot_id != boot || event.boottime_ns < since {
                    return false;
                }
                let counts = !in_vain.contains(&event.id);
                if counts && is_told_by(&event, difference, &sources::KERNEL.name, since) {
                    found = Some(*event);
                }
            }
            _ => {}
        }
        found.is_none() && seen < MOST_LINES
    });
    looked.ok()?;
    found
}
