//! One day: first-pass yield, and what went wrong.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Html;
use fixture_ledger::report::{CodeCount, Reports, Yield};
use fixture_link::verdict::{Class, Outcome};

use super::Sources;
use super::day::Day;
use super::frame::Frame;
use super::link;
use super::problem::{Problem, page as rendered};
use crate::view::lane::look_of;
use crate::view::wording;

#[derive(Template)]
#[template(path = "today.html")]
struct TodayPage {
    frame: Frame,
    day: String,
    before: String,
    after: String,
    first_pass: Share,
    last_pass: Share,
    outcomes: Vec<OutcomeWords>,
    codes: Vec<CodeWords>,
    suspected: u64,
    simulated: Option<String>,
    total: u64,
}

/// A yield in words.
struct Share {
    percent: String,
    of: String,
}

/// How many runs ended so.
struct OutcomeWords {
    outcome: &'static str,
    class: &'static str,
    runs: u64,
    link: String,
}

/// How often a code was the verdict.
struct CodeWords {
    title: &'static str,
    code: &'static str,
    class: &'static str,
    unit: bool,
    runs: u64,
    /// Thousandths of the most frequent code.
    bar: u64,
    suspected: u64,
    link: String,
}

impl Share {
    fn of(share: Yield) -> Self {
        // Counts of a day are far below where this loses anything.
        #[expect(clippy::cast_precision_loss, reason = "counts of a day are far below 2^52")]
        let percent = match share.total {
            0 => "no unit yet".to_owned(),
            total => format!("{:.1} %", share.passed as f64 * 100.0 / total as f64),
        };
        Self {
            percent,
            of: format!("{} of {} units passed", share.passed, share.total),
        }
    }
}

/// `GET /today`
pub async fn page(sources: State<Arc<Sources>>, RawQuery(query): RawQuery) -> Result<Html<String>, Problem> {
    let unclear = |what| Problem::unclear(&sources, what, "Correct the address, or go to today's page.");
    let day = match link::fields(query.as_deref().unwrap_or("")).as_slice() {
        [] => Day::today(&sources),
        [(name, value)] if name == "day" => Day::of(&sources, value),
        [(name, _), ..] => Err(format!("{name}: expected day, once")),
    }
    .map_err(unclear)?;
    let ledger = |error| Problem::ledger(&sources, &error);
    let reports = Reports::open(&sources.ledger).await.map_err(ledger)?;
    let summary = reports.today(day.from, day.until, None).await.map_err(ledger)?;
    let codes = reports.failures_by_code(day.from, day.until).await.map_err(ledger)?;
    let most = codes.iter().map(|count| count.runs).max().unwrap_or(1);
    let frame = Frame::now(&sources, "today").with_simulated(summary.simulated > 0);
    rendered(
        &sources,
        &TodayPage {
            frame,
            before: day.after(-1),
            after: day.after(1),
            first_pass: Share::of(summary.first_pass),
            last_pass: Share::of(summary.last_pass),
            outcomes: Outcome::ALL
                .into_iter()
                .map(|outcome| OutcomeWords {
                    outcome: outcome.as_str(),
                    class: look_of(outcome).class(),
                    runs: summary.with(outcome),
                    link: format!("/runs?day={}&outcome={outcome}", day.name()),
                })
                .collect(),
            codes: codes.iter().map(|count| code_words(count, most, &day)).collect(),
            suspected: summary.suspected,
            simulated: (summary.simulated > 0).then(|| {
                format!(
                    "{} of {} runs were made by a simulated jig.",
                    summary.simulated, summary.runs
                )
            }),
            total: summary.runs,
            day: day.name(),
        },
    )
}

fn code_words(count: &CodeCount, most: u64, day: &Day) -> CodeWords {
    CodeWords {
        title: count.code.text().title,
        code: count.code.as_str(),
        class: wording::class(count.class),
        unit: count.class == Class::Unit,
        runs: count.runs,
        bar: count.runs * 1000 / most.max(1),
        suspected: count.suspected,
        link: format!("/runs?day={}&code={}", day.name(), count.code),
    }
}
