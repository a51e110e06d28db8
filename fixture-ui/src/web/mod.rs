//! The dashboard: pages made on the server, at the line on a loopback address and for the network encrypted. What a page is asked by GET changes
//! nothing; what people do ([`acts`]) goes to the daemon, accounts ([`accounts`]) are kept here.
//!
//! The webhook for bless events ([`bless`]) hands on what is signed.
//!
//! Live pages come from the daemon's newest snapshot, history from the ledger (opened read-only), so that history is there while
//! the daemon is not.

pub mod about;
pub mod accounts;
pub mod acts;
pub mod assets;
pub mod audit;
pub mod bless;
pub mod chart;
pub mod day;
pub mod door;
pub mod failures;
pub mod frame;
pub mod guard;
pub mod histogram;
pub mod lanes;
pub mod light;
pub mod link;
pub mod list;
pub mod live;
pub mod log_in;
pub mod metrics;
pub mod oee;
pub mod period;
pub mod posted;
pub mod problem;
pub mod recipes;
pub mod replays;
pub mod routes;
pub mod run;
pub mod runs;
pub mod shift;
pub mod shift_report;
pub mod study;
pub mod study_chart;
#[cfg(test)]
mod tests;
pub mod today;
pub mod unit;
pub mod visitor;
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
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use embedded_graphics::geometry::Size;
use fixture_ledger::people::{People, PeopleError};
use fixture_link::client::Client;
use fixture_link::settings::{Lots, Screen, Settings, Shifts};
use fixture_link::study::Criteria;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;

use self::door::Door;
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
    /// The lots and work orders that have a recipe of their own.
    pub lots: Lots,
    /// The ledger's file.
    pub ledger: PathBuf,
    /// The size of the local display's frames in pixels.
    pub screen: Size,
    /// What the local display speaks.
    pub languages: Languages,
    /// This shift in figures.
    pub shift: shift::Cached,
    /// Whether the fixture has passed its gauge study.
    pub study: study::Cached,
    /// What a gauge study has to show.
    pub criteria: Criteria,
    /// Where the engine is that judges stored runs by other rules.
    pub replays: Replays,
    /// The accounts; `None` where they cannot be read: then nobody can log in, and pages at the line go on.
    pub people: Option<Arc<People>>,
    /// The daemon, for what people do.
    pub daemon: Client,
    /// The file with the code for the first administrator.
    pub setup_code: PathBuf,
    /// Through which door this is asked for.
    pub door: Door,
    /// Ends open event streams, which would otherwise hold up the end of the service.
    pub ended: CancellationToken,
}

/// The pages cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The line's address is not a loopback address.
    #[error("{0}: expected a loopback address, since nothing is encrypted there")]
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
    /// The certificate for the network cannot be used.
    #[error("ui.web.network: {0}")]
    Network(#[from] door::DoorError),
    /// The server ended by itself.
    #[error("server: {0}")]
    Server(io::Error),
}

/// Serves the pages until `ended`.
///
/// # Errors
/// An address cannot be bound, or the line's is not a loopback address; the webhook has no key, or the network no certificate.
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
    tracing::info!("pages at the line at http://{bind}/");
    let sources = Sources {
        fixture: settings.name.clone(),
        newest,
        clock,
        lots: settings.lots.clone(),
        shifts: settings.shifts.clone(),
        ledger: settings.ledger.clone(),
        screen: frame_size(settings.screen.as_ref()),
        // What is wrong with the files is told by the process that draws the display.
        languages: crate::languages::read(&settings.tongue).0,
        shift: shift::Cached::default(),
        study: study::Cached::default(),
        criteria: settings.study,
        replays,
        people: people(settings).await,
        daemon: Client::new(&settings.socket),
        setup_code: settings.web.setup_code_file(),
        door: Door::Line,
        ended: ended.clone(),
    };
    let hook = match &settings.web.bless {
        None => None,
        Some(bless) => {
            let hook = bless::Hook::new(&bless.key_file, Client::new(&settings.socket), clock)?;
            tracing::info!("bless events at {}", bless::PATH);
            Some(Arc::new(hook))
        }
    };
    let with_hook = |router: Router| match &hook {
        None => router,
        Some(hook) => router.route(bless::PATH, bless::route(Arc::clone(hook))),
    };
    let at_line = with_hook(router(sources.clone()));
    let line = async {
        axum::serve(listener, at_line)
            .with_graceful_shutdown(ended.clone().cancelled_owned())
            .await
            .map_err(ServeError::Server)
    };
    let Some(network) = &settings.web.network else {
        return line.await;
    };
    let encryption = door::encryption(&settings.web, network)?;
    let from_network = with_hook(router(Sources {
        door: Door::Network,
        ..sources
    }));
    let handle = axum_server::Handle::new();
    let bind = network.bind;
    // Bound here, so that an address that is taken is told as such.
    let listener = std::net::TcpListener::bind(bind)
        .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
        .map_err(|source| ServeError::Bind { bind, source })?;
    tracing::info!("pages for the network at {}", door::address(network));
    let network = async {
        let service = from_network.into_make_service_with_connect_info::<SocketAddr>();
        axum_server::from_tcp_rustls(listener, encryption)
            .map_err(ServeError::Server)?
            .handle(handle.clone())
            .serve(service)
            .await
            .map_err(ServeError::Server)
    };
    let ending = async {
        ended.cancelled().await;
        handle.graceful_shutdown(Some(ENDS_WITHIN));
        Ok(())
    };
    // Whichever door breaks, the service ends, and says so.
    tokio::try_join!(line, network, ending).map(|_| ())
}

/// How long answers to the network may still take when the service ends.
const ENDS_WITHIN: core::time::Duration = core::time::Duration::from_secs(2);

/// Opens the accounts, and has a setup code ready as long as there is no administrator.
async fn people(settings: &Settings) -> Option<Arc<People>> {
    let opened = async {
        let people = People::open(&settings.web.people_file()).await?;
        let code = settings.web.setup_code_file();
        if people.has_admin().await? {
            // Left by a process that was ended between making the administrator and taking the code away.
            if let Err(error) = std::fs::remove_file(&code)
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::error!("{}: {error}", code.display());
            }
        } else {
            if !code.exists() {
                let drawn = fixture_ledger::people::setup_code()?;
                if let Err(error) = door::write(&code, 0o640, &format!("{}\n", drawn.tell())) {
                    tracing::error!("{error}");
                }
            }
            let told = std::fs::read_to_string(&code).unwrap_or_default();
            tracing::warn!(
                "this fixture has no administrator: make one at /setup with the setup code {}",
                told.trim()
            );
        }
        Ok::<_, PeopleError>(people)
    };
    match opened.await {
        Ok(people) => Some(Arc::new(people)),
        Err(error) => {
            tracing::error!("nobody can log in: {error}");
            None
        }
    }
}

/// The size of the frames as far as the configuration tells it: a framebuffer's is known to the process that draws on it; the official
/// 7-inch screen's stands for it.
fn frame_size(screen: Option<&Screen>) -> Size {
    let told = screen.map(|screen| screen.size().unwrap_or((800, 480)));
    told.map_or(screen::SMALL, |(width, height)| Size::new(width, height))
}

/// Every address of the dashboard, as it is answered at the door of `sources`.
pub fn router(sources: Sources) -> Router {
    let door = sources.door;
    let sources = Arc::new(sources);
    let mut router = Router::new();
    for route in routes::all() {
        router = router.route(route.path, route.guarded(&sources));
    }
    router
        .nest(api::PATH, api::router())
        .route("/api/v1/", get(api::nothing_here))
        .fallback(problem::no_page)
        .method_not_allowed_fallback(problem::another_method)
        .layer(from_fn_with_state(Arc::clone(&sources), visitor::settle))
        .layer(from_fn_with_state(door, guard::guard))
        .layer(CompressionLayer::new())
        .with_state(sources)
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
