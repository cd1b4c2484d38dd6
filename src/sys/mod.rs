//! The ground: the only folder that touches the machine. Everything above it decides
//! over plain data.

pub mod append;
pub mod child;
pub mod clock;
pub mod files;
pub mod folder;
pub mod follow;
mod handover;
pub mod holder;
pub mod identity;
pub mod invocation;
pub mod lock;
pub mod names;
pub mod netlink;
pub mod nftables;
pub mod orphans;
pub mod route;
pub mod screen;
pub mod signals;
pub mod state;
pub mod syslog;
pub mod tail;
pub mod terminal;
pub mod watch;
