//! `fixture-daemon what-if` over the ledger of a simulated line, beside what follows from the stored records alone.
#![expect(clippy::unwrap_used, reason = "a test")]

use core::time::Duration;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use fixture_daemon::config;
use fixture_daemon::drivers::virtual_time::{SHIFT_BEGINS, Simulated, simulate};
use fixture_daemon::jig::simulated::scenario::Scenario;
use fixture_ledger::Reports;
use fixture_ledger::record::{AttemptResult, EvidenceKind};
use fixture_ledger::report::RunDetail;
use fixture_link::identity::RunId;
use fixture_link::snapshot::Stage;
use fixture_link::verdict::{Class, VerdictCode};
use fixture_link::what_if::{Line, Replay, Summary};
use tempfile::TempDir;

const UNITS: u32 = 120;

struct Stored {
    folder: TempDir,
    ledger: PathBuf,
    runs: Vec<RunDetail>,
}

/// A line on which everything goes wrong now and then, and all that was stored of it.
fn stored() -> Stored {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger.db");
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/scenarios/mixed.toml");
    let simulated = Simulated {
        units: UNITS,
        scenario: Scenario::load(&scenario).unwrap(),
        ..Simulated::new(77, config::example_recipe())
    };
    simulate(simulated.build(SHIFT_BEGINS), &ledger, &mut |_| Ok(())).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let runs = runtime.block_on(async {
        let reports = Reports::open(&ledger).await.unwrap();
        let mut runs = Vec::new();
        for row in reports.latest(1000).await.unwrap() {
            runs.push(reports.run(row.run).await.unwrap().unwrap());
        }
        runs
    });
    Stored { folder, ledger, runs }
}

impl Stored {
    fn command(&self, arguments: &[&str]) -> Output {
        // The recipe that the simulation takes where it is given none.
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config");
        let recipe = examples.join("recipes/blessed.toml");
        let text = std::fs::read_to_string(examples.join("simulated.toml")).unwrap();
        let config = self.folder.path().join("fixture.toml");
        let text = text.replace("recipes/claimed.toml", recipe.to_str().unwrap());
        std::fs::write(&config, text).unwrap();
        Command::new(env!("CARGO_BIN_EXE_fixture-daemon"))
            .args(["what-if", "--config"])
            .arg(config)
            .arg("--ledger")
            .arg(&self.ledger)
            .args(arguments)
            .args(if arguments.contains(&"--at-most") {
                &[][..]
            } else {
                &["--at-most", "100000"]
            })
            .output()
            .unwrap()
    }

    fn ask(&self, arguments: &[&str]) -> (BTreeMap<RunId, Line>, Summary) {
        let output = self.command(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut lines = BTreeMap::new();
        let mut summary = None;
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            match serde_json::from_str(line).unwrap() {
                Replay::Run(line) => assert!(lines.insert(line.run, line).is_none()),
                Replay::NotAgain(line) => assert_ne!(line.would, Some(line.was)),
                Replay::Summary(last) => summary = Some(last),
            }
        }
        (lines, summary.unwrap())
    }

    fn run(&self, run: RunId) -> &RunDetail {
        self.runs.iter().find(|detail| detail.row.run == run).unwrap()
    }
}

fn code(detail: &RunDetail) -> VerdictCode {
    detail.row.verdict.as_ref().unwrap().code
}

/// When a stage was first reached, from seated.
fn reached(detail: &RunDetail, stage: Stage) -> Option<Duration> {
    let fact = detail
        .evidence
        .iter()
        .find(|fact| fact.kind == EvidenceKind::Stage && fact.detail == stage.as_str());
    fact.map(|fact| fact.at)
}

#[test]
fn other_rules_are_tried_on_stored_light() {
    let stored = stored();

    // Under the recipe as it is nearly every verdict that rests on light comes out again, and no line says anything else.
    let (lines, summary) = stored.ask(&[]);
    let of_units = stored
        .runs
        .iter()
        .filter(|detail| matches!(code(detail).class(), Class::Unit | Class::Evidence));
    let of_units = u32::try_from(of_units.count()).unwrap();
    assert_eq!(summary.runs, u32::try_from(stored.runs.len()).unwrap());
    assert_eq!(summary.runs - summary.not_of_the_unit, of_units);
    assert!(of_units > 120 && summary.simulated && !summary.more, "{summary:?}");
    assert!(summary.not_again * 50 <= of_units, "{summary:?}");
    assert_eq!((summary.others, summary.open), (0, 0));
    assert_eq!(summary.same, u32::try_from(lines.len()).unwrap());
    for (run, line) in &lines {
        assert_eq!((line.was, line.would), (code(stored.run(*run)), Some(line.was)));
    }

    // Less time to connect: who took longer fails, everybody else stays as they are.
    let limit = Duration::from_secs(9);
    let (lines, summary) = stored.ask(&["--set", "times.connect=\"9s\""]);
    assert!(summary.others >= 3, "{summary:?}");
    let mut slow = 0;
    for (run, line) in &lines {
        let detail = stored.run(*run);
        if code(detail) != VerdictCode::Ok {
            continue;
        }
        let (received, connected) = (
            reached(detail, Stage::Received).unwrap(),
            reached(detail, Stage::Connected),
        );
        let Some(connected) = connected else { continue };
        let needed = connected.saturating_sub(received);
        // The packet was answered a moment before that was known, by a second at most.
        if needed > limit {
            slow += 1;
            // Where no stage was named by then: a green that nothing led to.
            let would = line.would.unwrap();
            let stuck = would.as_str().starts_with("stuck-") || would == VerdictCode::UnexpectedPattern;
            assert!(stuck, "{needed:?}: {line:?}");
        } else if needed + Duration::from_secs(1) < limit && reached(detail, Stage::Updating).is_none() {
            assert_eq!(line.would, Some(VerdictCode::Ok), "{needed:?}: {line:?}");
        }
    }
    assert!(slow >= 3, "{slow}");

    // A green that has to stand for longer than it was watched: nobody knows, and that is said.
    let (lines, summary) = stored.ask(&[
        "--set",
        "pass.blessed.hold=\"60s\"",
        "--set",
        "pass.blessed.event_within=\"60s\"",
    ]);
    assert!(summary.open > 50, "{summary:?}");
    for line in lines.values().filter(|line| line.was == VerdictCode::Ok) {
        assert_eq!(line.would, None, "{line:?}");
        assert!(line.why.contains("ends before"), "{line:?}");
    }

    // Light alone: a unit that was blessed had been connected for some time, or nobody knows; and nobody is judged later than they were.
    let (lines, summary) = stored.ask(&["--set", "pass.led-only.hold=\"1s\""]);
    assert!(summary.same > 0, "{summary:?}");
    let told: Vec<&Line> = lines
        .values()
        .filter(|line| line.was == VerdictCode::Ok && line.would.is_some())
        .collect();
    assert!(told.len() > 50, "{}", told.len());
    for line in told {
        assert_eq!(line.would, Some(VerdictCode::Ok), "{line:?}");
        assert!(line.why.contains("LED evidence only"), "{line:?}");
    }

    // Other limits of the LED, by what was measured.
    let (lines, _) = stored.ask(&["--set", "led.green_share=[0.9, 0.95]"]);
    let mut measured = 0;
    for (run, line) in lines.iter().filter(|(_, line)| line.was == VerdictCode::Ok) {
        let share = stored
            .run(*run)
            .measurements
            .iter()
            .any(|figure| figure.what.as_str() == "green-share");
        measured += u32::from(share);
        assert_eq!(line.would == Some(VerdictCode::LedOutOfLimits), share, "{line:?}");
    }
    assert!(measured > 50, "{measured}");

    // A reader that need not be so sure is sooner, and passes nobody less.
    let (lines, summary) = stored.ask(&["--set", "reader.confidence=0.9"]);
    assert!(summary.same > 100, "{summary:?}");
    for line in lines.values().filter(|line| line.was == VerdictCode::Ok) {
        assert_eq!(line.would, Some(VerdictCode::Ok), "{line:?}");
    }

    some_runs_and_other_attempts(&stored);
}

fn some_runs_and_other_attempts(stored: &Stored) {
    // One lane, and the latest of it.
    let (lines, summary) = stored.ask(&["--lane", "2", "--at-most", "5"]);
    assert!(summary.runs == 5 && summary.more, "{summary:?}");
    let latest = stored
        .runs
        .iter()
        .filter(|detail| detail.row.lane.number() == 2)
        .take(5);
    let latest: Vec<RunId> = latest.map(|detail| detail.row.run).collect();
    assert!(lines.keys().all(|run| latest.contains(run)));

    // Fewer attempts or another rung than there were: what was never sent was never answered.
    let (lines, summary) = stored.ask(&["--set", "send.attempts=1"]);
    let retried = |run: &RunId| stored.run(*run).attempts.len() > 1;
    assert!(lines.keys().filter(|run| retried(run)).count() >= 3, "{summary:?}");
    for (run, line) in lines
        .iter()
        .filter(|(run, line)| retried(run) && line.was == VerdictCode::Ok)
    {
        let first = stored.run(*run).attempts[0].result;
        let void = matches!(first, AttemptResult::Late);
        let expected = if void {
            VerdictCode::LampLate
        } else {
            VerdictCode::ReceptionError
        };
        let told = match line.would {
            Some(code) => code == expected || code == VerdictCode::NotReceiving,
            // A fixture's fault is no judgement of the unit.
            None => void,
        };
        assert!(told, "{first:?}: {line:?}");
    }
}

#[test]
fn what_cannot_be_tried_is_told_with_what_was_expected() {
    let folder = tempfile::tempdir().unwrap();
    let stored = Stored {
        ledger: folder.path().join("none.db"),
        folder,
        runs: Vec::new(),
    };
    for (arguments, code, expected) in [
        (&["--set", "times.stage"][..], 2, "expected NAME=VALUE as in a recipe"),
        (&["--set", "times.stage=soon"], 2, "expected a value as in a recipe"),
        (&["--set", "times.stages=\"3s\""], 3, "unknown field `stages`"),
        (
            &["--set", "reader.confidence=3.0"],
            3,
            "expected a number from 0.5 to 1",
        ),
        (&["--set", "send.late_limit=0.1"], 2, "stored light says nothing of it"),
        (&["--lane", "9"], 2, "9 is not in 1..=8"),
        (&[], 1, "none.db"),
    ] {
        let output = stored.command(arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
        assert!(told.contains(expected), "{arguments:?}: {told}");
    }
}
