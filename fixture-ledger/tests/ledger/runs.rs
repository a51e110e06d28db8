//! Runs in, reports out.

use std::collections::BTreeSet;

use crate::sample::{asked, at, done, end, lane, run_id, serial, setup, start, unlock};
use crate::study::plan;
use fixture_ledger::record::{
    Annotation, AnnotationKind, Attempt, AttemptResult, Audited, Change, ChangeKind, Known, LabelState, LoopBack,
    RefusedStart, StopKind, UnitHistory,
};
use fixture_ledger::report::{RunFilter, SerialFilter};
use fixture_ledger::{Durability, Ledger, LedgerError, Reports};
use fixture_link::act::{Act, ActAnswer, ActKind, ActRequest, Disposition, Mark};
use fixture_link::snapshot::LineStop;
use fixture_link::study::{StudyStep, StudyWish};
use fixture_link::verdict::{Outcome, Refusal, VerdictCode};
use futures_util::FutureExt;

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
    assert_eq!(detail.measurements, end.measurements);
    assert_eq!(detail.trace, end.trace);
    assert_eq!(detail.annotations, [(at(3_000), later)]);
    assert_eq!(detail.row.seated, start.seated);
    assert_eq!(detail.row.serial, start.serial);
    assert_eq!(detail.row.operator, start.operator);
    assert_eq!(detail.row.lot, start.lot);
    assert_eq!(detail.row.work_order, start.work_order);
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
    assert!(fixture_ledger::dump(&path).await.unwrap() == before);
    assert_eq!(ledger.verdict(run_id(1)).await.unwrap(), Some(VerdictCode::Ok));
    ledger.begin_run(id, &start(3, 2, None, 1_000)).await.unwrap();
    assert_eq!(ledger.verdict(run_id(3)).await.unwrap(), None);
    let before_it = fixture_ledger::dump(&path).await.unwrap();
    let unknown = ledger.finish_run(&end(2, VerdictCode::Ok), at(3_000)).await;
    assert!(matches!(unknown, Err(LedgerError::NoSuchRun { .. })), "{unknown:?}");
    assert_eq!(ledger.verdict(run_id(2)).await.unwrap(), None);
    assert!(fixture_ledger::dump(&path).await.unwrap() == before_it);
    ledger.close().await.unwrap();
}

#[tokio::test]
async fn a_number_that_would_be_the_next_runs_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let mut ledger = Ledger::create(&path, Durability::Synced).await.unwrap();
    let id = ledger.setup(&setup()).await.unwrap();
    ledger.begin_run(id, &start(1, 1, None, 1_000)).await.unwrap();
    ledger.begin_run(id, &start(2, 2, None, 1_000)).await.unwrap();
    let mut end = end(1, VerdictCode::Ok);
    end.attempts[0].number = 1_000_001;
    let before = fixture_ledger::dump(&path).await.unwrap();
    let attempt = ledger.record_attempt(run_id(1), &end.attempts[0]).await;
    let verdict = ledger.finish_run(&end, at(2_000)).await;
    for refused in [attempt, verdict] {
        let why = refused.unwrap_err().to_string();
        assert!(why.contains("row 1000001 of a run"), "{why}");
    }
    assert!(fixture_ledger::dump(&path).await.unwrap() == before);
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
    let verdict = detail.row.verdict.unwrap();
    assert_eq!(verdict.code, VerdictCode::Interrupted);
    assert!(
        verdict.detail.starts_with("the process or its power ended"),
        "{}",
        verdict.detail
    );
    assert_eq!(detail.attempts, attempts[..1]);
    ledger.lifted(run_id(1), at(10_000)).await.unwrap();
    assert!(ledger.standing_verdicts().await.unwrap().is_empty());
    ledger.close().await.unwrap();
}

/// Which of so many runs is its unit's first that counts.
async fn first_runs(reports: &Reports, count: u32) -> Vec<bool> {
    let mut first = Vec::new();
    for n in 1..=count {
        let detail = reports.run(run_id(n)).await.unwrap().unwrap();
        first.push(detail.row.verdict.unwrap().first);
    }
    first
}

/// Two runs of one unit at once, and verdicts in another order than the starts: what the writer knows of them by heart is what it would read, and what was refused
/// in the middle leaves nothing, neither in the ledger nor in what the writer knows.
#[tokio::test]
async fn runs_that_are_open_at_once_are_counted_and_sealed_in_the_order_of_their_verdicts() {
    let directory = tempfile::tempdir().unwrap();
    let mut dumps = Vec::new();
    for refusals in [false, true] {
        let path = directory.path().join(format!("ledger-{refusals}"));
        let mut ledger = Ledger::create(&path, Durability::Synced).await.unwrap();
        let id = ledger.setup(&setup()).await.unwrap();
        for (n, unit) in [(1, Some("SN-1")), (2, Some("SN-1")), (3, None), (4, Some("SN-1"))] {
            let lane = u8::try_from(n).unwrap();
            ledger.begin_run(id, &start(n, lane, unit, 1_000)).await.unwrap();
            let attempt = &end(n, VerdictCode::Ok).attempts[0];
            ledger.record_attempt(run_id(n), attempt).await.unwrap();
        }
        for (n, code) in [
            (4, VerdictCode::StuckDns),
            (1, VerdictCode::NotReady),
            (3, VerdictCode::Ok),
            (2, VerdictCode::Ok),
        ] {
            if refusals {
                let unknown = ledger.finish_run(&end(9, code), at(2_000)).await;
                assert!(matches!(unknown, Err(LedgerError::NoSuchRun { .. })), "{unknown:?}");
                let mut nonsense = end(n, code);
                nonsense.measurements[0].deviation = -1.0;
                let refused = ledger.finish_run(&nonsense, at(2_000)).await;
                assert!(matches!(refused, Err(LedgerError::Refused { .. })), "{refused:?}");
            }
            ledger
                .finish_run(&end(n, code), at(2_000 + i64::from(n)))
                .await
                .unwrap();
        }
        ledger.close().await.unwrap();
        let reports = Reports::open(&path).await.unwrap();
        let verified = reports.verify(None).await.unwrap();
        assert_eq!((verified.fit, &verified.misfit), (4, &None));
        let first = first_runs(&reports, 4).await;
        assert_eq!(first, [false, false, true, true], "4 was the unit's first to end");
        let ordinals: Vec<i64> = rusqlite::Connection::open(&path)
            .unwrap()
            .prepare("SELECT ordinal FROM run ORDER BY number")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(ordinals, [2, 3, 1, 1]);
        dumps.push(fixture_ledger::dump(&path).await.unwrap());
    }
    assert!(dumps[0] == dumps[1], "what was refused leaves nothing");
}

/// A verdict that was stored though nobody waited for it is its unit's all the same: the next one of that unit is not its first.
#[tokio::test]
async fn a_verdict_that_nobody_waited_for_counts() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let mut ledger = Ledger::create(&path, Durability::Synced).await.unwrap();
    let id = ledger.setup(&setup()).await.unwrap();
    for (n, unit) in [
        (1, Some("SN-0")),
        (2, Some("SN-1")),
        (3, Some("SN-1")),
        (4, Some("SN-2")),
    ] {
        let lane = u8::try_from(n).unwrap();
        ledger.begin_run(id, &start(n, lane, unit, 1_000)).await.unwrap();
    }
    ledger.finish_run(&end(1, VerdictCode::Ok), at(2_000)).await.unwrap();
    {
        let left = end(2, VerdictCode::Ok);
        let waiting = ledger.finish_run(&left, at(3_000));
        assert!(
            waiting.now_or_never().is_none(),
            "it was given to the ledger and not waited for"
        );
    }
    ledger.finish_run(&end(4, VerdictCode::Ok), at(4_000)).await.unwrap();
    ledger.finish_run(&end(3, VerdictCode::Ok), at(5_000)).await.unwrap();
    assert_eq!(ledger.verdict(run_id(2)).await.unwrap(), Some(VerdictCode::Ok));
    ledger.close().await.unwrap();
    let reports = Reports::open(&path).await.unwrap();
    let verified = reports.verify(None).await.unwrap();
    assert_eq!((verified.fit, &verified.misfit), (4, &None));
    let first = first_runs(&reports, 4).await;
    assert_eq!(first, [true, true, false, true]);
}

/// A run of very many readings and facts is stored in more than one statement, and is the same run.
#[tokio::test]
async fn a_run_of_very_many_readings_and_facts_comes_back_as_it_was_stored() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let mut ledger = Ledger::create(&path, Durability::Synced).await.unwrap();
    let id = ledger.setup(&setup()).await.unwrap();
    for (n, rows) in [(1, 128), (2, 129), (3, 2_000)] {
        ledger.begin_run(id, &start(n, 1, Some("SN-1"), 1_000)).await.unwrap();
        let mut end = end(n, VerdictCode::Ok);
        end.readings = end.readings.iter().cycle().take(rows).cloned().collect();
        end.evidence = end.evidence.iter().cycle().take(rows).cloned().collect();
        let mut nonsense = end.clone();
        nonsense.measurements[0].deviation = -1.0;
        let refused = ledger.finish_run(&nonsense, at(2_000)).await;
        assert!(matches!(refused, Err(LedgerError::Refused { .. })), "{refused:?}");
        ledger.finish_run(&end, at(3_000)).await.unwrap();
        let reports = Reports::open(&path).await.unwrap();
        let detail = reports.run(end.run).await.unwrap().unwrap();
        assert_eq!(detail.readings, end.readings);
        assert_eq!(detail.evidence, end.evidence);
    }
    ledger.close().await.unwrap();
    let verified = Reports::open(&path).await.unwrap().verify(None).await.unwrap();
    assert_eq!((verified.fit, &verified.misfit), (3, &None));
}

/// Figures that no binary number holds exactly, and a result that is another one when the run ends.
#[tokio::test]
async fn an_attempt_is_the_same_whether_it_was_stored_before_the_end_or_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut ended = end(1, VerdictCode::Ok);
    for attempt in &mut ended.attempts {
        attempt.loop_back = Some(LoopBack {
            bright: 2_137.1,
            mid_share: 0.3,
            samples: 411,
        });
    }
    let unchanged = ended.attempts[0].clone();
    let not_yet_known = Attempt {
        result: AttemptResult::NoAnswer,
        ..unchanged.clone()
    };
    let mut dumps = Vec::new();
    for (name, before) in [
        ("with", vec![]),
        ("before", vec![&unchanged]),
        ("changed", vec![&not_yet_known]),
        ("twice", vec![&not_yet_known, &unchanged, &unchanged]),
    ] {
        let path = directory.path().join(name);
        let mut ledger = Ledger::create(&path, Durability::Unsynced).await.unwrap();
        let id = ledger.setup(&setup()).await.unwrap();
        ledger.begin_run(id, &start(1, 1, Some("SN-1"), 1_000)).await.unwrap();
        for attempt in before {
            ledger.record_attempt(run_id(1), attempt).await.unwrap();
        }
        ledger.finish_run(&ended, at(9_000)).await.unwrap();
        ledger.close().await.unwrap();
        let detail = Reports::open(&path)
            .await
            .unwrap()
            .run(run_id(1))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(detail.attempts, ended.attempts, "{name}");
        dumps.push(fixture_ledger::dump(&path).await.unwrap());
    }
    assert!(dumps.iter().all(|dump| *dump == dumps[0]));
}

/// What a page can ask for.
fn filters() -> [RunFilter; 12] {
    [
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
        RunFilter {
            work_order: Some("W%_1".to_owned()),
            ..RunFilter::default()
        },
        RunFilter {
            work_order: Some("W%_1".to_owned()),
            lot: Some("L%_1".to_owned()),
            ..RunFilter::default()
        },
        RunFilter {
            work_order: Some(String::new()),
            serial: Some(SerialFilter::BeginsWith("SN-0".to_owned())),
            ..RunFilter::default()
        },
    ]
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
        start.work_order = if n % 4 == 1 { "W%_1".to_owned() } else { String::new() };
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

    let mut found = Vec::new();
    for filter in filters() {
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
                    && filter.work_order.as_ref().is_none_or(|it| row.work_order == *it)
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
        found.push(paged.len());
    }
    // Of the work order's eight runs two are of the lot as well.
    assert_eq!(found[9..11], [8, 2]);
    assert_eq!(reports.unit(serial("SN-05").as_str()).await.unwrap().len(), 3);
    ledger.close().await.unwrap();
}

/// Everything that a ledger can hold, stored at given instants.
async fn all_kinds(path: &std::path::Path, durability: Durability) {
    let mut ledger = Ledger::create(path, durability).await.unwrap();
    let id = ledger.setup(&setup()).await.unwrap();
    for (n, code) in (1..).zip(VerdictCode::ALL) {
        ledger
            .begin_run(id, &start(n, 1, Some("SN-1"), i64::from(n) * 1_000))
            .await
            .unwrap();
        ledger
            .finish_run(&end(n, code), at(i64::from(n) * 1_000 + 1))
            .await
            .unwrap();
    }
    ledger.lifted(run_id(3), at(5_000)).await.unwrap();
    let annotation = Annotation {
        run: run_id(2),
        kind: AnnotationKind::LateBlessEvent,
        detail: "2 s late".to_owned(),
    };
    ledger.annotate(&[annotation], at(6_000)).await.unwrap();
    let refused = RefusedStart {
        lane: lane(2),
        serial: Some(serial("SN-1")),
        refusal: Refusal::AlreadyPassed,
        detail: "passed in lane 1".to_owned(),
    };
    ledger.record_refusal(id, &refused, at(7_000)).await.unwrap();
    for mut act in acts() {
        if act.request.act == study_begins() {
            act.study = Some(plan(&[("SN-G", Mark::Golden), ("SN-7", Mark::Ordinary)]));
        }
        ledger.record_act(&act, at(8_000)).await.unwrap();
    }
    for stop in stops() {
        ledger.record_stop(&stop).await.unwrap();
    }
    ledger
        .record_change(ChangeKind::Lamp, "lane 1: white LED, batch 7", at(7))
        .await
        .unwrap();
    ledger
        .record_recipe(&crate::recipes::version("claimed", '1', 8))
        .await
        .unwrap();
    let passed = (1..).zip(VerdictCode::ALL).find(|(_, code)| *code == VerdictCode::Ok);
    let label = LabelState::Failed("out of paper".to_owned());
    ledger
        .record_label(run_id(passed.unwrap().0), &label, at(9_600))
        .await
        .unwrap();
    ledger.close().await.unwrap();
}

#[expect(clippy::too_many_lines, reason = "one act of every kind")]
fn acts() -> Vec<Audited> {
    let refused = ActAnswer::Refused {
        why: "the line is not stopped".to_owned(),
    };
    [
        (
            Act::Start {
                lane: Some(lane(3)),
                serial: Some(serial("SN-9")),
            },
            ActAnswer::Done,
        ),
        (
            Act::Start {
                lane: None,
                serial: None,
            },
            ActAnswer::Done,
        ),
        (
            Act::Stop {
                lane: Some(lane(8)),
                reason: "smoke".to_owned(),
            },
            ActAnswer::Done,
        ),
        (
            Act::Acknowledge {
                note: "plug at J3".to_owned(),
            },
            refused,
        ),
        (
            Act::Unlock {
                serial: serial("SN-1"),
                reason: "reseated".to_owned(),
            },
            ActAnswer::Done,
        ),
        (
            Act::Lot {
                lot: "lot-8".to_owned(),
            },
            ActAnswer::Done,
        ),
        (
            Act::WorkOrder {
                work_order: "wo-32".to_owned(),
            },
            ActAnswer::Done,
        ),
        (Act::Operator { name: "kim".to_owned() }, ActAnswer::Done),
        (
            Act::Quarantine {
                serial: serial("SN-7"),
                reason: "fell down".to_owned(),
            },
            ActAnswer::Done,
        ),
        (
            Act::Dispose {
                serial: serial("SN-7"),
                disposition: Disposition::Rma,
                reason: "cracked".to_owned(),
            },
            ActAnswer::Done,
        ),
        (
            Act::Mark {
                serial: serial("SN-G"),
                mark: Mark::Golden,
                reason: "measured".to_owned(),
            },
            ActAnswer::Done,
        ),
        (Act::GoldenCheck { lane: Some(lane(2)) }, ActAnswer::Done),
        (study_begins(), ActAnswer::Done),
        (
            Act::Study {
                step: StudyStep::Abandon,
                reason: "the golden unit fell down".to_owned(),
            },
            ActAnswer::Done,
        ),
        (
            Act::Shelve {
                part: "card".to_owned(),
                minutes: 1440,
                reason: "a new one is ordered".to_owned(),
            },
            ActAnswer::Done,
        ),
        (
            Act::Recipe {
                recipe: "claimed".to_owned(),
                change: fixture_link::act::RecipeChange::Entries(vec!["times.stage = \"20s\"".to_owned()]),
                reason: "stages are quick here".to_owned(),
            },
            ActAnswer::Done,
        ),
        (
            Act::Recipe {
                recipe: String::new(),
                change: fixture_link::act::RecipeChange::Version("0".repeat(16)),
                reason: "as it was".to_owned(),
            },
            ActAnswer::Refused {
                why: "recipe: expected one of claimed".to_owned(),
            },
        ),
        (
            Act::Language {
                language: "de".to_owned(),
            },
            ActAnswer::Done,
        ),
        // What was before and after are in it as well as beside it.
        (
            Act::Account {
                name: "Ana".to_owned(),
                change: fixture_link::act::AccountChange::Role,
                before: String::new(),
                after: String::new(),
            },
            ActAnswer::Refused {
                why: "by: expected who does it".to_owned(),
            },
        ),
    ]
    .into_iter()
    .zip(1..)
    .map(|((act, answer), n)| Audited {
        request: asked(n, "zoë", act),
        change: (answer == ActAnswer::Done && n % 2 == 0).then(|| Change {
            before: format!("before {n}"),
            after: String::new(),
        }),
        answer,
        study: None,
    })
    .collect()
}

fn study_begins() -> Act {
    Act::Study {
        step: StudyStep::Begin(StudyWish {
            units: vec![serial("SN-G"), serial("SN-7")],
            people: vec!["zoë".to_owned(), "kim".to_owned()],
            times: 2,
        }),
        reason: "a new jig".to_owned(),
    }
}

fn stops() -> [LineStop; 2] {
    [
        LineStop {
            code: Some(VerdictCode::NetworkDown),
            cause: "three units in a row are stuck at DNS".to_owned(),
            lane: None,
            since: at(9_000),
            wants_acknowledgement: true,
        },
        LineStop {
            code: None,
            cause: "smoke".to_owned(),
            lane: Some(lane(8)),
            since: at(9_100),
            wants_acknowledgement: false,
        },
    ]
}

#[tokio::test]
async fn what_people_did_and_what_stopped_the_line_comes_back_as_it_was_stored() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    all_kinds(&path, Durability::Unsynced).await;
    let (mut ledger, _) = Ledger::open(&path, at(20_000)).await.unwrap();
    // A policy's and a person's stand side by side; each is lifted alone.
    assert_eq!(ledger.standing_stops().await.unwrap(), stops());
    ledger.record_stop(&stops()[1]).await.unwrap();
    let kinds = stops().map(|stop| {
        if stop.wants_acknowledgement {
            StopKind::Policy
        } else {
            StopKind::Person
        }
    });
    assert_ne!(kinds[0], kinds[1]);
    ledger.record_go(kinds[0], at(9_000)).await.unwrap();
    assert_eq!(ledger.standing_stops().await.unwrap(), [stops()[1].clone()]);
    ledger.record_go(kinds[1], at(30_000)).await.unwrap();
    assert_eq!(ledger.standing_stops().await.unwrap(), []);

    let reports = Reports::open(&path).await.unwrap();
    let stored: Vec<_> = reports
        .stops(10)
        .await
        .unwrap()
        .into_iter()
        .map(|row| (row.stop, row.ended))
        .collect();
    let [first, second] = stops();
    assert_eq!(stored, [(second, Some(at(30_000))), (first, Some(at(9_000)))]);
    let mut stored: Vec<_> = reports
        .acts(100)
        .await
        .unwrap()
        .into_iter()
        .map(|row| Audited {
            request: ActRequest {
                id: row.id.unwrap(),
                by: row.by,
                role: row.role.unwrap(),
                from: row.from,
                act: row.act,
            },
            answer: row.answer,
            change: row.change,
            study: None,
        })
        .collect();
    stored.reverse();
    assert_eq!(stored, acts());
    let kinds: BTreeSet<ActKind> = stored.iter().map(|act| act.request.act.kind()).collect();
    assert_eq!(kinds, BTreeSet::from(ActKind::ALL), "every kind is tried");
    let refusals = reports.refusals(10).await.unwrap();
    assert_eq!(refusals.len(), 1);
    assert_eq!(refusals[0].refused.refusal, Refusal::AlreadyPassed);
    assert_eq!(refusals[0].at, at(7_000));
    assert!(refusals[0].simulated);

    assert_eq!(ledger.run_by_token("token-7").await.unwrap(), Some(run_id(7)));
    assert_eq!(ledger.run_by_token("token").await.unwrap(), None);
    assert_eq!(
        ledger.run_by_device(&format!("{:016x}", 9)).await.unwrap(),
        Some(run_id(9))
    );
    assert_eq!(ledger.run_by_device("0").await.unwrap(), None);
    ledger.close().await.unwrap();
}

#[tokio::test]
async fn two_ledgers_of_the_same_records_are_equal_byte_for_byte() {
    let directory = tempfile::tempdir().unwrap();
    let [one, other] = ["one", "other"].map(|name| directory.path().join(name));
    all_kinds(&one, Durability::Unsynced).await;
    all_kinds(&other, Durability::Synced).await;
    let dumped = fixture_ledger::dump(&one).await.unwrap();
    assert!(dumped == fixture_ledger::dump(&other).await.unwrap());
    // The dump holds every row of every table.
    let connection = rusqlite::Connection::open(&one).unwrap();
    let tables = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
        .unwrap()
        .query_map([], |row| row.get::<_, String>(0))
        .unwrap()
        .map(Result::unwrap)
        .collect::<Vec<_>>();
    for table in tables {
        let rows: u32 = connection
            .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
            .unwrap();
        assert!(rows > 0, "{table}: nothing of it is compared");
        let (_, after) = dumped.split_once(&format!("\n{table} (")).unwrap();
        let dumped = after.lines().skip(1).take_while(|line| !line.is_empty()).count();
        assert_eq!(u32::try_from(dumped).unwrap(), rows, "{table}");
    }
    let shell = |path: &std::path::Path| {
        let _alone = crate::role::one_at_a_time();
        let output = std::process::Command::new("sqlite3")
            .arg(path)
            .arg(".dump")
            .output()
            .expect("the program `sqlite3`");
        assert!(output.status.success());
        output.stdout
    };
    let by_the_shell = shell(&one);
    assert!(by_the_shell.len() > dumped.len() / 2);
    assert!(by_the_shell == shell(&other));
}

#[tokio::test]
async fn a_unit_starts_anew_after_an_unlock_but_what_passed_has_passed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let mut ledger = Ledger::create(&path, Durability::Unsynced).await.unwrap();
    let id = ledger.setup(&setup()).await.unwrap();
    let codes = [
        VerdictCode::Ok,
        VerdictCode::LampWeak,
        VerdictCode::NotReady,
        VerdictCode::LiftedEarly,
        VerdictCode::NotClaimed,
    ];
    for (n, code) in (1..).zip(codes) {
        ledger.begin_run(id, &start(n, 1, Some("SN-1"), 1_000)).await.unwrap();
        ledger.finish_run(&end(n, code), at(2_000)).await.unwrap();
    }
    let history = ledger.unit_history(&serial("SN-1")).await.unwrap();
    let counted = vec![VerdictCode::Ok, VerdictCode::NotReady, VerdictCode::NotClaimed];
    assert_eq!(
        history,
        UnitHistory {
            runs: 3,
            passed: true,
            codes: counted,
            known: Known::Yes,
            decision: None,
            mark: Mark::Ordinary
        }
    );
    let asked = |n| unlock(n, "SN-1", "zoë", "reseated");
    let refused = ActAnswer::Refused {
        why: "reason: expected 1 to 200 printable characters".to_owned(),
    };
    let refused = Audited {
        request: asked(1),
        answer: refused,
        change: None,
        study: None,
    };
    ledger.record_act(&refused, at(2_900)).await.unwrap();
    assert_eq!(ledger.unit_history(&serial("SN-1")).await.unwrap(), history);
    ledger.record_act(&done(asked(2)), at(3_000)).await.unwrap();
    let unlocked = ledger.unit_history(&serial("SN-1")).await.unwrap();
    assert_eq!(
        unlocked,
        UnitHistory {
            runs: 0,
            passed: true,
            codes: Vec::new(),
            ..history
        }
    );
    assert_eq!(
        ledger.unit_history(&serial("SN-2")).await.unwrap(),
        UnitHistory::default()
    );
    ledger.close().await.unwrap();
}
