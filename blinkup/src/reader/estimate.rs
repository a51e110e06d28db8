//! What is known of the ambient light and of an LED's two dice: one joint normal distribution, narrowed by every sample.

use super::exposure::{EXPOSURES, PAIRS};
use super::lanes::{Four, GROUPS, Twelve};
use super::sensor::{COLOURS, LedShape, WAYS};

/// Channels of the sensor.
pub(super) const CHANNELS: usize = 4;
/// What is estimated, in this order: how far each channel's ambient light is off (relative), by how much all of it is brighter now
/// (relative), cosine and sine of the flicker at 100 and at 120 Hz (relative), the strengths of the red and the green die (counts).
const SIZE: usize = 11;
/// The same, and the number of exposures, rounded up to what a processor takes at once.
const WIDE: usize = 4 * GROUPS;
/// Where the five parts begin that scale all ambient light alike.
const COMMON: usize = CHANNELS;
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
type Vector = Twelve;
/// A number for each channel.
type Channels = Four;
/// A number for each exposure, of which the colours are the first four; the last two are as the first.
type Wide = Twelve;

/// How much of each die was lit, and of which length the line is on which that lies, for every kind of exposure. An edge is
/// anywhere within its sample: what it saw is spread evenly between two colours.
struct Lit {
    red: Wide,
    green: Wide,
    /// Products of those, of which each is symmetric: red and red, red and green, green and green.
    both: [Wide; 3],
    /// The same of the lines.
    along: [Wide; 3],
}

const DICE: [(f32, f32); 4] = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)];

const LIT: Lit = {
    let (mut red, mut green) = ([0.0; WIDE], [0.0; WIDE]);
    let (mut both, mut along) = ([[0.0; WIDE]; 3], [[0.0; WIDE]; 3]);
    let mut index = 0;
    while index < EXPOSURES {
        let (one, other) = if index < COLOURS.len() {
            (DICE[index], DICE[index])
        } else {
            let (one, other) = PAIRS[index - COLOURS.len()];
            (DICE[one], DICE[other])
        };
        (red[index], green[index]) = (0.5 * (one.0 + other.0), 0.5 * (one.1 + other.1));
        let line = (one.0 - other.0, one.1 - other.1);
        both[0][index] = red[index] * red[index];
        both[1][index] = red[index] * green[index];
        both[2][index] = green[index] * green[index];
        along[0][index] = line.0 * line.0;
        along[1][index] = line.0 * line.1;
        along[2][index] = line.1 * line.1;
        index += 1;
    }
    let [rr, rg, gg] = both;
    let [along_rr, along_rg, along_gg] = along;
    Lit {
        red: Wide::new(red),
        green: Wide::new(green),
        both: [Wide::new(rr), Wide::new(rg), Wide::new(gg)],
        along: [Wide::new(along_rr), Wide::new(along_rg), Wide::new(along_gg)],
    }
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
    pub(super) counts: [f32; CHANNELS],
    pub(super) full: [bool; CHANNELS],
    /// Cosine and sine at 100 and at 120 Hz, in the middle of the sample.
    pub(super) turns: [f32; 4],
}

/// How each kind of exposure explains a sample: the squared difference from it in standard deviations, what the effect of the ambient light's
/// level has to do with the difference, that effect squared, and the determinant of the covariance.
#[derive(Debug, Clone)]
pub(super) struct Fits {
    square: Wide,
    along: Wide,
    level_square: Wide,
    log_volume: Wide,
    /// Of those that are learned from, single colours: what makes channels independent, and the difference and the level's effect in each,
    /// over its variance.
    difference: [Four; CHANNELS],
    level: [Four; CHANNELS],
    roots: Roots,
}

/// Numbers of a triangle below its diagonal.
const ROOTS: usize = CHANNELS * (CHANNELS - 1) / 2;

/// What makes numbers for each channel independent, in four exposures: the sample's covariance is L D L' with ones on the diagonal of the
/// triangle L (Cholesky without roots). Below its diagonal L, row by row, and one over D.
#[derive(Debug, Clone)]
struct Roots {
    below: [Four; ROOTS],
    inverse: [Four; CHANNELS],
}

/// Where a row of a triangle below its diagonal begins.
const fn row(one: usize) -> usize {
    one * (one - 1) / 2
}

impl Fits {
    pub(super) const NONE: Self = Self {
        square: Wide::ZERO,
        along: Wide::ZERO,
        level_square: Wide::ZERO,
        log_volume: Wide::ZERO,
        difference: [Four::ZERO; CHANNELS],
        level: [Four::ZERO; CHANNELS],
        roots: Roots {
            below: [Four::ZERO; ROOTS],
            inverse: [Four::all(1.0); CHANNELS],
        },
    };

    /// The least squared distance of the sample from any exposure and from one of a single colour, in standard deviations.
    pub(super) fn distances(&self) -> (f32, f32) {
        let [colours, ..] = self.square.0;
        (self.square.least(), colours.least())
    }

    /// What none of the logarithms of the probability densities is above, however the level has changed.
    pub(super) fn most_log_density(&self) -> f32 {
        -0.5 * self.log_volume.least()
    }

    /// Logarithms of the probability densities, without the constant, where the level's variance has grown by `more`.
    #[inline]
    pub(super) fn log_densities(&self, more: f32) -> Wide {
        if more <= 0.0 {
            return (self.square + self.log_volume) * -0.5;
        }
        let growth = self.level_square * more + Wide::all(1.0);
        let along = self.along.with(self.along, |one, other| one * more * other);
        let square = self.square - along.with(growth, Four::over);
        (square + self.log_volume + growth.ln()) * -0.5
    }
}

impl Roots {
    /// From covariances, of which the lower triangle counts, with their determinants.
    #[inline]
    fn new(covariance: &[[Wide; CHANNELS]; CHANNELS], group: usize) -> (Self, Four) {
        let mut below = [Four::ZERO; ROOTS];
        let mut inverse = [Four::all(1.0); CHANNELS];
        let mut volume = Four::all(1.0);
        for one in 0..CHANNELS {
            // A row of L D, and what is left of the diagonal.
            let mut products = [Four::ZERO; CHANNELS];
            let whole = covariance[one][one].0[group];
            let mut left = whole;
            for other in 0..one {
                let mut rest = covariance[one][other].0[group];
                for before in 0..other {
                    rest -= products[before] * below[row(other) + before];
                }
                products[other] = rest;
                below[row(one) + other] = rest * inverse[other];
                left -= rest * below[row(one) + other];
            }
            let left = left.max(whole * 1.0e-4).max(Four::all(1.0));
            inverse[one] = Four::all(1.0).over(left);
            volume = volume * left.min(Four::all(1.0e9));
        }
        (Self { below, inverse }, volume)
    }

    /// Makes a number for each channel independent, in each of the exposures.
    #[inline]
    fn part(&self, values: &mut [Four; CHANNELS]) {
        for one in 0..CHANNELS {
            for before in 0..one {
                values[one] -= self.below[row(one) + before] * values[before];
            }
        }
    }

    /// Makes numbers for each channel independent as in one of the exposures.
    #[inline]
    fn part_as(&self, exposure: usize, values: &mut [Vector; CHANNELS]) {
        for one in 0..CHANNELS {
            for before in 0..one {
                let below = self.below[row(one) + before].0[exposure];
                values[one] -= values[before] * below;
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

impl Estimate {
    /// Nothing seen yet of an LED whose red die has about this strength, counts, known to a share of `uncertain`; the green one's lies
    /// around that within a share of `balance`.
    pub(super) fn new(ambient: [f32; CHANNELS], level_error: f32, strength: f32, uncertain: f32, balance: f32) -> Self {
        let mut covariance = [Vector::ZERO; SIZE];
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
        let mut mean = Vector::ZERO;
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
        let apart = other.mean - self.mean;
        for (place, (covariance, others)) in self.covariance.iter_mut().zip(other.covariance).enumerate() {
            *covariance += (others - *covariance) * share + apart * (share * (1.0 - share) * apart[place]);
        }
        self.mean += apart * share;
    }

    /// What all exposures of a sample share.
    pub(super) fn prepare(&self, ambient: &[f32; CHANNELS], seen: &Seen) -> (Prepared, Expected) {
        let turns = [1.0, seen.turns[0], seen.turns[1], seen.turns[2], seen.turns[3]];
        let mut with_common = Vector::ZERO;
        let (mut brighter, mut both) = (0.0, 0.0);
        for (offset, turn) in turns.into_iter().enumerate() {
            brighter += self.mean[COMMON + offset] * turn;
            with_common += self.covariance[COMMON + offset] * turn;
        }
        for (offset, turn) in turns.into_iter().enumerate() {
            both += with_common[COMMON + offset] * turn;
        }
        let ambient = Four(*ambient);
        let [of_channels, ..] = self.mean.0;
        let of_channels = of_channels + Channels::all(1.0);
        let own = ambient * (1.0 + brighter).max(0.05);
        let common = ambient * of_channels.max(Four::all(0.05));
        let [channels_with_common, ..] = with_common.0;
        let rows = core::array::from_fn(|one| {
            let [with_channels, ..] = self.covariance[one].0;
            own * own.0[one] * with_channels
                + common * own.0[one] * with_common[one]
                + own * common.0[one] * channels_with_common
                + common * common.0[one] * both
        });
        let with = |die: usize| {
            let [with_channels, ..] = self.covariance[die].0;
            own * with_channels + common * with_common[die]
        };
        let expected = Expected {
            ambient: ambient * of_channels * (1.0 + brighter),
            covariance: rows,
            with_red: with(RED),
            with_green: with(GREEN),
        };
        let prepared = Prepared {
            own,
            common,
            with_common,
        };
        (prepared, expected)
    }

    /// How each kind of exposure explains a sample.
    pub(super) fn fit(&self, prepared: &Prepared, ambient: &Expected, seen: &Seen, shape: &LedShape, fits: &mut Fits) {
        let mut covariance = [[Wide::ZERO; CHANNELS]; CHANNELS];
        self.covariances(ambient, shape, &mut covariance);
        let mut differences = [Wide::ZERO; CHANNELS];
        self.differences(ambient, seen, shape, &mut differences, &mut covariance);
        let mut volume = Wide::ZERO;
        for group in 0..GROUPS {
            let (roots, group_volume) = Roots::new(&covariance, group);
            let mut differences: [Four; CHANNELS] = core::array::from_fn(|channel| differences[channel].0[group]);
            let mut levels = prepared.common.0.map(Four::all);
            roots.part(&mut differences);
            roots.part(&mut levels);
            let (mut square, mut along, mut level_square) = (Four::ZERO, Four::ZERO, Four::ZERO);
            for ((difference, level), inverse) in differences.iter_mut().zip(&mut levels).zip(&roots.inverse) {
                let (of_difference, of_level) = (*difference * *inverse, *level * *inverse);
                square += *difference * of_difference;
                along += *difference * of_level;
                level_square += *level * of_level;
                (*difference, *level) = (of_difference, of_level);
            }
            fits.square.0[group] = square;
            fits.along.0[group] = along;
            fits.level_square.0[group] = level_square;
            volume.0[group] = group_volume;
            if group == 0 {
                (fits.difference, fits.level, fits.roots) = (differences, levels, roots);
            }
        }
        fits.log_volume = volume.ln();
    }

    /// How far a sample is from what is expected of each exposure; its own noise comes to its covariances.
    // By itself, as [`covariances`](Self::covariances) is: within `fit` compilers lay numbers of four channels side by side, not of four
    // exposures, write them one by one and wait for that.
    #[inline(never)]
    fn differences(
        &self,
        ambient: &Expected,
        seen: &Seen,
        shape: &LedShape,
        differences: &mut [Wide; CHANNELS],
        covariance: &mut [[Wide; CHANNELS]; CHANNELS],
    ) {
        let (strength_red, strength_green) = (self.mean[RED], self.mean[GREEN]);
        for (channel, difference) in differences.iter_mut().enumerate() {
            let (of_red, of_green) = (strength_red * shape.red[channel], strength_green * shape.green[channel]);
            let count = seen.counts[channel];
            let (least, full) = if seen.full[channel] {
                (0.0, FULL_ERROR * count)
            } else {
                (f32::MIN, 0.0)
            };
            for group in 0..GROUPS {
                let light = LIT.red.0[group] * of_red + LIT.green.0[group] * of_green;
                let expected = light + Four::all(ambient.ambient.0[channel]);
                let wrong = light * SHAPE_ERROR;
                difference.0[group] = (Four::all(count) - expected).max(Four::all(least));
                covariance[channel][channel].0[group] +=
                    expected.max(Four::all(4.0)) + Four::all(READ_VARIANCE) + wrong * wrong + Four::all(full * full);
            }
        }
    }

    /// The covariances of the channels in a sample without its own noise, lower triangles, of each exposure.
    #[inline(never)]
    fn covariances(&self, ambient: &Expected, shape: &LedShape, covariance: &mut [[Wide; CHANNELS]; CHANNELS]) {
        let (strength_red, strength_green) = (self.mean[RED], self.mean[GREEN]);
        // How much of both dice's shapes the covariance has: their uncertain strengths, and the line of an edge.
        let variances = [
            (self.covariance[RED][RED], strength_red * strength_red),
            (self.covariance[RED][GREEN], strength_red * strength_green),
            (self.covariance[GREEN][GREEN], strength_green * strength_green),
        ];
        let mut of_dice = [Wide::ZERO; 3];
        for (of_dice, ((both, along), (variance, square))) in
            of_dice.iter_mut().zip(LIT.both.iter().zip(&LIT.along).zip(variances))
        {
            *of_dice = *both * variance + *along * (square * (1.0 / 12.0));
        }
        let (red, green) = (Four(shape.red), Four(shape.green));
        for (one, covariance) in covariance.iter_mut().enumerate() {
            let of_ambient = ambient.covariance[one];
            let with_red = red * ambient.with_red.0[one] + ambient.with_red * red.0[one];
            let with_green = green * ambient.with_green.0[one] + ambient.with_green * green.0[one];
            let both = [
                red * red.0[one],
                green * red.0[one] + red * green.0[one],
                green * green.0[one],
            ];
            for (other, covariance) in covariance.iter_mut().enumerate().take(one + 1) {
                *covariance = LIT.red * with_red.0[other]
                    + Wide::all(of_ambient.0[other])
                    + LIT.green * with_green.0[other]
                    + of_dice[0] * both[0].0[other]
                    + of_dice[1] * both[1].0[other]
                    + of_dice[2] * both[2].0[other];
            }
        }
    }

    /// Takes in a sample: each of some explanations with its weights, which sum to at most 1; the rest teaches nothing.
    pub(super) fn learn(
        &mut self,
        prepared: &Prepared,
        fits: &Fits,
        explanations: impl Iterator<Item = Explanation>,
        shape: &LedShape,
    ) {
        let mut moved = Vector::ZERO;
        let mut covariance = self.covariance;
        for Explanation { exposure, ways } in explanations {
            let (red, green) = (LIT.red[exposure], LIT.green[exposure]);
            // Covariance of everything with the sample, its channels made independent.
            let mut gains = [Vector::ZERO; CHANNELS];
            for (channel, gains) in gains.iter_mut().enumerate() {
                *gains = self.covariance[channel] * prepared.own.0[channel]
                    + prepared.with_common * prepared.common.0[channel]
                    + self.covariance[RED] * (red * shape.red[channel])
                    + self.covariance[GREEN] * (green * shape.green[channel]);
            }
            fits.roots.part_as(exposure, &mut gains);
            let inverse: [f32; CHANNELS] = core::array::from_fn(|channel| fits.roots.inverse[channel].0[exposure]);
            let (mut step, mut along) = (Vector::ZERO, Vector::ZERO);
            for ((gains, difference), level) in gains.iter().zip(&fits.difference).zip(&fits.level) {
                step += *gains * difference.0[exposure];
                along += *gains * level.0[exposure];
            }
            // In standard deviations, with d the difference, l the level's effect, G the gains, s = G d the step, a = G l, and e the level
            // itself: where its variance has grown by m before the sample, the step is s + c (l·d)(e - a), and the covariance loses G G' and
            // gains c (e - a)(e - a)', with c = m / (1 + m l·l). So the ways differ in three numbers.
            let mut bent = along * -1.0;
            bent[COMMON] += 1.0;
            let (mut weight, mut weight_bent, mut weight_spread) = (0.0, 0.0, 0.0);
            for (of_way, more) in ways {
                let grown = more / (1.0 + more * fits.level_square[exposure]);
                let by = grown * fits.along[exposure];
                weight += of_way;
                weight_bent += of_way * by;
                weight_spread += of_way * (by * by + grown);
            }
            let by_step = step * weight + bent * weight_bent;
            let by_bent = step * weight_bent + bent * weight_spread;
            moved += by_step;
            let [first, second, third, fourth] = &gains;
            let [of_first, of_second, of_third, of_fourth] = inverse.map(|inverse| weight * inverse);
            for (place, covariance) in covariance.iter_mut().enumerate() {
                *covariance += step * by_step[place] + bent * by_bent[place]
                    - *first * (of_first * first[place])
                    - *second * (of_second * second[place])
                    - *third * (of_third * third[place])
                    - *fourth * (of_fourth * fourth[place]);
            }
        }
        for (place, covariance) in covariance.iter().enumerate() {
            self.covariance[place] = *covariance - moved * moved[place];
        }
        self.mean += moved;
        // All channels brighter is the same as the level higher: the level is where such a difference belongs.
        let [channels, ..] = &mut self.mean.0;
        let shared = RETURNS * channels.sum() / 4.0;
        *channels -= Four::all(shared);
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
    pub(super) exposure: usize,
    /// How probable it is in each way that the ambient light may behave, and by how much the variance of its level has grown in that.
    pub(super) ways: [(f32, f32); WAYS],
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    const SHAPE: LedShape = LedShape {
        red: [1.02, 0.098, 0.061, 1.13],
        green: [0.159, 1.01, 0.338, 1.38],
    };
    const AMBIENT: [f32; CHANNELS] = [312.0, 280.4, 211.9, 820.0];

    fn learned(estimate: &Estimate, exposure: usize, ways: [(f32, f32); WAYS]) -> Estimate {
        let seen = Seen {
            counts: [1350.0, 420.0, 300.0, 2040.0],
            full: [false; CHANNELS],
            turns: [0.8, 0.6, -0.28, 0.96],
        };
        let (prepared, expected) = estimate.prepare(&AMBIENT, &seen);
        let mut fits = Fits::NONE;
        estimate.fit(&prepared, &expected, &seen, &SHAPE, &mut fits);
        let mut learned = estimate.clone();
        learned.learn(
            &prepared,
            &fits,
            core::iter::once(Explanation { exposure, ways }),
            &SHAPE,
        );
        learned
    }

    #[test]
    fn a_level_that_grew_within_the_sample_teaches_what_one_that_grew_before_it_does() {
        let estimate = Estimate::new(AMBIENT, 0.02, 900.0, 0.3, 0.3);
        for more in [1.0e-4, 5.0e-3, 0.3] {
            let mut grown = estimate.clone();
            grown.jump(more);
            for exposure in 0..COLOURS.len() {
                let before = learned(&grown, exposure, [(1.0, 0.0), (0.0, 0.0)]);
                let within = learned(&estimate, exposure, [(0.0, 0.0), (1.0, more)]);
                for place in 0..SIZE {
                    let deviation = before.covariance[place][place].sqrt();
                    let apart = (before.mean[place] - within.mean[place]).abs();
                    assert!(apart < 2.0e-3 * deviation, "{more} {exposure}: mean {place}, {apart}");
                    for other in 0..SIZE {
                        let both = deviation * before.covariance[other][other].sqrt();
                        let apart = (before.covariance[place][other] - within.covariance[place][other]).abs();
                        assert!(
                            apart < 2.0e-3 * both,
                            "{more} {exposure}: {place} with {other}, {apart}"
                        );
                    }
                }
            }
        }
    }
}
