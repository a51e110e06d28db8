//! What reports cost on a history of a million runs, and the same questions asked of all rows by plain SQL in the same process.
//!
//!     cargo bench -p fixture-ledger --bench history                          a million runs
//!     cargo bench -p fixture-ledger --bench history -- --runs 10000000       ten million (some 15 GB on the disk)
//!     … -- --repeat 10      that history ten times in turn, as runs and rollups alone: what pages and yields are told from
//!     … -- --ledger PATH     a ledger that is there, or is made there and kept (otherwise among what Cargo builds)
//!     … -- --plain N         so many of each kind of question are asked by plain SQL as well, and both answers have to be equal
//!
//! Every question is asked with values by chance from a seed. It is told how long answers took, and how much of that the process was at work: on a busy
//! machine only the second says something, and what the first answers take depends on what of the file the system has in memory.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement, told to a person"
)]

#[path = "../tests/ledger/filters.rs"]
mod filters;
#[path = "../examples/history/made.rs"]
mod made;

use core::time::Duration;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Parser;
use fixture_ledger::Reports;
use fixture_ledger::yields::{By, QUARTER, Scope, Span};
use fixture_link::verdict::VerdictCode;
use nix::time::{ClockId, clock_gettime};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rusqlite::types::Value;
use rusqlite::{Connection, params};
use tokio::runtime::Runtime;

use self::filters::{Known, Pages, plain_filter};

const DAY: i64 = 96 * QUARTER;

#[derive(Debug, Parser)]
struct Arguments {
    /// How many runs a history has that is made.
    #[arg(long, default_value_t = 1_000_000)]
    runs: u64,
    /// What the history and the questions come from.
    #[arg(long, default_value_t = 5)]
    seed: u64,
    /// How often that history comes in turn, each time later and of other units and lots.
    #[arg(long, default_value_t = 1)]
    repeat: i64,
    /// The ledger; made where there is none.
    #[arg(long)]
    ledger: Option<PathBuf>,
    /// Questions of each kind.
    #[arg(long, default_value_t = 200)]
    questions: usize,
    /// Of these, how many plain SQL is asked as well.
    #[arg(long, default_value_t = 10)]
    plain: usize,
    /// Only questions of which this is a part of the name.
    #[arg(long, default_value = "")]
    only: String,
    /// What Cargo says to every benchmark.
    #[arg(long)]
    bench: bool,
}

fn main() {
    let asked = Arguments::parse();
    // Cargo also runs benchmarks as tests; making a history would be most of that.
    if !asked.bench {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let path = asked.ledger.clone().unwrap_or_else(|| {
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("history-{}-{}", asked.runs, asked.seed))
    });
    if !path.exists() {
        let wanted = made::Wanted {
            runs: asked.runs,
            seed: asked.seed,
            lanes: 4,
        };
        let told = runtime.block_on(made::make(wanted, &path)).expect("a history");
        println!("made {} runs of {} units", told.runs, told.units);
    }
    let path = if asked.repeat > 1 {
        let mut many = path.clone().into_os_string();
        many.push(format!("-times-{}", asked.repeat));
        let many = PathBuf::from(many);
        if !many.exists() {
            repeat(&path, &many, asked.repeat);
        }
        many
    } else {
        path
    };
    let reports = runtime.block_on(Reports::open(&path)).expect("a ledger");
    let connection = Connection::open_with_flags(&path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).expect("a ledger");
    let mut asking = Asking {
        known: Known::of(&connection),
        chance: ChaCha8Rng::seed_from_u64(asked.seed),
        runtime,
        reports,
        connection,
        questions: asked.questions,
        plain: asked.plain,
        only: asked.only,
    };
    println!(
        "{} runs; what is asked (how often): half of the answers within / 95 % / the longest, milliseconds; the same of the time at work",
        asking.known.runs
    );
    asking.units();
    asking.run_details();
    asking.overview();
    asking.yield_by_day();
    asking.pareto();
    asking.yield_by_lot();
    for kind in Pages::ALL {
        asking.pages(kind);
    }
}

/// Makes a history that is another one again and again. Seals and what verdicts rest on are not of the copies: no page of runs and no yield is told
/// from them.
fn repeat(path: &Path, many: &Path, times: i64) {
    std::fs::copy(path, many).expect("a copy");
    let connection = Connection::open(many).expect("a ledger");
    let number = |query: &str| -> i64 { connection.query_row(query, [], |row| row.get(0)).expect("a number") };
    let runs = number("SELECT max(number) FROM run");
    let batches = number("SELECT max(number) FROM batch");
    let lasts = (number("SELECT max(seated) - min(seated) FROM run") / DAY + 3) * DAY;
    assert!(
        runs <= 1_000_000,
        "serials of more than a million units have no room for the copy's number"
    );
    let (min, max) = (1, times - 1);
    connection
        .execute_batch(&format!(
            "PRAGMA journal_mode = OFF;
            PRAGMA synchronous = OFF;
            PRAGMA cache_size = -400000;
            PRAGMA foreign_keys = OFF;
            BEGIN;
            WITH RECURSIVE copy (n) AS (SELECT {min} UNION ALL SELECT n + 1 FROM copy WHERE n < {max})
            INSERT INTO batch (number, setup, lot, work_order, operator, purpose)
            SELECT number + n * {batches}, setup, lot || '-' || n, work_order || '-' || n, operator, purpose
            FROM copy CROSS JOIN batch WHERE batch.number <= {batches};
            WITH RECURSIVE copy (n) AS (SELECT {min} UNION ALL SELECT n + 1 FROM copy WHERE n < {max})
            INSERT INTO rollup
            SELECT
                quarter + n * {lasts} / {QUARTER}, lane, batch + n * {batches}, code, ordinal, reached, runs, last_runs, suspected,
                attempts, received, took
            FROM copy CROSS JOIN rollup WHERE batch <= {batches};
            WITH RECURSIVE copy (n) AS (SELECT {min} UNION ALL SELECT n + 1 FROM copy WHERE n < {max})
            INSERT INTO run (
                number, id, setup, lane, serial, operator, lot, work_order, purpose, seated, seated_synchronised, outcome, code,
                detail, stage, took, ended, ended_synchronised, device_id, samples_lost, is_first, ordinal, verdict_number
            )
            SELECT
                number + n * {runs},
                unhex(printf('%012x70008000%012x', (seated + n * {lasts}) / 1000, number + n * {runs})),
                setup, lane, iif(serial LIKE 'SN-%', printf('SN-%02d%s', n, substr(serial, 6)), serial), operator,
                lot || '-' || n, work_order || '-' || n, purpose, seated + n * {lasts}, seated_synchronised, outcome, code, detail,
                stage, took, ended + n * {lasts}, ended_synchronised, device_id, samples_lost, is_first, ordinal,
                verdict_number + n * {runs}
            FROM copy CROSS JOIN run WHERE run.number <= {runs};
            COMMIT;
            PRAGMA journal_mode = WAL;"
        ))
        .expect("the copies");
}

struct Asking {
    known: Known,
    chance: ChaCha8Rng,
    runtime: Runtime,
    reports: Reports,
    connection: Connection,
    questions: usize,
    plain: usize,
    only: String,
}

/// How long something took, and how long the process's threads were at work.
type Took = (Duration, Duration);

fn timed<T>(of: impl FnOnce() -> T) -> (Took, T) {
    let worked = || Duration::from(clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("Linux has one"));
    let (start, before) = (Instant::now(), worked());
    let answer = of();
    ((start.elapsed(), worked().saturating_sub(before)), answer)
}

/// Half of them, 95 %, and the longest, in milliseconds.
fn shares(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |percent: usize| {
        let rank = (times.len() * percent).div_ceil(100).max(1);
        times.get(rank - 1).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    };
    format!("{:7.1} {:7.1} {:7.1}", at(50), at(95), at(100))
}

/// One kind of question, told.
fn tell(what: &str, goal: u64, times: &[Took], plain: &[Took]) {
    let took = |times: &[Took]| shares(times.iter().map(|(took, _)| *took).collect());
    let worked = |times: &[Took]| shares(times.iter().map(|(_, worked)| *worked).collect());
    println!(
        "{what:46} ({:3}) goal {goal:3}: {} at work {}   plain ({}): at work {}",
        times.len(),
        took(times),
        worked(times),
        plain.len(),
        worked(plain),
    );
}

impl Asking {
    /// Asks the same question both ways, many times of the reports and some times of plain SQL.
    fn ask<Q, A: PartialEq + core::fmt::Debug>(
        &mut self,
        (what, goal): (&str, u64),
        question: impl Fn(&mut Self) -> Q,
        answer: impl Fn(&Self, &Q) -> A,
        plainly: impl Fn(&Self, &Q) -> A,
    ) where
        Q: core::fmt::Debug,
    {
        if !what.contains(&self.only) {
            return;
        }
        let (mut times, mut plain) = (Vec::new(), Vec::new());
        for number in 0..self.questions {
            let question = question(self);
            let (took, answered) = timed(|| answer(self, &question));
            if std::env::var_os("HISTORY_SLOW").is_some() && took.1 > Duration::from_millis(goal) {
                println!("{:?}: {question:?}", took.1);
            }
            times.push(took);
            if number < self.plain {
                let (took, expected) = timed(|| plainly(self, &question));
                plain.push(took);
                assert_eq!(answered, expected, "{question:?}");
            }
        }
        tell(what, goal, &times, &plain);
    }

    fn units(&mut self) {
        self.ask(
            ("a unit's runs by its serial", 20),
            |asking| format!("SN-{:08}", asking.chance.random_range(1..=asking.known.runs)),
            |asking, serial| {
                let runs = asking.runtime.block_on(asking.reports.unit(serial)).expect("runs");
                runs.iter().map(|run| run.run).collect::<Vec<_>>()
            },
            |asking, serial| {
                filters::ids(
                    &asking.connection,
                    "serial = ?1 ORDER BY seated DESC, number DESC",
                    vec![Value::Text(serial.clone())],
                )
            },
        );
    }

    fn run_details(&mut self) {
        self.ask(
            ("one run with all that it rests on", 20),
            |asking| {
                let number = asking.chance.random_range(1..=asking.known.runs);
                filters::ids(&asking.connection, "number = ?1", vec![Value::Integer(number)])[0]
            },
            |asking, run| {
                let detail = asking.runtime.block_on(asking.reports.run(*run)).expect("a ledger");
                let detail = detail.expect("a run");
                let verdict = detail.row.verdict.expect("a verdict");
                (verdict.code, detail.attempts.len(), detail.evidence.len())
            },
            |asking, run| {
                let (code, attempts, evidence): (String, u32, u32) = asking
                    .connection
                    .query_row(
                        "SELECT
                            code,
                            (
                                SELECT count(*)
                                FROM attempt
                                WHERE attempt.id BETWEEN run.number * 1000000 AND run.number * 1000000 + 999999
                            ),
                            (
                                SELECT count(*)
                                FROM evidence
                                WHERE evidence.id BETWEEN run.number * 1000000 AND run.number * 1000000 + 999999
                            )
                        FROM run NOT INDEXED
                        WHERE id = ?1",
                        params![run.0.as_bytes()],
                        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
                    )
                    .expect("a run");
                (code.parse().expect("a code"), attempts as usize, evidence as usize)
            },
        );
    }

    /// A span of so many days, on whole quarters of an hour.
    fn span(&mut self, length: i64) -> Span {
        let from = self
            .chance
            .random_range(self.known.first..=self.known.last)
            .div_euclid(QUARTER)
            * QUARTER;
        Span {
            from,
            until: from + length,
        }
    }

    /// Runs by code of production within a span.
    fn codes(&self, span: Span) -> Vec<(VerdictCode, u64)> {
        let mut statement = self
            .connection
            .prepare(
                "SELECT code, count(*) FROM run NOT INDEXED
                WHERE seated >= ?1 AND seated < ?2 AND purpose = 'production'
                GROUP BY code ORDER BY 2 DESC, 1",
            )
            .expect("a query");
        let rows = statement
            .query_map(params![span.from, span.until], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, u32>(1)?))
            })
            .expect("rows");
        let mut codes: Vec<(VerdictCode, u64)> = rows
            .map(|row| {
                let (code, runs) = row.expect("a row");
                (code.parse().expect("a code"), u64::from(runs))
            })
            .collect();
        codes.sort_unstable();
        codes
    }

    fn overview(&mut self) {
        self.ask(
            ("overview: a shift's yields and runs by code", 100),
            |asking| asking.span(DAY / 3),
            |asking, span| {
                let tally = asking
                    .runtime
                    .block_on(asking.reports.tally(*span, &Scope::default()))
                    .expect("a tally");
                let mut codes: Vec<_> = tally.codes.iter().map(|(code, tally)| (*code, tally.runs)).collect();
                codes.sort_unstable();
                codes
            },
            |asking, span| asking.codes(*span),
        );
    }

    fn pareto(&mut self) {
        self.ask(
            ("Pareto by code over 28 days", 100),
            |asking| asking.span(28 * DAY),
            |asking, span| {
                let tally = asking
                    .runtime
                    .block_on(asking.reports.tally(*span, &Scope::default()))
                    .expect("a tally");
                let mut codes: Vec<_> = tally.codes.iter().map(|(code, tally)| (*code, tally.runs)).collect();
                codes.sort_unstable();
                codes
            },
            |asking, span| asking.codes(*span),
        );
    }

    fn first_pass(&self, of: &str, span: Span) -> Vec<(String, u64, u64)> {
        let query = format!(
            "SELECT {of}, sum(ordinal = 1 AND outcome = 'PASS'), sum(ordinal = 1) FROM run NOT INDEXED
            WHERE seated >= ?1 AND seated < ?2 AND outcome IS NOT NULL
            GROUP BY 1 ORDER BY 1"
        );
        let mut statement = self.connection.prepare(&query).expect("a query");
        let rows = statement
            .query_map(params![span.from, span.until], |row| {
                Ok((
                    row.get::<_, String>(0)?,
                    u64::from(row.get::<_, u32>(1)?),
                    u64::from(row.get::<_, u32>(2)?),
                ))
            })
            .expect("rows");
        rows.map(|row| row.expect("a row")).collect()
    }

    fn yield_by_day(&mut self) {
        self.ask(
            ("first-pass yield by day over 28 days", 100),
            |asking| asking.span(28 * DAY),
            |asking, span| {
                let days: Vec<Span> = (0..28)
                    .map(|day| Span {
                        from: span.from + day * DAY,
                        until: span.from + (day + 1) * DAY,
                    })
                    .collect();
                let counted = asking
                    .runtime
                    .block_on(asking.reports.tallies(&days, &Scope::default(), By::Nothing))
                    .expect("tallies");
                let mut days: Vec<_> = counted
                    .iter()
                    .map(|day| (day.span.to_string(), day.tally.first.passed, day.tally.first.total))
                    .collect();
                days.sort_unstable();
                days
            },
            |asking, span| asking.first_pass(&format!("CAST((seated - {}) / {DAY} AS TEXT)", span.from), *span),
        );
    }

    fn yield_by_lot(&mut self) {
        self.ask(
            ("first-pass yield by lot over 13 weeks", 100),
            |asking| asking.span(91 * DAY),
            |asking, span| {
                let counted = asking
                    .runtime
                    .block_on(asking.reports.tallies(&[*span], &Scope::default(), By::Lot))
                    .expect("tallies");
                counted
                    .iter()
                    .map(|lot| (lot.of.clone(), lot.tally.first.passed, lot.tally.first.total))
                    .collect()
            },
            |asking, span| asking.first_pass("lot", *span),
        );
    }

    fn pages(&mut self, kind: Pages) {
        self.ask(
            (kind.words(), 150),
            |asking| asking.known.filter(&mut asking.chance, &asking.connection, kind),
            |asking, filter| {
                let page = asking
                    .runtime
                    .block_on(asking.reports.runs(filter, 50))
                    .expect("a page");
                page.rows.iter().map(|row| row.run).collect::<Vec<_>>()
            },
            |asking, filter| {
                let (condition, values) = plain_filter(filter);
                filters::ids(&asking.connection, &condition, values)
            },
        );
    }
}
