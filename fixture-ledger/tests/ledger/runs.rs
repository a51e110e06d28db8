//! Runs in, reports out.

use crate::sample::{at, end, lane, run_id, serial, setup, start};
use fixture_ledger::record::{Annotation, AnnotationKind};
use fixture_ledger::report::{RunFilter, SerialFilter};
use fixture_ledger::{Durability, Ledger, LedgerError, Reports};
use fixture_link::verdict::{Outcome, VerdictCode};

#[tokio::test]
async fn a_run_comes_back_as_it_was_stored() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let mut ledger = Ledger::create(&path, Durability::Synced).await.unwrap();
    let id = ledger.setup(&setup()).await.unwrap();
    assert_eq!(
        ledger.setup(&setup()).await.unwrap(),
        id,
        "the same setup is stored once"
    );
    let start = start(1, 1, Some("SN-1"), 1_000);
    ledger.begin_run(id, &start).await.unwrap();
    let end = end(1, VerdictCode::StuckJoining);
    ledger.record_attempt(end.run, &end.attempts[0]).await.unwrap();
    ledger.finish_run(&end, at(2_000)).await.unwrap();
    let later = Annotation {
        run: end.run,
        kind: AnnotationKind::SuspectedNetwork,
        detail: "three in a row".to_owned(),
    };
    ledger.annotate(core::slice::from_ref(&later), at(3_000)).await.unwrap();

    let reports = Reports::open(&path).await.unwrap();
    let detail = reports.run(end.run).await.unwrap().unwrap();
    assert_eq!(detail.setup, setup());
    assert_eq!(detail.attempts, end.attempts);
    assert_eq!(detail.readings, end.readings);
    assert_eq!(detail.evidence, end.evidence);
    assert_eq!(detail.trace, end.trace);
    assert_eq!(detail.annotations, [(at(3_000), later)]);
    assert_eq!(detail.row.seated, start.seated);
    assert_eq!(detail.row.serial, start.serial);
    assert_eq!(detail.row.operator, start.operator);
    assert_eq!(detail.row.lot, start.lot);
    let verdict = detail.row.verdict.clone().unwrap();
    assert_eq!(verdict.outcome, Outcome::Fail);
    assert_eq!(verdict.code, end.code);
    assert_eq!(verdict.detail, end.detail);
    assert_eq!(verdict.stage, Some(end.stage));
    assert_eq!(verdict.took, Some(end.took));
    assert_eq!(verdict.ended, at(2_000));
    assert_eq!(verdict.device_id, end.device_id);
    assert_eq!(verdict.agent_url, end.agent_url);
    assert_eq!(verdict.samples_lost, end.samples_lost);
    assert!(verdict.first);
    assert_eq!(reports.latest(5).await.unwrap(), [detail.row]);
    ledger.close().await.unwrap();
}

#[tokio::test]
async fn a_recorded_verdict_never_changes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let mut ledger = Ledger::create(&path, Durability::Synced).await.unwrap();
    let id = ledger.setup(&setup()).await.unwrap();
    ledger.begin_run(id, &start(1, 1, Some("SN-1"), 1_000)).await.unwrap();
    ledger.finish_run(&end(1, VerdictCode::Ok), at(2_000)).await.unwrap();
    let before = fixture_ledger::dump(&path).await.unwrap();
    let again = ledger.finish_run(&end(1, VerdictCode::Rejected), at(3_000)).await;
    assert!(matches!(again, Err(LedgerError::Refused { .. })), "{again:?}");
    let again = ledger
        .record_attempt(run_id(1), &end(1, VerdictCode::Ok).attempts[0])
        .await;
    assert!(matches!(again, Err(LedgerError::Refused { .. })), "{again:?}");
    let unknown = ledger.finish_run(&end(2, VerdictCode::Ok), at(3_000)).await;
    assert!(matches!(unknown, Err(LedgerError::NoSuchRun { .. })), "{unknown:?}");
    assert_eq!(fixture_ledger::dump(&path).await.unwrap(), before);
    ledger.close().await.unwrap();
}

#[tokio::test]
async fn a_run_without_a_verdict_is_interrupted_at_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let (mut ledger, recovered) = Ledger::open(&path, at(0)).await.unwrap();
    assert!(recovered.interrupted.is_empty());
    let id = ledger.setup(&setup()).await.unwrap();
    ledger.begin_run(id, &start(1, 1, Some("SN-1"), 1_000)).await.unwrap();
    let attempts = end(1, VerdictCode::Ok).attempts;
    ledger.record_attempt(run_id(1), &attempts[0]).await.unwrap();
    ledger.close().await.unwrap();
    let (mut ledger, recovered) = Ledger::open(&path, at(9_000)).await.unwrap();
    assert_eq!(recovered.interrupted, [run_id(1)]);
    let standing = ledger.standing_verdicts().await.unwrap();
    assert_eq!(standing.len(), 1);
    assert_eq!(
        (standing[0].run, standing[0].outcome),
        (run_id(1), Outcome::Interrupted)
    );
    let reports = Reports::open(&path).await.unwrap();
    let detail = reports.run(run_id(1)).await.unwrap().unwrap();
    assert_eq!(detail.row.verdict.unwrap().code, VerdictCode::Interrupted);
    assert_eq!(detail.attempts, attempts[..1]);
    ledger.lifted(run_id(1), at(10_000)).await.unwrap();
    assert!(ledger.standing_verdicts().await.unwrap().is_empty());
    ledger.close().await.unwrap();
}

#[tokio::test]
async fn runs_are_found_page_by_page_by_everything_that_a_page_asks_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let mut ledger = Ledger::create(&path, Durability::Unsynced).await.unwrap();
    let id = ledger.setup(&setup()).await.unwrap();
    let codes = [VerdictCode::Ok, VerdictCode::StuckDns, VerdictCode::LampWeak];
    for (n, on) in (0..30_u32).zip((1..=4_u8).cycle()) {
        let code = codes[n as usize % 3];
        let name = format!("SN-{:02}", n % 10);
        let mut start = start(n, on, (n % 7 != 6).then_some(name.as_str()), 1_000 * i64::from(n / 2));
        start.lot = if n % 5 == 0 { "L%_1".to_owned() } else { String::new() };
        ledger.begin_run(id, &start).await.unwrap();
        if n != 29 {
            ledger.finish_run(&end(n, code), at(100_000)).await.unwrap();
        }
    }
    let reports = Reports::open(&path).await.unwrap();
    let all = reports.runs(&RunFilter::default(), 500).await.unwrap();
    assert_eq!(all.next, None);
    let numbers: Vec<_> = all.rows.iter().map(|row| row.run).collect();
    assert_eq!(numbers, (0..30).rev().map(run_id).collect::<Vec<_>>());

    let filters = [
        RunFilter::default(),
        RunFilter {
            serial: Some(SerialFilter::Is("SN-03".to_owned())),
            ..RunFilter::default()
        },
        RunFilter {
            serial: Some(SerialFilter::BeginsWith("SN-0".to_owned())),
            ..RunFilter::default()
        },
        RunFilter {
            serial: Some(SerialFilter::BeginsWith("%".to_owned())),
            ..RunFilter::default()
        },
        RunFilter {
            outcome: Some(Outcome::Error),
            ..RunFilter::default()
        },
        RunFilter {
            code: Some(VerdictCode::StuckDns),
            lane: Some(lane(2)),
            ..RunFilter::default()
        },
        RunFilter {
            lane: Some(lane(3)),
            from: Some(2_000),
            until: Some(9_000),
            ..RunFilter::default()
        },
        RunFilter {
            lot: Some("L%_1".to_owned()),
            outcome: Some(Outcome::Pass),
            ..RunFilter::default()
        },
        RunFilter {
            lot: Some(String::new()),
            ..RunFilter::default()
        },
    ];
    for filter in filters {
        let expected: Vec<_> = all
            .rows
            .iter()
            .filter(|row| {
                let text = row.serial.as_ref().map(fixture_link::identity::Serial::as_str);
                let verdict = row.verdict.as_ref();
                filter.serial.as_ref().is_none_or(|wanted| match wanted {
                    SerialFilter::Is(it) => text == Some(it.as_str()),
                    SerialFilter::BeginsWith(it) => text.is_some_and(|text| text.starts_with(it.as_str())),
                }) && filter.outcome.is_none_or(|it| verdict.map(|v| v.outcome) == Some(it))
                    && filter.code.is_none_or(|it| verdict.map(|v| v.code) == Some(it))
                    && filter.lane.is_none_or(|it| row.lane == it)
                    && filter.lot.as_ref().is_none_or(|it| row.lot == *it)
                    && filter.from.is_none_or(|it| row.seated.micros >= it)
                    && filter.until.is_none_or(|it| row.seated.micros < it)
            })
            .cloned()
            .collect();
        let mut paged = Vec::new();
        let mut asking = filter.clone();
        loop {
            let page = reports.runs(&asking, 3).await.unwrap();
            assert!(page.rows.len() <= 3);
            paged.extend(page.rows);
            match page.next {
                Some(next) => asking.before = Some(next.to_string().parse().unwrap()),
                None => break,
            }
        }
        assert_eq!(paged, expected, "{filter:?}");
    }
    assert_eq!(reports.unit(serial("SN-05").as_str()).await.unwrap().len(), 3);
    ledger.close().await.unwrap();
}
