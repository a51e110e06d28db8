//! The dashboard: pages made on the server, on a loopback address, that only read.
//!
//! Only the webhook for bless events ([`bless`]) hands something on, and only what is signed.
//!
//! Live pages come from the daemon's newest snapshot, history from the ledger (opened read-only), so that history is there while
//! the daemon is not.

pub mod about;
pub mod assets;
pub mod bless;
pub mod chart;
pub mod day;
pub mod failures;
pub mod frame;
pub mod guard;
pub mod histogram;
pub mod lanes;
pub mod light;
pub mod link;
pub mod list;
pub mod live;
pub mod metrics;
pub mod oee;
pub mod period;
pub mod problem;
pub mod replays;
pub mod run;
pub mod runs;
pub mod shift;
pub mod shift_report;
#[cfg(test)]
mod tests;
pub mod today;
pub mod unit;
pub mod what_if;
pub mod what_if_rules;
pub mod yields;

pub mod api;
pub mod asked;
pub mod export;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use embedded_graphics::geometry::Size;
use fixture_link::client::Client;
use fixture_link::settings::{Screen, Settings, Shifts};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;

use self::problem::Problem;
use self::replays::Replays;
use crate::clock::Clock;
use crate::screen;
use crate::view::View;
use crate::view::language::Languages;
use crate::view::standing::Heard;

/// What every page is made from.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The fixture's name, from the configuration.
    pub fixture: String,
    /// The newest that was heard from the daemon.
    pub newest: watch::Receiver<Heard>,
    /// The clocks.
    pub clock: Clock,
    /// Whose days, shifts and hours the pages speak of.
    pub shifts: Shifts,
    /// The ledger's file.
    pub ledger: PathBuf,
    /// The size of the local display's frames in pixels.
    pub screen: Size,
    /// What the local display speaks.
    pub languages: Languages,
    /// This shift in figures.
    pub shift: shift::Cached,
    /// Where the engine is that judges stored runs by other rules.
    pub replays: Replays,
    /// Ends open event streams, which would otherwise hold up the end of the service.
    pub ended: CancellationToken,
}

/// The pages cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is not a loopback address: the pages know no login.
    #[error("{0}: expected a loopback address, since the pages know no login")]
    NotLoopback(SocketAddr),
    /// The address cannot be bound.
    #[error("{bind}: cannot be bound: {source}")]
    Bind {
        /// The address.
        bind: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The webhook's key cannot be used.
    #[error("ui.web.bless: {0}")]
    Key(#[from] bless::BadKey),
    /// The server ended by itself.
    #[error("server: {0}")]
    Server(io::Error),
}

/// Serves the pages until `ended`.
///
/// # Errors
/// The address is not a loopback address, or cannot be bound; or the webhook has no key.
pub async fn serve(
    settings: &Settings,
    replays: Replays,
    newest: watch::Receiver<Heard>,
    clock: Clock,
    ended: CancellationToken,
) -> Result<(), ServeError> {
    let bind = settings.web.bind;
    if !bind.ip().is_loopback() {
        return Err(ServeError::NotLoopback(bind));
    }
    let listener = tokio::net::TcpListener::bind(bind)
        .await
        .map_err(|source| ServeError::Bind { bind, source })?;
    tracing::info!("pages at http://{bind}/");
    let sources = Sources {
        fixture: settings.name.clone(),
        newest,
        clock,
        shifts: settings.shifts.clone(),
        ledger: settings.ledger.clone(),
        screen: frame_size(settings.screen.as_ref()),
        // What is wrong with the files is told by the process that draws the display.
        languages: crate::languages::read(&settings.tongue).0,
        shift: shift::Cached::default(),
        replays,
        ended: ended.clone(),
    };
    let mut router = router(sources);
    if let Some(bless) = &settings.web.bless {
        let hook = bless::Hook::new(&bless.key_file, Client::new(&settings.socket), clock)?;
        router = router.route(bless::PATH, hook.route());
        tracing::info!("bless events at http://{bind}{}", bless::PATH);
    }
    axum::serve(listener, router)
        .with_graceful_shutdown(ended.cancelled_owned())
        .await
        .map_err(ServeError::Server)
}

/// The size of the frames as far as the configuration tells it: a framebuffer's is known to the process that draws on it; the official
/// 7-inch screen's stands for it.
fn frame_size(screen: Option<&Screen>) -> Size {
    let told = screen.map(|screen| screen.size().unwrap_or((800, 480)));
    told.map_or(screen::SMALL, |(width, height)| Size::new(width, height))
}

/// Every address of the dashboard.
pub fn router(sources: Sources) -> Router {
    Router::new()
        .route("/", get(live::page))
        .route("/events", get(live::events))
        .route("/today", get(today::page))
        .route("/yield", get(yields::page))
        .route("/failures", get(failures::page))
        .route("/lanes", get(lanes::page))
        .route(shift_report::PATH, get(shift_report::page))
        .route("/what-if", get(what_if::page))
        .route("/what-if/rules", get(what_if_rules::page))
        .route("/about", get(about::page))
        .route("/runs", get(runs::page))
        .route("/runs/{id}", get(run::page))
        .route("/units/{serial}", get(unit::page))
        .route("/metrics", get(metrics::figures))
        .route("/screen.png", get(screen_png))
        .route("/fixture.css", get(assets::style))
        .route("/live.js", get(assets::script))
        .route("/export", get(export::page))
        .route("/export/runs.csv", get(export::csv))
        .route("/export/runs.jsonl", get(export::json_lines))
        .route("/export/records.jsonl", get(export::records))
        .nest(api::PATH, api::router())
        .route("/api/v1/", get(api::nothing_here))
        .fallback(problem::no_page)
        .method_not_allowed_fallback(problem::only_reading)
        .layer(axum::middleware::from_fn(guard::guard))
        .layer(CompressionLayer::new())
        .with_state(Arc::new(sources))
}

/// The frame that the local display shows, drawn from the same view, in its language. The code for the first administrator is not on it: whoever
/// reads that stands at the fixture.
async fn screen_png(sources: axum::extract::State<Arc<Sources>>) -> Result<Response, Problem> {
    let view = View::of_line(&sources.newest.borrow(), sources.clock.now(), &sources.languages);
    match screen::frame(&view, sources.screen).png() {
        Ok(png) => Ok(([(header::CONTENT_TYPE, "image/png")], png).into_response()),
        Err(error) => Err(Problem::broken(&sources, &error)),
    }
}
