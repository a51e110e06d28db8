//! A trace in few bytes, for the ledger: every number as its difference from what was to be expected, in adaptive Rice codes.
//!
//! Version 1: the bytes `BUT` and the version; twelve little-endian `f32` (red shape, green shape, ambient); `saturated_at` as `u16`,
//! integration in microseconds as `u32`, the number of rows as `u32`; then a bit stream, most significant bit first. A row is: time since the
//! row before; four counts; one bit whether the lamp shows the same level as before, and if not, 10 bits of thousandths.

use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::{Header, Row, Trace};
use crate::reader::LedShape;
use crate::sample::Counts;
use crate::symbol::Level;
use crate::tick::Tick;

const MAGIC: [u8; 3] = *b"BUT";
/// The version of the format.
pub const VERSION: u8 = 1;
const HEADER_BYTES: usize = 4 + 12 * 4 + 2 + 4 + 4;
const ROWS_AT: usize = HEADER_BYTES - 4;

/// Why bytes are not a compact trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompactError {
    /// The bytes do not start as a compact trace does.
    NotATrace,
    /// A version that this program does not know.
    Version(u8),
    /// The bytes end before the trace does.
    Truncated,
    /// A value that no trace holds.
    Value {
        /// Which one.
        field: &'static str,
    },
    /// Bytes follow the last row.
    Trailing,
}

impl fmt::Display for CompactError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotATrace => f.write_str("expected a compact trace, which starts with the bytes BUT"),
            Self::Version(version) => write!(f, "compact trace of version {version}: expected version {VERSION}"),
            Self::Truncated => f.write_str("compact trace: ends before its last row"),
            Self::Value { field } => write!(f, "compact trace: {field}: a value that no trace holds"),
            Self::Trailing => f.write_str("compact trace: bytes follow the last row"),
        }
    }
}

impl core::error::Error for CompactError {}

/// Writes a compact trace row by row.
#[derive(Debug, Clone)]
pub struct Recorder {
    bits: BitWriter,
    rows: u32,
    before: Before,
}

impl Recorder {
    /// A recorder of light under these conditions.
    pub fn new(header: &Header) -> Self {
        let mut bytes = Vec::with_capacity(1024);
        bytes.extend_from_slice(&MAGIC);
        bytes.push(VERSION);
        for value in header
            .shape
            .red
            .iter()
            .chain(&header.shape.green)
            .chain(&header.ambient)
        {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        bytes.extend_from_slice(&header.saturated_at.to_le_bytes());
        let integration = u32::try_from(header.integration.as_micros()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&integration.to_le_bytes());
        bytes.extend_from_slice(&0_u32.to_le_bytes());
        Self {
            bits: BitWriter {
                bytes,
                pending: 0,
                count: 0,
            },
            rows: 0,
            before: Before::new(),
        }
    }

    /// Rows recorded so far.
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// Adds a row; one that is not later than the last is left out, as no reader would take it.
    pub fn push(&mut self, row: &Row) {
        if self.rows > 0 && row.at <= self.before.at || self.rows == u32::MAX {
            return;
        }
        let Before {
            at,
            interval,
            counts,
            lamp,
            codes,
        } = &mut self.before;
        let passed = row.at.as_micros() - at.as_micros();
        codes[0].write(&mut self.bits, passed.cast_signed().wrapping_sub(*interval));
        let now = channels(row.counts);
        for ((now, then), code) in now.iter().zip(counts.iter()).zip(&mut codes[1..]) {
            code.write(&mut self.bits, i64::from(*now) - i64::from(*then));
        }
        let level = thousandths(row.lamp);
        self.bits.put(u64::from(level != *lamp), 1);
        if level != *lamp {
            self.bits.put(u64::from(level), 10);
        }
        let first = self.rows == 0;
        self.before.pass(row.at, passed, first, now, level);
        self.rows += 1;
    }

    /// The bytes.
    pub fn finish(self) -> Vec<u8> {
        let mut bytes = self.bits.finish();
        bytes[ROWS_AT..HEADER_BYTES].copy_from_slice(&self.rows.to_le_bytes());
        bytes
    }
}

/// A trace in its compact form.
pub fn encode(trace: &Trace) -> Vec<u8> {
    let mut recorder = Recorder::new(&trace.header);
    for row in &trace.rows {
        recorder.push(row);
    }
    recorder.finish()
}

/// The trace that was made compact.
///
/// # Errors
/// The bytes are not a compact trace, or of another version, or damaged in a way that shows.
pub fn decode(bytes: &[u8]) -> Result<Trace, CompactError> {
    let head = bytes.get(..4).ok_or(CompactError::NotATrace)?;
    if head[..3] != MAGIC {
        return Err(CompactError::NotATrace);
    }
    if head[3] != VERSION {
        return Err(CompactError::Version(head[3]));
    }
    let (header, rows) = read_header(bytes.get(4..HEADER_BYTES).ok_or(CompactError::Truncated)?)?;
    let mut bits = BitReader {
        bytes: bytes.get(HEADER_BYTES..).unwrap_or_default(),
        at: 0,
    };
    // A row takes at least six bits: no length that the bytes cannot hold is believed.
    let most = bits.bytes.len().saturating_mul(8) / 6;
    if rows as usize > most {
        return Err(CompactError::Truncated);
    }
    let mut trace = Trace {
        header,
        rows: Vec::with_capacity(rows as usize),
    };
    let mut before = Before::new();
    for index in 0..rows {
        trace.rows.push(read_row(&mut bits, &mut before, index == 0)?);
    }
    if bits.at.div_ceil(8) != bits.bytes.len() {
        return Err(CompactError::Trailing);
    }
    Ok(trace)
}

fn read_header(bytes: &[u8]) -> Result<(Header, u32), CompactError> {
    let (floats, _) = bytes.as_chunks::<4>();
    let mut values = [0.0; 12];
    for (value, bytes) in values.iter_mut().zip(floats) {
        *value = f32::from_le_bytes(*bytes);
        if !(0.0..=65_535.0).contains(value) {
            return Err(CompactError::Value {
                field: "response or ambient",
            });
        }
    }
    let [r0, r1, r2, r3, g0, g1, g2, g3, a0, a1, a2, a3] = values;
    let number = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let header = Header {
        shape: LedShape {
            red: [r0, r1, r2, r3],
            green: [g0, g1, g2, g3],
        },
        ambient: [a0, a1, a2, a3],
        saturated_at: u16::from_le_bytes([bytes[48], bytes[49]]),
        integration: Duration::from_micros(u64::from(number(50))),
    };
    Ok((header, number(54)))
}

fn read_row(bits: &mut BitReader<'_>, before: &mut Before, first: bool) -> Result<Row, CompactError> {
    let Before {
        at,
        interval,
        counts,
        lamp,
        codes,
    } = before;
    let passed = codes[0].read(bits)?.wrapping_add(*interval).cast_unsigned();
    let time = at
        .as_micros()
        .checked_add(passed)
        .filter(|_| first || passed > 0)
        .ok_or(CompactError::Value { field: "time" })?;
    let mut now = [0; 4];
    for ((now, then), code) in now.iter_mut().zip(counts.iter()).zip(&mut codes[1..]) {
        let value = i64::from(*then).checked_add(code.read(bits)?);
        *now = value
            .and_then(|value| u16::try_from(value).ok())
            .ok_or(CompactError::Value { field: "counts" })?;
    }
    let level = if bits.take(1)? == 1 {
        u16::try_from(bits.take(10)?).unwrap_or(u16::MAX)
    } else {
        *lamp
    };
    if level > 1000 {
        return Err(CompactError::Value { field: "lamp" });
    }
    let [red, green, blue, clear] = now;
    let row = Row {
        at: Tick::from_micros(time),
        counts: Counts {
            red,
            green,
            blue,
            clear,
        },
        lamp: Level::new(f32::from(level) / 1000.0),
    };
    before.pass(row.at, passed, first, now, level);
    Ok(row)
}

fn channels(counts: Counts) -> [u16; 4] {
    [counts.red, counts.green, counts.blue, counts.clear]
}

/// A level in thousandths; light that is not dark never becomes dark.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a level is 0 to 1"
)]
fn thousandths(level: Level) -> u16 {
    let fraction = level.fraction();
    if fraction > 0.0 {
        ((fraction * 1000.0 + 0.5) as u16).max(1)
    } else {
        0
    }
}

/// What the next row is compared with; the same on both sides.
#[derive(Debug, Clone)]
struct Before {
    at: Tick,
    interval: i64,
    counts: [u16; 4],
    lamp: u16,
    codes: [Rice; 5],
}

impl Before {
    fn new() -> Self {
        Self {
            at: Tick::ZERO,
            interval: 0,
            counts: [0; 4],
            lamp: 0,
            codes: [Rice::new(); 5],
        }
    }

    fn pass(&mut self, at: Tick, passed: u64, first: bool, counts: [u16; 4], lamp: u16) {
        self.interval = if first {
            10_000
        } else {
            // A mean that single lost samples do not move far.
            let passed = passed.min(1_000_000).cast_signed();
            self.interval + (passed - self.interval).clamp(-8000, 8000) / 8
        };
        self.at = at;
        self.counts = counts;
        self.lamp = lamp;
    }
}

/// A Rice code (Rice, "Some practical universal noiseless coding techniques", 1979) whose parameter follows the numbers.
#[derive(Debug, Clone, Copy)]
struct Rice {
    /// Mean of the recent numbers, in sixteenths.
    mean: u32,
}

/// A number whose high part is this long is written whole.
const ESCAPE: u32 = 16;

impl Rice {
    const fn new() -> Self {
        Self { mean: 64 * 16 }
    }

    fn parameter(self) -> u32 {
        // The low part holds about the mean; ln 2 less of it is the best.
        let typical = (self.mean * 11 / 16 / 16).max(1);
        typical.ilog2()
    }

    fn follow(&mut self, number: u64) {
        let number = number.min(4096) as u32;
        self.mean = self.mean - self.mean / 16 + number;
    }

    fn write(&mut self, bits: &mut BitWriter, difference: i64) {
        let number = ((difference << 1) ^ (difference >> 63)).cast_unsigned();
        let parameter = self.parameter();
        let high = number >> parameter;
        if high < u64::from(ESCAPE) {
            for _ in 0..high {
                bits.put(1, 1);
            }
            bits.put(0, 1);
            bits.put(number & ((1 << parameter) - 1), parameter);
        } else {
            bits.put(0xffff, ESCAPE);
            let length = 64 - number.leading_zeros();
            bits.put(u64::from(length - 1), 6);
            if length > 32 {
                bits.put(number >> 32, length - 32);
            }
            bits.put(number & 0xffff_ffff, length.min(32));
        }
        self.follow(number);
    }

    fn read(&mut self, bits: &mut BitReader<'_>) -> Result<i64, CompactError> {
        let parameter = self.parameter();
        let mut high = 0;
        while high < ESCAPE && bits.take(1)? == 1 {
            high += 1;
        }
        let number = if high < ESCAPE {
            (u64::from(high) << parameter) | bits.take(parameter)?
        } else {
            let length = u32::try_from(bits.take(6)?).unwrap_or(0) + 1;
            let top = if length > 32 { bits.take(length - 32)? } else { 0 };
            (top << 32) | bits.take(length.min(32))?
        };
        self.follow(number);
        Ok((number >> 1).cast_signed() ^ -((number & 1).cast_signed()))
    }
}

#[derive(Debug, Clone)]
struct BitWriter {
    bytes: Vec<u8>,
    pending: u64,
    count: u32,
}

impl BitWriter {
    /// Writes the low `length` bits, at most 32.
    fn put(&mut self, value: u64, length: u32) {
        self.pending = (self.pending << length) | value;
        self.count += length;
        while self.count >= 8 {
            self.count -= 8;
            self.bytes.push(((self.pending >> self.count) & 0xff) as u8);
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            let fill = 8 - self.count;
            self.put(0, fill);
        }
        self.bytes
    }
}

struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl BitReader<'_> {
    /// The next `length` bits, at most 32.
    fn take(&mut self, length: u32) -> Result<u64, CompactError> {
        let mut value = 0;
        for _ in 0..length {
            let byte = self.bytes.get(self.at / 8).ok_or(CompactError::Truncated)?;
            value = (value << 1) | u64::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Ok(value)
    }
}
