//! Every verdict code by a timetable of its own.

use std::time::Duration;

use blinkup::codes::Colour;
use fixture_daemon::engine::effect::{LaneEffect, Signal};
use fixture_daemon::engine::input::SendEnd;
use fixture_daemon::engine::nest::{Flash, NestReport};
use fixture_daemon::engine::recipe::Link;
use fixture_daemon::engine::station::{LampSeen, StationInput, UnitPower};
use fixture_ledger::record::{AttemptResult, EvidenceKind};
use fixture_link::snapshot::{LaneState, Stage};
use fixture_link::verdict::{Outcome, VerdictCode};

use crate::bench::{BLESSED, CLAIMED, LED_ONLY, StationBench, good_nest, ms, recipe};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A unit that shows one pattern from the start.
fn at_start(code: &str) -> StationBench {
    let mut bench = StationBench::seated(BLESSED);
    bench.wait(ms(800));
    bench.turns(Colour::Red);
    bench.wait(ms(800));
    bench.reads(code);
    bench.wait(secs(16));
    bench
}

/// A unit that received its packet and then shows these, each for some seconds.
fn after_packet(shown: &[(&str, u64)]) -> StationBench {
    let mut bench = StationBench::received(BLESSED);
    for (code, seconds) in shown {
        bench.reads(code);
        bench.wait(secs(*seconds));
    }
    bench
}

fn damaged(bench: &mut StationBench) {
    bench.sends();
    bench.wait(ms(200));
    bench.shines(Colour::Red, ms(200));
    bench.shines(Colour::Off, ms(600));
    for _ in 0..2 {
        bench.shines(Colour::Amber, ms(500));
        bench.shines(Colour::Off, ms(500));
    }
    bench.turns(Colour::Amber);
}

// --- before the transmission ------------------------------------------------------------------------------------------

#[test]
fn a_dark_unit_in_a_proven_nest_has_no_light() {
    let mut bench = StationBench::seated(BLESSED);
    bench.wait(secs(3));
    bench.reads("normal-operation");
    bench.wait(secs(11));
    assert_eq!(bench.code(), None);
    bench.wait(secs(2));
    assert_eq!(bench.code(), Some(VerdictCode::NoLight));
}

#[test]
fn a_dark_unit_is_no_failure_where_the_sensor_was_not_proven() {
    let mut bench = StationBench::new(BLESSED);
    bench.seat(NestReport {
        flash: Flash::NotDone,
        ..good_nest()
    });
    bench.wait(secs(16));
    assert_eq!(bench.code(), Some(VerdictCode::LampNotSeen));
    assert_eq!(bench.ends[0].code.outcome(), Outcome::Error);
}

#[test]
fn a_fault_of_the_empty_nest_ends_the_run_at_once() {
    for code in [
        VerdictCode::AmbientTooBright,
        VerdictCode::SensorFault,
        VerdictCode::SensorSaturated,
        VerdictCode::LampNotSeen,
    ] {
        let mut bench = StationBench::new(BLESSED);
        bench.seat(NestReport {
            fault: Some((code, "bench".to_owned())),
            ..good_nest()
        });
        assert_eq!(bench.code(), Some(code));
    }
}

#[test]
fn red_before_the_transmission_is_a_power_fault() {
    assert_eq!(at_start("power-supply-solid-red").code(), Some(VerdictCode::PowerFault));
    assert_eq!(at_start("power-supply-rapid-red").code(), Some(VerdictCode::PowerFault));
    let mut bench = StationBench::seated(BLESSED);
    bench.flickers(14);
    assert_eq!(
        bench.code(),
        Some(VerdictCode::PowerFault),
        "flickering is plain after two seconds"
    );
}

#[test]
fn one_flash_of_a_restart_that_is_taken_for_rapid_red_condemns_nobody() {
    let mut bench = StationBench::received(BLESSED);
    bench.shines(Colour::Red, ms(200));
    bench.turns(Colour::Off);
    bench.reads("power-supply-rapid-red");
    for _ in 0..2 {
        bench.shines(Colour::Off, ms(500));
        bench.shines(Colour::Red, ms(500));
        bench.shines(Colour::Off, ms(500));
    }
    assert_eq!(bench.code(), None);
    bench.reads("searching-for-wifi");
    bench.wait(ms(10_000));
    assert_eq!(bench.code(), None);
}

#[test]
fn a_power_on_flash_is_no_fault() {
    let mut bench = StationBench::seated(BLESSED);
    bench.wait(ms(200));
    bench.shines(Colour::Red, ms(300));
    bench.shines(Colour::Off, ms(500));
    bench.ready();
    assert_eq!(bench.sent.len(), 1);
}

/// What the first run's evidence says of red flashes.
fn red_flashes(bench: &StationBench) -> Vec<(Duration, &str)> {
    let facts = bench.ends[0].evidence.iter();
    let facts = facts.filter(|fact| fact.kind == EvidenceKind::Light && fact.detail.contains("red flash"));
    facts.map(|fact| (fact.at, &*fact.detail)).collect()
}

#[test]
fn a_single_red_flash_is_evidence_of_a_start_and_of_a_restart() {
    let mut bench = StationBench::seated(CLAIMED);
    bench.wait(ms(600));
    bench.flashed(ms(400));
    bench.ready();
    bench.sends();
    bench.receives();
    bench.wait(ms(300));
    bench.flashed(ms(300));
    bench.stops();
    let said = red_flashes(&bench);
    let words: Vec<&str> = said.iter().map(|(_, words)| *words).collect();
    assert_eq!(
        words,
        [
            "a single red flash, as at power-up",
            "a single red flash, as of a unit that starts again"
        ]
    );
    assert_eq!(said[0].0, ms(200), "when it began");
}

#[test]
fn a_flash_that_only_the_reader_sees_is_an_answer_and_one_that_its_colour_told_of_is_no_second_one() {
    // Weak light: no change of colour is sure.
    let mut bench = StationBench::seated(BLESSED);
    bench.wait(ms(500));
    bench.ready();
    bench.sends();
    bench.wait(ms(400));
    bench.flashed(ms(350));
    bench.stops();
    let words: Vec<&str> = red_flashes(&bench).iter().map(|(_, words)| *words).collect();
    assert_eq!(words, ["red flash after the transmission"]);

    let mut bench = StationBench::seated(BLESSED);
    bench.wait(ms(500));
    bench.ready();
    bench.sends();
    bench.wait(ms(200));
    bench.shines(Colour::Red, ms(200));
    bench.shines(Colour::Off, ms(300));
    bench.flashed(ms(490));
    bench.stops();
    assert_eq!(red_flashes(&bench).len(), 1, "{:?}", red_flashes(&bench));
}

#[test]
fn red_that_does_not_stand_condemns_nobody() {
    let mut bench = StationBench::seated(BLESSED);
    bench.wait(ms(300));
    bench.reads("power-supply-rapid-red");
    bench.wait(ms(700));
    bench.ready();
    assert_eq!(bench.code(), None);
    assert_eq!(bench.sent.len(), 1);
}

#[test]
fn a_unit_names_its_own_faults() {
    assert_eq!(at_start("spi-flash-not-found").code(), Some(VerdictCode::FlashMissing));
    assert_eq!(at_start("spi-flash-error").code(), Some(VerdictCode::FlashBad));
    assert_eq!(
        at_start("imp006-fastrom-spi-flash").code(),
        Some(VerdictCode::NoFirmware)
    );
}

#[test]
fn a_unit_that_lit_up_and_went_dark_is_not_ready() {
    let mut bench = StationBench::seated(BLESSED);
    bench.shines(Colour::Red, ms(200));
    bench.turns(Colour::Off);
    bench.wait(secs(3));
    bench.reads("normal-operation");
    bench.wait(secs(13));
    assert_eq!(bench.code(), Some(VerdictCode::NotReady));
}

#[test]
fn a_known_pattern_that_no_stage_allows_is_unexpected_and_named() {
    for code in [
        "connected",
        "searching-for-wifi",
        "imp004m-red-3s",
        "updating-impos",
        "device-offline",
        "waiting-for-sim",
    ] {
        let bench = at_start(code);
        assert_eq!(bench.code(), Some(VerdictCode::UnexpectedPattern), "{code}");
        assert!(bench.ends[0].detail.contains(code), "{}", bench.ends[0].detail);
    }
}

#[test]
fn light_without_a_name_is_undecided() {
    let mut bench = StationBench::seated(BLESSED);
    for _ in 0..20 {
        bench.shines(Colour::Green, ms(330));
        bench.shines(Colour::Off, ms(470));
    }
    assert_eq!(bench.code(), Some(VerdictCode::UnreadableLight));
    assert_eq!(bench.ends[0].code.outcome(), Outcome::Undecided);
}

#[test]
fn no_token_is_the_networks_fault() {
    let mut bench = StationBench::new(BLESSED);
    bench.tokens = Err("HTTP 503".to_owned());
    bench.seat(good_nest());
    bench.ready();
    assert_eq!(bench.code(), Some(VerdictCode::TokenUnavailable));
    assert_eq!(bench.ends[0].code.outcome(), Outcome::Error);
    assert!(bench.sent.is_empty());
}

// --- the transmission -------------------------------------------------------------------------------------------------

#[test]
fn a_unit_that_keeps_flashing_is_told_apart_from_a_dead_lamp() {
    let flashing = |lamp: LampSeen| {
        let mut bench = StationBench::seated(BLESSED);
        bench.ready();
        let began = bench.now;
        bench.step(StationInput::Symbol(bench.now));
        bench.wait(ms(900));
        bench.step(StationInput::Lamp(lamp));
        for _ in 0..2 {
            bench.shines(Colour::Off, ms(500));
            bench.shines(Colour::Amber, ms(500));
        }
        (bench, began)
    };
    let (mut bench, began) = flashing(LampSeen::Well);
    let stopped = bench
        .log
        .iter()
        .find(|(_, effect)| matches!(effect, LaneEffect::StopSending))
        .expect("it stops");
    assert!(stopped.0.since(began) <= ms(3000));
    bench.lamp_ends(SendEnd::Stopped);
    assert_eq!(bench.attempts[0].result, AttemptResult::NotReceiving);
    assert_eq!(bench.code(), None);
    let (mut bench, _) = flashing(LampSeen::Not("0 %".to_owned()));
    bench.lamp_ends(SendEnd::Stopped);
    assert_eq!(bench.code(), Some(VerdictCode::LampNotSeen));
    let (mut bench, _) = flashing(LampSeen::Weakly("40 %".to_owned()));
    bench.lamp_ends(SendEnd::Stopped);
    assert_eq!(bench.code(), Some(VerdictCode::LampWeak));
    assert_eq!(bench.ends[0].attempts[0].result, AttemptResult::Stopped);
}

#[test]
fn a_unit_that_never_receives_fails_after_every_rung() {
    let mut bench = StationBench::seated(BLESSED);
    bench.ready();
    for attempt in 1..=3_u32 {
        assert_eq!(bench.sent.len(), attempt as usize);
        bench.step(StationInput::Symbol(bench.now));
        bench.step(StationInput::Lamp(LampSeen::Well));
        for _ in 0..3 {
            bench.shines(Colour::Off, ms(500));
            bench.shines(Colour::Amber, ms(500));
        }
        bench.lamp_ends(SendEnd::Stopped);
        bench.turns(Colour::Off);
        bench.wait(ms(500));
        bench.turns(Colour::Amber);
    }
    assert_eq!(bench.code(), Some(VerdictCode::NotReceiving));
    let rates: Vec<u8> = bench.ends[0].attempts.iter().map(|attempt| attempt.rate).collect();
    assert_eq!(rates, [60, 30, 20]);
    assert!(
        bench
            .attempts
            .iter()
            .all(|attempt| attempt.result == AttemptResult::NotReceiving)
    );
}

#[test]
fn a_damaged_packet_is_sent_again_with_a_new_token_until_the_ladder_ends() {
    let mut recipe = recipe(BLESSED);
    recipe.listens_for = secs(300);
    let mut bench = StationBench::with(recipe, UnitPower::Nest);
    bench.seat(good_nest());
    bench.ready();
    for _ in 0..3 {
        damaged(&mut bench);
        bench.reads("receiving-blinkup");
        bench.reads("no-network-settings");
        bench.wait(ms(200));
    }
    assert_eq!(bench.code(), Some(VerdictCode::ReceptionError));
    let attempts = &bench.ends[0].attempts;
    assert_eq!(attempts.len(), 3);
    assert!(attempts.iter().all(|attempt| attempt.result == AttemptResult::Damaged));
    let tokens: Vec<_> = attempts
        .iter()
        .filter_map(|attempt| attempt.token_id.as_deref())
        .collect();
    assert_eq!(tokens, ["token-1", "token-2", "token-3"]);
    assert_eq!(bench.attempts, *attempts);
}

#[test]
fn the_rung_that_worked_is_in_the_record() {
    let mut bench = StationBench::seated(BLESSED);
    bench.ready();
    damaged(&mut bench);
    bench.reads("receiving-blinkup");
    bench.reads("no-network-settings");
    bench.sends();
    bench.receives();
    bench.reads("connected");
    bench.bless(true);
    bench.green();
    bench.wait(secs(6));
    assert_eq!(bench.code(), Some(VerdictCode::Ok));
    let results: Vec<_> = bench.ends[0]
        .attempts
        .iter()
        .map(|attempt| (attempt.rate, attempt.result))
        .collect();
    assert_eq!(results, [(60, AttemptResult::Damaged), (30, AttemptResult::Received)]);
}

#[test]
fn a_packet_without_an_answer_is_sent_again() {
    let mut bench = StationBench::seated(BLESSED);
    bench.ready();
    bench.sends();
    bench.wait(secs(7));
    assert_eq!(bench.attempts[0].result, AttemptResult::NoAnswer);
    assert_eq!(bench.state(), LaneState::Waiting);
    bench.turns(Colour::Amber);
    assert_eq!(bench.sent.len(), 2);
}

#[test]
fn the_legacy_answers_count_as_well() {
    let mut bench = StationBench::seated(BLESSED);
    bench.ready();
    bench.sends();
    bench.wait(ms(1500));
    bench.reads("legacy-blinkup-successful");
    assert_eq!(bench.attempts[0].result, AttemptResult::Received);
    let mut bench = StationBench::seated(BLESSED);
    bench.ready();
    bench.sends();
    bench.wait(ms(1500));
    bench.reads("legacy-blinkup-unsuccessful");
    assert_eq!(bench.attempts[0].result, AttemptResult::Damaged);
}

#[test]
fn a_late_attempt_is_void_and_sent_again_on_its_rung() {
    let mut bench = StationBench::seated(BLESSED);
    bench.ready();
    bench.lamp_begins();
    bench.lamp_ends(SendEnd::Late);
    bench.turns(Colour::Amber);
    assert_eq!(bench.sent.len(), 2);
    assert_eq!(bench.sent[1].rate, 60);
    bench.sends();
    bench.receives();
    assert_eq!(bench.attempts[0].result, AttemptResult::Late);
    assert_eq!(bench.attempts[1].result, AttemptResult::Received);
}

#[test]
fn a_lamp_that_is_always_late_is_the_fixtures_fault() {
    let mut bench = StationBench::seated(BLESSED);
    bench.ready();
    for _ in 0..3 {
        bench.lamp_begins();
        bench.lamp_ends(SendEnd::Late);
        bench.turns(Colour::Amber);
    }
    assert_eq!(bench.code(), Some(VerdictCode::LampLate));
    assert_eq!(bench.ends[0].attempts.len(), 3);
}

#[test]
fn a_lamp_whose_driver_fails_is_the_fixtures_fault() {
    let mut bench = StationBench::seated(BLESSED);
    bench.ready();
    bench.lamp_begins();
    bench.lamp_ends(SendEnd::LampFailed("EIO".to_owned()));
    assert_eq!(bench.code(), Some(VerdictCode::LampNotSeen));
    assert_eq!(bench.ends[0].attempts[0].result, AttemptResult::LampFailed);
}

#[test]
fn a_sender_that_never_reports_does_not_hold_the_lane() {
    let mut bench = StationBench::seated(BLESSED);
    bench.ready();
    bench.wait(secs(60));
    assert_eq!(bench.code(), Some(VerdictCode::LampLate));
    assert!(
        bench
            .log
            .iter()
            .any(|(_, effect)| matches!(effect, LaneEffect::StopSending))
    );
}

// --- the listening window ---------------------------------------------------------------------------------------------

#[test]
fn a_rung_that_cannot_end_in_the_window_restarts_the_unit_first() {
    let mut recipe = recipe(BLESSED);
    recipe.ready_within = secs(70);
    let mut bench = StationBench::with(recipe, UnitPower::Relay);
    bench.seat(good_nest());
    bench.wait(secs(50));
    bench.ready();
    assert!(
        bench
            .log
            .iter()
            .any(|(_, effect)| matches!(effect, LaneEffect::PowerCycle { .. }))
    );
    assert!(bench.sent.is_empty());
    bench.wait(secs(2));
    bench.ready();
    assert_eq!(bench.sent.len(), 1);
}

#[test]
fn without_a_relay_the_operator_is_asked_to_reseat_it() {
    let mut recipe = recipe(BLESSED);
    recipe.ready_within = secs(70);
    let mut bench = StationBench::with(recipe, UnitPower::Nest);
    bench.seat(good_nest());
    bench.wait(secs(50));
    bench.ready();
    assert_eq!(bench.code(), Some(VerdictCode::NotReady));
    assert!(bench.ends[0].detail.contains("seat it again"));
}

// --- on the way into the cloud ----------------------------------------------------------------------------------------

#[test]
fn the_last_stage_decides_where_a_unit_got_stuck() {
    for (code, verdict) in [
        ("searching-for-wifi", VerdictCode::StuckSearching),
        ("joining-wifi", VerdictCode::StuckJoining),
        ("getting-ip-address", VerdictCode::StuckIp),
        ("resolving-server-name", VerdictCode::StuckDns),
        ("connecting-to-server", VerdictCode::StuckConnecting),
        ("proxy-credentials-rejected", VerdictCode::StuckProxy),
    ] {
        let bench = after_packet(&[(code, 18)]);
        assert_eq!(bench.code(), None, "{code}");
        let bench = after_packet(&[(code, 21)]);
        assert_eq!(bench.code(), Some(verdict), "{code}");
        assert_eq!(bench.ends[0].code.outcome(), Outcome::Fail);
        let bench = after_packet(&[("searching-for-wifi", 3), (code, 5), ("normal-operation", 60)]);
        assert_eq!(bench.code(), Some(verdict), "{code}, then dark");
    }
}

#[test]
fn a_cellular_unit_gets_stuck_at_its_modem() {
    let mut recipe = recipe(BLESSED);
    recipe.link = Link::Cellular;
    recipe.wifi = None;
    let mut bench = StationBench::with(recipe, UnitPower::Nest);
    bench.seat(good_nest());
    bench.ready();
    bench.sends();
    bench.receives();
    bench.reads("registering-with-cell");
    bench.wait(secs(21));
    assert_eq!(bench.code(), Some(VerdictCode::StuckCellular));
}

#[test]
fn a_stage_of_another_link_is_unexpected() {
    let bench = after_packet(&[("waiting-for-modem", 6)]);
    assert_eq!(bench.code(), Some(VerdictCode::UnexpectedPattern));
}

#[test]
fn green_then_amber_only_is_a_rejected_unit() {
    let mut bench = StationBench::received(BLESSED);
    bench.turns(Colour::Amber);
    bench.wait(ms(1200));
    bench.reads("no-network-settings");
    bench.wait(secs(4));
    assert_eq!(bench.code(), None);
    bench.wait(secs(2));
    assert_eq!(bench.code(), Some(VerdictCode::Rejected));
}

#[test]
fn green_then_bursts_of_red_is_a_crash() {
    let mut bench = after_packet(&[("searching-for-wifi", 3), ("connected", 3)]);
    bench.flickers(6);
    bench.reads("searching-for-wifi");
    bench.wait(secs(3));
    bench.reads("connected");
    bench.wait(secs(3));
    assert_eq!(bench.code(), None);
    bench.flickers(6);
    assert_eq!(bench.code(), Some(VerdictCode::FirmwareCrash));
}

#[test]
fn a_burst_too_short_to_be_named_counts_by_its_flashes() {
    let mut bench = after_packet(&[("connected", 3)]);
    for round in 0..2 {
        bench.shines(Colour::Green, ms(500));
        bench.shines(Colour::Off, ms(500));
        for _ in 0..4 {
            bench.shines(Colour::Red, ms(100));
            bench.shines(Colour::Off, ms(100));
        }
        assert_eq!(bench.code().is_some(), round == 1);
    }
    assert_eq!(bench.code(), Some(VerdictCode::FirmwareCrash));
}

#[test]
fn restarts_while_connecting_are_a_brown_out() {
    let mut bench = after_packet(&[("searching-for-wifi", 3)]);
    bench.flickers(14);
    assert_eq!(bench.code(), Some(VerdictCode::BrownOut));
    let mut bench = after_packet(&[("searching-for-wifi", 3)]);
    bench.flickers(5);
    bench.reads("searching-for-wifi");
    bench.wait(secs(3));
    assert_eq!(bench.code(), None);
    bench.flickers(5);
    assert_eq!(bench.code(), Some(VerdictCode::BrownOut));
}

#[test]
fn solid_red_after_the_stages_is_a_failed_blessing() {
    let bench = after_packet(&[("connecting-to-server", 3), ("connected", 3), ("factory-bless-fail", 6)]);
    assert_eq!(bench.code(), Some(VerdictCode::BlessFailed));
}

#[test]
fn a_lost_connection_that_stands_is_unexpected() {
    let bench = after_packet(&[("connected", 3), ("lost-connection", 6)]);
    assert_eq!(bench.code(), Some(VerdictCode::UnexpectedPattern));
    assert!(bench.ends[0].detail.contains("lost-connection"));
}

#[test]
fn a_unit_that_goes_dark_after_the_packet_is_unexpected() {
    let bench = after_packet(&[("normal-operation", 61)]);
    assert_eq!(bench.code(), Some(VerdictCode::UnexpectedPattern));
}

#[test]
fn light_that_loses_its_name_on_the_way_is_undecided() {
    let mut bench = after_packet(&[("searching-for-wifi", 5)]);
    bench.reads_nothing();
    bench.wait(secs(30));
    assert_eq!(bench.code(), Some(VerdictCode::UnreadableLight));
}

// --- green, and its witness -------------------------------------------------------------------------------------------

#[test]
fn green_without_an_event_never_passes() {
    let mut bench = after_packet(&[("connected", 3)]);
    bench.green();
    bench.wait(secs(28));
    assert_eq!(bench.code(), None);
    bench.wait(secs(3));
    assert_eq!(bench.code(), Some(VerdictCode::NoBlessEvent));
    assert_eq!(bench.ends[0].code.outcome(), Outcome::Undecided);
    assert!(!bench.signals().contains(&Signal::Pass));
}

#[test]
fn a_slow_update_passes_only_once_it_is_blessed() {
    let mut bench = after_packet(&[("connected", 3)]);
    bench.green();
    bench.wait(secs(25));
    bench.shines(Colour::Off, ms(500));
    bench.shines(Colour::Red, ms(300));
    bench.shines(Colour::Off, ms(500));
    assert_eq!(bench.code(), None);
    bench.reads("searching-for-wifi");
    bench.wait(secs(4));
    bench.reads("connected");
    bench.wait(secs(2));
    bench.bless(true);
    bench.green();
    bench.wait(secs(6));
    assert_eq!(bench.code(), Some(VerdictCode::Ok));
}

#[test]
fn an_update_that_never_ends_is_stuck_where_green_can_mean_nothing_else() {
    let mut bench = StationBench::received(CLAIMED);
    bench.reads("connecting-to-server");
    bench.wait(secs(2));
    bench.green();
    bench.wait(secs(118));
    assert_eq!(bench.code(), None);
    bench.wait(secs(3));
    assert_eq!(bench.code(), Some(VerdictCode::StuckUpdating));
}

#[test]
fn steady_green_never_passes_on_led_evidence_only() {
    let mut bench = StationBench::received(LED_ONLY);
    bench.green();
    bench.bless(true);
    bench.wait(secs(125));
    assert_eq!(bench.ends[0].code.outcome(), Outcome::Undecided);
}

#[test]
fn a_received_green_whose_end_is_never_seen_is_no_blessing() {
    let mut bench = StationBench::seated(BLESSED);
    bench.ready();
    bench.sends();
    bench.turns(Colour::Green);
    bench.wait(ms(700));
    bench.reads("blinkup-successful");
    bench.bless(true);
    bench.wait(ms(5000));
    assert_eq!(bench.code(), None, "three seconds of it are those of received");
    bench.wait(ms(3000));
    assert_eq!(bench.code(), Some(VerdictCode::Ok));
}

#[test]
fn witnesses_that_disagree_are_undecided() {
    let mut bench = after_packet(&[("connected", 3)]);
    bench.bless(true);
    bench.reads("factory-bless-fail");
    bench.wait(secs(6));
    assert_eq!(bench.code(), Some(VerdictCode::BlessDisagrees));
    let mut bench = after_packet(&[("connected", 3)]);
    bench.bless(false);
    bench.green();
    bench.wait(secs(6));
    assert_eq!(bench.code(), Some(VerdictCode::BlessDisagrees));
    let mut bench = after_packet(&[("joining-wifi", 3)]);
    bench.bless(true);
    bench.wait(secs(20));
    assert_eq!(bench.code(), Some(VerdictCode::BlessDisagrees));
}

#[test]
fn a_refused_blessing_with_solid_red_is_a_failure() {
    let mut bench = after_packet(&[("connected", 3)]);
    bench.bless(false);
    bench.reads("factory-bless-fail");
    bench.wait(secs(6));
    assert_eq!(bench.code(), Some(VerdictCode::BlessFailed));
}

#[test]
fn a_connected_unit_without_a_device_id_is_undecided() {
    let mut bench = StationBench::received(CLAIMED);
    bench.reads("connected");
    bench.wait(secs(21));
    assert_eq!(bench.code(), Some(VerdictCode::NotClaimed));
    let polls = bench
        .log
        .iter()
        .filter(|(_, effect)| matches!(effect, LaneEffect::PollClaim { .. }))
        .count();
    assert!((18..=22).contains(&polls), "{polls}");
}

// --- faults, people, the ledger ---------------------------------------------------------------------------------------

#[test]
fn a_sensor_that_fails_ends_the_run_with_the_lamp_dark() {
    let mut bench = StationBench::seated(BLESSED);
    bench.ready();
    bench.lamp_begins();
    bench.step(StationInput::Fault(VerdictCode::SensorFault, "bus".to_owned()));
    assert!(matches!(bench.log.last(), Some((_, LaneEffect::StopSending))));
    bench.lamp_ends(SendEnd::Stopped);
    assert_eq!(bench.code(), Some(VerdictCode::SensorFault));
}

#[test]
fn lifting_a_unit_aborts_its_run_wherever_it_is() {
    let stages: [fn(&mut StationBench); 5] = [
        |_| {},
        StationBench::ready,
        |bench| {
            bench.ready();
            bench.lamp_begins();
        },
        |bench| {
            bench.ready();
            bench.sends();
        },
        |bench| {
            bench.ready();
            bench.sends();
            bench.receives();
        },
    ];
    for (place, prepare) in stages.into_iter().enumerate() {
        let mut bench = StationBench::seated(BLESSED);
        prepare(&mut bench);
        let sending = bench.station.is_sending();
        bench.step(StationInput::Lifted);
        if sending {
            assert!(matches!(bench.log.last(), Some((_, LaneEffect::StopSending))));
            assert_eq!(bench.code(), None);
            bench.lamp_ends(SendEnd::Stopped);
        }
        assert_eq!(bench.code(), Some(VerdictCode::LiftedEarly), "stage {place}");
        assert_eq!(bench.ends.len(), 1);
        assert!(
            bench
                .log
                .iter()
                .any(|(_, effect)| matches!(effect, LaneEffect::RecordLifted(_)))
        );
        bench.wait(secs(11));
        assert_eq!(bench.state(), LaneState::Empty);
    }
}

#[test]
fn a_person_who_stops_a_run_leaves_the_reason_in_its_evidence() {
    let mut bench = StationBench::received(BLESSED);
    bench.stops();
    assert_eq!(bench.code(), Some(VerdictCode::StoppedByOperator));
    let fact = bench.ends[0]
        .evidence
        .iter()
        .find(|fact| fact.kind == EvidenceKind::Act)
        .unwrap();
    assert!(fact.detail.contains("console") && fact.detail.contains("smoke"));
}

#[test]
fn a_verdict_that_cannot_be_stored_is_never_a_pass() {
    let mut bench = after_packet(&[("connected", 3)]);
    bench.store = Err("disk full".to_owned());
    bench.bless(true);
    bench.green();
    bench.wait(secs(6));
    assert_eq!(bench.code(), Some(VerdictCode::StoreFailed));
    assert_eq!(bench.ends.len(), 2);
    assert_eq!(bench.ends[0].code, VerdictCode::Ok);
    assert_eq!(bench.ends[1].code, VerdictCode::StoreFailed);
    assert!(bench.ends[0].device_id.is_some(), "the event named one");
    assert_eq!(
        bench.ends[1].device_id, None,
        "what the ledger may have refused is not tried again"
    );
    assert!(!bench.signals().contains(&Signal::Pass));
}

#[test]
fn a_verdict_stays_until_the_unit_is_lifted() {
    let mut bench = at_start("spi-flash-error");
    bench.wait(secs(3600));
    assert_eq!(bench.code(), Some(VerdictCode::FlashBad));
    bench.step(StationInput::Lifted);
    assert_eq!(bench.state(), LaneState::Empty);
    assert!(
        bench
            .log
            .iter()
            .any(|(_, effect)| matches!(effect, LaneEffect::RecordLifted(_)))
    );
    let last = bench
        .station
        .last()
        .expect("it is remembered until the next unit starts");
    assert_eq!(last.code, VerdictCode::FlashBad);
}

#[test]
fn the_stage_that_was_reached_is_in_the_record() {
    let bench = after_packet(&[("joining-wifi", 21)]);
    assert_eq!(bench.ends[0].stage, Stage::Joining);
    let stages: Vec<&str> = bench.ends[0]
        .evidence
        .iter()
        .filter(|fact| fact.kind == EvidenceKind::Stage)
        .map(|fact| fact.detail.as_str())
        .collect();
    assert_eq!(stages, ["ready", "receiving", "received", "joining"]);
}
