//! The daemon is silent: nothing that was shown before stands any more.

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::Rgb565;
use embedded_graphics::primitives::Rectangle;

use super::palette;
use super::scale::Scale;
use super::text::{self, Align, AtMost};
use crate::view::GoneWords;

/// Height of a striped edge.
const EDGE: u32 = 14;

/// Draws it on all of `area`, between two striped edges that no other screen has.
pub fn draw<D: DrawTarget<Color = Rgb565>>(gone: &GoneWords, area: Rectangle, target: &mut D) -> Result<(), D::Error> {
    let scale = Scale::of(target);
    let px = |length| scale.px(length);
    let edge = px(EDGE);
    target.fill_solid(&area, palette::BLACK)?;
    let Size { width, height } = area.size;
    stripes(area.top_left, Size::new(width, edge), target)?;
    let bottom = area.top_left + Point::new(0, whole(height.saturating_sub(edge)));
    stripes(bottom, Size::new(width, edge), target)?;
    let at = |y: u32, tall: u32| {
        let corner = area.top_left + Point::new(whole(px(10)), whole(edge + px(y)));
        Rectangle::new(corner, Size::new(width - px(20), px(tall)))
    };
    text::words(&gone.word, at(8, 78), px(6), Align::Middle, palette::WHITE, target)?;
    let said = if gone.why.is_empty() {
        gone.since.clone()
    } else {
        format!("{} {}", gone.since, gone.why)
    };
    text::sentence(&said, at(98, 28), Align::Left, AtMost(11), palette::DIM, target)?;
    text::sentence(&gone.todo, at(130, 54), Align::Left, AtMost(15), palette::WHITE, target)
}

fn whole(pixels: u32) -> i32 {
    i32::try_from(pixels).unwrap_or(i32::MAX)
}

/// Diagonal stripes, as broad as the edge is high.
fn stripes<D: DrawTarget<Color = Rgb565>>(at: Point, edge: Size, target: &mut D) -> Result<(), D::Error> {
    let (width, tall) = (whole(edge.width), whole(edge.height).max(1));
    for row in 0..tall {
        for from in (-tall..width).step_by(2 * edge.height.max(1) as usize) {
            let left = (from + row).max(0);
            let right = (from + row + tall).min(width);
            let stretch = Rectangle::new(
                at + Point::new(left, row),
                Size::new((right - left).max(0).unsigned_abs(), 1),
            );
            target.fill_solid(&stretch, palette::WHITE)?;
        }
    }
    Ok(())
}
