//! Gauge studies: what one is made of, how far it is, and its stored runs.
//!
//! A study's runs are those that were begun for it between its beginning and its end. Which of them count follows from them alone, in the order in
//! which their verdicts were stored: the engine and whoever reads the ledger come to the same.

use core::time::Duration;

use fixture_link::act::{ActRequest, Mark};
use fixture_link::identity::{LaneId, RunId, Serial, WallTime};
use fixture_link::study::{StudyStep, StudyUnitView, StudyView};
use fixture_link::verdict::{Outcome, VerdictCode};
use sqlx::SqliteConnection;

use crate::audit;
use crate::decode::{self, Place};
use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::record::Measurement;
use crate::report::Reports;

/// What a study is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its units, each with what was known of it as the study began.
    pub units: Vec<(Serial, Mark)>,
    /// The people who run them.
    pub people: Vec<String>,
    /// How often each of them runs each unit.
    pub times: u32,
}

/// What a run is to a study of whose units it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counted {
    /// It counts.
    As {
        /// The unit's place in the plan.
        unit: usize,
        /// The person's.
        person: usize,
        /// Which run of this unit by this person it is, from 1.
        nth: u32,
    },
    /// Whoever ran it takes no part.
    Outsider,
    /// This person has run this unit as often as is asked.
    OneTooMany,
    /// It says nothing of the unit: the fixture, the network or a person spoilt it.
    SaysNothing,
}

impl Counted {
    /// Why it does not count; empty where it does.
    pub const fn why_not(self) -> &'static str {
        match self {
            Self::As { .. } => "",
            Self::Outsider => "by somebody who takes no part in the study",
            Self::OneTooMany => "one more than the study asks of this person and unit",
            Self::SaysNothing => "without a verdict about the unit: it has to be run again",
        }
    }
}

/// How far a study is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    plan: Plan,
    /// Runs that count, by unit and then by person.
    done: Vec<u32>,
    not_counted: u32,
}

impl Progress {
    /// A study of which nothing is done.
    pub fn new(plan: Plan) -> Self {
        Self {
            done: vec![0; plan.units.len() * plan.people.len()],
            plan,
            not_counted: 0,
        }
    }

    /// What it is made of.
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What the next run of a unit by somebody would be; `None` where the unit takes no part.
    pub fn next(&self, serial: &Serial, operator: &str) -> Option<Counted> {
        let unit = self.plan.units.iter().position(|(known, _)| known == serial)?;
        let Some(person) = self.plan.people.iter().position(|name| name == operator) else {
            return Some(Counted::Outsider);
        };
        let done = self.done(unit, person);
        Some(if done < self.plan.times {
            Counted::As {
                unit,
                person,
                nth: done + 1,
            }
        } else {
            Counted::OneTooMany
        })
    }

    /// A run of a unit has its verdict.
    pub fn ended(&mut self, serial: &Serial, operator: &str, outcome: Outcome) -> Option<Counted> {
        let counted = match (self.next(serial, operator)?, outcome) {
            (Counted::As { .. }, Outcome::Error | Outcome::Aborted | Outcome::Interrupted) => Counted::SaysNothing,
            (counted, _) => counted,
        };
        match counted {
            Counted::As { unit, person, .. } => {
                if let Some(done) = self.done.get_mut(unit * self.plan.people.len() + person) {
                    *done += 1;
                }
            }
            Counted::Outsider | Counted::OneTooMany | Counted::SaysNothing => self.not_counted += 1,
        }
        Some(counted)
    }

    /// How often a person has run a unit, by their places in the plan.
    pub fn done(&self, unit: usize, person: usize) -> u32 {
        self.done
            .get(unit * self.plan.people.len() + person)
            .copied()
            .unwrap_or(0)
    }

    /// Runs that are still to be made.
    pub fn left(&self) -> u32 {
        self.done.iter().map(|done| self.plan.times.saturating_sub(*done)).sum()
    }

    /// The study as it is shown.
    pub fn view(&self, since: WallTime) -> StudyView {
        let people = 0..self.plan.people.len();
        StudyView {
            since,
            people: self.plan.people.clone(),
            times: self.plan.times,
            units: self
                .plan
                .units
                .iter()
                .enumerate()
                .map(|(unit, (serial, mark))| StudyUnitView {
                    serial: serial.clone(),
                    mark: *mark,
                    done: people.clone().map(|person| self.done(unit, person)).collect(),
                })
                .collect(),
            not_counted: self.not_counted,
        }
    }
}

/// How a study ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndedAs {
    /// Its runs were made.
    Ended,
    /// It was given up.
    Abandoned,
}

impl EndedAs {
    /// The name in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Abandoned => "abandoned",
        }
    }
}

/// The end of a study.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// How.
    pub how: EndedAs,
    /// When.
    pub at: WallTime,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// A stored study.
#[derive(Debug, Clone, PartialEq)]
pub struct Study {
    /// Its number, from 1.
    pub number: i64,
    /// When it began.
    pub began: WallTime,
    /// Who began it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// What it is made of.
    pub plan: Plan,
    /// How it ended; `None` while it runs.
    pub end: Option<End>,
    /// Its runs that have a verdict, in the order of their verdicts.
    pub runs: Vec<StudyRun>,
}

impl Study {
    /// How far it is, and what each of its runs is to it.
    pub fn counted(&self) -> (Progress, Vec<Counted>) {
        let mut progress = Progress::new(self.plan.clone());
        let counted = self
            .runs
            .iter()
            .filter_map(|run| progress.ended(&run.serial, &run.operator, run.code.outcome()))
            .collect();
        (progress, counted)
    }
}

/// A run of a study.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyRun {
    /// The run.
    pub run: RunId,
    /// The lane.
    pub lane: LaneId,
    /// The unit.
    pub serial: Serial,
    /// Who ran it.
    pub operator: String,
    /// When it was seated.
    pub seated: WallTime,
    /// Its verdict.
    pub code: VerdictCode,
    /// From seated to the verdict; unknown for an interrupted run.
    pub took: Option<Duration>,
    /// Version of the daemon.
    pub software: String,
    /// The recipe's name.
    pub recipe: String,
    /// The recipe's version.
    pub recipe_version: String,
    /// On a simulated jig.
    pub simulated: bool,
    /// What was measured of the unit and its nest.
    pub measurements: Vec<Measurement>,
}

/// Stores that a study began or ended.
pub(crate) async fn record(
    connection: &mut SqliteConnection,
    request: &ActRequest,
    step: &StudyStep,
    plan: Option<&Plan>,
    at: WallTime,
) -> Result<(), sqlx::Error> {
    let reason = request.act.reason().unwrap_or_default();
    let how = match (step, plan) {
        (StudyStep::Begin(_), Some(plan)) => return begin(connection, &request.by, reason, plan, at).await,
        (StudyStep::Begin(_), None) => return Ok(()),
        (StudyStep::End, _) => EndedAs::Ended.as_str(),
        (StudyStep::Abandon, _) => EndedAs::Abandoned.as_str(),
    };
    sqlx::query!(
        "UPDATE study
        SET ended_as = ?1,
            ended = ?2,
            ended_synchronised = ?3,
            ended_by = ?4,
            ended_reason = ?5,
            until_run = (SELECT coalesce(max(number), 0) FROM run)
        WHERE ended_as IS NULL",
        how,
        at.micros,
        at.synchronised,
        request.by,
        reason
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn begin(
    connection: &mut SqliteConnection,
    by: &str,
    reason: &str,
    plan: &Plan,
    at: WallTime,
) -> Result<(), sqlx::Error> {
    let number = sqlx::query!(
        "INSERT INTO study (began, began_synchronised, began_by, reason, times, after_run)
        VALUES (?1, ?2, ?3, ?4, ?5, (SELECT coalesce(max(number), 0) FROM run))",
        at.micros,
        at.synchronised,
        by,
        reason,
        plan.times
    )
    .execute(&mut *connection)
    .await?
    .last_insert_rowid();
    for (place, (serial, mark)) in (0_i64..).zip(&plan.units) {
        let (serial, mark) = (serial.as_str(), mark.as_str());
        sqlx::query!(
            "INSERT INTO study_unit (study, place, serial, mark)
            VALUES (?1, ?2, ?3, ?4)",
            number,
            place,
            serial,
            mark
        )
        .execute(&mut *connection)
        .await?;
    }
    for (place, name) in (0_i64..).zip(&plan.people) {
        sqlx::query!(
            "INSERT INTO study_person (study, place, name)
            VALUES (?1, ?2, ?3)",
            number,
            place,
            name
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

impl Ledger {
    /// What is known of units by their marks: of these, or of all that are marked where none is named.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn marks(&mut self, units: &[Serial]) -> Result<Vec<(Serial, Mark)>, LedgerError> {
        let (path, connection) = self.parts();
        if !units.is_empty() {
            let mut marks = Vec::new();
            for serial in units {
                let standing = audit::standing(path, connection, serial).await?;
                marks.push((serial.clone(), standing.mark.0));
            }
            return Ok(marks);
        }
        let rows = sqlx::query!(
            r#"SELECT max(number) AS "number!: i64", serial AS "serial!", choice AS "choice!"
            FROM act
            WHERE kind = 'mark'
                AND refused IS NULL
            GROUP BY serial
            HAVING choice <> 'ordinary'
            ORDER BY serial"#
        )
        .fetch_all(connection)
        .await
        .map_err(|error| LedgerError::sqlx(path, "reading the marks of units", error))?;
        rows.into_iter()
            .map(|row| {
                let place = Place {
                    path,
                    table: "act",
                    row: row.number,
                };
                Ok((
                    place.serial("serial", &row.serial)?,
                    place.parse("choice", &row.choice)?,
                ))
            })
            .collect()
    }
}

/// A row of the table of studies.
struct Row {
    number: i64,
    began: i64,
    began_synchronised: i64,
    began_by: String,
    reason: String,
    times: i64,
    after_run: i64,
    ended_as: Option<String>,
    ended: Option<i64>,
    ended_synchronised: Option<i64>,
    ended_by: Option<String>,
    ended_reason: Option<String>,
    until_run: Option<i64>,
}

/// Which study is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The newest, whether it runs or not.
    Newest,
    /// The newest that ended and was not given up.
    NewestEnded,
    /// The one that runs.
    Running,
    /// That of a number.
    Number(i64),
}

/// A study in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudyRow {
    /// Its number, from 1.
    pub number: i64,
    /// When it began.
    pub began: WallTime,
    /// Who began it.
    pub by: String,
    /// How it ended; `None` while it runs.
    pub end: Option<EndedAs>,
}

impl Reports {
    /// A study with its runs; `None` where there is no such one.
    ///
    /// # Errors
    /// The ledger could not be read, or a row of it makes no sense.
    pub async fn study(&self, which: Which) -> Result<Option<Study>, LedgerError> {
        const OPERATION: &str = "reading a study";
        let failed = |error| LedgerError::sqlx(&self.path, OPERATION, error);
        let (number, ended, running) = match which {
            Which::Newest => (None, false, false),
            Which::NewestEnded => (None, true, false),
            Which::Running => (None, false, true),
            Which::Number(number) => (Some(number), false, false),
        };
        let mut reader = self.reader().await?;
        let row = sqlx::query_as!(
            Row,
            r#"SELECT
                number, began, began_synchronised, began_by, reason, times, after_run, ended_as, ended, ended_synchronised,
                ended_by, ended_reason, until_run
            FROM study
            WHERE (?1 IS NULL OR number = ?1)
                AND (NOT ?2 OR ended_as = 'ended')
                AND (NOT ?3 OR ended_as IS NULL)
            ORDER BY number DESC
            LIMIT 1"#,
            number,
            ended,
            running
        )
        .fetch_optional(&mut reader.connection)
        .await
        .map_err(failed)?;
        let study = match row {
            None => None,
            Some(row) => Some(self.read_study(&mut reader.connection, row).await?),
        };
        reader.close(&self.path, OPERATION).await?;
        Ok(study)
    }

    /// The studies, newest first, at most `limit` of them.
    ///
    /// # Errors
    /// The ledger could not be read, or a row of it makes no sense.
    pub async fn studies(&self, limit: u32) -> Result<Vec<StudyRow>, LedgerError> {
        const OPERATION: &str = "reading the studies";
        let mut reader = self.reader().await?;
        let rows = sqlx::query!(
            "SELECT number, began, began_synchronised, began_by, ended_as
            FROM study
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
                let place = self.study_place(row.number);
                Ok(StudyRow {
                    number: row.number,
                    began: decode::wall(row.began, row.began_synchronised),
                    by: row.began_by,
                    end: row.ended_as.map(|how| ended_as(place, &how)).transpose()?,
                })
            })
            .collect()
    }

    fn study_place(&self, row: i64) -> Place<'_> {
        Place {
            path: &self.path,
            table: "study",
            row,
        }
    }

    async fn read_study(&self, connection: &mut SqliteConnection, row: Row) -> Result<Study, LedgerError> {
        let failed = |error| LedgerError::sqlx(&self.path, "reading a study", error);
        let place = self.study_place(row.number);
        let units = sqlx::query!(
            "SELECT serial, mark
            FROM study_unit
            WHERE study = ?1
            ORDER BY place",
            row.number
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed)?;
        let people = sqlx::query_scalar!(
            "SELECT name
            FROM study_person
            WHERE study = ?1
            ORDER BY place",
            row.number
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed)?;
        let until = row.until_run.unwrap_or(i64::MAX);
        let runs = self.study_runs(connection, row.after_run, until).await?;
        Ok(Study {
            number: row.number,
            began: decode::wall(row.began, row.began_synchronised),
            by: row.began_by,
            reason: row.reason,
            plan: Plan {
                units: units
                    .iter()
                    .map(|unit| Ok((place.serial("serial", &unit.serial)?, place.parse("mark", &unit.mark)?)))
                    .collect::<Result<_, LedgerError>>()?,
                people,
                times: place.number("times", row.times)?,
            },
            end: match (row.ended_as, row.ended, row.ended_synchronised) {
                (Some(how), Some(at), Some(synchronised)) => Some(End {
                    how: ended_as(place, &how)?,
                    at: decode::wall(at, synchronised),
                    by: row.ended_by.unwrap_or_default(),
                    reason: row.ended_reason.unwrap_or_default(),
                }),
                (_, _, _) => None,
            },
            runs,
        })
    }

    /// The runs with a verdict that were begun for a study after one run and not after another, in the order of their verdicts.
    async fn study_runs(
        &self,
        connection: &mut SqliteConnection,
        after: i64,
        until: i64,
    ) -> Result<Vec<StudyRun>, LedgerError> {
        let failed = |error| LedgerError::sqlx(&self.path, "reading the runs of a study", error);
        let runs = sqlx::query!(
            r#"SELECT
                run.number,
                run.id,
                run.lane,
                run.serial AS "serial!",
                run.operator,
                run.seated,
                run.seated_synchronised,
                run.code AS "code!",
                run.took,
                setup.software,
                setup.recipe,
                setup.recipe_version,
                setup.simulated AS "simulated: bool"
            FROM run INDEXED BY run_of_study
            CROSS JOIN setup ON setup.number = run.setup
            WHERE run.purpose = 'study'
                AND run.number > ?1
                AND run.number <= ?2
                AND run.verdict_number IS NOT NULL
                AND run.serial IS NOT NULL
            ORDER BY run.verdict_number"#,
            after,
            until
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed)?;
        let place = Place {
            path: &self.path,
            table: "run",
            row: 0,
        };
        let numbers: Vec<i64> = runs.iter().map(|run| run.number).collect();
        let mut read = runs
            .into_iter()
            .map(|run| {
                let place = Place {
                    row: run.number,
                    ..place
                };
                Ok(StudyRun {
                    run: place.run_id("id", &run.id)?,
                    lane: place.lane("lane", run.lane)?,
                    serial: place.serial("serial", &run.serial)?,
                    operator: run.operator,
                    seated: decode::wall(run.seated, run.seated_synchronised),
                    code: place.parse("code", &run.code)?,
                    took: run.took.map(|took| place.duration("took", took)).transpose()?,
                    software: run.software,
                    recipe: run.recipe,
                    recipe_version: run.recipe_version,
                    simulated: run.simulated,
                    measurements: Vec::new(),
                })
            })
            .collect::<Result<Vec<_>, LedgerError>>()?;
        for (at, measurement) in self.measurements_of_runs(connection, &numbers).await? {
            if let Some(run) = read.get_mut(at) {
                run.measurements.push(measurement);
            }
        }
        Ok(read)
    }
}

fn ended_as(place: Place<'_>, text: &str) -> Result<EndedAs, LedgerError> {
    [EndedAs::Ended, EndedAs::Abandoned]
        .into_iter()
        .find(|known| known.as_str() == text)
        .ok_or_else(|| place.nonsense("ended_as", text))
}
