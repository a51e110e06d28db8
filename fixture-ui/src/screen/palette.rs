//! The colours of the panel. Grey is normal; colour is for what needs a person.

use embedded_graphics::pixelcolor::Rgb565;

const fn from(red: u8, green: u8, blue: u8) -> Rgb565 {
    Rgb565::new(red >> 3, green >> 2, blue >> 3)
}

/// Behind everything.
pub const PAPER: Rgb565 = from(8, 10, 12);
/// A lane in which nothing needs a person.
pub const QUIET: Rgb565 = from(36, 40, 46);
/// Words on dark.
pub const INK: Rgb565 = from(240, 242, 244);
/// Lesser words on dark.
pub const DIM: Rgb565 = from(164, 172, 182);
/// Words on bright.
pub const BLACK: Rgb565 = from(0, 0, 0);
/// PASS.
pub const GREEN: Rgb565 = from(0, 116, 48);
/// FAIL.
pub const RED: Rgb565 = from(192, 12, 24);
/// ERROR, and a stopped line.
pub const YELLOW: Rgb565 = from(255, 196, 0);
/// UNDECIDED.
pub const VIOLET: Rgb565 = from(104, 56, 200);
/// ABORTED.
pub const GREY: Rgb565 = from(96, 104, 114);
/// Refused starts, and badges.
pub const WHITE: Rgb565 = from(244, 246, 248);
