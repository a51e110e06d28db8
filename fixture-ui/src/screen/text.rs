//! Words on the panel: the largest type that fits.

use super::scale::Scale;
use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Dimensions, Point, Size};
use embedded_graphics::pixelcolor::Rgb565;
use embedded_graphics::primitives::Rectangle;
use u8g2_fonts::types::{FontColor, VerticalPosition};
use u8g2_fonts::{FontRenderer, fonts};

/// A font at a whole multiple of its size.
struct Type {
    font: FontRenderer,
    scale: i32,
}

const fn type_of<F: u8g2_fonts::Font>(scale: i32) -> Type {
    Type {
        font: FontRenderer::new::<F>().with_ignore_unknown_chars(true),
        scale,
    }
}

/// For the few big words, from large to small. Free Universal Bold, and Logisoso, which is narrower, both SIL OFL 1.1;
/// at the small end Helvetica Bold, 7x14B and the narrow 6x13B of the X11 fonts.
static WORDS: [Type; 30] = [
    type_of::<fonts::u8g2_font_fub42_tf>(4),
    type_of::<fonts::u8g2_font_fub42_tf>(3),
    type_of::<fonts::u8g2_font_fub35_tf>(3),
    type_of::<fonts::u8g2_font_logisoso46_tf>(2),
    type_of::<fonts::u8g2_font_fub42_tf>(2),
    type_of::<fonts::u8g2_font_fub35_tf>(2),
    type_of::<fonts::u8g2_font_fub30_tf>(2),
    type_of::<fonts::u8g2_font_logisoso58_tf>(1),
    type_of::<fonts::u8g2_font_fub25_tf>(2),
    type_of::<fonts::u8g2_font_logisoso50_tf>(1),
    type_of::<fonts::u8g2_font_logisoso46_tf>(1),
    type_of::<fonts::u8g2_font_fub42_tf>(1),
    type_of::<fonts::u8g2_font_logisoso42_tf>(1),
    type_of::<fonts::u8g2_font_logisoso38_tf>(1),
    type_of::<fonts::u8g2_font_fub35_tf>(1),
    type_of::<fonts::u8g2_font_logisoso32_tf>(1),
    type_of::<fonts::u8g2_font_fub30_tf>(1),
    type_of::<fonts::u8g2_font_logisoso28_tf>(1),
    type_of::<fonts::u8g2_font_fub25_tf>(1),
    type_of::<fonts::u8g2_font_logisoso24_tf>(1),
    type_of::<fonts::u8g2_font_logisoso20_tf>(1),
    type_of::<fonts::u8g2_font_fub20_tf>(1),
    type_of::<fonts::u8g2_font_fub17_tf>(1),
    type_of::<fonts::u8g2_font_logisoso16_tf>(1),
    type_of::<fonts::u8g2_font_fub14_tf>(1),
    type_of::<fonts::u8g2_font_helvB14_tf>(1),
    type_of::<fonts::u8g2_font_helvB10_tf>(1),
    type_of::<fonts::u8g2_font_7x14B_tf>(1),
    type_of::<fonts::u8g2_font_6x13B_tf>(1),
    type_of::<fonts::u8g2_font_helvB08_tf>(1),
];

/// For sentences, from large to small. Helvetica Bold of the X11 fonts; above that Free Universal Bold.
static SENTENCES: [Type; 9] = [
    type_of::<fonts::u8g2_font_helvB18_tf>(2),
    type_of::<fonts::u8g2_font_fub30_tf>(1),
    type_of::<fonts::u8g2_font_fub25_tf>(1),
    type_of::<fonts::u8g2_font_helvB24_tf>(1),
    type_of::<fonts::u8g2_font_helvB18_tf>(1),
    type_of::<fonts::u8g2_font_helvB14_tf>(1),
    type_of::<fonts::u8g2_font_helvB12_tf>(1),
    type_of::<fonts::u8g2_font_helvB10_tf>(1),
    type_of::<fonts::u8g2_font_helvB08_tf>(1),
];

/// Where a line stands in its area.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// At the left edge.
    Left,
    /// In the middle.
    Middle,
    /// At the right edge.
    Right,
}

/// The largest that sentences may get, in pixels of a capital's height on the small panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AtMost(pub u32);

impl Type {
    /// Width of a line in pixels.
    fn width(&self, line: &str) -> i32 {
        let size = self
            .font
            .get_rendered_dimensions(line, Point::zero(), VerticalPosition::Baseline)
            .ok()
            .and_then(|size| size.bounding_box)
            .map_or(0, |inked| inked.top_left.x + whole(inked.size.width));
        size * self.scale
    }

    /// Height of a capital in pixels.
    fn cap(&self) -> i32 {
        let size = self
            .font
            .get_rendered_dimensions("H", Point::zero(), VerticalPosition::Baseline)
            .ok()
            .and_then(|size| size.bounding_box)
            .map_or(0, |inked| whole(inked.size.height));
        size * self.scale
    }

    /// From one baseline to the next.
    fn leading(&self) -> i32 {
        self.cap() * 3 / 2 + 1
    }

    fn draw<D: DrawTarget<Color = Rgb565>>(
        &self,
        line: &str,
        baseline: Point,
        ink: Rgb565,
        target: &mut D,
    ) -> Result<(), D::Error> {
        let mut scaled = Scaled {
            target,
            origin: baseline,
            scale: self.scale,
        };
        match self.font.render(
            line,
            Point::zero(),
            VerticalPosition::Baseline,
            FontColor::Transparent(ink),
            &mut scaled,
        ) {
            Ok(_) => Ok(()),
            Err(u8g2_fonts::Error::DisplayError(error)) => Err(error),
            // A glyph that the font lacks is left out, as the renderers are set up to do; a font without a background colour
            // is not asked for one.
            Err(u8g2_fonts::Error::GlyphNotFound(_) | u8g2_fonts::Error::BackgroundColorNotSupported) => Ok(()),
        }
    }
}

/// A target on which every pixel is a square of `scale` pixels, counted from `origin`.
struct Scaled<'a, D> {
    target: &'a mut D,
    origin: Point,
    scale: i32,
}

impl<D: DrawTarget<Color = Rgb565>> Dimensions for Scaled<'_, D> {
    fn bounding_box(&self) -> Rectangle {
        let real = self.target.bounding_box();
        Rectangle::new((real.top_left - self.origin) / self.scale, real.size)
    }
}

impl<D: DrawTarget<Color = Rgb565>> DrawTarget for Scaled<'_, D> {
    type Color = Rgb565;
    type Error = D::Error;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), D::Error>
    where
        I: IntoIterator<Item = Pixel<Rgb565>>,
    {
        let size = Size::new_equal(self.scale.unsigned_abs());
        for Pixel(at, colour) in pixels {
            self.target
                .fill_solid(&Rectangle::new(self.origin + at * self.scale, size), colour)?;
        }
        Ok(())
    }
}

/// A number of pixels as a coordinate.
fn whole(pixels: u32) -> i32 {
    i32::try_from(pixels).unwrap_or(i32::MAX)
}

/// The text with what the fonts cannot draw (outside Latin-1) as question marks.
fn drawable(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            ' '..='~' | '\u{a1}'..='\u{ff}' => letter,
            _ => '?',
        })
        .collect()
}

/// Draws one line of capitals as large as fits `area`, in the middle of its height.
pub fn word<D: DrawTarget<Color = Rgb565>>(
    text: &str,
    area: Rectangle,
    align: Align,
    ink: Rgb565,
    target: &mut D,
) -> Result<(), D::Error> {
    let text = drawable(text);
    let (width, height) = (whole(area.size.width), whole(area.size.height));
    let fitting = WORDS
        .iter()
        .find(|kind| kind.cap() <= height && kind.width(&text) <= width);
    match fitting {
        Some(kind) => line(kind, &text, area, align, ink, target),
        None => sentence(&text, area, align, AtMost(12), ink, target),
    }
}

/// Draws one line in the middle of the area's height.
fn line<D: DrawTarget<Color = Rgb565>>(
    kind: &Type,
    text: &str,
    area: Rectangle,
    align: Align,
    ink: Rgb565,
    target: &mut D,
) -> Result<(), D::Error> {
    let free = whole(area.size.width) - kind.width(text);
    let x = match align {
        Align::Left => 0,
        Align::Middle => free / 2,
        Align::Right => free,
    };
    let y = i32::midpoint(whole(area.size.height), kind.cap());
    kind.draw(text, area.top_left + Point::new(x, y), ink, target)
}

/// Draws a sentence from the top of `area`, broken into lines, as large as fits; what cannot fit ends in three dots.
pub fn sentence<D: DrawTarget<Color = Rgb565>>(
    text: &str,
    area: Rectangle,
    align: Align,
    at_most: AtMost,
    ink: Rgb565,
    target: &mut D,
) -> Result<(), D::Error> {
    let text = drawable(text);
    let (width, height) = (whole(area.size.width), whole(area.size.height));
    let most = whole(Scale::of(target).px(at_most.0));
    let allowed = || SENTENCES.iter().filter(|kind| kind.cap() <= most);
    let fitting = allowed().find(|kind| {
        let lines = broken(kind, &text, width);
        block(kind, lines.len()) <= height && lines.iter().all(|line| kind.width(line) <= width)
    });
    let Some(kind) = fitting.or_else(|| allowed().next_back()) else {
        return Ok(());
    };
    let mut lines = broken(kind, &text, width);
    while lines.len() > 1 && block(kind, lines.len()) > height {
        lines.pop();
        if let Some(last) = lines.last_mut() {
            *last = shortened(kind, last, width);
        }
    }
    for (row, text) in (0..).zip(&lines) {
        let top = area.top_left + Point::new(0, row * kind.leading());
        let row = Rectangle::new(top, Size::new(area.size.width, kind.cap().unsigned_abs()));
        let text = if kind.width(text) > width {
            shortened(kind, text, width)
        } else {
            text.clone()
        };
        line(kind, &text, row, align, ink, target)?;
    }
    Ok(())
}

/// Height of so many lines, with what hangs below the last baseline.
fn block(kind: &Type, lines: usize) -> i32 {
    let between = i32::try_from(lines.saturating_sub(1)).unwrap_or(i32::MAX / 64);
    between * kind.leading() + kind.cap() + kind.cap() / 4
}

/// The text in lines that fit, broken at spaces.
fn broken(kind: &Type, text: &str, width: i32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if kind.width(&format!("{line} {part}")) <= width => {
                line.push(' ');
                line.push_str(part);
            }
            Some(_) | None => lines.push(part.to_owned()),
        }
    }
    lines
}

/// The line cut so that it fits with three dots at its end.
fn shortened(kind: &Type, line: &str, width: i32) -> String {
    let mut kept = line.to_owned();
    while !kept.is_empty() && kind.width(&format!("{kept}...")) > width {
        kept.pop();
    }
    format!("{}...", kept.trim_end())
}

/// The size of the top bar: capitals of 11 pixels on the small panel.
fn small_type<D: Dimensions>(target: &D) -> &'static Type {
    let most = whole(Scale::of(target).px(11));
    let fitting = SENTENCES.iter().find(|kind| kind.cap() <= most);
    fitting.unwrap_or(&SENTENCES[SENTENCES.len() - 1])
}

/// How wide a badge's text is at the size of the top bar.
pub fn small_width<D: Dimensions>(text: &str, target: &D) -> u32 {
    small_type(target).width(&drawable(text)).unsigned_abs()
}

/// Draws a line at the size of the top bar, cut to the area's width.
pub fn small<D: DrawTarget<Color = Rgb565>>(
    text: &str,
    area: Rectangle,
    align: Align,
    ink: Rgb565,
    target: &mut D,
) -> Result<(), D::Error> {
    let text = drawable(text);
    let kind = small_type(target);
    let width = whole(area.size.width);
    let text = if kind.width(&text) > width {
        shortened(kind, &text, width)
    } else {
        text
    };
    line(kind, &text, area, align, ink, target)
}

/// Draws a line like [`small`], but keeps its end: serials differ at their ends.
pub fn tail<D: DrawTarget<Color = Rgb565>>(
    text: &str,
    area: Rectangle,
    ink: Rgb565,
    target: &mut D,
) -> Result<(), D::Error> {
    let kind = small_type(target);
    let width = whole(area.size.width);
    let whole_text = drawable(text);
    let mut kept = whole_text.as_str();
    let mut shown = whole_text.clone();
    while kind.width(&shown) > width && !kept.is_empty() {
        let mut letters = kept.chars();
        letters.next();
        kept = letters.as_str();
        shown = format!("...{kept}");
    }
    line(kind, &shown, area, Align::Left, ink, target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_get_smaller_along_their_ladders() {
        for ladder in [&WORDS[..], &SENTENCES[..]] {
            let caps: Vec<_> = ladder.iter().map(Type::cap).collect();
            assert!(caps.windows(2).all(|pair| pair[0] >= pair[1]), "{caps:?}");
        }
    }

    #[test]
    fn letters_outside_the_fonts_are_drawn_as_question_marks() {
        assert_eq!(drawable("SN-7é漢\u{202e}x"), "SN-7é??x");
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_with_dots() {
        let cut = shortened(&SENTENCES[8], "a sentence that does not fit", 60);
        assert!(cut.ends_with("..."));
        assert!(SENTENCES[8].width(&cut) <= 60);
    }
}
