//! Whether whoever asks does so over a connection that the rules would cut.

use std::net::IpAddr;

use crate::config::{Ports, Rules, Transport};
use crate::engine;
use crate::paths::Layout;
use crate::sys::processes;

/// That the ssh session in which this runs is cut where these rules protect the machine, and
/// what to write.
///
/// A connection that the kernel has not tracked from its beginning is a new one to the rules,
/// so not even the session that is there survives for sure.
#[must_use]
pub(crate) fn cut(layout: &Layout, rules: &Rules) -> Option<String> {
    if !rules.protect {
        return None;
    }
    // sshd(8): the address and port of the client, then those of the server.
    let session = processes::inherited_variable("SSH_CONNECTION")?;
    let mut words = session.split_whitespace();
    let client: IpAddr = words.next()?.parse().ok()?;
    let port: u16 = words.nth(2)?.parse().ok()?;
    let state = engine::state(&layout.rules()).ok()?;
    let classes = engine::classify(&state, rules);
    let asked = Ports::one(Transport::Tcp, port);
    engine::is_shut_out(&classes, rules, client, asked).then(|| {
        format!(
            "protect in netcue.conf cuts ssh from {client}, by which you are here: it needs open \
             = [\"{asked} from {client}\"]"
        )
    })
}
