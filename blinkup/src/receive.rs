//! The way back: light to bits to packet, as the device does it.
//!
//! A [`Receiver`] needs no clock and no settings. It takes light levels as often as they come, at least one for every symbol, and
//! slices bits on the dark gaps, so that late and repeated symbols cost time and no data. What is dark, mid and bright it learns:
//! dark and mid from the preamble, bright from the start byte, whatever the strength, the ambient light, and the place of mid
//! between the two.

use alloc::vec::Vec;

use crate::frame::START;
use crate::packet::{FrameError, Packet};
use crate::symbol::Symbol;

/// The weakest pulse that counts as light, as a share of the sensor's full scale.
const WEAKEST: f32 = 0.01;
/// Preamble bits that must come right before the start byte. The preamble has 24 at least; a receiver may wake up late.
const PREAMBLE_BITS: usize = 8;
/// Pulses of one height that make a preamble.
const ALIKE: usize = 10;
/// Pulses that are looked at for preamble and start byte.
const SEARCHED: usize = PREAMBLE_BITS + 8;
/// Symbols' time without any change after which the light counts as over. Generous, for a late symbol is no fault.
const OVER_AFTER_SYMBOLS: u32 = 32;
/// Share of samples that may lie between dark and the pulses' height: a lamp's edges are short, noise is mostly there.
const MOST_BETWEEN: f32 = 0.4;
/// How much of a new sample goes into that share.
const BETWEEN_GAIN: f32 = 0.07;
/// Bits of the longest packet.
const MOST_BITS: usize = 8 * Packet::MOST_BYTES;

/// What a receiver is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hearing {
    /// No light that looks like BlinkUp.
    Quiet,
    /// A preamble: pulses of one height. A device goes dark from here on.
    Preamble,
    /// The start byte was seen; the packet is coming.
    Receiving,
    /// The result was given. It hears nothing until it is [reset](Receiver::reset).
    Over,
}

/// Turns light into a packet. Bounded in memory; never panics, whatever it is fed.
#[derive(Debug, Clone)]
pub struct Receiver {
    edges: Edges,
    hearing: Hearing,
    /// Heights of the last pulses before the start byte, newest last.
    heights: Recent,
    /// Share of the last samples that were neither dark nor as bright as the last pulses, 0 to 1.
    between: f32,
    /// The packet's pulses, once the start byte was seen.
    body: Body,
}

impl Default for Receiver {
    fn default() -> Self {
        Self::new()
    }
}

impl Receiver {
    /// A receiver that waits for light. Allocates all that it will ever need (about 9 kB).
    pub fn new() -> Self {
        Self {
            edges: Edges::new(),
            hearing: Hearing::Quiet,
            heights: Recent::default(),
            between: 1.0,
            body: Body {
                heights: Vec::with_capacity(MOST_BITS),
                bytes: Vec::with_capacity(Packet::MOST_BYTES),
                mid: 0.0,
                bright: 0.0,
            },
        }
    }

    /// Waits for light as if new.
    pub fn reset(&mut self) {
        self.edges = Edges::new();
        self.hearing = Hearing::Quiet;
        self.heights = Recent::default();
        self.between = 1.0;
        self.body.heights.clear();
        self.body.bytes.clear();
    }

    /// What it is doing.
    pub fn hearing(&self) -> Hearing {
        self.hearing
    }

    /// Whether a transmission has begun and not ended: the time in which a device keeps its own LED dark.
    pub fn in_progress(&self) -> bool {
        matches!(self.hearing, Hearing::Preamble | Hearing::Receiving)
    }

    /// Takes a symbol; as [`push_level`](Self::push_level) with 0, a half and 1.
    pub fn push_symbol(&mut self, symbol: Symbol) -> Option<Result<Packet, FrameError>> {
        self.push_level(match symbol {
            Symbol::Dark => 0.0,
            Symbol::Mid => 0.5,
            Symbol::Bright => 1.0,
        })
    }

    /// Takes a light level as a share of the sensor's full scale, 0 to 1; a value that is no number is left out.
    ///
    /// Gives the packet, or why there is none, once: right after the last bit, or when the light is over. The errors are
    /// [`FrameError::NoStart`] when there was a preamble and nothing else, and those of [`Packet::from_bytes`].
    pub fn push_level(&mut self, level: f32) -> Option<Result<Packet, FrameError>> {
        if self.hearing == Hearing::Over || level.is_nan() {
            return None;
        }
        let level = level.clamp(0.0, 1.0);
        let height = match self.hearing {
            Hearing::Receiving => self.body.mid,
            Hearing::Quiet | Hearing::Preamble | Hearing::Over => self.heights.typical(),
        };
        let turn = if self.hearing == Hearing::Quiet {
            Turn::Swing(WEAKEST.max(0.5 * height))
        } else {
            Turn::OverDark(0.5 * height)
        };
        if self.hearing == Hearing::Quiet {
            let over_dark = level - self.edges.dark.unwrap_or(level);
            let is_between = height <= 0.0 || (0.25..0.75).contains(&(over_dark / height));
            self.between += BETWEEN_GAIN * (f32::from(u8::from(is_between)) - self.between);
        }
        let result = match self.edges.push(level, turn) {
            Some(height) => self.pulse(height),
            None if self.in_progress() && self.edges.still_for() > OVER_AFTER_SYMBOLS * self.edges.symbol() => {
                Some(Err(self.ended()))
            }
            None => None,
        };
        if result.is_some() {
            self.hearing = Hearing::Over;
        }
        result
    }

    /// Says that no more light will come: why there is no packet, unless the result was given or nothing was heard.
    pub fn finish(&mut self) -> Option<FrameError> {
        let ended = self.in_progress().then(|| self.ended());
        self.hearing = Hearing::Over;
        ended
    }

    fn ended(&self) -> FrameError {
        if self.hearing == Hearing::Receiving {
            FrameError::CutShort {
                received: self.body.heights.len() / 8,
                expected: self.body.expected(),
            }
        } else {
            FrameError::NoStart
        }
    }

    /// Takes a whole pulse by its height over the dark.
    fn pulse(&mut self, height: f32) -> Option<Result<Packet, FrameError>> {
        if self.hearing == Hearing::Receiving {
            return self.body.pulse(height);
        }
        self.heights.push(height);
        if self.hearing == Hearing::Quiet {
            if self.heights.is_preamble() && self.between < MOST_BETWEEN {
                self.hearing = Hearing::Preamble;
            }
        } else if let Some((mid, bright)) = self.heights.start() {
            self.hearing = Hearing::Receiving;
            self.body.mid = mid;
            self.body.bright = bright;
        }
        None
    }
}

/// What makes a pulse begin or end.
#[derive(Debug, Clone, Copy)]
enum Turn {
    /// A change by so much since the last turning point: as long as nothing is known of the light.
    Swing(f32),
    /// Being more than so much over the dark gaps' level, or no longer.
    OverDark(f32),
}

/// Finds pulses and gaps. Knows no symbol length, so a level that repeats changes nothing.
#[derive(Debug, Clone)]
struct Edges {
    /// The highest level of this pulse, or the lowest of this gap.
    extreme: f32,
    lit: bool,
    /// The level of the dark gaps, averaged over the last few; `None` before the first.
    dark: Option<f32>,
    /// Samples since the last turning point was known.
    still_for: u32,
    /// Samples since the last pulse ended.
    since_pulse: u32,
    /// Average samples from pulse to pulse: two symbols.
    pulse_every: f32,
}

impl Edges {
    /// How much of a new gap's level goes into the average.
    const DARK_GAIN: f32 = 0.3;
    const PULSE_EVERY_GAIN: f32 = 0.2;

    fn new() -> Self {
        Self {
            extreme: f32::INFINITY,
            lit: false,
            dark: None,
            still_for: 0,
            since_pulse: 0,
            pulse_every: 2.0,
        }
    }

    /// Takes a level; gives the height of the pulse that has just ended.
    fn push(&mut self, level: f32, turn: Turn) -> Option<f32> {
        self.still_for = self.still_for.saturating_add(1);
        self.since_pulse = self.since_pulse.saturating_add(1);
        self.extreme = if self.lit {
            self.extreme.max(level)
        } else {
            self.extreme.min(level)
        };
        let lit = match turn {
            Turn::Swing(swing) if self.lit => level > self.extreme - swing,
            Turn::Swing(swing) => level >= self.extreme + swing,
            Turn::OverDark(height) => level > self.dark.unwrap_or(self.extreme) + height,
        };
        if lit == self.lit {
            return None;
        }
        let extreme = core::mem::replace(&mut self.extreme, level);
        self.lit = lit;
        self.still_for = 0;
        let dark = self.dark.unwrap_or(extreme);
        if lit {
            self.dark = Some(dark + Self::DARK_GAIN * (extreme - dark));
            return None;
        }
        let every = f32::from(u16::try_from(self.since_pulse).unwrap_or(u16::MAX));
        self.pulse_every += Self::PULSE_EVERY_GAIN * (every - self.pulse_every);
        self.since_pulse = 0;
        Some(extreme - dark)
    }

    fn still_for(&self) -> u32 {
        self.still_for
    }

    /// Samples of a symbol, at least 1.
    fn symbol(&self) -> u32 {
        // Small and not negative: an average of counts.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an average of small counts"
        )]
        let samples = (0.5 * self.pulse_every) as u32;
        samples.max(1)
    }
}

/// Heights of the last pulses before the start byte is known.
#[derive(Debug, Clone, Default)]
struct Recent {
    heights: [f32; SEARCHED],
    count: usize,
}

impl Recent {
    fn push(&mut self, height: f32) {
        self.heights.rotate_left(1);
        if let Some(newest) = self.heights.last_mut() {
            *newest = height;
        }
        self.count = (self.count + 1).min(SEARCHED);
    }

    fn known(&self) -> &[f32] {
        self.heights.split_at(SEARCHED - self.count).1
    }

    /// The height that most pulses reach: the fourth highest of them, for a start byte has three bright ones. 0 until there are four.
    fn typical(&self) -> f32 {
        let mut highest = [0.0_f32; 4];
        for &height in self.known() {
            let mut height = height;
            for place in &mut highest {
                if height > *place {
                    core::mem::swap(&mut height, place);
                }
            }
        }
        let [.., fourth] = highest;
        fourth
    }

    /// Whether the last pulses are of one height.
    fn is_preamble(&self) -> bool {
        let Some(last) = self.known().last_chunk::<ALIKE>() else {
            return false;
        };
        let spread = Spread::of(last.iter().copied());
        spread.width() < 0.35 * spread.mean() && spread.lowest > 1.5 * WEAKEST
    }

    /// Mid and bright, when the last pulses are preamble bits and the start byte.
    ///
    /// Bits that are clearly higher than all other pulses, each kind much alike, are not noise, nor a start byte that is still coming.
    fn start(&self) -> Option<(f32, f32)> {
        if self.count < SEARCHED {
            return None;
        }
        let is_bright = |index: usize| {
            index
                .checked_sub(PREAMBLE_BITS)
                .is_some_and(|bit| Symbol::of_bit(START, bit) == Symbol::Bright)
        };
        let heights = || self.heights.iter().copied().enumerate();
        let mid = Spread::of(
            heights()
                .filter(|&(index, _)| !is_bright(index))
                .map(|(_, height)| height),
        );
        let bright = Spread::of(
            heights()
                .filter(|&(index, _)| is_bright(index))
                .map(|(_, height)| height),
        );
        let gap = bright.lowest - mid.highest;
        let alike = bright.width() < gap && mid.lowest > 0.5 * mid.highest;
        let clear = gap > mid.width() && gap > 0.02 * mid.mean() && alike;
        clear.then(|| (mid.mean(), bright.mean()))
    }
}

/// Lowest, highest and mean of some heights.
struct Spread {
    lowest: f32,
    highest: f32,
    sum: f32,
    count: u16,
}

impl Spread {
    fn of(heights: impl Iterator<Item = f32>) -> Self {
        heights.fold(
            Self {
                lowest: f32::INFINITY,
                highest: f32::NEG_INFINITY,
                sum: 0.0,
                count: 0,
            },
            |spread, height| Self {
                lowest: spread.lowest.min(height),
                highest: spread.highest.max(height),
                sum: spread.sum + height,
                count: spread.count + 1,
            },
        )
    }

    fn width(&self) -> f32 {
        self.highest - self.lowest
    }

    fn mean(&self) -> f32 {
        self.sum / f32::from(self.count.max(1))
    }
}

/// The packet as it comes.
#[derive(Debug, Clone)]
struct Body {
    /// Of every bit so far.
    heights: Vec<f32>,
    /// The bits as first sliced, most significant first; the last byte may not be whole.
    bytes: Vec<u8>,
    mid: f32,
    bright: f32,
}

impl Body {
    /// How much of a bit's height goes into the average that slices the next ones: follows a lamp that warms up, not noise.
    const GAIN: f32 = 0.05;

    /// The packet's bytes, by its length byte.
    fn expected(&self) -> Option<usize> {
        let length = self.bytes.first().filter(|_| self.heights.len() >= 8);
        length.map(|&length| usize::from(length) + 3)
    }

    /// Takes a bit's pulse; gives the result with the packet's last one.
    fn pulse(&mut self, height: f32) -> Option<Result<Packet, FrameError>> {
        let bit = u8::from(height >= 0.5 * (self.mid + self.bright));
        let side = if bit == 0 { &mut self.mid } else { &mut self.bright };
        *side += Self::GAIN * (height - *side);
        if self.heights.len().is_multiple_of(8) {
            self.bytes.push(bit);
        } else if let Some(byte) = self.bytes.last_mut() {
            *byte = *byte << 1 | bit;
        }
        self.heights.push(height);
        if !self.heights.len().is_multiple_of(8) {
            return None;
        }
        match Packet::from_bytes(&self.bytes) {
            Err(FrameError::CutShort { .. }) => None,
            Err(FrameError::Crc { computed, said }) => {
                Some(self.sliced_again().ok_or(FrameError::Crc { computed, said }))
            }
            result => Some(result),
        }
    }

    /// The packet, if slicing all bits anew, now that all heights are known, gives one of the same length.
    fn sliced_again(&self) -> Option<Packet> {
        let (mut mid, mut bright) = (self.mid, self.bright);
        for _ in 0..8 {
            let middle = 0.5 * (mid + bright);
            let side = |wanted| {
                let heights = self.heights.iter().copied();
                Spread::of(heights.filter(|&height| (height >= middle) == wanted))
            };
            let (below, above) = (side(false), side(true));
            if below.count == 0 || above.count == 0 {
                return None;
            }
            (mid, bright) = (below.mean(), above.mean());
        }
        let middle = 0.5 * (mid + bright);
        let bytes: Vec<u8> = self
            .heights
            .chunks_exact(8)
            .map(|bits| {
                bits.iter()
                    .fold(0, |byte, &height| byte << 1 | u8::from(height >= middle))
            })
            .collect();
        Packet::from_bytes(&bytes).ok()
    }
}
