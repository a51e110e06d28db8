//! The way to a printer: a serial port, or the device file of the kernel's USB printer driver.

use core::time::Duration;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, IsTerminal as _, Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;

use nix::fcntl::OFlag;

use super::super::serial::Port;
use crate::clock::Clock;

/// How often a device file that has nothing to say is asked again.
const AGAIN: Duration = Duration::from_millis(10);

/// An open printer.
pub enum Wire {
    /// A serial port.
    Serial(serialport::TTYPort),
    /// A device file, as `/dev/usb/lp0`.
    Device(File),
}

impl Wire {
    /// Opens the printer: a serial port where the file is a terminal's, else a printer's device file, whatever its name is.
    ///
    /// # Errors
    /// It is not there, or may not be used.
    pub fn open(port: &Port) -> Result<Self, String> {
        // Without the first flag a read would wait for a printer that has nothing to say; with the second a terminal stays a mere file.
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits())
            .open(&port.file)
            .map_err(|error| error.to_string())?;
        if file.is_terminal() {
            drop(file);
            return port.open().map(Self::Serial);
        }
        Ok(Self::Device(file))
    }

    /// Sends everything.
    ///
    /// # Errors
    /// The printer is gone, or takes nothing for ten seconds.
    pub fn send(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        let clock = Clock::start();
        let mut end = clock.now() + Duration::from_secs(10);
        while !bytes.is_empty() {
            let written = match self {
                Self::Serial(port) => port.write(bytes),
                Self::Device(file) => file.write(bytes),
            };
            match written {
                Ok(0) => return Err("takes nothing".to_owned()),
                Ok(length) => {
                    bytes = bytes.get(length..).unwrap_or_default();
                    end = clock.now() + Duration::from_secs(10);
                }
                Err(error) if is_later(&error) && clock.now() < end => clock.sleep_until(clock.now() + AGAIN),
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(())
    }

    /// What the printer says until `whole` finds an answer in it; `None` when it does not in this time.
    ///
    /// # Errors
    /// The printer is gone.
    pub fn answer<T>(
        &mut self,
        clock: Clock,
        within: Duration,
        whole: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<Option<T>, String> {
        let end = clock.now() + within;
        let mut heard = Vec::new();
        let mut piece = [0; 128];
        while clock.now() < end {
            let read = match self {
                Self::Serial(port) => port.read(&mut piece),
                Self::Device(file) => file.read(&mut piece),
            };
            match read {
                Ok(0) => clock.sleep_until(clock.now() + AGAIN),
                Ok(length) => {
                    heard.extend_from_slice(piece.get(..length).unwrap_or_default());
                    if let Some(answer) = whole(&heard) {
                        return Ok(Some(answer));
                    }
                }
                Err(error) if is_later(&error) => clock.sleep_until(clock.now() + AGAIN),
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(None)
    }
}

fn is_later(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use serialport::{SerialPort as _, TTYPort};

    use super::*;

    #[test]
    fn what_a_file_is_and_not_how_it_is_called_says_how_a_printer_is_spoken_to() {
        let folder = tempfile::tempdir().unwrap();
        let (_printer, line) = TTYPort::pair().unwrap();
        let names = ["printer-zebra", "lp0"].map(|name| folder.path().join(name));
        for (to, serial) in [(line.name().unwrap().as_str(), true), ("/dev/null", false)] {
            for name in &names {
                symlink(to, name).unwrap();
                let port = Port {
                    file: name.clone(),
                    baud: 9600,
                };
                let open = Wire::open(&port).unwrap();
                assert_eq!(matches!(open, Wire::Serial(_)), serial, "{} to {to}", name.display());
                std::fs::remove_file(name).unwrap();
            }
        }
    }
}
