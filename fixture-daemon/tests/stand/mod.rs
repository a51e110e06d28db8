//! A stand made of the simulated jig's parts under the engine: units are seated, get ready, are sent a frame, and are taken away again.
//!
//! Unlike the jig as a whole it has no operator, network or ledger, and goes on with the next unit as soon as a frame is over; and how much
//! brighter than a unit's LED the lamp is can be chosen. Neighbours send at the same time, with lamps as bright.

use core::time::Duration;
use std::collections::VecDeque;

use blinkup::codes::{CodeTable, Colour};
use blinkup::frame::SymbolRate;
use blinkup::packet::{PlanId, Token};
use blinkup::reader::LedShape;
use blinkup::{Level, Symbol, Tick};
use fixture_daemon::config;
use fixture_daemon::engine::effect::{Effect, LaneEffect, Transmission};
use fixture_daemon::engine::gate::LoopBackLimits;
use fixture_daemon::engine::input::{Input, LampEdge, LaneInput, Seating, SendEnd, SendReport, TokenGrant};
use fixture_daemon::engine::lane::{LaneConfig, Validity};
use fixture_daemon::engine::line::{Line, LineConfig};
use fixture_daemon::engine::recipe::{Recipe, Rung};
use fixture_daemon::engine::sensor::Measures;
use fixture_daemon::engine::station::{Transmitter, UnitPower};
use fixture_daemon::jig::simulated::chance::{Chance, Stream};
use fixture_daemon::jig::simulated::cloud::Cloud;
use fixture_daemon::jig::simulated::fault::{Fault, Uses};
use fixture_daemon::jig::simulated::light::{Lamp, Steps};
use fixture_daemon::jig::simulated::network::Network;
use fixture_daemon::jig::simulated::sensor::{
    Afterglow, INTEGRATION, LedPart, SATURATED, Sensor, Shapes, Sources, Upset,
};
use fixture_daemon::jig::simulated::shows::Shows;
use fixture_daemon::jig::simulated::unit::{Nature, Port, Surroundings, Unit};
use fixture_ledger::record::{AttemptResult, UnitHistory};
use fixture_link::identity::{LaneId, RunId};
use fixture_link::verdict::VerdictCode;
use uuid::Uuid;

/// Lanes side by side, so that one has a neighbour on each side.
const LANES: u8 = 3;
/// Clear counts of a unit's LED with both dice lit: the weakest, and the strongest. A jig's units are of one product.
const LED: (f64, f64) = (260.0, 3_900.0);
/// By how much one lane's sensor sees more or less of it than the others: as far apart as the simulated jig's lanes.
const LANE: (f64, f64) = (0.645, 1.55);
/// Clear counts of the weakest lamp.
const LAMP: f64 = 2_500.0;

/// What is tried.
#[derive(Debug, Clone, Copy)]
pub struct Trial {
    /// From which all chance comes.
    pub seed: u64,
    /// How many times as bright as a unit's LED the lamp is in its sensor.
    pub lamp_over_led: f64,
    /// Symbols a second.
    pub rate: u8,
    /// Whether the units receive.
    pub units: Units,
    /// How many.
    pub count: u32,
}

/// What units do under the lamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Units {
    /// They receive, and are dark meanwhile.
    Receive,
    /// They do not see the lamp, and flash as before.
    DoNotSeeIt,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Units that were sent something.
    pub sent: u32,
    /// Units that were not.
    pub not_sent: u32,
    /// For each transmission that the engine stopped because the unit does not receive: how long after the first symbol.
    pub told: Vec<Duration>,
    /// Runs that ended for another reason, in its words.
    pub otherwise: Vec<String>,
}

/// Runs a trial.
pub fn run(trial: Trial) -> Outcome {
    let mut stand = Stand::new(trial);
    while stand.outcome.sent + stand.outcome.not_sent < trial.count {
        stand.next();
    }
    stand.outcome
}

struct Stand {
    trial: Trial,
    now: Tick,
    line: Line,
    lanes: Vec<Lane>,
    network: Network,
    cloud: Cloud,
    shows: Shows,
    units: u32,
    inbox: VecDeque<Input>,
    outcome: Outcome,
}

struct Lane {
    id: LaneId,
    chance: Chance,
    lamp: Lamp,
    /// Clear counts of the lamp at full level over the unit that is there.
    lamp_strength: f64,
    slow_share: f64,
    shapes: Shapes,
    sensor: Sensor,
    sample: Tick,
    unit: Option<(Unit, f64)>,
    dark: Steps<Colour>,
    /// When the next unit is seated.
    seats: Option<Tick>,
    flash_ends: Option<Tick>,
    sending: Option<Sending>,
    /// How long after its first symbol the engine stopped the last frame.
    stopped_after: Option<Duration>,
}

struct Sending {
    transmission: Transmission,
    began: Option<Tick>,
    shown: u32,
    at: Tick,
    stopped: Option<Tick>,
}

enum Next {
    Seat(usize),
    FlashEnds(usize),
    Symbol(usize),
    Sample(usize),
    Deadline,
}

impl Stand {
    fn new(trial: Trial) -> Self {
        let mut jig = Chance::new(trial.seed, Stream::Jig);
        let part = if jig.happens(0.5) {
            LedPart::YellowGreen
        } else {
            LedPart::TrueGreen
        };
        let mains = if jig.happens(0.5) { 50.0 } else { 60.0 };
        let led = jig.scaled(LED.0.max(LAMP / trial.lamp_over_led)..LED.1);
        let lanes: Vec<Lane> = LaneId::first(LANES)
            .map(|id| {
                let mut chance = Chance::new(trial.seed, Stream::Lane(id.number()));
                let led = led * chance.scaled(LANE.0..LANE.1);
                let afterglow = Afterglow::new(&mut chance);
                Lane {
                    id,
                    lamp: Lamp::new(afterglow.fades),
                    lamp_strength: trial.lamp_over_led * led,
                    slow_share: afterglow.share,
                    shapes: part.shapes().varied(0.01, &mut chance),
                    sensor: Sensor::new(mains, Chance::new(trial.seed, Stream::Lamp(id.number()))),
                    sample: Tick::from_micros(10_000 + 1_200 * u64::from(id.number())),
                    unit: None,
                    dark: Steps::new(Colour::Off),
                    seats: Some(Tick::ZERO + chance.millis(2_500..6_000)),
                    flash_ends: None,
                    sending: None,
                    stopped_after: None,
                    chance,
                }
            })
            .collect();
        let recipe = recipe(trial.rate);
        let network = Network::new(recipe.wifi.clone());
        let config = LineConfig {
            lanes: lanes.iter().map(commissioned).collect(),
            recipe,
            k_in_a_row: u32::MAX,
            golden_check: None,
            shared_within: Duration::from_mins(1),
            lot: String::new(),
        };
        let mut stand = Self {
            trial,
            now: Tick::ZERO,
            line: Line::new(config, &CodeTable::vendor()),
            lanes,
            network,
            cloud: Cloud::new(trial.seed),
            shows: Shows::vendor(),
            units: 0,
            inbox: VecDeque::new(),
            outcome: Outcome::default(),
        };
        stand.feed(Input::Tick);
        stand
    }

    fn next(&mut self) {
        let lanes = self.lanes.iter().enumerate().flat_map(|(index, lane)| {
            [
                lane.seats.map(|at| (at, Next::Seat(index))),
                lane.flash_ends.map(|at| (at, Next::FlashEnds(index))),
                lane.sending.as_ref().map(|sending| (sending.at, Next::Symbol(index))),
                Some((lane.sample, Next::Sample(index))),
            ]
        });
        let deadline = self.line.deadline().map(|(at, _)| (at, Next::Deadline));
        let Some((at, next)) = lanes.flatten().chain(deadline).min_by_key(|(at, _)| *at) else {
            return;
        };
        self.now = self.now.max(at);
        match next {
            Next::Seat(index) => self.seat(index),
            Next::FlashEnds(index) => {
                self.lanes[index].flash_ends = None;
                self.light(index, Symbol::Dark, 0.0);
                self.feed(Input::Lane(self.lanes[index].id, LaneInput::TestFlashed));
            }
            Next::Symbol(index) => self.symbol(index),
            Next::Sample(index) => self.sample(index),
            Next::Deadline => self.feed(Input::Tick),
        }
    }

    fn feed(&mut self, input: Input) {
        self.inbox.push_back(input);
        while let Some(input) = self.inbox.pop_front() {
            for effect in self.line.step(self.now, input) {
                self.effect(effect);
            }
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the stand has only some of what a jig has"
    )]
    fn effect(&mut self, effect: Effect) {
        let Effect::Lane(id, effect) = effect else { return };
        let index = id.index();
        let stored = |run| Input::Lane(id, LaneInput::Stored { run, result: Ok(()) });
        match effect {
            LaneEffect::BeginRun { run, .. } => self.inbox.push_back(stored(run)),
            LaneEffect::Commit(end) => {
                if end.attempts.is_empty() {
                    self.outcome.not_sent += 1;
                }
                // Every other unit is taken away before its verdict.
                if end.code != VerdictCode::LiftedEarly {
                    self.outcome.otherwise.push(format!("{}: {}", end.code, end.detail));
                }
                self.inbox.push_back(stored(end.run));
                self.lift(index);
            }
            LaneEffect::RequestToken { run, .. } => {
                let answer = Ok(TokenGrant {
                    id: run.to_string(),
                    token: Token::from_bytes([7; 8]),
                    plan: PlanId::from_bytes([1; 8]),
                });
                self.inbox.push_back(Input::Lane(id, LaneInput::Token { run, answer }));
            }
            LaneEffect::Send(transmission) => {
                let lane = &mut self.lanes[index];
                let at = self.now + lane.chance.time(Duration::from_micros(100)..Duration::from_millis(3));
                lane.sending = Some(Sending {
                    transmission,
                    began: None,
                    shown: 0,
                    at,
                    stopped: None,
                });
            }
            LaneEffect::StopSending => {
                if let Some(sending) = &mut self.lanes[index].sending {
                    sending.stopped.get_or_insert(self.now);
                }
            }
            LaneEffect::RecordAttempt { attempt, .. } => match attempt.result {
                AttemptResult::NotReceiving | AttemptResult::Damaged => {
                    self.outcome.told.extend(self.lanes[index].stopped_after.take());
                }
                _ => {}
            },
            LaneEffect::TestFlash { on } => {
                self.lanes[index].flash_ends = Some(self.now + on);
                self.edge(index, Symbol::Bright, 1.0);
            }
            _ => {}
        }
    }

    fn seat(&mut self, index: usize) {
        let trial = self.trial;
        self.units += 1;
        let lane = &mut self.lanes[index];
        lane.seats = None;
        let mut nature = Nature::new(trial.seed, self.units);
        let amber = lane.shapes.red[3] + lane.shapes.green[3];
        nature.strength = lane.lamp_strength / trial.lamp_over_led / amber;
        let strength = nature.strength;
        let fault = match trial.units {
            Units::Receive => None,
            Units::DoNotSeeIt => Some(Fault::Misaligned),
        };
        let mut unit = Unit::new(trial.seed, nature, 0, fault, (Uses::Settings, Port::Radio), self.now);
        let mut deeds = Vec::new();
        unit.power_on(
            self.now,
            &Surroundings {
                network: &self.network,
                cloud: &mut self.cloud,
                shows: &self.shows,
                lamp: lane.lamp.level(),
                deeds: &mut deeds,
            },
        );
        lane.unit = Some((unit, strength));
        let seating = Seating {
            run: RunId(Uuid::from_u128(u128::from(self.units))),
            serial: None,
            history: UnitHistory::default(),
        };
        let id = lane.id;
        self.feed(Input::Lane(id, LaneInput::Seated(seating)));
    }

    /// Takes the unit away; the next one comes once the empty nest was looked at.
    fn lift(&mut self, index: usize) {
        let lane = &mut self.lanes[index];
        if lane.unit.take().is_some() {
            lane.seats = Some(self.now + lane.chance.millis(2_500..4_000));
            self.inbox.push_back(Input::Lane(lane.id, LaneInput::Lifted));
        }
    }

    /// Sets a lamp and tells the engine.
    fn light(&mut self, index: usize, symbol: Symbol, level: f64) {
        self.edge(index, symbol, level);
        if let Some(edge) = self.inbox.pop_back() {
            self.feed(edge);
        }
    }

    fn edge(&mut self, index: usize, symbol: Symbol, level: f64) {
        self.live(index);
        let (now, lane) = (self.now, &mut self.lanes[index]);
        lane.lamp.set(now, level);
        let edge = LampEdge {
            from: now,
            at: now,
            symbol,
        };
        self.inbox.push_back(Input::Lane(lane.id, LaneInput::Lamp(edge)));
    }

    fn symbol(&mut self, index: usize) {
        let now = self.now;
        let lane = &mut self.lanes[index];
        let Some(sending) = &mut lane.sending else { return };
        let frame = sending.transmission.packet.frame(sending.transmission.preamble);
        let symbol = frame
            .symbol(sending.shown as usize)
            .filter(|_| sending.stopped.is_none());
        let Some(symbol) = symbol else {
            self.sent(index);
            return;
        };
        let level = match symbol {
            Symbol::Dark => Level::DARK,
            Symbol::Mid => sending.transmission.mid,
            Symbol::Bright => sending.transmission.bright,
        };
        let lasts = SymbolRate::new(sending.transmission.rate)
            .unwrap_or(SymbolRate::SLOWEST)
            .due(1);
        sending.began.get_or_insert(now);
        sending.shown += 1;
        sending.at = now + lasts + lane.chance.time(Duration::from_micros(4)..Duration::from_micros(80));
        self.light(index, symbol, f64::from(level.fraction()));
    }

    fn sent(&mut self, index: usize) {
        let lane = &mut self.lanes[index];
        let (id, now) = (lane.id, self.now);
        let Some(sending) = lane.sending.take() else { return };
        lane.stopped_after = sending
            .stopped
            .zip(sending.began)
            .map(|(stopped, began)| stopped.since(began));
        self.outcome.sent += 1;
        self.light(index, Symbol::Dark, 0.0);
        let report = SendReport {
            run: sending.transmission.run,
            attempt: sending.transmission.attempt,
            began: sending.began.unwrap_or(now),
            ended: now,
            symbols: sending.shown,
            end: if sending.stopped.is_some() {
                SendEnd::Stopped
            } else {
                SendEnd::Complete
            },
            latest: Duration::ZERO,
            lateness: [0; 21],
        };
        self.feed(Input::Lane(id, LaneInput::Sent(report)));
        self.lift(index);
        if let Some(lifted) = self.inbox.pop_back() {
            self.feed(lifted);
        }
    }

    fn sample(&mut self, index: usize) {
        let end = self.now;
        let start = end - INTEGRATION;
        self.live(index);
        let mut beside = Vec::new();
        for other in [index.checked_sub(1), index.checked_add(1)].into_iter().flatten() {
            if let Some(other) = self.lanes.get(other) {
                beside.push(other.sources().over(start, end));
            }
        }
        let lane = &mut self.lanes[index];
        let mut sensor = lane.sensor.clone();
        let seen = sensor.sample(end, &lane.sources(), beside.into_iter(), Upset::None);
        lane.sample = sensor.next(end);
        lane.sensor = sensor;
        let id = lane.id;
        if let Ok(Some(sample)) = seen {
            let mut effects = Vec::new();
            self.line.sample(end, id, &sample, &mut effects);
            for effect in effects {
                self.effect(effect);
            }
            while let Some(input) = self.inbox.pop_front() {
                self.feed(input);
            }
        }
    }

    fn live(&mut self, index: usize) {
        let lane = &mut self.lanes[index];
        let Some((unit, _)) = &mut lane.unit else { return };
        let mut deeds = Vec::new();
        let mut around = Surroundings {
            network: &self.network,
            cloud: &mut self.cloud,
            shows: &self.shows,
            lamp: lane.lamp.level(),
            deeds: &mut deeds,
        };
        unit.advance(self.now, &mut around);
    }
}

impl Lane {
    fn sources(&self) -> Sources<'_> {
        Sources {
            led: self.unit.as_ref().map_or(&self.dark, |(unit, _)| unit.led().light()),
            strength: self.unit.as_ref().map_or(0.0, |(_, strength)| *strength),
            shapes: self.shapes,
            lamp: &self.lamp,
            lamp_strength: self.lamp_strength,
            slow_share: self.slow_share,
        }
    }
}

/// The example recipe at one rate, without tokens.
fn recipe(rate: u8) -> Recipe {
    Recipe {
        enrols: false,
        wants_serial: false,
        runs_at_most: u32::MAX,
        ladder: vec![Rung {
            rate,
            bright: Level::new(0.8),
            mid_share: 0.5,
        }],
        ..config::example_recipe()
    }
}

/// A lane as its commissioning would have it.
#[expect(
    clippy::cast_possible_truncation,
    reason = "figures of commissioning have three digits"
)]
fn commissioned(lane: &Lane) -> LaneConfig {
    LaneConfig {
        lane: lane.id,
        shape: LedShape {
            red: lane.shapes.red.map(|channel| channel as f32),
            green: lane.shapes.green.map(|channel| channel as f32),
        },
        saturated_at: SATURATED,
        ambient: [40.0, 34.0, 26.0, 130.0],
        ambient_limit: 6_000.0,
        loop_back: LoopBackLimits {
            full: lane.lamp_strength.min(f64::from(SATURATED)) as f32,
            seen: 0.03,
            weak: 0.5,
        },
        sample_every: Duration::from_millis(10),
        unit_power: UnitPower::Nest,
        measures: Measures::Strength,
        reference: None,
        light: 1.0,
        transmitter: Transmitter::Lamp,
        calibration: Validity::Lasting,
    }
}
