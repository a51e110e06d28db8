//! Other limits of the LED against what was measured of past units: which verdicts would have been others, before anyone changes anything.

use core::ops::RangeInclusive;
use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Html;
use fixture_ledger::record::{Limits, Measurement, Quantity, Scale, Side};
use fixture_ledger::report::Reports;
use fixture_ledger::what_if::{MEASURED_LIMIT, MeasuredRun};
use fixture_link::verdict::VerdictCode;

use super::Sources;
use super::frame::Frame;
use super::link;
use super::list::instant;
use super::period::Ask;
use super::problem::{Problem, page as rendered};
use super::yields::{Tab, periods, title};

/// The most units that are named one by one.
const NAMED: usize = 100;

/// Bars of a distribution.
const BARS: usize = 40;

const FIELDS: [&str; 4] = ["strength_least", "strength_most", "share_least", "share_most"];

#[derive(Template)]
#[template(path = "what_if.html")]
struct WhatIfPage {
    frame: Frame,
    ask: Ask,
    title: String,
    periods: Vec<Tab>,
    looked_at: usize,
    all: bool,
    scale: &'static str,
    asked: bool,
    fails: usize,
    passes: usize,
    flips: Vec<FlipWords>,
    spreads: Vec<Spread>,
}

struct FlipWords {
    link: String,
    serial: String,
    unit: String,
    seated: String,
    was: &'static str,
    would: &'static str,
    why: String,
}

/// How a figure is distributed.
struct Spread {
    name: &'static str,
    bars: Vec<(usize, u64, String)>,
    /// Where limits are, from the left.
    limits: Vec<u64>,
    first: String,
    last: String,
}

/// The limits that are tried.
struct Tried {
    strength: Option<RangeInclusive<f32>>,
    share: Option<RangeInclusive<f32>>,
}

/// `GET /what-if`
pub async fn page(sources: State<Arc<Sources>>, RawQuery(query): RawQuery) -> Result<Html<String>, Problem> {
    let unclear = |what| Problem::unclear(&sources, what, "Correct the address, or start again from the page.");
    let ask = Ask::with(&sources, query.as_deref().unwrap_or(""), &FIELDS).map_err(unclear)?;
    let whole = ask.whole(&sources).map_err(unclear)?;
    let tried = Tried {
        strength: range(&ask, "strength_least", "strength_most").map_err(unclear)?,
        share: range(&ask, "share_least", "share_most").map_err(unclear)?,
    };
    let ledger = |error| Problem::ledger(&sources, &error);
    let reports = Reports::open(&sources.ledger).await.map_err(ledger)?;
    let runs = reports
        .measured(whole, ask.scope.lane, ask.scope.lot.as_deref())
        .await
        .map_err(ledger)?;
    let flips: Vec<(&MeasuredRun, VerdictCode, String)> = runs
        .iter()
        .filter_map(|run| {
            let (would, why) = tried.judge(run)?;
            (would != run.code).then_some((run, would, why))
        })
        .collect();
    let fails = flips.iter().filter(|(_, would, _)| *would != VerdictCode::Ok).count();
    let strength = |run: &MeasuredRun| measured(run, Quantity::LedStrength).map(|measurement| measurement.value);
    let share = |run: &MeasuredRun| measured(run, Quantity::GreenShare).map(|measurement| measurement.value);
    let frame = Frame::now(&sources, "what-if").with_simulated(runs.iter().any(|run| run.simulated));
    rendered(
        &sources,
        &WhatIfPage {
            frame,
            title: title(&ask),
            periods: periods(&ask, "/what-if"),
            looked_at: runs.len(),
            all: runs.len() < MEASURED_LIMIT as usize,
            scale: scale(&runs),
            asked: tried.strength.is_some() || tried.share.is_some(),
            fails,
            passes: flips.len() - fails,
            flips: flips
                .iter()
                .take(NAMED)
                .map(|(run, would, why)| flip_words(&sources, run, *would, why))
                .collect(),
            spreads: [
                Spread::of("Strength", runs.iter().filter_map(strength), tried.strength.as_ref()),
                Spread::of("Green share", runs.iter().filter_map(share), tried.share.as_ref()),
            ]
            .into_iter()
            .flatten()
            .collect(),
            ask,
        },
    )
}

/// Limits as two fields give them; one may be left out.
fn range(ask: &Ask, least: &str, most: &str) -> Result<Option<RangeInclusive<f32>>, String> {
    let figure = |name: &str| {
        let text = ask.field(name);
        if text.is_empty() {
            return Ok(None);
        }
        text.replace(',', ".")
            .parse::<f32>()
            .ok()
            .filter(|figure| figure.is_finite() && *figure >= 0.0)
            .map(Some)
            .ok_or_else(|| format!("{name}: {text:?}: expected a figure such as 0.5"))
    };
    let (from, to) = (figure(least)?, figure(most)?);
    if from.is_none() && to.is_none() {
        return Ok(None);
    }
    let (from, to) = (from.unwrap_or(0.0), to.unwrap_or(f32::MAX));
    if from > to {
        return Err(format!(
            "{most}: {to} is less than {from}; expected at least as much as {least}"
        ));
    }
    Ok(Some(from..=to))
}

fn measured(run: &MeasuredRun, what: Quantity) -> Option<&Measurement> {
    run.measurements.iter().find(|measurement| measurement.what == what)
}

impl Tried {
    /// What the verdict would be; `None` where what is limited was not measured.
    fn judge(&self, run: &MeasuredRun) -> Option<(VerdictCode, String)> {
        let mut outside = Vec::new();
        for (what, name, allowed) in [
            (Quantity::LedStrength, "strength", &self.strength),
            (Quantity::GreenShare, "green share", &self.share),
        ] {
            let Some(allowed) = allowed else { continue };
            let figure = measured(run, what)?;
            if Limits::weigh(allowed.clone(), figure.value, figure.deviation).side == Side::Outside {
                outside.push(format!("{name} {:.3} ± {:.3}", figure.value, figure.deviation));
            }
        }
        if self.strength.is_none() && self.share.is_none() {
            return None;
        }
        Some(if outside.is_empty() {
            (VerdictCode::Ok, "inside of the limits".to_owned())
        } else {
            (VerdictCode::LedOutOfLimits, outside.join(", "))
        })
    }
}

/// In what strength was measured.
fn scale(runs: &[MeasuredRun]) -> &'static str {
    let scales: Vec<Scale> = runs
        .iter()
        .filter_map(|run| measured(run, Quantity::LedStrength))
        .map(|measurement| measurement.scale)
        .collect();
    match (scales.contains(&Scale::OfReference), scales.contains(&Scale::Counts)) {
        (true, true) => {
            "partly of the reference unit's, partly in counts: choose a lane or a period in which it is one of them"
        }
        (false, true) => "in counts",
        (_, _) => "of the reference unit's",
    }
}

fn flip_words(sources: &Sources, run: &MeasuredRun, would: VerdictCode, why: &str) -> FlipWords {
    let serial = run
        .serial
        .as_ref()
        .map(|serial| serial.as_str().to_owned())
        .unwrap_or_default();
    FlipWords {
        link: format!("/runs/{}", run.run),
        unit: link::unit(&serial),
        serial,
        seated: instant(sources, run.seated),
        was: run.code.outcome().as_str(),
        would: would.outcome().as_str(),
        why: why.to_owned(),
    }
}

impl Spread {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "places in a drawing"
    )]
    fn of(
        name: &'static str,
        figures: impl Iterator<Item = f32>,
        limits: Option<&RangeInclusive<f32>>,
    ) -> Option<Self> {
        let figures: Vec<f32> = figures.collect();
        let least = figures.iter().copied().fold(f32::INFINITY, f32::min);
        let most = figures.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        if figures.is_empty() {
            return None;
        }
        let width = (most - least).max(f32::MIN_POSITIVE) / BARS as f32;
        let mut counts = [0_u64; BARS];
        for figure in &figures {
            let place = (((figure - least) / width) as usize).min(BARS - 1);
            if let Some(count) = counts.get_mut(place) {
                *count += 1;
            }
        }
        let highest = counts.iter().copied().max().unwrap_or(1).max(1);
        Some(Self {
            name,
            bars: counts
                .iter()
                .enumerate()
                .map(|(place, count)| {
                    let from = least + width * place as f32;
                    (
                        place,
                        count * 100 / highest,
                        format!("{from:.3} to {:.3}: {count} units", from + width),
                    )
                })
                .collect(),
            limits: limits
                .into_iter()
                .flat_map(|limits| [*limits.start(), *limits.end()])
                .filter(|limit| (least..=most).contains(limit))
                .map(|limit| ((limit - least) / width * 10.0) as u64)
                .collect(),
            first: format!("{least:.2}"),
            last: format!("{most:.2}"),
        })
    }
}
