//! What is told of a shift besides its yields: what it was worked with, which starts it refused, and how whole its figures are.

use fixture_link::identity::WallTime;
use fixture_link::verdict::Refusal;

use crate::decode::{self, Place};
use crate::error::LedgerError;
use crate::record::{Purpose, Setup};
use crate::report::Reports;
use crate::yields::{QUARTER, Span};

/// What runs of a span of time had in common for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met {
    /// Fixture, software, recipe and its version, pass rule, and whether the jig was simulated.
    pub setup: Setup,
    /// The lot; empty for none.
    pub lot: String,
    /// The work order; empty for none.
    pub work_order: String,
    /// The operator.
    pub operator: String,
    /// What the units were run for.
    pub purpose: Purpose,
    /// Runs with a verdict.
    pub runs: u64,
}

/// How whole what is told of a span of time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wholeness {
    /// Runs of units that were seated in it and have no verdict yet.
    pub unjudged: u64,
    /// Runs of units that were seated in it while the clock was not synchronised.
    pub unsynchronised: u64,
    /// When the last of its verdicts was stored.
    pub last: Option<WallTime>,
}

impl Reports {
    /// What the runs with a verdict had in common whose units were seated in a span of time (in whole quarters of an hour), in the order in which it
    /// was first met.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn met(&self, span: Span) -> Result<Vec<Met>, LedgerError> {
        const OPERATION: &str = "reading what runs had in common";
        let (from, until) = (span.from.div_euclid(QUARTER), span.until.div_euclid(QUARTER));
        let mut reader = self.reader().await?;
        let rows = sqlx::query!(
            r#"SELECT
                batch.number AS "number!: i64",
                setup.fixture AS "fixture!",
                setup.software AS "software!",
                setup.recipe AS "recipe!",
                setup.recipe_version AS "recipe_version!",
                setup.pass_rule AS "pass_rule!",
                setup.simulated = 1 AS "simulated!: bool",
                batch.lot AS "lot!",
                batch.work_order AS "work_order!",
                batch.operator AS "operator!",
                batch.purpose AS "purpose!",
                sum(rollup.runs) AS "runs!: i64"
            FROM rollup
            JOIN batch ON batch.number = rollup.batch
            JOIN setup ON setup.number = batch.setup
            WHERE rollup.quarter >= ?1
                AND rollup.quarter < ?2
            GROUP BY batch.number
            ORDER BY min(rollup.quarter), batch.number"#,
            from,
            until
        )
        .fetch_all(&mut reader.connection)
        .await
        .map_err(|error| LedgerError::sqlx(&self.path, OPERATION, error))?;
        reader.close(&self.path, OPERATION).await?;
        rows.into_iter()
            .map(|row| {
                let place = Place {
                    path: &self.path,
                    table: "batch",
                    row: row.number,
                };
                Ok(Met {
                    setup: Setup {
                        fixture: row.fixture,
                        software: row.software,
                        recipe: row.recipe,
                        recipe_version: row.recipe_version,
                        pass_rule: row.pass_rule,
                        simulated: row.simulated,
                    },
                    lot: row.lot,
                    work_order: row.work_order,
                    operator: row.operator,
                    purpose: place.parse("purpose", &row.purpose)?,
                    runs: place.number("runs", row.runs)?,
                })
            })
            .collect()
    }

    /// How many starts were refused in a span of time, by why, the most frequent first.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn refused(&self, span: Span) -> Result<Vec<(Refusal, u64)>, LedgerError> {
        const OPERATION: &str = "counting refusals";
        let mut reader = self.reader().await?;
        let rows = sqlx::query!(
            r#"SELECT refusal, count(*) AS "starts!: i64"
            FROM refusal
            WHERE at >= ?1
                AND at < ?2
            GROUP BY refusal
            ORDER BY 2 DESC, 1"#,
            span.from,
            span.until
        )
        .fetch_all(&mut reader.connection)
        .await
        .map_err(|error| LedgerError::sqlx(&self.path, OPERATION, error))?;
        reader.close(&self.path, OPERATION).await?;
        let place = Place {
            path: &self.path,
            table: "refusal",
            row: 0,
        };
        rows.into_iter()
            .map(|row| {
                Ok((
                    place.parse("refusal", &row.refusal)?,
                    place.number("refusal", row.starts)?,
                ))
            })
            .collect()
    }

    /// How whole what is told of a span of time is. It looks at each of the span's runs.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn wholeness(&self, span: Span) -> Result<Wholeness, LedgerError> {
        const OPERATION: &str = "reading how whole a span of time is";
        let mut reader = self.reader().await?;
        let row = sqlx::query!(
            r#"SELECT
                coalesce(sum(outcome IS NULL), 0) AS "unjudged!: i64",
                coalesce(sum(seated_synchronised = 0), 0) AS "unsynchronised!: i64",
                max(ended) AS "ended: i64",
                -- Of the row in which the largest is.
                ended_synchronised AS "ended_synchronised: i64"
            FROM run
            WHERE seated >= ?1
                AND seated < ?2"#,
            span.from,
            span.until
        )
        .fetch_one(&mut reader.connection)
        .await
        .map_err(|error| LedgerError::sqlx(&self.path, OPERATION, error))?;
        reader.close(&self.path, OPERATION).await?;
        let place = Place {
            path: &self.path,
            table: "run",
            row: 0,
        };
        Ok(Wholeness {
            unjudged: place.number("outcome", row.unjudged)?,
            unsynchronised: place.number("seated_synchronised", row.unsynchronised)?,
            last: row
                .ended
                .zip(row.ended_synchronised)
                .map(|(ended, synchronised)| decode::wall(ended, synchronised)),
        })
    }
}
