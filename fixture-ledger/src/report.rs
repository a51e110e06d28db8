//! Reports out: read-only, also for another user of the ledger's group, with or without a writer.
//!
//! A run belongs to the hour in which its unit was seated. First-pass yield counts, of each unit, the first run that ended in PASS or
//! FAIL; a run that said nothing about the unit (ERROR, UNDECIDED, ABORTED, INTERRUPTED) neither counts nor uses up the unit's first
//! run. Last-pass yield counts each unit's latest such run. A run without a serial is a unit of its own.
//!
//! A range of time is from an instant (included) until another (excluded), in microseconds since 1970 UTC.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;
use std::path::{Path, PathBuf};

use fixture_link::identity::{LaneId, RunId, Serial, WallTime};
use fixture_link::snapshot::{LineStop, Stage};
use fixture_link::verdict::{Class, Outcome, Refusal, Unknown, VerdictCode};
use sqlx::{Connection, SqliteConnection};

use crate::decode::{self, Place};
use crate::error::LedgerError;
use crate::files::{self, Reader};
use crate::record::{
    Annotation, Attempt, Evidence, Limits, LoopBack, Measurement, Purpose, RefusedStart, Setup, Side, StoredReading,
};
use crate::yields::QUARTER;

/// The most rows of one page.
pub const PAGE_LIMIT: u32 = 500;

/// How many runs of a serial's beginning are looked up in the index of serials, before only their days are asked for.
const MANY: u32 = 50_000;

/// A ledger, open to be read. Every report opens it for as long as it takes, so a ledger that is replaced is read from then on.
#[derive(Debug, Clone)]
pub struct Reports {
    pub(crate) path: PathBuf,
    pub(crate) many: u32,
}

/// Runs that ended in a range of time, counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct YieldSummary {
    /// Runs with a verdict.
    pub runs: u64,
    /// Of these, runs on a simulated jig.
    pub simulated: u64,
    /// Of these, runs that an annotation blames on the network or the fixture.
    pub suspected: u64,
    /// Units by their first run that counts.
    pub first_pass: Yield,
    /// Units by their latest run that counts.
    pub last_pass: Yield,
    /// Runs by outcome, in the order of [`Outcome::ALL`].
    pub by_outcome: [u64; 6],
}

impl YieldSummary {
    /// Runs with an outcome.
    pub fn with(&self, outcome: Outcome) -> u64 {
        Outcome::ALL
            .into_iter()
            .zip(self.by_outcome)
            .filter_map(|(of, runs)| (of == outcome).then_some(runs))
            .sum()
    }
}

/// A share of units that passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Yield {
    /// Units that passed.
    pub passed: u64,
    /// Units that passed or failed.
    pub total: u64,
}

/// How often a code was the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeCount {
    /// The code.
    pub code: VerdictCode,
    /// Whose fault it is.
    pub class: Class,
    /// Runs.
    pub runs: u64,
    /// Of these, runs that an annotation blames on the network or the fixture.
    pub suspected: u64,
}

/// Which runs are wanted; those that fit everything that is given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunFilter {
    /// Of this unit, or of units whose serial begins so.
    pub serial: Option<SerialFilter>,
    /// With this outcome.
    pub outcome: Option<Outcome>,
    /// With this code.
    pub code: Option<VerdictCode>,
    /// On this lane.
    pub lane: Option<LaneId>,
    /// Of this lot.
    pub lot: Option<String>,
    /// Of this work order.
    pub work_order: Option<String>,
    /// Seated at this instant or later.
    pub from: Option<i64>,
    /// Seated before this instant.
    pub until: Option<i64>,
    /// By this operator.
    pub operator: Option<String>,
    /// With this recipe.
    pub recipe: Option<String>,
    /// With this version of the software.
    pub software: Option<String>,
    /// Of units that were run for this.
    pub purpose: Option<Purpose>,
    /// Of units that got so far and no further.
    pub reached: Option<Reached>,
    /// The last run of the page before.
    pub before: Option<Cursor>,
    /// In which order.
    pub sort: Sort,
}

/// In which order runs are listed: by when their units were seated, those of one instant by which was begun first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Sort {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
}

impl Sort {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Newest, Self::Oldest];

    /// The name in addresses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Oldest => "oldest",
        }
    }
}

impl FromStr for Sort {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or_else(|| Unknown(text.to_owned(), "order"))
    }
}

/// How far a unit got, as yields tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Reached {
    /// It was seated.
    Seated = 0,
    /// It received the settings.
    Received = 1,
    /// It was online.
    Connected = 2,
    /// It passed.
    Passed = 3,
}

impl Reached {
    /// Every one, in order.
    pub const ALL: [Self; 4] = [Self::Seated, Self::Received, Self::Connected, Self::Passed];

    /// The name in addresses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Seated => "seated",
            Self::Received => "received",
            Self::Connected => "connected",
            Self::Passed => "passed",
        }
    }
}

impl FromStr for Reached {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or_else(|| Unknown(text.to_owned(), "stage of a yield"))
    }
}

/// Which serials are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SerialFilter {
    /// This one.
    Is(String),
    /// Those that begin so.
    BeginsWith(String),
}

/// A place in the list of runs, as text in a page's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor {
    pub(crate) seated: i64,
    pub(crate) number: i64,
}

/// Text that is not a [`Cursor`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a place in the list of runs")]
pub struct BadCursor(pub String);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.seated, self.number)
    }
}

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        text.split_once('-')
            .and_then(|(seated, number)| {
                Some(Self {
                    seated: seated.parse().ok()?,
                    number: number.parse().ok()?,
                })
            })
            .ok_or_else(|| BadCursor(text.to_owned()))
    }
}

/// Some rows in the filter's order, and where the next page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// For [`RunFilter::before`] of the next page; `None` on the last.
    pub next: Option<Cursor>,
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    /// The run.
    pub run: RunId,
    /// The lane.
    pub lane: LaneId,
    /// The unit, where it had a serial.
    pub serial: Option<Serial>,
    /// The operator logged in at the fixture.
    pub operator: String,
    /// The lot; empty for none.
    pub lot: String,
    /// The work order; empty for none.
    pub work_order: String,
    /// When the unit was seated.
    pub seated: WallTime,
    /// The recipe's name.
    pub recipe: String,
    /// The pass rule's name; under `led-only` everything says "LED evidence only".
    pub pass_rule: String,
    /// On a simulated jig: everything says SIMULATED.
    pub simulated: bool,
    /// The verdict; `None` while the run lasts.
    pub verdict: Option<StoredVerdict>,
    /// Attempts stored so far.
    pub attempts: u32,
    /// Annotations beside it.
    pub annotations: u32,
}

/// A stored verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredVerdict {
    /// The outcome.
    pub outcome: Outcome,
    /// The code.
    pub code: VerdictCode,
    /// What exactly was seen.
    pub detail: String,
    /// How far the unit got; unknown for an interrupted run.
    pub stage: Option<Stage>,
    /// From seated to the verdict; unknown for an interrupted run.
    pub took: Option<Duration>,
    /// When it was stored.
    pub ended: WallTime,
    /// The device id, where it is known.
    pub device_id: Option<String>,
    /// The agent's URL, where it is known.
    pub agent_url: Option<String>,
    /// Samples that were lost or came too late.
    /// Unknown for an interrupted run, and 0 there.
    pub samples_lost: u32,
    /// Whether it is the unit's first run that counts in yields.
    pub first: bool,
}

/// Everything about a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunDetail {
    /// What the list shows.
    pub row: RunRow,
    /// Who, what and where.
    pub setup: Setup,
    /// When the unit was lifted, where it was.
    pub lifted: Option<WallTime>,
    /// Every attempt.
    pub attempts: Vec<Attempt>,
    /// Every reading.
    pub readings: Vec<StoredReading>,
    /// Every fact.
    pub evidence: Vec<Evidence>,
    /// What was measured of the unit.
    pub measurements: Vec<Measurement>,
    /// What was learned later, oldest first.
    pub annotations: Vec<(WallTime, Annotation)>,
    /// The recorded light; empty when none was.
    pub trace: Vec<u8>,
}

/// Something that became of a unit besides its runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitNote {
    /// When.
    pub at: WallTime,
    /// What.
    pub what: UnitNews,
}

/// What can become of a unit besides its runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnitNews {
    /// A start was not allowed.
    Refused {
        /// On this lane.
        lane: LaneId,
        /// Why.
        refusal: Refusal,
        /// Why exactly.
        detail: String,
    },
    /// A person did something about it, or wanted to.
    Act {
        /// Who.
        by: String,
        /// What, by its name in records, and what was chosen: `unlock`, `dispose (scrap)`.
        kind: String,
        /// The reason; empty for a start.
        words: String,
        /// Why it was not done; `None` when it was.
        refused: Option<String>,
    },
}

/// A stored stop of the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopRow {
    /// Why and since when.
    pub stop: LineStop,
    /// Until when; `None` while it lasts.
    pub ended: Option<WallTime>,
}

/// A stored refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusalRow {
    /// When.
    pub at: WallTime,
    /// What was refused and why.
    pub refused: RefusedStart,
    /// On a simulated jig: everything says SIMULATED.
    pub simulated: bool,
}

/// Runs with a verdict that are alike, counted.
struct Cell {
    code: String,
    is_first: i64,
    simulated: i64,
    runs: i64,
    last_runs: i64,
    suspected: i64,
}

/// A run as selected.
pub(crate) struct SelectedRun {
    pub(crate) number: i64,
    pub(crate) id: Vec<u8>,
    pub(crate) lane: i64,
    pub(crate) serial: Option<String>,
    pub(crate) operator: String,
    pub(crate) lot: String,
    pub(crate) work_order: String,
    pub(crate) seated: i64,
    pub(crate) seated_synchronised: i64,
    pub(crate) recipe: String,
    pub(crate) pass_rule: String,
    pub(crate) simulated: i64,
    pub(crate) outcome: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) detail: Option<String>,
    pub(crate) stage: Option<String>,
    pub(crate) took: Option<i64>,
    pub(crate) ended: Option<i64>,
    pub(crate) ended_synchronised: Option<i64>,
    pub(crate) device_id: Option<String>,
    pub(crate) agent_url: Option<String>,
    pub(crate) samples_lost: Option<i64>,
    pub(crate) is_first: Option<i64>,
    pub(crate) attempts: i64,
    pub(crate) annotations: i64,
}

impl Reports {
    /// Opens a ledger to be read.
    ///
    /// # Errors
    /// There is none, it may not be read, it is of another version, or it is damaged.
    pub async fn open(path: &Path) -> Result<Self, LedgerError> {
        let reports = Self {
            path: path.to_owned(),
            many: MANY,
        };
        reports.reader().await?.close(path, "opening it to read").await?;
        Ok(reports)
    }

    /// The same reports, which look for runs of a serial's beginning by their days as soon as more than so many have it: a ledger has to be large
    /// before that is worth it, and a test's is not.
    #[must_use]
    pub fn by_days_beyond(self, runs: u32) -> Self {
        Self { many: runs, ..self }
    }

    /// Where the ledger is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) async fn reader(&self) -> Result<Reader, LedgerError> {
        let mut reader = Reader::open(&self.path).await?;
        reader.bound(&self.path).await?;
        let known = files::known_version();
        if reader.version < known {
            return Err(LedgerError::Older {
                path: self.path.clone(),
                found: reader.version,
                known,
            });
        }
        Ok(reader)
    }

    /// Reads the whole file and says where it is damaged. It takes as long as the ledger is large (the only report that does) and holds
    /// up the moving of the `-wal` into the ledger meanwhile, so it is for maintenance.
    ///
    /// # Errors
    /// The ledger is damaged, or could not be read.
    pub async fn check(&self) -> Result<(), LedgerError> {
        const OPERATION: &str = "checking it";
        let mut reader = Reader::open(&self.path).await?;
        let said: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check(1)")
            .fetch_all(&mut reader.connection)
            .await
            .map_err(|error| LedgerError::sqlx(&self.path, OPERATION, error))?;
        reader.close(&self.path, OPERATION).await?;
        match said.into_iter().find(|line| line != "ok") {
            None => Ok(()),
            Some(what) => Err(LedgerError::Corrupt {
                path: self.path.clone(),
                operation: OPERATION,
                what,
            }),
        }
    }

    /// Yields of the runs whose units were seated in a range of time, on one lane or all.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn today(&self, from: i64, until: i64, lane: Option<LaneId>) -> Result<YieldSummary, LedgerError> {
        self.summary(&self.cells(from, until, lane).await?)
    }

    /// Everything that was ever counted: yields, and how often each code but `ok` was the verdict. Both are of the same moment.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn totals(&self) -> Result<(YieldSummary, Vec<CodeCount>), LedgerError> {
        let cells = self.cells(i64::MIN, i64::MAX, None).await?;
        Ok((self.summary(&cells)?, self.failures(&cells)?))
    }

    fn summary(&self, cells: &[Cell]) -> Result<YieldSummary, LedgerError> {
        let mut summary = YieldSummary::default();
        for cell in cells {
            let place = self.rollup();
            let outcome = place.parse::<VerdictCode>("code", &cell.code)?.outcome();
            let runs: u64 = place.number("runs", cell.runs)?;
            let last_runs: u64 = place.number("last_runs", cell.last_runs)?;
            summary.runs += runs;
            summary.suspected += place.number::<u64>("suspected", cell.suspected)?;
            if cell.simulated == 1 {
                summary.simulated += runs;
            }
            for (of, counted) in Outcome::ALL.into_iter().zip(&mut summary.by_outcome) {
                if of == outcome {
                    *counted += runs;
                }
            }
            let first_runs = if cell.is_first == 1 { runs } else { 0 };
            summary.first_pass.total += first_runs;
            summary.last_pass.total += last_runs;
            if outcome == Outcome::Pass {
                summary.first_pass.passed += first_runs;
                summary.last_pass.passed += last_runs;
            }
        }
        Ok(summary)
    }

    /// How often each code but `ok` was the verdict of runs whose units were seated in a range of time, most often first.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn failures_by_code(&self, from: i64, until: i64) -> Result<Vec<CodeCount>, LedgerError> {
        self.failures(&self.cells(from, until, None).await?)
    }

    fn failures(&self, cells: &[Cell]) -> Result<Vec<CodeCount>, LedgerError> {
        let mut counts: Vec<CodeCount> = Vec::new();
        for cell in cells {
            let place = self.rollup();
            let code: VerdictCode = place.parse("code", &cell.code)?;
            if code == VerdictCode::Ok {
                continue;
            }
            let runs: u64 = place.number("runs", cell.runs)?;
            let suspected: u64 = place.number("suspected", cell.suspected)?;
            match counts.iter_mut().find(|count| count.code == code) {
                Some(count) => {
                    count.runs += runs;
                    count.suspected += suspected;
                }
                None => counts.push(CodeCount {
                    code,
                    class: code.class(),
                    runs,
                    suspected,
                }),
            }
        }
        counts.sort_by(|a, b| b.runs.cmp(&a.runs).then(a.code.cmp(&b.code)));
        Ok(counts)
    }

    fn rollup(&self) -> Place<'_> {
        Place {
            path: &self.path,
            table: "rollup",
            row: 0,
        }
    }

    /// Counts of a range: whole quarters of an hour from the rollups, the pieces at its ends from the runs themselves.
    async fn cells(&self, from: i64, until: i64, lane: Option<LaneId>) -> Result<Vec<Cell>, LedgerError> {
        const OPERATION: &str = "counting runs";
        let failed = |error| LedgerError::sqlx(&self.path, OPERATION, error);
        let lane = lane.map(LaneId::number);
        let from = from.max(0);
        let until = until.max(from);
        let first_quarter = from.div_euclid(QUARTER) + i64::from(from.rem_euclid(QUARTER) != 0);
        let after_last_quarter = until.div_euclid(QUARTER);
        // Before the first whole quarter, and after the last; where none is whole, the first piece is all.
        let (head_until, tail_from) = if first_quarter <= after_last_quarter {
            (
                first_quarter.saturating_mul(QUARTER),
                after_last_quarter.saturating_mul(QUARTER),
            )
        } else {
            (until, until)
        };
        let mut reader = self.reader().await?;
        let mut transaction = reader.connection.begin().await.map_err(failed)?;
        let mut cells = sqlx::query_as!(
            Cell,
            r#"SELECT
                rollup.code AS "code!",
                rollup.ordinal = 1 AS "is_first!: i64",
                setup.simulated AS "simulated!",
                sum(rollup.runs) AS "runs!: i64",
                sum(rollup.last_runs) AS "last_runs!: i64",
                sum(rollup.suspected) AS "suspected!: i64"
            FROM rollup
            JOIN batch ON batch.number = rollup.batch
            JOIN setup ON setup.number = batch.setup
            WHERE rollup.quarter >= ?1
                AND rollup.quarter < ?2
                AND (?3 IS NULL OR rollup.lane = ?3)
            GROUP BY rollup.code, rollup.ordinal = 1, setup.simulated"#,
            first_quarter,
            after_last_quarter,
            lane
        )
        .fetch_all(&mut *transaction)
        .await
        .map_err(failed)?;
        for (from, until) in [(from, head_until), (tail_from, until)] {
            if from >= until {
                continue;
            }
            let piece = sqlx::query_as!(
                Cell,
                r#"SELECT
                    run.code AS "code!",
                    run.is_first AS "is_first!",
                    setup.simulated AS "simulated!",
                    count(*) AS "runs!: i64",
                    sum(
                        run.ordinal > 0
                        AND NOT EXISTS (
                            SELECT *
                            FROM run AS later
                            WHERE later.serial = run.serial
                                AND later.ordinal > 0
                                AND later.verdict_number > run.verdict_number
                        )
                    ) AS "last_runs!: i64",
                    sum(
                        EXISTS (SELECT * FROM annotation WHERE annotation.run = run.number AND kind LIKE 'suspected-%')
                    ) AS "suspected!: i64"
                FROM run
                JOIN setup ON setup.number = run.setup
                WHERE run.seated >= ?1
                    AND run.seated < ?2
                    AND run.outcome IS NOT NULL
                    AND (?3 IS NULL OR run.lane = ?3)
                GROUP BY run.code, run.is_first, setup.simulated"#,
                from,
                until,
                lane
            )
            .fetch_all(&mut *transaction)
            .await
            .map_err(failed)?;
            cells.extend(piece);
        }
        transaction.commit().await.map_err(failed)?;
        reader.close(&self.path, OPERATION).await?;
        Ok(cells)
    }

    /// The latest runs, newest first.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn latest(&self, n: u32) -> Result<Vec<RunRow>, LedgerError> {
        Ok(self.runs(&RunFilter::default(), n).await?.rows)
    }

    /// Every run of a unit, newest first.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn unit(&self, serial: &str) -> Result<Vec<RunRow>, LedgerError> {
        let mut filter = RunFilter {
            serial: Some(SerialFilter::Is(serial.to_owned())),
            ..RunFilter::default()
        };
        let mut rows = Vec::new();
        loop {
            let page = self.runs(&filter, PAGE_LIMIT).await?;
            rows.extend(page.rows);
            match page.next {
                Some(next) => filter.before = Some(next),
                None => return Ok(rows),
            }
        }
    }

    pub(crate) fn run_row(&self, row: SelectedRun) -> Result<RunRow, LedgerError> {
        let place = Place {
            path: &self.path,
            table: "run",
            row: row.number,
        };
        let verdict = match (row.outcome, row.code, row.ended) {
            (Some(outcome), Some(code), Some(ended)) => Some(StoredVerdict {
                outcome: place.parse("outcome", &outcome)?,
                code: place.parse("code", &code)?,
                detail: row.detail.unwrap_or_default(),
                stage: row.stage.map(|stage| stage_of(place, &stage)).transpose()?,
                took: row.took.map(|took| place.duration("took", took)).transpose()?,
                ended: decode::wall(ended, row.ended_synchronised.unwrap_or(0)),
                device_id: row.device_id,
                agent_url: row.agent_url,
                samples_lost: place.number("samples_lost", row.samples_lost.unwrap_or(0))?,
                first: row.is_first == Some(1),
            }),
            (None, None, None) => None,
            _ => {
                return Err(place.nonsense(
                    "outcome",
                    "half a verdict; expected outcome, code and end, or none of them",
                ));
            }
        };
        Ok(RunRow {
            run: place.run_id("id", &row.id)?,
            lane: place.lane("lane", row.lane)?,
            serial: row.serial.map(|serial| place.serial("serial", &serial)).transpose()?,
            operator: row.operator,
            lot: row.lot,
            work_order: row.work_order,
            seated: decode::wall(row.seated, row.seated_synchronised),
            recipe: row.recipe,
            pass_rule: row.pass_rule,
            simulated: row.simulated == 1,
            verdict,
            attempts: place.number("attempts", row.attempts)?,
            annotations: place.number("annotations", row.annotations)?,
        })
    }

    /// Everything about a run; `None` when it was never begun.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn run(&self, run: RunId) -> Result<Option<RunDetail>, LedgerError> {
        const OPERATION: &str = "reading a run";
        let failed = |error| LedgerError::sqlx(&self.path, OPERATION, error);
        let id = run.0.as_bytes().as_slice();
        let mut reader = self.reader().await?;
        let mut transaction = reader.connection.begin().await.map_err(failed)?;
        let selected = sqlx::query_as!(
            SelectedRun,
            r#"SELECT
                run.number, run.id, run.lane, run.serial, run.operator, run.lot, run.work_order, run.seated,
                run.seated_synchronised,
                setup.recipe, setup.pass_rule, setup.simulated,
                run.outcome, run.code, run.detail, run.stage, run.took, run.ended, run.ended_synchronised,
                run.device_id, run.agent_url, run.samples_lost, run.is_first,
                (
                    SELECT count(*)
                    FROM attempt
                    WHERE attempt.id BETWEEN run.number * 1000000 AND run.number * 1000000 + 999999
                ) AS "attempts!: i64",
                (SELECT count(*) FROM annotation WHERE annotation.run = run.number) AS "annotations!: i64"
            FROM run
            JOIN setup ON setup.number = run.setup
            WHERE run.id = ?1"#,
            id
        )
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed)?;
        let Some(selected) = selected else {
            drop(transaction);
            reader.close(&self.path, OPERATION).await?;
            return Ok(None);
        };
        let number = selected.number;
        let rest = sqlx::query!(
            r#"SELECT
                setup.fixture, setup.software, setup.recipe, setup.recipe_version, setup.pass_rule, setup.simulated,
                run.lifted, run.lifted_synchronised,
                (SELECT light FROM trace WHERE trace.run = run.number) AS "light: Vec<u8>"
            FROM run
            JOIN setup ON setup.number = run.setup
            WHERE run.number = ?1"#,
            number
        )
        .fetch_one(&mut *transaction)
        .await
        .map_err(failed)?;
        let detail = RunDetail {
            row: self.run_row(selected)?,
            setup: Setup {
                fixture: rest.fixture,
                software: rest.software,
                recipe: rest.recipe,
                recipe_version: rest.recipe_version,
                pass_rule: rest.pass_rule,
                simulated: rest.simulated == 1,
            },
            lifted: rest
                .lifted
                .map(|lifted| decode::wall(lifted, rest.lifted_synchronised.unwrap_or(0))),
            attempts: read_attempts(&self.path, &mut transaction, number).await?,
            readings: self.readings(&mut transaction, number).await?,
            evidence: self.evidence(&mut transaction, number).await?,
            measurements: self.measurements(&mut transaction, number).await?,
            annotations: self.annotations(&mut transaction, number, run).await?,
            trace: rest.light.unwrap_or_default(),
        };
        transaction.commit().await.map_err(failed)?;
        reader.close(&self.path, OPERATION).await?;
        Ok(Some(detail))
    }

    pub(crate) async fn readings(
        &self,
        connection: &mut SqliteConnection,
        run: i64,
    ) -> Result<Vec<StoredReading>, LedgerError> {
        let place = Place {
            path: &self.path,
            table: "reading",
            row: run,
        };
        let rows = sqlx::query!(
            "SELECT at, codes, confidence
            FROM reading
            WHERE id BETWEEN ?1 * 1000000 AND ?1 * 1000000 + 999999
            ORDER BY id",
            run
        )
        .fetch_all(connection)
        .await
        .map_err(|error| LedgerError::sqlx(&self.path, "reading readings", error))?;
        rows.into_iter()
            .map(|row| {
                Ok(StoredReading {
                    at: place.duration("at", row.at)?,
                    codes: place.json("codes", &row.codes)?,
                    confidence: decode::small_float(row.confidence),
                })
            })
            .collect()
    }

    pub(crate) async fn evidence(
        &self,
        connection: &mut SqliteConnection,
        run: i64,
    ) -> Result<Vec<Evidence>, LedgerError> {
        let place = Place {
            path: &self.path,
            table: "evidence",
            row: run,
        };
        let rows = sqlx::query!(
            "SELECT at, kind, detail
            FROM evidence
            WHERE id BETWEEN ?1 * 1000000 AND ?1 * 1000000 + 999999
            ORDER BY id",
            run
        )
        .fetch_all(connection)
        .await
        .map_err(|error| LedgerError::sqlx(&self.path, "reading evidence", error))?;
        rows.into_iter()
            .map(|row| {
                Ok(Evidence {
                    at: place.duration("at", row.at)?,
                    kind: place.parse("kind", &row.kind)?,
                    detail: row.detail,
                })
            })
            .collect()
    }

    pub(crate) async fn measurements(
        &self,
        connection: &mut SqliteConnection,
        run: i64,
    ) -> Result<Vec<Measurement>, LedgerError> {
        let place = Place {
            path: &self.path,
            table: "measurement",
            row: run,
        };
        let rows = sqlx::query!(
            r#"SELECT what AS "what!", scale, value, deviation, least, most, is_outside
            FROM measurement
            WHERE id BETWEEN ?1 * 1000000 AND ?1 * 1000000 + 999999"#,
            run
        )
        .fetch_all(connection)
        .await
        .map_err(|error| LedgerError::sqlx(&self.path, "reading measurements", error))?;
        let mut measurements = rows
            .into_iter()
            .map(|row| {
                measurement_of(
                    place,
                    &row.what,
                    &row.scale,
                    [row.value, row.deviation],
                    (row.least, row.most, row.is_outside),
                )
            })
            .collect::<Result<Vec<Measurement>, LedgerError>>()?;
        measurements.sort_by_key(|measurement| measurement.what);
        Ok(measurements)
    }

    async fn annotations(
        &self,
        connection: &mut SqliteConnection,
        number: i64,
        run: RunId,
    ) -> Result<Vec<(WallTime, Annotation)>, LedgerError> {
        let rows = sqlx::query!(
            "SELECT number, at, at_synchronised, kind, detail
            FROM annotation
            WHERE run = ?1
            ORDER BY number",
            number
        )
        .fetch_all(connection)
        .await
        .map_err(|error| LedgerError::sqlx(&self.path, "reading annotations", error))?;
        rows.into_iter()
            .map(|row| {
                let place = Place {
                    path: &self.path,
                    table: "annotation",
                    row: row.number,
                };
                Ok((
                    decode::wall(row.at, row.at_synchronised),
                    Annotation {
                        run,
                        kind: place.parse("kind", &row.kind)?,
                        detail: row.detail,
                    },
                ))
            })
            .collect()
    }

    /// What became of a unit besides its runs: starts that were not allowed, and what people did about it; the oldest first.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn unit_notes(&self, serial: &str) -> Result<Vec<UnitNote>, LedgerError> {
        const OPERATION: &str = "reading what became of a unit";
        let failed = |error| LedgerError::sqlx(&self.path, OPERATION, error);
        let mut reader = self.reader().await?;
        let refusals = sqlx::query!(
            "SELECT number, at, at_synchronised, lane, refusal, detail
            FROM refusal
            WHERE serial = ?1
            ORDER BY number",
            serial
        )
        .fetch_all(&mut reader.connection)
        .await
        .map_err(failed)?;
        let acts = sqlx::query!(
            "SELECT number, at, at_synchronised, by, kind, choice, words, refused
            FROM act
            WHERE serial = ?1
            ORDER BY number",
            serial
        )
        .fetch_all(&mut reader.connection)
        .await
        .map_err(failed)?;
        reader.close(&self.path, OPERATION).await?;
        let mut notes = Vec::new();
        for row in refusals {
            let place = Place {
                path: &self.path,
                table: "refusal",
                row: row.number,
            };
            notes.push(UnitNote {
                at: decode::wall(row.at, row.at_synchronised),
                what: UnitNews::Refused {
                    lane: place.lane("lane", row.lane)?,
                    refusal: place.parse("refusal", &row.refusal)?,
                    detail: row.detail,
                },
            });
        }
        notes.extend(acts.into_iter().map(|row| UnitNote {
            at: decode::wall(row.at, row.at_synchronised),
            what: UnitNews::Act {
                by: row.by,
                kind: match row.choice {
                    None => row.kind,
                    Some(choice) => format!("{} ({choice})", row.kind),
                },
                words: row.words,
                refused: row.refused,
            },
        }));
        notes.sort_by_key(|note| note.at.micros);
        Ok(notes)
    }

    /// The line's last stops, newest first.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn stops(&self, limit: u32) -> Result<Vec<StopRow>, LedgerError> {
        const OPERATION: &str = "reading stops of the line";
        let mut reader = self.reader().await?;
        let rows = sqlx::query!(
            "SELECT number, since, since_synchronised, code, cause, lane, wants_acknowledgement, ended, ended_synchronised
            FROM line_stop
            ORDER BY number DESC
            LIMIT ?1",
            limit
        )
        .fetch_all(&mut reader.connection)
        .await
        .map_err(|error| LedgerError::sqlx(&self.path, OPERATION, error))?;
        reader.close(&self.path, OPERATION).await?;
        rows.into_iter()
            .map(|row| {
                let place = Place {
                    path: &self.path,
                    table: "line_stop",
                    row: row.number,
                };
                Ok(StopRow {
                    stop: LineStop {
                        code: row.code.map(|code| place.parse("code", &code)).transpose()?,
                        cause: row.cause,
                        lane: row.lane.map(|lane| place.lane("lane", lane)).transpose()?,
                        since: decode::wall(row.since, row.since_synchronised),
                        wants_acknowledgement: row.wants_acknowledgement == 1,
                    },
                    ended: row
                        .ended
                        .map(|ended| decode::wall(ended, row.ended_synchronised.unwrap_or(0))),
                })
            })
            .collect()
    }

    /// The last starts that were not allowed, newest first.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn refusals(&self, limit: u32) -> Result<Vec<RefusalRow>, LedgerError> {
        const OPERATION: &str = "reading refusals";
        let mut reader = self.reader().await?;
        let rows = sqlx::query!(
            "SELECT
                refusal.number, refusal.at, refusal.at_synchronised, refusal.lane, refusal.serial, refusal.refusal,
                refusal.detail, setup.simulated
            FROM refusal
            JOIN setup ON setup.number = refusal.setup
            ORDER BY refusal.number DESC
            LIMIT ?1",
            limit
        )
        .fetch_all(&mut reader.connection)
        .await
        .map_err(|error| LedgerError::sqlx(&self.path, OPERATION, error))?;
        reader.close(&self.path, OPERATION).await?;
        rows.into_iter()
            .map(|row| {
                let place = Place {
                    path: &self.path,
                    table: "refusal",
                    row: row.number,
                };
                Ok(RefusalRow {
                    at: decode::wall(row.at, row.at_synchronised),
                    refused: RefusedStart {
                        lane: place.lane("lane", row.lane)?,
                        serial: row.serial.map(|serial| place.serial("serial", &serial)).transpose()?,
                        refusal: place.parse("refusal", &row.refusal)?,
                        detail: row.detail,
                    },
                    simulated: row.simulated == 1,
                })
            })
            .collect()
    }
}

/// Every attempt of a run.
pub(crate) async fn read_attempts(
    path: &Path,
    connection: &mut SqliteConnection,
    run: i64,
) -> Result<Vec<Attempt>, LedgerError> {
    let place = Place {
        path,
        table: "attempt",
        row: run,
    };
    let rows = sqlx::query!(
        "SELECT
            number, rate, level_permille, mid_permille, began, took, token_id, result, symbols, latest, lateness,
            loop_bright, loop_mid_share, loop_samples
        FROM attempt
        WHERE id BETWEEN ?1 * 1000000 AND ?1 * 1000000 + 999999
        ORDER BY id",
        run
    )
    .fetch_all(connection)
    .await
    .map_err(|error| LedgerError::sqlx(path, "reading attempts", error))?;
    rows.into_iter()
        .map(|row| {
            Ok(Attempt {
                number: place.number("number", row.number)?,
                rate: place.number("rate", row.rate)?,
                level_permille: place.number("level_permille", row.level_permille)?,
                mid_permille: row
                    .mid_permille
                    .map(|mid| place.number("mid_permille", mid))
                    .transpose()?,
                began: place.duration("began", row.began)?,
                took: place.duration("took", row.took)?,
                token_id: row.token_id,
                result: place.parse("result", &row.result)?,
                symbols: place.number("symbols", row.symbols)?,
                latest: place.duration("latest", row.latest)?,
                lateness: place.json("lateness", &row.lateness)?,
                loop_back: match (row.loop_bright, row.loop_mid_share, row.loop_samples) {
                    (Some(bright), Some(mid_share), Some(samples)) => Some(LoopBack {
                        bright: decode::small_float(bright),
                        mid_share: decode::small_float(mid_share),
                        samples: place.number("loop_samples", samples)?,
                    }),
                    _ => None,
                },
            })
        })
        .collect()
}

impl Reports {
    /// What was measured in runs of those numbers: each with its run's place among them, in order of what it is.
    pub(crate) async fn measurements_of_runs(
        &self,
        connection: &mut SqliteConnection,
        numbers: &[i64],
    ) -> Result<Vec<(usize, Measurement)>, LedgerError> {
        let place = Place {
            path: &self.path,
            table: "measurement",
            row: 0,
        };
        let numbers = serde_json::to_string(numbers).map_err(|error| place.nonsense("number", error))?;
        let rows = sqlx::query!(
            r#"SELECT
                CAST(wanted.key AS INTEGER) AS "at!: i64",
                measurement.run AS "run!: i64",
                measurement.what AS "what!",
                measurement.scale,
                measurement.value,
                measurement.deviation,
                measurement.least,
                measurement.most,
                measurement.is_outside
            FROM json_each(?1) AS wanted
            CROSS JOIN measurement ON measurement.id BETWEEN wanted.value * 1000000 AND wanted.value * 1000000 + 999999"#,
            numbers
        )
        .fetch_all(connection)
        .await
        .map_err(|error| LedgerError::sqlx(&self.path, "reading what was measured", error))?;
        let mut measurements = rows
            .into_iter()
            .map(|row| {
                let place = Place { row: row.run, ..place };
                let measurement = measurement_of(
                    place,
                    &row.what,
                    &row.scale,
                    [row.value, row.deviation],
                    (row.least, row.most, row.is_outside),
                )?;
                Ok((place.number("run", row.at)?, measurement))
            })
            .collect::<Result<Vec<(usize, Measurement)>, LedgerError>>()?;
        measurements.sort_by_key(|(_, measurement)| measurement.what);
        Ok(measurements)
    }
}

/// A measurement by its columns: what and in which scale, its value and deviation, its limits and whether it is outside of them.
fn measurement_of(
    place: Place<'_>,
    what: &str,
    scale: &str,
    [value, deviation]: [f64; 2],
    limits: (Option<f64>, Option<f64>, Option<i64>),
) -> Result<Measurement, LedgerError> {
    Ok(Measurement {
        what: place.parse("what", what)?,
        scale: place.parse("scale", scale)?,
        value: decode::small_float(value),
        deviation: decode::small_float(deviation),
        limits: match limits {
            (Some(least), Some(most), Some(is_outside)) => Some(Limits {
                allowed: decode::small_float(least)..=decode::small_float(most),
                side: if is_outside == 1 { Side::Outside } else { Side::Inside },
            }),
            _ => None,
        },
    })
}

/// A stage by its name in records.
pub(crate) fn stage_of(place: Place<'_>, name: &str) -> Result<Stage, LedgerError> {
    use serde::Deserialize;
    use serde::de::IntoDeserializer;
    use serde::de::value::Error;

    Stage::deserialize(IntoDeserializer::<Error>::into_deserializer(name))
        .map_err(|error| place.nonsense("stage", error))
}
