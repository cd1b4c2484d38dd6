//! `rules`: shows, compares or applies the rules that the kernel's state calls for.

use std::time::Duration;

use clap::Subcommand;

use crate::answers::rules;
use crate::error::{Ended, Exit, Failure};
use crate::paths::Layout;
use crate::pipeline::trial::{self, Trial};
use crate::pipeline::{self, Caller, House};
use crate::sys::invocation::Invocation;
use crate::sys::terminal;

/// What may be said with `rules`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Prints the rules that are called for now, in nft's syntax
    Show {
        /// Prints JSON for programs
        #[arg(long)]
        json: bool,
    },
    /// Prints how those in force differ from them; status 1 if they do
    Diff,
    /// Puts them in force now, as the event "manual run"
    Apply {
        /// Goes back unless confirmed within that time
        #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86400))]
        confirm: Option<u64>,
        /// Waits for the end of a trial before, if it comes to that
        #[arg(long, conflicts_with = "confirm")]
        after_trial: bool,
    },
    /// Keeps the netcue.conf that is on trial
    Confirm,
}

pub(super) fn main(layout: &Layout, args: &Args, invocation: &Invocation) -> Ended {
    match args.what {
        What::Show { json } => rules::show(layout, json),
        What::Diff => rules::diff(layout),
        What::Apply { confirm: Some(seconds), .. } => try_out(layout, invocation, seconds),
        What::Apply { after_trial: true, .. } if !trial::wait_out(layout) => Ok(Exit::Done),
        What::Apply { .. } => Ok(apply(layout, invocation)),
        What::Confirm => confirm(layout),
    }
}

fn apply(layout: &Layout, invocation: &Invocation) -> Exit {
    let mut house = House::open(layout.clone());
    let arrival = pipeline::recompute(&mut house, Caller::of(invocation).insisting());
    house.close();
    arrival.fate.exit()
}

fn try_out(layout: &Layout, invocation: &Invocation, seconds: u64) -> Ended {
    let time = Duration::from_secs(seconds);
    trial::judge(layout).map_err(|problem| Failure::new(Exit::Configuration, problem))?;
    if !trial::begin(layout, time).map_err(Failure::unwritable)? {
        terminal::show("netcue.conf is the one that holds already: there is nothing to confirm\n")?;
        return Ok(apply(layout, invocation));
    }
    // Before the rules change: from then on nobody may be able to ask for anything.
    if let Err(problem) = trial::watch_over(layout, time) {
        terminal::tell(&format!("{problem}: the first event after that time goes back"));
    }
    let exit = apply(layout, invocation);
    terminal::show(&format!(
        "netcue.conf is on trial for {seconds} s: \"netcue rules confirm\" keeps it\n"
    ))?;
    Ok(exit)
}

fn confirm(layout: &Layout) -> Ended {
    match Trial::read(layout) {
        None => Err(Failure::new(Exit::StepFailed, "nothing is on trial")),
        Some(trial) if trial.is_over() => Err(Failure::new(
            Exit::StepFailed,
            "the time is over, and the former configuration holds: \"netcue rules apply --confirm \
             SECONDS\" tries again",
        )),
        Some(_) => {
            trial::confirm(layout).map_err(Failure::unwritable)?;
            terminal::show("confirmed: netcue.conf holds from now on\n")?;
            Ok(Exit::Done)
        }
    }
}
