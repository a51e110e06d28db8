//! What failed in a period: by whose fault it is, how often, what it means and what to check, and the way to the runs.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Html;
use fixture_ledger::report::{Reports, Yield};
use fixture_ledger::yields::{CodeTally, Tally};
use fixture_link::verdict::{Class, VerdictCode};

use super::Sources;
use super::frame::Frame;
use super::period::Ask;
use super::problem::{Problem, page as rendered};
use super::yields::{Tab, interval, left_out, periods, title, value};
use crate::view::wording;

#[derive(Template)]
#[template(path = "failures.html")]
struct FailuresPage {
    frame: Frame,
    ask: Ask,
    title: String,
    periods: Vec<Tab>,
    units: u64,
    classes: Vec<ClassWords>,
    left_out: Vec<String>,
    yields: String,
    empty: bool,
}

/// The codes of a class.
struct ClassWords {
    name: &'static str,
    counts: &'static str,
    runs: u64,
    unit: bool,
    codes: Vec<CodeWords>,
}

struct CodeWords {
    title: &'static str,
    code: &'static str,
    meaning: &'static str,
    check: &'static str,
    runs: u64,
    first: u64,
    /// Of the units in their first run, with how sure that is.
    share: String,
    interval: String,
    /// With all that are more frequent, of the class.
    together: String,
    /// Thousandths of the class's most frequent.
    bar: u64,
    suspected: u64,
    link: String,
}

const CLASSES: [Class; 6] = [
    Class::Unit,
    Class::Evidence,
    Class::Fixture,
    Class::Network,
    Class::Operator,
    Class::Power,
];

/// `GET /failures`
pub async fn page(sources: State<Arc<Sources>>, RawQuery(query): RawQuery) -> Result<Html<String>, Problem> {
    let unclear = |what| {
        Problem::unclear(
            &sources,
            what,
            "Correct the address, or start again from the page of failures.",
        )
    };
    let ask = Ask::of(&sources, query.as_deref().unwrap_or("")).map_err(unclear)?;
    let whole = ask.whole(&sources).map_err(unclear)?;
    let ledger = |error| Problem::ledger(&sources, &error);
    let reports = Reports::open(&sources.ledger).await.map_err(ledger)?;
    let total = reports.tally(whole, &ask.scope).await.map_err(ledger)?;
    let frame = Frame::now(&sources, "failures").with_simulated(total.simulated > 0);
    rendered(
        &sources,
        &FailuresPage {
            frame,
            title: title(&ask),
            periods: periods(&ask, "/failures"),
            units: total.first.total,
            classes: CLASSES
                .into_iter()
                .filter_map(|class| class_words(&ask, &total, class))
                .collect(),
            left_out: left_out(&total),
            yields: ask.address("/yield", &[]),
            empty: total.runs == 0,
            ask,
        },
    )
}

fn class_words(ask: &Ask, total: &Tally, class: Class) -> Option<ClassWords> {
    let mut codes: Vec<(VerdictCode, CodeTally)> = total
        .codes
        .iter()
        .map(|(code, tally)| (*code, *tally))
        .filter(|(code, _)| *code != VerdictCode::Ok && code.class() == class)
        .collect();
    codes.sort_by_key(|(code, tally)| (core::cmp::Reverse(tally.runs), *code));
    let runs: u64 = codes.iter().map(|(_, tally)| tally.runs).sum();
    let most = codes.first().map(|(_, tally)| tally.runs)?;
    let mut together = 0;
    Some(ClassWords {
        name: wording::class(class),
        counts: match class {
            Class::Unit => "FAIL: counts against the yield",
            Class::Evidence => "UNDECIDED: a person decides; in no yield",
            Class::Fixture | Class::Network => "ERROR: says nothing about the unit; in no yield",
            Class::Operator => "ABORTED: in no yield",
            Class::Power => "INTERRUPTED: in no yield",
        },
        runs,
        unit: class == Class::Unit,
        codes: codes
            .into_iter()
            .map(|(code, tally)| {
                together += tally.runs;
                let text = code.text();
                let first = Yield {
                    passed: tally.first,
                    total: total.first.total,
                };
                CodeWords {
                    title: text.title,
                    code: code.as_str(),
                    meaning: text.meaning,
                    check: text.engineer,
                    runs: tally.runs,
                    first: tally.first,
                    share: value(first),
                    interval: interval(first),
                    together: value(Yield {
                        passed: together,
                        total: runs,
                    }),
                    bar: tally.runs * 1000 / most.max(1),
                    suspected: tally.suspected,
                    link: ask.runs(&[("code", code.as_str())]),
                }
            })
            .collect(),
    })
}
