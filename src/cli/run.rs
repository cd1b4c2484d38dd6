//! `run`: handles what waits in the queue.

use std::time::Duration;

use crate::error::Exit;
use crate::error::{Ended, Failure};
use crate::paths::Layout;
use crate::pipeline::{self, House};
use crate::sys::{invocation, signals};

/// What may be said with `run`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option, and at most two are given")]
pub(super) struct Args {
    /// Leaves the caller's session first; for netcue itself
    #[arg(long)]
    detached: bool,
    /// Runs the hooks that hold nobody and wait; for netcue itself
    #[arg(long, requires = "detached")]
    unattended: bool,
    /// Looks at the rules again when an interface goes; for netcue itself
    #[arg(long, requires = "detached", conflicts_with = "unattended")]
    follow_up: bool,
    /// Stays until nothing is left; for netcue-queue.service
    #[arg(long, conflicts_with = "detached")]
    until_empty: bool,
}

pub(super) fn main(layout: &Layout, args: &Args) -> Ended {
    if args.detached {
        signals::hold_back();
        invocation::leave_session();
    }
    let mut house = House::open(layout.clone());
    if args.unattended {
        let stopped_by = pipeline::run_unattended(&mut house);
        return Ok(stopped_by.map_or(Exit::Done, Exit::Signal));
    }
    if args.follow_up {
        let stopped_by = pipeline::follow_up(&mut house).map_err(Failure::unwritable)?;
        return Ok(stopped_by.map_or(Exit::Done, Exit::Signal));
    }
    house.queue.prepare().map_err(Failure::unwritable)?;
    let drained = if args.until_empty {
        pipeline::until_empty(&mut house)
    } else {
        // Nobody waits for a detached run.
        let patience = Duration::from_secs(if args.detached { 60 } else { 1 });
        pipeline::drain(&mut house, patience)
    };
    house.close();
    Ok(match drained.stopped_by {
        Some(signal) => Exit::Signal(signal),
        None if drained.stuck => Exit::CantWrite,
        None if drained.failed.is_empty() => Exit::Done,
        None => Exit::StepFailed,
    })
}
