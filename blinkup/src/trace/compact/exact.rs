//! Version 1, which ledgers hold from before version 2: every number as it was, as its difference from the row before, in adaptive Rice codes.
//!
//! A row is: time since the row before; four counts; one bit whether the lamp shows the same level as before, and if not, 10 bits of
//! thousandths. A row takes at least [`ROW_BITS`].

use super::bits::BitReader;
use super::{CompactError, Row, signed};
use crate::sample::Counts;
use crate::symbol::Level;
use crate::tick::Tick;

/// A row takes at least so many bits.
pub const ROW_BITS: usize = 6;

/// What the next row is compared with.
#[derive(Debug, Clone)]
pub struct Before {
    at: Tick,
    interval: i64,
    counts: [u16; 4],
    lamp: u16,
    codes: [Rice; 5],
    first: bool,
}

impl Before {
    /// Before the first row.
    pub fn new() -> Self {
        Self {
            at: Tick::ZERO,
            interval: 0,
            counts: [0; 4],
            lamp: 0,
            codes: [Rice { mean: 64 * 16 }; 5],
            first: true,
        }
    }

    /// The next row.
    pub fn read(&mut self, bits: &mut BitReader<'_>) -> Result<Row, CompactError> {
        let passed = self.codes[0].read(bits)?.wrapping_add(self.interval).cast_unsigned();
        let time = self
            .at
            .as_micros()
            .checked_add(passed)
            .filter(|_| self.first || passed > 0)
            .ok_or(CompactError::Value { field: "time" })?;
        let mut now = [0; 4];
        for ((now, then), code) in now.iter_mut().zip(&self.counts).zip(&mut self.codes[1..]) {
            let value = i64::from(*then).checked_add(code.read(bits)?);
            *now = value
                .and_then(|value| u16::try_from(value).ok())
                .ok_or(CompactError::Value { field: "counts" })?;
        }
        if bits.take(1)? == 1 {
            self.lamp = u16::try_from(bits.take(10)?).unwrap_or(u16::MAX);
        }
        if self.lamp > 1000 {
            return Err(CompactError::Value { field: "lamp" });
        }
        self.at = Tick::from_micros(time);
        self.counts = now;
        self.interval = if self.first {
            10_000
        } else {
            // A mean that single lost samples do not move far.
            let passed = passed.min(1_000_000).cast_signed();
            self.interval + (passed - self.interval).clamp(-8000, 8000) / 8
        };
        self.first = false;
        let [red, green, blue, clear] = now;
        Ok(Row {
            at: self.at,
            counts: Counts {
                red,
                green,
                blue,
                clear,
            },
            lamp: Level::new(f32::from(self.lamp) / 1000.0),
        })
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
    fn read(&mut self, bits: &mut BitReader<'_>) -> Result<i64, CompactError> {
        // The low part holds about the mean; ln 2 less of it is the best.
        let parameter = (self.mean * 11 / 16 / 16).max(1).ilog2();
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
        self.mean = self.mean - self.mean / 16 + number.min(4096) as u32;
        Ok(signed(number))
    }
}
