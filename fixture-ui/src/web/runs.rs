//! The list of runs: search by serial, filters, page by page.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Html;
use fixture_ledger::LedgerError;
use fixture_ledger::record::Purpose;
use fixture_ledger::report::{Reached, Reports, Sort};
use fixture_link::identity::LaneId;
use fixture_link::verdict::{Outcome, VerdictCode};

use super::Sources;
use super::asked::Asked;
use super::frame::Frame;
use super::list::RunWords;
use super::problem::{Problem, page as rendered};

/// Rows of one page.
const ROWS: u32 = 50;

#[derive(Template)]
#[template(path = "runs.html")]
struct RunsPage {
    frame: Frame,
    asked: Asked,
    outcomes: Vec<Choice>,
    codes: Vec<Choice>,
    lanes: Vec<Choice>,
    purposes: Vec<Choice>,
    stages: Vec<Choice>,
    orders: Vec<Choice>,
    runs: Vec<RunWords>,
    next: Option<String>,
    first: Option<String>,
    export: String,
}

impl RunsPage {
    /// Whether the form's rarer fields are in use.
    fn more_is_asked(&self) -> bool {
        let Asked {
            operator,
            recipe,
            software,
            purpose,
            reached,
            from,
            to,
            sort,
            ..
        } = &self.asked;
        [operator, recipe, software, purpose, reached, from, to]
            .into_iter()
            .any(|field| !field.is_empty())
            || sort == Sort::Oldest.as_str()
    }
}

/// What a form field offers.
struct Choice {
    value: String,
    words: String,
    chosen: bool,
}

/// `GET /runs`
pub async fn page(sources: State<Arc<Sources>>, RawQuery(query): RawQuery) -> Result<Html<String>, Problem> {
    let unclear = |what| Problem::unclear(&sources, what, "Correct the address, or start again from all runs.");
    let asked = Asked::of(query.as_deref().unwrap_or("")).map_err(unclear)?;
    let filter = asked.filter(&sources).map_err(unclear)?;
    let ledger = |error| Problem::ledger(&sources, &error);
    let reports = Reports::open(&sources.ledger).await.map_err(ledger)?;
    let found = match reports.runs(&filter, ROWS).await {
        Err(error @ LedgerError::TooMuch { .. }) => return Err(unclear(error.to_string())),
        found => found.map_err(ledger)?,
    };
    let choice = |value: &str, words: String, chosen: &str| Choice {
        value: value.to_owned(),
        words,
        chosen: value == chosen,
    };
    rendered(
        &sources,
        &RunsPage {
            frame: Frame::now(&sources, "runs").with(&found.rows),
            outcomes: Outcome::ALL
                .iter()
                .map(|outcome| choice(outcome.as_str(), outcome.to_string(), &asked.outcome))
                .collect(),
            codes: VerdictCode::ALL
                .iter()
                .map(|code| choice(code.as_str(), code.text().title.to_owned(), &asked.code))
                .collect(),
            lanes: LaneId::first(LaneId::MOST)
                .map(|lane| choice(&lane.to_string(), lane.to_string(), &asked.lane))
                .collect(),
            purposes: Purpose::ALL
                .iter()
                .map(|purpose| choice(purpose.as_str(), purpose.as_str().to_owned(), &asked.purpose))
                .collect(),
            stages: Reached::ALL
                .iter()
                .map(|reached| choice(reached.as_str(), reached.as_str().to_owned(), &asked.reached))
                .collect(),
            orders: Sort::ALL
                .iter()
                .map(|sort| choice(sort.as_str(), format!("{} first", sort.as_str()), &asked.sort))
                .collect(),
            runs: found.rows.iter().map(|row| RunWords::of(&sources, row)).collect(),
            next: found.next.map(|next| asked.address("/runs", &next.to_string())),
            first: (!asked.before.is_empty()).then(|| asked.address("/runs", "")),
            export: asked.address("/export", ""),
            asked,
        },
    )
}
