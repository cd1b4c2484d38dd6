//! What several commands need: finding in the journal, and showing to people and programs.

pub(super) mod cloudevents;
pub(super) mod filter;
pub(super) mod json;
pub(super) mod pace;
pub(super) mod recorded;
pub(super) mod redact;
pub(super) mod search;
pub(super) mod table;
pub(super) mod tar;
pub(super) mod when;
pub(super) mod wording;
