//! Watching the kernel: rules at once, and events for what nobody told.
//!
//! Whatever wakes the watch, the kernel's state is read after its messages, and that state
//! alone is acted on: a message that was lost, or read by a process that was killed over it,
//! is missing to nobody. What was told last is in a file, which is written after the event that
//! tells it is in the queue; who dies in between tells it twice.

mod cause;
mod rules;
mod tell;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::house::{configured, is_switched_off};
use crate::config::Config;
use crate::engine::EngineError;
use crate::error::{Exit, Failure};
use crate::paths::Layout;
use crate::sources;
use crate::sys::lock::Lock;
use crate::sys::netlink::listener::{Listener, News};
use crate::sys::syslog::{self, Urgency};
use crate::sys::{clock, files, identity, route, systemd};
use crate::watch::{Memory, Picture};
use rules::Guarding;

/// Largest memory in bytes: a router with tens of thousands of interfaces.
const LARGEST: u64 = 64 << 20;

/// How long news are read that don't end.
const LONGEST_DRAIN: Duration = Duration::from_secs(1);

/// A sleep shorter than this was none.
const AT_ONCE_NS: u64 = 1_000_000;

/// What the watch has kept of what it told and saw; none if nobody has watched since the start of
/// the machine.
#[must_use]
pub fn memory(layout: &Layout) -> Option<Memory> {
    let content = files::read_if_there(&layout.watch(), LARGEST).ok()??;
    serde_json::from_slice(&content).ok()
}

/// Watches until nothing is left to be done, if systemd holds the sockets and starts us again;
/// else for ever.
///
/// # Errors
/// When the kernel can't be listened to, or another process does that.
pub fn watch(layout: &Layout) -> Result<(), Failure> {
    let mut listener = Listener::new().map_err(|error| {
        let exit = if error.is_denied() { Exit::NoPermission } else { Exit::Unavailable };
        Failure::new(exit, format!("can't listen to the kernel: {error}"))
    })?;
    files::make_private_folder(&layout.runtime()).map_err(Failure::unwritable)?;
    let path = layout.watch_lock();
    let Some(_lock) = Lock::try_now(&path).map_err(Failure::unwritable)? else {
        if listener.is_handed_over {
            // The other one looks. What is left unread here would have us started again at once.
            listener.drain(LONGEST_DRAIN, LONGEST_DRAIN, |_| {});
            return Ok(());
        }
        let text = format!("another netcue watches already: it holds {}", path.display());
        return Err(Failure::new(Exit::StillQueued, text));
    };
    Watcher::begin(layout, listener).run();
    Ok(())
}

struct Watcher<'a> {
    layout: &'a Layout,
    listener: Listener,
    config: Config,
    memory: Memory,
    /// Whether there is something in the memory that is not in its file.
    is_news: bool,
    guarding: Guarding,
    /// The moment of `CLOCK_BOOTTIME` before which nothing came of the news that were read last.
    heard_ns: u64,
    /// Until when all that came had been read.
    read_ns: u64,
    /// The interfaces that lost their link since the last look.
    lost: BTreeSet<u32>,
    /// What was said last about a trouble: the same is not said again and again.
    said: String,
}

impl<'a> Watcher<'a> {
    fn begin(layout: &'a Layout, listener: Listener) -> Self {
        let memory = memory(layout).unwrap_or_default();
        let (config, guarding) = (configured(layout).config, Guarding::default());
        Self {
            layout,
            listener,
            config,
            memory,
            is_news: false,
            guarding,
            heard_ns: clock::boottime_ns(),
            read_ns: clock::boottime_ns(),
            lost: BTreeSet::new(),
            said: String::new(),
        }
    }

    fn run(&mut self) {
        let pings = systemd::watchdog();
        // There may be something from before, and something that came unwatched.
        let mut came = true;
        let mut is_first = true;
        loop {
            let off = is_switched_off(self.layout, sources::KERNEL.name.as_str());
            if came {
                self.listen(off);
            }
            if !off {
                self.look();
            }
            if is_first {
                systemd::notify("READY=1");
            }
            is_first = false;
            let due = if off { None } else { self.due() };
            if due.is_none() && self.listener.is_handed_over {
                return;
            }
            came = loop {
                let ping = pings.map(|every| Instant::now() + every / 2);
                let asleep_ns = clock::boottime_ns();
                let came = self.listener.sleep_until(due.into_iter().chain(ping).min());
                // What waits already came while something else was done.
                let now = clock::boottime_ns();
                if came {
                    let slept = now.saturating_sub(asleep_ns) > AT_ONCE_NS;
                    self.heard_ns = if slept { now } else { self.read_ns };
                }
                if ping.is_some() {
                    systemd::notify("WATCHDOG=1");
                }
                if came || due.is_some_and(|due| Instant::now() >= due) {
                    break came;
                }
            };
        }
    }

    /// Reads the news, and takes note of what the state after them will not tell: how often
    /// links went, and who changed the rules.
    fn listen(&mut self, off: bool) {
        let quiet = Duration::from_millis(self.config.watch.quiet_ms);
        let known = &self.memory.seen.interfaces;
        let mut works: BTreeMap<u32, bool> =
            known.iter().map(|(index, interface)| (*index, interface.works)).collect();
        let (losses, suspect) = (&mut self.memory.losses, &mut self.guarding.suspect);
        let lost = &mut self.lost;
        lost.clear();
        self.listener.drain(quiet, LONGEST_DRAIN, |news| match news {
            News::Link(index, now) => {
                if works.insert(index, now) == Some(true) && !now && !off {
                    *losses.entry(index).or_default() += 1;
                    lost.insert(index);
                }
            }
            News::Rules(name, pid) => *suspect = Some((name, pid)),
            News::Other => {}
        });
        self.is_news |= !self.lost.is_empty();
        self.read_ns = clock::boottime_ns();
    }

    /// Looks at the state, and does what is to be done about it now.
    fn look(&mut self) {
        self.config = configured(self.layout).config;
        let read = route::read().and_then(|state| Ok(Picture::of(&state, &route::carriers()?)));
        let picture = match read {
            Ok(picture) => picture,
            Err(error) => {
                let error = EngineError::from_reading(error);
                return self.complain(&error.to_string());
            }
        };
        let netns = identity::network_namespace();
        if self.memory.netns != netns {
            // Nothing is known of this one yet: it is told from here on.
            let told = picture.clone();
            self.memory = Memory { netns, told, ..Memory::default() };
            self.is_news = true;
        }
        let has_changed = self.memory.seen.digest != picture.digest;
        self.see_to_rules(picture.digest);
        self.take_note(picture, has_changed);
        self.tell_what_is_due();
        self.remember();
    }

    /// When to look again, though nothing comes.
    fn due(&self) -> Option<Instant> {
        let due = [self.due_for_rules(), self.due_for_telling()].into_iter().flatten().min()?;
        let left = Duration::from_nanos(due.saturating_sub(clock::boottime_ns()));
        Some(Instant::now() + left)
    }

    fn remember(&mut self) {
        if !std::mem::take(&mut self.is_news) {
            return;
        }
        let content = serde_json::to_vec(&self.memory).unwrap_or_default();
        if let Err(error) = files::put_whole(&self.layout.watch(), &content) {
            self.complain(&format!("{error}; what was told is told again after the next start"));
        }
    }

    fn complain(&mut self, text: &str) {
        if self.said != text {
            syslog::say(Urgency::Error, text, self.layout.root() == std::path::Path::new("/"));
            text.clone_into(&mut self.said);
        }
    }
}

/// Milliseconds of the configuration, as the clock counts.
fn nanoseconds(milliseconds: u64) -> u64 {
    milliseconds.saturating_mul(1_000_000)
}
