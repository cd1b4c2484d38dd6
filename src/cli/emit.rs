//! `emit`: an event made by hand.

use crate::error::Exit;
use crate::error::{Ended, Failure};
use crate::event::{Action, Facts, Family};
use crate::paths::Layout;
use crate::pipeline::{self, Caller, House};
use crate::sources::{self, Wait};
use crate::sys::invocation::{self, Invocation};
use crate::sys::terminal;

use super::facts;

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
    #[command(flatten)]
    facts: facts::Options,
}

pub(super) fn main(layout: &Layout, args: Args, invocation: &Invocation) -> Ended {
    let (no_wait, json) = (args.no_wait, args.json);
    let mut facts = if json { from_stdin()? } else { args.facts.facts()? };
    if facts.trigger.as_str().is_empty() {
        facts.trigger = facts::trigger_word();
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

fn from_stdin() -> Result<Facts, Failure> {
    fn wrong(reason: impl std::fmt::Display) -> Failure {
        Failure::new(Exit::NotUnderstood, format!("stdin: {reason}"))
    }
    let content = invocation::read_stdin(LARGEST).map_err(wrong)?;
    let facts = Facts::from_json(&content).map_err(wrong)?;
    facts::contradiction(&facts).map_or(Ok(facts), |reason| Err(wrong(reason)))
}
