//! What this shift has made, in one line: the tally by shape and figure, and the pace against the takt.

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::Rgb565;
use embedded_graphics::primitives::Rectangle;

use super::palette;
use super::scale::Scale;
use super::shape;
use super::text::{self, Align};
use crate::view::look::Shape;
use crate::view::shift::{Keeps, ShiftWords};

/// Its height on the small panel.
pub const TALL: u32 = 16;

/// Draws the line: the shift's name, units that passed and failed, runs that say nothing about one, first-pass yield, and the pace at the
/// right, inverted where it is behind. The name has what the figures leave.
///
/// # Errors
/// The target's own.
pub fn draw<D: DrawTarget<Color = Rgb565>>(
    shift: &ShiftWords,
    area: Rectangle,
    target: &mut D,
) -> Result<(), D::Error> {
    let scale = Scale::of(target);
    let px = |length| scale.px(length);
    let (gap, side, tall) = (px(6), px(10), area.size.height);
    let at = |x: u32, width: u32| {
        let offset = Point::new(i32::try_from(x).unwrap_or(0), 0);
        Rectangle::new(area.top_left + offset, Size::new(width, tall))
    };
    target.fill_solid(&area, palette::PAPER)?;
    let mut right = area.size.width;
    if !shift.pace.is_empty() {
        let width = text::small_width(&shift.pace, target) + px(8);
        right = right.saturating_sub(width);
        let tag = at(right, width);
        let ink = match shift.keeps {
            Keeps::Pace => palette::INK,
            Keeps::Behind => {
                target.fill_solid(&tag, palette::WHITE)?;
                palette::BLACK
            }
        };
        text::small(&shift.pace, tag, Align::Middle, ink, target)?;
        right = right.saturating_sub(gap);
    }
    if !shift.first_pass.is_empty() {
        let width = text::small_width(&shift.first_pass, target) + 1;
        right = right.saturating_sub(width);
        text::small(&shift.first_pass, at(right, width), Align::Left, palette::INK, target)?;
        right = right.saturating_sub(gap);
    }
    for (figure, mark) in [
        (&shift.other, Shape::Diamond),
        (&shift.failed, Shape::Cross),
        (&shift.passed, Shape::Tick),
    ] {
        let width = text::small_width(figure, target) + 1;
        right = right.saturating_sub(width);
        text::small(figure, at(right, width), Align::Left, palette::INK, target)?;
        right = right.saturating_sub(side + px(3));
        let mark_at = Rectangle::with_center(at(right, side).center(), Size::new_equal(side));
        match mark {
            // Too small for its question mark.
            Shape::Diamond => shape::diamond(mark_at, palette::INK, target)?,
            Shape::Tray
            | Shape::Dots
            | Shape::Tick
            | Shape::Cross
            | Shape::Triangle
            | Shape::Square
            | Shape::NoEntry
            | Shape::Octagon
            | Shape::Flag
            | Shape::Dividers => shape::shape(mark, mark_at, palette::INK, palette::PAPER, target)?,
        }
        right = right.saturating_sub(gap);
    }
    let name = at(px(4), right.saturating_sub(px(6)));
    text::small(&shift.name, name, Align::Left, palette::DIM, target)
}
