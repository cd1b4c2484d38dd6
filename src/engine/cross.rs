//! What one family of an interface says of the other, and one device of another.

use std::collections::BTreeMap;

use super::sides::{Facts, Ground, Side, Standing, Standings, standing};
use crate::event::Family;
use crate::sys::state::{Link, Was};

/// The standings of an interface, each family's seen in the light of the other.
pub(super) fn families(
    facts: &Facts,
    link: &Link,
    own: &Standings,
    notes: &mut Vec<String>,
) -> Standings {
    let mut seen = Standings::default();
    for (family, other) in [(Family::Ipv4, Family::Ipv6), (Family::Ipv6, Family::Ipv4)] {
        let both = Both { facts, link, family, other };
        *seen.of_mut(family) = both.judge(own.of(family), own.of(other), notes);
    }
    seen
}

struct Both<'a> {
    facts: &'a Facts<'a>,
    link: &'a Link,
    family: Family,
    other: Family,
}

impl Both<'_> {
    fn judge(
        &self,
        mine: Option<&Standing>,
        theirs: Option<&Standing>,
        notes: &mut Vec<String>,
    ) -> Option<Standing> {
        let (mine, theirs) = match (mine, theirs) {
            (mine, None) => return mine.cloned(),
            // With nothing known of this family, it is the same cable.
            (None, Some(theirs)) => return Some(borrowed(theirs)),
            (Some(mine), Some(theirs)) => (mine, theirs),
        };
        if mine.ground == Ground::Configuration {
            return Some(mine.clone());
        }
        Some(match (mine.side, theirs.side) {
            (Side::Inside, Side::Outside) => self.with_a_way_out(mine, theirs, notes),
            (Side::Undecided, Side::Outside) => borrowed(theirs),
            // Addresses of IPv6 are given for a time inside, too: by our own advertisements,
            // or from a delegated prefix.
            (Side::Undecided, Side::Inside)
                if self.family == Family::Ipv6 && mine.ground == Ground::Lease =>
            {
                borrowed(theirs)
            }
            (Side::Inside, Side::Undecided) if self.family == Family::Ipv6 => borrowed(theirs),
            _ => mine.clone(),
        })
    }

    /// An address of this family would be inside, and the other has a default route here: a
    /// link to a provider of which half is up, or an inside in which anybody advertised one.
    fn with_a_way_out(
        &self,
        mine: &Standing,
        theirs: &Standing,
        notes: &mut Vec<String>,
    ) -> Standing {
        let Self { facts, link, family, other } = self;
        let default = facts.defaults.get(&(*other, link.index));
        let is_advertised = default.is_some_and(|default| default.advertised);
        let leads_elsewhere =
            facts.defaults.keys().any(|(of, index)| of == family && *index != link.index);
        let was_inside = facts.was(link, *family) == Some(Was::Inside);
        if was_inside || (is_advertised && leads_elsewhere) {
            let name = &link.name;
            notes.push(format!(
                "{name} is inside for {} and outside for {}: if it is no way out at all, say so \
                 in netcue.conf: [interface.{name}] side = \"inside\"",
                word(*family),
                word(*other)
            ));
            return mine.clone();
        }
        borrowed(theirs)
    }
}

fn borrowed(theirs: &Standing) -> Standing {
    Standing { ground: Ground::Borrowed, ..theirs.clone() }
}

fn word(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "IPv4",
        Family::Ipv6 => "IPv6",
    }
}

/// Kinds of devices that stand on another and share its cable.
const SHARE_A_CABLE: [&str; 4] = ["macvlan", "macvtap", "ipvlan", "ipvtap"];

/// Devices that stand where another does: those that share its cable, and a VRF, whose name is
/// on what its ports forward.
pub(super) fn devices(facts: &Facts, sides: &mut BTreeMap<u32, Standings>) {
    let before = sides.clone();
    for link in &facts.state.links {
        let kind = link.kind.as_deref().unwrap_or_default();
        for family in [Family::Ipv4, Family::Ipv6] {
            let new = if SHARE_A_CABLE.contains(&kind) {
                as_parent(facts, link, family, &before)
            } else if kind == "vrf" {
                as_ports(facts, link, family, &before)
            } else {
                None
            };
            if let (Some(new), Some(standings)) = (new, sides.get_mut(&link.index)) {
                *standings.of_mut(family) = Some(new);
            }
        }
    }
}

fn as_parent(
    facts: &Facts,
    link: &Link,
    family: Family,
    sides: &BTreeMap<u32, Standings>,
) -> Option<Standing> {
    let own = sides.get(&link.index).and_then(|standings| standings.of(family));
    let decides_itself =
        own.is_some_and(|own| own.ground == Ground::Configuration || own.side == Side::Outside);
    if decides_itself {
        return None;
    }
    let parent = link.parent?;
    let theirs = sides.get(&parent)?.of(family)?;
    let name = &facts.links.get(&parent)?.name;
    Some(standing(
        theirs.side,
        Ground::Borrowed,
        format!("shares the cable of {name}, which is {}: {}", theirs.side.as_str(), theirs.why),
    ))
}

fn as_ports(
    facts: &Facts,
    link: &Link,
    family: Family,
    sides: &BTreeMap<u32, Standings>,
) -> Option<Standing> {
    let own = sides.get(&link.index).and_then(|standings| standings.of(family));
    if own.is_some_and(|own| own.ground == Ground::Configuration) {
        return None;
    }
    let ports = facts.state.links.iter().filter(|port| port.master == Some(link.index));
    let theirs = ports.filter_map(|port| Some((port, sides.get(&port.index)?.of(family)?)));
    // Strangers behind one of them make it strange.
    let caution = |side| match side {
        Side::Outside => 0,
        Side::Undecided => 1,
        Side::Ignored => 2,
        Side::Guest => 3,
        Side::Inside => 4,
    };
    let (port, theirs) = theirs.min_by_key(|(_, standing)| caution(standing.side))?;
    let (name, side) = (&port.name, theirs.side.as_str());
    let why = format!("packets of {name}, which is {side}, carry its name: {}", theirs.why);
    Some(standing(theirs.side, Ground::Borrowed, why))
}
