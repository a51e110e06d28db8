//! Whether what was heard from the daemon still stands.

use core::time::Duration;
use std::sync::Arc;

use blinkup::Tick;
use fixture_link::snapshot::Snapshot;

/// How old the newest snapshot may be and still count as live. The daemon sends one at least every 500 ms; with the 250 ms
/// between two looks at the clock, silence is shown within two seconds.
pub const STALE_AFTER: Duration = Duration::from_millis(1500);

/// The newest that was heard from the daemon.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// The newest snapshot, and when it came.
    pub snapshot: Option<(Arc<Snapshot>, Tick)>,
    /// What broke the link after that, if it is broken.
    pub trouble: Option<String>,
}

/// What that is worth now.
#[derive(Debug, Clone, Copy)]
pub enum Standing<'a> {
    /// The snapshot is live.
    Live(&'a Snapshot),
    /// The daemon is silent.
    Gone {
        /// The last snapshot, for the fixture's name and badges only.
        last: Option<&'a Snapshot>,
        /// How long ago that came.
        silent: Option<Duration>,
        /// What broke the link; empty where it only fell silent.
        why: &'a str,
    },
}

impl Heard {
    /// What was heard is worth this at `now`.
    pub fn standing(&self, now: Tick) -> Standing<'_> {
        let last = self.snapshot.as_ref().map(|(snapshot, _)| snapshot.as_ref());
        let silent = self.snapshot.as_ref().map(|(_, at)| now.since(*at));
        match (last, silent, &self.trouble) {
            (Some(snapshot), Some(silent), None) if silent <= STALE_AFTER => Standing::Live(snapshot),
            (_, _, trouble) => Standing::Gone {
                last,
                silent,
                why: trouble.as_deref().unwrap_or(""),
            },
        }
    }
}
