//! The only folder that touches the machine.

mod handover;
pub mod identity;
pub mod netlink;
pub mod nftables;
pub mod route;
pub mod state;
pub mod whole_file;
