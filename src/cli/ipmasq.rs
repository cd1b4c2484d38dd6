//! Called as `ipmasq`, in the place of Debian's old program of that name: no arguments
//! mean "recompute, now". The options are those of ipmasq(8).

use std::ffi::OsString;

use clap::Parser;

use crate::answers::rules;
use crate::error::Ended;
use crate::error::Exit;
use crate::paths::Layout;
use crate::pipeline::{self, Caller, House};
use crate::sys::invocation::Invocation;
use crate::sys::terminal;

/// Recomputes the rules, now.
#[derive(Debug, Parser)]
#[command(name = "ipmasq", version)]
struct Args {
    /// Changes nothing; alone it is of use with --display
    #[arg(short, long)]
    no_act: bool,
    /// Shows the rules
    #[arg(short, long)]
    display: bool,
    /// Says what is done
    #[arg(short, long)]
    verbose: bool,
    /// What a caller such as diald appends is recorded, and changes nothing
    #[arg(value_name = "WORD", trailing_var_arg = true)]
    _words: Vec<OsString>,
}

pub(super) fn main(invocation: &Invocation) -> Ended {
    let words = std::iter::once("ipmasq".into()).chain(invocation.words.iter().cloned());
    let args = match Args::try_parse_from(words) {
        Ok(args) => args,
        Err(error) => return super::usage(&error, invocation),
    };
    let layout = Layout::default();
    if !args.no_act {
        let mut house = House::open(layout.clone());
        let arrival = pipeline::recompute(&mut house, Caller::of(invocation));
        house.close();
        if let (true, Some(event)) = (args.verbose, &arrival.event) {
            terminal::show(&format!("event {}: {}\n", event.id, arrival.fate.as_str()))?;
        }
        if arrival.fate.exit() != Exit::Done {
            return Ok(arrival.fate.exit());
        }
    }
    if args.display { rules::show(&layout, false) } else { Ok(Exit::Done) }
}
