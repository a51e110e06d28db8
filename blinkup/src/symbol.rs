//! The three light levels that a frame is made of.

/// One symbol on the wire: the clock (dark) or a bit (mid is 0, bright is 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Symbol {
    /// The clock: every bit starts with it.
    Dark,
    /// A 0 bit.
    Mid,
    /// A 1 bit.
    Bright,
}

impl Symbol {
    /// The lit symbol for one bit of a byte, counted from the most significant, 0 to 7.
    pub const fn of_bit(byte: u8, index: usize) -> Self {
        if (byte >> (7 - index % 8)) & 1 == 0 {
            Self::Mid
        } else {
            Self::Bright
        }
    }

    /// The digit of the vendor's SDK: 0 dark, 1 mid, 2 bright.
    pub const fn digit(self) -> char {
        match self {
            Self::Dark => '0',
            Self::Mid => '1',
            Self::Bright => '2',
        }
    }

    /// The symbol of a digit; `None` when it is not 0, 1 or 2.
    pub const fn from_digit(digit: char) -> Option<Self> {
        match digit {
            '0' => Some(Self::Dark),
            '1' => Some(Self::Mid),
            '2' => Some(Self::Bright),
            _ => None,
        }
    }
}

/// Light of a lamp as a fraction of its full output, linear in light (not in a screen's gamma), 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Level(f32);

impl Level {
    /// No light.
    pub const DARK: Self = Self(0.0);
    /// All the light that the lamp can give.
    pub const FULL: Self = Self(1.0);

    /// A level from a fraction; clamped to 0..=1, and dark when it is not a number.
    pub fn new(fraction: f32) -> Self {
        if fraction.is_nan() {
            Self::DARK
        } else {
            Self(fraction.clamp(0.0, 1.0))
        }
    }

    /// The fraction of full output, 0 to 1.
    pub fn fraction(self) -> f32 {
        self.0
    }
}
