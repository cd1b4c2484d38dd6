//! On which side each interface is, for each family: the first thing that is known decides.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Serialize;

use super::cross;
use super::uplinks::{Default, Defaults};
use crate::config::{self, Rules};
use crate::event::{Family, InterfaceName};
use crate::sys::state::{Address, KernelState, Link, Remembered, Was};

/// Where those are who send packets by an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Strangers: they may open no connection to anybody.
    Outside,
    /// Those who may open connections to everywhere.
    Inside,
    /// Those who may open connections to the outside only.
    Guest,
    /// It can't be told yet: they may open none to the inside.
    Undecided,
    /// The administrator sees to it: neither translated nor let into the inside.
    Ignored,
}

impl Side {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Outside => "outside",
            Self::Inside => "inside",
            Self::Guest => "guest",
            Self::Undecided => "undecided",
            Self::Ignored => "ignored",
        }
    }
}

/// Where an interface stands, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The side.
    pub side: Side,
    /// The reason, for people: what is behind "NAME is outside: ".
    pub why: String,
    /// What the reason is made from.
    #[serde(skip)]
    pub(super) ground: Ground,
}

/// What decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ground {
    Configuration,
    /// A default route.
    Route,
    /// What is remembered, though the kernel says something else now.
    Memory,
    /// An address that was given for a time.
    Lease,
    /// A link with one neighbour, who may be anybody.
    PointToPoint,
    /// An address that somebody has set.
    Address,
    /// The configuration names others.
    NotNamed,
    /// A public address beside private ones.
    PublicAddress,
    /// That of another interface, or of the other family.
    Borrowed,
}

/// Where an interface stands in each family; nothing where nothing is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Standings {
    /// For IPv4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv4: Option<Standing>,
    /// For IPv6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv6: Option<Standing>,
}

impl Standings {
    /// That of one family.
    #[must_use]
    pub fn of(&self, family: Family) -> Option<&Standing> {
        match family {
            Family::Ipv4 => self.ipv4.as_ref(),
            Family::Ipv6 => self.ipv6.as_ref(),
        }
    }

    pub(super) fn of_mut(&mut self, family: Family) -> &mut Option<Standing> {
        match family {
            Family::Ipv4 => &mut self.ipv4,
            Family::Ipv6 => &mut self.ipv6,
        }
    }
}

/// All interfaces, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Decided {
    pub(super) sides: BTreeMap<InterfaceName, Standings>,
    /// What has to be remembered until the next time.
    pub(super) remembered: Vec<Remembered>,
    /// What people should know.
    pub(super) notes: Vec<String>,
}

/// What decisions are made from.
pub(super) struct Facts<'a> {
    pub(super) state: &'a KernelState,
    pub(super) rules: &'a Rules,
    pub(super) links: &'a BTreeMap<u32, &'a Link>,
    pub(super) defaults: &'a Defaults,
}

/// Sorts the interfaces.
pub(super) fn decide(facts: &Facts) -> Decided {
    let mut decided = Decided::default();
    let links = || facts.state.links.iter().filter(|link| !link.loopback);
    let mut sides: BTreeMap<u32, Standings> = BTreeMap::new();
    for link in links() {
        let mut standings = Standings::default();
        for family in [Family::Ipv4, Family::Ipv6] {
            *standings.of_mut(family) = facts.by_itself(link, family, &mut decided.notes);
        }
        sides.insert(link.index, cross::families(facts, link, &standings, &mut decided.notes));
    }
    for (index, standings) in &sides {
        for family in [Family::Ipv4, Family::Ipv6] {
            let side = standings.of(family).and_then(to_remember);
            decided.remembered.extend(side.map(|side| Remembered {
                ifindex: *index,
                family,
                side,
            }));
        }
    }
    cross::devices(facts, &mut sides);
    let names = links().filter_map(|link| Some((link.name.clone(), sides.remove(&link.index)?)));
    decided.sides = names.filter(|(_, it)| *it != Standings::default()).collect();
    facts.add_what_is_only_configured(&mut decided);
    decided
}

/// What of a standing has to be remembered: what the kernel, not the configuration, said.
fn to_remember(standing: &Standing) -> Option<Was> {
    match (standing.side, standing.ground) {
        (Side::Outside, Ground::Route | Ground::Memory) => Some(Was::Outside),
        (Side::Inside, Ground::Address | Ground::Memory) => Some(Was::Inside),
        _ => None,
    }
}

impl Facts<'_> {
    /// Where an interface stands by what is known of itself in one family.
    fn by_itself(&self, link: &Link, family: Family, notes: &mut Vec<String>) -> Option<Standing> {
        if let Some(standing) = self.configured(&link.name) {
            return Some(standing);
        }
        let default = self.defaults.get(&(family, link.index));
        if self.was(link, family) == Some(Was::Outside) {
            return Some(match default {
                Some(default) => standing(Side::Outside, Ground::Route, default.what.clone()),
                None => standing(
                    Side::Outside,
                    Ground::Memory,
                    format!("had {} default route, and is the same interface still", a(family)),
                ),
            });
        }
        match default {
            Some(default) => Some(self.with_default(link, family, default, notes)),
            None => self.by_address(link, family),
        }
    }

    fn with_default(
        &self,
        link: &Link,
        family: Family,
        default: &Default,
        notes: &mut Vec<String>,
    ) -> Standing {
        let Default { what, .. } = default;
        let was_inside = self.was(link, family) == Some(Was::Inside);
        let doubtful = was_inside && self.is_doubtful(link.index, family, default);
        if let Some(address) = self.fixed_address(link, family).filter(|_| doubtful) {
            let name = &link.name;
            notes.push(format!(
                "{name} was inside and has got a default route ({what}): it stays inside. If it \
                 leads outside, say so in netcue.conf: [interface.{name}] side = \"outside\"; if \
                 not, side = \"inside\""
            ));
            let why = format!("up with {}, and its {what} came later", shown(address));
            return standing(Side::Inside, Ground::Memory, why);
        }
        if self.names_others_as_external() {
            let why = format!("{what}, and external in netcue.conf names others");
            return standing(Side::Undecided, Ground::NotNamed, why);
        }
        standing(Side::Outside, Ground::Route, what.clone())
    }

    /// Whether a default route through what was inside may have been made by anybody there: by
    /// an advertisement, or beside a better one, while another interface leads outside.
    fn is_doubtful(&self, index: u32, family: Family, default: &Default) -> bool {
        let mut others = self.defaults.iter().filter(|((_, other), _)| *other != index);
        others.any(|((of, _), other)| {
            default.advertised || (*of == family && other.rank < default.rank)
        })
    }

    fn by_address(&self, link: &Link, family: Family) -> Option<Standing> {
        if !link.up || self.is_port(link) {
            return None;
        }
        let address = self.fixed_address(link, family).or_else(|| {
            let mut own = self.addresses(link, family);
            own.next()
        })?;
        let up = format!("up with {}", shown(address));
        let undecided = |ground, why: String| Some(standing(Side::Undecided, ground, why));
        if link.point_to_point {
            return undecided(
                Ground::PointToPoint,
                format!("{up}, a link to one neighbour, and no default route"),
            );
        }
        if address.leased {
            return undecided(
                Ground::Lease,
                format!("{up}, which was given for a time, and no default route"),
            );
        }
        if self.rules.internal.is_some() {
            let why = format!("{up}, and internal in netcue.conf names others");
            return undecided(Ground::NotNamed, why);
        }
        if self.rules.masquerade && is_public(address.local) && self.has_private_others(link) {
            return undecided(
                Ground::PublicAddress,
                format!("{up}, a public address beside private networks, and no default route"),
            );
        }
        Some(standing(Side::Inside, Ground::Address, format!("{up}, no default route")))
    }

    /// What the configuration says of an interface.
    fn configured(&self, name: &InterfaceName) -> Option<Standing> {
        let rules = self.rules;
        let named = |list: &Option<Vec<InterfaceName>>| {
            list.as_ref().is_some_and(|names| names.contains(name))
        };
        let by = |side, key: &str| {
            Some(standing(side, Ground::Configuration, format!("{key} in netcue.conf")))
        };
        if rules.ignore.contains(name) {
            return by(Side::Ignored, "ignore");
        }
        if let Some(side) = rules.sides.get(name) {
            let side = match side {
                config::Side::Outside => Side::Outside,
                config::Side::Inside => Side::Inside,
                config::Side::Guest => Side::Guest,
                config::Side::Ignore => Side::Ignored,
            };
            return by(side, "side");
        }
        let is_overruled = rules.external_out.is_some() && rules.external_in.is_some();
        for (list, key, side) in [
            (&rules.external_out, "external-out", Side::Outside),
            (&rules.external_in, "external-in", Side::Outside),
            (&rules.external, "external", Side::Outside),
            (&rules.internal, "internal", Side::Inside),
        ] {
            if named(list) && !(key == "external" && is_overruled) {
                return by(side, key);
            }
        }
        None
    }

    fn names_others_as_external(&self) -> bool {
        let Rules { external, external_out, external_in, .. } = self.rules;
        external.is_some() || (external_out.is_some() && external_in.is_some())
    }

    /// An interface that the configuration names need not exist yet, but may be a slip.
    fn add_what_is_only_configured(&self, decided: &mut Decided) {
        let rules = self.rules;
        let lists = [&rules.external, &rules.external_out, &rules.external_in, &rules.internal];
        let listed = lists.into_iter().flatten().flatten().chain(&rules.ignore);
        let mut names: Vec<&InterfaceName> = listed.chain(rules.sides.keys()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let both = |list: &Option<Vec<InterfaceName>>| {
                list.as_ref().is_some_and(|names| names.contains(name))
            };
            if both(&rules.internal) && both(&rules.external) {
                let note = format!("{name} is both internal and external in netcue.conf: external");
                decided.notes.push(note);
            }
            if self.state.links.iter().any(|link| link.name == *name) {
                continue;
            }
            decided.notes.push(format!("{name} is in netcue.conf and does not exist (yet)"));
            let standing = self.configured(name);
            decided
                .sides
                .insert(name.clone(), Standings { ipv4: standing.clone(), ipv6: standing });
        }
    }

    /// On which side the interface was.
    pub(super) fn was(&self, link: &Link, family: Family) -> Option<Was> {
        let remembered = self.state.remembered.iter();
        let mut its = remembered.filter(|it| (it.ifindex, it.family) == (link.index, family));
        its.next().map(|it| it.side)
    }

    /// Whether the device it belongs to speaks for it, as a bridge or bond does and a VRF does
    /// not.
    pub(super) fn is_port(&self, link: &Link) -> bool {
        link.master.is_some_and(|master| {
            self.links.get(&master).and_then(|link| link.kind.as_deref()) != Some("vrf")
        })
    }

    fn addresses(&self, link: &Link, family: Family) -> impl Iterator<Item = &Address> {
        let index = link.index;
        let all = self.state.addresses.iter();
        all.filter(move |address| address.ifindex == index)
            .filter(move |address| Family::of(address.local) == family)
            .filter(|address| !is_link_local(address.local))
    }

    /// The address that somebody has set, of an interface that can have networks inside.
    fn fixed_address(&self, link: &Link, family: Family) -> Option<&Address> {
        let is_able = link.up && !link.point_to_point && !self.is_port(link);
        self.addresses(link, family).find(|address| is_able && !address.leased)
    }

    fn has_private_others(&self, link: &Link) -> bool {
        let mut others = self.state.links.iter().filter(|other| other.index != link.index);
        others.any(|other| {
            let address = self.fixed_address(other, Family::Ipv4);
            !other.loopback && address.is_some_and(|address| !is_public(address.local))
        })
    }
}

pub(super) fn standing(side: Side, ground: Ground, why: String) -> Standing {
    Standing { side, why, ground }
}

fn a(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "a",
        Family::Ipv6 => "an IPv6",
    }
}

fn shown(address: &Address) -> String {
    format!("{}/{}", address.local, address.prefix)
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

/// Whether an IPv4 address is one that the Internet routes, so that nobody has to translate
/// it: none of RFC 1918, and none that carriers share (RFC 6598).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            !(address.is_private() || (first == 100 && second & 0xc0 == 64))
        }
        IpAddr::V6(_) => false,
    }
}
