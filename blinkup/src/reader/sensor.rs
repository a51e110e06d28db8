//! What a sensor tells of the LED's colour: the model of its channels, noise, saturation and of a unit whose strength is unknown.
#![expect(clippy::cast_precision_loss, reason = "counts of grid places, far below 2^24")]

use super::approximation::{exp, inverse_sqrt};
use crate::codes::Colour;
use crate::sample::{Counts, Sample};
use crate::tick::Tick;

/// A number for each colour, in the order of [`COLOURS`].
pub type PerColour = [f32; 4];

/// The colours in the order of a [`PerColour`].
pub const COLOURS: [Colour; 4] = [Colour::Off, Colour::Red, Colour::Amber, Colour::Green];

/// The place of a colour in a [`PerColour`].
pub const fn place(colour: Colour) -> usize {
    match colour {
        Colour::Off => 0,
        Colour::Red => 1,
        Colour::Amber => 2,
        Colour::Green => 3,
    }
}

/// A sensor's side of the reader: how well each colour explains a sample, learning as it goes what it cannot know before.
///
/// For every sample the reader calls [`weigh`](Self::weigh), then [`learn`](Self::learn). Neither allocates.
pub trait SensorModel {
    /// How likely each colour of the LED makes this sample, relative to each other; all 1 when it tells nothing.
    fn weigh(&mut self, sample: &Sample) -> PerColour;

    /// Learns from the sample last weighed. `expected` is how probable each colour was before it was seen; sums to 1.
    fn learn(&mut self, expected: &PerColour);
}

/// Response of a colour sensor to the two dice of an LED part, by shape: counts in red, green, blue, clear, up to a common factor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LedShape {
    /// Response to the red die.
    pub red: [f32; 4],
    /// Response to the green die.
    pub green: [f32; 4],
}

/// Strengths of the red die that are told apart: from [`WEAKEST`] up by [`RATIO`] each.
const STRENGTHS: usize = 34;
/// Ratios of the green die's strength to the red one's: [`RATIO`] to the power -3 to 3.
const BALANCES: usize = 7;
/// Strengths of the green die: all products of the two.
const GREENS: usize = STRENGTHS + BALANCES - 1;
/// Counts (in units of the shape) of the weakest red die that counts as lit.
const WEAKEST: f32 = 40.0;
/// From one strength to the next.
const RATIO: f32 = 1.2;
/// How far a die's strength may lie from its nearest place on the grid, relative, one standard deviation.
const COARSENESS: f32 = 0.06;
/// Variance of the electronics, counts squared.
const READ_VARIANCE: f32 = 10.0;
/// With more full channels than this a sample tells nothing: red and green must both be seen by some channel.
const MOST_FULL: usize = 2;
/// How far a full channel may be from what it would count, relative, one standard deviation.
const FULL_ERROR: f32 = 0.3;
/// Error of the shape from commissioning, relative, one standard deviation.
const SHAPE_ERROR: f32 = 0.02;
/// Error of the ambient counts measured in the empty nest, relative, one standard deviation.
const AMBIENT_ERROR: f32 = 0.03;
/// How fast the ambient light drifts, relative, variance a second.
const AMBIENT_DRIFT: f32 = 4.0e-4;
/// Flicker that is expected before any was seen, relative variance.
const FLICKER: f32 = 4.0e-4;
/// The most flicker that is believed, relative variance.
const MOST_FLICKER: f32 = 0.04;
/// How fast the flicker is learned: the part that a sample counts.
const FLICKER_LEARNING: f32 = 0.02;
/// Share of a unit's strength that is thought over again at each sample, so that an early mistake is forgotten.
const FORGETTING: f32 = 1.0e-6;
/// What a unit's balance is likely to be before it was seen.
const BALANCE_PRIOR: [f32; BALANCES] = [0.08, 0.14, 0.18, 0.20, 0.18, 0.14, 0.08];

/// Model of an RGBC colour sensor that watches a bicolour LED of unknown strength in ambient light.
///
/// Noise is Poisson's plus the electronics'; colours are told by the shape of the response. The strengths of both dice are
/// a belief over a grid, narrowed by every lit sample.
#[derive(Debug, Clone)]
pub struct ColourSensor {
    shape: LedShape,
    saturated_at: f32,
    ambient: [f32; 4],
    ambient_variance: [f32; 4],
    ambient_drift: [f32; 4],
    /// How much the ambient light flickers, all channels alike: relative variance, learned in the dark.
    flicker: f32,
    last: Option<Tick>,
    /// Belief in each strength of the red die with each balance.
    belief: [[f32; BALANCES]; STRENGTHS],
    seen: Seen,
}

/// The sample last weighed: how well each strength explains it.
#[derive(Debug, Clone)]
struct Seen {
    counts: [f32; 4],
    /// How much brighter the ambient light would be if all light were ambient, relative, and the variance of that.
    brighter: f32,
    brighter_variance: f32,
    off: f32,
    red: [f32; STRENGTHS],
    green: [f32; GREENS],
    amber: [[f32; BALANCES]; STRENGTHS],
    weights: PerColour,
}

impl ColourSensor {
    /// A sensor that has seen nothing of the unit yet.
    ///
    /// `ambient` is the mean counts of the empty nest; a channel at or above `saturated_at` counts tells only that it is full.
    pub fn new(shape: LedShape, ambient: [f32; 4], saturated_at: u16) -> Self {
        let even = 1.0 / STRENGTHS as f32;
        let prior = BALANCE_PRIOR.map(|balance| balance * even);
        Self {
            shape,
            saturated_at: f32::from(saturated_at),
            ambient,
            ambient_variance: ambient.map(|a| 1.0 + (AMBIENT_ERROR * a) * (AMBIENT_ERROR * a)),
            ambient_drift: ambient.map(|a| AMBIENT_DRIFT * a * a),
            flicker: FLICKER,
            last: None,
            belief: [prior; STRENGTHS],
            seen: Seen {
                counts: [0.0; 4],
                brighter: 0.0,
                brighter_variance: 1.0,
                off: 1.0,
                red: [0.0; STRENGTHS],
                green: [0.0; GREENS],
                amber: [[0.0; BALANCES]; STRENGTHS],
                weights: [0.25; 4],
            },
        }
    }
}

/// A sample as seen from the two dice: the strengths that fit it best, and their covariance.
struct Fit {
    red: f32,
    green: f32,
    red_variance: f32,
    covariance: f32,
    green_variance: f32,
}

impl Fit {
    /// Half the squared distance of the fit from two strengths, and one over the root of the covariance's determinant, where each
    /// die's strength is itself uncertain by its share of [`COARSENESS`].
    #[inline]
    fn distance(&self, red: f32, green: f32) -> (f32, f32) {
        let a = self.red_variance + (COARSENESS * red) * (COARSENESS * red);
        let c = self.green_variance + (COARSENESS * green) * (COARSENESS * green);
        let b = self.covariance;
        let determinant = (a * c - b * b).max(1.0e-12);
        let (dr, dg) = (self.red - red, self.green - green);
        let squared = (c * dr * dr - 2.0 * b * dr * dg + a * dg * dg) / determinant;
        (0.5 * squared, inverse_sqrt(determinant))
    }
}

/// Strengths of a die, weakest of the red one first; the green one's start [`BALANCES`] / 2 places lower.
const fn ladder<const N: usize>(below: usize) -> [f32; N] {
    let mut steps = [0.0; N];
    let mut strength = WEAKEST;
    let mut step = 0;
    while step < below {
        strength /= RATIO;
        step += 1;
    }
    step = 0;
    while step < N {
        steps[step] = strength;
        strength *= RATIO;
        step += 1;
    }
    steps
}

const REDS_LADDER: [f32; STRENGTHS] = ladder(0);
const GREENS_LADDER: [f32; GREENS] = ladder(BALANCES / 2);

impl SensorModel for ColourSensor {
    fn weigh(&mut self, sample: &Sample) -> PerColour {
        self.drift_to(sample.end);
        let Counts {
            red,
            green,
            blue,
            clear,
        } = sample.counts;
        let counts = [red, green, blue, clear].map(f32::from);
        if counts.iter().filter(|count| **count >= self.saturated_at).count() > MOST_FULL {
            self.seen.weights = [0.0; 4];
            return [1.0; 4];
        }
        let fit = self.fit(counts);
        let Seen {
            off,
            red,
            green,
            amber,
            weights,
            ..
        } = &mut self.seen;

        let (off_distance, off_scale) = fit.distance(0.0, 0.0);
        let mut nearest = off_distance;
        let mut red_scale = [0.0; STRENGTHS];
        for ((distance, scale), strength) in red.iter_mut().zip(&mut red_scale).zip(REDS_LADDER) {
            (*distance, *scale) = fit.distance(strength, 0.0);
            nearest = nearest.min(*distance);
        }
        let mut green_scale = [0.0; GREENS];
        for ((distance, scale), strength) in green.iter_mut().zip(&mut green_scale).zip(GREENS_LADDER) {
            (*distance, *scale) = fit.distance(0.0, strength);
            nearest = nearest.min(*distance);
        }
        let mut amber_scale = [[0.0; BALANCES]; STRENGTHS];
        for (k, (distances, scales)) in amber.iter_mut().zip(&mut amber_scale).enumerate() {
            for j in 0..BALANCES {
                (distances[j], scales[j]) = fit.distance(REDS_LADDER[k], GREENS_LADDER[k + j]);
                nearest = nearest.min(distances[j]);
            }
        }

        *off = exp(nearest - off_distance) * off_scale;
        for (value, scale) in red.iter_mut().zip(red_scale) {
            *value = exp(nearest - *value) * scale;
        }
        for (value, scale) in green.iter_mut().zip(green_scale) {
            *value = exp(nearest - *value) * scale;
        }
        *weights = [*off, 0.0, 0.0, 0.0];
        for (k, (values, scales)) in amber.iter_mut().zip(&amber_scale).enumerate() {
            for j in 0..BALANCES {
                values[j] = exp(nearest - values[j]) * scales[j];
                let belief = self.belief[k][j];
                weights[1] += belief * red[k];
                weights[2] += belief * values[j];
                weights[3] += belief * green[k + j];
            }
        }
        *weights
    }

    fn learn(&mut self, expected: &PerColour) {
        let seen = &self.seen;
        let total: f32 = seen.weights.iter().zip(expected).map(|(w, e)| w * e).sum();
        if total <= 1.0e-30 {
            return;
        }
        let dark = seen.weights[0] * expected[0] / total;
        self.learn_strength(expected, 1.0 - dark);
        self.learn_ambient(dark);
    }
}

impl ColourSensor {
    /// Lets the ambient light become less certain with time.
    fn drift_to(&mut self, now: Tick) {
        if let Some(last) = self.last {
            let seconds = now.since(last).as_secs_f32().min(60.0);
            for ((variance, drift), ambient) in self
                .ambient_variance
                .iter_mut()
                .zip(self.ambient_drift)
                .zip(self.ambient)
            {
                let most = 1.0 + (AMBIENT_ERROR * ambient) * (AMBIENT_ERROR * ambient);
                *variance = (*variance + drift * seconds).min(most);
            }
        }
        self.last = Some(now);
    }

    /// Both dice's strengths by weighted least squares.
    fn fit(&mut self, counts: [f32; 4]) -> Fit {
        let (mut rr, mut rg, mut gg, mut ry, mut gy) = (0.0, 0.0, 0.0, 0.0, 0.0);
        let (mut aa, mut ra, mut ga, mut ay) = (0.0, 0.0, 0.0, 0.0);
        self.seen.counts = counts;
        let ambient = self.ambient.iter().zip(self.ambient_variance);
        let shape = self.shape.red.into_iter().zip(self.shape.green);
        for ((count, (ambient, ambient_variance)), (r, g)) in counts.into_iter().zip(ambient).zip(shape) {
            let light = count - ambient;
            let wrong = SHAPE_ERROR * light.max(0.0);
            let full = if count >= self.saturated_at {
                FULL_ERROR * count
            } else {
                0.0
            };
            let noise = count.max(4.0) + READ_VARIANCE;
            let weight = 1.0 / (noise + ambient_variance + wrong * wrong + full * full);
            rr += weight * r * r;
            rg += weight * r * g;
            gg += weight * g * g;
            ry += weight * r * light;
            gy += weight * g * light;
            aa += weight * ambient * ambient;
            ra += weight * r * ambient;
            ga += weight * g * ambient;
            ay += weight * ambient * light;
        }
        let aa = f32::max(aa, 1.0e-6);
        self.seen.brighter = ay / aa;
        self.seen.brighter_variance = 1.0 / aa;
        // Flicker is one more noise, common to all channels in the ambient light's own shape (Sherman and Morrison's formula).
        let common = self.flicker / (1.0 + self.flicker * aa);
        rr -= common * ra * ra;
        rg -= common * ra * ga;
        gg -= common * ga * ga;
        ry -= common * ra * ay;
        gy -= common * ga * ay;
        let determinant = (rr * gg - rg * rg).max(1.0e-20);
        let red_variance = gg / determinant;
        let covariance = -rg / determinant;
        let green_variance = rr / determinant;
        Fit {
            red: red_variance * ry + covariance * gy,
            green: covariance * ry + green_variance * gy,
            red_variance,
            covariance,
            green_variance,
        }
    }

    fn learn_strength(&mut self, expected: &PerColour, lit: f32) {
        if lit < 1.0e-3 {
            return;
        }
        let seen = &self.seen;
        let [off, red, amber, green] = *expected;
        let mut total = 0.0;
        for k in 0..STRENGTHS {
            for j in 0..BALANCES {
                let fits = off * seen.off + red * seen.red[k] + amber * seen.amber[k][j] + green * seen.green[k + j];
                let belief = self.belief[k][j] * fits;
                self.belief[k][j] = belief;
                total += belief;
            }
        }
        let forgetting = FORGETTING * lit;
        let keep = (1.0 - forgetting) / total.max(1.0e-30);
        let even = forgetting / STRENGTHS as f32;
        for row in &mut self.belief {
            for (belief, prior) in row.iter_mut().zip(BALANCE_PRIOR) {
                *belief = *belief * keep + even * prior;
            }
        }
    }

    fn learn_ambient(&mut self, dark: f32) {
        if dark < 0.5 {
            return;
        }
        let Seen {
            brighter,
            brighter_variance,
            ..
        } = self.seen;
        let flicker = (brighter * brighter - brighter_variance).clamp(0.0, MOST_FLICKER);
        self.flicker += FLICKER_LEARNING * dark * (flicker - self.flicker);
        for channel in 0..4 {
            let known = self.ambient_variance[channel];
            let flickering = self.flicker * self.ambient[channel] * self.ambient[channel];
            let noise = (self.seen.counts[channel].max(4.0) + READ_VARIANCE + flickering) / dark;
            let gain = known / (known + noise);
            self.ambient[channel] += gain * (self.seen.counts[channel] - self.ambient[channel]);
            self.ambient_variance[channel] = known * (1.0 - gain);
        }
    }
}
