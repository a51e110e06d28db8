//! LEDs that flash where nobody is thought to be: a unit lies in a nest whose switch does not close.
//!
//! A powered unit that can be configured flashes amber once a second. What is looked for is no pattern of the vendor's table, which is the
//! reader's to name, but light that a room does not make: it comes and goes evenly, about once a second, and has hardly any blue in it.

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use blinkup::Tick;
use blinkup::sample::Sample;
use fixture_link::identity::LaneId;

/// How much of the light is looked at: two whole flashes and more.
const LOOKS_BACK: Duration = Duration::from_secs(3);
/// How often.
const EVERY: Duration = Duration::from_millis(500);
/// How long light stays or is away in a flash.
const STAYS: core::ops::RangeInclusive<Duration> = Duration::from_millis(250)..=Duration::from_millis(1_250);
/// Whole stretches, lit and dark, that make an even flash.
const STRETCHES: usize = 4;
/// Counts between dark and lit; a neighbour's LED that gets past a baffle is a tenth of it.
const LEAST: u16 = 300;

/// In which nests an LED flashes; who has a clone sees the same.
#[derive(Debug, Clone, Default)]
pub struct Flashing(Arc<AtomicU8>);

impl Flashing {
    /// Whether one flashes in a lane's nest.
    pub fn in_lane(&self, lane: LaneId) -> bool {
        self.0.load(Ordering::Relaxed) & bit(lane) != 0
    }

    /// It does, or does not.
    pub fn tell(&self, lane: LaneId, flashes: bool) {
        if flashes {
            self.0.fetch_or(bit(lane), Ordering::Relaxed);
        } else {
            self.0.fetch_and(!bit(lane), Ordering::Relaxed);
        }
    }
}

fn bit(lane: LaneId) -> u8 {
    1 << (lane.index() % 8)
}

/// The light of all lanes, looked through for flashes.
#[derive(Debug, Default)]
pub struct Strays {
    lanes: [Light; LaneId::MOST as usize],
    flashing: Flashing,
}

#[derive(Debug, Default)]
struct Light {
    /// When, the strongest of red and green, blue.
    samples: VecDeque<(Tick, u16, u16)>,
    looked: Tick,
}

impl Strays {
    /// What is found goes to `flashing`.
    pub fn new(flashing: Flashing) -> Self {
        Self {
            lanes: Default::default(),
            flashing,
        }
    }

    /// A lane's sample.
    pub fn see(&mut self, lane: LaneId, sample: &Sample) {
        let Some(light) = self.lanes.get_mut(lane.index()) else {
            return;
        };
        let counts = sample.counts;
        light
            .samples
            .push_back((sample.end, counts.red.max(counts.green), counts.blue));
        while light
            .samples
            .front()
            .is_some_and(|(at, ..)| *at + LOOKS_BACK < sample.end)
        {
            light.samples.pop_front();
        }
        if sample.end.since(light.looked) >= EVERY {
            light.looked = sample.end;
            self.flashing.tell(lane, light.flashes());
        }
    }
}

impl Light {
    fn flashes(&self) -> bool {
        let tenths = |of: &dyn Fn(&(Tick, u16, u16)) -> u16| {
            let mut all: Vec<u16> = self.samples.iter().map(of).collect();
            all.sort_unstable();
            let at = |tenth: usize| all.get(all.len() * tenth / 10).copied().unwrap_or_default();
            (at(1), at(9))
        };
        let (dark, lit) = tenths(&|(_, strongest, _)| *strongest);
        let (no_blue, blue) = tenths(&|(.., blue)| *blue);
        let swing = lit.saturating_sub(dark);
        // A white lamp, daylight and a hand before them have more than half as much blue as red or green.
        if swing < LEAST || blue.saturating_sub(no_blue) > swing / 2 {
            return false;
        }
        let middle = dark + swing / 2;
        let mut turns = Vec::new();
        let mut was = None;
        for (at, strongest, _) in &self.samples {
            let is = *strongest > middle;
            if was != Some(is) {
                turns.push(*at);
                was = Some(is);
            }
        }
        // The first turn is only where the look begins.
        let stretches: Vec<Duration> = turns
            .iter()
            .skip(1)
            .zip(turns.iter().skip(2))
            .map(|(from, to)| to.since(*from))
            .collect();
        stretches.len() >= STRETCHES && stretches.iter().all(|lasts| STAYS.contains(lasts))
    }
}

#[cfg(test)]
mod tests {
    use blinkup::sample::Counts;

    use super::*;

    /// Whether light that is so at each millisecond flashes, in the end.
    fn flashes(light: impl Fn(u64) -> [u16; 3]) -> bool {
        let lane = LaneId::new(3).unwrap();
        let flashing = Flashing::default();
        let mut strays = Strays::new(flashing.clone());
        for millis in (0..8_000).step_by(10) {
            let [red, green, blue] = light(millis);
            let end = Tick::ZERO + Duration::from_millis(millis);
            let counts = Counts {
                red,
                green,
                blue,
                clear: red.max(green),
            };
            strays.see(
                lane,
                &Sample {
                    start: end,
                    end,
                    counts,
                },
            );
        }
        assert!(!flashing.in_lane(LaneId::new(4).unwrap()));
        flashing.in_lane(lane)
    }

    /// Lit for `lit` of every `of` milliseconds.
    fn blinks(millis: u64, lit: u64, of: u64) -> u16 {
        u16::from(millis % of < lit)
    }

    #[test]
    fn a_unit_that_waits_for_its_settings_flashes() {
        assert!(flashes(|millis| {
            let lit = blinks(millis, 500, 1_000);
            [40 + 600 * lit, 30 + 500 * lit, 20 + 60 * lit]
        }));
        // Behind comparators: lit or not, and no blue.
        assert!(flashes(|millis| [1_000 * blinks(millis, 500, 1_000), 0, 0]));
    }

    #[test]
    fn rooms_hands_lamps_and_neighbours_do_not() {
        // An empty nest, daylight that is shaded once a second, a lamp that sends, a test flash, a neighbour past the baffle, a steady
        // light, a single shadow.
        assert!(!flashes(|millis| [40 + u16::try_from(millis % 7).unwrap(), 30, 20]));
        assert!(!flashes(
            |millis| [900, 800, 700].map(|full| full * blinks(millis, 500, 1_000))
        ));
        assert!(!flashes(|millis| [900 * blinks(millis, 20, 40), 900, 0]));
        assert!(!flashes(
            |millis| [300, 360, 310].map(|full| 3 * full * blinks(millis, 150, 6_000))
        ));
        assert!(!flashes(|millis| [30 * blinks(millis, 500, 1_000), 10, 3]));
        assert!(!flashes(|_| [900, 100, 40]));
        assert!(!flashes(|millis| [if millis > 7_000 { 900 } else { 0 }, 0, 0]));
    }
}
