//! The local screen: a view in, pixels out. One file per screen; the same frame goes to the panel, to `/screen.png` and into tests.

pub mod aborted;
pub mod change;
pub mod commissioning;
pub mod display;
pub mod error;
pub mod fail;
pub mod frame;
#[cfg(test)]
mod golden;
pub mod gone;
pub mod notice;
pub mod palette;
pub mod panel;
pub mod pass;
pub mod refused;
pub mod running;
pub mod scale;
pub mod setup;
pub mod shape;
pub mod shift;
pub mod stopped;
pub mod text;
pub mod tile;
pub mod top;
pub mod undecided;
pub mod waiting;
pub mod watchdog;
pub mod words;

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::Rgb565;
use embedded_graphics::primitives::Rectangle;

use self::frame::Frame;
use self::scale::Scale;
use crate::view::lane::LaneWords;
use crate::view::look::Look;
use crate::view::{Face, View};

/// The size of the small panels, and of the picture where nobody said another: 320 × 240 pixels.
pub const SMALL: Size = Size::new(320, 240);

/// Draws everything on all of the target.
///
/// # Errors
/// The target's own.
pub fn draw<D: DrawTarget<Color = Rgb565>>(view: &View, target: &mut D) -> Result<(), D::Error> {
    target.clear(palette::PAPER)?;
    let scale = Scale::of(target);
    let (bar, rest) = cut(target.bounding_box(), scale.px(top::TALL));
    top::draw(view, bar, target)?;
    let mut rest = rest;
    let mut strip = |tall: u32| {
        let (above, strip) = cut(rest, rest.size.height.saturating_sub(scale.px(tall)));
        rest = above;
        strip
    };
    if let Some(words) = &view.shift {
        shift::draw(words, strip(shift::TALL), target)?;
    }
    if let Some(words) = &view.setup {
        setup::draw(words, strip(setup::TALL), target)?;
    }
    if let Some(words) = &view.notice {
        notice::draw(words, strip(notice::TALL), target)?;
    }
    match &view.face {
        Face::Gone(gone) => gone::draw(gone, rest, target),
        Face::Commissioning(words) => commissioning::draw(words, rest, target),
        Face::Live { lanes, .. } if lanes.is_empty() => {
            let (align, most) = (text::Align::Left, text::AtMost(18));
            text::sentence(&view.no_lanes, rest, align, most, palette::INK, target)
        }
        Face::Live { stop: None, lanes } => grid(lanes, rest, target),
        Face::Live {
            stop: Some(stop),
            lanes,
        } if lanes.iter().all(without_unit) => stopped::whole(stop, rest, target),
        Face::Live {
            stop: Some(stop),
            lanes,
        } => {
            let (banner, rest) = cut(rest, scale.px(stopped::BANNER));
            stopped::banner(stop, banner, target)?;
            grid(lanes, rest, target)
        }
    }
}

/// The view as a frame of `size` pixels.
pub fn frame(view: &View, size: Size) -> Frame {
    let mut frame = Frame::new(size);
    match draw(view, &mut frame) {
        Ok(()) => frame,
        Err(never) => match never {},
    }
}

/// An area cut after so many rows: the rows, and what is below.
fn cut(area: Rectangle, rows: u32) -> (Rectangle, Rectangle) {
    let Size { width, height } = area.size;
    let rows = rows.min(height);
    let below = area.top_left + Point::new(0, i32::try_from(rows).unwrap_or(0));
    (
        Rectangle::new(area.top_left, Size::new(width, rows)),
        Rectangle::new(below, Size::new(width, height - rows)),
    )
}

/// Whether a lane holds nothing that an operator has to put somewhere.
fn without_unit(lane: &LaneWords) -> bool {
    match lane.look {
        Look::Idle | Look::Stopped | Look::Held => true,
        Look::Running | Look::Pass | Look::Fail | Look::Error | Look::Undecided | Look::Aborted | Look::Refused => {
            false
        }
    }
}

/// Lanes side by side as on the jig; more than four in two rows.
fn grid<D: DrawTarget<Color = Rgb565>>(lanes: &[LaneWords], area: Rectangle, target: &mut D) -> Result<(), D::Error> {
    let count = u32::try_from(lanes.len()).unwrap_or(0);
    let (columns, rows) = if count <= 4 { (count, 1) } else { (count.div_ceil(2), 2) };
    for (place, lane) in (0..).zip(lanes) {
        let (column, row) = (place % columns, place / columns);
        let left = area.size.width * column / columns;
        let right = area.size.width * (column + 1) / columns;
        let top = area.size.height * row / rows;
        let bottom = area.size.height * (row + 1) / rows;
        let at = area.top_left + Point::new(i32::try_from(left).unwrap_or(0), i32::try_from(top).unwrap_or(0));
        let gap = u32::from(count > 1) * Scale::of(target).px(2);
        one(
            lane,
            Rectangle::new(at, Size::new(right - left - gap, bottom - top - gap)),
            target,
        )?;
    }
    Ok(())
}

/// One lane, by its look.
fn one<D: DrawTarget<Color = Rgb565>>(lane: &LaneWords, area: Rectangle, target: &mut D) -> Result<(), D::Error> {
    match lane.look {
        Look::Idle | Look::Held => waiting::draw(lane, area, target),
        Look::Running => running::draw(lane, area, target),
        Look::Pass => pass::draw(lane, area, target),
        Look::Fail => fail::draw(lane, area, target),
        Look::Error => error::draw(lane, area, target),
        Look::Undecided => undecided::draw(lane, area, target),
        Look::Aborted => aborted::draw(lane, area, target),
        Look::Refused => refused::draw(lane, area, target),
        Look::Stopped => stopped::draw(lane, area, target),
    }
}
