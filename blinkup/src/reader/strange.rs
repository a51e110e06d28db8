//! Light that no fully known pattern explains: patterns with unpublished colours by their timing, and light that cannot be read.

use alloc::vec::Vec;
use core::time::Duration;

use super::Shade;
use crate::codes::{CodeTable, Colour, Pattern, PatternId, Span};
use crate::tick::Tick;

/// Colours that are remembered: two rounds of the longest row of the table, and some.
const REMEMBERED: usize = 24;
/// How far a step's length may be off, beside the 2 % of the clock: both edges wander, and fall between samples.
const TOLERANCE: Duration = Duration::from_millis(45);
/// For how long light must be unreadable before that is reported.
pub(super) const LASTING: Duration = Duration::from_secs(3);

/// A step of a repeating pattern; unknown colours are `None`.
type Step = (Option<Colour>, Span);

/// The last colours of the LED, and the repeating patterns that they may be.
#[derive(Debug, Clone)]
pub(super) struct Strange {
    repeating: Vec<(PatternId, Vec<Step>)>,
    colours: [(Colour, Tick); REMEMBERED],
    /// Colours seen since the start.
    seen: usize,
}

impl Strange {
    pub(super) fn new(table: &CodeTable) -> Self {
        let steps = |pattern: &Pattern| {
            pattern
                .steps()
                .iter()
                .map(|step| Some((step.colour, step.lasts?)))
                .collect::<Option<_>>()
        };
        let repeating = table.patterns().iter().filter(|pattern| pattern.repeats());
        Self {
            repeating: repeating
                .filter_map(|pattern| Some((pattern.id(), steps(pattern)?)))
                .collect(),
            colours: [(Colour::Off, Tick::ZERO); REMEMBERED],
            seen: 0,
        }
    }

    /// Forgets the colours.
    pub(super) fn restart(&mut self) {
        self.seen = 0;
    }

    pub(super) fn state_bytes(&self) -> usize {
        self.repeating.iter().map(|(_, steps)| size_of_val(&**steps)).sum()
    }

    /// Takes the LED's next colour; gives the first pattern of the table with unknown colours whose timing the last round and two
    /// steps had, where no fully known pattern had it as well.
    pub(super) fn push(&mut self, shade: &Shade) -> Option<PatternId> {
        self.colours.rotate_left(1);
        self.colours[REMEMBERED - 1] = (shade.colour, shade.from);
        self.seen += 1;
        let candidate = self
            .repeating
            .iter()
            .find(|(_, steps)| !is_known(steps) && self.has_shown(steps, steps.len() + 2))?;
        let length = candidate.1.len();
        let known = self
            .repeating
            .iter()
            .any(|(_, steps)| is_known(steps) && self.has_shown(steps, length.max(steps.len())));
        (!known).then_some(candidate.0)
    }

    /// Whether the last `count` whole colours were these steps, from any of them on, round by round the same.
    fn has_shown(&self, steps: &[Step], count: usize) -> bool {
        let round = steps.len();
        if self.seen <= count || count >= REMEMBERED {
            return false;
        }
        let shown = &self.colours[REMEMBERED - 1 - count..];
        (0..round).any(|first| {
            (0..count).all(|place| {
                let (Some((colour, from)), Some((_, until))) = (shown.get(place), shown.get(place + 1)) else {
                    return false;
                };
                let Some((expected, span)) = steps.get((first + place) % round) else {
                    return false;
                };
                let again = place.checked_sub(round).and_then(|before| shown.get(before));
                expected.is_none_or(|expected| expected == *colour)
                    && again.is_none_or(|(before, _)| before == colour)
                    && lasts(until.since(*from), *span)
            })
        })
    }
}

/// Whether light of this length may be a step of that one.
pub(super) fn lasts(length: Duration, span: Span) -> bool {
    length + TOLERANCE >= span.shortest.mul_f32(0.98) && length <= span.longest.mul_f32(1.02) + TOLERANCE
}

fn is_known(steps: &[Step]) -> bool {
    steps.iter().all(|(colour, _)| colour.is_some())
}
