//! `from`, and calls by a link: the way in for every source.

use std::ffi::OsString;

use super::{Ended, call};
use crate::error::Exit;
use crate::paths::Layout;
use crate::pipeline::{self, Caller, House};
use crate::sources::{self, Reading, Refusal, Source, Trigger};
use crate::sys::invocation::Invocation;

/// What may be said with `from`.
#[derive(Debug, clap::Args)]
#[command(override_usage = "netcue from [--dry-run] SOURCE TRIGGER [WORD]...")]
pub(super) struct Args {
    /// Shows what plan would show, and changes nothing
    #[arg(long)]
    dry_run: bool,
    /// The source, its trigger, and what it says
    #[arg(
        value_name = "CALL",
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    words: Vec<OsString>,
}

pub(super) fn main(layout: &Layout, args: &Args, invocation: &Invocation) -> Ended {
    if args.dry_run {
        super::plan::show(layout, &args.words, invocation, false)
    } else {
        Ok(plain(layout, &args.words, invocation))
    }
}

/// `from SOURCE …`: the words after `from`.
pub(super) fn plain(layout: &Layout, words: &[OsString], invocation: &Invocation) -> Exit {
    take_in(layout, sources::read_from(&call(words, invocation)), invocation)
}

/// Called by a link in a place where a source looks for its hook.
pub(super) fn by_link(
    source: &'static Source,
    trigger: &'static Trigger,
    invocation: &Invocation,
) -> Exit {
    let call = call(&invocation.words, invocation);
    take_in(&Layout::default(), sources::read(source, trigger, &call), invocation)
}

fn take_in(layout: &Layout, read: Result<Reading, Refusal>, invocation: &Invocation) -> Exit {
    let mut house = House::open(layout.clone());
    let arrival = match read {
        Ok(reading) => {
            let wait = reading.trigger.wait;
            pipeline::arrive(&mut house, reading, Caller::of(invocation), wait)
        }
        Err(refusal) => pipeline::refuse_call(&mut house, &refusal, Caller::of(invocation)),
    };
    let exit = arrival.fate.exit_for_source(house.config.strict);
    house.close();
    exit
}
