//! Pages as they are sent, against a ledger on disk and a daemon that is heard or not.

mod hostile;
mod people;
mod reports;
mod study;

use core::time::Duration;
use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use blinkup::reader::LedShape;
use blinkup::sample::Counts;
use blinkup::trace::{Header, INTEGRATION, Row, SATURATED_AT, Trace, compact};
use blinkup::{Level, Tick};
use fixture_ledger::record::{
    Annotation, AnnotationKind, Attempt, AttemptResult, Evidence, EvidenceKind, Limits, LoopBack, Measurement, Purpose,
    Quantity, RunEnd, RunStart, Scale, Setup, Side, StoredReading,
};
use fixture_ledger::{Durability, Ledger};
use fixture_link::client::Client;
use fixture_link::identity::{LaneId, RunId, Serial, WallTime};
use fixture_link::settings::Shifts;
use fixture_link::snapshot::{LaneState, Machine, Snapshot, Stage};
use fixture_link::verdict::VerdictCode;
use futures_util::StreamExt as _;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use uuid::Uuid;

use super::door::Door;
use super::replays::Replays;
use super::{Sources, router};
use crate::clock::Clock;
use crate::view::standing::Heard;
use crate::view::tests::{snapshot, stop, verdict};

/// 2026-09-21T12:00:00Z.
const NOON: i64 = 1_789_992_000_000_000;

fn wall(micros: i64) -> WallTime {
    WallTime {
        micros,
        synchronised: true,
    }
}

fn sources(ledger: &Path, heard: Heard) -> (watch::Sender<Heard>, Sources) {
    let (sender, newest) = watch::channel(heard);
    let sources = Sources {
        fixture: "Line 3 fixture A".to_owned(),
        newest,
        clock: Clock::start(),
        shifts: Shifts::days(jiff::tz::TimeZone::UTC),
        lots: fixture_link::settings::Lots::default(),
        ledger: ledger.to_owned(),
        screen: crate::screen::SMALL,
        languages: crate::view::language::Languages::default(),
        shift: super::shift::Cached::default(),
        study: super::study::Cached::default(),
        criteria: fixture_link::study::Criteria::default(),
        replays: Replays::by("/nowhere/fixture-daemon".into(), Path::new("fixture.toml")),
        people: None,
        daemon: Client::new("/nowhere/fixture.sock"),
        setup_code: "/nowhere/setup-code".into(),
        door: Door::Line,
        ended: CancellationToken::new(),
    };
    (sender, sources)
}

/// Where there is no ledger.
pub fn nothing() -> Sources {
    sources(Path::new("none.db"), Heard::default()).1
}

/// Heard just now, by a clock that starts with the test.
fn fresh(snapshot: Snapshot) -> Heard {
    Heard {
        snapshot: Some((Arc::new(snapshot), Tick::ZERO)),
        trouble: None,
    }
}

async fn get(sources: Sources, address: &str) -> (StatusCode, String) {
    let response = router(sources)
        .oneshot(Request::get(address).body(Body::empty()).unwrap())
        .await
        .unwrap();
    let status = response.status();
    let policy = response.headers().get(header::CONTENT_SECURITY_POLICY).cloned();
    assert!(policy.is_some(), "{address}: no policy");
    let body = axum::body::to_bytes(response.into_body(), 4_000_000).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// A page without what changes from one making to the next.
fn settled(page: &str) -> String {
    page.lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with("<footer>"))
        .map(|line| {
            let times = [("As of <strong>", "</strong>"), ("<time id=\"clock\">", "</time>")];
            times
                .into_iter()
                .find_map(|(from, until)| {
                    let (before, after) = line.split_once(from)?;
                    let (time, after) = after.split_once(until).unwrap();
                    assert!(time.ends_with(" UTC"), "{time}");
                    Some(format!("{before}{from}now{until}{after}"))
                })
                .unwrap_or_else(|| line.to_owned())
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// Sixty samples a second of an LED that is dark and green in turns, half a second each, with the lamp on from 2 s to 4 s.
fn trace() -> Vec<u8> {
    let header = Header {
        shape: LedShape {
            red: [1.02, 0.098, 0.061, 1.13],
            green: [0.159, 1.01, 0.338, 1.38],
        },
        ambient: [312.0, 280.0, 212.0, 820.0],
        saturated_at: SATURATED_AT,
        integration: INTEGRATION,
    };
    let rows = (1..1000u16)
        .map(|n| {
            let ms = u64::from(n) * 10;
            let lit = u16::from(ms % 1000 >= 500);
            let lamp = (2000..4000).contains(&ms) && n % 2 == 0;
            Row {
                at: Tick::from_micros(ms * 1000),
                counts: Counts {
                    red: 312 + 254 * lit + n % 7,
                    green: 280 + 1616 * lit + n % 5,
                    blue: 212 + 541 * lit + n % 3,
                    clear: 820 + 2208 * lit + n % 11,
                },
                lamp: if lamp { Level::FULL } else { Level::DARK },
            }
        })
        .collect();
    compact::encode(&Trace { header, rows })
}

fn run_id(n: u8) -> RunId {
    RunId(Uuid::from_bytes([
        1, 0x99, 0, 0, 0, n, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, n,
    ]))
}

/// What the runs have in common.
fn setup() -> Setup {
    Setup {
        fixture: "sim-1".to_owned(),
        software: "0.1.0".to_owned(),
        recipe: "demo".to_owned(),
        recipe_version: "00c0ffee00c0ffee".to_owned(),
        pass_rule: "claimed".to_owned(),
        simulated: true,
    }
}

/// A run's start as the daemon stores it.
async fn begin(ledger: &mut Ledger, n: u8, serial: &str) {
    let setup = ledger.setup(&setup()).await.unwrap();
    let run = run_id(n);
    let seated = NOON + i64::from(n) * 60_000_000;
    let start = RunStart {
        run,
        lane: LaneId::new(n % 4 + 1).unwrap(),
        serial: Some(Serial::new(serial).unwrap()),
        operator: "console".to_owned(),
        lot: "LOT-7".to_owned(),
        work_order: "WO-31".to_owned(),
        purpose: Purpose::Production,
        seated: wall(seated),
    };
    ledger.begin_run(setup, &start).await.unwrap();
}

/// One run as the daemon stores it.
async fn store(ledger: &mut Ledger, n: u8, serial: &str, code: VerdictCode, trace: Vec<u8>) {
    store_end(ledger, n, serial, end(n, code, trace)).await;
}

async fn store_end(ledger: &mut Ledger, n: u8, serial: &str, end: RunEnd) {
    begin(ledger, n, serial).await;
    let seated = NOON + i64::from(n) * 60_000_000;
    ledger.finish_run(&end, wall(seated + 10_400_000)).await.unwrap();
}

/// How a run ends that got as far as joining.
fn end(n: u8, code: VerdictCode, trace: Vec<u8>) -> RunEnd {
    let run = run_id(n);
    let mut lateness = [0; 21];
    lateness[6] = 900;
    lateness[9] = 12;
    let at = Duration::from_millis;
    RunEnd {
        run,
        code,
        detail: "last seen: joining-wifi".to_owned(),
        stage: Stage::Joining,
        took: at(10_400),
        device_id: (code == VerdictCode::Ok).then(|| "230a6c1e5f2a33ee".to_owned()),
        agent_url: None,
        attempts: vec![Attempt {
            number: 1,
            rate: 60,
            level_permille: 1000,
            mid_permille: Some(500),
            began: at(2000),
            took: at(2000),
            token_id: Some("token-17".to_owned()),
            result: AttemptResult::Received,
            symbols: 912,
            latest: Duration::from_micros(431),
            lateness,
            loop_back: Some(LoopBack {
                bright: 4100.0,
                mid_share: 0.52,
                samples: 340,
            }),
        }],
        readings: vec![
            StoredReading {
                at: at(1200),
                codes: vec!["no-network-settings".to_owned(), "legacy-no-wifi-settings".to_owned()],
                confidence: 0.998,
            },
            StoredReading {
                at: at(6100),
                codes: vec!["joining-wifi".to_owned()],
                confidence: 0.9991,
            },
        ],
        evidence: vec![
            Evidence {
                at: at(0),
                kind: EvidenceKind::Stage,
                detail: "seated".to_owned(),
            },
            Evidence {
                at: at(1200),
                kind: EvidenceKind::Stage,
                detail: "ready".to_owned(),
            },
            Evidence {
                at: at(6100),
                kind: EvidenceKind::Stage,
                detail: "joining".to_owned(),
            },
            Evidence {
                at: at(1300),
                kind: EvidenceKind::Token,
                detail: "token token-17".to_owned(),
            },
        ],
        measurements: vec![
            Measurement {
                what: Quantity::RedDie,
                scale: Scale::Counts,
                value: 1204.46,
                deviation: 3.2,
                limits: None,
            },
            Measurement {
                what: Quantity::GreenShare,
                scale: Scale::Share,
                value: 0.347,
                deviation: 0.004,
                limits: Some(Limits {
                    allowed: 0.4..=0.6,
                    side: Side::Outside,
                }),
            },
        ],
        trace,
        samples_lost: 3,
    }
}

/// A ledger in a folder of its own.
async fn ledger() -> (tempfile::TempDir, std::path::PathBuf, Ledger) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::create(&path, Durability::Unsynced).await.unwrap();
    (folder, path, ledger)
}

fn four_lanes() -> Snapshot {
    let mut shown = snapshot(vec![
        verdict(VerdictCode::Ok),
        verdict(VerdictCode::StuckJoining),
        LaneState::Sending {
            attempt: 1,
            of: 3,
            permille: 430,
            rate: 60,
        },
        LaneState::Empty,
    ]);
    shown.lanes[0].run = Some(run_id(1));
    shown.lanes[2].serial = Some(Serial::new("<script>alert(1)</script>/..\"'").unwrap());
    shown
}

#[tokio::test]
async fn the_live_page_shows_every_lane() {
    let (_keep, sources) = sources(Path::new("/nowhere"), fresh(four_lanes()));
    let (status, page) = get(sources, "/").await;
    assert_eq!(status, StatusCode::OK);
    insta::assert_snapshot!("live", settled(&page));
}

#[tokio::test]
async fn a_hostile_serial_is_only_ever_text() {
    let (_keep, sources) = sources(Path::new("/nowhere"), fresh(four_lanes()));
    let (_, page) = get(sources, "/").await;
    assert!(!page.contains("<script>alert"), "{page}");
    assert!(page.contains("/units/%3Cscript%3Ealert%281%29%3C%2Fscript%3E%2F..%22%27"));
}

#[tokio::test]
async fn a_silent_daemon_leaves_no_verdict_on_the_live_page() {
    let mut heard = fresh(four_lanes());
    heard.trouble = Some("the daemon's end".to_owned());
    let (_keep, sources) = sources(Path::new("/nowhere"), heard);
    let (status, page) = get(sources, "/").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("FIXTURE STOPPED"));
    assert!(!page.contains("PASS"), "{page}");
    assert!(page.contains("SIMULATED"));
}

#[tokio::test]
async fn the_event_stream_says_so_when_the_daemon_falls_silent() {
    let (sender, sources) = sources(Path::new("/nowhere"), fresh(four_lanes()));
    let response = router(sources)
        .oneshot(Request::get("/events").body(Body::empty()).unwrap())
        .await
        .unwrap();
    // The clock goes on beside them.
    let mut events = response
        .into_body()
        .into_data_stream()
        .map(|event| String::from_utf8(event.unwrap().to_vec()).unwrap())
        .filter(|event| core::future::ready(!event.starts_with("event: clock\n")));
    let first = events.next().await.unwrap();
    assert!(first.starts_with("event: live\n") && first.contains("PASS"), "{first}");
    assert!(
        first.contains("SIMULATED"),
        "a page that was opened before the daemon was heard has it from here"
    );
    sender.send_modify(|heard| heard.trouble = Some("gone".to_owned()));
    let next = events.next().await.unwrap();
    assert!(
        next.starts_with("event: live\n") && next.contains("FIXTURE STOPPED"),
        "{next}"
    );
    assert!(!next.contains("PASS"), "{next}");
    // What it says of how long the daemon has been silent goes on.
    loop {
        let next = events.next().await.unwrap();
        if next.starts_with("event: beat\n") {
            break;
        }
        assert!(next.contains("FIXTURE STOPPED") && !next.contains("PASS"), "{next}");
    }
}

#[tokio::test]
async fn the_live_pages_clock_goes_on_while_nothing_else_changes() {
    let mut heard = fresh(four_lanes());
    heard.trouble = Some("gone".to_owned());
    let (_keep, sources) = sources(Path::new("/nowhere"), heard);
    let response = router(sources)
        .oneshot(Request::get("/events").body(Body::empty()).unwrap())
        .await
        .unwrap();
    let clocks = response
        .into_body()
        .into_data_stream()
        .map(|event| String::from_utf8(event.unwrap().to_vec()).unwrap())
        .filter(|event| core::future::ready(event.starts_with("event: clock\n")))
        .take(2);
    let times: Vec<_> = clocks.collect().await;
    assert_ne!(times[0], times[1]);
    assert!(times.iter().all(|time| time.trim_end().ends_with(" UTC")), "{times:?}");
}

#[tokio::test]
async fn a_stopped_line_is_above_its_lanes() {
    let mut shown = four_lanes();
    shown.line.stopped = Some(stop());
    let (_keep, sources) = sources(Path::new("/nowhere"), fresh(shown));
    let (_, page) = get(sources, "/").await;
    let (stop, lanes) = (page.find("LINE STOPPED").unwrap(), page.find("id=\"lanes\"").unwrap());
    assert!(stop < lanes);
    assert!(page.contains("Three units in a row"));
}

#[tokio::test]
async fn the_screen_is_served_as_the_local_display_draws_it() {
    let (_keep, sources) = sources(Path::new("/nowhere"), fresh(four_lanes()));
    let view = crate::view::View::of(&sources.newest.borrow(), Tick::ZERO);
    let response = router(sources)
        .oneshot(Request::get("/screen.png").body(Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "image/png");
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    let body = axum::body::to_bytes(response.into_body(), 1_000_000).await.unwrap();
    assert_eq!(body, crate::screen::frame(&view, crate::screen::SMALL).png().unwrap());
}

#[tokio::test]
async fn history_is_there_while_the_daemon_is_not() {
    let (_folder, path, mut ledger) = ledger().await;
    store(&mut ledger, 1, "SN-0001", VerdictCode::Ok, trace()).await;
    store(&mut ledger, 2, "SN-0002", VerdictCode::StuckJoining, Vec::new()).await;
    drop(ledger);
    let (_keep, sources) = sources(&path, Heard::default());
    let (status, page) = get(sources, "/runs").await;
    assert_eq!(status, StatusCode::OK);
    insta::assert_snapshot!("runs", settled(&page));
}

#[tokio::test]
async fn a_run_without_a_verdict_is_in_progress_only_while_the_daemon_is_heard() {
    let (_folder, path, mut ledger) = ledger().await;
    begin(&mut ledger, 1, "SN-0001").await;
    drop(ledger);
    let mut silent = fresh(four_lanes());
    silent.trouble = Some("the daemon's end".to_owned());
    for address in [
        "/runs".to_owned(),
        "/units/SN-0001".to_owned(),
        format!("/runs/{}", run_id(1)),
    ] {
        let (_keep, live) = sources(&path, fresh(four_lanes()));
        let (status, page) = get(live, &address).await;
        assert_eq!(status, StatusCode::OK, "{address}: {page}");
        assert!(page.contains("</svg>in progress</span>"), "{address}: {page}");
        assert!(page.contains("\"outcome running\""), "{address}: {page}");
        for heard in [Heard::default(), silent.clone()] {
            let (_keep, gone) = sources(&path, heard);
            let (_, page) = get(gone, &address).await;
            assert!(
                page.contains("</svg>no verdict (fixture stopped)</span>"),
                "{address}: {page}"
            );
            assert!(page.contains("\"outcome aborted\""), "{address}: {page}");
            assert!(!page.contains("in progress"), "{address}: {page}");
        }
    }
}

#[tokio::test]
async fn a_page_answers_only_to_the_names_of_this_machine() {
    let ask = async |host: &str| {
        let (_keep, sources) = sources(Path::new("/nowhere"), fresh(four_lanes()));
        let request = Request::get("/")
            .header(header::HOST, host)
            .body(Body::empty())
            .unwrap();
        let response = router(sources).oneshot(request).await.unwrap();
        let status = response.status();
        assert!(response.headers().contains_key(header::CONTENT_SECURITY_POLICY));
        let body = axum::body::to_bytes(response.into_body(), 1_000_000).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    };
    assert_eq!(ask("127.0.0.1:8080").await.0, StatusCode::OK);
    let (status, said) = ask("rebound.example:8080").await;
    assert_eq!(status, StatusCode::MISDIRECTED_REQUEST);
    assert!(
        said.contains("\"rebound.example:8080\"") && said.contains("http://localhost"),
        "{said}"
    );
    assert!(!said.contains("PASS"), "{said}");
}

#[tokio::test]
async fn a_search_finds_the_units_whose_serial_begins_so() {
    let (_folder, path, mut ledger) = ledger().await;
    store(&mut ledger, 1, "SN-0001", VerdictCode::Ok, Vec::new()).await;
    store(&mut ledger, 2, "XX-0002", VerdictCode::StuckJoining, Vec::new()).await;
    let (_keep, sources) = sources(&path, Heard::default());
    let (_, page) = get(sources.clone(), "/runs?serial=XX&outcome=&code=&lane=&lot=&day=").await;
    assert!(page.contains("XX-0002") && !page.contains("SN-0001"));
    for (asked, found) in [("WO-31", true), ("WO-3", false)] {
        let (_, page) = get(sources.clone(), &format!("/runs?work_order={asked}")).await;
        assert_eq!(page.contains("XX-0002"), found, "{asked}");
    }
    let (_, page) = get(sources.clone(), "/runs?day=2026-09-20").await;
    assert!(page.contains("No run fits."));
    for (wrong, said) in [
        ("lane=9", "lane: &#34;9&#34;: expected a number from 1 to 8"),
        ("outcome=GOOD", "outcome: &#34;GOOD&#34; is not a known outcome"),
        (
            "day=monday",
            "day: &#34;monday&#34;: expected a date such as 2026-01-31",
        ),
        ("before=x", "before: &#34;x&#34; is not a place in the list of runs"),
        ("sort=up", "sort: &#34;up&#34; is not a known order"),
        ("colour=up", "colour: expected serial"),
    ] {
        let (status, page) = get(sources.clone(), &format!("/runs?{wrong}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{wrong}");
        assert!(page.contains(said), "{wrong}: {page}");
    }
}

#[tokio::test]
async fn pages_of_runs_follow_one_another_without_a_gap() {
    let (_folder, path, mut ledger) = ledger().await;
    for n in 0..60 {
        store(&mut ledger, n, &format!("SN-{n:04}"), VerdictCode::Ok, Vec::new()).await;
    }
    let (_keep, sources) = sources(&path, Heard::default());
    let (_, first) = get(sources.clone(), "/runs?serial=SN").await;
    let older = first
        .split("href=\"")
        .filter_map(|part| part.split('"').next())
        .find(|link| link.contains("before="))
        .unwrap()
        .replace("&#38;", "&");
    let (_, second) = get(sources, &older).await;
    let mut found: Vec<_> = (0..60)
        .filter(|n| {
            let serial = format!(">SN-{n:04}<");
            let (one, other) = (first.contains(&serial), second.contains(&serial));
            assert!(!(one && other), "{serial} is on both pages");
            one || other
        })
        .collect();
    found.sort_unstable();
    assert_eq!(found, (0..60).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_run_is_shown_with_its_light_and_all_that_it_rests_on() {
    let (_folder, path, mut ledger) = ledger().await;
    store(&mut ledger, 1, "SN-0001", VerdictCode::StuckJoining, trace()).await;
    let note = Annotation {
        run: run_id(1),
        kind: AnnotationKind::SuspectedNetwork,
        detail: "three units in a row".to_owned(),
    };
    ledger.annotate(&[note], wall(NOON + 999_000_000)).await.unwrap();
    let (_keep, sources) = sources(&path, Heard::default());
    let (status, page) = get(sources, &format!("/runs/{}", run_id(1))).await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        page.contains("class=\"green\"") && page.contains("class=\"dark\""),
        "the LED's colours"
    );
    insta::assert_snapshot!("run", settled(&page));
}

#[tokio::test]
async fn a_run_without_light_has_no_empty_drawing_but_says_why() {
    let (_folder, path, mut ledger) = ledger().await;
    let unlit = RunEnd {
        stage: Stage::Seated,
        took: Duration::from_millis(500),
        attempts: Vec::new(),
        readings: Vec::new(),
        evidence: Vec::new(),
        ..end(1, VerdictCode::SensorFault, Vec::new())
    };
    store_end(&mut ledger, 1, "SN-0001", unlit).await;
    store(&mut ledger, 2, "SN-0002", VerdictCode::LiftedEarly, Vec::new()).await;
    begin(&mut ledger, 3, "SN-0003").await;
    let (_keep, sources) = sources(&path, Heard::default());
    for (n, drawn, why) in [
        (
            1,
            0,
            "No light was recorded: the run ended 0.5 s after its unit was seated",
        ),
        (
            2,
            1,
            "No light was recorded: the run ended 10.4 s after its unit was seated",
        ),
        (3, 0, "A run&#39;s light is stored with its verdict: there is none yet."),
    ] {
        let (status, page) = get(sources.clone(), &format!("/runs/{}", run_id(n))).await;
        assert_eq!(status, StatusCode::OK);
        assert!(page.contains(why), "{page}");
        assert_eq!(
            page.matches("id=\"light\"").count(),
            drawn,
            "its attempts are drawn all the same: {page}"
        );
    }
}

#[tokio::test]
async fn a_run_whose_light_is_damaged_is_still_shown() {
    let (_folder, path, mut ledger) = ledger().await;
    store(&mut ledger, 1, "SN-0001", VerdictCode::Ok, b"BUT\x01not light".to_vec()).await;
    let (_keep, sources) = sources(&path, Heard::default());
    let (status, page) = get(sources, &format!("/runs/{}", run_id(1))).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("The recorded light cannot be read"), "{page}");
}

#[tokio::test]
async fn a_unit_has_all_its_runs_on_one_page() {
    let (_folder, path, mut ledger) = ledger().await;
    store(&mut ledger, 1, "a/b <i>", VerdictCode::StuckJoining, Vec::new()).await;
    store(&mut ledger, 2, "a/b <i>", VerdictCode::Ok, Vec::new()).await;
    let (_keep, sources) = sources(&path, Heard::default());
    let (status, page) = get(sources.clone(), "/units/a%2Fb%20%3Ci%3E").await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        page.contains("2 runs; it has passed.") && !page.contains("<i>"),
        "{page}"
    );
    let (status, page) = get(sources, "/units/none").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(page.contains("Back to the live page"));
}

#[tokio::test]
async fn a_day_has_its_yield_and_its_failures_by_class() {
    let (_folder, path, mut ledger) = ledger().await;
    store(&mut ledger, 1, "SN-0001", VerdictCode::Ok, Vec::new()).await;
    store(&mut ledger, 2, "SN-0002", VerdictCode::StuckJoining, Vec::new()).await;
    store(&mut ledger, 3, "SN-0003", VerdictCode::LampWeak, Vec::new()).await;
    let (_keep, sources) = sources(&path, Heard::default());
    let (status, page) = get(sources.clone(), "/today?day=2026-09-21").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("50.0 %"), "an ERROR is not in the yield: {page}");
    insta::assert_snapshot!("today", settled(&page));
    let (_, page) = get(sources, "/today?day=2026-09-19").await;
    assert!(page.contains("no unit yet"));
}

#[tokio::test]
async fn a_prometheus_server_gets_what_is_so_now_and_what_was_counted() {
    let (_folder, path, mut ledger) = ledger().await;
    store(&mut ledger, 1, "SN-0001", VerdictCode::Ok, Vec::new()).await;
    store(&mut ledger, 2, "SN-0002", VerdictCode::StuckJoining, Vec::new()).await;
    store(&mut ledger, 3, "SN-0003", VerdictCode::LampWeak, Vec::new()).await;
    let mut snapshot = four_lanes();
    snapshot.machine = Machine {
        celsius: Some(48.5),
        under_voltage: Some(true),
        slowed: None,
        card_worn: Some(20),
    };
    let (keep, heard) = sources(&path, fresh(snapshot));
    let (status, page) = get(heard, "/metrics").await;
    assert_eq!(status, StatusCode::OK);
    assert!(!page.contains("SN-"), "no unit is named: {page}");
    let mut lines: Vec<&str> = page.lines().collect();
    lines.sort_unstable();
    insta::assert_snapshot!("metrics", lines.join("\n"));
    drop(keep);

    // A silent daemon: nothing that was so is said to be so now, but the counts stand.
    let (_keep, silent) = sources(&path, Heard::default());
    let (_, page) = get(silent, "/metrics").await;
    assert!(
        page.contains("blinkup_daemon_up{fixture=\"Line 3 fixture A\"} 0.0"),
        "{page}"
    );
    assert!(!page.contains("lane_state{") && !page.contains("celsius"), "{page}");
    assert!(page.contains("blinkup_runs_total{outcome=\"PASS\"} 1"), "{page}");

    // No ledger: what is so now is still told.
    let (_keep, alone) = sources(Path::new("none.db"), fresh(four_lanes()));
    let (status, page) = get(alone, "/metrics").await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        page.contains("blinkup_ledger_readable{fixture=\"Line 3 fixture A\"} 0.0"),
        "{page}"
    );
    assert!(page.contains("lane_state{") && !page.contains("runs_total"), "{page}");
}

#[tokio::test]
async fn a_ledger_that_is_not_there_or_damaged_is_said_to_be_so() {
    let folder = tempfile::tempdir().unwrap();
    let damaged = folder.path().join("damaged.db");
    std::fs::write(&damaged, [7; 8192]).unwrap();
    for (ledger, said) in [
        (folder.path().join("none.db"), "no such ledger"),
        (damaged, "damaged.db"),
    ] {
        for page in ["/runs", "/today", "/units/x", &format!("/runs/{}", run_id(1))] {
            let (_keep, sources) = sources(&ledger, Heard::default());
            let (status, text) = get(sources, page).await;
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{page}");
            assert!(
                text.contains("The ledger cannot be read") && text.contains(said),
                "{page}: {text}"
            );
        }
        let (_keep, sources) = sources(&ledger, fresh(four_lanes()));
        assert_eq!(
            get(sources, "/").await.0,
            StatusCode::OK,
            "the live page needs no ledger"
        );
    }
}

#[tokio::test]
async fn pages_only_read() {
    let (_keep, sources) = sources(Path::new("/nowhere"), Heard::default());
    for address in ["/", "/runs", "/events"] {
        let response = router(sources.clone())
            .oneshot(Request::post(address).body(Body::empty()).unwrap())
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{address}");
    }
    let (status, page) = get(sources, "/nothing").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(page.contains("There is no page at this address.") && page.contains("href=\"/\""));
}

#[tokio::test]
async fn nothing_foreign_or_inline_may_run() {
    let (_folder, path, mut ledger) = ledger().await;
    store(&mut ledger, 1, "SN-0001", VerdictCode::Ok, trace()).await;
    let (_keep, sources) = sources(&path, fresh(four_lanes()));
    for address in [
        "/",
        "/runs",
        "/today",
        "/units/SN-0001",
        &format!("/runs/{}", run_id(1)),
        "/nothing",
    ] {
        let (_, page) = get(sources.clone(), address).await;
        for inline in [
            " style=",
            "<style",
            " onclick",
            " onload",
            "javascript:",
            "//cdn",
            "http://",
            "https://",
        ] {
            assert!(!page.contains(inline), "{address} holds {inline}");
        }
        assert_eq!(
            page.matches("<script").count(),
            usize::from(address == "/"),
            "{address}"
        );
    }
}

mod programs;
