//! The screens are laid out on 320 × 240; on a larger target every length grows with it.

use embedded_graphics::geometry::{Dimensions, Size};

use super::SMALL;

/// How much larger a target is than the small panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    times: u32,
    of: u32,
}

impl Scale {
    /// Of a target: as much as fits both ways.
    pub fn of<D: Dimensions>(target: &D) -> Self {
        let Size { width, height } = target.bounding_box().size;
        if width * SMALL.height < height * SMALL.width {
            Self {
                times: width,
                of: SMALL.width,
            }
        } else {
            Self {
                times: height,
                of: SMALL.height,
            }
        }
    }

    /// A length on the small panel as one on this target, in pixels.
    pub const fn px(self, length: u32) -> u32 {
        length * self.times / self.of
    }

    /// Whether there is room for more words than on the small panel: pixels are about as small on the large ones (0.18 mm on 2.8
    /// inches of 320 × 240, 0.19 mm on 7 inches of 800 × 480), so type of the same pixels reads as well.
    pub const fn is_large(self) -> bool {
        self.times * 2 >= self.of * 3
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::frame::Frame;

    #[test]
    fn lengths_grow_with_the_lesser_of_width_and_height() {
        for ((width, height), ten) in [((320, 240), 10), ((800, 480), 20), ((640, 960), 20), ((1024, 600), 25)] {
            assert_eq!(Scale::of(&Frame::new(Size::new(width, height))).px(10), ten);
        }
    }
}
