//! How long units take, why the line stood still, and what became another when.

use core::time::Duration;

use fixture_link::act::StopReason;
use fixture_link::identity::{LaneId, WallTime};
use fixture_link::snapshot::Stage;

use crate::decode::{self, Place};
use crate::error::LedgerError;
use crate::record::ChangeKind;
use crate::report::{Reports, stage_of};
use crate::yields::Span;

/// The most runs whose times one report looks at: the latest of what was asked about.
pub const PACE_LIMIT: u32 = 2000;

/// Times of runs, from the shortest to the longest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Times(Vec<Duration>);

impl Times {
    /// Times in any order.
    pub fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// The times, the shortest first.
    pub fn sorted(&self) -> &[Duration] {
        &self.0
    }

    /// The time that so many percent of the runs do not exceed (the nearest rank); `None` of none.
    pub fn percentile(&self, percent: usize) -> Option<Duration> {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0.get(rank - 1).copied()
    }
}

/// How long passed units took.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pace {
    /// From seated to the verdict, of at most [`PACE_LIMIT`] runs, the latest.
    pub cycle: Times,
    /// From seated until each stage was reached, by those of them that were seen in it, in the order of the way.
    pub stages: Vec<(Stage, Times)>,
}

/// A stop of the line, as far as it lies in a span of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standstill {
    /// From when, microseconds since 1970 UTC; not before the span.
    pub from: i64,
    /// Until when; not after the span.
    pub until: i64,
    /// Whether it still lasts.
    pub lasts: bool,
    /// Why, in one word.
    pub reason: StopReason,
    /// Why, in all of them.
    pub cause: String,
    /// The lane that it was seen on, where it was one.
    pub lane: Option<LaneId>,
}

/// Something of the fixture became another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// When.
    pub at: WallTime,
    /// What.
    pub kind: ChangeKind,
    /// What it is since.
    pub detail: String,
}

impl Reports {
    /// How long the latest units took that passed and were seated in a span of time, on one lane or all.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn pace(&self, span: Span, lane: Option<LaneId>) -> Result<Pace, LedgerError> {
        const OPERATION: &str = "reading how long units took";
        let failed = |error| LedgerError::sqlx(&self.path, OPERATION, error);
        let lane = lane.map(LaneId::number);
        let mut reader = self.reader().await?;
        let runs = sqlx::query!(
            r#"SELECT number, took AS "took!"
            FROM run
            WHERE seated >= ?1
                AND seated < ?2
                AND outcome = 'PASS'
                AND purpose = 'production'
                AND (?3 IS NULL OR lane = ?3)
            ORDER BY seated DESC
            LIMIT ?4"#,
            span.from,
            span.until,
            lane,
            PACE_LIMIT
        )
        .fetch_all(&mut reader.connection)
        .await
        .map_err(failed)?;
        let place = Place {
            path: &self.path,
            table: "run",
            row: 0,
        };
        let mut cycle = Vec::with_capacity(runs.len());
        let mut numbers = Vec::with_capacity(runs.len());
        for run in &runs {
            cycle.push(place.duration("took", run.took)?);
            numbers.push(run.number);
        }
        let numbers = serde_json::to_string(&numbers).map_err(|error| place.nonsense("number", error))?;
        let reached = sqlx::query!(
            r#"SELECT evidence.run AS "run!: i64", evidence.at, evidence.detail
            FROM json_each(?1) AS wanted
            CROSS JOIN evidence ON evidence.id BETWEEN wanted.value * 1000000 AND wanted.value * 1000000 + 999999
            WHERE evidence.kind = 'stage'"#,
            numbers
        )
        .fetch_all(&mut reader.connection)
        .await
        .map_err(failed)?;
        reader.close(&self.path, OPERATION).await?;
        let mut stages: Vec<(Stage, Vec<Duration>)> = Stage::ALL.into_iter().map(|stage| (stage, Vec::new())).collect();
        for row in reached {
            let place = Place {
                path: &self.path,
                table: "evidence",
                row: row.run,
            };
            // A restart is noted among the stages, and is none.
            let Ok(stage) = stage_of(place, &row.detail) else {
                continue;
            };
            let at = place.duration("at", row.at)?;
            if let Some((_, times)) = stages.iter_mut().find(|(of, _)| *of == stage) {
                times.push(at);
            }
        }
        Ok(Pace {
            cycle: Times::of(cycle),
            stages: stages
                .into_iter()
                .filter(|(_, times)| !times.is_empty())
                .map(|(stage, times)| (stage, Times::of(times)))
                .collect(),
        })
    }

    /// The stops of the line that touch a span of time, the oldest first; what still lasts reaches until `now`.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn standstills(&self, span: Span, now: i64) -> Result<Vec<Standstill>, LedgerError> {
        const OPERATION: &str = "reading stops of the line";
        let mut reader = self.reader().await?;
        let rows = sqlx::query!(
            "SELECT number, since, ended, reason, cause, lane
            FROM line_stop
            WHERE since < ?2
                AND coalesce(ended, ?3) > ?1
            ORDER BY since",
            span.from,
            span.until,
            now
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
                let from = row.since.max(span.from);
                Ok(Standstill {
                    from,
                    until: row.ended.unwrap_or(now).min(span.until).max(from),
                    lasts: row.ended.is_none(),
                    reason: place.parse("reason", &row.reason)?,
                    cause: row.cause,
                    lane: row.lane.map(|lane| place.lane("lane", lane)).transpose()?,
                })
            })
            .collect()
    }

    /// What became another in a span of time, the oldest first, at most `limit` of the latest.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn changes(&self, span: Span, limit: u32) -> Result<Vec<Change>, LedgerError> {
        const OPERATION: &str = "reading changes of the fixture";
        let mut reader = self.reader().await?;
        let rows = sqlx::query!(
            "SELECT number, at, at_synchronised, kind, detail
            FROM change
            WHERE at >= ?1
                AND at < ?2
            ORDER BY number DESC
            LIMIT ?3",
            span.from,
            span.until,
            limit
        )
        .fetch_all(&mut reader.connection)
        .await
        .map_err(|error| LedgerError::sqlx(&self.path, OPERATION, error))?;
        reader.close(&self.path, OPERATION).await?;
        rows.into_iter()
            .rev()
            .map(|row| {
                let place = Place {
                    path: &self.path,
                    table: "change",
                    row: row.number,
                };
                Ok(Change {
                    at: decode::wall(row.at, row.at_synchronised),
                    kind: place.parse("kind", &row.kind)?,
                    detail: row.detail,
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_time_that_was_taken() {
        let times = Times::of((1..=10).rev().map(Duration::from_secs).collect());
        assert_eq!(times.percentile(50), Some(Duration::from_secs(5)));
        assert_eq!(times.percentile(95), Some(Duration::from_secs(10)));
        assert_eq!(times.percentile(0), Some(Duration::from_secs(1)));
        assert_eq!(times.percentile(100), Some(Duration::from_secs(10)));
        assert_eq!(Times::default().percentile(50), None);
    }
}
