//! What is known of the ambient light and of an LED's two dice: one joint normal distribution, narrowed by every sample.

use super::approximation::{inverse_sqrt, ln};
use super::exposure::{EXPOSURES, PAIRS};
use super::sensor::LedShape;

/// Channels of the sensor.
pub(super) const CHANNELS: usize = 4;
/// What is estimated, in this order: how far each channel's ambient light is off (relative), by how much all of it is brighter now
/// (relative), cosine and sine of the flicker at 100 and at 120 Hz (relative), the strengths of the red and the green die (counts).
const SIZE: usize = 11;
/// Where the parts begin that scale all ambient light alike, and how many there are.
const COMMON: usize = CHANNELS;
const COMMONS: usize = 5;
const RED: usize = 9;
const GREEN: usize = 10;

/// Variance of the electronics, counts squared.
const READ_VARIANCE: f32 = 10.0;
/// How far a full channel may be from what it would count, relative, one standard deviation.
const FULL_ERROR: f32 = 0.3;
/// Error of the shape from commissioning, relative, one standard deviation.
const SHAPE_ERROR: f32 = 0.015;
/// Error of the ambient counts measured in the empty nest, one standard deviation: relative, and counts.
const AMBIENT_ERROR: (f32, f32) = (0.03, 1.0);
/// The most that all ambient light may be off, relative, one standard deviation.
const MOST_LEVEL_ERROR: f32 = 0.5;
/// Flicker in samples at 100 and at 120 Hz that is expected before any was seen, relative, one standard deviation.
const FLICKER: [f32; 2] = [0.01, 0.03];
/// Variance that a second adds: of a channel's error, of all ambient light where it is still, of flicker (mains are not exact).
const CHANNEL_DRIFT: f32 = 1.0e-6;
const LEVEL_DRIFT: f32 = 4.0e-6;
const FLICKER_DRIFT: f32 = 3.0e-4;
/// The part of what all channels have in common that a sample moves to the level.
const RETURNS: f32 = 0.01;
/// Variance that a second adds to a die's strength, relative to its square.
const DIE_DRIFT: f32 = 1.0e-5;

type Vector = [f32; SIZE];
type Channels = [f32; CHANNELS];

/// How much of each die was lit, and of which length the line is on which that lies, for every kind of exposure. An edge is
/// anywhere within its sample: what it saw is spread evenly between two colours.
#[derive(Debug, Clone, Copy)]
struct Lit {
    red: f32,
    green: f32,
    along_red: f32,
    along_green: f32,
}

const DICE: [(f32, f32); 4] = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)];

const LIT: [Lit; EXPOSURES] = {
    let mut lit = [Lit {
        red: 0.0,
        green: 0.0,
        along_red: 0.0,
        along_green: 0.0,
    }; EXPOSURES];
    let mut index = 0;
    while index < 4 {
        lit[index].red = DICE[index].0;
        lit[index].green = DICE[index].1;
        index += 1;
    }
    while index < EXPOSURES {
        let (one, other) = (DICE[PAIRS[index - 4].0], DICE[PAIRS[index - 4].1]);
        lit[index] = Lit {
            red: 0.5 * (one.0 + other.0),
            green: 0.5 * (one.1 + other.1),
            along_red: one.0 - other.0,
            along_green: one.1 - other.1,
        };
        index += 1;
    }
    lit
};

/// The joint estimate.
#[derive(Debug, Clone)]
pub(super) struct Estimate {
    mean: Vector,
    covariance: [Vector; SIZE],
}

/// A sample as it is compared with what is expected.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) counts: Channels,
    pub(super) full: [bool; CHANNELS],
    /// Cosine and sine at 100 and at 120 Hz, in the middle of the sample.
    pub(super) turns: [f32; 4],
}

/// How a kind of exposure explains a sample: the whitened difference, and the whitened effect of the ambient light's level.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fit {
    difference: Channels,
    level: Channels,
    square: f32,
    along: f32,
    level_square: f32,
    log_volume: f32,
}

impl Fit {
    pub(super) const NONE: Self = Self {
        difference: [0.0; CHANNELS],
        level: [0.0; CHANNELS],
        square: 0.0,
        along: 0.0,
        level_square: 0.0,
        log_volume: 0.0,
    };

    /// The squared distance of the sample, in standard deviations.
    pub(super) fn distance(&self) -> f32 {
        self.square
    }

    /// Logarithm of the probability density, without the constant, where the level's variance has grown by `more`.
    #[inline]
    pub(super) fn log_density(&self, more: f32) -> f32 {
        let growth = 1.0 + more * self.level_square;
        let square = self.square - more * self.along * self.along / growth;
        -0.5 * (square + self.log_volume + ln(growth))
    }
}

/// What the exposures of one sample share.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    /// The sensitivity of each channel to its own ambient error, and to a common factor.
    own: Channels,
    common: Channels,
    /// Covariance of everything with the common factor now.
    with_common: Vector,
    ambient: Channels,
    ambient_covariance: [Channels; CHANNELS],
    with_red: Channels,
    with_green: Channels,
}

impl Estimate {
    /// Nothing seen yet of an LED whose red die has about this strength, counts, known to a share of `uncertain`; the green one's lies
    /// around that within a share of `balance`.
    pub(super) fn new(ambient: Channels, level_error: f32, strength: f32, uncertain: f32, balance: f32) -> Self {
        let mut covariance = [[0.0; SIZE]; SIZE];
        for (channel, ambient) in ambient.into_iter().enumerate() {
            let error = AMBIENT_ERROR.0 + AMBIENT_ERROR.1 / ambient;
            covariance[channel][channel] = error * error;
        }
        covariance[COMMON][COMMON] = level_error * level_error;
        for phase in 0..4 {
            let flicker = FLICKER[phase / 2];
            covariance[COMMON + 1 + phase][COMMON + 1 + phase] = flicker * flicker;
        }
        let variance = (uncertain * strength) * (uncertain * strength);
        covariance[RED][RED] = variance;
        covariance[RED][GREEN] = variance;
        covariance[GREEN][RED] = variance;
        covariance[GREEN][GREEN] = variance + (balance * strength) * (balance * strength);
        let mut mean = [0.0; SIZE];
        mean[RED] = strength;
        mean[GREEN] = strength;
        Self { mean, covariance }
    }

    /// Strengths of the red and the green die, counts, with their standard deviations squared.
    pub(super) fn dice(&self) -> [(f32, f32); 2] {
        [RED, GREEN].map(|die| (self.mean[die], self.covariance[die][die]))
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, seconds: f32) {
        for channel in 0..CHANNELS {
            self.grow(channel, CHANNEL_DRIFT * seconds, 1.0);
        }
        self.grow(COMMON, LEVEL_DRIFT * seconds, MOST_LEVEL_ERROR * MOST_LEVEL_ERROR);
        for phase in 0..4 {
            let most = FLICKER[phase / 2] * FLICKER[phase / 2];
            self.grow(COMMON + 1 + phase, FLICKER_DRIFT * seconds, most);
        }
        for die in [RED, GREEN] {
            let square = self.mean[die] * self.mean[die];
            self.grow(die, DIE_DRIFT * square * seconds, 0.01 * square);
        }
    }

    /// The ambient light has changed by an unknown amount: variance of its level, relative.
    pub(super) fn jump(&mut self, by: f32) {
        self.covariance[COMMON][COMMON] += by;
    }

    fn grow(&mut self, index: usize, by: f32, most: f32) {
        let variance = &mut self.covariance[index][index];
        *variance += by.min((most - *variance).max(0.0));
    }

    /// Whether another estimate of the same light means the same dice in the same surroundings.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        (0..SIZE).all(|index| {
            let apart = self.mean[index] - other.mean[index];
            let both = self.covariance[index][index] + other.covariance[index][index];
            apart * apart < if index >= RED { 0.25 } else { 1.0 } * both
        })
    }

    /// Takes another estimate in, as a `share` of both, 0 to 1.
    pub(super) fn merge(&mut self, other: &Self, share: f32) {
        let mut apart = [0.0; SIZE];
        for ((apart, one), other) in apart.iter_mut().zip(self.mean).zip(other.mean) {
            *apart = other - one;
        }
        for (row, (covariance, others)) in self.covariance.iter_mut().zip(other.covariance).enumerate() {
            for ((value, other), apart_too) in covariance.iter_mut().zip(others).zip(apart) {
                *value += share * (other - *value) + share * (1.0 - share) * apart[row] * apart_too;
            }
        }
        for (mean, apart) in self.mean.iter_mut().zip(apart) {
            *mean += share * apart;
        }
    }

    /// What all exposures of a sample share.
    pub(super) fn prepare(&self, ambient: &Channels, seen: &Seen) -> Prepared {
        let turns = [1.0, seen.turns[0], seen.turns[1], seen.turns[2], seen.turns[3]];
        let mut with_common = [0.0; SIZE];
        let mut brighter = 0.0;
        for (offset, turn) in turns.into_iter().enumerate() {
            brighter += self.mean[COMMON + offset] * turn;
            for (sum, covariance) in with_common.iter_mut().zip(self.covariance[COMMON + offset]) {
                *sum += covariance * turn;
            }
        }
        let both: f32 = with_common[COMMON..COMMON + COMMONS]
            .iter()
            .zip(turns)
            .map(|(covariance, turn)| covariance * turn)
            .sum();
        let mut own = [0.0; CHANNELS];
        let mut common = [0.0; CHANNELS];
        let mut expected = [0.0; CHANNELS];
        for channel in 0..CHANNELS {
            own[channel] = ambient[channel] * (1.0 + brighter).max(0.05);
            common[channel] = ambient[channel] * (1.0 + self.mean[channel]).max(0.05);
            expected[channel] = ambient[channel] * (1.0 + self.mean[channel]) * (1.0 + brighter);
        }
        let mut ambient_covariance = [[0.0; CHANNELS]; CHANNELS];
        let mut with_red = [0.0; CHANNELS];
        let mut with_green = [0.0; CHANNELS];
        for one in 0..CHANNELS {
            for other in 0..CHANNELS {
                ambient_covariance[one][other] = own[one] * own[other] * self.covariance[one][other]
                    + own[one] * common[other] * with_common[one]
                    + common[one] * own[other] * with_common[other]
                    + common[one] * common[other] * both;
            }
            with_red[one] = own[one] * self.covariance[RED][one] + common[one] * with_common[RED];
            with_green[one] = own[one] * self.covariance[GREEN][one] + common[one] * with_common[GREEN];
        }
        Prepared {
            own,
            common,
            with_common,
            ambient: expected,
            ambient_covariance,
            with_red,
            with_green,
        }
    }

    /// How a kind of exposure explains a sample, with what whitens it.
    pub(super) fn fit(&self, prepared: &Prepared, exposure: usize, seen: &Seen, shape: &LedShape) -> (Fit, Whitener) {
        let Lit {
            red,
            green,
            along_red,
            along_green,
        } = LIT[exposure];
        let (strength_red, strength_green) = (self.mean[RED], self.mean[GREEN]);
        let (rr, rg, gg) = (
            red * red * self.covariance[RED][RED],
            red * green * self.covariance[RED][GREEN],
            green * green * self.covariance[GREEN][GREEN],
        );
        let mut difference = [0.0; CHANNELS];
        let mut line = [0.0; CHANNELS];
        let mut covariance = prepared.ambient_covariance;
        for channel in 0..CHANNELS {
            let light = red * strength_red * shape.red[channel] + green * strength_green * shape.green[channel];
            line[channel] =
                along_red * strength_red * shape.red[channel] + along_green * strength_green * shape.green[channel];
            let expected = prepared.ambient[channel] + light;
            difference[channel] = seen.counts[channel] - expected;
            let wrong = SHAPE_ERROR * light;
            let mut noise = expected.max(4.0) + READ_VARIANCE + wrong * wrong;
            if seen.full[channel] {
                let full = FULL_ERROR * seen.counts[channel];
                noise += full * full;
                difference[channel] = difference[channel].max(0.0);
            }
            covariance[channel][channel] += noise;
        }
        for one in 0..CHANNELS {
            for other in 0..=one {
                covariance[one][other] += red
                    * (prepared.with_red[one] * shape.red[other] + shape.red[one] * prepared.with_red[other])
                    + green
                        * (prepared.with_green[one] * shape.green[other]
                            + shape.green[one] * prepared.with_green[other])
                    + rr * shape.red[one] * shape.red[other]
                    + rg * (shape.red[one] * shape.green[other] + shape.green[one] * shape.red[other])
                    + gg * shape.green[one] * shape.green[other]
                    + line[one] * line[other] * (1.0 / 12.0);
            }
        }
        let whitener = Whitener::new(covariance);
        let difference = whitener.whiten(difference);
        let level = whitener.whiten(prepared.common);
        let fit = Fit {
            square: dot(&difference, &difference),
            along: dot(&difference, &level),
            level_square: dot(&level, &level),
            log_volume: whitener.log_volume(),
            difference,
            level,
        };
        (fit, whitener)
    }

    /// Takes in a sample: each of some explanations with its weight, of weights that sum to at most 1; the rest teaches nothing.
    pub(super) fn learn(
        &mut self,
        prepared: &Prepared,
        explanations: impl Iterator<Item = Explanation>,
        shape: &LedShape,
    ) {
        let mut moved = [0.0; SIZE];
        let mut covariance = self.covariance;
        for explanation in explanations {
            let Explanation {
                weight,
                exposure,
                more,
                fit,
                whitener,
            } = explanation;
            let Lit { red, green, .. } = LIT[exposure];
            // Covariance of everything with the sample, whitened; the level's growth is one more column of the root of the covariance.
            let mut gains = [[0.0; CHANNELS]; SIZE];
            for (index, gain) in gains.iter_mut().enumerate() {
                let row = &self.covariance[index];
                let level = if index == COMMON { more } else { 0.0 };
                let mut with = [0.0; CHANNELS];
                for (channel, with) in with.iter_mut().enumerate() {
                    *with = prepared.own[channel] * row[channel]
                        + prepared.common[channel] * (prepared.with_common[index] + level)
                        + red * row[RED] * shape.red[channel]
                        + green * row[GREEN] * shape.green[channel];
                }
                *gain = whitener.whiten(with);
            }
            // The sample's covariance is W W' + more w w' in whitened terms I + more l l': its inverse is I - more l l' / growth.
            let growth = 1.0 + more * fit.level_square;
            let less = more / growth;
            let mut step = [0.0; SIZE];
            let mut along = [0.0; SIZE];
            for ((step, along), gain) in step.iter_mut().zip(&mut along).zip(&gains) {
                *step = dot(gain, &fit.difference);
                *along = dot(gain, &fit.level);
                *step -= less * *along * fit.along;
            }
            for one in 0..SIZE {
                moved[one] += weight * step[one];
                for other in 0..SIZE {
                    let explained = gains[one][0] * gains[other][0]
                        + gains[one][1] * gains[other][1]
                        + gains[one][2] * gains[other][2]
                        + gains[one][3] * gains[other][3];
                    covariance[one][other] +=
                        weight * (step[one] * step[other] + less * along[one] * along[other] - explained);
                }
            }
            covariance[COMMON][COMMON] += weight * more;
        }
        for one in 0..SIZE {
            self.mean[one] += moved[one];
            for other in 0..SIZE {
                self.covariance[one][other] = covariance[one][other] - moved[one] * moved[other];
            }
        }
        // All channels brighter is the same as the level higher: the level is where such a difference belongs.
        let shared = RETURNS * self.mean[..CHANNELS].iter().sum::<f32>() / 4.0;
        for mean in &mut self.mean[..CHANNELS] {
            *mean -= shared;
        }
        self.mean[COMMON] += shared;
        for (index, row) in self.covariance.iter_mut().enumerate() {
            row[index] = row[index].max(if index >= RED { 0.01 } else { 1.0e-9 });
        }
    }
}

/// An explanation of a sample.
#[derive(Debug, Clone, Copy)]
pub(super) struct Explanation {
    /// How probable it is.
    pub(super) weight: f32,
    pub(super) exposure: usize,
    /// By how much the variance of the ambient light's level had grown.
    pub(super) more: f32,
    pub(super) fit: Fit,
    pub(super) whitener: Whitener,
}

fn dot(one: &Channels, other: &Channels) -> f32 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

/// The inverse of a covariance's lower triangular root.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whitener {
    root: [Channels; CHANNELS],
    /// One over each of the root's diagonal.
    inverse: Channels,
}

#[expect(clippy::needless_range_loop, reason = "two matrices and their diagonal go together")]
impl Whitener {
    /// From the lower triangle of a covariance (Cholesky).
    #[inline]
    fn new(covariance: [Channels; CHANNELS]) -> Self {
        let mut root = [[0.0; CHANNELS]; CHANNELS];
        let mut inverse = [0.0; CHANNELS];
        for one in 0..CHANNELS {
            for other in 0..=one {
                let mut rest = covariance[one][other];
                for before in 0..other {
                    rest -= root[one][before] * root[other][before];
                }
                if one == other {
                    let left = rest.max(1.0e-4 * covariance[one][one]).max(1.0);
                    inverse[one] = inverse_sqrt(left);
                    root[one][one] = left * inverse[one];
                } else {
                    root[one][other] = rest * inverse[other];
                }
            }
        }
        Self { root, inverse }
    }

    #[inline]
    fn whiten(&self, mut values: Channels) -> Channels {
        for one in 0..CHANNELS {
            let mut rest = values[one];
            for before in 0..one {
                rest -= self.root[one][before] * values[before];
            }
            values[one] = rest * self.inverse[one];
        }
        values
    }

    fn log_volume(&self) -> f32 {
        -2.0 * (ln(self.inverse[0] * self.inverse[1]) + ln(self.inverse[2] * self.inverse[3]))
    }
}
