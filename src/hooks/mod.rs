//! Hooks: find them in their folders, judge whether they may run, and say what they are given
//! and what their end means.

mod adopted;
mod contract;
mod find;
mod interpreter;
mod judge;
mod trust;

pub use contract::{Called, NOT_FOR_ME, Setting, Sides, settings, start, why_not_started};
pub use find::{Found, MISNAMED, Survey, find, find_adopted, find_named};
pub use judge::{Judgement, Start, judge_hook, why_not_run};
pub use trust::{Distrust, judge, judge_program};
