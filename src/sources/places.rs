//! Where the systems look for their hooks, and which of them a link to netcue stands for.

use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::{ALL, Source, Trigger};

/// Where the system looks for its hook: a link there tells source and trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Any file in this folder.
    Folder(&'static str),
    /// This very file.
    File(&'static str),
}

/// Which source and trigger a link stands for: exact matches on the places of the
/// table and nothing cleverer. A relative `argv0` (`run-parts .`) is taken from `cwd`;
/// a bare name is not: it was found along `PATH`, typed by someone who happens to be
/// in such a folder.
#[must_use]
pub fn by_place(argv0: &Path, cwd: &Path) -> Option<(&'static Source, &'static Trigger)> {
    if !argv0.as_os_str().as_bytes().contains(&b'/') {
        return None;
    }
    let path = lexically_absolute(argv0, cwd);
    let stands_for = |place: &Place| match place {
        Place::File(file) => path == Path::new(file),
        Place::Folder(folder) => path.parent() == Some(Path::new(folder)),
    };
    ALL.iter().copied().find_map(|source| {
        let trigger = source.triggers.iter().find(|t| t.places.iter().any(stands_for))?;
        Some((source, trigger))
    })
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
        by_place(Path::new(argv0), Path::new(cwd))
            .map(|(source, trigger)| (source.name.as_str(), trigger.word))
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

    #[test]
    fn no_place_stands_for_two_triggers() {
        let mut seen: Vec<(Place, &str)> = Vec::new();
        for source in ALL {
            for trigger in source.triggers {
                for place in trigger.places {
                    let earlier = seen.iter().find(|(other, _)| other == place);
                    assert_eq!(earlier, None, "{place:?} of {} {}", source.name, trigger.word);
                    seen.push((*place, trigger.word));
                }
            }
        }
    }
}
