//! The shapes beside the words, told apart without colour.

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::Rgb565;
use embedded_graphics::primitives::Rectangle;

use super::text::{self, Align};
use crate::view::look::Shape;

/// Corners on a square of 100 × 100.
type Outline = [(i32, i32)];

const TICK: &Outline = &[(2, 54), (18, 38), (40, 60), (82, 14), (98, 30), (40, 92)];
const CROSS: &Outline = &[
    (20, 4),
    (50, 34),
    (80, 4),
    (96, 20),
    (66, 50),
    (96, 80),
    (80, 96),
    (50, 66),
    (20, 96),
    (4, 80),
    (34, 50),
    (4, 20),
];
const TRIANGLE: &Outline = &[(50, 2), (99, 95), (1, 95)];
const MARK: &Outline = &[(43, 34), (57, 34), (54, 66), (46, 66)];
const MARK_DOT: &Outline = &[(44, 73), (56, 73), (56, 85), (44, 85)];
const DIAMOND: &Outline = &[(50, 0), (100, 50), (50, 100), (0, 50)];
const SQUARE: &Outline = &[(6, 6), (94, 6), (94, 94), (6, 94)];
const BAR: &Outline = &[(20, 42), (80, 42), (80, 58), (20, 58)];
const OCTAGON: &Outline = &[
    (30, 2),
    (70, 2),
    (98, 30),
    (98, 70),
    (70, 98),
    (30, 98),
    (2, 70),
    (2, 30),
];
const LEFT_BAR: &Outline = &[(32, 28), (44, 28), (44, 72), (32, 72)];
const RIGHT_BAR: &Outline = &[(56, 28), (68, 28), (68, 72), (56, 72)];
const TRAY: &Outline = &[
    (4, 56),
    (16, 56),
    (16, 84),
    (84, 84),
    (84, 56),
    (96, 56),
    (96, 96),
    (4, 96),
];
const POLE: &Outline = &[(10, 2), (22, 2), (22, 98), (10, 98)];
const FLAG: &Outline = &[(22, 6), (96, 32), (22, 60)];
const LEFT_LEG: &Outline = &[(44, 18), (56, 18), (18, 98), (8, 98)];
const RIGHT_LEG: &Outline = &[(44, 18), (56, 18), (92, 98), (82, 98)];
const ARC: &Outline = &[(26, 58), (74, 58), (77, 66), (23, 66)];
const DOWN: &Outline = &[(42, 4), (58, 4), (58, 42), (74, 42), (50, 72), (26, 42), (42, 42)];

/// Draws a shape in the middle of `area`, as large as fits, in `ink`; its inside marks in `paper`.
pub fn shape<D: DrawTarget<Color = Rgb565>>(
    shape: Shape,
    area: Rectangle,
    ink: Rgb565,
    paper: Rgb565,
    target: &mut D,
) -> Result<(), D::Error> {
    let side = area.size.width.min(area.size.height);
    let square = Rectangle::with_center(area.center(), Size::new_equal(side));
    match shape {
        Shape::Tray => {
            fill(TRAY, square, ink, target)?;
            fill(DOWN, square, ink, target)
        }
        Shape::Dots => {
            for middle in [14, 50, 86] {
                disc((middle, 50), 13, square, ink, target)?;
            }
            Ok(())
        }
        Shape::Tick => fill(TICK, square, ink, target),
        Shape::Cross => fill(CROSS, square, ink, target),
        Shape::Triangle => {
            fill(TRIANGLE, square, ink, target)?;
            fill(MARK, square, paper, target)?;
            fill(MARK_DOT, square, paper, target)
        }
        Shape::Diamond => {
            fill(DIAMOND, square, ink, target)?;
            let inside = Rectangle::with_center(square.center(), Size::new(side / 2, side * 11 / 20));
            text::word("?", inside, Align::Middle, paper, target)
        }
        Shape::Square => {
            fill(SQUARE, square, ink, target)?;
            fill(BAR, square, paper, target)
        }
        Shape::NoEntry => {
            disc((50, 50), 49, square, ink, target)?;
            fill(BAR, square, paper, target)
        }
        Shape::Flag => {
            fill(POLE, square, ink, target)?;
            fill(FLAG, square, ink, target)
        }
        Shape::Dividers => {
            disc((50, 12), 11, square, ink, target)?;
            for part in [LEFT_LEG, RIGHT_LEG, ARC] {
                fill(part, square, ink, target)?;
            }
            Ok(())
        }
        Shape::Octagon => {
            fill(OCTAGON, square, ink, target)?;
            fill(LEFT_BAR, square, paper, target)?;
            fill(RIGHT_BAR, square, paper, target)
        }
    }
}

/// A diamond without its question mark.
pub fn diamond<D: DrawTarget<Color = Rgb565>>(square: Rectangle, ink: Rgb565, target: &mut D) -> Result<(), D::Error> {
    fill(DIAMOND, square, ink, target)
}

/// A length of the 100 × 100 square in pixels of a square of `side`.
fn scaled(length: i32, side: u32) -> i32 {
    length * i32::try_from(side).unwrap_or(0) / 100
}

/// Fills an outline, row by row, even-odd.
fn fill<D: DrawTarget<Color = Rgb565>>(
    outline: &Outline,
    square: Rectangle,
    ink: Rgb565,
    target: &mut D,
) -> Result<(), D::Error> {
    let side = square.size.width;
    for row in 0..i32::try_from(side).unwrap_or(0) {
        // Rows are cut through their middles, in half pixels, so that no corner lies on a cut.
        let cut = 2 * row + 1;
        let mut crossings: Vec<i32> = outline
            .iter()
            .zip(outline.iter().cycle().skip(1))
            .filter_map(|(&(x1, y1), &(x2, y2))| {
                let (from, to) = (2 * scaled(y1, side), 2 * scaled(y2, side));
                let crosses = (from < cut) != (to < cut);
                crosses.then(|| {
                    let (left, right) = (scaled(x1, side), scaled(x2, side));
                    left + (right - left) * (cut - from) / (to - from)
                })
            })
            .collect();
        crossings.sort_unstable();
        for pair in crossings.chunks_exact(2) {
            let &[from, to] = pair else { continue };
            let width = (to - from).unsigned_abs();
            let stretch = Rectangle::new(square.top_left + Point::new(from, row), Size::new(width, 1));
            target.fill_solid(&stretch, ink)?;
        }
    }
    Ok(())
}

fn disc<D: DrawTarget<Color = Rgb565>>(
    (x, y): (i32, i32),
    radius: i32,
    square: Rectangle,
    ink: Rgb565,
    target: &mut D,
) -> Result<(), D::Error> {
    let side = square.size.width;
    let radius = scaled(radius, side);
    let middle = square.top_left + Point::new(scaled(x, side), scaled(y, side));
    for row in -radius..=radius {
        let half = (radius * radius - row * row).isqrt();
        let stretch = Rectangle::new(
            middle + Point::new(-half, row),
            Size::new((2 * half + 1).unsigned_abs(), 1),
        );
        target.fill_solid(&stretch, ink)?;
    }
    Ok(())
}
