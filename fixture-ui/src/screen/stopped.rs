//! A stopped lane, and a stopped line: as a banner over lanes that still hold verdicts, or on the whole panel.

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::Rgb565;
use embedded_graphics::primitives::Rectangle;

use super::palette;
use super::scale::Scale;
use super::shape;
use super::text::{self, Align, AtMost};
use super::tile::{self, Edge, Scheme, Side};
use crate::view::StopWords;
use crate::view::lane::LaneWords;
use crate::view::look::Shape;

/// Colours of a stopped lane.
pub const SCHEME: Scheme = Scheme {
    fill: palette::PAPER,
    ink: palette::YELLOW,
    frame: palette::YELLOW,
    edge: Edge::Stripes,
    side: Side::Before,
};

/// Height of the banner over the lanes, on the small panel.
pub const BANNER: u32 = 64;

/// Draws a stopped lane into `area`.
pub fn draw<D: DrawTarget<Color = Rgb565>>(lane: &LaneWords, area: Rectangle, target: &mut D) -> Result<(), D::Error> {
    tile::draw(lane, SCHEME, area, target)
}

/// Draws the stop as a banner.
pub fn banner<D: DrawTarget<Color = Rgb565>>(
    stop: &StopWords,
    area: Rectangle,
    target: &mut D,
) -> Result<(), D::Error> {
    target.fill_solid(&area, palette::YELLOW)?;
    let scale = Scale::of(target);
    let px = |length| scale.px(length);
    let at = |x, y, width, height| within(area, px(x), px(y), width, px(height));
    let width = area.size.width;
    shape::shape(
        Shape::Octagon,
        at(4, 3, px(42), 42),
        palette::BLACK,
        palette::YELLOW,
        target,
    )?;
    text::word(
        &stop.word,
        at(52, 3, width - px(58), 18),
        Align::Left,
        palette::BLACK,
        target,
    )?;
    text::sentence(
        &stop.cause,
        at(52, 25, width - px(56), 24),
        Align::Left,
        AtMost(11),
        palette::BLACK,
        target,
    )?;
    target.fill_solid(&at(0, 48, width, 16), palette::BLACK)?;
    text::small(
        &stop.todo,
        at(52, 50, width - px(56), 11),
        Align::Left,
        palette::YELLOW,
        target,
    )
}

/// Draws the stop on all of `area`.
pub fn whole<D: DrawTarget<Color = Rgb565>>(stop: &StopWords, area: Rectangle, target: &mut D) -> Result<(), D::Error> {
    target.fill_solid(&area, palette::YELLOW)?;
    let scale = Scale::of(target);
    let px = |length| scale.px(length);
    let at = |x, y, width, height| within(area, px(x), y, width, height);
    let (width, height) = (area.size.width, area.size.height);
    shape::shape(
        Shape::Octagon,
        at(8, px(8), px(84), px(84)),
        palette::BLACK,
        palette::YELLOW,
        target,
    )?;
    text::words(
        &stop.word,
        at(104, px(8), width - px(112), px(86)),
        px(6),
        Align::Left,
        palette::BLACK,
        target,
    )?;
    text::sentence(
        &stop.cause,
        at(10, px(104), width - px(20), height.saturating_sub(px(144))),
        Align::Left,
        AtMost(18),
        palette::BLACK,
        target,
    )?;
    let top = height.saturating_sub(px(34));
    target.fill_solid(&at(0, top, width, px(34)), palette::BLACK)?;
    text::sentence(
        &stop.todo,
        at(10, top + px(9), width - px(20), px(22)),
        Align::Left,
        AtMost(15),
        palette::YELLOW,
        target,
    )
}

/// A part of `area`, by offset and size in pixels.
fn within(area: Rectangle, x: u32, y: u32, width: u32, height: u32) -> Rectangle {
    let offset = Point::new(i32::try_from(x).unwrap_or(0), i32::try_from(y).unwrap_or(0));
    Rectangle::new(area.top_left + offset, Size::new(width, height))
}
