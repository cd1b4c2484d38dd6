//! An event, as scripts that were written for another dispatcher are told of it: their words,
//! variables and shell, as pppd, ifup and others give them. Pure.
//!
//! What an event doesn't know stays unset; nothing is invented. Of a dispatcher's own events its
//! own words are kept.

mod dhclient;
mod hotplug;
mod ifupdown;
mod networkd;
mod networkmanager;
mod ppp;
mod told;

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::event::{Action, Event, Family, InterfaceName};
use told::families;

/// A dispatcher whose scripts netcue can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Debian's pppd, with `/etc/ppp/ip-up.d` and its like.
    Ppp,
    /// ifupdown, with `/etc/network/if-up.d` and its like.
    Ifupdown,
    /// NetworkManager's dispatcher.
    Networkmanager,
    /// networkd-dispatcher.
    Networkd,
    /// The hooks of dhclient-script, which it sources.
    Dhclient,
    /// The scripts of `OpenWrt`'s hotplug.d, which are sourced.
    Hotplug,
}

/// What is known of a dispatcher.
struct Dispatcher {
    name: &'static str,
    /// The source by which its own calls arrive.
    source: &'static str,
    places: &'static [Place],
    /// Who passes over some names, and over which.
    names: Names,
    /// Its scripts are no programs: a shell sources them.
    shell: Option<Shell>,
    /// Whether it calls once per family, and not once for all of an interface.
    per_family: bool,
    /// Its word for what happened, if it has one.
    word: fn(&Event, Family) -> Option<&'static str>,
    given: fn(&Moment<'_>) -> Given,
}

/// A folder of a dispatcher.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// The name of the folder.
    folder: &'static str,
    /// The dispatcher's word for when it is run; none where it is run for all of them.
    word: Option<&'static str>,
    /// The actions that this is; none where no action is exactly that.
    on: &'static [Action],
    /// The one family that it is about.
    family: Option<Family>,
}

const fn place(folder: &'static str, word: &'static str, on: &'static [Action]) -> Place {
    Place { folder, word: Some(word), on, family: None }
}

/// Which names of files a dispatcher takes.
#[derive(Debug, Clone, Copy)]
struct Names {
    /// Who looks at names, for a sentence.
    who: &'static str,
    takes: fn(&str) -> bool,
}

const RUN_PARTS: Names = Names { who: "run-parts", takes: is_name_for_run_parts };

/// run-parts(8): names consist entirely of ASCII letters, digits, underscores and hyphens.
fn is_name_for_run_parts(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// The shell that sources scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shell {
    /// What is `$0` then.
    pub zero: &'static str,
    /// What it is told; `$1` is the script's path.
    pub text: &'static str,
}

impl Dispatcher {
    /// Whether it runs any scripts for what it calls so.
    fn has_folder_for(&self, word: &str) -> bool {
        self.places.iter().any(|place| place.word.is_none_or(|own| own == word))
    }
}

impl Profile {
    /// All of them, in the order of the manual.
    pub const ALL: [Self; 6] = [
        Self::Ppp,
        Self::Ifupdown,
        Self::Networkmanager,
        Self::Networkd,
        Self::Dhclient,
        Self::Hotplug,
    ];

    fn dispatcher(self) -> &'static Dispatcher {
        match self {
            Self::Ppp => &ppp::DISPATCHER,
            Self::Ifupdown => &ifupdown::DISPATCHER,
            Self::Networkmanager => &networkmanager::DISPATCHER,
            Self::Networkd => &networkd::DISPATCHER,
            Self::Dhclient => &dhclient::DISPATCHER,
            Self::Hotplug => &hotplug::DISPATCHER,
        }
    }

    /// The profile that an administrator calls so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.as_str() == name)
    }

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.dispatcher().name
    }

    /// The source by which the dispatcher's own calls arrive.
    #[must_use]
    pub fn source(self) -> &'static str {
        self.dispatcher().source
    }

    /// The profile of a folder, as far as its path tells.
    #[must_use]
    pub fn of_folder(folder: &Path) -> Option<Self> {
        let name = folder.file_name()?.to_str()?;
        let has_place = |profile: &Self| profile.place(name).is_some();
        let mut fitting = Self::ALL.into_iter().filter(has_place);
        let first = fitting.next()?;
        match fitting.next() {
            None => Some(first),
            // pre-up.d and the like: the folder above it tells.
            Some(_) => Self::of_folder(folder.parent()?),
        }
    }

    /// The actions for which a folder of that name is run by default; none where its name does
    /// not tell.
    #[must_use]
    pub fn on(self, folder: &str) -> &'static [Action] {
        self.place(folder).map_or(&[], |place| place.on)
    }

    /// Why the dispatcher itself passes over a file of that name, if it does.
    #[must_use]
    pub fn passes_over(self, name: &str) -> Option<String> {
        let Names { who, takes } = self.dispatcher().names;
        (!takes(name)).then(|| format!("{who} never ran it: it passes over names like this"))
    }

    /// The shell that sources its scripts, where they are no programs.
    #[must_use]
    pub fn shell(self) -> Option<Shell> {
        self.dispatcher().shell
    }

    fn place(self, folder: &str) -> Option<&'static Place> {
        self.dispatcher().places.iter().find(|place| place.folder == folder)
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// As whose script one is run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Like {
    /// Of which dispatcher.
    pub profile: Profile,
    /// The name of the dispatcher's folder that it stands in; none for a hook of netcue's own.
    pub folder: Option<String>,
}

/// What a script is given for one event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// Its words.
    pub words: Vec<String>,
    /// The dispatcher's variables; netcue's own come in addition.
    pub env: Vec<(String, String)>,
}

/// What a dispatcher would have called its script for.
struct Moment<'a> {
    event: &'a Event,
    interface: &'a InterfaceName,
    /// Its word for it.
    word: &'a str,
    family: Family,
}

impl Like {
    /// What the script is given, once for each time that its dispatcher would run it.
    ///
    /// # Errors
    /// Why its dispatcher would not run it for this event, in words.
    pub fn given(&self, event: &Event) -> Result<Vec<Given>, String> {
        let dispatcher = self.profile.dispatcher();
        let Some(interface) = &event.facts.interface else {
            return Err(format!("{} tells of interfaces only, and this of none", dispatcher.name));
        };
        let place = self.folder.as_deref().and_then(|folder| self.profile.place(folder));
        let families = self.families(event, place.and_then(|place| place.family))?;
        let is_own = event.source.as_str() == dispatcher.source;
        let mut all = Vec::new();
        for family in families {
            let own = is_own.then(|| event.facts.trigger.as_str()).filter(|word| !word.is_empty());
            if let Some(own) = own.filter(|own| !dispatcher.has_folder_for(own)) {
                return Err(format!("{} has no folder for {own}", dispatcher.name));
            }
            let word = place.and_then(|place| place.word).or(own);
            let Some(word) = word.or_else(|| (dispatcher.word)(event, family)) else {
                let action = event.facts.action.as_ref().map_or("none", Action::as_str);
                return Err(format!("{} has no word for action={action}", dispatcher.name));
            };
            all.push((dispatcher.given)(&Moment { event, interface, word, family }));
        }
        Ok(all)
    }

    /// For which families there is a call.
    fn families(&self, event: &Event, only: Option<Family>) -> Result<Vec<Family>, String> {
        let mut known = families(event);
        if let Some(only) = only {
            if !known.is_empty() && !known.contains(&only) {
                return Err(format!("its folder is about {} only", only.as_str()));
            }
            return Ok(vec![only]);
        }
        if known.is_empty() {
            known.push(Family::Ipv4);
        }
        if !self.profile.dispatcher().per_family {
            known.truncate(1);
        }
        Ok(known)
    }
}
