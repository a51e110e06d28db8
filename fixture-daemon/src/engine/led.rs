//! A unit's LED against the recipe's limits: how strong it is, and of what colour. Measured of every unit, by the reader's own estimate.

use core::ops::RangeInclusive;

use fixture_ledger::record::{Limits, Measurement, Quantity, Scale, Side};

use super::sensor::Measures;

/// A die whose strength is known no better than to this share of it was not measured.
const TOO_UNSURE: f32 = 0.2;

/// What a recipe asks of a unit's LED.
#[derive(Debug, Clone, PartialEq)]
pub struct LedLimits {
    /// How strong it is.
    pub strength: Option<Strength>,
    /// The green die's share of both dice's light; with a reference unit, whose share is a half, else of counts.
    pub green_share: Option<RangeInclusive<f32>>,
}

/// How strong an LED has to be: the mean of both its dice.
#[derive(Debug, Clone, PartialEq)]
pub enum Strength {
    /// As a multiple of the reference unit's that commissioning measured in the lane.
    OfReference(RangeInclusive<f32>),
    /// In counts of the lane's sensor, of each die in its strongest channel.
    Counts(RangeInclusive<f32>),
}

/// A figure with its standard deviation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    /// What was measured.
    pub value: f32,
    /// Its standard deviation.
    pub deviation: f32,
}

impl Figure {
    fn over(self, other: f32) -> Self {
        Self {
            value: self.value / other,
            deviation: self.deviation / other,
        }
    }

    /// As it is recorded.
    fn measured(self, what: Quantity, scale: Scale, limits: Option<&RangeInclusive<f32>>) -> Measurement {
        Measurement {
            what,
            scale,
            value: self.value,
            deviation: self.deviation,
            limits: limits.map(|allowed| self.against(allowed)),
        }
    }

    fn against(self, allowed: &RangeInclusive<f32>) -> Limits {
        Limits::weigh(allowed.clone(), self.value, self.deviation)
    }

    /// Whether it is outside limits by more than its own uncertainty.
    fn is_outside(self, limits: &RangeInclusive<f32>) -> bool {
        self.against(limits).side == Side::Outside
    }
}

/// What became of the measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// All of it in words, for the evidence.
    pub words: String,
    /// All of it in figures.
    pub figures: Vec<Measurement>,
    /// Why the LED is outside the limits; `None` where it is inside, or was not measured.
    pub outside: Option<String>,
}

/// Weighs both dice of a unit's LED, counts with variances, red first; `None` for dice that were never seen lit. `reference` is the same of the
/// lane's reference unit.
pub fn judge(
    measures: Measures,
    dice: Option<[(f32, f32); 2]>,
    reference: Option<[f32; 2]>,
    limits: Option<&LedLimits>,
) -> Measured {
    let not = |why: &str| Measured {
        words: format!("LED not measured: {why}"),
        figures: Vec::new(),
        outside: None,
    };
    let Some(dice) = dice else {
        return not(match measures {
            Measures::Strength => "not seen lit",
            Measures::LitOrNot => "the sensor tells lit or not",
        });
    };
    let [red, green] = dice.map(|(value, variance)| Figure {
        value,
        deviation: variance.max(0.0).sqrt(),
    });
    if [red, green]
        .iter()
        .any(|die| die.deviation > TOO_UNSURE * die.value || die.value <= 0.0)
    {
        return not("not both of its dice were seen lit for long enough");
    }
    let reference = reference.filter(|reference| reference.iter().all(|die| *die > 0.0));
    let [of_red, of_green] = match reference {
        Some([of_red, of_green]) => [red.over(of_red), green.over(of_green)],
        None => [red, green],
    };
    let share = green_share(of_red, of_green);
    let mut said = vec![format!(
        "LED: red die {}, green die {} counts",
        words(red, 0),
        words(green, 0)
    )];
    let mut figures = vec![
        red.measured(Quantity::RedDie, Scale::Counts, None),
        green.measured(Quantity::GreenDie, Scale::Counts, None),
    ];
    let mut outside = Vec::new();
    let mut weigh =
        |what: Quantity, scale: Scale, figure: Figure, limits: Option<&RangeInclusive<f32>>, places: usize| {
            figures.push(figure.measured(what, scale, limits));
            let (name, unit) = (named(what), in_words(scale));
            let figure_words = format!("{name} {}{unit}", words(figure, places));
            let Some(limits) = limits else {
                said.push(figure_words);
                return;
            };
            let with_limits = format!(
                "{figure_words} ({:.places$} to {:.places$} allowed)",
                limits.start(),
                limits.end()
            );
            if figure.is_outside(limits) {
                outside.push(with_limits.clone());
            }
            said.push(with_limits);
        };
    let strength = limits.and_then(|limits| limits.strength.as_ref());
    match (strength, reference) {
        (Some(Strength::Counts(limits)), _) => {
            weigh(Quantity::LedStrength, Scale::Counts, mean(red, green), Some(limits), 0);
        }
        (Some(Strength::OfReference(limits)), Some(_)) => {
            weigh(
                Quantity::LedStrength,
                Scale::OfReference,
                mean(of_red, of_green),
                Some(limits),
                2,
            );
        }
        (None, Some(_)) => weigh(
            Quantity::LedStrength,
            Scale::OfReference,
            mean(of_red, of_green),
            None,
            2,
        ),
        (Some(Strength::OfReference(_)) | None, None) => {}
    }
    let of_share = limits.and_then(|limits| limits.green_share.as_ref());
    weigh(Quantity::GreenShare, Scale::Share, share, of_share, 2);
    if let (Some(Strength::OfReference(_)), None) = (strength, reference) {
        said.push("strength not judged: no reference unit was measured in this lane".to_owned());
    }
    Measured {
        words: said.join("; "),
        figures,
        outside: (!outside.is_empty()).then(|| outside.join("; ")),
    }
}

fn named(what: Quantity) -> &'static str {
    match what {
        Quantity::RedDie => "red die",
        Quantity::GreenDie => "green die",
        Quantity::LedStrength => "strength",
        Quantity::GreenShare => "green share",
        Quantity::Ambient => "ambient light",
        Quantity::AmbientNoise => "ambient noise",
    }
}

fn in_words(scale: Scale) -> &'static str {
    match scale {
        Scale::Counts => " counts",
        Scale::OfReference => " of the reference unit's",
        Scale::Share => "",
    }
}

fn words(figure: Figure, places: usize) -> String {
    format!(
        "{:.places$} ± {:.places$}",
        figure.value,
        figure.deviation,
        places = places.max(1)
    )
}

fn mean(red: Figure, green: Figure) -> Figure {
    Figure {
        value: f32::midpoint(red.value, green.value),
        deviation: red.deviation.hypot(green.deviation) / 2.0,
    }
}

fn green_share(red: Figure, green: Figure) -> Figure {
    let both = red.value + green.value;
    Figure {
        value: green.value / both,
        deviation: (green.value * red.deviation).hypot(red.value * green.deviation) / (both * both),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> LedLimits {
        LedLimits {
            strength: Some(Strength::OfReference(0.5..=2.0)),
            green_share: Some(0.4..=0.6),
        }
    }

    fn judged(dice: [(f32, f32); 2], limits: &LedLimits) -> Measured {
        judge(Measures::Strength, Some(dice), Some([1000.0, 1000.0]), Some(limits))
    }

    #[test]
    fn a_usual_led_is_inside_and_its_figures_are_told_with_unit_limits_and_uncertainty() {
        let measured = judged([(980.0, 100.0), (1020.0, 144.0)], &limits());
        assert_eq!(measured.outside, None);
        assert_eq!(
            measured.words,
            "LED: red die 980.0 ± 10.0, green die 1020.0 ± 12.0 counts; strength 1.00 ± 0.01 of the reference unit's (0.50 to 2.00 allowed); \
             green share 0.51 ± 0.00 (0.40 to 0.60 allowed)"
        );
    }

    #[test]
    fn what_is_told_in_words_is_kept_in_figures() {
        let measured = judged([(300.0, 25.0), (310.0, 25.0)], &limits());
        let told: Vec<_> = measured
            .figures
            .iter()
            .map(|figure| {
                let limits = figure
                    .limits
                    .as_ref()
                    .map(|limits| (limits.allowed.clone(), limits.side));
                (figure.what, figure.scale, figure.value, limits)
            })
            .collect();
        assert_eq!(
            told,
            [
                (Quantity::RedDie, Scale::Counts, 300.0, None),
                (Quantity::GreenDie, Scale::Counts, 310.0, None),
                (
                    Quantity::LedStrength,
                    Scale::OfReference,
                    0.305,
                    Some((0.5..=2.0, Side::Outside))
                ),
                (
                    Quantity::GreenShare,
                    Scale::Share,
                    0.31 / 0.61,
                    Some((0.4..=0.6, Side::Inside))
                ),
            ]
        );
        assert!(
            (measured.figures[0].deviation - 5.0).abs() < 1e-6,
            "{:?}",
            measured.figures
        );
        let unseen = judge(Measures::Strength, None, None, Some(&limits()));
        assert_eq!(unseen.figures, []);
    }

    #[test]
    fn a_dim_a_dazzling_and_an_off_colour_led_are_outside() {
        for (dice, what) in [
            ([(300.0, 25.0), (310.0, 25.0)], "strength 0.3"),
            ([(2500.0, 25.0), (2400.0, 25.0)], "strength 2.4"),
            ([(1000.0, 25.0), (500.0, 25.0)], "green share 0.33"),
            ([(500.0, 25.0), (1000.0, 25.0)], "green share 0.67"),
        ] {
            let outside = judged(dice, &limits()).outside.expect(what);
            assert!(outside.starts_with(what), "{outside}");
        }
    }

    #[test]
    fn a_figure_that_could_be_inside_fails_no_unit() {
        // 0.46 with a deviation of 0.02: two of them from the limit.
        let dice = [(460.0, 900.0), (460.0, 700.0)];
        assert_eq!(judged(dice, &limits()).outside, None);
        let sure = [(460.0, 90.0), (460.0, 70.0)];
        assert!(judged(sure, &limits()).outside.is_some());
    }

    #[test]
    fn what_was_not_measured_is_said_and_fails_no_unit() {
        let (all, counts) = (
            limits(),
            LedLimits {
                strength: Some(Strength::Counts(300.0..=9000.0)),
                green_share: None,
            },
        );
        let said = |measures, dice, reference, limits| judge(measures, dice, reference, Some(limits));
        let unseen = said(Measures::Strength, None, None, &all);
        assert_eq!(unseen.words, "LED not measured: not seen lit");
        let lit = said(Measures::LitOrNot, None, None, &all);
        assert_eq!(lit.words, "LED not measured: the sensor tells lit or not");
        let green_unseen = judged([(300.0, 25.0), (300.0, 8100.0)], &limits());
        assert_eq!(green_unseen.outside, None);
        assert!(green_unseen.words.contains("not both"), "{}", green_unseen.words);
        // Without a reference unit counts are judged, multiples of it are not.
        let dice = Some([(200.0, 4.0), (200.0, 4.0)]);
        let without = said(Measures::Strength, dice, None, &all);
        assert_eq!(without.outside, None);
        assert!(without.words.ends_with("no reference unit was measured in this lane"));
        let outside = said(Measures::Strength, dice, None, &counts).outside.unwrap();
        assert_eq!(outside, "strength 200.0 ± 1.4 counts (300 to 9000 allowed)");
    }
}
