//! Units that still lie in a nest since before this process.

use blinkup::Tick;
use fixture_link::identity::LaneId;

use crate::clock::Clock;
use crate::jig::{JigError, Nest};

/// Nests of a simulated jig, which is made anew at every start: those whose verdict was still shown when the last process ended hold
/// their unit until somebody has had the time to lift it.
pub struct StillThere<N> {
    nests: N,
    clock: Clock,
    lanes: Vec<LaneId>,
    until: Tick,
}

impl<N: Nest> StillThere<N> {
    /// `lanes` hold their unit until `until`.
    pub fn new(nests: N, clock: Clock, lanes: Vec<LaneId>, until: Tick) -> Self {
        Self {
            nests,
            clock,
            lanes,
            until,
        }
    }
}

impl<N: Nest> Nest for StillThere<N> {
    fn occupied(&mut self, lane: LaneId) -> Result<bool, JigError> {
        if self.clock.now() < self.until && self.lanes.contains(&lane) {
            return Ok(true);
        }
        self.nests.occupied(lane)
    }
}
