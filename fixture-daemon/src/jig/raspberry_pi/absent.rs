//! Parts that a jig is without.

use fixture_link::identity::LaneId;

use crate::engine::effect::Signal;
use crate::jig::{JigError, Power, Scan, Scanner, Signals, UnitPower};

/// Stands where the configuration names no part: nothing is ever scanned, switched or shown.
pub struct Absent;

impl Scanner for Absent {
    fn next(&mut self) -> Result<Option<Scan>, JigError> {
        Ok(None)
    }
}

impl UnitPower for Absent {
    /// The engine never asks: without relays, its lanes say that the nest powers the unit.
    fn set(&mut self, lane: LaneId, _: Power) -> Result<(), JigError> {
        Err(JigError::Failed {
            lane,
            part: "unit power",
            what: "this jig has no relays".to_owned(),
        })
    }
}

impl Signals for Absent {
    fn show(&mut self, _: LaneId, _: Signal) -> Result<(), JigError> {
        Ok(())
    }
}
