//! The jig in the hands of a person who commissions it: what to do now, and what was measured.

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::Rgb565;
use embedded_graphics::primitives::Rectangle;
use fixture_link::snapshot::Turn;

use super::palette;
use super::scale::Scale;
use super::shape;
use super::text::{self, Align, AtMost};
use crate::view::CommissioningWords;
use crate::view::look::Shape;

/// Figures beside each other, and rows of them.
const COLUMNS: u32 = 2;
const ROWS: u32 = 4;

/// Draws it on all of `area`, in a frame that no lane has.
///
/// # Errors
/// The target's own.
pub fn draw<D: DrawTarget<Color = Rgb565>>(
    words: &CommissioningWords,
    area: Rectangle,
    target: &mut D,
) -> Result<(), D::Error> {
    let scale = Scale::of(target);
    let px = |length| scale.px(length);
    let Size { width, height } = area.size;
    let at = |x: u32, y: u32, width: u32, height: u32| {
        let offset = Point::new(i32::try_from(x).unwrap_or(0), i32::try_from(y).unwrap_or(0));
        Rectangle::new(area.top_left + offset, Size::new(width, height))
    };
    target.fill_solid(&area, palette::WHITE)?;
    let edge = px(4);
    let inside = at(
        edge,
        edge,
        width.saturating_sub(2 * edge),
        height.saturating_sub(2 * edge),
    );
    target.fill_solid(&inside, palette::PAPER)?;
    let wide = width.saturating_sub(px(20));
    shape::shape(
        Shape::Dividers,
        at(px(10), px(10), px(36), px(36)),
        palette::WHITE,
        palette::PAPER,
        target,
    )?;
    let beside = wide.saturating_sub(px(44));
    text::word(
        &words.word,
        at(px(54), px(10), beside, px(20)),
        Align::Left,
        palette::WHITE,
        target,
    )?;
    text::small(
        &words.place,
        at(px(54), px(32), beside, px(14)),
        Align::Left,
        palette::DIM,
        target,
    )?;
    text::sentence(
        &words.what,
        at(px(10), px(54), wide, px(42)),
        Align::Left,
        AtMost(15),
        palette::INK,
        target,
    )?;
    // A person's turn is inverted: it is seen from afar that the fixture waits.
    let (fill, ink) = match words.turn {
        Turn::Person => (palette::WHITE, palette::BLACK),
        Turn::Fixture => (palette::QUIET, palette::INK),
    };
    let band = at(edge, px(98), width.saturating_sub(2 * edge), px(20));
    target.fill_solid(&band, fill)?;
    text::small(&words.whose, at(px(10), px(98), wide, px(20)), Align::Left, ink, target)?;

    let top = px(121);
    let foot = px(20);
    let room = height.saturating_sub(top + foot + edge + px(2));
    let (column, row) = (wide / COLUMNS, room / ROWS);
    for (place, figure) in (0..COLUMNS * ROWS).zip(&words.figures) {
        let (x, y) = (px(10) + column * (place / ROWS), top + row * (place % ROWS));
        let name = at(x, y, column * 2 / 5, row);
        text::small(&figure.name, name, Align::Left, palette::DIM, target)?;
        let value = at(x + column * 2 / 5, y, (column * 3 / 5).saturating_sub(px(4)), row);
        text::small(&figure.value, value, Align::Left, palette::INK, target)?;
    }
    let last = at(px(10), height.saturating_sub(foot + edge), wide, foot);
    text::small(&words.no_units, last, Align::Left, palette::DIM, target)
}
