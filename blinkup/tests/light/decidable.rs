//! The moment from which a showing can be told: without any noise, no other pattern explains the light any more, as there are
//! 60 ms of difference from each alternative, at any phase, with a clock 2 % off either way.

use blinkup::codes::{CodeTable, Colour, PatternId};

/// The grid on which light is compared, milliseconds.
const GRID_MS: f64 = 10.0;
/// Difference that tells two patterns apart, cells of the grid.
const TELLING: usize = 6;

/// A pattern in one of its possible lengths.
#[derive(Debug, Clone)]
pub struct Variant {
    pub pattern: PatternId,
    steps: Vec<(Colour, f64)>,
}

impl Variant {
    /// The colour at a time within the round.
    fn colour(&self, ms: f64) -> Colour {
        let mut rest = ms.rem_euclid(self.period());
        for (colour, length) in &self.steps {
            if rest < *length {
                return *colour;
            }
            rest -= length;
        }
        self.steps[0].0
    }

    fn period(&self) -> f64 {
        self.steps.iter().map(|(_, length)| length).sum()
    }
}

/// Every fully known pattern in every length that its ranges allow (on a grid) and with clocks from 2 % slow to 2 % fast.
pub fn variants(table: &CodeTable) -> Vec<Variant> {
    let mut all = Vec::new();
    for pattern in table.patterns().iter().filter(|pattern| pattern.is_fully_known()) {
        let mut made: Vec<Vec<(Colour, f64)>> = vec![Vec::new()];
        let mut ranged = false;
        for step in pattern.steps() {
            let colour = step.colour.unwrap();
            let lengths = match step.lasts {
                None => vec![1e6],
                Some(span) => {
                    let (low, high) = (span.shortest.as_secs_f64() * 1e3, span.longest.as_secs_f64() * 1e3);
                    ranged |= low < high;
                    let count = ((high - low) / 20.0).ceil() as usize;
                    (0..=count)
                        .map(|k| {
                            if count == 0 {
                                low
                            } else {
                                low + (high - low) * k as f64 / count as f64
                            }
                        })
                        .collect()
                }
            };
            made = made
                .iter()
                .flat_map(|steps| {
                    lengths
                        .iter()
                        .map(move |length| [steps.as_slice(), &[(colour, *length)]].concat())
                })
                .collect();
        }
        for steps in made {
            // A range stands for more than a clock does.
            let clocks: &[f64] = if ranged || steps.len() == 1 {
                &[1.0]
            } else {
                &[0.98, 0.99, 1.0, 1.01, 1.02]
            };
            for clock in clocks {
                let steps = steps.iter().map(|(colour, length)| (*colour, length * clock)).collect();
                all.push(Variant {
                    pattern: pattern.id(),
                    steps,
                });
            }
        }
    }
    all
}

/// When `light` (a colour every [`GRID_MS`]) that shows `shown` can be told from every other pattern, milliseconds from its first
/// colour; `None` when that never comes.
pub fn decidable_after(light: &[Colour], shown: PatternId, variants: &[Variant]) -> Option<f64> {
    let mut latest = 0;
    for variant in variants.iter().filter(|variant| variant.pattern != shown) {
        let phases = if variant.steps.len() == 1 {
            1
        } else {
            (variant.period() / GRID_MS).ceil() as usize
        };
        for phase in 0..phases {
            let mut different = 0;
            let told = light.iter().enumerate().position(|(cell, colour)| {
                let ms = (cell + phase) as f64 * GRID_MS;
                different += usize::from(variant.colour(ms) != *colour);
                different >= TELLING
            });
            latest = latest.max(told? + 1);
        }
    }
    Some(latest as f64 * GRID_MS)
}
