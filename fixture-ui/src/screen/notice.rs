//! What a person should see to although no lane stands still for it: a strip below everything that is live.

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::Rgb565;
use embedded_graphics::primitives::Rectangle;

use super::palette;
use super::scale::Scale;
use super::shape;
use super::text::{self, Align, AtMost};
use crate::view::look::Shape;
use crate::view::notice::NoticeWords;

/// Its height on the small panel.
pub const TALL: u32 = 28;

/// Draws the strip: shape and word, how many there are, and what the first one says; on a large panel what to do about it as well.
///
/// # Errors
/// The target's own.
pub fn draw<D: DrawTarget<Color = Rgb565>>(
    notice: &NoticeWords,
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
    target.fill_solid(&area, palette::QUIET)?;
    let tag = px(70);
    target.fill_solid(&at(0, 0, tag, height), palette::WHITE)?;
    let flag = at(px(4), px(5), px(18), height.saturating_sub(px(10)));
    shape::shape(Shape::Flag, flag, palette::BLACK, palette::WHITE, target)?;
    let (above, below) = (px(12), height.saturating_sub(px(14)));
    let beside = |y, height| at(px(26), y, tag.saturating_sub(px(28)), height);
    let word = |words: &str, area, target: &mut D| text::word(words, area, Align::Left, palette::BLACK, target);
    if notice.count.is_empty() {
        word(&notice.word, beside(0, height), target)?;
    } else {
        word(&notice.word, beside(px(2), above), target)?;
        word(&notice.count, beside(above, below), target)?;
    }
    let said = if scale.is_large() {
        &notice.in_full
    } else {
        &notice.what
    };
    let words = at(
        tag + px(4),
        px(3),
        width.saturating_sub(tag + px(6)),
        height.saturating_sub(px(4)),
    );
    text::sentence(said, words, Align::Left, AtMost(9), palette::INK, target)
}
