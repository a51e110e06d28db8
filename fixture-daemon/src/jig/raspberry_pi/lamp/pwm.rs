//! The processor's hardware PWM, by rppal, behind embedded-hal's trait.

use core::time::Duration;

use std::io::ErrorKind;

use embedded_hal::pwm::{self, ErrorType, SetDutyCycle};
use rppal::pwm::{Channel as Number, Error, Polarity, Pwm};

/// One channel. It stops when dropped.
pub struct Channel {
    number: u8,
    pwm: Pwm,
    period: Duration,
}

/// Why a channel is not to be had, or does not do what it is told.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// The machine is not a Raspberry Pi that is known.
    #[error("this machine is no Raspberry Pi that this release knows: hardware PWM is not to be had")]
    NoPi,
    /// The kernel has no such channel.
    #[error("PWM channel {0} is not there: config.txt must hold the overlay that hw/ names")]
    NotThere(u8),
    /// The kernel lets nobody write to it.
    #[error(
        "PWM channel {0} cannot be written: the service needs ProtectKernelTunables=no, and rights on /sys/class/pwm"
    )]
    ReadOnly(u8),
    /// Something else.
    #[error("PWM channel {0}: {1}")]
    Other(u8, String),
}

impl pwm::Error for ChannelError {
    fn kind(&self) -> pwm::ErrorKind {
        pwm::ErrorKind::Other
    }
}

impl Channel {
    /// A channel at duty 0.
    pub fn open(chip: Option<u8>, channel: u8, frequency: u32) -> Result<Self, ChannelError> {
        let period = Duration::from_secs(1) / frequency;
        let wrong = |error| wrong(channel, error);
        let pwm = match chip {
            Some(chip) => Pwm::with_pwmchip(chip, channel),
            None => Number::try_from(channel).and_then(Pwm::new),
        }
        .map_err(wrong)?;
        // First, in case an earlier owner left a pulse that is longer than this period.
        pwm.set_pulse_width(Duration::ZERO).map_err(wrong)?;
        pwm.set_period(period).map_err(wrong)?;
        pwm.set_polarity(Polarity::Normal).map_err(wrong)?;
        pwm.enable().map_err(wrong)?;
        Ok(Self {
            number: channel,
            pwm,
            period,
        })
    }
}

fn wrong(channel: u8, error: Error) -> ChannelError {
    match error {
        Error::UnknownModel => ChannelError::NoPi,
        Error::InvalidChannel => ChannelError::NotThere(channel),
        Error::Io(error) if error.kind() == ErrorKind::NotFound => ChannelError::NotThere(channel),
        Error::Io(error) if [ErrorKind::ReadOnlyFilesystem, ErrorKind::PermissionDenied].contains(&error.kind()) => {
            ChannelError::ReadOnly(channel)
        }
        Error::Io(error) => ChannelError::Other(channel, error.to_string()),
    }
}

impl ErrorType for Channel {
    type Error = ChannelError;
}

impl SetDutyCycle for Channel {
    fn max_duty_cycle(&self) -> u16 {
        u16::MAX
    }

    fn set_duty_cycle(&mut self, duty: u16) -> Result<(), ChannelError> {
        let pulse = self.period * u32::from(duty) / u32::from(u16::MAX);
        self.pwm
            .set_pulse_width(pulse)
            .map_err(|error| ChannelError::Other(self.number, error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_is_no_pi_is_told_and_not_a_panic() {
        if std::path::Path::new("/sys/firmware/devicetree/base/model").exists() {
            return;
        }
        let said = Channel::open(None, 0, 20_000).err().unwrap().to_string();
        assert!(said.contains("no Raspberry Pi"), "{said}");
    }
}
