//! Hooks: find them in their folders, judge whether they may run, run them, and say how
//! that ended.

mod find;
mod run;
mod trust;

pub use find::{Found, Judgement, Survey, find, judge_hook};
pub use run::{HookCall, HookEnd, HookOutcome, run};
pub use trust::{Distrust, Reason, judge, judge_program};
