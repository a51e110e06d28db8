//! The LED's colour by itself, whatever pattern it belongs to.

use core::time::Duration;

use super::Shade;
use super::sensor::{COLOURS, PerColour};
use crate::codes::Colour;
use crate::tick::Tick;

/// Changes of colour a second that are expected of an LED of which nothing is known.
const CHANGES: f32 = 5.0;
/// How sure a colour must be.
const SURE: f32 = 0.98;

/// Belief in each colour, changing at any time into any other.
#[derive(Debug, Clone)]
pub(super) struct Shades {
    belief: PerColour,
    told: Option<(Colour, Tick)>,
    leading: usize,
    since: Tick,
}

impl Shades {
    pub(super) fn new() -> Self {
        Self {
            belief: [0.25; 4],
            told: None,
            leading: usize::MAX,
            since: Tick::ZERO,
        }
    }

    /// How long the LED has shown a colour; zero when it shows another.
    pub(super) fn lasting(&self, colour: Colour, now: Tick) -> Duration {
        match self.told {
            Some((told, from)) if told == colour => now.since(from),
            Some(_) | None => Duration::ZERO,
        }
    }

    /// Weighs a sample that ended at `now`, `seconds` after the one before.
    pub(super) fn push(&mut self, start: Tick, now: Tick, seconds: f32, weights: &PerColour) -> Option<Shade> {
        // Two states' exact answer would be an exponential; this has the same ends.
        let change = CHANGES * seconds / (1.0 + CHANGES * seconds * 4.0 / 3.0);
        let mut total = 0.0;
        for (belief, weight) in self.belief.iter_mut().zip(weights) {
            *belief = (*belief * (1.0 - change) + (1.0 - *belief) * change / 3.0) * weight;
            total += *belief;
        }
        let mut best = 0;
        for place in 0..4 {
            self.belief[place] /= total;
            if self.belief[place] > self.belief[best] {
                best = place;
            }
        }
        if best != self.leading {
            self.leading = best;
            self.since = start;
        }
        let colour = COLOURS[best];
        if self.belief[best] < SURE || self.told.is_some_and(|(told, _)| told == colour) {
            return None;
        }
        self.told = Some((colour, self.since));
        Some(Shade {
            at: now,
            from: self.since,
            colour,
        })
    }
}
