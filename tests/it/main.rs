//! Tests against the real kernel, in network namespaces of their own.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that can't go on ends there, and says so"
)]

mod engine;
mod places;
mod traffic;
