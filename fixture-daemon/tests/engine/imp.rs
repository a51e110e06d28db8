//! A lane whose units an imp configures: what the engine makes of its answers, and whose blessings it tells.

use std::time::Duration;

use blinkup::Tick;
use blinkup::codes::{CodeTable, Colour};
use blinkup::reader::{LedShape, Observed, Reading, Shade};
use fixture_daemon::engine::effect::{Effect, LaneEffect};
use fixture_daemon::engine::gate::LoopBackLimits;
use fixture_daemon::engine::input::{Input, LaneInput, Part, Seating, SendEnd, SendReport};
use fixture_daemon::engine::lane::{LaneConfig, Validity};
use fixture_daemon::engine::line::{Line, LineConfig};
use fixture_daemon::engine::sensor::Measures;
use fixture_daemon::engine::station::{Transmitter, UnitPower};
use fixture_ledger::record::{AnnotationKind, RunEnd, UnitHistory};
use fixture_link::bless::BlessEvent;
use fixture_link::identity::{LaneId, RunId};
use fixture_link::snapshot::LaneState;
use fixture_link::verdict::VerdictCode;

use crate::bench::{BLESSED, ms, recipe, run_id, serial, table};

const DEVICES: [&str; 3] = ["200000000000000a", "200000000000000b", "200000000000000c"];

fn lane() -> LaneId {
    LaneId::new(1).unwrap()
}

struct Bench {
    line: Line,
    table: CodeTable,
    now: Tick,
    runs: u128,
    events: u32,
    ends: Vec<RunEnd>,
    orders: Vec<(RunId, u32)>,
    stops: u32,
    asked: u32,
    unknown: Vec<String>,
    late: Vec<RunId>,
}

impl Bench {
    fn new() -> Self {
        Self::with(UnitPower::Nest)
    }

    fn with(unit_power: UnitPower) -> Self {
        let table = table();
        let config = LineConfig {
            lanes: vec![LaneConfig {
                lane: lane(),
                shape: LedShape {
                    red: [1.0, 0.1, 0.0, 1.1],
                    green: [0.4, 1.0, 0.1, 1.3],
                },
                saturated_at: 16_383,
                ambient: [0.0; 4],
                ambient_limit: 4000.0,
                loop_back: LoopBackLimits {
                    full: 6000.0,
                    seen: 0.03,
                    weak: 0.5,
                },
                sample_every: ms(10),
                unit_power,
                transmitter: Transmitter::Imp { rate: 60 },
                light: 1.0,
                measures: Measures::Strength,
                reference: None,
                calibration: Validity::Lasting,
            }],
            recipe: recipe(BLESSED),
            k_in_a_row: 3,
            golden_check: None,
            shared_within: Duration::from_mins(1),
            lot: String::new(),
        };
        Self {
            line: Line::new(config, &table),
            table,
            now: Tick::from_micros(1_000_000),
            runs: 0,
            events: 0,
            ends: Vec::new(),
            orders: Vec::new(),
            stops: 0,
            asked: 0,
            unknown: Vec::new(),
            late: Vec::new(),
        }
    }

    fn input(&mut self, input: LaneInput) {
        self.step(Input::Lane(lane(), input));
    }

    fn step(&mut self, input: Input) {
        let effects = self.line.step(self.now, input);
        self.effects(effects);
    }

    fn effects(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Lane(_, LaneEffect::BeginRun { run, .. }) => {
                    self.input(LaneInput::Stored { run, result: Ok(()) });
                }
                Effect::Lane(_, LaneEffect::Commit(end)) => {
                    let run = end.run;
                    self.ends.push(*end);
                    self.input(LaneInput::Stored { run, result: Ok(()) });
                }
                Effect::Lane(_, LaneEffect::SendByImp { run, attempt }) => self.orders.push((run, attempt)),
                Effect::Lane(_, LaneEffect::StopSending) => self.stops += 1,
                Effect::Lane(_, LaneEffect::RequestToken { .. } | LaneEffect::PollClaim { .. }) => self.asked += 1,
                Effect::Lane(_, LaneEffect::Send(_)) => panic!("the lamp does not send"),
                Effect::UnknownBless(event) => self.unknown.push(event.event),
                Effect::Annotate(notes) => {
                    assert!(notes.iter().all(|note| note.kind == AnnotationKind::LateBlessEvent));
                    self.late.extend(notes.iter().map(|note| note.run));
                }
                Effect::Lane(..)
                | Effect::Audit(_)
                | Effect::Shelve { .. }
                | Effect::CheckDone { .. }
                | Effect::LineStopped(_)
                | Effect::StopLifted(_)
                | Effect::Show => {}
            }
        }
    }

    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some((at, _)) = self.line.deadline().filter(|(at, _)| *at <= until) {
            self.now = at.max(self.now);
            self.step(Input::Tick);
        }
        self.now = until;
    }

    fn reads(&mut self, colour: Colour, code: &str) {
        let observed = Observed {
            transient: None,
            shade: Some(Shade {
                at: self.now,
                from: self.now,
                colour,
            }),
            reading: Some(Reading {
                at: self.now,
                pattern: self.table.pattern_of(code).map(blinkup::codes::Pattern::id),
                confidence: 0.999,
            }),
        };
        let effects = self.line.observe(self.now, lane(), &observed);
        self.effects(effects);
    }

    fn seats(&mut self, name: &str) -> RunId {
        self.runs += 1;
        let run = run_id(self.runs);
        self.input(LaneInput::Seated(Seating {
            run,
            serial: Some(serial(name)),
            history: UnitHistory::default(),
        }));
        self.wait(ms(500));
        self.reads(Colour::Amber, "no-network-settings");
        run
    }

    fn answers(&mut self, end: SendEnd) {
        let (run, attempt) = *self.orders.last().expect("an order");
        self.input(LaneInput::Sent(SendReport {
            run,
            attempt,
            began: self.now - ms(4000),
            ended: self.now,
            symbols: 0,
            end,
            latest: Duration::ZERO,
            lateness: [0; 21],
        }));
    }

    /// A unit that is configured and gets online.
    fn online(&mut self, name: &str) -> RunId {
        let run = self.seats(name);
        self.wait(ms(6000));
        self.answers(SendEnd::Complete);
        self.reads(Colour::Green, "blinkup-successful");
        self.wait(ms(3500));
        self.reads(Colour::Red, "searching-for-wifi");
        self.wait(ms(3000));
        self.reads(Colour::Green, "connected");
        self.wait(ms(1000));
        run
    }

    /// The LED shows blessed.
    fn green(&mut self) {
        self.reads(Colour::Green, "factory-bless-pass");
        self.wait(ms(6000));
    }

    fn blesses(&mut self, device: &str) {
        self.events += 1;
        self.input(LaneInput::Bless(BlessEvent {
            event: format!("imp-{}", self.events),
            device_id: Some(device.to_owned()),
            token_id: None,
            blessed: true,
        }));
    }

    fn lifts(&mut self) {
        self.input(LaneInput::Lifted);
        self.wait(ms(1000));
    }

    fn codes(&self) -> Vec<VerdictCode> {
        self.ends.iter().map(|end| end.code).collect()
    }
}

#[test]
fn the_imp_gets_its_token_itself_and_its_event_blesses_the_unit_that_is_online() {
    let mut bench = Bench::new();
    bench.online("SN-1");
    bench.green();
    assert!(bench.ends.is_empty(), "green alone passes nobody");
    bench.blesses(DEVICES[0]);
    assert_eq!(bench.codes(), [VerdictCode::Ok]);
    assert_eq!(bench.ends[0].device_id.as_deref(), Some(DEVICES[0]));
    assert_eq!(bench.asked, 0, "no token, and no question who used it");
    assert_eq!(bench.ends[0].attempts[0].token_id, None);
    assert_eq!(bench.ends[0].attempts[0].mid_permille, None, "its levels are its own");
}

#[test]
fn an_event_that_comes_before_the_unit_is_seen_online_is_kept_for_it() {
    let mut bench = Bench::new();
    bench.seats("SN-1");
    bench.wait(ms(6000));
    bench.answers(SendEnd::Complete);
    bench.reads(Colour::Green, "blinkup-successful");
    bench.wait(ms(3500));
    bench.reads(Colour::Red, "searching-for-wifi");
    bench.blesses(DEVICES[0]);
    bench.wait(ms(1000));
    bench.reads(Colour::Green, "connected");
    bench.wait(ms(1000));
    bench.green();
    assert_eq!(bench.codes(), [VerdictCode::Ok]);
}

#[test]
fn an_event_that_could_be_the_unit_before_passes_nobody() {
    let mut bench = Bench::new();
    // Its event does not come while it is watched.
    bench.online("SN-1");
    bench.green();
    bench.wait(Duration::from_mins(1));
    bench.lifts();
    assert_eq!(bench.codes(), [VerdictCode::NoBlessEvent]);
    bench.online("SN-2");
    bench.green();
    // The first unit's, on its way for a while, or the second's?
    bench.blesses(DEVICES[0]);
    bench.wait(Duration::from_mins(1));
    assert_eq!(bench.codes()[1], VerdictCode::NoBlessEvent);
    assert_eq!(bench.unknown, ["imp-1"]);
    bench.lifts();
    // By the time of the next one's event its neighbour has been without power for more than half a minute.
    bench.online("SN-3");
    bench.green();
    bench.wait(Duration::from_secs(12));
    bench.blesses(DEVICES[2]);
    assert_eq!(bench.codes()[2], VerdictCode::Ok);
}

#[test]
fn an_event_of_a_device_that_was_in_an_earlier_run_is_that_ones() {
    let mut bench = Bench::new();
    let first = bench.online("SN-1");
    bench.green();
    bench.blesses(DEVICES[0]);
    bench.lifts();
    bench.online("SN-2");
    bench.green();
    bench.blesses(DEVICES[0]);
    assert_eq!(bench.late, [first], "it says it again");
    bench.blesses(DEVICES[1]);
    assert_eq!(bench.codes(), [VerdictCode::Ok, VerdictCode::Ok]);
    // The same unit once more: its device is its own.
    bench.lifts();
    bench.online("SN-2");
    bench.green();
    bench.blesses(DEVICES[1]);
    assert_eq!(bench.codes()[2], VerdictCode::Ok);
}

#[test]
fn an_event_without_a_run_is_kept_for_nobody() {
    let mut bench = Bench::new();
    bench.blesses(DEVICES[0]);
    assert_eq!(bench.unknown, ["imp-1"]);
    bench.online("SN-1");
    bench.green();
    bench.wait(Duration::from_mins(1));
    assert_eq!(bench.codes(), [VerdictCode::NoBlessEvent]);
}

#[test]
fn an_imp_that_sends_nothing_is_the_networks_or_the_fixtures_fault_as_it_says() {
    for (end, code) in [
        (
            SendEnd::NotSent("no token in 20 s".to_owned()),
            VerdictCode::TokenUnavailable,
        ),
        (SendEnd::LampFailed("unplugged".to_owned()), VerdictCode::LampNotSeen),
    ] {
        let mut bench = Bench::new();
        bench.seats("SN-1");
        bench.answers(end);
        assert_eq!(bench.codes(), [code]);
    }
}

#[test]
fn an_imp_may_take_twenty_seconds_for_its_token_and_is_given_up_long_after() {
    let mut bench = Bench::new();
    bench.seats("SN-1");
    bench.wait(Duration::from_secs(45));
    assert!(bench.ends.is_empty());
    bench.wait(Duration::from_secs(6));
    // It is told to stop, and does not report that either.
    assert_eq!(bench.stops, 1);
    bench.wait(Duration::from_secs(6));
    assert_eq!(bench.codes(), [VerdictCode::LampNotSeen]);
}

#[test]
fn a_unit_that_is_lifted_while_the_imp_sends_ends_when_the_imp_is_done() {
    let mut bench = Bench::new();
    bench.seats("SN-1");
    bench.wait(ms(2000));
    bench.input(LaneInput::Lifted);
    bench.wait(Duration::from_secs(20));
    assert!(bench.ends.is_empty(), "the next unit would get this one's light");
    bench.answers(SendEnd::Stopped);
    assert_eq!(bench.codes(), [VerdictCode::LiftedEarly]);
}

#[test]
fn an_order_that_could_end_after_the_unit_has_stopped_listening_is_not_given() {
    let mut bench = Bench::new();
    bench.seats("SN-1");
    // Two orders that the unit does not answer; the third could end after its minute.
    bench.wait(Duration::from_secs(15));
    bench.answers(SendEnd::Complete);
    bench.wait(ms(6500));
    bench.reads(Colour::Amber, "no-network-settings");
    assert_eq!(bench.orders.len(), 2);
    bench.wait(Duration::from_secs(15));
    bench.answers(SendEnd::Complete);
    bench.wait(ms(6500));
    bench.reads(Colour::Amber, "no-network-settings");
    assert_eq!(bench.orders.len(), 2);
    assert_eq!(bench.codes(), [VerdictCode::ReceptionError]);
    assert!(
        bench.ends[0].detail.contains("seat it again"),
        "{}",
        bench.ends[0].detail
    );
}

#[test]
fn a_relay_that_fails_ends_the_run_as_the_fixtures_fault_and_the_lane_waits_for_it() {
    let mut bench = Bench::with(UnitPower::Relay);
    bench.seats("SN-1");
    let part = |fault: Option<&str>| LaneInput::Part {
        part: Part::Power,
        fault: fault.map(str::to_owned),
    };
    bench.input(part(Some("the line is gone")));
    bench.answers(SendEnd::Stopped);
    assert_eq!(bench.codes(), [VerdictCode::NestFault]);
    bench.lifts();
    bench.wait(Duration::from_secs(20));
    let state = |bench: &Bench| bench.line.view(bench.now).lanes[0].state.clone();
    assert!(
        matches!(state(&bench), LaneState::Stopped { .. }),
        "{:?}",
        state(&bench)
    );
    bench.input(part(None));
    assert_eq!(state(&bench), LaneState::Empty);
}
