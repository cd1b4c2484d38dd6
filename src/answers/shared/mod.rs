//! What several commands need: finding in the journal, and showing to people and programs.

pub(crate) mod cloudevents;
pub(crate) mod filter;
pub(crate) mod json;
pub(crate) mod markup;
pub(crate) mod pace;
pub(crate) mod recorded;
pub(crate) mod redact;
pub(crate) mod search;
pub(crate) mod ssh;
pub(crate) mod table;
pub(crate) mod tar;
pub(crate) mod when;
pub(crate) mod wording;
