//! The cheapest sensor: a red- and a green-filtered photodiode behind comparators, which tell lit or not and no strength.

use super::approximation::ln;
use super::exposure::{EXPOSURES, PAIRS, PerExposure};
use super::sensor::{COLOURS, PerColour, SensorModel};
use crate::sample::Sample;

/// How often a comparator is wrong: shares of samples, each above 0 and below 0.5.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LitErrors {
    /// Says lit without its light: a neighbour's lamp, the other die through the filter, chatter at the threshold.
    pub false_light: f32,
    /// Says dark under its light: a weak unit, flicker that pulls the threshold.
    pub missed_light: f32,
}

impl Default for LitErrors {
    /// One sample in fifty, both ways: what a comparator does whose threshold lies at half of the weakest LED's light.
    fn default() -> Self {
        Self {
            false_light: 0.02,
            missed_light: 0.02,
        }
    }
}

/// Model of two comparators that watch the red and the green die. A channel that counts anything at all is lit.
///
/// Both err by themselves and independently of each other; there is nothing to learn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LitSensor {
    errors: LitErrors,
}

impl LitSensor {
    /// A sensor whose comparators err so often.
    pub const fn new(errors: LitErrors) -> Self {
        Self { errors }
    }
}

impl LitSensor {
    /// How likely each colour makes this sample.
    fn likelihoods(self, sample: &Sample) -> PerColour {
        let LitErrors {
            false_light,
            missed_light,
        } = self.errors;
        let told = |count: u16| {
            if count > 0 {
                // How likely it says so in the dark, and in the light.
                [false_light, 1.0 - missed_light]
            } else {
                [1.0 - false_light, missed_light]
            }
        };
        let ([no_red, red], [no_green, green]) = (told(sample.counts.red), told(sample.counts.green));
        // In the order of `COLOURS`: off, red, amber, green.
        [no_red * no_green, red * no_green, red * green, no_red * green]
    }
}

impl SensorModel for LitSensor {
    const STARTS: usize = 1;

    fn start(&self, _: usize) -> (Self, f32) {
        (*self, 1.0)
    }

    fn weigh(&mut self, sample: &Sample) -> Option<PerExposure> {
        let colours = self.likelihoods(sample);
        let mut logs = [0.0; EXPOSURES];
        for (log, likelihood) in logs.iter_mut().zip(colours) {
            *log = ln(likelihood);
        }
        // Beside an edge a comparator tells either of the colours, and seldom by mistake: between the two, in logarithms.
        for (place, (one, other)) in PAIRS.into_iter().enumerate() {
            logs[COLOURS.len() + place] = 0.5 * (logs[one] + logs[other]);
        }
        Some(logs)
    }
}

#[cfg(test)]
mod tests {
    use super::super::sensor::place;
    use super::*;
    use crate::codes::Colour;
    use crate::sample::Counts;
    use crate::tick::Tick;

    fn weights(red: u16, green: u16) -> PerColour {
        let sample = Sample {
            start: Tick::ZERO,
            end: Tick::ZERO,
            counts: Counts {
                red,
                green,
                ..Counts::default()
            },
        };
        LitSensor::new(LitErrors::default()).likelihoods(&sample)
    }

    #[test]
    fn two_comparators_tell_four_colours() {
        for (counts, colour) in [
            ((0, 0), Colour::Off),
            ((1000, 0), Colour::Red),
            ((1000, 1000), Colour::Amber),
            ((0, 1000), Colour::Green),
        ] {
            let weights = weights(counts.0, counts.1);
            let best = weights[place(colour)];
            for other in COLOURS.into_iter().filter(|other| *other != colour) {
                assert!(best > 40.0 * weights[place(other)], "{colour:?} before {other:?}");
            }
        }
    }

    #[test]
    fn one_wrong_comparator_is_likelier_than_two() {
        let weights = weights(1000, 0);
        assert!(weights[place(Colour::Off)] > weights[place(Colour::Green)]);
        assert!(weights[place(Colour::Amber)] > weights[place(Colour::Green)]);
    }
}
