//! The facts of an event made by hand, as options: for `emit` and `try`.

use std::net::IpAddr;

use crate::error::{Exit, Failure};
use crate::event::{Action, Cidr, Facts, Family, InterfaceName, Text};

/// What may be said of it.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// pre-up up pre-down down change boot rules; else manual
    #[arg(long, value_parser = known_action)]
    action: Option<Action>,
    /// The interface it is about
    #[arg(long, value_name = "NAME")]
    interface: Option<InterfaceName>,
    /// ipv4 or ipv6; else the family of --local
    #[arg(long, value_parser = family)]
    family: Option<Family>,
    /// Our own address
    #[arg(long, value_name = "ADDRESS")]
    local: Option<IpAddr>,
    /// The other end's address
    #[arg(long, value_name = "ADDRESS")]
    remote: Option<IpAddr>,
    /// Prefix length of the local network
    #[arg(long, value_name = "BITS", value_parser = clap::value_parser!(u8).range(0..=128))]
    prefix: Option<u8>,
    /// Next hop
    #[arg(long, value_name = "ADDRESS")]
    gateway: Option<IpAddr>,
    /// One of several addresses; may be repeated
    #[arg(long = "address", value_name = "ADDRESS/BITS")]
    addresses: Vec<Cidr>,
    /// A name server; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    dns: Vec<IpAddr>,
    /// A fact of your own; may be repeated
    #[arg(long = "detail", value_name = "NAME=VALUE")]
    details: Vec<String>,
}

fn known_action(word: &str) -> Result<Action, String> {
    Action::KNOWN
        .into_iter()
        .find(|known| known.as_str() == word)
        .ok_or_else(|| format!("there are {}", Action::KNOWN.map(String::from).join(" ")))
}

fn family(word: &str) -> Result<Family, String> {
    match word {
        "ipv4" => Ok(Family::Ipv4),
        "ipv6" => Ok(Family::Ipv6),
        _ => Err("there are ipv4 and ipv6".to_owned()),
    }
}

impl Options {
    /// Whether nothing was said.
    pub(super) fn is_empty(&self) -> bool {
        let Self { action, interface, family, local, remote, prefix, gateway, .. } = self;
        action.is_none()
            && interface.is_none()
            && family.is_none()
            && [local, remote, gateway].iter().all(|address| address.is_none())
            && prefix.is_none()
            && self.addresses.is_empty()
            && self.dns.is_empty()
            && self.details.is_empty()
    }

    /// The facts, of an event of the action `manual` if no other was named.
    pub(super) fn facts(self) -> Result<Facts, Failure> {
        let mut facts = Facts::of(trigger_word(), Some(self.action.unwrap_or(Action::Manual)));
        facts.family = self.family.or_else(|| self.local.map(Family::of));
        facts.interface = self.interface;
        facts.local = self.local;
        facts.remote = self.remote;
        facts.prefix = self.prefix;
        facts.gateway = self.gateway;
        facts.addresses = (!self.addresses.is_empty()).then_some(self.addresses);
        facts.dns = (!self.dns.is_empty()).then_some(self.dns);
        if let Some(reason) = contradiction(&facts) {
            return Err(Failure::new(Exit::Usage, format!("--{reason}")));
        }
        for detail in &self.details {
            let wrong =
                |reason: &str| Failure::new(Exit::Usage, format!("--detail {detail:?}: {reason}"));
            let (name, value) =
                detail.split_once('=').ok_or_else(|| wrong("wanted is NAME=VALUE"))?;
            let text: Text = value.parse().map_err(|unfit| wrong(&format!("{unfit}")))?;
            facts
                .details
                .insert(name, crate::event::Fact::Text(text))
                .map_err(|unfit| wrong(&unfit.0))?;
        }
        Ok(facts)
    }
}

/// What can't be true of one event.
pub(super) fn contradiction(facts: &Facts) -> Option<String> {
    let family = facts.family.or_else(|| facts.local.map(Family::of))?;
    // A gateway may be of the other family (RFC 5549), the two ends of a link may not.
    for (name, address) in [("local", facts.local), ("remote", facts.remote)] {
        if let Some(address) = address.filter(|address| Family::of(*address) != family) {
            return Some(format!("{name} {address} is not an {} address", family.as_str()));
        }
    }
    let longest = if family == Family::Ipv4 { 32 } else { 128 };
    facts
        .prefix
        .filter(|prefix| *prefix > longest)
        .map(|prefix| format!("prefix {prefix} is longer than an {} address", family.as_str()))
}

pub(super) fn trigger_word() -> Text {
    "emit".parse().unwrap_or_default()
}
