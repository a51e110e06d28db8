//! The jig on a Raspberry Pi: every part behind its trait, wired as `[jig.raspberry_pi]` says.
//!
//! Opening takes what the system must give (lines, buses, channels) and fails when it does not; a part that does not answer on its bus
//! is looked for again while the fixture runs.

mod absent;
mod bus;
#[cfg(test)]
mod faults;
pub mod gpio;
pub mod lamp;
#[cfg(test)]
pub mod model;
pub mod nest;
pub mod pins;
pub mod power;
pub mod sensor;

use blinkup::Tick;
use fixture_link::identity::LaneId;

use self::absent::Absent;
use self::gpio::Gpio;
use self::lamp::curve::Curve;
use super::{JigError, Parts, UnitPower};
use crate::config::RaspberryPi;

/// Takes the whole jig into use. `curves` is what commissioning measured of each lamp, in order of lane.
///
/// # Errors
/// This machine is no Raspberry Pi, or does not have what the configuration names.
pub fn open(
    config: &RaspberryPi,
    lanes: &[LaneId],
    curves: &[Curve],
    clock: impl Fn() -> Tick + Clone + Send + 'static,
) -> Result<Parts, JigError> {
    let gpio = Gpio::open(config.gpio).map_err(|error| JigError::Board(error.to_string()))?;
    // The lamps first: they are dark from here on.
    let lamps = lamp::open(&gpio, &config.lamp, lanes, curves)?;
    Ok(Parts {
        lamps: lanes.iter().copied().zip(lamps).collect(),
        sensors: sensor::open(&gpio, &config.sensor, lanes, clock)?,
        nest: Box::new(nest::open(&gpio, &config.nest, lanes)?),
        scanner: Box::new(Absent),
        start: None,
        power: match &config.power {
            Some(power) => Box::new(power::open(&gpio, power, lanes)?) as Box<dyn UnitPower>,
            None => Box::new(Absent),
        },
        signals: Box::new(Absent),
    })
}
