//! `from`, and calls by a link: the way in for every source.

use std::ffi::OsString;
use std::time::Duration;

use super::{Ended, call};
use crate::error::Exit;
use crate::paths::Layout;
use crate::pipeline::{self, Caller, House};
use crate::sources::{self, Call, Reading, Refusal, Source, Standing};
use crate::sys::invocation::{self, Invocation};

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
    take_in(layout, read(words, invocation), invocation)
}

/// Called by a link in a place where a source looks for its hook.
pub(super) fn by_link(standing: &Standing, invocation: &Invocation) -> Exit {
    take_in(&Layout::default(), read_at(standing, &invocation.words, invocation), invocation)
}

/// Reads the words after `from`.
pub(super) fn read(words: &[OsString], invocation: &Invocation) -> Result<Reading, Refusal> {
    let call = call(words, invocation);
    let source = sources::named(&call)?;
    source.read(&Call { stdin: &said_on_stdin(source), ..call }.after(1))
}

/// Reads the words of a call by a link.
pub(super) fn read_at(
    standing: &Standing,
    words: &[OsString],
    invocation: &Invocation,
) -> Result<Reading, Refusal> {
    let call = call(words, invocation);
    standing.read(&Call { stdin: &said_on_stdin(standing.source(&call)), ..call })
}

/// Most of what a source says on stdin that is kept: libvirt's largest network has a few
/// hundred leases.
const MOST_STDIN: usize = 256 * 1024;

/// How long a source may take to say it.
const STDIN_WITHIN: Duration = Duration::from_secs(2);

/// What the caller says on stdin, if it is one that does. Of any other, stdin is none of
/// ours: it may be a console, or a modem.
fn said_on_stdin(source: &Source) -> Vec<u8> {
    if source.manners.speaks_on_stdin {
        invocation::said_on_stdin(MOST_STDIN, STDIN_WITHIN)
    } else {
        Vec::new()
    }
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
