//! Which samples saw the unit's LED undisturbed, and what loop-back saw of the lamp.
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
/// Lit samples, each beside a dark one, from which a missing lamp is told.
const PAIRS_TO_MISS: usize = 12;
/// Lit samples, each beside a dark one, from which the lamp's strength is told.
const PAIRS_TO_WEIGH: usize = 24;
/// How far apart the two may be: an LED that still flashes seldom changes in so short a time.
const PAIR_WITHIN: Duration = Duration::from_millis(100);
/// Dark samples for which the ambient light of the empty nest counts.
const DARK_TO_COMPARE: u32 = 6;
/// Lit samples of a test flash from which it is told.
const LIT_OF_FLASH: u32 = 3;

const NO_SAMPLE: Sample = Sample {
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
    waiting: [Sample; WAITING],
    first: usize,
    count: usize,
    lamp: Sender,
    sums: Sums,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Sender {
    Idle,
    Busy { bright: Level, mid: Level },
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
    /// Lit samples above the dark one before them, as shares of what they should have been.
    pairs: [f64; PAIRS_TO_WEIGH],
    paired: usize,
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
            waiting: [NO_SAMPLE; WAITING],
            first: 0,
            count: 0,
            lamp: Sender::Idle,
            sums: Sums::default(),
        }
    }

    /// The lamp was told to send; `ambient` is the clear counts of the dark nest where they are known.
    pub fn begin(&mut self, bright: Level, mid: Level, ambient: Option<f32>) {
        self.lamp = Sender::Busy { bright, mid };
        self.sums = Sums::default();
        if let Some(ambient) = ambient {
            self.sums.dark = f64::from(ambient) * f64::from(DARK_TO_COMPARE);
            self.sums.darks = DARK_TO_COMPARE;
        }
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
                (Symbol::Mid, Sender::Busy { mid, .. }) => During::Lit(mid),
                (Symbol::Bright, Sender::Busy { bright, .. }) => During::Lit(bright),
                (Symbol::Mid | Symbol::Bright, Sender::Idle) => During::Edge,
            };
        }
        // Older than all that is remembered.
        During::Edge
    }

    fn sum(&mut self, sample: &Sample, during: During) {
        let Sender::Busy { bright, .. } = self.lamp else {
            return;
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
                    if let Some(place) = sums.pairs.get_mut(sums.paired)
                        && expected > 0.0
                        && room > 0.1 * expected
                    {
                        *place = (clear - dark) / expected.min(room);
                        sums.paired += 1;
                    }
                }
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

    /// What loop-back says of the lamp that is sending, as soon as it can.
    ///
    /// The unit's own LED may be much brighter here than the lamp, and flashes until it sees the lamp: the middle one of all pairs of
    /// neighbours is not moved by the few between which the LED changed, where a mean would be.
    pub fn lamp_seen(&self) -> Option<LampSeen> {
        let sums = &self.sums;
        if self.lamp == Sender::Idle || sums.paired < PAIRS_TO_MISS {
            return None;
        }
        let share = sums.middle();
        if share < f64::from(self.limits.seen) {
            return Some(if self.is_stuck() {
                let lit = sums.mids + sums.brights;
                LampSeen::BySensorStuck(format!("{lit} samples across lit and dark symbols, all the same"))
            } else {
                LampSeen::Not(format!("loop-back saw {} of the lamp's light", percent(share)))
            });
        }
        if sums.paired < PAIRS_TO_WEIGH {
            return None;
        }
        Some(
            if self.measures == Measures::Strength && share < f64::from(self.limits.weak) {
                LampSeen::Weakly(format!("loop-back saw {} of the lamp's light", percent(share)))
            } else {
                LampSeen::Well
            },
        )
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

impl Sums {
    /// The middle one of the pairs so far.
    fn middle(&self) -> f64 {
        let mut pairs = self.pairs;
        let Some(known) = pairs.get_mut(..self.paired) else {
            return 0.0;
        };
        known.sort_unstable_by(f64::total_cmp);
        known.get(known.len() / 2).copied().unwrap_or_default()
    }

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
    fn no_light_is_never_less_than_none() {
        assert_eq!(percent(-0.0), "0 %");
        assert_eq!(percent(-0.004), "0 %");
        assert_eq!(percent(-0.3), "0 %");
        assert_eq!(percent(0.126), "13 %");
    }
}
