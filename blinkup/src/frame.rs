//! The frame: preamble, start byte, packet and tail as symbols, computed one by one.

use core::fmt;
use core::iter::FusedIterator;
use core::time::Duration;

use crate::packet::Packet;
use crate::symbol::Symbol;

/// The byte that ends the preamble.
pub const START: u8 = 0x2A;
/// The fewest preamble bytes, which is also what the vendor's SDK sends.
pub const LEAST_PREAMBLE: u16 = 3;
/// Dark symbols after the packet.
pub const TAIL: usize = 6;
/// Symbols of a byte: eight bits of a dark and a lit symbol each.
const OF_A_BYTE: usize = 16;

/// Symbols a second: 10 to 60, one a screen frame in the vendor's SDK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SymbolRate(u8);

/// A rate outside 10 to 60.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BadRate(pub u8);

impl fmt::Display for BadRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "symbol rate {}: expected 10 to 60 symbols a second", self.0)
    }
}

impl core::error::Error for BadRate {}

impl SymbolRate {
    /// The slowest.
    pub const SLOWEST: Self = Self(10);
    /// The fastest, and the usual one.
    pub const FASTEST: Self = Self(60);

    /// A rate in symbols a second.
    ///
    /// # Errors
    /// The rate is not 10 to 60.
    pub const fn new(a_second: u8) -> Result<Self, BadRate> {
        if a_second >= Self::SLOWEST.0 && a_second <= Self::FASTEST.0 {
            Ok(Self(a_second))
        } else {
            Err(BadRate(a_second))
        }
    }

    /// Symbols a second, 10 to 60.
    pub const fn a_second(self) -> u8 {
        self.0
    }

    /// How long after the first symbol the one at `index` is due, to the nanosecond and without summed rounding.
    pub fn due(self, index: usize) -> Duration {
        let nanos = index as u128 * 1_000_000_000 / u128::from(self.0);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// Preamble bytes that take about a second, at least 3: the device must notice that someone is sending.
    pub fn preamble(self) -> u16 {
        u16::from(self.0)
            .div_ceil(u16::try_from(OF_A_BYTE).unwrap_or(u16::MAX))
            .max(LEAST_PREAMBLE)
    }
}

/// A packet with its preamble, start byte and tail.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'packet> {
    packet: &'packet Packet,
    preamble: u16,
}

impl Packet {
    /// The frame that sends this packet after `preamble` zero bytes; fewer than 3 count as 3.
    pub fn frame(&self, preamble: u16) -> Frame<'_> {
        Frame {
            packet: self,
            preamble: preamble.max(LEAST_PREAMBLE),
        }
    }
}

impl<'packet> Frame<'packet> {
    /// Preamble bytes, at least 3.
    pub fn preamble(self) -> u16 {
        self.preamble
    }

    /// How many symbols it has: `16 x (preamble + start + packet bytes) + 6`.
    pub fn symbol_count(self) -> usize {
        OF_A_BYTE * self.byte_count() + TAIL
    }

    /// How long it takes.
    pub fn duration(self, rate: SymbolRate) -> Duration {
        rate.due(self.symbol_count())
    }

    /// The symbol at `index`; `None` after the tail.
    pub fn symbol(self, index: usize) -> Option<Symbol> {
        if index >= self.symbol_count() {
            return None;
        }
        let clock = index.is_multiple_of(2);
        Some(match self.byte(index / OF_A_BYTE) {
            Some(byte) if !clock => Symbol::of_bit(byte, index % OF_A_BYTE / 2),
            Some(_) | None => Symbol::Dark,
        })
    }

    /// Every symbol in order. Allocates nothing.
    pub fn symbols(self) -> Symbols<'packet> {
        Symbols {
            frame: self,
            next: 0,
            end: self.symbol_count(),
            byte: 0,
        }
    }

    fn byte_count(self) -> usize {
        usize::from(self.preamble) + 1 + self.packet.bytes().len()
    }

    /// The byte at `index`; `None` in the tail.
    fn byte(self, index: usize) -> Option<u8> {
        match index.checked_sub(usize::from(self.preamble)) {
            None => Some(0),
            Some(0) => Some(START),
            Some(after) => self.packet.bytes().get(after - 1).copied(),
        }
    }
}

/// The symbols of a frame, in order.
#[derive(Debug, Clone)]
pub struct Symbols<'packet> {
    frame: Frame<'packet>,
    next: usize,
    end: usize,
    /// The byte that `next` lies in; 0 in the tail.
    byte: u8,
}

impl Iterator for Symbols<'_> {
    type Item = Symbol;

    fn next(&mut self) -> Option<Symbol> {
        if self.next >= self.end {
            return None;
        }
        let within = self.next % OF_A_BYTE;
        if within == 0 {
            self.byte = self.frame.byte(self.next / OF_A_BYTE).unwrap_or(0);
        }
        let dark = within.is_multiple_of(2) || self.end - self.next <= TAIL;
        self.next += 1;
        Some(if dark {
            Symbol::Dark
        } else {
            Symbol::of_bit(self.byte, within / 2)
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.end - self.next;
        (left, Some(left))
    }

    fn nth(&mut self, skipped: usize) -> Option<Symbol> {
        self.next = self.next.saturating_add(skipped).min(self.end);
        self.byte = self.frame.byte(self.next / OF_A_BYTE).unwrap_or(0);
        self.next()
    }
}

impl ExactSizeIterator for Symbols<'_> {}
impl FusedIterator for Symbols<'_> {}
