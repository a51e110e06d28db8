//! Nothing that was committed is lost by a kill, and nothing that was begun is a gap.

use std::collections::BTreeSet;

use fixture_ledger::Reports;
use fixture_link::identity::RunId;
use fixture_link::verdict::{Outcome, VerdictCode};

use crate::role::{Player, Stage};
use crate::sample::{at, end};

const KILLS: u64 = 40;

#[tokio::test]
async fn after_any_kill_every_verdict_that_was_reported_is_stored_and_every_other_run_is_interrupted() {
    let stage = Stage::new();
    let path = stage.path().join("ledger");
    let mut committed: BTreeSet<RunId> = BTreeSet::new();
    let mut begun: BTreeSet<RunId> = BTreeSet::new();
    let mut interrupted: BTreeSet<RunId> = BTreeSet::new();
    let mut hear = |said: &str| {
        let (what, run) = said.split_once(' ').unwrap();
        let run: RunId = run.parse().unwrap();
        match what {
            "begun" => begun.insert(run),
            "committed" => committed.insert(run),
            "interrupted" => interrupted.insert(run),
            other => panic!("{other}"),
        };
    };
    for kill in 0..KILLS {
        let mut writer = Player::start(stage.command("restless_writer", &path));
        // Scrambled, so that kills fall after few and many commits and at all places within one.
        let scrambled = (kill + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        for _ in 0..=scrambled % 23 {
            hear(&writer.hears().expect("it writes until it is killed"));
        }
        for _ in 0..(scrambled >> 8) % 300_000 {
            core::hint::spin_loop();
        }
        for said in writer.kill() {
            hear(&said);
        }
    }
    assert!(committed.len() as u64 > KILLS, "it did commit: {}", committed.len());

    let (ledger, recovered) = fixture_ledger::Ledger::open(&path, at(5_000)).await.unwrap();
    interrupted.extend(recovered.interrupted);
    assert!(!interrupted.is_empty(), "some kill fell between begin and commit");
    ledger.close().await.unwrap();
    let reports = Reports::open(&path).await.unwrap();
    for run in committed.union(&begun).chain(&interrupted) {
        let detail = reports
            .run(*run)
            .await
            .unwrap()
            .expect("nothing that was begun is a gap");
        let verdict = detail.row.verdict.expect("a verdict");
        if verdict.outcome == Outcome::Interrupted {
            assert!(interrupted.contains(run), "{run}");
            assert!(!committed.contains(run), "{run}: a reported verdict was lost");
            assert!(
                detail.readings.is_empty() && detail.evidence.is_empty() && detail.trace.is_empty(),
                "{run}: half a record"
            );
        } else {
            let number = u32::try_from(run.0.as_u128() & 0xffff_ffff).unwrap();
            let expected = end(number, VerdictCode::Ok);
            assert_eq!(verdict.code, expected.code);
            assert_eq!(detail.attempts, expected.attempts);
            assert_eq!(detail.readings, expected.readings);
            assert_eq!(detail.evidence, expected.evidence);
            assert_eq!(detail.trace, expected.trace);
        }
    }
    let summary = reports.today(0, i64::MAX, None).await.unwrap();
    let stored = summary.with(Outcome::Pass);
    assert_eq!(summary.runs, stored + summary.with(Outcome::Interrupted));
    // A run may be committed and the process killed before it could say so.
    assert!(stored >= committed.len() as u64 && stored <= committed.len() as u64 + KILLS);
    assert_eq!(summary.first_pass.total, stored);
    assert_eq!(summary.last_pass.total, stored);
}
