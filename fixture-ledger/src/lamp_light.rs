//! How much of a lane's lamp loop-back saw, over weeks.

use fixture_link::identity::LaneId;

use crate::error::LedgerError;
use crate::report::Reports;

/// A lane's lamp as loop-back saw it in the attempts of some time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LampLight {
    /// When that time began, microseconds UTC since 1970; a whole number of spans.
    pub from: i64,
    /// Mean clear counts of full light above dark, whatever level the attempts were sent with.
    pub light: f64,
    /// How many attempts loop-back saw.
    pub attempts: u32,
}

impl Reports {
    /// A lane's lamp since `since` (microseconds UTC since 1970), taken together over spans of `span` microseconds, oldest first. Spans without an
    /// attempt that loop-back saw are left out. Attempts count where their run was seated.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn lamp_light(&self, lane: LaneId, since: i64, span: i64) -> Result<Vec<LampLight>, LedgerError> {
        const OPERATION: &str = "reading the lamp's light";
        let span = span.max(1);
        let number = lane.number();
        let mut reader = self.reader().await?;
        let rows = sqlx::query!(
            r#"SELECT
                run.seated / ?3 AS "span!: i64",
                avg(attempt.loop_bright * 1000.0 / attempt.level_permille) AS "light!: f64",
                count(*) AS "attempts!: u32"
            FROM run
            JOIN attempt ON attempt.id BETWEEN run.number * 1000000 AND run.number * 1000000 + 999999
            WHERE run.lane = ?1
                AND run.seated >= ?2
                AND attempt.loop_bright IS NOT NULL
                AND attempt.level_permille > 0
            GROUP BY 1
            ORDER BY 1"#,
            number,
            since,
            span
        )
        .fetch_all(&mut reader.connection)
        .await
        .map_err(|error| LedgerError::sqlx(&self.path, OPERATION, error))?;
        reader.close(&self.path, OPERATION).await?;
        Ok(rows
            .into_iter()
            .map(|row| LampLight {
                from: row.span * span,
                light: row.light,
                attempts: row.attempts,
            })
            .collect())
    }
}
