//! The LED reader: samples in, observations out; causal, constant work a sample, no allocation once built.

use crate::codes::{Colour, PatternId};
use crate::tick::Tick;

/// The pattern that the unit is showing, reported once when it is sure and again when it changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// The end of the sample that decided it.
    pub at: Tick,
    /// The pattern; `None` when the light has become unreadable. Its codes come from the table.
    pub pattern: Option<PatternId>,
    /// Probability of the pattern given all light so far, 0 to 1.
    pub confidence: f32,
}

/// The LED's colour changed: the raw event under all patterns, known within a few samples.
///
/// A single red flash, and whether the LED stays dark between the lamp's symbols, are told from these.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shade {
    /// The end of the sample that decided it.
    pub at: Tick,
    /// The best estimate of when the colour began.
    pub from: Tick,
    /// The colour from then on.
    pub colour: Colour,
}

/// What one sample taught; either, both or (mostly) neither.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Observed {
    /// The colour changed.
    pub shade: Option<Shade>,
    /// The pattern changed.
    pub reading: Option<Reading>,
}
