//! What the kernel's own news come to: which interface is different from what was told last,
//! whether somebody else has told of it, and how often rules are put back. Pure.

mod compare;
mod guard;
mod memory;
mod picture;

pub use compare::{Difference, Kind, differences, is_told_by};
pub use guard::{Budget, Fight, Ruling};
pub use memory::Memory;
pub use picture::{Interface, Picture};
