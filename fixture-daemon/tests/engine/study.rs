//! A gauge study on the line: it begins, its runs are told apart from others, nothing hinders them, and it ends.

use fixture_daemon::engine::input::{ActFacts, Input};
use fixture_daemon::engine::study::Study;
use fixture_ledger::record::{Decided, Decision, EvidenceKind, Known, Purpose, UnitHistory};
use fixture_ledger::study::{Plan, Progress};
use fixture_link::act::{Act, ActAnswer, Disposition, Mark};
use fixture_link::identity::WallTime;
use fixture_link::role::Role;
use fixture_link::study::{StudyStep, StudyView, StudyWish};
use fixture_link::verdict::{Outcome, Refusal, VerdictCode};

use crate::bench::{ms, serial};
use crate::light::Light;
use crate::whole::{line, named, stuck};

const SINCE: WallTime = WallTime {
    micros: 7,
    synchronised: true,
};

fn wish(units: &[&str]) -> StudyStep {
    StudyStep::Begin(StudyWish {
        units: units.iter().map(|unit| serial(unit)).collect(),
        people: vec!["anna".to_owned(), "ben".to_owned()],
        times: 2,
    })
}

/// What somebody of that role asks, with what the ledger says of marks.
fn asks(light: &mut Light, role: Role, step: StudyStep, marks: &[(&str, Mark)]) -> ActAnswer {
    let facts = ActFacts {
        at: Some(SINCE),
        marks: marks.iter().map(|(unit, mark)| (serial(unit), *mark)).collect(),
        ..ActFacts::default()
    };
    let act = Act::Study {
        step,
        reason: "a new jig".to_owned(),
    };
    light.act_as(role, act, facts)
}

fn refused(answer: ActAnswer) -> String {
    match answer {
        ActAnswer::Refused { why } => why,
        ActAnswer::Done => panic!("done"),
    }
}

fn operator(light: &mut Light, name: &str) {
    let act = Act::Operator { name: name.to_owned() };
    assert_eq!(light.act(act), ActAnswer::Done);
}

fn shown(light: &Light) -> StudyView {
    light.line.view(light.now).study.expect("a study runs")
}

/// What was noted of a run's part in the study.
fn noted(light: &Light) -> Option<String> {
    let (_, end) = light.ends.last()?;
    let noted = end.evidence.iter().find(|fact| fact.kind == EvidenceKind::Policy)?;
    Some(noted.detail.clone())
}

fn begun() -> Light {
    let mut light = line(2);
    light.wait(ms(3000));
    let answer = asks(
        &mut light,
        Role::Qa,
        wish(&["G", "B"]),
        &[("B", Mark::KnownBad), ("G", Mark::Golden)],
    );
    assert_eq!(answer, ActAnswer::Done);
    light
}

/// A unit of which everything was decided and seen that forbids another run.
fn hindered() -> UnitHistory {
    UnitHistory {
        runs: 99,
        passed: true,
        codes: vec![VerdictCode::StuckIp; 99],
        known: Known::Yes,
        decision: Some(Decision {
            what: Decided::Disposition(Disposition::Scrap),
            by: "quinn".to_owned(),
            reason: "cracked".to_owned(),
        }),
        mark: Mark::Ordinary,
    }
}

#[test]
fn who_may_begins_a_study_of_named_or_of_marked_units_and_only_one() {
    let mut light = line(1);
    light.wait(ms(3000));
    let why = refused(asks(&mut light, Role::Operator, wish(&["G", "B"]), &[]));
    assert!(
        why.starts_with("role: operator may not begin and end a gauge study"),
        "{why}"
    );
    let why = refused(asks(&mut light, Role::Qa, wish(&["G"]), &[]));
    assert!(why.starts_with("units: expected 2 to 50"), "{why}");
    let why = refused(asks(
        &mut light,
        Role::Qa,
        wish(&[]),
        &[("G", Mark::Golden), ("X", Mark::Ordinary)],
    ));
    assert!(why.starts_with("units: 1 are marked as golden or known-bad"), "{why}");
    for step in [StudyStep::End, StudyStep::Abandon] {
        assert_eq!(refused(asks(&mut light, Role::Qa, step, &[])), "no study runs");
    }
    // A unit that was marked a moment ago, which the ledger does not tell of yet, is one of the marked ones.
    let mark = Act::Mark {
        serial: serial("B"),
        mark: Mark::KnownBad,
        reason: "a broken flash".to_owned(),
    };
    assert_eq!(light.act(mark), ActAnswer::Done);
    let answer = asks(&mut light, Role::Engineer, wish(&[]), &[("G", Mark::Golden)]);
    assert_eq!(answer, ActAnswer::Done);
    let audited = light.audited.last().unwrap();
    assert_eq!(
        audited.study,
        Some(Plan {
            units: vec![(serial("G"), Mark::Golden), (serial("B"), Mark::KnownBad)],
            people: vec!["anna".to_owned(), "ben".to_owned()],
            times: 2,
        })
    );
    let change = audited.change.clone().unwrap();
    assert_eq!(
        (change.before.as_str(), change.after.as_str()),
        (
            "no study",
            "a study of 2 units by anna, ben, 2 times each; 8 runs to go"
        )
    );
    let why = refused(asks(&mut light, Role::Admin, wish(&["G", "B"]), &[]));
    assert!(why.starts_with("there is already a study of 2 units"), "{why}");
    assert_eq!(light.audited.last().unwrap().study, None);
}

#[test]
fn runs_of_its_units_are_its_own_and_nothing_hinders_them_or_stops_the_line() {
    let mut light = begun();
    operator(&mut light, "anna");
    for _ in 0..2 {
        assert_eq!(light.run_with(1, named("G"), hindered()), VerdictCode::Ok);
    }
    assert_eq!(
        noted(&light).as_deref(),
        Some("gauge study: run 2 of 2 of this unit by anna")
    );
    operator(&mut light, "ben");
    for number in [1, 2] {
        let code = light.run_with(number, stuck("B", "joining-wifi"), hindered());
        assert_eq!(code, VerdictCode::StuckJoining);
    }
    assert!(light.refusals.is_empty(), "{:?}", light.refusals);
    assert!(light.stops.is_empty(), "{:?}", light.stops);
    assert_eq!(light.purposes, [Purpose::Study; 4]);
    let view = shown(&light);
    assert_eq!((view.since, view.left(), view.not_counted), (SINCE, 4, 0));
    let done: Vec<_> = view.units.iter().map(|unit| (unit.mark, unit.done.clone())).collect();
    assert_eq!(done, [(Mark::Golden, vec![2, 0]), (Mark::KnownBad, vec![0, 2])]);
    // Other units are run as ever.
    light.run(1, named("U"));
    assert_eq!(light.purposes.last(), Some(&Purpose::Production));
    assert_eq!(shown(&light).left(), 4);
}

#[test]
fn a_run_by_an_outsider_or_one_too_many_is_kept_not_counted_and_says_so() {
    let mut light = begun();
    for by in ["", "eve"] {
        operator(&mut light, by);
        light.run(1, named("G"));
        assert_eq!(
            noted(&light).as_deref(),
            Some("gauge study: kept and not counted: by somebody who takes no part in the study")
        );
    }
    operator(&mut light, "anna");
    for _ in 0..3 {
        light.run(1, named("G"));
    }
    assert_eq!(
        noted(&light).as_deref(),
        Some("gauge study: kept and not counted: one more than the study asks of this person and unit")
    );
    assert_eq!(light.purposes, [Purpose::Study; 5]);
    let view = shown(&light);
    assert_eq!((view.left(), view.not_counted), (6, 3));
    // Whoever works at the line when the unit is seated has run it.
    light.wait(ms(3000));
    light.seats(1, named("G"), UnitHistory::default());
    operator(&mut light, "ben");
    light.wait(ms(200_000));
    light.lift(1);
    assert_eq!(shown(&light).not_counted, 4);
}

#[test]
fn a_study_ends_once_all_is_run_and_can_be_given_up_before() {
    let mut light = begun();
    let why = refused(asks(&mut light, Role::Qa, StudyStep::End, &[]));
    assert!(why.starts_with("8 runs are still to be made"), "{why}");
    for by in ["anna", "ben"] {
        operator(&mut light, by);
        for _ in 0..2 {
            light.run(1, named("G"));
            light.run(2, stuck("B", "joining-wifi"));
        }
    }
    assert_eq!(shown(&light).left(), 0);
    assert_eq!(asks(&mut light, Role::Engineer, StudyStep::End, &[]), ActAnswer::Done);
    assert_eq!(light.line.view(light.now).study, None);
    light.run(1, named("G"));
    assert_eq!(
        light.purposes.last(),
        Some(&Purpose::Production),
        "it is a unit like others again"
    );

    let mut light = begun();
    assert_eq!(asks(&mut light, Role::Qa, StudyStep::Abandon, &[]), ActAnswer::Done);
    assert_eq!(light.line.view(light.now).study, None);
}

#[test]
fn a_study_goes_on_after_a_restart_where_it_was() {
    let mut light = line(1);
    let mut progress = Progress::new(Plan {
        units: vec![(serial("G"), Mark::Golden), (serial("B"), Mark::KnownBad)],
        people: vec!["anna".to_owned(), "ben".to_owned()],
        times: 2,
    });
    progress.ended(&serial("G"), "anna", Outcome::Pass);
    light.line.take_over_study(Study::new(SINCE, progress));
    assert_eq!(shown(&light).left(), 7);
    operator(&mut light, "anna");
    light.run(1, named("G"));
    assert_eq!(
        noted(&light).as_deref(),
        Some("gauge study: run 2 of 2 of this unit by anna")
    );
    assert_eq!(shown(&light).left(), 6);
}

#[test]
fn a_gate_lets_through_what_the_fixture_is_measured_by_and_nothing_else() {
    let mut light = begun();
    light.input(Input::Studied(Some("it has not passed its study".to_owned())));
    light.wait(ms(3000));
    light.seats(1, named("U"), UnitHistory::default());
    assert_eq!(light.refusals.len(), 1);
    assert_eq!(
        (light.refusals[0].refusal, light.refusals[0].detail.as_str()),
        (Refusal::LineStopped, "it has not passed its study")
    );
    light.wait(ms(500));
    light.lift(1);
    light.run(1, named("G"));
    let marked = UnitHistory {
        mark: Mark::Golden,
        ..UnitHistory::default()
    };
    light.run_with(1, named("G2"), marked);
    assert_eq!(light.purposes, [Purpose::Study, Purpose::Golden]);
    light.input(Input::Studied(None));
    light.run(1, named("U"));
    assert_eq!(light.purposes.last(), Some(&Purpose::Production));
    assert_eq!(light.refusals.len(), 1);
}

#[test]
fn bad_units_of_a_study_that_fail_one_after_the_other_stop_no_line() {
    let mut light = line(2);
    light.wait(ms(3000));
    let units = ["B1", "B2", "B3", "B4"];
    let marks = units.map(|unit| (unit, Mark::KnownBad));
    assert_eq!(asks(&mut light, Role::Qa, wish(&units), &marks), ActAnswer::Done);
    operator(&mut light, "anna");
    for unit in units {
        for number in [1, 2] {
            let code = light.run(number, stuck(unit, "joining-wifi"));
            assert_eq!(code, VerdictCode::StuckJoining);
        }
    }
    assert!(light.stops.is_empty(), "{:?}", light.stops);
    assert_eq!(shown(&light).left(), 8);
}
