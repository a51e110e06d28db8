//! One lane's place on the panel, whatever its size: number, shape, word, where the unit goes, and as much text as there is room for.

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::Rgb565;
use embedded_graphics::primitives::Rectangle;

use super::palette;
use super::shape;
use super::text::{self, Align, AtMost};
use crate::view::lane::LaneWords;

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
    let edge = if area.size.width >= WIDE { 3 } else { 2 };
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
    if width >= WIDE {
        wide(lane, scheme, inside, target)
    } else if height >= TALL {
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
    let Size { width, height } = area.size;
    let head = height * 2 / 5;
    let (tall, side) = (head - 8, (head - 8).min(70));
    let (shape_x, word_x, align) = match scheme.side {
        Side::Before => (6, side + 14, Align::Left),
        Side::After => (width - side - 6, 8, Align::Right),
    };
    shape::shape(
        lane.look.shape(),
        part(area, shape_x, 6, side, tall),
        scheme.ink,
        scheme.fill,
        target,
    )?;
    text::word(
        lane.word,
        part(area, word_x, 6, width - side - 20, tall),
        align,
        scheme.ink,
        target,
    )?;
    place(lane, scheme, part(area, 0, head + 4, width, 36), target)?;
    let below = head + 48;
    let foot = if height > below + 60 { 18 } else { 0 };
    text::sentence(
        &lane.title,
        part(area, 8, below, width - 16, 18),
        Align::Left,
        AtMost(15),
        scheme.ink,
        target,
    )?;
    let room = height.saturating_sub(below + 22 + foot);
    text::sentence(
        &lane.todo,
        part(area, 8, below + 22, width - 16, room),
        Align::Left,
        AtMost(14),
        scheme.ink,
        target,
    )?;
    if foot == 0 {
        return Ok(());
    }
    text::tail(
        &lane.serial,
        part(area, 8, height - foot, width - 70, foot - 4),
        scheme.ink,
        target,
    )?;
    text::small(
        &lane.seated,
        part(area, width - 60, height - foot, 52, foot - 4),
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
    let Size { width, height } = area.size;
    let inner = width - 4;
    let (word, band) = if inner >= 120 { (36, 30) } else { (28, 44) };
    // Title and serial have a place only where the rest keeps its size.
    let foot = if height >= 180 { 43 } else { 2 };
    let side = height
        .saturating_sub(32 + word + band + foot + 12)
        .min(inner - 4)
        .min(72);
    number(lane, scheme, part(area, 0, 0, 30, 30), target)?;
    let (shape_y, word_y) = match scheme.side {
        Side::Before => (32, 32 + side + 4),
        Side::After => (32 + word + 4, 32),
    };
    let square = part(area, (width - side) / 2, shape_y, side, side);
    shape::shape(lane.look.shape(), square, scheme.ink, scheme.fill, target)?;
    text::word(
        lane.word,
        part(area, 2, word_y, inner, word),
        Align::Middle,
        scheme.ink,
        target,
    )?;
    let below = 32 + side + word + 10;
    place(lane, scheme, part(area, 0, below, width, band), target)?;
    if foot < 43 {
        return Ok(());
    }
    let title = part(area, 3, height - foot + 3, inner - 2, foot - 16);
    text::sentence(&lane.title, title, Align::Left, AtMost(14), scheme.ink, target)?;
    text::tail(
        &lane.serial,
        part(area, 3, height - 14, inner - 2, 12),
        scheme.ink,
        target,
    )
}

/// A small tile, for five to eight lanes.
fn small<D: DrawTarget<Color = Rgb565>>(
    lane: &LaneWords,
    scheme: Scheme,
    area: Rectangle,
    target: &mut D,
) -> Result<(), D::Error> {
    let Size { width, height } = area.size;
    let band = 32;
    number(lane, scheme, part(area, 0, 0, 22, 22), target)?;
    let word = (height - band) * 2 / 5;
    let side = (height - band).saturating_sub(word + 6);
    let (shape_y, word_y) = match scheme.side {
        Side::Before => (2, side + 4),
        Side::After => (word + 4, 2),
    };
    let (word_x, word_width) = if word_y < 22 { (24, width - 26) } else { (2, width - 4) };
    let shape_x = if shape_y < 22 {
        24.max((width - side) / 2)
    } else {
        (width - side) / 2
    };
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
    place(lane, scheme, part(area, 0, height - band, width, band), target)
}

/// The lane's number as it is painted on the jig, always in the same corner.
fn number<D: DrawTarget<Color = Rgb565>>(
    lane: &LaneWords,
    scheme: Scheme,
    area: Rectangle,
    target: &mut D,
) -> Result<(), D::Error> {
    target.fill_solid(&area, scheme.ink)?;
    let inside = part(area, 2, 3, area.size.width - 4, area.size.height - 6);
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
    let Size { width, height } = area.size;
    let words = lane.place.words();
    match words.split_once(' ') {
        Some((first, second)) if height >= 30 && width < 120 => {
            let half = (height - 7) / 2;
            text::word(
                first,
                part(area, 2, 3, width - 4, half),
                Align::Middle,
                scheme.fill,
                target,
            )?;
            text::word(
                second,
                part(area, 2, half + 4, width - 4, half),
                Align::Middle,
                scheme.fill,
                target,
            )
        }
        Some(_) | None => text::word(
            words,
            part(area, 2, 3, width - 4, height - 6),
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
    let Size { width, height } = area.size;
    let thick = height.min(18);
    let outer = part(area, 4, (height - thick) / 2, width - 8, thick);
    target.fill_solid(&outer, palette::DIM)?;
    let inner = part(outer, 2, 2, outer.size.width - 4, thick - 4);
    target.fill_solid(&inner, scheme.fill)?;
    let done = inner.size.width * u32::from(permille.min(1000)) / 1000;
    target.fill_solid(&part(inner, 0, 0, done, thick - 4), scheme.ink)
}
