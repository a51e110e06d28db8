//! What is expected of units before one is seen.

use super::exposure::PerExposure;
use super::lanes::{Four, Twelve};

/// How units behave, as far as it is known beforehand: the reader's prior.
///
/// Shares are relative to those of a pattern, which are 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expectations {
    /// Changes a second away from a pattern that lasts.
    pub changes: f32,
    /// Of the patterns that begin, the part that are stages shown briefly, often for less than a period.
    pub brief: f32,
    /// Changes a second away from a brief one.
    pub brief_ends: f32,
    /// Of the patterns that begin, the part that begins with its first step; the others begin anywhere.
    pub from_the_start: f32,
    /// The same of the first pattern, which may have begun before the first sample.
    pub first_from_the_start: f32,
    /// How much an edge strays a millisecond of the pattern, milliseconds squared: the wander of single edges (10 ms) and
    /// the clock (2 %) together.
    pub stray: f32,
    /// How often lasting dark begins: it is what is left when nothing else explains the light.
    pub dark: f32,
    /// How often a pattern begins that only units with old software show, or that was only ever seen now and then.
    pub rare: f32,
    /// How often a single red flash begins.
    pub flash: f32,
    /// How often a unit's power comes up: dark, then a red flash, then its first pattern.
    pub power_up: f32,
    /// How often the first light is that of a unit whose power comes up.
    pub first_power_up: f32,
    /// How often light begins that is no known pattern.
    pub strange: f32,
    /// Changes of colour a second of light that is no known pattern.
    pub strange_changes: f32,
    /// What every exposure keeps however badly it explains a sample, relative to the best: a sample can be wrong (a spike).
    pub least_weight: f32,
}

impl Default for Expectations {
    fn default() -> Self {
        Self {
            changes: 1.0 / 300.0,
            brief: 0.05,
            brief_ends: 1.5,
            from_the_start: 0.8,
            first_from_the_start: 0.5,
            stray: 1.2,
            dark: 1.0,
            rare: 1.0,
            flash: 0.5,
            power_up: 0.1,
            first_power_up: 4.0,
            strange: 0.0005,
            strange_changes: 2.0,
            least_weight: 1.0e-5,
        }
    }
}

impl Expectations {
    /// Weights relative to the best, from logarithms.
    pub(super) fn weights(&self, logs: PerExposure, best: f32) -> PerExposure {
        let below = (Twelve::of_ten(logs) - Twelve::all(best)).with(Twelve::ZERO, Four::min);
        below.exp().with(Twelve::all(self.least_weight), Four::max).ten()
    }
}
