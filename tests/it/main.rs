//! Every test that needs no machine, in one binary.
//!
//! `cfg(test)` holds here anyway; it tells clippy that helpers are tests too.

#[cfg(test)]
mod integrations;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod sources;
