//! `from`, and calls by a link: the way in for every source.

use std::ffi::OsString;

use crate::answers::plan;
use crate::error::Ended;
use crate::error::Exit;
use crate::paths::Layout;
use crate::pipeline::{self, Caller, House};
use crate::sources::{self, Reading, Refusal, Standing};
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
        plan::show(layout, &args.words, invocation, false)
    } else {
        Ok(plain(layout, &args.words, invocation))
    }
}

/// `from SOURCE …`: the words after `from`.
pub(super) fn plain(layout: &Layout, words: &[OsString], invocation: &Invocation) -> Exit {
    take_in(layout, pipeline::read_words(words, invocation), invocation)
}

/// Called by a link in a place where a source looks for its hook.
pub(super) fn by_link(standing: &Standing, invocation: &Invocation) -> Exit {
    take_in(
        &Layout::default(),
        pipeline::read_words_at(standing, &invocation.words, invocation),
        invocation,
    )
}

/// Called by a link in the hook folder of a program that is none of our sources. Whoever put
/// it there reads of it here; the program that runs it may take a failure for a reason not to
/// bring an interface up.
pub(super) fn by_strange_link(invocation: &Invocation) -> Exit {
    let mut house = House::open(Layout::default());
    let refusal = sources::no_place(&invocation.argv0);
    let arrival = pipeline::refuse_call(&mut house, &refusal, Caller::of(invocation));
    let exit = if house.config.strict { arrival.fate.exit() } else { Exit::Done };
    house.close();
    exit
}

fn take_in(layout: &Layout, read: Result<Reading, Refusal>, invocation: &Invocation) -> Exit {
    if read.as_ref().is_ok_and(Reading::is_nothing) {
        // Neither configuration nor journal are opened for what comes by the second.
        return Exit::Done;
    }
    let mut house = House::open(layout.clone());
    let (arrival, harms) = match read {
        Ok(reading) => {
            let wait = reading.trigger.wait;
            (pipeline::arrive(&mut house, reading, Caller::of(invocation), wait), false)
        }
        Err(refusal) => {
            let source = refusal.source_name.and_then(sources::find);
            let harms = source.is_some_and(|source| source.manners.minds_refusals);
            (pipeline::refuse_call(&mut house, &refusal, Caller::of(invocation)), harms)
        }
    };
    let strict = house.config.strict;
    let exit = if harms && !strict { Exit::Done } else { arrival.fate.exit_for_source(strict) };
    house.close();
    exit
}
