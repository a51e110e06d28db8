//! Yields over time and by what they may depend on, from the rollups: the cost grows with the answer, not with history.
//!
//! Time is in whole quarters of an hour, within which every time zone's days and hours begin. What counts is said in
//! `docs/decisions/ledger-yields.md`.

use core::time::Duration;
use std::collections::BTreeMap;

use fixture_link::identity::LaneId;
use fixture_link::verdict::{Outcome, VerdictCode};
use serde::Deserialize;

use crate::decode::Place;
use crate::error::LedgerError;
use crate::report::{Reports, Yield};

/// A quarter of an hour, microseconds.
pub const QUARTER: i64 = 900_000_000;

/// The most spans that one report tells of.
pub const SPAN_LIMIT: usize = 1000;

/// A span of time: from an instant (included) until another (excluded), microseconds since 1970 UTC. Instants within a quarter of an hour are those of
/// its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// Its first instant.
    pub from: i64,
    /// The first after it.
    pub until: i64,
}

/// Which runs are asked about; those that fit everything that is given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    /// On this lane.
    pub lane: Option<LaneId>,
    /// Of this lot.
    pub lot: Option<String>,
    /// Of this work order.
    pub work_order: Option<String>,
    /// With this recipe.
    pub recipe: Option<String>,
    /// By this operator.
    pub operator: Option<String>,
    /// With this version of the software.
    pub software: Option<String>,
}

/// By what runs are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum By {
    /// By nothing.
    #[default]
    Nothing,
    /// By lane.
    Lane,
    /// By lot.
    Lot,
    /// By work order.
    WorkOrder,
    /// By recipe and its version.
    Recipe,
    /// By operator.
    Operator,
    /// By the software's version.
    Software,
}

impl By {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::Nothing,
        Self::Lane,
        Self::Lot,
        Self::WorkOrder,
        Self::Recipe,
        Self::Operator,
        Self::Software,
    ];

    /// The name in addresses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Lane => "lane",
            Self::Lot => "lot",
            Self::WorkOrder => "work_order",
            Self::Recipe => "recipe",
            Self::Operator => "operator",
            Self::Software => "software",
        }
    }
}

/// Runs of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CodeTally {
    /// Runs.
    pub runs: u64,
    /// Of these, their unit's first that counts in yields.
    pub first: u64,
    /// Of these, runs that an annotation blames on the network or the fixture.
    pub suspected: u64,
}

/// Runs with a verdict, counted. Runs of golden units are only in `runs` and `set_aside`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Runs.
    pub runs: u64,
    /// Of these, runs of golden and known-bad units.
    pub set_aside: u64,
    /// Of these, runs on a simulated jig.
    pub simulated: u64,
    /// Of these, runs that an annotation blames on the network or the fixture.
    pub suspected: u64,
    /// Runs by outcome, in the order of [`Outcome::ALL`].
    pub by_outcome: [u64; 6],
    /// Units by their first run that counts.
    pub first: Yield,
    /// Units by their second run that counts.
    pub second: Yield,
    /// Units by their latest run that counts.
    pub last: Yield,
    /// Attempts: those that were received, of all that were sent.
    pub attempts: Yield,
    /// Units by how far they got in their first run that counts: seated, received, connected, passed; each holds those that got further.
    pub reached: [u64; 4],
    /// From seated to the verdict, all runs that were judged together.
    pub took: Duration,
    /// Runs by code.
    pub codes: BTreeMap<VerdictCode, CodeTally>,
}

impl Tally {
    /// Runs with an outcome.
    pub fn with(&self, outcome: Outcome) -> u64 {
        Outcome::ALL
            .into_iter()
            .zip(self.by_outcome)
            .filter_map(|(of, runs)| (of == outcome).then_some(runs))
            .sum()
    }

    /// Adds what another counted of other runs.
    pub fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.set_aside += other.set_aside;
        self.simulated += other.simulated;
        self.suspected += other.suspected;
        for (sum, more) in self.by_outcome.iter_mut().zip(other.by_outcome) {
            *sum += more;
        }
        for (sum, more) in [
            (&mut self.first, other.first),
            (&mut self.second, other.second),
            (&mut self.last, other.last),
            (&mut self.attempts, other.attempts),
        ] {
            sum.passed += more.passed;
            sum.total += more.total;
        }
        for (sum, more) in self.reached.iter_mut().zip(other.reached) {
            *sum += more;
        }
        self.took += other.took;
        for (code, more) in &other.codes {
            let sum = self.codes.entry(*code).or_default();
            sum.runs += more.runs;
            sum.first += more.first;
            sum.suspected += more.suspected;
        }
    }
}

/// What was counted of one span and one of what runs are told apart by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The span's place among those that were asked for.
    pub span: usize,
    /// The lane, lot or what else it is of; empty where runs are told apart by nothing, or have none.
    pub of: String,
    /// The counts.
    pub tally: Tally,
}

/// Rows that are alike, as selected: an array in this order.
#[derive(Deserialize)]
struct Selected {
    span: i64,
    of: String,
    code: String,
    ordinal: i64,
    reached: i64,
    production: u8,
    simulated: u8,
    runs: i64,
    last_runs: i64,
    suspected: i64,
    attempts: i64,
    received: i64,
    took: i64,
}

impl Reports {
    /// Counts runs by the spans in which their units were seated, and by something else; what was not seen is left out. In order of span and name.
    ///
    /// # Errors
    /// The ledger could not be read; or there are more than [`SPAN_LIMIT`] spans.
    pub async fn tallies(&self, spans: &[Span], scope: &Scope, by: By) -> Result<Vec<Counted>, LedgerError> {
        const OPERATION: &str = "counting runs";
        let edges = self.edges(OPERATION, spans, QUARTER)?;
        let lane = scope.lane.map(LaneId::number);
        let by = by.as_str();
        let mut reader = self.reader().await?;
        // First by numbers alone, then named: that takes half as long as by names at once. All in one row, since each row has its price.
        let rows = sqlx::query_scalar!(
            r#"WITH counted AS MATERIALIZED (
                SELECT
                    edge.key AS span,
                    iif(?2 = 'lane', rollup.lane, 0) AS lane,
                    rollup.batch,
                    rollup.code,
                    rollup.ordinal,
                    rollup.reached,
                    sum(rollup.runs) AS runs,
                    sum(rollup.last_runs) AS last_runs,
                    sum(rollup.suspected) AS suspected,
                    sum(rollup.attempts) AS attempts,
                    sum(rollup.received) AS received,
                    sum(rollup.took) AS took
                FROM json_each(?1) AS edge
                CROSS JOIN rollup
                WHERE rollup.quarter >= edge.value ->> 0
                    AND rollup.quarter < edge.value ->> 1
                    AND (?3 IS NULL OR rollup.lane = ?3)
                GROUP BY 1, 2, 3, 4, 5, 6
            )
            SELECT json_group_array(json_array(
                CAST(counted.span AS INTEGER),
                CASE ?2
                    WHEN 'lane' THEN CAST(counted.lane AS TEXT)
                    WHEN 'lot' THEN batch.lot
                    WHEN 'work_order' THEN batch.work_order
                    WHEN 'recipe' THEN setup.recipe || ' ' || setup.recipe_version
                    WHEN 'operator' THEN batch.operator
                    WHEN 'software' THEN setup.software
                    ELSE ''
                END,
                counted.code,
                counted.ordinal,
                counted.reached,
                batch.purpose = 'production',
                setup.simulated,
                counted.runs,
                counted.last_runs,
                counted.suspected,
                counted.attempts,
                counted.received,
                counted.took
            )) AS "rows!: String"
            FROM counted
            JOIN batch ON batch.number = counted.batch
            JOIN setup ON setup.number = batch.setup
            WHERE (?4 IS NULL OR batch.lot = ?4)
                AND (?5 IS NULL OR batch.work_order = ?5)
                AND (?6 IS NULL OR setup.recipe = ?6)
                AND (?7 IS NULL OR batch.operator = ?7)
                AND (?8 IS NULL OR setup.software = ?8)"#,
            edges,
            by,
            lane,
            scope.lot,
            scope.work_order,
            scope.recipe,
            scope.operator,
            scope.software
        )
        .fetch_one(&mut reader.connection)
        .await
        .map_err(|error| LedgerError::sqlx(&self.path, OPERATION, error))?;
        reader.close(&self.path, OPERATION).await?;
        let rows: Vec<Selected> = serde_json::from_str(&rows).map_err(|error| LedgerError::Corrupt {
            path: self.path.clone(),
            operation: OPERATION,
            what: format!("table rollup: {error}"),
        })?;
        let mut counted: BTreeMap<(usize, String), Tally> = BTreeMap::new();
        for row in rows {
            let place = Place {
                path: &self.path,
                table: "rollup",
                row: 0,
            };
            let span: usize = place.number("span", row.span)?;
            tell(counted.entry((span, row.of.clone())).or_default(), place, &row)?;
        }
        let counted = counted.into_iter();
        Ok(counted.map(|((span, of), tally)| Counted { span, of, tally }).collect())
    }

    /// The beginnings and ends of spans in whole units of time, as JSON for one statement.
    ///
    /// # Errors
    /// There are more than [`SPAN_LIMIT`].
    pub(crate) fn edges(&self, operation: &'static str, spans: &[Span], unit: i64) -> Result<String, LedgerError> {
        let refused = |what: String| LedgerError::Refused {
            path: self.path.clone(),
            operation,
            what,
        };
        if spans.len() > SPAN_LIMIT {
            return Err(refused(format!(
                "{} spans of time; expected at most {SPAN_LIMIT}",
                spans.len()
            )));
        }
        let edges: Vec<[i64; 2]> = spans
            .iter()
            .map(|span| [span.from.div_euclid(unit), span.until.div_euclid(unit)])
            .collect();
        serde_json::to_string(&edges).map_err(|error| refused(error.to_string()))
    }

    /// Counts the runs of one span, together.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn tally(&self, span: Span, scope: &Scope) -> Result<Tally, LedgerError> {
        let counted = self.tallies(&[span], scope, By::Nothing).await?;
        Ok(counted
            .into_iter()
            .next()
            .map(|counted| counted.tally)
            .unwrap_or_default())
    }
}

/// Adds rows that are alike to a tally.
fn tell(tally: &mut Tally, place: Place<'_>, row: &Selected) -> Result<(), LedgerError> {
    let code: VerdictCode = place.parse("code", &row.code)?;
    let outcome = code.outcome();
    let runs: u64 = place.number("runs", row.runs)?;
    let last_runs: u64 = place.number("last_runs", row.last_runs)?;
    let suspected: u64 = place.number("suspected", row.suspected)?;
    tally.runs += runs;
    if row.simulated == 1 {
        tally.simulated += runs;
    }
    if row.production == 0 {
        tally.set_aside += runs;
        return Ok(());
    }
    tally.suspected += suspected;
    for (of, counted) in Outcome::ALL.into_iter().zip(&mut tally.by_outcome) {
        if of == outcome {
            *counted += runs;
        }
    }
    let passed = if outcome == Outcome::Pass { runs } else { 0 };
    let by_ordinal = match row.ordinal {
        1 => Some(&mut tally.first),
        2 => Some(&mut tally.second),
        _ => None,
    };
    if let Some(share) = by_ordinal {
        share.passed += passed;
        share.total += runs;
    }
    if row.ordinal == 1 {
        for (least, reached) in (0..).zip(&mut tally.reached) {
            if row.reached >= least {
                *reached += runs;
            }
        }
    }
    tally.last.total += last_runs;
    if outcome == Outcome::Pass {
        tally.last.passed += last_runs;
    }
    tally.attempts.passed += place.number::<u64>("received", row.received)?;
    tally.attempts.total += place.number::<u64>("attempts", row.attempts)?;
    tally.took += place.duration("took", row.took)?;
    let of_code = tally.codes.entry(code).or_default();
    of_code.runs += runs;
    of_code.suspected += suspected;
    if row.ordinal == 1 {
        of_code.first += runs;
    }
    Ok(())
}
