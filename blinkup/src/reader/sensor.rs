//! What a sensor tells of the LED's colour: the model of its channels, noise, saturation and of a unit whose strength is unknown.

use super::approximation::{cos_sin, exp, ln};
use super::estimate::{CHANNELS, Estimate, Explanation, Fits, Prepared, Seen};
use super::exposure::PerExposure;
use super::lanes::{Four, Twelve};
use crate::codes::Colour;
use crate::sample::Sample;
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

/// A sensor's side of the reader: how well each exposure explains a sample, learning as it goes what it cannot know before.
///
/// What a model does not know of a unit at first may be split over several models; the reader keeps those that explain the
/// light. For every sample it calls [`weigh`](Self::weigh), then [`learn`](Self::learn). None of the methods allocates.
pub trait SensorModel: Clone {
    /// How many models a reader starts with; the same for every model of this type.
    const STARTS: usize;

    /// One of the models to start with, and how probable it is relative to the others; nothing is left of what this one learned of the unit.
    fn start(&self, index: usize) -> (Self, f32);

    /// The logarithm of how likely each exposure of the LED makes this sample, up to a constant that all models of the lane share;
    /// `None` when the sample tells nothing.
    fn weigh(&mut self, sample: &Sample) -> Option<PerExposure>;

    /// The same for the sample last weighed where the surroundings changed just before it, and how improbable that is counts too; `None` when
    /// no logarithm is above `least`.
    fn weigh_changed(&self, least: f32) -> Option<PerExposure> {
        let _ = least;
        None
    }

    /// Takes it that the surroundings changed just before the sample last weighed.
    fn change(&mut self) {}

    /// How far the sample last weighed was from everything that the LED can show: squared, in standard deviations.
    fn surprise(&self) -> f32 {
        0.0
    }

    /// Learns from the sample last weighed, given how probable each exposure is; what they lack to 1 teaches nothing.
    fn learn(&mut self, probable: &PerExposure) {
        let _ = probable;
    }

    /// Takes in another model of the same light, which is a `share` of both, where the two mean the same unit.
    fn merge(&mut self, other: &Self, share: f32) -> Merged {
        let _ = (other, share);
        Merged::No
    }
}

/// Whether two models became one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merged {
    /// They did.
    Yes,
    /// They mean different units.
    No,
}

/// Response of a colour sensor to the two dice of an LED part, by shape: counts in red, green, blue, clear, up to a common factor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LedShape {
    /// Response to the red die.
    pub red: [f32; 4],
    /// Response to the green die.
    pub green: [f32; 4],
}

/// Strengths of the red die that are told apart at first, in counts (in units of the shape): from the weakest that counts as lit, up
/// by a ratio each.
const STRENGTHS: usize = 11;
const WEAKEST: f32 = 75.0;
const RATIO: f32 = 1.7;
/// The weakest of them could be taken for an error of the ambient light measured in the empty nest: for these, each colour in which
/// the light may begin is a model of its own.
const WEAK: usize = 4;
/// How probable the weakest are, relative to the others: next to none are, and light that could be so little is rather the room's.
const WEAK_SHARES: [f32; 2] = [0.001, 0.3];
/// No LED is weaker than this, counts.
const TOO_WEAK: f32 = 40.0;
/// What a model loses for an LED weaker than that, logarithm per sample.
const TOO_WEAK_COSTS: f32 = 3.0;
/// How far a strength may lie from the nearest of those, relative, one standard deviation.
const COARSENESS: f32 = 0.3;
/// How far the green die's strength may lie from the red one's, relative, one standard deviation.
const BALANCE: f32 = 0.3;
/// With more full channels than this a sample tells nothing: red and green must both be seen by some channel.
const MOST_FULL: usize = 2;
/// The logarithm of what cannot be.
const IMPOSSIBLE: f32 = -1.0e9;
/// The least probable exposure that is learned from.
const TEACHING: f32 = 1.0e-3;

/// How far all ambient light may be from what was measured in the empty nest, relative, one standard deviation: when a unit was just
/// seated, and later.
const LEVEL_ERROR: f32 = 0.02;
const LATER_LEVEL_ERROR: f32 = 0.15;
/// How the ambient light may behave from one sample to the next: stand still, or move.
pub(super) const WAYS: usize = 2;
/// Variance that moving light adds to its level in a second, relative.
const MOVING: f32 = 3.6e-3;
/// Variance that a jump adds.
const JUMP: f32 = 5.0e-3;
/// Logarithm of how probable a jump is at a sample of still and of moving light.
const JUMPS: [f32; WAYS] = [-13.0, -8.0];
/// How probable it is that light that was still begins to move in a second, and back.
const STIRS: f32 = 0.01;
/// How probable moving light is at the start.
const STIRRED: f32 = 0.2;

/// Model of an RGBC colour sensor that watches a bicolour LED of unknown strength in ambient light that flickers, drifts and jumps.
///
/// Noise is Poisson's plus the electronics'; colours are told by the shape of the response. Ambient light and both dice are one
/// joint estimate.
#[derive(Debug, Clone)]
pub struct ColourSensor {
    shape: LedShape,
    ambient: [f32; CHANNELS],
    saturated_at: f32,
    estimate: Estimate,
    /// The place of the colour in which the light begins, until it was seen.
    begins: Option<usize>,
    /// How probable it is that the ambient light moves.
    moving: f32,
    last: Option<Tick>,
    /// How far the sample before the last was from every colour: squared, in standard deviations.
    before: f32,
    weighed: Weighed,
}

/// The sample last weighed.
#[derive(Debug, Clone)]
struct Weighed {
    seen: Seen,
    /// The variance that the ambient light's level gained in each way.
    adds: [f32; WAYS],
    fits: Fits,
    /// The logarithm of how probable each way is.
    ways: [f32; WAYS],
    /// The logarithm of how likely each exposure made it in each way, with the way's own probability; and in either.
    densities: [Twelve; WAYS],
    logs: Twelve,
    prepared: Option<Prepared>,
}

impl ColourSensor {
    /// A sensor that has seen nothing of the unit yet.
    ///
    /// `ambient` is the mean counts of the empty nest; a channel at or above `saturated_at` counts tells only that it is full.
    pub fn new(shape: LedShape, ambient: [f32; 4], saturated_at: u16) -> Self {
        // Light of which next to nothing was measured is still light that can get brighter.
        let ambient = ambient.map(|counts| counts.max(2.0));
        Self {
            shape,
            ambient,
            saturated_at: f32::from(saturated_at),
            estimate: Estimate::new(ambient, LEVEL_ERROR, WEAKEST, COARSENESS, BALANCE),
            begins: None,
            moving: STIRRED,
            last: None,
            before: 0.0,
            weighed: Weighed {
                seen: Seen {
                    counts: [0.0; CHANNELS],
                    full: [false; CHANNELS],
                    turns: [0.0; 4],
                },
                adds: [0.0; WAYS],
                fits: Fits::NONE,
                ways: [0.0; WAYS],
                densities: [Twelve::ZERO; WAYS],
                logs: Twelve::ZERO,
                prepared: None,
            },
        }
    }

    /// The strengths of the red and the green die, counts in units of the shape, with their standard deviations squared.
    pub fn dice(&self) -> [(f32, f32); 2] {
        self.estimate.dice()
    }

    /// Whether an error was taken for an LED.
    fn is_too_weak(&self) -> bool {
        self.estimate.dice().iter().any(|(strength, _)| *strength < TOO_WEAK)
    }

    /// Lets time pass; gives the variance that the ambient light's level gained meanwhile, in each way.
    fn pass(&mut self, now: Tick) -> [f32; WAYS] {
        let seconds = self.last.map_or(0.0, |last| now.since(last).as_secs_f32().min(60.0));
        self.last = Some(now);
        self.estimate.pass(seconds);
        let stirs = STIRS * seconds.min(1.0);
        self.moving += stirs * (1.0 - 2.0 * self.moving);
        [0.0, (MOVING * seconds).min(JUMP)]
    }

    /// Compares what was seen with what every exposure would show.
    fn compare(&mut self) {
        let weighed = &mut self.weighed;
        let (prepared, expected) = self.estimate.prepare(&self.ambient, &weighed.seen);
        self.estimate
            .fit(&prepared, &expected, &weighed.seen, &self.shape, &mut weighed.fits);
        weighed.prepared = Some(prepared);
        weighed.ways = [ln(1.0 - self.moving), ln(self.moving)];
        for ((densities, adds), way) in weighed.densities.iter_mut().zip(weighed.adds).zip(weighed.ways) {
            *densities = weighed.fits.log_densities(adds) + Twelve::all(way);
        }
        let [still, moving] = weighed.densities;
        let (most, least) = (still.with(moving, Four::max), still.with(moving, Four::min));
        weighed.logs = most + ((least - most).exp() + Twelve::all(1.0)).ln();
    }
}

/// The logarithm of a sum, from the logarithms of what is summed.
fn sum_of_logs(logs: [f32; WAYS]) -> f32 {
    let [one, other] = logs;
    let most = one.max(other);
    most + ln(1.0 + exp(one.min(other) - most))
}

/// Where in its period a light of this frequency is: cosine and sine.
fn turn(at_micros: u64, hertz: u64) -> (f32, f32) {
    let turns = (at_micros % 1_000_000) * hertz % 1_000_000;
    #[expect(clippy::cast_precision_loss, reason = "below a million")]
    let turns = turns as f32 / 1.0e6;
    cos_sin(turns)
}

impl SensorModel for ColourSensor {
    const STARTS: usize = STRENGTHS + WEAK * (COLOURS.len() - 1);

    fn start(&self, index: usize) -> (Self, f32) {
        let (place, begins) = match index.checked_sub(STRENGTHS) {
            Some(index) => (index % WEAK, Some(1 + index / WEAK)),
            None => (index, (index < WEAK).then_some(0)),
        };
        let strength = (0..place).fold(WEAKEST, |strength, _| strength * RATIO);
        let level_error = if self.last.is_some() {
            LATER_LEVEL_ERROR
        } else {
            LEVEL_ERROR
        };
        let start = Self {
            estimate: Estimate::new(self.ambient, level_error, strength, COARSENESS, BALANCE),
            begins,
            moving: STIRRED,
            before: 0.0,
            ..self.clone()
        };
        (start, WEAK_SHARES.get(place).copied().unwrap_or(1.0))
    }

    fn weigh(&mut self, sample: &Sample) -> Option<PerExposure> {
        self.weighed.adds = self.pass(sample.end);
        let counts = sample.counts.channels().map(f32::from);
        let full = counts.map(|count| count >= self.saturated_at);
        (_, self.before) = self.weighed.fits.distances();
        self.weighed.prepared = None;
        if full.iter().filter(|full| **full).count() > MOST_FULL {
            return None;
        }
        let middle = u64::midpoint(sample.start.as_micros(), sample.end.as_micros());
        let ((slow_cos, slow_sin), (fast_cos, fast_sin)) = (turn(middle, 100), turn(middle, 120));
        self.weighed.seen = Seen {
            counts,
            full,
            turns: [slow_cos, slow_sin, fast_cos, fast_sin],
        };
        self.compare();
        let begins = self.begins.take();
        let costs = if self.is_too_weak() { TOO_WEAK_COSTS } else { 0.0 };
        let mut logs = self.weighed.logs.ten();
        for (exposure, log) in logs.iter_mut().enumerate() {
            *log -= costs;
            if begins.is_some_and(|begins| begins != exposure) {
                *log = IMPOSSIBLE;
            }
        }
        Some(logs)
    }

    fn weigh_changed(&self, least: f32) -> Option<PerExposure> {
        let [still, moving] = self.weighed.ways;
        let jumps = sum_of_logs([JUMPS[0] + still, JUMPS[1] + moving]);
        if jumps + self.weighed.fits.most_log_density() <= least {
            return None;
        }
        Some((self.weighed.fits.log_densities(JUMP) + Twelve::all(jumps)).ten())
    }

    fn surprise(&self) -> f32 {
        if self.is_too_weak() {
            return f32::MAX;
        }
        // Two samples in a row are not both beside an edge.
        let (any, colour) = self.weighed.fits.distances();
        any.max(colour.min(self.before))
    }

    fn change(&mut self) {
        self.estimate.jump(JUMP);
        self.compare();
    }

    fn learn(&mut self, probable: &PerExposure) {
        let Some(prepared) = self.weighed.prepared.take() else {
            return;
        };
        let weighed = &self.weighed;
        let mut shares = [0.0; WAYS];
        let mut explanations = [None; COLOURS.len()];
        for (exposure, probable) in probable.iter().enumerate() {
            if *probable < TEACHING {
                continue;
            }
            let mut ways = [(0.0, 0.0); WAYS];
            for (way, of_way) in ways.iter_mut().enumerate() {
                let density = weighed.densities[way][exposure] - weighed.logs[exposure];
                let weight = probable * exp(density.min(0.0));
                shares[way] += weight;
                *of_way = (if weight < TEACHING { 0.0 } else { weight }, weighed.adds[way]);
            }
            if let Some(explanation) = explanations.get_mut(exposure) {
                *explanation = Some(Explanation { exposure, ways });
            }
        }
        let [still, moving] = shares;
        self.moving += moving * (1.0 - self.moving) - still * self.moving;
        self.moving = self.moving.clamp(1.0e-4, 1.0 - 1.0e-4);
        self.estimate.learn(
            &prepared,
            &weighed.fits,
            explanations.into_iter().flatten(),
            &self.shape,
        );
    }

    fn merge(&mut self, other: &Self, share: f32) -> Merged {
        if !self.estimate.is_like(&other.estimate) {
            return Merged::No;
        }
        self.estimate.merge(&other.estimate, share);
        self.moving += share * (other.moving - self.moving);
        Merged::Yes
    }
}
