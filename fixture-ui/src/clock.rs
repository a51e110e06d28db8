//! The clocks: the only place of this crate that reads one.

use std::time::Instant;

use blinkup::Tick;
use jiff::Timestamp;

/// The process's clocks. Cheap to copy; every copy counts from the same start.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock whose ticks count from now.
    #[expect(clippy::disallowed_methods, reason = "this file owns the clocks")]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// The monotonic clock.
    pub fn now(&self) -> Tick {
        Tick::ZERO + self.start.elapsed()
    }

    /// The wall clock, to be written down only.
    #[expect(clippy::disallowed_methods, reason = "this file owns the clocks")]
    pub fn wall(&self) -> Timestamp {
        Timestamp::now()
    }
}
