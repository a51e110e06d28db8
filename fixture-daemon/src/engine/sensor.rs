//! The reader's model of a lane's sensor, chosen by what the sensor measures.

use blinkup::reader::{ColourSensor, LedShape, LitErrors, LitSensor, PerColour, SensorModel};
use blinkup::sample::Sample;

/// What a lane's sensor tells of light.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measures {
    /// How strong it is, in each channel.
    Strength,
    /// Whether it is there: neither the strength of an LED nor that of the lamp is known.
    LitOrNot,
}

impl Measures {
    /// What a run's evidence says about what is not measured.
    pub const fn missing(self) -> Option<&'static str> {
        match self {
            Self::Strength => None,
            Self::LitOrNot => Some("sensor tells lit or not: LED limits and loop-back strength not measured"),
        }
    }
}

/// The model of a lane's sensor.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "one a lane, made in place")]
pub enum LaneSensor {
    /// Of one that measures.
    Colour(ColourSensor),
    /// Of comparators.
    Lit(LitSensor),
}

impl LaneSensor {
    /// A model that has seen nothing of the unit yet.
    pub fn new(measures: Measures, shape: LedShape, ambient: [f32; 4], saturated_at: u16) -> Self {
        match measures {
            Measures::Strength => Self::Colour(ColourSensor::new(shape, ambient, saturated_at)),
            Measures::LitOrNot => Self::Lit(LitSensor::new(LitErrors::default())),
        }
    }
}

impl SensorModel for LaneSensor {
    fn weigh(&mut self, sample: &Sample) -> PerColour {
        match self {
            Self::Colour(sensor) => sensor.weigh(sample),
            Self::Lit(sensor) => sensor.weigh(sample),
        }
    }

    fn learn(&mut self, expected: &PerColour) {
        match self {
            Self::Colour(sensor) => sensor.learn(expected),
            Self::Lit(sensor) => sensor.learn(expected),
        }
    }
}
