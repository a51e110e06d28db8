//! One picture of the local display, in memory.

use core::convert::Infallible;

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Dimensions, Point, Size};
use embedded_graphics::pixelcolor::{Rgb565, RgbColor};
use embedded_graphics::primitives::Rectangle;

/// Width of the panel in pixels.
pub const WIDTH: u32 = 320;

/// Height of the panel in pixels.
pub const HEIGHT: u32 = 240;

/// A whole frame of [`WIDTH`] × [`HEIGHT`] pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pixels: Vec<Rgb565>,
}

/// A frame could not be written as PNG.
#[derive(Debug, thiserror::Error)]
#[error("frame: cannot be written as PNG: {0}")]
pub struct FrameError(#[from] png::EncodingError);

impl Default for Frame {
    fn default() -> Self {
        Self {
            pixels: vec![Rgb565::BLACK; (WIDTH * HEIGHT) as usize],
        }
    }
}

impl Frame {
    /// The frame as 8-bit red, green and blue, row by row from the top.
    pub fn rgb(&self) -> Vec<u8> {
        self.pixels
            .iter()
            .flat_map(|pixel| {
                [
                    widened(pixel.r(), Rgb565::MAX_R),
                    widened(pixel.g(), Rgb565::MAX_G),
                    widened(pixel.b(), Rgb565::MAX_B),
                ]
            })
            .collect()
    }

    /// The frame as a PNG file.
    ///
    /// # Errors
    /// The encoder refused.
    pub fn png(&self) -> Result<Vec<u8>, FrameError> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, WIDTH, HEIGHT);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.rgb())?;
        writer.finish()?;
        Ok(file)
    }
}

/// A channel of `most` at full as one of 255 at full.
fn widened(value: u8, most: u8) -> u8 {
    u8::try_from(u16::from(value) * 255 / u16::from(most)).unwrap_or(u8::MAX)
}

impl Dimensions for Frame {
    fn bounding_box(&self) -> Rectangle {
        Rectangle::new(Point::zero(), Size::new(WIDTH, HEIGHT))
    }
}

impl DrawTarget for Frame {
    type Color = Rgb565;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<Rgb565>>,
    {
        for Pixel(at, colour) in pixels {
            let (Ok(x), Ok(y)) = (u32::try_from(at.x), u32::try_from(at.y)) else {
                continue;
            };
            if x < WIDTH
                && let Some(pixel) = self.pixels.get_mut((y * WIDTH + x) as usize)
            {
                *pixel = colour;
            }
        }
        Ok(())
    }
}
