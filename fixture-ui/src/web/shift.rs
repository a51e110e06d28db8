//! This shift in figures, for the overview: counted once in a while for everybody who looks.

use core::time::Duration;
use std::sync::Arc;

use blinkup::Tick;
use fixture_ledger::LedgerError;
use fixture_ledger::report::Reports;
use fixture_ledger::yields::{Scope, Span};
use fixture_link::settings::{ShiftTime, Shifts};
use fixture_link::verdict::Outcome;
use tokio::sync::Mutex;

use super::Sources;
use super::list::clock_time;
use super::shift_report;
use super::yields::{interval, value};

/// So long figures are shown before they are counted again.
const FRESH: Duration = Duration::from_secs(2);

/// This shift, in words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShiftWords {
    /// Which shift.
    pub name: String,
    /// Units that passed.
    pub passed: u64,
    /// Units that failed in their latest run.
    pub failed: u64,
    /// Runs that say nothing about a unit.
    pub errors: u64,
    /// First-pass yield.
    pub first: String,
    /// How sure that is.
    pub interval: String,
    /// Against the takt; empty without one.
    pub pace: String,
    /// Where the figures could not be had, why.
    pub missing: String,
    /// The address of its yields.
    pub link: String,
    /// The address of its report.
    pub report: String,
}

/// Figures and when they were counted.
#[derive(Debug, Clone, Default)]
pub struct Cached(Arc<Mutex<Option<Counted>>>);

#[derive(Debug, Clone)]
struct Counted {
    at: Tick,
    words: Arc<ShiftWords>,
}

impl Cached {
    /// This shift's figures, at most two seconds old.
    pub async fn now(&self, sources: &Sources) -> Arc<ShiftWords> {
        let now = sources.clock.now();
        let mut cached = self.0.lock().await;
        if let Some(counted) = cached.as_ref()
            && now.since(counted.at) < FRESH
        {
            return Arc::clone(&counted.words);
        }
        let words = Arc::new(counted(sources).await.unwrap_or_else(|error| ShiftWords {
            missing: format!("This shift cannot be counted: {error}"),
            ..ShiftWords::default()
        }));
        *cached = Some(Counted {
            at: now,
            words: Arc::clone(&words),
        });
        words
    }
}

async fn counted(sources: &Sources) -> Result<ShiftWords, LedgerError> {
    let now = sources.clock.wall().as_microsecond();
    let Some(shift) = sources.shifts.at(now) else {
        return Ok(ShiftWords {
            missing: "No shift is planned now.".to_owned(),
            report: shift_report::PATH.to_owned(),
            ..ShiftWords::default()
        });
    };
    let span = Span {
        from: shift.from,
        until: shift.until,
    };
    let reports = Reports::open(&sources.ledger).await?;
    let tally = reports.tally(span, &Scope::default()).await?;
    let stops = reports.standstills(span, now).await?;
    let stood: i64 = stops
        .iter()
        .filter(|stop| stop.reason.is_planned())
        .map(|stop| stop.until - stop.from)
        .sum();
    let finished = tally.with(Outcome::Pass) + tally.with(Outcome::Fail);
    Ok(ShiftWords {
        name: name(sources, &shift),
        passed: tally.last.passed,
        failed: tally.last.total - tally.last.passed,
        errors: tally.with(Outcome::Error) + tally.with(Outcome::Undecided),
        first: value(tally.first),
        interval: interval(tally.first),
        pace: pace(&sources.shifts, now - shift.from - stood, finished),
        missing: String::new(),
        link: format!("/yield?from={0}&to={0}&per=hour", shift.date),
        report: shift_report::address(&shift),
    })
}

fn name(sources: &Sources, shift: &ShiftTime) -> String {
    format!(
        "{}, {} to {}",
        shift.name,
        clock_time(sources, shift.from),
        clock_time(sources, shift.until)
    )
}

/// Units that were finished against those that the takt asks for by now.
fn pace(shifts: &Shifts, micros: i64, finished: u64) -> String {
    let Some(takt) = shifts.takt() else {
        return String::new();
    };
    let takt_micros = u64::try_from(takt.as_micros()).unwrap_or(u64::MAX).max(1);
    let asked = u64::try_from(micros).unwrap_or(0) / takt_micros;
    let takt = takt.as_secs_f64();
    match finished.checked_sub(asked) {
        Some(0) => format!("{finished} units finished: as the takt of {takt} s asks"),
        Some(ahead) => format!("{finished} units finished: {ahead} ahead of the takt of {takt} s"),
        None => format!(
            "{finished} units finished: {} behind the takt of {takt} s",
            asked - finished
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use fixture_link::settings::Settings;

    use super::*;

    #[test]
    fn the_pace_is_told_against_the_takt() {
        let text = "recipe = \"r\"\n[fixture]\nid = \"a\"\nname = \"a\"\nledger = \"l\"\nsocket = \"s\"\n[shifts]\ntakt = \"15s\"\n";
        let shifts = Settings::parse(Path::new("fixture.toml"), text).unwrap().shifts;
        let hour = 3_600_000_000;
        assert_eq!(pace(&shifts, hour, 240), "240 units finished: as the takt of 15 s asks");
        assert_eq!(
            pace(&shifts, hour, 250),
            "250 units finished: 10 ahead of the takt of 15 s"
        );
        assert_eq!(
            pace(&shifts, hour, 228),
            "228 units finished: 12 behind the takt of 15 s"
        );
        assert_eq!(pace(&Shifts::default(), hour, 228), "");
        assert_eq!(pace(&shifts, -hour, 0), "0 units finished: as the takt of 15 s asks");
    }
}
