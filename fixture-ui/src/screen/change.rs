//! What changed from one frame to the next: a few rectangles, so that a slow bus carries only those.

use embedded_graphics::geometry::{Dimensions, Point, Size};
use embedded_graphics::primitives::Rectangle;

use super::frame::Frame;

/// Changes are looked for in squares of so many pixels.
const CELL: u32 = 8;

/// At most so many rectangles: each costs a panel three commands and the kernel some calls.
pub const MOST: usize = 6;

/// With more pieces than this, one rectangle around them all is sent: to merge them would take longer than to send them.
const PIECES: usize = 96;

/// The areas in which `new` differs from `old`, disjoint or nearly so, at most [`MOST`]; the whole frame where there is no old one
/// of its size.
pub fn changed(old: Option<&Frame>, new: &Frame) -> Vec<Rectangle> {
    let all = new.bounding_box();
    let Some(old) = old.filter(|old| old.size() == new.size()) else {
        return vec![all];
    };
    let mut areas = pieces(old, new);
    if areas.len() > PIECES {
        return areas.into_iter().reduce(around).into_iter().collect();
    }
    while areas.len() > MOST {
        let pairs = (0..areas.len()).flat_map(|one| (one + 1..areas.len()).map(move |other| (one, other)));
        let cost = |&(one, other): &(usize, usize)| {
            let (one, other) = (areas[one], areas[other]);
            pixels(around(one, other)).saturating_sub(pixels(one) + pixels(other))
        };
        let Some((one, other)) = pairs.min_by_key(cost) else {
            break;
        };
        let taken = areas.swap_remove(other);
        areas[one] = around(areas[one], taken);
    }
    areas.iter().map(|area| area.intersection(&all)).collect()
}

/// Runs of changed cells, joined with those of the same columns right above.
fn pieces(old: &Frame, new: &Frame) -> Vec<Rectangle> {
    let Size { width, height } = new.size();
    let mut areas: Vec<Rectangle> = Vec::new();
    for top in (0..height).step_by(CELL as usize) {
        let band = Rectangle::new(point(0, top), Size::new(width, CELL));
        let mut cells = vec![false; width.div_ceil(CELL) as usize];
        for (old, new) in old.rows(band).zip(new.rows(band)) {
            if old == new {
                continue;
            }
            let columns = old.chunks(CELL as usize).zip(new.chunks(CELL as usize));
            for (cell, (old, new)) in cells.iter_mut().zip(columns) {
                *cell |= old != new;
            }
        }
        let mut columns = (0_u32..).zip(cells).peekable();
        while let Some((from, is_changed)) = columns.next() {
            if !is_changed {
                continue;
            }
            let mut to = from + 1;
            while columns.next_if(|(_, is_changed)| *is_changed).is_some() {
                to += 1;
            }
            let run = Rectangle::new(point(from * CELL, top), Size::new((to - from) * CELL, CELL));
            let above = areas.iter_mut().find(|area| {
                area.top_left.x == run.top_left.x
                    && area.size.width == run.size.width
                    && area.top_left + Point::new(0, coordinate(area.size.height)) == run.top_left
            });
            match above {
                Some(area) => area.size.height += CELL,
                None => areas.push(run),
            }
        }
    }
    areas
}

/// The smallest area that holds both.
fn around(one: Rectangle, other: Rectangle) -> Rectangle {
    let Some((one_end, other_end)) = one.bottom_right().zip(other.bottom_right()) else {
        return if one.is_zero_sized() { other } else { one };
    };
    Rectangle::with_corners(
        one.top_left.component_min(other.top_left),
        one_end.component_max(other_end),
    )
}

fn pixels(area: Rectangle) -> u32 {
    area.size.width.saturating_mul(area.size.height)
}

fn point(x: u32, y: u32) -> Point {
    Point::new(coordinate(x), coordinate(y))
}

fn coordinate(pixels: u32) -> i32 {
    i32::try_from(pixels).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use embedded_graphics::Pixel;
    use embedded_graphics::draw_target::DrawTarget;
    use embedded_graphics::pixelcolor::{Rgb565, RgbColor};

    use super::*;

    const SIZE: Size = Size::new(100, 60);

    fn with(points: &[(i32, i32)]) -> Frame {
        let mut frame = Frame::new(SIZE);
        let pixels = points.iter().map(|&(x, y)| Pixel(Point::new(x, y), Rgb565::WHITE));
        frame.draw_iter(pixels).unwrap();
        frame
    }

    /// What a panel shows that had `old` and was sent the changed areas of `new`.
    fn patched(old: &Frame, new: &Frame, areas: &[Rectangle]) -> Frame {
        let mut shown = old.clone();
        for area in areas {
            let pixels = new.rows(*area).flatten().copied();
            shown.fill_contiguous(area, pixels).unwrap();
        }
        shown
    }

    #[test]
    fn the_same_frame_again_changes_nothing() {
        assert_eq!(changed(Some(&with(&[(3, 3)])), &with(&[(3, 3)])), []);
    }

    #[test]
    fn without_a_frame_before_or_with_one_of_another_size_everything_is_sent() {
        let new = with(&[]);
        assert_eq!(changed(None, &new), [new.bounding_box()]);
        assert_eq!(
            changed(Some(&Frame::new(Size::new(60, 100))), &new),
            [new.bounding_box()]
        );
    }

    #[test]
    fn two_places_far_apart_are_two_small_areas() {
        let areas = changed(Some(&with(&[])), &with(&[(9, 9), (11, 20), (90, 50)]));
        assert_eq!(
            areas,
            [
                Rectangle::new(Point::new(8, 8), Size::new(8, 16)),
                Rectangle::new(Point::new(88, 48), Size::new(8, 8))
            ]
        );
    }

    #[test]
    fn areas_at_the_edge_do_not_reach_beyond_the_frame() {
        let areas = changed(Some(&with(&[])), &with(&[(99, 59)]));
        assert_eq!(areas, [Rectangle::new(Point::new(96, 56), Size::new(4, 4))]);
    }

    #[test]
    fn whatever_changes_is_sent_whole_in_a_few_areas() {
        // A linear congruential generator: places all over the frame, the same at every run of the test.
        let mut state = 12_345_u32;
        let mut next = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % below
        };
        let mut old = with(&[]);
        for count in [1, 2, 5, 17, 60, 400] {
            let points: Vec<(i32, i32)> = (0..count)
                .map(|_| (coordinate(next(SIZE.width)), coordinate(next(SIZE.height))))
                .collect();
            let new = with(&points);
            let areas = changed(Some(&old), &new);
            assert!(areas.len() <= MOST, "{count}: {areas:?}");
            assert_eq!(patched(&old, &new, &areas), new, "{count}");
            old = new;
        }
    }
}
