//! Whole runs with real light, through gate, reader and nest; and what the line makes of several.

use fixture_daemon::engine::input::{Input, LaneInput, NetworkSeen, Part};
use fixture_daemon::engine::lamp_trend::LampTrend;
use fixture_daemon::engine::lane::Validity;
use fixture_daemon::engine::led::{LedLimits, Strength};
use fixture_daemon::engine::recipe::Recipe;
use fixture_daemon::engine::sensor::Measures;
use fixture_ledger::record::{AnnotationKind, AttemptResult, EvidenceKind, Quantity, Scale, Side, UnitHistory};
use fixture_link::act::{Act, ActAnswer};
use fixture_link::bless::BlessEvent;
use fixture_link::identity::WallTime;
use fixture_link::snapshot::{LaneState, Stage};
use fixture_link::verdict::{Outcome, Refusal, VerdictCode};

use crate::bench::{BLESSED, ms, recipe, run_id, serial};
use crate::light::{Broken, Light, Unit, good_unit, lane};

pub fn line(lanes: u8) -> Light {
    Light::new(lanes, recipe(BLESSED))
}

pub fn stuck(serial: &'static str, code: &'static str) -> Unit {
    Unit {
        serial: Some(serial),
        after: vec![("blinkup-successful", 3000), ("normal-operation", 300), (code, 0)],
        event: None,
        ..good_unit()
    }
}

pub fn named(serial: &'static str) -> Unit {
    Unit {
        serial: Some(serial),
        ..good_unit()
    }
}

#[test]
fn a_good_unit_passes_and_its_record_holds_everything() {
    let mut light = line(1);
    assert_eq!(light.run(1, good_unit()), VerdictCode::Ok);
    let (_, end) = &light.ends[0];
    assert_eq!(end.stage, Stage::Blessed);
    assert_eq!(end.attempts.len(), 1);
    assert_eq!(end.attempts[0].result, AttemptResult::Received);
    let loop_back = end.attempts[0].loop_back.expect("loop-back saw the lamp");
    assert!((loop_back.bright - 6000.0).abs() < 300.0, "{loop_back:?}");
    assert!((loop_back.mid_share - 0.5).abs() < 0.05, "{loop_back:?}");
    assert!(
        end.evidence
            .iter()
            .any(|fact| fact.kind == EvidenceKind::Nest && fact.detail.contains("test flash seen"))
    );
    let trace = blinkup::trace::compact::decode(&end.trace).expect("a trace");
    assert!(trace.rows.len() > 1000);
    assert_eq!(end.samples_lost, 0);
    let names: Vec<&str> = end
        .readings
        .iter()
        .filter_map(|reading| reading.codes.first())
        .map(String::as_str)
        .collect();
    for name in ["no-network-settings", "searching-for-wifi", "joining-wifi", "connected"] {
        assert!(names.contains(&name), "{names:?}");
    }
}

#[test]
fn a_unit_that_does_not_see_the_lamp_is_known_within_seconds() {
    let mut light = line(1);
    let code = light.run(
        1,
        Unit {
            sees: false,
            ..good_unit()
        },
    );
    assert_eq!(code, VerdictCode::NotReceiving);
    assert_eq!(light.attempts.len(), 3);
    for attempt in &light.attempts {
        assert_eq!(attempt.result, AttemptResult::NotReceiving);
        assert!(attempt.took < ms(4500), "{:?} at {}/s", attempt.took, attempt.rate);
    }
}

#[test]
fn a_damaged_packet_is_repeated_and_then_passes() {
    let mut light = line(1);
    let code = light.run(
        1,
        Unit {
            damaged: 1,
            ..good_unit()
        },
    );
    let results: Vec<_> = light.attempts.iter().map(|attempt| attempt.result).collect();
    assert_eq!(results, [AttemptResult::Damaged, AttemptResult::Received]);
    assert_eq!(code, VerdictCode::Ok);
}

#[test]
fn a_lane_whose_parts_are_broken_blames_no_unit() {
    for (broken, code) in [
        (Broken::Lamp(0.0), VerdictCode::LampNotSeen),
        (Broken::Lamp(0.35), VerdictCode::LampWeak),
        (Broken::SensorStuck, VerdictCode::SensorFault),
        (Broken::SensorFull, VerdictCode::SensorSaturated),
        (Broken::SensorSilent, VerdictCode::SensorFault),
        (Broken::Ambient(8.0), VerdictCode::AmbientTooBright),
    ] {
        let mut light = line(1);
        light.breaks(1, broken);
        let found = light.run(1, good_unit());
        assert_eq!(found, code, "{broken:?}: {}", light.ends[0].1.detail);
        assert_eq!(found.outcome(), Outcome::Error);
    }
}

#[test]
fn parts_that_break_during_a_run_blame_no_unit() {
    for (broken, codes) in [
        (
            Broken::SensorSilent,
            [VerdictCode::SensorFault, VerdictCode::SensorFault],
        ),
        (
            Broken::SensorStuck,
            [VerdictCode::SensorFault, VerdictCode::SensorFault],
        ),
        (
            Broken::SensorFull,
            [VerdictCode::SensorSaturated, VerdictCode::SensorSaturated],
        ),
        (Broken::Lamp(0.0), [VerdictCode::LampNotSeen, VerdictCode::LampNotSeen]),
        (Broken::Lamp(0.35), [VerdictCode::LampWeak, VerdictCode::LampWeak]),
    ] {
        let mut light = line(1);
        light.wait(ms(3000));
        light.seat(1, good_unit());
        light.wait(ms(900));
        light.breaks(1, broken);
        light.wait(ms(60_000));
        assert_eq!(light.ends.len(), 1, "{broken:?}");
        assert!(
            codes.contains(&light.ends[0].1.code),
            "{broken:?}: {}",
            light.ends[0].1.code
        );
    }
}

#[test]
fn a_lamp_that_is_always_late_stops_after_its_attempts() {
    let mut light = line(1);
    light.late = true;
    assert_eq!(light.run(1, good_unit()), VerdictCode::LampLate);
    assert_eq!(light.attempts.len(), 3);
}

#[test]
fn a_dead_unit_and_a_good_nest_make_no_light() {
    let mut light = line(1);
    let dead = Unit {
        before: vec![("normal-operation", 0)],
        sees: false,
        ..good_unit()
    };
    assert_eq!(light.run(1, dead), VerdictCode::NoLight);
}

// --- the lamp's levels and edges --------------------------------------------------------------------------------------

#[test]
fn a_good_lamps_levels_and_edges_stand_beside_what_was_meant() {
    let mut light = line(1);
    light.run(1, good_unit());
    let facts = &light.ends[0].1.evidence;
    let words = facts.iter().filter(|fact| fact.kind == EvidenceKind::LoopBack);
    let words: Vec<&str> = words.map(|fact| fact.detail.as_str()).collect();
    assert!(
        words
            .contains(&"mid light is 50 % of bright, 50 % expected; the light follows its edges by 0 ms, 9 ms allowed"),
        "{words:?}"
    );
}

#[test]
fn a_lamp_whose_mid_light_is_wrong_is_the_fixtures_fault_with_both_shares() {
    for (broken, said) in [
        (Broken::OneLevel, "mid light is 100 % of bright, 50 % expected"),
        (Broken::NoMid, "mid light is 0 % of bright, 50 % expected"),
    ] {
        let mut light = line(1);
        light.breaks(1, broken);
        assert_eq!(light.run(1, good_unit()), VerdictCode::LampWeak, "{broken:?}");
        let end = &light.ends[0].1;
        let share = end.detail.trim_start_matches("mid light is -");
        assert!(share == said || end.detail == said, "{}", end.detail);
        assert!(end.attempts[0].took < ms(6000), "{:?}", end.attempts[0].took);
    }
}

#[test]
fn a_lamp_that_breaks_after_it_was_seen_well_ends_the_attempt() {
    let mut light = line(1);
    light.wait(ms(3000));
    light.seat(1, good_unit());
    light.wait(ms(8000));
    assert!(
        matches!(light.state(1), LaneState::Sending { .. }),
        "{:?}",
        light.state(1)
    );
    light.breaks(1, Broken::OneLevel);
    light.wait(ms(30_000));
    assert_eq!(light.ends[0].1.code, VerdictCode::LampWeak);
}

#[test]
fn light_that_follows_its_edges_late_is_the_fixtures_fault() {
    let mut light = line(1);
    light.breaks(1, Broken::Lags(13));
    assert_eq!(light.run(1, good_unit()), VerdictCode::LampLate);
    let said = &light.ends[0].1.detail;
    let told = |lag: u32| *said == format!("the light follows its edges by {lag} ms, 9 ms allowed");
    // To a step of one millisecond.
    assert!((12..=14).any(told), "{said}");
    // A lag that a sample cannot tell apart is none.
    let mut light = line(1);
    light.breaks(1, Broken::Lags(2));
    assert_eq!(light.run(1, good_unit()), VerdictCode::Ok);
}

#[test]
fn a_recipe_with_another_mid_share_is_compared_with_that_one() {
    let mut recipe = recipe(BLESSED);
    for rung in &mut recipe.ladder {
        rung.mid_share = 0.3;
    }
    let mut light = Light::new(1, recipe);
    assert_eq!(light.run(1, good_unit()), VerdictCode::Ok);
    let loop_back = light.attempts[0].loop_back.expect("seen");
    assert!((loop_back.mid_share - 0.3).abs() < 0.03, "{loop_back:?}");
    assert_eq!(light.attempts[0].mid_permille, Some(300), "what was meant");
}

#[test]
fn a_lamp_that_gives_a_share_of_its_light_is_held_to_that_share() {
    let mut light = Light::dimmed(1, recipe(BLESSED), 0.3);
    assert_eq!(light.run(1, good_unit()), VerdictCode::Ok, "{}", light.ends[0].1.detail);
    let attempt = &light.attempts[0];
    assert_eq!(attempt.level_permille, 300, "the light that it gave");
    assert_eq!(attempt.mid_permille, Some(500), "of the light that it gave");
    let loop_back = attempt.loop_back.expect("seen");
    assert!((loop_back.bright - 1800.0).abs() < 90.0, "{loop_back:?}");
    // The trend sees a lamp as bright as it was calibrated.
    let (lane, limits) = light.line.loop_back_limits().next().unwrap();
    let mut trend = LampTrend::new(lane, limits, &[]);
    for number in 0..20 {
        let at = WallTime {
            micros: number * 1_000_000,
            synchronised: true,
        };
        trend.attempt(at, attempt);
    }
    assert_eq!(trend.notice(), None);

    let mut weak = Light::dimmed(1, recipe(BLESSED), 0.3);
    weak.breaks(1, Broken::Lamp(0.35));
    assert_eq!(weak.run(1, good_unit()), VerdictCode::LampWeak);
}

// --- the LED's limits -------------------------------------------------------------------------------------------------

fn with_led_limits() -> Light {
    let limits = LedLimits {
        strength: Some(Strength::OfReference(0.5..=2.0)),
        green_share: Some(0.4..=0.6),
    };
    Light::new(
        1,
        Recipe {
            led: Some(limits),
            ..recipe(BLESSED)
        },
    )
}

/// What a run's evidence says of its unit's LED.
fn led_of(light: &Light) -> &str {
    let facts = &light.ends.last().expect("a run").1.evidence;
    let led = facts.iter().rev().find(|fact| fact.detail.starts_with("LED"));
    led.map_or("", |fact| fact.detail.as_str())
}

#[test]
fn a_unit_whose_led_is_within_limits_passes_with_its_figures() {
    let mut light = with_led_limits();
    assert_eq!(light.run(1, good_unit()), VerdictCode::Ok);
    let words = led_of(&light);
    assert!(
        words.contains("of the reference unit's (0.50 to 2.00 allowed)"),
        "{words}"
    );
    let strength = words.split("strength ").nth(1).unwrap().split(' ').next().unwrap();
    let strength: f32 = strength.parse().unwrap();
    assert!((strength - 1.0).abs() < 0.03, "{words}");
    let figures = &light.ends[0].1.measurements;
    assert_eq!(
        figures
            .iter()
            .map(|figure| (figure.what, figure.scale))
            .collect::<Vec<_>>(),
        [
            (Quantity::RedDie, Scale::Counts),
            (Quantity::GreenDie, Scale::Counts),
            (Quantity::LedStrength, Scale::OfReference),
            (Quantity::GreenShare, Scale::Share),
            (Quantity::Ambient, Scale::Counts),
            (Quantity::AmbientNoise, Scale::Counts),
        ]
    );
    assert!((figures[2].value - strength).abs() < 0.006, "{figures:?}");
    let limits = figures[2].limits.as_ref().expect("limits");
    assert_eq!((limits.allowed.clone(), limits.side), (0.5..=2.0, Side::Inside));
}

#[test]
fn a_unit_that_passes_all_but_its_led_fails_for_it() {
    for (dice, what) in [
        ([0.3, 0.3], "strength 0.3"),
        ([2.6, 2.6], "strength 2.6"),
        ([1.0, 0.5], "green share 0.33"),
    ] {
        let mut light = with_led_limits();
        let unit = Unit { dice, ..good_unit() };
        assert_eq!(
            light.run(1, unit),
            VerdictCode::LedOutOfLimits,
            "{dice:?}: {}",
            led_of(&light)
        );
        let (_, end) = &light.ends[0];
        assert!(end.detail.starts_with(what), "{}", end.detail);
        let outside: Vec<Quantity> = end
            .measurements
            .iter()
            .filter(|figure| {
                figure
                    .limits
                    .as_ref()
                    .is_some_and(|limits| limits.side == Side::Outside)
            })
            .map(|figure| figure.what)
            .collect();
        let named = if what.starts_with("strength") {
            Quantity::LedStrength
        } else {
            Quantity::GreenShare
        };
        assert_eq!(outside, [named], "{:?}", end.measurements);
        assert_eq!(end.code.outcome(), Outcome::Fail);
        assert_eq!(end.stage, Stage::Blessed);
    }
}

#[test]
fn a_unit_that_fails_otherwise_keeps_its_code_whatever_its_led_is_like() {
    let mut light = with_led_limits();
    let unit = Unit {
        dice: [0.3, 0.3],
        ..stuck("A", "joining-wifi")
    };
    assert_eq!(light.run(1, unit), VerdictCode::StuckJoining);
    assert!(led_of(&light).contains("strength 0.3"), "{}", led_of(&light));
}

// --- start button and PLC ---------------------------------------------------------------------------------------------

/// Mean clear counts of the empty nest, by the run's evidence.
fn ambient_of(light: &Light) -> f32 {
    let facts = &light.ends.last().expect("a run").1.evidence;
    let nest = facts
        .iter()
        .find(|fact| fact.kind == EvidenceKind::Nest)
        .expect("a nest");
    let words = nest.detail.strip_prefix("ambient light ").expect("measured");
    words.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn the_light_of_a_unit_that_waits_for_its_start_is_no_light_of_the_empty_nest() {
    let mut light = line(1);
    light.wait(ms(3000));
    // Flashes amber all the time, and is started half a minute later.
    let seating = light.places(1, good_unit());
    assert_eq!(light.state(1), LaneState::ToStart);
    light.wait(ms(30_000));
    light.starts(1, seating);
    assert_eq!(light.state(1), LaneState::Waiting);
    light.wait(ms(60_000));
    assert_eq!(light.ends[0].1.code, VerdictCode::Ok, "{}", light.ends[0].1.detail);
    // The bench's nest has 800 counts, and the LED adds 2200 in half of the time.
    let ambient = ambient_of(&light);
    assert!((ambient - 800.0).abs() < 10.0, "{ambient}");
}

#[test]
fn a_unit_listens_from_when_it_was_put_in_and_not_from_its_start() {
    let mut light = line(1);
    light.wait(ms(3000));
    let deaf = Unit {
        sees: false,
        ..good_unit()
    };
    let seating = light.places(1, deaf);
    light.wait(ms(40_000));
    light.starts(1, seating);
    light.wait(ms(60_000));
    // 20 s are left: two attempts that are given up early, and none after the window.
    let (_, end) = &light.ends[0];
    assert_eq!(end.code, VerdictCode::NotReceiving);
    assert!(end.detail.contains("seat it again"), "{}", end.detail);
    assert!(light.attempts.len() < 3, "{} attempts", light.attempts.len());
}

#[test]
fn a_start_that_comes_too_late_is_refused_and_fails_no_unit() {
    let mut light = line(1);
    light.wait(ms(3000));
    let seating = light.places(1, good_unit());
    light.wait(ms(55_000));
    light.starts(1, seating);
    assert_eq!(light.refusals[0].refusal, Refusal::TooLate);
    assert_eq!(
        light.refusals[0].detail,
        "in the nest for 55 s before its start; it listens for 60 s"
    );
    light.wait(ms(60_000));
    assert!(light.ends.is_empty());
    // Seated again it listens again.
    light.lift(1);
    assert_eq!(light.run(1, good_unit()), VerdictCode::Ok);
}

#[test]
fn a_start_that_comes_too_late_restarts_the_unit_where_a_relay_can() {
    let mut light = Light::with_relays(1, recipe(BLESSED));
    light.wait(ms(3000));
    let unit = Unit {
        before: vec![("no-network-settings", 60_000), ("normal-operation", 0)],
        ..good_unit()
    };
    let seating = light.places(1, unit);
    light.wait(ms(120_000));
    light.starts(1, seating);
    light.wait(ms(60_000));
    assert_eq!(light.restarts, 1);
    assert_eq!(light.ends[0].1.code, VerdictCode::Ok, "{}", light.ends[0].1.detail);
}

#[test]
fn a_unit_that_is_put_in_while_the_last_record_is_stored_waits_for_its_own_start() {
    let mut light = line(1);
    light.wait(ms(3000));
    light.seat(1, named("SN-1"));
    light.wait(ms(2000));
    light.lift(1);
    // Within the two milliseconds that the ledger takes.
    let seating = light.places(1, named("SN-2"));
    light.wait(ms(100));
    assert_eq!(light.ends[0].1.code, VerdictCode::LiftedEarly);
    assert_eq!(light.state(1), LaneState::ToStart);
    assert_eq!(light.run_of(1), None, "the run that is over is another unit's");
    light.wait(ms(5000));
    light.starts(1, seating);
    light.wait(ms(60_000));
    assert_eq!(light.ends[1].1.code, VerdictCode::Ok);
    light.lift(1);
    assert_eq!(light.state(1), LaneState::Empty);
}

#[test]
fn a_unit_that_is_lifted_before_its_start_leaves_an_empty_nest() {
    let mut light = line(1);
    light.wait(ms(3000));
    light.places(1, good_unit());
    light.wait(ms(3000));
    light.lift(1);
    assert_eq!(light.state(1), LaneState::Empty);
    assert_eq!(light.run(1, good_unit()), VerdictCode::Ok);
}

// --- the second witness -----------------------------------------------------------------------------------------------

const DEVICES: [&str; 2] = ["c000d8b7a7b004bb", "c000d8b7a7b004cc"];

#[test]
fn a_bless_event_that_names_only_the_device_finds_its_unit() {
    let mut light = line(2);
    light.devices = Some(DEVICES);
    assert_eq!(light.run(1, named("SN-1")), VerdictCode::Ok);
    let end = &light.ends[0].1;
    assert_eq!(end.device_id.as_deref(), Some(DEVICES[0]));
    assert_eq!(end.agent_url.as_deref(), Some("https://agent.example/x"));
    assert_eq!(light.unknown, [""; 0]);
}

#[test]
fn a_bless_event_that_comes_before_the_cloud_tells_the_device_is_kept_for_it() {
    let mut light = line(1);
    light.devices = Some(DEVICES);
    // Long before the unit is seen online.
    let early = Unit {
        event: Some((500, true)),
        ..named("SN-1")
    };
    assert_eq!(light.run(1, early), VerdictCode::Ok);
    assert_eq!(light.unknown, [""; 0]);
}

#[test]
fn a_bless_event_of_a_device_that_never_comes_is_not_kept_for_good() {
    let mut light = line(1);
    light.devices = Some(DEVICES);
    let silent = Unit {
        event: None,
        ..named("SN-1")
    };
    light.seat(1, silent);
    light.wait(ms(3_000));
    light.input(Input::Bless(BlessEvent {
        event: "of-another".to_owned(),
        device_id: Some("c000000000000000".to_owned()),
        token_id: None,
        blessed: true,
    }));
    light.wait(ms(59_000));
    assert_eq!(light.unknown, [""; 0]);
    light.wait(ms(2_000));
    assert_eq!(light.unknown, ["of-another"]);
}

#[test]
fn a_token_that_fits_does_not_make_another_devices_event_a_units() {
    let mut light = line(1);
    light.devices = Some(DEVICES);
    let unblessed = Unit {
        event: None,
        ..named("SN-1")
    };
    light.seat(1, unblessed);
    // Online, and its device known, but not blessed yet.
    light.wait(ms(45_000));
    let run = light.run_of(1).expect("it runs");
    light.input(Input::Bless(BlessEvent {
        event: "of-another".to_owned(),
        device_id: Some(DEVICES[1].to_owned()),
        token_id: Some(format!("{run}-1")),
        blessed: true,
    }));
    light.wait(ms(60_000));
    assert_eq!(light.ends[0].1.code, VerdictCode::NoBlessEvent);
}

// --- what people and policies stop ------------------------------------------------------------------------------------

#[test]
fn a_persons_stop_and_a_policys_are_lifted_each_in_its_own_way() {
    let stop = || Act::Stop {
        lane: None,
        reason: "a hand in the jig".to_owned(),
    };
    let acknowledge = || Act::Acknowledge { note: String::new() };
    let start = || Act::Start {
        lane: None,
        serial: None,
    };
    for person_first in [true, false] {
        let mut light = line(2);
        if person_first {
            // The unit in lane 1 ends its own way while the line is stopped for new ones: a person's stop ends runs, so this one comes first.
            assert_eq!(light.act(stop()), ActAnswer::Done);
            assert!(matches!(light.act(acknowledge()), ActAnswer::Refused { .. }));
            assert_eq!(light.act(start()), ActAnswer::Done);
        }
        for serial in ["A", "B", "C"] {
            light.run(1, stuck(serial, "joining-wifi"));
        }
        light.lift(1);
        assert_eq!(light.act(stop()), ActAnswer::Done);
        assert_eq!(
            light.stops.last(),
            Some(&None),
            "the person's stop is stored beside the policy's"
        );
        assert!(
            matches!(light.act(start()), ActAnswer::Refused { .. }),
            "acknowledge first"
        );
        assert_eq!(light.act(acknowledge()), ActAnswer::Done);
        // The policy's stop is lifted; the hand is still in the jig.
        light.seat(2, named("D"));
        assert_eq!(
            light.refusals.last().map(|refused| refused.refusal),
            Some(Refusal::LineStopped)
        );
        light.lift(2);
        assert_eq!(light.act(start()), ActAnswer::Done);
        assert_eq!(light.run(2, named("E")), VerdictCode::Ok);
    }
}

// --- what several runs say --------------------------------------------------------------------------------------------

#[test]
fn three_units_in_a_row_stuck_alike_are_the_networks_fault() {
    let mut light = line(1);
    assert_eq!(light.run(1, stuck("A", "joining-wifi")), VerdictCode::StuckJoining);
    assert_eq!(light.run(1, stuck("B", "joining-wifi")), VerdictCode::StuckJoining);
    assert_eq!(light.run(1, stuck("C", "joining-wifi")), VerdictCode::NetworkDown);
    assert_eq!(light.stops, [Some(VerdictCode::NetworkDown)]);
    assert_eq!(light.annotations.len(), 2);
    assert!(
        light
            .annotations
            .iter()
            .all(|note| note.kind == AnnotationKind::SuspectedNetwork)
    );
    assert_eq!(light.annotations[0].run, light.ends[0].1.run);
    light.wait(ms(12_000));
    assert_eq!(light.state(1), LaneState::LineStopped);
    light.seat(1, named("D"));
    assert_eq!(light.refusals[0].refusal, Refusal::LineStopped);
    light.lift(1);
    assert!(matches!(
        light.act(Act::Start {
            lane: None,
            serial: None
        }),
        ActAnswer::Refused { .. }
    ));
    assert_eq!(
        light.act(Act::Acknowledge {
            note: "password".to_owned()
        }),
        ActAnswer::Done
    );
    assert_eq!(light.run(1, named("D")), VerdictCode::Ok);
}

#[test]
fn a_stopped_line_blames_no_lane_and_a_stopped_lane_says_its_own_cause_all_the_same() {
    let mut light = line(2);
    light.wait(ms(3000));
    part(&mut light, 1, Part::Nest, Some("bounces"));
    light.act(Act::Stop {
        lane: None,
        reason: "hand in the jig".to_owned(),
    });
    assert!(matches!(light.state(1), LaneState::Stopped { cause } if cause == "nest-fault: bounces"));
    assert_eq!(light.state(2), LaneState::LineStopped);
}

#[test]
fn a_strip_of_light_ends_with_its_run_and_with_its_unit() {
    let mut light = line(1);
    light.wait(ms(3000));
    light.seat(1, named("A"));
    light.wait(ms(4000));
    assert!(
        light.strip(1).last().is_some_and(|piece| piece.colour.is_some()),
        "{:?}",
        light.strip(1)
    );
    light.lift(1);
    light.wait(ms(2500));
    let last = *light.strip(1).last().unwrap();
    assert_eq!((last.colour, last.ms), (None, 2500), "nothing lies in the nest");

    light.wait(ms(20_000));
    light.seat(1, named("B"));
    light.wait(ms(70_000));
    assert!(matches!(light.state(1), LaneState::Verdict { .. }));
    let strip = light.strip(1);
    assert_eq!(
        strip.last().and_then(|piece| piece.colour),
        None,
        "its LED is no longer read: {strip:?}"
    );
    assert_eq!(strip.len(), 1, "its verdict is older than the strip is long: {strip:?}");
}

fn part(light: &mut Light, number: u8, part: Part, fault: Option<&str>) {
    let fault = fault.map(str::to_owned);
    light.input(Input::Lane(lane(number), LaneInput::Part { part, fault }));
}

#[test]
fn a_nest_whose_switch_cannot_be_believed_ends_its_run_as_the_fixtures_fault_and_the_other_lane_goes_on() {
    let mut light = line(2);
    light.wait(ms(3000));
    light.seat(1, named("A"));
    light.seat(2, named("B"));
    light.wait(ms(4000));
    part(&mut light, 1, Part::Nest, Some("bounces"));
    light.wait(ms(70_000));
    let codes: Vec<_> = light.ends.iter().map(|(lane, end)| (lane.number(), end.code)).collect();
    assert_eq!(codes, [(1, VerdictCode::NestFault), (2, VerdictCode::Ok)]);
    light.lift(1);
    light.wait(ms(1000));
    assert!(matches!(light.state(1), LaneState::Stopped { cause } if cause == "nest-fault: bounces"));
    // A person cannot talk a switch well.
    light.act(Act::Start {
        lane: Some(lane(1)),
        serial: None,
    });
    assert!(matches!(light.state(1), LaneState::Stopped { .. }));
    part(&mut light, 1, Part::Nest, None);
    assert!(matches!(light.state(1), LaneState::Empty));
    assert_eq!(light.run(1, named("C")), VerdictCode::Ok);
}

#[test]
fn a_label_that_failed_stops_the_lane_and_leaves_the_verdict() {
    let mut light = line(1);
    light.wait(ms(3000));
    light.seat(1, named("A"));
    light.wait(ms(70_000));
    part(&mut light, 1, Part::Label, Some("paper out"));
    assert!(matches!(
        light.state(1),
        LaneState::Verdict {
            code: VerdictCode::Ok,
            ..
        }
    ));
    light.lift(1);
    light.wait(ms(5000));
    assert!(matches!(light.state(1), LaneState::Stopped { cause } if cause == "label-failed: paper out"));
    light.seat(1, named("B"));
    assert_eq!(light.refusals[0].refusal, Refusal::LaneStopped);
    light.lift(1);
    light.wait(ms(3000));
    // Printed after all, or seen to by a person: either puts the lane back.
    part(&mut light, 1, Part::Label, None);
    assert!(matches!(light.state(1), LaneState::Empty));
    part(&mut light, 1, Part::Label, Some("paper out"));
    let answer = light.act(Act::Start {
        lane: Some(lane(1)),
        serial: None,
    });
    assert_eq!(answer, ActAnswer::Done);
    assert!(matches!(light.state(1), LaneState::Empty));
}

/// The fixture has looked at the network.
fn looked(light: &mut Light, fault: Option<&str>) {
    light.input(Input::Network(NetworkSeen {
        fault: fault.map(str::to_owned),
        measured: "address 10.0.0.7".to_owned(),
    }));
}

#[test]
fn a_unit_that_is_stuck_while_the_fixture_sees_the_network_down_is_not_blamed() {
    let mut light = line(1);
    looked(&mut light, Some("no DHCP server gave an address"));
    assert_eq!(light.run(1, stuck("A", "getting-ip-address")), VerdictCode::NetworkDown);
    let detail = light.ends[0].1.detail.clone();
    assert!(
        detail.starts_with("no DHCP server gave an address; this unit: stuck-ip"),
        "{detail}"
    );
    // It is measured, not suspected: one unit is enough to know, and nothing is said about earlier ones.
    assert!(light.stops.is_empty() && light.annotations.is_empty());
}

#[test]
fn a_network_that_was_seen_good_stands_in_the_record_and_the_unit_keeps_its_code() {
    let mut light = line(1);
    looked(&mut light, Some("no DHCP server gave an address"));
    looked(&mut light, None);
    assert_eq!(light.run(1, stuck("A", "getting-ip-address")), VerdictCode::StuckIp);
    let detail = light.ends[0].1.detail.clone();
    assert!(detail.ends_with("found the network good: address 10.0.0.7"), "{detail}");
}

#[test]
fn an_old_look_and_a_fault_that_is_not_the_networks_change_nothing() {
    let mut light = line(1);
    looked(&mut light, Some("no DHCP server gave an address"));
    light.wait(ms(150_000));
    assert_eq!(light.run(1, stuck("A", "getting-ip-address")), VerdictCode::StuckIp);
    looked(&mut light, Some("no DHCP server gave an address"));
    let dead = Unit {
        before: vec![("normal-operation", 0)],
        sees: false,
        ..named("B")
    };
    assert_eq!(light.run(1, dead), VerdictCode::NoLight);
}

#[test]
fn a_pass_in_between_starts_the_count_again() {
    let mut light = line(1);
    light.run(1, stuck("A", "joining-wifi"));
    light.run(1, stuck("B", "joining-wifi"));
    light.run(1, named("G"));
    assert_eq!(light.run(1, stuck("C", "joining-wifi")), VerdictCode::StuckJoining);
    assert!(light.stops.is_empty());
}

#[test]
fn one_bad_unit_tried_again_and_again_stops_nothing() {
    let mut light = line(1);
    for _ in 0..4 {
        assert_eq!(light.run(1, stuck("A", "joining-wifi")), VerdictCode::StuckJoining);
    }
    assert!(light.stops.is_empty());
}

#[test]
fn two_lanes_stuck_within_a_minute_are_the_networks_fault() {
    let mut light = line(2);
    light.wait(ms(3000));
    light.seat(1, stuck("A", "getting-ip-address"));
    light.wait(ms(5000));
    light.seat(2, stuck("B", "getting-ip-address"));
    light.wait(ms(70_000));
    let codes: Vec<_> = light.ends.iter().map(|(lane, end)| (lane.number(), end.code)).collect();
    assert_eq!(codes, [(1, VerdictCode::StuckIp), (2, VerdictCode::NetworkDown)]);
    assert_eq!(light.annotations.len(), 1);
}

#[test]
fn a_row_goes_on_over_a_restart_and_what_led_to_a_stop_counts_no_more() {
    let last = |codes: &[VerdictCode]| -> Vec<_> {
        (1..)
            .zip(codes)
            .map(|(number, code)| (run_id(number), Some(serial(&format!("OLD-{number}"))), *code))
            .collect()
    };
    let after = |codes: &[VerdictCode]| {
        let mut light = line(1);
        light.line.remember(lane(1), last(codes));
        light
    };
    let stuck_twice = [VerdictCode::StuckJoining; 2];
    let mut light = after(&stuck_twice);
    assert_eq!(light.run(1, stuck("A", "joining-wifi")), VerdictCode::NetworkDown);
    assert_eq!(light.stops, [Some(VerdictCode::NetworkDown)]);
    let annotated: Vec<_> = light.annotations.iter().map(|note| note.run).collect();
    assert_eq!(annotated, [run_id(1), run_id(2)]);

    // What a person or the power ended is not in the row.
    let mut light = after(&[
        VerdictCode::StuckJoining,
        VerdictCode::Interrupted,
        VerdictCode::StuckJoining,
        VerdictCode::LiftedEarly,
    ]);
    assert_eq!(light.run(1, stuck("A", "joining-wifi")), VerdictCode::NetworkDown);

    for no_row in [
        &[VerdictCode::StuckJoining][..],
        &[VerdictCode::StuckJoining, VerdictCode::StuckJoining, VerdictCode::Ok],
        &[
            VerdictCode::StuckJoining,
            VerdictCode::StuckIp,
            VerdictCode::StuckJoining,
        ],
        // The line stopped then, with the code of the suspicion or with its own.
        &[
            VerdictCode::StuckJoining,
            VerdictCode::StuckJoining,
            VerdictCode::NetworkDown,
        ],
        &[VerdictCode::StuckJoining; 3],
    ] {
        let mut light = after(no_row);
        assert_eq!(
            light.run(1, stuck("A", "joining-wifi")),
            VerdictCode::StuckJoining,
            "{no_row:?}"
        );
        assert!(light.stops.is_empty(), "{no_row:?}");
    }
    // And the run that tripped is no beginning of another row.
    let mut light = after(&[
        VerdictCode::NotReceiving,
        VerdictCode::NotReceiving,
        VerdictCode::LampWeak,
        VerdictCode::NotReceiving,
    ]);
    let blind = |serial| Unit {
        sees: false,
        ..named(serial)
    };
    assert_eq!(light.run(1, blind("A")), VerdictCode::NotReceiving);
    assert_eq!(light.run(1, blind("B")), VerdictCode::LampWeak);

    // A unit that comes back after the restart counts once.
    let mut light = line(1);
    light.line.remember(lane(1), last(&stuck_twice));
    assert_eq!(light.run(1, stuck("OLD-2", "joining-wifi")), VerdictCode::StuckJoining);
}

#[test]
fn three_blind_units_in_a_row_make_the_lamp_suspect() {
    let mut light = line(1);
    let blind = |serial| Unit {
        sees: false,
        ..named(serial)
    };
    assert_eq!(light.run(1, blind("A")), VerdictCode::NotReceiving);
    assert_eq!(light.run(1, blind("B")), VerdictCode::NotReceiving);
    assert_eq!(light.run(1, blind("C")), VerdictCode::LampWeak);
    assert!(
        light
            .annotations
            .iter()
            .all(|note| note.kind == AnnotationKind::SuspectedFixture)
    );
}

#[test]
fn three_units_in_a_row_without_a_good_supply_make_the_nest_suspect() {
    let mut light = line(1);
    let unpowered = |serial| Unit {
        before: vec![("power-supply-solid-red", 0)],
        ..named(serial)
    };
    assert_eq!(light.run(1, unpowered("A")), VerdictCode::PowerFault);
    assert_eq!(light.run(1, unpowered("B")), VerdictCode::PowerFault);
    assert_eq!(light.run(1, unpowered("C")), VerdictCode::NestFault);
    assert_eq!(light.annotations.len(), 2);
}

// --- refusals and people ----------------------------------------------------------------------------------------------

fn refusal(light: &mut Light, number: u8, unit: Unit, history: UnitHistory) -> Option<Refusal> {
    let before = light.refusals.len();
    light.seats(number, unit, history);
    light.refusals.get(before).map(|refused| refused.refusal)
}

#[test]
fn starts_that_are_not_allowed_are_refused_with_their_reason() {
    let mut light = line(2);
    light.wait(ms(3000));
    let none = UnitHistory::default;
    let nameless = Unit {
        serial: None,
        ..good_unit()
    };
    assert_eq!(refusal(&mut light, 1, nameless, none()), Some(Refusal::NoSerial));
    assert!(matches!(
        light.state(1),
        LaneState::Refused {
            refusal: Refusal::NoSerial,
            ..
        }
    ));
    light.lift(1);
    let passed = UnitHistory {
        runs: 1,
        passed: true,
        codes: vec![VerdictCode::Ok],
        ..UnitHistory::default()
    };
    assert_eq!(
        refusal(&mut light, 1, good_unit(), passed),
        Some(Refusal::AlreadyPassed)
    );
    light.lift(1);
    let tired = UnitHistory {
        runs: 3,
        passed: false,
        codes: vec![VerdictCode::StuckIp, VerdictCode::StuckDns, VerdictCode::NotReady],
        ..UnitHistory::default()
    };
    assert_eq!(refusal(&mut light, 1, good_unit(), tired), Some(Refusal::RetestLimit));
    light.lift(1);
    let twice = UnitHistory {
        runs: 2,
        passed: false,
        codes: vec![VerdictCode::StuckIp; 2],
        ..UnitHistory::default()
    };
    assert_eq!(refusal(&mut light, 1, good_unit(), twice), Some(Refusal::Quarantined));
    light.lift(1);
    assert_eq!(refusal(&mut light, 1, named("A"), none()), None);
    assert_eq!(
        refusal(&mut light, 2, named("A"), none()),
        Some(Refusal::DuplicateSerial)
    );
    assert_eq!(refusal(&mut light, 1, named("B"), none()), Some(Refusal::DoubleTrigger));
    assert!(matches!(light.state(1), LaneState::Waiting), "the run goes on");
    assert!(light.ends.is_empty());
}

#[test]
fn a_quarantined_unit_starts_again_once_it_is_unlocked() {
    let mut light = line(1);
    light.wait(ms(3000));
    let twice = UnitHistory {
        runs: 2,
        passed: false,
        codes: vec![VerdictCode::StuckIp; 2],
        ..UnitHistory::default()
    };
    light.seats(1, named("A"), twice.clone());
    let no_reason = Act::Unlock {
        serial: serial("A"),
        reason: String::new(),
    };
    assert!(matches!(
        light.act_on(no_reason, Some(twice.clone())),
        ActAnswer::Refused { .. }
    ));
    let misspelt = Act::Unlock {
        serial: serial("a"),
        reason: "reworked".to_owned(),
    };
    assert_eq!(
        light.act_on(misspelt, Some(UnitHistory::default())),
        ActAnswer::Refused {
            why: "serial: no run of a counts against it since it was last unlocked; is it spelt as on the unit?"
                .to_owned()
        }
    );
    assert!(matches!(
        light.act(Act::Start {
            lane: Some(lane(1)),
            serial: None
        }),
        ActAnswer::Refused { .. }
    ));
    let unlock = Act::Unlock {
        serial: serial("A"),
        reason: "reworked".to_owned(),
    };
    assert_eq!(light.act_on(unlock, Some(twice)), ActAnswer::Done);
    assert_eq!(
        light.act(Act::Start {
            lane: Some(lane(1)),
            serial: None
        }),
        ActAnswer::Done
    );
    light.wait(ms(60_000));
    assert_eq!(light.ends[0].1.code, VerdictCode::Ok);
}

#[test]
fn a_unit_without_a_serial_starts_once_it_is_typed() {
    let mut light = line(1);
    light.wait(ms(3000));
    light.seat(
        1,
        Unit {
            serial: None,
            ..good_unit()
        },
    );
    let start = Act::Start {
        lane: Some(lane(1)),
        serial: Some(serial("TYPED")),
    };
    assert_eq!(light.act(start), ActAnswer::Done);
    assert_eq!(light.line.view(light.now).lanes[0].serial, Some(serial("TYPED")));
}

#[test]
fn stopping_the_line_stops_its_runs_and_needs_a_reason() {
    let mut light = line(2);
    light.wait(ms(3000));
    light.seat(1, named("A"));
    light.seat(2, named("B"));
    light.wait(ms(6000));
    let no_reason = Act::Stop {
        lane: None,
        reason: "  ".to_owned(),
    };
    assert!(matches!(light.act(no_reason), ActAnswer::Refused { .. }));
    let too_long = Act::Stop {
        lane: None,
        reason: "x".repeat(201),
    };
    assert!(matches!(light.act(too_long), ActAnswer::Refused { .. }));
    assert!(light.ends.is_empty());
    assert_eq!(
        light.act(Act::Stop {
            lane: None,
            reason: "smoke".to_owned()
        }),
        ActAnswer::Done
    );
    light.wait(ms(500));
    assert_eq!(light.ends.len(), 2);
    assert!(
        light
            .ends
            .iter()
            .all(|(_, end)| end.code == VerdictCode::StoppedByOperator)
    );
    assert_eq!(light.stops, [None]);
    assert_eq!(
        light.act(Act::Start {
            lane: None,
            serial: None
        }),
        ActAnswer::Done
    );
}

#[test]
fn a_lane_out_of_service_takes_no_units() {
    let mut light = line(1);
    light.wait(ms(3000));
    assert_eq!(
        light.act(Act::Stop {
            lane: Some(lane(1)),
            reason: "loose pin".to_owned()
        }),
        ActAnswer::Done
    );
    assert!(matches!(light.state(1), LaneState::Stopped { .. }));
    assert_eq!(
        refusal(&mut light, 1, named("A"), UnitHistory::default()),
        Some(Refusal::LaneStopped)
    );
    light.lift(1);
    assert_eq!(
        light.act(Act::Start {
            lane: Some(lane(1)),
            serial: None
        }),
        ActAnswer::Done
    );
    assert_eq!(light.run(1, named("A")), VerdictCode::Ok);
}

#[test]
fn a_bless_event_after_the_verdict_is_an_annotation() {
    let mut light = line(1);
    let unit = Unit {
        event: Some((60_000, true)),
        ..good_unit()
    };
    assert_eq!(light.run(1, unit), VerdictCode::NoBlessEvent);
    light.wait(ms(60_000));
    assert_eq!(light.annotations.len(), 1);
    assert_eq!(light.annotations[0].kind, AnnotationKind::LateBlessEvent);
    assert_eq!(light.annotations[0].run, light.ends[0].1.run);
}

#[test]
fn a_unit_seated_while_the_last_record_is_being_stored_is_not_refused() {
    let mut light = line(1);
    light.wait(ms(3000));
    light.seat(1, named("A"));
    light.wait(ms(500));
    light.lift(1);
    light.seat(1, named("B"));
    light.wait(ms(100));
    assert!(light.refusals.is_empty());
    assert_eq!(light.line.view(light.now).lanes[0].serial, Some(serial("B")));
    assert_eq!(light.ends[0].1.code, VerdictCode::LiftedEarly);
}

#[test]
fn a_unit_seated_before_the_nest_was_checked_is_judged_by_its_own_light() {
    let mut light = line(1);
    light.wait(ms(20));
    light.seat(1, good_unit());
    light.wait(ms(60_000));
    assert_eq!(light.ends[0].1.code, VerdictCode::Ok);
}

#[test]
fn comparators_that_tell_lit_or_not_carry_a_whole_run_and_invent_no_strength() {
    let mut light = Light::with(1, recipe(BLESSED), Measures::LitOrNot, &Validity::Lasting);
    let code = light.run(1, good_unit());
    assert_eq!(code, VerdictCode::Ok, "{}", light.ends[0].1.detail);
    assert!(light.attempts.iter().all(|attempt| attempt.loop_back.is_none()));
    let said: Vec<&str> = light.ends[0]
        .1
        .evidence
        .iter()
        .map(|evidence| evidence.detail.as_str())
        .collect();
    assert!(
        said.iter()
            .any(|words| words.contains("LED limits, and the lamp's strength, levels and edges not measured")),
        "{said:?}"
    );
}

#[test]
fn comparators_notice_a_lamp_that_is_dead_and_a_unit_that_gets_stuck() {
    let mut light = Light::with(1, recipe(BLESSED), Measures::LitOrNot, &Validity::Lasting);
    light.breaks(1, Broken::Lamp(0.0));
    assert_eq!(light.run(1, good_unit()), VerdictCode::LampNotSeen);

    let mut light = Light::with(1, recipe(BLESSED), Measures::LitOrNot, &Validity::Lasting);
    let code = light.run(1, stuck("U2", "joining-wifi"));
    assert_eq!(code, VerdictCode::StuckJoining, "{}", light.ends[0].1.detail);
}

#[test]
fn a_lane_whose_calibration_has_run_out_passes_no_unit() {
    let soon = Validity::Until(blinkup::Tick::from_micros(30_000_000));
    let mut light = Light::with(1, recipe(BLESSED), Measures::Strength, &soon);
    assert_eq!(light.run(1, named("U1")), VerdictCode::Ok, "still good");
    light.wait(ms(10_000));
    light.run(1, named("U2"));
    let end = &light.ends[1].1;
    assert_eq!(end.code, VerdictCode::CalibrationOverdue);
    assert!(end.detail.contains("has run out"), "{}", end.detail);

    let never = Validity::Missing("lane 1 was never calibrated".to_owned());
    let mut light = Light::with(1, recipe(BLESSED), Measures::Strength, &never);
    assert_eq!(light.run(1, named("U3")), VerdictCode::CalibrationOverdue);
    assert_eq!(light.ends[0].1.detail, "lane 1 was never calibrated");
}
