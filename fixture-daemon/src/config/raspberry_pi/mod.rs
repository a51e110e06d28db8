//! `[jig.raspberry_pi]`: which parts the jig has and where each is wired. A file a part; every pin is claimed once.

mod claims;
mod lamp;
mod nest;
mod power;
mod printer;
mod scanner;
mod sensor;
mod serial;
mod signals;
mod transmitter;

use std::path::PathBuf;

use fixture_link::mistake::Mistake;
use serde::Deserialize;
use toml::Spanned;

use super::calibration::{self, CalibrationFile};
use super::{Lasting, Source};
use crate::jig::raspberry_pi::printer::PrinterParts;
use crate::jig::raspberry_pi::scanner::ScannerParts;

pub use lamp::Lamp;
pub use nest::Nest;
pub use power::Power;
pub use sensor::Sensor;
pub use signals::{Signals, Start};
pub use transmitter::Transmitter;

use claims::Claims;

/// A jig on a Raspberry Pi, checked: every pin exists, is free, and can do what it is for.
#[derive(Debug, Clone, PartialEq)]
pub struct RaspberryPi {
    /// The board.
    pub board: Board,
    /// How GPIO lines are reached.
    pub gpio: GpioAccess,
    /// What commissioning measured; `None` for comparators that nothing is kept of.
    pub calibration: Option<CalibrationFile>,
    /// The lamps.
    pub lamp: Lamp,
    /// The status sensors.
    pub sensor: Sensor,
    /// The nests' switches.
    pub nest: Nest,
    /// The relays; `None` where the nests power the units.
    pub power: Option<Power>,
    /// The start button; `None` where being seated starts a unit.
    pub start: Option<Start>,
    /// Tower light, buzzer and PLC lines.
    pub signals: Option<Signals>,
    /// The scanners.
    pub scanners: Vec<ScannerParts>,
    /// The label printer.
    pub printer: Option<PrinterParts>,
    /// The imp that sends in a lamp's place.
    pub transmitter: Option<Transmitter>,
}

impl RaspberryPi {
    /// The parts that light goes through, and their settings: what a calibration is good for.
    pub fn parts(&self) -> String {
        let setting = match &self.sensor {
            Sensor::Colour(colour) => {
                format!(", gain {}, {} µs", colour.gain, colour.integration.as_micros())
            }
            Sensor::Photodiodes(photodiodes) => format!(", {} conversions", photodiodes.oversampling),
            Sensor::Comparators(_) => String::new(),
        };
        format!("{}; {}{setting}", self.lamp.kind(), self.sensor.kind())
    }
}

/// A model of the Raspberry Pi, as far as its pins differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Board {
    /// Raspberry Pi 3 and Zero 2 W.
    #[serde(rename = "pi-3")]
    Pi3,
    /// Raspberry Pi 4.
    #[serde(rename = "pi-4")]
    Pi4,
    /// Raspberry Pi 5.
    #[serde(rename = "pi-5")]
    Pi5,
}

/// How GPIO lines are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GpioAccess {
    /// The processor's registers, by rppal.
    Registers,
    /// The kernel's character device (`/dev/gpiochipN`).
    CharacterDevice,
}

/// The voltage at which a line says yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Active {
    /// Ground.
    Low,
    /// 3.3 V.
    High,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    board: Board,
    gpio: GpioAccess,
    calibration: Option<Spanned<PathBuf>>,
    calibration_lasts: Option<Spanned<Lasting>>,
    lamp: Spanned<lamp::Raw>,
    sensor: Spanned<sensor::Raw>,
    nest: Spanned<nest::Raw>,
    power: Option<Spanned<power::Raw>>,
    start: Option<Spanned<signals::RawStart>>,
    signals: Option<Spanned<signals::Raw>>,
    #[serde(default)]
    scanner: Vec<Spanned<scanner::Raw>>,
    printer: Option<Spanned<printer::Raw>>,
    transmitter: Option<Spanned<transmitter::Raw>>,
}

/// Checks the section; `lanes` is how many lanes the fixture has.
pub(super) fn check(source: Source<'_>, raw: &Raw, lanes: u8) -> Result<RaspberryPi, Mistake> {
    let mut claims = Claims::new(source, lanes);
    let lamp = lamp::check(&mut claims, &raw.lamp, raw.board)?;
    let sensor = sensor::check(&mut claims, &raw.sensor)?;
    if raw.calibration.is_none() && sensor.kind().measures() {
        return Err(claims.source().mistake(
            &raw.sensor,
            "these sensors are measured in commissioning: expected calibration = \"FILE\" in [jig.raspberry_pi]",
        ));
    }
    claims.supported(&raw.lamp, lamp.kind(), sensor.kind(), raw.board)?;
    Ok(RaspberryPi {
        board: raw.board,
        gpio: raw.gpio,
        calibration: calibration::check(source, raw.calibration.as_ref(), raw.calibration_lasts.as_ref())?,
        lamp,
        sensor,
        nest: nest::check(&mut claims, &raw.nest)?,
        power: raw
            .power
            .as_ref()
            .map(|raw| power::check(&mut claims, raw))
            .transpose()?,
        start: raw
            .start
            .as_ref()
            .map(|raw| signals::check_start(&mut claims, raw))
            .transpose()?,
        signals: raw
            .signals
            .as_ref()
            .map(|raw| signals::check(&mut claims, raw))
            .transpose()?,
        scanners: raw
            .scanner
            .iter()
            .map(|raw| scanner::check(&mut claims, raw))
            .collect::<Result<_, _>>()?,
        printer: raw
            .printer
            .as_ref()
            .map(|raw| printer::check(&mut claims, raw))
            .transpose()?,
        transmitter: raw
            .transmitter
            .as_ref()
            .map(|raw| transmitter::check(&mut claims, raw))
            .transpose()?,
    })
}
