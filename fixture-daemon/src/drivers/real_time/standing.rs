//! Units that still lie in a nest since before this process.

use blinkup::Tick;
use fixture_link::identity::LaneId;

use crate::clock::Clock;
use crate::jig::{JigError, Nest};

/// Nests of a simulated jig, which is made anew at every start: those whose verdict was still shown when the last process ended hold
/// their unit until somebody has had the time to lift it.
pub struct StillThere {
    nests: Box<dyn Nest>,
    clock: Clock,
    lanes: Vec<LaneId>,
    until: Tick,
}

impl StillThere {
    /// `lanes` hold their unit until `until`.
    pub fn new(nests: Box<dyn Nest>, clock: Clock, lanes: Vec<LaneId>, until: Tick) -> Self {
        Self {
            nests,
            clock,
            lanes,
            until,
        }
    }
}

impl Nest for StillThere {
    fn occupied(&mut self, lane: LaneId) -> Result<bool, JigError> {
        if self.clock.now() < self.until && self.lanes.contains(&lane) {
            return Ok(true);
        }
        self.nests.occupied(lane)
    }
}
