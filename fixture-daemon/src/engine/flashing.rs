//! Whether a unit goes on flashing while the lamp sends, which one that receives does not.
//!
//! Before the lamp sends it is learnt what the unit's LED looks like, and where it is in its ready pattern. While the lamp sends, the samples
//! that lie wholly in its dark symbols are held against two suppositions: that the LED goes on with that pattern, and that it is dark. Both
//! share what disturbs: the room's light, which may have changed, and what is left of the lamp's own light, quick and slow. How much of the
//! LED's known light is in the samples comes out of all of it together (a recursive least-squares estimate), and the odds follow from that.

use core::time::Duration;

use blinkup::Tick;
use blinkup::codes::{CodeTable, Colour, PatternId};
use blinkup::frame::SymbolRate;
use blinkup::reader::Shade;
use blinkup::sample::Sample;

use super::gate::NO_SAMPLE;
use super::meaning::{Meaning, Meanings};

/// So many symbols before the preamble's end is the latest that a unit may stop flashing and still get the packet: it needs some pulses to know
/// one, and a byte to find the start.
const NOTICES_BEFORE: usize = 10;
/// Symbols of a byte.
const OF_A_BYTE: usize = 16;
/// A unit that is slower than this is taken for one that does not see the lamp, however long the preamble is.
const NOTICES_WITHIN: Duration = Duration::from_millis(1_100);
/// How far from where it is expected an edge of the pattern may be at first: the reader's estimate, and the edge's wander.
const EDGE_WITHIN: Duration = Duration::from_millis(40);
/// How much farther for every second since the last edge was seen: the unit's clock is off by 2 %.
const CLOCK: f64 = 0.021;
/// How far from the edges a sample must lie to show what a colour looks like.
const WELL_INSIDE: Duration = Duration::from_millis(20);
/// Samples of a colour from which it is known.
const ENOUGH: f64 = 4.0;
/// Samples that are remembered: five seconds.
const REMEMBERED: usize = 512;
/// Changes of colour that are remembered.
const SHADES: usize = 8;
/// Steps of a pattern.
const STEPS: usize = 8;

// In shares of the LED's light.
/// How far the room's light may be from what it was when it was last seen, and how far it may go from there in a second.
const ROOM: (f64, f64) = (0.2, 0.1);
/// How much of the lamp's light may be left, had it not begun to fade.
const AFTERGLOW: f64 = 3.0;
/// What a sample may be off by beyond its noise.
const SAMPLE: f64 = 0.1;
/// How far a flashing LED may be from what it was, and a dark one from dark.
const FLASHING: f64 = 0.15;
const DARK: f64 = 0.1;

/// Samples in which the LED should be lit, without which nothing is said.
const LEAST_LIT: u32 = 3;
/// How much more likely flashing must be than dark, as a logarithm: with one unit in a hundred that does not see the lamp, one mistake in
/// ten thousand.
const SURE: f64 = 13.8;

/// One lane's eye for a unit that goes on flashing.
#[derive(Debug)]
pub struct Flashing {
    patterns: Vec<Pattern>,
    samples: [Sample; REMEMBERED],
    remembered: usize,
    shades: [Shade; SHADES],
    changes: usize,
    watch: Option<Watch>,
}

/// A ready pattern whose colours and lengths are known.
#[derive(Debug, Clone)]
struct Pattern {
    id: PatternId,
    steps: Vec<(Colour, Duration)>,
}

/// A transmission under which a unit is watched.
#[derive(Debug, Clone, Copy)]
struct Watch {
    steps: [(Colour, Duration); STEPS],
    count: usize,
    /// When the last edge of the pattern was seen.
    from: Tick,
    /// The step that the last sample was in or near, and when it begins: no later sample is in one before it.
    at: (usize, Tick),
    look: Look,
    /// When the lamp's first symbol was, and by when a unit has noticed it.
    notices: Option<Tick>,
    notices_within: Duration,
    lit: u32,
    seen: Tick,
    estimate: Estimate,
    told: bool,
}

/// What a unit's LED looks like.
#[derive(Debug, Clone, Copy)]
struct Look {
    dark: [f64; 4],
    /// By which a sample's channels are summed up to the share of the LED's light that is in it.
    weights: [f64; 4],
    /// That share for each lit colour.
    lit: [(Colour, f64); 3],
    /// The deviation of one sample.
    noise: f64,
}

/// How much of the room's change, of the lamp's afterglow (quick and slow) and of the LED's light is in the samples: the estimate and how
/// sure it is.
#[derive(Debug, Clone, Copy)]
struct Estimate {
    mean: [f64; 4],
    covariance: [[f64; 4]; 4],
}

/// What was seen of a unit that goes on flashing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GoesOn {
    /// From how many samples in which its LED should be lit.
    pub lit: u32,
    /// How much of its light was there.
    pub share: f64,
}

impl Flashing {
    /// An eye for the ready patterns of a table under a recipe.
    pub fn new(table: &CodeTable, meanings: &Meanings) -> Self {
        let ready = table.patterns().iter().filter(|pattern| {
            pattern.repeats() && pattern.steps().len() <= STEPS && meanings.of(pattern.id()) == Meaning::Ready
        });
        let patterns = ready
            .filter_map(|pattern| {
                let steps = pattern.steps().iter().map(|step| {
                    let lasts = step.lasts.filter(|span| span.shortest == span.longest)?;
                    Some((step.colour?, lasts.shortest))
                });
                Some(Pattern {
                    id: pattern.id(),
                    steps: steps.collect::<Option<_>>()?,
                })
            })
            .collect();
        Self {
            patterns,
            samples: [NO_SAMPLE; REMEMBERED],
            remembered: 0,
            shades: [Shade {
                at: Tick::ZERO,
                from: Tick::ZERO,
                colour: Colour::Off,
            }; SHADES],
            changes: 0,
            watch: None,
        }
    }

    /// Forgets the unit.
    pub fn restart(&mut self) {
        self.remembered = 0;
        self.changes = 0;
        self.watch = None;
    }

    /// The LED changed its colour.
    pub fn shade(&mut self, shade: Shade) {
        if self.watch.is_none() {
            self.shades[self.changes % SHADES] = shade;
            self.changes += 1;
        }
    }

    /// A sample while the lamp had nothing to send.
    pub fn rests(&mut self, sample: &Sample) {
        self.samples[self.remembered % REMEMBERED] = *sample;
        self.remembered += 1;
    }

    /// The lamp is told to send, to a unit that shows this pattern. Whether enough is known of the unit to watch it.
    pub fn begin(&mut self, pattern: Option<PatternId>, rate: u8) -> bool {
        self.watch = self
            .patterns
            .iter()
            .find(|ready| Some(ready.id) == pattern)
            .and_then(|pattern| {
                let rate = SymbolRate::new(rate).ok()?;
                let preamble = usize::from(rate.preamble()) * OF_A_BYTE;
                let notices_within = rate.due(preamble.saturating_sub(NOTICES_BEFORE)).min(NOTICES_WITHIN);
                self.watch_for(pattern, notices_within)
            });
        self.watch.is_some()
    }

    /// The lamp shows another symbol.
    pub fn edge(&mut self, at: Tick) {
        if let Some(watch) = &mut self.watch {
            watch.notices.get_or_insert(at + watch.notices_within);
        }
    }

    /// The lamp is done.
    pub fn end(&mut self) {
        if self.watch.take().is_some() {
            // What the LED does now is another thing.
            self.remembered = 0;
            self.changes = 0;
        }
    }

    /// A sample that lies in a dark symbol, with what the lamp's light may have left in it. Tells once when it is beyond doubt that the LED
    /// goes on flashing.
    pub fn dark(&mut self, sample: &Sample, afterglow: [f64; 2]) -> Option<GoesOn> {
        self.watch.as_mut()?.take(sample, afterglow)
    }

    /// What is known of the unit, where it is enough.
    fn watch_for(&self, pattern: &Pattern, notices_within: Duration) -> Option<Watch> {
        let mut steps = [(Colour::Off, Duration::ZERO); STEPS];
        for (place, step) in steps.iter_mut().zip(&pattern.steps) {
            *place = *step;
        }
        let (step, from) = self.place_in(&pattern.steps)?;
        Some(Watch {
            steps,
            count: pattern.steps.len(),
            from,
            at: (step, from),
            look: self.look(&pattern.steps)?,
            notices: None,
            notices_within,
            lit: 0,
            seen: from,
            estimate: Estimate::new(),
            told: false,
        })
    }

    /// The changes of colour that are remembered, newest first.
    fn newest(&self) -> impl Iterator<Item = Shade> {
        (1..=self.changes.min(SHADES)).map(|back| self.shades[(self.changes - back) % SHADES])
    }

    /// Which step of a pattern began with the newest change, and when: of those with its colour the one whose steps before fit best.
    fn place_in(&self, steps: &[(Colour, Duration)]) -> Option<(usize, Tick)> {
        let newest = self.newest().next()?;
        let misfit = |step: usize| {
            let before = (1..=steps.len()).map(|back| steps[(step + steps.len() - back) % steps.len()]);
            let pairs = self.newest().zip(self.newest().skip(1)).zip(before);
            let off = pairs.map(|((later, earlier), (colour, lasts))| {
                if colour == earlier.colour {
                    later.from.since(earlier.from).abs_diff(lasts)
                } else {
                    lasts
                }
            });
            off.sum::<Duration>()
        };
        let step = (0..steps.len())
            .filter(|step| steps[*step].0 == newest.colour)
            .min_by_key(|step| misfit(*step))?;
        Some((step, newest.from))
    }

    /// What the LED looks like in each of a pattern's colours.
    fn look(&self, steps: &[(Colour, Duration)]) -> Option<Look> {
        let labelled = || {
            let samples = self.samples.iter().take(self.remembered.min(REMEMBERED));
            samples.filter_map(|sample| Some((self.colour_of(sample)?, channels(sample))))
        };
        let mean = |colour: Colour| {
            let (mut sum, mut count) = ([0.0; 4], 0.0);
            for (_, channels) in labelled().filter(|(of, _)| *of == colour) {
                for (sum, channel) in sum.iter_mut().zip(channels) {
                    *sum += channel;
                }
                count += 1.0;
            }
            (count >= ENOUGH).then(|| sum.map(|sum| sum / count))
        };
        let dark = mean(Colour::Off)?;
        let mut colours = [(Colour::Red, None), (Colour::Amber, None), (Colour::Green, None)];
        for (colour, seen) in &mut colours {
            if steps.iter().any(|step| step.0 == *colour) {
                *seen = Some(mean(*colour)?);
            }
        }
        let known = |colour: Colour| match colour {
            Colour::Off => Some(dark),
            Colour::Red | Colour::Amber | Colour::Green => colours.iter().find(|(of, _)| *of == colour)?.1,
        };
        // The LED's light over dark, and how far single samples were from what they should have been.
        let seen = || colours.iter().filter_map(|(colour, seen)| Some((*colour, (*seen)?)));
        let mut light = [0.0; 4];
        for (_, counts) in seen() {
            for ((light, counts), dark) in light.iter_mut().zip(counts).zip(dark) {
                *light += counts - dark;
            }
        }
        let mut spread = [1.0; 4];
        let mut count = 1.0;
        for (colour, channels) in labelled() {
            if let Some(expected) = known(colour) {
                for ((spread, channel), expected) in spread.iter_mut().zip(channels).zip(expected) {
                    *spread += (channel - expected) * (channel - expected);
                }
                count += 1.0;
            }
        }
        let weighed: f64 = light
            .iter()
            .zip(spread)
            .map(|(light, spread)| light * light * count / spread)
            .sum();
        let mut weights = [0.0; 4];
        for ((weight, light), spread) in weights.iter_mut().zip(light).zip(spread) {
            *weight = light * count / spread / weighed;
        }
        let share = |channels: [f64; 4]| -> f64 {
            let over = channels.iter().zip(dark).zip(weights);
            over.map(|((channel, dark), weight)| weight * (channel - dark)).sum()
        };
        let lit = colours.map(|(colour, seen)| (colour, seen.map_or(0.0, share)));
        let off: f64 = labelled()
            .filter_map(|(colour, channels)| Some(share(channels) - share(known(colour)?)))
            .map(|off| off * off)
            .sum();
        let noise = (off / count).sqrt();
        (noise.is_finite() && weighed > 0.0).then_some(Look {
            dark,
            weights,
            lit,
            noise,
        })
    }

    /// The colour that the LED had all through a sample, where it is plain.
    fn colour_of(&self, sample: &Sample) -> Option<Colour> {
        let mut until: Option<Tick> = None;
        for shade in self.newest() {
            if sample.start >= shade.from + WELL_INSIDE {
                return until
                    .is_none_or(|until| sample.end + WELL_INSIDE <= until)
                    .then_some(shade.colour);
            }
            until = Some(shade.from);
        }
        None
    }
}

fn channels(sample: &Sample) -> [f64; 4] {
    sample.counts.channels().map(f64::from)
}

impl Watch {
    fn take(&mut self, sample: &Sample, afterglow: [f64; 2]) -> Option<GoesOn> {
        let notices = self.notices?;
        let lit = self.expected(sample)?;
        if lit > 0.0 && sample.start < notices {
            // Lit or dark: it may not have noticed yet.
            return None;
        }
        let over = channels(sample).into_iter().zip(self.look.dark).zip(self.look.weights);
        let share: f64 = over.map(|((channel, dark), weight)| weight * (channel - dark)).sum();
        let passed = sample.end.since(self.seen).as_secs_f64();
        self.seen = sample.end;
        let [quick, slow] = afterglow;
        let noise = self.look.noise * self.look.noise + SAMPLE * SAMPLE;
        self.estimate.take(share, [1.0, quick, slow, lit], noise, passed);
        if lit > 0.0 {
            self.lit += 1;
        }
        if self.told || self.lit < LEAST_LIT || self.estimate.odds() < SURE {
            return None;
        }
        self.told = true;
        Some(GoesOn {
            lit: self.lit,
            share: self.estimate.mean[3],
        })
    }

    /// The share of its light that an LED which goes on has in a sample; `None` too near an edge of the pattern to say.
    fn expected(&mut self, sample: &Sample) -> Option<f64> {
        let seen = self.from;
        let within = |edge: Tick| EDGE_WITHIN + Duration::from_secs_f64(CLOCK * edge.since(seen).as_secs_f64());
        // A frame takes less than a minute, a step a quarter of a second at least.
        for _ in 0..1_000 {
            let (step, from) = self.at;
            let (colour, lasts) = *self.steps.get(step)?;
            let until = from + lasts;
            if sample.start < until + within(until) {
                let inside = sample.start >= from + within(from) && sample.end + within(until) <= until;
                let share = self.look.lit.iter().find(|(of, _)| *of == colour);
                return inside.then(|| share.map_or(0.0, |(_, share)| *share));
            }
            self.at = ((step + 1) % self.count.max(1), until);
        }
        None
    }
}

impl Estimate {
    fn new() -> Self {
        let mut covariance = [[0.0; 4]; 4];
        let deviations = [ROOM.0, AFTERGLOW, AFTERGLOW, 1.0];
        for (place, deviation) in deviations.into_iter().enumerate() {
            covariance[place][place] = deviation * deviation;
        }
        Self {
            mean: [0.0; 4],
            covariance,
        }
    }

    /// Takes one sample in: what it is made of by the model, its variance, and the seconds since the one before.
    fn take(&mut self, seen: f64, made_of: [f64; 4], variance: f64, passed: f64) {
        let dot = |row: &[f64; 4]| row.iter().zip(made_of).map(|(of, made)| of * made).sum::<f64>();
        self.covariance[0][0] += ROOM.1 * ROOM.1 * passed.min(1.0);
        let moved = self.covariance.map(|row| dot(&row));
        let sum = dot(&moved) + variance;
        let off = seen - dot(&self.mean);
        for (row, gain) in moved.iter().map(|moved| moved / sum).enumerate() {
            self.mean[row] += gain * off;
            for (column, moved) in moved.iter().enumerate() {
                self.covariance[row][column] -= gain * moved;
            }
        }
    }

    /// How much more likely it is that the LED flashes than that it is dark, as a logarithm.
    fn odds(&self) -> f64 {
        let (share, variance) = (self.mean[3], self.covariance[3][3]);
        let (flashing, dark) = (variance + FLASHING * FLASHING, variance + DARK * DARK);
        0.5 * (share * share / dark - (share - 1.0) * (share - 1.0) / flashing + (dark / flashing).ln())
    }
}

#[cfg(test)]
mod tests {
    use blinkup::sample::Counts;
    use blinkup::{Level, Symbol};

    use super::super::gate::{During, Gate, LoopBackLimits, Meant};
    use super::super::input::LampEdge;
    use super::super::sensor::Measures;
    use super::*;

    const AMBIENT: [f64; 4] = [90.0, 80.0, 60.0, 300.0];
    const RED: [f64; 4] = [99.0, 8.0, 5.0, 111.0];
    const GREEN: [f64; 4] = [46.0, 87.0, 8.0, 132.0];
    const LAMP: [f64; 4] = [0.30, 0.36, 0.31, 1.0];
    /// A hundred times the LED, both dice lit.
    const LAMP_STRENGTH: f64 = 24_300.0;
    /// When the lamp begins.
    const BEGINS: Tick = Tick::from_micros(10_000_000);

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// A unit, a lamp and a sensor.
    struct Bench {
        ready: &'static str,
        rate: u8,
        /// How far into its pattern the unit is when the lamp begins.
        phase: Duration,
        /// When it goes dark, after the lamp began; never where it does not see it.
        dark_after: Option<Duration>,
        /// A red flash of a unit that gave up: when after the lamp began, and how long.
        flash: Option<(Duration, Duration)>,
        /// How much of the lamp's light goes on after an edge, and how long.
        glow: (f64, f64),
        /// What a neighbour's lamp leaks in while it is lit.
        leak: f64,
        noise: u32,
    }

    impl Bench {
        fn new(phase: u64) -> Self {
            Self {
                ready: "no-network-settings",
                rate: 60,
                phase: ms(phase),
                dark_after: None,
                flash: None,
                glow: (0.01, 0.004),
                leak: 0.0,
                noise: 7,
            }
        }

        /// How long after the lamp began it was told that the unit goes on.
        fn told(mut self, lasts: Duration) -> Option<Duration> {
            let table = CodeTable::vendor();
            let recipe = super::super::recipe::Recipe {
                ready_codes: vec![self.ready.to_owned()],
                ..crate::config::example_recipe()
            };
            let mut flashing = Flashing::new(&table, &Meanings::new(&table, &recipe));
            let limits = LoopBackLimits {
                full: 16_383.0,
                seen: 0.1,
                weak: 0.5,
            };
            let mut gate = Gate::new(limits, 16_383, Measures::Strength);
            let pattern = table.pattern_of(self.ready).unwrap();
            let steps: Vec<(Colour, Duration)> = pattern
                .steps()
                .iter()
                .map(|step| (step.colour.unwrap(), step.lasts.unwrap().shortest))
                .collect();
            let symbol = SymbolRate::new(self.rate).unwrap().due(1);
            let mut next = BEGINS;
            let mut symbols = 0_u32;
            let mut edges: Vec<(Tick, f64)> = Vec::new();
            let mut before = None;
            let mut end = BEGINS - ms(4_300);
            while end < BEGINS + lasts {
                end = end + ms(10);
                if end >= BEGINS && symbols == 0 {
                    assert!(flashing.begin(Some(pattern.id()), self.rate));
                    let meant = Meant {
                        bright: Level::new(0.8),
                        mid: Level::new(0.4),
                        mid_within: 1.0,
                        edges_within: ms(4),
                    };
                    gate.begin(meant, None);
                }
                while next <= end {
                    let symbol_is = match (symbols % 2, symbols % 6) {
                        (0, _) => Symbol::Dark,
                        (_, 1) => Symbol::Bright,
                        _ => Symbol::Mid,
                    };
                    let level = [0.0, 0.4, 0.8][symbol_is as usize];
                    edges.push((next, level));
                    flashing.edge(next);
                    gate.edge(LampEdge {
                        from: next,
                        at: next,
                        symbol: symbol_is,
                    });
                    symbols += 1;
                    next = next + symbol;
                }
                let sample = self.sample(end, &steps, &edges);
                if symbols == 0 {
                    let shade = self.colour(end - ms(3), &steps);
                    if before != Some(shade) {
                        before = Some(shade);
                        flashing.shade(Shade {
                            at: end,
                            from: end - ms(5),
                            colour: shade,
                        });
                    }
                    flashing.rests(&sample);
                    continue;
                }
                assert!(gate.push(&sample));
                while let Some((sample, during)) = gate.next(end) {
                    if during != During::Dark {
                        continue;
                    }
                    let Some(left) = gate.afterglow(&sample) else { continue };
                    if flashing.dark(&sample, left).is_some() {
                        return Some(end.since(BEGINS));
                    }
                }
            }
            None
        }

        fn colour(&self, at: Tick, steps: &[(Colour, Duration)]) -> Colour {
            let since = at.since(BEGINS);
            if let Some((from, lasts)) = self.flash
                && since >= from
                && since < from + lasts
            {
                return Colour::Red;
            }
            if self.dark_after.is_some_and(|after| since >= after) {
                return Colour::Off;
            }
            let period: Duration = steps.iter().map(|step| step.1).sum();
            let into = at.as_micros() + 60 * u64::try_from(period.as_micros()).unwrap() - BEGINS.as_micros();
            let mut into = (Duration::from_micros(into) + self.phase).as_micros() % period.as_micros();
            for (colour, lasts) in steps {
                if into < lasts.as_micros() {
                    return *colour;
                }
                into -= lasts.as_micros();
            }
            Colour::Off
        }

        fn sample(&mut self, end: Tick, steps: &[(Colour, Duration)], edges: &[(Tick, f64)]) -> Sample {
            let start = end - Duration::from_micros(4_800);
            let at = end - Duration::from_micros(2_400);
            let (red, green) = match self.colour(at, steps) {
                Colour::Off => (0.0, 0.0),
                Colour::Red => (1.0, 0.0),
                Colour::Amber => (1.0, 1.0),
                Colour::Green => (0.0, 1.0),
            };
            let level_at = |at: Tick| edges.iter().rev().find(|edge| edge.0 <= at).map_or(0.0, |edge| edge.1);
            let (share, fades) = self.glow;
            let mut lamp = level_at(at);
            for pair in edges.windows(2).rev().take(8) {
                let (from, until) = (pair[0].0, pair[1].0);
                if pair[0].1 > 0.0 && until <= start {
                    let left = |edge: Tick| (-at.since(edge).as_secs_f64() / fades).exp();
                    lamp += share * pair[0].1 * (left(until) - left(from));
                }
            }
            let neighbour = if (end.as_micros() / 16_000).is_multiple_of(2) {
                self.leak
            } else {
                0.0
            };
            let mut count = |place: usize| {
                self.noise = self.noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = f64::from(self.noise >> 16) / 65_536.0 - 0.5;
                let light = AMBIENT[place]
                    + red * RED[place]
                    + green * GREEN[place]
                    + (lamp * LAMP_STRENGTH + neighbour) * LAMP[place];
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
                let counted = (light + noise * 3.0 * light.sqrt()).clamp(0.0, 16_383.0) as u16;
                counted
            };
            Sample {
                start,
                end,
                counts: Counts {
                    red: count(0),
                    green: count(1),
                    blue: count(2),
                    clear: count(3),
                },
            }
        }
    }

    #[test]
    fn a_unit_that_goes_on_is_known_within_two_periods_wherever_it_is_in_its_pattern() {
        for rate in [60, 30, 20] {
            for phase in (0..1_000).step_by(50) {
                let bench = Bench {
                    rate,
                    ..Bench::new(phase)
                };
                let told = bench.told(ms(4_000));
                assert!(
                    told.is_some_and(|told| told <= ms(2_000)),
                    "{rate}/s from {phase} ms: {told:?}"
                );
            }
        }
    }

    #[test]
    fn a_unit_that_goes_dark_is_not_taken_for_one_that_goes_on() {
        // The last ones notice only just before the start byte.
        for (rate, dark_after, leak) in [
            (60, 150, 0.0),
            (60, 560, 0.0),
            (60, 350, 0.3 * 243.0),
            (60, 880, 0.0),
            (30, 1_080, 0.0),
            (20, 1_080, 0.0),
        ] {
            for phase in (0..1_000).step_by(50) {
                let bench = Bench {
                    rate,
                    dark_after: Some(ms(dark_after)),
                    leak,
                    ..Bench::new(phase)
                };
                let told = bench.told(ms(8_000));
                assert_eq!(
                    told, None,
                    "{rate}/s, dark after {dark_after} ms, from {phase} ms, leak {leak}"
                );
            }
        }
    }

    #[test]
    fn the_red_flash_of_a_damaged_packet_is_no_pattern() {
        for at in (700..1_700).step_by(50) {
            for lasts in [80, 400] {
                let bench = Bench {
                    dark_after: Some(ms(350)),
                    flash: Some((ms(at), ms(lasts))),
                    ..Bench::new(0)
                };
                assert_eq!(bench.told(ms(4_000)), None, "{lasts} ms at {at} ms");
            }
        }
    }

    #[test]
    fn patterns_of_several_colours_are_followed_as_well() {
        for ready in ["spi-flash-error", "connecting-to-server", "imp004m-red-3s"] {
            for phase in (0..1_000).step_by(100) {
                let bench = Bench {
                    ready,
                    ..Bench::new(phase)
                };
                let period = CodeTable::vendor()
                    .pattern_of(ready)
                    .unwrap()
                    .steps()
                    .iter()
                    .map(|step| step.lasts.unwrap().shortest)
                    .sum::<Duration>();
                let told = bench.told(2 * period + ms(10));
                let dark = Bench {
                    ready,
                    dark_after: Some(ms(350)),
                    ..Bench::new(phase)
                };
                assert!(told.is_some(), "{ready} from {phase} ms");
                assert_eq!(dark.told(ms(6_000)), None, "{ready} from {phase} ms");
            }
        }
    }
}
