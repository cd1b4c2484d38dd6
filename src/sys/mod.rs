//! The ground: the only folder that touches the machine. Everything above it decides
//! over plain data.

pub mod accounts;
pub mod append;
pub mod child;
pub mod clock;
pub mod conntrack;
pub mod files;
pub mod folder;
pub mod follow;
pub mod foreign;
pub mod forward;
mod handover;
pub mod identity;
pub mod inbox;
pub mod inherited;
pub mod invocation;
pub mod legacy;
pub mod lock;
pub mod netlink;
pub mod nexthop;
pub mod nftables;
pub mod output;
pub mod place;
pub mod processes;
pub mod prompt;
pub mod random;
pub mod route;
pub mod sandbox;
pub mod screen;
pub mod signals;
pub mod state;
pub mod syslog;
pub mod tail;
pub mod terminal;
pub mod tool;
pub mod watch;
