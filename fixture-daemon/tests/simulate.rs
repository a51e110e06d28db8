//! The whole line in virtual time: engine, reader, sender's timing and ledger on the simulated jig.
#![expect(clippy::unwrap_used, reason = "a test")]

use core::time::Duration;
use std::path::Path;
use std::process::{Command, Stdio};

use blinkup::packet::{Password, Wifi};
use fixture_daemon::config;
use fixture_daemon::drivers::virtual_time::{Ended, SHIFT_BEGINS, Simulated, Summary, simulate};
use fixture_daemon::jig::simulated::scenario::{Row, Scenario, Strikes};
use fixture_link::verdict::{Outcome, VerdictCode};

fn mixed() -> Scenario {
    Scenario::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/scenarios/mixed.toml")).unwrap()
}

fn shift() -> Scenario {
    Scenario::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/scenarios/shift.toml")).unwrap()
}

/// Simulates into a ledger that is thrown away.
fn run(simulated: &Simulated) -> (Vec<Ended>, Summary) {
    let folder = tempfile::tempdir().unwrap();
    run_in(simulated, &folder.path().join("ledger.db"))
}

fn run_in(simulated: &Simulated, ledger: &Path) -> (Vec<Ended>, Summary) {
    let mut runs = Vec::new();
    let summary = simulate(simulated.build(SHIFT_BEGINS), ledger, &mut |ended| {
        runs.push(ended.clone());
        Ok(())
    })
    .unwrap();
    (runs, summary)
}

fn line(seed: u64, units: u32, scenario: Scenario) -> Simulated {
    Simulated {
        units,
        scenario,
        ..Simulated::new(seed, config::example_recipe())
    }
}

#[test]
fn a_line_that_works_for_a_time_finishes_every_unit_that_it_began() {
    let lasts = Duration::from_mins(10);
    let simulated = Simulated {
        lasts: Some(lasts),
        ..line(3, u32::MAX, Scenario::none())
    };
    let (runs, summary) = run(&simulated);
    assert!(
        summary.lasted >= lasts && summary.lasted < lasts + Duration::from_mins(3),
        "{summary:?}"
    );
    // Four lanes, and a unit takes less than two minutes with all that is around it.
    assert!(runs.len() >= 20, "{} runs", runs.len());
    let done = runs.iter().filter(|ended| ended.last).count();
    let mut units: Vec<_> = runs.iter().filter_map(|ended| ended.unit.clone()).collect();
    units.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
    units.dedup();
    assert_eq!(done, units.len(), "every unit is done");
}

/// What is wrong with what a row's fault led to; empty for nothing.
fn judge(row: &Row, seed: u64) -> Vec<String> {
    let simulated = Simulated {
        lanes: 1,
        ..line(seed, 2, Scenario::only(row))
    };
    let (runs, _) = run(&simulated);
    let first_runs_only = matches!(row.strikes, Strikes::Unit { runs: Some(_), .. });
    let struck: Vec<&Ended> = runs
        .iter()
        .filter(|ended| ended.fault == Some(row.fault) && (ended.must_fail || !first_runs_only))
        .collect();
    let mut wrong = Vec::new();
    if struck.is_empty() {
        wrong.push(format!(
            "{} of a {}, seed {seed}: struck no run",
            row.fault,
            row.scope().as_str()
        ));
    }
    for ended in struck {
        // A fault that costs attempts only is judged by the unit's end.
        let on_the_way = row.codes.contains(&VerdictCode::Ok) && !ended.last;
        if !row.codes.contains(&ended.code) && !on_the_way {
            wrong.push(format!(
                "{} of a {}, seed {seed}: {} ({}) after {:?}, expected {:?}",
                row.fault,
                row.scope().as_str(),
                ended.code,
                ended.detail,
                ended.took,
                row.codes
            ));
        }
    }
    wrong
}

#[test]
fn each_fault_ends_in_the_code_of_the_scenario_table() {
    let rows = mixed().rows;
    let wrong: Vec<String> = rows
        .iter()
        .flat_map(|row| (1..=3).flat_map(|seed| judge(row, seed)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_same_seed_gives_the_same_runs_and_the_same_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let simulated = line(7, 60, mixed());
    let one = run_in(&simulated, &folder.path().join("one.db"));
    let two = run_in(&simulated, &folder.path().join("two.db"));
    assert_eq!(one, two);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let dump = |name| {
        runtime
            .block_on(fixture_ledger::dump(&folder.path().join(name)))
            .unwrap()
    };
    let text = dump("one.db");
    assert!(text.len() > 10_000);
    assert!(text == dump("two.db"), "the dumps differ");
    let other = run(&line(8, 60, mixed()));
    assert_ne!(one.0, other.0);
}

/// The invariants of a line on which everything goes wrong.
fn nothing_passes_that_must_not(runs: &[Ended], units: usize) {
    let mut by_unit = std::collections::BTreeMap::<_, Vec<&Ended>>::new();
    for ended in runs {
        assert!(
            !(ended.must_fail && ended.outcome == Outcome::Pass),
            "must fail, and passed: {ended:?}"
        );
        by_unit
            .entry(ended.unit.clone().expect("every unit is scanned"))
            .or_default()
            .push(ended);
    }
    assert_eq!(by_unit.len(), units);
    let mut untouched = 0;
    for (unit, runs) in by_unit {
        let last = runs.last().expect("a unit is known by its runs");
        assert_eq!(runs.iter().filter(|ended| ended.last).count(), 1, "{unit}: {runs:?}");
        assert!(last.last, "{unit}: {runs:?}");
        if runs.iter().all(|ended| ended.fault.is_none()) {
            untouched += 1;
            assert_eq!(last.outcome, Outcome::Pass, "{unit} has no fault: {runs:?}");
        }
    }
    assert!(untouched > units / 3, "{untouched} units without a fault");
}

#[test]
fn with_all_faults_mixed_no_run_passes_that_must_not_and_healthy_units_pass_first_thousand() {
    let (runs, _) = run(&line(1, 1_000, mixed()));
    nothing_passes_that_must_not(&runs, 1_000);
}

#[test]
fn with_all_faults_mixed_no_run_passes_that_must_not_and_healthy_units_pass_second_thousand() {
    let (runs, _) = run(&line(2, 1_000, mixed()));
    nothing_passes_that_must_not(&runs, 1_000);
}

#[test]
fn a_line_without_faults_passes_every_unit_under_every_pass_rule() {
    for name in ["blessed", "claimed", "led-only"] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../config/recipes/{name}.toml"));
        let recipe = config::load_recipe(&file).unwrap().0;
        let (runs, _) = run(&Simulated {
            units: 30,
            ..Simulated::new(5, recipe)
        });
        let codes: Vec<VerdictCode> = runs.iter().map(|ended| ended.code).collect();
        let passed = codes.iter().filter(|code| **code == VerdictCode::Ok).count();
        assert_eq!(passed, 30, "{name}: {codes:?}");
        assert!(runs.len() <= 32, "{name}: {codes:?}");
    }
}

#[test]
fn a_packet_with_a_wrong_password_leaves_every_unit_joining_until_the_line_blames_the_network() {
    let mut simulated = line(3, 8, Scenario::none());
    simulated.network = simulated.network.map(|wifi| Wifi {
        password: Password::new("changed last night").unwrap(),
        ..wifi
    });
    let (runs, summary) = run(&simulated);
    assert!(
        runs.iter()
            .all(|ended| matches!(ended.code, VerdictCode::StuckJoining | VerdictCode::NetworkDown)),
        "{runs:?}"
    );
    assert!(runs.iter().any(|ended| ended.code == VerdictCode::NetworkDown));
    assert!(summary.stops >= 1);
}

#[test]
fn a_usual_shift_has_a_usual_yield() {
    let (runs, _) = run(&line(4, 120, shift()));
    let passed = runs.iter().filter(|ended| ended.outcome == Outcome::Pass).count();
    assert!(passed >= 105, "{passed} of 120 units passed");
    assert!(runs.iter().any(|ended| ended.outcome == Outcome::Fail));
}

#[test]
fn a_simulation_that_cannot_be_written_out_leaves_no_ledger() {
    let full = || Stdio::from(std::fs::File::options().write(true).open("/dev/full").unwrap());
    let closed = || Stdio::from(std::io::pipe().unwrap().1);
    // Three runs are told at the end, two hundred while it still goes on.
    for (units, out, said) in [
        ("3", full(), "No space left"),
        ("200", full(), "No space left"),
        ("3", closed(), "Broken pipe"),
        ("200", closed(), "Broken pipe"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_fixture-daemon"))
            .args(["simulate", "--seed", "1", "--units", units, "--jsonl", "--ledger"])
            .arg(folder.path().join("ledger.db"))
            .stdout(out)
            .output()
            .unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{units} units: {errors}");
        assert!(errors.contains(said), "{units} units: {errors}");
        let left: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert!(left.is_empty(), "{units} units, {said}: {left:?}");
    }
}

/// The keys of a line of `simulate --jsonl`, in their order: others read them.
const KEYS: [&str; 9] = [
    "unit",
    "lane",
    "outcome",
    "code",
    "fault",
    "must_fail",
    "final",
    "attempts",
    "seconds",
];

/// What `simulate --jsonl` prints.
fn printed(folder: &Path, seed: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_fixture-daemon"))
        .args(["simulate", "--seed", seed, "--units", "25", "--jsonl", "--scenario"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/scenarios/mixed.toml"))
        .arg("--ledger")
        .arg(folder.join(format!("{seed}.db")))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn simulate_prints_a_line_a_run_with_the_keys_that_others_read_and_the_same_bytes_for_one_seed() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let text = printed(here.path(), "6");
    assert!(text == printed(there.path(), "6"), "one seed, two outputs");
    assert_ne!(text, printed(there.path(), "7"));
    let mut last_runs = std::collections::BTreeMap::<String, u32>::new();
    let mut faults = 0;
    for line in text.lines() {
        let run: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
        let mut places: Vec<usize> = KEYS
            .iter()
            .map(|key| {
                line.find(&format!("\"{key}\":"))
                    .unwrap_or_else(|| panic!("{key} in {line}"))
            })
            .collect();
        assert!(places.is_sorted(), "{line}");
        places.dedup();
        assert_eq!((places.len(), run.len()), (KEYS.len(), KEYS.len()), "{line}");
        let text_of = |key: &str| run[key].as_str().unwrap_or_else(|| panic!("{key} in {line}"));
        assert!((1..=4).contains(&run["lane"].as_u64().unwrap()), "{line}");
        let code = VerdictCode::ALL
            .into_iter()
            .find(|code| code.as_str() == text_of("code"))
            .unwrap();
        assert_eq!(text_of("outcome"), code.outcome().as_str(), "{line}");
        assert!(
            run["attempts"].is_u64() && run["seconds"].as_f64().unwrap() >= 0.0,
            "{line}"
        );
        faults += u32::from(text_of("fault") != "none");
        if run["must_fail"].as_bool().unwrap() {
            assert_ne!(text_of("outcome"), "PASS", "{line}");
        }
        *last_runs.entry(text_of("unit").to_owned()).or_default() += u32::from(run["final"].as_bool().unwrap());
    }
    assert!(faults > 0, "the mixed scenario has faults");
    assert_eq!(last_runs.len(), 25);
    assert!(last_runs.values().all(|count| *count == 1), "{last_runs:?}");
}
