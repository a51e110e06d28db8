//! UNDECIDED: a person decides.

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::pixelcolor::Rgb565;
use embedded_graphics::primitives::Rectangle;

use super::palette;
use super::tile::{self, Edge, Scheme, Side};
use crate::view::lane::LaneWords;

/// Its colours, and its shape's place.
pub const SCHEME: Scheme = Scheme {
    fill: palette::VIOLET,
    ink: palette::WHITE,
    frame: palette::WHITE,
    edge: Edge::Chequer,
    side: Side::Before,
};

/// Draws the lane into `area`.
pub fn draw<D: DrawTarget<Color = Rgb565>>(lane: &LaneWords, area: Rectangle, target: &mut D) -> Result<(), D::Error> {
    tile::draw(lane, SCHEME, area, target)
}
