//! The client: one Unix socket, one connection a request, everything bounded in time and size.
//!
//! Every method must be awaited inside a tokio runtime that has I/O and time enabled. Nothing is spawned.

use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::time::Duration;
use std::io;
use std::path::{Path, PathBuf};

use futures_util::future::{Fuse, FutureExt};
use futures_util::stream::{self, Stream};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::act::{ActAnswer, ActRequest};
use crate::bless::BlessEvent;
use crate::problem::Problem;
use crate::snapshot::Snapshot;
use crate::{VERSION, VERSION_HEADER};

/// How long an answer may take. An act is answered after its audit record is synced to disk.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the event stream may be silent. The daemon sends at least every 500 ms; a viewer must say "stopped" within 2 s.
const SILENCE: Duration = Duration::from_millis(1500);

/// The largest message: eight lanes with ten seconds of light each stay far below it.
const LARGEST: usize = 1 << 20;

/// A client of one daemon. Cheap to clone; holds no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    socket: PathBuf,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Nobody listens on the socket.
    #[error("the fixture is not running: nobody listens on {}", socket.display())]
    NotRunning {
        /// The socket.
        socket: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The socket is there, but this user may not use it.
    #[error("{}: no permission: this user has to be in the group of the socket", socket.display())]
    NotAllowed {
        /// The socket.
        socket: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The daemon speaks another version of the messages.
    #[error(
        "the daemon speaks version {theirs} of the link, this program speaks version {ours}: install the same release of both"
    )]
    OtherVersion {
        /// This program's version.
        ours: u32,
        /// The daemon's version, as it wrote it; `none` when it named none.
        theirs: String,
    },
    /// The answer cannot be read.
    #[error("{path}: bad message: {what}")]
    BadMessage {
        /// What was asked for.
        path: &'static str,
        /// What is wrong with the answer.
        what: String,
    },
    /// The daemon does not accept the request.
    #[error("{path}: refused ({status}): {why}")]
    Refused {
        /// What was asked for.
        path: &'static str,
        /// The HTTP status.
        status: u16,
        /// What the daemon says.
        why: String,
    },
    /// The connection ended in the middle of an answer.
    #[error("{path}: the connection ended: {what}")]
    Ended {
        /// What was asked for.
        path: &'static str,
        /// What is known of why.
        what: String,
    },
    /// No answer in time.
    #[error("{path}: no answer for {} ms", waited.as_millis())]
    Silent {
        /// What was asked for.
        path: &'static str,
        /// How long was waited.
        waited: Duration,
    },
}

impl Client {
    /// A client of the daemon that listens on `socket`; connects only when asked something.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into() }
    }

    /// The socket's path.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The state now.
    ///
    /// # Errors
    /// Any [`LinkError`]; five seconds without an answer is one.
    pub async fn state(&self) -> Result<Snapshot, LinkError> {
        self.ask("/v1/state", None::<&()>).await
    }

    /// The state whenever it changes and at least every 500 ms, from a connection of its own.
    ///
    /// Ends after its first error: the daemon's end, or 1.5 s without a snapshot, is one. Call again to connect again.
    pub fn events(&self) -> impl Stream<Item = Result<Snapshot, LinkError>> + Send + use<> {
        stream::unfold(Watch::Closed(self.clone()), Watch::next)
    }

    /// Asks for an act.
    ///
    /// # Errors
    /// Any [`LinkError`]. An act that the engine refuses is an answer, not an error.
    pub async fn act(&self, request: &ActRequest) -> Result<ActAnswer, LinkError> {
        self.ask("/v1/act", Some(request)).await
    }

    /// Hands over a bless event. The daemon stores it and looks for the unit by itself.
    ///
    /// # Errors
    /// Any [`LinkError`].
    pub async fn bless(&self, event: &BlessEvent) -> Result<(), LinkError> {
        self.ask("/v1/bless", Some(event)).await
    }

    async fn ask<Q: Serialize, A: DeserializeOwned>(
        &self,
        path: &'static str,
        question: Option<&Q>,
    ) -> Result<A, LinkError> {
        let answer = async {
            let mut exchange = self.open(path, question).await?;
            let body = exchange.whole().await?;
            read(path, &body)
        };
        within(path, PATIENCE, answer).await
    }

    /// Connects, sends the request and checks the head of the answer.
    async fn open<Q: Serialize>(&self, path: &'static str, question: Option<&Q>) -> Result<Exchange, LinkError> {
        let stream = UnixStream::connect(&self.socket)
            .await
            .map_err(|source| self.not_connected(path, source))?;
        let (mut sender, connection) = http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream))
            .await
            .map_err(|error| ended(path, &error))?;
        let mut connection = Connection::new(connection);

        let body = match question {
            None => Vec::new(),
            Some(question) => serde_json::to_vec(question).map_err(|error| bad(path, &error))?,
        };
        let request = Request::builder()
            .method(if question.is_some() { Method::POST } else { Method::GET })
            .uri(path)
            .header("host", "fixture")
            .header("content-type", "application/json")
            .header(VERSION_HEADER, VERSION)
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| bad(path, &error))?;
        let answer = connection
            .during(sender.send_request(request))
            .await
            .map_err(|error| ended(path, &error))?;

        same_version(&answer)?;
        let status = answer.status();
        let mut exchange = Exchange {
            path,
            connection,
            body: answer.into_body(),
        };
        if status.is_success() {
            return Ok(exchange);
        }
        let body = exchange.whole().await?;
        let why = serde_json::from_slice::<Problem>(&body).map_or_else(
            |_| String::from_utf8_lossy(&body).trim().to_owned(),
            |problem| problem.error,
        );
        Err(LinkError::Refused {
            path,
            status: status.as_u16(),
            why,
        })
    }

    fn not_connected(&self, path: &'static str, source: io::Error) -> LinkError {
        let socket = self.socket.clone();
        let kind = source.kind();
        if matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) {
            LinkError::NotRunning { socket, source }
        } else if kind == io::ErrorKind::PermissionDenied {
            LinkError::NotAllowed { socket, source }
        } else {
            ended(path, &format_args!("{}: {source}", socket.display()))
        }
    }
}

fn same_version(answer: &Response<Incoming>) -> Result<(), LinkError> {
    let theirs = answer.headers().get(VERSION_HEADER);
    if theirs.is_some_and(|theirs| theirs.as_bytes() == VERSION.to_string().as_bytes()) {
        return Ok(());
    }
    Err(LinkError::OtherVersion {
        ours: VERSION,
        theirs: theirs.map_or_else(
            || "none".to_owned(),
            |theirs| String::from_utf8_lossy(theirs.as_bytes()).into_owned(),
        ),
    })
}

fn read<A: DeserializeOwned>(path: &'static str, body: &[u8]) -> Result<A, LinkError> {
    serde_json::from_slice(body).map_err(|error| bad(path, &error))
}

fn bad(path: &'static str, what: &impl ToString) -> LinkError {
    LinkError::BadMessage {
        path,
        what: what.to_string(),
    }
}

fn ended(path: &'static str, what: &impl ToString) -> LinkError {
    LinkError::Ended {
        path,
        what: what.to_string(),
    }
}

async fn within<T>(
    path: &'static str,
    patience: Duration,
    work: impl Future<Output = Result<T, LinkError>>,
) -> Result<T, LinkError> {
    timeout(patience, work)
        .await
        .unwrap_or(Err(LinkError::Silent { path, waited: patience }))
}

/// hyper's connection, which moves bytes only while it is polled: it is, during everything that waits for it.
struct Connection(Fuse<Pin<Box<dyn Future<Output = ()> + Send>>>);

impl Connection {
    fn new<E: 'static>(connection: impl Future<Output = Result<(), E>> + Send + 'static) -> Self {
        // An error of the connection also ends what waits for it, and is told there.
        let moved: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(connection.map(drop));
        Self(moved.fuse())
    }

    async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|context| {
            let _ = Pin::new(&mut self.0).poll(context);
            work.as_mut().poll(context)
        })
        .await
    }
}

/// An answer whose body is still to be read.
struct Exchange {
    path: &'static str,
    connection: Connection,
    body: Incoming,
}

impl Exchange {
    async fn whole(&mut self) -> Result<Bytes, LinkError> {
        let body = Limited::new(&mut self.body, LARGEST);
        self.connection
            .during(body.collect())
            .await
            .map(http_body_util::Collected::to_bytes)
            .map_err(|error| ended(self.path, &error))
    }

    /// The next piece of the body.
    async fn piece(&mut self) -> Result<Bytes, LinkError> {
        loop {
            let frame = self
                .connection
                .during(self.body.frame())
                .await
                .ok_or_else(|| ended(self.path, &"the daemon closed the stream"))?
                .map_err(|error| ended(self.path, &error))?;
            if let Ok(data) = frame.into_data() {
                return Ok(data);
            }
        }
    }
}

/// The state of an event stream.
enum Watch {
    Closed(Client),
    Open(Box<Exchange>, Lines),
    Over,
}

impl Watch {
    async fn next(self) -> Option<(Result<Snapshot, LinkError>, Self)> {
        let path = "/v1/events";
        let step = async {
            let (mut exchange, mut lines) = match self {
                Self::Closed(client) => (Box::new(client.open(path, None::<&()>).await?), Lines::default()),
                Self::Open(exchange, lines) => (exchange, lines),
                Self::Over => return Ok(None),
            };
            loop {
                if let Some(event) = lines.event() {
                    return Ok(Some((read(path, &event)?, Self::Open(exchange, lines))));
                }
                lines.add(&exchange.piece().await?)?;
            }
        };
        match within(path, SILENCE, step).await {
            Ok(None) => None,
            Ok(Some((snapshot, open))) => Some((Ok(snapshot), open)),
            Err(error) => Some((Err(error), Self::Over)),
        }
    }
}

/// Server-sent events out of a stream of bytes: `data:` lines up to an empty line. Comments and other fields are skipped.
#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    data: Vec<u8>,
}

impl Lines {
    fn add(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        if self.bytes.len() + self.data.len() + bytes.len() > LARGEST {
            return Err(bad("/v1/events", &format_args!("an event larger than {LARGEST} bytes")));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// The data of the next whole event.
    fn event(&mut self) -> Option<Vec<u8>> {
        while let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.bytes.drain(..=end).collect();
            let line = line.strip_suffix(b"\n").unwrap_or(&line);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                if !self.data.is_empty() {
                    return Some(core::mem::take(&mut self.data));
                }
            } else if let Some(data) = line.strip_prefix(b"data:") {
                if !self.data.is_empty() {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(data.strip_prefix(b" ").unwrap_or(data));
            }
        }
        None
    }
}
