//! Random scripts against what must always hold, and the policies beside a small model of their own.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use blinkup::codes::{CodeTable, Colour};
use blinkup::packet::{PlanId, Token};
use blinkup::reader::{LedShape, Observed, Reading, Shade};
use blinkup::sample::{Counts, Sample};
use blinkup::{Symbol, Tick};
use fixture_daemon::engine::effect::{Effect, LaneEffect, Signal};
use fixture_daemon::engine::gate::LoopBackLimits;
use fixture_daemon::engine::input::{
    ActFacts, ClaimAnswer, Input, LampEdge, LaneInput, Seating, SendEnd, SendReport, TokenGrant,
};
use fixture_daemon::engine::lane::{LaneConfig, Validity};
use fixture_daemon::engine::line::{Line, LineConfig};
use fixture_daemon::engine::policy::{Candidate, Policy, unit_refusal};
use fixture_daemon::engine::recipe::PassRule;
use fixture_daemon::engine::sensor::Measures;
use fixture_daemon::engine::station::{Transmitter, UnitPower};
use fixture_ledger::record::UnitHistory;
use fixture_link::act::{Act, ActId, ActRequest};
use fixture_link::bless::BlessEvent;
use fixture_link::identity::{LaneId, RunId, Serial};
use fixture_link::role::Role;
use fixture_link::snapshot::LaneState;
use fixture_link::verdict::{Class, Outcome, Refusal, VerdictCode};
use proptest::prelude::*;
use uuid::Uuid;

use crate::bench::{BLESSED, CLAIMED, LED_ONLY, recipe, run_id, serial, table};

/// One thing that the world does to a line.
#[derive(Debug, Clone)]
enum Event {
    Wait(u64),
    Place(u8),
    Seat(u8, Option<u8>),
    Lift(u8),
    Read(u8, usize),
    Unreadable(u8),
    Shade(u8, Colour),
    Store(u8, bool),
    Token(u8, bool),
    Claim(u8, bool),
    Symbol(u8, bool),
    Sent(u8, u8),
    Flashed(u8),
    Power(u8),
    SensorFails(u8),
    Sample(u8, u16),
    Bless(u8, bool),
    Stop(Option<u8>),
    Acknowledge,
    Start(Option<u8>),
    /// Everything a good unit does, so that scripts get far.
    Good(u8, u8),
}

const LANES: u8 = 2;

/// Codes that scripts read, the usual ones more often than others.
const READ: [&str; 16] = [
    "no-network-settings",
    "no-network-settings",
    "blinkup-successful",
    "searching-for-wifi",
    "joining-wifi",
    "getting-ip-address",
    "connecting-to-server",
    "connected",
    "connected",
    "factory-bless-pass",
    "factory-bless-fail",
    "power-supply-rapid-red",
    "normal-operation",
    "lost-connection",
    "spi-flash-error",
    "legacy-blinkup-unsuccessful",
];

fn event() -> impl Strategy<Value = Event> {
    let lane = 1..=LANES;
    prop_oneof![
        4 => prop_oneof![Just(10), 0_u64..400, 400_u64..3000, 3000_u64..40_000].prop_map(Event::Wait),
        3 => (lane.clone(), prop::option::weighted(0.9, 0_u8..4)).prop_map(|(lane, unit)| Event::Seat(lane, unit)),
        1 => lane.clone().prop_map(Event::Place),
        1 => lane.clone().prop_map(Event::Lift),
        6 => (lane.clone(), 0..READ.len()).prop_map(|(lane, code)| Event::Read(lane, code)),
        1 => lane.clone().prop_map(Event::Unreadable),
        4 => (lane.clone(), 0..4_usize).prop_map(|(lane, colour)| Event::Shade(lane, Colour::ALL[colour])),
        6 => (lane.clone(), prop::bool::weighted(0.9)).prop_map(|(lane, ok)| Event::Store(lane, ok)),
        4 => (lane.clone(), prop::bool::weighted(0.9)).prop_map(|(lane, ok)| Event::Token(lane, ok)),
        1 => (lane.clone(), any::<bool>()).prop_map(|(lane, ok)| Event::Claim(lane, ok)),
        2 => (lane.clone(), any::<bool>()).prop_map(|(lane, lit)| Event::Symbol(lane, lit)),
        4 => (lane.clone(), 0_u8..8).prop_map(|(lane, end)| Event::Sent(lane, end)),
        1 => lane.clone().prop_map(Event::Flashed),
        1 => lane.clone().prop_map(Event::Power),
        1 => lane.clone().prop_map(Event::SensorFails),
        3 => (lane.clone(), 0_u16..16_383).prop_map(|(lane, counts)| Event::Sample(lane, counts)),
        2 => (lane.clone(), prop::bool::weighted(0.8)).prop_map(|(lane, blessed)| Event::Bless(lane, blessed)),
        1 => prop::option::of(lane.clone()).prop_map(Event::Stop),
        2 => Just(Event::Acknowledge),
        1 => prop::option::of(lane.clone()).prop_map(Event::Start),
        3 => (lane, 0_u8..4).prop_map(|(lane, unit)| Event::Good(lane, unit)),
    ]
}

/// What the world remembers of a run.
#[derive(Debug, Default)]
struct Known {
    blessed: bool,
    claimed: bool,
    connected: bool,
    committed: Vec<VerdictCode>,
    /// The last record that the ledger took.
    stored: Option<VerdictCode>,
}

struct World {
    line: Line,
    table: CodeTable,
    pass: PassRule,
    now: Tick,
    runs: u128,
    events: u32,
    occupied: [Option<RunId>; LANES as usize],
    /// Runs whose record waits for the ledger's answer, and the code it holds (`None` for the first record).
    pending: [Vec<(RunId, Option<VerdictCode>)>; LANES as usize],
    sending: [Option<(RunId, u32)>; LANES as usize],
    tokens: [Option<(RunId, u32)>; LANES as usize],
    token_of: HashMap<String, RunId>,
    known: HashMap<RunId, Known>,
}

fn id(lane: u8) -> LaneId {
    LaneId::new(lane).unwrap()
}

fn place(lane: u8) -> usize {
    id(lane).index()
}

/// That and nothing else.
fn read(reading: Option<Reading>) -> Observed {
    Observed {
        reading,
        ..Observed::default()
    }
}

impl World {
    fn new(pass: PassRule) -> Self {
        let table = table();
        let line = Line::new(
            LineConfig {
                lanes: LaneId::first(LANES)
                    .map(|lane| LaneConfig {
                        lane,
                        shape: LedShape {
                            red: [1.02, 0.098, 0.061, 1.13],
                            green: [0.45, 1.01, 0.12, 1.38],
                        },
                        saturated_at: 16_383,
                        ambient: [300.0, 270.0, 200.0, 800.0],
                        ambient_limit: 4000.0,
                        loop_back: LoopBackLimits {
                            full: 6000.0,
                            seen: 0.1,
                            weak: 0.6,
                        },
                        sample_every: Duration::from_millis(10),
                        unit_power: if lane.number() == 1 {
                            UnitPower::Nest
                        } else {
                            UnitPower::Relay
                        },
                        transmitter: Transmitter::Lamp,
                        light: 1.0,
                        measures: Measures::Strength,
                        reference: None,
                        calibration: Validity::Lasting,
                    })
                    .collect(),
                recipe: recipe(pass),
                k_in_a_row: 3,
                golden_check: None,
                shared_within: Duration::from_mins(1),
                lot: String::new(),
            },
            &table,
        );
        Self {
            line,
            table,
            pass,
            now: Tick::from_micros(1_000_000),
            runs: 0,
            events: 0,
            occupied: [None; LANES as usize],
            pending: [const { Vec::new() }; LANES as usize],
            sending: [None; LANES as usize],
            tokens: [None; LANES as usize],
            token_of: HashMap::new(),
            known: HashMap::new(),
        }
    }

    fn lane(&mut self, lane: u8, input: LaneInput) {
        self.step(Input::Lane(id(lane), input));
    }

    fn step(&mut self, input: Input) {
        let effects = self.line.step(self.now, input);
        self.effects(effects);
        let deadline = self.line.deadline();
        assert!(
            deadline.is_none_or(|(at, _)| at > self.now),
            "deadline {deadline:?} at {}",
            self.now
        );
    }

    fn wait(&mut self, millis: u64) {
        let until = self.now + Duration::from_millis(millis);
        while let Some((at, _)) = self.line.deadline().filter(|(at, _)| *at <= until) {
            self.now = at.max(self.now);
            self.step(Input::Tick);
        }
        self.now = until;
    }

    fn observe(&mut self, lane: u8, observed: &Observed) {
        let effects = self.line.observe(self.now, id(lane), observed);
        self.effects(effects);
    }

    fn read(&mut self, lane: u8, code: &str) {
        let pattern = self.table.pattern_of(code).map(blinkup::codes::Pattern::id);
        if code == "connected"
            && let Some(run) = self.occupied[place(lane)]
        {
            self.known.entry(run).or_default().connected = true;
        }
        self.observe(
            lane,
            &Observed {
                shade: None,
                transient: None,
                reading: Some(Reading {
                    at: self.now,
                    pattern,
                    confidence: 0.999,
                }),
            },
        );
    }

    fn shade(&mut self, lane: u8, colour: Colour) {
        let shade = Some(Shade {
            at: self.now,
            from: self.now,
            colour,
        });
        self.observe(
            lane,
            &Observed {
                shade,
                ..Observed::default()
            },
        );
    }

    fn effects(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            let Effect::Lane(lane, effect) = effect else { continue };
            let at = lane.index();
            match effect {
                LaneEffect::BeginRun { run, .. } => {
                    assert!(self.occupied[at] == Some(run), "a run begins with its unit in the nest");
                    self.pending[at].push((run, None));
                }
                LaneEffect::RequestToken { run, attempt } => self.tokens[at] = Some((run, attempt)),
                LaneEffect::Send(transmission) => {
                    assert!(
                        self.occupied[at] == Some(transmission.run),
                        "the lamp never sends without its unit"
                    );
                    assert!(self.sending[at].is_none(), "one transmission at a time");
                    self.sending[at] = Some((transmission.run, transmission.attempt));
                }
                LaneEffect::SendByImp { .. } => unreachable!("no lane has an imp"),
                LaneEffect::StopSending => assert!(self.sending[at].is_some(), "there is something to stop"),
                LaneEffect::Commit(end) => {
                    let known = self.known.entry(end.run).or_default();
                    assert!(known.committed.len() < 2, "one verdict a run: {:?}", known.committed);
                    if let [first] = known.committed[..] {
                        assert_eq!(end.code, VerdictCode::StoreFailed, "after {first} only that it failed");
                    }
                    known.committed.push(end.code);
                    if end.code == VerdictCode::Ok {
                        let witnessed = match self.pass {
                            PassRule::Blessed { .. } => known.blessed,
                            PassRule::Claimed { .. } => known.claimed && known.connected,
                            PassRule::LedOnly { .. } => known.connected,
                        };
                        assert!(witnessed, "a PASS has its second witness");
                        assert!(self.occupied[at] == Some(end.run), "a PASS has its unit");
                    }
                    self.pending[at].push((end.run, Some(end.code)));
                }
                LaneEffect::Signal(signal @ (Signal::Pass | Signal::Fail)) => {
                    let run = self.line.view(self.now).lanes[at].run.expect("a run is shown");
                    let stored = self.known[&run].stored.expect("nothing is shown before it is stored");
                    let outcome = if signal == Signal::Pass {
                        Outcome::Pass
                    } else {
                        Outcome::Fail
                    };
                    assert_eq!(stored.outcome(), outcome);
                }
                LaneEffect::Signal(_)
                | LaneEffect::Refuse(..)
                | LaneEffect::PollClaim { .. }
                | LaneEffect::TestFlash { .. }
                | LaneEffect::PowerCycle { .. }
                | LaneEffect::RecordAttempt { .. }
                | LaneEffect::RecordLifted(_) => {}
            }
        }
        for (at, lane) in self.line.view(self.now).lanes.iter().enumerate() {
            if let LaneState::Verdict {
                outcome: Outcome::Pass | Outcome::Fail,
                code,
                ..
            } = &lane.state
            {
                let run = lane.run.expect("a verdict has a run");
                assert_eq!(
                    self.known[&run].stored,
                    Some(*code),
                    "nothing is shown before it is stored"
                );
            }
            if let LaneState::Sending { .. } = &lane.state {
                assert!(self.sending[at].is_some());
            }
        }
    }

    fn seat(&mut self, lane: u8, unit: Option<u8>) {
        self.runs += 1;
        let run = run_id(self.runs);
        if self.occupied[place(lane)].is_none() {
            self.occupied[place(lane)] = Some(run);
        }
        let seating = Seating {
            run,
            serial: unit.map(|unit| serial(&format!("U{lane}{unit}"))),
            history: UnitHistory::default(),
        };
        self.lane(lane, LaneInput::Seated(seating));
    }

    fn store(&mut self, lane: u8, ok: bool) {
        let Some((run, code)) = (!self.pending[place(lane)].is_empty()).then(|| self.pending[place(lane)].remove(0))
        else {
            return;
        };
        if ok && let Some(code) = code {
            self.known.entry(run).or_default().stored = Some(code);
        }
        let result = if ok { Ok(()) } else { Err("full".to_owned()) };
        self.lane(lane, LaneInput::Stored { run, result });
    }

    fn token(&mut self, lane: u8, ok: bool) {
        if let Some((run, attempt)) = self.tokens[place(lane)].take() {
            let token_id = format!("{run}-{attempt}");
            self.token_of.insert(token_id.clone(), run);
            let answer = if ok {
                Ok(TokenGrant {
                    id: token_id,
                    token: Token::from_bytes([7; 8]),
                    plan: PlanId::from_bytes([1; 8]),
                })
            } else {
                Err("503".to_owned())
            };
            self.lane(lane, LaneInput::Token { run, answer });
        }
    }

    fn sent(&mut self, lane: u8, end: SendEnd) {
        if let Some((run, attempt)) = self.sending[place(lane)].take() {
            let report = SendReport {
                run,
                attempt,
                began: self.now - Duration::from_secs(5),
                ended: self.now,
                symbols: 300,
                end,
                latest: Duration::ZERO,
                lateness: [0; 21],
            };
            self.lane(lane, LaneInput::Sent(report));
        }
    }

    fn bless(&mut self, lane: u8, blessed: bool) {
        let Some(run) = self.occupied[place(lane)] else { return };
        self.events += 1;
        let token = self
            .token_of
            .iter()
            .find(|(_, of)| **of == run)
            .map(|(token, _)| token.clone());
        if blessed && token.is_some() {
            self.known.entry(run).or_default().blessed = true;
        }
        self.step(Input::Bless(BlessEvent {
            event: format!("e{}", self.events),
            device_id: None,
            token_id: token,
            blessed,
        }));
    }

    fn act(&mut self, act: Act) {
        let request = ActRequest {
            id: ActId(Uuid::nil()),
            by: "console".to_owned(),
            role: Role::Admin,
            from: "console".to_owned(),
            act,
        };
        let facts = ActFacts::default();
        let facts = Box::new(facts);
        self.step(Input::Act { request, facts });
    }

    fn happens(&mut self, event: &Event) {
        match *event {
            Event::Wait(millis) => self.wait(millis),
            Event::Place(lane) => {
                if self.occupied[place(lane)].is_none() {
                    self.lane(lane, LaneInput::Placed(self.now));
                }
            }
            Event::Seat(lane, unit) => self.seat(lane, unit),
            Event::Lift(lane) => self.lift(lane),
            Event::Read(lane, code) => self.read(lane, READ[code]),
            Event::Unreadable(lane) => {
                let reading = Some(Reading {
                    at: self.now,
                    pattern: None,
                    confidence: 0.1,
                });
                self.observe(lane, &read(reading));
            }
            Event::Shade(lane, colour) => self.shade(lane, colour),
            Event::Store(lane, ok) => self.store(lane, ok),
            Event::Token(lane, ok) => self.token(lane, ok),
            Event::Claim(lane, ok) => {
                if let Some(run) = self.occupied[place(lane)] {
                    let answer = if ok {
                        self.known.entry(run).or_default().claimed = true;
                        ClaimAnswer::Claimed {
                            device_id: "00".repeat(8),
                            agent_url: None,
                        }
                    } else {
                        ClaimAnswer::NotYet
                    };
                    self.lane(lane, LaneInput::Claim { run, answer });
                }
            }
            Event::Symbol(lane, lit) => {
                let symbol = if lit { Symbol::Mid } else { Symbol::Dark };
                self.lane(
                    lane,
                    LaneInput::Lamp(LampEdge {
                        from: self.now,
                        at: self.now,
                        symbol,
                    }),
                );
            }
            Event::Sent(lane, end) => {
                let end = match end {
                    0 => SendEnd::Late,
                    1 => SendEnd::LampFailed("EIO".to_owned()),
                    2 => SendEnd::Stopped,
                    _ => SendEnd::Complete,
                };
                self.sent(lane, end);
            }
            Event::Flashed(lane) => self.lane(lane, LaneInput::TestFlashed),
            Event::Power(lane) => self.lane(lane, LaneInput::PowerCycled),
            Event::SensorFails(lane) => self.lane(lane, LaneInput::SensorFailed("bus".to_owned())),
            Event::Sample(lane, counts) => {
                let sample = Sample {
                    start: self.now - Duration::from_millis(9),
                    end: self.now,
                    counts: Counts {
                        red: counts / 3,
                        green: counts / 4,
                        blue: counts / 5,
                        clear: counts,
                    },
                };
                let mut effects = Vec::new();
                self.line.sample(self.now, id(lane), &sample, &mut effects);
                self.effects(effects);
            }
            Event::Bless(lane, blessed) => self.bless(lane, blessed),
            Event::Stop(lane) => self.act(Act::Stop {
                lane: lane.map(id),
                reason: "stop".to_owned(),
            }),
            Event::Acknowledge => self.act(Act::Acknowledge { note: String::new() }),
            Event::Start(lane) => self.act(Act::Start {
                lane: lane.map(id),
                serial: None,
            }),
            Event::Good(lane, unit) => self.good(lane, unit),
        }
    }

    fn lift(&mut self, lane: u8) {
        self.occupied[place(lane)] = None;
        let was_sending = self.sending[place(lane)].is_some();
        let effects = self.line.step(self.now, Input::Lane(id(lane), LaneInput::Lifted));
        let stops = effects
            .iter()
            .any(|effect| matches!(effect, Effect::Lane(of, LaneEffect::StopSending) if *of == id(lane)));
        self.effects(effects);
        if was_sending && stops {
            self.sent(lane, SendEnd::Stopped);
        }
        assert!(
            self.sending[place(lane)].is_none() || !stops,
            "a lifted unit leaves the lamp dark"
        );
    }

    fn good(&mut self, lane: u8, unit: u8) {
        if self.occupied[place(lane)].is_none() {
            self.seat(lane, Some(unit));
        }
        self.store(lane, true);
        self.shade(lane, Colour::Amber);
        self.read(lane, "no-network-settings");
        self.token(lane, true);
        self.wait(5000);
        self.sent(lane, SendEnd::Complete);
        self.shade(lane, Colour::Green);
        self.wait(3000);
        self.shade(lane, Colour::Off);
        self.read(lane, "connecting-to-server");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_happens_the_engine_keeps_its_word(
        rule in 0..3_usize,
        script in prop::collection::vec(event(), 1..80),
    ) {
        let mut world = World::new([BLESSED, CLAIMED, LED_ONLY][rule]);
        for event in &script {
            world.happens(event);
        }
        // At the end the ledger answers, the sender reports, and every run that began has exactly one verdict.
        for lane in 1..=LANES {
            world.occupied[place(lane)] = None;
            world.lane(lane, LaneInput::Lifted);
            for _ in 0..4 {
                world.sent(lane, SendEnd::Stopped);
                world.store(lane, true);
            }
        }
        world.wait(60_000);
        for lane in &world.line.view(world.now).lanes {
            prop_assert!(
                matches!(
                    lane.state,
                    LaneState::Empty | LaneState::LineStopped | LaneState::Stopped { .. } | LaneState::Verdict { .. }
                ),
                "{:?}", lane.state
            );
        }
    }

    #[test]
    fn the_policies_do_what_a_plain_model_does(
        runs in prop::collection::vec((0..3_usize, 0..6_u8, 0..8_usize, 0..40_u64), 1..80),
        k in 2..5_u32,
    ) {
        const CODES: [VerdictCode; 8] = [
            VerdictCode::Ok,
            VerdictCode::StuckJoining,
            VerdictCode::StuckJoining,
            VerdictCode::StuckIp,
            VerdictCode::NotReceiving,
            VerdictCode::NoLight,
            VerdictCode::LiftedEarly,
            VerdictCode::NoBlessEvent,
        ];
        let mut policy = Policy::new(3, k, Duration::from_mins(1));
        let mut model = Model::default();
        let mut now = Tick::from_micros(1);
        for (number, (lane, unit, code, seconds)) in runs.into_iter().enumerate() {
            now = now + Duration::from_secs(seconds);
            let run = run_id(number as u128);
            let unit = (unit > 0).then(|| serial(&format!("U{unit}")));
            let candidate = Candidate {
                run,
                lane: id(lane as u8 + 1),
                place: lane,
                serial: unit.clone(),
                code: CODES[code],
            };
            let trip = policy.judge(now, &candidate);
            let expected = model.judge(now, lane, run, unit.as_ref(), CODES[code], k);
            prop_assert_eq!(trip.is_some(), expected.is_some());
            if let (Some(trip), Some(earlier)) = (trip, expected) {
                let annotated: HashSet<RunId> = trip.annotations.iter().map(|note| note.run).collect();
                if !annotated.is_empty() {
                    prop_assert_eq!(annotated, earlier);
                }
            }
        }
    }

    #[test]
    fn a_unit_may_run_exactly_when_its_history_allows_it(
        codes in prop::collection::vec(0..4_usize, 0..5),
        passed in any::<bool>(),
    ) {
        const CODES: [VerdictCode; 4] =
            [VerdictCode::StuckIp, VerdictCode::StuckDns, VerdictCode::NotReady, VerdictCode::UnreadableLight];
        let codes: Vec<VerdictCode> = codes.into_iter().map(|code| CODES[code]).collect();
        let history = UnitHistory { runs: codes.len() as u32, passed, codes: codes.clone(), ..UnitHistory::default() };
        let different: HashSet<VerdictCode> = codes.iter().copied().collect();
        let expected = if passed {
            Some(Refusal::AlreadyPassed)
        } else if different.len() < codes.len() {
            Some(Refusal::Quarantined)
        } else if codes.len() >= 3 {
            Some(Refusal::RetestLimit)
        } else {
            None
        };
        let found = unit_refusal(&recipe(BLESSED), &history).map(|(refusal, _)| refusal);
        prop_assert_eq!(found, expected);
    }
}

/// The policies as one would explain them: look back over all runs since the last stop.
#[derive(Default)]
struct Model {
    runs: Vec<(Tick, usize, RunId, Option<Serial>, VerdictCode)>,
}

impl Model {
    /// The earlier runs that are suspect, where this one stops the line.
    fn judge(
        &mut self,
        now: Tick,
        lane: usize,
        run: RunId,
        unit: Option<&Serial>,
        code: VerdictCode,
        k: u32,
    ) -> Option<HashSet<RunId>> {
        if code.class() == Class::Operator {
            return None;
        }
        self.runs.push((now, lane, run, unit.cloned(), code));
        if code == VerdictCode::Ok {
            return None;
        }
        let row: Vec<_> = self
            .runs
            .iter()
            .rev()
            .filter(|past| past.1 == lane)
            .take_while(|past| past.4 == code)
            .collect();
        let named: HashSet<&Serial> = row.iter().filter_map(|past| past.3.as_ref()).collect();
        let nameless = row.iter().filter(|past| past.3.is_none()).count();
        let mut suspects: Option<HashSet<RunId>> =
            (named.len() + nameless >= k as usize).then(|| row.iter().map(|past| past.2).collect());
        if suspects.is_some() {
            // The lane's row, and what could be shared, start again.
            self.forget(Some(lane));
        } else if matches!(code, VerdictCode::StuckJoining | VerdictCode::StuckIp) {
            let recent: Vec<_> = self
                .runs
                .iter()
                .rev()
                .take_while(|past| past.4 != VerdictCode::Ok)
                .filter(|past| past.4 == code && past.2 != run && now.since(past.0) <= Duration::from_mins(1))
                .collect();
            let shared = recent
                .iter()
                .any(|past| past.1 != lane && (past.3.is_none() || past.3.as_ref() != unit));
            if shared {
                suspects = Some(recent.iter().map(|past| past.2).collect());
                self.forget(Some(lane));
            }
        }
        suspects.map(|mut suspects| {
            suspects.remove(&run);
            suspects
        })
    }

    /// A stop makes a fresh start for its lane, and for what lanes share.
    fn forget(&mut self, lane: Option<usize>) {
        for past in &mut self.runs {
            if lane == Some(past.1) {
                past.4 = VerdictCode::Ok;
            }
        }
        self.runs
            .push((Tick::ZERO, usize::MAX, run_id(u128::MAX), None, VerdictCode::Ok));
    }
}
