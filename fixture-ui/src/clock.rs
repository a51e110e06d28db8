//! The clocks: the only place of this crate that reads one.

use core::time::Duration;

use blinkup::Tick;
use jiff::Timestamp;
use nix::time::{ClockId, clock_gettime};

/// The process's clocks. Cheap to copy; every copy counts from the same start.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Duration,
    /// A wall clock that stands still.
    #[cfg(test)]
    stands: Option<Timestamp>,
}

impl Clock {
    /// A clock whose ticks count from now.
    pub fn start() -> Self {
        Self {
            start: since_boot(),
            #[cfg(test)]
            stands: None,
        }
    }

    /// The same with a wall clock that stands still (microseconds since 1970 UTC).
    ///
    /// # Panics
    /// That is beyond the calendar.
    #[cfg(test)]
    pub fn standing_at(micros: i64) -> Self {
        Self {
            stands: Some(Timestamp::from_microsecond(micros).unwrap()),
            ..Self::start()
        }
    }

    /// The monotonic clock.
    pub fn now(&self) -> Tick {
        Tick::ZERO + since_boot().saturating_sub(self.start)
    }

    /// A moment on the system's monotonic clock, which every process of the machine shares.
    pub fn since_boot_at(&self, at: Tick) -> Duration {
        self.start + at.since(Tick::ZERO)
    }

    /// The wall clock, to be written down only.
    #[expect(clippy::disallowed_methods, reason = "this file owns the clocks")]
    pub fn wall(&self) -> Timestamp {
        #[cfg(test)]
        if let Some(stands) = self.stands {
            return stands;
        }
        Timestamp::now()
    }
}

fn since_boot() -> Duration {
    Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC).expect("Linux has had a monotonic clock since 2.6"))
}
