//! What this shift has made, in words and figures for the local screen.

use fixture_link::snapshot::ShiftView;

use super::language::{Language, Text};

/// A shift's tally and its pace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShiftWords {
    /// Which shift.
    pub name: String,
    /// Units that passed.
    pub passed: String,
    /// Units that failed.
    pub failed: String,
    /// Runs that say nothing about a unit.
    pub other: String,
    /// The share of units that passed in their first run; empty before the first.
    pub first_pass: String,
    /// Against the takt; empty without one.
    pub pace: String,
    /// Whether that is what the takt asks for.
    pub keeps: Keeps,
}

/// Whether a shift keeps pace with its takt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// It does, or has none.
    Pace,
    /// It is behind.
    Behind,
}

impl ShiftWords {
    /// Words a shift. Units count as finished by PASS or FAIL.
    pub fn of(shift: &ShiftView, language: &Language) -> Self {
        let ShiftView {
            name,
            passed,
            failed,
            other,
            first_pass_permille,
            wanted,
        } = shift;
        let finished = passed.saturating_add(*failed);
        let (pace, keeps) = match wanted {
            None => (String::new(), Keeps::Pace),
            Some(wanted) if *wanted > finished => {
                let count = (wanted - finished).to_string();
                (language.fill(Text::SayBehind, &[("count", &count)]), Keeps::Behind)
            }
            Some(wanted) if *wanted == finished => (language.say(Text::SayOnPace).to_owned(), Keeps::Pace),
            Some(wanted) => {
                let count = (finished - wanted).to_string();
                (language.fill(Text::SayAhead, &[("count", &count)]), Keeps::Pace)
            }
        };
        Self {
            name: name.clone(),
            passed: passed.to_string(),
            failed: failed.to_string(),
            other: other.to_string(),
            first_pass: first_pass_permille
                .map(|share| {
                    // Never rounded up: 99.95 % is not all of them.
                    let share = format!("{}.{}", share / 10, share % 10);
                    let share = share.strip_suffix(".0").unwrap_or(&share);
                    language.fill(Text::SayFirstPass, &[("share", share)])
                })
                .unwrap_or_default(),
            pace,
            keeps,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worded(passed: u32, wanted: Option<u32>) -> ShiftWords {
        let shift = ShiftView {
            name: "early".to_owned(),
            passed,
            failed: 3,
            other: 1,
            first_pass_permille: Some(975),
            wanted,
        };
        ShiftWords::of(&shift, Language::english())
    }

    #[test]
    fn the_pace_is_told_against_what_the_takt_wants() {
        let said = |passed, wanted| {
            let words = worded(passed, wanted);
            (words.pace, words.keeps)
        };
        assert_eq!(said(100, Some(120)), ("17 behind".to_owned(), Keeps::Behind));
        assert_eq!(said(117, Some(120)), ("on pace".to_owned(), Keeps::Pace));
        assert_eq!(said(120, Some(120)), ("3 ahead".to_owned(), Keeps::Pace));
        assert_eq!(said(120, None), (String::new(), Keeps::Pace));
        assert_eq!(worded(100, None).first_pass, "FPY 97.5 %");
    }
}
