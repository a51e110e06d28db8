//! The fixture's figures for a Prometheus server: what the daemon says now, and what the ledger counts.
//!
//! Units and their serials are never in it.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use fixture_ledger::LedgerError;
use fixture_ledger::report::{CodeCount, Reports, YieldSummary};
use fixture_link::snapshot::Snapshot;
use fixture_link::verdict::Outcome;
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::Sources;
use super::problem::Problem;
use crate::view::standing::Standing;
use crate::view::wording;

/// The media type of what is sent (`OpenMetrics` 1.0, "Text format").
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Labels = Vec<(&'static str, String)>;
type Gauges = Family<Labels, Gauge<f64, AtomicU64>>;
type Counters = Family<Labels, Counter>;

/// What the ledger counts, of all its time.
struct Counted {
    runs: YieldSummary,
    failures: Vec<CodeCount>,
}

/// `GET /metrics`
pub async fn figures(sources: State<Arc<Sources>>) -> Result<Response, Problem> {
    let counted = counted(&sources).await;
    if let Err(error) = &counted {
        tracing::warn!("metrics without the ledger's counts: {error}");
    }
    let registry = {
        let heard = sources.newest.borrow();
        registry(
            &sources.fixture,
            heard.standing(sources.clock.now()),
            counted.as_ref().ok(),
        )
    };
    let mut page = String::new();
    match text::encode(&mut page, &registry) {
        Ok(()) => Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], page).into_response()),
        Err(error) => Err(Problem::broken(&sources, &error)),
    }
}

async fn counted(sources: &Sources) -> Result<Counted, LedgerError> {
    let (runs, failures) = Reports::open(&sources.ledger).await?.totals().await?;
    Ok(Counted { runs, failures })
}

/// All figures. What is not known now is left out: an old figure is never given as one of now.
fn registry(fixture: &str, standing: Standing<'_>, counted: Option<&Counted>) -> Registry {
    let mut registry = Registry::with_prefix("blinkup");
    let live = match standing {
        Standing::Live(snapshot) => Some(snapshot),
        Standing::Gone { .. } => None,
    };
    let name = || vec![("fixture", fixture.to_owned())];
    gauges(
        &mut registry,
        "daemon_up",
        "1 while the daemon says what its lanes do, 0 when it is silent",
        [(name(), is(live.is_some()))],
    );
    gauges(
        &mut registry,
        "ledger_readable",
        "1 if the results could be read",
        [(name(), is(counted.is_some()))],
    );
    if let Some(snapshot) = live {
        now(&mut registry, snapshot);
    }
    if let Some(counted) = counted {
        so_far(&mut registry, counted);
    }
    registry
}

/// What the daemon says now.
fn now(registry: &mut Registry, snapshot: &Snapshot) {
    let of = |label, value: &str| vec![(label, value.to_owned())];
    let fixture = &snapshot.fixture;
    let about = vec![
        ("id", fixture.id.clone()),
        ("software", fixture.software.clone()),
        ("recipe", fixture.recipe.clone()),
        ("recipe_version", fixture.recipe_version.clone()),
        ("simulated", fixture.simulated.to_string()),
    ];
    gauges(registry, "fixture", "Always 1; what the fixture is", [(about, 1.0)]);
    let stop = snapshot.line.stopped.as_ref();
    let code = stop.map_or("", |stop| stop.code.map_or("person", |code| code.as_str()));
    gauges(
        registry,
        "line_stopped",
        "1 while no lane starts a run; the code that stopped the line, or a person",
        [(of("code", code), is(stop.is_some()))],
    );
    let lanes = snapshot.lanes.iter().map(|lane| {
        let labels = vec![
            ("lane", lane.lane.to_string()),
            ("state", lane.state.as_str().to_owned()),
        ];
        (labels, 1.0)
    });
    gauges(registry, "lane_state", "1 for the state that each lane is in", lanes);
    let notices = snapshot.notices.iter().map(|notice| (of("part", &notice.part), 1.0));
    gauges(
        registry,
        "notice",
        "1 for each part that a person should see to",
        notices,
    );
    gauges(
        registry,
        "real_time_rights",
        "1 if the sender has real-time priority",
        [(Vec::new(), is(!fixture.without_real_time))],
    );
    gauges(
        registry,
        "clock_synchronised",
        "1 if the wall clock is known to be right",
        [(Vec::new(), is(snapshot.at.synchronised))],
    );
    let machine = &snapshot.machine;
    for (name, help, value) in [
        (
            "processor_celsius",
            "Temperature of the processor",
            machine.celsius.map(f64::from),
        ),
        (
            "supply_under_voltage",
            "1 while the supply's voltage is too low",
            machine.under_voltage.map(is),
        ),
        (
            "processor_slowed",
            "1 while the firmware holds the processor back",
            machine.slowed.map(is),
        ),
        (
            "card_life_used_ratio",
            "Life of the most worn memory card that is used up; 1.1 for more than all of it",
            machine.card_worn.map(|percent| f64::from(percent) / 100.0),
        ),
    ] {
        gauges(registry, name, help, value.map(|value| (Vec::new(), value)));
    }
}

/// What the ledger counts.
fn so_far(registry: &mut Registry, counted: &Counted) {
    let runs = Outcome::ALL.map(|outcome| {
        let labels = vec![("outcome", outcome.as_str().to_owned())];
        (labels, counted.runs.with(outcome))
    });
    counters(registry, "runs", "Runs with a verdict, by outcome", runs);
    counters(
        registry,
        "simulated_runs",
        "Of these, runs on a simulated jig",
        [(Vec::new(), counted.runs.simulated)],
    );
    let failures = counted.failures.iter().map(|count| {
        let labels = vec![
            ("code", count.code.as_str().to_owned()),
            ("class", wording::class(count.class).to_owned()),
        ];
        (labels, count.runs)
    });
    counters(
        registry,
        "failures",
        "Runs that did not pass, by verdict code and class",
        failures,
    );
}

/// A fact as a figure.
fn is(so: bool) -> f64 {
    if so { 1.0 } else { 0.0 }
}

fn gauges(registry: &mut Registry, name: &str, help: &str, values: impl IntoIterator<Item = (Labels, f64)>) {
    let family = Gauges::default();
    for (labels, value) in values {
        family.get_or_create(&labels).set(value);
    }
    registry.register(name, help, family);
}

fn counters(registry: &mut Registry, name: &str, help: &str, values: impl IntoIterator<Item = (Labels, u64)>) {
    let family = Counters::default();
    for (labels, value) in values {
        family.get_or_create(&labels).inc_by(value);
    }
    registry.register(name, help, family);
}
