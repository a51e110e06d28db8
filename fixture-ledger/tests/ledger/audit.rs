//! What people did: found again by any filter, page by page, and by its id; and what it makes of units.

use fixture_ledger::audit::{ActCursor, Answered, AuditFilter};
use fixture_ledger::record::{Audited, Decided, Known, UnitHistory};
use fixture_ledger::{Durability, Ledger, Reports};
use fixture_link::act::{Act, ActAnswer, ActId, ActKind, Disposition, Mark};
use fixture_link::verdict::VerdictCode;
use uuid::Uuid;

use crate::sample::{asked, at, done, end, serial, setup, start};

fn quarantine(unit: &str) -> Act {
    Act::Quarantine {
        serial: serial(unit),
        reason: "fell down".to_owned(),
    }
}

fn dispose(unit: &str, disposition: Disposition) -> Act {
    Act::Dispose {
        serial: serial(unit),
        disposition,
        reason: "looked at".to_owned(),
    }
}

fn lot(name: u32) -> Act {
    Act::Lot {
        lot: format!("lot-{name}"),
    }
}

/// Act `n` of a history in which three people name lots and set units aside, each third act refused.
fn nth(n: u32) -> Audited {
    let by = ["kim", "zoë", "li"][(n % 3) as usize];
    let act = if n.is_multiple_of(2) {
        lot(n)
    } else {
        quarantine(&format!("SN-{}", n % 5))
    };
    let mut audited = done(asked(n, by, act));
    if n % 7 == 3 {
        audited.answer = ActAnswer::Refused {
            why: "not now".to_owned(),
        };
    }
    audited
}

/// When act `n` was: two of them at the same instant.
fn when(n: u32) -> i64 {
    i64::from(n / 2) * 1_000
}

const ACTS: u32 = 120;

#[tokio::test]
async fn acts_are_found_by_any_filter_page_by_page_and_counted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let mut ledger = Ledger::create(&path, Durability::Unsynced).await.unwrap();
    for n in 1..=ACTS {
        ledger.record_act(&nth(n), at(when(n))).await.unwrap();
    }
    ledger.close().await.unwrap();
    let reports = Reports::open(&path).await.unwrap();

    let by = [None, Some("zoë".to_owned()), Some("nobody".to_owned())];
    let kinds = [None, Some(ActKind::Lot), Some(ActKind::Quarantine)];
    let units = [None, Some(serial("SN-1"))];
    let spans = [(None, None), (Some(when(30)), Some(when(90)))];
    let answers = [None, Some(Answered::Done), Some(Answered::Refused)];
    for by in &by {
        for kind in kinds {
            for unit in &units {
                for (from, until) in spans {
                    for answer in answers {
                        let filter = AuditFilter {
                            by: by.clone(),
                            kind,
                            serial: unit.clone(),
                            from,
                            until,
                            answer,
                            before: None,
                        };
                        let fits = |n: &u32| {
                            let audited = nth(*n);
                            let request = &audited.request;
                            by.as_ref().is_none_or(|by| *by == request.by)
                                && kind.is_none_or(|kind| kind == request.act.kind())
                                && unit.as_ref().is_none_or(|unit| Some(unit) == request.act.serial())
                                && from.is_none_or(|from| when(*n) >= from)
                                && until.is_none_or(|until| when(*n) < until)
                                && answer.is_none_or(|answer| {
                                    (answer == Answered::Done) == (audited.answer == ActAnswer::Done)
                                })
                        };
                        let expected: Vec<u32> = (1..=ACTS).rev().filter(fits).collect();
                        assert_eq!(pages(&reports, filter.clone()).await, expected, "{filter:?}");
                    }
                }
            }
        }
    }
}

/// The numbers of all acts that fit a filter, from pages of seven.
async fn pages(reports: &Reports, mut filter: AuditFilter) -> Vec<u32> {
    let mut found = Vec::new();
    loop {
        let page = reports.audit(&filter, 7).await.unwrap();
        let numbers = page
            .rows
            .iter()
            .map(|row| u32::try_from(row.id.unwrap().0.as_u128()).unwrap());
        found.extend(numbers);
        let Some(next) = page.next else {
            assert_eq!(page.of, found.len() as u64);
            return found;
        };
        assert_eq!(page.rows.len(), 7);
        filter.before = Some(next.to_string().parse::<ActCursor>().unwrap());
    }
}

#[test]
fn what_is_no_filter_is_named() {
    let place = "yesterday".parse::<ActCursor>().unwrap_err().to_string();
    assert_eq!(place, "\"yesterday\" is not a place in the list of acts");
    let answer = "perhaps".parse::<Answered>().unwrap_err().to_string();
    assert!(answer.contains("perhaps"), "{answer}");
    let kind = "dance".parse::<ActKind>().unwrap_err().to_string();
    assert!(kind.contains("dance"), "{kind}");
}

#[tokio::test]
async fn an_act_is_found_by_its_id_and_none_is_stored_twice() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let mut ledger = Ledger::create(&path, Durability::Unsynced).await.unwrap();
    let refused = nth(3);
    ledger.record_act(&refused, at(1_000)).await.unwrap();
    ledger.record_act(&refused, at(2_000)).await.unwrap_err();
    ledger.close().await.unwrap();
    let (mut ledger, _) = Ledger::open(&path, at(3_000)).await.unwrap();
    let row = ledger.act(refused.request.id).await.unwrap().unwrap();
    assert_eq!((row.at, &row.answer), (at(1_000), &refused.answer));
    assert!(row.is_of(&refused.request));
    let other = asked(3, "kim", lot(1));
    assert!(!row.is_of(&other));
    assert_eq!(ledger.act(ActId(Uuid::from_u128(4))).await.unwrap(), None);
    ledger.close().await.unwrap();
    assert_eq!(Reports::open(&path).await.unwrap().acts(10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_was_decided_last_about_a_unit_stands_with_who_and_why() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let mut ledger = Ledger::create(&path, Durability::Unsynced).await.unwrap();
    let id = ledger.setup(&setup()).await.unwrap();
    let unit = serial("SN-1");
    let mut acts = 0;
    let mut runs = 0;
    assert_eq!(ledger.unit_history(&unit).await.unwrap(), UnitHistory::default());

    // It passes, and is set aside: the decision stands, and what its runs say is as before.
    for code in [VerdictCode::NotReady, VerdictCode::Ok] {
        runs += 1;
        let begun = start(runs, 1, Some("SN-1"), i64::from(runs) * 1_000);
        ledger.begin_run(id, &begun).await.unwrap();
        ledger.finish_run(&end(runs, code), at(9_000)).await.unwrap();
    }
    let mut decide = async |ledger: &mut Ledger, act: Act| {
        acts += 1;
        ledger
            .record_act(&done(asked(acts, "zoë", act)), at(10_000 + i64::from(acts)))
            .await
            .unwrap();
        ledger.unit_history(&unit).await.unwrap()
    };
    let history = decide(&mut ledger, quarantine("SN-1")).await;
    let decision = history.decision.clone().unwrap();
    assert_eq!(decision.what, Decided::Quarantine);
    assert_eq!((decision.by.as_str(), decision.reason.as_str()), ("zoë", "fell down"));
    assert_eq!((history.runs, history.passed, history.known), (2, true, Known::Yes));

    // Released it goes on as it is: it has passed. Reworked it is as one that was never run.
    let history = decide(&mut ledger, dispose("SN-1", Disposition::Release)).await;
    assert_eq!((history.runs, history.passed), (0, true));
    assert_eq!(
        history.decision.map(|decision| decision.what),
        Some(Decided::Disposition(Disposition::Release))
    );
    let history = decide(&mut ledger, dispose("SN-1", Disposition::Rework)).await;
    assert_eq!((history.runs, history.passed, history.known), (0, false, Known::Yes));
    let history = decide(&mut ledger, dispose("SN-1", Disposition::Scrap)).await;
    assert_eq!(
        history.decision.map(|decision| decision.what),
        Some(Decided::Disposition(Disposition::Scrap))
    );

    // What was refused decides nothing; what is about another unit neither.
    let refused = Audited {
        request: asked(99, "zoë", dispose("SN-1", Disposition::Release)),
        answer: ActAnswer::Refused { why: "role".to_owned() },
        change: None,
        study: None,
    };
    ledger.record_act(&refused, at(20_000)).await.unwrap();
    let mark = Act::Mark {
        serial: serial("SN-G"),
        mark: Mark::Golden,
        reason: "measured".to_owned(),
    };
    let history = decide(&mut ledger, mark).await;
    assert_eq!(history.mark, Mark::Ordinary);
    ledger.close().await.unwrap();

    let reports = Reports::open(&path).await.unwrap();
    let standing = reports.unit_standing(&unit).await.unwrap();
    let (since, decision) = standing.decision.unwrap();
    assert_eq!(
        (since, decision.what),
        (at(10_004), Decided::Disposition(Disposition::Scrap))
    );
    assert_eq!(standing.mark, (Mark::Ordinary, None));
    let golden = reports.unit_standing(&serial("SN-G")).await.unwrap();
    assert_eq!((golden.decision, golden.mark), (None, (Mark::Golden, Some(at(10_005)))));
}
