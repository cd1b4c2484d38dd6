//! All tests that look at netcue from outside, in one binary: the real program, the real
//! kernel and real peers, in throw-away roots and network namespaces.
//!
//! `cfg(test)` holds here anyway; it tells clippy that helpers are tests too.

#[cfg(test)]
mod call;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod engine;
#[cfg(test)]
mod integrations;
#[cfg(test)]
mod lock;
#[cfg(test)]
mod pipeline;
#[cfg(test)]
mod places;
#[cfg(test)]
mod protocol;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod signals;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod tracer;
#[cfg(test)]
mod traffic;
