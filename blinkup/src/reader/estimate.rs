//! What is known of the ambient light and of an LED's two dice: one joint normal distribution, narrowed by every sample.

use super::approximation::{inverse_sqrt, ln};
use super::exposure::{EXPOSURES, PAIRS, PerExposure};
use super::sensor::{COLOURS, LedShape, PerColour};

/// Channels of the sensor.
pub(super) const CHANNELS: usize = 4;
/// What is estimated, in this order: how far each channel's ambient light is off (relative), by how much all of it is brighter now
/// (relative), cosine and sine of the flicker at 100 and at 120 Hz (relative), the strengths of the red and the green die (counts).
const SIZE: usize = 11;
/// The same, and the number of exposures, rounded up to what a processor takes at once.
const WIDE: usize = 12;
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

/// A number for each part of what is estimated; the last one is nothing.
type Vector = [f32; WIDE];
type Channels = [f32; CHANNELS];
/// A number for each exposure; the last two are nothing.
type Wide = [f32; WIDE];

/// How much of each die was lit, and of which length the line is on which that lies, for every kind of exposure. An edge is
/// anywhere within its sample: what it saw is spread evenly between two colours.
struct Lit {
    red: Wide,
    green: Wide,
    along_red: Wide,
    along_green: Wide,
}

const DICE: [(f32, f32); 4] = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)];

const LIT: Lit = {
    let mut lit = Lit {
        red: [0.0; WIDE],
        green: [0.0; WIDE],
        along_red: [0.0; WIDE],
        along_green: [0.0; WIDE],
    };
    let mut index = 0;
    while index < 4 {
        lit.red[index] = DICE[index].0;
        lit.green[index] = DICE[index].1;
        index += 1;
    }
    while index < EXPOSURES {
        let (one, other) = (DICE[PAIRS[index - 4].0], DICE[PAIRS[index - 4].1]);
        lit.red[index] = 0.5 * (one.0 + other.0);
        lit.green[index] = 0.5 * (one.1 + other.1);
        lit.along_red[index] = one.0 - other.0;
        lit.along_green[index] = one.1 - other.1;
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

/// How each kind of exposure explains a sample: the whitened difference, what the whitened effect of the ambient light's level has to do
/// with that, and what whitens: the inverse of the lower triangular root of the sample's covariance.
#[derive(Debug, Clone)]
pub(super) struct Fits {
    difference: [PerColour; CHANNELS],
    square: Wide,
    along: Wide,
    level_square: Wide,
    log_volume: Wide,
    /// Of those that are learned from, single colours: the root below its diagonal, row by row, and one over the diagonal.
    root: [PerColour; ROOTS],
    inverse: [PerColour; CHANNELS],
}

/// Numbers of a triangle below its diagonal.
const ROOTS: usize = CHANNELS * (CHANNELS - 1) / 2;

/// What whitens, of every exposure.
struct Roots {
    root: [Wide; ROOTS],
    inverse: [Wide; CHANNELS],
}

/// Where a row of a triangle below its diagonal begins.
const fn row(one: usize) -> usize {
    one * (one - 1) / 2
}

#[expect(
    clippy::needless_range_loop,
    reason = "numbers of many exposures go together, in loops that compilers vectorise"
)]
impl Fits {
    pub(super) const NONE: Self = Self {
        difference: [[0.0; COLOURS.len()]; CHANNELS],
        square: [0.0; WIDE],
        along: [0.0; WIDE],
        level_square: [0.0; WIDE],
        log_volume: [0.0; WIDE],
        root: [[0.0; COLOURS.len()]; ROOTS],
        inverse: [[1.0; COLOURS.len()]; CHANNELS],
    };

    /// The least squared distance of the sample from any exposure and from one of a single colour, in standard deviations.
    pub(super) fn distances(&self) -> (f32, f32) {
        let least = |squares: &[f32]| squares.iter().fold(f32::MAX, |least, square| least.min(*square));
        (least(&self.square[..EXPOSURES]), least(&self.square[..COLOURS.len()]))
    }

    /// What none of the logarithms of the probability densities is above, however the level has changed.
    pub(super) fn most_log_density(&self) -> f32 {
        let least = self.log_volume[..EXPOSURES]
            .iter()
            .fold(f32::MAX, |least, volume| least.min(*volume));
        -0.5 * least
    }

    /// Logarithms of the probability densities, without the constant, where the level's variance has grown by `more`.
    pub(super) fn log_densities(&self, more: f32) -> PerExposure {
        let mut densities = [0.0; WIDE];
        let mut result = [0.0; EXPOSURES];
        if more <= 0.0 {
            for (result, (square, log_volume)) in result.iter_mut().zip(self.square.iter().zip(&self.log_volume)) {
                *result = -0.5 * (square + log_volume);
            }
            return result;
        }
        for lane in 0..WIDE {
            let growth = 1.0 + more * self.level_square[lane];
            let square = self.square[lane] - more * self.along[lane] * self.along[lane] / growth;
            densities[lane] = -0.5 * (square + self.log_volume[lane] + ln(growth));
        }
        result.copy_from_slice(&densities[..EXPOSURES]);
        result
    }

    /// Whitens numbers for each channel as one exposure does.
    #[inline]
    fn whiten(&self, exposure: usize, values: &mut [Vector; CHANNELS]) {
        for one in 0..CHANNELS {
            let mut rest = values[one];
            for before in 0..one {
                let root = self.root[row(one) + before][exposure];
                for lane in 0..WIDE {
                    rest[lane] -= root * values[before][lane];
                }
            }
            let inverse = self.inverse[one][exposure];
            for lane in 0..WIDE {
                values[one][lane] = rest[lane] * inverse;
            }
        }
    }
}

#[expect(
    clippy::needless_range_loop,
    reason = "numbers of many exposures go together, in loops that compilers vectorise"
)]
impl Roots {
    /// From covariances, of which the lower triangle counts (Cholesky), with the logarithms of their determinants.
    #[inline]
    fn new(covariance: &[[Wide; CHANNELS]; CHANNELS]) -> (Self, Wide) {
        let mut roots = Self {
            root: [[0.0; WIDE]; ROOTS],
            inverse: [[1.0; WIDE]; CHANNELS],
        };
        let mut volume = [1.0; WIDE];
        for one in 0..CHANNELS {
            for other in 0..one {
                let mut rest = covariance[one][other];
                for before in 0..other {
                    for lane in 0..WIDE {
                        rest[lane] -= roots.root[row(one) + before][lane] * roots.root[row(other) + before][lane];
                    }
                }
                for lane in 0..WIDE {
                    roots.root[row(one) + other][lane] = rest[lane] * roots.inverse[other][lane];
                }
            }
            let mut rest = covariance[one][one];
            for before in 0..one {
                for lane in 0..WIDE {
                    let root = roots.root[row(one) + before][lane];
                    rest[lane] -= root * root;
                }
            }
            for lane in 0..WIDE {
                let left = rest[lane].max(1.0e-4 * covariance[one][one][lane]).max(1.0);
                roots.inverse[one][lane] = inverse_sqrt(left);
                volume[lane] *= left.min(1.0e9);
            }
        }
        (roots, volume.map(ln))
    }

    /// Whitens a number for each channel and exposure.
    #[inline]
    fn whiten(&self, values: &mut [Wide; CHANNELS]) {
        for one in 0..CHANNELS {
            let mut rest = values[one];
            for before in 0..one {
                for lane in 0..WIDE {
                    rest[lane] -= self.root[row(one) + before][lane] * values[before][lane];
                }
            }
            for lane in 0..WIDE {
                values[one][lane] = rest[lane] * self.inverse[one][lane];
            }
        }
    }
}

/// What the exposures of one sample share, as long as it has to be learned from.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    /// The sensitivity of each channel to its own ambient error, and to a common factor.
    own: Channels,
    common: Channels,
    /// Covariance of everything with the common factor now.
    with_common: Vector,
}

/// The ambient light that is expected in a sample, and how it varies: with itself, and with each die.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    ambient: Channels,
    covariance: [Channels; CHANNELS],
    with_red: Channels,
    with_green: Channels,
}

#[expect(
    clippy::needless_range_loop,
    reason = "numbers of many exposures go together, in loops that compilers vectorise"
)]
impl Estimate {
    /// Nothing seen yet of an LED whose red die has about this strength, counts, known to a share of `uncertain`; the green one's lies
    /// around that within a share of `balance`.
    pub(super) fn new(ambient: Channels, level_error: f32, strength: f32, uncertain: f32, balance: f32) -> Self {
        let mut covariance = [[0.0; WIDE]; SIZE];
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
        let mut mean = [0.0; WIDE];
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
        let mut apart = [0.0; WIDE];
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
    pub(super) fn prepare(&self, ambient: &Channels, seen: &Seen) -> (Prepared, Expected) {
        let turns = [1.0, seen.turns[0], seen.turns[1], seen.turns[2], seen.turns[3]];
        let mut with_common = [0.0; WIDE];
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
        let prepared = Prepared {
            own,
            common,
            with_common,
        };
        let expected = Expected {
            ambient: expected,
            covariance: ambient_covariance,
            with_red,
            with_green,
        };
        (prepared, expected)
    }

    /// How each kind of exposure explains a sample.
    pub(super) fn fit(&self, prepared: &Prepared, ambient: &Expected, seen: &Seen, shape: &LedShape, fits: &mut Fits) {
        let Lit {
            red,
            green,
            along_red,
            along_green,
        } = &LIT;
        let (strength_red, strength_green) = (self.mean[RED], self.mean[GREEN]);
        let (rr, rg, gg) = (
            self.covariance[RED][RED],
            self.covariance[RED][GREEN],
            self.covariance[GREEN][GREEN],
        );
        // How much of both dice's shapes the covariance has: their uncertain strengths, and the line of an edge.
        let (mut reds, mut mixed, mut greens) = ([0.0; WIDE], [0.0; WIDE], [0.0; WIDE]);
        for lane in 0..WIDE {
            let along = (along_red[lane] * strength_red, along_green[lane] * strength_green);
            reds[lane] = red[lane] * red[lane] * rr + along.0 * along.0 * (1.0 / 12.0);
            mixed[lane] = red[lane] * green[lane] * rg + along.0 * along.1 * (1.0 / 12.0);
            greens[lane] = green[lane] * green[lane] * gg + along.1 * along.1 * (1.0 / 12.0);
        }
        let mut covariance = [[[0.0; WIDE]; CHANNELS]; CHANNELS];
        let mut differences = [[0.0; WIDE]; CHANNELS];
        for one in 0..CHANNELS {
            for other in 0..=one {
                let of_ambient = ambient.covariance[one][other];
                let with_red = ambient.with_red[one] * shape.red[other] + shape.red[one] * ambient.with_red[other];
                let with_green =
                    ambient.with_green[one] * shape.green[other] + shape.green[one] * ambient.with_green[other];
                let both_red = shape.red[one] * shape.red[other];
                let both = shape.red[one] * shape.green[other] + shape.green[one] * shape.red[other];
                let both_green = shape.green[one] * shape.green[other];
                for lane in 0..WIDE {
                    covariance[one][other][lane] = of_ambient
                        + red[lane] * with_red
                        + green[lane] * with_green
                        + reds[lane] * both_red
                        + mixed[lane] * both
                        + greens[lane] * both_green;
                }
            }
        }
        for channel in 0..CHANNELS {
            let (of_red, of_green) = (strength_red * shape.red[channel], strength_green * shape.green[channel]);
            let of_ambient = ambient.ambient[channel];
            let count = seen.counts[channel];
            let (least, full) = if seen.full[channel] {
                (0.0, FULL_ERROR * count)
            } else {
                (f32::MIN, 0.0)
            };
            for lane in 0..WIDE {
                let light = red[lane] * of_red + green[lane] * of_green;
                let expected = of_ambient + light;
                let wrong = SHAPE_ERROR * light;
                differences[channel][lane] = (count - expected).max(least);
                covariance[channel][channel][lane] += expected.max(4.0) + READ_VARIANCE + wrong * wrong + full * full;
            }
        }
        let (roots, log_volume) = Roots::new(&covariance);
        fits.log_volume = log_volume;
        roots.whiten(&mut differences);
        let mut levels = prepared.common.map(|common| [common; WIDE]);
        roots.whiten(&mut levels);
        for colour in 0..COLOURS.len() {
            for channel in 0..CHANNELS {
                fits.difference[channel][colour] = differences[channel][colour];
                fits.inverse[channel][colour] = roots.inverse[channel][colour];
            }
            for place in 0..ROOTS {
                fits.root[place][colour] = roots.root[place][colour];
            }
        }
        (fits.square, fits.along, fits.level_square) = ([0.0; WIDE], [0.0; WIDE], [0.0; WIDE]);
        for channel in 0..CHANNELS {
            for lane in 0..WIDE {
                let (difference, level) = (differences[channel][lane], levels[channel][lane]);
                fits.square[lane] += difference * difference;
                fits.along[lane] += difference * level;
                fits.level_square[lane] += level * level;
            }
        }
    }

    /// Takes in a sample: each of some explanations with its weight, of weights that sum to at most 1; the rest teaches nothing.
    pub(super) fn learn(
        &mut self,
        prepared: &Prepared,
        fits: &Fits,
        explanations: impl Iterator<Item = Explanation>,
        shape: &LedShape,
    ) {
        let mut moved = [0.0; WIDE];
        let mut covariance = self.covariance;
        for explanation in explanations {
            let Explanation { weight, exposure, more } = explanation;
            let (red, green) = (LIT.red[exposure], LIT.green[exposure]);
            // Covariance of everything with the sample, whitened; the level's growth is one more column of the root of the covariance.
            let mut gains = [[0.0; WIDE]; CHANNELS];
            for (channel, gains) in gains.iter_mut().enumerate() {
                let (own, common) = (prepared.own[channel], prepared.common[channel]);
                let (of_red, of_green) = (red * shape.red[channel], green * shape.green[channel]);
                for index in 0..WIDE {
                    gains[index] = own * self.covariance[channel][index]
                        + common * prepared.with_common[index]
                        + of_red * self.covariance[RED][index]
                        + of_green * self.covariance[GREEN][index];
                }
                gains[COMMON] += common * more;
            }
            // The last column, which stands for nothing that is estimated, takes the effect of the level along.
            for (gains, common) in gains.iter_mut().zip(prepared.common) {
                gains[SIZE] = common;
            }
            fits.whiten(exposure, &mut gains);
            let levels = gains.each_mut().map(|gains| core::mem::take(&mut gains[SIZE]));
            // The sample's covariance is W W' + more w w' in whitened terms I + more l l': its inverse is I - more l l' / growth.
            let growth = 1.0 + more * fits.level_square[exposure];
            let less = more / growth;
            let mut step = [0.0; WIDE];
            let mut along = [0.0; WIDE];
            for (channel, gains) in gains.iter().enumerate() {
                let (difference, level) = (fits.difference[channel][exposure], levels[channel]);
                for index in 0..WIDE {
                    step[index] += gains[index] * difference;
                    along[index] += gains[index] * level;
                }
            }
            for index in 0..WIDE {
                step[index] -= less * along[index] * fits.along[exposure];
                moved[index] += weight * step[index];
            }
            let [first, second, third, fourth] = &gains;
            for (one, covariance) in covariance.iter_mut().enumerate() {
                let (of_step, of_along) = (weight * step[one], weight * less * along[one]);
                let (a, b, c, d) = (
                    weight * first[one],
                    weight * second[one],
                    weight * third[one],
                    weight * fourth[one],
                );
                for other in 0..WIDE {
                    covariance[other] += of_step * step[other] + of_along * along[other]
                        - (a * first[other] + b * second[other] + c * third[other] + d * fourth[other]);
                }
            }
            covariance[COMMON][COMMON] += weight * more;
        }
        for (one, covariance) in covariance.iter().enumerate() {
            self.mean[one] += moved[one];
            for other in 0..WIDE {
                self.covariance[one][other] = covariance[other] - moved[one] * moved[other];
            }
        }
        // All channels brighter is the same as the level higher: the level is where such a difference belongs.
        let shared = RETURNS * self.mean[..CHANNELS].iter().sum::<f32>() / 4.0;
        for mean in &mut self.mean[..CHANNELS] {
            *mean -= shared;
        }
        self.mean[COMMON] += shared;
        for index in 0..SIZE {
            let least = if index >= RED { 0.01 } else { 1.0e-9 };
            self.covariance[index][index] = self.covariance[index][index].max(least);
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
}
