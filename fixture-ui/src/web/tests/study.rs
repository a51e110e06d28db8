//! What pages and the interface say of gauge studies.

use fixture_ledger::record::Audited;
use fixture_ledger::study::Plan;
use fixture_link::act::{Act, ActAnswer, ActId, ActRequest, Mark};
use fixture_link::role::Role;
use fixture_link::study::{StudyStep, StudyWish};

use super::*;

/// A study of a golden, a known-bad and an ordinary unit, which anna and ben run twice each.
pub async fn study(ledger: &mut Ledger, first: u8, deviation: f32, limits: [f32; 2]) {
    let plan = Plan {
        units: [("<G>", Mark::Golden), ("B", Mark::KnownBad), ("O", Mark::Ordinary)]
            .map(|(unit, mark)| (Serial::new(unit).unwrap(), mark))
            .to_vec(),
        people: vec!["anna".to_owned(), "ben".to_owned()],
        times: 2,
    };
    let wish = StudyWish {
        units: plan.units.iter().map(|(unit, _)| unit.clone()).collect(),
        people: plan.people.clone(),
        times: plan.times,
    };
    act(ledger, first, StudyStep::Begin(wish), Some(plan)).await;
    let mut n = first;
    for (unit, code, strength) in [
        ("<G>", VerdictCode::Ok, 1.0),
        ("B", VerdictCode::LedOutOfLimits, 0.55),
        ("O", VerdictCode::Ok, 1.1),
    ] {
        for (by, sign) in [("anna", -1.0), ("ben", -1.0), ("anna", 1.0), ("ben", 1.0)] {
            n += 1;
            run(
                ledger,
                n,
                unit,
                by,
                code,
                strength + sign * deviation,
                limits[usize::from(n % 2)],
            )
            .await;
        }
    }
    // By somebody else, and one too many.
    run(ledger, n + 1, "<G>", "<i>eve</i>", VerdictCode::Ok, 1.0, 1.5).await;
    run(ledger, n + 2, "O", "anna", VerdictCode::Ok, 1.0, 1.5).await;
}

pub async fn act(ledger: &mut Ledger, n: u8, step: StudyStep, plan: Option<Plan>) {
    let last = u128::from(matches!(step, StudyStep::Begin(_)));
    let audited = Audited {
        request: ActRequest {
            id: ActId(Uuid::from_u128(u128::from(n) * 2 + last)),
            by: "quinn".to_owned(),
            role: Role::Qa,
            from: "line".to_owned(),
            act: Act::Study {
                step,
                reason: "a new jig".to_owned(),
            },
        },
        answer: ActAnswer::Done,
        change: None,
        study: plan,
    };
    let at = NOON + i64::from(n) * 60_000_000;
    ledger.record_act(&audited, wall(at)).await.unwrap();
}

async fn run(ledger: &mut Ledger, n: u8, unit: &str, by: &str, code: VerdictCode, strength: f32, most: f32) {
    let setup = ledger.setup(&setup()).await.unwrap();
    let seated = NOON + i64::from(n) * 60_000_000;
    let start = RunStart {
        run: run_id(n),
        lane: LaneId::new(n % 2 + 1).unwrap(),
        serial: Some(Serial::new(unit).unwrap()),
        operator: by.to_owned(),
        lot: "LOT-7".to_owned(),
        work_order: String::new(),
        purpose: Purpose::Study,
        seated: wall(seated),
    };
    ledger.begin_run(setup, &start).await.unwrap();
    let measured = |what, scale, limits| Measurement {
        what,
        scale,
        value: strength,
        deviation: 0.01,
        limits,
    };
    let limits = Limits {
        allowed: 0.5..=most,
        side: Side::Inside,
    };
    let mut measurements = vec![measured(Quantity::LedStrength, Scale::OfReference, Some(limits))];
    // A bad unit is not seen through to the end.
    if unit != "B" {
        measurements.push(measured(Quantity::RedDie, Scale::Counts, None));
    }
    let end = RunEnd {
        measurements,
        ..end(n, code, Vec::new())
    };
    ledger.finish_run(&end, wall(seated + 10_400_000)).await.unwrap();
}

/// A fixture that has passed its study.
pub async fn passed() -> (tempfile::TempDir, std::path::PathBuf) {
    let (folder, path, mut ledger) = ledger().await;
    study(&mut ledger, 1, 0.002, [1.5, 1.5]).await;
    act(&mut ledger, 40, StudyStep::End, None).await;
    ledger.close().await.unwrap();
    (folder, path)
}

/// A fixture whose study did not show what it has to: the limits became others while it ran.
pub async fn failed() -> (tempfile::TempDir, std::path::PathBuf) {
    let (folder, path, mut ledger) = ledger().await;
    study(&mut ledger, 1, 0.002, [1.5, 1.4]).await;
    act(&mut ledger, 40, StudyStep::End, None).await;
    ledger.close().await.unwrap();
    (folder, path)
}

async fn page_at(path: &Path, address: &str) -> (StatusCode, String) {
    let (_keep, mut sources) = sources(path, Heard::default());
    sources.clock = Clock::standing_at(NOON + 13 * 3_600_000_000);
    get(sources, address).await
}

const NOT_PASSED: &str = "This fixture has not passed a gauge study";

#[tokio::test]
async fn every_page_says_so_where_the_fixture_has_not_passed_its_study() {
    let (_folder, path, ledger) = ledger().await;
    ledger.close().await.unwrap();
    let (_passed, passed) = passed().await;
    for address in [
        "/",
        "/today",
        "/yield",
        "/failures",
        "/runs",
        "/lanes",
        "/study",
        "/what-if",
        "/what-if/rules",
        "/export",
        "/about",
        "/shift-report",
        "/units/X",
        "/nothing",
        "/log-in",
    ] {
        let (_, page) = page_at(&path, address).await;
        let said = page.split("<p class=\"standing\">").nth(1).unwrap_or_default();
        assert!(
            said.starts_with(&format!("{NOT_PASSED}: none was made to its end. <a href=\"/study\"")),
            "{address}: {page}"
        );
        let (_, page) = page_at(&passed, address).await;
        assert!(!page.contains(NOT_PASSED), "{address}: {page}");
    }
    // In the printed report it stands either way.
    let (_, report) = page_at(&passed, "/shift-report").await;
    assert!(
        report.contains("<p class=\"studied\">This fixture has passed its gauge study: study 1 of"),
        "{report}"
    );
}

#[tokio::test]
async fn a_study_is_told_with_what_is_run_what_it_found_and_what_that_means() {
    let (_folder, path) = passed().await;
    let (status, page) = page_at(&path, "/study").await;
    assert_eq!(status, StatusCode::OK, "{page}");
    assert!(!page.contains("<i>eve") && !page.contains("<G>"), "{page}");
    insta::assert_snapshot!("study", settled(&page));
    let (_, older) = page_at(&path, "/study?study=1").await;
    assert_eq!(settled(&older), settled(&page));
    let (status, page) = page_at(&path, "/study?study=2").await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{page}");
    for wrong in ["/study?study=0", "/study?study=x", "/study?units=3"] {
        let (status, page) = page_at(&path, wrong).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{wrong}: {page}");
    }
    // It is of no yield, and told as left out there.
    let (_, page) = page_at(&path, "/yield?from=2026-09-21&to=2026-09-21").await;
    assert!(
        page.contains("14 of golden or known-bad units, or of a gauge study"),
        "{page}"
    );
}

#[tokio::test]
async fn a_study_that_runs_tells_what_is_to_be_run_and_computes_nothing() {
    let (_folder, path, mut ledger) = ledger().await;
    let plan = Plan {
        units: ["G", "B"]
            .map(|unit| (Serial::new(unit).unwrap(), Mark::Ordinary))
            .to_vec(),
        people: vec!["anna".to_owned(), "ben".to_owned()],
        times: 2,
    };
    let wish = StudyWish {
        units: Vec::new(),
        people: plan.people.clone(),
        times: 2,
    };
    act(&mut ledger, 1, StudyStep::Begin(wish), Some(plan)).await;
    run(&mut ledger, 2, "G", "ben", VerdictCode::Ok, 1.0, 1.5).await;
    ledger.close().await.unwrap();
    let (status, page) = page_at(&path, "/study").await;
    assert_eq!(status, StatusCode::OK, "{page}");
    for said in [
        "NOT COMPLETE",
        "7 of its runs are missing",
        "7 runs are still to be made",
        "0 of 2 <strong>2 to go</strong>",
        "1 of 2 <strong>1 to go</strong>",
        NOT_PASSED,
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(!page.contains("%GRR of the"), "{page}");
    // Nobody in particular looks: there is no form.
    assert!(!page.contains("<form class=\"sheet"), "{page}");
}
