//! The jig on a Raspberry Pi: every part behind its trait, wired as `[jig.raspberry_pi]` says.
//!
//! Opening takes what the system must give (lines, buses, channels) and fails when it does not; a part that does not answer on its bus
//! is looked for again while the fixture runs.

pub mod absent;
pub mod bus;
pub mod contact;
#[cfg(test)]
mod faults;
pub mod gpio;
pub mod lamp;
#[cfg(test)]
pub mod model;
pub mod nest;
pub mod outside;
pub mod pins;
pub mod power;
pub mod printer;
pub mod scanner;
pub mod sensor;
pub mod serial;
pub mod signals;
pub mod transmitter;

use blinkup::{Level, Tick};
use fixture_link::identity::LaneId;

use self::absent::Absent;
use self::bus::Trunk;
use self::gpio::Gpio;
use self::lamp::curve::Curve;
use self::transmitter::Transmitter;
use self::transmitter::lamp::ByImp;
use super::{JigError, LabelPrinter, Lamp, Parts, Scanner, Sensitivity, Signals, StartButton, UnitPower};
use crate::config::{LampParts, RaspberryPi, SensorParts};

/// What commissioning left of a lane's light path; what it left nothing of follows the configuration.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// The lamp's light over its duty.
    pub curve: Curve,
    /// The light of a ladder's mid as a share of bright.
    pub mid: Option<f32>,
    /// How sensitive the sensor is to be.
    pub sensitivity: Option<Sensitivity>,
}

/// Takes the whole jig into use. `measured` is of each lane, in order; a lane without one is as its parts are by their data sheets.
///
/// # Errors
/// This machine is no Raspberry Pi, or does not have what the configuration names.
pub fn open(
    config: &RaspberryPi,
    lanes: &[LaneId],
    measured: &[Measured],
    clock: impl Fn() -> Tick + Clone + Send + 'static,
) -> Result<Parts, JigError> {
    let gpio = Gpio::open(config.gpio).map_err(|error| JigError::Board(error.to_string()))?;
    // Lamps and sensors on one bus take turns; on two, neither waits for the other.
    let of_lamps = Trunk::default();
    let of_sensors = match (&config.lamp, &config.sensor) {
        (LampParts::Expander(lamp), SensorParts::Colour(sensor)) if lamp.bus == sensor.bus => of_lamps.clone(),
        (LampParts::Pwm(_) | LampParts::Ladder(_) | LampParts::Expander(_), _) => Trunk::default(),
    };
    // The lamps first: they are dark from here on.
    let lamps = lamp::open(&gpio, &config.lamp, lanes, measured, &of_lamps)?;
    let mut lamps: Vec<(LaneId, Box<dyn Lamp>)> = lanes.iter().copied().zip(lamps).collect();
    let mut news = None;
    if let Some(imp) = &config.transmitter {
        let (mut transmitter, said) = Transmitter::start(imp.port.clone())
            .map(|(transmitter, said)| (Some(transmitter), said))
            .map_err(|error| JigError::Board(format!("imp transmitter: {error}")))?;
        news = Some(said);
        lamps = lamps
            .into_iter()
            .map(|(lane, lamp)| match transmitter.take_if(|_| lane == imp.lane) {
                None => (lane, lamp),
                Some(sends) => {
                    let by_imp = ByImp::new(lane, lamp, sends, imp.wifi.clone(), imp.speed);
                    (lane, Box::new(by_imp) as Box<dyn Lamp>)
                }
            })
            .collect();
    }
    let mut starts: Vec<Box<dyn StartButton>> = Vec::new();
    if let Some(start) = &config.start {
        starts.push(Box::new(outside::button(&gpio, start, clock.clone())?));
    }
    let signals: Box<dyn Signals> = match &config.signals {
        None => Box::new(Absent),
        Some(signals) => {
            let outside = outside::open(&gpio, signals, lanes)?;
            if signals.plc.is_some() {
                starts.push(Box::new(outside.plc()));
            }
            Box::new(outside)
        }
    };
    Ok(Parts {
        lamps,
        news,
        sensors: sensor::open(&gpio, &config.sensor, lanes, measured, &of_sensors, clock.clone())?,
        nest: Box::new(nest::open(&gpio, &config.nest, lanes, clock)?),
        scanner: if config.scanners.is_empty() {
            Box::new(Absent) as Box<dyn Scanner>
        } else {
            Box::new(scanner::Scanners::open(&config.scanners)?)
        },
        start: (!starts.is_empty()).then(|| Box::new(outside::AnyOf(starts)) as Box<dyn StartButton>),
        power: match &config.power {
            Some(power) => Box::new(power::open(&gpio, power, lanes)?) as Box<dyn UnitPower>,
            None => Box::new(Absent),
        },
        signals,
        printer: config
            .printer
            .clone()
            .map(|parts| Box::new(printer::Printer::new(parts)) as Box<dyn LabelPrinter>),
    })
}

/// Makes the lamps dark, and touches nothing else of the jig.
///
/// # Errors
/// The lamps are not to be had, or one failed; the others are dark all the same.
pub fn dark(config: &RaspberryPi, lanes: &[LaneId]) -> Result<(), JigError> {
    let gpio = Gpio::open(config.gpio).map_err(|error| JigError::Board(error.to_string()))?;
    let mut failed = None;
    for mut lamp in lamp::open(&gpio, &config.lamp, lanes, &[], &Trunk::default())? {
        // One lamp that fails must not keep the next one lit.
        if let Err(error) = lamp.set(Level::DARK) {
            failed = Some(error);
        }
    }
    failed.map_or(Ok(()), Err)
}
