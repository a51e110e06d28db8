//! Brother's QL raster, by the "Raster Command Reference QL-800/810W/820NWB", sections named where they are used.

use core::convert::Infallible;
use core::time::Duration;

use embedded_graphics::Drawable as _;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::MonoTextStyle;
use embedded_graphics::mono_font::iso_8859_1::FONT_10X20;
use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::prelude::Pixel;
use embedded_graphics::text::{Baseline, Text};

use super::wire::Wire;
use super::{Status, Tape, barcode};
use crate::clock::Clock;

/// Pins of the head, 300 a inch; a raster line is one bit a pin ("Print Data").
const PINS: usize = 720;

/// How much larger than the font text is drawn.
const TEXT: u32 = 3;

/// Dots of a font's letter.
const LETTER: (u32, u32) = (10, 20);

/// Dots between lines, and at the ends.
const GAP: u32 = 12;

/// Height of a bar code in dots.
const BARS: u32 = 120;

impl Tape {
    /// Width in mm, dots that are printed, and pins at the right that are not ("Page size", continuous length tape).
    const fn print_area(self) -> (u8, u32, usize) {
        match self {
            Self::Mm29 => (29, 306, 6),
            Self::Mm62 => (62, 696, 12),
        }
    }
}

/// Dots, row by row.
struct Bitmap {
    width: u32,
    height: u32,
    dots: Vec<bool>,
}

impl Bitmap {
    fn new(width: u32, height: u32) -> Self {
        Self {
            width,
            height,
            dots: vec![false; (width * height) as usize],
        }
    }

    fn set(&mut self, x: u32, y: u32) {
        if x < self.width
            && y < self.height
            && let Some(dot) = self.dots.get_mut((y * self.width + x) as usize)
        {
            *dot = true;
        }
    }

    fn row(&self, y: u32) -> &[bool] {
        let from = (y * self.width) as usize;
        self.dots.get(from..from + self.width as usize).unwrap_or_default()
    }
}

/// Draws a font's dots as squares of [`TEXT`] dots.
struct Scaled<'a> {
    bitmap: &'a mut Bitmap,
    top: u32,
}

impl OriginDimensions for Scaled<'_> {
    fn size(&self) -> Size {
        Size::new(self.bitmap.width / TEXT, LETTER.1)
    }
}

impl DrawTarget for Scaled<'_> {
    type Color = BinaryColor;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<BinaryColor>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(at, colour) in pixels {
            let (Ok(x), Ok(y)) = (u32::try_from(at.x), u32::try_from(at.y)) else {
                continue;
            };
            if colour == BinaryColor::On {
                for (right, down) in (0..TEXT).flat_map(|right| (0..TEXT).map(move |down| (right, down))) {
                    self.bitmap.set(x * TEXT + right, self.top + y * TEXT + down);
                }
            }
        }
        Ok(())
    }
}

/// A label: lines of text, and a Code 128 below them.
///
/// # Errors
/// The bar code does not fit the tape, or has letters that it cannot.
pub fn label(tape: Tape, lines: &[String], code: Option<&str>) -> Result<Vec<u8>, String> {
    let (millimetres, width, right) = tape.print_area();
    let line = LETTER.1 * TEXT + GAP;
    let count = u32::try_from(lines.len()).unwrap_or(0);
    let height = GAP + count * line + if code.is_some() { BARS + GAP } else { 0 };
    let mut bitmap = Bitmap::new(width, height);
    for (place, text) in (0..).zip(lines) {
        let mut scaled = Scaled {
            bitmap: &mut bitmap,
            top: GAP + place * line,
        };
        let style = MonoTextStyle::new(&FONT_10X20, BinaryColor::On);
        let Ok(_) = Text::with_baseline(text, Point::zero(), style, Baseline::Top).draw(&mut scaled);
    }
    if let Some(code) = code {
        bars(&mut bitmap, code, GAP + count * line)?;
    }
    Ok(raster(&bitmap, millimetres, right))
}

fn bars(bitmap: &mut Bitmap, code: &str, top: u32) -> Result<(), String> {
    let modules =
        barcode::modules(code).ok_or_else(|| format!("{code:?} cannot be a Code 128: expected printable ASCII"))?;
    let wide = u32::try_from(modules.len()).unwrap_or(u32::MAX);
    // Ten modules of white on either side (ISO/IEC 15417, quiet zone).
    let module = bitmap.width / wide.saturating_add(20);
    if module == 0 {
        return Err(format!("{code:?} is too long for a bar code on this tape"));
    }
    for (place, _) in (0..).zip(&modules).filter(|(_, dark)| **dark) {
        let left = (10 + place) * module;
        for x in left..left + module {
            for y in top..top + BARS {
                bitmap.set(x, y);
            }
        }
    }
    Ok(())
}

fn raster(bitmap: &Bitmap, millimetres: u8, right: usize) -> Vec<u8> {
    // "Invalidate", "Initialize" (ESC @), "Switch dynamic command mode" to raster (ESC i a 1).
    let mut bytes = vec![0; 200];
    bytes.extend(b"\x1b@\x1bia\x01");
    // "Print information command" (ESC i z): kind, width and quality are given; continuous tape; length 0; number of raster lines.
    bytes.extend(b"\x1biz");
    bytes.extend([0x80 | 0x40 | 0x04 | 0x02, 0x0a, millimetres, 0]);
    bytes.extend(bitmap.height.to_le_bytes());
    bytes.extend([0, 0]);
    // "Various mode" (ESC i M): cut by itself; "Expanded mode" (ESC i K): cut at the end; "margin" (ESC i d): 35 dots, the least.
    bytes.extend(b"\x1biM\x40\x1biK\x08\x1bid\x23\x00");
    // "Select compression mode" (M): none.
    bytes.extend(b"M\x00");
    for y in 0..bitmap.height {
        let mut pins = [0_u8; PINS / 8];
        for (x, _) in bitmap.row(y).iter().enumerate().filter(|(_, dark)| **dark) {
            // The first bit is the pin at the right edge of the label as it is read.
            let pin = right + (bitmap.width as usize - 1 - x);
            if let Some(byte) = pins.get_mut(pin / 8) {
                *byte |= 0x80 >> (pin % 8);
            }
        }
        // "Raster graphics transfer" (g).
        bytes.extend([b'g', 0, 90]);
        bytes.extend(pins);
    }
    // "Print command with feeding".
    bytes.push(0x1a);
    bytes
}

/// Asks by "Status information request" (ESC i S).
pub fn status(wire: &mut Wire, clock: Clock, within: Duration) -> Result<Status, String> {
    wire.send(b"\x1biS")?;
    Ok(wire.answer(clock, within, read)?.unwrap_or(Status::Silent))
}

/// The size of a status, and how it begins ("Status").
const STATUS: usize = 32;

/// What the last whole status says. Statuses also come unasked, as phases change.
fn read(heard: &[u8]) -> Option<Status> {
    let status = heard
        .chunks_exact(STATUS)
        .rfind(|status| status.starts_with(&[0x80, 0x20, b'B']))?;
    let (first, second) = (*status.get(8)?, *status.get(9)?);
    Some(match (first, second) {
        (first, _) if first & 0x01 != 0 => Status::Stopped("no tape"),
        (first, _) if first & 0x02 != 0 => Status::Stopped("tape out"),
        (first, _) if first & 0x04 != 0 => Status::Stopped("cutter jammed"),
        (_, second) if second & 0x01 != 0 => Status::Stopped("wrong tape"),
        (_, second) if second & 0x10 != 0 => Status::Stopped("cover open"),
        (_, second) if second & 0x40 != 0 => Status::Stopped("tape cannot be fed"),
        (0, 0) => match (status.get(18)?, status.get(19)?) {
            // A phase change to printing.
            (6, 1) => Status::Printing,
            _ => Status::Ready,
        },
        _ => Status::Stopped("an error of its own: see its display"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The raster lines of a label, each as its dots from left to right as it is read.
    fn printed(bytes: &[u8], width: usize, right: usize) -> Vec<Vec<bool>> {
        let start = bytes.windows(2).position(|pair| pair == b"M\x00").unwrap() + 2;
        let lines = &bytes[start..bytes.len() - 1];
        assert_eq!(lines.len() % 93, 0);
        lines
            .chunks(93)
            .map(|line| {
                assert_eq!(line[..3], [b'g', 0, 90]);
                let pin = |pin: usize| line[3 + pin / 8] & (0x80 >> (pin % 8)) != 0;
                assert!((0..right).all(|margin| !pin(margin)), "nothing in the margin");
                (0..width).rev().map(|x| pin(right + x)).collect()
            })
            .collect()
    }

    #[test]
    fn a_label_says_its_tape_its_length_and_ends() {
        let bytes = label(Tape::Mm62, &["SN-1".to_owned()], Some("SN-1")).unwrap();
        assert!(bytes[..200].iter().all(|byte| *byte == 0));
        let height = 12 + 72 + 120 + 12;
        assert_eq!(bytes[200..207], *b"\x1b@\x1bia\x01\x1b");
        assert_eq!(
            bytes[206..219],
            [0x1b, b'i', b'z', 0xc6, 0x0a, 62, 0, height, 0, 0, 0, 0, 0]
        );
        assert_eq!(bytes.last(), Some(&0x1a));
        assert_eq!(printed(&bytes, 696, 12).len(), usize::from(height));
    }

    #[test]
    fn the_bar_code_stands_on_the_tape_from_left_to_right() {
        let bytes = label(Tape::Mm62, &[], Some("SN-1")).unwrap();
        let rows = printed(&bytes, 696, 12);
        let modules = barcode::modules("SN-1").unwrap();
        let module = 696 / (modules.len() + 20);
        let row = &rows[12 + 60];
        let read: Vec<bool> = (0..modules.len())
            .map(|place| row[(10 + place) * module + module / 2])
            .collect();
        assert_eq!(read, modules);
        assert!(row[..10 * module].iter().all(|dot| !dot), "quiet zone");
    }

    #[test]
    fn text_is_drawn_and_starts_at_the_left() {
        let bytes = label(Tape::Mm29, &["I".to_owned()], None).unwrap();
        let rows = printed(&bytes, 306, 6);
        let dots =
            |columns: core::ops::Range<usize>| rows.iter().any(|row| row[columns.clone()].iter().any(|dot| *dot));
        assert!(dots(0..30) && !dots(30..306));
    }

    #[test]
    fn a_bar_code_that_does_not_fit_is_told() {
        assert!(
            label(Tape::Mm29, &[], Some(&"x".repeat(40)))
                .unwrap_err()
                .contains("too long")
        );
        assert!(
            label(Tape::Mm62, &[], Some("ü"))
                .unwrap_err()
                .contains("printable ASCII")
        );
    }

    fn said(first: u8, second: u8, kind: u8, phase: u8) -> Vec<u8> {
        let mut status = vec![0; STATUS];
        status[..3].copy_from_slice(&[0x80, 0x20, b'B']);
        status[8] = first;
        status[9] = second;
        status[18] = kind;
        status[19] = phase;
        status
    }

    #[test]
    fn a_status_is_read_and_the_last_one_counts() {
        for (status, is) in [
            (said(0, 0, 0, 0), Status::Ready),
            (said(0, 0, 1, 0), Status::Ready),
            (said(0, 0, 6, 1), Status::Printing),
            (said(2, 0, 2, 0), Status::Stopped("tape out")),
            (said(0, 0x10, 2, 0), Status::Stopped("cover open")),
            ([said(0, 0, 6, 1), said(0, 0, 1, 0)].concat(), Status::Ready),
        ] {
            assert_eq!(read(&status), Some(is));
        }
        assert_eq!(read(&[0x80; 31]), None);
    }
}
