//! How well what is measured of units keeps within the recipe's limits.

use fixture_link::identity::LaneId;

use crate::decode::Place;
use crate::error::LedgerError;
use crate::record::{Quantity, Scale};
use crate::report::Reports;
use crate::statistics::{Capability, capability};
use crate::yields::Span;

/// The most units of a lane that are looked at: the latest of what was asked about.
pub const CAPABILITY_LIMIT: u32 = 500;

/// How well a quantity keeps within its limits, of units in their first run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kept {
    /// What was measured.
    pub what: Quantity,
    /// In which scale.
    pub scale: Scale,
    /// The least that is allowed now.
    pub least: f64,
    /// The most.
    pub most: f64,
    /// How many units were measured against these limits.
    pub units: u32,
    /// How many of those that were looked at were measured against others, in another scale or without limits.
    pub others: u32,
    /// What is told of them; `None` of less than two, or where all are the same.
    pub capability: Option<Capability>,
}

impl Reports {
    /// How well the LEDs' strength and green share of a lane's units keep within the limits of the newest of them: of at most
    /// [`CAPABILITY_LIMIT`] units that were seated in a span of time, in their first run that counts. What has no limits is left out.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn kept_within_limits(&self, span: Span, lane: LaneId) -> Result<Vec<Kept>, LedgerError> {
        const OPERATION: &str = "reading how measurements keep within limits";
        let lane = lane.number();
        let mut reader = self.reader().await?;
        let rows = sqlx::query!(
            r#"SELECT
                latest.number AS "number!: i64",
                measurement.what AS "what!",
                measurement.scale AS "scale!",
                measurement.value AS "value!: f64",
                measurement.least AS "least: f64",
                measurement.most AS "most: f64"
            FROM (
                SELECT number, seated
                FROM run
                WHERE lane = ?1
                    AND seated >= ?2
                    AND seated < ?3
                    AND ordinal = 1
                ORDER BY seated DESC
                LIMIT ?4
            ) AS latest
            CROSS JOIN measurement ON measurement.id BETWEEN latest.number * 1000000 AND latest.number * 1000000 + 999999
            WHERE measurement.what IN ('led-strength', 'green-share')
            ORDER BY latest.seated DESC, latest.number DESC"#,
            lane,
            span.from,
            span.until,
            CAPABILITY_LIMIT
        )
        .fetch_all(&mut reader.connection)
        .await
        .map_err(|error| LedgerError::sqlx(&self.path, OPERATION, error))?;
        reader.close(&self.path, OPERATION).await?;
        let mut kept: Vec<(Kept, Vec<f64>)> = Vec::new();
        // The newest of each quantity that has limits tells which.
        for row in &rows {
            let place = Place {
                path: &self.path,
                table: "measurement",
                row: row.number,
            };
            let (what, scale) = (place.parse("what", &row.what)?, place.parse("scale", &row.scale)?);
            if !kept.iter().any(|(kept, _)| kept.what == what)
                && let (Some(least), Some(most)) = (row.least, row.most)
            {
                let first = Kept {
                    what,
                    scale,
                    least,
                    most,
                    units: 0,
                    others: 0,
                    capability: None,
                };
                kept.push((first, Vec::new()));
            }
        }
        for row in &rows {
            let place = Place {
                path: &self.path,
                table: "measurement",
                row: row.number,
            };
            let (what, scale): (Quantity, Scale) = (place.parse("what", &row.what)?, place.parse("scale", &row.scale)?);
            let Some((kept, values)) = kept.iter_mut().find(|(kept, _)| kept.what == what) else {
                continue;
            };
            if (kept.scale, Some(kept.least), Some(kept.most)) == (scale, row.least, row.most) {
                values.push(row.value);
                kept.units += 1;
            } else {
                kept.others += 1;
            }
        }
        kept.sort_by_key(|(kept, _)| kept.what);
        Ok(kept
            .into_iter()
            .map(|(kept, values)| Kept {
                capability: capability(&values, kept.least, kept.most),
                ..kept
            })
            .collect())
    }
}
