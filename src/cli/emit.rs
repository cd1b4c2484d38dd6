//! `emit`: an event made by hand.

use std::net::IpAddr;

use crate::error::Exit;
use crate::error::{Ended, Failure};
use crate::event::{Action, Cidr, Facts, Family, InterfaceName, Text};
use crate::paths::Layout;
use crate::pipeline::{self, Caller, House};
use crate::sources::{self, Wait};
use crate::sys::invocation::{self, Invocation};
use crate::sys::terminal;

/// Largest event on stdin, in bytes.
const LARGEST: u64 = 64 * 1024;

/// What may be said with `emit`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Reads the facts as JSON; see netcue-event(7)
    #[arg(long, conflicts_with_all = ["action", "interface", "family", "local", "remote", "prefix",
        "gateway", "addresses", "dns", "details"])]
    json: bool,
    /// Only queues the event and returns at once
    #[arg(long)]
    no_wait: bool,
    /// pre-up up pre-down down change boot rules; else manual
    #[arg(long, default_value = "manual", hide_default_value = true, value_parser = known_action)]
    action: Action,
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

pub(super) fn main(layout: &Layout, args: Args, invocation: &Invocation) -> Ended {
    let (no_wait, json) = (args.no_wait, args.json);
    let mut facts = if json { from_stdin()? } else { from_options(args)? };
    if facts.trigger.as_str().is_empty() {
        facts.trigger = trigger_word();
    }
    facts.family = facts.family.or_else(|| facts.local.map(Family::of));
    if facts.action.is_none() {
        facts.action = Some(Action::Manual);
    }
    let mut house = House::open(layout.clone());
    let wait = if no_wait { Wait::Deposit } else { Wait::InPlace };
    let reading = sources::manual_emit(facts);
    let arrival = pipeline::arrive(&mut house, reading, Caller::of(invocation), wait);
    house.close();
    if let Some(event) = &arrival.event {
        terminal::show(&format!("{} {}\n", event.id, arrival.fate.as_str()))?;
    }
    Ok(arrival.fate.exit())
}

fn from_options(args: Args) -> Result<Facts, Failure> {
    let mut facts = Facts::of(trigger_word(), Some(args.action));
    facts.family = args.family;
    facts.interface = args.interface;
    facts.local = args.local;
    facts.remote = args.remote;
    facts.prefix = args.prefix;
    facts.gateway = args.gateway;
    facts.addresses = (!args.addresses.is_empty()).then_some(args.addresses);
    facts.dns = (!args.dns.is_empty()).then_some(args.dns);
    if let Some(reason) = contradiction(&facts) {
        return Err(Failure::new(Exit::Usage, format!("--{reason}")));
    }
    for detail in &args.details {
        let wrong =
            |reason: &str| Failure::new(Exit::Usage, format!("--detail {detail:?}: {reason}"));
        let (name, value) = detail.split_once('=').ok_or_else(|| wrong("wanted is NAME=VALUE"))?;
        let text: Text = value.parse().map_err(|unfit| wrong(&format!("{unfit}")))?;
        facts
            .details
            .insert(name, crate::event::Fact::Text(text))
            .map_err(|unfit| wrong(&unfit.0))?;
    }
    Ok(facts)
}

/// What can't be true of one event.
fn contradiction(facts: &Facts) -> Option<String> {
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

fn trigger_word() -> Text {
    "emit".parse().unwrap_or_default()
}

fn from_stdin() -> Result<Facts, Failure> {
    fn wrong(reason: impl std::fmt::Display) -> Failure {
        Failure::new(Exit::NotUnderstood, format!("stdin: {reason}"))
    }
    let content = invocation::read_stdin(LARGEST).map_err(wrong)?;
    let facts = Facts::from_json(&content).map_err(wrong)?;
    contradiction(&facts).map_or(Ok(facts), |reason| Err(wrong(reason)))
}
