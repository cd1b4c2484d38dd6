//! What is different between two moments, as news about interfaces; and whether a source has
//! told of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{Action, Event, InterfaceName, SourceName};

use super::picture::{Interface, Picture};

/// What kind of difference it is: the weightiest of those that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The link works, and did not.
    LinkUp,
    /// The link does not work any more, or has gone.
    LinkDown,
    /// The addresses are others.
    Address,
    /// The routes are others.
    Route,
    /// Something else about the link is; or it went and came back.
    Link,
    /// The policy rules are others, which are of no interface.
    Policy,
}

/// What is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What kind of difference it is.
    pub kind: Kind,
    /// What that means.
    pub action: Action,
    /// The interface, with the kernel's number for it; none for policy rules.
    pub interface: Option<(u32, InterfaceName)>,
    /// What was, and what is: in words.
    pub words: [String; 2],
    /// The addresses that it has now.
    pub addresses: BTreeSet<String>,
    /// How often it lost the link meanwhile.
    pub flaps: u32,
}

/// What is different, by interface. `losses` counts how often each lost its link meanwhile.
#[must_use]
pub fn differences(
    before: &Picture,
    now: &Picture,
    losses: &BTreeMap<u32, u32>,
) -> Vec<Difference> {
    let all: BTreeSet<u32> =
        before.interfaces.keys().chain(now.interfaces.keys()).copied().collect();
    let of_one = |index: u32| {
        let (old, new) = (before.interfaces.get(&index), now.interfaces.get(&index));
        of_interface(index, old, new, losses.get(&index).copied().unwrap_or_default())
    };
    let policy = (before.policy != now.policy).then(|| Difference {
        kind: Kind::Policy,
        action: Action::Change,
        interface: None,
        words: [String::new(), String::new()],
        addresses: BTreeSet::new(),
        flaps: 0,
    });
    all.into_iter().filter_map(of_one).chain(policy).collect()
}

fn of_interface(
    index: u32,
    old: Option<&Interface>,
    new: Option<&Interface>,
    losses: u32,
) -> Option<Difference> {
    let name = &new.or(old)?.name;
    let [did, does] = [old, new].map(|one| one.is_some_and(|one| one.works));
    if old == new && (losses == 0 || !does) {
        return None;
    }
    let (kind, action) = match (did, does) {
        (false, true) => (Kind::LinkUp, Action::Up),
        (true, false) => (Kind::LinkDown, Action::Down),
        (false, false) if new.is_none() => (Kind::LinkDown, Action::Down),
        _ => (kind_of_change(old, new), if does { by_what_came(old, new) } else { Action::Change }),
    };
    let words = [old, new].map(|one| one.map_or_else(|| "absent".to_owned(), Interface::in_words));
    // What ends in being down was lost once for that.
    let flaps = losses.saturating_sub(u32::from(did && !does));
    let addresses = new.map(|new| new.addresses.clone()).unwrap_or_default();
    Some(Difference {
        kind,
        action,
        interface: Some((index, name.clone())),
        words,
        addresses,
        flaps,
    })
}

fn kind_of_change(old: Option<&Interface>, new: Option<&Interface>) -> Kind {
    let (Some(old), Some(new)) = (old, new) else { return Kind::Link };
    if old.addresses != new.addresses {
        Kind::Address
    } else if (&old.defaults, old.routes) != (&new.defaults, new.routes) {
        Kind::Route
    } else {
        Kind::Link
    }
}

/// A link that goes on working is up when an address or a default route has come that it had
/// none of, and down when the last of them has gone.
fn by_what_came(old: Option<&Interface>, new: Option<&Interface>) -> Action {
    let had = |one: Option<&Interface>| {
        let of_family = |texts: &BTreeSet<String>, is_six: bool| {
            texts.iter().any(|text| (text.contains(':') || text.ends_with("IPv6")) == is_six)
        };
        one.map_or([false; 4], |one| {
            [
                of_family(&one.addresses, false),
                of_family(&one.addresses, true),
                of_family(&one.defaults, false),
                of_family(&one.defaults, true),
            ]
        })
    };
    let (before, now) = (had(old), had(new));
    let pairs = || before.iter().zip(&now);
    match (pairs().any(|(b, n)| !b && *n), pairs().any(|(b, n)| *b && !n)) {
        (true, false) => Action::Up,
        (false, true) => Action::Down,
        _ => Action::Change,
    }
}

/// Whether an event of another source has told of a difference: it is about the same interface,
/// came since then, and says that the same has happened.
#[must_use]
pub fn is_told_by(
    earlier: &Event,
    difference: &Difference,
    own: &SourceName,
    since_ns: u64,
) -> bool {
    let Some((_, name)) = &difference.interface else { return false };
    let says = match (&difference.action, &earlier.facts.action) {
        (Action::Change, Some(said)) => matches!(said, Action::Up | Action::Down | Action::Change),
        (action, said) => said.as_ref() == Some(action),
    };
    says && earlier.source != *own
        && earlier.facts.interface.as_ref() == Some(name)
        && earlier.boottime_ns >= since_ns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(works: bool, addresses: &[&str], defaults: &[&str]) -> Interface {
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        Interface {
            name: "eth0".parse().unwrap(),
            up: true,
            works,
            mtu: 1500,
            master: None,
            addresses: texts(addresses),
            defaults: texts(defaults),
            routes: (0, 0),
        }
    }

    fn picture(interface: Option<Interface>) -> Picture {
        let interfaces = interface.into_iter().map(|interface| (2, interface)).collect();
        Picture { interfaces, ..Picture::default() }
    }

    #[test]
    fn the_action_follows_from_both_states() {
        let bare = || interface(true, &[], &[]);
        let four = || interface(true, &["192.0.2.5/24"], &[]);
        let routed = || interface(true, &["192.0.2.5/24"], &["default via 192.0.2.1"]);
        let both = || interface(true, &["192.0.2.5/24", "2001:db8::5/64"], &[]);
        let other = || interface(true, &["192.0.2.6/24"], &[]);
        let pulled = || interface(false, &["192.0.2.5/24"], &[]);
        for (before, now, expected) in [
            (None, Some(bare()), Some((Kind::LinkUp, Action::Up))),
            (Some(bare()), Some(four()), Some((Kind::Address, Action::Up))),
            (Some(four()), Some(both()), Some((Kind::Address, Action::Up))),
            (Some(four()), Some(other()), Some((Kind::Address, Action::Change))),
            (Some(four()), Some(routed()), Some((Kind::Route, Action::Up))),
            (Some(routed()), Some(four()), Some((Kind::Route, Action::Down))),
            (Some(four()), Some(bare()), Some((Kind::Address, Action::Down))),
            (Some(four()), Some(pulled()), Some((Kind::LinkDown, Action::Down))),
            (Some(pulled()), Some(four()), Some((Kind::LinkUp, Action::Up))),
            (Some(four()), None, Some((Kind::LinkDown, Action::Down))),
            (Some(pulled()), None, Some((Kind::LinkDown, Action::Down))),
            (None, Some(pulled()), Some((Kind::Link, Action::Change))),
            (Some(four()), Some(four()), None),
        ] {
            let words = format!("{before:?} {now:?}");
            let found = differences(&picture(before), &picture(now), &BTreeMap::new());
            let found = found.first().map(|one| (one.kind, one.action.clone()));
            assert_eq!(found, expected, "{words}");
        }
    }

    #[test]
    fn a_link_that_went_and_came_back_is_told_with_how_often() {
        let same = || picture(Some(interface(true, &["192.0.2.5/24"], &[])));
        let found = differences(&same(), &same(), &BTreeMap::from([(2, 5)]));
        assert_eq!((found[0].kind, found[0].flaps), (Kind::Link, 5));
        let down = picture(Some(interface(false, &["192.0.2.5/24"], &[])));
        assert_eq!(differences(&same(), &down, &BTreeMap::from([(2, 1)]))[0].flaps, 0);
    }
}
