//! The client against a small hand-written server: what it sends, and what it makes of every kind of answer.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::thread::JoinHandle;

use fixture_link::act::{Act, ActAnswer, ActId, ActRequest};
use fixture_link::bless::BlessEvent;
use fixture_link::client::{Client, LinkError};
use fixture_link::identity::{LaneId, WallTime};
use fixture_link::role::Role;
use fixture_link::snapshot::{Fixture, LaneState, LaneView, LedView, LineView, Snapshot};
use futures_util::{Stream, StreamExt};
use uuid::Uuid;

/// Answers one connection with the given bytes and gives back the request (head, body) that it read.
struct Server {
    _folder: tempfile::TempDir,
    socket: PathBuf,
    thread: JoinHandle<(String, String)>,
}

impl Server {
    fn answering(answer: impl Fn(&mut UnixStream) + Send + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("fixture.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                assert_ne!(reader.read_line(&mut head).unwrap(), 0, "a whole request");
            }
            let head = head.to_ascii_lowercase();
            let length: usize = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            answer(&mut stream);
            (head, String::from_utf8(body).unwrap())
        });
        Self {
            _folder: folder,
            socket,
            thread,
        }
    }

    fn saying(answer: String) -> Self {
        Self::answering(move |stream| stream.write_all(answer.as_bytes()).unwrap())
    }

    fn client(&self) -> Client {
        Client::new(&self.socket)
    }

    fn request(self) -> (String, String) {
        self.thread.join().unwrap()
    }
}

fn answer(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nx-fixture-link-version: 3\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn snapshot(beat: u64) -> Snapshot {
    Snapshot {
        version: fixture_link::VERSION,
        beat,
        at: WallTime {
            micros: 1,
            synchronised: true,
        },
        fixture: Fixture {
            id: "f1".to_owned(),
            name: "Line 1".to_owned(),
            software: "0.1.0".to_owned(),
            recipe: "led-only".to_owned(),
            recipe_version: "0123456789abcdef".to_owned(),
            simulated: true,
            led_evidence_only: true,
            without_real_time: false,
        },
        line: LineView {
            lot: String::new(),
            work_order: String::new(),
            language: String::new(),
            stopped: None,
            study: None,
        },
        notices: Vec::new(),
        shelved: Vec::new(),
        machine: fixture_link::snapshot::Machine::default(),
        shift: None,
        commissioning: None,
        lanes: vec![LaneView {
            lane: LaneId::new(1).unwrap(),
            state: LaneState::Empty,
            serial: None,
            run: None,
            seated_ms: 0,
            left_ms: None,
            last: None,
            golden_check: None,
            purpose: fixture_link::purpose::Purpose::Production,
            recipe: None,
            led: LedView::default(),
        }],
    }
}

fn event(beat: u64) -> String {
    format!("data: {}\n\n", serde_json::to_string(&snapshot(beat)).unwrap())
}

const STREAM_HEAD: &str =
    "HTTP/1.1 200 OK\r\nx-fixture-link-version: 3\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

async fn all(events: impl Stream<Item = Result<Snapshot, LinkError>>) -> (Vec<u64>, String) {
    let mut beats = Vec::new();
    let mut errors = Vec::new();
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        match event {
            Ok(snapshot) => beats.push(snapshot.beat),
            Err(error) => errors.push(error.to_string()),
        }
    }
    assert_eq!(errors.len(), 1, "a stream ends with exactly one error: {errors:?}");
    (beats, errors.remove(0))
}

#[tokio::test]
async fn the_state_is_asked_for_with_the_version_and_read_whole() {
    let server = Server::saying(answer("200 OK", &serde_json::to_string(&snapshot(7)).unwrap()));
    assert_eq!(server.client().state().await.unwrap(), snapshot(7));
    let (head, body) = server.request();
    assert!(head.starts_with("get /v1/state http/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nx-fixture-link-version: 3\r\n"), "{head}");
    assert_eq!(body, "");
}

#[tokio::test]
async fn an_act_is_posted_and_its_refusal_is_an_answer() {
    let server = Server::saying(answer("200 OK", r#"{"answer":"refused","why":"lane 2 has no unit"}"#));
    let request = ActRequest {
        id: ActId(Uuid::nil()),
        by: "console".to_owned(),
        role: Role::Admin,
        from: "console".to_owned(),
        act: Act::Start {
            lane: Some(LaneId::new(2).unwrap()),
            serial: None,
        },
    };
    assert_eq!(
        server.client().act(&request).await.unwrap(),
        ActAnswer::Refused {
            why: "lane 2 has no unit".to_owned()
        }
    );
    let (head, body) = server.request();
    assert!(head.starts_with("post /v1/act http/1.1\r\n"), "{head}");
    assert_eq!(serde_json::from_str::<ActRequest>(&body).unwrap(), request);
}

#[tokio::test]
async fn a_bless_event_is_posted() {
    let server = Server::saying(answer("202 Accepted", "null"));
    let event = BlessEvent {
        event: "e-1".to_owned(),
        device_id: Some("0123456789abcdef".to_owned()),
        token_id: None,
        blessed: true,
    };
    server.client().bless(&event).await.unwrap();
    let (head, body) = server.request();
    assert!(head.starts_with("post /v1/bless http/1.1\r\n"), "{head}");
    assert_eq!(serde_json::from_str::<BlessEvent>(&body).unwrap(), event);
}

#[tokio::test]
async fn no_socket_and_a_socket_that_nobody_listens_on_both_mean_not_running() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("fixture.sock");
    let error = Client::new(&socket).state().await.unwrap_err();
    assert!(matches!(error, LinkError::NotRunning { .. }), "{error}");

    drop(UnixListener::bind(&socket).unwrap());
    let error = Client::new(&socket).state().await.unwrap_err();
    assert!(matches!(error, LinkError::NotRunning { .. }), "{error}");
    assert!(error.to_string().contains("fixture.sock"), "{error}");
}

#[tokio::test]
async fn a_daemon_of_another_version_is_named_with_both_versions() {
    let server = Server::saying(answer("200 OK", "{}").replace("version: 3", "version: 4"));
    let error = server.client().state().await.unwrap_err();
    assert!(
        matches!(&error, LinkError::OtherVersion { ours: 3, theirs } if theirs == "4"),
        "{error}"
    );
    assert!(
        error.to_string().contains("version 4") && error.to_string().contains("version 3"),
        "{error}"
    );

    let refusal = r#"{"error":"this daemon speaks version 4"}"#;
    let server = Server::saying(answer("409 Conflict", refusal).replace("version: 3", "version: 4"));
    let error = server.client().state().await.unwrap_err();
    assert!(matches!(error, LinkError::OtherVersion { .. }), "{error}");

    let server = Server::saying("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}".to_owned());
    let error = server.client().state().await.unwrap_err();
    assert!(
        matches!(&error, LinkError::OtherVersion { theirs, .. } if theirs == "none"),
        "{error}"
    );
}

#[tokio::test]
async fn a_refused_request_carries_status_and_reason() {
    let server = Server::saying(answer(
        "422 Unprocessable Entity",
        r#"{"error":"act: expected a kind"}"#,
    ));
    let error = server.client().state().await.unwrap_err();
    assert!(
        matches!(&error, LinkError::Refused { status: 422, why, .. } if why == "act: expected a kind"),
        "{error}"
    );
}

#[tokio::test]
async fn a_bad_message_says_what_is_wrong_with_it() {
    let server = Server::saying(answer("200 OK", r#"{"version":1,"colour":"red"}"#));
    let error = server.client().state().await.unwrap_err();
    assert!(matches!(error, LinkError::BadMessage { .. }), "{error}");
    assert!(error.to_string().contains("colour"), "{error}");
}

#[tokio::test]
async fn an_answer_cut_short_is_an_end_not_a_state() {
    let server = Server::saying(answer("200 OK", "{}").replace("content-length: 2", "content-length: 2000"));
    let error = server.client().state().await.unwrap_err();
    assert!(matches!(error, LinkError::Ended { .. }), "{error}");
}

#[tokio::test]
async fn events_come_as_snapshots_however_the_bytes_are_cut() {
    let server = Server::answering(|stream| {
        stream.write_all(STREAM_HEAD.as_bytes()).unwrap();
        let text = format!(
            ": hello\n\n{}id: 2\r\n{}{}",
            event(1),
            event(2).replace('\n', "\r\n"),
            event(3)
        );
        for piece in text.as_bytes().chunks(7) {
            stream.write_all(piece).unwrap();
            stream.flush().unwrap();
        }
    });
    let (beats, error) = all(server.client().events()).await;
    assert_eq!(beats, [1, 2, 3]);
    assert!(error.contains("closed the stream"), "{error}");
    assert!(server.request().0.starts_with("get /v1/events "));
}

#[tokio::test]
async fn a_bad_event_ends_the_stream() {
    let server = Server::saying(format!(
        "{STREAM_HEAD}{}data: {{\"beat\":true}}\n\n{}",
        event(1),
        event(2)
    ));
    let (beats, error) = all(server.client().events()).await;
    assert_eq!(beats, [1]);
    assert!(error.contains("bad message"), "{error}");
}

#[tokio::test]
async fn an_event_without_end_does_not_fill_the_memory() {
    let server = Server::answering(|stream| {
        stream.write_all(STREAM_HEAD.as_bytes()).unwrap();
        // Ends when the client hangs up.
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    let (beats, error) = all(server.client().events()).await;
    assert!(beats.is_empty());
    assert!(error.contains("an event larger than"), "{error}");
}

#[tokio::test]
async fn a_daemon_that_falls_silent_ends_the_stream_within_two_seconds() {
    let (done, wait) = std::sync::mpsc::channel::<()>();
    let server = Server::answering(move |stream| {
        stream
            .write_all(format!("{STREAM_HEAD}{}", event(1)).as_bytes())
            .unwrap();
        wait.recv().unwrap_err();
    });
    let (beats, error) = all(server.client().events()).await;
    drop(done);
    assert_eq!(beats, [1]);
    assert!(error.contains("no answer for 1500 ms"), "{error}");
}
