//! What a line of the journal says.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::delta::Delta;
use crate::event::Event;
use crate::reason::Reason;
use crate::sys::state::KernelState;

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When it was written, UTC.
    pub time: Timestamp,
    /// Which event it is about, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<Uuid>,
    /// What happened.
    #[serde(flatten)]
    pub record: Record,
}

/// What happened; the tag is the field `record`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "kebab-case")]
pub enum Record {
    /// A call became an event.
    Accepted {
        /// The event.
        event: Box<Event>,
        /// The command line of the call, our own name first, made short and harmless.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        argv: Vec<String>,
    },
    /// A call was not understood, or would have closed a loop.
    Refused {
        /// Whose call it was, as far as that is known.
        source: Option<String>,
        /// Its trigger, as far as that is known.
        trigger: Option<String>,
        /// Which word, and why.
        reason: Reason,
        /// The command line of the call, as above.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        argv: Vec<String>,
    },
    /// A run begins.
    RunBegin {
        /// 1, or more after an interruption.
        attempt: u32,
        /// Every step, with the reason of each that won't run.
        plan: Vec<PlannedStep>,
        /// The digest of the kernel's state that it met; a `state` record has the rest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<String>,
    },
    /// The kernel's state that a run met, unless an earlier record has the same.
    State {
        /// By which runs refer to it.
        digest: String,
        /// Interfaces, addresses, routes and policy rules.
        state: Box<KernelState>,
    },
    /// The same, told by what is different in a state recorded earlier in the same file.
    StateChange {
        /// By which runs refer to it.
        digest: String,
        /// The digest of the earlier one, which a `state` record has.
        base: String,
        /// What is different.
        change: Box<Delta>,
    },
    /// A step begins.
    StepBegin {
        /// Its name.
        step: String,
    },
    /// A step has ended.
    StepEnd {
        /// Its name.
        step: String,
        /// How.
        #[serde(flatten)]
        end: StepEnd,
    },
    /// The engine made the rules for an event ahead of its turn, and they stand.
    RulesAhead {
        /// How.
        #[serde(flatten)]
        end: StepEnd,
    },
    /// A run has ended.
    Outcome {
        /// How.
        outcome: Outcome,
        /// From acceptance to the beginning of the run, in milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        waited_ms: Option<f64>,
        /// The run itself, in milliseconds.
        ms: f64,
        /// Why, where the outcome alone doesn't say it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
    },
    /// A queue file was set aside.
    SetAside {
        /// Where it is now.
        path: String,
        /// Why.
        reason: Reason,
    },
    /// Something a person should know that belongs to no step.
    Remark {
        /// What.
        text: String,
    },
}

/// A step as planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// Its name.
    pub step: String,
    /// The file behind it; none for the built-in engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Why it won't run; none if it will.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<Reason>,
    /// The newer event for which it will be run instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_to: Option<Uuid>,
}

/// How a step ended, with what it said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepEnd {
    /// In one word.
    pub outcome: StepOutcome,
    /// Exit status, where it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<i32>,
    /// Signal that ended it, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// How long it took, in milliseconds.
    pub ms: f64,
    /// Why, where the outcome alone doesn't say it; earlier versions wrote `reason`.
    #[serde(default, alias = "reason", skip_serializing_if = "Option::is_none")]
    pub failed: Option<Reason>,
    /// Whether processes that it left in its group were ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left_processes: bool,
    /// What it said, within the limit.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub output: String,
    /// Lines of the ruleset that came and went, each behind `+` or `-`; and behind a space
    /// the beginning of the set or chain that those after it are of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
}

impl StepEnd {
    /// An end of which nothing else is known.
    #[must_use]
    pub fn of(outcome: StepOutcome, ms: f64) -> Self {
        Self {
            outcome,
            status: None,
            signal: None,
            ms,
            failed: None,
            left_processes: false,
            output: String::new(),
            changes: Vec::new(),
        }
    }

    /// The end of a step that could not be started.
    #[must_use]
    pub fn not_started(reason: Reason) -> Self {
        Self { failed: Some(reason), ..Self::of(StepOutcome::NotStarted, 0.0) }
    }
}

/// How a step ended, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepOutcome {
    /// Exit status 0, or the rules are as they should be and needed no change.
    Done,
    /// The rules were changed.
    Changed,
    /// Exit status 77: it said that the event is none of its business.
    NotForMe,
    /// Another exit status, or a signal.
    Failed,
    /// It exceeded its limit.
    TimedOut,
    /// It could not be started.
    NotStarted,
    /// netcue was asked to stop meanwhile; it is run again.
    Interrupted,
    /// It runs on by itself (`wait=no`); another `step-end` tells how that ended.
    Started,
}

impl StepOutcome {
    /// Whether this is a reason to call the run failed.
    #[must_use]
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::TimedOut | Self::NotStarted)
    }

    /// The word as the journal has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Changed => "changed",
            Self::NotForMe => "not-for-me",
            Self::Failed => "failed",
            Self::TimedOut => "timed-out",
            Self::NotStarted => "not-started",
            Self::Interrupted => "interrupted",
            Self::Started => "started",
        }
    }
}

/// How an event ended, in one word: each accepted event gets exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every step that was to run did.
    Done,
    /// A step failed; the others ran.
    Failed,
    /// A known trigger without network meaning: nothing ran.
    Ignored,
    /// The source is switched off: nothing ran.
    Disabled,
    /// Its runs died too often, or its file is broken: set aside.
    GivenUp,
}

impl Outcome {
    /// The word as the journal has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Ignored => "ignored",
            Self::Disabled => "disabled",
            Self::GivenUp => "given-up",
        }
    }
}
