//! The one shape that every call becomes: the event, as types that carry their checks.
//!
//! What the fields mean is written for users in netcue-event(7); the JSON
//! Schema is `event/event.schema.json` and a test holds it against these types.

mod details;
mod env;
mod facts;
pub mod pattern;
mod words;

pub use details::{Details, Fact};
pub use env::hook_environment;
pub use facts::{Facts, Warning};
pub use words::{Action, Cidr, Family, InterfaceName, SourceName, Text, Unfit};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The name and version of the format, the first field of every event.
pub const SCHEMA: &str = "netcue.event/1";

/// The JSON Schema of an event, as published.
pub const JSON_SCHEMA: &str = include_str!("event.schema.json");

/// How many events may have caused one another before the next is refused as a loop.
pub const LONGEST_CHAIN: u32 = 8;

/// A call, normalised: who said what, when, and what is known about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Always [`SCHEMA`]; events of another version are refused by [`Event::from_json`].
    pub schema: String,
    /// `UUIDv7` (RFC 9562), so that ids sort by time.
    pub id: Uuid,
    /// Wall clock at acceptance, UTC.
    pub time: Timestamp,
    /// `CLOCK_BOOTTIME` at acceptance in nanoseconds: the order of the queue.
    pub boottime_ns: u64,
    /// The kernel's random name of the boot that counts [`Event::boottime_ns`]; none where
    /// /proc is missing, and in events of older versions.
    #[serde(default)]
    pub boot_id: Option<Uuid>,
    /// Who called.
    pub source: SourceName,
    /// What the call said.
    #[serde(flatten)]
    pub facts: Facts,
    /// Kernel index of the interface at acceptance; none when it was gone already.
    #[serde(default)]
    pub ifindex: Option<u32>,
    /// Device and inode of the network namespace of the call, in which it is handled; none
    /// where /proc is missing, and in events of older versions.
    #[serde(default)]
    pub netns: Option<Text>,
    /// The event whose hook made this call.
    #[serde(default)]
    pub caused_by: Option<Uuid>,
    /// The event at the beginning of the chain of causes, if that is young enough to be known.
    #[serde(default)]
    pub first_cause: Option<Uuid>,
    /// How many causes stand before this event; more than [`LONGEST_CHAIN`] is a loop.
    #[serde(default)]
    pub cause_depth: u32,
    /// 1 at first; one more each time a run of this event was interrupted.
    #[serde(default = "first_attempt")]
    pub attempt: u32,
}

fn first_attempt() -> u32 {
    1
}

/// What netcue adds to the facts of a call when it accepts it.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    /// See [`Event::id`].
    pub id: Uuid,
    /// See [`Event::time`].
    pub time: Timestamp,
    /// See [`Event::boottime_ns`].
    pub boottime_ns: u64,
    /// See [`Event::boot_id`].
    pub boot_id: Option<Uuid>,
    /// See [`Event::ifindex`].
    pub ifindex: Option<u32>,
    /// See [`Event::caused_by`] and [`Event::cause_depth`].
    pub cause: Option<Cause>,
}

/// The event whose hook is calling, and how long its own chain of causes is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    /// The causing event.
    pub id: Uuid,
    /// Its `cause_depth`.
    pub depth: u32,
    /// At the beginning of that chain; the causing event itself, if nothing caused it. None
    /// if it is too old to be counted.
    pub first: Option<Uuid>,
}

impl Event {
    /// The fields that acceptance decides, not the call.
    pub(crate) const STAMPED: [&'static str; 12] = [
        "schema",
        "id",
        "time",
        "boottime_ns",
        "boot_id",
        "source",
        "ifindex",
        "netns",
        "caused_by",
        "first_cause",
        "cause_depth",
        "attempt",
    ];

    /// Joins the facts of a call with the stamp of its acceptance.
    #[must_use]
    pub fn new(source: SourceName, facts: Facts, stamp: Stamp) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            id: stamp.id,
            time: stamp.time,
            boottime_ns: stamp.boottime_ns,
            boot_id: stamp.boot_id,
            source,
            facts,
            ifindex: stamp.ifindex,
            netns: None,
            caused_by: stamp.cause.map(|cause| cause.id),
            first_cause: stamp.cause.and_then(|cause| cause.first),
            cause_depth: stamp.cause.map_or(0, |cause| cause.depth.saturating_add(1)),
            attempt: 1,
        }
    }

    /// The event as one line of JSON, as it stands in the queue and on a hook's stdin.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads an event back.
    ///
    /// # Errors
    /// When it is not JSON, a field fails its check, or it has another schema version.
    pub fn from_json(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        use serde::de::Error as _;
        let event: Self = serde_json::from_slice(bytes)?;
        if event.schema == SCHEMA {
            Ok(event)
        } else {
            Err(serde_json::Error::custom(format!(
                "schema is {:?}, this netcue reads {SCHEMA:?}",
                event.schema
            )))
        }
    }
}
