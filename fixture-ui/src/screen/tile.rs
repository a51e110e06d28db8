//! One lane's place on the panel, whatever its size: number, shape, word, where the unit goes, and as much text as there is room for.

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::Rgb565;
use embedded_graphics::primitives::Rectangle;

use super::palette;
use super::scale::Scale;
use super::shape;
use super::text::{self, Align, AtMost};
use crate::view::lane::{Given, LaneWords, LastWords};

/// How a state is coloured, and on which side of the word its shape stands.
#[derive(Debug, Clone, Copy)]
pub struct Scheme {
    /// Behind the words.
    pub fill: Rgb565,
    /// The words.
    pub ink: Rgb565,
    /// A frame around it all; the fill's colour where there is none.
    pub frame: Rgb565,
    /// Where the shape stands.
    pub side: Side,
}

/// Where the shape stands: before the word (left of it, or above) or after it (right, or below).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Left of the word, or above it.
    Before,
    /// Right of the word, or below it.
    After,
}

/// From this width on a tile has room for the word beside the shape.
const WIDE: u32 = 240;

/// From this height on a narrow tile has room for sentences.
const TALL: u32 = 150;

/// A part of `area`, by offset and size.
fn part(area: Rectangle, x: u32, y: u32, width: u32, height: u32) -> Rectangle {
    let offset = Point::new(i32::try_from(x).unwrap_or(0), i32::try_from(y).unwrap_or(0));
    Rectangle::new(area.top_left + offset, Size::new(width, height))
}

/// Draws a lane into `area`.
pub fn draw<D: DrawTarget<Color = Rgb565>>(
    lane: &LaneWords,
    scheme: Scheme,
    area: Rectangle,
    target: &mut D,
) -> Result<(), D::Error> {
    let scale = Scale::of(target);
    let edge = scale.px(if area.size.width >= scale.px(WIDE) { 3 } else { 2 });
    target.fill_solid(&area, scheme.frame)?;
    let inside = part(
        area,
        edge,
        edge,
        area.size.width.saturating_sub(2 * edge),
        area.size.height.saturating_sub(2 * edge),
    );
    target.fill_solid(&inside, scheme.fill)?;
    let Size { width, height } = inside.size;
    if width >= scale.px(WIDE) {
        wide(lane, scheme, inside, target)
    } else if height >= scale.px(TALL) {
        tall(lane, scheme, inside, target)
    } else {
        small(lane, scheme, inside, target)
    }
}

/// The whole panel for one lane.
fn wide<D: DrawTarget<Color = Rgb565>>(
    lane: &LaneWords,
    scheme: Scheme,
    area: Rectangle,
    target: &mut D,
) -> Result<(), D::Error> {
    let scale = Scale::of(target);
    let px = |length| scale.px(length);
    let Size { width, height } = area.size;
    let head = height * 2 / 5;
    let (tall, side) = (head - px(8), (head - px(8)).min(px(70)));
    let (shape_x, word_x, align) = match scheme.side {
        Side::Before => (px(6), side + px(14), Align::Left),
        Side::After => (width - side - px(6), px(8), Align::Right),
    };
    shape::shape(
        lane.look.shape(),
        part(area, shape_x, px(6), side, tall),
        scheme.ink,
        scheme.fill,
        target,
    )?;
    text::word(
        lane.word,
        part(area, word_x, px(6), width - side - px(20), tall),
        align,
        scheme.ink,
        target,
    )?;
    place(lane, scheme, part(area, 0, head + px(4), width, px(36)), target)?;
    let below = head + px(48);
    let foot = if height > below + px(60) { px(18) } else { 0 };
    text::sentence(
        &lane.headline(),
        part(area, px(8), below, width - px(16), px(18)),
        Align::Left,
        AtMost(15),
        scheme.ink,
        target,
    )?;
    let room = height.saturating_sub(below + px(22) + foot);
    text::sentence(
        lane.short,
        part(area, px(8), below + px(22), width - px(16), room),
        Align::Left,
        AtMost(18),
        scheme.ink,
        target,
    )?;
    if foot == 0 {
        return Ok(());
    }
    let serial = part(area, px(8), height - foot, width - px(70), foot - px(4));
    match &lane.last {
        Some(last) if !last.serial.is_empty() => {
            let unit = format!("Last: {}", last.serial);
            text::small(&unit, serial, Align::Left, scheme.ink, target)?;
        }
        Some(_) | None => text::tail(&lane.serial, serial, scheme.ink, target)?,
    }
    text::small(
        &lane.seated,
        part(area, width - px(60), height - foot, px(52), foot - px(4)),
        Align::Right,
        scheme.ink,
        target,
    )
}

/// A column, for two to four lanes.
fn tall<D: DrawTarget<Color = Rgb565>>(
    lane: &LaneWords,
    scheme: Scheme,
    area: Rectangle,
    target: &mut D,
) -> Result<(), D::Error> {
    let scale = Scale::of(target);
    let px = |length| scale.px(length);
    let Size { width, height } = area.size;
    let inner = width - px(4);
    let (word, band) = if inner >= px(120) {
        (px(36), px(30))
    } else {
        (px(28), px(44))
    };
    // Sentences and serial have a place only where the rest keeps its size.
    let foot = match (height >= px(180), scale.is_large()) {
        (true, true) => px(62),
        (true, false) => px(43),
        (false, _) => px(2),
    };
    let side = height
        .saturating_sub(px(32) + word + band + foot + px(12))
        .min(inner - px(4))
        .min(px(72));
    number(lane, scheme, part(area, 0, 0, px(30), px(30)), target)?;
    let (shape_y, word_y) = match scheme.side {
        Side::Before => (px(32), px(32) + side + px(4)),
        Side::After => (px(32) + word + px(4), px(32)),
    };
    let square = part(area, (width - side) / 2, shape_y, side, side);
    shape::shape(lane.look.shape(), square, scheme.ink, scheme.fill, target)?;
    text::word(
        lane.word,
        part(area, px(2), word_y, inner, word),
        Align::Middle,
        scheme.ink,
        target,
    )?;
    let below = px(32) + side + word + px(10);
    place(lane, scheme, part(area, 0, below, width, band), target)?;
    if foot < px(43) {
        return Ok(());
    }
    let said = |y, height| part(area, px(3), y, inner - px(2), height);
    let top = height - foot + px(3);
    if let (Some(last), false) = (&lane.last, scale.is_large()) {
        unit_before(last, scheme, said(top, px(28)), target)?;
    } else if scale.is_large() {
        let title = said(top, px(20));
        text::sentence(&lane.headline(), title, Align::Left, AtMost(10), scheme.ink, target)?;
        let short = said(top + px(21), foot - px(37));
        text::sentence(lane.short, short, Align::Left, AtMost(10), scheme.ink, target)?;
    } else {
        let title = said(top, foot - px(16));
        let said = match lane.given {
            Given::Now => lane.title.as_str(),
            Given::BeforeRestart => "Before the restart",
        };
        text::sentence(said, title, Align::Left, AtMost(14), scheme.ink, target)?;
    }
    text::tail(&lane.serial, said(height - px(14), px(12)), scheme.ink, target)
}

/// A small tile, for five to eight lanes.
fn small<D: DrawTarget<Color = Rgb565>>(
    lane: &LaneWords,
    scheme: Scheme,
    area: Rectangle,
    target: &mut D,
) -> Result<(), D::Error> {
    let scale = Scale::of(target);
    let px = |length| scale.px(length);
    let Size { width, height } = area.size;
    let foot = match (&lane.last, scale.is_large()) {
        (_, true) => px(14),
        (Some(_), false) => px(26),
        (None, false) => 0,
    };
    let band = px(32);
    let upper = height.saturating_sub(band + foot);
    number(lane, scheme, part(area, 0, 0, px(22), px(22)), target)?;
    let word = upper * 2 / 5;
    let side = upper.saturating_sub(word + px(6));
    let (shape_y, word_y) = match scheme.side {
        Side::Before => (px(2), side + px(4)),
        Side::After => (word + px(4), px(2)),
    };
    let (word_x, word_width) = if word_y < px(22) {
        (px(24), width - px(26))
    } else {
        (px(2), width - px(4))
    };
    let middle = width.saturating_sub(side) / 2;
    let shape_x = if shape_y < px(22) { middle.max(px(24)) } else { middle };
    shape::shape(
        lane.look.shape(),
        part(area, shape_x, shape_y, side, side),
        scheme.ink,
        scheme.fill,
        target,
    )?;
    text::word(
        lane.word,
        part(area, word_x, word_y, word_width, word),
        Align::Middle,
        scheme.ink,
        target,
    )?;
    place(lane, scheme, part(area, 0, upper, width, band), target)?;
    if foot == 0 {
        return Ok(());
    }
    let title = part(area, px(3), height - foot + px(3), width - px(6), foot - px(4));
    match &lane.last {
        Some(last) if !scale.is_large() => unit_before(last, scheme, title, target),
        Some(_) | None => text::sentence(&lane.headline(), title, Align::Left, AtMost(8), scheme.ink, target),
    }
}

/// What became of the unit before, where there is no room for a sentence.
fn unit_before<D: DrawTarget<Color = Rgb565>>(
    last: &LastWords,
    scheme: Scheme,
    area: Rectangle,
    target: &mut D,
) -> Result<(), D::Error> {
    let Size { width, height } = area.size;
    let first = height * 9 / 20;
    let named = part(area, 0, 0, width, first);
    text::sentence("Last unit", named, Align::Left, AtMost(8), scheme.ink, target)?;
    let outcome = part(area, 0, first + 1, width, height - first - 1);
    text::word(last.outcome, outcome, Align::Left, scheme.ink, target)
}

/// The lane's number as it is painted on the jig, always in the same corner.
fn number<D: DrawTarget<Color = Rgb565>>(
    lane: &LaneWords,
    scheme: Scheme,
    area: Rectangle,
    target: &mut D,
) -> Result<(), D::Error> {
    let scale = Scale::of(target);
    target.fill_solid(&area, scheme.ink)?;
    let Size { width, height } = area.size;
    let inside = part(
        area,
        scale.px(2),
        scale.px(3),
        width - scale.px(4),
        height - scale.px(6),
    );
    text::word(&lane.lane.to_string(), inside, Align::Middle, scheme.fill, target)
}

/// Where the unit goes, inverted; in its stead, while a run is in progress, how far it is.
fn place<D: DrawTarget<Color = Rgb565>>(
    lane: &LaneWords,
    scheme: Scheme,
    area: Rectangle,
    target: &mut D,
) -> Result<(), D::Error> {
    if let Some(progress) = &lane.progress {
        return bar(progress.permille, scheme, area, target);
    }
    target.fill_solid(&area, scheme.ink)?;
    let scale = Scale::of(target);
    let px = |length| scale.px(length);
    let Size { width, height } = area.size;
    let words = lane.place.words();
    match words.split_once(' ') {
        Some((first, second)) if height >= px(30) && width < px(120) => {
            let half = (height - px(7)) / 2;
            text::word(
                first,
                part(area, px(2), px(3), width - px(4), half),
                Align::Middle,
                scheme.fill,
                target,
            )?;
            text::word(
                second,
                part(area, px(2), half + px(4), width - px(4), half),
                Align::Middle,
                scheme.fill,
                target,
            )
        }
        Some(_) | None => text::word(
            words,
            part(area, px(2), px(3), width - px(4), height - px(6)),
            Align::Middle,
            scheme.fill,
            target,
        ),
    }
}

/// A bar that is filled by so many thousandths.
fn bar<D: DrawTarget<Color = Rgb565>>(
    permille: u16,
    scheme: Scheme,
    area: Rectangle,
    target: &mut D,
) -> Result<(), D::Error> {
    let scale = Scale::of(target);
    let px = |length| scale.px(length);
    let Size { width, height } = area.size;
    let thick = height.min(px(18));
    let outer = part(area, px(4), (height - thick) / 2, width - px(8), thick);
    target.fill_solid(&outer, palette::DIM)?;
    let inner = part(outer, px(2), px(2), outer.size.width - px(4), thick - px(4));
    target.fill_solid(&inner, scheme.fill)?;
    let done = inner.size.width * u32::from(permille.min(1000)) / 1000;
    target.fill_solid(&part(inner, 0, 0, done, thick - px(4)), scheme.ink)
}
