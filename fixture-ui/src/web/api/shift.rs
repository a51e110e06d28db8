//! A shift's report as it is answered.

use fixture_ledger::evaluation::Standing;
use fixture_ledger::yields::{Counted, Span};
use fixture_link::identity::LaneId;

use super::answers::{Moment, OneFailure, OneYield, failures_of, one_yield};
use super::study::StudyStanding;
use crate::web::Sources;
use crate::web::export::instant;
use crate::web::oee::Oee;
use crate::web::shift_report::Report;
use serde::Serialize;

/// `GET /api/v1/shift-report`
#[derive(Debug, Serialize)]
pub struct ShiftReport {
    fixture: String,
    day: String,
    shift: String,
    zone: String,
    from: String,
    until: String,
    progress: &'static str,
    read: String,
    last_verdict: Option<Moment>,
    unjudged: u64,
    unsynchronised: u64,
    total: OneYield,
    lanes: Vec<OneYield>,
    failures: Vec<OneFailure>,
    refusals: Vec<Refused>,
    stops: Vec<Stopped>,
    effectiveness: Effectiveness,
    cycle: Cycle,
    changes: Vec<Changed>,
    met: Vec<MetTogether>,
    last_seal: Option<Sealed>,
    study: StudyStanding,
}

/// Starts that were refused for the same reason.
#[derive(Debug, Serialize)]
struct Refused {
    refusal: &'static str,
    starts: u64,
}

/// A stop of the line, as far as it lies in the shift.
#[derive(Debug, Serialize)]
struct Stopped {
    from: String,
    until: String,
    lasts: bool,
    reason: &'static str,
    planned: bool,
    cause: String,
    lane: Option<u8>,
}

/// Overall equipment effectiveness.
#[derive(Debug, Serialize)]
struct Effectiveness {
    planned_s: f64,
    able_s: f64,
    availability: Option<f64>,
    performance: Option<f64>,
    quality: Option<f64>,
    oee: Option<f64>,
}

impl Effectiveness {
    fn of(oee: &Oee) -> Self {
        Self {
            planned_s: oee.planned.as_secs_f64(),
            able_s: oee.able.as_secs_f64(),
            availability: oee.availability,
            performance: oee.performance,
            quality: oee.quality,
            oee: oee.whole(),
        }
    }
}

/// From seated to the verdict, of the latest units that passed.
#[derive(Debug, Serialize)]
struct Cycle {
    units: usize,
    median_s: Option<f64>,
    p95_s: Option<f64>,
    longest_s: Option<f64>,
    takt_s: Option<f64>,
}

/// Something of the fixture became another.
#[derive(Debug, Serialize)]
struct Changed {
    at: Moment,
    kind: &'static str,
    detail: String,
}

/// What runs had in common.
#[derive(Debug, Serialize)]
struct MetTogether {
    fixture: String,
    software: String,
    recipe: String,
    recipe_version: String,
    pass_rule: String,
    simulated: bool,
    lot: String,
    work_order: String,
    operator: String,
    purpose: &'static str,
    runs: u64,
}

/// The last verdict of the ledger and its seal.
#[derive(Debug, Serialize)]
struct Sealed {
    verdict: i64,
    seal: String,
}

impl ShiftReport {
    /// What was read.
    pub fn of(sources: &Sources, report: Report, study: &Standing) -> Self {
        let span = Span {
            from: report.shift.from,
            until: report.shift.until,
        };
        let at = |percent| report.pace.cycle.percentile(percent).map(|time| time.as_secs_f64());
        let lane = |counted: &Counted| one_yield(span, counted.of.clone(), &counted.tally);
        Self {
            fixture: sources.fixture.clone(),
            day: report.shift.date.to_string(),
            zone: sources.shifts.zone().iana_name().unwrap_or("").to_owned(),
            from: instant(span.from),
            until: instant(span.until),
            progress: report.progress.as_str(),
            read: instant(report.now),
            last_verdict: report.wholeness.last.map(Moment::from),
            unjudged: report.wholeness.unjudged,
            unsynchronised: report.wholeness.unsynchronised,
            total: one_yield(span, String::new(), &report.total),
            lanes: report.lanes.iter().map(lane).collect(),
            failures: failures_of(&report.total),
            refusals: report
                .refused
                .iter()
                .map(|(refusal, starts)| Refused {
                    refusal: refusal.as_str(),
                    starts: *starts,
                })
                .collect(),
            stops: report
                .stops
                .iter()
                .map(|stop| Stopped {
                    from: instant(stop.from),
                    until: instant(stop.until),
                    lasts: stop.lasts,
                    reason: stop.reason.as_str(),
                    planned: stop.reason.is_planned(),
                    cause: stop.cause.clone(),
                    lane: stop.lane.map(LaneId::number),
                })
                .collect(),
            effectiveness: Effectiveness::of(&report.oee),
            cycle: Cycle {
                units: report.pace.cycle.sorted().len(),
                median_s: at(50),
                p95_s: at(95),
                longest_s: at(100),
                takt_s: report.takt.map(|takt| takt.as_secs_f64()),
            },
            changes: report
                .changes
                .into_iter()
                .map(|change| Changed {
                    at: change.at.into(),
                    kind: change.kind.as_str(),
                    detail: change.detail,
                })
                .collect(),
            met: report
                .met
                .into_iter()
                .map(|met| MetTogether {
                    fixture: met.setup.fixture,
                    software: met.setup.software,
                    recipe: met.setup.recipe,
                    recipe_version: met.setup.recipe_version,
                    pass_rule: met.setup.pass_rule,
                    simulated: met.setup.simulated,
                    lot: met.lot,
                    work_order: met.work_order,
                    operator: met.operator,
                    purpose: met.purpose.as_str(),
                    runs: met.runs,
                })
                .collect(),
            last_seal: report.seal.map(|(verdict, seal)| Sealed {
                verdict,
                seal: seal.to_string(),
            }),
            study: StudyStanding::of(sources, study),
            shift: report.shift.name,
        }
    }
}
