//! `watch`: hears what the kernel tells everybody.

use crate::error::{Ended, Exit};
use crate::paths::Layout;
use crate::pipeline;

/// What may be said with `watch`: nothing.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn main(layout: &Layout, _: &Args) -> Ended {
    pipeline::watch(layout)?;
    Ok(Exit::Done)
}
