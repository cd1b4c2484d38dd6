//! `run`: handles what waits in the queue.

use super::{Ended, Failure};
use crate::error::Exit;
use crate::paths::Layout;
use crate::pipeline::{self, House};
use crate::sys::invocation;

/// What may be said with `run`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Leaves the caller's session first; for netcue itself
    #[arg(long)]
    detached: bool,
    /// Runs one hook that holds nobody; for netcue itself
    #[arg(long, value_name = "JOB", requires = "detached")]
    unattended: Option<String>,
}

pub(super) fn main(layout: &Layout, args: &Args) -> Ended {
    if args.detached {
        invocation::leave_session();
    }
    let mut house = House::open(layout.clone());
    if let Some(job) = &args.unattended {
        let stopped_by = pipeline::attend(&mut house, job);
        return Ok(stopped_by.map_or(Exit::Done, Exit::Signal));
    }
    house.queue.prepare().map_err(Failure::unwritable)?;
    let drained = pipeline::drain(&mut house);
    house.close();
    Ok(match drained.stopped_by {
        Some(signal) => Exit::Signal(signal),
        None if drained.stuck => Exit::CantWrite,
        None if drained.failed.is_empty() => Exit::Done,
        None => Exit::StepFailed,
    })
}
