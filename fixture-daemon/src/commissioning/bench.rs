//! The bench: light made and measured by hand, lane by lane, without the engine.

use core::time::Duration;

use blinkup::codes::Colour;
use blinkup::reader::LedShape;
use blinkup::sample::{Counts, Sample};
use blinkup::trace::{Header, Row};
use blinkup::{Level, Tick};
use fixture_link::identity::LaneId;
use tokio_util::sync::CancellationToken;

use super::{Commissioned, SIMULATED_PARTS, typical};
use crate::clock::{Clock, wall};
use crate::config::{Config, Jig};
use crate::drivers::real_time::sampler::SAMPLE_EVERY;
use crate::drivers::virtual_time::Simulated;
use crate::engine::lane::LaneConfig;
use crate::engine::sensor::Measures;
use crate::jig::raspberry_pi::Measured;
use crate::jig::simulated::Jig as SimulatedJig;
use crate::jig::simulated::scenario::{Scenario, ScenarioError};
use crate::jig::{JigError, Lamp, Parts, Sensitivity, raspberry_pi};

/// How long lamp and sensor are left to settle after a change.
const SETTLES: Duration = Duration::from_millis(30);

/// Why there is no bench.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The jig could not be taken into use, or a part failed.
    #[error(transparent)]
    Jig(#[from] JigError),
    /// The simulated jig's scenario.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The fixture has no such lane.
    #[error("lane {0}: this fixture has lanes 1 to {1}")]
    NoLane(LaneId, usize),
    /// The process was told to end.
    #[error("stopped: the lamps were made dark")]
    Stopped,
}

/// A jig in the hands of a person.
pub struct Bench {
    /// Its parts.
    pub parts: Parts,
    /// The clock of its samples.
    pub clock: Clock,
    /// Its lanes, as commissioning left them.
    pub lanes: Vec<LaneConfig>,
    /// What commissioning left.
    pub commissioned: Commissioned,
    /// The parts that light goes through, as a calibration names them.
    pub light_path: String,
    /// Whether the lamps' light can be set.
    pub adjustable: bool,
    /// Cancelled when the process is told to end: nothing is lit or measured any more.
    pub stop: CancellationToken,
    /// The simulated jig, which has no hands to put a reference unit into it.
    simulated: Option<SimulatedJig>,
}

/// Whose curve the lamps follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curves {
    /// The one that commissioning measured.
    Measured,
    /// None: a level is a duty.
    Raw,
}

/// What a sensor saw for a while.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Samples that there should have been.
    pub wanted: u32,
    /// Samples that there were.
    pub samples: u32,
    /// Mean counts, red, green, blue, clear.
    pub mean: [f32; 4],
    /// Samples with a channel at its end.
    pub full: u32,
    /// Whether any sample differed from the first.
    pub varied: bool,
    /// What the driver last said of a sample that failed.
    pub error: Option<String>,
}

/// How light lies in a sensor's range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// Too weak to be told from noise.
    Under,
    /// Well within.
    Within,
    /// A channel is at its end.
    Over,
}

impl Range {
    /// Its name, and what to do about it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Under => "under-range: raise the gain, or bring LED and light pipe closer",
            Self::Within => "within range",
            Self::Over => "over-range: lower the gain, or take light away",
        }
    }
}

/// Counts above the dark nest below which an LED's light is not told from noise: the weakest that the LED reader knows.
const LEAST: f32 = 40.0;

impl Bench {
    /// Takes a configuration's jig into use, its lamps dark.
    ///
    /// # Errors
    /// The jig is not to be had.
    pub fn open(config: &Config, curves: Curves, stop: CancellationToken) -> Result<Self, BenchError> {
        let clock = Clock::start();
        let ids: Vec<LaneId> = config.lanes.iter().map(|lane| lane.lane).collect();
        match &config.jig {
            Jig::Simulated {
                seed,
                scenario,
                takt: _,
                calibration,
            } => {
                let simulated = Simulated {
                    lanes: u8::try_from(ids.len()).unwrap_or(LaneId::MOST),
                    units: 0,
                    scenario: match scenario {
                        Some(file) => Scenario::load(file)?,
                        None => Scenario::none(),
                    },
                    ..Simulated::new(*seed, config.recipe.clone())
                };
                let commissioned = Commissioned::load(calibration.as_ref(), SIMULATED_PARTS, clock.now(), wall());
                let jig = SimulatedJig::new(
                    simulated.world(),
                    move || clock.now(),
                    move |late| clock.sleep_until(clock.now() + late),
                );
                Ok(Self {
                    parts: jig.parts(ids.into_iter()),
                    clock,
                    lanes: simulated
                        .lanes()
                        .into_iter()
                        .map(|lane| commissioned.apply(lane))
                        .collect(),
                    commissioned,
                    light_path: SIMULATED_PARTS.to_owned(),
                    adjustable: true,
                    stop,
                    simulated: Some(jig),
                })
            }
            Jig::RaspberryPi(pi) => {
                let commissioned = Commissioned::load(pi.calibration.as_ref(), &pi.parts(), clock.now(), wall());
                let measured = |lane: &LaneId| match curves {
                    Curves::Measured => commissioned.measured(*lane),
                    Curves::Raw => Measured::default(),
                };
                let of_lanes: Vec<Measured> = ids.iter().map(measured).collect();
                Ok(Self {
                    parts: raspberry_pi::open(pi, &ids, &of_lanes, move || clock.now())?,
                    clock,
                    lanes: ids.iter().map(|lane| commissioned.apply(typical(pi, *lane))).collect(),
                    commissioned,
                    light_path: pi.parts(),
                    adjustable: pi.lamp.kind().adjustable(),
                    stop,
                    simulated: None,
                })
            }
        }
    }

    /// What is known of a lane.
    ///
    /// # Errors
    /// The fixture has no such lane.
    pub fn lane(&self, lane: LaneId) -> Result<&LaneConfig, BenchError> {
        self.lanes
            .iter()
            .find(|config| config.lane == lane)
            .ok_or(BenchError::NoLane(lane, self.lanes.len()))
    }

    /// Sets a lane's lamp.
    ///
    /// # Errors
    /// The lamp failed, there is no such lane, or the process ends and the light is not dark.
    pub fn set_lamp(&mut self, lane: LaneId, level: Level) -> Result<(), BenchError> {
        if self.stop.is_cancelled() && level != Level::DARK {
            return Err(BenchError::Stopped);
        }
        let lanes = self.lanes.len();
        let lamp: &mut dyn Lamp = self
            .parts
            .lamps
            .iter_mut()
            .find(|(of, _)| *of == lane)
            .map(|(_, lamp)| lamp.as_mut())
            .ok_or(BenchError::NoLane(lane, lanes))?;
        Ok(lamp.set(level)?)
    }

    /// Makes every lamp dark; one that fails does not keep the next one lit.
    ///
    /// # Errors
    /// The first that failed.
    pub fn darken(&mut self) -> Result<(), BenchError> {
        let mut failed = Ok(());
        for (_, lamp) in &mut self.parts.lamps {
            let set = lamp.set(Level::DARK).map_err(BenchError::from);
            failed = failed.and(set);
        }
        failed
    }

    /// What a lane's sensor can be set to, the most sensitive first; nothing where there is nothing to set.
    pub fn sensitivities(&self, lane: LaneId) -> Vec<Sensitivity> {
        let group = self.parts.sensors.iter().find(|group| group.lanes.contains(&lane));
        group.map_or_else(Vec::new, |group| group.sensor.sensitivities(lane))
    }

    /// Sets a lane's sensor.
    ///
    /// # Errors
    /// There is nothing to set, or no such lane.
    pub fn set_sensitivity(&mut self, lane: LaneId, sensitivity: Sensitivity) -> Result<(), BenchError> {
        let lanes = self.lanes.len();
        let group = self
            .parts
            .sensors
            .iter_mut()
            .find(|group| group.lanes.contains(&lane))
            .ok_or(BenchError::NoLane(lane, lanes))?;
        Ok(group.sensor.set_sensitivity(lane, sensitivity)?)
    }

    /// On a simulated jig, does what a person is asked to do: a reference unit whose LED shows a colour; `Off` for an empty nest.
    pub fn place_reference(&self, lane: LaneId, colour: Colour) {
        if let Some(jig) = &self.simulated {
            let (mut world, now) = jig.world();
            world.set_reference(now, lane, colour);
        }
    }

    /// Whether the jig is a model.
    pub fn simulated(&self) -> bool {
        self.simulated.is_some()
    }

    /// One sample of a lane.
    ///
    /// # Errors
    /// The sensor failed, has no fresh sample, or there is no such lane.
    pub fn sample(&mut self, lane: LaneId) -> Result<Sample, BenchError> {
        let lanes = self.lanes.len();
        let group = self
            .parts
            .sensors
            .iter_mut()
            .find(|group| group.lanes.contains(&lane))
            .ok_or(BenchError::NoLane(lane, lanes))?;
        Ok(group.sensor.sample(lane)?)
    }

    /// Samples a lane for a while, `each` at a time, as often as a run does. Samples from before the call are left out.
    ///
    /// # Errors
    /// There is no such lane, or the process ends.
    pub fn watch(&mut self, lane: LaneId, lasts: Duration, mut each: impl FnMut(&Sample)) -> Result<Seen, BenchError> {
        let saturated_at = self.lane(lane)?.saturated_at;
        let from = self.clock.now() + SETTLES;
        let until = from + lasts;
        let mut seen = Seen {
            wanted: u32::try_from(lasts.as_millis() / SAMPLE_EVERY.as_millis()).unwrap_or(u32::MAX),
            ..Seen::default()
        };
        let mut first: Option<Counts> = None;
        let mut sums = [0.0_f64; 4];
        let mut due = self.clock.now();
        while self.clock.now() < until {
            if self.stop.is_cancelled() {
                self.darken()?;
                return Err(BenchError::Stopped);
            }
            match self.sample(lane) {
                Ok(sample) if sample.start >= from => {
                    let counts = sample.counts.channels();
                    for (sum, count) in sums.iter_mut().zip(counts) {
                        *sum += f64::from(count);
                    }
                    seen.samples += 1;
                    seen.full += u32::from(counts.iter().any(|count| *count >= saturated_at));
                    seen.varied |= *first.get_or_insert(sample.counts) != sample.counts;
                    each(&sample);
                }
                Ok(_) | Err(BenchError::Jig(JigError::Stale { .. })) => {}
                Err(error) => seen.error = Some(error.to_string()),
            }
            due = (due + SAMPLE_EVERY).max(self.clock.now() - SAMPLE_EVERY);
            self.clock.sleep_until(due);
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "counts need no more than single precision"
        )]
        let mean = sums.map(|sum| (sum / f64::from(seen.samples.max(1))) as f32);
        seen.mean = mean;
        Ok(seen)
    }

    /// What a lane's sensor sees for a while.
    ///
    /// # Errors
    /// There is no such lane.
    pub fn look(&mut self, lane: LaneId, lasts: Duration) -> Result<Seen, BenchError> {
        self.watch(lane, lasts, |_| {})
    }

    /// A lane's light for a while, with the lamp at a level, as rows of a trace that starts now.
    ///
    /// # Errors
    /// The lamp failed, or there is no such lane.
    pub fn record(
        &mut self,
        lane: LaneId,
        level: Level,
        lasts: Duration,
    ) -> Result<(Header, Vec<Row>, Seen), BenchError> {
        let LaneConfig {
            shape: LedShape { red, green },
            ambient,
            saturated_at,
            ..
        } = *self.lane(lane)?;
        self.set_lamp(lane, level)?;
        let began = self.clock.now();
        let mut rows: Vec<Row> = Vec::new();
        let mut integration = None;
        let seen = self.watch(lane, lasts, |sample| {
            integration.get_or_insert(sample.end.since(sample.start));
            let at = Tick::ZERO + sample.end.since(began);
            // A trace's rows are each later than the one before.
            if rows.last().is_none_or(|last| last.at < at) {
                rows.push(Row {
                    at,
                    counts: sample.counts,
                    lamp: level,
                });
            }
        });
        self.set_lamp(lane, Level::DARK)?;
        let header = Header {
            shape: LedShape { red, green },
            ambient,
            saturated_at,
            integration: integration.unwrap_or_default(),
        };
        Ok((header, rows, seen?))
    }
}

impl Seen {
    /// What it saw above something else, never below nothing.
    pub fn above(&self, dark: &Self) -> [f32; 4] {
        let mut light = self.mean;
        for (light, dark) in light.iter_mut().zip(dark.mean) {
            *light = (*light - dark).max(0.0);
        }
        light
    }

    /// Whether most samples had a channel at its end.
    pub fn is_full(&self) -> bool {
        self.full * 2 > self.samples
    }

    /// How light above the dark lies in the sensor's range.
    pub fn range(&self, dark: &Self, measures: Measures) -> Range {
        let strongest = self.above(dark).into_iter().fold(0.0, f32::max);
        match measures {
            Measures::Strength if self.is_full() => Range::Over,
            Measures::Strength | Measures::LitOrNot if strongest < LEAST => Range::Under,
            Measures::Strength | Measures::LitOrNot => Range::Within,
        }
    }

    /// Why it cannot be judged: the sensor failed, hardly brought samples, or always the same.
    pub fn fault(&self, measures: Measures) -> Option<String> {
        if self.samples == 0 {
            return Some(self.error.clone().unwrap_or_else(|| "no sample: stale".to_owned()));
        }
        if self.samples * 2 < self.wanted {
            return Some(format!("{} samples of {}", self.samples, self.wanted));
        }
        let [.., clear] = self.mean;
        (measures == Measures::Strength && !self.varied && !self.is_full() && clear > LEAST)
            .then(|| format!("stuck: {} samples, all the same", self.samples))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_bench_that_is_stopped_lights_nothing_and_leaves_its_lamps_dark() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/simulated.toml");
        let config = Config::load(&file).unwrap();
        let stop = CancellationToken::new();
        let mut bench = Bench::open(&config, Curves::Measured, stop.clone()).unwrap();
        let lane = LaneId::new(1).unwrap();
        let look = Duration::from_millis(200);
        let dark = bench.look(lane, look).unwrap();
        bench.set_lamp(lane, Level::FULL).unwrap();
        assert!(bench.look(lane, look).unwrap().mean[3] > dark.mean[3] * 2.0);
        stop.cancel();
        assert!(matches!(bench.look(lane, look), Err(BenchError::Stopped)));
        assert!(matches!(bench.set_lamp(lane, Level::FULL), Err(BenchError::Stopped)));
        // Looked at as if nobody had stopped it.
        bench.stop = CancellationToken::new();
        let after = bench.look(lane, look).unwrap();
        assert!(
            after.mean[3] < dark.mean[3] * 1.5,
            "{:?} after {:?}",
            after.mean,
            dark.mean
        );
    }

    fn seen(mean: [f32; 4], full: u32) -> Seen {
        Seen {
            wanted: 100,
            samples: 100,
            mean,
            full,
            varied: true,
            error: None,
        }
    }

    #[test]
    fn over_and_under_range_are_told_apart() {
        let dark = seen([40.0, 30.0, 20.0, 100.0], 0);
        let range = |light: [f32; 4], full| seen(light, full).range(&dark, Measures::Strength);
        assert_eq!(range([60.0, 50.0, 30.0, 130.0], 0), Range::Under);
        assert_eq!(range([300.0, 50.0, 30.0, 400.0], 0), Range::Within);
        assert_eq!(range([900.0, 500.0, 300.0, 1536.0], 100), Range::Over);
        assert_eq!(range([900.0, 500.0, 300.0, 1400.0], 40), Range::Within);
    }

    #[test]
    fn stale_stuck_and_failing_sensors_have_names() {
        let fault = |seen: Seen| seen.fault(Measures::Strength).unwrap_or_default();
        assert_eq!(fault(Seen::default()), "no sample: stale");
        let failing = Seen {
            error: Some("lane 1: status sensor: no".to_owned()),
            ..Seen::default()
        };
        assert_eq!(fault(failing), "lane 1: status sensor: no");
        let stuck = Seen {
            varied: false,
            ..seen([100.0; 4], 0)
        };
        assert_eq!(fault(stuck.clone()), "stuck: 100 samples, all the same");
        assert_eq!(
            stuck.fault(Measures::LitOrNot),
            None,
            "a lit comparator is always the same"
        );
        let few = Seen {
            samples: 10,
            ..seen([100.0; 4], 0)
        };
        assert_eq!(fault(few), "10 samples of 100");
        assert_eq!(fault(seen([100.0; 4], 0)), "");
    }
}
