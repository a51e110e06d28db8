//! A stored run that was changed, taken away or put elsewhere is found, and named.

use fixture_ledger::chain::{self, Verified, line};
use fixture_ledger::record::Attempt;
use fixture_ledger::seal::Seal;
use fixture_ledger::{Durability, Ledger, Reports};
use fixture_link::verdict::VerdictCode;
use rusqlite::Connection;

use crate::sample::{at, end, run_id, setup, start};

/// Five runs: passed, failed, interrupted after an attempt, and two more.
async fn filled(path: &std::path::Path) {
    let mut ledger = Ledger::create(path, Durability::Unsynced).await.unwrap();
    let setup = ledger.setup(&setup()).await.unwrap();
    for (n, code) in [
        (1, VerdictCode::Ok),
        (2, VerdictCode::StuckDns),
        (3, VerdictCode::Interrupted),
        (4, VerdictCode::Ok),
        (5, VerdictCode::Ok),
    ] {
        ledger
            .begin_run(setup, &start(n, 1, Some("SN-1"), 1_000 * i64::from(n)))
            .await
            .unwrap();
        let end = end(n, code);
        if code == VerdictCode::Interrupted {
            ledger.record_attempt(run_id(n), &end.attempts[0]).await.unwrap();
            ledger
                .interrupt(at(9), fixture_ledger::Interruption::Crashed)
                .await
                .unwrap();
        } else {
            ledger.finish_run(&end, at(9_000 + i64::from(n))).await.unwrap();
        }
    }
    ledger.close().await.unwrap();
}

async fn verified(path: &std::path::Path, known: Option<Seal>) -> Verified {
    Reports::open(path).await.unwrap().verify(known).await.unwrap()
}

#[tokio::test]
async fn runs_as_they_were_stored_fit_and_what_comes_after_a_verdict_breaks_no_seal() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    filled(&path).await;
    let (mut ledger, _) = Ledger::open(&path, at(20_000)).await.unwrap();
    ledger.lifted(run_id(1), at(21_000)).await.unwrap();
    ledger.close().await.unwrap();
    let fit = verified(&path, None).await;
    assert_eq!((fit.fit, fit.unsealed, &fit.misfit), (5, 0, &None));
    let last = Reports::open(&path).await.unwrap().last_seal().await.unwrap();
    assert_eq!(last, fit.last.map(|seal| (5, seal)));
    assert!(verified(&path, fit.last).await.found);
    assert!(!verified(&path, Some(Seal::NONE)).await.found);
}

/// Whoever can write to the file can put aside what protects it.
fn tampered(path: &std::path::Path, triggers: &[&str], statement: &str) {
    let connection = Connection::open(path).unwrap();
    connection.pragma_update(None, "foreign_keys", false).unwrap();
    for trigger in triggers {
        connection.execute_batch(&format!("DROP TRIGGER {trigger}")).unwrap();
    }
    assert!(connection.execute(statement, []).unwrap() >= 1, "{statement}");
}

#[tokio::test]
async fn the_first_run_that_was_changed_or_taken_away_is_named() {
    let directory = tempfile::tempdir().unwrap();
    for (n, (triggers, statement, verdict)) in [
        (
            &["run_verdict_is_final"][..],
            "UPDATE run SET outcome = 'PASS', code = 'ok' WHERE verdict_number = 2",
            2,
        ),
        (
            &["run_verdict_is_final"],
            "UPDATE run SET ended = ended + 1 WHERE verdict_number = 3",
            3,
        ),
        (
            &["run_verdict_is_final", "run_start_is_final"],
            "UPDATE run SET serial = 'SN-2' WHERE verdict_number = 4",
            4,
        ),
        (
            &["reading_is_final"],
            "UPDATE reading SET confidence = 1 WHERE run = 4 AND number = 2",
            4,
        ),
        (
            &["evidence_is_kept"],
            "DELETE FROM evidence WHERE run = 5 AND number = 2",
            5,
        ),
        (&["trace_is_final"], "UPDATE trace SET light = x'00' WHERE run = 1", 1),
        (&["attempt_is_final"], "UPDATE attempt SET latest = 0 WHERE run = 3", 3),
        (
            &["measurement_is_final"],
            "UPDATE measurement SET value = 1 WHERE run = 2 AND what = 'red-die'",
            2,
        ),
        (&["run_is_kept"], "DELETE FROM run WHERE verdict_number = 3", 4),
        (
            &["run_verdict_is_final"],
            "UPDATE run SET seal = NULL WHERE verdict_number = 4",
            4,
        ),
        (&[], "UPDATE setup SET software = '0.2.0'", 1),
    ]
    .into_iter()
    .enumerate()
    {
        let path = directory.path().join(n.to_string());
        filled(&path).await;
        tampered(&path, triggers, statement);
        let found = verified(&path, None).await;
        let misfit = found.misfit.unwrap_or_else(|| panic!("{statement}: not found"));
        assert_eq!(misfit.place, format!("verdict {verdict}"), "{statement}");
        assert_eq!(misfit.run, Some(run_id(verdict)), "{statement}");
        let missing = u32::from(statement.starts_with("DELETE FROM run"));
        assert_eq!(found.fit, u64::from(verdict - 1 - missing), "{statement}");
    }
}

#[tokio::test]
async fn runs_that_were_taken_from_the_end_are_missed_by_a_seal_that_was_noted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    filled(&path).await;
    let noted = verified(&path, None).await.last;
    tampered(&path, &["run_is_kept"], "DELETE FROM run WHERE verdict_number = 5");
    let found = verified(&path, noted).await;
    assert_eq!((found.fit, found.misfit.is_none(), found.found), (4, true, false));
}

#[tokio::test]
async fn an_attempt_that_the_end_does_not_tell_of_is_sealed_all_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let mut ledger = Ledger::create(&path, Durability::Unsynced).await.unwrap();
    let setup = ledger.setup(&setup()).await.unwrap();
    ledger.begin_run(setup, &start(1, 1, None, 0)).await.unwrap();
    let end = end(1, VerdictCode::Ok);
    let third = Attempt {
        number: 3,
        ..end.attempts[0].clone()
    };
    ledger.record_attempt(run_id(1), &third).await.unwrap();
    ledger.finish_run(&end, at(9)).await.unwrap();
    ledger.close().await.unwrap();
    let found = verified(&path, None).await;
    assert_eq!((found.fit, found.misfit), (1, None));
    let runs = Reports::open(&path).await.unwrap().sealed(0).await.unwrap();
    assert_eq!(runs[0].record.matches("\"token-1\"").count(), 2);
}

fn verify_export(text: &str, known: Option<Seal>) -> Verified {
    chain::verify_export(text.as_bytes(), known).unwrap()
}

#[tokio::test]
async fn an_export_is_looked_at_without_its_ledger_and_may_leave_runs_out() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    filled(&path).await;
    let mut previous = Seal::NONE;
    let lines: Vec<String> = Reports::open(&path)
        .await
        .unwrap()
        .sealed(0)
        .await
        .unwrap()
        .into_iter()
        .map(|run| {
            let seal = run.seal.unwrap();
            let line = line(previous, seal, &run.record);
            previous = seal;
            line
        })
        .collect();
    let whole = verify_export(&lines.concat(), Some(previous));
    assert_eq!((whole.fit, whole.found, &whole.misfit), (5, true, &None));
    let without = [&lines[0], &lines[2], &lines[4]].map(String::as_str).concat();
    assert_eq!(verify_export(&without, None).misfit, None);

    let changed = lines.concat().replacen("\"code\":\"stuck-dns\"", "\"code\":\"ok\"", 1);
    let misfit = verify_export(&changed, None).misfit.unwrap();
    assert_eq!((misfit.place.as_str(), misfit.run), ("line 2", Some(run_id(2))));
    let swapped = [&lines[1], &lines[0]].map(String::as_str).concat();
    assert_eq!(verify_export(&swapped, None).misfit.unwrap().place, "line 2");
    // A run that was made anew from its record alone is not tied to the one before it.
    let (_, record) = lines[2].split_once("\"record\":").unwrap();
    let record = record.trim_end().strip_suffix('}').unwrap();
    let own = line(Seal::NONE, Seal::NONE.of_next(record), record);
    let untied = [lines[1].as_str(), &own].concat();
    let misfit = verify_export(&untied, None).misfit.unwrap();
    assert_eq!(misfit.what, "it is not tied to the run before it");
    for bad in ["x", "{}", "{\"previous\":\"00\",\"seal\":\"00\",\"record\":{}}"] {
        assert_eq!(verify_export(bad, None).misfit.unwrap().place, "line 1", "{bad}");
    }
}
