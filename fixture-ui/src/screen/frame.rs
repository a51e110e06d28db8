//! One picture of the local display, in memory.

use core::convert::Infallible;

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Dimensions, Point, Size};
use embedded_graphics::pixelcolor::{Rgb565, RgbColor};
use embedded_graphics::primitives::Rectangle;

/// A whole frame, of any size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    size: Size,
    pixels: Vec<Rgb565>,
}

/// A frame could not be written as PNG.
#[derive(Debug, thiserror::Error)]
#[error("frame: cannot be written as PNG: {0}")]
pub struct FrameError(#[from] png::EncodingError);

impl Frame {
    /// A black frame of `size` pixels.
    pub fn new(size: Size) -> Self {
        Self {
            size,
            pixels: vec![Rgb565::BLACK; index(size.width) * index(size.height)],
        }
    }

    /// Its size in pixels.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The pixels of `area`, row by row, each row from the left; of the part of it that lies on the frame.
    pub fn rows(&self, area: Rectangle) -> impl Iterator<Item = &[Rgb565]> {
        let area = area.intersection(&self.bounding_box());
        let (left, top) = (offset(area.top_left.x), offset(area.top_left.y));
        let (wide, tall) = (index(area.size.width), index(area.size.height));
        let stride = index(self.size.width).max(1);
        self.pixels
            .chunks_exact(stride)
            .skip(top)
            .take(tall)
            .map(move |row| row.get(left..left + wide).unwrap_or_default())
    }

    /// The frame as 8-bit red, green and blue, row by row from the top.
    pub fn rgb(&self) -> Vec<u8> {
        self.pixels.iter().flat_map(|pixel| rgb888(*pixel)).collect()
    }

    /// The frame as a PNG file.
    ///
    /// # Errors
    /// The encoder refused.
    pub fn png(&self) -> Result<Vec<u8>, FrameError> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, self.size.width, self.size.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        // Frames of a few flat colours stay small anyhow; ten of them a second must not cost a core.
        encoder.set_compression(png::Compression::Fast);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.rgb())?;
        writer.finish()?;
        Ok(file)
    }
}

/// A pixel as 8-bit red, green and blue.
pub fn rgb888(pixel: Rgb565) -> [u8; 3] {
    [
        widened(pixel.r(), Rgb565::MAX_R),
        widened(pixel.g(), Rgb565::MAX_G),
        widened(pixel.b(), Rgb565::MAX_B),
    ]
}

/// A channel of `most` at full as one of 255 at full.
fn widened(value: u8, most: u8) -> u8 {
    u8::try_from(u16::from(value) * 255 / u16::from(most)).unwrap_or(u8::MAX)
}

/// A number of pixels as an index.
fn index(pixels: u32) -> usize {
    usize::try_from(pixels).unwrap_or(usize::MAX)
}

/// A coordinate on the frame as an index.
fn offset(coordinate: i32) -> usize {
    usize::try_from(coordinate).unwrap_or(0)
}

impl Dimensions for Frame {
    fn bounding_box(&self) -> Rectangle {
        Rectangle::new(Point::zero(), self.size)
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
            if x < self.size.width
                && let Some(pixel) = self.pixels.get_mut(index(y * self.size.width + x))
            {
                *pixel = colour;
            }
        }
        Ok(())
    }

    fn fill_solid(&mut self, area: &Rectangle, colour: Rgb565) -> Result<(), Infallible> {
        let area = area.intersection(&self.bounding_box());
        let (left, top) = (offset(area.top_left.x), offset(area.top_left.y));
        let (wide, tall) = (index(area.size.width), index(area.size.height));
        let stride = index(self.size.width).max(1);
        for row in self.pixels.chunks_exact_mut(stride).skip(top).take(tall) {
            if let Some(stretch) = row.get_mut(left..left + wide) {
                stretch.fill(colour);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filled_area_is_the_same_as_its_pixels_one_by_one() {
        for area in [
            Rectangle::new(Point::new(2, 1), Size::new(3, 4)),
            Rectangle::new(Point::new(-2, -1), Size::new(5, 3)),
            Rectangle::new(Point::new(6, 3), Size::new(50, 50)),
            Rectangle::new(Point::new(90, 90), Size::new(2, 2)),
            Rectangle::zero(),
        ] {
            let (mut one, mut other) = (Frame::new(Size::new(9, 7)), Frame::new(Size::new(9, 7)));
            one.fill_solid(&area, Rgb565::RED).unwrap();
            let pixels = (0..7).flat_map(|y| (0..9).map(move |x| Point::new(x, y)));
            let inside = pixels.filter(|at| area.contains(*at)).map(|at| Pixel(at, Rgb565::RED));
            other.draw_iter(inside).unwrap();
            assert_eq!(one, other, "{area:?}");
        }
    }

    #[test]
    fn rows_give_an_area_and_nothing_beyond_the_frame() {
        let mut frame = Frame::new(Size::new(4, 3));
        frame
            .draw_iter([
                Pixel(Point::new(1, 1), Rgb565::RED),
                Pixel(Point::new(3, 2), Rgb565::BLUE),
            ])
            .unwrap();
        let rows: Vec<&[Rgb565]> = frame.rows(Rectangle::new(Point::new(1, 1), Size::new(9, 9))).collect();
        assert_eq!(
            rows,
            [
                [Rgb565::RED, Rgb565::BLACK, Rgb565::BLACK],
                [Rgb565::BLACK, Rgb565::BLACK, Rgb565::BLUE]
            ]
        );
    }
}
