//! The appliance as a whole process, asked over its socket: state and events, acts, ends of every kind, and what the ledger says after.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use fixture_ledger::Reports;
use fixture_ledger::audit::{Answered, AuditFilter};
use fixture_ledger::recipes::Origin;
use fixture_ledger::record::{AttemptResult, ChangeKind, Decided};
use fixture_ledger::yields::Span;
use fixture_link::act::{Act, ActAnswer, ActId, ActKind, ActRequest, Disposition, RecipeChange};
use fixture_link::bless::BlessEvent;
use fixture_link::client::{Client, LinkError};
use fixture_link::identity::{LaneId, RunId, Serial};
use fixture_link::role::Role;
use fixture_link::snapshot::{LaneState, Snapshot};
use fixture_link::verdict::{Outcome, VerdictCode};
use futures_util::StreamExt;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use uuid::Uuid;

/// How long a condition may take to come true on a slow machine; a good run takes a fraction of it.
const BOUND: Duration = Duration::from_mins(2);

const DAEMON: &str = env!("CARGO_BIN_EXE_fixture-daemon");

/// A folder with a configuration, and the daemon that runs on it.
struct Fixture {
    folder: tempfile::TempDir,
    child: Option<Child>,
}

impl Fixture {
    /// A fixture with two lanes whose units come at once.
    fn new() -> Self {
        Self::with(|text| text)
    }

    fn with(change: impl FnOnce(String) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../config"), folder.path());
        let file = folder.path().join("simulated.toml");
        let text = std::fs::read_to_string(&file)
            .unwrap()
            .replace("../demo-data/", "data/")
            .replace("count = 4", "count = 2")
            .replace("seed = 1", "seed = 1\ntakt = \"500ms\"");
        std::fs::write(&file, change(text)).unwrap();
        Self { folder, child: None }
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("simulated.toml")
    }

    fn ledger(&self) -> PathBuf {
        self.folder.path().join("data/ledger.db")
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("data/fixture.sock")
    }

    fn client(&self) -> Client {
        Client::new(self.socket())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(DAEMON);
        let (name, rest) = arguments.split_first().unwrap();
        command.arg(name).arg("--config").arg(self.config()).args(rest);
        command
    }

    fn start(&mut self) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .unwrap();
        let child = self.command(&["run"]).stderr(log).spawn().unwrap();
        self.child = Some(child);
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn pid(&self) -> Pid {
        let id = self.child.as_ref().unwrap().id();
        Pid::from_raw(i32::try_from(id).unwrap())
    }

    fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    async fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().unwrap();
        tokio::time::timeout(BOUND, async move {
            loop {
                if let Some(status) = child.try_wait().unwrap() {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
        .unwrap()
    }

    /// Follows the events until `wanted` is satisfied by one; connects again while the daemon is not there yet.
    async fn until<T>(&self, what: &str, mut wanted: impl FnMut(&Snapshot) -> Option<T>) -> T {
        let found = tokio::time::timeout(BOUND, async {
            loop {
                let mut events = std::pin::pin!(self.client().events());
                while let Some(event) = events.next().await {
                    match event {
                        Ok(snapshot) => {
                            if let Some(found) = wanted(&snapshot) {
                                return found;
                            }
                        }
                        Err(LinkError::NotRunning { .. } | LinkError::Ended { .. } | LinkError::Silent { .. }) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        found.unwrap_or_else(|_| panic!("{what}: not within {BOUND:?}; the log:\n{}", self.log()))
    }

    async fn runs(&self) -> BTreeMap<RunId, (Outcome, VerdictCode)> {
        let reports = Reports::open(&self.ledger()).await.unwrap();
        let rows = reports.latest(1000).await.unwrap();
        rows.into_iter()
            .filter_map(|row| Some((row.run, row.verdict.map(|verdict| (verdict.outcome, verdict.code))?)))
            .collect()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Notes every verdict that a snapshot shows.
fn note(shown: &mut BTreeMap<RunId, VerdictCode>, snapshot: &Snapshot) {
    for lane in &snapshot.lanes {
        if let (Some(run), LaneState::Verdict { code, .. }) = (lane.run, &lane.state) {
            shown.insert(run, *code);
        }
    }
}

fn sending(snapshot: &Snapshot) -> Option<(LaneId, RunId)> {
    snapshot.lanes.iter().find_map(|lane| match &lane.state {
        LaneState::Sending { permille, .. } if *permille >= 30 => Some((lane.lane, lane.run?)),
        LaneState::Empty
        | LaneState::ToStart
        | LaneState::Waiting
        | LaneState::Token
        | LaneState::Sending { .. }
        | LaneState::Watching { .. }
        | LaneState::Storing
        | LaneState::Verdict { .. }
        | LaneState::Refused { .. }
        | LaneState::LineStopped
        | LaneState::Stopped { .. } => None,
    })
}

fn act(act: Act) -> ActRequest {
    ActRequest {
        id: ActId(Uuid::now_v7()),
        by: "tester".to_owned(),
        role: Role::Admin,
        from: "console".to_owned(),
        act,
    }
}

/// One request by hand, so that wrong ones can be made; gives the whole answer.
fn by_hand(socket: &Path, request: &str) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(BOUND)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_tells_the_state_and_refuses_what_it_does_not_understand() {
    let mut fixture = Fixture::new();
    fixture.start();
    let first = fixture
        .until("a first snapshot", |snapshot| Some(snapshot.clone()))
        .await;
    assert!(first.fixture.simulated);
    assert_eq!(first.fixture.id, "sim-1");
    assert_eq!(first.lanes.len(), 2);
    let mode = std::fs::metadata(fixture.socket()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o660);

    // Heartbeats come although nothing happens, and never more than half a second apart.
    let mut beats = Vec::new();
    fixture
        .until("ten heartbeats", |snapshot| {
            beats.push(snapshot.beat);
            (beats.len() >= 10).then_some(())
        })
        .await;
    assert!(beats.windows(2).all(|pair| pair[0] < pair[1]), "{beats:?}");
    assert!(fixture.client().state().await.unwrap().beat >= beats[9]);

    let socket = fixture.socket();
    let said = by_hand(
        &socket,
        "GET /v1/state HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    );
    assert!(
        said.starts_with("HTTP/1.1 200"),
        "a request by hand needs no version: {said}"
    );
    let said = by_hand(
        &socket,
        "GET /v1/state HTTP/1.1\r\nhost: x\r\nx-fixture-link-version: 7\r\nconnection: close\r\n\r\n",
    );
    assert!(said.starts_with("HTTP/1.1 409"), "{said}");
    assert!(said.contains("x-fixture-link-version: 3"), "{said}");
    assert!(
        said.contains("speaks version 3 of the link, the request speaks version 7"),
        "{said}"
    );
    for (request, status, expected) in [
        (
            "POST /v1/act HTTP/1.1\r\n",
            400,
            "expected the header x-fixture-link-version: 3",
        ),
        ("GET /v2/state HTTP/1.1\r\n", 404, "expected GET /v1/state"),
        (
            "GET /v1/act HTTP/1.1\r\nx-fixture-link-version: 3\r\n",
            405,
            "POST for /v1/act",
        ),
    ] {
        let said = by_hand(
            &socket,
            &format!("{request}host: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
        );
        assert!(said.starts_with(&format!("HTTP/1.1 {status}")), "{said}");
        assert!(said.contains(expected), "{said}");
    }
    for (body, status, expected) in [
        ("{}", 400, "missing field `id`"),
        (
            r#"{"id":"01990000-0001-7000-8000-000000000001","role":"admin","from":"console","by":"x","act":{"kind":"explode"}}"#,
            400,
            "unknown variant `explode`, expected one of `account`, `start`",
        ),
        (
            r#"{"id":"01990000-0001-7000-8000-000000000001","role":"admin","from":"console","by":"x","act":{"kind":"stop","reason":" "}}"#,
            422,
            "reason: expected 1 to 200 printable characters, found 0",
        ),
        (
            r#"{"id":"01990000-0001-7000-8000-000000000001","role":"admin","from":"console","by":"x","act":{"kind":"stop","reason":"a\nb"}}"#,
            422,
            r"reason: expected 1 to 200 printable characters, found a control character (\\n) at place 2",
        ),
        (
            r#"{"id":"01990000-0001-7000-8000-000000000001","role":"admin","from":"console","by":"x","act":{"kind":"start","lane":9}}"#,
            400,
            "lane 9: expected a number from 1 to 8",
        ),
        (
            &format!("\"{}\"", "x".repeat(20_000)),
            413,
            "expected at most 16384 bytes",
        ),
    ] {
        let head = "POST /v1/act HTTP/1.1\r\nhost: x\r\nx-fixture-link-version: 3\r\nconnection: close\r\n";
        let said = by_hand(&socket, &format!("{head}content-length: {}\r\n\r\n{body}", body.len()));
        assert!(said.starts_with(&format!("HTTP/1.1 {status}")), "{said}");
        assert!(said.contains(expected), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bless_event_is_taken_and_one_that_names_nobody_is_refused() {
    let mut fixture = Fixture::new();
    fixture.start();
    fixture.until("a first snapshot", |_| Some(())).await;
    let event = BlessEvent {
        event: "e-1".to_owned(),
        device_id: Some("00000c2a690a2f4d".to_owned()),
        token_id: None,
        blessed: true,
    };
    fixture.client().bless(&event).await.unwrap();
    let written_otherwise = BlessEvent {
        device_id: Some("00:0c:2a:69:0a:2f:4d".to_owned()),
        token_id: Some("t-1".to_owned()),
        ..event.clone()
    };
    let error = fixture.client().bless(&written_otherwise).await.unwrap_err();
    assert!(
        error.to_string().contains("device_id: expected 16 hexadecimal digits"),
        "{error}"
    );
    let nobody = BlessEvent {
        device_id: None,
        ..event
    };
    let error = fixture.client().bless(&nobody).await.unwrap_err();
    assert!(
        error.to_string().contains("expected device_id, token_id or both"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn acts_are_done_answered_and_audited() {
    let mut fixture = Fixture::new();
    fixture.start();
    let (lane, run) = fixture.until("a lane that sends", sending).await;
    let client = fixture.client();

    let done = client
        .act(&act(Act::Stop {
            lane: Some(lane),
            reason: "the tester wants to".to_owned(),
        }))
        .await
        .unwrap();
    assert_eq!(done, ActAnswer::Done);
    let (outcome, code) = fixture
        .until("the stopped run's verdict", |snapshot| {
            snapshot.lanes.iter().find_map(|lane| match &lane.state {
                LaneState::Verdict { outcome, code, .. } if lane.run == Some(run) => Some((*outcome, *code)),
                LaneState::Empty
                | LaneState::ToStart
                | LaneState::Waiting
                | LaneState::Token
                | LaneState::Sending { .. }
                | LaneState::Watching { .. }
                | LaneState::Storing
                | LaneState::Verdict { .. }
                | LaneState::Refused { .. }
                | LaneState::LineStopped
                | LaneState::Stopped { .. } => None,
            })
        })
        .await;
    assert_eq!((outcome, code), (Outcome::Aborted, VerdictCode::StoppedByOperator));
    assert_eq!(fixture.runs().await.get(&run), Some(&(outcome, code)));

    let output = fixture.command(&["act", "stop", "--reason", "lunch"]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    fixture
        .until("the stopped line", |snapshot| {
            snapshot
                .line
                .stopped
                .as_ref()
                .map(|stop| assert!(stop.cause.contains("lunch"), "{stop:?}"))
        })
        .await;
    let output = fixture.command(&["act", "lot", "L-42"]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let output = fixture.command(&["act", "work-order", "W-7"]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let output = fixture.command(&["act", "start"]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    fixture
        .until("the line goes on with its lot and work order", |snapshot| {
            let shown = &snapshot.line;
            (shown.stopped.is_none() && shown.lot == "L-42" && shown.work_order == "W-7").then_some(())
        })
        .await;
    let output = fixture.command(&["act", "acknowledge"]).output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(1),
        "nothing is to be acknowledged: {}",
        text(&output)
    );
    assert!(text(&output).contains("refused: "), "{}", text(&output));

    let reports = Reports::open(&fixture.ledger()).await.unwrap();
    let acts = reports.acts(100).await.unwrap();
    let of = |by: &str| acts.iter().filter(|act| act.by == by).count();
    assert_eq!(of("tester"), 1, "{acts:?}");
    assert_eq!(of("console"), 5, "the refused one as well: {acts:?}");
}

/// An act of an operator at a page.
fn by_operator(act: Act) -> ActRequest {
    ActRequest {
        id: ActId(Uuid::now_v7()),
        by: "kim".to_owned(),
        role: Role::Operator,
        from: "10.0.0.7".to_owned(),
        act,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_that_is_asked_for_again_is_answered_again_and_not_done_again() {
    let mut fixture = Fixture::new();
    fixture.start();
    fixture.until("a first snapshot", |_| Some(())).await;
    let (client, also) = (fixture.client(), fixture.client());
    let lot = |lot: &str| Act::Lot { lot: lot.to_owned() };
    let quarantine = by_operator(Act::Quarantine {
        serial: Serial::new("SN-1").unwrap(),
        reason: "fell down".to_owned(),
    });
    // A second one under another id is refused, so that both are done only if the second is not done at all.
    let (one, other) = tokio::join!(client.act(&quarantine), also.act(&quarantine));
    assert_eq!((one.unwrap(), other.unwrap()), (ActAnswer::Done, ActAnswer::Done));
    let refused = by_operator(quarantine.act.clone());
    let answer = client.act(&refused).await.unwrap();
    let ActAnswer::Refused { why } = &answer else {
        panic!("{answer:?}");
    };
    assert!(why.contains("set aside by kim: fell down"), "{why}");

    let first = by_operator(lot("L-1"));
    assert_eq!(client.act(&first).await.unwrap(), ActAnswer::Done);
    assert_eq!(client.act(&by_operator(lot("L-2"))).await.unwrap(), ActAnswer::Done);

    // Asked again by a daemon that has never heard of it.
    fixture.signal(Signal::SIGTERM);
    assert!(fixture.ended().await.success());
    fixture.start();
    fixture
        .until("the lot is taken over", |snapshot| {
            (snapshot.line.lot == "L-2").then_some(())
        })
        .await;
    assert_eq!(client.act(&first).await.unwrap(), ActAnswer::Done);
    assert_eq!(client.act(&refused).await.unwrap(), answer);
    let another = ActRequest {
        act: lot("L-3"),
        ..first.clone()
    };
    let ActAnswer::Refused { why } = client.act(&another).await.unwrap() else {
        panic!("the id is another act's");
    };
    assert!(why.contains("another act has this id"), "{why}");
    fixture
        .until("the lot stays what it was named last", |snapshot| {
            assert_eq!(snapshot.line.lot, "L-2");
            Some(())
        })
        .await;

    let reports = Reports::open(&fixture.ledger()).await.unwrap();
    let by = AuditFilter {
        by: Some("kim".to_owned()),
        ..AuditFilter::default()
    };
    let page = reports.audit(&by, 100).await.unwrap();
    assert_eq!(page.of, 4, "each once: {page:?}");
    let named = page.rows.iter().find(|row| row.id == Some(first.id)).unwrap();
    assert_eq!((named.role, named.from.as_str()), (Some(Role::Operator), "10.0.0.7"));
    let change = named.change.as_ref().unwrap();
    assert_eq!((change.before.as_str(), change.after.as_str()), ("", "L-1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_role_may_not_do_is_refused_and_audited() {
    let mut fixture = Fixture::new();
    fixture.start();
    fixture.until("a first snapshot", |_| Some(())).await;
    let client = fixture.client();
    let scrap = by_operator(Act::Dispose {
        serial: Serial::new("SN-1").unwrap(),
        disposition: Disposition::Scrap,
        reason: "cracked".to_owned(),
    });
    let ActAnswer::Refused { why } = client.act(&scrap).await.unwrap() else {
        panic!("an operator may not scrap");
    };
    assert!(why.starts_with("role: operator may not"), "{why}");
    let set_aside = by_operator(Act::Quarantine {
        serial: Serial::new("SN-1").unwrap(),
        reason: "cracked".to_owned(),
    });
    assert_eq!(client.act(&set_aside).await.unwrap(), ActAnswer::Done);
    let scrap = ActRequest {
        id: ActId(Uuid::now_v7()),
        role: Role::Qa,
        ..scrap
    };
    assert_eq!(client.act(&scrap).await.unwrap(), ActAnswer::Done);

    let reports = Reports::open(&fixture.ledger()).await.unwrap();
    let refused = AuditFilter {
        answer: Some(Answered::Refused),
        ..AuditFilter::default()
    };
    let page = reports.audit(&refused, 100).await.unwrap();
    let kinds: Vec<(ActKind, Option<Role>)> = page.rows.iter().map(|row| (row.act.kind(), row.role)).collect();
    assert_eq!(kinds, [(ActKind::Dispose, Some(Role::Operator))]);
    let standing = reports.unit_standing(&Serial::new("SN-1").unwrap()).await.unwrap();
    let (_, decision) = standing.decision.unwrap();
    assert_eq!(decision.what, Decided::Disposition(Disposition::Scrap));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_daemon_on_the_same_ledger_or_socket_is_refused() {
    let mut fixture = Fixture::new();
    fixture.start();
    fixture.until("a first snapshot", |_| Some(())).await;

    let output = fixture.command(&["run"]).stdout(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("another process"), "{}", text(&output));

    let other = fixture.folder.path().join("other.toml");
    let config = std::fs::read_to_string(fixture.config()).unwrap();
    std::fs::write(&other, config.replace("data/ledger.db", "data/other.db")).unwrap();
    let output = Command::new(DAEMON)
        .arg("run")
        .arg("--config")
        .arg(&other)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output).contains("another daemon is running on this socket"),
        "{}",
        text(&output)
    );

    fixture.client().state().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_during_runs_leaves_interrupted_runs_and_no_lost_verdict() {
    let mut fixture = Fixture::new();
    let mut shown = BTreeMap::new();
    for round in 0..2 {
        fixture.start();
        let mut verdicts = 0;
        let running = fixture
            .until("a verdict, and then a lane that sends", |snapshot| {
                verdicts = verdicts.max(shown.len());
                note(&mut shown, snapshot);
                if shown.len() > round { sending(snapshot) } else { None }
            })
            .await
            .1;
        fixture.signal(Signal::SIGKILL);
        assert_eq!(fixture.ended().await.signal(), Some(9));
        assert!(
            !fixture.runs().await.contains_key(&running),
            "the run had no verdict when it was killed"
        );

        // The stale socket does not keep the next process away.
        assert!(fixture.socket().exists());
        fixture.start();
        let again = fixture
            .until("a snapshot after the kill", |snapshot| Some(snapshot.clone()))
            .await;
        let runs = fixture.runs().await;
        assert_eq!(
            runs.get(&running),
            Some(&(Outcome::Interrupted, VerdictCode::Interrupted))
        );
        for (run, code) in &shown {
            assert_eq!(runs.get(run).map(|(_, code)| code), Some(code), "run {run} was shown");
        }
        for lane in &again.lanes {
            if let LaneState::Verdict { from_before, .. } = &lane.state {
                assert!(from_before);
            }
        }
        fixture.signal(Signal::SIGKILL);
        fixture.ended().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_that_was_not_lifted_is_shown_again_after_a_restart() {
    let mut fixture = Fixture::new();
    fixture.start();
    let (run, code) = fixture
        .until("a verdict", |snapshot| {
            let mut shown = BTreeMap::new();
            note(&mut shown, snapshot);
            shown.pop_first()
        })
        .await;
    for named in [["act", "lot", "L-42"], ["act", "work-order", "W-7"]] {
        let output = fixture.command(&named).output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
    }
    fixture.signal(Signal::SIGKILL);
    fixture.ended().await;
    fixture.start();
    let again = fixture
        .until("the same verdict, from before", |snapshot| {
            assert_eq!(
                (snapshot.line.lot.as_str(), snapshot.line.work_order.as_str()),
                ("L-42", "W-7"),
                "what was named last holds on"
            );
            snapshot.lanes.iter().find_map(|lane| match &lane.state {
                LaneState::Verdict {
                    code: again,
                    from_before: true,
                    ..
                } if lane.run == Some(run) => Some(*again),
                LaneState::Empty
                | LaneState::ToStart
                | LaneState::Waiting
                | LaneState::Token
                | LaneState::Sending { .. }
                | LaneState::Watching { .. }
                | LaneState::Storing
                | LaneState::Verdict { .. }
                | LaneState::Refused { .. }
                | LaneState::LineStopped
                | LaneState::Stopped { .. } => None,
            })
        })
        .await;
    assert_eq!(again, code);
    fixture
        .until("the unit is lifted and the next one comes", |snapshot| {
            snapshot.lanes.iter().all(|lane| lane.run != Some(run)).then_some(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_code_in_a_row_is_counted_over_a_restart() {
    let mut fixture = Fixture::with(|text| {
        text.replace("count = 2", "count = 1")
            .replace("k_in_a_row = 3", "k_in_a_row = 2")
            .replace("seed = 1", "seed = 1\nscenario = \"blank.toml\"")
    });
    std::fs::write(
        fixture.folder.path().join("blank.toml"),
        "name = \"blank\"\n\n[[fault]]\nfault = \"flash-missing\"\nscope = \"unit\"\nshare = 1.0\ncodes = [\"flash-missing\"]\nmust_fail = true\n",
    )
    .unwrap();
    fixture.start();
    fixture
        .until("a verdict", |snapshot| {
            let mut shown = BTreeMap::new();
            note(&mut shown, snapshot);
            shown.pop_first()
        })
        .await;
    fixture.signal(Signal::SIGKILL);
    fixture.ended().await;
    fixture.start();
    let cause = fixture
        .until("the line stops, and the verdict is stored", |snapshot| {
            let stored = match &snapshot.lanes[0].state {
                LaneState::Verdict { from_before, .. } => !from_before,
                LaneState::LineStopped | LaneState::Stopped { .. } => true,
                LaneState::Empty
                | LaneState::ToStart
                | LaneState::Waiting
                | LaneState::Token
                | LaneState::Sending { .. }
                | LaneState::Watching { .. }
                | LaneState::Storing
                | LaneState::Refused { .. } => false,
            };
            snapshot.line.stopped.clone().filter(|_| stored)
        })
        .await
        .cause;
    assert!(
        cause.starts_with("2 units in a row on lane 1 ended in \"SPI flash not found\": "),
        "{cause}"
    );
    let rows = Reports::open(&fixture.ledger())
        .await
        .unwrap()
        .latest(1000)
        .await
        .unwrap();
    let failed: std::collections::BTreeSet<_> = rows
        .iter()
        .filter(|row| {
            row.verdict
                .as_ref()
                .is_some_and(|verdict| verdict.code == VerdictCode::FlashMissing)
        })
        .map(|row| row.serial.as_ref().unwrap().as_str())
        .collect();
    assert_eq!(failed.len(), 2, "one before the restart, one after it: {failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_signal_ends_everything_in_order_although_streams_are_open() {
    let mut fixture = Fixture::new();
    fixture.start();
    let (_, running) = fixture.until("a lane that sends", sending).await;
    let mut events = std::pin::pin!(fixture.client().events());
    events.next().await.unwrap().unwrap();
    fixture.signal(Signal::SIGTERM);
    let asked = tokio::time::Instant::now();
    let status = fixture.ended().await;
    assert_eq!(status.code(), Some(0), "{}", fixture.log());
    assert!(asked.elapsed() < Duration::from_secs(12), "{:?}", asked.elapsed());
    assert!(!fixture.socket().exists(), "the socket's file is gone");

    // Nothing is left for the next start.
    assert_eq!(
        fixture.runs().await.get(&running),
        Some(&(Outcome::Interrupted, VerdictCode::Interrupted))
    );
    let reports = Reports::open(&fixture.ledger()).await.unwrap();
    let detail = reports.run(running).await.unwrap().unwrap();
    // On a busy machine an attempt before it may have been voided as late.
    let last = detail.attempts.last().map(|attempt| attempt.result);
    assert_eq!(last, Some(AttemptResult::Stopped), "{:?}", detail.attempts);
    // What is known of the unit is not lost with the process.
    assert!(!detail.readings.is_empty() && !detail.evidence.is_empty(), "{detail:?}");
    assert!(!detail.trace.is_empty(), "its light is kept");
    let said = detail.row.verdict.unwrap().detail;
    assert!(said.starts_with("stopped by a person or the service manager"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_symbol_that_comes_late_voids_the_attempt() {
    let mut fixture = Fixture::new();
    fixture.start();
    // A busy machine voids attempts of its own, and the stop then comes between two of them: the next lane that sends is stopped too.
    let attempt = tokio::time::timeout(BOUND, async {
        loop {
            let (_, run) = fixture.until("a lane that sends", sending).await;
            fixture.signal(Signal::SIGSTOP);
            // The pause is the fault that is tried: much longer than a symbol.
            tokio::time::sleep(Duration::from_millis(300)).await;
            fixture.signal(Signal::SIGCONT);
            if let Some(stopped) = attempts(&fixture, run).await.into_iter().find(was_stopped) {
                return stopped;
            }
        }
    })
    .await
    .unwrap();
    assert_eq!(attempt.result, AttemptResult::Late, "{attempt:?}");
}

/// Whether a symbol of it was later than a machine's own scheduling makes it.
fn was_stopped(attempt: &fixture_ledger::record::Attempt) -> bool {
    attempt.latest >= Duration::from_millis(200)
}

/// A run's attempts once it has ended.
async fn attempts(fixture: &Fixture, run: RunId) -> Vec<fixture_ledger::record::Attempt> {
    loop {
        let reports = Reports::open(&fixture.ledger()).await.unwrap();
        if let Some(detail) = reports.run(run).await.unwrap()
            && detail.row.verdict.is_some()
        {
            return detail.attempts;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_without_a_daemon_says_that_it_is_not_running() {
    let fixture = Fixture::new();
    let output = fixture.command(&["act", "start"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output).contains("the fixture is not running"),
        "{}",
        text(&output)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_what_is_wrong_and_what_to_do() {
    let mut fixture = Fixture::new();
    let output = fixture.command(&["doctor"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(
        text(&output).contains("the fixture is not running"),
        "{}",
        text(&output)
    );
    assert!(text(&output).contains("do: start it"), "{}", text(&output));

    fixture.start();
    fixture.until("a first snapshot", |_| Some(())).await;
    let output = fixture.command(&["doctor"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).contains("good  daemon"), "{}", text(&output));
    assert!(text(&output).contains("good  ledger"), "{}", text(&output));
    fixture.signal(Signal::SIGTERM);
    fixture.ended().await;

    std::fs::write(
        fixture.ledger(),
        "no database at all, but long enough to be read as one".repeat(40),
    )
    .unwrap();
    let output = fixture.command(&["doctor"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("BAD   ledger"), "{}", text(&output));

    let wrong = Fixture::with(|text| text.replace("count = 2", "count = 0"));
    let output = wrong.command(&["doctor"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(
        text(&output).contains("lanes.count: expected a whole number from 1 to 8"),
        "{}",
        text(&output)
    );
}

#[test]
fn a_wrong_configuration_starts_nothing() {
    let fixture = Fixture::with(|text| text.replace("seed = 1", "sead = 1"));
    for arguments in [&["run"][..], &["doctor"]] {
        let output = fixture.command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output).contains("unknown field `sead`"), "{}", text(&output));
    }
    let output = Command::new(DAEMON)
        .arg("check-config")
        .arg(fixture.config())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output).contains("jig.simulated.sead: unknown field `sead`"),
        "{}",
        text(&output)
    );
    assert!(!fixture.folder.path().join("data").exists(), "nothing half-made");

    let good = Fixture::new();
    let output = Command::new(DAEMON)
        .arg("check-config")
        .arg(good.config())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output).contains("pass rule  claimed"), "{}", text(&output));
    assert!(
        !text(&output).contains("example only, not a secret"),
        "{}",
        text(&output)
    );
}

impl Fixture {
    /// Stops the daemon as the service manager does, and starts it again.
    async fn restart(&mut self) {
        self.signal(Signal::SIGTERM);
        assert!(self.ended().await.success(), "{}", self.log());
        self.start();
    }

    /// The recipe and version that the next units are run by, once they are other than `than`.
    async fn other_recipe(&self, than: &str) -> String {
        self.until("another version", |snapshot| {
            let fixture = &snapshot.fixture;
            let shown = format!("{} {}", fixture.recipe, fixture.recipe_version);
            (shown != than).then_some(shown)
        })
        .await
    }

    /// The recipe and version that a run which begins from now on is stored with.
    async fn stored_with(&self) -> String {
        let known = self.until("the line", |snapshot| {
            Some(snapshot.lanes.iter().filter_map(|lane| lane.run).collect::<Vec<_>>())
        });
        let known = known.await;
        let run = self
            .until("a run that began later", |snapshot| {
                snapshot
                    .lanes
                    .iter()
                    .filter_map(|lane| lane.run)
                    .find(|run| !known.contains(run))
            })
            .await;
        let detail = tokio::time::timeout(BOUND, async {
            loop {
                let reports = Reports::open(&self.ledger()).await.unwrap();
                if let Some(detail) = reports.run(run).await.unwrap() {
                    return detail;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        let setup = detail.await.unwrap().setup;
        format!("{} {}", setup.recipe, setup.recipe_version)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_of_a_recipe_holds_over_a_restart_until_the_recipes_file_is_changed() {
    let mut fixture = Fixture::new();
    fixture.start();
    let first = fixture.other_recipe("").await;
    let stage = [
        "act",
        "recipe",
        "claimed",
        "--set",
        "times.stage=\"29s\"",
        "--reason",
        "quick",
    ];
    let output = fixture.command(&stage).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let second = fixture.other_recipe(&first).await;
    assert_eq!(fixture.stored_with().await, second);
    let refused = |arguments: &[&str], expected: &str| {
        let output = fixture.command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        assert!(text(&output).contains(expected), "{}", text(&output));
    };
    refused(&stage, "claimed is so already");
    refused(
        &[
            "act",
            "recipe",
            "claimed",
            "--set",
            "times.stage=\"1ms\"",
            "--reason",
            "x",
        ],
        "claimed.toml as changed:",
    );
    refused(
        &[
            "act",
            "recipe",
            "blessed",
            "--set",
            "times.stage=\"9s\"",
            "--reason",
            "x",
        ],
        "recipe: expected one of claimed",
    );
    let by_operator = by_operator(Act::Recipe {
        recipe: "claimed".to_owned(),
        change: RecipeChange::Entries(vec!["times.stage=\"9s\"".to_owned()]),
        reason: "x".to_owned(),
    });
    let answer = fixture.client().act(&by_operator).await.unwrap();
    assert!(
        matches!(&answer, ActAnswer::Refused { why } if why.starts_with("role: ")),
        "{answer:?}"
    );

    fixture.restart().await;
    assert_eq!(fixture.other_recipe("").await, second);
    let version = |shown: &str| shown.split_once(' ').unwrap().1.to_owned();
    let back = version(&first);
    let back = [
        "act",
        "recipe",
        "claimed",
        "--version",
        &back,
        "--reason",
        "it was better",
    ];
    let output = fixture.command(&back).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(fixture.other_recipe(&second).await, first);
    let output = fixture.command(&stage).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(fixture.other_recipe(&first).await, second);

    fixture.signal(Signal::SIGTERM);
    assert!(fixture.ended().await.success());
    let file = fixture.folder.path().join("recipes/claimed.toml");
    let recipe = std::fs::read_to_string(&file).unwrap();
    assert!(recipe.contains("attempts = 3"));
    // Another comment is no other recipe.
    std::fs::write(&file, format!("# As agreed.\n{recipe}")).unwrap();
    fixture.start();
    assert_eq!(fixture.other_recipe("").await, second);
    fixture.signal(Signal::SIGTERM);
    assert!(fixture.ended().await.success());
    std::fs::write(&file, recipe.replace("attempts = 3", "attempts = 4")).unwrap();
    fixture.start();
    let third = fixture.other_recipe("").await;
    assert!(third != first && third != second, "{third}");
    assert!(
        fixture.log().contains("the recipe's file was changed"),
        "{}",
        fixture.log()
    );
    assert_eq!(fixture.stored_with().await, third);

    let [first, second, third] = [&first, &second, &third].map(|shown| version(shown));
    five_versions_are_told(&fixture, first, second, third).await;
}

/// The file's, one by an act, back, again, and the file's once more.
async fn five_versions_are_told(fixture: &Fixture, first: String, second: String, third: String) {
    let reports = Reports::open(&fixture.ledger()).await.unwrap();
    let versions = reports.recipe_versions(Some("claimed"), 10).await.unwrap();
    let told: Vec<(String, Origin)> = versions.iter().map(|row| (row.version.clone(), row.origin)).collect();
    assert_eq!(
        told,
        [
            (third, Origin::File),
            (second.clone(), Origin::Act),
            (first.clone(), Origin::Act),
            (second.clone(), Origin::Act),
            (first.clone(), Origin::File),
        ]
    );
    let changes: Vec<&str> = versions.iter().map(|row| row.changes.as_str()).collect();
    assert!(changes[0].contains("send.attempts: 3 → 4"), "{changes:?}");
    assert_eq!(changes[1], "times.stage: \"30s\" → \"29s\"");
    assert_eq!(changes[2], "times.stage: \"29s\" → \"30s\"");
    // Each is a mark on the chart of yields.
    let always = Span {
        from: 0,
        until: i64::MAX,
    };
    let marks = reports.changes(always, 100).await.unwrap();
    let marks = marks.iter().filter(|mark| mark.kind == ChangeKind::Config);
    let marked: Vec<bool> = versions
        .iter()
        .map(|row| marks.clone().any(|mark| mark.detail.ends_with(&row.version)))
        .collect();
    assert_eq!(marked, [true; 5]);
    assert_eq!(marks.count(), 5);
    let made = &versions[3];
    assert_eq!((made.by.as_str(), made.reason.as_str()), ("console", "quick"));
    assert_eq!(made.from.as_ref(), Some(&first));
    let acts = AuditFilter {
        kind: Some(ActKind::Recipe),
        answer: Some(Answered::Done),
        ..AuditFilter::default()
    };
    let audited = reports.audit(&acts, 10).await.unwrap().rows.pop().unwrap();
    let change = audited.change.expect("before and after");
    assert_eq!(change.before, format!("claimed {first}: times.stage = \"30s\""));
    assert_eq!(change.after, format!("claimed {second}: times.stage = \"29s\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lot_chooses_the_recipe_also_after_a_restart() {
    let mut fixture = Fixture::with(|text| {
        text.replace(
            "[fixture]",
            "[[lots]]\nlot = \"L-*\"\nrecipe = \"recipes/led-only.toml\"\n[fixture]",
        )
    });
    fixture.start();
    let first = fixture.other_recipe("").await;
    assert!(first.starts_with("claimed "), "{first}");
    let output = fixture.command(&["act", "lot", "M-1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(
        text(&output).contains("expected L-* (led-only), or nothing"),
        "{}",
        text(&output)
    );
    let output = fixture.command(&["act", "lot", "L-1"]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let second = fixture.other_recipe(&first).await;
    assert!(second.starts_with("led-only "), "{second}");
    assert_eq!(fixture.stored_with().await, second);
    fixture.restart().await;
    assert_eq!(fixture.other_recipe("").await, second);
    assert_eq!(fixture.stored_with().await, second);
    let by_led = fixture.until("the badge", |snapshot| Some(snapshot.fixture.led_evidence_only));
    assert!(by_led.await);
}
