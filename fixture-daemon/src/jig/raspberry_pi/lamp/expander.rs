//! A lamp on a channel of a PCA9685, the 16-channel PWM expander on I2C (NXP data sheet PCA9685, rev. 4, 2015).

use blinkup::Level;
use embedded_hal::i2c::{Error as _, I2c};
use fixture_link::identity::LaneId;

use super::super::bus::Trunk;
use super::PART;
use super::curve::Curve;
use crate::jig::{JigError, Lamp};

/// MODE1 (table 5). After power-up it is 0x11: asleep, all-call answered.
const MODE1: u8 = 0x00;
/// MODE1: the register number counts up by itself.
const AUTO_INCREMENT: u8 = 0x20;
/// MODE1: the oscillator is off; the prescaler can be written only then (section 7.3.5; table 3, note 1: page 12 of rev. 3, 2010).
const SLEEP: u8 = 0x10;
/// The first register of LED0: ON low, ON high, OFF low, OFF high; four registers a channel (table 7; LED9's begin at 0x2A on page 23 of
/// 52).
const LED0_ON_L: u8 = 0x06;
/// The prescaler of the period (section 7.3.5).
const PRE_SCALE: u8 = 0xFE;
/// In an ON high or OFF high register: all the time (section 7.3.3).
const ALL_THE_TIME: u8 = 0x10;
/// Steps of a period.
const STEPS: f32 = 4096.0;
/// The oscillator in hertz (section 7.3.5).
const OSCILLATOR: u32 = 25_000_000;

/// A PCA9685 as one of its channels' users sees it. Every lane holds its own handle of the bus; the set-up is the same for all.
pub struct Pca9685<I> {
    bus: I,
    trunk: Trunk,
    address: u8,
    prescale: u8,
}

impl<I: I2c> Pca9685<I> {
    /// The chip at `address`, not touched yet; `trunk` is its bus as the sensors see it, `frequency` periods a second, 24 to 1526.
    pub fn new(bus: I, trunk: Trunk, address: u8, frequency: u32) -> Self {
        let steps = OSCILLATOR / 4096;
        let prescale = (steps + frequency / 2) / frequency.max(1);
        Self {
            bus,
            trunk,
            address,
            // Section 7.3.5: the value less one, and 3 at least.
            prescale: u8::try_from(prescale.saturating_sub(1)).unwrap_or(u8::MAX).max(3),
        }
    }

    /// Sets a channel's duty, 0 to 1. A chip that is asleep (it has just got its supply) is set up first.
    ///
    /// # Errors
    /// The bus failed.
    pub fn set(&mut self, channel: u8, duty: f32) -> Result<(), I::Error> {
        let write = Self::channel(channel, duty);
        let mut mode = [0];
        let _turn = self.trunk.lamp();
        self.bus.write_read(self.address, &[MODE1], &mut mode)?;
        self.bus.write(self.address, &write)?;
        if mode[0] & (SLEEP | AUTO_INCREMENT) == AUTO_INCREMENT {
            return Ok(());
        }
        self.bus.write(self.address, &[MODE1, SLEEP | AUTO_INCREMENT])?;
        self.bus.write(self.address, &[PRE_SCALE, self.prescale])?;
        self.bus.write(self.address, &[MODE1, AUTO_INCREMENT])?;
        // Section 7.3.1: up to 500 µs until the oscillator runs; the first period may be short of light, no more.
        self.bus.write(self.address, &write)
    }

    /// The registers of a channel at a duty: its first register, and what the four are to hold.
    fn channel(channel: u8, duty: f32) -> [u8; 5] {
        let first = LED0_ON_L + 4 * (channel & 0x0F);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0 to 4096, and the cast saturates"
        )]
        let steps = (duty * STEPS).round() as u16;
        match steps {
            0 => [first, 0, 0, 0, ALL_THE_TIME],
            1..=4095 => {
                let [low, high] = steps.to_le_bytes();
                [first, 0, 0, low, high]
            }
            4096.. => [first, 0, ALL_THE_TIME, 0, 0],
        }
    }
}

/// One lane's lamp on a channel of the expander. Dark when dropped.
pub struct Expander<I: I2c> {
    lane: LaneId,
    chip: Pca9685<I>,
    channel: u8,
    curve: Curve,
}

impl<I: I2c> Expander<I> {
    /// The lamp; the chip is set up with the first level.
    pub fn new(lane: LaneId, chip: Pca9685<I>, channel: u8, curve: Curve) -> Self {
        Self {
            lane,
            chip,
            channel,
            curve,
        }
    }

    fn show(&mut self, level: Level) -> Result<(), JigError> {
        self.chip
            .set(self.channel, self.curve.duty(level))
            .map_err(|error| JigError::Failed {
                lane: self.lane,
                part: PART,
                what: format!("PCA9685 at 0x{:02X}: {}: {error:?}", self.chip.address, error.kind()),
            })
    }
}

impl<I: I2c + Send> Lamp for Expander<I> {
    fn set(&mut self, level: Level) -> Result<(), JigError> {
        self.show(level)
    }
}

impl<I: I2c> Drop for Expander<I> {
    fn drop(&mut self) {
        if let Err(error) = self.show(Level::DARK) {
            tracing::error!("{error}: the lamp may not be dark");
        }
    }
}

#[cfg(test)]
mod tests {
    use embedded_hal::i2c::{ErrorKind, NoAcknowledgeSource};
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};

    use super::*;

    const AT: u8 = 0x40;

    /// One level: MODE1 is read (and is `mode`), and the channel written.
    fn level(mode: u8, write: [u8; 5]) -> Vec<Transaction> {
        vec![
            Transaction::write_read(AT, vec![0x00], vec![mode]),
            Transaction::write(AT, write.to_vec()),
        ]
    }

    fn lamp(bus: &Mock) -> Expander<Mock> {
        let chip = Pca9685::new(bus.clone(), Trunk::default(), AT, 1526);
        Expander::new(LaneId::new(3).unwrap(), chip, 2, Curve::default())
    }

    #[test]
    fn levels_are_the_data_sheets_bytes() {
        // Table 7 (LED9 begins at 0x2A on page 23, four registers a channel from 0x06 on): channel 2 begins at 0x0E. Bright is ON all the
        // time, mid OFF at step 2048 (0x0800), dark OFF all the time.
        let mut bus = Mock::new(
            &[
                level(0x20, [0x0E, 0, 0x10, 0, 0]),
                level(0x20, [0x0E, 0, 0, 0x00, 0x08]),
                level(0x20, [0x0E, 0, 0, 0, 0x10]),
                level(0x20, [0x0E, 0, 0, 0, 0x10]),
            ]
            .concat(),
        );
        let mut lamp = lamp(&bus);
        lamp.set(Level::FULL).unwrap();
        lamp.set(Level::new(0.5)).unwrap();
        lamp.set(Level::DARK).unwrap();
        drop(lamp);
        bus.done();
    }

    #[test]
    fn a_chip_that_has_just_got_its_supply_is_set_up() {
        let mut bus = Mock::new(
            &[
                // Table 5: 0x11 after power-up.
                level(0x11, [0x0E, 0, 0x10, 0, 0]),
                vec![
                    Transaction::write(AT, vec![0x00, 0x30]),
                    // 25 MHz / 4096 / 1526 Hz = 4, less one: the least there is.
                    Transaction::write(AT, vec![0xFE, 0x03]),
                    Transaction::write(AT, vec![0x00, 0x20]),
                    Transaction::write(AT, vec![0x0E, 0, 0x10, 0, 0]),
                ],
                level(0x20, [0x0E, 0, 0, 0, 0x10]),
            ]
            .concat(),
        );
        let mut lamp = lamp(&bus);
        lamp.set(Level::FULL).unwrap();
        drop(lamp);
        bus.done();
    }

    #[test]
    fn the_prescaler_follows_the_data_sheets_example() {
        // Section 7.3.5: 200 Hz with the internal oscillator is 30.
        let mut bus = Mock::new(&[]);
        assert_eq!(Pca9685::new(bus.clone(), Trunk::default(), AT, 200).prescale, 0x1E);
        bus.done();
    }

    #[test]
    fn a_chip_that_does_not_answer_is_named_and_tried_again() {
        let no_answer = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address);
        let mut bus = Mock::new(
            &[
                vec![Transaction::write_read(AT, vec![0x00], vec![0]).with_error(no_answer)],
                level(0x20, [0x0E, 0, 0x10, 0, 0]),
                level(0x20, [0x0E, 0, 0, 0, 0x10]),
            ]
            .concat(),
        );
        let mut lamp = lamp(&bus);
        let said = lamp.set(Level::FULL).unwrap_err().to_string();
        assert!(said.starts_with("lane 3: lamp: PCA9685 at 0x40: "), "{said}");
        lamp.set(Level::FULL).unwrap();
        drop(lamp);
        bus.done();
    }
}
