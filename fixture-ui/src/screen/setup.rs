//! How the first administrator gets in: a strip that stands until there is one.

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::Rgb565;
use embedded_graphics::primitives::Rectangle;

use super::palette;
use super::scale::Scale;
use super::text::{self, Align, AtMost};
use crate::view::notice::SetupWords;

/// Its height on the small panel.
pub const TALL: u32 = 62;

/// Draws the strip: the code and the address, and below them the certificate's fingerprint.
///
/// # Errors
/// The target's own.
pub fn draw<D: DrawTarget<Color = Rgb565>>(
    setup: &SetupWords,
    area: Rectangle,
    target: &mut D,
) -> Result<(), D::Error> {
    let scale = Scale::of(target);
    let px = |length| scale.px(length);
    target.fill_solid(&area, palette::WHITE)?;
    let Size { width, height } = area.size;
    let at = |y: u32, height: u32| {
        let offset = Point::new(i32::try_from(px(4)).unwrap_or(0), i32::try_from(y).unwrap_or(0));
        Rectangle::new(area.top_left + offset, Size::new(width.saturating_sub(px(8)), height))
    };
    text::small(&setup.code, at(px(1), px(17)), Align::Left, palette::BLACK, target)?;
    let below = at(px(19), height.saturating_sub(px(20)));
    text::sentence(
        &setup.fingerprint,
        below,
        Align::Left,
        AtMost(8),
        palette::BLACK,
        target,
    )
}
