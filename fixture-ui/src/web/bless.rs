//! The webhook that takes bless events from the cloud and hands them to the daemon.
//!
//! A request is a [`BlessEvent`] in JSON, with two headers: `x-fixture-timestamp`, seconds since 1970 in decimal digits, and
//! `x-fixture-signature`, `sha256=` and the 64 hexadecimal digits of HMAC-SHA256 over timestamp, a full stop, and the body. Nothing of a
//! body is looked at before its signature is proven. The same event again is answered as the first time and handed over only once; when
//! the daemon is not there it is not remembered, so that the sender tries again.

use core::time::Duration;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State, rejection::BytesRejection};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use fixture_link::bless::BlessEvent;
use fixture_link::client::{Client, LinkError};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::clock::Clock;

/// Where events are sent to.
pub const PATH: &str = "/hooks/bless";

/// The largest body: an event is a few hundred bytes.
const LARGEST: usize = 4096;

/// How far the sender's clock and this one may be apart; an older request may be somebody's recording.
const TOLERANCE: Duration = Duration::from_mins(5);

/// Events that are remembered; with the line's takt far more than come within the tolerance.
const REMEMBERED: usize = 4096;

/// The shortest and the longest key, in bytes: HMAC-SHA256 wants 32, and a file of more is not a key (RFC 2104, section 3).
const KEY: core::ops::RangeInclusive<usize> = 32..=1024;

/// The receiver: its key, and the events that were handed over.
pub struct Hook {
    keyed: Hmac<Sha256>,
    daemon: Client,
    clock: Clock,
    known: Mutex<VecDeque<Known>>,
}

/// An event that the daemon has.
struct Known {
    event: String,
    digest: [u8; 32],
}

/// The key cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {what}")]
pub struct BadKey {
    file: String,
    what: String,
}

/// Why a request is not taken.
#[derive(Debug, PartialEq, Eq)]
enum Refused {
    Unsigned(&'static str),
    Untimely(i64),
    Malformed(String),
    TooLarge,
    /// Another event has had this id.
    Conflict,
}

impl Hook {
    /// A receiver with the key in a file (without the line end at its end).
    ///
    /// # Errors
    /// The file cannot be read, or holds no key of 32 to 1024 bytes.
    pub fn new(key_file: &Path, daemon: Client, clock: Clock) -> Result<Self, BadKey> {
        let bad = |what: String| BadKey {
            file: key_file.display().to_string(),
            what,
        };
        let key = std::fs::read(key_file).map_err(|error| bad(error.to_string()))?;
        let key = key.strip_suffix(b"\n").unwrap_or(&key);
        let key = key.strip_suffix(b"\r").unwrap_or(key);
        if !KEY.contains(&key.len()) {
            return Err(bad(format!(
                "expected a key of {} to {} bytes, found {}",
                KEY.start(),
                KEY.end(),
                key.len()
            )));
        }
        Ok(Self {
            keyed: Hmac::new_from_slice(key).map_err(|error| bad(error.to_string()))?,
            daemon,
            clock,
            known: Mutex::default(),
        })
    }

    /// The event in a request whose signature and time are good.
    fn proven(&self, headers: &HeaderMap, body: &[u8]) -> Result<BlessEvent, Refused> {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let timestamp = header("x-fixture-timestamp").ok_or(Refused::Unsigned("expected x-fixture-timestamp"))?;
        let signature = header("x-fixture-signature")
            .and_then(|signature| signature.strip_prefix("sha256="))
            .and_then(bytes)
            .ok_or(Refused::Unsigned(
                "expected x-fixture-signature: sha256= and 64 hexadecimal digits",
            ))?;
        let mut keyed = self.keyed.clone();
        keyed.update(timestamp.as_bytes());
        keyed.update(b".");
        keyed.update(body);
        keyed
            .verify_slice(&signature)
            .map_err(|_| Refused::Unsigned("the signature does not fit body, timestamp and key"))?;
        let sent: i64 = timestamp
            .parse()
            .map_err(|_| Refused::Unsigned("x-fixture-timestamp: expected seconds since 1970"))?;
        let apart = self.clock.wall().as_second().saturating_sub(sent);
        if apart.unsigned_abs() > TOLERANCE.as_secs() {
            return Err(Refused::Untimely(apart));
        }
        let event: BlessEvent = serde_json::from_slice(body).map_err(|error| Refused::Malformed(error.to_string()))?;
        event.check().map_err(|what| Refused::Malformed(what.to_owned()))?;
        Ok(event)
    }

    /// Whether the daemon has this event already.
    fn is_known(&self, event: &str, digest: [u8; 32]) -> Result<bool, Refused> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match known.iter().find(|known| known.event == event) {
            None => Ok(false),
            Some(known) if known.digest == digest => Ok(true),
            Some(_) => Err(Refused::Conflict),
        }
    }

    fn remember(&self, event: String, digest: [u8; 32]) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() == REMEMBERED {
            known.pop_front();
        }
        known.push_back(Known { event, digest });
    }

    async fn take(&self, headers: &HeaderMap, body: Result<Bytes, BytesRejection>) -> Result<StatusCode, Response> {
        let body = body.map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                Refused::TooLarge.into_response()
            } else {
                Refused::Malformed("the body ended early".to_owned()).into_response()
            }
        })?;
        let event = self.proven(headers, &body).map_err(IntoResponse::into_response)?;
        let digest: [u8; 32] = Sha256::digest(&body).into();
        if self
            .is_known(&event.event, digest)
            .map_err(IntoResponse::into_response)?
        {
            return Ok(StatusCode::OK);
        }
        match self.daemon.bless(&event).await {
            Ok(()) => {
                self.remember(event.event, digest);
                Ok(StatusCode::ACCEPTED)
            }
            Err(LinkError::Refused { why, .. }) => Err(Refused::Malformed(why).into_response()),
            Err(
                error @ (LinkError::NotRunning { .. }
                | LinkError::NotAllowed { .. }
                | LinkError::OtherVersion { .. }
                | LinkError::BadMessage { .. }
                | LinkError::Ended { .. }
                | LinkError::Silent { .. }),
            ) => {
                tracing::warn!("bless event {:?} is not taken yet: {error}", event.event);
                let words = "the fixture does not take events now: send it again\n";
                Err((StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "10")], words).into_response())
            }
        }
    }
}

/// The receiver's handler.
pub fn route<S: Clone + Send + Sync + 'static>(hook: Arc<Hook>) -> MethodRouter<S> {
    post(take).layer(DefaultBodyLimit::max(LARGEST)).with_state(hook)
}

async fn take(State(hook): State<Arc<Hook>>, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Response {
    match hook.take(&headers, body).await {
        Ok(status) => status.into_response(),
        Err(refused) => refused,
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, words) = match self {
            Self::Unsigned(what) => (StatusCode::UNAUTHORIZED, what.to_owned()),
            Self::Untimely(apart) => (
                StatusCode::UNAUTHORIZED,
                format!(
                    "the timestamp is {} s {} this clock: at most {} are taken",
                    apart.unsigned_abs(),
                    if apart > 0 { "behind" } else { "ahead of" },
                    TOLERANCE.as_secs()
                ),
            ),
            Self::Malformed(what) => (StatusCode::BAD_REQUEST, what),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("expected at most {LARGEST} bytes"),
            ),
            Self::Conflict => (
                StatusCode::CONFLICT,
                "another event has had this id: expected an id of its own for every event".to_owned(),
            ),
        };
        tracing::warn!("bless event refused ({status}): {words}");
        (status, format!("{words}\n")).into_response()
    }
}

/// Bytes from hexadecimal digits: 32 of them.
fn bytes(digits: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * place..2 * place + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use core::fmt::Write as _;

    use axum::Router;
    use axum::body::Body;
    use axum::http::Request;
    use tokio::net::UnixListener;
    use tower::ServiceExt as _;

    use super::*;

    const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
    const EVENT: &str = r#"{"event":"e-1","device_id":"2000000000000001","blessed":true}"#;

    struct Bench {
        folder: tempfile::TempDir,
        router: Router,
        now: i64,
    }

    impl Bench {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let key = folder.path().join("key");
            std::fs::write(&key, [SECRET, b"\n"].concat()).unwrap();
            let clock = Clock::start();
            let daemon = Client::new(folder.path().join("socket"));
            let hook = Hook::new(&key, daemon, clock).unwrap();
            Self {
                folder,
                router: Router::new().route(PATH, super::route(Arc::new(hook))),
                now: clock.wall().as_second(),
            }
        }

        /// A daemon that takes every event that its socket brings, and tells their bodies.
        fn daemon(&self) -> tokio::sync::mpsc::UnboundedReceiver<String> {
            let (told, heard) = tokio::sync::mpsc::unbounded_channel();
            let router = Router::new().route(
                "/v1/bless",
                post(async move |body: String| {
                    told.send(body).unwrap();
                    ([(fixture_link::VERSION_HEADER, fixture_link::VERSION)], "null")
                }),
            );
            let listener = UnixListener::bind(self.folder.path().join("socket")).unwrap();
            #[expect(clippy::disallowed_methods, reason = "a test's daemon ends with its runtime")]
            tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
            heard
        }

        async fn send(&self, at: i64, signature: &str, body: &str) -> (StatusCode, String) {
            let request = Request::post(PATH)
                .header("x-fixture-timestamp", at)
                .header("x-fixture-signature", signature)
                .body(Body::from(body.to_owned()))
                .unwrap();
            let response = self.router.clone().oneshot(request).await.unwrap();
            let status = response.status();
            let said = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
            (status, String::from_utf8(said.to_vec()).unwrap())
        }

        async fn signed(&self, at: i64, body: &str) -> (StatusCode, String) {
            self.send(at, &signature(SECRET, at, body), body).await
        }
    }

    fn signature(key: &[u8], at: i64, body: &str) -> String {
        let mut keyed = Hmac::<Sha256>::new_from_slice(key).unwrap();
        keyed.update(format!("{at}.{body}").as_bytes());
        let mut signature = "sha256=".to_owned();
        for byte in keyed.finalize().into_bytes() {
            write!(signature, "{byte:02x}").unwrap();
        }
        signature
    }

    #[test]
    fn the_signature_is_as_other_programs_make_it() {
        // printf '1700000000.{}' | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
        assert_eq!(
            signature(SECRET, 1_700_000_000, "{}"),
            "sha256=417adf36b901772f658597a76d329694e335e65fc0849d7715c3ca33406309b5"
        );
    }

    #[tokio::test]
    async fn a_signed_event_reaches_the_daemon_once_however_often_it_is_sent() {
        let bench = Bench::new();
        let mut heard = bench.daemon();
        assert_eq!(bench.signed(bench.now, EVENT).await.0, StatusCode::ACCEPTED);
        // The very same request again, and the same event signed anew.
        assert_eq!(bench.signed(bench.now, EVENT).await.0, StatusCode::OK);
        assert_eq!(bench.signed(bench.now + 1, EVENT).await.0, StatusCode::OK);
        let event: BlessEvent = serde_json::from_str(&heard.recv().await.unwrap()).unwrap();
        assert_eq!(event.device_id.as_deref(), Some("2000000000000001"));
        assert!(heard.try_recv().is_err());
    }

    #[tokio::test]
    async fn another_event_under_a_known_id_is_refused() {
        let bench = Bench::new();
        let _heard = bench.daemon();
        bench.signed(bench.now, EVENT).await;
        let (status, _) = bench.signed(bench.now, &EVENT.replace("true", "false")).await;
        assert_eq!(status, StatusCode::CONFLICT);
    }

    #[tokio::test]
    async fn an_event_that_the_daemon_did_not_get_is_taken_when_it_comes_again() {
        let bench = Bench::new();
        assert_eq!(bench.signed(bench.now, EVENT).await.0, StatusCode::SERVICE_UNAVAILABLE);
        let mut heard = bench.daemon();
        assert_eq!(bench.signed(bench.now, EVENT).await.0, StatusCode::ACCEPTED);
        assert!(heard.recv().await.is_some());
    }

    #[tokio::test]
    async fn what_is_not_signed_with_the_key_is_refused_and_nothing_of_it_is_said() {
        let bench = Bench::new();
        let mut heard = bench.daemon();
        let good = signature(SECRET, bench.now, EVENT);
        let other = signature(&[7; 32], bench.now, EVENT);
        let cases = [
            (bench.now, other.as_str(), EVENT),
            (bench.now + 1, &good, EVENT),
            (
                bench.now,
                &good,
                r#"{"event":"e-1","device_id":"2000000000000002","blessed":true}"#,
            ),
            (bench.now, "sha256=00", EVENT),
            (bench.now, good.trim_start_matches("sha256="), EVENT),
            (bench.now, &other, "no json"),
        ];
        for (at, signature, body) in cases {
            let (status, said) = bench.send(at, signature, body).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{body}: {said}");
        }
        let bare = Request::post(PATH).body(Body::from(EVENT)).unwrap();
        let status = bench.router.clone().oneshot(bare).await.unwrap().status();
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert!(heard.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_recording_of_an_old_request_is_refused() {
        let bench = Bench::new();
        let _heard = bench.daemon();
        for apart in [-3600, -302, 302] {
            let (status, said) = bench.signed(bench.now + apart, EVENT).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{said}");
            assert!(said.contains("this clock"), "{said}");
        }
        assert_eq!(bench.signed(bench.now - 290, EVENT).await.0, StatusCode::ACCEPTED);
    }

    #[tokio::test]
    async fn what_is_signed_but_no_event_is_told() {
        let bench = Bench::new();
        let long = format!(
            r#"{{"event":"{}","device_id":"2000000000000001","blessed":true}}"#,
            "x".repeat(129)
        );
        for (body, word) in [
            ("", "EOF"),
            ("[]", "invalid"),
            (r#"{"event":"e","blessed":true}"#, "device_id, token_id or both"),
            (r#"{"event":"e","device_id":"2000","blessed":true}"#, "16 hexadecimal"),
            (
                r#"{"event":"e","device_id":"2000000000000001","blessed":"yes"}"#,
                "boolean",
            ),
            (
                r#"{"event":"e","device_id":"2000000000000001","blessed":true,"x":1}"#,
                "unknown field",
            ),
            (&long, "1 to 128"),
        ] {
            let (status, said) = bench.signed(bench.now, body).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
            assert!(said.contains(word), "{body}: {said}");
        }
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_is_not_read() {
        let bench = Bench::new();
        let (status, _) = bench.signed(bench.now, &" ".repeat(LARGEST + 1)).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[test]
    fn a_key_that_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        let made = |file: &Path| Hook::new(file, Client::new("socket"), Clock::start()).map(drop);
        assert!(made(&file).is_err());
        std::fs::write(&file, "short\n").unwrap();
        let said = made(&file).unwrap_err().to_string();
        assert!(
            said.contains("32 to 1024 bytes, found 5") && !said.contains("short"),
            "{said}"
        );
    }
}
