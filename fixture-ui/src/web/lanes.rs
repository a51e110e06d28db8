//! The lanes over weeks: their lamps, how late symbols were, how bright the units' LEDs were; and when a lamp will be too weak.

use core::fmt::Write as _;
use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Html;
use fixture_ledger::LedgerError;
use fixture_ledger::capability::{CAPABILITY_LIMIT, Kept};
use fixture_ledger::lane_trend::{LampLimit, LaneTrend, SAMPLE};
use fixture_ledger::record::{Quantity, Scale};
use fixture_ledger::report::Reports;
use fixture_ledger::yields::{By, Scope, Span};
use fixture_link::identity::LaneId;
use jiff::Timestamp;

use super::Sources;
use super::frame::Frame;
use super::period::{Ask, Part};
use super::problem::{Problem, page as rendered};
use super::yields::{Tab, periods, title};

#[derive(Template)]
#[template(path = "lanes.html")]
struct LanesPage {
    frame: Frame,
    ask: Ask,
    title: String,
    periods: Vec<Tab>,
    lanes: Vec<LaneWords>,
}

struct LaneWords {
    lane: u8,
    runs: u64,
    /// What there is to say of its lamp.
    lamp: String,
    /// Whether a person should see to it.
    urgent: bool,
    curves: Vec<Curve>,
    kept: Vec<KeptWords>,
    rows: Vec<RowWords>,
}

/// How well a quantity keeps within its limits.
struct KeptWords {
    name: &'static str,
    cpk: String,
    interval: String,
    mean: String,
    limits: String,
    of: String,
}

/// Of fewer units a capability says too little to be shown.
const LEAST_UNITS: u32 = 30;

struct RowWords {
    name: String,
    lamp: String,
    latest: String,
    led: String,
    ambient: String,
    noise: String,
    lossy: u32,
}

/// A figure over time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Curve {
    name: &'static str,
    unit: &'static str,
    line: String,
    dots: Vec<(u32, u32, String)>,
    /// Where the limit is, and what it is.
    limit: Option<(u32, String)>,
    /// What it is where it is not drawn.
    beyond: String,
    top: String,
    first: String,
    last: String,
}

/// What a figure may be.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Limit {
    at: Option<f64>,
    word: &'static str,
}

impl Limit {
    const NONE: Self = Self { at: None, word: "" };

    const fn least(at: Option<f64>) -> Self {
        Self { at, word: "least" }
    }

    const fn most(at: Option<f64>) -> Self {
        Self { at, word: "most" }
    }
}

const DAY: f64 = 86_400.0e6;

/// `GET /lanes`
pub async fn page(sources: State<Arc<Sources>>, RawQuery(query): RawQuery) -> Result<Html<String>, Problem> {
    let unclear = |what| {
        Problem::unclear(
            &sources,
            what,
            "Correct the address, or start again from the page of lanes.",
        )
    };
    let ask = Ask::of(&sources, query.as_deref().unwrap_or("")).map_err(unclear)?;
    let whole = ask.whole(&sources).map_err(unclear)?;
    let parts = ask.parts(&sources).map_err(unclear)?;
    let (lanes, simulated) = lanes(&sources, &ask, whole, &parts)
        .await
        .map_err(|error| Problem::ledger(&sources, &error))?;
    let frame = Frame::now(&sources, "lanes").with_simulated(simulated);
    rendered(
        &sources,
        &LanesPage {
            frame,
            title: title(&ask),
            periods: periods(&ask, "/lanes"),
            lanes,
            ask,
        },
    )
}

async fn lanes(
    sources: &Sources,
    ask: &Ask,
    whole: Span,
    parts: &[Part],
) -> Result<(Vec<LaneWords>, bool), LedgerError> {
    let reports = Reports::open(&sources.ledger).await?;
    let spans: Vec<Span> = parts.iter().map(|part| part.span).collect();
    let scope = Scope {
        lane: ask.scope.lane,
        ..Scope::default()
    };
    let counted = reports.tallies(&[whole], &scope, By::Lane).await?;
    let since_ever = Span {
        from: 0,
        until: whole.until,
    };
    let mut limits: Vec<LampLimit> = Vec::new();
    // The latest calibration that tells of a lane is the lane's.
    for change in reports.changes(since_ever, 50).await? {
        for told in LampLimit::told(&change.detail) {
            limits.retain(|limit| limit.lane != told.lane);
            limits.push(told);
        }
    }
    let mut lanes = Vec::new();
    for of_lane in &counted {
        let Some(lane) = of_lane.of.parse().ok().and_then(|number| LaneId::new(number).ok()) else {
            continue;
        };
        let trend = reports.lane_trend(lane, &spans).await?;
        let limit = limits.iter().find(|limit| limit.lane == lane);
        let mut words = words(sources, lane, of_lane.tally.runs, parts, &trend, limit);
        let kept = reports.kept_within_limits(whole, lane).await?;
        words.kept = kept.iter().map(kept_words).collect();
        lanes.push(words);
    }
    Ok((lanes, counted.iter().any(|counted| counted.tally.simulated > 0)))
}

fn words(
    sources: &Sources,
    lane: LaneId,
    runs: u64,
    parts: &[Part],
    trend: &[LaneTrend],
    limit: Option<&LampLimit>,
) -> LaneWords {
    let figures = |value: fn(&LaneTrend) -> Option<f64>| -> Vec<(usize, f64)> {
        trend
            .iter()
            .filter_map(|point| value(point).map(|value| (point.span, value)))
            .collect()
    };
    let lamp = figures(|point| point.lamp);
    let least = limit.map(|limit| f64::from(limit.least));
    let (said, urgent) = outlook(sources, parts, &lamp, least);
    let latest = figures(|point| point.latest.map(|latest| latest.as_secs_f64() * 1000.0));
    let led = figures(|point| point.led);
    let ambient = figures(|point| point.ambient);
    let noise = figures(|point| point.noise);
    // The limit of the latest part in which it is known.
    let ambient_limit = trend.iter().rev().find_map(|point| point.ambient_limit);
    let names: Vec<&str> = parts.iter().map(|part| part.long.as_str()).collect();
    LaneWords {
        lane: lane.number(),
        runs,
        lamp: said,
        urgent,
        kept: Vec::new(),
        curves: vec![
            Curve::of("Lamp", "counts", &names, &lamp, Limit::least(least), 0),
            Curve::of("Latest symbol", "ms", &names, &latest, Limit::NONE, 2),
            Curve::of("LED of the units", "of the reference", &names, &led, Limit::NONE, 2),
            Curve::of(
                "Light of the empty nest",
                "counts",
                &names,
                &ambient,
                Limit::most(ambient_limit),
                0,
            ),
            Curve::of("Noise of that light", "counts", &names, &noise, Limit::NONE, 2),
        ],
        rows: trend
            .iter()
            .map(|point| RowWords {
                name: parts.get(point.span).map(|part| part.long.clone()).unwrap_or_default(),
                lamp: point.lamp.map(|lamp| format!("{lamp:.0}")).unwrap_or_default(),
                latest: point
                    .latest
                    .map(|latest| format!("{:.2} ms", latest.as_secs_f64() * 1000.0))
                    .unwrap_or_default(),
                led: point.led.map(|led| format!("{led:.2}")).unwrap_or_default(),
                ambient: point.ambient.map(|light| format!("{light:.0}")).unwrap_or_default(),
                noise: point.noise.map(|noise| format!("{noise:.2}")).unwrap_or_default(),
                lossy: point.lossy,
            })
            .collect(),
    }
}

fn kept_words(kept: &Kept) -> KeptWords {
    let scale = match kept.scale {
        Scale::Counts => " counts",
        Scale::OfReference => " of the reference unit's",
        Scale::Share => "",
    };
    let places = if kept.scale == Scale::Counts { 0 } else { 3 };
    let told = kept.capability.filter(|_| kept.units >= LEAST_UNITS);
    KeptWords {
        name: match kept.what {
            Quantity::LedStrength => "LED strength",
            Quantity::GreenShare => "Green share",
            Quantity::RedDie => "Red die",
            Quantity::GreenDie => "Green die",
            Quantity::Ambient => "Light of the empty nest",
            Quantity::AmbientNoise => "Noise of that light",
        },
        cpk: told.map_or_else(
            || match kept.capability {
                Some(_) => "too few units".to_owned(),
                None => "–".to_owned(),
            },
            |told| format!("{:.2}", told.cpk),
        ),
        interval: told.map_or_else(String::new, |told| {
            format!("{:.2} to {:.2}", told.interval.low, told.interval.high)
        }),
        mean: told.map_or_else(String::new, |told| {
            format!("{:.places$} ± {:.places$}", told.mean, told.deviation)
        }),
        limits: format!("{:.places$} to {:.places$}{scale}", kept.least, kept.most),
        of: match kept.others {
            0 => kept.units.to_string(),
            others => format!("{}; {others} of other limits left out", kept.units),
        },
    }
}

/// What a lamp is and when it will be too weak, from the points since it last became brighter by a fifth (a new one, or a clean one).
fn outlook(sources: &Sources, parts: &[Part], lamp: &[(usize, f64)], least: Option<f64>) -> (String, bool) {
    let Some((_, now)) = lamp.last() else {
        return ("No attempt that loop-back saw.".to_owned(), false);
    };
    let Some(least) = least else {
        return (
            format!("{now:.0} counts. Its limit is not known: no calibration is stored with this ledger."),
            false,
        );
    };
    if *now < least {
        return (
            format!("{now:.0} counts: TOO WEAK, {least:.0} is the least. Clean, aim or replace it."),
            true,
        );
    }
    let begins = lamp
        .windows(2)
        .rposition(|pair| matches!(pair, [(_, before), (_, after)] if *after > before * 1.2))
        .map_or(0, |place| place + 1);
    let points: Vec<(f64, f64)> = lamp
        .iter()
        .skip(begins)
        .filter_map(|(part, value)| {
            #[expect(clippy::cast_precision_loss, reason = "microseconds of a date, to be read as days")]
            parts.get(*part).map(|part| (part.span.from as f64 / DAY, *value))
        })
        .collect();
    let plain = format!("{now:.0} counts; {least:.0} is the least.");
    let Some(line) = Line::through(&points).filter(|line| line.falls()) else {
        return (format!("{plain} It does not fall."), false);
    };
    let day = (least - line.at_zero) / line.slope;
    #[expect(clippy::cast_possible_truncation, reason = "a date in microseconds")]
    let date = Timestamp::from_microsecond((day * DAY) as i64)
        .ok()
        .map(|at| at.to_zoned(sources.shifts.zone().clone()).date());
    // From the last point on: a period of long ago is looked at as it was.
    let left = day - points.last().map_or(day, |(last, _)| *last);
    match date {
        Some(date) => (
            format!(
                "{plain} It loses {:.1} % a week and will reach that about {date}.",
                -line.slope * 700.0 / now
            ),
            left < 14.0,
        ),
        None => (plain, false),
    }
}

/// A straight line through points, by least squares.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Line {
    slope: f64,
    at_zero: f64,
    /// The slope's standard error.
    error: f64,
}

impl Line {
    #[expect(clippy::cast_precision_loss, reason = "some hundred points")]
    fn through(points: &[(f64, f64)]) -> Option<Self> {
        if points.len() < 4 {
            return None;
        }
        let count = points.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
        let (mean_x, mean_y) = (mean(|point| point.0), mean(|point| point.1));
        let spread: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
        if spread <= 0.0 {
            return None;
        }
        let slope = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum::<f64>() / spread;
        let at_zero = mean_y - slope * mean_x;
        let left: f64 = points.iter().map(|(x, y)| (y - at_zero - slope * x).powi(2)).sum();
        Some(Self {
            slope,
            at_zero,
            error: (left / (count - 2.0) / spread).sqrt(),
        })
    }

    /// Whether it falls by more than chance would have it: three standard errors.
    fn falls(self) -> bool {
        self.slope < -3.0 * self.error && self.slope < 0.0
    }
}

impl Curve {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "places in a drawing"
    )]
    fn of(
        name: &'static str,
        unit: &'static str,
        names: &[&str],
        points: &[(usize, f64)],
        limit: Limit,
        places: usize,
    ) -> Self {
        let highest = points.iter().map(|(_, value)| *value).fold(0.0, f64::max);
        // A limit far above everything that is allowed up to it is told, and not drawn: the curve would be a line along the bottom.
        let drawn = limit.at.filter(|at| limit.word == "least" || *at <= 3.0 * highest);
        let top = drawn.map_or(highest, |at| at.max(highest)).max(f64::MIN_POSITIVE);
        let step = f64::from(WIDTH) / names.len().max(1) as f64;
        let y = |value: f64| ((1.0 - value / (top * 1.08)) * f64::from(HEIGHT)) as u32;
        let mut curve = Self {
            name,
            unit,
            limit: drawn.map(|at| (y(at), format!("{} {at:.places$}", limit.word))),
            beyond: match (limit.at, drawn) {
                (Some(at), None) => format!("{} {at:.places$}: above the drawing", limit.word),
                _ => String::new(),
            },
            top: format!("{top:.places$}"),
            first: names.first().copied().unwrap_or_default().to_owned(),
            last: names.last().copied().unwrap_or_default().to_owned(),
            ..Self::default()
        };
        for (part, value) in points {
            let (px, py) = (((*part as f64 + 0.5) * step) as u32, y(*value));
            let word = if curve.line.is_empty() { 'M' } else { 'L' };
            // Writing to a String cannot fail.
            let _written = write!(curve.line, "{word}{px} {py}");
            let name = names.get(*part).copied().unwrap_or_default();
            curve.dots.push((px, py, format!("{name}: {value:.places$} {unit}")));
        }
        curve
    }
}

/// Size of a curve's plot.
const WIDTH: u32 = 400;
const HEIGHT: u32 = 110;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_falls_only_where_its_points_say_so() {
        let falling: Vec<(f64, f64)> = (0..20)
            .map(|day| (f64::from(day), 2400.0 - 8.0 * f64::from(day) + f64::from(day % 3)))
            .collect();
        let line = Line::through(&falling).unwrap();
        assert!(line.falls());
        assert!((line.slope + 8.0).abs() < 0.1, "{line:?}");
        let noisy: Vec<(f64, f64)> = (0..20)
            .map(|day| (f64::from(day), 2400.0 + 30.0 * f64::from(day * 7 % 5)))
            .collect();
        assert!(!Line::through(&noisy).unwrap().falls());
        assert_eq!(Line::through(&falling[..3]), None);
    }
}
