//! A bench for a whole line with real light: samples of a model sensor, a lamp whose edges are told, units with a plan.

use std::collections::BTreeMap;
use std::time::Duration;

use blinkup::codes::{CodeTable, Colour};
use blinkup::packet::{PlanId, Token};
use blinkup::reader::LedShape;
use blinkup::sample::{Counts, Sample};
use blinkup::{Level, Symbol, Tick};
use fixture_daemon::engine::effect::{Effect, LaneEffect, Signal, Transmission};
use fixture_daemon::engine::gate::LoopBackLimits;
use fixture_daemon::engine::golden::{CheckRules, KnownBad};
use fixture_daemon::engine::input::{
    ActFacts, ClaimAnswer, Input, LampEdge, LaneInput, Seating, SendEnd, SendReport, TokenGrant,
};
use fixture_daemon::engine::lane::{LaneConfig, Validity};
use fixture_daemon::engine::line::{Line, LineConfig};
use fixture_daemon::engine::recipe::Recipe;
use fixture_daemon::engine::sensor::Measures;
use fixture_daemon::engine::station::{Transmitter, UnitPower};
use fixture_ledger::record::{Annotation, Attempt, Audited, Purpose, RefusedStart, RunEnd, UnitHistory};
use fixture_link::act::{Act, ActAnswer, ActId, ActRequest};
use fixture_link::bless::BlessEvent;
use fixture_link::identity::{LaneId, RunId};
use fixture_link::role::Role;
use fixture_link::snapshot::{LaneState, StripPiece};
use fixture_link::verdict::VerdictCode;
use uuid::Uuid;

use crate::bench::{ms, run_id, serial, table};

const SAMPLE_EVERY: Duration = Duration::from_millis(10);
const INTEGRATION: Duration = Duration::from_micros(9600);
const AMBIENT: [f32; 4] = [300.0, 270.0, 200.0, 800.0];
/// What a comparator's light counts for.
const LIT: f32 = 1000.0;
/// Clear counts of the full lamp.
const LAMP: f32 = 6000.0;

fn shape() -> LedShape {
    // The shapes of the vendor-independent 631 nm + 571 nm part, as in the published traces.
    LedShape {
        red: [1.02, 0.098, 0.061, 1.13],
        green: [0.45, 1.01, 0.12, 1.38],
    }
}

/// What is wrong with a lane's own parts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Broken {
    Nothing,
    Lamp(f32),
    SensorStuck,
    SensorFull,
    Ambient(f32),
    SensorSilent,
    /// Every light is full light.
    OneLevel,
    /// Mid light is dark.
    NoMid,
    /// Light comes so many milliseconds late.
    Lags(u64),
}

/// A unit and what it will do.
#[derive(Debug, Clone)]
pub struct Unit {
    pub serial: Option<&'static str>,
    /// What it shows from power-up on: codes, each so many milliseconds; the last one is held.
    pub before: Vec<(&'static str, u64)>,
    /// Whether it notices the lamp.
    pub sees: bool,
    /// Transmissions that arrive damaged before one is good.
    pub damaged: u32,
    /// What it shows once a packet has arrived.
    pub after: Vec<(&'static str, u64)>,
    /// A bless event so long after the packet, and what it says.
    pub event: Option<(u64, bool)>,
    /// Its red and green die, as multiples of the reference unit's.
    pub dice: [f32; 2],
}

pub fn good_unit() -> Unit {
    Unit {
        serial: Some("U1"),
        before: vec![("normal-operation", 300), ("no-network-settings", 0)],
        sees: true,
        damaged: 0,
        after: vec![
            ("blinkup-successful", 3000),
            ("normal-operation", 300),
            ("searching-for-wifi", 4500),
            ("joining-wifi", 5500),
            ("getting-ip-address", 2000),
            ("connected", 4000),
            ("factory-bless-pass", 0),
        ],
        event: Some((21_000, true)),
        dice: [1.0, 1.0],
    }
}

struct Nest {
    unit: Option<Unit>,
    /// What the LED shows, from when.
    shows: Vec<(Tick, &'static str)>,
    lamp: Vec<(Tick, Level)>,
    sending: Option<(Transmission, Tick)>,
    broken: Broken,
    runs: u128,
}

pub struct Light {
    pub line: Line,
    table: CodeTable,
    pub now: Tick,
    nests: Vec<Nest>,
    events: BTreeMap<(Tick, u64), Event>,
    order: u64,
    next_sample: Tick,
    noise: u32,
    measures: Measures,
    /// The share of their light that the lamps give.
    lamp_share: f32,
    /// How often a unit's power was taken away.
    pub restarts: u32,
    pub ends: Vec<(LaneId, RunEnd)>,
    pub attempts: Vec<Attempt>,
    pub refusals: Vec<RefusedStart>,
    pub annotations: Vec<Annotation>,
    pub audited: Vec<Audited>,
    /// Parts whose notices were shelved.
    pub shelved: Vec<String>,
    /// Lanes whose golden check was done.
    pub checked: Vec<LaneId>,
    /// What the runs were for.
    /// What every run was run by, by name.
    pub recipes: Vec<String>,
    pub purposes: Vec<Purpose>,
    /// What was signalled.
    pub signals: Vec<Signal>,
    pub stops: Vec<Option<VerdictCode>>,
    pub late: bool,
    /// The cloud tells which device used each lane's tokens, and its bless events name nothing but the device.
    pub devices: Option<[&'static str; 2]>,
    /// Who is told of a bless event that fits nobody.
    pub unknown: Vec<String>,
}

enum Event {
    Input(Box<Input>),
    Sent(usize, SendEnd),
}

pub fn lane(number: u8) -> LaneId {
    LaneId::new(number).unwrap()
}

impl Light {
    pub fn new(lanes: u8, recipe: Recipe) -> Self {
        Self::with(lanes, recipe, Measures::Strength, &Validity::Lasting)
    }

    /// Lanes whose sensors tell no more than that, and whose calibration is good for so long.
    pub fn with(lanes: u8, recipe: Recipe, measures: Measures, calibration: &Validity) -> Self {
        Self::of(lanes, recipe, measures, calibration, UnitPower::Nest, 1.0)
    }

    /// Lanes whose units a relay can restart.
    pub fn with_relays(lanes: u8, recipe: Recipe) -> Self {
        Self::of(
            lanes,
            recipe,
            Measures::Strength,
            &Validity::Lasting,
            UnitPower::Relay,
            1.0,
        )
    }

    /// Lanes whose lamps give a share of their light.
    pub fn dimmed(lanes: u8, recipe: Recipe, light: f32) -> Self {
        Self::of(
            lanes,
            recipe,
            Measures::Strength,
            &Validity::Lasting,
            UnitPower::Nest,
            light,
        )
    }

    fn of(
        lanes: u8,
        recipe: Recipe,
        measures: Measures,
        calibration: &Validity,
        unit_power: UnitPower,
        light: f32,
    ) -> Self {
        let table = table();
        let config = LineConfig {
            lanes: LaneId::first(lanes)
                .map(|lane| LaneConfig {
                    lane,
                    shape: shape(),
                    saturated_at: 16_383,
                    ambient: AMBIENT,
                    ambient_limit: match measures {
                        Measures::Strength => 4000.0,
                        Measures::LitOrNot => LIT / 2.0,
                    },
                    loop_back: LoopBackLimits {
                        full: match measures {
                            Measures::Strength => LAMP,
                            Measures::LitOrNot => LIT,
                        },
                        seen: 0.1,
                        weak: 0.6,
                    },
                    sample_every: SAMPLE_EVERY,
                    unit_power,
                    transmitter: Transmitter::Lamp,
                    light,
                    measures,
                    reference: Some([900.0, 900.0]),
                    calibration: calibration.clone(),
                })
                .collect(),
            recipe,
            k_in_a_row: 3,
            golden_check: Some(CheckRules {
                known_bad: KnownBad::Asked,
                grace: Duration::ZERO,
            }),
            shared_within: Duration::from_mins(1),
            lot: "L1".to_owned(),
        };
        Self {
            line: Line::new(config, &table),
            table,
            now: Tick::from_micros(5_000_000),
            nests: (0..lanes)
                .map(|_| Nest {
                    unit: None,
                    shows: Vec::new(),
                    lamp: Vec::new(),
                    sending: None,
                    broken: Broken::Nothing,
                    runs: 0,
                })
                .collect(),
            events: BTreeMap::new(),
            order: 0,
            next_sample: Tick::from_micros(5_000_000),
            noise: 12_345,
            measures,
            lamp_share: light,
            restarts: 0,
            ends: Vec::new(),
            attempts: Vec::new(),
            refusals: Vec::new(),
            annotations: Vec::new(),
            audited: Vec::new(),
            shelved: Vec::new(),
            checked: Vec::new(),
            purposes: Vec::new(),
            signals: Vec::new(),
            recipes: Vec::new(),
            stops: Vec::new(),
            late: false,
            devices: None,
            unknown: Vec::new(),
        }
    }

    pub fn breaks(&mut self, number: u8, broken: Broken) {
        self.nests[lane(number).index()].broken = broken;
    }

    /// Seats a unit whose history the ledger knows.
    pub fn seats(&mut self, number: u8, unit: Unit, history: UnitHistory) {
        let seating = self.lies(number, unit, history);
        self.input(Input::Lane(lane(number), LaneInput::Seated(seating)));
    }

    /// Puts a unit into a nest, where it waits for its start; what starts it comes back.
    pub fn places(&mut self, number: u8, unit: Unit) -> Seating {
        let seating = self.lies(number, unit, UnitHistory::default());
        self.input(Input::Lane(lane(number), LaneInput::Placed(self.now)));
        seating
    }

    /// The start button is pressed.
    pub fn starts(&mut self, number: u8, seating: Seating) {
        self.input(Input::Lane(lane(number), LaneInput::Seated(seating)));
    }

    fn lies(&mut self, number: u8, unit: Unit, history: UnitHistory) -> Seating {
        let nest = &mut self.nests[lane(number).index()];
        nest.runs += 1;
        let run = run_id(u128::from(number) * 1000 + nest.runs);
        let mut at = self.now;
        nest.shows = unit
            .before
            .iter()
            .map(|(code, lasts)| {
                let from = at;
                at = at + ms(*lasts);
                (from, *code)
            })
            .collect();
        let seating = Seating {
            run,
            serial: unit.serial.map(serial),
            history,
        };
        nest.unit = Some(unit);
        seating
    }

    pub fn seat(&mut self, number: u8, unit: Unit) {
        self.seats(number, unit, UnitHistory::default());
    }

    pub fn lift(&mut self, number: u8) {
        let nest = &mut self.nests[lane(number).index()];
        nest.unit = None;
        nest.shows.clear();
        self.input(Input::Lane(lane(number), LaneInput::Lifted));
    }

    pub fn act(&mut self, act: Act) -> ActAnswer {
        self.act_on(act, None)
    }

    /// An act that names a serial of which the ledger says something.
    pub fn act_on(&mut self, act: Act, history: Option<UnitHistory>) -> ActAnswer {
        self.act_as(
            Role::Admin,
            act,
            ActFacts {
                history,
                ..ActFacts::default()
            },
        )
    }

    /// An act of somebody with that role, with all that it rests on.
    pub fn act_as(&mut self, role: Role, act: Act, facts: ActFacts) -> ActAnswer {
        self.input(Input::Act {
            request: ActRequest {
                id: ActId(Uuid::nil()),
                by: "console".to_owned(),
                role,
                from: "console".to_owned(),
                act,
            },
            facts: Box::new(facts),
        });
        self.audited.last().expect("every act is audited").answer.clone()
    }

    /// Runs a unit that was never run from an empty, checked nest to its verdict and lifts it.
    pub fn run(&mut self, number: u8, unit: Unit) -> VerdictCode {
        self.run_with(number, unit, UnitHistory::default())
    }

    /// The same with a unit of which the ledger says this.
    pub fn run_with(&mut self, number: u8, unit: Unit, history: UnitHistory) -> VerdictCode {
        self.wait(ms(3000));
        self.seats(number, unit, history);
        let ended = self.ends.len();
        for _ in 0..400 {
            self.wait(ms(500));
            if self.ends.len() > ended {
                break;
            }
        }
        let code = self.ends.get(ended).expect("a verdict within 200 s").1.code;
        self.wait(ms(500));
        self.lift(number);
        code
    }

    pub fn run_of(&self, number: u8) -> Option<RunId> {
        self.line.view(self.now).lanes[lane(number).index()].run
    }

    pub fn strip(&self, number: u8) -> Vec<StripPiece> {
        self.line.view(self.now).lanes[lane(number).index()].led.strip.clone()
    }

    pub fn state(&self, number: u8) -> LaneState {
        self.line.view(self.now).lanes[lane(number).index()].state.clone()
    }

    /// Lets time pass: deadlines, lamp edges, samples, in order.
    pub fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            let deadline = self.line.deadline().map(|(at, _)| at.max(self.now));
            let event = self.events.keys().next().map(|(at, _)| *at);
            let next = [deadline, event, Some(self.next_sample)]
                .into_iter()
                .flatten()
                .min()
                .expect("a sample");
            if next > until {
                break;
            }
            self.now = next;
            if event == Some(next) {
                let (_, event) = self.events.pop_first().expect("it was there");
                self.happens(event);
            } else if deadline == Some(next) {
                self.input(Input::Tick);
            } else {
                self.sample();
            }
        }
        self.now = until;
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Input(input) => self.input(*input),
            Event::Sent(place, end) => self.sent(place, end),
        }
    }

    fn later(&mut self, at: Tick, event: Event) {
        self.order += 1;
        self.events.insert((at, self.order), event);
    }

    pub fn input(&mut self, input: Input) {
        let effects = self.line.step(self.now, input);
        let deadline = self.line.deadline();
        assert!(
            deadline.is_none_or(|(at, _)| at > self.now),
            "deadline {deadline:?} at {}",
            self.now
        );
        self.effects(effects);
    }

    fn effects(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Lane(id, effect) => self.lane_effect(id, effect),
                Effect::Audit(audited) => self.audited.push(*audited),
                Effect::Shelve { part, .. } => self.shelved.push(part),
                Effect::CheckDone { lane, .. } => self.checked.push(lane),
                Effect::LineStopped(stop) => self.stops.push(stop.code),
                Effect::StopLifted(_) => self.stops.push(None),
                Effect::Annotate(annotations) => self.annotations.extend(annotations),
                Effect::UnknownBless(event) => self.unknown.push(event.event),
                Effect::Show => {}
            }
        }
    }

    fn lane_effect(&mut self, id: LaneId, effect: LaneEffect) {
        let now = self.now;
        let lane_input = |input| Event::Input(Box::new(Input::Lane(id, input)));
        match effect {
            LaneEffect::BeginRun {
                run, purpose, recipe, ..
            } => {
                self.recipes.push(recipe.name.clone());
                self.purposes.push(purpose);
                self.later(now + ms(2), lane_input(LaneInput::Stored { run, result: Ok(()) }));
            }
            LaneEffect::Commit(end) => {
                let run = end.run;
                self.ends.push((id, *end));
                self.later(now + ms(2), lane_input(LaneInput::Stored { run, result: Ok(()) }));
            }
            LaneEffect::Refuse(refused, _) => self.refusals.push(refused),
            LaneEffect::RequestToken { run, attempt } => {
                let answer = Ok(TokenGrant {
                    id: format!("{run}-{attempt}"),
                    token: Token::from_bytes([attempt as u8; 8]),
                    plan: PlanId::from_bytes([1; 8]),
                });
                self.later(now + ms(150), lane_input(LaneInput::Token { run, answer }));
            }
            LaneEffect::PollClaim { run, .. } => {
                let answer = match self.devices {
                    None => ClaimAnswer::NotYet,
                    Some(devices) => ClaimAnswer::Claimed {
                        device_id: devices[id.index()].to_owned(),
                        agent_url: Some("https://agent.example/x".to_owned()),
                    },
                };
                self.later(now + ms(50), lane_input(LaneInput::Claim { run, answer }));
            }
            LaneEffect::Send(transmission) => self.send(id, transmission),
            LaneEffect::SendByImp { .. } => unreachable!("the bench's lanes have lamps"),
            LaneEffect::StopSending => {
                self.events.retain(|_, event| match event {
                    Event::Input(input) => !matches!(&**input, Input::Lane(of, LaneInput::Lamp(_)) if *of == id),
                    Event::Sent(place, _) => *place != id.index(),
                });
                let nest = &mut self.nests[id.index()];
                nest.lamp.retain(|(at, _)| *at <= now);
                nest.lamp.push((now, Level::DARK));
                if self.nests[id.index()].sending.is_some() {
                    let edge = LampEdge {
                        from: now,
                        at: now,
                        symbol: Symbol::Dark,
                    };
                    self.later(now, lane_input(LaneInput::Lamp(edge)));
                    self.later(now + ms(1), Event::Sent(id.index(), SendEnd::Stopped));
                }
            }
            LaneEffect::TestFlash { on } => {
                let (from, until) = (now + ms(1), now + ms(1) + on);
                self.nests[id.index()].lamp = vec![(from, Level::FULL), (until, Level::DARK)];
                for (at, symbol) in [(from, Symbol::Bright), (until, Symbol::Dark)] {
                    self.later(
                        at + ms(3),
                        lane_input(LaneInput::Lamp(LampEdge { from: at, at, symbol })),
                    );
                }
                self.later(until + ms(5), lane_input(LaneInput::TestFlashed));
            }
            LaneEffect::RecordAttempt { attempt, .. } => self.attempts.push(attempt),
            LaneEffect::PowerCycle { off } => {
                self.restarts += 1;
                let back = now + off;
                let nest = &mut self.nests[id.index()];
                nest.shows = vec![(now, "normal-operation"), (back + ms(300), "no-network-settings")];
                self.later(back, lane_input(LaneInput::PowerCycled));
            }
            LaneEffect::Signal(signal) => self.signals.push(signal),
            LaneEffect::RecordLifted(_) => {}
        }
    }

    fn send(&mut self, id: LaneId, transmission: Transmission) {
        let began = self.now + ms(2);
        let period = Duration::from_secs(1) / u32::from(transmission.rate);
        let mut at = began;
        let mut lamp = Vec::new();
        let mut symbols = transmission
            .packet
            .frame(transmission.preamble)
            .symbols()
            .collect::<Vec<_>>();
        if self.late {
            symbols.truncate(40);
        }
        for symbol in symbols {
            let level = match symbol {
                Symbol::Dark => Level::DARK,
                Symbol::Mid => transmission.mid,
                Symbol::Bright => transmission.bright,
            };
            lamp.push((at, level));
            // Edges are told a little late, as by another thread.
            let edge = LampEdge { from: at, at, symbol };
            self.later(
                at + ms(4),
                Event::Input(Box::new(Input::Lane(id, LaneInput::Lamp(edge)))),
            );
            at = at + period;
        }
        lamp.push((at, Level::DARK));
        let nest = &mut self.nests[id.index()];
        nest.lamp = lamp;
        nest.sending = Some((transmission, began));
        if nest.unit.as_ref().is_some_and(|unit| unit.sees) {
            nest.shows.push((began + ms(350), "receiving-blinkup"));
        }
        let end = if self.late { SendEnd::Late } else { SendEnd::Complete };
        self.later(at + ms(5), Event::Sent(id.index(), end));
    }

    fn sent(&mut self, place: usize, end: SendEnd) {
        let now = self.now;
        let nest = &mut self.nests[place];
        let Some((transmission, began)) = nest.sending.take() else {
            return;
        };
        let mut event = None;
        if let Some(unit) = &mut nest.unit
            && unit.sees
        {
            if end == SendEnd::Complete && unit.damaged == 0 {
                let mut at = now;
                for (code, lasts) in &unit.after {
                    nest.shows.push((at, code));
                    at = at + ms(*lasts);
                }
                event = unit.event;
            } else {
                unit.damaged = unit.damaged.saturating_sub(1);
                nest.shows.push((now + ms(100), "factory-bless-fail"));
                nest.shows.push((now + ms(300), "normal-operation"));
                nest.shows.push((now + ms(700), "no-network-settings"));
            }
        }
        let report = SendReport {
            run: transmission.run,
            attempt: transmission.attempt,
            began,
            ended: now,
            symbols: 100,
            end,
            latest: ms(1),
            lateness: [0; 21],
        };
        let id = lane(place as u8 + 1);
        if let Some((after, blessed)) = event {
            let event = BlessEvent {
                event: format!("{}-{}", transmission.run, transmission.attempt),
                device_id: Some(
                    self.devices
                        .map_or("00000000000000aa", |devices| devices[place])
                        .to_owned(),
                ),
                token_id: match self.devices {
                    None => Some(format!("{}-{}", transmission.run, transmission.attempt)),
                    Some(_) => None,
                },
                blessed,
            };
            self.later(now + ms(after), Event::Input(Box::new(Input::Bless(event))));
        }
        self.input(Input::Lane(id, LaneInput::Sent(report)));
    }

    fn sample(&mut self) {
        let end = self.now;
        self.next_sample = end + SAMPLE_EVERY;
        for place in 0..self.nests.len() {
            let noise: [f32; 4] = [0; 4].map(|_: i32| {
                self.noise = self.noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                f32::from((self.noise >> 16) as u16) / 65536.0 * 12.0 - 6.0
            });
            let nest = &self.nests[place];
            if nest.broken == Broken::SensorSilent {
                continue;
            }
            let sample = Sample {
                start: end - INTEGRATION,
                end,
                counts: match self.measures {
                    Measures::Strength => self.counts(nest, end - INTEGRATION / 2, noise),
                    Measures::LitOrNot => lit_or_not(self.counts(nest, end - INTEGRATION / 2, noise), noise),
                },
            };
            let mut effects = Vec::new();
            self.line.sample(self.now, lane(place as u8 + 1), &sample, &mut effects);
            self.effects(effects);
        }
    }

    #[expect(clippy::cast_sign_loss, reason = "clamped to the sensor's range")]
    fn counts(&self, nest: &Nest, at: Tick, noise: [f32; 4]) -> Counts {
        let (ambient, lamp_share) = match nest.broken {
            Broken::SensorStuck => {
                return Counts {
                    red: 310,
                    green: 280,
                    blue: 210,
                    clear: 820,
                };
            }
            Broken::SensorFull => {
                return Counts {
                    red: 16_383,
                    green: 16_383,
                    blue: 16_383,
                    clear: 16_383,
                };
            }
            Broken::Ambient(times) => (times, 1.0),
            Broken::Lamp(share) => (1.0, share),
            Broken::Nothing | Broken::SensorSilent | Broken::OneLevel | Broken::NoMid | Broken::Lags(_) => (1.0, 1.0),
        };
        let lit_at = match nest.broken {
            Broken::Lags(millis) => at - ms(millis),
            _ => at,
        };
        let told = nest
            .lamp
            .iter()
            .rev()
            .find(|(from, _)| *from <= lit_at)
            .map_or(0.0, |(_, level)| level.fraction() * self.lamp_share);
        let lamp = lamp_share
            * match nest.broken {
                Broken::OneLevel if told > 0.0 => 1.0,
                Broken::NoMid if told < 0.75 => 0.0,
                _ => told,
            };
        let (red, green) = match self.colour(nest, at) {
            Colour::Off => (0.0, 0.0),
            Colour::Red => (900.0, 0.0),
            Colour::Amber => (900.0, 900.0),
            Colour::Green => (0.0, 900.0),
        };
        let die = shape();
        let white = [0.4, 0.35, 0.3, 1.0];
        let [of_red, of_green] = nest.unit.as_ref().map_or([1.0; 2], |unit| unit.dice);
        let (red, green) = (red * of_red, green * of_green);
        let counted = |channel: usize| {
            let sum = AMBIENT[channel] * ambient
                + red * die.red[channel]
                + green * die.green[channel]
                + lamp * LAMP * white[channel];
            (sum + noise[channel] * sum.sqrt() / 10.0).clamp(0.0, 16_383.0) as u16
        };
        Counts {
            red: counted(0),
            green: counted(1),
            blue: counted(2),
            clear: counted(3),
        }
    }

    fn colour(&self, nest: &Nest, at: Tick) -> Colour {
        let Some((from, code)) = nest.shows.iter().rev().find(|(from, _)| *from <= at) else {
            return Colour::Off;
        };
        let code = self.table.code(code).expect("a code of the table");
        let lasts = |step: &blinkup::codes::Step| step.lasts.map_or(Duration::from_hours(1), |span| span.longest);
        let period: Duration = code.steps.iter().map(lasts).sum();
        let mut into = at.since(*from);
        if code.repeats {
            into = Duration::from_micros((into.as_micros() % period.as_micros()) as u64);
        }
        for step in &code.steps {
            if into < lasts(step) {
                return step.colour.unwrap_or(Colour::Off);
            }
            into -= lasts(step);
        }
        Colour::Off
    }
}

/// What comparators make of light: their thresholds lie between the dark and the LED, and each is wrong once in a hundred samples.
fn lit_or_not(counts: Counts, noise: [f32; 4]) -> Counts {
    let told = |count: u16, threshold: u16, noise: f32| {
        if (count > threshold) == (noise < 5.88) { 1000 } else { 0 }
    };
    let (red, green) = (told(counts.red, 900, noise[0]), told(counts.green, 700, noise[1]));
    Counts {
        red,
        green,
        blue: 0,
        clear: red.max(green),
    }
}
