//! Runs as they were sealed, and whether they still are: from a ledger, or from an export of it.

use std::io::{self, BufRead};

use fixture_link::identity::{RunId, WallTime};
use fixture_link::verdict::Outcome;

use crate::decode::Place;
use crate::error::LedgerError;
use crate::files::Reader;
use crate::ledger::{AttemptRow, EvidenceRow, ReadingRow, measurement_rows};
use crate::report::{Reports, read_attempts};
use crate::seal::{Began, Ended, Rests, Seal, canonical};

/// The most runs that are read at once.
const AT_ONCE: i64 = 500;

/// A stored run with its seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Which verdict of the ledger it was, from 1.
    pub verdict: i64,
    /// The run.
    pub run: RunId,
    /// What it is sealed with; `None` of a run from before there were seals.
    pub seal: Option<Seal>,
    /// The seal of the run before it, where that has one.
    pub previous: Option<Seal>,
    /// Its canonical form, as the ledger holds it now.
    pub record: String,
}

/// What is wrong with the first run that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// Where: a line of an export, or which verdict of the ledger.
    pub place: String,
    /// The run, where it is known.
    pub run: Option<RunId>,
    /// What does not fit.
    pub what: String,
}

/// What a look at all runs found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verified {
    /// Runs whose seals fit.
    pub fit: u64,
    /// Runs from before there were seals: nothing is known of them.
    pub unsealed: u64,
    /// The seal of the last run; of a ledger, nothing was taken from its end if this is what was noted elsewhere.
    pub last: Option<Seal>,
    /// Whether the seal that was asked for is among them.
    pub found: bool,
    /// The first that does not fit.
    pub misfit: Option<Misfit>,
}

/// A run and what its verdict rests on, as selected.
struct Selected {
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
    outcome: String,
    code: String,
    detail: String,
    stage: Option<String>,
    took: Option<i64>,
    ended: i64,
    ended_synchronised: bool,
    device_id: Option<String>,
    agent_url: Option<String>,
    samples_lost: u32,
    ordinal: i64,
    verdict_number: i64,
    seal: Option<Vec<u8>>,
    previous: Option<Vec<u8>>,
    light: Option<Vec<u8>>,
}

/// Runs with their seals. `$from` are the tables after that of runs, `$which` the condition.
macro_rules! select_sealed {
    ($from:tt, $which:tt, $($value:expr),+) => {
        sqlx::query_as!(
            Selected,
            r#"SELECT
                run.number AS "number!",
                run.id AS "id!",
                setup.fixture AS "fixture!",
                setup.software AS "software!",
                setup.recipe AS "recipe!",
                setup.recipe_version AS "recipe_version!",
                setup.pass_rule AS "pass_rule!",
                setup.simulated AS "simulated!: bool",
                run.lane AS "lane!: u8",
                run.serial,
                run.operator AS "operator!",
                run.lot AS "lot!",
                run.work_order AS "work_order!",
                run.purpose AS "purpose!",
                run.seated AS "seated!",
                run.seated_synchronised AS "seated_synchronised!: bool",
                run.outcome AS "outcome!",
                run.code AS "code!",
                run.detail AS "detail!",
                run.stage,
                run.took,
                run.ended AS "ended!",
                run.ended_synchronised AS "ended_synchronised!: bool",
                run.device_id,
                run.agent_url,
                run.samples_lost AS "samples_lost!: u32",
                run.ordinal AS "ordinal!",
                run.verdict_number AS "verdict_number!",
                run.seal,
                (
                    SELECT before.seal FROM run AS before WHERE before.verdict_number = run.verdict_number - 1
                ) AS "previous: Vec<u8>",
                (SELECT light FROM trace WHERE trace.run = run.number) AS "light: Vec<u8>"
            FROM "#
                + $from
                + r#"
            JOIN setup ON setup.number = run.setup
            WHERE "#
                + $which
                + r#"
            ORDER BY run.verdict_number
            LIMIT ?2"#,
            $($value),+
        )
    };
}

impl Reports {
    /// Runs in the order of their verdicts, after the one with that number (0: from the first), as many as are read at once.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn sealed(&self, after: i64) -> Result<Vec<Sealed>, LedgerError> {
        const OPERATION: &str = "reading sealed runs";
        let failed = |error| LedgerError::sqlx(&self.path, OPERATION, error);
        let mut reader = self.reader().await?;
        let rows = select_sealed!("run", "run.verdict_number > ?1", after, AT_ONCE)
            .fetch_all(&mut reader.connection)
            .await
            .map_err(failed)?;
        let sealed = self.with_rests(&mut reader, rows).await?;
        reader.close(&self.path, OPERATION).await?;
        Ok(sealed)
    }

    /// The runs of these verdicts, in order; at most as many as are read at once.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn sealed_of(&self, verdicts: &[i64]) -> Result<Vec<Sealed>, LedgerError> {
        const OPERATION: &str = "reading sealed runs";
        let wanted = self.numbers(verdicts, OPERATION)?;
        let mut reader = self.reader().await?;
        let rows = select_sealed!(
            "json_each(?1) AS wanted CROSS JOIN run ON run.verdict_number = wanted.value",
            "true",
            wanted,
            AT_ONCE
        )
        .fetch_all(&mut reader.connection)
        .await
        .map_err(|error| LedgerError::sqlx(&self.path, OPERATION, error))?;
        let sealed = self.with_rests(&mut reader, rows).await?;
        reader.close(&self.path, OPERATION).await?;
        Ok(sealed)
    }

    /// Runs with what their verdicts rest on.
    async fn with_rests(&self, reader: &mut Reader, rows: Vec<Selected>) -> Result<Vec<Sealed>, LedgerError> {
        let mut sealed = Vec::with_capacity(rows.len());
        for row in rows {
            // What a verdict rests on never changes after it, so that one run needs no transaction with the next.
            let attempts = read_attempts(&self.path, &mut reader.connection, row.number).await?;
            let readings = self.readings(&mut reader.connection, row.number).await?;
            let evidence = self.evidence(&mut reader.connection, row.number).await?;
            let measurements = self.measurements(&mut reader.connection, row.number).await?;
            let attempts: Vec<AttemptRow<'_>> = attempts.iter().map(AttemptRow::from).collect();
            let readings: Vec<ReadingRow<'_>> = readings.iter().map(ReadingRow::from).collect();
            let evidence: Vec<EvidenceRow<'_>> = evidence.iter().map(EvidenceRow::from).collect();
            let rests = Rests {
                attempts: &attempts,
                readings: &readings,
                evidence: &evidence,
                measurements: &measurement_rows(&measurements),
                light: row.light.as_deref().unwrap_or_default(),
            };
            sealed.push(self.as_sealed(&row, &rests)?);
        }
        Ok(sealed)
    }

    fn as_sealed(&self, row: &Selected, rests: &Rests<'_>) -> Result<Sealed, LedgerError> {
        let place = Place {
            path: &self.path,
            table: "run",
            row: row.number,
        };
        let run = place.run_id("id", &row.id)?;
        let setup = crate::record::Setup {
            fixture: row.fixture.clone(),
            software: row.software.clone(),
            recipe: row.recipe.clone(),
            recipe_version: row.recipe_version.clone(),
            pass_rule: row.pass_rule.clone(),
            simulated: row.simulated,
        };
        let began = Began {
            run,
            setup: &setup,
            lane: row.lane,
            serial: row.serial.as_deref(),
            operator: &row.operator,
            lot: &row.lot,
            work_order: &row.work_order,
            purpose: &row.purpose,
            seated: WallTime {
                micros: row.seated,
                synchronised: row.seated_synchronised,
            },
        };
        let interrupted = row.outcome == Outcome::Interrupted.as_str();
        let ended = Ended {
            verdict_number: row.verdict_number,
            outcome: &row.outcome,
            code: &row.code,
            detail: &row.detail,
            stage: row.stage.as_deref().filter(|_| !interrupted),
            took: row.took,
            at: WallTime {
                micros: row.ended,
                synchronised: row.ended_synchronised,
            },
            device_id: row.device_id.as_deref(),
            agent_url: row.agent_url.as_deref(),
            samples_lost: row.samples_lost,
            ordinal: row.ordinal,
        };
        let record = canonical(&began, &ended, rests).map_err(|error| place.nonsense("seal", error))?;
        Ok(Sealed {
            verdict: row.verdict_number,
            run,
            seal: row.seal.as_deref().map(|seal| place.seal("seal", seal)).transpose()?,
            previous: row
                .previous
                .as_deref()
                .map(|seal| place.seal("seal", seal))
                .transpose()?,
            record,
        })
    }

    /// The seal of the last run that has one, and which verdict it was.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn last_seal(&self) -> Result<Option<(i64, Seal)>, LedgerError> {
        const OPERATION: &str = "reading the last seal";
        let mut reader = self.reader().await?;
        let row = sqlx::query!(
            r#"SELECT number, verdict_number AS "verdict_number!", seal
            FROM run
            WHERE verdict_number = (SELECT max(verdict_number) FROM run)"#
        )
        .fetch_optional(&mut reader.connection)
        .await
        .map_err(|error| LedgerError::sqlx(&self.path, OPERATION, error))?;
        reader.close(&self.path, OPERATION).await?;
        let Some(row) = row else { return Ok(None) };
        let place = Place {
            path: &self.path,
            table: "run",
            row: row.number,
        };
        let seal = row.seal.as_deref().map(|seal| place.seal("seal", seal)).transpose()?;
        Ok(seal.map(|seal| (row.verdict_number, seal)))
    }

    /// Looks at every run whether it is as it was sealed and none is missing, up to the first that is not. It takes as long as the ledger is large.
    /// `known` is a seal that was noted elsewhere: it has to be among them, or runs were taken from the end.
    ///
    /// # Errors
    /// The ledger could not be read, or holds what makes no sense.
    pub async fn verify(&self, known: Option<Seal>) -> Result<Verified, LedgerError> {
        let mut verified = Verified::default();
        let mut previous = Seal::NONE;
        let mut after = 0;
        loop {
            let sealed = self.sealed(after).await?;
            if sealed.is_empty() {
                return Ok(verified);
            }
            for run in sealed {
                let misfit = |what: String| Misfit {
                    place: format!("verdict {}", run.verdict),
                    run: Some(run.run),
                    what,
                };
                if run.verdict != after + 1 {
                    let missing = format!("verdict {} is missing before it", after + 1);
                    verified.misfit = Some(misfit(missing));
                    return Ok(verified);
                }
                after = run.verdict;
                match run.seal {
                    None if verified.fit == 0 => verified.unsealed += 1,
                    None => {
                        verified.misfit = Some(misfit("it has no seal, although the run before it has one".to_owned()));
                        return Ok(verified);
                    }
                    Some(seal) if previous.of_next(&run.record) == seal => {
                        verified.fit += 1;
                        verified.found |= known == Some(seal);
                        verified.last = Some(seal);
                        previous = seal;
                    }
                    Some(_) => {
                        verified.misfit = Some(misfit(
                            "its seal is not that of its record and of the run before it: one of them was changed"
                                .to_owned(),
                        ));
                        return Ok(verified);
                    }
                }
            }
        }
    }
}

/// A run as a line of an export: the seal before it, its own, and its canonical form.
pub fn line(previous: Seal, seal: Seal, record: &str) -> String {
    format!("{{\"previous\":\"{previous}\",\"seal\":\"{seal}\",\"record\":{record}}}\n")
}

/// The parts of such a line.
fn parts(line: &str) -> Option<(Seal, Seal, &str)> {
    let rest = line.strip_prefix("{\"previous\":\"")?;
    let (previous, rest) = rest.split_once("\",\"seal\":\"")?;
    let (seal, rest) = rest.split_once("\",\"record\":")?;
    let record = rest.strip_suffix('}')?;
    Some((previous.parse().ok()?, seal.parse().ok()?, record))
}

/// What is looked at in a record of an export.
#[derive(serde::Deserialize)]
struct Told {
    verdict_number: i64,
    run: RunId,
}

/// Lines of an export, looked at one after another.
#[derive(Default)]
struct Lines {
    verified: Verified,
    /// The line before: which verdict it was, and its seal.
    before: Option<(i64, Seal)>,
}

impl Lines {
    /// Looks at the next line.
    ///
    /// # Errors
    /// What does not fit, and of which run.
    fn look(&mut self, line: &str, known: Option<Seal>) -> Result<(), (Option<RunId>, &'static str)> {
        let (previous, seal, record) = parts(line).ok_or((None, "not a line of an export of sealed runs"))?;
        let told: Told = serde_json::from_str(record).map_err(|_| (None, "its record is not one of a run"))?;
        let misfit = |what| Err((Some(told.run), what));
        if previous.of_next(record) != seal {
            return misfit("its seal is not that of its record and of the run before it: one of them was changed");
        }
        if let Some((verdict, last)) = self.before {
            if told.verdict_number <= verdict {
                return misfit("it does not come after the line before it");
            }
            if told.verdict_number == verdict + 1 && last != previous {
                return misfit("it is not tied to the run before it");
            }
        }
        self.before = Some((told.verdict_number, seal));
        self.verified.fit += 1;
        self.verified.found |= known == Some(seal);
        self.verified.last = Some(seal);
        Ok(())
    }
}

/// Looks at every line of an export of sealed runs, up to the first that does not fit; only one line is held at a time. An export may leave runs out; those
/// that follow on each other have to be tied to each other.
///
/// # Errors
/// The export cannot be read.
pub fn verify_export(export: impl BufRead, known: Option<Seal>) -> io::Result<Verified> {
    let mut lines = Lines::default();
    for (number, line) in (1..).zip(export.lines()) {
        if let Err((run, what)) = lines.look(&line?, known) {
            lines.verified.misfit = Some(Misfit {
                place: format!("line {number}"),
                run,
                what: what.to_owned(),
            });
            break;
        }
    }
    Ok(lines.verified)
}
