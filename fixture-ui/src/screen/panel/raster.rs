//! A frame as the rows of bytes that a display's memory holds.

use embedded_graphics::geometry::{Dimensions as _, Point};
use embedded_graphics::pixelcolor::Rgb565;
use embedded_graphics::pixelcolor::raw::ToBytes as _;
use embedded_graphics::primitives::Rectangle;

use super::PanelError;
use super::fit::Fit;
use crate::screen::frame::{Frame, rgb888};

/// Bits of a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Red 5, green 6, blue 5.
    Sixteen,
    /// Eight unused, red 8, green 8, blue 8, as a number of this machine.
    ThirtyTwo,
}

impl Depth {
    /// Bytes of a pixel.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Sixteen => 2,
            Self::ThirtyTwo => 4,
        }
    }

    /// Appends a pixel `times` times.
    pub fn put(self, pixel: Rgb565, times: u32, bytes: &mut Vec<u8>) {
        for _ in 0..times {
            match self {
                Self::Sixteen => bytes.extend_from_slice(&pixel.to_ne_bytes()),
                Self::ThirtyTwo => {
                    let [red, green, blue] = rgb888(pixel);
                    bytes.extend_from_slice(&u32::from_be_bytes([0, red, green, blue]).to_ne_bytes());
                }
            }
        }
    }
}

/// Gives `write` every row of the display that an area of the frame covers: where it begins, and its bytes.
///
/// # Errors
/// Those of `write`.
pub fn rows(
    frame: &Frame,
    area: Rectangle,
    fit: Fit,
    depth: Depth,
    mut write: impl FnMut(Point, &[u8]) -> Result<(), PanelError>,
) -> Result<(), PanelError> {
    let area = area.intersection(&frame.bounding_box());
    let mut at = fit.place(area.top_left);
    let mut bytes = Vec::new();
    for row in frame.rows(area) {
        bytes.clear();
        for pixel in row {
            depth.put(*pixel, fit.times, &mut bytes);
        }
        for _ in 0..fit.times {
            write(at, &bytes)?;
            at.y += 1;
        }
    }
    Ok(())
}
