//! Which samples saw the unit's LED undisturbed, and what loop-back saw of the lamp: its strength, its levels, its edges.
//!
//! Samples and the lamp's edges come from two threads, so an edge may be told a little after samples that were taken later. While
//! the lamp sends, a sample therefore waits until an edge after its end is known (a symbol later at most), or until it is
//! [`WAITS_AT_MOST`] old and is judged by what is known.

use core::time::Duration;

use blinkup::sample::{Counts, Sample};
use blinkup::{Level, Symbol, Tick};
use fixture_ledger::record::LoopBack;

use super::input::LampEdge;
use super::sensor::Measures;
use super::station::LampSeen;

/// How long the lamp and the sensor's input stage take to settle after an edge.
const SETTLES: Duration = Duration::from_millis(1);
/// How long a sample waits for an edge that may still be told.
pub const WAITS_AT_MOST: Duration = Duration::from_millis(200);
/// Edges that are remembered: more than half a second at 60 symbols a second.
const EDGES: usize = 32;
/// Samples that can wait.
const WAITING: usize = 32;
/// Samples of one level, each beside a dark one, from which a missing lamp is told.
const PAIRS_TO_MISS: usize = 12;
/// Samples of one level, each beside a dark one, from which the lamp's strength is told, and of each level from which the two are compared.
const PAIRS_TO_WEIGH: usize = 24;
/// The newest of them that are kept.
const PAIRS: usize = 48;
/// Samples from which it is told how far the light follows its edges, and before which a lamp that is not as it should be is not judged: it
/// may only be late.
const SAMPLES_TO_TIME: u32 = 150;
/// By how much the light may follow its edges that is told apart, in steps.
const LAGS: usize = 17;
const LAG_STEP: Duration = Duration::from_millis(1);
/// Each of these, in microseconds.
const LAG_MICROS: [f64; LAGS] = {
    let mut micros = [0.0; LAGS];
    let mut lag = 1;
    while lag < LAGS {
        micros[lag] = micros[lag - 1] + LAG_STEP.as_secs_f64() * 1e6;
        lag += 1;
    }
    micros
};
/// The least correlation of light and orders by which its lag is told.
const CORRELATED: f64 = 0.5;
/// How many standard errors a figure must be beyond its limit.
const SURELY: f64 = 3.0;
/// A standard deviation over the middle one of the deviations from the middle, of a normal distribution; and the standard error of a middle one
/// over that of a mean.
const DEVIATION: f64 = 1.4826;
const OF_MIDDLE: f64 = 1.2533;
/// How far apart the two may be: an LED that still flashes seldom changes in so short a time.
const PAIR_WITHIN: Duration = Duration::from_millis(100);
/// Dark samples for which the ambient light of the empty nest counts.
const DARK_TO_COMPARE: u32 = 6;
/// Lit samples of a test flash from which it is told.
const LIT_OF_FLASH: u32 = 3;

/// Seconds that an imp is watched for: longer than it may take.
const SECONDS: usize = 64;
/// Samples without which a second says nothing.
const SAMPLES_OF_A_SECOND: u16 = 20;
/// Jumps of light in a second that an imp's 60 or more symbols make at least; a unit's LED makes four at most.
const JUMPS_OF_AN_IMP: u16 = 10;

/// What stands where no sample was kept yet.
pub(super) const NO_SAMPLE: Sample = Sample {
    start: Tick::ZERO,
    end: Tick::ZERO,
    counts: Counts {
        red: 0,
        green: 0,
        blue: 0,
        clear: 0,
    },
};

/// What loop-back of a lane must see, from commissioning.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoopBackLimits {
    /// Clear counts of full light above dark.
    pub full: f32,
    /// Share of what should be seen below which the lamp is not there, 0 to 1.
    pub seen: f32,
    /// Share of what should be seen below which the lamp is weak, 0 to 1.
    pub weak: f32,
}

/// How fast the lamp's light may fade after an edge, beyond [`SETTLES`]: a quick and a slow way, between which every lamp's lies.
const FADES: [Duration; 2] = [Duration::from_micros(1_500), Duration::from_millis(6)];

/// What the lamp is meant to show in a transmission.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Meant {
    /// Light of a bright symbol.
    pub bright: Level,
    /// Light of a mid symbol.
    pub mid: Level,
    /// By how much mid may be off, as a share of bright.
    pub mid_within: f32,
    /// How far the light may follow its edges.
    pub edges_within: Duration,
}

/// What the lamp showed during a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum During {
    /// Dark all the time: the sample saw the unit's LED.
    Dark,
    /// One lit symbol all the time.
    Lit(Level),
    /// An edge was in it, or too close before.
    Edge,
}

/// One lane's gate.
#[derive(Debug)]
pub struct Gate {
    limits: LoopBackLimits,
    saturated_at: f64,
    measures: Measures,
    edges: [LampEdge; EDGES],
    /// How many edges there have been.
    told: usize,
    /// Until when the lamp's light is known.
    known_until: Tick,
    /// How long the sensor integrates.
    integration: Duration,
    waiting: [Sample; WAITING],
    first: usize,
    count: usize,
    lamp: Sender,
    sums: Sums,
    jumps: Jumps,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Sender {
    Idle,
    Busy(Meant),
    /// An imp sends: nobody knows which symbol when.
    Imp,
}

/// What loop-back has summed up.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    dark: f64,
    darks: u32,
    mid: f64,
    mids: u32,
    bright: f64,
    brights: u32,
    /// What the lit samples should have been above dark, by the calibration.
    expected: f64,
    first: Option<Counts>,
    varied: u32,
    /// The last dark sample: its end, and its clear counts.
    last_dark: Option<(Tick, f64)>,
    /// Mid and bright samples above the dark one before them, as shares of what they should have been.
    of_mid: Newest,
    of_bright: Newest,
    /// Lit samples at the sensor's end: it cannot tell one level from another there.
    full: u32,
    lags: Lags,
}

/// The newest figures of a kind.
#[derive(Debug, Clone, Copy)]
struct Newest {
    figures: [f64; PAIRS],
    seen: usize,
    /// The same, the least one first.
    sorted: [f64; PAIRS],
}

impl Default for Newest {
    fn default() -> Self {
        Self {
            figures: [0.0; PAIRS],
            seen: 0,
            sorted: [0.0; PAIRS],
        }
    }
}

impl Newest {
    fn push(&mut self, figure: f64) {
        let known = self.seen.min(PAIRS);
        let place = self.seen % PAIRS;
        // Where one goes and where one comes, what is between moves by one place.
        let gone = if known == PAIRS {
            let gone = self.figures[place];
            self.sorted.partition_point(|other| other.total_cmp(&gone).is_lt())
        } else {
            known
        };
        let comes = self.sorted[..known].partition_point(|other| other.total_cmp(&figure).is_lt());
        if comes <= gone {
            self.sorted.copy_within(comes..gone, comes + 1);
            self.sorted[comes] = figure;
        } else {
            self.sorted.copy_within(gone + 1..comes, gone);
            self.sorted[comes - 1] = figure;
        }
        self.figures[place] = figure;
        self.seen += 1;
    }

    fn known(&self) -> &[f64] {
        &self.sorted[..self.seen.min(PAIRS)]
    }

    /// The middle one; nothing from fewer than so many.
    fn middle(&self, least: usize) -> Option<f64> {
        let known = self.known();
        (self.seen >= least).then(|| known.get(known.len() / 2).copied())?
    }

    /// The standard error of the middle one.
    fn error(&self, middle: f64) -> f64 {
        let known = self.known();
        let (below, above) = known.split_at(known.len() / 2);
        // The further from the middle one, the further from the middle: both sides are sorted by how far they are off.
        let mut below = below.iter().rev().map(|figure| (*figure - middle).abs()).peekable();
        let mut above = above.iter().map(|figure| (*figure - middle).abs()).peekable();
        let mut off = 0.0;
        for _ in 0..=known.len() / 2 {
            let next = match (below.peek(), above.peek()) {
                (Some(one), Some(other)) if one < other => below.next(),
                (Some(_), None) => below.next(),
                (_, Some(_)) => above.next(),
                (None, None) => None,
            };
            off = next.unwrap_or(off);
        }
        #[expect(clippy::cast_precision_loss, reason = "at most 48")]
        let count = known.len() as f64;
        OF_MIDDLE * DEVIATION * off / count.sqrt()
    }
}

/// How well the light's changes from sample to sample fit those that the lamp was told, for each lag: what correlates best is how far it
/// follows. Of changes, because a unit's own LED, which may be brighter, changes seldom.
#[derive(Debug, Clone, Copy, Default)]
struct Lags {
    last: Option<(f64, [f64; LAGS])>,
    samples: u32,
    light: f64,
    light_squared: f64,
    meant: [f64; LAGS],
    meant_squared: [f64; LAGS],
    both: [f64; LAGS],
}

impl Lags {
    fn take(&mut self, light: f64, meant: [f64; LAGS]) {
        let Some((last, last_meant)) = self.last.replace((light, meant)) else {
            return;
        };
        let light = light - last;
        self.samples += 1;
        self.light += light;
        self.light_squared += light * light;
        for (lag, (meant, last)) in meant.into_iter().zip(last_meant).enumerate() {
            let meant = meant - last;
            self.meant[lag] += meant;
            self.meant_squared[lag] += meant * meant;
            self.both[lag] += meant * light;
        }
    }

    /// How far the light follows its edges; nothing while that cannot be told.
    fn lag(&self) -> Option<Duration> {
        if self.samples < SAMPLES_TO_TIME {
            return None;
        }
        let count = f64::from(self.samples);
        let variance = |sum: f64, squared: f64| squared / count - (sum / count).powi(2);
        let of_light = variance(self.light, self.light_squared);
        // What fits best correlates best: the same light's variance is in every correlation, and only what goes along counts.
        let (mut best, mut most) = (0, 0.0);
        for lag in 0..LAGS {
            let of_meant = variance(self.meant[lag], self.meant_squared[lag]);
            let both = self.both[lag] / count - self.light / count * self.meant[lag] / count;
            let fit = both.max(0.0).powi(2) / of_meant;
            if fit > most {
                (best, most) = (lag, fit);
            }
        }
        let steps = u32::try_from(best).ok()?;
        ((most / of_light).sqrt() >= CORRELATED).then(|| LAG_STEP * steps)
    }
}

impl Gate {
    /// A gate before a lamp that is dark.
    pub fn new(limits: LoopBackLimits, saturated_at: u16, measures: Measures) -> Self {
        Self {
            limits,
            saturated_at: match measures {
                Measures::Strength => f64::from(saturated_at),
                // What is lit is at its end: it cannot show that more light came.
                Measures::LitOrNot => f64::from(limits.full),
            },
            measures,
            edges: [LampEdge {
                from: Tick::ZERO,
                at: Tick::ZERO,
                symbol: Symbol::Dark,
            }; EDGES],
            told: 1,
            known_until: Tick::ZERO,
            integration: Duration::ZERO,
            waiting: [NO_SAMPLE; WAITING],
            first: 0,
            count: 0,
            lamp: Sender::Idle,
            sums: Sums::default(),
            jumps: Jumps::new(Tick::ZERO),
        }
    }

    /// The lamp was told to send; `ambient` is the clear counts of the dark nest where they are known.
    pub fn begin(&mut self, meant: Meant, ambient: Option<f32>) {
        self.lamp = Sender::Busy(meant);
        self.sums = Sums::default();
        if let Some(ambient) = ambient {
            self.sums.dark = f64::from(ambient) * f64::from(DARK_TO_COMPARE);
            self.sums.darks = DARK_TO_COMPARE;
        }
    }

    /// An imp was told to send.
    pub fn begin_imp(&mut self, now: Tick) {
        self.lamp = Sender::Imp;
        self.sums = Sums::default();
        self.jumps = Jumps::new(now);
    }

    /// The lamp shows another symbol since.
    pub fn edge(&mut self, edge: LampEdge) {
        self.known_until = self.known_until.max(edge.at);
        if self.last_edge().symbol != edge.symbol {
            self.edges[self.told % EDGES] = edge;
            self.told += 1;
        }
    }

    /// The sender is done: the lamp is dark and no edge is to come.
    pub fn end(&mut self, now: Tick) {
        if self.last_edge().symbol != Symbol::Dark {
            self.edge(LampEdge {
                from: now,
                at: now,
                symbol: Symbol::Dark,
            });
        }
        self.lamp = Sender::Idle;
    }

    /// Takes a sample. `false` when one had to be given up for it.
    #[must_use]
    pub fn push(&mut self, sample: &Sample) -> bool {
        self.integration = sample.end.since(sample.start);
        let full = self.count == WAITING;
        if full {
            self.first = (self.first + 1) % WAITING;
            self.count -= 1;
        }
        self.waiting[(self.first + self.count) % WAITING] = *sample;
        self.count += 1;
        !full
    }

    /// The next sample for which it is known what the lamp showed.
    pub fn next(&mut self, now: Tick) -> Option<(Sample, During)> {
        if self.count == 0 {
            return None;
        }
        let sample = self.waiting[self.first];
        let known = self.lamp == Sender::Idle || self.known_until > sample.end || now >= sample.end + WAITS_AT_MOST;
        if !known {
            return None;
        }
        self.first = (self.first + 1) % WAITING;
        self.count -= 1;
        let during = self.during(&sample);
        if let (Sender::Busy(meant), Measures::Strength) = (self.lamp, self.measures) {
            let meant = self.meant_during(&sample, meant);
            self.sums.lags.take(f64::from(sample.counts.clear), meant);
        }
        self.sum(&sample, during);
        Some((sample, during))
    }

    fn during(&self, sample: &Sample) -> During {
        // Newest first: an edge inside the sample hides the LED; the first edge before it says what the lamp showed.
        let kept = self.told.min(EDGES);
        for back in 1..=kept {
            let edge = self.edges[(self.told - back) % EDGES];
            if edge.from >= sample.end {
                continue;
            }
            if edge.at > Tick::ZERO && edge.at + SETTLES > sample.start {
                return During::Edge;
            }
            return match (edge.symbol, self.lamp) {
                (Symbol::Dark, _) => During::Dark,
                (Symbol::Mid, Sender::Busy(meant)) => During::Lit(meant.mid),
                (Symbol::Bright, Sender::Busy(meant)) => During::Lit(meant.bright),
                (Symbol::Mid | Symbol::Bright, Sender::Idle | Sender::Imp) => During::Edge,
            };
        }
        // Older than all that is remembered.
        During::Edge
    }

    /// The mean level that the lamp was told during a sample, had the light followed by each lag.
    fn meant_during(&self, sample: &Sample, meant: Meant) -> [f64; LAGS] {
        // Microseconds before the sample's end, which later is less.
        let before = |tick: Tick| sample.end.since(tick).as_secs_f64() * 1e6;
        let whole = before(sample.start);
        let mut light = [0.0; LAGS];
        // Until when the symbol lasted, newest first; what comes after the sample is before its end by nothing.
        let mut until = 0.0;
        for back in 1..=self.told.min(EDGES) {
            let edge = self.edges[(self.told - back) % EDGES];
            let from = before(edge.at);
            let level = match edge.symbol {
                Symbol::Dark => Level::DARK,
                Symbol::Mid => meant.mid,
                Symbol::Bright => meant.bright,
            };
            let level = f64::from(level.fraction());
            for (light, lag) in light.iter_mut().zip(LAG_MICROS) {
                let lasted = from.min(lag + whole) - f64::max(until, lag);
                *light += level * lasted.max(0.0) / whole;
            }
            until = f64::max(until, from);
            if from >= LAG_MICROS[LAGS - 1] + whole {
                break;
            }
        }
        light
    }

    /// What would be left of the lamp's light during a sample if all of it faded: as a share of full light, quick and slow. Nothing
    /// while no lamp of the fixture's sends.
    pub fn afterglow(&self, sample: &Sample) -> Option<[f64; FADES.len()]> {
        let Sender::Busy(meant) = self.lamp else { return None };
        let lasts = sample.end.since(sample.start).as_secs_f64();
        Some(FADES.map(|fades| {
            let fades = fades.as_secs_f64();
            // The mean over the sample of what fades from an edge on.
            let left = |edge: Tick| {
                let since = sample.start.since(edge).as_secs_f64();
                fades / lasts.max(1e-6) * ((-since / fades).exp() - (-(since + lasts) / fades).exp())
            };
            let mut glow = 0.0;
            let mut ended: Option<f64> = None;
            for back in 1..=self.told.min(EDGES) {
                let edge = self.edges[(self.told - back) % EDGES];
                if edge.from >= sample.start {
                    continue;
                }
                let level = match edge.symbol {
                    Symbol::Dark => 0.0,
                    Symbol::Mid => f64::from(meant.mid.fraction()),
                    Symbol::Bright => f64::from(meant.bright.fraction()),
                };
                let since_edge = left(edge.at);
                if let Some(since_end) = ended {
                    glow += level * (since_end - since_edge);
                    if since_edge < 1e-4 {
                        break;
                    }
                }
                ended = Some(since_edge);
            }
            glow
        }))
    }

    /// Whether no lamp is to send.
    pub fn is_idle(&self) -> bool {
        self.lamp == Sender::Idle
    }

    fn sum(&mut self, sample: &Sample, during: During) {
        let bright = match self.lamp {
            Sender::Idle => return,
            Sender::Imp => {
                self.jumps.take(sample, f64::from(self.limits.seen * self.limits.full));
                return;
            }
            Sender::Busy(meant) => meant.bright,
        };
        let sums = &mut self.sums;
        match sums.first {
            None => sums.first = Some(sample.counts),
            Some(first) if first != sample.counts => sums.varied += 1,
            Some(_) => {}
        }
        let clear = f64::from(sample.counts.clear);
        match during {
            During::Dark => {
                sums.dark += clear;
                sums.darks += 1;
                sums.last_dark = Some((sample.end, clear));
            }
            During::Lit(level) => {
                if let Some((at, dark)) = sums.last_dark
                    && sample.start.since(at) <= PAIR_WITHIN
                {
                    // A sensor at its end cannot see more than that; with hardly any room left it says nothing.
                    let room = self.saturated_at - dark;
                    let expected = f64::from(self.limits.full) * f64::from(level.fraction());
                    if expected > 0.0 && room > 0.1 * expected {
                        let pairs = if level < bright {
                            &mut sums.of_mid
                        } else {
                            &mut sums.of_bright
                        };
                        pairs.push((clear - dark) / expected.min(room));
                    }
                }
                sums.full += u32::from(clear >= self.saturated_at);
                if level < bright {
                    sums.mid += clear;
                    sums.mids += 1;
                } else {
                    sums.bright += clear;
                    sums.brights += 1;
                }
                // A sensor at its end cannot see more than that.
                let room = self.saturated_at - sums.dark / f64::from(sums.darks.max(1));
                sums.expected += (f64::from(self.limits.full) * f64::from(level.fraction())).min(room.max(0.0));
            }
            During::Edge => {}
        }
    }

    /// What loop-back says of the lamp that is sending, as soon as it can; of the newest of its light, as long as it sends.
    ///
    /// The unit's own LED may be much brighter here than the lamp, and flashes until it sees the lamp: the middle one of all pairs of
    /// neighbours is not moved by the few between which the LED changed, where a mean would be.
    pub fn lamp_seen(&self) -> Option<LampSeen> {
        let Sender::Busy(meant) = self.lamp else { return None };
        let sums = &self.sums;
        let strongest = |least| {
            let of = [&sums.of_mid, &sums.of_bright].into_iter();
            of.filter_map(|pairs| pairs.middle(least)).reduce(f64::max)
        };
        let lag = sums.lags.lag();
        // The preamble is mid light alone: a lamp that lacks it may still be bright.
        let judged = sums.of_bright.seen >= PAIRS_TO_MISS
            && (self.measures == Measures::LitOrNot || sums.lags.samples >= SAMPLES_TO_TIME);
        if let Some(lag) = lag.filter(|lag| *lag > self.lag_limit(meant)) {
            return Some(LampSeen::Late(format!(
                "the light follows its edges by {} ms, {} ms allowed",
                lag.as_millis(),
                self.lag_limit(meant).as_millis()
            )));
        }
        let share = strongest(PAIRS_TO_MISS)?;
        if share < f64::from(self.limits.seen) {
            return judged.then(|| {
                if self.is_stuck() {
                    let lit = sums.mids + sums.brights;
                    LampSeen::BySensorStuck(format!("{lit} samples across lit and dark symbols, all the same"))
                } else {
                    LampSeen::Not(format!("loop-back saw {} of the lamp's light", percent(share)))
                }
            });
        }
        let share = strongest(PAIRS_TO_WEIGH)?;
        if self.measures == Measures::Strength && share < f64::from(self.limits.weak) {
            // Without mid light the preamble is no light at all: only what is bright tells a weak lamp.
            return (judged && sums.of_bright.seen >= PAIRS_TO_WEIGH)
                .then(|| LampSeen::Weakly(format!("loop-back saw {} of the lamp's light", percent(share))));
        }
        // How sure the measured levels are is asked only where they are off.
        if let Some(levels) = self.levels()
            && levels.off() > f64::from(meant.mid_within)
            && levels.off() > f64::from(meant.mid_within) + SURELY * self.error_of(&levels)
        {
            return judged.then(|| LampSeen::Uneven(levels.words()));
        }
        Some(LampSeen::Well)
    }

    /// How far the light may follow its edges: what the recipe allows, and what a sample cannot tell apart.
    fn lag_limit(&self, meant: Meant) -> Duration {
        meant.edges_within + LAG_STEP + self.integration / 2
    }

    /// The lamp's two levels, once each was seen often enough; nothing where the sensor cannot compare them.
    fn levels(&self) -> Option<Levels> {
        let Sender::Busy(meant) = self.lamp else { return None };
        let sums = &self.sums;
        if self.measures == Measures::LitOrNot || sums.full > 0 {
            return None;
        }
        let mid = sums.of_mid.middle(PAIRS_TO_WEIGH)?;
        let bright = sums.of_bright.middle(PAIRS_TO_WEIGH)?;
        let share = f64::from(meant.mid.fraction()) / f64::from(meant.bright.fraction());
        if bright <= 0.0 {
            return None;
        }
        Some(Levels {
            mid,
            bright,
            share: share * mid / bright,
            meant: share,
        })
    }

    /// One standard deviation of measured levels.
    fn error_of(&self, levels: &Levels) -> f64 {
        let Levels { mid, bright, meant, .. } = *levels;
        let of_mid = self.sums.of_mid.error(mid);
        let of_bright = self.sums.of_bright.error(bright);
        meant * (of_mid.powi(2) + (mid / bright * of_bright).powi(2)).sqrt() / bright
    }

    /// What was measured of the lamp's levels and edges, for the record; nothing where it did not send.
    pub fn words(&self) -> Option<String> {
        let Sender::Busy(meant) = self.lamp else { return None };
        if self.measures == Measures::LitOrNot || self.sums.lags.samples == 0 {
            return None;
        }
        let levels = match self.levels() {
            Some(levels) => levels.words(),
            None if self.sums.full > 0 => "levels not measured: the sensor was full under the lamp".to_owned(),
            None => "levels not measured: too few samples of each".to_owned(),
        };
        Some(match self.sums.lags.lag() {
            Some(lag) => format!(
                "{levels}; the light follows its edges by {} ms, {} ms allowed",
                lag.as_millis(),
                self.lag_limit(meant).as_millis()
            ),
            None => format!("{levels}; edges not measured: too little light, or too few samples"),
        })
    }

    /// What loop-back says of an imp that says that it sent from `began` to `ended`; `None` when it saw too little.
    pub fn imp_seen(&self, began: Tick, ended: Tick) -> Option<LampSeen> {
        if self.lamp != Sender::Imp {
            return None;
        }
        let jumps = self.jumps.a_second(began, ended)?;
        Some(if jumps >= JUMPS_OF_AN_IMP {
            LampSeen::Well
        } else {
            LampSeen::Not(format!(
                "the imp says that it sent, but loop-back saw its light change {jumps} times a second"
            ))
        })
    }

    /// What loop-back says of a test flash that is over.
    pub fn flash_seen(&self) -> Option<LampSeen> {
        let sums = &self.sums;
        if sums.brights < LIT_OF_FLASH || sums.darks == 0 {
            return None;
        }
        let share = sums.share();
        Some(if share >= f64::from(self.limits.seen) {
            LampSeen::Well
        } else if self.is_stuck() {
            LampSeen::BySensorStuck(format!("{} samples under the test flash, all the same", sums.brights))
        } else {
            LampSeen::Not(format!("loop-back saw {} of the test flash", percent(share)))
        })
    }

    /// Whether all samples were the same, which no light is that is measured.
    fn is_stuck(&self) -> bool {
        self.measures == Measures::Strength && self.sums.varied == 0
    }

    /// The attempt's loop-back for the record; `None` where it saw too little to say, or measures no strength.
    pub fn loop_back(&self) -> Option<LoopBack> {
        let sums = &self.sums;
        if self.measures == Measures::LitOrNot || sums.brights == 0 || sums.mids == 0 || sums.darks == 0 {
            return None;
        }
        let dark = sums.dark / f64::from(sums.darks);
        let bright = sums.bright / f64::from(sums.brights) - dark;
        let mid = sums.mid / f64::from(sums.mids) - dark;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "counts and shares need no more than single precision"
        )]
        Some(LoopBack {
            bright: bright as f32,
            mid_share: if bright > 0.0 {
                (mid / bright).clamp(0.0, 1.0) as f32
            } else {
                0.0
            },
            samples: sums.mids + sums.brights,
        })
    }

    fn last_edge(&self) -> LampEdge {
        self.edges[(self.told - 1) % EDGES]
    }
}

/// A share in words: samples of no light differ from the dark by their noise, which is no light below zero.
fn percent(share: f64) -> String {
    let percent = (share * 100.0).round();
    format!("{} %", if percent > 0.0 { percent } else { 0.0 })
}

/// How often the light jumped in each second since an imp was told to send.
#[derive(Debug)]
struct Jumps {
    since: Tick,
    last: Option<u16>,
    samples: [u16; SECONDS],
    counted: [u16; SECONDS],
}

impl Jumps {
    fn new(since: Tick) -> Self {
        Self {
            since,
            last: None,
            samples: [0; SECONDS],
            counted: [0; SECONDS],
        }
    }

    fn second(&self, at: Tick) -> usize {
        usize::try_from(at.since(self.since).as_secs()).unwrap_or(SECONDS)
    }

    fn take(&mut self, sample: &Sample, least: f64) {
        let clear = sample.counts.clear;
        let jumped = self
            .last
            .replace(clear)
            .is_some_and(|last| f64::from(last.abs_diff(clear)) > least);
        let second = self.second(sample.end);
        if let (Some(samples), Some(jumps)) = (self.samples.get_mut(second), self.counted.get_mut(second)) {
            *samples += 1;
            *jumps += u16::from(jumped);
        }
    }

    /// The middle one of all whole seconds between two moments.
    fn a_second(&self, from: Tick, to: Tick) -> Option<u16> {
        let (first, end) = (self.second(from) + 1, self.second(to).min(SECONDS));
        let seen = self.samples.iter().zip(&self.counted).take(end).skip(first);
        let mut jumps: Vec<u16> = seen
            .filter(|(samples, _)| **samples >= SAMPLES_OF_A_SECOND)
            .map(|(_, jumps)| *jumps)
            .collect();
        jumps.sort_unstable();
        jumps.get(jumps.len() / 2).copied()
    }
}

/// Mid light beside bright light.
struct Levels {
    /// Both, each as a share of what it should have been.
    mid: f64,
    bright: f64,
    /// As a share of it.
    share: f64,
    /// As it was meant.
    meant: f64,
}

impl Levels {
    /// How far mid light is from what was meant.
    fn off(&self) -> f64 {
        (self.share - self.meant).abs()
    }

    fn words(&self) -> String {
        format!(
            "mid light is {:.0} % of bright, {:.0} % expected",
            self.share * 100.0,
            self.meant * 100.0
        )
    }
}

impl Sums {
    /// Lit samples above dark, as a share of what they should have been.
    fn share(&self) -> f64 {
        let lit = f64::from(self.mids) + f64::from(self.brights);
        let dark = self.dark / f64::from(self.darks.max(1));
        let above = self.mid + self.bright - lit * dark;
        if self.expected > 0.0 {
            above / self.expected
        } else {
            1.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_the_newest_figures_is_that_of_all_of_them_sorted() {
        let mut newest = Newest::default();
        let mut all = Vec::new();
        let mut chance = 1_u32;
        for place in 0..1_000 {
            // Every so often the same figure again, and zeros of both signs.
            chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let figure = match place % 7 {
                0 => 0.0,
                3 => -0.0,
                5 => all.last().copied().unwrap_or(0.5),
                _ => f64::from(chance >> 16) / 1e4 - 3.0,
            };
            newest.push(figure);
            all.push(figure);
            let mut known = all[all.len().saturating_sub(PAIRS)..].to_vec();
            let middle = |figures: &mut Vec<f64>| {
                figures.sort_unstable_by(f64::total_cmp);
                figures[figures.len() / 2]
            };
            let of_all = middle(&mut known);
            assert_eq!(newest.middle(place + 2), None);
            assert_eq!(newest.middle(place + 1).map(f64::to_bits), Some(of_all.to_bits()));
            let count = f64::from(u32::try_from(known.len()).unwrap());
            let mut off = known.into_iter().map(|figure| (figure - of_all).abs()).collect();
            let error = OF_MIDDLE * DEVIATION * middle(&mut off) / count.sqrt();
            assert_eq!(newest.error(of_all).to_bits(), error.to_bits(), "after {place}");
        }
    }

    /// Light that follows its orders by so much is what was ordered so much earlier: held to a sum over a twentieth of a millisecond each.
    #[test]
    fn what_the_lamp_was_told_is_the_mean_over_the_sample_had_its_light_followed() {
        let limits = LoopBackLimits {
            full: 2_000.0,
            seen: 0.1,
            weak: 0.4,
        };
        let mut gate = Gate::new(limits, 16_383, Measures::Strength);
        let meant = Meant {
            bright: Level::new(0.8),
            mid: Level::new(0.4),
            mid_within: 0.1,
            edges_within: Duration::from_millis(7),
        };
        gate.begin(meant, None);
        let symbols = [Symbol::Mid, Symbol::Bright, Symbol::Dark, Symbol::Bright, Symbol::Mid];
        for (symbol, at) in symbols.into_iter().zip([40_000, 56_667, 61_250, 65_333, 90_000]) {
            let at = Tick::from_micros(at);
            gate.edge(LampEdge { from: at, at, symbol });
        }
        for (start, end) in [
            (10_000, 19_900),
            (52_000, 61_950),
            (60_000, 69_900),
            (80_000, 89_900),
            (86_000, 96_000),
        ] {
            let sample = Sample {
                start: Tick::from_micros(start),
                end: Tick::from_micros(end),
                ..NO_SAMPLE
            };
            let told = gate.meant_during(&sample, meant);
            for (lag, told) in (0_u64..).zip(told) {
                let at = |micros: u64| match micros.saturating_sub(1_000 * lag) {
                    ..40_000 | 61_250..65_333 => 0.0,
                    40_000..56_667 | 90_000.. => 0.4,
                    _ => 0.8,
                };
                let (mut sum, mut count) = (0.0, 0.0);
                for micros in (start + 25..end).step_by(50) {
                    sum += at(micros);
                    count += 1.0;
                }
                assert!(
                    (told - sum / count).abs() < 0.004,
                    "{start}, {lag} ms: {told}, {}",
                    sum / count
                );
            }
        }
    }

    #[test]
    fn no_light_is_never_less_than_none() {
        assert_eq!(percent(-0.0), "0 %");
        assert_eq!(percent(-0.004), "0 %");
        assert_eq!(percent(-0.3), "0 %");
        assert_eq!(percent(0.126), "13 %");
    }
}
