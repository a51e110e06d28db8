//! What goes wrong on real wires, through drivers and engine: it ends in its own code, the other lanes reach their verdicts meanwhile, and
//! what is mended is used again without a restart.
//!
//! The drivers' bytes go to a model of the bus; on the other side of it a model unit decodes the packet from the lamp's registers, and its
//! LED is what the sensors' registers count. Nests, scanners and the label printer run on the real threads, over pseudo-terminals.

use core::time::Duration;
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use blinkup::codes::{CodeTable, Colour};
use blinkup::frame::SymbolRate;
use blinkup::{Level, Symbol, Tick};
use fixture_ledger::record::{OpenLabel, RunEnd, UnitHistory};
use fixture_link::identity::{LaneId, RunId, Serial};
use fixture_link::snapshot::LaneState;
use fixture_link::verdict::{Refusal, VerdictCode};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::absent::Absent;
use super::bus::Trunk;
use super::contact::{AnyContact, ContactLine};
use super::lamp::curve::Curve;
use super::lamp::expander::{Expander, Pca9685};
use super::model::{Bus, Reset, Tcs};
use super::nest::Switches;
use super::printer::tests::zebra;
use super::scanner::tests::{Plug, of_lane};
use super::sensor::colour::{ColourSensors, Place, Setting};
use crate::clock::Clock;
use crate::commissioning::typical;
use crate::config::{Active, Config, Jig};
use crate::drivers::real_time::clerk::Job;
use crate::drivers::real_time::looks::Found;
use crate::drivers::real_time::nests::{self, Watched};
use crate::drivers::real_time::note::Note;
use crate::drivers::real_time::stray::{Flashing, Strays};
use crate::drivers::real_time::{Told, labels};
use crate::engine::effect::{Effect, LaneEffect, Transmission};
use crate::engine::input::{Input, LampEdge, LaneInput, Seating, SendEnd, SendReport};
use crate::engine::line::{Line, LineConfig};
use crate::jig::simulated::cloud::Cloud;
use crate::jig::simulated::fault::Uses;
use crate::jig::simulated::light::Steps;
use crate::jig::simulated::network::Network;
use crate::jig::simulated::shows::Shows;
use crate::jig::simulated::unit::{Nature, Port, Surroundings, Unit};
use crate::jig::{JigError, Lamp, Scanner, StatusSensor};

const LANES: u8 = 2;
const ROUND: Duration = Duration::from_millis(10);
/// From which the units' chance comes.
const SEED: u64 = 7;
/// Counts a step at gain 1 of a fully lit die in its strongest channel, and of the lamp at full light in the clear one.
const LED: f64 = 10.0;
const LAMP: f64 = 24.0;

fn lane(number: u8) -> LaneId {
    LaneId::new(number).unwrap()
}

/// What lies under one lane's sensor.
struct Nest {
    unit: Option<Unit>,
    lamp: Steps<f64>,
    /// Share of the lamp's light that comes out: 0 for one that is shorted or dead.
    shines: f64,
    network: Network,
    cloud: Cloud,
    shows: Shows,
    grain: u32,
}

impl Nest {
    fn advance(&mut self, to: Tick) {
        let Self {
            unit: Some(unit),
            lamp,
            network,
            cloud,
            shows,
            ..
        } = self
        else {
            return;
        };
        let mut deeds = Vec::new();
        let mut around = Surroundings {
            network,
            cloud,
            shows,
            lamp,
            deeds: &mut deeds,
        };
        unit.advance(to, &mut around);
    }

    fn power(&mut self, now: Tick, on: bool) {
        self.advance(now);
        let Self {
            unit: Some(unit),
            lamp,
            network,
            cloud,
            shows,
            ..
        } = self
        else {
            return;
        };
        let mut deeds = Vec::new();
        let around = Surroundings {
            network,
            cloud,
            shows,
            lamp,
            deeds: &mut deeds,
        };
        if on {
            unit.power_on(now, &around);
        } else {
            unit.power_off(now);
        }
    }

    /// Clear, red, green, blue: a room that is never quite the same, the unit's LED, the lamp.
    fn light(&mut self, from: Tick, to: Tick) -> [f64; 4] {
        self.advance(to);
        self.grain = self.grain.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let grain = f64::from(self.grain >> 16) / 65_536.0 - 0.5;
        let [lamp] = self.lamp.mean(from, to, |level| [level]);
        let [red, green] = self.unit.as_ref().map_or([0.0; 2], |unit| {
            unit.led().light().mean(from, to, |colour| match colour {
                Colour::Off => [0.0, 0.0],
                Colour::Red => [1.0, 0.0],
                Colour::Green => [0.0, 1.0],
                Colour::Amber => [1.0, 1.0],
            })
        });
        let lamp = lamp * self.shines * LAMP;
        let room = 3.0 + 0.2 * grain;
        [
            room + LED * (1.11 * red + 1.32 * green) + lamp,
            0.31 * room + LED * (0.99 * red + 0.46 * green) + 0.30 * lamp,
            0.26 * room + LED * (0.08 * red + 0.87 * green) + 0.36 * lamp,
            0.20 * room + LED * (0.05 * red + 0.08 * green) + 0.31 * lamp,
        ]
    }
}

/// A frame on its way out.
struct Sending {
    transmission: Transmission,
    symbols: Vec<Symbol>,
    next: usize,
    due: Tick,
    report: SendReport,
    stopped: bool,
}

/// Two lanes of real drivers on a modelled bus, with the engine over them, in steps of a sampling round.
struct Fixture {
    bus: Bus,
    line: Line,
    sensors: Box<dyn StatusSensor>,
    lamps: Vec<Box<dyn Lamp>>,
    nests: Vec<Arc<Mutex<Nest>>>,
    sending: Vec<Option<Sending>>,
    /// Flashes under way: until when.
    flashes: [Option<Tick>; 2],
    /// Units without power: until when.
    unpowered: [Option<Tick>; 2],
    /// Whether the lamps wait for the sensors' turns.
    of_lamps: Lamps,
    strays: Strays,
    flashing: Flashing,
    ends: Vec<(LaneId, RunEnd)>,
    /// How each transmission ended.
    sent: Vec<(LaneId, SendEnd)>,
    runs: u32,
}

/// Which bus the lamps are on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lamps {
    WithTheSensors,
    OnTheirOwn,
}

impl Fixture {
    fn new() -> Self {
        Self::with(Lamps::WithTheSensors)
    }

    fn with(lamps: Lamps) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/raspberry-pi.toml");
        let config = Config::load(&file).unwrap();
        let Jig::RaspberryPi(pi) = &config.jig else {
            panic!("{:?}", config.jig)
        };
        let bus = Bus::new(usize::from(LANES));
        let nests: Vec<Arc<Mutex<Nest>>> = LaneId::first(LANES)
            .map(|_| {
                Arc::new(Mutex::new(Nest {
                    unit: None,
                    lamp: Steps::new(0.0),
                    shines: 1.0,
                    network: Network::new(config.recipe.wifi.clone()),
                    cloud: Cloud::new(SEED),
                    shows: Shows::vendor(),
                    grain: 1,
                }))
            })
            .collect();
        let time = bus.clone();
        let wired: Vec<Place> = LaneId::first(LANES)
            .zip(0..)
            .map(|(lane, channel)| Place {
                lane,
                channel: Some(channel),
                setting: Setting::new(16, Duration::from_micros(4_800)),
            })
            .collect();
        let trunk = Trunk::default();
        let of_lamps = lamps;
        let (their_trunk, their_bus) = match of_lamps {
            Lamps::WithTheSensors => (trunk.clone(), bus.clone()),
            Lamps::OnTheirOwn => (Trunk::default(), bus.beside()),
        };
        let reset = Some(Reset(bus.clone()));
        let sensors = ColourSensors::new(bus.clone(), trunk, Some(0x70), reset, &wired, move || time.now());
        let lamps = LaneId::first(LANES)
            .zip(0..)
            .map(|(lane, channel)| {
                let chip = Pca9685::new(their_bus.clone(), their_trunk.clone(), 0x40, 1526);
                Box::new(Expander::new(lane, chip, channel, Curve::default())) as Box<dyn Lamp>
            })
            .collect();
        let line = LineConfig {
            lanes: LaneId::first(LANES).map(|lane| typical(pi, lane)).collect(),
            recipe: config.recipe,
            k_in_a_row: 5,
            golden_check: None,
            shared_within: Duration::from_mins(1),
            lot: String::new(),
        };
        let flashing = Flashing::default();
        let mut fixture = Self {
            strays: Strays::new(flashing.clone()),
            flashing,
            line: Line::new(line, &CodeTable::vendor()),
            bus,
            sensors: Box::new(sensors),
            lamps,
            nests,
            sending: (0..LANES).map(|_| None).collect(),
            flashes: [None; 2],
            unpowered: [None; 2],
            of_lamps,
            ends: Vec::new(),
            sent: Vec::new(),
            runs: 0,
        };
        for number in 1..=LANES {
            fixture.plug_in(number);
        }
        fixture
    }

    /// Puts a lane's sensor on its channel, as it comes out of its box.
    fn plug_in(&mut self, number: u8) {
        let nest = Arc::clone(&self.nests[usize::from(number) - 1]);
        let mut sensor = Tcs::new([0; 4]);
        sensor.seen = Some(Arc::new(move |from, to| nest.lock().unwrap().light(from, to)));
        self.bus.wires().sensors[usize::from(number) - 1] = Some(sensor);
    }

    /// Lets the fixture run for a while.
    fn wait(&mut self, lasts: Duration) {
        let until = self.bus.now() + lasts;
        while self.bus.now() < until {
            self.step();
        }
    }

    /// Lets it run until something is so, three minutes at most.
    fn until(&mut self, what: &str, so: impl Fn(&Self) -> bool) {
        let end = self.bus.now() + Duration::from_mins(3);
        while !so(self) {
            assert!(self.bus.now() < end, "{what}: not within three minutes");
            self.step();
        }
    }

    /// A lane sends, and is in the middle of its frame.
    fn until_sending(&mut self, number: u8) {
        self.until_symbol(number, 200);
    }

    /// A lane sends, and has shown so many symbols.
    fn until_symbol(&mut self, number: u8, symbol: usize) {
        let place = usize::from(number) - 1;
        self.until("sending", |fixture| {
            fixture.sending[place]
                .as_ref()
                .is_some_and(|sending| sending.next > symbol)
        });
    }

    fn until_verdict(&mut self, number: u8, runs: usize) {
        self.until("a verdict", |fixture| fixture.codes(number).len() == runs);
    }

    fn step(&mut self) {
        let began = self.bus.now();
        for place in 0..usize::from(LANES) {
            let lane = lane(u8::try_from(place + 1).unwrap());
            if self.flashes[place].is_some_and(|until| began >= until) {
                self.flashes[place] = None;
                let _ = self.set_lamp(lane, Level::DARK, Symbol::Dark);
                self.input(lane, LaneInput::TestFlashed);
            }
            if self.unpowered[place].is_some_and(|until| began >= until) {
                self.unpowered[place] = None;
                self.nests[place].lock().unwrap().power(began, true);
                self.input(lane, LaneInput::PowerCycled);
            }
            // As the sampler and the engine's task do it; what the lamps have to show goes between two sensors' turns.
            let sample = self.sensors.sample(lane);
            self.show_due();
            match sample {
                Ok(sample) => {
                    self.strays.see(lane, &sample);
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
        let end = began + ROUND;
        while let Some(due) = self.sending.iter().flatten().map(|sending| sending.due).min()
            && due < end
        {
            self.bus.wait_until(due);
            self.show_due();
        }
        self.bus.wait_until(end);
    }

    /// Shows every symbol whose time has come, as the senders' threads do.
    fn show_due(&mut self) {
        for number in 1..=LANES {
            let place = usize::from(number) - 1;
            let Some(mut sending) = self.sending[place].take() else {
                continue;
            };
            if sending.due > self.bus.now() {
                self.sending[place] = Some(sending);
                continue;
            }
            match self.symbol(lane(number), &mut sending) {
                None => self.sending[place] = Some(sending),
                Some(end) => {
                    let end = match (self.set_lamp(lane(number), Level::DARK, Symbol::Dark), end) {
                        (Err(error), SendEnd::Complete | SendEnd::Stopped | SendEnd::Late) => {
                            SendEnd::LampFailed(error.to_string())
                        }
                        (_, end) => end,
                    };
                    let report = SendReport {
                        ended: self.bus.now(),
                        end: end.clone(),
                        ..sending.report
                    };
                    self.sent.push((lane(number), end));
                    self.input(lane(number), LaneInput::Sent(report));
                }
            }
        }
    }

    /// The next symbol of a frame; how it ended, where it does.
    fn symbol(&mut self, lane: LaneId, sending: &mut Sending) -> Option<SendEnd> {
        if sending.stopped {
            return Some(SendEnd::Stopped);
        }
        let Some(symbol) = sending.symbols.get(sending.next).copied() else {
            return Some(SendEnd::Complete);
        };
        let level = match symbol {
            Symbol::Dark => Level::DARK,
            Symbol::Mid => sending.transmission.mid,
            Symbol::Bright => sending.transmission.bright,
        };
        let due = sending.due;
        let (at, set) = self.set_lamp_at(due, lane, level, symbol);
        if let Err(error) = set {
            return Some(SendEnd::LampFailed(error.to_string()));
        }
        sending.next += 1;
        sending.report.symbols += 1;
        let lateness = at.since(due);
        sending.report.latest = sending.report.latest.max(lateness);
        if lateness > sending.transmission.late_limit {
            return Some(SendEnd::Late);
        }
        sending.due = at + SymbolRate::new(sending.transmission.rate).unwrap().due(1);
        None
    }

    fn set_lamp(&mut self, lane: LaneId, level: Level, symbol: Symbol) -> Result<(), JigError> {
        let now = self.bus.now();
        self.set_lamp_at(now, lane, level, symbol).1
    }

    /// Sets a lamp whose time came at `due`; when it was done.
    fn set_lamp_at(&mut self, due: Tick, lane: LaneId, level: Level, symbol: Symbol) -> (Tick, Result<(), JigError>) {
        let began = self.bus.now();
        let set = self.lamps[lane.index()].set(level);
        let (from, at) = match self.of_lamps {
            Lamps::WithTheSensors => (began, self.bus.now()),
            // Nobody holds up a bus of their own: it was done while the sensors had theirs.
            Lamps::OnTheirOwn => (due, due + self.bus.now().since(began)),
        };
        // The light is what the registers say, whatever the driver does.
        let first = 0x06 + 4 * lane.index();
        let light = self.bus.wires().expander.map_or(0.0, |registers| {
            let [_, on_high, off_low, off_high] = core::array::from_fn(|place| registers[first + place]);
            match (registers[0] & 0x10 != 0 || off_high & 0x10 != 0, on_high & 0x10 != 0) {
                (true, _) => 0.0,
                (false, true) => 1.0,
                (false, false) => f64::from(u16::from_le_bytes([off_low, off_high])) / 4096.0,
            }
        });
        self.nests[lane.index()].lock().unwrap().lamp.set(at, light);
        self.input(lane, LaneInput::Lamp(LampEdge { from, at, symbol }));
        (at, set)
    }

    fn input(&mut self, lane: LaneId, input: LaneInput) {
        let effects = self.line.step(self.bus.now(), Input::Lane(lane, input));
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            let Effect::Lane(lane, effect) = effect else { continue };
            let place = lane.index();
            match effect {
                LaneEffect::TestFlash { on } => {
                    // As the sender's test flash does: the failure is told, loop-back judges.
                    let _ = self.set_lamp(lane, Level::FULL, Symbol::Bright);
                    self.flashes[place] = Some(self.bus.now() + on);
                }
                LaneEffect::BeginRun { run, .. } => self.input(lane, LaneInput::Stored { run, result: Ok(()) }),
                LaneEffect::Commit(end) => {
                    let run = end.run;
                    self.ends.push((lane, *end));
                    self.input(lane, LaneInput::Stored { run, result: Ok(()) });
                }
                LaneEffect::Send(transmission) => {
                    let now = self.bus.now();
                    self.sending[place] = Some(Sending {
                        symbols: transmission.packet.frame(transmission.preamble).symbols().collect(),
                        next: 0,
                        due: now,
                        report: SendReport {
                            run: transmission.run,
                            attempt: transmission.attempt,
                            began: now,
                            ended: now,
                            symbols: 0,
                            end: SendEnd::Complete,
                            latest: Duration::ZERO,
                            lateness: [0; 21],
                        },
                        transmission,
                        stopped: false,
                    });
                }
                LaneEffect::StopSending => {
                    if let Some(sending) = &mut self.sending[place] {
                        sending.stopped = true;
                    }
                }
                LaneEffect::PowerCycle { off } => {
                    let now = self.bus.now();
                    self.nests[place].lock().unwrap().power(now, false);
                    self.unpowered[place] = Some(now + off);
                }
                LaneEffect::RequestToken { .. }
                | LaneEffect::SendByImp { .. }
                | LaneEffect::PollClaim { .. }
                | LaneEffect::Refuse(..)
                | LaneEffect::RecordAttempt { .. }
                | LaneEffect::RecordLifted(_)
                | LaneEffect::Signal(_) => {}
            }
        }
    }

    fn seat(&mut self, number: u8) {
        self.put_in(number);
        let serial = Serial::new(&format!("U{}", self.runs)).unwrap();
        self.told_of(number, Some(serial));
    }

    /// A unit is put into a nest, and has power.
    fn put_in(&mut self, number: u8) {
        self.runs += 1;
        let now = self.bus.now();
        let mut nest = self.nests[usize::from(number) - 1].lock().unwrap();
        let nature = Nature::new(SEED, self.runs);
        let made = (Uses::Settings, Port::Radio);
        nest.unit = Some(Unit::new(SEED, nature, 1, None, made, now));
        nest.power(now, true);
    }

    /// The engine is told of it.
    fn told_of(&mut self, number: u8, serial: Option<Serial>) {
        let seating = Seating {
            run: RunId(uuid::Uuid::from_u128(u128::from(self.runs))),
            serial,
            history: UnitHistory::default(),
        };
        self.input(lane(number), LaneInput::Seated(seating));
    }

    /// The engine is told what the clerk would tell it.
    fn part(&mut self, job: Job) {
        let Job::Part(lane, part, fault) = job else {
            panic!("{job:?}");
        };
        self.input(lane, LaneInput::Part { part, fault });
    }

    /// Why a lane takes no units.
    fn stopped(&self, number: u8) -> Option<String> {
        match self.state(number) {
            LaneState::Stopped { cause } => Some(cause),
            LaneState::Empty
            | LaneState::ToStart
            | LaneState::Waiting
            | LaneState::Token
            | LaneState::Sending { .. }
            | LaneState::Watching { .. }
            | LaneState::Storing
            | LaneState::Verdict { .. }
            | LaneState::Refused { .. }
            | LaneState::LineStopped => None,
        }
    }

    /// The unit is taken away, and the nest checked again.
    fn lift(&mut self, number: u8) {
        self.nests[usize::from(number) - 1].lock().unwrap().unit = None;
        self.input(lane(number), LaneInput::Lifted);
        // A sensor that was away for long is tried every four seconds, a nest that was found faulty every five.
        self.wait(Duration::from_secs(15));
    }

    /// The codes that a lane's runs have ended in.
    fn codes(&self, number: u8) -> Vec<VerdictCode> {
        self.ends
            .iter()
            .filter(|(of, _)| *of == lane(number))
            .map(|(_, end)| end.code)
            .collect()
    }

    /// How a lane's transmissions ended.
    fn sent(&self, number: u8) -> Vec<SendEnd> {
        let of_lane = self.sent.iter().filter(|(of, _)| *of == lane(number));
        of_lane.map(|(_, end)| end.clone()).collect()
    }

    fn state(&self, number: u8) -> LaneState {
        self.line.view(self.bus.now()).lanes[usize::from(number) - 1]
            .state
            .clone()
    }
}

#[test]
fn without_a_fault_two_units_are_sent_to_and_pass() {
    let mut fixture = Fixture::new();
    fixture.wait(Duration::from_secs(3));
    fixture.seat(1);
    fixture.seat(2);
    fixture.until_verdict(1, 1);
    fixture.until_verdict(2, 1);
    assert_eq!(
        (fixture.codes(1), fixture.codes(2)),
        (vec![VerdictCode::Ok], vec![VerdictCode::Ok])
    );
    assert_eq!(
        (fixture.sent(1), fixture.sent(2)),
        (vec![SendEnd::Complete], vec![SendEnd::Complete])
    );
}

#[test]
fn a_sensor_unplugged_during_a_run_is_a_sensor_fault_on_its_lane_alone() {
    let mut fixture = Fixture::new();
    fixture.wait(Duration::from_secs(3));
    fixture.seat(1);
    fixture.seat(2);
    fixture.until_sending(2);
    fixture.bus.wires().sensors[0] = None;
    fixture.until_verdict(1, 1);
    assert_eq!(fixture.codes(1), [VerdictCode::SensorFault]);
    let (_, end) = &fixture.ends[0];
    assert!(end.detail.contains("TCS3472 at 0x29"), "{}", end.detail);
    fixture.until_verdict(2, 1);
    assert_eq!(fixture.codes(2), [VerdictCode::Ok]);
    assert_eq!(fixture.sent(2), [SendEnd::Complete], "it costs its neighbour no symbol");

    // Plugged in again; the next unit on that lane passes.
    fixture.plug_in(1);
    fixture.lift(1);
    fixture.seat(1);
    fixture.until_verdict(1, 2);
    assert_eq!(fixture.codes(1)[1], VerdictCode::Ok);
}

/// A lane begins to hold the bus so many rounds into its neighbour's frame; what the neighbour's transmissions came to.
fn a_lane_holds_the_bus(lamps: Lamps, rounds: u32) -> Vec<SendEnd> {
    let mut fixture = Fixture::with(lamps);
    fixture.wait(Duration::from_secs(3));
    fixture.seat(1);
    fixture.seat(2);
    fixture.until_sending(1);
    for _ in 0..rounds {
        fixture.step();
    }
    fixture.bus.wires().held[1] = true;
    fixture.until_verdict(2, 1);
    assert_eq!(fixture.codes(2), [VerdictCode::SensorFault]);
    fixture.until_verdict(1, 1);
    assert_eq!(fixture.codes(1), [VerdictCode::Ok], "its neighbour passes");

    // A second unit beside the lane that still holds it: its faulty neighbour is known, and costs it nothing.
    let before = fixture.sent(1).len();
    fixture.lift(1);
    fixture.seat(1);
    fixture.until_verdict(1, 2);
    assert_eq!(fixture.codes(1)[1], VerdictCode::Ok);
    assert_eq!(fixture.sent(1)[before..], [SendEnd::Complete]);

    fixture.bus.wires().held[1] = false;
    fixture.lift(2);
    fixture.seat(2);
    fixture.until_verdict(2, 2);
    assert_eq!(fixture.codes(2)[1], VerdictCode::Ok);
    fixture.sent(1)[..before].to_vec()
}

#[test]
fn a_lane_that_holds_the_bus_low_is_a_sensor_fault_on_its_lane_alone() {
    // The first time-out may be longer than a symbol at 60 a second may be late: then that attempt is void, and the next one carries the
    // unit. It costs no more than that one, whenever it comes.
    let costs: Vec<bool> = (0..6)
        .map(|rounds| {
            let sent = a_lane_holds_the_bus(Lamps::WithTheSensors, rounds);
            let late = sent == [SendEnd::Late, SendEnd::Complete];
            assert!(late || sent == [SendEnd::Complete], "{sent:?}");
            late
        })
        .collect();
    assert!(costs.contains(&true) && costs.contains(&false), "{costs:?}");
}

#[test]
fn with_lamps_on_a_bus_of_their_own_a_lane_that_holds_the_sensors_bus_costs_its_neighbours_not_one_symbol() {
    for rounds in 0..6 {
        assert_eq!(a_lane_holds_the_bus(Lamps::OnTheirOwn, rounds), [SendEnd::Complete]);
    }
}

#[test]
fn a_bus_that_is_held_low_before_the_multiplexer_is_a_fault_of_the_fixture_on_every_lane_and_passes_by_itself() {
    let mut fixture = Fixture::new();
    fixture.wait(Duration::from_secs(3));
    fixture.seat(1);
    fixture.until_sending(1);
    fixture.seat(2);
    fixture.wait(Duration::from_millis(500));
    fixture.bus.wires().trunk = true;
    fixture.until_verdict(1, 1);
    fixture.until_verdict(2, 1);
    // What failed first: the lamp of the one that sends, the sensor of the other.
    assert_eq!(fixture.codes(1), [VerdictCode::LampNotSeen]);
    assert_eq!(fixture.codes(2), [VerdictCode::SensorFault]);
    fixture.bus.wires().trunk = false;
    for number in [1, 2] {
        fixture.lift(number);
    }
    fixture.seat(1);
    fixture.seat(2);
    for number in [1, 2] {
        fixture.until_verdict(number, 2);
        assert_eq!(fixture.codes(number)[1], VerdictCode::Ok);
    }
}

#[test]
fn a_lamp_that_is_shorted_is_a_lamp_not_seen_on_its_lane_alone() {
    let mut fixture = Fixture::new();
    fixture.nests[1].lock().unwrap().shines = 0.0;
    fixture.wait(Duration::from_secs(3));
    fixture.seat(1);
    fixture.until_sending(1);
    fixture.seat(2);
    fixture.until_verdict(2, 1);
    assert_eq!(fixture.codes(2), [VerdictCode::LampNotSeen]);
    fixture.until_verdict(1, 1);
    assert_eq!(fixture.codes(1), [VerdictCode::Ok]);

    // A new lamp is seen by the next test flash.
    fixture.nests[1].lock().unwrap().shines = 1.0;
    fixture.lift(2);
    fixture.seat(2);
    fixture.until_verdict(2, 2);
    assert_eq!(fixture.codes(2)[1], VerdictCode::Ok);
}

#[test]
fn a_lamp_that_is_shorted_while_it_sends_is_told_by_loop_back() {
    let mut fixture = Fixture::new();
    fixture.wait(Duration::from_secs(3));
    fixture.seat(1);
    fixture.seat(2);
    fixture.until("sending", |fixture| {
        fixture.sending[1].as_ref().is_some_and(|sending| sending.next > 4)
    });
    fixture.nests[1].lock().unwrap().shines = 0.0;
    fixture.until_verdict(2, 1);
    assert_eq!(fixture.codes(2), [VerdictCode::LampNotSeen]);
    fixture.until_verdict(1, 1);
    assert_eq!(fixture.codes(1), [VerdictCode::Ok]);
}

#[test]
fn an_expander_that_does_not_answer_is_a_lamp_not_seen_and_set_up_again_when_it_does() {
    let mut fixture = Fixture::new();
    let away = fixture.bus.wires().expander.take();
    assert!(away.is_some());
    fixture.wait(Duration::from_secs(3));
    fixture.seat(1);
    fixture.until_verdict(1, 1);
    assert_eq!(fixture.codes(1), [VerdictCode::LampNotSeen]);

    // With its supply it comes back asleep, and with nothing set up.
    let mut registers = [0; 256];
    registers[0] = 0x11;
    fixture.bus.wires().expander = Some(registers);
    fixture.lift(1);
    fixture.seat(1);
    fixture.until_verdict(1, 2);
    assert_eq!(fixture.codes(1)[1], VerdictCode::Ok);
    assert!(matches!(fixture.state(1), LaneState::Verdict { .. }));
}

// --- nests, scanners and the printer, on the threads that watch them ----------------------------------------------------

/// What a nest's line does.
const OPEN: u8 = 0;
const CLOSED: u8 = 1;
const BROKEN: u8 = 2;

/// A switch's line that a test sets.
#[derive(Clone, Default)]
struct Switch(Arc<AtomicU8>);

impl Switch {
    fn is(&self, state: u8) {
        self.0.store(state, Ordering::SeqCst);
    }
}

impl ContactLine for Switch {
    fn is_high(&mut self) -> Result<bool, String> {
        match self.0.load(Ordering::SeqCst) {
            BROKEN => Err("no such line".to_owned()),
            state => Ok(state == CLOSED),
        }
    }

    fn turns(&mut self) -> Result<Vec<(Duration, bool)>, String> {
        Ok(Vec::new())
    }
}

/// The thread that watches nests and scanners, as the daemon runs it.
struct Watching {
    switches: [Switch; 2],
    jobs: mpsc::Receiver<Job>,
    told: mpsc::UnboundedReceiver<Told>,
    stop: CancellationToken,
    thread: Option<JoinHandle<anyhow::Result<()>>>,
}

impl Watching {
    /// A unit lies in the second nest already.
    fn start(scanner: Box<dyn Scanner>, flashing: Flashing) -> Self {
        let clock = Clock::start();
        let switches = [Switch::default(), Switch::default()];
        switches[1].is(CLOSED);
        let wired = LaneId::first(LANES)
            .zip(&switches)
            .map(|(lane, switch)| (lane, AnyContact::on(switch.clone(), Active::High)))
            .collect();
        let watched = Watched {
            nest: Box::new(Switches::wired(wired, move || clock.now())),
            scanner,
            start: None,
            occupied: vec![(lane(1), false), (lane(2), true)],
            flashing,
        };
        let (to_clerk, jobs) = mpsc::channel(64);
        let (to_engine, told) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || nests::watch(clock, watched, &to_clerk, &to_engine, &stopped));
        Self {
            switches,
            jobs,
            told,
            stop,
            thread: Some(thread),
        }
    }

    /// The next job, within ten seconds.
    fn job(&mut self) -> Job {
        within("a job", || self.jobs.try_recv().ok())
    }

    /// A part's notice comes, or goes.
    fn notice(&mut self, part: &str, wanted: bool) {
        within(part, || match self.told.try_recv() {
            Ok(Told::Found(Found::Part(of, notice))) if of == part && notice.is_some() == wanted => Some(()),
            Ok(_) | Err(_) => None,
        });
    }

    /// Who was seated, by which scan.
    fn seated(&mut self) -> (LaneId, Option<Serial>) {
        let job = self.job();
        let Job::Seated(lane, _, serial) = job else {
            panic!("{job:?}");
        };
        (lane, serial)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take()
            && !std::thread::panicking()
        {
            thread.join().unwrap().unwrap();
        }
    }
}

/// Waits in real time until something is there; a minute at most, of which a good run takes a small part.
fn within<T>(what: &str, mut there: impl FnMut() -> Option<T>) -> T {
    let clock = Clock::start();
    let end = clock.now() + Duration::from_mins(1);
    loop {
        if let Some(found) = there() {
            return found;
        }
        assert!(clock.now() < end, "{what}: not within a minute");
        clock.sleep_until(clock.now() + Duration::from_millis(2));
    }
}

/// A fixture whose second lane is in the middle of its frame.
fn busy_beside() -> Fixture {
    let mut fixture = Fixture::new();
    fixture.wait(Duration::from_secs(3));
    fixture.seat(2);
    fixture.until_sending(2);
    fixture
}

#[test]
fn a_scanner_that_is_unplugged_ends_in_no_serial_on_its_lane_alone_and_reads_again_when_it_is_back() {
    let mut fixture = busy_beside();
    let mut plug = Plug::new();
    let mut watching = Watching::start(Box::new(of_lane(&plug, 1)), Flashing::default());
    watching.notice("scanner", true);
    watching.switches[0].is(CLOSED);
    assert_eq!(watching.seated(), (lane(1), None));
    fixture.put_in(1);
    fixture.told_of(1, None);
    assert!(
        matches!(
            fixture.state(1),
            LaneState::Refused {
                refusal: Refusal::NoSerial,
                ..
            }
        ),
        "{:?}",
        fixture.state(1)
    );
    fixture.until_verdict(2, 1);
    assert_eq!(
        (fixture.codes(2), fixture.sent(2)),
        (vec![VerdictCode::Ok], vec![SendEnd::Complete])
    );

    plug.in_();
    watching.notice("scanner", false);
    watching.switches[0].is(OPEN);
    assert!(matches!(watching.job(), Job::Lifted(of) if of == lane(1)));
    fixture.lift(1);
    // The lot comes after the serial: once it is there, so is the serial.
    plug.scans(b"S12345\r\n1TLot 7\r\n");
    assert!(matches!(watching.job(), Job::Act(..)));
    watching.switches[0].is(CLOSED);
    let (of, serial) = watching.seated();
    assert_eq!((of, serial.as_ref().map(Serial::as_str)), (lane(1), Some("12345")));
    fixture.put_in(1);
    fixture.told_of(1, serial);
    fixture.until_verdict(1, 1);
    assert_eq!(fixture.codes(1), [VerdictCode::Ok]);
}

#[test]
fn a_nest_whose_line_fails_during_a_run_is_a_nest_fault_on_its_lane_alone_until_it_can_be_read() {
    let mut fixture = busy_beside();
    let mut watching = Watching::start(Box::new(Absent), Flashing::default());
    watching.switches[0].is(CLOSED);
    assert_eq!(watching.seated(), (lane(1), None));
    fixture.seat(1);
    fixture.until_symbol(1, 10);
    watching.switches[0].is(BROKEN);
    fixture.part(watching.job());
    fixture.until_verdict(1, 1);
    assert_eq!(fixture.codes(1), [VerdictCode::NestFault]);
    fixture.until_verdict(2, 1);
    assert_eq!(
        (fixture.codes(2), fixture.sent(2)),
        (vec![VerdictCode::Ok], vec![SendEnd::Complete])
    );

    watching.switches[0].is(OPEN);
    fixture.part(watching.job());
    assert!(matches!(watching.job(), Job::Lifted(of) if of == lane(1)));
    fixture.lift(1);
    fixture.seat(1);
    fixture.until_verdict(1, 2);
    assert_eq!(fixture.codes(1)[1], VerdictCode::Ok);
}

#[test]
fn a_nest_switch_that_is_stuck_open_under_a_unit_stops_its_lane_alone_until_it_closes() {
    let mut fixture = busy_beside();
    let mut watching = Watching::start(Box::new(Absent), fixture.flashing.clone());
    fixture.put_in(1);
    fixture.until("the unit's LED flashes", |fixture| fixture.flashing.in_lane(lane(1)));
    assert_eq!(fixture.stopped(1), None);
    fixture.part(watching.job());
    let cause = fixture.stopped(1).unwrap();
    assert!(cause.starts_with("nest-fault: an LED flashes in the nest"), "{cause}");
    fixture.until_verdict(2, 1);
    assert_eq!(
        (fixture.codes(2), fixture.sent(2)),
        (vec![VerdictCode::Ok], vec![SendEnd::Complete])
    );

    // Taken out, mended, and put in anew.
    fixture.lift(1);
    assert!(!fixture.flashing.in_lane(lane(1)));
    fixture.part(watching.job());
    assert_eq!(fixture.stopped(1), None);
    watching.switches[0].is(CLOSED);
    assert_eq!(watching.seated(), (lane(1), None));
    fixture.seat(1);
    fixture.until_verdict(1, 1);
    assert_eq!(fixture.codes(1), [VerdictCode::Ok]);
}

#[test]
fn a_printer_without_paper_is_label_failed_on_its_lane_alone_until_the_label_is_out() {
    let mut fixture = Fixture::new();
    fixture.wait(Duration::from_secs(3));
    fixture.seat(1);
    fixture.until_verdict(1, 1);
    assert_eq!(fixture.codes(1), [VerdictCode::Ok]);
    fixture.seat(2);
    fixture.until_sending(2);

    let (printer, zebra, _line) = zebra(vec![(true, 0), (false, 0), (false, 0)]);
    let (to_print, labels) = std::sync::mpsc::channel();
    let (to_clerk, mut jobs) = mpsc::channel(64);
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let thread =
        std::thread::spawn(move || labels::print(Clock::start(), Box::new(printer), &labels, &to_clerk, &stopped));
    to_print
        .send(OpenLabel {
            run: fixture.ends[0].1.run,
            lane: lane(1),
            serial: Serial::new("U1").ok(),
            device_id: None,
            lot: String::new(),
            work_order: String::new(),
        })
        .unwrap();
    let mut job = || within("a job", || jobs.try_recv().ok());
    let is = |job: Job, wanted: &str| {
        assert!(
            matches!(&job, Job::Note(Note::Label(_, state)) if state.as_str() == wanted),
            "{job:?}"
        );
    };
    is(job(), "failed");
    fixture.part(job());
    fixture.lift(1);
    let cause = fixture.stopped(1).unwrap();
    assert!(
        cause.starts_with("label-failed: ") && cause.ends_with("paper out"),
        "{cause}"
    );
    assert_eq!(fixture.codes(1), [VerdictCode::Ok], "the verdict stands");
    fixture.until_verdict(2, 1);
    assert_eq!(
        (fixture.codes(2), fixture.sent(2)),
        (vec![VerdictCode::Ok], vec![SendEnd::Complete])
    );

    // Somebody puts paper in; the thread tries again by itself.
    is(job(), "confirmed");
    fixture.part(job());
    assert_eq!(fixture.stopped(1), None);
    fixture.seat(1);
    fixture.until_verdict(1, 2);
    assert_eq!(fixture.codes(1)[1], VerdictCode::Ok);
    let heard = String::from_utf8(zebra.join().unwrap().0).unwrap();
    assert_eq!(heard.matches("^XA").count(), 1, "one label came out: {heard}");
    stop.cancel();
    thread.join().unwrap().unwrap();
}
