//! The figures of a gauge study: units along one axis, what was measured along the other, a shape for each person. Everything is measured here, in units
//! of the drawing; the template only writes it down.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "places in a drawing, and counts far below 2^52"
)]

use fixture_ledger::gauge::Crossed;
use fixture_link::identity::Serial;

use super::chart::{LEFT, Level, Name, TOP, WIDTH};

/// Its height.
pub const HEIGHT: u32 = 220;

/// The most names along the axis of units.
const NAMES: usize = 16;

/// Figures as spots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spots {
    /// The spots.
    pub spots: Vec<Spot>,
    /// Figures of the upright axis.
    pub levels: Vec<Level>,
    /// Units along the other.
    pub names: Vec<Name>,
    /// The recipe's limits, where they lie on it.
    pub limits: Vec<Level>,
    /// The people with their shapes.
    pub legend: Vec<(String, &'static str)>,
}

/// A figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// Its shape, as a path around its middle.
    pub shape: &'static str,
    /// From the left.
    pub x: u32,
    /// From the top.
    pub y: u32,
    /// All that there is to say of it.
    pub title: String,
}

/// A shape for each person, told apart without colour; as paths around 0, 0.
const SHAPES: [&str; 10] = [
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "M-4-4h8v8h-8z",
    "M0-5L5 4H-5z",
    "M0-5L5 0L0 5L-5 0z",
    "M0 5L5-4H-5z",
    "M-5-1.5h3.5V-5h3v3.5H5v3H1.5V5h-3V1.5H-5z",
    "M-5-2h10v4h-10z",
    "M-2-5h4v10h-4z",
    "M-5-5h10L-5 5z",
    "M5 5h-10L5-5z",
];

/// So many places after the point tell these figures apart.
pub fn places(values: &[f64]) -> usize {
    let (least, most) = range(values);
    let spread = most - least;
    let size = if spread > 0.0 { spread } else { least.abs() };
    if size > 0.0 {
        (2.0 - size.log10().floor()).clamp(0.0, 6.0) as usize
    } else {
        3
    }
}

fn range(values: &[f64]) -> (f64, f64) {
    values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| {
            (least.min(*value), most.max(*value))
        })
}

impl Spots {
    /// Draws the figures of a study.
    pub fn of(figures: &Crossed<f64>, units: &[Serial], people: &[String], limits: Option<(f64, f64)>) -> Self {
        let (mut least, mut most) = range(figures.of_all());
        if let Some((low, high)) = limits {
            (least, most) = (least.min(low), most.max(high));
        }
        let margin = if most > least { (most - least) * 0.05 } else { 0.5 };
        let (bottom, top) = (least - margin, most + margin);
        let y = |value: f64| TOP + ((top - value) / (top - bottom) * f64::from(HEIGHT)).round() as u32;
        let wide = f64::from(WIDTH) / units.len().max(1) as f64;
        let middle = |unit: usize| f64::from(LEFT) + (unit as f64 + 0.5) * wide;
        let places = places(figures.of_all());
        let apart = (wide * 0.7 / people.len().max(1) as f64).min(14.0);
        let mut spots = Vec::new();
        for (unit, serial) in units.iter().enumerate() {
            for (person, name) in people.iter().enumerate() {
                let aside = (person as f64 - (people.len() as f64 - 1.0) / 2.0) * apart;
                spots.extend(figures.cell(unit, person).iter().map(|value| Spot {
                    shape: shape(person),
                    x: (middle(unit) + aside).round() as u32,
                    y: y(*value),
                    title: format!("{serial}, {name}: {value:.places$}"),
                }));
            }
        }
        let every = units.len().div_ceil(NAMES).max(1);
        let of_axis = self::places(&[bottom, top]).saturating_sub(1);
        let level = |value: f64| Level {
            y: y(value),
            label: format!("{value:.of_axis$}"),
        };
        Self {
            spots,
            levels: (0..=4)
                .map(|n| level(bottom + (top - bottom) * f64::from(n) / 4.0))
                .collect(),
            names: units
                .iter()
                .enumerate()
                .step_by(every)
                .map(|(unit, serial)| Name {
                    x: middle(unit) as u32,
                    label: serial.as_str().to_owned(),
                })
                .collect(),
            limits: limits
                .into_iter()
                .flat_map(|(low, high)| [low, high])
                .map(level)
                .collect(),
            legend: people
                .iter()
                .enumerate()
                .map(|(person, name)| (name.clone(), shape(person)))
                .collect(),
        }
    }
}

fn shape(person: usize) -> &'static str {
    SHAPES[person % SHAPES.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_has_its_spot_between_the_edges_and_people_have_shapes_of_their_own() {
        let values = vec![1.0, 1.1, 1.2, 1.05, 0.9, 0.95, 0.92, 0.91];
        let figures = Crossed::new(2, 2, 2, values).unwrap();
        let units = ["A", "B"].map(|serial| Serial::new(serial).unwrap());
        let people = ["anna", "ben"].map(str::to_owned);
        let spots = Spots::of(&figures, &units, &people, Some((0.5, 1.5)));
        assert_eq!(spots.spots.len(), 8);
        assert!(spots.spots.iter().all(|spot| (TOP..=TOP + HEIGHT).contains(&spot.y)));
        assert!(spots.spots.iter().all(|spot| (LEFT..=LEFT + WIDTH).contains(&spot.x)));
        // The higher the figure, the higher the spot.
        assert!(spots.spots[0].y > spots.spots[2].y && spots.spots[2].y < spots.spots[4].y);
        assert_ne!(spots.spots[0].shape, spots.spots[2].shape);
        assert_eq!(spots.limits.len(), 2);
        assert_eq!(spots.spots[0].title, "A, anna: 1.000");
        assert_eq!((places(&[1000.0, 2000.0]), places(&[0.5, 0.51])), (0, 4));
    }
}
