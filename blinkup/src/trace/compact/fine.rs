//! Version 2: light as fine as the sensor's own noise lets it be told.
//!
//! Time is kept in fifths of a millisecond. A count is kept as a step of a scale whose steps are as wide as the noise of the least noisy sensor
//! ([`step`]): they widen with the root of the light, as noise does. A row is compared with the light that the last rows with the same lamp
//! have settled at, and the differences stand in adaptive Rice codes:
//!
//! - the time since the row before, less a mean, counted from 1; a 0 before it says that the lamp's level is another one than in the row before:
//!   one bit whether it is one of the two others that were there last, then which of them in one bit, or thousandths in 10;
//! - four steps.

use core::time::Duration;

use super::bits::{BitReader, BitWriter};
use super::{CompactError, Row, channels, signed, thousandths, unsigned};
use crate::sample::Counts;
use crate::symbol::Level;
use crate::tick::Tick;

/// How finely time is kept.
pub const TIME_STEP: Duration = Duration::from_micros(TIME_STEP_MICROS);
const TIME_STEP_MICROS: u64 = 200;

/// A row takes at least so many bits.
pub const ROW_BITS: usize = 5;

/// A step is as wide as the deviation of the least noisy sensor: the root of 1 + 0.16 times the counts, which is half of the root of
/// `4 / 0.16` times the counts and a quarter of its square. Rounding to it adds a twelfth to the variance of that sensor, less to others'.
const PER_COUNT: u32 = 25;
const WITHOUT_LIGHT: u32 = 156;

/// What the root is above the step.
const SHIFT: u32 = WITHOUT_LIGHT.isqrt();

/// The step of a count.
pub fn step(count: u16) -> u16 {
    let root = (PER_COUNT * u32::from(count) + WITHOUT_LIGHT).isqrt();
    u16::try_from(root - SHIFT).unwrap_or(u16::MAX)
}

/// The count in the middle of a step; `None` for a step that no count has.
pub fn count(step: u16) -> Option<u16> {
    let root = u64::from(step) + u64::from(SHIFT);
    let (per_count, without_light) = (u64::from(PER_COUNT), u64::from(WITHOUT_LIGHT));
    let first = (root * root).saturating_sub(without_light).div_ceil(per_count);
    let last = ((root + 1) * (root + 1) - 1 - without_light) / per_count;
    let last = last.min(u64::from(u16::MAX));
    (first <= last).then(|| u16::try_from(u64::midpoint(first, last)).ok())?
}

/// The step of a count with the sensor's end in view: a channel that is full stays full, and one that is not does not become so.
fn step_below(count: u16, saturated_at: u16) -> u16 {
    let full = step(saturated_at);
    if count >= saturated_at {
        step(count)
    } else {
        step(count).min(full - 1)
    }
}

/// As [`count`], the other way round.
fn count_below(step_: u16, saturated_at: u16) -> Option<u16> {
    let full = step(saturated_at);
    match step_.cmp(&full) {
        core::cmp::Ordering::Less => count(step_),
        core::cmp::Ordering::Equal => Some(saturated_at),
        core::cmp::Ordering::Greater => count(step_).map(|count| count.max(saturated_at)),
    }
}

/// What the next row is compared with; the same on both sides.
#[derive(Debug, Clone)]
pub struct Before {
    saturated_at: u16,
    /// Time in its steps, and the mean between rows.
    at: u64,
    interval: i64,
    /// The levels of the lamp, thousandths, the last first; and the light under each.
    lamps: [u16; 3],
    lights: [[Settled; 4]; 3],
    time: Rice,
    steps: [Rice; 4],
}

impl Before {
    /// Before the first row.
    pub fn new(saturated_at: u16) -> Self {
        Self {
            saturated_at: saturated_at.max(1),
            at: 0,
            interval: 50,
            lamps: [0, 1000, 500],
            lights: [[Settled(0); 4]; 3],
            time: Rice::new(),
            steps: [Rice::new(); 4],
        }
    }

    /// Writes a row; `false` for one that is not later than the last, in steps of time.
    pub fn write(&mut self, bits: &mut BitWriter, row: &Row, first: bool) -> bool {
        let at = row.at.as_micros().saturating_add(TIME_STEP_MICROS / 2) / TIME_STEP_MICROS;
        if !first && at <= self.at {
            return false;
        }
        let level = thousandths(row.lamp);
        if level != self.lamps[0] {
            self.time.write(bits, 0);
            if let Some(place) = self.lamps.iter().position(|known| *known == level) {
                bits.put(1, 1);
                bits.put(u64::from(place == 2), 1);
                self.lamp_was(place);
            } else {
                bits.put(0, 1);
                bits.put(u64::from(level), 10);
                self.lamp_is_new(level);
            }
        }
        let passed = (at - self.at).cast_signed();
        self.time
            .write(bits, unsigned(passed.wrapping_sub(self.interval)).saturating_add(1));
        self.passed(at, passed, first);
        for ((count, light), code) in channels(row.counts)
            .into_iter()
            .zip(&mut self.lights[0])
            .zip(&mut self.steps)
        {
            let step = i32::from(step_below(count, self.saturated_at));
            code.write(bits, unsigned(i64::from(step - light.expected())));
            light.settle(step);
        }
        true
    }

    /// The next row.
    pub fn read(&mut self, bits: &mut BitReader<'_>, first: bool) -> Result<Row, CompactError> {
        let mut number = self.time.read(bits)?;
        if number == 0 {
            if bits.take(1)? == 1 {
                self.lamp_was(if bits.take(1)? == 1 { 2 } else { 1 });
            } else {
                let level = u16::try_from(bits.take(10)?).unwrap_or(u16::MAX);
                if level > 1000 || self.lamps.contains(&level) {
                    return Err(CompactError::Value { field: "lamp" });
                }
                self.lamp_is_new(level);
            }
            number = self.time.read(bits)?;
        }
        let passed = number
            .checked_sub(1)
            .map(|number| signed(number).wrapping_add(self.interval));
        let at = passed
            .filter(|passed| *passed > 0 || (first && *passed == 0))
            .and_then(|passed| self.at.checked_add_signed(passed))
            .filter(|at| at.checked_mul(TIME_STEP_MICROS).is_some());
        let (Some(passed), Some(at)) = (passed, at) else {
            return Err(CompactError::Value { field: "time" });
        };
        self.passed(at, passed, first);
        let mut counts = [0; 4];
        for ((count, light), code) in counts.iter_mut().zip(&mut self.lights[0]).zip(&mut self.steps) {
            let wrong = CompactError::Value { field: "counts" };
            let step = i64::from(light.expected()).checked_add(signed(code.read(bits)?));
            let step = step.and_then(|step| u16::try_from(step).ok()).ok_or(wrong)?;
            *count = count_below(step, self.saturated_at).ok_or(wrong)?;
            light.settle(i32::from(step));
        }
        let [red, green, blue, clear] = counts;
        Ok(Row {
            at: Tick::from_micros(at * TIME_STEP_MICROS),
            counts: Counts {
                red,
                green,
                blue,
                clear,
            },
            lamp: Level::new(f32::from(self.lamps[0]) / 1000.0),
        })
    }

    /// The lamp shows a level again that it showed `place` levels ago.
    fn lamp_was(&mut self, place: usize) {
        self.lamps[..=place].rotate_right(1);
        self.lights[..=place].rotate_right(1);
    }

    /// The lamp shows another level than the last three: its light is expected to be as the last.
    fn lamp_is_new(&mut self, level: u16) {
        let light = self.lights[0];
        self.lamp_was(2);
        self.lamps[0] = level;
        self.lights[0] = light;
    }

    fn passed(&mut self, at: u64, passed: i64, first: bool) {
        self.at = at;
        if !first {
            // A mean that single lost samples do not move far.
            self.interval += (passed.min(5_000) - self.interval).clamp(-40, 40) / 8;
        }
    }
}

/// What a channel has settled at, in sixteenths of a step.
#[derive(Debug, Clone, Copy)]
struct Settled(i32);

/// Light that differs by so many steps is other light, not noise.
const OTHER_LIGHT: i32 = 8;

impl Settled {
    fn expected(self) -> i32 {
        (self.0 + 8) >> 4
    }

    fn settle(&mut self, step: i32) {
        let apart = step * 16 - self.0;
        if apart.abs() > OTHER_LIGHT * 16 {
            self.0 = step * 16;
        } else {
            self.0 += apart / 4;
        }
    }
}

/// A Rice code (Rice, "Some practical universal noiseless coding techniques", 1979) whose parameter follows the numbers.
#[derive(Debug, Clone, Copy)]
struct Rice {
    /// Mean of the recent numbers, in sixteenths.
    mean: u32,
}

/// A number whose high part is this long is written whole.
const ESCAPE: u32 = 8;

impl Rice {
    const fn new() -> Self {
        Self { mean: 4 * 16 }
    }

    fn parameter(self) -> u32 {
        // The low part holds about the mean: the best for noise that is nearly normal.
        (self.mean / 16).max(1).ilog2()
    }

    /// A single large number, as of an edge, is not what the next ones will be like.
    fn follow(&mut self, number: u64) {
        let most = u64::from(self.mean / 4).max(16);
        let number = u32::try_from(number.min(most)).unwrap_or(u32::MAX);
        self.mean = self.mean - self.mean / 16 + number;
    }

    fn write(&mut self, bits: &mut BitWriter, number: u64) {
        let parameter = self.parameter();
        let high = number >> parameter;
        if high < u64::from(ESCAPE) {
            let ones = u32::try_from(high).unwrap_or(0);
            bits.put(((1 << ones) - 1) << 1, ones + 1);
            bits.put(number & ((1 << parameter) - 1), parameter);
        } else {
            bits.put((1 << ESCAPE) - 1, ESCAPE);
            // Its highest bit is 1.
            let rest = number.ilog2();
            bits.put(u64::from(rest), 6);
            let number = number - (1 << rest);
            if rest > 32 {
                bits.put(number >> 32, rest - 32);
            }
            bits.put(number & 0xffff_ffff, rest.min(32));
        }
        self.follow(number);
    }

    fn read(&mut self, bits: &mut BitReader<'_>) -> Result<u64, CompactError> {
        let parameter = self.parameter();
        let mut high = 0;
        while high < ESCAPE && bits.take(1)? == 1 {
            high += 1;
        }
        let number = if high < ESCAPE {
            (u64::from(high) << parameter) | bits.take(parameter)?
        } else {
            let rest = u32::try_from(bits.take(6)?).unwrap_or(0);
            let top = if rest > 32 { bits.take(rest - 32)? } else { 0 };
            (1 << rest) | (top << 32) | bits.take(rest.min(32))?
        };
        self.follow(number);
        Ok(number)
    }
}
