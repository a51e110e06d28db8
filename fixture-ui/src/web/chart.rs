//! A chart of yields over time: points with their intervals, limits, the mean, and marks of what changed. Everything is measured here, in units of the
//! drawing; the template only writes it down.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "places in a drawing, and counts far below 2^52"
)]

use core::fmt::Write as _;

use fixture_ledger::statistics::{Chart, Rule, wilson};

/// Left edge of the plot; figures stand left of it.
pub const LEFT: u32 = 60;
/// Its width.
pub const WIDTH: u32 = 920;
/// Its top edge; letters stand above it.
pub const TOP: u32 = 24;
/// Its height.
pub const HEIGHT: u32 = 240;

/// Yields over time, ready to be written as SVG.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct YieldChart {
    /// The points.
    pub dots: Vec<Dot>,
    /// The line through them, as a path.
    pub line: String,
    /// Their intervals, as a path of vertical strokes.
    pub intervals: String,
    /// The limits, as a path of steps.
    pub limits: String,
    /// Where the mean is, and what it is.
    pub mean: Option<(u32, String)>,
    /// Figures of the upright axis.
    pub levels: Vec<Level>,
    /// Names of the parts along the other axis.
    pub names: Vec<Name>,
    /// What changed when.
    pub flags: Vec<Flag>,
}

/// A point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dot {
    /// From the left.
    pub x: u32,
    /// From the top.
    pub y: u32,
    /// Out of limits.
    pub out: bool,
    /// Another rule fired.
    pub fired: bool,
    /// All that there is to say of it.
    pub title: String,
}

/// A figure of the upright axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// From the top.
    pub y: u32,
    /// The figure.
    pub label: String,
}

/// A name along the other axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// From the left.
    pub x: u32,
    /// The name.
    pub label: String,
}

/// Something that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// From the left.
    pub x: u32,
    /// Its letters.
    pub letters: String,
    /// All that there is to say of it.
    pub title: String,
}

/// Something that changed at the beginning of a part of the period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// The part.
    pub part: usize,
    /// The letter of its kind.
    pub letter: char,
    /// What.
    pub what: String,
}

/// A share as a percentage with one place; with two below 1 % and from 99 % on, where one place hides what matters.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if (99.0..100.0).contains(&percent) {
        // Never rounded up to all.
        format!("{:.2} %", (percent * 100.0 + 1.0e-6).floor().min(9999.0) / 100.0)
    } else if percent > 0.0 && percent < 1.0 {
        format!("{percent:.2} %")
    } else {
        format!("{percent:.1} %")
    }
}

impl YieldChart {
    /// Draws a p-chart as yields, with the names of its parts.
    pub fn of(chart: &Chart, names: &[String], marked: &[Marked]) -> Self {
        let parts = chart.points.len().max(1);
        let step = f64::from(WIDTH) / parts as f64;
        let x = |part: usize| LEFT + ((part as f64 + 0.5) * step) as u32;
        // What limits allow down to, and what was seen, are both to be seen.
        let lowest = chart
            .points
            .iter()
            .filter(|charted| charted.point.total > 0)
            .map(|charted| {
                let seen = charted
                    .point
                    .failed
                    .max(charted.limits.most.min(2 * charted.point.failed.max(1)));
                1.0 - seen as f64 / charted.point.total as f64
            })
            .fold(0.99_f64, f64::min);
        let (floor, levels) = levels(lowest);
        let y = |share: f64| {
            let part = ((share - floor) / (1.0 - floor)).clamp(0.0, 1.0);
            TOP + ((1.0 - part) * f64::from(HEIGHT)).round() as u32
        };
        let mut drawn = Self {
            levels: levels
                .into_iter()
                .map(|level| Level {
                    y: y(level),
                    label: percent_of_axis(level),
                })
                .collect(),
            mean: chart
                .mean
                .map(|failed| (y(1.0 - failed), format!("mean {}", percent(1.0 - failed)))),
            ..Self::default()
        };
        let every = parts.div_ceil(14);
        let mut limits = (String::new(), String::new());
        for (part, charted) in chart.points.iter().enumerate() {
            let name = names.get(part).map_or("", String::as_str);
            if part.is_multiple_of(every) {
                drawn.names.push(Name {
                    x: x(part),
                    label: name.to_owned(),
                });
            }
            let point = charted.point;
            if point.total == 0 {
                continue;
            }
            let share = 1.0 - point.failed as f64 / point.total as f64;
            let (px, py) = (x(part), y(share));
            let word = if drawn.line.is_empty() { 'M' } else { 'L' };
            // Writing to a String cannot fail.
            let _written = write!(drawn.line, "{word}{px} {py}");
            if let Some(interval) = wilson(point.total - point.failed, point.total) {
                let _written = write!(drawn.intervals, "M{px} {}V{}", y(interval.high), y(interval.low));
            }
            let (left, right) = (
                LEFT + (part as f64 * step) as u32,
                LEFT + ((part as f64 + 1.0) * step) as u32,
            );
            for (path, failed) in [
                (&mut limits.0, charted.limits.least),
                (&mut limits.1, charted.limits.most),
            ] {
                let level = y(1.0 - failed as f64 / point.total as f64);
                let _written = write!(path, "M{left} {level}H{right}");
            }
            let out = charted
                .rules
                .iter()
                .any(|rule| matches!(rule, Rule::Above | Rule::Below));
            let mut title = format!(
                "{name}: {} of {} units, {}",
                point.total - point.failed,
                point.total,
                percent(share)
            );
            for rule in &charted.rules {
                let _written = write!(title, "; {}", rule.words());
            }
            drawn.dots.push(Dot {
                x: px,
                y: py,
                out,
                fired: !out && !charted.rules.is_empty(),
                title,
            });
        }
        drawn.limits = limits.0 + &limits.1;
        drawn.flags = flags(marked, step);
        drawn
    }
}

/// What changed, once for each place.
fn flags(marked: &[Marked], step: f64) -> Vec<Flag> {
    let mut flags: Vec<Flag> = Vec::new();
    for mark in marked {
        let at = LEFT + (mark.part as f64 * step) as u32;
        match flags.last_mut().filter(|flag| flag.x == at) {
            Some(flag) => {
                if !flag.letters.contains(mark.letter) {
                    flag.letters.push(mark.letter);
                }
                let _written = write!(flag.title, "; {}", mark.what);
            }
            None => flags.push(Flag {
                x: at,
                letters: mark.letter.to_string(),
                title: mark.what.clone(),
            }),
        }
    }
    flags
}

/// The lowest share of the axis, and the shares that are named: at round figures, four to seven of them.
fn levels(lowest: f64) -> (f64, Vec<f64>) {
    let missing = (1.0 - lowest).clamp(0.001, 1.0);
    let step = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2]
        .into_iter()
        .find(|step| missing / step <= 5.0)
        .unwrap_or(0.25);
    let count = (missing / step).ceil() as u32;
    let shares = (0..=count)
        .map(|number| (1.0 - f64::from(number) * step).max(0.0))
        .collect();
    ((1.0 - f64::from(count) * step).max(0.0), shares)
}

fn percent_of_axis(share: f64) -> String {
    let percent = share * 100.0;
    if (percent - percent.round()).abs() < 1.0e-6 {
        format!("{percent:.0} %")
    } else {
        format!("{percent:.1} %")
    }
}

#[cfg(test)]
mod tests {
    use fixture_ledger::statistics::{Point, p_chart};

    use super::*;

    #[test]
    fn a_yield_is_never_rounded_up_to_all() {
        assert_eq!(percent(1.0), "100.0 %");
        assert_eq!(percent(0.999_99), "99.99 %");
        assert_eq!(percent(0.9912), "99.12 %");
        assert_eq!(percent(0.9812), "98.1 %");
        assert_eq!(percent(0.0), "0.0 %");
        assert_eq!(percent(0.0042), "0.42 %");
    }

    #[test]
    fn a_bad_day_stands_out_and_a_day_without_units_leaves_a_gap() {
        let mut points = vec![Point { failed: 10, total: 500 }; 9];
        points[4] = Point { failed: 90, total: 500 };
        points[6] = Point::default();
        let names: Vec<String> = (1..=9).map(|day| format!("day {day}")).collect();
        let marked = [
            Marked {
                part: 4,
                letter: 'S',
                what: "software 2".to_owned(),
            },
            Marked {
                part: 4,
                letter: 'L',
                what: "lot 9".to_owned(),
            },
        ];
        let drawn = YieldChart::of(&p_chart(&points), &names, &marked);
        assert_eq!(drawn.dots.len(), 8);
        let out: Vec<&Dot> = drawn.dots.iter().filter(|dot| dot.out).collect();
        assert_eq!(out.len(), 1);
        assert_eq!(
            out[0].title,
            "day 5: 410 of 500 units, 82.0 %; more failures than the limit"
        );
        assert_eq!(drawn.names.len(), 9);
        assert_eq!(drawn.flags.len(), 1);
        assert_eq!(
            (drawn.flags[0].letters.as_str(), drawn.flags[0].title.as_str()),
            ("SL", "software 2; lot 9")
        );
        for dot in &drawn.dots {
            assert!((TOP..=TOP + HEIGHT).contains(&dot.y) && (LEFT..=LEFT + WIDTH).contains(&dot.x));
        }
        assert_eq!(drawn.levels.first().map(|level| level.label.as_str()), Some("100 %"));
    }
}
