//! Numbers that a processor takes four at once: compilers make one instruction of each operation, on x86-64 and on ARM alike.
#![expect(
    clippy::many_single_char_names,
    reason = "numbers side by side, of which none means more than its place"
)]

use core::ops::{Add, AddAssign, Index, IndexMut, Mul, Sub, SubAssign};

use super::approximation;
use super::exposure::PerExposure;

/// Four numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(align(16))]
pub(super) struct Four(pub(super) [f32; 4]);

/// How many fours there are in [`Twelve`].
pub(super) const GROUPS: usize = 3;

/// Twelve numbers, in fours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Twelve(pub(super) [Four; GROUPS]);

impl Four {
    pub(super) const ZERO: Self = Self::all(0.0);

    /// The same number four times.
    #[inline]
    pub(super) const fn all(value: f32) -> Self {
        Self([value; 4])
    }

    #[inline]
    pub(super) fn each(self, of: impl Fn(f32) -> f32) -> Self {
        let [a, b, c, d] = self.0;
        Self([of(a), of(b), of(c), of(d)])
    }

    #[inline]
    fn with(self, other: Self, of: impl Fn(f32, f32) -> f32) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Self([of(a, e), of(b, f), of(c, g), of(d, h)])
    }

    /// The larger of each two, of which none is not a number.
    #[inline]
    pub(super) fn max(self, other: Self) -> Self {
        self.with(other, |one, other| if one > other { one } else { other })
    }

    /// The smaller of each two, of which none is not a number.
    #[inline]
    pub(super) fn min(self, other: Self) -> Self {
        self.with(other, |one, other| if one < other { one } else { other })
    }

    /// The quotient of each two.
    #[inline]
    pub(super) fn over(self, other: Self) -> Self {
        self.with(other, |one, other| one / other)
    }

    #[inline]
    pub(super) fn sum(self) -> f32 {
        let [a, b, c, d] = self.0;
        (a + b) + (c + d)
    }

    #[inline]
    pub(super) fn least(self) -> f32 {
        let [a, b, c, d] = self.0;
        a.min(b).min(c.min(d))
    }
}

impl Add for Four {
    type Output = Self;

    #[inline]
    fn add(self, other: Self) -> Self {
        self.with(other, |one, other| one + other)
    }
}

impl Sub for Four {
    type Output = Self;

    #[inline]
    fn sub(self, other: Self) -> Self {
        self.with(other, |one, other| one - other)
    }
}

impl Mul for Four {
    type Output = Self;

    #[inline]
    fn mul(self, other: Self) -> Self {
        self.with(other, |one, other| one * other)
    }
}

impl Mul<f32> for Four {
    type Output = Self;

    #[inline]
    fn mul(self, factor: f32) -> Self {
        self.each(|value| value * factor)
    }
}

impl AddAssign for Four {
    #[inline]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Four {
    #[inline]
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Twelve {
    pub(super) const ZERO: Self = Self::all(0.0);

    /// The same number twelve times.
    pub(super) const fn all(value: f32) -> Self {
        Self([Four::all(value); GROUPS])
    }

    /// From twelve numbers.
    pub(super) const fn new(values: [f32; 4 * GROUPS]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = values;
        Self([Four([a, b, c, d]), Four([e, f, g, h]), Four([i, j, k, l])])
    }

    /// From ten numbers, and two that are nothing.
    #[inline]
    pub(super) const fn of_ten(values: PerExposure) -> Self {
        let [a, b, c, d, e, f, g, h, i, j] = values;
        Self::new([a, b, c, d, e, f, g, h, i, j, 0.0, 0.0])
    }

    /// The first ten.
    #[inline]
    pub(super) const fn ten(self) -> PerExposure {
        let [Four([a, b, c, d]), Four([e, f, g, h]), Four([i, j, _, _])] = self.0;
        [a, b, c, d, e, f, g, h, i, j]
    }

    #[inline]
    pub(super) fn each(self, of: impl Fn(Four) -> Four) -> Self {
        let [a, b, c] = self.0;
        Self([of(a), of(b), of(c)])
    }

    #[inline]
    pub(super) fn with(self, other: Self, of: impl Fn(Four, Four) -> Four) -> Self {
        let ([a, b, c], [d, e, f]) = (self.0, other.0);
        Self([of(a, d), of(b, e), of(c, f)])
    }

    /// The least of all.
    #[inline]
    pub(super) fn least(self) -> f32 {
        let [a, b, c] = self.0;
        a.min(b).min(c).least()
    }

    /// Natural logarithms of positive normal numbers, as [`approximation::ln`].
    #[inline]
    pub(super) fn ln(self) -> Self {
        self.each(|four| four.each(approximation::ln))
    }

    /// `e` to the power of each, as [`approximation::exp`].
    #[inline]
    pub(super) fn exp(self) -> Self {
        self.each(|four| four.each(approximation::exp))
    }
}

impl Add for Twelve {
    type Output = Self;

    #[inline]
    fn add(self, other: Self) -> Self {
        self.with(other, |one, other| one + other)
    }
}

impl Sub for Twelve {
    type Output = Self;

    #[inline]
    fn sub(self, other: Self) -> Self {
        self.with(other, |one, other| one - other)
    }
}

impl Mul<f32> for Twelve {
    type Output = Self;

    #[inline]
    fn mul(self, factor: f32) -> Self {
        self.each(|four| four * factor)
    }
}

impl AddAssign for Twelve {
    #[inline]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Twelve {
    #[inline]
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Index<usize> for Twelve {
    type Output = f32;

    #[inline]
    fn index(&self, place: usize) -> &f32 {
        &self.0[place / 4].0[place % 4]
    }
}

impl IndexMut<usize> for Twelve {
    #[inline]
    fn index_mut(&mut self, place: usize) -> &mut f32 {
        &mut self.0[place / 4].0[place % 4]
    }
}
