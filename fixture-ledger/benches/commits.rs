//! Runs committed a second by the ledger, beside the same rows inserted through the `sqlite3` library alone with the same pragmas.
//!
//! A run is what a real one stores: its start (one commit), then its verdict, two attempts, 12 readings, 16 facts, 15 kB of light and
//! the rollups (one commit). Both sides end with the same ledger, which is checked. First the two take turns, since a disk's speed
//! drifts, and their median rounds and ratio are printed; then divan measures each.

use core::time::Duration;
use std::time::Instant;

use divan::Bencher;
use fixture_ledger::record::{
    Attempt, AttemptResult, Evidence, EvidenceKind, LoopBack, RunEnd, RunStart, Setup, StoredReading,
};
use fixture_ledger::{Durability, Ledger, SetupId};
use fixture_link::identity::{LaneId, RunId, Serial, WallTime};
use fixture_link::snapshot::Stage;
use fixture_link::verdict::VerdictCode;
use rusqlite::{Connection, params};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use uuid::Uuid;

const ROUNDS: usize = 101;
const RUNS_A_ROUND: u32 = 20;

#[expect(clippy::print_stdout, reason = "a benchmark prints its result")]
fn main() {
    // Cargo also runs benchmarks as tests; those only see that they work.
    let rounds = if std::env::args().any(|argument| argument == "--bench") {
        ROUNDS
    } else {
        1
    };
    for durability in [Durability::Synced, Durability::Unsynced] {
        let mut ledger = ThroughTheLedger::new(durability);
        let mut alone = Alone::new(durability);
        let mut took = [Vec::new(), Vec::new()];
        for _ in 0..rounds {
            took[0].push(timed(|| (0..RUNS_A_ROUND).for_each(|_| ledger.store())));
            took[1].push(timed(|| (0..RUNS_A_ROUND).for_each(|_| alone.store())));
        }
        ledger.compare(alone);
        let a_second = took.map(|mut took| {
            took.sort_unstable();
            f64::from(RUNS_A_ROUND) / took[took.len() / 2].as_secs_f64()
        });
        println!(
            "{durability:?}: {:.0} runs a second through the ledger, {:.0} through sqlite3 alone, ratio {:.2}",
            a_second[0],
            a_second[1],
            a_second[0] / a_second[1]
        );
    }
    divan::main();
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

#[divan::bench(args = [Durability::Synced, Durability::Unsynced])]
fn through_the_ledger(bencher: Bencher<'_, '_>, durability: Durability) {
    let mut ledger = ThroughTheLedger::new(durability);
    bencher
        .counter(divan::counter::ItemsCount::new(1_u32))
        .bench_local(|| ledger.store());
}

#[divan::bench(args = [Durability::Synced, Durability::Unsynced])]
fn through_sqlite3_alone(bencher: Bencher<'_, '_>, durability: Durability) {
    let mut alone = Alone::new(durability);
    bencher
        .counter(divan::counter::ItemsCount::new(1_u32))
        .bench_local(|| alone.store());
}

struct ThroughTheLedger {
    runtime: Runtime,
    ledger: Ledger,
    setup: SetupId,
    directory: TempDir,
    stored: u32,
}

impl ThroughTheLedger {
    fn new(durability: Durability) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (ledger, setup) = runtime.block_on(async {
            let mut ledger = Ledger::create(&directory.path().join("ledger"), durability)
                .await
                .expect("a new ledger");
            let setup = ledger.setup(&setup()).await.expect("a setup");
            (ledger, setup)
        });
        Self {
            runtime,
            ledger,
            setup,
            directory,
            stored: 0,
        }
    }

    fn store(&mut self) {
        self.stored += 1;
        let (start, end) = (start(self.stored), end(self.stored));
        self.runtime.block_on(async {
            self.ledger.begin_run(self.setup, &start).await.expect("a start");
            self.ledger.finish_run(&end, wall(self.stored)).await.expect("an end");
        });
    }

    /// Sees that the other side stored the same.
    fn compare(self, alone: Alone) {
        drop(alone.connection);
        let dump = |directory: &TempDir| {
            self.runtime
                .block_on(fixture_ledger::dump(&directory.path().join("ledger")))
                .expect("a dump")
        };
        assert!(
            dump(&self.directory) == dump(&alone.directory),
            "both sides store the same"
        );
        self.runtime.block_on(self.ledger.close()).expect("closed");
    }
}

struct Alone {
    connection: Connection,
    directory: TempDir,
    stored: u32,
}

impl Alone {
    /// An empty ledger of the same schema, opened by the library alone with the ledger's pragmas.
    fn new(durability: Durability) -> Self {
        let ThroughTheLedger {
            runtime,
            ledger,
            directory,
            ..
        } = ThroughTheLedger::new(durability);
        runtime.block_on(ledger.close()).expect("closed");
        let connection = Connection::open(directory.path().join("ledger")).expect("a database");
        connection.set_prepared_statement_cache_capacity(100);
        connection.pragma_update(None, "foreign_keys", true).expect("a pragma");
        connection
            .pragma_update(
                None,
                "synchronous",
                match durability {
                    Durability::Synced => "FULL",
                    Durability::Unsynced => "OFF",
                },
            )
            .expect("a pragma");
        let mode: String = connection
            .query_row("PRAGMA journal_mode", [], |row| row.get(0))
            .expect("a pragma");
        assert_eq!(mode, "wal");
        Self {
            connection,
            directory,
            stored: 0,
        }
    }

    fn store(&mut self) {
        self.stored += 1;
        self.insert(&start(self.stored), &end(self.stored)).expect("inserts");
    }

    fn insert(&mut self, start: &RunStart, end: &RunEnd) -> rusqlite::Result<()> {
        let number = self.stored;
        let seated = start.seated.micros;
        self.connection
            .prepare_cached(
                "INSERT INTO run (id, setup, lane, serial, operator, lot, work_order, seated, seated_synchronised)
                VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                start.run.0.as_bytes(),
                start.lane.number(),
                start.serial.as_ref().map(Serial::as_str),
                start.operator,
                start.lot,
                start.work_order,
                seated,
                start.seated.synchronised
            ])?;
        let transaction = self
            .connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO attempt VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
            )?;
            for attempt in &end.attempts {
                let lateness = serde_json::to_string(&attempt.lateness).expect("numbers");
                insert.execute(params![
                    number,
                    attempt.number,
                    attempt.rate,
                    attempt.level_permille,
                    micros(attempt.began),
                    micros(attempt.took),
                    attempt.token_id,
                    attempt.result.as_str(),
                    attempt.symbols,
                    micros(attempt.latest),
                    lateness,
                    attempt.loop_back.map(|seen| seen.bright),
                    attempt.loop_back.map(|seen| seen.mid_share),
                    attempt.loop_back.map(|seen| seen.samples),
                    attempt.mid_permille
                ])?;
            }
            let mut insert = transaction.prepare_cached("INSERT INTO reading VALUES (?1, ?2, ?3, ?4, ?5)")?;
            for (place, reading) in (1_u32..).zip(&end.readings) {
                let codes = serde_json::to_string(&reading.codes).expect("texts");
                insert.execute(params![number, place, micros(reading.at), codes, reading.confidence])?;
            }
            let mut insert = transaction.prepare_cached("INSERT INTO evidence VALUES (?1, ?2, ?3, ?4, ?5)")?;
            for (place, fact) in (1_u32..).zip(&end.evidence) {
                insert.execute(params![number, place, micros(fact.at), fact.kind.as_str(), fact.detail])?;
            }
            transaction
                .prepare_cached("INSERT INTO trace VALUES (?1, ?2)")?
                .execute(params![number, end.trace])?;
            transaction
                .prepare_cached(
                    "UPDATE run
                    SET outcome = ?2, code = ?3, detail = ?4, stage = ?5, took = ?6, ended = ?7, ended_synchronised = ?8,
                        device_id = ?9, agent_url = ?10, samples_lost = ?11, is_first = 1, verdict_number = ?1
                    WHERE number = ?1",
                )?
                .execute(params![
                    number,
                    end.code.outcome().as_str(),
                    end.code.as_str(),
                    end.detail,
                    end.stage.as_str(),
                    micros(end.took),
                    wall(number).micros,
                    wall(number).synchronised,
                    end.device_id,
                    end.agent_url,
                    end.samples_lost
                ])?;
            transaction
                .prepare_cached(
                    "INSERT INTO rollup VALUES (?1, ?2, ?3, 1, ?4, ?5, 1, 1, 1, 0)
                    ON CONFLICT DO UPDATE SET runs = runs + 1, last_runs = last_runs + 1",
                )?
                .execute(params![
                    seated / 3_600_000_000,
                    start.lane.number(),
                    start.lot,
                    end.code.outcome().as_str(),
                    end.code.as_str()
                ])?;
        }
        transaction.commit()
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).expect("a run's duration")
}

fn wall(number: u32) -> WallTime {
    WallTime {
        micros: i64::from(number) * 20_000_000 + 1_700_000_000_000_000,
        synchronised: true,
    }
}

fn setup() -> Setup {
    Setup {
        fixture: "fixture-1".to_owned(),
        software: "0.1.0".to_owned(),
        recipe: "sensor-wifi".to_owned(),
        recipe_version: "0123456789abcdef".to_owned(),
        pass_rule: "blessed".to_owned(),
        simulated: true,
    }
}

fn start(number: u32) -> RunStart {
    RunStart {
        run: RunId(Uuid::from_u128((u128::from(number) << 80) | 0x7000_8000_0000_0000_0000)),
        lane: LaneId::new(u8::try_from(number % 4 + 1).expect("a small number")).expect("a lane"),
        serial: Serial::new(&format!("SN-{number:08}")).ok(),
        operator: "console".to_owned(),
        lot: "lot-7".to_owned(),
        work_order: String::new(),
        seated: wall(number),
    }
}

fn end(number: u32) -> RunEnd {
    let attempt = Attempt {
        number: 1,
        rate: 60,
        level_permille: 800,
        mid_permille: Some(500),
        began: Duration::from_millis(2_500),
        took: Duration::from_millis(14_001),
        token_id: Some(format!("token-{number}")),
        result: AttemptResult::Damaged,
        symbols: 840,
        latest: Duration::from_micros(731),
        lateness: [0, 0, 3, 40, 300, 400, 80, 12, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        loop_back: Some(LoopBack {
            bright: 2_137.25,
            mid_share: 0.5,
            samples: 411,
        }),
    };
    let mut light = vec![0; 15_000];
    let mut state = number;
    for byte in &mut light {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = state.to_be_bytes()[0];
    }
    RunEnd {
        run: start(number).run,
        code: if number.is_multiple_of(10) {
            VerdictCode::StuckJoining
        } else {
            VerdictCode::Ok
        },
        detail: "blessed-green for 5 s, bless event after 1.2 s".to_owned(),
        stage: Stage::Blessed,
        took: Duration::from_micros(61_234_567),
        device_id: Some(format!("{number:016x}")),
        agent_url: Some("https://agent.example/abcdefghijkl".to_owned()),
        attempts: vec![
            attempt.clone(),
            Attempt {
                number: 2,
                rate: 30,
                result: AttemptResult::Received,
                ..attempt
            },
        ],
        readings: (0..12)
            .map(|place| StoredReading {
                at: Duration::from_millis(900 * place),
                codes: vec!["wifi-joining".to_owned(), "wifi-searching".to_owned()],
                confidence: 0.75,
            })
            .collect(),
        evidence: (0..16)
            .map(|place| Evidence {
                at: Duration::from_millis(800 * place),
                kind: EvidenceKind::Stage,
                detail: "stage joining, from no-network-settings".to_owned(),
            })
            .collect(),
        measurements: Vec::new(),
        trace: light,
        samples_lost: 3,
    }
}
