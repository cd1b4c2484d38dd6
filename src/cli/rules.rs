//! `rules`: shows, compares or applies the rules that the kernel's state calls for.

use clap::Subcommand;

use crate::answers::rules;
use crate::error::{Ended, Exit};
use crate::paths::Layout;
use crate::pipeline::{self, Caller, House};
use crate::sys::invocation::Invocation;

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
    Apply,
}

pub(super) fn main(layout: &Layout, args: &Args, invocation: &Invocation) -> Ended {
    match args.what {
        What::Show { json } => rules::show(layout, json),
        What::Diff => rules::diff(layout),
        What::Apply => Ok(apply(layout, invocation)),
    }
}

fn apply(layout: &Layout, invocation: &Invocation) -> Exit {
    let mut house = House::open(layout.clone());
    let arrival = pipeline::recompute(&mut house, Caller::of(invocation).insisting());
    house.close();
    arrival.fate.exit()
}
