//! A lane as the engine takes it.

use core::time::Duration;

use blinkup::reader::LedShape;
use fixture_link::identity::LaneId;

use crate::config::{RaspberryPi, SensorParts};
use crate::engine::gate::LoopBackLimits;
use crate::engine::lane::LaneConfig;
use crate::engine::station::UnitPower;
use crate::jig::raspberry_pi::sensor::colour::Setting;
use crate::jig::raspberry_pi::sensor::{comparators, photodiodes};

/// Share of the lamp's light below which it is not there.
const LAMP_SEEN: f32 = 0.03;
/// Share of the lamp's light below which it is weak.
const LAMP_WEAK: f32 = 0.5;
/// Share of a sensor's range above which the light of the empty nest leaves too little room for the LED.
const AMBIENT_SHARE: f32 = 0.37;

/// A lane before anything was measured in it, with a common LED (red 631 nm, yellow-green 571 nm) and what its parts give by their data
/// sheets.
pub fn typical(pi: &RaspberryPi, lane: LaneId) -> LaneConfig {
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
    let full = match &pi.sensor {
        SensorParts::Colour(_) | SensorParts::Photodiodes(_) => f32::from(saturated_at) / 2.0,
        SensorParts::Comparators(_) => f32::from(comparators::LIT),
    };
    LaneConfig {
        lane,
        shape,
        saturated_at,
        ambient: [0.0; 4],
        ambient_limit: match &pi.sensor {
            SensorParts::Colour(_) | SensorParts::Photodiodes(_) => f32::from(saturated_at) * AMBIENT_SHARE,
            // Both photodiodes lit in the empty nest, more often than not.
            SensorParts::Comparators(_) => f32::from(comparators::LIT) / 2.0,
        },
        loop_back: LoopBackLimits {
            full,
            seen: LAMP_SEEN,
            weak: LAMP_WEAK,
        },
        sample_every: Duration::from_millis(10),
        unit_power: if pi.power.is_some() {
            UnitPower::Relay
        } else {
            UnitPower::Nest
        },
    }
}
