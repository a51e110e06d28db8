//! The bar at the top of every screen: whose fixture, and what has to stand on every frame.

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::Rgb565;
use embedded_graphics::primitives::Rectangle;

use super::palette;
use super::scale::Scale;
use super::text::{self, Align};
use crate::view::View;

/// Its height on the small panel.
pub const TALL: u32 = 20;

/// Draws the bar: badges at the right, always whole; the fixture's name in what is left.
pub fn draw<D: DrawTarget<Color = Rgb565>>(view: &View, area: Rectangle, target: &mut D) -> Result<(), D::Error> {
    let scale = Scale::of(target);
    let px = |length| scale.px(length);
    let tall = px(TALL - 3);
    let mut right = area.size.width;
    for badge in view.marks.iter().rev() {
        let width = text::small_width(badge, target) + px(12);
        right = right.saturating_sub(width);
        let tag = at(area, right, px(1), width, tall);
        target.fill_solid(&tag, palette::WHITE)?;
        text::small(badge, tag, Align::Middle, palette::BLACK, target)?;
        right = right.saturating_sub(px(4));
    }
    text::small(
        &view.fixture,
        at(area, px(4), px(1), right.saturating_sub(px(6)), tall),
        Align::Left,
        palette::DIM,
        target,
    )
}

fn at(area: Rectangle, x: u32, y: u32, width: u32, height: u32) -> Rectangle {
    let offset = Point::new(i32::try_from(x).unwrap_or(0), i32::try_from(y).unwrap_or(0));
    Rectangle::new(area.top_left + offset, Size::new(width, height))
}
