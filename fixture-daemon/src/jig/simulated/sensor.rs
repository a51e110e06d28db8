//! What a lane's colour sensor counts: the unit's LED, the lamp, the neighbours, the room, and noise.

use core::f64::consts::TAU;
use core::time::Duration;

use blinkup::Tick;
use blinkup::codes::Colour;
use blinkup::sample::{Counts, Sample};

use super::chance::Chance;
use super::led::dice;
use super::light::{Lamp, Steps};

/// Counts at which the sensor's registers are full.
pub const SATURATED: u16 = 16_383;

/// How long a sample integrates: two steps of 2.4 ms (TCS3472), so that samples fit into a dark symbol at 60 a second.
pub const INTEGRATION: Duration = Duration::from_micros(4_800);

/// Light per channel: red, green, blue, clear.
pub type Channels = [f64; 4];

/// A bicolour LED part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedPart {
    /// Red 631 nm with yellow-green 571 nm, whose green die reaches the red channel at almost half of its green one.
    YellowGreen,
    /// Red 625 nm with true green 525 nm.
    TrueGreen,
}

/// Response shape of a red and a green die.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shapes {
    /// The red die's.
    pub red: Channels,
    /// The green die's.
    pub green: Channels,
}

impl LedPart {
    /// The part's typical response: the means of the figures in recorded traces, relative to the strongest colour channel.
    pub const fn shapes(self) -> Shapes {
        match self {
            Self::YellowGreen => Shapes {
                red: [0.99, 0.078, 0.050, 1.11],
                green: [0.46, 0.865, 0.079, 1.32],
            },
            Self::TrueGreen => Shapes {
                red: [0.98, 0.100, 0.060, 1.15],
                green: [0.159, 0.98, 0.33, 1.40],
            },
        }
    }
}

impl Shapes {
    /// These shapes, every figure off by a share with this deviation: how parts differ, and how well commissioning measures.
    #[must_use]
    pub fn varied(self, deviation: f64, chance: &mut Chance) -> Self {
        let mut vary = |shape: Channels| shape.map(|channel| channel * (1.0 + deviation * chance.normal()));
        Self {
            red: vary(self.red),
            green: vary(self.green),
        }
    }
}

/// The light of a room in one nest: an offset that drifts and flickers.
#[derive(Debug, Clone)]
pub struct Ambient {
    mean: Channels,
    /// Share by which it swings, over how many seconds, and where in the swing it is at tick 0.
    drift: (f64, f64, f64),
    /// Share by which it flickers in the mean over a sample, at how many radians a second, and its phase.
    flicker: (f64, f64, f64),
}

impl Ambient {
    /// The light of a room with mains of 50 or 60 Hz.
    pub fn new(mains: f64, chance: &mut Chance) -> Self {
        let level = chance.scaled(40.0..400.0);
        let pulse = TAU * 2.0 * mains;
        // A sample sees the mean of a sine over its time: the sine in its middle, so much flatter.
        let half = 0.5 * pulse * INTEGRATION.as_secs_f64();
        let flatter = half.sin() / half;
        Self {
            mean: [0.31, 0.26, 0.20, 1.0].map(|part| part * level * chance.within(0.93..1.07)),
            drift: (
                chance.within(0.02..0.08),
                chance.within(400.0..2_000.0),
                chance.within(0.0..TAU),
            ),
            flicker: (flatter * chance.within(0.02..0.25), pulse, chance.within(0.0..TAU)),
        }
    }

    /// The mean light in a sample that ends at `end`.
    fn until(&self, end: Tick) -> Channels {
        let end = seconds(end);
        let middle = end - 0.5 * INTEGRATION.as_secs_f64();
        let drift = 1.0 + self.drift.0 * (TAU * end / self.drift.1 + self.drift.2).sin();
        let flicker = 1.0 + self.flicker.0 * (self.flicker.1 * middle + self.flicker.2).cos();
        self.mean.map(|channel| channel * drift * flicker)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a double holds microseconds exactly for 285 years"
)]
fn seconds(at: Tick) -> f64 {
    at.as_micros() as f64 * 1e-6
}

/// Light sources that a sensor sees.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// The unit's LED.
    pub led: &'a Steps<Colour>,
    /// Counts that one fully lit die gives in its strongest colour channel, and its shapes.
    pub strength: f64,
    /// The shapes of that unit's part.
    pub shapes: Shapes,
    /// The lamp.
    pub lamp: &'a Lamp,
    /// Counts in the clear channel of the lamp at full level.
    pub lamp_strength: f64,
    /// Share of its light that fades slowly.
    pub slow_share: f64,
}

/// The part of a white LED's light that does not end with the current: some of its phosphor goes on for milliseconds. What the drive and
/// the sensor's input stage add is over within the millisecond that they are built for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Afterglow {
    /// Share of the light.
    pub share: f64,
    /// How long it takes to come to 1/e.
    pub fades: Duration,
}

impl Afterglow {
    /// That of one lane's lamp: from hardly any to a hundredth, over 2 to 8 ms. A garnet phosphor alone is dark within a microsecond; the
    /// slow red ones that some warm-white parts mix in take up to 8 ms.
    pub fn new(chance: &mut Chance) -> Self {
        Self {
            share: chance.scaled(0.001..0.01),
            fades: Duration::from_secs_f64(chance.scaled(0.002..0.008)),
        }
    }
}

impl Sources<'_> {
    /// The mean light of these sources over a stretch of time.
    pub fn over(&self, start: Tick, end: Tick) -> Channels {
        let [red, green] = self.led.mean(start, end, dice);
        let [lamp] = self.lamp.level().mean(start, end, |level| [level]);
        let slow = self.lamp.mean_of_slow(start, end);
        let lamp = (lamp + self.slow_share * (slow - lamp)) * self.lamp_strength;
        let mut sum = [0.0; 4];
        for (place, channel) in sum.iter_mut().enumerate() {
            *channel =
                self.strength * (red * self.shapes.red[place] + green * self.shapes.green[place]) + lamp * LAMP[place];
        }
        sum
    }
}

/// The lamp is a white LED: its response shape with the clear channel as one.
const LAMP: Channels = [0.30, 0.36, 0.31, 1.0];

/// What is wrong with a sensor, or with the light around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Upset {
    /// Nothing.
    None,
    /// Its registers no longer change.
    Stuck,
    /// Full registers, whatever the light is.
    Saturated,
    /// The bus does not answer.
    Silent,
    /// A lid is open: the room is this many clear counts brighter.
    Bright(f64),
}

/// One lane's sensor.
#[derive(Debug, Clone)]
pub struct Sensor {
    chance: Chance,
    ambient: Ambient,
    /// Deviation of a reading without light, in counts.
    read_noise: f64,
    /// Variance per count of light.
    shot: f64,
    /// Share of the neighbours' light that gets in.
    crosstalk: f64,
    /// Share of samples that are lost on the bus.
    lost: f64,
    stuck: Option<Counts>,
}

impl Sensor {
    /// A lane's sensor, by the lane's own chance.
    pub fn new(mains: f64, mut chance: Chance) -> Self {
        Self {
            ambient: Ambient::new(mains, &mut chance),
            read_noise: chance.within(0.8..2.0),
            shot: chance.within(0.15..0.4),
            crosstalk: chance.within(0.0005..0.003),
            lost: 0.005,
            stuck: None,
            chance,
        }
    }

    /// One sample that ends at `end`: `None` when it was lost, `Err` when the bus does not answer.
    pub fn sample(
        &mut self,
        end: Tick,
        own: &Sources<'_>,
        neighbours: impl Iterator<Item = Channels>,
        upset: Upset,
    ) -> Result<Option<Sample>, Silent> {
        let start = end - INTEGRATION;
        let mut light = own.over(start, end);
        for neighbour in neighbours {
            for (sum, part) in light.iter_mut().zip(neighbour) {
                *sum += self.crosstalk * part;
            }
        }
        for (sum, part) in light.iter_mut().zip(self.ambient.until(end)) {
            *sum += part;
        }
        if let Upset::Bright(clear) = upset {
            for (sum, part) in light.iter_mut().zip([0.31, 0.26, 0.20, 1.0]) {
                *sum += part * clear;
            }
        }
        let [red, green, blue, clear] = light.map(|mean| {
            let deviation = (self.read_noise.powi(2) + self.shot * mean).sqrt();
            counts(mean + deviation * self.chance.normal())
        });
        let lost = self.chance.happens(self.lost);
        let counts = Counts {
            red,
            green,
            blue,
            clear,
        };
        let counts = match upset {
            Upset::None | Upset::Bright(_) => {
                self.stuck = None;
                counts
            }
            Upset::Stuck => *self.stuck.get_or_insert(counts),
            Upset::Saturated => Counts {
                red: SATURATED,
                green: SATURATED,
                blue: SATURATED,
                clear: SATURATED,
            },
            Upset::Silent => return Err(Silent),
        };
        Ok((!lost).then_some(Sample { start, end, counts }))
    }

    /// When the next sample ends, after one that ended at `end`: about every 10 ms, not exactly.
    pub fn next(&mut self, end: Tick) -> Tick {
        end + self
            .chance
            .time(Duration::from_micros(9_700)..Duration::from_micros(10_300))
    }
}

/// The bus did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Silent;

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the registers' range"
)]
fn counts(light: f64) -> u16 {
    light.round().clamp(0.0, f64::from(SATURATED)) as u16
}

#[cfg(test)]
mod tests {
    use super::super::chance::Stream;
    use super::*;

    fn ms(millis: u64) -> Tick {
        Tick::from_micros(millis * 1000)
    }

    fn sensor(seed: u64) -> Sensor {
        Sensor::new(50.0, Chance::new(seed, Stream::Lane(1)))
    }

    fn lamp(level: f64) -> Lamp {
        let mut lamp = Lamp::new(Duration::from_millis(4));
        lamp.set(Tick::ZERO, level);
        lamp
    }

    fn sources<'a>(led: &'a Steps<Colour>, lamp: &'a Lamp) -> Sources<'a> {
        Sources {
            led,
            strength: 2_000.0,
            shapes: LedPart::YellowGreen.shapes(),
            lamp,
            lamp_strength: 5_000.0,
            slow_share: 0.01,
        }
    }

    fn mean(counts: &[f64]) -> f64 {
        counts.iter().sum::<f64>() / f64::from(u32::try_from(counts.len()).unwrap())
    }

    fn clear(sensor: &mut Sensor, own: &Sources<'_>, neighbour: Option<Channels>, upset: Upset) -> Vec<f64> {
        let mut end = ms(1000);
        let mut seen = Vec::new();
        for _ in 0..2_000 {
            if let Ok(Some(sample)) = sensor.sample(end, own, neighbour.into_iter(), upset) {
                assert_eq!(sample.end.since(sample.start), INTEGRATION);
                seen.push(f64::from(sample.counts.clear));
            }
            end = sensor.next(end);
        }
        seen
    }

    #[test]
    fn noise_grows_as_the_root_of_the_light_and_some_samples_are_lost() {
        let (led, lamp) = (Steps::new(Colour::Off), lamp(0.0));
        let lit = Steps::new(Colour::Red);
        let spread = |counts: &[f64]| {
            let mid = mean(counts);
            mean(&counts.iter().map(|c| (c - mid).powi(2)).collect::<Vec<_>>()).sqrt()
        };
        let mut steady = sensor(5);
        steady.ambient.drift.0 = 0.0;
        steady.ambient.flicker.0 = 0.0;
        let dark = clear(&mut steady, &sources(&led, &lamp), None, Upset::None);
        let bright = clear(&mut steady, &sources(&lit, &lamp), None, Upset::None);
        assert!((1960..2000).contains(&dark.len()), "{} of 2000", dark.len());
        assert!((mean(&bright) - mean(&dark) - 2_000.0 * 1.11).abs() < 5.0);
        let expected = (steady.read_noise.powi(2) + steady.shot * mean(&bright)).sqrt();
        assert!((spread(&bright) / expected - 1.0).abs() < 0.08);
        assert!(spread(&dark) < spread(&bright));
    }

    #[test]
    fn a_neighbours_lamp_leaks_in_by_the_crosstalk_only() {
        let (led, lamp, on) = (Steps::new(Colour::Off), lamp(0.0), lamp(1.0));
        let neighbour = sources(&led, &on).over(ms(1000), ms(1005));
        let mut sensor = sensor(6);
        sensor.ambient.drift.0 = 0.0;
        sensor.ambient.flicker.0 = 0.0;
        let alone = mean(&clear(&mut sensor, &sources(&led, &lamp), None, Upset::None));
        let beside = mean(&clear(&mut sensor, &sources(&led, &lamp), Some(neighbour), Upset::None));
        let leak = (beside - alone) / 5_000.0;
        assert!((leak - sensor.crosstalk).abs() < 0.0003, "leak {leak}");
    }

    #[test]
    fn integration_averages_a_lamp_that_changes_within_it() {
        let led = Steps::new(Colour::Off);
        let mut lamp = lamp(0.0);
        lamp.set(ms(100), 1.0);
        let own = sources(&led, &lamp);
        let half = own.over(Tick::from_micros(100_000 - 2_400), Tick::from_micros(100_000 + 2_400));
        assert!((half[3] - 2_500.0).abs() < 50.0 * 0.5, "{half:?}");
    }

    #[test]
    fn an_upset_sensor_shows_it() {
        let (led, lamp) = (Steps::new(Colour::Off), lamp(0.0));
        let own = sources(&led, &lamp);
        let full = clear(&mut sensor(7), &own, None, Upset::Saturated);
        assert!(full.iter().all(|c| (c - f64::from(SATURATED)).abs() < 0.5));
        let stuck = clear(&mut sensor(7), &own, None, Upset::Stuck);
        assert!(stuck.iter().all(|c| (c - stuck[0]).abs() < 0.5));
        assert_eq!(
            sensor(7).sample(ms(50), &own, core::iter::empty(), Upset::Silent),
            Err(Silent)
        );
        let bright = mean(&clear(&mut sensor(7), &own, None, Upset::Bright(6_000.0)));
        assert!(bright > 6_000.0);
    }
}
