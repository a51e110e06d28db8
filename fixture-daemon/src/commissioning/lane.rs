//! A lane as the engine takes it.

use core::time::Duration;

use blinkup::Tick;
use blinkup::reader::LedShape;
use fixture_link::identity::{LaneId, WallTime};

use super::{Calibration, CalibrationError};
use crate::config::{CalibrationFile, RaspberryPi, SensorParts};
use crate::engine::gate::LoopBackLimits;
use crate::engine::lane::{LaneConfig, Validity};
use crate::engine::sensor::Measures;
use crate::engine::station::{Transmitter, UnitPower};
use crate::jig::Sensitivity;
use crate::jig::raspberry_pi::Measured;
use crate::jig::raspberry_pi::lamp::curve::Curve;
use crate::jig::raspberry_pi::sensor::colour::Setting;
use crate::jig::raspberry_pi::sensor::{comparators, photodiodes};

/// The parts of a simulated jig, as its calibration names them.
pub const SIMULATED_PARTS: &str = "simulated";

/// Share of the lamp's light below which it is not there.
const LAMP_SEEN: f32 = 0.03;
/// Share of the lamp's light below which it is weak.
const LAMP_WEAK: f32 = 0.5;
/// Share of a sensor's range above which the light of the empty nest leaves too little room for the LED.
const AMBIENT_SHARE: f32 = 0.37;

/// A lane before anything was measured in it, with a common LED (red 631 nm, yellow-green 571 nm) and what its parts give by their data
/// sheets.
pub fn typical(pi: &RaspberryPi, lane: LaneId) -> LaneConfig {
    let lit = f32::from(comparators::LIT);
    let (shape, saturated_at) = match &pi.sensor {
        SensorParts::Colour(colour) => (
            LedShape {
                red: [0.99, 0.08, 0.05, 1.11],
                green: [0.46, 0.87, 0.08, 1.32],
            },
            Setting::new(colour.gain, colour.integration).saturated_at(),
        ),
        SensorParts::Photodiodes(photodiodes) => (
            LedShape {
                red: [1.0, 0.05, 0.0, 1.0],
                green: [0.1, 1.0, 0.0, 1.0],
            },
            photodiodes::saturated_at(photodiodes.oversampling),
        ),
        SensorParts::Comparators(_) => (
            LedShape {
                red: [1.0, 0.0, 0.0, 1.0],
                green: [0.0, 1.0, 0.0, 1.0],
            },
            u16::MAX,
        ),
    };
    let measures = measures(&pi.sensor);
    LaneConfig {
        lane,
        shape,
        saturated_at,
        ambient: [0.0; 4],
        ambient_limit: match measures {
            Measures::Strength => f32::from(saturated_at) * AMBIENT_SHARE,
            // A photodiode lit in the empty nest, more often than not.
            Measures::LitOrNot => lit / 2.0,
        },
        loop_back: LoopBackLimits {
            full: match measures {
                Measures::Strength => f32::from(saturated_at) / 2.0,
                Measures::LitOrNot => lit,
            },
            seen: LAMP_SEEN,
            weak: LAMP_WEAK,
        },
        sample_every: Duration::from_millis(10),
        unit_power: if pi.power.is_some() {
            UnitPower::Relay
        } else {
            UnitPower::Nest
        },
        transmitter: match &pi.transmitter {
            Some(imp) if imp.lane == lane => Transmitter::Imp {
                rate: imp.speed.symbols_a_second(),
            },
            Some(_) | None => Transmitter::Lamp,
        },
        light: 1.0,
        measures,
        reference: None,
        calibration: Validity::Lasting,
    }
}

/// What a kind of sensor tells.
fn measures(sensor: &SensorParts) -> Measures {
    if sensor.kind().measures() {
        Measures::Strength
    } else {
        Measures::LitOrNot
    }
}

/// What was measured of all lanes, and for how long it is good; as a process begins with it.
#[derive(Debug)]
pub struct Commissioned {
    measured: Option<Calibration>,
    /// Until when, or why not at all.
    validity: Validity,
}

impl Commissioned {
    /// Reads the file that a configuration names. `jig` is the parts as they are now, `now` and `wall` the same moment.
    ///
    /// A calibration that is missing, changed, of other parts or too old is no error: its lanes pass no units.
    pub fn load(file: Option<&CalibrationFile>, jig: &str, now: Tick, wall: WallTime) -> Self {
        let Some(CalibrationFile { file, lasts }) = file else {
            return Self {
                measured: None,
                validity: Validity::Lasting,
            };
        };
        match Calibration::load(file) {
            Ok(measured) => {
                let validity = if measured.jig == jig {
                    let until = measured.at.as_microsecond() + i64::try_from(lasts.as_micros()).unwrap_or(i64::MAX / 2);
                    match u64::try_from(until - wall.micros) {
                        Ok(left) => Validity::Until(now + Duration::from_micros(left)),
                        Err(_) => Validity::Missing(format!(
                            "the calibration of {:.10} has run out: it was good for {} days",
                            measured.at.to_string(),
                            lasts.as_secs() / 86_400
                        )),
                    }
                } else {
                    Validity::Missing(format!(
                        "the calibration was made with other parts ({}; now {jig}): calibrate again",
                        measured.jig
                    ))
                };
                Self {
                    measured: Some(measured),
                    validity,
                }
            }
            Err(
                error @ (CalibrationError::Missing(_)
                | CalibrationError::File(..)
                | CalibrationError::Changed(_)
                | CalibrationError::Unreadable(..)),
            ) => Self {
                measured: None,
                validity: Validity::Missing(error.to_string()),
            },
        }
    }

    /// A lane with what was measured in it.
    #[must_use]
    pub fn apply(&self, mut lane: LaneConfig) -> LaneConfig {
        lane.calibration = self.validity.clone();
        let Some(whole) = &self.measured else {
            return lane;
        };
        let Some(measured) = whole.lane(lane.lane) else {
            lane.calibration = Validity::Missing(format!("lane {} was never calibrated", lane.lane));
            return lane;
        };
        lane.ambient = measured.ambient;
        if let (Some(red), Some(green)) = (measured.red, measured.green) {
            lane.shape = LedShape { red, green };
        }
        lane.reference = measured.strength;
        if let Some(full) = measured.lamp {
            lane.loop_back.full = full;
        }
        lane
    }

    /// The curve of a lane's lamp; one whose light follows its duty where none was measured.
    pub fn curve(&self, lane: LaneId) -> Curve {
        let points: Vec<(f32, f32)> = self
            .measured
            .as_ref()
            .and_then(|measured| measured.lane(lane))
            .map(|lane| lane.curve.iter().map(|[duty, light]| (*duty, *light)).collect())
            .unwrap_or_default();
        Curve::new(&points).unwrap_or_default()
    }

    /// What a lane's light path is opened with.
    pub fn measured(&self, lane: LaneId) -> Measured {
        Measured {
            curve: self.curve(lane),
            mid: self.mid(lane),
            sensitivity: self.sensitivity(lane),
        }
    }

    /// How sensitive a lane's sensor is to be; `None` where nothing was chosen.
    pub fn sensitivity(&self, lane: LaneId) -> Option<Sensitivity> {
        let measured = self.measured.as_ref()?.lane(lane)?;
        Some(Sensitivity {
            gain: measured.gain?,
            integration: Duration::from_micros(measured.integration_us?.into()),
        })
    }

    /// The light of a lane's mid as a share of bright; `None` where it was not measured.
    pub fn mid(&self, lane: LaneId) -> Option<f32> {
        self.measured.as_ref()?.lane(lane)?.mid
    }

    /// Why no lane passes a unit, where that is so for all of them.
    pub fn missing(&self) -> Option<&str> {
        match &self.validity {
            Validity::Missing(why) => Some(why),
            Validity::Lasting | Validity::Until(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commissioning::LaneCalibration;
    use crate::drivers::virtual_time::Simulated;

    const DAY: i64 = 86_400_000_000;

    fn lane(number: u8) -> LaneConfig {
        let recipe = crate::config::example_recipe();
        let simulated = Simulated::new(1, recipe);
        simulated.lanes().into_iter().nth(usize::from(number) - 1).unwrap()
    }

    fn loaded(days_later: i64, jig: &str) -> Commissioned {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("calibration.toml");
        let at: jiff::Timestamp = "2026-03-01T08:00:00Z".parse().unwrap();
        Calibration {
            at,
            by: "A. Meyer".to_owned(),
            jig: "a jig".to_owned(),
            lanes: vec![LaneCalibration {
                lane: LaneId::new(1).unwrap(),
                sensor: "C-0017".to_owned(),
                ambient: [1.0, 2.0, 3.0, 4.0],
                lamp: Some(777.0),
                curve: vec![[0.5, 0.6]],
                mid: Some(0.6),
                gain: Some(4),
                integration_us: Some(4_800),
                red: Some([1.0, 0.1, 0.0, 1.2]),
                green: Some([0.3, 1.0, 0.0, 1.3]),
                strength: Some([900.0, 800.0]),
            }],
        }
        .save(&file)
        .unwrap();
        let wall = WallTime {
            micros: at.as_microsecond() + days_later * DAY,
            synchronised: true,
        };
        let file = CalibrationFile {
            file,
            lasts: Duration::from_hours(90 * 24),
        };
        Commissioned::load(Some(&file), jig, Tick::from_micros(5), wall)
    }

    #[test]
    fn what_was_measured_is_what_the_engine_gets() {
        let commissioned = loaded(89, "a jig");
        let lane = commissioned.apply(lane(1));
        let near =
            |one: [f32; 4], other: [f32; 4]| one.iter().zip(other).all(|(one, other)| (one - other).abs() < 1.0e-6);
        assert!(near(lane.ambient, [1.0, 2.0, 3.0, 4.0]), "{:?}", lane.ambient);
        assert!((lane.loop_back.full - 777.0).abs() < f32::EPSILON);
        assert_eq!(lane.reference, Some([900.0, 800.0]));
        assert!(near(lane.shape.green, [0.3, 1.0, 0.0, 1.3]), "{:?}", lane.shape);
        assert_eq!(commissioned.curve(lane.lane).points(), [(0.5, 0.6)]);
        assert_eq!(commissioned.mid(lane.lane), Some(0.6));
        let sensitivity = Sensitivity {
            gain: 4,
            integration: Duration::from_micros(4_800),
        };
        assert_eq!(commissioned.sensitivity(lane.lane), Some(sensitivity));
        assert_eq!(commissioned.sensitivity(LaneId::new(2).unwrap()), None);
        let one_day = Duration::from_hours(24);
        assert_eq!(lane.calibration, Validity::Until(Tick::from_micros(5) + one_day));
    }

    #[test]
    fn old_missing_and_foreign_calibrations_are_told_apart() {
        let why = |commissioned: &Commissioned| commissioned.missing().unwrap().to_owned();
        assert_eq!(
            why(&loaded(91, "a jig")),
            "the calibration of 2026-03-01 has run out: it was good for 90 days"
        );
        assert!(why(&loaded(1, "another jig")).contains("made with other parts (a jig; now another jig)"));
        let file = CalibrationFile {
            file: "/nowhere/calibration.toml".into(),
            lasts: Duration::from_hours(1),
        };
        let none = Commissioned::load(Some(&file), "a jig", Tick::ZERO, crate::clock::wall());
        assert!(why(&none).contains("no calibration yet"));

        let unmeasured = loaded(1, "a jig").apply(lane(2));
        assert_eq!(
            unmeasured.calibration,
            Validity::Missing("lane 2 was never calibrated".to_owned())
        );
    }
}
