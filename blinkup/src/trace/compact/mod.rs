//! A trace in few bytes, for the ledger: every number as its difference from what was to be expected, in adaptive Rice codes.
//!
//! The bytes `BUT` and the version; twelve little-endian `f32` (red shape, green shape, ambient); `saturated_at` as `u16`,
//! integration in microseconds as `u32`, the number of rows as `u32`; then the rows, as a bit stream, most significant bit first. What is written
//! is version 2 ([`fine`]): time to a tenth of a millisecond, counts to half of the deviation of their own noise. What is read is also version 1
//! ([`exact`]), of which every number is as it was.

mod bits;
mod exact;
mod fine;

use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::{Header, Row, Trace};
use crate::reader::LedShape;
use crate::sample::Counts;
use crate::symbol::Level;
use bits::{BitReader, BitWriter};

pub use fine::TIME_STEP;

const MAGIC: [u8; 3] = *b"BUT";
/// The version that is written.
pub const VERSION: u8 = 2;
/// An older one that is read.
const EXACT: u8 = 1;
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
            Self::Version(version) => write!(
                f,
                "compact trace of version {version}: expected version {EXACT} or {VERSION}"
            ),
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
    before: fine::Before,
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
            bits: BitWriter::after(bytes),
            rows: 0,
            before: fine::Before::new(header.saturated_at),
        }
    }

    /// Rows recorded so far.
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// Adds a row; one that is not later than the last is left out, as no reader would take it.
    pub fn push(&mut self, row: &Row) {
        if self.rows < u32::MAX && self.before.write(&mut self.bits, row, self.rows == 0) {
            self.rows += 1;
        }
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
    let version = head[3];
    if version != VERSION && version != EXACT {
        return Err(CompactError::Version(version));
    }
    let (header, rows) = read_header(bytes.get(4..HEADER_BYTES).ok_or(CompactError::Truncated)?)?;
    let bytes = bytes.get(HEADER_BYTES..).unwrap_or_default();
    // No length that the bytes cannot hold is believed.
    let row_bits = if version == EXACT {
        exact::ROW_BITS
    } else {
        fine::ROW_BITS
    };
    if rows as usize > bytes.len().saturating_mul(8) / row_bits {
        return Err(CompactError::Truncated);
    }
    let mut bits = BitReader::new(bytes);
    let mut trace = Trace {
        header,
        rows: Vec::with_capacity(rows as usize),
    };
    if version == EXACT {
        let mut before = exact::Before::new();
        for _ in 0..rows {
            trace.rows.push(before.read(&mut bits)?);
        }
    } else {
        let mut before = fine::Before::new(header.saturated_at);
        for index in 0..rows {
            trace.rows.push(before.read(&mut bits, index == 0)?);
        }
    }
    if bits.is_at_end() {
        Ok(trace)
    } else {
        Err(CompactError::Trailing)
    }
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

/// A number with its sign in the lowest bit.
fn unsigned(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

/// As [`unsigned`], the other way round.
fn signed(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -((number & 1).cast_signed())
}
