//! GPIO lines, by the processor's registers or by the kernel's character device, behind embedded-hal's traits.

use core::convert::Infallible;
use std::sync::Arc;

use embedded_hal::digital::{self, ErrorKind, ErrorType, InputPin, OutputPin, PinState};
use gpiocdev::line::{Bias, Value};

use crate::config::{Active, GpioAccess};

/// The labels of the chip that has the header's lines: boards 1 to 3, 4, and 5 (Linux, drivers/pinctrl/bcm/pinctrl-bcm2835.c and
/// drivers/pinctrl/pinctrl-rp1.c).
const LABELS: [&str; 3] = ["pinctrl-bcm2835", "pinctrl-bcm2711", "pinctrl-rp1"];

/// Who holds the lines, as `gpioinfo` shows it.
const CONSUMER: &str = "fixture-daemon";

/// Why a line is not to be had or does not do what it is told.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GpioError {
    /// The machine is not a Raspberry Pi that is known.
    #[error("this machine is no Raspberry Pi that this release knows: the GPIO registers are not to be had")]
    NoPi,
    /// The registers are there, and not to be had.
    #[error("the GPIO registers are not to be had: {0}: is the service in the group of /dev/gpiomem?")]
    Registers(String),
    /// No chip has the header's lines.
    #[error("no /dev/gpiochip with the label {}: is this machine a Raspberry Pi?", LABELS.join(" or "))]
    NoChip,
    /// One line.
    #[error("GPIO {pin}: {what}")]
    Line {
        /// The line.
        pin: u8,
        /// What the system says.
        what: String,
    },
}

impl digital::Error for GpioError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

impl From<Infallible> for GpioError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// The header's lines; a clone is another handle.
#[derive(Clone)]
pub struct Gpio(Access);

#[derive(Clone)]
enum Access {
    Registers(rppal::gpio::Gpio),
    Chip(Arc<std::path::Path>),
}

/// The resistor at an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pull {
    /// None inside the processor.
    None,
    /// To 3.3 V.
    Up,
    /// To ground.
    Down,
}

impl Gpio {
    /// The lines of this machine.
    ///
    /// # Errors
    /// It has none, or they may not be used.
    pub fn open(access: GpioAccess) -> Result<Self, GpioError> {
        Ok(Self(match access {
            GpioAccess::Registers => Access::Registers(rppal::gpio::Gpio::new().map_err(|error| match error {
                rppal::gpio::Error::UnknownModel => GpioError::NoPi,
                error @ (rppal::gpio::Error::PinUsed(_)
                | rppal::gpio::Error::PinNotAvailable(_)
                | rppal::gpio::Error::PermissionDenied(_)
                | rppal::gpio::Error::Io(_)
                | rppal::gpio::Error::ThreadPanic) => GpioError::Registers(error.to_string()),
            })?),
            GpioAccess::CharacterDevice => Access::Chip(chip()?.into()),
        }))
    }

    /// An output that starts at `first`.
    ///
    /// # Errors
    /// Something else uses the line, or it may not be used.
    pub fn output(&self, pin: u8, first: PinState) -> Result<Output, GpioError> {
        let wrong = |what: String| GpioError::Line { pin, what };
        let line = match &self.0 {
            Access::Registers(gpio) => {
                let line = gpio.get(pin).map_err(|error| wrong(error.to_string()))?;
                OutputLine::Register(match first {
                    PinState::Low => line.into_output_low(),
                    PinState::High => line.into_output_high(),
                })
            }
            Access::Chip(chip) => OutputLine::Chip(
                gpiocdev::Request::builder()
                    .on_chip(chip.as_ref())
                    .with_consumer(CONSUMER)
                    .with_line(pin.into())
                    .as_output(value(first))
                    .request()
                    .map_err(|error| wrong(error.to_string()))?,
            ),
        };
        Ok(Output { pin, line })
    }

    /// An input.
    ///
    /// # Errors
    /// Something else uses the line, or it may not be used.
    pub fn input(&self, pin: u8, pull: Pull) -> Result<Input, GpioError> {
        let wrong = |what: String| GpioError::Line { pin, what };
        let line = match &self.0 {
            Access::Registers(gpio) => {
                let line = gpio.get(pin).map_err(|error| wrong(error.to_string()))?;
                InputLine::Register(match pull {
                    Pull::None => line.into_input(),
                    Pull::Up => line.into_input_pullup(),
                    Pull::Down => line.into_input_pulldown(),
                })
            }
            Access::Chip(chip) => InputLine::Chip(
                gpiocdev::Request::builder()
                    .on_chip(chip.as_ref())
                    .with_consumer(CONSUMER)
                    .with_line(pin.into())
                    .as_input()
                    .with_bias(match pull {
                        Pull::None => None,
                        Pull::Up => Some(Bias::PullUp),
                        Pull::Down => Some(Bias::PullDown),
                    })
                    .request()
                    .map_err(|error| wrong(error.to_string()))?,
            ),
        };
        Ok(Input { pin, line })
    }

    /// The character device with the header's lines, for parts that want its edge events; `None` with registers.
    pub fn chip(&self) -> Option<&std::path::Path> {
        match &self.0 {
            Access::Registers(_) => None,
            Access::Chip(chip) => Some(chip),
        }
    }
}

/// The chip with the header's lines, by its label: numbers differ between boards and kernels.
fn chip() -> Result<std::path::PathBuf, GpioError> {
    gpiocdev::chip::chips()
        .map_err(|_| GpioError::NoChip)?
        .into_iter()
        .find(|path| {
            gpiocdev::chip::Chip::from_path(path)
                .and_then(|chip| chip.info())
                .is_ok_and(|info| LABELS.contains(&info.label.as_str()))
        })
        .ok_or(GpioError::NoChip)
}

fn value(state: PinState) -> Value {
    match state {
        PinState::Low => Value::Inactive,
        PinState::High => Value::Active,
    }
}

impl Active {
    /// The state of a line that says yes or no.
    #[must_use]
    pub fn state(self, yes: bool) -> PinState {
        PinState::from(yes == (self == Self::High))
    }

    /// The resistor that makes an open line say no.
    pub fn pull(self) -> Pull {
        match self {
            Self::Low => Pull::Up,
            Self::High => Pull::Down,
        }
    }
}

/// An output line. Released when dropped; the board's pull-down then decides.
pub struct Output {
    pin: u8,
    line: OutputLine,
}

enum OutputLine {
    Register(rppal::gpio::OutputPin),
    Chip(gpiocdev::Request),
}

impl Output {
    fn set(&mut self, state: PinState) -> Result<(), GpioError> {
        match &mut self.line {
            OutputLine::Register(line) => {
                match state {
                    PinState::Low => line.set_low(),
                    PinState::High => line.set_high(),
                }
                Ok(())
            }
            OutputLine::Chip(line) => line.set_lone_value(value(state)).map_err(|error| GpioError::Line {
                pin: self.pin,
                what: error.to_string(),
            }),
        }
    }
}

impl ErrorType for Output {
    type Error = GpioError;
}

impl OutputPin for Output {
    fn set_low(&mut self) -> Result<(), GpioError> {
        self.set(PinState::Low)
    }

    fn set_high(&mut self) -> Result<(), GpioError> {
        self.set(PinState::High)
    }
}

/// An input line.
pub struct Input {
    pin: u8,
    line: InputLine,
}

enum InputLine {
    Register(rppal::gpio::InputPin),
    Chip(gpiocdev::Request),
}

impl ErrorType for Input {
    type Error = GpioError;
}

impl InputPin for Input {
    fn is_high(&mut self) -> Result<bool, GpioError> {
        match &self.line {
            InputLine::Register(line) => Ok(line.is_high()),
            InputLine::Chip(line) => {
                line.lone_value()
                    .map(|value| value == Value::Active)
                    .map_err(|error| GpioError::Line {
                        pin: self.pin,
                        what: error.to_string(),
                    })
            }
        }
    }

    fn is_low(&mut self) -> Result<bool, GpioError> {
        self.is_high().map(|high| !high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_is_no_pi_is_told_and_not_a_panic() {
        if std::path::Path::new("/dev/gpiomem").exists() {
            return;
        }
        let said = Gpio::open(GpioAccess::Registers).err().unwrap().to_string();
        assert!(said.contains("no Raspberry Pi"), "{said}");
        let said = Gpio::open(GpioAccess::CharacterDevice).err().unwrap().to_string();
        assert!(
            said.contains("no /dev/gpiochip with the label pinctrl-bcm2835"),
            "{said}"
        );
    }

    #[test]
    fn a_line_says_yes_at_its_own_voltage() {
        assert_eq!(Active::Low.state(true), PinState::Low);
        assert_eq!(Active::Low.state(false), PinState::High);
        assert_eq!(Active::High.state(true), PinState::High);
        assert_eq!(Active::High.state(false), PinState::Low);
        assert_eq!(Active::Low.pull(), Pull::Up);
    }
}
