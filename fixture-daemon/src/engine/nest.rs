//! The check of the empty nest: ambient light, and the test flash by which the sensor proves itself.

use core::time::Duration;

use blinkup::Tick;
use blinkup::sample::Sample;
use fixture_ledger::record::{Limits, Measurement, Quantity, Scale, Side};
use fixture_link::verdict::VerdictCode;

use super::station::LampSeen;

/// What the empty nest told before a unit was seated.
#[derive(Debug, Clone, PartialEq)]
pub struct NestReport {
    /// Why no unit can be judged in this nest.
    pub fault: Option<(VerdictCode, String)>,
    /// What became of the test flash.
    pub flash: Flash,
    /// All of it in words, for the evidence.
    pub words: String,
    /// Ambient light and its noise in figures; none where they were not measured before this very unit.
    pub light: Vec<Measurement>,
}

/// What became of the test flash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flash {
    /// The sensor saw it.
    Seen,
    /// The sensor did not.
    NotSeen,
    /// There was none: the nest has not been empty for long enough since the start.
    NotDone,
}

/// How long after a lift, and after the start, the nest is left alone: hands, and the light they let in.
const SETTLES: Duration = Duration::from_millis(500);
/// How long a block of ambient light is: five periods of light that flickers at 100 Hz fit, and of 120 Hz six.
const BLOCK: Duration = Duration::from_millis(500);
/// How long the lamp is bright in a test flash.
const FLASH: Duration = Duration::from_millis(150);
/// How long the sender may take to report a test flash.
const FLASH_WITHIN: Duration = Duration::from_secs(3);
/// How long after a failed check it is made again.
const AGAIN: Duration = Duration::from_secs(5);

/// What the evidence says of a test flash that was seen.
pub const TEST_FLASH_SEEN: &str = "test flash seen";

/// What is to be done in the nest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Flash the lamp.
    Flash(Duration),
    /// Look at what loop-back saw: the flash is over, or the sender does not answer.
    Judge,
}

/// One lane's nest, as long as it is empty.
#[derive(Debug)]
pub struct Nest {
    state: State,
    block: Block,
    /// Blocks of the empty nest, the newest last; a hand that seats a unit can only be in the last one.
    blocks: [Option<Light>; 2],
    /// The light before the last unit, until this nest's own is measured.
    last: Option<Light>,
    flash: Flash,
    fault: Option<(VerdictCode, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing was seen of it yet.
    Unknown,
    /// Just emptied.
    Settling { until: Tick },
    /// Measures ambient light.
    Measuring { until: Tick },
    /// The lamp flashes.
    Flashing { until: Tick },
    /// The check is over.
    Checked,
    /// A unit is in it.
    Occupied,
}

#[derive(Debug, Clone, Copy, Default)]
struct Block {
    from: Option<Tick>,
    sums: [f64; 4],
    /// Of the clear channel.
    squares: f64,
    samples: u32,
    full: u32,
}

/// Mean light of a block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Light {
    /// Mean counts, red, green, blue, clear.
    pub counts: [f32; 4],
    /// The standard deviation of the samples' clear counts about their mean (with n − 1): the sensor's own noise and the flicker of the room's light
    /// together, of which the block holds whole periods.
    pub noise: f32,
    /// How many samples that rests on.
    pub samples: u32,
    /// The sensor was at its end most of the time.
    pub saturated: Saturated,
}

/// Whether a sensor was at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saturated {
    /// It was not.
    No,
    /// It was.
    Yes,
}

impl Default for Nest {
    /// A nest of which nothing is known.
    fn default() -> Self {
        Self {
            state: State::Unknown,
            block: Block::default(),
            blocks: [None; 2],
            last: None,
            flash: Flash::NotDone,
            fault: None,
        }
    }
}

impl Nest {
    /// The unit was lifted.
    pub fn emptied(&mut self, now: Tick) {
        self.state = State::Settling { until: now + SETTLES };
        self.block = Block::default();
        self.last = self.light();
        self.blocks = [None; 2];
    }

    /// A unit was seated: what the nest told before.
    pub fn seated(&mut self, ambient_limit: f32) -> NestReport {
        let fault = self
            .light()
            .and_then(|light| too_bright(light, ambient_limit))
            .or_else(|| self.fault.clone());
        let flash = match self.flash {
            Flash::Seen => TEST_FLASH_SEEN,
            Flash::NotSeen => "test flash not seen",
            Flash::NotDone => "no test flash before this unit",
        };
        let light = self.light().map_or_else(
            || "ambient light not measured".to_owned(),
            |light| format!("ambient light {:.0} counts (clear)", light.counts[3]),
        );
        self.state = State::Occupied;
        NestReport {
            fault,
            flash: self.flash,
            words: format!("{light}; {flash}"),
            light: self
                .measured()
                .map(|light| light.figures(ambient_limit))
                .unwrap_or_default(),
        }
    }

    /// Takes a sample of the dark, empty nest.
    pub fn sample(&mut self, sample: &Sample, saturated_at: u16) {
        if matches!(self.state, State::Occupied | State::Flashing { .. }) {
            return;
        }
        if let State::Settling { until } = self.state
            && sample.start < until
        {
            return;
        }
        let channels = sample.counts.channels();
        let from = *self.block.from.get_or_insert(sample.start);
        for (sum, count) in self.block.sums.iter_mut().zip(channels) {
            *sum += f64::from(count);
        }
        self.block.squares += f64::from(channels[3]).powi(2);
        self.block.samples += 1;
        self.block.full += u32::from(channels.iter().all(|count| *count >= saturated_at));
        if sample.end.since(from) >= BLOCK {
            let light = self.block.mean();
            self.blocks = [self.blocks[1], Some(light)];
            self.block = Block::default();
        }
    }

    /// Ambient light before the unit: of the block that no hand was in.
    pub fn light(&self) -> Option<Light> {
        self.measured().or(self.last)
    }

    /// The same, where this nest was empty for long enough to be measured since the last unit.
    fn measured(&self) -> Option<Light> {
        self.blocks[0].or(self.blocks[1])
    }

    /// When it must be looked at again.
    pub fn deadline(&self) -> Option<Tick> {
        match self.state {
            State::Unknown => Some(Tick::ZERO),
            State::Settling { until } | State::Measuring { until } | State::Flashing { until } => Some(until),
            State::Checked | State::Occupied => None,
        }
    }

    /// Time has come.
    pub fn tick(&mut self, now: Tick) -> Option<Order> {
        match self.state {
            State::Unknown => {
                self.emptied(now);
                None
            }
            State::Settling { until } if now >= until => {
                // Two blocks, and the samples around them.
                self.state = State::Measuring {
                    until: until + BLOCK * 2 + BLOCK / 5,
                };
                self.tick(now)
            }
            State::Measuring { until } if now >= until => {
                self.state = State::Flashing {
                    until: now + FLASH_WITHIN,
                };
                Some(Order::Flash(FLASH))
            }
            State::Flashing { until } if now >= until => Some(Order::Judge),
            State::Settling { .. }
            | State::Measuring { .. }
            | State::Flashing { .. }
            | State::Checked
            | State::Occupied => None,
        }
    }

    /// Whether a test flash is being waited for.
    pub fn is_flashing(&self) -> bool {
        matches!(self.state, State::Flashing { .. })
    }

    /// The flash is over, and this is what loop-back says of it; `None` when it saw too little.
    pub fn judge(&mut self, now: Tick, seen: Option<&LampSeen>) {
        self.fault = match (seen, self.blocks[1]) {
            (_, None) => Some((VerdictCode::SensorFault, "no samples of the empty nest".to_owned())),
            (Some(LampSeen::Well | LampSeen::Weakly(_)), Some(_)) => None,
            (Some(LampSeen::Not(why)), Some(_)) => Some((VerdictCode::LampNotSeen, why.clone())),
            (Some(LampSeen::Uneven(why)), Some(_)) => Some((VerdictCode::LampWeak, why.clone())),
            (Some(LampSeen::Late(why)), Some(_)) => Some((VerdictCode::LampLate, why.clone())),
            (Some(LampSeen::BySensorStuck(why)), Some(_)) => Some((VerdictCode::SensorFault, why.clone())),
            (None, Some(_)) => Some((
                VerdictCode::LampNotSeen,
                "the lamp did not flash in the empty nest, or no sample saw it".to_owned(),
            )),
        };
        self.flash = if self.fault.is_none() {
            Flash::Seen
        } else {
            Flash::NotSeen
        };
        self.state = if self.fault.is_none() {
            State::Checked
        } else {
            State::Settling { until: now + AGAIN }
        };
    }
}

impl Block {
    fn mean(&self) -> Light {
        let samples = f64::from(self.samples.max(1));
        #[expect(
            clippy::cast_possible_truncation,
            reason = "counts need no more than single precision"
        )]
        let counts = self.sums.map(|sum| (sum / samples) as f32);
        let saturated = if self.full * 2 > self.samples {
            Saturated::Yes
        } else {
            Saturated::No
        };
        // Counts have 16 bits: their squares add up without rounding.
        let about = (self.squares - self.sums[3] * self.sums[3] / samples).max(0.0);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a figure needs no more than single precision"
        )]
        let noise = (about / (samples - 1.0).max(1.0)).sqrt() as f32;
        Light {
            counts,
            noise,
            samples: self.samples,
            saturated,
        }
    }
}

impl Light {
    /// Ambient light and its noise, each with how sure it is.
    fn figures(self, limit: f32) -> Vec<Measurement> {
        if self.samples < 2 {
            return Vec::new();
        }
        #[expect(clippy::cast_precision_loss, reason = "some hundred samples")]
        let samples = self.samples as f32;
        let clear = self.counts[3];
        // A nest is judged by its light without regard to how sure that is: so is the figure.
        let side = if self.saturated == Saturated::Yes || clear > limit {
            Side::Outside
        } else {
            Side::Inside
        };
        let limits = (limit.is_finite() && limit >= 0.0).then_some(Limits {
            allowed: 0.0..=limit,
            side,
        });
        let figure = |what, value, deviation, limits| Measurement {
            what,
            scale: Scale::Counts,
            value,
            deviation,
            limits,
        };
        vec![
            figure(Quantity::Ambient, clear, self.noise / samples.sqrt(), limits),
            figure(
                Quantity::AmbientNoise,
                self.noise,
                self.noise / (2.0 * (samples - 1.0)).sqrt(),
                None,
            ),
        ]
    }
}

fn too_bright(light: Light, limit: f32) -> Option<(VerdictCode, String)> {
    let clear = light.counts[3];
    match light.saturated {
        Saturated::Yes => Some((
            VerdictCode::SensorSaturated,
            "all channels full in the empty nest".to_owned(),
        )),
        Saturated::No if clear > limit => Some((
            VerdictCode::AmbientTooBright,
            format!("{clear:.0} counts in the empty nest, the limit is {limit:.0}"),
        )),
        Saturated::No => None,
    }
}

#[cfg(test)]
mod tests {
    use blinkup::sample::Counts;

    use super::*;

    /// Half a second and more of samples, 10 ms each, of light that flickers and of a sensor that is noisy.
    fn empty(nest: &mut Nest, from: u64, seconds: u64) -> Vec<f64> {
        (0..seconds * 100)
            .map(|n| {
                let clear = 800 + 40 * u16::from(n % 2 == 0) + u16::try_from(n * 7 % 5).unwrap();
                let start = Tick::from_micros(from + n * 10_000);
                let counts = Counts {
                    red: 300,
                    green: 280,
                    blue: 200,
                    clear,
                };
                let end = start + Duration::from_millis(10);
                nest.sample(&Sample { start, end, counts }, 65_535);
                f64::from(clear)
            })
            .collect()
    }

    #[test]
    fn the_empty_nests_light_is_told_with_its_noise_and_how_sure_both_are() {
        let mut nest = Nest::default();
        nest.emptied(Tick::ZERO);
        let seen = empty(&mut nest, 600_000, 1);
        let report = nest.seated(1000.0);
        let [ambient, noise] = report.light.as_slice() else {
            panic!("{report:?}")
        };
        // The first of two blocks, of half a second.
        let block = &seen[..50];
        let mean = block.iter().sum::<f64>() / 50.0;
        let deviation = (block.iter().map(|clear| (clear - mean).powi(2)).sum::<f64>() / 49.0).sqrt();
        let near =
            |found: f32, expected: f64| assert!((f64::from(found) / expected - 1.0).abs() < 1e-5, "{found} {expected}");
        near(ambient.value, mean);
        near(ambient.deviation, deviation / 50_f64.sqrt());
        near(noise.value, deviation);
        near(noise.deviation, deviation / 98_f64.sqrt());
        let limits = ambient.limits.clone().unwrap();
        assert_eq!((limits.allowed, limits.side), (0.0..=1000.0, Side::Inside));
        assert_eq!(noise.limits, None);
        // Against a limit below it, it is outside, as the nest is judged.
        let report = nest.seated(500.0);
        assert_eq!(report.fault.unwrap().0, VerdictCode::AmbientTooBright);
        assert_eq!(report.light[0].limits.as_ref().unwrap().side, Side::Outside);
    }

    #[test]
    fn a_nest_that_was_not_empty_for_long_enough_has_no_figures_of_its_own() {
        let mut nest = Nest::default();
        nest.emptied(Tick::ZERO);
        empty(&mut nest, 600_000, 1);
        let _ = nest.seated(1000.0);
        // The next unit comes at once: judged by the light before, which is not its own.
        nest.emptied(Tick::from_micros(60_000_000));
        let report = nest.seated(1000.0);
        assert!(report.words.starts_with("ambient light 8"), "{}", report.words);
        assert_eq!(report.light, []);
    }
}
