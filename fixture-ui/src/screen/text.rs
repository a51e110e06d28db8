//! Words on the panel: the largest type that fits. Chinese is drawn from bitmaps of 16 pixels, whose edges are smoothed where they are
//! enlarged.

use core::cell::RefCell;
use std::collections::HashMap;

use super::scale::Scale;
use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Dimensions, Point, Size};
use embedded_graphics::pixelcolor::{Rgb565, RgbColor as _};
use embedded_graphics::primitives::{PointsIter as _, Rectangle};
use u8g2_fonts::types::{FontColor, VerticalPosition};
use u8g2_fonts::{FontRenderer, fonts};

/// A font at a whole multiple of its size.
struct Type {
    font: FontRenderer,
    scale: i32,
    script: Script,
    /// Its size, which tells the Chinese fonts apart.
    pixels: u8,
}

/// What a font is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    /// Latin-1.
    Latin,
    /// The simplified characters of GB 2312, and ASCII.
    Chinese,
}

const fn type_of<F: u8g2_fonts::Font>(scale: i32) -> Type {
    Type {
        font: FontRenderer::new::<F>().with_ignore_unknown_chars(true),
        scale,
        script: Script::Latin,
        pixels: 0,
    }
}

const fn chinese<F: u8g2_fonts::Font>(pixels: u8, scale: i32) -> Type {
    Type {
        script: Script::Chinese,
        pixels,
        ..type_of::<F>(scale)
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

/// For Chinese, from large to small: `WenQuanYi`'s bitmaps (GPL 2 with the font exception).
static CHINESE: [Type; 14] = [
    chinese::<fonts::u8g2_font_wqy16_t_gb2312>(16, 12),
    chinese::<fonts::u8g2_font_wqy16_t_gb2312>(16, 10),
    chinese::<fonts::u8g2_font_wqy16_t_gb2312>(16, 8),
    chinese::<fonts::u8g2_font_wqy16_t_gb2312>(16, 7),
    chinese::<fonts::u8g2_font_wqy16_t_gb2312>(16, 6),
    chinese::<fonts::u8g2_font_wqy16_t_gb2312>(16, 5),
    chinese::<fonts::u8g2_font_wqy16_t_gb2312>(16, 4),
    chinese::<fonts::u8g2_font_wqy16_t_gb2312>(16, 3),
    chinese::<fonts::u8g2_font_wqy12_t_gb2312>(12, 3),
    chinese::<fonts::u8g2_font_wqy16_t_gb2312>(16, 2),
    chinese::<fonts::u8g2_font_wqy12_t_gb2312>(12, 2),
    chinese::<fonts::u8g2_font_wqy16_t_gb2312>(16, 1),
    chinese::<fonts::u8g2_font_wqy13_t_gb2312>(13, 1),
    chinese::<fonts::u8g2_font_wqy12_t_gb2312>(12, 1),
];

/// The ladders of types that a text can be set in: that of words, or that of sentences.
fn ladder(text: &str, latin: &'static [Type]) -> &'static [Type] {
    if script(text) == Script::Chinese {
        &CHINESE
    } else {
        latin
    }
}

fn script(text: &str) -> Script {
    if text.chars().all(|letter| letter <= '\u{ff}') {
        Script::Latin
    } else {
        Script::Chinese
    }
}

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
        if self.script == Script::Chinese {
            return line.chars().filter_map(|sign| self.advance(sign)).sum::<i32>() * self.scale;
        }
        let size = self
            .font
            .get_rendered_dimensions(line, Point::zero(), VerticalPosition::Baseline)
            .ok()
            .and_then(|size| size.bounding_box)
            .map_or(0, |inked| inked.top_left.x + whole(inked.size.width));
        size * self.scale
    }

    /// How far a sign moves on before it is enlarged; `None` where the font lacks it. Kept, since a sign is searched for among 7,500.
    fn advance(&self, sign: char) -> Option<i32> {
        thread_local! {
            static KNOWN: RefCell<HashMap<(u8, char), Option<i32>>> = RefCell::default();
        }
        KNOWN.with_borrow_mut(|known| {
            *known.entry((self.pixels, sign)).or_insert_with(|| {
                let font = self.font.clone().with_ignore_unknown_chars(false);
                let size = font.get_rendered_dimensions(sign, Point::zero(), VerticalPosition::Baseline);
                size.ok().map(|size| size.advance.x)
            })
        })
    }

    /// What an upright sign covers, from the baseline's beginning, before it is enlarged.
    fn sign(&self) -> Rectangle {
        let sign = match self.script {
            Script::Latin => "H",
            Script::Chinese => "\u{56fd}",
        };
        self.font
            .get_rendered_dimensions(sign, Point::zero(), VerticalPosition::Baseline)
            .ok()
            .and_then(|size| size.bounding_box)
            .unwrap_or_default()
    }

    /// Height of a capital, or of a Chinese sign, in pixels.
    fn cap(&self) -> i32 {
        whole(self.sign().size.height) * self.scale
    }

    /// How far that reaches above the baseline, in pixels.
    fn rise(&self) -> i32 {
        -self.sign().top_left.y * self.scale
    }

    /// How far an accent of the line reaches above its capitals, in pixels.
    fn accent(&self, line: &str) -> i32 {
        if self.script == Script::Chinese || line.is_ascii() {
            return 0;
        }
        let inked = self
            .font
            .get_rendered_dimensions(line, Point::zero(), VerticalPosition::Baseline);
        let top = inked
            .ok()
            .and_then(|size| size.bounding_box)
            .map_or(0, |inked| -inked.top_left.y);
        (top * self.scale - self.rise()).max(0)
    }

    /// From one baseline to the next.
    fn leading(&self) -> i32 {
        match self.script {
            Script::Latin => self.cap() * 3 / 2 + 1,
            Script::Chinese => self.cap() * 5 / 4 + 1,
        }
    }

    fn draw<D: DrawTarget<Color = Rgb565>>(
        &self,
        line: &str,
        baseline: Point,
        ink: Rgb565,
        target: &mut D,
    ) -> Result<(), D::Error> {
        if self.script == Script::Chinese && self.scale > 1 {
            let stencil = Stencil::of(self, line);
            return stencil.draw(baseline, self.scale, ink, target);
        }
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

/// A line of type in its own pixels, set or not.
struct Stencil {
    area: Rectangle,
    set: Vec<bool>,
}

impl Stencil {
    fn of(kind: &Type, line: &str) -> Self {
        let area = kind
            .font
            .get_rendered_dimensions(line, Point::zero(), VerticalPosition::Baseline)
            .ok()
            .and_then(|size| size.bounding_box)
            .unwrap_or_default();
        let pixels = usize::try_from(area.size.width.saturating_mul(area.size.height)).unwrap_or(0);
        let mut stencil = Self {
            area,
            set: vec![false; pixels],
        };
        // A stencil takes whatever it is given; a sign that the font lacks is left out.
        let _drawn = kind.font.render(
            line,
            Point::zero(),
            VerticalPosition::Baseline,
            FontColor::Transparent(Rgb565::WHITE),
            &mut stencil,
        );
        stencil
    }

    fn place(&self, at: Point) -> Option<usize> {
        let Point { x, y } = at - self.area.top_left;
        let (x, y) = (u32::try_from(x).ok()?, u32::try_from(y).ok()?);
        let inside = x < self.area.size.width && y < self.area.size.height;
        inside
            .then(|| usize::try_from(y * self.area.size.width + x).ok())
            .flatten()
    }

    fn is_set(&self, at: Point) -> bool {
        self.place(at)
            .and_then(|place| self.set.get(place))
            .is_some_and(|set| *set)
    }

    /// Draws it enlarged, and a third of a pixel broader, since strokes of one pixel are thin from afar. Corners of pixels are filled and
    /// cut as in the Scale2x method (A. Mazzoleni, 2001), so that slanted strokes are no stairs.
    fn draw<D: DrawTarget<Color = Rgb565>>(
        &self,
        baseline: Point,
        scale: i32,
        ink: Rgb565,
        target: &mut D,
    ) -> Result<(), D::Error> {
        let broad = (scale / 3).unsigned_abs();
        for at in self.area.points() {
            for row in 0..scale {
                let inked = (0..scale).map(|column| self.inked(at, column, row, scale));
                let mut from: Option<i32> = None;
                for (column, inked) in (0..).zip(inked.chain([false])) {
                    match (from, inked) {
                        (None, true) => from = Some(column),
                        (Some(left), false) => {
                            let corner = baseline + at * scale + Point::new(left, row);
                            let length = (column - left).unsigned_abs() + broad;
                            target.fill_solid(&Rectangle::new(corner, Size::new(length, 1)), ink)?;
                            from = None;
                        }
                        (None, false) | (Some(_), true) => {}
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether a part of an enlarged pixel is inked: as the pixel is, but for corners that belong to a slanted edge.
    fn inked(&self, at: Point, column: i32, row: i32, scale: i32) -> bool {
        let own = self.is_set(at);
        let (right, low) = (2 * column + 1 > scale, 2 * row + 1 > scale);
        let beside = self.is_set(at + Point::new(if right { 1 } else { -1 }, 0));
        let above = self.is_set(at + Point::new(0, if low { 1 } else { -1 }));
        let across = self.is_set(at + Point::new(if right { -1 } else { 1 }, 0));
        let below = self.is_set(at + Point::new(0, if low { -1 } else { 1 }));
        let depth = |part: i32, far: bool| if far { scale - 1 - part } else { part };
        let in_corner = 2 * (depth(column, right) + depth(row, low)) < scale;
        if in_corner && beside == above && beside != across && above != below {
            beside
        } else {
            own
        }
    }
}

impl Dimensions for Stencil {
    fn bounding_box(&self) -> Rectangle {
        self.area
    }
}

impl DrawTarget for Stencil {
    type Color = Rgb565;
    type Error = core::convert::Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Self::Error>
    where
        I: IntoIterator<Item = Pixel<Rgb565>>,
    {
        for Pixel(at, _) in pixels {
            if let Some(set) = self.place(at).and_then(|place| self.set.get_mut(place)) {
                *set = true;
            }
        }
        Ok(())
    }
}

/// A number of pixels as a coordinate.
fn whole(pixels: u32) -> i32 {
    i32::try_from(pixels).unwrap_or(i32::MAX)
}

/// The text with what its fonts cannot draw as question marks.
fn drawable(text: &str) -> String {
    let script = script(text);
    text.chars()
        .map(|letter| if can_draw(letter, script) { letter } else { '?' })
        .collect()
}

fn can_draw(letter: char, script: Script) -> bool {
    match script {
        Script::Latin => matches!(letter, ' '..='~' | '\u{a1}'..='\u{ff}'),
        // The last three are the three fonts.
        Script::Chinese => CHINESE.iter().rev().take(3).all(|kind| kind.advance(letter).is_some()),
    }
}

/// The letters of a text that no font of the screen has.
pub fn undrawable(text: &str) -> String {
    let script = script(text);
    text.chars().filter(|letter| !can_draw(*letter, script)).collect()
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
    match fitting(&text, area.size) {
        Some(kind) => line(kind, &text, area, align, ink, target),
        None => sentence(&text, area, align, AtMost(12), ink, target),
    }
}

/// The largest type for a word.
fn fitting(text: &str, size: Size) -> Option<&'static Type> {
    let (width, height) = (whole(size.width), whole(size.height));
    ladder(text, &WORDS)
        .iter()
        .find(|kind| kind.cap() + kind.accent(text) <= height && kind.width(text) <= width)
}

/// Draws a few words as large as fits `area`: in one line, or in two with `gap` pixels between, broken at a space.
pub fn words<D: DrawTarget<Color = Rgb565>>(
    text: &str,
    area: Rectangle,
    gap: u32,
    align: Align,
    ink: Rgb565,
    target: &mut D,
) -> Result<(), D::Error> {
    let text = drawable(text);
    let half = Size::new(area.size.width, area.size.height.saturating_sub(gap) / 2);
    let size = |text: &str, room| fitting(text, room).map_or(0, Type::cap);
    let broken = text
        .match_indices(' ')
        .map(|(at, _)| (&text[..at], &text[at + 1..]))
        .max_by_key(|(first, second)| size(first, half).min(size(second, half)));
    match broken {
        Some((first, second)) if size(first, half).min(size(second, half)) > size(&text, area.size) => {
            let below = area.top_left + Point::new(0, whole(half.height + gap));
            word(first, Rectangle::new(area.top_left, half), align, ink, target)?;
            word(second, Rectangle::new(below, half), align, ink, target)
        }
        Some(_) | None => word(&text, area, align, ink, target),
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
    // In the middle, but an accent stays inside where there is room for it.
    let above = (whole(area.size.height) - kind.cap()) / 2;
    let accent = kind.accent(text).min(whole(area.size.height) - kind.cap());
    let y = above.max(accent) + kind.rise();
    #[cfg(test)]
    ruler::drawn(text, area, kind.width(text), kind.cap());
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
    let types = ladder(&text, &SENTENCES);
    let allowed = || types.iter().filter(|kind| kind.cap() <= most);
    let fitting = allowed().find(|kind| fits(kind, &text, area.size));
    let Some(kind) = fitting.or_else(|| types.last()) else {
        return Ok(());
    };
    let mut lines = broken(kind, &text, width);
    while lines.len() > 1 && block(kind, lines.len()) > height {
        #[cfg(test)]
        ruler::cut(&text, area);
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

/// Draws a sentence like [`sentence`] where all of it fits, and else nothing: for narrow lanes, whose word and place say what counts.
pub fn whole_sentence<D: DrawTarget<Color = Rgb565>>(
    text: &str,
    area: Rectangle,
    at_most: AtMost,
    ink: Rgb565,
    target: &mut D,
) -> Result<(), D::Error> {
    let drawn = drawable(text);
    let most = whole(Scale::of(target).px(at_most.0));
    let types = ladder(&drawn, &SENTENCES);
    // Where none is that small, the smallest is taken, as for every sentence.
    let allowed = types.iter().filter(|kind| kind.cap() <= most).chain(types.last());
    if allowed.into_iter().any(|kind| fits(kind, &drawn, area.size)) {
        sentence(text, area, Align::Left, at_most, ink, target)
    } else {
        Ok(())
    }
}

/// Whether a text fits so large, broken into lines.
fn fits(kind: &Type, text: &str, size: Size) -> bool {
    let (width, height) = (whole(size.width), whole(size.height));
    let lines = broken(kind, text, width);
    block(kind, lines.len()) <= height && lines.iter().all(|line| kind.width(line) <= width)
}

/// Height of so many lines, with what hangs below the last baseline.
fn block(kind: &Type, lines: usize) -> i32 {
    let between = i32::try_from(lines.saturating_sub(1)).unwrap_or(i32::MAX / 64);
    between * kind.leading() + kind.cap() + kind.cap() / 4
}

/// The text in lines that fit, broken at spaces, and between Chinese signs.
fn broken(kind: &Type, text: &str, width: i32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in text.split_whitespace() {
        for (place, unbroken) in unbroken(part).into_iter().enumerate() {
            let space = if place == 0 { " " } else { "" };
            match lines.last_mut() {
                Some(line) if kind.width(&format!("{line}{space}{unbroken}")) <= width => {
                    line.push_str(space);
                    line.push_str(unbroken);
                }
                Some(_) | None => lines.push(unbroken.to_owned()),
            }
        }
    }
    lines
}

/// Signs that no line begins with (GB/T 15834, section 5.1).
const ENDS: &str = "\u{ff0c}\u{3002}\u{ff1a}\u{ff1b}\u{ff01}\u{ff1f}\u{3001}\u{ff09}\u{201d}";

/// Signs that no line ends with.
const BEGINS: &str = "\u{ff08}\u{201c}";

/// A word in the pieces that no line may break: itself, or what stands between Chinese signs, each with its punctuation.
fn unbroken(part: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut begins = 0;
    let mut before: Option<char> = None;
    for (at, letter) in part.char_indices() {
        if let Some(before) = before {
            let chinese = before > '\u{2000}' || letter > '\u{2000}';
            if chinese && !ENDS.contains(letter) && !BEGINS.contains(before) {
                pieces.push(&part[begins..at]);
                begins = at;
            }
        }
        before = Some(letter);
    }
    pieces.push(&part[begins..]);
    pieces
}

/// The line cut so that it fits with three dots at its end.
fn shortened(kind: &Type, line: &str, width: i32) -> String {
    #[cfg(test)]
    ruler::cut(line, Rectangle::default());
    let mut kept = line.to_owned();
    while !kept.is_empty() && kind.width(&format!("{kept}...")) > width {
        kept.pop();
    }
    format!("{}...", kept.trim_end())
}

/// The size of the top bar: capitals of 11 pixels on the small panel.
fn small_type<D: Dimensions>(text: &str, target: &D) -> &'static Type {
    let most = whole(Scale::of(target).px(11));
    let types = ladder(text, &SENTENCES);
    let fitting = types.iter().find(|kind| kind.cap() <= most);
    fitting.unwrap_or(&types[types.len() - 1])
}

/// How wide a badge's text is at the size of the top bar.
pub fn small_width<D: Dimensions>(text: &str, target: &D) -> u32 {
    let text = drawable(text);
    small_type(&text, target).width(&text).unsigned_abs()
}

/// Draws a line at the size of the top bar, or in a smaller type where it is too long for that; cut to the area's width.
pub fn small<D: DrawTarget<Color = Rgb565>>(
    text: &str,
    area: Rectangle,
    align: Align,
    ink: Rgb565,
    target: &mut D,
) -> Result<(), D::Error> {
    let text = drawable(text);
    let width = whole(area.size.width);
    let (types, usual) = (ladder(&text, &SENTENCES), small_type(&text, target));
    let mut smaller = types.iter().filter(|kind| kind.cap() <= usual.cap());
    let fitting = smaller.clone().find(|kind| kind.width(&text) <= width);
    match (fitting, smaller.next_back()) {
        (Some(kind), _) => line(kind, &text, area, align, ink, target),
        (None, Some(kind)) => line(kind, &shortened(kind, &text, width), area, align, ink, target),
        (None, None) => Ok(()),
    }
}

/// Draws a line like [`small`], but keeps its end: serials differ at their ends.
pub fn tail<D: DrawTarget<Color = Rgb565>>(
    text: &str,
    area: Rectangle,
    ink: Rgb565,
    target: &mut D,
) -> Result<(), D::Error> {
    let whole_text = drawable(text);
    let kind = small_type(&whole_text, target);
    let width = whole(area.size.width);
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

/// What tests measure: every line that is drawn, and what is cut.
#[cfg(test)]
pub(super) mod ruler {
    use core::cell::RefCell;

    use embedded_graphics::primitives::Rectangle;

    thread_local! {
        static AMISS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }

    pub(super) fn drawn(text: &str, area: Rectangle, width: i32, cap: i32) {
        let (wide, tall) = (area.size.width.cast_signed(), area.size.height.cast_signed());
        if width > wide || cap > tall {
            AMISS.with_borrow_mut(|amiss| amiss.push(format!("{text:?}: {width}x{cap} in {wide}x{tall}")));
        }
    }

    pub(super) fn cut(text: &str, area: Rectangle) {
        AMISS.with_borrow_mut(|amiss| amiss.push(format!("{text:?}: cut in {:?}", area.size)));
    }

    /// What was too large for its place, or cut, since this was last asked.
    pub fn amiss() -> Vec<String> {
        AMISS.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_get_smaller_along_their_ladders() {
        for ladder in [&WORDS[..], &SENTENCES[..], &CHINESE[..]] {
            let caps: Vec<_> = ladder.iter().map(Type::cap).collect();
            assert!(caps.windows(2).all(|pair| pair[0] >= pair[1]), "{caps:?}");
        }
    }

    #[test]
    fn letters_outside_the_fonts_are_drawn_as_question_marks() {
        assert_eq!(drawable("SN-7é\u{7f}x"), "SN-7é?x");
        assert_eq!(drawable("合格\u{202e}x\u{1f600}"), "合格?x?");
    }

    #[test]
    fn chinese_is_broken_between_signs_but_not_before_punctuation() {
        assert_eq!(unbroken("放入Wi-Fi箱。"), ["放", "入", "Wi-Fi", "箱。"]);
        assert_eq!(unbroken("“合格”：x"), ["“合", "格”：", "x"]);
        assert_eq!(unbroken("GOOD"), ["GOOD"]);
    }

    #[test]
    fn every_text_of_every_language_is_in_the_fonts_that_it_is_set_in() {
        use crate::view::language::Languages;
        let languages = Languages::default();
        for tag in languages.tags() {
            for (path, text) in languages.speak(tag).texts() {
                assert_eq!(undrawable(text), "", "{tag}: {path}: {text}");
                for letter in text.chars() {
                    match script(text) {
                        Script::Latin => {
                            let both = WORDS.iter().chain(&SENTENCES);
                            let has = |kind: &&Type| {
                                let font = kind.font.clone().with_ignore_unknown_chars(false);
                                let at = Point::zero();
                                font.get_rendered_dimensions(letter, at, VerticalPosition::Baseline)
                                    .is_ok()
                            };
                            let lacking = both.filter(|kind| !has(kind)).count();
                            assert_eq!(lacking, 0, "{tag}: {path}: {letter:?}");
                        }
                        Script::Chinese => {
                            assert!(CHINESE.iter().all(|kind| kind.advance(letter).is_some()), "{letter:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_with_dots() {
        let cut = shortened(&SENTENCES[8], "a sentence that does not fit", 60);
        assert!(cut.ends_with("..."));
        assert!(SENTENCES[8].width(&cut) <= 60);
    }
}
