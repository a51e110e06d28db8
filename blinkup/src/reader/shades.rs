//! The LED's colour by itself, whatever pattern it belongs to.

use core::time::Duration;

use super::Shade;
use super::exposure::{PerExposure, between};
use super::sensor::{COLOURS, PerColour};
use crate::codes::Colour;
use crate::tick::Tick;

/// Changes of colour a second that are expected of an LED of which nothing is known.
const CHANGES: f32 = 5.0;
/// What every exposure keeps, relative to the best.
const LEAST_WEIGHT: f32 = 1.0e-3;
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

    /// How long the LED has been dark; zero when it is not.
    pub(super) fn dark_for(&self, now: Tick) -> Duration {
        match self.told {
            Some((Colour::Off, from)) => now.since(from),
            Some(_) | None => Duration::ZERO,
        }
    }

    /// Weighs a sample that ended at `now`, `seconds` after the one before.
    pub(super) fn push(&mut self, start: Tick, now: Tick, seconds: f32, weights: &PerExposure) -> Option<Shade> {
        let most = weights.iter().fold(0.0_f32, |most, weight| most.max(*weight));
        let least = most * LEAST_WEIGHT;
        // Two states' exact answer would be an exponential; this has the same ends.
        let change = CHANGES * seconds / (1.0 + CHANGES * seconds * 4.0 / 3.0);
        let within = (now.since(start).as_secs_f32() / seconds.max(1.0e-6)).min(1.0);
        let old = self.belief;
        let mut total = 0.0;
        for (after, belief) in self.belief.iter_mut().enumerate() {
            *belief = 0.0;
            for (before, old) in old.into_iter().enumerate() {
                let part = if before == after { 1.0 - change } else { change / 3.0 };
                let edge = weights[between(before, after)].max(least);
                let weight = within * edge + (1.0 - within) * weights[after].max(least);
                *belief += old * part * weight;
            }
            total += *belief;
        }
        if total <= 0.0 {
            return None;
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
