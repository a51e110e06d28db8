//! One lane's place on the panel, whatever its size: number, shape, word, where the unit goes, and as much text as there is room for.

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::Rgb565;
use embedded_graphics::primitives::Rectangle;

use super::palette;
use super::scale::Scale;
use super::shape;
use super::text::{self, Align, AtMost};
use crate::view::lane::{LaneWords, LastWords, Progress};

/// How a state is coloured, and on which side of the word its shape stands.
#[derive(Debug, Clone, Copy)]
pub struct Scheme {
    /// Behind the words.
    pub fill: Rgb565,
    /// The words.
    pub ink: Rgb565,
    /// A frame around it all; the fill's colour where there is none.
    pub frame: Rgb565,
    /// What the frame is filled with, so that states are told apart without colours and without reading.
    pub edge: Edge,
    /// Where the shape stands.
    pub side: Side,
}

/// What a tile's frame is filled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// One colour.
    Plain,
    /// Slanted stripes of the frame's colour and of the fill.
    Stripes,
    /// A chequer of both.
    Chequer,
    /// Dashes of the frame's colour.
    Dashes,
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
    let is_wide = area.size.width >= scale.px(WIDE);
    let edge = match (scheme.edge, is_wide) {
        (Edge::Plain, true) => scale.px(3),
        (Edge::Plain, false) => scale.px(2),
        (Edge::Stripes | Edge::Chequer | Edge::Dashes, true) => scale.px(8),
        (Edge::Stripes | Edge::Chequer | Edge::Dashes, false) => scale.px(4),
    };
    target.fill_solid(&area, scheme.frame)?;
    pattern(scheme, area, edge, target)?;
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

/// Fills the frame with its pattern, in squares as broad as the frame; what lies under the inside is drawn over.
fn pattern<D: DrawTarget<Color = Rgb565>>(
    scheme: Scheme,
    area: Rectangle,
    edge: u32,
    target: &mut D,
) -> Result<(), D::Error> {
    let Size { width, height } = area.size;
    let edge = edge.max(1);
    let filled = |x: u32, y: u32| match scheme.edge {
        Edge::Plain => false,
        Edge::Stripes => (x + y) / (2 * edge) % 2 == 1,
        Edge::Chequer => (x / edge + y / edge) % 2 == 1,
        Edge::Dashes => (x / edge % 4 >= 2) != (y / edge % 4 >= 2),
    };
    match scheme.edge {
        Edge::Plain => return Ok(()),
        Edge::Stripes | Edge::Chequer | Edge::Dashes => {}
    }
    for y in 0..height {
        let at_end = y < edge || y + edge >= height;
        let columns = (0..width).filter(|x| at_end || *x < edge || x + edge >= width);
        for x in columns.filter(|x| filled(*x, y)) {
            target.fill_solid(&part(area, x, y, 1, 1), scheme.fill)?;
        }
    }
    Ok(())
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
        &lane.word,
        part(area, word_x, px(6), width - side - px(20), tall),
        align,
        scheme.ink,
        target,
    )?;
    place(lane, scheme, part(area, 0, head + px(4), width, px(36)), target)?;
    let below = head + px(48);
    let foot = if height > below + px(60) { px(18) } else { 0 };
    text::sentence(
        &lane.headline,
        part(area, px(8), below, width - px(16), px(18)),
        Align::Left,
        AtMost(15),
        scheme.ink,
        target,
    )?;
    let room = height.saturating_sub(below + px(22) + foot);
    text::sentence(
        &lane.short,
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
        Some(last) if !last.unit.is_empty() => {
            text::small(&last.unit, serial, Align::Left, scheme.ink, target)?;
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
    // Where that leaves too little for a shape that is seen from afar, what comes first stands beside the number.
    let beside = (px(32), width.saturating_sub(px(34)));
    let (square, word_at) = match (scheme.side, side >= px(30)) {
        (Side::Before, true) => (
            part(area, (width - side) / 2, px(32), side, side),
            part(area, px(2), px(32) + side + px(4), inner, word),
        ),
        (Side::After, true) => (
            part(area, (width - side) / 2, px(32) + word + px(4), side, side),
            part(area, px(2), px(32), inner, word),
        ),
        (Side::Before, false) => (
            part(area, beside.0, px(2), beside.1, px(30) + side),
            part(area, px(2), px(32) + side + px(4), inner, word),
        ),
        (Side::After, false) => (
            part(area, px(2), px(32), inner, word + side + px(2)),
            part(area, beside.0, px(2), beside.1, px(28)),
        ),
    };
    shape::shape(lane.look.shape(), square, scheme.ink, scheme.fill, target)?;
    text::word(&lane.word, word_at, Align::Middle, scheme.ink, target)?;
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
        text::sentence(&lane.headline, title, Align::Left, AtMost(10), scheme.ink, target)?;
        let short = said(top + px(21), foot - px(37));
        text::sentence(&lane.short, short, Align::Left, AtMost(10), scheme.ink, target)?;
    } else {
        let title = said(top, foot - px(16));
        text::whole_sentence(&lane.mark, title, AtMost(14), scheme.ink, target)?;
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
        &lane.word,
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
        Some(_) | None => text::whole_sentence(&lane.headline, title, AtMost(8), scheme.ink, target),
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
    text::sentence(&last.named, named, Align::Left, AtMost(8), scheme.ink, target)?;
    let outcome = part(area, 0, first + 1, width, height - first - 1);
    text::word(&last.outcome, outcome, Align::Left, scheme.ink, target)
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
        return bar(progress, scheme, area, target);
    }
    target.fill_solid(&area, scheme.ink)?;
    let scale = Scale::of(target);
    let px = |length| scale.px(length);
    let Size { width, height } = area.size;
    let inside = part(area, px(2), px(3), width - px(4), height - px(6));
    text::words(&lane.to, inside, px(2), Align::Middle, scheme.fill, target)
}

/// A bar that is filled as far as it has come, and the seconds that it may still take: beside it where there is room, else below.
fn bar<D: DrawTarget<Color = Rgb565>>(
    progress: &Progress,
    scheme: Scheme,
    area: Rectangle,
    target: &mut D,
) -> Result<(), D::Error> {
    let scale = Scale::of(target);
    let px = |length| scale.px(length);
    let Size { width, height } = area.size;
    let (room, left) = if progress.left.is_empty() {
        (area, None)
    } else if width >= px(160) {
        let left = part(area, width - px(84), px(4), px(78), height - px(8));
        (part(area, 0, 0, width - px(86), height), Some((left, Align::Right)))
    } else {
        let above = (height * 2 / 5).min(px(18));
        let left = part(area, px(4), above + px(2), width - px(8), height - above - px(4));
        (part(area, 0, 0, width, above), Some((left, Align::Middle)))
    };
    let thick = room.size.height.min(px(18));
    let outer = part(
        room,
        px(4),
        (room.size.height - thick) / 2,
        room.size.width - px(8),
        thick,
    );
    target.fill_solid(&outer, palette::DIM)?;
    let inner = part(outer, px(2), px(2), outer.size.width - px(4), thick - px(4));
    target.fill_solid(&inner, scheme.fill)?;
    let done = inner.size.width * u32::from(progress.permille.min(1000)) / 1000;
    target.fill_solid(&part(inner, 0, 0, done, thick - px(4)), scheme.ink)?;
    match left {
        Some((area, align)) => text::word(&progress.left, area, align, scheme.ink, target),
        None => Ok(()),
    }
}
