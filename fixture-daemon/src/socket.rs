//! The socket: HTTP and server-sent events over a Unix socket, so that `curl --unix-socket` is a debugger.

use core::convert::Infallible;
use core::time::Duration;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use blinkup::Tick;
use fixture_link::act::{Act, ActAnswer, ActRequest, RecipeChange};
use fixture_link::bless::BlessEvent;
use fixture_link::problem::Problem;
use fixture_link::study::StudyStep;
use fixture_link::{VERSION, VERSION_HEADER};
use futures_util::{Stream, StreamExt};
use serde::de::DeserializeOwned;
use tokio::net::UnixListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_stream::wrappers::WatchStream;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;

/// The largest request: acts and bless events are small.
const LARGEST: usize = 16 * 1024;

/// A snapshot older than this is not the state: the engine publishes one at least every 500 ms.
const STALE: Duration = Duration::from_millis(1500);

/// The longest tag of a language that is allowed for (RFC 5646, section 4.4.1).
const LONGEST_TAG: usize = 35;

/// How long an act may take to be stored and answered.
const PATIENCE: Duration = Duration::from_secs(4);

/// The newest snapshot, ready to be sent.
#[derive(Debug, Clone)]
pub struct Published {
    /// When it was made.
    pub made: Tick,
    /// The snapshot as JSON.
    pub json: Arc<str>,
}

/// What the socket asks of the engine's driver.
#[derive(Debug)]
pub enum Ask {
    /// An act; the answer comes after it is audited.
    Act(ActRequest, oneshot::Sender<Result<ActAnswer, String>>),
    /// A bless event; answered when the engine has it.
    Bless(BlessEvent, oneshot::Sender<()>),
}

/// What the handlers share.
#[derive(Debug, Clone)]
pub struct Desk {
    /// The clock that `Published::made` is of.
    pub clock: Clock,
    /// The newest snapshot.
    pub newest: watch::Receiver<Published>,
    /// To the engine's driver.
    pub asks: mpsc::Sender<Ask>,
    /// Ends the event streams.
    pub stop: CancellationToken,
}

/// Why the socket could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Another daemon answers there.
    #[error("{}: another daemon is running on this socket: stop it first, or give this fixture another socket", .0.display())]
    Taken(PathBuf),
    /// Something that is not a socket is in the way.
    #[error("{}: is there and is not a socket: expected a path for a socket", .0.display())]
    NotASocket(PathBuf),
    /// The system does not allow it.
    #[error("{}: {what}: {source}", path.display())]
    Failed {
        /// The socket.
        path: PathBuf,
        /// What was being done.
        what: &'static str,
        /// What the system says.
        source: io::Error,
    },
}

/// The socket's file, taken; removed when dropped, if it is still this one.
#[derive(Debug)]
pub struct Socket {
    path: PathBuf,
    inode: (u64, u64),
    listener: UnixListener,
}

impl Socket {
    /// Takes the socket: a file that nobody listens on any more is replaced, one that a daemon listens on is left alone.
    /// Readable and writable by owner and group.
    ///
    /// # Errors
    /// Any [`SocketError`].
    pub fn take(path: &Path) -> Result<Self, SocketError> {
        let failed = |what| {
            move |source| SocketError::Failed {
                path: path.to_owned(),
                what,
                source,
            }
        };
        if let Ok(there) = std::fs::symlink_metadata(path) {
            if !there.file_type().is_socket() {
                return Err(SocketError::NotASocket(path.to_owned()));
            }
            if std::os::unix::net::UnixStream::connect(path).is_ok() {
                return Err(SocketError::Taken(path.to_owned()));
            }
        }
        // Bound beside its place and moved there, so that it is never there with wrong permissions.
        let beside = path.with_extension(format!("{}.new", std::process::id()));
        let _ = std::fs::remove_file(&beside);
        let listener = UnixListener::bind(&beside).map_err(failed("cannot be made"))?;
        // Made by root at the bench, it belongs to whom its folder does: the screen must be able to read it.
        let group = path
            .parent()
            .and_then(|folder| std::fs::metadata(folder).ok())
            .map(|folder| folder.gid());
        if let Err(error) = std::os::unix::fs::chown(&beside, None, group) {
            tracing::debug!("{}: keeps its own group: {error}", beside.display());
        }
        std::fs::set_permissions(&beside, Permissions::from_mode(0o660))
            .and_then(|()| std::fs::rename(&beside, path))
            .map_err(failed("cannot be put in its place"))?;
        let made = std::fs::symlink_metadata(path).map_err(failed("cannot be found again"))?;
        Ok(Self {
            path: path.to_owned(),
            inode: (made.dev(), made.ino()),
            listener,
        })
    }

    /// Serves until `desk.stop` is cancelled; open event streams end then.
    ///
    /// # Errors
    /// The listener failed.
    pub async fn serve(self, desk: Desk) -> io::Result<()> {
        let Self { path, inode, listener } = self;
        let _removed = Removed { path, inode };
        let stop = desk.stop.clone();
        axum::serve(listener, router(desk))
            .with_graceful_shutdown(stop.cancelled_owned())
            .await
    }
}

/// Removes the socket's file at the end.
struct Removed {
    path: PathBuf,
    inode: (u64, u64),
}

impl Drop for Removed {
    fn drop(&mut self) {
        let still = std::fs::symlink_metadata(&self.path).is_ok_and(|there| (there.dev(), there.ino()) == self.inode);
        if still && let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!("{}: cannot be removed: {error}", self.path.display());
        }
    }
}

fn router(desk: Desk) -> Router {
    Router::new()
        .route("/v1/state", get(state))
        .route("/v1/events", get(events))
        .route("/v1/act", post(act))
        .route("/v1/bless", post(bless))
        .fallback(unknown)
        .method_not_allowed_fallback(not_this_way)
        .layer(DefaultBodyLimit::max(LARGEST))
        .layer(from_fn(version))
        .with_state(desk)
}

/// A refusal as the answer.
fn refuse(status: StatusCode, error: impl Into<String>) -> Response {
    (status, axum::Json(Problem { error: error.into() })).into_response()
}

/// Refuses requests of another version, and marks every answer with this one.
async fn version(request: Request, next: Next) -> Response {
    let ours = VERSION.to_string();
    let mut answer = match request.headers().get(VERSION_HEADER) {
        Some(theirs) if theirs.as_bytes() == ours.as_bytes() => next.run(request).await,
        Some(theirs) => refuse(
            StatusCode::CONFLICT,
            format!(
                "this daemon speaks version {ours} of the link, the request speaks version {}: install the same release of both",
                String::from_utf8_lossy(theirs.as_bytes())
            ),
        ),
        None if request.method() == Method::GET => next.run(request).await,
        None => refuse(
            StatusCode::BAD_REQUEST,
            format!("expected the header {VERSION_HEADER}: {ours}"),
        ),
    };
    answer.headers_mut().insert(VERSION_HEADER, HeaderValue::from(VERSION));
    answer
}

async fn state(State(desk): State<Desk>) -> Response {
    let newest = desk.newest.borrow().clone();
    if desk.clock.now().since(newest.made) > STALE {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "the engine does not answer");
    }
    ([(CONTENT_TYPE, "application/json")], newest.json.to_string()).into_response()
}

async fn events(State(desk): State<Desk>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let snapshots = WatchStream::new(desk.newest)
        .map(|newest| Ok(Event::default().data(&*newest.json)))
        .take_until(desk.stop.cancelled_owned());
    Sse::new(snapshots)
}

async fn act(State(desk): State<Desk>, body: Result<Bytes, axum::extract::rejection::BytesRejection>) -> Response {
    let request: ActRequest = match read(body) {
        Ok(request) => request,
        Err(refusal) => return *refusal,
    };
    if let Err(what) = sound(&request) {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, what);
    }
    match ask(&desk, |answer| Ask::Act(request, answer)).await {
        Ok(Ok(answer)) => axum::Json(answer).into_response(),
        Ok(Err(what)) => refuse(StatusCode::INTERNAL_SERVER_ERROR, what),
        Err(refusal) => *refusal,
    }
}

async fn bless(State(desk): State<Desk>, body: Result<Bytes, axum::extract::rejection::BytesRejection>) -> Response {
    let event: BlessEvent = match read(body) {
        Ok(event) => event,
        Err(refusal) => return *refusal,
    };
    if let Err(what) = event.check() {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, what);
    }
    match ask(&desk, |answer| Ask::Bless(event, answer)).await {
        Ok(()) => (StatusCode::ACCEPTED, axum::Json(())).into_response(),
        Err(refusal) => *refusal,
    }
}

/// Reads a body; what is wrong with it comes back with the place.
fn read<T: DeserializeOwned>(
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Result<T, Box<Response>> {
    let body = body.map_err(|rejection| {
        let what = if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            format!("expected at most {LARGEST} bytes")
        } else {
            rejection.body_text()
        };
        Box::new(refuse(rejection.status(), what))
    })?;
    serde_json::from_slice(&body).map_err(|error| Box::new(refuse(StatusCode::BAD_REQUEST, error.to_string())))
}

/// What the types of an act do not check.
fn sound(request: &ActRequest) -> Result<(), String> {
    let text = |name: &str, text: &str, least: usize, most: usize| {
        let letters = text.trim().chars().count();
        let control = text.chars().zip(1..).find(|(letter, _)| letter.is_control());
        let found = match control {
            Some((letter, place)) => format!("a control character ({}) at place {place}", letter.escape_default()),
            None if (least..=most).contains(&letters) => return Ok(()),
            None => letters.to_string(),
        };
        Err(format!(
            "{name}: expected {least} to {most} printable characters, found {found}"
        ))
    };
    text("by", &request.by, 1, 64)?;
    text("from", &request.from, 1, 64)?;
    match &request.act {
        Act::Account {
            name, before, after, ..
        } => text("name", name, 1, 64)
            .and_then(|()| text("before", before, 0, 200))
            .and_then(|()| text("after", after, 0, 200)),
        Act::Start { .. } | Act::GoldenCheck { .. } => Ok(()),
        Act::Stop { reason, .. }
        | Act::Unlock { reason, .. }
        | Act::Quarantine { reason, .. }
        | Act::Dispose { reason, .. }
        | Act::Mark { reason, .. } => text("reason", reason, 1, 200),
        Act::Study { step, reason } => {
            text("reason", reason, 1, 200)?;
            match step {
                StudyStep::Begin(wish) => wish.checked(),
                StudyStep::End | StudyStep::Abandon => Ok(()),
            }
        }
        Act::Shelve { part, minutes, reason } => {
            text("reason", reason, 1, 200)?;
            text("part", part, 1, 64)?;
            if (1..=Act::LONGEST_SHELVED).contains(minutes) {
                Ok(())
            } else {
                Err(format!(
                    "minutes: expected 1 to {}, found {minutes}",
                    Act::LONGEST_SHELVED
                ))
            }
        }
        Act::Recipe { recipe, change, reason } => {
            text("recipe", recipe, 1, 64)?;
            text("reason", reason, 1, 200)?;
            match change {
                RecipeChange::Version(version) => text("version", version, 1, 16),
                RecipeChange::Entries(entries) if (1..=RecipeChange::MOST_ENTRIES).contains(&entries.len()) => entries
                    .iter()
                    .try_for_each(|entry| text("entries", entry, 1, RecipeChange::LONGEST_ENTRY)),
                RecipeChange::Entries(entries) => Err(format!(
                    "entries: expected 1 to {}, found {}",
                    RecipeChange::MOST_ENTRIES,
                    entries.len()
                )),
            }
        }
        Act::Language { language } => {
            let letter = |letter: &u8| letter.is_ascii_alphanumeric() || *letter == b'-';
            if language.len() <= LONGEST_TAG && language.bytes().all(|byte| letter(&byte)) {
                Ok(())
            } else {
                Err(format!(
                    "language: expected a tag of at most {LONGEST_TAG} letters, digits and hyphens, such as de or zh-Hans"
                ))
            }
        }
        Act::Acknowledge { note } => text("note", note, 0, 200),
        Act::Lot { lot } => text("lot", lot, 0, 64),
        Act::WorkOrder { work_order } => text("work_order", work_order, 0, 64),
        Act::Operator { name } => text("name", name, 0, 64),
    }
}

/// Asks the engine's driver and waits for its answer.
async fn ask<A>(desk: &Desk, question: impl FnOnce(oneshot::Sender<A>) -> Ask) -> Result<A, Box<Response>> {
    let (sender, receiver) = oneshot::channel();
    let gone = |()| Box::new(refuse(StatusCode::SERVICE_UNAVAILABLE, "the daemon is stopping"));
    let answer = async {
        let room = desk.asks.reserve().await.map_err(|_| ())?;
        room.send(question(sender));
        receiver.await.map_err(|_| ())
    };
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(answer) => answer.map_err(gone),
        Err(_) => Err(Box::new(refuse(
            StatusCode::SERVICE_UNAVAILABLE,
            "the engine does not answer",
        ))),
    }
}

async fn unknown() -> Response {
    refuse(
        StatusCode::NOT_FOUND,
        "expected GET /v1/state, GET /v1/events, POST /v1/act or POST /v1/bless",
    )
}

async fn not_this_way() -> Response {
    refuse(
        StatusCode::METHOD_NOT_ALLOWED,
        "expected GET for /v1/state and /v1/events, POST for /v1/act and /v1/bless",
    )
}
