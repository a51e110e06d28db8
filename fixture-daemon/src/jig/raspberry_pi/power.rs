//! A relay a lane takes and gives the unit's supply.

use embedded_hal::digital::OutputPin;
use fixture_link::identity::LaneId;

use super::gpio::{Gpio, Output};
use crate::config::{Active, PowerParts};
use crate::jig::{JigError, Power, UnitPower};

const PART: &str = "unit power";

/// A relay a lane.
pub struct Relays<P> {
    wired: Vec<(LaneId, P)>,
    on: Active,
}

/// The relays of all lanes, on.
///
/// # Errors
/// A line is not to be had.
pub fn open(gpio: &Gpio, parts: &PowerParts, lanes: &[LaneId]) -> Result<Relays<Output>, JigError> {
    let wired = lanes
        .iter()
        .zip(&parts.pins)
        .map(|(lane, pin)| {
            let line = gpio
                .output(*pin, parts.on.state(true))
                .map_err(|error| failed(*lane, error))?;
            Ok((*lane, line))
        })
        .collect::<Result<_, JigError>>()?;
    Ok(Relays { wired, on: parts.on })
}

#[cfg(test)]
impl<P> Relays<P> {
    /// Relays that are wired so.
    pub fn wired(wired: Vec<(LaneId, P)>, on: Active) -> Self {
        Self { wired, on }
    }
}

impl<P: OutputPin + Send> UnitPower for Relays<P> {
    fn set(&mut self, lane: LaneId, power: Power) -> Result<(), JigError> {
        let state = self.on.state(power == Power::On);
        let (_, relay) = self
            .wired
            .iter_mut()
            .find(|(of, _)| *of == lane)
            .ok_or_else(|| failed(lane, "this lane does not exist on the jig"))?;
        relay
            .set_state(state)
            .map_err(|error| failed(lane, format!("{error:?}")))
    }
}

fn failed(lane: LaneId, what: impl core::fmt::Display) -> JigError {
    JigError::Failed {
        lane,
        part: PART,
        what: what.to_string(),
    }
}
