//! How long what a lane does may still take, as it is shown.

use core::time::Duration;

use fixture_link::snapshot::{LaneState, Stage};

use crate::bench::{BLESSED, ms, recipe};
use crate::light::{Light, Unit, good_unit};

/// How often is looked.
const STEP: Duration = Duration::from_millis(200);

/// What is shown of a lane with a unit at every look until its verdict: what it does, and how long that may still take.
fn shown(unit: Unit) -> Vec<(&'static str, Option<u64>)> {
    let mut light = Light::new(1, recipe(BLESSED));
    light.wait(ms(3000));
    light.seat(1, unit);
    let mut shown = Vec::new();
    for _ in 0..2000 {
        light.wait(STEP);
        let lane = light.line.view(light.now).lanes.remove(0);
        let doing = match lane.state {
            // Until the packet's arrival is seen, what follows is not timed yet.
            LaneState::Watching {
                stage: Stage::Seated | Stage::Ready | Stage::Receiving,
                ..
            } => "answer",
            state => state.as_str(),
        };
        shown.push((doing, lane.left_ms));
        if doing == "verdict" {
            return shown;
        }
    }
    panic!("no verdict: {:?}", shown.last());
}

/// A unit that never gets past joining: every phase is used up to its end.
fn stuck() -> Unit {
    Unit {
        after: vec![
            ("blinkup-successful", 3000),
            ("normal-operation", 300),
            ("joining-wifi", 0),
        ],
        event: None,
        ..good_unit()
    }
}

#[test]
fn what_a_lane_does_ends_within_the_time_that_is_shown() {
    for unit in [good_unit(), stuck()] {
        let shown = shown(unit);
        for (place, (doing, left)) in shown.iter().enumerate() {
            let Some(left) = left else { continue };
            let lasts = shown[place..].iter().take_while(|(other, _)| other == doing).count();
            let lasts = u64::try_from(STEP.as_millis()).unwrap() * u64::try_from(lasts - 1).unwrap();
            // A frame's report follows its last symbol, and the next look comes a little later.
            assert!(
                lasts <= left + 600,
                "{doing} at look {place}: {left} ms were left, it took {lasts}"
            );
        }
        let phases = ["waiting", "sending", "answer", "watching"];
        for phase in phases {
            let timed = shown.iter().filter(|(doing, _)| *doing == phase);
            let lacking = timed.clone().filter(|(_, left)| left.is_none()).count();
            // The first look may fall before the run's first record is stored.
            assert!(lacking <= 1, "{phase}: {lacking} looks without a time");
        }
        assert_eq!(shown.last(), Some(&("verdict", None)));
    }
}

#[test]
fn what_is_left_of_a_frame_is_what_is_not_sent_yet() {
    let shown = shown(stuck());
    let sending: Vec<u64> = shown
        .iter()
        .filter(|(doing, _)| *doing == "sending")
        .filter_map(|(_, left)| *left)
        .collect();
    assert!(sending.windows(2).all(|pair| pair[1] <= pair[0]), "{sending:?}");
    let took = STEP.as_millis() * u128::try_from(sending.len()).unwrap();
    let first = u128::from(sending[0]);
    assert!(first.abs_diff(took) <= 1500, "{first} ms at first, {took} ms in all");
    assert!(sending.last().is_some_and(|last| *last <= 400), "{sending:?}");
}

#[test]
fn a_stuck_units_time_runs_down_to_its_verdict() {
    let shown = shown(stuck());
    let watching: Vec<u64> = shown
        .iter()
        .filter(|(doing, _)| *doing == "watching")
        .filter_map(|(_, left)| *left)
        .collect();
    assert!(watching[0] <= 60_000 && watching[0] > 50_000, "{watching:?}");
    assert!(
        watching.windows(2).all(|pair| pair[1] <= pair[0]),
        "one connection, one deadline"
    );
}
