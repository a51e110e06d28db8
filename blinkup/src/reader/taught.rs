//! The colours of a code that nobody published, from light that shows it.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::Shade;
use super::strange::lasts;
use crate::codes::{Code, CodeTable, Colour, Step};

/// Rounds of the code that the light has to show one after the other.
pub const ROUNDS: usize = 3;
/// Of light that is not the code's, so many colours are told.
const TOLD: usize = 8;

/// Why light teaches nothing of a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unlike {
    /// Every colour of the code is known, or it does not repeat.
    NothingToLearn,
    /// Nowhere does the light have the code's lengths for [`ROUNDS`] rounds: the most steps in a row that had them, and what was seen.
    Lengths {
        /// Steps in a row.
        most: usize,
        /// Steps that it takes.
        of: usize,
        /// Colours and milliseconds, the longest stretch that came closest.
        seen: String,
    },
    /// The light is that of a pattern of which every colour is known: its codes.
    Known(Vec<String>),
    /// With these colours the code would repeat sooner than its steps say: it is a shorter pattern.
    Shorter {
        /// Steps after which it repeats.
        after: usize,
    },
}

impl fmt::Display for Unlike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingToLearn => f.write_str("the table knows every colour of it already, or it does not repeat"),
            Self::Lengths { most, of, seen } => write!(
                f,
                "the light contradicts the known lengths: expected {ROUNDS} rounds, {of} steps in a row, found {most}: {seen}"
            ),
            Self::Known(codes) => write!(f, "the light is that of {}, which the table knows", codes.join(", ")),
            Self::Shorter { after } => {
                write!(
                    f,
                    "the light repeats after {after} of the code's steps: it is another, shorter pattern"
                )
            }
        }
    }
}

impl core::error::Error for Unlike {}

/// Where light has the colours and lengths of a row of steps for longest.
#[derive(Debug, Clone, Copy, Default)]
struct Stretch {
    /// Colours in a row.
    most: usize,
    /// The first of them, and the step that it is.
    start: usize,
    first: usize,
}

impl Stretch {
    fn of(steps: &[Step], shown: &[(Colour, Duration)]) -> Self {
        let round = steps.len();
        let mut best = Self::default();
        for start in 0..shown.len() {
            for first in 0..round {
                let places = shown.iter().skip(start).enumerate();
                let fits = places.take_while(|(place, (colour, length))| {
                    let step = &steps[(first + place) % round];
                    let again = place.checked_sub(round).and_then(|before| shown.get(start + before));
                    step.colour.is_none_or(|expected| expected == *colour)
                        && again.is_none_or(|(before, _)| before == colour)
                        && step.lasts.is_some_and(|span| lasts(*length, span))
                });
                let most = fits.count();
                if most > best.most {
                    best = Self { most, start, first };
                }
            }
        }
        best
    }
}

/// The codes of a fully known pattern that light shows for [`ROUNDS`] rounds, and for as long as it shows anything.
fn known(table: &CodeTable, shown: &[(Colour, Duration)], most: usize) -> Option<Vec<String>> {
    let patterns = table.patterns().iter();
    let mut known = patterns.filter(|pattern| pattern.is_fully_known() && pattern.repeats());
    let pattern = known.find(|pattern| {
        let stretch = Stretch::of(pattern.steps(), shown);
        stretch.most >= most.max(ROUNDS * pattern.steps().len())
    })?;
    Some(table.codes_of(pattern.id()).map(|code| code.id.clone()).collect())
}

/// The colours of a code's steps in the light of which these are the changes of colour, in order.
///
/// # Errors
/// The code has nothing to be learned, or the light is not that of the code.
pub fn learned(table: &CodeTable, code: &Code, shades: &[Shade]) -> Result<Vec<Colour>, Unlike> {
    let steps = &code.steps;
    let round = steps.len();
    if !code.repeats || steps.iter().all(|step| step.colour.is_some()) {
        return Err(Unlike::NothingToLearn);
    }
    // Whole colours: the first began before the light was seen, the last has not ended.
    let shown: Vec<(Colour, Duration)> = shades
        .windows(2)
        .skip(1)
        .filter_map(|pair| match pair {
            [shade, next] => Some((shade.colour, next.from.since(shade.from))),
            _ => None,
        })
        .collect();
    let Stretch { most, start, first } = Stretch::of(steps, &shown);
    if let Some(codes) = known(table, &shown, most) {
        return Err(Unlike::Known(codes));
    }
    if most < ROUNDS * round {
        let seen = shown.iter().skip(start).take(TOLD);
        let seen: Vec<String> = seen
            .map(|(colour, length)| format!("{colour} {} ms", length.as_millis()))
            .collect();
        return Err(Unlike::Lengths {
            most,
            of: ROUNDS * round,
            seen: if seen.is_empty() {
                "no change of colour at all".to_string()
            } else {
                seen.join(", ")
            },
        });
    }
    let colours: Vec<Colour> = (0..round)
        .filter_map(|step| shown.get(start + (round + step - first) % round))
        .map(|(colour, _)| *colour)
        .collect();
    let same = |after: usize| {
        (0..round).all(|step| {
            let again = (step + after) % round;
            colours[step] == colours[again] && steps[step].lasts == steps[again].lasts
        })
    };
    match (1..round).find(|after| round.is_multiple_of(*after) && same(*after)) {
        Some(after) => Err(Unlike::Shorter { after }),
        None => Ok(colours),
    }
}

#[cfg(all(test, feature = "toml"))]
mod tests {
    use super::*;
    use crate::codes::Span;
    use crate::tick::Tick;

    fn step(ms: u64) -> Step {
        let length = Duration::from_millis(ms);
        Step {
            colour: None,
            lasts: Some(Span {
                shortest: length,
                longest: length,
            }),
        }
    }

    /// Changes of colour with these lengths, after some dark, over and over.
    fn shades(steps: &[(Colour, u64)], rounds: usize) -> Vec<Shade> {
        let mut now = 0;
        let mut shades = Vec::new();
        for (colour, ms) in
            core::iter::once(&(Colour::Amber, 333)).chain(steps.iter().cycle().take(steps.len() * rounds))
        {
            let from = Tick::from_micros(now * 1000);
            shades.push(Shade {
                at: from,
                from,
                colour: *colour,
            });
            now += ms;
        }
        shades
    }

    #[test]
    fn the_colours_are_those_of_the_light_in_the_order_of_the_codes_steps() {
        use Colour::{Amber, Green, Off, Red};
        let table = CodeTable::vendor();
        let code = table.code("wps-in-progress").unwrap();
        let light = [(Off, 505), (Green, 248), (Off, 255), (Amber, 247)];
        let learned = |code: &Code, shades: &[Shade]| learned(&table, code, shades);
        assert_eq!(
            learned(code, &shades(&light, 4)),
            Ok(Vec::from([Off, Green, Off, Amber]))
        );
        // In the middle of a round, too.
        let turned = [(Off, 255), (Amber, 247), (Off, 505), (Green, 248)];
        assert_eq!(
            learned(code, &shades(&turned, 5)),
            Ok(Vec::from([Off, Green, Off, Amber]))
        );
        let too_few = learned(code, &shades(&light, 3)).unwrap_err();
        assert!(matches!(too_few, Unlike::Lengths { most: 11, of: 12, .. }), "{too_few}");
        let longer = [(Off, 505), (Green, 348), (Off, 255), (Amber, 247)];
        let contradicted = learned(code, &shades(&longer, 4)).unwrap_err().to_string();
        assert!(contradicted.contains("contradicts the known lengths"), "{contradicted}");
        assert!(contradicted.contains("green 348 ms"), "{contradicted}");
        let known = table.code("connected").unwrap();
        assert_eq!(learned(known, &shades(&light, 4)), Err(Unlike::NothingToLearn));
        let denied = table.code("cell-registration-denied").unwrap();
        let slow = [(Off, 500), (Red, 500)];
        assert_eq!(
            learned(denied, &shades(&slow, 12)),
            Err(Unlike::Known(Vec::from(["lost-connection".to_string()])))
        );
        // Nor what a code would be that nobody knows.
        let short = [(Off, 500), (Red, 250), (Off, 500), (Red, 250)];
        let code = Code {
            steps: short.map(|(_, ms)| step(ms)).to_vec(),
            ..denied.clone()
        };
        assert_eq!(learned(&code, &shades(&short, 6)), Err(Unlike::Shorter { after: 2 }));
    }
}
