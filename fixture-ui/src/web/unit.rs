//! One unit's whole story, to be read and to be printed.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::response::Html;
use fixture_ledger::LedgerError;
use fixture_ledger::audit::UnitStanding;
use fixture_ledger::record::Decided;
use fixture_ledger::report::{Reports, RunDetail, UnitNews, UnitNote};
use fixture_link::act::{ActId, Disposition, Mark};
use fixture_link::identity::Serial;
use fixture_link::role::Right;
use fixture_link::verdict::Outcome;

use super::Sources;
use super::acts::{self, new_id};
use super::frame::Frame;
use super::link;
use super::list::{RunWords, instant, seconds};
use super::problem::{Problem, page as rendered};
use super::visitor::Visitor;
use crate::view::wording;

/// The most runs that are told in full; the others are in the table.
const IN_FULL: usize = 20;

#[derive(Template)]
#[template(path = "unit.html")]
struct UnitPage {
    frame: Frame,
    serial: String,
    summary: String,
    runs: Vec<RunWords>,
    stories: Vec<Story>,
    notes: Vec<NoteWords>,
    done: &'static str,
    standing: String,
    acts: Option<UnitActs>,
}

/// What whoever looks may do about the unit.
struct UnitActs {
    form: String,
    back: String,
    judges: bool,
    unlock: ActId,
    quarantine: ActId,
    dispose: ActId,
    mark: ActId,
    dispositions: [(&'static str, &'static str); 4],
    marks: [(&'static str, &'static str, bool); 3],
}

impl UnitActs {
    fn of(serial: &str, mark: Mark) -> Option<Self> {
        let visitor = Visitor::asking();
        visitor.has(Right::RunTheLine).then(|| Self {
            form: visitor.of_form(),
            back: link::unit(serial),
            judges: visitor.has(Right::JudgeUnits),
            unlock: new_id(),
            quarantine: new_id(),
            dispose: new_id(),
            mark: new_id(),
            dispositions: Disposition::ALL.map(|what| (what.as_str(), disposition(what))),
            marks: Mark::ALL.map(|what| (what.as_str(), mark_words(what), what == mark)),
        })
    }
}

fn disposition(what: Disposition) -> &'static str {
    match what {
        Disposition::Rework => "rework: mend it and run it again",
        Disposition::Scrap => "scrap: never run it again",
        Disposition::Rma => "return: it goes back to its maker",
        Disposition::Release => "release: it goes on as it is",
    }
}

fn mark_words(what: Mark) -> &'static str {
    match what {
        Mark::Ordinary => "an ordinary unit",
        Mark::Golden => "a golden unit: known to be good",
        Mark::KnownBad => "a known-bad unit: the fixture must fail it",
    }
}

/// What people decided about it, in a sentence; empty where nobody did.
fn standing_words(sources: &Sources, standing: &UnitStanding) -> String {
    let mut words = Vec::new();
    if let Some((at, decision)) = &standing.decision {
        let what = match decision.what {
            Decided::Quarantine => "Set aside",
            Decided::Disposition(Disposition::Rework) => "To be reworked",
            Decided::Disposition(Disposition::Scrap) => "Scrapped",
            Decided::Disposition(Disposition::Rma) => "Goes back to its maker",
            Decided::Disposition(Disposition::Release) => "Released",
        };
        words.push(format!(
            "{what} by {}: {} ({}).",
            decision.by,
            decision.reason,
            instant(sources, *at)
        ));
    }
    match standing.mark.0 {
        Mark::Ordinary => {}
        marked @ (Mark::Golden | Mark::KnownBad) => {
            words.push(format!(
                "It is marked as {}; its runs count in no yield.",
                mark_words(marked)
            ));
        }
    }
    words.join(" ")
}

/// A run of the unit.
struct Story {
    run: RunWords,
    number: usize,
    meaning: &'static str,
    detail: String,
    facts: Vec<(&'static str, String)>,
    way: String,
    annotations: Vec<String>,
}

struct NoteWords {
    at: String,
    what: String,
}

/// `GET /units/{serial}`
pub async fn page(
    sources: State<Arc<Sources>>,
    Path(serial): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Html<String>, Problem> {
    let ledger = |error| Problem::ledger(&sources, &error);
    let reports = Reports::open(&sources.ledger).await.map_err(ledger)?;
    let rows = reports.unit(&serial).await.map_err(ledger)?;
    let notes = reports.unit_notes(&serial).await.map_err(ledger)?;
    let standing = match Serial::new(&serial) {
        Ok(serial) => reports.unit_standing(&serial).await.map_err(ledger)?,
        Err(_) => UnitStanding::default(),
    };
    if rows.is_empty() && notes.is_empty() {
        return Err(Problem::missing(
            &sources,
            format!("No run of a unit with the serial {serial:?} is stored."),
            "Search by the beginning of the serial on the page of runs.",
        ));
    }
    let passed = rows
        .iter()
        .filter_map(|row| row.verdict.as_ref())
        .any(|verdict| verdict.outcome == Outcome::Pass);
    let summary = format!(
        "{}; {}.",
        match rows.len() {
            1 => "1 run".to_owned(),
            runs => format!("{runs} runs"),
        },
        if passed { "it has passed" } else { "it has not passed" }
    );
    let details = details(&reports, &rows).await.map_err(ledger)?;
    // The oldest is the first.
    let stories = details
        .iter()
        .enumerate()
        .map(|(place, detail)| story(&sources, rows.len() - place, detail))
        .rev()
        .collect();
    rendered(
        &sources,
        &UnitPage {
            frame: Frame::now(&sources, "runs").with(&rows),
            done: acts::done(query.as_deref()),
            standing: standing_words(&sources, &standing),
            acts: UnitActs::of(&serial, standing.mark.0),
            serial,
            summary,
            runs: rows.iter().map(|row| RunWords::of(&sources, row)).collect(),
            stories,
            notes: notes
                .iter()
                .map(|note| NoteWords {
                    at: instant(&sources, note.at),
                    what: note_words(note),
                })
                .collect(),
        },
    )
}

/// Everything about the latest runs, newest first.
async fn details(reports: &Reports, rows: &[fixture_ledger::report::RunRow]) -> Result<Vec<RunDetail>, LedgerError> {
    let mut details = Vec::new();
    for row in rows.iter().take(IN_FULL) {
        details.extend(reports.run(row.run).await?);
    }
    Ok(details)
}

fn story(sources: &Sources, number: usize, detail: &RunDetail) -> Story {
    let verdict = detail.row.verdict.as_ref();
    let known = |text: Option<&String>| text.cloned().unwrap_or_default();
    let facts = [
        ("Run", detail.row.run.to_string()),
        (
            "Got as far as",
            verdict
                .and_then(|verdict| verdict.stage)
                .map(|stage| wording::stage(stage).to_owned())
                .unwrap_or_default(),
        ),
        ("Device", known(verdict.and_then(|verdict| verdict.device_id.as_ref()))),
        ("Agent", known(verdict.and_then(|verdict| verdict.agent_url.as_ref()))),
        ("Operator", detail.row.operator.clone()),
        ("Software", detail.setup.software.clone()),
        (
            "Recipe",
            format!("{} ({})", detail.setup.recipe, detail.setup.recipe_version),
        ),
        ("Pass rule", detail.setup.pass_rule.clone()),
        (
            "Attempts",
            detail
                .attempts
                .iter()
                .map(|attempt| format!("{}/s {}", attempt.rate, wording::attempt(attempt.result)))
                .collect::<Vec<_>>()
                .join(", "),
        ),
        (
            "Lifted",
            detail.lifted.map(|at| instant(sources, at)).unwrap_or_default(),
        ),
    ];
    Story {
        run: RunWords::of(sources, &detail.row),
        number,
        meaning: verdict.map_or("", |verdict| verdict.code.text().meaning),
        detail: verdict
            .map(|verdict| wording::named(&verdict.detail))
            .unwrap_or_default(),
        facts: facts.into_iter().filter(|(_, value)| !value.is_empty()).collect(),
        way: detail
            .readings
            .iter()
            .map(|reading| {
                format!(
                    "{} {}",
                    seconds(reading.at),
                    super::light::reading_words(&reading.codes)
                )
            })
            .collect::<Vec<_>>()
            .join(" → "),
        annotations: detail
            .annotations
            .iter()
            .map(|(at, note)| {
                format!(
                    "{}: {} ({})",
                    wording::annotation(note.kind),
                    wording::named(&note.detail),
                    instant(sources, *at)
                )
            })
            .collect(),
    }
}

fn note_words(note: &UnitNote) -> String {
    match &note.what {
        UnitNews::Refused { lane, refusal, detail } => {
            let why = if detail.is_empty() {
                String::new()
            } else {
                format!(": {detail}")
            };
            format!("a start on lane {lane} was refused ({}){why}", refusal.as_str())
        }
        UnitNews::Act {
            by,
            kind,
            words,
            refused,
        } => {
            let words = if words.is_empty() {
                String::new()
            } else {
                format!(": {words}")
            };
            let refused = refused
                .as_ref()
                .map_or_else(String::new, |why| format!("; refused: {why}"));
            format!("{kind} by {by}{words}{refused}")
        }
    }
}
