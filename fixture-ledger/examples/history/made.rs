//! Years of plausible history in a new ledger.
//!
//! A line of four lanes (or as many as wanted) in two shifts on working days in Berlin's time, with lots and work orders, retests, operators, changes of
//! software, recipe, lamp and calibration, bad lots, ageing lamps, network failures, breaks, interrupted and aborted runs, and golden units at the
//! start of each shift. Everything that happens by chance comes from the seed: the same seed gives the same bytes. Runs are marked as simulated.
//! What each verdict rests on is there, only less of it than a fixture stores, and no light.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "small positive numbers of a made-up history"
)]

use core::time::Duration;
use std::collections::HashMap;
use std::path::Path;

use fixture_ledger::lane_trend::LampLimit;
use fixture_ledger::record::{
    Attempt, AttemptResult, Evidence, EvidenceKind, Limits, LoopBack, Measurement, Purpose, Quantity, RunEnd, RunStart,
    Scale, Setup, Side, StoredReading,
};
use fixture_ledger::seal::{Seal, record};
use fixture_ledger::{Durability, Ledger};
use fixture_link::act::StopReason;
use fixture_link::identity::{LaneId, RunId, Serial, WallTime};
use fixture_link::snapshot::Stage;
use fixture_link::verdict::{Outcome, VerdictCode};
use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday, date};
use jiff::tz::TimeZone;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rusqlite::{Connection, params};
use uuid::Uuid;

/// What can go wrong.
pub type Failed = Box<dyn std::error::Error>;

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// How many runs.
    pub runs: u64,
    /// What everything by chance comes from.
    pub seed: u64,
    /// How many lanes, 1 to 8.
    pub lanes: u8,
}

/// Makes the history in a new ledger.
///
/// # Errors
/// There is something at `path`, or it cannot be written.
pub async fn make(wanted: Wanted, path: &Path) -> Result<Told, Failed> {
    Ledger::create(path, Durability::Unsynced).await?.close().await?;
    let connection = Connection::open(path)?;
    // VACUUM: what a new ledger's pages hold besides its rows is not the same every time.
    connection.execute_batch(
        "VACUUM;
        PRAGMA journal_mode = OFF;
        PRAGMA synchronous = OFF;
        PRAGMA cache_size = -200000;
        PRAGMA foreign_keys = OFF;
        BEGIN",
    )?;
    let told = History::new(&connection, wanted).tell()?;
    connection.execute_batch("COMMIT; PRAGMA journal_mode = WAL")?;
    connection.close().map_err(|(_, error)| error)?;
    let (mut ledger, _) = Ledger::open(path, wall(told.ended)).await?;
    ledger.count_again().await?;
    ledger.close().await?;
    Ok(told)
}

fn wall(micros: i64) -> WallTime {
    WallTime {
        micros,
        synchronised: true,
    }
}

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const PEOPLE: [&str; 6] = ["Wei", "Zoë", "Tomás", "Ingrid", "Dmitri", "Amara"];

/// How units fail, how far they get, and how often of a thousand failures.
const FAULTS: [(VerdictCode, Stage, u32); 10] = [
    (VerdictCode::StuckJoining, Stage::Joining, 260),
    (VerdictCode::NotReceiving, Stage::Ready, 200),
    (VerdictCode::StuckDns, Stage::Resolving, 120),
    (VerdictCode::NotReady, Stage::Seated, 110),
    (VerdictCode::LedOutOfLimits, Stage::Connected, 90),
    (VerdictCode::FlashBad, Stage::Ready, 70),
    (VerdictCode::NoLight, Stage::Seated, 60),
    (VerdictCode::StuckIp, Stage::GettingIp, 40),
    (VerdictCode::BlessFailed, Stage::Connected, 30),
    (VerdictCode::BrownOut, Stage::Connecting, 20),
];

/// Which stages a unit shows on its way, and when it reaches them at the soonest, seconds.
const WAY: [(Stage, f64); 8] = [
    (Stage::Ready, 1.0),
    (Stage::Receiving, 4.0),
    (Stage::Received, 19.0),
    (Stage::Searching, 22.0),
    (Stage::Joining, 24.0),
    (Stage::Resolving, 27.0),
    (Stage::Connected, 30.0),
    (Stage::Blessed, 36.0),
];

/// The light of an empty nest and its noise: more in summer, and most in the last lane, which is nearest to the window.
fn ambient(day: i64, lane: LaneId, chance: &mut ChaCha8Rng) -> [Measurement; 2] {
    let season = 1.0 - (f32::from((day % 365) as u16) / 365.25 * core::f32::consts::TAU).cos();
    let light = (40.0 + 15.0 * f32::from(lane.number()) * season) * chance.random_range(0.85..1.15);
    let noise = (0.4 + light.sqrt() * 0.3) * chance.random_range(0.9..1.1);
    let figure = |what, value, deviation, limits| Measurement {
        what,
        scale: Scale::Counts,
        value,
        deviation,
        limits,
    };
    let limits = Limits {
        allowed: 0.0..=400.0,
        side: if light > 400.0 { Side::Outside } else { Side::Inside },
    };
    [
        figure(Quantity::Ambient, light, noise / 50_f32.sqrt(), Some(limits)),
        figure(Quantity::AmbientNoise, noise, noise / 98_f32.sqrt(), None),
    ]
}

/// A unit's LED beside limits that it keeps.
fn led(strength: f32, share: f32) -> [Measurement; 2] {
    let figure = |what, scale, value, deviation, allowed: core::ops::RangeInclusive<f32>| {
        let side = if allowed.contains(&value) {
            Side::Inside
        } else {
            Side::Outside
        };
        Measurement {
            what,
            scale,
            value,
            deviation,
            limits: Some(Limits { allowed, side }),
        }
    };
    [
        figure(Quantity::LedStrength, Scale::OfReference, strength, 0.01, 0.5..=1.5),
        figure(Quantity::GreenShare, Scale::Share, share, 0.004, 0.4..=0.6),
    ]
}

/// How far along the way a stage is.
fn place(stage: Stage) -> usize {
    Stage::ALL.iter().position(|of| *of == stage).unwrap_or(0)
}

/// A unit, and what became of it so far.
#[derive(Clone)]
struct Unit {
    /// When it comes again.
    due: i64,
    serial: String,
    failures: u8,
    code: VerdictCode,
}

/// What was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// Runs.
    pub runs: u64,
    /// Units that they are of.
    pub units: u64,
    /// Working days.
    pub days: u32,
    /// Stops of the line.
    pub stops: u32,
    /// When the last run ended, microseconds since 1970 UTC.
    pub ended: i64,
}

/// What holds for a while.
struct Now {
    lot: u32,
    lot_left: u32,
    lot_fault: f64,
    setup: (i64, Setup),
    operator: &'static str,
    network_down_until: i64,
    lamp: [f64; 8],
    strength: f64,
}

struct History<'a> {
    connection: &'a Connection,
    wanted: Wanted,
    chance: ChaCha8Rng,
    zone: TimeZone,
    told: Told,
    seal: Seal,
    now: Now,
    again: Vec<Unit>,
    /// Runs that count, of units that may come again.
    counted: HashMap<String, i64>,
}

impl<'a> History<'a> {
    fn new(connection: &'a Connection, wanted: Wanted) -> Self {
        Self {
            connection,
            wanted,
            chance: ChaCha8Rng::seed_from_u64(wanted.seed),
            zone: TimeZone::get("Europe/Berlin").unwrap_or(TimeZone::UTC),
            told: Told {
                runs: 0,
                units: 0,
                days: 0,
                stops: 0,
                ended: 0,
            },
            seal: Seal::NONE,
            now: Now {
                lot: 1000,
                lot_left: 0,
                lot_fault: 0.0,
                setup: (0, setup(0)),
                operator: PEOPLE[0],
                network_down_until: 0,
                lamp: [2400.0; 8],
                strength: 1.0,
            },
            again: Vec::new(),
            counted: HashMap::new(),
        }
    }

    fn tell(mut self) -> Result<Told, Failed> {
        let mut day = date(2024, 1, 8);
        while self.told.runs < self.wanted.runs {
            if !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
                self.day(day)?;
                self.told.days += 1;
            }
            day = day.checked_add(1.day())?;
        }
        Ok(self.told)
    }

    fn instant(&self, day: Date, hour: i8, minute: i8) -> Result<i64, Failed> {
        let zoned = day.at(hour, minute, 0, 0).to_zoned(self.zone.clone())?;
        Ok(zoned.timestamp().as_microsecond())
    }

    fn minutes(&mut self, least: u32, below: u32) -> i64 {
        i64::from(self.chance.random_range(least..below)) * MINUTE
    }

    fn day(&mut self, day: Date) -> Result<(), Failed> {
        let number = self.told.days;
        if number.is_multiple_of(55) {
            self.now.setup = self.store_setup(number / 55)?;
        }
        if number.is_multiple_of(20) {
            let at = self.instant(day, 5, 40)?;
            let limits: Vec<LampLimit> = LaneId::first(self.wanted.lanes)
                .map(|lane| LampLimit {
                    lane,
                    full: 2400.0,
                    least: 1440.0,
                })
                .collect();
            self.change(at, "calibration", &format!("of {day}; {}", LampLimit::text(&limits)))?;
        }
        for lane in 0..usize::from(self.wanted.lanes) {
            // A lamp loses a third in some two hundred days, the second lane's in half of that; then it is replaced.
            self.now.lamp[lane] *= if lane == 1 { 0.9955 } else { 0.9978 };
            if self.now.lamp[lane] < 1600.0 {
                self.now.lamp[lane] = 2400.0;
                let at = self.instant(day, 5, 30)?;
                self.change(at, "lamp", &format!("lane {}: a new LED", lane + 1))?;
            }
        }
        for (shift, from, until) in [(0, 6, 14), (3, 14, 22)] {
            let (from, until) = (self.instant(day, from, 0)?, self.instant(day, until, 0)?);
            self.now.operator = PEOPLE[(number as usize / 5 + shift) % PEOPLE.len()];
            self.shift(from, until)?;
        }
        Ok(())
    }

    fn shift(&mut self, from: i64, until: i64) -> Result<(), Failed> {
        let lanes = usize::from(self.wanted.lanes);
        let pause = from + 240 * MINUTE..from + 270 * MINUTE;
        self.stop(&pause, None, "break: half of the shift", StopReason::Break)?;
        let mut fault = 0..0;
        if self.chance.random_bool(0.15) {
            let at = from + self.minutes(30, 220);
            fault = at + MINUTE..at + MINUTE + self.minutes(4, 40);
            if self.chance.random_bool(0.6) {
                self.now.network_down_until = fault.end;
                let cause = "the server's name is not resolved";
                self.stop(&fault, Some(VerdictCode::NetworkDown), cause, StopReason::Network)?;
            } else {
                let cause = "lane 2: the lamp is below its limit";
                self.stop(&fault, Some(VerdictCode::LampWeak), cause, StopReason::Fixture)?;
            }
        }
        let mut free = vec![from; lanes];
        let mut looked_at = vec![false; lanes];
        while self.told.runs < self.wanted.runs {
            let next = free.iter().copied().enumerate().min_by_key(|(lane, at)| (*at, *lane));
            let Some((lane, at)) = next.filter(|(_, at)| *at < until) else {
                break;
            };
            if pause.contains(&at) || fault.contains(&at) {
                free[lane] += MINUTE;
                continue;
            }
            let took = if looked_at[lane] {
                let unit = self.next_unit(at)?;
                self.run(lane, at, Some(unit))?
            } else {
                looked_at[lane] = true;
                self.run(lane, at, None)?
            };
            free[lane] = at + took + i64::from(self.chance.random_range(8_u32..25)) * SECOND;
        }
        Ok(())
    }

    /// The next unit: one that waits to be run again, or a new one.
    fn next_unit(&mut self, at: i64) -> Result<Unit, Failed> {
        if let Some(place) = self.again.iter().position(|again| again.due <= at) {
            return Ok(self.again.swap_remove(place));
        }
        if self.now.lot_left == 0 {
            self.now.lot += 1;
            self.now.lot_left = self.chance.random_range(2500..6000);
            self.now.lot_fault = if self.chance.random_bool(0.08) { 0.06 } else { 0.0 };
            self.now.strength = self.chance.random_range(0.85..1.15);
            let until = at + self.minutes(4, 12);
            let cause = format!("changeover: lot L-{}", self.now.lot);
            self.stop(&(at..until), None, &cause, StopReason::Changeover)?;
        }
        self.now.lot_left -= 1;
        self.told.units += 1;
        Ok(Unit {
            due: 0,
            serial: format!("SN-{:08}", self.told.units),
            failures: 0,
            code: VerdictCode::Ok,
        })
    }

    /// What becomes of a unit.
    fn judged(&mut self, lane: usize, at: i64, unit: &Unit) -> (VerdictCode, Stage) {
        let lamp_is_weak = if self.now.lamp[lane] < 1700.0 { 0.02 } else { 0.0005 };
        let chance = &mut self.chance;
        if at < self.now.network_down_until {
            return (VerdictCode::NetworkDown, Stage::Connecting);
        }
        for (code, stage, share) in [
            (VerdictCode::LiftedEarly, Stage::Receiving, 0.0015),
            (VerdictCode::Interrupted, Stage::Seated, 0.0004),
            (VerdictCode::NoBlessEvent, Stage::Blessed, 0.001),
            (VerdictCode::LampWeak, Stage::Ready, lamp_is_weak),
        ] {
            if chance.random_bool(share) {
                return (code, stage);
            }
        }
        let again = unit.failures > 0;
        if !chance.random_bool(if again { 0.42 } else { 0.022 + self.now.lot_fault }) {
            return (VerdictCode::Ok, Stage::Blessed);
        }
        if again && chance.random_bool(0.8) {
            let fault = FAULTS.iter().find(|(code, _, _)| *code == unit.code);
            return (unit.code, fault.map_or(Stage::Joining, |(_, stage, _)| *stage));
        }
        if self.now.lot_fault > 0.0 && chance.random_bool(0.7) {
            return (VerdictCode::StuckJoining, Stage::Joining);
        }
        let mut place = chance.random_range(0..1000_u32);
        for (code, stage, share) in FAULTS {
            if place < share {
                return (code, stage);
            }
            place -= share;
        }
        (VerdictCode::StuckJoining, Stage::Joining)
    }

    /// One run, of the lane's golden unit where there is no other; how long it took.
    fn run(&mut self, lane: usize, at: i64, unit: Option<Unit>) -> Result<i64, Failed> {
        let (code, stage) = match &unit {
            Some(unit) => self.judged(lane, at, unit),
            None => (VerdictCode::Ok, Stage::Blessed),
        };
        let purpose = if unit.is_some() {
            Purpose::Production
        } else {
            Purpose::Golden
        };
        let outcome = code.outcome();
        let number = self.told.runs + 1;
        let lane_id = LaneId::new(lane as u8 + 1)?;
        let spread = self.chance.random_range(0..9_000_u64);
        let took = Duration::from_millis(match outcome {
            Outcome::Pass => 38_000 + spread,
            Outcome::Aborted => 9_000 + spread,
            Outcome::Fail | Outcome::Error | Outcome::Undecided | Outcome::Interrupted => 46_000 + 3 * spread,
        });
        let micros = took.as_micros() as i64;
        let serial = unit
            .as_ref()
            .map_or_else(|| format!("GOLD-{lane_id}"), |unit| unit.serial.clone());
        let id = u128::from(at as u64 / 1000) << 80 | 0x7000_8000_0000_0000_0000 | u128::from(number);
        let start = RunStart {
            run: RunId(Uuid::from_u128(id)),
            lane: lane_id,
            serial: Some(Serial::new(&serial)?),
            operator: self.now.operator.to_owned(),
            lot: format!("L-{}", self.now.lot),
            work_order: format!("WO-{}", self.now.lot / 3),
            purpose,
            seated: wall(at),
        };
        let end = self.end(&start, code, stage, took, number);
        let ordinal = if outcome.in_yield() && purpose == Purpose::Production {
            let ordinal = self.counted.entry(serial.clone()).or_insert(0);
            *ordinal += 1;
            *ordinal
        } else {
            0
        };
        let text = record(
            &self.now.setup.1,
            &start,
            &end,
            wall(at + micros),
            number as i64,
            ordinal,
        )?;
        self.seal = self.seal.of_next(&text);
        self.store(number as i64, &start, &end, at + micros, ordinal)?;
        self.told.runs += 1;
        self.told.ended = self.told.ended.max(at + micros);
        match unit {
            Some(unit) if outcome == Outcome::Fail && unit.failures < 2 && self.chance.random_bool(0.9) => {
                let due = at + self.minutes(10, 90);
                self.again.push(Unit {
                    due,
                    failures: unit.failures + 1,
                    code,
                    ..unit
                });
            }
            // It does not come again.
            Some(_) | None => {
                self.counted.remove(&serial);
            }
        }
        Ok(micros)
    }

    fn end(&mut self, start: &RunStart, code: VerdictCode, stage: Stage, took: Duration, number: u64) -> RunEnd {
        let judged = code != VerdictCode::Interrupted;
        let reached = place(stage);
        let lamp = self.now.lamp[start.lane.index()];
        let day = start.seated.micros / (24 * 60 * MINUTE);
        let chance = &mut self.chance;
        let ambient = ambient(day, start.lane, chance);
        let mut evidence = vec![Evidence {
            at: Duration::ZERO,
            kind: EvidenceKind::Nest,
            detail: format!("ambient light {:.0} counts (clear); test flash seen", ambient[0].value),
        }];
        let slow = chance.random_range(0.95..1.2);
        evidence.extend(
            WAY.iter()
                .filter(|(of, _)| place(*of) <= reached)
                .map(|(of, second)| Evidence {
                    at: Duration::from_millis((second * slow * 1000.0) as u64).min(took),
                    kind: EvidenceKind::Stage,
                    detail: of.as_str().to_owned(),
                }),
        );
        let tries = match (reached, code) {
            (0, _) | (_, VerdictCode::LampWeak) => 0,
            _ if chance.random_bool(0.03) => 2,
            _ => 1,
        };
        let attempts = (1..=tries)
            .map(|attempt: u32| Attempt {
                number: attempt,
                rate: if attempt == 1 { 60 } else { 30 },
                level_permille: 1000,
                mid_permille: Some(475),
                began: Duration::from_secs(u64::from(attempt) * 4),
                took: Duration::from_secs(14),
                token_id: Some(format!("{number:x}-{attempt}")),
                result: if attempt < tries {
                    AttemptResult::Damaged
                } else if reached >= place(Stage::Received) {
                    AttemptResult::Received
                } else if code == VerdictCode::NotReceiving {
                    AttemptResult::NotReceiving
                } else {
                    AttemptResult::NoAnswer
                },
                symbols: 840,
                latest: Duration::from_micros(chance.random_range(60..960)),
                lateness: [0, 0, 0, 0, 40, 300, 400, 90, 8, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                loop_back: Some(LoopBack {
                    bright: (lamp * chance.random_range(0.97..1.03)) as f32,
                    mid_share: 0.47,
                    samples: 400,
                }),
            })
            .collect();
        let strength = (self.now.strength * chance.random_range(0.8..1.2)) as f32;
        // The mean of four even ones is near enough to a normal figure.
        let share = 0.46 + (0..4).map(|_| chance.random_range(0.0..0.08_f32)).sum::<f32>() / 4.0;
        RunEnd {
            run: start.run,
            code,
            detail: String::new(),
            stage,
            took,
            device_id: (code == VerdictCode::Ok).then(|| format!("{number:016x}")),
            agent_url: None,
            attempts,
            readings: if judged {
                vec![StoredReading {
                    at: Duration::from_millis(900),
                    codes: vec!["no-network-settings".to_owned()],
                    confidence: 0.998,
                }]
            } else {
                Vec::new()
            },
            evidence: if judged { evidence } else { Vec::new() },
            measurements: match (judged, reached >= 1) {
                (true, true) => led(strength, share).into_iter().chain(ambient).collect(),
                (true, false) => ambient.to_vec(),
                (false, _) => Vec::new(),
            },
            trace: Vec::new(),
            samples_lost: 0,
        }
    }

    fn store(&self, number: i64, start: &RunStart, end: &RunEnd, ended: i64, ordinal: i64) -> Result<(), Failed> {
        let judged = end.code != VerdictCode::Interrupted;
        // First without its verdict, as what that rests on comes before it.
        self.connection
            .prepare_cached(
                "INSERT INTO run (number, id, setup, lane, serial, operator, lot, work_order, purpose, seated, seated_synchronised)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 1)",
            )?
            .execute(params![
                number,
                start.run.0.as_bytes().as_slice(),
                self.now.setup.0,
                start.lane.number(),
                start.serial.as_ref().map(Serial::as_str),
                start.operator,
                start.lot,
                start.work_order,
                start.purpose.as_str(),
                start.seated.micros,
            ])?;
        self.store_what_it_rests_on(number, end)?;
        self.connection
            .prepare_cached(
                "UPDATE run
                SET outcome = ?2, code = ?3, detail = ?4, stage = ?5, took = ?6, ended = ?7, ended_synchronised = 1, device_id = ?8,
                    samples_lost = 0, is_first = ?9, ordinal = ?10, verdict_number = ?1, seal = ?11, lifted = ?7 + 4000000,
                    lifted_synchronised = 1
                WHERE number = ?1",
            )?
            .execute(params![
                number,
                end.code.outcome().as_str(),
                end.code.as_str(),
                end.detail,
                judged.then(|| end.stage.as_str()),
                judged.then_some(end.took.as_micros() as i64),
                ended,
                end.device_id,
                i64::from(ordinal == 1),
                ordinal,
                self.seal.0.as_slice(),
            ])?;
        Ok(())
    }

    fn store_what_it_rests_on(&self, number: i64, end: &RunEnd) -> Result<(), Failed> {
        for attempt in &end.attempts {
            self.connection
                .prepare_cached(
                    "INSERT INTO attempt (
                        id, rate, level_permille, mid_permille, began, took, token_id, result, symbols, latest, lateness, loop_bright,
                        loop_mid_share, loop_samples
                    ) VALUES (?1 * 1000000 + ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
                )?
                .execute(params![
                    number,
                    attempt.number,
                    attempt.rate,
                    attempt.level_permille,
                    attempt.mid_permille,
                    attempt.began.as_micros() as i64,
                    attempt.took.as_micros() as i64,
                    attempt.token_id,
                    attempt.result.as_str(),
                    attempt.symbols,
                    attempt.latest.as_micros() as i64,
                    serde_json::to_string(&attempt.lateness)?,
                    attempt.loop_back.map(|seen| seen.bright),
                    attempt.loop_back.map(|seen| seen.mid_share),
                    attempt.loop_back.map(|seen| seen.samples),
                ])?;
        }
        for (place, reading) in (1_i64..).zip(&end.readings) {
            self.connection
                .prepare_cached(
                    "INSERT INTO reading (id, at, codes, confidence) VALUES (?1 * 1000000 + ?2, ?3, ?4, ?5)",
                )?
                .execute(params![
                    number,
                    place,
                    reading.at.as_micros() as i64,
                    serde_json::to_string(&reading.codes)?,
                    reading.confidence,
                ])?;
        }
        for (place, fact) in (1_i64..).zip(&end.evidence) {
            self.connection
                .prepare_cached("INSERT INTO evidence (id, at, kind, detail) VALUES (?1 * 1000000 + ?2, ?3, ?4, ?5)")?
                .execute(params![
                    number,
                    place,
                    fact.at.as_micros() as i64,
                    fact.kind.as_str(),
                    fact.detail
                ])?;
        }
        for measured in &end.measurements {
            self.connection
                .prepare_cached(
                    "INSERT INTO measurement (id, scale, value, deviation, least, most, is_outside)
                    VALUES (?1 * 1000000 + ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                )?
                .execute(params![
                    number,
                    measured.what.number(),
                    measured.scale.as_str(),
                    measured.value,
                    measured.deviation,
                    measured.limits.as_ref().map(|limits| *limits.allowed.start()),
                    measured.limits.as_ref().map(|limits| *limits.allowed.end()),
                    measured
                        .limits
                        .as_ref()
                        .map(|limits| i64::from(limits.side == Side::Outside)),
                ])?;
        }
        Ok(())
    }

    fn store_setup(&self, number: u32) -> Result<(i64, Setup), Failed> {
        let setup = setup(number);
        self.connection.execute(
            "INSERT INTO setup (fixture, software, recipe, recipe_version, pass_rule, simulated) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                setup.fixture,
                setup.software,
                setup.recipe,
                setup.recipe_version,
                setup.pass_rule,
                setup.simulated
            ],
        )?;
        Ok((self.connection.last_insert_rowid(), setup))
    }

    fn change(&self, at: i64, kind: &str, detail: &str) -> Result<(), Failed> {
        self.connection.execute(
            "INSERT INTO change (at, at_synchronised, kind, detail) VALUES (?1, 1, ?2, ?3)",
            params![at, kind, detail],
        )?;
        Ok(())
    }

    fn stop(
        &mut self,
        time: &core::ops::Range<i64>,
        code: Option<VerdictCode>,
        cause: &str,
        reason: StopReason,
    ) -> Result<(), Failed> {
        self.told.stops += 1;
        self.connection.execute(
            "INSERT INTO line_stop (
                since, since_synchronised, code, cause, wants_acknowledgement, ended, ended_synchronised, reason
            ) VALUES (?1, 1, ?2, ?3, ?4, ?5, 1, ?6)",
            params![
                time.start,
                code.map(VerdictCode::as_str),
                cause,
                code.is_some(),
                time.end,
                reason.as_str()
            ],
        )?;
        Ok(())
    }
}

/// Software changes with every period, the recipe with every second.
fn setup(period: u32) -> Setup {
    Setup {
        fixture: "fixture-1".to_owned(),
        software: format!("0.{}.{}", period / 3 + 1, period % 3),
        recipe: "sensor-wifi".to_owned(),
        recipe_version: format!("{:016x}", 0x0001_2345_6789_abcd_u64 + u64::from(period / 2)),
        pass_rule: "blessed".to_owned(),
        simulated: true,
    }
}
