//! What time it is: by the wall, since boot, and for measuring.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use nix::poll::PollTimeout;
use nix::time::{ClockId, clock_gettime};

/// Wall clock, UTC.
#[must_use]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// `CLOCK_BOOTTIME` in nanoseconds: never set back, and goes on through suspend.
#[must_use]
pub fn boottime_ns() -> u64 {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(0, |time| {
        let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
        let nanoseconds = u64::try_from(time.tv_nsec()).unwrap_or(0);
        seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds)
    })
}

/// Measures how long something takes.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Milliseconds since the start, with three decimals.
    #[must_use]
    pub fn milliseconds(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a run lasts far less than 2^52 µs")]
        let microseconds = self.0.elapsed().as_micros() as f64;
        microseconds / 1000.0
    }
}

/// Sleeps, where nothing tells of what is waited for.
pub fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

/// The time until `until` as poll(2) wants it, rounded up; none waits for ever.
#[must_use]
pub(super) fn timeout_until(until: Option<Instant>) -> PollTimeout {
    let Some(until) = until else { return PollTimeout::NONE };
    let left = until.saturating_duration_since(Instant::now());
    let milliseconds = left.as_micros().div_ceil(1000);
    i32::try_from(milliseconds)
        .ok()
        .and_then(|milliseconds| milliseconds.try_into().ok())
        .unwrap_or(PollTimeout::MAX)
}
