//! The answers: what happened, why, how things stand, and what would happen; a file or folder per
//! question. Nothing here changes anything.

pub(crate) mod capture;
pub(crate) mod checks;
pub(crate) mod doctor;
pub(crate) mod history;
pub(crate) mod hooks;
pub(crate) mod metrics;
pub(crate) mod plan;
pub(crate) mod report;
pub(crate) mod rules;
pub(crate) mod shared;
pub(crate) mod sources;
pub(crate) mod status;
pub(crate) mod timeline;
pub(crate) mod why;

pub use shared::json::SCHEMAS;
