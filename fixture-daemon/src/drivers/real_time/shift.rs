//! What this shift has made so far, for the screen at the line: counted from the ledger whenever something was committed, so that it says
//! what reports say.

use core::time::Duration;
use std::path::PathBuf;
use std::sync::Arc;

use fixture_ledger::LedgerError;
use fixture_ledger::report::Reports;
use fixture_ledger::yields::{Scope, Span};
use fixture_link::settings::Shifts;
use fixture_link::snapshot::ShiftView;
use fixture_link::verdict::Outcome;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::clock::wall;

/// How soon after a commit is counted: what several lanes finish at once is counted once.
const SOON: Duration = Duration::from_millis(500);

/// How long a count stands without a commit: shifts change, and a planned stop goes on.
const AT_LEAST_EVERY: Duration = Duration::from_secs(15);

/// The newest count, for whoever makes snapshots.
#[derive(Debug, Clone)]
pub struct Tally {
    counted: watch::Receiver<Option<Counted>>,
    committed: Arc<Notify>,
    takt: Option<Duration>,
}

/// A shift as it was counted.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Counted {
    view: ShiftView,
    /// Its first instant and the first after it, microseconds since 1970 UTC.
    from: i64,
    until: i64,
    /// Microseconds of it in which the line stood as planned.
    stood: i64,
}

/// Counts shifts.
pub struct Counter {
    ledger: PathBuf,
    shifts: Shifts,
    counted: watch::Sender<Option<Counted>>,
    committed: Arc<Notify>,
}

/// A counter, and where its counts are read.
pub fn counting(ledger: PathBuf, shifts: Shifts) -> (Counter, Tally) {
    let (sender, newest) = watch::channel(None);
    let committed = Arc::new(Notify::new());
    let tally = Tally {
        counted: newest,
        committed: Arc::clone(&committed),
        takt: shifts.takt(),
    };
    let counter = Counter {
        ledger,
        shifts,
        counted: sender,
        committed,
    };
    (counter, tally)
}

impl Tally {
    /// A verdict was committed.
    pub fn committed(&self) {
        self.committed.notify_one();
    }

    /// The shift at an instant, microseconds since 1970 UTC; `None` where none was counted, or it is over.
    pub fn view(&self, now: i64) -> Option<ShiftView> {
        let counted = self.counted.borrow();
        let counted = counted.as_ref()?;
        (counted.from..counted.until).contains(&now).then(|| ShiftView {
            wanted: self.takt.map(|takt| wanted(takt, now - counted.from - counted.stood)),
            ..counted.view.clone()
        })
    }
}

/// Units that a takt asks for in so many microseconds.
fn wanted(takt: Duration, micros: i64) -> u32 {
    let worked = u128::try_from(micros).unwrap_or(0);
    u32::try_from(worked / takt.as_micros().max(1)).unwrap_or(u32::MAX)
}

impl Counter {
    /// Counts until `stop`. A ledger that cannot be read leaves the line without a tally, and is tried again.
    pub async fn count(self, stop: CancellationToken) {
        let mut told = None;
        loop {
            let counted = match self.now().await {
                Ok(counted) => {
                    told = None;
                    counted
                }
                Err(error) => {
                    let error = error.to_string();
                    if told.as_ref() != Some(&error) {
                        tracing::warn!("the shift cannot be counted: {error}");
                        told = Some(error);
                    }
                    None
                }
            };
            self.counted.send_replace(counted);
            let again = async {
                // Whichever comes first.
                let _ = tokio::time::timeout(AT_LEAST_EVERY, self.committed.notified()).await;
                tokio::time::sleep(SOON).await;
            };
            if stop.run_until_cancelled(again).await.is_none() {
                return;
            }
        }
    }

    async fn now(&self) -> Result<Option<Counted>, LedgerError> {
        let now = wall().micros;
        let Some(shift) = self.shifts.at(now) else {
            return Ok(None);
        };
        let span = Span {
            from: shift.from,
            until: shift.until,
        };
        // Opened anew each time, so that no read transaction is held while nothing is asked.
        let reports = Reports::open(&self.ledger).await?;
        let tally = reports.tally(span, &Scope::default()).await?;
        let stops = reports.standstills(span, now).await?;
        let stood = stops.iter().filter(|stop| stop.reason.is_planned());
        let count = |units: u64| u32::try_from(units).unwrap_or(u32::MAX);
        let other = [
            Outcome::Error,
            Outcome::Undecided,
            Outcome::Aborted,
            Outcome::Interrupted,
        ];
        let permille = (1000 * tally.first.passed).checked_div(tally.first.total);
        Ok(Some(Counted {
            view: ShiftView {
                name: shift.name,
                passed: count(tally.last.passed),
                failed: count(tally.last.total - tally.last.passed),
                other: count(other.into_iter().map(|outcome| tally.with(outcome)).sum()),
                first_pass_permille: permille.and_then(|permille| u16::try_from(permille).ok()),
                wanted: None,
            },
            from: shift.from,
            until: shift.until,
            stood: stood.map(|stop| stop.until - stop.from).sum(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use fixture_ledger::record::{Purpose, RunEnd, RunStart, Setup};
    use fixture_ledger::{Durability, Ledger};
    use fixture_link::identity::{LaneId, RunId, Serial};
    use fixture_link::snapshot::Stage;
    use fixture_link::verdict::VerdictCode;

    use super::*;

    #[test]
    fn a_takt_asks_for_a_unit_whenever_it_is_over() {
        let takt = Duration::from_secs(15);
        assert_eq!(wanted(takt, 3_600_000_000), 240);
        assert_eq!(wanted(takt, 14_999_999), 0);
        assert_eq!(wanted(takt, -1), 0);
    }

    fn end(run: RunId, code: VerdictCode) -> RunEnd {
        RunEnd {
            run,
            code,
            detail: String::new(),
            stage: Stage::Seated,
            took: Duration::from_secs(40),
            device_id: None,
            agent_url: None,
            attempts: Vec::new(),
            readings: Vec::new(),
            evidence: Vec::new(),
            measurements: Vec::new(),
            trace: Vec::new(),
            samples_lost: 0,
        }
    }

    #[tokio::test]
    async fn the_tally_is_what_the_ledger_holds_of_this_shift() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let mut ledger = Ledger::create(&path, Durability::Unsynced).await.unwrap();
        let setup = ledger
            .setup(&Setup {
                fixture: "f".to_owned(),
                software: "1".to_owned(),
                recipe: "r".to_owned(),
                recipe_version: "0".repeat(16),
                pass_rule: "blessed".to_owned(),
                simulated: false,
            })
            .await
            .unwrap();
        for (number, serial, code) in [
            (1, "A", VerdictCode::Ok),
            (2, "B", VerdictCode::StuckJoining),
            (3, "B", VerdictCode::Ok),
            (4, "C", VerdictCode::NoLight),
            (5, "D", VerdictCode::LampNotSeen),
        ] {
            let run = RunId(uuid::Uuid::from_u128(number));
            let start = RunStart {
                run,
                lane: LaneId::new(1).unwrap(),
                serial: Some(Serial::new(serial).unwrap()),
                operator: "anna".to_owned(),
                lot: String::new(),
                work_order: String::new(),
                purpose: Purpose::Production,
                seated: wall(),
            };
            ledger.begin_run(setup, &start).await.unwrap();
            ledger.finish_run(&end(run, code), wall()).await.unwrap();
        }
        let (counter, tally) = counting(path, Shifts::days(jiff::tz::TimeZone::UTC));
        assert_eq!(tally.view(wall().micros), None, "nothing was counted yet");
        let newest = counter.now().await.unwrap();
        counter.counted.send_replace(newest);
        let view = tally.view(wall().micros).unwrap();
        assert_eq!((view.passed, view.failed, view.other), (2, 1, 1), "{view:?}");
        assert_eq!(view.first_pass_permille, Some(333));
        assert_eq!(view.wanted, None);
        assert_eq!(
            tally.view(wall().micros + 86_400_000_000),
            None,
            "a day later it is over"
        );
    }
}
