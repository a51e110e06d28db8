//! A lamp on two lines over a resistor ladder: dark, mid and bright, fixed by the resistors.

use blinkup::Level;
use embedded_hal::digital::OutputPin;
use fixture_link::identity::LaneId;

use super::{PART, state};
use crate::config::Active;
use crate::jig::{JigError, Lamp};

/// A lamp with two lines: the first alone is mid, both are bright. Dark when dropped.
pub struct Ladder<P: OutputPin> {
    lane: LaneId,
    mid: P,
    rest: P,
    lit: Active,
    /// Light below this is mid: half way between mid and bright.
    bright_from: f32,
}

impl<P: OutputPin> Ladder<P> {
    /// The lamp, dark. `mid_share` is the light of mid as a share of bright.
    ///
    /// # Errors
    /// A line failed.
    pub fn new(lane: LaneId, mid: P, rest: P, lit: Active, mid_share: f32) -> Result<Self, JigError> {
        let mut lamp = Self {
            lane,
            mid,
            rest,
            lit,
            bright_from: f32::midpoint(1.0, mid_share),
        };
        lamp.show(Level::DARK)?;
        Ok(lamp)
    }

    fn show(&mut self, level: Level) -> Result<(), JigError> {
        let light = level.fraction();
        let (mid, rest) = (light > 0.0, light >= self.bright_from);
        // Going dark, the stronger line first; both are tried even when one fails.
        let second = self.rest.set_state(state(self.lit, rest));
        let first = self.mid.set_state(state(self.lit, mid));
        second.and(first).map_err(|error| JigError::Failed {
            lane: self.lane,
            part: PART,
            what: format!("line: {error:?}"),
        })
    }
}

impl<P: OutputPin + Send> Lamp for Ladder<P> {
    fn set(&mut self, level: Level) -> Result<(), JigError> {
        self.show(level)
    }
}

impl<P: OutputPin> Drop for Ladder<P> {
    fn drop(&mut self) {
        if let Err(error) = self.show(Level::DARK) {
            tracing::error!("{error}: the lamp may not be dark");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use embedded_hal_mock::eh1::MockError;
    use embedded_hal_mock::eh1::digital::{Mock, State, Transaction};

    use super::*;

    const HIGH: State = State::High;
    const LOW: State = State::Low;

    fn lines(states: &[State]) -> Mock {
        let expected: Vec<Transaction> = states.iter().map(|state| Transaction::set(*state)).collect();
        Mock::new(&expected)
    }

    fn lane() -> LaneId {
        LaneId::new(1).unwrap()
    }

    #[test]
    fn one_line_is_mid_both_are_bright_and_the_end_is_dark() {
        // Dark at first, bright, mid, dark; dark again when dropped.
        let mut mid = lines(&[LOW, HIGH, HIGH, LOW, LOW]);
        let mut rest = lines(&[LOW, HIGH, LOW, LOW, LOW]);
        let mut lamp = Ladder::new(lane(), mid.clone(), rest.clone(), Active::High, 0.5).unwrap();
        lamp.set(Level::FULL).unwrap();
        lamp.set(Level::new(0.5)).unwrap();
        lamp.set(Level::DARK).unwrap();
        drop(lamp);
        mid.done();
        rest.done();
    }

    #[test]
    fn lines_that_are_lit_at_ground_are_dark_at_3_3_volt() {
        let mut mid = lines(&[HIGH, LOW, HIGH]);
        let mut rest = lines(&[HIGH, HIGH, HIGH]);
        let mut lamp = Ladder::new(lane(), mid.clone(), rest.clone(), Active::Low, 0.5).unwrap();
        lamp.set(Level::new(0.4)).unwrap();
        drop(lamp);
        mid.done();
        rest.done();
    }

    #[test]
    fn a_line_that_fails_does_not_keep_the_other_one_lit() {
        let mut mid = lines(&[LOW, HIGH, LOW, LOW]);
        let mut rest = Mock::new(&[
            Transaction::set(LOW),
            Transaction::set(HIGH),
            Transaction::set(LOW).with_error(MockError::Io(ErrorKind::NotConnected)),
            Transaction::set(LOW),
        ]);
        let mut lamp = Ladder::new(lane(), mid.clone(), rest.clone(), Active::High, 0.5).unwrap();
        lamp.set(Level::FULL).unwrap();
        let said = lamp.set(Level::DARK).unwrap_err().to_string();
        assert!(said.starts_with("lane 1: lamp: line: "), "{said}");
        drop(lamp);
        mid.done();
        rest.done();
    }
}
