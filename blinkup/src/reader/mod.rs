//! The LED reader: samples in, observations out; causal, constant work a sample, no allocation once built.
//!
//! A recursive Bayesian filter: after every sample it holds the probability of each pattern, step and time within the step.
//! What a sample tells of the colour is the business of a [`SensorModel`].

mod approximation;
mod estimate;
mod expectations;
mod exposure;
mod flashes;
mod lanes;
mod lit;
mod sensor;
mod shades;
mod strange;
mod taught;
mod tracks;

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use approximation::{exp, ln};
pub use expectations::Expectations;
pub use exposure::{EXPOSURES, PAIRS, PerExposure, exposure};
use flashes::{FlashTold, Flashes};
pub use lit::{LitErrors, LitSensor};
pub use sensor::{COLOURS, ColourSensor, LedShape, Merged, PerColour, SensorModel, place};
use shades::Shades;
use strange::{LASTING, Strange};
pub use taught::{ROUNDS, Unlike, learned};
use tracks::{Belief, Kind, Known, Rarity, Room, Step, Tracks};

use crate::codes::{self, Category, CodeTable, Colour, PatternId};
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

/// A single red flash that belongs to no pattern: a unit's power came up, or it got a bad packet. An event, never a reading.
///
/// It is told once what followed cannot go on with the flash any more, some 0.3 s after its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Transient {
    /// The end of the sample that decided it.
    pub at: Tick,
    /// The best estimate of when the flash began.
    pub from: Tick,
    /// Probability that it was a flash by itself, 0 to 1.
    pub confidence: f32,
}

/// What one sample taught; some of it, or (mostly) nothing.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Observed {
    /// The colour changed.
    pub shade: Option<Shade>,
    /// There was a single red flash.
    pub transient: Option<Transient>,
    /// The pattern changed.
    pub reading: Option<Reading>,
}

/// What a reader is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReaderSettings {
    /// How probable a pattern must be to be reported, 0.5 to 1.
    pub confidence: f32,
    /// How probable it must be to be reported once it has been so for 0.55 s, 0.5 to 1.
    pub steady_confidence: f32,
    /// What is expected of units.
    pub expectations: Expectations,
}

impl Default for ReaderSettings {
    fn default() -> Self {
        Self {
            confidence: 0.996,
            steady_confidence: 0.95,
            expectations: Expectations::default(),
        }
    }
}

/// More light than this between two samples is a gap, milliseconds.
const LONGEST_GAP_MS: f32 = 600_000.0;
/// How much longer than in any other pattern the LED must be dark to be so for good, beside the 2 % of the clock.
const EDGE: Duration = Duration::from_millis(20);
/// Views less probable than this are let go.
const LEAST_SHARE: f32 = 1.0e-6;
/// How long a pattern must have been nearly sure to be told.
const STEADY: Duration = Duration::from_millis(550);
/// A sample is surprising that is this far from everything expected: squared, in standard deviations.
const SURPRISING: f32 = 50.0;
/// The reader starts over after so many surprising samples, of which the others make it forget a part.
const SURPRISES: f32 = 12.0;
const SURPRISE_FADES: f32 = 0.05;
/// A second view is opened where it is at least so probable, relative to all.
const FORKING: f32 = 1.0e-3;
/// Views that mean the same unit are looked for once in so many samples.
const MERGE_EVERY: u32 = 25;

/// Reads one lane's LED.
#[derive(Debug, Clone)]
pub struct Reader<M> {
    settings: ReaderSettings,
    tracks: Tracks,
    views: Vec<View<M>>,
    /// Those of the views that are still looked at come first.
    looked_at: usize,
    room: Room,
    /// Belief in each kind of track, of all views.
    kinds: Vec<f32>,
    /// The part of it that the pattern changed to of late, when nobody can have seen it.
    unseen: Vec<f32>,
    shades: Shades,
    /// The pattern of lasting dark, and how long the others are dark at most.
    dark: Option<(PatternId, Duration)>,
    strange: Strange,
    /// The logarithm of how likely the last sample was where it was explained best.
    best_log: f32,
    /// Samples since views that mean the same unit were last looked for.
    since_merged: u32,
    /// How many samples of late were far from everything that the unit in any view can show.
    surprised: f32,
    /// The kind of track that has been nearly sure, and since when.
    steady: Option<(Kind, Tick)>,
    flash: FlashTold,
    /// Since when no pattern explains the light, or it has not been seen at all.
    unexplained: Option<Tick>,
    last: Option<Tick>,
    /// What was last reported; unreadable light as `None`, as before the first reading.
    standing: Option<PatternId>,
}

/// One idea of what the unit and its surroundings are like, with the patterns that the light then shows.
#[derive(Debug, Clone)]
struct View<M> {
    /// How probable it is.
    share: f32,
    model: M,
    belief: Belief,
    flashes: Flashes,
    /// Logarithms of how likely the last sample was for each exposure, then the likelihoods themselves.
    weights: PerExposure,
}

impl<M> View<M> {
    /// Roughly how likely weights make a sample, were there no edges.
    fn likelihood(&self, weights: &PerExposure) -> f32 {
        let colours = self.belief.colours();
        colours
            .iter()
            .zip(weights)
            .map(|(belief, weight)| belief * weight)
            .sum()
    }
}

impl<M: SensorModel> Reader<M> {
    /// A reader that has seen nothing yet, for the patterns of a table.
    #[expect(clippy::needless_pass_by_value, reason = "as in restart: the reader begins from it")]
    pub fn new(table: &CodeTable, model: M, settings: ReaderSettings) -> Self {
        let tracks = Tracks::new(&known_patterns(table), settings.expectations);
        let views = (0..M::STARTS).map(|_| View {
            share: 0.0,
            model: model.clone(),
            belief: tracks.belief(),
            flashes: Flashes::NONE,
            weights: [1.0; EXPOSURES],
        });
        let mut reader = Self {
            settings,
            views: views.collect(),
            looked_at: M::STARTS,
            room: tracks.room(),
            kinds: vec![0.0; tracks.kinds().len()],
            unseen: vec![0.0; tracks.kinds().len()],
            tracks,
            shades: Shades::new(),
            dark: dark_of(table),
            strange: Strange::new(table),
            best_log: 0.0,
            since_merged: 0,
            surprised: 0.0,
            steady: None,
            flash: FlashTold::new(),
            unexplained: None,
            last: None,
            standing: None,
        };
        reader.start(&model);
        reader
    }

    /// Forgets everything, for the next unit in the nest, seen through `model`. Does not allocate.
    #[expect(clippy::needless_pass_by_value, reason = "the reader takes the model over")]
    pub fn restart(&mut self, model: M) {
        self.start(&model);
        self.shades = Shades::new();
        self.strange.restart();
        self.steady = None;
        self.flash = FlashTold::new();
        self.unexplained = None;
        self.last = None;
        self.standing = None;
    }

    /// Opens all views of a unit that nothing is known of.
    fn start(&mut self, model: &M) {
        let mut total = 0.0;
        for (index, view) in self.views.iter_mut().enumerate() {
            (view.model, view.share) = model.start(index);
            self.tracks.restart(&mut view.belief);
            view.flashes = Flashes::NONE;
            total += view.share;
        }
        for view in &mut self.views {
            view.share /= total;
        }
        self.looked_at = self.views.len();
        self.since_merged = 0;
        self.surprised = 0.0;
    }

    /// Bytes of state that a lane needs.
    pub fn state_bytes(&self) -> usize {
        let views: usize = self
            .views
            .iter()
            .map(|view| size_of::<View<M>>() + view.belief.state_bytes())
            .sum();
        size_of::<Self>() + self.tracks.state_bytes() + self.room.bytes() + views + self.strange.state_bytes()
    }

    /// How many ideas of the unit are still open; work grows with it.
    pub fn views(&self) -> usize {
        self.looked_at
    }

    /// The model of the most probable view: what is known of the unit and its surroundings.
    pub fn model(&self) -> &M {
        let likelier = |best: usize, view: usize| {
            if self.views[view].share > self.views[best].share {
                view
            } else {
                best
            }
        };
        &self.views[(0..self.looked_at).fold(0, likelier)].model
    }

    /// Takes the next sample; those that do not come after the last one are ignored.
    pub fn push(&mut self, sample: &Sample) -> Observed {
        let milliseconds = match self.last {
            Some(last) if sample.end <= last => return Observed::default(),
            Some(last) => (sample.end.since(last).as_secs_f32() * 1000.0).min(LONGEST_GAP_MS),
            None => 0.0,
        };
        self.last = Some(sample.end);
        let seen = self.weigh(sample);
        let integration_ms = sample.end.since(sample.start).as_secs_f32() * 1000.0;
        let mut shared = [0.0; EXPOSURES];
        let mut total = 0.0;
        if seen == Saw::Light {
            self.fork();
        }
        for view in &mut self.views[..self.looked_at] {
            for (shared, weight) in shared.iter_mut().zip(view.weights) {
                *shared += view.share * weight;
            }
            let weighed = self.tracks.pass(
                &mut view.belief,
                &mut self.room,
                milliseconds,
                integration_ms,
                &view.weights,
            );
            view.share *= weighed.total;
            total += view.share;
            view.flashes.push(&weighed, &view.weights, milliseconds);
            let mut probable = weighed.exposures;
            for (probable, weight) in probable.iter_mut().zip(view.weights) {
                if weight <= self.settings.expectations.least_weight {
                    *probable = 0.0;
                }
            }
            if seen == Saw::Light {
                view.model.learn(&probable);
            }
        }
        self.keep_views(total);
        self.doubt(seen);
        self.sum_up();
        let shade = self
            .shades
            .push(sample.start, sample.end, milliseconds / 1000.0, &shared);
        let timed = shade.and_then(|shade| self.strange.push(&shade));
        Observed {
            shade,
            transient: self.flash(sample, shade),
            reading: self.decide(sample.end, timed, seen),
        }
    }

    /// How probable each pattern is now; `None` stands for light that is none of them: a single flash, or strange.
    pub fn beliefs(&self) -> impl Iterator<Item = (Option<PatternId>, f32)> {
        self.tracks
            .kinds()
            .iter()
            .zip(&self.kinds)
            .map(|(kind, belief)| match kind {
                Kind::Pattern(pattern) => (Some(*pattern), *belief),
                Kind::Flash | Kind::Strange => (None, *belief),
            })
    }

    /// Weighs a sample in every view, relative to the exposure that explains it best in any.
    fn weigh(&mut self, sample: &Sample) -> Saw {
        self.best_log = f32::MIN;
        for view in &mut self.views[..self.looked_at] {
            let Some(logs) = view.model.weigh(sample) else {
                for view in &mut self.views[..self.looked_at] {
                    view.weights = [1.0; EXPOSURES];
                }
                return Saw::Nothing;
            };
            self.best_log = logs.iter().fold(self.best_log, |most, log| most.max(*log));
            view.weights = logs;
        }
        for view in &mut self.views[..self.looked_at] {
            view.weights = self.settings.expectations.weights(view.weights, self.best_log);
        }
        Saw::Light
    }

    /// Gives views whose surroundings may have changed just now a second one in which they did.
    fn fork(&mut self) {
        let total: f32 = self.views[..self.looked_at]
            .iter()
            .map(|view| view.share * view.likelihood(&view.weights))
            .sum();
        for index in 0..self.looked_at {
            let view = &self.views[index];
            if view.share < FORKING || self.looked_at == self.views.len() {
                continue;
            }
            // A view's likelihood is at most that of the exposure that explains the sample best.
            let least = self.best_log + ln(FORKING * total / view.share);
            let Some(logs) = view.model.weigh_changed(least) else {
                continue;
            };
            let best = logs.iter().fold(f32::MIN, |most, log| most.max(*log));
            let likely = exp((best - self.best_log).min(0.0));
            let weights = self
                .settings
                .expectations
                .weights(logs, best)
                .map(|weight| weight * likely);
            if view.share * view.likelihood(&weights) < FORKING * total {
                continue;
            }
            let (before, after) = self.views.split_at_mut(self.looked_at);
            if let (Some(view), Some(forked)) = (before.get(index), after.first_mut()) {
                forked.model = view.model.clone();
                forked.model.change();
                forked.belief.copy_from(&view.belief);
                forked.flashes = view.flashes.clone();
                forked.share = view.share;
                forked.weights = weights;
                self.looked_at += 1;
            }
        }
    }

    /// Makes the views' shares sum to 1, lets go of those that explain nothing, and joins those that mean the same unit.
    fn keep_views(&mut self, total: f32) {
        let scale = 1.0 / total.max(f32::MIN_POSITIVE);
        for view in &mut self.views[..self.looked_at] {
            view.share *= scale;
        }
        let mut index = 0;
        while index < self.looked_at && self.looked_at > 1 {
            if self.views[index].share < LEAST_SHARE {
                self.let_go(index);
            } else {
                index += 1;
            }
        }
        self.since_merged += 1;
        if self.since_merged >= MERGE_EVERY {
            self.since_merged = 0;
            self.merge_views();
        }
    }

    /// Joins views that mean the same unit.
    fn merge_views(&mut self) {
        let mut one = 0;
        while one < self.looked_at {
            let mut other = one + 1;
            while other < self.looked_at {
                let (before, after) = self.views.split_at_mut(other);
                let (Some(view), Some(merged)) = (before.get_mut(one), after.first()) else {
                    break;
                };
                let share = merged.share / (view.share + merged.share);
                if view.model.merge(&merged.model, share) == Merged::Yes {
                    self.tracks.merge(&mut view.belief, &merged.belief, share);
                    view.flashes.merge(&merged.flashes, share);
                    view.share += merged.share;
                    self.let_go(other);
                } else {
                    other += 1;
                }
            }
            one += 1;
        }
    }

    /// Starts over where no view explains the light any more: another unit, or one that was taken for another.
    fn doubt(&mut self, saw: Saw) {
        if saw == Saw::Nothing {
            return;
        }
        let views = &self.views[..self.looked_at];
        let surprise = views.iter().map(|view| view.model.surprise()).fold(f32::MAX, f32::min);
        self.surprised = if surprise > SURPRISING {
            self.surprised + 1.0
        } else {
            (self.surprised - SURPRISE_FADES).max(0.0)
        };
        if self.surprised > SURPRISES {
            let model = self.views[0].model.clone();
            self.start(&model);
        }
    }

    fn let_go(&mut self, index: usize) {
        self.looked_at -= 1;
        self.views.swap(index, self.looked_at);
    }

    fn sum_up(&mut self) {
        self.kinds.fill(0.0);
        for view in &self.views[..self.looked_at] {
            view.belief.add_kinds(view.share, &mut self.kinds);
        }
    }

    /// The kind of track that is believed in most, and how probable it is that it was shown until a moment ago: that the pattern has just
    /// changed to one that begins with the colour of the light is always possible, and tells nothing against what was shown before.
    fn best(&mut self) -> (Kind, f32) {
        let mut best = (0, 0.0);
        for (kind, belief) in self.kinds.iter().enumerate() {
            if *belief > best.1 {
                best = (kind, *belief);
            }
        }
        let (best, belief) = best;
        let kind = self.tracks.kinds()[best];
        if belief < 0.5 || kind == Kind::Strange {
            return (kind, belief);
        }
        self.unseen.fill(0.0);
        for view in &self.views[..self.looked_at] {
            self.tracks.add_unseen(&view.belief, best, view.share, &mut self.unseen);
        }
        let (mut seen, mut all) = (0.0, 0.0);
        for (place, (belief, unseen)) in self.kinds.iter().zip(&self.unseen).enumerate() {
            let long = (belief - unseen).max(0.0);
            all += long;
            if place == best {
                seen = long;
            }
        }
        let confidence = if seen > 0.5 { belief.max(seen / all) } else { belief };
        (kind, confidence)
    }

    /// The flash that a sample decided.
    fn flash(&mut self, sample: &Sample, shade: Option<Shade>) -> Option<Transient> {
        let (mut probable, mut age_ms) = (0.0, 0.0);
        for view in &self.views[..self.looked_at] {
            let (flash, age) = view.flashes.probable(&self.tracks);
            probable += view.share * flash;
            age_ms += view.share * flash * age;
        }
        self.flash.push(sample.end, shade, probable, age_ms)
    }

    /// The reading that a sample decided; `timed` is the pattern with unknown colours that the light has the timing of.
    fn decide(&mut self, at: Tick, timed: Option<PatternId>, saw: Saw) -> Option<Reading> {
        let (kind, confidence) = self.best();
        let sure = self.is_sure(at, kind, confidence);
        let blind = saw == Saw::Nothing;
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
        // Dark is what is left when nothing else explains the light.
        if let Some((dark, others)) = self.dark
            && known == Some(dark)
            && self.shades.dark_for(at) <= others.mul_f32(1.02) + EDGE
        {
            return None;
        }
        self.report(at, known, confidence)
    }

    /// Whether a kind of track is sure enough to be told: at once, or because it has been nearly so for some time.
    fn is_sure(&mut self, at: Tick, kind: Kind, confidence: f32) -> bool {
        if confidence < self.settings.confidence.min(self.settings.steady_confidence) {
            self.steady = None;
            return false;
        }
        let since = match self.steady {
            Some((steady, since)) if steady == kind => since,
            Some(_) | None => at,
        };
        self.steady = Some((kind, since));
        let steady = confidence >= self.settings.steady_confidence && at.since(since) >= STEADY;
        steady || confidence >= self.settings.confidence
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

/// Whether a sample told anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Saw {
    Light,
    Nothing,
}

/// The fully known patterns of a table; a step that is held has no length.
fn known_patterns(table: &CodeTable) -> Vec<Known> {
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
    let known = |pattern: &codes::Pattern| {
        Some(Known {
            id: pattern.id(),
            rarity: if is_rare(table, pattern) {
                Rarity::Rare
            } else {
                Rarity::Common
            },
            steps: pattern.steps().iter().map(step).collect::<Option<_>>()?,
        })
    };
    table.patterns().iter().filter_map(known).collect()
}

/// The pattern of lasting dark, and how long the known others are dark at most.
fn dark_of(table: &CodeTable) -> Option<(PatternId, Duration)> {
    let is_dark = |step: &codes::Step| step.colour == Some(Colour::Off);
    let dark = table
        .patterns()
        .iter()
        .find(|pattern| matches!(pattern.steps(), [step] if is_dark(step)))?;
    let others = table
        .patterns()
        .iter()
        .filter(|pattern| pattern.is_fully_known())
        .flat_map(codes::Pattern::steps)
        .filter(|step| is_dark(step))
        .filter_map(|step| step.lasts);
    Some((dark.id(), others.map(|span| span.longest).max().unwrap_or_default()))
}

/// Whether only units with old software show a pattern, or it was seen now and then without being published.
fn is_rare(table: &CodeTable, pattern: &codes::Pattern) -> bool {
    table
        .codes_of(pattern.id())
        .all(|code| matches!(code.category, Category::Legacy | Category::Observed))
}
