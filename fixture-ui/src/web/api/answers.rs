//! What is answered.

use core::str::FromStr;
use core::time::Duration;

use fixture_ledger::export::class_name;
use fixture_ledger::report::{Page, RunDetail, RunRow, Yield};
use fixture_ledger::statistics::wilson;
use fixture_ledger::yields::{By, Counted, QUARTER, Span, Tally};
use fixture_link::identity::WallTime;
use fixture_link::verdict::{Outcome, VerdictCode};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::web::export::instant;

/// Which spans of time are told of one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Each {
    /// The whole span.
    Span,
    /// Its days, as the fixture's time zone has them.
    Day,
    /// Its hours.
    Hour,
}

impl Each {
    /// The name in addresses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Span => "span",
            Self::Day => "day",
            Self::Hour => "hour",
        }
    }

    /// The spans within another.
    ///
    /// # Errors
    /// It is beyond the calendar.
    pub fn spans(self, span: Span, zone: &TimeZone) -> Result<Vec<Span>, String> {
        let beyond = |_| "from: expected a day of the calendar".to_owned();
        let mut spans = Vec::new();
        let mut from = span.from;
        while from < span.until && spans.len() <= fixture_ledger::yields::SPAN_LIMIT {
            let at = || Timestamp::from_microsecond(from).map(|at| at.to_zoned(zone.clone()));
            let until = match self {
                Self::Span => span.until,
                Self::Day => at()
                    .and_then(|at| at.date().checked_add(1.day())?.to_zoned(zone.clone()))
                    .map_err(beyond)?
                    .timestamp()
                    .as_microsecond(),
                Self::Hour => from + 4 * QUARTER,
            };
            let until = until.min(span.until);
            spans.push(Span { from, until });
            from = until;
        }
        Ok(spans)
    }
}

impl FromStr for Each {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Span, Self::Day, Self::Hour]
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or_else(|| "each: expected span, day or hour".to_owned())
    }
}

/// A share with how sure it is.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the answer's own name")]
pub struct Share {
    passed: u64,
    total: u64,
    share: Option<f64>,
    /// Wilson's 95 % interval.
    low: Option<f64>,
    high: Option<f64>,
}

impl Share {
    fn of(of: Yield) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "counts of runs are far below 2^52")]
        let share = (of.total > 0).then(|| of.passed as f64 / of.total as f64);
        let interval = wilson(of.passed, of.total);
        Self {
            passed: of.passed,
            total: of.total,
            share,
            low: interval.map(|interval| interval.low),
            high: interval.map(|interval| interval.high),
        }
    }
}

/// Yields of one span, and of one lane, lot or what else they are told apart by.
#[derive(Debug, Serialize)]
pub struct OneYield {
    from: String,
    until: String,
    of: String,
    runs: u64,
    set_aside: u64,
    simulated: u64,
    suspected: u64,
    outcomes: Map<String, Value>,
    first_pass: Share,
    second_pass: Share,
    last_pass: Share,
    attempts: Share,
    reached: Stages,
}

/// How many units got so far in their first run that counts.
#[derive(Debug, Serialize)]
struct Stages {
    seated: u64,
    received: u64,
    connected: u64,
    passed: u64,
}

/// `GET /api/v1/yields`
#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the answer's own name")]
pub struct Yields {
    from: String,
    until: String,
    each: &'static str,
    by: &'static str,
    yields: Vec<OneYield>,
}

impl Yields {
    /// What was counted.
    pub fn of(span: Span, each: Each, by: By, spans: &[Span], counted: &[Counted]) -> Self {
        Self {
            from: instant(span.from),
            until: instant(span.until),
            each: each.as_str(),
            by: by.as_str(),
            yields: counted
                .iter()
                .filter_map(|counted| {
                    let span = spans.get(counted.span)?;
                    Some(one_yield(*span, counted.of.clone(), &counted.tally))
                })
                .collect(),
        }
    }
}

/// Words what was counted.
pub fn one_yield(span: Span, of: String, tally: &Tally) -> OneYield {
    let [seated, received, connected, passed] = tally.reached;
    OneYield {
        from: instant(span.from),
        until: instant(span.until),
        of,
        runs: tally.runs,
        set_aside: tally.set_aside,
        simulated: tally.simulated,
        suspected: tally.suspected,
        outcomes: Outcome::ALL
            .into_iter()
            .map(|outcome| (outcome.as_str().to_owned(), tally.with(outcome).into()))
            .collect(),
        first_pass: Share::of(tally.first),
        second_pass: Share::of(tally.second),
        last_pass: Share::of(tally.last),
        attempts: Share::of(tally.attempts),
        reached: Stages {
            seated,
            received,
            connected,
            passed,
        },
    }
}

/// Runs of one code.
#[derive(Debug, Serialize)]
pub struct OneFailure {
    code: &'static str,
    class: &'static str,
    outcome: &'static str,
    title: &'static str,
    runs: u64,
    first: u64,
    suspected: u64,
}

/// The codes of what did not pass, the most frequent first.
pub fn failures_of(tally: &Tally) -> Vec<OneFailure> {
    let mut failures: Vec<OneFailure> = tally
        .codes
        .iter()
        .filter(|(code, _)| **code != VerdictCode::Ok)
        .map(|(code, counted)| OneFailure {
            code: code.as_str(),
            class: class_name(code.class()),
            outcome: code.outcome().as_str(),
            title: code.text().title,
            runs: counted.runs,
            first: counted.first,
            suspected: counted.suspected,
        })
        .collect();
    failures.sort_by(|one, other| other.runs.cmp(&one.runs).then(one.code.cmp(other.code)));
    failures
}

/// `GET /api/v1/failures`
#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the answer's own name")]
pub struct Failures {
    from: String,
    until: String,
    runs: u64,
    set_aside: u64,
    simulated: u64,
    failures: Vec<OneFailure>,
}

impl Failures {
    /// What did not pass, most often first.
    pub fn of(span: Span, tally: &Tally) -> Self {
        Self {
            from: instant(span.from),
            until: instant(span.until),
            runs: tally.runs,
            set_aside: tally.set_aside,
            simulated: tally.simulated,
            failures: failures_of(tally),
        }
    }
}

/// An instant, and whether the clock was synchronised.
#[derive(Debug, Serialize)]
pub struct Moment {
    at: String,
    synchronised: bool,
}

impl From<WallTime> for Moment {
    fn from(at: WallTime) -> Self {
        Self {
            at: instant(at.micros),
            synchronised: at.synchronised,
        }
    }
}

/// A verdict.
#[derive(Debug, Serialize)]
struct Verdict {
    outcome: &'static str,
    code: &'static str,
    class: &'static str,
    title: &'static str,
    detail: String,
    stage: Option<&'static str>,
    took_s: Option<f64>,
    ended: Moment,
    device_id: Option<String>,
    agent_url: Option<String>,
    samples_lost: u32,
    first: bool,
}

/// A run as lists have it.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the answer's own name")]
struct Run {
    run: String,
    lane: u8,
    serial: Option<String>,
    operator: String,
    lot: String,
    work_order: String,
    seated: Moment,
    recipe: String,
    pass_rule: String,
    simulated: bool,
    verdict: Option<Verdict>,
    attempts: u32,
    annotations: u32,
}

impl Run {
    fn of(row: &RunRow) -> Self {
        Self {
            run: row.run.to_string(),
            lane: row.lane.number(),
            serial: row.serial.as_ref().map(|serial| serial.as_str().to_owned()),
            operator: row.operator.clone(),
            lot: row.lot.clone(),
            work_order: row.work_order.clone(),
            seated: row.seated.into(),
            recipe: row.recipe.clone(),
            pass_rule: row.pass_rule.clone(),
            simulated: row.simulated,
            verdict: row.verdict.as_ref().map(|verdict| Verdict {
                outcome: verdict.outcome.as_str(),
                code: verdict.code.as_str(),
                class: class_name(verdict.code.class()),
                title: verdict.code.text().title,
                detail: verdict.detail.clone(),
                stage: verdict.stage.map(fixture_link::snapshot::Stage::as_str),
                took_s: verdict.took.map(|took| took.as_secs_f64()),
                ended: verdict.ended.into(),
                device_id: verdict.device_id.clone(),
                agent_url: verdict.agent_url.clone(),
                samples_lost: verdict.samples_lost,
                first: verdict.first,
            }),
            attempts: row.attempts,
            annotations: row.annotations,
        }
    }
}

/// `GET /api/v1/runs`
#[derive(Debug, Serialize)]
pub struct Runs {
    runs: Vec<Run>,
    /// For `before` of the next page.
    next: Option<String>,
}

impl Runs {
    /// A page.
    pub fn of(page: &Page<RunRow>) -> Self {
        Self {
            runs: page.rows.iter().map(Run::of).collect(),
            next: page.next.map(|next| next.to_string()),
        }
    }
}

/// `GET /api/v1/units/{serial}`
#[derive(Debug, Serialize)]
pub struct UnitRuns {
    serial: String,
    passed: bool,
    runs: Vec<Run>,
}

impl UnitRuns {
    /// Every run of a unit.
    pub fn of(serial: String, runs: &[RunRow]) -> Self {
        let verdicts = runs.iter().filter_map(|run| run.verdict.as_ref());
        Self {
            serial,
            passed: verdicts
                .map(|verdict| verdict.outcome)
                .any(|outcome| outcome == Outcome::Pass),
            runs: runs.iter().map(Run::of).collect(),
        }
    }
}

#[derive(Debug, Serialize)]
struct AttemptMade {
    number: u32,
    rate: u8,
    level_permille: u16,
    mid_permille: Option<u16>,
    began_s: f64,
    took_s: f64,
    token_id: Option<String>,
    result: &'static str,
    symbols: u32,
    latest_us: u64,
    loop_back_bright: Option<f32>,
}

#[derive(Debug, Serialize)]
struct ReadingTold {
    at_s: f64,
    codes: Vec<String>,
    confidence: f32,
}

#[derive(Debug, Serialize)]
struct Fact {
    at_s: f64,
    kind: &'static str,
    detail: String,
}

#[derive(Debug, Serialize)]
struct Measured {
    what: &'static str,
    scale: &'static str,
    value: f32,
    deviation: f32,
    least: Option<f32>,
    most: Option<f32>,
}

#[derive(Debug, Serialize)]
struct Note {
    at: Moment,
    kind: &'static str,
    detail: String,
}

/// `GET /api/v1/runs/{id}`
#[derive(Debug, Serialize)]
pub struct RunWhole {
    run: Run,
    fixture: String,
    software: String,
    recipe_version: String,
    lifted: Option<Moment>,
    attempts: Vec<AttemptMade>,
    readings: Vec<ReadingTold>,
    evidence: Vec<Fact>,
    measurements: Vec<Measured>,
    annotations: Vec<Note>,
    /// Bytes of recorded light.
    light: usize,
}

impl RunWhole {
    /// Everything about a run but its light.
    pub fn of(detail: &RunDetail) -> Self {
        let seconds = |time: Duration| time.as_secs_f64();
        Self {
            run: Run::of(&detail.row),
            fixture: detail.setup.fixture.clone(),
            software: detail.setup.software.clone(),
            recipe_version: detail.setup.recipe_version.clone(),
            lifted: detail.lifted.map(Moment::from),
            attempts: detail
                .attempts
                .iter()
                .map(|attempt| AttemptMade {
                    number: attempt.number,
                    rate: attempt.rate,
                    level_permille: attempt.level_permille,
                    mid_permille: attempt.mid_permille,
                    began_s: seconds(attempt.began),
                    took_s: seconds(attempt.took),
                    token_id: attempt.token_id.clone(),
                    result: attempt.result.as_str(),
                    symbols: attempt.symbols,
                    latest_us: u64::try_from(attempt.latest.as_micros()).unwrap_or(u64::MAX),
                    loop_back_bright: attempt.loop_back.map(|seen| seen.bright),
                })
                .collect(),
            readings: detail
                .readings
                .iter()
                .map(|reading| ReadingTold {
                    at_s: seconds(reading.at),
                    codes: reading.codes.clone(),
                    confidence: reading.confidence,
                })
                .collect(),
            evidence: detail
                .evidence
                .iter()
                .map(|fact| Fact {
                    at_s: seconds(fact.at),
                    kind: fact.kind.as_str(),
                    detail: fact.detail.clone(),
                })
                .collect(),
            measurements: detail
                .measurements
                .iter()
                .map(|figure| Measured {
                    what: figure.what.as_str(),
                    scale: figure.scale.as_str(),
                    value: figure.value,
                    deviation: figure.deviation,
                    least: figure.limits.as_ref().map(|limits| *limits.allowed.start()),
                    most: figure.limits.as_ref().map(|limits| *limits.allowed.end()),
                })
                .collect(),
            annotations: detail
                .annotations
                .iter()
                .map(|(at, note)| Note {
                    at: (*at).into(),
                    kind: note.kind.as_str(),
                    detail: note.detail.clone(),
                })
                .collect(),
            light: detail.trace.len(),
        }
    }
}
