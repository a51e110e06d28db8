//! One run: its verdict, what it rests on, and its light.

use core::fmt::Write as _;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Html;
use fixture_ledger::Reports;
use fixture_ledger::record::{Attempt, EvidenceKind, Measurement, Quantity, Scale, Side};
use fixture_ledger::report::RunDetail;
use fixture_link::identity::RunId;
use fixture_link::verdict::Outcome;

use super::Sources;
use super::frame::Frame;
use super::light::{LEFT, Light, WIDTH, reading_words};
use super::list::{RunWords, instant, seconds};
use super::problem::{Problem, page as rendered};
use crate::view::{LED_EVIDENCE_ONLY, SIMULATED, wording};

#[derive(Template)]
#[template(path = "run.html")]
struct RunPage {
    frame: Frame,
    run: RunWords,
    meaning: &'static str,
    operator: &'static str,
    engineer: &'static str,
    detail: String,
    facts: Vec<(&'static str, String)>,
    annotations: Vec<NoteWords>,
    light: Light,
    attempts: Vec<AttemptWords>,
    measurements: Vec<MeasuredWords>,
    readings: Vec<ReadingWords>,
    evidence: Vec<FactWords>,
}

struct NoteWords {
    at: String,
    kind: &'static str,
    detail: String,
}

struct AttemptWords {
    number: u32,
    rung: String,
    began: String,
    took: String,
    result: &'static str,
    symbols: u32,
    latest: String,
    lateness: String,
    loop_back: String,
    token: String,
}

struct MeasuredWords {
    what: &'static str,
    figure: String,
    allowed: String,
    side: &'static str,
}

struct ReadingWords {
    at: String,
    codes: String,
    confidence: String,
}

struct FactWords {
    at: String,
    kind: &'static str,
    detail: String,
}

/// `GET /runs/{id}`
pub async fn page(sources: State<Arc<Sources>>, Path(id): Path<String>) -> Result<Html<String>, Problem> {
    let run: RunId = id.parse().map_err(|_| {
        Problem::unclear(
            &sources,
            format!("{id:?} is not the id of a run: expected a UUID."),
            "Find the run in the list of runs.",
        )
    })?;
    let ledger = |error| Problem::ledger(&sources, &error);
    let reports = Reports::open(&sources.ledger).await.map_err(ledger)?;
    let detail = reports.run(run).await.map_err(ledger)?;
    let Some(detail) = detail else {
        return Err(Problem::missing(
            &sources,
            format!("No run with the id {run} is stored."),
            "Find the run in the list of runs.",
        ));
    };
    let drawing = tokio::task::spawn_blocking(move || (Light::of(&detail, wording::code_table()), detail));
    let (light, detail) = drawing.await.map_err(|error| Problem::broken(&sources, &error))?;
    let mut frame = Frame::now(&sources, "runs");
    // This run's badges, not those of the jig that runs now.
    frame.badges = [
        (detail.setup.simulated, SIMULATED),
        (detail.setup.pass_rule == "led-only", LED_EVIDENCE_ONLY),
    ]
    .into_iter()
    .filter_map(|(stands, badge)| stands.then_some(badge))
    .collect();
    rendered(&sources, &words(&sources, frame, light, &detail))
}

fn words(sources: &Sources, frame: Frame, light: Light, detail: &RunDetail) -> RunPage {
    let verdict = detail.row.verdict.as_ref();
    let text = verdict.map(|verdict| verdict.code.text());
    RunPage {
        frame,
        run: RunWords::of(sources, &detail.row),
        meaning: text.map_or("", |text| text.meaning),
        operator: text.map_or("", |text| text.operator),
        engineer: text.map_or("", |text| text.engineer),
        detail: verdict
            .map(|verdict| wording::named(&verdict.detail))
            .unwrap_or_default(),
        facts: facts(sources, detail),
        annotations: detail
            .annotations
            .iter()
            .map(|(at, note)| NoteWords {
                at: instant(sources, *at),
                kind: wording::annotation(note.kind),
                detail: wording::named(&note.detail),
            })
            .collect(),
        light,
        attempts: detail.attempts.iter().map(attempt_words).collect(),
        measurements: detail.measurements.iter().map(measured_words).collect(),
        readings: detail
            .readings
            .iter()
            .map(|reading| ReadingWords {
                at: seconds(reading.at),
                codes: reading_words(&reading.codes),
                confidence: format!("{:.1} %", reading.confidence * 100.0),
            })
            .collect(),
        evidence: detail
            .evidence
            .iter()
            .map(|fact| FactWords {
                at: seconds(fact.at),
                kind: fact.kind.as_str(),
                detail: match fact.kind {
                    EvidenceKind::Stage => wording::reached(&fact.detail).to_owned(),
                    EvidenceKind::Nest
                    | EvidenceKind::Light
                    | EvidenceKind::LoopBack
                    | EvidenceKind::Token
                    | EvidenceKind::Claim
                    | EvidenceKind::Bless
                    | EvidenceKind::Fault
                    | EvidenceKind::Act
                    | EvidenceKind::Policy => wording::named(&fact.detail),
                },
            })
            .collect(),
    }
}

/// The facts that are known, each with its name.
fn facts(sources: &Sources, detail: &RunDetail) -> Vec<(&'static str, String)> {
    let row = &detail.row;
    let setup = &detail.setup;
    let verdict = row.verdict.as_ref();
    let known = |text: Option<&String>| text.cloned().unwrap_or_default();
    [
        ("Run", row.run.to_string()),
        ("Lane", row.lane.to_string()),
        ("Seated", instant(sources, row.seated)),
        (
            "Verdict stored",
            verdict
                .map(|verdict| instant(sources, verdict.ended))
                .unwrap_or_default(),
        ),
        (
            "Lifted",
            detail.lifted.map(|at| instant(sources, at)).unwrap_or_default(),
        ),
        (
            "Got as far as",
            verdict
                .and_then(|verdict| verdict.stage)
                .map(|stage| wording::stage(stage).to_owned())
                .unwrap_or_default(),
        ),
        ("Device", known(verdict.and_then(|verdict| verdict.device_id.as_ref()))),
        ("Agent", known(verdict.and_then(|verdict| verdict.agent_url.as_ref()))),
        ("Lot", row.lot.clone()),
        ("Work order", row.work_order.clone()),
        ("Operator", row.operator.clone()),
        ("Fixture", setup.fixture.clone()),
        ("Software", setup.software.clone()),
        ("Recipe", format!("{} ({})", setup.recipe, setup.recipe_version)),
        ("Pass rule", setup.pass_rule.clone()),
        (
            "Samples lost",
            verdict
                // Of an interrupted run nobody counted them.
                .filter(|verdict| verdict.outcome != Outcome::Interrupted)
                .map(|verdict| verdict.samples_lost.to_string())
                .unwrap_or_default(),
        ),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .collect()
}

fn attempt_words(attempt: &Attempt) -> AttemptWords {
    AttemptWords {
        number: attempt.number,
        rung: rung(attempt),
        began: seconds(attempt.began),
        took: seconds(attempt.took),
        result: wording::attempt(attempt.result),
        symbols: attempt.symbols,
        latest: format!("{:.3} ms", attempt.latest.as_secs_f64() * 1000.0),
        lateness: lateness(&attempt.lateness),
        loop_back: attempt.loop_back.map_or_else(
            || "not seen".to_owned(),
            |seen| {
                format!(
                    "bright {:.0} counts, mid {:.0} % of it, {} samples",
                    seen.bright,
                    seen.mid_share * 100.0,
                    seen.samples
                )
            },
        ),
        token: attempt.token_id.clone().unwrap_or_default(),
    }
}

/// What an attempt was sent with.
fn rung(attempt: &Attempt) -> String {
    let percent = |permille: u16| f32::from(permille) / 10.0;
    let mut rung = format!(
        "{} symbols/s at {} % light",
        attempt.rate,
        percent(attempt.level_permille)
    );
    if let Some(mid) = attempt.mid_permille {
        // Writing to a String cannot fail.
        let _written = write!(rung, ", mid {} % of it", percent(mid));
    }
    rung
}

fn measured_words(measured: &Measurement) -> MeasuredWords {
    let (places, unit) = match measured.scale {
        Scale::Counts => (1, " counts"),
        Scale::OfReference => (3, " of the reference unit's"),
        Scale::Share => (3, ""),
    };
    let side = measured.limits.as_ref().map(|limits| limits.side);
    MeasuredWords {
        what: match measured.what {
            Quantity::RedDie => "Red die",
            Quantity::GreenDie => "Green die",
            Quantity::LedStrength => "Strength",
            Quantity::GreenShare => "Green share",
            Quantity::Ambient => "Light of the empty nest",
            Quantity::AmbientNoise => "Noise of that light",
        },
        figure: format!("{:.places$} ± {:.places$}{unit}", measured.value, measured.deviation),
        allowed: measured.limits.as_ref().map_or_else(
            || "no limits".to_owned(),
            |limits| {
                format!(
                    "{:.places$} to {:.places$}",
                    limits.allowed.start(),
                    limits.allowed.end()
                )
            },
        ),
        side: match side {
            Some(Side::Inside) => "inside",
            Some(Side::Outside) => "OUTSIDE",
            None => "",
        },
    }
}

/// Symbols by lateness: places that hold none are left out.
fn lateness(places: &[u32; 21]) -> String {
    let said: Vec<_> = (0u32..)
        .zip(places)
        .filter(|(_, symbols)| **symbols > 0)
        .map(|(place, symbols)| {
            if place == 20 {
                format!("{symbols} later than 524 ms")
            } else {
                format!("{symbols} below {} µs", 1u32 << place)
            }
        })
        .collect();
    said.join(", ")
}

/// Where the rows of the drawing stand; used by its template.
const RIGHT: u32 = LEFT + WIDTH;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lateness_is_told_by_the_places_that_hold_symbols() {
        let mut places = [0; 21];
        places[0] = 3;
        places[7] = 40;
        places[20] = 1;
        assert_eq!(lateness(&places), "3 below 1 µs, 40 below 128 µs, 1 later than 524 ms");
    }
}
