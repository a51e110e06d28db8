//! A GPIO line that this process drives.

use std::path::Path;

use embedded_hal::digital::{Error, ErrorKind, ErrorType, OutputPin};
use gpiocdev::Request;
use gpiocdev::line::Value;

use super::PanelError;

/// A line of a GPIO character device, held as long as this lives.
#[derive(Debug)]
pub struct Line {
    request: Request,
}

/// The kernel refused to set a line.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct LineError(#[from] gpiocdev::Error);

impl Line {
    /// Takes the line `number` of the chip and drives it to `first`.
    ///
    /// # Errors
    /// The chip or the line is not there, or is held by another.
    pub fn take(chip: &Path, number: u32, first: Value) -> Result<Self, PanelError> {
        let request = Request::builder()
            .on_chip(chip)
            .with_consumer("fixture-ui")
            .with_line(number)
            .as_output(first)
            .request()
            .map_err(|error| PanelError::new(format!("{} line {number}", chip.display()), "take", error))?;
        Ok(Self { request })
    }
}

impl Error for LineError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

impl ErrorType for Line {
    type Error = LineError;
}

impl OutputPin for Line {
    fn set_low(&mut self) -> Result<(), LineError> {
        Ok(self.request.set_lone_value(Value::Inactive)?)
    }

    fn set_high(&mut self) -> Result<(), LineError> {
        Ok(self.request.set_lone_value(Value::Active)?)
    }
}
