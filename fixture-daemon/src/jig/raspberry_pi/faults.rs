//! What goes wrong on real wires, through drivers and engine: it ends in its own code, the other lanes go on, and what is mended is used
//! again without a restart.

use core::time::Duration;
use std::path::Path;

use blinkup::codes::CodeTable;
use blinkup::{Level, Symbol, Tick};
use fixture_ledger::record::{RunEnd, UnitHistory};
use fixture_link::identity::{LaneId, RunId, Serial};
use fixture_link::verdict::VerdictCode;

use super::lamp::curve::Curve;
use super::lamp::expander::{Expander, Pca9685};
use super::model::{Bus, Reset, Tcs};
use super::sensor::colour::{ColourSensors, Setting};
use crate::commissioning::typical;
use crate::config::{Config, Jig};
use crate::engine::effect::{Effect, LaneEffect};
use crate::engine::input::{Input, LampEdge, LaneInput, Seating};
use crate::engine::line::{Line, LineConfig};
use crate::jig::{JigError, Lamp, StatusSensor};

const LANES: u8 = 2;
const ROUND: Duration = Duration::from_millis(10);

fn lane(number: u8) -> LaneId {
    LaneId::new(number).unwrap()
}

/// Two lanes of real drivers on a modelled bus, with the engine over them, in steps of a sampling round.
struct Fixture {
    bus: Bus,
    line: Line,
    sensors: Box<dyn StatusSensor>,
    lamps: Vec<Box<dyn Lamp>>,
    /// Light of each lamp that reaches its sensor: 0 for one that is shorted or dead.
    shines: [u16; 2],
    /// Flashes under way: until when.
    flashes: [Option<Tick>; 2],
    ends: Vec<(LaneId, RunEnd)>,
    runs: u128,
    steps: u16,
}

impl Fixture {
    fn new() -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/raspberry-pi.toml");
        let config = Config::load(&file).unwrap();
        let Jig::RaspberryPi(pi) = &config.jig else {
            panic!("{:?}", config.jig)
        };
        let bus = Bus::new(usize::from(LANES));
        let time = bus.clone();
        let wired: Vec<(LaneId, Option<u8>)> = LaneId::first(LANES)
            .zip(0..)
            .map(|(lane, channel)| (lane, Some(channel)))
            .collect();
        let setting = Setting::new(16, Duration::from_micros(4_800));
        let sensors = ColourSensors::new(
            bus.clone(),
            setting,
            Some(0x70),
            Some(Reset(bus.clone())),
            &wired,
            move || time.now(),
        );
        let lamps = LaneId::first(LANES)
            .zip(0..)
            .map(|(lane, channel)| {
                let chip = Pca9685::new(bus.clone(), 0x40, 1526);
                Box::new(Expander::new(lane, chip, channel, Curve::default())) as Box<dyn Lamp>
            })
            .collect();
        let line = LineConfig {
            lanes: LaneId::first(LANES).map(|lane| typical(pi, lane)).collect(),
            recipe: config.recipe,
            k_in_a_row: 5,
            shared_within: Duration::from_mins(1),
            lot: String::new(),
        };
        Self {
            line: Line::new(line, &CodeTable::vendor()),
            bus,
            sensors: Box::new(sensors),
            lamps,
            shines: [24; 2],
            flashes: [None; 2],
            ends: Vec::new(),
            runs: 0,
            steps: 0,
        }
    }

    /// Lets the fixture run for a while.
    fn wait(&mut self, lasts: Duration) {
        let until = self.bus.now() + lasts;
        while self.bus.now() < until {
            self.step();
        }
    }

    fn step(&mut self) {
        let began = self.bus.now();
        self.steps = self.steps.wrapping_add(1);
        self.light();
        for place in 0..usize::from(LANES) {
            let lane = lane(u8::try_from(place + 1).unwrap());
            if self.flashes[place].is_some_and(|until| began >= until) {
                self.flashes[place] = None;
                self.set_lamp(lane, Level::DARK, Symbol::Dark);
                self.input(lane, LaneInput::TestFlashed);
            }
            // As the sampler and the engine's task do it.
            match self.sensors.sample(lane) {
                Ok(sample) => {
                    let mut effects = Vec::new();
                    self.line.sample(self.bus.now(), lane, &sample, &mut effects);
                    self.perform(effects);
                }
                Err(JigError::Stale { .. }) => {}
                Err(error @ (JigError::Failed { .. } | JigError::Board(_))) => {
                    self.input(lane, LaneInput::SensorFailed(error.to_string()));
                }
            }
        }
        let effects = self.line.step(self.bus.now(), Input::Tick);
        self.perform(effects);
        self.bus.wait_until(began + ROUND);
    }

    /// What reaches each sensor: a room that is never quite the same, and the lane's own lamp.
    fn light(&mut self) {
        let mut wires = self.bus.wires();
        for (place, shines) in self.shines.into_iter().enumerate() {
            let lit = wires
                .expander
                .is_some_and(|registers| registers[0] & 0x10 == 0 && registers[0x07 + 4 * place] & 0x10 != 0);
            let lamp = if lit { shines } else { 0 };
            let flicker = self.steps % 2;
            if let Some(sensor) = &mut wires.sensors[place] {
                sensor.light = [3 + flicker + lamp, 1 + lamp / 3, 1 + lamp / 3, 1 + lamp / 3];
            }
        }
    }

    fn set_lamp(&mut self, lane: LaneId, level: Level, symbol: Symbol) {
        let from = self.bus.now();
        if let Some(lamp) = self.lamps.get_mut(lane.index()) {
            // As the sender's test flash does: the failure is told, loop-back judges.
            let _ = lamp.set(level);
        }
        let at = self.bus.now();
        self.input(lane, LaneInput::Lamp(LampEdge { from, at, symbol }));
    }

    fn input(&mut self, lane: LaneId, input: LaneInput) {
        let effects = self.line.step(self.bus.now(), Input::Lane(lane, input));
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            let Effect::Lane(lane, effect) = effect else { continue };
            if let LaneEffect::TestFlash { on } = effect {
                self.set_lamp(lane, Level::FULL, Symbol::Bright);
                self.flashes[lane.index()] = Some(self.bus.now() + on);
            } else if let LaneEffect::BeginRun { run, .. } = effect {
                self.input(lane, LaneInput::Stored { run, result: Ok(()) });
            } else if let LaneEffect::Commit(end) = effect {
                let run = end.run;
                self.ends.push((lane, *end));
                self.input(lane, LaneInput::Stored { run, result: Ok(()) });
            }
        }
    }

    fn seat(&mut self, number: u8) {
        self.runs += 1;
        let seating = Seating {
            run: RunId(uuid::Uuid::from_u128(self.runs)),
            serial: Some(Serial::new(&format!("U{}", self.runs)).unwrap()),
            history: UnitHistory::default(),
        };
        self.input(lane(number), LaneInput::Seated(seating));
    }

    /// The codes that a lane's runs have ended in.
    fn codes(&self, number: u8) -> Vec<VerdictCode> {
        self.ends
            .iter()
            .filter(|(of, _)| *of == lane(number))
            .map(|(_, end)| end.code)
            .collect()
    }

    /// A unit's whole stay that ends before it has shown anything: the nest's own faults end it at once.
    fn seat_and_lift(&mut self, number: u8) -> Vec<VerdictCode> {
        let before = self.codes(number).len();
        self.seat(number);
        self.wait(Duration::from_millis(200));
        let codes = self.codes(number).split_off(before);
        self.input(lane(number), LaneInput::Lifted);
        self.wait(Duration::from_secs(8));
        codes
    }
}

const PATIENCE: Duration = Duration::from_millis(1_500);

#[test]
fn a_sensor_unplugged_during_a_run_is_a_sensor_fault_on_its_lane_alone() {
    let mut fixture = Fixture::new();
    fixture.wait(Duration::from_secs(3));
    fixture.seat(1);
    fixture.seat(2);
    fixture.wait(Duration::from_millis(500));
    fixture.bus.wires().sensors[0] = None;
    fixture.wait(PATIENCE);
    assert_eq!(fixture.codes(1), [VerdictCode::SensorFault]);
    let (_, end) = &fixture.ends[0];
    assert!(end.detail.contains("TCS3472 at 0x29"), "{}", end.detail);
    assert_eq!(fixture.codes(2), [], "its run goes on");

    // Plugged in again; the next unit on that lane is not blamed for it.
    fixture.bus.wires().sensors[0] = Some(Tcs::new([0; 4]));
    fixture.input(lane(1), LaneInput::Lifted);
    fixture.wait(Duration::from_secs(8));
    fixture.seat(1);
    fixture.wait(PATIENCE);
    assert_eq!(fixture.codes(1), [VerdictCode::SensorFault], "no second one");
}

#[test]
fn a_lane_that_holds_the_bus_low_is_a_sensor_fault_on_its_lane_alone() {
    let mut fixture = Fixture::new();
    fixture.wait(Duration::from_secs(3));
    fixture.seat(1);
    fixture.seat(2);
    fixture.wait(Duration::from_millis(500));
    fixture.bus.wires().held[1] = true;
    fixture.wait(PATIENCE);
    assert_eq!(fixture.codes(2), [VerdictCode::SensorFault]);
    assert_eq!(fixture.codes(1), [], "its run goes on");

    fixture.bus.wires().held[1] = false;
    fixture.input(lane(2), LaneInput::Lifted);
    fixture.wait(Duration::from_secs(8));
    fixture.seat(2);
    fixture.wait(PATIENCE);
    assert_eq!(fixture.codes(2), [VerdictCode::SensorFault], "no second one");
}

#[test]
fn a_lamp_that_is_shorted_is_a_lamp_not_seen_on_its_lane_alone() {
    let mut fixture = Fixture::new();
    fixture.shines[1] = 0;
    fixture.wait(Duration::from_secs(3));
    assert_eq!(fixture.seat_and_lift(2), [VerdictCode::LampNotSeen]);
    fixture.seat(1);
    fixture.wait(Duration::from_millis(500));
    assert_eq!(fixture.codes(1), [], "lane 1 takes its unit");

    // A new lamp is seen by the next test flash.
    fixture.shines[1] = 24;
    fixture.wait(Duration::from_secs(8));
    assert_eq!(fixture.seat_and_lift(2), []);
}

#[test]
fn an_expander_that_does_not_answer_is_a_lamp_not_seen_and_set_up_again_when_it_does() {
    let mut fixture = Fixture::new();
    let away = fixture.bus.wires().expander.take();
    assert!(away.is_some());
    fixture.wait(Duration::from_secs(3));
    assert_eq!(fixture.seat_and_lift(1), [VerdictCode::LampNotSeen]);

    // With its supply it comes back asleep, and with nothing set up.
    let mut registers = [0; 256];
    registers[0] = 0x11;
    fixture.bus.wires().expander = Some(registers);
    fixture.wait(Duration::from_secs(8));
    assert_eq!(fixture.seat_and_lift(1), []);
}
