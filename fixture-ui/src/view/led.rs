//! What a unit's LED shows, as a strip of colours and in words.

use blinkup::codes::Colour;
use fixture_link::snapshot::LedView;

use super::wording;

/// The strip's length: the daemon sends the last ten seconds.
const STRIP_MS: u32 = 10_000;

/// A unit's LED, in words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LedWords {
    /// What the standing reading says; that there is none where there is none.
    pub reading: String,
    /// The pieces of the strip, oldest first.
    pub pieces: Vec<Piece>,
    /// The strip for those who do not see it.
    pub alternative: String,
}

/// A piece of the strip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// The colour; `None` where nobody looked at the LED.
    pub colour: Option<Colour>,
    /// Its left edge, thousandths of the strip.
    pub from: u32,
    /// Its width, thousandths of the strip.
    pub width: u32,
}

impl Piece {
    /// The colour's name in style sheets.
    pub const fn class(&self) -> &'static str {
        match self.colour {
            Some(colour) => colour_word(colour),
            None => "hidden",
        }
    }

    /// Its top edge in a strip of two rows, twentieths: the green die's row above the red die's, both for amber, so that the colours
    /// are told apart without seeing them.
    pub const fn top(&self) -> u32 {
        match self.colour {
            Some(Colour::Red) => 11,
            Some(Colour::Off) => 9,
            Some(Colour::Green | Colour::Amber) | None => 1,
        }
    }

    /// Its height in such a strip.
    pub const fn tall(&self) -> u32 {
        match self.colour {
            Some(Colour::Red | Colour::Green) => 8,
            Some(Colour::Off) => 2,
            Some(Colour::Amber) | None => 18,
        }
    }
}

/// A colour's word.
pub const fn colour_word(colour: Colour) -> &'static str {
    match colour {
        Colour::Off => "dark",
        Colour::Red => "red",
        Colour::Amber => "amber",
        Colour::Green => "green",
    }
}

impl LedWords {
    /// Words what the LED shows. The newest piece ends at the right edge.
    pub fn of(led: &LedView) -> Self {
        let whole: u32 = led.strip.iter().map(|piece| piece.ms).sum();
        let span = whole.max(STRIP_MS);
        let mut at = span - whole;
        let pieces: Vec<_> = led
            .strip
            .iter()
            .map(|piece| {
                let from = permille(at, span);
                at += piece.ms;
                Piece {
                    colour: piece.colour,
                    from,
                    width: permille(at, span) - from,
                }
            })
            .collect();
        Self {
            reading: reading(led),
            alternative: alternative(led, whole),
            pieces,
        }
    }
}

fn permille(part: u32, whole: u32) -> u32 {
    u32::try_from(u64::from(part) * 1000 / u64::from(whole.max(1))).unwrap_or(1000)
}

fn reading(led: &LedView) -> String {
    match led.codes.as_slice() {
        [] => "no pattern read".to_owned(),
        codes => format!(
            "{} ({:.0} %)",
            wording::status(codes),
            f64::from(led.confidence) * 100.0
        ),
    }
}

fn alternative(led: &LedView, whole: u32) -> String {
    if whole == 0 {
        return "No light recorded.".to_owned();
    }
    let kinds = [
        (Some(Colour::Green), "green"),
        (Some(Colour::Amber), "amber"),
        (Some(Colour::Red), "red"),
        (Some(Colour::Off), "dark"),
        (None, "not looked at"),
    ];
    let shares: Vec<_> = kinds
        .into_iter()
        .filter_map(|(colour, word)| {
            let ms: u32 = led
                .strip
                .iter()
                .filter(|piece| piece.colour == colour)
                .map(|piece| piece.ms)
                .sum();
            (ms > 0).then(|| format!("{word} {} %", permille(ms, whole) / 10))
        })
        .collect();
    format!("Last {} s of light: {}.", whole.div_ceil(1000), shares.join(", "))
}

#[cfg(test)]
mod tests {
    use fixture_link::snapshot::StripPiece;

    use super::*;

    #[test]
    fn a_strip_ends_at_the_right_edge_and_has_a_text_of_its_own() {
        let led = LedView {
            codes: vec!["connected".to_owned()],
            confidence: 0.987,
            strip: vec![
                StripPiece {
                    colour: Some(Colour::Off),
                    ms: 500,
                },
                StripPiece {
                    colour: Some(Colour::Green),
                    ms: 500,
                },
                StripPiece { colour: None, ms: 1000 },
            ],
        };
        let words = LedWords::of(&led);
        assert_eq!(words.reading, "Connected to server (99 %)");
        assert_eq!(
            words.alternative,
            "Last 2 s of light: green 25 %, dark 25 %, not looked at 50 %."
        );
        assert_eq!(words.pieces[0].from, 800);
        let last = words.pieces[2];
        assert_eq!(last.from + last.width, 1000);
    }

    #[test]
    fn an_empty_strip_says_so() {
        let words = LedWords::of(&LedView::default());
        assert_eq!(words.alternative, "No light recorded.");
        assert_eq!(words.reading, "no pattern read");
    }
}
