//! Single red flashes: whether one has just been, given the light since.

use core::time::Duration;

use super::exposure::PerExposure;
use super::sensor::{COLOURS, PerColour};
use super::tracks::{Tracks, Weighed};
use super::{Shade, Transient};
use crate::codes::Colour;
use crate::tick::Tick;

/// How probable a flash must be to be told.
const SURE: f32 = 0.9;
/// Another one can be told once the last is so improbable, or red began again.
const OVER: f32 = 0.1;
/// Less than this is nothing.
const LEAST: f32 = 1.0e-12;
/// What ended longer ago is no news, and light that has shown one colour for so long has other explanations.
const LATEST_MS: f32 = 1000.0;
/// The longest flash, with its edges.
const LONGEST: Duration = Duration::from_millis(430);

/// Flashes that ended in one view, with one colour ever since.
///
/// What is believed of the light since would have to be kept apart from what was believed anyway, for every flash that may have been. As all
/// of it has shown one colour, it is enough to know what part of all that begins does so.
#[derive(Debug, Clone)]
pub(super) struct Flashes {
    /// How probable it is, without how often what begins does so with that colour.
    ended: PerColour,
    /// The same times how long ago, milliseconds.
    ago_ms: PerColour,
}

impl Flashes {
    pub(super) const NONE: Self = Self {
        ended: [0.0; COLOURS.len()],
        ago_ms: [0.0; COLOURS.len()],
    };

    /// Lets time pass to the end of a sample.
    pub(super) fn push(&mut self, weighed: &Weighed, weights: &PerExposure, milliseconds: f32) {
        let scale = 1.0 / weighed.total.max(f32::MIN_POSITIVE);
        let values = self.ended.iter_mut().zip(&mut self.ago_ms);
        for ((ended, ago_ms), (weight, flashed)) in values.zip(weights.iter().zip(weighed.flashed)) {
            let weight = weight * scale;
            *ago_ms = (*ago_ms + milliseconds * *ended) * weight;
            *ended = *ended * weight + flashed;
            if *ended < LEAST {
                (*ended, *ago_ms) = (0.0, 0.0);
            }
        }
    }

    /// Takes in those of another view, which is a `share` of both.
    pub(super) fn merge(&mut self, other: &Self, share: f32) {
        for colour in 0..COLOURS.len() {
            self.ended[colour] += share * (other.ended[colour] - self.ended[colour]);
            self.ago_ms[colour] += share * (other.ago_ms[colour] - self.ago_ms[colour]);
        }
    }

    /// How probable it is that there was one, and how long ago it then ended, milliseconds.
    pub(super) fn probable(&self, tracks: &Tracks) -> (f32, f32) {
        let (mut probable, mut ago_ms) = (0.0, 0.0);
        for colour in 0..COLOURS.len() {
            if self.ended[colour] > 0.0 {
                let ago = self.ago_ms[colour] / self.ended[colour];
                let share = self.ended[colour] * tracks.begins_with(colour, ago);
                probable += share;
                ago_ms += share * ago;
            }
        }
        (probable.min(1.0), ago_ms / probable.max(f32::MIN_POSITIVE))
    }
}

/// What was told of flashes.
#[derive(Debug, Clone)]
pub(super) struct FlashTold {
    /// Whether the one that there was, was told.
    told: bool,
    /// When red last began.
    red: Option<Tick>,
}

impl FlashTold {
    pub(super) const fn new() -> Self {
        Self { told: false, red: None }
    }

    /// The flash that is known now, which is this `probable` and ended so long ago (weighed by that).
    pub(super) fn push(&mut self, now: Tick, shade: Option<Shade>, probable: f32, ago_ms: f32) -> Option<Transient> {
        if let Some(red) = shade.filter(|shade| shade.colour == Colour::Red) {
            self.red = Some(red.from);
            self.told = false;
        }
        if probable < OVER {
            self.told = false;
        }
        if self.told || probable < SURE {
            return None;
        }
        self.told = true;
        let ago_ms = (ago_ms / probable).max(0.0);
        if ago_ms > LATEST_MS {
            return None;
        }
        let ended = now - Duration::from_secs_f32(ago_ms / 1000.0);
        // Where red itself was too weak to be told by its colour, its end is what is known of it.
        let red = self.red.filter(|red| *red <= ended && ended.since(*red) <= LONGEST);
        Some(Transient {
            at: now,
            from: red.unwrap_or(ended),
            confidence: probable.min(1.0),
        })
    }
}
