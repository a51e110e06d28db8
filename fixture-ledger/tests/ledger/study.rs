//! Gauge studies: their runs count in no yield, which of them count in the study, and what it comes to follows from what is stored.

use fixture_ledger::evaluation::{Grade, Measured, Standing, WhyNot, evaluate};
use fixture_ledger::record::{Audited, ChangeKind, Limits, Measurement, Purpose, Quantity, Scale, Setup, Side};
use fixture_ledger::study::{Counted, EndedAs, Plan, Study, Which};
use fixture_ledger::yields::{Scope, Span};
use fixture_ledger::{Durability, Ledger, Reports, SetupId};
use fixture_link::act::{Act, Mark};
use fixture_link::study::{Criteria, StudyStep, StudyWish};
use fixture_link::verdict::{Outcome, VerdictCode};

use crate::sample::{asked, at, done, end, serial, setup, start};

const DAY: i64 = 86_400_000_000;

/// A study of these units by anna and ben, twice each.
pub fn plan(units: &[(&str, Mark)]) -> Plan {
    Plan {
        units: units.iter().map(|(unit, mark)| (serial(unit), *mark)).collect(),
        people: vec!["anna".to_owned(), "ben".to_owned()],
        times: 2,
    }
}

fn study(n: u32, step: StudyStep) -> Audited {
    let act = Act::Study {
        step,
        reason: format!("reason {n}"),
    };
    done(asked(n, "quinn", act))
}

fn begin(n: u32, plan: Plan) -> Audited {
    let wish = StudyWish {
        units: plan.units.iter().map(|(unit, _)| unit.clone()).collect(),
        people: plan.people.clone(),
        times: plan.times,
    };
    Audited {
        study: Some(plan),
        ..study(n, StudyStep::Begin(wish))
    }
}

struct Kept {
    _folder: tempfile::TempDir,
    path: std::path::PathBuf,
    ledger: Ledger,
    setup: SetupId,
    runs: u32,
}

impl Kept {
    async fn new(setup: &Setup) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        let mut ledger = Ledger::create(&path, Durability::Unsynced).await.unwrap();
        let setup = ledger.setup(setup).await.unwrap();
        Self {
            _folder: folder,
            path,
            ledger,
            setup,
            runs: 0,
        }
    }

    /// A run of a unit by somebody that ends so, with that strength of its LED.
    async fn run(&mut self, purpose: Purpose, unit: &str, by: &str, code: VerdictCode, strength: f32) {
        self.runs += 1;
        let n = self.runs;
        let mut begun = start(n, 1, Some(unit), i64::from(n) * 1000);
        begun.purpose = purpose;
        by.clone_into(&mut begun.operator);
        self.ledger.begin_run(self.setup, &begun).await.unwrap();
        let mut ended = end(n, code);
        ended.measurements = vec![Measurement {
            what: Quantity::LedStrength,
            scale: Scale::OfReference,
            value: strength,
            deviation: 0.01,
            limits: Some(Limits {
                allowed: 0.5..=1.5,
                side: Side::Inside,
            }),
        }];
        self.ledger
            .finish_run(&ended, at(i64::from(n) * 1000 + 1))
            .await
            .unwrap();
    }

    async fn act(&mut self, audited: &Audited, micros: i64) {
        self.ledger.record_act(audited, at(micros)).await.unwrap();
    }

    async fn read(&self, which: Which) -> Option<Study> {
        let reports = Reports::open(&self.path).await.unwrap();
        reports.study(which).await.unwrap()
    }

    async fn standing(&self, micros: i64) -> Standing {
        let reports = Reports::open(&self.path).await.unwrap();
        reports.study_standing(&Criteria::default(), micros).await.unwrap()
    }

    /// Whether it is passed now, or why not.
    async fn why_not(&self, micros: i64) -> &'static str {
        match self.standing(micros).await {
            Standing::Passed { .. } => "passed",
            Standing::NotPassed { why, .. } => why.as_str(),
        }
    }

    /// A whole study of a good and a bad unit, run as they are known; each run with a strength a little off.
    async fn whole(&mut self, n: u32, micros: i64, off: f32) {
        self.act(&begin(n, plan(&[("G", Mark::Golden), ("B", Mark::KnownBad)])), micros)
            .await;
        for (unit, code, strength) in [("G", VerdictCode::Ok, 1.0), ("B", VerdictCode::LedOutOfLimits, 0.6)] {
            for (by, sign) in [("anna", -1.0), ("ben", -1.0), ("anna", 1.0), ("ben", 1.0)] {
                self.run(Purpose::Study, unit, by, code, strength + sign * off).await;
            }
        }
        self.act(&study(n + 1, StudyStep::End), micros + 1).await;
    }
}

#[tokio::test]
async fn a_studys_runs_are_in_no_yield_and_are_told_as_left_out() {
    let mut kept = Kept::new(&setup()).await;
    kept.run(Purpose::Production, "A", "anna", VerdictCode::Ok, 1.0).await;
    kept.whole(1, 50_000, 0.001).await;
    kept.run(Purpose::Production, "A2", "anna", VerdictCode::StuckDns, 1.0)
        .await;
    // A unit's first run for production is its first, however often a study ran it before.
    kept.run(Purpose::Production, "G", "anna", VerdictCode::Ok, 1.0).await;
    let reports = Reports::open(&kept.path).await.unwrap();
    let span = Span { from: 0, until: DAY };
    let tally = reports.tally(span, &Scope::default()).await.unwrap();
    assert_eq!((tally.first.passed, tally.first.total), (2, 3));
    assert_eq!((tally.last.passed, tally.last.total), (2, 3));
    assert_eq!((tally.runs, tally.set_aside), (11, 8));
    assert_eq!(tally.with(Outcome::Fail), 1);
    // What the study's runs said of a unit does not hinder its own.
    let history = kept.ledger.unit_history(&serial("B")).await.unwrap();
    assert_eq!((history.runs, history.codes.len()), (0, 0));
}

#[tokio::test]
async fn runs_of_outsiders_spoilt_ones_and_those_too_many_are_kept_and_do_not_count() {
    let mut kept = Kept::new(&setup()).await;
    // Before it began.
    kept.run(Purpose::Production, "G", "anna", VerdictCode::Ok, 1.0).await;
    kept.act(&begin(1, plan(&[("G", Mark::Golden), ("B", Mark::KnownBad)])), 1_500)
        .await;
    for (by, code) in [
        ("anna", VerdictCode::Ok),
        ("eve", VerdictCode::Ok),
        ("anna", VerdictCode::SensorFault),
        ("anna", VerdictCode::StuckDns),
        ("anna", VerdictCode::Ok),
    ] {
        kept.run(Purpose::Study, "G", by, code, 1.0).await;
    }
    let study = kept.read(Which::Running).await.unwrap();
    assert_eq!(
        (study.plan.clone(), study.end.clone()),
        (plan(&[("G", Mark::Golden), ("B", Mark::KnownBad)]), None)
    );
    let (progress, counted) = study.counted();
    let nth = |nth| Counted::As {
        unit: 0,
        person: 0,
        nth,
    };
    assert_eq!(
        counted,
        [
            nth(1),
            Counted::Outsider,
            Counted::SaysNothing,
            nth(2),
            Counted::OneTooMany
        ]
    );
    assert_eq!((progress.left(), progress.view(study.began).not_counted), (6, 3));
    assert_eq!(progress.view(study.began).left(), 6);
    let said = evaluate(&study, &Criteria::default());
    assert_eq!(
        (said.grade, &said.outcomes, said.variables.len()),
        (Grade::NotPassed, &None, 0)
    );
    assert_eq!(said.reasons, ["6 of its runs are missing"]);
    assert_eq!(
        kept.why_not(2_000).await,
        "never-made",
        "a study that runs decides nothing"
    );
    kept.act(&self::study(2, StudyStep::Abandon), 9_000).await;
    // After it: another study's, and none of its own.
    kept.run(Purpose::Study, "G", "ben", VerdictCode::Ok, 1.0).await;
    let study = kept.read(Which::Newest).await.unwrap();
    assert_eq!(study.runs.len(), 5);
    assert_eq!(
        study.end.map(|end| (end.how, end.by)),
        Some((EndedAs::Abandoned, "quinn".to_owned()))
    );
    assert_eq!(kept.read(Which::NewestEnded).await, None);
    assert_eq!(kept.read(Which::Running).await, None);
    assert_eq!(kept.why_not(9_500).await, "never-made");
}

#[tokio::test]
async fn what_a_study_comes_to_follows_from_its_stored_runs() {
    let mut kept = Kept::new(&setup()).await;
    kept.whole(1, 50_000, 0.001).await;
    let study = kept.read(Which::NewestEnded).await.unwrap();
    let said = evaluate(&study, &Criteria::default());
    assert_eq!((said.grade, said.reasons.as_slice()), (Grade::Passed, [].as_slice()));
    let outcomes = said.outcomes.unwrap();
    assert_eq!((outcomes.kappa, outcomes.right_kappa), (Some(1.0), Some(1.0)));
    let strength = &said.variables[0];
    assert_eq!(
        (strength.what, strength.scale),
        (Measured::Led(Quantity::LedStrength), Some(Scale::OfReference))
    );
    assert_eq!(
        (strength.limits, strength.grade),
        (Some((0.5, 1.5)), Some(Grade::Passed))
    );
    // Two runs a cell, 0.001 to each side, no person apart: the variance is 8 · 0.001² over 4 + 1 + 1 degrees of freedom, as nothing speaks for an
    // interaction, and people do not differ.
    let repeatability = (8.0_f64 * 1.0e-6 / 5.0).sqrt();
    let found = strength.variation.as_ref().unwrap();
    assert!((found.repeatability - repeatability).abs() < 1.0e-6, "{found:?}");
    assert!((strength.of_tolerance().unwrap() - 6.0 * repeatability).abs() < 1.0e-5);
    assert_eq!(said.variables[1].what, Measured::CycleTime);
    assert_eq!(said.variables[1].grade, None, "it has no limits");

    // A gauge that is worse passes conditionally, and one worse than that does not.
    kept.whole(3, 60_000, 0.02).await;
    let said = evaluate(&kept.read(Which::NewestEnded).await.unwrap(), &Criteria::default());
    assert_eq!(
        (said.grade, said.reasons.len()),
        (Grade::Conditionally, 1),
        "{:?}",
        said.reasons
    );
    kept.whole(5, 70_000, 0.06).await;
    let said = evaluate(&kept.read(Which::NewestEnded).await.unwrap(), &Criteria::default());
    assert_eq!(said.grade, Grade::NotPassed);
    assert!(
        said.reasons[0].starts_with("led-strength: %GRR is "),
        "{:?}",
        said.reasons
    );
    assert_eq!(kept.why_not(80_000).await, "failed");
}

#[tokio::test]
async fn a_study_that_was_never_shown_a_bad_unit_is_not_passed() {
    let mut kept = Kept::new(&setup()).await;
    kept.act(&begin(1, plan(&[("G", Mark::Golden), ("H", Mark::Golden)])), 1)
        .await;
    for unit in ["G", "H"] {
        for by in ["anna", "ben", "anna", "ben"] {
            kept.run(Purpose::Study, unit, by, VerdictCode::Ok, 1.0).await;
        }
    }
    kept.act(&study(2, StudyStep::End), 20_000).await;
    let Standing::NotPassed {
        study: Some(1),
        why: WhyNot::Failed(reasons),
    } = kept.standing(30_000).await
    else {
        panic!("{:?}", kept.standing(30_000).await);
    };
    assert!(reasons[0].contains("no known-bad unit"), "{reasons:?}");
    assert!(
        reasons[1].starts_with("kappa between all runs of a unit cannot be told"),
        "{reasons:?}"
    );
}

#[tokio::test]
async fn a_fixture_has_passed_its_study_until_that_expires_or_the_fixture_is_another() {
    let real = Setup {
        simulated: false,
        ..setup()
    };
    let mut kept = Kept::new(&real).await;
    kept.ledger
        .record_change(ChangeKind::Lamp, "lane 1: batch 7", at(10))
        .await
        .unwrap();
    assert_eq!(kept.why_not(20).await, "never-made");
    kept.whole(1, 50_000, 0.001).await;
    let until = 50_001 + 365 * DAY;
    assert_eq!(
        kept.standing(60_000).await,
        Standing::Passed {
            study: 1,
            at: at(50_001),
            until,
            grade: Grade::Passed
        }
    );
    assert_eq!(kept.why_not(until - 1).await, "passed");
    assert_eq!(kept.why_not(until).await, "expired");
    // A configuration that changed is no other gauge; a lamp that did is.
    kept.ledger
        .record_change(ChangeKind::Config, "k = 4", at(61_000))
        .await
        .unwrap();
    assert_eq!(kept.why_not(62_000).await, "passed");
    kept.ledger
        .record_change(ChangeKind::Lamp, "lane 1: batch 8", at(63_000))
        .await
        .unwrap();
    assert_eq!(kept.why_not(64_000).await, "fixture-changed");
    kept.whole(3, 70_000, 0.001).await;
    assert_eq!(kept.why_not(80_000).await, "passed");
    for (software, why) in [("0.1.9", "passed"), ("0.2.0", "software-changed")] {
        let newer = Setup {
            software: software.to_owned(),
            ..real.clone()
        };
        kept.setup = kept.ledger.setup(&newer).await.unwrap();
        kept.run(Purpose::Production, software, "anna", VerdictCode::Ok, 1.0)
            .await;
        assert_eq!(kept.why_not(81_000).await, why);
    }
}

#[tokio::test]
async fn what_a_simulated_jig_showed_says_nothing_of_a_real_one() {
    let mut kept = Kept::new(&setup()).await;
    kept.whole(1, 50_000, 0.001).await;
    assert_eq!(
        kept.why_not(60_000).await,
        "passed",
        "a simulated fixture passes its own"
    );
    let real = Setup {
        simulated: false,
        ..setup()
    };
    kept.setup = kept.ledger.setup(&real).await.unwrap();
    kept.run(Purpose::Production, "A", "anna", VerdictCode::Ok, 1.0).await;
    assert_eq!(kept.why_not(61_000).await, "made-on-a-simulated-jig");
}

#[tokio::test]
async fn the_marked_units_are_those_that_are_marked_now_and_a_study_is_one_at_a_time() {
    let mut kept = Kept::new(&setup()).await;
    for (n, unit, mark) in [
        (1, "G", Mark::Golden),
        (2, "B", Mark::KnownBad),
        (3, "X", Mark::Golden),
        (4, "X", Mark::Ordinary),
    ] {
        let act = Act::Mark {
            serial: serial(unit),
            mark,
            reason: "measured".to_owned(),
        };
        kept.act(&done(asked(n, "quinn", act)), i64::from(n)).await;
    }
    let marked = [(serial("B"), Mark::KnownBad), (serial("G"), Mark::Golden)];
    assert_eq!(kept.ledger.marks(&[]).await.unwrap(), marked);
    let named = kept
        .ledger
        .marks(&[serial("X"), serial("G"), serial("new")])
        .await
        .unwrap();
    assert_eq!(
        named,
        [
            (serial("X"), Mark::Ordinary),
            (serial("G"), Mark::Golden),
            (serial("new"), Mark::Ordinary)
        ]
    );
    kept.act(&begin(5, plan(&[("G", Mark::Golden), ("B", Mark::KnownBad)])), 9)
        .await;
    let second = begin(6, plan(&[("G", Mark::Golden), ("B", Mark::KnownBad)]));
    assert!(kept.ledger.record_act(&second, at(10)).await.is_err());
}

#[test]
fn what_earlier_runs_were_for_is_kept_when_studies_come() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|file| file.is_file())
        .collect();
    files.sort();
    let connection = rusqlite::Connection::open_in_memory().unwrap();
    for file in files {
        if file.to_str().unwrap().ends_with("_study.sql") {
            connection
                .execute_batch(
                    "INSERT INTO setup VALUES (1, 'f', '0.1.0', 'r', 'v', 'blessed', 1);
                    INSERT INTO run (number, id, setup, lane, operator, lot, purpose, seated, seated_synchronised)
                    VALUES
                        (1, x'00000000000000000000000000000001', 1, 1, 'x', '', 'production', 0, 0),
                        (2, x'00000000000000000000000000000002', 1, 1, 'x', '', 'golden', 0, 0),
                        (3, x'00000000000000000000000000000003', 1, 1, 'x', '', 'known-bad', 0, 0)",
                )
                .unwrap();
        }
        connection
            .execute_batch(&std::fs::read_to_string(&file).unwrap())
            .unwrap();
    }
    let purposes: Vec<String> = connection
        .prepare("SELECT purpose FROM run ORDER BY number")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(purposes, ["production", "golden", "known-bad"]);
    // What a run is for is as final as it was.
    for wrong in [
        "UPDATE run SET purpose = 'study' WHERE number = 1",
        "INSERT INTO run (id, setup, lane, operator, lot, purpose, seated, seated_synchronised)
        VALUES (zeroblob(16), 1, 1, 'x', '', 'fun', 0, 0)",
    ] {
        assert!(connection.execute_batch(wrong).is_err(), "{wrong}");
    }
}
