//! Status sensors: colour sensors on I2C, photodiodes on an SPI converter, photodiodes behind comparators.

pub mod colour;
pub mod comparators;
pub mod photodiodes;

use blinkup::Tick;
use embedded_hal::digital::PinState;
use fixture_link::identity::LaneId;
use linux_embedded_hal::I2cdev;
use linux_embedded_hal::SpidevDevice;
use linux_embedded_hal::spidev::{SpiModeFlags, SpidevOptions};

use self::colour::{ColourSensors, Place, Setting};
use self::comparators::Comparators;
use self::photodiodes::Photodiodes;
use super::Measured;
use super::bus::{self, Trunk};
use super::gpio::Gpio;
use crate::config::SensorParts;
use crate::jig::{JigError, SensorGroup};

/// What a sensor's errors are filed under.
pub const PART: &str = "status sensor";

/// The sensors, in groups that no bus is common to: what holds up one group does not hold up another. `measured` is what
/// commissioning left of each lane, in order; a colour sensor without has the configuration's gain. `trunk` is the bus that they share with lamps.
///
/// # Errors
/// A bus or a line is not to be had. A sensor that does not answer is no error here: it is looked for again with every sample.
pub fn open(
    gpio: &Gpio,
    parts: &SensorParts,
    lanes: &[LaneId],
    measured: &[Measured],
    trunk: &Trunk,
    clock: impl Fn() -> Tick + Clone + Send + 'static,
) -> Result<Vec<SensorGroup>, JigError> {
    let first = lanes
        .first()
        .copied()
        .ok_or_else(|| JigError::Board("a jig without lanes".to_owned()))?;
    match parts {
        SensorParts::Colour(colour) => {
            bus::short_time_out(&colour.bus);
            let bus = I2cdev::new(&colour.bus)
                .map_err(|error| failed(first, format!("{}: {error}", colour.bus.display())))?;
            let reset = colour
                .multiplexer
                .as_ref()
                .and_then(|multiplexer| multiplexer.reset)
                .map(|pin| gpio.output(pin, PinState::High))
                .transpose()
                .map_err(|error| failed(first, error))?;
            let through = colour.multiplexer.as_ref();
            let wired: Vec<Place> = lanes
                .iter()
                .enumerate()
                .map(|(place, lane)| Place {
                    lane: *lane,
                    channel: through.and_then(|through| through.channels.get(place).copied()),
                    setting: measured
                        .get(place)
                        .and_then(|measured| measured.sensitivity)
                        .map_or_else(|| Setting::new(colour.gain, colour.integration), Setting::of),
                })
                .collect();
            let address = through.map(|through| through.address);
            let sensors = ColourSensors::new(bus, trunk.clone(), address, reset, &wired, clock);
            Ok(vec![SensorGroup {
                lanes: lanes.to_vec(),
                sensor: Box::new(sensors),
            }])
        }
        SensorParts::Photodiodes(photodiodes) => photodiodes
            .chips
            .iter()
            .zip(lanes.chunks(photodiodes::LANES_A_CHIP))
            .map(|(chip, lanes)| {
                let lane = lanes.first().copied().unwrap_or(first);
                let wrong = |what: String| failed(lane, format!("{}: {what}", chip.display()));
                let mut device = SpidevDevice::open(chip).map_err(|error| wrong(format!("{error:?}")))?;
                // Mode 0 (data sheet DS21298, figure 6-1).
                let options = SpidevOptions::new()
                    .bits_per_word(8)
                    .max_speed_hz(photodiodes.clock)
                    .mode(SpiModeFlags::SPI_MODE_0)
                    .build();
                device.0.configure(&options).map_err(|error| wrong(error.to_string()))?;
                Ok(SensorGroup {
                    lanes: lanes.to_vec(),
                    sensor: Box::new(Photodiodes::new(device, lanes, photodiodes.oversampling, clock.clone())),
                })
            })
            .collect(),
        SensorParts::Comparators(comparators) => {
            let wired = lanes
                .iter()
                .zip(&comparators.pins)
                .map(|(lane, [red, green])| {
                    let pull = comparators.lit.pull();
                    let red = gpio.input(*red, pull).map_err(|error| failed(*lane, error))?;
                    let green = gpio.input(*green, pull).map_err(|error| failed(*lane, error))?;
                    Ok((*lane, [red, green]))
                })
                .collect::<Result<Vec<_>, JigError>>()?;
            Ok(vec![SensorGroup {
                lanes: lanes.to_vec(),
                sensor: Box::new(Comparators::new(wired, comparators.lit, clock)),
            }])
        }
    }
}

/// An error of a lane's sensor.
fn failed(lane: LaneId, what: impl core::fmt::Display) -> JigError {
    JigError::Failed {
        lane,
        part: PART,
        what: what.to_string(),
    }
}
