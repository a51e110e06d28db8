//! The four-wire bus of a panel's controller: SPI, and the line that tells data from commands.

use core::fmt::Display;

use embedded_hal::digital::OutputPin;
use embedded_hal::spi::SpiDevice;
use mipidsi::interface::{Interface, InterfaceKind};

use super::PanelError;

/// So many bytes go to the kernel at once: the buffer of its spidev driver (module parameter `bufsiz`, 4096 unless set), which
/// refuses more in one call.
const BATCH: usize = 4096;

/// The bus. It owns its buffer, where mipidsi's own one borrows it for as long as the panel lives.
pub struct Bus<S, O> {
    device: String,
    spi: S,
    dc: O,
    batch: Vec<u8>,
}

impl<S, O> Bus<S, O>
where
    S: SpiDevice,
    S::Error: Display,
    O: OutputPin,
    O::Error: Display,
{
    /// A bus that mistakes call `device`.
    pub fn new(device: String, spi: S, dc: O) -> Self {
        Self {
            device,
            spi,
            dc,
            batch: Vec::with_capacity(BATCH),
        }
    }

    /// What mistakes call it.
    pub fn device(&self) -> &str {
        &self.device
    }

    fn flush(&mut self) -> Result<(), PanelError> {
        let sent = self.spi.write(&self.batch);
        self.batch.clear();
        sent.map_err(|error| PanelError::new(&self.device, "write pixels", error.to_string()))
    }
}

impl<S, O> Interface for Bus<S, O>
where
    S: SpiDevice,
    S::Error: Display,
    O: OutputPin,
    O::Error: Display,
{
    type Word = u8;
    type Error = PanelError;

    const KIND: InterfaceKind = InterfaceKind::Serial4Line;

    fn send_command(&mut self, command: u8, args: &[u8]) -> Result<(), PanelError> {
        let line = |error: O::Error| PanelError::new(&self.device, "set the D/C line", error.to_string());
        let write = |error: S::Error| PanelError::new(&self.device, "write a command", error.to_string());
        self.dc.set_low().map_err(line)?;
        self.spi.write(&[command]).map_err(write)?;
        self.dc.set_high().map_err(line)?;
        if args.is_empty() {
            return Ok(());
        }
        self.spi.write(args).map_err(write)
    }

    fn send_pixels<const N: usize>(&mut self, pixels: impl IntoIterator<Item = [u8; N]>) -> Result<(), PanelError> {
        for pixel in pixels {
            if self.batch.len() + N > BATCH {
                self.flush()?;
            }
            self.batch.extend_from_slice(&pixel);
        }
        if self.batch.is_empty() {
            return Ok(());
        }
        self.flush()
    }

    fn send_repeated_pixel<const N: usize>(&mut self, pixel: [u8; N], count: u32) -> Result<(), PanelError> {
        self.send_pixels((0..count).map(|_| pixel))
    }
}
