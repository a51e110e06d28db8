//! Runs committed a second by the ledger, beside the same rows inserted through the `sqlite3` library alone with the same pragmas.
//!
//! A run is all that a real one stores, in as many commits: its start, each of two attempts, the verdict with what it rests on, the printed label of
//! one that passed, the lift. Both sides end with the same ledger, which is checked; the seals, which the ledger works out, the other side is given.
//! First the two take turns, since a disk's speed drifts; their median rounds, the ratio of these, and how long each of the commits took in the mean are printed; then
//! divan measures each.

mod rows;

use core::time::Duration;
use std::time::Instant;

use divan::Bencher;
use fixture_ledger::record::{AttemptResult, RunEnd, RunStart, Side};
use fixture_ledger::{Durability, Ledger, SetupId};
use fixture_link::identity::Serial;
use fixture_link::verdict::VerdictCode;
use rows::{Commit, end, start, wall};
use rusqlite::{Connection, Transaction, params};
use tempfile::TempDir;
use tokio::runtime::Runtime;

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
            let seals = ledger.newest_seals(RUNS_A_ROUND);
            took[1].push(timed(|| seals.iter().for_each(|seal| alone.store(seal))));
        }
        let laps = ledger.laps.beside(&alone.laps);
        ledger.compare(alone);
        let a_second = took.map(|mut took| {
            took.sort_unstable();
            f64::from(RUNS_A_ROUND) / took[took.len() / 2].as_secs_f64()
        });
        for (commit, [ours, theirs]) in laps {
            println!(
                "{durability:?}: {commit:?} {ours} µs of a run through the ledger, {theirs} through sqlite3 alone"
            );
        }
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
        .bench_local(|| alone.store(&[0; 32]));
}

/// How long the commits of each kind took, all together.
struct Laps {
    last: Instant,
    sums: [(Commit, Duration); 5],
    runs: u32,
}

impl Laps {
    #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
    fn new() -> Self {
        let kinds = [
            Commit::Start,
            Commit::Attempt,
            Commit::Verdict,
            Commit::Label,
            Commit::Lift,
        ];
        Self {
            last: Instant::now(),
            sums: kinds.map(|kind| (kind, Duration::ZERO)),
            runs: 0,
        }
    }

    /// A commit is done.
    #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
    fn lap(&mut self, commit: Commit) {
        let now = Instant::now();
        self.runs += u32::from(commit == Commit::None);
        for (kind, sum) in &mut self.sums {
            if *kind == commit {
                *sum += now.duration_since(self.last);
            }
        }
        self.last = now;
    }

    /// Microseconds of a run, here and there.
    fn beside(&self, other: &Self) -> [(Commit, [u128; 2]); 5] {
        let of = |laps: &Self, place: usize| (laps.sums[place].1 / laps.runs.max(1)).as_micros();
        core::array::from_fn(|place| (self.sums[place].0, [of(self, place), of(other, place)]))
    }
}

struct ThroughTheLedger {
    laps: Laps,
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
        let (ledger, setup) = runtime.block_on(rows::ledger(&directory.path().join("ledger"), durability));
        Self {
            laps: Laps::new(),
            runtime,
            ledger,
            setup,
            directory,
            stored: 0,
        }
    }

    fn store(&mut self) {
        self.stored += 1;
        let done = |commit| self.laps.lap(commit);
        self.runtime
            .block_on(rows::store(&mut self.ledger, self.setup, self.stored, done));
    }

    /// Seals of the last runs, in their order.
    fn newest_seals(&self, count: u32) -> Vec<[u8; 32]> {
        let path = self.directory.path().join("ledger");
        let connection =
            Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).expect("a ledger");
        let mut select = connection
            .prepare("SELECT seal FROM run WHERE number > ?1 ORDER BY number")
            .expect("a query");
        let seals = select.query_map([self.stored - count], |row| row.get(0)).expect("rows");
        seals.collect::<Result<_, _>>().expect("seals")
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
    laps: Laps,
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
            .pragma_update(None, "wal_autocheckpoint", 65_536)
            .expect("a pragma");
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
            laps: Laps::new(),
            connection,
            directory,
            stored: 0,
        }
    }

    fn store(&mut self, seal: &[u8; 32]) {
        self.stored += 1;
        let (start, end) = (start(self.stored), end(self.stored));
        self.laps.lap(Commit::None);
        self.insert(&start, &end, seal).expect("inserts");
        // As often as the ledger does.
        if self.stored.is_multiple_of(512) {
            self.connection
                .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
                .expect("a checkpoint");
        }
    }

    #[expect(clippy::too_many_lines, reason = "a run, commit after commit")]
    fn insert(&mut self, start: &RunStart, end: &RunEnd, seal: &[u8; 32]) -> rusqlite::Result<()> {
        let number = self.stored;
        let seated = start.seated.micros;
        self.connection
            .prepare_cached(
                "INSERT INTO run (id, setup, lane, serial, operator, lot, work_order, purpose, seated, seated_synchronised)
                VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                start.run.0.as_bytes(),
                start.lane.number(),
                start.serial.as_ref().map(Serial::as_str),
                start.operator,
                start.lot,
                start.work_order,
                start.purpose.as_str(),
                seated,
                start.seated.synchronised
            ])?;
        self.laps.lap(Commit::Start);
        for attempt in &end.attempts {
            let lateness = serde_json::to_string(&attempt.lateness).expect("numbers");
            self.connection
                .prepare_cached(
                    "INSERT INTO attempt VALUES (?1 * 1000000 + ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
                )?
                .execute(params![
                    number,
                    attempt.number,
                    attempt.rate,
                    attempt.level_permille,
                    attempt.mid_permille,
                    micros(attempt.began),
                    micros(attempt.took),
                    attempt.token_id,
                    attempt.result.as_str(),
                    attempt.symbols,
                    micros(attempt.latest),
                    lateness,
                    attempt.loop_back.map(|seen| seen.bright),
                    attempt.loop_back.map(|seen| seen.mid_share),
                    attempt.loop_back.map(|seen| seen.samples)
                ])?;
            self.laps.lap(Commit::Attempt);
        }
        let passed = end.code == VerdictCode::Ok;
        let at = wall(number).micros;
        let transaction = self
            .connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        {
            insert_evidence(&transaction, number, end)?;
            transaction
                .prepare_cached(
                    "UPDATE run
                    SET outcome = ?2, code = ?3, detail = ?4, stage = ?5, took = ?6, ended = ?7, ended_synchronised = ?8,
                        device_id = ?9, agent_url = ?10, samples_lost = ?11, is_first = 1, ordinal = 1, verdict_number = ?1,
                        seal = ?12
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
                    end.samples_lost,
                    seal
                ])?;
            transaction
                .prepare_cached(
                    "INSERT INTO batch (setup, lot, work_order, operator, purpose)
                    VALUES (1, ?1, ?2, ?3, ?4)
                    ON CONFLICT DO NOTHING",
                )?
                .execute(params![
                    start.lot,
                    start.work_order,
                    start.operator,
                    start.purpose.as_str()
                ])?;
            let received = end
                .attempts
                .iter()
                .filter(|attempt| attempt.result == AttemptResult::Received);
            transaction
                .prepare_cached(
                    "INSERT INTO rollup VALUES (?1, ?2, 1, ?3, 1, ?4, 1, 1, 0, ?5, ?6, ?7)
                    ON CONFLICT DO UPDATE
                    SET runs = runs + 1, last_runs = last_runs + 1, attempts = attempts + excluded.attempts,
                        received = received + excluded.received, took = took + excluded.took",
                )?
                .execute(params![
                    seated / 900_000_000,
                    start.lane.number(),
                    end.code.as_str(),
                    if passed { 3 } else { 2 },
                    u32::try_from(end.attempts.len()).expect("a few"),
                    u32::try_from(received.count()).expect("a few"),
                    micros(end.took)
                ])?;
            if passed {
                transaction
                    .prepare_cached("INSERT INTO label VALUES (?1, 'pending', '', 0, ?2, 1)")?
                    .execute(params![number, at])?;
            }
        }
        transaction.commit()?;
        self.laps.lap(Commit::Verdict);
        if passed {
            self.connection
                .prepare_cached("UPDATE label SET state = 'printed', tries = 1 WHERE run = ?1")?
                .execute(params![number])?;
            self.laps.lap(Commit::Label);
        }
        self.connection
            .prepare_cached("UPDATE run SET lifted = ?2, lifted_synchronised = 1 WHERE number = ?1")?
            .execute(params![number, at])?;
        self.laps.lap(Commit::Lift);
        Ok(())
    }
}

/// What a verdict rests on.
fn insert_evidence(transaction: &Transaction<'_>, number: u32, end: &RunEnd) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached("INSERT INTO reading VALUES (?1 * 1000000 + ?2, ?3, ?4, ?5)")?;
    for (place, reading) in (1_u32..).zip(&end.readings) {
        let codes = serde_json::to_string(&reading.codes).expect("texts");
        insert.execute(params![number, place, micros(reading.at), codes, reading.confidence])?;
    }
    let mut insert = transaction.prepare_cached("INSERT INTO evidence VALUES (?1 * 1000000 + ?2, ?3, ?4, ?5)")?;
    for (place, fact) in (1_u32..).zip(&end.evidence) {
        insert.execute(params![number, place, micros(fact.at), fact.kind.as_str(), fact.detail])?;
    }
    let mut insert =
        transaction.prepare_cached("INSERT INTO measurement VALUES (?1 * 1000000 + ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
    for figure in &end.measurements {
        let limits = figure.limits.as_ref();
        insert.execute(params![
            number,
            figure.what.number(),
            figure.scale.as_str(),
            figure.value,
            figure.deviation,
            limits.map(|limits| limits.allowed.start()),
            limits.map(|limits| limits.allowed.end()),
            limits.map(|limits| limits.side == Side::Outside)
        ])?;
    }
    transaction
        .prepare_cached("INSERT INTO trace VALUES (?1, ?2)")?
        .execute(params![number, end.trace])?;
    Ok(())
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).expect("a run's duration")
}
