//! The reports as JSON for other programs, described by [`openapi::document`]. Errors are problems as RFC 9457 has them.

pub mod answers;
pub mod openapi;
pub mod shift;
pub mod study;

use core::fmt::Display;
use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use fixture_ledger::LedgerError;
use fixture_ledger::report::{PAGE_LIMIT, Reports};
use fixture_ledger::study::Which;
use fixture_ledger::yields::{By, QUARTER, SPAN_LIMIT, Scope, Span};
use fixture_link::identity::RunId;
use fixture_link::role::Right;
use serde::Serialize;

use self::answers::{Each, Failures, RunWhole, Runs, UnitRuns, Yields};
use self::shift::ShiftReport;
use self::study::StudyReport;
use super::Sources;
use super::acts;
use super::asked::{Asked, lane, parsed, short};
use super::day::Day;
use super::routes::{LOOK, Route};
use super::visitor::Needs;
use super::{link, shift_report, study as gauge};

/// Where it stands.
pub const PATH: &str = "/api/v1";

/// Runs of an answer where nothing else is asked for.
const RUNS: u32 = 50;

/// Its addresses, below [`PATH`].
pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/api/v1/yields", LOOK, get(yields)),
        Route::get("/api/v1/failures", LOOK, get(failures)),
        Route::get("/api/v1/shift-report", LOOK, get(shift_report)),
        Route::get("/api/v1/study", LOOK, get(gauge_study)),
        Route::get("/api/v1/runs", LOOK, get(runs)),
        Route::get("/api/v1/runs/{id}", LOOK, get(run)),
        Route::get("/api/v1/units/{serial}", LOOK, get(unit)),
        Route::get("/api/v1/openapi.json", LOOK, get(described)),
        Route::post("/api/v1/acts", Needs::Right(Right::RunTheLine), post(acts::by_program)),
    ]
}

/// What answers where nothing else of it does.
pub fn router() -> Router<Arc<Sources>> {
    Router::new().fallback(nothing_here)
}

/// What went wrong, as RFC 9457 has it.
#[derive(Debug, Serialize)]
pub struct Problem {
    /// Nothing more is known of its kind than the status.
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
}

impl Problem {
    fn new(status: StatusCode, title: &'static str, detail: impl Display) -> Self {
        Self {
            r#type: "about:blank",
            title,
            status: status.as_u16(),
            detail: detail.to_string(),
        }
    }

    /// Nobody has said who it is.
    pub fn who(detail: impl Display) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Who is it?", detail)
    }

    /// Whoever it is may not.
    pub fn not_allowed(detail: impl Display) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Not allowed", detail)
    }

    /// The daemon does not answer.
    pub fn away(detail: impl Display) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "The fixture does not answer", detail)
    }

    /// The request makes no sense.
    pub fn unclear(detail: impl Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Not understood", detail)
    }

    fn missing(detail: impl Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not found", detail)
    }

    fn ledger(error: &LedgerError) -> Self {
        if matches!(error, LedgerError::TooMuch { .. }) {
            return Self::unclear(error);
        }
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "The ledger cannot be read", error)
    }
}

impl From<LedgerError> for Problem {
    fn from(error: LedgerError) -> Self {
        Self::ledger(&error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = [(header::CONTENT_TYPE, "application/problem+json")];
        (status, headers, Json(self)).into_response()
    }
}

/// Nothing is at an address of the interface.
pub async fn nothing_here() -> Problem {
    Problem::missing(format_args!(
        "There is nothing at this address; {PATH}/openapi.json tells what there is."
    ))
}

/// Something else than what an address takes was sent to it.
pub fn only_reading() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "Not allowed",
        "Reports are asked for with GET, acts are sent with POST.",
    )
}

/// `GET /api/v1/study`
async fn gauge_study(sources: State<Arc<Sources>>, RawQuery(query): RawQuery) -> Result<Json<StudyReport>, Problem> {
    let which = gauge::asked(query.as_deref().unwrap_or_default()).map_err(Problem::unclear)?;
    let reports = Reports::open(&sources.ledger).await?;
    let study = reports.study(which).await?;
    if let (Which::Number(number), None) = (which, &study) {
        return Err(Problem::missing(format_args!("There is no study {number}.")));
    }
    let standing = gauge::standing(&sources).await?;
    Ok(Json(StudyReport::of(&sources, &standing, study.as_ref())))
}

async fn described() -> Json<serde_json::Value> {
    Json(openapi::document())
}

/// What yields and failures are asked about.
struct Question {
    span: Span,
    scope: Scope,
    by: By,
    each: Each,
}

impl Question {
    /// The question of a query; `fields` are those that are known besides the days and the scope.
    fn of(sources: &Sources, query: &str, fields: &[&str]) -> Result<Self, String> {
        const COMMON: [&str; 9] = [
            "day",
            "from",
            "to",
            "lane",
            "lot",
            "work_order",
            "recipe",
            "operator",
            "software",
        ];
        let mut given: Vec<(String, String)> = Vec::new();
        for (name, value) in link::fields(query) {
            if !COMMON.contains(&name.as_str()) && !fields.contains(&name.as_str()) {
                let known = [&COMMON[..], fields].concat().join(", ");
                return Err(format!("{}: expected one of {known}", short(&name)));
            }
            if given.iter().any(|(other, _)| *other == name) {
                return Err(format!("{name}: expected once"));
            }
            given.push((name, value.trim().to_owned()));
        }
        let text = |name: &str| {
            given
                .iter()
                .find(|(given, value)| given == name && !value.is_empty())
                .map(|(_, value)| value.clone())
        };
        let each = match text("each") {
            None => Each::Span,
            Some(each) => each.parse()?,
        };
        let by = match text("by") {
            None => By::Nothing,
            Some(by) => By::ALL
                .into_iter()
                .find(|known| known.as_str() == by)
                .ok_or_else(|| format!("by: {:?}: expected {}", short(&by), By::ALL.map(By::as_str).join(", ")))?,
        };
        Ok(Self {
            span: span(sources, text("day"), text("from"), text("to"))?,
            scope: Scope {
                lane: lane(&text("lane").unwrap_or_default())?,
                lot: text("lot"),
                work_order: text("work_order"),
                recipe: text("recipe"),
                operator: text("operator"),
                software: text("software"),
            },
            by,
            each,
        })
    }

    /// The spans that are told of one by one.
    fn spans(&self, sources: &Sources) -> Result<Vec<Span>, String> {
        let spans = self.each.spans(self.span, sources.shifts.zone())?;
        if spans.len() > SPAN_LIMIT {
            return Err(format!(
                "each: {} spans of time: expected at most {SPAN_LIMIT}",
                spans.len()
            ));
        }
        Ok(spans)
    }
}

/// From the first instant of a day until the last of another; today where none is named.
fn span(sources: &Sources, day: Option<String>, from: Option<String>, to: Option<String>) -> Result<Span, String> {
    let named =
        |name: &str, day: &str| Day::of(sources, day).map_err(|said| said.replacen("day:", &format!("{name}:"), 1));
    let (first, last) = match (day, from, to) {
        (None, None, None) => (Day::today(sources)?, Day::today(sources)?),
        (Some(day), None, None) => (named("day", &day)?, named("day", &day)?),
        (None, Some(from), Some(to)) => (named("from", &from)?, named("to", &to)?),
        _ => return Err("day: expected a day, or from and to, or none of them for today".to_owned()),
    };
    // Time zones begin their days on a quarter of an hour, as far as the fixture is concerned: since 1972.
    let quarter = |instant: i64| instant.div_euclid(QUARTER) * QUARTER;
    let span = Span {
        from: quarter(first.from),
        until: quarter(last.until),
    };
    if span.from >= span.until {
        return Err("to: expected a day that is not before from".to_owned());
    }
    Ok(span)
}

async fn yields(sources: State<Arc<Sources>>, RawQuery(query): RawQuery) -> Result<Json<Yields>, Problem> {
    let question = Question::of(&sources, query.as_deref().unwrap_or(""), &["each", "by"]).map_err(Problem::unclear)?;
    let spans = question.spans(&sources).map_err(Problem::unclear)?;
    let reports = Reports::open(&sources.ledger).await?;
    let counted = reports.tallies(&spans, &question.scope, question.by).await?;
    Ok(Json(Yields::of(
        question.span,
        question.each,
        question.by,
        &spans,
        &counted,
    )))
}

async fn failures(sources: State<Arc<Sources>>, RawQuery(query): RawQuery) -> Result<Json<Failures>, Problem> {
    let question = Question::of(&sources, query.as_deref().unwrap_or(""), &[]).map_err(Problem::unclear)?;
    let reports = Reports::open(&sources.ledger).await?;
    let tally = reports.tally(question.span, &question.scope).await?;
    Ok(Json(Failures::of(question.span, &tally)))
}

async fn shift_report(sources: State<Arc<Sources>>, RawQuery(query): RawQuery) -> Result<Json<ShiftReport>, Problem> {
    let shift = shift_report::asked(&sources, query.as_deref().unwrap_or("")).map_err(Problem::unclear)?;
    let report = shift_report::Report::read(&sources, shift).await?;
    let study = gauge::standing(&sources).await?;
    Ok(Json(ShiftReport::of(&sources, report, &study)))
}

async fn runs(sources: State<Arc<Sources>>, RawQuery(query): RawQuery) -> Result<Json<Runs>, Problem> {
    let query = query.unwrap_or_default();
    // Besides the filters of the pages it takes how many are wanted.
    let is_limit = |field: &&str| *field == "limit" || field.starts_with("limit=");
    let (limits, filters): (Vec<&str>, Vec<&str>) = query.split('&').partition(is_limit);
    let limit = match limits.as_slice() {
        [] => RUNS,
        [limit] => parsed::<u32>("limit", limit.strip_prefix("limit=").unwrap_or(""))
            .ok()
            .flatten()
            .filter(|limit| (1..=PAGE_LIMIT).contains(limit))
            .ok_or_else(|| Problem::unclear(format_args!("limit: expected a number from 1 to {PAGE_LIMIT}")))?,
        _ => return Err(Problem::unclear("limit: expected once")),
    };
    let asked = Asked::of(&filters.join("&")).map_err(Problem::unclear)?;
    let filter = asked.filter(&sources).map_err(Problem::unclear)?;
    let reports = Reports::open(&sources.ledger).await?;
    let page = reports.runs(&filter, limit).await?;
    Ok(Json(Runs::of(&page)))
}

async fn run(sources: State<Arc<Sources>>, id: Result<Path<String>, PathRejection>) -> Result<Json<RunWhole>, Problem> {
    let Path(id) = id.map_err(Problem::unclear)?;
    let run: RunId = id
        .parse()
        .map_err(|_| Problem::unclear(format_args!("{:?}: expected a run's id", short(&id))))?;
    let reports = Reports::open(&sources.ledger).await?;
    match reports.run(run).await? {
        Some(detail) => Ok(Json(RunWhole::of(&detail))),
        None => Err(Problem::missing(format_args!("No run {run} is stored."))),
    }
}

async fn unit(
    sources: State<Arc<Sources>>,
    serial: Result<Path<String>, PathRejection>,
) -> Result<Json<UnitRuns>, Problem> {
    let Path(serial) = serial.map_err(Problem::unclear)?;
    let reports = Reports::open(&sources.ledger).await?;
    let runs = reports.unit(&serial).await?;
    if runs.is_empty() {
        let serial = short(&serial);
        return Err(Problem::missing(format_args!(
            "No run of a unit with the serial {serial:?} is stored."
        )));
    }
    Ok(Json(UnitRuns::of(serial, &runs)))
}
