//! The usual way, under each pass rule.

use blinkup::codes::Colour;
use fixture_daemon::engine::effect::{LaneEffect, Signal};
use fixture_daemon::engine::input::ClaimAnswer;
use fixture_ledger::record::AttemptResult;
use fixture_link::snapshot::{LaneState, Stage};
use fixture_link::verdict::VerdictCode;

use crate::bench::{BLESSED, CLAIMED, LED_ONLY, StationBench, ms};

fn connects(bench: &mut StationBench) {
    for stage in [
        "searching-for-wifi",
        "joining-wifi",
        "getting-ip-address",
        "connecting-to-server",
        "connected",
    ] {
        bench.reads(stage);
        bench.wait(ms(1500));
    }
}

#[test]
fn blessed_green_with_its_event_passes_once_it_is_stored() {
    let mut bench = StationBench::received(BLESSED);
    connects(&mut bench);
    bench.green();
    bench.wait(ms(1000));
    bench.bless(true);
    assert_eq!(bench.code(), None);
    bench.wait(ms(5000));
    assert_eq!(bench.code(), Some(VerdictCode::Ok));
    assert_eq!(bench.ends.len(), 1);
    let end = &bench.ends[0];
    assert_eq!(end.stage, Stage::Blessed);
    assert_eq!(end.device_id.as_deref(), Some("0123456789abcdef"));
    assert_eq!(end.attempts.len(), 1);
    assert_eq!(end.attempts[0].result, AttemptResult::Received);
    let commit = bench
        .log
        .iter()
        .position(|(_, effect)| matches!(effect, LaneEffect::Commit(_)));
    let pass = bench
        .log
        .iter()
        .position(|(_, effect)| matches!(effect, LaneEffect::Signal(Signal::Pass)));
    assert!(commit.unwrap() < pass.unwrap());
}

#[test]
fn an_event_that_comes_before_the_green_counts_as_well() {
    let mut bench = StationBench::received(BLESSED);
    connects(&mut bench);
    bench.bless(true);
    bench.wait(ms(1000));
    bench.green();
    bench.wait(ms(5000));
    assert_eq!(bench.code(), Some(VerdictCode::Ok));
}

#[test]
fn stages_too_short_to_see_are_no_problem() {
    let mut bench = StationBench::received(BLESSED);
    bench.green();
    bench.bless(true);
    bench.wait(ms(5000));
    assert_eq!(bench.code(), Some(VerdictCode::Ok));
}

#[test]
fn a_claimed_unit_passes_once_the_cloud_knows_the_device() {
    let mut bench = StationBench::received(CLAIMED);
    connects(&mut bench);
    assert_eq!(bench.code(), None);
    bench.claim = ClaimAnswer::Claimed {
        device_id: "00112233aabbccdd".to_owned(),
        agent_url: Some("https://agent.example/x".to_owned()),
    };
    bench.wait(ms(1500));
    assert_eq!(bench.code(), Some(VerdictCode::Ok));
    assert!(matches!(
        bench.state(),
        LaneState::Verdict {
            device_id: Some(_),
            agent_url: Some(_),
            ..
        }
    ));
}

#[test]
fn led_only_passes_when_connected_was_held_and_says_so() {
    let mut bench = StationBench::received(LED_ONLY);
    bench.reads("connecting-to-server");
    bench.wait(ms(1000));
    bench.reads("connected");
    for _ in 0..9 {
        bench.shines(Colour::Green, ms(500));
        bench.shines(Colour::Off, ms(500));
    }
    assert_eq!(bench.code(), None);
    for _ in 0..2 {
        bench.shines(Colour::Green, ms(500));
        bench.shines(Colour::Off, ms(500));
    }
    assert_eq!(bench.code(), Some(VerdictCode::Ok));
    assert!(bench.ends[0].detail.contains("LED evidence only"));
}
