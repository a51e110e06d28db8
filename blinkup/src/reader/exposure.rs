//! What a sample may have seen: one colour all the time, or an edge between two.

use super::sensor::place;
use crate::codes::Colour;

/// Kinds of exposure: four colours, six pairs of them.
pub const EXPOSURES: usize = 10;

/// A number for each kind of exposure: first the colours in the order of [`COLOURS`](super::COLOURS), then the pairs in the order of [`PAIRS`].
pub type PerExposure = [f32; EXPOSURES];

/// The pairs of colours by their places, in either order.
pub const PAIRS: [(usize, usize); 6] = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)];

/// The place of each pair of colours in a [`PerExposure`]; of a colour and itself, that of the colour.
const PLACES: [[usize; 4]; 4] = [[0, 4, 5, 6], [4, 1, 7, 8], [5, 7, 2, 9], [6, 8, 9, 3]];

/// The place in a [`PerExposure`] of the exposure in which the colour at one place became that at the other.
#[inline]
pub const fn between(before: usize, after: usize) -> usize {
    PLACES[before][after]
}

/// The place in a [`PerExposure`] of an edge between two colours, or of one colour.
pub const fn exposure(before: Colour, after: Colour) -> usize {
    between(place(before), place(after))
}
