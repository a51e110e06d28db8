//! The one writer.

use core::time::Duration;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use fixture_link::act::{Act, ActAnswer, ActId, StopReason};
use fixture_link::identity::{LaneId, RunId, Serial, WallTime};
use fixture_link::snapshot::LineStop;
use fixture_link::verdict::{Outcome, VerdictCode};
use futures_util::TryStreamExt;
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};
use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteQueryResult, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, Either, Executor, Sqlite, Transaction};

use crate::audit::{self, ActRow};
use crate::decode::{self, Place};
use crate::error::LedgerError;
use crate::files::{self, Reader, WriterLock};
use crate::recipes::{self, RecipeVersion};
use crate::record::{
    Annotation, AnnotationKind, Attempt, Audited, ChangeKind, Evidence, Known, LabelState, Measurement, OpenLabel,
    Purpose, RefusedStart, RunEnd, RunStart, Setup, Side, StandingVerdict, StopKind, StoredReading, UnitHistory,
};
use crate::report::read_attempts;
use crate::seal::{Began, Ended, Rests, Seal, canonical};
use crate::study;

/// What a commit has gone through when it returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Durability {
    /// On the disk: survives a power cut (`synchronous=FULL`). What a fixture needs.
    Synced,
    /// With the operating system: survives the process, not a power cut. For simulated histories, which can be made again.
    Unsynced,
}

/// The number of a stored [`Setup`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SetupId(i64);

/// Why runs have no verdict that will not get one any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Interruption {
    /// The process, or its power, ended without a word.
    Crashed,
    /// A person or the service manager stopped the process.
    Stopped,
    /// The process stops because a part of it failed.
    Failed,
}

impl Interruption {
    /// What the record of such a run says.
    pub const fn detail(self) -> &'static str {
        match self {
            Self::Crashed => "the process or its power ended before the verdict was stored",
            Self::Stopped => "stopped by a person or the service manager before the verdict was stored",
            Self::Failed => "the daemon stopped for a fault of its own before the verdict was stored",
        }
    }
}

/// What [`Ledger::open`] found and put right.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovered {
    /// Runs that had no verdict, now INTERRUPTED, oldest first.
    pub interrupted: Vec<RunId>,
}

/// The ledger, open for writing. There is one on a file, in all processes.
///
/// Every method is one transaction: when it returns an error nothing of it is stored. End it with [`close`](Self::close).
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    durability: Durability,
    connection: SqliteConnection,
    keeper: Keeper,
    lock: WriterLock,
    /// Verdicts stored since the `-wal` was moved into the ledger.
    untidied: u32,
    /// The attempts that are stored of runs without a verdict.
    recorded: HashMap<RunId, Vec<Attempt>>,
    /// The setups that were told to this writer.
    setups: HashMap<i64, Setup>,
    /// The runs without a verdict, as they are stored, and the latest verdict: nobody else writes, so that neither has to be read before a verdict. Empty after
    /// anything failed; what is not in here is read.
    open: HashMap<RunId, Found>,
    last: Option<Last>,
}

/// What a verdict's seal rests on besides its run.
#[derive(Debug, Clone)]
struct Last {
    /// How many verdicts there are.
    verdicts: i64,
    /// The seal of the last one; empty where there is none, or it is from before there were seals.
    seal: Option<Vec<u8>>,
}

/// Bytes of a page of a new ledger: a run touches some thirty, and a page is written whole however little of it changed.
const PAGE: u32 = 512;

/// After so many verdicts the `-wal` is moved into the ledger: what a run touches is mostly what the one before touched, so that the more runs
/// there are in it, the fewer pages are written twice.
const TIDY_AFTER: u32 = 512;

/// Where nobody has the time for that, `SQLite` does it by itself when the `-wal` has so many pages.
const TIDY_ANYWAY: &str = "65536";

/// So many readings or facts come in the statement of their verdict, whose time grows with their square; more are inserted before it.
const ROWS_AT_ONCE: usize = 128;

/// No run has more attempts, readings or facts: a row's number tells its run and its place there.
const ROWS_OF_A_RUN: usize = 999_999;

/// What a verdict is stored with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum With {
    /// Nothing else.
    Nothing,
    /// A label that is to be printed, where it passed.
    Label,
}

/// A connection that only reads, has read, and is the last to close, so that `-wal` and `-shm` stay on the disk; see [`files`].
#[derive(Debug)]
struct Keeper(Option<SqliteConnection>);

impl Drop for Keeper {
    fn drop(&mut self) {
        // A ledger that was not closed: its connections close in the background in any order, so this one stays open for as long as the
        // process lives.
        if let Some(connection) = self.0.take() {
            std::mem::forget(connection);
        }
    }
}

impl Ledger {
    /// Makes a new ledger.
    ///
    /// # Errors
    /// There is something at `path`, or it cannot be written there; then nothing is left there.
    pub async fn create(path: &Path, durability: Durability) -> Result<Self, LedgerError> {
        if path.symlink_metadata().is_ok() {
            return Err(LedgerError::Exists { path: path.to_owned() });
        }
        let lock = WriterLock::take(path)?;
        if let Some(orphan) = files::orphan(path) {
            return Err(LedgerError::Exists { path: orphan });
        }
        Self::make(path, durability, lock).await
    }

    /// Opens a ledger, makes it when it is missing, brings an older one to this program's version, and gives every run without a
    /// verdict the verdict INTERRUPTED, written down as of `at`.
    ///
    /// # Errors
    /// Another process writes to it, it is newer than this program, damaged, not a ledger, read-only, or the disk is full.
    pub async fn open(path: &Path, at: WallTime) -> Result<(Self, Recovered), LedgerError> {
        const OPERATION: &str = "opening it to write";
        let damaged = |what: String| LedgerError::Corrupt {
            path: path.to_owned(),
            operation: OPERATION,
            what,
        };
        let lock = WriterLock::take(path)?;
        let mut ledger = if path.symlink_metadata().is_ok() {
            if std::fs::metadata(path).is_ok_and(|metadata| metadata.len() == 0) {
                return Err(damaged("the file is empty; a ledger never is".to_owned()));
            }
            // Before anything can be written to it.
            let reader = Reader::open(path).await?;
            let older = reader.version < files::known_version();
            reader.close(path, "reading its version").await?;
            if older {
                files::room_to_migrate(path)?;
            }
            let mut ledger = Self::connect(path, Durability::Synced, lock).await?;
            if older {
                ledger.take_in().await?;
            }
            ledger
        } else if let Some(orphan) = files::orphan(path) {
            return Err(damaged(format!("its file is gone, but there is {}", orphan.display())));
        } else {
            Self::make(path, Durability::Synced, lock).await?
        };
        let recovered = ledger.interrupt(at, Interruption::Crashed).await?;
        Ok((ledger, recovered))
    }

    /// Makes a new ledger under another name and names it when it is whole: after a crash there is a ledger or none, never an empty file.
    async fn make(path: &Path, durability: Durability, lock: WriterLock) -> Result<Self, LedgerError> {
        let unfinished = files::unfinished(path);
        // What a process left that ended in here, and empty files of a ledger that was taken away.
        files::remove(&unfinished);
        files::remove(path);
        let made = async {
            files::create(&unfinished)?;
            Self::write(&unfinished, durability)
                .await?
                .close()
                .await
                .map_err(|error| LedgerError::sqlx(path, "making it", error))?;
            files::name(&unfinished, path)
        };
        if let Err(error) = made.await {
            files::remove(&unfinished);
            return Err(error);
        }
        match Self::connect(path, durability, lock).await {
            Ok(ledger) => Ok(ledger),
            Err(error) => {
                files::remove(path);
                Err(error)
            }
        }
    }

    async fn connect(path: &Path, durability: Durability, lock: WriterLock) -> Result<Self, LedgerError> {
        let connection = Self::write(path, durability).await?;
        let keeper = Reader::open(path).await?.connection;
        Ok(Self {
            path: path.to_owned(),
            durability,
            connection,
            keeper: Keeper(Some(keeper)),
            lock,
            untidied: 0,
            recorded: HashMap::new(),
            setups: HashMap::new(),
            open: HashMap::new(),
            last: None,
        })
    }

    /// How a connection that writes is opened.
    fn options(path: &Path, durability: Durability) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(path)
            .page_size(PAGE)
            .journal_mode(SqliteJournalMode::Wal)
            .pragma("wal_autocheckpoint", TIDY_ANYWAY)
            .synchronous(match durability {
                Durability::Synced => SqliteSynchronous::Full,
                Durability::Unsynced => SqliteSynchronous::Off,
            })
            .foreign_keys(true)
            .disable_statement_logging()
    }

    /// A connection that writes, to a ledger of this program's version.
    async fn write(path: &Path, durability: Durability) -> Result<SqliteConnection, LedgerError> {
        const OPERATION: &str = "opening it to write";
        let failed = |error| LedgerError::sqlx(path, OPERATION, error);
        let mut connection = Self::options(path, durability).connect().await.map_err(failed)?;
        files::MIGRATIONS
            .run(&mut connection)
            .await
            .map_err(|error| LedgerError::migrate(path, "bringing it to this program's version", error))?;
        // When and how fast a migration ran is nobody's business, and would make two ledgers of the same runs differ.
        sqlx::query!(
            "UPDATE _sqlx_migrations
            SET installed_on = '1970-01-01 00:00:00', execution_time = 0
            WHERE execution_time <> 0"
        )
        .execute(&mut connection)
        .await
        .map_err(failed)?;
        Ok(connection)
    }

    /// Gives every run without a verdict the verdict INTERRUPTED, written down as of `at`. [`open`](Self::open) does so by itself;
    /// a process that ends in order does so for the runs that it leaves.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn interrupt(&mut self, at: WallTime, why: Interruption) -> Result<Recovered, LedgerError> {
        const OPERATION: &str = "ending interrupted runs";
        let detail = why.detail();
        let path = self.path.clone();
        let failed = |error| LedgerError::sqlx(&path, OPERATION, error);
        self.forget();
        let mut transaction = self.begin(OPERATION).await?;
        let open = sqlx::query!(
            "SELECT number, id
            FROM run
            WHERE verdict_number IS NULL
            ORDER BY number"
        )
        .fetch_all(&mut *transaction)
        .await
        .map_err(failed)?;
        let mut recovered = Recovered::default();
        for run in open {
            let place = Place {
                path: &path,
                table: "run",
                row: run.number,
            };
            let id = place.run_id("id", &run.id)?;
            let found = find(&mut transaction, id)
                .await
                .map_err(failed)?
                .ok_or(LedgerError::NoSuchRun { run: id })?;
            let attempts = read_attempts(&path, &mut transaction, run.number).await?;
            let attempts: Vec<AttemptRow<'_>> = attempts.iter().map(AttemptRow::from).collect();
            let ending = Ended {
                verdict_number: found.verdicts + 1,
                outcome: Outcome::Interrupted.as_str(),
                code: VerdictCode::Interrupted.as_str(),
                detail,
                stage: None,
                took: None,
                at,
                device_id: None,
                agent_url: None,
                samples_lost: 0,
                ordinal: 0,
            };
            let rests = Rests {
                attempts: &attempts,
                readings: &[],
                evidence: &[],
                measurements: &[],
                light: &[],
            };
            store_verdict(&mut transaction, &path, &found, &ending, &rests, &Rows::none(), None).await?;
            recovered.interrupted.push(id);
        }
        transaction.commit().await.map_err(failed)?;
        self.recorded.clear();
        Ok(recovered)
    }

    /// Where the ledger is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Refuses more rows of a run than it has numbers for.
    fn has_room(&self, operation: &'static str, rows: usize) -> Result<(), LedgerError> {
        if rows <= ROWS_OF_A_RUN {
            return Ok(());
        }
        Err(LedgerError::Refused {
            path: self.path.clone(),
            operation,
            what: format!("row {rows} of a run, of which it has at most {ROWS_OF_A_RUN}"),
        })
    }

    /// Reads anew what was known of what is stored.
    fn forget(&mut self) {
        self.open.clear();
        self.last = None;
    }

    async fn begin(&mut self, operation: &'static str) -> Result<Transaction<'_, Sqlite>, LedgerError> {
        self.renew_connection(operation).await?;
        let path = &self.path;
        self.connection
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(|error| LedgerError::sqlx(path, operation, error))
    }

    /// Where a commit meets a full disk, `SQLite` rolls back by itself. sqlx's own rollback then finds no transaction, so that it counts one that
    /// there is not and begins no other: such a connection is replaced.
    async fn renew_connection(&mut self, operation: &'static str) -> Result<(), LedgerError> {
        if !self.connection.is_in_transaction() {
            return Ok(());
        }
        // A transaction that was dropped is rolled back before this is answered.
        let failed = |error| LedgerError::sqlx(&self.path, operation, error);
        self.connection.ping().await.map_err(failed)?;
        if self.connection.is_in_transaction() {
            let renewed = Self::options(&self.path, self.durability)
                .connect()
                .await
                .map_err(failed)?;
            let lost = core::mem::replace(&mut self.connection, renewed);
            let closed = lost.close().await.map_err(failed);
            self.forget();
            self.recorded.clear();
            closed?;
        }
        Ok(())
    }

    /// Stores a setup, once however often it is told.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn setup(&mut self, setup: &Setup) -> Result<SetupId, LedgerError> {
        const OPERATION: &str = "storing a setup";
        let path = self.path.clone();
        let failed = |error| LedgerError::sqlx(&path, OPERATION, error);
        let mut transaction = self.begin(OPERATION).await?;
        sqlx::query!(
            "INSERT INTO setup (fixture, software, recipe, recipe_version, pass_rule, simulated)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT DO NOTHING",
            setup.fixture,
            setup.software,
            setup.recipe,
            setup.recipe_version,
            setup.pass_rule,
            setup.simulated
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        let number = sqlx::query_scalar!(
            "SELECT number
            FROM setup
            WHERE fixture = ?1
                AND software = ?2
                AND recipe = ?3
                AND recipe_version = ?4
                AND pass_rule = ?5
                AND simulated = ?6",
            setup.fixture,
            setup.software,
            setup.recipe,
            setup.recipe_version,
            setup.pass_rule,
            setup.simulated
        )
        .fetch_one(&mut *transaction)
        .await
        .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        self.setups.insert(number, setup.clone());
        Ok(SetupId(number))
    }

    /// Stores that a run has begun.
    ///
    /// # Errors
    /// It could not be stored; the run's id is in the ledger already.
    pub async fn begin_run(&mut self, setup: SetupId, start: &RunStart) -> Result<(), LedgerError> {
        let id = start.run.0.as_bytes().as_slice();
        let lane = start.lane.number();
        let serial = start.serial.as_ref().map(Serial::as_str);
        let purpose = start.purpose.as_str();
        // All rows, though there is one: whoever stops reading after it is not told that the commit failed.
        let stored = sqlx::query!(
            r#"INSERT INTO run (id, setup, lane, serial, operator, lot, work_order, purpose, seated, seated_synchronised)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
            RETURNING
                number AS "number!: i64",
                (
                    SELECT other.number
                    FROM run AS other
                    WHERE other.serial = ?4
                        AND other.ordinal > 0
                    ORDER BY other.ordinal DESC
                    LIMIT 1
                ) AS "earlier: i64",
                coalesce((SELECT max(other.ordinal) FROM run AS other WHERE other.serial = ?4), 0) AS "counted!: i64""#,
            id,
            setup.0,
            lane,
            serial,
            start.operator,
            start.lot,
            start.work_order,
            purpose,
            start.seated.micros,
            start.seated.synchronised
        )
        .fetch_all(&mut self.connection)
        .await
        .map_err(|error| LedgerError::sqlx(&self.path, "storing a run's start", error))?;
        if let (Some(stored), Some(setup)) = (stored.first(), self.setups.get(&setup.0)) {
            let found = Found::begun(start, setup, stored.number, stored.earlier, stored.counted);
            self.open.insert(start.run, found);
        }
        Ok(())
    }

    /// Stores an attempt of a run without a verdict, or stores it again with what is known since.
    ///
    /// # Errors
    /// It could not be stored; the run was not begun or has its verdict.
    pub async fn record_attempt(&mut self, run: RunId, attempt: &Attempt) -> Result<(), LedgerError> {
        const OPERATION: &str = "storing an attempt";
        let path = self.path.clone();
        let failed = |error| LedgerError::sqlx(&path, OPERATION, error);
        let row = AttemptRow::from(attempt);
        let lateness = self.json(OPERATION, &row.lateness)?;
        self.has_room(OPERATION, attempt.number as usize)?;
        // Before it is stored: who does not wait for it may have stored it all the same.
        if let Some(open) = self.open.get_mut(&run) {
            open.latest_attempt = open.latest_attempt.max(i64::from(attempt.number));
        }
        if let Some(recorded) = self.recorded.get_mut(&run) {
            recorded.retain(|other| other.number != attempt.number);
        }
        if upsert_attempt(&mut self.connection, run, &row, &lateness)
            .await
            .map_err(failed)?
            == 0
        {
            // It is stored already, or the run is not.
            let id = run.0.as_bytes().as_slice();
            sqlx::query_scalar!("SELECT number FROM run WHERE id = ?1", id)
                .fetch_optional(&mut self.connection)
                .await
                .map_err(failed)?
                .ok_or(LedgerError::NoSuchRun { run })?;
        }
        self.recorded.entry(run).or_default().push(attempt.clone());
        Ok(())
    }

    /// Stores a verdict and all that it rests on. When it returns, the verdict may be shown.
    ///
    /// # Errors
    /// It could not be stored; the run was not begun or has its verdict.
    pub async fn finish_run(&mut self, end: &RunEnd, ended: WallTime) -> Result<(), LedgerError> {
        self.finish(end, ended, With::Nothing).await
    }

    /// As [`finish_run`](Self::finish_run), and where it passed, its label is [`LabelState::Pending`] from the same commit on.
    ///
    /// # Errors
    /// It could not be stored; the run was not begun or has its verdict.
    pub async fn finish_run_with_label(&mut self, end: &RunEnd, ended: WallTime) -> Result<(), LedgerError> {
        self.finish(end, ended, With::Label).await
    }

    /// A run without its verdict, and the others. What is known of them is known again only once the verdict is stored: whatever fails until then, or is not waited
    /// for, all of it is read anew.
    async fn take_known(
        &mut self,
        operation: &'static str,
        run: RunId,
    ) -> Result<(Found, HashMap<RunId, Found>), LedgerError> {
        self.renew_connection(operation).await?;
        let mut others = core::mem::take(&mut self.open);
        let last = self.last.take();
        let found = match (others.remove(&run), last) {
            (Some(open), Some(last)) => Found {
                verdicts: last.verdicts,
                last_seal: last.seal,
                ..open
            },
            _ => find(&mut self.connection, run)
                .await
                .map_err(|error| LedgerError::sqlx(&self.path, operation, error))?
                .ok_or(LedgerError::NoSuchRun { run })?,
        };
        Ok((found, others))
    }

    async fn finish(&mut self, end: &RunEnd, ended: WallTime, with: With) -> Result<(), LedgerError> {
        const OPERATION: &str = "storing a verdict";
        let path = self.path.clone();
        let failed = |error| LedgerError::sqlx(&path, OPERATION, error);

        let attempts: Vec<AttemptRow<'_>> = end.attempts.iter().map(AttemptRow::from).collect();
        let readings: Vec<ReadingRow<'_>> = end.readings.iter().map(ReadingRow::from).collect();
        let evidence: Vec<EvidenceRow<'_>> = end.evidence.iter().map(EvidenceRow::from).collect();
        let measurements = measurement_rows(&end.measurements);
        let recorded = self.recorded.get(&end.run).map_or(&[][..], Vec::as_slice);
        let new = end.attempts.iter().filter(|attempt| !recorded.contains(attempt));
        let new: Vec<AttemptRow<'_>> = new.map(AttemptRow::from).collect();
        let latest_attempt = end.attempts.iter().map(|attempt| attempt.number as usize).max();
        let rows = readings.len().max(evidence.len());
        self.has_room(OPERATION, rows.max(latest_attempt.unwrap_or_default()))?;
        let many = rows > ROWS_AT_ONCE;
        let rows = Rows {
            attempts: self.json(OPERATION, &new)?,
            readings: self.json(OPERATION, &Flat(if many { &[] } else { &readings }))?,
            evidence: self.json(OPERATION, &Flat(if many { &[] } else { &evidence }))?,
            measurements: self.json(OPERATION, &Flat(&measurements))?,
            label: with == With::Label && end.code.outcome() == Outcome::Pass,
        };

        let (found, mut others) = self.take_known(OPERATION, end.run).await?;
        let outcome = end.code.outcome();
        let to_be_sold = found.purpose == Purpose::Production.as_str();
        let counts = outcome.in_yield() && to_be_sold;
        let rows = Rows {
            label: rows.label && to_be_sold,
            ..rows
        };
        // How far an interrupted run would have got, and in which time, nobody knows.
        let judged = end.code != VerdictCode::Interrupted;
        let ending = Ended {
            verdict_number: found.verdicts + 1,
            outcome: outcome.as_str(),
            code: end.code.as_str(),
            detail: &end.detail,
            stage: judged.then(|| end.stage.as_str()),
            took: judged.then(|| micros(end.took)),
            at: ended,
            device_id: end.device_id.as_deref(),
            agent_url: end.agent_url.as_deref(),
            samples_lost: end.samples_lost,
            ordinal: if counts { found.counted + 1 } else { 0 },
        };
        let rests = Rests {
            attempts: &attempts,
            readings: &readings,
            evidence: &evidence,
            measurements: &measurements,
            light: &end.trace,
        };
        let told_of_all = (1..).zip(&attempts).all(|(number, attempt)| attempt.number == number);
        let stored_attempts = if !told_of_all || found.latest_attempt > count_of(&attempts) {
            // One is stored that the end does not tell of: it is the run's all the same.
            let stored = read_attempts(&path, &mut self.connection, found.number).await?;
            Some(told_beside(&end.attempts, stored))
        } else {
            None
        };
        let stored_attempts: Option<Vec<AttemptRow<'_>>> = stored_attempts
            .as_ref()
            .map(|attempts| attempts.iter().map(AttemptRow::from).collect());
        let rests = match &stored_attempts {
            None => rests,
            Some(attempts) => Rests { attempts, ..rests },
        };
        let followed = found.earlier.filter(|_| counts);
        let seal = if many {
            let (readings, evidence) = (self.json(OPERATION, &readings)?, self.json(OPERATION, &evidence)?);
            let mut transaction = self.begin(OPERATION).await?;
            add_rows(&mut transaction, found.number, &readings, &evidence)
                .await
                .map_err(failed)?;
            let seal = store_verdict(&mut transaction, &path, &found, &ending, &rests, &rows, followed).await?;
            transaction.commit().await.map_err(failed)?;
            seal
        } else {
            store_verdict(&mut self.connection, &path, &found, &ending, &rests, &rows, followed).await?
        };
        if let (true, Some(_)) = (counts, &found.serial) {
            for other in others.values_mut().filter(|other| other.serial == found.serial) {
                other.earlier = Some(found.number);
                other.counted = ending.ordinal;
            }
        }
        self.open = others;
        self.last = Some(Last {
            verdicts: ending.verdict_number,
            seal: Some(seal.0.to_vec()),
        });
        self.recorded.remove(&end.run);
        self.untidied += 1;
        Ok(())
    }

    /// Moves the `-wal` into the ledger where there is enough in it to be worth it. That takes as long as the disk is slow, so it is for a moment in which
    /// no verdict waits; what is committed is safe with it and without.
    ///
    /// # Errors
    /// It could not be moved; it stays where it is, and nothing is lost.
    pub async fn tidy(&mut self) -> Result<(), LedgerError> {
        if self.untidied < TIDY_AFTER {
            return Ok(());
        }
        self.untidied = 0;
        // A reader in the way is no error: the rest is moved the next time.
        sqlx::query("PRAGMA wal_checkpoint(PASSIVE)")
            .execute(&mut self.connection)
            .await
            .map(|_| ())
            .map_err(|error| LedgerError::sqlx(&self.path, "moving the -wal into it", error))
    }

    /// Moves all of the `-wal` into the ledger and cuts it to nothing: what was copied to bring the ledger to this version is many times what is in it otherwise.
    async fn take_in(&mut self) -> Result<(), LedgerError> {
        // A reader in the way is no error: the rest is moved later, and the `-wal` keeps its length.
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&mut self.connection)
            .await
            .map(|_| ())
            .map_err(|error| LedgerError::sqlx(&self.path, "moving what was brought to this version into it", error))
    }

    /// The verdict that a run has in the ledger, where it has one.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn verdict(&mut self, run: RunId) -> Result<Option<VerdictCode>, LedgerError> {
        let id = run.0.as_bytes().as_slice();
        let found = sqlx::query!("SELECT number, code FROM run WHERE id = ?1", id)
            .fetch_optional(&mut self.connection)
            .await
            .map_err(|error| LedgerError::sqlx(&self.path, "reading a verdict", error))?;
        let Some(found) = found else { return Ok(None) };
        let place = Place {
            path: &self.path,
            table: "run",
            row: found.number,
        };
        found.code.map(|code| place.parse("code", &code)).transpose()
    }

    /// Stores a start that was not allowed.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn record_refusal(
        &mut self,
        setup: SetupId,
        refused: &RefusedStart,
        at: WallTime,
    ) -> Result<(), LedgerError> {
        let lane = refused.lane.number();
        let serial = refused.serial.as_ref().map(Serial::as_str);
        let refusal = refused.refusal.as_str();
        sqlx::query!(
            "INSERT INTO refusal (setup, at, at_synchronised, lane, serial, refusal, detail)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            setup.0,
            at.micros,
            at.synchronised,
            lane,
            serial,
            refusal,
            refused.detail
        )
        .execute(&mut self.connection)
        .await
        .map_err(|error| LedgerError::sqlx(&self.path, "storing a refusal", error))?;
        Ok(())
    }

    /// Stores what a person did and was answered; an unlock that was done as well, so that there is never the one without the other:
    /// [`unit_history`](Self::unit_history) starts anew; and likewise that a study began or ended.
    ///
    /// # Errors
    /// It could not be stored; an act of this id is stored already.
    pub async fn record_act(&mut self, audited: &Audited, at: WallTime) -> Result<(), LedgerError> {
        self.record_act_with(audited, at, None).await
    }

    /// The file, and what is written through.
    pub(crate) fn parts(&mut self) -> (&Path, &mut SqliteConnection) {
        (&self.path, &mut self.connection)
    }

    /// Stores an act, and the version of a recipe that was made by it.
    pub(crate) async fn record_act_with(
        &mut self,
        audited: &Audited,
        at: WallTime,
        version: Option<&RecipeVersion>,
    ) -> Result<(), LedgerError> {
        let Audited {
            request,
            answer,
            change,
            study,
        } = audited;
        let id = request.id.0.as_bytes().as_slice();
        let role = request.role.as_str();
        let columns = audit::columns(&request.act);
        let choice = columns.choice.as_deref();
        let refused = match answer {
            ActAnswer::Done => None,
            ActAnswer::Refused { why } => Some(why.as_str()),
        };
        let before = change.as_ref().map(|change| change.before.as_str());
        let after = change.as_ref().map(|change| change.after.as_str());
        let path = self.path.clone();
        let failed = |error| LedgerError::sqlx(&path, "storing an act", error);
        let mut transaction = self.begin("storing an act").await?;
        sqlx::query!(
            "INSERT INTO act (
                id, at, at_synchronised, by, role, origin, kind, lane, serial, words, choice, minutes, refused, before,
                after, after_verdict, recipe, recipe_change
            )
            VALUES (
                ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,
                (SELECT coalesce(max(verdict_number), 0) FROM run), ?16, ?17
            )",
            id,
            at.micros,
            at.synchronised,
            request.by,
            role,
            request.from,
            columns.kind,
            columns.lane,
            columns.serial,
            columns.words,
            choice,
            columns.minutes,
            refused,
            before,
            after,
            columns.recipe,
            columns.recipe_change
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        if let (Act::Unlock { serial, reason }, ActAnswer::Done) = (&request.act, answer) {
            let serial = serial.as_str();
            sqlx::query!(
                "INSERT INTO unlock (serial, at, at_synchronised, by, reason, after_verdict)
            VALUES (?1, ?2, ?3, ?4, ?5, (SELECT coalesce(max(verdict_number), 0) FROM run))",
                serial,
                at.micros,
                at.synchronised,
                request.by,
                reason
            )
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        }
        if let Some(version) = version {
            recipes::store(&path, &mut transaction, version).await?;
        }
        if let (Act::Study { step, .. }, ActAnswer::Done) = (&request.act, answer) {
            study::record(&mut transaction, request, step, study.as_ref(), at)
                .await
                .map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }

    /// The act that is stored under an id, where one is.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn act(&mut self, id: ActId) -> Result<Option<ActRow>, LedgerError> {
        let id = id.0.as_bytes().as_slice();
        sqlx::query_as!(
            audit::Row,
            "SELECT
                number, id, at, at_synchronised, by, role, origin, kind, lane, serial, words, choice, minutes, refused,
                before, after, recipe, recipe_change
            FROM act
            WHERE id = ?1",
            id
        )
        .fetch_optional(&mut self.connection)
        .await
        .map_err(|error| LedgerError::sqlx(&self.path, "reading an act", error))?
        .map(|row| row.read(&self.path))
        .transpose()
    }

    /// Stores that the line stands still since `stop.since`; a stop of the same kind that lasted until then has ended.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn record_stop(&mut self, stop: &LineStop) -> Result<(), LedgerError> {
        const OPERATION: &str = "storing a stop of the line";
        let path = self.path.clone();
        let failed = |error| LedgerError::sqlx(&path, OPERATION, error);
        if self.standing_stops().await?.contains(stop) {
            return Ok(());
        }
        let code = stop.code.map(VerdictCode::as_str);
        let reason = StopReason::told(stop.code, &stop.cause).as_str();
        let lane = stop.lane.map(LaneId::number);
        let mut transaction = self.begin(OPERATION).await?;
        sqlx::query!(
            "UPDATE line_stop
            SET ended = ?1, ended_synchronised = ?2
            WHERE ended IS NULL AND wants_acknowledgement = ?3",
            stop.since.micros,
            stop.since.synchronised,
            stop.wants_acknowledgement
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        sqlx::query!(
            "INSERT INTO line_stop (since, since_synchronised, code, cause, lane, wants_acknowledgement, reason)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            stop.since.micros,
            stop.since.synchronised,
            code,
            stop.cause,
            lane,
            stop.wants_acknowledgement,
            reason
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    /// Stores that something of the fixture is another from now on; what is as it was last is not stored again.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn record_change(&mut self, kind: ChangeKind, detail: &str, at: WallTime) -> Result<(), LedgerError> {
        let kind = kind.as_str();
        sqlx::query!(
            "INSERT INTO change (at, at_synchronised, kind, detail)
            SELECT ?1, ?2, ?3, ?4
            WHERE (SELECT detail FROM change WHERE kind = ?3 ORDER BY number DESC LIMIT 1) IS NOT ?4",
            at.micros,
            at.synchronised,
            kind,
            detail
        )
        .execute(&mut self.connection)
        .await
        .map_err(|error| LedgerError::sqlx(&self.path, "storing a change of the fixture", error))?;
        Ok(())
    }

    /// Stores that a stop of this kind was lifted.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn record_go(&mut self, kind: StopKind, at: WallTime) -> Result<(), LedgerError> {
        let wants_acknowledgement = kind == StopKind::Policy;
        sqlx::query!(
            "UPDATE line_stop
            SET ended = ?1, ended_synchronised = ?2
            WHERE ended IS NULL AND wants_acknowledgement = ?3",
            at.micros,
            at.synchronised,
            wants_acknowledgement
        )
        .execute(&mut self.connection)
        .await
        .map_err(|error| LedgerError::sqlx(&self.path, "storing that a stop was lifted", error))?;
        Ok(())
    }

    /// The stops that still last, at most one of each kind, oldest first.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn standing_stops(&mut self) -> Result<Vec<LineStop>, LedgerError> {
        let found = sqlx::query!(
            "SELECT number, since, since_synchronised, code, cause, lane, wants_acknowledgement
            FROM line_stop
            WHERE ended IS NULL
            ORDER BY number"
        )
        .fetch_all(&mut self.connection)
        .await
        .map_err(|error| LedgerError::sqlx(&self.path, "reading the standing stops", error))?;
        found
            .into_iter()
            .map(|found| {
                let place = Place {
                    path: &self.path,
                    table: "line_stop",
                    row: found.number,
                };
                Ok(LineStop {
                    code: found
                        .code
                        .map(|code| place.parse::<VerdictCode>("code", &code))
                        .transpose()?,
                    cause: found.cause,
                    lane: found.lane.map(|lane| place.lane("lane", lane)).transpose()?,
                    since: decode::wall(found.since, found.since_synchronised),
                    wants_acknowledgement: found.wants_acknowledgement == 1,
                })
            })
            .collect()
    }

    /// Stores what was learned later about runs, all or none of it.
    ///
    /// # Errors
    /// It could not be stored; a run was never begun.
    pub async fn annotate(&mut self, annotations: &[Annotation], at: WallTime) -> Result<(), LedgerError> {
        const OPERATION: &str = "storing annotations";
        let path = self.path.clone();
        let failed = |error| LedgerError::sqlx(&path, OPERATION, error);
        let mut transaction = self.begin(OPERATION).await?;
        for annotation in annotations {
            let id = annotation.run.0.as_bytes().as_slice();
            let number = sqlx::query_scalar!("SELECT number FROM run WHERE id = ?1", id)
                .fetch_optional(&mut *transaction)
                .await
                .map_err(failed)?
                .ok_or(LedgerError::NoSuchRun { run: annotation.run })?;
            match annotation.kind {
                AnnotationKind::SuspectedNetwork | AnnotationKind::SuspectedFixture => {
                    count_as_suspected(&mut transaction, number).await.map_err(failed)?;
                }
                AnnotationKind::LateBlessEvent => {}
            }
            let kind = annotation.kind.as_str();
            sqlx::query!(
                "INSERT INTO annotation (run, at, at_synchronised, kind, detail)
                VALUES (?1, ?2, ?3, ?4, ?5)",
                number,
                at.micros,
                at.synchronised,
                kind,
                annotation.detail
            )
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }

    /// Stores what became of a run's label. The first state of one is [`LabelState::Pending`]; a label that is out stays out.
    ///
    /// # Errors
    /// It could not be stored; the run did not pass, or was never begun.
    pub async fn record_label(&mut self, run: RunId, state: &LabelState, at: WallTime) -> Result<(), LedgerError> {
        const OPERATION: &str = "storing what became of a label";
        let id = run.0.as_bytes().as_slice();
        let name = state.as_str();
        let (why, tried) = match state {
            LabelState::Pending => ("", 0),
            LabelState::Printed | LabelState::Confirmed => ("", 1),
            LabelState::Failed(why) => (why.as_str(), 1),
        };
        let failed = |error| LedgerError::sqlx(&self.path, OPERATION, error);
        // It is pending since the verdict, but for one that is asked for later.
        let change = sqlx::query!(
            "UPDATE label
            SET state = ?2,
                why = ?3,
                tries = tries + (?4 > 0 AND state <> 'printed'),
                changed = ?5,
                changed_synchronised = ?6
            WHERE run = (SELECT number FROM run WHERE id = ?1)",
            id,
            name,
            why,
            tried,
            at.micros,
            at.synchronised
        );
        if done(&mut self.connection, change)
            .await
            .map_err(failed)?
            .rows_affected()
            > 0
        {
            return Ok(());
        }
        let first = sqlx::query!(
            "INSERT INTO label (run, state, why, tries, changed, changed_synchronised)
            SELECT number, ?2, ?3, ?4, ?5, ?6
            FROM run
            WHERE id = ?1",
            id,
            name,
            why,
            tried,
            at.micros,
            at.synchronised
        );
        let stored = done(&mut self.connection, first).await.map_err(failed)?;
        if stored.rows_affected() == 0 {
            return Err(LedgerError::NoSuchRun { run });
        }
        Ok(())
    }

    /// The labels that are not out, oldest first: what an earlier process left to do.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn open_labels(&mut self) -> Result<Vec<OpenLabel>, LedgerError> {
        const OPERATION: &str = "reading the open labels";
        let rows = sqlx::query!(
            "SELECT run.number, run.id, run.lane, run.serial, run.device_id, run.lot, run.work_order
            FROM label
            CROSS JOIN run ON run.number = label.run
            WHERE label.state IN ('pending', 'failed')
            ORDER BY label.run"
        )
        .fetch_all(&mut self.connection)
        .await
        .map_err(|error| LedgerError::sqlx(&self.path, OPERATION, error))?;
        rows.into_iter()
            .map(|row| {
                let place = Place {
                    path: &self.path,
                    table: "run",
                    row: row.number,
                };
                Ok(OpenLabel {
                    run: place.run_id("id", &row.id)?,
                    lane: place.lane("lane", row.lane)?,
                    serial: row.serial.map(|serial| place.serial("serial", &serial)).transpose()?,
                    device_id: row.device_id,
                    lot: row.lot,
                    work_order: row.work_order,
                })
            })
            .collect()
    }

    /// Stores that the unit of a run was lifted; its verdict no longer stands. Told again it changes nothing.
    ///
    /// # Errors
    /// It could not be stored; the run was not begun, or has no verdict.
    pub async fn lifted(&mut self, run: RunId, at: WallTime) -> Result<(), LedgerError> {
        let id = run.0.as_bytes().as_slice();
        let statement = sqlx::query!(
            "UPDATE run
            SET lifted = coalesce(lifted, ?2), lifted_synchronised = coalesce(lifted_synchronised, ?3)
            WHERE id = ?1",
            id,
            at.micros,
            at.synchronised
        );
        let changed = done(&mut self.connection, statement)
            .await
            .map_err(|error| LedgerError::sqlx(&self.path, "storing that a unit was lifted", error))?;
        if changed.rows_affected() == 0 {
            return Err(LedgerError::NoSuchRun { run });
        }
        Ok(())
    }

    /// What earlier runs say about a unit, and what people decided about it.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn unit_history(&mut self, unit: &Serial) -> Result<UnitHistory, LedgerError> {
        const OPERATION: &str = "reading a unit's history";
        let serial = unit.as_str();
        let rows = sqlx::query!(
            r#"SELECT
                number,
                code AS "code!",
                verdict_number > (
                    SELECT max(
                        coalesce((SELECT max(after_verdict) FROM unlock WHERE unlock.serial = ?1), 0),
                        coalesce(
                            (
                                SELECT max(after_verdict)
                                FROM act
                                WHERE act.serial = ?1
                                    AND kind = 'dispose'
                                    AND choice IN ('rework', 'release')
                                    AND refused IS NULL
                            ),
                            0
                        )
                    )
                ) AS "counts!: bool",
                verdict_number > (
                    SELECT coalesce(max(after_verdict), 0)
                    FROM act
                    WHERE act.serial = ?1
                        AND kind = 'dispose'
                        AND choice = 'rework'
                        AND refused IS NULL
                ) AS "since_rework!: bool"
            FROM run
            WHERE serial = ?1
                AND outcome IN ('PASS', 'FAIL', 'UNDECIDED')
                AND purpose = 'production'
            ORDER BY verdict_number"#,
            serial
        )
        .fetch_all(&mut self.connection)
        .await
        .map_err(|error| LedgerError::sqlx(&self.path, OPERATION, error))?;
        let known = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT * FROM run WHERE serial = ?1) AS "known!: bool""#,
            serial
        )
        .fetch_one(&mut self.connection)
        .await
        .map_err(|error| LedgerError::sqlx(&self.path, OPERATION, error))?;
        let standing = audit::standing(&self.path, &mut self.connection, unit).await?;
        let mut history = UnitHistory {
            known: if known { Known::Yes } else { Known::No },
            decision: standing.decision.map(|(_, decision)| decision),
            mark: standing.mark.0,
            ..UnitHistory::default()
        };
        for row in rows {
            let place = Place {
                path: &self.path,
                table: "run",
                row: row.number,
            };
            let code: VerdictCode = place.parse("code", &row.code)?;
            history.passed |= row.since_rework && code.outcome() == Outcome::Pass;
            if row.counts {
                history.runs += 1;
                history.codes.push(code);
            }
        }
        Ok(history)
    }

    /// The latest run of each lane where that has a verdict and its unit was not lifted, in order of lane.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn standing_verdicts(&mut self) -> Result<Vec<StandingVerdict>, LedgerError> {
        const OPERATION: &str = "reading the standing verdicts";
        let mut standing = Vec::new();
        for lane in LaneId::first(LaneId::MOST) {
            let number = lane.number();
            let latest = sqlx::query!(
                "SELECT number, id, serial, outcome, code, detail, device_id, agent_url, lifted, purpose
                FROM run
                WHERE lane = ?1
                    AND number = (SELECT max(number) FROM run WHERE lane = ?1)",
                number
            )
            .fetch_optional(&mut self.connection)
            .await
            .map_err(|error| LedgerError::sqlx(&self.path, OPERATION, error))?;
            let Some(latest) = latest else { continue };
            let (Some(code), Some(detail), None) = (latest.code, latest.detail, latest.lifted) else {
                continue;
            };
            let place = Place {
                path: &self.path,
                table: "run",
                row: latest.number,
            };
            let code: VerdictCode = place.parse("code", &code)?;
            standing.push(StandingVerdict {
                run: place.run_id("id", &latest.id)?,
                lane,
                serial: latest
                    .serial
                    .map(|serial| place.serial("serial", &serial))
                    .transpose()?,
                outcome: code.outcome(),
                code,
                detail,
                device_id: latest.device_id,
                agent_url: latest.agent_url,
                purpose: place.parse("purpose", &latest.purpose)?,
            });
        }
        Ok(standing)
    }

    /// The latest run that sent the token with this id.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn run_by_token(&mut self, token_id: &str) -> Result<Option<RunId>, LedgerError> {
        let found = sqlx::query!(
            "SELECT run.number, run.id
            FROM attempt
            JOIN run ON run.number = attempt.run
            WHERE attempt.token_id = ?1
            ORDER BY attempt.id DESC
            LIMIT 1",
            token_id
        )
        .fetch_optional(&mut self.connection)
        .await
        .map_err(|error| LedgerError::sqlx(&self.path, "finding a run by its token", error))?;
        found
            .map(|found| {
                Place {
                    path: &self.path,
                    table: "run",
                    row: found.number,
                }
                .run_id("id", &found.id)
            })
            .transpose()
    }

    /// The latest run that ended with this device id.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn run_by_device(&mut self, device_id: &str) -> Result<Option<RunId>, LedgerError> {
        let found = sqlx::query!(
            "SELECT number, id
            FROM run
            WHERE device_id = ?1
            ORDER BY number DESC
            LIMIT 1",
            device_id
        )
        .fetch_optional(&mut self.connection)
        .await
        .map_err(|error| LedgerError::sqlx(&self.path, "finding a run by its device", error))?;
        found
            .map(|found| {
                Place {
                    path: &self.path,
                    table: "run",
                    row: found.number,
                }
                .run_id("id", &found.id)
            })
            .transpose()
    }

    /// Counts everything anew from the runs: what the rollups hold afterwards is what they held before, unless they were damaged or the runs came
    /// from elsewhere. It takes as long as the ledger is large.
    ///
    /// # Errors
    /// It could not be stored; then the rollups are as they were.
    pub async fn count_again(&mut self) -> Result<(), LedgerError> {
        const OPERATION: &str = "counting runs anew";
        let path = self.path.clone();
        let failed = |error| LedgerError::sqlx(&path, OPERATION, error);
        let mut transaction = self.begin(OPERATION).await?;
        sqlx::query!("DELETE FROM rollup")
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        sqlx::query!(
            "INSERT INTO batch (setup, lot, work_order, operator, purpose)
            SELECT setup, lot, work_order, operator, purpose
            FROM run
            WHERE outcome IS NOT NULL
            GROUP BY setup, lot, work_order, operator, purpose
            ORDER BY min(number)
            ON CONFLICT DO NOTHING"
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        sqlx::query!(
            "INSERT INTO rollup (
                quarter, lane, batch, code, ordinal, reached, runs, last_runs, suspected, attempts, received, took
            )
            SELECT
                run.seated / 900000000,
                run.lane,
                batch.number,
                run.code,
                min(run.ordinal, 3),
                run.reached,
                count(*),
                sum(
                    run.ordinal > 0
                    AND NOT EXISTS (
                        SELECT *
                        FROM run AS later
                        WHERE later.serial = run.serial
                            AND later.ordinal > run.ordinal
                    )
                ),
                sum(EXISTS (SELECT * FROM annotation WHERE annotation.run = run.number AND kind LIKE 'suspected-%')),
                sum((
                    SELECT count(*)
                    FROM attempt
                    WHERE attempt.id BETWEEN run.number * 1000000 AND run.number * 1000000 + 999999
                )),
                sum((
                    SELECT count(*)
                    FROM attempt
                    WHERE attempt.id BETWEEN run.number * 1000000 AND run.number * 1000000 + 999999
                        AND attempt.result = 'received'
                )),
                sum(coalesce(run.took, 0))
            FROM run
            JOIN batch USING (setup, lot, work_order, operator, purpose)
            WHERE run.outcome IS NOT NULL
            GROUP BY run.seated / 900000000, run.lane, batch.number, run.code, min(run.ordinal, 3), run.reached"
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    /// Ends writing: everything is in the database file, and the files that readers need stay.
    ///
    /// # Errors
    /// The last of the `-wal` could not be moved into the database file (it stays where it is, and nothing is lost).
    pub async fn close(self) -> Result<(), LedgerError> {
        const OPERATION: &str = "closing it";
        let Self {
            path,
            durability: _,
            mut connection,
            mut keeper,
            lock,
            untidied: _,
            recorded: _,
            setups: _,
            open: _,
            last: _,
        } = self;
        let failed = |error| LedgerError::sqlx(&path, OPERATION, error);
        // A reader in the way is no error: what it still reads of the -wal stays there.
        let moved = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&mut connection)
            .await
            .map(|_| ())
            .map_err(failed);
        let closed = connection.close().await.map_err(failed);
        if let Some(keeper) = keeper.0.take() {
            keeper.close().await.map_err(failed)?;
        }
        drop(lock);
        moved.and(closed)
    }

    /// JSON for a statement.
    fn json<T: Serialize + ?Sized>(&self, operation: &'static str, value: &T) -> Result<String, LedgerError> {
        serde_json::to_string(value).map_err(|error| LedgerError::Refused {
            path: self.path.clone(),
            operation,
            what: error.to_string(),
        })
    }
}

/// A run without its verdict, and what stands before it.
#[derive(Debug)]
struct Found {
    number: i64,
    id: Vec<u8>,
    fixture: String,
    software: String,
    recipe: String,
    recipe_version: String,
    pass_rule: String,
    simulated: bool,
    lane: u8,
    serial: Option<String>,
    operator: String,
    lot: String,
    work_order: String,
    purpose: String,
    seated: i64,
    seated_synchronised: bool,
    /// The number of its latest attempt that is stored already; 0 for none.
    latest_attempt: i64,
    /// The latest run of the same unit whose verdict counts in yields, where there is one.
    earlier: Option<i64>,
    /// How many such runs there are.
    counted: i64,
    /// How many verdicts there are.
    verdicts: i64,
    /// The seal of the last one; empty where there is none, or it is from before there were seals.
    last_seal: Option<Vec<u8>>,
}

impl Found {
    /// A run that was just begun; the verdicts before its own are not known yet.
    fn begun(start: &RunStart, setup: &Setup, number: i64, earlier: Option<i64>, counted: i64) -> Self {
        let setup = setup.clone();
        Self {
            number,
            id: start.run.0.as_bytes().to_vec(),
            fixture: setup.fixture,
            software: setup.software,
            recipe: setup.recipe,
            recipe_version: setup.recipe_version,
            pass_rule: setup.pass_rule,
            simulated: setup.simulated,
            lane: start.lane.number(),
            serial: start.serial.as_ref().map(|serial| serial.as_str().to_owned()),
            operator: start.operator.clone(),
            lot: start.lot.clone(),
            work_order: start.work_order.clone(),
            purpose: start.purpose.as_str().to_owned(),
            seated: start.seated.micros,
            seated_synchronised: start.seated.synchronised,
            latest_attempt: 0,
            earlier,
            counted,
            verdicts: 0,
            last_seal: None,
        }
    }
}

async fn find(connection: &mut SqliteConnection, run: RunId) -> Result<Option<Found>, sqlx::Error> {
    let id = run.0.as_bytes().as_slice();
    sqlx::query_as!(
        Found,
        r#"SELECT
            run.number,
            run.id,
            setup.fixture,
            setup.software,
            setup.recipe,
            setup.recipe_version,
            setup.pass_rule,
            setup.simulated AS "simulated: bool",
            run.lane AS "lane: u8",
            run.serial,
            run.operator,
            run.lot,
            run.work_order,
            run.purpose,
            run.seated,
            run.seated_synchronised AS "seated_synchronised: bool",
            (
                SELECT coalesce(max(attempt.number), 0)
                FROM attempt
                WHERE attempt.id BETWEEN run.number * 1000000 AND run.number * 1000000 + 999999
            ) AS "latest_attempt!: i64",
            earlier.number AS "earlier: i64",
            coalesce(earlier.ordinal, 0) AS "counted!: i64",
            coalesce(last.verdict_number, 0) AS "verdicts!: i64",
            last.seal AS "last_seal: Vec<u8>"
        FROM run
        JOIN setup ON setup.number = run.setup
        LEFT JOIN run AS earlier ON earlier.number = (
            SELECT other.number
            FROM run AS other
            WHERE other.serial = run.serial
                AND other.ordinal > 0
            ORDER BY other.ordinal DESC
            LIMIT 1
        )
        LEFT JOIN run AS last ON last.verdict_number = (SELECT max(verdict_number) FROM run)
        WHERE run.id = ?1"#,
        id
    )
    .fetch_optional(connection)
    .await
}

/// How many there are.
fn count_of<T>(things: &[T]) -> i64 {
    i64::try_from(things.len()).unwrap_or(i64::MAX)
}

/// What is stored with a verdict, the rows as JSON: attempts as objects, the others flat.
struct Rows {
    /// Those that are not stored yet.
    attempts: String,
    readings: String,
    evidence: String,
    measurements: String,
    /// Its label is to be printed.
    label: bool,
}

impl Rows {
    fn none() -> Self {
        let none = || "[]".to_owned();
        Self {
            attempts: none(),
            readings: none(),
            evidence: none(),
            measurements: none(),
            label: false,
        }
    }
}

/// The attempts of a run, in their order: those that its end tells of, and beside them what else is stored.
fn told_beside(told: &[Attempt], mut stored: Vec<Attempt>) -> Vec<Attempt> {
    stored.retain(|stored| told.iter().all(|told| told.number != stored.number));
    stored.extend_from_slice(told);
    stored.sort_by_key(|attempt| attempt.number);
    stored
}

/// Stores what a verdict rests on and writes it into its run, sealed, counted in the rollups, and no longer `followed` there as its unit's latest: one statement
/// (the view `verdict` of the migrations), which is a transaction of its own where it is in none.
async fn store_verdict(
    connection: &mut SqliteConnection,
    path: &Path,
    found: &Found,
    ended: &Ended<'_>,
    rests: &Rests<'_>,
    rows: &Rows,
    followed: Option<i64>,
) -> Result<Seal, LedgerError> {
    const OPERATION: &str = "storing a verdict";
    let place = Place {
        path,
        table: "run",
        row: found.number,
    };
    let began = Began {
        run: place.run_id("id", &found.id)?,
        setup: &Setup {
            fixture: found.fixture.clone(),
            software: found.software.clone(),
            recipe: found.recipe.clone(),
            recipe_version: found.recipe_version.clone(),
            pass_rule: found.pass_rule.clone(),
            simulated: found.simulated,
        },
        lane: found.lane,
        serial: found.serial.as_deref(),
        operator: &found.operator,
        lot: &found.lot,
        work_order: &found.work_order,
        purpose: &found.purpose,
        seated: WallTime {
            micros: found.seated,
            synchronised: found.seated_synchronised,
        },
    };
    let previous = found
        .last_seal
        .as_deref()
        .map(|seal| place.seal("seal", seal))
        .transpose()?;
    let record = canonical(&began, ended, rests).map_err(|error| LedgerError::Refused {
        path: path.to_owned(),
        operation: OPERATION,
        what: error.to_string(),
    })?;
    let seal = previous.unwrap_or(Seal::NONE).of_next(&record);
    let sealed = seal.0.as_slice();
    let is_first = ended.ordinal == 1;
    let statement = sqlx::query!(
        "INSERT INTO verdict (
            number, outcome, code, detail, stage, took, ended, ended_synchronised, device_id, agent_url, samples_lost,
            is_first, ordinal, verdict_number, seal, followed, attempts, readings, evidence, measurements, light, label
        )
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        found.number,
        ended.outcome,
        ended.code,
        ended.detail,
        ended.stage,
        ended.took,
        ended.at.micros,
        ended.at.synchronised,
        ended.device_id,
        ended.agent_url,
        ended.samples_lost,
        is_first,
        ended.ordinal,
        ended.verdict_number,
        sealed,
        followed,
        rows.attempts,
        rows.readings,
        rows.evidence,
        rows.measurements,
        rests.light,
        rows.label
    );
    done(connection, statement)
        .await
        .map_err(|error| LedgerError::sqlx(path, OPERATION, error))?;
    Ok(seal)
}

/// Stores readings and facts of a run, each as a list of objects.
async fn add_rows(
    connection: &mut SqliteConnection,
    run: i64,
    readings: &str,
    evidence: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO reading (id, at, codes, confidence)
        SELECT ?1 * 1000000 + key + 1, value ->> 'at', value -> 'codes', value ->> 'confidence'
        FROM json_each(?2)",
        run,
        readings
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "INSERT INTO evidence (id, at, kind, detail)
        SELECT ?1 * 1000000 + key + 1, value ->> 'at', value ->> 'kind', value ->> 'detail'
        FROM json_each(?2)",
        run,
        evidence
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Stores an attempt, its lateness given as JSON; one that is stored already, and the same, is not written again. How many were written.
async fn upsert_attempt(
    connection: &mut SqliteConnection,
    run: RunId,
    attempt: &AttemptRow<'_>,
    lateness: &str,
) -> Result<u64, sqlx::Error> {
    let id = run.0.as_bytes().as_slice();
    let loop_bright = attempt.loop_bright.map(as_written);
    let loop_mid_share = attempt.loop_mid_share.map(as_written);
    let statement = sqlx::query!(
        "INSERT INTO attempt (
            id, rate, level_permille, mid_permille, began, took, token_id, result, symbols, latest, lateness, loop_bright,
            loop_mid_share, loop_samples
        )
        SELECT number * 1000000 + ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15
        FROM run
        WHERE id = ?1
        ON CONFLICT (id) DO UPDATE
        SET rate = excluded.rate,
            level_permille = excluded.level_permille,
            mid_permille = excluded.mid_permille,
            began = excluded.began,
            took = excluded.took,
            token_id = excluded.token_id,
            result = excluded.result,
            symbols = excluded.symbols,
            latest = excluded.latest,
            lateness = excluded.lateness,
            loop_bright = excluded.loop_bright,
            loop_mid_share = excluded.loop_mid_share,
            loop_samples = excluded.loop_samples
        WHERE (
            rate, level_permille, mid_permille, began, took, token_id, result, symbols, latest, lateness, loop_bright,
            loop_mid_share, loop_samples
        ) IS NOT (
            excluded.rate, excluded.level_permille, excluded.mid_permille, excluded.began, excluded.took,
            excluded.token_id, excluded.result, excluded.symbols, excluded.latest, excluded.lateness,
            excluded.loop_bright, excluded.loop_mid_share, excluded.loop_samples
        )",
        id,
        attempt.number,
        attempt.rate,
        attempt.level_permille,
        attempt.mid_permille,
        attempt.began,
        attempt.took,
        attempt.token_id,
        attempt.result,
        attempt.symbols,
        attempt.latest,
        lateness,
        loop_bright,
        loop_mid_share,
        attempt.loop_samples
    );
    Ok(done(connection, statement).await?.rows_affected())
}

/// Does one statement and waits until it is done, no longer: sqlx's own `execute` waits for the connection's thread twice, the second time to hear that no
/// other statement follows.
async fn done(
    connection: &mut SqliteConnection,
    statement: Query<'_, Sqlite, SqliteArguments>,
) -> Result<SqliteQueryResult, sqlx::Error> {
    let mut steps = connection.fetch_many(statement);
    while let Some(step) = steps.try_next().await? {
        if let Either::Left(done) = step {
            return Ok(done);
        }
    }
    Ok(SqliteQueryResult::default())
}

/// A figure as its shortest decimal form has it, which is what stands in JSON.
fn as_written(figure: f32) -> f64 {
    figure.to_string().parse().unwrap_or(f64::from(figure))
}

/// A run gets an annotation that blames the network or the fixture; only its first such annotation counts, and a run without a
/// verdict is counted with its verdict.
async fn count_as_suspected(connection: &mut SqliteConnection, run: i64) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE rollup
        SET suspected = suspected + 1
        FROM run
        JOIN batch USING (setup, lot, work_order, operator, purpose)
        WHERE run.number = ?1
            AND rollup.quarter = run.seated / 900000000
            AND rollup.lane = run.lane
            AND rollup.batch = batch.number
            AND rollup.code = run.code
            AND rollup.ordinal = min(run.ordinal, 3)
            AND rollup.reached = run.reached
            AND NOT EXISTS (SELECT * FROM annotation WHERE annotation.run = run.number AND kind LIKE 'suspected-%')",
        run
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A duration in whole microseconds.
pub(crate) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Rows as one flat list of their fields.
struct Flat<'a, R>(&'a [R]);

/// A row of a [`Flat`] list.
trait FlatRow {
    /// Adds its fields, in their order.
    fn add_to<S: SerializeSeq>(&self, list: &mut S) -> Result<(), S::Error>;
}

impl<R: FlatRow> Serialize for Flat<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for row in self.0 {
            row.add_to(&mut list)?;
        }
        list.end()
    }
}

/// An attempt as a row.
#[derive(Serialize)]
pub(crate) struct AttemptRow<'a> {
    number: u32,
    rate: u8,
    level_permille: u16,
    mid_permille: Option<u16>,
    began: i64,
    took: i64,
    token_id: Option<&'a str>,
    result: &'static str,
    symbols: u32,
    latest: i64,
    lateness: [u32; 21],
    loop_bright: Option<f32>,
    loop_mid_share: Option<f32>,
    loop_samples: Option<u32>,
}

impl<'a> From<&'a Attempt> for AttemptRow<'a> {
    fn from(attempt: &'a Attempt) -> Self {
        Self {
            number: attempt.number,
            rate: attempt.rate,
            level_permille: attempt.level_permille,
            mid_permille: attempt.mid_permille,
            began: micros(attempt.began),
            took: micros(attempt.took),
            token_id: attempt.token_id.as_deref(),
            result: attempt.result.as_str(),
            symbols: attempt.symbols,
            latest: micros(attempt.latest),
            lateness: attempt.lateness,
            loop_bright: attempt.loop_back.map(|seen| seen.bright),
            loop_mid_share: attempt.loop_back.map(|seen| seen.mid_share),
            loop_samples: attempt.loop_back.map(|seen| seen.samples),
        }
    }
}

/// A reading as a row.
#[derive(Serialize)]
pub(crate) struct ReadingRow<'a> {
    at: i64,
    codes: &'a [String],
    confidence: f32,
}

impl FlatRow for ReadingRow<'_> {
    fn add_to<S: SerializeSeq>(&self, list: &mut S) -> Result<(), S::Error> {
        list.serialize_element(&self.at)?;
        list.serialize_element(self.codes)?;
        list.serialize_element(&self.confidence)
    }
}

impl<'a> From<&'a StoredReading> for ReadingRow<'a> {
    fn from(reading: &'a StoredReading) -> Self {
        Self {
            at: micros(reading.at),
            codes: &reading.codes,
            confidence: reading.confidence,
        }
    }
}

/// A fact as a row.
#[derive(Serialize)]
pub(crate) struct EvidenceRow<'a> {
    at: i64,
    kind: &'static str,
    detail: &'a str,
}

impl FlatRow for EvidenceRow<'_> {
    fn add_to<S: SerializeSeq>(&self, list: &mut S) -> Result<(), S::Error> {
        list.serialize_element(&self.at)?;
        list.serialize_element(self.kind)?;
        list.serialize_element(self.detail)
    }
}

impl<'a> From<&'a Evidence> for EvidenceRow<'a> {
    fn from(evidence: &'a Evidence) -> Self {
        Self {
            at: micros(evidence.at),
            kind: evidence.kind.as_str(),
            detail: &evidence.detail,
        }
    }
}

/// Measurements as rows, in the order of what they are of.
pub(crate) fn measurement_rows(measurements: &[Measurement]) -> Vec<MeasurementRow> {
    let mut measurements: Vec<&Measurement> = measurements.iter().collect();
    measurements.sort_by_key(|measurement| measurement.what);
    measurements.into_iter().map(MeasurementRow::from).collect()
}

/// A measurement as a row.
#[derive(Serialize)]
pub(crate) struct MeasurementRow {
    /// What it is of, as a number and in a word.
    #[serde(skip)]
    number: u8,
    what: &'static str,
    scale: &'static str,
    value: f32,
    deviation: f32,
    least: Option<f32>,
    most: Option<f32>,
    is_outside: Option<u8>,
}

impl FlatRow for MeasurementRow {
    fn add_to<S: SerializeSeq>(&self, list: &mut S) -> Result<(), S::Error> {
        list.serialize_element(&self.number)?;
        list.serialize_element(self.scale)?;
        list.serialize_element(&self.value)?;
        list.serialize_element(&self.deviation)?;
        list.serialize_element(&self.least)?;
        list.serialize_element(&self.most)?;
        list.serialize_element(&self.is_outside)
    }
}

impl From<&Measurement> for MeasurementRow {
    fn from(measurement: &Measurement) -> Self {
        let limits = measurement.limits.as_ref();
        Self {
            number: measurement.what.number(),
            what: measurement.what.as_str(),
            scale: measurement.scale.as_str(),
            value: measurement.value,
            deviation: measurement.deviation,
            least: limits.map(|limits| *limits.allowed.start()),
            most: limits.map(|limits| *limits.allowed.end()),
            is_outside: limits.map(|limits| u8::from(limits.side == Side::Outside)),
        }
    }
}
