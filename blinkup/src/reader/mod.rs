//! The LED reader: samples in, observations out; causal, constant work a sample, no allocation once built.
//!
//! A recursive Bayesian filter: after every sample it holds the probability of each pattern, step and time within the step.
//! What a sample tells of the colour is the business of a [`SensorModel`].

mod approximation;
mod expectations;
mod lit;
mod sensor;
mod shades;
mod strange;
mod tracks;

use alloc::vec::Vec;
use core::time::Duration;

pub use expectations::Expectations;
pub use lit::{LitErrors, LitSensor};
pub use sensor::{COLOURS, ColourSensor, LedShape, PerColour, SensorModel, place};
use shades::Shades;
use strange::{LASTING, Strange};
use tracks::{Kind, Step, Tracks};

use crate::codes::{self, CodeTable, Colour, PatternId};
use crate::sample::Sample;
use crate::tick::Tick;

/// The pattern that the unit is showing, reported once when it is sure and again when it changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// The end of the sample that decided it.
    pub at: Tick,
    /// The pattern; `None` when the light has become unreadable. Its codes come from the table.
    pub pattern: Option<PatternId>,
    /// Probability of the pattern given all light so far, 0 to 1.
    pub confidence: f32,
}

/// The LED's colour changed: the raw event under all patterns, known within a few samples.
///
/// A single red flash, and whether the LED stays dark between the lamp's symbols, are told from these.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shade {
    /// The end of the sample that decided it.
    pub at: Tick,
    /// The best estimate of when the colour began.
    pub from: Tick,
    /// The colour from then on.
    pub colour: Colour,
}

/// What one sample taught; either, both or (mostly) neither.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Observed {
    /// The colour changed.
    pub shade: Option<Shade>,
    /// The pattern changed.
    pub reading: Option<Reading>,
}

/// What a reader is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReaderSettings {
    /// How probable a pattern must be to be reported, 0.5 to 1.
    pub confidence: f32,
    /// What is expected of units.
    pub expectations: Expectations,
}

impl Default for ReaderSettings {
    fn default() -> Self {
        Self {
            confidence: 0.99,
            expectations: Expectations::default(),
        }
    }
}

/// The least time of a sample that stands for an edge of unknown place; more light than this between two samples is a gap.
const LONGEST_GAP_MS: f32 = 600_000.0;
/// How much longer than any other pattern's step a held colour must last, beside the 2 % of the clock.
const EDGE: Duration = Duration::from_millis(20);

/// Reads one lane's LED.
#[derive(Debug, Clone)]
pub struct Reader<M> {
    settings: ReaderSettings,
    model: M,
    tracks: Tracks,
    shades: Shades,
    strange: Strange,
    /// Since when no pattern explains the light, or it has not been seen at all.
    unexplained: Option<Tick>,
    last: Option<Tick>,
    /// What was last reported; unreadable light as `None`, as before the first reading.
    standing: Option<PatternId>,
}

impl<M: SensorModel> Reader<M> {
    /// A reader that has seen nothing yet, for the patterns of a table.
    pub fn new(table: &CodeTable, model: M, settings: ReaderSettings) -> Self {
        Self {
            settings,
            model,
            tracks: Tracks::new(&steps_of(table), settings.expectations),
            shades: Shades::new(),
            strange: Strange::new(table),
            unexplained: None,
            last: None,
            standing: None,
        }
    }

    /// Forgets everything, for the next unit in the nest, seen through `model`. Does not allocate.
    pub fn restart(&mut self, model: M) {
        self.model = model;
        self.tracks.restart();
        self.shades = Shades::new();
        self.strange.restart();
        self.unexplained = None;
        self.last = None;
        self.standing = None;
    }

    /// Bytes of state that a lane needs.
    pub fn state_bytes(&self) -> usize {
        size_of::<Self>() + self.tracks.state_bytes() + self.strange.state_bytes()
    }

    /// Takes the next sample; those that do not come after the last one are ignored.
    pub fn push(&mut self, sample: &Sample) -> Observed {
        let milliseconds = match self.last {
            Some(last) if sample.end <= last => return Observed::default(),
            Some(last) => (sample.end.since(last).as_secs_f32() * 1000.0).min(LONGEST_GAP_MS),
            None => 0.0,
        };
        self.last = Some(sample.end);
        let expected = self.tracks.pass(milliseconds);
        let mut weights = self.model.weigh(sample);
        self.model.learn(&expected);
        temper(&mut weights, self.settings.expectations.least_weight);
        self.tracks.weigh(&weights);
        let blind = weights.iter().all(|weight| *weight >= 1.0);
        let shade = self
            .shades
            .push(sample.start, sample.end, milliseconds / 1000.0, &weights);
        let timed = shade.and_then(|shade| self.strange.push(&shade));
        Observed {
            shade,
            reading: self.decide(sample.end, timed, blind),
        }
    }

    /// How probable each pattern is now; `None` stands for light that is none of them: a single flash, or strange.
    pub fn beliefs(&self) -> impl Iterator<Item = (Option<PatternId>, f32)> {
        self.tracks.beliefs().map(|(kind, belief)| match kind {
            Kind::Pattern(pattern) => (Some(pattern), belief),
            Kind::Flash | Kind::Strange => (None, belief),
        })
    }

    /// The reading that a sample decided; `timed` is the pattern with unknown colours that the light has the timing of.
    fn decide(&mut self, at: Tick, timed: Option<PatternId>, blind: bool) -> Option<Reading> {
        let (kind, confidence, outlasts) = self.tracks.best();
        let sure = confidence >= self.settings.confidence;
        let known = match kind {
            Kind::Pattern(pattern) => Some(pattern),
            Kind::Flash | Kind::Strange => None,
        };
        if blind || kind == Kind::Strange && sure {
            let since = *self.unexplained.get_or_insert(at);
            if let Some(pattern) = timed {
                self.unexplained = Some(at);
                return self.report(at, Some(pattern), confidence);
            }
            if at.since(since) < LASTING || self.standing.is_none() {
                return None;
            }
            return self.report(at, None, if blind { 1.0 } else { confidence });
        }
        self.unexplained = None;
        if !sure || known.is_none() {
            return None;
        }
        if outlasts.is_some_and(|held| self.shades.lasting(held.colour, at) <= held.others.mul_f32(1.02) + EDGE) {
            return None;
        }
        self.report(at, known, confidence)
    }

    /// Reports a pattern unless it stands already.
    fn report(&mut self, at: Tick, pattern: Option<PatternId>, confidence: f32) -> Option<Reading> {
        if self.standing == pattern {
            return None;
        }
        self.standing = pattern;
        Some(Reading {
            at,
            pattern,
            confidence,
        })
    }
}

/// Scales weights to the largest, and leaves each a rest.
fn temper(weights: &mut PerColour, least: f32) {
    let most = weights.iter().fold(0.0_f32, |most, weight| most.max(*weight));
    for weight in weights {
        *weight = if most > 0.0 { (*weight / most).max(least) } else { 1.0 };
    }
}

/// The fully known patterns of a table; a step that is held has no length.
fn steps_of(table: &CodeTable) -> Vec<(PatternId, Vec<Step>)> {
    let step = |step: &codes::Step| {
        let span = step.lasts.unwrap_or(codes::Span {
            shortest: Duration::ZERO,
            longest: Duration::ZERO,
        });
        Some(Step {
            colour: step.colour?,
            shortest: span.shortest,
            longest: span.longest,
        })
    };
    let known =
        |pattern: &codes::Pattern| Some((pattern.id(), pattern.steps().iter().map(step).collect::<Option<_>>()?));
    table.patterns().iter().filter_map(known).collect()
}
