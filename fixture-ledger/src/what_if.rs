//! What was measured of past units, to be weighed against other limits before anyone sets them.

use fixture_link::identity::{LaneId, RunId, Serial, WallTime};
use fixture_link::verdict::VerdictCode;

use crate::decode::{self, Place};
use crate::error::LedgerError;
use crate::record::Measurement;
use crate::report::Reports;
use crate::yields::Span;

/// The most runs that one report looks at: the latest of what was asked about.
pub const MEASURED_LIMIT: u32 = 5000;

/// A run whose LED was measured, and whose verdict its limits decide: it passed, or failed for its LED alone.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredRun {
    /// The run.
    pub run: RunId,
    /// The unit, where it had a serial.
    pub serial: Option<Serial>,
    /// When it was seated.
    pub seated: WallTime,
    /// `ok` or `led-out-of-limits`.
    pub code: VerdictCode,
    /// On a simulated jig: everything says SIMULATED.
    pub simulated: bool,
    /// What was measured, by quantity.
    pub measurements: Vec<Measurement>,
}

impl Reports {
    /// The latest runs for production of a span of time, on one lane or all, of one lot or all, whose verdict other limits of the LED would decide;
    /// at most [`MEASURED_LIMIT`], the latest first.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn measured(
        &self,
        span: Span,
        lane: Option<LaneId>,
        lot: Option<&str>,
    ) -> Result<Vec<MeasuredRun>, LedgerError> {
        const OPERATION: &str = "reading what was measured";
        let failed = |error| LedgerError::sqlx(&self.path, OPERATION, error);
        let lane = lane.map(LaneId::number);
        let mut reader = self.reader().await?;
        let runs = sqlx::query!(
            r#"SELECT
                run.number,
                run.id,
                run.serial,
                run.seated,
                run.seated_synchronised,
                run.code AS "code!",
                setup.simulated AS "simulated: bool"
            FROM run
            JOIN setup ON setup.number = run.setup
            WHERE run.seated >= ?1
                AND run.seated < ?2
                AND run.code IN ('ok', 'led-out-of-limits')
                AND run.purpose = 'production'
                AND (?3 IS NULL OR run.lane = ?3)
                AND (?4 IS NULL OR run.lot = ?4)
            ORDER BY run.seated DESC
            LIMIT ?5"#,
            span.from,
            span.until,
            lane,
            lot,
            MEASURED_LIMIT
        )
        .fetch_all(&mut reader.connection)
        .await
        .map_err(failed)?;
        let place = Place {
            path: &self.path,
            table: "run",
            row: 0,
        };
        let numbers: Vec<i64> = runs.iter().map(|run| run.number).collect();
        let measurements = self.measurements_of_runs(&mut reader.connection, &numbers).await?;
        reader.close(&self.path, OPERATION).await?;
        let mut measured: Vec<MeasuredRun> = runs
            .into_iter()
            .map(|run| {
                let place = Place {
                    row: run.number,
                    ..place
                };
                Ok(MeasuredRun {
                    run: place.run_id("id", &run.id)?,
                    serial: run.serial.map(|serial| place.serial("serial", &serial)).transpose()?,
                    seated: decode::wall(run.seated, run.seated_synchronised),
                    code: place.parse("code", &run.code)?,
                    simulated: run.simulated,
                    measurements: Vec::new(),
                })
            })
            .collect::<Result<_, LedgerError>>()?;
        for (at, measurement) in measurements {
            if let Some(run) = measured.get_mut(at) {
                run.measurements.push(measurement);
            }
        }
        Ok(of_the_led(measured))
    }
}

/// The runs whose LED was measured.
fn of_the_led(mut measured: Vec<MeasuredRun>) -> Vec<MeasuredRun> {
    measured.retain(|run| {
        run.measurements
            .iter()
            .any(|measurement| measurement.what.is_of_the_led())
    });
    measured
}
