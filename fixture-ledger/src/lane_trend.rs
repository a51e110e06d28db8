//! What becomes of a lane over weeks: its lamp, how late its symbols were, and how bright the units' LEDs were that it saw.

use core::fmt::Write as _;
use core::time::Duration;

use fixture_link::identity::LaneId;

use crate::decode::Place;
use crate::error::LedgerError;
use crate::report::Reports;
use crate::yields::Span;

/// The most runs of each span that are looked at: the latest.
pub const SAMPLE: u32 = 25;

/// A lane in a span of time, as some of its runs tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LaneTrend {
    /// The span's place among those that were asked for.
    pub span: usize,
    /// How many runs were looked at.
    pub runs: u32,
    /// Mean clear counts of full light above dark, whatever level was sent; `None` where loop-back saw none.
    pub lamp: Option<f64>,
    /// How late the latest symbol of all was.
    pub latest: Option<Duration>,
    /// Mean strength of the units' LEDs, as a share of the reference unit's; `None` where none was measured so.
    pub led: Option<f64>,
    /// Mean clear counts of the empty nest before the units; `None` where none was measured.
    pub ambient: Option<f64>,
    /// Mean of how much those varied, in counts.
    pub noise: Option<f64>,
    /// The least of what they may be.
    pub ambient_limit: Option<f64>,
    /// Runs with samples that were lost.
    pub lossy: u32,
}

/// A lane's lamp as commissioning left it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LampLimit {
    /// The lane.
    pub lane: LaneId,
    /// Clear counts of full light above dark.
    pub full: f32,
    /// Less than this is too weak.
    pub least: f32,
}

impl LampLimit {
    /// What lanes' lamps are, as the detail of a [`Change`](crate::pace::Change) of the calibration says it.
    pub fn text(limits: &[Self]) -> String {
        let mut text = String::new();
        for limit in limits {
            let comma = if text.is_empty() { "" } else { "; " };
            // Writing to a String cannot fail.
            let _written = write!(
                text,
                "{comma}lane {}: lamp {:.1}, weak below {:.1}",
                limit.lane, limit.full, limit.least
            );
        }
        text
    }

    /// The lamps that such a detail tells of; what else it says is passed over.
    pub fn told(detail: &str) -> Vec<Self> {
        detail
            .split(';')
            .filter_map(|part| {
                let (lane, rest) = part.trim().strip_prefix("lane ")?.split_once(": lamp ")?;
                let (full, least) = rest.split_once(", weak below ")?;
                Some(Self {
                    lane: LaneId::new(lane.parse().ok()?).ok()?,
                    full: full.parse().ok()?,
                    least: least.parse().ok()?,
                })
            })
            .collect()
    }
}

impl Reports {
    /// A lane in each of some spans, as the latest [`SAMPLE`] runs of each tell; spans without a run are left out.
    ///
    /// # Errors
    /// The ledger could not be read; or there are more than [`SPAN_LIMIT`](crate::yields::SPAN_LIMIT) spans.
    pub async fn lane_trend(&self, lane: LaneId, spans: &[Span]) -> Result<Vec<LaneTrend>, LedgerError> {
        const OPERATION: &str = "reading what became of a lane";
        let edges = self.edges(OPERATION, spans, 1)?;
        let number = lane.number();
        let mut reader = self.reader().await?;
        let rows = sqlx::query!(
            r#"SELECT
                CAST(edge.key AS INTEGER) AS "span!: i64",
                count(*) AS "runs!: i64",
                avg((
                    SELECT avg(attempt.loop_bright * 1000.0 / attempt.level_permille)
                    FROM attempt
                    WHERE attempt.id BETWEEN run.number * 1000000 AND run.number * 1000000 + 999999
                        AND attempt.loop_bright IS NOT NULL
                        AND attempt.level_permille > 0
                )) AS "lamp: f64",
                max((
                    SELECT max(attempt.latest)
                    FROM attempt
                    WHERE attempt.id BETWEEN run.number * 1000000 AND run.number * 1000000 + 999999
                )) AS "latest: i64",
                avg((
                    SELECT measurement.value
                    FROM measurement
                    WHERE measurement.id BETWEEN run.number * 1000000 AND run.number * 1000000 + 999999
                        AND measurement.what = 'led-strength'
                        AND measurement.scale = 'of-reference'
                )) AS "led: f64",
                avg((
                    SELECT measurement.value
                    FROM measurement
                    WHERE measurement.id BETWEEN run.number * 1000000 AND run.number * 1000000 + 999999
                        AND measurement.what = 'ambient'
                )) AS "ambient: f64",
                avg((
                    SELECT measurement.value
                    FROM measurement
                    WHERE measurement.id BETWEEN run.number * 1000000 AND run.number * 1000000 + 999999
                        AND measurement.what = 'ambient-noise'
                )) AS "noise: f64",
                min((
                    SELECT measurement.most
                    FROM measurement
                    WHERE measurement.id BETWEEN run.number * 1000000 AND run.number * 1000000 + 999999
                        AND measurement.what = 'ambient'
                )) AS "ambient_limit: f64",
                sum(run.samples_lost > 0) AS "lossy!: i64"
            FROM json_each(?1) AS edge
            CROSS JOIN run ON run.number IN (
                SELECT latest.number
                FROM run AS latest
                WHERE latest.lane = ?2
                    AND latest.seated >= edge.value ->> 0
                    AND latest.seated < edge.value ->> 1
                    AND latest.outcome IS NOT NULL
                ORDER BY latest.seated DESC
                LIMIT ?3
            )
            GROUP BY 1
            ORDER BY 1"#,
            edges,
            number,
            SAMPLE
        )
        .fetch_all(&mut reader.connection)
        .await
        .map_err(|error| LedgerError::sqlx(&self.path, OPERATION, error))?;
        reader.close(&self.path, OPERATION).await?;
        let place = Place {
            path: &self.path,
            table: "run",
            row: 0,
        };
        rows.into_iter()
            .map(|row| {
                Ok(LaneTrend {
                    span: place.number("span", row.span)?,
                    runs: place.number("runs", row.runs)?,
                    lamp: row.lamp,
                    latest: row.latest.map(|latest| place.duration("latest", latest)).transpose()?,
                    led: row.led,
                    ambient: row.ambient,
                    noise: row.noise,
                    ambient_limit: row.ambient_limit,
                    lossy: place.number("samples_lost", row.lossy)?,
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_commissioning_left_is_read_back_from_what_it_is_told_as() {
        let limits: Vec<LampLimit> = LaneId::first(2)
            .map(|lane| LampLimit {
                lane,
                full: 2400.5,
                least: 1440.25,
            })
            .collect();
        let text = LampLimit::text(&limits);
        assert_eq!(
            text,
            "lane 1: lamp 2400.5, weak below 1440.2; lane 2: lamp 2400.5, weak below 1440.2"
        );
        let told = LampLimit::told(&format!("sealed 2026-01-01; {text}; lane 9: lamp 1, weak below 1"));
        assert_eq!(told.len(), 2);
        assert_eq!((told[1].lane, told[1].full), (limits[1].lane, 2400.5));
        assert_eq!(LampLimit::told("lanes 1 to 4 of 2024-01-08"), []);
    }
}
