//! Pages of reports: what they count, what they refuse, how large they are.

use fixture_ledger::lane_trend::LampLimit;
use fixture_ledger::record::{Audited, ChangeKind, RefusedStart, StopKind};
use fixture_link::act::{Act, ActAnswer, ActId, ActRequest};
use fixture_link::role::Role;
use fixture_link::snapshot::LineStop;
use fixture_link::verdict::Refusal;
use uuid::Uuid;

use super::*;
use crate::web::replays::tests::{SUMMARY, engine};

/// Two days: forty units of which four fail, two of them pass the second time; then thirty of which twenty fail, with other software.
async fn two_days() -> (tempfile::TempDir, std::path::PathBuf) {
    let (folder, path, mut ledger) = ledger().await;
    ledger
        .record_change(
            ChangeKind::Calibration,
            &LampLimit::text(&[LampLimit {
                lane: LaneId::new(1).unwrap(),
                full: 4000.0,
                least: 2400.0,
            }]),
            wall(NOON),
        )
        .await
        .unwrap();
    let mut number = 0_u16;
    let mut run = async |ledger: &mut Ledger, day: i64, serial: String, code: VerdictCode, software: &str| {
        number += 1;
        let setup = Setup {
            fixture: "sim-1".to_owned(),
            software: software.to_owned(),
            recipe: "demo".to_owned(),
            recipe_version: "00c0ffee00c0ffee".to_owned(),
            pass_rule: "claimed".to_owned(),
            simulated: true,
        };
        let setup = ledger.setup(&setup).await.unwrap();
        let [high, low] = number.to_be_bytes();
        let run = RunId(Uuid::from_bytes([
            1, 0x99, 0, 0, high, low, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 1,
        ]));
        let seated = NOON + day * 86_400_000_000 + i64::from(number) * 60_000_000;
        let start = RunStart {
            run,
            lane: LaneId::new(1).unwrap(),
            serial: Some(Serial::new(&serial).unwrap()),
            operator: "<b>Zoë</b>".to_owned(),
            lot: "=cmd()\"'<i>".to_owned(),
            work_order: String::new(),
            purpose: Purpose::Production,
            seated: wall(seated),
        };
        ledger.begin_run(setup, &start).await.unwrap();
        let end = RunEnd {
            run,
            ..end(1, code, Vec::new())
        };
        ledger.finish_run(&end, wall(seated + 10_400_000)).await.unwrap();
    };
    for unit in 0..40 {
        let code = if unit % 10 == 0 {
            VerdictCode::StuckDns
        } else {
            VerdictCode::Ok
        };
        run(&mut ledger, 0, format!("A-{unit}"), code, "0.1.0").await;
    }
    for unit in [0, 10] {
        run(&mut ledger, 0, format!("A-{unit}"), VerdictCode::Ok, "0.1.0").await;
    }
    run(&mut ledger, 0, "A-99".to_owned(), VerdictCode::LampWeak, "0.1.0").await;
    for unit in 0..30 {
        let code = if unit % 3 == 0 {
            VerdictCode::Ok
        } else {
            VerdictCode::StuckJoining
        };
        run(&mut ledger, 1, format!("B-{unit}"), code, "0.2.0").await;
    }
    ledger.close().await.unwrap();
    (folder, path)
}

const PERIOD: &str = "from=2026-09-21&to=2026-09-22";

async fn page_of(path: &Path, address: &str) -> (StatusCode, String) {
    let (_keep, sources) = sources(path, Heard::default());
    get(sources, address).await
}

#[tokio::test]
async fn yields_are_told_with_their_intervals_and_what_is_left_out() {
    let (_folder, path) = two_days().await;
    let (status, page) = page_of(&path, &format!("/yield?{PERIOD}&per=day")).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    // 36 + 10 of 70; 2 of 2; 38 + 10 of 70.
    assert!(page.contains("46 of 70 units in their first run"), "{page}");
    assert!(page.contains("65.7 %") && page.contains("54.0 % to 75.8 %"), "{page}");
    assert!(page.contains("2 of 2 units in their second run"));
    assert!(page.contains("48 of 70 units in their latest run"));
    assert!(page.contains("1 ERROR (a fault of the fixture or the network)"));
    // The second day is out of limits, and tells what changed.
    assert!(page.contains("more failures than the limit"));
    assert!(page.contains("software 0.2.0"), "{page}");
    assert!(page.contains("lane 1: lamp 4000.0, weak below 2400.0"));
    assert!(page.contains("SIMULATED"));
    insta::assert_snapshot!("yield", settled(&page));
}

#[tokio::test]
async fn a_filter_stands_in_the_address_and_narrows_everything() {
    let (_folder, path) = two_days().await;
    let (_, page) = page_of(&path, &format!("/yield?{PERIOD}&software=0.1.0&per=hour&by=software")).await;
    assert!(page.contains("36 of 40 units in their first run"), "{page}");
    // Every other view of it keeps the filter.
    assert!(
        page.contains(
            "href=\"/yield?from=2026-09-21&#38;to=2026-09-22&#38;software=0.1.0&#38;by=software&#38;per=day#trend\""
        ),
        "{page}"
    );
    assert!(page.contains("/failures?from=2026-09-21&#38;to=2026-09-22&#38;software=0.1.0"));
    let (_, none) = page_of(&path, &format!("/yield?{PERIOD}&lane=8")).await;
    assert!(none.contains("No run with a verdict fits."));
}

#[tokio::test]
async fn failures_are_told_by_whose_fault_they_are_and_lead_to_the_runs() {
    let (_folder, path) = two_days().await;
    let (status, page) = page_of(&path, &format!("/failures?{PERIOD}")).await;
    assert_eq!(status, StatusCode::OK);
    let [unit, fixture] =
        ["counts against the yield", "says nothing about the unit"].map(|words| page.find(words).unwrap());
    assert!(unit < fixture);
    let [joining, dns, weak] = ["stuck-joining", "stuck-dns", "lamp-weak"].map(|code| page.find(code).unwrap());
    assert!(joining < dns && dns < fixture && fixture < weak);
    assert!(
        page.contains("href=\"/runs?from=2026-09-21&#38;to=2026-09-22&#38;code=stuck-joining\""),
        "{page}"
    );
    // What it means and what to check stands there.
    let check = VerdictCode::StuckDns.text().engineer.split('\'').next().unwrap();
    assert!(check.len() > 10 && page.contains(check), "{check}");
    insta::assert_snapshot!("failures", settled(&page));
}

#[tokio::test]
async fn lanes_tell_their_lamps_against_what_commissioning_left() {
    let (_folder, path) = two_days().await;
    let (status, page) = page_of(&path, &format!("/lanes?{PERIOD}&per=hour")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("4100 counts; 2400 is the least."), "{page}");
    let (_, about) = page_of(&path, "/about").await;
    assert!(about.contains("Last seal") && about.contains("<dd>73</dd>"), "{about}");
}

/// The calendar of a configuration: a takt of 30 s, and a shift from 10:00 to 18:00 UTC whose name is code elsewhere.
fn shifts() -> Shifts {
    let text = "recipe = \"r\"\n[fixture]\nid = \"a\"\nname = \"a\"\nledger = \"l\"\nsocket = \"s\"\n[shifts]\nzone = \"Europe/Berlin\"\n\
        takt = \"30s\"\n[[shifts.shift]]\nname = \"early <i>\"\nfrom = \"12:00\"\nuntil = \"20:00\"\ndays = [\"mon\", \"tue\"]\n";
    fixture_link::settings::Settings::parse(Path::new("fixture.toml"), text)
        .unwrap()
        .shifts
}

/// A page as it is at an instant.
async fn page_at(path: &Path, address: &str, now: i64) -> (StatusCode, String) {
    let (_keep, mut sources) = sources(path, Heard::default());
    sources.shifts = shifts();
    sources.clock = Clock::standing_at(now);
    get(sources, address).await
}

const HOUR: i64 = 3_600_000_000;

/// The first of the two days with what a shift's report tells besides: two stops, a refusal, a change.
async fn a_shift() -> (tempfile::TempDir, std::path::PathBuf) {
    let (folder, path) = two_days().await;
    let (mut ledger, _) = Ledger::open(&path, wall(NOON)).await.unwrap();
    for (since, minutes, cause) in [
        (NOON + HOUR, 30, "break: lunch"),
        (NOON + 2 * HOUR, 15, "fixture: <script>alert(2)</script>"),
    ] {
        let stop = LineStop {
            since: wall(since),
            code: None,
            cause: cause.to_owned(),
            lane: None,
            wants_acknowledgement: false,
        };
        ledger.record_stop(&stop).await.unwrap();
        let ended = wall(since + minutes * 60_000_000);
        ledger.record_go(StopKind::Person, ended).await.unwrap();
    }
    let setup = ledger.setup(&setup()).await.unwrap();
    let refused = RefusedStart {
        lane: LaneId::new(1).unwrap(),
        serial: None,
        refusal: Refusal::NoSerial,
        detail: String::new(),
    };
    ledger
        .record_refusal(setup, &refused, wall(NOON + 3 * HOUR))
        .await
        .unwrap();
    ledger
        .record_change(ChangeKind::Lamp, "lane 1: <b>a new LED</b>", wall(NOON + 3 * HOUR))
        .await
        .unwrap();
    ledger.close().await.unwrap();
    (folder, path)
}

#[tokio::test]
async fn a_shifts_report_holds_what_is_to_be_signed_on_one_sheet() {
    let (_folder, path) = a_shift().await;
    let now = NOON + 20 * HOUR;
    let (status, page) = page_at(&path, "/shift-report?day=2026-09-21&shift=early+%3Ci%3E", now).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    for told in [
        "2026-09-21 12:00 CEST (Mon) to 2026-09-21 20:00 CEST, 8 h 00 min",
        "36 of 40 units in their first run",
        "38 of 40 units in their latest run",
        "40 units judged in 43 runs",
        "1 ERROR (a fault of the fixture or the network)",
        "Starts refused: 1 no-serial",
        "43 runs on a simulated jig",
        "<td>break</td><td>break: lunch</td>",
        "30.0",
        // 480 minutes, 30 of them a break, 15 lost.
        "96.7 %, 435 min of 450 min",
        "30.0 s; 38 of 38 within it",
        "stuck-dns",
        "(verdict 73)",
        "SIMULATED",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert!(!page.contains("SO FAR"));
    for raw in ["<i>", "<b>", "<script>alert"] {
        assert!(!page.contains(raw), "{raw}: {page}");
    }
    insta::assert_snapshot!("shift_report", settled(&page));
}

#[tokio::test]
async fn without_an_address_a_shifts_report_is_of_the_one_that_ended_last() {
    let (_folder, path) = a_shift().await;
    // Monday's ends at 18:00 UTC, Tuesday's a day later; on Wednesday there is none.
    for (now, day) in [
        (NOON + 6 * HOUR, "2026-09-21"),
        (NOON + 29 * HOUR, "2026-09-21"),
        (NOON + 30 * HOUR, "2026-09-22"),
        (NOON + 90 * HOUR, "2026-09-22"),
        (NOON + 6 * HOUR - 1, "2026-09-15"),
    ] {
        let (status, page) = page_at(&path, "/shift-report", now).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        assert!(
            page.contains(&format!("<title>Shift report {day} early")),
            "{now}: {page}"
        );
    }
    // One that lasts, and one to come.
    let (_, page) = page_at(&path, "/shift-report?day=2026-09-21", NOON + 30 * 60_000_000).await;
    assert!(page.contains("SO FAR: it lasts until 20:00"), "{page}");
    let (_, page) = page_at(&path, "/shift-report?day=2026-09-22", NOON).await;
    assert!(page.contains("It has not begun."), "{page}");
    for (query, expected) in [
        ("day=2026-09-23", "no shift begins on 2026-09-23"),
        ("day=2026-09-21&shift=night", "expected one of 2026-09-21: early"),
        ("shift=early", "expected the day on which it begins"),
        ("day=yesterday", "expected a date such as"),
        ("day=2026-09-21&day=2026-09-22", "day: expected once"),
        ("lane=1", "lane: expected day or shift"),
    ] {
        let (status, page) = page_at(&path, &format!("/shift-report?{query}"), NOON).await;
        assert_eq!(
            (status, page.contains(expected)),
            (StatusCode::BAD_REQUEST, true),
            "{query}: {page}"
        );
    }
}

#[tokio::test]
async fn other_limits_tell_which_verdicts_would_be_others() {
    let (_folder, path) = two_days().await;
    // All of them have a green share of 0.347 ± 0.004.
    let (status, page) = page_of(&path, &format!("/what-if?{PERIOD}")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("all 48 runs") && page.contains("SIMULATED"), "{page}");
    let (_, page) = page_of(&path, &format!("/what-if?{PERIOD}&share_least=0.4")).await;
    assert!(
        page.contains("<p class=\"big\">48</p>") && page.contains("green share 0.347 ± 0.004"),
        "{page}"
    );
    // Within three deviations nothing is outside.
    let (_, page) = page_of(&path, &format!("/what-if?{PERIOD}&share_least=0.358")).await;
    assert!(page.contains("No verdict would be another."), "{page}");
    for (query, expected) in [
        ("share_least=green", "expected a figure such as 0.5"),
        (
            "share_least=0.6&share_most=0.5",
            "expected at least as much as share_least",
        ),
        ("strength_least=-1", "expected a figure such as 0.5"),
        ("mood=good", "expected one of"),
    ] {
        let (status, page) = page_of(&path, &format!("/what-if?{query}")).await;
        assert_eq!(
            (status, page.contains(expected)),
            (StatusCode::BAD_REQUEST, true),
            "{query}: {page}"
        );
    }
}

#[tokio::test]
async fn other_rules_tell_which_verdicts_would_be_others_and_which_cannot_be_told() {
    let (_folder, path) = two_days().await;
    let line = |serial: &str, was: &str, would: &str, why: &str| {
        format!(
            r#"{{"run":{{"run":"01890000-0000-7000-8000-000000000001","serial":"{serial}","seated":{{"micros":{NOON},"synchronised":true}},"was":"{was}","would":{would},"why":"{why}"}}}}"#
        )
    };
    let lines = [
        line("SN-<1>", "ok", "\"stuck-joining\"", "<b>last seen</b>"),
        line("SN-2", "ok", "null", "the light ends"),
        line("SN-3", "ok", "\"ok\"", "held"),
        SUMMARY.to_owned(),
    ]
    .join("\n");
    let (_engine, replays) = engine(&format!("cat <<'END'\n{lines}\nEND"));
    let (_keep, mut sources) = super::sources(&path, Heard::default());
    sources.replays = replays;
    let page = async |query: &str| {
        let (status, page) = super::get(sources.clone(), &format!("/what-if/rules?{PERIOD}{query}")).await;
        (status, super::settled(&page))
    };
    // Before anything is asked no engine is.
    let (status, asked_nothing) = page("").await;
    assert!(
        status == StatusCode::OK && !asked_nothing.contains("Would be another"),
        "{asked_nothing}"
    );
    let (status, tried) = page("&stage=7s").await;
    assert_eq!(status, StatusCode::OK);
    for expected in [
        "SIMULATED",
        "The latest 7 runs for production were looked at. Left out: 1 whose stored verdict",
        "1 were made under another version",
        "PASS ok",
        "FAIL stuck-joining",
        "cannot be told",
        "SN-&#60;1&#62;",
        "&#60;b&#62;last seen",
    ] {
        assert!(tried.contains(expected), "{expected}: {tried}");
    }
    assert!(!tried.contains("SN-3"), "the same verdict is only counted");
    let (status, told) = page("&hold=3s").await;
    assert!(
        status == StatusCode::BAD_REQUEST && told.contains("expected a pass rule beside it"),
        "{told}"
    );

    let (_engine, replays) = engine("echo 'the recipe that is tried:3:1: <i>stage</i>' >&2; exit 3");
    sources.replays = replays;
    let (status, refused) = super::get(sources.clone(), "/what-if/rules?stage=1ms").await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        refused.contains("These rules were not tried.") && refused.contains("&#60;i&#62;stage"),
        "{refused}"
    );
    let (_engine, replays) = engine("echo 'ledger: locked' >&2; exit 1");
    sources.replays = replays;
    let (status, failed) = super::get(sources.clone(), "/what-if/rules?stage=1s").await;
    assert!(
        status == StatusCode::INTERNAL_SERVER_ERROR && failed.contains("ledger: locked"),
        "{failed}"
    );
    let (status, told) = super::get(sources.clone(), "/what-if/rules?stage=1s&lot=%00").await;
    assert!(
        status == StatusCode::BAD_REQUEST && told.contains("expected no control characters"),
        "{told}"
    );
    let (_engine, replays) = engine("exec sleep 600");
    sources.replays = replays.within(Duration::from_millis(50));
    let (status, late) = super::get(sources, "/what-if/rules?stage=7s").await;
    assert!(
        status == StatusCode::SERVICE_UNAVAILABLE && late.contains("Ask for fewer runs"),
        "{late}"
    );
}

#[tokio::test]
async fn names_that_are_code_elsewhere_are_only_ever_text() {
    let (_folder, path) = two_days().await;
    for address in [
        format!("/yield?{PERIOD}&by=lot"),
        format!("/yield?{PERIOD}&by=operator"),
        format!("/failures?{PERIOD}&lot=%3Cscript%3Ealert(1)%3C%2Fscript%3E"),
        "/units/%3Cscript%3E".to_owned(),
    ] {
        let (_, page) = page_of(&path, &address).await;
        for raw in ["<b>Zo", "<i>", "<script>alert"] {
            assert!(!page.contains(raw), "{address}: {raw}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_with_what_was_expected() {
    let (_folder, path) = two_days().await;
    for (query, expected) in [
        ("from=2026-13-01", "expected a date such as"),
        (
            "from=2026-02-02&to=2026-02-01",
            "expected a day that is not before from",
        ),
        ("days=0", "expected a number from 1 to 4000"),
        ("days=28&from=2026-01-01", "expected either days, or from and to"),
        ("lane=9", "expected a number from 1 to 8"),
        ("per=minute", "expected hour, shift, day, week or month"),
        ("by=mood", "expected nothing, lane"),
        ("colour=red", "expected one of days"),
        ("lot=a&lot=b", "expected once"),
        (
            "from=2020-01-01&to=2026-01-01&per=hour",
            "expected a shorter period or larger parts",
        ),
        ("from=-009999-01-01", "expected a day from"),
        ("to=9999-12-31", "expected a day from"),
    ] {
        for page in ["/yield", "/failures", "/lanes"] {
            let (status, said) = page_of(&path, &format!("{page}?{query}")).await;
            // Failures are not divided.
            if page == "/failures" && query.ends_with("per=hour") {
                assert_eq!(status, StatusCode::OK);
                continue;
            }
            assert_eq!(status, StatusCode::BAD_REQUEST, "{page}?{query}");
            assert!(said.contains(expected), "{page}?{query}: {said}");
        }
    }
    let long = "x".repeat(300);
    assert_eq!(
        page_of(&path, &format!("/yield?lot={long}")).await.0,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn a_units_story_has_its_runs_in_order_and_what_people_did() {
    let (_folder, path) = two_days().await;
    let (mut ledger, _) = Ledger::open(&path, wall(NOON)).await.unwrap();
    let act = ActRequest {
        id: ActId(Uuid::nil()),
        by: "Wei".to_owned(),
        role: Role::Admin,
        from: "line".to_owned(),
        act: Act::Unlock {
            serial: Serial::new("A-10").unwrap(),
            reason: "cleaned the light pipe".to_owned(),
        },
    };
    let done = Audited {
        request: act,
        answer: ActAnswer::Done,
        change: None,
        study: None,
    };
    ledger.record_act(&done, wall(NOON + 1)).await.unwrap();
    ledger.close().await.unwrap();
    let (status, page) = page_of(&path, "/units/A-10").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("unlock by Wei: cleaned the light pipe"), "{page}");
    let [first, second] = ["<h2>Run 1", "<h2>Run 2"].map(|heading| page.find(heading).unwrap());
    assert!(first < second);
    assert!(
        page[first..second].contains("stuck-dns") && page[second..].contains("PASS"),
        "{page}"
    );
    assert!(page.contains("2 runs; it has passed."));
    assert_eq!(page_of(&path, "/units/A-11x").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_page_with_its_styles_is_small_over_the_wire() {
    let (_folder, path) = two_days().await;
    let (_keep, sources) = sources(&path, Heard::default());
    let router = router(sources);
    let mut sizes = Vec::new();
    for address in [
        "/fixture.css",
        "/",
        "/yield?from=2026-03-08&to=2026-09-22&per=day",
        "/failures?days=91",
        "/lanes?from=2026-03-08&to=2026-09-22&per=day",
        "/runs",
        "/shift-report?day=2026-09-21",
        "/what-if?days=91",
        "/about",
    ] {
        let request = Request::get(address)
            .header(header::ACCEPT_ENCODING, "gzip")
            .body(Body::empty())
            .unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{address}");
        let body = axum::body::to_bytes(response.into_body(), 4_000_000).await.unwrap();
        sizes.push((address, body.len()));
    }
    let style = sizes[0].1;
    for (address, size) in &sizes[1..] {
        assert!(size + style <= 100_000, "{address}: {size} and {style} bytes");
    }
}
