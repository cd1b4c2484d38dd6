//! netcue: every network event arrives here, and from here rules and scripts are set going.
//!
//! The modules stand in the order in which an event passes through them. The
//! library exists for the program, its tests and its benchmarks; its face
//! carries no promise of stability.

pub mod cli;
pub mod answers;
pub mod pipeline;

pub mod sources;
pub mod event;
pub mod profiles;
pub mod queue;
pub mod plan;
pub mod watch;
pub mod engine;
pub mod hooks;
pub mod journal;

pub mod config;
pub mod error;
pub mod integrate;
pub mod paths;
pub mod reason;
pub mod sys;
