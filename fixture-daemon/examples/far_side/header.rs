//! The lines of an emulated board, from outside: what the daemon drives can be read, and what it reads can be driven.

use core::time::Duration;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::FileExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use blinkup::Tick;
use fixture_daemon::clock::Clock;

/// A board's header.
pub trait Header {
    /// What the daemon drives, or left driven: bit N is GPIO N, set for 3.3 V.
    ///
    /// # Errors
    /// The board cannot be asked.
    fn levels(&mut self) -> anyhow::Result<u32>;

    /// Puts a line that the daemon reads to 3.3 V or to ground.
    ///
    /// # Errors
    /// The board cannot be told.
    fn drive(&mut self, pin: u8, high: bool) -> anyhow::Result<()>;

    /// The time by which the board lives: units on its pins count by it, or a board that is slow would find them in a hurry.
    ///
    /// # Errors
    /// The board cannot be asked.
    fn now(&mut self) -> anyhow::Result<Tick>;
}

/// A simulated chip of this kernel (Linux, Documentation/admin-guide/gpio/gpio-sim.rst).
pub struct GpioSim {
    clock: Clock,
    driven: Vec<(u8, File)>,
    pulls: BTreeMap<u8, File>,
    folder: PathBuf,
}

impl GpioSim {
    /// The chip whose lines are in `folder`; `driven` are those that the daemon drives.
    ///
    /// # Errors
    /// A line is not there.
    pub fn open(folder: &Path, driven: &[u8]) -> anyhow::Result<Self> {
        let driven = driven
            .iter()
            .map(|pin| {
                let path = folder.join(format!("sim_gpio{pin}/value"));
                Ok((*pin, File::open(&path).with_context(|| path.display().to_string())?))
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(Self {
            clock: Clock::start(),
            driven,
            pulls: BTreeMap::new(),
            folder: folder.to_owned(),
        })
    }
}

impl Header for GpioSim {
    fn levels(&mut self) -> anyhow::Result<u32> {
        self.driven.iter().try_fold(0, |levels, (pin, file)| {
            let mut value = [0; 1];
            file.read_at(&mut value, 0)
                .with_context(|| format!("GPIO {pin} cannot be read"))?;
            Ok(levels | u32::from(value == *b"1") << pin)
        })
    }

    fn drive(&mut self, pin: u8, high: bool) -> anyhow::Result<()> {
        if !self.pulls.contains_key(&pin) {
            let path = self.folder.join(format!("sim_gpio{pin}/pull"));
            let file = File::options().write(true).open(&path);
            self.pulls
                .insert(pin, file.with_context(|| path.display().to_string())?);
        }
        let pull: &[u8] = if high { b"pull-up" } else { b"pull-down" };
        self.pulls
            .get(&pin)
            .context("a line that was just opened")?
            .write_all_at(pull, 0)
            .with_context(|| format!("GPIO {pin} cannot be driven"))
    }

    fn now(&mut self) -> anyhow::Result<Tick> {
        // One kernel, one time.
        Ok(self.clock.now())
    }
}

/// The processor of a Raspberry Pi 3 in QEMU, over its test socket (QEMU, docs/devel/testing/qtest.rst).
pub struct Qtest {
    said: BufReader<UnixStream>,
    /// The board's timer when it was last read, and what it has counted so far: it comes round every 71 minutes.
    last: u32,
    passed: Duration,
}

/// Registers of the GPIO block of the BCM2837 (BCM2835 ARM Peripherals, 6.1), where the Pi 3 has them.
const SET: u32 = 0x3f20_001c;
const CLEAR: u32 = 0x3f20_0028;
const LEVELS: u32 = 0x3f20_0034;
/// The system timer's counter of microseconds, its low half (12.1).
const MICROS: u32 = 0x3f00_3004;

impl Qtest {
    /// The board behind a socket.
    ///
    /// # Errors
    /// Nobody listens there.
    pub fn open(socket: &Path) -> anyhow::Result<Self> {
        let said = UnixStream::connect(socket).with_context(|| socket.display().to_string())?;
        let mut board = Self {
            said: BufReader::new(said),
            last: 0,
            passed: Duration::ZERO,
        };
        board.last = board.read(MICROS)?;
        Ok(board)
    }

    fn read(&mut self, register: u32) -> anyhow::Result<u32> {
        let answer = self.ask(&format!("readl {register:#x}"))?;
        let digits = answer.trim_start_matches("0x");
        let value = u64::from_str_radix(digits, 16).with_context(|| format!("register {register:#x}: {answer:?}"))?;
        u32::try_from(value).with_context(|| format!("register {register:#x}: more than 32 bits"))
    }

    /// One command and its answer.
    fn ask(&mut self, command: &str) -> anyhow::Result<String> {
        writeln!(self.said.get_mut(), "{command}").context("QEMU's test socket")?;
        loop {
            let mut answer = String::new();
            let read = self.said.read_line(&mut answer).context("QEMU's test socket")?;
            anyhow::ensure!(read > 0, "QEMU has closed its test socket");
            // Lines that begin otherwise tell of interrupts.
            if let Some(answer) = answer.strip_prefix("OK") {
                return Ok(answer.trim().to_owned());
            }
            anyhow::ensure!(answer.starts_with("IRQ"), "{command}: {}", answer.trim());
        }
    }
}

impl Header for Qtest {
    fn levels(&mut self) -> anyhow::Result<u32> {
        self.read(LEVELS)
    }

    fn drive(&mut self, pin: u8, high: bool) -> anyhow::Result<()> {
        // The model of the block takes these for an input's voltage: nothing else drives it there.
        let register = if high { SET } else { CLEAR };
        self.ask(&format!("writel {register:#x} {:#x}", 1_u32 << pin)).map(drop)
    }

    fn now(&mut self) -> anyhow::Result<Tick> {
        let timer = self.read(MICROS)?;
        self.passed += Duration::from_micros(timer.wrapping_sub(self.last).into());
        self.last = timer;
        Ok(Tick::ZERO + self.passed)
    }
}
