//! Recorded light: a trace of one unit's stay under the sensor, as text ([`Trace::parse`], [`Trace`]'s `Display`) and compact ([`compact`]).

pub mod compact;
mod csv;

use alloc::vec::Vec;
use core::time::Duration;

pub use csv::TraceError;

use crate::reader::{ColourSensor, LedShape};
use crate::sample::{Counts, Sample};
use crate::symbol::Level;
use crate::tick::Tick;

/// Counts at which a sensor is full where a trace does not say otherwise.
pub const SATURATED_AT: u16 = 16_383;

/// How long a sample is integrated where a trace does not say otherwise: four steps of a TCS3472 (datasheet DS000390, register ATIME).
pub const INTEGRATION: Duration = Duration::from_micros(9600);

/// What is known of the sensor before the first sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Header {
    /// The LED part as this lane's sensor sees it.
    pub shape: LedShape,
    /// Mean counts of the empty nest, red, green, blue, clear.
    pub ambient: [f32; 4],
    /// A channel at or above it is full.
    pub saturated_at: u16,
    /// How long a sample was integrated; it ended at its row's time.
    pub integration: Duration,
}

impl Header {
    /// A sensor model for light that starts under these conditions.
    pub fn sensor(&self) -> ColourSensor {
        ColourSensor::new(self.shape, self.ambient, self.saturated_at)
    }
}

/// One sample of a trace.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// The end of its integration.
    pub at: Tick,
    /// What was counted.
    pub counts: Counts,
    /// What the lane's lamp showed meanwhile; light that is not dark hides the LED, and the row is not for the reader.
    pub lamp: Level,
}

/// Recorded light, in order of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// The conditions.
    pub header: Header,
    /// The samples; each later than the one before.
    pub rows: Vec<Row>,
}

impl Trace {
    /// The samples that are for the reader: those with the lamp dark.
    pub fn samples(&self) -> impl Iterator<Item = Sample> {
        self.rows
            .iter()
            .filter(|row| row.lamp == Level::DARK)
            .map(|row| Sample {
                start: row.at - self.header.integration,
                end: row.at,
                counts: row.counts,
            })
    }
}
