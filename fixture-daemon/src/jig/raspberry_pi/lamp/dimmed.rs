//! A lamp on a PWM channel.

use blinkup::Level;
use embedded_hal::pwm::{Error as _, SetDutyCycle};
use fixture_link::identity::LaneId;

use super::PART;
use super::curve::Curve;
use crate::jig::{JigError, Lamp};

/// A lamp whose light is a PWM channel's duty. Dark when dropped.
pub struct Dimmed<P: SetDutyCycle> {
    lane: LaneId,
    channel: P,
    curve: Curve,
}

impl<P: SetDutyCycle> Dimmed<P> {
    /// The lamp, dark.
    ///
    /// # Errors
    /// The channel failed.
    pub fn new(lane: LaneId, channel: P, curve: Curve) -> Result<Self, JigError> {
        let mut lamp = Self { lane, channel, curve };
        lamp.show(Level::DARK)?;
        Ok(lamp)
    }

    fn show(&mut self, level: Level) -> Result<(), JigError> {
        let most = self.channel.max_duty_cycle();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of `most`, which fits"
        )]
        let duty = (self.curve.duty(level) * f32::from(most)).round() as u16;
        self.channel
            .set_duty_cycle(duty.min(most))
            .map_err(|error| JigError::Failed {
                lane: self.lane,
                part: PART,
                what: format!("PWM: {}: {error:?}", error.kind()),
            })
    }
}

impl<P: SetDutyCycle + Send> Lamp for Dimmed<P> {
    fn set(&mut self, level: Level) -> Result<(), JigError> {
        self.show(level)
    }
}

impl<P: SetDutyCycle> Drop for Dimmed<P> {
    fn drop(&mut self) {
        if let Err(error) = self.show(Level::DARK) {
            tracing::error!("{error}: the lamp may not be dark");
        }
    }
}

#[cfg(test)]
mod tests {
    use embedded_hal_mock::eh1::MockError;
    use embedded_hal_mock::eh1::pwm::{Mock, Transaction};
    use std::io::ErrorKind;

    use super::*;

    fn lane() -> LaneId {
        LaneId::new(2).unwrap()
    }

    #[test]
    fn levels_are_duties_by_the_lamps_curve_and_the_end_is_dark() {
        let mut channel = Mock::new(&[
            Transaction::max_duty_cycle(1000),
            Transaction::set_duty_cycle(0),
            Transaction::max_duty_cycle(1000),
            Transaction::set_duty_cycle(1000),
            Transaction::max_duty_cycle(1000),
            Transaction::set_duty_cycle(400),
            Transaction::max_duty_cycle(1000),
            Transaction::set_duty_cycle(0),
        ]);
        let curve = Curve::new(&[(0.4, 0.5)]).unwrap();
        let mut lamp = Dimmed::new(lane(), channel.clone(), curve).unwrap();
        lamp.set(Level::FULL).unwrap();
        lamp.set(Level::new(0.5)).unwrap();
        drop(lamp);
        channel.done();
    }

    #[test]
    fn a_channel_that_fails_is_named_with_its_lane() {
        let mut channel = Mock::new(&[
            Transaction::max_duty_cycle(1000),
            Transaction::set_duty_cycle(0),
            Transaction::max_duty_cycle(1000),
            Transaction::set_duty_cycle(1000).with_error(MockError::Io(ErrorKind::NotFound)),
            Transaction::max_duty_cycle(1000),
            Transaction::set_duty_cycle(0),
        ]);
        let mut lamp = Dimmed::new(lane(), channel.clone(), Curve::default()).unwrap();
        let said = lamp.set(Level::FULL).unwrap_err().to_string();
        assert!(said.starts_with("lane 2: lamp: PWM: "), "{said}");
        drop(lamp);
        channel.done();
    }
}
