//! The reader's model of a lane's sensor, chosen by what the sensor measures.

use blinkup::reader::{ColourSensor, LedShape, LitErrors, LitSensor, Merged, PerExposure, SensorModel};
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
            Self::LitOrNot => {
                Some("sensor tells lit or not: LED limits, and the lamp's strength, levels and edges not measured")
            }
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

impl LaneSensor {
    /// The strengths of the red and the green die, counts by the shape, each with its variance; nothing from a sensor that measures none.
    pub fn dice(&self) -> Option<[(f32, f32); 2]> {
        match self {
            Self::Colour(sensor) => Some(sensor.dice()),
            Self::Lit(_) => None,
        }
    }
}

impl SensorModel for LaneSensor {
    const STARTS: usize = ColourSensor::STARTS;

    fn start(&self, index: usize) -> (Self, f32) {
        match self {
            Self::Colour(sensor) => {
                let (sensor, share) = sensor.start(index);
                (Self::Colour(sensor), share)
            }
            // There is but one, and the others are let go at the first sample.
            Self::Lit(sensor) => (Self::Lit(*sensor), if index == 0 { 1.0 } else { 0.0 }),
        }
    }

    fn weigh(&mut self, sample: &Sample) -> Option<PerExposure> {
        match self {
            Self::Colour(sensor) => sensor.weigh(sample),
            Self::Lit(sensor) => sensor.weigh(sample),
        }
    }

    fn weigh_changed(&self, least: f32) -> Option<PerExposure> {
        match self {
            Self::Colour(sensor) => sensor.weigh_changed(least),
            Self::Lit(sensor) => sensor.weigh_changed(least),
        }
    }

    fn change(&mut self) {
        match self {
            Self::Colour(sensor) => sensor.change(),
            Self::Lit(sensor) => sensor.change(),
        }
    }

    fn surprise(&self) -> f32 {
        match self {
            Self::Colour(sensor) => sensor.surprise(),
            Self::Lit(sensor) => sensor.surprise(),
        }
    }

    fn learn(&mut self, probable: &PerExposure) {
        match self {
            Self::Colour(sensor) => sensor.learn(probable),
            Self::Lit(sensor) => sensor.learn(probable),
        }
    }

    fn merge(&mut self, other: &Self, share: f32) -> Merged {
        match (self, other) {
            (Self::Colour(sensor), Self::Colour(other)) => sensor.merge(other, share),
            (Self::Lit(sensor), Self::Lit(other)) => sensor.merge(other, share),
            (Self::Colour(_), Self::Lit(_)) | (Self::Lit(_), Self::Colour(_)) => Merged::No,
        }
    }
}
