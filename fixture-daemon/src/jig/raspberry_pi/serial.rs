//! Serial ports that may be unplugged and come back: a thread a port opens it again and again.

use core::time::Duration;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;

use serialport::{SerialPort, TTYPort};

use crate::clock::Clock;

/// How long a read waits: how soon the thread notices its end.
const READ: Duration = Duration::from_millis(50);

/// How long after a failure a port is opened again: a USB device needs a second to come back.
const AGAIN: Duration = Duration::from_millis(500);

/// A port and its speed: 8 data bits, no parity, 1 stop bit. A USB device takes any speed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// The device file, best a name under `/dev/serial/by-id/`.
    pub file: PathBuf,
    /// Bits a second.
    pub baud: u32,
}

impl Port {
    /// Opens the port, for this process alone.
    ///
    /// # Errors
    /// It is not there, is not a serial port, or somebody else has it: what the system says, with its name.
    pub fn open(&self) -> Result<TTYPort, String> {
        let name = self.file.to_string_lossy();
        serialport::new(name, self.baud)
            .timeout(READ)
            .open_native()
            .map_err(|error| format!("{}: {error}", self.file.display()))
    }
}

/// What comes from a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// The port is open.
    Open,
    /// Bytes.
    Bytes(Vec<u8>),
    /// It is quiet since the last bytes.
    Quiet,
    /// It cannot be opened, or was lost; it is tried again.
    Lost(String),
}

/// A thread that reads a port until it is dropped.
pub struct Reader {
    heard: Receiver<Heard>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    file: PathBuf,
}

impl Reader {
    /// Starts reading. The port need not be there.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(port: Port, name: &str) -> std::io::Result<Self> {
        let (told, heard) = channel();
        let ended = Arc::new(AtomicBool::new(false));
        let file = port.file.clone();
        let thread = {
            let ended = Arc::clone(&ended);
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || read(&port, &told, &ended))?
        };
        Ok(Self {
            heard,
            ended,
            thread: Some(thread),
            file,
        })
    }

    /// The next that was heard, if anything was.
    pub fn next(&self) -> Option<Heard> {
        match self.heard.try_recv() {
            Ok(heard) => Some(heard),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Heard::Lost("its thread has ended".to_owned())),
        }
    }

    /// The device file.
    pub fn file(&self) -> &Path {
        &self.file
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic in it has been told by the thread itself.
            let _ = thread.join();
        }
    }
}

fn read(port: &Port, told: &Sender<Heard>, ended: &AtomicBool) {
    let clock = Clock::start();
    let goes_on = || !ended.load(Ordering::Relaxed);
    while goes_on() {
        let lost = match port.open() {
            Ok(mut open) => {
                if told.send(Heard::Open).is_err() {
                    return;
                }
                read_open(&mut open, told, &goes_on)
            }
            Err(why) => Some(why),
        };
        let Some(why) = lost else { return };
        if told.send(Heard::Lost(why)).is_err() {
            return;
        }
        let again = clock.now() + AGAIN;
        while goes_on() && clock.now() < again {
            clock.sleep_until(clock.now() + READ);
        }
    }
}

/// Reads until the port is lost (why) or nobody listens any more.
fn read_open(open: &mut TTYPort, told: &Sender<Heard>, goes_on: &impl Fn() -> bool) -> Option<String> {
    let mut buffer = [0; 256];
    while goes_on() {
        let heard = match open.read(&mut buffer) {
            // The end of a file: the device is gone.
            Ok(0) => return Some(format!("{}: unplugged", open.name().unwrap_or_default())),
            Ok(length) => Heard::Bytes(buffer.get(..length).unwrap_or_default().to_vec()),
            Err(error) if error.kind() == ErrorKind::TimedOut => Heard::Quiet,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Some(format!("{}: {error}", open.name().unwrap_or_default())),
        };
        if told.send(heard).is_err() {
            return None;
        }
    }
    None
}
