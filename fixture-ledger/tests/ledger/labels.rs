//! Labels: only of units that passed, with a state of their own, and never taken back.

use std::path::Path;

use fixture_ledger::record::{LabelState, Purpose, RunStart};
use fixture_ledger::{Durability, Ledger, LedgerError};
use fixture_link::verdict::VerdictCode;
use rusqlite::Connection;

use crate::sample::{at, end, run_id, setup, start};

/// A ledger with a run that passed (1), one that failed (2) and one without a verdict (3).
async fn ledger(path: &Path) -> Ledger {
    let mut ledger = Ledger::create(path, Durability::Unsynced).await.unwrap();
    let setup = ledger.setup(&setup()).await.unwrap();
    for (run, code) in [(1, Some(VerdictCode::Ok)), (2, Some(VerdictCode::StuckIp)), (3, None)] {
        let begun = i64::from(run) * 1000;
        ledger
            .begin_run(setup, &start(run, 1, Some("SN-1"), begun))
            .await
            .unwrap();
        if let Some(code) = code {
            ledger.finish_run(&end(run, code), at(begun + 500)).await.unwrap();
        }
    }
    ledger
}

fn stored(path: &Path) -> (String, String, i64) {
    let connection = Connection::open(path).unwrap();
    connection
        .query_row("SELECT state, why, tries FROM label", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap()
}

fn failed(why: &str) -> LabelState {
    LabelState::Failed(why.to_owned())
}

#[tokio::test]
async fn a_label_is_pending_from_the_commit_of_its_verdict_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let mut ledger = Ledger::create(&path, Durability::Unsynced).await.unwrap();
    let setup = ledger.setup(&setup()).await.unwrap();
    for (run, code) in [(1, VerdictCode::StuckIp), (2, VerdictCode::Ok)] {
        ledger
            .begin_run(setup, &start(run, 1, Some("SN-1"), 1000))
            .await
            .unwrap();
        ledger.finish_run_with_label(&end(run, code), at(1500)).await.unwrap();
    }
    let open = ledger.open_labels().await.unwrap();
    assert_eq!(open.iter().map(|label| label.run).collect::<Vec<_>>(), [run_id(2)]);
    assert_eq!(stored(&path), ("pending".to_owned(), String::new(), 0));
    // A verdict that is refused leaves no label.
    assert!(
        ledger
            .finish_run_with_label(&end(2, VerdictCode::Ok), at(1600))
            .await
            .is_err()
    );
    assert_eq!(ledger.open_labels().await.unwrap().len(), 1);
    ledger.close().await.unwrap();
}

#[tokio::test]
async fn a_label_goes_its_way_and_every_try_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let mut ledger = ledger(&path).await;
    let steps = [
        (LabelState::Pending, ("pending", "", 0), 1),
        (failed("paper out"), ("failed", "paper out", 1), 1),
        (LabelState::Pending, ("pending", "", 1), 1),
        (LabelState::Printed, ("printed", "", 2), 0),
        (LabelState::Confirmed, ("confirmed", "", 2), 0),
    ];
    for (minute, (state, expected, open)) in (1..).zip(steps) {
        ledger
            .record_label(run_id(1), &state, at(minute * 60_000))
            .await
            .unwrap();
        let (state, why, tries) = stored(&path);
        assert_eq!((state.as_str(), why.as_str(), tries), expected);
        assert_eq!(ledger.open_labels().await.unwrap().len(), open, "{state}");
    }
    ledger.close().await.unwrap();
}

#[tokio::test]
async fn what_an_earlier_process_left_unprinted_is_found_with_what_the_label_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let mut first = ledger(&path).await;
    first
        .record_label(run_id(1), &LabelState::Pending, at(5000))
        .await
        .unwrap();
    first.close().await.unwrap();
    let (mut second, _) = Ledger::open(&path, at(6000)).await.unwrap();
    let open = second.open_labels().await.unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].run, run_id(1));
    assert_eq!(open[0].serial.as_ref().unwrap().as_str(), "SN-1");
    second.close().await.unwrap();
}

#[tokio::test]
async fn a_unit_that_did_not_pass_gets_no_label() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = ledger(&folder.path().join("ledger")).await;
    for run in [2, 3] {
        let refused = ledger.record_label(run_id(run), &LabelState::Pending, at(5000)).await;
        assert!(refused.unwrap_err().to_string().contains("only a unit that passed"));
    }
    let unknown = ledger.record_label(run_id(9), &LabelState::Pending, at(5000)).await;
    assert!(matches!(unknown, Err(LedgerError::NoSuchRun { .. })));
    ledger.close().await.unwrap();
}

#[tokio::test]
async fn a_golden_unit_that_passes_gets_no_label() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = ledger(&folder.path().join("ledger")).await;
    let setup = ledger.setup(&setup()).await.unwrap();
    for (run, purpose) in [(4, Purpose::Golden), (5, Purpose::Production)] {
        let begun = RunStart {
            purpose,
            ..start(run, 1, Some("SN-4"), 4000)
        };
        ledger.begin_run(setup, &begun).await.unwrap();
        ledger
            .finish_run_with_label(&end(run, VerdictCode::Ok), at(5000))
            .await
            .unwrap();
    }
    let open = ledger.open_labels().await.unwrap();
    let open: Vec<_> = open.iter().map(|label| label.run).collect();
    assert_eq!(open, [run_id(5)]);
    ledger.close().await.unwrap();
}

#[tokio::test]
async fn a_label_that_is_out_is_not_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let mut ledger = ledger(&path).await;
    for state in [LabelState::Pending, LabelState::Printed] {
        ledger.record_label(run_id(1), &state, at(5000)).await.unwrap();
    }
    assert!(
        ledger
            .record_label(run_id(1), &LabelState::Pending, at(6000))
            .await
            .is_err()
    );
    ledger
        .record_label(run_id(1), &LabelState::Confirmed, at(7000))
        .await
        .unwrap();
    assert!(
        ledger
            .record_label(run_id(1), &failed("too late"), at(8000))
            .await
            .is_err()
    );
    assert_eq!(stored(&path).0, "confirmed");
    ledger.close().await.unwrap();
    let connection = Connection::open(&path).unwrap();
    assert!(connection.execute("DELETE FROM label", []).is_err());
}
