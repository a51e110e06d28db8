//! How a frame fits a display of any size: as it is on small ones, with every pixel a square of pixels on large ones.

use embedded_graphics::geometry::{Point, Size};

use crate::screen::SMALL;

/// From this height on pixels are doubled (and so on): letters of the largest type then still fill the screen.
const DOUBLED: Size = Size::new(640, 480);

/// Where the frame lies on the display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fit {
    /// The frame's size.
    pub frame: Size,
    /// Each of its pixels is a square of so many of the display's.
    pub times: u32,
    /// What is left over at the left and at the top.
    pub margin: Point,
}

/// The display is smaller than the smallest screen.
#[derive(Debug, thiserror::Error)]
#[error("expected at least 320 x 240 pixels, found {} x {}", .0.width, .0.height)]
pub struct TooSmall(Size);

impl Fit {
    /// On a display of this size.
    ///
    /// # Errors
    /// It is too small.
    pub fn of(display: Size) -> Result<Self, TooSmall> {
        let Size { width, height } = display;
        if width < SMALL.width || height < SMALL.height {
            return Err(TooSmall(display));
        }
        let times = (width / DOUBLED.width).min(height / DOUBLED.height).max(1);
        let frame = Size::new(width / times, height / times);
        let over = |whole: u32, part: u32| i32::try_from((whole - part * times) / 2).unwrap_or(0);
        Ok(Self {
            frame,
            times,
            margin: Point::new(over(width, frame.width), over(height, frame.height)),
        })
    }

    /// Where a pixel of the frame begins on the display.
    pub fn place(&self, at: Point) -> Point {
        self.margin + at * i32::try_from(self.times).unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_displays_are_used_whole_and_large_ones_by_whole_multiples() {
        for (display, frame, times, margin) in [
            ((320, 240), (320, 240), 1, (0, 0)),
            ((800, 480), (800, 480), 1, (0, 0)),
            ((1024, 600), (1024, 600), 1, (0, 0)),
            ((1280, 800), (1280, 800), 1, (0, 0)),
            ((1920, 1080), (960, 540), 2, (0, 0)),
            ((1921, 1083), (960, 541), 2, (0, 0)),
            ((3841, 2162), (960, 540), 4, (0, 1)),
        ] {
            let fit = Fit::of(Size::new(display.0, display.1)).unwrap();
            assert_eq!(
                (fit.frame, fit.times),
                (Size::new(frame.0, frame.1), times),
                "{display:?}"
            );
            assert_eq!(fit.margin, Point::new(margin.0, margin.1), "{display:?}");
            let scaled = Point::new(2, 3) * i32::try_from(times).unwrap();
            assert_eq!(fit.place(Point::new(2, 3)) - fit.margin, scaled);
        }
        let error = Fit::of(Size::new(320, 200)).unwrap_err();
        assert_eq!(error.to_string(), "expected at least 320 x 240 pixels, found 320 x 200");
    }
}
