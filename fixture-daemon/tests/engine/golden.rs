//! Units by which the fixture is measured: what their runs are, what they say of their lane, and the check that wants them.

use fixture_daemon::engine::effect::Signal;
use fixture_daemon::engine::input::{ActFacts, CheckDue, Input};
use fixture_ledger::record::{Known, Purpose, UnitHistory};
use fixture_link::act::{Act, ActAnswer, Mark};
use fixture_link::identity::WallTime;
use fixture_link::role::Role;
use fixture_link::snapshot::{CheckView, Done, LaneState};
use fixture_link::verdict::{Outcome, VerdictCode};

use crate::bench::{ms, serial};
use crate::light::{Light, lane};
use crate::whole::{line, named, stuck};

const SINCE: WallTime = WallTime {
    micros: 7,
    synchronised: true,
};

/// A unit that carries this mark, and has run before.
fn marked(mark: Mark) -> UnitHistory {
    UnitHistory {
        runs: 9,
        passed: true,
        codes: vec![VerdictCode::StuckIp; 9],
        known: Known::Yes,
        mark,
        ..UnitHistory::default()
    }
}

fn due(light: &mut Light, overdue_in: u64) {
    let overdue = light.now + ms(overdue_in);
    light.input(Input::CheckDue(CheckDue {
        lane: None,
        since: SINCE,
        overdue,
        done: Vec::new(),
    }));
}

fn shown(light: &Light, number: u8) -> Option<CheckView> {
    light.line.view(light.now).lanes[usize::from(number) - 1]
        .golden_check
        .clone()
}

fn start(number: u8) -> Act {
    Act::Start {
        lane: Some(lane(number)),
        serial: None,
    }
}

#[test]
fn a_marked_unit_runs_as_often_as_it_takes_and_says_so_in_its_record() {
    let mut light = line(1);
    let code = light.run_with(1, named("G"), marked(Mark::Golden));
    assert_eq!(code, VerdictCode::Ok);
    let code = light.run_with(1, stuck("B", "joining-wifi"), marked(Mark::KnownBad));
    assert_eq!(code, VerdictCode::StuckJoining);
    light.run(1, named("U"));
    assert!(light.refusals.is_empty());
    assert_eq!(
        light.purposes,
        [Purpose::Golden, Purpose::KnownBad, Purpose::Production]
    );
}

#[test]
fn what_a_unit_is_marked_as_is_shown_from_its_seating_until_the_next_one() {
    let mut light = line(1);
    light.wait(ms(3000));
    let shown = |light: &Light| {
        let lane = light.line.view(light.now).lanes.remove(0);
        (lane.purpose, lane.last.map(|last| last.purpose))
    };
    assert_eq!(shown(&light), (Purpose::Production, None));
    light.seats(1, named("G"), marked(Mark::Golden));
    light.wait(ms(2000));
    assert_eq!(shown(&light), (Purpose::Golden, None), "it runs");
    light.wait(ms(60_000));
    assert!(
        matches!(light.state(1), LaneState::Verdict { .. }),
        "{:?}",
        light.state(1)
    );
    assert_eq!(shown(&light), (Purpose::Golden, None));
    assert_eq!(light.signals.last(), Some(&Signal::Pass), "it is as it must be");
    light.lift(1);
    assert_eq!(shown(&light), (Purpose::Production, Some(Purpose::Golden)));
    light.wait(ms(3000));
    light.seats(1, named("U"), UnitHistory::default());
    light.wait(ms(2000));
    assert_eq!(shown(&light), (Purpose::Production, None));
}

#[test]
fn known_bad_units_that_fail_again_and_again_stop_no_line() {
    let mut light = line(2);
    for unit in ["B1", "B2", "B3", "B4"] {
        for number in [1, 2] {
            let code = light.run_with(number, stuck(unit, "joining-wifi"), marked(Mark::KnownBad));
            assert_eq!(code, VerdictCode::StuckJoining);
        }
    }
    assert!(light.stops.is_empty(), "{:?}", light.stops);
}

#[test]
fn a_lane_passes_units_only_once_its_golden_check_is_done() {
    let mut light = line(2);
    light.wait(ms(3000));
    due(&mut light, 60_000);
    let view = CheckView {
        since: SINCE,
        golden: Done::No,
        known_bad: Some(Done::No),
        overdue: false,
    };
    assert_eq!(shown(&light, 1), Some(view.clone()));
    let code = light.run(1, named("U1"));
    assert_eq!(code, VerdictCode::Ok, "there is time yet");

    light.wait(ms(60_000));
    assert!(shown(&light, 1).unwrap().overdue);
    for unit in ["U2", "U3", "U4", "U5"] {
        let code = light.run(1, named(unit));
        assert_eq!(
            (code, code.outcome()),
            (VerdictCode::GoldenCheckOverdue, Outcome::Error)
        );
    }
    let detail = &light.ends.last().unwrap().1.detail;
    assert!(detail.contains("golden unit has not passed"), "{detail}");
    assert!(light.stops.is_empty(), "a stop would be in the way of the check");

    light.run_with(1, named("G"), marked(Mark::Golden));
    assert_eq!(
        shown(&light, 1),
        Some(CheckView {
            golden: Done::Yes,
            overdue: true,
            ..view
        })
    );
    let code = light.run(1, named("U6"));
    assert_eq!(code, VerdictCode::GoldenCheckOverdue);
    let detail = &light.ends.last().unwrap().1.detail;
    assert!(detail.contains("known-bad unit has not failed"), "{detail}");
    light.run_with(1, stuck("B", "joining-wifi"), marked(Mark::KnownBad));
    assert_eq!(light.checked, [lane(1)]);
    assert_eq!(shown(&light, 1), None);
    let code = light.run(1, named("U7"));
    assert_eq!(code, VerdictCode::Ok);
    let code = light.run(2, named("U8"));
    assert_eq!(code, VerdictCode::GoldenCheckOverdue, "the other lane has its own");
}

#[test]
fn a_marked_unit_that_does_not_end_as_it_must_stops_its_lane() {
    let cases = [
        (named("B"), Mark::KnownBad, "the known-bad unit B passed"),
        (stuck("G", "joining-wifi"), Mark::Golden, "the golden unit G ended in"),
    ];
    for (unit, mark, words) in cases {
        let mut light = line(1);
        light.run_with(1, unit, marked(mark));
        assert!(
            !light.signals.contains(&Signal::Pass) && !light.signals.contains(&Signal::Fail),
            "{:?}: neither box is this unit's",
            light.signals
        );
        let LaneState::Stopped { cause } = light.state(1) else {
            panic!("{:?}", light.state(1));
        };
        assert!(cause.starts_with(words), "{cause}");
        assert!(light.stops.is_empty(), "only its lane");
        assert_eq!(light.act(start(1)), ActAnswer::Done);
        assert_eq!(light.run(1, named("U")), VerdictCode::Ok);
    }
}

#[test]
fn a_unit_that_is_marked_during_its_run_is_run_as_what_it_was() {
    let mut light = line(1);
    light.wait(ms(3000));
    light.seats(1, named("A"), UnitHistory::default());
    light.wait(ms(5000));
    let mark = Act::Mark {
        serial: serial("A"),
        mark: Mark::KnownBad,
        reason: "it smells".to_owned(),
    };
    assert_eq!(light.act_on(mark, Some(UnitHistory::default())), ActAnswer::Done);
    let change = light.audited.last().unwrap().change.clone().unwrap();
    assert_eq!(
        (change.before.as_str(), change.after.as_str()),
        ("ordinary", "known-bad")
    );
    light.wait(ms(60_000));
    assert_eq!(light.ends[0].1.code, VerdictCode::Ok);
    assert!(matches!(light.state(1), LaneState::Verdict { .. }));
    light.lift(1);
    assert!(
        !matches!(light.state(1), LaneState::Stopped { .. }),
        "it was not known bad then"
    );
    assert_eq!(light.purposes, [Purpose::Production]);
}

#[test]
fn a_person_begins_a_check_at_once() {
    let mut light = line(2);
    light.wait(ms(3000));
    let facts = ActFacts {
        at: Some(SINCE),
        ..ActFacts::default()
    };
    let begin = Act::GoldenCheck { lane: Some(lane(2)) };
    assert_eq!(light.act_as(Role::Operator, begin, facts), ActAnswer::Done);
    assert_eq!(shown(&light, 1), None);
    assert!(shown(&light, 2).unwrap().overdue);
    let nowhere = Act::GoldenCheck { lane: Some(lane(8)) };
    assert!(matches!(light.act(nowhere), ActAnswer::Refused { .. }));
}
