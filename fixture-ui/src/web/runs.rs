//! The list of runs: search by serial, filters, page by page.

use core::fmt::Write as _;
use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Html;
use fixture_ledger::report::{Reports, RunFilter, SerialFilter};
use fixture_link::identity::LaneId;
use fixture_link::verdict::{Outcome, VerdictCode};

use super::Sources;
use super::day::Day;
use super::frame::Frame;
use super::link;
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
    runs: Vec<RunWords>,
    older: Option<String>,
    newest: Option<String>,
}

/// What a form field offers.
struct Choice {
    value: String,
    words: String,
    chosen: bool,
}

/// What was asked for, as it stands in the address; empty for what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Asked {
    serial: String,
    outcome: String,
    code: String,
    lane: String,
    lot: String,
    work_order: String,
    day: String,
    before: String,
}

impl Asked {
    /// The fields of a query; a field that the page does not know is an error that names it.
    fn of(query: &str) -> Result<Self, String> {
        let mut asked = Self::default();
        for (name, value) in link::fields(query) {
            let field = match name.as_str() {
                "serial" => &mut asked.serial,
                "outcome" => &mut asked.outcome,
                "code" => &mut asked.code,
                "lane" => &mut asked.lane,
                "lot" => &mut asked.lot,
                "work_order" => &mut asked.work_order,
                "day" => &mut asked.day,
                "before" => &mut asked.before,
                _ => {
                    return Err(format!(
                        "{name}: expected serial, outcome, code, lane, lot, work_order, day or before"
                    ));
                }
            };
            value.trim().clone_into(field);
        }
        Ok(asked)
    }

    /// The filter; the first field that makes no sense is an error that says what was expected.
    fn filter(&self, sources: &Sources) -> Result<RunFilter, String> {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let day = given(&self.day).map(|day| Day::of(sources, &day)).transpose()?;
        Ok(RunFilter {
            serial: given(&self.serial).map(SerialFilter::BeginsWith),
            outcome: given(&self.outcome)
                .map(|text| text.parse::<Outcome>().map_err(|error| format!("outcome: {error}")))
                .transpose()?,
            code: given(&self.code)
                .map(|text| text.parse::<VerdictCode>().map_err(|error| format!("code: {error}")))
                .transpose()?,
            lane: given(&self.lane)
                .map(|text| {
                    text.parse()
                        .ok()
                        .and_then(|number| LaneId::new(number).ok())
                        .ok_or_else(|| format!("lane: {text:?}: expected a number from 1 to {}", LaneId::MOST))
                })
                .transpose()?,
            lot: given(&self.lot),
            work_order: given(&self.work_order),
            from: day.as_ref().map(|day| day.from),
            until: day.as_ref().map(|day| day.until),
            before: given(&self.before)
                .map(|text| text.parse().map_err(|error| format!("before: {error}")))
                .transpose()?,
        })
    }

    /// The address of this list from another place on.
    fn address(&self, before: &str) -> String {
        let mut address = "/runs?".to_owned();
        for (name, value) in [
            ("serial", self.serial.as_str()),
            ("outcome", &self.outcome),
            ("code", &self.code),
            ("lane", &self.lane),
            ("lot", &self.lot),
            ("work_order", &self.work_order),
            ("day", &self.day),
            ("before", before),
        ] {
            if !value.is_empty() {
                // Writing to a String cannot fail.
                let _written = write!(address, "{name}={}&", link::quoted(value));
            }
        }
        address.pop();
        address
    }
}

/// `GET /runs`
pub async fn page(sources: State<Arc<Sources>>, RawQuery(query): RawQuery) -> Result<Html<String>, Problem> {
    let unclear = |what| Problem::unclear(&sources, what, "Correct the address, or start again from all runs.");
    let asked = Asked::of(query.as_deref().unwrap_or("")).map_err(unclear)?;
    let filter = asked.filter(&sources).map_err(unclear)?;
    let ledger = |error| Problem::ledger(&sources, &error);
    let reports = Reports::open(&sources.ledger).await.map_err(ledger)?;
    let found = reports.runs(&filter, ROWS).await.map_err(ledger)?;
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
            runs: found.rows.iter().map(|row| RunWords::of(&sources, row)).collect(),
            older: found.next.map(|next| asked.address(&next.to_string())),
            newest: (!asked.before.is_empty()).then(|| asked.address("")),
            asked,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_the_list_does_not_know_is_named() {
        assert_eq!(
            Asked::of("serial=1&sort=up").unwrap_err(),
            "sort: expected serial, outcome, code, lane, lot, work_order, day or before"
        );
    }

    #[test]
    fn the_next_page_keeps_the_filters() {
        let asked = Asked::of("serial=SN%2F1&outcome=FAIL&lane=").unwrap();
        assert_eq!(asked.address("17-4"), "/runs?serial=SN%2F1&outcome=FAIL&before=17-4");
        assert_eq!(Asked::default().address(""), "/runs");
    }
}
