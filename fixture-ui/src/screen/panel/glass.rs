//! A controller that records: it takes bytes as an ILI9341 or ST7789 does, and shows what a person would see on its glass.

use core::convert::Infallible;
use std::sync::{Arc, Mutex};

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget as _;
use embedded_graphics::geometry::Point;
use embedded_graphics::pixelcolor::Rgb565;
use embedded_graphics::pixelcolor::raw::RawU16;
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;
use embedded_hal::spi::{ErrorKind, Operation, SpiDevice};
use fixture_link::settings::Rotation;

use crate::screen::SMALL;
use crate::screen::frame::Frame;

/// Columns and rows of the memory, upright.
const COLUMNS: usize = 240;
const ROWS: usize = 320;

/// What the controller holds.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the controller")]
pub struct Glass {
    memory: Vec<u16>,
    data: bool,
    command: u8,
    args: Vec<u8>,
    columns: (u16, u16),
    rows: (u16, u16),
    at: (u16, u16),
    half: Option<u8>,
    /// Bits of 0x36.
    pub mode: u8,
    /// The argument of 0x3A.
    pub format: u8,
    /// 0x21 was last, not 0x20.
    pub inverted: bool,
    /// 0x11 came after the reset.
    pub awake: bool,
    /// 0x29 came after the reset.
    pub on: bool,
    /// The backlight's line.
    pub lit: bool,
    /// Resets, by line or command.
    pub resets: usize,
    /// Bytes since the last [`Peek::count`].
    pub bytes: usize,
    /// The longest write.
    pub longest: usize,
    /// Microseconds that were waited.
    pub waited_us: u64,
    /// So many writes from now the bus fails, until it is mended.
    pub fails_after: Option<usize>,
    /// Whether any pixel but black was in memory while the glass was awake, on and lit.
    pub was_visible: bool,
}

/// The bus is unplugged.
#[derive(Debug, Clone, Copy)]
pub struct Unplugged;

impl core::fmt::Display for Unplugged {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("unplugged")
    }
}

impl embedded_hal::spi::Error for Unplugged {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

/// A look at the glass, and its pins.
#[derive(Debug, Clone)]
pub struct Peek(pub Arc<Mutex<Glass>>);

/// Its SPI side.
#[derive(Debug)]
pub struct Spi(Peek);

/// What a line of it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    DataOrCommand,
    Reset,
    Backlight,
}

/// One of its lines.
#[derive(Debug)]
pub struct Pin(Peek, Does);

/// A wait that only counts.
#[derive(Debug)]
pub struct Wait(Peek);

impl Peek {
    /// A panel whose memory holds what an earlier process left.
    pub fn new(left: u16) -> Self {
        Self(Arc::new(Mutex::new(Glass {
            memory: vec![left; COLUMNS * ROWS],
            data: false,
            command: 0,
            args: Vec::new(),
            columns: (0, 239),
            rows: (0, 319),
            at: (0, 0),
            half: None,
            mode: 0,
            format: 0x66,
            inverted: false,
            awake: false,
            on: false,
            lit: false,
            resets: 0,
            bytes: 0,
            longest: 0,
            waited_us: 0,
            fails_after: None,
            was_visible: false,
        })))
    }

    pub fn spi(&self) -> Spi {
        Spi(self.clone())
    }

    pub fn dc(&self) -> Pin {
        Pin(self.clone(), Does::DataOrCommand)
    }

    pub fn reset(&self) -> Pin {
        Pin(self.clone(), Does::Reset)
    }

    pub fn backlight(&self) -> Pin {
        Pin(self.clone(), Does::Backlight)
    }

    pub fn wait(&self) -> Wait {
        Wait(self.clone())
    }

    pub fn with<T>(&self, look: impl FnOnce(&mut Glass) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    /// The bytes since this was last asked.
    pub fn count(&self) -> usize {
        self.with(|glass| core::mem::take(&mut glass.bytes))
    }

    /// What a person sees who turned the panel so that the picture should stand upright.
    pub fn seen(&self, rotation: Rotation) -> Frame {
        self.with(|glass| glass.seen(rotation))
    }
}

impl Glass {
    fn reset(&mut self) {
        self.resets += 1;
        (self.mode, self.format, self.inverted) = (0, 0x66, false);
        (self.awake, self.on) = (false, false);
        (self.columns, self.rows) = ((0, 239), (0, 319));
    }

    fn byte(&mut self, byte: u8) {
        self.bytes += 1;
        if !self.data {
            self.command = byte;
            self.args.clear();
            match byte {
                0x01 => self.reset(),
                0x11 => self.awake = true,
                0x20 => self.inverted = false,
                0x21 => self.inverted = true,
                0x28 => self.on = false,
                0x29 => self.on = true,
                0x2C => {
                    self.at = (self.columns.0, self.rows.0);
                    self.half = None;
                }
                0x13 | 0x2A | 0x2B | 0x36 | 0x3A | 0xB4 => {}
                other => panic!("no command of these controllers that a screen needs: {other:#04x}"),
            }
            return;
        }
        if self.command == 0x2C {
            return match self.half.take() {
                None => self.half = Some(byte),
                Some(high) => self.pixel(u16::from_be_bytes([high, byte])),
            };
        }
        self.args.push(byte);
        match (self.command, self.args.as_slice()) {
            (0x2A, &[a, b, c, d]) => self.columns = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])),
            (0x2B, &[a, b, c, d]) => self.rows = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])),
            (0x36, &[mode]) => self.mode = mode,
            (0x3A, &[format]) => self.format = format,
            (0x2A | 0x2B, args) if args.len() < 4 => {}
            (0xB4, &[_]) => {}
            (command, args) => panic!("arguments that {command:#04x} does not take: {args:?}"),
        }
    }

    /// A pixel at the address counters, which run on as in section 9.3 of the ILI9341's datasheet: columns first, then rows; with bit
    /// 5 of 0x36 columns and rows of the memory are exchanged, bits 6 and 7 turn its columns and rows round.
    fn pixel(&mut self, value: u16) {
        assert_eq!(self.format & 0x07, 0x05, "pixels of 16 bits before they were chosen");
        let (column, row) = self.at;
        let (exchanged, columns_back, rows_back) =
            (self.mode & 0x20 != 0, self.mode & 0x40 != 0, self.mode & 0x80 != 0);
        let (x, y) = if exchanged { (row, column) } else { (column, row) };
        let (x, y) = (usize::from(x), usize::from(y));
        assert!(x < COLUMNS && y < ROWS, "outside the memory: {x}, {y}");
        let x = if columns_back { COLUMNS - 1 - x } else { x };
        let y = if rows_back { ROWS - 1 - y } else { y };
        self.memory[y * COLUMNS + x] = value;
        self.was_visible |= value != 0 && self.awake && self.on && self.lit;
        self.at = if column < self.columns.1 {
            (column + 1, row)
        } else if row < self.rows.1 {
            (self.columns.0, row + 1)
        } else {
            (self.columns.0, self.rows.0)
        };
    }

    fn seen(&self, rotation: Rotation) -> Frame {
        let mut frame = Frame::new(SMALL);
        let places = (0..ROWS).flat_map(|y| (0..COLUMNS).map(move |x| (x, y)));
        let pixels = places.map(|(x, y)| {
            // Turned right, the upright glass's right edge is the picture's top; turned left, its left edge.
            let (across, down) = match rotation {
                Rotation::Right => (y, COLUMNS - 1 - x),
                Rotation::Left => (ROWS - 1 - y, x),
            };
            let at = Point::new(i32::try_from(across).unwrap(), i32::try_from(down).unwrap());
            Pixel(at, Rgb565::from(RawU16::new(self.memory[y * COLUMNS + x])))
        });
        frame.draw_iter(pixels).unwrap();
        frame
    }
}

impl embedded_hal::spi::ErrorType for Spi {
    type Error = Unplugged;
}

impl SpiDevice for Spi {
    fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), Unplugged> {
        self.0.with(|glass| {
            match &mut glass.fails_after {
                Some(0) => return Err(Unplugged),
                Some(left) => *left -= 1,
                None => {}
            }
            for operation in operations {
                let Operation::Write(bytes) = operation else {
                    panic!("a panel is only written to");
                };
                glass.longest = glass.longest.max(bytes.len());
                for byte in *bytes {
                    glass.byte(*byte);
                }
            }
            Ok(())
        })
    }
}

impl embedded_hal::digital::ErrorType for Pin {
    type Error = Infallible;
}

impl OutputPin for Pin {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.0.with(|glass| match self.1 {
            Does::DataOrCommand => glass.data = false,
            Does::Reset => glass.reset(),
            Does::Backlight => glass.lit = false,
        });
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.0.with(|glass| match self.1 {
            Does::DataOrCommand => glass.data = true,
            Does::Reset => {}
            Does::Backlight => glass.lit = true,
        });
        Ok(())
    }
}

impl DelayNs for Wait {
    fn delay_ns(&mut self, ns: u32) {
        self.0.with(|glass| glass.waited_us += u64::from(ns) / 1000);
    }
}
