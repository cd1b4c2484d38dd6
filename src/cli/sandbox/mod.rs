//! A sandbox in which a network has been made: for `replay` and `try`.

mod network;

use std::path::Path;

use crate::engine::{self, KernelState};
use crate::error::{Exit, Failure};
use crate::paths::Layout;
use crate::sys::sandbox;

use network::StandIn;

/// Lines of ip(8) that are shown.
const MOST_COMPLAINTS: usize = 10;

/// Takes this process into a sandbox with that network, in which the `lent` files can be read
/// wherever they are. Gives back what ip(8) said about what it could not make.
pub(super) fn enter(
    layout: &Layout,
    lent: &[&Path],
    state: &KernelState,
) -> Result<Vec<String>, Failure> {
    sandbox::enter(layout.root(), lent).map_err(|error| Failure::new(Exit::NoPermission, error))?;
    let complaints = make(state).map_err(|error| {
        Failure::new(Exit::Unavailable, format!("ip(8), which makes the interfaces: {error}"))
    })?;
    if !state.remembered.is_empty() {
        engine::remember(&layout.rules(), &state.remembered)
            .map_err(|error| Failure::new(Exit::InputOutput, error))?;
    }
    let complaints = complaints.lines().filter(|line| !line.starts_with("Command failed"));
    Ok(complaints.take(MOST_COMPLAINTS).map(str::to_owned).collect())
}

fn make(state: &KernelState) -> std::io::Result<String> {
    let has_dummies = sandbox::ip_batch(&network::TRY_DUMMY.map(str::to_owned))?.is_empty();
    let stand_in = if has_dummies { StandIn::Dummy } else { StandIn::Veth };
    sandbox::ip_batch(&network::commands(state, stand_in))
}
