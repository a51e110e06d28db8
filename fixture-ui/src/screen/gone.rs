//! The daemon is silent: nothing that was shown before stands any more.

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::Rgb565;
use embedded_graphics::primitives::Rectangle;

use super::palette;
use super::text::{self, Align, AtMost};
use crate::view::GoneWords;

/// Height of a striped edge.
const EDGE: i32 = 14;

/// Draws it on all of `area`, between two striped edges that no other screen has.
pub fn draw<D: DrawTarget<Color = Rgb565>>(gone: &GoneWords, area: Rectangle, target: &mut D) -> Result<(), D::Error> {
    target.fill_solid(&area, palette::BLACK)?;
    let (width, height) = (area.size.width, i32::try_from(area.size.height).unwrap_or(0));
    stripes(area.top_left, width, target)?;
    stripes(area.top_left + Point::new(0, height - EDGE), width, target)?;
    let at = |y: i32, tall: u32| Rectangle::new(area.top_left + Point::new(10, y), Size::new(width - 20, tall));
    text::word("FIXTURE", at(EDGE + 8, 36), Align::Middle, palette::WHITE, target)?;
    text::word("STOPPED", at(EDGE + 50, 36), Align::Middle, palette::WHITE, target)?;
    let said = if gone.why.is_empty() {
        gone.since.clone()
    } else {
        format!("{} {}", gone.since, gone.why)
    };
    text::sentence(&said, at(EDGE + 98, 28), Align::Left, AtMost(11), palette::DIM, target)?;
    text::sentence(
        gone.todo,
        at(EDGE + 130, 54),
        Align::Left,
        AtMost(15),
        palette::WHITE,
        target,
    )
}

/// Diagonal stripes.
fn stripes<D: DrawTarget<Color = Rgb565>>(at: Point, width: u32, target: &mut D) -> Result<(), D::Error> {
    let width = i32::try_from(width).unwrap_or(0);
    for row in 0..EDGE {
        for from in (-EDGE..width).step_by(28) {
            let left = (from + row).max(0);
            let right = (from + row + 14).min(width);
            let stretch = Rectangle::new(
                at + Point::new(left, row),
                Size::new((right - left).max(0).unsigned_abs(), 1),
            );
            target.fill_solid(&stretch, palette::WHITE)?;
        }
    }
    Ok(())
}
