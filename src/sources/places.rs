//! Where the systems look for their hooks, and which of them a link to netcue stands for.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::{ALL, Call, Reading, Refusal, Source, Trigger};

/// Where the system looks for its hook: a link there tells source and trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Any file in this folder.
    Folder(&'static str),
    /// This very file.
    File(&'static str),
}

/// A source that looks at a place, and the trigger that the place alone stands for.
type Stand = (&'static Source, Option<&'static Trigger>);

/// Who may be calling by a link at some place: where there are several, the call tells.
#[derive(Debug, Clone)]
pub struct Standing {
    first: Stand,
    others: Vec<Stand>,
}

impl Standing {
    /// The first of them, and its trigger.
    #[must_use]
    pub fn first(&self) -> (&'static Source, Option<&'static Trigger>) {
        self.first
    }

    /// The source that takes this call for its own. A call that none takes is the first
    /// one's to refuse.
    #[must_use]
    pub fn source(&self, call: &Call<'_>) -> &'static Source {
        self.taking(call).0
    }

    /// Reads a call by a link at this place.
    ///
    /// # Errors
    /// When the trigger is unknown, or the words make no usable event.
    pub fn read(&self, call: &Call<'_>) -> Result<Reading, Refusal> {
        match self.taking(call) {
            (source, Some(trigger)) => super::read(source, trigger, call),
            (source, None) => source.read(call),
        }
    }

    fn taking(&self, call: &Call<'_>) -> Stand {
        let takes = |(source, _): &&Stand| (source.manners.takes)(call);
        let all = std::iter::once(&self.first).chain(&self.others);
        all.clone().find(takes).copied().unwrap_or(self.first)
    }
}

/// What a link stands for: exact matches on the places of the table and nothing cleverer. A
/// relative `argv0` (`run-parts .`) is taken from `cwd`; a bare name is not: it was found
/// along `PATH`, typed by someone who happens to be in such a folder.
#[must_use]
pub fn by_place(argv0: &Path, cwd: &Path) -> Option<Standing> {
    if !argv0.as_os_str().as_bytes().contains(&b'/') {
        return None;
    }
    let path = lexically_absolute(argv0, cwd);
    // Both sides have one form only, so that bytes tell what components would tell.
    let file = path.as_os_str();
    let folder = path.parent().map(Path::as_os_str);
    let stands_for = |place: &Place| match place {
        Place::File(place) => file == *place,
        Place::Folder(place) => folder == Some(OsStr::new(place)),
    };
    let mut found = ALL.iter().copied().filter_map(|source| {
        let trigger = source.triggers.iter().find(|t| t.places.iter().any(stands_for));
        let is_place = trigger.is_some() || source.places.iter().any(stands_for);
        is_place.then_some((source, trigger))
    });
    Some(Standing { first: found.next()?, others: found.collect() })
}

/// Why a call by a link that stands for nothing is refused.
#[must_use]
pub fn no_place(argv0: &Path) -> Refusal {
    Refusal::of(format!(
        "called as {}, which is no place where a source looks for its hook: remove the link, and \
         let a script there run \"netcue emit --no-wait\"",
        argv0.display()
    ))
}

fn lexically_absolute(path: &Path, cwd: &Path) -> PathBuf {
    let mut whole = PathBuf::new();
    for component in cwd.join(path).components() {
        match component {
            Component::ParentDir => {
                whole.pop();
            }
            Component::CurDir => {}
            other => whole.push(other),
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(argv0: &str, cwd: &str) -> Option<(&'static str, &'static str)> {
        let (source, trigger) = by_place(Path::new(argv0), Path::new(cwd))?.first();
        Some((source.name.as_str(), trigger.map_or("", |trigger| trigger.word)))
    }

    #[test]
    fn a_link_tells_source_and_trigger() {
        for (argv0, cwd, source, trigger) in [
            ("/etc/ppp/ip-up.d/netcue", "/", "ppp", "ip-up"),
            ("/etc/ppp/ip-up.d/00-anything_else", "/", "ppp", "ip-up"),
            ("/etc/ppp/ip-up", "/", "ppp", "ip-up"),
            ("/etc/ppp/ip-up.local", "/", "ppp", "ip-up"),
            ("/etc/ppp/ipv6-down.d/netcue", "/", "ppp", "ipv6-down"),
            ("/etc/ppp/net-pre-up", "/", "ppp", "net-pre-up"),
            ("/etc/diald/addroute", "/", "diald", "addroute"),
            ("./netcue", "/etc/ppp/ip-down.d", "ppp", "ip-down"),
            ("ip-down.d/netcue", "/etc/ppp", "ppp", "ip-down"),
            ("../ppp/ip-up", "/etc/diald", "ppp", "ip-up"),
            ("/etc/ppp/../diald/./delroute", "/", "diald", "delroute"),
            ("/etc//ppp/ip-up.d//netcue", "/", "ppp", "ip-up"),
            ("../../../etc/ppp/ip-up", "/", "ppp", "ip-up"),
        ] {
            assert_eq!(found(argv0, cwd), Some((source, trigger)), "{argv0} in {cwd}");
        }
    }

    #[test]
    fn what_only_looks_like_a_place_tells_nothing() {
        for (argv0, cwd) in [
            ("", "/"),
            ("/", "/"),
            ("/usr/sbin/netcue", "/"),
            ("/etc/ppp", "/"),
            ("/etc/ppp/ip-up.d", "/"),
            ("/etc/ppp/ip-up.d/", "/"),
            ("/etc/ppp/ip-up.d/more/netcue", "/"),
            ("/etc/ppp/ip-up.d/netcue/..", "/"),
            ("/etc/ppp/ip-up.dd/netcue", "/"),
            ("/etc/ppp/ip-upp", "/"),
            ("/etc/ppp/ip-up.loca", "/"),
            ("/etc/ppp/IP-UP", "/"),
            ("/etc/ppp/addroute", "/"),
            ("/tmp/etc/ppp/ip-up", "/"),
            ("./etc/ppp/ip-up", "/tmp"),
            // Typed by hand in that folder, and found along PATH.
            ("netcue", "/etc/ppp/ip-up.d"),
            ("ip-up", "/etc/ppp"),
        ] {
            assert_eq!(found(argv0, cwd), None, "{argv0} in {cwd}");
        }
    }

    /// Two sources may share a place if one of them can tell whose call it is.
    #[test]
    fn no_place_stands_for_two_triggers_of_a_source() {
        for source in ALL {
            let mut seen: Vec<Place> = Vec::new();
            let of_triggers = source.triggers.iter().flat_map(|trigger| trigger.places);
            for place in of_triggers.chain(source.places) {
                assert!(!seen.contains(place), "{place:?} of {}", source.name);
                seen.push(*place);
            }
        }
    }
}
