//! A model of the I2C bus for tests, register by register: a TCA9548A, a TCS3472 on each channel, a PCA9685; with the time that bits take,
//! and with what goes wrong on real wires.

use core::convert::Infallible;
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard};

use blinkup::Tick;
use embedded_hal::digital::{self, OutputPin};
use embedded_hal::i2c::{ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation};

/// One bit at 400 kHz.
const BIT: Duration = Duration::from_nanos(2_500);
/// What the kernel takes for a call.
const CALL: Duration = Duration::from_micros(20);
/// After how long the kernel gives up a bus that is held low.
const TIME_OUT: Duration = Duration::from_millis(10);

/// A handle on the bus; a clone is another handle, as a second open device file would be.
#[derive(Clone)]
pub struct Bus {
    wires: Arc<Mutex<Wires>>,
    /// A bus of its own, that nobody holds.
    beside: bool,
}

/// What hangs on the bus.
pub struct Wires {
    now: Duration,
    /// The multiplexer's control register.
    selected: u8,
    /// The sensor on each channel; `None` while it is unplugged.
    pub sensors: [Option<Tcs>; 8],
    /// Channels on which somebody holds SDA or SCL low.
    pub held: [bool; 8],
    /// Somebody holds it low before the multiplexer.
    pub trunk: bool,
    /// Transfers that the kernel gave up.
    pub timed_out: u32,
    /// The expander's registers; `None` while it does not answer.
    pub expander: Option<[u8; 256]>,
}

/// The mean light between two moments, in counts a step at gain 1: clear, red, green, blue.
pub type Seen = Arc<dyn Fn(Tick, Tick) -> [f64; 4] + Send + Sync>;

/// A TCS3472.
#[derive(Clone)]
pub struct Tcs {
    registers: [u8; 32],
    /// When the converter was started.
    started: Option<Duration>,
    /// Light, in counts a step at gain 1: clear, red, green, blue.
    pub light: [u16; 4],
    /// Where light comes from that changes within an integration: its mean from one moment to another, in the place of `light`.
    pub seen: Option<Seen>,
    /// Integrations never end.
    pub frozen: bool,
}

impl Tcs {
    /// One that has just got its supply.
    pub fn new(light: [u16; 4]) -> Self {
        let mut registers = [0; 32];
        registers[0x01] = 0xFF;
        registers[0x12] = 0x44;
        Self {
            registers,
            started: None,
            light,
            seen: None,
            frozen: false,
        }
    }

    fn write(&mut self, now: Duration, register: u8, value: u8) {
        if register == 0x00 {
            let on = value & 0x03 == 0x03;
            let was = self.registers[0] & 0x03 == 0x03;
            match (was, on) {
                (false, true) => self.started = Some(now),
                (true, false) => self.started = None,
                (false, false) | (true, true) => {}
            }
        }
        self.registers[usize::from(register & 0x1F)] = value;
    }

    fn read(&self, now: Duration, register: u8) -> u8 {
        let steps = 256 - u16::from(self.registers[0x01]);
        let takes = Duration::from_micros(2_400) * u32::from(steps + 1);
        let done = !self.frozen && self.started.is_some_and(|started| now >= started + takes);
        let gain = [1, 4, 16, 60][usize::from(self.registers[0x0F] & 3)];
        match register {
            0x13 => u8::from(done),
            0x14..=0x1B if done => {
                let channel = usize::from(register - 0x14) / 2;
                let full = u32::from(1024 * steps);
                let counts = match (&self.seen, self.started) {
                    (Some(seen), Some(started)) => {
                        let at = |steps: u32| Tick::ZERO + started + Duration::from_micros(2_400) * steps;
                        let light = seen(at(1), at(1 + u32::from(steps)))[channel] * f64::from(gain) * f64::from(steps);
                        #[expect(
                            clippy::cast_possible_truncation,
                            clippy::cast_sign_loss,
                            reason = "light is not negative, and the cast saturates"
                        )]
                        let counts = light.round() as u32;
                        counts
                    }
                    (Some(_) | None, _) => u32::from(self.light[channel]) * gain * u32::from(steps),
                };
                counts.min(full).to_le_bytes()[usize::from(register & 1)]
            }
            0x14..=0x1B => 0,
            register => self.registers[usize::from(register & 0x1F)],
        }
    }
}

impl Bus {
    /// A bus with so many sensors on the first channels and an expander.
    pub fn new(sensors: usize) -> Self {
        let mut wires = Wires {
            now: Duration::from_secs(1),
            selected: 0,
            sensors: Default::default(),
            held: [false; 8],
            trunk: false,
            timed_out: 0,
            expander: Some([0; 256]),
        };
        if let Some(registers) = &mut wires.expander {
            registers[0] = 0x11;
        }
        for sensor in wires.sensors.iter_mut().take(sensors) {
            *sensor = Some(Tcs::new([20, 6, 5, 4]));
        }
        Self {
            wires: Arc::new(Mutex::new(wires)),
            beside: false,
        }
    }

    /// Another bus of the same board, with the expander on it: what holds up one does not hold up the other.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self {
            beside: true,
            ..self.clone()
        }
    }

    /// What hangs on it.
    ///
    /// # Panics
    /// Another test's thread has.
    pub fn wires(&self) -> MutexGuard<'_, Wires> {
        self.wires.lock().unwrap()
    }

    /// The time.
    pub fn now(&self) -> Tick {
        Tick::ZERO + self.wires().now
    }

    /// Lets time pass.
    pub fn wait_until(&self, at: Tick) {
        let mut wires = self.wires();
        wires.now = wires.now.max(at.since(Tick::ZERO));
    }
}

impl ErrorType for Bus {
    type Error = ErrorKind;
}

impl I2c for Bus {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), ErrorKind> {
        let mut wires = self.wires();
        wires.now += CALL;
        let held = wires.trunk || (0..8).any(|channel| wires.selected & 1 << channel != 0 && wires.held[channel]);
        if held && !self.beside {
            wires.now += TIME_OUT;
            wires.timed_out += 1;
            return Err(ErrorKind::Bus);
        }
        let mut register = 0;
        for operation in operations {
            let bytes = match &operation {
                Operation::Write(bytes) => bytes.len(),
                Operation::Read(bytes) => bytes.len(),
            };
            wires.now += BIT * 9 * u32::try_from(bytes + 1).unwrap();
            match operation {
                Operation::Write(bytes) => wires.write(address, bytes, &mut register)?,
                Operation::Read(bytes) => wires.read(address, bytes, register)?,
            }
        }
        Ok(())
    }
}

const NOBODY: ErrorKind = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address);

impl Wires {
    /// The channels that are open, a bit each.
    pub fn selected(&self) -> u8 {
        self.selected
    }

    fn sensor(&mut self) -> Result<&mut Tcs, ErrorKind> {
        let selected = self.selected;
        let mut answering = (0..8).filter(|channel| selected & 1 << channel != 0);
        let (one, other) = (answering.next(), answering.next());
        assert!(other.is_none(), "two sensors with one address answer at once");
        one.and_then(|channel: usize| self.sensors[channel].as_mut())
            .ok_or(NOBODY)
    }

    fn write(&mut self, address: u8, bytes: &[u8], register: &mut u8) -> Result<(), ErrorKind> {
        let now = self.now;
        match address {
            0x70 => {
                assert_eq!(bytes.len(), 1, "the multiplexer has one register");
                self.selected = bytes[0];
            }
            0x29 => {
                let sensor = self.sensor()?;
                let [command, data @ ..] = bytes else {
                    panic!("nothing written")
                };
                assert_eq!(command & 0x80, 0x80, "every access starts with a command");
                *register = command & 0x1F;
                for (place, value) in (0..).zip(data) {
                    sensor.write(now, *register + place, *value);
                }
            }
            0x40 => {
                let registers = self.expander.as_mut().ok_or(NOBODY)?;
                let [first, data @ ..] = bytes else {
                    panic!("nothing written")
                };
                *register = *first;
                for (place, value) in (usize::from(*first)..).zip(data) {
                    // Section 7.3.5: the prescaler is written only while asleep.
                    if place != 0xFE || registers[0] & 0x10 != 0 {
                        registers[place] = *value;
                    }
                }
            }
            _ => return Err(NOBODY),
        }
        Ok(())
    }

    fn read(&mut self, address: u8, bytes: &mut [u8], register: u8) -> Result<(), ErrorKind> {
        let now = self.now;
        for (place, byte) in (register..).zip(bytes) {
            *byte = match address {
                0x29 => self.sensor()?.read(now, place),
                0x40 => self.expander.as_ref().ok_or(NOBODY)?[usize::from(place)],
                _ => return Err(NOBODY),
            };
        }
        Ok(())
    }
}

/// The line at the multiplexer's RESET.
pub struct Reset(pub Bus);

impl digital::ErrorType for Reset {
    type Error = Infallible;
}

impl OutputPin for Reset {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.0.wires().selected = 0;
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
