//! The nests' presence switches. What bounces is debounced by whoever watches them.

use embedded_hal::digital::InputPin;
use fixture_link::identity::LaneId;

use super::gpio::{Gpio, Input};
use crate::config::{Active, NestParts};
use crate::jig::{JigError, Nest};

const PART: &str = "nest";

/// A switch a lane.
pub struct Switches<P> {
    wired: Vec<(LaneId, P)>,
    closed: Active,
}

/// The switches of all lanes.
///
/// # Errors
/// A line is not to be had.
pub fn open(gpio: &Gpio, parts: &NestParts, lanes: &[LaneId]) -> Result<Switches<Input>, JigError> {
    let wired = lanes
        .iter()
        .zip(&parts.pins)
        .map(|(lane, pin)| {
            let line = gpio
                .input(*pin, parts.closed.pull())
                .map_err(|error| failed(*lane, error))?;
            Ok((*lane, line))
        })
        .collect::<Result<_, JigError>>()?;
    Ok(Switches {
        wired,
        closed: parts.closed,
    })
}

impl<P: InputPin + Send> Nest for Switches<P> {
    fn occupied(&mut self, lane: LaneId) -> Result<bool, JigError> {
        let (_, switch) = self
            .wired
            .iter_mut()
            .find(|(of, _)| *of == lane)
            .ok_or_else(|| failed(lane, "this lane does not exist on the jig"))?;
        let high = switch.is_high().map_err(|error| failed(lane, format!("{error:?}")))?;
        Ok(high == (self.closed == Active::High))
    }
}

fn failed(lane: LaneId, what: impl core::fmt::Display) -> JigError {
    JigError::Failed {
        lane,
        part: PART,
        what: what.to_string(),
    }
}
