//! One unit's whole story.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Html;
use fixture_ledger::report::Reports;

use super::Sources;
use super::frame::Frame;
use super::list::RunWords;
use super::problem::{Problem, page as rendered};

#[derive(Template)]
#[template(path = "unit.html")]
struct UnitPage {
    frame: Frame,
    serial: String,
    summary: String,
    runs: Vec<RunWords>,
}

/// `GET /units/{serial}`
pub async fn page(sources: State<Arc<Sources>>, Path(serial): Path<String>) -> Result<Html<String>, Problem> {
    let ledger = |error| Problem::ledger(&sources, &error);
    let reports = Reports::open(&sources.ledger).await.map_err(ledger)?;
    let rows = reports.unit(&serial).await.map_err(ledger)?;
    if rows.is_empty() {
        return Err(Problem::missing(
            &sources,
            format!("No run of a unit with the serial {serial:?} is stored."),
            "Search by the beginning of the serial on the page of runs.",
        ));
    }
    let passed = rows
        .iter()
        .filter_map(|row| row.verdict.as_ref())
        .any(|verdict| verdict.outcome == fixture_link::verdict::Outcome::Pass);
    let summary = format!(
        "{}; {}.",
        match rows.len() {
            1 => "1 run".to_owned(),
            runs => format!("{runs} runs"),
        },
        if passed { "it has passed" } else { "it has not passed" }
    );
    rendered(
        &sources,
        &UnitPage {
            frame: Frame::now(&sources, "runs").with(&rows),
            serial,
            summary,
            runs: rows.iter().map(|row| RunWords::of(&sources, row)).collect(),
        },
    )
}
