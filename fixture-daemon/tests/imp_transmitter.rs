//! An imp in the place of a lamp, from the engine over the sender's thread and a serial line to a peer that is written from
//! `hw/imp-transmitter/PROTOCOL.md` alone, with frames lost, doubled and damaged both ways.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use blinkup::codes::{CodeTable, Colour};
use blinkup::packet::{Password, Ssid, Wifi};
use blinkup::reader::{LedShape, Observed, Reading, Shade};
use blinkup::{Level, Tick};
use fixture_daemon::clock::Clock;
use fixture_daemon::config::example_recipe;
use fixture_daemon::engine::effect::{Effect, LaneEffect};
use fixture_daemon::engine::gate::LoopBackLimits;
use fixture_daemon::engine::input::{Input, LaneInput, Seating, SendEnd};
use fixture_daemon::engine::lane::{LaneConfig, Validity};
use fixture_daemon::engine::line::{Line, LineConfig};
use fixture_daemon::engine::recipe::{PassRule, Recipe};
use fixture_daemon::engine::sensor::Measures;
use fixture_daemon::engine::station::{Transmitter as By, UnitPower};
use fixture_daemon::jig::raspberry_pi::serial::Port;
use fixture_daemon::jig::raspberry_pi::transmitter::lamp::ByImp;
use fixture_daemon::jig::raspberry_pi::transmitter::{News, Speed, Transmitter};
use fixture_daemon::jig::{JigError, Lamp};
use fixture_daemon::sender::Sender;
use fixture_daemon::tasks::Tasks;
use fixture_daemon::watchdog::Beat;
use fixture_ledger::record::{EvidenceKind, RunEnd, UnitHistory};
use fixture_link::identity::{LaneId, RunId, Serial};
use fixture_link::verdict::VerdictCode;
use serialport::{SerialPort as _, TTYPort};
use tokio::sync::mpsc;

const DEVICE: &str = "2000000000000042";

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

// --- the peer: PROTOCOL.md, and nothing of the daemon's ------------------------------------------------------------------

/// "CRC-16, polynomial 0x1021, all ones at first".
fn check_of(text: &str) -> u16 {
    let mut crc = 0xffff_u16;
    for byte in text.bytes() {
        crc ^= u16::from(byte) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 == 0 {
                crc << 1
            } else {
                (crc << 1) ^ 0x1021
            };
        }
    }
    crc
}

fn line_of(kind: char, number: u8, payload: &str) -> String {
    let body = format!("1{kind}{number:02X}{payload}");
    format!(":{body}*{:04X}\n", check_of(&body))
}

/// Kind, number and payload of a line without its `:` and LF; nothing where it is damaged.
fn read_line(line: &str) -> Option<(char, u8, String)> {
    let (body, check) = line.rsplit_once('*')?;
    if check.len() != 4 || u16::from_str_radix(check, 16).ok()? != check_of(body) || !body.starts_with('1') {
        return None;
    }
    let kind = body.chars().nth(1)?;
    let number = u8::from_str_radix(body.get(2..4)?, 16).ok()?;
    Some((kind, number, body.get(4..)?.to_owned()))
}

#[test]
fn the_peers_frame_is_the_protocols_example() {
    assert_eq!(line_of('S', 7, "6C696E65,,F"), ":1S076C696E65,,F*5D44\n");
    assert_eq!(check_of("123456789"), 0x29b1);
}

/// What an imp does with an order.
#[derive(Debug, Clone, Copy)]
enum Does {
    /// Gets a token after a while, flashes (and stands still meanwhile), and hears of the unit's blessing some time later.
    Sends { token: u64, flashes: u64, blesses: u64 },
    /// Says why not.
    Refuses(&'static str),
    /// Says nothing at all, ever.
    IsDead,
}

/// An imp: one message under way, sent again every 300 ms, ten times in all.
struct Imp {
    port: TTYPort,
    does: Does,
    queue: VecDeque<(char, String)>,
    under_way: Option<(u8, char, String, Tick, u32)>,
    next: u8,
    last: Option<u8>,
    heard: Option<String>,
    /// Orders that it took.
    orders: Vec<String>,
    /// What comes later: when, and what.
    later: Vec<(Tick, char, String)>,
}

impl Imp {
    fn lives(mut self, clock: Clock, ended: &AtomicBool) -> Vec<String> {
        self.port.set_timeout(ms(5)).unwrap();
        self.say('U', format!("{DEVICE},impOS 44"));
        let mut bytes = [0; 256];
        while !ended.load(Ordering::Relaxed) {
            let now = clock.now();
            if matches!(self.does, Does::IsDead) {
                let _ = self.port.read(&mut bytes);
                continue;
            }
            if let Some(place) = self.later.iter().position(|(at, ..)| *at <= now) {
                let (_, kind, payload) = self.later.remove(place);
                if kind == 'D' {
                    // Squirrel stands still while the LED flashes: nothing is read, nothing is said.
                    let millis: u64 = payload.split(',').nth(1).unwrap().parse().unwrap();
                    clock.sleep_until(now + ms(millis));
                }
                self.say(kind, payload);
            }
            self.pump(clock.now());
            if let Ok(length) = self.port.read(&mut bytes) {
                for byte in bytes.get(..length).unwrap() {
                    self.byte(*byte, clock.now());
                }
            }
        }
        self.orders
    }

    fn writes(&mut self, line: &str) {
        // The cable may be gone already, once the test is over.
        let _ = self.port.write_all(line.as_bytes());
    }

    fn say(&mut self, kind: char, payload: String) {
        self.queue.push_back((kind, payload));
    }

    fn pump(&mut self, now: Tick) {
        if self
            .under_way
            .as_ref()
            .is_some_and(|(.., due, left)| *left == 0 && now >= *due)
        {
            self.under_way = None;
        }
        if self.under_way.is_none()
            && let Some((kind, payload)) = self.queue.pop_front()
        {
            self.under_way = Some((self.next, kind, payload, now, 10));
            self.next = self.next.wrapping_add(1);
        }
        let mut out = None;
        if let Some((number, kind, payload, due, left)) = &mut self.under_way
            && *left > 0
            && now >= *due
        {
            *left -= 1;
            *due = now + ms(300);
            out = Some(line_of(*kind, *number, payload));
        }
        if let Some(line) = out {
            self.writes(&line);
        }
    }

    fn byte(&mut self, byte: u8, now: Tick) {
        match (byte, &mut self.heard) {
            (b':', _) => self.heard = Some(String::new()),
            (b'\n', Some(line)) => {
                let frame = read_line(line);
                self.heard = None;
                if let Some((kind, number, payload)) = frame {
                    self.took(kind, number, &payload, now);
                }
            }
            (byte, Some(line)) => line.push(char::from(byte)),
            (_, None) => {}
        }
    }

    fn took(&mut self, kind: char, number: u8, payload: &str, now: Tick) {
        if kind == '+' {
            if self.under_way.as_ref().is_some_and(|(sent, ..)| *sent == number) {
                self.under_way = None;
            }
            return;
        }
        self.writes(&line_of('+', number, ""));
        let again = self.last.replace(number) == Some(number) && kind != 'H';
        match kind {
            _ if again => {}
            'H' => self.say('U', format!("{DEVICE},impOS 44")),
            'S' => {
                self.orders.push(payload.to_owned());
                let order = payload.split(',').next().unwrap().to_owned();
                match self.does {
                    Does::Sends {
                        token,
                        flashes,
                        blesses,
                    } => {
                        self.later.push((now + ms(token), 'D', format!("{order},{flashes}")));
                        let event = format!("1700000000-{order},{DEVICE},1");
                        self.later.push((now + ms(token + flashes + blesses), 'B', event));
                    }
                    Does::Refuses(why) => self.say('F', format!("{order},{why}")),
                    Does::IsDead => {}
                }
            }
            _ => panic!("the fixture sent {kind} {payload}"),
        }
    }
}

// --- the line between them -------------------------------------------------------------------------------------------------

/// Carries frames from one port to another, and loses, doubles and damages so many of a hundred each.
fn carries(mut from: TTYPort, mut to: TTYPort, each: u32, mut chance: u32, ended: &AtomicBool) -> [u32; 4] {
    from.set_timeout(ms(5)).unwrap();
    let (mut frame, mut bytes, mut fates) = (Vec::new(), [0; 256], [0; 4]);
    while !ended.load(Ordering::Relaxed) {
        let Ok(length) = from.read(&mut bytes) else { continue };
        for byte in bytes.get(..length).unwrap() {
            frame.push(*byte);
            if *byte != b'\n' {
                continue;
            }
            let mut line = std::mem::take(&mut frame);
            chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let draw = (chance >> 16) % 100;
            let fate = if draw < each {
                0
            } else if draw < 2 * each {
                line.extend_from_within(..);
                1
            } else if draw < 3 * each {
                let place = (chance >> 8) as usize % line.len();
                line[place] ^= 0x04;
                2
            } else {
                3
            };
            fates[fate] += 1;
            if fate != 0 {
                // The other end may be closed already, once the test is over.
                let _ = to.write_all(&line);
            }
        }
    }
    fates
}

/// The cable: what the daemon opens, and the threads behind it.
struct Cable {
    /// Kept open, or the daemon would find the port unplugged.
    _daemons: TTYPort,
    port: Port,
    imp: JoinHandle<Vec<String>>,
    carriers: [JoinHandle<[u32; 4]>; 2],
    ended: Arc<AtomicBool>,
}

impl Cable {
    fn new(clock: Clock, does: Does, each: u32, seed: u32) -> Self {
        let (near, daemons) = TTYPort::pair().unwrap();
        let (far, imps) = TTYPort::pair().unwrap();
        let port = Port {
            file: daemons.name().unwrap().into(),
            baud: 115_200,
        };
        let ended = Arc::new(AtomicBool::new(false));
        let carriers = [
            (
                near.try_clone_native().unwrap(),
                far.try_clone_native().unwrap(),
                2 * seed,
            ),
            (far, near, 2 * seed + 1),
        ]
        .map(|(from, to, chance)| {
            let ended = Arc::clone(&ended);
            std::thread::spawn(move || carries(from, to, each, chance, &ended))
        });
        let imp = Imp {
            port: imps,
            does,
            queue: VecDeque::new(),
            under_way: None,
            next: 0,
            last: None,
            heard: None,
            orders: Vec::new(),
            later: Vec::new(),
        };
        let imp = {
            let ended = Arc::clone(&ended);
            std::thread::spawn(move || imp.lives(clock, &ended))
        };
        Self {
            _daemons: daemons,
            port,
            imp,
            carriers,
            ended,
        }
    }

    /// The orders that the imp took, and what became of the frames of both directions.
    fn ends(self) -> (Vec<String>, [[u32; 4]; 2]) {
        self.ended.store(true, Ordering::Relaxed);
        let fates = self.carriers.map(|carrier| carrier.join().unwrap());
        (self.imp.join().unwrap(), fates)
    }
}

// --- the fixture -----------------------------------------------------------------------------------------------------------

/// The lane's own lamp, which only flashes tests.
struct Dark;

impl Lamp for Dark {
    fn set(&mut self, _: Level) -> Result<(), JigError> {
        Ok(())
    }
}

fn recipe() -> Recipe {
    Recipe {
        pass: PassRule::Blessed {
            hold: ms(300),
            event_within: Duration::from_secs(20),
        },
        wifi: Some(Wifi {
            ssid: Ssid::new("line").unwrap(),
            password: Password::new("pass, word").unwrap(),
        }),
        ..example_recipe()
    }
}

fn lane() -> LaneId {
    LaneId::new(1).unwrap()
}

fn engine() -> Line {
    let lanes = vec![LaneConfig {
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
        unit_power: UnitPower::Nest,
        transmitter: By::Imp { rate: 60 },
        light: 1.0,
        measures: Measures::Strength,
        reference: None,
        calibration: Validity::Lasting,
    }];
    let config = LineConfig {
        lanes,
        recipe: recipe(),
        k_in_a_row: 3,
        golden_check: None,
        shared_within: Duration::from_mins(1),
        lot: String::new(),
    };
    Line::new(config, &CodeTable::vendor())
}

/// A fixture with one lane, in real time.
struct Fixture {
    clock: Clock,
    table: CodeTable,
    line: Line,
    sender: Sender,
    heard: mpsc::Receiver<Input>,
    news: std::sync::mpsc::Receiver<News>,
    tokens_asked: u32,
    end: Option<RunEnd>,
    sent: Vec<SendEnd>,
}

impl Fixture {
    fn new(tasks: &Tasks, clock: Clock, port: Port, patience: Duration) -> Self {
        let (transmitter, news) = Transmitter::start(port).unwrap();
        let lamp = ByImp::new(
            lane(),
            Box::new(Dark),
            transmitter,
            (recipe().wifi, Speed::Normal),
            patience,
        );
        let (inputs, heard) = mpsc::channel(100);
        let (claimed, _) = std::sync::mpsc::channel();
        let lamp = Box::new(lamp);
        let sender = Sender::start(tasks, clock, lane(), lamp, 1.0, inputs, claimed, Beat::default()).unwrap();
        Self {
            clock,
            table: CodeTable::vendor(),
            line: engine(),
            sender,
            heard,
            news,
            tokens_asked: 0,
            end: None,
            sent: Vec::new(),
        }
    }

    fn step(&mut self, input: Input) {
        if let Input::Lane(_, LaneInput::Sent(report)) = &input {
            self.sent.push(report.end.clone());
        }
        let effects = self.line.step(self.clock.now(), input);
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            let Effect::Lane(_, effect) = effect else { continue };
            match effect {
                LaneEffect::BeginRun { run, .. } => {
                    self.step(Input::Lane(lane(), LaneInput::Stored { run, result: Ok(()) }));
                }
                LaneEffect::Commit(end) => {
                    let run = end.run;
                    self.end = Some(*end);
                    self.step(Input::Lane(lane(), LaneInput::Stored { run, result: Ok(()) }));
                }
                LaneEffect::SendByImp { run, attempt } => self.sender.send_whole(run, attempt).unwrap(),
                LaneEffect::StopSending => self.sender.stop(),
                LaneEffect::TestFlash { on } => self.sender.flash(on).unwrap(),
                LaneEffect::RequestToken { .. } | LaneEffect::PollClaim { .. } => self.tokens_asked += 1,
                LaneEffect::Send(_) => panic!("the lamp does not send"),
                LaneEffect::Refuse(refused, _) => panic!("{refused:?}"),
                LaneEffect::PowerCycle { .. }
                | LaneEffect::RecordAttempt { .. }
                | LaneEffect::RecordLifted(_)
                | LaneEffect::Signal(_) => {}
            }
        }
    }

    /// Goes on until something is so, at most for so long.
    fn until(&mut self, what: &str, within: Duration, so: impl Fn(&Self) -> bool) {
        let bound = self.clock.now() + within;
        while !so(self) {
            assert!(self.clock.now() < bound, "{what}: not within {within:?}");
            while let Ok(input) = self.heard.try_recv() {
                self.step(input);
            }
            while let Ok(news) = self.news.try_recv() {
                if let News::Bless(event) = news {
                    self.step(Input::Lane(lane(), LaneInput::Bless(event)));
                }
            }
            if self.line.deadline().is_some_and(|(at, _)| at <= self.clock.now()) {
                self.step(Input::Tick);
            }
            self.clock.sleep_until(self.clock.now() + ms(2));
        }
    }

    /// The reader's part.
    fn reads(&mut self, colour: Colour, code: &str) {
        let at = self.clock.now();
        let observed = Observed {
            transient: None,
            shade: Some(Shade { at, from: at, colour }),
            reading: Some(Reading {
                at,
                pattern: self.table.pattern_of(code).map(blinkup::codes::Pattern::id),
                confidence: 0.999,
            }),
        };
        let effects = self.line.observe(at, lane(), &observed);
        self.perform(effects);
    }

    /// Seats a unit that is ready at once.
    fn seats(&mut self) {
        let seating = Seating {
            run: RunId(uuid::Uuid::from_u128(1)),
            serial: Some(Serial::new("SN-1").unwrap()),
            history: UnitHistory::default(),
        };
        self.step(Input::Lane(lane(), LaneInput::Seated(seating)));
        self.reads(Colour::Amber, "no-network-settings");
    }

    fn verdict(&self) -> (VerdictCode, String) {
        let end = self.end.as_ref().unwrap();
        (end.code, end.detail.clone())
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// A unit's whole way by an imp on a line that does so much to frames: verdict, and the imp's orders.
fn passes(each: u32, seed: u32) -> [[u32; 4]; 2] {
    let runtime = runtime();
    let _here = runtime.enter();
    let (tasks, _ended) = Tasks::new();
    let clock = Clock::start();
    let does = Does::Sends {
        token: 700,
        flashes: 900,
        blesses: 2500,
    };
    let cable = Cable::new(clock, does, each, seed);
    let mut fixture = Fixture::new(&tasks, clock, cable.port.clone(), Duration::from_secs(20));
    fixture.seats();
    fixture.until("sent", Duration::from_secs(20), |fixture| !fixture.sent.is_empty());
    assert_eq!(fixture.sent, [SendEnd::Complete]);
    for (colour, code) in [
        (Colour::Green, "blinkup-successful"),
        (Colour::Red, "searching-for-wifi"),
        (Colour::Green, "connected"),
        (Colour::Green, "factory-bless-pass"),
    ] {
        fixture.reads(colour, code);
    }
    fixture.until("a verdict", Duration::from_secs(25), |fixture| fixture.end.is_some());
    assert_eq!(fixture.verdict().0, VerdictCode::Ok, "{}", fixture.verdict().1);
    assert_eq!(fixture.tokens_asked, 0, "the imp gets its token itself");
    let end = fixture.end.take().unwrap();
    assert_eq!(end.device_id.as_deref(), Some(DEVICE));
    assert_eq!(end.attempts.len(), 1);
    let took = end.attempts[0].took;
    assert_eq!(took, ms(900), "as the imp says that it stood still");
    drop(fixture);
    let (orders, fates) = cable.ends();
    assert_eq!(orders, ["1,6C696E65,706173732C20776F7264,N"], "taken once");
    tasks.stop().cancel();
    fates
}

#[test]
fn a_unit_passes_by_an_imp_that_names_the_device_it_blessed() {
    passes(0, 0);
}

#[test]
fn a_unit_passes_by_an_imp_though_frames_are_lost_doubled_and_damaged_both_ways() {
    let mut all = [[0; 4]; 2];
    // Until each thing has happened to a frame of each direction, and three times at least.
    for round in 0.. {
        assert!(round < 12, "{all:?}");
        for (sum, fates) in all.iter_mut().zip(passes(20, round)) {
            for (sum, fate) in sum.iter_mut().zip(fates) {
                *sum += fate;
            }
        }
        if round >= 2 && all.iter().flatten().all(|count| *count > 0) {
            return;
        }
    }
}

/// What a run ends in whose imp does this.
fn ends_in(does: Does, patience: Duration) -> (VerdictCode, String, RunEnd) {
    let runtime = runtime();
    let _here = runtime.enter();
    let (tasks, _ended) = Tasks::new();
    let clock = Clock::start();
    let cable = Cable::new(clock, does, 0, 0);
    let mut fixture = Fixture::new(&tasks, clock, cable.port.clone(), patience);
    fixture.seats();
    fixture.until("a verdict", Duration::from_secs(30), |fixture| fixture.end.is_some());
    let (code, detail) = fixture.verdict();
    let end = fixture.end.take().unwrap();
    drop(fixture);
    cable.ends();
    tasks.stop().cancel();
    (code, detail, end)
}

#[test]
fn an_imp_without_a_token_is_the_networks_fault_and_not_the_lamps() {
    for why in [
        "no token in 20 s (is this imp in a Fixture Device Group?)",
        "the imp is offline",
    ] {
        let (code, detail, end) = ends_in(Does::Refuses(why), Duration::from_secs(10));
        assert_eq!(code, VerdictCode::TokenUnavailable);
        assert_eq!(detail, format!("imp transmitter: {why}"));
        assert!(end.evidence.iter().any(|fact| fact.kind == EvidenceKind::Token));
    }
}

#[test]
fn an_imp_that_does_not_answer_or_is_still_busy_is_a_fault_of_the_lane() {
    let (code, detail, _) = ends_in(Does::IsDead, Duration::from_secs(15));
    assert_eq!(code, VerdictCode::LampNotSeen);
    assert!(detail.contains("imp transmitter: does not answer"), "{detail}");
    let (code, detail, _) = ends_in(Does::Refuses("busy"), Duration::from_secs(4));
    assert_eq!(code, VerdictCode::LampNotSeen);
    assert!(detail.contains("still sends what it was asked for before"), "{detail}");
}

#[test]
fn a_run_is_not_over_before_the_imp_is_done_and_the_next_unit_gets_none_of_its_light() {
    let runtime = runtime();
    let _here = runtime.enter();
    let (tasks, _ended) = Tasks::new();
    let clock = Clock::start();
    let does = Does::Sends {
        token: 1500,
        flashes: 800,
        blesses: 60_000,
    };
    let cable = Cable::new(clock, does, 0, 0);
    let mut fixture = Fixture::new(&tasks, clock, cable.port.clone(), Duration::from_secs(20));
    fixture.seats();
    fixture.until("an order", Duration::from_secs(5), |fixture| {
        fixture.clock.now() > Tick::ZERO + ms(600)
    });
    fixture.step(Input::Lane(lane(), LaneInput::Lifted));
    let lifted = fixture.clock.now();
    fixture.until("a verdict", Duration::from_secs(20), |fixture| fixture.end.is_some());
    assert_eq!(fixture.verdict().0, VerdictCode::LiftedEarly);
    let waited = fixture.clock.now().since(lifted);
    assert!(
        waited > ms(1000),
        "it ended {waited:?} after the unit was lifted, while the imp was still to send"
    );
    drop(fixture);
    cable.ends();
    tasks.stop().cancel();
}
