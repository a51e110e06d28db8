//! A unit that does not receive is known within two periods of its pattern; one that receives is not taken for it.

mod stand;

use core::time::Duration;

use stand::{Trial, Units};

fn trial(lamp_over_led: f64, rate: u8, units: Units, count: u32) -> stand::Outcome {
    stand::run(Trial {
        seed: 77,
        lamp_over_led,
        rate,
        units,
        count,
    })
}

#[test]
fn a_unit_that_does_not_receive_is_known_within_two_periods_under_every_lamp() {
    for (lamp_over_led, rate) in [(1.0, 60), (10.0, 30), (30.0, 20), (100.0, 60)] {
        let outcome = trial(lamp_over_led, rate, Units::DoNotSeeIt, 6);
        assert_eq!(outcome.not_sent, 0, "{lamp_over_led}: {outcome:?}");
        assert_eq!(outcome.told.len(), 6, "{lamp_over_led}: {outcome:?}");
        let latest = outcome.told.iter().max().copied().unwrap_or_default();
        assert!(latest <= Duration::from_secs(2), "{lamp_over_led}: {:?}", outcome.told);
    }
}

#[test]
fn a_unit_that_receives_is_not_taken_for_one_that_does_not() {
    for (lamp_over_led, rate) in [(1.0, 60), (30.0, 60), (100.0, 60), (100.0, 30)] {
        let outcome = trial(lamp_over_led, rate, Units::Receive, 9);
        assert_eq!((outcome.sent, outcome.not_sent), (9, 0), "{lamp_over_led}: {outcome:?}");
        assert_eq!(outcome.otherwise, [""; 0], "{lamp_over_led}");
        assert!(outcome.told.is_empty(), "{lamp_over_led}: {:?}", outcome.told);
    }
}
