//! Lamps: three levels of light out of PWM, of a resistor ladder, or of an I2C expander. All are dark when they are dropped.

pub mod curve;
pub mod dimmed;
pub mod expander;
pub mod ladder;
mod pwm;

use embedded_hal::digital::PinState;
use fixture_link::identity::LaneId;
use linux_embedded_hal::I2cdev;

use self::dimmed::Dimmed;
use self::expander::{Expander, Pca9685};
use self::ladder::Ladder;
use super::Measured;
use super::bus::{self, Trunk};
use super::gpio::Gpio;
use crate::config::{Active, LampParts};
use crate::jig::{JigError, Lamp};

/// What a lamp's errors are filed under.
pub const PART: &str = "lamp";

/// The lamps of all lanes, in order, dark. `measured` is each lane's, in order; a lane without one has a lamp whose light follows its duty.
/// `trunk` is the bus that they share with the sensors, or one of their own.
///
/// # Errors
/// A pin, channel or bus is not to be had. An expander that does not answer is no error here: it is tried again with every level.
pub fn open(
    gpio: &Gpio,
    parts: &LampParts,
    lanes: &[LaneId],
    measured: &[Measured],
    trunk: &Trunk,
) -> Result<Vec<Box<dyn Lamp>>, JigError> {
    let measured = |lane: LaneId| measured.get(lane.index()).cloned().unwrap_or_default();
    match parts {
        LampParts::Pwm(pwm) => lanes
            .iter()
            .zip(&pwm.channels)
            .map(|(lane, channel)| {
                let channel = pwm::Channel::open(pwm.chip, *channel, pwm.frequency).map_err(failed(*lane))?;
                Ok(Box::new(Dimmed::new(*lane, channel, measured(*lane).curve)?) as Box<dyn Lamp>)
            })
            .collect(),
        LampParts::Ladder(ladder) => lanes
            .iter()
            .zip(&ladder.pins)
            .map(|(lane, [mid, rest])| {
                let dark: PinState = ladder.lit.state(false);
                let mid = gpio.output(*mid, dark).map_err(failed(*lane))?;
                let rest = gpio.output(*rest, dark).map_err(failed(*lane))?;
                let share = measured(*lane).mid.unwrap_or(ladder.mid_share);
                Ok(Box::new(Ladder::new(*lane, mid, rest, ladder.lit, share)?) as Box<dyn Lamp>)
            })
            .collect(),
        LampParts::Expander(expander) => {
            bus::short_time_out(&expander.bus);
            lanes
                .iter()
                .zip(&expander.channels)
                .map(|(lane, channel)| {
                    let bus = I2cdev::new(&expander.bus)
                        .map_err(|error| failed(*lane)(format!("{}: {error}", expander.bus.display())))?;
                    let chip = Pca9685::new(bus, trunk.clone(), expander.address, expander.frequency);
                    Ok(Box::new(Expander::new(*lane, chip, *channel, measured(*lane).curve)) as Box<dyn Lamp>)
                })
                .collect()
        }
    }
}

/// An error of a lane's lamp.
fn failed<E: core::fmt::Display>(lane: LaneId) -> impl Fn(E) -> JigError {
    move |error| JigError::Failed {
        lane,
        part: PART,
        what: error.to_string(),
    }
}

/// A line's state for light or dark.
fn state(lit: Active, light: bool) -> PinState {
    lit.state(light)
}
